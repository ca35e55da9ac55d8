/* walk.c - one mail, domain by domain, host by host, address by address.
 *
 * The recipients of a domain are a part. A part goes to the hosts of its domain in their order: to the next
 * address where a connection or its TLS fails, to the next host where the answer is 4xx; it stops for a
 * recipient at acceptance, at a 5xx and at "unknown", which is never tried again (RFC 5321 5.1, 4.5.4). Each
 * try is a mail of its own (child.c); what becomes of its recipients is written to the mail that was handed
 * in. Neighbours: job.c makes parts, hop.c and mxhost.c look up, policy.c decides, lane.c connects, tell.c
 * reports. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "delivery/delivery.h"

/* ---- outcomes ------------------------------------------------------------------------------------*/
static uint32_t open_rcpts(const tern__part *part)
{
  uint32_t i, n = 0;

  for (i = 0; i < part->count; i++) n += !part->job->settled[part->rcpts[i]];
  return n;
}

/* A recipient is not settled by this: the error stands until a better or graver one is known. */
static void put_off(tern__part *part, uint32_t rcpt, uint32_t outcome, const tern_error *error,
                    uint32_t attempt)
{
  tern__rcpt *r = &part->job->mail->rcpts[rcpt];

  if (outcome == TERN_UNSENT) {
    if (r->outcome == TERN_DEFERRED) return; /* a server has spoken */
    if (r->error.status != TERN_E_AGAIN && tern__error_graver(&r->error, error)) return;
  }
  tern__mail_settle(part->job->mail, rcpt, outcome, error);
  part->job->report->rcpts[rcpt].attempt = attempt;
}

static void put_off_all(tern__part *part, const tern_error *error, uint32_t attempt)
{
  uint32_t i;

  for (i = 0; i < part->count; i++)
    if (!part->job->settled[part->rcpts[i]])
      put_off(part, part->rcpts[i], TERN_UNSENT, error, attempt);
}

/* Counts the part among those that wait for a lane on its way, or no longer. */
static void wait_for_lane(tern__part *part, uint32_t waits)
{
  tern__hop *hop = part->hop;
  uint32_t *count;

  if (part->waits == waits) return;
  count = hop->route ? &hop->waiting : &hop->hosts[part->host]->waiting;
  part->waits = (uint8_t)waits;
  *count += waits ? 1u : UINT32_MAX;
}

static void finish_part(tern__part *part)
{
  uint32_t i;

  wait_for_lane(part, 0);
  for (i = 0; i < part->count; i++) part->job->settled[part->rcpts[i]] = 1;
  part->state = TERN__PART_DONE;
}

/* ---- hosts ---------------------------------------------------------------------------------------*/
/* That address of the host is done with. */
static void leave_address(tern__part *part, uint32_t address)
{
  part->gone |= (uint32_t)1 << address;
  part->address = 0;
  while (part->gone >> part->address & 1) part->address++;
}

static void next_host(tern__part *part)
{
  wait_for_lane(part, 0);
  part->host++;
  part->address = part->gone = 0;
  part->state = TERN__PART_HOST;
}

/* Nothing is sent to this host, for this reason. */
static void skip_host(tern_delivery *d, tern__part *part, tern_status status, uint32_t phase,
                      const char *why)
{
  char text[400];
  const char *host = part->host < part->hop->mx_count ? part->hop->mx[part->host].host : "";
  tern_error e;

  tern__error_set(&e, status, phase);
  snprintf(text, sizeof text, "%s%s%s", host[0] ? host : part->hop->domain,
           why && why[0] ? ": " : "", why ? why : "");
  e.detail = text;
  part->began = tern__wall();
  put_off_all(part, &e, tern__tell_unconnected(d, part, host, &e));
  next_host(part);
}

static void make_plan(tern__part *part, const tern__mxhost *host)
{
  tern__policy_facts f;

  f.choice = part->hop->choice;
  f.match = part->hop->match;
  f.host = host->name;
  f.dane = host->dane;
  f.sts = tern__hop_sts(part->hop, host->name);
  f.mx_secure = part->hop->mx_secure;
  f.requiretls = part->job->requiretls;
  tern__policy_decide(&f, &part->plan);
}

/* The plan on a route is the URL's, unless the table has one of its own. */
static void plan_route(tern__part *part)
{
  tern__policy_facts f;

  memset(&f, 0, sizeof f);
  f.choice = part->hop->choice == TERN_POLICY_AUTO ? part->hop->route->policy : part->hop->choice;
  f.match = part->hop->match;
  f.mx_secure = 1;
  f.requiretls = part->job->requiretls;
  tern__policy_decide(&f, &part->plan);
  if (part->plan.policy != TERN_POLICY_VERIFY) return;
  part->plan.name = part->hop->match;
}

