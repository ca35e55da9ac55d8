/* tls.h - TLS as a transport over a transport. The tls_*.c of tls_mbedtls.h are behind it, or
 * tls_none.c, in which
 * everything answers TERN_E_UNSUPPORTED.
 *
 *   st = tern__tls_new(mem, &config, &tls);          (TERN_OK, or ended; see below)
 *   while ((st = tern__tls_handshake_step(tls)) == TERN_E_AGAIN)
 *     wait for tern__tls_events(tls) on the lower transport;
 *   tern__link link = {tern__tls_transport(), tls};
 */
#ifndef TERN_LIB_TRANSPORT_TLS_H
#define TERN_LIB_TRANSPORT_TLS_H

#include <tern/tls.h>

#include "transport/transport.h"

#define TERN__TLS_VERIFY_REQUIRED TERN_VERIFY_REQUIRED /* an unverified server fails the handshake */
#define TERN__TLS_VERIFY_OPTIONAL TERN_VERIFY_OPTIONAL
#define TERN__TLS_VERIFY_NONE TERN_VERIFY_NONE

typedef struct tern__tls tern__tls;

/* Certificates that are trusted, parsed once; may be shared by the connections of one thread. */
typedef tern_tls_trust tern__trust;

#define TERN__TLS_PIN 32u        /* octets of a pin */
#define TERN__TLS_SUITES_MAX 64u

typedef struct tern__tls_config {
  tern__link lower;   /* connected; borrowed until close */
  const char *name;   /* the host that the certificate must bear: a DNS name, or an IP address with
                        or without []; copied. NULL: no certificate fits */
  const char *const *names; /* others, any of which will do as well; copied. SNI carries name alone */
  size_t name_count;
  uint32_t verify;    /* TERN__TLS_VERIFY_... */
  const tern_tlsa *tlsa; /* where one is usable, they decide instead of verify and authorities; else
                            they count for nothing. Borrowed with their octets until free */
  size_t tlsa_count;
  const char *ca;     /* PEM or DER file, or folder of them; NULL: the system's store. The
                        environment (SSL_CERT_FILE) is not asked. */
  const char *ca_pem; /* PEM in memory instead, or NULL */
  tern__trust *trust; /* instead of both, borrowed until free; or NULL */
  tern_tls_cache *cache;   /* borrowed until free; or NULL. Then ca and ca_pem tell it from where
                              trust is, and host and port which server */
  const char *host;
  uint32_t port;
  const uint8_t *pins; /* SHA-256 of keys, one of which must be the server's; borrowed until free */
  size_t pin_count;
  uint32_t least;      /* TERN_TLS_1_2 (also for 0), TERN_TLS_1_3 */
  const int *suites;   /* as tern__tls_suites_read made them, borrowed until free; or NULL */
  tern_tls_check check; /* or NULL */
  void *check_user;
  uint32_t check_decides; /* it may take what was refused */
  uint32_t keep_chain;    /* for tern__tls_chain_take; on where there are pins or a check */
  const char *certificate; /* PEM or DER file of the client, or NULL */
  const char *key;         /* PEM or DER file; NULL: in the certificate's file */
} tern__tls_config;

/* Sets up, moves no octet. TERN_OK; TERN_E_CONFIG (tern__tls_field and tern__tls_detail name the
 * file); TERN_E_TLS_NO_TRUST (verification is required and there is no system store);
 * TERN_E_RANDOM; TERN_E_ARGUMENT; TERN_E_UNSUPPORTED: *tls exists for its detail and is to be
 * freed. TERN_E_NOMEM: *tls may be NULL. Strings of config are not needed afterwards. */
tern_status tern__tls_new(const tern_allocator *mem, const tern__tls_config *config,
                          tern__tls **tls);
/* TERN_E_AGAIN; TERN_OK; or the end: TERN_E_TLS_..., TERN_E_CLOSED, TERN_E_IO, TERN_E_NOMEM, with
 * a detail. An end is final. Of several faults of a certificate the first of this order is named:
 * DANE, UNKNOWN_CA, WRONG_HOST, EXPIRED, NOT_YET_VALID, CERTIFICATE (what nobody vouches for says
 * nothing true of names; a wrong name is an error that time does not mend). */
