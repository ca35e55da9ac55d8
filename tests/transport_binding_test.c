/* transport_binding_test.c - both ends of a TLS session compute the same binding, and it is that of
 * RFC 9266 or RFC 5929. */
#include <mbedtls/md.h>

#include "tls_pair.h"

#define GOOD "d" HOST

static void check(const recipe *made, int version, uint32_t verify)
{
  char pem[PEM];
  uint8_t out[TERN__TLS_BINDING_MAX], due[TERN__TLS_BINDING_MAX];
  const char *type = "", *due_type = "tls-server-end-point";
  tls_options o;
  tls_pair p;
  size_t len;
  int exported = 0;

  assert_int_equal(pki_issue(&authority, made, pem), 0);
  memset(&o, 0, sizeof o);
  o.version = version;
  o.verify = verify;
  open_pipe(&p, 0);
  assert_int_equal(server_init(&p.server, &authority, p.server_end, pem, version, 0, 0, 0), 0);
  p.has_server = 1;
  assert_int_equal(open_client(&p, &o), TERN_OK);
  assert_int_equal(tern__tls_binding(p.tls, &type, out), 0); /* not yet */
  assert_null(type);
  assert_int_equal(shake(&p), TERN_OK);
  len = tern__tls_binding(p.tls, &type, out);
#if HAVE_TLS13 && defined(MBEDTLS_SSL_KEYING_MATERIAL_EXPORT)
  if (version == TLS13) {
    due_type = "tls-exporter";
    assert_int_equal(mbedtls_ssl_export_keying_material(&p.server.ssl, due, 32,
                                                        "EXPORTER-Channel-Binding", 24, NULL, 0, 0),
                     0);
    exported = 1;
  }
#endif
  if (!exported) /* the certificate is made with SHA-1 or SHA-256: both give the latter */
    assert_int_equal(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                                p.server.chain.raw.p, p.server.chain.raw.len, due),
                     0);
  assert_non_null(type);
  assert_string_equal(type, due_type);
  assert_int_equal(len, 32);
  assert_memory_equal(out, due, 32);
  close_pair(&p);
}

static void test_bindings(void **state)
{
  static const recipe good = {GOOD, 0, 0, BY_CA, 0, 0, 0}, weak = {GOOD, 0, 0, BY_CA, 0, 1, 0};
  int version;

  (void)state;
  for (version = TLS12; version <= (HAVE_TLS13 ? TLS13 : TLS12); version++) {
    check(&good, version, TERN__TLS_VERIFY_REQUIRED);
    check(&good, version, TERN__TLS_VERIFY_NONE);
    check(&weak, version, TERN__TLS_VERIFY_OPTIONAL);
  }
}

static int set_up(void **state)
{
  (void)state;
  return pki_init(&authority);
}

static int tear_down(void **state)
{
  (void)state;
  pki_free(&authority);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bindings)};

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
