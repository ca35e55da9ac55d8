/* lookup.c - the addresses of a host: literal, localhost, hosts file, DNS, one after the other.
 * Duty: A and AAAA are asked at the same time; IPv6 is handed on as it comes, IPv4 after 50 ms of waiting
 * for it (RFC 8305 section 3), and what comes later still joins. A name without a dot at its end goes
 * through the search list (resolver.h). Neighbours: query.c asks, hosts.c reads, client/dial.c hands on.
 * Limits: nsswitch.conf is not looked at: no mDNS, NIS or LDAP; order by routes and RFC 6724's precedence
 * alone (rules 1 and 6); a suffix whose servers fail ends the search, as another might lead elsewhere. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "resolve/lookup.h"

#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "base/notes.h"
#include "base/words.h"
#include "resolve/hosts.h"
#include "resolve/query.h"

#define NO_ROUTE 1000u

typedef struct question {
  tern__dns_query *query;
  tern_status status; /* TERN_E_AGAIN: not answered yet */
  uint8_t taken;      /* its addresses are in the list */
} question;

struct tern__lookup {
  const tern_allocator *mem;
  tern_resolver *resolver;
  uint64_t deadline;
  uint64_t wait; /* until when IPv4 waits for IPv6; TERN_NEVER */
  tern_status status;
  uint32_t port;
  uint32_t candidate; /* of the names that the search list makes */
  uint8_t exists;     /* a name was found, without an address */
  question a;
  question aaaa;
  tern__notes notes;
  size_t count;
  size_t taken; /* of them, by the caller */
  tern__sockaddr list[TERN__LOOKUP_MOST];
  char host[TERN__DNS_NAME];
};

/* ---- order ----------------------------------------------------------------------------------------*/

static uint32_t precedence(const tern__sockaddr *a)
{
  static const struct {
    uint8_t prefix[16];
    uint8_t bits;
    uint8_t precedence;
  } table[] = { /* RFC 6724 2.1, longest first */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, 96, 35},
    {{0}, 96, 1},
    {{0x20, 0x01, 0, 0}, 32, 5},
    {{0x20, 0x02}, 16, 30},
    {{0x3f, 0xfe}, 16, 1},
    {{0xfe, 0xc0}, 10, 1},
    {{0xfc}, 7, 3},
  };
  const uint8_t *o = (const uint8_t *)&a->v6.sin6_addr;
  size_t i;

  if (a->any.sa_family != AF_INET6) return 35;
  for (i = 0; i < sizeof table / sizeof *table; i++) {
    size_t whole = table[i].bits / 8u;
    uint8_t rest = (uint8_t)(0xff00u >> table[i].bits % 8u);

    if (memcmp(o, table[i].prefix, whole) == 0 &&
        (table[i].bits % 8u == 0 || (o[whole] & rest) == table[i].prefix[whole]))
      return table[i].precedence;
  }
  return 40;
}

/* Whether there is a way to it: connecting a datagram socket asks the routing table, and sends nothing. */
static int routed(const tern__sockaddr *a)
{
  int fd = tern__socket(a->any.sa_family, SOCK_DGRAM), good;

  if (fd < 0) return 0;
  good = connect(fd, &a->any, tern__sockaddr_length(a)) == 0;
  (void)close(fd);
  return good;
}

/* Puts those from `from` on in order; equal ones stay as they came. */
static void sort(tern__lookup *l, size_t from)
{
  uint32_t ranks[TERN__LOOKUP_MOST];
  size_t i, k;

  for (i = from; i < l->count; i++) {
    tern__sockaddr a = l->list[i];
    uint32_t rank = 100u - precedence(&a) + (routed(&a) ? 0 : NO_ROUTE);

    for (k = i; k > from && ranks[k - 1] > rank; k--) {
      ranks[k] = ranks[k - 1];
      l->list[k] = l->list[k - 1];
    }
    ranks[k] = rank;
    l->list[k] = a;
  }
}

/* ---- ends -----------------------------------------------------------------------------------------*/

static void drop(question *q)
{
  tern__dns_query_free(q->query);
  memset(q, 0, sizeof *q);
}

static tern_status end(tern__lookup *l, tern_status status)
{
  drop(&l->a);
  drop(&l->aaaa);
  tern__notes_close(&l->notes);
  l->status = status;
  return status;
}

static tern_status fail(tern__lookup *l, tern_status status, const char *what)
{
  char who[sizeof l->host];

  (void)tern__words_clean(who, sizeof who, l->host, strlen(l->host));
  tern__notes_add(&l->notes, who, what);
  return end(l, status);
}

/* ---- what needs no question -----------------------------------------------------------------------*/

