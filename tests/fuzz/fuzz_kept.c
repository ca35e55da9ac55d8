/* fuzz_kept.c - octets that a caller kept: of a cache of TLS sessions (first octet even) and of a
 * client's memory (odd), as they are, or with the digest that they ought to have. What is taken is
 * bounded, and comes out again as it went in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tern/client.h>

#include "base/seal.h"
#include "client/client.h"

#define SERVER "smtp://mx.example.test"
#define MOST (2u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void cache(const uint8_t *octets, size_t len)
{
  tern_tls_cache *a = tern_tls_cache_new(NULL), *b = tern_tls_cache_new(NULL);
  tern_status st = tern_tls_cache_load(a, octets, len);
  uint8_t *out = NULL;
  size_t need;

  if (st != TERN_OK && st != TERN_E_CONFIG) abort();
  if (st != TERN_OK && tern_tls_cache_count(a) != 0) abort();
  need = tern_tls_cache_save(a, NULL, 0);
  if (tern_tls_cache_count(a) > 64 || need > MOST) abort();
  out = malloc(need);
  if (tern_tls_cache_save(a, out, need) != need || tern_tls_cache_load(b, out, need) != TERN_OK ||
      tern_tls_cache_count(a) != tern_tls_cache_count(b))
    abort();
  free(out);
  tern_tls_cache_free(a);
  tern_tls_cache_free(b);
}

static void memory(tern_client *c, const uint8_t *octets, size_t len)
{
  uint8_t *out;
  size_t need;
  tern_status st = tern_client_memory_load(c, SERVER, octets, len);

  if (st != TERN_OK && st != TERN_E_CONFIG) abort();
  need = tern_client_memory_save(c, NULL, 0);
  if (need > 24576 || (st != TERN_OK && need != 0)) abort();
  if (strlen(c->memory->mechanism) > TERN__MEMORY_NAME) abort();
  if (need == 0) return;
  out = malloc(need);
  if (tern_client_memory_save(c, out, need) != need ||
      tern_client_memory_load(c, SERVER, out, need) != TERN_OK ||
      tern_client_memory_save(c, NULL, 0) != need)
    abort();
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const tern__seal plain = {{0}, 0};
  tern_client *c = tern_client_new(NULL);
  size_t len = size == 0 ? 0 : size - 1;
  uint8_t *copy;
  int of_client = size > 0 && (data[0] & 1), sealed = size > 0 && (data[0] & 2);

  if (len > MOST) len = MOST;
  copy = malloc(len + TERN__SEAL);
  if (c == NULL || copy == NULL) abort();
  if (len > 0) memcpy(copy, data + 1, len);
  (void)tern_client_memory_load(c, SERVER, NULL, 0);
  if (sealed && of_client && len >= 8 + TERN__MEMORY_KEY)
    memcpy(copy + 8, c->memory->key, TERN__MEMORY_KEY);
  if (sealed) {
    tern__seal_make(&plain, copy, len, copy + len);
    len += TERN__SEAL;
  }
  if (of_client)
    memory(c, copy, len);
  else
    cache(copy, len);
  tern_client_free(c);
  free(copy);
  return 0;
}
