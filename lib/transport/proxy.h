/* proxy.h - asks a proxy for a connection to the server: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT (RFC 9110
 * section 9.3.6) with Basic. Does no I/O: octets go in and out.
 *
 *   st = tern__proxy_new(mem, TERN__PROXY_SOCKS5, host, port, user, password, &p);
 *   while (st == TERN_E_AGAIN)
 *     if (tern__proxy_out(p, &len)) write some of them, tern__proxy_sent(p, n);
 *     else read at most tern__proxy_need(p) octets, st = tern__proxy_in(p, octets, n);
 *   tern__proxy_free(p);       (TERN_OK: whatever comes next is the server's)
 */
#ifndef TERN_LIB_TRANSPORT_PROXY_H
#define TERN_LIB_TRANSPORT_PROXY_H

#include <tern/base.h>

#define TERN__PROXY_SOCKS5 1u
#define TERN__PROXY_HTTP 2u

#define TERN__PROXY_NEED 256u   /* octets that are asked for at a time, at most */
#define TERN__PROXY_HEAD 8192u  /* octets of an HTTP proxy's answer, at most */

typedef struct tern__proxy tern__proxy;

/* host, up to 255 octets, is an address (IPv6 without brackets) or a name, which the proxy resolves. user
 * and password may be NULL; each up to 255 octets, in HTTP no control octets, and no colon in user.
 * TERN_E_AGAIN; TERN_E_CREDENTIALS; TERN_E_HOST; TERN_E_NOMEM. *p is NULL unless TERN_E_AGAIN. */
tern_status tern__proxy_new(const tern_allocator *mem, uint32_t kind, const char *host, uint32_t port,
                            const char *user, const char *password, tern__proxy **p);
/* What is to be written, NULL: nothing. Lent until sent. */
const uint8_t *tern__proxy_out(const tern__proxy *p, size_t *len);
void tern__proxy_sent(tern__proxy *p, size_t len);
/* How many octets are surely the proxy's: no more may be read, as the server's may follow. */
size_t tern__proxy_need(const tern__proxy *p);
/* TERN_E_AGAIN; TERN_OK: the connection stands; TERN_E_PROXY, _AUTH, _DENIED, _REPLY, TERN_E_CONNECT,
 * TERN_E_TIMEOUT. An end is final. len over what was needed is TERN_E_PROXY_REPLY. */
tern_status tern__proxy_in(tern__proxy *p, const uint8_t *octets, size_t len);
/* The connection ended before the answer: what that means. */
tern_status tern__proxy_closed(tern__proxy *p);
/* What the proxy answered, in words; never what was sent to it. */
const char *tern__proxy_detail(const tern__proxy *p);
/* Wipes: there may be a password in it. */
void tern__proxy_free(tern__proxy *p);

#endif
