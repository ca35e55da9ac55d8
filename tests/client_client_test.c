/* client_client_test.c - the client over a transport of its own with a server in the same process:
 * reuse, stepped mode, cancel, memory: each allocation failing, and an arena that stays level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/tern.h>

/* ---- a server that answers each line as it is written ----------------------------------------------*/
typedef struct wire {
  char line[600], in[4096];
  size_t line_len, in_at, in_len;
  int content, mails, rsets, closed, silent_end, refuse_second;
  int rcpts, quit;
  uint64_t clock;
} wire;

static void reply(wire *w, const char *text)
{
  size_t n = strlen(text);

  if (w->in_at == w->in_len) w->in_at = w->in_len = 0;
  assert_true(w->in_len + n <= sizeof w->in);
  memcpy(w->in + w->in_len, text, n);
  w->in_len += n;
}

static void take_line(wire *w)
{
  w->line[w->line_len] = '\0';
  if (w->content) {
    if (strcmp(w->line, ".") == 0) {
      w->content = 0;
      w->mails++;
      if (!w->silent_end) reply(w, "250 2.0.0 Ok: queued as X1\r\n");
    }
  } else if (strncmp(w->line, "EHLO", 4) == 0) {
    reply(w, "250-here\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
  } else if (strncmp(w->line, "MAIL", 4) == 0) {
    w->rcpts = 0;
    reply(w, "250 ok\r\n");
  } else if (strncmp(w->line, "RCPT", 4) == 0) {
    reply(w, ++w->rcpts == 2 && w->refuse_second ? "550 5.1.1 no\r\n" : "250 ok\r\n");
  } else if (strcmp(w->line, "DATA") == 0) {
    w->content = 1;
    reply(w, "354 go\r\n");
  } else if (strcmp(w->line, "QUIT") == 0) {
    w->quit = 1;
    reply(w, "221 bye\r\n");
  } else {
    w->rsets += strcmp(w->line, "RSET") == 0;
    reply(w, "250 ok\r\n");
  }
}

static tern_status wire_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  wire *w = user;
  size_t i;

  for (i = 0; i < len; i++) {
    if (octets[i] == '\n') {
      if (w->line_len && w->line[w->line_len - 1] == '\r') w->line_len--;
      take_line(w);
      w->line_len = 0;
    } else if (w->line_len + 1 < sizeof w->line) {
      w->line[w->line_len++] = (char)octets[i];
    }
  }
  *done = len;
  return TERN_OK;
}

static tern_status wire_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  wire *w = user;
  size_t n = w->in_len - w->in_at;

  if (n == 0) return w->closed ? TERN_E_CLOSED : TERN_E_AGAIN;
  if (n > cap) n = cap;
  memcpy(octets, w->in + w->in_at, n);
  w->in_at += n;
  *len = n;
  return TERN_OK;
}

static uint64_t wire_now(void *user)
{
  return ((wire *)user)->clock += 10; /* time passes with each look at it: no wait is for ever */
}

static const tern_transport table = {sizeof table, wire_read, wire_write, NULL, NULL,
                                     NULL,         wire_now,  NULL,       NULL};
static const char text[] = "Subject: x\n\n.hello\n";

static void greet(wire *w)
{
  memset(w, 0, sizeof *w);
  reply(w, "220 here\r\n");
}

static tern_client *client(const tern_allocator *mem, wire *w)
{
  tern_client *c = tern_client_new(mem);

  greet(w);
  tern_client_set_tls(c, TERN_TLS_NONE);
  tern_client_set_ehlo_name(c, "client.example");
  tern_client_set_buffers(c, 600, 256);
  tern_client_set_timeout(c, TERN_PHASE_END_OF_DATA, 1000);
  tern_client_attach(c, &table, w, "server.example");
  return c;
}

static tern_mail *letter(const tern_allocator *mem)
{
  tern_mail *m = tern_mail_new(mem);

  tern_mail_from(m, "ann@example.org");
  tern_mail_rcpt(m, "bob@example.net");
  tern_mail_rcpt(m, "eve@example.net");
  tern_mail_content(m, text, sizeof text - 1);
  return m;
}

/* ---- behaviour -----------------------------------------------------------------------------------*/
static void many_over_one(void **state)
{
  wire w;
  tern_client *c = client(NULL, &w);
  tern_mail *m = letter(NULL);
  int i;

  (void)state;
  for (i = 0; i < 5; i++) assert_int_equal(tern_client_send(c, m), TERN_OK);
  assert_int_equal(w.mails, 5);
  assert_int_equal(w.rsets, 0); /* none is due after a delivered mail */
  assert_string_equal(tern_mail_queue_id(m), "X1");
  assert_int_equal(tern_client_quit(c), TERN_OK);
  assert_int_equal(w.quit, 1);
  tern_client_free(c);
  tern_mail_free(m);
}

