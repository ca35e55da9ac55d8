/* error.h - the records behind tern_reply and tern_error. */
#ifndef TERN_LIB_BASE_ERROR_H
#define TERN_LIB_BASE_ERROR_H

#include <tern/base.h>

struct tern_reply {
  const char *text;  /* ended by NUL, borrowed from the session or owned by the mail; or NULL */
  uint16_t code;     /* 0: none */
  char enhanced[10]; /* "5.123.456" at most, or "" */
};

struct tern_error {
  tern_status status;
  tern_status cause;  /* of TERN_E_IN_DOUBT and TERN_E_SOURCE; else TERN_OK */
  tern_reply reply;   /* code 0: none */
  const char *detail; /* a line that only the place of failure knew, borrowed, or NULL */
  uint32_t index;     /* recipient */
  uint16_t position;  /* UINT16_MAX: none */
  uint8_t phase;
  uint8_t field;
  uint8_t octet;
  uint8_t per_recipient; /* a reply about one recipient: a permanent one exits with 67 */
};

/* Sets *error to status in phase, everything else to none. */
void tern__error_set(tern_error *error, tern_status status, uint32_t phase);
/* Sets *error to a wrong argument: field, with the octet at position of text (NULL: none). */
void tern__error_field(tern_error *error, tern_status status, uint32_t field, const char *text,
                       size_t position);
/* Whether a is graver than b: by exit code in the order 77, 76, 67, 69, 75 (that of tern-send),
 * then the others alike, then success. Of two alike neither is. */
int tern__error_graver(const tern_error *a, const tern_error *b);

#endif
