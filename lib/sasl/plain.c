/* plain.c - PLAIN (RFC 4616): authzid NUL user NUL password, in one response. */
#include "sasl/mechanisms.h"
#include "sasl/pieces.h"

static void fill(const tern__sasl *sasl, tern__pieces *pieces)
{
  const tern_credentials *c = sasl->credentials;

  tern__pieces_add(pieces, c->authzid, TERN_NUL);
  tern__pieces_add(pieces, "", 1);
  tern__pieces_add(pieces, c->user, TERN_NUL);
  tern__pieces_add(pieces, "", 1);
  tern__pieces_add(pieces, c->password, TERN_NUL);
}

static tern_status begin(void *state, const tern_credentials *credentials, uint32_t *field)
{
  return tern__sasl_begin(state, credentials, fill, TERN__USER | TERN__PASSWORD | TERN__AUTHZID,
                          field);
}

const tern_mechanism tern__plain = {
  sizeof (tern_mechanism), "PLAIN", TERN_CRED_PASSWORD,
  TERN_MECHANISM_PLAINTEXT | TERN_MECHANISM_FIRST, sizeof (tern__sasl),
  begin, tern__sasl_once, NULL, tern__sasl_response, tern__sasl_success,
};
