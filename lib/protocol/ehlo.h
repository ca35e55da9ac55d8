/* ehlo.h - EHLO keywords to a set of capabilities (RFC 5321 4.1.1.1). */
#ifndef TERN_LIB_PROTOCOL_EHLO_H
#define TERN_LIB_PROTOCOL_EHLO_H

#include <stddef.h>
#include <stdint.h>
#include <tern/sasl.h>

typedef struct tern__offer {
  uint64_t size;       /* SIZE's number; 0: none given */
  uint32_t caps;       /* TERN_CAP_... as offered */
  uint32_t mechanisms; /* bit i: table[i] */
  uint32_t rcpt_max;   /* LIMITS (RFC 9422); 0: none */
  uint32_t mail_max;
  uint32_t by_min;   /* DELIVERBY's least number of seconds (RFC 2852 2); 0: none */
  uint32_t hold_max; /* FUTURERELEASE's longest (RFC 4865 3); 0: none given */
} tern__offer;

/* Takes the text of one line behind the code: a keyword with its parameters. Unknown ones are
 * passed over, malformed numbers count as not given. */
void tern__ehlo_line(tern__offer *offer, const char *text, size_t len,
                     const tern_mechanism *const *table);

#endif
