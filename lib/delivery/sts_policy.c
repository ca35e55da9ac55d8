/* sts_policy.c - MTA-STS for one domain: the TXT record, the cache, the fetch (RFC 8461 section 3, 5.1).
 *
 * A policy that is kept and not over its max_age holds whatever the DNS or the policy host say now: only a
 * fresh one may take its place. That nothing could be had where nothing is kept means that there is no
 * policy, said in the report. Neighbours: hop.c steps this beside its own look-up, sts_fetch.c fetches,
 * sts_cache.c keeps. */
#include <string.h>

#include "base/mem.h"
#include "delivery/delivery.h"

#define ASK_AGAIN 50u /* ms, where the caller's fetch said TERN_E_AGAIN */

void tern__hop_sts_stop(tern_delivery *d, tern__hop *hop)
{
  tern__ask_close(d, &hop->txt);
  tern__ask_close(d, &hop->sts_a);
  tern__ask_close(d, &hop->sts_aaaa);
  tern__sts_fetch_free(hop->fetch);
  hop->fetch = NULL;
  hop->fetch_again = 0;
  if (!hop->fetch_at) return;
  *hop->fetch_at = hop->fetch_next;
  if (hop->fetch_next) hop->fetch_next->fetch_at = hop->fetch_at;
  hop->fetch_at = NULL;
  d->fetches--;
}

static int over(tern_delivery *d, tern__hop *hop)
{
  tern__hop_sts_stop(d, hop);
  hop->sts_state = TERN__STS_DONE;
  return 1;
}

/* One more that fetches. */
static void enlist(tern_delivery *d, tern__hop *hop)
{
  hop->fetch_next = d->fetching;
  if (hop->fetch_next) hop->fetch_next->fetch_at = &hop->fetch_next;
  hop->fetch_at = &d->fetching;
  d->fetching = hop;
  d->fetches++;
}

void tern__sts_watch(tern_delivery *d)
{
  tern__hop *hop;

  for (hop = d->fetching; hop; hop = hop->fetch_next) {
    if (hop->fetch)
      tern__watch_add(d, tern__sts_fetch_handle(hop->fetch), tern__sts_fetch_events(hop->fetch),
                      tern__sts_fetch_deadline(hop->fetch), &hop->fetch_ready);
    if (hop->fetch_again) tern__watch_add(d, -1, 0, hop->fetch_again, &hop->fetch_ready);
  }
}

/* ---- keeping -------------------------------------------------------------------------------------*/
/* The lines of a policy, or its patterns alone, joined by LF, as TLS reports want them. */
static char *lines(tern_delivery *d, const char *text, size_t len)
{
  char *out = tern__alloc(d->mem, len + 1), *copy;
  size_t i, n = 0;

  if (!out) return NULL;
  for (i = 0; i < len; i++)
    if (text[i] != '\r') out[n++] = text[i];
  copy = tern__copy_string(d->mem, out);
  tern__free(d->mem, out, len + 1);
  return copy;
}

static char *patterns(tern_delivery *d, const tern__sts_policy *p)
{
  size_t i, cap = 1, n = 0;
  char *out, *copy;

  for (i = 0; i < p->count; i++) cap += p->mx[i].len + 1;
  out = tern__alloc(d->mem, cap);
  if (!out) return NULL;
  for (i = 0; i < p->count; i++) {
    memcpy(out + n, p->mx[i].octets, p->mx[i].len);
    n += p->mx[i].len;
    if (i + 1 < p->count) out[n++] = '\n';
  }
  copy = tern__copy_string(d->mem, out);
  tern__free(d->mem, out, cap);
  return copy;
}

/* Makes text, which lives elsewhere, the hop's policy. TERN_E_CONTENT, TERN_E_BUFFER, TERN_E_NOMEM. */
static tern_status hold(tern_delivery *d, tern__hop *hop, const char *text, size_t len)
{
  char *copy = tern__alloc(d->mem, len + 1);
  tern__sts_policy *p = copy ? tern__alloc(d->mem, sizeof *p) : NULL;
  tern_status st = p ? TERN_OK : TERN_E_NOMEM;

  if (st == TERN_OK) {
    if (len) memcpy(copy, text, len);
    st = tern__sts_read_policy(copy, len, p);
  }
  if (st != TERN_OK) {
    tern__free(d->mem, p, sizeof *p);
    tern__free(d->mem, copy, len + 1);
    return st;
  }
  tern__free(d->mem, hop->sts, sizeof *hop->sts);
  tern__free(d->mem, hop->sts_text, hop->sts_len + 1);
  tern__free_string(d->mem, hop->sts_lines);
  tern__free_string(d->mem, hop->sts_mx);
  hop->sts = p;
  hop->sts_text = copy;
  hop->sts_len = len;
  hop->sts_lines = lines(d, copy, len);
  hop->sts_mx = patterns(d, p);
  return TERN_OK;
}

