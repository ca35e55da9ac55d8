/* tls_mbedtls.h - what the files behind tls.h share; none but them includes it.
 *   tls_mbedtls.c  what Mbed TLS 2.28 and 3.x say differently, and what its codes mean
 *   tls_files.c    certificates and keys from files
 *   tls_trust.c    authorities, parsed once
 *   tls_session.c  set-up, handshake, getters
 *   tls_suites.c   versions and cipher suites that are offered
 *   tls_verify.c   the verdict over the server's certificate; dane.c its part of RFC 7672
 *   tls_judge.c    the last word: pins, the caller's check
 *   tls_chain.c    the server's certificates for the caller
 *   tls_binding.c  what binds an authentication to the session
 *   tls_resume.c   sessions taken up again; tls_cache.c keeps them
 *   tls_errors.c   what a failure is called
 *   tls_records.c  octets both ways: the table of tern__tls_transport */
#ifndef TERN_LIB_TRANSPORT_TLS_MBEDTLS_H
#define TERN_LIB_TRANSPORT_TLS_MBEDTLS_H

#include <mbedtls/version.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "transport/chain.h"
#include "transport/dane.h"
#include "transport/identity.h"
#include "transport/tls.h"
#include "transport/tls_cache.h"

#define TERN__MBED3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)
#if TERN__MBED3
#define TERN__FIELD(name) MBEDTLS_PRIVATE(name)
#else
#define TERN__FIELD(name) name
#endif

#define TERN__TLS_DETAIL 512u
#define TERN__TLS_STAGE 4096u       /* small spans gathered into one record */
#define TERN__TLS_DROUGHT 0x100000u /* octets of TLS in a handshake, or without any of SMTP */
#define TERN__TLS_RECORD 16384u     /* RFC 8446 5.1 */

#ifdef __GNUC__
#define TERN__FORMAT(at, first) __attribute__((format(printf, at, first)))
#else
#define TERN__FORMAT(at, first)
#endif

struct tern_tls_trust {
  const tern_allocator *mem;
  mbedtls_x509_crt chain;
  uint8_t shared;   /* the caller made it */
  uint8_t digested; /* digest holds for what is in it */
  uint8_t digest[TERN__TLS_KEY];
  char detail[256]; /* of the last failure */
};

struct tern__tls {
  const tern_allocator *mem;
  tern__link lower;
  tern_status ended;   /* of the handshake; TERN_E_AGAIN: under way */
  tern_status failed;  /* of the session behind it, sticky; TERN_OK: none */
  tern_status broken;  /* what the lower transport answered, neither AGAIN nor CLOSED; TERN_OK */
  tern_status verdict; /* over the server's certificate */
  uint32_t verify;
  uint32_t field;
  uint32_t waits; /* events that the lower transport needs after its last AGAIN */
  uint32_t read_waits, write_waits;
  uint32_t drought;
  size_t held;           /* octets in a record that was not written out whole */
  uint8_t heard;         /* something came from the peer */
  uint8_t plain;         /* and it was no TLS but text */
  uint8_t eof;           /* the lower transport has ended */
  uint8_t by_dane;       /* the records decide */
  uint8_t named; /* and bears one of the names */
  uint8_t leaf_seen;     /* the verification came as far as the server's own certificate */
  uint8_t tried;         /* the handshake has begun */
  uint8_t offered;       /* a session of the cache */
  uint8_t resumed;
  tern_tls_cache *cache; /* NULL: nothing is kept */
  uint8_t ticket_key[TERN__TLS_KEY];
  uint64_t until;        /* tern__tls_ticket's */
  tern__identity *names; /* that the certificate may bear; the first goes into SNI */
  size_t name_count;
  const tern_tlsa *tlsa;
  size_t tlsa_count;
  tern__dane_result dane;
  tern__trust *trust;
  tern__trust *own_trust;
  const uint8_t *pins;
  size_t pin_count;
  tern_tls_check check;
  void *check_user;
  uint8_t check_decides;
  uint8_t keep_chain;
  tern_tls_chain *chain; /* what the server presented, or NULL */
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config conf;
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context drbg;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  char host[256]; /* as asked for, harmless to print */
  char detail[TERN__TLS_DETAIL];
  uint8_t *stage;    /* small, or of TERN__TLS_RECORD once more than that was given at a time */
  size_t stage_size;
  uint8_t small[TERN__TLS_STAGE];
};

/* ---- tls_mbedtls.c ----------------------------------------------------------------------------*/
/* Starts what is global to Mbed TLS, and tls's random numbers. */
tern_status tern__mbed_start(tern__tls *tls);
/* Sets the lowest and the highest version, and switches off what SMTP has no use for. */
void tern__mbed_set_versions(mbedtls_ssl_config *conf, uint32_t least, uint32_t most);
int tern__mbed_has_tls13(void);
/* Asks for sessions that can be taken up again; whether this is one. */
void tern__mbed_want_tickets(mbedtls_ssl_config *conf);
int tern__mbed_can_resume(const mbedtls_ssl_session *session);
/* Answer what Mbed TLS does: 0, or its error. */
int tern__mbed_parse_key(tern__tls *tls, const uint8_t *octets, size_t len);
int tern__mbed_key_fits(tern__tls *tls);
int tern__mbed_is_nomem(int rc);
int tern__mbed_is_again(int rc);
int tern__mbed_is_ticket(int rc);
int tern__mbed_is_version_fault(int rc);
/* Whether the server's certificate was refused by rc, whatever it was that found fault. */
int tern__mbed_is_certificate_fault(int rc);
/* The number of the alert that came last, or -1; the MBEDTLS_SSL_... state of the handshake; octets
 * of a record that the lower transport has not taken. */
