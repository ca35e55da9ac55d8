/* base64.c - base64 of RFC 4648 section 4, strict: what AUTH (RFC 4954) and bodies use.
 * Neighbours: sasl, protocol. No line breaks; the decoder takes one whole text. */
#include "base/base64.h"

#include <string.h>

#include "base/config.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char tern__base64_letter(uint32_t value)
{
  return letters[value];
}

/* 64: not of the alphabet. */
static uint32_t value(char letter_in)
{
#if TERN__WIDE
  uint8_t c = (uint8_t)letter_in;

  if (c >= 'A' && c <= 'Z')
    return (uint32_t)(c - 'A');
  if (c >= 'a' && c <= 'z')
    return (uint32_t)(c - 'a' + 26);
  if (c >= '0' && c <= '9')
    return (uint32_t)(c - '0' + 52);
  return c == '+' ? 62u : c == '/' ? 63u : 64u;
#else
  const char *at = memchr(letters, letter_in, 64);

  return at != NULL ? (uint32_t)(at - letters) : 64u;
#endif
}

size_t tern__base64_length(size_t len)
{
  size_t groups = len / 3 + (len % 3 != 0);

  return groups > SIZE_MAX / 4 ? SIZE_MAX : groups * 4;
}

size_t tern__base64_encode(char *out, const uint8_t *in, size_t len)
{
  char *start = out;

#if !TERN__WIDE
  size_t i, k;

  for (i = 0; i < len; i += 3) {
    uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0u) | (i + 2 < len ? in[i + 2] : 0u);

    for (k = 0; k < 4; k++, v <<= 6) *out++ = i + k <= len ? letters[v >> 18 & 63u] : '=';
  }
#else
  for (; len >= 3; in += 3, len -= 3, out += 4) {
    uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

    out[0] = letters[v >> 18];
    out[1] = letters[v >> 12 & 63u];
    out[2] = letters[v >> 6 & 63u];
    out[3] = letters[v & 63u];
  }
  if (len > 0) {
    uint32_t v = (uint32_t)in[0] << 16 | (len > 1 ? (uint32_t)in[1] << 8 : 0u);

    *out++ = letters[v >> 18];
    *out++ = letters[v >> 12 & 63u];
    *out++ = len > 1 ? letters[v >> 6 & 63u] : '=';
    *out++ = '=';
  }
#endif
  return (size_t)(out - start);
}

size_t tern__base64_decode(uint8_t *out, const char *in, size_t len)
{
  uint8_t *start = out;
  uint32_t bits = 0;
  size_t pad = 0;
  size_t i;

  if (len % 4 != 0)
    return SIZE_MAX;
  if (len > 0 && in[len - 1] == '=')
    pad = in[len - 2] == '=' ? 2 : 1;
  for (i = 0; i < len - pad; i++) {
    uint32_t v = value(in[i]);

    if (v > 63)
      return SIZE_MAX;
    bits = bits << 6 | v;
    if (i % 4 != 0) /* each letter but the first of four completes an octet */
      *out++ = (uint8_t)(bits >> (6 - 2 * (i % 4)));
  }
  /* what the last letter holds beyond the last octet must be zero (RFC 4648 3.5) */
  if (pad > 0 && (bits & (pad == 2 ? 15u : 3u)) != 0)
    return SIZE_MAX;
  return (size_t)(out - start);
}
