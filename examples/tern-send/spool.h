/* spool.h - the message: read once from standard input, repaired, kept for sending again. */
#ifndef TERN_SEND_SPOOL_H
#define TERN_SEND_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <tern/tern.h>

/* A field of the header that was asked for, unfolded no further than it came. */
typedef struct field {
  struct field *next;
  char *name; /* lower case: "to" */
  char *body; /* behind the colon, with its line ends, NUL-ended */
} field;

typedef struct spool {
  char *memory; /* the first octets; all of them while file is NULL */
  size_t used;
  FILE *file; /* unlinked; holds everything once memory was too small */
  uint64_t length;
  uint32_t flags; /* TERN_CONTENT_... */
  field *fields;  /* To, Cc, Bcc, From, Sender, in order */
  field **last;
  int drop_bcc;
  const char *problem; /* why reading failed, for people */
  /* while reading */
  char *line;  /* the header field under way */
  size_t line_len;
  int in_header;
  int at_start; /* of a line */
  int after_cr;
  int skipping; /* a field too long to keep, of no interest: passed through */
  /* while sending */
  uint64_t at;
} spool;

#define SPOOL_OK 0
#define SPOOL_IO 1      /* standard input or the temporary file failed */
#define SPOOL_BAD 2     /* the header cannot be used */
#define SPOOL_STOPPED 3 /* *stop was set by a signal */

/* Reads fd to its end. Fields of Bcc are left out with drop_bcc. */
int spool_read(spool *s, int fd, int drop_bcc, const volatile int *stop);
void spool_free(spool *s);
/* The content as a tern_source; user is the spool. */
const tern_source *spool_source(void);

#endif
