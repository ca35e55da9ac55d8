/* arena.c - tern_arena: an allocator over the caller's octets.
 * Each block is its octets, padding, and a footer of one size_t: where the block begins, with the
 * lowest bit set once it was freed. The footer of the last block ends at the level, so that freeing
 * it gives back all the freed blocks before it too.
 * Neighbours: mem.c calls it through the table. Limits: a block freed out of order is not reused
 * before all behind it are free; one footer and up to an alignment of padding a block. */
#include <string.h>
#include <tern/base.h>

union widest {
  void *pointer;
  void (*function)(void);
  long long integer;
  long double real;
};
struct aligned {
  char octet;
  union widest it;
};
#define ALIGN offsetof(struct aligned, it) /* a power of two, at least 2 */
#define FREED ((size_t)1)

static size_t footer(const tern_arena *arena, size_t end)
{
  size_t value;

  memcpy(&value, arena->base + end - sizeof value, sizeof value);
  return value;
}

/* What a block of size takes; the caller has seen to it that this does not overflow. */
static size_t block_size(size_t size)
{
  return (size + sizeof(size_t) + ALIGN - 1) & ~(ALIGN - 1);
}

static void *arena_alloc(void *user, size_t size)
{
  tern_arena *arena = user;
  size_t start = arena->level;
  size_t left = arena->size - start; /* a multiple of ALIGN */

  if (left < sizeof(size_t) || size > left - sizeof(size_t))
    return NULL;
  arena->level += block_size(size);
  memcpy(arena->base + arena->level - sizeof start, &start, sizeof start);
  if (arena->peak < arena->level)
    arena->peak = arena->level;
  return arena->base + start;
}

static void arena_free(void *user, void *ptr, size_t size)
{
  tern_arena *arena = user;
  uintptr_t address = (uintptr_t)ptr;
  uintptr_t base = (uintptr_t)arena->base;
  size_t start;
  size_t end;

  /* what is not a live block of this size, as after a release, is left alone */
  if (ptr == NULL || address < base || address - base >= arena->level)
    return;
  start = (size_t)(address - base);
  if (arena->level - start < sizeof(size_t) || size > arena->level - start - sizeof(size_t))
    return;
  end = start + block_size(size);
  if (end > arena->level || footer(arena, end) != start)
    return;
  start |= FREED;
  memcpy(arena->base + end - sizeof start, &start, sizeof start);
  while (arena->level > 0 && (footer(arena, arena->level) & FREED) != 0)
    arena->level = footer(arena, arena->level) & ~FREED;
}

const tern_allocator *tern_arena_init(tern_arena *arena, void *memory, size_t size)
{
  size_t skip;

  if (arena == NULL)
    return NULL;
  skip = (size_t)(-(uintptr_t)memory & (ALIGN - 1));
  if (memory == NULL || size < skip)
    size = skip = 0;
  arena->allocator.user = arena;
  arena->allocator.alloc = arena_alloc;
  arena->allocator.free = arena_free;
  arena->base = memory == NULL ? NULL : (unsigned char *)memory + skip;
  arena->size = (size - skip) & ~(ALIGN - 1);
  arena->level = 0;
  arena->peak = 0;
  return &arena->allocator;
}

size_t tern_arena_level(const tern_arena *arena)
{
  return arena == NULL ? 0 : arena->level;
}

size_t tern_arena_peak(const tern_arena *arena)
{
  return arena == NULL ? 0 : arena->peak;
}

size_t tern_arena_mark(const tern_arena *arena)
{
  return tern_arena_level(arena);
}

tern_status tern_arena_release(tern_arena *arena, size_t mark)
{
  size_t level;

  if (arena == NULL)
    return TERN_E_ARGUMENT;
  /* down block by block: a mark that no block ends at any more is as wrong as one too high */
  for (level = arena->level; level > mark; level = footer(arena, level) & ~FREED)
    continue;
  if (level != mark)
    return TERN_E_ARGUMENT;
  arena->level = mark;
  /* blocks before the mark that were freed out of order meanwhile */
  while (arena->level > 0 && (footer(arena, arena->level) & FREED) != 0)
    arena->level = footer(arena, arena->level) & ~FREED;
  return TERN_OK;
}
