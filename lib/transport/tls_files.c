/* tls_files.c - certificates and keys as files, in PEM or DER form.
 * Duty: a file is read whole and bounded, nothing of a key stays in memory, what cannot be used has
 * a field and a line. Neighbours: tls_trust.c reads authorities by it, tls_session.c the client's
 * own. Limits: no passphrases for keys. */
#include <errno.h>
#include <mbedtls/pem.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "transport/tls_mbedtls.h"
#include "base/words.h"

#define FILE_LIMIT 0x1000000u /* octets */

void tern__pem_free(tern__pem *f)
{
  if (f->octets != NULL) tern__wipe(f->octets, f->cap); /* may be a key */
  tern__free(f->mem, f->octets, f->cap);
  f->octets = NULL;
}

static int file_grow(tern__pem *f)
{
  size_t cap = f->cap == 0 ? 8192 : 2 * f->cap;
  uint8_t *octets = tern__alloc(f->mem, cap);
  size_t len = f->len;

  if (octets == NULL) return 0;
  if (len > 0) memcpy(octets, f->octets, len);
  tern__pem_free(f);
  f->octets = octets;
  f->cap = cap;
  return 1;
}

/* Reads it whole, from a pipe too. TERN_OK, TERN_E_NOMEM, or TERN_E_CONFIG with *why. */
tern_status tern__pem_read(const tern_allocator *mem, const char *path, tern__pem *f,
                           const char **why, char *number, size_t cap)
{
  tern_status status = TERN_OK;
  FILE *stream;

  memset(f, 0, sizeof *f);
  f->mem = mem;
  stream = fopen(path, "rb");
  if (stream == NULL) {
    f->error = errno;
    *why = tern__words_errno(f->error, number, cap);
    return TERN_E_CONFIG;
  }
  (void)setvbuf(stream, NULL, _IONBF, 0); /* no copy of a key stays in a buffer of libc */
  while (status == TERN_OK && !feof(stream)) {
    if (f->len + 1 >= f->cap && !file_grow(f)) {
      status = TERN_E_NOMEM;
      break;
    }
    f->len += fread(f->octets + f->len, 1, f->cap - 1 - f->len, stream);
    if (ferror(stream)) {
      f->error = errno;
      *why = tern__words_errno(f->error, number, cap);
      status = TERN_E_CONFIG;
    } else if (f->len > FILE_LIMIT) {
      *why = "too large";
      status = TERN_E_CONFIG;
    }
  }
  (void)fclose(stream);
  if (status != TERN_OK) {
    tern__pem_free(f);
    return status;
  }
  f->octets[f->len++] = 0;
  return TERN_OK;
}

/* Certificates or keys: Mbed TLS takes PEM with its NUL, DER without. */
static int is_pem(const tern__pem *f)
{
  return f->len > 11 && strstr((const char *)f->octets, "-----BEGIN ") != NULL;
}

/* Parses what a file holds. Some of a bundle may be of kinds unknown to Mbed TLS: one is enough. */
tern_status tern__pem_certificates(mbedtls_x509_crt *chain, const tern__pem *f)
{
  int rc = mbedtls_x509_crt_parse(chain, f->octets, is_pem(f) ? f->len : f->len - 1);

  if (tern__mbed_is_nomem(rc)) return TERN_E_NOMEM;
  return rc < 0 || chain->version == 0 ? TERN_E_CONFIG : TERN_OK;
}

static tern_status config_fault(tern__tls *tls, uint32_t field, const char *path, const char *why)
{
  tls->field = field;
  tern__tls_say(tls, "%s: %s", path, why);
  return TERN_E_CONFIG;
}

static tern_status load_key(tern__tls *tls, const char *path)
{
  char number[16];
  const char *why = "";
  tern__pem f;
  int rc;
  tern_status status = tern__pem_read(tls->mem, path, &f, &why, number, sizeof number);

  if (status == TERN_E_CONFIG) return config_fault(tls, TERN_FIELD_KEY, path, why);
  if (status != TERN_OK) return status;
  rc = tern__mbed_parse_key(tls, f.octets, is_pem(&f) ? f.len : f.len - 1);
  tern__pem_free(&f);
  if (tern__mbed_is_nomem(rc)) return TERN_E_NOMEM;
  if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || rc == MBEDTLS_ERR_PEM_PASSWORD_REQUIRED)
    return config_fault(tls, TERN_FIELD_KEY, path, "the key is locked by a passphrase");
  if (rc != 0)
    return config_fault(tls, TERN_FIELD_KEY, path, "no private key in PEM or DER form in it");
  rc = tern__mbed_key_fits(tls);
  if (tern__mbed_is_nomem(rc)) return TERN_E_NOMEM;
  if (rc != 0)
    return config_fault(tls, TERN_FIELD_KEY, path, "the key is not that of the certificate");
  return TERN_OK;
}

tern_status tern__tls_load_certificate(tern__tls *tls, const tern__tls_config *config)
{
  char number[16];
  const char *why = "", *path = config->certificate;
  tern__pem f;
  int rc;
  tern_status status;

  if (path == NULL)
    return config->key == NULL ? TERN_OK
                               : config_fault(tls, TERN_FIELD_CERTIFICATE, config->key,
                                              "a key without a certificate cannot be used");
  status = tern__pem_read(tls->mem, path, &f, &why, number, sizeof number);
  if (status == TERN_E_CONFIG) return config_fault(tls, TERN_FIELD_CERTIFICATE, path, why);
  if (status != TERN_OK) return status;
  status = tern__pem_certificates(&tls->certificate, &f);
  tern__pem_free(&f);
  if (status == TERN_E_CONFIG)
    return config_fault(tls, TERN_FIELD_CERTIFICATE, path,
                        "no certificate in PEM or DER form in it");
  if (status == TERN_OK) status = load_key(tls, config->key != NULL ? config->key : path);
  if (status != TERN_OK) return status;
  rc = mbedtls_ssl_conf_own_cert(&tls->conf, &tls->certificate, &tls->key);
  return rc == 0 ? TERN_OK : TERN_E_NOMEM;
}
