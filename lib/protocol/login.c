/* login.c - from the connection to "ready for mail": greeting, EHLO (HELO), STARTTLS, AUTH.
 *
 * RFC 5321 3.1, 3.2; RFC 3207; RFC 4954. Nothing that came before TLS is believed after it: the
 * offer is forgotten and asked for again. Credentials that were given are used or the session ends.
 * A mechanism's state lives at the end of the out buffer while AUTH runs, as nothing else is sent
 * then. Neighbours: session.c brings the replies, sasl/ the mechanisms. */
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/verdict.h"
#include "protocol/engine.h"

#define CHALLENGES_MAX 16u    /* of one exchange; SCRAM needs two */
#define INITIAL_MAX 512u      /* RFC 4954 4: AUTH with its initial response as one command line */
#define RESPONSE_MAX 9213u    /* RFC 4954 4: 12,288 octets in base64 and with CRLF */
#define PIECE 48u             /* octets of a response encoded at a time: a multiple of 3 */

static const tern_mechanism *mechanism(const tern_session *s)
{
  return s->table[s->mechanism];
}

static void *state(const tern_session *s)
{
  return s->out + s->out_cap;
}

static tern_status next_mechanism(tern_session *s);

/* ---- greeting and EHLO ------------------------------------------------------------------------- */
static tern_status send_verb(tern_session *s, const char *verb, const char *argument, unsigned kind)
{
  tern__line line;

  tern__out_line(s, &line);
  tern__put_verb(&line, verb, argument);
  if (!tern__out_commit(s, &line, kind, NULL))
    return tern__fail(s, TERN_E_BUFFER, tern__phase_of(kind));
  s->stage = TERN__OPENING;
  return TERN_OK;
}

static tern_status send_hello(tern_session *s)
{
  memset(&s->offer, 0, sizeof s->offer);
  return send_verb(s, TERN__LMTP(s) ? "LHLO" : "EHLO", s->ehlo_name, TERN__HELLO);
}

tern_status tern__login_start(tern_session *s)
{
  s->stage = TERN__OPENING;
  if (TERN__WITH_STARTTLS && s->tls_mode == TERN_TLS_IMPLICIT && !s->secure)
    s->stage = TERN__TLS;
  else
    tern__owe(s, TERN__GREETING, 1);
  return TERN_OK;
}

tern_status tern__login_tls_done(tern_session *s)
{
  s->secure = 1;
  memset(&s->offer, 0, sizeof s->offer);
  s->reader.base = 0;
  tern__reply_begin(&s->reader);
  s->reply_read = 0;
  return s->greeted ? send_hello(s) : tern__login_start(s);
}

static tern_status after_hello(tern_session *s)
{
  uint32_t caps = tern__caps(s);

  if (!TERN__SECURE(s) && s->tls_mode != TERN_TLS_NONE) {
    if (TERN__WITH_STARTTLS && (caps & TERN_CAP_STARTTLS)) return send_verb(s, "STARTTLS", NULL, TERN__STARTTLS);
    if (s->tls_mode == TERN_TLS_REQUIRED)
      return tern__fail(s, TERN_E_TLS_NOT_OFFERED, TERN_PHASE_STARTTLS);
  }
  return tern__login_ready(s);
}

tern_status tern__login_ready(tern_session *s)
{
  if (s->cred == NULL || s->authenticated) {
    s->stage = TERN__READY;
    return TERN_OK;
  }
  if (!TERN__SECURE(s) && !s->channel_safe) return tern__fail(s, TERN_E_CLEARTEXT, TERN_PHASE_AUTH);
  if (s->cred->ask != NULL) {
    tern_status st = s->cred->ask(s->cred->callback_user, 0, s->cred);
    if (st != TERN_OK) return tern__fail(s, st, TERN_PHASE_AUTH);
  }
  return next_mechanism(s);
}

/* ---- AUTH ---------------------------------------------------------------------------------------- */
void tern__login_wipe(tern_session *s)
{
  if (!s->sasl_live) return;
  tern__wipe(state(s), TERN_SASL_STATE_SIZE);
  s->out_cap += (uint32_t)TERN_SASL_STATE_SIZE;
  s->sasl_live = 0;
}

/* The "*" of RFC 4954 4: the server answers 501, and then the session ends. */
static tern_status cancel(tern_session *s)
{
  s->sasl_error = 1;
  return send_verb(s, "*", NULL, TERN__AUTH);
}

