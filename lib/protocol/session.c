/* session.c - the session as its caller sees it: settings, intents, stepping, deadlines, getters.
 *
 * Each stepping call lets the receiver judge what came (login.c, transaction.c), then lets the
 * sender run as far as it may, then sets the deadlines. Deadlines of RFC 5321 4.5.3.2 run for a
 * whole reply, handshake or block, not for each octet. */
#include <string.h>

#include "base/mailbox.h"
#include "base/mem.h"
#include "base/verdict.h"
#include "protocol/engine.h"
#include "sasl/mechanisms.h"

#define WRITE_BLOCK 16384u /* the time of a write begins anew with each such block */

/* The public constants must hold what they are for. */
typedef char session_fits[sizeof(tern_session) <= TERN_SESSION_OBJECT ? 1 : -1];
typedef char slot_fits[sizeof(tern__slot) + TERN__OWED(1) * sizeof(tern__owed) <= TERN_SESSION_SLOT
                           ? 1
                           : -1];

/* What the types need: on i386 less than TERN_SESSION_ALIGN, and its allocators give no more. */
struct lone_session {
  char octet;
  tern_session session;
};
#define SESSION_ALIGN offsetof(struct lone_session, session)

static const uint16_t default_timeout[TERN_PHASES] = { /* seconds */
  60,  60,  60,  60,  /* none, resolve, connect, TLS */
  300, 300, 60,  60,  /* greeting, EHLO, STARTTLS, AUTH */
  300, 300, 120, 600, /* MAIL, RCPT, DATA, end of data */
  60,  1,   60,       /* RSET, QUIT, other */
};

/* ---- life -------------------------------------------------------------------------------------- */
#if TERN__WITH_EXTRA
size_t tern_session_size(uint32_t window, size_t text, size_t out)
{
  return TERN_SESSION_SIZE(window, text, out);
}
#endif

tern_status tern_session_init(tern_session **session, void *block, size_t size, uint32_t window,
                              size_t text)
{
  tern_session *s = block;
  size_t slots, owed, fixed;
  uint32_t i;

  if (session == NULL) return TERN_E_ARGUMENT;
  *session = NULL;
  if (block == NULL || window < 1 || window > (TERN__WITH_WINDOW ? TERN_WINDOW_MAX : 1u) ||
      text < TERN_SESSION_TEXT_MIN || text > UINT16_MAX || (uintptr_t)block % SESSION_ALIGN != 0)
    return TERN_E_ARGUMENT;
  text = TERN__WHOLE(text);
  slots = TERN__WHOLE(sizeof *s);
  owed = slots + window * TERN__WHOLE(sizeof(tern__slot));
  fixed = owed + TERN__WHOLE(TERN__OWED(window) * sizeof(tern__owed));
  if (size < fixed + text + TERN_SESSION_OUT_MIN) return TERN_E_BUFFER;
  memset(block, 0, slots);
#if TERN__WITH_EXTRA
  s->extra.slots = (void *)((char *)block + slots);
  s->extra.owed = (void *)((char *)block + owed);
  s->extra.window = (uint8_t)window;
  s->extra.spans = s->few;
  s->extra.span_cap = TERN__SPANS;
  for (i = 0; i < TERN_PHASES; i++) s->extra.timeout[i] = default_timeout[i] * 1000u;
#else
  s->wait = TERN__BY_PHASE;
#endif
  for (i = 0; i < window; i++) tern__slot_at(s, i)->t = NULL;
  tern__reply_buffer(&s->reader, (char *)block + fixed, text);
  s->out = (char *)block + fixed + text;
  size -= fixed + text;
#if TERN__WITH_EXTRA
  if (size >= TERN__OUT_LARGE) {
    s->extra.spans = (void *)s->out;
    s->extra.span_cap = TERN__SPANS_MORE;
    s->out += TERN__SPANS_MORE * sizeof(tern_span);
    size -= TERN__SPANS_MORE * sizeof(tern_span);
  }
#endif
  s->out_cap = (uint32_t)(size > 0x40000000 ? 0x40000000 : size & ~(size_t)7);
  s->overall = TERN_NEVER;
  s->table = tern_mechanisms();
  s->mechanism = UINT8_MAX;
  *session = s;
  return TERN_OK;
}

