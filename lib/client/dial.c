/* dial.c - from a host's name to a connected socket: look-up and race together.
 *
 * Decides who resolves. A blocking client without a resolver asks the system (getaddrinfo: all that
 * nsswitch.conf names, but for as long as the system likes); a stepped one, or one that was given a
 * resolver, asks by lib/resolve, never waits, and keeps its deadlines. Addresses are tried as they come
 * (RFC 8305). Neighbours: connection.c opens and closes, lookup.c, tcp.c. Limit: in a build without
 * lib/resolve a stepped client's look-up blocks. */
#include "client/dial.h"

#include "base/gather.h"
#include "base/host.h"
#include "base/mem.h"
#include "client/client.h"
#ifndef TERN_NO_RESOLVE
#include "resolve/lookup.h"
#endif

#define CONNECT_TIMEOUT 30000u /* over all addresses */
#define RESOLVE_TIMEOUT 30000u

struct tern__dial {
  tern__gather gather; /* questions and race */
  uint64_t nap;        /* where nothing can be polled for: look again; TERN_NEVER */
#ifndef TERN_NO_RESOLVE
  tern__lookup *lookup; /* NULL: not needed, or over */
  tern_resolver *own;
#endif
  uint8_t fed; /* there is an address */
};

static uint32_t timeout_of(const tern_client *c, uint32_t phase, uint32_t otherwise)
{
  return c->timeout_set & (1u << phase) ? c->timeout[phase] : otherwise;
}

/* ---- the look-up -------------------------------------------------------------------------------------*/
#ifndef TERN_NO_RESOLVE
static void end_lookup(tern_client *c)
{
  tern__lookup_free(c->dial->lookup);
  c->dial->lookup = NULL;
  tern_resolver_free(c->dial->own);
  c->dial->own = NULL;
}

/* Hands on the addresses that are there. TERN_E_AGAIN, TERN_OK: that was all, else c->error is set. */
static tern_status feed(tern_client *c, tern_status status)
{
  const tern__sockaddr *list;
  size_t i, n = tern__lookup_take(c->dial->lookup, &list);

  for (i = 0; i < n; i++) tern__tcp_feed(c->tcp, &list[i]);
  c->dial->fed |= n != 0;
  if (status == TERN_E_AGAIN) return status;
  if (status == TERN_OK)
    tern__tcp_feed(c->tcp, NULL);
  else
    tern__conn_fail(c, status, TERN_PHASE_RESOLVE, tern__lookup_detail(c->dial->lookup));
  end_lookup(c);
  return status;
}

static tern_status look_up(tern_client *c, uint32_t timeout)
{
  uint32_t limit = timeout_of(c, TERN_PHASE_RESOLVE, RESOLVE_TIMEOUT);
  uint64_t now = tern__host_now();
  tern_resolver *resolver = c->resolver;
  tern_status st = tern__tcp_open_fed(c->mem, timeout, &c->tcp);

  if (st == TERN_OK && !resolver) {
    c->dial->own = resolver = tern_resolver_new(c->mem);
    if (!resolver) st = TERN_E_NOMEM;
  }
  if (st == TERN_OK)
    st = tern__lookup_open(resolver, c->mem, c->url.host, tern__url_port(&c->url, c->mode), now,
                           limit ? now + limit : TERN_NEVER, &c->dial->lookup);
  if (c->dial->lookup) return feed(c, st);
  tern__conn_fail(c, st, TERN_PHASE_RESOLVE, NULL);
  return st;
}

static int by_ourselves(const tern_client *c)
{
  return c->resolver || !c->blocking;
}
#else
static tern_status look_up(tern_client *c, uint32_t timeout)
{
  (void)timeout;
  tern__conn_fail(c, TERN_E_UNSUPPORTED, TERN_PHASE_RESOLVE, NULL);
  return TERN_E_UNSUPPORTED;
}

static int by_ourselves(const tern_client *c)
{
  (void)c;
  return 0;
}
#endif

