/* memory.c - --memory: what is known of the server (tern_client_memory_load), kept in a file from run to run.
 *
 * A ticket of TLS is in it: who reads the file can read what the session carries, and who writes it can pose as
 * the server. So it is made for the user alone, and what others could have written is not believed. A file that
 * is none of ours is never written over, as a name may have been mistyped. Neighbour: main.c. */
#define _POSIX_C_SOURCE 200809L

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 24576u /* octets that tern_client_memory_save may need */
#define MAGIC "ternmem"

static void warn(const char *path, const char *what)
{
  fprintf(stderr, "tern-send: warning: --memory: %s: %s\n", path, what);
}

static void wipe(unsigned char *octets, size_t len)
{
  volatile unsigned char *p = octets;

  while (len--) *p++ = 0;
}

/* The file's octets, at most MOST + 1 of them; (size_t)-1: none to be had, errno says why. */
static size_t read_all(int fd, unsigned char *out)
{
  size_t len = 0;
  ssize_t n;

  while (len < MOST + 1) {
    n = read(fd, out + len, MOST + 1 - len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return (size_t)-1;
    if (n == 0) break;
    len += (size_t)n;
  }
  return len;
}

/* Whether the octets are of a memory, whole or damaged; or none at all. */
static int is_ours(const unsigned char *octets, size_t len)
{
  return !len || (len >= sizeof MAGIC - 1 && !memcmp(octets, MAGIC, sizeof MAGIC - 1));
}

/* Why the file cannot be used; NULL: it can, or there is none yet. *len octets are in out. */
static const char *load(const char *path, unsigned char *out, size_t *len)
{
  struct stat st;
  /* a named pipe that nobody writes to must not hold us up */
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  const char *problem = NULL;

  *len = 0;
  if (fd < 0) return errno == ENOENT ? NULL : strerror(errno);
  if (fstat(fd, &st)) {
    problem = strerror(errno);
  } else if (!S_ISREG(st.st_mode)) {
    problem = "not a file";
  } else if (st.st_uid != geteuid() || (st.st_mode & 077)) {
    problem = "others could have written or read it: not used";
  } else {
    *len = read_all(fd, out);
    if (*len == (size_t)-1) problem = strerror(errno);
    else if (!is_ours(out, *len)) problem = "not a memory of tern-send: not used, and left as it is";
    else if (*len > MOST) problem = "too long: not used";
  }
  if (problem) *len = 0;
  close(fd);
  return problem;
}

void memory_load(tern_client *client, const char *path, const char *url)
{
  static unsigned char octets[MOST + 1];
  size_t len;
  const char *problem = load(path, octets, &len);
  tern_status st = tern_client_memory_load(client, url, octets, len);

  if (!problem && st == TERN_E_CONFIG) problem = "damaged, or of another server or release: not used";
  if (!problem && st == TERN_E_NOMEM) problem = "no memory";
  if (problem) warn(path, problem);
  wipe(octets, sizeof octets);
}

/* Whether the path may be given a new file: there is none, or one that is a memory. */
static int replaceable(const char *path)
{
  unsigned char octets[MOST + 1];
  struct stat st;
  int fd, ours;
  size_t len;

  if (lstat(path, &st)) return errno == ENOENT;
  if (S_ISLNK(st.st_mode) && stat(path, &st)) return errno == ENOENT;
  if (!S_ISREG(st.st_mode)) return 0;
  fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return 0;
  len = read_all(fd, octets);
  close(fd);
  ours = len != (size_t)-1 && is_ours(octets, len);
  wipe(octets, sizeof octets);
  return ours;
}

static int write_all(int fd, const unsigned char *octets, size_t len)
{
  ssize_t n;

  while (len) {
    n = write(fd, octets, len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    octets += n;
    len -= (size_t)n;
  }
  return 0;
}

/* Beside the file, and renamed over it. 0: done; else errno says why not. */
static int replace(const char *path, const unsigned char *octets, size_t len)
{
  size_t size = strlen(path) + sizeof ".XXXXXX";
  char *beside = malloc(size);
  int fd, result = -1, error;

  if (!beside) return -1;
  snprintf(beside, size, "%s.XXXXXX", path);
  fd = mkstemp(beside); /* 0600, whatever the umask */
  if (fd >= 0) {
    result = write_all(fd, octets, len);
    result |= close(fd);
    if (!result) result = rename(beside, path);
    error = errno;
    if (result) unlink(beside);
    errno = error;
  }
  free(beside);
  return result;
}

void memory_save(tern_client *client, const char *path)
{
  static unsigned char octets[MOST];
  size_t len = tern_client_memory_save(client, octets, sizeof octets);

  if (len && len <= sizeof octets && replaceable(path) && replace(path, octets, len)) warn(path, strerror(errno));
  wipe(octets, sizeof octets);
}