void tern_session_wipe(tern_session *s)
{
  if (TERN__NONE(s)) return;
  tern__login_wipe(s);
  tern__wipe(s->out, s->out_cap);
  tern__wipe(s->reader.text, s->reader.cap);
  tern__wipe(s, sizeof *s);
  s->stage = TERN__ENDED;
}

/* ---- settings ---------------------------------------------------------------------------------- */
static tern_status settable(const tern_session *s)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  return s->stage == TERN__NEW ? TERN_OK : TERN_E_STATE;
}

static tern_status set_octet(tern_session *s, uint8_t *member, uint32_t value, uint32_t max)
{
  tern_status st = settable(s);

  if (st == TERN_OK && value > max) st = TERN_E_ARGUMENT;
  if (st == TERN_OK) *member = (uint8_t)value;
  return st;
}

tern_status tern_session_set_tls(tern_session *s, uint32_t mode)
{
  if (!TERN__WITH_STARTTLS && mode != TERN_TLS_NONE) return TERN_E_UNSUPPORTED;
  return set_octet(s, !TERN__NONE(s) ? &s->tls_mode : NULL, mode, TERN_TLS_IMPLICIT);
}

#if TERN__WITH_LMTP
tern_status tern_session_set_lmtp(tern_session *s, uint32_t on)
{
  return set_octet(s, !TERN__NONE(s) ? &s->lmtp : NULL, on != 0, 1);
}
#endif

tern_status tern_session_set_channel_safe(tern_session *s, uint32_t on)
{
  return set_octet(s, !TERN__NONE(s) ? &s->channel_safe : NULL, on != 0, 1);
}

tern_status tern_session_set_ehlo_name(tern_session *s, const char *name)
{
  tern_status st = settable(s);
  size_t position = 0;

  if (st != TERN_OK) return st;
  if (name == NULL || tern__domain_check(name, &position) != TERN_OK) {
    tern__error_field(&s->error, TERN_E_NAME, TERN_FIELD_EHLO_NAME, name, position);
    return TERN_E_NAME;
  }
  s->ehlo_name = name;
  return TERN_OK;
}

#if TERN__WITH_POLICY
tern_status tern_session_set_mask(tern_session *s, uint32_t capabilities)
{
  tern_status st = settable(s);

  if (st == TERN_OK) TERN__EXTRA(s)->mask = capabilities;
  return st;
}

tern_status tern_session_set_policy(tern_session *s, uint32_t capability, uint32_t policy)
{
  tern_status st = settable(s);

  if (st != TERN_OK) return st;
  if (policy > TERN_NEVER_USE || capability == 0) return TERN_E_ARGUMENT;
  TERN__EXTRA(s)->required &= ~capability;
  TERN__EXTRA(s)->never &= ~capability;
  if (policy == TERN_REQUIRE) TERN__EXTRA(s)->required |= capability;
  if (policy == TERN_NEVER_USE) TERN__EXTRA(s)->never |= capability;
  return TERN_OK;
}
#endif

tern_status tern_session_set_timeout(tern_session *s, uint32_t phase, uint32_t ms)
{
  tern_status st = settable(s);
#if TERN__WITH_EXTRA
  uint32_t i;
#endif

  if (st != TERN_OK) return st;
  if (phase >= TERN_PHASES) return TERN_E_ARGUMENT;
#if TERN__WITH_EXTRA
  for (i = 1; i < TERN_PHASES; i++)
    if (i == phase || (phase == TERN_PHASE_NONE && i != TERN_PHASE_QUIT)) s->extra.timeout[i] = ms;
#else
  if (phase != TERN_PHASE_NONE) return TERN_E_UNSUPPORTED;
  s->wait = ms;
#endif
  return TERN_OK;
}

tern_status tern_session_set_deadline(tern_session *s, uint64_t at)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  s->overall = at; /* at any time: each mail may have its own */
  return TERN_OK;
}

#if TERN__WITH_EXTRA
tern_status tern_session_set_verified(tern_session *s, uint32_t on)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  s->extra.verified = on != 0; /* at any time: the handshake comes late */
  return TERN_OK;
}
#endif

