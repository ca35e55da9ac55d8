/* idn_none.c - a build without libidn2: domains beyond ASCII are refused, not guessed at. */
#include "base/idn.h"

tern_status tern__domain_to_ascii(const char *domain, char out[TERN__DOMAIN_MAX])
{
  (void)domain;
  out[0] = 0;
  return TERN_E_UNSUPPORTED;
}
