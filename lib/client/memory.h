/* memory.h - what a client learned of a server, to be given back at the next connect. */
#ifndef TERN_LIB_CLIENT_MEMORY_H
#define TERN_LIB_CLIENT_MEMORY_H

#include <tern/client.h>

#include "base/seal.h"

#define TERN__MEMORY_KEY 32u
#define TERN__MEMORY_NAME 20u /* of a mechanism, RFC 4422 3.1 */
#define TERN__MEMORY_TABLE 33u

typedef struct tern__memory {
  uint8_t on;                         /* load was called: not only a secret is there */
  uint8_t key[TERN__MEMORY_KEY];      /* of the server that the rest is about */
  uint32_t quirks;                    /* TERN_QUIRK_... */
  char mechanism[TERN__MEMORY_NAME + 1]; /* that succeeded, or "" */
  tern__seal seal;
  tern_tls_cache *tickets;            /* at most one; NULL: the caller has a cache of its own */
  const tern_mechanism *table[TERN__MEMORY_TABLE];
} tern__memory;

/* m may be NULL in all of these. */
void tern__memory_free(tern__memory *m, const tern_allocator *mem);
/* Before a connection: what is known of another server is forgotten. */
void tern__memory_turn(tern_client *c);
/* The table of mechanisms to use, with the one that worked put forward where that weakens nothing;
 * tls: the session will be protected by it. */
const tern_mechanism *const *tern__memory_mechanisms(tern__memory *m,
                                                     const tern_mechanism *const *table, int tls);
/* The capabilities that a quirk spoils, but for those that the caller requires. */
uint32_t tern__memory_never(const tern__memory *m, uint32_t required);
/* Where tickets of TLS are kept, or NULL. */
tern_tls_cache *tern__memory_tickets(const tern__memory *m);
/* From the session that c has, or had. */
void tern__memory_learn(tern_client *c);

#endif
