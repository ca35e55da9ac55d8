/* client_tls_test.c - what a program says about TLS by the public calls, and what it learns of it,
 * against a server in the process: authorities shared, pins, the check, versions and suites, the
 * certificates' facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tern/client.h>

#include "base/hash.h"
#include "tls_smtp.h"

#define HOST "mx.example.test"

static pki authority;
static char good_pem[PEM], alone_pem[PEM], wrong_pem[PEM], chain_pem[2 * PEM];
static tls_smtp server_end;

#define EACH_VERSION(version)                                                                      \
  for ((version) = TLS12; (version) <= (HAVE_TLS13 ? TLS13 : TLS12); (version)++)

static tern_client *client(int with_ca)
{
  tern_client *c = tern_client_new(NULL);

  assert_non_null(c);
  if (with_ca) assert_int_equal(tern_client_set_ca_pem(c, authority.ca), TERN_OK);
  return c;
}

static void start(const char *pem, int version)
{
  assert_int_equal(tls_smtp_open(&server_end, &authority, pem, version), 0);
}

/* A connection of c to a server of its own; ends both. */
static tern_client *once(tern_client *c, const char *pem, int version, tern_status due)
{
  start(pem, version);
  assert_int_equal(tls_smtp_connect(&server_end, c, HOST), due);
  assert_int_equal(tern_error_status(tern_client_error(c)), due);
  assert_int_equal(tern_client_connected(c), due == TERN_OK);
  if (due == TERN_OK) {
    tern_client_quit(c);
    assert_int_equal(tls_smtp_run(&server_end, c), TERN_OK);
  } else {
    assert_null(strstr(server_end.log, "EHLO")); /* implicit TLS: nothing was said */
  }
  tls_smtp_close(&server_end);
  return c;
}

/* ---- authorities ------------------------------------------------------------------------------*/

static void trust_is_shared(void **state)
{
  tern_tls_trust *trust = tern_tls_trust_new(NULL), *empty = tern_tls_trust_new(NULL);
  tern_client *a, *b, *c;
  int version;

  (void)state;
  assert_int_equal(tern_tls_trust_add_pem(trust, "no PEM"), TERN_E_CONFIG);
  assert_true(tern_tls_trust_text(trust)[0] != '\0');
  assert_int_equal(tern_tls_trust_add_pem(trust, NULL), TERN_E_ARGUMENT);
  assert_int_equal(tern_tls_trust_add(trust, "/nonexistent"), TERN_E_CONFIG);
  assert_non_null(strstr(tern_tls_trust_text(trust), "/nonexistent"));
  assert_int_equal(tern_tls_trust_count(trust), 0);
  assert_int_equal(tern_tls_trust_add_pem(trust, authority.other), TERN_OK);
  assert_string_equal(tern_tls_trust_text(trust), "");
  assert_int_equal(tern_tls_trust_add_pem(trust, authority.ca), TERN_OK);
  assert_int_equal(tern_tls_trust_add(trust, "/"), TERN_E_CONFIG); /* a folder without any */
  assert_int_equal(tern_tls_trust_count(trust), 2);
  assert_int_equal(tern_tls_trust_add_pem(NULL, authority.ca), TERN_E_NOMEM);
  EACH_VERSION(version) {
    a = client(0);
    b = client(0);
    c = client(1); /* what is lent goes before what is named */
    tern_client_set_tls_trust(a, trust);
    tern_client_set_tls_trust(b, trust);
    tern_client_set_tls_trust(c, empty);
    once(a, good_pem, version, TERN_OK);
    assert_int_equal(tern_client_tls_verified(a), 1);
    once(b, good_pem, version, TERN_OK);
    once(b, alone_pem, version, TERN_E_TLS_UNKNOWN_CA);
    start(good_pem, version);
    assert_int_equal(tls_smtp_connect(&server_end, c, HOST), TERN_E_TLS_NO_TRUST);
    tls_smtp_close(&server_end);
    tern_client_free(a);
    tern_client_free(b);
    tern_client_free(c);
  }
  tern_tls_trust_free(trust);
  tern_tls_trust_free(empty);
}

