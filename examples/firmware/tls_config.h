/* tls_config.h - Mbed TLS (3.6, or 2.28) as a mail client on a microcontroller needs it: TLS
 * 1.2, ECDHE, AES-GCM, no files, no PSA. -DCFG_PUBLIC adds what the public's mail servers need:
 * RSA, SHA-384 and 512, P-384, X25519. -DCFG_IN=n, -DCFG_OUT=n: octets of a record that may come
 * (16,384 is what a server may send unasked) and go. -DCFG_DEBUGMEM counts the arena, for 3.5 KB
 * of text. */
#ifndef FIRMWARE_TLS_CONFIG_H
#define FIRMWARE_TLS_CONFIG_H
#include <stddef.h>

#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#ifdef CFG_DEBUGMEM
#define MBEDTLS_MEMORY_DEBUG
#else
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS /* no calloc of the C library: the arena is given first */
/* Its name for snprintf is then a macro of nobody; who would call it is left out by the linker, but a compiler wants it declared. */
int MBEDTLS_PLATFORM_STD_SNPRINTF(char *out, size_t cap, const char *format, ...);
#endif
#define MBEDTLS_NO_PLATFORM_ENTROPY
#define MBEDTLS_ENTROPY_HARDWARE_ALT
#define MBEDTLS_ENTROPY_C
#define MBEDTLS_CTR_DRBG_C
#define MBEDTLS_AES_C
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_BLOCK_CIPHER_NO_DECRYPT /* GCM and the random generator only encrypt */
#define MBEDTLS_GCM_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA256_SMALLER /* a third of the text, two thirds of the speed */
#define MBEDTLS_SHA224_C
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_NO_UDBL_DIVISION
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
/* the suites that are compiled, the strongest first: Mbed TLS's own table names all there are */
#ifdef CFG_PUBLIC
#define MBEDTLS_SSL_CIPHERSUITES                                                               \
  MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, \
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
#else
#define MBEDTLS_SSL_CIPHERSUITES MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
#endif
#ifdef CFG_PUBLIC
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#define MBEDTLS_SHA512_C
#define MBEDTLS_SHA512_SMALLER
#define MBEDTLS_SHA384_C
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#define MBEDTLS_MPI_MAX_SIZE 512
#else
#define MBEDTLS_MPI_MAX_SIZE 48
#endif
#define MBEDTLS_SSL_IN_CONTENT_LEN CFG_IN
#define MBEDTLS_SSL_OUT_CONTENT_LEN CFG_OUT
#ifndef CFG_IN
#define CFG_IN 16384
#endif
#ifndef CFG_OUT
#define CFG_OUT 2048
#endif
#ifdef CFG_V2
#include "mbedtls/check_config.h"
#endif
#endif
