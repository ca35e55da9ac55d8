/* scram.c - SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677), bound to the channel (-PLUS) or not.
 *
 * All three messages and the AuthMessage are made of the same pieces (add_...). The server's
 * first message is borrowed: whatever needs it is computed before the proof is read, and only the
 * signature that the server has to show is kept. The key derivation is done in pieces by `work`.
 * A low iteration count is accepted, as servers with few exist and PLAIN would be no better. */
#include <string.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/config.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sasl/mechanisms.h"
#include "sasl/pieces.h"

/* What the strictest advice of today asks of stored SHA-256 passwords, and far over what mail
 * servers use (4,096 to 100,000). A hostile server can cost us a second or two, not an hour. */
#define TERN__SCRAM_ITERATIONS_MAX 600000u
#define TERN__SCRAM_WORK 512u /* iterations in one call of work: some milliseconds on a host */

#define BEGUN 0u
#define FIRST_SENT 1u
#define DERIVING 2u
#define FINAL_SENT 3u
#define PROVEN 4u
#define FAILED 5u /* the server said e=; it will say 535 too */

typedef struct scram {
  tern__sasl sasl;
  const uint8_t *first; /* the server's first message, borrowed; and the nonce in it */
  size_t first_len;
  const uint8_t *nonce;
  size_t nonce_len;
  uint32_t kind;
  uint32_t bound; /* by channel binding */
  char mine[24]; /* our part of the nonce */
  char proof[44];
  uint8_t signature[TERN__DIGEST_MAX];
  tern__pbkdf2 pbkdf2;
} scram;

typedef char scram_fits[sizeof (scram) <= TERN_SASL_STATE_SIZE ? 1 : -1];

/* Random octets in our nonce: as many as in the examples of RFC 5802 5 and RFC 7677 3, 120 bits
 * at the least; a multiple of three, so that its base64 is without "=". */
static size_t nonce_octets(const scram *s)
{
  return s->kind == TERN__SHA256 ? 15 : 18;
}

/* RFC 5802 7: gs2-cbind-flag. "y" tells a server that could bind that its offer has not arrived. */
static const char *binding_flag(const scram *s)
{
  const tern_credentials *c = s->sasl.credentials;

  if (!TERN__WITH_PLUS) return "n";
  if (s->bound) return "p=";
  return c->binding != NULL && !c->binding_offered ? "y" : "n";
}

/* gs2-header, and with `whole` what is bound to it in "c=" alone */
static void add_header(const scram *s, tern__pieces *pieces, int whole)
{
  const tern_credentials *c = s->sasl.credentials;
  int acts = c->authzid != NULL && c->authzid[0] != '\0';

  tern__pieces_add(pieces, binding_flag(s), TERN_NUL);
  if (TERN__WITH_PLUS && s->bound) tern__pieces_add(pieces, c->binding_type, TERN_NUL);
  tern__pieces_add(pieces, ",a=", acts ? 3 : 1);
  tern__pieces_saslname(pieces, c->authzid);
  tern__pieces_add(pieces, ",", 1);
  if (TERN__WITH_PLUS && whole && s->bound) tern__pieces_add(pieces, c->binding, c->binding_len);
}

/* That in base64, a piece at a time. */
static void add_channel(const scram *s, tern__pieces *pieces)
{
  uint8_t raw[24];
  char text[32];
  tern__pieces inner;
  size_t from = 0, n;

  do {
    tern__pieces_begin(&inner, raw, from, sizeof raw);
    add_header(s, &inner, 1);
    n = inner.at - from < sizeof raw ? inner.at - from : sizeof raw;
    tern__pieces_add(pieces, text, tern__base64_encode(text, raw, n));
    from += n;
  } while (from < inner.at);
}

/* client-first-message-bare */
static void add_first(const scram *s, tern__pieces *pieces)
{
  tern__pieces_add(pieces, "n=", 2);
  tern__pieces_saslname(pieces, s->sasl.credentials->user);
  tern__pieces_add(pieces, ",r=", 3);
  tern__pieces_add(pieces, s->mine, tern__base64_length(nonce_octets(s)));
}

