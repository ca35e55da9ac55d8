/* peer_pool.c - a pool as a contestant of the benchmark: COMMAND MODE HOST PORT TLS AUTH COUNT FILE.
 *
 * MODE: pool. COUNT mails over as many sessions at a time as PERF_SESSIONS says (default 100), from one
 * thread; TLS, AUTH, PERF_CA, PERF_WINDOW and PERF_RESULT as in peer_tern.c. Exit 0: all accepted,
 * 1: not, 64: usage. To stdout goes one line, name=value: the most sessions there were at a time, what
 * the library holds for each of these by its own count (its mails' attempts included) and by the growth of
 * the resident set since the mails were made (what Mbed TLS allocates included), and messages a second
 * from the start to the last result, and (warm) those after as many as there are sessions. There are as
 * many mails as sessions and a few; each goes again once it has ended. The limit of open files is raised as
 * far as it may be. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <tern/tern.h>
#include <time.h>
#include <unistd.h>

#define SPARE 16 /* mails beyond those on sessions */

typedef struct run {
  tern_pool *pool;
  tern_allocator mem;
  char url[300];
  const void *octets;
  size_t len;
  long count, given, ended, accepted;
  int auth;
  uint32_t sessions, most; /* as asked for; the most there were */
  size_t live, live_before, live_most; /* octets by the library's own count */
  long rss_before, rss_most;
  double warm; /* when as many had ended as there are sessions */
} run;

static double seconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Resident octets of this process. */
static long resident(void)
{
  char line[128];
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");

  if (f == NULL) return 0;
  if (fgets(line, sizeof line, f) == NULL || sscanf(line, "%*s %ld", &pages) != 1) pages = 0;
  fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

static void *counted(void *user, size_t size)
{
  run *r = user;
  void *p = malloc(size);

  if (p != NULL) r->live += size;
  return p;
}

static void uncounted(void *user, void *p, size_t size)
{
  ((run *)user)->live -= size;
  free(p);
}

static const void *map_file(const char *path, size_t *len)
{
  struct stat st;
  int fd = open(path, O_RDONLY);
  void *p;

  if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) return NULL;
  *len = (size_t)st.st_size;
  p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  return p == MAP_FAILED ? NULL : p;
}

static tern_status setup(void *user, const char *url, tern_client *c)
{
  const run *r = user;
  tern_status st = TERN_OK;

  (void)url;
  if (strstr(r->url, "tls=none") != NULL) st = tern_client_set_channel_safe(c, 1);
  if (r->auth && st == TERN_OK) {
    st = tern_client_auth(c, "user", "pass");
    if (st == TERN_E_AGAIN) st = TERN_OK;
  }
  return st;
}

static void complain(const tern_mail *mail)
{
  char text[512];

  tern_error_format(tern_mail_error(mail), text, sizeof text);
  fprintf(stderr, "peer-pool: %s\n", text);
}

static void submit(run *r, tern_mail *mail)
{
  if (r->given < r->count && tern_pool_submit(r->pool, r->url, mail, 0, 0) == TERN_E_AGAIN) {
    r->given++;
    return;
  }
  if (r->given < r->count) { /* the others would fare alike */
    complain(mail);
    r->given = r->count;
  }
  tern_mail_free(mail);
}

/* At each result: what all of it takes by now. */
static void measure(run *r)
{
  uint32_t n = tern_pool_connections(r->pool);
  long rss;

  if (n > r->most) r->most = n;
  if (r->live > r->live_most) r->live_most = r->live;
  if (r->ended % 1000 != 1) return;
  rss = resident();
  if (rss > r->rss_most) r->rss_most = rss;
}

static void result(void *user, tern_mail *mail)
{
  run *r = user;

  if (++r->ended == (long)r->sessions) r->warm = seconds();
  measure(r);
  if (tern_mail_status(mail) == TERN_OK)
    r->accepted++;
  else if (r->ended - r->accepted < 10)
    complain(mail);
  submit(r, mail);
}

static void make_mails(run *r)
{
  tern_mail *mail;
  long i;

  for (i = 0; i < (long)r->sessions + SPARE && i < r->count; i++) {
    mail = tern_mail_new(&r->mem);
    tern_mail_from(mail, "sender@example.com");
    tern_mail_rcpt(mail, "rcpt@example.com");
    tern_mail_content(mail, r->octets, r->len);
    submit(r, mail);
  }
  r->live_before = r->live;
  r->rss_before = resident();
}

static int go(run *r)
{
  double from = seconds(), took, rate;

  r->mem.user = r;
  r->mem.alloc = counted;
  r->mem.free = uncounted;
  r->pool = tern_pool_new(&r->mem);
  tern_pool_set_limits(r->pool, r->sessions, r->sessions);
  tern_pool_set_queue(r->pool, r->sessions + SPARE, r->sessions + SPARE);
  tern_pool_set_idle_time(r->pool, 60000);
  tern_pool_set_ehlo_name(r->pool, "client.example");
  if (getenv("PERF_WINDOW") != NULL)
    tern_pool_set_window(r->pool, (uint32_t)strtoul(getenv("PERF_WINDOW"), NULL, 10));
  if (getenv("PERF_CA") != NULL) tern_pool_set_ca(r->pool, getenv("PERF_CA"));
  tern_pool_on_connection(r->pool, setup, r);
  tern_pool_on_result(r->pool, result, r);
  make_mails(r);
  tern_pool_wait(r->pool); /* each result goes to result(), which submits again */
  took = seconds() - from;
  if (getenv("PERF_RESULT") != NULL) printf("%.6f\n", took);
  tern_pool_close(r->pool);
  tern_pool_wait(r->pool);
  rate = r->ended > (long)r->sessions ? (double)(r->ended - (long)r->sessions) / (from + took - r->warm) : 0;
  printf("sessions=%lu octets=%lu resident=%ld rate=%.0f warm=%.0f\n", (unsigned long)r->most,
         (unsigned long)(r->most ? (r->live_most - r->live_before) / r->most : 0),
         r->most ? (r->rss_most - r->rss_before) / (long)r->most : 0, (double)r->ended / took, rate);
  tern_pool_free(r->pool);
  return r->accepted == r->count && r->live == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
  static run r;
  struct rlimit files;
  const char *sessions = getenv("PERF_SESSIONS");

  if (argc != 8 || strcmp(argv[1], "pool") != 0) return 64;
  snprintf(r.url, sizeof r.url, "%s://%s:%s%s", strcmp(argv[4], "smtps") == 0 ? "smtps" : "smtp", argv[2],
           argv[3], strcmp(argv[4], "none") == 0 ? "?tls=none" : "");
  r.auth = strcmp(argv[5], "1") == 0;
  r.count = strtol(argv[6], NULL, 10);
  r.sessions = sessions != NULL ? (uint32_t)strtoul(sessions, NULL, 10) : 100;
  r.octets = map_file(argv[7], &r.len);
  if (r.octets == NULL || r.count < 1 || !r.sessions) return 64;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
  }
  return go(&r);
}
