/* client_dial_test.c - a client on its way from a name to a greeting: by a name server of the test's own,
 * moved by the test between the client's steps, so that a step that blocks never ends; through the one
 * handle that the client gives. */
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

/* What is answered for each family: an address, "n" no such name, "-" silence. */
typedef struct zone {
  const char *a, *aaaa;
} zone;

static int answer(void *user, dns_server *server, const char *name, uint32_t type, int tcp,
                  const uint8_t *request, size_t len, dns_message *reply)
{
  const zone *z = user;
  const char *text = type == 28 ? z->aaaa : z->a;

  (void)server, (void)tcp, (void)len;
  if (text[0] == '-') return 0;
  dns_begin(reply, (uint16_t)(request[0] << 8 | request[1]), DNS_GOOD | (text[0] == 'n' ? 3u : 0u),
            name, type);
  if (text[0] != 'n' && type == 28) dns_aaaa(reply, name, text);
  if (text[0] != 'n' && type != 28) dns_a(reply, name, text);
  return 1;
}

typedef struct bench {
  dns_server dns;
  zone zone;
  tern_resolver *resolver;
  tern_client *client;
  int listener, peer; /* -1 */
  char url[80];
} bench;

static bench b;

static void set_up(const char *a, const char *aaaa, int blocking)
{
  struct sockaddr_in at = {.sin_family = AF_INET};
  socklen_t size = sizeof at;
  char name[40];

  memset(&b, 0, sizeof b);
  b.peer = -1;
  b.zone.a = a;
  b.zone.aaaa = aaaa;
  setenv("LOCALDOMAIN", "", 1);
  assert_true(dns_server_start(&b.dns, "127.0.0.1", answer, &b.zone));
  b.resolver = tern_resolver_new(NULL);
  assert_int_equal(tern_resolver_set_server(b.resolver, dns_server_name(&b.dns, name, 40)), TERN_OK);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  b.listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(b.listener, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(b.listener, 4), 0);
  assert_int_equal(getsockname(b.listener, (struct sockaddr *)&at, &size), 0);
  snprintf(b.url, sizeof b.url, "smtp://mail.test:%u?tls=none", (unsigned)ntohs(at.sin_port));
  b.client = tern_client_new(NULL);
  tern_client_set_blocking(b.client, (uint32_t)blocking);
  tern_client_set_ehlo_name(b.client, "client.test");
  assert_int_equal(tern_client_set_resolver(b.client, b.resolver), TERN_OK);
}

static void tear_down(void)
{
  tern_client_free(b.client);
  tern_resolver_free(b.resolver);
  if (b.peer >= 0) close(b.peer);
  close(b.listener);
  dns_server_stop(&b.dns);
}

/* What a server says until the client is greeted. */
static void serve(void)
{
  struct pollfd p = {b.listener, POLLIN, 0};
  char line[512];

  if (b.peer < 0 && poll(&p, 1, 0) == 1) {
    b.peer = accept(b.listener, NULL, NULL);
    assert_int_equal(send(b.peer, "220 mail.test\r\n", 15, 0), 15);
  }
  if (b.peer >= 0 && recv(b.peer, line, sizeof line, MSG_DONTWAIT) > 0)
    assert_int_equal(send(b.peer, "250 mail.test\r\n", 15, 0), 15);
}

/* step: tern_client_step, or what is done in its place. */
static tern_status run_by(tern_status (*step)(void *user), void *user)
{
  tern_status status = TERN_E_AGAIN;
  int i;

  for (i = 0; i < 2000; i++) {
    int32_t timeout;
    struct pollfd p;

    status = step(user);
    if (status != TERN_E_AGAIN) break;
    dns_server_move(&b.dns);
    serve();
    p.fd = tern_client_fd(b.client);
    p.events = (short)(((tern_client_wants(b.client) & TERN_READ) != 0 ? POLLIN : 0) |
                       ((tern_client_wants(b.client) & TERN_WRITE) != 0 ? POLLOUT : 0));
    timeout = tern_client_timeout(b.client);
    assert_true(p.fd >= 0 || timeout >= 0); /* there is always something to wait for */
    (void)poll(&p, 1, timeout < 0 || timeout > 20 ? 20 : timeout);
  }
  return status;
}

