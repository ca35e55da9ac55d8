/* client_submit_test.c - many mails handed over at once, against a server of our own on loopback:
 * each comes back once, flights are shared as the window and the caller's word allow, and a refused
 * content that had left unasked ends one connection and no more. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/tern.h>

#define MAILS 6

/* The server answers once nothing more comes: what it has read then has left without its answer. */
typedef struct server {
  int listener, fd;
  unsigned port;
  pthread_t thread;
  int refuse; /* the number of the content that is refused; 0: none */
  const char *refusal;
  /* what it saw */
  int connections, contents, accepted;
  int ahead[2];       /* by connection: contents that came before the replies to their envelope */
  int turns;          /* times that it answered */
  int quit_ahead;     /* QUIT came before the reply to the content before it */
  /* of the connection */
  char line[600], out[20000];
  size_t len, out_len;
  unsigned long chunk;
  int envelope_owed, content_owed, poisoned;
} server;

static void say(server *s, const char *text)
{
  size_t n = strlen(text);

  if (s->out_len + n > sizeof s->out) abort();
  memcpy(s->out + s->out_len, text, n);
  s->out_len += n;
}

static void end_chunk(server *s)
{
  s->contents++;
  s->content_owed = 1;
  if (s->contents == s->refuse) {
    s->poisoned = 1; /* nothing that follows is taken */
    say(s, s->refusal);
    return;
  }
  s->accepted++;
  say(s, "250 2.0.0 Ok: queued as X1\r\n");
}

static void take_line(server *s)
{
  s->line[s->len] = 0;
  s->len = 0;
  if (s->poisoned) {
    say(s, "503 5.5.1 no\r\n");
  } else if (strncmp(s->line, "EHLO", 4) == 0) {
    say(s, "250-here\r\n250-PIPELINING\r\n250-SIZE\r\n250 CHUNKING\r\n");
  } else if (strncmp(s->line, "BDAT", 4) == 0) {
    s->chunk = strtoul(s->line + 5, NULL, 10);
    if (s->envelope_owed && s->connections <= 2) s->ahead[s->connections - 1]++;
    if (s->chunk == 0) end_chunk(s);
  } else if (strncmp(s->line, "QUIT", 4) == 0) {
    s->quit_ahead = s->content_owed;
    say(s, "221 bye\r\n");
  } else {
    s->envelope_owed = 1;
    say(s, "250 ok\r\n");
  }
}

static void take(server *s, const char *octets, size_t n)
{
  size_t i;

  for (i = 0; i < n; i++) {
    if (s->chunk != 0) {
      if (--s->chunk == 0) end_chunk(s);
    } else if (octets[i] == '\n') {
      take_line(s);
    } else if (s->len + 1 < sizeof s->line && octets[i] != '\r') {
      s->line[s->len++] = octets[i];
    }
  }
}

static void converse(server *s)
{
  char octets[4096];
  struct pollfd p;
  ssize_t n;

  s->len = s->out_len = 0;
  s->chunk = 0;
  s->envelope_owed = s->content_owed = s->poisoned = 0;
  say(s, "220 here\r\n");
  p.fd = s->fd;
  p.events = POLLIN;
  for (;;) {
    if (poll(&p, 1, s->out_len ? 20 : -1) == 0) {
      if (send(s->fd, s->out, s->out_len, MSG_NOSIGNAL) < 0) return;
      s->out_len = 0;
      s->envelope_owed = s->content_owed = 0;
      s->turns++;
      continue;
    }
    n = recv(s->fd, octets, sizeof octets, 0);
    if (n <= 0) return;
    take(s, octets, (size_t)n);
  }
}

static void *serve(void *user)
{
  server *s = user;

  while ((s->fd = accept(s->listener, NULL, NULL)) >= 0) {
    s->connections++;
    converse(s);
    close(s->fd);
  }
  return NULL;
}

static void start(server *s)
{
  struct sockaddr_in at;
  socklen_t len = sizeof at;

  memset(&at, 0, sizeof at);
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  s->listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(s->listener, 4), 0);
  assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
  s->port = ntohs(at.sin_port);
  assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(server *s)
{
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->listener);
}

static tern_client *client(const server *s, uint32_t eager)
{
  tern_client *c = tern_client_new(NULL);
  char url[80];

  snprintf(url, sizeof url, "smtp://127.0.0.1:%u?tls=none", s->port);
  tern_client_set_ehlo_name(c, "client.example");
  tern_client_set_eager(c, eager);
  assert_int_equal(tern_client_connect(c, url), TERN_OK);
  return c;
}

static void letters(tern_mail **mails)
{
  static const char text[] = "Subject: x\r\n\r\nhello\r\n";
  int i;

  for (i = 0; i < MAILS; i++) {
    mails[i] = tern_mail_new(NULL);
    tern_mail_from(mails[i], "ann@example.org");
    tern_mail_rcpt(mails[i], "bob@example.net");
    tern_mail_content(mails[i], text, TERN_NUL);
  }
}

static void drop(tern_mail **mails)
{
  int i;

  for (i = 0; i < MAILS; i++) assert_int_equal(tern_mail_free(mails[i]), TERN_OK);
}