/* Whether host is the name or below it, a dot at its end left out. */
static int within(const char *host, const char *name)
{
  size_t h = strlen(host), n = strlen(name);

  if (h > 0 && host[h - 1] == '.') h--;
  return h >= n && tern__same(host + h - n, n, name) && (h == n || host[h - n - 1] == '.');
}

static void take_loopback(tern__lookup *l)
{
  (void)tern__sockaddr_literal("::1", l->port, &l->list[0]);
  (void)tern__sockaddr_literal("127.0.0.1", l->port, &l->list[1]);
  l->count = 2;
}

/* TERN_OK, TERN_E_HOST, or TERN_E_AGAIN: DNS must be asked. */
static tern_status find_here(tern__lookup *l, const char *host)
{
  size_t len = strlen(host);

  if (tern__sockaddr_literal(host, l->port, &l->list[0])) {
    l->count = 1;
    return end(l, TERN_OK);
  }
  if (len >= sizeof l->host || host[0] == '[' || !tern__dns_name_good(host))
    return fail(l, TERN_E_HOST, "is no host name");
  memcpy(l->host, host, len + 1);
  l->count = tern__hosts_find(l->resolver->hosts, host, l->port, l->list, TERN__LOOKUP_MOST);
  if (l->count == 0 && within(host, "localhost")) take_loopback(l); /* RFC 6761 6.3 */
  if (l->count > 0) {
    sort(l, 0);
    return end(l, TERN_OK);
  }
  if (within(host, "invalid") || within(host, "onion")) /* RFC 6761 6.4, RFC 7686 */
    return fail(l, TERN_E_HOST, "does not exist, as that top-level domain has no names in DNS");
  return TERN_E_AGAIN;
}

/* ---- questions ------------------------------------------------------------------------------------*/

/* The name of candidate number i: as resolver(5) has it, a name with enough dots as it is first, any other
 * as it is last. 0: there is none. */
static int candidate(const tern__lookup *l, uint32_t i, char *out, size_t cap)
{
  const tern_resolver *r = l->resolver;
  size_t len = strlen(l->host), suffix, dots = 0, k;
  uint32_t as_is, absolute = l->host[len - 1] == '.';

  for (k = 0; k < len; k++) dots += l->host[k] == '.';
  as_is = absolute || dots >= r->ndots ? 0 : r->search_count;
  if (absolute && i > 0) return 0;
  if (i > r->search_count) return 0;
  if (i == as_is) {
    memcpy(out, l->host, len + 1);
    return 1;
  }
  if (as_is == 0) i--;
  suffix = strlen(r->search[i]);
  if (len + 1 + suffix >= cap) return -1;
  memcpy(out, l->host, len);
  out[len] = '.';
  memcpy(out + len + 1, r->search[i], suffix + 1);
  return 1;
}

/* Asks for the next candidate. TERN_E_AGAIN, or the end. */
static tern_status ask(tern__lookup *l, uint64_t now)
{
  char name[TERN__DNS_NAME];
  int have;

  drop(&l->a);
  drop(&l->aaaa);
  l->wait = TERN_NEVER;
  while ((have = candidate(l, l->candidate++, name, sizeof name)) < 0) {
  }
  if (have == 0)
    return fail(l, TERN_E_HOST, l->exists ? "has no IPv4 or IPv6 address" : "does not exist");
  l->aaaa.status = tern__dns_query_open(l->resolver, l->mem, name, TERN__DNS_AAAA, now, l->deadline,
                                        &l->aaaa.query);
  l->a.status = tern__dns_query_open(l->resolver, l->mem, name, TERN__DNS_A, now, l->deadline,
                                     &l->a.query);
  if (l->a.query == NULL || l->aaaa.query == NULL) return end(l, TERN_E_NOMEM);
  return TERN_E_AGAIN;
}

static void take(tern__lookup *l, question *q, int family)
{
  const tern__dns_answer *answer = tern__dns_query_answer(q->query);
  size_t i;

  if (q->taken || q->status != TERN_OK) return;
  q->taken = 1;
  for (i = 0; i < answer->count && l->count < TERN__LOOKUP_MOST; i++) {
    tern__sockaddr *to = &l->list[l->count++];

    memset(to, 0, sizeof *to);
    to->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
      to->v4.sin_port = htons((uint16_t)l->port);
      memcpy(&to->v4.sin_addr, answer->records[i].octets, 4);
    } else {
      to->v6.sin6_port = htons((uint16_t)l->port);
      memcpy(&to->v6.sin6_addr, answer->records[i].octets, 16);
    }
  }
}

