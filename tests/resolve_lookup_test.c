/* resolve_lookup_test.c - the addresses of a host: what needs no question, the hosts file, and DNS from a
 * server of the test's own with a zone that is a table. Time is an argument of the step function. */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "base/host.h"
#include "fake_dns.h"
#include "resolve/hosts.h"
#include "resolve/lookup.h"
#include "resolve/resolver.h"

/* An answer: addresses separated by blanks, "" no data, "n" no such name, "f" the server fails, "-"
 * silence. What is not in the zone does not exist. */
typedef struct row {
  const char *name, *a, *aaaa;
} row;

static const row zone[] = {
  {"both.test", "127.0.0.1 127.0.0.2", "::1"},
  {"four.test", "127.0.0.1", ""},
  {"six.test", "", "::1"},
  {"none.test", "", ""},
  {"half.test", "127.0.0.1", "f"},
  {"half6.test", "f", "::1"},
  {"bad.test", "f", "f"},
  {"bad4.test", "f", ""},
  {"bad6.test", "", "f"},
  {"slow6.test", "127.0.0.1", "-"},
  {"slow4.test", "-", "::1"},
  {"slow.test", "-", "-"},
  {"mail.one.test", "127.0.0.11", "n"},
  {"mail.two.test", "127.0.0.12", "n"},
  {"only2.two.test", "127.0.0.22", "n"},
  {"a.b.two.test", "127.0.0.32", "n"},
  {"a.b", "127.0.0.42", "n"},
  {"top", "127.0.0.52", "n"},
  {"fails.one.test", "f", "f"},
  {"fails.two.test", "127.0.0.62", "n"},
  {"nodata.one.test", "", ""},
};

typedef struct bench {
  dns_server server;
  tern_resolver *resolver;
  tern__lookup *l;
  uint64_t now;
  char asked[1024]; /* names in the order of their AAAA questions */
} bench;

static bench b;

static int answer(void *user, dns_server *server, const char *name, uint32_t type, int tcp,
                  const uint8_t *request, size_t len, dns_message *reply)
{
  uint16_t id = (uint16_t)(request[0] << 8 | request[1]);
  const char *text = "n";
  char one[64];
  size_t i;

  (void)user, (void)server, (void)tcp, (void)len;
  if (type == 28) {
    strcat(b.asked, name);
    strcat(b.asked, " ");
  }
  for (i = 0; i < sizeof zone / sizeof *zone; i++)
    if (strcasecmp(zone[i].name, name) == 0) text = type == 28 ? zone[i].aaaa : zone[i].a;
  if (text[0] == '-') return 0;
  dns_begin(reply, id, DNS_GOOD | (text[0] == 'n' ? 3u : text[0] == 'f' ? 2u : 0u), name, type);
  while (text[0] != 0 && text[0] != 'n' && text[0] != 'f') {
    size_t n = strcspn(text, " ");

    snprintf(one, sizeof one, "%.*s", (int)n, text);
    if (type == 28)
      dns_aaaa(reply, name, one);
    else
      dns_a(reply, name, one);
    text += n + strspn(text + n, " ");
  }
  return 1;
}

/* search, ndots: over the host's, which glibc reads once in a process. */
static void set_up(const char *search, uint32_t ndots)
{
  char name[40];
  size_t n;

  memset(&b, 0, sizeof b);
  b.now = 1000;
  assert_true(dns_server_start(&b.server, "127.0.0.1", answer, NULL));
  b.resolver = tern_resolver_new(NULL);
  assert_int_equal(tern_resolver_set_server(b.resolver, dns_server_name(&b.server, name, 40)),
                   TERN_OK);
  assert_int_equal(tern_resolver_set_timeout(b.resolver, 1000), TERN_OK);
  assert_int_equal(tern_resolver_set_tries(b.resolver, 1), TERN_OK);
  assert_int_equal(tern_resolver_set_hosts(b.resolver, ""), TERN_OK);
  assert_int_equal(tern__resolver_refresh(b.resolver, b.now), TERN_OK);
  b.resolver->ndots = ndots;
  for (b.resolver->search_count = 0; (n = strcspn(search, " ")) > 0; search += n + strspn(search + n, " "))
    snprintf(b.resolver->search[b.resolver->search_count++], 256, "%.*s", (int)n, search);
}

static void tear_down(void)
{
  tern__lookup_free(b.l);
  tern_resolver_free(b.resolver);
  dns_server_stop(&b.server);
}

