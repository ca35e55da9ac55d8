/* race.c - connects to whichever address of a host answers first (RFC 8305).
 * Duty: attempts begin one after the other, the families in turn, and stay under way together until one
 * stands or the time is over; a dead address costs 250 ms, a refused one nothing. Addresses may still
 * arrive while it runs. Neighbours: tcp.c makes a transport of the winner, client/dial.c feeds it from
 * look-ups. Limits: one deadline over all; no memory of how a host's addresses did the last time. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "transport/race.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <tern/transport.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/words.h"

#define NAME_SIZE 96u

enum state { WAITING, GOING, OVER };

typedef struct entry {
  tern__sockaddr address;
  int fd;
  int error;      /* of one that is over; 0: its time passed */
  uint8_t untied; /* and it was for the local end */
  enum state state;
} entry;

struct tern__race {
  const tern_allocator *mem;
  size_t size;
  tern_status ended; /* TERN_E_AGAIN: still racing */
  uint32_t timeout;
  uint32_t slice;
  uint64_t deadline;
  uint64_t next; /* when the next attempt may begin */
  uint32_t most;
  uint32_t count;
  uint32_t begun;
  uint32_t going;
  uint32_t last;    /* the entry that was begun with last, then the winner */
  uint32_t refused; /* attempts that ended otherwise than by time */
  uint32_t untied;  /* of them, because of the local end */
  const tern__local *local;
  uint8_t started;
  uint8_t expect;
  uint8_t blocks; /* the only attempt is made by a socket that blocks for a slice */
  entry entries[]; /* most */
};

tern__race *tern__race_new(const tern_allocator *mem, uint32_t most, uint32_t timeout)
{
  size_t size;
  tern__race *race;

  if (most > TERN__RACE_MOST) most = TERN__RACE_MOST;
  size = sizeof *race + most * sizeof(entry);
  race = tern__alloc(mem, size);
  if (race == NULL) return NULL;
  race->mem = mem;
  race->size = size;
  race->ended = TERN_E_AGAIN;
  race->timeout = timeout;
  race->deadline = TERN_NEVER;
  race->most = most;
  return race;
}

void tern__race_add(tern__race *race, const tern__sockaddr *address)
{
  uint32_t i;

  for (i = 0; i < race->count; i++)
    if (tern__sockaddr_same(&race->entries[i].address, address)) return;
  if (race->count == race->most) return;
  race->entries[race->count].address = *address;
  race->entries[race->count].fd = -1;
  race->entries[race->count++].state = WAITING;
}

void tern__race_expect(tern__race *race, uint32_t more)
{
  race->expect = more != 0;
}

void tern__race_set_local(tern__race *race, const tern__local *local)
{
  race->local = local->given ? local : NULL;
}

void tern__race_set_slice(tern__race *race, uint32_t ms)
{
  race->slice = ms;
}

/* ---- attempts -------------------------------------------------------------------------------------*/

/* Why it failed, into out. */
static void reason(const entry *e, char *out, size_t cap)
{
  char number[24];
  const char *words = e->error == 0 ? "timed out" : tern__words_errno(e->error, number, sizeof number);

  if (e->untied && e->error == EAFNOSUPPORT) words = "no address of this family was given";
  (void)snprintf(out, cap, "%s%s", e->untied ? "the local end: " : "", words);
}

static void shut(entry *e)
{
  if (e->fd >= 0) (void)close(e->fd);
  e->fd = -1;
}

static void fail(tern__race *race, entry *e, int error, tern__notes *notes, uint64_t now)
{
  char who[NAME_SIZE], what[NAME_SIZE];

  e->error = error;
  tern__sockaddr_name(&e->address, who, sizeof who);
  reason(e, what, sizeof what);
  tern__notes_add(notes, who, what);
  shut(e);
  if (e->state == GOING) race->going--;
  if (e->untied) race->untied++;
  e->state = OVER;
  race->refused += error != 0;
  race->next = now; /* RFC 8305 section 5: the next need not wait */
}

/* The next one to begin with: of the other family than the last, else of the same; NULL: none. */
static entry *choose(tern__race *race)
{
  entry *same = NULL;
  uint32_t i;
  int family = race->begun > 0 ? race->entries[race->last].address.any.sa_family : 0;

  for (i = 0; i < race->count; i++) {
    entry *e = &race->entries[i];

    if (e->state != WAITING) continue;
    if (e->address.any.sa_family != family) return e;
    if (same == NULL) same = e;
  }
  return same;
}

/* Begins an attempt. 1: it stands at once; 0: it is on the way, or has failed. */
static int begin(tern__race *race, entry *e, tern__notes *notes, uint64_t now)
{
  int error = 0;

  race->last = (uint32_t)(e - race->entries);
  race->begun++;
  race->next = now > TERN_NEVER - TERN__RACE_DELAY ? TERN_NEVER : now + TERN__RACE_DELAY;
  race->blocks = race->slice != 0 && race->count == 1 && !race->expect;
  if (race->blocks) {
    e->fd = tern__socket_sliced(e->address.any.sa_family, race->slice);
    race->blocks = e->fd >= 0;
  }
  if (!race->blocks) e->fd = tern__socket(e->address.any.sa_family, SOCK_STREAM);
  if (e->fd < 0) {
    error = errno;
  } else if (race->local != NULL &&
             (error = tern__local_apply(race->local, e->fd, e->address.any.sa_family)) != 0) {
    e->untied = 1;
  } else if (connect(e->fd, &e->address.any, tern__sockaddr_length(&e->address)) == 0) {
    return 1;
  } else if (errno != EINPROGRESS && errno != EINTR) { /* interrupted, it goes on by itself (POSIX) */
    error = errno;
  }
  if (error != 0) {
    fail(race, e, error, notes, now);
  } else {
    e->state = GOING;
    race->going++;
  }
  return 0;
}

