/* transport_race_test.c - addresses that race: dead, refused, late and live ones on loopback, with the
 * time as an argument; and one handle that stands for several. */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <tern/transport.h>
#include <unistd.h>

#include "base/host.h"
#include "transport/race.h"

#define SILENT_MOST 8 /* connections that fill a backlog of 0 */

/* One place where connections come to: live, refused, or silent. */
typedef struct place {
  int listener; /* refused: it does not listen */
  int fill[SILENT_MOST];
  size_t filled;
  tern__sockaddr address;
} place;

static void open_place(place *p, const char *host, char kind)
{
  socklen_t size;
  size_t i;

  memset(p, 0, sizeof *p);
  assert_true(tern__sockaddr_literal(host, 0, &p->address));
  size = tern__sockaddr_length(&p->address);
  p->listener = socket(p->address.any.sa_family, SOCK_STREAM, 0);
  assert_true(p->listener >= 0);
  assert_int_equal(bind(p->listener, &p->address.any, size), 0);
  assert_int_equal(getsockname(p->listener, &p->address.any, &size), 0);
  if (kind == 'r') return; /* bound, so that nobody else gets the port, and deaf */
  assert_int_equal(listen(p->listener, kind == 's' ? 0 : 8), 0);
  for (i = 0; kind == 's' && i < SILENT_MOST; i++) {
    int fd = socket(p->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd wait = {fd, POLLOUT, 0};

    assert_true(fd >= 0);
    (void)connect(fd, &p->address.any, size);
    p->fill[p->filled++] = fd;
    if (poll(&wait, 1, 50) == 0) return; /* this one hangs, and so will all others */
  }
  if (kind == 's') skip(); /* this kernel has another idea of a backlog */
}

static void close_place(place *p)
{
  while (p->filled > 0) close(p->fill[--p->filled]);
  close(p->listener);
}

static const tern__notes no_notes;

/* Steps until it has ended, waiting for sockets only; the clock stands at now. */
static tern_status settle(tern__race *race, uint64_t now, tern__notes *notes)
{
  tern_status status = TERN_E_AGAIN;
  tern__gather g;
  int i;

  tern__gather_init(&g);
  for (i = 0; i < 20 && status == TERN_E_AGAIN; i++) {
    status = tern__race_step(race, now, notes);
    tern__gather_begin(&g);
    tern__race_gather(race, &g);
    tern__gather_end(&g);
    if (status == TERN_E_AGAIN) tern__host_wait(g.handle, g.events, 5);
  }
  tern__gather_close(&g);
  return status;
}

/* Each case: what the addresses are in their order, and at which time (ms from the first step) which of
 * them has won, or the end. "l" live, "r" refused, "s" silent. */
static void test_order(void **state)
{
  static const struct {
    const char *kinds;
    uint64_t before; /* at this time it is still under way; 0: not looked at */
    uint64_t at;
    tern_status status;
    int winner;
    uint32_t begun;
  } cases[] = {
    {"l", 0, 0, TERN_OK, 0, 1},
    {"rl", 0, 0, TERN_OK, 1, 2}, /* a refusal costs no time */
    {"rrrl", 0, 0, TERN_OK, 3, 4},
    {"sl", 249, 250, TERN_OK, 1, 2}, /* a silent one costs 250 ms */
    {"ssl", 499, 500, TERN_OK, 2, 3},
    {"srl", 249, 250, TERN_OK, 2, 3},
    {"sll", 249, 250, TERN_OK, 1, 2},
    {"r", 0, 0, TERN_E_CONNECT, 0, 1},
    {"rr", 0, 0, TERN_E_CONNECT, 0, 2},
    {"s", 999, 1000, TERN_E_TIMEOUT, 0, 1},
    {"ss", 999, 1000, TERN_E_TIMEOUT, 0, 2},
    {"sr", 999, 1000, TERN_E_CONNECT, 0, 2},
  };
  place places[4];
  size_t i, k, n;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern__race *race = tern__race_new(NULL, 4, 1000);
    tern__notes notes = no_notes;
    uint64_t t, from = 5000;
    tern_status status;
    int sliced, fd;

    n = strlen(cases[i].kinds);
    assert_non_null(race);
    for (k = 0; k < n; k++) {
      open_place(&places[k], "127.0.0.1", cases[i].kinds[k]);
      tern__race_add(race, &places[k].address);
      tern__race_add(race, &places[k].address); /* once is enough */
    }
    assert_int_equal(tern__race_count(race), n);
    if (cases[i].before != 0) {
      for (t = 0; t < cases[i].before; t += 250)
        assert_int_equal(settle(race, from + t, &notes), TERN_E_AGAIN);
      assert_int_equal(settle(race, from + cases[i].before, &notes), TERN_E_AGAIN);
      assert_true(tern__race_deadline(race) == from + cases[i].at);
    }
    status = settle(race, from + cases[i].at, &notes);
    assert_int_equal(status, cases[i].status);
    assert_int_equal(tern__race_step(race, from + 9999, &notes), status); /* final */
    assert_true(tern__race_deadline(race) == TERN_NEVER);
    assert_int_equal(tern__race_begun(race), cases[i].begun);
    fd = tern__race_take(race, &sliced);
    assert_int_equal(fd >= 0, status == TERN_OK);
    if (status == TERN_OK) {
      assert_true(tern__sockaddr_same(tern__race_address(race), &places[cases[i].winner].address));
      close(fd);
    }
    for (k = 0; status != TERN_OK && k < n; k++) { /* each is told */
      char who[64];

      tern__sockaddr_name(&places[k].address, who, sizeof who);
      assert_non_null(strstr(notes.text, who));
    }
    assert_int_equal(strstr(notes.text, "refused") != NULL, strchr(cases[i].kinds, 'r') != NULL);
    tern__race_free(race);
    for (k = 0; k < n; k++) close_place(&places[k]);
  }
}

