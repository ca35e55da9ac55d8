/* redact.c - keeps secrets out of what a server says back.
 *
 * A server can echo a password or a whole AUTH response in its reply; that text goes to traces and
 * errors. The password and the token are looked for in plain and, as part of anything encoded, in
 * base64 at each of the three alignments. Limit: secrets under three octets are not looked for. */
#include <string.h>

#include "base/base64.h"
#include "protocol/engine.h"

/* Bit offset `bit` of secret as a base64 character; 6 bits must lie inside. */
static char sextet(const uint8_t *secret, size_t bit)
{
  size_t at = bit / 8, shift = bit % 8;
  unsigned pair = (unsigned)secret[at] << 8;

  if (shift > 2) pair |= secret[at + 1];
  return tern__base64_letter(pair >> (10 - shift) & 63u);
}

/* How many characters at text are the secret encoded, from bit `first` of it on; 0: it is not. */
static size_t encoded(const char *text, size_t len, const char *secret, size_t bits, size_t first)
{
  size_t n = (bits - first) / 6, i;

  if (n > len) return 0;
  for (i = 0; i < n; i++)
    if (text[i] != sextet((const uint8_t *)secret, first + 6 * i)) return 0;
  return n;
}

static void hide(const char *secret, char *text, size_t len)
{
  size_t n = secret != NULL ? strlen(secret) : 0, i, k, hit;

  if (n < 3) return;
  for (i = 0; i < len; i++) {
    hit = n <= len - i && memcmp(text + i, secret, n) == 0 ? n : 0;
    for (k = 0; k < 6 && hit == 0; k += 2) hit = encoded(text + i, len - i, secret, 8 * n, k);
    memset(text + i, '*', hit);
  }
}

void tern__redact(const tern_credentials *cred, char *text, size_t len)
{
  hide(cred->password, text, len);
  hide(cred->token, text, len);
}
