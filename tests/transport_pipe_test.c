/* transport_pipe_test.c - the memory transport, and the checked access to any transport's table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/transport.h"

#define CAP 7

typedef struct fixture {
  tern_pipe *pipe;
  tern__link a, b;
} fixture;

static int set_up(void **state)
{
  fixture *f = calloc(1, sizeof *f);

  f->pipe = tern_pipe_new(NULL, CAP);
  f->a.table = f->b.table = tern_pipe_transport();
  f->a.user = tern_pipe_end(f->pipe, 0);
  f->b.user = tern_pipe_end(f->pipe, 1);
  *state = f;
  return f->pipe == NULL;
}

static int tear_down(void **state)
{
  fixture *f = *state;

  tern_pipe_free(f->pipe);
  free(f);
  return 0;
}

static void test_octets_arrive_in_order(void **state)
{
  fixture *f = *state;
  uint8_t next_in = 0, next_out = 0, buffer[CAP + 2];
  size_t i, n, len;
  int round;

  for (round = 0; round < 500; round++) { /* sizes that wrap around in every way */
    for (i = 0; i < sizeof buffer; i++) buffer[i] = (uint8_t)(next_in + i);
    if (tern__transport_write(&f->a, buffer, (size_t)round % sizeof buffer + 1, &n) == TERN_OK)
      next_in = (uint8_t)(next_in + n);
    if (tern__transport_read(&f->b, buffer, (size_t)round % 4 + 1, &len) == TERN_OK)
      for (i = 0; i < len; i++) assert_int_equal(buffer[i], next_out++);
  }
  assert_true(next_out != 0);
}

static void test_full_and_empty_answer_again(void **state)
{
  fixture *f = *state;
  uint8_t buffer[2 * CAP];
  size_t n;

  assert_int_equal(tern__transport_read(&f->b, buffer, sizeof buffer, &n), TERN_E_AGAIN);
  memset(buffer, 'x', sizeof buffer);
  assert_int_equal(tern__transport_write(&f->a, buffer, sizeof buffer, &n), TERN_OK);
  assert_int_equal(n, CAP);
  assert_int_equal(tern__transport_write(&f->a, buffer, 1, &n), TERN_E_AGAIN);
  assert_int_equal(n, 0);
  /* the other direction has a ring of its own */
  assert_int_equal(tern__transport_write(&f->b, buffer, 1, &n), TERN_OK);
  assert_int_equal(tern__transport_read(&f->a, buffer, sizeof buffer, &n), TERN_OK);
  assert_int_equal(n, 1);
}

static void test_close_leaves_what_was_written(void **state)
{
  fixture *f = *state;
  uint8_t buffer[CAP];
  size_t n;

  assert_int_equal(tern__transport_write(&f->a, (const uint8_t *)"bye", 3, &n), TERN_OK);
  tern__transport_close(&f->a);
  assert_int_equal(tern__transport_read(&f->b, buffer, 2, &n), TERN_OK);
  assert_int_equal(tern__transport_read(&f->b, buffer, 2, &n), TERN_OK);
  assert_int_equal(n, 1);
  assert_int_equal(buffer[0], 'e');
  assert_int_equal(tern__transport_read(&f->b, buffer, 2, &n), TERN_E_CLOSED);
  assert_int_equal(tern__transport_write(&f->b, buffer, 1, &n), TERN_E_CLOSED);
  assert_int_equal(tern__transport_read(&f->a, buffer, 1, &n), TERN_E_CLOSED);
  assert_int_equal(tern__transport_write(&f->a, buffer, 1, &n), TERN_E_CLOSED);
}

static void test_writev_without_one_writes_the_first_span(void **state)
{
  fixture *f = *state;
  const tern_span spans[] = {{NULL, 0}, {(const uint8_t *)"ab", 2}, {(const uint8_t *)"c", 1}};
  size_t n;

  assert_int_equal(tern__transport_writev(&f->a, spans, 3, &n), TERN_OK);
  assert_int_equal(n, 2);
  assert_int_equal(tern__transport_writev(&f->a, spans, 1, &n), TERN_OK);
  assert_int_equal(n, 0);
}

static void test_bad_arguments(void **state)
{
  fixture *f = *state;
  uint8_t octet = 0;
  size_t n;

  assert_null(tern_pipe_new(NULL, 0));
  assert_null(tern_pipe_new(NULL, SIZE_MAX));
  assert_null(tern_pipe_end(f->pipe, 2));
  assert_null(tern_pipe_end(NULL, 0));
  tern_pipe_free(NULL);
  assert_int_equal(tern_pipe_transport()->read(NULL, &octet, 1, &n), TERN_E_NOMEM);
  assert_int_equal(tern_pipe_transport()->write(NULL, &octet, 1, &n), TERN_E_NOMEM);
  tern_pipe_transport()->close(NULL);
}

