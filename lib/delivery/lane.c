/* lane.c - one connection of a delivery: a client that was told everything by a plan before it connects.
 *
 * A lane serves one mail at a time and then waits a little for the next that has the same way to go: the
 * same address, under a plan that asks for the same. Limits hold for all lanes, for an address and for a
 * domain. Neighbours: walk.c asks for lanes and hears of ends, tern_client does the rest. Routes by name
 * are resolved by the client. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "client/client.h"
#include "delivery/delivery.h"

#define LANE_MAILS 100u /* over one connection; then others have a turn */

/* ---- life ----------------------------------------------------------------------------------------*/
void tern__lane_free(tern_delivery *d, tern__lane *lane)
{
  tern__lane **at = &d->lanes;

  while (*at && *at != lane) at = &(*at)->next;
  if (*at) *at = lane->next;
  tern_client_free(lane->client);
  if (lane->pair) tern__free(d->mem, lane->pair, sizeof *lane->pair);
  if (lane->host) {
    lane->host->addresses[lane->address].lanes--;
    tern__mxhost_give(lane->host);
  }
  if (lane->hop) {
    lane->hop->lanes--;
    tern__hop_give(d, lane->hop);
  }
  if (lane->idle) d->idle_count--;
  d->lane_count--;
  d->wake = 1;
  tern__free(d->mem, lane, sizeof *lane);
}

static int same_name(const char *a, const char *b)
{
  return a && b ? !strcmp(a, b) : a == b;
}

/* Whether the lane goes where the part has to go, under nothing less than its plan. */
static int fits(const tern__lane *lane, const tern__part *part)
{
  const tern__hop *hop = part->hop;

  if (!lane->idle || lane->requiretls != part->job->requiretls) return 0;
  if (hop->route) return lane->route == hop->route;
  return lane->host == hop->hosts[part->host] && !(part->gone >> lane->address & 1) &&
         lane->plan.level == part->plan.level && lane->plan.policy == part->plan.policy &&
         lane->plan.watch == part->plan.watch && same_name(lane->plan.name, part->plan.name);
}

/* ---- settings of the client ----------------------------------------------------------------------*/
static void set_common(tern_delivery *d, tern_client *c, uint32_t requiretls)
{
  uint32_t i;

  tern_client_set_blocking(c, 0);
  tern_client_set_resolver(c, tern__delivery_resolver(d)); /* for routes by name */
  tern_client_set_ca(c, d->ca);
  if (d->ehlo_name) tern_client_set_ehlo_name(c, d->ehlo_name);
  if (d->trace) tern_client_set_trace(c, d->trace, d->trace_user);
  tern_client_set_mask(c, d->mask);
  for (i = 0; i < TERN_PHASES; i++) /* TERN_PHASE_NONE, which is all, first */
    if (d->timeout_set & (1u << i)) tern_client_set_timeout(c, i, d->timeout[i]);
  if (requiretls) tern_client_set_policy(c, TERN_CAP_REQUIRETLS, TERN_REQUIRE);
}

static tern_status set_dane(tern__lane *lane, const tern__part *part)
{
  const tern__mxhost *h = lane->host;
  const char *names[3];
  size_t n = 0;

  /* RFC 7672 3.2.2: the TLSA base domain, which SNI carries too, the host as it was named, and, where the
   * MX answer was secure, the domain itself */
  names[n++] = h->tlsa_base ? h->tlsa_base : h->name;
  if (strcmp(names[0], h->name) != 0) names[n++] = h->name;
  if (part->hop->mx_secure && part->hop->kind == TERN__DOMAIN_NAME) names[n++] = part->hop->domain;
  return tern_client_set_tlsa(lane->client, h->records, h->record_count, names, n);
}

