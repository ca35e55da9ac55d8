/* delivery_route_test.c - domains of recipients, addresses, the order of MX hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/route.h"

#define COUNT(a) (sizeof (a) / sizeof (a)[0])

/* ---- domains -------------------------------------------------------------------------------------*/
static void domains(void **state)
{
  static const struct {
    const char *mailbox, *domain;
    uint32_t kind;
    tern_status status;
  } table[] = {
      {"bob@example.net", "example.net", TERN__DOMAIN_NAME, TERN_OK},
      {"bob@EXAMPLE.Net", "example.net", TERN__DOMAIN_NAME, TERN_OK},
      {"\"a@b\"@example.net", "example.net", TERN__DOMAIN_NAME, TERN_OK},
      {"bob@[192.0.2.1]", "192.0.2.1", TERN__DOMAIN_LITERAL, TERN_OK},
      {"bob@[IPv6:2001:DB8::1]", "2001:db8::1", TERN__DOMAIN_LITERAL, TERN_OK},
      {"bob@[x:general]", NULL, TERN__DOMAIN_LITERAL, TERN_E_ADDRESS},
      {"postmaster", NULL, TERN__DOMAIN_NAME, TERN_E_ADDRESS},
#ifdef TERN_HAVE_LIBIDN2
      {"bob@münchen.example", "xn--mnchen-3ya.example", TERN__DOMAIN_NAME, TERN_OK},
      {"bob@MÜNCHEN.example", "xn--mnchen-3ya.example", TERN__DOMAIN_NAME, TERN_OK},
      {"bob@straße.example", "xn--strae-oqa.example", TERN__DOMAIN_NAME, TERN_OK},
      {"bob@\xe2\x80\x8d.example", NULL, TERN__DOMAIN_NAME, TERN_E_ADDRESS},
#else
      {"bob@münchen.example", NULL, TERN__DOMAIN_NAME, TERN_E_UNSUPPORTED},
#endif
  };
  char out[TERN__DOMAIN_MAX];
  uint32_t kind;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    assert_int_equal(tern__domain_of(table[i].mailbox, out, &kind), table[i].status);
    assert_int_equal(kind, table[i].kind);
    if (table[i].domain) assert_string_equal(out, table[i].domain);
  }
  assert_int_equal(tern__domain_fold("Example.ORG.", out), TERN_OK);
  assert_string_equal(out, "example.org");
  assert_int_equal(tern__domain_fold("", out), TERN_E_ADDRESS);
  assert_int_equal(tern__domain_fold(".", out), TERN_OK); /* the root: it has no dot less */
}

static void rules(void **state)
{
  (void)state;
  assert_true(tern__domain_matches("*", "example.org") > 0);
  assert_true(tern__domain_matches(".example.org", "a.example.org") >
              tern__domain_matches(".org", "a.example.org"));
  assert_true(tern__domain_matches(".org", "a.example.org") >
              tern__domain_matches("*", "a.example.org"));
  assert_true(tern__domain_matches("a.example.org", "a.example.org") >
              tern__domain_matches(".example.org", "a.example.org"));
  assert_int_equal(tern__domain_matches(".example.org", "example.org"), 0);
  assert_int_equal(tern__domain_matches("example.org", "badexample.org"), 0);
}

