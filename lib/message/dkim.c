/* dkim.c - the settings of a DKIM signer. Everything is judged when it is set, so that a key or a name
 * that cannot be used is known before a message is read. Neighbours: dkim_sign.c signs. */
#include <string.h>

#include "base/ascii.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "message/dkim_state.h"
#include "message/header.h"

/* RFC 6376 5.4.1 and RFC 8058 4. What a relay may add (Date, Message-ID, Sender) is over-signed only
 * where it is there; trace and Return-Path change on the way and are not signed. */
static const char usual[] =
    "+From:?Sender:+Reply-To:+Subject:?Date:?Message-ID:+To:+Cc:?MIME-Version:?Content-Type:"
    "?Content-Transfer-Encoding:In-Reply-To:References:List-Id:List-Help:List-Unsubscribe:"
    "List-Unsubscribe-Post:List-Subscribe:List-Post:List-Owner:List-Archive:Auto-Submitted";

const char *tern__dkim_names(const tern_dkim *d)
{
  return d->names != NULL ? d->names : usual;
}

/* ---- life ------------------------------------------------------------------------------------------------*/
/* Which one of the list has that name; count: none. */
static uint8_t find(const tern__signed_name *list, uint8_t count, const char *names,
                    const char *name, size_t len)
{
  uint8_t i;
  size_t k;

  for (i = 0; i < count; i++) {
    const char *n = names + list[i].at;
    if (len != list[i].len) continue;
    for (k = 0; k < len && tern__lower((uint8_t)name[k]) == tern__lower((uint8_t)n[k]); k++) {
    }
    if (k == len) return i;
  }
  return count;
}

uint32_t tern__dkim_lookup(const tern_dkim *d, const char *name, size_t len)
{
  uint8_t i = find(d->signed_names, d->name_count, tern__dkim_names(d), name, len);

  return i < d->name_count ? i : TERN__DKIM_NAMES;
}

/* Reads "+From:?Date:To" into *list; SIZE_MAX, or where it is wrong. */
static size_t read_names(tern__signed_name *list, uint8_t *count, const char *names)
{
  size_t at = 0;

  *count = 0;
  for (;;) {
    tern__signed_name *n = &list[*count];

    if (*count == TERN__DKIM_NAMES) return at;
    memset(n, 0, sizeof *n);
    n->how = names[at] == '+'   ? TERN__SIGN_OVER
             : names[at] == '?' ? TERN__SIGN_OVER_THERE
                                : TERN__SIGN_THERE;
    if (n->how != TERN__SIGN_THERE) at++;
    n->at = (uint16_t)at;
    while (names[at] > 32 && names[at] < 127 && names[at] != ':' && names[at] != ';') at++;
    if (at == n->at || at - n->at > TERN__FIELD_NAME_MAX) return at;
    n->len = (uint8_t)(at - n->at);
    if (find(list, *count, names, names + n->at, n->len) != *count) return n->at;
    ++*count;
    if (names[at] == '\0') return SIZE_MAX;
    if (names[at++] != ':') return at - 1;
  }
}

tern_dkim *tern_dkim_new(const tern_allocator *mem)
{
  tern_dkim *d = tern__alloc(mem, sizeof *d);

  if (d == NULL) return NULL;
  d->mem = mem;
  (void)read_names(d->signed_names, &d->name_count, usual);
  return d;
}

void tern_dkim_free(tern_dkim *d)
{
  uint8_t i;

  if (d == NULL) return;
  tern__dkim_forget(d);
  for (i = 0; i < d->signature_count; i++) {
    tern__signature *s = &d->signatures[i];
    tern__dkim_key_free(s->key);
    tern__free_string(d->mem, s->domain);
    tern__free_string(d->mem, s->selector);
    tern__free_string(d->mem, s->identity);
  }
  tern__free_string(d->mem, d->names);
  tern__free(d->mem, d, sizeof *d);
}

tern_status tern__dkim_fail(tern_dkim *d, tern_status status, uint32_t field, const char *problem)
{
  tern__error_field(&d->error, status, field, NULL, 0);
  d->error.detail = problem;
  return status;
}

const tern_error *tern_dkim_error(const tern_dkim *d)
{
  return d != NULL && d->error.status != TERN_OK ? &d->error : NULL;
}

/* ---- settings --------------------------------------------------------------------------------------------*/
/* The signature that is being set, or NULL. What was signed by the old settings is forgotten. */
static tern__signature *current(tern_dkim *d)
{
  tern__dkim_forget(d);
  if (d->signature_count != 0) return &d->signatures[d->signature_count - 1];
  (void)tern__dkim_fail(d, TERN_E_STATE, TERN_FIELD_DKIM_SIGNATURE, "no signature was added");
  return NULL;
}

