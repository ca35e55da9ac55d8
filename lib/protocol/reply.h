/* reply.h - octets to replies: code, enhanced status code, text (RFC 5321 4.2, RFC 2034). */
#ifndef TERN_LIB_PROTOCOL_REPLY_H
#define TERN_LIB_PROTOCOL_REPLY_H

#include <stddef.h>
#include <stdint.h>
#include <tern/base.h>

#include "base/error.h"

/* Longer ones are a typed error. RFC 5321 4.5.3.1.5 allows 512; servers exceed it. */
#define TERN__REPLY_LINE_MAX 2048u
#define TERN__REPLY_LINES_MAX 128u

typedef struct tern__reader {
  tern_reply reply;  /* of the reply that is being read, complete after TERN__REPLY_DONE */
  char *text;        /* the buffer; each line is kept raw until it has ended */
  uint16_t cap;      /* of the buffer, NUL included */
  uint16_t base;     /* what lies before it belongs to an earlier reply that is still needed */
  uint16_t len;      /* octets of text kept, joined lines */
  uint16_t line;     /* where the line that is being read begins */
  uint16_t count;    /* octets of that line seen, kept or not */
  uint8_t lines;     /* ended ones */
  uint8_t state;
  uint8_t cut;       /* a line of this reply did not fit the buffer */
  uint8_t last;      /* the line that is being read ends the reply */
} tern__reader;

#define TERN__REPLY_PARTIAL 0
#define TERN__REPLY_LINE 1 /* a line has ended: text + line, len - line octets with its code */
#define TERN__REPLY_DONE 2 /* likewise, and it was the last */

/* Uses cap octets (at most 65,535) at text from now on. */
void tern__reply_buffer(tern__reader *r, char *text, size_t cap);
/* Begins the next reply. */
void tern__reply_begin(tern__reader *r);
/* The text read so far stays; the next reply's comes behind it, if at least min octets are left. */
int tern__reply_retain(tern__reader *r, size_t min);
/* Whether a reply has begun and not ended. */
static inline int tern__reply_partial(const tern__reader *r)
{
  return r->count != 0 || r->lines != 0;
}
/* Whether the digits read so far can begin that code. */
int tern__reply_may_be(const tern__reader *r, unsigned code);
/* Takes one octet: PARTIAL, LINE, DONE, or TERN_E_REPLY_SYNTAX, _LENGTH, _CODES. After LINE or
 * DONE the caller looks at the raw line and then calls tern__reply_keep or tern__reply_drop. */
tern_status tern__reply_octet(tern__reader *r, uint8_t c);
/* The same for a whole line at once, where octets begin with one that is as it should be; returns
 * its length with *status LINE or DONE, or 0: nothing was taken. Only between lines. */
size_t tern__reply_line(tern__reader *r, const uint8_t *octets, size_t len, tern_status *status);
/* The same for a reply of one line and of class 2 of which only the code will be asked for. */
size_t tern__reply_yes(tern__reader *r, const uint8_t *octets, size_t len);
/* The line that just ended becomes part of the text, without its codes. */
void tern__reply_keep(tern__reader *r);
/* The line is forgotten: so does a long EHLO reply need no long buffer. */
void tern__reply_drop(tern__reader *r);

#endif
