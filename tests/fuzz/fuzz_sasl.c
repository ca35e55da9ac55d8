/* fuzz_sasl.c - every mechanism against a server that says anything.
 *
 * Input: the mechanism, what the credentials are (SET_...), then pieces of one octet of length and
 * so many octets: user and secret if they are to be set, then one challenge each. Challenges are
 * blocks of their exact size, given back once the response was read. Work is cut off early. */
#include <stdlib.h>
#include <string.h>

#include "sasl/mechanisms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SET_USER 1u
#define SET_SECRET 2u
#define SET_AUTHZID 4u
#define SET_HOST 8u
#define SET_PREPARED 16u
#define WORK_MAX 12 /* the corpus has 4,096 iterations */

/* The nonces of RFC 5802 5 and RFC 7677 3, so that the corpus gets to the end of the exchange. */
static tern_status examples(void *user, uint8_t *out, size_t len)
{
  static const uint8_t long_one[18] = {0x7f, 0x29, 0x28, 0xf9, 0xdd, 0xa5, 0x6d, 0xb1, 0x60,
                                       0x38, 0xd4, 0x6f, 0xf6, 0xa9, 0x31, 0x75, 0xac, 0x0b};
  static const uint8_t short_one[15] = {0xac, 0xea, 0x6b, 0x34, 0x67, 0xf0, 0x11, 0xb7,
                                        0x91, 0x5a, 0x06, 0xcd, 0x12, 0x4a, 0x8e};

  (void)user;
  memcpy(out, len == sizeof long_one ? long_one : short_one, len);
  return TERN_OK;
}

/* The next piece as a block of its own, ended by a NUL that its length does not count. */
static char *next(const uint8_t **data, size_t *size, size_t *len)
{
  char *piece;

  *len = *size > 0 ? (*data)[0] : 0;
  if (*size > 0) ++*data, --*size;
  if (*len > *size) *len = *size;
  piece = malloc(*len + 1);
  if (piece == NULL) abort();
  if (*len > 0) memcpy(piece, *data, *len);
  piece[*len] = '\0';
  *data += *len;
  *size -= *len;
  return piece;
}

/* The response read whole is the response read in two. */
static void read_response(const tern_mechanism *m, void *state, size_t len)
{
  uint8_t *whole = malloc(len + 1), *parts = malloc(len + 1);
  size_t half = len / 3;

  if (whole == NULL || parts == NULL) abort();
  m->response(state, 0, whole, len);
  m->response(state, half, parts + half, len - half);
  m->response(state, 0, parts, half);
  if (memcmp(whole, parts, len) != 0) abort();
  free(whole);
  free(parts);
}

static void talk(const tern_mechanism *m, void *state, const uint8_t *data, size_t size)
{
  int initial = (m->flags & TERN_MECHANISM_FIRST) != 0;
  tern_status status = TERN_OK;

  while (status == TERN_OK && (initial || size > 0)) {
    size_t len = 0, response = 0;
    uint8_t *challenge = NULL;
    int work = 0;

    if (!initial) {
      char *piece = next(&data, &size, &len);

      challenge = malloc(len > 0 ? len : 1); /* without the NUL */
      if (challenge == NULL) abort();
      memcpy(challenge, piece, len);
      free(piece);
    }
    initial = 0;
    status = m->challenge(state, challenge, len, &response);
    while (status == TERN_E_AGAIN && ++work <= WORK_MAX) status = m->work(state, &response);
    if (status == TERN_OK)
      read_response(m, state, response);
    else if (status != TERN_E_AGAIN && status != TERN_E_AUTH_CHALLENGE &&
             status != TERN_E_AUTH_PROOF)
      abort();
    free(challenge);
  }
  if (status == TERN_E_AUTH_PROOF && m->success(state) == TERN_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const tern_mechanism *m;
  tern_credentials c;
  char *user = NULL, *secret = NULL;
  uint32_t set, field = TERN_FIELD_NONE;
  void *state;
  size_t len;

  if (size < 2) return 0;
  for (len = 0; tern_mechanisms()[len] != NULL; len++) continue;
  m = tern_mechanisms()[data[0] % len];
  set = data[1];
  data += 2;
  size -= 2;
  memset(&c, 0, sizeof c);
  c.size = sizeof c;
  if (set & SET_USER) user = next(&data, &size, &len);
  if (set & SET_SECRET) secret = next(&data, &size, &len);
  c.user = user != NULL ? user : "user";
  c.password = c.token = secret != NULL ? secret : "pencil";
  /* with both, whatever the fuzzer makes of the user is the authzid as well */
  c.authzid = set & SET_AUTHZID ? c.user : NULL;
  c.host = set & SET_HOST ? "mail.example" : NULL;
  c.port = set & SET_HOST ? 587 : 0;
  c.prepared = set & SET_PREPARED;
  c.random = examples;
  c.binding_type = "tls-exporter";
  c.binding = (const uint8_t *)"0123456789abcdef0123456789abcdef";
  c.binding_len = 32;
  c.binding_offered = set & SET_HOST;
  state = calloc(1, m->state_size);
  if (state == NULL) abort();
  if (m->begin(state, &c, &field) == TERN_OK)
    talk(m, state, data, size);
  else if (field == TERN_FIELD_NONE)
    abort();
  free(state);
  free(user);
  free(secret);
  return 0;
}