#if TERN__WITH_POLICY
tern_status tern_session_set_pipeline(tern_session *s, uint32_t octets)
{
  tern_status st = settable(s);

  if (st == TERN_OK) TERN__EXTRA(s)->pipeline = octets;
  return st;
}

tern_status tern_session_set_eager(tern_session *s, uint32_t on)
{
  return set_octet(s, !TERN__NONE(s) ? &TERN__EXTRA(s)->eager : NULL, on != 0, 1);
}
#endif

#if TERN__WITH_POLICY
tern_status tern_session_set_mechanisms(tern_session *s, const tern_mechanism *const *table)
{
  tern_status st = settable(s);

  if (st == TERN_OK && table != NULL) st = tern__mechanisms_check(table);
  if (st == TERN_OK) s->table = table != NULL ? table : tern_mechanisms();
  return st;
}

tern_status tern_session_set_trace(tern_session *s, tern_trace trace, void *user)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  TERN__EXTRA(s)->trace = trace;
  TERN__EXTRA(s)->trace_user = user;
  return TERN_OK;
}
#endif

/* ---- the end ------------------------------------------------------------------------------------ */
/* Stops everything; mails are settled by s->error. */
static tern_status end(tern_session *s)
{
  s->stage = TERN__ENDED;
  tern__mail_abandon(s);
  tern__login_wipe(s);
  s->span_count = 0;
  s->owed_count = 0;
  return s->error.status;
}

tern_status tern__fail(tern_session *s, tern_status status, uint32_t phase)
{
  const char *detail = s->error.detail;
  tern_status cause = s->error.cause;

  if (s->stage == TERN__ENDED) return s->error.status;
  tern__error_set(&s->error, status, phase);
  s->error.detail = detail;
  s->error.cause = cause;
  return end(s);
}

tern_status tern__fail_reply(tern_session *s, tern_status status, uint32_t phase)
{
  const char *detail = s->error.detail;

  if (s->stage == TERN__ENDED) return s->error.status;
  tern__error_set(&s->error, status, phase);
  s->error.detail = detail;
  s->error.reply = s->reader.reply;
  return end(s);
}

/* Whether only QUIT's answer is awaited. */
static int quitting(const tern_session *s)
{
  return s->stage == TERN__QUITTING && s->slot_used == 0;
}

/* QUIT's answer, its lack, or whatever else happens then: nothing of it changes a result. */
static tern_status end_well(tern_session *s)
{
  if (s->slot_used != 0) return tern__fail(s, TERN_E_CLOSED, TERN_PHASE_QUIT);
  tern__error_set(&s->error, TERN_OK, TERN_PHASE_QUIT);
  return end(s);
}

/* ---- deadlines ---------------------------------------------------------------------------------- */
static uint32_t timeout_of(const tern_session *s, uint32_t phase)
{
#if TERN__WITH_EXTRA
  return s->extra.timeout[phase];
#else
  return s->wait == TERN__BY_PHASE || phase == TERN_PHASE_QUIT ? default_timeout[phase] * 1000u : s->wait;
#endif
}

static uint64_t due(const tern_session *s, uint64_t now, uint32_t phase, int writes) TERN__APART;
/* When a wait that begins now, in that phase, is over. */
static uint64_t due(const tern_session *s, uint64_t now, uint32_t phase, int writes)
{
  uint32_t ms = timeout_of(s, phase);

  if (writes && phase == TERN_PHASE_DATA) ms += ms / 2; /* 2 and 3 minutes: RFC 5321 4.5.3.2.4, .5 */
  return ms == 0 || now + ms < now ? TERN_NEVER : now + ms;
}

static int reply_waits(const tern_session *s)
{
  return (s->owed_count != 0 && tern__handed(s, tern__ring(s)[s->owed_head].end)) ||
         (tern__reply_partial(&s->reader) && !s->reply_read);
}

static int write_waits(const tern_session *s)
{
  return s->span_count != 0 || TERN__IN_TLS(s) || s->source_waits;
}

