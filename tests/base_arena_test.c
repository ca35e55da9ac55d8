/* base_arena_test.c - the arena and what stands on it: tern__alloc and its kin. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

typedef struct block {
  unsigned char *ptr;
  size_t size;
} block;

struct aligned {
  char octet;
  long double number;
};

static void blocks_are_aligned_wherever_the_memory_begins(void **state)
{
  unsigned char memory[512];
  size_t shift;

  (void)state;
  for (shift = 0; shift < 32; shift++) {
    tern_arena arena;
    const tern_allocator *mem = tern_arena_init(&arena, memory + shift, 400);
    unsigned char *last = memory + shift;
    size_t size;

    for (size = 0; size < 10; size++) {
      unsigned char *p = mem->alloc(mem->user, size);

      assert_non_null(p);
      assert_int_equal((uintptr_t)p % offsetof(struct aligned, number), 0); /* on i386 not its size */
      assert_int_equal((uintptr_t)p % sizeof(void *), 0);
      assert_true(p >= last);
      last = p + size;
      memset(p, 0xff, size);
    }
    assert_true(last <= memory + shift + 400);
  }
}

static void full_arena_answers_null_and_stays_good(void **state)
{
  unsigned char memory[256];
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, memory, sizeof memory);
  size_t level;
  void *p;

  (void)state;
  assert_null(mem->alloc(mem->user, sizeof memory));
  assert_null(mem->alloc(mem->user, SIZE_MAX));
  assert_null(mem->alloc(mem->user, SIZE_MAX - sizeof(size_t)));
  assert_null(mem->alloc(mem->user, SIZE_MAX - 16));
  assert_int_equal(tern_arena_level(&arena), 0);
  p = mem->alloc(mem->user, 100);
  assert_non_null(p);
  level = tern_arena_level(&arena);
  assert_null(mem->alloc(mem->user, 200));
  assert_int_equal(tern_arena_level(&arena), level);
  assert_non_null(mem->alloc(mem->user, 50));
  while (mem->alloc(mem->user, 1) != NULL)
    assert_true(tern_arena_level(&arena) <= sizeof memory);
  assert_null(mem->alloc(mem->user, 0));
}

static void arenas_too_small_for_anything(void **state)
{
  unsigned char memory[64];
  size_t size;
  size_t shift;
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, NULL, 1000);

  (void)state;
  assert_null(mem->alloc(mem->user, 1));
  assert_int_equal(tern_arena_release(&arena, 0), TERN_OK);
  for (shift = 0; shift < 16; shift++)
    for (size = 0; size < 32; size++) {
      mem = tern_arena_init(&arena, memory + shift, size);
      assert_null(mem->alloc(mem->user, 32));
    }
}

/* Every order of freeing five blocks gives everything back; a block freed early waits. */
static void any_order_of_freeing_gives_all_back(void **state)
{
  unsigned char memory[1024];
  int order[5];

  (void)state;
  for (int code = 0; code < 3125; code++) {
    tern_arena arena;
    const tern_allocator *mem = tern_arena_init(&arena, memory, sizeof memory);
    block blocks[5];
    unsigned seen = 0;
    size_t outer;
    int rest = code;
    int i;

    for (i = 0; i < 5; i++, rest /= 5)
      seen |= 1u << (order[i] = rest % 5);
    if (seen != 31)
      continue;
    assert_non_null(mem->alloc(mem->user, 7));
    outer = tern_arena_level(&arena);
    for (i = 0; i < 5; i++) {
      blocks[i].size = (size_t)(i * 13);
      blocks[i].ptr = mem->alloc(mem->user, blocks[i].size);
      memset(blocks[i].ptr, i + 1, blocks[i].size);
    }
    for (i = 0; i < 5; i++) {
      size_t before = tern_arena_level(&arena);
      block *b = &blocks[order[i]];
      size_t k;

      for (k = 0; k < b->size; k++)
        assert_int_equal(b->ptr[k], order[i] + 1);
      mem->free(mem->user, b->ptr, b->size);
      assert_true(tern_arena_level(&arena) <= before);
      assert_true(tern_arena_level(&arena) >= outer);
    }
    assert_int_equal(tern_arena_level(&arena), outer);
    assert_true(tern_arena_peak(&arena) > outer);
  }
}

static void last_block_comes_back_at_once(void **state)
{
  unsigned char memory[256];
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, memory, sizeof memory);
  size_t level = tern_arena_level(&arena);
  int i;

  (void)state;
  for (i = 0; i < 1000; i++) {
    void *p = mem->alloc(mem->user, 150);

    assert_non_null(p);
    mem->free(mem->user, p, 150);
    assert_int_equal(tern_arena_level(&arena), level);
  }
}

