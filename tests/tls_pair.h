/* tls_pair.h - a TLS client of ours and a server of tls_fixture.h at the two ends of a pipe. */
#ifndef TERN_TESTS_TLS_PAIR_H
#define TERN_TESTS_TLS_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tls_fixture.h"
#include "transport/tls.h"

#define HOST "mx.example.test"

extern pki authority; /* made by the suite's set-up */

typedef struct tls_pair {
  tern_pipe *pipe;
  tern__link client_end, server_end, link; /* link: over tls */
  tern__tls *tls;
  server server;
  int has_server;
} tls_pair;

typedef struct tls_options {
  const char *host; /* NULL: HOST; "-": none at all */
  uint32_t verify;
  const char *certificate, *key;
  int version, client_auth, suite, tickets;
  size_t cap; /* of the pipe; 0: 20,000 */
  const tern_tlsa *tlsa;
  size_t tlsa_count;
  const char *const *names; /* beside host */
  size_t name_count;
  tern_tls_cache *cache;
  uint32_t port;
} tls_options;

void open_pipe(tls_pair *p, size_t cap);
/* Another pipe for what is in p. */
void open_ends(tls_pair *p, size_t cap);
/* A client on p's pipe. */
tern_status open_client(tls_pair *p, const tls_options *o);
/* Both handshakes to the client's end. A bounded number of steps: else it hangs. */
tern_status shake(tls_pair *p);
/* Pipe, server, client, handshake. */
tern_status open_pair(tls_pair *p, const tls_options *o, const char *chain);
void close_pair(tls_pair *p);

#endif
