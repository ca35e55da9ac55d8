/* resolver.c - the settings of a resolver: the caller's over the host's.
 * Neighbours: query.c copies the servers when it begins, lookup.c reads the search list and the
 * hosts file's name. Limits: the host's settings are read by res_ninit (resolv.conf, LOCALDOMAIN,
 * RES_OPTIONS) and kept for five seconds; nsswitch.conf is not looked at. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "resolve/resolver.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>

#include "base/mem.h"

#define KEPT 5000u     /* ms that the host's settings are kept */
#define TIMEOUT 5000u  /* where the host says nothing */
#define TRIES 2u
#define TRIES_MAX 16u
#define PORT 53u

tern_resolver *tern_resolver_new(const tern_allocator *mem)
{
  tern_resolver *r = tern__alloc(mem, sizeof *r);

  if (r == NULL) return NULL;
  r->mem = mem;
  r->read_at = TERN_NEVER;
  r->servers.trusted = TERN_TRUST_LOOPBACK;
  return r;
}

void tern_resolver_free(tern_resolver *r)
{
  if (r == NULL) return;
  tern__free_string(r->mem, r->hosts);
  tern__free(r->mem, r, sizeof *r);
}

/* ---- addresses --------------------------------------------------------------------------------*/

/* A port of 1 to 5 digits in text; 0: none. */
static uint32_t read_port(const char *text)
{
  uint32_t port = 0;
  size_t i;

  for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 5; i++)
    port = port * 10 + (uint32_t)(text[i] - '0');
  return text[i] == 0 && port <= 65535 ? port : 0;
}

/* One server of the list, text of len octets. 0: not an address. */
static int read_server(const char *text, size_t len, tern__sockaddr *server)
{
  char copy[INET6_ADDRSTRLEN + 9], *host = copy, *colon;
  uint32_t port = PORT;

  if (len == 0 || len >= sizeof copy) return 0;
  memcpy(copy, text, len);
  copy[len] = 0;
  colon = strchr(copy, ':');
  if (copy[0] == '[') {
    host = copy + 1;
    colon = strchr(copy, ']');
    if (colon == NULL || (colon[1] != 0 && colon[1] != ':')) return 0;
    *colon = 0;
    colon = colon[1] == ':' ? colon + 1 : NULL;
  } else if (colon != NULL && strchr(colon + 1, ':') != NULL) {
    colon = NULL; /* an IPv6 address without brackets has no port */
  }
  if (colon != NULL) {
    *colon = 0;
    port = read_port(colon + 1);
    if (port == 0) return 0;
  }
  if (!tern__sockaddr_literal(host, port, server)) return 0;
  return host == copy || server->any.sa_family == AF_INET6; /* brackets are for IPv6 */
}

int tern__server_trusted(const tern__sockaddr *server, uint32_t trusted)
{
  if (trusted != TERN_TRUST_LOOPBACK) return trusted == TERN_TRUST_ALL;
  return tern__sockaddr_is_loopback(server);
}

/* ---- the caller's settings --------------------------------------------------------------------*/

tern_status tern_resolver_set_server(tern_resolver *r, const char *servers)
{
  tern__sockaddr list[TERN_RESOLVER_SERVERS];
  uint32_t count = 0;

  if (r == NULL) return TERN_E_NOMEM;
  if (servers == NULL) {
    r->own = 0;
    r->read_at = TERN_NEVER;
    return TERN_OK;
  }
  for (;;) {
    size_t len;

    servers += strspn(servers, " ");
    len = strcspn(servers, " ");
    if (len == 0) break;
    if (count == TERN_RESOLVER_SERVERS || !read_server(servers, len, &list[count]))
      return TERN_E_ARGUMENT;
    count++;
    servers += len;
  }
  if (count == 0) return TERN_E_ARGUMENT;
  memcpy(r->servers.list, list, count * sizeof *list);
  r->servers.count = count;
  r->own = 1;
  r->read_at = TERN_NEVER;
  return TERN_OK;
}