/* Steps with the clock standing, until nothing comes any more. */
static tern_status settle(void)
{
  tern_status status = TERN_E_AGAIN;
  tern__gather g;
  int i, quiet = 0;

  tern__gather_init(&g);
  for (i = 0; i < 500 && status == TERN_E_AGAIN && quiet < 3; i++) {
    status = tern__lookup_step(b.l, b.now);
    dns_server_move(&b.server);
    tern__gather_begin(&g);
    tern__lookup_gather(b.l, &g);
    tern__gather_end(&g);
    if (status == TERN_E_AGAIN && g.handle >= 0) {
      struct pollfd p = {g.handle, (short)((g.events & 2u) != 0 ? POLLOUT : POLLIN), 0};

      quiet = poll(&p, 1, 20) == 0 ? quiet + 1 : 0;
    }
  }
  tern__gather_close(&g);
  return status;
}

/* To the end; the clock is put to the deadline where nothing comes. */
static tern_status finish(void)
{
  tern_status status;
  int i;

  for (i = 0; i < 50; i++) {
    status = settle();
    if (status != TERN_E_AGAIN) return status;
    assert_true(tern__lookup_deadline(b.l) != TERN_NEVER);
    if (tern__lookup_deadline(b.l) > b.now) b.now = tern__lookup_deadline(b.l);
  }
  return TERN_E_AGAIN;
}

/* Takes what is ready, as text. */
static const char *taken(void)
{
  static char text[1024];
  const tern__sockaddr *list;
  size_t i, n = tern__lookup_take(b.l, &list);

  text[0] = 0;
  for (i = 0; i < n; i++) {
    char one[64];

    tern__sockaddr_name(&list[i], one, sizeof one);
    *strchr(one, ' ') = 0;
    if (i > 0) strcat(text, " ");
    strcat(text, one);
  }
  return text;
}

static int have6(void)
{
  tern__sockaddr a;
  int fd = socket(AF_INET6, SOCK_DGRAM, 0), good;

  assert_true(tern__sockaddr_literal("::1", 9, &a));
  good = fd >= 0 && connect(fd, &a.any, tern__sockaddr_length(&a)) == 0;
  if (fd >= 0) close(fd);
  return good;
}

static void test_names(void **state)
{
  static const struct {
    const char *host, *search;
    uint32_t ndots;
    tern_status status;
    const char *addresses, *asked;
  } cases[] = {
    {"both.test", "", 1, TERN_OK, "[::1] 127.0.0.1 127.0.0.2", "both.test "},
    {"BOTH.Test", "", 1, TERN_OK, "[::1] 127.0.0.1 127.0.0.2", NULL},
    {"four.test", "", 1, TERN_OK, "127.0.0.1", "four.test "},
    {"four.test.", "one.test", 1, TERN_OK, "127.0.0.1", "four.test "},
    {"six.test", "", 1, TERN_OK, "[::1]", "six.test "},
    {"none.test", "", 1, TERN_E_HOST, "", "none.test "},
    {"no.test", "", 1, TERN_E_HOST, "", "no.test "},
    {"half.test", "", 1, TERN_OK, "127.0.0.1", NULL}, /* one family's failure is missed by nobody */
    {"half6.test", "", 1, TERN_OK, "[::1]", NULL},
    {"bad.test", "", 1, TERN_E_RESOLVE, "", NULL},
    {"bad4.test", "", 1, TERN_E_RESOLVE, "", NULL}, /* there might be one */
    {"bad6.test", "", 1, TERN_E_RESOLVE, "", NULL},
    {"slow.test", "", 1, TERN_E_RESOLVE, "", NULL},
    {"slow6.test", "", 1, TERN_OK, "127.0.0.1", NULL},
    {"slow4.test", "", 1, TERN_OK, "[::1]", NULL},
    /* the search list */
    {"mail", "one.test two.test", 1, TERN_OK, "127.0.0.11", "mail.one.test "},
    {"only2", "one.test two.test", 1, TERN_OK, "127.0.0.22", "only2.one.test only2.two.test "},
    {"nope", "one.test two.test", 1, TERN_E_HOST, "", "nope.one.test nope.two.test nope "},
    {"top", "one.test", 1, TERN_OK, "127.0.0.52", "top.one.test top "},
    {"top.", "one.test", 1, TERN_OK, "127.0.0.52", "top "},
    {"a.b", "two.test", 1, TERN_OK, "127.0.0.42", "a.b "},
    {"a.b", "two.test", 2, TERN_OK, "127.0.0.32", "a.b.two.test "},
    {"a.x", "two.test", 1, TERN_E_HOST, "", "a.x a.x.two.test "},
    {"fails", "one.test two.test", 1, TERN_E_RESOLVE, "", NULL}, /* never on to another suffix */
    {"nodata", "one.test", 1, TERN_E_HOST, "", "nodata.one.test nodata "},
    {"not..good", "one.test", 1, TERN_E_HOST, "", ""},
    {"m\303\274.test", "", 1, TERN_E_HOST, "", ""},
    {"", "one.test", 1, TERN_E_HOST, "", ""},
    {"[four.test]", "", 1, TERN_E_HOST, "", ""},
    /* what is known without asking */
    {"192.0.2.1", "", 1, TERN_OK, "192.0.2.1", ""},
    {"::1", "", 1, TERN_OK, "[::1]", ""},
    {"[2001:db8::7]", "", 1, TERN_OK, "[2001:db8::7]", ""},
    {"localhost", "one.test", 1, TERN_OK, "[::1] 127.0.0.1", ""},
    {"LocalHost.", "", 1, TERN_OK, "[::1] 127.0.0.1", ""},
    {"a.localhost", "", 1, TERN_OK, "[::1] 127.0.0.1", ""},
    {"notlocalhost.test", "", 1, TERN_E_HOST, "", "notlocalhost.test "},
    {"mail.invalid", "", 1, TERN_E_HOST, "", ""},
    {"abc.onion", "", 1, TERN_E_HOST, "", ""},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_status status;
    const char *got;

    set_up(cases[i].search, cases[i].ndots);
    status = tern__lookup_open(b.resolver, NULL, cases[i].host, 25, b.now, TERN_NEVER, &b.l);
    assert_non_null(b.l);
    if (status == TERN_E_AGAIN) status = finish();
    got = taken();
    if (status != cases[i].status || (have6() && strcmp(got, cases[i].addresses) != 0))
      print_error("%s: %d, %s; asked %s; %s\n", cases[i].host, (int)status, got, b.asked,
                  tern__lookup_detail(b.l));
    assert_int_equal(status, cases[i].status);
    if (have6()) assert_string_equal(got, cases[i].addresses);
    if (cases[i].asked != NULL) assert_string_equal(b.asked, cases[i].asked);
    assert_int_equal(tern__lookup_step(b.l, b.now), status); /* final */
    assert_true(tern__lookup_deadline(b.l) == TERN_NEVER);
    assert_string_equal(taken(), "");
    assert_int_equal(tern__lookup_detail(b.l)[0] != 0, status != TERN_OK);
    tear_down();
  }
}

