/* delivery.c - direct to MX in bulk: so many recipients over so many domains, one thread, loopback.
 *
 *   delivery-bench [RECIPIENTS [DOMAINS]]     10,000 and 1,000
 *
 * A child is name server and all MX hosts, each domain with a host and an address of its own (127.1.x.y). Sent
 * twice: as one mail with all recipients, and as a mail for each recipient, all under way at once. Prints
 * name=value lines; ends with 1 where anybody was not accepted. No number fails. */
#define _GNU_SOURCE

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tern/tern.h>

#include "mx_world.h"

#define POLLS 4096u

static const char text[] = "From: s@example.org\r\nSubject: bulk\r\n\r\nhello\r\n";

/* What the child tells. */
typedef struct told {
  volatile unsigned ready, port, questions, connections, mails;
  char server[40];
} told;

typedef struct counted {
  size_t live, most, calls;
} counted;

static void *take(void *user, size_t size)
{
  counted *c = user;
  void *p = malloc(size);

  if (!p) return NULL;
  c->live += size;
  c->calls++;
  if (c->live > c->most) c->most = c->live;
  return p;
}

static void give(void *user, void *ptr, size_t size)
{
  counted *c = user;

  if (ptr) c->live -= size;
  free(ptr);
}

/* ---- the child ---------------------------------------------------------------------------------------*/
/* d17.test -> m17.test -> 127.1.0.18 */
static int zone(mx_world *w, const char *name, uint32_t type, dns_message *reply)
{
  unsigned long n = strtoul(name + 1, NULL, 10);
  char value[64];

  (void)w;
  if (name[0] == 'd' && type == 15) {
    snprintf(value, sizeof value, "m%lu.test", n);
    dns_mx(reply, name, 10, value);
  }
  if (name[0] == 'm' && type == 1) {
    snprintf(value, sizeof value, "127.1.%lu.%lu", n / 250 % 250, n % 250 + 1);
    dns_a(reply, name, value);
  }
  return name[0] == 'd' || name[0] == 'm';
}

static void serve(told *t)
{
  static const mx_row rows[] = {{NULL, NULL, NULL}};
  static mx_host hosts[] = {{.address = "0.0.0.0"}, {.address = NULL}};
  mx_world w;

  if (!mx_world_start(&w, rows, hosts)) _exit(1);
  w.also = zone;
  memcpy(t->server, w.server, sizeof t->server);
  t->port = w.port;
  t->ready = 1;
  while (getppid() != 1) {
    (void)mx_world_move(&w, 1000);
    w.log[0] = 0;
    t->questions = w.dns.asked;
    t->connections = hosts[0].connections;
    t->mails = hosts[0].mails;
  }
  _exit(0);
}

/* ---- the sender --------------------------------------------------------------------------------------*/
static double seconds(clockid_t clock)
{
  struct timespec ts;

  clock_gettime(clock, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Steps until all mails have ended; returns the most sockets at a time. */
static size_t drive(tern_delivery *d)
{
  static tern_poll wants[POLLS];
  static struct pollfd p[POLLS];
  size_t i, n, most = 0;

  while (tern_delivery_step(d) == TERN_E_AGAIN) {
    n = tern_delivery_poll(d, wants, POLLS);
    if (n > most) most = n;
    if (n > POLLS) n = POLLS;
    for (i = 0; i < n; i++) {
      p[i].fd = wants[i].fd;
      p[i].events = (short)((wants[i].events & TERN_READ ? POLLIN : 0) | (wants[i].events & TERN_WRITE ? POLLOUT : 0));
    }
    (void)poll(p, (nfds_t)n, tern_delivery_timeout(d));
  }
  return most;
}

static tern_mail *letter(const tern_allocator *mem, unsigned from, unsigned count, unsigned domains)
{
  tern_mail *m = tern_mail_new(mem);
  char address[64];
  unsigned i;

  tern_mail_from(m, "s@example.org");
  for (i = from; i < from + count; i++) {
    snprintf(address, sizeof address, "r%u@d%u.test", i, i % domains);
    tern_mail_rcpt(m, address);
  }
  tern_mail_content(m, text, sizeof text - 1);
  return m;
}

/* Sends all recipients in mails of `each`; returns how many were not accepted. */
static unsigned run(told *t, const char *name, unsigned rcpts, unsigned domains, unsigned each)
{
  counted c = {0, 0, 0};
  tern_allocator mem = {&c, take, give};
  tern_resolver *r = tern_resolver_new(&mem);
  tern_delivery *d = tern_delivery_new(&mem);
  tern_mail **mails = calloc(rcpts / each, sizeof *mails);
  unsigned i, k, count = rcpts / each, lost = 0, before = t->connections, asked = t->questions;
  double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  struct rusage usage;
  size_t most;

  if (!mails) exit(1);
  tern_resolver_set_server(r, t->server);
  tern_delivery_set_blocking(d, 0);
  tern_delivery_set_resolver(d, r);
  tern_delivery_set_port(d, t->port);
  tern_delivery_set_ehlo_name(d, "out.example.org");
  tern_delivery_add_tls_policy(d, "*", TERN_POLICY_NONE, NULL);
  for (i = 0; i < count; i++) {
    mails[i] = letter(&mem, i * each, each, domains);
    if (tern_delivery_send(d, mails[i]) != TERN_E_AGAIN) lost += each;
  }
  most = drive(d);
  wall = seconds(CLOCK_MONOTONIC) - wall;
  cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  getrusage(RUSAGE_SELF, &usage);
  for (i = 0; i < count; i++)
    for (k = 0; k < each; k++) lost += tern_mail_rcpt_outcome(mails[i], k) != TERN_ACCEPTED;
  printf("%s_seconds=%.3f\n%s_cpu_seconds=%.3f\n%s_recipients_per_second=%.0f\n", name, wall, name, cpu, name, rcpts / wall);
  printf("%s_memory_most=%zu\n%s_memory_per_recipient=%zu\n%s_allocations=%zu\n", name, c.most, name, c.most / rcpts, name, c.calls);
  printf("%s_sockets_most=%zu\n%s_connections=%u\n%s_questions=%u\n", name, most, name, t->connections - before, name, t->questions - asked);
  printf("%s_rss_kib=%ld\n%s_not_accepted=%u\n", name, usage.ru_maxrss, name, lost);
  for (i = 0; i < count; i++) (void)tern_mail_free(mails[i]);
  free(mails);
  tern_delivery_free(d);
  tern_resolver_free(r);
  return lost + (c.live != 0);
}

int main(int argc, char **argv)
{
  unsigned rcpts = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
  unsigned domains = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1000, lost;
  told *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child;

  if (t == MAP_FAILED || !rcpts || !domains) return 64;
  child = fork();
  if (child == 0) serve(t);
  while (!t->ready) usleep(1000);
  printf("recipients=%u\ndomains=%u\n", rcpts, domains);
  lost = run(t, "one_mail", rcpts, domains, rcpts);
  lost += run(t, "many_mails", rcpts, domains, 1);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return lost ? 1 : 0;
}