static tern_status respond(tern_session *s, size_t len)
{
  if (len > RESPONSE_MAX) {
    (void)tern__fail(s, TERN_E_CREDENTIALS, TERN_PHASE_AUTH);
    s->error.field = TERN_FIELD_TOKEN;
    return TERN_E_CREDENTIALS;
  }
  s->response_at = 0;
  s->response_len = (uint16_t)len;
  s->stage = TERN__ANSWER;
  return TERN_OK;
}

/* Writes as much of the response as there is room for. */
tern_status tern__login_answer(tern_session *s)
{
  uint8_t raw[PIECE];
  char text[(PIECE + 2) / 3 * 4];
  size_t n, len;

  while (s->response_at < s->response_len) {
    if (!tern__out_room(s, sizeof text + 2)) return TERN_OK;
    n = (size_t)(s->response_len - s->response_at);
    if (n > PIECE) n = PIECE;
    mechanism(s)->response(state(s), s->response_at, raw, n);
    len = tern__base64_encode(text, raw, n);
    (void)tern__out_octets(s, (const uint8_t *)text, len);
    s->response_at = (uint16_t)(s->response_at + n);
  }
  tern__wipe(raw, sizeof raw);
  tern__wipe(text, sizeof text);
  if (!tern__out_octets(s, (const uint8_t *)"\r\n", 2)) return TERN_OK;
  tern__owe(s, TERN__AUTH, 1);
  s->stage = TERN__OPENING;
  return TERN_OK;
}

/* What a step of the mechanism came to. */
static tern_status stepped(tern_session *s, tern_status st, size_t len)
{
  if (st == TERN_OK) {
    tern__trace_line(s, 'C', "***", 3);
    return respond(s, len);
  }
  if (st == TERN_E_AGAIN) {
    s->stage = TERN__WORK;
    return TERN_OK;
  }
  if (st == TERN_E_AUTH_CHALLENGE) return cancel(s);
  return tern__fail(s, st, TERN_PHASE_AUTH);
}

tern_status tern__login_work(tern_session *s)
{
  size_t len = 0;
  tern_status st = mechanism(s)->work(state(s), &len);

  return stepped(s, st, len);
}

/* "AUTH NAME", with the initial response where it fits. */
static tern_status begin(tern_session *s)
{
  const tern_mechanism *m = mechanism(s);
  uint32_t field = TERN_FIELD_NONE;
  size_t len = 0, line_len;
  tern_status st;
  tern__line line;

  if (m->state_size > TERN_SASL_STATE_SIZE || s->out_cap < TERN_SASL_STATE_SIZE + TERN_SESSION_OUT_MIN)
    return tern__fail(s, TERN_E_BUFFER, TERN_PHASE_AUTH);
  s->out_cap -= (uint32_t)TERN_SASL_STATE_SIZE;
  s->sasl_live = 1;
  s->response_len = 0;
  s->challenges = s->first_due = 0;
  s->reader.base = 0;
  s->error.detail = NULL;
  memset(state(s), 0, TERN_SASL_STATE_SIZE);
  st = m->begin(state(s), s->cred, &field);
  if (st == TERN_OK && (m->flags & TERN_MECHANISM_FIRST))
    st = m->challenge(state(s), NULL, 0, &len);
  if (st != TERN_OK) {
    st = tern__fail(s, st, TERN_PHASE_AUTH);
    s->error.field = (uint8_t)field;
    return st;
  }
  if (len > RESPONSE_MAX) return respond(s, len);
  s->response_len = (uint16_t)len;
  line_len = strlen("AUTH ") + strlen(m->name) + 1 + tern__base64_length(len) + 2;
  if (!(m->flags & TERN_MECHANISM_FIRST) || line_len > INITIAL_MAX) {
    s->first_due = (m->flags & TERN_MECHANISM_FIRST) != 0;
    return send_verb(s, "AUTH", m->name, TERN__AUTH);
  }
  tern__out_line(s, &line);
  tern__line_put(&line, "AUTH ");
  tern__line_put(&line, m->name);
  tern__line_put(&line, len == 0 ? " =" : " "); /* "=" is an empty one, RFC 4954 4 */
  if (TERN__TRACED(s)) {
    tern__line_put(&line, "***");
    tern__trace_line(s, 'C', line.at, line.len);
    line.len -= line.full ? 0 : 3;
  }
  if (line.full || !tern__out_octets(s, (const uint8_t *)line.at, line.len))
    return tern__fail(s, TERN_E_BUFFER, TERN_PHASE_AUTH);
  return respond(s, len);
}