/* Sessions are kept by what is in the shared authorities, not by where they came from. */
static void tickets_by_trust(void **state)
{
  int version;

  (void)state;
  EACH_VERSION(version) {
    tern_tls_cache *cache = tern_tls_cache_new(NULL);
    uint32_t i;

    start(good_pem, version);
    for (i = 0; i < 4; i++) {
      tern_tls_trust *trust = tern_tls_trust_new(NULL);
      tern_client *c = client(0);

      if (i == 2) tern_tls_trust_add_pem(trust, authority.other);
      tern_tls_trust_add_pem(trust, authority.ca);
      tern_client_set_tls_trust(c, trust);
      tern_client_set_tls_cache(c, cache);
      assert_int_equal(tls_smtp_connect(&server_end, c, HOST), TERN_OK);
      assert_int_equal(tern_client_tls_resumed(c), i == 1 || i == 3);
      assert_int_equal(server_end.tls.taken, i == 1 ? 1 : i == 3 ? 2 : i == 2);
      assert_true(tern_client_tls_verified(c));
      tern_client_free(c);
      tern_tls_trust_free(trust);
      tls_smtp_again(&server_end);
    }
    tls_smtp_close(&server_end);
    tern_tls_cache_free(cache);
  }
}

/* ---- pins -------------------------------------------------------------------------------------*/

static void key_of(const char *pem, uint8_t out[32])
{
  mbedtls_x509_crt crt;
  tern__hash hash;

  mbedtls_x509_crt_init(&crt);
  assert_int_equal(mbedtls_x509_crt_parse(&crt, (const unsigned char *)pem, strlen(pem) + 1), 0);
  tern__hash_begin(&hash, TERN__SHA256);
  tern__hash_add(&hash, crt.pk_raw.p, crt.pk_raw.len);
  tern__hash_end(&hash, out);
  mbedtls_x509_crt_free(&crt);
}

static void pins(void **state)
{
  enum { NONE = 0, FIRST = 1, LAST = 2, INSECURE = 4, UNVERIFIED = 8 };
  static const struct {
    int flags;
    const char *pem;
    tern_status due;
  } cases[] = {
    {FIRST, good_pem, TERN_OK},
    {LAST, good_pem, TERN_OK},
    {NONE, good_pem, TERN_E_TLS_PIN},
    {FIRST, wrong_pem, TERN_E_TLS_WRONG_HOST}, /* a pin is beside the rest, not instead */
    {FIRST, alone_pem, TERN_E_TLS_UNKNOWN_CA},
    {INSECURE | FIRST, alone_pem, TERN_OK},
    {INSECURE | NONE, alone_pem, TERN_E_TLS_PIN},
    {UNVERIFIED | FIRST, wrong_pem, TERN_OK},
    {UNVERIFIED | NONE, good_pem, TERN_E_TLS_PIN},
  };
  uint8_t list[3][32] = {{1}, {2}, {3}};
  tern_tls_cache *cache = tern_tls_cache_new(NULL);
  int version;
  size_t i;

  (void)state;
  EACH_VERSION(version) {
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
      tern_client *c = client(1);

      memset(list, (int)i, sizeof list);
      if (cases[i].flags & FIRST) key_of(cases[i].pem, list[0]);
      if (cases[i].flags & LAST) key_of(cases[i].pem, list[2]);
      assert_int_equal(tern_client_set_tls_pins(c, list[0], 3), TERN_OK);
      tern_client_set_insecure(c, (cases[i].flags & INSECURE) != 0);
      if (cases[i].flags & UNVERIFIED) tern_client_set_verify(c, TERN_VERIFY_NONE);
      tern_client_set_tls_cache(c, cache);
      once(c, cases[i].pem, version, cases[i].due);
      if (cases[i].due == TERN_E_TLS_PIN)
        assert_non_null(strstr(tern_error_text(tern_client_error(c)), "SHA-256 is "));
      assert_int_equal(tern_tls_cache_count(cache), 0);
      tern_client_free(c);
    }
  }
  tern_tls_cache_free(cache);
}

