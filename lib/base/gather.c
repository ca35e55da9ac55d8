/* gather.c - one handle that stands for several: an epoll descriptor, where there are any.
 * (host builds only)
 * Duty: a caller's loop polls one handle of a client, while several sockets may race or be asked.
 * Neighbours: transport/tcp.c (the race), client/dial.c (questions and race). Limits: Linux; elsewhere
 * several handles are looked at in intervals; TERN__GATHER_MAX handles. */
#define _DEFAULT_SOURCE

#include "base/gather.h"

#include <tern/transport.h>
#include <unistd.h>
#ifdef __linux__
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#endif

void tern__gather_init(tern__gather *g)
{
  g->epoll = -1;
  g->held = 0;
  tern__gather_begin(g);
  tern__gather_end(g);
}

void tern__gather_begin(tern__gather *g)
{
  g->count = 0;
  g->blind = 0;
}

void tern__gather_add(tern__gather *g, int32_t handle, uint32_t events)
{
  if (handle < 0 || events == 0) return;
  if (g->count == TERN__GATHER_MAX) {
    g->blind = 1;
    return;
  }
  g->list[g->count].handle = handle;
  g->list[g->count++].events = events;
}

#ifdef __linux__
/* A handle that was closed has left by itself, and its number may be another socket's by now: what is
 * not known any more (ENOENT) is added again. */
static int hold(tern__gather *g, int32_t handle, uint32_t events)
{
  struct epoll_event e;

  memset(&e, 0, sizeof e);
  e.events = ((events & TERN_READ) != 0 ? (uint32_t)EPOLLIN : 0u) |
             ((events & TERN_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0u);
  e.data.fd = handle;
  if (epoll_ctl(g->epoll, EPOLL_CTL_MOD, handle, &e) == 0) return 1;
  return errno == ENOENT && epoll_ctl(g->epoll, EPOLL_CTL_ADD, handle, &e) == 0;
}

static int wanted(const tern__gather *g, int32_t handle)
{
  uint32_t i;

  for (i = 0; i < g->count; i++)
    if (g->list[i].handle == handle) return 1;
  return 0;
}

/* 0: there is no descriptor that stands for all. */
static int hold_all(tern__gather *g)
{
  struct epoll_event none;
  uint32_t i;

  if (g->epoll < 0) {
    g->held = 0;
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
  }
  if (g->epoll < 0) return 0;
  memset(&none, 0, sizeof none);
  for (i = 0; i < g->held; i++) /* those closed by now answer with an error */
    if (!wanted(g, g->known[i])) (void)epoll_ctl(g->epoll, EPOLL_CTL_DEL, g->known[i], &none);
  for (i = 0; i < g->count; i++) {
    if (!hold(g, g->list[i].handle, g->list[i].events)) return 0;
    g->known[i] = g->list[i].handle;
    g->held = i + 1;
  }
  return 1;
}
#else
static int hold_all(tern__gather *g)
{
  (void)g;
  return 0;
}
#endif

void tern__gather_end(tern__gather *g)
{
  g->handle = -1;
  g->events = 0;
  if (g->count == 1 && !g->blind) {
    g->handle = g->list[0].handle;
    g->events = g->list[0].events;
  } else if (g->count > 1 && !g->blind && hold_all(g)) {
    g->handle = g->epoll;
    g->events = TERN_READ;
  } else if (g->count > 0) {
    g->blind = 1;
  }
}

void tern__gather_close(tern__gather *g)
{
  if (g->epoll >= 0) (void)close(g->epoll);
  tern__gather_init(g);
}
