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

static tern_part *wrong(tern_message *msg)
{
  (void)tern__message_wrong(msg, TERN_E_CONFIG, TERN_FIELD_FILE, NULL, SIZE_MAX);
  return NULL;
}

tern_part *tern_message_attach_file(tern_message *msg, const char *path, const char *name,
                                    const char *type)
{
  static const tern_source regular = {sizeof regular, file_read, file_rewind, NULL};
  static const tern_source once = {sizeof once, file_read, NULL, NULL};
  const char *slash = path != NULL ? strrchr(path, '/') : NULL;
  struct stat st;
  file *f;

  if (tern__message_setter(msg) != TERN_OK) return NULL;
  if (path == NULL) return wrong(msg);
  f = tern__message_take(msg, sizeof *f, file_drop);
  if (f == NULL) return NULL;
  f->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (f->fd < 0 || fstat(f->fd, &st) != 0 || S_ISDIR(st.st_mode)) return wrong(msg);
  f->regular = S_ISREG(st.st_mode);
  if (name == NULL) name = slash != NULL ? slash + 1 : path;
  return tern_message_attach_source(msg, name, type, f->regular ? &regular : &once, f,
                                    f->regular ? (uint64_t)st.st_size : TERN_LENGTH_UNKNOWN);
}
