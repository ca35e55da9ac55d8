/* encode.h - bodies to lines: 7bit and 8bit, quoted-printable, base64, as streams. */
#ifndef TERN_LIB_MESSAGE_ENCODE_H
#define TERN_LIB_MESSAGE_ENCODE_H

#include <stddef.h>
#include <stdint.h>
#include <tern/message.h>

#define TERN__BASE64_LINE 57u /* octets in a line of 76 */
#define TERN__ENCODE_ROOM 96u /* the least that an encoder must find to get on */

typedef struct tern__encoder {
  uint8_t encoding;  /* TERN_ENCODING_..., not AUTO */
  uint8_t text;      /* (not of binary) CR, LF, CRLF are line ends, and leave as CRLF */
  uint8_t after_cr;  /* a LF that comes now belongs to it */
  uint8_t due;       /* base64: the LF of a line end has found no room yet */
  uint8_t blank;     /* quoted-printable: a space or TAB; what follows decides over it */
  uint8_t column;    /* quoted-printable: of the line under way; base64: 1 after a line */
  uint8_t held_len;
  uint8_t held[TERN__BASE64_LINE];
} tern__encoder;

void tern__encoder_begin(tern__encoder *e, uint32_t encoding, int text);
/* Takes octets from *in and writes to out, until all are taken or fewer than TERN__ENCODE_ROOM of
 * cap octets are left. Returns how many were written; *in and *len say what was not taken. */
size_t tern__encode(tern__encoder *e, const uint8_t **in, size_t *len, uint8_t *out, size_t cap);
/* What is still owed after the last octet: at most TERN__ENCODE_ROOM. */
size_t tern__encode_end(tern__encoder *e, uint8_t *out);

/* What a body is like, found in one pass before anything is sent. */
typedef struct tern__scan {
  uint64_t octets;    /* as they came */
  uint64_t length;    /* as text: with CRLF for each line end */
  uint64_t qp_length; /* as quoted-printable; UINT64_MAX: not counted */
  uint64_t bad;       /* index of the first octet that is no UTF-8 or NUL; UINT64_MAX: none */
  uint32_t longest;   /* line, without its end; held at UINT32_MAX */
  uint8_t high;       /* has octets over 127 */
  uint8_t high_header; /* ... before the first empty line */
  uint8_t nul;
  uint8_t delimiter;  /* has a line that begins as the boundaries of this library do */
  uint8_t open;       /* does not end with a line end */
} tern__scan;

typedef struct tern__scanner {
  tern__scan *result;
  tern__encoder qp; /* of a pass that only counts its octets */
  uint32_t line;    /* octets in the line under way */
  uint8_t mark;     /* how many of them are those of a delimiter */
  uint8_t after_cr;
  uint8_t past_header;
  uint8_t need;     /* octets that complete the character under way, and which the next may be */
  uint8_t low;
  uint8_t limit;
  uint8_t text;
  uint8_t counting;
} tern__scanner;

void tern__scan_begin(tern__scanner *s, tern__scan *result, int text);
/* Another pass over the same octets, that finds qp_length: few bodies need it. */
void tern__scan_begin_qp(tern__scanner *s, tern__scan *result, int text);
void tern__scan_piece(tern__scanner *s, const uint8_t *octets, size_t len);
void tern__scan_end(tern__scanner *s);

/* The length of n octets in lines of base64, without a last line end. */
uint64_t tern__base64_lines(uint64_t n);

#endif
