/* delivery_delivery_test.c - mails to MX hosts in the test's own process: routes, limits, what is remembered,
 * reports that another delivery takes up, hostile DNS, each allocation failing. TLS is left to the step
 * `delivery`. */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <tern/tern.h>
#include <unistd.h>

#include "mx_world.h"

#define TURNS 50000u
#define HOSTS 6u
#define SIX 4u /* the host at ::1 */
static const char text[] = "From: s@example.org\r\nSubject: x\r\n\r\nhello\r\n";

static const mx_row zone[] = {
    {"one.test", "MX", "10 mx1.test"},
    {"two.test", "MX", "10 mx2.test"},
    {"both.test", "MX", "10 mx1.test"},
    {"both.test", "MX", "20 mx2.test"},
    {"same1.test", "MX", "10 mx1.test"},
    {"same1.test", "MX", "10 mx2.test"},
    {"same2.test", "MX", "10 mx2.test"},
    {"same2.test", "MX", "10 mx1.test"},
    {"many.test", "MX", "10 many-mx.test"},
    {"null.test", "MX", "0 ."},
    {"silent.test", "SILENT", ""},
    {"fail.test", "FAIL", ""},
    {"slow-host.test", "MX", "10 silent.test"},
    {"slow-then-good.test", "MX", "10 fail.test"},
    {"slow-then-good.test", "MX", "20 mx2.test"},
    {"mx1.test", "A", "127.0.0.2"},
    {"mx2.test", "A", "127.0.0.3"},
    {"six.test", "MX", "10 six-mx.test"},
    {"six-mx.test", "A", "127.0.0.2"},
    {"six-mx.test", "AAAA", "::1"},
    {"many-mx.test", "A", "127.0.0.2"},
    {"many-mx.test", "A", "127.0.0.3"},
    {"many-mx.test", "A", "127.0.0.4"},
    {NULL, NULL, NULL},
};

typedef struct scene {
  mx_world w;
  mx_host hosts[HOSTS];
  tern_resolver *resolver;
  tern_delivery *d;
} scene;

static scene s;

static void make_delivery(const tern_allocator *mem)
{
  s.d = tern_delivery_new(mem);
  tern_delivery_set_blocking(s.d, 0);
  tern_delivery_set_resolver(s.d, s.resolver);
  tern_delivery_set_port(s.d, s.w.port);
  tern_delivery_set_ehlo_name(s.d, "out.example.org");
  tern_delivery_add_tls_policy(s.d, "*", TERN_POLICY_NONE, NULL);
}

static void set_up(const tern_allocator *mem)
{
  static const char *const addresses[HOSTS] = {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "::1", NULL};
  size_t i;

  memset(&s, 0, sizeof s);
  for (i = 0; i < HOSTS; i++) s.hosts[i].address = addresses[i];
  assert_true(mx_world_start(&s.w, zone, s.hosts));
  s.resolver = tern_resolver_new(mem);
  tern_resolver_set_server(s.resolver, s.w.server);
  tern_resolver_set_timeout(s.resolver, 300);
  tern_resolver_set_tries(s.resolver, 1);
  make_delivery(mem);
}

static void tear_down(void)
{
  tern_delivery_free(s.d);
  tern_resolver_free(s.resolver);
  mx_world_stop(&s.w);
}

static tern_mail *letter(const tern_allocator *mem, const char *rcpts)
{
  tern_mail *m = tern_mail_new(mem);
  char one[300];
  size_t n;

  tern_mail_from(m, "s@example.org");
  while (*rcpts) {
    n = strcspn(rcpts, " ");
    snprintf(one, sizeof one, "%.*s", (int)n, rcpts);
    tern_mail_rcpt(m, one);
    rcpts += n + (rcpts[n] == ' ');
  }
  tern_mail_content(m, text, sizeof text - 1);
  return m;
}

/* Sends it and waits for its end. */
static tern_status go(tern_mail *m)
{
  tern_status st = tern_delivery_send(s.d, m);

  if (st != TERN_E_AGAIN) return st;
  assert_int_equal(mx_world_run(&s.w, s.d, TURNS), TERN_OK);
  assert_ptr_equal(tern_delivery_finished(s.d), m);
  assert_null(tern_delivery_finished(s.d));
  return tern_mail_status(m);
}

static tern_result result(const tern_mail *m, uint32_t i)
{
  tern_result r;

  memset(&r, 0, sizeof r);
  r.size = sizeof r;
  assert_int_equal(tern_history_rcpt(tern_mail_history(m), i, &r), TERN_OK);
  return r;
}

static tern_attempt attempt(const tern_mail *m, uint32_t i)
{
  tern_attempt a;

  memset(&a, 0, sizeof a);
  a.size = sizeof a;
  assert_int_equal(tern_history_attempt(tern_mail_history(m), i, &a), TERN_OK);
  return a;
}

static uint32_t attempts(const tern_mail *m)
{
  return tern_history_attempt_count(tern_mail_history(m));
}

