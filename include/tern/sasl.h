/* sasl.h - credentials, and the interface of an authentication mechanism (RFC 4422, RFC 4954).
 *
 * A program only fills tern_credentials. A mechanism of one's own is a tern_mechanism whose table
 * is given to tern_session_set_mechanisms / tern_client_set_mechanisms. */
#ifndef TERN_SASL_H
#define TERN_SASL_H

#include <tern/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a credential can be; a mechanism names the one it needs. */
#define TERN_CRED_PASSWORD 1u /* user and password */
#define TERN_CRED_TOKEN 2u    /* user and an OAuth 2 bearer token */
#define TERN_CRED_EXTERNAL 4u /* the TLS client certificate */

typedef struct tern_credentials tern_credentials;
struct tern_credentials {
  size_t size;           /* sizeof (tern_credentials) */
  const char *user;      /* authentication identity; NULL or "" only with EXTERNAL */
  const char *password;  /* or NULL */
  const char *token;     /* or NULL */
  const char *authzid;   /* authorization identity; NULL: that of the user */
  const char *mechanism; /* only this one, obeyed exactly; NULL: the strongest that fits */
  const char *host;      /* for OAUTHBEARER, or NULL */
  uint32_t port;
  uint32_t kinds; /* TERN_CRED_...: what is given here */
  /* user, password and authzid went through SASLprep (RFC 4013) already; without it, those with
   * octets over 127 are refused with TERN_E_CREDENTIALS. */
  uint32_t prepared;
  /* Called when AUTH is about to begin (expired 0), and once more after the server refused them
   * (expired 1): may fill the fields above anew (a token just refreshed). NULL: as they are.
   * What it returns other than TERN_OK ends the session as that status. */
  tern_status (*ask)(void *user, uint32_t expired, tern_credentials *self);
  /* len random octets; NULL: mechanisms that need them (SCRAM) are passed over, or, where named
   * or alone, fail with TERN_E_RANDOM. */
  tern_status (*random)(void *user, uint8_t *out, size_t len);
  void *callback_user;
  /* Channel binding (RFC 5056): what both ends of the TLS session below can compute and nobody
   * between them. Type "tls-exporter" (RFC 9266) or "tls-server-end-point" (RFC 5929) and its
   * octets; NULL: none, and mechanisms with -PLUS are passed over. A tern_client fills them in. */
  const char *binding_type;
  const uint8_t *binding;
  size_t binding_len;
  uint32_t binding_offered; /* set by the engine: the server offers a mechanism with -PLUS */
};

#define TERN_MECHANISM_PLAINTEXT 1u /* the server, or who listens, learns the secret itself */
#define TERN_MECHANISM_FIRST 2u     /* the client speaks first: an initial response exists */
#define TERN_MECHANISM_PROOF 4u     /* the server proves that it knows the secret */
#define TERN_MECHANISM_RANDOM 8u    /* needs tern_credentials.random */
#define TERN_MECHANISM_BOUND 32u    /* needs tern_credentials.binding; where such a mechanism was
                                       refused, no unbound one sees the password */
#define TERN_MECHANISM_PROMPT 16u   /* a challenge's text means nothing; need not be base64 */

typedef struct tern_mechanism {
  size_t size;      /* sizeof (tern_mechanism) */
  const char *name; /* as in EHLO, upper case, at most 20 octets (RFC 4422 3.1) */
  uint32_t kind;    /* one of TERN_CRED_... */
  uint32_t flags;   /* TERN_MECHANISM_... */
  size_t state_size; /* octets of state, at most TERN_SASL_STATE_SIZE, zeroed before begin, wiped by
                        the engine afterwards */
  /* credentials are borrowed until the exchange has ended. Checks them for what the mechanism
   * forbids (NUL, 0x01, ...): TERN_E_CREDENTIALS with *field naming which. */
  tern_status (*begin)(void *state, const tern_credentials *credentials, uint32_t *field);
  /* The decoded challenge, borrowed until response has been read to its end. For a mechanism that
   * speaks first it is called once with challenge NULL to make the initial response. Sets the
   * exact length of the response. TERN_E_AGAIN: call `work` until it is TERN_OK, then the response
   * is there. TERN_E_AUTH_CHALLENGE: malformed, the exchange is cancelled with "*".
   * TERN_E_AUTH_PROOF: the server's proof is wrong. */
  tern_status (*challenge)(void *state, const uint8_t *challenge, size_t len, size_t *response);
  /* One bounded piece of a long computation. TERN_E_AGAIN: more to do. Sets *response at the end.
   * NULL where challenge never answers TERN_E_AGAIN. */
  tern_status (*work)(void *state, size_t *response);
  /* Copies len octets of the response from offset on; any order, any number of times. */
  void (*response)(void *state, size_t offset, uint8_t *out, size_t len);
  /* The server said 235: TERN_OK; TERN_E_AUTH_PROOF where its proof is still missing,
   * TERN_E_REPLY_UNEXPECTED where it was not yet told what it would have to check. */
  tern_status (*success)(void *state);
} tern_mechanism;

/* The mechanisms built in, strongest first, ended by NULL: SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS,
 * SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, OAUTHBEARER, XOAUTH2, EXTERNAL, PLAIN, LOGIN. */
TERN_API const tern_mechanism *const *tern_mechanisms(void);

/* The octets of state that the largest mechanism built in needs; it is taken from the session's
 * out buffer while AUTH runs. */
#define TERN_SASL_STATE_SIZE (240u + 8u * sizeof (void *))

#ifdef __cplusplus
}
#endif
#endif
