/* texts.h - strings that live as long as their owner: copied once, given back all at once. */
#ifndef TERN_LIB_DELIVERY_TEXTS_H
#define TERN_LIB_DELIVERY_TEXTS_H

#include <tern/base.h>

#define TERN__TEXTS_RECENT 32u

typedef struct tern__texts_chunk tern__texts_chunk;

typedef struct tern__texts {
  const tern_allocator *mem;
  tern__texts_chunk *chunks;                 /* the newest first */
  const char *recent[TERN__TEXTS_RECENT]; /* by hash: a text that was just kept is shared */
} tern__texts;

/* *texts is zeroed, mem set, by its owner. A copy of the len octets at text with a NUL behind it;
 * "" for len 0 or text NULL, which takes no memory. NULL: no memory. */
const char *tern__texts_keep(tern__texts *texts, const char *text, size_t len);
/* The same up to the NUL. */
const char *tern__texts_copy(tern__texts *texts, const char *text);
void tern__texts_free(tern__texts *texts);

#endif