static uint32_t may_want_dane(const tern__part *part)
{
#ifdef TERN_NO_TLS
  (void)part;
  return 0;
#else
  return part->hop->choice == TERN_POLICY_AUTO || part->hop->choice == TERN_POLICY_DANE;
#endif
}

/* At a host: its look-ups, then the plan. */
static int host_step(tern_delivery *d, tern__part *part)
{
  tern__hop *hop = part->hop;
  tern__mxhost *host;

  if (hop->route) {
    if (part->host) {
      finish_part(part);
      return 1;
    }
    plan_route(part);
    part->state = TERN__PART_LANE;
    return 1;
  }
  if (part->host >= hop->mx_count || part->tries >= TERN__TRIES_MAX) {
    finish_part(part);
    return 1;
  }
  if (!hop->hosts[part->host])
    hop->hosts[part->host] = tern__mxhost_take(d, hop->mx[part->host].host,
                                               hop->kind == TERN__DOMAIN_LITERAL);
  host = hop->hosts[part->host];
  if (!host) {
    skip_host(d, part, TERN_E_NOMEM, TERN_PHASE_RESOLVE, NULL);
    return 1;
  }
  if (!tern__mxhost_ready(d, host, may_want_dane(part))) return 0;
  make_plan(part, host);
  if (host->status != TERN_OK)
    skip_host(d, part, host->status, TERN_PHASE_RESOLVE, host->detail);
  else if (part->plan.refused != TERN_OK)
    skip_host(d, part, part->plan.refused,
              part->plan.refused == TERN_E_RESOLVE ? TERN_PHASE_RESOLVE : TERN_PHASE_TLS, part->plan.why);
  else
    part->state = TERN__PART_LANE;
  return 1;
}

/* ---- sending -------------------------------------------------------------------------------------*/
/* An address that is remembered as dead; 1: passed over. */
static int pass_dead(tern_delivery *d, tern__part *part)
{
  const tern__mxhost *host = part->hop->hosts[part->host];
  const tern__host_address *a = &host->addresses[part->address];
  char text[120], address[48];
  tern_error e;

  if (a->dead_until <= d->now) return 0;
  tern__address_write(a->octets, a->len, address, sizeof address);
  snprintf(text, sizeof text, "%s: did not accept a connection a moment ago", address);
  tern__error_set(&e, a->dead_status, TERN_PHASE_CONNECT);
  e.detail = text;
  part->began = tern__wall();
  put_off_all(part, &e, tern__tell_unconnected(d, part, host->name, &e));
  leave_address(part, part->address);
  return 1;
}

/* Whether the content's source is another part's now. */
static int must_wait_for_source(tern__part *part)
{
  tern__job *job = part->job;

  if (!job->mail->source) return 0;
  if (job->source_user && job->source_user != part) return 1;
  job->source_user = part;
  return 0;
}

