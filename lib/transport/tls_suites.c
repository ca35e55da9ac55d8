/* tls_suites.c - which versions and cipher suites are offered.
 * Duty: a list of names becomes numbers, and a version that it leaves without any is not offered
 * at all: a server that chose it could only fail. Neighbours: client/security.c keeps the numbers,
 * tls_session.c sets them. */
#include <string.h>

#include "transport/tls_mbedtls.h"

#define NAME_CAP 80u

static int is_between(char c)
{
  return c == ':' || c == ',' || c == ' ' || c == '\t';
}

/* TLS 1.3's suites name no exchange of keys (RFC 8446 B.4). */
static int is_tls13(int suite)
{
  return suite >> 8 == 0x13;
}

/* The number of a suite by IANA's name or Mbed TLS's; 0: none that this library has. Mbed TLS writes
 * "-" for "_", and "TLS1-3-" before those of TLS 1.3. */
static int suite_of(const char *text, size_t len)
{
  char name[NAME_CAP + 4];
  size_t i;
  int suite;

  if (len < 5 || len >= NAME_CAP) return 0;
  for (i = 0; i <= len; i++) name[i] = i == len ? '\0' : text[i] == '_' ? '-' : text[i];
  if (strstr(name, "-NULL-") != NULL) return 0;
  suite = mbedtls_ssl_get_ciphersuite_id(name);
  if (suite != 0 || memcmp(name, "TLS-", 4) != 0) return suite;
  memmove(name + 7, name + 4, len - 4 + 1);
  memcpy(name, "TLS1-3-", 7);
  return mbedtls_ssl_get_ciphersuite_id(name);
}

tern_status tern__tls_suites_read(const char *list, int suites[TERN__TLS_SUITES_MAX + 1],
                                  size_t *position, size_t *len)
{
  size_t at = 0, n = 0;

  for (;;) {
    while (is_between(list[at])) at++;
    *position = at;
    for (*len = 0; list[at] != '\0' && !is_between(list[at]); at++) ++*len;
    suites[n] = 0;
    if (*len == 0) break;
    if (n == TERN__TLS_SUITES_MAX) return TERN_E_ARGUMENT;
    suites[n] = suite_of(list + *position, *len);
    if (suites[n++] == 0) return TERN_E_ARGUMENT;
  }
  return n > 0 ? TERN_OK : TERN_E_ARGUMENT;
}

uint32_t tern__tls_newest(void)
{
  return tern__mbed_has_tls13() ? TERN_TLS_1_3 : TERN_TLS_1_2;
}

tern_status tern__tls_set_versions(tern__tls *tls, const tern__tls_config *config)
{
  uint32_t least = config->least == TERN_TLS_1_3 ? TERN_TLS_1_3 : TERN_TLS_1_2;
  uint32_t most = tern__tls_newest();
  int any12 = 0, any13 = 0;
  const int *suite;

  for (suite = config->suites; suite != NULL && *suite != 0; suite++)
    *(is_tls13(*suite) ? &any13 : &any12) = 1;
  if (config->suites != NULL && !any13) most = TERN_TLS_1_2;
  if (config->suites != NULL && !any12) least = TERN_TLS_1_3;
  if (least > most) {
    tls->field = TERN_FIELD_CIPHER;
    tern__tls_say(tls, "no cipher suite of the list is one of TLS 1.3, the lowest version wanted");
    return TERN_E_CONFIG;
  }
  tern__mbed_set_versions(&tls->conf, least, most);
  if (config->suites != NULL) mbedtls_ssl_conf_ciphersuites(&tls->conf, config->suites);
  return TERN_OK;
}
