/* message_bounce_write_test.c - delivery status notifications as tern writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/bounce.h>
#include <tern/session.h>

#include "base/error.h"
#include "base/verdict.h"
#include "message_source.h"

#define ALL (TERN_CAP_8BITMIME | TERN_CAP_SMTPUTF8)
#define ORIGINAL "From: ann@example.org\r\nSubject: x\r\n\r\nbody\r\n.\r\nend\r\n"

static tern_error error_of(tern_status status, uint32_t code, const char *enhanced, const char *text)
{
  tern_error e;

  tern__error_set(&e, status, TERN_PHASE_RCPT);
  e.reply.code = (uint16_t)code;
  strcpy(e.reply.enhanced, enhanced);
  e.reply.text = text;
  return e;
}

static tern_report *make(const tern_allocator *mem)
{
  tern_report *r = tern_report_new(mem);
  tern_error e = error_of(TERN_E_NO_SUCH_MAILBOX, 550, "5.1.1", "no such user here,\nnever was");
  tern_status st;

  if (r == NULL) return NULL;
  st = tern_report_set_reporting_mta(r, "out.example.org");
  if (st == TERN_OK) st = tern_report_set_to(r, "ann@example.org");
  if (st == TERN_OK) st = tern_report_set_message_id(r, "1.2.3@out.example.org");
  if (st == TERN_OK) st = tern_report_set_date(r, 1795576054, 60);
  if (st == TERN_OK) st = tern_report_rcpt(r, "bob@example.net", TERN_REJECTED, &e);
  if (st == TERN_OK) return r;
  assert_int_equal(st, TERN_E_NOMEM);
  tern_report_free(r);
  return NULL;
}

static char *text_of(tern_report *r, uint32_t capabilities, tern_content_info *info)
{
  tern_status st;
  size_t len;
  char *all;

  info->length = TERN_LENGTH_UNKNOWN;
  info->flags = 0;
  assert_int_equal(tern_report_source()->prepare(r, capabilities, info), TERN_OK);
  all = read_all(tern_report_source(), r, &len, &st);
  assert_non_null(all);
  assert_int_equal(len, info->length);
  return all;
}

/* The whole of one, as it is. */
static void test_whole(void **state)
{
  static const char want[] =
      "From: Mail Delivery System <MAILER-DAEMON@out.example.org>\r\n"
      "To: <ann@example.org>\r\n"
      "Subject: Your message could not be delivered\r\n"
      "Date: Wed, 25 Nov 2026 04:07:34 +0100\r\n"
      "Message-ID: <1.2.3@out.example.org>\r\n"
      "Auto-Submitted: auto-replied\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: multipart/report; report-type=delivery-status;\r\n"
      " boundary=\"=_BOUNDARY\"\r\n"
      "\r\n"
      "--=_BOUNDARY\r\n"
      "Content-Type: text/plain; charset=us-ascii\r\n"
      "\r\n"
      "This is the mail system at out.example.org.\r\n"
      "\r\n"
      "Your message could not be delivered to:\r\n"
      "\r\n"
      "<bob@example.net>\r\n"
      "    STATUS\r\n"
      "    mx.example.net said: 550 5.1.1 no such user here, never was\r\n"
      "\r\n"
      "Your message could not be delivered yet to these; there is no need to send it again:\r\n"
      "\r\n"
      "<eve@example.com>\r\n"
      "    connection refused\r\n"
      "\r\n"
      "Your message was passed on to servers that do not report further, for:\r\n"
      "\r\n"
      "<dan@example.com>\r\n"
      "\r\n"
      "--=_BOUNDARY\r\n"
      "Content-Type: message/delivery-status\r\n"
      "\r\n"
      "Reporting-MTA: dns; out.example.org\r\n"
      "Original-Envelope-Id: envelope 7\r\n"
      "Arrival-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
      "\r\n"
      "Original-Recipient: rfc822;Bob@Example.net\r\n"
      "Final-Recipient: rfc822;bob@example.net\r\n"
      "Action: failed\r\n"
      "Status: 5.1.1\r\n"
      "Remote-MTA: dns; mx.example.net\r\n"
      "Diagnostic-Code: smtp; 550 5.1.1 no such user here, never was\r\n"
      "X-tern-Error: TERN_E_NO_SUCH_MAILBOX (rcpt)\r\n"
      "Last-Attempt-Date: Thu, 29 Feb 2024 23:59:59 -0330\r\n"
      "\r\n"
      "Final-Recipient: rfc822;eve@example.com\r\n"
      "Action: delayed\r\n"
      "Status: 4.4.1\r\n"
      "Diagnostic-Code: X-tern; connection refused\r\n"
      "X-tern-Error: TERN_E_CONNECT (rcpt)\r\n"
      "\r\n"
      "Final-Recipient: rfc822;dan@example.com\r\n"
      "Action: relayed\r\n"
      "Status: 2.0.0\r\n"
      "\r\n"
      "--=_BOUNDARY\r\n"
      "Content-Type: message/rfc822\r\n"
      "\r\n" ORIGINAL "\r\n"
      "--=_BOUNDARY--\r\n";
  tern_report *r = make(NULL);
  tern_content_info info;
  tern_error e = error_of(TERN_E_CONNECT, 0, "", NULL);
  char *got, *at, boundary[32];
  const char *w = want;
  size_t step;
  split s = {ORIGINAL, sizeof ORIGINAL - 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL};

  (void)state;
  assert_int_equal(tern_report_set_original(r, &split_source, &s, TERN_REPORT_FULL), TERN_OK);
  e.detail = "connection refused";
  assert_int_equal(tern_report_set_orcpt(r, "rfc822;Bob@Example.net"), TERN_OK);
  assert_int_equal(tern_report_set_remote_mta(r, "mx.example.net"), TERN_OK);
  assert_int_equal(tern_report_set_last_attempt(r, 1709263799, -210), TERN_OK);
  assert_int_equal(tern_report_set_envid(r, "envelope 7"), TERN_OK);
  assert_int_equal(tern_report_set_arrival(r, 0, 0), TERN_OK);
  assert_int_equal(tern_report_rcpt(r, "eve@example.com", TERN_DEFERRED, &e), TERN_OK);
  assert_int_equal(tern_report_rcpt(r, "dan@example.com", TERN_ACCEPTED, NULL), TERN_OK);
  for (step = 0; step < 5; step++) {
    s.step = step;
    got = text_of(r, 0, &info);
    assert_int_equal(info.flags, 0);
    at = strstr(got, "boundary=\"=_");
    assert_non_null(at);
    memcpy(boundary, at + 12, 24);
    boundary[24] = '\0';
    for (at = got, w = want; *w != '\0';) { /* word for word, names of values apart */
      if (strncmp(w, "BOUNDARY", 8) == 0) {
        assert_memory_equal(at, boundary, 24);
        at += 24;
        w += 8;
      } else if (strncmp(w, "STATUS", 6) == 0) {
        assert_memory_equal(at, tern_status_text(TERN_E_NO_SUCH_MAILBOX), strlen(tern_status_text(TERN_E_NO_SUCH_MAILBOX)));
        at += strlen(tern_status_text(TERN_E_NO_SUCH_MAILBOX));
        w += 6;
      } else {
        if (*at != *w) fail_msg("at %s\nnot %s", at, w);
        at++;
        w++;
      }
    }
    assert_string_equal(at, "");
    free(got);
  }
  split_free(&s);
  assert_int_equal(tern_report_set_envid(r, "late"), TERN_E_STATE);
  tern_report_free(r);
}

