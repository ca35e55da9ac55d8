/* delivery_policy_test.c - TLS policy, the schedule of retries, where to submit: tables of cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/discover.h"
#include "delivery/policy.h"
#include "delivery/report.h"
#include "delivery/retry.h"

#define COUNT(a) (sizeof (a) / sizeof (a)[0])

/* ---- policy --------------------------------------------------------------------------------------*/
#define AUTO TERN_POLICY_AUTO
#define DN TERN__DANE_NONE
#define DU TERN__DANE_USABLE
#define DX TERN__DANE_UNUSABLE
#define DF TERN__DANE_FAILED
#define SA TERN__STS_ABSENT
#define SC TERN__STS_COVERED
#define SF TERN__STS_FOREIGN
#define SW TERN__STS_WATCHED
#define SO TERN__STS_ODD

static const struct {
  uint32_t choice, dane, sts, secure, requiretls;
  uint32_t level, policy, type, watch, result;
  tern_status refused;
} plans[] = {
    /* nothing is known: opportunistic */
    {AUTO, DN, SA, 0, 0, TERN__LEVEL_MAY, TERN_POLICY_MAY, 0, 0, 0, TERN_OK},
    /* DANE */
    {AUTO, DU, SA, 1, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, 0, TERN_OK},
    {AUTO, DU, SA, 0, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, 0, TERN_OK},
    {AUTO, DX, SA, 1, 0, TERN__LEVEL_ENCRYPT, TERN_POLICY_ENCRYPT, 1, 0, 0, TERN_OK},
    {AUTO, DF, SA, 1, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, TERN_TLSRPT_DNSSEC_INVALID, TERN_E_RESOLVE},
    /* before MTA-STS, whatever that says */
    {AUTO, DU, SF, 1, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, 0, TERN_OK},
    {AUTO, DX, SC, 1, 0, TERN__LEVEL_ENCRYPT, TERN_POLICY_ENCRYPT, 1, 0, 0, TERN_OK},
    {AUTO, DF, SC, 1, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, TERN_TLSRPT_DNSSEC_INVALID, TERN_E_RESOLVE},
    /* MTA-STS */
    {AUTO, DN, SC, 0, 0, TERN__LEVEL_VERIFY, TERN_POLICY_STS, 2, 0, 0, TERN_OK},
    {AUTO, DN, SF, 0, 0, TERN__LEVEL_VERIFY, TERN_POLICY_STS, 2, 0, TERN_TLSRPT_VALIDATION_FAILURE, TERN_E_TLS_WRONG_HOST},
    {AUTO, DN, SW, 0, 0, TERN__LEVEL_MAY, TERN_POLICY_MAY, 2, 1, 0, TERN_OK},
    {AUTO, DN, SO, 0, 0, TERN__LEVEL_MAY, TERN_POLICY_MAY, 2, 1, TERN_TLSRPT_VALIDATION_FAILURE, TERN_OK},
    /* the table's word is the last */
    {TERN_POLICY_NONE, DU, SC, 1, 0, TERN__LEVEL_NONE, TERN_POLICY_NONE, 0, 0, 0, TERN_OK},
    {TERN_POLICY_MAY, DU, SC, 1, 0, TERN__LEVEL_MAY, TERN_POLICY_MAY, 0, 0, 0, TERN_OK},
    {TERN_POLICY_ENCRYPT, DN, SA, 0, 0, TERN__LEVEL_ENCRYPT, TERN_POLICY_ENCRYPT, 0, 0, 0, TERN_OK},
    {TERN_POLICY_VERIFY, DN, SA, 0, 0, TERN__LEVEL_VERIFY, TERN_POLICY_VERIFY, 0, 0, 0, TERN_OK},
    {TERN_POLICY_DANE, DU, SA, 1, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, 0, TERN_OK},
    {TERN_POLICY_DANE, DU, SA, 0, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, TERN_TLSRPT_DANE_REQUIRED, TERN_E_TLS_DANE},
    {TERN_POLICY_DANE, DN, SC, 1, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, TERN_TLSRPT_DANE_REQUIRED, TERN_E_TLS_DANE},
    {TERN_POLICY_DANE, DX, SA, 1, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, TERN_TLSRPT_DANE_REQUIRED, TERN_E_TLS_DANE},
    {TERN_POLICY_DANE, DF, SA, 1, 0, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, TERN_TLSRPT_DNSSEC_INVALID, TERN_E_RESOLVE},
    {TERN_POLICY_STS, DN, SC, 0, 0, TERN__LEVEL_VERIFY, TERN_POLICY_STS, 2, 0, 0, TERN_OK},
    {TERN_POLICY_STS, DN, SW, 0, 0, TERN__LEVEL_VERIFY, TERN_POLICY_STS, 2, 0, 0, TERN_OK},
    {TERN_POLICY_STS, DN, SO, 0, 0, TERN__LEVEL_VERIFY, TERN_POLICY_STS, 2, 0, TERN_TLSRPT_VALIDATION_FAILURE, TERN_E_TLS_WRONG_HOST},
    {TERN_POLICY_STS, DN, SA, 0, 0, TERN__LEVEL_VERIFY, TERN_POLICY_STS, 0, 0, TERN_TLSRPT_UNTRIED, TERN_E_TLS_NO_TRUST},
    /* REQUIRETLS: DNSSEC or MTA-STS must vouch for the host, and the certificate must be good */
    {AUTO, DN, SA, 0, 1, TERN__LEVEL_MAY, TERN_POLICY_MAY, 0, 0, TERN_TLSRPT_UNTRIED, TERN_E_REQUIRETLS},
    {AUTO, DN, SA, 1, 1, TERN__LEVEL_VERIFY, TERN_POLICY_VERIFY, 0, 0, 0, TERN_OK},
    {AUTO, DU, SA, 1, 1, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, 0, TERN_OK},
    {AUTO, DU, SA, 0, 1, TERN__LEVEL_DANE, TERN_POLICY_DANE, 1, 0, TERN_TLSRPT_UNTRIED, TERN_E_REQUIRETLS},
    {AUTO, DX, SA, 1, 1, TERN__LEVEL_ENCRYPT, TERN_POLICY_ENCRYPT, 1, 0, TERN_TLSRPT_UNTRIED, TERN_E_REQUIRETLS},
    {AUTO, DN, SC, 0, 1, TERN__LEVEL_VERIFY, TERN_POLICY_STS, 2, 0, 0, TERN_OK},
    {AUTO, DN, SW, 0, 1, TERN__LEVEL_MAY, TERN_POLICY_MAY, 2, 1, TERN_TLSRPT_UNTRIED, TERN_E_REQUIRETLS},
    {TERN_POLICY_NONE, DN, SA, 1, 1, TERN__LEVEL_NONE, TERN_POLICY_NONE, 0, 0, TERN_TLSRPT_UNTRIED, TERN_E_REQUIRETLS},
    {TERN_POLICY_VERIFY, DN, SA, 0, 1, TERN__LEVEL_VERIFY, TERN_POLICY_VERIFY, 0, 0, TERN_TLSRPT_UNTRIED, TERN_E_REQUIRETLS},
};