/* A server that offers no STARTTLS gets nothing in clear, though TLS is only an opportunity. */
static void pins_need_tls(void **state)
{
  static const uint8_t pin[32] = {1};
  tern_client *c = client(1);

  (void)state;
  start(good_pem, TLS12);
  server_end.starttls = 1;
  tern_client_set_tls_pins(c, pin, 1);
  tern_client_set_blocking(c, 0);
  tern_client_set_ehlo_name(c, "client.example.test");
  tern_client_set_tls(c, TERN_TLS_OPPORTUNISTIC);
  tern_client_set_mask(c, TERN_CAP_STARTTLS);
  assert_int_equal(tern_client_attach(c, tern_pipe_transport(), tls_smtp_end(&server_end), HOST),
                   TERN_E_AGAIN);
  assert_int_equal(tls_smtp_run(&server_end, c), TERN_E_TLS_NOT_OFFERED);
  tls_smtp_close(&server_end);
  tern_client_free(c);
}

/* ---- the check --------------------------------------------------------------------------------*/

typedef struct asked {
  int calls;
  tern_status verdict, answer;
  uint32_t count;
  char subject[64], name[64];
} asked;

static tern_status check(void *user, tern_status verdict, const tern_tls_chain *chain)
{
  asked *a = user;

  a->calls++;
  a->verdict = verdict;
  a->count = tern_tls_chain_count(chain);
  strncpy(a->subject, tern_tls_chain_subject(chain, 0), sizeof a->subject - 1);
  if (tern_tls_chain_name(chain, 0, 0) != NULL)
    strncpy(a->name, tern_tls_chain_name(chain, 0, 0), sizeof a->name - 1);
  return a->answer;
}

static void checks(void **state)
{
  static const struct {
    const char *pem;
    tern_status answer;
    uint32_t override, verify, calls;
    tern_status verdict, due;
  } cases[] = {
    /* it can say no */
    {good_pem, TERN_OK, 0, TERN_VERIFY_REQUIRED, 1, TERN_OK, TERN_OK},
    {good_pem, TERN_E_CANCELLED, 0, TERN_VERIFY_REQUIRED, 1, TERN_OK, TERN_E_CANCELLED},
    {good_pem, 1, 0, TERN_VERIFY_REQUIRED, 1, TERN_OK, TERN_E_TLS_CERTIFICATE},
    {good_pem, TERN_E_AGAIN, 0, TERN_VERIFY_REQUIRED, 1, TERN_OK, TERN_E_TLS_CERTIFICATE},
    {good_pem, TERN_E_TLS_PIN, 1, TERN_VERIFY_REQUIRED, 1, TERN_OK, TERN_E_TLS_PIN},
    /* but not yes */
    {wrong_pem, TERN_OK, 0, TERN_VERIFY_REQUIRED, 0, 0, TERN_E_TLS_WRONG_HOST},
    {alone_pem, TERN_OK, 0, TERN_VERIFY_REQUIRED, 0, 0, TERN_E_TLS_UNKNOWN_CA},
    /* unless it was said */
    {wrong_pem, TERN_OK, 1, TERN_VERIFY_REQUIRED, 1, TERN_E_TLS_WRONG_HOST, TERN_OK},
    {alone_pem, TERN_OK, 1, TERN_VERIFY_REQUIRED, 1, TERN_E_TLS_UNKNOWN_CA, TERN_OK},
    {alone_pem, TERN_E_CANCELLED, 1, TERN_VERIFY_REQUIRED, 1, TERN_E_TLS_UNKNOWN_CA,
     TERN_E_TLS_UNKNOWN_CA},
    /* where nothing has to verify it has its say too */
    {alone_pem, TERN_OK, 0, TERN_VERIFY_OPTIONAL, 1, TERN_E_TLS_UNKNOWN_CA, TERN_OK},
    {alone_pem, TERN_E_CANCELLED, 0, TERN_VERIFY_OPTIONAL, 1, TERN_E_TLS_UNKNOWN_CA,
     TERN_E_CANCELLED},
    {wrong_pem, TERN_OK, 0, TERN_VERIFY_NONE, 1, TERN_E_AGAIN, TERN_OK},
    {wrong_pem, TERN_E_TLS_WRONG_HOST, 1, TERN_VERIFY_NONE, 1, TERN_E_AGAIN,
     TERN_E_TLS_WRONG_HOST},
  };
  tern_tls_cache *cache = tern_tls_cache_new(NULL);
  int version;
  size_t i;

  (void)state;
  EACH_VERSION(version) {
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
      tern_client *c = client(1);
      asked a;

      memset(&a, 0, sizeof a);
      a.answer = cases[i].answer;
      tern_client_on_tls_check(c, check, &a);
      tern_client_set_tls_override(c, cases[i].override);
      tern_client_set_verify(c, cases[i].verify);
      tern_client_set_tls_cache(c, cache);
      once(c, cases[i].pem, version, cases[i].due);
      assert_int_equal(a.calls, cases[i].calls);
      assert_int_equal(tern_client_tls_verified(c), cases[i].due == TERN_OK && a.verdict == TERN_OK);
      assert_int_equal(tern_tls_cache_count(cache), 0);
      if (a.calls != 0) {
        assert_int_equal(a.verdict, cases[i].verdict);
        assert_int_equal(a.count, 1);
        assert_string_equal(a.subject, "CN=" HOST);
        assert_string_equal(a.name, cases[i].pem == wrong_pem ? "wrong.example.test" : HOST);
      }
      tern_client_free(c);
    }
  }
  tern_tls_cache_free(cache);
}