/* The families in turn (RFC 8305 section 4), whatever the order they came in. */
static void test_families(void **state)
{
  static const char *const hosts[] = {"::1", "::1", "::1", "127.0.0.1", "127.0.0.1"};
  static const char expected[] = "64646";
  tern__race *race = tern__race_new(NULL, 5, 0);
  tern__notes notes = no_notes;
  place places[5];
  size_t i;

  (void)state;
  for (i = 0; i < 5; i++) {
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    if (probe < 0 || bind(probe, (struct sockaddr *)&any, sizeof any) != 0) skip();
    close(probe);
    open_place(&places[i], hosts[i], 's');
    tern__race_add(race, &places[i].address);
  }
  for (i = 0; i < 4; i++) {
    assert_int_equal(settle(race, 1000 + 250 * i, &notes), TERN_E_AGAIN);
    assert_int_equal(tern__race_begun(race), i + 1);
    assert_int_equal(tern__race_address(race)->any.sa_family, expected[i] == '6' ? AF_INET6 : AF_INET);
  }
  assert_int_equal(settle(race, 2000, &notes), TERN_E_AGAIN);
  assert_int_equal(tern__race_begun(race), 5);
  assert_true(tern__race_deadline(race) == TERN_NEVER); /* no limit was set */
  tern__race_free(race);
  for (i = 0; i < 5; i++) close_place(&places[i]);
}

