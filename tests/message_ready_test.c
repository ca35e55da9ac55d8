/* message_ready_test.c - ready messages: recipients, sender, what is added, dropped and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/ready.h>

#include "message_source.h"

#define DATE "Date: Wed, 25 Nov 2026 04:07:34 +0100\r\n"
#define ID "Message-ID: <1.2@host.example>\r\n"
#define F "From: a@example.org\r\n"
#define LONG_998 /* a field of 998 octets in one line */ \
  "X-Long: " /* 8 */ \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "

/* Those that are read: in, recipients joined by a blank, sender, out. */
static const struct {
  const char *in, *rcpts, *sender, *out;
} good[] = {
  /* line ends, what is added and where */
  {F "To: b@example.net\r\n\r\nhi\r\n", "b@example.net", "a@example.org",
   F "To: b@example.net\r\n" DATE ID "\r\nhi\r\n"},
  {"From: a@example.org\nTo: b@example.net\n\nhi\rho\n\n.\nend", "b@example.net", "a@example.org",
   F "To: b@example.net\r\n" DATE ID "\r\nhi\r\nho\r\n\r\n.\r\nend\r\n"},
  {F "To: b@example.net", "b@example.net", "a@example.org", F "To: b@example.net\r\n" DATE ID},
  {F "\r\n", "", "a@example.org", F DATE ID "\r\n"},
  {F DATE ID "To: b@example.net\r\n\r\n", "b@example.net", "a@example.org",
   F DATE ID "To: b@example.net\r\n\r\n"},
  {"dATE : x\r\nMESSAGE-ID\t: y\r\nFrom : a@example.org\r\n\r\n", "", "a@example.org",
   "dATE : x\r\nMESSAGE-ID\t: y\r\nFrom : a@example.org\r\n\r\n"},
  /* Bcc, wherever and as often as it is there */
  {"Bcc: x@example.net\r\n" F "BCC :\r\n y@example.net,\r\n\tz@example.net\r\nX: 1\r\nbcc:\r\n\r\nBcc: no\r\n",
   "x@example.net y@example.net z@example.net", "a@example.org",
   F "X: 1\r\n" DATE ID "\r\nBcc: no\r\n"},
  {F "Bcc: x@example.net", "x@example.net", "a@example.org", F DATE ID},
  {F "Bccx: x@example.net\r\nXBcc: 1\r\n\r\n", "", "a@example.org",
   F "Bccx: x@example.net\r\nXBcc: 1\r\n" DATE ID "\r\n"},
  /* address lists, RFC 5322 3.4 and 4.4 */
  {F DATE ID "To: Bob <b@x.example>, \"A, B\" <c@x.example>, d@x.example (Dora), (x) e@x.example\r\n\r\n",
   "b@x.example c@x.example d@x.example e@x.example", "a@example.org", NULL},
  {F DATE ID "To: undisclosed-recipients:;\r\n\r\n", "", "a@example.org", NULL},
  {F DATE ID "To: A Group: Ed <e@x.example>, j@x.example , \"J (no) :\" <k@x.example>;, l@x.example\r\n\r\n",
   "e@x.example j@x.example k@x.example l@x.example", "a@example.org", NULL},
  {F DATE ID "To: <@r.example,@s.example:b@x.example>, ,, c @ x . example,\r\n\r\n",
   "b@x.example c@x.example", "a@example.org", NULL},
  {F DATE ID "To: \"john doe\"@x.example, \"q\\\"\\\\\"@x.example, b@[192.0.2.1], c@[IPv6:2001:db8::1]\r\n\r\n",
   "\"john doe\"@x.example \"q\\\"\\\\\"@x.example b@[192.0.2.1] c@[IPv6:2001:db8::1]",
   "a@example.org", NULL},
  {F DATE ID "To: Bob\r\n (a \\) (nested)\r\n comment)\r\n <b(inside)@x.example>(after)\r\n\r\n",
   "b@x.example", "a@example.org", NULL},
  {F DATE ID "To: =?utf-8?q?J=C3=B6rg?= <j@x.example>, J. R. Ewing <k@x.example>\r\n\r\n",
   "j@x.example k@x.example", "a@example.org", NULL},
  {F DATE ID "To: J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc" "cher.example>\r\n\r\n",
   "j\xc3\xb6rg@b\xc3\xbc" "cher.example", "a@example.org", NULL},
  /* each once; local parts differ by case (RFC 5321 2.4) */
  {F DATE ID "To: b@x.example, B@x.example\r\nCc: b@x.example, c@x.example\r\nBcc: c@x.example\r\n\r\n",
   "b@x.example B@x.example c@x.example", "a@example.org",
   F DATE ID "To: b@x.example, B@x.example\r\nCc: b@x.example, c@x.example\r\n\r\n"},
  /* the sender */
  {"Sender: s@example.org\r\nFrom: A <a@example.org>, B <b@example.org>\r\n" DATE ID "\r\n", "",
   "s@example.org", NULL},
  /* resent: the latest block alone, grouped (RFC 5322 3.6.6) */
  {"Received: x\r\nResent-From: r@example.org\r\nResent-To: n@x.example\r\nResent-Bcc: h@x.example\r\n"
   "Received: y\r\nResent-From: old@example.org\r\nResent-To: o@x.example\r\nFrom: a@example.org\r\n"
   "To: b@x.example\r\nBcc: q@x.example\r\n\r\nhi\r\n",
   "n@x.example h@x.example", "r@example.org",
   "Received: x\r\nResent-From: r@example.org\r\nResent-To: n@x.example\r\nResent-" DATE "Resent-" ID
   "Received: y\r\nResent-From: old@example.org\r\nResent-To: o@x.example\r\nFrom: a@example.org\r\n"
   "To: b@x.example\r\n\r\nhi\r\n"},
  {"Resent-From: r@example.org\r\nResent-To: n@x.example\r\nResent-From: s@example.org\r\n"
   "Resent-To: o@x.example\r\n" F "\r\n", "n@x.example", "r@example.org",
   "Resent-From: r@example.org\r\nResent-To: n@x.example\r\nResent-" DATE "Resent-" ID
   "Resent-From: s@example.org\r\nResent-To: o@x.example\r\n" F "\r\n"},
  {F "To: b@x.example\r\nResent-Sender: s@example.org\r\nResent-From: r@example.org\r\nResent-Date: x\r\n"
   "Resent-To: n@x.example", "n@x.example", "s@example.org",
   F "To: b@x.example\r\nResent-Sender: s@example.org\r\nResent-From: r@example.org\r\nResent-Date: x\r\n"
   "Resent-To: n@x.example\r\nResent-" ID},
  {F DATE ID LONG_998 "\r\n\r\n", "", "a@example.org", NULL},
};

