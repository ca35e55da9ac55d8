/* resolver.h - which name servers are asked, and whom to believe. Absent from builds without it.
 *
 * A client or a delivery makes one of its own where none is given: the host's name servers
 * (/etc/resolv.conf), its hosts file, DNSSEC believed of loopback servers alone. One resolver may
 * serve many clients of the same thread; it must outlive them. */
#ifndef TERN_RESOLVER_H
#define TERN_RESOLVER_H

#include <tern/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_resolver tern_resolver;

#define TERN_RESOLVER_SERVERS 4u /* that are asked */

#define TERN_TRUST_NONE 0u     /* whatever is said to be validated is not believed */
#define TERN_TRUST_LOOPBACK 1u /* the default: servers at 127.0.0.0/8 and ::1 are believed */
#define TERN_TRUST_ALL 2u      /* the servers, and the way to them, are declared trustworthy */

/* mem NULL: malloc and free; else borrowed until tern_resolver_free. NULL when there is no memory. */
TERN_API tern_resolver *tern_resolver_new(const tern_allocator *mem);
TERN_API void tern_resolver_free(tern_resolver *r);

/* The servers to ask instead of the host's: "ADDR", "ADDR:PORT", "[ADDR]:PORT", several separated
 * by blanks, IPv4 and IPv6; port 53 by default. NULL: the host's again. TERN_E_ARGUMENT: not an
 * address, or more than TERN_RESOLVER_SERVERS; nothing is changed then. The search list is the
 * host's in any case. */
TERN_API tern_status tern_resolver_set_server(tern_resolver *r, const char *servers);
/* TERN_TRUST_...: of whom "validated by DNSSEC" (the AD bit, RFC 6840 5.8) is believed. */
TERN_API tern_status tern_resolver_set_trusted(tern_resolver *r, uint32_t whom);
/* ms that one server is given for one answer; 0: the host's (resolv.conf, 5,000). The deadline of
 * whoever asks holds besides. */
TERN_API tern_status tern_resolver_set_timeout(tern_resolver *r, uint32_t ms);
/* How often each server is asked; 0: the host's (resolv.conf, 2). At most 16. */
TERN_API tern_status tern_resolver_set_tries(tern_resolver *r, uint32_t tries);
/* The file to read instead of /etc/hosts; "": none; NULL: /etc/hosts. Read at each look-up of a client's
 * server; MX hosts of a delivery are asked for in DNS alone. */
TERN_API tern_status tern_resolver_set_hosts(tern_resolver *r, const char *path);

#ifdef __cplusplus
}
#endif
#endif
