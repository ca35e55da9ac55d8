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

#ifdef MSG_DONTWAIT
#define TERN__NO_WAIT MSG_DONTWAIT /* flag of each recv and send */
#else
#define TERN__NO_WAIT 0 /* there the socket itself never blocks */
#endif

typedef union tern__sockaddr {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} tern__sockaddr;

/* Reads an IPv4 or IPv6 address, the latter with or without [] and %scope, into *address with this
 * port. 0: host is neither. */
int tern__sockaddr_literal(const char *host, uint32_t port, tern__sockaddr *address);
/* sizeof the sockaddr that it is. */
socklen_t tern__sockaddr_length(const tern__sockaddr *address);
/* "127.0.0.1 port 53" or "[::1] port 53", ended by NUL, cut to cap (at least 1). */
void tern__sockaddr_name(const tern__sockaddr *address, char *out, size_t cap);
/* Whether it is in 127.0.0.0/8, or ::1. */
int tern__sockaddr_is_loopback(const tern__sockaddr *address);
int tern__sockaddr_same(const tern__sockaddr *a, const tern__sockaddr *b);

/* A non-blocking, close-on-exec socket of SOCK_STREAM or SOCK_DGRAM, or -1 with errno. */
int tern__socket(int family, int type);
/* The same for a caller that would only wait: connect and plain recv block for ms at most; recv and send
 * with TERN__NO_WAIT never do. Linux; elsewhere -1, as a connect that is given up does not go on by
 * itself. And a connected non-blocking one made so; 0: it stays as it is. */
int tern__socket_sliced(int family, uint32_t ms);
int tern__socket_slice(int fd, uint32_t ms);
/* What became of connect(): 1: the connection stands; 0: not yet; -1: failed with *error. */
int tern__socket_connected(int fd, int *error);

#endif
