/* peer.h - what every client of the benchmark is called with: COMMAND MODE HOST PORT TLS AUTH COUNT FILE.
 *
 * MODE reuse (COUNT messages over one connection), conn (a connection each), resume (the same, TLS sessions taken up again); TLS none, starttls,
 * smtps; AUTH 0 or 1 (user "user", password "pass"); FILE: the message, lines ended by CRLF. PERF_CA in the environment is the one
 * authority to be trusted. Exit 0: all accepted; 3: this client cannot do this. A file of 1 MiB and more is pulled in pieces where
 * the library can (msg stays NULL), a smaller one is in memory. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FROM "a@example.com"
#define TO "b@example.net"

static int reuse, resume, tls, auth; /* tls: 0, 1 STARTTLS, 2 implicit */
static long count;
static const char *host, *port, *file;
static char *msg;
static size_t len;

static void args(int argc, char **argv, int whole)
{
  struct stat st;
  size_t at = 0;
  ssize_t n;
  int fd;

  if (argc != 8) exit(64);
  reuse = !strcmp(argv[1], "reuse");
  resume = !strcmp(argv[1], "resume");
  host = argv[2];
  port = argv[3];
  tls = !strcmp(argv[4], "starttls") ? 1 : !strcmp(argv[4], "smtps") ? 2 : 0;
  auth = !strcmp(argv[5], "1");
  count = strtol(argv[6], NULL, 10);
  file = argv[7];
  fd = open(file, O_RDONLY);
  if (fd < 0 || fstat(fd, &st)) exit(66);
  len = (size_t)st.st_size;
  if (whole || len < (1 << 20)) {
    msg = (char *)malloc(len + 1);
    while (at < len && (n = read(fd, msg + at, len - at)) > 0) at += (size_t)n;
    msg[len] = 0;
  }
  close(fd);
}
