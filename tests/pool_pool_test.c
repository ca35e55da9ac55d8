/* pool_pool_test.c - many mails over many sessions, against servers on loopback that do as they are told:
 * limits, reuse, ends that nobody announced, turns, back-pressure, threads, failing memory, the end. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <tern/tern.h>
#include <unistd.h>

#include "pool/pool.h"

#define CONNS 64
#define MAILS 400
#define ROUNDS 20000 /* of a drive: each ends, though a server may never answer */

static int by_poll; /* all of it runs twice: over epoll, and over poll() */

/* ---- a server ----------------------------------------------------------------------------------------*/
typedef struct conn {
  int fd, content, mails, owes_end;
  char line[600], rcpt[64];
  size_t len;
} conn;

typedef struct server {
  int listener, open, most_open, accepted, mails, quits;
  int hold;        /* no reply to the end of a content */
  int only;        /* connections; the others get 421 */
  int close_at;    /* at the MAIL of this mail of a connection it hangs up, 1: the first; 0: never */
  int mute;        /* greets nobody */
  int refuse;      /* greets with 554 */
  int close_idle;  /* hangs up after each mail */
  char url[64];
  conn conns[CONNS];
  char order[MAILS][64]; /* recipients, as their mails ended */
} server;

static void serve(server *s)
{
  struct sockaddr_in a;
  socklen_t size = sizeof a;
  int i;

  memset(s, 0, sizeof *s);
  s->only = CONNS;
  for (i = 0; i < CONNS; i++) s->conns[i].fd = -1;
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  s->listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(s->listener >= 0);
  assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(s->listener, CONNS), 0);
  assert_int_equal(fcntl(s->listener, F_SETFL, O_NONBLOCK), 0);
  assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &size), 0);
  snprintf(s->url, sizeof s->url, "smtp://127.0.0.1:%d?tls=none", ntohs(a.sin_port));
}

static void hang_up(server *s, conn *c)
{
  if (c->fd < 0) return;
  close(c->fd);
  c->fd = -1;
  s->open--;
}

static void hang_up_all(server *s)
{
  int i;

  for (i = 0; i < CONNS; i++) hang_up(s, &s->conns[i]);
}

static void stop(server *s)
{
  hang_up_all(s);
  close(s->listener);
}

static void reply(const conn *c, const char *text)
{
  if (c->fd >= 0) (void)send(c->fd, text, strlen(text), MSG_NOSIGNAL);
}

static void end_mail(server *s, conn *c)
{
  c->owes_end = 0;
  assert_true(s->mails < MAILS);
  memcpy(s->order[s->mails++], c->rcpt, sizeof c->rcpt);
  reply(c, "250 2.0.0 Ok: queued as X1\r\n");
  if (s->close_idle) hang_up(s, c);
}

static void take_line(server *s, conn *c)
{
  if (c->content) {
    if (strcmp(c->line, ".") != 0) return;
    c->content = 0;
    c->owes_end = 1;
    if (!s->hold) end_mail(s, c);
  } else if (!strncmp(c->line, "EHLO", 4)) {
    reply(c, "250-here\r\n250 PIPELINING\r\n");
  } else if (!strncmp(c->line, "MAIL", 4) && ++c->mails == s->close_at) {
    hang_up(s, c);
  } else if (!strncmp(c->line, "RCPT", 4)) {
    snprintf(c->rcpt, sizeof c->rcpt, "%.*s", (int)strcspn(c->line + 9, "@>"), c->line + 9);
    reply(c, "250 ok\r\n");
  } else if (!strcmp(c->line, "DATA")) {
    c->content = 1;
    reply(c, "354 go\r\n");
  } else if (!strcmp(c->line, "QUIT")) {
    s->quits++;
    reply(c, "221 bye\r\n");
    hang_up(s, c);
  } else {
    reply(c, "250 ok\r\n");
  }
}

static void welcome(server *s)
{
  int fd = accept(s->listener, NULL, NULL), i, one = 1;
  conn *c;

  if (fd < 0) return;
  for (i = 0; i < CONNS && s->conns[i].fd >= 0; i++) continue;
  assert_true(i < CONNS);
  c = &s->conns[i];
  memset(c, 0, sizeof *c);
  c->fd = fd;
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
  s->accepted++;
  if (++s->open > s->most_open) s->most_open = s->open;
  if (s->mute) return;
  if (s->refuse || s->open > s->only) {
    reply(c, s->refuse ? "554 no\r\n" : "421 too many connections\r\n");
    hang_up(s, c);
  } else {
    reply(c, "220 here\r\n");
  }
}

/* What came behind the end of a content waits for the reply to that. */
static void take(server *s, conn *c)
{
  char octet;
  ssize_t n = 1;

  while (c->fd >= 0 && !c->owes_end && (n = recv(c->fd, &octet, 1, 0)) == 1) {
    if (octet == '\n') {
      c->line[c->len ? c->len - 1 : 0] = '\0';
      c->len = 0;
      take_line(s, c);
    } else if (c->len + 1 < sizeof c->line) {
      c->line[c->len++] = octet;
    }
  }
  if (c->fd >= 0 && n == 0) hang_up(s, c);
}