/* ---- where to -----------------------------------------------------------------------------------------*/
static void outcomes(void **state)
{
  static const struct {
    const char *to;
    tern_status status;
    uint32_t outcome;
    const char *log;
  } table[] = {
      {"a@one.test", TERN_OK, TERN_ACCEPTED, "2:a@one.test;"},
      {"a@ONE.Test", TERN_OK, TERN_ACCEPTED, "2:a@ONE.Test;"},
      {"a@one.test b@one.test c@one.test", TERN_OK, TERN_ACCEPTED, "2:a@one.test,b@one.test,c@one.test;"},
      {"a@mx2.test", TERN_OK, TERN_ACCEPTED, "3:a@mx2.test;"}, /* implicit MX */
      {"a@[127.0.0.4]", TERN_OK, TERN_ACCEPTED, "4:a@[127.0.0.4];"},
      {"a@null.test", TERN_E_NULL_MX, TERN_UNSENT, ""},
      {"a@nobody.test", TERN_E_HOST, TERN_UNSENT, ""},
      {"a@fail.test", TERN_E_RESOLVE, TERN_UNSENT, ""},
      {"a@silent.test", TERN_E_RESOLVE, TERN_UNSENT, ""},
      {"a@slow-host.test", TERN_E_RESOLVE, TERN_UNSENT, ""},
      {"a@slow-then-good.test", TERN_OK, TERN_ACCEPTED, "3:a@slow-then-good.test;"},
      {"a@[IPv6:::1:2", TERN_E_ADDRESS, TERN_UNSENT, ""},
  };
  tern_mail *m;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof table / sizeof *table; i++) {
    set_up(NULL);
    m = letter(NULL, table[i].to);
    assert_int_equal(go(m), table[i].status);
    assert_int_equal(tern_mail_rcpt_outcome(m, 0), table[i].outcome);
    assert_string_equal(s.w.log, table[i].log);
    tern_mail_free(m);
    tear_down();
  }
}

/* What a host says, and what becomes of a recipient who has a second host. */
static void replies(void **state)
{
  static const struct {
    mx_host first;
    tern_status status;
    uint32_t outcome;
    unsigned mails1, mails2;
  } table[] = {
      {{.greeting = "554 5.3.2 no"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.greeting = "421 4.3.2 later"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.greeting = "-"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.ehlo = "421 4.3.2 later"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.ehlo = "-"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.mail = "451 4.3.0 later"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.mail = "550 5.7.1 not you"}, TERN_E_REFUSED_PERMANENT, TERN_REJECTED, 0, 0},
      {{.rcpt = "450 4.2.0 later"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.rcpt = "550 5.1.1 who"}, TERN_E_NO_SUCH_MAILBOX, TERN_REJECTED, 0, 0},
      {{.rcpt = "-"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.dot = "451 4.3.0 later"}, TERN_OK, TERN_ACCEPTED, 0, 1},
      {{.dot = "554 5.6.0 no"}, TERN_E_REFUSED_PERMANENT, TERN_REJECTED, 0, 0},
      {{.dot = "-"}, TERN_E_IN_DOUBT, TERN_UNKNOWN, 0, 0},
      {{.grey = 1}, TERN_OK, TERN_ACCEPTED, 0, 1},
  };
  tern_mail *m;
  tern_result r;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof table / sizeof *table; i++) {
    int fd;
    set_up(NULL);
    fd = s.hosts[0].fd;
    s.hosts[0] = table[i].first;
    s.hosts[0].address = "127.0.0.2";
    s.hosts[0].fd = fd;
    m = letter(NULL, "a@both.test");
    (void)go(m);
    assert_int_equal(tern_mail_rcpt_outcome(m, 0), table[i].outcome);
    assert_int_equal(tern_status_class(tern_mail_status(m)), tern_status_class(table[i].status));
    assert_int_equal(s.hosts[0].mails, table[i].mails1);
    assert_int_equal(s.hosts[1].mails, table[i].mails2);
    r = result(m, 0);
    assert_int_equal(r.retry_after, 0);
    assert_int_equal(r.tries, 1);
    assert_int_equal(attempts(m), table[i].outcome == TERN_ACCEPTED ? 2 : 1);
    tern_mail_free(m);
    tear_down();
  }
}

static void routes(void **state)
{
  tern_mail *m = letter(NULL, "a@one.test b@sub.one.test c@two.test d@three.test");
  char url[64];
  tern_attempt a;

  (void)state;
  set_up(NULL);
  snprintf(url, sizeof url, "smtp://user:secret@127.0.0.4:%u?tls=none", (unsigned)s.w.port);
  assert_int_equal(tern_delivery_add_route(s.d, "*", url), TERN_OK);
  snprintf(url, sizeof url, "smtp://127.0.0.5:%u?tls=none", (unsigned)s.w.port);
  assert_int_equal(tern_delivery_add_route(s.d, "one.test", url), TERN_OK);
  assert_int_equal(tern_delivery_add_route(s.d, "two.test", NULL), TERN_OK); /* by its MX */
  assert_int_equal(tern_delivery_add_route(s.d, "x..y", url), TERN_E_ADDRESS);
  assert_int_equal(tern_delivery_send(s.d, m), TERN_E_ADDRESS); /* that setting; told once */
  (void)go(m);
  assert_int_equal(s.hosts[3].mails, 1); /* one.test alone */
  assert_int_equal(s.hosts[1].mails, 1); /* two.test */
  assert_int_equal(s.hosts[2].mails, 0); /* a password is not sent in clear */
  assert_int_equal(tern_mail_rcpt_outcome(m, 0), TERN_ACCEPTED);
  assert_int_equal(tern_mail_rcpt_outcome(m, 1), TERN_UNSENT);
  assert_int_equal(tern_mail_rcpt_outcome(m, 2), TERN_ACCEPTED);
  a = attempt(m, result(m, 1).attempt);
  assert_non_null(strstr(a.host, "smtp://127.0.0.4:"));
  assert_null(strstr(a.host, "secret"));
  tern_mail_free(m);
  tear_down();
}

