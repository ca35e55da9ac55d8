/* pump.c - moves octets between the session and its transport, and mails through the session.
 *
 * One pump for both ways of use: a step moves what can be moved and never waits; a blocking call is
 * steps with waits between. Reads come before the writes of content, so that a final reply which
 * was there before the final octet left is seen to be early (session.h), and before the first write
 * of a mail, so that a connection that died while idle is found dead. A mail whose connection was
 * used before and died before MAIL was accepted goes once more over a new one (decision 9).
 * Limit: a wait is cut into pieces of 200 ms, in which a cancel from elsewhere is seen. */
#include <string.h>

#include "base/mem.h"
#include "client/client.h"
#include "protocol/command.h"
#ifndef TERN_NO_SOCKETS
#include "base/host.h"
#endif

#define TURNS 256u    /* of one step; then others may have a go */
#define NAP 10u       /* before a source that had nothing is asked again, ms */
#define LAST_READS 64 /* of what the server said before writing failed */

/* ---- lists -----------------------------------------------------------------------------------------*/
void tern__queue_push(tern__queue *queue, tern_mail *mail)
{
  mail->next = NULL;
  if (queue->last)
    queue->last->next = mail;
  else
    queue->first = mail;
  queue->last = mail;
}

tern_mail *tern__queue_pop(tern__queue *queue)
{
  tern_mail *mail = queue->first;

  if (!mail) return NULL;
  queue->first = mail->next;
  if (!queue->first) queue->last = NULL;
  mail->next = NULL;
  return mail;
}

static void finish(tern_client *c, tern_mail *mail, const tern_error *why)
{
  tern__mail_conclude(mail, why);
  mail->where = TERN__MAIL_FINISHED;
  tern__queue_push(&c->finished, mail);
  c->due = TERN_NEVER;
}

/* Nothing was asked of a server for those that are unsent. */
static void finish_unsent(tern_client *c, tern_mail *mail, const tern_error *why)
{
  tern__mail_fail_unsent(mail, why);
  finish(c, mail, why);
}

static void fail_queue(tern_client *c)
{
  tern_mail *mail;

  while ((mail = tern__queue_pop(&c->queue)) != NULL) finish_unsent(c, mail, &c->error);
}

/* ---- what became of an attempt -----------------------------------------------------------------------*/
/* Whether the error came before MAIL was accepted, so that nothing can have been delivered. */
static int before_mail(const tern_error *e)
{
  switch (e->phase) {
    case TERN_PHASE_NONE:
    case TERN_PHASE_RSET:
    case TERN_PHASE_MAIL:
    case TERN_PHASE_OTHER: return 1;
    default: return 0;
  }
}

static int connection_died(tern_status status)
{
  return status == TERN_E_CLOSED || status == TERN_E_IO || status == TERN_E_SERVICE_UNAVAILABLE;
}

/* The server refused something by a reply that also ended the session: RSET, an envelope sent ahead
 * or an eager content (decision 4). The connection is gone, the client is not at fault. */
static int ended_by_refusal(const tern_error *e)
{
  uint32_t group = tern_status_class(e->status);

  return (group == TERN_CLASS_TRANSIENT || group == TERN_CLASS_PERMANENT) &&
         e->status != TERN_E_SERVICE_UNAVAILABLE &&
         (e->phase == TERN_PHASE_RSET || e->phase == TERN_PHASE_MAIL ||
          e->phase == TERN_PHASE_END_OF_DATA);
}

/* 421 to MAIL says "not on this connection": its recipients are as good as not asked. */
static int all_put_off_by_421(const tern__attempt *a)
{
  return a->error.status == TERN_E_SERVICE_UNAVAILABLE && a->error.phase == TERN_PHASE_MAIL &&
         a->settled_by_mail == a->transaction.rcpt_count;
}

/* Whether the mail of this attempt goes on over a new connection. */
static int goes_on(tern_client *c, tern__attempt *a)
{
  tern_mail *mail = a->mail;
  int off = all_put_off_by_421(a);
  uint32_t i;

  if (c->target != TERN__TARGET_URL || c->cancel) return 0;
  if (!tern_session_ended(c->session)) /* MAILMAX: what is left needs another connection */
    return tern_session_spent(c->session) && a->error.status == TERN_E_CLOSED &&
           (a->settled || c->mails) && tern__mail_unsent(mail) != 0;
  if (a->settled && !off) return 0;
  if (ended_by_refusal(&a->error)) {
    if (!c->mails && a->error.phase != TERN_PHASE_END_OF_DATA) return 0;
  } else {
    if (!c->mails || !before_mail(&a->error) || !connection_died(a->error.status) ||
        mail->reopened)
      return 0;
    mail->reopened = 1;
  }
  for (i = 0; off && i < a->transaction.rcpt_count; i++)
    mail->rcpts[a->map ? a->map[i] : i].outcome = TERN_UNSENT;
  return tern__mail_unsent(mail) != 0;
}