/* ---- memory -----------------------------------------------------------------------------------*/

typedef struct counter {
  size_t left;
  size_t live;
} counter;

static void *counted_alloc(void *user, size_t size)
{
  counter *c = user;

  if (c->left-- == 0) return NULL;
  c->live++;
  return malloc(size);
}

static void counted_free(void *user, void *ptr, size_t size)
{
  counter *c = user;

  (void)size;
  c->live--;
  free(ptr);
}

static void test_every_allocation_may_fail(void **state)
{
  counter c;
  tern_allocator mem = {&c, counted_alloc, counted_free};
  tern_pipe *pipe = NULL;
  size_t i;

  (void)state;
  for (i = 0; pipe == NULL; i++) {
    assert_true(i < 10);
    c.left = i;
    c.live = 0;
    pipe = tern_pipe_new(&mem, 16);
    assert_true(pipe != NULL || c.live == 0);
  }
  assert_int_equal(i, 3); /* two allocations */
  tern_pipe_free(pipe);
  assert_int_equal(c.live, 0);
}

/* ---- tables that a user might fill -----------------------------------------------------------*/

typedef struct answer {
  tern_status status;
  size_t count;
} answer;

static tern_status fake_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  (void)octets;
  (void)cap;
  *len = ((answer *)user)->count;
  return ((answer *)user)->status;
}

static tern_status fake_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  (void)octets;
  (void)len;
  *done = ((answer *)user)->count;
  return ((answer *)user)->status;
}

static int32_t fake_handle(void *user)
{
  (void)user;
  return 42;
}

static uint64_t fake_now(void *user)
{
  (void)user;
  return 77;
}

static void test_answers_are_held_to_the_contract(void **state)
{
  static const struct {
    answer given;
    tern_status status;
    size_t count;
  } cases[] = {{{TERN_OK, 1}, TERN_OK, 1},           {{TERN_OK, 4}, TERN_OK, 4},
               {{TERN_OK, 0}, TERN_E_IO, 0},         {{TERN_OK, 5}, TERN_E_IO, 0},
               {{TERN_OK, SIZE_MAX}, TERN_E_IO, 0},  {{1, 1}, TERN_E_IO, 0},
               {{TERN_E_AGAIN, 3}, TERN_E_AGAIN, 0}, {{TERN_E_CLOSED, 0}, TERN_E_CLOSED, 0}};
  tern_transport table = {sizeof table, fake_read, fake_write, NULL, NULL,
                          NULL,         fake_now,  NULL,       NULL};
  tern__link link;
  uint8_t buffer[4] = {0};
  size_t i, n;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    answer a = cases[i].given;

    link.table = &table;
    link.user = &a;
    assert_int_equal(tern__transport_read(&link, buffer, 4, &n), cases[i].status);
    assert_int_equal(n, cases[i].count);
    assert_int_equal(tern__transport_write(&link, buffer, 4, &n), cases[i].status);
    assert_int_equal(n, cases[i].count);
    assert_int_equal(tern__transport_read(&link, buffer, 0, &n), TERN_OK);
    assert_int_equal(tern__transport_write(&link, buffer, 0, &n), TERN_OK);
  }
}

static void test_members_beyond_the_size_are_absent(void **state)
{
  tern_transport table = {0, fake_read, fake_write, NULL, NULL, fake_handle, fake_now, NULL, NULL};
  tern__link link;

  (void)state;
  link.table = &table;
  link.user = NULL;
  assert_int_equal(tern__transport_check(NULL), TERN_E_ARGUMENT);
  assert_int_equal(tern__transport_check(&link), TERN_E_ARGUMENT);
  table.size = offsetof(tern_transport, write);
  assert_int_equal(tern__transport_check(&link), TERN_E_ARGUMENT);
  table.size = offsetof(tern_transport, handle);
  assert_int_equal(tern__transport_handle(&link), -1);
  table.size = offsetof(tern_transport, now);
  assert_int_equal(tern__transport_handle(&link), 42);
  table.size = offsetof(tern_transport, wait);
  assert_int_equal(tern__transport_check(&link), TERN_OK);
  assert_int_equal(tern__transport_now(&link), 77);
  assert_int_equal(tern__transport_pending(&link, TERN_READ), TERN_READ);
  tern__transport_close(&link); /* absent: nothing happens */
  table.read = NULL;
  assert_int_equal(tern__transport_check(&link), TERN_E_ARGUMENT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_octets_arrive_in_order, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_full_and_empty_answer_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_close_leaves_what_was_written, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_writev_without_one_writes_the_first_span, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_bad_arguments, set_up, tear_down),
    cmocka_unit_test(test_every_allocation_may_fail),
    cmocka_unit_test(test_answers_are_held_to_the_contract),
    cmocka_unit_test(test_members_beyond_the_size_are_absent),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
