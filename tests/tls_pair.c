/* tls_pair.c - two ends of TLS in one process. Neighbours: the transport_*_test.c that use it. */
#include "tls_pair.h"

pki authority;

void open_pipe(tls_pair *p, size_t cap)
{
  memset(p, 0, sizeof *p);
  open_ends(p, cap);
}

void open_ends(tls_pair *p, size_t cap)
{
  p->pipe = tern_pipe_new(NULL, cap == 0 ? 20000 : cap);
  assert_non_null(p->pipe);
  p->client_end.table = p->server_end.table = tern_pipe_transport();
  p->client_end.user = tern_pipe_end(p->pipe, 0);
  p->server_end.user = tern_pipe_end(p->pipe, 1);
}

tern_status open_client(tls_pair *p, const tls_options *o)
{
  tern__tls_config config;
  tern_status status;

  memset(&config, 0, sizeof config);
  config.lower = p->client_end;
  config.name = o->host == NULL ? HOST : strcmp(o->host, "-") == 0 ? NULL : o->host;
  config.verify = o->verify;
  config.ca_pem = authority.ca;
  config.tlsa = o->tlsa;
  config.tlsa_count = o->tlsa_count;
  config.names = o->names;
  config.name_count = o->name_count;
  config.cache = o->cache;
  config.host = HOST;
  config.port = o->port;
  config.certificate = o->certificate;
  config.key = o->key;
  status = tern__tls_new(NULL, &config, &p->tls);
  p->link.table = tern__tls_transport();
  p->link.user = p->tls;
  return status;
}

tern_status shake(tls_pair *p)
{
  tern_status status = TERN_E_AGAIN;
  int i;

  for (i = 0; i < 20000 && status == TERN_E_AGAIN; i++) {
    status = tern__tls_handshake_step(p->tls);
    if (p->has_server) server_step(&p->server);
  }
  for (i = 0; i < 100 && status == TERN_OK && p->has_server; i++) server_step(&p->server);
  return status;
}

tern_status open_pair(tls_pair *p, const tls_options *o, const char *chain)
{
  open_pipe(p, o->cap);
  assert_int_equal(server_init(&p->server, &authority, p->server_end, chain,
                               o->version == 0 ? TLS12 : o->version, o->client_auth, o->suite,
                               o->tickets),
                   0);
  p->has_server = 1;
  assert_int_equal(open_client(p, o), TERN_OK);
  return shake(p);
}

void close_pair(tls_pair *p)
{
  tern__tls_free(p->tls);
  if (p->has_server) server_free(&p->server);
  tern_pipe_free(p->pipe);
}
