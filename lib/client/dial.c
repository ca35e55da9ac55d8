/* dial.c - from a host's name to a connected socket: look-up and race together, and the proxy's handshake.
 *
 * Decides who resolves. A blocking client without a resolver asks the system (getaddrinfo: all that
 * nsswitch.conf names, but for as long as the system likes); a stepped one, or one that was given a
 * resolver, asks by lib/resolve, never waits, and keeps its deadlines. Addresses are tried as they come
 * (RFC 8305). Where a proxy was given it is the host to connect to, the server's name is its business, and
 * nothing is tried without it. Neighbours: connection.c opens and closes, lookup.c, tcp.c, proxy.c. Limit: in a build without
 * lib/resolve a stepped client's look-up blocks. */
#include "client/dial.h"

#include <stdio.h>
#include <string.h>

#include "base/gather.h"
#include "base/host.h"
#include "base/mem.h"
#include "client/client.h"
#include "transport/proxy.h"
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
  tern__proxy *proxy;  /* the handshake with it; NULL: none, or not yet */
  uint32_t timeout;    /* of connecting, the proxy's handshake included; 0: none */
  uint64_t due;        /* of that; TERN_NEVER until there is an address */
  uint8_t fed;         /* there is an address */
  uint8_t writing;     /* to the proxy, which does not take it for now */
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

static tern_status look_up(tern_client *c, const char *host, uint32_t port)
{
  uint32_t limit = timeout_of(c, TERN_PHASE_RESOLVE, RESOLVE_TIMEOUT);
  uint64_t now = tern__host_now();
  tern_resolver *resolver = c->resolver;
  tern_status st = tern__tcp_open_fed(c->mem, c->dial->timeout, &c->tcp);

  if (st == TERN_OK && !resolver) {
    c->dial->own = resolver = tern_resolver_new(c->mem);
    if (!resolver) st = TERN_E_NOMEM;
  }
  if (st == TERN_OK)
    st = tern__lookup_open(resolver, c->mem, host, port, now, limit ? now + limit : TERN_NEVER,
                           &c->dial->lookup);
  if (c->dial->lookup) return feed(c, st);
  tern__conn_fail(c, st, TERN_PHASE_RESOLVE, NULL);
  return st;
}

