/* ascii.c - ASCII without a locale: case, digits, searching, decimal numbers.
 * Neighbours: every room uses it. Knows nothing of UTF-8: octets over 127 are never letters. */
#include "base/ascii.h"

#include <string.h>

#include "base/config.h"

uint8_t tern__lower(uint8_t c)
{
  return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

int tern__is_alpha(uint8_t c)
{
  c = tern__lower(c);
  return c >= 'a' && c <= 'z';
}

int tern__same(const char *a, size_t len, const char *b)
{
  size_t i;

  for (i = 0; i < len; i++) /* the NUL of a shorter b is unlike any octet but a NUL of a */
    if (b[i] == '\0' || tern__lower((uint8_t)a[i]) != tern__lower((uint8_t)b[i]))
      return 0;
  return b[len] == '\0';
}

int tern__holds(const char *text, size_t len, const char *needle)
{
  size_t n = strlen(needle);
  size_t i;

  for (i = 0; n <= len && i <= len - n; i++)
    if (tern__same(text + i, n, needle))
      return 1;
  return 0;
}

/* A value of 32 bits: the digits are counted, then written in their places. */
static size_t small_decimal(uint32_t value, char *out)
{
  uint32_t rest;
  size_t n = 1, i;

  for (rest = value; rest > 9; rest /= 10) n++;
  for (i = n; i-- != 0; value = rest) {
    rest = value / 10;
    out[i] = (char)('0' + (value - rest * 10));
  }
  return n;
}

#if !TERN__WITH_LONG
size_t tern__decimal(uint64_t value, char *out)
{
  return small_decimal((uint32_t)value, out);
}
#else
/* A value below 10,000: what sizes mostly are, at once. */
static size_t four_digits(uint32_t value, char *out)
{
  char *at = out;
  uint32_t quotient;

  if (value > 999) {
    quotient = value / 1000;
    *at++ = (char)('0' + quotient);
    value -= quotient * 1000;
  }
  if (at != out || value > 99) {
    quotient = value / 100;
    *at++ = (char)('0' + quotient);
    value -= quotient * 100;
  }
  if (at != out || value > 9) {
    quotient = value / 10;
    *at++ = (char)('0' + quotient);
    value -= quotient * 10;
  }
  *at++ = (char)('0' + value);
  return (size_t)(at - out);
}

/* Long division by hand in 16-bit limbs: a small target would fetch a 64-bit one from its
 * compiler's library. */
size_t tern__decimal(uint64_t value, char *out)
{
  char digits[20]; /* of 2^64 - 1 */
  size_t n = sizeof digits, before;
  uint64_t quotient;
  uint32_t rest;
  int shift;

  if (TERN__WIDE && value < 10000) return four_digits((uint32_t)value, out);
  if (value <= UINT32_MAX) return small_decimal((uint32_t)value, out);
  do {
    rest = 0;
    quotient = 0;
    for (shift = 48; shift >= 0; shift -= 16) {
      rest = rest << 16 | (uint32_t)(value >> shift & 0xffff);
      quotient = quotient << 16 | rest / 10;
      rest %= 10;
    }
    digits[--n] = (char)('0' + rest);
    value = quotient;
  } while (value > UINT32_MAX);
  before = small_decimal((uint32_t)value, out);
  memcpy(out + before, digits + n, sizeof digits - n);
  return before + sizeof digits - n;
}
#endif
