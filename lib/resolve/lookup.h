/* lookup.h - the addresses of a host, as the host would find them, step by step.
 *
 *   st = tern__lookup_open(resolver, mem, host, port, now, deadline, &l);
 *   for (;;) {
 *     n = tern__lookup_take(l, &list);                  (to be tried at once, also while st is AGAIN)
 *     if (st != TERN_E_AGAIN) break;
 *     wait for what tern__lookup_gather adds, until tern__lookup_deadline;
 *     st = tern__lookup_step(l, now);
 *   }
 *   tern__lookup_free(l);
 */
#ifndef TERN_LIB_RESOLVE_LOOKUP_H
#define TERN_LIB_RESOLVE_LOOKUP_H

#include <tern/resolver.h>

#include "base/gather.h"
#include "base/socket.h"

#define TERN__LOOKUP_DELAY 50u /* ms that IPv4 waits for IPv6 (RFC 8305 section 3) */
#define TERN__LOOKUP_MOST 32u  /* addresses of one host */

typedef struct tern__lookup tern__lookup;

/* Looks for host: a literal (with or without []), localhost, the hosts file, and where these have nothing,
 * A and AAAA records, through the search list as resolv.conf says. deadline (TERN_NEVER: none) covers all
 * of it. TERN_E_AGAIN; TERN_OK: it is known already; TERN_E_HOST: it does not exist or has no address, for
 * good; then *l exists. TERN_E_NOMEM: *l is NULL. r and mem are borrowed. Reads the hosts file and, now
 * and then, resolv.conf; never waits for the network. */
tern_status tern__lookup_open(tern_resolver *r, const tern_allocator *mem, const char *host,
                              uint32_t port, uint64_t now, uint64_t deadline, tern__lookup **l);
/* TERN_E_AGAIN; TERN_OK: all that there are can be taken; TERN_E_HOST; TERN_E_RESOLVE: the servers failed
 * or did not answer; TERN_E_NOMEM; TERN_E_RANDOM. An end is final; a failure has no addresses. */
tern_status tern__lookup_step(tern__lookup *l, uint64_t now);
/* The addresses that have become ready since the last take, in the order to try them: those that there is
 * a route to first, then by the precedence of RFC 6724 2.1. They live until the lookup is freed. */
size_t tern__lookup_take(tern__lookup *l, const tern__sockaddr **list);
void tern__lookup_gather(const tern__lookup *l, tern__gather *g);
uint64_t tern__lookup_deadline(const tern__lookup *l);
/* "mail.example.org: does not exist", or what each name server failed with; "" where it went well. */
const char *tern__lookup_detail(const tern__lookup *l);
void tern__lookup_free(tern__lookup *l);

#endif