tern_status tern_resolver_set_trusted(tern_resolver *r, uint32_t whom)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (whom > TERN_TRUST_ALL) return TERN_E_ARGUMENT;
  r->servers.trusted = whom;
  return TERN_OK;
}

tern_status tern_resolver_set_timeout(tern_resolver *r, uint32_t ms)
{
  if (r == NULL) return TERN_E_NOMEM;
  r->timeout = ms;
  r->read_at = TERN_NEVER;
  return TERN_OK;
}

tern_status tern_resolver_set_tries(tern_resolver *r, uint32_t tries)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (tries > TRIES_MAX) return TERN_E_ARGUMENT;
  r->tries = tries;
  r->read_at = TERN_NEVER;
  return TERN_OK;
}

tern_status tern_resolver_set_hosts(tern_resolver *r, const char *path)
{
  char *copy = NULL;

  if (r == NULL) return TERN_E_NOMEM;
  if (path != NULL) {
    copy = tern__copy_string(r->mem, path);
    if (copy == NULL) return TERN_E_NOMEM;
  }
  tern__free_string(r->mem, r->hosts);
  r->hosts = copy;
  return TERN_OK;
}

/* ---- the host's -------------------------------------------------------------------------------*/

/* The host's server i. 0: there is none at this place. */
static int host_server(const struct __res_state *host, int i, tern__sockaddr *server)
{
  memset(server, 0, sizeof *server);
#if defined(__GLIBC__)
  if (host->nsaddr_list[i].sin_family == 0) { /* glibc keeps IPv6 ones apart */
    const struct sockaddr_in6 *six = host->_u._ext.nsaddrs[i];

    if (six == NULL || six->sin6_family != AF_INET6) return 0;
    server->v6 = *six;
    return 1;
  }
#endif
  if (host->nsaddr_list[i].sin_family != AF_INET) return 0;
  server->v4 = host->nsaddr_list[i];
  return 1;
}

static void take_host(tern_resolver *r, struct __res_state *host)
{
  size_t len;
  int i;

  r->servers.tcp = (host->options & RES_USEVC) != 0;
  if (r->timeout == 0 && host->retrans > 0) r->servers.timeout = (uint32_t)host->retrans * 1000u;
  if (r->tries == 0 && host->retry > 0) r->servers.tries = (uint32_t)host->retry;
  if (r->servers.tries > TRIES_MAX) r->servers.tries = TRIES_MAX;
  r->ndots = host->ndots;
  for (i = 0; i < MAXDNSRCH && host->dnsrch[i] != NULL && r->search_count < TERN__SEARCH_MAX; i++) {
    len = strlen(host->dnsrch[i]);
    if (len == 0 || len >= sizeof *r->search) continue;
    memcpy(r->search[r->search_count++], host->dnsrch[i], len + 1);
  }
  if (r->own) return;
  r->servers.count = 0;
  for (i = 0; i < host->nscount && i < MAXNS && r->servers.count < TERN_RESOLVER_SERVERS; i++)
    r->servers.count += (uint32_t)host_server(host, i, &r->servers.list[r->servers.count]);
}

tern_status tern__resolver_refresh(tern_resolver *r, uint64_t now)
{
  struct __res_state host;

  if (r == NULL) return TERN_E_NOMEM;
  if (r->read_at != TERN_NEVER && now >= r->read_at && now - r->read_at < KEPT)
    return r->servers.count > 0 ? TERN_OK : TERN_E_RESOLVE;
  r->servers.timeout = r->timeout != 0 ? r->timeout : TIMEOUT;
  r->servers.tries = r->tries != 0 ? r->tries : TRIES;
  r->ndots = 1;
  r->search_count = 0;
  if (!r->own) r->servers.count = 0;
  memset(&host, 0, sizeof host);
  if (res_ninit(&host) == 0) {
    take_host(r, &host);
    res_nclose(&host);
  }
  r->read_at = now;
  return r->servers.count > 0 ? TERN_OK : TERN_E_RESOLVE;
}
