/* socket.c - sockets that do not block. (host builds only)
 * Neighbours: tcp.c and lib/resolve. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

int tern__socket(int family, int type)
{
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
  return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
  int fd = socket(family, type, 0), e, one = 1;

  if (fd < 0) return -1;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    e = errno;
    (void)close(fd);
    errno = e;
    return -1;
  }
#ifdef SO_NOSIGPIPE
  (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
#else
  (void)one;
#endif
  return fd;
#endif
}

int tern__socket_connected(int fd, int *error)
{
  struct pollfd p;
  socklen_t size = sizeof *error;

  p.fd = fd;
  p.events = POLLOUT;
  p.revents = 0;
  if (poll(&p, 1, 0) <= 0) return 0;
  *error = 0;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &size) != 0) *error = errno;
  return *error == 0 ? 1 : -1;
}
