/* network.c - the way to the server: proxy, local address, interface, name servers. */
#include "network.h"

#include "no_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong(options *o, const char *what)
{
  snprintf(o->problem, sizeof o->problem, "%s", what);
  return -1;
}

int network_take_proxy(options *o, char *url)
{
  size_t size = strlen(url) + 1;
  char *at, *colon, *authority;

  o->proxy = malloc(size);
  if (!o->proxy) return wrong(o, "no memory");
  memcpy(o->proxy, url, size);
  authority = strstr(url, "://");
  if (!authority) return 0;
  authority += 3;
  at = authority + strcspn(authority, "@/?");
  colon = authority + strcspn(authority, ":@/?");
  if (*at != '@' || colon >= at) return 0;
  memset(colon + 1, '*', (size_t)(at - colon - 1)); /* others can see it as long as it stands in argv */
  o->proxy_password = 1;
  return 0;
}

int network_take_proxy_env(options *o)
{
  char *url = getenv("ALL_PROXY");

  if (!url || !url[0]) url = getenv("all_proxy");
  if (!url || !url[0]) return wrong(o, "--proxy-env: ALL_PROXY is not set");
  if (network_take_proxy(o, url)) return -1;
  o->proxy_password = 0; /* nobody else sees the environment */
  return 0;
}

/* "--proxy: words" of the setting that the client refused. */
static tern_status refused(tern_status status, const char *option, char *problem)
{
  snprintf(problem, 300, "%s: %s", option, tern_status_text(status));
  return status;
}

/* Whether NO_PROXY has the server of the URL. */
static int bypassed(const char *server)
{
  const char *list = getenv("NO_PROXY");

  if (!list || !list[0]) list = getenv("no_proxy");
  return list && no_proxy(list, server);
}

tern_status network_set_up(const options *o, tern_client *client, tern_resolver **resolver, char *problem)
{
  tern_status st = TERN_OK;

  if (o->proxy && !(o->proxy_env && bypassed(o->server))) st = tern_client_set_proxy(client, o->proxy);
  if (st == TERN_E_UNSUPPORTED) {
    snprintf(problem, 300, "%s: not supported here: https:// (TLS to the proxy itself)", o->proxy_env ? "ALL_PROXY" : "--proxy");
    return st;
  }
  if (st != TERN_OK) {
    refused(st, o->proxy_env ? "ALL_PROXY" : "--proxy", problem);
    if (st == TERN_E_URL)
      snprintf(problem, 300, "%s: not socks5://[user:password@]host[:port] or http://[user:password@]host:port",
               o->proxy_env ? "ALL_PROXY" : "--proxy");
    return st;
  }
  if (o->local || o->interface) st = tern_client_set_local(client, o->local, o->interface);
  if (st != TERN_OK) return refused(st, o->local ? "--local" : "--interface", problem);
#ifndef TERN_NO_DIRECT
  if (!o->resolver) return TERN_OK;
  *resolver = tern_resolver_new(NULL);
  if (!*resolver) return refused(TERN_E_NOMEM, "--resolver", problem);
  if (tern_resolver_set_server(*resolver, o->resolver) != TERN_OK) {
    snprintf(problem, 300, "--resolver: not ADDR or ADDR:PORT");
    return TERN_E_ARGUMENT;
  }
  st = tern_client_set_resolver(client, *resolver);
#else
  (void)resolver;
#endif
  return st;
}
