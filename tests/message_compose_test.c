/* message_compose_test.c - the builder and its writer: what is refused and how it is told, what is
 * replaced, which encoding and tree come out, buffers of every size, lengths that are kept. How
 * mail readers see it all is tests/message's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/tern.h>

#include "message/message.h"

static tern_status counting_random(void *user, uint8_t *out, size_t len)
{
  size_t i;

  (void)user;
  for (i = 0; i < len; i++) out[i] = (uint8_t)(i * 29 + 7);
  return TERN_OK;
}

static tern_message *fresh(void)
{
  tern_message *msg = tern_message_new(NULL);

  tern_message_set_random(msg, counting_random, NULL);
  tern_message_date(msg, 1795580096, 60);
  tern_message_from(msg, "Ann", "ann@example.org");
  tern_message_to(msg, NULL, "bob@example.net");
  return msg;
}

/* Everything that the message gives, NUL-ended, to be freed; NULL with *status where it fails. */
static char *all_of(tern_message *msg, uint32_t caps, size_t *len, tern_status *status)
{
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
  const uint8_t *piece;
  char *out = malloc(1);
  size_t n;

  *len = 0;
  *status = tern_message_source()->prepare(msg, caps, &info);
  while (*status == TERN_OK) {
    *status = tern_message_source()->read(msg, &piece, &n);
    if (*status < 0) break;
    out = realloc(out, *len + n + 1);
    assert_non_null(out);
    memcpy(out + *len, piece, n);
    *len += n;
  }
  if (*status < 0) {
    free(out);
    return NULL;
  }
  if (info.length != TERN_LENGTH_UNKNOWN) assert_int_equal(info.length, *len);
  out[*len] = 0;
  return out;
}

static char *text_of(tern_message *msg, uint32_t caps)
{
  tern_status st;
  size_t len;
  char *text = all_of(msg, caps, &len, &st);

  assert_non_null(text);
  return text;
}

static void has(tern_message *msg, uint32_t caps, const char *what)
{
  char *text = text_of(msg, caps);

  if (!strstr(text, what)) fail_msg("\"%s\" is not in:\n%s", what, text);
  free(text);
}

static void has_not(tern_message *msg, const char *what)
{
  char *text = text_of(msg, 0);

  if (strstr(text, what)) fail_msg("\"%s\" is in:\n%s", what, text);
  free(text);
}

/* ---- what is refused -----------------------------------------------------------------------------*/
typedef tern_status (*text_setter)(tern_message *msg, const char *text);

static tern_status name_of_from(tern_message *m, const char *t) { return tern_message_from(m, t, "a@b.c"); }
static tern_status name_of_sender(tern_message *m, const char *t) { return tern_message_sender(m, t, "a@b.c"); }
static tern_status name_of_reply_to(tern_message *m, const char *t) { return tern_message_reply_to(m, t, "a@b.c"); }
static tern_status name_of_to(tern_message *m, const char *t) { return tern_message_to(m, t, "a@b.c"); }
static tern_status name_of_cc(tern_message *m, const char *t) { return tern_message_cc(m, t, "a@b.c"); }
static tern_status name_of_bcc(tern_message *m, const char *t) { return tern_message_bcc(m, t, "a@b.c"); }
static tern_status name_of_group(tern_message *m, const char *t) { return tern_message_group(m, TERN_FIELD_TO, t); }
static tern_status header_value(tern_message *m, const char *t) { return tern_message_header(m, "X-Any", t); }
static tern_status header_tokens(tern_message *m, const char *t) { return tern_message_header(m, "Received", t); }
static tern_status header_names(tern_message *m, const char *t) { return tern_message_header(m, "Cc", t); }
static tern_status unsubscribe(tern_message *m, const char *t) { return tern_message_list_unsubscribe(m, t, 0); }

static tern_status file_name(tern_message *m, const char *t)
{
  (void)tern_message_attach(m, t, NULL, "x", 1);
  return tern_error_status(tern_message_error(m));
}

static tern_status part_name(tern_message *m, const char *t)
{
  return tern_part_set_name(tern_message_text(m, "x", 1), t);
}

static tern_status description(tern_message *m, const char *t)
{
  return tern_part_set_description(tern_message_text(m, "x", 1), t);
}

static tern_status part_header(tern_message *m, const char *t)
{
  return tern_part_header(tern_message_text(m, "x", 1), "X-Any", t);
}

static tern_status cid(tern_message *m, const char *t)
{
  return tern_part_set_cid(tern_message_text(m, "x", 1), t);
}

static const struct {
  const char *name;
  text_setter set;
  uint32_t field;
} setters[] = {
    {"from", name_of_from, TERN_FIELD_FROM},
    {"sender", name_of_sender, TERN_FIELD_SENDER},
    {"reply-to", name_of_reply_to, TERN_FIELD_REPLY_TO},
    {"to", name_of_to, TERN_FIELD_TO},
    {"cc", name_of_cc, TERN_FIELD_CC},
    {"bcc", name_of_bcc, TERN_FIELD_BCC},
    {"group", name_of_group, TERN_FIELD_GROUP},
    {"subject", tern_message_subject, TERN_FIELD_SUBJECT},
    {"in-reply-to", tern_message_in_reply_to, TERN_FIELD_IN_REPLY_TO},
    {"references", tern_message_references, TERN_FIELD_REFERENCES},
    {"auto-submitted", tern_message_auto_submitted, TERN_FIELD_AUTO_SUBMITTED},
    {"list-unsubscribe", unsubscribe, TERN_FIELD_LIST_UNSUBSCRIBE},
    {"header", header_value, TERN_FIELD_HEADER_VALUE},
    {"header of tokens", header_tokens, TERN_FIELD_HEADER_VALUE},
    {"header of addresses", header_names, TERN_FIELD_HEADER_VALUE},
    {"file name", file_name, TERN_FIELD_FILE_NAME},
    {"name of a part", part_name, TERN_FIELD_FILE_NAME},
    {"description", description, TERN_FIELD_DESCRIPTION},
    {"header of a part", part_header, TERN_FIELD_HEADER_VALUE},
    {"cid", cid, TERN_FIELD_CONTENT_ID},
};

