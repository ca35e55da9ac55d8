/* gather.h - one handle that stands for several. (host builds only) */
#ifndef TERN_LIB_BASE_GATHER_H
#define TERN_LIB_BASE_GATHER_H

#include <stdint.h>

#define TERN__GATHER_MAX 40u
#define TERN__GATHER_NAP 20u /* ms between looks where nothing can stand for several */

/* handle and events: what a caller polls. Of one handle they are its own, of several an epoll
 * descriptor, to be polled for TERN_READ. Where there is none (other systems, or no descriptor left)
 * handle is -1 and blind 1: look again after TERN__GATHER_NAP. */
typedef struct tern__gather {
  int32_t handle;
  uint32_t events; /* TERN_READ | TERN_WRITE */
  uint32_t blind;
  uint32_t count;
  uint32_t held; /* that the descriptor knows */
  int epoll;     /* -1: none */
  struct {
    int32_t handle;
    uint32_t events;
  } list[TERN__GATHER_MAX];
  int32_t known[TERN__GATHER_MAX];
} tern__gather;

void tern__gather_init(tern__gather *g);
/* Begins a new list; add what is waited for (-1 and events 0 are ignored); end makes handle and events
 * of it. To be done after each step that may have opened or closed any of them. */
void tern__gather_begin(tern__gather *g);
void tern__gather_add(tern__gather *g, int32_t handle, uint32_t events);
void tern__gather_end(tern__gather *g);
/* Closes the descriptor; init again before another use. */
void tern__gather_close(tern__gather *g);

#endif
