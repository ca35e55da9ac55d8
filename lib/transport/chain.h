/* chain.h - the certificates that a server presented, as facts that outlive the session. */
#ifndef TERN_LIB_TRANSPORT_CHAIN_H
#define TERN_LIB_TRANSPORT_CHAIN_H

#include <tern/tls.h>

#define TERN__CHAIN_MAX 16u

typedef struct tern__chain_entry {
  const uint8_t *der;
  size_t len;
  const char *subject;
  const char *issuer;
  const char *names; /* one behind the other, each ended by NUL */
  uint32_t name_count;
  uint64_t not_before;
  uint64_t not_after;
  uint8_t spki[32]; /* its SHA-256 */
} tern__chain_entry;

struct tern_tls_chain { /* one block with what it points to */
  const tern_allocator *mem;
  size_t size;
  uint32_t count;
  tern__chain_entry entries[TERN__CHAIN_MAX];
};

/* With mem for its memory; NULL: no memory, or chain is NULL. */
tern_tls_chain *tern__chain_copy(const tern_tls_chain *chain, const tern_allocator *mem);
/* chain may be NULL. */
void tern__chain_free(tern_tls_chain *chain);

#endif