/* Whether one of the mechanisms in the set is bound to the channel. */
static int any_bound(const tern_session *s, uint32_t set)
{
  uint32_t i;

  for (i = 0; i < 32 && s->table[i] != NULL; i++)
    if ((set & (uint32_t)1 << i) && (s->table[i]->flags & TERN_MECHANISM_BOUND)) return 1;
  return 0;
}

/* Whether mechanism i of the table can be used with what there is; *missing: but for randomness. */
static int fits(const tern_session *s, uint32_t i, int *missing)
{
  const tern_credentials *c = s->cred;
  const tern_mechanism *m = s->table[i];

  if ((s->tried & (uint32_t)1 << i) || !(s->offer.mechanisms & (uint32_t)1 << i)) return 0;
  if (!(m->kind & c->kinds)) return 0;
  if (TERN__WITH_BOUND && (m->flags & TERN_MECHANISM_BOUND)) {
    if (c->binding == NULL) return 0;
  } else if (TERN__WITH_BOUND && m->kind == TERN_CRED_PASSWORD && any_bound(s, s->tried)) {
    return 0; /* someone may sit in between, whom the next one would not notice */
  }
  if (c->mechanism != NULL && strcmp(c->mechanism, m->name) != 0) return 0;
  if (TERN__WITH_RANDOM && (m->flags & TERN_MECHANISM_RANDOM) && c->random == NULL) {
    *missing = 1;
    return 0;
  }
  return 1;
}

static tern_status next_mechanism(tern_session *s)
{
  uint32_t i;
  int missing = 0;

  if (TERN__WITH_BOUND) s->cred->binding_offered = (uint32_t)any_bound(s, s->offer.mechanisms);
  for (i = 0; i < 32 && s->table[i] != NULL; i++) {
    if ((tern__caps(s) & TERN_CAP_AUTH) && fits(s, i, &missing)) {
      tern__login_wipe(s);
      s->mechanism = (uint8_t)i;
      return begin(s);
    }
  }
  return s->tried != 0 ? TERN_E_AUTH_NO_MECHANISM
                       : tern__fail(s, missing ? TERN_E_RANDOM : TERN_E_AUTH_NO_MECHANISM,
                                    TERN_PHASE_AUTH);
}

/* 334: decodes in place and asks the mechanism. */
static tern_status challenge(tern_session *s)
{
  const tern_mechanism *m = mechanism(s);
  tern__reader *r = &s->reader;
  char *text = r->text + (r->reply.text - r->text);
  size_t len = (size_t)(r->text + r->len - text), out = 0, i;
  tern_status st;

  if (++s->challenges > CHALLENGES_MAX || s->sasl_error)
    return tern__fail_reply(s, TERN_E_AUTH_CHALLENGE, TERN_PHASE_AUTH);
  if (s->first_due) { /* an empty one is due; some servers write words into it */
    s->first_due = 0;
    return stepped(s, TERN_OK, s->response_len);
  }
  if (r->cut || r->lines > 1) return cancel(s);
  if (TERN__WITH_CHALLENGE) {
    len = tern__base64_decode((uint8_t *)text, text, len);
    if (len == SIZE_MAX) {
      if (!(m->flags & TERN_MECHANISM_PROMPT)) return cancel(s);
      len = 0;
    }
    text[len] = '\0';
  }
  if (TERN__WITH_TOKEN && m->kind == TERN_CRED_TOKEN) {
    /* the error JSON of RFC 7628 3.2.2 stays for the caller */
    tern__redact(s->cred, text, len);
    for (i = 0; i < len; i++)
      if ((uint8_t)text[i] < 32 || text[i] == 127) text[i] = '?';
    r->len = (uint16_t)(text - r->text + (ptrdiff_t)len);
    if (len != 0 && tern__reply_retain(r, 64)) s->error.detail = text;
  }
  st = m->challenge(state(s), (const uint8_t *)text, len, &out);
  return stepped(s, st, out);
}

