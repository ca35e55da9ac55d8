/* client_post_test.c - a message as a mail: the envelope that it makes, and what happens when its
 * sources fail, its octets leave in pieces of every size, or memory runs out on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/tern.h>

/* ---- a server that keeps what it is sent -----------------------------------------------------------*/
typedef struct wire {
  const char *ehlo; /* its last keywords, "250-...\r\n250 ...\r\n" */
  char line[600], in[4096];
  size_t line_len, in_at, in_len, piece;
  char *content; /* of the last mail, dots undone */
  size_t content_len;
  char envelope[2000];
  int in_content, mails;
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

static void take_content(wire *w)
{
  const char *line = w->line;

  if (strcmp(line, ".") == 0) {
    w->in_content = 0;
    w->mails++;
    reply(w, "250 ok\r\n");
    return;
  }
  if (line[0] == '.') line++;
  w->content = realloc(w->content, w->content_len + strlen(line) + 3);
  assert_non_null(w->content);
  strcpy(w->content + w->content_len, line);
  strcat(w->content + w->content_len, "\r\n");
  w->content_len += strlen(line) + 2;
}

static void take_line(wire *w)
{
  w->line[w->line_len] = '\0';
  if (w->in_content) {
    take_content(w);
  } else if (strncmp(w->line, "EHLO", 4) == 0) {
    reply(w, "250-here\r\n");
    reply(w, w->ehlo);
  } else if (strcmp(w->line, "DATA") == 0) {
    w->in_content = 1;
    w->content_len = 0;
    reply(w, "354 go\r\n");
  } else {
    if (strncmp(w->line, "MAIL", 4) == 0 || strncmp(w->line, "RCPT", 4) == 0) {
      size_t at = strlen(w->envelope);
      assert_true(at + w->line_len + 2 <= sizeof w->envelope);
      memcpy(w->envelope + at, w->line, w->line_len);
      memcpy(w->envelope + at + w->line_len, "\n", 2);
    }
    reply(w, "250 ok\r\n");
  }
}

static tern_status wire_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  wire *w = user;
  size_t i;

  if (w->piece && len > w->piece) len = w->piece;
  for (i = 0; i < len; i++) {
    if (octets[i] == '\n') {
      assert_true(w->line_len > 0 && w->line[w->line_len - 1] == '\r');
      w->line_len--;
      take_line(w);
      w->line_len = 0;
    } else {
      assert_true(w->line_len + 1 < sizeof w->line);
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

  if (n == 0) return TERN_E_AGAIN;
  if (n > cap) n = cap;
  memcpy(octets, w->in + w->in_at, n);
  w->in_at += n;
  *len = n;
  return TERN_OK;
}

static uint64_t wire_now(void *user)
{
  return ((wire *)user)->clock += 10;
}

static const tern_transport table = {sizeof table, wire_read, wire_write, NULL, NULL,
                                     NULL,         wire_now,  NULL,       NULL};

static tern_client *client(const tern_allocator *mem, wire *w, const char *ehlo)
{
  tern_client *c = tern_client_new(mem);

  memset(w, 0, sizeof *w);
  w->ehlo = ehlo;
  reply(w, "220 here\r\n");
  tern_client_set_tls(c, TERN_TLS_NONE);
  tern_client_set_ehlo_name(c, "client.example");
  tern_client_attach(c, &table, w, "server.example");
  return c;
}

static tern_status fixed_random(void *user, uint8_t *out, size_t len)
{
  (void)user;
  memset(out, 0x5a, len);
  return TERN_OK;
}

static tern_message *letter(const tern_allocator *mem)
{
  tern_message *msg = tern_message_new(mem);

  tern_message_set_random(msg, fixed_random, NULL);
  tern_message_date(msg, 86400, 0);
  tern_message_from(msg, "Ann", "ann@example.org");
  tern_message_to(msg, "Bob", "bob@example.net");
  tern_message_text(msg, ".hello, this is text\ncaf\xc3\xa9\n.\n", TERN_NUL);
  return msg;
}

static const char plain[] = "250 PIPELINING\r\n";
static const char eight[] = "250-8BITMIME\r\n250 SIZE\r\n";

/* ---- the envelope ----------------------------------------------------------------------------------*/
static void envelope(void **state)
{
  wire w;
  tern_client *c = client(NULL, &w, plain);
  tern_message *msg = letter(NULL);
  tern_mail *m = tern_mail_new(NULL);

  (void)state;
  tern_message_sender(msg, NULL, "sec@example.org");
  tern_message_cc(msg, NULL, "bob@example.net"); /* once */
  tern_message_cc(msg, NULL, "cc@example.net");
  tern_message_bcc(msg, "Hidden", "hidden@example.com");
  tern_message_header(msg, "X-To", "nobody@example.com");
  assert_int_equal(tern_mail_message(m, msg), TERN_OK);
  assert_int_equal(tern_client_send(c, m), TERN_OK);
  assert_string_equal(w.envelope, "MAIL FROM:<sec@example.org>\nRCPT TO:<bob@example.net>\n"
                                  "RCPT TO:<cc@example.net>\nRCPT TO:<hidden@example.com>\n");
  assert_null(strstr(w.content, "idden"));
  assert_non_null(strstr(w.content, "\r\n\r\n=2Ehello, this is text\r\ncaf=C3=A9\r\n=2E\r\n"));
  tern_mail_clear(m); /* what was given before stays: VERP */
  w.envelope[0] = 0;
  tern_mail_from(m, "bounce+bob@example.org");
  tern_mail_rcpt(m, "cc@example.net");
  tern_mail_message(m, msg);
  assert_int_equal(tern_client_send(c, m), TERN_OK);
  assert_string_equal(w.envelope, "MAIL FROM:<bounce+bob@example.org>\nRCPT TO:<cc@example.net>\n"
                                  "RCPT TO:<bob@example.net>\nRCPT TO:<hidden@example.com>\n");
  tern_client_free(c);
  tern_mail_free(m);
  tern_message_free(msg);
  free(w.content);
}

/* The same message to servers that can do different things: 8 bits where they may be. */
static void capabilities(void **state)
{
  static const struct {
    const char *ehlo, *line, *body;
  } rows[] = {{plain, "MAIL FROM:<ann@example.org>\n", "caf=C3=A9"},
              {eight, " BODY=8BITMIME\n", "\r\n.hello, this is text\r\ncaf\xc3\xa9\r\n.\r\n"}};
  size_t i;

  (void)state;
  for (i = 0; i < 2; i++) {
    wire w;
    tern_client *c = client(NULL, &w, rows[i].ehlo);
    tern_message *msg = letter(NULL);
    tern_mail *m = tern_mail_new(NULL);
    tern_mail_message(m, msg);
    assert_int_equal(tern_client_send(c, m), TERN_OK);
    assert_non_null(strstr(w.envelope, rows[i].line));
    assert_non_null(strstr(w.content, rows[i].body));
    if (i == 1) { /* the length that SIZE= promised is that of what came */
      const char *size = strstr(w.envelope, "SIZE=");
      assert_non_null(size);
      assert_int_equal(strtoul(size + 5, NULL, 10), w.content_len);
    }
    tern_client_free(c);
    tern_mail_free(m);
    tern_message_free(msg);
    free(w.content);
  }
}

static void errors_stick(void **state)
{
  wire w;
  tern_client *c = client(NULL, &w, plain);
  tern_message *msg = letter(NULL);
  tern_mail *m = tern_mail_new(NULL);

  (void)state;
  tern_message_subject(msg, "a\r\nBcc: eve@example.com");
  assert_int_equal(tern_mail_message(m, msg), TERN_E_CONTENT);
  assert_int_equal(tern_client_send(c, m), TERN_E_CONTENT);
  assert_int_equal(tern_error_field(tern_mail_error(m)), TERN_FIELD_SUBJECT);
  assert_int_equal(tern_error_octet(tern_mail_error(m)), '\r');
  assert_int_equal(w.mails, 0);
  tern_mail_clear(m);
  assert_int_equal(tern_mail_message(m, NULL), TERN_E_NOMEM);
  assert_int_equal(tern_mail_message(NULL, msg), TERN_E_NOMEM);
  assert_int_equal(tern_client_send(c, m), TERN_E_NOMEM);
  tern_client_free(c);
  tern_mail_free(m);
  tern_message_free(msg);
}

/* A local part that no server without SMTPUTF8 can take: told, and nothing sent. */
static void not_convertible(void **state)
{
  wire w;
  tern_client *c = client(NULL, &w, eight);
  tern_message *msg = letter(NULL);
  tern_mail *m = tern_mail_new(NULL);

  (void)state;
  tern_message_reply_to(msg, NULL, "j\xc3\xb6rg@example.org");
  tern_mail_message(m, msg);
  assert_int_equal(tern_client_send(c, m), TERN_E_NEEDS_SMTPUTF8);
  assert_int_equal(w.mails, 0);
  assert_string_equal(w.envelope, "");
  tern_client_free(c);
  tern_mail_free(m);
  tern_message_free(msg);
}

/* ---- octets in pieces --------------------------------------------------------------------------------*/
static void every_split(void **state)
{
  static uint8_t octets[400];
  char *want = NULL;
  size_t piece;

  (void)state;
  for (piece = 0; piece < 130; piece++) {
    wire w;
    tern_client *c = client(NULL, &w, piece % 2 ? plain : eight);
    tern_message *msg = letter(NULL);
    tern_mail *m = tern_mail_new(NULL);
    w.piece = piece;
    tern_message_set_encoding(msg, TERN_ENCODING_QUOTED_PRINTABLE);
    tern_message_attach(msg, "f\xc3\xbc.bin", NULL, octets, sizeof octets);
    tern_mail_message(m, msg);
    assert_int_equal(tern_client_send(c, m), TERN_OK);
    assert_int_equal(w.mails, 1);
    if (want) assert_string_equal(w.content, want);
    free(want);
    want = w.content;
    tern_client_free(c);
    tern_mail_free(m);
    tern_message_free(msg);
  }
  free(want);
}

/* ---- sources that fail ---------------------------------------------------------------------------------*/
typedef struct breaking {
  size_t at, breaks_at, gives;
  tern_status with;
} breaking;

static tern_status breaking_read(void *user, const uint8_t **octets, size_t *len)
{
  static const uint8_t some[97] = {1};
  breaking *b = user;

  if (b->at >= b->breaks_at && b->with != TERN_OK) return b->with;
  if (b->at >= b->gives) {
    *len = 0;
    return TERN_SOURCE_END;
  }
  b->at += sizeof some;
  *octets = some;
  *len = sizeof some;
  return TERN_OK;
}

/* Nothing is delivered, whether the length was promised or not, and the cause is told. */
static void broken_sources(void **state)
{
  static const tern_source source = {sizeof source, breaking_read, NULL, NULL};
  static const struct {
    size_t breaks_at, gives;
    uint64_t promised;
    tern_status with, cause;
  } rows[] = {{0, 97000, TERN_LENGTH_UNKNOWN, TERN_E_IO, TERN_E_IO},
              {50000, 97000, TERN_LENGTH_UNKNOWN, TERN_E_IO, TERN_E_IO},
              {50000, 97000, 97000, TERN_E_CANCELLED, TERN_E_CANCELLED},
              {0, 97000, 97001, TERN_OK, TERN_E_SOURCE},
              {0, 97000, 96999, TERN_OK, TERN_E_SOURCE},
              {0, 97, 0, TERN_OK, TERN_E_SOURCE}};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    wire w;
    tern_client *c = client(NULL, &w, eight);
    tern_message *msg = letter(NULL);
    tern_mail *m = tern_mail_new(NULL);
    breaking b = {0, 0, 0, TERN_OK};
    b.breaks_at = rows[i].breaks_at;
    b.gives = rows[i].gives;
    b.with = rows[i].with;
    tern_message_attach_source(msg, "f", NULL, &source, &b, rows[i].promised);
    assert_int_equal(tern_mail_message(m, msg), TERN_OK);
    assert_int_equal(tern_client_send(c, m), TERN_E_SOURCE);
    assert_int_equal(tern_error_cause(tern_mail_error(m)), rows[i].cause);
    assert_int_equal(tern_mail_rcpt_outcome(m, 0), TERN_UNSENT);
    assert_int_equal(w.mails, 0);
    tern_client_free(c);
    tern_mail_free(m);
    tern_message_free(msg);
    free(w.content);
  }
}

/* ---- memory ----------------------------------------------------------------------------------------*/
/* In a fixed block a thousand messages cost what one costs. */
static void arena_stays_level(void **state)
{
  static uint64_t ram[2048];
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, ram, sizeof ram);
  wire w;
  tern_client *c = client(mem, &w, plain);
  size_t level = 0;
  int i;

  (void)state;
  for (i = 0; i < 1000; i++) {
    tern_message *msg = letter(mem);
    tern_mail *m = tern_mail_new(mem);
    tern_mail_message(m, msg);
    assert_int_equal(tern_client_send(c, m), TERN_OK);
    tern_mail_free(m);
    tern_message_free(msg);
    if (i == 0) level = tern_arena_level(&arena);
    assert_int_equal(tern_arena_level(&arena), level);
    w.envelope[0] = 0;
  }
  assert_int_equal(w.mails, 1000);
  tern_client_free(c);
  free(w.content);
}

static void arena_too_small(void **state)
{
  static uint64_t ram[2048];
  size_t octets;

  (void)state;
  for (octets = 0; octets < sizeof ram; octets += 56) {
    tern_arena arena;
    const tern_allocator *mem = tern_arena_init(&arena, ram, octets);
    wire w;
    tern_client *c = client(mem, &w, plain);
    tern_message *msg = letter(mem);
    tern_mail *m = tern_mail_new(mem);
    tern_status st;
    tern_mail_message(m, msg);
    st = tern_client_send(c, m);
    assert_true(st == TERN_OK || st == TERN_E_NOMEM);
    assert_int_equal(w.mails, st == TERN_OK);
    tern_mail_free(m);
    tern_message_free(msg);
    tern_client_free(c);
    free(w.content);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(envelope),        cmocka_unit_test(capabilities),
      cmocka_unit_test(errors_stick),    cmocka_unit_test(not_convertible),
      cmocka_unit_test(every_split),     cmocka_unit_test(broken_sources),
      cmocka_unit_test(arena_stays_level), cmocka_unit_test(arena_too_small),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
