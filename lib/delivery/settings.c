/* settings.c - what a delivery was told: checked at once, copied, kept until free.
 *
 * A setting that failed is answered again by the next send. Neighbour: delivery.h has the fields. Limit:
 * settings hold for look-ups and connections that begin after them. */
#include <string.h>

#include "base/host.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "client/url.h"
#include "delivery/delivery.h"

static tern_status wrong(tern_delivery *d, tern_status status, uint32_t field)
{
  tern__error_field(&d->error, status, field, NULL, SIZE_MAX);
  return status;
}

static tern_status set_string(tern_delivery *d, char **string, const char *text)
{
  char *copy = NULL;

  if (text && text[0]) {
    copy = tern__copy_string(d->mem, text);
    if (!copy) return wrong(d, TERN_E_NOMEM, TERN_FIELD_NONE);
  }
  tern__free_string(d->mem, *string);
  *string = copy;
  return TERN_OK;
}

/* ---- rules ---------------------------------------------------------------------------------------*/
const tern__rule *tern__rule_for(const tern__rule *rules, const char *domain)
{
  const tern__rule *best = NULL;
  size_t fit, closest = 0;

  for (; rules; rules = rules->next) {
    fit = tern__domain_matches(rules->domain, domain);
    if (fit > closest) {
      closest = fit;
      best = rules;
    }
  }
  return best;
}

void tern__rules_free(const tern_allocator *mem, tern__rule *rules)
{
  tern__rule *next;

  for (; rules; rules = next) {
    next = rules->next;
    tern__free_string(mem, rules->domain);
    tern__free_secret(mem, rules->value);
    tern__free_string(mem, rules->name);
    tern__free(mem, rules, sizeof *rules);
  }
}

/* As tern__domain_of makes it of a recipient's: a name, or the address of a literal. */
static tern_status fold(const char *domain, char out[TERN__DOMAIN_MAX])
{
  uint8_t octets[16];
  size_t len = tern__address_read(domain, octets), position;
  tern_status st;

  if (len) {
    tern__address_write(octets, len, out, TERN__DOMAIN_MAX);
    return TERN_OK;
  }
  st = tern__domain_fold(domain, out);
  if (st == TERN_OK && tern__domain_check(out, &position) != TERN_OK) st = TERN_E_ADDRESS;
  return st;
}

/* Adds a rule in front, so that of two for the same domain the later one wins. */
static tern__rule *add_rule(tern_delivery *d, tern__rule **rules, const char *domain, tern_status *st)
{
  char folded[1 + TERN__DOMAIN_MAX];
  tern__rule *rule;
  int below;

  *st = TERN_E_ADDRESS;
  if (!domain || !domain[0]) return NULL;
  below = domain[0] == '.';
  folded[0] = '.';
  if (!strcmp(domain, "*"))
    memcpy(folded, "*", 2);
  else if ((*st = fold(domain + below, folded + below)) != TERN_OK)
    return NULL;
  *st = TERN_E_NOMEM;
  rule = tern__alloc(d->mem, sizeof *rule);
  if (!rule) return NULL;
  rule->domain = tern__copy_string(d->mem, folded);
  if (!rule->domain) {
    tern__free(d->mem, rule, sizeof *rule);
    return NULL;
  }
  rule->next = *rules;
  *rules = rule;
  *st = TERN_OK;
  return rule;
}

/* Copies value into the newest rule, which is taken out again where that fails. */
static tern_status set_value(tern_delivery *d, tern__rule **rules, char **at, const char *value)
{
  tern__rule *rule = *rules;

  *at = tern__copy_string(d->mem, value);
  if (*at) return TERN_OK;
  *rules = rule->next;
  rule->next = NULL;
  tern__rules_free(d->mem, rule);
  return wrong(d, TERN_E_NOMEM, TERN_FIELD_NONE);
}

int tern__delivery_own(void *user, const char *name)
{
  const tern_delivery *d = user;
  const tern__rule *rule;
  char folded[TERN__DOMAIN_MAX];

  for (rule = d->own_names; rule; rule = rule->next)
    if (!strcmp(rule->domain, name)) return 1;
  if (d->ehlo_name && tern__domain_fold(d->ehlo_name, folded) == TERN_OK && !strcmp(folded, name))
    return 1;
  return d->host_name && !strcmp(d->host_name, name);
}

