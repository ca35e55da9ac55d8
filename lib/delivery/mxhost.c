/* mxhost.c - one MX host: its addresses, and its TLSA records where DANE may apply.
 *
 * Addresses of both families are taken in turn (RFC 8305 section 4), private ones left out unless they
 * are allowed. TLSA records are asked for only behind a secure answer, at the name that the CNAMEs lead to
 * and then at the name itself; where the CNAMEs lead out of secure zones, at the name itself if its own
 * CNAME is secure (RFC 7672 2.2.2, 2.2.3). Kept for the shorter of TTL and five minutes, and as long as an
 * address is remembered as dead. Neighbours: hop.c names hosts, walk.c uses them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "delivery/delivery.h"
#include "transport/tlsa.h"

tern__mxhost *tern__mxhost_take(tern_delivery *d, const char *name, uint32_t literal)
{
  tern__mxhost **bucket = &d->hosts[tern__bucket(name)], *h;

  for (h = *bucket; h; h = h->next)
    if (!strcmp(h->name, name) && h->literal == literal &&
        (h->addresses_state != TERN__DONE || h->expires > d->now)) {
      h->users++;
      return h;
    }
  h = tern__alloc(d->mem, sizeof *h);
  if (!h) return NULL;
  h->name = tern__copy_string(d->mem, name);
  if (!h->name) {
    tern__free(d->mem, h, sizeof *h);
    return NULL;
  }
  h->literal = literal != 0;
  h->users = 1;
  h->next = *bucket;
  *bucket = h;
  d->host_count++;
  return h;
}

void tern__mxhost_give(tern__mxhost *host)
{
  if (host) host->users--;
}

static void drop(tern_delivery *d, tern__mxhost *h)
{
  tern__ask_close(d, &h->a);
  tern__ask_close(d, &h->aaaa);
  tern__ask_close(d, &h->tlsa);
  tern__free(d->mem, h->records, h->records_size);
  tern__free_string(d->mem, h->tlsa_base);
  tern__free_string(d->mem, h->tlsa_text);
  tern__free_string(d->mem, h->name);
  tern__free(d->mem, h, sizeof *h);
  d->host_count--;
}

static int remembers_dead(const tern__mxhost *h, uint64_t now)
{
  uint32_t i;

  for (i = 0; i < h->count; i++)
    if (h->addresses[i].dead_until > now) return 1;
  return 0;
}

void tern__mxhosts_sweep(tern_delivery *d, uint32_t everything)
{
  uint32_t i;

  for (i = 0; i < TERN__BUCKETS; i++) {
    tern__mxhost **at = &d->hosts[i], *h;
    while ((h = *at) != NULL) {
      int kept = (h->expires > d->now || remembers_dead(h, d->now)) && d->host_count <= TERN__KEPT_MAX;
      if ((h->users || kept) && !everything) {
        at = &h->next;
        continue;
      }
      *at = h->next;
      drop(d, h);
    }
  }
}

/* ---- addresses -----------------------------------------------------------------------------------*/
static void note(char *out, size_t cap, const char *text)
{
  tern__words_cut(out, cap, text);
}

static void add(tern_delivery *d, tern__mxhost *h, const uint8_t *octets, size_t len)
{
  uint32_t i;

  if (!tern__delivery_private_ok(d) && !tern__address_public(octets, len)) {
    h->private_left_out = 1;
    return;
  }
  for (i = 0; i < h->count; i++)
    if (h->addresses[i].len == len && !memcmp(h->addresses[i].octets, octets, len)) return;
  if (h->count == TERN__HOST_ADDRESSES) return;
  memcpy(h->addresses[h->count].octets, octets, len);
  h->addresses[h->count++].len = (uint8_t)len;
}

static void keep_for(tern_delivery *d, tern__mxhost *h, uint64_t ttl)
{
  uint64_t ms = ttl > TERN__KEEP_MOST / 1000 ? TERN__KEEP_MOST : ttl * 1000;

  h->expires = d->now + (ms < TERN__KEEP_LEAST ? TERN__KEEP_LEAST : ms);
}

static void take_literal(tern_delivery *d, tern__mxhost *h)
{
  uint8_t octets[16];
  size_t len = tern__address_read(h->name, octets);

  if (len) add(d, h, octets, len);
  h->dane_state = h->addresses_state = TERN__DONE;
  keep_for(d, h, 300);
}

/* Those of both answers in turn, IPv6 first; a family that failed while the other is there is missed by
 * nobody. */
