/* tls_fixture.h - authorities, certificates and a TLS server made in memory, for tests. Nothing is
 * read from the outside; everything works with Mbed TLS 2.28 and 3.x. */
#ifndef TERN_TESTS_TLS_FIXTURE_H
#define TERN_TESTS_TLS_FIXTURE_H

#include <mbedtls/version.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/transport.h"

#define TLS12 12
#define TLS13 13

/* Whether the library that the tests are built with can do TLS 1.3. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define HAVE_TLS13 1
#else
#define HAVE_TLS13 0
#endif

#define PEM 4096

typedef enum signer { BY_CA, BY_OTHER, BY_SELF } signer;

typedef struct pki {
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context drbg;
  mbedtls_pk_context ca_key, other_key, key; /* key: of every end certificate */
  char ca[PEM], other[PEM], key_pem[PEM];
} pki;

typedef struct recipe {
  const char *san;  /* "d<name>" and "i<address octets in hex>" joined by "|"; '%' is a NUL;
                       NULL: no such extension */
  const char *from; /* "YYYYMMDDhhmmss"; NULL: long ago */
  const char *to;   /* NULL: far ahead */
  signer by;
  int client;       /* extendedKeyUsage is clientAuth instead of serverAuth */
  int sha1;         /* signed with it */
  const char *name; /* common name; NULL: mx.example.test */
} recipe;

int pki_init(pki *p);
void pki_free(pki *p);
/* An end certificate as PEM. Returns 0, or Mbed TLS's error. */
int pki_issue(pki *p, const recipe *r, char pem[PEM]);

typedef struct server {
  tern__link end; /* of the pipe */
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config conf;
  mbedtls_x509_crt chain, ca;
  mbedtls_ssl_ticket_context tickets;
  int suites[2];
  int tls13, client_auth;
  int taken; /* tickets that were found good */
  size_t hostile; /* 0, or the size of tickets that mean nothing, as far as they have room */
  int result; /* of the handshake: 1 under way, 0 done, else an error */
} server;

/* A server on the end; version TLS12 or TLS13 is the only one it speaks. client_auth: asks for a
 * certificate of the CA and insists. suite: the only one, or 0. */
int server_init(server *s, pki *p, tern__link end, const char *chain_pem, int version,
                int client_auth, int suite, int tickets);
void server_free(server *s);
/* For another handshake with the same tickets, over another end. */
int server_again(server *s, tern__link end);
/* Goes on with the handshake; keeps the result. */
void server_step(server *s);
int tls_is_again(int rc);

#endif
