/* resolve_query_test.c - questions against a name server of the test's own, on loopback. Time is an
 * argument of the step function: tries and deadlines pass without waiting for them. */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "base/host.h"
#include "fake_dns.h"
#include "resolve/query.h"

#define START 1000u

/* What the server does with question number n (from 0) of a test, one letter each; the last one
 * goes on for ever. */
typedef struct script {
  const char *acts;
  unsigned at;
  uint8_t flags; /* the third octet of the last request */
  int edns;
  uint16_t ids[64];
} script;

static int act(void *user, dns_server *server, const char *name, uint32_t type, int tcp,
               const uint8_t *request, size_t len, dns_message *reply)
{
  script *s = user;
  uint16_t id = (uint16_t)(request[0] << 8 | request[1]);
  char what = s->acts[s->at];
  uint32_t good = DNS_GOOD;
  unsigned i;

  (void)server, (void)len;
  if (s->at < 64) s->ids[s->at] = id;
  if (s->acts[s->at + 1] != 0) s->at++;
  s->flags = request[3];
  s->edns = request[11];
  if (what == '-') return 0; /* silence */
  if (what == 'i' || what == 'g') id++; /* the wrong id */
  if (what == 'L') id = s->ids[0];
  if (what == 'n') good |= 3;
  if (what == 'f') good |= 2;
  if (what == 'r') good |= 5;
  if (what == 'F') good |= 1;
  if (what == 'a') good |= DNS_AD;
  if (what == 'l') good &= ~DNS_RA;
  if (what == 't' && !tcp) good |= DNS_TC;
  dns_begin(reply, id, good, what == 'q' ? "other.test" : name, type);
  if (strchr("nfrFlN", what) != NULL) return 1;
  if (what == 't' && !tcp) return 1;
  if (what == 'C') return DNS_CUT;
  if (what == 'm') { /* malformed */
    reply->octets[7] = 9;
    return 1;
  }
  for (i = 0; i < (what == 'B' ? 400u : 1u); i++) dns_a(reply, name, "192.0.2.7");
  if (what == 'g') return 60; /* guesses: a flood of wrong ids */
  return 1;
}

typedef struct bench {
  dns_server server;
  script script;
  tern_resolver *resolver;
  tern__dns_query *q;
  uint64_t now;
} bench;

static bench b;

static void set_up(const char *acts)
{
  char name[40];

  memset(&b, 0, sizeof b);
  b.script.acts = acts;
  b.now = START;
  assert_true(dns_server_start(&b.server, "127.0.0.1", act, &b.script));
  b.resolver = tern_resolver_new(NULL);
  assert_int_equal(tern_resolver_set_server(b.resolver, dns_server_name(&b.server, name, 40)),
                   TERN_OK);
  assert_int_equal(tern_resolver_set_timeout(b.resolver, 100), TERN_OK);
  assert_int_equal(tern_resolver_set_tries(b.resolver, 2), TERN_OK);
}

static void tear_down(void)
{
  tern__dns_query_free(b.q);
  tern_resolver_free(b.resolver);
  dns_server_stop(&b.server);
}

/* Steps until it has ended, moving the server; where nothing comes the clock is put to the query's
 * deadline. */
static tern_status finish(void)
{
  tern_status status;
  int i;

  for (i = 0; i < 500; i++) {
    status = tern__dns_query_step(b.q, b.now);
    if (status != TERN_E_AGAIN) return status;
    dns_server_move(&b.server);
    {
      struct pollfd p = {.fd = tern__dns_query_handle(b.q), .events = POLLIN};

      if ((tern__dns_query_events(b.q) & 2u) != 0) p.events = POLLOUT;
      if (poll(&p, 1, 30) == 0) b.now = tern__dns_query_deadline(b.q);
    }
  }
  return TERN_E_AGAIN;
}

static tern_status ask(const char *acts, uint64_t deadline)
{
  tern_status status;

  set_up(acts);
  status = tern__dns_query_open(b.resolver, NULL, "host.test", TERN__DNS_A, b.now, deadline, &b.q);
  assert_int_equal(status, TERN_E_AGAIN);
  return finish();
}

