/* tls.h - what a program may say about TLS, and what it learns of it.
 *
 * The settings themselves are those of a client (client.h). A handle here is one thread's at a time,
 * with all the clients that it was given to. */
#ifndef TERN_TLS_H
#define TERN_TLS_H

#include <tern/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How far the server's certificate decides. */
#define TERN_VERIFY_REQUIRED 0u /* a server that does not verify is refused: the default */
#define TERN_VERIFY_OPTIONAL 1u /* the verdict is kept, the session goes on */
#define TERN_VERIFY_NONE 2u     /* any certificate is taken, none is looked at */

/* ---- DANE (RFC 7672) -------------------------------------------------------------------------------*/

/* A TLSA record (RFC 6698 2.1) as the DNS gave it. Whether the answer was secure is the caller's to
 * know: only records of a secure answer may be given to a client. */
typedef struct tern_tlsa {
  uint8_t usage;    /* 2 (DANE-TA) or 3 (DANE-EE); others are not usable with SMTP */
  uint8_t selector; /* 0: the certificate; 1: its SubjectPublicKeyInfo */
  uint8_t matching; /* 0: whole; 1: SHA-256; 2: SHA-512 */
  const uint8_t *octets;
  size_t len;
} tern_tlsa;

/* What became of the records. */
#define TERN_TLSA_NONE 0u     /* there were none, or no certificate has come yet */
#define TERN_TLSA_UNUSABLE 1u /* none of them is usable: TLS, nothing verified (RFC 7672 2.2) */
#define TERN_TLSA_MATCHED 2u  /* one vouches for the server */
#define TERN_TLSA_FAILED 3u   /* none does: the session was refused */

#ifdef __cplusplus
}
#endif
#endif