static tern_status check_domain(tern_dkim *d, const char *domain, uint32_t field)
{
  size_t at = 0;

  if (domain == NULL || domain[0] == '[') return tern__dkim_fail(d, TERN_E_NAME, field, NULL);
  if (tern__domain_check(domain, &at) == TERN_OK) return TERN_OK;
  tern__error_field(&d->error, TERN_E_NAME, field, domain, at);
  return TERN_E_NAME;
}

tern_status tern_dkim_add(tern_dkim *d, const char *domain, const char *selector)
{
  tern__signature *s;

  if (d == NULL) return TERN_E_NOMEM;
  tern__dkim_forget(d);
  if (d->signature_count == TERN__DKIM_SIGNATURES)
    return tern__dkim_fail(d, TERN_E_ARGUMENT, TERN_FIELD_DKIM_SIGNATURE, "more than 8 signatures");
  if (check_domain(d, domain, TERN_FIELD_DKIM_DOMAIN) != TERN_OK ||
      check_domain(d, selector, TERN_FIELD_DKIM_SELECTOR) != TERN_OK)
    return TERN_E_NAME;
  s = &d->signatures[d->signature_count];
  memset(s, 0, sizeof *s);
  s->domain = tern__copy_string(d->mem, domain);
  s->selector = tern__copy_string(d->mem, selector);
  if (s->domain != NULL && s->selector != NULL) {
    d->signature_count++;
    return TERN_OK;
  }
  tern__free_string(d->mem, s->domain);
  tern__free_string(d->mem, s->selector);
  return tern__dkim_fail(d, TERN_E_NOMEM, TERN_FIELD_NONE, NULL);
}

/* key was read, or not. */
static tern_status take_key(tern_dkim *d, tern__signature *s, tern__dkim_key *key, tern_status st,
                            const char *problem)
{
  if (st != TERN_OK) return tern__dkim_fail(d, st, TERN_FIELD_KEY, problem);
  tern__dkim_key_free(s->key);
  s->key = key;
  s->sign = tern__dkim_key_sign;
  s->sign_user = key;
  s->algorithm = TERN_DKIM_RSA_SHA256;
  return TERN_OK;
}

tern_status tern_dkim_set_key(tern_dkim *d, const void *octets, size_t len)
{
  tern__signature *s;
  tern__dkim_key *key = NULL;
  const char *problem = NULL;
  tern_status st;

  if (d == NULL) return TERN_E_NOMEM;
  s = current(d);
  if (s == NULL) return TERN_E_STATE;
  if (octets == NULL) return tern__dkim_fail(d, TERN_E_ARGUMENT, TERN_FIELD_KEY, NULL);
  st = tern__dkim_key_read(&key, d->mem, octets, len == TERN_NUL ? strlen(octets) : len, &problem);
  return take_key(d, s, key, st, problem);
}

tern_status tern_dkim_set_key_file(tern_dkim *d, const char *path)
{
  tern__signature *s;
  tern__dkim_key *key = NULL;
  const char *problem = NULL;
  tern_status st;

  if (d == NULL) return TERN_E_NOMEM;
  s = current(d);
  if (s == NULL) return TERN_E_STATE;
  if (path == NULL) return tern__dkim_fail(d, TERN_E_ARGUMENT, TERN_FIELD_KEY, NULL);
  st = tern__dkim_key_file(&key, d->mem, path, &problem);
  return take_key(d, s, key, st, problem);
}

tern_status tern_dkim_set_signer(tern_dkim *d, uint32_t algorithm, tern_dkim_sign sign, void *user)
{
  tern__signature *s;

  if (d == NULL) return TERN_E_NOMEM;
  s = current(d);
  if (s == NULL) return TERN_E_STATE;
  if (algorithm > TERN_DKIM_ED25519_SHA256 || sign == NULL)
    return tern__dkim_fail(d, TERN_E_ARGUMENT, TERN_FIELD_KEY, NULL);
  tern__dkim_key_free(s->key);
  s->key = NULL;
  s->sign = sign;
  s->sign_user = user;
  s->algorithm = (uint8_t)algorithm;
  return TERN_OK;
}

