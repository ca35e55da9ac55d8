/* base_data_test.c - content measured: what is clean, its length, octets beyond ASCII; against a plain
 * look at each octet, at every length and place where lanes of octets begin and end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/data.h"

/* What tern__data_measure has to say, octet by octet. */
static void expect(const uint8_t *p, size_t len, tern_content_info *info)
{
  size_t i;
  int clean = 1, high = 0, after_cr = 0, header = 1, line_ends = 1;

  info->length = 0;
  info->flags = 0;
  for (i = 0; i < len; i++) {
    int end = p[i] == '\n', bare = (after_cr && !end) || (end && !after_cr);

    if (bare) clean = 0;
    info->length += 1 + (uint64_t)bare; /* the CR or LF that is missing */
    if (p[i] > 127) high = 1;
    if (p[i] > 127 && header) info->flags |= TERN_CONTENT_UTF8_HEADER;
    if (end || (after_cr && !end)) line_ends++;
    if (line_ends == 2) header = 0;
    if (!end && p[i] != '\r') line_ends = 0;
    after_cr = p[i] == '\r';
  }
  if (after_cr) info->length++;
  if (len != 0 && p[len - 1] != '\n') {
    clean = 0;
    if (!after_cr) info->length += 2;
  }
  if (high) info->flags |= TERN_CONTENT_8BIT;
  if (clean && !high) info->flags |= TERN__CONTENT_CLEAN;
}

static void measure(const uint8_t *p, size_t len, tern_content_info *info)
{
  tern_transaction t;
  tern_span span;

  span.octets = p;
  span.len = len;
  memset(&t, 0, sizeof t);
  t.size = sizeof t;
  t.spans = &span;
  t.span_count = 1;
  assert_int_equal(tern__data_measure(&t, info), TERN_OK);
}

static void check(const uint8_t *p, size_t len, size_t at, const char *what)
{
  tern_content_info is, want;

  expect(p, len, &want);
  measure(p, len, &is);
  if (is.flags != want.flags || is.length != want.length)
    fail_msg("%s at %u of %u: flags 0x%x, length %u; not 0x%x, %u", what, (unsigned)at, (unsigned)len,
             (unsigned)is.flags, (unsigned)is.length, (unsigned)want.flags, (unsigned)want.length);
}

/* Behind an empty header, so that an octet beyond ASCII is of the body; one fault at each place. The
 * octets end where the block ends, so that a step too far is seen by the sanitizer. */
static void one_fault_is_found_at_every_place(void **state)
{
  static const uint8_t faults[] = {'\r', '\n', 0x80, 0xff, 0, 'x', '.'};
  size_t len, at, k;

  (void)state;
  for (len = 5; len < 150; len++) {
    uint8_t *p = malloc(len);

    assert_non_null(p);
    for (at = 2; at < len; at++)
      for (k = 0; k < sizeof faults; k++) {
        memset(p, 'a', len);
        memcpy(p, "\r\n", 2);
        if (len > 40) memcpy(p + 38, "\r\n", 2);
        memcpy(p + len - 2, "\r\n", 2);
        check(p, len, at, "clean");
        p[at] = faults[k];
        check(p, len, at, k == 0 ? "CR" : k == 1 ? "LF" : "octet");
      }
    free(p);
  }
}

/* CR, LF and others in any order. */
static void any_mixture_is_measured(void **state)
{
  static const uint8_t octets[] = {'\r', '\n', '\r', '\n', 'a', 'a', '.', 0xc3};
  uint32_t seed = 1;
  size_t round, i;

  (void)state;
  for (round = 0; round < 20000; round++) {
    size_t len = round % 90 + 3;
    uint8_t *p = malloc(len);

    assert_non_null(p);
    for (i = 0; i < len; i++) {
      seed = seed * 1664525u + 1013904223u;
      p[i] = i > 0 && p[i - 1] == '\r' && (seed >> 24) % 8 ? '\n' : octets[(seed >> 16) % sizeof octets];
    }
    memcpy(p, "\r\n", 2);
    if (p[2] == '\n') p[2] = 'a';
    check(p, len, round, "mixture");
    free(p);
  }
}

/* 64 CR LF are as clean as text. */
static void nothing_but_line_ends_is_clean(void **state)
{
  uint8_t p[128];
  size_t len;

  (void)state;
  for (len = 0; len < sizeof p; len++) p[len] = len % 2 ? '\n' : '\r';
  for (len = 1; len <= sizeof p; len++) check(p, len, len, "line ends");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_fault_is_found_at_every_place),
    cmocka_unit_test(any_mixture_is_measured),
    cmocka_unit_test(nothing_but_line_ends_is_clean),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
