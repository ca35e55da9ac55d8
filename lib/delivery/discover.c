/* discover.c - where mail of an address is to be submitted: the table of providers, then SRV records
 * (RFC 6186, RFC 8314 section 5.1): implicit TLS first, by priority, among equals by weight.
 *
 * Neighbours: providers.def is the table. Limits: blocking; domains that a large provider hosts under
 * another name are found by their SRV records alone. */
#include "delivery/discover.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "client/client.h"
#include "delivery/route.h"
#include "delivery/texts.h"
#include "resolve/query.h"

#define ENDPOINTS_MAX 16u

struct tern_discovery {
  const tern_allocator *mem;
  tern__texts texts;
  uint32_t count;
  tern_endpoint list[ENDPOINTS_MAX];
};

/* ---- the table -----------------------------------------------------------------------------------*/
typedef struct provider {
  const char *domains;
  const char *host;
  uint32_t port;
  uint32_t tls;
  const char *mechanisms;
  uint32_t flags;
  const char *note;
} provider;

#define PROVIDER(domains, host, port, tls, mechanisms, flags, note) \
  {domains, host, port, TERN_TLS_##tls, mechanisms, flags, note},
static const provider providers[] = {
#include "delivery/providers.def"
};

/* Whether domain stands in the list, or lies below one that begins with a dot. */
static int listed(const char *list, const char *domain)
{
  size_t len, n = strlen(domain);

  for (list++; *list; list += len + 1) {
    len = strcspn(list, " ");
    if (*list == '.' ? n > len && !memcmp(domain + n - len, list, len)
                     : n == len && !memcmp(domain, list, len))
      return 1;
  }
  return 0;
}

int tern__provider(const char *domain, uint32_t index, tern_endpoint *out)
{
  const provider *p = providers, *end = providers + sizeof providers / sizeof providers[0];

  for (; p < end; p++)
    if (listed(p->domains, domain) && !index--) break;
  if (p == end) return 0;
  memset(out, 0, sizeof *out);
  out->size = sizeof *out;
  out->url = "";
  out->host = p->host;
  out->port = p->port;
  out->tls = p->tls;
  out->source = TERN_DISCOVERED_PROVIDER;
  out->flags = p->flags;
  out->mechanisms = p->mechanisms;
  out->note = p->note;
  return 1;
}

int tern__within(const char *host, const char *domain)
{
  size_t h = strlen(host), d = strlen(domain);

  if (h == d) return !strcmp(host, domain);
  return h > d && host[h - d - 1] == '.' && !strcmp(host + h - d, domain);
}

/* ---- the list ------------------------------------------------------------------------------------*/
static tern_status add(tern_discovery *d, const tern_endpoint *e)
{
  char url[TERN__DOMAIN_MAX + 32];
  tern_endpoint *to = &d->list[d->count];

  if (d->count == ENDPOINTS_MAX) return TERN_OK;
  snprintf(url, sizeof url, "%s://%s:%lu", e->tls == TERN_TLS_IMPLICIT ? "smtps" : "smtp", e->host,
           (unsigned long)e->port);
  *to = *e;
  to->url = tern__texts_copy(&d->texts, url);
  to->host = tern__texts_copy(&d->texts, e->host);
  if (!to->url || !to->host) return TERN_E_NOMEM;
  d->count++;
  return TERN_OK;
}

/* ---- SRV -----------------------------------------------------------------------------------------*/
static tern_status draw(uint32_t below, uint32_t *out)
{
  uint8_t o[4];

  if (tern__host_random(NULL, o, sizeof o) != TERN_OK) return TERN_E_RANDOM;
  *out = ((uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3]) % below;
  return TERN_OK;
}

/* The next record not taken yet: of the lowest priority, by chance in proportion to weights (RFC 2782). */
static tern_status pick(const tern__dns_answer *a, const uint8_t *taken, size_t *out)
{
  uint32_t best = UINT32_MAX, sum = 0, at;
  size_t i, last = SIZE_MAX;

  for (i = 0; i < a->count; i++)
    if (!taken[i] && a->records[i].preference < best) best = a->records[i].preference;
  for (i = 0; i < a->count; i++)
    if (!taken[i] && a->records[i].preference == best) sum += a->records[i].weight + 1u;
  if (!sum) return TERN_E_HOST;
  if (draw(sum, &at) != TERN_OK) return TERN_E_RANDOM;
  for (i = 0; i < a->count; i++) {
    if (taken[i] || a->records[i].preference != best) continue;
    last = i;
    if (at < a->records[i].weight + 1u) break;
    at -= a->records[i].weight + 1u;
  }
  *out = i < a->count ? i : last;
  return TERN_OK;
}

static tern_status take_records(tern_discovery *d, const tern__dns_answer *a, const char *domain,
                                uint32_t tls)
{
  uint8_t taken[TERN__DNS_RECORDS];
  char host[TERN__DOMAIN_MAX];
  tern_endpoint e;
  size_t i = 0;
  tern_status st;

  memset(taken, 0, sizeof taken);
  memset(&e, 0, sizeof e);
  e.size = sizeof e;
  e.tls = tls;
  e.source = TERN_DISCOVERED_SRV;
  e.mechanisms = e.note = "";
  while ((st = pick(a, taken, &i)) == TERN_OK) {
    const tern__dns_record *r = &a->records[i];
    taken[i] = 1;
    /* "." says that the service is not there (RFC 2782, RFC 6186 3.4) */
    if (!strcmp(r->name, ".") || !r->port || tern__domain_fold(r->name, host) != TERN_OK) continue;
    e.host = host;
    e.port = r->port;
    e.flags = !a->secure && !tern__within(host, domain) ? TERN_DISCOVERED_FOREIGN : 0;
    st = add(d, &e);
    if (st != TERN_OK) return st;
  }
  return st == TERN_E_HOST ? TERN_OK : st;
}

/* *failed becomes the status of a look-up that failed for now. */
static tern_status ask_srv(tern_discovery *d, tern_resolver *resolver, const char *service,
                           const char *domain, uint64_t deadline, uint32_t tls, tern_status *failed)
{
  char name[TERN__DOMAIN_MAX + 32];
  tern__dns_query *q = NULL;
  tern_status st;

  snprintf(name, sizeof name, "%s%s", service, domain);
  (void)tern__dns_query_open(resolver, d->mem, name, TERN__DNS_SRV, tern__host_now(), deadline, &q);
  if (!q) return TERN_E_NOMEM;
  st = tern__dns_query_run(q);
  if (st == TERN_OK)
    st = take_records(d, tern__dns_query_answer(q), domain, tls);
  else if (st == TERN_E_RESOLVE)
    *failed = st;
  tern__dns_query_free(q);
  return st == TERN_E_HOST || st == TERN_E_RESOLVE ? TERN_OK : st;
}

static tern_status ask_all(tern_discovery *d, tern_resolver *resolver, const char *domain,
                           uint32_t timeout)
{
  tern_resolver *own = resolver ? NULL : tern_resolver_new(d->mem);
  tern_resolver *use = resolver ? resolver : own;
  uint64_t deadline = timeout ? tern__host_now() + timeout : TERN_NEVER;
  tern_status failed = TERN_E_HOST, st;

  if (!use) return TERN_E_NOMEM;
  st = ask_srv(d, use, "_submissions._tcp.", domain, deadline, TERN_TLS_IMPLICIT, &failed);
  if (st == TERN_OK)
    st = ask_srv(d, use, "_submission._tcp.", domain, deadline, TERN_TLS_REQUIRED, &failed);
  tern_resolver_free(own);
  return st == TERN_OK && !d->count ? failed : st;
}

/* ---- public --------------------------------------------------------------------------------------*/
tern_status tern_discover(const tern_allocator *mem, tern_resolver *resolver, const char *address,
                          uint32_t timeout, tern_discovery **out)
{
  const char *at = address ? strrchr(address, '@') : NULL;
  char domain[TERN__DOMAIN_MAX];
  tern_discovery *d;
  tern_endpoint e;
  uint32_t i;
  tern_status st;

  if (!out) return TERN_E_ARGUMENT;
  *out = NULL;
  if (!address || (at && at[1] == '[')) return TERN_E_ADDRESS;
  st = tern__domain_fold(at ? at + 1 : address, domain);
  if (st != TERN_OK) return st;
  d = tern__alloc(mem, sizeof *d);
  if (!d) return TERN_E_NOMEM;
  d->mem = d->texts.mem = mem;
  for (i = 0; st == TERN_OK && tern__provider(domain, i, &e); i++) st = add(d, &e);
  if (st == TERN_OK && !d->count) st = ask_all(d, resolver, domain, timeout);
  if (st == TERN_OK)
    *out = d;
  else
    tern_discovery_free(d);
  return st;
}

uint32_t tern_discovery_count(const tern_discovery *d)
{
  return d ? d->count : 0;
}

tern_status tern_discovery_get(const tern_discovery *d, uint32_t index, tern_endpoint *out)
{
  size_t size = out ? out->size : 0;

  if (!d || index >= d->count || size < offsetof(tern_endpoint, source)) return TERN_E_ARGUMENT;
  if (size > sizeof *out) size = sizeof *out;
  memcpy(out, &d->list[index], size);
  out->size = size;
  return TERN_OK;
}

/* Whether the network alone kept the client from its session. */
static int by_network(const tern_error *e)
{
  switch (tern_error_status(e)) {
    case TERN_E_HOST:
    case TERN_E_RESOLVE:
    case TERN_E_CONNECT:
    case TERN_E_TIMEOUT:
    case TERN_E_CLOSED:
    case TERN_E_IO: return tern_error_phase(e) <= TERN_PHASE_GREETING;
    default: return 0;
  }
}

tern_status tern_discovery_connect(const tern_discovery *d, tern_client *c, uint32_t foreign,
                                   uint32_t *index)
{
  tern_status st = TERN_E_HOST;
  uint32_t i;

  if (!c) return TERN_E_NOMEM;
  if (!d) return TERN_E_ARGUMENT;
  if (!c->blocking) return TERN_E_STATE;
  for (i = 0; i < d->count; i++) {
    if ((d->list[i].flags & TERN_DISCOVERED_FOREIGN) && !foreign) continue;
    if (index) *index = i;
    st = tern_client_connect(c, d->list[i].url);
    if (st == TERN_OK || !by_network(tern_client_error(c))) break;
  }
  return st;
}

void tern_discovery_free(tern_discovery *d)
{
  if (!d) return;
  tern__texts_free(&d->texts);
  tern__free(d->mem, d, sizeof *d);
}