static void merge(tern_delivery *d, tern__mxhost *h, const tern__dns_answer *six,
                  const tern__dns_answer *four)
{
  size_t i, n6 = six && six->result == TERN__DNS_FOUND ? six->count : 0;
  size_t n4 = four && four->result == TERN__DNS_FOUND ? four->count : 0;
  const tern__dns_answer *one = n4 ? four : six;

  for (i = 0; i < n6 || i < n4; i++) {
    if (i < n6) add(d, h, six->records[i].octets, six->records[i].len);
    if (i < n4) add(d, h, four->records[i].octets, four->records[i].len);
  }
  h->secure = (n4 || n6) && (!n4 || four->secure) && (!n6 || six->secure);
  if (!one) return;
  h->alias = one->cnames != 0;
  note(h->canonical, sizeof h->canonical, one->canonical);
}

static uint32_t shorter_ttl(const tern__dns_answer *a, const tern__dns_answer *b)
{
  uint32_t x = a ? a->ttl : 0, y = b ? b->ttl : 0;

  return x < y ? x : y;
}

/* Both answers are there. */
static void take_addresses(tern_delivery *d, tern__mxhost *h, tern_status st6, tern_status st4)
{
  const tern__dns_answer *six = tern__ask_answer(&h->aaaa), *four = tern__ask_answer(&h->a);

  merge(d, h, six, four);
  if (!h->count) {
    h->status = TERN_E_HOST;
    if (h->private_left_out) {
      note(h->detail, sizeof h->detail, "it has only addresses that are private or loopback");
    } else if (st6 == TERN_E_HOST && st4 == TERN_E_HOST) {
      note(h->detail, sizeof h->detail, "it has no address");
    } else {
      h->status = st4 == TERN_E_HOST || st4 == TERN_OK ? st6 : st4;
      note(h->detail, sizeof h->detail,
           tern__ask_detail(st4 == TERN_E_HOST || st4 == TERN_OK ? &h->aaaa : &h->a));
    }
  }
  keep_for(d, h, h->status == TERN_OK || h->status == TERN_E_HOST ? shorter_ttl(six, four) : 0);
  h->addresses_state = TERN__DONE;
  tern__ask_close(d, &h->a);
  tern__ask_close(d, &h->aaaa);
}

static int addresses_ready(tern_delivery *d, tern__mxhost *h)
{
  tern_status st4, st6;

  if (h->addresses_state == TERN__DONE) return 1;
  if (h->literal) {
    take_literal(d, h);
    if (h->count) return 1;
    h->status = TERN_E_HOST;
    note(h->detail, sizeof h->detail, "the address is private or loopback");
    return 1;
  }
  if (h->addresses_state == TERN__NEW) {
    if (d->queries + 2 > TERN__QUERIES_MAX) return 0;
    (void)tern__ask_open(d, &h->a, h->name, TERN__DNS_A);
    (void)tern__ask_open(d, &h->aaaa, h->name, TERN__DNS_AAAA);
    h->addresses_state = TERN__ASKING;
  }
  st4 = tern__ask_step(d, &h->a);
  st6 = tern__ask_step(d, &h->aaaa);
  if (st4 == TERN_E_AGAIN || st6 == TERN_E_AGAIN) return 0;
  take_addresses(d, h, st6, st4);
  return 1;
}

/* ---- TLSA ----------------------------------------------------------------------------------------*/
static size_t text_length(const tern__dns_answer *answer)
{
  size_t i, n = 1;

  for (i = 0; i < answer->count; i++) n += 12 + 2 * answer->records[i].len;
  return n;
}

/* "3 1 1 abcd" lines joined by LF (RFC 8460 4.4). */
static char *records_text(tern_delivery *d, const tern__dns_answer *answer)
{
  static const char hex[] = "0123456789abcdef";
  size_t i, k, cap = text_length(answer);
  char *text = tern__alloc(d->mem, cap), *at = text;

  if (!text) return NULL;
  for (i = 0; i < answer->count; i++) {
    const tern__dns_record *r = &answer->records[i];
    at += sprintf(at, "%s%u %u %u ", i ? "\n" : "", r->usage, r->selector, r->matching);
    for (k = 0; k < r->len; k++) {
      *at++ = hex[r->octets[k] >> 4];
      *at++ = hex[r->octets[k] & 15];
    }
  }
  *at = 0;
  at = tern__copy_string(d->mem, text); /* whose length can be told when it is freed */
  tern__free(d->mem, text, cap);
  return at;
}

static int keep_records(tern_delivery *d, tern__mxhost *h, const tern__dns_answer *answer)
{
  size_t i, size = answer->count * sizeof (tern_tlsa);
  uint8_t *at;

  for (i = 0; i < answer->count; i++) size += answer->records[i].len;
  h->records = tern__alloc(d->mem, size);
  h->tlsa_text = records_text(d, answer);
  if (!h->records || !h->tlsa_text) return 0;
  h->records_size = size;
  at = (uint8_t *)(h->records + answer->count);
  for (i = 0; i < answer->count; i++) {
    const tern__dns_record *r = &answer->records[i];
    h->records[i].usage = r->usage;
    h->records[i].selector = r->selector;
    h->records[i].matching = r->matching;
    h->records[i].octets = at;
    h->records[i].len = r->len;
    if (r->len) memcpy(at, r->octets, r->len);
    at += r->len;
  }
  h->record_count = answer->count;
  return 1;
}

