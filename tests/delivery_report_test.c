/* delivery_report_test.c - reports written and read back, carried on, and summed up for RFC 8460; each
 * allocation failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/report.h"

static tern_mail *make_mail(const tern_allocator *mem)
{
  tern_mail *mail = tern_mail_new(mem);

  tern_mail_from(mail, "ann@example.org");
  tern_mail_rcpt(mail, "bob@example.net");
  tern_mail_rcpt(mail, "eve@example.com");
  tern_mail_set_envid(mail, "id 1");
  tern_mail_set_notify(mail, 1, TERN_NOTIFY_FAILURE);
  return mail;
}

/* A report with everything in it that must survive, odd octets too. NULL: no memory. */
static tern_history *make_report(const tern_allocator *mem)
{
  static const tern__report_policy policy = {TERN__POLICY_STS, "example.net",
                                             "version: STSv1\nmode: enforce\n", "*.example.net\nb.c"};
  tern_mail *mail = make_mail(mem);
  tern_history *r = mail && tern_mail_rcpt_count(mail) == 2 ? tern__report_of(mail, 1700000000) : NULL;
  tern__report_attempt *a;
  uint32_t index;

  (void)tern_mail_free(mail);
  if (!r) return NULL;
  a = tern__report_add_attempt(r, &index);
  if (a) {
    a->a.domain = tern__report_text(r, "example.net");
    a->a.host = tern__report_text(r, "mx.example.net");
    a->a.address = tern__report_text(r, "192.0.2.1");
    a->a.port = 25;
    a->a.at = 1700000001;
    a->a.status = TERN_E_TLS_EXPIRED;
    a->a.phase = TERN_PHASE_TLS;
    a->a.text = tern__report_text(r, "odd\ttext\nwith %25 and \x7f, ü");
    a->a.policy = TERN_POLICY_STS;
    a->a.tls_result = TERN_TLSRPT_CERTIFICATE_EXPIRED;
    a->a.tls_status = TERN_E_TLS_EXPIRED;
    a->policy = tern__report_policy_index(r, &policy);
  }
  r->rcpts[0].domain = tern__report_text(r, "example.net");
  r->rcpts[0].outcome = TERN_UNSENT;
  r->rcpts[0].status = TERN_E_TLS_EXPIRED;
  r->rcpts[0].attempt = index;
  r->rcpts[0].tries = 1;
  r->rcpts[0].retry_after = 1800;
  r->rcpts[1].outcome = TERN_ACCEPTED;
  r->rcpts[1].status = TERN_OK;
  r->rcpts[1].code = 250;
  r->last = 1700000009;
  return r;
}

static char *write_all(const tern_history *r, size_t *len)
{
  char *text;

  *len = tern_history_write(r, NULL, 0);
  text = malloc(*len + 1);
  assert_int_equal(tern_history_write(r, text, *len + 1), *len);
  assert_int_equal(strlen(text), *len);
  return text;
}

static void round_trip(void **state)
{
  tern_history *r = make_report(NULL), *back = NULL;
  tern_attempt a;
  tern_result one;
  char *text, *again, cut[20];
  size_t len, len2, i;

  (void)state;
  text = write_all(r, &len);
  assert_int_equal(tern_history_read(NULL, text, len, &back), TERN_OK);
  again = write_all(back, &len2);
  assert_int_equal(len, len2);
  assert_memory_equal(text, again, len);
  assert_string_equal(tern_history_reverse_path(back), "ann@example.org");
  assert_string_equal(tern_history_envid(back), "id 1");
  assert_int_equal(tern_history_first_try(back), 1700000000);
  assert_int_equal(tern_history_last_try(back), 1700000009);
  assert_int_equal(tern_history_retry_after(back), 1800);
  a.size = sizeof a;
  assert_int_equal(tern_history_attempt(back, 0, &a), TERN_OK);
  assert_string_equal(a.text, "odd\ttext\nwith %25 and \x7f, ü");
  assert_int_equal(a.status, TERN_E_TLS_EXPIRED);
  assert_int_equal(tern_history_attempt(back, 1, &a), TERN_E_ARGUMENT);
  one.size = sizeof one;
  assert_int_equal(tern_history_rcpt(back, 1, &one), TERN_OK);
  assert_int_equal(one.notify, TERN_NOTIFY_FAILURE);
  assert_int_equal(one.outcome, TERN_ACCEPTED);
  one.size = 4;
  assert_int_equal(tern_history_rcpt(back, 1, &one), TERN_E_ARGUMENT);
  assert_int_equal(tern_history_write(r, cut, sizeof cut), len);
  assert_int_equal(strlen(cut), sizeof cut - 1);
  for (i = 0; i < len; i++) { /* cut anywhere it is no report */
    tern_history *none = r;
    assert_int_equal(tern_history_read(NULL, text, i, &none), TERN_E_CONTENT);
    assert_null(none);
  }
  free(text);
  free(again);
  tern_history_free(back);
  tern_history_free(r);
}