/* No value brings another line, or what is no text, into a header. */
static void injection(void **state)
{
  static const struct {
    const char *text;
    size_t position;
  } bad[] = {{"ok\r\nBcc: eve@example.com", 2}, {"ok\nX: y", 2},  {"ok\rX: y", 2}, {"ok\r", 2},
             {"\n", 0},                         {"ok\x01", 2},    {"ok\x7f", 2},   {"ok\xff", 2},
             {"ok\xc3", 2},                     {"ok\xed\xa0\x80", 2}, {"ok\xc0\xaf", 2}, {"\x1b[0m", 0}};
  size_t i, k;

  (void)state;
  for (i = 0; i < sizeof setters / sizeof setters[0]; i++)
    for (k = 0; k < sizeof bad / sizeof bad[0]; k++) {
      tern_message *msg = fresh();
      tern_status st = setters[i].set(msg, bad[k].text);
      const tern_error *e = tern_message_error(msg);

      if (st != TERN_E_CONTENT || tern_error_field(e) != setters[i].field ||
          tern_error_position(e) != bad[k].position)
        fail_msg("%s, value %zu: %s, %s at %zu", setters[i].name, k, tern_status_name(st),
                 tern_field_name(tern_error_field(e)), tern_error_position(e));
      assert_int_equal(tern_error_octet(e), (uint8_t)bad[k].text[bad[k].position]);
      /* it sticks, and nothing goes out any more */
      assert_int_equal(tern_message_subject(msg, "good"), TERN_E_CONTENT);
      assert_int_equal(tern_message_check(msg), TERN_E_CONTENT);
      assert_int_equal(tern_message_clear(msg), TERN_OK);
      assert_int_equal(tern_message_subject(msg, "good"), TERN_OK);
      tern_message_free(msg);
    }
}

static void header_names_refused(void **state)
{
  static const struct {
    const char *name;
    tern_status status;
  } rows[] = {{"Bcc", TERN_E_ARGUMENT},     {"MIME-Version", TERN_E_ARGUMENT}, {"content-type", TERN_E_ARGUMENT},
              {"Content-X", TERN_E_ARGUMENT}, {"", TERN_E_CONTENT},            {"A B", TERN_E_CONTENT},
              {"A:", TERN_E_CONTENT},       {"A\r\nB", TERN_E_CONTENT},        {"\xc3\xa9", TERN_E_CONTENT},
              {"Resent-Bcc", TERN_E_ARGUMENT}, {NULL, TERN_E_ARGUMENT}};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tern_message *msg = fresh();
    assert_int_equal(tern_message_header(msg, rows[i].name, "x"), rows[i].status);
    assert_int_equal(tern_error_field(tern_message_error(msg)), TERN_FIELD_HEADER_NAME);
    tern_message_free(msg);
  }
}

static void addresses_refused(void **state)
{
  static const char *const rows[] = {"", "bob", "a@b@c", "Bob <a@b.c>", "a b@c.d", "a@b.c\r\nX", "<a@b.c>", "a@", "@b", NULL};
  static const char *const lists[] = {"", "a@b.c, ", "bob", "Bob a@b.c", "<a@b.c", "a@b.c>", "\"x", "(x", "g: a@b.c", "a@b.c;", "<>", "<a@b.c> <d@e.f>",
                                      "x <a@b.c> y", "g: h: a@b.c;;", ","};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tern_message *msg = fresh();
    tern_status want = rows[i] ? TERN_E_ADDRESS : TERN_E_ARGUMENT;
    assert_int_equal(tern_message_cc(msg, NULL, rows[i]), want);
    assert_int_equal(tern_error_field(tern_message_error(msg)), TERN_FIELD_CC);
    tern_message_free(msg);
  }
  for (i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    tern_message *msg = fresh();
    tern_status st = tern_message_header(msg, "Reply-To", lists[i]);
    /* an empty element is nothing (RFC 5322 4.4), an empty list is no list */
    if (st != (i == 1 ? TERN_OK : TERN_E_ADDRESS)) fail_msg("\"%s\": %s", lists[i], tern_status_name(st));
    tern_message_free(msg);
  }
}

static void missing(void **state)
{
  tern_message *msg = tern_message_new(NULL);

  (void)state;
  assert_int_equal(tern_message_check(msg), TERN_E_ARGUMENT);
  assert_int_equal(tern_error_field(tern_message_error(msg)), TERN_FIELD_FROM);
  tern_message_clear(msg);
  tern_message_from(msg, NULL, "a@b.c");
  assert_int_equal(tern_message_check(msg), TERN_E_ARGUMENT);
  assert_int_equal(tern_error_field(tern_message_error(msg)), TERN_FIELD_DATE);
  tern_message_free(msg);
  assert_int_equal(tern_message_from(NULL, NULL, "a@b.c"), TERN_E_NOMEM);
  assert_null(tern_message_text(NULL, "x", 1));
  assert_int_equal(tern_part_set_name(NULL, "x"), TERN_E_NOMEM);
  assert_int_equal(tern_error_status(tern_message_error(NULL)), TERN_E_NOMEM);
  tern_message_free(NULL);
}

