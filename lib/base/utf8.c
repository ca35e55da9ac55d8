/* utf8.c - UTF-8 of RFC 3629: shortest forms, no surrogates, up to U+10FFFF.
 * Neighbours: mailbox.c, and the message room, which must never cut a character in two. */
#include "base/utf8.h"

size_t tern__utf8(const uint8_t *p, size_t len)
{
  uint8_t lead, low, high;
  size_t n, i;

  if (len == 0) return 0;
  lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (len < 2 || p[1] < low || p[1] > high) return 0;
  for (i = 2; i < n; i++)
    if (i >= len || (p[i] & 0xc0) != 0x80) return 0;
  return n;
}

size_t tern__utf8_check(const uint8_t *text, size_t len)
{
  size_t i, n;

  for (i = 0; i < len; i += n) {
    n = tern__utf8(text + i, len - i);
    if (n == 0) break;
  }
  return i;
}
