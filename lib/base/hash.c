/* hash.c - MD5, SHA-1, SHA-256, HMAC and PBKDF2, for SASL (CRAM-MD5, SCRAM) and DKIM.
 *
 * The three digests share block, padding and output; all end a round by moving each working
 * variable one place down, so only what enters at the top differs. Written for size: about half
 * the speed of an unrolled SHA-256. Its timing depends on lengths only, never on the octets. */
#include "base/hash.h"

#include <string.h>

#include "base/config.h"
#include "base/mem.h"

/* RFC 1321 3.3 and RFC 3174 6.1: MD5 starts with the first four. RFC 6234 6.1. */
static const uint32_t start[2][8] = {
  {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0, 0, 0, 0},
  {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
};

/* RFC 1321 3.4: 2^32 times |sin(i + 1)|. */
static const uint32_t md5_add[64] = {
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint8_t md5_turn[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
/* Which word of the block a round takes: factor and first index of each quarter. */
static const uint8_t md5_word[8] = {1, 0, 5, 1, 3, 5, 7, 0};

static const uint32_t sha1_add[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};

/* RFC 6234 5.1: the cube roots of the first 64 primes. */
static const uint32_t sha256_add[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Constant, and with it what they guard gone, in builds that have no use for the digest. */
static int is_md5(uint32_t kind)
{
  return TERN__WITH_MD5 && kind == TERN__MD5;
}

static int is_sha1(uint32_t kind)
{
  return TERN__WITH_SHA1 && kind == TERN__SHA1;
}

static uint32_t left(uint32_t x, uint32_t n)
{
  return x << n | x >> (32 - n);
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
  return z ^ (x & (y ^ z));
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
  return (x & y) | (z & (x | y));
}

/* RFC 6234 5.1: x turned left by a and by b, and a third term that is turned or shifted. */
static uint32_t sigma(uint32_t x, uint32_t a, uint32_t b, uint32_t third)
{
  return left(x, a) ^ left(x, b) ^ third;
}

static void shift(uint32_t *v)
{
  v[7] = v[6];
  v[6] = v[5];
  v[5] = v[4];
  v[4] = v[3];
  v[3] = v[2];
  v[2] = v[1];
  v[1] = v[0];
}

static void md5_round(uint32_t *v, const uint32_t *w, uint32_t i)
{
  uint32_t quarter = i >> 4, f;

  if (quarter == 0)
    f = choose(v[1], v[2], v[3]);
  else if (quarter == 1)
    f = choose(v[3], v[1], v[2]);
  else if (quarter == 2)
    f = v[1] ^ v[2] ^ v[3];
  else
    f = v[2] ^ (v[1] | ~v[3]);
  f += v[0] + md5_add[i] + w[(md5_word[quarter * 2] * i + md5_word[quarter * 2 + 1]) & 15];
  f = v[1] + left(f, md5_turn[quarter * 4 + (i & 3)]);
  shift(v);
  v[0] = v[4];
  v[1] = f;
}

static void sha1_round(uint32_t *v, uint32_t *w, uint32_t i)
{
  uint32_t quarter = i / 20, f;

  if (i >= 16)
    w[i & 15] = left(w[(i + 13) & 15] ^ w[(i + 8) & 15] ^ w[(i + 2) & 15] ^ w[i & 15], 1);
  if (quarter == 0)
    f = choose(v[1], v[2], v[3]);
  else if (quarter == 2)
    f = majority(v[1], v[2], v[3]);
  else
    f = v[1] ^ v[2] ^ v[3];
  f += left(v[0], 5) + v[4] + sha1_add[quarter] + w[i & 15];
  shift(v);
  v[0] = f;
  v[2] = left(v[2], 30);
}

static void sha256_round(uint32_t *v, uint32_t *w, uint32_t i)
{
  uint32_t t, x, y;

  if (i >= 16) {
    x = w[(i + 1) & 15];
    y = w[(i + 14) & 15];
    w[i & 15] += sigma(x, 25, 14, x >> 3) + w[(i + 9) & 15] + sigma(y, 15, 13, y >> 10);
  }
  t = v[7] + sigma(v[4], 26, 21, left(v[4], 7)) + choose(v[4], v[5], v[6]) + sha256_add[i] +
      w[i & 15];
  v[3] += t;
  shift(v);
  v[0] = t + sigma(v[1], 30, 19, left(v[1], 10)) + majority(v[1], v[2], v[3]);
}

static void compress(tern__hash *hash)
{
  uint32_t i, rounds = is_sha1(hash->kind) ? 80 : 64;

  memcpy(hash->v, hash->h, sizeof hash->v);
  for (i = 0; i < rounds; i++) {
    if (is_md5(hash->kind))
      md5_round(hash->v, hash->w, i);
    else if (is_sha1(hash->kind))
      sha1_round(hash->v, hash->w, i);
    else
      sha256_round(hash->v, hash->w, i);
  }
  for (i = 0; i < 8; i++) hash->h[i] += hash->v[i];
}

/* How far octet i of a word is shifted: MD5 has the least significant first, the others last. */
static uint32_t place(const tern__hash *hash, size_t i)
{
  return ((uint32_t)(i & 3) ^ (is_md5(hash->kind) ? 0u : 3u)) * 8;
}

static void put(tern__hash *hash, uint8_t octet)
{
  size_t i = (size_t)(hash->count++ & 63);

  if ((i & 3) == 0) hash->w[i >> 2] = 0;
  hash->w[i >> 2] |= (uint32_t)octet << place(hash, i);
  if (i == 63) compress(hash);
}

static void begin_at(tern__hash *hash, uint32_t kind, const uint32_t *h, uint32_t count)
{
  memcpy(hash->h, h, sizeof hash->h);
  hash->count = count;
  hash->kind = kind;
}

size_t tern__hash_size(uint32_t kind)
{
  return is_md5(kind) ? 16 : is_sha1(kind) ? 20 : 32;
}

void tern__hash_begin(tern__hash *hash, uint32_t kind)
{
  begin_at(hash, kind, start[!is_md5(kind) && !is_sha1(kind)], 0);
}

void tern__hash_add(tern__hash *hash, const void *octets, size_t len)
{
  const uint8_t *in = octets;

  while (len--) put(hash, *in++);
}

void tern__hash_end(tern__hash *hash, uint8_t *out)
{
  uint64_t bits = hash->count << 3;
  size_t i, size = tern__hash_size(hash->kind), high = is_md5(hash->kind) ? 15 : 14;

  put(hash, 0x80);
  while ((hash->count & 63) != 56) put(hash, 0);
  hash->w[high] = (uint32_t)(bits >> 32);
  hash->w[29 - high] = (uint32_t)bits;
  compress(hash);
  for (i = 0; i < size; i++) out[i] = (uint8_t)(hash->h[i >> 2] >> place(hash, i));
  tern__wipe(hash, sizeof *hash);
}

void tern__hmac_key_set(tern__hmac_key *key, tern__hash *hash, uint32_t kind, const void *secret,
                        size_t len)
{
  const uint8_t *from = secret;
  uint8_t pad = 0x36;
  uint32_t *to = key->inner;
  size_t i;

  if (len > 64) { /* its digest stands in for it, where the second value will come last of all */
    tern__hash_begin(hash, kind);
    tern__hash_add(hash, secret, len);
    tern__hash_end(hash, (uint8_t *)key->outer);
    from = (const uint8_t *)key->outer;
    len = tern__hash_size(kind);
  }
  for (;;) {
    tern__hash_begin(hash, kind);
    for (i = 0; i < 64; i++) put(hash, (uint8_t)(i < len ? from[i] ^ pad : pad));
    memcpy(to, hash->h, sizeof hash->h);
    if (to == key->outer) break;
    to = key->outer;
    pad = 0x5c;
  }
  tern__wipe(hash, sizeof *hash);
}

void tern__hmac_begin(tern__hash *hash, uint32_t kind, const tern__hmac_key *key)
{
  begin_at(hash, kind, key->inner, 64);
}

void tern__hmac_end(tern__hash *hash, const tern__hmac_key *key, uint8_t *out)
{
  uint32_t kind = hash->kind;

  tern__hash_end(hash, out);
  begin_at(hash, kind, key->outer, 64);
  tern__hash_add(hash, out, tern__hash_size(kind));
  tern__hash_end(hash, out);
}

void tern__pbkdf2_begin(tern__pbkdf2 *pbkdf2, tern__hash *hash, uint32_t kind,
                        const void *password, size_t len)
{
  pbkdf2->kind = kind;
  tern__hmac_key_set(&pbkdf2->key, hash, kind, password, len);
  tern__hmac_begin(hash, kind, &pbkdf2->key);
}

void tern__pbkdf2_salted(tern__pbkdf2 *pbkdf2, tern__hash *hash, uint32_t iterations)
{
  static const uint8_t first[4] = {0, 0, 0, 1}; /* RFC 8018 5.2: INT (i) of the first block */

  tern__hash_add(hash, first, sizeof first);
  tern__hmac_end(hash, &pbkdf2->key, pbkdf2->u);
  memcpy(pbkdf2->result, pbkdf2->u, sizeof pbkdf2->result);
  pbkdf2->left = iterations - 1;
}

int tern__pbkdf2_work(tern__pbkdf2 *pbkdf2, uint32_t most)
{
  size_t i, size = tern__hash_size(pbkdf2->kind);
  tern__hash hash;

  for (; pbkdf2->left > 0 && most > 0; pbkdf2->left--, most--) {
    tern__hmac_begin(&hash, pbkdf2->kind, &pbkdf2->key);
    tern__hash_add(&hash, pbkdf2->u, size);
    tern__hmac_end(&hash, &pbkdf2->key, pbkdf2->u);
    for (i = 0; i < size; i++) pbkdf2->result[i] ^= pbkdf2->u[i];
  }
  return pbkdf2->left == 0;
}
