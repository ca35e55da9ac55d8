/* tell.c - writes the report of a walk: attempts as they end, recipients when the mail has ended.
 *
 * Neighbours: walk.c calls, report.c holds. Limit: what finds no memory is left out of the report; the
 * mail's own outcome does not depend on it. */
#include <string.h>

#include "client/client.h"
#include "delivery/delivery.h"
#include "delivery/retry.h"

static tern__report_attempt *begin(tern__part *part, const char *host, const tern_error *error,
                                   uint32_t *index)
{
  tern_history *r = part->job->report;
  tern__report_attempt *a = tern__report_add_attempt(r, index);

  if (!a) return NULL;
  a->a.domain = tern__report_text(r, part->hop->domain);
  a->a.host = tern__report_text(r, host);
  a->a.at = part->began;
  a->a.policy = part->plan.policy;
  if (part->hop->implicit) a->a.flags |= TERN_ATTEMPT_IMPLICIT;
  tern__report_error(r, error, &a->a.status, &a->a.phase, &a->a.code, &a->a.enhanced, &a->a.text);
  return a;
}

/* The policy that an attempt is counted under. */
static uint32_t policy_of(tern_delivery *d, const tern__part *part, uint32_t type,
                          const tern__mxhost *host)
{
  tern__report_policy p = {type, part->hop->domain, "", ""};

  (void)d;
  if (type == TERN__POLICY_TLSA && host && host->tlsa_text) p.strings = host->tlsa_text;
  if (type == TERN__POLICY_STS && part->hop->sts_lines) p.strings = part->hop->sts_lines;
  if (type == TERN__POLICY_STS && part->hop->sts_mx) p.mx = part->hop->sts_mx;
  return tern__report_policy_index(part->job->report, &p);
}

uint32_t tern__tell_unconnected(tern_delivery *d, tern__part *part, const char *host,
                                const tern_error *error)
{
  uint32_t index;
  const tern__mxhost *h = part->host < part->hop->mx_count ? part->hop->hosts[part->host] : NULL;
  tern__report_attempt *a = begin(part, host, error, &index);

  if (!a) return index;
  a->a.flags |= TERN_ATTEMPT_UNCONNECTED;
  if (h && h->alias) a->a.flags |= TERN_ATTEMPT_CNAME;
  if (h && h->private_left_out) a->a.flags |= TERN_ATTEMPT_PRIVATE;
  if (part->plan.refused != TERN_OK && part->plan.tls_result != TERN_TLSRPT_OK) {
    a->a.tls_result = part->plan.tls_result;
    a->a.tls_status = part->plan.refused;
    if (a->a.tls_result != TERN_TLSRPT_UNTRIED)
      a->policy = policy_of(d, part, part->plan.type, h);
  }
  return index;
}

void tern__tell_sts(tern_delivery *d, tern__part *part)
{
  tern__hop *hop = part->hop;
  tern__report_attempt *a;
  tern_error e;
  uint32_t index;

  if (part->retold || hop->sts_result == TERN_TLSRPT_OK) return;
  part->retold = 1;
  tern__error_set(&e, hop->sts_status, TERN_PHASE_RESOLVE);
  a = begin(part, "", &e, &index);
  if (!a) return;
  a->a.flags |= TERN_ATTEMPT_UNCONNECTED;
  a->a.policy = TERN_POLICY_STS;
  a->a.tls_result = hop->sts_result;
  a->a.tls_status = hop->sts_status;
  a->policy = policy_of(d, part, TERN__POLICY_STS, NULL);
}

