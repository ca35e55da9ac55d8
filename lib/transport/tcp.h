/* tcp.h - stream sockets: TCP over IPv4 and IPv6, and Unix sockets. Non-blocking, stepped. Absent
 * with TERN_NO_SOCKETS.
 *
 *   st = tern__tcp_open(mem, host, port, timeout, &tcp);      (resolves; may block)
 *   while (st == TERN_OK || st == TERN_E_AGAIN) {
 *     st = tern__tcp_connect_step(tcp, now);                  (TERN_OK: connected, leave the loop)
 *     wait for tern__tcp_events on tern__tcp_handle until tern__tcp_deadline;
 *   }
 *   tern__link link = {tern__tcp_transport(), tcp};           (its close closes the socket)
 *   tern__tcp_free(tcp);                                      (closes too, gives the memory back)
 */
#ifndef TERN_LIB_TRANSPORT_TCP_H
#define TERN_LIB_TRANSPORT_TCP_H

#include <tern/transport.h>

#include "base/socket.h"
#include "transport/local.h"
#include "transport/race.h"

typedef struct tern__tcp tern__tcp;

/* Resolves host by getaddrinfo, which blocks as long as the system's resolver does; an IPv4
 * literal and an IPv6 literal with or without [] never block. timeout is the limit in ms for connecting,
 * over all addresses, 0: none. TERN_OK, TERN_E_HOST, TERN_E_RESOLVE, TERN_E_ARGUMENT (port, host NULL):
 * then *tcp exists for its detail and is to be freed. TERN_E_NOMEM: *tcp is NULL. mem is borrowed. */
tern_status tern__tcp_open(const tern_allocator *mem, const char *host, uint32_t port,
                           uint32_t timeout, tern__tcp **tcp);
/* The same for literals alone; TERN_E_AGAIN with *tcp NULL: host is none, it must be looked up. */
tern_status tern__tcp_open_literal(const tern_allocator *mem, const char *host, uint32_t port,
                                   uint32_t timeout, tern__tcp **tcp);
/* Without an address yet: tern__tcp_feed adds them as they become known, also while others are tried,
 * and NULL says that there will be no more. */
tern_status tern__tcp_open_fed(const tern_allocator *mem, uint32_t timeout, tern__tcp **tcp);
void tern__tcp_feed(tern__tcp *tcp, const tern__sockaddr *address);
/* The same as tern__tcp_open for a Unix socket; a path that does not fit is TERN_E_CONNECT. Never
 * blocks. */
tern_status tern__tcp_open_unix(const tern_allocator *mem, const char *path, uint32_t timeout,
                                tern__tcp **tcp);
/* Before the first step: where the connection leaves from, borrowed until it stands. Not for Unix. */
void tern__tcp_set_local(tern__tcp *tcp, const tern__local *local);
/* Before the first step: where to write down what became of the addresses, once that is over. NULL: nowhere. */
void tern__tcp_set_tried(tern__tcp *tcp, tern__tried *tried);
/* For a caller that would only wait: before the first step, lets connect and tern__tcp_read_wait
 * block for up to ms at a time, which saves the waiting a system call each. Linux; elsewhere
 * nothing, and tern__tcp_slice stays 0. The transport's own read and write never block. */
void tern__tcp_set_slice(tern__tcp *tcp, uint32_t ms);
uint32_t tern__tcp_slice(const tern__tcp *tcp);
/* Reads as the transport does, but waits for a slice first; TERN_E_AGAIN: none came, or a signal. */
tern_status tern__tcp_read_wait(tern__tcp *tcp, uint8_t *octets, size_t cap, size_t *len);
/* Lets the addresses race as tern__race_step says. TERN_E_AGAIN; TERN_OK: connected; TERN_E_CONNECT:
 * none accepted; TERN_E_TIMEOUT: the time passed; TERN_E_LOCAL: see
 * there; TERN_E_NOMEM. An end is final: further steps answer
 * the same. */
tern_status tern__tcp_connect_step(tern__tcp *tcp, uint64_t now);
/* While connecting: what to poll (-1: nothing, only wait; it may stand for several sockets and changes from
 * step to step), for which events, and until when (TERN_NEVER: no limit). Once connected the handle is the socket's, the deadline TERN_NEVER. */
int32_t tern__tcp_handle(const tern__tcp *tcp);
uint32_t tern__tcp_events(const tern__tcp *tcp);
uint64_t tern__tcp_deadline(const tern__tcp *tcp);
/* A line about the last failure, "127.0.0.1 port 25: Connection refused; ...": all addresses
 * tried, or what read or write met. "" where there was none. Lives as long as tcp. */
const char *tern__tcp_detail(const tern__tcp *tcp);
/* The other end, "[::1] port 25" or the path, of the connection or of the last attempt; or "". */
const char *tern__tcp_peer(const tern__tcp *tcp);
/* The address literal of the local end for EHLO, "[127.0.0.1]" or "[IPv6:::1]" (RFC 5321 4.1.3).
 * Returns its length, 0 where there is none (Unix) or cap is too small. */
size_t tern__tcp_local_literal(const tern__tcp *tcp, char *out, size_t cap);
/* Its user pointer is a connected tern__tcp. A reset by the peer is TERN_E_CLOSED, any other
 * failure TERN_E_IO. Never raises SIGPIPE. */
const tern_transport *tern__tcp_transport(void);
/* Closes where still open. tcp may be NULL. */
void tern__tcp_free(tern__tcp *tcp);

#endif
