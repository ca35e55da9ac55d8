/* session.c - one connection of a pool: a client that was told everything before it connects.
 *
 * It is opened for a mail, takes the next ones of its route, and ends when it was idle for long, when
 * another host needs its place, or by itself. A mail comes back to its flow, before the others, where
 * its connection failed before MAIL and there is another way to go: a look-up in the place of a
 * remembered address, or a connection that stands. Everything else is the client's judgement. Where no
 * connection of a route stands and a new one fails, all that wait for it fail with it, as the mails of
 * one client do. Neighbours: order.c decides who gets it, tern_client does the rest. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/mem.h"
#include "pool/pool.h"

#define TRIES 3u              /* of one mail, on connections that failed before MAIL */
#define ADDRESS_TIME 60000u   /* ms for which an address is believed */
#define READ_BUFFER 4096u     /* of all sessions */

/* ---- its places --------------------------------------------------------------------------------------*/
/* Whether it can take a mail; before those that have one where it has none. */
static void set_room(tern__pool_session *s, int on)
{
  tern__pool_route *r = s->route;

  r->host->roomy -= tern__list_in(&s->room) != 0;
  r->host->roomy += on != 0;
  if (!on)
    tern__list_drop(&s->room);
  else if (s->load)
    tern__list_append(&r->room, &s->room, s);
  else
    tern__list_prepend(&r->room, &s->room, s);
}

static void join(tern_pool *p, tern__pool_session *s, tern__pool_route *r)
{
  s->route = r;
  r->users++;
  r->sessions++;
  if (r->host->sessions++ == 0) p->host_count++;
  p->session_count++;
  tern__list_init(&s->jobs);
  tern__list_append(&p->sessions, &s->all, s);
}

/* ---- opening -----------------------------------------------------------------------------------------*/
static tern_status share(tern_pool *p, tern_client *c)
{
  if (!p->common.in) {
    p->common.in = tern__alloc(p->mem, READ_BUFFER);
    if (!p->common.in) return TERN_E_NOMEM;
    p->common.in_size = READ_BUFFER;
  }
  if (!p->cache) p->cache = tern_tls_cache_new(p->mem);
  tern__client_share(c, &p->common);
  return p->cache ? tern_client_set_tls_cache(c, p->cache) : TERN_E_NOMEM;
}

static tern_status configure(tern_pool *p, tern__pool_session *s)
{
  tern__pool_host *h = s->route->host;
  tern_client *c = s->client;
  tern_status st = share(p, c);

  if (st == TERN_OK) st = tern_client_set_buffers(c, p->out_size, p->text_size);
  if (st == TERN_OK) st = tern_client_set_window(c, p->window);
  if (st == TERN_OK) st = tern_client_set_ehlo_name(c, p->ehlo_name);
  if (st == TERN_OK) st = tern_client_set_ca(c, p->common.ca);
  if (st == TERN_OK && p->setup) st = p->setup(p->setup_user, s->route->url, c);
  if (st == TERN_OK) st = tern_client_set_blocking(c, 0);
  if (st != TERN_OK) return st == TERN_E_AGAIN ? TERN_E_STATE : st;
  if (h->address && p->now < h->address_until) {
    st = tern__client_set_address(c, h->address);
    s->by_address = 1;
  }
  return st == TERN_OK ? tern_client_connect(c, s->route->url) : st;
}

tern__pool_session *tern__pool_session_open(tern_pool *p, tern__pool_route *route, tern_error *error)
{
  tern__pool_session *s = tern__alloc(p->mem, sizeof *s);
  tern_status st = TERN_E_NOMEM;

  if (s) s->client = tern_client_new(p->mem);
  if (!s || !s->client || !tern__loop_join(&p->loop, &s->handle, s)) {
    if (s) tern_client_free(s->client);
    tern__free(p->mem, s, sizeof *s);
    tern__error_set(error, st, TERN_PHASE_NONE);
    return NULL;
  }
  s->due.at = TERN_NEVER;
  s->due.kind = TERN__RING_SESSION;
  s->due.of = s;
  join(p, s, route);
  st = configure(p, s);
  if (st == TERN_E_AGAIN) return s;
  tern__error_set(error, st, TERN_PHASE_NONE);
  if (tern_client_error(s->client)->status == st) {
    *error = *tern_client_error(s->client);
    error->detail = NULL; /* which ends with the client */
  }
  tern__pool_session_drop(p, s);
  return NULL;
}

