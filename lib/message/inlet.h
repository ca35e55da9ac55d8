/* inlet.h - the message that a filter reads, as the engine would send it: line ends repaired. */
#ifndef TERN_LIB_MESSAGE_INLET_H
#define TERN_LIB_MESSAGE_INLET_H

#include <tern/session.h>

#include "base/data.h"

typedef struct tern__inlet {
  tern_transaction content; /* its content alone is used; nothing set: no message */
  tern_span span;
  tern__data data;
  uint8_t refuse;  /* bare CR and LF are TERN_E_CONTENT */
  uint8_t touched; /* the source was read since it stood at its first octet */
} tern__inlet;

/* Source or octets, at their beginning. TERN_E_ARGUMENT; TERN_E_REWIND. */
tern_status tern__inlet_set_source(tern__inlet *in, const tern_source *source, void *user);
tern_status tern__inlet_set_octets(tern__inlet *in, const void *octets, size_t len);
int tern__inlet_is_set(const tern__inlet *in);
/* Tells the source what the server can do, and takes what it says of itself. */
tern_status tern__inlet_prepare(tern__inlet *in, uint32_t capabilities, tern_content_info *info);
/* Back to the first octet. */
tern_status tern__inlet_rewind(tern__inlet *in);
/* As tern__data_next; what was lent before is no longer valid. On TERN_E_SOURCE *cause is why. */
tern_status tern__inlet_next(tern__inlet *in, tern_span *out, tern_status *cause);

#endif