/* Takes the attempts that have ended out of the list, oldest first. Returns how many of them were
 * not to be done over; those that are stand at the head of the queue again. */
static uint32_t collect(tern_client *c)
{
  tern__attempt **at = &c->attempts, *a, *before = NULL;
  tern__queue again = {NULL, NULL};
  uint32_t over = 0;

  while (c->ended != 0 && (a = *at) != NULL) {
    if (!a->ended) {
      at = &a->next;
      before = a;
      continue;
    }
    *at = a->next;
    if (c->attempts_last == a) c->attempts_last = before;
    c->ended--;
    if (goes_on(c, a)) {
      a->mail->where = TERN__MAIL_QUEUED;
      tern__queue_push(&again, a->mail);
    } else {
      over++;
      c->mails += !tern_session_ended(c->session) || a->settled != 0;
      finish(c, a->mail, &a->error);
    }
    tern__attempt_free(a);
  }
  if (again.first) {
    again.last->next = c->queue.first;
    if (!c->queue.first) c->queue.last = again.last;
    c->queue.first = again.first;
  }
  return over;
}

/* ---- the end of a connection -------------------------------------------------------------------------*/
/* The session has ended: its mails have their outcome or go on, its error sticks where it must. */
static void end_connection(tern_client *c)
{
  const tern_error *e = tern_session_error(c->session);
  int had = c->attempts != NULL;
  uint32_t used = c->mails, over = collect(c);
  int again = c->target == TERN__TARGET_URL && !c->probe &&
              ((connection_died(e->status) && used && over == 0 && (had || before_mail(e))) ||
               ended_by_refusal(e));

  c->reusable = 0;
  if (e->phase == TERN_PHASE_END_OF_DATA && ended_by_refusal(e)) c->careful = 1;
  if (e->status == TERN_OK) { /* after QUIT: the caller's, or because the server takes no more */
    c->reusable = !c->want_quit && c->target == TERN__TARGET_URL;
  } else if (again) {
    c->reusable = 1;
  } else if (!(c->want_quit && !had && !c->queue.first && used)) {
    const char *detail = e->detail;
    if (!detail && (e->status == TERN_E_CLOSED || e->status == TERN_E_IO ||
                    tern_status_class(e->status) == TERN_CLASS_TLS))
      detail = tern__conn_detail(c);
    tern__conn_keep(c, detail);
    c->error = *e;
    c->error.detail = c->detail;
  }
  tern__conn_drop(c);
}

void tern__pump_cancel(tern_client *c)
{
  uint32_t phase = c->state == TERN__ON ? tern_session_phase(c->session) : TERN_PHASE_NONE;

#ifndef TERN_NO_SOCKETS
  if (c->state == TERN__DIALLING) phase = tern__dial_phase(c);
#endif
  c->cancel = 1; /* nothing goes on */
  if (c->state == TERN__ON) {
    (void)tern_session_cancel(c->session);
    (void)collect(c);
  }
  tern__conn_drop(c);
  tern__conn_fail(c, TERN_E_CANCELLED, phase, NULL);
  fail_queue(c);
  c->want_open = c->want_quit = c->probe = 0;
  c->cancel = 0;
}

void tern__pump_expire(tern_client *c)
{
  c->due = TERN_NEVER;
  if (c->state == TERN__ON) {
    (void)tern_session_in_closed(c->session, TERN_E_TIMEOUT);
#ifndef TERN_NO_SOCKETS
  } else if (c->state == TERN__DIALLING) {
    uint32_t phase = tern__dial_phase(c);
    tern__conn_drop(c);
    tern__conn_fail(c, TERN_E_TIMEOUT, phase, NULL);
#endif
  }
}

/* ---- octets ------------------------------------------------------------------------------------------*/
/* Our own socket without TLS, or a handshake: its poll tells all that there is to know about reading. */
static int plain_socket(const tern_client *c)
{
#ifndef TERN_NO_SOCKETS
  return c->tcp && !c->tls;
#else
  (void)c;
  return 0;
#endif
}

/* What a read came to; 1 when something moved. */
static int take(tern_client *c, tern_status status, size_t len)
{
  if (status == TERN_E_AGAIN) return 0;
  if (status == TERN_OK)
    (void)tern_session_in(c->session, c->in, len, c->now);
  else
    (void)tern_session_in_closed(c->session, status);
  c->drained = plain_socket(c) && len < c->in_size ? TERN__DRAINED_NOW : 0;
  return 1;
}