/* Addresses that come while others are tried, or after all have failed. */
static void test_late(void **state)
{
  tern__race *race = tern__race_new(NULL, 4, 1000);
  tern__notes notes = no_notes;
  place silent, refused, live;
  int sliced, fd;

  (void)state;
  open_place(&refused, "127.0.0.1", 'r');
  open_place(&silent, "127.0.0.1", 's');
  open_place(&live, "127.0.0.1", 'l');
  tern__race_expect(race, 1);
  assert_int_equal(settle(race, 1000, &notes), TERN_E_AGAIN);
  assert_null(tern__race_address(race));
  assert_true(tern__race_deadline(race) == 2000);
  tern__race_add(race, &refused.address);
  assert_int_equal(settle(race, 1300, &notes), TERN_E_AGAIN); /* more may come */
  tern__race_add(race, &silent.address);
  assert_int_equal(settle(race, 1300, &notes), TERN_E_AGAIN);
  tern__race_add(race, &live.address);
  assert_true(tern__race_deadline(race) == 1550);
  assert_int_equal(settle(race, 1549, &notes), TERN_E_AGAIN);
  assert_int_equal(settle(race, 1550, &notes), TERN_OK);
  fd = tern__race_take(race, &sliced);
  assert_true(fd >= 0 && !sliced);
  assert_int_equal(tern__race_take(race, &sliced), -1); /* it is the caller's */
  close(fd);
  tern__race_free(race);

  race = tern__race_new(NULL, 4, 1000); /* nothing came */
  tern__race_expect(race, 1);
  assert_int_equal(settle(race, 1000, &notes), TERN_E_AGAIN);
  tern__race_expect(race, 0);
  assert_int_equal(settle(race, 1001, &notes), TERN_E_CONNECT);
  tern__race_free(race);
  close_place(&refused);
  close_place(&silent);
  close_place(&live);
}

/* Where attempts leave from; and what cannot be such a place. */
static void test_local(void **state)
{
  static const struct {
    const char *addresses, *interface;
    tern_status read, status;
    const char *words; /* the peer's view of us, or of the notes */
  } cases[] = {
    {"127.0.0.5", NULL, TERN_OK, TERN_OK, "127.0.0.5 port"},
    {" ::1  127.0.0.5 ", "", TERN_OK, TERN_OK, "127.0.0.5 port"},
    {NULL, "lo", TERN_OK, TERN_OK, "127.0.0.1 port"},
    {"127.0.0.6", "lo", TERN_OK, TERN_OK, "127.0.0.6 port"},
    {NULL, NULL, TERN_OK, TERN_OK, "127.0.0.1 port"},
    {"", "", TERN_OK, TERN_OK, "127.0.0.1 port"},
    {"192.0.2.77", NULL, TERN_OK, TERN_E_LOCAL, "the local end: "},
    {"::1", NULL, TERN_OK, TERN_E_LOCAL, "the local end: no address of this family"},
    {NULL, "nosuchif0", TERN_OK, TERN_E_LOCAL, "the local end: "},
    {"127.0.0.5 127.0.0.6", NULL, TERN_E_ARGUMENT, 0, NULL},
    {"localhost", NULL, TERN_E_ARGUMENT, 0, NULL},
    {"127.0.0.5:25", NULL, TERN_E_ARGUMENT, 0, NULL},
    {"127.0.0.5,::1", NULL, TERN_E_ARGUMENT, 0, NULL},
    {NULL, "a name", TERN_E_ARGUMENT, 0, NULL},
    {NULL, "a/b", TERN_E_ARGUMENT, 0, NULL},
    {NULL, "sixteen-octets-xx", TERN_E_ARGUMENT, 0, NULL},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern__race *race = tern__race_new(NULL, 1, 1000);
    tern__notes notes = no_notes;
    tern__local local, before;
    tern__sockaddr peer;
    socklen_t size = sizeof peer;
    char name[512];
    int sliced, fd, server;
    place live;

    memset(&local, 0, sizeof local);
    before = local;
    assert_int_equal(tern__local_read(&local, cases[i].addresses, cases[i].interface), cases[i].read);
    if (cases[i].read != TERN_OK) {
      assert_memory_equal(&local, &before, sizeof local);
      tern__race_free(race);
      continue;
    }
    open_place(&live, "127.0.0.1", 'l');
    tern__race_add(race, &live.address);
    tern__race_set_local(race, &local);
    assert_int_equal(settle(race, 1000, &notes), cases[i].status);
    fd = tern__race_take(race, &sliced);
    snprintf(name, sizeof name, "%s", notes.text);
    if (fd >= 0) {
      server = accept(live.listener, &peer.any, &size);
      tern__sockaddr_name(&peer, name, sizeof name);
      close(server);
      close(fd);
    }
    if (strstr(name, cases[i].words) == NULL) print_error("%u: %s\n", (unsigned)i, name);
    assert_non_null(strstr(name, cases[i].words));
    tern__race_free(race);
    close_place(&live);
  }
}