/* Every stepping call ends here, so that between two of them `armed` says what is waited for. */
static void arm(tern_session *s, uint64_t now)
{
  unsigned waits = 0;
  uint32_t phase; /* of TLS that */

  if (!reply_waits(s))
    s->armed &= (uint8_t)~TERN__ARMED_REPLY;
  else if (!(s->armed & TERN__ARMED_REPLY))
    waits = TERN__ARMED_REPLY;
  if (!write_waits(s))
    s->armed &= (uint8_t)~TERN__ARMED_WRITE;
  else if (!(s->armed & TERN__ARMED_WRITE) || s->acked - s->write_mark >= WRITE_BLOCK)
    waits |= TERN__ARMED_WRITE;
  if (waits == 0) return;
  s->armed |= (uint8_t)waits;
  phase = tern_session_phase(s);
  if (waits & TERN__ARMED_REPLY) s->reply_due = due(s, now, phase, 0);
  if (waits & TERN__ARMED_WRITE) {
    s->write_mark = s->acked;
    s->write_due = due(s, now, phase, 1);
  }
}

uint64_t tern_session_deadline(const tern_session *s)
{
  uint64_t at = TERN_NEVER;

  if (TERN__NONE(s) || s->stage == TERN__ENDED || s->stage == TERN__NEW) return at;
  if (s->armed & TERN__ARMED_REPLY) at = s->reply_due;
  if ((s->armed & TERN__ARMED_WRITE) && s->write_due < at) at = s->write_due;
  return s->overall < at && !tern_session_idle(s) ? s->overall : at;
}

/* ---- stepping ------------------------------------------------------------------------------------ */
static tern_status advance(tern_session *s, uint64_t now)
{
  tern_status st = TERN_OK;

  if (s->stage == TERN__ANSWER) st = tern__login_answer(s);
  if (s->stage == TERN__READY && s->cred != NULL && !s->authenticated && s->owed_count == 0)
    (void)tern__login_ready(s); /* credentials came after EHLO */
  if (s->stage >= TERN__READY && s->stage <= TERN__END_CONTENT) st = tern__mail_send(s);
  if (s->stage == TERN__ENDED) return s->error.status;
  arm(s, now);
  return st;
}

tern_status tern_session_tick(tern_session *s, uint64_t now)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__ENDED) return s->error.status;
  if (s->stage == TERN__NEW) return TERN_E_STATE;
  if (now >= tern_session_deadline(s)) {
    if (quitting(s)) return end_well(s);
    return tern__fail(s, TERN_E_TIMEOUT, tern_session_phase(s));
  }
  if (s->stage == TERN__WORK) (void)tern__login_work(s);
  return advance(s, now);
}

uint32_t tern_session_wants(const tern_session *s)
{
  uint32_t w = 0;

  if (TERN__NONE(s) || s->stage == TERN__NEW || s->stage == TERN__ENDED) return 0;
  if (TERN__WIDE && s->stage >= TERN__READY && s->owed_count != 0 && !s->source_waits) /* mostly */
    return s->span_count != 0 ? TERN_READ | TERN_WRITE : TERN_READ;
  if (TERN__IN_TLS(s)) return TERN_WANT_TLS;
  if (s->stage == TERN__WORK) return TERN_WANT_WORK;
  if (s->span_count != 0) w |= TERN_READ | TERN_WRITE;
  if (s->owed_count != 0 || (s->stage >= TERN__SEND_MAIL && s->stage <= TERN__END_CONTENT)) w |= TERN_READ;
  if (s->source_waits) w |= TERN_WANT_SOURCE;
  if (s->stage == TERN__READY && s->owed_count == 0 && s->span_count == 0 &&
      (s->slot_used != 0 || s->quit || TERN__OTHER_DUE(s) || (s->cred != NULL && !s->authenticated)))
    w |= TERN_WANT_WORK; /* an intent waits for a stepping call */
  return w;
}

const uint8_t *tern_session_out(tern_session *s, size_t *len)
{
  if (len != NULL) *len = 0;
  if (TERN__NONE(s) || len == NULL || s->span_count == 0) return NULL;
  *len = TERN__SPANS_OF(s)[s->span_first].len;
  return TERN__SPANS_OF(s)[s->span_first].octets;
}

#if TERN__WITH_EXTRA
size_t tern_session_outv(tern_session *s, tern_span *spans, size_t max)
{
  size_t n;

  if (TERN__NONE(s) || spans == NULL) return 0;
  n = s->span_count < max ? s->span_count : max;
  memcpy(spans, TERN__SPANS_OF(s) + s->span_first, n * sizeof *spans);
  return n;
}
#endif

