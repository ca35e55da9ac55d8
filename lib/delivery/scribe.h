/* scribe.h - text written to a block of the caller's as snprintf does: cut there, counted on. */
#ifndef TERN_LIB_DELIVERY_SCRIBE_H
#define TERN_LIB_DELIVERY_SCRIBE_H

#include <tern/base.h>

typedef struct tern__scribe {
  char *out;
  size_t cap;
  size_t len; /* of all, also beyond cap */
} tern__scribe;

void tern__scribe_put(tern__scribe *s, const char *octets, size_t len);
void tern__scribe_text(tern__scribe *s, const char *text);
void tern__scribe_number(tern__scribe *s, uint64_t value);
/* A JSON string with its quotes (RFC 8259); octets that are no UTF-8 become U+FFFD. */
void tern__scribe_json(tern__scribe *s, const char *text, size_t len);
/* Ends the text by NUL where there is a block; returns len. */
size_t tern__scribe_end(tern__scribe *s);

#endif
