/* client_envelope_test.c - the setters of a mail's envelope beyond its addresses (RFC 3461, RFC 5321 4.1.2): what is
 * taken, what is refused with which field at which octet, and that a refusal sticks to the mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/tern.h>

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define NOWHERE SIZE_MAX

static tern_status envid(tern_mail *m, const char *text)
{
  return tern_mail_set_envid(m, text);
}

static tern_status orcpt(tern_mail *m, const char *text)
{
  return tern_mail_set_orcpt(m, 0, text);
}

static tern_status params(tern_mail *m, const char *text)
{
  return tern_mail_set_params(m, text);
}

static tern_status rcpt_params(tern_mail *m, const char *text)
{
  return tern_mail_set_rcpt_params(m, 0, text);
}

static const struct {
  tern_status (*set)(tern_mail *m, const char *text);
  uint32_t field;
} setters[] = {
  {envid, TERN_FIELD_ENVID},
  {orcpt, TERN_FIELD_ORCPT},
  {params, TERN_FIELD_MAIL_PARAMETER},
  {rcpt_params, TERN_FIELD_RCPT_PARAMETER},
};

#define ENVID 0
#define ORCPT 1
#define PARAMS 2

static const struct {
  int setter;
  const char *text;
  size_t position; /* of the refusal; NOWHERE: taken */
} table[] = {
  {ENVID, "QQ314159", NOWHERE},
  {ENVID, "with space+and=signs", NOWHERE}, /* xtext is made of it */
  {ENVID, NULL, NOWHERE},
  {ENVID, "", 0},
  {ENVID, HUNDRED, NOWHERE}, /* the most that RFC 3461 4.4 has */
  {ENVID, HUNDRED "0", 100},
  {ENVID, "a\r\nRCPT TO:<x@y>", 1},
  {ENVID, "a\nb", 1},
  {ENVID, "ab\x7f", 2},
  {ENVID, "\xc3\xbc", 0},
  {ORCPT, "rfc822;bob@example.net", NOWHERE},
  {ORCPT, "x-local;a+b=c d", NOWHERE},
  {ORCPT, NULL, NOWHERE},
  {ORCPT, "", 0},
  {ORCPT, "bob@example.net", 3}, /* without its type */
  {ORCPT, ";bob@example.net", 0},
  {ORCPT, "rfc822;", 6},
  {ORCPT, "rfc 822;bob", 3},
  {ORCPT, "rfc822;bob\r\nDATA", 10},
  {ORCPT, "rfc822;b\tb", 8},
  {ORCPT, "rfc822;\xff", 7},
  {PARAMS, "SOLICIT=org.example:ADV", NOWHERE},
  {PARAMS, "A B-C=d 1X=,;:<>", NOWHERE},
  {PARAMS, NULL, NOWHERE},
  {PARAMS, "", 0},
  {PARAMS, " A", 0},
  {PARAMS, "A ", 2},
  {PARAMS, "A  B", 2},
  {PARAMS, "-A", 0},
  {PARAMS, "A=", 2},
  {PARAMS, "A=b=c", 3},
  {PARAMS, "A=b\r\nQUIT", 3},
  {PARAMS, "A\tB", 1},
  {PARAMS, "A=\xc3\xbc", 2},
};

static tern_mail *letter(void)
{
  tern_mail *m = tern_mail_new(NULL);

  assert_int_equal(tern_mail_from(m, "ann@example.org"), TERN_OK);
  assert_int_equal(tern_mail_rcpt(m, "bob@example.net"), TERN_OK);
  assert_int_equal(tern_mail_rcpt(m, "eve@example.net"), TERN_OK);
  assert_int_equal(tern_mail_content(m, "x\r\n", TERN_NUL), TERN_OK);
  return m;
}

static void one(int setter, const char *text, size_t position)
{
  tern_mail *m = letter();
  tern_client *c = tern_client_new(NULL);
  tern_status st = setters[setter].set(m, text);
  const tern_error *e = tern_mail_error(m);

  if (st != (position == NOWHERE ? TERN_OK : TERN_E_PARAMETER))
    fail_msg("setter %d, \"%s\": %s", setter, text ? text : "NULL", tern_status_name(st));
  if (st != TERN_OK) {
    assert_int_equal(tern_error_field(e), setters[setter].field);
    if (tern_error_position(e) != position)
      fail_msg("setter %d, \"%s\": at %zu", setter, text, tern_error_position(e));
    /* sending answers the same, before it looks for a server */
    assert_int_equal(tern_client_send(c, m), TERN_E_PARAMETER);
    assert_int_equal(tern_error_field(tern_mail_error(m)), setters[setter].field);
    assert_int_equal(tern_mail_rcpt_outcome(m, 0), TERN_UNSENT);
  }
  tern_client_free(c);
  tern_mail_free(m);
}

