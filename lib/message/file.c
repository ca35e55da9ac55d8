/* file.c - attachments from files. host builds only.
 *
 * A file is opened once, when it is named, and read from its beginning whenever the message is
 * written: one that is replaced meanwhile does not mix. A pipe can be read once, and its length is
 * unknown. Neighbour: part.c. Limits: one descriptor and one buffer a file as long as the message
 * lives; a file that changes its length meanwhile ends the mail with TERN_E_SOURCE. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message/message.h"

#define PIECE 16384u

typedef struct file {
  int fd;
  int regular;
  uint64_t at;
  uint8_t piece[PIECE];
} file;

static void file_drop(void *block)
{
  const file *f = block;

  if (f->fd >= 0) (void)close(f->fd);
}

static tern_status file_read(void *user, const uint8_t **octets, size_t *len)
{
  file *f = user;
  ssize_t n;

  do {
    n = f->regular ? pread(f->fd, f->piece, PIECE, (off_t)f->at) : read(f->fd, f->piece, PIECE);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return TERN_E_IO;
  f->at += (uint64_t)n;
  *octets = f->piece;
  *len = (size_t)n;
  return n == 0 ? TERN_SOURCE_END : TERN_OK;
}

static tern_status file_rewind(void *user)
{
  ((file *)user)->at = 0;
  return TERN_OK;
}

static const tern_source regular = {sizeof regular, file_read, file_rewind, NULL};
static const tern_source once = {sizeof once, file_read, NULL, NULL};

/* Opens the file; NULL: the error sticks to the message. */
static file *open_file(tern_message *msg, const char *path, uint64_t *size)
{
  struct stat st;
  file *f;

  if (tern__message_setter(msg) != TERN_OK) return NULL;
  f = tern__message_take(msg, sizeof *f, file_drop);
  if (f == NULL) return NULL;
  f->fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (f->fd < 0 || fstat(f->fd, &st) != 0 || S_ISDIR(st.st_mode)) {
    (void)tern__message_wrong(msg, TERN_E_SOURCE, TERN_FIELD_FILE, NULL, SIZE_MAX);
    return NULL;
  }
  f->regular = S_ISREG(st.st_mode);
  *size = f->regular ? (uint64_t)st.st_size : TERN_LENGTH_UNKNOWN;
  return f;
}

static const char *name_of(const char *path)
{
  const char *slash = strrchr(path, '/');

  return slash != NULL ? slash + 1 : path;
}

tern_part *tern_message_attach_file(tern_message *msg, const char *path, const char *name,
                                    const char *type)
{
  uint64_t size = 0;
  file *f = open_file(msg, path, &size);

  if (f == NULL) return NULL;
  return tern_message_attach_source(msg, name != NULL ? name : name_of(path), type,
                                    f->regular ? &regular : &once, f, size);
}

tern_part *tern_message_inline_file(tern_message *msg, const char *cid, const char *path,
                                    const char *name, const char *type)
{
  uint64_t size = 0;
  file *f = open_file(msg, path, &size);

  if (f == NULL) return NULL;
  return tern_message_inline_source(msg, cid, name != NULL ? name : name_of(path), type,
                                    f->regular ? &regular : &once, f, size);
}