static tern_status step_client(void *user)
{
  return tern_client_step(user);
}

static tern_status step_probe(void *user)
{
  return tern_probe_step(user);
}

static tern_status run(void)
{
  return run_by(step_client, b.client);
}

static void test_stepped(void **state)
{
  static const struct {
    const char *a, *aaaa;
    tern_status status;
    uint32_t phase;
  } cases[] = {
    {"127.0.0.1", "n", TERN_OK, 0},
    {"127.0.0.1", "::1", TERN_OK, 0}, /* refused there, or no IPv6 here: the other one */
    {"127.0.0.1", "-", TERN_OK, 0},   /* connected before the other answer came */
    {"n", "n", TERN_E_HOST, TERN_PHASE_RESOLVE},
    {"-", "-", TERN_E_RESOLVE, TERN_PHASE_RESOLVE},
    {"n", "::1", TERN_E_CONNECT, TERN_PHASE_CONNECT},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    const tern_error *e;
    tern_status status;

    set_up(cases[i].a, cases[i].aaaa, 0);
    if (cases[i].status == TERN_E_RESOLVE) tern_client_set_timeout(b.client, TERN_PHASE_RESOLVE, 100);
    assert_int_equal(tern_client_connect(b.client, b.url), TERN_E_AGAIN);
    status = run();
    e = tern_client_error(b.client);
    if (status != cases[i].status)
      print_error("%s %s: %s %s\n", cases[i].a, cases[i].aaaa, tern_status_name(status),
                  tern_error_text(e));
    assert_int_equal(status, cases[i].status);
    if (status != TERN_OK) {
      assert_int_equal(tern_error_phase(e), cases[i].phase);
      assert_non_null(strstr(tern_error_text(e), status == TERN_E_CONNECT ? "[::1] port" : "mail.test"));
    } else {
      assert_int_equal(tern_client_connected(b.client), 1);
    }
    tear_down();
  }
}

/* A probe between the same waits; its client is as before when it has ended, or was given up. */
static void test_probed(void **state)
{
  static const struct {
    const char *a, *aaaa;
    tern_status status;
  } cases[] = {
    {"127.0.0.1", "n", TERN_OK},
    {"n", "n", TERN_E_HOST},
    {"n", "::1", TERN_E_CONNECT},
  };
  tern_probe *p = tern_probe_new(NULL);
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_probe_facts facts = {.size = sizeof facts};
    tern_probed tried = {.size = sizeof tried};

    set_up(cases[i].a, cases[i].aaaa, 0);
    assert_int_equal(tern_probe_start(p, b.client, b.url), TERN_E_AGAIN);
    assert_int_equal(tern_probe_start(p, b.client, b.url), TERN_E_STATE);
    assert_int_equal(run_by(step_probe, p), cases[i].status);
    assert_int_equal(tern_probe_step(p), cases[i].status);
    assert_int_equal(tern_error_status(tern_probe_error(p)), cases[i].status);
    assert_int_equal(tern_probe_get(p, &facts), TERN_OK);
    assert_string_equal(facts.greeting, cases[i].status == TERN_OK ? "mail.test" : "");
    assert_int_equal(tern_probe_address(p, 0, &tried), cases[i].status == TERN_E_HOST ? TERN_E_ARGUMENT : TERN_OK);
    assert_int_equal(tern_client_connected(b.client), 0);
    if (b.peer >= 0) close(b.peer);
    b.peer = -1;
    assert_int_equal(tern_client_connect(b.client, b.url), TERN_E_AGAIN); /* sends as ever */
    assert_int_equal(run(), cases[i].status);
    tear_down();
  }
  set_up("127.0.0.1", "n", 0);
  assert_int_equal(tern_probe_start(p, b.client, "http://mail.test"), TERN_E_URL);
  assert_int_equal(tern_probe_step(p), TERN_E_URL);
  assert_int_equal(tern_probe_start(p, b.client, b.url), TERN_E_AGAIN);
  assert_int_equal(tern_probe_step(p), TERN_E_AGAIN);
  tern_probe_free(p); /* and what it had begun with it */
  assert_int_equal(tern_client_step(b.client), TERN_E_CANCELLED);
  assert_int_equal(tern_client_fd(b.client), -1);
  assert_int_equal(tern_client_connect(b.client, b.url), TERN_E_AGAIN);
  assert_int_equal(run(), TERN_OK);
  assert_int_equal(tern_client_connected(b.client), 1);
  tern_client_quit(b.client);
  if (run() != TERN_OK) fail();
  p = tern_probe_new(NULL);
  assert_int_equal(tern_probe_run(p, b.client, b.url), TERN_E_STATE);
  tern_client_set_blocking(b.client, 1);
  assert_int_equal(tern_probe_start(p, b.client, b.url), TERN_E_STATE);
  assert_int_equal(tern_probe_start(NULL, b.client, b.url), TERN_E_NOMEM);
  assert_int_equal(tern_probe_step(NULL), TERN_E_NOMEM);
  assert_int_equal(tern_probe_step(p), TERN_E_STATE);
  tear_down();
  tern_probe_free(p);
}

