/* pieces.h - what the mechanisms share: responses made of borrowed pieces, checks of credentials.
 *
 * No response is ever assembled, nor a list of its pieces: a mechanism names them one after the other,
 * and the engine reads any part of what they spell. So a token or a password has no length limit of ours and no copy in memory. */
#ifndef TERN_LIB_SASL_PIECES_H
#define TERN_LIB_SASL_PIECES_H

#include <tern/sasl.h>

#include "base/config.h"
#include "base/hash.h"

/* No AUTH line carries more (RFC 4954 4: 12,288 octets of base64 for two identities); bounds the
 * work of escaping, which starts over at each piece of the response that is read. */
#define TERN__IDENTITY_MAX 4096u

/* Where the pieces of a response go, one after the other: the part of it that is wanted is copied. */
typedef struct tern__pieces {
  uint8_t *out; /* NULL: only counted */
  size_t offset, len; /* that part of the response */
  size_t at;          /* where in the response the next octet belongs */
  tern__hash *hash;   /* or NULL: takes everything, too */
} tern__pieces;

/* Begins; the octets from offset on go to out (NULL: none), at most len of them. */
void tern__pieces_begin(tern__pieces *pieces, uint8_t *out, size_t offset, size_t len);
/* Adds a piece; len TERN_NUL: up to the NUL; octets NULL: empty. */
void tern__pieces_add(tern__pieces *pieces, const void *octets, size_t len);
/* The same of a string, with "," as "=2C" and "=" as "=3D" (RFC 5801 4, RFC 5802 5.1). */
void tern__pieces_saslname(tern__pieces *pieces, const char *text);

/* What the state of every mechanism begins with. */
typedef struct tern__sasl tern__sasl;
struct tern__sasl {
  const tern_credentials *credentials;
  void (*fill)(const tern__sasl *sasl, tern__pieces *pieces); /* adds the pieces of this step */
  uint32_t step;
};

#define TERN__USER 1u /* the bits are in the order of TERN_FIELD_USER and what follows it */
#define TERN__PASSWORD 2u
#define TERN__TOKEN 4u
#define TERN__AUTHZID 8u
#define TERN__NO_CONTROL 16u

/* Begins: user, password and token have to be there where `uses` names them. An authzid may be,
 * and is refused where the mechanism cannot carry it: nobody acts as someone else unawares. */
tern_status tern__sasl_begin(tern__sasl *sasl, const tern_credentials *credentials,
                             void (*fill)(const tern__sasl *sasl, tern__pieces *pieces),
                             uint32_t uses, uint32_t *field);
/* Sets *response to the length of the response of this step; TERN_OK. */
tern_status tern__sasl_answer(const tern__sasl *sasl, size_t *response);
/* The `challenge` of a mechanism with one response, sent unasked. */
tern_status tern__sasl_once(void *state, const uint8_t *challenge, size_t len, size_t *response);
/* The `response` of every mechanism, and the `success` of those without a proof. */
void tern__sasl_response(void *state, size_t offset, uint8_t *out, size_t len);
tern_status tern__sasl_success(void *state);

#endif