/* IPv6 is handed on at once; IPv4 after both are there, or 50 ms; what comes later still joins. */
static void test_one_family_is_slow(void **state)
{
  (void)state;
  set_up("", 1);
  assert_int_equal(tern__lookup_open(b.resolver, NULL, "slow4.test", 25, b.now, TERN_NEVER, &b.l),
                   TERN_E_AGAIN);
  assert_int_equal(settle(), TERN_E_AGAIN);
  assert_string_equal(taken(), "[::1]");
  b.now += 1000;
  assert_int_equal(settle(), TERN_OK); /* A timed out, AAAA is enough */
  assert_string_equal(taken(), "");
  tear_down();

  set_up("", 1);
  assert_int_equal(tern__lookup_open(b.resolver, NULL, "slow6.test", 25, b.now, TERN_NEVER, &b.l),
                   TERN_E_AGAIN);
  assert_int_equal(settle(), TERN_E_AGAIN);
  assert_string_equal(taken(), "");
  assert_true(tern__lookup_deadline(b.l) == 1050);
  b.now = 1049;
  assert_int_equal(settle(), TERN_E_AGAIN);
  assert_string_equal(taken(), "");
  b.now = 1050;
  assert_int_equal(settle(), TERN_E_AGAIN);
  assert_string_equal(taken(), "127.0.0.1");
  assert_true(tern__lookup_deadline(b.l) == 2000);
  b.now = 2000;
  assert_int_equal(settle(), TERN_OK);
  assert_string_equal(taken(), "");
  tear_down();
}

static void test_deadline(void **state)
{
  (void)state;
  set_up("", 1);
  assert_int_equal(tern__lookup_open(b.resolver, NULL, "slow.test", 25, b.now, 1300, &b.l),
                   TERN_E_AGAIN);
  assert_int_equal(settle(), TERN_E_AGAIN);
  assert_true(tern__lookup_deadline(b.l) == 1300);
  b.now = 1300;
  assert_int_equal(settle(), TERN_E_RESOLVE);
  assert_non_null(strstr(tern__lookup_detail(b.l), "no answer in time"));
  assert_non_null(strstr(tern__lookup_detail(b.l), "slow.test"));
  tear_down();
}

/* ---- the hosts file -------------------------------------------------------------------------------*/

