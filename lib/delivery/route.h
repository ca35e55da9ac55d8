/* route.h - where mail for a domain goes (RFC 5321 section 5), as far as no question has to be asked:
 * domains of recipients, the order of hosts, addresses that are not to be believed. */
#ifndef TERN_LIB_DELIVERY_ROUTE_H
#define TERN_LIB_DELIVERY_ROUTE_H

#include <tern/base.h>

#include "base/idn.h"

#define TERN__MX_MAX 64u      /* hosts of one domain that are kept, the most preferred */

#define TERN__DOMAIN_NAME 0u
#define TERN__DOMAIN_LITERAL 1u /* an address literal: out holds the address without brackets */

/* The domain of a mailbox: lower case, IDN labels as A-labels, no dot at the end. TERN_E_ADDRESS:
 * there is none, or a literal that is no IP address, or an IDN that IDNA 2008 refuses.
 * TERN_E_UNSUPPORTED: an IDN, in a build without libidn2. */
tern_status tern__domain_of(const char *mailbox, char out[TERN__DOMAIN_MAX], uint32_t *kind);
/* The same for a domain alone, as in a table of routes or policies. */
tern_status tern__domain_fold(const char *domain, char out[TERN__DOMAIN_MAX]);

/* Whether rule holds for domain: the same name, or, with a dot in front, any name below, or "*".
 * Returns 0 for no, else a number that is the greater the closer the rule fits. */
size_t tern__domain_matches(const char *rule, const char *domain);

/* Reads an IPv4 or IPv6 address (with or without brackets and "IPv6:"). Returns the octets written
 * to out, 4 or 16; 0: it is none. */
size_t tern__address_read(const char *text, uint8_t out[16]);
/* The address of len octets as text that a URL takes: "192.0.2.1", "[2001:db8::1]" without brackets.
 * cap at least 46. */
void tern__address_write(const uint8_t *octets, size_t len, char *out, size_t cap);
/* Whether the address of 4 or 16 octets is one that a host anywhere in the Internet may have: not
 * unspecified, loopback, private, shared, link-local, unique local, multicast or reserved. IPv4 inside
 * IPv6 is judged as IPv4. */
int tern__address_public(const uint8_t *octets, size_t len);

typedef struct tern__mx {
  const char *host; /* lower case, no dot at the end; "" is the root, the null MX's */
  uint32_t preference;
} tern__mx;

typedef tern_status tern__random_fn(void *user, uint8_t *out, size_t len);

/* Whether name is one of ours. */
typedef int tern__own_fn(void *user, const char *name);

/* Puts the hosts in the order in which they are to be tried: by preference, those of equal preference
 * shuffled (5.1); each host once; own names and everything not preferred to the first of them left out
 * (loop rule). *count comes down to TERN__MX_MAX. TERN_OK with *count at least 1; TERN_E_NULL_MX
 * (RFC 7505); TERN_E_ROUTING: the loop rule left nothing; TERN_E_HOST: *count was 0, or nothing but
 * root names that are no null MX; TERN_E_RANDOM. own may be NULL. */
tern_status tern__mx_order(tern__mx *mx, size_t *count, tern__own_fn *own, void *own_user,
                           tern__random_fn *random, void *random_user);
/* Whether two lists name the same hosts with the same grouping by preference, whatever the order of
 * equals: recipients of both domains may go in one transaction. */
int tern__mx_same(const tern__mx *a, size_t a_count, const tern__mx *b, size_t b_count);

#endif