/* Tells the caller how much of its content has left; its answer may be to cancel. */
static tern_status report_progress(tern_session *s, uint32_t len)
{
  const tern__slot *slot = tern__slot_at(s, TERN__EXTRA(s)->content_slot);
  const tern_transaction *t = slot->t;
  uint32_t inside = s->acked - TERN__EXTRA(s)->content_from;
  int all = TERN__EXTRA(s)->content_known && tern__handed(s, TERN__EXTRA(s)->content_end);
  tern_status st;

  if (t == NULL || (s->content_on == 1 && (int32_t)inside <= 0)) return TERN_OK;
  if (s->content_on == 1 && len > inside) len = inside;
  s->content_on = 2;
  TERN__EXTRA(s)->content_sent += len;
  if (all) TERN__EXTRA(s)->content_sent -= s->acked - TERN__EXTRA(s)->content_end;
  if (TERN__EXTRA(s)->content_sent > slot->length || (all && slot->length != TERN__LENGTH_UNKNOWN))
    TERN__EXTRA(s)->content_sent = slot->length; /* the dots of transparency are not content */
  st = t->progress != NULL ? t->progress(t->user, TERN__EXTRA(s)->content_sent, slot->length) : TERN_OK;
  if (all) s->content_on = 0;
  return all ? TERN_OK : st; /* too late to cancel: the final reply will tell */
}

tern_status tern_session_out_done(tern_session *s, size_t len, uint64_t now)
{
  size_t left = len, n;

  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__ENDED) return s->error.status;
  while (left != 0 && s->span_count != 0) {
    tern_span *first = &TERN__SPANS_OF(s)[s->span_first];

    n = left < first->len ? left : first->len;
    first->octets += n;
    first->len -= n;
    left -= n;
    s->acked += (uint32_t)n;
    if (first->len != 0) break;
    s->span_first++;
    s->span_count--;
  }
  if (s->span_count == 0) {
    s->span_first = 0;
    if (s->cred != NULL && !s->authenticated) tern__wipe(s->out, s->out_len);
    s->out_len = 0;
    s->armed &= (uint8_t)~TERN__ARMED_WRITE;
  }
  if (TERN__WITH_PROGRESS && s->content_on && report_progress(s, (uint32_t)len) < 0)
    return tern__fail(s, TERN_E_CANCELLED, tern_session_phase(s));
  return left != 0 ? TERN_E_ARGUMENT : advance(s, now);
}

/* A whole reply has been read. */
static tern_status judge(tern_session *s)
{
  tern__owed *owed = tern__owed_first(s);
  uint32_t code = s->reader.reply.code, kind;
  tern_status st;

  if (s->early) {
    if (quitting(s)) return end_well(s);
    /* RFC 5321 3.8: 421 may come at any time; nothing else may come unasked. */
    return tern__fail_reply(s, code == 421 ? TERN_E_SERVICE_UNAVAILABLE : TERN_E_REPLY_UNEXPECTED,
                            tern_session_phase(s));
  }
  kind = owed->kind;
  if (kind == TERN__QUIT) return end_well(s);
  if (TERN__WITH_OTHER && kind == TERN__OTHER) {
    tern__owed_pop(s, 1);
    st = TERN_OK;
  } else if (kind <= TERN__AUTH) {
    tern__owed_pop(s, 1);
    st = tern__login_reply(s, kind);
  } else {
    st = tern__mail_reply(s, kind, tern__slot_at(s, TERN__SLOT_OF(owed)));
  }
  if (s->stage != TERN__ENDED && code == 421)
    return tern__fail_reply(s, TERN_E_SERVICE_UNAVAILABLE, tern__phase_of(kind));
  return st;
}

/* A line of a reply has ended: looked at raw, then kept as text or, of EHLO, used up. */
static void take_line(tern_session *s)
{
  tern__reader *r = &s->reader;
  const tern__owed *owed = tern__owed_first(s);
  char *raw = r->text + r->line;
  size_t len = (size_t)(r->len - r->line);
  int hello = owed != NULL && owed->kind == TERN__HELLO && r->reply.code / 100 == 2;

  if (s->cred != NULL) tern__redact(s->cred, raw, len);
  tern__trace_line(s, 'S', raw, len);
  if (hello && r->lines > 1 && len > 4)
    tern__ehlo_line(&s->offer, raw + 4, len - 4, s->table);
  if (hello && r->lines > 1)
    tern__reply_drop(r);
  else
    tern__reply_keep(r);
}

