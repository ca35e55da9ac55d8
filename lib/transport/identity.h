/* identity.h - is this certificate that host's? RFC 9525 on the octets of the subjectAltName. */
#ifndef TERN_LIB_TRANSPORT_IDENTITY_H
#define TERN_LIB_TRANSPORT_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#define TERN__IDENTITY_NONE 0u /* neither: no certificate can bear it */
#define TERN__IDENTITY_DNS 1u
#define TERN__IDENTITY_IP 2u

typedef struct tern__identity {
  uint32_t kind;
  uint8_t ip[16];
  size_t ip_len; /* 4 or 16 */
  char dns[256]; /* ended by NUL, without a trailing dot */
  size_t dns_len;
} tern__identity;

/* Reads host: an IPv4 address, an IPv6 address (with or without [], a zone is dropped), or a DNS
 * name of letters, digits, "-" and "_" whose last label is not a number. NULL: NONE. */
void tern__identity_read(tern__identity *identity, const char *host);
/* extensions: the DER of a certificate's Extensions (RFC 5280 4.1), as they come from the peer.
 * Returns the GeneralNames inside subjectAltName and their length, or NULL: none, or malformed. */
const uint8_t *tern__identity_san(const uint8_t *extensions, size_t len, size_t *san_len);
/* Whether one of the names is the identity. san NULL: no. */
int tern__identity_match(const tern__identity *identity, const uint8_t *san, size_t len);
/* Writes the names that a person can read, "a.example, 192.0.2.1", bounded, control octets
 * replaced, "..." where they do not fit; ended by NUL. Returns how many names there are. */
size_t tern__identity_list(const uint8_t *san, size_t len, char *out, size_t cap);

/* Takes the next DNS name or address off *san, of *left octets: the name as it stands there, or an
 * address as text in `text`; *len octets, not ended by NUL. NULL: none is left. san as above. */
#define TERN__IDENTITY_TEXT 40u
const void *tern__identity_next(const uint8_t **san, size_t *left, char text[TERN__IDENTITY_TEXT],
                                size_t *len);

#endif