static void move(server *s)
{
  int i;

  welcome(s);
  for (i = 0; i < CONNS; i++) {
    if (s->conns[i].owes_end && !s->hold) end_mail(s, &s->conns[i]);
    take(s, &s->conns[i]);
  }
}

/* ---- mails and pools -----------------------------------------------------------------------------------*/
static const char text[] = "Subject: x\r\n\r\nhello\r\n";

static tern_mail *letter(const tern_allocator *mem, const char *rcpt)
{
  tern_mail *m = tern_mail_new(mem);
  char address[80];

  snprintf(address, sizeof address, "%s@example.net", rcpt);
  tern_mail_from(m, "ann@example.org");
  tern_mail_rcpt(m, address);
  tern_mail_content(m, text, sizeof text - 1);
  return m;
}

static tern_pool *pool(const tern_allocator *mem)
{
  tern_pool *p = tern_pool_new(mem);

  if (!p) return NULL;
  tern__loop_init(&p->loop, mem, by_poll);
  tern_pool_set_ehlo_name(p, "client.example");
  return p;
}

static tern_mail *submitted(tern_pool *p, const char *url, const char *rcpt, uint64_t submitter)
{
  tern_mail *m = letter(NULL, rcpt);

  assert_int_equal(tern_pool_submit(p, url, m, submitter, 0), TERN_E_AGAIN);
  return m;
}

/* Steps the pool and the servers until that many mails are fetched; frees those that were accepted, and
 * returns how many these were. */
static int drive(tern_pool *p, server *s, server *other, int count)
{
  int good = 0, rounds;
  tern_mail *m;

  for (rounds = 0; count && rounds < ROUNDS; rounds++) {
    (void)tern_pool_step(p);
    move(s);
    if (other) move(other);
    if (rounds > 100) poll(NULL, 0, 1);
    while ((m = tern_pool_finished(p)) != NULL) {
      count--;
      if (tern_mail_status(m) != TERN_OK) continue;
      good++;
      assert_int_equal(tern_mail_free(m), TERN_OK);
    }
  }
  assert_int_equal(count, 0);
  return good;
}

/* Steps both for a while. */
static void pass(tern_pool *p, server *s, int rounds)
{
  while (rounds-- > 0) {
    (void)tern_pool_step(p);
    move(s);
  }
}

static int place(const server *s, const char *rcpt)
{
  int i;

  for (i = 0; i < s->mails && strcmp(s->order[i], rcpt) != 0; i++) continue;
  return i;
}

/* ---- connections -----------------------------------------------------------------------------------*/
static void one_after_the_other_over_one(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  int i;

  (void)state;
  serve(&s);
  for (i = 0; i < 5; i++) {
    submitted(p, s.url, "bob", 0);
    assert_int_equal(drive(p, &s, NULL, 1), 1);
  }
  assert_int_equal(s.accepted, 1);
  assert_int_equal(tern_pool_connections(p), 1);
  assert_int_equal(tern_pool_step(p), TERN_OK); /* nothing is under way */
  tern_pool_close(p);
  pass(p, &s, 20);
  assert_int_equal(s.quits, 1);
  assert_int_equal(tern_pool_connections(p), 0);
  tern_pool_free(p);
  stop(&s);
}

static void limits_hold(void **state)
{
  server a, b;
  tern_pool *p = pool(NULL);
  int i;

  (void)state;
  serve(&a);
  serve(&b);
  tern_pool_set_limits(p, 5, 3);
  for (i = 0; i < 40; i++) submitted(p, i % 2 ? a.url : b.url, "bob", 0);
  assert_int_equal(tern_pool_waiting(p), 40);
  assert_int_equal(drive(p, &a, &b, 40), 40);
  assert_true(a.most_open <= 3 && b.most_open <= 3);
  assert_true(a.most_open + b.most_open >= 5); /* and they are used */
  assert_int_equal(a.mails + b.mails, 40);
  tern_pool_free(p);
  stop(&a);
  stop(&b);
}

/* One server under several URLs has one limit; a connection takes the mails of its own URL only. */
static void one_host_of_many_urls(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  char url[3][80];
  int i;

  (void)state;
  serve(&s);
  tern_pool_set_limits(p, 0, 2);
  snprintf(url[0], sizeof url[0], "smtp://localhost%s", strrchr(s.url, ':'));
  snprintf(url[1], sizeof url[1], "smtp://LocalHost%s", strrchr(s.url, ':'));
  snprintf(url[2], sizeof url[2], "SMTP://localhost%s", strrchr(s.url, ':'));
  for (i = 0; i < 30; i++) submitted(p, url[i % 3], "bob", (uint64_t)i);
  assert_int_equal(drive(p, &s, NULL, 30), 30);
  assert_int_equal(s.most_open, 2);
  assert_true(s.accepted >= 3);
  tern_pool_free(p);
  stop(&s);
}