static int ask_tlsa(tern_delivery *d, tern__mxhost *h, const char *base)
{
  char name[TERN__DNS_NAME + 16];

  if (d->queries >= TERN__QUERIES_MAX) return 0;
  snprintf(name, sizeof name, "_%lu._tcp.%s", (unsigned long)d->port, base);
  tern__free_string(d->mem, h->tlsa_base);
  h->tlsa_base = tern__copy_string(d->mem, base);
  return tern__ask_open(d, &h->tlsa, name, TERN__DNS_TLSA);
}

static int dane_over(tern_delivery *d, tern__mxhost *h, uint32_t dane)
{
  h->dane = dane;
  h->dane_state = TERN__DONE;
  tern__ask_close(d, &h->tlsa);
  return 1;
}

/* The answer to a TLSA question; 0: the other name is to be asked. */
static int take_tlsa(tern_delivery *d, tern__mxhost *h, tern_status st)
{
  const tern__dns_answer *answer = tern__ask_answer(&h->tlsa);

  if (st == TERN_OK && answer->secure) {
    if (!keep_records(d, h, answer)) return dane_over(d, h, TERN__DANE_FAILED);
    return dane_over(d, h, tern__tlsa_any_usable(h->records, h->record_count) ? TERN__DANE_USABLE
                                                                              : TERN__DANE_UNUSABLE);
  }
  if (st == TERN_OK || st == TERN_E_HOST) {
    if (h->dane_state == TERN__ASKING && h->alias && strcmp(h->canonical, h->name) != 0) {
      tern__ask_close(d, &h->tlsa);
      return 0;
    }
    return dane_over(d, h, TERN__DANE_NONE);
  }
  note(h->dane_detail, sizeof h->dane_detail, tern__ask_detail(&h->tlsa));
  return dane_over(d, h, TERN__DANE_FAILED);
}

/* The name has an insecure address: whether its CNAME at least is secure, and the records there. 1: they
 * are asked for or DANE is over, 0: not yet. */
static int alias_ready(tern_delivery *d, tern__mxhost *h)
{
  const tern__dns_answer *answer;
  tern_status st;

  if (h->dane_state == TERN__NEW) {
    if (!tern__ask_open(d, &h->tlsa, h->name, TERN__DNS_CNAME)) return 0;
    h->dane_state = TERN__ASKING_ALIAS;
  }
  st = tern__ask_step(d, &h->tlsa);
  if (st == TERN_E_AGAIN) return 0;
  answer = tern__ask_answer(&h->tlsa);
  if (st != TERN_OK && st != TERN_E_HOST) {
    note(h->dane_detail, sizeof h->dane_detail, tern__ask_detail(&h->tlsa));
    return dane_over(d, h, TERN__DANE_FAILED);
  }
  if (st == TERN_E_HOST || !answer->secure) return dane_over(d, h, TERN__DANE_NONE);
  tern__ask_close(d, &h->tlsa);
  h->dane_state = TERN__ASKING_AGAIN;
  return 1;
}

static int dane_ready(tern_delivery *d, tern__mxhost *h)
{
  tern_status st;

  if (h->dane_state == TERN__DONE) return 1;
  if (h->status != TERN_OK || (!h->secure && !h->alias)) return dane_over(d, h, TERN__DANE_NONE);
  if (!h->secure && h->dane_state != TERN__ASKING_AGAIN) {
    if (!alias_ready(d, h)) return 0;
    if (h->dane_state == TERN__DONE) return 1;
  }
  if (h->dane_state == TERN__NEW) {
    if (!ask_tlsa(d, h, h->alias && h->canonical[0] ? h->canonical : h->name)) return 0;
    h->dane_state = TERN__ASKING;
  }
  if (!h->tlsa.q && h->dane_state == TERN__ASKING_AGAIN && !ask_tlsa(d, h, h->name)) return 0;
  st = tern__ask_step(d, &h->tlsa);
  if (st == TERN_E_AGAIN) return 0;
  if (take_tlsa(d, h, st)) return 1;
  h->dane_state = TERN__ASKING_AGAIN;
  if (ask_tlsa(d, h, h->name)) (void)tern__ask_step(d, &h->tlsa); /* sends; its answer takes a while */
  return 0;
}

int tern__mxhost_ready(tern_delivery *d, tern__mxhost *host, uint32_t dane)
{
  if (!addresses_ready(d, host)) return 0;
  return dane ? dane_ready(d, host) : 1;
}