/* ---- texts and encodings -------------------------------------------------------------------------*/
static void texts_refused(void **state)
{
  static const struct {
    const char *text;
    size_t len, position;
  } rows[] = {{"a\0b", 3, 1}, {"caf\xe9", 4, SIZE_MAX}, {"caf\xe9 x", 6, 4}, {"\x80", 1, 0}, {"\xe2\x82", 2, SIZE_MAX}};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tern_message *msg = fresh();
    tern_message_html(msg, rows[i].text, rows[i].len);
    assert_int_equal(tern_message_check(msg), TERN_E_CONTENT);
    assert_int_equal(tern_error_field(tern_message_error(msg)), TERN_FIELD_HTML);
    assert_int_equal(tern_error_position(tern_message_error(msg)), rows[i].position);
    tern_message_free(msg);
  }
}

static void encodings(void **state)
{
  static char long_line[1200];
  const char *const cte[] = {"", "7bit", "8bit", "quoted-printable", "base64"};
  const struct {
    const char *text;
    uint32_t wanted, caps;
    uint32_t encoding; /* 0: refused */
  } rows[] = {
      {"plain\n", 0, 0, 1},           {"plain\n", 0, TERN_CAP_8BITMIME, 1},
      {"caf\xc3\xa9 au lait\n", 0, 0, 3},     {"caf\xc3\xa9\n", 0, TERN_CAP_8BITMIME, 2},
      {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 0, 0, 4}, {long_line, 0, TERN_CAP_8BITMIME, 3},
      {"plain\n", 1, 0, 1},           {"caf\xc3\xa9\n", 1, TERN_CAP_8BITMIME, 0},
      {long_line, 1, 0, 0},           {long_line, 2, TERN_CAP_8BITMIME, 0},
      {"caf\xc3\xa9\n", 2, TERN_CAP_8BITMIME, 2}, {"plain\n", 2, 0, 1},
      {"plain\n", 3, 0, 3},           {"plain\n", 4, 0, 4},
      {"--=_1_x\n", 0, 0, 3},         {"", 0, 0, 1},
  };
  size_t i;

  (void)state;
  memset(long_line, 'x', sizeof long_line - 1);
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tern_message *msg = fresh();
    char line[64];
    tern_message_text(msg, rows[i].text, TERN_NUL);
    tern_message_set_encoding(msg, rows[i].wanted);
    if (rows[i].encoding == 0) {
      assert_int_equal(tern_message_check(msg), TERN_E_CONTENT);
      assert_int_equal(tern_error_field(tern_message_error(msg)), TERN_FIELD_ENCODING);
    } else {
      snprintf(line, sizeof line, "\r\nContent-Transfer-Encoding: %s\r\n", cte[rows[i].encoding]);
      has(msg, rows[i].caps, line);
    }
    tern_message_free(msg);
  }
}

/* What the engine is told: 8BITMIME where 8 bits are left, SMTPUTF8 where an address needs it. */
static void flags(void **state)
{
  static const struct {
    const char *to, *text;
    uint32_t wanted, caps, flags;
  } rows[] = {
      {"b@example.net", "x", 0, 0, 0},
      {"b@example.net", "\xc3\xa9", 0, 0, 0},
      {"b@example.net", "\xc3\xa9", 0, TERN_CAP_8BITMIME, TERN_CONTENT_8BIT},
      {"b@example.net", "\xc3\xa9", 2, 0, TERN_CONTENT_8BIT},
      {"\xc3\xa9@example.net", "x", 0, 0, TERN_CONTENT_8BIT | TERN_CONTENT_UTF8_HEADER},
      {"\xc3\xa9@example.net", "x", 0, TERN_CAP_8BITMIME | TERN_CAP_SMTPUTF8, TERN_CONTENT_8BIT | TERN_CONTENT_UTF8_HEADER},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tern_message *msg = fresh();
    tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
    tern_message_cc(msg, NULL, rows[i].to);
    tern_message_text(msg, rows[i].text, TERN_NUL);
    tern_message_set_encoding(msg, rows[i].wanted);
    assert_int_equal(tern_message_source()->prepare(msg, rows[i].caps, &info), TERN_OK);
    assert_int_equal(info.flags, rows[i].flags);
    tern_message_free(msg);
  }
}

static tern_status to_ascii(void *user, const char *domain, char *out, size_t cap)
{
  (void)user;
  if (strcmp(domain, "b\xc3\xbc" "cher.example") != 0 || cap < 30) return TERN_E_ADDRESS;
  strcpy(out, "xn--bcher-kva.example");
  return TERN_OK;
}

static void domains(void **state)
{
  tern_message *msg = fresh();

  (void)state;
  tern_message_set_idn(msg, to_ascii, NULL);
  tern_message_cc(msg, NULL, "b@b\xc3\xbc" "cher.example");
  has(msg, TERN_CAP_SMTPUTF8, "Cc: b@xn--bcher-kva.example\r\n"); /* SMTPUTF8 only where it is needed */
  tern_message_cc(msg, "\xc3\x9c", "\xc3\xbc@b\xc3\xbc" "cher.example");
  has(msg, TERN_CAP_SMTPUTF8, "Cc: b@b\xc3\xbc" "cher.example, \xc3\x9c <\xc3\xbc@b\xc3\xbc" "cher.example>\r\n");
  tern_message_free(msg);
}