tern_status tern_dkim_set_canonicalization(tern_dkim *d, uint32_t header, uint32_t body)
{
  tern__signature *s;

  if (d == NULL) return TERN_E_NOMEM;
  s = current(d);
  if (s == NULL) return TERN_E_STATE;
  if (header > TERN_DKIM_SIMPLE || body > TERN_DKIM_SIMPLE)
    return tern__dkim_fail(d, TERN_E_ARGUMENT, TERN_FIELD_DKIM_SIGNATURE, NULL);
  s->header = (uint8_t)header;
  s->body = (uint8_t)body;
  return TERN_OK;
}

/* Whether domain is `of`, or below it. */
static int is_below(const char *domain, const char *of)
{
  size_t len = strlen(domain), whole = strlen(of);

  if (len < whole || !tern__same(domain + len - whole, whole, of)) return 0;
  return len == whole || domain[len - whole - 1] == '.';
}

tern_status tern_dkim_set_identity(tern_dkim *d, const char *identity)
{
  tern__signature *s;
  const char *at;
  char *copy = NULL;

  if (d == NULL) return TERN_E_NOMEM;
  s = current(d);
  if (s == NULL) return TERN_E_STATE;
  if (identity != NULL) {
    at = strrchr(identity, '@');
    if (at == NULL || at[1] == '[' || !tern__is_ascii(identity) ||
        tern__domain_check(at + 1, NULL) != TERN_OK || !is_below(at + 1, s->domain) ||
        (at != identity && tern__mailbox_check(identity, NULL, NULL) != TERN_OK))
      return tern__dkim_fail(d, TERN_E_ADDRESS, TERN_FIELD_DKIM_IDENTITY,
                             "the identity is no mailbox in or below the domain");
    copy = tern__copy_string(d->mem, identity);
    if (copy == NULL) return tern__dkim_fail(d, TERN_E_NOMEM, TERN_FIELD_NONE, NULL);
  }
  tern__free_string(d->mem, s->identity);
  s->identity = copy;
  return TERN_OK;
}

tern_status tern_dkim_set_fields(tern_dkim *d, const char *names)
{
  tern__signed_name list[TERN__DKIM_NAMES];
  uint8_t count;
  size_t bad;
  char *copy;

  if (d == NULL) return TERN_E_NOMEM;
  tern__dkim_forget(d);
  if (names == NULL) return tern__dkim_fail(d, TERN_E_ARGUMENT, TERN_FIELD_DKIM_FIELDS, NULL);
  bad = strlen(names) > UINT16_MAX / 2 ? 0 : read_names(list, &count, names);
  if (bad != SIZE_MAX) {
    tern__error_field(&d->error, TERN_E_ARGUMENT, TERN_FIELD_DKIM_FIELDS, names, bad);
    return TERN_E_ARGUMENT;
  }
  if (find(list, count, names, "from", 4) == count)
    return tern__dkim_fail(d, TERN_E_ARGUMENT, TERN_FIELD_DKIM_FIELDS, "From must be signed");
  copy = tern__copy_string(d->mem, names);
  if (copy == NULL) return tern__dkim_fail(d, TERN_E_NOMEM, TERN_FIELD_NONE, NULL);
  tern__free_string(d->mem, d->names);
  d->names = copy;
  memcpy(d->signed_names, list, sizeof list);
  d->name_count = count;
  return TERN_OK;
}

tern_status tern_dkim_set_time(tern_dkim *d, uint64_t seconds)
{
  if (d == NULL) return TERN_E_NOMEM;
  tern__dkim_forget(d);
  d->time = seconds;
  return TERN_OK;
}

tern_status tern_dkim_set_lifetime(tern_dkim *d, uint32_t seconds)
{
  if (d == NULL) return TERN_E_NOMEM;
  tern__dkim_forget(d);
  d->lifetime = seconds;
  return TERN_OK;
}

/* ---- the message -------------------------------------------------------------------------------------------*/
tern_status tern_dkim_set_source(tern_dkim *d, const tern_source *source, void *user)
{
  tern_status st;

  if (d == NULL) return TERN_E_NOMEM;
  tern__dkim_forget(d);
  st = tern__inlet_set_source(&d->in, source, user);
  return st == TERN_OK ? st : tern__dkim_fail(d, st, TERN_FIELD_CONTENT, NULL);
}

tern_status tern_dkim_set_octets(tern_dkim *d, const void *octets, size_t len)
{
  tern_status st;

  if (d == NULL) return TERN_E_NOMEM;
  tern__dkim_forget(d);
  st = tern__inlet_set_octets(&d->in, octets, len);
  return st == TERN_OK ? st : tern__dkim_fail(d, st, TERN_FIELD_CONTENT, NULL);
}
