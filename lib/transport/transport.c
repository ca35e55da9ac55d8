/* transport.c - checked access to a tern_transport that a user may have filled.
 * Duty: functions beyond the table's size are not called, answers are held to the contract, and
 * what is missing (clock, waiting) comes from the host. Neighbours: host.c; every transport and
 * the client go through here. Limits: without sockets there is no host: no wait, no clock. */
#include "transport/transport.h"

#ifndef TERN_NO_SOCKETS
#include "base/host.h"
#endif

/* Whether the table is long enough to have the member, and has it. */
#define HAS(table, member)                                                                         \
  ((table)->size >= offsetof(tern_transport, member) + sizeof(table)->member &&                    \
   (table)->member != NULL)

tern_status tern__transport_check(const tern__link *link)
{
  if (link == NULL || link->table == NULL || !HAS(link->table, read) || !HAS(link->table, write))
    return TERN_E_ARGUMENT;
#ifdef TERN_NO_SOCKETS
  if (!HAS(link->table, now)) return TERN_E_ARGUMENT;
#endif
  return TERN_OK;
}

/* Holds what a transport answered to its promise. */
static tern_status judge(tern_status status, size_t *count, size_t most)
{
  if (status == TERN_OK && *count > 0 && *count <= most) return TERN_OK;
  *count = 0;
  return status < 0 ? status : TERN_E_IO;
}

tern_status tern__transport_read(const tern__link *link, uint8_t *octets, size_t cap, size_t *len)
{
  *len = 0;
  if (cap == 0) return TERN_OK;
  return judge(link->table->read(link->user, octets, cap, len), len, cap);
}

tern_status tern__transport_write(const tern__link *link, const uint8_t *octets, size_t len,
                                  size_t *done)
{
  *done = 0;
  if (len == 0) return TERN_OK;
  return judge(link->table->write(link->user, octets, len, done), done, len);
}

tern_status tern__transport_writev(const tern__link *link, const tern_span *spans, size_t count,
                                   size_t *done)
{
  size_t i, total = 0;

  *done = 0;
  while (count > 0 && spans->len == 0) {
    spans++;
    count--;
  }
  if (count == 0) return TERN_OK;
  if (count == 1 || !HAS(link->table, writev))
    return tern__transport_write(link, spans->octets, spans->len, done);
  for (i = 0; i < count; i++) {
    if (spans[i].len > SIZE_MAX - total) { /* more than a length can say: what comes before */
      count = i;
      break;
    }
    total += spans[i].len;
  }
  return judge(link->table->writev(link->user, spans, count, done), done, total);
}

void tern__transport_close(const tern__link *link)
{
  if (HAS(link->table, close)) link->table->close(link->user);
}

int32_t tern__transport_handle(const tern__link *link)
{
  return HAS(link->table, handle) ? link->table->handle(link->user) : -1;
}

uint64_t tern__transport_now(const tern__link *link)
{
  if (HAS(link->table, now)) return link->table->now(link->user);
#ifndef TERN_NO_SOCKETS
  return tern__host_now();
#else
  return 0; /* tern__transport_check has refused such a table */
#endif
}

void tern__transport_wait(const tern__link *link, uint32_t events, uint32_t timeout)
{
  if (HAS(link->table, wait)) {
    link->table->wait(link->user, events, timeout);
    return;
  }
#ifndef TERN_NO_SOCKETS
  tern__host_wait(tern__transport_handle(link), events, timeout);
#endif
}

uint32_t tern__transport_pending(const tern__link *link, uint32_t events)
{
  return HAS(link->table, pending) ? link->table->pending(link->user, events) : events;
}