#define START "tern-history 1\nmail\ta@b\t\t0\t5\t6\n"
#define RCPT "rcpt\tb@c\t\tc\t0\t3\t-604\t9\t450\t4.2.0\tbusy\t4294967295\t1\t1800\t0"

static void readings(void **state)
{
  static const struct {
    const char *text;
    tern_status status;
  } table[] = {
      {START RCPT "\nend\n", TERN_OK},
      {START RCPT "\tmore\tfields\nnew\tkind\nend\n", TERN_OK},
      {START "end\n", TERN_OK},
      {START RCPT "\nend\nmore\n", TERN_E_CONTENT},
      {START RCPT "\n", TERN_E_CONTENT},
      {"tern-report 2\nend\n", TERN_E_CONTENT},
      {"", TERN_E_CONTENT},
      {START "rcpt\tb@c\n" "end\n", TERN_E_CONTENT},
      {START "rcpt\tb@c\t\tc\t0\t9\t-604\t9\t450\t4.2.0\tbusy\t4294967295\t1\t1800\t0\nend\n", TERN_E_CONTENT},
      {START "rcpt\tb@c\t\tc\t0\t3\t-604\t9\t450\t4.2.0\tbusy\t0\t1\t1800\t0\nend\n", TERN_E_CONTENT},
      {START "rcpt\tb@c\t\tc\t0\t3\t-604\t9\t4294967296\t4.2.0\tbusy\t0\t1\t1800\t0\nend\n", TERN_E_CONTENT},
      {START "rcpt\tb%4\t\tc\t0\t3\t-604\t9\t450\t4.2.0\tbusy\t4294967295\t1\t1800\t0\nend\n", TERN_E_CONTENT},
      {START "rcpt\tb%00\t\tc\t0\t3\t-604\t9\t450\t4.2.0\tbusy\t4294967295\t1\t1800\t0\nend\n", TERN_E_CONTENT},
      {START "rcpt\tb%zz\t\tc\t0\t3\t-604\t9\t450\t4.2.0\tbusy\t4294967295\t1\t1800\t0\nend\n", TERN_E_CONTENT},
      {START "policy\t7\ta\tb\tc\nend\n", TERN_E_CONTENT},
  };
  tern_history *r;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof table / sizeof table[0]; i++) {
    assert_int_equal(tern_history_read(NULL, table[i].text, strlen(table[i].text), &r),
                     table[i].status);
    tern_history_free(r);
  }
}

static void carried_on(void **state)
{
  tern_history *earlier = make_report(NULL), *r;
  tern_mail *mail = make_mail(NULL);

  (void)state;
  r = tern__report_of(mail, 1700001800);
  assert_int_equal(tern__report_continue(r, earlier), TERN_OK);
  assert_int_equal(tern_history_first_try(r), 1700000000);
  assert_int_equal(r->rcpts[0].tries, 1);
  assert_int_equal(r->rcpts[1].outcome, TERN_ACCEPTED);
  assert_int_equal(r->attempt_count, 1);
  assert_int_equal(r->attempts[0].earlier, 1);
  assert_int_equal(r->policy_count, 1);
  tern_history_free(r);
  tern_mail_rcpt(mail, "third@example.org");
  r = tern__report_of(mail, 1700001800);
  assert_int_equal(tern__report_continue(r, earlier), TERN_E_ARGUMENT);
  tern_history_free(r);
  tern_history_free(earlier);
  (void)tern_mail_free(mail);
}