static void test_answers(void **state)
{
  static const struct {
    const char *acts;
    uint32_t result;
    unsigned asked, asked_tcp;
  } cases[] = {
    {"o", TERN__DNS_FOUND, 1, 0},
    {"n", TERN__DNS_NXDOMAIN, 1, 0},
    {"N", TERN__DNS_NODATA, 1, 0},
    {"-o", TERN__DNS_FOUND, 2, 0},      /* lost, asked again */
    {"-", TERN__DNS_TIMEOUT, 2, 0},
    {"i", TERN__DNS_TIMEOUT, 2, 0},     /* the wrong id is not heard */
    {"q", TERN__DNS_TIMEOUT, 2, 0},     /* nor the wrong question */
    {"io", TERN__DNS_FOUND, 2, 0},
    {"-L", TERN__DNS_TIMEOUT, 2, 0},    /* nor a late answer to the try before */
    {"to", TERN__DNS_FOUND, 2, 1},      /* truncated: by TCP */
    {"tB", TERN__DNS_FOUND, 2, 1},
    {"tC", TERN__DNS_TIMEOUT, 3, 1},    /* cut by TCP; the second try by UDP again is cut */
    {"tCo", TERN__DNS_FOUND, 3, 1},
    {"t-o", TERN__DNS_FOUND, 3, 1},
    {"f", TERN__DNS_SERVFAIL, 2, 0},    /* asked whether it is for DNSSEC */
    {"ff", TERN__DNS_SERVFAIL, 2, 0},
    {"fo", TERN__DNS_BOGUS, 2, 0},
    {"fn", TERN__DNS_BOGUS, 2, 0},
    {"f-", TERN__DNS_SERVFAIL, 3, 0},
    {"r", TERN__DNS_SERVFAIL, 1, 0},    /* refused */
    {"Fo", TERN__DNS_FOUND, 2, 0},      /* no EDNS there */
    {"FF", TERN__DNS_SERVFAIL, 2, 0},
    {"m", TERN__DNS_MALFORMED, 1, 0},
    {"l", TERN__DNS_SERVFAIL, 1, 0},    /* lame */
    {"go", TERN__DNS_FOUND, 2, 1},      /* somebody guesses: by TCP */
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_status status;

    status = ask(cases[i].acts, TERN_NEVER);
    if (tern__dns_query_answer(b.q)->result != cases[i].result || b.server.asked != cases[i].asked)
      print_error("%s: %u, %u asked: %s\n", cases[i].acts, tern__dns_query_answer(b.q)->result,
                  b.server.asked, tern__dns_query_detail(b.q));
    assert_int_equal(tern__dns_query_answer(b.q)->result, cases[i].result);
    assert_int_equal(status, tern__dns_result_status(cases[i].result));
    assert_int_equal(b.server.asked, cases[i].asked);
    assert_int_equal(b.server.asked_tcp, cases[i].asked_tcp);
    assert_int_equal(tern__dns_query_answer(b.q)->count > 0, cases[i].result == TERN__DNS_FOUND);
    assert_int_equal(tern__dns_query_handle(b.q), -1);
    assert_int_equal(tern__dns_query_step(b.q, b.now), status); /* final */
    tear_down();
  }
}

