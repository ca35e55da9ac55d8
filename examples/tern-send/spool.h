/* spool.h - the message: read once from standard input, repaired, kept for sending again. */
#ifndef TERN_SEND_SPOOL_H
#define TERN_SEND_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <tern/tern.h>

typedef struct spool {
  char *memory; /* the first octets; all of them while file is NULL */
  size_t used;
  FILE *file; /* unlinked; holds everything once memory was too small */
  uint64_t length;
  uint32_t flags;      /* TERN_CONTENT_... */
  const char *problem; /* why reading failed, for people */
  /* while reading */
  int in_header;
  int at_start; /* of a line */
  int after_cr;
  /* while sending */
  uint64_t at;
} spool;

#define SPOOL_OK 0
#define SPOOL_IO 1      /* standard input or the temporary file failed */
#define SPOOL_STOPPED 2 /* *stop was set by a signal */

/* Reads fd to its end. */
int spool_read(spool *s, int fd, const volatile int *stop);
void spool_free(spool *s);
/* The content as a tern_source; user is the spool. */
const tern_source *spool_source(void);

#endif
