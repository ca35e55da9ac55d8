#define _POSIX_C_SOURCE 200809L /* mkstemp, fdopen */
/* delivery_sts_test.c - MTA-STS: records, policies, patterns, the cache in memory and in its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/sts_cache.h"

#define COUNT(a) (sizeof (a) / sizeof (a)[0])

static void records(void **state)
{
  static const struct {
    const char *text, *id;
  } table[] = {
      {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
      {"v=STSv1; id=1", "1"},
      {"v=STSv1;id=1;", "1"},
      {"v=STSv1 ;\tid = 1 ; x=y", "1"},
      {"v=STSv1; a=b; id=7; c=d;", "7"},
      {"v=STSv1; id=12345678901234567890123456789012;", "12345678901234567890123456789012"},
      {"v=STSv1; id=123456789012345678901234567890123;", NULL},
      {"v=STSv1;", NULL},
      {"v=STSv1; id=;", NULL},
      {"v=STSv1; id=a-b;", NULL},
      {"v=STSv1; id=1; id=2;", NULL},
      {"v=STSv1; id=1;; x=y", NULL},
      {"v=STSv1; id=1; =x", NULL},
      {"v=STSv1; id=1; x", NULL},
      {"v=STSv1; id=1; x=a b", NULL},
      {"v=STSv2; id=1;", NULL},
      {"v=STSv1", NULL},
      {" v=STSv1; id=1;", NULL},
      {"id=1; v=STSv1;", NULL},
      {"", NULL},
  };
  char id[TERN__STS_ID_MAX];
  size_t i;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    tern_status st = tern__sts_read_record(table[i].text, strlen(table[i].text), id);
    assert_int_equal(st, table[i].id ? TERN_OK : TERN_E_CONTENT);
    assert_string_equal(id, table[i].id ? table[i].id : "");
  }
  assert_true(tern__sts_is_record("v=STSv1;", 8));
  assert_false(tern__sts_is_record("v=STSv10;", 9));
  assert_false(tern__sts_is_record("v=spf1 -all", 11));
}

#define GOOD "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"

static void policies(void **state)
{
  static const struct {
    const char *text;
    tern_status status;
    uint32_t mode, age, count;
  } table[] = {
      {GOOD, TERN_OK, TERN__STS_ENFORCE, 604800, 2},
      {"version: STSv1\nmode: testing\nmx: a.b\nmax_age: 1\n", TERN_OK, TERN__STS_TESTING, 1, 1},
      {"max_age:5\nmx:a.b\nmode:enforce\nversion:STSv1", TERN_OK, TERN__STS_ENFORCE, 5, 1},
      {"version: STSv1\nmode: none\nmax_age: 86400\n", TERN_OK, TERN__STS_NONE, 86400, 0},
      {"version: STSv1\nmode: enforce\nmode: none\nmx: a.b\nmax_age: 2\nmax_age: 3\n", TERN_OK,
       TERN__STS_ENFORCE, 2, 1},
      {"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 9999999999\n", TERN_OK, TERN__STS_ENFORCE,
       TERN__STS_AGE_MAX, 1},
      {"version: STSv1\nmode: enforce\nnew_field: what ever\nmx: a.b\nmax_age: 2\n\n", TERN_OK,
       TERN__STS_ENFORCE, 2, 1},
      {"version: STSv1\nmode: enforce\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmode: enforce\nmx: a.b\n", TERN_E_CONTENT, 0, 0, 0},
      {"mode: enforce\nmx: a.b\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmx: a.b\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv2\nmode: enforce\nmx: a.b\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmode: Enforce\nmx: a.b\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmode: enforce\nmx: *\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmode: enforce\nmx: a.b.\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -2\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 12345678901\n", TERN_E_CONTENT, 0, 0, 0},
      {"version: STSv1\nno colon\nmode: none\nmax_age: 2\n", TERN_E_CONTENT, 0, 0, 0},
      {"<html>404</html>", TERN_E_CONTENT, 0, 0, 0},
      {"", TERN_E_CONTENT, 0, 0, 0},
  };
  tern__sts_policy p;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    assert_int_equal(tern__sts_read_policy(table[i].text, strlen(table[i].text), &p),
                     table[i].status);
    if (table[i].status != TERN_OK) continue;
    assert_int_equal(p.mode, table[i].mode);
    assert_int_equal(p.max_age, table[i].age);
    assert_int_equal(p.count, table[i].count);
  }
}

static void bounds(void **state)
{
  char *text = calloc(1, TERN__STS_POLICY_MAX + 2);
  tern__sts_policy p;
  size_t i, n;

  (void)state;
  memset(text, '\n', TERN__STS_POLICY_MAX + 1);
  assert_int_equal(tern__sts_read_policy(text, TERN__STS_POLICY_MAX, &p), TERN_E_CONTENT);
  assert_int_equal(tern__sts_read_policy(text, TERN__STS_POLICY_MAX + 1, &p), TERN_E_BUFFER);
  n = (size_t)sprintf(text, "version: STSv1\nmode: enforce\nmax_age: 1\n");
  for (i = 0; i < TERN__STS_PATTERNS_MAX; i++) n += (size_t)sprintf(text + n, "mx: a%u.b\n", (unsigned)i);
  assert_int_equal(tern__sts_read_policy(text, n, &p), TERN_OK);
  n += (size_t)sprintf(text + n, "mx: c.b\n");
  assert_int_equal(tern__sts_read_policy(text, n, &p), TERN_E_BUFFER);
  free(text);
}

static void patterns(void **state)
{
  static const struct {
    const char *host;
    int covered;
  } table[] = {
      {"mail.example.com", 1}, {"mail2.example.com", 0}, {"example.net", 0},
      {"a.example.net", 1},    {"a.b.example.net", 0},   {".example.net", 0},
      {"aexample.net", 0},     {"", 0},                  {"a.example.net.evil.org", 0},
  };
  tern__sts_policy p;
  size_t i;

  (void)state;
  assert_int_equal(tern__sts_read_policy(GOOD, sizeof GOOD - 1, &p), TERN_OK);
  for (i = 0; i < COUNT(table); i++)
    assert_int_equal(tern__sts_covers(&p, table[i].host), table[i].covered);
}

/* ---- cache ---------------------------------------------------------------------------------------*/
static tern_sts_policy entry(const char *id, uint64_t expires, const char *policy)
{
  tern_sts_policy p = {id, expires, policy, strlen(policy)};

  return p;
}