/* The AD bit counts only from servers that are trusted, and is asked for. */
static void test_trust(void **state)
{
  static const struct {
    const char *acts;
    uint32_t trusted;
    uint32_t secure;
  } cases[] = {{"a", TERN_TRUST_LOOPBACK, 1}, {"a", TERN_TRUST_ALL, 1}, {"a", TERN_TRUST_NONE, 0},
               {"o", TERN_TRUST_LOOPBACK, 0}, {"o", TERN_TRUST_ALL, 0}};
  tern__sockaddr away;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    set_up(cases[i].acts);
    assert_int_equal(tern_resolver_set_trusted(b.resolver, cases[i].trusted), TERN_OK);
    (void)tern__dns_query_open(b.resolver, NULL, "host.test", 1, b.now, TERN_NEVER, &b.q);
    assert_int_equal(finish(), TERN_OK);
    assert_int_equal(tern__dns_query_answer(b.q)->secure, cases[i].secure);
    assert_int_equal(b.script.flags, 0x20); /* AD */
    assert_int_equal(b.script.edns, 1);
    tear_down();
  }
  set_up("f"); /* who is not trusted is not asked about DNSSEC either */
  assert_int_equal(tern_resolver_set_trusted(b.resolver, TERN_TRUST_NONE), TERN_OK);
  (void)tern__dns_query_open(b.resolver, NULL, "host.test", 1, b.now, TERN_NEVER, &b.q);
  assert_int_equal(finish(), TERN_E_RESOLVE);
  assert_int_equal(b.server.asked, 1);
  tear_down();
  memset(&away, 0, sizeof away);
  away.v4.sin_family = AF_INET;
  away.v4.sin_addr.s_addr = htonl(0xc0000201u);
  assert_false(tern__server_trusted(&away, TERN_TRUST_LOOPBACK));
  assert_true(tern__server_trusted(&away, TERN_TRUST_ALL));
  away.v4.sin_addr.s_addr = htonl(0x7f080808u);
  assert_true(tern__server_trusted(&away, TERN_TRUST_LOOPBACK));
  memset(&away, 0, sizeof away);
  away.v6.sin6_family = AF_INET6;
  away.v6.sin6_addr.s6_addr[15] = 1;
  assert_true(tern__server_trusted(&away, TERN_TRUST_LOOPBACK));
  away.v6.sin6_addr.s6_addr[0] = 0x20;
  assert_false(tern__server_trusted(&away, TERN_TRUST_LOOPBACK));
}

/* A server that is not there, one that fails, and then a good one. */
static void test_next_server(void **state)
{
  static const char *const first[] = {"", "f", "r", "m", "-"};
  dns_server other;
  script others;
  char names[120];
  size_t i;

  (void)state;
  for (i = 0; i < sizeof first / sizeof *first; i++) {
    set_up("o");
    memset(&others, 0, sizeof others);
    others.acts = first[i];
    assert_true(dns_server_start(&other, "127.0.0.1", act, &others));
    if (first[i][0] == 0) dns_server_stop(&other); /* nobody listens there */
    snprintf(names, sizeof names, "127.0.0.1:%u [127.0.0.1]:%u", other.port, b.server.port);
    assert_int_equal(tern_resolver_set_server(b.resolver, names), TERN_E_ARGUMENT);
    snprintf(names, sizeof names, "  127.0.0.1:%u   127.0.0.1:%u ", other.port, b.server.port);
    assert_int_equal(tern_resolver_set_server(b.resolver, names), TERN_OK);
    assert_int_equal(tern__dns_query_open(b.resolver, NULL, "host.test", 1, b.now, TERN_NEVER, &b.q),
                     TERN_E_AGAIN);
    for (;;) {
      tern_status status = tern__dns_query_step(b.q, b.now);
      struct pollfd p = {.fd = tern__dns_query_handle(b.q), .events = POLLIN};

      if (status != TERN_E_AGAIN) {
        assert_int_equal(status, TERN_OK);
        break;
      }
      dns_server_move(&b.server);
      if (first[i][0] != 0) dns_server_move(&other);
      if (poll(&p, 1, 30) == 0) b.now = tern__dns_query_deadline(b.q);
    }
    assert_int_equal(b.server.asked, 1);
    assert_string_equal(tern__dns_query_detail(b.q), "");
    if (first[i][0] != 0) dns_server_stop(&other);
    tear_down();
  }
}

static void test_deadline(void **state)
{
  (void)state;
  assert_int_equal(ask("-", START + 150), TERN_E_RESOLVE); /* in the middle of the second try */
  assert_int_equal(b.server.asked, 2);
  assert_int_equal(b.now, START + 150);
  assert_int_equal(tern__dns_query_answer(b.q)->result, TERN__DNS_TIMEOUT);
  assert_non_null(strstr(tern__dns_query_detail(b.q), "127.0.0.1 port "));
  assert_non_null(strstr(tern__dns_query_detail(b.q), "no answer in time"));
  tear_down();
  assert_int_equal(ask("-", START), TERN_E_RESOLVE);
  assert_int_equal(b.now, START);
  tear_down();
}

/* Each try has an id of its own. */
static void test_ids(void **state)
{
  (void)state;
  assert_int_equal(ask("---", START + 10000), TERN_E_RESOLVE);
  assert_true(b.script.ids[0] != b.script.ids[1]); /* wrong once in 65,536 runs */
  tear_down();
}