/* Takes the kept policy where it is not over its age. Returns whether its id is the hop's. */
static int take_kept(tern_delivery *d, tern__hop *hop)
{
  tern_sts_policy kept = {"", 0, "", 0};
  tern_status st = d->cache ? d->cache->get(d->cache_user, hop->domain, &kept)
                            : tern__sts_cache_get(&d->memory, hop->domain, &kept);

  if (st != TERN_OK || kept.expires <= tern__wall() || !kept.policy || !kept.id) return 0;
  if (hold(d, hop, kept.policy, kept.len) != TERN_OK) return 0;
  return hop->sts_id[0] && !strcmp(kept.id, hop->sts_id);
}

static void keep(tern_delivery *d, const tern__hop *hop)
{
  tern_sts_policy p;

  p.id = hop->sts_id;
  p.expires = tern__wall() + hop->sts->max_age;
  p.policy = hop->sts_text;
  p.len = hop->sts_len;
  if (d->cache)
    (void)d->cache->put(d->cache_user, hop->domain, &p);
  else
    (void)tern__sts_cache_put(&d->memory, hop->domain, &p);
}

/* ---- the TXT record ------------------------------------------------------------------------------*/
/* The id of the one record that there must be (3.1). */
static void take_txt(tern_delivery *d, tern__hop *hop)
{
  const tern__dns_answer *answer = tern__ask_answer(&hop->txt);
  size_t i, n = 0;

  for (i = 0; answer && i < answer->count; i++) {
    const char *text = (const char *)answer->records[i].octets;
    if (!tern__sts_is_record(text, answer->records[i].len)) continue;
    if (n++ || tern__sts_read_record(text, answer->records[i].len, hop->sts_id) != TERN_OK)
      hop->sts_id[0] = 0;
  }
  tern__ask_close(d, &hop->txt);
}

static int policy_host(const tern__hop *hop, const char *prefix, char *out, size_t cap)
{
  size_t p = strlen(prefix), n = strlen(hop->domain);

  if (p + n >= cap) return 0;
  memcpy(out, prefix, p);
  memcpy(out + p, hop->domain, n + 1);
  return 1;
}

/* ---- fetching ------------------------------------------------------------------------------------*/
static void failed(tern__hop *hop, tern_status status, uint32_t result)
{
  hop->sts_status = status;
  hop->sts_result = result;
}

static void take_policy(tern_delivery *d, tern__hop *hop, const char *text, size_t len)
{
  tern_status st = hold(d, hop, text, len);

  if (st == TERN_OK)
    keep(d, hop);
  else
    failed(hop, st, TERN_TLSRPT_STS_POLICY_INVALID);
}

static int fetch_by_caller(tern_delivery *d, tern__hop *hop)
{
  char *body = tern__alloc(d->mem, TERN__STS_POLICY_MAX);
  size_t len = 0;
  tern_status st = body ? d->fetch(d->fetch_user, hop->domain, body, TERN__STS_POLICY_MAX, &len)
                        : TERN_E_NOMEM;

  hop->fetch_again = st == TERN_E_AGAIN ? d->now + ASK_AGAIN : 0;
  hop->fetch_ready = 0;
  if (st == TERN_OK && len <= TERN__STS_POLICY_MAX)
    take_policy(d, hop, body, len);
  else if (st != TERN_E_AGAIN)
    failed(hop, st < 0 ? st : TERN_E_REPLY_LENGTH, TERN_TLSRPT_STS_POLICY_FETCH_ERROR);
  tern__free(d->mem, body, TERN__STS_POLICY_MAX);
  return st == TERN_E_AGAIN ? 0 : over(d, hop);
}

static tern__trust *trust(tern_delivery *d)
{
  char detail[64];

  if (!d->trust_tried)
    d->trust_status = tern__trust_new(d->mem, d->ca, NULL, &d->trust, detail, sizeof detail);
  d->trust_tried = 1;
  return d->trust;
}

static void add_addresses(tern_delivery *d, const tern__dns_answer *answer, char texts[][48],
                          const char **list, size_t *count)
{
  size_t i;

  for (i = 0; answer && answer->result == TERN__DNS_FOUND && i < answer->count && *count < 8; i++) {
    const tern__dns_record *r = &answer->records[i];
    if (!tern__delivery_private_ok(d) && !tern__address_public(r->octets, r->len)) continue;
    tern__address_write(r->octets, r->len, texts[*count], 48);
    list[*count] = texts[*count];
    ++*count;
  }
}

