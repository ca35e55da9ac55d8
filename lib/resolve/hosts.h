/* hosts.h - the hosts file: names that need no question. */
#ifndef TERN_LIB_RESOLVE_HOSTS_H
#define TERN_LIB_RESOLVE_HOSTS_H

#include <stddef.h>

#include "base/socket.h"

#define TERN__HOSTS_FILE "/etc/hosts"

/* Reads path (NULL: TERN__HOSTS_FILE, "": none) and writes up to cap addresses of host, with this port,
 * in the order of the lines. Returns how many; 0 too where the file cannot be read. */
size_t tern__hosts_find(const char *path, const char *host, uint32_t port, tern__sockaddr *out,
                        size_t cap);
/* One line of such a file, len octets without its end: 1 and *out where it gives host an address. */
int tern__hosts_line(const char *line, size_t len, const char *host, uint32_t port,
                     tern__sockaddr *out);

#endif
