/* client.c - a client as its caller sees it: settings, intents, getters.
 *
 * An intent stores what is wanted; a blocking client then steps and waits until that is done. The
 * rest of the room moves: pump.c the octets and mails, connection.c the connection. A setting that
 * could not be stored is answered again by the next connect, so that no check is owed.
 * Limit: connect on a client that is connected gives that connection up without QUIT. */
#include "client/client.h"

#include <string.h>

#include "base/ascii.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "protocol/command.h"
#include "sasl/mechanisms.h"
#ifndef TERN_NO_SOCKETS
#include "transport/proxy.h"
#endif

/* ---- life ------------------------------------------------------------------------------------------*/
tern_client *tern_client_new(const tern_allocator *mem)
{
  tern_client *c = tern__alloc(mem, sizeof *c);

  if (!c) return NULL;
  c->mem = mem;
  c->login.mem = mem;
  c->blocking = 1;
  c->due = TERN_NEVER;
  tern__security_reset(&c->security);
  return c;
}

void tern__client_forget(tern_mail *mail)
{
  tern_mail **at, *before = NULL;
  tern__queue *finished;

  if (mail->disown) {
    mail->disown(mail->owner, mail);
    mail->disown = NULL;
    mail->where = TERN__MAIL_IDLE;
  }
  if (!mail->client) return;
  finished = &mail->client->finished;
  for (at = &finished->first; *at && *at != mail; at = &(*at)->next) before = *at;
  if (*at) {
    *at = mail->next;
    if (finished->last == mail) finished->last = before;
  }
  mail->next = NULL;
  mail->client = NULL;
  mail->where = TERN__MAIL_IDLE;
}

void tern__client_share(tern_client *c, tern__common *common)
{
  c->common = common;
}

void tern__common_free(tern__common *common)
{
  if (common->in) tern__wipe(common->in, common->in_size);
  tern__free(common->mem, common->in, common->in_size);
  tern__trust_free(common->trust);
  tern__free_string(common->mem, common->ca);
  memset(common, 0, sizeof *common);
}

static void drop_strings(tern_client *c)
{
#ifndef TERN_NO_SOCKETS
  tern__free(c->mem, c->local, sizeof *c->local);
#endif
  tern__free_string(c->mem, c->address);
  tern__free_string(c->mem, c->argument);
  tern__free_string(c->mem, c->detail);
  tern__free_string(c->mem, c->attached_host);
  tern__free_string(c->mem, c->ehlo_name);
  tern__free_string(c->mem, c->key);
  tern__free_string(c->mem, c->cert);
  tern__free_string(c->mem, c->ca_pem);
  tern__free_string(c->mem, c->ca);
}

void tern_client_free(tern_client *c)
{
  if (!c) return;
  tern__pump_cancel(c);
  while (c->finished.first) tern__client_forget(c->finished.first);
  if (c->target == TERN__TARGET_ATTACHED) tern__transport_close(&c->attached);
  if (c->session) tern_session_wipe(c->session);
  if (c->block) tern__wipe(c->block, c->block_size);
  tern__free(c->mem, c->block, c->block_size);
  tern__trust_free(c->trust);
  tern__login_clear(&c->login);
  tern__url_free(&c->url, c->mem);
  tern__url_free(&c->proxy, c->mem);
  tern__security_free(&c->security, c->mem);
  tern__memory_free(c->memory, c->mem);
  drop_strings(c);
  tern__free(c->mem, c, sizeof *c);
}

/* ---- settings ----------------------------------------------------------------------------------------*/
static tern_status wrong(tern_client *c, tern_status status, uint32_t field, const char *text,
                         size_t position)
{
  tern__error_field(&c->setting, status, field, text, position);
  return status;
}

tern_status tern__client_wrong(tern_client *c, tern_status status)
{
  return wrong(c, status, TERN_FIELD_NONE, NULL, 0);
}

