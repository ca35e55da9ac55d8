/* local.c - where a connection is to leave from.
 * Neighbours: race.c ties each attempt's socket. Limits: the port is the kernel's choice; an interface can be
 * chosen on Linux and macOS, and may need a privilege there. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "transport/local.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static tern_status read_addresses(tern__local *local, const char *text)
{
  char one[64];
  size_t len;

  for (text += strspn(text, " "); *text != 0; text += len + strspn(text + len, " ")) {
    tern__sockaddr a, *to;

    len = strcspn(text, " ");
    if (len >= sizeof one) return TERN_E_ARGUMENT;
    memcpy(one, text, len);
    one[len] = 0;
    if (!tern__sockaddr_literal(one, 0, &a)) return TERN_E_ARGUMENT;
    to = a.any.sa_family == AF_INET ? &local->v4 : &local->v6;
    if (to->any.sa_family != 0) return TERN_E_ARGUMENT;
    *to = a;
    local->given = 1;
  }
  return TERN_OK;
}

static tern_status read_device(tern__local *local, const char *name)
{
  size_t i, len = strlen(name);

  if (len >= sizeof local->device) return TERN_E_ARGUMENT;
  for (i = 0; i < len; i++)
    if ((uint8_t)name[i] <= 0x20 || name[i] == '/' || name[i] == 0x7f) return TERN_E_ARGUMENT;
  memcpy(local->device, name, len + 1);
  local->given = 1;
#if defined(SO_BINDTODEVICE) || defined(IP_BOUND_IF)
  return TERN_OK;
#else
  return TERN_E_UNSUPPORTED;
#endif
}

tern_status tern__local_read(tern__local *local, const char *addresses, const char *device)
{
  tern__local fresh;
  tern_status status = TERN_OK;

  memset(&fresh, 0, sizeof fresh);
  if (addresses != NULL) status = read_addresses(&fresh, addresses);
  if (status == TERN_OK && device != NULL && device[0] != 0) status = read_device(&fresh, device);
  if (status == TERN_OK) *local = fresh;
  return status;
}

static int tie_device(const tern__local *local, int fd, int family)
{
#if defined(SO_BINDTODEVICE)
  (void)family;
  return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, local->device, (socklen_t)strlen(local->device) + 1);
#elif defined(IP_BOUND_IF)
  unsigned index = if_nametoindex(local->device);

  if (index == 0) return -1;
  return family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_BOUND_IF, &index, sizeof index)
                           : setsockopt(fd, IPPROTO_IPV6, IPV6_BOUND_IF, &index, sizeof index);
#else
  (void)local, (void)fd, (void)family;
  errno = ENOTSUP;
  return -1;
#endif
}

int tern__local_apply(const tern__local *local, int fd, int family)
{
  const tern__sockaddr *a = family == AF_INET ? &local->v4 : &local->v6;

  if (local->device[0] != 0 && tie_device(local, fd, family) != 0) return errno;
  if (a->any.sa_family == 0)
    return local->v4.any.sa_family != 0 || local->v6.any.sa_family != 0 ? EAFNOSUPPORT : 0;
#ifdef IP_BIND_ADDRESS_NO_PORT /* the port is chosen at connect: many connections share it */
  {
    int one = 1;

    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  }
#endif
  return bind(fd, &a->any, tern__sockaddr_length(a)) == 0 ? 0 : errno;
}
