/* seal.c - a digest behind octets that leave the process and come back, or an HMAC where the caller
 * has a secret for it. Neighbours: the cache of TLS sessions, the client's memory. */
#include "base/seal.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

void tern__seal_set(tern__seal *seal, const void *secret, size_t len)
{
  tern__hash hash;

  memset(seal, 0, sizeof *seal);
  if (len == 0) return;
  tern__hash_begin(&hash, TERN__SHA256);
  tern__hash_add(&hash, secret, len);
  tern__hash_end(&hash, seal->key);
  seal->keyed = 1;
}

void tern__seal_make(const tern__seal *seal, const uint8_t *octets, size_t len,
                     uint8_t out[TERN__SEAL])
{
  tern__hmac_key key;
  tern__hash hash;

  if (!seal->keyed) {
    tern__hash_begin(&hash, TERN__SHA256);
    tern__hash_add(&hash, octets, len);
    tern__hash_end(&hash, out);
    return;
  }
  tern__hmac_key_set(&key, &hash, TERN__SHA256, seal->key, TERN__SEAL);
  tern__hmac_begin(&hash, TERN__SHA256, &key);
  tern__hash_add(&hash, octets, len);
  tern__hmac_end(&hash, &key, out);
  tern__wipe(&key, sizeof key);
}

int tern__seal_holds(const tern__seal *seal, const uint8_t *octets, size_t len)
{
  uint8_t due[TERN__SEAL], differs = 0;
  size_t i;

  if (len < TERN__SEAL) return 0;
  tern__seal_make(seal, octets, len - TERN__SEAL, due);
  for (i = 0; i < TERN__SEAL; i++) /* in the same time wherever they differ */
    differs |= (uint8_t)(due[i] ^ octets[len - TERN__SEAL + i]);
  return differs == 0;
}
