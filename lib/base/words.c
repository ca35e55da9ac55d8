/* words.c - what detail lines are made of: octets of a peer made harmless, errno in words.
 * (host builds only) Neighbours: notes.c, tcp.c, identity.c, tls_mbedtls.c. Limits: English from a
 * table, since strerror() is bound to the locale and, in places, to one thread. */
#include "base/words.h"

#include <errno.h>
#include <string.h>

#include "base/ascii.h"

size_t tern__words_clean(char *out, size_t cap, const void *octets, size_t len)
{
  const unsigned char *in = octets;
  size_t i;

  for (i = 0; i < len && i + 1 < cap; i++)
    out[i] = in[i] >= 0x20 && in[i] <= 0x7e ? (char)in[i] : '?';
  out[i] = 0;
  return i;
}

void tern__words_cut(char *out, size_t cap, const char *text)
{
  size_t len = strlen(text);

  if (len >= cap) len = cap - 1;
  memcpy(out, text, len);
  out[len] = '\0';
}

const char *tern__words_errno(int code, char *number, size_t cap)
{
  static const struct {
    int code;
    const char *text;
  } table[] = {{ECONNREFUSED, "Connection refused"},
               {ETIMEDOUT, "Connection timed out"},
               {EHOSTUNREACH, "No route to host"},
               {ENETUNREACH, "Network is unreachable"},
               {ENETDOWN, "Network is down"},
               {ECONNRESET, "Connection reset by peer"},
               {ECONNABORTED, "Connection aborted"},
               {EPIPE, "Broken pipe"},
               {EACCES, "Permission denied"},
               {EPERM, "Operation not permitted"},
               {ENOENT, "No such file or directory"},
               {ENOTDIR, "Not a directory"},
               {EISDIR, "Is a directory"},
               {ELOOP, "Too many levels of symbolic links"},
               {ENAMETOOLONG, "File name too long"},
               {EIO, "Input/output error"},
               {EPROTOTYPE, "Not a stream socket"},
               {ENOTSOCK, "Not a socket"},
               {EADDRNOTAVAIL, "Cannot assign requested address"},
               {EAFNOSUPPORT, "Address family not supported"},
               {EINVAL, "Invalid argument"},
               {EMFILE, "Too many open files"},
               {ENFILE, "Too many open files in system"},
               {ENOBUFS, "No buffer space available"},
               {ENOMEM, "Cannot allocate memory"}};
  size_t i;

  for (i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].code == code) return table[i].text;
  if (cap < 16) return "error";
  memcpy(number, "error ", 6);
  i = 6 + tern__decimal(code < 0 ? 0 : (unsigned)code, number + 6);
  number[i] = 0;
  return number;
}
