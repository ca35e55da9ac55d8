/* transport_tcp_test.c - connecting step by step over loopback and Unix sockets, and their octets.
 * Time is an argument of the step function: deadlines are tested without waiting for them. */
#define _GNU_SOURCE

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/host.h"
#include "transport/tcp.h"
#include "transport/transport.h"

/* A listener at address (IPv4 or IPv6 text), its port in *port. -1: this host has no such family. */
static int listen_at(const char *address, int backlog, uint32_t *port)
{
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } a;
  int family = strchr(address, ':') == NULL ? AF_INET : AF_INET6, fd;
  socklen_t size = family == AF_INET ? sizeof a.v4 : sizeof a.v6;

  memset(&a, 0, sizeof a);
  a.any.sa_family = (sa_family_t)family;
  if (family == AF_INET)
    inet_pton(AF_INET, address, &a.v4.sin_addr);
  else
    inet_pton(AF_INET6, address, &a.v6.sin6_addr);
  fd = socket(family, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  if (bind(fd, &a.any, size) != 0 || listen(fd, backlog) != 0 ||
      getsockname(fd, &a.any, &size) != 0) {
    close(fd);
    return -1;
  }
  *port = ntohs(family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
  return fd;
}

/* Steps to the end; the caller's clock does not move. */
static tern_status finish(tern__tcp *tcp)
{
  tern_status status;
  int i;

  for (i = 0; i < 1000; i++) {
    status = tern__tcp_connect_step(tcp, 1000);
    if (status != TERN_E_AGAIN) return status;
    tern__host_wait(tern__tcp_handle(tcp), tern__tcp_events(tcp), 1000);
  }
  return TERN_E_AGAIN;
}

/* A connected pair over loopback: the client's tcp and the server's socket. */
static tern__tcp *make_pair(int *server)
{
  tern__tcp *tcp;
  uint32_t port = 0;
  int listener = listen_at("127.0.0.1", 1, &port);

  assert_true(listener >= 0);
  assert_int_equal(tern__tcp_open(NULL, "127.0.0.1", port, 1000, &tcp), TERN_OK);
  assert_int_equal(finish(tcp), TERN_OK);
  *server = accept(listener, NULL, NULL);
  assert_true(*server >= 0);
  close(listener);
  return tcp;
}

static void put(tern__tcp *tcp, const char *text)
{
  size_t done = 0;

  assert_int_equal(tern__tcp_transport()->write(tcp, (const uint8_t *)text, strlen(text), &done),
                   TERN_OK);
}

static void test_connected(void **state)
{
  static const struct {
    const char *host, *bind, *literal;
  } cases[] = {{"127.0.0.1", "127.0.0.1", "[127.0.0.1]"},
               {"[127.0.0.1]", "127.0.0.1", "[127.0.0.1]"},
               {"::1", "::1", "[IPv6:::1]"},
               {"[::1]", "::1", "[IPv6:::1]"}};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint32_t port = 0;
    int listener = listen_at(cases[i].bind, 1, &port), fd, on = 0;
    socklen_t size = sizeof on;
    char literal[64];
    tern__tcp *tcp;

    if (listener < 0) continue;
    assert_int_equal(tern__tcp_open(NULL, cases[i].host, port, 1000, &tcp), TERN_OK);
    assert_int_equal(finish(tcp), TERN_OK);
    assert_int_equal(finish(tcp), TERN_OK); /* final */
    assert_int_equal(tern__tcp_events(tcp), 0);
    assert_true(tern__tcp_deadline(tcp) == TERN_NEVER);
    assert_int_equal(tern__tcp_local_literal(tcp, literal, sizeof literal),
                     strlen(cases[i].literal));
    assert_string_equal(literal, cases[i].literal);
    assert_int_equal(tern__tcp_local_literal(tcp, literal, 5), 0);
    assert_string_equal(literal, "");
    assert_string_equal(tern__tcp_detail(tcp), "");
    fd = tern__tcp_handle(tcp);
    put(tcp, "a");
    put(tcp, "b"); /* the second write in a row must not wait for the first */
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    assert_true(on != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    tern__tcp_free(tcp);
    close(listener);
  }
}

/* Read and write of a socket that may block for a slice do not block; waiting ends with the slice
 * or with the first octets. */
static void test_slice(void **state)
{
  uint32_t port = 0;
  int listener = listen_at("127.0.0.1", 1, &port), peer;
  const tern_transport *table = tern__tcp_transport();
  uint8_t got[8];
  size_t len = 0;
  tern__tcp *tcp;

  (void)state;
  assert_int_equal(tern__tcp_open(NULL, "127.0.0.1", port, 1000, &tcp), TERN_OK);
  tern__tcp_set_slice(tcp, 50);
  assert_int_equal(finish(tcp), TERN_OK);
  peer = accept(listener, NULL, NULL);
  assert_true(peer >= 0);
  assert_int_equal(table->read(tcp, got, sizeof got, &len), TERN_E_AGAIN);
  if (tern__tcp_slice(tcp) != 0) {
    assert_int_equal(tern__tcp_read_wait(tcp, got, sizeof got, &len), TERN_E_AGAIN);
    assert_int_equal(write(peer, "hi", 2), 2);
    assert_int_equal(tern__tcp_read_wait(tcp, got, sizeof got, &len), TERN_OK);
    assert_int_equal(len, 2);
    close(peer);
    assert_int_equal(tern__tcp_read_wait(tcp, got, sizeof got, &len), TERN_E_CLOSED);
  } else {
    close(peer);
  }
  tern__tcp_free(tcp);
  close(listener);
}

static void test_refused(void **state)
{
  uint32_t port = 0;
  int listener = listen_at("127.0.0.1", 1, &port);
  char expected[80], literal[16];
  tern__tcp *tcp;

  (void)state;
  close(listener); /* nobody listens there now */
  assert_int_equal(tern__tcp_open(NULL, "127.0.0.1", port, 1000, &tcp), TERN_OK);
  assert_int_equal(finish(tcp), TERN_E_CONNECT);
  assert_int_equal(finish(tcp), TERN_E_CONNECT);
  snprintf(expected, sizeof expected, "127.0.0.1 port %u: Connection refused", (unsigned)port);
  assert_string_equal(tern__tcp_detail(tcp), expected);
  assert_int_equal(tern__tcp_handle(tcp), -1);
  assert_int_equal(tern__tcp_local_literal(tcp, literal, sizeof literal), 0);
  tern__tcp_free(tcp);
}

/* "localhost" has two addresses where the hosts file says so: each is tried, the live one found. */
static void test_every_address_is_tried(void **state)
{
  static const char *const families[] = {"127.0.0.1", "::1"};
  size_t i;

  (void)state;
  for (i = 0; i < 2; i++) {
    uint32_t port = 0;
    int listener = listen_at(families[i], 1, &port);
    const char *detail;
    tern__tcp *tcp;
    tern_status status;

    if (listener < 0) continue;
    assert_int_equal(tern__tcp_open(NULL, "localhost", port, 1000, &tcp), TERN_OK);
    status = finish(tcp);
    tern__tcp_free(tcp);
    close(listener);
    assert_int_equal(tern__tcp_open(NULL, "localhost", port, 1000, &tcp), TERN_OK);
    assert_int_equal(finish(tcp), TERN_E_CONNECT);
    detail = tern__tcp_detail(tcp);
    /* with both families each attempt is told */
    if (strstr(detail, "127.0.0.1 port") != NULL && strstr(detail, "[::1] port") != NULL)
      assert_non_null(strstr(detail, "; "));
    if (strstr(detail, families[i]) != NULL) assert_int_equal(status, TERN_OK);
    tern__tcp_free(tcp);
  }
}

static void test_hosts_that_are_none(void **state)
{
  static const struct {
    const char *host;
    uint32_t port;
    tern_status status;
  } cases[] = {{"", 25, TERN_E_HOST},
               {"[]", 25, TERN_E_HOST},
               {"[::1::2]", 25, TERN_E_HOST},
               {"[mx.example.test]", 25, TERN_E_HOST},
               {"127.0.0.1", 0, TERN_E_ARGUMENT},
               {"127.0.0.1", 65536, TERN_E_ARGUMENT},
               {NULL, 25, TERN_E_ARGUMENT}};
  char longer[2000];
  size_t i;
  tern__tcp *tcp;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(tern__tcp_open(NULL, cases[i].host, cases[i].port, 0, &tcp), cases[i].status);
    assert_non_null(tcp);
    assert_true(tern__tcp_detail(tcp)[0] != 0);
    assert_int_equal(tern__tcp_connect_step(tcp, 0), cases[i].status);
    assert_int_equal(tern__tcp_handle(tcp), -1);
    tern__tcp_free(tcp);
  }
  memset(longer, 'a', sizeof longer - 1);
  longer[sizeof longer - 1] = 0;
  assert_int_equal(tern__tcp_open(NULL, longer, 25, 0, &tcp), TERN_E_HOST);
  tern__tcp_free(tcp);
  assert_int_equal(tern__tcp_open(NULL, "a\nb\x1b[0m..", 25, 0, &tcp), TERN_E_HOST);
  assert_null(strchr(tern__tcp_detail(tcp), '\n'));
  assert_null(strchr(tern__tcp_detail(tcp), '\x1b'));
  tern__tcp_free(tcp);
  tern__tcp_free(NULL);
  assert_int_equal(tern__tcp_connect_step(NULL, 0), TERN_E_NOMEM);
  assert_string_equal(tern__tcp_detail(NULL), "");
}