static tern_status set_string(tern_client *c, char **string, const char *text)
{
  char *copy = NULL;

  if (!c) return TERN_E_NOMEM;
  if (text && text[0]) {
    copy = tern__copy_string(c->mem, text);
    if (!copy) return wrong(c, TERN_E_NOMEM, TERN_FIELD_NONE, NULL, 0);
  }
  tern__free_string(c->mem, *string);
  *string = copy;
  return TERN_OK;
}

tern_status tern__client_set_address(tern_client *c, const char *address)
{
  return set_string(c, &c->address, address);
}

tern_status tern_client_set_blocking(tern_client *c, uint32_t on)
{
  if (!c) return TERN_E_NOMEM;
  c->blocking = on != 0;
  return TERN_OK;
}

tern_status tern_client_set_tls(tern_client *c, uint32_t mode)
{
  if (!c) return TERN_E_NOMEM;
  if (mode > TERN_TLS_IMPLICIT) return wrong(c, TERN_E_ARGUMENT, TERN_FIELD_NONE, NULL, 0);
  c->tls_mode = (uint8_t)mode;
  c->tls_set = 1;
  return TERN_OK;
}

tern_status tern_client_set_ca(tern_client *c, const char *path)
{
  return set_string(c, c ? &c->ca : NULL, path);
}

tern_status tern_client_set_ca_pem(tern_client *c, const char *pem)
{
  return set_string(c, c ? &c->ca_pem : NULL, pem);
}

tern_status tern_client_set_certificate(tern_client *c, const char *cert, const char *key)
{
  tern_status st = set_string(c, c ? &c->cert : NULL, cert);

  return st == TERN_OK ? set_string(c, &c->key, key) : st;
}

tern_status tern_client_set_insecure(tern_client *c, uint32_t on)
{
  if (!c) return TERN_E_NOMEM;
  c->insecure = on != 0;
  return TERN_OK;
}

tern_status tern_client_set_ehlo_name(tern_client *c, const char *name)
{
  size_t position = 0;

  if (c && name && name[0] && tern__domain_check(name, &position) != TERN_OK)
    return wrong(c, TERN_E_NAME, TERN_FIELD_EHLO_NAME, name, position);
  return set_string(c, c ? &c->ehlo_name : NULL, name);
}

tern_status tern_client_set_lmtp(tern_client *c, uint32_t on)
{
  if (!c) return TERN_E_NOMEM;
  c->lmtp = on != 0;
  return TERN_OK;
}

tern_status tern_client_set_channel_safe(tern_client *c, uint32_t on)
{
  if (!c) return TERN_E_NOMEM;
  c->channel_safe = on != 0;
  return TERN_OK;
}

tern_status tern_client_set_mask(tern_client *c, uint32_t capabilities)
{
  if (!c) return TERN_E_NOMEM;
  c->mask = capabilities;
  return TERN_OK;
}

tern_status tern_client_set_policy(tern_client *c, uint32_t capability, uint32_t policy)
{
  if (!c) return TERN_E_NOMEM;
  if (!capability || policy > TERN_NEVER_USE)
    return wrong(c, TERN_E_ARGUMENT, TERN_FIELD_EXTENSION, NULL, 0);
  c->required &= ~capability;
  c->never &= ~capability;
  if (policy == TERN_REQUIRE) c->required |= capability;
  if (policy == TERN_NEVER_USE) c->never |= capability;
  return TERN_OK;
}

tern_status tern_client_set_timeout(tern_client *c, uint32_t phase, uint32_t ms)
{
  const uint32_t apart =
      1u << TERN_PHASE_RESOLVE | 1u << TERN_PHASE_CONNECT | 1u << TERN_PHASE_QUIT;

  if (!c) return TERN_E_NOMEM;
  if (phase >= TERN_PHASES) return wrong(c, TERN_E_ARGUMENT, TERN_FIELD_NONE, NULL, 0);
  if (phase == TERN_PHASE_NONE) c->timeout_set &= apart; /* over what was set one by one */
  c->timeout[phase] = ms;
  c->timeout_set |= 1u << phase;
  return TERN_OK;
}

