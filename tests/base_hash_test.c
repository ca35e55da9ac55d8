/* base_hash_test.c - the digests, HMAC and PBKDF2 against the vectors of their RFCs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static void to_hex(char *hex, const uint8_t *octets, size_t len)
{
  static const char digit[] = "0123456789abcdef";
  size_t i;

  for (i = 0; i < len; i++) {
    hex[2 * i] = digit[octets[i] >> 4];
    hex[2 * i + 1] = digit[octets[i] & 15];
  }
  hex[2 * len] = '\0';
}

static void digest(uint32_t kind, const char *text, size_t repeat, size_t step, char *hex)
{
  tern__hash hash;
  uint8_t out[TERN__DIGEST_MAX];
  size_t len = strlen(text), at, n;

  tern__hash_begin(&hash, kind);
  while (repeat--)
    for (at = 0; at < len; at += n) {
      n = len - at < step ? len - at : step;
      tern__hash_add(&hash, text + at, n);
    }
  tern__hash_end(&hash, out);
  to_hex(hex, out, tern__hash_size(kind));
}

/* RFC 1321 A.5, RFC 3174 7.3, RFC 6234 8.5 (its own and those of FIPS 180-2). */
static const struct {
  uint32_t kind;
  const char *text;
  size_t repeat;
  const char *hex;
} digests[] = {
  {TERN__MD5, "", 1, "d41d8cd98f00b204e9800998ecf8427e"},
  {TERN__MD5, "a", 1, "0cc175b9c0f1b6a831c399e269772661"},
  {TERN__MD5, "abc", 1, "900150983cd24fb0d6963f7d28e17f72"},
  {TERN__MD5, "message digest", 1, "f96b697d7cb7938d525a2f31aaf161d0"},
  {TERN__MD5, "abcdefghijklmnopqrstuvwxyz", 1, "c3fcd3d76192e4007dfb496cca67e13b"},
  {TERN__MD5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 1,
   "d174ab98d277d9f5a5611c2c9f419d9f"},
  {TERN__MD5, "1234567890", 8, "57edf4a22be3c955ac49da2e2107b67a"},
  {TERN__SHA1, "abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
  {TERN__SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
   "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
  {TERN__SHA1, "a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
  {TERN__SHA1, "0123456701234567012345670123456701234567012345670123456701234567", 10,
   "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
  {TERN__SHA256, "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
  {TERN__SHA256, "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
  {TERN__SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
   "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  {TERN__SHA256, "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  {TERN__SHA256, "0123456701234567012345670123456701234567012345670123456701234567", 10,
   "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5"},
  {TERN__SHA256, "\x19", 1, "68aa2e2ee5dff96e3355e6c7ee373e3d6a4e17f75f9518d843709c0c9bc3e3d4"},
};

static void test_digests(void **state)
{
  size_t i;
  char hex[2 * TERN__DIGEST_MAX + 1];

  (void)state;
  for (i = 0; i < sizeof digests / sizeof *digests; i++) {
    digest(digests[i].kind, digests[i].text, digests[i].repeat, SIZE_MAX, hex);
    assert_string_equal(hex, digests[i].hex);
  }
}

static void test_any_split_is_the_whole(void **state)
{
  static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  uint32_t kind;
  size_t step;
  char whole[2 * TERN__DIGEST_MAX + 1], split[2 * TERN__DIGEST_MAX + 1];

  (void)state;
  for (kind = TERN__MD5; kind <= TERN__SHA256; kind++) {
    digest(kind, text, 1, SIZE_MAX, whole);
    for (step = 1; step < sizeof text; step++) {
      digest(kind, text, 1, step, split);
      assert_string_equal(split, whole);
    }
  }
}

/* The digest of the digests of "", "a", "aa", ... up to 130 octets: every way padding can fall. */
static void test_every_length(void **state)
{
  static const char *const expected[] = {
    "714e67f3fc9e8a62eaf3f30c0329a554",
    "60afa284c7b19b978fd27334fd33aa6e654cf3ff",
    "f908a43fc8456c583aacde0fb2627959f8513dc76d0c03979b7f945a7dd78f22",
  };
  uint32_t kind;
  char as[131] = "", hex[2 * TERN__DIGEST_MAX + 1];

  (void)state;
  for (kind = TERN__MD5; kind <= TERN__SHA256; kind++) {
    tern__hash all, one;
    uint8_t out[TERN__DIGEST_MAX];
    size_t len;

    memset(as, 'a', 130);
    tern__hash_begin(&all, kind);
    for (len = 0; len <= 130; len++) {
      tern__hash_begin(&one, kind);
      tern__hash_add(&one, as, len);
      tern__hash_end(&one, out);
      tern__hash_add(&all, out, tern__hash_size(kind));
    }
    tern__hash_end(&all, out);
    to_hex(hex, out, tern__hash_size(kind));
    assert_string_equal(hex, expected[kind]);
  }
}

static void hmac(uint32_t kind, const void *key, size_t key_len, const void *text, size_t len,
                 char *hex)
{
  tern__hmac_key k;
  tern__hash hash;
  uint8_t out[TERN__DIGEST_MAX];

  tern__hmac_key_set(&k, &hash, kind, key, key_len);
  tern__hmac_begin(&hash, kind, &k);
  tern__hash_add(&hash, text, len);
  tern__hmac_end(&hash, &k, out);
  to_hex(hex, out, tern__hash_size(kind));
}

/* RFC 2202 and RFC 4231: keys and texts are a text or one octet repeated (fill, n). */
typedef struct octets {
  const char *text; /* or NULL */
  int fill;
  size_t n;
} octets;

static const struct {
  octets key, text;
  const char *md5, *sha1, *sha256; /* NULL: no such vector */
} hmacs[] = {
  {{NULL, 0x0b, 16}, {"Hi There", 0, 0}, "9294727a3638bb1c13f48ef8158bfc9d", NULL, NULL},
  {{NULL, 0x0b, 20}, {"Hi There", 0, 0}, NULL, "b617318655057264e28bc0b6fb378c8ef146be00",
   "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
  {{"Jefe", 0, 0}, {"what do ya want for nothing?", 0, 0}, "750c783e6ab0b503eaa86e310a5db738",
   "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
  {{NULL, 0xaa, 16}, {NULL, 0xdd, 50}, "56be34521d144c88dbb8c733f0e8b3f6", NULL, NULL},
  {{NULL, 0xaa, 20}, {NULL, 0xdd, 50}, NULL, "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
   "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
  {{NULL, 0x0c, 16}, {"Test With Truncation", 0, 0}, "56461ef2342edc00f9bab995690efd4c", NULL,
   NULL},
  {{NULL, 0x0c, 20}, {"Test With Truncation", 0, 0}, NULL,
   "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04", NULL},
  {{NULL, 0xaa, 80}, {"Test Using Larger Than Block-Size Key - Hash Key First", 0, 0},
   "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd", "aa4ae5e15272d00e95705637ce8a3b55ed402112", NULL},
  {{NULL, 0xaa, 80},
   {"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data", 0, 0},
   "6f630fad67cda0ee1fb1f562db3aa53e", "e8e99d0f45237d786d6bbaa7965c7808bbff1a91", NULL},
  {{NULL, 0xaa, 131}, {"Test Using Larger Than Block-Size Key - Hash Key First", 0, 0}, NULL, NULL,
   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  {{NULL, 0xaa, 131},
   {"This is a test using a larger than block-size key and a larger than block-size data. The key "
    "needs to be hashed before being used by the HMAC algorithm.", 0, 0},
   NULL, NULL, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static size_t spell(const octets *o, char *out)
{
  if (o->text != NULL) {
    strcpy(out, o->text);
    return strlen(o->text);
  }
  memset(out, o->fill, o->n);
  return o->n;
}

static void test_hmac(void **state)
{
  size_t i, key_len, len;
  uint32_t kind;
  char key[200], text[200], hex[2 * TERN__DIGEST_MAX + 1];

  (void)state;
  for (i = 0; i < sizeof hmacs / sizeof *hmacs; i++) {
    const char *expected[3];

    expected[TERN__MD5] = hmacs[i].md5;
    expected[TERN__SHA1] = hmacs[i].sha1;
    expected[TERN__SHA256] = hmacs[i].sha256;
    key_len = spell(&hmacs[i].key, key);
    len = spell(&hmacs[i].text, text);
    for (kind = TERN__MD5; kind <= TERN__SHA256; kind++) {
      if (expected[kind] == NULL) continue;
      hmac(kind, key, key_len, text, len, hex);
      assert_string_equal(hex, expected[kind]);
    }
  }
}

/* RFC 6070, as far as one block reaches, and RFC 7677's SaltedPassword by way of its exchange in
 * sasl_mechanism_test.c. The SHA-256 rows are RFC 6070's inputs with their well-known results. */
static const struct {
  uint32_t kind;
  const char *password, *salt;
  size_t salt_len;
  uint32_t iterations;
  const char *hex;
} derivations[] = {
  {TERN__SHA1, "password", "salt", 4, 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
  {TERN__SHA1, "password", "salt", 4, 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
  {TERN__SHA1, "password", "salt", 4, 4096, "4b007901b765489abead49d926f721d065a429c1"},
  {TERN__SHA1, "passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 36, 4096,
   "3d2eec4fe41c849b80c8d83662c0e44a8b291a96"},
  {TERN__SHA256, "password", "salt", 4, 1,
   "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"},
  {TERN__SHA256, "password", "salt", 4, 2,
   "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43"},
  {TERN__SHA256, "password", "salt", 4, 4096,
   "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"},
};

static void derive(size_t row, uint32_t most, char *hex, uint32_t *calls)
{
  tern__pbkdf2 p;
  tern__hash hash;

  tern__pbkdf2_begin(&p, &hash, derivations[row].kind, derivations[row].password,
                     strlen(derivations[row].password));
  tern__hash_add(&hash, derivations[row].salt, derivations[row].salt_len);
  tern__pbkdf2_salted(&p, &hash, derivations[row].iterations);
  *calls = 1;
  while (!tern__pbkdf2_work(&p, most)) ++*calls;
  to_hex(hex, p.result, tern__hash_size(p.kind));
}

static void test_pbkdf2(void **state)
{
  size_t i;
  uint32_t calls;
  char hex[2 * TERN__DIGEST_MAX + 1];

  (void)state;
  for (i = 0; i < sizeof derivations / sizeof *derivations; i++) {
    derive(i, UINT32_MAX, hex, &calls);
    assert_string_equal(hex, derivations[i].hex);
    assert_int_equal(calls, 1);
    derive(i, 1000, hex, &calls);
    assert_string_equal(hex, derivations[i].hex);
    assert_int_equal(calls, derivations[i].iterations < 1000 ? 1 : 5);
  }
}

static void test_ends_wiped(void **state)
{
  static const tern__hash none;
  tern__hash hash;
  tern__hmac_key key;
  uint8_t out[TERN__DIGEST_MAX];

  (void)state;
  memset(&hash, 0xa5, sizeof hash);
  tern__hmac_key_set(&key, &hash, TERN__SHA256, "secret", 6);
  tern__hmac_begin(&hash, TERN__SHA256, &key);
  tern__hash_add(&hash, "text", 4);
  tern__hmac_end(&hash, &key, out);
  assert_memory_equal(&hash, &none, sizeof hash);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_digests),
    cmocka_unit_test(test_any_split_is_the_whole),
    cmocka_unit_test(test_every_length),
    cmocka_unit_test(test_hmac),
    cmocka_unit_test(test_pbkdf2),
    cmocka_unit_test(test_ends_wiped),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