/* client-final-message-without-proof */
static void add_final(const scram *s, tern__pieces *pieces)
{
  tern__pieces_add(pieces, "c=", 2);
  add_channel(s, pieces);
  tern__pieces_add(pieces, ",r=", 3);
  tern__pieces_add(pieces, s->nonce, s->nonce_len);
}

static void fill(const tern__sasl *sasl, tern__pieces *pieces)
{
  const scram *s = (const scram *)sasl;

  if (sasl->step < FINAL_SENT) {
    add_header(s, pieces, 0);
    add_first(s, pieces);
  } else if (sasl->step == FINAL_SENT) { /* what ends the exchange is answered with nothing */
    add_final(s, pieces);
    tern__pieces_add(pieces, ",p=", 3);
    tern__pieces_add(pieces, s->proof, tern__base64_length(tern__hash_size(s->kind)));
  }
}

static tern_status begin(scram *s, const tern_credentials *credentials, uint32_t *field)
{
  /* RFC 5802 5.1 and 2.2: both go through SASLprep, which knows no control characters. */
  tern_status status = tern__sasl_begin(
    &s->sasl, credentials, fill,
    TERN__USER | TERN__PASSWORD | TERN__AUTHZID | TERN__NO_CONTROL, field);
  uint8_t octets[18];

  if (status != TERN_OK) return status;
  if (TERN__WITH_PLUS && s->bound && (credentials->binding == NULL || credentials->binding_type == NULL))
    return TERN_E_CREDENTIALS;
  if (credentials->random == NULL ||
      credentials->random(credentials->callback_user, octets, nonce_octets(s)) != TERN_OK)
    return TERN_E_RANDOM;
  tern__base64_encode(s->mine, octets, nonce_octets(s));
  return TERN_OK;
}

#ifndef TERN_NO_SCRAM_SHA_256
static tern_status begin_sha256(void *state, const tern_credentials *credentials, uint32_t *field)
{
  ((scram *)state)->kind = TERN__SHA256;
  return begin(state, credentials, field);
}

#if TERN__WITH_PLUS
static tern_status begin_sha256_plus(void *state, const tern_credentials *credentials,
                                     uint32_t *field)
{
  ((scram *)state)->bound = 1;
  return begin_sha256(state, credentials, field);
}
#endif
#endif

#ifndef TERN_NO_SCRAM_SHA_1
static tern_status begin_sha1(void *state, const tern_credentials *credentials, uint32_t *field)
{
  ((scram *)state)->kind = TERN__SHA1;
  return begin(state, credentials, field);
}

#if TERN__WITH_PLUS
static tern_status begin_sha1_plus(void *state, const tern_credentials *credentials,
                                     uint32_t *field)
{
  ((scram *)state)->bound = 1;
  return begin_sha1(state, credentials, field);
}
#endif
#endif

/* RFC 5802 7: attr-val. Takes the attribute `name` (0: any extension) and the comma behind it off
 * the message; returns its value of at least one octet, or NULL: not there or malformed. "m" is no
 * extension to pass over: 5.1 wants the authentication to fail. */
static const uint8_t *attribute(const uint8_t **message, const uint8_t *end, char name, size_t *len)
{
  const uint8_t *p = *message, *value;

  if (end - p < 3 || p[1] != '=') return NULL;
  if (name != '\0' ? p[0] != (uint8_t)name : !tern__is_alpha(p[0]) || p[0] == 'm') return NULL;
  for (value = p += 2; p < end && *p != ','; p++)
    if (*p == '\0') return NULL;
  *len = (size_t)(p - value);
  if (*len == 0 || end - p == 1) return NULL; /* nothing, or a comma with nothing behind it */
  *message = p < end ? p + 1 : end;
  return value;
}

static int extensions_only(const uint8_t *p, const uint8_t *end)
{
  size_t len;

  while (p < end)
    if (attribute(&p, end, '\0', &len) == NULL) return 0;
  return 1;
}

/* RFC 5802 7: posit-number. 0: none, or over what we are willing to do. */
static uint32_t iteration_count(const uint8_t *p, size_t len)
{
  uint32_t count = 0;

  if (*p == '0') return 0;
  for (; len > 0; p++, len--) {
    if (!tern__is_digit(*p)) return 0;
    count = count * 10 + (uint32_t)(*p - '0');
    if (count > TERN__SCRAM_ITERATIONS_MAX) return 0;
  }
  return count;
}