static void an_idle_one_makes_room(void **state)
{
  server a, b;
  tern_pool *p = pool(NULL);

  (void)state;
  serve(&a);
  serve(&b);
  tern_pool_set_limits(p, 1, 1);
  submitted(p, a.url, "bob", 0);
  assert_int_equal(drive(p, &a, NULL, 1), 1);
  submitted(p, b.url, "bob", 0);
  assert_int_equal(drive(p, &a, &b, 1), 1);
  assert_int_equal(a.quits, 1);
  tern_pool_free(p);
  stop(&a);
  stop(&b);
}

static void idle_time_ends(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  int i;

  (void)state;
  serve(&s);
  tern_pool_set_idle_time(p, 0);
  submitted(p, s.url, "bob", 0);
  assert_int_equal(drive(p, &s, NULL, 1), 1);
  for (i = 0; i < 1000 && tern_pool_connections(p); i++) {
    pass(p, &s, 1);
    poll(NULL, 0, 1);
  }
  assert_int_equal(s.quits, 1);
  assert_int_equal(tern_pool_connections(p), 0);
  assert_int_equal(tern_pool_timeout(p), -1);
  tern_pool_free(p);
  stop(&s);
}

/* The server hangs up on an idle connection: the next mail is not lost, and one more is opened. */
static void stale_and_noticed(void **state)
{
  server s;
  tern_pool *p = pool(NULL);

  (void)state;
  serve(&s);
  submitted(p, s.url, "bob", 0);
  assert_int_equal(drive(p, &s, NULL, 1), 1);
  hang_up_all(&s);
  submitted(p, s.url, "eve", 0); /* before the pool has looked */
  assert_int_equal(drive(p, &s, NULL, 1), 1);
  assert_int_equal(s.accepted, 2);
  hang_up_all(&s);
  pass(p, &s, 5);
  assert_int_equal(tern_pool_connections(p), 0); /* and it does not take a mail to see it */
  tern_pool_free(p);
  stop(&s);
}

/* It does so when the MAIL comes: the client's own rule. */
static void stale_at_mail(void **state)
{
  server s;
  tern_pool *p = pool(NULL);

  (void)state;
  serve(&s);
  submitted(p, s.url, "bob", 0);
  assert_int_equal(drive(p, &s, NULL, 1), 1);
  s.close_at = 2;
  submitted(p, s.url, "eve", 0);
  assert_int_equal(drive(p, &s, NULL, 1), 1);
  assert_int_equal(s.accepted, 2);
  assert_int_equal(s.mails, 2);
  tern_pool_free(p);
  stop(&s);
}

static void hangs_up_after_each(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  int i;

  (void)state;
  serve(&s);
  s.close_idle = 1;
  for (i = 0; i < 30; i++) submitted(p, s.url, "bob", 0);
  assert_int_equal(drive(p, &s, NULL, 30), 30);
  assert_int_equal(s.mails, 30);
  tern_pool_free(p);
  stop(&s);
}

static void refused_above_two(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  int i;

  (void)state;
  serve(&s);
  s.only = 2;
  for (i = 0; i < 40; i++) submitted(p, s.url, "bob", 0);
  assert_int_equal(drive(p, &s, NULL, 40), 40);
  assert_int_equal(s.mails, 40);
  assert_true(s.accepted < 15); /* it was not asked again and again */
  tern_pool_free(p);
  stop(&s);
}

/* The first one that fails speaks for all that wait. */
static void nobody_there(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  tern_mail *m;
  int i, refuse;

  (void)state;
  for (refuse = 0; refuse < 2; refuse++) {
    serve(&s);
    s.refuse = refuse;
    if (!refuse) close(s.listener);
    for (i = 0; i < 20; i++) submitted(p, s.url, "bob", (uint64_t)i);
    for (i = 0; i < 2000 && tern_pool_step(p) == TERN_E_AGAIN; i++) {
      if (refuse) move(&s);
      poll(NULL, 0, 1);
    }
    for (i = 0; (m = tern_pool_finished(p)) != NULL; i++) {
      assert_true(tern_mail_status(m) < 0);
      assert_int_equal(tern_error_phase(tern_mail_error(m)), refuse ? TERN_PHASE_GREETING : TERN_PHASE_CONNECT);
      assert_int_equal(tern_mail_rcpt_outcome(m, 0), refuse ? tern_mail_rcpt_outcome(m, 0) : TERN_UNSENT);
      tern_mail_free(m);
    }
    assert_int_equal(i, 20);
    assert_true(s.accepted <= 1);
    if (refuse) stop(&s);
  }
  tern_pool_free(p);
}

