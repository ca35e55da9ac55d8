/* walk.c - one mail, domain by domain, host by host, address by address.
 *
 * The recipients of a domain are a part. A part goes to the hosts of its domain in their order: to the next
 * address where a connection or its TLS fails, to the next host where the answer is 4xx; it stops for a
 * recipient at acceptance, at a 5xx and at "unknown", which is never tried again (RFC 5321 5.1, 4.5.4). Each
 * try is a mail of its own that borrows the content (design decision 9); what becomes of its recipients is
 * written to the mail that was handed in. Neighbours: hop.c and mxhost.c look up, policy.c decides, lane.c
 * connects, tell.c reports. */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "base/words.h"
#include "delivery/delivery.h"

/* ---- recipients by domain ------------------------------------------------------------------------*/
static void settle_unsent(tern__job *job, uint32_t rcpt, const tern_error *error)
{
  job->settled[rcpt] = 1;
  tern__mail_settle(job->mail, rcpt, TERN_UNSENT, error);
}

static int add_rcpt(tern_delivery *d, tern__part *part, uint32_t rcpt)
{
  uint32_t cap = part->cap ? part->cap * 2 : 4;
  uint32_t *more;

  if (part->count == part->cap) {
    more = tern__alloc(d->mem, cap * sizeof *more);
    if (!more) return 0;
    if (part->count) memcpy(more, part->rcpts, part->count * sizeof *more);
    tern__free(d->mem, part->rcpts, part->cap * sizeof *more);
    part->rcpts = more;
    part->cap = cap;
  }
  part->rcpts[part->count++] = rcpt;
  return 1;
}

/* The part that goes to this domain, made where there is none yet. */
static tern__part *part_of(tern_delivery *d, tern__job *job, tern__part **index, const char *domain,
                           uint32_t kind)
{
  tern__part **bucket = &index[tern__bucket(domain)], *p;

  for (p = *bucket; p; p = p->same_bucket)
    if (!strcmp(p->hop->domain, domain) && p->hop->kind == kind) return p;
  p = tern__alloc(d->mem, sizeof *p);
  if (!p) return NULL;
  p->hop = tern__hop_take(d, domain, kind);
  if (!p->hop) {
    tern__free(d->mem, p, sizeof *p);
    return NULL;
  }
  p->job = job;
  p->began = tern__wall();
  p->same_bucket = *bucket;
  *bucket = p;
  p->next = job->parts;
  job->parts = p;
  job->domains_left++;
  return p;
}

static tern_status group(tern_delivery *d, tern__job *job)
{
  tern__part *index[TERN__BUCKETS];
  char domain[TERN__DOMAIN_MAX];
  tern_mail *mail = job->mail;
  tern__part *part;
  uint32_t i, kind;

  memset(index, 0, sizeof index);
  for (i = 0; i < mail->rcpt_count; i++) {
    tern_error e;
    tern_status st;
    if (job->settled[i]) continue;
    st = tern__domain_of(mail->rcpts[i].address, domain, &kind);
    if (st != TERN_OK) {
      tern__error_field(&e, st, TERN_FIELD_FORWARD_PATH, NULL, SIZE_MAX);
      e.index = i;
      settle_unsent(job, i, &e);
      continue;
    }
    part = part_of(d, job, index, domain, kind);
    if (!part || !add_rcpt(d, part, i)) return TERN_E_NOMEM;
    job->report->rcpts[i].domain = tern__report_text(job->report, domain);
    job->report->rcpts[i].tries++;
  }
  return TERN_OK;
}

/* ---- life of a job -------------------------------------------------------------------------------*/
static void free_part(tern_delivery *d, tern__part *p)
{
  if (p->child) (void)tern_mail_free(p->child);
  tern__hop_give(p->hop);
  tern__free(d->mem, p->rcpts, p->cap * sizeof *p->rcpts);
  tern__free(d->mem, p, sizeof *p);
}

static void free_job(tern_delivery *d, tern__job *job)
{
  tern__part *p;

  while ((p = job->parts) != NULL) {
    job->parts = p->next;
    free_part(d, p);
  }
  tern_history_free(job->report);
  tern__free(d->mem, job->settled, job->mail->rcpt_count);
  tern__free(d->mem, job, sizeof *job);
}

static void drop_report(void *report)
{
  tern_history_free(report);
}

/* A mail that has ended leaves the list in which it waits to be fetched. */
static void leave(void *owner, tern_mail *mail)
{
  tern_delivery *d = owner;
  tern_mail **at = &d->finished;

  while (*at && *at != mail) at = &(*at)->next;
  if (*at) *at = mail->next;
  mail->next = NULL;
}