/* ---- RFC 8460 ------------------------------------------------------------------------------------*/
static void sums(void **state)
{
  tern_history *r = make_report(NULL);
  tern_tlsrpt *t = tern_tlsrpt_new(NULL);
  tern__report_attempt *a;
  uint32_t index;
  char text[2000];

  (void)state;
  a = tern__report_add_attempt(r, &index); /* without a policy, in clear */
  a->a.domain = "example.com";
  a->a.host = "mx.example.com";
  a->a.at = 1700000005;
  a->a.tls_result = TERN_TLSRPT_OK;
  a = tern__report_add_attempt(r, &index); /* got nowhere: counts nowhere */
  a->a.domain = "example.com";
  a->a.at = 1;
  assert_int_equal(tern_tlsrpt_set_sender(t, "Org \"x\"", "tls@example.org", "id-1"), TERN_OK);
  assert_int_equal(tern_tlsrpt_add(t, r), TERN_OK);
  assert_int_equal(tern_tlsrpt_add(t, r), TERN_OK);
  assert_string_equal(tern_tlsrpt_domain(t, 0), "example.net");
  assert_string_equal(tern_tlsrpt_domain(t, 1), "example.com");
  assert_null(tern_tlsrpt_domain(t, 2));
  assert_true(tern_tlsrpt_write(t, "example.net", text, sizeof text) < sizeof text);
  assert_string_equal(
      text,
      "{\"organization-name\":\"Org \\\"x\\\"\",\"date-range\":{\"start-datetime\":\"2023-11-14T22:13:21Z\","
      "\"end-datetime\":\"2023-11-14T22:13:25Z\"},\"contact-info\":\"tls@example.org\",\"report-id\":\"id-1\","
      "\"policies\":[{\"policy\":{\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\",\"mode: "
      "enforce\"],\"policy-domain\":\"example.net\",\"mx-host\":[\"*.example.net\",\"b.c\"]},\"summary\":{"
      "\"total-successful-session-count\":0,\"total-failure-session-count\":2},\"failure-details\":[{"
      "\"result-type\":\"certificate-expired\",\"receiving-mx-hostname\":\"mx.example.net\",\"receiving-ip\":"
      "\"192.0.2.1\",\"failed-session-count\":2,\"failure-reason-code\":\"TERN_E_TLS_EXPIRED\"}]}]}\n");
  assert_int_equal(tern_tlsrpt_set_range(t, 951782400, 4107542400u), TERN_OK); /* leap days */
  assert_true(tern_tlsrpt_write(t, "example.com", text, sizeof text) < sizeof text);
  assert_non_null(strstr(text, "\"2000-02-29T00:00:00Z\""));
  assert_non_null(strstr(text, "\"2100-03-01T00:00:00Z\""));
  assert_non_null(strstr(text, "\"no-policy-found\""));
  assert_non_null(strstr(text, "\"total-successful-session-count\":2"));
  tern_tlsrpt_free(t);
  tern_history_free(r);
}

/* ---- memory --------------------------------------------------------------------------------------*/
typedef struct failing {
  long left; /* allocations that succeed */
  long live;
} failing;

static void *take(void *user, size_t size)
{
  failing *f = user;

  if (f->left-- <= 0) return NULL;
  f->live++;
  return malloc(size);
}

static void give(void *user, void *ptr, size_t size)
{
  failing *f = user;

  (void)size;
  f->live--;
  free(ptr);
}

static void no_memory(void **state)
{
  failing f = {0, 0};
  tern_allocator mem = {&f, take, give};
  tern_history *good = make_report(NULL), *r, *back;
  char *text;
  size_t len;
  long i, clean = 0;

  (void)state;
  text = write_all(good, &len);
  for (i = 0; i < 200 && !clean; i++) {
    tern_tlsrpt *t;
    tern_status st, st2 = TERN_E_NOMEM;
    f.left = i;
    r = make_report(&mem);
    t = tern_tlsrpt_new(&mem);
    st = tern_history_read(&mem, text, len, &back);
    if (t && back) st2 = tern_tlsrpt_add(t, back);
    clean = r && t && back && st == TERN_OK && st2 == TERN_OK && f.left > 0;
    tern_tlsrpt_free(t);
    tern_history_free(back);
    tern_history_free(r);
    assert_int_equal(f.live, 0);
  }
  assert_true(clean);
  free(text);
  tern_history_free(good);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(round_trip), cmocka_unit_test(readings), cmocka_unit_test(carried_on),
      cmocka_unit_test(sums),       cmocka_unit_test(no_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