/* A listener whose backlog is full leaves further connections hanging: the deadline ends them. */
static void test_deadline(void **state)
{
  uint32_t port = 0;
  int listener = listen_at("127.0.0.1", 0, &port);
  tern__tcp *waiting[16];
  tern_status status = TERN_OK;
  size_t i, n;

  (void)state;
  for (n = 0; n < 16 && status == TERN_OK; n++) {
    assert_int_equal(tern__tcp_open(NULL, "127.0.0.1", port, 500, &waiting[n]), TERN_OK);
    status = tern__tcp_connect_step(waiting[n], 1000);
  }
  if (status == TERN_E_AGAIN) { /* else this kernel has another idea of a backlog */
    tern__tcp *tcp = waiting[n - 1];

    assert_int_equal(tern__tcp_events(tcp), TERN_WRITE);
    assert_true(tern__tcp_handle(tcp) >= 0);
    assert_true(tern__tcp_deadline(tcp) == 1500);
    assert_int_equal(tern__tcp_connect_step(tcp, 1499), TERN_E_AGAIN);
    assert_int_equal(tern__tcp_connect_step(tcp, 1500), TERN_E_TIMEOUT);
    assert_int_equal(tern__tcp_connect_step(tcp, 1501), TERN_E_TIMEOUT);
    assert_non_null(strstr(tern__tcp_detail(tcp), "timed out"));
    assert_int_equal(tern__tcp_handle(tcp), -1);
  }
  for (i = 0; i < n; i++) tern__tcp_free(waiting[i]);
  close(listener);
}

