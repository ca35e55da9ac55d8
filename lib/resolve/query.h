/* query.h - one DNS question, asked step by step.
 *
 *   st = tern__dns_query_open(resolver, mem, name, type, now, deadline, &q);
 *   while (st == TERN_E_AGAIN) {
 *     wait for tern__dns_query_events on tern__dns_query_handle until tern__dns_query_deadline;
 *     st = tern__dns_query_step(q, now);
 *   }
 *   answer = tern__dns_query_answer(q); ... tern__dns_query_free(q);
 *
 * Many may run at once; each has a socket of its own while it waits. */
#ifndef TERN_LIB_RESOLVE_QUERY_H
#define TERN_LIB_RESOLVE_QUERY_H

#include "resolve/answer.h"
#include "resolve/resolver.h"

typedef struct tern__dns_query tern__dns_query;

/* Makes the query; the first step sends. deadline (TERN_NEVER: none) covers all tries at all
 * servers. The resolver's settings are copied. TERN_E_AGAIN; TERN_E_RESOLVE: no server to ask;
 * TERN_E_HOST: not a name that can be asked for; then too *q exists, ended, with its answer and
 * detail. TERN_E_NOMEM: *q is NULL. mem is borrowed. */
tern_status tern__dns_query_open(tern_resolver *r, const tern_allocator *mem, const char *name,
                                 uint32_t type, uint64_t now, uint64_t deadline,
                                 tern__dns_query **q);
/* TERN_E_AGAIN; else it has ended, with tern__dns_result_status of its result or TERN_E_NOMEM or
 * TERN_E_RANDOM. An end is final. */
tern_status tern__dns_query_step(tern__dns_query *q, uint64_t now);
/* What to poll (-1: nothing), for which of TERN_READ | TERN_WRITE, and until when at the latest.
 * The handle changes from step to step. */
int32_t tern__dns_query_handle(const tern__dns_query *q);
uint32_t tern__dns_query_events(const tern__dns_query *q);
uint64_t tern__dns_query_deadline(const tern__dns_query *q);
/* Never NULL for a q; result TERN__DNS_PENDING before the end. Lives as long as q. */
const tern__dns_answer *tern__dns_query_answer(const tern__dns_query *q);
/* "example.org MX: 127.0.0.1 port 53: no answer in time; ..." or "": each server's failure. */
const char *tern__dns_query_detail(const tern__dns_query *q);
void tern__dns_query_free(tern__dns_query *q);

/* Steps and waits by poll() until it has ended. */
tern_status tern__dns_query_run(tern__dns_query *q);

#endif