static void test_open(void **state)
{
  static const char *const bad[] = {"", "a b", "a..b", "m\303\274.test"};
  static const char *const servers[] = {"", " ", "x", "127.0.0.1:", "127.0.0.1:0",
    "127.0.0.1:65536", "127.0.0.1:5x", "[::1", "[::1]x", "[::1]:", "::g", "127.0.0.1,127.0.0.2",
    "127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5", "localhost"};
  static const struct {
    const char *text, *name;
  } good[] = {{"127.0.0.1", "127.0.0.1 port 53"}, {"192.0.2.1:5353", "192.0.2.1 port 5353"},
              {"::1", "[::1] port 53"}, {"[2001:db8::1]", "[2001:db8::1] port 53"},
              {"[::1]:54", "[::1] port 54"}};
  char name[64];
  size_t i;

  (void)state;
  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    set_up("o");
    assert_int_equal(tern__dns_query_open(b.resolver, NULL, bad[i], 1, b.now, TERN_NEVER, &b.q),
                     TERN_E_HOST);
    assert_int_equal(tern__dns_query_answer(b.q)->result, TERN__DNS_NXDOMAIN);
    assert_int_equal(tern__dns_query_step(b.q, b.now), TERN_E_HOST);
    assert_int_equal(b.server.asked, 0);
    tear_down();
  }
  set_up("o");
  for (i = 0; i < sizeof servers / sizeof *servers; i++)
    assert_int_equal(tern_resolver_set_server(b.resolver, servers[i]), TERN_E_ARGUMENT);
  for (i = 0; i < sizeof good / sizeof *good; i++) {
    assert_int_equal(tern_resolver_set_server(b.resolver, good[i].text), TERN_OK);
    tern__sockaddr_name(&b.resolver->servers.list[0], name, sizeof name);
    assert_string_equal(name, good[i].name);
  }
  assert_int_equal(tern_resolver_set_tries(b.resolver, 17), TERN_E_ARGUMENT);
  assert_int_equal(tern_resolver_set_trusted(b.resolver, 3), TERN_E_ARGUMENT);
  tear_down();
  assert_int_equal(tern_resolver_set_server(NULL, "::1"), TERN_E_NOMEM);
  assert_int_equal(tern__dns_query_open(NULL, NULL, "a.test", 1, 0, 0, &b.q), TERN_E_NOMEM);
  assert_null(b.q);
}

/* The blocking call, with the time of the host: the server is moved by another thread. */
static void *serve(void *user)
{
  dns_server *server = user;
  int i;

  for (i = 0; i < 2000 && server->asked == 0; i++) {
    struct pollfd p = {.fd = server->udp, .events = POLLIN};

    (void)poll(&p, 1, 20);
    dns_server_move(server);
  }
  return NULL;
}

static void test_run(void **state)
{
  pthread_t thread;

  (void)state;
  set_up("o");
  assert_int_equal(tern_resolver_set_timeout(b.resolver, 20000), TERN_OK);
  assert_int_equal(pthread_create(&thread, NULL, serve, &b.server), 0);
  (void)tern__dns_query_open(b.resolver, NULL, "host.test", 1, tern__host_now(), TERN_NEVER, &b.q);
  assert_int_equal(tern__dns_query_run(b.q), TERN_OK);
  assert_memory_equal(tern__dns_query_answer(b.q)->records[0].octets, "\300\0\2\7", 4);
  pthread_join(thread, NULL);
  tear_down();
}

/* Without memory at the i-th request the query says so, and gives back what it had. */
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
    set_up("tB");
    c.left = i;
    status = tern__dns_query_open(b.resolver, &mem, "host.test", 1, b.now, TERN_NEVER, &b.q);
    if (status == TERN_E_AGAIN) status = finish();
    tear_down();
    assert_int_equal(c.live, 0);
  }
  assert_int_equal(status, TERN_OK);
  assert_true(i > 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_answers),  cmocka_unit_test(test_trust), cmocka_unit_test(test_next_server),
    cmocka_unit_test(test_deadline), cmocka_unit_test(test_ids),  cmocka_unit_test(test_open),
    cmocka_unit_test(test_run),      cmocka_unit_test(test_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
