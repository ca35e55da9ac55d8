/* socket.c - sockets that do not block, and the addresses that they take. (host builds only)
 * Neighbours: tcp.c and lib/resolve. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "base/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* The zone of a link-local address: an interface's name or its number. 0: neither. */
static uint32_t scope(const char *text)
{
  uint32_t number = 0;
  size_t i;

  for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 9; i++)
    number = number * 10 + (uint32_t)(text[i] - '0');
  return i > 0 && text[i] == 0 ? number : (uint32_t)if_nametoindex(text);
}

int tern__sockaddr_literal(const char *host, uint32_t port, tern__sockaddr *address)
{
  char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 2];
  size_t len = strlen(host);
  char *zone;

  memset(address, 0, sizeof *address);
  address->v4.sin_port = htons((uint16_t)port);
  if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
    address->v4.sin_family = AF_INET;
    return 1;
  }
  memset(address, 0, sizeof *address);
  address->v6.sin6_port = htons((uint16_t)port);
  if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
    host++;
    len -= 2;
  }
  if (len >= sizeof copy) return 0;
  memcpy(copy, host, len);
  copy[len] = 0;
  zone = strchr(copy, '%');
  if (zone != NULL) {
    *zone++ = 0;
    address->v6.sin6_scope_id = scope(zone);
    if (address->v6.sin6_scope_id == 0) return 0;
  }
  if (inet_pton(AF_INET6, copy, &address->v6.sin6_addr) != 1) return 0;
  address->v6.sin6_family = AF_INET6;
  return 1;
}

socklen_t tern__sockaddr_length(const tern__sockaddr *address)
{
  return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

void tern__sockaddr_name(const tern__sockaddr *address, char *out, size_t cap)
{
  char text[INET6_ADDRSTRLEN] = "";

  if (address->any.sa_family == AF_INET6) {
    (void)inet_ntop(AF_INET6, &address->v6.sin6_addr, text, sizeof text);
    (void)snprintf(out, cap, "[%s] port %u", text, (unsigned)ntohs(address->v6.sin6_port));
  } else {
    (void)inet_ntop(AF_INET, &address->v4.sin_addr, text, sizeof text);
    (void)snprintf(out, cap, "%s port %u", text, (unsigned)ntohs(address->v4.sin_port));
  }
}

int tern__sockaddr_is_loopback(const tern__sockaddr *address)
{
  static const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

  if (address->any.sa_family == AF_INET6)
    return memcmp(&address->v6.sin6_addr, one, sizeof one) == 0;
  return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
}

int tern__sockaddr_same(const tern__sockaddr *a, const tern__sockaddr *b)
{
  if (a->any.sa_family != b->any.sa_family) return 0;
  if (a->any.sa_family == AF_INET)
    return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
  return a->v6.sin6_port == b->v6.sin6_port && a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
         memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

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

#if defined(__linux__) && defined(MSG_DONTWAIT)
static int set_slice(int fd, uint32_t ms)
{
  struct timeval t;

  t.tv_sec = (time_t)(ms / 1000);
  t.tv_usec = (suseconds_t)(ms % 1000 * 1000);
  return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0 &&
         setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0;
}

int tern__socket_sliced(int family, uint32_t ms)
{
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd >= 0 && !set_slice(fd, ms)) {
    (void)close(fd);
    return -1;
  }
  return fd;
}

int tern__socket_slice(int fd, uint32_t ms)
{
  return set_slice(fd, ms) && fcntl(fd, F_SETFL, 0) == 0;
}
#else
int tern__socket_sliced(int family, uint32_t ms)
{
  (void)family, (void)ms;
  return -1;
}

int tern__socket_slice(int fd, uint32_t ms)
{
  (void)fd, (void)ms;
  return 0;
}
#endif

int tern__socket_connected(int fd, int *error)
{
  struct pollfd p;
  socklen_t size = sizeof *error;

  p.fd = fd;
  p.events = POLLOUT;
  p.revents = 0;
  if (poll(&p, 1, 0) <= 0) return 0;
  *error = 0;
  if (p.revents == POLLOUT) return 1; /* a failure shows as POLLERR or POLLHUP */
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &size) != 0) *error = errno;
  return *error == 0 ? 1 : -1;
}