/* ---- addresses -----------------------------------------------------------------------------------*/
static void addresses(void **state)
{
  static const struct {
    const char *in, *out;
    int open;
  } table[] = {
      {"192.0.2.1", "192.0.2.1", 1},
      {"[192.0.2.1]", "192.0.2.1", 1},
      {"0.0.0.0", "0.0.0.0", 0},
      {"0.1.2.3", "0.1.2.3", 0},
      {"10.1.2.3", "10.1.2.3", 0},
      {"100.63.255.255", "100.63.255.255", 1},
      {"100.64.0.1", "100.64.0.1", 0},
      {"127.0.0.1", "127.0.0.1", 0},
      {"127.255.0.9", "127.255.0.9", 0},
      {"169.254.1.1", "169.254.1.1", 0},
      {"172.15.0.1", "172.15.0.1", 1},
      {"172.16.0.1", "172.16.0.1", 0},
      {"172.31.9.9", "172.31.9.9", 0},
      {"172.32.0.1", "172.32.0.1", 1},
      {"192.168.0.1", "192.168.0.1", 0},
      {"224.0.0.1", "224.0.0.1", 0},
      {"255.255.255.255", "255.255.255.255", 0},
      {"::", "::", 0},
      {"::1", "::1", 0},
      {"[IPv6:::1]", "::1", 0},
      {"2001:db8::1", "2001:db8::1", 1},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", 1},
      {"2001:0db8:0000:0001:0001:0001:0001:0001", "2001:db8:0:1:1:1:1:1", 1},
      {"fe80::1", "fe80::1", 0},
      {"febf::1", "febf::1", 0},
      {"fec0::1", "fec0::1", 0},
      {"fc00::1", "fc00::1", 0},
      {"fdff::1", "fdff::1", 0},
      {"ff02::1", "ff02::1", 0},
      {"::ffff:127.0.0.1", "::ffff:7f00:1", 0},
      {"::ffff:192.0.2.1", "::ffff:c000:201", 1},
      {"64:ff9b::10.0.0.1", "64:ff9b::a00:1", 0},
      {"2002:7f00:1::", "2002:7f00:1::", 0},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 1},
      {"1::", "1::", 1},
      {"192.0.2", NULL, 0},
      {"192.0.2.256", NULL, 0},
      {"192.0.2.1.5", NULL, 0},
      {"192.0.2.0001", NULL, 0},
      {"[192.0.2.1", NULL, 0},
      {"1:2:3:4:5:6:7", NULL, 0},
      {"1:2:3:4:5:6:7:8:9", NULL, 0},
      {"1::2::3", NULL, 0},
      {"1:2:3:4:5:6:7:8::", NULL, 0},
      {":1", NULL, 0},
      {"1:", NULL, 0},
      {"12345::", NULL, 0},
      {"::1.2.3", NULL, 0},
      {"example.org", NULL, 0},
      {"", NULL, 0},
  };
  uint8_t octets[16];
  char out[64];
  size_t i, len;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    len = tern__address_read(table[i].in, octets);
    if (!table[i].out) {
      assert_int_equal(len, 0);
      continue;
    }
    assert_true(len == 4 || len == 16);
    tern__address_write(octets, len, out, sizeof out);
    assert_string_equal(out, table[i].out);
    assert_int_equal(tern__address_public(octets, len), table[i].open);
  }
}

/* ---- order ---------------------------------------------------------------------------------------*/
static tern_status ordered(void *user, uint8_t *out, size_t len)
{
  uint32_t *seed = user;
  size_t i;

  for (i = 0; i < len; i++) {
    *seed = *seed * 1103515245u + 12345u;
    out[i] = (uint8_t)(*seed >> 16);
  }
  return TERN_OK;
}

static tern_status no_random(void *user, uint8_t *out, size_t len)
{
  (void)user;
  memset(out, 0, len);
  return TERN_E_RANDOM;
}

static int own(void *user, const char *name)
{
  return !strcmp(name, user);
}

/* "10 a, 20 b" -> the list; "." is the root. */
static size_t parse(const char *text, tern__mx *mx, char store[][16])
{
  size_t n = 0, k;

  while (*text) {
    mx[n].preference = 0;
    while (*text >= '0' && *text <= '9') mx[n].preference = mx[n].preference * 10 + (uint32_t)(*text++ - '0');
    while (*text == ' ') text++;
    for (k = 0; *text && *text != ','; text++)
      if (*text != '.') store[n][k++] = *text;
    store[n][k] = 0;
    mx[n].host = store[n];
    n++;
    while (*text == ',' || *text == ' ') text++;
  }
  return n;
}