static void partial(void **state)
{
  wire w;
  tern_client *c = client(NULL, &w);
  tern_mail *m = letter(NULL);
  uint32_t again[4];

  (void)state;
  w.refuse_second = 1;
  assert_int_equal(tern_client_send(c, m), TERN_PARTIAL);
  assert_int_equal(tern_mail_rcpt_outcome(m, 0), TERN_ACCEPTED);
  assert_int_equal(tern_mail_rcpt_outcome(m, 1), TERN_REJECTED);
  assert_int_equal(tern_mail_rcpt_status(m, 1), TERN_E_NO_SUCH_MAILBOX);
  assert_int_equal(tern_reply_code(tern_mail_rcpt_reply(m, 1)), 550);
  assert_string_equal(tern_reply_enhanced(tern_mail_rcpt_reply(m, 1)), "5.1.1");
  assert_int_equal(tern_mail_rcpts_to_retry(m, 0, again, 4), 0);
  tern_client_free(c);
  tern_mail_free(m);
}

static void in_doubt(void **state)
{
  wire w;
  tern_client *c = client(NULL, &w);
  tern_mail *m = letter(NULL);
  uint32_t again[4];

  (void)state;
  w.silent_end = 1;
  assert_int_equal(tern_client_send(c, m), TERN_E_IN_DOUBT); /* after a second of its clock */
  assert_int_equal(tern_error_cause(tern_mail_error(m)), TERN_E_TIMEOUT);
  assert_int_equal(tern_mail_rcpt_outcome(m, 0), TERN_UNKNOWN);
  assert_int_equal(tern_mail_rcpts_to_retry(m, 0, again, 4), 0);
  assert_int_equal(tern_mail_rcpts_to_retry(m, 1, again, 4), 2);
  assert_int_equal(w.mails, 1); /* and not sent again */
  tern_client_free(c);
  tern_mail_free(m);
}

static void stepped(void **state)
{
  wire w;
  tern_client *c = client(NULL, &w);
  tern_mail *m[3];
  int i, steps;

  (void)state;
  tern_client_set_blocking(c, 0);
  for (i = 0; i < 3; i++) assert_int_equal(tern_client_send(c, m[i] = letter(NULL)), TERN_E_AGAIN);
  assert_int_equal(tern_mail_rcpt(m[2], "late@example.net"), TERN_E_STATE); /* immutable meanwhile */
  assert_int_equal(tern_mail_free(m[2]), TERN_E_STATE);
  assert_int_equal(tern_client_send(c, m[0]), TERN_E_STATE); /* not twice at a time */
  for (steps = 0; tern_client_step(c) == TERN_E_AGAIN && steps < 1000; steps++) continue;
  assert_true(steps < 1000);
  for (i = 0; i < 3; i++) {
    assert_ptr_equal(tern_client_finished(c), m[i]);
    assert_int_equal(tern_mail_status(m[i]), TERN_OK);
    assert_int_equal(tern_mail_free(m[i]), TERN_OK);
  }
  assert_null(tern_client_finished(c));
  tern_client_free(c);
}

static void arguments(void **state)
{
  wire w;
  tern_client *c = client(NULL, &w);
  tern_mail *m = tern_mail_new(NULL);

  (void)state;
  assert_int_equal(tern_mail_from(m, "a\r\nDATA@b.c"), TERN_E_ADDRESS);
  assert_int_equal(tern_error_octet(tern_mail_error(m)), '\r');
  assert_int_equal(tern_error_position(tern_mail_error(m)), 1);
  assert_int_equal(tern_client_send(c, m), TERN_E_ADDRESS); /* sticks to the mail */
  assert_int_equal(w.mails, 0);
  tern_mail_clear(m);
  tern_mail_from(m, "");
  assert_int_equal(tern_client_send(c, m), TERN_E_NO_RECIPIENTS);
  assert_int_equal(tern_client_send(NULL, m), TERN_E_NOMEM);
  assert_int_equal(tern_client_send(c, NULL), TERN_E_NOMEM);
  tern_mail_free(m);
  tern_client_free(c);
}

/* ---- memory -----------------------------------------------------------------------------------------*/
typedef struct failing {
  long at, calls, live;
  int for_ever;
} failing;

static void *fail_alloc(void *user, size_t size)
{
  failing *f = user;
  void *p;

  f->calls++;
  if (f->at && (f->calls == f->at || (f->for_ever && f->calls > f->at))) return NULL;
  p = malloc(size);
  f->live += p != NULL;
  return p;
}

static void fail_free(void *user, void *ptr, size_t size)
{
  ((failing *)user)->live--;
  memset(ptr, 0xa5, size);
  free(ptr);
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
      wire w;
      tern_client *c;
      tern_mail *m;
      tern_status st;

      f.at = i;
      f.for_ever = for_ever;
      mem.user = &f;
      c = client(&mem, &w);
      tern_client_auth(c, "ann", "secret"); /* the channel is not safe, so this never leaves, and says so */
      m = letter(&mem);
      st = tern_client_send(c, m);
      tern_client_quit(c);
      if (f.calls < i) assert_int_equal(st, TERN_E_CLEARTEXT);
      assert_true(st < 0);
      tern_client_free(c);
      tern_mail_free(m);
      assert_int_equal(f.live, 0);
      if (f.calls < i) break;
      assert_true(i < 1000);
    }
    assert_true(i > 5);
  }
}