static void mark_and_release(void **state)
{
  unsigned char memory[512];
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, memory, sizeof memory);
  void *first = mem->alloc(mem->user, 20);
  size_t mark = tern_arena_mark(&arena);
  void *second;
  void *third;

  (void)state;
  second = mem->alloc(mem->user, 30);
  third = mem->alloc(mem->user, 40);
  assert_int_equal(tern_arena_release(&arena, tern_arena_level(&arena) + 1), TERN_E_ARGUMENT);
  assert_int_equal(tern_arena_release(&arena, SIZE_MAX), TERN_E_ARGUMENT);
  assert_int_equal(tern_arena_release(&arena, mark + 1), TERN_E_ARGUMENT);
  assert_int_equal(tern_arena_release(&arena, mark), TERN_OK);
  assert_int_equal(tern_arena_level(&arena), mark);
  /* what was released is not live: freeing it changes nothing */
  mem->free(mem->user, third, 40);
  mem->free(mem->user, second, 30);
  assert_int_equal(tern_arena_level(&arena), mark);
  /* what was freed below the mark meanwhile comes back with the release */
  second = mem->alloc(mem->user, 30);
  assert_non_null(second);
  mem->free(mem->user, first, 20);
  assert_true(tern_arena_level(&arena) > mark);
  assert_int_equal(tern_arena_release(&arena, mark), TERN_OK);
  assert_int_equal(tern_arena_level(&arena), 0);
  assert_int_equal(tern_arena_release(&arena, 0), TERN_OK);
}

static void foreign_pointers_and_second_frees_do_no_harm(void **state)
{
  unsigned char memory[512];
  unsigned char other[64];
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, memory, sizeof memory);
  unsigned char *a = mem->alloc(mem->user, 40);
  unsigned char *b = mem->alloc(mem->user, 40);
  size_t level = tern_arena_level(&arena);

  (void)state;
  memset(a, 0, 40);
  memset(b, 0, 40);
  memset(other, 0, sizeof other);
  mem->free(mem->user, NULL, 0);
  mem->free(mem->user, other, 40);
  mem->free(mem->user, b + 16, 8);
  mem->free(mem->user, b, SIZE_MAX);
  mem->free(mem->user, b, SIZE_MAX - 8);
  assert_int_equal(tern_arena_level(&arena), level);
  for (int i = 0; i < 40; i++)
    assert_int_equal(b[i], 0);
  mem->free(mem->user, a, 40);
  mem->free(mem->user, a, 40);
  assert_int_equal(tern_arena_level(&arena), level);
  mem->free(mem->user, b, 40);
  mem->free(mem->user, b, 40);
  assert_int_equal(tern_arena_level(&arena), 0);
}

static void null_arena_answers_nothing(void **state)
{
  (void)state;
  assert_null(tern_arena_init(NULL, NULL, 0));
  assert_int_equal(tern_arena_level(NULL), 0);
  assert_int_equal(tern_arena_peak(NULL), 0);
  assert_int_equal(tern_arena_mark(NULL), 0);
  assert_int_equal(tern_arena_release(NULL, 0), TERN_E_ARGUMENT);
}

/* ---- mem.h ---- */

static void memory_is_zeroed_and_strings_are_copied(void **state)
{
  unsigned char memory[256];
  tern_arena arena;
  const tern_allocator *in_arena = tern_arena_init(&arena, memory, sizeof memory);
  const tern_allocator *tables[2] = {NULL, in_arena};
  int t;

  (void)state;
  memset(memory, 0xaa, sizeof memory);
  for (t = 0; t < 2; t++) {
    unsigned char *p = tern__alloc(tables[t], 50);
    char *copy = tern__copy_string(tables[t], "p\xc3\xa4ss");
    void *none = tern__alloc(tables[t], 0);
    int i;

    assert_non_null(p);
    assert_non_null(none);
    for (i = 0; i < 50; i++)
      assert_int_equal(p[i], 0);
    assert_string_equal(copy, "p\xc3\xa4ss");
    tern__free(tables[t], none, 0);
    tern__free_string(tables[t], copy);
    tern__free(tables[t], p, 50);
    tern__free(tables[t], NULL, 50);
    tern__free_string(tables[t], NULL);
    tern__free_secret(tables[t], NULL);
    assert_null(tern__copy_string(tables[t], NULL));
  }
  assert_int_equal(tern_arena_level(&arena), 0);
  assert_null(tern__alloc(in_arena, 1000));
}

static void secrets_do_not_stay(void **state)
{
  unsigned char memory[256];
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, memory, sizeof memory);
  char *secret = tern__copy_string(mem, "correct horse");
  char stack[8] = "battery";
  size_t i;

  (void)state;
  tern__free_secret(mem, secret);
  assert_int_equal(tern_arena_level(&arena), 0);
  for (i = 0; i < 14; i++)
    assert_int_equal(secret[i], 0);
  tern__wipe(stack + 1, 5);
  assert_memory_equal(stack, "b\0\0\0\0\0y", 8);
  tern__wipe(NULL, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(blocks_are_aligned_wherever_the_memory_begins),
    cmocka_unit_test(full_arena_answers_null_and_stays_good),
    cmocka_unit_test(arenas_too_small_for_anything),
    cmocka_unit_test(any_order_of_freeing_gives_all_back),
    cmocka_unit_test(last_block_comes_back_at_once),
    cmocka_unit_test(mark_and_release),
    cmocka_unit_test(foreign_pointers_and_second_frees_do_no_harm),
    cmocka_unit_test(null_arena_answers_nothing),
    cmocka_unit_test(memory_is_zeroed_and_strings_are_copied),
    cmocka_unit_test(secrets_do_not_stay),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
