/* spool.c - reads a message once, repairs its line ends, and lends it as often as it is needed.
 *
 * The exact length after repair must be known before MAIL (SIZE=, BDAT), and a pipe cannot be read
 * twice; so the message is kept, in memory while it is small, else in an unlinked temporary file.
 * What stands in the header is the library's to read (tern/ready.h). */
#define _POSIX_C_SOURCE 200809L

#include "spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_MEMORY (256u * 1024u) /* also the piece that is read back from the file */

/* ---- writing -----------------------------------------------------------------------------------------*/
static int emit(spool *s, const char *octets, size_t len)
{
  size_t i;

  for (i = 0; i < len; i++)
    if ((unsigned char)octets[i] > 127) {
      s->flags |= TERN_CONTENT_8BIT;
      if (s->in_header) s->flags |= TERN_CONTENT_UTF8_HEADER;
      break;
    }
  s->length += len;
  if (!s->file && len <= IN_MEMORY - s->used) {
    memcpy(s->memory + s->used, octets, len);
    s->used += len;
    return SPOOL_OK;
  }
  if (!s->file) {
    s->file = tmpfile(); /* has no name */
    if (!s->file || fwrite(s->memory, 1, s->used, s->file) != s->used) {
      s->problem = "no temporary file for the message";
      return SPOOL_IO;
    }
  }
  if (fwrite(octets, 1, len, s->file) == len) return SPOOL_OK;
  s->problem = "the temporary file for the message is full";
  return SPOOL_IO;
}

/* ---- line ends ---------------------------------------------------------------------------------------*/
/* A run without CR or LF is passed on as it is. */
static int run(spool *s, const char *octets, size_t len, size_t *taken)
{
  size_t n = 0;

  while (n < len && octets[n] != '\r' && octets[n] != '\n') n++;
  *taken = n;
  if (!n) return SPOOL_OK;
  s->at_start = 0;
  return emit(s, octets, n);
}

static int line_end(spool *s)
{
  if (s->at_start) s->in_header = 0; /* the empty line */
  s->at_start = 1;
  return emit(s, "\r\n", 2);
}

static int take(spool *s, const char *octets, size_t len)
{
  size_t i = 0, n;
  int st = SPOOL_OK;

  while (st == SPOOL_OK && i < len) {
    char c = octets[i];
    if (s->after_cr) { /* CR LF and a bare CR are one line end each */
      s->after_cr = 0;
      st = line_end(s);
      if (c == '\n') i++;
    } else if (c == '\r') {
      s->after_cr = 1;
      i++;
    } else if (c == '\n') {
      st = line_end(s);
      i++;
    } else {
      st = run(s, octets + i, len - i, &n);
      i += n;
    }
  }
  return st;
}

static int finish(spool *s)
{
  int st = SPOOL_OK;

  if (s->after_cr || (!s->at_start && s->length)) st = line_end(s);
  s->after_cr = 0;
  if (st == SPOOL_OK && s->file && fflush(s->file) != 0) {
    s->problem = "the temporary file for the message is full";
    st = SPOOL_IO;
  }
  return st;
}

int spool_read(spool *s, int fd, const volatile int *stop)
{
  static char in[65536];
  ssize_t n;
  int st = SPOOL_OK;

  memset(s, 0, sizeof *s);
  s->in_header = s->at_start = 1;
  s->memory = malloc(IN_MEMORY);
  if (!s->memory) {
    s->problem = "no memory";
    return SPOOL_IO;
  }
  while (st == SPOOL_OK) {
    n = *stop ? -1 : read(fd, in, sizeof in);
    if (*stop) return SPOOL_STOPPED;
    if (n == 0) break;
    if (n < 0 && errno != EINTR) {
      s->problem = "standard input cannot be read";
      return SPOOL_IO;
    }
    if (n > 0) st = take(s, in, (size_t)n);
  }
  return st == SPOOL_OK ? finish(s) : st;
}

void spool_free(spool *s)
{
  if (s->file) fclose(s->file);
  free(s->memory);
}

/* ---- the source --------------------------------------------------------------------------------------*/
static tern_status source_read(void *user, const uint8_t **octets, size_t *len)
{
  spool *s = user;
  uint64_t left = s->length - s->at;
  size_t n = left < IN_MEMORY ? (size_t)left : IN_MEMORY;
  ssize_t got;

  *octets = (const uint8_t *)s->memory;
  *len = 0;
  if (s->file && n) {
    do {
      got = pread(fileno(s->file), s->memory, n, (off_t)s->at);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return TERN_E_SOURCE;
    n = (size_t)got;
  }
  s->at += n;
  *len = n;
  return s->at == s->length ? TERN_SOURCE_END : TERN_OK;
}

static tern_status source_rewind(void *user)
{
  spool *s = user;

  s->at = 0;
  return TERN_OK;
}

static tern_status source_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  const spool *s = user;

  (void)capabilities;
  info->length = s->length;
  info->flags = s->flags;
  return TERN_OK;
}

const tern_source *spool_source(void)
{
  static const tern_source source = {sizeof source, source_read, source_rewind, source_prepare};

  return &source;
}
