/* ascii.h - ASCII without a locale: case, digits, tokens, numbers. */
#ifndef TERN_LIB_BASE_ASCII_H
#define TERN_LIB_BASE_ASCII_H

#include <stddef.h>
#include <stdint.h>

uint8_t tern__lower(uint8_t c);
static inline int tern__is_digit(uint8_t c)
{
  return (uint8_t)(c - '0') < 10;
}
int tern__is_alpha(uint8_t c);
/* Whether len octets at a are the string b, ASCII case ignored. */
int tern__same(const char *a, size_t len, const char *b);
/* Whether the len octets at text hold the string needle (lower case), ASCII case ignored. */
int tern__holds(const char *text, size_t len, const char *needle);
/* Writes value in decimal without NUL; returns how many octets, at most 20. */
size_t tern__decimal(uint64_t value, char *out);

#endif