/* Domains of rules: what is none is refused, and told once more by the next send. */
static void rules(void **state)
{
  static const struct {
    const char *domain;
    tern_status status;
  } table[] = {
      {"*", TERN_OK},          {".example.org", TERN_OK}, {"EXAMPLE.org.", TERN_OK},
      {"192.0.2.1", TERN_OK},  {"[IPv6:2001:db8::1]", TERN_OK}, {"x..y", TERN_E_ADDRESS},
      {"", TERN_E_ADDRESS},    {".", TERN_E_ADDRESS},     {"..x", TERN_E_ADDRESS},
      {"a b", TERN_E_ADDRESS}, {"a@b", TERN_E_ADDRESS},   {"x\r\ny", TERN_E_ADDRESS},
  };
  char longest[300];
  size_t i, len;

  (void)state;
  set_up(NULL);
  for (i = 0; i < sizeof table / sizeof *table; i++) {
    assert_int_equal(tern_delivery_add_route(s.d, table[i].domain, NULL), table[i].status);
    assert_int_equal(tern_delivery_add_tls_policy(s.d, table[i].domain, TERN_POLICY_MAY, NULL), table[i].status);
  }
  for (len = 240; len < 280; len++) { /* the longest names, with and without the dot before them */
    for (i = 0; i < len; i++) longest[i] = i % 50 == 49 ? '.' : 'a';
    longest[len - 1] = 'z';
    longest[len] = 0;
    assert_int_equal(tern_delivery_add_route(s.d, longest, NULL), len < 254 ? TERN_OK : TERN_E_ADDRESS);
    longest[0] = '.';
    assert_int_equal(tern_delivery_add_route(s.d, longest, NULL), len < 255 ? TERN_OK : TERN_E_ADDRESS);
  }
  tear_down();
}

static tern_status choose(void *user, const char *domain, uint32_t *policy, const char **match)
{
  (void)match;
  ++*(unsigned *)user;
  if (!strcmp(domain, "one.test")) return TERN_E_CONFIG;
  if (!strcmp(domain, "two.test")) return TERN_E_AGAIN; /* the table: none */
  *policy = TERN_POLICY_ENCRYPT;
  return TERN_OK;
}

static void policies(void **state)
{
  tern_mail *m = letter(NULL, "a@one.test b@two.test c@both.test");
  unsigned asked = 0;

  (void)state;
  set_up(NULL);
  tern_delivery_on_tls_policy(s.d, choose, &asked);
  (void)go(m);
  assert_int_equal(asked, 3);
  assert_int_equal(result(m, 0).status, TERN_E_CONFIG);
  assert_int_equal(result(m, 1).status, TERN_OK);
  assert_int_equal(result(m, 2).status, TERN_E_TLS_NOT_OFFERED);
  assert_string_equal(s.w.log, "3:b@two.test;");
  tern_mail_free(m);
  tear_down();
}

/* RFC 8689: where nobody vouches for the host the mail does not go, for good. */
static void requiretls(void **state)
{
  static const uint32_t policy[] = {TERN_POLICY_NONE, TERN_POLICY_MAY, TERN_POLICY_ENCRYPT, TERN_POLICY_VERIFY};
  tern_mail *m;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof policy / sizeof *policy; i++) {
    set_up(NULL);
    tern_delivery_add_tls_policy(s.d, "*", policy[i], NULL);
    m = letter(NULL, "a@both.test");
    assert_int_equal(tern_mail_set_params(m, "REQUIRETLS"), TERN_OK);
    assert_int_equal(go(m), TERN_E_REQUIRETLS);
    assert_int_equal(tern_status_class(tern_mail_status(m)), TERN_CLASS_PERMANENT);
    assert_int_equal(result(m, 0).retry_after, 0);
    assert_int_equal(s.hosts[0].connections + s.hosts[1].connections, 0);
    tern_mail_free(m);
    tear_down();
  }
}

static void private_addresses(void **state)
{
  static const char *const to[] = {"a@one.test", "a@[127.0.0.2]", "a@mx1.test"};
  tern_mail *m;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof to / sizeof *to; i++) {
    set_up(NULL);
    tern_delivery_set_allow_private(s.d, 0);
    m = letter(NULL, to[i]);
    assert_int_equal(go(m), TERN_E_HOST);
    assert_int_equal(s.hosts[0].connections, 0);
    assert_int_equal(result(m, 0).retry_after, 0);
    assert_int_equal(attempt(m, 0).flags & TERN_ATTEMPT_PRIVATE, TERN_ATTEMPT_PRIVATE);
    assert_int_equal(attempt(m, 0).flags & TERN_ATTEMPT_UNCONNECTED, TERN_ATTEMPT_UNCONNECTED);
    tern_mail_free(m);
    tear_down();
  }
}