tern_status tern_client_set_total_timeout(tern_client *c, uint32_t ms)
{
  if (!c) return TERN_E_NOMEM;
  c->total = ms;
  return TERN_OK;
}

int tern__client_buffers_fit(size_t out, size_t text)
{
  return out >= TERN_SESSION_OUT_MIN && out <= SIZE_MAX / 4 && text >= TERN_SESSION_TEXT_MIN &&
         text <= UINT16_MAX;
}

tern_status tern_client_set_buffers(tern_client *c, size_t out, size_t text)
{
  if (!c) return TERN_E_NOMEM;
  if (!tern__client_buffers_fit(out, text))
    return wrong(c, TERN_E_ARGUMENT, TERN_FIELD_NONE, NULL, 0);
  c->out_size = out;
  c->text_size = text;
  return TERN_OK;
}

tern_status tern_client_set_window(tern_client *c, uint32_t window)
{
  if (!c) return TERN_E_NOMEM;
  if (window < 1 || window > TERN_WINDOW_MAX) return wrong(c, TERN_E_ARGUMENT, TERN_FIELD_NONE, NULL, 0);
  c->window = window;
  return TERN_OK;
}

tern_status tern_client_set_eager(tern_client *c, uint32_t on)
{
  if (!c) return TERN_E_NOMEM;
  c->eager = on != 0;
  return TERN_OK;
}

tern_status tern_client_set_mechanisms(tern_client *c, const tern_mechanism *const *table)
{
  tern_status st;

  if (!c) return TERN_E_NOMEM;
  st = table ? tern__mechanisms_check(table) : TERN_OK;
  if (st == TERN_OK) c->mechanisms = table;
  return st;
}

tern_status tern_client_set_resolver(tern_client *c, tern_resolver *resolver)
{
  if (!c) return TERN_E_NOMEM;
#if defined(TERN_NO_SOCKETS) || defined(TERN_NO_RESOLVE)
  if (resolver) return wrong(c, TERN_E_UNSUPPORTED, TERN_FIELD_NONE, NULL, 0);
#endif
  c->resolver = resolver;
  return TERN_OK;
}

#ifndef TERN_NO_SOCKETS
tern_status tern_client_set_local(tern_client *c, const char *addresses, const char *interface)
{
  tern__local local;
  tern_status st;

  if (!c) return TERN_E_NOMEM;
  memset(&local, 0, sizeof local);
  st = tern__local_read(&local, addresses, interface);
  if (st == TERN_OK && !c->local) {
    c->local = tern__alloc(c->mem, sizeof *c->local);
    if (!c->local) st = TERN_E_NOMEM;
  }
  if (st == TERN_OK) *c->local = local;
  return st == TERN_OK ? st : wrong(c, st, TERN_FIELD_LOCAL, NULL, 0);
}

tern_status tern_client_set_proxy(tern_client *c, const char *url)
{
  tern__url proxy;
  tern__proxy *trial = NULL;
  tern_status st;

  if (!c) return TERN_E_NOMEM;
  memset(&proxy, 0, sizeof proxy);
  if (url && strlen(url) >= 8 && tern__same(url, 8, "https://")) { /* what it may hold is left unread */
    st = wrong(c, TERN_E_UNSUPPORTED, TERN_FIELD_URL_SCHEME, NULL, 0);
    c->setting.detail = "TLS to the proxy itself is not supported";
    return st;
  }
  if (url && url[0]) {
    st = tern__url_parse_proxy(&proxy, c->mem, url, &c->setting);
    if (st != TERN_OK) return st;
    st = tern__proxy_new(c->mem, proxy.proxy, "host", 25, proxy.user, proxy.password, &trial);
    tern__proxy_free(trial);
    if (st != TERN_E_AGAIN) {
      tern__url_free(&proxy, c->mem);
      return wrong(c, st, TERN_FIELD_URL_USER, NULL, 0);
    }
  }
  tern__url_free(&c->proxy, c->mem);
  c->proxy = proxy;
  return TERN_OK;
}
#else
tern_status tern_client_set_local(tern_client *c, const char *addresses, const char *interface)
{
  (void)addresses, (void)interface;
  return c ? wrong(c, TERN_E_UNSUPPORTED, TERN_FIELD_LOCAL, NULL, 0) : TERN_E_NOMEM;
}