void tern__pool_session_give(tern_pool *p, tern__pool_session *s, tern__pool_job *job)
{
  tern_status st;

  job->mail->where = TERN__MAIL_IDLE;
  st = tern_client_submit(s->client, job->mail);
  tern__loop_wake(&p->loop, &s->handle);
  if (st != TERN_E_AGAIN) { /* changed by the program meanwhile, against the rules */
    tern__pool_finish(p, job);
    return;
  }
  job->session = s;
  tern__list_append(&s->jobs, &job->place, job);
  tern__list_drop(&s->idle);
  s->load++;
  p->sending++;
  if (p->closing && !p->waiting) { /* QUIT may share the flight of the last content */
    s->leaving = 1;
    p->leaving_count++;
    (void)tern_client_quit(s->client);
  }
  set_room(s, s->stood && !s->leaving && s->load < p->window);
}

/* ---- mails that ended --------------------------------------------------------------------------------*/
/* Whether the connection ended before it was ready for mail. */
static int failed_opening(const tern_error *e)
{
  return e->status != TERN_OK && e->status != TERN_E_NOMEM && e->phase >= TERN_PHASE_RESOLVE &&
         e->phase <= TERN_PHASE_AUTH;
}

static int by_stale_address(const tern__pool_session *s)
{
  return s->by_address && !s->reached;
}

/* Whether the job's mail goes to another connection: nothing of it was sent. */
static int goes_again(const tern_pool *p, const tern__pool_session *s, tern__pool_job *job)
{
  const tern_error *e = tern_client_error(s->client);
  tern_status st = tern_mail_status(job->mail);

  if (job->ended || p->cancel || tern__mail_unsent(job->mail) != job->mail->rcpt_count) return 0;
  if (s->killed) return st == TERN_E_TIMEOUT || st == TERN_E_CANCELLED;
  if (!failed_opening(e) || !tern_error_retryable(e) || job->tries >= TRIES) return 0;
  if (!by_stale_address(s) && s->route->standing == s->stood) return 0;
  job->tries++;
  return 1;
}

static void collect(tern_pool *p, tern__pool_session *s)
{
  tern__list again;
  tern__pool_job *job;
  tern_mail *mail;

  tern__list_init(&again);
  while ((mail = tern_client_finished(s->client)) != NULL) {
    job = mail->owner;
    tern__list_drop(&job->place);
    job->session = NULL;
    s->load--;
    p->sending--;
    if (goes_again(p, s, job)) {
      tern__list_append(&again, &job->place, job);
    } else {
      s->mails++;
      tern__pool_finish(p, job);
    }
  }
  while ((job = tern__list_last(&again)) != NULL) tern__pool_wait_turn(p, job, 1);
}

/* ---- its end -----------------------------------------------------------------------------------------*/
void tern__pool_session_drop(tern_pool *p, tern__pool_session *s)
{
  tern__pool_route *r = s->route;
  tern__pool_host *h = r->host;
  tern__list *at;

  for (at = s->jobs.next; at != &s->jobs; at = at->next) ((tern__pool_job *)at->of)->ended = 1;
  if (s->load) tern__pump_cancel(s->client);
  collect(p, s);
  set_room(s, 0);
  tern__timer_set(&p->loop, &s->due, TERN_NEVER);
  tern__loop_leave(&p->loop, &s->handle);
  tern__list_drop(&s->idle);
  tern__list_drop(&s->all);
  tern_client_free(s->client);
  p->leaving_count -= s->leaving;
  p->session_count--;
  r->sessions--;
  r->standing -= s->stood;
  if (--h->sessions == 0) p->host_count--;
  tern__free(p->mem, s, sizeof *s);
  tern__pool_host_wake(p, h);
  tern__pool_route_give(p, r);
}

/* The client has ended, without mails. */
static void end(tern_pool *p, tern__pool_session *s)
{
  const tern_error *e = tern_client_error(s->client);
  tern__pool_host *h = s->route->host;
  int refused = 0;

  if (failed_opening(e) && !s->killed) {
    if (by_stale_address(s)) {
      h->address_until = 0;
    } else if (s->route->sessions == 1) {
      tern__pool_route_fail(p, s->route, e);
    } else {
      refused = 1;
    }
  }
  h->users++; /* beyond the session */
  tern__pool_session_drop(p, s);
  if (refused) tern__pool_host_pause(p, h);
  tern__pool_host_give(p, h);
}

void tern__pool_session_leave(tern_pool *p, tern__pool_session *s)
{
  set_room(s, 0);
  tern__list_drop(&s->idle);
  if (!s->leaving) p->leaving_count++;
  s->leaving = 1;
  (void)tern_client_quit(s->client);
  tern__loop_wake(&p->loop, &s->handle);
}

