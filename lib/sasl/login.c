/* login.c - LOGIN (draft-murchison-sasl-login): the user at the first prompt, the password at the
 * second, whatever their texts say, as they differ between servers and languages. Some servers
 * take the user as an initial response, but none is owed one, so the server speaks first. */
#include "sasl/mechanisms.h"
#include "sasl/pieces.h"

static void fill(const tern__sasl *sasl, tern__pieces *pieces)
{
  const tern_credentials *c = sasl->credentials;

  tern__pieces_add(pieces, sasl->step == 1 ? c->user : c->password, TERN_NUL);
}

static tern_status begin(void *state, const tern_credentials *credentials, uint32_t *field)
{
  return tern__sasl_begin(state, credentials, fill, TERN__USER | TERN__PASSWORD, field);
}

static tern_status prompt(void *state, const uint8_t *challenge, size_t len, size_t *response)
{
  tern__sasl *sasl = state;

  (void)challenge;
  (void)len;
  if (sasl->step == 2) return TERN_E_AUTH_CHALLENGE;
  sasl->step++;
  return tern__sasl_answer(sasl, response);
}

/* Without the password nothing was checked, whatever the server says. */
static tern_status success(void *state)
{
  return ((tern__sasl *)state)->step < 2 ? TERN_E_REPLY_UNEXPECTED : TERN_OK;
}

const tern_mechanism tern__auth_login = {
  sizeof (tern_mechanism), "LOGIN", TERN_CRED_PASSWORD, TERN_MECHANISM_PLAINTEXT,
  sizeof (tern__sasl), begin, prompt, NULL, tern__sasl_response, success,
};
