/* sts_cache.c - keeps MTA-STS policies, in memory and in one file (RFC 8461 section 3.3).
 *
 * The file is text: a first line with its version, then for each domain a line "DOMAIN ID EXPIRES
 * LENGTH" and LENGTH octets of policy with a line end. It is written beside and renamed over, so that
 * another process reads the old or the new one. Limit: two processes that share a file each write what
 * they know; the last one wins, and a policy lost so is fetched again. */
#include "delivery/sts_cache.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/mem.h"

#define HEAD "tern-sts 1\n"
#define FILE_MAX (64u * 1024u * 1024u)

struct tern__sts_entry {
  tern__sts_entry *next;
  size_t size; /* of the whole block */
  uint64_t expires;
  size_t len;
  char *policy;
  char id[TERN__STS_ID_MAX];
  char domain[256];
};

static tern__sts_entry **find(tern__sts_cache *cache, const char *domain)
{
  tern__sts_entry **at = &cache->entries;

  while (*at && strcmp((*at)->domain, domain) != 0) at = &(*at)->next;
  return at;
}

static void drop(tern__sts_cache *cache, tern__sts_entry **at)
{
  tern__sts_entry *e = *at;

  if (!e) return;
  *at = e->next;
  cache->count--;
  tern__free(cache->mem, e, e->size);
}

static void make_room(tern__sts_cache *cache)
{
  tern__sts_entry **at, **soonest = &cache->entries;

  if (cache->count < TERN__STS_CACHE_MAX) return;
  for (at = &cache->entries; *at; at = &(*at)->next)
    if ((*at)->expires < (*soonest)->expires) soonest = at;
  drop(cache, soonest);
}

static tern_status keep(tern__sts_cache *cache, const char *domain, const tern_sts_policy *p)
{
  size_t size = sizeof (tern__sts_entry) + p->len + 1;
  tern__sts_entry *e;

  if (strlen(domain) >= sizeof e->domain || strlen(p->id) >= TERN__STS_ID_MAX ||
      p->len > TERN__STS_POLICY_MAX)
    return TERN_E_ARGUMENT;
  e = tern__alloc(cache->mem, size);
  if (!e) return TERN_E_NOMEM;
  e->size = size;
  e->expires = p->expires;
  e->len = p->len;
  e->policy = (char *)(e + 1);
  if (p->len) memcpy(e->policy, p->policy, p->len);
  memcpy(e->id, p->id, strlen(p->id) + 1);
  memcpy(e->domain, domain, strlen(domain) + 1);
  drop(cache, find(cache, domain));
  make_room(cache);
  e->next = cache->entries;
  cache->entries = e;
  cache->count++;
  return TERN_OK;
}

tern_status tern__sts_cache_get(void *user, const char *domain, tern_sts_policy *out)
{
  tern__sts_entry *e = *find(user, domain);

  if (!e) return TERN_E_STATE;
  out->id = e->id;
  out->expires = e->expires;
  out->policy = e->policy;
  out->len = e->len;
  return TERN_OK;
}

/* ---- the file ------------------------------------------------------------------------------------*/
static int write_all(const tern__sts_cache *cache, FILE *file)
{
  const tern__sts_entry *e;

  if (fputs(HEAD, file) < 0) return 0;
  for (e = cache->entries; e; e = e->next)
    if (fprintf(file, "%s %s %llu %lu\n", e->domain, e->id, (unsigned long long)e->expires,
                (unsigned long)e->len) < 0 ||
        fwrite(e->policy, 1, e->len, file) != e->len || fputc('\n', file) < 0)
      return 0;
  return 1;
}

static tern_status save(const tern__sts_cache *cache)
{
  size_t len = strlen(cache->path);
  char *beside = tern__alloc(cache->mem, len + 5);
  FILE *file;
  int good;

  if (!beside) return TERN_E_NOMEM;
  memcpy(beside, cache->path, len);
  memcpy(beside + len, ".new", 5);
  file = fopen(beside, "wb");
  good = file && write_all(cache, file);
  if (file && fclose(file) != 0) good = 0;
  if (good && rename(beside, cache->path) != 0) good = 0;
  if (!good && file) (void)remove(beside);
  tern__free(cache->mem, beside, len + 5);
  return good ? TERN_OK : TERN_E_IO;
}

