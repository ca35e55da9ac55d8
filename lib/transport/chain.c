/* chain.c - the getters of a server's certificates. Neighbours: tls_chain.c makes them of what Mbed
 * TLS read; the client keeps them. */
#include "transport/chain.h"

#include <string.h>

#include "base/mem.h"

void tern__chain_free(tern_tls_chain *chain)
{
  if (chain) tern__free(chain->mem, chain, chain->size);
}

tern_tls_chain *tern__chain_copy(const tern_tls_chain *chain, const tern_allocator *mem)
{
  tern_tls_chain *copy = chain ? tern__alloc(mem, chain->size) : NULL;
  uint32_t i;

  if (!copy) return NULL;
  memcpy(copy, chain, chain->size);
  copy->mem = mem;
  for (i = 0; i < copy->count; i++) { /* they lie in the block itself, as far from its beginning as before */
    tern__chain_entry *e = &copy->entries[i];

    e->der = (const uint8_t *)copy + (e->der - (const uint8_t *)chain);
    e->subject = (const char *)copy + (e->subject - (const char *)chain);
    e->issuer = (const char *)copy + (e->issuer - (const char *)chain);
    e->names = (const char *)copy + (e->names - (const char *)chain);
  }
  return copy;
}

static const tern__chain_entry *entry(const tern_tls_chain *chain, uint32_t index)
{
  return chain && index < chain->count ? &chain->entries[index] : NULL;
}

uint32_t tern_tls_chain_count(const tern_tls_chain *chain)
{
  return chain ? chain->count : 0;
}

const uint8_t *tern_tls_chain_der(const tern_tls_chain *chain, uint32_t index, size_t *len)
{
  const tern__chain_entry *e = entry(chain, index);

  if (len) *len = e ? e->len : 0;
  return e ? e->der : NULL;
}

const char *tern_tls_chain_subject(const tern_tls_chain *chain, uint32_t index)
{
  const tern__chain_entry *e = entry(chain, index);

  return e ? e->subject : "";
}

const char *tern_tls_chain_issuer(const tern_tls_chain *chain, uint32_t index)
{
  const tern__chain_entry *e = entry(chain, index);

  return e ? e->issuer : "";
}

const char *tern_tls_chain_name(const tern_tls_chain *chain, uint32_t index, uint32_t name)
{
  const tern__chain_entry *e = entry(chain, index);
  const char *text;

  if (!e || name >= e->name_count) return NULL;
  for (text = e->names; name; name--) text += strlen(text) + 1;
  return text;
}

uint64_t tern_tls_chain_not_before(const tern_tls_chain *chain, uint32_t index)
{
  const tern__chain_entry *e = entry(chain, index);

  return e ? e->not_before : 0;
}

uint64_t tern_tls_chain_not_after(const tern_tls_chain *chain, uint32_t index)
{
  const tern__chain_entry *e = entry(chain, index);

  return e ? e->not_after : 0;
}

const uint8_t *tern_tls_chain_spki_sha256(const tern_tls_chain *chain, uint32_t index)
{
  const tern__chain_entry *e = entry(chain, index);

  return e ? e->spki : NULL;
}
