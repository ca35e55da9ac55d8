/* tls_trust.c - the authorities that are trusted: a file, a folder, memory, or the host's store.
 * Neighbours: tls_files.c reads them, tls_session.c gives them to Mbed TLS. */
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "transport/tls_mbedtls.h"

uint32_t tern_tls_trust_count(const tern_tls_trust *trust)
{
  const mbedtls_x509_crt *crt;
  uint32_t count = 0;

  for (crt = trust == NULL ? NULL : &trust->chain; crt != NULL; crt = crt->next)
    count += crt->version != 0;
  return count;
}

static tern_status trust_path(tern__trust *trust, const char *path, char *detail, size_t cap)
{
  char number[16];
  const char *why = "no certificate in PEM or DER form in it";
  tern__pem f;
  tern_status status = tern__pem_read(trust->mem, path, &f, &why, number, sizeof number);

  if (status == TERN_OK) {
    status = tern__pem_certificates(&trust->chain, &f);
    tern__pem_free(&f);
  } else if (status == TERN_E_CONFIG && f.error == EISDIR) {
#if defined(MBEDTLS_FS_IO)
    uint32_t before = tern_tls_trust_count(trust);
    int rc = mbedtls_x509_crt_parse_path(&trust->chain, path);

    why = "no certificate in PEM or DER form in this folder";
    status = tern__mbed_is_nomem(rc)                  ? TERN_E_NOMEM
             : tern_tls_trust_count(trust) == before ? TERN_E_CONFIG
                                                      : TERN_OK;
#endif
  }
  if (status == TERN_E_CONFIG) tern__tls_print(detail, cap, "%s: %s", path, why);
  return status;
}

static tern_status trust_pem(tern__trust *trust, const char *pem, char *detail, size_t cap)
{
  int rc = mbedtls_x509_crt_parse(&trust->chain, (const unsigned char *)pem, strlen(pem) + 1);

  if (tern__mbed_is_nomem(rc)) return TERN_E_NOMEM;
  if (rc >= 0 && trust->chain.version != 0) return TERN_OK;
  tern__tls_print(detail, cap, "the trusted certificates in memory: no certificate in PEM form");
  return TERN_E_CONFIG;
}

/* Where hosts keep their authorities: Debian and kin, Red Hat and kin, BSD and macOS, a folder. */
static tern_status trust_system(tern__trust *trust, char *detail, size_t cap)
{
  static const char *const stores[] = {"/etc/ssl/certs/ca-certificates.crt",
                                       "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
                                       "/etc/ssl/certs"};
  size_t i;

  for (i = 0; i < sizeof stores / sizeof *stores; i++) {
    tern_status status = trust_path(trust, stores[i], NULL, 0);

    if (status != TERN_E_CONFIG) return status;
  }
  tern__tls_print(detail, cap,
                  "no trusted authorities at %s and three other places: install the package "
                  "ca-certificates, or name a CA file",
                  stores[0]);
  return TERN_E_TLS_NO_TRUST;
}

tern_status tern__trust_new(const tern_allocator *mem, const char *path, const char *pem,
                            tern__trust **trust, char *detail, size_t cap)
{
  tern_status status;
  tern__trust *t = tern__alloc(mem, sizeof *t);

  *trust = NULL;
  if (cap > 0) detail[0] = 0;
  if (t == NULL) return TERN_E_NOMEM;
  t->mem = mem;
  mbedtls_x509_crt_init(&t->chain);
  if (pem != NULL)
    status = trust_pem(t, pem, detail, cap);
  else if (path != NULL)
    status = trust_path(t, path, detail, cap);
  else
    status = trust_system(t, detail, cap);
  if (status != TERN_OK)
    tern__trust_free(t);
  else
    *trust = t;
  return status;
}

void tern__trust_free(tern__trust *trust)
{
  if (trust == NULL) return;
  mbedtls_x509_crt_free(&trust->chain);
  tern__free(trust->mem, trust, sizeof *trust);
}

const uint8_t *tern__trust_digest(tern__trust *trust)
{
  const mbedtls_x509_crt *crt;
  tern__hash hash;

  if (trust->digested) return trust->digest;
  tern__hash_begin(&hash, TERN__SHA256);
  for (crt = &trust->chain; crt != NULL; crt = crt->next)
    tern__hash_add(&hash, crt->raw.p, crt->raw.len); /* DER tells its own length */
  tern__hash_end(&hash, trust->digest);
  trust->digested = 1;
  return trust->digest;
}

/* ---- the caller's -----------------------------------------------------------------------------*/

tern_tls_trust *tern_tls_trust_new(const tern_allocator *mem)
{
  tern_tls_trust *trust = tern__alloc(mem, sizeof *trust);

  if (trust == NULL) return NULL;
  trust->mem = mem;
  trust->shared = 1;
  mbedtls_x509_crt_init(&trust->chain);
  return trust;
}

void tern_tls_trust_free(tern_tls_trust *trust)
{
  tern__trust_free(trust);
}

tern_status tern_tls_trust_add(tern_tls_trust *trust, const char *path)
{
  if (trust == NULL) return TERN_E_NOMEM;
  trust->detail[0] = 0;
  trust->digested = 0;
  return path != NULL ? trust_path(trust, path, trust->detail, sizeof trust->detail)
                      : trust_system(trust, trust->detail, sizeof trust->detail);
}

tern_status tern_tls_trust_add_pem(tern_tls_trust *trust, const char *pem)
{
  if (trust == NULL) return TERN_E_NOMEM;
  trust->detail[0] = 0;
  trust->digested = 0;
  return pem == NULL ? TERN_E_ARGUMENT
                     : trust_pem(trust, pem, trust->detail, sizeof trust->detail);
}

const char *tern_tls_trust_text(const tern_tls_trust *trust)
{
  return trust == NULL ? "" : trust->detail;
}
