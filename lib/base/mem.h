/* mem.h - memory through the caller's allocator, and forgetting secrets. */
#ifndef TERN_LIB_BASE_MEM_H
#define TERN_LIB_BASE_MEM_H

#include <stddef.h>
#include <tern/base.h>

/* mem NULL: malloc (absent, hence NULL, in builds with TERN_NO_HEAP). Zeroed. */
void *tern__alloc(const tern_allocator *mem, size_t size);
/* The same, not zeroed. */
void *tern__alloc_raw(const tern_allocator *mem, size_t size);
/* ptr may be NULL. */
void tern__free(const tern_allocator *mem, void *ptr, size_t size);
/* A copy with its NUL; give back with tern__free_string. */
char *tern__copy_string(const tern_allocator *mem, const char *text);
void tern__free_string(const tern_allocator *mem, char *text);
/* Wiped before it is given back. */
void tern__free_secret(const tern_allocator *mem, char *text);

/* Overwrites in a way that the compiler may not leave out. (arena and heap free builds too) */
void tern__wipe(void *ptr, size_t len);

#endif