/* ---- header fields -------------------------------------------------------------------------------*/
static void fields(void **state)
{
  tern_message *msg = fresh();

  (void)state;
  has(msg, 0, "Date: Wed, 25 Nov 2026 05:14:56 +0100\r\nFrom: Ann <ann@example.org>\r\nTo: bob@example.net\r\n"
              "Message-ID: <");
  has(msg, 0, "@example.org>\r\nMIME-Version: 1.0\r\n");
  tern_message_from(msg, "Eve", "eve@example.org");
  has(msg, 0, "From: Ann <ann@example.org>, Eve <eve@example.org>\r\nSender: Ann <ann@example.org>\r\n");
  tern_message_message_id(msg, "1@x");
  tern_message_in_reply_to(msg, " 2@x ");
  tern_message_references(msg, "1@x 2@x");
  tern_message_auto_submitted(msg, "auto-generated");
  tern_message_importance(msg, TERN_IMPORTANCE_HIGH);
  tern_message_list_unsubscribe(msg, "mailto:u@x https://x/u?a,b", 1);
  tern_message_bcc(msg, "Secret", "secret@example.com");
  has(msg, 0, "Message-ID: <1@x>\r\nIn-Reply-To: <2@x>\r\nReferences: <1@x> <2@x>\r\n");
  has(msg, 0, "Auto-Submitted: auto-generated\r\nImportance: high\r\nX-Priority: 1\r\n"
              "List-Unsubscribe: <mailto:u@x>, <https://x/u?a,b>\r\n"
              "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
  has_not(msg, "ecret");
  assert_int_equal(tern_message_list_unsubscribe(msg, "mailto:u@x", 1), TERN_E_ARGUMENT);
  tern_message_free(msg);
}

static void replaced(void **state)
{
  tern_message *msg = fresh();

  (void)state;
  tern_message_subject(msg, "one");
  tern_message_subject(msg, "two");
  has_not(msg, "one");
  tern_message_header(msg, "SUBJECT", "three");
  tern_message_header(msg, "subject", "four");
  has_not(msg, "two");
  has_not(msg, "three");
  has(msg, 0, "\r\nsubject: four\r\n");
  tern_message_header(msg, "From", "Zo\xc3\xab <z@example.org>");
  has(msg, 0, "From: =?utf-8?q?Zo=C3=AB?= <z@example.org>\r\n");
  has_not(msg, "ann@");
  tern_message_header(msg, "X-A", "1");
  tern_message_header(msg, "X-A", " 2 ");
  has(msg, 0, "X-A: 1\r\nX-A: 2\r\n");
  tern_message_header(msg, "Date", "Thu, 1 Jan 1970 00:00:00 +0000");
  has_not(msg, "2026");
  tern_message_header(msg, "X-Made", "=?utf-8?q?x?=");
  has(msg, 0, "X-Made: =?utf-8?q?x?=\r\n");
  tern_message_subject(msg, "=?utf-8?q?x?=");
  has_not(msg, "Subject: =?utf-8?q?x?=\r\n");
  tern_message_free(msg);
}

static void lists(void **state)
{
  static const struct {
    const char *value, *written;
  } rows[] = {
      {"a@b.c", "a@b.c"},
      {" a@b.c ,, <d@e.f>", "a@b.c, d@e.f"},
      {"Bob <a@b.c>", "Bob <a@b.c>"},
      {"\"Bob, Jr.\" <a@b.c>", "\"Bob, Jr.\" <a@b.c>"},
      {"Bob Q. Smith <a@b.c>", "\"Bob Q. Smith\" <a@b.c>"},
      {"Team: a@b.c, D <d@e.f>;, x@y.z", "Team: a@b.c, D <d@e.f>;, x@y.z"},
      {"undisclosed-recipients:;", "undisclosed-recipients:;"},
      {"a@b.c (Bob)", "a@b.c (Bob)"},
      {"B\xc3\xb6" "b (K\xc3\xb6mm) <a@b.c>", "=?utf-8?q?B=C3=B6b?= <a@b.c> (=?utf-8?b?S8O2bW0=?=)"},
      {"=?utf-8?q?B=C3=B6b?= <a@b.c>", "=?utf-8?q?B=C3=B6b?= <a@b.c>"},
      {"\"a b\"@c.d", "\"a b\"@c.d"},
      {"a@[192.0.2.1]", "a@[192.0.2.1]"},
      {"\"x\\\"y\" <a@b.c>", "\"x\\\"y\" <a@b.c>"},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tern_message *msg = fresh();
    char line[200];
    assert_int_equal(tern_message_header(msg, "Reply-To", rows[i].value), TERN_OK);
    snprintf(line, sizeof line, "Reply-To: %s\r\n", rows[i].written);
    has(msg, 0, line);
    tern_message_free(msg);
  }
}

static void groups(void **state)
{
  tern_message *msg = fresh();

  (void)state;
  tern_message_group(msg, TERN_FIELD_CC, "Die \xc3\x84ltesten");
  tern_message_cc(msg, "X", "x@y.z");
  tern_message_cc(msg, NULL, "v@w.x");
  tern_message_group(msg, TERN_FIELD_CC, "empty");
  tern_message_group(msg, TERN_FIELD_CC, NULL);
  tern_message_cc(msg, NULL, "out@y.z");
  tern_message_group(msg, TERN_FIELD_REPLY_TO, "open");
  has(msg, 0, "Cc: =?utf-8?q?Die_=C3=84ltesten?=: X <x@y.z>, v@w.x;, empty:;, out@y.z\r\n");
  has(msg, 0, "Reply-To: open:;\r\n");
  assert_int_equal(tern_message_group(msg, TERN_FIELD_FROM, "x"), TERN_E_ARGUMENT);
  tern_message_free(msg);
}

/* ---- the tree ------------------------------------------------------------------------------------*/
static void ready_bodies(void **state)
{
  static const char inner[] = "Subject: inner\n\n.hi\n";
  static const char ready[] = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n";
  tern_message *msg = fresh();

  (void)state;
  tern_message_text(msg, "see below\n", TERN_NUL);
  tern_message_forward(msg, inner, TERN_NUL);
  has(msg, 0, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n"
              "Content-Disposition: attachment\r\n\r\nSubject: inner\r\n\r\n.hi\r\n\r\n--");
  tern_message_clear(msg);
  tern_message_date(msg, 0, 0);
  tern_message_from(msg, NULL, "a@b.c");
  tern_message_part(msg, NULL, "multipart/mixed; boundary=b", ready, TERN_NUL);
  has(msg, 0, "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b\r\n");
  tern_part_set_encoding(tern_message_forward(msg, inner, TERN_NUL), TERN_ENCODING_BASE64);
  assert_int_equal(tern_message_check(msg), TERN_E_CONTENT); /* RFC 2046 5.2.1 */
  assert_int_equal(tern_error_field(tern_message_error(msg)), TERN_FIELD_ENCODING);
  tern_message_free(msg);
}

/* A ready message with 8 bits cannot be converted: the engine must be told. */
static void forwarded_8bit(void **state)
{
  tern_message *msg = fresh();
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};

  (void)state;
  tern_message_text(msg, "x", 1);
  tern_message_forward(msg, "Subject: x\n\ncaf\xc3\xa9\n", TERN_NUL);
  assert_int_equal(tern_message_source()->prepare(msg, 0, &info), TERN_OK);
  assert_int_equal(info.flags, TERN_CONTENT_8BIT);
  has(msg, TERN_CAP_8BITMIME, "Content-Type: multipart/mixed; boundary=\"=_1_");
  has(msg, TERN_CAP_8BITMIME, "\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
  tern_message_free(msg);
}

static void trees_refused(void **state)
{
  tern_message *msg = fresh(), *other = fresh();
  tern_part *leaf;

  (void)state;
  tern_message_multipart(msg, NULL, "mixed");
  assert_int_equal(tern_message_check(msg), TERN_E_ARGUMENT); /* without a child */
  tern_message_clear(msg);
  leaf = tern_message_part(msg, NULL, "text/plain", "x", 1);
  assert_non_null(leaf);
  assert_null(tern_message_part(msg, leaf, "text/plain", "x", 1));
  assert_int_equal(tern_error_status(tern_message_error(msg)), TERN_E_ARGUMENT);
  tern_message_clear(msg);
  assert_null(tern_message_part(msg, tern_message_multipart(other, NULL, "mixed"), "text/plain", "x", 1));
  tern_message_clear(msg);
  assert_null(tern_message_multipart(msg, NULL, "mixed; boundary=x"));
  tern_message_clear(msg);
  assert_null(tern_message_attach(msg, "x", "image", "x", 1));
  assert_int_equal(tern_error_field(tern_message_error(msg)), TERN_FIELD_CONTENT_TYPE);
  tern_message_clear(msg);
  assert_null(tern_message_attach(msg, "x", "image/png\r\nX: y", "x", 1));
  tern_message_clear(msg);
  assert_null(tern_message_calendar(msg, "REQUEST; x", "x", 1));
  tern_message_free(msg);
  tern_message_free(other);
}

/* Without randomness a body that could hold a boundary is encoded, or refused where it must not be. */
static void without_randomness(void **state)
{
  tern_message *msg = tern_message_new(NULL);

  (void)state;
  tern_message_date(msg, 0, 0);
  tern_message_from(msg, NULL, "a@b.c");
  tern_message_text(msg, "--=_1_t--\n", TERN_NUL);
  tern_message_attach(msg, NULL, NULL, "x", 1);
  has(msg, 0, "\r\n\r\n--=3D_1_t--\r\n");
  has_not(msg, "Message-ID");
  tern_message_forward(msg, "X: y\n\n--=_1_t--\n", TERN_NUL);
  assert_int_equal(tern_message_check(msg), TERN_E_RANDOM);
  tern_message_free(msg);
}

/* ---- sources -------------------------------------------------------------------------------------*/
typedef struct pulled {
  uint64_t size, at;
  size_t piece;
  uint64_t fail_at; /* from this octet on reading answers `status` */
  tern_status status;
  int rewinds, again;
} pulled;

static uint8_t pattern[65536];

static tern_status pulled_read(void *user, const uint8_t **octets, size_t *len)
{
  pulled *p = user;
  uint64_t n = p->size - p->at;

  if (p->again && p->at / p->piece % 2 == 1 && p->again++ % 3 != 0) return TERN_E_AGAIN;
  if (p->status != TERN_OK && p->at >= p->fail_at) return p->status;
  if (n > p->piece) n = p->piece;
  *octets = pattern + p->at % 251;
  *len = (size_t)n;
  p->at += n;
  return p->at == p->size ? TERN_SOURCE_END : TERN_OK;
}

static tern_status pulled_rewind(void *user)
{
  pulled *p = user;

  p->at = 0;
  p->rewinds++;
  return TERN_OK;
}

static const tern_source rewindable = {sizeof rewindable, pulled_read, pulled_rewind, NULL};
static const tern_source once = {sizeof once, pulled_read, NULL, NULL};

static void sources(void **state)
{
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
  tern_message *msg = fresh();
  pulled p = {100000, 0, 1000, 0, TERN_OK, 0, 0};

  (void)state;
  tern_message_attach_source(msg, "f", NULL, &rewindable, &p, TERN_LENGTH_UNKNOWN);
  free(text_of(msg, 0)); /* compares promise and length */
  free(text_of(msg, 0));
  assert_int_equal(p.rewinds, 2); /* after counting, and before the second pass */
  tern_message_free(msg);

  msg = fresh(); /* once: no length, and no second pass */
  p.at = 0;
  tern_message_attach_source(msg, "f", NULL, &once, &p, TERN_LENGTH_UNKNOWN);
  assert_int_equal(tern_message_source()->prepare(msg, 0, &info), TERN_OK);
  assert_true(info.length == TERN_LENGTH_UNKNOWN);
  assert_int_equal(tern_message_source()->rewind(msg), TERN_OK); /* nothing was read yet */
  free(text_of(msg, 0));
  assert_int_equal(tern_message_source()->rewind(msg), TERN_E_REWIND);
  tern_message_free(msg);
}

/* A source that fails, or gives another number of octets than was said, ends the reading. */
static void sources_fail(void **state)
{
  static const struct {
    uint64_t size, promised;
    tern_status fails, want;
  } rows[] = {{5000, 5000, TERN_E_IO, TERN_E_IO},
              {5000, 5001, TERN_OK, TERN_E_SOURCE},
              {5000, 4999, TERN_OK, TERN_E_SOURCE},
              {5000, 0, TERN_OK, TERN_E_SOURCE}};
  size_t i, len;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tern_message *msg = fresh();
    pulled p = {rows[i].size, 0, 999, 2500, rows[i].fails, 0, 0};
    tern_status st;
    tern_message_text(msg, "x", 1);
    tern_message_attach_source(msg, "f", NULL, &rewindable, &p, rows[i].promised);
    assert_null(all_of(msg, 0, &len, &st));
    assert_int_equal(st, rows[i].want);
    assert_int_equal(tern_error_status(tern_message_error(msg)), TERN_OK); /* another try is allowed */
    tern_message_free(msg);
  }
}