static tern_status win(tern__race *race, const entry *winner)
{
  uint32_t i;

  race->last = (uint32_t)(winner - race->entries);
  for (i = 0; i < race->count; i++)
    if (&race->entries[i] != winner) shut(&race->entries[i]);
  race->ended = TERN_OK;
  return TERN_OK;
}

/* What became of those under way: the one that stands, or NULL. */
static entry *look(tern__race *race, tern__notes *notes, uint64_t now)
{
  struct pollfd p[TERN__RACE_MOST];
  entry *of[TERN__RACE_MOST];
  nfds_t n = 0, i;
  uint32_t k;

  for (k = 0; k < race->count; k++) {
    if (race->entries[k].state != GOING) continue;
    of[n] = &race->entries[k];
    p[n].fd = of[n]->fd;
    p[n].events = POLLOUT;
    p[n++].revents = 0;
  }
  if (n == 0 || poll(p, n, 0) <= 0) return NULL;
  for (i = 0; i < n; i++) {
    int error = 0;
    socklen_t size = sizeof error;

    if (p[i].revents == 0) continue;
    if (p[i].revents == POLLOUT) return of[i]; /* a failure shows as POLLERR or POLLHUP */
    if (getsockopt(of[i]->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error == 0) return of[i];
    fail(race, of[i], error, notes, now);
  }
  return NULL;
}

static tern_status expire(tern__race *race, tern__notes *notes, uint64_t now)
{
  uint32_t i;

  for (i = 0; i < race->count; i++)
    if (race->entries[i].state == GOING) fail(race, &race->entries[i], 0, notes, now);
  race->ended = race->refused == 0 ? TERN_E_TIMEOUT : TERN_E_CONNECT;
  return race->ended;
}

/* Nothing is left to try. */
static tern_status exhaust(tern__race *race)
{
  race->ended = race->untied != 0 && race->untied == race->begun ? TERN_E_LOCAL : TERN_E_CONNECT;
  return race->ended;
}

tern_status tern__race_step(tern__race *race, uint64_t now, tern__notes *notes)
{
  entry *e;

  if (race->ended != TERN_E_AGAIN) return race->ended;
  if (!race->started) {
    race->started = 1;
    race->next = now;
    if (race->timeout != 0 && now <= TERN_NEVER - race->timeout) race->deadline = now + race->timeout;
  }
  e = look(race, notes, now);
  if (e != NULL) return win(race, e);
  if (now >= race->deadline) return expire(race, notes, now);
  while (now >= race->next && (e = choose(race)) != NULL) {
    if (begin(race, e, notes, now)) return win(race, e);
    e = look(race, notes, now); /* on loopback the answer is there by now */
    if (e != NULL) return win(race, e);
  }
  if (race->going > 0 || race->expect || choose(race) != NULL) return TERN_E_AGAIN;
  return exhaust(race);
}

/* ---- getters --------------------------------------------------------------------------------------*/

void tern__race_gather(const tern__race *race, tern__gather *g)
{
  uint32_t i;

  for (i = 0; i < race->count; i++)
    if (race->entries[i].state == GOING) tern__gather_add(g, race->entries[i].fd, TERN_WRITE);
}

uint64_t tern__race_deadline(const tern__race *race)
{
  uint32_t i;

  if (race->ended != TERN_E_AGAIN) return TERN_NEVER;
  for (i = 0; i < race->count && race->next < race->deadline; i++)
    if (race->entries[i].state == WAITING) return race->next;
  return race->deadline;
}

uint32_t tern__race_count(const tern__race *race)
{
  return race->count;
}

uint32_t tern__race_begun(const tern__race *race)
{
  return race->begun;
}

const tern__sockaddr *tern__race_address(const tern__race *race)
{
  return race->begun > 0 ? &race->entries[race->last].address : NULL;
}

void tern__race_tell(const tern__race *race, tern__tried *tried)
{
  for (tried->count = 0; tried->count < race->count; tried->count++) {
    const entry *e = &race->entries[tried->count];
    tern__tried_one *one = &tried->list[tried->count];

    one->address = e->address;
    one->reason[0] = 0;
    one->result = e->state == GOING ? TERN__TRIED_OUTRUN : TERN__TRIED_NOT;
    if (race->ended == TERN_OK && tried->count == race->last) {
      one->result = TERN__TRIED_CONNECTED;
    } else if (e->state == OVER) {
      one->result = TERN__TRIED_FAILED;
      reason(e, one->reason, sizeof one->reason);
    }
  }
}

int tern__race_take(tern__race *race, int *sliced)
{
  int fd;

  *sliced = race->blocks;
  if (race->ended != TERN_OK) return -1;
  fd = race->entries[race->last].fd;
  race->entries[race->last].fd = -1;
  return fd;
}

void tern__race_free(tern__race *race)
{
  uint32_t i;

  if (race == NULL) return;
  for (i = 0; i < race->count; i++) shut(&race->entries[i]);
  tern__free(race->mem, race, race->size);
}