int tern__mbed_alert(const mbedtls_ssl_context *ssl);
int tern__mbed_state(const mbedtls_ssl_context *ssl);
size_t tern__mbed_unsent(const mbedtls_ssl_context *ssl);
/* Keying material of RFC 8446 7.5 without a context. 0: not under TLS 1.3, or not with this Mbed
 * TLS (before 3.6.3), or it failed. */
int tern__mbed_export(mbedtls_ssl_context *ssl, const char *label, uint8_t *out, size_t len);
/* The hash of the certificate's signature. */
mbedtls_md_type_t tern__mbed_signed_with(const mbedtls_x509_crt *crt);
/* Mbed TLS's own words; returns text. */
const char *tern__mbed_text(int rc, char *text, size_t cap);

/* ---- tls_files.c ------------------------------------------------------------------------------*/
/* A file's octets with a NUL behind them, which Mbed TLS wants after PEM; len counts it. */
typedef struct tern__pem {
  const tern_allocator *mem;
  uint8_t *octets;
  size_t cap;
  size_t len;
  int error; /* errno of what failed, or 0 */
} tern__pem;

/* Reads it whole, from a pipe too. TERN_OK, TERN_E_NOMEM, or TERN_E_CONFIG with *why, for which
 * number (at least 16 octets) may be used. */
tern_status tern__pem_read(const tern_allocator *mem, const char *path, tern__pem *f,
                           const char **why, char *number, size_t cap);
void tern__pem_free(tern__pem *f);
/* Adds what the file holds to chain. Some of a bundle may be of kinds unknown to Mbed TLS: one is
 * enough. TERN_OK, TERN_E_NOMEM, TERN_E_CONFIG. */
tern_status tern__pem_certificates(mbedtls_x509_crt *chain, const tern__pem *f);
/* The client's certificate and key into tls. TERN_E_CONFIG with field and detail. */
tern_status tern__tls_load_certificate(tern__tls *tls, const tern__tls_config *config);

/* ---- tls_verify.c -----------------------------------------------------------------------------*/
/* For mbedtls_ssl_conf_verify; user is the tern__tls. */
int tern__tls_on_certificate(void *user, mbedtls_x509_crt *crt, int depth, uint32_t *flags);
/* Takes what the handshake found beside the callback's verdict. */
void tern__tls_conclude(tern__tls *tls);
/* The status of Mbed TLS's flags, in the order of tls.h; TERN_OK. */
tern_status tern__tls_status_of(uint32_t flags);
/* Whether the certificate bears one of the names. */
int tern__tls_named(const mbedtls_x509_crt *crt, const tern__identity *names, size_t count);
/* Whether something speaks against the certificate. */
int tern__tls_refused(const tern__tls *tls);

/* ---- tls_suites.c -----------------------------------------------------------------------------*/
/* What config wants of both. TERN_OK, TERN_E_CONFIG with field and detail. */
tern_status tern__tls_set_versions(tern__tls *tls, const tern__tls_config *config);

/* ---- tls_judge.c ------------------------------------------------------------------------------*/
/* TERN_OK: the session may be used. Else it is over, and detail says why. */
tern_status tern__tls_judge(tern__tls *tls);

/* ---- tls_chain.c ------------------------------------------------------------------------------*/
/* Copies the certificates, the server's own first, unless that was done. leaf may be NULL. 0: no
 * memory. */
int tern__tls_chain_keep(tern__tls *tls, const mbedtls_x509_crt *leaf);

/* ---- tls_trust.c ------------------------------------------------------------------------------*/
/* What tells these authorities from others. */
const uint8_t *tern__trust_digest(tern__trust *trust);

/* ---- tls_resume.c -----------------------------------------------------------------------------*/
/* Whether, and under which key, sessions are kept. */
void tern__tls_resume_key(tern__tls *tls, const tern__tls_config *config);
/* The end of the server's certificate. */
void tern__tls_resume_note(tern__tls *tls, const mbedtls_x509_crt *leaf);
/* Before the handshake: gives Mbed TLS what the cache has. */
void tern__tls_resume_offer(tern__tls *tls);
/* Where a session can be taken up from now on: into the cache. */
void tern__tls_resume_keep(tern__tls *tls);

/* ---- tls_errors.c -----------------------------------------------------------------------------*/
/* What rc of a handshake, or of the session behind it, is called; detail is set. */
tern_status tern__tls_handshake_status(tern__tls *tls, int rc);
tern_status tern__tls_session_status(tern__tls *tls, int rc);
/* A fatal alert of the server. */
tern_status tern__tls_alert_status(tern__tls *tls);
/* Formats into out, or tls's detail, control octets replaced. */
void tern__tls_print(char *out, size_t cap, const char *format, ...) TERN__FORMAT(3, 4);
void tern__tls_say(tern__tls *tls, const char *format, ...) TERN__FORMAT(2, 3);

/* ---- tls_records.c ----------------------------------------------------------------------------*/
/* For mbedtls_ssl_set_bio; user is the tern__tls. */
int tern__tls_lower_read(void *user, unsigned char *octets, size_t cap);
int tern__tls_lower_write(void *user, const unsigned char *octets, size_t len);

#endif
