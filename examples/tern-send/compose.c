/* compose.c - the options that compose: what they name is opened, texts are read, the library does
 * the rest.
 *
 * Files are read while sending, in pieces; what is not a regular file (standard input, a pipe) goes
 * through a temporary file without a name first, so that it can be sent again. Texts are held in
 * memory. Neighbours: options.c, mime_type.c. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "compose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime_type.h"

#define PIECE 65536u
#define TYPE_MAX 256u

struct blob {
  blob *next;
  FILE *file;   /* a temporary one, or NULL */
  int fd;
  uint64_t size, at;
  uint8_t *text;  /* all of it, where it was asked for */
  uint8_t piece[PIECE];
};

static int fail(composer *c, tern_status status, int exit_code, const char *what, const char *name)
{
  c->status = status;
  c->exit_code = exit_code;
  snprintf(c->problem, sizeof c->problem, "%s%s%.120s", what, name ? ": " : "", name ? name : "");
  return -1;
}

static int stopped(composer *c)
{
  return *c->stop ? fail(c, TERN_E_CANCELLED, 75, "interrupted", NULL) : 0;
}

/* ---- files ---------------------------------------------------------------------------------------------*/
/* Puts what fd gives into a file of our own. */
static int copy_to_temporary(composer *c, blob *b, const char *path)
{
  ssize_t n = 0;

  b->file = tmpfile();
  if (!b->file) return fail(c, TERN_E_SOURCE, 74, "no temporary file", NULL);
  for (;;) {
    if (stopped(c)) return -1;
    n = read(b->fd, b->piece, sizeof b->piece);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    b->size += (uint64_t)n;
    if (fwrite(b->piece, 1, (size_t)n, b->file) != (size_t)n)
      return fail(c, TERN_E_SOURCE, 74, "the temporary file is full", NULL);
  }
  if (n < 0) return fail(c, TERN_E_SOURCE, 74, "cannot be read", path);
  if (fflush(b->file)) return fail(c, TERN_E_SOURCE, 74, "the temporary file is full", NULL);
  return 0;
}

/* Opens path, "-" being standard input. NULL: failed. */
static blob *open_blob(composer *c, const char *path)
{
  blob *b = calloc(1, sizeof *b);
  int standard = !strcmp(path, "-"), result;
  struct stat st;

  if (!b) {
    fail(c, TERN_E_NOMEM, 74, "no memory", NULL);
    return NULL;
  }
  b->next = c->blobs;
  c->blobs = b;
  b->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (b->fd < 0 || fstat(b->fd, &st)) {
    fail(c, TERN_E_SOURCE, 74, strerror(errno), path);
    return NULL;
  }
  if (S_ISDIR(st.st_mode)) {
    fail(c, TERN_E_SOURCE, 74, "is a directory", path);
    return NULL;
  }
  if (S_ISREG(st.st_mode) && !standard) {
    b->size = (uint64_t)st.st_size;
    return b;
  }
  result = copy_to_temporary(c, b, path);
  if (!standard) close(b->fd);
  b->fd = b->file ? fileno(b->file) : -1;
  return result ? NULL : b;
}

static ssize_t read_at(blob *b, void *out, size_t cap, uint64_t at)
{
  ssize_t n;

  do {
    n = pread(b->fd, out, cap, (off_t)at);
  } while (n < 0 && errno == EINTR);
  return n;
}

static tern_status blob_read(void *user, const uint8_t **octets, size_t *len)
{
  blob *b = user;
  ssize_t n = read_at(b, b->piece, sizeof b->piece, b->at);

  if (n < 0) return TERN_E_IO;
  b->at += (uint64_t)n;
  *octets = b->piece;
  *len = (size_t)n;
  return n == 0 ? TERN_SOURCE_END : TERN_OK;
}

static tern_status blob_rewind(void *user)
{
  ((blob *)user)->at = 0;
  return TERN_OK;
}

static const tern_source blob_source = {sizeof blob_source, blob_read, blob_rewind, NULL};

/* All of a text, NUL-ended; it may hold NULs, which the library refuses. */
static blob *read_text(composer *c, const char *path)
{
  blob *b = open_blob(c, path);
  uint64_t at = 0;
  ssize_t n = 1;

  if (!b) return NULL;
  if (b->size < SIZE_MAX - 1) b->text = malloc((size_t)b->size + 1);
  if (!b->text) {
    fail(c, TERN_E_NOMEM, 74, "too large for a text", path);
    return NULL;
  }
  while (at < b->size && n > 0) {
    n = read_at(b, b->text + at, (size_t)(b->size - at), at);
    if (n > 0) at += (uint64_t)n;
  }
  if (n < 0) {
    fail(c, TERN_E_SOURCE, 74, "cannot be read", path);
    return NULL;
  }
  b->size = at;
  b->text[at] = 0;
  return b;
}

/* ---- "F,name=NAME,type=TYPE" ---------------------------------------------------------------------------*/
typedef struct piece {
  char *text; /* a copy of the whole, cut up */
  char *path;
  char *name;
  char *type;
  char *cid;
} piece;

/* Cuts text at its next comma that no backslash stands before; the backslash goes. NULL: the last. */
static char *cut_comma(char *text)
{
  char *w = text;

  for (; *text && *text != ','; text++) {
    if (*text == '\\' && text[1] == ',') text++;
    *w++ = *text;
  }
  if (!*text) {
    *w = 0;
    return NULL;
  }
  *w = 0;
  return text + 1;
}

