/* loop.h - who can move: handles that are watched, and times that come. Absent with TERN_NO_SOCKETS.
 *
 *   tern__loop_look(&loop, ms);                       (waits for a handle, at most so long)
 *   while ((timer = tern__loop_due(&loop, now)) ...)  (whose time has come)
 *   while ((owner = tern__loop_next(&loop)) ...)      (who was found ready, or was said to be)
 */
#ifndef TERN_LIB_POOL_LOOP_H
#define TERN_LIB_POOL_LOOP_H

#include <tern/transport.h>

#include "pool/list.h"

struct pollfd;

/* Zeroed, with at TERN_NEVER, it is not running. */
typedef struct tern__timer {
  uint64_t at;
  struct tern__timer *child;
  struct tern__timer *next;
  struct tern__timer *prev; /* the elder sibling, or the parent */
  void *of;
  uint32_t kind; /* the user's */
} tern__timer;

typedef struct tern__handle {
  tern__list ready;
  int32_t fd;      /* that is watched; -1: none */
  uint32_t events; /* TERN_READ | TERN_WRITE */
  uint32_t serial; /* tells it from those that had the slot before */
  uint32_t slot;   /* in the table */
  uint8_t blind;   /* it could not be watched: taken for ready in intervals */
  void *of;
} tern__handle;

typedef struct tern__loop_slot {
  tern__handle *handle; /* NULL: free */
  uint32_t next;        /* then: one more that is, or TERN__NO_SLOT */
} tern__loop_slot;
#define TERN__NO_SLOT UINT32_MAX

typedef struct tern__loop {
  const tern_allocator *mem;
  tern__loop_slot *table;
  struct pollfd *polls; /* beside the table, where there is no epoll */
  uint32_t cap;
  uint32_t used; /* slots that were ever taken */
  uint32_t spare; /* the first free one among them */
  uint32_t blind; /* handles that are */
  uint32_t serial;
  int epoll; /* -1: none */
  uint8_t by_poll;
  tern__list ready;
  tern__timer *timers;
} tern__loop;

/* by_poll 1: poll() also where there is epoll. Takes no memory and no handle yet. */
void tern__loop_init(tern__loop *loop, const tern_allocator *mem, int by_poll);
/* After all handles have left. */
void tern__loop_free(tern__loop *loop);

/* The zeroed handle joins, watched for nothing; 0: no memory. */
int tern__loop_join(tern__loop *loop, tern__handle *handle, void *of);
void tern__loop_leave(tern__loop *loop, tern__handle *handle);
/* Watches fd (-1: none) for events. renewed 1: fd may be another socket of the same number; to be said
 * before any other handle of the loop can have got that number. */
void tern__loop_watch(tern__loop *loop, tern__handle *handle, int32_t fd, uint32_t events,
                      int renewed);
/* Found ready, as if by look. */
void tern__loop_wake(tern__loop *loop, tern__handle *handle);
/* Waits at most ms (-1: for ever) for a handle to be ready, less where one is already. */
void tern__loop_look(tern__loop *loop, int32_t ms);
/* The owner of one that is ready, taken out; NULL: none. */
void *tern__loop_next(tern__loop *loop);
/* What a loop above has to poll: up to cap written, the whole number returned. */
size_t tern__loop_polls(const tern__loop *loop, tern_poll *out, size_t cap);

/* Sets the timer, or, at TERN_NEVER, stops it. */
void tern__timer_set(tern__loop *loop, tern__timer *timer, uint64_t at);
/* The same, but one that would ring sooner stays: cheap where the time only moves away. */
void tern__timer_by(tern__loop *loop, tern__timer *timer, uint64_t at);
/* One whose time has come, stopped; NULL: none. */
tern__timer *tern__loop_due(tern__loop *loop, uint64_t now);
/* When the first one rings; TERN_NEVER: none. With blind handles soon. */
uint64_t tern__loop_deadline(const tern__loop *loop, uint64_t now);

#endif
