/* connection.c - one connection of a client: resolve, dial, session, TLS, close.
 *
 * Decides what TLS mode and verification hold: with credentials, opportunistic means required and
 * verified, so that no password follows a stripped STARTTLS; without, verification is optional and
 * a failed handshake is followed by one connection in clear. Trust anchors and the client's
 * certificate are read before anything is sent. Neighbours: pump.c steps it, dial.c
 * connects, client.c holds the settings. Limit: a TLS mode cannot be changed on a live connection. */
#include <string.h>

#include "base/mem.h"
#include "client/client.h"
#ifndef TERN_NO_SOCKETS
#include "base/host.h"
#endif

/* ---- errors ----------------------------------------------------------------------------------------*/
void tern__conn_fail(tern_client *c, tern_status status, uint32_t phase, const char *detail)
{
  tern__error_set(&c->error, status, phase);
  tern__conn_keep(c, detail);
  c->error.detail = c->detail;
}

void tern__conn_keep(tern_client *c, const char *detail)
{
  if (detail && detail == c->detail) return;
  tern__free_string(c->mem, c->detail);
  c->detail = detail && detail[0] ? tern__copy_string(c->mem, detail) : NULL;
}

static void fail_field(tern_client *c, tern_status status, uint32_t phase, uint32_t field,
                       const char *detail)
{
  tern__conn_fail(c, status, phase, detail);
  c->error.field = (uint8_t)field;
}

const char *tern__conn_detail(const tern_client *c)
{
  const char *detail = tern__tls_detail(c->tls);

#ifndef TERN_NO_SOCKETS
  if (!detail[0] && c->tcp) detail = tern__tcp_detail(c->tcp);
#endif
  return detail;
}

uint64_t tern__conn_now(const tern_client *c)
{
  if (c->lower.table) return tern__transport_now(&c->lower);
#ifndef TERN_NO_SOCKETS
  return tern__host_now();
#else
  return 0;
#endif
}

/* ---- what holds for this connection ------------------------------------------------------------------*/
static int over_unix(const tern_client *c)
{
  return c->target == TERN__TARGET_URL && c->url.path != NULL;
}

static uint32_t tls_mode(const tern_client *c)
{
  uint32_t mode = TERN_TLS_REQUIRED;

  if (c->tls_set)
    mode = c->tls_mode;
  else if (c->target == TERN__TARGET_URL)
    mode = c->url.tls;
  if (mode == TERN_TLS_OPPORTUNISTIC && tern__login_given(&c->login)) mode = TERN_TLS_REQUIRED;
  if (tern__security_needs_tls(&c->security) && mode != TERN_TLS_IMPLICIT)
    mode = TERN_TLS_REQUIRED;
  if (mode == TERN_TLS_OPPORTUNISTIC && c->in_clear) mode = TERN_TLS_NONE;
  return mode;
}

static uint32_t verification(const tern_client *c)
{
  uint32_t verify = c->security.verify;

  if (c->insecure) return TERN_VERIFY_NONE;
  if (tern__login_given(&c->login)) return TERN_VERIFY_REQUIRED;
  if (c->security.tlsa_count) return TERN_VERIFY_NONE; /* what holds where none is usable */
  if (verify == TERN_VERIFY_REQUIRED && c->mode == TERN_TLS_OPPORTUNISTIC)
    return TERN_VERIFY_OPTIONAL;
  return verify;
}

static const char *peer_name(const tern_client *c)
{
  return c->target == TERN__TARGET_URL ? c->url.host : c->attached_host;
}

static void fill_tls(const tern_client *c, tern__tls_config *config)
{
  memset(config, 0, sizeof *config);
  config->lower = c->lower;
  config->verify = c->security.held;
  tern__security_fill(&c->security, peer_name(c), config);
  if (!config->cache) config->cache = tern__memory_tickets(c->memory);
  if (c->security.looked_at) config->cache = NULL; /* a session taken up again shows no certificate */
  config->trust = c->anchors;
  config->keep_chain = c->mem == NULL || c->security.looked_at;
  config->ca = c->ca;
  config->ca_pem = c->ca_pem;
  if (c->target == TERN__TARGET_URL) config->port = tern__url_port(&c->url, c->mode);
  config->certificate = c->cert;
  config->key = c->key;
}

static tern_status nothing_to_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  (void)user, (void)octets, (void)cap, (void)len;
  return TERN_E_CLOSED;
}

static tern_status nowhere_to_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  (void)user, (void)octets, (void)len, (void)done;
  return TERN_E_CLOSED;
}

static uint64_t no_time(void *user)
{
  (void)user;
  return 0;
}

