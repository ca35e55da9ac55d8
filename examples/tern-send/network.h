/* network.h - the way to the server: proxy, local address, interface, name servers. */
#ifndef TERN_SEND_NETWORK_H
#define TERN_SEND_NETWORK_H

#include <tern/tern.h>

#include "options.h"

/* --proxy, --proxy-env: a copy of the URL in o->proxy, its password overwritten in argv. -1: problem says
 * what is wrong. */
int network_take_proxy(options *o, char *url);
int network_take_proxy_env(options *o);
/* Tells the client, and makes the resolver that --resolver names, to be freed after the client. TERN_OK, or
 * what is wrong, in words in problem (300 octets). */
tern_status network_set_up(const options *o, tern_client *client, tern_resolver **resolver, char *problem);

#endif
