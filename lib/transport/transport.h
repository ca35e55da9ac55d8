/* transport.h - a transport with its user pointer, and its table read with respect for its size.
 * Functions beyond table->size count as NULL (see <tern/transport.h>). */
#ifndef TERN_LIB_TRANSPORT_TRANSPORT_H
#define TERN_LIB_TRANSPORT_TRANSPORT_H

#include <tern/transport.h>

/* What every function below takes, by pointer; both members are borrowed. */
typedef struct tern__link {
  const tern_transport *table;
  void *user;
} tern__link;

/* TERN_OK, or TERN_E_ARGUMENT: no table, no read or write in it, or no clock in a build without
 * sockets. Once is enough; the calls below rely on it. */
tern_status tern__transport_check(const tern__link *link);

/* As in the table. An answer that breaks its promise (a length of 0 or over cap, a positive
 * status) becomes TERN_E_IO. len or cap 0: TERN_OK with 0. *len and *done are set in every case. */
tern_status tern__transport_read(const tern__link *link, uint8_t *octets, size_t cap, size_t *len);
tern_status tern__transport_write(const tern__link *link, const uint8_t *octets, size_t len,
                                  size_t *done);
/* Without a writev: writes the first span that is not empty. */
tern_status tern__transport_writev(const tern__link *link, const tern_span *spans, size_t count,
                                   size_t *done);
void tern__transport_close(const tern__link *link);
/* -1: none. */
int32_t tern__transport_handle(const tern__link *link);
/* The transport's clock, else the host's. */
uint64_t tern__transport_now(const tern__link *link);
/* By the transport's wait, else poll() on its handle, else a nap of some milliseconds; a build
 * without sockets returns at once. May return early; interrupted by signals. */
void tern__transport_wait(const tern__link *link, uint32_t events, uint32_t timeout);
/* After TERN_E_AGAIN of read (events TERN_READ), write (TERN_WRITE) or of both tried (the two):
 * what to wait for. */
uint32_t tern__transport_pending(const tern__link *link, uint32_t events);

#endif
