/* base_base64_test.c - base64: the vectors of RFC 4648, every length and cut, strict decoding. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/base64.h"

static void vectors_of_rfc_4648(void **state)
{
  static const char *const vectors[][2] = {
    {"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},         {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"}, {"\xff\xff\xff", "////"},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
    const char *plain = vectors[i][0];
    const char *coded = vectors[i][1];
    char out[16];
    uint8_t back[16];

    assert_int_equal(tern__base64_length(strlen(plain)), strlen(coded));
    assert_int_equal(tern__base64_encode(out, (const uint8_t *)plain, strlen(plain)),
                     strlen(coded));
    assert_memory_equal(out, coded, strlen(coded));
    assert_int_equal(tern__base64_decode(back, coded, strlen(coded)), strlen(plain));
    assert_memory_equal(back, plain, strlen(plain));
  }
}

/* Pieces of any multiple of three give the same text as one call; it reads back, in place too. */
static void pieces_join_and_read_back(void **state)
{
  uint8_t plain[130];
  size_t len;
  size_t piece;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof plain; i++)
    plain[i] = (uint8_t)(i * 167 + 13);
  for (len = 0; len <= sizeof plain; len++) {
    size_t total = tern__base64_length(len);
    char *whole = malloc(total + 1); /* exact blocks, so that an octet too many is seen */
    char *joined = malloc(total + 1);
    uint8_t *back = malloc(len + 1);

    assert_int_equal(tern__base64_encode(whole, plain, len), total);
    for (piece = 3; piece <= len + 3; piece += 3) {
      size_t from = 0;
      size_t to = 0;

      memset(joined, '#', total + 1);
      while (from < len) {
        size_t n = len - from < piece ? len - from : piece;

        to += tern__base64_encode(joined + to, plain + from, n);
        from += n;
      }
      assert_int_equal(to, total);
      assert_memory_equal(joined, whole, total);
    }
    assert_int_equal(tern__base64_decode(back, whole, total), len);
    assert_memory_equal(back, plain, len);
    assert_int_equal(tern__base64_decode((uint8_t *)whole, whole, total), len);
    assert_memory_equal(whole, plain, len);
    free(whole);
    free(joined);
    free(back);
  }
}

static void malformed_is_refused(void **state)
{
  static const char *const cases[] = {
    "Z",     "Zg",       "Zg=",      "Zm8",    "Zm9vY",    "=",        "==",      "===",
    "====",  "Z===",     "Zg==Zg==", "Zg==Zm8=", "Zm=v",   "Z=9v",     "=m9v",    "Zh==",
    "Zm9=",  "Zm9v\n",   "Zm9v\r\n", "Zm 9v",  " Zm9v",    "Zm9v ",    "Zm-v",    "Zm_v",
    "Zm9.",  "Zm9\x80",  "\xc3\xa4Zm", "Zg=A", "Zm9vZg=v", "*",        "Zm9vZm9v=", "Zg==\n\n\n\n",
    "Zi==",  "Zk==",     "Zo==",     "Zm+=",
  };
  size_t i;
  int c;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t out[16];

    if (tern__base64_decode(out, cases[i], strlen(cases[i])) != SIZE_MAX)
      fail_msg("accepted: '%s'", cases[i]);
  }
  for (c = 0; c < 256; c++) { /* exactly 64 octets are letters */
    char text[4] = {'A', 0, 'A', 'A'};
    uint8_t out[3];
    const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    text[1] = (char)c;
    assert_int_equal(tern__base64_decode(out, text, 4) == 3, memchr(alphabet, c, 64) != NULL);
  }
}

static void length_does_not_overflow(void **state)
{
  (void)state;
  assert_int_equal(tern__base64_length(0), 0);
  assert_int_equal(tern__base64_length(1), 4);
  assert_true(tern__base64_length(SIZE_MAX) == SIZE_MAX);
  assert_true(tern__base64_length(SIZE_MAX / 4 * 3) >= SIZE_MAX / 4 * 3);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(vectors_of_rfc_4648),
    cmocka_unit_test(pieces_join_and_read_back),
    cmocka_unit_test(malformed_is_refused),
    cmocka_unit_test(length_does_not_overflow),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
