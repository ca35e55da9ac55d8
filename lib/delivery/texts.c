/* texts.c - a pool of strings for reports and routes.
 *
 * Many recipients get the same reply from the same host, so a text that was kept a moment ago is
 * found again and shared. Neighbours: report.c, state.c, hop.c own one each. Limit: what is not
 * recent is kept twice; nothing is given back before all is. */
#include "delivery/texts.h"

#include <string.h>

#include "base/mem.h"

#define CHUNK 1024u

struct tern__texts_chunk {
  tern__texts_chunk *next;
  size_t size; /* of the octets behind this head */
  size_t used;
};

/* FNV-1a: spreads, no more is asked of it. */
static uint32_t hash(const char *text, size_t len)
{
  uint32_t h = 2166136261u;
  size_t i;

  for (i = 0; i < len; i++) h = (h ^ (uint8_t)text[i]) * 16777619u;
  return h;
}

static char *room(tern__texts *texts, size_t len)
{
  tern__texts_chunk *c = texts->chunks;
  char *at;

  if (!c || c->size - c->used < len) {
    size_t size = len > CHUNK / 4 ? len : CHUNK;
    if (size > SIZE_MAX - sizeof *c) return NULL;
    c = tern__alloc(texts->mem, sizeof *c + size);
    if (!c) return NULL;
    c->size = size;
    c->next = texts->chunks;
    texts->chunks = c;
  }
  at = (char *)(c + 1) + c->used;
  c->used += len;
  return at;
}

const char *tern__texts_keep(tern__texts *texts, const char *text, size_t len)
{
  const char **recent;
  char *copy;

  if (!text || !len) return "";
  recent = &texts->recent[hash(text, len) % TERN__TEXTS_RECENT];
  if (*recent && strlen(*recent) == len && !memcmp(*recent, text, len)) return *recent;
  if (len == SIZE_MAX) return NULL;
  copy = room(texts, len + 1);
  if (!copy) return NULL;
  memcpy(copy, text, len);
  copy[len] = 0;
  *recent = copy;
  return copy;
}

const char *tern__texts_copy(tern__texts *texts, const char *text)
{
  return tern__texts_keep(texts, text, text ? strlen(text) : 0);
}

void tern__texts_free(tern__texts *texts)
{
  while (texts->chunks) {
    tern__texts_chunk *c = texts->chunks;
    texts->chunks = c->next;
    tern__free(texts->mem, c, sizeof *c + c->size);
  }
  memset(texts->recent, 0, sizeof texts->recent);
}
