/* tls_mbedtls.c - Mbed TLS 2.28 (TLS 1.2) and 3.x (1.3 too) behind one face.
 * Duty: what the versions call differently, what lies in private fields, what a code means. The
 * one place that asks for a version. Neighbours: every other tls_*.c. */
#include <string.h>

#include <mbedtls/error.h>
#include <mbedtls/pem.h>

#include "transport/tls_mbedtls.h"

#if TERN__MBED3
#include <psa/crypto.h>
#endif

const char *tern__mbed_text(int rc, char *text, size_t cap)
{
  mbedtls_strerror(rc, text, cap);
  return text;
}

/* The codes are a high part (bits 7 to 14) and a low one (0 to 6); either can tell of memory. */
int tern__mbed_is_nomem(int rc)
{
  static const int high[] = {MBEDTLS_ERR_SSL_ALLOC_FAILED,   MBEDTLS_ERR_X509_ALLOC_FAILED,
                             MBEDTLS_ERR_PK_ALLOC_FAILED,    MBEDTLS_ERR_PEM_ALLOC_FAILED,
                             MBEDTLS_ERR_ECP_ALLOC_FAILED,   MBEDTLS_ERR_MD_ALLOC_FAILED,
                             MBEDTLS_ERR_CIPHER_ALLOC_FAILED};
  int code = -rc;
  size_t i;

  if (code <= 0) return 0;
  if ((code & 0x7f) == -MBEDTLS_ERR_MPI_ALLOC_FAILED ||
      (code & 0x7f) == -MBEDTLS_ERR_ASN1_ALLOC_FAILED)
    return 1;
  for (i = 0; i < sizeof high / sizeof *high; i++)
    if ((code & 0x7f80) == -high[i]) return 1;
  return 0;
}

int tern__mbed_parse_key(tern__tls *tls, const uint8_t *octets, size_t len)
{
#if TERN__MBED3
  return mbedtls_pk_parse_key(&tls->key, octets, len, NULL, 0, mbedtls_ctr_drbg_random, &tls->drbg);
#else
  return mbedtls_pk_parse_key(&tls->key, octets, len, NULL, 0);
#endif
}

int tern__mbed_has_tls13(void)
{
#if TERN__MBED3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
  return 1;
#else
  return 0;
#endif
}

void tern__mbed_set_versions(mbedtls_ssl_config *conf, uint32_t least, uint32_t most)
{
#if TERN__MBED3
  /* its numbers are those of the wire */
  mbedtls_ssl_conf_min_tls_version(conf, (mbedtls_ssl_protocol_version)least);
  mbedtls_ssl_conf_max_tls_version(conf, (mbedtls_ssl_protocol_version)most);
#else
  mbedtls_ssl_conf_min_version(conf, (int)(least >> 8), (int)(least & 0xff));
  mbedtls_ssl_conf_max_version(conf, (int)(most >> 8), (int)(most & 0xff));
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
  mbedtls_ssl_conf_renegotiation(conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
  mbedtls_ssl_conf_session_tickets(conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
}

void tern__mbed_want_tickets(mbedtls_ssl_config *conf)
{
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
  mbedtls_ssl_conf_session_tickets(conf, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
#if defined(MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED)
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
    conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
#else
  (void)conf;
#endif
}

int tern__mbed_can_resume(const mbedtls_ssl_session *session)
{
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
  if (session->TERN__FIELD(ticket) != NULL) return 1;
#endif
#if TERN__MBED3
  /* under TLS 1.3 an id is there for the looks only (RFC 8446 4.1.3) */
  if (session->TERN__FIELD(tls_version) != MBEDTLS_SSL_VERSION_TLS1_2) return 0;
#endif
  return session->TERN__FIELD(id_len) > 0;
}

int tern__mbed_key_fits(tern__tls *tls)
{
#if TERN__MBED3
  return mbedtls_pk_check_pair(&tls->certificate.pk, &tls->key, mbedtls_ctr_drbg_random,
                               &tls->drbg);
#else
  return mbedtls_pk_check_pair(&tls->certificate.pk, &tls->key);
#endif
}

tern_status tern__mbed_start(tern__tls *tls)
{
  int rc;

#if TERN__MBED3 && defined(MBEDTLS_PSA_CRYPTO_C)
  /* TLS 1.3 computes by PSA, which versions before 3.6.1 do not start by themselves. It is global
   * to the program; starting it twice does nothing. */
  psa_status_t psa = psa_crypto_init();

  if (psa != PSA_SUCCESS)
    return psa == PSA_ERROR_INSUFFICIENT_MEMORY ? TERN_E_NOMEM : TERN_E_RANDOM;
#endif
  rc = mbedtls_ctr_drbg_seed(&tls->drbg, mbedtls_entropy_func, &tls->entropy, NULL, 0);
  if (rc == 0) return TERN_OK;
  return tern__mbed_is_nomem(rc) ? TERN_E_NOMEM : TERN_E_RANDOM;
}

int tern__mbed_is_version_fault(int rc)
{
#if TERN__MBED3
  return rc == MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION || rc == MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE;
#else
  return rc == MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION || rc == MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN;
#endif
}

int tern__mbed_is_again(int rc)
{
  return rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* A ticket is progress, not an error (TLS 1.3; some 3.x report it). lower_read ends a flood. */
int tern__mbed_is_ticket(int rc)
{
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
  return rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
  (void)rc;
  return 0;
#endif
}

int tern__mbed_is_certificate_fault(int rc)
{
#if TERN__MBED3
  return rc == MBEDTLS_ERR_SSL_BAD_CERTIFICATE;
#else
  return rc == MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE;
#endif
}

int tern__mbed_export(mbedtls_ssl_context *ssl, const char *label, uint8_t *out, size_t len)
{
#if TERN__MBED3 && defined(MBEDTLS_SSL_KEYING_MATERIAL_EXPORT) && defined(MBEDTLS_SSL_PROTO_TLS1_3)
  if (mbedtls_ssl_get_version_number(ssl) != MBEDTLS_SSL_VERSION_TLS1_3) return 0;
  return mbedtls_ssl_export_keying_material(ssl, out, len, label, strlen(label), NULL, 0, 0) == 0;
#else
  (void)ssl, (void)label, (void)out, (void)len;
  return 0;
#endif
}

mbedtls_md_type_t tern__mbed_signed_with(const mbedtls_x509_crt *crt)
{
  return crt->TERN__FIELD(sig_md);
}

int tern__mbed_alert(const mbedtls_ssl_context *ssl)
{
  return ssl->TERN__FIELD(in_msg) == NULL ? -1 : ssl->TERN__FIELD(in_msg)[1];
}

int tern__mbed_state(const mbedtls_ssl_context *ssl)
{
  return ssl->TERN__FIELD(state);
}

size_t tern__mbed_unsent(const mbedtls_ssl_context *ssl)
{
  return ssl->TERN__FIELD(out_left);
}
