/* seal.h - octets that the caller keeps between runs: whether they are the ones that were written. */
#ifndef TERN_LIB_BASE_SEAL_H
#define TERN_LIB_BASE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define TERN__SEAL 32u

typedef struct tern__seal {
  uint8_t key[TERN__SEAL];
  uint8_t keyed; /* 0: a digest, against damage only */
} tern__seal;

/* len 0: no secret. */
void tern__seal_set(tern__seal *seal, const void *secret, size_t len);
/* SHA-256 of the octets, or their HMAC. */
void tern__seal_make(const tern__seal *seal, const uint8_t *octets, size_t len,
                     uint8_t out[TERN__SEAL]);
/* Whether the last TERN__SEAL of the octets seal those before them. */
int tern__seal_holds(const tern__seal *seal, const uint8_t *octets, size_t len);

#endif