/* ---- public ------------------------------------------------------------------------------------------*/
/* Opens c->tcp, with its addresses or to be fed. TERN_OK, TERN_E_AGAIN: fed later; or c->error is set. */
static tern_status open_tcp(tern_client *c, uint32_t timeout)
{
  uint32_t port = tern__url_port(&c->url, c->mode);
  tern_status st;

  if (c->url.path) {
    st = tern__tcp_open_unix(c->mem, c->url.path, timeout, &c->tcp);
  } else if (!by_ourselves(c)) {
    st = tern__tcp_open(c->mem, c->url.host, port, timeout, &c->tcp);
  } else {
    st = tern__tcp_open_literal(c->mem, c->url.host, port, timeout, &c->tcp);
    if (st == TERN_E_AGAIN) return look_up(c, timeout);
  }
  c->dial->fed = 1;
  if (st != TERN_OK)
    tern__conn_fail(c, st, c->url.path ? TERN_PHASE_CONNECT : TERN_PHASE_RESOLVE,
                    c->tcp ? tern__tcp_detail(c->tcp) : NULL);
  return st;
}

tern_status tern__dial_begin(tern_client *c)
{
  uint32_t timeout = timeout_of(c, TERN_PHASE_CONNECT, CONNECT_TIMEOUT);
  tern_status st;

  c->dial = tern__alloc(c->mem, sizeof *c->dial);
  if (!c->dial) {
    tern__conn_fail(c, TERN_E_NOMEM, TERN_PHASE_RESOLVE, NULL);
    tern__conn_drop(c);
    return TERN_E_NOMEM;
  }
  tern__gather_init(&c->dial->gather);
  c->dial->nap = TERN_NEVER;
  st = open_tcp(c, timeout);
  if (st != TERN_OK && st != TERN_E_AGAIN) {
    tern__conn_drop(c);
    return st;
  }
  if (c->blocking && (timeout == 0 || timeout >= TERN__SLICE))
    tern__tcp_set_slice(c->tcp, TERN__SLICE);
  c->state = TERN__DIALLING;
  return TERN_OK;
}

/* Notes what is waited for. */
static void gather(tern_client *c, uint64_t now)
{
  tern__dial *d = c->dial;

  tern__gather_begin(&d->gather);
#ifndef TERN_NO_RESOLVE
  if (d->lookup) tern__lookup_gather(d->lookup, &d->gather);
#endif
  if (d->fed) tern__gather_add(&d->gather, tern__tcp_handle(c->tcp), tern__tcp_events(c->tcp));
  tern__gather_end(&d->gather);
  d->nap = d->gather.blind ? now + TERN__GATHER_NAP : TERN_NEVER;
}

tern_status tern__dial_step(tern_client *c)
{
  uint64_t now = tern__host_now();
  tern_status st = TERN_E_AGAIN;

#ifndef TERN_NO_RESOLVE
  if (c->dial->lookup) {
    st = feed(c, tern__lookup_step(c->dial->lookup, now));
    if (st != TERN_OK && st != TERN_E_AGAIN) return st;
    st = TERN_E_AGAIN;
  }
#endif
  if (c->dial->fed) st = tern__tcp_connect_step(c->tcp, now); /* its time begins with an address */
  if (st == TERN_E_AGAIN) gather(c, now);
  if (st != TERN_OK && st != TERN_E_AGAIN)
    tern__conn_fail(c, st, TERN_PHASE_CONNECT, tern__tcp_detail(c->tcp));
  return st;
}

int32_t tern__dial_handle(const tern_client *c)
{
  return c->dial ? c->dial->gather.handle : -1;
}

uint32_t tern__dial_events(const tern_client *c)
{
  return c->dial ? c->dial->gather.events : 0;
}

uint64_t tern__dial_deadline(const tern_client *c)
{
  uint64_t at, due;

  if (!c->dial) return TERN_NEVER;
  at = c->dial->nap;
  due = c->dial->fed ? tern__tcp_deadline(c->tcp) : TERN_NEVER;
  if (due < at) at = due;
#ifndef TERN_NO_RESOLVE
  due = c->dial->lookup ? tern__lookup_deadline(c->dial->lookup) : TERN_NEVER;
  if (due < at) at = due;
#endif
  return at;
}

uint32_t tern__dial_phase(const tern_client *c)
{
  return c->dial && !c->dial->fed ? TERN_PHASE_RESOLVE : TERN_PHASE_CONNECT;
}

void tern__dial_end(tern_client *c)
{
  if (!c->dial) return;
#ifndef TERN_NO_RESOLVE
  end_lookup(c);
#endif
  tern__gather_close(&c->dial->gather);
  tern__free(c->mem, c->dial, sizeof *c->dial);
  c->dial = NULL;
}