/* Without a check there is nobody who could overrule; pins stand above one. */
static void override_is_no_licence(void **state)
{
  static const uint8_t pin[32] = {1};
  asked a;
  tern_client *c = client(1);

  (void)state;
  memset(&a, 0, sizeof a);
  tern_client_set_tls_override(c, 1);
  once(c, alone_pem, TLS12, TERN_E_TLS_UNKNOWN_CA);
  tern_client_on_tls_check(c, check, &a);
  tern_client_set_tls_pins(c, pin, 1);
  once(c, good_pem, TLS12, TERN_E_TLS_PIN);
  once(c, alone_pem, TLS12, TERN_E_TLS_UNKNOWN_CA);
  assert_int_equal(a.calls, 0);
  tern_client_free(c);
}

/* ---- facts ------------------------------------------------------------------------------------*/

static void check_facts(const tern_tls_chain *chain)
{
  const uint8_t *der;
  uint8_t key[32];
  size_t len;

  assert_int_equal(tern_tls_chain_count(chain), 2);
  assert_string_equal(tern_tls_chain_subject(chain, 0), "CN=" HOST);
  assert_string_equal(tern_tls_chain_issuer(chain, 0), "CN=tern test CA");
  assert_string_equal(tern_tls_chain_subject(chain, 1), "CN=tern test CA");
  assert_string_equal(tern_tls_chain_name(chain, 0, 0), HOST);
  assert_string_equal(tern_tls_chain_name(chain, 0, 1), "192.0.2.7");
  assert_string_equal(tern_tls_chain_name(chain, 0, 2), "2001:db8:0:0:0:0:0:1");
  assert_string_equal(tern_tls_chain_name(chain, 0, 3), "other?.example.test");
  assert_null(tern_tls_chain_name(chain, 0, 4));
  assert_null(tern_tls_chain_name(chain, 1, 0));
  assert_true(tern_tls_chain_not_before(chain, 0) == 1582934399); /* 2020-02-28 23:59:59 */
  assert_true(tern_tls_chain_not_after(chain, 0) == 1709251201);  /* 2024-03-01 00:00:01 */
  assert_true(tern_tls_chain_not_before(chain, 1) == 1577836800);
  assert_true(tern_tls_chain_not_after(chain, 1) == 2524607999);
  key_of(chain_pem, key);
  assert_memory_equal(tern_tls_chain_spki_sha256(chain, 0), key, 32);
  key_of(authority.ca, key);
  assert_memory_equal(tern_tls_chain_spki_sha256(chain, 1), key, 32);
  der = tern_tls_chain_der(chain, 0, &len);
  assert_int_equal(len, server_end.tls.chain.raw.len);
  assert_memory_equal(der, server_end.tls.chain.raw.p, len);
  /* beyond the last */
  assert_null(tern_tls_chain_der(chain, 2, &len));
  assert_int_equal(len, 0);
  assert_null(tern_tls_chain_spki_sha256(chain, 2));
  assert_string_equal(tern_tls_chain_issuer(chain, 2), "");
  assert_true(tern_tls_chain_not_after(chain, 2) == 0);
  assert_int_equal(tern_tls_chain_count(NULL), 0);
}

