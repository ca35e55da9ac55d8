/* dkim_none.c - builds without Mbed TLS: keys cannot be read, signers of the caller's can be set. */
#include "message/dkim_key.h"

tern_status tern__dkim_key_read(tern__dkim_key **key, const tern_allocator *mem, const void *octets,
                                size_t len, const char **problem)
{
  (void)mem;
  (void)octets;
  (void)len;
  *key = NULL;
  *problem = "keys are left out of this build; a signer can be set";
  return TERN_E_UNSUPPORTED;
}

tern_status tern__dkim_key_file(tern__dkim_key **key, const tern_allocator *mem, const char *path,
                                const char **problem)
{
  return tern__dkim_key_read(key, mem, path, 0, problem);
}

void tern__dkim_key_free(tern__dkim_key *key)
{
  (void)key;
}

tern_status tern__dkim_key_sign(void *user, const uint8_t *digest, uint8_t *signature, size_t cap,
                                size_t *len)
{
  (void)user;
  (void)digest;
  (void)signature;
  (void)cap;
  *len = 0;
  return TERN_E_UNSUPPORTED;
}
