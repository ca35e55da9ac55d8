/* resolver.h - what a tern_resolver is inside, and the host's settings as they are now. */
#ifndef TERN_LIB_RESOLVE_RESOLVER_H
#define TERN_LIB_RESOLVE_RESOLVER_H

#include <tern/resolver.h>

#include "base/socket.h"

#define TERN__SEARCH_MAX 6u /* suffixes of the search list */

/* Whom to ask, and how: what a query copies when it begins. */
typedef struct tern__servers {
  tern__sockaddr list[TERN_RESOLVER_SERVERS];
  uint32_t count;
  uint32_t timeout; /* ms, of one try */
  uint32_t tries;   /* of each server */
  uint32_t trusted; /* TERN_TRUST_... */
  uint32_t tcp;     /* 1: by TCP at once */
} tern__servers;

struct tern_resolver {
  const tern_allocator *mem;
  tern__servers servers; /* that hold now */
  uint32_t own;          /* servers.list was set by the caller */
  uint32_t timeout;      /* set by the caller; 0: the host's */
  uint32_t tries;
  char *hosts;           /* NULL: the host's */
  uint64_t read_at;      /* when the host's settings were read; TERN_NEVER: not yet */
  uint32_t ndots;        /* names with fewer dots are tried with the search list first */
  uint32_t search_count;
  char search[TERN__SEARCH_MAX][256];
};

/* Reads the host's settings where that was not done within the last seconds. TERN_OK;
 * TERN_E_RESOLVE: there is no server to ask. */
tern_status tern__resolver_refresh(tern_resolver *r, uint64_t now);
/* Whether what this server says of DNSSEC is believed. */
int tern__server_trusted(const tern__sockaddr *server, uint32_t trusted);

#endif