static int read_some(tern_client *c)
{
  size_t len = 0;
  tern_status st = tern__transport_read(&c->link, c->in, c->in_size, &len);

  return take(c, st, len);
}

/* Writing failed: what the server said before it hung up is heard first. */
static void write_failed(tern_client *c, tern_status status)
{
  size_t len;
  int i;

  for (i = 0; i < LAST_READS && !tern_session_ended(c->session); i++) {
    if (tern__transport_read(&c->link, c->in, c->in_size, &len) != TERN_OK) break;
    (void)tern_session_in(c->session, c->in, len, c->now);
  }
  (void)tern_session_in_closed(c->session, status);
}

static int write_some(tern_client *c)
{
  tern_span spans[TERN__SPANS_MAX];
  size_t done = 0, count = tern_session_outv(c->session, spans, TERN__SPANS_MAX);
  tern_status st;

  if (!count) return 0;
  st = tern__transport_writev(&c->link, spans, count, &done);
  if (st == TERN_E_AGAIN) return 0;
  c->new_mail = 0;
  if (plain_socket(c)) c->drained = TERN__DRAINED_BEFORE;
  if (st == TERN_OK)
    (void)tern_session_out_done(c->session, done, c->now);
  else
    write_failed(c, st);
  return 1;
}

static int move_octets(tern_client *c, uint32_t wants)
{
  c->wait_for = wants & (TERN_READ | TERN_WRITE);
  if (wants & TERN_WRITE) {
    if (c->drained != TERN__DRAINED_NOW && (c->new_mail || tern_session_phase(c->session) == TERN_PHASE_DATA) &&
        read_some(c))
      return 1;
    if (write_some(c)) {
      if (!c->drained || tern_session_wants(c->session) != TERN_READ) return 1;
      c->wait_for = TERN_READ; /* only a reply brings it on now */
      return 0;
    }
    c->drained = 0; /* a peer that does not read may be waiting to be read */
  }
  return (wants & TERN_READ) && !c->drained ? read_some(c) : 0;
}

/* ---- intents -----------------------------------------------------------------------------------------*/
/* Gives mails to the session while it has room. */
static int feed(tern_client *c)
{
  tern_session *s = c->session;
  int moved = 0;

  while (c->queue.first && !c->probe && tern_session_room(s) && !tern_session_spent(s) &&
         (c->attempts || tern_session_idle(s))) {
    tern_mail *mail = tern__queue_pop(&c->queue);
    tern__attempt *a;
    tern_status st;
    tern_error e;

    if (!c->attempts) c->drained = 0; /* it was idle, and may have died meanwhile */
    a = tern__attempt_new(mail, c, &st);
    if (a) st = tern__session_send_judged(s, &a->transaction, a->judged);
    moved = 1;
    if (st == TERN_OK) {
      mail->where = TERN__MAIL_IN_FLIGHT;
      if (c->attempts)
        c->attempts_last->next = a;
      else
        c->attempts = a;
      c->attempts_last = a;
      c->new_mail = 1;
      continue;
    }
    tern__error_set(&e, st, TERN_PHASE_NONE);
    if (a && tern_session_argument_error(s)) e = *tern_session_argument_error(s);
    if (a && a->map && e.field >= TERN_FIELD_FORWARD_PATH && e.index < a->transaction.rcpt_count)
      e.index = a->map[e.index];
    tern__attempt_free(a);
    finish_unsent(c, mail, &e);
  }
  return moved;
}

/* A session that takes no more mail, with mails waiting. */
static int replace_spent(tern_client *c)
{
  if (!c->queue.first || c->attempts || c->quit_given || !tern_session_spent(c->session)) return 0;
  if (c->target == TERN__TARGET_URL && c->mails) {
    c->quit_given = 1;
    (void)tern_session_quit(c->session);
  } else {
    tern__conn_drop(c);
    tern__conn_fail(c, TERN_E_SERVICE_UNAVAILABLE, TERN_PHASE_MAIL,
                    "the server takes no further mail on this connection");
  }
  return 1;
}

static int probe(tern_client *c)
{
  tern_session *s = c->session;
  tern_status st;

  if (!c->probe || !tern_session_idle(s)) return 0;
  if (c->probe_given) {
    c->probe = c->probe_given = 0;
    return 1;
  }
  st = c->probe == TERN__PROBE_NOOP ? tern_session_noop(s) : tern_session_vrfy(s, c->argument);
  if (st == TERN_OK)
    c->probe_given = 1;
  else
    c->probe = 0;
  return 1;
}

