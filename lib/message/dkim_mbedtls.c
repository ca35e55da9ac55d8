/* dkim_mbedtls.c - RSA keys and rsa-sha256 by Mbed TLS 2.28 or 3.x; host builds only.
 *
 * The one place of the room that knows Mbed TLS. RSASSA-PKCS1-v1_5 (RFC 6376 3.3.3) is deterministic;
 * randomness serves blinding alone. Limits: no keys with a passphrase, no Ed25519, which Mbed TLS
 * does not have. A key's memory is Mbed TLS's own. */
#include "message/dkim_key.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <string.h>

#include "base/mem.h"

struct tern__dkim_key {
  const tern_allocator *mem;
  mbedtls_pk_context pk;
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context random;
};

/* Mbed TLS 3 wants randomness to read a key. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define AND_RANDOM(k) , mbedtls_ctr_drbg_random, &(k)->random
#else
#define AND_RANDOM(k)
#endif

static tern_status make(tern__dkim_key **key, const tern_allocator *mem, const char **problem)
{
  tern__dkim_key *k = tern__alloc(mem, sizeof *k);

  *key = k;
  *problem = NULL;
  if (k == NULL) return TERN_E_NOMEM;
  k->mem = mem;
  mbedtls_pk_init(&k->pk);
  mbedtls_entropy_init(&k->entropy);
  mbedtls_ctr_drbg_init(&k->random);
  if (mbedtls_ctr_drbg_seed(&k->random, mbedtls_entropy_func, &k->entropy, NULL, 0) == 0)
    return TERN_OK;
  tern__dkim_key_free(k);
  *key = NULL;
  return TERN_E_RANDOM;
}

/* What Mbed TLS answered when it read the key, and whether the key is good for DKIM. */
static tern_status judge(tern__dkim_key **key, int answer, const char **problem)
{
  tern__dkim_key *k = *key;

  switch (answer) {
    case 0: break;
    case MBEDTLS_ERR_PK_ALLOC_FAILED:
      tern__dkim_key_free(k);
      *key = NULL;
      return TERN_E_NOMEM;
    case MBEDTLS_ERR_PK_FILE_IO_ERROR: *problem = "the file of the key cannot be read"; break;
    case MBEDTLS_ERR_PK_PASSWORD_REQUIRED:
    case MBEDTLS_ERR_PK_PASSWORD_MISMATCH: *problem = "the key has a passphrase"; break;
    default: *problem = "no private key in PEM or DER"; break;
  }
  if (answer == 0 && mbedtls_pk_get_type(&k->pk) != MBEDTLS_PK_RSA)
    *problem = "the key is no RSA key";
  else if (answer == 0 && mbedtls_pk_get_bitlen(&k->pk) < TERN__DKIM_RSA_LEAST)
    *problem = "the RSA key has less than 1024 bits";
  else if (answer == 0 && mbedtls_pk_get_bitlen(&k->pk) > 8 * TERN__DKIM_SIGNATURE_MAX)
    *problem = "the RSA key has more than 8192 bits";
  if (*problem == NULL) return TERN_OK;
  tern__dkim_key_free(k);
  *key = NULL;
  return TERN_E_CONFIG;
}

tern_status tern__dkim_key_read(tern__dkim_key **key, const tern_allocator *mem, const void *octets,
                                size_t len, const char **problem)
{
  unsigned char *copy = tern__alloc(mem, len + 1); /* PEM must end with NUL, and count it */
  tern_status st;
  int pem, answer;

  if (copy == NULL) {
    *key = NULL;
    return TERN_E_NOMEM;
  }
  memcpy(copy, octets, len);
  st = make(key, mem, problem);
  if (st == TERN_OK) {
    pem = memchr(copy, 0, len) == NULL && strstr((char *)copy, "-----BEGIN") != NULL;
    answer = mbedtls_pk_parse_key(&(*key)->pk, copy, pem ? len + 1 : len, NULL, 0 AND_RANDOM(*key));
    st = judge(key, answer, problem);
  }
  tern__wipe(copy, len + 1);
  tern__free(mem, copy, len + 1);
  return st;
}

tern_status tern__dkim_key_file(tern__dkim_key **key, const tern_allocator *mem, const char *path,
                                const char **problem)
{
  tern_status st = make(key, mem, problem);

  if (st != TERN_OK) return st;
#if defined(MBEDTLS_FS_IO)
  return judge(key, mbedtls_pk_parse_keyfile(&(*key)->pk, path, NULL AND_RANDOM(*key)), problem);
#else
  (void)path;
  tern__dkim_key_free(*key);
  *key = NULL;
  *problem = "this Mbed TLS reads no files";
  return TERN_E_UNSUPPORTED;
#endif
}

void tern__dkim_key_free(tern__dkim_key *k)
{
  const tern_allocator *mem;

  if (k == NULL) return;
  mem = k->mem;
  mbedtls_pk_free(&k->pk);
  mbedtls_ctr_drbg_free(&k->random);
  mbedtls_entropy_free(&k->entropy);
  tern__wipe(k, sizeof *k);
  tern__free(mem, k, sizeof *k);
}

tern_status tern__dkim_key_sign(void *user, const uint8_t *digest, uint8_t *signature, size_t cap,
                                size_t *len)
{
  tern__dkim_key *k = user;
  int answer;

  if (cap < (mbedtls_pk_get_bitlen(&k->pk) + 7) / 8) return TERN_E_BUFFER;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  answer = mbedtls_pk_sign(&k->pk, MBEDTLS_MD_SHA256, digest, 32, signature, cap, len,
                           mbedtls_ctr_drbg_random, &k->random);
#else
  answer = mbedtls_pk_sign(&k->pk, MBEDTLS_MD_SHA256, digest, 32, signature, len,
                           mbedtls_ctr_drbg_random, &k->random);
#endif
  return answer == 0 ? TERN_OK : TERN_E_CONFIG;
}