/* ms of the mail's total; 0: no limit. */
static uint32_t time_left(const tern_delivery *d, const tern__job *job)
{
  uint64_t left;

  if (job->due == TERN_NEVER) return 0;
  left = job->due > d->now ? job->due - d->now : 1;
  return left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

static int lane_step(tern_delivery *d, tern__part *part)
{
  const tern__hop *hop = part->hop;
  tern_status st;
  tern_error e;

  if (!hop->route) {
    if (part->address >= hop->hosts[part->host]->count) {
      next_host(part);
      return 1;
    }
    if (pass_dead(d, part)) return 1;
  }
  if (must_wait_for_source(part)) return 0;
  if (!tern__lane_get(d, part, &st)) {
    wait_for_lane(part, st == TERN_E_AGAIN);
    if (st == TERN_E_AGAIN) {
      if (part->job->source_user == part) part->job->source_user = NULL;
      return 0;
    }
    part->began = tern__wall();
    skip_host(d, part, st, TERN_PHASE_NONE, NULL);
    return 1;
  }
  wait_for_lane(part, 0);
  part->began = tern__wall();
  part->tries++;
  if (st == TERN_OK) part->child = tern__child_new(d, part);
  if (st == TERN_OK && !part->child) st = TERN_E_NOMEM;
  if (st == TERN_OK) st = tern_client_set_total_timeout(part->lane->client, time_left(d, part->job));
  if (st == TERN_OK) st = tern_client_send(part->lane->client, part->child);
  if (st == TERN_E_AGAIN) {
    part->state = TERN__PART_SENDING;
    return 1;
  }
  tern__error_set(&e, st, TERN_PHASE_NONE);
  if (tern_error_status(tern_client_error(part->lane->client)) == st)
    e = *tern_client_error(part->lane->client);
  put_off_all(part, &e, tern__tell_sent(d, part, &e));
  if (part->child) (void)tern_mail_free(part->child);
  part->child = NULL;
  part->job->source_user = NULL;
  part->lane->part = NULL;
  tern__lane_free(d, part->lane);
  part->lane = NULL;
  finish_part(part); /* a setting that cannot be used: no other host would do */
  return 1;
}

/* ---- what came of it -----------------------------------------------------------------------------*/
#define GO_STOP 0u
#define GO_ADDRESS 1u /* the next address of the host */
#define GO_HOST 2u
#define GO_AGAIN 3u /* the same address: it took some, and wants the rest apart */

/* Where recipients that are still open go after this. */
static uint32_t whither(const tern_error *why, uint32_t accepted, uint32_t deferred,
                        uint32_t too_many)
{
  if (why->status == TERN_E_CANCELLED || why->status == TERN_E_NOMEM) return GO_STOP;
  if (accepted && too_many) return GO_AGAIN; /* RFC 5321 4.5.3.1.10 */
  if (deferred) return GO_HOST;
  switch (tern_status_class(why->status)) {
    case TERN_CLASS_CALLER: return GO_STOP;
    case TERN_CLASS_MAIL: /* what one host cannot do another may */
      return why->status == TERN_E_TOO_BIG || why->status == TERN_E_NEEDS_SMTPUTF8 ||
                     why->status == TERN_E_NEEDS_8BITMIME || why->status == TERN_E_NEEDS_EXTENSION
                 ? GO_HOST
                 : GO_STOP;
    default: return GO_ADDRESS;
  }
}

static void remember_dead(tern_delivery *d, const tern__lane *lane, uint32_t address,
                          const tern_error *why)
{
  tern__host_address *a;

  if (!lane->host || !d->dead_time || why->phase != TERN_PHASE_CONNECT) return;
  if (why->status != TERN_E_CONNECT && why->status != TERN_E_TIMEOUT) return;
  a = &lane->host->addresses[address];
  a->dead_until = d->now + d->dead_time;
  a->dead_status = why->status;
}

/* Two addresses of the lane's host raced: who connected is the lane's from now on. Who failed is told of and
 * remembered; who was only slower may still be tried. */
void tern__walk_raced(tern_delivery *d, tern__lane *lane)
{
  tern__pair *pair = lane->pair;
  uint32_t i, first = lane->address;

  lane->told = 1;
  if (pair->other_won) {
    lane->host->addresses[first].lanes--;
    lane->address = lane->other;
    lane->host->addresses[lane->address].lanes++;
  }
  for (i = 0; i < pair->tried.count; i++) {
    const tern__tried_one *one = &pair->tried.list[i];
    uint32_t address = tern__sockaddr_same(&one->address, &pair->other) ? lane->other : first;
    char text[160], name[60];
    tern_error e;

    if (one->result != TERN__TRIED_FAILED || address == lane->address) continue;
    tern__error_set(&e, TERN_E_CONNECT, TERN_PHASE_CONNECT);
    tern__sockaddr_name(&one->address, name, sizeof name);
    snprintf(text, sizeof text, "%s: %s", name, one->reason);
    e.detail = text;
    put_off_all(lane->part, &e, tern__tell_lost(d, lane->part, lane->host, address, &e));
    remember_dead(d, lane, address, &e);
    leave_address(lane->part, address);
  }
}

static void go_on(tern__part *part, uint32_t whereto, uint32_t address)
{
  if (!open_rcpts(part) || whereto == GO_STOP) {
    finish_part(part);
  } else if (whereto == GO_HOST) {
    next_host(part);
  } else {
    if (whereto == GO_ADDRESS) {
      if (part->hop->route)
        part->host++;
      else
        leave_address(part, address);
    }
    part->state = part->hop->route ? TERN__PART_HOST : TERN__PART_LANE;
    if (part->tries >= TERN__TRIES_MAX) finish_part(part);
  }
}

void tern__walk_ended(tern_delivery *d, tern__lane *lane)
{
  tern__part *part = lane->part;
  tern_mail *c = part->child;
  tern__job *job = part->job;
  tern_error why = *tern_mail_error(c);
  uint32_t i, k, n = 0, accepted = 0, deferred = 0, too_many = 0, attempt;

  attempt = tern__tell_sent(d, part, c->status == TERN_OK && c->rcpt_count ? &c->rcpts[0].error : &why);
  for (i = 0; i < part->count; i++) {
    const tern__rcpt *from;
    k = part->rcpts[i];
    if (job->settled[k] || n >= c->rcpt_count) continue;
    from = &c->rcpts[n++];
    accepted += from->outcome == TERN_ACCEPTED;
    too_many += from->error.status == TERN_E_TOO_MANY_RECIPIENTS;
    if (from->outcome == TERN_DEFERRED || from->outcome == TERN_UNSENT) {
      deferred += from->outcome == TERN_DEFERRED;
      put_off(part, k, from->outcome, &from->error, attempt);
      continue;
    }
    tern__mail_settle(job->mail, k, from->outcome, &from->error);
    job->report->rcpts[k].attempt = attempt;
    job->settled[k] = 1;
  }
  remember_dead(d, lane, lane->address, &why);
  job->mail->source_read = c->source_read;
  if (job->source_user == part) job->source_user = NULL;
  part->child = NULL;
  part->lane = NULL;
  (void)tern_mail_free(c);
  go_on(part, whither(&why, accepted, deferred, too_many), lane->address);
}

/* ---- steps ---------------------------------------------------------------------------------------*/
static int lookup_step(tern_delivery *d, tern__part *part)
{
  tern__hop *hop = part->hop;

  if (!tern__hop_ready(d, hop)) return 0;
  part->job->domains_left--;
  if (hop->status != TERN_OK) {
    part->plan.policy = hop->choice == TERN_POLICY_AUTO ? TERN_POLICY_MAY : hop->choice;
    skip_host(d, part, hop->status, TERN_PHASE_RESOLVE, hop->detail);
    finish_part(part);
    return 1;
  }
  tern__tell_sts(d, part);
  part->state = d->join ? TERN__PART_JOIN : TERN__PART_HOST;
  return 1;
}

static int part_step(tern_delivery *d, tern__part *part)
{
  switch (part->state) {
    case TERN__PART_LOOKUP: return lookup_step(d, part);
    case TERN__PART_HOST: return host_step(d, part);
    case TERN__PART_LANE: return lane_step(d, part);
    default: return 0; /* waits for others, or is done */
  }
}

static void cancel_lane(tern_delivery *d, tern__part *part)
{
  tern__lane *lane = part->lane;

  tern_client_cancel(lane->client);
  (void)tern_client_step(lane->client);
  (void)tern_client_finished(lane->client);
  tern__walk_ended(d, lane);
  tern__lane_free(d, lane);
}

/* What is being sent when the time is out ends by its client's own deadline, which is the same. */
void tern__walk_cancel(tern_delivery *d, tern__job *job, tern_status status)
{
  tern__part *part;
  tern_error e;

  for (part = job->parts; part; part = part->next) {
    if (part->state == TERN__PART_SENDING && status == TERN_E_CANCELLED) cancel_lane(d, part);
    if (part->state == TERN__PART_DONE || part->state == TERN__PART_SENDING) continue;
    tern__error_set(&e, status, part->state == TERN__PART_LOOKUP ? TERN_PHASE_RESOLVE : TERN_PHASE_NONE);
    put_off_all(part, &e, TERN_NO_ATTEMPT);
    finish_part(part);
  }
}

static int job_step(tern_delivery *d, tern__job *job)
{
  tern__part *part;
  int moved = 0, left = 0;

  if (d->now >= job->due) tern__walk_cancel(d, job, TERN_E_TIMEOUT);
  for (part = job->parts; part; part = part->next) {
    moved |= part_step(d, part);
    left += part->state != TERN__PART_DONE;
  }
  if (d->join && !job->domains_left && left) {
    for (part = job->parts; part && part->state != TERN__PART_JOIN; part = part->next) {
    }
    if (part) {
      tern__job_join(d, job);
      return 1;
    }
  }
  if (left) return moved;
  tern__job_end(d, job);
  return 1;
}

int tern__walk_step(tern_delivery *d)
{
  tern__job *job, *next;
  int moved = 0;

  if (!d->wake && d->now < d->job_due) return 0;
  d->wake = 0;
  for (job = d->jobs; job; job = next) {
    next = job->next;
    moved |= job_step(d, job);
  }
  if (moved) d->wake = 1;
  return moved;
}

void tern__walk_watch(tern_delivery *d)
{
  tern__job *job;

  d->job_due = TERN_NEVER;
  for (job = d->total ? d->jobs : NULL; job; job = job->next)
    if (job->due < d->job_due && job->due > d->now) d->job_due = job->due;
  if (d->job_due < d->due) d->due = d->job_due;
}