static void test_hosts_lines(void **state)
{
  static const struct {
    const char *line, *address; /* of mail.test, or "" */
  } cases[] = {
    {"127.0.0.9 mail.test", "127.0.0.9 port 25"},
    {"  \t127.0.0.9\tother.test\tMAIL.Test\r", "127.0.0.9 port 25"},
    {"::1 mail.test # mine", "[::1] port 25"},
    {"127.0.0.9 other.test # mail.test", ""},
    {"# 127.0.0.9 mail.test", ""},
    {"127.0.0.9", ""},
    {"127.0.0.9 ", ""},
    {"", ""},
    {"   ", ""},
    {"mail.test 127.0.0.9", ""},
    {"127.0.0.9.1 mail.test", ""},
    {"127.0.0.9 mail.test.other mail.tes xmail.test", ""},
    {"[::1] mail.test", "[::1] port 25"},
  };
  char long_line[1200], name[64];
  tern__sockaddr a;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t len = strlen(cases[i].line);
    char *exact = malloc(len + 1); /* a sanitizer sees a read beyond */
    int found;

    memcpy(exact, cases[i].line, len);
    found = tern__hosts_line(exact, len, i % 2 ? "mail.test" : "mail.test.", 25, &a);
    free(exact);
    name[0] = 0;
    if (found) tern__sockaddr_name(&a, name, sizeof name);
    assert_string_equal(name, cases[i].address);
  }
  memset(long_line, '1', sizeof long_line);
  memcpy(long_line + 300, " mail.test", 10);
  assert_false(tern__hosts_line(long_line, 310, "mail.test", 25, &a));
  assert_int_equal(tern__hosts_find("/nonexistent/hosts", "mail.test", 25, &a, 1), 0);
  assert_int_equal(tern__hosts_find("", "mail.test", 25, &a, 1), 0);
}

static void test_hosts_file(void **state)
{
  static const struct {
    const char *host, *addresses;
    tern_status status;
  } cases[] = {{"both.test", "127.0.0.77 127.0.0.78", TERN_OK}, /* over DNS */
               {"localhost", "127.0.0.66", TERN_OK},
               {"mail.invalid", "127.0.0.65", TERN_OK},
               {"last.test", "127.0.0.99", TERN_OK}, /* without a line end */
               {"tail.test", "", TERN_E_HOST},       /* behind the 1,023rd octet: not a line of its own */
               {"four.test", "127.0.0.1", TERN_OK}};
  char path[] = "/tmp/tern-hosts-XXXXXX";
  FILE *file;
  int fd = mkstemp(path);
  size_t i;

  (void)state;
  assert_true(fd >= 0);
  file = fdopen(fd, "w");
  fputs("# a comment\n127.0.0.66 localhost\n127.0.0.65 mail.invalid\n", file);
  fprintf(file, "127.0.0.55 %1012s127.0.0.56 tail.test\n", "");
  fputs("127.0.0.77 both.test\n127.0.0.78 x both.test\n127.0.0.99 last.test", file);
  fclose(file);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_status status;

    set_up("", 1);
    assert_int_equal(tern_resolver_set_hosts(b.resolver, path), TERN_OK);
    status = tern__lookup_open(b.resolver, NULL, cases[i].host, 25, b.now, TERN_NEVER, &b.l);
    if (status == TERN_E_AGAIN) status = finish();
    assert_int_equal(status, cases[i].status);
    assert_string_equal(taken(), cases[i].addresses);
    tear_down();
  }
  unlink(path);
}

/* Without memory at the i-th request the lookup says so, and gives back what it had. */
typedef struct counter {
  int left, live;
} counter;

static void *take(void *user, size_t size)
{
  counter *c = user;

  if (c->left-- <= 0) return NULL;
  c->live++;
  return malloc(size);
}

static void give(void *user, void *ptr, size_t size)
{
  counter *c = user;

  (void)size;
  c->live--;
  free(ptr);
}

static void test_memory(void **state)
{
  counter c = {0, 0};
  tern_allocator mem = {&c, take, give};
  tern_status status = TERN_E_NOMEM;
  int i;

  (void)state;
  for (i = 0; i < 20 && status == TERN_E_NOMEM; i++) {
    set_up("one.test", 1);
    c.left = i;
    status = tern__lookup_open(b.resolver, &mem, "top", 1, b.now, TERN_NEVER, &b.l);
    if (status == TERN_E_AGAIN) status = finish();
    tear_down();
    assert_int_equal(c.live, 0);
  }
  assert_int_equal(status, TERN_OK);
  assert_true(i > 4);
  assert_int_equal(tern__lookup_open(NULL, NULL, "a.test", 1, 0, 0, &b.l), TERN_E_NOMEM);
  tern__lookup_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names),       cmocka_unit_test(test_one_family_is_slow),
    cmocka_unit_test(test_deadline),    cmocka_unit_test(test_hosts_lines),
    cmocka_unit_test(test_hosts_file),  cmocka_unit_test(test_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
