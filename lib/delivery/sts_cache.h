/* sts_cache.h - MTA-STS policies kept for their max_age: in memory, and in one file where asked. */
#ifndef TERN_LIB_DELIVERY_STS_CACHE_H
#define TERN_LIB_DELIVERY_STS_CACHE_H

#include <tern/delivery.h>

#include "delivery/sts.h"

#define TERN__STS_CACHE_MAX 4096u /* domains; beyond, the one that expires first makes room */

typedef struct tern__sts_entry tern__sts_entry;

typedef struct tern__sts_cache {
  const tern_allocator *mem;
  tern__sts_entry *entries;
  size_t count;
  char *path; /* NULL: memory alone */
} tern__sts_cache;

/* The two functions of tern_sts_cache; user is a tern__sts_cache. */
tern_status tern__sts_cache_get(void *user, const char *domain, tern_sts_policy *out);
tern_status tern__sts_cache_put(void *user, const char *domain, const tern_sts_policy *policy);
/* Reads path, which may be absent, and writes it anew after each put. TERN_E_CONFIG: it is there and
 * cannot be read, or is none of ours; TERN_E_NOMEM. */
tern_status tern__sts_cache_file(tern__sts_cache *cache, const char *path);
/* Reads len octets as such a file has them; what is malformed ends the reading. TERN_OK, TERN_E_CONFIG
 * (nothing of it is kept that stood behind the fault), TERN_E_NOMEM. */
tern_status tern__sts_cache_read(tern__sts_cache *cache, const char *text, size_t len);
void tern__sts_cache_free(tern__sts_cache *cache);

#endif
