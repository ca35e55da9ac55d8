/* peer_tern.c - tern as a contestant of a benchmark: COMMAND MODE HOST PORT TLS AUTH COUNT FILE.
 *
 * MODE is reuse (COUNT messages over one connection) or conn (a connection each), TLS is none,
 * starttls or smtps, AUTH 0 or 1 (user "user", password "pass"); PERF_CA names the CA file and
 * PERF_WINDOW the transactions in flight. Exit 0: all accepted, 1: not, 64: usage. Timings are the
 * bench's business. The content is mapped once and lent to each mail. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <tern/tern.h>
#include <unistd.h>

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

/* One connection with `count` mails; returns how many were accepted. */
static long run(const char *url, int auth, long count, tern_mail *mail)
{
  tern_client *c = tern_client_new(NULL);
  const char *window = getenv("PERF_WINDOW");
  long accepted = 0, i;

  tern_client_set_ehlo_name(c, "client.example");
  if (getenv("PERF_CA") != NULL) tern_client_set_ca(c, getenv("PERF_CA"));
  if (window != NULL) tern_client_set_window(c, (uint32_t)strtoul(window, NULL, 10));
  if (strstr(url, "tls=none") != NULL) tern_client_set_channel_safe(c, 1);
  tern_client_connect(c, url);
  if (auth) tern_client_auth(c, "user", "pass");
  for (i = 0; i < count; i++) accepted += tern_client_send(c, mail) == TERN_OK;
  tern_client_quit(c);
  if (accepted != count) {
    char text[512];
    tern_error_format(tern_mail_error(mail), text, sizeof text);
    fprintf(stderr, "peer_tern: %s\n", text);
  }
  tern_client_free(c);
  return accepted;
}

int main(int argc, char **argv)
{
  char url[300];
  const void *octets;
  size_t len = 0;
  long count, done = 0, i;
  int reuse;
  tern_mail *mail = tern_mail_new(NULL);

  if (argc != 8) return 64;
  reuse = strcmp(argv[1], "reuse") == 0;
  snprintf(url, sizeof url, "%s://%s:%s%s", strcmp(argv[4], "smtps") == 0 ? "smtps" : "smtp", argv[2],
           argv[3], strcmp(argv[4], "none") == 0 ? "?tls=none" : "");
  count = strtol(argv[6], NULL, 10);
  octets = map_file(argv[7], &len);
  if (octets == NULL || count < 1) return 64;
  tern_mail_from(mail, "sender@example.com");
  tern_mail_rcpt(mail, "rcpt@example.com");
  tern_mail_content(mail, octets, len);
  if (reuse)
    done = run(url, strcmp(argv[5], "1") == 0, count, mail);
  else
    for (i = 0; i < count; i++) done += run(url, strcmp(argv[5], "1") == 0, 1, mail);
  tern_mail_free(mail);
  return done == count ? 0 : 1;
}
