/* fuzz_sts.c - any octets as an MTA-STS record, as a policy, and as the file of the cache: refused, or
 * what is read lies inside the input and within its bounds, and a written cache reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/sts_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_policy(const char *text, size_t len)
{
  tern__sts_policy p;
  size_t i;

  if (tern__sts_read_policy(text, len, &p) != TERN_OK) return;
  if (p.mode > TERN__STS_ENFORCE || p.max_age > TERN__STS_AGE_MAX) abort();
  if (p.mode != TERN__STS_NONE && !p.count) abort();
  for (i = 0; i < p.count; i++) {
    const char *at = (const char *)p.mx[i].octets;
    if (at < text || p.mx[i].len > len || at + p.mx[i].len > text + len) abort();
  }
  (void)tern__sts_covers(&p, "mail.example.com");
}

static void try_cache(const char *text, size_t len)
{
  tern__sts_cache cache;

  memset(&cache, 0, sizeof cache);
  (void)tern__sts_cache_read(&cache, text, len);
  if (cache.count > TERN__STS_CACHE_MAX) abort();
  tern__sts_cache_free(&cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char id[TERN__STS_ID_MAX];
  char *text = malloc(size ? size : 1);

  if (!text) return 0;
  if (size) memcpy(text, data, size);
  if (tern__sts_read_record(text, size, id) == TERN_OK && (!id[0] || strlen(id) > 32)) abort();
  try_policy(text, size);
  try_cache(text, size);
  free(text);
  return 0;
}