static void decisions(void **state)
{
  tern__policy_facts f;
  tern__policy_plan p;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT(plans); i++) {
    memset(&f, 0, sizeof f);
    f.host = "mx.example.org";
    f.choice = plans[i].choice;
    f.dane = plans[i].dane;
    f.sts = plans[i].sts;
    f.mx_secure = plans[i].secure;
    f.requiretls = plans[i].requiretls;
    tern__policy_decide(&f, &p);
    assert_int_equal(p.refused, plans[i].refused);
    assert_int_equal(p.level, plans[i].level);
    assert_int_equal(p.policy, plans[i].policy);
    assert_int_equal(p.type, plans[i].type);
    assert_int_equal(p.watch, plans[i].watch);
    assert_int_equal(p.tls_result, plans[i].result);
    assert_int_equal(p.why != NULL, p.refused != TERN_OK);
    if (p.level == TERN__LEVEL_VERIFY && p.refused == TERN_OK)
      assert_string_equal(p.name, "mx.example.org");
  }
  f.choice = TERN_POLICY_VERIFY;
  f.match = "example.org";
  f.requiretls = 0;
  tern__policy_decide(&f, &p);
  assert_string_equal(p.name, "example.org");
}

static void results(void **state)
{
  static const struct {
    tern_status status;
    uint32_t phase, result;
  } table[] = {
      {TERN_OK, 0, TERN_TLSRPT_OK},
      {TERN_E_TLS_NOT_OFFERED, TERN_PHASE_EHLO, TERN_TLSRPT_STARTTLS_NOT_SUPPORTED},
      {TERN_E_TLS_REFUSED, TERN_PHASE_STARTTLS, TERN_TLSRPT_STARTTLS_NOT_SUPPORTED},
      {TERN_E_TLS_WRONG_HOST, TERN_PHASE_TLS, TERN_TLSRPT_CERTIFICATE_HOST_MISMATCH},
      {TERN_E_TLS_EXPIRED, TERN_PHASE_TLS, TERN_TLSRPT_CERTIFICATE_EXPIRED},
      {TERN_E_TLS_UNKNOWN_CA, TERN_PHASE_TLS, TERN_TLSRPT_CERTIFICATE_NOT_TRUSTED},
      {TERN_E_TLS_DANE, TERN_PHASE_TLS, TERN_TLSRPT_VALIDATION_FAILURE},
      {TERN_E_CLOSED, TERN_PHASE_TLS, TERN_TLSRPT_VALIDATION_FAILURE},
      {TERN_E_CLOSED, TERN_PHASE_RCPT, TERN_TLSRPT_UNTRIED},
      {TERN_E_CONNECT, TERN_PHASE_CONNECT, TERN_TLSRPT_UNTRIED},
      {TERN_E_NO_SUCH_MAILBOX, TERN_PHASE_RCPT, TERN_TLSRPT_UNTRIED},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT(table); i++)
    assert_int_equal(tern__policy_result(table[i].status, table[i].phase), table[i].result);
  assert_string_equal(tern_policy_name(TERN_POLICY_STS), "sts");
  assert_string_equal(tern_policy_name(99), "");
  assert_string_equal(tern_tlsrpt_result_name(TERN_TLSRPT_STS_WEBPKI_INVALID), "sts-webpki-invalid");
  assert_string_equal(tern_tlsrpt_result_name(99), "");
}