/* ---- octets -----------------------------------------------------------------------------------*/

static void test_octets_both_ways(void **state)
{
  static const tern_span spans[] = {
    {(const uint8_t *)"ab", 2}, {NULL, 0}, {(const uint8_t *)"cde", 3}, {(const uint8_t *)"f", 1}};
  int server;
  tern__tcp *tcp = make_pair(&server);
  tern__link link = {tern__tcp_transport(), tcp};
  uint8_t buffer[16];
  size_t n;

  (void)state;
  assert_int_equal(tern__transport_check(&link), TERN_OK);
  assert_int_equal(tern__transport_read(&link, buffer, sizeof buffer, &n), TERN_E_AGAIN);
  assert_int_equal(tern__transport_pending(&link, TERN_READ), TERN_READ);
  assert_int_equal(tern__transport_writev(&link, spans, 4, &n), TERN_OK);
  assert_int_equal(n, 6);
  assert_int_equal(read(server, buffer, sizeof buffer), 6);
  assert_memory_equal(buffer, "abcdef", 6);
  assert_int_equal(write(server, "xyz", 3), 3);
  tern__transport_wait(&link, TERN_READ, 5000);
  assert_int_equal(tern__transport_read(&link, buffer, 2, &n), TERN_OK);
  assert_memory_equal(buffer, "xy", 2);
  assert_int_equal(tern__transport_read(&link, buffer, 2, &n), TERN_OK);
  assert_int_equal(n, 1);
  tern__transport_close(&link);
  assert_int_equal(read(server, buffer, sizeof buffer), 0);
  assert_int_equal(tern__transport_read(&link, buffer, 1, &n), TERN_E_CLOSED);
  assert_int_equal(tern__transport_write(&link, buffer, 1, &n), TERN_E_CLOSED);
  assert_int_equal(tern__transport_handle(&link), -1);
  tern__tcp_free(tcp);
  close(server);
}

