/* dane.h - TLSA records against the certificates that a server presented: RFC 6698, RFC 7671, and
 * what RFC 7672 leaves of them for SMTP. */
#ifndef TERN_LIB_TRANSPORT_DANE_H
#define TERN_LIB_TRANSPORT_DANE_H

#include <mbedtls/x509_crt.h>
#include <tern/tls.h>

#include "transport/identity.h"

typedef struct tern__dane_result {
  uint32_t state; /* TERN_TLSA_... */
  uint32_t index; /* of the record that matched; UINT32_MAX: none */
  uint32_t depth; /* of the certificate that it matched, 0 the server's own; UINT32_MAX: that of an
                     anchor that the record holds whole and the server did not send */
  uint32_t flags; /* of Mbed TLS, where a trust anchor matched and the chain below it is at fault */
} tern__dane_result;

/* chain: the certificates as they were presented, the server's own first. names: any of them may
 * be in it, where the usage looks at names (2). TERN_OK: a record vouches for the server.
 * TERN_E_TLS_DANE: none does. TERN_E_TLS_WRONG_HOST, _EXPIRED, _NOT_YET_VALID, _CERTIFICATE: an
 * anchor matched, but the chain below it is at fault. TERN_E_NOMEM. The caller has seen to it that
 * a record is usable. */
tern_status tern__dane_check(const tern_tlsa *records, size_t count, mbedtls_x509_crt *chain,
                             const tern__identity *names, size_t name_count,
                             tern__dane_result *result);
#endif
