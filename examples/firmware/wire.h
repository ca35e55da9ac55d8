/* wire.h - the octets between the session and the UART: in the clear, and inside TLS once it was
 * started. */
#ifndef WIRE_H
#define WIRE_H

#include <tern/base.h>

/* TERN_OK with *done octets; TERN_E_AGAIN: none now; TERN_E_CLOSED, TERN_E_IO. */
tern_status wire_read(uint8_t *octets, size_t cap, size_t *done);
tern_status wire_write(const uint8_t *octets, size_t len, size_t *done);
/* A step of the handshake: TERN_E_AGAIN until it has ended, then TERN_OK or the status for
 * tern_session_tls_done. */
tern_status wire_handshake(const char *host);
/* len random octets. */
tern_status wire_random(void *user, uint8_t *octets, size_t len);
/* Octets of TLS's arena that were in use at most, and now; 0 where nobody counts. */
void wire_memory(size_t *peak, size_t *level);

#endif
