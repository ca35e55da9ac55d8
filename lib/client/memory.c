/* memory.c - what is known of a server from earlier connections, and as octets between runs.
 *
 * All of it is hints: a quirk saves a try, a ticket a handshake, a mechanism a refusal. None decides
 * what is protected or verified: TLS mode, offers and verdicts are those of the connection itself,
 * and a ticket is found under the policy's own key or not at all (transport/tls_resume.c). Octets
 * bear a digest against damage, or a seal by the caller's secret. Neighbours: connection.c uses it, transport/tls_cache.c has the ticket. */
#include "client/memory.h"

#include <string.h>

#include "base/ascii.h"
#include "base/hash.h"
#include "base/mem.h"
#include "client/client.h"

#define HEAD 8u /* "ternmem" and the number of the form */
#define FIXED (HEAD + TERN__MEMORY_KEY + 4u + 1u + TERN__MEMORY_NAME)
#define TICKETS_MAX 20480u /* of the cache's form, with one ticket */

static const uint8_t head[HEAD] = {'t', 'e', 'r', 'n', 'm', 'e', 'm', 1};

/* ---- whose it is --------------------------------------------------------------------------------*/

/* Host or path, port, and what is spoken there. */
static void key_of(const tern__url *url, const char *host, uint8_t key[TERN__MEMORY_KEY])
{
  const char *name = url ? (url->path ? url->path : url->host) : host;
  uint8_t octet, rest[4] = {0, 0, 0, 0};
  tern__hash hash;

  if (url) {
    uint32_t port = url->path ? 0 : tern__url_port(url, url->tls);

    rest[0] = (uint8_t)(port >> 8);
    rest[1] = (uint8_t)port;
    rest[2] = (uint8_t)(url->lmtp != 0);
    rest[3] = (uint8_t)(url->path != NULL);
  }
  tern__hash_begin(&hash, TERN__SHA256);
  tern__hash_add(&hash, rest, sizeof rest);
  for (; name && *name; name++) {
    octet = url && url->path ? (uint8_t)*name : tern__lower((uint8_t)*name);
    tern__hash_add(&hash, &octet, 1);
  }
  tern__hash_end(&hash, key);
}

static void forget(tern__memory *m)
{
  m->quirks = 0;
  m->mechanism[0] = '\0';
  tern_tls_cache_clear(m->tickets);
}

void tern__memory_free(tern__memory *m, const tern_allocator *mem)
{
  if (!m) return;
  tern_tls_cache_free(m->tickets);
  tern__wipe(m, sizeof *m);
  tern__free(mem, m, sizeof *m);
}

void tern__memory_turn(tern_client *c)
{
  tern__memory *m = c->memory;
  uint8_t key[TERN__MEMORY_KEY];

  if (!m || !m->on) return;
  key_of(c->target == TERN__TARGET_URL ? &c->url : NULL, c->attached_host, key);
  if (memcmp(key, m->key, sizeof key) == 0) return;
  forget(m);
  memcpy(m->key, key, sizeof key);
}

tern_tls_cache *tern__memory_tickets(const tern__memory *m)
{
  return m && m->on ? m->tickets : NULL;
}

/* ---- hints --------------------------------------------------------------------------------------*/

/* Never ahead of one that is bound to the channel, which would tell of someone in between; and only
 * under TLS, where nobody else listens: then the server can learn no more than by refusing what
 * would have come first. */
const tern_mechanism *const *tern__memory_mechanisms(tern__memory *m,
                                                     const tern_mechanism *const *table, int tls)
{
  const tern_mechanism *const *all = table ? table : tern_mechanisms();
  size_t i, n = 0, found;

  if (!m || !m->on || !tls) return table;
  for (found = 0; all[found] && strcmp(all[found]->name, m->mechanism) != 0; found++) continue;
  if (!all[found] || found + 1 >= TERN__MEMORY_TABLE) return table;
  for (i = 0; all[i]; i++) {
    if (i + 1 >= TERN__MEMORY_TABLE) return table;
    if (all[i]->flags & TERN_MECHANISM_BOUND) m->table[n++] = all[i];
  }
  if (!(all[found]->flags & TERN_MECHANISM_BOUND)) m->table[n++] = all[found];
  for (i = 0; all[i]; i++)
    if (i != found && !(all[i]->flags & TERN_MECHANISM_BOUND)) m->table[n++] = all[i];
  m->table[n] = NULL;
  return m->table;
}

uint32_t tern__memory_never(const tern__memory *m, uint32_t required)
{
  return m && m->on && (m->quirks & TERN_QUIRK_NO_BDAT) ? TERN_CAP_CHUNKING & ~required : 0;
}

void tern__memory_learn(tern_client *c)
{
  tern__memory *m = c->memory;
  const char *name;

  if (!m || !m->on || !c->session) return;
  m->quirks |= tern_session_quirks(c->session);
  name = tern_session_mechanism(c->session);
  if (!tern_session_authenticated(c->session) || strlen(name) > TERN__MEMORY_NAME) return;
  memcpy(m->mechanism, name, strlen(name) + 1);
}

/* ---- as octets ----------------------------------------------------------------------------------*/