/* Over the most, and more than there may be at all. */
static void test_most(void **state)
{
  tern__race *race = tern__race_new(NULL, 1000, 0);
  tern__sockaddr a;
  uint32_t i;

  (void)state;
  for (i = 0; i < 100; i++) {
    assert_true(tern__sockaddr_literal("192.0.2.1", 1000 + i, &a));
    tern__race_add(race, &a);
  }
  assert_int_equal(tern__race_count(race), TERN__RACE_MOST);
  tern__race_free(race);
  tern__race_free(NULL);
}

/* ---- one handle for several -----------------------------------------------------------------------*/

static int ready(const tern__gather *g)
{
  struct pollfd p = {g->handle, POLLIN, 0};

  return poll(&p, 1, 0) == 1;
}

static void test_gather(void **state)
{
  int a[2], b[2], old;
  tern__gather g;
  char octet;

  (void)state;
  assert_int_equal(pipe(a), 0);
  assert_int_equal(pipe(b), 0);
  tern__gather_init(&g);
  assert_int_equal(g.handle, -1);
  assert_int_equal(g.blind, 0);
  tern__gather_begin(&g);
  tern__gather_add(&g, -1, TERN_READ);
  tern__gather_add(&g, a[0], 0);
  tern__gather_add(&g, a[0], TERN_READ);
  tern__gather_end(&g);
  assert_int_equal(g.handle, a[0]); /* one is itself */
  assert_int_equal(g.events, TERN_READ);
  tern__gather_begin(&g);
  tern__gather_add(&g, a[0], TERN_READ);
  tern__gather_add(&g, b[0], TERN_READ);
  tern__gather_end(&g);
#ifdef __linux__
  assert_int_equal(g.events, TERN_READ);
  assert_false(ready(&g));
  assert_int_equal(write(b[1], "x", 1), 1);
  assert_true(ready(&g));
  assert_int_equal(read(b[0], &octet, 1), 1);
  assert_false(ready(&g));
  /* a closed one is replaced by another of the same number */
  old = a[0];
  close(a[0]);
  close(a[1]);
  assert_int_equal(pipe(a), 0);
  assert_int_equal(a[0], old);
  tern__gather_begin(&g);
  tern__gather_add(&g, a[0], TERN_READ);
  tern__gather_add(&g, b[1], TERN_WRITE);
  tern__gather_end(&g);
  assert_true(ready(&g)); /* b can be written */
  tern__gather_begin(&g);
  tern__gather_add(&g, a[0], TERN_READ);
  tern__gather_add(&g, b[0], TERN_READ);
  tern__gather_end(&g);
  assert_false(ready(&g)); /* b[1] is forgotten */
  assert_int_equal(write(a[1], "x", 1), 1);
  assert_true(ready(&g));
#else
  (void)old, (void)octet;
  assert_int_equal(g.handle, -1);
  assert_int_equal(g.blind, 1);
#endif
  tern__gather_close(&g);
  close(a[0]);
  close(a[1]);
  close(b[0]);
  close(b[1]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_order), cmocka_unit_test(test_families), cmocka_unit_test(test_late),
    cmocka_unit_test(test_local), cmocka_unit_test(test_most),     cmocka_unit_test(test_gather),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
