/* socket.h - sockets that do not block. (host builds only) */
#ifndef TERN_LIB_BASE_SOCKET_H
#define TERN_LIB_BASE_SOCKET_H

#include <sys/types.h>
#include <sys/socket.h>

#ifdef MSG_NOSIGNAL
#define TERN__NO_SIGNAL MSG_NOSIGNAL /* flag of each send */
#else
#define TERN__NO_SIGNAL 0 /* there SO_NOSIGPIPE does it */
#endif

/* A non-blocking, close-on-exec socket of SOCK_STREAM or SOCK_DGRAM, or -1 with errno. */
int tern__socket(int family, int type);
/* What became of connect(): 1: the connection stands; 0: not yet; -1: failed with *error. */
int tern__socket_connected(int fd, int *error);

#endif
