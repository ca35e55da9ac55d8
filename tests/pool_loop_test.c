/* pool_loop_test.c - times that come in their order, handles that are found ready, and none that is found
 * after it left. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <unistd.h>

#include "pool/loop.h"

#define TIMERS 500

static uint32_t next(uint32_t *state)
{
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* Set, moved and stopped at random: they ring in order, none too soon, none twice, none that stopped. */
static void times_in_order(void **state)
{
  static tern__timer timer[TIMERS];
  tern__loop loop;
  uint32_t seed = 1, i, round;

  (void)state;
  tern__loop_init(&loop, NULL, 0);
  for (round = 0; round < 50; round++) {
    uint64_t now = 0;
    uint32_t left = 0;
    tern__timer *t;

    for (i = 0; i < TIMERS; i++) timer[i].at = TERN_NEVER;
    for (i = 0; i < TIMERS * 3; i++) {
      t = &timer[next(&seed) % TIMERS];
      if (next(&seed) % 4 == 0)
        tern__timer_set(&loop, t, TERN_NEVER);
      else if (next(&seed) % 2)
        tern__timer_set(&loop, t, 1 + next(&seed) % 1000);
      else
        tern__timer_by(&loop, t, 1 + next(&seed) % 1000);
    }
    for (i = 0; i < TIMERS; i++) left += timer[i].at != TERN_NEVER;
    while (loop.timers) {
      uint64_t at = tern__loop_deadline(&loop, now);
      assert_true(at >= now);
      now = at;
      assert_null(tern__loop_due(&loop, now - 1));
      t = tern__loop_due(&loop, now);
      assert_non_null(t);
      assert_int_equal(t->at, TERN_NEVER);
      left--;
    }
    assert_int_equal(left, 0);
    assert_int_equal(tern__loop_deadline(&loop, now), TERN_NEVER);
  }
  tern__loop_free(&loop);
}

static void handles(int by_poll)
{
  tern__loop loop;
  tern__handle h[40] = {{{NULL, NULL, NULL}, 0, 0, 0, 0, 0, NULL}};
  int pipes[40][2], i;
  char octet;
  tern_poll out[50];

  tern__loop_init(&loop, NULL, by_poll);
  for (i = 0; i < 40; i++) {
    assert_int_equal(pipe(pipes[i]), 0);
    assert_true(tern__loop_join(&loop, &h[i], &pipes[i]));
    tern__loop_watch(&loop, &h[i], pipes[i][0], TERN_READ, 1);
  }
  assert_int_equal(tern__loop_polls(&loop, out, 50), by_poll ? 40 : 1);
  tern__loop_look(&loop, 0);
  assert_null(tern__loop_next(&loop));
  assert_int_equal(write(pipes[7][1], "x", 1), 1);
  assert_int_equal(write(pipes[9][1], "x", 1), 1);
  tern__loop_look(&loop, -1);
  tern__loop_leave(&loop, &h[9]); /* though it was found */
  assert_ptr_equal(tern__loop_next(&loop), &pipes[7]);
  assert_null(tern__loop_next(&loop));
  tern__loop_look(&loop, 0); /* not read: found again */
  assert_ptr_equal(tern__loop_next(&loop), &pipes[7]);
  tern__loop_watch(&loop, &h[7], pipes[7][0], 0, 0);
  tern__loop_look(&loop, 0);
  assert_null(tern__loop_next(&loop));
  tern__loop_wake(&loop, &h[3]);
  tern__loop_wake(&loop, &h[3]);
  tern__loop_look(&loop, -1); /* does not wait */
  assert_ptr_equal(tern__loop_next(&loop), &pipes[3]);
  assert_null(tern__loop_next(&loop));

  /* another socket of the same number */
  close(pipes[7][0]);
  close(pipes[7][1]);
  assert_int_equal(pipe(pipes[7]), 0);
  assert_int_equal(pipes[7][0], h[7].fd);
  tern__loop_watch(&loop, &h[7], pipes[7][0], TERN_READ, 1);
  assert_int_equal(write(pipes[7][1], "y", 1), 1);
  tern__loop_look(&loop, -1);
  assert_ptr_equal(tern__loop_next(&loop), &pipes[7]);
  assert_int_equal(read(pipes[7][0], &octet, 1), 1);

  /* the slot of one that left, with a handle that outlives its close */
  i = dup(pipes[8][0]);
  close(pipes[8][0]);
  tern__loop_leave(&loop, &h[8]);
  h[8].slot = 0;
  h[8].events = 0;
  assert_true(tern__loop_join(&loop, &h[8], &pipes[8]));
  assert_int_equal(write(pipes[8][1], "z", 1), 1);
  tern__loop_look(&loop, 0);
  assert_null(tern__loop_next(&loop));
  close(i);
  pipes[8][0] = dup(0);
  for (i = 0; i < 40; i++) {
    tern__loop_leave(&loop, &h[i]);
    close(pipes[i][0]);
    close(pipes[i][1]);
  }
  tern__loop_free(&loop);
}

static void handles_by_epoll(void **state)
{
  (void)state;
  handles(0);
}

static void handles_by_poll(void **state)
{
  (void)state;
  handles(1);
}

/* What epoll does not take (a file) is looked at in intervals. */
static void blind(void **state)
{
  tern__loop loop;
  tern__handle h = {{NULL, NULL, NULL}, 0, 0, 0, 0, 0, NULL};
  FILE *f = tmpfile();

  (void)state;
  assert_non_null(f);
  tern__loop_init(&loop, NULL, 0);
  assert_true(tern__loop_join(&loop, &h, &h));
  tern__loop_watch(&loop, &h, fileno(f), TERN_READ, 1);
  tern__loop_look(&loop, -1);
  assert_ptr_equal(tern__loop_next(&loop), &h);
  assert_true(loop.by_poll || tern__loop_deadline(&loop, 5) <= 100);
  tern__loop_leave(&loop, &h);
  assert_int_equal(tern__loop_deadline(&loop, 5), TERN_NEVER);
  tern__loop_free(&loop);
  fclose(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(times_in_order),
    cmocka_unit_test(handles_by_epoll),
    cmocka_unit_test(handles_by_poll),
    cmocka_unit_test(blind),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