tern_status tern_client_set_proxy(tern_client *c, const char *url)
{
  (void)url;
  return c ? wrong(c, TERN_E_UNSUPPORTED, TERN_FIELD_NONE, NULL, 0) : TERN_E_NOMEM;
}
#endif

tern_status tern_client_set_trace(tern_client *c, tern_trace trace, void *user)
{
  if (!c) return TERN_E_NOMEM;
  c->trace = trace;
  c->trace_user = user;
  return TERN_OK;
}

tern_status tern_client_set_random(tern_client *c,
                                   tern_status (*random)(void *user, uint8_t *out, size_t len),
                                   void *user)
{
  if (!c) return TERN_E_NOMEM;
  c->login.random = random;
  c->login.random_user = user;
  return TERN_OK;
}

tern_status tern_client_set_saslprep(tern_client *c,
                                     tern_status (*prep)(void *user, const char *in, char *out,
                                                         size_t cap),
                                     void *user)
{
  if (!c) return TERN_E_NOMEM;
  c->login.prep = prep;
  c->login.prep_user = user;
  return TERN_OK;
}

/* ---- intents -----------------------------------------------------------------------------------------*/
/* Blocking: steps and waits until nothing is under way, or mail has ended. */
static tern_status run(tern_client *c, const tern_mail *mail)
{
  tern_status st;

  if (!c->blocking) return TERN_E_AGAIN;
  st = tern__pump_step(c);
  while (st == TERN_E_AGAIN && !(mail && mail->where == TERN__MAIL_FINISHED)) st = tern__pump_wait(c);
  return st;
}

/* What connect and attach have in common: a client without work, and a clean slate. */
static tern_status begin(tern_client *c)
{
  tern_error setting = c->setting;

  if (c->stepping || c->attempts || c->queue.first || c->want_open) return TERN_E_STATE;
  if (c->target == TERN__TARGET_ATTACHED && c->state == TERN__OFF)
    tern__transport_close(&c->attached);
  tern__conn_drop(c);
  tern__trust_free(c->trust);
  c->trust = c->anchors = NULL;
  tern__url_free(&c->url, c->mem);
  tern__free_string(c->mem, c->attached_host);
  c->attached_host = NULL;
  c->target = TERN__TARGET_NONE;
  c->want_quit = c->probe = c->in_clear = c->reusable = c->careful = 0;
  c->clear_why = TERN_OK;
  c->left = 0;
  c->due = TERN_NEVER;
  c->tls_version = c->tls_cipher = NULL;
  c->tls_verified = 0;
  tern__security_reset(&c->security);
  tern__conn_fail(c, TERN_OK, TERN_PHASE_NONE, NULL);
  if (c->login.of_url) tern__login_clear(&c->login);
  if (setting.status == TERN_OK) return TERN_OK;
  c->error = setting;
  tern__conn_keep(c, setting.detail); /* the next wrong setting has a line of its own */
  c->error.detail = c->detail;
  tern__error_set(&c->setting, TERN_OK, TERN_PHASE_NONE);
  return setting.status;
}

/* The user and password of the URL, which does not keep the latter. */
static tern_status take_login(tern_client *c)
{
  tern_credentials cred;
  tern_status st;

  if (!c->url.user) return TERN_OK;
  if (!c->url.password) {
    st = tern__login_set_user(&c->login, c->url.user);
  } else {
    memset(&cred, 0, sizeof cred);
    cred.size = sizeof cred;
    cred.user = c->url.user;
    cred.password = c->url.password;
    cred.kinds = TERN_CRED_PASSWORD;
    st = tern__login_set(&c->login, &cred);
    c->login.of_url = c->login.user_of_url = 1;
    tern__wipe(c->url.password, strlen(c->url.password));
    c->url.password = NULL;
  }
  if (st != TERN_OK) {
    tern__conn_fail(c, st, TERN_PHASE_AUTH, NULL);
    c->error.field = (uint8_t)c->login.field;
  }
  return st;
}

