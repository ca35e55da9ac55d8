/* floor.c - what the machine and the protocol allow, beside the clients' rows: nothing is built, read or checked here but the
 * replies' first digits.
 *
 * floor lock|group|gen HOST PORT COUNT FILE   lock: MAIL, RCPT, DATA, content, four waits a message; group: MAIL, RCPT, BDAT and
 *                                             content in one write, one wait a message; gen: 64 messages a write, and one such
 *                                             write ahead of the replies
 * floor data|bdat HOST PORT 1 FILE            one message: transparency made beforehand, or none needed
 * floor raw FILE                              the file over loopback TCP to a thread that only reads; says MB/s */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define RAW_CHUNK 65536u

static const char envelope[] = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\n";
#define MAIL_LEN 27

static void die(const char *what)
{
  perror(what);
  exit(1);
}

static void *take(size_t n)
{
  void *p = malloc(n);

  if (p == NULL) die("malloc");
  return p;
}

static char *load(const char *path, size_t *len)
{
  struct stat st;
  int fd = open(path, O_RDONLY);
  size_t at = 0;
  ssize_t n;
  char *b;

  if (fd < 0 || fstat(fd, &st) != 0) die(path);
  b = take((size_t)st.st_size + 1);
  while (at < (size_t)st.st_size && (n = read(fd, b + at, (size_t)st.st_size - at)) > 0)
    at += (size_t)n;
  close(fd);
  *len = at;
  return b;
}

static int dial(const char *host, const char *port)
{
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

  inet_pton(AF_INET, host, &to.sin_addr);
  if (connect(fd, (void *)&to, sizeof to) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void say(int fd, const char *b, size_t n)
{
  ssize_t sent;

  for (; n > 0; b += sent, n -= (size_t)sent) {
    sent = send(fd, b, n, MSG_NOSIGNAL);
    if (sent < 0) die("send");
  }
}

/* Waits for `more` final reply lines, those that came too early counted. */
static void replies(int fd, long more)
{
  static char b[65536];
  static int column, continued;
  static long owed;
  ssize_t n, i;

  for (owed += more; owed > 0;) {
    n = recv(fd, b, sizeof b, 0);
    if (n <= 0) die("recv");
    for (i = 0; i < n; i++) {
      if (column == 0 && b[i] != '2' && b[i] != '3') {
        fprintf(stderr, "floor: refused: %.60s\n", b + i);
        exit(1);
      }
      if (column == 3) continued = b[i] == '-';
      column++;
      if (b[i] != '\n') continue;
      owed -= !continued;
      column = 0;
    }
  }
}

/* `to` has room for twice the octets and three; returns the length with the final dot. */
static size_t stuff(char *to, const char *from, size_t n)
{
  const char *p = from, *end = from + n, *lf;
  char *o = to;
  size_t k;

  while (p < end) {
    if (*p == '.') *o++ = '.';
    lf = memchr(p, '\n', (size_t)(end - p));
    k = lf != NULL ? (size_t)(lf + 1 - p) : (size_t)(end - p);
    memcpy(o, p, k);
    o += k;
    p += k;
  }
  memcpy(o, ".\r\n", 3);
  return (size_t)(o + 3 - to);
}

static void by_data(int fd, const char *octets, size_t len, long count)
{
  char *b = take(2 * len + 3);
  size_t n = stuff(b, octets, len);

  for (; count > 0; count--) {
    say(fd, envelope, MAIL_LEN);
    replies(fd, 1);
    say(fd, envelope + MAIL_LEN, sizeof envelope - 1 - MAIL_LEN);
    replies(fd, 1);
    say(fd, "DATA\r\n", 6);
    replies(fd, 1);
    say(fd, b, n);
    replies(fd, 1);
  }
  free(b);
}

static void in_batches(int fd, const char *octets, size_t len, long count, long batch)
{
  char head[128], *b;
  size_t n = (size_t)snprintf(head, sizeof head, "%sBDAT %zu LAST\r\n", envelope, len),
         one = n + len;
  long i, now, ahead = 0;

  b = take(one * (size_t)batch);
  for (i = 0; i < batch; i++) {
    memcpy(b + one * (size_t)i, head, n);
    memcpy(b + one * (size_t)i + n, octets, len);
  }
  for (; count > 0; count -= now) {
    now = count < batch ? count : batch;
    say(fd, b, one * (size_t)now);
    replies(fd, batch > 1 ? ahead : 3);
    ahead = 3 * now;
  }
  if (batch > 1) replies(fd, ahead);
  free(b);
}

static void by_bdat(int fd, const char *octets, size_t len)
{
  char head[128];

  say(fd, head, (size_t)snprintf(head, sizeof head, "%sBDAT %zu LAST\r\n", envelope, len));
  say(fd, octets, len);
  replies(fd, 3);
}

static void *only_read(void *listener)
{
  static char b[1 << 20];
  int fd = accept(*(int *)listener, NULL, NULL);

  while (recv(fd, b, sizeof b, 0) > 0) continue;
  close(fd);
  return NULL;
}

static double seconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int raw(const char *path)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof to;
  size_t n, at;
  char *b = load(path, &n);
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
  pthread_t reader;
  double from;

  if (bind(listener, (void *)&to, len) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, (void *)&to, &len) != 0)
    die("listen");
  pthread_create(&reader, NULL, only_read, &listener);
  if (connect(fd, (void *)&to, len) != 0) die("connect");
  from = seconds();
  for (at = 0; at < n; at += RAW_CHUNK) say(fd, b + at, n - at < RAW_CHUNK ? n - at : RAW_CHUNK);
  shutdown(fd, SHUT_WR);
  pthread_join(reader, NULL);
  printf("%.0f\n", (double)n / 1e6 / (seconds() - from));
  free(b);
  return 0;
}

int main(int argc, char **argv)
{
  size_t len;
  long count;
  char *b;
  int fd;

  if (argc == 3 && strcmp(argv[1], "raw") == 0) return raw(argv[2]);
  if (argc != 6) return 64;
  count = strtol(argv[4], NULL, 10);
  b = load(argv[5], &len);
  fd = dial(argv[2], argv[3]);
  replies(fd, 1);
  say(fd, "EHLO floor.example\r\n", 20);
  replies(fd, 1);
  if (strcmp(argv[1], "lock") == 0 || strcmp(argv[1], "data") == 0)
    by_data(fd, b, len, count);
  else if (strcmp(argv[1], "bdat") == 0)
    by_bdat(fd, b, len);
  else
    in_batches(fd, b, len, count, strcmp(argv[1], "gen") == 0 ? BATCH : 1);
  say(fd, "QUIT\r\n", 6);
  replies(fd, 1);
  free(b);
  return 0;
}