int tern__delivery_private_ok(const tern_delivery *d)
{
  return d->private_set ? d->allow_private : d->resolver != NULL;
}

/* ---- setters -------------------------------------------------------------------------------------*/
tern_status tern_delivery_set_blocking(tern_delivery *d, uint32_t on)
{
  if (!d) return TERN_E_NOMEM;
  d->blocking = on != 0;
  return TERN_OK;
}

tern_status tern_delivery_set_ehlo_name(tern_delivery *d, const char *name)
{
  size_t position;

  if (!d) return TERN_E_NOMEM;
  if (name && name[0] && tern__domain_check(name, &position) != TERN_OK)
    return wrong(d, TERN_E_NAME, TERN_FIELD_EHLO_NAME);
  return set_string(d, &d->ehlo_name, name);
}

tern_status tern_delivery_add_own_name(tern_delivery *d, const char *name)
{
  tern_status st;

  if (!d) return TERN_E_NOMEM;
  if (!add_rule(d, &d->own_names, name, &st))
    return wrong(d, st == TERN_E_ADDRESS ? TERN_E_NAME : st, TERN_FIELD_EHLO_NAME);
  return TERN_OK;
}

tern_status tern_delivery_set_resolver(tern_delivery *d, tern_resolver *resolver)
{
  if (!d) return TERN_E_NOMEM;
  d->resolver = resolver;
  return TERN_OK;
}

tern_status tern_delivery_set_port(tern_delivery *d, uint32_t port)
{
  if (!d) return TERN_E_NOMEM;
  if (!port || port > 65535) return wrong(d, TERN_E_ARGUMENT, TERN_FIELD_URL_PORT);
  d->port = port;
  return TERN_OK;
}

tern_status tern_delivery_set_allow_private(tern_delivery *d, uint32_t on)
{
  if (!d) return TERN_E_NOMEM;
  d->private_set = 1;
  d->allow_private = on != 0;
  return TERN_OK;
}

/* What the URL says of TLS, as a policy; and its text without user and password. */
static tern_status look_at_url(tern_delivery *d, tern__rule *rule, const char *url)
{
  tern__url parsed;
  const char *at, *rest;
  size_t scheme;
  char *copy;
  tern_status st = tern__url_parse(&parsed, d->mem, url, &d->error);

  if (st != TERN_OK) return st;
  rule->policy = parsed.tls == TERN_TLS_NONE || parsed.path ? TERN_POLICY_NONE
                 : parsed.tls == TERN_TLS_OPPORTUNISTIC     ? TERN_POLICY_MAY
                                                            : TERN_POLICY_VERIFY;
  scheme = (size_t)(strchr(url, ':') - url) + 1;
  if (!strncmp(url + scheme, "//", 2)) scheme += 2;
  rest = url + scheme;
  at = parsed.user ? strchr(rest, '@') : NULL;
  if (at) rest = at + 1;
  tern__url_free(&parsed, d->mem);
  copy = tern__alloc(d->mem, scheme + strlen(rest) + 1);
  if (!copy) return wrong(d, TERN_E_NOMEM, TERN_FIELD_NONE);
  memcpy(copy, url, scheme);
  memcpy(copy + scheme, rest, strlen(rest) + 1);
  rule->name = tern__copy_string(d->mem, copy);
  tern__free(d->mem, copy, scheme + strlen(rest) + 1);
  return rule->name ? TERN_OK : wrong(d, TERN_E_NOMEM, TERN_FIELD_NONE);
}

tern_status tern_delivery_add_route(tern_delivery *d, const char *domain, const char *url)
{
  tern__rule *rule;
  tern_status st;

  if (!d) return TERN_E_NOMEM;
  rule = add_rule(d, &d->routes, domain, &st);
  if (!rule) return wrong(d, st, TERN_FIELD_FORWARD_PATH);
  if (!url || !url[0]) return TERN_OK;
  st = look_at_url(d, rule, url);
  if (st == TERN_OK) return set_value(d, &d->routes, &rule->value, url);
  d->routes = rule->next;
  rule->next = NULL;
  tern__rules_free(d->mem, rule);
  return st;
}

tern_status tern_delivery_set_ca(tern_delivery *d, const char *path)
{
  return d ? set_string(d, &d->ca, path) : TERN_E_NOMEM;
}

