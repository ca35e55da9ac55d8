/* hop.c - one domain of recipients: its hosts in order, or why there are none.
 *
 * A route of the caller's comes first, then the address of a literal, then MX records with the rules of
 * RFC 5321 5.1 (implicit MX, order, loop rule) and RFC 7505. A CNAME at the domain was followed by whoever
 * answered; the name at its end is then the one that counts. Neighbours: route.c has the rules,
 * sts_policy.c asks for MTA-STS beside this, walk.c goes from host to host. Kept as mxhost.c keeps hosts. */
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "base/words.h"
#include "delivery/delivery.h"

/* ---- life ----------------------------------------------------------------------------------------*/
static void drop(tern_delivery *d, tern__hop *hop)
{
  size_t i;

  for (i = 0; i < hop->mx_count; i++) tern__mxhost_give(hop->hosts[i]);
  tern__free(d->mem, hop->hosts, hop->mx_cap * sizeof *hop->hosts);
  tern__free(d->mem, hop->mx, hop->mx_cap * sizeof *hop->mx);
  tern__texts_free(&hop->texts);
  tern__ask_close(d, &hop->mx_ask);
  tern__hop_sts_stop(d, hop);
  tern__free(d->mem, hop->sts, sizeof *hop->sts);
  tern__free(d->mem, hop->sts_text, hop->sts_len + 1);
  tern__free_string(d->mem, hop->sts_lines);
  tern__free_string(d->mem, hop->sts_mx);
  tern__free_string(d->mem, hop->match);
  tern__free_string(d->mem, hop->domain);
  tern__free(d->mem, hop, sizeof *hop);
  d->hop_count--;
}

static void fail(tern__hop *hop, tern_status status, const char *detail)
{
  hop->status = status;
  tern__words_cut(hop->detail, sizeof hop->detail, detail);
}

/* What the callback or the table says; a callback may refuse the domain. */
static tern_status choose(tern_delivery *d, tern__hop *hop)
{
  const tern__rule *rule = tern__rule_for(d->policies, hop->domain);
  uint32_t policy = TERN_POLICY_AUTO;
  const char *match = NULL;
  tern_status st = TERN_E_AGAIN;

  if (d->choose) st = d->choose(d->choose_user, hop->domain, &policy, &match);
  if (st < 0 && st != TERN_E_AGAIN) return st;
  if (st == TERN_E_AGAIN) {
    policy = rule ? rule->policy : TERN_POLICY_AUTO;
    match = rule ? rule->value : NULL;
  }
  if (policy >= TERN_POLICIES) return TERN_E_ARGUMENT;
  hop->choice = policy;
  if (!match) return TERN_OK;
  hop->match = tern__copy_string(d->mem, match);
  return hop->match ? TERN_OK : TERN_E_NOMEM;
}

static int over(const tern__hop *hop)
{
  return hop->mx_state == TERN__DONE && hop->sts_state == TERN__STS_DONE;
}

tern__hop *tern__hop_take(tern_delivery *d, const char *domain, uint32_t kind)
{
  tern__hop **bucket = &d->hops[tern__bucket(domain)], *hop;
  tern_status st;

  for (hop = *bucket; hop; hop = hop->next)
    if (!strcmp(hop->domain, domain) && hop->kind == kind && (!over(hop) || hop->expires > d->now)) {
      hop->users++;
      return hop;
    }
  hop = tern__alloc(d->mem, sizeof *hop);
  if (!hop) return NULL;
  hop->domain = tern__copy_string(d->mem, domain);
  if (!hop->domain) {
    tern__free(d->mem, hop, sizeof *hop);
    return NULL;
  }
  hop->kind = kind;
  hop->texts.mem = d->mem;
  hop->users = 1;
  hop->next = *bucket;
  *bucket = hop;
  d->hop_count++;
  hop->route = tern__rule_for(d->routes, domain);
  if (hop->route && !hop->route->value) hop->route = NULL;
  st = choose(d, hop);
  if (st != TERN_OK) fail(hop, st, "the TLS policy of the domain could not be found out");
  if (st != TERN_OK || hop->route) hop->mx_state = TERN__DONE;
  if (st != TERN_OK || hop->route || kind == TERN__DOMAIN_LITERAL ||
      (hop->choice != TERN_POLICY_AUTO && hop->choice != TERN_POLICY_STS))
    hop->sts_state = TERN__STS_DONE;
  hop->expires = d->now + TERN__KEEP_LEAST;
  return hop;
}

/* Look-ups that nobody waits for any more are not finished: the next sweep, at once, takes them. */
void tern__hop_give(tern_delivery *d, tern__hop *hop)
{
  if (!--hop->users && !over(hop)) d->sweep_due = 0;
}

void tern__hops_sweep(tern_delivery *d, uint32_t everything)
{
  uint32_t i;

  for (i = 0; i < TERN__BUCKETS; i++) {
    tern__hop **at = &d->hops[i], *hop;
    while ((hop = *at) != NULL) {
      int kept = over(hop) && hop->expires > d->now && d->hop_count <= TERN__KEPT_MAX;
      if ((hop->users || kept) && !everything) {
        at = &hop->next;
        continue;
      }
      *at = hop->next;
      drop(d, hop);
    }
  }
}

