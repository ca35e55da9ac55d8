/* tls_cache.c - tickets of TLS kept between connections, and as octets between runs.
 * Duty: at most so many, the newest; a ticket is used once. What is in one is tls_resume.c's affair.
 * Neighbours: tls_resume.c fills it, client/security.c lends it. Limits: 64 tickets of 16 KiB. */
#include "transport/tls_cache.h"

#include <string.h>

#include "base/mem.h"
#include "base/seal.h"

#define TICKETS_MAX 64u
#define TICKET_MAX 16384u
#define HEAD 8u /* "tern" and the number of the form, before the tickets of a saved cache */
#define ENTRY (TERN__TLS_KEY + 8u + 4u)

static const uint8_t head[HEAD] = {'t', 'e', 'r', 'n', 't', 'l', 's', 2};

struct tern_tls_cache {
  const tern_allocator *mem;
  tern__seal seal;
  size_t count;
  tern__tls_ticket tickets[TICKETS_MAX]; /* oldest first */
};

tern_tls_cache *tern_tls_cache_new(const tern_allocator *mem)
{
  tern_tls_cache *cache = tern__alloc(mem, sizeof *cache);

  if (cache) cache->mem = mem;
  return cache;
}

void tern__tls_cache_drop(tern_tls_cache *cache, tern__tls_ticket *ticket)
{
  if (ticket->octets) tern__wipe(ticket->octets, ticket->len);
  tern__free(cache->mem, ticket->octets, ticket->len);
  memset(ticket, 0, sizeof *ticket);
}

void tern_tls_cache_free(tern_tls_cache *cache)
{
  if (!cache) return;
  tern_tls_cache_clear(cache);
  tern__wipe(&cache->seal, sizeof cache->seal);
  tern__free(cache->mem, cache, sizeof *cache);
}

void tern_tls_cache_clear(tern_tls_cache *cache)
{
  if (!cache) return;
  while (cache->count) tern__tls_cache_drop(cache, &cache->tickets[--cache->count]);
}

uint32_t tern_tls_cache_count(const tern_tls_cache *cache)
{
  return cache ? (uint32_t)cache->count : 0;
}

int tern__tls_cache_take(tern_tls_cache *cache, const uint8_t key[TERN__TLS_KEY],
                         tern__tls_ticket *ticket)
{
  size_t i;

  memset(ticket, 0, sizeof *ticket);
  for (i = 0; i < cache->count && memcmp(cache->tickets[i].key, key, TERN__TLS_KEY) != 0; i++)
    continue;
  if (i == cache->count) return 0;
  *ticket = cache->tickets[i];
  cache->count--;
  memmove(&cache->tickets[i], &cache->tickets[i + 1], (cache->count - i) * sizeof *ticket);
  memset(&cache->tickets[cache->count], 0, sizeof *ticket);
  return 1;
}

void tern__tls_cache_put(tern_tls_cache *cache, const tern__tls_ticket *ticket)
{
  tern__tls_ticket old, copy = *ticket;

  if (!ticket->len || ticket->len > TICKET_MAX) return;
  copy.octets = tern__alloc(cache->mem, ticket->len);
  if (!copy.octets) return;
  memcpy(copy.octets, ticket->octets, ticket->len);
  if (tern__tls_cache_take(cache, ticket->key, &old) ||
      (cache->count == TICKETS_MAX && tern__tls_cache_take(cache, cache->tickets[0].key, &old)))
    tern__tls_cache_drop(cache, &old);
  cache->tickets[cache->count++] = copy;
}

/* ---- as octets --------------------------------------------------------------------------------*/

static void put_number(uint8_t *out, uint64_t number, size_t octets)
{
  while (octets--) {
    out[octets] = (uint8_t)(number & 0xff);
    number >>= 8;
  }
}

static uint64_t number_at(const uint8_t *in, size_t octets)
{
  uint64_t number = 0;

  while (octets--) number = number << 8 | *in++;
  return number;
}

tern_status tern_tls_cache_set_secret(tern_tls_cache *cache, const void *secret, size_t len)
{
  if (!cache) return TERN_E_NOMEM;
  if (len && !secret) return TERN_E_ARGUMENT;
  tern__seal_set(&cache->seal, secret, len);
  return TERN_OK;
}

size_t tern_tls_cache_save(const tern_tls_cache *cache, uint8_t *out, size_t cap)
{
  uint8_t *first = out;
  size_t i, size = HEAD + TERN__SEAL;

  if (!cache) return 0;
  for (i = 0; i < cache->count; i++) size += ENTRY + cache->tickets[i].len;
  if (!out || cap < size) return size;
  memcpy(out, head, HEAD);
  out += HEAD;
  for (i = 0; i < cache->count; i++) {
    const tern__tls_ticket *t = &cache->tickets[i];

    memcpy(out, t->key, TERN__TLS_KEY);
    put_number(out + TERN__TLS_KEY, t->until, 8);
    put_number(out + TERN__TLS_KEY + 8, t->len, 4);
    memcpy(out + ENTRY, t->octets, t->len);
    out += ENTRY + t->len;
  }
  tern__seal_make(&cache->seal, first, size - TERN__SEAL, out);
  return size;
}

/* Takes one entry off *in into *ticket, octets borrowed; 0: it is none. */
static int read_entry(const uint8_t **in, size_t *len, uint8_t *room, tern__tls_ticket *ticket)
{
  uint64_t size;

  if (*len < ENTRY) return 0;
  memcpy(ticket->key, *in, TERN__TLS_KEY);
  ticket->until = number_at(*in + TERN__TLS_KEY, 8);
  size = number_at(*in + TERN__TLS_KEY + 8, 4);
  *in += ENTRY;
  *len -= ENTRY;
  if (size == 0 || size > TICKET_MAX || size > *len) return 0;
  ticket->len = (size_t)size;
  ticket->octets = room;
  if (room) memcpy(room, *in, ticket->len);
  *in += ticket->len;
  *len -= ticket->len;
  return 1;
}

tern_status tern_tls_cache_load(tern_tls_cache *cache, const uint8_t *octets, size_t len)
{
  tern__tls_ticket ticket;
  const uint8_t *in;
  uint8_t *room;
  size_t left;

  if (!cache) return TERN_E_NOMEM;
  if (!octets || len < HEAD + TERN__SEAL || memcmp(octets, head, HEAD) != 0 ||
      !tern__seal_holds(&cache->seal, octets, len))
    return TERN_E_CONFIG;
  len -= TERN__SEAL;
  memset(&ticket, 0, sizeof ticket);
  in = octets + HEAD;
  for (left = len - HEAD; left;)
    if (!read_entry(&in, &left, NULL, &ticket)) return TERN_E_CONFIG; /* then nothing is taken */
  room = tern__alloc(cache->mem, TICKET_MAX);
  if (!room) return TERN_E_NOMEM;
  in = octets + HEAD;
  for (left = len - HEAD; left && read_entry(&in, &left, room, &ticket);)
    tern__tls_cache_put(cache, &ticket);
  tern__wipe(room, TICKET_MAX);
  tern__free(cache->mem, room, TICKET_MAX);
  return TERN_OK;
}
