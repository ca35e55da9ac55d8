/* wire_plain.c - no TLS: the octets as they are. */
#include "board.h"
#include "wire.h"

tern_status wire_read(uint8_t *octets, size_t cap, size_t *done)
{
  *done = board_read(octets, cap);
  return *done != 0 ? TERN_OK : TERN_E_AGAIN;
}

tern_status wire_write(const uint8_t *octets, size_t len, size_t *done)
{
  *done = board_write(octets, len);
  return *done != 0 ? TERN_OK : TERN_E_AGAIN;
}

tern_status wire_handshake(const char *host)
{
  (void)host;
  return TERN_E_UNSUPPORTED;
}

/* FOR TESTS ONLY: these boards have no source of randomness. A part of your own has one, or must
 * not use SCRAM. */
tern_status wire_random(void *user, uint8_t *octets, size_t len)
{
  static uint32_t x = 2463534242u;

  (void)user;
  for (; len > 0; len--) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *octets++ = (uint8_t)x;
  }
  return TERN_OK;
}

void wire_memory(size_t *peak, size_t *level)
{
  *peak = *level = 0;
}
