/* header.h - one header field at a time: folding, encoded words, parameters.
 *
 * Everything is written through a sink that keeps a window of what goes through it. What makes a
 * field is a pure function of its inputs, so that a field longer than the buffer is written again
 * from its beginning with more of it skipped, and a length is found by a window of no octets. */
#ifndef TERN_LIB_MESSAGE_HEADER_H
#define TERN_LIB_MESSAGE_HEADER_H

#include <stddef.h>
#include <stdint.h>
#include <tern/base.h>

typedef struct tern__sink {
  uint8_t *out;    /* cap octets for the window */
  size_t cap;
  size_t len;      /* of them filled */
  uint64_t skip;   /* octets that go by before the window opens */
  uint64_t total;  /* all that went through */
  uint32_t column; /* octets in the line under way */
  uint32_t words;  /* encoded words in it: lines with them are shorter (RFC 2047 2) */
} tern__sink;

void tern__sink_put(tern__sink *s, const char *octets, size_t len);
void tern__sink_text(tern__sink *s, const char *text);
/* CRLF. */
void tern__sink_line(tern__sink *s);

#define TERN__FOLD_AT 78u  /* lines are not longer where they can be folded (RFC 5322 2.1.1) */
#define TERN__LINE_MAX 998u

/* A space, or a fold where the next `width` octets would not fit into the line. */
void tern__header_gap(tern__sink *s, size_t width);
/* Text of RFC 5322 "unstructured", behind "Name:": encoded words where it has octets that need
 * them (RFC 2047), or as it is with utf8 (RFC 6532). With literal what is ASCII is never encoded. */
#define TERN__HEADER_UTF8 1u
#define TERN__HEADER_LITERAL 2u
void tern__header_text(tern__sink *s, const char *text, uint32_t how);
/* A phrase (display name, group): atoms, a quoted string, or encoded words. */
void tern__header_phrase(tern__sink *s, const char *text, uint32_t how);
/* The octets that its beginning should find in a line. */
size_t tern__header_phrase_width(const char *text, uint32_t how);
/* A comment: "(text)". */
void tern__header_comment(tern__sink *s, const char *text, uint32_t how);
/* ASCII words folded where there are spaces: identifiers, URIs. */
void tern__header_tokens(tern__sink *s, const char *text);
/* "; name=value" in the line or folded: a token, a quoted string, or RFC 2231. */
void tern__header_param(tern__sink *s, const char *name, const char *value);
/* "; name="=?utf-8?...?="" : encoded words in a quoted string, against RFC 2047 5, because that is
 * what Outlook and Gmail write and read. Plain where ASCII. */
void tern__header_param_words(tern__sink *s, const char *name, const char *value);

/* Whether no octet is over 127. */
int tern__is_ascii(const char *text);
/* Whether a value may stand in a header: UTF-8 (RFC 3629), no controls but TAB, no DEL. 0; else
 * the offending position plus 1. */
size_t tern__header_bad(const char *text);
/* The name of a field: printable ASCII but colon (RFC 5322 2.2). As above. */
size_t tern__header_bad_name(const char *name);
/* A token of RFC 2045 5.1. */
int tern__is_token(const char *text, size_t len);

#endif
