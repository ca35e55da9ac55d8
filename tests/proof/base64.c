/* unwind 10 --unwindset memchr.0:66
 * sources base/base64.c
 *
 * base64, for any 6 octets and any 8 letters: what was encoded decodes to itself in the length that was foretold; and whatever the
 * decoder takes is what the encoder would have made of its result, so there is one way to write an octet string. */
#include "base/base64.h"
#include "proof.h"

int main(void)
{
  uint8_t octets[6], back[6];
  char letters[8], again[8];
  size_t len = nondet_size(), n, i;

  fill_any(octets, sizeof octets, 0);
  fill_any(letters, sizeof letters, 0);
  if (nondet_choice()) {
    assume(len <= sizeof octets);
    n = tern__base64_encode(letters, octets, len);
    prove(n == tern__base64_length(len) && n <= sizeof letters);
    prove(tern__base64_decode(back, letters, n) == len);
    for (i = 0; i < len; i++) prove(back[i] == octets[i]);
    return 0;
  }
  assume(len <= sizeof letters);
  n = tern__base64_decode(back, letters, len);
  if (n == SIZE_MAX) return 0;
  prove(n <= sizeof back && tern__base64_encode(again, back, n) == len);
  for (i = 0; i < len; i++) prove(again[i] == letters[i]);
  return 0;
}