/* Those that are refused: in, status, words that the text must have. */
static const struct {
  const char *in;
  tern_status status;
  const char *words;
} wrong[] = {
  {"To: b@x.example\r\n\r\n", TERN_E_CONTENT, "no From"},
  {"", TERN_E_CONTENT, "no From"},
  {"\r\nFrom: a@x.example\r\n", TERN_E_CONTENT, "no From"},
  {F F "\r\n", TERN_E_CONTENT, "line 2, from: a second"},
  {F "Subject: 1\r\nX: 2\r\nsubject: 3\r\n\r\n", TERN_E_CONTENT, "line 4, subject: a second"},
  {F "To: b@x.example\r\nTo: c@x.example\r\n\r\n", TERN_E_CONTENT, "line 3, to: a second"},
  {F DATE DATE "\r\n", TERN_E_CONTENT, "date: a second"},
  {"From: a@x.example, b@x.example\r\n\r\n", TERN_E_CONTENT, "Sender"},
  {"From:\r\n\r\n", TERN_E_CONTENT, "without an address"},
  {"From: group:;\r\n\r\n", TERN_E_CONTENT, "without an address"},
  {"From a@x.example Wed Nov 25 04:07:34 2026\r\n" F "\r\n", TERN_E_CONTENT, "line 1, no header field"},
  {F "hello\r\n\r\n", TERN_E_CONTENT, "line 2, no header field"},
  {" folded\r\n" F "\r\n", TERN_E_CONTENT, "line 1, no header field"},
  {F ": x\r\n\r\n", TERN_E_CONTENT, "line 2, no header field"},
  {F "J\xc3\xb6rg: x\r\n\r\n", TERN_E_CONTENT, "line 2, no header field"},
  {F "X: y\r\n \t\r\n z\r\n\r\n", TERN_E_CONTENT, "line 3, a folded line"},
  {F LONG_998 "1\r\n\r\n", TERN_E_CONTENT, "over 998"},
  {F "To: b@\r\n\r\n", TERN_E_ADDRESS, "line 2, to: an address that is none"},
  {F "To: root\r\n\r\n", TERN_E_ADDRESS, "an address that is none"},
  {F "To: John b@x.example\r\n\r\n", TERN_E_ADDRESS, "after a name"},
  {F "To: <john b@x.example>\r\n\r\n", TERN_E_ADDRESS, "white space"},
  {F "To: <>\r\n\r\n", TERN_E_ADDRESS, "empty"},
  {F "To: a@x.example\r\n b@x.example\r\n\r\n", TERN_E_ADDRESS, "line 2, to: an address without"},
  {F "To: <b@x.example\r\n\r\n", TERN_E_ADDRESS, "does not end"},
  {F "To: b@x.example>\r\n\r\n", TERN_E_ADDRESS, "without <"},
  {F "To: <b@x.example> c\r\n\r\n", TERN_E_ADDRESS, "rubbish"},
  {F "To: <b@x.example> <c@x.example>\r\n\r\n", TERN_E_ADDRESS, "second <"},
  {F "To: <b@x.example, c@x.example>\r\n\r\n", TERN_E_ADDRESS, "comma"},
  {F "To: (never\r\n\r\n", TERN_E_ADDRESS, "comment"},
  {F "To: \"never <b@x.example>\r\n\r\n", TERN_E_ADDRESS, "quoted"},
  {F "To: g: h: b@x.example;\r\n\r\n", TERN_E_ADDRESS, "a :"},
  {F "To: b@x.example;\r\n\r\n", TERN_E_ADDRESS, "a ;"},
  {F "To: \"a\"b@x.example\r\n\r\n", TERN_E_ADDRESS, "none"},
  {F "Bcc: \xff@x.example\r\n\r\n", TERN_E_ADDRESS, "none"},
  {"Resent-To: b@x.example\r\n" F "\r\n", TERN_E_CONTENT, "Resent-From"},
  {"Resent-From: b@x.example\r\n\r\n", TERN_E_CONTENT, "no From"},
};