/* What is returned of the original, and how. */
static const struct {
  const char *original;
  uint32_t what, capabilities;
  const char *part; /* as it stands in the report, from its Content-Type on */
  uint32_t flags;
} originals[] = {
  {ORIGINAL, TERN_REPORT_HEADERS, 0,
   "Content-Type: text/rfc822-headers\r\n\r\nFrom: ann@example.org\r\nSubject: x\r\n\r\n--", 0},
  {"From: a@b\n\nh\xc3\xb6\n", TERN_REPORT_FULL, ALL,
   "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: a@b\r\n\r\nh\xc3\xb6\r\n\r\n--",
   TERN_CONTENT_8BIT},
  {"From: a@b\n\nh\xc3\xb6\n", TERN_REPORT_FULL, 0,
   "Content-Type: text/rfc822-headers\r\n\r\nFrom: a@b\r\n\r\n--", 0},
  {"From: \xc3\xb6@b\n\nh\n", TERN_REPORT_FULL, TERN_CAP_8BITMIME,
   "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: \xc3\xb6@b\r\n\r\nh\r\n\r\n--",
   TERN_CONTENT_8BIT},
  {"From: \xc3\xb6@b\n\nh\n", TERN_REPORT_HEADERS, TERN_CAP_8BITMIME,
   "Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: \xc3\xb6@b\r\n\r\n--",
   TERN_CONTENT_8BIT},
  {"From: \xc3\xb6@b \nX: 1=2\t\r\n y\n\nh\n", TERN_REPORT_FULL, 0,
   "Content-Type: text/rfc822-headers; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
   "From: =C3=B6@b=20\r\nX: 1=3D2=09\r\n y\r\n\r\n--", 0},
  {"From: \xc3\xb6@b\nX: 1234567890123456789012345678901234567890123456789012345678901234567890123456789\n\n",
   TERN_REPORT_HEADERS, 0,
   "Content-Type: text/rfc822-headers; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
   "From: =C3=B6@b\r\nX: 123456789012345678901234567890123456789012345678901234567890123456789012=\r\n"
   "3456789\r\n\r\n--", 0},
  {"From: a@b", TERN_REPORT_FULL, 0, "Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\n\r\n--", 0},
  {"", TERN_REPORT_FULL, 0, "Content-Type: message/rfc822\r\n\r\n\r\n--", 0},
  {"\nbody\n", TERN_REPORT_HEADERS, 0, "Content-Type: text/rfc822-headers\r\n\r\n\r\n--", 0},
};

