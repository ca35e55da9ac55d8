/* tls_fixture.c - authorities, certificates and a TLS server made in memory, for tests.
 * Elliptic keys, so that each certificate costs milliseconds. Neighbours: transport_tls_test.c. */
#include "tls_fixture.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/oid.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(name) name /* 2.28 */
#endif

static int make_key(pki *p, mbedtls_pk_context *key)
{
  int rc;

  mbedtls_pk_init(key);
  rc = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
  if (rc != 0) return rc;
  return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), mbedtls_ctr_drbg_random,
                             &p->drbg);
}

static int set_serial(mbedtls_x509write_cert *crt)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  unsigned char one[] = {1};

  return mbedtls_x509write_crt_set_serial_raw(crt, one, sizeof one);
#else
  mbedtls_mpi one;
  int rc;

  mbedtls_mpi_init(&one);
  rc = mbedtls_mpi_lset(&one, 1);
  if (rc == 0) rc = mbedtls_x509write_crt_set_serial(crt, &one);
  mbedtls_mpi_free(&one);
  return rc;
#endif
}

/* The DER of subjectAltName from the words of a recipe. Lengths stay below 128. */
static size_t write_san(const char *san, unsigned char *out)
{
  size_t n = 2;

  while (*san != 0) {
    size_t start, i, len = strcspn(san, "|");

    out[n++] = *san == 'd' ? 0x82 : 0x87;
    start = n++;
    for (i = 1; i < len; i++) {
      unsigned octet;

      if (*san == 'd') {
        out[n++] = (unsigned char)(san[i] == '%' ? 0 : san[i]);
      } else if (sscanf(san + i, "%2x", &octet) == 1) {
        out[n++] = (unsigned char)octet;
        i++;
      }
    }
    out[start] = (unsigned char)(n - start - 1);
    san += len + (san[len] == '|');
  }
  out[0] = 0x30;
  out[1] = (unsigned char)(n - 2);
  return n;
}

static int set_extensions(mbedtls_x509write_cert *crt, const recipe *r)
{
  /* SEQUENCE of id-kp-serverAuth or id-kp-clientAuth */
  unsigned char usage[] = {0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1}, san[256];
  int rc = mbedtls_x509write_crt_set_basic_constraints(crt, 0, -1);

  usage[11] = r->client ? 2 : 1;
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_extension(crt, MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                             MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0,
                                             usage, sizeof usage);
  if (rc == 0 && r->san != NULL)
    rc = mbedtls_x509write_crt_set_extension(crt, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                             MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, san,
                                             write_san(r->san, san));
  return rc;
}

static int issue(pki *p, const recipe *r, mbedtls_pk_context *key, mbedtls_pk_context *by,
                 const char *issuer, int authority, char pem[PEM])
{
  mbedtls_x509write_cert crt;
  char subject[80];
  int rc;

  mbedtls_x509write_crt_init(&crt);
  mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&crt, r->sha1 ? MBEDTLS_MD_SHA1 : MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&crt, key);
  mbedtls_x509write_crt_set_issuer_key(&crt, by);
  snprintf(subject, sizeof subject, "CN=%s", r->name != NULL ? r->name : "mx.example.test");
  rc = mbedtls_x509write_crt_set_subject_name(&crt, subject);
  if (rc == 0) rc = mbedtls_x509write_crt_set_issuer_name(&crt, issuer != NULL ? issuer : subject);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_validity(&crt, r->from != NULL ? r->from : "20200101000000",
                                            r->to != NULL ? r->to : "20491231235959");
  if (rc == 0) rc = set_serial(&crt);
  if (rc == 0)
    rc = authority ? mbedtls_x509write_crt_set_basic_constraints(&crt, 1, -1)
                   : set_extensions(&crt, r);
  if (rc == 0)
    rc =
      mbedtls_x509write_crt_pem(&crt, (unsigned char *)pem, PEM, mbedtls_ctr_drbg_random, &p->drbg);
  mbedtls_x509write_crt_free(&crt);
  return rc;
}