static void looked_up_once(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  char url[80];
  tern__list *at;
  int i, named = 0;

  (void)state;
  serve(&s);
  snprintf(url, sizeof url, "smtp://localhost%s", strrchr(s.url, ':'));
  for (i = 0; i < 30; i++) submitted(p, url, "bob", 0);
  s.hold = 1;
  pass(p, &s, 50);
  assert_int_equal(tern_pool_connections(p), 10);
  for (at = p->sessions.next; at != &p->sessions; at = at->next)
    named += !((tern__pool_session *)at->of)->by_address;
  assert_int_equal(named, 1);
  s.hold = 0;
  assert_int_equal(drive(p, &s, NULL, 30), 30);
  tern_pool_free(p);
  stop(&s);
}

/* Mails share a connection, and an end that one of them brings about leaves the others whole. */
static void window_and_cancel(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  tern_mail *m[9];
  int i;

  (void)state;
  serve(&s);
  tern_pool_set_window(p, 3);
  tern_pool_set_limits(p, 0, 1);
  for (i = 0; i < 9; i++) m[i] = submitted(p, s.url, "bob", 0);
  s.hold = 1;
  pass(p, &s, 50);
  assert_int_equal(tern_pool_sending(p), 3);
  assert_int_equal(tern_pool_cancel_mail(p, m[0]), TERN_OK);
  s.hold = 0;
  assert_int_equal(drive(p, &s, NULL, 9), 8);
  assert_int_equal(tern_mail_status(m[0]), TERN_E_IN_DOUBT); /* its content had left */
  assert_int_equal(s.accepted, 2);
  tern_mail_free(m[0]);
  tern_pool_free(p);
  stop(&s);
}

/* ---- turns -------------------------------------------------------------------------------------------*/
static void submitters_take_turns(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  char name[16];
  int i;

  (void)state;
  serve(&s);
  tern_pool_set_limits(p, 0, 1);
  for (i = 0; i < 20; i++) {
    snprintf(name, sizeof name, "many%d", i);
    submitted(p, s.url, name, 1);
  }
  submitted(p, s.url, "few0", 2);
  submitted(p, s.url, "few1", 2);
  assert_int_equal(drive(p, &s, NULL, 22), 22);
  assert_true(place(&s, "few0") <= 1);
  assert_true(place(&s, "few1") <= 3);
  for (i = 1; i < 20; i++) { /* each one's own order stays */
    char before[16];
    snprintf(before, sizeof before, "many%d", i - 1);
    snprintf(name, sizeof name, "many%d", i);
    assert_true(place(&s, before) < place(&s, name));
  }
  tern_pool_free(p);
  stop(&s);
}

static void hosts_take_turns(void **state)
{
  server a, b;
  tern_pool *p = pool(NULL);
  int i, rounds;

  (void)state;
  serve(&a);
  serve(&b);
  tern_pool_set_limits(p, 1, 1);
  for (i = 0; i < 60; i++) submitted(p, a.url, "bob", 0);
  submitted(p, b.url, "eve", 0);
  for (rounds = 0; rounds < 2000 && !b.mails; rounds++) {
    (void)tern_pool_step(p);
    move(&a);
    move(&b);
  }
  assert_int_equal(b.mails, 1);
  assert_true(a.mails < 20); /* it gave way, and not for good, nor for an idle time */
  tern_pool_set_idle_time(p, 3600000);
  assert_int_equal(drive(p, &a, &b, 61), 61);
  tern_pool_free(p);
  stop(&a);
  stop(&b);
}

/* ---- back-pressure -----------------------------------------------------------------------------------*/
static void full_is_said(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  tern_mail *m = letter(NULL, "late");
  int i;

  (void)state;
  serve(&s);
  assert_int_equal(tern_pool_set_queue(p, 4, 5), TERN_E_ARGUMENT);
  assert_int_equal(tern_pool_submit(p, s.url, m, 0, 0), TERN_E_ARGUMENT); /* a setting that failed is told */
  assert_int_equal(tern_pool_set_queue(p, 4, 3), TERN_OK);
  tern_pool_set_limits(p, 0, 1);
  s.hold = 1;
  submitted(p, s.url, "bob", 0);
  pass(p, &s, 20);
  assert_int_equal(tern_pool_sending(p), 1);
  for (i = 0; i < 4; i++) {
    assert_int_equal(tern_pool_pressure(p), i >= 3);
    submitted(p, s.url, "bob", 0);
  }
  assert_int_equal(tern_pool_submit(p, s.url, m, 0, 0), TERN_E_FULL);
  assert_int_equal(tern_mail_set_flags(m, 0), TERN_OK); /* it is still ours */
  s.hold = 0;
  assert_int_equal(drive(p, &s, NULL, 4), 4);
  assert_int_equal(tern_pool_pressure(p), 0);
  assert_int_equal(tern_pool_submit(p, s.url, m, 0, 0), TERN_E_AGAIN);
  assert_int_equal(drive(p, &s, NULL, 2), 2);
  tern_pool_free(p);
  stop(&s);
}

