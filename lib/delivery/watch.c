/* watch.c - sockets and deadlines of a delivery in one list, and its DNS questions.
 *
 * A step begins by asking poll() without waiting which of the sockets noted last can move, so that of a
 * thousand connections only those are touched; it ends by noting them anew. Limit: where there is no
 * memory for the list all are taken for ready, in intervals. */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/host.h"
#include "base/mem.h"
#include "delivery/delivery.h"

#define BLIND_WAIT 10u /* ms */

uint32_t tern__bucket(const char *name)
{
  uint32_t h = 2166136261u;

  for (; *name; name++) h = (h ^ (uint8_t)*name) * 16777619u;
  return (h ^ h >> 16) % TERN__BUCKETS;
}

uint64_t tern__wall(void)
{
  time_t t = time(NULL);

  return t > 0 ? (uint64_t)t : 0;
}

static int grow(tern_delivery *d)
{
  size_t cap = d->watch_cap ? d->watch_cap * 2 : 32;
  struct pollfd *polls = tern__alloc(d->mem, cap * sizeof *polls);
  tern__watched *watched = polls ? tern__alloc(d->mem, cap * sizeof *watched) : NULL;

  if (!watched) {
    tern__free(d->mem, polls, cap * sizeof *polls);
    return 0;
  }
  if (d->watch_count) {
    memcpy(polls, d->polls, d->watch_count * sizeof *polls);
    memcpy(watched, d->watched, d->watch_count * sizeof *watched);
  }
  tern__free(d->mem, d->polls, d->watch_cap * sizeof *polls);
  tern__free(d->mem, d->watched, d->watch_cap * sizeof *watched);
  d->polls = polls;
  d->watched = watched;
  d->watch_cap = cap;
  return 1;
}

void tern__watch_add(tern_delivery *d, int32_t handle, uint32_t events, uint64_t due, uint8_t *ready)
{
  struct pollfd *p;

  if (due < d->due) d->due = due;
  if (d->watch_count == d->watch_cap && !grow(d)) {
    d->blind = 1;
    return;
  }
  p = &d->polls[d->watch_count];
  p->fd = events ? handle : -1;
  p->events = (short)((events & TERN_READ ? POLLIN : 0) | (events & TERN_WRITE ? POLLOUT : 0));
  p->revents = 0;
  d->watched[d->watch_count].ready = ready;
  d->watched[d->watch_count++].due = due;
}

/* Whoever waits for one looks at how it ended; also those that nobody waits for any more are moved, so that
 * what they have received keeps nobody awake. */
static void move_asks(tern_delivery *d)
{
  tern__ask *ask, *next;

  for (ask = d->asks; ask; ask = next) {
    next = ask->next;
    (void)tern__ask_step(d, ask);
  }
}

static void watch_asks(tern_delivery *d)
{
  tern__ask *ask;

  for (ask = d->asks; ask; ask = ask->next)
    tern__watch_add(d, tern__dns_query_handle(ask->q), tern__dns_query_events(ask->q),
                    tern__dns_query_deadline(ask->q), &ask->ready);
}

void tern__watch_read(tern_delivery *d)
{
  size_t i;

  d->now = tern__host_now();
  if (d->watch_count) (void)poll(d->polls, (nfds_t)d->watch_count, 0);
  for (i = 0; i < d->watch_count; i++)
    if (d->polls[i].revents || d->now >= d->watched[i].due) *d->watched[i].ready = 1;
  move_asks(d);
  if (d->fetching || d->blind) d->wake = 1;
}

void tern__watch_write(tern_delivery *d)
{
  d->watch_count = 0;
  d->due = TERN_NEVER;
  d->blind = 0;
  move_asks(d);
  watch_asks(d);
  tern__sts_watch(d);
  tern__lanes_watch(d);
  tern__walk_watch(d);
  if (d->blind && d->now + BLIND_WAIT < d->due) d->due = d->now + BLIND_WAIT;
}

/* ---- questions -----------------------------------------------------------------------------------*/
tern_resolver *tern__delivery_resolver(tern_delivery *d)
{
  if (d->resolver) return d->resolver;
  if (!d->own_resolver) d->own_resolver = tern_resolver_new(d->mem);
  return d->own_resolver;
}

static void enlist(tern_delivery *d, tern__ask *ask)
{
  ask->next = d->asks;
  if (ask->next) ask->next->at = &ask->next;
  ask->at = &d->asks;
  d->asks = ask;
  d->queries++;
}

static void delist(tern_delivery *d, tern__ask *ask)
{
  if (!ask->at) return;
  *ask->at = ask->next;
  if (ask->next) ask->next->at = ask->at;
  ask->at = NULL;
  d->queries--;
  d->wake = 1;
}

int tern__ask_open(tern_delivery *d, tern__ask *ask, const char *name, uint32_t type)
{
  uint64_t deadline = TERN_NEVER;
  tern_resolver *r;

  if (d->queries >= TERN__QUERIES_MAX) return 0;
  r = tern__delivery_resolver(d);
  if (!r) return 1;
  if (d->timeout_set & (1u << TERN_PHASE_RESOLVE) && d->timeout[TERN_PHASE_RESOLVE])
    deadline = d->now + d->timeout[TERN_PHASE_RESOLVE];
  (void)tern__dns_query_open(r, d->mem, name, type, d->now, deadline, &ask->q);
  if (ask->q) enlist(d, ask);
  ask->ended = TERN_E_AGAIN;
  ask->ready = 1;
  return 1;
}

tern_status tern__ask_step(tern_delivery *d, tern__ask *ask)
{
  if (!ask->q) return TERN_E_NOMEM;
  if (ask->ended != TERN_E_AGAIN || (!ask->ready && !d->blind)) return ask->ended;
  ask->ended = tern__dns_query_step(ask->q, d->now);
  ask->ready = 0;
  if (ask->ended != TERN_E_AGAIN) delist(d, ask);
  return ask->ended;
}

const tern__dns_answer *tern__ask_answer(const tern__ask *ask)
{
  return ask->q ? tern__dns_query_answer(ask->q) : NULL;
}

const char *tern__ask_detail(const tern__ask *ask)
{
  return ask->q ? tern__dns_query_detail(ask->q) : "";
}

void tern__ask_close(tern_delivery *d, tern__ask *ask)
{
  if (!ask->q) return;
  delist(d, ask);
  tern__dns_query_free(ask->q);
  ask->q = NULL;
}