tern_status tern_client_connect(tern_client *c, const char *url)
{
  tern_status st;

  if (!c) return TERN_E_NOMEM;
  st = begin(c);
  if (st != TERN_OK) return st;
  st = tern__url_parse(&c->url, c->mem, url, &c->error);
  if (st == TERN_OK) st = take_login(c);
  if (st != TERN_OK) return st;
  c->target = TERN__TARGET_URL;
  c->want_open = 1;
  return run(c, NULL);
}

tern_status tern_client_attach(tern_client *c, const tern_transport *transport, void *user,
                               const char *host)
{
  tern_status st;

  if (!c) return TERN_E_NOMEM;
  st = begin(c);
  if (st != TERN_OK) return st;
  c->attached.table = transport;
  c->attached.user = user;
  st = tern__transport_check(&c->attached);
  if (st == TERN_OK && host) {
    c->attached_host = tern__copy_string(c->mem, host);
    if (!c->attached_host) st = TERN_E_NOMEM;
  }
  if (st != TERN_OK) {
    tern__conn_fail(c, st, TERN_PHASE_NONE, NULL);
    return st;
  }
  c->target = TERN__TARGET_ATTACHED;
  c->want_open = 1;
  return run(c, NULL);
}

tern_status tern_client_auth_with(tern_client *c, const tern_credentials *credentials)
{
  tern_status st;

  if (!c) return TERN_E_NOMEM;
  if (c->stepping || (c->state == TERN__ON && c->auth_given)) return TERN_E_STATE;
  if (c->error.status != TERN_OK) return c->error.status;
  st = tern__login_set(&c->login, credentials);
  if (st != TERN_OK) {
    if (st == TERN_E_CREDENTIALS) {
      tern__conn_drop(c);
      tern__conn_fail(c, st, TERN_PHASE_AUTH, NULL);
      c->error.field = (uint8_t)c->login.field;
    }
    return st;
  }
  if (!c->blocking) return TERN_E_AGAIN;
  return c->state == TERN__ON ? run(c, NULL) : TERN_OK;
}

tern_status tern_client_auth(tern_client *c, const char *user, const char *password)
{
  tern_credentials cred;

  memset(&cred, 0, sizeof cred);
  cred.size = sizeof cred;
  cred.user = user;
  cred.password = password;
  cred.kinds = TERN_CRED_PASSWORD;
  return password ? tern_client_auth_with(c, &cred) : TERN_E_ARGUMENT;
}

tern_status tern_client_auth_token(tern_client *c, const char *user, const char *token)
{
  tern_credentials cred;

  memset(&cred, 0, sizeof cred);
  cred.size = sizeof cred;
  cred.user = user;
  cred.token = token;
  cred.kinds = TERN_CRED_TOKEN;
  return token ? tern_client_auth_with(c, &cred) : TERN_E_ARGUMENT;
}

tern_status tern_client_auth_external(tern_client *c, const char *authzid)
{
  tern_credentials cred;

  memset(&cred, 0, sizeof cred);
  cred.size = sizeof cred;
  cred.authzid = authzid;
  cred.kinds = TERN_CRED_EXTERNAL;
  return tern_client_auth_with(c, &cred);
}

tern_status tern_client_submit(tern_client *c, tern_mail *mail)
{
  tern_error e;

  if (!c || !mail) return TERN_E_NOMEM;
  if (c->stepping || mail->where == TERN__MAIL_QUEUED || mail->where == TERN__MAIL_IN_FLIGHT)
    return TERN_E_STATE;
  tern__client_forget(mail);
  tern__mail_reset(mail);
  if (tern__mail_ready(mail, &e) != TERN_OK) {
    tern__mail_fail_unsent(mail, &e);
    tern__mail_conclude(mail, &e);
    return e.status;
  }
  mail->client = c;
  mail->where = TERN__MAIL_QUEUED;
  tern__queue_push(&c->queue, mail);
  return TERN_E_AGAIN;
}