void tern__pool_session_kill(tern_pool *p, tern__pool_job *job, tern_status status)
{
  tern__pool_session *s = job->session;

  job->ended = s->killed = 1;
  if (status == TERN_E_TIMEOUT)
    tern__pump_expire(s->client);
  else
    tern_client_cancel(s->client);
  set_room(s, 0);
  tern__loop_wake(&p->loop, &s->handle);
}

/* ---- moving ------------------------------------------------------------------------------------------*/
/* Where it is connected to, for the sessions to come. */
static void note_address(tern_pool *p, const tern__pool_session *s)
{
  tern__pool_host *h = s->route->host;
  char text[INET6_ADDRSTRLEN] = "";
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } a;
  socklen_t size = sizeof a;

  if (s->by_address || s->client->proxy.host || p->now < h->address_until) return;
  memset(&a, 0, sizeof a);
  if (getpeername(tern_client_fd(s->client), &a.any, &size) != 0) return;
  if (a.any.sa_family == AF_INET) {
    (void)inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof text);
  } else if (a.any.sa_family == AF_INET6 && !a.v6.sin6_scope_id) {
    (void)inet_ntop(AF_INET6, &a.v6.sin6_addr, text, sizeof text);
  }
  if (!text[0]) return;
  tern__free_string(p->mem, h->address);
  h->address = tern__copy_string(p->mem, text);
  h->address_until = p->now + ADDRESS_TIME;
}

/* The first session of a route shows the way to the others. */
static void note_standing(tern_pool *p, tern__pool_session *s)
{
  const tern_client *c = s->client;

  if (s->stood) return;
  if (!s->reached && c->state == TERN__ON) {
    s->reached = 1;
    note_address(p, s);
  }
  if (!c->attempts && !c->mails && !(c->state == TERN__ON && tern_session_idle(c->session))) return;
  s->stood = 1;
  s->route->standing++;
  tern__pool_host_wake(p, s->route->host);
}

/* Notes anew what it waits for. */
static void watch(tern_pool *p, tern__pool_session *s)
{
  tern_client *c = s->client;
  int idle = tern__list_in(&s->idle), on = c->state == TERN__ON;
  int32_t timeout = tern_client_timeout(c);

  tern__loop_watch(&p->loop, &s->handle, tern_client_fd(c), idle ? TERN_READ : tern_client_wants(c),
                   !on || s->dials != c->dials);
  if (on) s->dials = c->dials;
  if (idle)
    tern__timer_by(&p->loop, &s->due, s->idle_until);
  else if (timeout == 0)
    tern__loop_wake(&p->loop, &s->handle);
  else if (timeout > 0)
    tern__timer_by(&p->loop, &s->due, p->now + (uint64_t)timeout);
}

/* What is to become of it now. */
static void settle(tern_pool *p, tern__pool_session *s)
{
  tern_client *c = s->client;

  if (s->load || (tern__pump_busy(c) && tern_client_error(c)->status == TERN_OK)) {
    set_room(s, s->load && s->stood && !s->leaving && !s->killed && s->load < p->window &&
                    !tern__pool_yields(p, s));
    if (tern__list_in(&s->room)) tern__pool_host_wake(p, s->route->host);
    watch(p, s);
    return;
  }
  if (!tern_client_connected(c) || s->leaving || s->killed || tern_session_spent(c->session)) {
    end(p, s);
    return;
  }
  if (tern__pool_yields(p, s)) {
    tern__pool_session_leave(p, s);
    return;
  }
  s->idle_until = p->now + p->idle_time;
  tern__list_append(&p->idle, &s->idle, s);
  set_room(s, 1);
  tern__pool_host_wake(p, s->route->host);
  watch(p, s);
}

int tern__pool_session_stands(tern_pool *p, tern__pool_session *s)
{
  if (tern__pump_stands(s->client)) return 1;
  tern__pool_session_drop(p, s);
  return 0;
}

void tern__pool_session_step(tern_pool *p, tern__pool_session *s)
{
  if (tern__list_in(&s->idle)) {
    if (!tern__pool_session_stands(p, s)) return;
    if (p->now >= s->idle_until)
      tern__pool_session_leave(p, s);
    else
      watch(p, s);
    return;
  }
  (void)tern_client_step(s->client);
  note_standing(p, s);
  collect(p, s);
  if (s->killed && s->load) { /* it was told before it had begun */
    tern__pump_cancel(s->client);
    collect(p, s);
  }
  settle(p, s);
}
