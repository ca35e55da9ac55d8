/* security.c - a client's settings for TLS that are more than a string, copied, and their getters:
 * names, records, pins, suites, and what is lent by the caller.
 * Neighbours: connection.c decides what holds for a connection, transport/tls.h does it.
 * Limits: 64 names, 64 pins, 64 suites, 255 records, 64 KiB of octets in each. */
#include "client/security.h"

#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "client/client.h"
#include "transport/chain.h"
#include "transport/tlsa.h"

#define NAMES_MAX 64u
#define RECORDS_MAX 255u
#define PINS_MAX 64u
#define WRONG_MAX 120u

void tern__security_free(tern__security *s, const tern_allocator *mem)
{
  tern__free(mem, s->names, s->names_size);
  tern__free(mem, s->tlsa, s->tlsa_size);
  tern__free(mem, s->pins, s->pin_count * TERN__TLS_PIN);
  tern__free(mem, s->suites, s->suite_count * sizeof *s->suites);
  tern__chain_free(s->chain);
  tern__free_string(mem, s->wrong);
  memset(s, 0, sizeof *s);
}

void tern__security_reset(tern__security *s)
{
  tern__chain_free(s->chain);
  s->chain = NULL;
  s->resumed = 0;
  s->binding_type = NULL;
  s->binding_len = 0;
  s->tlsa_result = TERN_TLSA_NONE;
  s->tlsa_index = s->tlsa_depth = UINT32_MAX;
}

int tern__security_trusts_nobody(const tern__security *s)
{
  return s->trust && !tern_tls_trust_count(s->trust) && !tern__security_by_dane(s);
}

int tern__security_needs_tls(const tern__security *s)
{
  return s->tlsa_count || s->pin_count;
}

int tern__security_by_dane(const tern__security *s)
{
  return tern__tlsa_any_usable(s->tlsa, s->tlsa_count);
}

void tern__security_fill(const tern__security *s, const char *host, tern__tls_config *config)
{
  config->name = s->name_count ? s->names[0] : host;
  if (s->name_count > 1) {
    config->names = (const char *const *)s->names + 1;
    config->name_count = s->name_count - 1;
  }
  config->cache = s->cache;
  config->host = host;
  config->tlsa = s->tlsa;
  config->tlsa_count = s->tlsa_count;
  config->pins = s->pins;
  config->pin_count = s->pin_count;
  config->least = s->least;
  config->suites = s->suites;
  config->check = s->check;
  config->check_user = s->check_user;
  config->check_decides = s->override;
}

void tern__security_bind(const tern__security *s, tern_credentials *credentials)
{
  credentials->binding_type = s->binding_type;
  credentials->binding = s->binding_type ? s->binding : NULL;
  credentials->binding_len = s->binding_len;
}

void tern__security_note(tern__security *s, tern__tls *tls)
{
  s->binding_len = tern__tls_binding(tls, &s->binding_type, s->binding);
  s->resumed = tern__tls_resumed(tls);
  tern__chain_free(s->chain);
  s->chain = tern__tls_chain_take(tls);
  s->tlsa_result = tern__tls_tlsa(tls, &s->tlsa_index, &s->tlsa_depth);
}

/* ---- copies ------------------------------------------------------------------------------------------*/
static tern_status copy_names(tern__security *s, const tern_allocator *mem,
                              const char *const *names, size_t count)
{
  size_t i, len, size = count * sizeof *s->names;
  char **list = NULL, *text;

  for (i = 0; i < count; i++) size += strlen(names[i]) + 1;
  if (count) {
    list = tern__alloc(mem, size);
    if (!list) return TERN_E_NOMEM;
    text = (char *)(list + count);
    for (i = 0; i < count; i++) {
      len = strlen(names[i]) + 1;
      memcpy(text, names[i], len);
      list[i] = text;
      text += len;
    }
  }
  tern__free(mem, s->names, s->names_size);
  s->names = list;
  s->names_size = size;
  s->name_count = count;
  return TERN_OK;
}

