/* job.c - one mail of a delivery: its recipients by domain, what an earlier try knows, and its end.
 *
 * The recipients of a domain are a part, which walk.c takes from host to host; domains with the same hosts
 * are joined where that is allowed. When all parts are done the mail has its outcome, and the report is its
 * own. Neighbours: walk.c steps what begins here, report.c holds. */
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
  tern__hop_give(d, p->hop);
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

void tern__job_end(tern_delivery *d, tern__job *job)
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

/* Whether REQUIRETLS is asked for, by the mail's flag or among its raw parameters. */
static uint32_t wants_requiretls(const tern_mail *mail)
{
  const char *params = mail->params;
  size_t len;

#ifdef TERN_MAIL_REQUIRETLS
  if (mail->flags & TERN_MAIL_REQUIRETLS) return 1;
#endif
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
  job->requiretls = wants_requiretls(job->mail);
  if (d->total) job->due = d->now + d->total;
  return st == TERN_OK ? group(d, job) : st;
}

tern_status tern__job_begin(tern_delivery *d, tern_mail *mail, const tern_history *earlier)
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
  d->wake = 1;
  while (*last) last = &(*last)->next;
  *last = job;
  return TERN_OK;
}

/* ---- joining (RFC 5321 5.1) ----------------------------------------------------------------------*/
static int joinable(const tern__hop *a, const tern__hop *b)
{
  if (a == b || a->route || b->route || a->kind != b->kind || a->choice != b->choice) return 0;
  if (a->mx_secure != b->mx_secure || a->sts || b->sts || a->match || b->match) return 0;
  return tern__mx_same(a->mx, a->mx_count, b->mx, b->mx_count);
}

void tern__job_join(tern_delivery *d, tern__job *job)
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