/* They are there whether the certificate verified or not, and stay when the session has ended. */
static void facts(void **state)
{
  static const uint32_t verify[] = {TERN_VERIFY_REQUIRED, TERN_VERIFY_OPTIONAL, TERN_VERIFY_NONE};
  int version;
  size_t i;

  (void)state;
  EACH_VERSION(version) {
    for (i = 0; i < 3; i++) {
      tern_client *c = client(1);

      assert_null(tern_client_tls_chain(c));
      tern_client_set_verify(c, verify[i]);
      start(chain_pem, version);
      assert_int_equal(tls_smtp_connect(&server_end, c, HOST), i == 0 ? TERN_E_TLS_EXPIRED : TERN_OK);
      check_facts(tern_client_tls_chain(c));
      tern_client_quit(c);
      (void)tls_smtp_run(&server_end, c);
      check_facts(tern_client_tls_chain(c));
      tls_smtp_close(&server_end);
      tern_client_free(c);
    }
  }
}

/* ---- versions and suites ----------------------------------------------------------------------*/

static void versions(void **state)
{
  tern_client *c = client(1);

  (void)state;
  assert_int_equal(tern_client_set_tls_min(c, 0x0302), TERN_E_ARGUMENT);
  assert_int_equal(tls_smtp_connect(&server_end, c, HOST), TERN_E_ARGUMENT);
  assert_int_equal(tern_error_field(tern_client_error(c)), TERN_FIELD_TLS_VERSION);
  assert_int_equal(tern_client_set_tls_min(c, TERN_TLS_1_2), TERN_OK);
  once(c, good_pem, TLS12, TERN_OK);
  if (HAVE_TLS13) {
    assert_int_equal(tern_client_set_tls_min(c, TERN_TLS_1_3), TERN_OK);
    once(c, good_pem, TLS13, TERN_OK);
    once(c, good_pem, TLS12, TERN_E_TLS_VERSION);
    assert_int_equal(tern_client_set_tls_ciphers(c, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), 0);
    start(good_pem, TLS12); /* the two contradict each other */
    assert_int_equal(tls_smtp_connect(&server_end, c, HOST), TERN_E_CONFIG);
    assert_int_equal(tern_error_field(tern_client_error(c)), TERN_FIELD_CIPHER);
    tls_smtp_close(&server_end);
  } else {
    assert_int_equal(tern_client_set_tls_min(c, TERN_TLS_1_3), TERN_E_UNSUPPORTED);
  }
  tern_client_free(c);
}