static void loops(void **state)
{
  tern_mail *m = letter(NULL, "a@both.test b@one.test");

  (void)state;
  set_up(NULL);
  assert_int_equal(tern_delivery_add_own_name(s.d, "MX2.test"), TERN_OK);
  assert_int_equal(go(m), TERN_OK); /* mx1 is better than we are */
  assert_int_equal(s.hosts[0].mails, 2);
  assert_int_equal(tern_delivery_add_own_name(s.d, "mx1.test"), TERN_OK);
  tern_delivery_free(s.d);
  make_delivery(NULL);
  tern_delivery_add_own_name(s.d, "mx1.test");
  assert_int_equal(go(m), TERN_E_ROUTING);
  assert_int_equal(result(m, 0).status, TERN_E_ROUTING);
  assert_int_equal(s.hosts[0].mails, 2);
  tern_mail_free(m);
  tear_down();
}

/* 500 MX records, by TCP; each host has an address where nobody listens. */
static int crowd(mx_world *w, const char *name, uint32_t type, dns_message *reply)
{
  char host[40];
  unsigned i;

  (void)w;
  if (!strcmp(name, "crowd.test") && type == 15) {
    for (i = 0; i < 500; i++) {
      snprintf(host, sizeof host, "h%u.test", i);
      dns_mx(reply, name, 500 - i, host);
    }
    return 1;
  }
  if (!strcmp(name, "crowd.test")) return 1;
  if (name[0] != 'h') return 0;
  if (type == 1) dns_a(reply, name, "127.0.0.99");
  return 1;
}

static void hostile_answers(void **state)
{
  tern_mail *m = letter(NULL, "a@crowd.test");
  uint32_t i;
  char seen[500] = {0};

  (void)state;
  set_up(NULL);
  s.w.also = crowd;
  tern_delivery_set_dead_time(s.d, 0);
  assert_int_equal(go(m), TERN_E_CONNECT);
  assert_true(s.w.dns.asked_tcp > 0);
  assert_true(attempts(m) > 1 && attempts(m) <= 64); /* not 500 */
  for (i = 0; i < attempts(m); i++) {
    unsigned long n = strtoul(attempt(m, i).host + 1, NULL, 10);
    assert_true(n < 500 && !seen[n]);
    seen[n] = 1;
  }
  assert_true(s.w.dns.asked < 200);
  tern_mail_free(m);
  tear_down();
}

static void joined(void **state)
{
  unsigned on;

  (void)state;
  for (on = 0; on < 2; on++) {
    tern_mail *m = letter(NULL, "a@same1.test b@same2.test c@one.test");
    set_up(NULL);
    tern_delivery_set_join(s.d, on);
    assert_int_equal(go(m), TERN_OK);
    assert_int_equal(s.hosts[0].mails + s.hosts[1].mails, on ? 2 : 3);
    assert_int_equal(s.hosts[0].rcpts + s.hosts[1].rcpts, 3);
    assert_string_equal(result(m, 0).domain, "same1.test");
    assert_string_equal(result(m, 1).domain, "same2.test");
    tern_mail_free(m);
    tear_down();
  }
}

static void too_many_recipients(void **state)
{
  tern_mail *m = letter(NULL, "a@one.test b@one.test c@one.test d@one.test e@one.test");

  (void)state;
  set_up(NULL);
  s.hosts[0].most_rcpts = 2;
  assert_int_equal(go(m), TERN_OK);
  assert_int_equal(s.hosts[0].mails, 3);
  assert_int_equal(s.hosts[0].connections, 1);
  tern_mail_free(m);
  tear_down();
}

/* ---- connections --------------------------------------------------------------------------------------*/
static void connections_are_used_again(void **state)
{
  tern_mail *m;
  unsigned i;

  (void)state;
  set_up(NULL);
  tern_delivery_set_idle_time(s.d, 600000);
  for (i = 0; i < 4; i++) {
    m = letter(NULL, i & 1 ? "a@one.test" : "a@both.test"); /* both by mx1 */
    assert_int_equal(go(m), TERN_OK);
    assert_int_equal(attempt(m, 0).flags & TERN_ATTEMPT_REUSED, i ? TERN_ATTEMPT_REUSED : 0);
    tern_mail_free(m);
  }
  assert_int_equal(s.hosts[0].connections, 1);
  assert_int_equal(s.hosts[0].mails, 4);
  mx_host_hang_up(&s.w, &s.hosts[0]); /* while it waits: the next mail opens another */
  m = letter(NULL, "a@one.test");
  assert_int_equal(go(m), TERN_OK);
  assert_int_equal(s.hosts[0].connections, 2);
  assert_int_equal(s.hosts[0].mails, 5);
  tern_mail_free(m);
  assert_int_equal(s.hosts[0].quits, 0);
  assert_int_equal(tern_delivery_quit(s.d), TERN_E_AGAIN);
  (void)mx_world_run(&s.w, s.d, TURNS);
  while (mx_world_move(&s.w, 50)) (void)tern_delivery_step(s.d);
  assert_int_equal(s.hosts[0].quits, 1);
  assert_int_equal(tern_delivery_quit(s.d), TERN_OK);
  tear_down();
}