/* Both have been answered, and neither has an address. */
static tern_status neither(tern__lookup *l, uint64_t now)
{
  const question *failed = l->a.status != TERN_E_HOST ? &l->a : &l->aaaa;
  tern_status status = failed->status;

  l->exists |= tern__dns_query_answer(l->a.query)->result == TERN__DNS_NODATA ||
               tern__dns_query_answer(l->aaaa.query)->result == TERN__DNS_NODATA;
  if (status == TERN_E_HOST) return ask(l, now);
  if (status == TERN_E_RESOLVE) {
    const char *detail = tern__dns_query_detail(failed->query);

    return fail(l, status, detail[0] != 0 ? detail : "the name servers do not answer for now");
  }
  return end(l, status);
}

/* Hands on what has come. */
static tern_status judge(tern__lookup *l, uint64_t now)
{
  tern_status st4 = l->a.status, st6 = l->aaaa.status;
  size_t from = l->count;

  if (st4 != TERN_E_AGAIN && st6 != TERN_E_AGAIN && st4 != TERN_OK && st6 != TERN_OK)
    return neither(l, now);
  if (st4 == TERN_OK && st6 == TERN_E_AGAIN && l->wait == TERN_NEVER)
    l->wait = now + TERN__LOOKUP_DELAY;
  take(l, &l->aaaa, AF_INET6);
  if (st6 != TERN_E_AGAIN || now >= l->wait) take(l, &l->a, AF_INET);
  sort(l, from);
  return st4 == TERN_E_AGAIN || st6 == TERN_E_AGAIN ? TERN_E_AGAIN : end(l, TERN_OK);
}

/* ---- public ---------------------------------------------------------------------------------------*/

tern_status tern__lookup_open(tern_resolver *r, const tern_allocator *mem, const char *host,
                              uint32_t port, uint64_t now, uint64_t deadline, tern__lookup **out)
{
  tern__lookup *l = r == NULL ? NULL : tern__alloc(mem, sizeof *l);

  *out = l;
  if (l == NULL) return TERN_E_NOMEM;
  l->mem = mem;
  l->resolver = r;
  l->port = port;
  l->deadline = deadline;
  l->wait = TERN_NEVER;
  l->status = TERN_E_AGAIN;
  if (find_here(l, host) != TERN_E_AGAIN) return l->status;
  if (tern__resolver_refresh(r, now) != TERN_OK)
    return fail(l, TERN_E_RESOLVE, "there is no name server to ask");
  return ask(l, now);
}

tern_status tern__lookup_step(tern__lookup *l, uint64_t now)
{
  uint32_t before;

  if (l->status != TERN_E_AGAIN) return l->status;
  do { /* a new candidate's questions leave at once */
    before = l->candidate;
    if (l->aaaa.status == TERN_E_AGAIN) l->aaaa.status = tern__dns_query_step(l->aaaa.query, now);
    if (l->a.status == TERN_E_AGAIN) l->a.status = tern__dns_query_step(l->a.query, now);
  } while (judge(l, now) == TERN_E_AGAIN && l->candidate != before);
  return l->status;
}

size_t tern__lookup_take(tern__lookup *l, const tern__sockaddr **list)
{
  size_t n = l->count - l->taken;

  *list = l->list + l->taken;
  l->taken = l->count;
  return n;
}

static void gather(const question *q, tern__gather *g)
{
  if (q->query == NULL || q->status != TERN_E_AGAIN) return;
  tern__gather_add(g, tern__dns_query_handle(q->query), tern__dns_query_events(q->query));
}

void tern__lookup_gather(const tern__lookup *l, tern__gather *g)
{
  gather(&l->a, g);
  gather(&l->aaaa, g);
}

uint64_t tern__lookup_deadline(const tern__lookup *l)
{
  uint64_t at = TERN_NEVER, due;

  if (l->status != TERN_E_AGAIN) return TERN_NEVER;
  if (l->a.status != TERN_E_AGAIN && l->aaaa.status != TERN_E_AGAIN) return 0; /* ended as they began */
  if (l->a.status == TERN_E_AGAIN) at = tern__dns_query_deadline(l->a.query);
  due = l->aaaa.status == TERN_E_AGAIN ? tern__dns_query_deadline(l->aaaa.query) : TERN_NEVER;
  if (due < at) at = due;
  return !l->a.taken && l->wait < at ? l->wait : at;
}

const char *tern__lookup_detail(const tern__lookup *l)
{
  return l == NULL ? "" : l->notes.text;
}

void tern__lookup_free(tern__lookup *l)
{
  if (l == NULL) return;
  drop(&l->a);
  drop(&l->aaaa);
  tern__free(l->mem, l, sizeof *l);
}
