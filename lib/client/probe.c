/* probe.c - looks at a server through a client, without mail, and says what is wrong.
 *
 * The dialogue is read off the client's trace, so that every line of EHLO is there as the server wrote it;
 * the addresses off the race; the rest are the client's and session's getters. A second look, unverified and
 * without credentials, follows where only the certificate stood in the way. Neighbours: findings.c judges
 * what was found; client.c, dial.c. Limit: 4 KiB of EHLO lines before and within TLS each. */
#include "client/probe.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/words.h"
#include "client/client.h"
#include "transport/chain.h"

/* ---- life ------------------------------------------------------------------------------------------*/
tern_probe *tern_probe_new(const tern_allocator *mem)
{
  tern_probe *p = tern__alloc(mem, sizeof *p);

  if (!p) return NULL;
  p->mem = mem;
  p->result = TERN_E_STATE; /* nothing was started */
  return p;
}

static void clear(tern_probe *p)
{
  const tern_allocator *mem = p->mem;

  tern__chain_free(p->chain);
  memset(p, 0, sizeof *p);
  p->mem = mem;
  p->certificate = TERN_E_AGAIN;
}

/* The client is as it was given. */
static void give_back(tern_probe *p)
{
  tern_client *c = p->client;

  if (p->behind) {
    tern__login_clear(&c->login);
    c->login = p->login;
    tern__wipe(&p->login, sizeof p->login);
    c->security.verify = p->verify;
  }
  c->trace = p->trace;
  c->trace_user = p->trace_user;
  c->tried = NULL;
  c->security.looked_at = 0;
  p->client = NULL;
}

void tern_probe_free(tern_probe *p)
{
  if (!p) return;
  if (p->client) { /* what is under way was not verified, perhaps, and tells this probe of itself */
    tern__pump_cancel(p->client);
    give_back(p);
  }
  tern__chain_free(p->chain);
  tern__free(p->mem, p, sizeof *p);
}

/* ---- the dialogue ----------------------------------------------------------------------------------*/
static void keep(tern__probe_lines *lines, const char *text, size_t len)
{
  if (lines->count == TERN__PROBE_LINES || len >= sizeof lines->text - lines->used) return;
  lines->at[lines->count++] = (uint16_t)lines->used;
  lines->used += tern__words_clean(lines->text + lines->used, sizeof lines->text - lines->used, text, len) + 1;
}

static void take_line(tern_probe *p, char who, const char *line, size_t len)
{
  tern__probe_lines *lines = &p->ehlo[p->client->tls_up != 0];

  if (who == 'C') {
    p->in_ehlo = len >= 5 && (tern__same(line, 5, "EHLO ") || tern__same(line, 5, "LHLO "));
    p->asked = 1;
    if (p->in_ehlo) memset(lines, 0, sizeof *lines);
  } else if (len >= 4 && !p->asked && line[0] == '2') {
    (void)tern__words_clean(p->greeting, sizeof p->greeting, line + 4, len - 4);
    p->asked = line[3] == ' ';
  } else if (len >= 4 && p->in_ehlo && line[0] == '2') {
    keep(lines, line + 4, len - 4);
    if (line[3] == ' ') p->in_ehlo = 0;
  }
}

static void on_trace(void *user, char who, const char *line, size_t len)
{
  tern_probe *p = user;

  take_line(p, who, line, len);
  if (p->trace) p->trace(p->trace_user, who, line, len);
}

/* ---- the certificate -------------------------------------------------------------------------------*/
/* Seconds since 1970 of yyyymmddhhmmss in UTC; 0 for 0. Years are counted from March, so that the leap
 * day is their last. */
static uint64_t seconds_of(uint64_t stamp)
{
  uint64_t year = stamp / 10000000000u, month = stamp / 100000000u % 100, day = stamp / 1000000u % 100;
  uint64_t clock = stamp / 10000u % 100 * 3600 + stamp / 100 % 100 * 60 + stamp % 100, days;

  if (year < 1970 || month < 1 || month > 12 || day < 1) return 0;
  year -= month <= 2;
  days = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  days += 365 * year + year / 4 - year / 100 + year / 400;
  return (days - 719468) * 86400 + clock;
}