static tern_status copy_records(tern__security *s, const tern_allocator *mem,
                                const tern_tlsa *records, size_t count)
{
  size_t i, size = count * sizeof *s->tlsa;
  tern_tlsa *copy = NULL;
  uint8_t *octets;

  for (i = 0; i < count; i++) size += records[i].len;
  if (count) {
    copy = tern__alloc(mem, size);
    if (!copy) return TERN_E_NOMEM;
    octets = (uint8_t *)(copy + count);
    for (i = 0; i < count; i++) {
      copy[i] = records[i];
      if (records[i].len) memcpy(octets, records[i].octets, records[i].len);
      copy[i].octets = octets;
      octets += records[i].len;
    }
  }
  tern__free(mem, s->tlsa, s->tlsa_size);
  s->tlsa = copy;
  s->tlsa_size = size;
  s->tlsa_count = count;
  return TERN_OK;
}

/* ---- settings ----------------------------------------------------------------------------------------*/
tern_status tern_client_set_verify(tern_client *c, uint32_t verify)
{
  if (!c) return TERN_E_NOMEM;
  if (verify > TERN_VERIFY_NONE) return tern__client_wrong(c, TERN_E_ARGUMENT);
  c->security.verify = (uint8_t)verify;
  return TERN_OK;
}

tern_status tern_client_set_tls_name(tern_client *c, const char *name)
{
  return tern_client_set_tls_names(c, &name, name && name[0]);
}

tern_status tern_client_set_tls_names(tern_client *c, const char *const *names, size_t count)
{
  tern_status st;
  size_t i;

  if (!c) return TERN_E_NOMEM;
  if (count > NAMES_MAX || (count && !names)) return tern__client_wrong(c, TERN_E_ARGUMENT);
  for (i = 0; i < count; i++)
    if (!names[i] || !names[i][0]) return tern__client_wrong(c, TERN_E_ARGUMENT);
  st = copy_names(&c->security, c->mem, names, count);
  return st == TERN_OK ? st : tern__client_wrong(c, st);
}

tern_status tern_client_set_tlsa(tern_client *c, const tern_tlsa *records, size_t count,
                                 const char *const *names, size_t name_count)
{
  tern_status st = TERN_OK;
  size_t i;

  if (!c) return TERN_E_NOMEM;
  if (count > RECORDS_MAX || (count && !records)) return tern__client_wrong(c, TERN_E_ARGUMENT);
  for (i = 0; i < count; i++)
    if (records[i].len > UINT16_MAX || (records[i].len && !records[i].octets))
      return tern__client_wrong(c, TERN_E_ARGUMENT);
  if (name_count) st = tern_client_set_tls_names(c, names, name_count);
  if (st == TERN_OK) st = copy_records(&c->security, c->mem, records, count);
  return st == TERN_OK ? st : tern__client_wrong(c, st);
}

tern_status tern_client_set_tls_cache(tern_client *c, tern_tls_cache *cache)
{
  if (!c) return TERN_E_NOMEM;
  if (c->state != TERN__OFF) return TERN_E_STATE;
  c->security.cache = cache;
  return TERN_OK;
}

tern_status tern_client_set_tls_trust(tern_client *c, tern_tls_trust *trust)
{
  if (!c) return TERN_E_NOMEM;
  if (c->state != TERN__OFF) return TERN_E_STATE;
  c->security.trust = trust;
  return TERN_OK;
}

/* A value that cannot be, with a line that says which. */
static tern_status refuse(tern_client *c, tern_status status, uint32_t field, const char *text,
                          size_t position, const char *words)
{
  char line[WRONG_MAX];

  (void)tern__words_clean(line, sizeof line, words, strlen(words));
  tern__free_string(c->mem, c->security.wrong);
  c->security.wrong = tern__copy_string(c->mem, line);
  tern__error_field(&c->setting, status, field, text, position);
  c->setting.detail = c->security.wrong;
  return status;
}