static void suites(void **state)
{
  static const struct {
    const char *list, *cipher;
    int version;
    tern_status due;
  } good[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384", TLS12, 0},
    {"TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256", TLS12, 0},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", NULL, TLS12, TERN_E_TLS_VERSION},
#if HAVE_TLS13
    {"TLS_AES_128_GCM_SHA256", "TLS1-3-AES-128-GCM-SHA256", TLS13, 0},
    {" TLS_AES_256_GCM_SHA384:TLS_ECDHE_ECDSA_WITH_AES_128_CCM ,", "TLS1-3-AES-256-GCM-SHA384", TLS13, 0},
    {"TLS_AES_256_GCM_SHA384", NULL, TLS12, TERN_E_TLS_VERSION},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL, TLS13, TERN_E_TLS_VERSION},
#endif
  };
  static const struct {
    const char *list;
    size_t position;
    const char *text;
  } bad[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:TLS_FOO_BAR", 40, "TLS_FOO_BAR: "},
    {"HIGH", 0, "HIGH: "},
    {"TLS_RSA_WITH_NULL_SHA256", 0, "TLS_RSA_WITH_NULL_SHA256: "},
    {"TLS_\n\x7f_X", 0, "TLS_??_X: "},
    {" , ", SIZE_MAX, "without a cipher suite"},
  };
  char many[65 * 40 + 1] = "";
  size_t i;

  (void)state;
  for (i = 0; i < sizeof good / sizeof *good; i++) {
    tern_client *c = client(1);

    assert_int_equal(tern_client_set_tls_ciphers(c, good[i].list), TERN_OK);
    once(c, good_pem, good[i].version, good[i].due);
    if (good[i].cipher != NULL)
      assert_string_equal(tern_client_tls_cipher(c), good[i].cipher);
    assert_int_equal(tern_client_set_tls_ciphers(c, ""), TERN_OK);
    once(c, good_pem, good[i].version, TERN_OK);
    tern_client_free(c);
  }
  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    tern_client *c = client(1);

    assert_int_equal(tern_client_set_tls_ciphers(c, bad[i].list), TERN_E_ARGUMENT);
    assert_int_equal(tls_smtp_connect(&server_end, c, HOST), TERN_E_ARGUMENT);
    assert_int_equal(tern_error_field(tern_client_error(c)), TERN_FIELD_CIPHER);
    assert_true(tern_error_position(tern_client_error(c)) == bad[i].position);
    assert_non_null(strstr(tern_error_text(tern_client_error(c)), bad[i].text));
    tern_client_free(c);
  }
  for (i = 0; i < 65; i++) strcat(many, "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256:");
  assert_int_equal(tern_client_set_tls_ciphers(NULL, many), TERN_E_NOMEM);
  {
    tern_client *c = client(1);
    static uint8_t pin[65 * 32];

    assert_int_equal(tern_client_set_tls_ciphers(c, many), TERN_E_ARGUMENT);
    assert_int_equal(tern_client_set_tls_pins(c, pin, 65), TERN_E_ARGUMENT);
    assert_int_equal(tls_smtp_connect(&server_end, c, HOST), TERN_E_ARGUMENT);
    assert_int_equal(tern_error_field(tern_client_error(c)), TERN_FIELD_PIN);
    tern_client_free(c);
  }
}

static int set_up(void **state)
{
  static const recipe good = {"d" HOST, 0, 0, BY_CA, 0, 0, 0};
  static const recipe alone = {"d" HOST, 0, 0, BY_SELF, 0, 0, 0};
  static const recipe wrong = {"dwrong.example.test", 0, 0, BY_CA, 0, 0, 0};
  static const recipe rich = {"d" HOST "|ic0000207|i20010db8000000000000000000000001|dother%.example.test",
                              "20200228235959", "20240301000001", BY_CA, 0, 0, 0};
  int rc = pki_init(&authority);

  (void)state;
  if (rc == 0) rc = pki_issue(&authority, &good, good_pem);
  if (rc == 0) rc = pki_issue(&authority, &alone, alone_pem);
  if (rc == 0) rc = pki_issue(&authority, &wrong, wrong_pem);
  if (rc == 0) rc = pki_issue(&authority, &rich, chain_pem);
  strcat(chain_pem, authority.ca);
  return rc;
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
    cmocka_unit_test(trust_is_shared), cmocka_unit_test(tickets_by_trust),
    cmocka_unit_test(pins),            cmocka_unit_test(pins_need_tls),
    cmocka_unit_test(checks),          cmocka_unit_test(override_is_no_licence),
    cmocka_unit_test(facts),           cmocka_unit_test(versions),
    cmocka_unit_test(suites)};

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