static int by_ourselves(const tern_client *c)
{
  return c->resolver || !c->blocking;
}
#else
static tern_status look_up(tern_client *c, const char *host, uint32_t port)
{
  (void)host, (void)port;
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
static int has_proxy(const tern_client *c)
{
  return c->proxy.host != NULL;
}

/* A host of a delivery, by literals: both addresses, or the one that won when they raced. */
static tern_status open_pair(tern_client *c, const char *host, uint32_t port)
{
  const tern__pair *pair = c->pair;
  tern__sockaddr first;
  tern_status st = tern__sockaddr_literal(host, port, &first) ? TERN_OK : TERN_E_HOST;

  if (st == TERN_OK) st = tern__tcp_open_fed(c->mem, c->dial->timeout, &c->tcp);
  if (st != TERN_OK) return st;
  if (!pair->other_won) tern__tcp_feed(c->tcp, &first);
  if (!pair->over || pair->other_won) tern__tcp_feed(c->tcp, &pair->other);
  tern__tcp_feed(c->tcp, NULL);
  return TERN_OK;
}

/* Opens c->tcp, with its addresses or to be fed. TERN_OK, TERN_E_AGAIN: fed later; or c->error is set. */
static tern_status open_tcp(tern_client *c)
{
  const char *host = has_proxy(c) ? c->proxy.host : c->address ? c->address : c->url.host;
  uint32_t port = has_proxy(c) ? c->proxy.port : tern__url_port(&c->url, c->mode);
  uint32_t timeout = c->dial->timeout;
  tern_status st;

  if (c->url.path && has_proxy(c)) {
    tern__conn_fail(c, TERN_E_CONFIG, TERN_PHASE_CONNECT, "no proxy leads to a Unix socket");
    return TERN_E_CONFIG;
  }
  if (c->url.path) {
    st = tern__tcp_open_unix(c->mem, c->url.path, timeout, &c->tcp);
  } else if (c->pair) {
    st = open_pair(c, host, port);
  } else if (!by_ourselves(c)) {
    st = tern__tcp_open(c->mem, host, port, timeout, &c->tcp);
  } else {
    st = tern__tcp_open_literal(c->mem, host, port, timeout, &c->tcp);
    if (st == TERN_E_AGAIN) return look_up(c, host, port);
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
  c->dial->nap = c->dial->due = TERN_NEVER;
  c->dial->timeout = timeout;
  st = open_tcp(c);
  if (st != TERN_OK && st != TERN_E_AGAIN) {
    tern__conn_drop(c);
    return st;
  }
  if (c->local) tern__tcp_set_local(c->tcp, c->local);
  tern__tcp_set_tried(c->tcp, c->pair && !c->pair->over ? &c->pair->tried : c->tried);
  if (c->blocking && (timeout == 0 || timeout >= TERN__SLICE))
    tern__tcp_set_slice(c->tcp, TERN__SLICE);
  c->state = TERN__DIALLING;
  return TERN_OK;
}

/* ---- the proxy ---------------------------------------------------------------------------------------*/
/* c->error for what became of the handshake, as "proxy 127.0.0.1 port 1080: what". */
static tern_status fail_proxy(tern_client *c, tern_status status, const char *what)
{
  char text[400];

  snprintf(text, sizeof text, "proxy %.100s: %.200s", tern__tcp_peer(c->tcp), what);
  tern__conn_fail(c, status, TERN_PHASE_CONNECT, text);
  return status;
}

static tern_status begin_proxy(tern_client *c)
{
  const tern__url *proxy = &c->proxy;
  tern_status st = tern__proxy_new(c->mem, proxy->proxy, c->url.host, tern__url_port(&c->url, c->mode),
                                   proxy->user, proxy->password, &c->dial->proxy);

  return st == TERN_E_AGAIN ? st : fail_proxy(c, st, tern_status_text(st));
}

/* Writes and reads what can be without waiting. */
static tern_status move_proxy(tern_client *c)
{
  const tern_transport *tcp = tern__tcp_transport();
  tern__proxy *p = c->dial->proxy;
  tern_status st = TERN_E_AGAIN, moved = TERN_OK;
  uint8_t in[TERN__PROXY_NEED];

  while (st == TERN_E_AGAIN && moved == TERN_OK) {
    size_t len = 0, n = 0;
    const uint8_t *out = tern__proxy_out(p, &len);

    c->dial->writing = out != NULL;
    if (out) {
      moved = tcp->write(c->tcp, out, len, &n);
      if (moved == TERN_OK) tern__proxy_sent(p, n);
    } else {
      len = tern__proxy_need(p);
      moved = tcp->read(c->tcp, in, len < sizeof in ? len : sizeof in, &n);
      if (moved == TERN_OK) st = tern__proxy_in(p, in, n);
    }
  }
  if (st == TERN_E_AGAIN && moved != TERN_E_AGAIN) st = tern__proxy_closed(p);
  return st;
}

static tern_status step_proxy(tern_client *c, uint64_t now)
{
  tern_status st = move_proxy(c);

  if (st == TERN_OK) return st;
  if (st != TERN_E_AGAIN) return fail_proxy(c, st, tern__proxy_detail(c->dial->proxy));
  return now < c->dial->due ? st : fail_proxy(c, TERN_E_TIMEOUT, "it does not answer in time");
}

/* ---- steps -------------------------------------------------------------------------------------------*/
/* Notes what is waited for. */
static void gather(tern_client *c, uint64_t now)
{
  tern__dial *d = c->dial;

  tern__gather_begin(&d->gather);
#ifndef TERN_NO_RESOLVE
  if (d->lookup) tern__lookup_gather(d->lookup, &d->gather);
#endif
  if (d->proxy)
    tern__gather_add(&d->gather, tern__tcp_handle(c->tcp), d->writing ? TERN_WRITE : TERN_READ);
  else if (d->fed)
    tern__gather_add(&d->gather, tern__tcp_handle(c->tcp), tern__tcp_events(c->tcp));
  tern__gather_end(&d->gather);
  d->nap = d->gather.blind ? now + TERN__GATHER_NAP : TERN_NEVER;
}

/* Which of the two it was. */
static void end_race(tern__pair *pair)
{
  uint32_t i;

  for (i = 0; i < pair->tried.count; i++)
    if (pair->tried.list[i].result == TERN__TRIED_CONNECTED)
      pair->other_won = tern__sockaddr_same(&pair->tried.list[i].address, &pair->other) != 0;
  pair->over = 1;
}

/* The race, once there is an address: its time begins with that. */
static tern_status connect_tcp(tern_client *c, uint64_t now)
{
  tern__dial *d = c->dial;
  tern_status st;

  if (!d->fed) return TERN_E_AGAIN;
  if (d->due == TERN_NEVER && d->timeout) d->due = now + d->timeout;
  st = tern__tcp_connect_step(c->tcp, now);
  if (st != TERN_E_AGAIN && c->pair && !c->pair->over) end_race(c->pair);
  if (st != TERN_OK && st != TERN_E_AGAIN)
    tern__conn_fail(c, st, TERN_PHASE_CONNECT, tern__tcp_detail(c->tcp));
  if (st != TERN_OK) return st;
#ifndef TERN_NO_RESOLVE
  end_lookup(c);
#endif
  return has_proxy(c) ? begin_proxy(c) : TERN_OK;
}

tern_status tern__dial_step(tern_client *c)
{
  uint64_t now = tern__host_now();
  tern_status st;

#ifndef TERN_NO_RESOLVE
  if (c->dial->lookup) {
    st = feed(c, tern__lookup_step(c->dial->lookup, now));
    if (st != TERN_OK && st != TERN_E_AGAIN) return st;
  }
#endif
  st = c->dial->proxy ? TERN_E_AGAIN : connect_tcp(c, now);
  if (st == TERN_E_AGAIN && c->dial->proxy) st = step_proxy(c, now);
  if (st == TERN_E_AGAIN) gather(c, now);
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
  due = c->dial->proxy ? c->dial->due : c->dial->fed ? tern__tcp_deadline(c->tcp) : TERN_NEVER;
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
  tern__proxy_free(c->dial->proxy);
  tern__gather_close(&c->dial->gather);
  tern__free(c->mem, c->dial, sizeof *c->dial);
  c->dial = NULL;
}