static void test_originals(void **state)
{
  size_t i, step;
  tern_content_info info;
  char *got, *at;

  (void)state;
  for (i = 0; i < sizeof originals / sizeof originals[0]; i++)
    for (step = 0; step < 6; step++) {
      tern_report *r = make(NULL);
      split s = {originals[i].original, strlen(originals[i].original), step, 0, 0, 0, 0, 0, 0, 0, NULL};
      assert_int_equal(tern_report_set_original(r, &split_source, &s, originals[i].what), TERN_OK);
      got = text_of(r, originals[i].capabilities, &info);
      at = strstr(got, "Diagnostic-Code");
      assert_non_null(at);
      at = strstr(at, "\r\nContent-Type: ");
      assert_non_null(at);
      if (strncmp(at + 2, originals[i].part, strlen(originals[i].part)) != 0)
        fail_msg("%s\n--- not ---\n%s", at + 2, originals[i].part);
      assert_int_equal(info.flags, originals[i].flags);
      free(got);
      /* the same octets again, and after another server */
      got = text_of(r, ALL, &info);
      free(got);
      got = text_of(r, originals[i].capabilities, &info);
      assert_non_null(strstr(got, originals[i].part));
      free(got);
      split_free(&s);
      tern_report_free(r);
    }
}

static void test_utf8(void **state)
{
  tern_error e = error_of(TERN_E_NO_SUCH_MAILBOX, 550, "", "gibt's \xc3\xb6 nicht");
  tern_content_info info;
  tern_report *r = make(NULL);
  char *got;

  (void)state;
  assert_int_equal(tern_report_rcpt(r, "j\xc3\xb6+g@b\xc3\xbc.example", TERN_REJECTED, &e), TERN_OK);
  assert_int_equal(tern_report_set_orcpt(r, "utf-8;\xf0\x9f\x90\xb3@x"), TERN_OK);
  got = text_of(r, 0, &info);
  assert_int_equal(info.flags, 0);
  assert_non_null(strstr(got, "Final-Recipient: utf-8;j\\x{F6}\\x{2B}g@b\\x{FC}.example\r\n"));
  assert_non_null(strstr(got, "Original-Recipient: utf-8;\\x{1F433}@x\r\n"));
  assert_non_null(strstr(got, "Status: 5.1.1\r\n"));
  assert_non_null(strstr(got, "smtp; 550 gibt's ?? nicht\r\n"));
  free(got);
  tern_report_free(r);
  r = make(NULL);
  assert_int_equal(tern_report_set_to(r, "\xc3\xb6@example.org"), TERN_OK);
  assert_int_equal(tern_report_rcpt(r, "j\xc3\xb6+g@b\xc3\xbc.example", TERN_REJECTED, &e), TERN_OK);
  got = text_of(r, ALL, &info);
  assert_int_equal(info.flags, TERN_CONTENT_8BIT | TERN_CONTENT_UTF8_HEADER);
  assert_non_null(strstr(got, "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n"));
  assert_non_null(strstr(got, "Final-Recipient: utf-8;j\xc3\xb6+g@b\xc3\xbc.example\r\n"));
  free(got);
  tern_report_free(r);
}

/* No line over 998, whatever a server says; no line of its own making. */
static void test_hostile_text(void **state)
{
  static char words[4000];
  tern_error e = error_of(TERN_E_POLICY, 554, "5.7.1", words);
  tern_content_info info;
  tern_report *r = make(NULL);
  char *got, *at, *end;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof words - 1; i++) words[i] = i < 2000 ? 'x' : "ab\r\n\tc\1\x7f -\xff"[i % 11];
  memcpy(words + 3000, "\r\n\r\n--=_\r\nFinal-Recipient: rfc822;evil@x\r\n\r\n", 44);
  assert_int_equal(tern_report_rcpt(r, "c@example.net", TERN_REJECTED, &e), TERN_OK);
  got = text_of(r, 0, &info);
  for (at = got; (end = strstr(at, "\r\n")) != NULL; at = end + 2) {
    assert_true(end - at <= 998);
    for (i = 0; at + i < end; i++) assert_true((unsigned char)at[i] >= 32 && (unsigned char)at[i] < 127);
    assert_true(strncmp(at, "Final-Recipient: rfc822;evil", 28) != 0);
  }
  assert_string_equal(at, "");
  free(got);
  tern_report_free(r);
}

