/* tls_none.c - the TLS interface in a build without TLS: everything is TERN_E_UNSUPPORTED.
 * Neighbours: tls.h; tls_mbedtls.c stands here in other builds. */
#include "base/mem.h"
#include "transport/tls.h"

struct tern__tls {
  const tern_allocator *mem;
};

tern_status tern__tls_new(const tern_allocator *mem, const tern__tls_config *config,
                          tern__tls **tls)
{
  (void)config;
  *tls = tern__alloc(mem, sizeof **tls);
  if (*tls == NULL) return TERN_E_NOMEM;
  (*tls)->mem = mem;
  return TERN_E_UNSUPPORTED;
}

tern_status tern__tls_handshake_step(tern__tls *tls)
{
  (void)tls;
  return TERN_E_UNSUPPORTED;
}

uint32_t tern__tls_events(const tern__tls *tls)
{
  (void)tls;
  return 0;
}

const char *tern__tls_version(const tern__tls *tls)
{
  (void)tls;
  return "";
}

const char *tern__tls_cipher(const tern__tls *tls)
{
  (void)tls;
  return "";
}

uint32_t tern__tls_verified(const tern__tls *tls)
{
  (void)tls;
  return 0;
}

uint32_t tern__tls_resumed(const tern__tls *tls)
{
  (void)tls;
  return 0;
}

uint64_t tern__tls_until(const tern__tls *tls)
{
  (void)tls;
  return 0;
}

uint32_t tern__tls_bears_name(const tern__tls *tls)
{
  (void)tls;
  return 0;
}

tern_status tern__tls_verdict(const tern__tls *tls)
{
  (void)tls;
  return TERN_E_UNSUPPORTED;
}

uint32_t tern__tls_tlsa(const tern__tls *tls, uint32_t *index, uint32_t *depth)
{
  (void)tls;
  *index = *depth = UINT32_MAX;
  return TERN_TLSA_NONE;
}

size_t tern__tls_binding(tern__tls *tls, const char **type, uint8_t out[TERN__TLS_BINDING_MAX])
{
  (void)tls;
  (void)out;
  *type = NULL;
  return 0;
}

tern_tls_chain *tern__tls_chain_take(tern__tls *tls)
{
  (void)tls;
  return NULL;
}

tern_status tern__tls_suites_read(const char *list, int suites[TERN__TLS_SUITES_MAX + 1],
                                  size_t *position, size_t *len)
{
  (void)list, (void)suites;
  *position = *len = 0;
  return TERN_E_UNSUPPORTED;
}

uint32_t tern__tls_newest(void)
{
  return 0;
}

const char *tern__tls_detail(const tern__tls *tls)
{
  (void)tls;
  return "this build of tern has no TLS";
}

uint32_t tern__tls_field(const tern__tls *tls)
{
  (void)tls;
  return TERN_FIELD_NONE;
}

static tern_status none_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  (void)user;
  (void)octets;
  (void)cap;
  (void)len;
  return TERN_E_UNSUPPORTED;
}

static tern_status none_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  (void)user;
  (void)octets;
  (void)len;
  (void)done;
  return TERN_E_UNSUPPORTED;
}

const tern_transport *tern__tls_transport(void)
{
  static const tern_transport table = {
    sizeof(tern_transport), none_read, none_write, NULL, NULL, NULL, NULL, NULL, NULL};

  return &table;
}

void tern__tls_free(tern__tls *tls)
{
  if (tls != NULL) tern__free(tls->mem, tls, sizeof *tls);
}

tern_status tern__trust_new(const tern_allocator *mem, const char *path, const char *pem,
                            tern__trust **trust, char *detail, size_t cap)
{
  (void)mem;
  (void)path;
  (void)pem;
  *trust = NULL;
  if (cap > 0) detail[0] = 0;
  return TERN_E_UNSUPPORTED;
}

void tern__trust_free(tern__trust *trust)
{
  (void)trust;
}

struct tern_tls_trust {
  const tern_allocator *mem;
};

tern_tls_trust *tern_tls_trust_new(const tern_allocator *mem)
{
  tern_tls_trust *trust = tern__alloc(mem, sizeof *trust);

  if (trust != NULL) trust->mem = mem;
  return trust;
}

void tern_tls_trust_free(tern_tls_trust *trust)
{
  if (trust != NULL) tern__free(trust->mem, trust, sizeof *trust);
}

tern_status tern_tls_trust_add(tern_tls_trust *trust, const char *path)
{
  (void)path;
  return trust == NULL ? TERN_E_NOMEM : TERN_E_UNSUPPORTED;
}

tern_status tern_tls_trust_add_pem(tern_tls_trust *trust, const char *pem)
{
  (void)pem;
  return trust == NULL ? TERN_E_NOMEM : TERN_E_UNSUPPORTED;
}

uint32_t tern_tls_trust_count(const tern_tls_trust *trust)
{
  (void)trust;
  return 0;
}

const char *tern_tls_trust_text(const tern_tls_trust *trust)
{
  (void)trust;
  return tern__tls_detail(NULL);
}