/* What the handshake showed; of a second look only what the first could not. */
static void take_tls(tern_probe *p, const tern_client *c)
{
  if (tern_client_tls_version(c)[0]) {
    snprintf(p->tls_version, sizeof p->tls_version, "%s", tern_client_tls_version(c));
    snprintf(p->tls_cipher, sizeof p->tls_cipher, "%s", tern_client_tls_cipher(c));
  }
  if (c->security.chain) {
    tern__chain_free(p->chain);
    p->chain = tern__chain_copy(c->security.chain, p->mem);
  }
  if (!c->tls_until) return; /* no certificate came, or nobody looked at it */
  if (p->certificate == TERN_E_AGAIN) {
    p->tls_verified = tern_client_tls_verified(c);
    p->certificate = c->tls_verdict;
  }
  p->ends = seconds_of(c->tls_until);
  p->name_fits = c->tls_named;
}

/* ---- one look --------------------------------------------------------------------------------------*/
static void take_auth(tern_probe *p)
{
  const tern__probe_lines *lines = &p->ehlo[p->ehlo[1].count != 0];
  uint32_t i;

  p->mechanisms = "";
  for (i = 1; i < lines->count; i++) {
    const char *line = lines->text + lines->at[i];
    if (strlen(line) > 5 && tern__same(line, 5, "AUTH ")) p->mechanisms = line + 5;
  }
}

/* What the session knows, while it is there. */
static void take_session(tern_probe *p, const tern_client *c)
{
  const tern_session *s = tern_client_session(c);

  if (c->tcp) snprintf(p->peer, sizeof p->peer, "%s", tern__tcp_peer(c->tcp));
  if (!s) return;
  p->capabilities = tern_session_offered(s);
  p->size_limit = tern_session_size_limit(s);
  p->rcpt_max = tern_session_rcpt_max(s);
  p->mail_max = tern_session_mail_max(s);
  if (!p->looks) snprintf(p->mechanism, sizeof p->mechanism, "%s", tern_session_mechanism(s));
}

static void name_tried(tern_probe *p)
{
  uint32_t i;

  for (i = 0; i < p->tried.count; i++)
    tern__sockaddr_name(&p->tried.list[i].address, p->addresses[i], sizeof p->addresses[i]);
}

/* Whether a look without verification would tell more. */
static int by_certificate(tern_status status)
{
  return status == TERN_E_TLS_EXPIRED || status == TERN_E_TLS_NOT_YET_VALID ||
         status == TERN_E_TLS_WRONG_HOST || status == TERN_E_TLS_UNKNOWN_CA ||
         status == TERN_E_TLS_CERTIFICATE || status == TERN_E_TLS_NO_TRUST;
}

static void keep_error(tern_probe *p, const tern_error *e)
{
  p->error = *e;
  snprintf(p->error_text, sizeof p->error_text, "%s", tern_error_text(e));
  p->error.detail = p->error_text;
  snprintf(p->reply_text, sizeof p->reply_text, "%s", tern_reply_text(&e->reply));
  p->error.reply.text = p->reply_text;
}

/* The second look: the client's credentials and demands are put aside for it. */
static void look_behind(tern_probe *p, tern_client *c)
{
  p->behind = 1;
  p->login = c->login;
  p->verify = c->security.verify;
  memset(&c->login, 0, sizeof c->login);
  c->login.mem = c->mem;
  c->login.random = p->login.random;
  c->login.random_user = p->login.random_user;
  c->security.verify = TERN_VERIFY_OPTIONAL; /* it is looked at, and the session goes on */
  p->asked = 0;
  tern__conn_fail(c, TERN_OK, TERN_PHASE_NONE, NULL);
  c->want_open = 1;
}

/* The client has come to where a mail could be sent, or failed before. */
static void take_look(tern_probe *p, tern_client *c, tern_status st)
{
  take_tls(p, c);
  if (st == TERN_OK) {
    p->connected = 1;
    take_session(p, c);
    c->want_quit = 1; /* its end cannot undo what was seen */
  }
  p->leaving = st == TERN_OK;
  if (!p->looks) name_tried(p);
  c->tried = NULL; /* of the first look alone */
  if (!p->looks++) {
    p->result = st;
    if (st != TERN_OK) keep_error(p, tern_client_error(c));
  }
}

