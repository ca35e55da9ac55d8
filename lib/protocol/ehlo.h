/* ehlo.h - EHLO keywords to a set of capabilities (RFC 5321 4.1.1.1). */
#ifndef TERN_LIB_PROTOCOL_EHLO_H
#define TERN_LIB_PROTOCOL_EHLO_H

#include <stddef.h>
#include <stdint.h>
#include <tern/sasl.h>

#include "base/config.h"

/* A device sends nothing that 32 bits could not count: a larger number is there as if not given. */
#if TERN__WITH_EXTRA
typedef uint64_t tern__number;
#define TERN__NUMBER_OVER UINT64_MAX
#else
typedef uint32_t tern__number;
#define TERN__NUMBER_OVER 0
#endif

typedef struct tern__offer {
  tern__number size;   /* SIZE's number; 0: none given */
  uint32_t caps;       /* TERN_CAP_... as offered */
  uint32_t mechanisms; /* bit i: table[i] */
#if TERN__WITH_EXTRA
  uint32_t rcpt_max;   /* LIMITS (RFC 9422); 0: none */
  uint32_t mail_max;
  uint32_t by_min;   /* DELIVERBY's least number of seconds (RFC 2852 2); 0: none */
  uint32_t hold_max; /* FUTURERELEASE's longest (RFC 4865 3); 0: none given */
#endif
} tern__offer;

/* Takes the text of one line behind the code: a keyword with its parameters. Unknown ones are
 * passed over, malformed numbers count as not given. */
void tern__ehlo_line(tern__offer *offer, const char *text, size_t len,
                     const tern_mechanism *const *table);

#endif