static tern_ready *make(const tern_allocator *mem)
{
  tern_ready *r = tern_ready_new(mem);

  if (r == NULL) return NULL;
  assert_int_equal(tern_ready_set_date(r, 1795576054, 60), TERN_OK);
  if (tern_ready_set_message_id(r, "1.2@host.example") != TERN_OK) {
    tern_ready_free(r);
    return NULL;
  }
  return r;
}

static tern_status read_header(tern_ready *r)
{
  tern_status st;

  do st = tern_ready_read(r);
  while (st == TERN_E_AGAIN);
  return st;
}

static void check_good(tern_ready *r, size_t i)
{
  const char *out = good[i].out != NULL ? good[i].out : good[i].in;
  char rcpts[512] = "", *all;
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
  tern_status st;
  size_t len, k;
  int run;

  for (k = 0; k < tern_ready_rcpt_count(r); k++) {
    if (k != 0) strcat(rcpts, " ");
    strcat(rcpts, tern_ready_rcpt(r, (uint32_t)k));
  }
  assert_string_equal(rcpts, good[i].rcpts);
  assert_string_equal(tern_ready_sender(r), good[i].sender);
  assert_int_equal(tern_ready_resent(r), strstr(good[i].in, "Resent-") != NULL);
  assert_null(tern_ready_error(r));
  for (run = 0; run < 3; run++) {
    if (run == 1) {
      assert_int_equal(tern_ready_source()->prepare(r, 5, &info), TERN_OK);
      if (info.length != TERN_LENGTH_UNKNOWN) assert_int_equal(info.length, strlen(out));
      assert_int_equal((info.flags & TERN_CONTENT_UTF8_HEADER) != 0, strstr(out, "\xc3") != NULL);
    }
    if (run == 2) assert_int_equal(tern_ready_source()->rewind(r), TERN_OK);
    all = read_all(tern_ready_source(), r, &len, &st);
    assert_non_null(all);
    assert_string_equal(all, out);
    assert_int_equal(len, strlen(out));
    free(all);
  }
}

