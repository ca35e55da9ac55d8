/* prep.h - SASLprep (RFC 4013) of what is not ASCII. host builds only: needs libidn. */
#ifndef TERN_LIB_SASL_PREP_H
#define TERN_LIB_SASL_PREP_H

#include <stddef.h>
#include <tern/base.h>

/* Writes the prepared form of `in` with its NUL to out. TERN_E_CREDENTIALS: not UTF-8, or has what
 * the profile prohibits; TERN_E_BUFFER: longer than cap - 1 octets. Then out is wiped. */
tern_status tern__saslprep(const char *in, char *out, size_t cap);

#endif