/* Reads the client certificate once before connecting, over a transport that leads nowhere. */
static tern_status check_certificate(tern_client *c)
{
  static const tern_transport nowhere = {
      sizeof nowhere, nothing_to_read, nowhere_to_write, NULL, NULL, NULL, no_time, NULL, NULL};
  tern__tls_config config;
  tern__tls *tls = NULL;
  tern_status st;

  fill_tls(c, &config);
  config.lower.table = &nowhere;
  st = tern__tls_new(c->mem, &config, &tls);
  if (st != TERN_OK)
    fail_field(c, st, TERN_PHASE_TLS, tern__tls_field(tls), tern__tls_detail(tls));
  tern__tls_free(tls);
  return st;
}

/* The authorities, read once: by this client, or by the first of those that share them. */
static tern_status read_trust(tern_client *c, char *detail, size_t cap)
{
  tern__common *k = c->common;
  int shared = k && !c->ca_pem && (c->ca && k->ca ? !strcmp(c->ca, k->ca) : c->ca == k->ca);
  tern__trust **trust = shared ? &k->trust : &c->trust;
  tern_status st = TERN_OK;

  if (!*trust) st = tern__trust_new(shared ? k->mem : c->mem, c->ca, c->ca_pem, trust, detail, cap);
  c->anchors = *trust;
  return st;
}

/* Reads everything that TLS may need, so that a wrong file is found before anything is sent. */
static tern_status prepare_tls(tern_client *c)
{
  char detail[256] = "";
  tern_status st = TERN_OK;

  if (c->mode == TERN_TLS_NONE) return TERN_OK;
  c->security.held = (uint8_t)verification(c);
  c->anchors = c->security.trust ? c->security.trust : c->trust;
  if (!c->anchors && !tern__security_by_dane(&c->security) &&
      (c->security.held != TERN_VERIFY_NONE || c->ca || c->ca_pem))
    st = read_trust(c, detail, sizeof detail);
  if (c->security.held == TERN_VERIFY_REQUIRED && tern__security_trusts_nobody(&c->security))
    st = TERN_E_TLS_NO_TRUST;
  if (c->mode == TERN_TLS_OPPORTUNISTIC && st == TERN_E_UNSUPPORTED) {
    c->mode = TERN_TLS_NONE; /* a build without TLS: nothing to take the opportunity with */
    return TERN_OK;
  }
  if (c->security.held == TERN_VERIFY_OPTIONAL && st == TERN_E_TLS_NO_TRUST) st = TERN_OK;
  if (st != TERN_OK) {
    fail_field(c, st, TERN_PHASE_TLS, st == TERN_E_CONFIG ? TERN_FIELD_CA : TERN_FIELD_NONE,
               detail);
    return st;
  }
  return c->cert || c->key || c->insecure || c->security.suites ? check_certificate(c) : TERN_OK;
}

/* Mails in the session at a time. By default one waits while one's envelope and another's content
 * are on the way, and eager as many as fill a large flight; on small memory one. */
static uint32_t window_of(const tern_client *c)
{
  if (c->window) return c->window;
  if (c->mem) return 1;
  return c->eager ? 64 : 4;
}

/* The read buffer, where it is not a common one, and the session live in one block, kept for the next
 * connection. */
static tern_status make_block(tern_client *c)
{
  size_t in = c->common ? 0 : c->mem ? 512 : 4096;
  size_t out = c->out_size ? c->out_size : c->mem ? 1024 : 16384;
  size_t text = c->text_size ? c->text_size : c->mem ? 512 : 2048;
  uint32_t window = window_of(c);
  size_t size = in + tern_session_size(window, text, out);
  tern_status st;

  if (c->block && c->block_size != size) {
    if (c->session) tern_session_wipe(c->session);
    c->session = NULL;
    tern__free(c->mem, c->block, c->block_size);
    c->block = NULL;
  }
  if (!c->block) c->block = tern__alloc_raw(c->mem, size);
  c->block_size = size;
  if (!c->block) return TERN_E_NOMEM;
  c->in = c->common ? c->common->in : c->block;
  c->in_size = c->common ? c->common->in_size : in;
  if (c->session) tern_session_wipe(c->session);
  st = tern_session_init(&c->session, (uint8_t *)c->block + in, size - in, window, text);
  return st;
}

/* ---- session -----------------------------------------------------------------------------------------*/
/* The caller's EHLO name, else the host's, else the address literal of the local end. */
static tern_status find_ehlo_name(tern_client *c)
{
#ifndef TERN_NO_SOCKETS
  char name[256];
  size_t len = tern__host_name(name, sizeof name);
  const char *use = name;

  if (!len && c->tcp) len = tern__tcp_local_literal(c->tcp, name, sizeof name);
  if (!len && over_unix(c)) { /* both ends are this host */
    use = "localhost";
    len = 9;
  }
  if (!len) return TERN_E_NAME;
  tern__free_string(c->mem, c->own_name);
  c->own_name = tern__copy_string(c->mem, use);
  return c->own_name ? TERN_OK : TERN_E_NOMEM;
#else
  (void)c;
  return TERN_E_NAME;
#endif
}

