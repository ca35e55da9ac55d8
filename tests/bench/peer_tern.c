/* peer_tern.c - tern as a contestant of the benchmark: COMMAND MODE HOST PORT TLS AUTH COUNT FILE.
 *
 * MODE: reuse (COUNT messages over one connection, submitted: the library's own way of sending many),
 * single (the same, each sent once the one before has its result), eager (as reuse, the server
 * declared good), conn (a connection each). TLS: none, starttls, smtps. AUTH: 0 or 1 (user "user",
 * password "pass"). In the environment: PERF_CA, the CA file; PERF_WINDOW; PERF_RESULT: the seconds
 * from the start to the last result, before QUIT, go to stdout; PERF_TRACE: the dialogue to stderr.
 * Exit 0: all accepted, 1: not, 64: usage. The content is mapped once and lent to each mail. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <tern/tern.h>
#include <time.h>
#include <unistd.h>

#define MAILS 64 /* handed over at a time */

typedef struct job {
  char url[300];
  const char *mode;
  int auth;
  const void *octets;
  size_t len;
  tern_mail *mail[MAILS];
} job;

static double seconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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

static void trace(void *user, char who, const char *line, size_t len)
{
  (void)user;
  fprintf(stderr, "%c: %.*s\n", who, (int)len, line);
}

static void complain(const tern_mail *mail)
{
  char text[512];

  tern_error_format(tern_mail_error(mail), text, sizeof text);
  fprintf(stderr, "peer-tern: %s\n", text);
}

static tern_mail *mail_number(job *j, long i)
{
  tern_mail **m = &j->mail[i];

  if (*m == NULL) {
    *m = tern_mail_new(NULL);
    tern_mail_from(*m, "sender@example.com");
    tern_mail_rcpt(*m, "rcpt@example.com");
    tern_mail_content(*m, j->octets, j->len);
  }
  return *m;
}

static tern_client *connection(const job *j)
{
  tern_client *c = tern_client_new(NULL);

  tern_client_set_ehlo_name(c, "client.example");
  if (getenv("PERF_CA") != NULL) tern_client_set_ca(c, getenv("PERF_CA"));
  if (getenv("PERF_WINDOW") != NULL)
    tern_client_set_window(c, (uint32_t)strtoul(getenv("PERF_WINDOW"), NULL, 10));
  if (getenv("PERF_TRACE") != NULL) tern_client_set_trace(c, trace, NULL);
  if (strstr(j->url, "tls=none") != NULL) tern_client_set_channel_safe(c, 1);
  tern_client_set_eager(c, strcmp(j->mode, "eager") == 0);
  tern_client_connect(c, j->url);
  if (j->auth) tern_client_auth(c, "user", "pass");
  return c;
}

/* Each before the next; returns how many were accepted. */
static long one_by_one(tern_client *c, job *j, long count)
{
  long accepted = 0, i;

  for (i = 0; i < count; i++) {
    if (tern_client_send(c, mail_number(j, 0)) == TERN_OK)
      accepted++;
    else
      complain(j->mail[0]);
  }
  return accepted;
}

/* As many as there are mails at a time. With quit it is asked for before the last ones leave. */
static long submitted(tern_client *c, job *j, long count, int quit)
{
  long accepted = 0, given = 0;
  tern_mail *m;

  while (given < count && given < MAILS) tern_client_submit(c, mail_number(j, given++));
  if (quit && given == count) tern_client_quit(c);
  while ((m = tern_client_wait(c)) != NULL) {
    if (tern_mail_status(m) == TERN_OK)
      accepted++;
    else
      complain(m);
    if (given == count) continue;
    tern_client_submit(c, m);
    given++;
  }
  return accepted;
}

static long run(job *j, long count, int quit)
{
  double from = seconds();
  tern_client *c = connection(j);
  long accepted;

  if (strcmp(j->mode, "single") == 0)
    accepted = one_by_one(c, j, count);
  else
    accepted = submitted(c, j, count, quit);
  if (getenv("PERF_RESULT") != NULL) printf("%.6f\n", seconds() - from);
  tern_client_quit(c);
  tern_client_free(c);
  return accepted;
}

int main(int argc, char **argv)
{
  job j = {.octets = NULL};
  long count, done = 0, i;

  if (argc != 8) return 64;
  j.mode = argv[1];
  snprintf(j.url, sizeof j.url, "%s://%s:%s%s", strcmp(argv[4], "smtps") == 0 ? "smtps" : "smtp",
           argv[2], argv[3], strcmp(argv[4], "none") == 0 ? "?tls=none" : "");
  j.auth = strcmp(argv[5], "1") == 0;
  count = strtol(argv[6], NULL, 10);
  j.octets = map_file(argv[7], &j.len);
  if (j.octets == NULL || count < 1) return 64;
  if (strcmp(j.mode, "conn") != 0)
    done = run(&j, count, 0);
  else
    for (i = 0; i < count; i++) done += run(&j, 1, 1);
  for (i = 0; i < MAILS; i++) tern_mail_free(j.mail[i]);
  return done == count ? 0 : 1;
}
