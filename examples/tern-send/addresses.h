/* addresses.h - the addresses of a header field (RFC 5322 3.4): an address-list. */
#ifndef TERN_SEND_ADDRESSES_H
#define TERN_SEND_ADDRESSES_H

#include <stddef.h>

typedef struct addresses {
  char **list; /* addr-specs, without comments, white space and angle brackets */
  size_t count;
  size_t cap;
} addresses;

/* Adds those of body (NUL-ended, folded as it came). 0: good; else *problem says why. */
int addresses_add(addresses *a, const char *body, const char **problem);
/* Removes each that stood in the list before; the order stays. */
int addresses_unique(addresses *a);
void addresses_free(addresses *a);

#endif