static void arena_stays_level(void **state)
{
  static uint64_t ram[1024];
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, ram, sizeof ram);
  wire w;
  tern_client *c = client(mem, &w);
  size_t level = 0;
  int i;

  (void)state;
  for (i = 0; i < 1000; i++) {
    tern_mail *m = letter(mem);
    assert_int_equal(tern_client_send(c, m), TERN_OK);
    tern_mail_free(m);
    if (i == 0) level = tern_arena_level(&arena);
    assert_int_equal(tern_arena_level(&arena), level);
  }
  assert_int_equal(w.mails, 1000);
  tern_client_free(c);
  assert_int_equal(tern_arena_level(&arena), 0);
}

static void arena_too_small(void **state)
{
  static uint64_t ram[1024];
  size_t octets;

  (void)state;
  for (octets = 0; octets < sizeof ram; octets += 40) {
    tern_arena arena;
    const tern_allocator *mem = tern_arena_init(&arena, ram, octets);
    wire w;
    tern_client *c = client(mem, &w);
    tern_mail *m = letter(mem);
    tern_status st = tern_client_send(c, m);
    assert_true(st == TERN_OK || st == TERN_E_NOMEM);
    assert_int_equal(w.mails, st == TERN_OK);
    tern_mail_free(m);
    tern_client_free(c);
  }
}

/* The setters of what a mail asks beyond being taken: bad values are told with their field and stick until clear. */
static void terms(void **state)
{
  tern_mail *m = tern_mail_new(NULL);

  (void)state;
  assert_int_equal(tern_mail_set_flags(m, TERN_MAIL_REQUIRETLS | TERN_MAIL_PRDR | TERN_MAIL_BINARY), TERN_OK);
  assert_int_equal(tern_mail_set_deliver_by(m, -5, TERN_BY_NOTIFY | TERN_BY_TRACE), TERN_OK);
  assert_int_equal(tern_mail_set_deliver_by(m, 0, 0), TERN_OK);
  assert_int_equal(tern_mail_set_hold_until(m, 1795576054), TERN_OK);
  assert_int_equal(tern_mail_set_hold_for(m, 999999999), TERN_OK); /* in its place */
  assert_int_equal(tern_mail_set_hold_for(m, 0), TERN_OK);
  assert_int_equal(tern_mail_set_priority(m, -9), TERN_OK);
  assert_int_equal(tern_mail_set_auth(m, "ann@example.org"), TERN_OK);
  assert_int_equal(tern_mail_set_auth(m, ""), TERN_OK);
  assert_int_equal(tern_mail_set_auth(m, NULL), TERN_OK);
  assert_int_equal(tern_mail_set_auth(m, "a@b>\r\n"), TERN_E_ADDRESS);
  assert_int_equal(tern_error_field(tern_mail_error(m)), TERN_FIELD_MAIL_AUTH);
  assert_int_equal(tern_error_position(tern_mail_error(m)), 3);
  assert_int_equal(tern_mail_set_priority(m, 0), TERN_E_ADDRESS); /* the first error sticks */
  assert_int_equal(tern_mail_clear(m), TERN_OK);
  assert_int_equal(tern_mail_set_priority(m, 10), TERN_E_PARAMETER);
  assert_int_equal(tern_error_field(tern_mail_error(m)), TERN_FIELD_PRIORITY);
  assert_string_equal(tern_field_name(TERN_FIELD_PRIORITY), "priority");
  assert_int_equal(tern_mail_clear(m), TERN_OK);
  assert_int_equal(tern_mail_set_deliver_by(m, 0, TERN_BY_RETURN), TERN_E_PARAMETER);
  assert_int_equal(tern_mail_clear(m), TERN_OK);
  assert_int_equal(tern_mail_set_hold_for(m, 1000000000), TERN_E_PARAMETER);
  assert_int_equal(tern_error_field(tern_mail_error(m)), TERN_FIELD_HOLD);
  assert_int_equal(tern_mail_clear(m), TERN_OK);
  assert_int_equal(tern_mail_set_flags(m, 0x80000000u), TERN_E_ARGUMENT);
  assert_int_equal(tern_mail_free(m), TERN_OK);
  assert_int_equal(tern_mail_set_priority(NULL, 1), TERN_E_NOMEM);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(many_over_one),     cmocka_unit_test(partial),
    cmocka_unit_test(terms),
    cmocka_unit_test(in_doubt),          cmocka_unit_test(stepped),
    cmocka_unit_test(arguments),         cmocka_unit_test(each_allocation_fails),
    cmocka_unit_test(arena_stays_level), cmocka_unit_test(arena_too_small),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
