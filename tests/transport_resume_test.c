/* transport_resume_test.c - sessions of TLS taken up again: counted at the server, and only where
 * everything that they are kept by is the same. */
#include "base/seal.h"
#include "tls_pair.h"
#include "transport/tls_cache.h"

#define GOOD "d" HOST "|dother.example.test"

static char good_pem[PEM], wrong_pem[PEM];
static tern_tls_cache *cache;
static tls_pair pair;
static tls_options options;

static void begin(int version)
{
  memset(&options, 0, sizeof options);
  options.version = version;
  cache = options.cache = tern_tls_cache_new(NULL);
  assert_non_null(cache);
}

static void start_server(const char *pem)
{
  open_pipe(&pair, 0);
  assert_int_equal(
    server_init(&pair.server, &authority, pair.server_end, pem, options.version, 0, 0, 1), 0);
  pair.has_server = 1;
}

static void end(void)
{
  server_free(&pair.server);
  tern_tls_cache_free(cache);
}

/* Another connection to the same server, with an answer read, behind which TLS 1.3 has tickets.
 * due: the handshake's end; resumed: as both ends have to see it. */
static void once(tern_status due, uint32_t resumed)
{
  uint8_t octets[16];
  size_t len = 0;
  int i, taken = pair.server.taken;

  tern_pipe_free(pair.pipe);
  open_ends(&pair, 0);
  assert_int_equal(server_again(&pair.server, pair.server_end), 0);
  assert_int_equal(open_client(&pair, &options), TERN_OK);
  assert_int_equal(shake(&pair), due);
  if (due == TERN_OK) {
    tern_status status = TERN_E_AGAIN;

    assert_int_equal(mbedtls_ssl_write(&pair.server.ssl, (const uint8_t *)"220\r\n", 5), 5);
    for (i = 0; i < 100 && status == TERN_E_AGAIN; i++)
      status = tern__transport_read(&pair.link, octets, sizeof octets, &len);
    assert_int_equal(status, TERN_OK);
    assert_int_equal(len, 5);
  }
  assert_int_equal(tern__tls_resumed(pair.tls), resumed);
  assert_int_equal(pair.server.taken - taken, resumed);
  if (due == TERN_OK && options.verify == TERN_VERIFY_REQUIRED)
    assert_int_equal(tern__tls_verified(pair.tls), 1);
  tern__tls_free(pair.tls);
  pair.tls = NULL;
}

static void each_version(void (*check)(void))
{
  int version;

  for (version = TLS12; version <= (HAVE_TLS13 ? TLS13 : TLS12); version++) {
    begin(version);
    start_server(good_pem);
    check();
    tern_pipe_free(pair.pipe);
    end();
  }
}

static void again_and_again(void)
{
  int i;

  once(TERN_OK, 0);
  assert_int_equal(tern_tls_cache_count(cache), 1);
  for (i = 0; i < 4; i++) once(TERN_OK, 1);
  assert_int_equal(tern_tls_cache_count(cache), 1);
  tern_tls_cache_clear(cache);
  once(TERN_OK, 0);
}

static void test_again_and_again(void **state)
{
  (void)state;
  each_version(again_and_again);
}

/* Whatever differs makes it another server. */
static void by_key(void)
{
  static const char *const more[] = {"other.example.test"};

  once(TERN_OK, 0);
  options.port = 465;
  once(TERN_OK, 0);
  options.names = more;
  options.name_count = 1;
  once(TERN_OK, 0);
  options.host = "other.example.test";
  once(TERN_OK, 0);
  assert_int_equal(tern_tls_cache_count(cache), 4);
  once(TERN_OK, 1);
}

static void test_by_key(void **state)
{
  (void)state;
  each_version(by_key);
}

/* Where the certificate does not decide, nothing is kept, and nothing that was is used. */
static void not_kept(void)
{
  static const uint8_t digest[32] = {1};
  tern_tlsa record = {3, 1, 1, NULL, sizeof digest};

  record.octets = digest;
  once(TERN_OK, 0);
  options.verify = TERN_VERIFY_OPTIONAL;
  once(TERN_OK, 0);
  options.verify = TERN_VERIFY_NONE;
  once(TERN_OK, 0);
  options.verify = TERN_VERIFY_REQUIRED;
  options.tlsa = &record;
  options.tlsa_count = 1;
  once(TERN_E_TLS_DANE, 0);
  assert_int_equal(tern_tls_cache_count(cache), 1);
}

static void test_not_kept(void **state)
{
  (void)state;
  each_version(not_kept);
}

/* A server that does not verify leaves nothing, and a ticket does not help one that has no key for
 * it: its certificate is looked at. */
static void test_refused(void **state)
{
  int version;

  (void)state;
  for (version = TLS12; version <= (HAVE_TLS13 ? TLS13 : TLS12); version++) {
    begin(version);
    start_server(good_pem);
    once(TERN_OK, 0);
    tern_pipe_free(pair.pipe);
    server_free(&pair.server);
    start_server(wrong_pem);
    once(TERN_E_TLS_WRONG_HOST, 0);
    assert_int_equal(tern_tls_cache_count(cache), 0);
    tern_pipe_free(pair.pipe);
    end();
  }
}

