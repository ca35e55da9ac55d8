/* client_memory_test.c - what a client learned of a server, kept and given back: what it saves, what
 * is refused, and that it never decides about protection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tern/client.h>

#include "client/client.h"
#include "tls_smtp.h"

#define HOST "mx.example.test"
#define CAP 24576u

static pki authority;
static char good_pem[PEM];
static tls_smtp smtp;
static uint8_t kept[CAP];
static size_t kept_len;

#define EACH_VERSION(version)                                                                      \
  for ((version) = TLS12; (version) <= (HAVE_TLS13 ? TLS13 : TLS12); (version)++)

static const char *const mechanisms = "AUTH PLAIN LOGIN\nCHUNKING";

static void start(int version)
{
  assert_int_equal(tls_smtp_open(&smtp, &authority, good_pem, version), 0);
  smtp.extensions = mechanisms;
  smtp.good = "LOGIN";
  smtp.no_bdat = 1;
  kept_len = 0;
}

static tern_client *client(void)
{
  tern_client *c = tern_client_new(NULL);

  assert_non_null(c);
  tern_client_set_ca_pem(c, authority.ca);
  return c;
}

/* Connects with what is kept, logs in, sends a mail, and keeps what is known then. */
static void talk(tern_client *c, uint32_t resumed, tern_status due)
{
  tern_mail *m = tern_mail_new(NULL);

  tern_client_auth(c, "ann", "secret");
  tern_mail_from(m, "ann@example.test");
  tern_mail_rcpt(m, "bob@example.test");
  tern_mail_content(m, "Subject: x\r\n\r\nx\r\n", TERN_NUL);
  assert_int_equal(tls_smtp_connect(&smtp, c, HOST), TERN_OK);
  assert_int_equal(tern_client_tls_resumed(c), resumed);
  assert_int_equal(tern_client_send(c, m), TERN_E_AGAIN);
  (void)tls_smtp_run(&smtp, c);
  assert_int_equal(tern_mail_status(m), due);
  tern_client_quit(c);
  (void)tls_smtp_run(&smtp, c);
  tern_mail_free(m);
}

static int said(const char *command)
{
  return strstr(smtp.log, command) != NULL;
}

static void keep(tern_client *c)
{
  kept_len = tern_client_memory_save(c, NULL, 0);
  assert_in_range(kept_len, 1, CAP);
  assert_int_equal(tern_client_memory_save(c, kept, kept_len - 1), kept_len);
  assert_int_equal(tern_client_memory_save(c, kept, kept_len), kept_len);
}

/* A first client learns, and leaves its octets in kept. */
static void learn(void)
{
  tern_client *c = client();

  assert_int_equal(tern_client_memory_load(c, HOST, NULL, 0), TERN_OK);
  assert_int_equal(tern_client_memory_save(c, NULL, 0), 0);
  talk(c, 0, TERN_OK);
  assert_true(said("AUTH PLAIN ") && said("AUTH LOGIN"));
  assert_true(said("BDAT ") && said("DATA\n"));
  keep(c);
  tern_client_free(c);
  tls_smtp_again(&smtp);
}

/* ---- what it saves ----------------------------------------------------------------------------*/

static void nothing_without_it(void **state)
{
  tern_client *c = client();

  (void)state;
  start(TLS12);
  talk(c, 0, TERN_OK);
  assert_int_equal(tern_client_memory_save(c, kept, CAP), 0);
  assert_int_equal(tern_client_memory_save(NULL, kept, CAP), 0);
  tern_client_free(c);
  tls_smtp_close(&smtp);
}

static void saves_tries(void **state)
{
  int version, i;

  (void)state;
  EACH_VERSION(version) {
    start(version);
    learn();
    for (i = 0; i < 3; i++) {
      tern_client *c = client();

      assert_int_equal(tern_client_memory_load(c, HOST, kept, kept_len), TERN_OK);
      talk(c, 1, TERN_OK);
      assert_false(said("AUTH PLAIN") || said("BDAT"));
      assert_true(said("AUTH LOGIN") && said("DATA\n"));
      keep(c);
      tern_client_free(c);
      tls_smtp_again(&smtp);
    }
    assert_int_equal(smtp.mails, 4);
    assert_int_equal(smtp.tls.taken, 3);
    tls_smtp_close(&smtp);
  }
}

/* What worked is not offered any more, or does not work: as without it, and it is learned anew. */
static void world_changes(void **state)
{
  tern_client *c = client();

  (void)state;
  start(TLS12);
  learn();
  smtp.good = "PLAIN";
  assert_int_equal(tern_client_memory_load(c, HOST, kept, kept_len), TERN_OK);
  talk(c, 1, TERN_OK);
  assert_non_null(strstr(smtp.log, "AUTH LOGIN"));
  assert_true(strstr(smtp.log, "AUTH LOGIN") < strstr(smtp.log, "AUTH PLAIN"));
  keep(c);
  tern_client_free(c);
  tls_smtp_again(&smtp);
  smtp.extensions = "AUTH LOGIN";
  smtp.good = "LOGIN";
  c = client();
  assert_int_equal(tern_client_memory_load(c, HOST, kept, kept_len), TERN_OK);
  talk(c, 1, TERN_OK);
  assert_false(said("AUTH PLAIN"));
  tern_client_free(c);
  tls_smtp_close(&smtp);
}