tern_status tern_client_send(tern_client *c, tern_mail *mail)
{
  tern_status st = tern_client_submit(c, mail);

  if (st != TERN_E_AGAIN || !c->blocking) return st;
  (void)run(c, mail);
  tern__client_forget(mail);
  return tern_mail_status(mail);
}

tern_status tern_client_quit(tern_client *c)
{
  if (!c) return TERN_E_NOMEM;
  if (c->stepping) return TERN_E_STATE;
  if (c->blocking && !tern__pump_busy(c) && c->state == TERN__OFF) {
    c->reusable = 0;
    return c->error.status;
  }
  c->want_quit = 1;
  return run(c, NULL);
}

void tern_client_cancel(tern_client *c)
{
  if (c) c->cancel = 1;
}

static tern_status ask(tern_client *c, uint8_t what)
{
  if (c->stepping || c->probe || c->want_quit) return TERN_E_STATE;
  c->probe = what;
  c->probe_given = 0;
  return run(c, NULL);
}

tern_status tern_client_noop(tern_client *c)
{
  return c ? ask(c, TERN__PROBE_NOOP) : TERN_E_NOMEM;
}

tern_status tern_client_vrfy(tern_client *c, const char *argument)
{
  size_t position = 0;
  char *copy;

  if (!c) return TERN_E_NOMEM;
  if (c->probe) return TERN_E_STATE;
  if (!argument || !argument[0]) return TERN_E_ARGUMENT;
  if (tern__check_argument(argument, &position) != TERN_OK) return TERN_E_PARAMETER;
  copy = tern__copy_string(c->mem, argument);
  if (!copy) return TERN_E_NOMEM;
  tern__free_string(c->mem, c->argument);
  c->argument = copy;
  return ask(c, TERN__PROBE_VRFY);
}

tern_status tern_client_step(tern_client *c)
{
  return c ? tern__pump_step(c) : TERN_E_NOMEM;
}

tern_mail *tern_client_wait(tern_client *c)
{
  tern_status st;

  if (c && c->blocking && !c->finished.first && (c->queue.first || c->attempts)) {
    st = tern__pump_step(c);
    while (st == TERN_E_AGAIN && !c->finished.first && (c->queue.first || c->attempts)) st = tern__pump_wait(c);
  }
  return tern_client_finished(c);
}

tern_mail *tern_client_finished(tern_client *c)
{
  tern_mail *mail = c ? tern__queue_pop(&c->finished) : NULL;

  if (mail) {
    mail->client = NULL;
    mail->where = TERN__MAIL_IDLE;
  }
  return mail;
}

/* ---- getters -----------------------------------------------------------------------------------------*/
const tern_error *tern_client_error(const tern_client *c)
{
  static const tern_error none = {.status = TERN_E_NOMEM, .position = UINT16_MAX};

  return c ? &c->error : &none;
}

uint32_t tern_client_connected(const tern_client *c)
{
  return c && c->state == TERN__ON && !tern_session_ended(c->session);
}

const tern_session *tern_client_session(const tern_client *c)
{
  return c ? c->session : NULL;
}

const tern_reply *tern_client_reply(const tern_client *c)
{
  return c ? tern_session_reply(c->session) : NULL;
}

const char *tern_client_tls_version(const tern_client *c)
{
  return c && c->tls_version ? c->tls_version : "";
}

const char *tern_client_tls_cipher(const tern_client *c)
{
  return c && c->tls_cipher ? c->tls_cipher : "";
}

uint32_t tern_client_tls_verified(const tern_client *c)
{
  return c ? c->tls_verified : 0;
}