static void texts(void **state)
{
  size_t i;

  (void)state;
  for (i = 0; i < sizeof table / sizeof table[0]; i++) {
    one(table[i].setter, table[i].text, table[i].position);
    if (table[i].setter == PARAMS) one(PARAMS + 1, table[i].text, table[i].position);
  }
}

/* Every octet but those that each grammar names is refused, wherever it stands. */
static void octets(void **state)
{
  static const char *const whole[] = {"abc", "rfc822;abc", "A=bcd", "A=bcd"};
  int setter, octet;
  size_t at;

  (void)state;
  for (setter = 0; setter < 4; setter++)
    for (octet = 1; octet < 256; octet++)
      for (at = 0; at < strlen(whole[setter]); at++) {
        char text[32];
        int print = octet > 31 && octet < 127;
        tern_mail *m = letter();
        tern_status st;

        strcpy(text, whole[setter]);
        text[at] = (char)octet;
        st = setters[setter].set(m, text);
        if (!print || (setter >= PARAMS && octet == ' ' && at == 2))
          assert_int_equal(st, TERN_E_PARAMETER);
        else if (setter == ENVID || (setter == ORCPT && at > 6))
          assert_int_equal(st, TERN_OK);
        tern_mail_free(m);
      }
}

static void lengths(void **state)
{
  char text[4096];
  size_t len, taken;
  int setter;

  (void)state;
  for (setter = 0; setter < 4; setter++) {
    for (taken = 0, len = 20; len < sizeof text; len++) {
      tern_mail *m = letter();
      memset(text, 'a', len);
      memcpy(text, setter == ORCPT ? "rfc822;" : "aaaaaa=", setter == ENVID ? 0 : 7);
      text[len] = '\0';
      if (setters[setter].set(m, text) == TERN_OK) {
        assert_true(taken == 0 || taken == len - 1); /* one bound, no gaps */
        taken = len;
      }
      tern_mail_free(m);
    }
    assert_in_range(taken, 100, 1024);
  }
}

static void notify(void **state)
{
  static const struct {
    uint32_t index, notify;
    tern_status status;
  } cases[] = {
    {0, TERN_NOTIFY_NEVER, TERN_OK},
    {1, TERN_NOTIFY_SUCCESS | TERN_NOTIFY_FAILURE | TERN_NOTIFY_DELAY, TERN_OK},
    {UINT32_MAX, TERN_NOTIFY_FAILURE, TERN_OK},
    {0, 0, TERN_OK},
    {0, TERN_NOTIFY_NEVER | TERN_NOTIFY_DELAY, TERN_E_PARAMETER},
    {0, 16, TERN_E_PARAMETER},
    {2, TERN_NOTIFY_NEVER, TERN_E_ARGUMENT},
    {UINT32_MAX - 1, TERN_NOTIFY_NEVER, TERN_E_ARGUMENT},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tern_mail *m = letter();
    assert_int_equal(tern_mail_set_notify(m, cases[i].index, cases[i].notify), cases[i].status);
    if (cases[i].status == TERN_E_ARGUMENT) { /* no such recipient, for the other two as well */
      tern_mail *n = letter(), *o = letter();
      assert_int_equal(tern_mail_set_orcpt(n, cases[i].index, "rfc822;a@b"), TERN_E_ARGUMENT);
      assert_int_equal(tern_mail_set_rcpt_params(o, cases[i].index, "A"), TERN_E_ARGUMENT);
      tern_mail_free(n);
      tern_mail_free(o);
    }
    tern_mail_free(m);
  }
  assert_int_equal(tern_mail_set_envid(NULL, "x"), TERN_E_NOMEM);
  assert_int_equal(tern_mail_set_orcpt(NULL, 0, "rfc822;x"), TERN_E_NOMEM);
  assert_int_equal(tern_mail_set_params(NULL, "X"), TERN_E_NOMEM);
  assert_int_equal(tern_mail_set_rcpt_params(NULL, 0, "X"), TERN_E_NOMEM);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(texts),
    cmocka_unit_test(octets),
    cmocka_unit_test(lengths),
    cmocka_unit_test(notify),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
