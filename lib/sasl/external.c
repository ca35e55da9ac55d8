/* external.c - EXTERNAL (RFC 4422 appendix A): the TLS client certificate says who we are; the
 * response is the identity to act as, or empty for the one that the certificate names. */
#include "sasl/mechanisms.h"
#include "sasl/pieces.h"

static void fill(const tern__sasl *sasl, tern__pieces *pieces)
{
  tern__pieces_add(pieces, sasl->credentials->authzid, TERN_NUL);
}

static tern_status begin(void *state, const tern_credentials *credentials, uint32_t *field)
{
  return tern__sasl_begin(state, credentials, fill, TERN__AUTHZID, field);
}

const tern_mechanism tern__external = {
  sizeof (tern_mechanism), "EXTERNAL", TERN_CRED_EXTERNAL, TERN_MECHANISM_FIRST,
  sizeof (tern__sasl), begin, tern__sasl_once, NULL, tern__sasl_response, tern__sasl_success,
};
