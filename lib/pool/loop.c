/* loop.c - who can move: by epoll, or by poll() where there is none.
 *
 * A handle stays known to epoll from one look to the next, so that a step costs what moves and not what
 * waits. epoll names a handle by slot and serial: an event that outlived its socket (a child process
 * kept it open) finds nobody. Timers are a pairing heap, without memory of their own. Limits: a handle
 * that epoll refuses is taken for ready every 20 ms; a process that forks without exec and leaves such
 * sockets open to its child is woken for nothing. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "pool/loop.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <errno.h>
#include <sys/epoll.h>
#endif

#include "base/mem.h"

#define BLIND 20      /* ms between looks at what cannot be watched */
#define EVENTS 256    /* that one look takes */
#define FIRST_CAP 16u /* slots */

/* ---- life ----------------------------------------------------------------------------------------*/
void tern__loop_init(tern__loop *loop, const tern_allocator *mem, int by_poll)
{
  memset(loop, 0, sizeof *loop);
  loop->mem = mem;
  loop->epoll = -1;
  loop->spare = TERN__NO_SLOT;
  loop->by_poll = by_poll != 0;
  tern__list_init(&loop->ready);
}

static void free_table(tern__loop *loop)
{
  tern__free(loop->mem, loop->table, loop->cap * sizeof *loop->table);
  tern__free(loop->mem, loop->polls, loop->cap * sizeof *loop->polls);
}

void tern__loop_free(tern__loop *loop)
{
  free_table(loop);
  if (loop->epoll >= 0) (void)close(loop->epoll);
  tern__loop_init(loop, loop->mem, loop->by_poll);
}

static void open_epoll(tern__loop *loop)
{
#ifdef __linux__
  if (!loop->by_poll && loop->epoll < 0) loop->epoll = epoll_create1(EPOLL_CLOEXEC);
#endif
  if (loop->epoll < 0) loop->by_poll = 1;
}

static int grow(tern__loop *loop)
{
  uint32_t cap = loop->cap ? loop->cap * 2 : FIRST_CAP;
  tern__loop_slot *table = NULL;
  struct pollfd *polls = NULL;

  if (loop->cap <= UINT32_MAX / 2 / sizeof *polls) table = tern__alloc(loop->mem, cap * sizeof *table);
  if (table && loop->by_poll) polls = tern__alloc(loop->mem, cap * sizeof *polls);
  if (!table || (loop->by_poll && !polls)) {
    tern__free(loop->mem, table, cap * sizeof *table);
    return 0;
  }
  if (loop->used) memcpy(table, loop->table, loop->used * sizeof *table);
  if (loop->used && polls) memcpy(polls, loop->polls, loop->used * sizeof *polls);
  free_table(loop);
  loop->table = table;
  loop->polls = polls;
  loop->cap = cap;
  return 1;
}

/* ---- handles ---------------------------------------------------------------------------------------*/
int tern__loop_join(tern__loop *loop, tern__handle *handle, void *of)
{
  uint32_t slot = loop->spare;

  open_epoll(loop);
  if (slot != TERN__NO_SLOT) {
    loop->spare = loop->table[slot].next;
  } else {
    if (loop->used == loop->cap && !grow(loop)) return 0;
    slot = loop->used++;
  }
  loop->table[slot].handle = handle;
  if (loop->polls) loop->polls[slot].fd = -1;
  handle->slot = slot;
  handle->serial = ++loop->serial;
  handle->fd = -1;
  handle->of = of;
  return 1;
}

static void set_blind(tern__loop *loop, tern__handle *handle, int blind)
{
  if (handle->blind == blind) return;
  handle->blind = (uint8_t)blind;
  if (blind)
    loop->blind++;
  else
    loop->blind--;
}

#ifdef __linux__
static void forget(const tern__loop *loop, int32_t fd)
{
  struct epoll_event none;

  memset(&none, 0, sizeof none);
  if (fd >= 0) (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, &none);
}

/* 1: epoll knows it now. A socket that was closed has left by itself, and its number may be another's. */
static int hold(const tern__loop *loop, const tern__handle *handle, int known)
{
  struct epoll_event e;

  memset(&e, 0, sizeof e);
  e.events = (handle->events & TERN_READ ? (uint32_t)EPOLLIN : 0u) |
             (handle->events & TERN_WRITE ? (uint32_t)EPOLLOUT : 0u);
  e.data.u64 = (uint64_t)handle->serial << 32 | handle->slot;
  if (known) {
    if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, handle->fd, &e) == 0) return 1;
    if (errno != ENOENT) return 0;
  }
  return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, handle->fd, &e) == 0 ||
         (errno == EEXIST && epoll_ctl(loop->epoll, EPOLL_CTL_MOD, handle->fd, &e) == 0);
}
#else
static void forget(const tern__loop *loop, int32_t fd)
{
  (void)loop, (void)fd;
}

static int hold(const tern__loop *loop, const tern__handle *handle, int known)
{
  (void)loop, (void)handle, (void)known;
  return 0;
}
#endif

void tern__loop_watch(tern__loop *loop, tern__handle *handle, int32_t fd, uint32_t events, int renewed)
{
  int32_t before = handle->fd;

  if (fd == before && events == handle->events && !renewed) return;
  handle->fd = fd;
  handle->events = events;
  if (loop->by_poll) {
    struct pollfd *p = &loop->polls[handle->slot];
    p->fd = events ? fd : -1;
    p->events = (short)((events & TERN_READ ? POLLIN : 0) | (events & TERN_WRITE ? POLLOUT : 0));
    p->revents = 0;
    return;
  }
  if (before != fd) forget(loop, before);
  set_blind(loop, handle, fd >= 0 && !hold(loop, handle, before == fd));
}

