/* dkim.h - signs messages (DKIM: RFC 6376, 8301, 8463) while they are streamed.
 *
 * A filter: any message goes in as a tern_source (or octets), ready or composed, and comes out with
 * a DKIM-Signature field for each signature in front. What is signed is what leaves: line ends are
 * repaired before, 8bit, BDAT and transparency change nothing of it. The message is read twice, so
 * the source must rewind; memory does not depend on its size. The general rules are in
 * <tern/base.h>. */
#ifndef TERN_DKIM_H
#define TERN_DKIM_H

#include <tern/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_dkim tern_dkim;

/* NULL: no memory. mem is borrowed until free; NULL is malloc. Keys are wiped by free. */
TERN_API tern_dkim *tern_dkim_new(const tern_allocator *mem);
TERN_API void tern_dkim_free(tern_dkim *dkim);

/* ---- signatures: up to 8; those below are about the one added last -------------------------------
 * A call that fails changes nothing, and says why in tern_dkim_error. TERN_E_STATE: no signature
 * was added yet, or (all settings) a message is being read. */

/* Domain (d=, ASCII: A-labels) and selector (s=): the public key is at selector._domainkey.domain.
 * TERN_E_NAME; TERN_E_ARGUMENT: too many. */
TERN_API tern_status tern_dkim_add(tern_dkim *dkim, const char *domain, const char *selector);

#define TERN_DKIM_RSA_SHA256 0u
#define TERN_DKIM_ED25519_SHA256 1u /* RFC 8463 */

/* An RSA key of 1,024 to 8,192 bits, PEM (without passphrase) or DER; PKCS #1 or #8. It is read by
 * Mbed TLS, which has no Ed25519: for that, and for keys that never leave a device, there is
 * tern_dkim_set_signer. TERN_E_CONFIG: no key, not RSA, or too short (RFC 8301 3.2);
 * TERN_E_UNSUPPORTED in builds without TLS; TERN_E_RANDOM. */
TERN_API tern_status tern_dkim_set_key(tern_dkim *dkim, const void *key, size_t len);
/* The same from a file. TERN_E_UNSUPPORTED in builds without files. */
TERN_API tern_status tern_dkim_set_key_file(tern_dkim *dkim, const char *path);

/* A signer of the caller's. sign gets the SHA-256 digest (32 octets) of what is to be signed. For
 * RSA_SHA256 it makes a signature of RSASSA-PKCS1-v1_5 over it (with the DigestInfo of SHA-256),
 * for ED25519_SHA256 one of PureEdDSA whose message are those 32 octets. It writes at most cap
 * octets (1,024) and says how many. Its other answers end the mail as the cause of TERN_E_SOURCE. */
typedef tern_status (*tern_dkim_sign)(void *user, const uint8_t *digest, uint8_t *signature,
                                      size_t cap, size_t *len);
/* TERN_E_ARGUMENT. */
TERN_API tern_status tern_dkim_set_signer(tern_dkim *dkim, uint32_t algorithm, tern_dkim_sign sign,
                                          void *user);

#define TERN_DKIM_RELAXED 0u
#define TERN_DKIM_SIMPLE 1u
/* Canonicalization of header and body (RFC 6376 3.4); relaxed for both is the default. */
TERN_API tern_status tern_dkim_set_canonicalization(tern_dkim *dkim, uint32_t header,
                                                    uint32_t body);
/* i=: "local@sub.example.org" or "@sub.example.org", in the domain or below it; NULL: left out.
 * TERN_E_ADDRESS. */
TERN_API tern_status tern_dkim_set_identity(tern_dkim *dkim, const char *identity);

/* ---- of all signatures ---------------------------------------------------------------------------*/
/* Names of header fields, "From:Subject:To": those that a message has are signed, all of them of a
 * name. Behind a "+" a name is over-signed too: adding a further field of that name breaks the
 * signature. "?" does that where the message has the field. From must be among them. The
 * default: +From:?Sender:+Reply-To:+Subject:?Date:?Message-ID:+To:+Cc:?MIME-Version:?Content-Type:
 * ?Content-Transfer-Encoding:In-Reply-To:References:List-Id:List-Help:List-Unsubscribe:
 * List-Unsubscribe-Post:List-Subscribe:List-Post:List-Owner:List-Archive:Auto-Submitted (RFC 6376
 * 5.4.1, RFC 8058 4). TERN_E_ARGUMENT: no such list, a name twice or over 76 octets,
 * over 60 of them, no From. */
TERN_API tern_status tern_dkim_set_fields(tern_dkim *dkim, const char *names);
/* When the signature is made, in seconds since 1970 UTC (t=); 0: not told, the default. */
TERN_API tern_status tern_dkim_set_time(tern_dkim *dkim, uint64_t seconds);
/* How long it is good, in seconds (x=); 0: no end, the default. Needs the time. */
TERN_API tern_status tern_dkim_set_lifetime(tern_dkim *dkim, uint32_t seconds);

/* ---- the message -----------------------------------------------------------------------------------
 * Borrowed until the next of these calls or free; one handle signs any number of messages, one after
 * the other. TERN_E_ARGUMENT; TERN_E_REWIND. */
TERN_API tern_status tern_dkim_set_source(tern_dkim *dkim, const tern_source *source, void *user);
TERN_API tern_status tern_dkim_set_octets(tern_dkim *dkim, const void *octets, size_t len);

/* The table for which `user` is a tern_dkim. The first pass is made by prepare, which tells the
 * message's source first what the server can do, or by the first read; it is not made again for the
 * same source and capabilities. Its failures: TERN_E_CONTENT: a header that is none, has no From,
 * several, or more than 250 fields to sign; TERN_E_STATE: no signature, no key, or no message; those
 * of the source and of the signer. TERN_E_AGAIN of the source ends it too: a message must be there.
 * Length and flags are known behind prepare. Static. */
TERN_API const tern_source *tern_dkim_source(void);

/* Of the last call that failed, the reading included; NULL before. */
TERN_API const tern_error *tern_dkim_error(const tern_dkim *dkim);

#ifdef __cplusplus
}
#endif
#endif