static void test_arguments(void **state)
{
  tern_report *r = tern_report_new(NULL);
  tern_error e = error_of(TERN_E_POLICY, 554, "", "x");
  tern_content_info info;
  split s = {"x", 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL};

  (void)state;
  assert_int_equal(tern_report_source()->prepare(r, 0, &info), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_set_to(r, ""), TERN_E_ARGUMENT); /* no report of a report */
  assert_int_equal(tern_report_set_to(r, "a b"), TERN_E_ADDRESS);
  assert_int_equal(tern_report_set_from(r, "a\r\nB: c@d"), TERN_E_ADDRESS);
  assert_int_equal(tern_report_set_reporting_mta(r, "a b"), TERN_E_NAME);
  assert_int_equal(tern_report_set_message_id(r, "a\n@b"), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_set_envid(r, "a\nb"), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_set_date(r, -1, 0), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_set_orcpt(r, "rfc822;x"), TERN_E_STATE);
  assert_int_equal(tern_report_rcpt(r, "a@b", TERN_REJECTED, NULL), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_rcpt(r, "a@b", TERN_UNKNOWN, &e), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_rcpt(r, "a@b>", TERN_REJECTED, &e), TERN_E_ADDRESS);
  assert_int_equal(tern_report_rcpt(r, "a@b", TERN_REJECTED, &e), TERN_OK);
  assert_int_equal(tern_report_set_orcpt(r, "rfc822"), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_set_orcpt(r, "rfc822;\r\nx"), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_set_remote_mta(r, "a\nb"), TERN_E_NAME);
  assert_int_equal(tern_report_set_original(r, &split_source, &s, 2), TERN_E_ARGUMENT);
  assert_int_equal(tern_report_set_original(r, &split_once, &s, 1), TERN_E_REWIND);
  tern_report_free(r);
  r = make(NULL);
  s.fail_at = 1;
  assert_int_equal(tern_report_set_original(r, &split_source, &s, 1), TERN_OK);
  assert_int_equal(tern_report_source()->prepare(r, 0, &info), TERN_E_IO);
  tern_report_free(r);
  split_free(&s);
  tern_report_free(NULL);
  assert_int_equal(tern_report_set_to(NULL, "a@b"), TERN_E_NOMEM);
  assert_int_equal(tern_report_rcpt(NULL, "a@b", TERN_ACCEPTED, NULL), TERN_E_NOMEM);
}

static void test_enhanced(void **state)
{
  static const struct {
    tern_status status;
    const char *code;
  } rows[] = {
    {TERN_E_NO_SUCH_MAILBOX, "5.1.1"}, {TERN_E_MAILBOX_FULL, "5.2.2"}, {TERN_E_MAILBOX_FULL_NOW, "4.2.2"},
    {TERN_E_HOST, "5.1.2"},            {TERN_E_NULL_MX, "5.1.10"},     {TERN_E_TIMEOUT, "4.4.2"},
    {TERN_E_TOO_BIG, "5.3.4"},         {TERN_E_REFUSED_PERMANENT, "5.0.0"}, {TERN_E_REFUSED_TRANSIENT, "4.0.0"},
    {TERN_E_POLICY, "5.7.0"},          {TERN_E_TLS_EXPIRED, "4.7.0"},  {TERN_E_REPLY_SYNTAX, "4.5.0"},
  };
  char out[12];
  size_t i;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tern__verdict_enhanced(rows[i].status, out);
    assert_string_equal(out, rows[i].code);
  }
}

static void test_memory(void **state)
{
  failing f;
  size_t i;

  (void)state;
  for (i = 1;; i++) {
    tern_content_info info;
    tern_status st = TERN_E_NOMEM;
    tern_report *r;
    failing_init(&f, i, i % 2 == 0);
    r = make(&f.allocator);
    if (r != NULL) st = tern_report_source()->prepare(r, 0, &info);
    tern_report_free(r);
    assert_int_equal(f.live, 0);
    if (f.calls < i) {
      assert_int_equal(st, TERN_OK);
      assert_true(i > 8);
      break;
    }
    assert_int_equal(st, TERN_E_NOMEM);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_whole),        cmocka_unit_test(test_originals), cmocka_unit_test(test_utf8),
    cmocka_unit_test(test_hostile_text), cmocka_unit_test(test_arguments), cmocka_unit_test(test_enhanced),
    cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