/* ---- ends --------------------------------------------------------------------------------------------*/
static void time_is_over(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  tern_mail *sent = letter(NULL, "sent"), *waits = letter(NULL, "waits");

  (void)state;
  serve(&s);
  s.hold = 1;
  tern_pool_set_limits(p, 0, 1);
  assert_int_equal(tern_pool_submit(p, s.url, sent, 0, 100), TERN_E_AGAIN);
  assert_int_equal(tern_pool_submit(p, s.url, waits, 0, 50), TERN_E_AGAIN);
  assert_int_equal(drive(p, &s, NULL, 2), 0);
  assert_int_equal(tern_mail_status(sent), TERN_E_IN_DOUBT);
  assert_int_equal(tern_error_cause(tern_mail_error(sent)), TERN_E_TIMEOUT);
  assert_int_equal(tern_mail_rcpt_outcome(sent, 0), TERN_UNKNOWN);
  assert_int_equal(tern_mail_status(waits), TERN_E_TIMEOUT);
  assert_int_equal(tern_mail_rcpt_outcome(waits, 0), TERN_UNSENT);
  tern_mail_free(sent);
  tern_mail_free(waits);
  tern_pool_free(p);
  stop(&s);
}

static void time_is_over_before_it_began(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  tern_mail *m = letter(NULL, "bob");

  (void)state;
  serve(&s);
  s.mute = 1;
  tern_pool_set_timeout(p, 30);
  assert_int_equal(tern_pool_submit(p, s.url, m, 0, 0), TERN_E_AGAIN);
  assert_int_equal(drive(p, &s, NULL, 1), 0);
  assert_int_equal(tern_mail_status(m), TERN_E_TIMEOUT);
  assert_int_equal(tern_mail_rcpt_outcome(m, 0), TERN_UNSENT);
  assert_int_equal(tern_pool_connections(p), 0);
  tern_mail_free(m);
  tern_pool_free(p);
  stop(&s);
}

static void cancelled_one_by_one(void **state)
{
  server s;
  tern_pool *p = pool(NULL), *other = pool(NULL);
  tern_mail *m[4];
  int i;

  (void)state;
  serve(&s);
  s.hold = 1;
  tern_pool_set_limits(p, 0, 1);
  for (i = 0; i < 4; i++) m[i] = submitted(p, s.url, "bob", 0);
  pass(p, &s, 20);
  assert_int_equal(tern_mail_free(m[3]), TERN_E_STATE);
  assert_int_equal(tern_pool_submit(p, s.url, m[3], 0, 0), TERN_E_STATE);
  assert_int_equal(tern_pool_cancel_mail(other, m[3]), TERN_E_STATE);
  assert_int_equal(tern_pool_cancel_mail(p, m[3]), TERN_OK); /* it waits */
  assert_int_equal(tern_mail_status(m[3]), TERN_E_CANCELLED);
  assert_int_equal(tern_mail_free(m[3]), TERN_OK); /* without being fetched */
  assert_int_equal(tern_pool_cancel_mail(p, m[0]), TERN_OK); /* its content has left */
  pass(p, &s, 5);
  assert_ptr_equal(tern_pool_finished(p), m[0]);
  assert_int_equal(tern_mail_status(m[0]), TERN_E_IN_DOUBT);
  tern_mail_free(m[0]);
  assert_int_equal(tern_pool_cancel_mail(p, m[1]), TERN_OK);
  s.hold = 0;
  assert_int_equal(drive(p, &s, NULL, 2), 1);
  tern_mail_free(m[1]);
  tern_pool_free(p);
  tern_pool_free(other);
  stop(&s);
}

static int told, told_unknown, told_cancelled;

static void tell(void *user, tern_mail *m)
{
  (void)user;
  told++;
  told_unknown += tern_mail_rcpt_outcome(m, 0) == TERN_UNKNOWN;
  told_cancelled += tern_mail_status(m) == TERN_E_CANCELLED && tern_mail_rcpt_outcome(m, 0) == TERN_UNSENT;
  assert_int_equal(tern_mail_free(m), TERN_OK);
}

/* Destroyed in mid-mail, or told to end everything: each mail is told of once, and truly. */
static void everything_ends(void **state)
{
  int how;

  (void)state;
  for (how = 0; how < 3; how++) {
    server s;
    tern_pool *p = pool(NULL);
    tern_mail *late = letter(NULL, "late");
    int i;

    serve(&s);
    s.hold = 1;
    told = told_unknown = told_cancelled = 0;
    if (how == 1) tern_pool_set_inbox(p, 1);
    tern_pool_set_limits(p, 0, 2);
    tern_pool_on_result(p, tell, NULL);
    for (i = 0; i < 6; i++) submitted(p, s.url, "bob", 0);
    pass(p, &s, 30);
    assert_int_equal(tern_pool_sending(p), 2);
    if (how == 1) {
      assert_int_equal(tern_pool_hand_in(p, s.url, late, 0, 0), TERN_E_AGAIN); /* and never taken */
    } else {
      tern_mail_free(late);
    }
    if (how == 2) {
      tern_pool_cancel(p);
      assert_int_equal(tern_pool_step(p), TERN_OK);
      assert_int_equal(told, 6);
      assert_int_equal(tern_pool_connections(p), 0);
    }
    tern_pool_free(p);
    assert_int_equal(told, how == 1 ? 7 : 6);
    assert_int_equal(told_unknown, 2);
    assert_int_equal(told_cancelled, how == 1 ? 5 : 4);
    stop(&s);
  }
}