static void no_idle_connections(void **state)
{
  tern_mail *m;
  unsigned i;

  (void)state;
  set_up(NULL);
  tern_delivery_set_idle_time(s.d, 0);
  for (i = 0; i < 2; i++) {
    m = letter(NULL, "a@one.test");
    assert_int_equal(go(m), TERN_OK);
    tern_mail_free(m);
    while (mx_world_move(&s.w, 50)) (void)tern_delivery_step(s.d);
  }
  assert_int_equal(s.hosts[0].connections, 2);
  assert_int_equal(s.hosts[0].quits, 2);
  tear_down();
}

/* A host that takes two mails on a connection: more are sent on further ones, none is lost or doubled. */
static void few_mails_a_connection(void **state)
{
  tern_mail *m;
  unsigned i;

  (void)state;
  set_up(NULL);
  s.hosts[0].most_mails = 2;
  for (i = 0; i < 6; i++) {
    m = letter(NULL, "a@one.test");
    assert_int_equal(go(m), TERN_OK);
    tern_mail_free(m);
  }
  assert_int_equal(s.hosts[0].mails, 6);
  assert_int_equal(s.hosts[0].connections, 3);
  tear_down();
}

static void limits(void **state)
{
  static const struct {
    uint32_t all, address, domain;
    unsigned most1, most2; /* connections at a time */
  } table[] = {
      {1, 0, 0, 1, 1},
      {0, 1, 0, 1, 1},
      {0, 3, 0, 3, 3},
      {0, 0, 2, 4, 2}, /* two domains are at the first host */
      {0, 50, 50, 20, 10},
  };
  tern_mail *mails[30];
  size_t i, k;

  (void)state;
  for (i = 0; i < sizeof table / sizeof *table; i++) {
    set_up(NULL);
    tern_delivery_set_limits(s.d, table[i].all, table[i].address, table[i].domain);
    s.hosts[0].slow = s.hosts[1].slow = 4;
    for (k = 0; k < 30; k++) {
      mails[k] = letter(NULL, k % 3 == 0 ? "a@one.test" : k % 3 == 1 ? "a@both.test" : "a@two.test");
      assert_int_equal(tern_delivery_send(s.d, mails[k]), TERN_E_AGAIN);
    }
    assert_int_equal(mx_world_run(&s.w, s.d, TURNS), TERN_OK);
    for (k = 0; k < 30; k++) {
      assert_non_null(tern_delivery_finished(s.d));
      assert_int_equal(tern_mail_status(mails[k]), TERN_OK);
    }
    assert_null(tern_delivery_finished(s.d));
    assert_int_equal(s.hosts[0].mails, 20);
    assert_int_equal(s.hosts[1].mails, 10);
    assert_true(s.hosts[0].most_open <= table[i].most1);
    assert_true(s.hosts[1].most_open <= table[i].most2);
    assert_int_equal(s.hosts[0].most_open, table[i].most1);
    for (k = 0; k < 30; k++) tern_mail_free(mails[k]);
    tear_down();
  }
}

/* ---- what is remembered -------------------------------------------------------------------------------*/
static void dead_hosts(void **state)
{
  tern_mail *m;
  unsigned remembers;

  (void)state;
  for (remembers = 0; remembers < 2; remembers++) {
    set_up(NULL);
    tern_delivery_set_dead_time(s.d, remembers ? 3600000 : 0);
    mx_host_close(&s.hosts[0]);
    m = letter(NULL, "a@both.test");
    assert_int_equal(go(m), TERN_OK);
    assert_int_equal(attempts(m), 2);
    assert_int_equal(attempt(m, 0).status, TERN_E_CONNECT);
    assert_int_equal(attempt(m, 0).flags & TERN_ATTEMPT_UNCONNECTED, 0);
    assert_true(mx_host_open(&s.w, &s.hosts[0])); /* alive again */
    tern_mail_free(m);
    m = letter(NULL, "a@both.test");
    assert_int_equal(go(m), TERN_OK);
    assert_int_equal(s.hosts[0].mails, remembers ? 0 : 1);
    if (remembers) assert_int_equal(attempt(m, 0).flags & TERN_ATTEMPT_UNCONNECTED, TERN_ATTEMPT_UNCONNECTED);
    tern_mail_free(m);
    tear_down();
  }
}

static void next_address(void **state)
{
  tern_mail *m = letter(NULL, "a@many.test");

  (void)state;
  set_up(NULL);
  mx_host_close(&s.hosts[0]);
  s.hosts[1].greeting = "-";
  assert_int_equal(go(m), TERN_OK);
  assert_int_equal(s.hosts[2].mails, 1);
  tern_mail_free(m);
  tear_down();
}