static void saved(void)
{
  static uint8_t octets[40000];
  tern_tls_cache *other = tern_tls_cache_new(NULL);
  const tern__seal plain = {{0}, 0};
  size_t i, len;

  assert_non_null(other);
  once(TERN_OK, 0);
  len = tern_tls_cache_save(cache, NULL, 0);
  assert_in_range(len, 60, sizeof octets);
  assert_int_equal(tern_tls_cache_save(cache, octets, len - 1), len);
  assert_int_equal(tern_tls_cache_save(cache, octets, len), len);
  for (i = 0; i < len; i++) {
    assert_int_equal(tern_tls_cache_load(other, octets, i), TERN_E_CONFIG);
    octets[i] ^= 0x10;
    assert_int_equal(tern_tls_cache_load(other, octets, len), TERN_E_CONFIG);
    octets[i] ^= 0x10;
    assert_int_equal(tern_tls_cache_count(other), 0);
  }
  assert_int_equal(tern_tls_cache_load(other, octets, len), TERN_OK);
  options.cache = other;
  once(TERN_OK, 1);
  octets[8 + 32 + 8 + 4] ^= 0xff; /* another Mbed TLS's */
  tern__seal_make(&plain, octets, len - TERN__SEAL, octets + len - TERN__SEAL);
  tern_tls_cache_clear(other);
  assert_int_equal(tern_tls_cache_load(other, octets, len), TERN_OK);
  once(TERN_OK, 0);
  octets[8 + 32 + 8 + 4] ^= 0xff;
  memset(octets + 8 + 32, 0, 8); /* its certificate has ended */
  tern__seal_make(&plain, octets, len - TERN__SEAL, octets + len - TERN__SEAL);
  tern_tls_cache_clear(other);
  assert_int_equal(tern_tls_cache_load(other, octets, len), TERN_OK);
  once(TERN_OK, 0);
  tern_tls_cache_clear(other);
  octets[8 + 32 + 8 + 3] ^= 1; /* sealed, and yet a length that is wrong */
  tern__seal_make(&plain, octets, len - TERN__SEAL, octets + len - TERN__SEAL);
  assert_int_equal(tern_tls_cache_load(other, octets, len), TERN_E_CONFIG);
  assert_int_equal(tern_tls_cache_count(other), 0);
  tern_tls_cache_free(other);
}

static void test_saved(void **state)
{
  (void)state;
  each_version(saved);
}

/* Sealed with a secret, they are taken under that one alone. */
static void sealed(void)
{
  static const char *const with[] = {"", "one", "two"};
  static uint8_t octets[20000];
  tern_tls_cache *other = tern_tls_cache_new(NULL);
  size_t i, j, len;

  once(TERN_OK, 0);
  for (i = 0; i < 3; i++) {
    assert_int_equal(tern_tls_cache_set_secret(cache, with[i], strlen(with[i])), TERN_OK);
    len = tern_tls_cache_save(cache, octets, sizeof octets);
    for (j = 0; j < 3; j++) {
      assert_int_equal(tern_tls_cache_set_secret(other, with[j], strlen(with[j])), TERN_OK);
      assert_int_equal(tern_tls_cache_load(other, octets, len), i == j ? TERN_OK : TERN_E_CONFIG);
    }
  }
  tern_tls_cache_free(other);
}

static void test_sealed(void **state)
{
  (void)state;
  each_version(sealed);
}

/* Tickets of any size that mean nothing: the session goes on, what is kept stays bounded, and the
 * next handshake is a full one. */
static void hostile(void)
{
  static const size_t sizes[] = {1, 255, 4096, 12000, 16100};
  size_t i;

  for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    pair.server.hostile = sizes[i];
    once(TERN_OK, 0);
    assert_in_range(tern_tls_cache_count(cache), 0, 1);
    assert_in_range(tern_tls_cache_save(cache, NULL, 0), 8 + 32, 8 + 44 + 16384 + 32);
  }
}

static void test_hostile(void **state)
{
  (void)state;
  each_version(hostile);
}

/* At most 64; the oldest goes; none too long. */
static void test_bounded(void **state)
{
  static uint8_t octets[16385];
  tern__tls_ticket t, out;
  uint8_t i;

  (void)state;
  begin(TLS12);
  memset(&t, 0, sizeof t);
  t.octets = octets;
  t.len = 16384;
  for (i = 0; i < 70; i++) {
    t.key[0] = i;
    tern__tls_cache_put(cache, &t);
  }
  assert_int_equal(tern_tls_cache_count(cache), 64);
  t.key[0] = 5;
  assert_false(tern__tls_cache_take(cache, t.key, &out));
  t.key[0] = 6;
  assert_true(tern__tls_cache_take(cache, t.key, &out));
  tern__tls_cache_drop(cache, &out);
  t.len = 16385;
  tern__tls_cache_put(cache, &t);
  assert_int_equal(tern_tls_cache_count(cache), 63);
  tern_tls_cache_free(cache);
}

static int set_up(void **state)
{
  static const recipe good = {GOOD, 0, 0, BY_CA, 0, 0, 0};
  static const recipe wrong = {"dwrong.example.test", 0, 0, BY_CA, 0, 0, 0};
  int rc = pki_init(&authority);

  (void)state;
  if (rc == 0) rc = pki_issue(&authority, &good, good_pem);
  return rc == 0 ? pki_issue(&authority, &wrong, wrong_pem) : rc;
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
    cmocka_unit_test(test_again_and_again), cmocka_unit_test(test_by_key),
    cmocka_unit_test(test_not_kept),        cmocka_unit_test(test_refused),
    cmocka_unit_test(test_saved),           cmocka_unit_test(test_bounded),
    cmocka_unit_test(test_sealed),          cmocka_unit_test(test_hostile)};

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
