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

/* ---- sessions taken up again -----------------------------------------------------------------------*/

/* Remembers TLS sessions (tickets of TLS 1.2 and 1.3, session ids of 1.2), so that the next
 * connection to the same server needs neither certificates nor a signature. Kept by the host, the
 * port, the names asked for, the authorities and the client's certificate (these by their path or
 * PEM: clear it when a file of that path changes); at most 64, the newest, of 16 KiB. Only where the
 * certificate must verify: nothing is kept under TERN_VERIFY_OPTIONAL or _NONE,
 * tern_client_set_insecure, TERN_TLS_OPPORTUNISTIC, or with TLSA records. A ticket is offered once,
 * and not after its server's certificate has ended. */
typedef struct tern_tls_cache tern_tls_cache;

/* mem as for tern_client_new. NULL: no memory. */
TERN_API tern_tls_cache *tern_tls_cache_new(const tern_allocator *mem);
/* After every client that it was given to. cache may be NULL. */
TERN_API void tern_tls_cache_free(tern_tls_cache *cache);
TERN_API void tern_tls_cache_clear(tern_tls_cache *cache);
/* Sessions in it. */
TERN_API uint32_t tern_tls_cache_count(const tern_tls_cache *cache);
/* Writes all of it to out where cap is enough; returns how many octets it takes. They are secret:
 * who has them can read what such a session carries. */
TERN_API size_t tern_tls_cache_save(const tern_tls_cache *cache, uint8_t *out, size_t cap);
/* Adds what save wrote; octets of the caller's own keeping, whoever can change them can pose as the
 * servers. TERN_OK; TERN_E_ARGUMENT: not of that form, nothing was taken; TERN_E_NOMEM. Sessions of
 * another release of Mbed TLS are found out when they are to be used, and forgotten. */
TERN_API tern_status tern_tls_cache_load(tern_tls_cache *cache, const uint8_t *octets, size_t len);

#ifdef __cplusplus
}
#endif
#endif