static tern_status set_timeouts(tern_client *c)
{
  tern_status st = TERN_OK;
  uint32_t i;

  for (i = 0; st == TERN_OK && i < TERN_PHASES; i++)
    if (c->timeout_set & (1u << i)) st = tern_session_set_timeout(c->session, i, c->timeout[i]);
  return st;
}

static tern_status set_session(tern_client *c)
{
  tern_session *s = c->session;
  int tls = c->mode == TERN_TLS_REQUIRED || c->mode == TERN_TLS_IMPLICIT;
  uint32_t lmtp = c->lmtp || (c->target == TERN__TARGET_URL && c->url.lmtp);
  uint32_t never = c->never | tern__memory_never(c->memory, c->required);
  tern_status st = tern_session_set_tls(s, c->mode);

  if (st == TERN_OK) st = tern_session_set_lmtp(s, lmtp);
  if (st == TERN_OK) st = tern_session_set_channel_safe(s, c->channel_safe || over_unix(c));
  if (st == TERN_OK) st = tern_session_set_mask(s, c->mask);
  if (st == TERN_OK && c->required)
    st = tern_session_set_policy(s, c->required, TERN_REQUIRE);
  if (st == TERN_OK && never) st = tern_session_set_policy(s, never, TERN_NEVER_USE);
  if (st == TERN_OK) st = tern_session_set_eager(s, c->eager && !c->careful);
  if (st == TERN_OK) st = tern_session_set_mechanisms(s, tern__memory_mechanisms(c->memory, c->mechanisms, tls));
  if (st == TERN_OK) st = tern_session_set_trace(s, c->trace, c->trace_user);
  if (st == TERN_OK) st = set_timeouts(c);
  if (st == TERN_OK && !c->ehlo_name) st = find_ehlo_name(c);
  if (st == TERN_OK)
    st = tern_session_set_ehlo_name(s, c->ehlo_name ? c->ehlo_name : c->own_name);
  return st;
}

static void start_session(tern_client *c)
{
  tern_status st = set_session(c);

  c->now = tern__conn_now(c); /* of the transport, which may have a clock of its own */
  if (st == TERN_OK) st = tern_session_start(c->session, c->now);
  if (st != TERN_OK) {
    fail_field(c, st, TERN_PHASE_NONE, st == TERN_E_NAME ? TERN_FIELD_EHLO_NAME : TERN_FIELD_NONE,
               NULL);
    tern__conn_drop(c);
    return;
  }
  c->state = TERN__ON;
  c->drained = c->mode == TERN_TLS_IMPLICIT ? 0 : TERN__DRAINED_BEFORE; /* the greeting takes its time */
  tern__conn_login(c);
}

/* Whether a reusable secret may cross this connection. */
static int fit_for_login(const tern_client *c)
{
  if (c->mode != TERN_TLS_OPPORTUNISTIC && !c->in_clear &&
      (c->mode == TERN_TLS_NONE || c->insecure || c->security.held == TERN_VERIFY_REQUIRED))
    return 1; /* the engine watches over it */
  return c->channel_safe || over_unix(c) || (c->tls_up && (c->tls_verified || c->insecure));
}

void tern__conn_login(tern_client *c)
{
  tern_status st;

  if (c->state != TERN__ON || c->auth_given || !c->login.cred.kinds) return;
  if (!fit_for_login(c)) { /* connected before there were credentials: once more, TLS required */
    if (c->target != TERN__TARGET_URL)
      fail_field(c, TERN_E_CLEARTEXT, TERN_PHASE_AUTH, TERN_FIELD_NONE, NULL);
    c->in_clear = 0;
    c->want_open = c->target == TERN__TARGET_URL;
    tern__conn_drop(c);
    return;
  }
  c->auth_given = 1;
  tern__security_bind(&c->security, &c->login.cred);
  st = tern_session_auth(c->session, &c->login.cred);
  if (st == TERN_OK) return;
  fail_field(c, st, TERN_PHASE_AUTH,
             tern_error_field(tern_session_argument_error(c->session)), NULL);
  tern__conn_drop(c);
}

/* ---- open and close ------------------------------------------------------------------------------------*/
static tern_status dial(tern_client *c)
{
#ifndef TERN_NO_SOCKETS
  c->dials++;
  return tern__dial_begin(c);
#else
  tern__conn_fail(c, TERN_E_UNSUPPORTED, TERN_PHASE_CONNECT, "this build has no sockets");
  return TERN_E_UNSUPPORTED;
#endif
}