static int give_intents(tern_client *c)
{
  uint32_t field = TERN_FIELD_NONE;
  tern_status st = TERN_OK;
  int moved = 0;

  if (c->queue.first) st = tern__login_usable(&c->login, &field);
  if (c->login.cred.kinds && !c->auth_given) tern__conn_login(c);
  if (c->state != TERN__ON) return 1;
  if (st != TERN_OK) { /* never without the credentials that were given */
    tern__conn_drop(c);
    tern__conn_fail(c, st, TERN_PHASE_AUTH, NULL);
    c->error.field = (uint8_t)field;
    return 1;
  }
  moved = feed(c);
  moved |= probe(c);
  if (replace_spent(c)) return 1;
  if (c->want_quit && !c->quit_given && !c->queue.first && !c->probe) {
    c->quit_given = 1;
    (void)tern_session_quit(c->session);
    moved = 1;
  }
  return moved;
}

/* ---- turns -------------------------------------------------------------------------------------------*/
static int turn_on(tern_client *c)
{
  tern_session *s = c->session;
  uint32_t wants;
  uint64_t now = c->now;
  int moved;

  if (tern_session_ended(s)) {
    end_connection(c);
    return 1;
  }
  if (c->ended != 0) (void)collect(c);
  moved = give_intents(c);
  if (moved && (c->state != TERN__ON || tern_session_ended(s))) return 1;
  if (!c->ticked) { /* once a step: it all happens at one time */
    c->ticked = 1;
    if (now >= tern_session_deadline(s)) {
      c->ticked = 0;
      (void)tern_session_tick(s, now);
      return 1;
    }
  }
  wants = tern_session_wants(s);
  if (wants & TERN_WANT_WORK) {
    (void)tern_session_tick(s, now);
    wants = tern_session_wants(s);
    if (wants != (TERN_READ | TERN_WRITE)) return 1;
  }
  if (wants & TERN_WANT_TLS) return tern__conn_handshake(c) | moved;
  if ((wants & TERN_WANT_SOURCE) && !c->nap) {
    c->nap = 1; /* once a step: the source said that it has nothing */
    (void)tern_session_resume(s, now);
    return 1;
  }
  return move_octets(c, wants) || c->ended != 0 || (moved && !(wants & TERN_WRITE));
}

static int turn_off(tern_client *c)
{
  int needed = c->want_open || c->queue.first || c->probe;

  if (c->error.status != TERN_OK) {
    fail_queue(c);
    c->want_open = c->want_quit = c->probe = 0;
    return 0;
  }
  if (needed) {
    if (c->want_open || (c->reusable && c->target == TERN__TARGET_URL)) {
      c->want_open = 0;
      (void)tern__conn_open(c);
    } else {
      tern__conn_fail(c, TERN_E_STATE, TERN_PHASE_NONE, "there is no connection");
    }
    return 1;
  }
  if (c->want_quit) c->reusable = 0;
  c->want_quit = 0;
  return 0;
}

static int turn(tern_client *c)
{
  if (c->cancel) {
    tern__pump_cancel(c);
    return 0;
  }
  if (c->due != TERN_NEVER && c->now >= c->due) {
    tern__pump_expire(c);
    return 1;
  }
  switch (c->state) {
    case TERN__OFF: return turn_off(c);
    case TERN__DIALLING: return tern__conn_dial(c);
    default: return turn_on(c);
  }
}

int tern__pump_busy(const tern_client *c)
{
  if (c->want_open || c->want_quit || c->probe || c->queue.first || c->attempts) return 1;
  if (c->state == TERN__DIALLING) return 1;
  return c->state == TERN__ON && !tern_session_idle(c->session);
}

int tern__pump_stands(tern_client *c)
{
  if (c->state != TERN__ON || c->stepping) return 0;
  if (tern__pump_busy(c)) return 1;
  c->now = tern__conn_now(c);
  c->stepping = 1; /* the trace may be called */
  while (!tern_session_ended(c->session) && read_some(c)) continue;
  c->stepping = 0;
  return !tern_session_ended(c->session) && !tern_session_spent(c->session);
}

/* The total time runs while there is work; a connect's part of it is not given twice. */
static void watch_total(tern_client *c)
{
  uint64_t now;

  if (!c->total) return;
  now = tern__conn_now(c);
  if (!tern__pump_busy(c)) {
    if (c->due != TERN_NEVER) c->left = !c->mails && c->due > now ? c->due - now : 0;
    c->due = TERN_NEVER;
  } else if (c->due == TERN_NEVER) {
    c->due = now + (c->left ? c->left : c->total);
    c->left = 0;
  }
}