/* Feeds the decoded salt to *hash, in chunks of which only the last may be padded. 0: malformed. */
static int add_salt(tern__hash *hash, const uint8_t *salt, size_t len)
{
  uint8_t raw[48];
  size_t n, got;

  for (; len > 0; salt += n, len -= n) {
    n = len < 64 ? len : 64;
    got = tern__base64_decode(raw, (const char *)salt, n);
    if (got > sizeof raw || (n < len && got < sizeof raw)) return 0;
    tern__hash_add(hash, raw, got);
  }
  return 1;
}

static tern_status server_first(scram *s, const uint8_t *message, size_t len)
{
  const uint8_t *p = message, *end = message + len, *salt, *count;
  size_t mine = tern__base64_length(nonce_octets(s)), salt_len = 0, count_len = 0, i;
  const char *password = s->sasl.credentials->password;
  uint32_t iterations;
  tern__hash hash;

  s->first = message;
  s->first_len = len;
  s->nonce = attribute(&p, end, 'r', &s->nonce_len);
  /* RFC 5802 5.1: ours, extended. 7: printable. */
  if (s->nonce == NULL || s->nonce_len <= mine || memcmp(s->nonce, s->mine, mine) != 0)
    return TERN_E_AUTH_CHALLENGE;
  for (i = mine; i < s->nonce_len; i++)
    if (s->nonce[i] < 33 || s->nonce[i] > 126) return TERN_E_AUTH_CHALLENGE;
  salt = attribute(&p, end, 's', &salt_len);
  count = attribute(&p, end, 'i', &count_len);
  if (salt == NULL || count == NULL || !extensions_only(p, end)) return TERN_E_AUTH_CHALLENGE;
  iterations = iteration_count(count, count_len);
  if (iterations == 0) return TERN_E_AUTH_CHALLENGE;
  tern__pbkdf2_begin(&s->pbkdf2, &hash, s->kind, password, strlen(password));
  if (!add_salt(&hash, salt, salt_len)) {
    tern__wipe(&hash, sizeof hash);
    return TERN_E_AUTH_CHALLENGE;
  }
  tern__pbkdf2_salted(&s->pbkdf2, &hash, iterations);
  s->sasl.step = DERIVING;
  return TERN_E_AGAIN;
}

/* HMAC with a key as long as a digest, of text or (NULL) of the AuthMessage; out may be secret. The
 * key's two halves take the place of those of the derivation, which has ended. */
static void sign(scram *s, tern__hash *hash, const uint8_t *secret, const char *text, uint8_t *out)
{
  tern__hmac_key *key = &s->pbkdf2.key;
  tern__pieces pieces;

  tern__hmac_key_set(key, hash, s->kind, secret, tern__hash_size(s->kind));
  tern__hmac_begin(hash, s->kind, key);
  if (text != NULL) {
    tern__hash_add(hash, text, strlen(text));
  } else {
    tern__pieces_begin(&pieces, NULL, 0, 0);
    pieces.hash = hash;
    add_first(s, &pieces);
    tern__pieces_add(&pieces, ",", 1);
    tern__pieces_add(&pieces, s->first, s->first_len);
    tern__pieces_add(&pieces, ",", 1);
    add_final(s, &pieces);
  }
  tern__hmac_end(hash, key, out);
}

/* RFC 5802 3: ClientProof and ServerSignature from SaltedPassword, which is then forgotten. */
static void prove(scram *s)
{
  uint8_t one[TERN__DIGEST_MAX], two[TERN__DIGEST_MAX];
  size_t i, size = tern__hash_size(s->kind);
  tern__hash hash;

  sign(s, &hash, s->pbkdf2.result, "Client Key", one);
  tern__hash_begin(&hash, s->kind);
  tern__hash_add(&hash, one, size);
  tern__hash_end(&hash, two);
  sign(s, &hash, two, NULL, two);
  for (i = 0; i < size; i++) one[i] ^= two[i];
  tern__base64_encode(s->proof, one, size);
  sign(s, &hash, s->pbkdf2.result, "Server Key", one);
  sign(s, &hash, one, NULL, s->signature);
  tern__wipe(one, sizeof one);
  tern__wipe(two, sizeof two);
  tern__wipe(&s->pbkdf2, sizeof s->pbkdf2);
}

