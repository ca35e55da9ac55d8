/* dial.h - from a host's name to a connected socket, step by step. Absent with TERN_NO_SOCKETS. */
#ifndef TERN_LIB_CLIENT_DIAL_H
#define TERN_LIB_CLIENT_DIAL_H

#include <tern/client.h>

typedef struct tern__dial tern__dial;

/* Begins to connect to the client's URL. TERN_OK: c->state is TERN__DIALLING; else c->error is set. */
tern_status tern__dial_begin(tern_client *c);
/* TERN_E_AGAIN; TERN_OK: c->tcp is connected; else c->error is set. */
tern_status tern__dial_step(tern_client *c);
/* What to poll while it is under way (-1: nothing), for which events, and until when. */
int32_t tern__dial_handle(const tern_client *c);
uint32_t tern__dial_events(const tern_client *c);
uint64_t tern__dial_deadline(const tern_client *c);
/* TERN_PHASE_RESOLVE or TERN_PHASE_CONNECT. */
uint32_t tern__dial_phase(const tern_client *c);
/* Gives back what only dialling needs; c->tcp stays. */
void tern__dial_end(tern_client *c);

#endif
