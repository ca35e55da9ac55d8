/* crc32c.c - by the processor's instruction where there is one, else by eight tables: the sink must not be what a fast client
 * waits for. */
#include "crc32c.h"

#include <string.h>

static uint32_t table[8][256];

#if defined(__x86_64__) && defined(__GNUC__)
static int instruction;

__attribute__((target("sse4.2"))) static uint32_t hard(uint32_t crc, const unsigned char *p,
                                                       size_t n)
{
  uint64_t wide = crc, v;

  for (; n >= 8; n -= 8, p += 8) {
    memcpy(&v, p, 8);
    wide = __builtin_ia32_crc32di(wide, v);
  }
  crc = (uint32_t)wide;
  while (n-- > 0) crc = __builtin_ia32_crc32qi(crc, *p++);
  return crc;
}
#endif

void crc32c_init(void)
{
  uint32_t i, k, crc;

  for (i = 0; i < 256; i++) {
    crc = i;
    for (k = 0; k < 8; k++) crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
    table[0][i] = crc;
  }
  for (i = 0; i < 256; i++)
    for (k = 1; k < 8; k++) table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 255u];
#if defined(__x86_64__) && defined(__GNUC__)
  instruction = __builtin_cpu_supports("sse4.2");
#endif
}

static uint32_t soft(uint32_t crc, const unsigned char *p, size_t n)
{
  uint32_t next;
  unsigned k;

  for (; n >= 8; n -= 8, p += 8) {
    next = 0;
    for (k = 0; k < 4; k++) {
      next ^= table[7 - k][(crc ^ p[k]) & 255u];
      crc >>= 8;
    }
    for (k = 4; k < 8; k++) next ^= table[7 - k][p[k]];
    crc = next;
  }
  while (n-- > 0) crc = (crc >> 8) ^ table[0][(crc ^ *p++) & 255u];
  return crc;
}

uint32_t crc32c(uint32_t crc, const void *octets, size_t len)
{
#if defined(__x86_64__) && defined(__GNUC__)
  if (instruction) return hard(crc, octets, len);
#endif
  return soft(crc, octets, len);
}