tern_status tern__tls_handshake_step(tern__tls *tls);
/* What the lower transport has to be ready for, after TERN_E_AGAIN: TERN_READ | TERN_WRITE. */
uint32_t tern__tls_events(const tern__tls *tls);

/* Getters; tls may be NULL. The strings of version and cipher are static ("TLSv1.3",
 * "TLS1-3-AES-256-GCM-SHA384"; "" before the handshake). */
const char *tern__tls_version(const tern__tls *tls);
const char *tern__tls_cipher(const tern__tls *tls);
/* 1: the chain leads to a trusted authority and the SAN is the name. */
uint32_t tern__tls_verified(const tern__tls *tls);
/* 1: the session was taken up again: no certificate came, the verdict is that of its first time. */
uint32_t tern__tls_resumed(const tern__tls *tls);
/* What verification said, also where it was optional; TERN_E_AGAIN before the handshake and with
 * TERN__TLS_VERIFY_NONE. */
tern_status tern__tls_verdict(const tern__tls *tls);
/* Of the server's own certificate, once verification has looked at it: its last second as yyyymmddhhmmss
 * in UTC, else 0; and whether it bears one of the names. */
uint64_t tern__tls_until(const tern__tls *tls);
uint32_t tern__tls_bears_name(const tern__tls *tls);
/* TERN_TLSA_..., with the index of the record that matched and the depth of the certificate that it
 * matched (UINT32_MAX: none; an anchor that was not presented). */
uint32_t tern__tls_tlsa(const tern__tls *tls, uint32_t *index, uint32_t *depth);
/* The certificates that the server presented, handed over; NULL: none came, or they were not kept.
 * Given back with tern__chain_free. */
tern_tls_chain *tern__tls_chain_take(tern__tls *tls);
/* What binds an authentication to this session: its type, static, and the length of the octets in
 * out. 0 and NULL: none (before the end of the handshake; a kind of certificate that has none). */
#define TERN__TLS_BINDING_MAX 64u
size_t tern__tls_binding(tern__tls *tls, const char **type, uint8_t out[TERN__TLS_BINDING_MAX]);
/* A line about the last failure (or about the verdict), control octets replaced; "" for none. */
const char *tern__tls_detail(const tern__tls *tls);
/* TERN_FIELD_CA, _CERTIFICATE, _KEY after TERN_E_CONFIG, else TERN_FIELD_NONE. */
uint32_t tern__tls_field(const tern__tls *tls);

/* Its user pointer is a tern__tls whose handshake has ended. A client certificate that the server
 * refuses under TLS 1.3 shows at the first read or write, as TERN_E_TLS_CLIENT_CERT. An end
 * without close_notify is TERN_E_CLOSED as one with it is: SMTP has its own QUIT; the detail
 * tells. close sends close_notify without waiting, and closes the lower transport too. */
const tern_transport *tern__tls_transport(void);
/* Wipes and gives back; closes nothing. tls may be NULL. */
void tern__tls_free(tern__tls *tls);

/* The suites of a list, as numbers of the library's, ended by 0. TERN_OK; TERN_E_ARGUMENT with what is
 * wrong at *position, *len octets; TERN_E_UNSUPPORTED. */
tern_status tern__tls_suites_read(const char *list, int suites[TERN__TLS_SUITES_MAX + 1],
                                  size_t *position, size_t *len);
/* TERN_TLS_1_2 or TERN_TLS_1_3; 0 in a build without TLS. */
uint32_t tern__tls_newest(void);

/* path or pem as ca and ca_pem above. TERN_OK, or, with a line in detail (cap octets; may be 0):
 * TERN_E_CONFIG, TERN_E_TLS_NO_TRUST, TERN_E_NOMEM, TERN_E_UNSUPPORTED; then *trust is NULL. */
tern_status tern__trust_new(const tern_allocator *mem, const char *path, const char *pem,
                            tern__trust **trust, char *detail, size_t cap);
void tern__trust_free(tern__trust *trust);

#endif
