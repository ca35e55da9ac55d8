/* string.c - what cbmc 5.12 has no body for, for every proof. */
#include <string.h>

void *memchr(const void *octets, int c, size_t len)
{
  const unsigned char *p = octets;

  for (; len != 0; len--, p++)
    if (*p == (unsigned char)c) return (void *)(size_t)p;
  return NULL;
}
