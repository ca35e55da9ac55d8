/* registry.c - which mechanisms are built in, strongest first, the search by name, and what a table must be. The choice
 * among them (what the server offers, what the credentials allow) is the engine's. */
#include "base/ascii.h"
#include "base/config.h"
#include "sasl/mechanisms.h"

/* First those that keep the password to themselves, and among them those where the server proves
 * that it knows it, over this very TLS session before over any; PLAIN before LOGIN for its single round trip. Tokens and certificates are other
 * kinds of credentials and do not compete with these. */
static const tern_mechanism *const built_in[] = {
#if !defined(TERN_NO_SCRAM_SHA_256) && TERN__WITH_PLUS
  &tern__scram_sha256_plus,
#endif
#if !defined(TERN_NO_SCRAM_SHA_1) && TERN__WITH_PLUS
  &tern__scram_sha1_plus,
#endif
#ifndef TERN_NO_SCRAM_SHA_256
  &tern__scram_sha256,
#endif
#ifndef TERN_NO_SCRAM_SHA_1
  &tern__scram_sha1,
#endif
#ifndef TERN_NO_CRAM_MD5
  &tern__cram_md5,
#endif
#ifndef TERN_NO_OAUTHBEARER
  &tern__oauthbearer,
#endif
#ifndef TERN_NO_XOAUTH2
  &tern__xoauth2,
#endif
#ifndef TERN_NO_EXTERNAL
  &tern__external,
#endif
#ifndef TERN_NO_PLAIN
  &tern__plain,
#endif
#ifndef TERN_NO_LOGIN
  &tern__auth_login,
#endif
  NULL,
};

const tern_mechanism *const *tern_mechanisms(void)
{
  return built_in;
}

const tern_mechanism *tern__mechanism_find(const tern_mechanism *const *table, const char *name,
                                           size_t len)
{
  while (*table != NULL && !tern__same(name, len, (*table)->name)) table++;
  return *table;
}

/* RFC 4422 3.1: 1 to 20 of A-Z, 0-9, - and _. */
static int named(const char *name)
{
  size_t len = 0;

  if (name == NULL) return 0;
  for (; name[len] != '\0'; len++)
    if (len == 20 || !((name[len] >= 'A' && name[len] <= 'Z') || tern__is_digit((uint8_t)name[len]) || name[len] == '-' ||
                       name[len] == '_'))
      return 0;
  return len > 0;
}

tern_status tern__mechanisms_check(const tern_mechanism *const *table)
{
  size_t i;

  for (i = 0; table[i] != NULL; i++) {
    const tern_mechanism *m = table[i];
    if (i == 32 || m->size < sizeof *m || m->state_size > TERN_SASL_STATE_SIZE || !named(m->name) || m->kind == 0 ||
        m->begin == NULL || m->challenge == NULL || m->response == NULL || m->success == NULL)
      return TERN_E_ARGUMENT;
  }
  return TERN_OK;
}
