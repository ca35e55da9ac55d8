/* dkim_state.h - the state of a signer: dkim.c sets it, dkim_sign.c uses it, dkim_field.c writes. */
#ifndef TERN_LIB_MESSAGE_DKIM_STATE_H
#define TERN_LIB_MESSAGE_DKIM_STATE_H

#include <tern/dkim.h>

#include "base/error.h"
#include "message/dkim_canon.h"
#include "message/dkim_key.h"
#include "message/fields.h"
#include "message/inlet.h"
#include "message/text.h"

#define TERN__DKIM_SIGNATURES 8u
#define TERN__DKIM_NAMES 60u
#define TERN__DKIM_ORDER 250u

typedef struct tern__signature {
  char *domain, *selector, *identity;
  tern_dkim_sign sign; /* NULL: no key yet */
  void *sign_user;
  tern__dkim_key *key; /* of the library's own, or NULL */
  uint8_t algorithm, header, body; /* TERN_DKIM_... */
} tern__signature;

enum { TERN__SIGN_THERE, TERN__SIGN_OVER, TERN__SIGN_OVER_THERE };

/* A name of a field that is signed where it is there. */
typedef struct tern__signed_name {
  uint16_t at; /* in tern_dkim.names */
  uint8_t len;
  uint8_t how;
  uint16_t count; /* fields of that name in the message */
  uint16_t seen;  /* of them, in the run under way */
} tern__signed_name;

struct tern_dkim {
  const tern_allocator *mem;
  tern__signature signatures[TERN__DKIM_SIGNATURES];
  tern__signed_name signed_names[TERN__DKIM_NAMES];
  char *names; /* NULL: the default ones */
  uint64_t time;
  uint32_t lifetime;
  uint8_t signature_count, name_count;
  /* of the message */
  tern__inlet in;
  tern_content_info info;
  tern__fields fields;
  tern__canon header[2], body[2]; /* by TERN_DKIM_RELAXED, _SIMPLE */
  uint8_t body_digest[2][32];
  uint8_t order[TERN__DKIM_ORDER]; /* the h= of all: indexes into signed_names */
  uint8_t order_count;
  uint32_t capabilities; /* that it was signed for */
  char *out; /* the signature fields */
  size_t out_len;
  uint8_t state; /* of dkim_sign.c */
  tern_error error;
  char detail[120];
};

/* "From", ...: index into signed_names; TERN__DKIM_NAMES: not signed. */
uint32_t tern__dkim_lookup(const tern_dkim *d, const char *name, size_t len);
const char *tern__dkim_names(const tern_dkim *d);
/* What was made of a message is forgotten. */
void tern__dkim_forget(tern_dkim *d);
/* Fails with a status, a field and words (NULL: none), kept in the error. */
tern_status tern__dkim_fail(tern_dkim *d, tern_status status, uint32_t field, const char *problem);

/* The field of a signature up to and with "b=", without what follows the colon's left side:
 * "DKIM-Signature:" is in front, value_at its length. */
#define TERN__DKIM_FIELD "DKIM-Signature"
void tern__dkim_write(tern__text *t, const tern_dkim *d, const tern__signature *s);
/* The signature behind it, folded, with its line end. */
void tern__dkim_write_signature(tern__text *t, const uint8_t *signature, size_t len);

#endif
