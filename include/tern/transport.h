/* transport.h - the one table through which octets leave and arrive, and the transports built in.
 *
 * A transport never blocks in read or write: it answers TERN_E_AGAIN. Where the client is blocking
 * it waits through `wait`, or by poll() on `handle`, or, with neither, by asking again. */
#ifndef TERN_TRANSPORT_H
#define TERN_TRANSPORT_H

#include <tern/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TERN_READ 1u  /* octets can be read, or are wanted */
#define TERN_WRITE 2u /* octets can be written, or are to be */

/* What a step waits for, as poll() takes it (tern_delivery_poll, tern_pool_poll). */
typedef struct tern_poll { /* frozen */
  int32_t fd;
  uint32_t events; /* TERN_READ | TERN_WRITE */
} tern_poll;

typedef struct tern_transport {
  size_t size; /* sizeof (tern_transport); members behind it count as NULL */
  /* TERN_OK and *len in 1..cap; TERN_E_AGAIN; TERN_E_CLOSED: orderly end; TERN_E_IO: lost. */
  tern_status (*read)(void *user, uint8_t *octets, size_t cap, size_t *len);
  /* TERN_OK and *done in 1..len; TERN_E_AGAIN (offer the same octets again); TERN_E_CLOSED;
   * TERN_E_IO. Octets counted in *done are out of the caller's hands. */
  tern_status (*write)(void *user, const uint8_t *octets, size_t len, size_t *done);
  /* The same for several spans in order; may be NULL. */
  tern_status (*writev)(void *user, const tern_span *spans, size_t count, size_t *done);
  /* Closes (with close_notify where it is TLS) without waiting; called once; may be NULL. */
  void (*close)(void *user);
  /* What poll() takes, or -1; may be NULL. */
  int32_t (*handle)(void *user);
  /* Milliseconds of a monotonic clock. Required unless the build has sockets (then NULL: the
   * host's clock). */
  uint64_t (*now)(void *user);
  /* Waits until one of events (TERN_READ | TERN_WRITE) may succeed, at most timeout ms; may
   * return early. May be NULL. */
  void (*wait)(void *user, uint32_t events, uint32_t timeout);
  /* After TERN_E_AGAIN from read or write: the events that help (a TLS read may need to write).
   * NULL: what the name says. */
  uint32_t (*pending)(void *user, uint32_t events);
} tern_transport;

/* ---- memory: two ends in one process, for tests ------------------------------------------------
 * What one end writes the other reads, through a ring of cap octets each way; after an end has closed
 * the other reads what is left and then TERN_E_CLOSED. NULL: cap 0, or no memory. */
typedef struct tern_pipe tern_pipe;
TERN_API tern_pipe *tern_pipe_new(const tern_allocator *mem, size_t cap);
TERN_API void tern_pipe_free(tern_pipe *pipe);
/* end is 0 or 1; the user pointer that goes with tern_pipe_transport(). Borrowed from the pipe. */
TERN_API void *tern_pipe_end(tern_pipe *pipe, uint32_t end);
TERN_API const tern_transport *tern_pipe_transport(void);

#ifdef __cplusplus
}
#endif
#endif