tern_status tern__sts_cache_put(void *user, const char *domain, const tern_sts_policy *policy)
{
  tern__sts_cache *cache = user;
  tern_status st = keep(cache, domain, policy);

  return st == TERN_OK && cache->path ? save(cache) : st;
}

/* The word at *text up to the octet stop, copied with its NUL; 0: none, or it does not fit. */
static int word(const char **text, const char *end, char stop, char *out, size_t cap)
{
  const char *to = memchr(*text, stop, (size_t)(end - *text));
  size_t len = to ? (size_t)(to - *text) : 0, i;

  if (!to || !len || len >= cap) return 0;
  for (i = 0; i < len; i++)
    if ((uint8_t)(*text)[i] <= 0x20 || (uint8_t)(*text)[i] > 0x7e) return 0;
  memcpy(out, *text, len);
  out[len] = 0;
  *text = to + 1;
  return 1;
}

static int number(const char **text, const char *end, char stop, uint64_t *value)
{
  char digits[20];
  size_t i;

  *value = 0;
  if (!word(text, end, stop, digits, sizeof digits)) return 0;
  for (i = 0; digits[i]; i++) {
    if (!tern__is_digit((uint8_t)digits[i])) return 0;
    *value = *value * 10 + (uint64_t)(digits[i] - '0');
  }
  return 1;
}

tern_status tern__sts_cache_read(tern__sts_cache *cache, const char *text, size_t len)
{
  const char *end = text + len;
  char domain[256], id[TERN__STS_ID_MAX];
  tern_sts_policy p;
  uint64_t size;
  tern_status st;

  if (len < sizeof HEAD - 1 || memcmp(text, HEAD, sizeof HEAD - 1) != 0) return TERN_E_CONFIG;
  text += sizeof HEAD - 1;
  while (text < end) {
    if (!word(&text, end, ' ', domain, sizeof domain) || !word(&text, end, ' ', id, sizeof id) ||
        !number(&text, end, ' ', &p.expires) || !number(&text, end, '\n', &size) ||
        size > TERN__STS_POLICY_MAX || size >= (uint64_t)(end - text) || text[size] != '\n')
      return TERN_E_CONFIG;
    p.id = id;
    p.policy = text;
    p.len = (size_t)size;
    st = keep(cache, domain, &p);
    if (st != TERN_OK) return st;
    text += size + 1;
  }
  return TERN_OK;
}

/* The octets of a file, ended by nothing; NULL with *len 0: there is none. */
static tern_status slurp(tern__sts_cache *cache, FILE *file, char **text, size_t *len)
{
  long size;

  if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0 ||
      (unsigned long)size > FILE_MAX)
    return TERN_E_CONFIG;
  *len = (size_t)size;
  *text = tern__alloc(cache->mem, *len + 1);
  if (!*text) return TERN_E_NOMEM;
  return fread(*text, 1, *len, file) == *len ? TERN_OK : TERN_E_CONFIG;
}

tern_status tern__sts_cache_file(tern__sts_cache *cache, const char *path)
{
  char *copy = tern__copy_string(cache->mem, path), *text = NULL;
  size_t len = 0;
  FILE *file;
  tern_status st = TERN_OK;

  if (!copy) return TERN_E_NOMEM;
  file = fopen(path, "rb");
  if (file) {
    st = slurp(cache, file, &text, &len);
    if (st == TERN_OK && len) st = tern__sts_cache_read(cache, text, len);
    if (text) tern__free(cache->mem, text, len + 1);
    fclose(file);
  }
  if (st != TERN_OK) {
    tern__free_string(cache->mem, copy);
    return st;
  }
  tern__free_string(cache->mem, cache->path);
  cache->path = copy;
  return TERN_OK;
}

void tern__sts_cache_free(tern__sts_cache *cache)
{
  while (cache->entries) drop(cache, &cache->entries);
  tern__free_string(cache->mem, cache->path);
  cache->path = NULL;
}