static void test_good(void **state)
{
  tern_ready *r = make(NULL);
  size_t i, step;

  (void)state;
  for (i = 0; i < sizeof good / sizeof good[0]; i++) {
    size_t len = strlen(good[i].in);
    assert_int_equal(tern_ready_set_octets(r, good[i].in, TERN_NUL), TERN_OK);
    assert_int_equal(tern_ready_read(r), TERN_OK);
    check_good(r, i);
    for (step = 1; step < len && step < 40; step++) {
      split s = {good[i].in, len, step, step % 3 == 0 ? 4 : 0, 0, 0, 0, 0, 0, 0, NULL};
      if (step % 2 != 0 && strchr(good[i].in, '\r') != NULL) s.length = len;
      if (s.length != 0 && (len < 2 || strcmp(good[i].in + len - 2, "\r\n") != 0)) s.length += 2;
      if (strstr(good[i].in, "hi\rho") != NULL) s.length = 0;
      s.flags = TERN_CONTENT_UTF8_HEADER;
      assert_int_equal(tern_ready_set_source(r, &split_source, &s), TERN_OK);
      assert_int_equal(read_header(r), TERN_OK);
      check_good(r, i);
      assert_int_equal(s.told, 5);
      split_free(&s);
    }
  }
  tern_ready_free(r);
}

static void test_wrong(void **state)
{
  tern_ready *r = make(NULL);
  const uint8_t *octets;
  size_t i, step, len;

  (void)state;
  for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    for (step = 1; step < 4; step++) {
      split s = {wrong[i].in, strlen(wrong[i].in), step == 3 ? 0 : step, 0, 0, 0, 0, 0, 0, 0, NULL};
      assert_int_equal(tern_ready_set_source(r, &split_source, &s), TERN_OK);
      assert_int_equal(tern_ready_read(r), wrong[i].status);
      assert_int_equal(tern_error_status(tern_ready_error(r)), wrong[i].status);
      assert_int_equal(tern_error_field(tern_ready_error(r)), TERN_FIELD_HEADER);
      if (strstr(tern_error_text(tern_ready_error(r)), wrong[i].words) == NULL)
        fail_msg("%s: %s", wrong[i].in, tern_error_text(tern_ready_error(r)));
      assert_int_equal(tern_error_sysexit(tern_ready_error(r)), 65);
      assert_int_equal(tern_ready_read(r), wrong[i].status); /* it stays so */
      assert_int_equal(tern_ready_rcpt_count(r), 0);
      assert_string_equal(tern_ready_sender(r), "");
      assert_int_equal(tern_ready_source()->read(r, &octets, &len), TERN_E_STATE);
      split_free(&s);
    }
  }
  tern_ready_free(r);
}

/* NUL, wherever in the header; not in the body. */
static void test_nul(void **state)
{
  static const char text[] = "From: a@x.example\r\nTo: b@x.example\r\n\r\nbody";
  char in[sizeof text];
  tern_ready *r = make(NULL);
  size_t i;

  (void)state;
  for (i = 0; i < strlen(text); i++) {
    memcpy(in, text, sizeof text);
    if (in[i] == '\r' || in[i] == '\n') continue;
    in[i] = '\0';
    assert_int_equal(tern_ready_set_octets(r, in, sizeof text - 1), TERN_OK);
    assert_int_equal(tern_ready_read(r), i < strlen(text) - 4 ? TERN_E_CONTENT : TERN_OK);
  }
  tern_ready_free(r);
}

