/* order.c - whose turn it is: hosts in turn, at each the flows of its submitters in turn, one mail each.
 *
 * A host that can do nothing stands in no ring and costs nothing; it comes back when one of its sessions
 * moves. One that only lacks a session of the total waits among the starved, first come first served,
 * while sessions of hosts that have more than their share end (tern__pool_yields). Limits: a route
 * begins with one session, and goes on to more when that stands; the address of a host is believed for
 * a minute. */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "pool/pool.h"

#define QUANTUM 8u          /* mails that a session may send while others starve */
#define SESSION_PAUSE 10000u /* ms without a further session, after one was refused */

#define SERVED 0
#define STARVED 1
#define BLOCKED 2

/* ---- finding ---------------------------------------------------------------------------------------*/
static uint32_t hash(const char *text, uint64_t seed)
{
  uint32_t h = 2166136261u ^ (uint32_t)(seed ^ seed >> 32) * 2654435761u;

  for (; *text; text++) h = (h ^ (uint8_t)*text) * 16777619u;
  return (h ^ h >> 16) % TERN__POOL_BUCKETS;
}

static tern__pool_host *new_host(tern_pool *p, const char *name, tern__pool_host **bucket)
{
  tern__pool_host *h = tern__alloc(p->mem, sizeof *h);

  if (!h) return NULL;
  h->name = tern__copy_string(p->mem, name);
  if (!h->name) {
    tern__free(p->mem, h, sizeof *h);
    return NULL;
  }
  h->cap = p->host_sessions;
  h->pause.at = TERN_NEVER;
  h->pause.kind = TERN__RING_HOST;
  h->pause.of = h;
  tern__list_init(&h->flows);
  h->next = *bucket;
  *bucket = h;
  return h;
}

/* The server that the URL names. */
static tern__pool_host *host_of(tern_pool *p, const char *url, tern_error *error)
{
  char name[1100];
  size_t i;
  tern__url u;
  tern__pool_host *h, **bucket;
  tern_status st = tern__url_parse(&u, p->mem, url, error);

  if (st != TERN_OK) {
    if (error->status == TERN_OK) tern__error_set(error, st, TERN_PHASE_NONE);
    return NULL;
  }
  if (u.path)
    (void)snprintf(name, sizeof name, "%s", u.path);
  else
    (void)snprintf(name, sizeof name, "%s %lu", u.host, (unsigned long)tern__url_port(&u, u.tls));
  for (i = 0; !u.path && name[i]; i++) name[i] = (char)tern__lower((uint8_t)name[i]);
  tern__url_free(&u, p->mem);
  bucket = &p->hosts[hash(name, 0)];
  for (h = *bucket; h && strcmp(h->name, name) != 0; h = h->next) continue;
  if (!h) h = new_host(p, name, bucket);
  if (!h) tern__error_set(error, TERN_E_NOMEM, TERN_PHASE_NONE);
  return h;
}

void tern__pool_host_give(tern_pool *p, tern__pool_host *h)
{
  tern__pool_host **at = &p->hosts[hash(h->name, 0)];

  if (h->users) h->users--;
  if (h->users) return;
  while (*at != h) at = &(*at)->next;
  *at = h->next;
  tern__timer_set(&p->loop, &h->pause, TERN_NEVER);
  if (h->starved) p->starved_count--;
  tern__list_drop(&h->turn);
  tern__free_string(p->mem, h->address);
  tern__free_string(p->mem, h->name);
  tern__free(p->mem, h, sizeof *h);
}

static tern__pool_route *route_of(tern_pool *p, const char *url, tern_error *error)
{
  tern__pool_route *r, **bucket = &p->routes[hash(url, 0)];
  tern__pool_host *h;

  for (r = *bucket; r; r = r->next)
    if (!strcmp(r->url, url)) return r;
  h = host_of(p, url, error);
  if (!h) return NULL;
  r = tern__alloc(p->mem, sizeof *r);
  if (r) r->url = tern__copy_string(p->mem, url);
  if (!r || !r->url) {
    tern__free(p->mem, r, sizeof *r);
    if (!h->users) tern__pool_host_give(p, h);
    tern__error_set(error, TERN_E_NOMEM, TERN_PHASE_NONE);
    return NULL;
  }
  r->host = h;
  h->users++;
  tern__list_init(&r->room);
  tern__list_init(&r->flows);
  r->next = *bucket;
  *bucket = r;
  return r;
}

