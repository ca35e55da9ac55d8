/* pipe.c - the memory transport: two ends in one process, a ring of octets each way. For tests.
 * Duty: what one end writes the other reads; after a close the other end reads what is left and
 * then TERN_E_CLOSED. Neighbours: none. Limits: one thread; nothing to poll; no wait, since nobody
 * else could fill the ring meanwhile; in builds without sockets its clock stands still. */
#include <string.h>
#include <tern/transport.h>

#include "base/mem.h"

typedef struct ring {
  size_t first; /* of the octets that are in it */
  size_t used;
  uint8_t *octets;
} ring;

typedef struct end {
  tern_pipe *pipe;
  ring *in;
  ring *out;
  struct end *peer;
  int closed;
} end;

struct tern_pipe {
  const tern_allocator *mem;
  size_t cap;
  ring rings[2];
  end ends[2];
};

tern_pipe *tern_pipe_new(const tern_allocator *mem, size_t cap)
{
  tern_pipe *pipe;
  uint8_t *octets;
  size_t i;

  if (cap == 0 || cap > SIZE_MAX / 2) return NULL;
  pipe = tern__alloc(mem, sizeof *pipe);
  if (pipe == NULL) return NULL;
  octets = tern__alloc(mem, 2 * cap);
  if (octets == NULL) {
    tern__free(mem, pipe, sizeof *pipe);
    return NULL;
  }
  pipe->mem = mem;
  pipe->cap = cap;
  for (i = 0; i < 2; i++) {
    pipe->rings[i].octets = octets + i * cap;
    pipe->ends[i].pipe = pipe;
    pipe->ends[i].in = &pipe->rings[i];
    pipe->ends[i].out = &pipe->rings[1 - i];
    pipe->ends[i].peer = &pipe->ends[1 - i];
  }
  return pipe;
}

void tern_pipe_free(tern_pipe *pipe)
{
  if (pipe == NULL) return;
  tern__free(pipe->mem, pipe->rings[0].octets, 2 * pipe->cap); /* both rings are one piece */
  tern__free(pipe->mem, pipe, sizeof *pipe);
}

void *tern_pipe_end(tern_pipe *pipe, uint32_t index)
{
  return pipe == NULL || index > 1 ? NULL : &pipe->ends[index];
}

static tern_status pipe_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  end *e = user;
  ring *r;
  size_t n, straight;

  if (e == NULL) return TERN_E_NOMEM;
  r = e->in;
  if (e->closed) return TERN_E_CLOSED;
  if (r->used == 0) return e->peer->closed ? TERN_E_CLOSED : TERN_E_AGAIN;
  n = r->used < cap ? r->used : cap;
  straight = e->pipe->cap - r->first;
  if (straight > n) straight = n;
  memcpy(octets, r->octets + r->first, straight);
  memcpy(octets + straight, r->octets, n - straight);
  r->first = (r->first + n) % e->pipe->cap;
  r->used -= n;
  *len = n;
  return TERN_OK;
}

static tern_status pipe_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  end *e = user;
  ring *r;
  size_t n, at, straight;

  if (e == NULL) return TERN_E_NOMEM;
  r = e->out;
  if (e->closed || e->peer->closed) return TERN_E_CLOSED;
  n = e->pipe->cap - r->used;
  if (n == 0) return TERN_E_AGAIN;
  if (n > len) n = len;
  straight = e->pipe->cap - r->first; /* first + used, without a sum that could overflow */
  at = r->used < straight ? r->first + r->used : r->used - straight;
  straight = e->pipe->cap - at;
  if (straight > n) straight = n;
  memcpy(r->octets + at, octets, straight);
  memcpy(r->octets, octets + straight, n - straight);
  r->used += n;
  *done = n;
  return TERN_OK;
}

static void pipe_close(void *user)
{
  end *e = user;

  if (e != NULL) e->closed = 1;
}

#ifdef TERN_NO_SOCKETS
static uint64_t pipe_now(void *user)
{
  (void)user;
  return 0;
}
#endif

const tern_transport *tern_pipe_transport(void)
{
  static const tern_transport table = {sizeof(tern_transport),
                                       pipe_read,
                                       pipe_write,
                                       NULL,
                                       pipe_close,
                                       NULL,
#ifdef TERN_NO_SOCKETS
                                       pipe_now,
#else
                                        NULL,
#endif
                                       NULL,
                                       NULL};

  return &table;
}