void tern__loop_leave(tern__loop *loop, tern__handle *handle)
{
  if (!loop->table || handle->slot >= loop->used || loop->table[handle->slot].handle != handle) return;
  tern__list_drop(&handle->ready);
  tern__loop_watch(loop, handle, -1, 0, 0);
  set_blind(loop, handle, 0);
  loop->table[handle->slot].handle = NULL;
  loop->table[handle->slot].next = loop->spare;
  loop->spare = handle->slot;
}

void tern__loop_wake(tern__loop *loop, tern__handle *handle)
{
  if (!tern__list_in(&handle->ready)) tern__list_append(&loop->ready, &handle->ready, handle->of);
}

/* ---- looking -----------------------------------------------------------------------------------------*/
static void wake_blind(tern__loop *loop)
{
  uint32_t i;

  for (i = 0; loop->blind && i < loop->used; i++)
    if (loop->table[i].handle && loop->table[i].handle->blind)
      tern__loop_wake(loop, loop->table[i].handle);
}

static void look_by_poll(tern__loop *loop, int32_t ms)
{
  uint32_t i;
  int n = poll(loop->polls, (nfds_t)loop->used, ms);

  for (i = 0; n > 0 && i < loop->used; i++)
    if (loop->polls[i].revents && loop->table[i].handle) {
      tern__loop_wake(loop, loop->table[i].handle);
      n--;
    }
}

static void look_by_epoll(tern__loop *loop, int32_t ms)
{
#ifdef __linux__
  struct epoll_event e[EVENTS];
  int i, n = epoll_wait(loop->epoll, e, EVENTS, ms);

  for (i = 0; i < n; i++) {
    uint32_t slot = (uint32_t)(e[i].data.u64 & UINT32_MAX);
    tern__handle *handle = slot < loop->used ? loop->table[slot].handle : NULL;
    if (handle && handle->serial == e[i].data.u64 >> 32) tern__loop_wake(loop, handle);
  }
#else
  (void)loop, (void)ms;
#endif
}

void tern__loop_look(tern__loop *loop, int32_t ms)
{
  if (loop->ready.next != &loop->ready) ms = 0;
  if (loop->blind && (ms < 0 || ms > BLIND)) ms = BLIND;
  if (!loop->by_poll && loop->epoll < 0) open_epoll(loop);
  if (loop->by_poll)
    look_by_poll(loop, ms);
  else
    look_by_epoll(loop, ms);
  wake_blind(loop);
}

void *tern__loop_next(tern__loop *loop)
{
  void *of = tern__list_first(&loop->ready);

  if (of) tern__list_drop(loop->ready.next);
  return of;
}

static int put(tern_poll *out, size_t cap, size_t n, int32_t fd, uint32_t events)
{
  if (out && n < cap) {
    out[n].fd = fd;
    out[n].events = events;
  }
  return 1;
}

size_t tern__loop_polls(const tern__loop *loop, tern_poll *out, size_t cap)
{
  size_t n = 0;
  uint32_t i;

  if (loop->epoll >= 0) return (size_t)put(out, cap, n, loop->epoll, TERN_READ);
  for (i = 0; i < loop->used; i++) {
    const tern__handle *h = loop->table[i].handle;
    if (h && h->fd >= 0 && h->events) n += (size_t)put(out, cap, n, h->fd, h->events);
  }
  return n;
}

/* ---- times -------------------------------------------------------------------------------------------*/
/* Both without siblings and either may be NULL. */
static tern__timer *meld(tern__timer *a, tern__timer *b)
{
  tern__timer *later = b;

  if (!a) return b;
  if (!b) return a;
  if (b->at < a->at) {
    later = a;
    a = b;
  }
  later->prev = a;
  later->next = a->child;
  if (a->child) a->child->prev = later;
  a->child = later;
  return a;
}

/* Siblings become one: in pairs, then these from the last on. */
static tern__timer *merge(tern__timer *first)
{
  tern__timer *pairs = NULL, *all = NULL, *next;

  while (first) {
    tern__timer *a = first, *b = a->next;
    first = b ? b->next : NULL;
    a->next = a->prev = NULL;
    if (b) b->next = b->prev = NULL;
    a = meld(a, b);
    a->next = pairs;
    pairs = a;
  }
  for (; pairs; pairs = next) {
    next = pairs->next;
    pairs->next = NULL;
    all = meld(all, pairs);
  }
  return all;
}

static void stop(tern__loop *loop, tern__timer *t)
{
  if (t == loop->timers) {
    loop->timers = merge(t->child);
  } else {
    if (t->prev->child == t)
      t->prev->child = t->next;
    else
      t->prev->next = t->next;
    if (t->next) t->next->prev = t->prev;
    loop->timers = meld(loop->timers, merge(t->child));
  }
  t->child = t->next = t->prev = NULL;
  t->at = TERN_NEVER;
}

void tern__timer_set(tern__loop *loop, tern__timer *timer, uint64_t at)
{
  if (timer->at == at) return;
  if (timer->at != TERN_NEVER) stop(loop, timer);
  timer->at = at;
  if (at != TERN_NEVER) loop->timers = meld(loop->timers, timer);
}

void tern__timer_by(tern__loop *loop, tern__timer *timer, uint64_t at)
{
  if (at < timer->at) tern__timer_set(loop, timer, at);
}

tern__timer *tern__loop_due(tern__loop *loop, uint64_t now)
{
  tern__timer *t = loop->timers;

  if (!t || t->at > now) return NULL;
  stop(loop, t);
  return t;
}

uint64_t tern__loop_deadline(const tern__loop *loop, uint64_t now)
{
  uint64_t at = loop->timers ? loop->timers->at : TERN_NEVER;

  return loop->blind && now + BLIND < at ? now + BLIND : at;
}
