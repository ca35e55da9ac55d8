/* race.h - connects to whichever address of a host answers first (RFC 8305). Absent with
 * TERN_NO_SOCKETS.
 *
 *   race = tern__race_new(mem, most, timeout);
 *   tern__race_add(race, &address); ...              (also later, while tern__race_expect says so)
 *   while ((st = tern__race_step(race, now)) == TERN_E_AGAIN)
 *     wait for what tern__race_gather adds, until tern__race_deadline;
 *   fd = tern__race_take(race);                      (TERN_OK: connected; the caller's from now on)
 *   tern__race_free(race);                           (closes whatever else is open)
 */
#ifndef TERN_LIB_TRANSPORT_RACE_H
#define TERN_LIB_TRANSPORT_RACE_H

#include <tern/base.h>

#include "base/gather.h"
#include "base/notes.h"
#include "base/socket.h"
#include "transport/local.h"

#define TERN__RACE_DELAY 250u /* ms between the starts of two attempts (RFC 8305 section 8) */
#define TERN__RACE_MOST 32u   /* addresses of one host */

typedef struct tern__race tern__race;

/* What became of each address, for whoever wants to know. */
#define TERN__TRIED_NOT 0u
#define TERN__TRIED_CONNECTED 1u
#define TERN__TRIED_FAILED 2u
#define TERN__TRIED_OUTRUN 3u /* under way as another one won */
typedef struct tern__tried_one {
  tern__sockaddr address;
  uint32_t result;
  char reason[96];
} tern__tried_one;
typedef struct tern__tried {
  uint32_t count;
  tern__tried_one list[TERN__RACE_MOST];
} tern__tried;

/* For up to most addresses, TERN__RACE_MOST at the highest. timeout: ms for all of it, from the first
 * step on; 0: none. NULL: no memory. mem is borrowed. */
tern__race *tern__race_new(const tern_allocator *mem, uint32_t most, uint32_t timeout);
/* One more address to try; one that is there already, or over the most, is left out. */
void tern__race_add(tern__race *race, const tern__sockaddr *address);
/* 1: more addresses may be added, so that running out of them is no end yet. Off at first. */
void tern__race_expect(tern__race *race, uint32_t more);
/* Where all attempts leave from; borrowed until the end. */
void tern__race_set_local(tern__race *race, const tern__local *local);
/* For a caller that would only wait: connect may block for up to ms at a time where there is one address
 * and no more to come. */
void tern__race_set_slice(tern__race *race, uint32_t ms);
/* Begins attempts in the order of their addresses, the families in turn, each 250 ms after the one before
 * or as soon as that has failed; all stay under way until one stands. TERN_E_AGAIN; TERN_OK: connected;
 * TERN_E_CONNECT: none accepted, or there was no address; TERN_E_TIMEOUT: the time passed, and nothing
 * else was wrong; TERN_E_LOCAL: no attempt could leave from where it should. An end is final. Each failure is added to notes, as "address: what". */
tern_status tern__race_step(tern__race *race, uint64_t now, tern__notes *notes);
/* Adds the sockets under way. */
void tern__race_gather(const tern__race *race, tern__gather *g);
/* When a step is due although all is silent; TERN_NEVER: not at all. */
uint64_t tern__race_deadline(const tern__race *race);
/* How many addresses there are, and how many of them were begun with. */
uint32_t tern__race_count(const tern__race *race);
uint32_t tern__race_begun(const tern__race *race);
/* The address that was begun with last, or the winner's; NULL: none yet. */
const tern__sockaddr *tern__race_address(const tern__race *race);
/* Writes down what became of the addresses so far. */
void tern__race_tell(const tern__race *race, tern__tried *tried);
/* The connected socket, non-blocking unless it was the one that might block for a slice: *sliced. -1:
 * there is none. */
int tern__race_take(tern__race *race, int *sliced);
void tern__race_free(tern__race *race);

#endif
