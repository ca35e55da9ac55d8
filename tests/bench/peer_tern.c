/* peer_tern.c - tern as a contestant of the benchmark: COMMAND MODE HOST PORT TLS AUTH COUNT FILE, as peers/peer.h says.
 *
 * MODE: reuse (COUNT messages over one connection, submitted: the library's own way of sending many), single (the same, each sent
 * once the one before has its result), eager (as reuse, the server declared good), conn (a connection each), resume (the same, TLS
 * sessions taken up again). In the environment: PERF_CA; PERF_WINDOW; PERF_RESULT: the seconds from the start to the last result,
 * before QUIT, go to stdout; PERF_TRACE: the dialogue to stderr. Exit 0: all accepted; 2: the rest was rejected by the server in
 * so many words; 1: neither; 64: usage. A file of 1 MiB and more is pulled in pieces of 64 KiB, a smaller one is in memory. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tern/tern.h>
#include <time.h>
#include <unistd.h>

#define MAILS 64 /* handed over at a time */
#define SMALL ((size_t)1 << 20)

typedef struct file {
  int fd;
  uint64_t size;
  uint8_t *whole; /* NULL: pulled */
  uint8_t piece[65536];
} file;

typedef struct job {
  char url[300];
  const char *mode;
  int auth;
  tern_tls_cache *cache;
  tern_mail *mail[MAILS];
  long accepted, rejected;
} job;

static file content;

static double seconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the content --------------------------------------------------------------------------------- */

static tern_status read_file(void *user, const uint8_t **octets, size_t *len)
{
  file *f = user;
  ssize_t n = read(f->fd, f->piece, sizeof f->piece);

  if (n < 0) return TERN_E_SOURCE;
  *octets = f->piece;
  *len = (size_t)n;
  return n == 0 ? TERN_SOURCE_END : TERN_OK;
}

static tern_status rewind_file(void *user)
{
  return lseek(((file *)user)->fd, 0, SEEK_SET) == 0 ? TERN_OK : TERN_E_SOURCE;
}

/* The files of the benchmark have CRLF and ASCII only. */
static tern_status size_of_file(void *user, uint32_t capabilities, tern_content_info *info)
{
  (void)capabilities;
  info->length = ((file *)user)->size;
  return TERN_OK;
}

static const tern_source pulled = {sizeof pulled, read_file, rewind_file, size_of_file};

static int open_file(file *f, const char *path)
{
  struct stat st;

  f->fd = open(path, O_RDONLY);
  if (f->fd < 0 || fstat(f->fd, &st) != 0 || st.st_size == 0) return 0;
  f->size = (uint64_t)st.st_size;
  if (f->size >= SMALL) return 1;
  f->whole = malloc((size_t)f->size);
  return f->whole != NULL && read(f->fd, f->whole, (size_t)f->size) == (ssize_t)f->size;
}

static tern_mail *mail_number(job *j, long i)
{
  tern_mail **m = &j->mail[i];

  if (*m == NULL) {
    *m = tern_mail_new(NULL);
    tern_mail_from(*m, "a@example.com");
    tern_mail_rcpt(*m, "b@example.net");
    if (content.whole != NULL)
      tern_mail_content(*m, content.whole, (size_t)content.size);
    else
      tern_mail_content_source(*m, &pulled, &content);
  }
  return *m;
}

/* ---- sending ------------------------------------------------------------------------------------- */

static void trace(void *user, char who, const char *line, size_t len)
{
  (void)user;
  fprintf(stderr, "%c: %.*s\n", who, (int)len, line);
}

static void ended(job *j, const tern_mail *mail)
{
  char text[512];

  if (tern_mail_status(mail) == TERN_OK)
    j->accepted++;
  else if (tern_mail_rcpt_outcome(mail, 0) == TERN_REJECTED)
    j->rejected++;
  else {
    tern_error_format(tern_mail_error(mail), text, sizeof text);
    fprintf(stderr, "peer-tern: %s\n", text);
  }
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
  tern_client_set_tls_cache(c, j->cache);
  tern_client_connect(c, j->url);
  if (j->auth) tern_client_auth(c, "user", "pass");
  return c;
}

static void one_by_one(tern_client *c, job *j, long count)
{
  for (; count > 0; count--) {
    tern_client_send(c, mail_number(j, 0));
    ended(j, j->mail[0]);
  }
}

/* As many as there are mails at a time; pulled content lies in one buffer, and goes one at a time. With quit it is asked for
 * before the last ones leave. */
static void submitted(tern_client *c, job *j, long count, int quit)
{
  long most = content.whole != NULL ? MAILS : 1, given = 0;
  tern_mail *m;

  while (given < count && given < most) tern_client_submit(c, mail_number(j, given++));
  if (quit && given == count) tern_client_quit(c);
  while ((m = tern_client_wait(c)) != NULL) {
    ended(j, m);
    if (given == count) continue;
    tern_client_submit(c, m);
    given++;
  }
}

static void run(job *j, long count, int quit)
{
  double from = seconds();
  tern_client *c = connection(j);

  if (strcmp(j->mode, "single") == 0)
    one_by_one(c, j, count);
  else
    submitted(c, j, count, quit);
  if (getenv("PERF_RESULT") != NULL) printf("%.6f\n", seconds() - from);
  tern_client_quit(c);
  tern_client_free(c);
}

int main(int argc, char **argv)
{
  job j = {.auth = 0};
  long count, i;

  if (argc != 8) return 64;
  j.mode = argv[1];
  snprintf(j.url, sizeof j.url, "%s://%s:%s%s", strcmp(argv[4], "smtps") == 0 ? "smtps" : "smtp",
           argv[2], argv[3], strcmp(argv[4], "none") == 0 ? "?tls=none" : "");
  j.auth = strcmp(argv[5], "1") == 0;
  count = strtol(argv[6], NULL, 10);
  if (!open_file(&content, argv[7]) || count < 1) return 64;
  if (strcmp(j.mode, "resume") == 0) j.cache = tern_tls_cache_new(NULL);
  if (strcmp(j.mode, "conn") != 0 && strcmp(j.mode, "resume") != 0)
    run(&j, count, 0);
  else
    for (i = 0; i < count; i++) run(&j, 1, 1);
  for (i = 0; i < MAILS; i++) tern_mail_free(j.mail[i]);
  tern_tls_cache_free(j.cache);
  free(content.whole);
  return j.accepted == count ? 0 : j.accepted + j.rejected == count ? 2 : 1;
}
