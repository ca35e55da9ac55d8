/* delivery_discover_test.c - from a mail address to a connection: SRV records from a name server of the
 * test's own, endpoints that are dead, foreign, or answer. */
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
#include <pthread.h>
#include <sys/socket.h>
#include <tern/tern.h>
#include <unistd.h>

#include "fake_dns.h"

static struct {
  dns_server dns;
  tern_resolver *resolver;
  tern_client *client;
  tern_discovery *found;
  int listener;
  uint16_t live, dead;
  const char *first, *second; /* targets of _submissions (dead) and _submission (live); NULL: none */
  unsigned accepted;
  volatile int stop;
  pthread_t thread;
} b;

static int answer(void *user, dns_server *server, const char *name, uint32_t type, int tcp,
                  const uint8_t *request, size_t len, dns_message *reply)
{
  int first = strncmp(name, "_submissions.", 13) == 0;
  const char *target = first ? b.first : b.second;
  uint8_t rdata[300] = {0, 1, 0, 1};
  uint16_t port = first ? b.dead : b.live;

  (void)user, (void)server, (void)tcp, (void)len;
  dns_begin(reply, (uint16_t)(request[0] << 8 | request[1]), DNS_GOOD, name, type);
  if (type == 1) dns_a(reply, name, "127.0.0.1");
  if (type != 33 || target == NULL) return 1;
  rdata[4] = (uint8_t)(port >> 8);
  rdata[5] = (uint8_t)port;
  dns_record(reply, DNS_ANSWER, name, 33, 60, rdata, 6 + dns_name(rdata + 6, target));
  return 1;
}

/* Answers questions, and greets whoever comes with a refusal. */
static void *serve(void *user)
{
  (void)user;
  while (!b.stop) {
    struct pollfd p[2] = {{b.dns.udp, POLLIN, 0}, {b.listener, POLLIN, 0}};

    (void)poll(p, 2, 20);
    dns_server_move(&b.dns);
    if ((p[1].revents & POLLIN) != 0) {
      int fd = accept(b.listener, NULL, NULL);

      b.accepted++;
      (void)send(fd, "554 not today\r\n", 15, MSG_NOSIGNAL);
      close(fd);
    }
  }
  return NULL;
}

static uint16_t listen_somewhere(int *fd)
{
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;

  *fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(*fd, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(*fd, 4), 0);
  assert_int_equal(getsockname(*fd, (struct sockaddr *)&at, &size), 0);
  return ntohs(at.sin_port);
}

static void set_up(const char *first, const char *second)
{
  char name[40];
  int fd;

  memset(&b, 0, sizeof b);
  b.first = first;
  b.second = second;
  b.live = listen_somewhere(&b.listener);
  b.dead = listen_somewhere(&fd);
  close(fd);
  assert_true(dns_server_start(&b.dns, "127.0.0.1", answer, NULL));
  b.resolver = tern_resolver_new(NULL);
  assert_int_equal(tern_resolver_set_server(b.resolver, dns_server_name(&b.dns, name, 40)), TERN_OK);
  assert_int_equal(tern_resolver_set_trusted(b.resolver, TERN_TRUST_NONE), TERN_OK);
  assert_int_equal(tern_resolver_set_hosts(b.resolver, ""), TERN_OK);
  b.client = tern_client_new(NULL);
  tern_client_set_resolver(b.client, b.resolver);
  tern_client_set_insecure(b.client, 1); /* no store is needed: nothing gets as far as TLS */
  tern_client_set_ehlo_name(b.client, "client.test");
  assert_int_equal(pthread_create(&b.thread, NULL, serve, NULL), 0);
}

static void tear_down(void)
{
  b.stop = 1;
  pthread_join(b.thread, NULL);
  tern_discovery_free(b.found);
  tern_client_free(b.client);
  tern_resolver_free(b.resolver);
  dns_server_stop(&b.dns);
  close(b.listener);
}

static void test_connect(void **state)
{
  static const struct {
    const char *first, *second;
    uint32_t foreign;
    tern_status status; /* 0: a refusal by reply */
    uint32_t index;     /* 9: none was tried */
    unsigned accepted;
  } cases[] = {
    {"a.box.test", "b.box.test", 0, 0, 1, 1}, /* dead, then one that answers */
    {"a.box.test", NULL, 0, TERN_E_CONNECT, 0, 0},
    {NULL, "b.box.test", 0, 0, 0, 1},
    {"a.other.test", "b.box.test", 0, 0, 1, 1}, /* the foreign one is passed over */
    {NULL, "b.other.test", 0, TERN_E_HOST, 9, 0},
    {NULL, "b.other.test", 1, 0, 0, 1}, /* by the caller's word */
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint32_t index = 9;
    tern_status status;

    set_up(cases[i].first, cases[i].second);
    assert_int_equal(tern_discover(NULL, b.resolver, "ann@box.test", 0, &b.found), TERN_OK);
    status = tern_discovery_connect(b.found, b.client, cases[i].foreign, &index);
    if (cases[i].status != 0) {
      assert_int_equal(status, cases[i].status);
    } else {
      assert_int_equal(tern_error_status(tern_client_error(b.client)), status);
      assert_int_equal(tern_reply_code(tern_error_reply(tern_client_error(b.client))), 554);
    }
    assert_int_equal(index, cases[i].index);
    b.stop = 1;
    tear_down();
    assert_int_equal(b.accepted, cases[i].accepted); /* a reply ends it: no other is tried */
  }
}

static void test_arguments(void **state)
{
  (void)state;
  set_up(NULL, "b.box.test");
  assert_int_equal(tern_discover(NULL, b.resolver, "ann@box.test", 0, &b.found), TERN_OK);
  assert_int_equal(tern_discovery_connect(NULL, b.client, 0, NULL), TERN_E_ARGUMENT);
  assert_int_equal(tern_discovery_connect(b.found, NULL, 0, NULL), TERN_E_NOMEM);
  tern_client_set_blocking(b.client, 0);
  assert_int_equal(tern_discovery_connect(b.found, b.client, 0, NULL), TERN_E_STATE);
  tear_down();
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_connect), cmocka_unit_test(test_arguments)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
