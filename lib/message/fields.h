/* fields.h - the header of a message (RFC 5322 2.2), octet by octet, in any split. */
#ifndef TERN_LIB_MESSAGE_FIELDS_H
#define TERN_LIB_MESSAGE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#define TERN__FIELD_NAME_MAX 76u
#define TERN__HEADER_LINE_MAX 998u /* without CRLF, RFC 5322 2.1.1 */

typedef struct tern__fields {
  uint32_t line;    /* number of the line that the last octet belongs to, from 1 */
  uint32_t at;      /* its octets so far, without CRLF */
  uint8_t state;
  uint8_t open;     /* a field is under way */
  uint8_t blank;    /* the line is a folded one that had white space only so far */
  uint8_t name_len; /* of name; 0: longer than TERN__FIELD_NAME_MAX */
  uint8_t raw_len;  /* of name with the white space before the colon; 0: too long */
  char name[TERN__FIELD_NAME_MAX]; /* as it stands there */
} tern__fields;

/* What an octet did; several at once. */
#define TERN__FIELD_ENDED 1u   /* the field before it is complete, and this octet is no part of it */
#define TERN__FIELD_NAMED 2u   /* it is the colon: name is complete */
#define TERN__FIELD_BODY 4u    /* it belongs to the body: what follows the colon, folds included */
#define TERN__FIELD_LINE 8u    /* it is the LF that ends a line of a field */
#define TERN__FIELD_LAST 16u   /* it is the LF of the empty line: the header has ended */
#define TERN__FIELD_BAD 32u    /* the line is no field; nothing more is to be put */
#define TERN__FIELD_BLANK 64u  /* with LINE: the line was folded and empty */

void tern__fields_begin(tern__fields *f);
/* The next octet of the header. Line ends are CRLF: CR stands before LF only. */
uint32_t tern__fields_put(tern__fields *f, uint8_t octet);
/* Whether the header has ended, by an empty line or a bad one. */
int tern__fields_over(const tern__fields *f);
/* Whether the field's name is that, ASCII case ignored. */
int tern__fields_is(const tern__fields *f, const char *name);

/* "Tue, 25 Nov 2026 04:07:34 +0100" (RFC 5322 3.3) with a NUL; 0 where it cannot be written so.
 * seconds since 1970 UTC, zone in minutes east of it. */
#define TERN__DATE_TEXT 40u
size_t tern__date_text(char *out, int64_t seconds, int32_t zone);
/* Whether id is a msg-id of RFC 5322 3.6.4 without its angle brackets: a dot-atom on both sides. */
int tern__is_message_id(const char *id);

#endif