int pki_init(pki *p)
{
  static const recipe ca = {NULL, NULL, NULL, BY_SELF, 0, 0, "tern test CA"};
  static const recipe other = {NULL, NULL, NULL, BY_SELF, 0, 0, "another CA"};
  int rc;

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  if (psa_crypto_init() != PSA_SUCCESS) return -1;
#endif
  memset(p, 0, sizeof *p);
  mbedtls_entropy_init(&p->entropy);
  mbedtls_ctr_drbg_init(&p->drbg);
  rc = mbedtls_ctr_drbg_seed(&p->drbg, mbedtls_entropy_func, &p->entropy, NULL, 0);
  if (rc == 0) rc = make_key(p, &p->ca_key);
  if (rc == 0) rc = make_key(p, &p->other_key);
  if (rc == 0) rc = make_key(p, &p->key);
  if (rc == 0) rc = mbedtls_pk_write_key_pem(&p->key, (unsigned char *)p->key_pem, PEM);
  if (rc == 0) rc = issue(p, &ca, &p->ca_key, &p->ca_key, NULL, 1, p->ca);
  if (rc == 0) rc = issue(p, &other, &p->other_key, &p->other_key, NULL, 1, p->other);
  return rc;
}

void pki_free(pki *p)
{
  mbedtls_pk_free(&p->ca_key);
  mbedtls_pk_free(&p->other_key);
  mbedtls_pk_free(&p->key);
  mbedtls_ctr_drbg_free(&p->drbg);
  mbedtls_entropy_free(&p->entropy);
}

int pki_issue(pki *p, const recipe *r, char pem[PEM])
{
  if (r->by == BY_SELF) return issue(p, r, &p->key, &p->key, NULL, 0, pem);
  return issue(p, r, &p->key, r->by == BY_CA ? &p->ca_key : &p->other_key,
               r->by == BY_CA ? "CN=tern test CA" : "CN=another CA", 0, pem);
}

/* ---- server -----------------------------------------------------------------------------------*/

static int end_read(void *user, unsigned char *octets, size_t cap)
{
  size_t n;
  tern_status status = tern__transport_read(user, octets, cap, &n);

  return status == TERN_OK ? (int)n : status == TERN_E_AGAIN ? MBEDTLS_ERR_SSL_WANT_READ : 0;
}