size_t tern_client_memory_save(tern_client *c, uint8_t *out, size_t cap)
{
  tern__memory *m = c ? c->memory : NULL;
  size_t tickets, size, i;

  if (!m || !m->on) return 0;
  tern__memory_learn(c);
  tickets = tern_tls_cache_count(m->tickets) ? tern_tls_cache_save(m->tickets, NULL, 0) : 0;
  if (!m->quirks && !m->mechanism[0] && !tickets) return 0;
  size = FIXED + tickets + TERN__SEAL;
  if (!out || cap < size) return size;
  memcpy(out, head, HEAD);
  memcpy(out + HEAD, m->key, TERN__MEMORY_KEY);
  for (i = 0; i < 4; i++)
    out[HEAD + TERN__MEMORY_KEY + i] = (uint8_t)(m->quirks >> (24 - 8 * i));
  i = HEAD + TERN__MEMORY_KEY + 4;
  out[i++] = (uint8_t)strlen(m->mechanism);
  memset(out + i, 0, TERN__MEMORY_NAME);
  memcpy(out + i, m->mechanism, strlen(m->mechanism));
  if (tickets) (void)tern_tls_cache_save(m->tickets, out + FIXED, tickets);
  tern__seal_make(&m->seal, out, size - TERN__SEAL, out + size - TERN__SEAL);
  return size;
}

/* A name of RFC 4422 3.1, filled up with NUL; "" for none. */
static int is_name(const uint8_t *at, size_t len)
{
  size_t i;

  if (len > TERN__MEMORY_NAME) return 0;
  for (i = 0; i < TERN__MEMORY_NAME; i++) {
    uint8_t c = at[i];

    if (i >= len ? c != 0 : !((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
      return 0;
  }
  return 1;
}

/* Takes octets that are of this form and undamaged, and about the server of key. */
static tern_status take(tern__memory *m, const uint8_t *octets, size_t len)
{
  const uint8_t *at = octets + HEAD;
  uint32_t quirks = 0;
  size_t i;
  tern_status st = TERN_OK;

  if (len < FIXED + TERN__SEAL || len > FIXED + TICKETS_MAX + TERN__SEAL) return TERN_E_CONFIG;
  if (memcmp(octets, head, HEAD) != 0 || !tern__seal_holds(&m->seal, octets, len) ||
      memcmp(at, m->key, TERN__MEMORY_KEY) != 0)
    return TERN_E_CONFIG;
  at += TERN__MEMORY_KEY;
  for (i = 0; i < 4; i++) quirks = quirks << 8 | *at++;
  if ((quirks & ~TERN_QUIRK_NO_BDAT) || !is_name(at + 1, at[0])) return TERN_E_CONFIG;
  if (len > FIXED + TERN__SEAL) {
    if (m->tickets)
      st = tern_tls_cache_load(m->tickets, octets + FIXED, len - FIXED - TERN__SEAL);
    if (st == TERN_E_NOMEM) return st;
    if (st != TERN_OK || tern_tls_cache_count(m->tickets) > 1) return TERN_E_CONFIG;
  }
  m->quirks = quirks;
  memcpy(m->mechanism, at + 1, at[0]);
  m->mechanism[at[0]] = '\0';
  return TERN_OK;
}

/* Made when there is a use for it. */
static tern__memory *memory_of(tern_client *c)
{
  if (!c->memory) c->memory = tern__alloc(c->mem, sizeof *c->memory);
  return c->memory;
}

tern_status tern_client_memory_secret(tern_client *c, const void *secret, size_t len)
{
  if (!c) return TERN_E_NOMEM;
  if (len && !secret) return TERN_E_ARGUMENT;
  if (!memory_of(c)) return TERN_E_NOMEM;
  tern__seal_set(&c->memory->seal, secret, len);
  return TERN_OK;
}

static tern_status key_of_server(tern_client *c, const char *server)
{
  tern_error error;
  tern__url url;
  tern_status st = TERN_OK;

  memset(&url, 0, sizeof url);
  if (strstr(server, "://") || (strlen(server) > 10 && tern__same(server, 10, "lmtp+unix:"))) {
    st = tern__url_parse(&url, c->mem, server, &error);
    if (st == TERN_OK) key_of(&url, NULL, c->memory->key);
    tern__url_free(&url, c->mem);
  } else {
    key_of(NULL, server, c->memory->key);
  }
  return st;
}

tern_status tern_client_memory_load(tern_client *c, const char *server, const uint8_t *octets,
                                    size_t len)
{
  tern__memory *m;
  tern_status st;

  if (!c) return TERN_E_NOMEM;
  if (!server || (len && !octets)) return TERN_E_ARGUMENT;
  if (c->state != TERN__OFF) return TERN_E_STATE;
  m = memory_of(c);
  if (!m) return TERN_E_NOMEM;
  forget(m);
  st = key_of_server(c, server);
  if (st != TERN_OK) return st;
  if (!m->tickets) m->tickets = tern_tls_cache_new(c->mem);
  if (!m->tickets) return TERN_E_NOMEM;
  m->on = 1;
  st = len ? take(m, octets, len) : TERN_OK;
  if (st != TERN_OK) forget(m);
  return st;
}