tern_status tern_delivery_set_timeout(tern_delivery *d, uint32_t phase, uint32_t ms)
{
  if (!d) return TERN_E_NOMEM;
  if (phase >= TERN_PHASES) return wrong(d, TERN_E_ARGUMENT, TERN_FIELD_NONE);
  d->timeout[phase] = ms;
  d->timeout_set |= 1u << phase;
  return TERN_OK;
}

tern_status tern_delivery_set_total_timeout(tern_delivery *d, uint32_t ms)
{
  if (!d) return TERN_E_NOMEM;
  d->total = ms;
  return TERN_OK;
}

tern_status tern_delivery_set_mask(tern_delivery *d, uint32_t capabilities)
{
  if (!d) return TERN_E_NOMEM;
  d->mask = capabilities;
  return TERN_OK;
}

tern_status tern_delivery_set_trace(tern_delivery *d, tern_trace trace, void *user)
{
  if (!d) return TERN_E_NOMEM;
  d->trace = trace;
  d->trace_user = user;
  return TERN_OK;
}

tern_status tern_delivery_set_limits(tern_delivery *d, uint32_t all, uint32_t address, uint32_t domain)
{
  if (!d) return TERN_E_NOMEM;
  if (all) d->max_lanes = all;
  if (address) d->max_address = address;
  if (domain) d->max_domain = domain;
  return TERN_OK;
}

tern_status tern_delivery_set_dead_time(tern_delivery *d, uint32_t ms)
{
  if (!d) return TERN_E_NOMEM;
  d->dead_time = ms;
  return TERN_OK;
}

tern_status tern_delivery_set_idle_time(tern_delivery *d, uint32_t ms)
{
  if (!d) return TERN_E_NOMEM;
  d->idle_time = ms;
  return TERN_OK;
}

tern_status tern_delivery_set_join(tern_delivery *d, uint32_t on)
{
  if (!d) return TERN_E_NOMEM;
  d->join = on != 0;
  return TERN_OK;
}

tern_status tern_delivery_set_random(tern_delivery *d,
                                     tern_status (*random)(void *user, uint8_t *out, size_t len),
                                     void *user)
{
  if (!d) return TERN_E_NOMEM;
  d->random = random;
  d->random_user = user;
  return TERN_OK;
}

tern_status tern_delivery_add_tls_policy(tern_delivery *d, const char *domain, uint32_t policy,
                                         const char *match)
{
  tern__rule *rule;
  tern_status st;

  if (!d) return TERN_E_NOMEM;
  if (policy >= TERN_POLICIES) return wrong(d, TERN_E_ARGUMENT, TERN_FIELD_NONE);
  rule = add_rule(d, &d->policies, domain, &st);
  if (!rule) return wrong(d, st, TERN_FIELD_FORWARD_PATH);
  rule->policy = policy;
  return match ? set_value(d, &d->policies, &rule->value, match) : TERN_OK;
}

tern_status tern_delivery_on_tls_policy(tern_delivery *d,
                                        tern_status (*choose)(void *user, const char *domain,
                                                              uint32_t *policy, const char **match),
                                        void *user)
{
  if (!d) return TERN_E_NOMEM;
  d->choose = choose;
  d->choose_user = user;
  return TERN_OK;
}

tern_status tern_delivery_set_sts_cache(tern_delivery *d, const tern_sts_cache *cache, void *user)
{
  if (!d) return TERN_E_NOMEM;
  if (cache && (cache->size < sizeof *cache || !cache->get || !cache->put))
    return wrong(d, TERN_E_ARGUMENT, TERN_FIELD_NONE);
  d->cache = cache;
  d->cache_user = user;
  return TERN_OK;
}

tern_status tern_delivery_set_sts_file(tern_delivery *d, const char *path)
{
  tern_status st;

  if (!d) return TERN_E_NOMEM;
  if (!path || !path[0]) return wrong(d, TERN_E_ARGUMENT, TERN_FIELD_NONE);
  st = tern__sts_cache_file(&d->memory, path);
  return st == TERN_OK ? st : wrong(d, st, TERN_FIELD_NONE);
}

tern_status tern_delivery_on_sts_fetch(tern_delivery *d,
                                       tern_status (*fetch)(void *user, const char *domain, char *out,
                                                            size_t cap, size_t *len),
                                       void *user)
{
  if (!d) return TERN_E_NOMEM;
  d->fetch = fetch;
  d->fetch_user = user;
  return TERN_OK;
}