/* ---- retries -------------------------------------------------------------------------------------*/
static void schedule(void **state)
{
  static const struct {
    uint32_t outcome;
    tern_status status;
    uint32_t code;
    const char *text;
    uint32_t tries, age, wait;
  } table[] = {
      {TERN_ACCEPTED, TERN_OK, 250, "", 1, 0, 0},
      {TERN_REJECTED, TERN_E_NO_SUCH_MAILBOX, 550, "", 1, 0, 0},
      {TERN_UNKNOWN, TERN_E_IN_DOUBT, 0, "", 1, 0, 0},
      {TERN_DEFERRED, TERN_E_MAILBOX_BUSY, 450, "busy", 1, 0, 1800},
      {TERN_DEFERRED, TERN_E_MAILBOX_BUSY, 450, "busy", 2, 1800, 1800},
      {TERN_DEFERRED, TERN_E_MAILBOX_BUSY, 450, "busy", 3, 3600, 7200},
      {TERN_DEFERRED, TERN_E_MAILBOX_BUSY, 450, "busy", 4, 10800, 10800},
      {TERN_DEFERRED, TERN_E_MAILBOX_BUSY, 450, "busy", 40, 400000, 10800},
      {TERN_DEFERRED, TERN_E_MAILBOX_BUSY, 450, "busy", 50, TERN__GIVE_UP, 0},
      {TERN_UNSENT, TERN_E_CONNECT, 0, "", 1, 0, 1800},
      {TERN_UNSENT, TERN_E_RESOLVE, 0, "", 1, 0, 1800},
      {TERN_UNSENT, TERN_E_TLS_DANE, 0, "", 1, 0, 1800},
      {TERN_UNSENT, TERN_E_HOST, 0, "", 1, 0, 0},
      {TERN_UNSENT, TERN_E_NULL_MX, 0, "", 1, 0, 0},
      {TERN_UNSENT, TERN_E_ROUTING, 0, "", 1, 0, 0},
      {TERN_UNSENT, TERN_E_NO_MAIL_HERE, 554, "", 1, 0, 0},
      {TERN_UNSENT, TERN_E_NEEDS_SMTPUTF8, 0, "", 1, 0, 0},
      {TERN_UNSENT, TERN_E_SERVICE_UNAVAILABLE, 421, "", 1, 0, 1800},
      {TERN_DEFERRED, TERN_E_POLICY_TRANSIENT, 450, "Recipient address rejected: Greylisted, see x", 1, 0, 300},
      {TERN_DEFERRED, TERN_E_POLICY_TRANSIENT, 450, "greylisted for 2 minutes", 1, 0, 120},
      {TERN_DEFERRED, TERN_E_POLICY_TRANSIENT, 451, "Greylisting in action, please come back in 00:14:59", 1, 0, 899},
      {TERN_DEFERRED, TERN_E_POLICY_TRANSIENT, 451, "You are GREYLISTED (wait 10 s)", 1, 0, 60},
      {TERN_DEFERRED, TERN_E_POLICY_TRANSIENT, 451, "greylisted", 2, 300, 600},
      {TERN_DEFERRED, TERN_E_POLICY_TRANSIENT, 451, "greylisted", 5, 9000, 10800},
      {TERN_DEFERRED, TERN_E_POLICY_TRANSIENT, 451, "greylisted for 999999 minutes", 1, 0, 300},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT(table); i++)
    assert_int_equal(tern__retry_after(table[i].outcome, table[i].status, table[i].code,
                                       table[i].text, table[i].tries, 1000000,
                                       1000000 + table[i].age),
                     table[i].wait);
}