void tern__pool_route_give(tern_pool *p, tern__pool_route *r)
{
  tern__pool_route **at = &p->routes[hash(r->url, 0)];

  if (r->users) r->users--;
  if (r->users) return;
  while (*at != r) at = &(*at)->next;
  *at = r->next;
  tern__pool_host_give(p, r->host);
  tern__free_secret(p->mem, r->url);
  tern__free(p->mem, r, sizeof *r);
}

tern__pool_flow *tern__pool_flow_take(tern_pool *p, const char *url, uint64_t submitter,
                                      tern_error *error)
{
  tern__pool_flow *f, **bucket;
  tern__pool_route *r;

  if (!url) {
    tern__error_set(error, TERN_E_URL, TERN_PHASE_NONE);
    return NULL;
  }
  bucket = &p->flows[hash(url, submitter)];
  for (f = *bucket; f; f = f->next)
    if (f->submitter == submitter && !strcmp(f->route->url, url)) break;
  if (!f) {
    r = route_of(p, url, error);
    if (!r) return NULL;
    f = tern__alloc(p->mem, sizeof *f);
    if (!f) {
      if (!r->users) tern__pool_route_give(p, r);
      tern__error_set(error, TERN_E_NOMEM, TERN_PHASE_NONE);
      return NULL;
    }
    f->submitter = submitter;
    f->route = r;
    r->users++;
    tern__list_init(&f->jobs);
    tern__list_append(&r->flows, &f->of_route, f);
    f->next = *bucket;
    *bucket = f;
  }
  f->users++;
  return f;
}

void tern__pool_flow_give(tern_pool *p, tern__pool_flow *f)
{
  tern__pool_flow **at = &p->flows[hash(f->route->url, f->submitter)];

  if (--f->users) return;
  while (*at != f) at = &(*at)->next;
  *at = f->next;
  tern__list_drop(&f->turn);
  tern__list_drop(&f->of_route);
  tern__pool_route_give(p, f->route);
  tern__free(p->mem, f, sizeof *f);
}

/* ---- waiting ---------------------------------------------------------------------------------------*/
static void measure(tern_pool *p)
{
  if (p->waiting >= p->high) p->pressed = 1;
  if (p->waiting <= p->high / 2) p->pressed = 0;
}

void tern__pool_wait_turn(tern_pool *p, tern__pool_job *job, int first)
{
  tern__pool_flow *f = job->flow;

  job->session = NULL;
  job->mail->where = TERN__MAIL_QUEUED;
  if (first)
    tern__list_prepend(&f->jobs, &job->place, job);
  else
    tern__list_append(&f->jobs, &job->place, job);
  if (!tern__list_in(&f->turn)) tern__list_append(&f->route->host->flows, &f->turn, f);
  p->waiting++;
  measure(p);
  tern__pool_host_wake(p, f->route->host);
}

void tern__pool_leave_turn(tern_pool *p, tern__pool_job *job)
{
  tern__list_drop(&job->place);
  if (!tern__list_first(&job->flow->jobs)) tern__list_drop(&job->flow->turn);
  p->waiting--;
  measure(p);
}

void tern__pool_host_wake(tern_pool *p, tern__pool_host *h)
{
  if (!tern__list_in(&h->turn) && tern__list_first(&h->flows))
    tern__list_append(&p->ready, &h->turn, h);
}

static void starve(tern_pool *p, tern__pool_host *h)
{
  tern__list_append(&p->starved, &h->turn, h);
  h->starved = 1;
  p->starved_count++;
}

static void feed(tern_pool *p, tern__pool_host *h)
{
  tern__list_prepend(&p->ready, &h->turn, h);
  h->starved = 0;
  p->starved_count--;
}

/* ---- serving ---------------------------------------------------------------------------------------*/
/* An idle session, of that host where one is given, makes room. */
static void give_up_idle(tern_pool *p, const tern__pool_host *h)
{
  tern__list *at;

  for (at = p->idle.next; at != &p->idle; at = at->next) {
    tern__pool_session *s = at->of;
    if (h && s->route->host != h) continue;
    tern__pool_session_leave(p, s);
    return;
  }
}

