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

/* The lowest version that is taken, as its number on the wire (RFC 8446 4.2.1). */
#define TERN_TLS_1_2 0x0303u /* the default: there is none lower */
#define TERN_TLS_1_3 0x0304u /* with Mbed TLS 3.6; 2.28 has none */

/* ---- authorities, parsed once ----------------------------------------------------------------------*/

/* Certificates of authorities that several clients trust: what would cost each client's connect
 * the parsing of a whole store. Nothing is added while a client that has it is connected. Where
 * Mbed TLS was built without threads of its own (Debian's has them), it is one thread's at a time,
 * with its clients. */
typedef struct tern_tls_trust tern_tls_trust;

/* Trusts nobody yet. mem as for tern_client_new. NULL: no memory. */
TERN_API tern_tls_trust *tern_tls_trust_new(const tern_allocator *mem);
/* After every client that it was given to. trust may be NULL. */
TERN_API void tern_tls_trust_free(tern_tls_trust *trust);
/* Adds a PEM or DER file, or a folder of them; path NULL: the system's store. TERN_OK; TERN_E_CONFIG
 * (not to be read, or no certificate in it); TERN_E_TLS_NO_TRUST (the system has no store);
 * TERN_E_NOMEM; TERN_E_UNSUPPORTED in a build without TLS. After a failure it trusts those that it
 * did before, and perhaps some of what was to be added. */
TERN_API tern_status tern_tls_trust_add(tern_tls_trust *trust, const char *path);
/* The same from PEM in memory, not needed afterwards; NULL: TERN_E_ARGUMENT. */
TERN_API tern_status tern_tls_trust_add_pem(tern_tls_trust *trust, const char *pem);
/* Certificates in it. */
TERN_API uint32_t tern_tls_trust_count(const tern_tls_trust *trust);
/* A line about the last failure, "" for none; lent until the next call. */
TERN_API const char *tern_tls_trust_text(const tern_tls_trust *trust);

/* ---- the server's certificates ---------------------------------------------------------------------*/

/* What the server presented, whether it verified or not: its own certificate is index 0, then those
 * of authorities in the order they came, at most 16. All of it is the server's word until it has
 * been verified; texts have control octets replaced. Getters accept NULL and any index. */
typedef struct tern_tls_chain tern_tls_chain;

TERN_API uint32_t tern_tls_chain_count(const tern_tls_chain *chain);
/* The certificate as DER; NULL and 0 beyond the last. */
TERN_API const uint8_t *tern_tls_chain_der(const tern_tls_chain *chain, uint32_t index,
                                           size_t *len);
/* "CN=mx.example.net, O=Example"; "" where there is none, or none that fits 512 octets. */
TERN_API const char *tern_tls_chain_subject(const tern_tls_chain *chain, uint32_t index);
TERN_API const char *tern_tls_chain_issuer(const tern_tls_chain *chain, uint32_t index);
/* The DNS names and addresses of its subjectAltName, one by one; NULL beyond the last. */
TERN_API const char *tern_tls_chain_name(const tern_tls_chain *chain, uint32_t index,
                                         uint32_t name);
/* Its validity: seconds since 1970-01-01, UTC; 0 beyond the last. */
TERN_API uint64_t tern_tls_chain_not_before(const tern_tls_chain *chain, uint32_t index);
TERN_API uint64_t tern_tls_chain_not_after(const tern_tls_chain *chain, uint32_t index);
/* SHA-256 of its SubjectPublicKeyInfo, 32 octets, as tern_client_set_tls_pins takes it; NULL beyond
 * the last. */
TERN_API const uint8_t *tern_tls_chain_spki_sha256(const tern_tls_chain *chain, uint32_t index);

/* Called once in a handshake, when certificate, name and pins have been judged and before an octet
 * of SMTP or a secret follows. verdict: TERN_OK, or what speaks against the certificate (where that
 * ends the session it is not called, unless tern_client_set_tls_override is on); TERN_E_AGAIN: it
 * was not verified at all (TERN_VERIFY_NONE). chain is lent for the call. TERN_OK: as it would be without it. Else
 * the session ends with that status, as a negative one; others count as TERN_E_TLS_CERTIFICATE. */
typedef tern_status (*tern_tls_check)(void *user, tern_status verdict, const tern_tls_chain *chain);

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
 * tern_client_set_insecure, TERN_TLS_OPPORTUNISTIC, or with TLSA records, pins or a check. A ticket is offered once,
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
/* Adds what save wrote; octets of the caller's own keeping: without a secret, whoever can write them
 * can pose as the servers. TERN_OK; TERN_E_CONFIG: cut, altered, of another form or secret, nothing
 * was taken; TERN_E_NOMEM. Sessions of another release of Mbed TLS are found out when they are to be
 * used, and forgotten. */
TERN_API tern_status tern_tls_cache_load(tern_tls_cache *cache, const uint8_t *octets, size_t len);
/* What save writes is sealed with it (HMAC-SHA-256), and load takes nothing else. Not kept as it is;
 * len 0: none. TERN_E_ARGUMENT; TERN_E_NOMEM where cache is NULL. */
TERN_API tern_status tern_tls_cache_set_secret(tern_tls_cache *cache, const void *secret,
                                               size_t len);

#ifdef __cplusplus
}
#endif
#endif