/* ---- where to submit -----------------------------------------------------------------------------*/
static void providers(void **state)
{
  static const struct {
    const char *domain, *host;
  } table[] = {
      {"gmail.com", "smtp.gmail.com"},      {"hotmail.com", "smtp-mail.outlook.com"},
      {"yahoo.com", "smtp.mail.yahoo.com"}, {"icloud.com", "smtp.mail.me.com"},
      {"fastmail.fm", "smtp.fastmail.com"}, {"zoho.com", "smtp.zoho.com"},
      {"gmx.net", "mail.gmx.net"},          {"gmx.com", "mail.gmx.com"},
      {"amazonses.com", "email-smtp.us-east-1.amazonaws.com"},
      {"sendgrid.net", "smtp.sendgrid.net"}, {"x.mailgun.org", "smtp.mailgun.org"},
      {"contoso.onmicrosoft.com", "smtp.office365.com"},
      {"example.org", NULL}, {"notgmail.com", NULL}, {"gmail.com.example.org", NULL}, {"com", NULL}, {"", NULL},
  };
  tern_endpoint e;
  tern_discovery *d;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    assert_int_equal(tern__provider(table[i].domain, 0, &e), table[i].host != NULL);
    if (table[i].host) assert_string_equal(e.host, table[i].host);
  }
  assert_int_equal(tern_discover(NULL, NULL, "Ann@GMail.com", 0, &d), TERN_OK);
  assert_int_equal(tern_discovery_count(d), 2);
  e.size = sizeof e;
  assert_int_equal(tern_discovery_get(d, 0, &e), TERN_OK);
  assert_string_equal(e.url, "smtps://smtp.gmail.com:465");
  assert_int_equal(e.tls, TERN_TLS_IMPLICIT);
  assert_true(e.flags & TERN_DISCOVERED_APP_PASSWORD);
  assert_int_equal(tern_discovery_get(d, 1, &e), TERN_OK);
  assert_string_equal(e.url, "smtp://smtp.gmail.com:587");
  assert_int_equal(tern_discovery_get(d, 2, &e), TERN_E_ARGUMENT);
  tern_discovery_free(d);
  assert_int_equal(tern_discover(NULL, NULL, "ann@[192.0.2.1]", 0, &d), TERN_E_ADDRESS);
  assert_null(d);
  assert_true(tern__within("smtp.example.org", "example.org"));
  assert_true(tern__within("example.org", "example.org"));
  assert_false(tern__within("badexample.org", "example.org"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(decisions), cmocka_unit_test(results),
                                     cmocka_unit_test(schedule), cmocka_unit_test(providers)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
