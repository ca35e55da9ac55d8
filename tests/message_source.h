/* message_source.h - sources for tests of filters: any split, waits, failures; and what comes out. */
#ifndef TERN_TESTS_MESSAGE_SOURCE_H
#define TERN_TESTS_MESSAGE_SOURCE_H

#include <tern/base.h>

/* Lends step octets at a time, each piece in memory of its own that is gone at the next call. */
typedef struct split {
  const char *octets;
  size_t len;
  size_t step;    /* 0: all at once */
  size_t again;   /* each such read answers TERN_E_AGAIN; 0: none */
  size_t fail_at; /* the octet before which it fails with TERN_E_IO; 0: never */
  uint64_t length; /* what prepare promises; 0: unknown */
  uint32_t flags;
  uint32_t told;  /* capabilities that prepare was given */
  size_t at, reads;
  char *piece;
} split;

extern const tern_source split_source, split_once; /* the second cannot rewind */
void split_free(split *s);

/* Reads all of a source into memory of malloc, ended by NUL; NULL where it failed, with *status. */
char *read_all(const tern_source *source, void *user, size_t *len, tern_status *status);

/* An allocator that counts what is live and fails at call number fail_at, once or for ever. */
typedef struct failing {
  tern_allocator allocator;
  size_t calls, fail_at, live;
  int forever;
} failing;
void failing_init(failing *f, size_t fail_at, int forever);

#endif