/* ---- MX ------------------------------------------------------------------------------------------*/
static tern__mx *make_list(tern_delivery *d, tern__hop *hop, size_t count)
{
  hop->mx = tern__alloc(d->mem, count * sizeof *hop->mx);
  hop->hosts = hop->mx ? tern__alloc(d->mem, count * sizeof *hop->hosts) : NULL;
  if (hop->mx && !hop->hosts) {
    tern__free(d->mem, hop->mx, count * sizeof *hop->mx);
    hop->mx = NULL;
  }
  if (hop->mx) hop->mx_cap = count;
  return hop->mx;
}

/* A name of the answer in lower case; the root becomes "". NULL: no memory. */
static const char *host_name(tern__hop *hop, const char *name)
{
  char folded[TERN__DOMAIN_MAX];

  if (!strcmp(name, ".") || !name[0]) return "";
  if (tern__domain_fold(name, folded) != TERN_OK) return "";
  return tern__texts_copy(&hop->texts, folded);
}

static tern_status one_host(tern_delivery *d, tern__hop *hop, const char *name)
{
  if (!make_list(d, hop, 1)) return TERN_E_NOMEM;
  hop->mx[0].host = host_name(hop, name);
  hop->mx[0].preference = 0;
  if (!hop->mx[0].host) return TERN_E_NOMEM;
  hop->mx_count = 1;
  return TERN_OK;
}

static tern_status order(tern_delivery *d, tern__hop *hop)
{
  static const char *const why[] = {"the domain takes no mail (null MX)",
                                    "this host is the best MX host of the domain",
                                    "the domain's MX records name no host"};
  tern_status st = tern__mx_order(hop->mx, &hop->mx_count, tern__delivery_own, d,
                                  d->random ? d->random : tern__host_random, d->random_user);

  if (st == TERN_E_NULL_MX) fail(hop, st, why[0]);
  if (st == TERN_E_ROUTING) fail(hop, st, why[1]);
  if (st == TERN_E_HOST) fail(hop, st, why[2]);
  if (st == TERN_E_RANDOM) fail(hop, st, "");
  if (st != TERN_OK) hop->mx_count = 0;
  return st;
}

static tern_status take_list(tern_delivery *d, tern__hop *hop, const tern__dns_answer *answer)
{
  size_t i;

  if (!make_list(d, hop, answer->count)) return TERN_E_NOMEM;
  for (i = 0; i < answer->count; i++) {
    hop->mx[i].host = host_name(hop, answer->records[i].name);
    hop->mx[i].preference = answer->records[i].preference;
    if (!hop->mx[i].host) return TERN_E_NOMEM;
  }
  hop->mx_count = answer->count;
  return TERN_OK;
}

/* The answer to the MX question, or why there is none. */
static void take_mx(tern_delivery *d, tern__hop *hop, tern_status st)
{
  const tern__dns_answer *answer = tern__ask_answer(&hop->mx_ask);
  uint64_t keep;

  if (answer && answer->result == TERN__DNS_FOUND) {
    hop->mx_secure = answer->secure != 0;
    st = take_list(d, hop, answer);
    if (st == TERN_OK) st = order(d, hop);
  } else if (answer && answer->result == TERN__DNS_NODATA) { /* implicit MX */
    hop->implicit = 1;
    hop->mx_secure = answer->secure != 0;
    st = one_host(d, hop, answer->canonical);
  } else if (st == TERN_E_HOST) {
    fail(hop, st, "the domain does not exist");
  } else {
    fail(hop, st == TERN_OK ? TERN_E_RESOLVE : st, tern__ask_detail(&hop->mx_ask));
  }
  if (st == TERN_E_NOMEM) fail(hop, st, "");
  keep = answer && hop->status == TERN_OK ? (uint64_t)answer->ttl * 1000 : 0;
  if (keep > TERN__KEEP_MOST) keep = TERN__KEEP_MOST;
  hop->expires = d->now + (keep < TERN__KEEP_LEAST ? TERN__KEEP_LEAST : keep);
  hop->mx_state = TERN__DONE;
  tern__ask_close(d, &hop->mx_ask);
}

static int mx_ready(tern_delivery *d, tern__hop *hop)
{
  tern_status st;

  if (hop->mx_state == TERN__DONE) return 1;
  if (hop->kind == TERN__DOMAIN_LITERAL) {
    if (one_host(d, hop, hop->domain) != TERN_OK) fail(hop, TERN_E_NOMEM, "");
    hop->mx_secure = 1;
    hop->mx_state = TERN__DONE;
    return 1;
  }
  if (hop->mx_state == TERN__NEW) {
    if (!tern__ask_open(d, &hop->mx_ask, hop->domain, TERN__DNS_MX)) return 0;
    hop->mx_state = TERN__ASKING;
  }
  st = tern__ask_step(d, &hop->mx_ask);
  if (st == TERN_E_AGAIN) return 0;
  take_mx(d, hop, st);
  return 1;
}

int tern__hop_ready(tern_delivery *d, tern__hop *hop)
{
  if (!mx_ready(d, hop)) return 0;
  if (hop->status != TERN_OK) return 1; /* no host, no use for a policy */
  return tern__hop_sts_ready(d, hop);
}
