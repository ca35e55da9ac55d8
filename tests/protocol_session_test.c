/* protocol_session_test.c - the block of a session: the size that is told is the size that is enough, of every
 * shape, and a block that is too small or lies wrong is refused before an octet of it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tern/session.h>

static uint64_t block[TERN_SESSION_SIZE(TERN_WINDOW_MAX, 4096, 20000) / 8 + 1];

static int untouched(void)
{
  size_t i;

  for (i = 0; i < sizeof block / sizeof *block; i++)
    if (block[i] != UINT64_C(0xa5a5a5a5a5a5a5a5)) return 0;
  return 1;
}

static void the_size_told_is_enough(void **state)
{
  static const uint32_t windows[] = {1, 2, 3, TERN_WINDOW_MAX};
  static const size_t texts[] = {128, 129, 130, 131, 132, 133, 134, 135, 136, 300, 511, 2049};
  static const size_t outs[] = {512, 513, 516, 519, 1500, 4095, 16384, 16387};
  size_t i, j, k;

  (void)state;
  for (i = 0; i < sizeof windows / sizeof *windows; i++)
    for (j = 0; j < sizeof texts / sizeof *texts; j++)
      for (k = 0; k < sizeof outs / sizeof *outs; k++) {
        size_t size = tern_session_size(windows[i], texts[j], outs[k]);
        tern_session *s = NULL;

        assert_in_range(size, 1, sizeof block);
        assert_int_equal(size, TERN_SESSION_SIZE(windows[i], texts[j], outs[k]));
        memset(block, 0xa5, sizeof block);
        if (tern_session_init(&s, block, size, windows[i], texts[j]) != TERN_OK)
          fail_msg("window %u, text %zu, out %zu", windows[i], texts[j], outs[k]);
        tern_session_wipe(s);
        for (; size < sizeof block; size++) assert_int_equal(((uint8_t *)block)[size], 0xa5);
      }
}

/* An allocator gives blocks aligned for any type, which on i386 is four octets. */
static void aligned_for_any_type(void **state)
{
  static const struct {
    char octet;
    union {
      void *pointer;
      uint64_t number;
    } any;
  } shape;
  const size_t align = (size_t)((const char *)&shape.any - &shape.octet);
  size_t size = tern_session_size(1, 128, 512), at;
  tern_session *s;

  (void)state;
  for (at = 0; at < 64; at++) {
    tern_status st = tern_session_init(&s, (uint8_t *)block + at, size, 1, 128);

    if ((at % align == 0) != (st == TERN_OK)) fail_msg("at %zu", at);
  }
}

static void what_cannot_be_a_session(void **state)
{
  static const struct {
    size_t size, at;
    uint32_t window;
    size_t text;
    tern_status status;
  } cases[] = {
      {0, 0, 1, 128, TERN_E_BUFFER},
      {1, 0, 1, 128, TERN_E_BUFFER},
      {128 + TERN_SESSION_OUT_MIN, 0, 1, 128, TERN_E_BUFFER},
      {2000, 0, TERN_WINDOW_MAX, 128, TERN_E_BUFFER},
      {sizeof block - 8, 1, 1, 128, TERN_E_ARGUMENT},
      {sizeof block - 8, 2, 1, 128, TERN_E_ARGUMENT},
      {sizeof block, 0, 0, 128, TERN_E_ARGUMENT},
      {sizeof block, 0, TERN_WINDOW_MAX + 1, 128, TERN_E_ARGUMENT},
      {sizeof block, 0, 1, TERN_SESSION_TEXT_MIN - 1, TERN_E_ARGUMENT},
      {sizeof block, 0, 1, 65536, TERN_E_ARGUMENT},
      {sizeof block, 0, 1, SIZE_MAX, TERN_E_ARGUMENT},
  };
  tern_session *s;
  size_t i;

  (void)state;
  memset(block, 0xa5, sizeof block);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    s = (void *)block;
    if (tern_session_init(&s, (uint8_t *)block + cases[i].at, cases[i].size, cases[i].window,
                          cases[i].text) != cases[i].status)
      fail_msg("case %zu", i);
    assert_null(s);
  }
  assert_int_equal(tern_session_init(&s, NULL, sizeof block, 1, 128), TERN_E_ARGUMENT);
  assert_int_equal(tern_session_init(NULL, block, sizeof block, 1, 128), TERN_E_ARGUMENT);
  assert_true(untouched());
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_size_told_is_enough),
      cmocka_unit_test(aligned_for_any_type),
      cmocka_unit_test(what_cannot_be_a_session),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