/* What is known of the time as a step begins. */
enum {
  NOTHING,
  NOW,    /* c->now was read just before */
  IN_TIME /* and no deadline was reached */
};

static tern_status step(tern_client *c, int known)
{
  uint32_t turns;

  if (c->stepping) return TERN_E_STATE;
  c->stepping = 1;
  if (known == NOTHING) c->now = tern__conn_now(c);
  if (!c->blocking) c->drained = 0; /* who steps has waited; else tern__pump_wait knows */
  c->nap = 0;
  c->ticked = known == IN_TIME;
  watch_total(c);
  for (turns = 0; turns < TURNS && turn(c); turns++) {
  }
  watch_total(c);
  c->more = turns == TURNS;
  c->stepping = 0;
  return tern__pump_busy(c) ? TERN_E_AGAIN : c->error.status;
}

tern_status tern__pump_step(tern_client *c)
{
  return step(c, NOTHING);
}

/* ---- waiting -----------------------------------------------------------------------------------------*/
int32_t tern_client_timeout(const tern_client *c)
{
  uint64_t at, now, other;

  if (!c || !tern__pump_busy(c)) return -1;
  if (c->more || c->cancel) return 0;
  now = tern__conn_now(c);
  at = c->due;
  other = c->state == TERN__ON ? tern_session_deadline(c->session) : TERN_NEVER;
  if (other < at) at = other;
#ifndef TERN_NO_SOCKETS
  if (c->state == TERN__DIALLING && tern__dial_deadline(c) < at) at = tern__dial_deadline(c);
#endif
  if (c->nap && (at == TERN_NEVER || at > now + NAP)) at = now + NAP;
  if (at == TERN_NEVER) return -1;
  if (at <= now) return 0;
  return at - now > INT32_MAX ? INT32_MAX : (int32_t)(at - now);
}

uint32_t tern_client_wants(const tern_client *c)
{
  if (!c || !tern__pump_busy(c) || c->more) return 0;
#ifndef TERN_NO_SOCKETS
  if (c->state == TERN__DIALLING) return tern__dial_events(c);
#endif
  if (c->state != TERN__ON) return 0;
  if (c->tls && !c->tls_up) return tern__tls_events(c->tls);
  return tern__transport_pending(&c->link, c->wait_for);
}

int32_t tern_client_fd(const tern_client *c)
{
  if (!c) return -1;
#ifndef TERN_NO_SOCKETS
  if (c->state == TERN__DIALLING) return tern__dial_handle(c);
#endif
  return c->state == TERN__ON ? tern__transport_handle(&c->lower) : -1;
}

/* Our own plain socket, which waits for a reply: it does so within its read. What the step took is
 * left out of account: who has little time left waits the other way. NOTHING: not done. */
static int wait_within_read(tern_client *c)
{
#ifndef TERN_NO_SOCKETS
  uint64_t at;
  size_t len = 0;
  tern_status st;

  if (c->state != TERN__ON || !plain_socket(c) || c->wait_for != TERN_READ || c->nap || c->more || c->cancel ||
      !tern__tcp_slice(c->tcp))
    return NOTHING;
  at = tern_session_deadline(c->session);
  if (c->due < at) at = c->due;
  if (at < c->now + 2 * TERN__SLICE) return NOTHING;
  st = tern__tcp_read_wait(c->tcp, c->in, c->in_size, &len);
  c->now = tern__conn_now(c);
  c->stepping = 1;
  (void)take(c, st, len);
  c->stepping = 0;
  return c->now < at ? IN_TIME : NOW; /* what the read has set runs from now on */
#else
  (void)c;
  return NOTHING;
#endif
}

/* The same for all. */
static int wait_some(tern_client *c)
{
  int32_t timeout;
  uint32_t ms, events;
  int known = wait_within_read(c);

  if (known != NOTHING) return known;
  timeout = tern_client_timeout(c);
  ms = timeout < 0 || timeout > (int32_t)TERN__SLICE ? TERN__SLICE : (uint32_t)timeout;
  events = tern_client_wants(c);
  if (!ms) return NOTHING;
  c->drained = 0;
#ifndef TERN_NO_SOCKETS
  if (c->state == TERN__DIALLING) tern__host_wait(tern__dial_handle(c), events, ms);
#endif
  if (c->state == TERN__ON) tern__transport_wait(&c->lower, events, ms);
  return NOTHING;
}

tern_status tern__pump_wait(tern_client *c)
{
  return step(c, wait_some(c));
}
