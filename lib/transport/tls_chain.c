/* tls_chain.c - the server's certificates as Mbed TLS read them, copied out of it.
 * Duty: in two passes over the same writer: the first measures, the second writes into one block.
 * Neighbours: chain.c has the getters, tls_verify.c and tls_judge.c call it. Limits: 16 certificates; a name of
 * more than 511 octets is left empty. */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/words.h"
#include "transport/tls_mbedtls.h"

#define NAME_CAP 512u

typedef struct sheet {
  uint8_t *at; /* NULL: measures only */
  size_t used;
} sheet;

static void *put(sheet *to, const void *octets, size_t len)
{
  uint8_t *at = to->at == NULL ? NULL : to->at + to->used;

  if (at != NULL) memcpy(at, octets, len);
  to->used += len;
  return at;
}

/* octets as text that a terminal can take, with its NUL. */
static const char *put_text(sheet *to, const void *octets, size_t len)
{
  char *at = to->at == NULL ? NULL : (char *)to->at + to->used;

  if (at != NULL) (void)tern__words_clean(at, len + 1, octets, len);
  to->used += len + 1;
  return at;
}

static const char *put_name(sheet *to, const mbedtls_x509_name *name)
{
  char text[NAME_CAP];
  int len = mbedtls_x509_dn_gets(text, sizeof text, name);

  return put_text(to, text, len < 0 ? 0 : (size_t)len);
}

static const char *put_names(sheet *to, const mbedtls_x509_crt *crt, uint32_t *count)
{
  const char *first = to->at == NULL ? NULL : (const char *)to->at + to->used;
  char text[TERN__IDENTITY_TEXT];
  const void *name;
  size_t left, len;
  const uint8_t *san = tern__identity_san(crt->v3_ext.p, crt->v3_ext.len, &left);

  for (*count = 0; (name = tern__identity_next(&san, &left, text, &len)) != NULL; ++*count)
    (void)put_text(to, name, len);
  return first;
}

/* Days since 1970-01-01 by eras of 400 years that begin in March. */
static uint64_t seconds_of(const mbedtls_x509_time *t)
{
  int64_t year = t->year - (t->mon <= 2), month = (t->mon + 9) % 12;
  int64_t of_era = year % 400;
  int64_t days = year / 400 * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
                 (153 * month + 2) / 5 + t->day - 1 - 719468;
  int64_t seconds = ((days * 24 + t->hour) * 60 + t->min) * 60 + t->sec;

  return seconds < 0 ? 0 : (uint64_t)seconds;
}

static void spki_digest(const mbedtls_x509_crt *crt, uint8_t out[32])
{
  tern__hash hash;

  tern__hash_begin(&hash, TERN__SHA256);
  tern__hash_add(&hash, crt->pk_raw.p, crt->pk_raw.len);
  tern__hash_end(&hash, out);
}

static void put_entry(sheet *to, const mbedtls_x509_crt *crt, tern__chain_entry *e)
{
  e->der = put(to, crt->raw.p, crt->raw.len);
  e->len = crt->raw.len;
  e->subject = put_name(to, &crt->subject);
  e->issuer = put_name(to, &crt->issuer);
  e->names = put_names(to, crt, &e->name_count);
}

int tern__tls_chain_keep(tern__tls *tls, const mbedtls_x509_crt *leaf)
{
  sheet to = {NULL, 0};
  const mbedtls_x509_crt *crt;
  tern__chain_entry measured;
  tern_tls_chain *chain;
  uint32_t count = 0;

  if (tls->chain != NULL || leaf == NULL) return 1;
  for (crt = leaf; crt != NULL && count < TERN__CHAIN_MAX; crt = crt->next, count++)
    put_entry(&to, crt, &measured);
  chain = tern__alloc(tls->mem, sizeof *chain + to.used);
  if (chain == NULL) return 0;
  chain->mem = tls->mem;
  chain->size = sizeof *chain + to.used;
  to.at = (uint8_t *)(chain + 1);
  to.used = 0;
  for (crt = leaf; chain->count < count; crt = crt->next) {
    tern__chain_entry *e = &chain->entries[chain->count++];

    put_entry(&to, crt, e);
    e->not_before = seconds_of(&crt->valid_from);
    e->not_after = seconds_of(&crt->valid_to);
    spki_digest(crt, e->spki);
  }
  tls->chain = chain;
  return 1;
}

tern_tls_chain *tern__tls_chain_take(tern__tls *tls)
{
  tern_tls_chain *chain = tls == NULL ? NULL : tls->chain;

  if (chain != NULL) tls->chain = NULL;
  return chain;
}