/* The first octet of a reply: whether it comes before its command had left. */
static tern_status begin_reply(tern_session *s, uint8_t c)
{
  const tern__owed *owed = tern__owed_first(s);

  if (s->reply_read) tern__reply_begin(&s->reader);
  s->reply_read = 0;
  s->early = owed == NULL || !tern__handed(s, owed->end);
  if (TERN__WITH_STARTTLS && owed != NULL && owed->kind == TERN__GREETING && (c == 0x16 || c == 0x15))
    return tern__fail(s, TERN_E_TLS_UNEXPECTED, TERN_PHASE_GREETING);
  return TERN_OK;
}

/* Replies that ask for no thought, from the start of octets; returns how many octets. */
static size_t take_yes(tern_session *s, const uint8_t *octets, size_t len)
{
  if (TERN__TRACED(s) || s->owed_count == 0) return 0;
  if (s->reply_read) tern__reply_begin(&s->reader);
  if (!s->reply_read && tern__reply_partial(&s->reader)) return 0;
  s->reply_read = 0;
  s->early = 0; /* or it is found to be, by who takes it instead */
  return tern__mail_yes(s, octets, len);
}

/* Takes a line where there is a whole one, else an octet; *taken says which. */
static tern_status take(tern_session *s, const uint8_t *octets, size_t len, size_t *taken)
{
  tern_status st = TERN__REPLY_PARTIAL;

  *taken = 1; /* also where it fails */
  if (TERN__IN_TLS(s)) return tern__fail(s, TERN_E_TLS_INJECTION, TERN_PHASE_STARTTLS);
  if (s->reply_read || !tern__reply_partial(&s->reader)) {
    st = begin_reply(s, octets[0]);
    if (st != TERN_OK) return st;
  }
  *taken = TERN__WIDE && !s->early ? tern__reply_line(&s->reader, octets, len, &st) : 0;
  if (*taken == 0) {
    *taken = 1;
    st = tern__reply_octet(&s->reader, octets[0]);
  }
  if (st == TERN__REPLY_PARTIAL) {
    /* In mid-content not another octet may leave: it could be the one that completes the message. */
    if (s->early && s->span_count != 0 && !tern__reply_may_be(&s->reader, 421))
      return tern__fail(s, TERN_E_REPLY_UNEXPECTED, tern_session_phase(s));
    return TERN_OK;
  }
  if (st < 0) {
    if (quitting(s)) return end_well(s);
    memset(&s->reader.reply, 0, sizeof s->reader.reply);
    return tern__fail(s, st, tern_session_phase(s));
  }
  take_line(s);
  if (st == TERN__REPLY_LINE) return TERN_OK;
  s->reply_read = 1;
  return judge(s);
}

tern_status tern_session_in(tern_session *s, const uint8_t *octets, size_t len, uint64_t now)
{
  size_t i, n;

  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__NEW) return TERN_E_STATE;
  for (i = 0; i < len && s->stage != TERN__ENDED; i += n) {
    n = TERN__WIDE ? take_yes(s, octets + i, len - i) : 0;
    if (n == 0) (void)take(s, octets + i, len - i, &n);
  }
  if (s->stage == TERN__ENDED) return s->error.status;
  return advance(s, now);
}

tern_status tern_session_in_closed(tern_session *s, tern_status reason)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__ENDED) return s->error.status;
  if (quitting(s)) return end_well(s);
  return tern__fail(s, reason < 0 ? reason : TERN_E_CLOSED, tern_session_phase(s));
}

#if TERN__WITH_STARTTLS
tern_status tern_session_tls_done(tern_session *s, tern_status result, const char *detail,
                                  uint64_t now)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (!TERN__IN_TLS(s)) return TERN_E_STATE;
  s->armed = 0;
  if (result != TERN_OK) {
    s->error.detail = detail;
    return tern__fail(s, result, TERN_PHASE_TLS);
  }
  (void)tern__login_tls_done(s);
  return advance(s, now);
}
#endif