/* The addresses of the policy host are there: begins to fetch from one of them. */
static void begin_fetch(tern_delivery *d, tern__hop *hop)
{
  char host[TERN__DOMAIN_MAX + 16], texts[8][48];
  const char *list[8];
  size_t count = 0;
  tern_status st = TERN_E_HOST;

  add_addresses(d, tern__ask_answer(&hop->sts_aaaa), texts, list, &count);
  add_addresses(d, tern__ask_answer(&hop->sts_a), texts, list, &count);
  if (count && policy_host(hop, "mta-sts.", host, sizeof host)) {
    st = trust(d) ? TERN_OK : d->trust_status;
    if (st == TERN_OK)
      st = tern__sts_fetch_new(d->mem, host, list, count, d->trust, d->now, &hop->fetch);
  }
  hop->fetch_ready = 1;
  if (st != TERN_OK)
    failed(hop, st, tern_status_class(st) == TERN_CLASS_TLS ? TERN_TLSRPT_STS_WEBPKI_INVALID
                                                            : TERN_TLSRPT_STS_POLICY_FETCH_ERROR);
}

static int fetch_step(tern_delivery *d, tern__hop *hop)
{
  const char *body;
  size_t len;
  tern_status st;

  if (d->fetch) {
    if (hop->fetch_again && !hop->fetch_ready && !d->blind) return 0;
    return fetch_by_caller(d, hop);
  }
  if (!hop->fetch) return over(d, hop);
  if (!hop->fetch_ready && !d->blind) return 0;
  hop->fetch_ready = 0;
  st = tern__sts_fetch_step(hop->fetch, d->now);
  if (st == TERN_E_AGAIN) return 0;
  body = tern__sts_fetch_body(hop->fetch, &len);
  if (st == TERN_OK)
    take_policy(d, hop, body, len);
  else
    failed(hop, st, tern_status_class(st) == TERN_CLASS_TLS ? TERN_TLSRPT_STS_WEBPKI_INVALID
                                                            : TERN_TLSRPT_STS_POLICY_FETCH_ERROR);
  return over(d, hop);
}

/* ---- steps ---------------------------------------------------------------------------------------*/
static int ask_txt(tern_delivery *d, tern__hop *hop)
{
  char name[TERN__DOMAIN_MAX + 16];

#ifdef TERN_NO_TLS
  return over(d, hop); /* a policy that could not be kept is not asked for */
#endif
  if (!policy_host(hop, "_mta-sts.", name, sizeof name)) return over(d, hop);
  if (!tern__ask_open(d, &hop->txt, name, TERN__DNS_TXT)) return 0;
  hop->sts_state = TERN__STS_TXT;
  return 1;
}

static int txt_step(tern_delivery *d, tern__hop *hop)
{
  if (tern__ask_step(d, &hop->txt) == TERN_E_AGAIN) return 0;
  take_txt(d, hop);
  if (take_kept(d, hop) || !hop->sts_id[0]) return over(d, hop);
  hop->sts_state = TERN__STS_TURN;
  return 1;
}

/* Waits until there are few enough that fetch. */
static int turn_step(tern_delivery *d, tern__hop *hop)
{
  if (d->fetches >= TERN__FETCHES_MAX) return 0;
  enlist(d, hop);
  hop->sts_state = d->fetch ? TERN__STS_FETCH : TERN__STS_ADDRESS;
  return 1;
}

static int address_step(tern_delivery *d, tern__hop *hop)
{
  char name[TERN__DOMAIN_MAX + 16];
  tern_status a, aaaa;

  if (!hop->sts_a.q && !hop->sts_aaaa.q) {
    if (d->queries + 2 > TERN__QUERIES_MAX) return 0;
    if (!policy_host(hop, "mta-sts.", name, sizeof name)) return over(d, hop);
    (void)tern__ask_open(d, &hop->sts_a, name, TERN__DNS_A);
    (void)tern__ask_open(d, &hop->sts_aaaa, name, TERN__DNS_AAAA);
  }
  a = tern__ask_step(d, &hop->sts_a);
  aaaa = tern__ask_step(d, &hop->sts_aaaa);
  if (a == TERN_E_AGAIN || aaaa == TERN_E_AGAIN) return 0;
  begin_fetch(d, hop);
  hop->sts_state = TERN__STS_FETCH;
  return 1;
}

int tern__hop_sts_ready(tern_delivery *d, tern__hop *hop)
{
  for (;;) {
    int moved;
    switch (hop->sts_state) {
      case TERN__STS_NEW: moved = ask_txt(d, hop); break;
      case TERN__STS_TXT: moved = txt_step(d, hop); break;
      case TERN__STS_TURN: moved = turn_step(d, hop); break;
      case TERN__STS_ADDRESS: moved = address_step(d, hop); break;
      case TERN__STS_FETCH: moved = fetch_step(d, hop); break;
      default: return 1;
    }
    if (!moved) return 0;
  }
}

uint32_t tern__hop_sts(const tern__hop *hop, const char *host)
{
  int covered;

  if (!hop->sts || hop->sts->mode == TERN__STS_NONE) return TERN__STS_ABSENT;
  covered = tern__sts_covers(hop->sts, host);
  if (hop->sts->mode == TERN__STS_ENFORCE) return covered ? TERN__STS_COVERED : TERN__STS_FOREIGN;
  return covered ? TERN__STS_WATCHED : TERN__STS_ODD;
}
