/* dkim_key.h - the private key of a signature; dkim_mbedtls.c or dkim_none.c. */
#ifndef TERN_LIB_MESSAGE_DKIM_KEY_H
#define TERN_LIB_MESSAGE_DKIM_KEY_H

#include <tern/base.h>

#define TERN__DKIM_SIGNATURE_MAX 1024u /* RSA of 8,192 bits */
#define TERN__DKIM_RSA_LEAST 1024u     /* RFC 8301 3.2 */

typedef struct tern__dkim_key tern__dkim_key;

/* The RSA key in these octets (PEM or DER), or in that file. On failure *problem is why. */
tern_status tern__dkim_key_read(tern__dkim_key **key, const tern_allocator *mem, const void *octets,
                                size_t len, const char **problem);
tern_status tern__dkim_key_file(tern__dkim_key **key, const tern_allocator *mem, const char *path,
                                const char **problem);
/* key may be NULL. */
void tern__dkim_key_free(tern__dkim_key *key);
/* A tern_dkim_sign; user is the key. */
tern_status tern__dkim_key_sign(void *user, const uint8_t *digest, uint8_t *signature, size_t cap,
                                size_t *len);

#endif