static void memory(void **state)
{
  tern__sts_cache cache = {NULL, NULL, 0, NULL};
  tern_sts_policy in = entry("1", 100, GOOD), out;
  char domain[32];
  uint32_t i;

  (void)state;
  assert_int_equal(tern__sts_cache_get(&cache, "a.b", &out), TERN_E_STATE);
  assert_int_equal(tern__sts_cache_put(&cache, "a.b", &in), TERN_OK);
  in = entry("2", 200, "x");
  assert_int_equal(tern__sts_cache_put(&cache, "a.b", &in), TERN_OK);
  assert_int_equal(cache.count, 1);
  assert_int_equal(tern__sts_cache_get(&cache, "a.b", &out), TERN_OK);
  assert_string_equal(out.id, "2");
  assert_int_equal(out.expires, 200);
  assert_int_equal(out.len, 1);
  for (i = 0; i < TERN__STS_CACHE_MAX; i++) {
    sprintf(domain, "d%u.b", i);
    in = entry("3", 1000 + i, "y");
    assert_int_equal(tern__sts_cache_put(&cache, domain, &in), TERN_OK);
  }
  assert_int_equal(cache.count, TERN__STS_CACHE_MAX);
  assert_int_equal(tern__sts_cache_get(&cache, "a.b", &out), TERN_E_STATE); /* the soonest went */
  assert_int_equal(tern__sts_cache_get(&cache, "d0.b", &out), TERN_OK);
  tern__sts_cache_free(&cache);
}

static void file(void **state)
{
  char path[] = "/tmp/tern-sts-XXXXXX";
  tern__sts_cache a = {NULL, NULL, 0, NULL}, b = {NULL, NULL, 0, NULL};
  tern_sts_policy in = entry("1", 123456789012u, GOOD), out;
  FILE *f;

  (void)state;
  f = fdopen(mkstemp(path), "w");
  assert_non_null(f);
  fclose(f);
  assert_int_equal(tern__sts_cache_file(&a, path), TERN_OK); /* empty: as good as absent */
  assert_int_equal(tern__sts_cache_put(&a, "example.com", &in), TERN_OK);
  in = entry("2", 7, "");
  assert_int_equal(tern__sts_cache_put(&a, "example.net", &in), TERN_OK);
  assert_int_equal(tern__sts_cache_file(&b, path), TERN_OK);
  assert_int_equal(b.count, 2);
  assert_int_equal(tern__sts_cache_get(&b, "example.com", &out), TERN_OK);
  assert_string_equal(out.id, "1");
  assert_int_equal(out.expires, 123456789012u);
  assert_int_equal(out.len, sizeof GOOD - 1);
  assert_memory_equal(out.policy, GOOD, out.len);
  tern__sts_cache_free(&a);
  tern__sts_cache_free(&b);
  f = fopen(path, "w");
  fputs("something else\n", f);
  fclose(f);
  assert_int_equal(tern__sts_cache_file(&a, path), TERN_E_CONFIG);
  tern__sts_cache_free(&a);
  remove(path);
}

static void broken_files(void **state)
{
  static const struct {
    const char *text;
    size_t kept;
    tern_status status;
  } table[] = {
      {"tern-sts 1\n", 0, TERN_OK},
      {"tern-sts 1\na.b 1 5 3\nabc\n", 1, TERN_OK},
      {"tern-sts 1\na.b 1 5 3\nabc\nc.d 1 5 9\nabc\n", 1, TERN_E_CONFIG},
      {"tern-sts 1\na.b 1 5 3\nabc", 0, TERN_E_CONFIG},
      {"tern-sts 1\na.b 1 x 3\nabc\n", 0, TERN_E_CONFIG},
      {"tern-sts 1\na.b  5 3\nabc\n", 0, TERN_E_CONFIG},
      {"tern-sts 1\na.b 1 5 99999999999\nabc\n", 0, TERN_E_CONFIG},
      {"tern-sts 1\na.b 1 5 18446744073709551615\nabc\n", 0, TERN_E_CONFIG},
      {"tern-sts 2\n", 0, TERN_E_CONFIG},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    tern__sts_cache cache = {NULL, NULL, 0, NULL};
    assert_int_equal(tern__sts_cache_read(&cache, table[i].text, strlen(table[i].text)),
                     table[i].status);
    assert_int_equal(cache.count, table[i].kept);
    tern__sts_cache_free(&cache);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records), cmocka_unit_test(policies), cmocka_unit_test(bounds),
      cmocka_unit_test(patterns), cmocka_unit_test(memory),   cmocka_unit_test(file),
      cmocka_unit_test(broken_files),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