tern_status tern_session_resume(tern_session *s, uint64_t now)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__ENDED) return s->error.status;
  s->source_waits = 0;
  return advance(s, now);
}

/* ---- intents ------------------------------------------------------------------------------------- */
static tern_status refuse(tern_session *s, tern_status status, uint32_t field, const char *text,
                          size_t position)
{
  tern__error_field(&s->error, status, field, text, position);
  return status;
}

tern_status tern_session_start(tern_session *s, uint64_t now)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage != TERN__NEW) return TERN_E_STATE;
  if (s->ehlo_name == NULL) return refuse(s, TERN_E_NAME, TERN_FIELD_EHLO_NAME, NULL, 0);
  memset(&s->error, 0, sizeof s->error);
  (void)tern__login_start(s);
  return advance(s, now);
}

tern_status tern_session_auth(tern_session *s, tern_credentials *credentials)
{
  uint32_t i;

  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__ENDED || s->cred != NULL || s->stage > TERN__READY) return TERN_E_STATE;
  if (credentials == NULL || credentials->kinds == 0)
    return refuse(s, TERN_E_ARGUMENT, TERN_FIELD_USER, NULL, 0);
  if (credentials->mechanism != NULL) {
    for (i = 0; s->table[i] != NULL; i++)
      if (strcmp(s->table[i]->name, credentials->mechanism) == 0) break;
    if (s->table[i] == NULL) return refuse(s, TERN_E_ARGUMENT, TERN_FIELD_MECHANISM, NULL, 0);
  }
  s->cred = credentials;
  return TERN_OK;
}

/* Whether a mail can be taken now. */
static tern_status takes_mail(const tern_session *s)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__ENDED || s->quit || s->spent) return TERN_E_STATE;
  return tern__mails_in(s) == TERN__WINDOW(s) ? TERN_E_AGAIN : TERN_OK;
}

static tern_status take_mail(tern_session *s, const tern_transaction *t, uint32_t judged)
{
  tern_status st = tern__mail_accept(s, tern__slot_at(s, TERN__EXTRA(s)->slot_last % TERN__WINDOW(s)), t, judged);

  if (st != TERN_OK) return st;
  if (TERN__WITH_WINDOW) TERN__EXTRA(s)->slot_last++;
  s->slot_used++;
  return TERN_OK;
}

tern_status tern_session_send(tern_session *s, const tern_transaction *transaction)
{
  tern_status st = takes_mail(s);
  uint32_t judged = 0;

  if (st == TERN_OK) st = tern__mail_check(s, transaction, &judged);
  return st == TERN_OK ? take_mail(s, transaction, judged) : st;
}

tern_status tern__session_send_judged(tern_session *s, const tern_transaction *t, uint32_t judged)
{
  tern_status st = takes_mail(s);

  return st == TERN_OK ? take_mail(s, t, judged) : st;
}

tern_status tern_session_quit(tern_session *s)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__ENDED) return TERN_E_STATE;
  s->quit = 1;
  return TERN_OK;
}

#if TERN__WITH_OTHER
tern_status tern_session_noop(tern_session *s)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (!tern_session_idle(s)) return TERN_E_STATE;
  TERN__EXTRA(s)->other = 1;
  return TERN_OK;
}

tern_status tern_session_vrfy(tern_session *s, const char *argument)
{
  size_t position = 0;

  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (!tern_session_idle(s)) return TERN_E_STATE;
  if (argument == NULL || *argument == '\0' ||
      tern__check_argument(argument, &position) != TERN_OK)
    return refuse(s, TERN_E_PARAMETER, TERN_FIELD_VRFY, argument, position);
  if ((TERN__EXTRA(s)->never & TERN_CAP_VRFY) || ((TERN__EXTRA(s)->required & TERN_CAP_VRFY) && !(s->offer.caps & TERN_CAP_VRFY)))
    return refuse(s, TERN_E_NEEDS_EXTENSION, TERN_FIELD_EXTENSION, NULL, 0);
  TERN__EXTRA(s)->argument = argument;
  TERN__EXTRA(s)->other = 2;
  return TERN_OK;
}
#endif