/* A session for the route's next mail: an idle one, a new one, one with a mail on it; NULL: not now,
 * or *error says why there is none. */
static tern__pool_session *pick(tern_pool *p, tern__pool_route *r, int *starved, tern_error *error)
{
  tern__pool_host *h = r->host;
  tern__pool_session *s;

  while ((s = tern__list_first(&r->room)) != NULL && !s->load)
    if (tern__pool_session_stands(p, s)) return s;
  if (h->sessions < h->cap) {
    if (r->sessions && !r->standing) return s; /* the first one shows the way */
    if (p->session_count < p->most_sessions) return tern__pool_session_open(p, r, error);
    if (!s) {
      *starved = 1;
      give_up_idle(p, NULL);
    }
  } else if (!s && h->roomy) { /* of another route */
    give_up_idle(p, h);
  }
  if (s) tern__list_append(&r->room, &s->room, s);
  return s;
}

static int serve_host(tern_pool *p, tern__pool_host *h)
{
  tern__list *end = h->flows.prev;
  int starved = 0, last = 0;
  tern__pool_flow *f;
  tern_error error;

  if (!h->roomy && h->sessions >= h->cap) return BLOCKED;
  while (!last && (f = tern__list_first(&h->flows)) != NULL) {
    tern__pool_session *s;
    tern__pool_job *job = tern__list_first(&f->jobs);

    last = end == &f->turn;
    tern__list_append(&h->flows, &f->turn, f);
    tern__error_set(&error, TERN_OK, TERN_PHASE_NONE);
    s = pick(p, f->route, &starved, &error);
    if (!s && error.status == TERN_OK) continue;
    tern__pool_leave_turn(p, job);
    if (s)
      tern__pool_session_give(p, s, job);
    else
      tern__pool_fail(p, job, &error);
    return SERVED;
  }
  return starved ? STARVED : BLOCKED;
}

int tern__pool_serve(tern_pool *p)
{
  tern__pool_host *h;
  int moved = 0, result;

  for (;;) {
    if (p->session_count < p->most_sessions && (h = tern__list_first(&p->starved)) != NULL)
      feed(p, h);
    h = tern__list_first(&p->ready);
    if (!h) return moved;
    tern__list_drop(&h->turn);
    if (!tern__list_first(&h->flows)) continue;
    h->users++; /* it stays while its last mail may leave */
    result = serve_host(p, h);
    if (result == SERVED) {
      moved = 1;
      tern__pool_host_wake(p, h);
    } else if (result == STARVED) {
      starve(p, h);
    }
    tern__pool_host_give(p, h);
  }
}

int tern__pool_yields(const tern_pool *p, const tern__pool_session *s)
{
  const tern__pool_host *h = s->route->host;
  uint32_t share;

  if (!p->starved_count || p->session_count < p->most_sessions) return 0;
  if (p->leaving_count >= p->starved_count) return 0;
  if (!tern__list_first(&h->flows)) return 1;
  share = p->most_sessions / (p->host_count + p->starved_count);
  return h->sessions > (share ? share : 1) || s->mails >= QUANTUM;
}

/* ---- trouble ---------------------------------------------------------------------------------------*/
void tern__pool_route_fail(tern_pool *p, tern__pool_route *r, const tern_error *error)
{
  tern__list *at, *next;

  r->users++; /* it stays until the end */
  for (at = r->flows.next; at != &r->flows; at = next) {
    tern__pool_flow *f = at->of;
    tern__pool_job *job;

    f->users++;
    while ((job = tern__list_first(&f->jobs)) != NULL) {
      tern__pool_leave_turn(p, job);
      tern__pool_fail(p, job, error);
    }
    next = at->next;
    tern__pool_flow_give(p, f);
  }
  tern__pool_route_give(p, r);
}

void tern__pool_host_pause(tern_pool *p, tern__pool_host *h)
{
  h->cap = h->sessions ? h->sessions : 1;
  tern__timer_set(&p->loop, &h->pause, p->now + SESSION_PAUSE);
}

void tern__pool_host_resume(tern_pool *p, tern__pool_host *h)
{
  h->cap = p->host_sessions;
  tern__pool_host_wake(p, h);
}