static tern_status work(void *state, size_t *response)
{
  scram *s = state;

  if (s->sasl.step != DERIVING) return TERN_E_STATE;
  if (!tern__pbkdf2_work(&s->pbkdf2, TERN__SCRAM_WORK)) return TERN_E_AGAIN;
  prove(s);
  s->sasl.step = FINAL_SENT;
  return tern__sasl_answer(&s->sasl, response);
}

static tern_status server_final(scram *s, const uint8_t *message, size_t len)
{
  const uint8_t *end = message + len, *value;
  uint8_t shown[TERN__DIGEST_MAX + 1], differ = 0;
  size_t i, size = tern__hash_size(s->kind);

  value = attribute(&message, end, 'v', &len);
  if (value == NULL || !extensions_only(message, end) || len != tern__base64_length(size) ||
      tern__base64_decode(shown, (const char *)value, len) != size)
    return TERN_E_AUTH_CHALLENGE;
  for (i = 0; i < size; i++) differ |= shown[i] ^ s->signature[i]; /* in constant time */
  if (differ) return TERN_E_AUTH_PROOF;
  s->sasl.step = PROVEN;
  return TERN_OK;
}

static tern_status challenge(void *state, const uint8_t *octets, size_t len, size_t *response)
{
  scram *s = state;
  const uint8_t *p = octets;
  tern_status status = TERN_E_AUTH_CHALLENGE;
  size_t error_len;

  if (s->sasl.step == BEGUN && len == 0) {
    s->sasl.step = FIRST_SENT;
    status = TERN_OK;
  } else if (len > 0 && (s->sasl.step == FIRST_SENT || s->sasl.step == FINAL_SENT)) {
    if (attribute(&p, octets + len, 'e', &error_len) != NULL) {
      s->sasl.step = FAILED; /* RFC 5802 7: server-error; 535 follows once it is answered */
      status = TERN_OK;
    } else {
      status = s->sasl.step == FIRST_SENT ? server_first(s, octets, len)
                                          : server_final(s, octets, len);
    }
  }
  return status == TERN_OK ? tern__sasl_answer(&s->sasl, response) : status;
}

static tern_status success(void *state)
{
  return ((scram *)state)->sasl.step == PROVEN ? TERN_OK : TERN_E_AUTH_PROOF;
}

#ifndef TERN_NO_SCRAM_SHA_256
const tern_mechanism tern__scram_sha256 = {
  sizeof (tern_mechanism), "SCRAM-SHA-256", TERN_CRED_PASSWORD,
  TERN_MECHANISM_FIRST | TERN_MECHANISM_PROOF | TERN_MECHANISM_RANDOM, sizeof (scram),
  begin_sha256, challenge, work, tern__sasl_response, success,
};

#if TERN__WITH_PLUS
const tern_mechanism tern__scram_sha256_plus = {
  sizeof (tern_mechanism), "SCRAM-SHA-256-PLUS", TERN_CRED_PASSWORD,
  TERN_MECHANISM_FIRST | TERN_MECHANISM_PROOF | TERN_MECHANISM_RANDOM |
    TERN_MECHANISM_BOUND, sizeof (scram),
  begin_sha256_plus, challenge, work, tern__sasl_response, success,
};
#endif
#endif

#ifndef TERN_NO_SCRAM_SHA_1
const tern_mechanism tern__scram_sha1 = {
  sizeof (tern_mechanism), "SCRAM-SHA-1", TERN_CRED_PASSWORD,
  TERN_MECHANISM_FIRST | TERN_MECHANISM_PROOF | TERN_MECHANISM_RANDOM, sizeof (scram),
  begin_sha1, challenge, work, tern__sasl_response, success,
};

#if TERN__WITH_PLUS
const tern_mechanism tern__scram_sha1_plus = {
  sizeof (tern_mechanism), "SCRAM-SHA-1-PLUS", TERN_CRED_PASSWORD,
  TERN_MECHANISM_FIRST | TERN_MECHANISM_PROOF | TERN_MECHANISM_RANDOM |
    TERN_MECHANISM_BOUND, sizeof (scram),
  begin_sha1_plus, challenge, work, tern__sasl_response, success,
};
#endif
#endif
