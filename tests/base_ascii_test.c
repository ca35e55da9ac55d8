/* base_ascii_test.c - ASCII helpers: independent of the locale, exact on every octet. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/ascii.h"

static void every_octet_has_one_kind(void **state)
{
  static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
  static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static const char digits[] = "0123456789";
  int c;

  (void)state;
  for (c = 0; c < 256; c++) {
    const void *in_upper = memchr(upper, c, 26);
    int is_lower = memchr(lower, c, 26) != NULL;

    assert_int_equal(!!tern__is_digit((uint8_t)c), memchr(digits, c, 10) != NULL);
    assert_int_equal(!!tern__is_alpha((uint8_t)c), is_lower || in_upper != NULL);
    assert_int_equal(tern__lower((uint8_t)c), in_upper != NULL ? c + 32 : c);
  }
}

static void comparison_ignores_case_only(void **state)
{
  static const struct {
    const char *a;
    size_t len;
    const char *b;
    int same;
  } cases[] = {
    {"STARTTLS", 8, "starttls", 1}, {"starttls", 8, "STARTTLS", 1}, {"STARTTLSX", 8, "starttls", 1},
    {"STARTTLS", 7, "starttls", 0}, {"STARTTLS", 8, "starttl", 0},  {"", 0, "", 1},
    {"", 0, "a", 0},                {"a", 1, "", 0},                {"@", 1, "`", 0},
    {"[", 1, "{", 0},               {"\xc4", 1, "\xe4", 0},         {"a\0b", 3, "a", 0},
    {"\0", 1, "", 0},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (!!tern__same(cases[i].a, cases[i].len, cases[i].b) != cases[i].same)
      fail_msg("case %u: '%s' and '%s'", (unsigned)i, cases[i].a, cases[i].b);
}

static void needle_is_found_wherever_it_stands(void **state)
{
  static const struct {
    const char *text;
    size_t len;
    const char *needle;
    int holds;
  } cases[] = {
    {"Relaying Denied", 15, "relay", 1}, {"550 relaying DENIED", 19, "denied", 1},
    {"relaying denied", 14, "denied", 0}, {"den", 3, "denied", 0}, {"", 0, "a", 0},
    {"abc", 3, "", 1}, {"aab", 3, "ab", 1}, {"x\0relay", 7, "relay", 1},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (!!tern__holds(cases[i].text, cases[i].len, cases[i].needle) != cases[i].holds)
      fail_msg("case %u: '%s' in '%s'", (unsigned)i, cases[i].needle, cases[i].text);
}

static void numbers_are_written_without_padding(void **state)
{
  static const struct {
    uint64_t value;
    const char *text;
  } cases[] = {
    {0, "0"}, {9, "9"}, {10, "10"}, {99, "99"}, {100, "100"}, {4294967296u, "4294967296"},
    {10000000000000000000u, "10000000000000000000"}, {UINT64_MAX, "18446744073709551615"},
    {UINT64_MAX - 5, "18446744073709551610"}, {1234567890123456789u, "1234567890123456789"},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char out[21];
    size_t len;

    memset(out, '#', sizeof out);
    len = tern__decimal(cases[i].value, out);
    assert_int_equal(len, strlen(cases[i].text));
    assert_memory_equal(out, cases[i].text, len);
    assert_int_equal(out[len], '#');
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_octet_has_one_kind),
    cmocka_unit_test(comparison_ignores_case_only),
    cmocka_unit_test(needle_is_found_wherever_it_stands),
    cmocka_unit_test(numbers_are_written_without_padding),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
