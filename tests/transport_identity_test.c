/* transport_identity_test.c - RFC 9525: which subjectAltName is which host; names a host may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/host.h"
#include "transport/identity.h"
#include "base/words.h"

/* A literal with its length, NULs included. */
#define S(text) text, sizeof(text) - 1
#define DNS(len, text) "\x82" len text
#define IP4(octets) "\x87\x04" octets

static void test_match(void **state)
{
  static const struct {
    const char *host;
    const char *san; /* GeneralNames, DER */
    size_t len;
    int match;
  } cases[] = {
    {"mx.example.test", S(DNS("\x0f", "mx.example.test")), 1},
    {"MX.Example.TEST", S(DNS("\x0f", "mx.eXample.test")), 1},
    {"mx.example.test.", S(DNS("\x0f", "mx.example.test")), 1},
    {"mx.example.test", S(DNS("\x10", "mx.example.test.")), 0},
    {"mx.example.test", S(DNS("\x01", "a") DNS("\x0f", "mx.example.test")), 1},
    {"mx.example.test", S(DNS("\x0f", "my.example.test")), 0},
    {"mx.example.test", S(DNS("\x0e", "x.example.test")), 0},
    {"mx.example.test", S(DNS("\x0c", "example.test")), 0},
    {"example.test", S(DNS("\x0f", "mx.example.test")), 0},
    /* wildcards: one whole leftmost label, two labels behind it */
    {"mx.example.test", S(DNS("\x0e", "*.example.test")), 1},
    {"mx.EXAMPLE.test", S(DNS("\x0e", "*.example.TEST")), 1},
    {"a.mx.example.test", S(DNS("\x0e", "*.example.test")), 0},
    {"example.test", S(DNS("\x0e", "*.example.test")), 0},
    {"example.test", S(DNS("\x06", "*.test")), 0},
    {"test", S(DNS("\x01", "*")), 0},
    {"mx.example.test", S(DNS("\x01", "*")), 0},
    {"mx.example.test", S(DNS("\x10", "m*.example.test")), 0},
    {"mx.example.test", S(DNS("\x0f", "m*.example.test")), 0},
    {"mx.example.test", S(DNS("\x0f", "*x.example.test")), 0},
    {"mx.example.test", S(DNS("\x09", "mx.*.test")), 0},
    {"mx.example.test", S(DNS("\x08", "*.*.test")), 0},
    {"*.example.test", S(DNS("\x0e", "*.example.test")), 0},
    {"mx.example.test", S(DNS("\x02", "*.")), 0},
    /* octets that no name has */
    {"mx.example.test", S(DNS("\x15", "mx.example.test\0.evil")), 0},
    {"mx.example.test", S(DNS("\x10", "mx.example.test\0")), 0},
    {"mx.example.test", S(DNS("\x00", "")), 0},
    /* addresses are compared as octets, with addresses only */
    {"127.0.0.1", S(IP4("\x7f\0\0\x01")), 1},
    {"[127.0.0.1]", S(IP4("\x7f\0\0\x01")), 1},
    {"127.0.0.1", S(IP4("\x7f\0\0\x02")), 0},
    {"127.0.0.1", S(DNS("\x09", "127.0.0.1")), 0},
    {"127.0.0.1", S("\x82\x04\x7f\0\0\x01"), 0},
    {"127.0.0.1", S("\x87\x05\x7f\0\0\x01\0"), 0},
    {"mx.example.test", S("\x87\x0fmx.example.test"), 0},
    {"::1", S("\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"), 1},
    {"[::1]", S("\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"), 1},
    {"0:0::0:1%lo", S("\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"), 1},
    {"2001:db8::A:b", S("\x87\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\x0a\0\x0b"), 1},
    {"::ffff:127.0.0.1", S("\x87\x10\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x01"), 1},
    {"::ffff:127.0.0.1", S(IP4("\x7f\0\0\x01")), 0},
    /* other kinds of name, and rubbish, are none */
    {"mx.example.test", S("\x81\x0fmx.example.test"), 0},
    {"mx.example.test", S("\x86\x0fmx.example.test"), 0},
    {"mx.example.test",
     S("\x81\x03"
       "a@b" DNS("\x0f", "mx.example.test")),
     1},
    {"mx.example.test", S("\x82\x20mx.example.test"), 0},
    {"mx.example.test", S("\x82\x81\x0fmx.example.test"), 1},
    {"mx.example.test", S("\x82\x80mx.example.test"), 0},
    {"mx.example.test", S("\x82\x85\0\0\0\0\x0fmx.example.test"), 0},
    {"mx.example.test", S("\x82"), 0},
    {"mx.example.test", S(""), 0},
    {"mx.example.test", NULL, 0, 0},
    /* hosts that no certificate can bear */
    {"127.1", S(DNS("\x05", "127.1")), 0},
    {"0x7f000001", S(DNS("\x0a", "0x7f000001")), 0},
    {"127.0.0.01", S(DNS("\x0a", "127.0.0.01")), 0},
    {"a.1", S(DNS("\x03", "a.1")), 0},
    {"a..b", S(DNS("\x04", "a..b")), 0},
    {"", S(DNS("\x00", "")), 0},
    {".", S(DNS("\x01", ".")), 0},
    {"m\xc3\xbcller.example.test", S(DNS("\x14", "m\xc3\xbcller.example.test")), 0},
    {"m\xc3\xbcller.example.test", S(DNS("\x0e", "*.example.test")), 0},
    {"a b.example.test", S(DNS("\x0e", "*.example.test")), 0},
    {NULL, S(DNS("\x00", "")), 0},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern__identity identity;
    /* a copy of its exact size: a sanitizer sees an octet read too far */
    uint8_t *san = cases[i].san == NULL ? NULL : malloc(cases[i].len + (cases[i].len == 0));
    int match;

    if (san != NULL) memcpy(san, cases[i].san, cases[i].len);
    tern__identity_read(&identity, cases[i].host);
    match = tern__identity_match(&identity, san, cases[i].len);
    if (match != cases[i].match)
      fail_msg("case %u, host %s: %d", (unsigned)i, cases[i].host, match);
    free(san);
  }
}