static void source_again(void **state)
{
  tern_message *msg = fresh();
  pulled p = {100000, 0, 1000, 0, TERN_OK, 0, 1};
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
  const uint8_t *piece;
  size_t n, total = 0, waits = 0;
  tern_status st;

  (void)state;
  tern_message_attach_source(msg, "f", NULL, &rewindable, &p, p.size);
  assert_int_equal(tern_message_source()->prepare(msg, 0, &info), TERN_OK);
  do {
    st = tern_message_source()->read(msg, &piece, &n);
    if (st == TERN_E_AGAIN) waits++;
    if (st >= 0) total += n;
  } while (st == TERN_OK || st == TERN_E_AGAIN);
  assert_int_equal(st, TERN_SOURCE_END);
  assert_int_equal(total, info.length);
  assert_true(waits > 10);
  tern_message_free(msg);
}

/* ---- buffers -------------------------------------------------------------------------------------*/
static tern_message *rich(void)
{
  static const char name[] = "\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0 \xd0\x9a\xd0\xb0\xd1\x80\xd0\xb5\xd0\xbd\xd0\xb8\xd0\xbd\xd0\xb0";
  tern_message *msg = fresh();
  char address[40];
  int i;

  for (i = 0; i < 20; i++) {
    snprintf(address, sizeof address, "r%d@example.net", i);
    tern_message_cc(msg, i % 3 ? name : NULL, address);
  }
  tern_message_subject(msg, "\xf0\x9f\x8e\x89 a subject that is folded more than once, since it does not end before this");
  tern_message_text(msg, "line one\n.\n\xc3\xa9 trailing \r\nmac\rend=\n no end", TERN_NUL);
  tern_message_html(msg, "<p>x", TERN_NUL);
  tern_message_inline(msg, "c", "i.png", "image/png", pattern, 300);
  tern_message_attach(msg, name, "text/csv", pattern, 1111);
  tern_part_set_encoding(tern_message_attach(msg, "qp", NULL, pattern, 700), TERN_ENCODING_QUOTED_PRINTABLE);
  tern_message_attach(msg, "empty", NULL, NULL, 0);
  return msg;
}