/* ---- what is refused --------------------------------------------------------------------------*/

static void refused(const uint8_t *octets, size_t len, const char *host)
{
  tern_client *c = client();

  assert_int_equal(tern_client_memory_load(c, host, octets, len), TERN_E_CONFIG);
  assert_int_equal(tern_client_memory_save(c, NULL, 0), 0);
  assert_int_equal(tern_error_status(tern_client_error(c)), TERN_OK);
  tern_client_free(c);
}

static void damage(void **state)
{
  static uint8_t octets[CAP + 1];
  tern_client *c = client();
  size_t i;

  (void)state;
  start(TLS12);
  learn();
  for (i = 1; i < kept_len; i++) refused(kept, i, HOST);
  for (i = 0; i < kept_len; i++) {
    memcpy(octets, kept, kept_len);
    octets[i] ^= (uint8_t)(1u << i % 8);
    refused(octets, kept_len, HOST);
  }
  memcpy(octets, kept, kept_len);
  octets[kept_len] = 0;
  refused(octets, kept_len + 1, HOST);
  refused(octets, sizeof octets, HOST);
  /* and a connect goes on all the same */
  assert_int_equal(tern_client_memory_load(c, HOST, kept, kept_len - 1), TERN_E_CONFIG);
  talk(c, 0, TERN_OK);
  assert_true(said("AUTH PLAIN ") && said("BDAT "));
  assert_true(tern_client_memory_save(c, NULL, 0) > 0);
  tern_client_free(c);
  tls_smtp_close(&smtp);
}

static void other_servers(void **state)
{
  static const struct {
    const char *kept_for, *given_to;
    tern_status due;
  } cases[] = {
    {"smtp://a.example", "smtp://a.example", TERN_OK},
    {"smtp://a.example", "smtp://u:p@A.EXAMPLE:587", TERN_OK},
    {"smtp://a.example", "smtp://b.example", TERN_E_CONFIG},
    {"smtp://a.example", "smtp://a.example:25", TERN_E_CONFIG},
    {"smtp://a.example:465", "lmtp://a.example:465", TERN_E_CONFIG},
    {"lmtp+unix:/a", "lmtp+unix:/a", TERN_OK},
    {"lmtp+unix:/a", "lmtp+unix:/A", TERN_E_CONFIG},
    {"a.example", "A.example", TERN_OK},
    {"a.example", "smtp://a.example", TERN_E_CONFIG},
    {"smtp://a.example", "ftp://a.example", TERN_E_URL},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_client *c = client();

    assert_int_equal(tern_client_memory_load(c, cases[i].kept_for, NULL, 0), TERN_OK);
    strcpy(c->memory->mechanism, "PLAIN");
    keep(c);
    assert_int_equal(tern_client_memory_load(c, cases[i].given_to, kept, kept_len), cases[i].due);
    tern_client_free(c);
  }
  assert_int_equal(tern_client_memory_load(NULL, HOST, NULL, 0), TERN_E_NOMEM);
}

/* Loaded for one server and connected to another: nothing of it is used, or kept for that one. */
static void strays(void **state)
{
  tern_client *c = client();

  (void)state;
  start(TLS12);
  learn();
  assert_int_equal(tern_client_memory_load(c, HOST, kept, kept_len), TERN_OK);
  tern_client_set_tls_name(c, HOST);
  assert_int_equal(tls_smtp_connect(&smtp, c, "other.example.test"), TERN_OK);
  assert_int_equal(tern_client_tls_resumed(c), 0);
  keep(c);
  tern_client_free(c);
  refused(kept, kept_len, HOST);
  tls_smtp_close(&smtp);
}

static void secrets(void **state)
{
  static const char *const with[] = {NULL, "one", "two"};
  size_t i, j;

  (void)state;
  for (i = 0; i < 3; i++) {
    tern_client *c = client();

    tern_client_memory_secret(c, with[i], with[i] ? strlen(with[i]) : 0);
    tern_client_memory_load(c, HOST, NULL, 0);
    strcpy(c->memory->mechanism, "PLAIN");
    keep(c);
    for (j = 0; j < 3; j++) {
      tern_client_memory_secret(c, with[j], with[j] ? strlen(with[j]) : 0);
      assert_int_equal(tern_client_memory_load(c, HOST, kept, kept_len),
                       i == j ? TERN_OK : TERN_E_CONFIG);
    }
    tern_client_free(c);
  }
}

/* ---- what it never does -----------------------------------------------------------------------*/

