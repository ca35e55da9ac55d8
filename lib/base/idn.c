/* idn.c - internationalised domains as A-labels, by libidn2 (IDNA 2008, with the mapping of UTS 46
 * that users' keyboards need). host builds only: idn_none.c stands in where libidn2 is absent.
 * Neighbours: message/address.c, delivery/route.c. */
#include "base/idn.h"

#include <idn2.h>
#include <string.h>

tern_status tern__domain_to_ascii(const char *domain, char out[TERN__DOMAIN_MAX])
{
  char *name = NULL;
  size_t len;
  tern_status st = TERN_E_ADDRESS;

  if (idn2_to_ascii_8z(domain, &name, IDN2_NONTRANSITIONAL) != IDN2_OK || !name) return st;
  len = strlen(name);
  if (len > 1 && name[len - 1] == '.') len--;
  if (len && len < TERN__DOMAIN_MAX) {
    memcpy(out, name, len);
    out[len] = 0;
    st = TERN_OK;
  }
  idn2_free(name);
  return st;
}