tern_status tern_session_cancel(tern_session *s)
{
  if (TERN__NONE(s)) return TERN_E_NOMEM;
  if (s->stage == TERN__ENDED) return TERN_E_STATE;
  return tern__fail(s, TERN_E_CANCELLED, tern_session_phase(s));
}

/* ---- getters ------------------------------------------------------------------------------------- */
uint32_t tern_session_ended(const tern_session *s)
{
  return TERN__NONE(s) || s->stage == TERN__ENDED;
}

uint32_t tern_session_idle(const tern_session *s)
{
  return !TERN__NONE(s) && s->stage == TERN__READY && s->slot_used == 0 && s->owed_count == 0 &&
         !s->quit && !TERN__OTHER_DUE(s) && (s->cred == NULL || s->authenticated);
}

uint32_t tern_session_room(const tern_session *s)
{
  return TERN__NONE(s) || s->stage == TERN__ENDED || s->quit ? 0 : TERN__WINDOW(s) - tern__mails_in(s);
}

uint32_t tern_session_spent(const tern_session *s)
{
  return TERN__NONE(s) || s->spent || s->quit || s->stage == TERN__ENDED ||
         tern__mails_spent(s);
}

uint32_t tern_session_phase(const tern_session *s)
{
  const tern__owed *owed;

  if (TERN__NONE(s)) return TERN_PHASE_NONE;
  if (TERN__IN_TLS(s)) return TERN_PHASE_TLS;
  if (s->stage == TERN__WORK || s->stage == TERN__ANSWER) return TERN_PHASE_AUTH;
  if (s->owed_count != 0) {
    owed = &tern__ring(s)[s->owed_head];
    if (owed->kind == TERN__END && !tern__handed(s, owed->end)) return TERN_PHASE_DATA;
    return tern__phase_of(owed->kind);
  }
  if (s->stage >= TERN__SEND_MAIL && s->stage <= TERN__END_CONTENT) return TERN_PHASE_DATA;
  return s->stage == TERN__READY ? TERN_PHASE_MAIL : s->error.phase; /* what would come next */
}

const tern_error *tern_session_error(const tern_session *s)
{
  return !TERN__NONE(s) && s->stage == TERN__ENDED ? &s->error : NULL;
}

const tern_error *tern_session_argument_error(const tern_session *s)
{
  return !TERN__NONE(s) && s->stage != TERN__ENDED ? &s->error : NULL;
}

const tern_reply *tern_session_reply(const tern_session *s)
{
  return !TERN__NONE(s) && s->reply_read ? &s->reader.reply : NULL;
}

uint32_t tern_session_capabilities(const tern_session *s)
{
  return !TERN__NONE(s) ? tern__caps(s) : 0;
}

#if TERN__WITH_LOG
uint32_t tern_session_offered(const tern_session *s)
{
  return !TERN__NONE(s) ? s->offer.caps : 0;
}

uint32_t tern_session_used(const tern_session *s)
{
  return !TERN__NONE(s) ? TERN__EXTRA(s)->used : 0;
}

uint64_t tern_session_size_limit(const tern_session *s)
{
  return !TERN__NONE(s) ? s->offer.size : 0;
}

uint32_t tern_session_rcpt_max(const tern_session *s)
{
  return !TERN__NONE(s) ? s->offer.rcpt_max : 0;
}

uint32_t tern_session_mail_max(const tern_session *s)
{
  return !TERN__NONE(s) ? s->offer.mail_max : 0;
}

uint32_t tern_session_mechanisms(const tern_session *s)
{
  return !TERN__NONE(s) ? s->offer.mechanisms : 0;
}

const char *tern_session_mechanism(const tern_session *s)
{
  return !TERN__NONE(s) && s->mechanism != UINT8_MAX ? s->table[s->mechanism]->name : "";
}
#endif

uint32_t tern_session_authenticated(const tern_session *s)
{
  return !TERN__NONE(s) && s->authenticated;
}

#if TERN__WITH_CHUNKING
uint32_t tern_session_quirks(const tern_session *s)
{
  return !TERN__NONE(s) && s->unchunked ? TERN_QUIRK_NO_BDAT : 0;
}
#endif

#if TERN__WITH_STARTTLS
uint32_t tern_session_secure(const tern_session *s)
{
  return !TERN__NONE(s) && TERN__SECURE(s);
}
#endif