static void test_full_socket_answers_again(void **state)
{
  static uint8_t block[65536];
  int server, i;
  tern__tcp *tcp = make_pair(&server);
  tern__link link = {tern__tcp_transport(), tcp};
  tern_status status = TERN_OK;
  size_t n;

  (void)state;
  for (i = 0; i < 10000 && status == TERN_OK; i++)
    status = tern__transport_write(&link, block, sizeof block, &n);
  assert_int_equal(status, TERN_E_AGAIN);
  assert_int_equal(n, 0);
  tern__tcp_free(tcp);
  close(server);
}

static void test_peer_closes(void **state)
{
  int server;
  tern__tcp *tcp = make_pair(&server);
  tern__link link = {tern__tcp_transport(), tcp};
  uint8_t octet;
  size_t n;

  (void)state;
  close(server);
  tern__transport_wait(&link, TERN_READ, 5000);
  assert_int_equal(tern__transport_read(&link, &octet, 1, &n), TERN_E_CLOSED);
  assert_non_null(strstr(tern__tcp_detail(tcp), "closed"));
  tern__tcp_free(tcp);
}

/* Without the right flags the second write would end the process by SIGPIPE. */
static void test_peer_resets(void **state)
{
  struct linger now = {1, 0};
  int server, i;
  tern__tcp *tcp = make_pair(&server);
  tern__link link = {tern__tcp_transport(), tcp};
  tern_status status = TERN_OK;
  size_t n;

  (void)state;
  setsockopt(server, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(server);
  for (i = 0; i < 3; i++) status = tern__transport_write(&link, (const uint8_t *)"x", 1, &n);
  assert_int_equal(status, TERN_E_CLOSED);
  assert_non_null(strstr(tern__tcp_detail(tcp), "127.0.0.1 port"));
  tern__tcp_free(tcp);
}

/* ---- Unix -------------------------------------------------------------------------------------*/

static void test_unix(void **state)
{
  struct sockaddr_un a;
  char folder[] = "/tmp/tern-test-XXXXXX", path[64], literal[32];
  int listener;
  tern__tcp *tcp, *more[4];
  uint8_t octet = 'x';
  tern__link link;
  size_t i, n;

  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/socket", folder);
  assert_int_equal(tern__tcp_open_unix(NULL, path, 500, &tcp), TERN_OK);
  assert_int_equal(finish(tcp), TERN_E_CONNECT);
  assert_non_null(strstr(tern__tcp_detail(tcp), "socket: No such file or directory"));
  tern__tcp_free(tcp);

  memset(&a, 0, sizeof a);
  a.sun_family = AF_UNIX;
  memcpy(a.sun_path, path, strlen(path));
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(tern__tcp_open_unix(NULL, path, 500, &tcp), TERN_OK);
  assert_int_equal(finish(tcp), TERN_E_CONNECT); /* bound, nobody listens */
  tern__tcp_free(tcp);

  assert_int_equal(listen(listener, 0), 0);
  assert_int_equal(tern__tcp_open_unix(NULL, path, 500, &tcp), TERN_OK);
  assert_int_equal(finish(tcp), TERN_OK);
  assert_string_equal(tern__tcp_peer(tcp), path);
  assert_int_equal(tern__tcp_local_literal(tcp, literal, sizeof literal), 0);
  link.table = tern__tcp_transport();
  link.user = tcp;
  assert_int_equal(tern__transport_write(&link, &octet, 1, &n), TERN_OK);

  /* the backlog is full: tried again until the deadline, or until there is room */
  for (i = 0; i < 4; i++) {
    assert_int_equal(tern__tcp_open_unix(NULL, path, 500, &more[i]), TERN_OK);
    (void)tern__tcp_connect_step(more[i], 1000);
  }
  if (tern__tcp_connect_step(more[3], 1000) == TERN_E_AGAIN) {
    assert_true(tern__tcp_deadline(more[3]) > 1000 && tern__tcp_deadline(more[3]) < 1500);
    assert_int_equal(tern__tcp_handle(more[3]), -1);
    assert_int_equal(tern__tcp_connect_step(more[3], 1400), TERN_E_AGAIN);
    for (i = 0; i < 5; i++) { /* whoever stands in the queue is taken out of it */
      int taken = accept(listener, NULL, NULL);

      if (taken >= 0) close(taken);
    }
    assert_int_equal(tern__tcp_connect_step(more[3], 1490), TERN_OK);
  }
  for (i = 0; i < 4; i++) tern__tcp_free(more[i]);
  tern__tcp_free(tcp);
  close(listener);
  unlink(path);
  rmdir(folder);
}

static void test_unix_paths_that_cannot_be(void **state)
{
  char longer[300];
  tern__tcp *tcp;

  (void)state;
  memset(longer, 'p', sizeof longer - 1);
  longer[sizeof longer - 1] = 0;
  assert_int_equal(tern__tcp_open_unix(NULL, longer, 0, &tcp), TERN_E_CONNECT);
  assert_non_null(strstr(tern__tcp_detail(tcp), "too long"));
  tern__tcp_free(tcp);
  assert_int_equal(tern__tcp_open_unix(NULL, "", 0, &tcp), TERN_E_ARGUMENT);
  tern__tcp_free(tcp);
  assert_int_equal(tern__tcp_open_unix(NULL, NULL, 0, &tcp), TERN_E_ARGUMENT);
  tern__tcp_free(tcp);
}

/* ---- memory -----------------------------------------------------------------------------------*/

static void *no_memory(void *user, size_t size)
{
  (void)user;
  (void)size;
  return NULL;
}

static void not_called(void *user, void *ptr, size_t size)
{
  (void)user;
  (void)ptr;
  (void)size;
  fail();
}

static void test_no_memory(void **state)
{
  static const tern_allocator mem = {NULL, no_memory, not_called};
  tern__tcp *tcp;

  (void)state;
  assert_int_equal(tern__tcp_open(&mem, "127.0.0.1", 25, 0, &tcp), TERN_E_NOMEM);
  assert_null(tcp);
  assert_int_equal(tern__tcp_open(&mem, "", 25, 0, &tcp), TERN_E_NOMEM);
  assert_null(tcp);
  assert_int_equal(tern__tcp_open_unix(&mem, "/", 0, &tcp), TERN_E_NOMEM);
  assert_null(tcp);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_connected),
    cmocka_unit_test(test_slice),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_every_address_is_tried),
    cmocka_unit_test(test_hosts_that_are_none),
    cmocka_unit_test(test_deadline),
    cmocka_unit_test(test_octets_both_ways),
    cmocka_unit_test(test_full_socket_answers_again),
    cmocka_unit_test(test_peer_closes),
    cmocka_unit_test(test_peer_resets),
    cmocka_unit_test(test_unix),
    cmocka_unit_test(test_unix_paths_that_cannot_be),
    cmocka_unit_test(test_no_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
