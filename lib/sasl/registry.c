/* registry.c - which mechanisms are built in, strongest first, and the search by name. The choice
 * among them (what the server offers, what the credentials allow) is the engine's. */
#include "base/ascii.h"
#include "sasl/mechanisms.h"

/* First those that keep the password to themselves, and among them those where the server proves
 * that it knows it; PLAIN before LOGIN for its single round trip. Tokens and certificates are other
 * kinds of credentials and do not compete with these. */
static const tern_mechanism *const built_in[] = {
  &tern__scram_sha256, &tern__scram_sha1, &tern__cram_md5, &tern__oauthbearer, &tern__xoauth2,
  &tern__external, &tern__plain, &tern__login, NULL,
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
