/* text.h - a text that is written twice: once to count it, once to have it. */
#ifndef TERN_LIB_MESSAGE_TEXT_H
#define TERN_LIB_MESSAGE_TEXT_H

#include <stddef.h>
#include <stdint.h>

typedef struct tern__text {
  char *out; /* NULL: counted only */
  size_t len;
  uint32_t column; /* octets in the line under way */
} tern__text;

void tern__text_put(tern__text *t, const char *octets, size_t len);
void tern__text_add(tern__text *t, const char *words);
void tern__text_number(tern__text *t, uint64_t value);
void tern__text_line(tern__text *t);

#endif
