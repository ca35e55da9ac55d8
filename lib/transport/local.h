/* local.h - where a connection is to leave from: addresses of this host, an interface. Absent with
 * TERN_NO_SOCKETS. */
#ifndef TERN_LIB_TRANSPORT_LOCAL_H
#define TERN_LIB_TRANSPORT_LOCAL_H

#include <tern/base.h>

#include "base/socket.h"

#define TERN__LOCAL_DEVICE 16u /* of an interface's name with its NUL, as everywhere */

typedef struct tern__local {
  tern__sockaddr v4; /* family 0: none was given */
  tern__sockaddr v6;
  char device[TERN__LOCAL_DEVICE];
  uint8_t given;
} tern__local;

/* Reads up to one address of each family, separated by blanks, and the name of an interface; either may be
 * NULL. TERN_OK; TERN_E_ARGUMENT: not such; TERN_E_UNSUPPORTED: no interface can be chosen on this system.
 * *local is changed only with TERN_OK. */
tern_status tern__local_read(tern__local *local, const char *addresses, const char *device);
/* Ties a fresh socket of that family to it. 0, or errno; EAFNOSUPPORT: addresses of the other family alone
 * were given. */
int tern__local_apply(const tern__local *local, int fd, int family);

#endif