/* The same octets through a buffer of every size. */
static void every_buffer(void **state)
{
  tern_message *msg = rich();
  tern_status st;
  size_t want_len, len, size;
  char *want = all_of(msg, 0, &want_len, &st);

  (void)state;
  assert_non_null(want);
  for (size = TERN__ENCODE_ROOM; size < 2500; size += size < 700 ? 1 : 97) {
    char *got;
    msg->buffer_size = size; /* less than may be asked for outside: the hardest windows */
    got = all_of(msg, 0, &len, &st);
    msg->buffer_size = 16384;
    assert_non_null(got);
    assert_int_equal(len, want_len);
    assert_memory_equal(got, want, len);
    free(got);
  }
  free(want);
  tern_message_free(msg);
}

/* Text in pieces cut anywhere gives what it gives whole. */
typedef struct cut_text {
  const char *text;
  size_t len, at, first;
} cut_text;

static tern_status cut_read(void *user, const uint8_t **octets, size_t *len)
{
  cut_text *c = user;
  size_t n = c->at < c->first ? c->first - c->at : c->len - c->at;

  *octets = (const uint8_t *)c->text + c->at;
  *len = n;
  c->at += n;
  return c->at == c->len ? TERN_SOURCE_END : TERN_OK;
}

static tern_status cut_rewind(void *user)
{
  ((cut_text *)user)->at = 0;
  return TERN_OK;
}

