/* host.c - what a host with POSIX gives: monotonic time, randomness, the host's name, poll().
 * (host builds only) Neighbours: transport.c falls back to it; the client asks it for the EHLO
 * name and SCRAM's nonce, lib/resolve for its ids. Limits: the host name is what gethostname()
 * says; no name service is asked, since that can hang for many seconds before the first octet is
 * sent. */
#define _DEFAULT_SOURCE /* getentropy */
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "base/host.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "base/ascii.h"

#define NAP 20u /* ms */

uint64_t tern__host_now(void)
{
  struct timespec t;

  if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
  return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

tern_status tern__host_random(void *user, uint8_t *out, size_t len)
{
  (void)user;
  while (len > 0) {
    size_t part = len < 256 ? len : 256; /* the most that getentropy gives at once */

    if (getentropy(out, part) != 0) {
      if (errno == EINTR) continue;
      return TERN_E_RANDOM;
    }
    out += part;
    len -= part;
  }
  return TERN_OK;
}

/* Whether the name ends in the label (with its dot), ASCII case ignored. */
static int ends_in(const char *name, size_t len, const char *label)
{
  size_t n = strlen(label);

  return len >= n && tern__same(name + len - n, n, label);
}

int tern__host_name_usable(const char *name, size_t len)
{
  static const char *const local[] = {".local", ".localdomain", ".localhost", ".invalid"};
  size_t i, label = 0, dots = 0;
  int number = 1; /* so far the label is digits only */

  if (len == 0 || len > 253) return 0;
  for (i = 0; i <= len; i++) {
    if (i == len || name[i] == '.') {
      if (i == label || i - label > 63 || name[label] == '-' || name[i - 1] == '-') return 0;
      if (i == len) break;
      dots++;
      label = i + 1;
      number = 1;
    } else if (tern__is_alpha((uint8_t)name[i]) || name[i] == '-') {
      number = 0;
    } else if (!tern__is_digit((uint8_t)name[i])) {
      return 0;
    }
  }
  for (i = 0; i < sizeof local / sizeof *local; i++)
    if (ends_in(name, len, local[i])) return 0;
  /* "localhost.localdomain" ends so too; an IP address is no domain */
  return dots > 0 && !number && !(len > 10 && tern__same(name, 10, "localhost."));
}

size_t tern__host_name(char *out, size_t cap)
{
  char name[257];
  size_t len;

  if (cap == 0) return 0;
  out[0] = 0;
  if (gethostname(name, sizeof name - 1) != 0) return 0;
  name[sizeof name - 1] = 0; /* POSIX leaves a name that was cut without its NUL */
  len = strlen(name);
  if (len >= cap || !tern__host_name_usable(name, len)) return 0;
  memcpy(out, name, len + 1);
  return len;
}

void tern__host_wait(int32_t handle, uint32_t events, uint32_t timeout)
{
  struct pollfd p;
  int ms = timeout > 0x7fffffffu ? 0x7fffffff : (int)timeout;

  if (handle < 0) {
    (void)poll(NULL, 0, ms < (int)NAP ? ms : (int)NAP);
    return;
  }
  p.fd = handle;
  p.events = 0;
  if ((events & TERN_READ) != 0) p.events = (short)(p.events | POLLIN);
  if ((events & TERN_WRITE) != 0) p.events = (short)(p.events | POLLOUT);
  p.revents = 0;
  (void)poll(&p, 1, ms);
}