static void test_from(void **state)
{
  tern_ready *r = tern_ready_new(NULL);
  tern_status st;
  size_t len;
  char *all;

  (void)state;
  assert_int_equal(tern_ready_set_from(r, "no mailbox"), TERN_E_ADDRESS);
  assert_int_equal(tern_error_position(tern_ready_error(r)), 2);
  assert_int_equal(tern_ready_set_from(r, "cron@x.example"), TERN_OK);
  assert_int_equal(tern_ready_set_octets(r, "To: b@x.example\n\nhi\n", TERN_NUL), TERN_OK);
  assert_int_equal(tern_ready_read(r), TERN_OK);
  assert_string_equal(tern_ready_sender(r), "cron@x.example");
  all = read_all(tern_ready_source(), r, &len, &st);
  assert_string_equal(all, "To: b@x.example\r\nFrom: <cron@x.example>\r\n\r\nhi\r\n");
  free(all);
  assert_int_equal(tern_ready_set_octets(r, "Resent-To: b@x.example\n" F "\nhi\n", TERN_NUL), TERN_OK);
  assert_int_equal(tern_ready_read(r), TERN_OK);
  all = read_all(tern_ready_source(), r, &len, &st);
  assert_string_equal(all, "Resent-To: b@x.example\r\nResent-From: <cron@x.example>\r\n" F "\r\nhi\r\n");
  free(all);
  tern_ready_free(r);
}

static void test_arguments(void **state)
{
  tern_ready *r = tern_ready_new(NULL);
  split s = {F, sizeof F - 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL};
  static const struct {
    int64_t seconds;
    int32_t zone;
    tern_status status;
  } dates[] = {{0, 0, TERN_OK}, {-1, 0, TERN_E_ARGUMENT}, {0, -1, TERN_E_ARGUMENT}, {86400, -1439, TERN_OK},
               {86400, -1440, TERN_E_ARGUMENT}, {86400, 1440, TERN_E_ARGUMENT},
               {INT64_C(253402214400), 1439, TERN_OK}, {INT64_MAX, 0, TERN_E_ARGUMENT},
               {INT64_MIN, 0, TERN_E_ARGUMENT}};
  static const struct {
    const char *id;
    tern_status status;
  } ids[] = {{"a@b", TERN_OK}, {"a.b.c@d.e", TERN_OK}, {NULL, TERN_OK}, {"", TERN_E_ARGUMENT}, {"a", TERN_E_ARGUMENT},
             {"@b", TERN_E_ARGUMENT}, {"a@", TERN_E_ARGUMENT}, {"a@b@c", TERN_E_ARGUMENT},
             {"a..b@c", TERN_E_ARGUMENT}, {".a@c", TERN_E_ARGUMENT}, {"a@b>", TERN_E_ARGUMENT},
             {"<a@b>", TERN_E_ARGUMENT}, {"a\r\n@b", TERN_E_ARGUMENT}, {"a @b", TERN_E_ARGUMENT}};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof dates / sizeof dates[0]; i++)
    assert_int_equal(tern_ready_set_date(r, dates[i].seconds, dates[i].zone), dates[i].status);
  for (i = 0; i < sizeof ids / sizeof ids[0]; i++)
    assert_int_equal(tern_ready_set_message_id(r, ids[i].id), ids[i].status);
  assert_int_equal(tern_ready_read(r), TERN_E_STATE);
  assert_int_equal(tern_ready_set_limit(r, 0), TERN_E_ARGUMENT);
  assert_int_equal(tern_ready_set_octets(r, NULL, 1), TERN_E_ARGUMENT);
  assert_int_equal(tern_ready_set_source(r, NULL, NULL), TERN_E_ARGUMENT);
  assert_int_equal(tern_ready_set_source(r, &split_once, &s), TERN_E_REWIND);
  assert_int_equal(tern_ready_set_limit(r, 2), TERN_OK);
  assert_int_equal(tern_ready_set_octets(r, F "To: a@x, b@x\nCc: a@x, c@x\n", TERN_NUL), TERN_OK);
  assert_int_equal(tern_ready_read(r), TERN_E_CONTENT);
  assert_int_equal(tern_ready_set_octets(r, F "To: a@x, b@x\nCc: a@x\n", TERN_NUL), TERN_OK);
  assert_int_equal(tern_ready_read(r), TERN_OK);
  assert_int_equal(tern_ready_rcpt_count(r), 2);
  assert_int_equal(tern_ready_read(r), TERN_E_STATE);
  s.fail_at = 5;
  s.step = 1;
  assert_int_equal(tern_ready_set_source(r, &split_source, &s), TERN_OK);
  assert_int_equal(tern_ready_read(r), TERN_E_SOURCE);
  assert_int_equal(tern_error_cause(tern_ready_error(r)), TERN_E_IO);
  split_free(&s);
  tern_ready_free(r);
  tern_ready_free(NULL);
  assert_int_equal(tern_ready_read(NULL), TERN_E_NOMEM);
  assert_int_equal(tern_ready_set_octets(NULL, "", 0), TERN_E_NOMEM);
  assert_int_equal(tern_ready_rcpt_count(NULL), 0);
  assert_string_equal(tern_ready_rcpt(NULL, 0), "");
  assert_string_equal(tern_ready_sender(NULL), "");
  assert_null(tern_ready_error(NULL));
}