/* All parts are done: the mail has its outcome, and the report is its own. */
static void end_job(tern_delivery *d, tern__job *job)
{
  tern__job **at = &d->jobs;
  tern_mail **last = &d->finished;
  tern_error none;

  while (*at != job) at = &(*at)->next;
  *at = job->next;
  tern__tell_end(d, job);
  tern__error_set(&none, TERN_OK, TERN_PHASE_NONE);
  tern__mail_conclude(job->mail, &none);
  tern__mail_own_report(job->mail, job->report, drop_report);
  job->report = NULL;
  job->mail->where = TERN__MAIL_FINISHED;
  job->mail->owner = d;
  job->mail->disown = leave;
  while (*last) last = &(*last)->next;
  *last = job->mail;
  free_job(d, job);
}

/* Whether REQUIRETLS stands among the MAIL parameters. */
static uint32_t wants_requiretls(const char *params)
{
  size_t len;

  while (params && *params) {
    len = strcspn(params, " ");
    if (tern__same(params, len, "requiretls")) return 1;
    params += len;
    while (*params == ' ') params++;
  }
  return 0;
}

/* What an earlier report knows stays as it is. */
static void take_earlier(tern__job *job)
{
  const tern_result *r;
  tern_error e;
  uint32_t i;

  for (i = 0; i < job->mail->rcpt_count; i++) {
    r = &job->report->rcpts[i];
    if (r->outcome != TERN_ACCEPTED && r->outcome != TERN_REJECTED && r->outcome != TERN_UNKNOWN)
      continue;
    tern__error_set(&e, r->outcome == TERN_UNKNOWN ? TERN_E_IN_DOUBT : r->status, r->phase);
    e.per_recipient = r->phase == TERN_PHASE_RCPT;
    e.reply.code = (uint16_t)r->code;
    tern__words_cut(e.reply.enhanced, sizeof e.reply.enhanced, r->enhanced);
    e.reply.text = r->text;
    tern__mail_settle(job->mail, i, r->outcome, &e);
    job->settled[i] = 1;
  }
}

static tern_status fill_job(tern_delivery *d, tern__job *job, const tern_history *earlier)
{
  tern_status st = TERN_OK;

  job->settled = tern__alloc(d->mem, job->mail->rcpt_count);
  job->report = tern__report_of(job->mail, tern__wall());
  if (!job->settled || !job->report) return TERN_E_NOMEM;
  if (earlier) {
    st = tern__report_continue(job->report, earlier);
    if (st == TERN_OK) take_earlier(job);
  }
  job->requiretls = wants_requiretls(job->mail->params);
  if (d->total) job->due = d->now + d->total;
  return st == TERN_OK ? group(d, job) : st;
}

tern_status tern__walk_begin(tern_delivery *d, tern_mail *mail, const tern_history *earlier)
{
  tern__job *job = tern__alloc(d->mem, sizeof *job), **last = &d->jobs;
  tern_status st = TERN_E_NOMEM;

  if (job) {
    job->mail = mail;
    job->due = TERN_NEVER;
    st = fill_job(d, job, earlier);
    if (st != TERN_OK) free_job(d, job);
  }
  if (st != TERN_OK) return st;
  mail->where = TERN__MAIL_IN_FLIGHT;
  while (*last) last = &(*last)->next;
  *last = job;
  return TERN_OK;
}

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

static void finish_part(tern__part *part)
{
  uint32_t i;

  for (i = 0; i < part->count; i++) part->job->settled[part->rcpts[i]] = 1;
  part->state = TERN__PART_DONE;
}