/* Submits all, takes all back in order, and that is all. */
static void submit_all(tern_client *c, tern_mail **mails)
{
  int i;

  for (i = 0; i < MAILS; i++) {
    assert_int_equal(tern_client_submit(c, mails[i]), TERN_E_AGAIN);
    assert_int_equal(tern_client_submit(c, mails[i]), TERN_E_STATE); /* not twice */
    assert_int_equal(tern_mail_rcpt(mails[i], "eve@example.net"), TERN_E_STATE);
  }
  for (i = 0; i < MAILS; i++) assert_ptr_equal(tern_client_wait(c), mails[i]);
  assert_null(tern_client_wait(c));
}

static void each_comes_back_once_in_order(void **state)
{
  server s = {.refuse = 0};
  tern_mail *mails[MAILS];
  tern_client *c;
  int i;

  (void)state;
  start(&s);
  letters(mails);
  c = client(&s, 0);
  submit_all(c, mails);
  for (i = 0; i < MAILS; i++) assert_int_equal(tern_mail_status(mails[i]), TERN_OK);
  submit_all(c, mails); /* the same ones once more */
  assert_int_equal(tern_client_quit(c), TERN_OK);
  tern_client_free(c);
  stop(&s);
  drop(mails);
  assert_int_equal(s.connections, 1);
  assert_int_equal(s.accepted, 2 * MAILS);
  assert_int_equal(s.ahead[0], 0); /* no content without the caller's word */
  /* greeting, EHLO, QUIT; each time one for the first envelope and one a mail */
  assert_in_range(s.turns, 1, 3 + 2 * (1 + MAILS));
}

static void eager_needs_no_turn_a_mail(void **state)
{
  server s = {.refuse = 0};
  tern_mail *mails[MAILS];
  tern_client *c;
  int i;

  (void)state;
  start(&s);
  letters(mails);
  c = client(&s, 1);
  submit_all(c, mails);
  for (i = 0; i < MAILS; i++) assert_int_equal(tern_mail_status(mails[i]), TERN_OK);
  assert_int_equal(tern_client_quit(c), TERN_OK);
  tern_client_free(c);
  stop(&s);
  drop(mails);
  assert_int_equal(s.accepted, MAILS);
  assert_int_equal(s.ahead[0], MAILS);
  assert_in_range(s.turns, 1, 4); /* greeting, EHLO, all mails, QUIT */
}

/* The content that was refused ends the connection: what had left behind it is in doubt, and nothing
 * leaves unasked any more. */
static void after_an_eager_refusal_it_goes_on_carefully(void **state)
{
  server s = {.refuse = 2, .refusal = "552 5.3.4 too much\r\n"};
  tern_mail *mails[MAILS];
  tern_client *c;
  int i;

  (void)state;
  start(&s);
  letters(mails);
  c = client(&s, 1);
  submit_all(c, mails);
  assert_int_equal(tern_mail_status(mails[0]), TERN_OK);
  assert_int_equal(tern_mail_status(mails[1]), TERN_E_MESSAGE_TOO_BIG);
  assert_int_equal(tern_mail_rcpt_outcome(mails[1], 0), TERN_REJECTED);
  for (i = 2; i < MAILS; i++) {
    assert_int_equal(tern_mail_status(mails[i]), TERN_E_IN_DOUBT);
    assert_int_equal(tern_mail_rcpt_outcome(mails[i], 0), TERN_UNKNOWN);
  }
  assert_int_equal(tern_error_status(tern_client_error(c)), TERN_OK); /* the client is not at fault */
  submit_all(c, mails);
  for (i = 0; i < MAILS; i++) assert_int_equal(tern_mail_status(mails[i]), TERN_OK);
  assert_int_equal(tern_client_quit(c), TERN_OK);
  tern_client_free(c);
  stop(&s);
  drop(mails);
  assert_int_equal(s.connections, 2);
  assert_int_equal(s.accepted, 1 + MAILS);
  assert_int_equal(s.ahead[0], 2); /* what came behind the refusal was not looked at */
  assert_int_equal(s.ahead[1], 0);
}

/* Asked for before the last content leaves, QUIT leaves with it. */
static void quit_rides_with_the_last(void **state)
{
  uint32_t eager;

  (void)state;
  for (eager = 0; eager < 2; eager++) {
    server s = {.refuse = 0};
    tern_mail *mails[MAILS];
    tern_client *c;
    int i;

    start(&s);
    letters(mails);
    c = client(&s, eager);
    assert_int_equal(tern_client_send(c, mails[0]), TERN_OK); /* this server knows BDAT */
    for (i = 0; i < MAILS; i++)
      assert_int_equal(tern_client_submit(c, mails[i]), TERN_E_AGAIN);
    assert_int_equal(tern_client_quit(c), TERN_OK);
    for (i = 0; i < MAILS; i++) {
      assert_ptr_equal(tern_client_wait(c), mails[i]);
      assert_int_equal(tern_mail_status(mails[i]), TERN_OK);
    }
    assert_null(tern_client_wait(c));
    tern_client_free(c);
    stop(&s);
    drop(mails);
    assert_int_equal(s.accepted, 1 + MAILS);
    if (!eager) assert_int_equal(s.quit_ahead, 1);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_comes_back_once_in_order),
      cmocka_unit_test(eager_needs_no_turn_a_mail),
      cmocka_unit_test(after_an_eager_refusal_it_goes_on_carefully),
      cmocka_unit_test(quit_rides_with_the_last),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
