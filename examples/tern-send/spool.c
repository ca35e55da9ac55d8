/* spool.c - reads a message once, repairs its line ends, and lends it as often as it is needed.
 *
 * The exact length after repair must be known before MAIL (SIZE=, BDAT), and a pipe cannot be read
 * twice; so the message is kept, in memory while it is small, else in an unlinked temporary file.
 * The header is looked at field by field on the way: for 8-bit octets in it, for the addresses of
 * -t, and to leave Bcc out. Memory stays bounded: a field with addresses may have 8 MiB. */
#define _POSIX_C_SOURCE 200809L

#include "spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_MEMORY (256u * 1024u) /* also the piece that is read back from the file */
#define FIELD_MAX (8u * 1024u * 1024u)

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

/* ---- header ------------------------------------------------------------------------------------------*/
static int lower(int c)
{
  return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* The length of the field name that text begins with, up to its colon; 0: it is no field (RFC 5322
 * 2.2; white space before the colon is the obsolete form of 4.5). */
static size_t name_length(const char *text, size_t len)
{
  size_t n = 0, end;

  while (n < len && text[n] > 32 && text[n] < 127 && text[n] != ':') n++;
  for (end = n; end < len && (text[end] == ' ' || text[end] == '\t'); end++) {
  }
  return n && end < len && text[end] == ':' ? n : 0;
}

static int is_name(const char *text, size_t len, const char *name)
{
  size_t i;

  for (i = 0; i < len && name[i]; i++)
    if (lower((unsigned char)text[i]) != name[i]) return 0;
  return i == len && !name[i];
}

/* Whether the field is one whose addresses may be needed. */
static const char *interesting(const char *text, size_t name)
{
  static const char *const names[] = {"to", "cc", "bcc", "from", "sender"};
  size_t i;

  for (i = 0; i < sizeof names / sizeof names[0]; i++)
    if (is_name(text, name, names[i])) return names[i];
  return NULL;
}

static int keep_field(spool *s, const char *name, const char *body, size_t len)
{
  field *f = malloc(sizeof *f);

  if (f) f->name = malloc(strlen(name) + 1);
  if (f) f->body = f->name ? malloc(len + 1) : NULL;
  if (!f || !f->body) {
    if (f) free(f->name);
    free(f);
    s->problem = "no memory";
    return SPOOL_IO;
  }
  memcpy(f->name, name, strlen(name) + 1);
  memcpy(f->body, body, len);
  f->body[len] = 0;
  f->next = NULL;
  *s->last = f;
  s->last = &f->next;
  return strlen(f->body) == len ? SPOOL_OK : (s->problem = "a NUL in the header", SPOOL_BAD);
}

/* The field in s->line is complete: noted where its addresses matter, then passed on. */
static int end_field(spool *s)
{
  size_t len = s->line_len, name = name_length(s->line, len), colon;
  const char *known = name ? interesting(s->line, name) : NULL;
  int st;

  s->line_len = 0;
  if (!len) return SPOOL_OK;
  if (known) {
    colon = (size_t)((char *)memchr(s->line, ':', len) - s->line);
    st = keep_field(s, known, s->line + colon + 1, len - colon - 1);
    if (st != SPOOL_OK) return st;
    if (!strcmp(known, "bcc") && s->drop_bcc) return SPOOL_OK;
  }
  return emit(s, s->line, len);
}

/* The field became too long to keep. */
static int too_long(spool *s)
{
  size_t name = name_length(s->line, s->line_len);

  if (name && interesting(s->line, name)) {
    s->problem = "a header field with addresses is over 8 MiB";
    return SPOOL_BAD;
  }
  s->skipping = 1;
  name = s->line_len;
  s->line_len = 0;
  return emit(s, s->line, name);
}

/* One octet of the header, line ends repaired already ('\n' stands for CRLF). */
static int header_octet(spool *s, char c)
{
  static const char crlf[] = "\r\n";
  size_t add = c == '\n' ? 2 : 1;
  int st = SPOOL_OK;

  if (s->at_start) {
    if (c != ' ' && c != '\t') { /* not a folded line: the field before has ended */
      st = end_field(s);
      s->skipping = 0;
    }
    if (st == SPOOL_OK && c == '\n') { /* the empty line */
      st = emit(s, crlf, 2);
      s->in_header = 0;
      return st;
    }
  }
  if (st == SPOOL_OK && !s->skipping && s->line_len + add > FIELD_MAX) st = too_long(s);
  if (st != SPOOL_OK) return st;
  s->at_start = c == '\n';
  if (s->skipping) return emit(s, c == '\n' ? crlf : &c, add);
  memcpy(s->line + s->line_len, c == '\n' ? crlf : &c, add);
  s->line_len += add;
  /* a line that is no field: what follows is text */
  if (c == '\n' && !name_length(s->line, s->line_len < FIELD_MAX ? s->line_len : FIELD_MAX)) {
    s->in_header = 0;
    st = emit(s, s->line, s->line_len);
    s->line_len = 0;
  }
  return st;
}

/* ---- line ends ---------------------------------------------------------------------------------------*/
/* A run of the body without CR or LF is passed on as it is. */
static int body_run(spool *s, const char *octets, size_t len, size_t *taken)
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
  if (s->in_header) return header_octet(s, '\n');
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
    } else if (s->in_header) {
      st = header_octet(s, c);
      i++;
    } else {
      st = body_run(s, octets + i, len - i, &n);
      i += n;
    }
  }
  return st;
}

static int finish(spool *s)
{
  int st = SPOOL_OK;

  if (s->after_cr || (!s->at_start && (s->length || s->line_len))) st = line_end(s);
  s->after_cr = 0;
  if (st == SPOOL_OK && s->in_header) st = end_field(s);
  if (st == SPOOL_OK && s->file && fflush(s->file) != 0) {
    s->problem = "the temporary file for the message is full";
    st = SPOOL_IO;
  }
  return st;
}

int spool_read(spool *s, int fd, int drop_bcc, const volatile int *stop)
{
  static char in[65536];
  ssize_t n;
  int st = SPOOL_OK;

  memset(s, 0, sizeof *s);
  s->last = &s->fields;
  s->drop_bcc = drop_bcc;
  s->in_header = s->at_start = 1;
  s->memory = malloc(IN_MEMORY);
  s->line = malloc(FIELD_MAX); /* pages that are not touched cost nothing */
  if (!s->memory || !s->line) {
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
  if (st == SPOOL_OK) st = finish(s);
  free(s->line);
  s->line = NULL;
  return st;
}

void spool_free(spool *s)
{
  field *f;

  while ((f = s->fields) != NULL) {
    s->fields = f->next;
    free(f->name);
    free(f->body);
    free(f);
  }
  if (s->file) fclose(s->file);
  free(s->line);
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
