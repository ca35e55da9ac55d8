/* prep_idn.c - SASLprep (RFC 4013) by libidn. host builds only: compiled where libidn is found.
 *
 * As a query (RFC 3454 7): code points younger than Unicode 3.2 pass unchanged. RFC 5802 2.2 wants
 * a password treated as a stored string, which would refuse them; but a server that refuses them
 * has no such password, and one that does not would be out of reach. What both take is equal. */
#include "sasl/prep.h"

#include <string.h>
#include <stringprep.h>

#include "base/mem.h"

tern_status tern__saslprep(const char *in, char *out, size_t cap)
{
  size_t len = strlen(in);
  int result;

  if (len >= cap) return TERN_E_BUFFER;
  memcpy(out, in, len + 1);
  result = stringprep(out, cap, 0, stringprep_saslprep);
  if (result == STRINGPREP_OK) return TERN_OK;
  tern__wipe(out, cap);
  return result == STRINGPREP_TOO_SMALL_BUFFER ? TERN_E_BUFFER : TERN_E_CREDENTIALS;
}
