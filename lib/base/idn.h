/* idn.h - internationalised domains as A-labels (RFC 5891). */
#ifndef TERN_LIB_BASE_IDN_H
#define TERN_LIB_BASE_IDN_H

#include <tern/base.h>

#define TERN__DOMAIN_MAX 254u /* octets of a domain in ASCII, its NUL included */

/* Writes domain with its IDN labels as A-labels; in the file of the build with libidn2, or that of
 * the one without. TERN_E_ADDRESS, TERN_E_UNSUPPORTED. */
tern_status tern__domain_to_ascii(const char *domain, char out[TERN__DOMAIN_MAX]);

#endif