static tern_status set_plan(tern__lane *lane, const tern__part *part)
{
  tern_client *c = lane->client;
  tern_status st = TERN_OK;

  switch (lane->plan.level) {
    case TERN__LEVEL_NONE: return tern_client_set_tls(c, TERN_TLS_NONE);
    case TERN__LEVEL_MAY:
      st = tern_client_set_tls(c, TERN_TLS_OPPORTUNISTIC);
      if (st == TERN_OK)
        st = tern_client_set_verify(c, lane->plan.watch ? TERN_VERIFY_OPTIONAL : TERN_VERIFY_NONE);
      break;
    case TERN__LEVEL_ENCRYPT:
      st = tern_client_set_tls(c, TERN_TLS_REQUIRED);
      if (st == TERN_OK) st = tern_client_set_verify(c, TERN_VERIFY_NONE);
      break;
    case TERN__LEVEL_VERIFY: st = tern_client_set_tls(c, TERN_TLS_REQUIRED); break;
    default:
      st = tern_client_set_tls(c, TERN_TLS_REQUIRED);
      return st == TERN_OK ? set_dane(lane, part) : st;
  }
  if (st == TERN_OK && lane->plan.name) return tern_client_set_tls_name(c, lane->plan.name);
  if (st == TERN_OK && lane->host) return tern_client_set_tls_name(c, lane->host->name);
  return st;
}

/* ---- taking --------------------------------------------------------------------------------------*/
/* An idle lane is so no more. */
static void set_idle(tern_delivery *d, tern__lane *lane, uint32_t idle)
{
  if (lane->idle == idle) return;
  lane->idle = (uint8_t)idle;
  d->idle_count += idle ? 1u : UINT32_MAX;
}

static void leave(tern_delivery *d, tern__lane *lane)
{
  set_idle(d, lane, 0);
  (void)tern_client_quit(lane->client);
  lane->leaving = lane->ready = 1;
}

/* Whether a part waits for just that way. */
static int wanted(const tern__lane *lane)
{
  return lane->host ? lane->host->waiting != 0 : lane->hop->waiting != 0;
}

/* Whether the limits leave room for one more; an idle lane that nobody waits for is given up for it. */
static int room(tern_delivery *d, const tern__part *part)
{
  const tern__hop *hop = part->hop;
  tern__lane *lane;

  if (hop->lanes >= d->max_domain) return 0;
  if (!hop->route && hop->hosts[part->host]->addresses[part->address].lanes >= d->max_address)
    return 0;
  if (d->lane_count < d->max_lanes) return 1;
  for (lane = d->lanes; lane; lane = lane->next)
    if (lane->idle && !wanted(lane)) {
      leave(d, lane);
      break;
    }
  return 0;
}

static tern__lane *make(tern_delivery *d, tern__part *part)
{
  tern__hop *hop = part->hop;
  tern__lane *lane = tern__alloc(d->mem, sizeof *lane);

  if (!lane) return NULL;
  lane->client = tern_client_new(d->mem);
  if (!lane->client) {
    tern__free(d->mem, lane, sizeof *lane);
    return NULL;
  }
  lane->hop = hop;
  hop->users++;
  hop->lanes++;
  lane->route = hop->route;
  lane->requiretls = part->job->requiretls;
  lane->plan = part->plan;
  lane->plan.why = NULL;
  if (!hop->route) {
    lane->host = hop->hosts[part->host];
    lane->host->users++;
    lane->address = part->address;
    lane->host->addresses[lane->address].lanes++;
  }
  if (part->plan.name) {
    tern__words_cut(lane->name, sizeof lane->name, part->plan.name);
    lane->plan.name = lane->name;
  }
  lane->next = d->lanes;
  d->lanes = lane;
  d->lane_count++;
  return lane;
}

/* The next address of the other family, if it is worth a try, races with the lane's (RFC 8305): what is
 * dead on one way, silently, costs a quarter of a second. */
static tern_status pair_up(tern_delivery *d, tern__lane *lane, const tern__part *part)
{
  const tern__mxhost *host = lane->host;
  const tern__host_address *a = &host->addresses[lane->address], *b = NULL;
  char text[48];
  uint32_t i;

  for (i = 0; i < host->count && !b; i++) {
    b = &host->addresses[i];
    if (i <= lane->address || (part->gone >> i & 1) || b->len == a->len || b->dead_until > d->now ||
        b->lanes >= d->max_address)
      b = NULL;
    else
      lane->other = i;
  }
  if (!b) return TERN_OK;
  lane->pair = tern__alloc(d->mem, sizeof *lane->pair);
  if (!lane->pair) return TERN_E_NOMEM;
  tern__address_write(b->octets, b->len, text, sizeof text);
  if (!tern__sockaddr_literal(text, d->port, &lane->pair->other)) return TERN_E_HOST;
  lane->client->pair = lane->pair;
  return TERN_OK;
}