/* No word of it opens a session without TLS, or lets a pin or a check be passed over. */
static tern_status no(void *user, tern_status verdict, const tern_tls_chain *chain)
{
  (void)user, (void)verdict, (void)chain;
  return TERN_E_CANCELLED;
}

static void never_weakens(void **state)
{
  static const uint8_t pin[32] = {1};
  tern_client *c = client();

  (void)state;
  start(TLS12);
  learn();
  assert_int_equal(tern_client_memory_load(c, HOST, kept, kept_len), TERN_OK);
  tern_client_set_tls_pins(c, pin, 1);
  assert_int_equal(tls_smtp_connect(&smtp, c, HOST), TERN_E_TLS_PIN);
  tls_smtp_again(&smtp);
  tern_client_set_tls_pins(c, NULL, 0);
  tern_client_on_tls_check(c, no, NULL);
  assert_int_equal(tls_smtp_connect(&smtp, c, HOST), TERN_E_CANCELLED);
  tls_smtp_again(&smtp);
  tern_client_on_tls_check(c, NULL, NULL);
  tern_client_set_tls_name(c, "other.example.test");
  assert_int_equal(tls_smtp_connect(&smtp, c, HOST), TERN_E_TLS_WRONG_HOST);
  tls_smtp_again(&smtp);
  tern_client_set_tls_name(c, NULL);
  tern_client_set_mask(c, TERN_CAP_STARTTLS);
  smtp.starttls = 1;
  tern_client_auth(c, "ann", "secret");
  assert_int_equal(tls_smtp_connect(&smtp, c, HOST), TERN_E_TLS_NOT_OFFERED);
  assert_false(said("AUTH"));
  tern_client_free(c);
  tls_smtp_close(&smtp);
}

/* A caller that requires CHUNKING, or names the mechanism, is obeyed. */
static void caller_is_obeyed(void **state)
{
  tern_client *c = client();
  tern_credentials cred;

  (void)state;
  start(TLS12);
  learn();
  smtp.no_bdat = 0;
  smtp.good = "PLAIN";
  assert_int_equal(tern_client_memory_load(c, HOST, kept, kept_len), TERN_OK);
  tern_client_set_policy(c, TERN_CAP_CHUNKING, TERN_REQUIRE);
  memset(&cred, 0, sizeof cred);
  cred.size = sizeof cred;
  cred.user = "ann";
  cred.password = "secret";
  cred.kinds = TERN_CRED_PASSWORD;
  cred.mechanism = "PLAIN";
  assert_int_equal(tern_client_auth_with(c, &cred), TERN_OK);
  assert_int_equal(tls_smtp_connect(&smtp, c, HOST), TERN_OK);
  assert_true(said("AUTH PLAIN ") && !said("AUTH LOGIN"));
  tern_client_free(c);
  tls_smtp_close(&smtp);
}

/* The mechanism that worked goes before all but those that are bound to the channel. */
static void order(void **state)
{
  static const char *const names[] = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "PLAIN",
                                      "SCRAM-SHA-256"};
  const tern_mechanism *const *table;
  tern__memory m;
  size_t i, n;

  (void)state;
  memset(&m, 0, sizeof m);
  strcpy(m.mechanism, "PLAIN");
  assert_null(tern__memory_mechanisms(&m, NULL, 1));
  m.on = 1;
  assert_null(tern__memory_mechanisms(&m, NULL, 0)); /* someone may listen */
  table = tern__memory_mechanisms(&m, NULL, 1);
  assert_non_null(table);
  for (i = 0; i < 4; i++) assert_string_equal(table[i]->name, names[i]);
  for (n = 0; tern_mechanisms()[n] != NULL; n++) continue;
  for (i = 0; table[i] != NULL; i++) continue;
  assert_int_equal(i, n);
  strcpy(m.mechanism, "NO-SUCH");
  assert_null(tern__memory_mechanisms(&m, NULL, 1));
  strcpy(m.mechanism, "SCRAM-SHA-1-PLUS");
  table = tern__memory_mechanisms(&m, NULL, 1);
  for (i = 0; table != NULL && i < n; i++) assert_ptr_equal(table[i], tern_mechanisms()[i]);
}

static int set_up(void **state)
{
  static const recipe good = {"d" HOST, 0, 0, BY_CA, 0, 0, 0};
  int rc = pki_init(&authority);

  (void)state;
  return rc == 0 ? pki_issue(&authority, &good, good_pem) : rc;
}

static int tear_down(void **state)
{
  (void)state;
  pki_free(&authority);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_without_it), cmocka_unit_test(saves_tries),
    cmocka_unit_test(world_changes),      cmocka_unit_test(damage),
    cmocka_unit_test(other_servers),      cmocka_unit_test(strays),
    cmocka_unit_test(secrets),            cmocka_unit_test(never_weakens),
    cmocka_unit_test(caller_is_obeyed),   cmocka_unit_test(order)};

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
