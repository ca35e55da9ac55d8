/* oauth.c - OAUTHBEARER (RFC 7628) and XOAUTH2, its elder as Google and Microsoft define it.
 *
 * Both speak once. A refusal comes as a challenge with JSON, which the engine keeps for the
 * caller; it is answered as each of the two wants, and then the server says 535. */
#include "base/ascii.h"
#include "base/config.h"
#include "sasl/mechanisms.h"
#include "sasl/pieces.h"

#define SENT 1u
#define REFUSED 2u

typedef struct oauth {
  tern__sasl sasl;
  uint32_t bearer; /* OAUTHBEARER */
  uint32_t digits;
  char port[20];
} oauth;

static void fill(const tern__sasl *sasl, tern__pieces *pieces)
{
  const oauth *o = (const oauth *)sasl;
  const tern_credentials *c = sasl->credentials;

  if (sasl->step == REFUSED) { /* RFC 7628 3.2.3: ^A; XOAUTH2: empty */
    tern__pieces_add(pieces, "\001", o->bearer);
    return;
  }
  if (o->bearer) { /* RFC 7628 3.1: the identity to act as stands in the gs2 header */
    int other = c->authzid != NULL && c->authzid[0] != '\0';

    tern__pieces_add(pieces, "n,a=", 4);
    tern__pieces_saslname(pieces, other ? c->authzid : c->user);
    tern__pieces_add(pieces, ",", 1);
    if (c->host != NULL && c->host[0] != '\0') {
      tern__pieces_add(pieces, "\001host=", 6);
      tern__pieces_add(pieces, c->host, TERN_NUL);
    }
    if (o->digits > 0) {
      tern__pieces_add(pieces, "\001port=", 6);
      tern__pieces_add(pieces, o->port, o->digits);
    }
  } else {
    tern__pieces_add(pieces, "user=", 5);
    tern__pieces_add(pieces, c->user, TERN_NUL);
  }
  tern__pieces_add(pieces, "\001auth=Bearer ", 13);
  tern__pieces_add(pieces, c->token, TERN_NUL);
  tern__pieces_add(pieces, "\001\001", 2);
}

/* RFC 6750 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" */
static int is_token(const char *token)
{
  const char *p = token;

  while (tern__is_alpha((uint8_t)*p) || tern__is_digit((uint8_t)*p) ||
         (*p >= '+' && *p <= '/' && *p != ',') || *p == '_' || *p == '~')
    p++;
  if (p == token) return 0;
  while (*p == '=') p++;
  return *p == '\0';
}

static tern_status begin(void *state, const tern_credentials *credentials, uint32_t *field)
{
  tern_status status = tern__sasl_begin(
    state, credentials, fill,
    TERN__USER | TERN__TOKEN | TERN__NO_CONTROL | (((oauth *)state)->bearer ? TERN__AUTHZID : 0),
    field);

  if (status == TERN_OK && !is_token(credentials->token)) {
    *field = TERN_FIELD_TOKEN;
    status = TERN_E_CREDENTIALS;
  }
  return status;
}

static tern_status challenge(void *state, const uint8_t *octets, size_t len, size_t *response)
{
  oauth *o = state;

  (void)octets;
  if (o->sasl.step > SENT || (o->sasl.step < SENT && len > 0)) return TERN_E_AUTH_CHALLENGE;
  o->sasl.step++;
  return tern__sasl_answer(&o->sasl, response);
}

#ifndef TERN_NO_OAUTHBEARER
/* RFC 7628 3.1: a value is anything but NUL and ^A; what a host name never has is refused. */
static int is_host(const char *host)
{
  while (*host > 32 && *host < 127) host++;
  return *host == '\0';
}

static tern_status begin_bearer(void *state, const tern_credentials *credentials, uint32_t *field)
{
  oauth *o = state;
  tern_status status;

  o->bearer = 1;
  status = begin(state, credentials, field);
  if (status != TERN_OK) return status;
  if (credentials->host != NULL && !is_host(credentials->host)) {
    *field = TERN_FIELD_URL_HOST;
    return TERN_E_CREDENTIALS;
  }
  if (credentials->port > 65535) {
    *field = TERN_FIELD_URL_PORT;
    return TERN_E_CREDENTIALS;
  }
  if (credentials->port > 0) o->digits = (uint32_t)tern__decimal(credentials->port, o->port);
  return TERN_OK;
}

const tern_mechanism tern__oauthbearer = {
  sizeof (tern_mechanism), "OAUTHBEARER", TERN_CRED_TOKEN,
  TERN_MECHANISM_PLAINTEXT | TERN_MECHANISM_FIRST, sizeof (oauth),
  begin_bearer, challenge, NULL, tern__sasl_response, tern__sasl_success,
};
#endif

#ifndef TERN_NO_XOAUTH2
const tern_mechanism tern__xoauth2 = {
  sizeof (tern_mechanism), "XOAUTH2", TERN_CRED_TOKEN,
  TERN_MECHANISM_PLAINTEXT | TERN_MECHANISM_FIRST, sizeof (oauth),
  begin, challenge, NULL, tern__sasl_response, tern__sasl_success,
};
#endif
