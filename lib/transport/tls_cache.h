/* tls_cache.h - sessions of TLS that may be taken up again, as octets under a key. */
#ifndef TERN_LIB_TRANSPORT_TLS_CACHE_H
#define TERN_LIB_TRANSPORT_TLS_CACHE_H

#include <tern/tls.h>

#define TERN__TLS_KEY 32u

typedef struct tern__tls_ticket {
  uint8_t key[TERN__TLS_KEY];
  uint64_t until;  /* the end of the server's certificate, UTC: the decimal number YYYYMMDDhhmmss */
  uint8_t *octets; /* NULL: none */
  size_t len;
} tern__tls_ticket;

/* Hands the ticket over and forgets it, so that none is used twice (RFC 8446 C.4). 0: there is none.
 * Given back with tern__tls_cache_drop. */
int tern__tls_cache_take(tern_tls_cache *cache, const uint8_t key[TERN__TLS_KEY],
                         tern__tls_ticket *ticket);
/* Copies it in, over one with the same key, else over the oldest. One too long, or without memory
 * for it, is not kept. */
void tern__tls_cache_put(tern_tls_cache *cache, const tern__tls_ticket *ticket);
/* Wipes and gives back what take handed over. */
void tern__tls_cache_drop(tern_tls_cache *cache, tern__tls_ticket *ticket);

#endif
