/* host.h - what a host with POSIX gives: a clock, randomness, its name, waiting. Absent with
 * TERN_NO_SOCKETS. */
#ifndef TERN_LIB_BASE_HOST_H
#define TERN_LIB_BASE_HOST_H

#include <tern/transport.h>

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t tern__host_now(void);
/* len random octets of the kernel, or TERN_E_RANDOM. user is ignored: fits
 * tern_credentials.random. */
tern_status tern__host_random(void *user, uint8_t *out, size_t len);
/* The host's own name where it is a fully qualified domain that others can make sense of: with a
 * dot, letters, digits and hyphens only, not localhost, not under .local, .localdomain or
 * .localhost. Asks no name service. Returns its length, 0 where there is none or cap is too small;
 * out is ended by NUL where cap is not 0. */
size_t tern__host_name(char *out, size_t cap);
/* The judgement of tern__host_name alone, for a name of len octets. */
int tern__host_name_usable(const char *name, size_t len);
/* poll() for TERN_READ | TERN_WRITE, at most timeout ms; returns early on a signal. handle -1:
 * naps, 20 ms at most. */
void tern__host_wait(int32_t handle, uint32_t events, uint32_t timeout);

#endif
