/* base64.h - base64 of RFC 4648 section 4, in pieces. */
#ifndef TERN_LIB_BASE_BASE64_H
#define TERN_LIB_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* The length of len octets encoded, padding included. */
size_t tern__base64_length(size_t len);
/* Encodes len octets; for a piece that is not the last len must be a multiple of 3. No NUL, no line
 * breaks. Returns the octets written to out. */
size_t tern__base64_encode(char *out, const uint8_t *in, size_t len);
/* Decodes len characters; out may be in. Padding is required where due (RFC 4954), nothing else is
 * ignored, bits behind the end must be zero. Returns the octets written, or SIZE_MAX: malformed. */
size_t tern__base64_decode(uint8_t *out, const char *in, size_t len);

/* The letter of a value of 0 to 63. */
char tern__base64_letter(uint32_t value);

#endif
