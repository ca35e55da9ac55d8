/* cram_md5.c - CRAM-MD5 (RFC 2195): user, a space, and the HMAC-MD5 of the challenge in hex.
 *
 * The password itself stays here, but whoever listens can try passwords against what is sent, and
 * the server proves nothing. An empty challenge is refused: its answer could be replayed. */
#include "base/hash.h"
#include "base/mem.h"
#include "sasl/mechanisms.h"
#include "sasl/pieces.h"

#include <string.h>

typedef struct cram {
  tern__sasl sasl;
  char hex[32];
  tern__hmac_key key; /* here and not on the stack: devices have little of it */
  tern__hash hash;
} cram;

typedef char cram_fits[sizeof (cram) <= TERN_SASL_STATE_SIZE ? 1 : -1];

static void fill(const tern__sasl *sasl, tern__pieces *pieces)
{
  /* A user with spaces is no trouble: the digest is what follows the last one. */
  tern__pieces_add(pieces, sasl->credentials->user, TERN_NUL);
  tern__pieces_add(pieces, " ", 1);
  tern__pieces_add(pieces, ((const cram *)sasl)->hex, 32);
}

static tern_status begin(void *state, const tern_credentials *credentials, uint32_t *field)
{
  return tern__sasl_begin(state, credentials, fill, TERN__USER | TERN__PASSWORD, field);
}

static tern_status challenge(void *state, const uint8_t *octets, size_t len, size_t *response)
{
  static const char digit[] = "0123456789abcdef";
  cram *c = state;
  const char *password = c->sasl.credentials->password;
  uint8_t digest[TERN__DIGEST_MAX];
  size_t i;

  if (len == 0 || c->sasl.step++ > 0) return TERN_E_AUTH_CHALLENGE;
  tern__hmac_key_set(&c->key, &c->hash, TERN__MD5, password, strlen(password));
  tern__hmac_begin(&c->hash, TERN__MD5, &c->key);
  tern__hash_add(&c->hash, octets, len);
  tern__hmac_end(&c->hash, &c->key, digest);
  tern__wipe(&c->key, sizeof c->key);
  for (i = 0; i < 32; i++) c->hex[i] = digit[digest[i >> 1] >> (i & 1 ? 0 : 4) & 15];
  return tern__sasl_answer(&c->sasl, response);
}

/* Without the answer nothing was checked, whatever the server says. */
static tern_status success(void *state)
{
  return ((cram *)state)->sasl.step == 0 ? TERN_E_REPLY_UNEXPECTED : TERN_OK;
}

const tern_mechanism tern__cram_md5 = {
  sizeof (tern_mechanism), "CRAM-MD5", TERN_CRED_PASSWORD, 0, sizeof (cram),
  begin, challenge, NULL, tern__sasl_response, success,
};