static void closed_takes_no_more(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  tern_mail *m = letter(NULL, "late");
  int i;

  (void)state;
  serve(&s);
  for (i = 0; i < 25; i++) submitted(p, s.url, "bob", 0);
  tern_pool_close(p);
  assert_int_equal(tern_pool_submit(p, s.url, m, 0, 0), TERN_E_STATE);
  assert_int_equal(drive(p, &s, NULL, 25), 25);
  for (i = 0; i < 1000 && tern_pool_step(p) == TERN_E_AGAIN; i++) move(&s);
  assert_int_equal(tern_pool_connections(p), 0);
  assert_int_equal(s.quits, s.accepted);
  assert_null(tern_pool_wait(p));
  tern_mail_free(m);
  tern_pool_free(p);
  stop(&s);
}

static void wrong_arguments(void **state)
{
  tern_pool *p = pool(NULL);
  tern_mail *m = letter(NULL, "bob");

  (void)state;
  assert_int_equal(tern_pool_submit(NULL, "smtp://x", m, 0, 0), TERN_E_NOMEM);
  assert_int_equal(tern_pool_submit(p, "smtp://x", NULL, 0, 0), TERN_E_NOMEM);
  assert_int_equal(tern_pool_submit(p, NULL, m, 0, 0), TERN_E_URL);
  assert_int_equal(tern_pool_submit(p, "http://x", m, 0, 0), TERN_E_URL);
  assert_int_equal(tern_mail_status(m), TERN_E_URL);
  assert_int_equal(tern_pool_hand_in(p, "smtp://x", m, 0, 0), TERN_E_STATE);
  assert_int_equal(tern_pool_set_ehlo_name(p, "a b"), TERN_E_NAME);
  assert_int_equal(tern_pool_submit(p, "smtp://127.0.0.1", m, 0, 0), TERN_E_NAME);
  assert_int_equal(tern_pool_set_buffers(p, 1, 1), TERN_E_ARGUMENT);
  assert_int_equal(tern_pool_set_window(p, 0), TERN_E_ARGUMENT);
  tern_mail_clear(m);
  tern_mail_from(m, "not an address");
  tern_pool_free(p);
  p = pool(NULL);
  assert_int_equal(tern_pool_submit(p, "smtp://127.0.0.1", m, 0, 0), TERN_E_ADDRESS);
  assert_int_equal(tern_pool_waiting(p), 0);
  assert_null(tern_pool_wait(p));
  assert_int_equal(tern_pool_poll(NULL, NULL, 0), 0);
  tern_pool_cancel(NULL);
  tern_pool_free(NULL);
  tern_mail_free(m);
  tern_pool_free(p);
}

static tern_status no(void *user, const char *url, tern_client *c)
{
  (void)url, (void)c;
  ++*(int *)user;
  return TERN_E_CREDENTIALS;
}

static tern_status named(void *user, const char *url, tern_client *c)
{
  assert_string_equal(url, ((server *)user)->url);
  return tern_client_set_ehlo_name(c, "other.example");
}

static void told_before_it_connects(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  tern_mail *m;
  int asked = 0;

  (void)state;
  serve(&s);
  tern_pool_on_connection(p, no, &asked);
  m = submitted(p, s.url, "bob", 0);
  assert_int_equal(drive(p, &s, NULL, 1), 0);
  assert_int_equal(tern_mail_status(m), TERN_E_CREDENTIALS);
  assert_int_equal(asked, 1);
  assert_int_equal(s.accepted, 0);
  tern_mail_free(m);
  tern_pool_on_connection(p, named, &s);
  submitted(p, s.url, "bob", 0);
  assert_int_equal(drive(p, &s, NULL, 1), 1);
  tern_pool_free(p);
  stop(&s);
}

