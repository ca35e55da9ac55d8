/* tls_errors.c - what Mbed TLS answers and the server's alerts, as statuses with a line each.
 * Neighbours: tls_verify.c has the verdict over the certificate, which goes first. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "transport/tls_mbedtls.h"

static void print(char *out, size_t cap, const char *format, va_list args)
{
  size_t i;

  if (vsnprintf(out, cap, format, args) < 0) out[0] = 0;
  for (i = 0; out[i] != 0; i++)
    if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f) out[i] = '?';
}

void tern__tls_print(char *out, size_t cap, const char *format, ...)
{
  va_list args;

  if (cap == 0) return;
  va_start(args, format);
  print(out, cap, format, args);
  va_end(args);
}

void tern__tls_say(tern__tls *tls, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  print(tls->detail, sizeof tls->detail, format, args);
  va_end(args);
}

static const char *alert_text(int alert)
{
  static const struct {
    int code;
    const char *text;
  } table[] = {
    {10, "unexpected message"},      {20, "bad record MAC"},        {22, "record overflow"},
    {40, "handshake failure"},       {41, "no certificate"},        {42, "bad certificate"},
    {43, "unsupported certificate"}, {44, "certificate revoked"},   {45, "certificate expired"},
    {46, "certificate unknown"},     {47, "illegal parameter"},     {48, "unknown CA"},
    {49, "access denied"},           {50, "decode error"},          {51, "decrypt error"},
    {70, "protocol version"},        {71, "insufficient security"}, {80, "internal error"},
    {86, "inappropriate fallback"},  {90, "user canceled"},         {109, "missing extension"},
    {110, "unsupported extension"},  {112, "unrecognized name"},    {116, "certificate required"},
    {120, "no application protocol"}}; /* RFC 8446 6 */
  size_t i;

  for (i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].code == alert) return table[i].text;
  return "without a name here";
}

/* A fatal alert of the server. Those that speak of a certificate can only mean the client's. */
tern_status tern__tls_alert_status(tern__tls *tls)
{
  int alert = tern__mbed_alert(&tls->ssl);
  int state = tern__mbed_state(&tls->ssl);
  int under_way = tls->ended == TERN_E_AGAIN;

  tern__tls_say(tls, "the server refused by the TLS alert %d (%s)", alert, alert_text(alert));
  if ((alert >= 41 && alert <= 46) || alert == 48 || alert == 49 || alert == 116)
    return TERN_E_TLS_CLIENT_CERT;
  /* TLS 1.2 has no alert for a certificate that is lacking: it is 40, after the client's own
   * (RFC 5246 7.4.6); 40 in answer to the hello is about versions and suites. */
  if (alert == 40 && under_way && state > MBEDTLS_SSL_SERVER_HELLO_DONE &&
      state < MBEDTLS_SSL_HANDSHAKE_OVER)
    return TERN_E_TLS_CLIENT_CERT;
  if (under_way && (alert == 40 || alert == 70 || alert == 71 || alert == 86))
    return TERN_E_TLS_VERSION;
  return under_way ? TERN_E_TLS_HANDSHAKE : TERN_E_IO;
}

/* What the connection below or memory has to do with rc; TERN_OK: nothing. */
static tern_status common_status(tern__tls *tls, int rc, const char *when)
{
  if (tls->broken != TERN_OK && rc == MBEDTLS_ERR_SSL_CONN_EOF) {
    tern__tls_say(tls,
                  tls->drought > TERN__TLS_DROUGHT ? "the server sends TLS without end %s"
                                                   : "the connection was lost %s",
                  when);
    return tls->broken;
  }
  if (tern__mbed_is_nomem(rc)) return TERN_E_NOMEM;
  if (rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) return tern__tls_alert_status(tls);
  if (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
    tern__tls_say(tls, "the server ended TLS %s", when);
    return TERN_E_CLOSED;
  }
  if (rc == 0 || rc == MBEDTLS_ERR_SSL_CONN_EOF) {
    tern__tls_say(tls, "the server closed the connection %s, without ending TLS", when);
    return TERN_E_CLOSED;
  }
  return TERN_OK;
}

tern_status tern__tls_handshake_status(tern__tls *tls, int rc)
{
  char text[128];
  tern_status status;

  if (tls->plain) return TERN_E_TLS_PLAIN;
  /* Said first: a link that broke under the alert of ours is not what went wrong. */
  if (tls->verify == TERN__TLS_VERIFY_REQUIRED && !tls->check_decides && tern__tls_refused(tls))
    return tls->verdict;
  status = common_status(tls, rc, "during the handshake");
  if (status != TERN_OK) return status;
  if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || rc == MBEDTLS_ERR_X509_FATAL_ERROR ||
      (tls->verify == TERN__TLS_VERIFY_REQUIRED && tls->leaf_seen &&
       tern__mbed_is_certificate_fault(rc))) {
    tern__tls_conclude(tls);
    if (tern__tls_refused(tls)) return tls->verdict;
  }
  (void)tern__mbed_text(rc, text, sizeof text);
  if (tern__mbed_is_version_fault(rc)) {
    tern__tls_say(tls, "no TLS version or cipher suite in common (%s)", text);
    return TERN_E_TLS_VERSION;
  }
  if (tern__mbed_is_certificate_fault(rc) ||
      (-rc >= 0x2080 && -rc < 0x3080) ||                    /* X.509's own codes */
      (-rc >= 0x3880 && -rc < 0x4000 && !tls->leaf_seen)) { /* those of its key */
    tern__tls_say(tls, "the server's certificate cannot be read: %s", text);
    return TERN_E_TLS_CERTIFICATE;
  }
  tern__tls_say(tls, "the TLS handshake failed: %s", text);
  return TERN_E_TLS_HANDSHAKE;
}

tern_status tern__tls_session_status(tern__tls *tls, int rc)
{
  char text[128];
  tern_status status = common_status(tls, rc, "during the session");

  if (status != TERN_OK) return status;
  tern__tls_say(tls, "TLS failed: %s", tern__mbed_text(rc, text, sizeof text));
  return TERN_E_IO;
}