/* ---- hosts ---------------------------------------------------------------------------------------*/
static void next_host(tern__part *part)
{
  part->host++;
  part->address = 0;
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
static int is_ascii(const char *text, size_t len)
{
  size_t i;

  for (i = 0; i < len; i++)
    if ((uint8_t)text[i] > 127) return 0;
  return 1;
}

/* The address as it is sent: where only the domain is beyond ASCII, with that as A-labels, so that no host
 * needs SMTPUTF8 for it. out is 64 + 1 + TERN__DOMAIN_MAX octets. */
static const char *rcpt_address(const tern__job *job, uint32_t rcpt, char *out)
{
  const char *address = job->mail->rcpts[rcpt].address, *at = strrchr(address, '@');
  const char *domain = job->report->rcpts[rcpt].domain;
  size_t local = at ? (size_t)(at - address) + 1 : 0;

  if (!local || local > 65 || !domain[0] || at[1] == '[' || !is_ascii(address, local) ||
      is_ascii(at, strlen(at)))
    return address;
  memcpy(out, address, local);
  memcpy(out + local, domain, strlen(domain) + 1);
  return out;
}

/* A mail of the part's own, with its recipients that are open and the content of the job's mail. */
static tern_mail *make_child(tern_delivery *d, const tern__part *part)
{
  const tern_mail *mail = part->job->mail;
  tern_mail *c = tern_mail_new(d->mem);
  char address[65 + TERN__DOMAIN_MAX];
  tern_status st;
  uint32_t i, n = 0;

  st = tern_mail_from(c, mail->reverse_path);
  if (st == TERN_OK) st = tern_mail_set_envid(c, mail->envid);
  if (st == TERN_OK) st = tern_mail_set_params(c, mail->params);
  if (st == TERN_OK) st = tern_mail_set_flags(c, mail->flags);
  if (st == TERN_OK) st = tern__mail_copy_terms(c, mail);
  for (i = 0; i < part->count && st == TERN_OK; i++) {
    const tern__rcpt *r = &mail->rcpts[part->rcpts[i]];
    if (part->job->settled[part->rcpts[i]]) continue;
    st = tern_mail_rcpt(c, rcpt_address(part->job, part->rcpts[i], address));
    if (st == TERN_OK && r->orcpt) st = tern_mail_set_orcpt(c, n, r->orcpt);
    if (st == TERN_OK && r->params) st = tern_mail_set_rcpt_params(c, n, r->params);
    if (st == TERN_OK && r->notify) st = tern_mail_set_notify(c, n, r->notify);
    n++;
  }
  if (st == TERN_OK && mail->source) {
    st = tern_mail_content_source(c, mail->source, mail->source_user);
    if (st == TERN_OK) c->source_read = mail->source_read;
  } else if (st == TERN_OK) {
    st = tern_mail_content_spans(c, mail->spans, mail->span_count);
  }
  if (st == TERN_OK) st = tern_mail_on_progress(c, mail->progress, mail->progress_user);
  if (st == TERN_OK) return c;
  (void)tern_mail_free(c);
  return NULL;
}

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
  part->address++;
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
  part->began = tern__wall();
  if (!tern__lane_get(d, part, &st)) {
    if (st == TERN_E_AGAIN) {
      if (part->job->source_user == part) part->job->source_user = NULL;
      return 0;
    }
    skip_host(d, part, st, TERN_PHASE_NONE, NULL);
    return 1;
  }
  part->tries++;
  if (st == TERN_OK) part->child = make_child(d, part);
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

static void remember_dead(tern_delivery *d, const tern__lane *lane, const tern_error *why)
{
  tern__host_address *a;

  if (!lane->host || !d->dead_time || why->phase != TERN_PHASE_CONNECT) return;
  if (why->status != TERN_E_CONNECT && why->status != TERN_E_TIMEOUT) return;
  a = &lane->host->addresses[lane->address];
  a->dead_until = d->now + d->dead_time;
  a->dead_status = why->status;
}

static void go_on(tern__part *part, uint32_t whereto)
{
  if (!open_rcpts(part) || whereto == GO_STOP) {
    finish_part(part);
  } else if (whereto == GO_HOST) {
    next_host(part);
  } else {
    if (whereto == GO_ADDRESS) {
      part->address++;
      if (part->hop->route) part->host++;
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
  remember_dead(d, lane, &why);
  job->mail->source_read = c->source_read;
  if (job->source_user == part) job->source_user = NULL;
  part->child = NULL;
  part->lane = NULL;
  (void)tern_mail_free(c);
  go_on(part, whither(&why, accepted, deferred, too_many));
}

/* ---- joining (RFC 5321 5.1) ----------------------------------------------------------------------*/
static int joinable(const tern__hop *a, const tern__hop *b)
{
  if (a == b || a->route || b->route || a->kind != b->kind || a->choice != b->choice) return 0;
  if (a->mx_secure != b->mx_secure || a->sts || b->sts || a->match || b->match) return 0;
  return tern__mx_same(a->mx, a->mx_count, b->mx, b->mx_count);
}

/* Moves the recipients of later parts to earlier ones with the same hosts. */
static void join(tern_delivery *d, tern__job *job)
{
  tern__part *a, *b;
  uint32_t i;

  for (a = job->parts; a; a = a->next) {
    if (a->state != TERN__PART_JOIN) continue;
    for (b = a->next; b; b = b->next) {
      if (b->state != TERN__PART_JOIN || !joinable(a->hop, b->hop)) continue;
      for (i = 0; i < b->count && add_rcpt(d, a, b->rcpts[i]); i++) {
      }
      memmove(b->rcpts, b->rcpts + i, (b->count - i) * sizeof *b->rcpts);
      b->count -= i;
      if (!b->count) b->state = TERN__PART_DONE;
    }
  }
  for (a = job->parts; a; a = a->next)
    if (a->state == TERN__PART_JOIN) a->state = TERN__PART_HOST;
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
      join(d, job);
      return 1;
    }
  }
  if (left) return moved;
  end_job(d, job);
  return 1;
}

int tern__walk_step(tern_delivery *d)
{
  tern__job *job, *next;
  int moved = 0;

  for (job = d->jobs; job; job = next) {
    next = job->next;
    moved |= job_step(d, job);
  }
  return moved;
}

void tern__walk_watch(tern_delivery *d)
{
  tern__job *job;

  for (job = d->jobs; job; job = job->next)
    if (job->due < d->due && job->due > d->now) d->due = job->due;
}
