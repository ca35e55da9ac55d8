/* dkim_canon.h - canonicalization of DKIM (RFC 6376 3.4), octet by octet, into a hash. */
#ifndef TERN_LIB_MESSAGE_DKIM_CANON_H
#define TERN_LIB_MESSAGE_DKIM_CANON_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

typedef struct tern__canon {
  tern__hash hash;
  uint64_t lines; /* of a body: line ends that wait for more */
  uint8_t simple;
  uint8_t blank;  /* white space that waits for more */
  uint8_t any;    /* there was an octet that is no white space or line end */
  uint8_t len;
  uint8_t out[120]; /* what goes to the hash in one piece */
} tern__canon;

void tern__canon_begin(tern__canon *c, int simple);

/* A body; its line ends are CRLF. */
void tern__canon_body(tern__canon *c, const uint8_t *octets, size_t len);
void tern__canon_body_end(tern__canon *c);

/* A header field: name with the white space before the colon (raw octets, of which name_len are the
 * name); then what follows the colon, folds and the last CRLF included; then the end. */
void tern__canon_name(tern__canon *c, const char *name, size_t name_len, size_t raw_len);
void tern__canon_value(tern__canon *c, const uint8_t *octets, size_t len);
void tern__canon_field_end(tern__canon *c);

/* The digest of all of it; *c is wiped. */
void tern__canon_digest(tern__canon *c, uint8_t digest[32]);

#endif