static void order(void **state)
{
  static const struct {
    const char *in, *own, *out;
    tern_status status;
  } table[] = {
      {"10 a", "", "a", TERN_OK},
      {"20 b, 10 a, 30 c", "", "abc", TERN_OK},
      {"0 .", "", "", TERN_E_NULL_MX},
      {"10 .", "", "", TERN_E_NULL_MX},
      {"0 ., 10 a", "", "a", TERN_OK}, /* no null MX: those stand alone (RFC 7505 3) */
      {"0 ., 0 .", "", "", TERN_E_HOST},
      {"", "", "", TERN_E_HOST},
      {"10 a, 20 a, 5 b", "", "ba", TERN_OK},
      {"10 a, 20 us, 30 c", "us", "a", TERN_OK},
      {"10 us, 20 a", "us", "", TERN_E_ROUTING},
      {"10 a, 10 us, 5 b", "us", "b", TERN_OK},
      {"10 a, 10 us", "us", "", TERN_E_ROUTING},
  };
  tern__mx mx[8];
  char store[8][16], got[16];
  uint32_t seed = 1;
  size_t i, j, n;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    n = parse(table[i].in, mx, store);
    assert_int_equal(tern__mx_order(mx, &n, own, (void *)(uintptr_t)table[i].own, ordered, &seed),
                     table[i].status);
    if (table[i].status != TERN_OK) continue;
    for (j = 0; j < n; j++) got[j] = mx[j].host[0];
    got[n] = 0;
    assert_string_equal(got, table[i].out);
  }
  n = parse("10 a, 10 b", mx, store);
  assert_int_equal(tern__mx_order(mx, &n, NULL, NULL, no_random, NULL), TERN_E_RANDOM);
}

/* Each of four equals comes first about as often as the others; a preferred one always does. */
static void shuffled(void **state)
{
  int first[4] = {0};
  uint32_t seed = 7;
  size_t n;
  int i;

  (void)state;
  for (i = 0; i < 4000; i++) {
    tern__mx mx[8];
    char store[8][16];
    n = parse("20 a, 20 b, 20 c, 20 d, 10 x", mx, store);
    assert_int_equal(tern__mx_order(mx, &n, NULL, NULL, ordered, &seed), TERN_OK);
    assert_int_equal(n, 5);
    assert_string_equal(mx[0].host, "x");
    first[mx[1].host[0] - 'a']++;
  }
  for (i = 0; i < 4; i++) assert_in_range(first[i], 800, 1200);
}

static void many(void **state)
{
  static char names[300][8];
  static tern__mx mx[300];
  uint32_t seed = 3;
  size_t i, n = 300;

  (void)state;
  for (i = 0; i < n; i++) {
    names[i][0] = 'h';
    names[i][1] = (char)('a' + i / 26);
    names[i][2] = (char)('a' + i % 26);
    mx[i].host = names[i];
    mx[i].preference = (uint32_t)(1000 - i);
  }
  assert_int_equal(tern__mx_order(mx, &n, NULL, NULL, ordered, &seed), TERN_OK);
  assert_int_equal(n, TERN__MX_MAX);
  assert_int_equal(mx[0].preference, 701);
}

static void joined(void **state)
{
  static const struct {
    const char *a, *b;
    int same;
  } table[] = {
      {"10 a, 20 b", "10 a, 20 b", 1},
      {"10 a, 20 b", "1 a, 2 b", 1},
      {"10 a, 10 b", "5 b, 5 a", 1},
      {"10 a, 10 b", "5 b, 6 a", 0},
      {"10 a, 20 b", "10 b, 20 a", 0},
      {"10 a", "10 a, 20 b", 0},
      {"10 a, 20 b, 20 c", "1 a, 2 c, 2 b", 1},
      {"10 a, 20 b, 20 c", "1 a, 2 c, 2 d", 0},
      {"10 a, 10 b, 20 c", "1 a, 2 b, 2 c", 0},
  };
  tern__mx a[8], b[8];
  char as[8][16], bs[8][16];
  size_t i, an, bn;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    an = parse(table[i].a, a, as);
    bn = parse(table[i].b, b, bs);
    assert_int_equal(tern__mx_same(a, an, b, bn), table[i].same);
    assert_int_equal(tern__mx_same(b, bn, a, an), table[i].same);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(domains), cmocka_unit_test(rules),    cmocka_unit_test(addresses),
      cmocka_unit_test(order),   cmocka_unit_test(shuffled), cmocka_unit_test(many),
      cmocka_unit_test(joined),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