static void test_addresses(void **state)
{
  static const struct {
    const char *text;
    size_t len; /* 0: no address */
  } cases[] = {{"1.2.3.4", 4},
               {"255.255.255.255", 4},
               {"256.1.1.1", 0},
               {"1.2.3", 0},
               {"1.2.3.4.5", 0},
               {"1.2.3.", 0},
               {".1.2.3", 0},
               {"01.2.3.4", 0},
               {"1.2.3.4 ", 0},
               {"::", 16},
               {"1::", 16},
               {"::1:2:3:4:5:6:7", 16},
               {"1:2:3:4:5:6:7:8", 16},
               {"1:2:3:4:5:6:7", 0},
               {"1:2:3:4:5:6:7:8:9", 0},
               {"1:2:3:4:5:6:7::", 16},
               {"::2:3:4:5:6:7:8:9", 0},
               {"1::2::3", 0},
               {":1", 0},
               {"1:", 0},
               {":::", 0},
               {"12345::", 0},
               {"g::", 0},
               {"1:2:3:4:5:6:1.2.3.4", 16},
               {"1:2:3:4:5:6:7:1.2.3.4", 0},
               {"::1.2.3", 0},
               {"[::1", 0}};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern__identity identity;

    tern__identity_read(&identity, cases[i].text);
    if (identity.ip_len != cases[i].len ||
        (identity.kind == TERN__IDENTITY_IP) != (cases[i].len != 0))
      fail_msg("%s: %u octets", cases[i].text, (unsigned)identity.ip_len);
  }
}

static void test_san_is_found_among_extensions(void **state)
{
  static const struct {
    const char *der;
    size_t len;
    size_t san; /* length of the GeneralNames; SIZE_MAX: none */
  } cases[] = {
    {S("\x30\x0c\x30\x0a\x06\x03\x55\x1d\x11\x04\x03\x30\x01\x82"), 1},
    {S("\x30\x0f\x30\x0d\x06\x03\x55\x1d\x11\x01\x01\xff\x04\x03\x30\x01\x82"), 1},
    {S("\x30\x15\x30\x07\x06\x03\x55\x1d\x0f\x04\x00\x30\x0a\x06\x03\x55\x1d\x11\x04\x03\x30\x01"
       "\x82"),
     1},
    {S("\x30\x09\x30\x07\x06\x03\x55\x1d\x0f\x04\x00"), SIZE_MAX},
    {S("\x30\x0c\x30\x0a\x06\x03\x55\x1d\x11\x04\x03\x30\x01"), SIZE_MAX},
    {S("\x30\x0c\x30\x0a\x06\x03\x55\x1d\x11\x04\x03\x31\x01\x82"), SIZE_MAX},
    {S("\x30\x07\x30\x05\x06\x03\x55\x1d\x11"), SIZE_MAX},
    {S("\x30\x0a\x30\x08\x06\x03\x55\x1d\x11\x01\x01\xff"), SIZE_MAX},
    {S("\x31\x00"), SIZE_MAX},
    {S("\x30"), SIZE_MAX},
    {S(""), SIZE_MAX},
  };
  size_t i, len;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t *der = malloc(cases[i].len + (cases[i].len == 0));
    const uint8_t *san;

    memcpy(der, cases[i].der, cases[i].len);
    san = tern__identity_san(der, cases[i].len, &len);
    if ((san == NULL) != (cases[i].san == SIZE_MAX) || (san != NULL && len != cases[i].san))
      fail_msg("case %u", (unsigned)i);
    free(der);
  }
  assert_null(tern__identity_san(NULL, 0, &len));
}