/* 4xx, 5xx: fresh credentials, then the next mechanism, where that can help. */
static tern_status refused(tern_session *s)
{
  uint32_t code = s->reader.reply.code;
  tern_status status = tern__verdict(TERN_PHASE_AUTH, &s->reader.reply), st;

  if (s->sasl_error) status = TERN_E_AUTH_CHALLENGE;
  if (s->sasl_error || (code != 504 && code != 534 && code != 535))
    return tern__fail_reply(s, status, TERN_PHASE_AUTH);
  s->tried |= (uint32_t)1 << s->mechanism;
  if (code == 535 && s->cred->ask != NULL && !s->expired) {
    s->expired = 1;
    st = s->cred->ask(s->cred->callback_user, 1, s->cred);
    if (st != TERN_OK) return tern__fail(s, st, TERN_PHASE_AUTH);
    s->tried = 0;
  }
  st = next_mechanism(s);
  if (st != TERN_E_AUTH_NO_MECHANISM || s->stage == TERN__ENDED) return st;
  return tern__fail_reply(s, status, TERN_PHASE_AUTH);
}

static tern_status auth_reply(tern_session *s)
{
  tern_status st;

  switch (s->reader.reply.code / 100) {
  case 2:
    if (s->sasl_error || s->first_due)
      return tern__fail_reply(s, TERN_E_REPLY_UNEXPECTED, TERN_PHASE_AUTH);
    st = mechanism(s)->success(state(s));
    if (st != TERN_OK) return tern__fail_reply(s, st, TERN_PHASE_AUTH);
    tern__login_wipe(s);
    s->authenticated = 1;
    s->error.detail = NULL;
    s->stage = TERN__READY;
    return TERN_OK;
  case 3:
    if (s->reader.reply.code == 334) return challenge(s);
    return tern__fail_reply(s, TERN_E_REPLY_UNEXPECTED, TERN_PHASE_AUTH);
  default:
    return refused(s);
  }
}

/* ---- replies ------------------------------------------------------------------------------------- */
static tern_status hello_reply(tern_session *s, unsigned kind, unsigned class)
{
  tern_status status = tern__verdict(TERN_PHASE_EHLO, &s->reader.reply);

  if (class == 2 && s->reader.reply.code != 250) /* a greeting once more, say: RFC 5321 4.3.2 */
    return tern__fail_reply(s, TERN_E_REPLY_UNEXPECTED, TERN_PHASE_EHLO);
  if (class == 2) {
    if (kind == TERN__HELLO) s->offer.caps |= TERN_CAP_EXTENDED;
    memset(&s->error, 0, sizeof s->error);
    s->reader.base = 0;
    return after_hello(s);
  }
  if (kind == TERN__HELLO && class == 5 && !TERN__LMTP(s)) { /* RFC 5321 3.2 */
    tern__error_set(&s->error, status, TERN_PHASE_EHLO);
    s->error.reply = s->reader.reply;
    if (!TERN__WITH_LOG || !tern__reply_retain(&s->reader, 64)) s->error.reply.text = "";
    return send_verb(s, "HELO", s->ehlo_name, TERN__HELO);
  }
  if (kind == TERN__HELO && s->error.status != TERN_OK) { /* the first cause is the one to tell */
    s->reader.reply = s->error.reply;
    status = s->error.status;
  }
  return tern__fail_reply(s, status, TERN_PHASE_EHLO);
}

tern_status tern__login_reply(tern_session *s, unsigned kind)
{
  unsigned class = s->reader.reply.code / 100u;
  uint32_t phase = tern__phase_of(kind);

  if (kind == TERN__AUTH) return auth_reply(s);
  if (class == 3) return tern__fail_reply(s, TERN_E_REPLY_UNEXPECTED, phase);
  if (kind == TERN__HELLO || kind == TERN__HELO) return hello_reply(s, kind, class);
  if (class == 2) {
    if (!TERN__WITH_STARTTLS || kind == TERN__GREETING) {
      s->greeted = 1;
      return send_hello(s);
    }
    s->stage = TERN__TLS;
    return TERN_OK;
  }
  if (TERN__WITH_STARTTLS && kind == TERN__STARTTLS && s->tls_mode == TERN_TLS_OPPORTUNISTIC &&
      s->reader.reply.code != 421)
    return tern__login_ready(s);
  return tern__fail_reply(s, tern__verdict(phase, &s->reader.reply), phase);
}
