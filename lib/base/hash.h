/* hash.h - MD5 (RFC 1321), SHA-1 and SHA-256 (RFC 6234), HMAC (RFC 2104), PBKDF2 (RFC 8018 5.2).
 *
 * Built in always, also where a TLS library is linked: one code path that every build tests, less
 * text than the library's own three (which a build without TLS would have to bring along), and no
 * configuration of that library that could be without MD5 or SHA-1. They serve AUTH and
 * DKIM; TLS has its own. */
#ifndef TERN_LIB_BASE_HASH_H
#define TERN_LIB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define TERN__MD5 0u
#define TERN__SHA1 1u
#define TERN__SHA256 2u
#define TERN__DIGEST_MAX 32

typedef struct tern__hash {
  uint32_t h[8];  /* the chaining value */
  uint32_t v[8];  /* working variables: here and not on the stack, so that one wipe takes all */
  uint32_t w[16]; /* the block being filled, then its message schedule */
  uint64_t count; /* octets so far */
  uint32_t kind;
} tern__hash;

/* The two chaining values after the padded key: a message then costs no block for the key. */
typedef struct tern__hmac_key {
  uint32_t inner[8];
  uint32_t outer[8];
} tern__hmac_key;

/* One block of PBKDF2 with HMAC: what SCRAM calls Hi() (RFC 5802 2.2). */
typedef struct tern__pbkdf2 {
  tern__hmac_key key;
  uint8_t u[TERN__DIGEST_MAX];
  uint8_t result[TERN__DIGEST_MAX];
  uint32_t left; /* iterations still to do */
  uint32_t kind;
} tern__pbkdf2;

/* Octets of a digest: 16, 20 or 32. */
size_t tern__hash_size(uint32_t kind);
void tern__hash_begin(tern__hash *hash, uint32_t kind);
void tern__hash_add(tern__hash *hash, const void *octets, size_t len);
/* Writes the digest to out, which may be part of what was hashed, and wipes *hash. */
void tern__hash_end(tern__hash *hash, uint8_t *out);

/* hash is for its use; devices have little stack, and whoever calls has one at hand. */
void tern__hmac_key_set(tern__hmac_key *key, tern__hash *hash, uint32_t kind, const void *secret,
                        size_t len);
/* The message follows with tern__hash_add. */
void tern__hmac_begin(tern__hash *hash, uint32_t kind, const tern__hmac_key *key);
void tern__hmac_end(tern__hash *hash, const tern__hmac_key *key, uint8_t *out);

/* Starts with the password and leaves *hash for the salt, to be given with tern__hash_add. */
void tern__pbkdf2_begin(tern__pbkdf2 *pbkdf2, tern__hash *hash, uint32_t kind,
                        const void *password, size_t len);
/* The salt has ended; iterations is at least 1. Does the first. */
void tern__pbkdf2_salted(tern__pbkdf2 *pbkdf2, tern__hash *hash, uint32_t iterations);
/* At most `most` iterations. 1: result is there; 0: more to do. */
int tern__pbkdf2_work(tern__pbkdf2 *pbkdf2, uint32_t most);

#endif
