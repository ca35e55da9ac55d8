/* tls_binding.c - what binds an authentication to this TLS session (RFC 5056).
 * Duty: under TLS 1.3 the exporter (RFC 9266), where this Mbed TLS has one; else the digest of the
 * server's certificate (RFC 5929 4). TLS 1.2's exporter is not used: without an extended master
 * secret it does not bind (RFC 9266 4.2). Neighbours: the client hands it to SASL. */
#include <mbedtls/md.h>
#include <string.h>

#include "transport/tls_mbedtls.h"

/* RFC 5929 4.1: the hash of the certificate's signature, but SHA-256 for MD5 and SHA-1. */
static size_t end_point(const tern__tls *tls, uint8_t *out)
{
  const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&tls->ssl);
  const mbedtls_md_info_t *md;
  mbedtls_md_type_t type;

  if (crt == NULL) return 0;
  type = tern__mbed_signed_with(crt);
  if (type == MBEDTLS_MD_MD5 || type == MBEDTLS_MD_SHA1) type = MBEDTLS_MD_SHA256;
  md = mbedtls_md_info_from_type(type);
  if (md == NULL || mbedtls_md_get_size(md) > TERN__TLS_BINDING_MAX) return 0;
  return mbedtls_md(md, crt->raw.p, crt->raw.len, out) == 0 ? mbedtls_md_get_size(md) : 0;
}

size_t tern__tls_binding(tern__tls *tls, const char **type, uint8_t out[TERN__TLS_BINDING_MAX])
{
  size_t len;

  *type = NULL;
  if (tls == NULL || tls->ended != TERN_OK) return 0;
  len = tern__mbed_export(&tls->ssl, "EXPORTER-Channel-Binding", out, 32) ? 32 : 0;
  *type = "tls-exporter";
  if (len == 0) {
    len = end_point(tls, out);
    *type = "tls-server-end-point";
  }
  if (len == 0) *type = NULL;
  return len;
}