static tern_status connect_to(tern_delivery *d, tern__lane *lane, const tern__part *part)
{
  const tern__host_address *a;
  char text[48], url[80];
  tern_status st;

  set_common(d, lane->client, lane->requiretls);
  if (lane->route) {
    st = part->hop->choice == TERN_POLICY_AUTO ? TERN_OK : set_plan(lane, part);
    return st != TERN_OK ? st : tern_client_connect(lane->client, lane->route->value);
  }
  st = set_plan(lane, part);
  if (st != TERN_OK) return st;
  st = pair_up(d, lane, part);
  if (st != TERN_OK) return st;
  a = &lane->host->addresses[lane->address];
  tern__address_write(a->octets, a->len, text, sizeof text);
  snprintf(url, sizeof url, a->len == 4 ? "smtp://%s:%lu" : "smtp://[%s]:%lu", text,
           (unsigned long)d->port);
  return tern_client_connect(lane->client, url);
}

tern__lane *tern__lane_get(tern_delivery *d, tern__part *part, tern_status *status)
{
  tern__lane *lane;

  *status = TERN_E_AGAIN;
  if (!d->idle_count && d->lane_count >= d->max_lanes) return NULL;
  *status = TERN_OK;
  for (lane = d->idle_count ? d->lanes : NULL; lane; lane = lane->next)
    if (fits(lane, part)) break;
  if (lane) {
    part->reused = 1;
  } else {
    if (!room(d, part)) {
      *status = TERN_E_AGAIN;
      return NULL;
    }
    part->reused = 0;
    lane = make(d, part);
    *status = lane ? connect_to(d, lane, part) : TERN_E_NOMEM;
    if (*status == TERN_E_AGAIN) *status = TERN_OK;
    if (!lane) return NULL;
  }
  set_idle(d, lane, 0);
  lane->part = part;
  lane->ready = 1;
  part->lane = lane;
  return lane;
}

/* ---- moving --------------------------------------------------------------------------------------*/
/* A mail has ended: the lane is free for the next, or given up. */
static void release(tern_delivery *d, tern__lane *lane)
{
  lane->part = NULL;
  lane->mails++;
  if (!tern_client_connected(lane->client) || lane->leaving) {
    tern__lane_free(d, lane);
  } else if (lane->mails >= LANE_MAILS || (!d->idle_time && !wanted(lane))) {
    leave(d, lane);
  } else {
    set_idle(d, lane, 1);
    d->wake = 1;
    lane->idle_until = d->now + d->idle_time;
    lane->ready = 0;
  }
}

/* An idle lane: what can be read there is its end; and its time runs out. */
static int idle_step(tern_delivery *d, tern__lane *lane)
{
  if (d->now < lane->idle_until) {
    tern__lane_free(d, lane);
  } else {
    leave(d, lane);
  }
  return 1;
}

static int lane_step(tern_delivery *d, tern__lane *lane)
{
  tern_status st;

  if (!lane->ready && !(d->blind && (lane->part || lane->leaving))) return 0;
  lane->ready = 0;
  if (!lane->part && !lane->leaving) return idle_step(d, lane);
  st = tern_client_step(lane->client);
  if (lane->pair && lane->pair->over && lane->part && !lane->told) tern__walk_raced(d, lane);
  if (lane->part) {
    if (!tern_client_finished(lane->client)) return 0;
    tern__walk_ended(d, lane);
    release(d, lane);
    return 1;
  }
  if (st == TERN_E_AGAIN) return 0;
  tern__lane_free(d, lane);
  return 1;
}

int tern__lanes_step(tern_delivery *d)
{
  tern__lane *lane, *next;
  int moved = 0;

  for (lane = d->lanes; lane; lane = next) {
    next = lane->next;
    moved |= lane_step(d, lane);
  }
  return moved;
}

void tern__lanes_watch(tern_delivery *d)
{
  tern__lane *lane;

  for (lane = d->lanes; lane; lane = lane->next) {
    int idle = !lane->part && !lane->leaving;
    int32_t timeout = tern_client_timeout(lane->client);
    uint64_t due = idle ? lane->idle_until : timeout < 0 ? TERN_NEVER : d->now + (uint64_t)timeout;
    tern__watch_add(d, tern_client_fd(lane->client),
                    idle ? TERN_READ : tern_client_wants(lane->client), due, &lane->ready);
  }
}

void tern__lanes_quit(tern_delivery *d)
{
  tern__lane *lane;

  for (lane = d->lanes; lane; lane = lane->next)
    if (lane->idle) leave(d, lane);
}
