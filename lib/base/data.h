/* data.h - content to wire octets: CRLF repair, transparency, counting. */
#ifndef TERN_LIB_BASE_DATA_H
#define TERN_LIB_BASE_DATA_H

#include <stddef.h>
#include <stdint.h>
#include <tern/session.h>

#include "base/config.h"

typedef struct tern__data {
  const tern_transaction *t; /* only its content is looked at */
  const uint8_t *at; /* what is left of the piece lent by the caller */
  size_t len;
  size_t span;     /* the next one of t->spans */
  uint8_t state;   /* where in a line the content is */
  uint8_t dots;    /* transparency: DATA, not BDAT */
  uint8_t refuse;  /* a repair is an error instead */
  uint8_t last;    /* no further piece comes */
  uint8_t raw;     /* octets, not lines: nothing is looked at */
#if TERN__WIDE
  uint8_t known;   /* the spans were measured as clean */
  uint8_t dirty;   /* this piece is not, and is looked at line by line */
  size_t clean;    /* so many octets from `at` on need no repair */
#endif
} tern__data;

/* Of tern__data_measure alone: no octet has to change, but for transparency. */
#define TERN__CONTENT_CLEAN 0x80000000u

/* Begins at the content's first octet (the caller has rewound a source). Spans that were measured
 * as clean need not be looked at again: set `known` then. */
void tern__data_begin(tern__data *d, const tern_transaction *t, int dots, int refuse);
/* Whether it is known that no octet follows. */
int tern__data_ended(const tern__data *d);
/* The next octets for the wire, lent from the content or static: TERN_OK with at least one octet;
 * TERN_SOURCE_END: none left, the last line is ended; TERN_E_AGAIN; TERN_E_CONTENT where repairs
 * are refused; TERN_E_SOURCE with *cause; TERN_E_STATE: the source has to be asked, which ends the
 * life of what it lent before, and pull is 0. */
tern_status tern__data_next(tern__data *d, int pull, tern_span *out, tern_status *cause);

/* Runs over the spans of t: info gets the length on the wire without transparency and
 * TERN_CONTENT_.... TERN_E_CONTENT where bare CR or LF is refused and there is one. */
tern_status tern__data_measure(const tern_transaction *t, tern_content_info *info);

#endif