static void every_cut(void **state)
{
  static const char text[] = "\xc3\xa9 words and \xe2\x82\xac, \xc3\xbc=\xc3\xbc that fill more than one line of .quoted-printable, mixed\xc3\xa9\xc3\xa9x\xc3\xa9yz so on\n"
                             "a\r\nb\rc\n\xf0\x9f\x8e\x89 \n=\t\r\n.dot \r\n--=_1\n x \r";
  static const tern_source source = {sizeof source, cut_read, cut_rewind, NULL};
  uint32_t encoding;
  size_t first;

  (void)state;
  for (encoding = TERN_ENCODING_8BIT; encoding <= TERN_ENCODING_BASE64; encoding++)
    for (first = 1; first < sizeof text - 1; first++) {
      cut_text c = {text, sizeof text - 1, 0, 0};
      tern_message *whole = fresh(), *cut = fresh();
      char *a, *b;
      c.first = first;
      tern_message_set_encoding(whole, encoding);
      tern_message_set_encoding(cut, encoding);
      tern_message_part(whole, NULL, "text/plain", text, sizeof text - 1);
      tern_message_part_source(cut, NULL, "text/plain", &source, &c, TERN_LENGTH_UNKNOWN);
      a = text_of(whole, TERN_CAP_8BITMIME);
      b = text_of(cut, TERN_CAP_8BITMIME);
      assert_string_equal(a, b);
      free(a);
      free(b);
      tern_message_free(whole);
      tern_message_free(cut);
    }
}

/* ---- memory --------------------------------------------------------------------------------------*/
static void arena_constant(void **state)
{
  static uint64_t ram[512]; /* 4 KiB in all */
  static const uint64_t sizes[] = {0, 1, 1000000, 64u << 20};
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, ram, sizeof ram);
  size_t i, peak = 0;

  (void)state;
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    tern_message *msg = tern_message_new(mem);
    tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
    pulled p = {0, 0, 65000, 0, TERN_OK, 0, 0};
    const uint8_t *piece;
    uint64_t total = 0;
    size_t n;
    tern_status st;
    p.size = sizes[i];
    tern_message_date(msg, 0, 0);
    tern_message_from(msg, NULL, "a@b.c");
    tern_message_subject(msg, "huge");
    tern_message_attach_source(msg, "f", NULL, &rewindable, &p, p.size);
    assert_int_equal(tern_message_source()->prepare(msg, 0, &info), TERN_OK);
    do {
      st = tern_message_source()->read(msg, &piece, &n);
      assert_true(st >= 0);
      total += n;
    } while (st == TERN_OK);
    assert_true(total == info.length);
    tern_message_free(msg);
    assert_int_equal(tern_arena_level(&arena), 0);
    if (i == 0) peak = tern_arena_peak(&arena);
    assert_int_equal(tern_arena_peak(&arena), peak);
  }
}

/* Ten GiB: the length is known without an octet read; what comes after the file is where it must be. */
static void ten_gib(void **state)
{
  tern_message *msg = fresh();
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0}, none = {TERN_LENGTH_UNKNOWN, 0};
  pulled p = {UINT64_C(10) << 30, 0, 65000, 0, TERN_OK, 0, 0};
  uint64_t lines = p.size / 57, rest = p.size % 57;

  (void)state;
  tern_message_attach_source(msg, "f", NULL, &rewindable, &p, 0);
  assert_int_equal(tern_message_source()->prepare(msg, 0, &none), TERN_OK);
  tern_message_clear(msg);
  tern_message_date(msg, 1795580096, 60);
  tern_message_from(msg, "Ann", "ann@example.org");
  tern_message_to(msg, NULL, "bob@example.net");
  tern_message_attach_source(msg, "f", NULL, &rewindable, &p, p.size);
  assert_int_equal(tern_message_source()->prepare(msg, 0, &info), TERN_OK);
  assert_int_equal(p.at, 0);
  assert_true(info.length - none.length == lines * 78 + (rest + 2) / 3 * 4 + 2);
  tern_message_free(msg);
}

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