/* The whole time holds for the look-up too, and so does a cancel. */
static void test_ends(void **state)
{
  (void)state;
  set_up("-", "-", 0);
  tern_client_set_total_timeout(b.client, 50);
  assert_int_equal(tern_client_connect(b.client, b.url), TERN_E_AGAIN);
  assert_int_equal(run(), TERN_E_TIMEOUT);
  assert_int_equal(tern_error_phase(tern_client_error(b.client)), TERN_PHASE_RESOLVE);
  tern_client_set_total_timeout(b.client, 0);
  assert_int_equal(tern_client_connect(b.client, b.url), TERN_E_AGAIN);
  assert_int_equal(tern_client_step(b.client), TERN_E_AGAIN);
  tern_client_cancel(b.client);
  assert_int_equal(run(), TERN_E_CANCELLED);
  assert_int_equal(tern_error_phase(tern_client_error(b.client)), TERN_PHASE_RESOLVE);
  assert_int_equal(tern_client_fd(b.client), -1);
  tear_down();
}

/* ---- through a proxy ------------------------------------------------------------------------------*/

#define HIDDEN "s3cr3t-pass"
#define T(text) text, sizeof(text) - 1

/* What the proxy sends after each thing it has read, in one piece with the server's greeting. */
typedef struct turn {
  const char *octets;
  size_t len;
} turn;

