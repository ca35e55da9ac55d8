/* ciphers.c - the ciphers of TLS records in the Mbed TLS that tern is linked with.
 *
 *   ciphers-bench [MIB]     64
 *
 * Prints whether Mbed TLS takes the processor's instructions for AES and for the multiplication in GCM, and what so
 * many MiB cost the processor, in records of 16 KiB: the best of three. Ends with 1 where a cipher failed. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mbedtls/cipher.h>

#define RECORD 16384u
#define TAG 16u

/* Mbed TLS's own question (its library/aesni.h), which sets the path taken; not there without MBEDTLS_AESNI_C. */
int mbedtls_aesni_has_support(unsigned what) __attribute__((weak));
#define AES 0x02000000u
#define CLMUL 0x00000002u

static double cpu(void)
{
  struct timespec t;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of one run; negative: failed. */
static double run(mbedtls_cipher_context_t *c, size_t records)
{
  static uint8_t in[RECORD], out[RECORD + TAG];
  uint8_t nonce[12] = {0};
  double from = cpu();
  size_t len;

  for (; records > 0; records--)
    if (mbedtls_cipher_auth_encrypt_ext(c, nonce, sizeof nonce, NULL, 0, in, RECORD, out, sizeof out, &len, TAG) != 0) return -1;
  return cpu() - from;
}

static int measure(const char *name, mbedtls_cipher_type_t type, size_t records)
{
  static const uint8_t key[32] = {1};
  mbedtls_cipher_context_t c;
  double best = -1, now;
  int i, good;

  mbedtls_cipher_init(&c);
  good = mbedtls_cipher_setup(&c, mbedtls_cipher_info_from_type(type)) == 0 && mbedtls_cipher_setkey(&c, key, 256, MBEDTLS_ENCRYPT) == 0;
  for (i = 0; i < 3 && good; i++) {
    now = run(&c, records);
    good = now >= 0;
    if (i == 0 || now < best) best = now;
  }
  mbedtls_cipher_free(&c);
  if (good) printf("%s_cpu_seconds=%.3f\n", name, best);
  return good;
}

static int uses(unsigned what)
{
  return mbedtls_aesni_has_support != NULL && mbedtls_aesni_has_support(what) != 0;
}

int main(int argc, char **argv)
{
  size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 64, records = mib * (1048576u / RECORD);
  int good;

  printf("mib=%zu\naesni=%d\nclmul=%d\n", mib, uses(AES), uses(CLMUL));
  good = measure("aes_256_gcm", MBEDTLS_CIPHER_AES_256_GCM, records);
  good &= measure("chacha20_poly1305", MBEDTLS_CIPHER_CHACHA20_POLY1305, records);
  return good ? 0 : 1;
}