static void prepare_login(tern_client *c)
{
#ifndef TERN_NO_SOCKETS
  if (!c->login.random) c->login.random = tern__host_random;
#endif
  if (!c->login.cred.kinds || c->login.status != TERN_OK) return;
  if (c->target == TERN__TARGET_URL)
    c->login.status = tern__login_set_host(&c->login, c->url.host,
                                           c->url.host ? tern__url_port(&c->url, c->mode) : 0);
  else
    c->login.status = tern__login_set_host(&c->login, c->attached_host, 0);
}

tern_status tern__conn_open(tern_client *c)
{
  tern_status st;
  uint32_t field;

  if (c->target == TERN__TARGET_ATTACHED) c->lower = c->link = c->attached;
  c->mails = 0;
  c->reusable = c->auth_given = c->quit_given = c->probe_given = 0;
  c->tls_verified = 0;
  tern__memory_turn(c);
  tern__security_reset(&c->security);
  c->tls_version = c->tls_cipher = NULL;
  c->tls_until = 0;
  c->mode = (uint8_t)tls_mode(c);
  prepare_login(c);
  st = c->login.status;
  if (st != TERN_OK) {
    (void)tern__login_usable(&c->login, &field);
    fail_field(c, st, TERN_PHASE_AUTH, field, NULL);
  }
  if (st == TERN_OK) st = prepare_tls(c);
  if (st == TERN_OK) {
    st = make_block(c);
    if (st != TERN_OK) tern__conn_fail(c, st, TERN_PHASE_NONE, NULL);
  }
  if (st != TERN_OK) {
    tern__conn_drop(c);
    return st;
  }
  if (c->target == TERN__TARGET_URL) return dial(c);
  start_session(c);
  return c->error.status;
}

int tern__conn_dial(tern_client *c)
{
#ifndef TERN_NO_SOCKETS
  tern_status st = tern__dial_step(c);

  if (st == TERN_E_AGAIN) return 0;
  tern__dial_end(c);
  if (st != TERN_OK) {
    tern__conn_drop(c);
    return 1;
  }
  c->lower.table = tern__tcp_transport();
  c->lower.user = c->tcp;
  c->link = c->lower;
  start_session(c);
#else
  (void)c;
#endif
  return 1;
}

/* The handshake failed: the session ends, or an opportunistic one is tried in clear. */
static void handshake_failed(tern_client *c, tern_status status)
{
  if (c->mode == TERN_TLS_OPPORTUNISTIC && c->target == TERN__TARGET_URL &&
      status != TERN_E_NOMEM && status != TERN_E_CONFIG) {
    c->in_clear = 1;
    c->clear_why = status;
    c->want_open = 1;
    tern__conn_drop(c);
    return;
  }
  tern__conn_keep(c, tern__tls_detail(c->tls)); /* outlives tls: the session borrows it */
  (void)tern_session_tls_done(c->session, status, c->detail, tern__conn_now(c));
}

int tern__conn_handshake(tern_client *c)
{
  tern__tls_config config;
  tern_status st = TERN_OK;

  if (!c->tls) {
    fill_tls(c, &config);
    st = tern__tls_new(c->mem, &config, &c->tls);
  }
  if (st == TERN_OK) st = tern__tls_handshake_step(c->tls);
  if (st == TERN_E_AGAIN) return 0;
  c->tls_version = tern__tls_version(c->tls);
  c->tls_cipher = tern__tls_cipher(c->tls);
  c->tls_verified = tern__tls_verified(c->tls);
  c->tls_verdict = tern__tls_verdict(c->tls);
  c->tls_until = tern__tls_until(c->tls);
  c->tls_named = tern__tls_bears_name(c->tls) != 0;
  (void)tern_session_set_verified(c->session, c->tls_verified);
  tern__security_note(&c->security, c->tls);
  tern__security_bind(&c->security, &c->login.cred);
  if (st != TERN_OK) {
    handshake_failed(c, st);
    return 1;
  }
  c->tls_up = 1;
  c->link.table = tern__tls_transport();
  c->link.user = c->tls;
  (void)tern_session_tls_done(c->session, TERN_OK, NULL, tern__conn_now(c));
  return 1;
}

void tern__conn_drop(tern_client *c)
{
  if (c->state == TERN__ON) tern__memory_learn(c);
  if (c->link.table) tern__transport_close(&c->link);
  memset(&c->link, 0, sizeof c->link);
  memset(&c->lower, 0, sizeof c->lower);
  tern__tls_free(c->tls);
  c->tls = NULL;
  c->tls_up = 0;
#ifndef TERN_NO_SOCKETS
  tern__dial_end(c);
  tern__tcp_free(c->tcp);
  c->tcp = NULL;
#endif
  tern__free_string(c->mem, c->own_name);
  c->own_name = NULL;
  c->state = TERN__OFF;
  if (c->target == TERN__TARGET_ATTACHED) c->target = TERN__TARGET_SPENT;
}