tern_status tern_client_set_tls_pins(tern_client *c, const uint8_t *pins, size_t count)
{
  uint8_t *copy = NULL;

  if (!c) return TERN_E_NOMEM;
  if (count > PINS_MAX || (count && !pins))
    return refuse(c, TERN_E_ARGUMENT, TERN_FIELD_PIN, NULL, 0, "at most 64 pins of 32 octets");
  if (count) {
    copy = tern__alloc(c->mem, count * TERN__TLS_PIN);
    if (!copy) return tern__client_wrong(c, TERN_E_NOMEM);
    memcpy(copy, pins, count * TERN__TLS_PIN);
  }
  tern__free(c->mem, c->security.pins, c->security.pin_count * TERN__TLS_PIN);
  c->security.pins = copy;
  c->security.pin_count = count;
  return TERN_OK;
}

tern_status tern_client_set_tls_min(tern_client *c, uint32_t version)
{
  if (!c) return TERN_E_NOMEM;
  if (version != TERN_TLS_1_2 && version != TERN_TLS_1_3)
    return refuse(c, TERN_E_ARGUMENT, TERN_FIELD_TLS_VERSION, NULL, 0,
                  "the lowest TLS version can be 1.2 or 1.3");
  if (version > tern__tls_newest())
    return refuse(c, TERN_E_UNSUPPORTED, TERN_FIELD_TLS_VERSION, NULL, 0,
                  "the TLS library of this build knows no TLS 1.3");
  c->security.least = version;
  return TERN_OK;
}

static tern_status refuse_suite(tern_client *c, tern_status status, const char *list,
                                size_t position, size_t len)
{
  static const char why[] = ": no cipher suite of the TLS library, or one too many";
  char line[WRONG_MAX];
  size_t n;

  if (len == 0)
    return refuse(c, status, TERN_FIELD_CIPHER, NULL, 0,
                  "a list without a cipher suite, or a build without TLS");
  n = tern__words_clean(line, sizeof line - sizeof why, list + position, len);
  memcpy(line + n, why, sizeof why);
  return refuse(c, status, TERN_FIELD_CIPHER, list, position, line);
}

tern_status tern_client_set_tls_ciphers(tern_client *c, const char *list)
{
  int suites[TERN__TLS_SUITES_MAX + 1], *copy = NULL;
  tern__security *s;
  size_t position, len, count = 0;
  tern_status st;

  if (!c) return TERN_E_NOMEM;
  s = &c->security;
  if (list && list[0]) {
    st = tern__tls_suites_read(list, suites, &position, &len);
    if (st != TERN_OK) return refuse_suite(c, st, list, position, len);
    while (suites[count++]) continue;
    copy = tern__alloc(c->mem, count * sizeof *copy);
    if (!copy) return tern__client_wrong(c, TERN_E_NOMEM);
    memcpy(copy, suites, count * sizeof *copy);
  }
  tern__free(c->mem, s->suites, s->suite_count * sizeof *s->suites);
  s->suites = copy;
  s->suite_count = count;
  return TERN_OK;
}

tern_status tern_client_on_tls_check(tern_client *c, tern_tls_check check, void *user)
{
  if (!c) return TERN_E_NOMEM;
  c->security.check = check;
  c->security.check_user = user;
  return TERN_OK;
}

tern_status tern_client_set_tls_override(tern_client *c, uint32_t on)
{
  if (!c) return TERN_E_NOMEM;
  c->security.override = on != 0;
  return TERN_OK;
}

/* ---- getters -----------------------------------------------------------------------------------------*/
uint32_t tern_client_tlsa_result(const tern_client *c)
{
  return c ? c->security.tlsa_result : TERN_TLSA_NONE;
}

uint32_t tern_client_tlsa_index(const tern_client *c)
{
  return c ? c->security.tlsa_index : UINT32_MAX;
}

uint32_t tern_client_tlsa_depth(const tern_client *c)
{
  return c ? c->security.tlsa_depth : UINT32_MAX;
}

const tern_tls_chain *tern_client_tls_chain(const tern_client *c)
{
  return c ? c->security.chain : NULL;
}

uint32_t tern_client_tls_resumed(const tern_client *c)
{
  return c ? c->security.resumed : 0;
}