static int read_piece(composer *c, piece *p, const char *value, int is_inline)
{
  char *at, *next;

  memset(p, 0, sizeof *p);
  p->text = malloc(strlen(value) + 1);
  if (!p->text) return fail(c, TERN_E_NOMEM, 74, "no memory", NULL);
  strcpy(p->text, value);
  p->path = p->text;
  for (at = cut_comma(p->text); at; at = next) {
    next = cut_comma(at);
    if (!strncmp(at, "name=", 5))
      p->name = at + 5;
    else if (!strncmp(at, "type=", 5))
      p->type = at + 5;
    else if (is_inline && !p->cid)
      p->cid = at;
    else
      return fail(c, TERN_E_ARGUMENT, 64, "not name= or type= (a comma in a name is written \\,)", value);
  }
  return p->path[0] ? 0 : fail(c, TERN_E_ARGUMENT, 64, "no file is named", value);
}

static int add_file(composer *c, const char *value, int is_inline)
{
  char type[TYPE_MAX];
  char *slash;
  piece p;
  blob *b;
  int result = read_piece(c, &p, value, is_inline);

  if (!result) {
    slash = strrchr(p.path, '/');
    if (!p.name && strcmp(p.path, "-") != 0) p.name = slash ? slash + 1 : p.path;
    if (!p.type) mime_type(p.name ? p.name : "", type, sizeof type);
    if (!p.cid) p.cid = p.name;
    b = open_blob(c, p.path);
    result = b ? 0 : -1;
    if (b && is_inline)
      result = tern_message_inline_source(c->msg, p.cid, p.name, p.type ? p.type : type, &blob_source,
                                          b, b->size) ? 0 : -1;
    else if (b)
      result = tern_message_attach_source(c->msg, p.name, p.type ? p.type : type, &blob_source, b,
                                          b->size) ? 0 : -1;
  }
  free(p.text);
  return result;
}

/* ---- the parts -----------------------------------------------------------------------------------------*/
/* The value of METHOD of an iCalendar (RFC 5545 3.7.2), up to cap; 0: it has none. */
static int calendar_method(const char *text, char *out, size_t cap)
{
  size_t len;

  for (; text; text = strchr(text, '\n')) {
    if (*text == '\n') text++;
    if (strncmp(text, "METHOD:", 7) != 0) continue;
    len = strcspn(text + 7, "\r\n");
    if (!len || len >= cap) return 0;
    memcpy(out, text + 7, len);
    out[len] = 0;
    return 1;
  }
  return 0;
}

static int add_bodies(composer *c, const options *o)
{
  char method[32];
  blob *b;
  size_t i;

  if (o->text) {
    b = read_text(c, o->text);
    if (!b || !tern_message_text(c->msg, b->text, (size_t)b->size)) return -1;
  }
  if (o->html) {
    b = read_text(c, o->html);
    if (!b || !tern_message_html(c->msg, b->text, (size_t)b->size)) return -1;
  }
  if (o->ics) {
    b = read_text(c, o->ics);
    if (!b || !tern_message_calendar(c->msg, calendar_method((char *)b->text, method, sizeof method) ? method : NULL,
                                     b->text, (size_t)b->size))
      return -1;
  }
  for (i = 0; i < o->inline_count; i++)
    if (add_file(c, o->inlines[i], 1)) return -1;
  for (i = 0; i < o->attach_count; i++)
    if (add_file(c, o->attach[i], 0)) return -1;
  return tern_message_set_encoding(c->msg, o->encoding) == TERN_OK ? 0 : -1;
}

static int add_addresses(composer *c, const options *o)
{
  size_t i;

  if (o->from && o->from[0]) tern_message_from(c->msg, o->from_name, o->from);
  for (i = 0; i < o->to_count; i++)
    if (strchr(o->to[i], '@')) tern_message_to(c->msg, NULL, o->to[i]); /* else "postmaster" */
  for (i = 0; i < o->cc_count; i++) tern_message_cc(c->msg, NULL, o->cc[i]);
  for (i = 0; i < o->bcc_count; i++) tern_message_bcc(c->msg, NULL, o->bcc[i]);
  for (i = 0; i < o->reply_to_count; i++) tern_message_reply_to(c->msg, NULL, o->reply_to[i]);
  return tern_error_status(tern_message_error(c->msg)) == TERN_OK ? 0 : -1;
}

/* "Name: value" */
static int add_header(composer *c, const char *text)
{
  size_t len = strcspn(text, ":");
  char name[80];

  if (text[len] != ':' || !len || len >= sizeof name || memchr(text, ' ', len))
    return fail(c, TERN_E_ARGUMENT, 64, "--header takes 'Name: value'", NULL);
  memcpy(name, text, len);
  name[len] = 0;
  return tern_message_header(c->msg, name, text + len + 1) == TERN_OK ? 0 : -1;
}

int compose(composer *c, const options *o)
{
  size_t i;

  c->msg = tern_message_new(NULL);
  if (!c->msg) return fail(c, TERN_E_NOMEM, 74, "no memory", NULL);
  if (add_addresses(c, o)) return -1;
  if (o->subject && tern_message_subject(c->msg, o->subject) != TERN_OK) return -1;
  for (i = 0; i < o->header_count; i++)
    if (add_header(c, o->headers[i])) return -1;
  return add_bodies(c, o);
}

void compose_free(composer *c)
{
  blob *b;

  tern_message_free(c->msg);
  while ((b = c->blobs) != NULL) {
    c->blobs = b->next;
    if (b->file)
      fclose(b->file);
    else if (b->fd > STDERR_FILENO)
      close(b->fd);
    free(b->text);
    free(b);
  }
}