static void test_proxy(void **state)
{
  static const struct {
    const char *scheme;
    turn turns[4];
    tern_status status;
    const char *words;
  } cases[] = {
    {"socks5", {{T("\5\2")}, {T("\1\0")}, {T("\5\0\0\1\1\2\3\4\5\6" "220 mail.test\r\n")}, {T("250 ok\r\n")}},
     TERN_OK, ""},
    {"socks5h", {{T("\5\0")}, {T("\5\0\0\3\1x\0\1" "220 mail.test\r\n")}, {T("250 ok\r\n")}}, TERN_OK, ""},
    {"http", {{T("HTTP/1.1 200 OK\r\nA: b\r\n\r\n220 mail.test\r\n")}, {T("250 ok\r\n")}}, TERN_OK, ""},
    {"socks5", {{T("\5\377")}}, TERN_E_PROXY_AUTH, "neither"},
    {"socks5", {{T("\5\2")}, {T("\1\1")}}, TERN_E_PROXY_AUTH, "refused user"},
    {"socks5", {{T("\5\0")}, {T("\5\5\0\1\0\0\0\0\0\0")}}, TERN_E_CONNECT, "refused the connection"},
    {"socks5", {{T("HTTP/1.1 400 Bad\r\n\r\n")}}, TERN_E_PROXY_REPLY, "SOCKS5"},
    {"socks5", {{T("\5\2")}, {NULL, 0}}, TERN_E_PROXY, "closed"},
    {"http", {{T("HTTP/1.1 407 Login\r\n\r\n")}}, TERN_E_PROXY_AUTH, "HTTP 407 Login"},
    {"http", {{T("HTTP/1.1 403 No\r\n\r\n")}}, TERN_E_PROXY_DENIED, "HTTP 403 No"},
    {"http", {{T("\5\0")}, {NULL, 1}}, TERN_E_PROXY, "middle"},
    {"http", {{NULL, 0}}, TERN_E_PROXY, "without an answer"},
    {"http", {{T("")}}, TERN_E_TIMEOUT, "does not answer in time"},
    {"socks5", {{T("\5")}}, TERN_E_TIMEOUT, "does not answer in time"},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    const tern_error *e;
    tern_status status = TERN_E_AGAIN;
    char proxy[120];
    size_t at = 0, k;
    int port;

    set_up("127.0.0.1", "n", 0);
    assert_int_equal(sscanf(b.url, "smtp://mail.test:%d", &port), 1);
    snprintf(proxy, sizeof proxy, "%s://ann:" HIDDEN "@127.0.0.1:%d", cases[i].scheme, port);
    assert_int_equal(tern_client_set_proxy(b.client, proxy), TERN_OK);
    if (cases[i].status == TERN_E_TIMEOUT) tern_client_set_timeout(b.client, TERN_PHASE_CONNECT, 60);
    assert_int_equal(tern_client_connect(b.client, b.url), TERN_E_AGAIN);
    for (k = 0; k < 2000 && status == TERN_E_AGAIN; k++) {
      struct pollfd p = {b.listener, POLLIN, 0};
      char in[512];

      status = tern_client_step(b.client);
      if (b.peer < 0 && poll(&p, 1, 0) == 1) b.peer = accept(b.listener, NULL, NULL);
      if (b.peer >= 0 && at < 4 && recv(b.peer, in, sizeof in, MSG_DONTWAIT) > 0) {
        const turn *t = &cases[i].turns[at++];

        if (t->octets == NULL) {
          close(b.peer);
          b.peer = -1;
          at = 4;
        } else if (t->len > 0) {
          assert_int_equal(send(b.peer, t->octets, t->len, MSG_NOSIGNAL), t->len);
          if (at < 4 && t[1].octets == NULL && t[1].len == 1) { /* and closes at once */
            close(b.peer);
            b.peer = -1;
            at = 4;
          }
        }
      }
      p.fd = tern_client_fd(b.client);
      p.events = (short)((tern_client_wants(b.client) & TERN_WRITE) != 0 ? POLLOUT : POLLIN);
      if (status == TERN_E_AGAIN) (void)poll(&p, 1, 5);
    }
    e = tern_client_error(b.client);
    if (status != cases[i].status) print_error("%u: %s %s\n", (unsigned)i, tern_status_name(status), tern_error_text(e));
    assert_int_equal(status, cases[i].status);
    assert_non_null(strstr(status == TERN_OK ? "" : tern_error_text(e), cases[i].words));
    assert_null(strstr(tern_error_text(e), HIDDEN));
    if (status != TERN_OK) {
      assert_non_null(strstr(tern_error_text(e), "proxy 127.0.0.1 port"));
      assert_int_equal(tern_error_phase(e), TERN_PHASE_CONNECT);
    }
    assert_int_equal(b.dns.asked, 0); /* the name is the proxy's business */
    dns_server_move(&b.dns);
    assert_int_equal(b.dns.asked, 0);
    tear_down();
  }
}