/* ---- a loop of the caller's ----------------------------------------------------------------------------*/
static void in_a_foreign_loop(void **state)
{
  server s;
  tern_pool *p = pool(NULL);
  int left = 20, rounds;

  (void)state;
  serve(&s);
  for (rounds = 0; rounds < left; rounds++) submitted(p, s.url, "bob", 0);
  for (rounds = 0; left && rounds < ROUNDS; rounds++) {
    tern_poll what[CONNS];
    struct pollfd polls[CONNS];
    size_t n, i;
    int32_t timeout;
    tern_mail *m;

    (void)tern_pool_step(p);
    move(&s);
    while ((m = tern_pool_finished(p)) != NULL) {
      assert_int_equal(tern_mail_status(m), TERN_OK);
      tern_mail_free(m);
      left--;
    }
    n = tern_pool_poll(p, what, CONNS);
    assert_true(by_poll ? n <= 10 : n == 1);
    for (i = 0; i < n; i++) {
      polls[i].fd = what[i].fd;
      polls[i].events = (short)((what[i].events & TERN_READ ? POLLIN : 0) | (what[i].events & TERN_WRITE ? POLLOUT : 0));
    }
    timeout = tern_pool_timeout(p);
    if (timeout < 0 || timeout > 5) timeout = 5; /* the server has to move too */
    (void)poll(polls, (nfds_t)n, timeout);
  }
  assert_int_equal(left, 0);
  tern_pool_free(p);
  stop(&s);
}

/* ---- threads -------------------------------------------------------------------------------------------*/
typedef struct producer {
  pthread_t thread;
  tern_pool *pool;
  const char *url;
  int full;
} producer;

#define EACH 60

static void *produce(void *user)
{
  producer *w = user;
  int i;

  for (i = 0; i < EACH; i++) {
    tern_mail *m = letter(NULL, "bob");
    tern_status st;
    while ((st = tern_pool_hand_in(w->pool, w->url, m, (uint64_t)(uintptr_t)w, 0)) == TERN_E_FULL) {
      w->full++;
      poll(NULL, 0, 1);
    }
    if (st != TERN_E_AGAIN) abort();
  }
  return NULL;
}

typedef struct served {
  pthread_t thread;
  server s;
  int stop[2];
} served;

static void *keep_serving(void *user)
{
  served *w = user;
  struct pollfd p = {0};

  p.fd = w->stop[0];
  p.events = POLLIN;
  while (poll(&p, 1, 1) == 0) move(&w->s);
  return NULL;
}

static void handed_in_by_threads(void **state)
{
  static served w;
  tern_pool *p = pool(NULL);
  producer by[4];
  tern_mail *m;
  int i, good = 0;

  (void)state;
  serve(&w.s);
  assert_int_equal(pipe(w.stop), 0);
  assert_int_equal(tern_pool_set_inbox(p, 1), TERN_OK);
  tern_pool_set_queue(p, 8, 4);
  assert_int_equal(pthread_create(&w.thread, NULL, keep_serving, &w), 0);
  memset(by, 0, sizeof by);
  for (i = 0; i < 4; i++) {
    by[i].pool = p;
    by[i].url = w.s.url;
    assert_int_equal(pthread_create(&by[i].thread, NULL, produce, &by[i]), 0);
  }
  for (i = 0; i < 4 * EACH && (m = tern_pool_wait(p)) != NULL; i++) {
    good += tern_mail_status(m) == TERN_OK;
    tern_mail_free(m);
  }
  assert_int_equal(i, 4 * EACH);
  assert_int_equal(good, 4 * EACH);
  for (i = 0; i < 4; i++) pthread_join(by[i].thread, NULL);
  tern_pool_close(p);
  assert_null(tern_pool_wait(p));
  assert_int_equal(tern_pool_connections(p), 0);
  tern_pool_free(p);
  assert_int_equal(write(w.stop[1], "", 1), 1);
  pthread_join(w.thread, NULL);
  assert_int_equal(w.s.mails, 4 * EACH);
  close(w.stop[0]);
  close(w.stop[1]);
  stop(&w.s);
}

/* What is handed in stays in the pipe while the pool is full; then hand_in says so. */
static void inbox_is_bounded(void **state)
{
  static tern_mail *m[20000];
  server s;
  tern_pool *p = pool(NULL);
  int n, i, ended = 0;
  tern_status st = TERN_E_AGAIN;

  (void)state;
  serve(&s);
  assert_int_equal(tern_pool_set_inbox(p, 1), TERN_OK);
  for (n = 0; n < 20000 && st == TERN_E_AGAIN; n++) {
    m[n] = letter(NULL, "bob");
    st = tern_pool_hand_in(p, n % 3 ? s.url : "http://wrong", m[n], 0, 0);
  }
  assert_int_equal(st, TERN_E_FULL);
  assert_true(n > 100);
  assert_int_equal(tern_mail_free(m[n - 1]), TERN_OK); /* it stayed ours */
  assert_int_equal(tern_mail_free(m[0]), TERN_E_STATE);
  tern_pool_set_queue(p, 3, 3);
  s.hold = 1;
  pass(p, &s, 30);
  assert_int_equal(tern_pool_waiting(p), 3);
  tern_pool_close(p); /* takes what is there */
  tern_pool_cancel(p);
  for (i = 0; i < 1000 && tern_pool_step(p) == TERN_E_AGAIN; i++) move(&s);
  while (tern_pool_finished(p)) ended++;
  assert_int_equal(ended, n - 1);
  for (i = 0; i < n - 1; i++) {
    assert_int_equal(tern_mail_status(m[i]), i % 3 ? tern_mail_status(m[i]) : TERN_E_URL);
    assert_int_equal(tern_mail_free(m[i]), TERN_OK);
  }
  tern_pool_free(p);
  stop(&s);
}