static void test_names_for_people(void **state)
{
  static const char san[] = DNS("\x09", "a.example")
    IP4("\xc0\0\x02\x01") "\x87\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                          "\x81\x03"
                          "a@b" DNS("\x03", "b\n\0");
  char out[80];

  (void)state;
  assert_int_equal(tern__identity_list((const uint8_t *)san, sizeof san - 1, out, sizeof out), 4);
  assert_string_equal(out, "a.example, 192.0.2.1, 2001:db8:0:0:0:0:0:1, b??");
  assert_int_equal(tern__identity_list((const uint8_t *)san, sizeof san - 1, out, 30), 4);
  assert_string_equal(out, "a.example, 192.0.2.1, ...");
  assert_int_equal(tern__identity_list((const uint8_t *)san, sizeof san - 1, out, 8), 4);
  assert_string_equal(out, "...");
  assert_int_equal(tern__identity_list((const uint8_t *)san, sizeof san - 1, out, 1), 4);
  assert_string_equal(out, "");
  assert_int_equal(tern__identity_list(NULL, 0, out, sizeof out), 0);
  assert_int_equal(tern__words_clean(out, 4, "a\x1b\x80zz", 5), 3);
  assert_string_equal(out, "a??");
  assert_string_equal(tern__words_errno(99999, out, sizeof out), "error 99999");
}

static void test_host_names_worth_saying(void **state)
{
  static const struct {
    const char *name;
    int usable;
  } cases[] = {{"mx.example.org", 1},
               {"a-1.example", 1},
               {"MX.EXAMPLE.ORG", 1},
               {"host", 0},
               {"", 0},
               {"localhost", 0},
               {"host.local", 0},
               {"host.LOCALDOMAIN", 0},
               {"localhost.localdomain", 0},
               {"localhost.example", 0},
               {"x.localhost", 0},
               {"host.example.", 0},
               {".host.example", 0},
               {"a..b", 0},
               {"-a.example", 0},
               {"a-.example", 0},
               {"a_b.example", 0},
               {"10.0.0.1", 0},
               {"a b.example", 0},
               {"a\r\nb.example", 0},
               {"h\xc3\xb6st.example", 0}};
  char out[256];
  size_t i, len;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++)
    if (tern__host_name_usable(cases[i].name, strlen(cases[i].name)) != cases[i].usable)
      fail_msg("%s", cases[i].name);
  len = tern__host_name(out, sizeof out); /* whatever this machine is called */
  assert_int_equal(len, strlen(out));
  assert_true(len == 0 || tern__host_name_usable(out, len));
  assert_int_equal(tern__host_name(out, 1), 0);
  assert_int_equal(tern__host_name(NULL, 0), 0);
}

static void test_host_randomness(void **state)
{
  uint8_t a[600] = {0}, b[600] = {0};

  (void)state;
  assert_int_equal(tern__host_random(NULL, a, sizeof a), TERN_OK);
  assert_int_equal(tern__host_random(NULL, b, sizeof b), TERN_OK);
  assert_memory_not_equal(a, b, 16);
  assert_memory_not_equal(a + 584, b + 584, 16); /* filled to the end */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_match),
    cmocka_unit_test(test_addresses),
    cmocka_unit_test(test_san_is_found_among_extensions),
    cmocka_unit_test(test_names_for_people),
    cmocka_unit_test(test_host_names_worth_saying),
    cmocka_unit_test(test_host_randomness),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