static void test_proxy_urls(void **state)
{
  static const struct {
    const char *url;
    tern_status status;
    uint32_t field;
  } cases[] = {
    {"", TERN_OK, 0},
    {"socks5://127.0.0.1", TERN_OK, 0},
    {"socks5h://[::1]:1080", TERN_OK, 0},
    {"http://proxy.test:3128/", TERN_OK, 0},
    {"http://ann:pw@proxy.test:3128", TERN_OK, 0},
    {"http://proxy.test", TERN_E_URL, TERN_FIELD_URL_PORT},
    {"https://proxy.test:443", TERN_E_UNSUPPORTED, TERN_FIELD_URL_SCHEME},
    {"HTTPS://ann:pw@proxy.test", TERN_E_UNSUPPORTED, TERN_FIELD_URL_SCHEME},
    {"https:/", TERN_E_URL, TERN_FIELD_URL_SCHEME},
    {"socks4://proxy.test", TERN_E_URL, TERN_FIELD_URL_SCHEME},
    {"smtp://proxy.test", TERN_E_URL, TERN_FIELD_URL_SCHEME},
    {"proxy.test:1080", TERN_E_URL, TERN_FIELD_URL_SCHEME},
    {"socks5://", TERN_E_URL, TERN_FIELD_URL_HOST},
    {"socks5://proxy.test?tls=none", TERN_E_URL, TERN_FIELD_URL_QUERY},
    {"http://proxy.test:3128/x", TERN_E_URL, TERN_FIELD_URL_PATH},
    {"http://a%3Ab:pw@proxy.test:3128", TERN_E_CREDENTIALS, TERN_FIELD_URL_USER},
    {"socks5://a%0Ab:pw@proxy.test:3128", TERN_E_URL, TERN_FIELD_URL_USER},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_client *c = tern_client_new(NULL);

    assert_int_equal(tern_client_set_proxy(c, cases[i].url), cases[i].status);
    if (cases[i].status != TERN_OK) { /* it sticks until connect */
      assert_int_equal(tern_client_connect(c, "smtp://127.0.0.1"), cases[i].status);
      assert_int_equal(tern_error_field(tern_client_error(c)), cases[i].field);
    }
    tern_client_free(c);
  }
  {
    tern_client *c = tern_client_new(NULL);

    assert_int_equal(tern_client_set_proxy(c, "socks5://127.0.0.1"), TERN_OK);
    assert_int_equal(tern_client_connect(c, "lmtp+unix:/nowhere"), TERN_E_CONFIG);
    assert_int_equal(tern_client_set_local(c, "nonsense", NULL), TERN_E_ARGUMENT);
    assert_int_equal(tern_client_connect(c, "smtp://127.0.0.1"), TERN_E_ARGUMENT);
    assert_int_equal(tern_error_field(tern_client_error(c)), TERN_FIELD_LOCAL);
    tern_client_free(c);
  }
}

/* A blocking client with a resolver asks it too. */
static volatile int stop;

static void *move(void *user)
{
  (void)user;
  while (!stop) {
    struct pollfd p[2] = {{b.dns.udp, POLLIN, 0}, {b.listener, POLLIN, 0}};

    (void)poll(p, 2, 5);
    dns_server_move(&b.dns);
    serve();
  }
  return NULL;
}

static void test_blocking(void **state)
{
  pthread_t thread;

  (void)state;
  set_up("127.0.0.1", "n", 1);
  stop = 0;
  assert_int_equal(pthread_create(&thread, NULL, move, NULL), 0);
  assert_int_equal(tern_client_connect(b.client, b.url), TERN_OK);
  stop = 1;
  pthread_join(thread, NULL);
  assert_true(b.dns.asked >= 2);
  tear_down();
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_stepped),
    cmocka_unit_test(test_probed),
    cmocka_unit_test(test_ends),
    cmocka_unit_test(test_proxy),
    cmocka_unit_test(test_proxy_urls),
    cmocka_unit_test(test_blocking),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