/* ---- memory --------------------------------------------------------------------------------------------*/
typedef struct failing {
  long at, calls, live;
  int for_ever;
} failing;

static void *fail_alloc(void *user, size_t size)
{
  failing *f = user;
  void *ptr;

  f->calls++;
  if (f->at && (f->calls == f->at || (f->for_ever && f->calls > f->at))) return NULL;
  ptr = malloc(size);
  f->live += ptr != NULL;
  return ptr;
}

static void fail_free(void *user, void *ptr, size_t size)
{
  ((failing *)user)->live--;
  memset(ptr, 0xa5, size);
  free(ptr);
}

#define SOME 6

/* Each mail has one result, or submit refused it; what was accepted is what the servers took. */
static void a_run(const tern_allocator *mem, server *s, int *accepted)
{
  tern_pool *p = pool(mem);
  tern_mail *m[SOME];
  int i, taken = 0, rounds;

  if (!p) return;
  tern_pool_set_limits(p, 0, 2);
  for (i = 0; i < SOME; i++) {
    m[i] = letter(NULL, "bob");
    taken += tern_pool_submit(p, s->url, m[i], (uint64_t)i % 2, 0) == TERN_E_AGAIN;
  }
  for (rounds = 0; rounds < 2000 && tern_pool_step(p) == TERN_E_AGAIN; rounds++) move(s);
  assert_true(rounds < 2000);
  while (tern_pool_finished(p)) taken--;
  assert_int_equal(taken, 0);
  for (i = 0; i < SOME; i++) {
    *accepted += tern_mail_status(m[i]) == TERN_OK;
    assert_true(tern_mail_status(m[i]) == TERN_OK || tern_mail_status(m[i]) == TERN_E_NOMEM);
    assert_int_equal(tern_mail_free(m[i]), TERN_OK);
  }
  tern_pool_free(p);
}

static void each_allocation_fails(void **state)
{
  int for_ever;

  (void)state;
  for (for_ever = 0; for_ever < 2; for_ever++) {
    long i;
    for (i = 1;; i++) {
      failing f = {0, 0, 0, 0};
      tern_allocator mem = {NULL, fail_alloc, fail_free};
      server s;
      int accepted = 0;

      f.at = i;
      f.for_ever = for_ever;
      mem.user = &f;
      serve(&s);
      a_run(&mem, &s, &accepted);
      assert_int_equal(accepted, s.mails);
      assert_int_equal(f.live, 0);
      stop(&s);
      if (f.calls < i) {
        assert_int_equal(accepted, SOME);
        break;
      }
      assert_true(i < 1000);
    }
    assert_true(i > 10);
  }
}

static int over_poll(void **state)
{
  (void)state;
  by_poll = 1;
  return 0;
}

#define TESTS                                                                                         \
  cmocka_unit_test(one_after_the_other_over_one), cmocka_unit_test(limits_hold),                      \
    cmocka_unit_test(one_host_of_many_urls),                                                          \
    cmocka_unit_test(an_idle_one_makes_room), cmocka_unit_test(idle_time_ends),                       \
    cmocka_unit_test(stale_and_noticed), cmocka_unit_test(stale_at_mail),                             \
    cmocka_unit_test(hangs_up_after_each), cmocka_unit_test(refused_above_two),                       \
    cmocka_unit_test(nobody_there), cmocka_unit_test(looked_up_once),                                 \
    cmocka_unit_test(window_and_cancel), cmocka_unit_test(submitters_take_turns),                     \
    cmocka_unit_test(hosts_take_turns), cmocka_unit_test(full_is_said),                               \
    cmocka_unit_test(time_is_over), cmocka_unit_test(time_is_over_before_it_began),                   \
    cmocka_unit_test(cancelled_one_by_one), cmocka_unit_test(everything_ends),                        \
    cmocka_unit_test(closed_takes_no_more), cmocka_unit_test(wrong_arguments),                        \
    cmocka_unit_test(told_before_it_connects), cmocka_unit_test(in_a_foreign_loop),                   \
    cmocka_unit_test(handed_in_by_threads), cmocka_unit_test(inbox_is_bounded),                       \
    cmocka_unit_test(each_allocation_fails)

int main(void)
{
  const struct CMUnitTest tests[] = {TESTS};

  return cmocka_run_group_tests_name("epoll", tests, NULL, NULL) |
         cmocka_run_group_tests_name("poll", tests, over_poll, NULL);
}