/* A source that fails while it is passed on: its own word comes through. */
static void test_source_fails(void **state)
{
  static const char in[] = F "\r\nbody body body\r\n";
  tern_ready *r = make(NULL);
  split s = {in, sizeof in - 1, 3, 0, 0, 0, 0, 0, 0, 0, NULL};
  tern_status st;
  size_t len;

  (void)state;
  assert_int_equal(tern_ready_set_source(r, &split_source, &s), TERN_OK);
  assert_int_equal(tern_ready_read(r), TERN_OK);
  s.fail_at = sizeof F + 8;
  assert_null(read_all(tern_ready_source(), r, &len, &st));
  assert_int_equal(st, TERN_E_IO);
  split_free(&s);
  tern_ready_free(r);
}

/* 50,000 recipients, each twice. */
static void test_many(void **state)
{
  size_t room = 50000 * 2 * 16 + 100, at = 0;
  char *in = malloc(room), number[16];
  tern_ready *r = make(NULL);
  uint32_t i, digit, run;

  (void)state;
  assert_non_null(in);
  memcpy(in, F "Bcc: ", sizeof F + 4);
  at = sizeof F + 4;
  for (run = 0; run < 2; run++)
    for (i = 0; i < 50000; i++) {
      for (digit = i, number[5] = '\0', room = 5; room-- > 0; digit /= 10) number[room] = (char)('0' + digit % 10);
      memcpy(in + at, number, 5);
      memcpy(in + at + 5, "@x.ex,\n ", 8);
      at += 13;
    }
  assert_int_equal(tern_ready_set_octets(r, in, at - 2), TERN_OK);
  assert_int_equal(tern_ready_read(r), TERN_OK);
  assert_int_equal(tern_ready_rcpt_count(r), 50000);
  assert_string_equal(tern_ready_rcpt(r, 49999), "49999@x.ex");
  tern_ready_free(r);
  free(in);
}

static tern_status whole(const tern_allocator *mem)
{
  tern_ready *r = make(mem);
  tern_status st = TERN_E_NOMEM;

  if (r == NULL) return st;
  if (tern_ready_set_from(r, "x@x.example") == TERN_OK) {
    assert_int_equal(tern_ready_set_octets(r, "Sender: s@x.example\nFrom: a@x.example, b@x.example\n"
                                              "To: 1@x, 2@x, 3@x, 4@x, 5@x, 6@x, 7@x, 8@x, 9@x\n"
                                              "Resent-From: r@x.example\nResent-To: 1@x, 2@x\n\n",
                                           TERN_NUL), TERN_OK);
    st = tern_ready_read(r);
    assert_int_equal(st != TERN_OK, tern_error_status(tern_ready_error(r)) == TERN_E_NOMEM);
  }
  tern_ready_free(r);
  return st;
}

static void test_memory(void **state)
{
  failing f;
  size_t i;
  int forever;

  (void)state;
  for (forever = 0; forever < 2; forever++)
    for (i = 1;; i++) {
      tern_status st;
      failing_init(&f, i, forever);
      st = whole(&f.allocator);
      assert_int_equal(f.live, 0);
      if (f.calls < i) {
        assert_int_equal(st, TERN_OK);
        assert_true(i > 10);
        break;
      }
      assert_int_equal(st, TERN_E_NOMEM);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_good),      cmocka_unit_test(test_wrong),
    cmocka_unit_test(test_nul),       cmocka_unit_test(test_from),
    cmocka_unit_test(test_arguments), cmocka_unit_test(test_source_fails),
    cmocka_unit_test(test_many),      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
