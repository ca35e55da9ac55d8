/* mem.c - memory through the caller's allocator, and forgetting secrets.
 * Neighbours: arena.c is an allocator for it. With TERN_NO_HEAP there is no allocator of last
 * resort: a NULL table then answers NULL. */
#include "base/mem.h"

#include <string.h>
#ifndef TERN_NO_HEAP
#include <stdlib.h>
#endif

#include "base/config.h"

void *tern__alloc_raw(const tern_allocator *mem, size_t size)
{
  void *ptr = NULL;

  if (size == 0)
    size = 1; /* NULL means failure, and nothing else */
  if (mem != NULL)
    ptr = mem->alloc(mem->user, size);
#ifndef TERN_NO_HEAP
  else
    ptr = malloc(size);
#endif
  return ptr;
}

void *tern__alloc(const tern_allocator *mem, size_t size)
{
  void *ptr = tern__alloc_raw(mem, size);

  if (ptr != NULL)
    memset(ptr, 0, size);
  return ptr;
}

void tern__free(const tern_allocator *mem, void *ptr, size_t size)
{
  if (ptr == NULL)
    return;
  if (mem != NULL)
    mem->free(mem->user, ptr, size == 0 ? 1 : size);
#ifndef TERN_NO_HEAP
  else
    free(ptr);
#endif
}

char *tern__copy_string(const tern_allocator *mem, const char *text)
{
  size_t size;
  char *copy;

  if (text == NULL)
    return NULL;
  size = strlen(text) + 1;
  copy = tern__alloc_raw(mem, size);
  if (copy != NULL)
    memcpy(copy, text, size);
  return copy;
}

void tern__free_string(const tern_allocator *mem, char *text)
{
  if (text != NULL)
    tern__free(mem, text, strlen(text) + 1);
}

void tern__free_secret(const tern_allocator *mem, char *text)
{
  size_t size;

  if (text == NULL)
    return;
  size = strlen(text) + 1;
  tern__wipe(text, size);
  tern__free(mem, text, size);
}

/* In pieces of a KiB, below the size from which C libraries change to instructions that are slow to
 * begin. */
void tern__wipe(void *ptr, size_t len)
{
  void *(*volatile fill)(void *, int, size_t) = memset; /* no compiler knows what this calls */
#if TERN__WIDE
  unsigned char *p = ptr;

  while (len != 0) {
    size_t n = len < 1024 ? len : 1024;

    fill(p, 0, n);
    p += n;
    len -= n;
  }
#else
  fill(ptr, 0, len);
#endif
}