/* Moves what there is to move. TERN_E_AGAIN, or the result. */
static tern_status advance(tern_probe *p)
{
  tern_client *c = p->client;
  tern_status st;

  for (;;) {
    st = tern__pump_step(c);
    if (st == TERN_E_AGAIN) return st;
    if (!p->leaving) take_look(p, c, st);
    else p->leaving = 0;
    if (p->leaving) continue;
    if (p->behind || !by_certificate(p->result)) break;
    look_behind(p, c);
  }
  give_back(p);
  take_auth(p);
  tern__probe_judge(p, (uint64_t)time(NULL));
  return p->result;
}

static tern_status begin(tern_probe *p, tern_client *c, const char *url)
{
  uint32_t blocking = c->blocking;
  tern_status st;

  clear(p);
  p->client = c;
  p->trace = c->trace;
  p->trace_user = c->trace_user;
  c->trace = on_trace;
  c->trace_user = p;
  c->tried = &p->tried;
  c->security.looked_at = 1;
  c->blocking = 0; /* connect stores what is wanted, for the looks to do */
  st = tern_client_connect(c, url);
  c->blocking = (uint8_t)blocking;
  if (st == TERN_E_AGAIN) return st;
  p->result = st;
  keep_error(p, tern_client_error(c));
  give_back(p);
  take_auth(p);
  tern__probe_judge(p, (uint64_t)time(NULL));
  return st;
}

tern_status tern_probe_run(tern_probe *p, tern_client *c, const char *url)
{
  tern_status st;

  if (!p || !c) return TERN_E_NOMEM;
  if (p->client || !c->blocking || c->stepping || tern__pump_busy(c)) return TERN_E_STATE;
  st = begin(p, c, url);
  while (st == TERN_E_AGAIN && (st = advance(p)) == TERN_E_AGAIN) tern__pump_wait(c);
  return st;
}

tern_status tern_probe_start(tern_probe *p, tern_client *c, const char *url)
{
  if (!p || !c) return TERN_E_NOMEM;
  if (p->client || c->blocking || c->stepping || tern__pump_busy(c)) return TERN_E_STATE;
  return begin(p, c, url);
}

tern_status tern_probe_step(tern_probe *p)
{
  if (!p) return TERN_E_NOMEM;
  if (!p->client) return p->result;
  return p->client->stepping ? TERN_E_STATE : advance(p);
}

/* ---- getters ---------------------------------------------------------------------------------------*/
const tern_error *tern_probe_error(const tern_probe *p)
{
  static const tern_error none;

  return p ? &p->error : &none;
}

tern_status tern_probe_address(const tern_probe *p, uint32_t index, tern_probed *out)
{
  if (!p || index >= p->tried.count || !out || out->size < sizeof *out) return TERN_E_ARGUMENT;
  out->address = p->addresses[index];
  out->result = p->tried.list[index].result; /* of the same numbers */
  out->reason = p->tried.list[index].reason;
  return TERN_OK;
}

const char *tern_probe_ehlo(const tern_probe *p, uint32_t secure, uint32_t index)
{
  const tern__probe_lines *lines;

  if (!p || secure > 1 || index >= p->ehlo[secure].count) return NULL;
  lines = &p->ehlo[secure];
  return lines->text + lines->at[index];
}

tern_status tern_probe_get(const tern_probe *p, tern_probe_facts *out)
{
  if (!p || !out || out->size < sizeof *out) return TERN_E_ARGUMENT;
  out->peer = p->peer;
  out->greeting = p->greeting;
  out->capabilities = p->capabilities;
  out->size_limit = p->size_limit;
  out->rcpt_max = p->rcpt_max;
  out->mail_max = p->mail_max;
  out->mechanisms = p->mechanisms ? p->mechanisms : "";
  out->mechanism = p->mechanism;
  out->tls_version = p->tls_version;
  out->tls_cipher = p->tls_cipher;
  out->tls_verified = p->tls_verified;
  out->certificate = p->looks ? p->certificate : TERN_E_AGAIN;
  out->name_fits = p->name_fits;
  out->ends = p->ends;
  return TERN_OK;
}

const tern_tls_chain *tern_probe_chain(const tern_probe *p)
{
  return p ? p->chain : NULL;
}

tern_status tern_probe_finding(const tern_probe *p, uint32_t index, tern_finding *out)
{
  const tern__found *f;

  if (!p || index >= p->found_count || !out || out->size < sizeof *out) return TERN_E_ARGUMENT;
  f = &p->found[index];
  out->level = f->level;
  out->status = f->status;
  out->who = f->who;
  out->text = f->text;
  out->hint = f->hint;
  return TERN_OK;
}
