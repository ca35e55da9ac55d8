/* tls_judge.c - the last word over the server, once the handshake stands: what was verified, pins,
 * the caller's check. Nothing has been sent over the session yet but what belongs to TLS.
 * Neighbours: tls_verify.c has the verdict over the certificate, tls_session.c calls. */
#include <string.h>

#include "transport/tls_mbedtls.h"

static int is_pinned(const tern__tls *tls)
{
  const uint8_t *key = tern_tls_chain_spki_sha256(tls->chain, 0);
  size_t i;

  for (i = 0; key != NULL && i < tls->pin_count; i++)
    if (memcmp(tls->pins + i * TERN__TLS_PIN, key, TERN__TLS_PIN) == 0) return 1;
  return 0;
}

static void hexadecimal(const uint8_t *octets, size_t len, char *out)
{
  static const char digits[] = "0123456789abcdef";
  size_t i;

  for (i = 0; i < len; i++) {
    *out++ = digits[octets[i] >> 4];
    *out++ = digits[octets[i] & 15];
  }
  *out = '\0';
}

static tern_status judge_pins(tern__tls *tls)
{
  const uint8_t *key = tern_tls_chain_spki_sha256(tls->chain, 0);
  char text[2 * TERN__TLS_PIN + 1] = "none at all";

  if (tls->pin_count == 0 || is_pinned(tls)) return TERN_OK;
  if (key != NULL) hexadecimal(key, TERN__TLS_PIN, text);
  tern__tls_say(tls, "none of the %u pinned keys is the server's, whose SHA-256 is %s",
                (unsigned)tls->pin_count, text);
  return TERN_E_TLS_PIN;
}

/* The caller's own look. Where the certificate was refused it is asked only if it may overrule. */
static tern_status ask(tern__tls *tls, tern_status refused)
{
  tern_status status;

  if (tls->check == NULL) return refused;
  if (refused != TERN_OK && !tls->check_decides) return refused;
  status = tls->check(tls->check_user, tls->verdict, tls->chain);
  if (status == TERN_OK) return TERN_OK;
  if (refused != TERN_OK) return refused;
  tern__tls_say(tls, "the check of this program refused the server's certificate");
  return status < 0 && status != TERN_E_AGAIN ? status : TERN_E_TLS_CERTIFICATE;
}

tern_status tern__tls_judge(tern__tls *tls)
{
  tern_status status = TERN_OK;

  if (tls->resumed) return TERN_OK; /* there are neither pins nor a check: tls_resume.c */
  if (tls->keep_chain && !tern__tls_chain_keep(tls, mbedtls_ssl_get_peer_cert(&tls->ssl)))
    return TERN_E_NOMEM;
  if (tls->verify == TERN__TLS_VERIFY_REQUIRED && tls->verdict != TERN_OK) status = tls->verdict;
  if (status == TERN_OK || tls->check_decides) {
    tern_status pins = judge_pins(tls);

    if (pins != TERN_OK) return status == TERN_OK ? pins : status;
  }
  return ask(tls, status);
}