static int end_write(void *user, const unsigned char *octets, size_t len)
{
  size_t n;
  tern_status status = tern__transport_write(user, octets, len, &n);

  return status == TERN_OK        ? (int)n
         : status == TERN_E_AGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE
                                  : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int set_version(server *s, int version)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  mbedtls_ssl_protocol_version v =
    version == TLS13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;

  mbedtls_ssl_conf_min_tls_version(&s->conf, v);
  mbedtls_ssl_conf_max_tls_version(&s->conf, v);
  return 0;
#else
  mbedtls_ssl_conf_min_version(&s->conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  return version == TLS13 ? -1 : 0;
#endif
}

static int parse_ticket(void *user, mbedtls_ssl_session *session, unsigned char *octets, size_t len)
{
  server *s = user;
  int rc = mbedtls_ssl_ticket_parse(&s->tickets, session, octets, len);

  if (rc == 0) s->taken++;
  return rc;
}

static int write_ticket(void *user, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *len, uint32_t *lifetime)
{
  server *s = user;

  if (s->hostile != 0) {
    *len = (size_t)(end - start) - 64; /* what else belongs into its message */
    if (*len > s->hostile) *len = s->hostile;
    memset(start, 0x5a, *len);
    *lifetime = 3600;
    return 0;
  }
  return mbedtls_ssl_ticket_write(&s->tickets, session, start, end, len, lifetime);
}

int server_again(server *s, tern__link end)
{
  s->end = end;
  s->result = 1;
  return mbedtls_ssl_session_reset(&s->ssl);
}

int server_init(server *s, pki *p, tern__link end, const char *chain_pem, int version,
                int client_auth, int suite, int tickets)
{
  int rc;

  memset(s, 0, sizeof *s);
  s->end = end;
  s->result = 1;
  s->tls13 = version == TLS13;
  mbedtls_ssl_init(&s->ssl);
  mbedtls_ssl_config_init(&s->conf);
  mbedtls_x509_crt_init(&s->chain);
  mbedtls_x509_crt_init(&s->ca);
  mbedtls_ssl_ticket_init(&s->tickets);
  rc = mbedtls_ssl_config_defaults(&s->conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                   MBEDTLS_SSL_PRESET_DEFAULT);
  if (rc == 0)
    rc = mbedtls_x509_crt_parse(&s->chain, (const unsigned char *)chain_pem, strlen(chain_pem) + 1);
  if (rc == 0) rc = mbedtls_x509_crt_parse(&s->ca, (const unsigned char *)p->ca, strlen(p->ca) + 1);
  s->chain.MBEDTLS_PRIVATE(ext_types) = 0; /* a server checks its own key usage: not this one */
  if (rc == 0) rc = set_version(s, version);
  if (rc == 0) rc = mbedtls_ssl_conf_own_cert(&s->conf, &s->chain, &p->key);
  if (rc == 0 && tickets)
    rc = mbedtls_ssl_ticket_setup(&s->tickets, mbedtls_ctr_drbg_random, &p->drbg,
                                  MBEDTLS_CIPHER_AES_256_GCM, 3600);
  if (rc != 0) return rc;
  mbedtls_ssl_conf_rng(&s->conf, mbedtls_ctr_drbg_random, &p->drbg);
  if (tickets)
    mbedtls_ssl_conf_session_tickets_cb(&s->conf, write_ticket, parse_ticket, s);
  if (client_auth) {
    /* Under TLS 1.3 Mbed TLS's server refuses with an alert that no client can decrypt: it uses the
     * keys of the handshake still. server_step does what RFC 8446 4.4.2.4 wants. */
    mbedtls_ssl_conf_authmode(&s->conf,
                              s->tls13 ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_REQUIRED);
    s->client_auth = 1;
    mbedtls_ssl_conf_ca_chain(&s->conf, &s->ca, NULL);
  }
  s->suites[0] = suite;
  if (suite != 0) mbedtls_ssl_conf_ciphersuites(&s->conf, s->suites);
  rc = mbedtls_ssl_setup(&s->ssl, &s->conf);
  mbedtls_ssl_set_bio(&s->ssl, &s->end, end_write, end_read, NULL);
  return rc;
}

void server_free(server *s)
{
  mbedtls_ssl_free(&s->ssl);
  mbedtls_ssl_config_free(&s->conf);
  mbedtls_x509_crt_free(&s->chain);
  mbedtls_x509_crt_free(&s->ca);
  mbedtls_ssl_ticket_free(&s->tickets);
}

int tls_is_again(int rc)
{
  return rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE;
}

void server_step(server *s)
{
  int rc;

  if (s->result != 1) return;
  rc = mbedtls_ssl_handshake(&s->ssl);
  if (tls_is_again(rc)) return;
  s->result = rc;
  if (rc == 0 && s->tls13 && s->client_auth && mbedtls_ssl_get_verify_result(&s->ssl) != 0) {
    s->result = MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
    (void)mbedtls_ssl_send_alert_message(
      &s->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
      mbedtls_ssl_get_peer_cert(&s->ssl) == NULL ? 116 : MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
  }
  if (s->result == 0) return;
  /* Other servers say so by this alert under TLS 1.2 (RFC 5246 7.4.6); Mbed TLS says nothing. */
  if (rc == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE && !s->tls13)
    (void)mbedtls_ssl_send_alert_message(&s->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                         MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
  tern__transport_close(&s->end);
}
