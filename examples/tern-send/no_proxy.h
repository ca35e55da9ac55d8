/* no_proxy.h - NO_PROXY: which servers are reached without the environment's proxy. */
#ifndef TERN_SEND_NO_PROXY_H
#define TERN_SEND_NO_PROXY_H

/* Whether the list has the server of an URL. The list's items, with commas or blanks between: "*"; a name, which
 * stands for what is below it too, with a dot or "*." before it or not; an address; a network, "10.0.0.0/8" or
 * "2001:db8::/32"; behind each, but for a network, ":port" if wanted. An item that is none of these has nobody. */
int no_proxy(const char *list, const char *url);

#endif