/* ---- what a lane did -----------------------------------------------------------------------------*/
/* How TLS ended on it, for RFC 8460. */
static void judge_tls(const tern__part *part, const tern_client *c, const tern_error *error,
                      tern_attempt *a)
{
  tern_status st = tern_error_status(error);

  a->tls_status = TERN_OK;
  if (c->clear_why != TERN_OK) {
    a->flags |= TERN_ATTEMPT_CLEAR;
    a->tls_status = c->clear_why;
    a->tls_result = tern__policy_result(c->clear_why, TERN_PHASE_TLS);
    return;
  }
  if (tern_session_secure(c->session)) {
    a->tls_result = part->plan.tls_result;
    if (part->plan.watch && a->tls_result == TERN_TLSRPT_OK) {
      a->tls_status = c->tls_verdict;
      a->tls_result = tern__policy_result(c->tls_verdict, TERN_PHASE_TLS);
    }
    return;
  }
  a->tls_result = st == TERN_OK ? TERN_TLSRPT_UNTRIED
                                : tern__policy_result(st, tern_error_phase(error));
  a->tls_status = a->tls_result == TERN_TLSRPT_UNTRIED ? TERN_OK : st;
  if (a->tls_result == TERN_TLSRPT_UNTRIED && part->plan.level == TERN__LEVEL_MAY &&
      tern_session_offered(c->session) && !(tern_session_offered(c->session) & TERN_CAP_STARTTLS)) {
    a->tls_status = TERN_E_TLS_NOT_OFFERED;
    a->tls_result = TERN_TLSRPT_STARTTLS_NOT_SUPPORTED;
  }
}

/* Which address of its host it went to. */
static void tell_address(const tern_delivery *d, tern_history *r, const tern__mxhost *host,
                         uint32_t address, tern_attempt *a)
{
  const tern__host_address *to = &host->addresses[address];
  char text[48];

  tern__address_write(to->octets, to->len, text, sizeof text);
  a->address = tern__report_text(r, text);
  a->port = d->port;
  if (host->alias) a->flags |= TERN_ATTEMPT_CNAME;
  if (host->private_left_out) a->flags |= TERN_ATTEMPT_PRIVATE;
}

uint32_t tern__tell_lost(tern_delivery *d, tern__part *part, const tern__mxhost *host,
                         uint32_t address, const tern_error *error)
{
  uint32_t index;
  tern__report_attempt *a = begin(part, host->name, error, &index);

  if (a) tell_address(d, part->job->report, host, address, &a->a);
  return index;
}

uint32_t tern__tell_sent(tern_delivery *d, tern__part *part, const tern_error *error)
{
  tern_history *r = part->job->report;
  tern__lane *lane = part->lane;
  const tern_client *c = lane->client;
  uint32_t index;
  tern__report_attempt *a = begin(
      part, lane->host ? lane->host->name : lane->route && lane->route->name ? lane->route->name : "",
      error, &index);

  if (!a) return index;
  if (lane->host) tell_address(d, r, lane->host, lane->address, &a->a);
  if (part->reused) a->a.flags |= TERN_ATTEMPT_REUSED;
  if (tern_session_secure(c->session)) {
    a->a.tls_version = tern__report_text(r, tern_client_tls_version(c));
    a->a.tls_cipher = tern__report_text(r, tern_client_tls_cipher(c));
    a->a.tls_verified = tern_client_tls_verified(c);
  }
  if (part->reused) return index; /* its session was counted when it began */
  judge_tls(part, c, error, &a->a);
  if (a->a.tls_result != TERN_TLSRPT_UNTRIED)
    a->policy = policy_of(d, part, part->plan.type, lane->host);
  return index;
}

/* ---- the end -------------------------------------------------------------------------------------*/
static void tell_rcpt(tern__job *job, tern_result *to, const tern__rcpt *from)
{
  uint32_t asked;

  to->outcome = from->outcome;
  tern__report_error(job->report, &from->error, &to->status, &to->phase, &to->code, &to->enhanced,
                     &to->text);
  to->retry_after = tern__retry_after(to->outcome, to->status, to->code, to->text, to->tries,
                                      job->report->first, job->report->last);
  to->greylisted = to->retry_after && tern__greylisted(to->code, to->text, &asked);
}

void tern__tell_end(tern_delivery *d, tern__job *job)
{
  tern__part *part;
  uint32_t i;

  (void)d;
  job->report->last = tern__wall();
  for (part = job->parts; part; part = part->next)
    for (i = 0; i < part->count; i++)
      tell_rcpt(job, &job->report->rcpts[part->rcpts[i]], &job->mail->rcpts[part->rcpts[i]]);
  for (i = 0; i < job->mail->rcpt_count; i++) /* of no domain, hence of no part */
    if (!job->report->rcpts[i].domain[0])
      tell_rcpt(job, &job->report->rcpts[i], &job->mail->rcpts[i]);
}
