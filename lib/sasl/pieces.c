/* pieces.c - what the mechanisms share: responses made of borrowed pieces, checks of credentials.
 *
 * Every mechanism of this room is built on it; it uses base64 of lib/base. Any part of a response
 * can be read in any order, since nothing is kept between two reads; the price is that the pieces
 * are walked from the first each time (hence TERN__IDENTITY_MAX). */
#include "sasl/pieces.h"

#include <string.h>

#include "base/config.h"

void tern__pieces_begin(tern__pieces *pieces, uint8_t *out, size_t offset, size_t len)
{
  memset(pieces, 0, sizeof *pieces);
  pieces->out = out;
  pieces->offset = offset;
  pieces->len = len;
}

void tern__pieces_add(tern__pieces *p, const void *octets, size_t len)
{
  size_t skip = p->at < p->offset ? p->offset - p->at : 0;
  size_t gone = p->at > p->offset ? p->at - p->offset : 0;

  if (octets == NULL) return;
  if (len == TERN_NUL) len = strlen(octets);
  p->at += len;
#if TERN__WITH_SCRAM
  if (p->hash != NULL) tern__hash_add(p->hash, octets, len);
#endif
  if (p->out == NULL || skip >= len || gone >= p->len) return;
  len -= skip;
  if (len > p->len - gone) len = p->len - gone;
  memcpy(p->out + gone, (const uint8_t *)octets + skip, len);
}

#if TERN__WITH_SCRAM || TERN__WITH_TOKEN
void tern__pieces_saslname(tern__pieces *pieces, const char *text)
{
  if (text == NULL) return;
  for (; *text != '\0'; text++)
    if (*text == ',')
      tern__pieces_add(pieces, "=2C", 3);
    else if (*text == '=')
      tern__pieces_add(pieces, "=3D", 3);
    else
      tern__pieces_add(pieces, text, 1);
}
#endif

tern_status tern__sasl_begin(tern__sasl *sasl, const tern_credentials *credentials,
                             void (*fill)(const tern__sasl *sasl, tern__pieces *pieces),
                             uint32_t uses, uint32_t *field)
{
  const char *value[4];
  uint32_t i;
  size_t n;

  value[0] = credentials->user;
  value[1] = credentials->password;
  value[2] = credentials->token;
  value[3] = credentials->authzid;
  sasl->credentials = credentials;
  sasl->fill = fill;
  for (i = 0; i < 4; i++) {
    uint32_t bit = 1u << i;
    int used = (uses & bit) != 0, given = value[i] != NULL && value[i][0] != '\0';

    *field = TERN_FIELD_USER + i;
    if (bit == TERN__AUTHZID ? given && !used : used && !given) return TERN_E_CREDENTIALS;
    if (!used || !given) continue;
    for (n = 0; value[i][n] != '\0'; n++) {
      uint8_t c = (uint8_t)value[i][n];

      if (c > 127 && !credentials->prepared) return TERN_E_CREDENTIALS;
      if ((c < 32 || c == 127) && (uses & TERN__NO_CONTROL)) return TERN_E_CREDENTIALS;
      if (n == TERN__IDENTITY_MAX && (bit & (TERN__USER | TERN__AUTHZID)))
        return TERN_E_CREDENTIALS;
    }
  }
  *field = TERN_FIELD_NONE;
  return TERN_OK;
}

tern_status tern__sasl_answer(const tern__sasl *sasl, size_t *response)
{
  tern__pieces pieces;

  tern__pieces_begin(&pieces, NULL, 0, 0);
  sasl->fill(sasl, &pieces);
  *response = pieces.at;
  return TERN_OK;
}

tern_status tern__sasl_once(void *state, const uint8_t *challenge, size_t len, size_t *response)
{
  tern__sasl *sasl = state;

  (void)challenge;
  if (len > 0 || sasl->step++ > 0) return TERN_E_AUTH_CHALLENGE;
  return tern__sasl_answer(sasl, response);
}

void tern__sasl_response(void *state, size_t offset, uint8_t *out, size_t len)
{
  const tern__sasl *sasl = state;
  tern__pieces pieces;

  tern__pieces_begin(&pieces, out, offset, len);
  sasl->fill(sasl, &pieces);
}

tern_status tern__sasl_success(void *state)
{
  (void)state;
  return TERN_OK;
}