/* Takes connections to ::1 and answers none, not even that they stand: its backlog is full. */
static size_t make_silent(int *fds, size_t most)
{
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  size_t n = 0;
  int on = 1, st = 0;

  mx_host_close(&s.hosts[SIX]);
  a.sin6_port = htons(s.w.port);
  fds[n++] = socket(AF_INET6, SOCK_STREAM, 0);
  setsockopt(fds[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  assert_int_equal(bind(fds[0], (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(fds[0], 0), 0);
  while (n < most && st == 0) {
    struct pollfd p = {socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), POLLOUT, 0};
    (void)connect(p.fd, (struct sockaddr *)&a, sizeof a);
    fds[n++] = p.fd;
    st = poll(&p, 1, 100) == 1 ? 0 : 1;
  }
  assert_int_equal(st, 1); /* the last one hangs */
  return n;
}

/* A host's two families race for a connection (RFC 8305): what is dead or silent on one way is no delay, what
 * failed is told of, and what was only slower is still there if the other one has no use for the mail. */
static void two_families(void **state)
{
  enum { LIVE, REFUSES, SILENT, BUSY };
  static const struct {
    int six, four; /* ::1, 127.0.0.2 */
    tern_status status;
    uint32_t attempts;
    const char *log;
  } cases[] = {
      {REFUSES, LIVE, TERN_OK, 2, "2:a@six.test;2:a@six.test;"},
      {SILENT, LIVE, TERN_OK, 1, "2:a@six.test;2:a@six.test;"},
      {LIVE, REFUSES, TERN_OK, 1, "::1:a@six.test;::1:a@six.test;"},
      {REFUSES, REFUSES, TERN_E_CONNECT, 2, ""},
      {BUSY, LIVE, TERN_OK, 2, "2:a@six.test;2:a@six.test;"},
      {BUSY, REFUSES, TERN_E_CONNECT, 2, ""},
  };
  size_t i, n, count;
  int fds[12];

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_mail *m = letter(NULL, "a@six.test");

    set_up(NULL);
    count = cases[i].six == SILENT ? make_silent(fds, 12) : 0;
    if (cases[i].six == REFUSES) mx_host_close(&s.hosts[SIX]);
    if (cases[i].six == BUSY) s.hosts[SIX].greeting = "421 4.3.2 later";
    if (cases[i].four == REFUSES) mx_host_close(&s.hosts[0]);
    assert_int_equal(go(m), cases[i].status);
    if (attempts(m) != cases[i].attempts) fail_msg("case %zu: %u attempts", i, attempts(m));
    if (cases[i].six == REFUSES) {
      uint32_t dead = cases[i].four == LIVE ? 0 : 1; /* the first address is the last to be told of */
      assert_non_null(strstr(attempt(m, dead).text, "[::1] port"));
      assert_int_equal(attempt(m, dead).status, TERN_E_CONNECT);
      assert_string_equal(attempt(m, dead).address, "::1");
      assert_int_equal(attempt(m, dead).port, attempt(m, 1 - dead).port);
      assert_int_equal(attempt(m, dead).flags & TERN_ATTEMPT_UNCONNECTED, 0);
    }
    if (cases[i].status == TERN_OK) {
      uint32_t last = attempts(m) - 1;
      assert_string_equal(attempt(m, last).address, cases[i].four == LIVE ? "127.0.0.2" : "::1");
      assert_int_equal(go(m), TERN_OK); /* over the same connection */
      assert_int_equal(attempts(m), cases[i].six == REFUSES ? 2 : 1); /* it is remembered as dead */
      assert_int_equal(s.hosts[0].connections + (cases[i].six == LIVE ? s.hosts[SIX].connections : 0), 1);
    }
    assert_string_equal(s.w.log, cases[i].log);
    for (n = 0; n < count; n++) close(fds[n]);
    tern_mail_free(m);
    tear_down();
  }
}

/* ---- reports ------------------------------------------------------------------------------------------*/
/* Stored, read back, and taken up by another delivery: who has it keeps it. */
static void carried_on(void **state)
{
  tern_mail *m = letter(NULL, "a@one.test grey@two.test c@null.test d@fail.test");
  tern_history *earlier;
  tern_result r;
  char *octets;
  size_t len;

  (void)state;
  set_up(NULL);
  s.hosts[1].grey = 1;
  assert_int_equal(go(m), TERN_PARTIAL);
  r = result(m, 1);
  assert_int_equal(r.outcome, TERN_DEFERRED);
  assert_int_equal(r.greylisted, 1);
  assert_true(r.retry_after > 0 && r.retry_after < 1800);
  assert_int_equal(result(m, 3).retry_after, 1800);
  assert_int_equal(tern_history_retry_after(tern_mail_history(m)), r.retry_after);
  len = tern_history_write(tern_mail_history(m), NULL, 0);
  octets = malloc(len + 1);
  assert_int_equal(tern_history_write(tern_mail_history(m), octets, len + 1), len);
  tern_mail_free(m);
  tern_delivery_free(s.d);

  make_delivery(NULL);
  assert_int_equal(tern_history_read(NULL, octets, len, &earlier), TERN_OK);
  m = letter(NULL, "a@one.test grey@two.test c@null.test d@fail.test");
  assert_int_equal(tern_delivery_resume(s.d, m, earlier), TERN_E_AGAIN);
  tern_history_free(earlier);
  assert_int_equal(mx_world_run(&s.w, s.d, TURNS), TERN_OK);
  assert_int_equal(s.hosts[0].mails, 1); /* not twice */
  assert_int_equal(s.hosts[1].mails, 1);
  assert_int_equal(result(m, 0).outcome, TERN_ACCEPTED);
  assert_int_equal(result(m, 0).tries, 1);
  assert_int_equal(result(m, 1).outcome, TERN_ACCEPTED);
  assert_int_equal(result(m, 1).tries, 2);
  assert_int_equal(result(m, 3).tries, 2);
  assert_int_equal(result(m, 2).retry_after, 0);
  assert_true(attempts(m) > 4); /* the earlier ones too */

  /* and once more from the mail's own */
  assert_int_equal(tern_delivery_resume(s.d, m, tern_mail_history(m)), TERN_E_AGAIN);
  assert_int_equal(mx_world_run(&s.w, s.d, TURNS), TERN_OK);
  assert_int_equal(result(m, 3).tries, 3);
  assert_int_equal(s.hosts[0].mails + s.hosts[1].mails, 2);
  tern_mail_free(m);
  m = letter(NULL, "z@one.test");
  assert_int_equal(tern_history_read(NULL, octets, len, &earlier), TERN_OK);
  assert_int_equal(tern_delivery_resume(s.d, m, earlier), TERN_E_ARGUMENT);
  tern_history_free(earlier);
  tern_mail_free(m);
  free(octets);
  tear_down();
}

/* "Unknown" is never tried again. */
static void unknown_is_kept(void **state)
{
  tern_mail *m = letter(NULL, "a@one.test");
  tern_history *earlier;
  char octets[4096];
  size_t len;

  (void)state;
  set_up(NULL);
  s.hosts[0].dot = "-";
  assert_int_equal(go(m), TERN_E_IN_DOUBT);
  assert_int_equal(result(m, 0).retry_after, 0);
  len = tern_history_write(tern_mail_history(m), octets, sizeof octets);
  assert_int_equal(tern_history_read(NULL, octets, len, &earlier), TERN_OK);
  assert_int_equal(tern_delivery_resume(s.d, m, earlier), TERN_E_AGAIN);
  assert_int_equal(mx_world_run(&s.w, s.d, TURNS), TERN_OK);
  assert_int_equal(tern_mail_status(m), TERN_E_IN_DOUBT);
  assert_int_equal(s.hosts[0].connections, 1);
  tern_history_free(earlier);
  tern_mail_free(m);
  tear_down();
}

/* ---- ends ---------------------------------------------------------------------------------------------*/
static void cancelled(void **state)
{
  static const char *const to[] = {"a@silent.test", "a@slow-host.test", "a@one.test"};
  tern_mail *m;
  size_t i;
  int turns;

  (void)state;
  for (i = 0; i < sizeof to / sizeof *to; i++) {
    set_up(NULL);
    s.hosts[0].greeting = "";
    tern_resolver_set_timeout(s.resolver, 60000);
    m = letter(NULL, to[i]);
    assert_int_equal(tern_delivery_send(s.d, m), TERN_E_AGAIN);
    assert_int_equal(mx_world_run(&s.w, s.d, 20), TERN_E_AGAIN);
    tern_delivery_cancel(s.d);
    assert_int_equal(mx_world_run(&s.w, s.d, 5), TERN_OK);
    assert_ptr_equal(tern_delivery_finished(s.d), m);
    assert_int_equal(tern_mail_status(m), TERN_E_CANCELLED);
    assert_int_equal(tern_mail_free(m), TERN_OK);
    /* nothing is left that would keep a loop awake */
    for (turns = 0; turns < 20 && tern_delivery_timeout(s.d) == 0; turns++) (void)tern_delivery_step(s.d);
    assert_true(turns < 20);
    tear_down();
  }
}

/* A look-up whose mail was cancelled gets its answer: nobody is kept awake by it, and it can be used. */
static void answer_after_the_end(void **state)
{
  tern_mail *m = letter(NULL, "a@one.test");
  int turns;

  (void)state;
  set_up(NULL);
  assert_int_equal(tern_delivery_send(s.d, m), TERN_E_AGAIN);
  assert_int_equal(tern_delivery_step(s.d), TERN_E_AGAIN); /* the question is on its way */
  tern_delivery_cancel(s.d);
  assert_int_equal(tern_delivery_step(s.d), TERN_OK);
  assert_int_equal(tern_mail_free(m), TERN_OK);
  (void)mx_world_move(&s.w, 100);
  for (turns = 0; turns < 50; turns++) {
    (void)tern_delivery_step(s.d);
    if (tern_delivery_timeout(s.d) != 0 && tern_delivery_poll(s.d, NULL, 0) == 0) break;
  }
  assert_true(turns < 50);
  m = letter(NULL, "a@one.test");
  assert_int_equal(go(m), TERN_OK);
  tern_mail_free(m);
  tear_down();
}

static void out_of_time(void **state)
{
  static const char *const to[] = {"a@silent.test", "a@slow-host.test", "a@one.test"};
  tern_mail *m;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof to / sizeof *to; i++) {
    set_up(NULL);
    s.hosts[0].greeting = "";
    tern_resolver_set_timeout(s.resolver, 60000);
    tern_delivery_set_total_timeout(s.d, 100);
    m = letter(NULL, to[i]);
    assert_int_equal(go(m), TERN_E_TIMEOUT);
    assert_int_equal(tern_mail_rcpt_outcome(m, 0), TERN_UNSENT);
    tern_mail_free(m);
    tear_down();
  }
}

typedef struct pulled {
  size_t at;
  unsigned rewinds;
} pulled;

static tern_status pull(void *user, const uint8_t **octets, size_t *len)
{
  pulled *p = user;

  *octets = (const uint8_t *)text + p->at;
  *len = sizeof text - 1 - p->at;
  p->at = sizeof text - 1;
  return TERN_SOURCE_END;
}

static tern_status rewind_it(void *user)
{
  pulled *p = user;

  p->at = 0;
  p->rewinds++;
  return TERN_OK;
}

static void content_from_a_source(void **state)
{
  static const tern_source once = {sizeof once, pull, NULL, NULL};
  static const tern_source often = {sizeof often, pull, rewind_it, NULL};
  unsigned can;

  (void)state;
  for (can = 0; can < 2; can++) {
    pulled p = {0, 0};
    tern_mail *m = letter(NULL, "a@one.test b@two.test");
    set_up(NULL);
    tern_mail_content_source(m, can ? &often : &once, &p);
    assert_int_equal(go(m), can ? TERN_OK : TERN_PARTIAL);
    assert_int_equal(s.hosts[0].mails + s.hosts[1].mails, can ? 2 : 1);
    if (!can) {
      uint32_t left = tern_mail_rcpt_outcome(m, 0) == TERN_ACCEPTED;
      assert_int_equal(result(m, left).status, TERN_E_REWIND);
      assert_int_equal(result(m, left).outcome, TERN_UNSENT);
    }
    tern_mail_free(m);
    tear_down();
  }
}

/* ---- memory -------------------------------------------------------------------------------------------*/
typedef struct failing {
  long at, calls, live;
  int for_ever;
} failing;

static void *take(void *user, size_t size)
{
  failing *f = user;

  f->calls++;
  if (f->calls == f->at || (f->for_ever && f->calls > f->at)) return NULL;
  f->live++;
  return malloc(size);
}

static void give(void *user, void *ptr, size_t size)
{
  failing *f = user;

  (void)size;
  if (ptr) f->live--;
  free(ptr);
}

/* Who was told that it is accepted has it once; who has it was told so, or that it is not known. */
static void honest(const tern_mail *m, tern_status st)
{
  uint32_t i, n;
  const char *at;

  for (i = 0; i < tern_mail_rcpt_count(m); i++) {
    const char *address = tern_mail_rcpt_address(m, i);
    uint32_t outcome = st == TERN_E_NOMEM && !tern_mail_history(m) ? TERN_UNSENT : tern_mail_rcpt_outcome(m, i);
    for (n = 0, at = s.w.log; (at = strstr(at, address)) != NULL; at++) n++;
    assert_true(n <= 1);
    if (outcome == TERN_ACCEPTED) assert_int_equal(n, 1);
    if (n) assert_true(outcome == TERN_ACCEPTED || outcome == TERN_UNKNOWN);
  }
}

static void each_allocation_fails(void **state)
{
  int for_ever;

  (void)state;
  for (for_ever = 0; for_ever < 2; for_ever++) {
    long i, clean = 0;
    for (i = 1; !clean; i++) {
      failing f = {i, 0, 0, for_ever};
      tern_allocator mem = {&f, take, give};
      tern_mail *m;
      tern_status st;
      set_up(&mem);
      tern_delivery_set_idle_time(s.d, 600000);
      s.hosts[0].grey = 1;
      m = letter(&mem, "a@both.test b@null.test c@two.test");
      st = tern_delivery_send(s.d, m);
      if (st == TERN_E_AGAIN) {
        assert_int_equal(mx_world_run(&s.w, s.d, TURNS), TERN_OK);
        st = tern_mail_status(m);
        assert_ptr_equal(tern_delivery_finished(s.d), m);
      }
      honest(m, st);
      clean = f.calls < i;
      if (clean) assert_int_equal(st, TERN_PARTIAL);
      tern_mail_free(m);
      tear_down();
      assert_int_equal(f.live, 0);
      assert_true(i < 3000);
    }
    assert_true(i > 30);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outcomes),
      cmocka_unit_test(replies),
      cmocka_unit_test(routes),
      cmocka_unit_test(rules),
      cmocka_unit_test(policies),
      cmocka_unit_test(requiretls),
      cmocka_unit_test(private_addresses),
      cmocka_unit_test(loops),
      cmocka_unit_test(hostile_answers),
      cmocka_unit_test(joined),
      cmocka_unit_test(too_many_recipients),
      cmocka_unit_test(connections_are_used_again),
      cmocka_unit_test(no_idle_connections),
      cmocka_unit_test(few_mails_a_connection),
      cmocka_unit_test(limits),
      cmocka_unit_test(dead_hosts),
      cmocka_unit_test(next_address), cmocka_unit_test(two_families),
      cmocka_unit_test(carried_on),
      cmocka_unit_test(unknown_is_kept),
      cmocka_unit_test(cancelled),
      cmocka_unit_test(answer_after_the_end),
      cmocka_unit_test(out_of_time),
      cmocka_unit_test(content_from_a_source),
      cmocka_unit_test(each_allocation_fails),
  };

  if (getenv("F")) cmocka_set_test_filter(getenv("F"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
