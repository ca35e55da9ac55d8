/* socket.h - sockets that do not block. (host builds only) */
#ifndef TERN_LIB_BASE_SOCKET_H
#define TERN_LIB_BASE_SOCKET_H

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#ifdef MSG_NOSIGNAL
#define TERN__NO_SIGNAL MSG_NOSIGNAL /* flag of each send */
#else
#define TERN__NO_SIGNAL 0 /* there SO_NOSIGPIPE does it */
#endif

typedef union tern__address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} tern__address;

/* Reads an IPv4 or IPv6 address, the latter with or without [] and %scope, into *address with this
 * port. 0: host is neither. */
int tern__address_literal(const char *host, uint32_t port, tern__address *address);
/* sizeof the sockaddr that it is. */
socklen_t tern__address_length(const tern__address *address);
/* "127.0.0.1 port 53" or "[::1] port 53", ended by NUL, cut to cap (at least 1). */
void tern__address_name(const tern__address *address, char *out, size_t cap);
/* Whether it is in 127.0.0.0/8, or ::1. */
int tern__address_is_loopback(const tern__address *address);
int tern__address_same(const tern__address *a, const tern__address *b);

/* A non-blocking, close-on-exec socket of SOCK_STREAM or SOCK_DGRAM, or -1 with errno. */
int tern__socket(int family, int type);
/* What became of connect(): 1: the connection stands; 0: not yet; -1: failed with *error. */
int tern__socket_connected(int fd, int *error);

#endif
