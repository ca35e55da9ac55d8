/* wire_tls.c - Mbed TLS (3.6, or 2.28) between the session and the UART, in a static arena of
 * its own: WIRE_ARENA octets.
 *
 * What to know before it is taken into a product:
 * - Entropy: mbedtls_hardware_poll below is FOR TESTS ONLY; put the part's random source there.
 *   Without one there is no TLS.
 * - Time: the boards know no date, so dates of certificates are not checked (tls_config.h has no
 *   MBEDTLS_HAVE_TIME_DATE). With a clock that is set, define it and give
 *   mbedtls_platform_set_time a function: expired certificates are refused then.
 * - The authority is in flash (ca.h), parsed without a copy. A pinned authority of your own,
 *   with an ECDSA key and a chain of one, costs the least RAM. */
#include <string.h>

#include "board.h"
#include "ca.h"
#include "mbedtls/ctr_drbg.h"
#include "mbedtls/entropy.h"
#include "mbedtls/memory_buffer_alloc.h"
#include "mbedtls/platform.h"
#include "mbedtls/ssl.h"
#include "wire.h"

static unsigned char arena[WIRE_ARENA];
static mbedtls_ssl_context ssl;
static mbedtls_ssl_config conf;
static mbedtls_x509_crt ca;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context drbg;
static int short_of_memory;
static enum { CLEAR, SHAKING, SECURE } state;

int mbedtls_hardware_poll(void *data, unsigned char *octets, size_t len, size_t *got)
{
  static uint32_t x = 2463534242u;
  size_t i;

  (void)data;
  for (i = 0; i < len; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    octets[i] = (unsigned char)x;
  }
  *got = len;
  return 0;
}

static int send_some(void *user, const unsigned char *octets, size_t len)
{
  size_t n = board_write(octets, len);

  (void)user;
  return n != 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int receive_some(void *user, unsigned char *octets, size_t cap)
{
  size_t n = board_read(octets, cap);

  (void)user;
  return n != 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

/* Mbed TLS's number as a status. Its memory errors come from many modules, each with a number of
 * its own. */
static tern_status status_of(int code)
{
  static const int16_t memory[] = {
    MBEDTLS_ERR_SSL_ALLOC_FAILED, MBEDTLS_ERR_X509_ALLOC_FAILED,   MBEDTLS_ERR_PK_ALLOC_FAILED,
    MBEDTLS_ERR_ECP_ALLOC_FAILED, MBEDTLS_ERR_MPI_ALLOC_FAILED,    MBEDTLS_ERR_ASN1_ALLOC_FAILED,
    MBEDTLS_ERR_MD_ALLOC_FAILED,  MBEDTLS_ERR_CIPHER_ALLOC_FAILED,
  };
  int high = -(-code & 0x7f80), low = -(-code & 0x7f);
  size_t i;

  if (code == 0) return TERN_OK;
  if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) return TERN_E_AGAIN;
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
  if (code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) return TERN_E_AGAIN;
#endif
  if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return TERN_E_CLOSED;
  for (i = 0; i < sizeof memory / sizeof memory[0]; i++)
    if (high == memory[i] || low == memory[i]) return TERN_E_NOMEM;
  if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
    if (short_of_memory) return TERN_E_NOMEM;
    uint32_t flags = mbedtls_ssl_get_verify_result(&ssl);

    return flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED   ? TERN_E_TLS_UNKNOWN_CA
           : flags & MBEDTLS_X509_BADCERT_CN_MISMATCH ? TERN_E_TLS_WRONG_HOST
                                                      : TERN_E_TLS_CERTIFICATE;
  }
  return state == SECURE ? TERN_E_IO : TERN_E_TLS_HANDSHAKE;
}

#ifndef WIRE_VERIFY
#define WIRE_VERIFY 1536
#endif
/* A signature that could not be computed for want of memory looks to Mbed TLS like one that is
 * wrong. Where not even what that takes is free, memory is what we name as the cause; the
 * certificate is refused either way. */
static int verify(void *user, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
  void *probe = mbedtls_calloc(1, WIRE_VERIFY);

  (void)user;
  (void)crt;
  (void)depth;
  if (*flags != 0 && probe == NULL) short_of_memory = 1;
  mbedtls_free(probe);
  return 0;
}

static int begin(const char *host)
{
  int r;

  mbedtls_memory_buffer_alloc_init(arena, sizeof arena);
  mbedtls_ssl_init(&ssl);
  mbedtls_ssl_config_init(&conf);
  mbedtls_x509_crt_init(&ca);
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&drbg);
  if ((r = mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy, NULL, 0)) != 0 ||
      (r = mbedtls_x509_crt_parse_der_nocopy(&ca, ca_der, sizeof ca_der)) != 0 ||
      (r = mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                       MBEDTLS_SSL_PRESET_DEFAULT)) != 0)
    return r;
  mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&conf, &ca, NULL);
  mbedtls_ssl_conf_verify(&conf, verify, NULL);
  mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &drbg);
  if ((r = mbedtls_ssl_setup(&ssl, &conf)) != 0 || (r = mbedtls_ssl_set_hostname(&ssl, host)) != 0)
    return r;
  mbedtls_ssl_set_bio(&ssl, NULL, send_some, receive_some, NULL);
  return 0;
}

tern_status wire_handshake(const char *host)
{
  int r;

  if (state == CLEAR) {
    state = SHAKING;
    if ((r = begin(host)) != 0) return status_of(r);
  }
  r = mbedtls_ssl_handshake(&ssl);
  if (r == 0) state = SECURE;
  return status_of(r);
}

tern_status wire_read(uint8_t *octets, size_t cap, size_t *done)
{
  int r;

  *done = 0;
  if (state == CLEAR) {
    *done = board_read(octets, cap);
    return *done != 0 ? TERN_OK : TERN_E_AGAIN;
  }
  r = mbedtls_ssl_read(&ssl, octets, cap);
  if (r > 0) *done = (size_t)r;
  return r > 0 ? TERN_OK : r == 0 ? TERN_E_CLOSED : status_of(r);
}

tern_status wire_write(const uint8_t *octets, size_t len, size_t *done)
{
  int r;

  *done = 0;
  if (state == CLEAR) {
    *done = board_write(octets, len);
    return *done != 0 ? TERN_OK : TERN_E_AGAIN;
  }
  r = mbedtls_ssl_write(
    &ssl, octets,
    len); /* after AGAIN it must see the same octets: the session lends them until they are taken */
  if (r > 0) *done = (size_t)r;
  return r > 0 ? TERN_OK : status_of(r);
}

tern_status wire_random(void *user, uint8_t *octets, size_t len)
{
  (void)user;
  return state == SECURE && mbedtls_ctr_drbg_random(&drbg, octets, len) == 0 ? TERN_OK
                                                                             : TERN_E_RANDOM;
}

void wire_memory(size_t *peak, size_t *level)
{
  *peak = *level = 0;
#ifdef MBEDTLS_MEMORY_DEBUG
  size_t blocks;

  mbedtls_memory_buffer_alloc_max_get(peak, &blocks);
  mbedtls_memory_buffer_alloc_cur_get(level, &blocks);
#endif
}