static void build_all(tern_message *msg)
{
  tern_part *tree;

  tern_message_set_random(msg, counting_random, NULL);
  tern_message_date(msg, 0, 0);
  tern_message_from(msg, "A", "a@b.c");
  tern_message_from(msg, "B", "b@b.c");
  tern_message_group(msg, TERN_FIELD_TO, "g");
  tern_message_to(msg, "C", "c@b\xc3\xbc" "cher.example");
  tern_message_header(msg, "Reply-To", "x (y) <x@y.z>, g: a@b.c;");
  tern_message_header(msg, "X", "y");
  tern_message_references(msg, "a b c");
  tern_message_text(msg, "x", 1);
  tern_message_calendar(msg, "REQUEST", "x", 1);
  tree = tern_message_multipart(msg, NULL, "mixed");
  tern_part_set_description(tern_message_part(msg, tree, "text/plain", "x", 1), "d");
  tern_part_header(tern_message_attach(msg, "n", NULL, "x", 1), "X-P", "v");
  tern_message_inline(msg, "c", "n", NULL, "x", 1);
}

static void each_allocation_fails(void **state)
{
  int for_ever;
  long i;

  (void)state;
  for (for_ever = 0; for_ever < 2; for_ever++)
    for (i = 1;; i++) {
      failing f = {0, 0, 0, 0};
      tern_allocator mem = {NULL, fail_alloc, fail_free};
      tern_message *msg;
      tern_status st;
      f.at = i;
      f.for_ever = for_ever;
      mem.user = &f;
      msg = tern_message_new(&mem);
      build_all(msg);
      st = tern_message_check(msg);
      assert_int_equal(st, f.calls < i ? TERN_OK : TERN_E_NOMEM);
      if (f.calls < i) {
        has(msg, 0, "multipart/alternative");
        tern_message_free(msg);
        assert_int_equal(f.live, 0);
        break;
      }
      tern_message_free(msg);
      assert_int_equal(f.live, 0);
      assert_true(i < 1000);
    }
  assert_true(i > 40);
}

static int setup(void **state)
{
  size_t i;

  (void)state;
  for (i = 0; i < sizeof pattern; i++) pattern[i] = (uint8_t)(i * 7 + i / 251);
  return 0;
}

/* Files leave as they are where the server can take that, and only there. */
static void binary(void **state)
{
  static const uint32_t all = TERN_CAP_BINARYMIME | TERN_CAP_CHUNKING | TERN_CAP_8BITMIME;
  uint8_t octets[300];
  tern_content_info info = {0, 0};
  tern_message *msg;
  tern_part *part;
  tern_status st;
  size_t i, len;
  char *text, *at;

  (void)state;
  for (i = 0; i < sizeof octets; i++) octets[i] = (uint8_t)(i * 7);
  memcpy(octets, "\r\n.\r\n\n.\r\r", 9);
  msg = fresh();
  tern_message_text(msg, "h\xc3\xb6\n", TERN_NUL);
  part = tern_message_attach(msg, "a", NULL, octets, sizeof octets);
  assert_int_equal(tern_message_source()->prepare(msg, all, &info), TERN_OK);
  assert_int_equal(info.flags, TERN_CONTENT_BINARY);
  text = all_of(msg, all, &len, &st);
  assert_non_null(text);
  at = strstr(text, "Content-Transfer-Encoding: binary\r\n"); /* of the multipart */
  assert_non_null(at);
  assert_true(at < strstr(text, "\r\n\r\n"));
  at = strstr(at + 1, "Content-Transfer-Encoding: binary\r\n");
  assert_non_null(at);
  at = strstr(at, "\r\n\r\n") + 4;
  assert_memory_equal(at, octets, sizeof octets);
  assert_memory_equal(at + sizeof octets, "\r\n--=_", 6);
  free(text);
  has(msg, all & ~TERN_CAP_CHUNKING, "Content-Transfer-Encoding: base64");
  has(msg, all & ~TERN_CAP_BINARYMIME, "Content-Transfer-Encoding: base64");
  assert_int_equal(tern_part_set_encoding(part, TERN_ENCODING_BASE64), TERN_OK);
  has(msg, all, "Content-Transfer-Encoding: base64");
  assert_int_equal(tern_part_set_encoding(part, TERN_ENCODING_BINARY), TERN_OK);
  has(msg, all, "Content-Transfer-Encoding: binary");
  has(msg, 0, "Content-Transfer-Encoding: base64");
  assert_int_equal(tern_part_set_encoding(part, TERN_ENCODING_BINARY + 1), TERN_E_ARGUMENT);
  tern_message_free(msg);
  msg = fresh(); /* no multipart ends it */
  tern_message_part(msg, NULL, "image/png", octets, sizeof octets);
  has(msg, all, "Content-Transfer-Encoding: base64");
  tern_message_free(msg);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(injection),        cmocka_unit_test(header_names_refused),
      cmocka_unit_test(addresses_refused), cmocka_unit_test(missing),
      cmocka_unit_test(texts_refused),    cmocka_unit_test(encodings),
      cmocka_unit_test(flags),            cmocka_unit_test(domains),
      cmocka_unit_test(fields),           cmocka_unit_test(replaced),
      cmocka_unit_test(lists),            cmocka_unit_test(groups),
      cmocka_unit_test(ready_bodies),     cmocka_unit_test(forwarded_8bit),
      cmocka_unit_test(trees_refused),    cmocka_unit_test(binary), cmocka_unit_test(without_randomness),
      cmocka_unit_test(sources),          cmocka_unit_test(sources_fail),
      cmocka_unit_test(source_again),     cmocka_unit_test(every_buffer),
      cmocka_unit_test(every_cut),        cmocka_unit_test(arena_constant),
      cmocka_unit_test(ten_gib),          cmocka_unit_test(each_allocation_fails),
  };

  return cmocka_run_group_tests(tests, setup, NULL);
}
