/* sts_fetch.h - GET https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 section 3.3), stepped. */
#ifndef TERN_LIB_DELIVERY_STS_FETCH_H
#define TERN_LIB_DELIVERY_STS_FETCH_H

#include <tern/base.h>

#include "transport/tls.h"

#define TERN__STS_PORT 443u
#define TERN__STS_FETCH_MS 60000u /* for all of it (3.3: a minute) */

typedef struct tern__sts_fetch tern__sts_fetch;

/* host is "mta-sts.DOMAIN"; addresses are its addresses as text, tried in order; both are copied. trust
 * is borrowed. TERN_OK, TERN_E_NOMEM, TERN_E_ARGUMENT. */
tern_status tern__sts_fetch_new(const tern_allocator *mem, const char *host,
                                const char *const *addresses, size_t count, tern__trust *trust,
                                uint64_t now, tern__sts_fetch **out);
/* TERN_E_AGAIN; TERN_OK: body is there; else why not: TERN_E_CONNECT, TERN_E_TIMEOUT, TERN_E_TLS_...,
 * TERN_E_CLOSED, TERN_E_IO, or as tern__http_in. An end is final. */
tern_status tern__sts_fetch_step(tern__sts_fetch *f, uint64_t now);
int32_t tern__sts_fetch_handle(const tern__sts_fetch *f);
uint32_t tern__sts_fetch_events(const tern__sts_fetch *f);
uint64_t tern__sts_fetch_deadline(const tern__sts_fetch *f);
/* The policy as it came, not ended by NUL. */
const char *tern__sts_fetch_body(const tern__sts_fetch *f, size_t *len);
/* A line for people about a failure, or "". */
const char *tern__sts_fetch_detail(const tern__sts_fetch *f);
void tern__sts_fetch_free(tern__sts_fetch *f);

#endif
