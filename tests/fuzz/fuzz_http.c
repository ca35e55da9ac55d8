/* fuzz_http.c - any octets as an HTTP answer, whole and octet by octet: both ways end the same, and the
 * body keeps inside its block. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  tern__http whole, parts;
  char a[200], b[200];
  tern_status st, one = TERN_E_AGAIN;
  size_t i;

  tern__http_init(&whole, a, sizeof a);
  tern__http_init(&parts, b, sizeof b);
  st = tern__http_in(&whole, data, size);
  for (i = 0; i < size && one == TERN_E_AGAIN; i++) one = tern__http_in(&parts, data + i, 1);
  if (st != one || whole.len != parts.len || whole.len > sizeof a) abort();
  if (memcmp(a, b, whole.len) != 0) abort();
  return 0;
}
