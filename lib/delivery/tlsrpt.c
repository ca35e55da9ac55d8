/* tlsrpt.c - sums up attempts as RFC 8460 wants them reported: per policy, successes, failures by kind.
 *
 * Neighbours: report.c has the attempts, scribe.c writes. Only attempts that got as far as a decision about
 * TLS count. Limits: what is reported is what this handle was given; sending the report (with its own DKIM
 * signature, over a session of any TLS state: RFC 8460 3, 5) is a mail like any other. */
#include <string.h>

#include "base/mem.h"
#include "delivery/report.h"
#include "delivery/scribe.h"

typedef struct detail detail;
struct detail {
  detail *next;
  uint32_t result;
  uint64_t count;
  const char *host;
  const char *address;
  const char *reason;
};

typedef struct sum sum;
struct sum {
  sum *next;
  tern__report_policy policy;
  uint64_t good;
  uint64_t bad;
  detail *details;
};

struct tern_tlsrpt {
  const tern_allocator *mem;
  tern__texts texts;
  sum *sums;
  uint64_t from;
  uint64_t to;
  uint32_t range_set;
  const char *organization;
  const char *contact;
  const char *id;
};

tern_tlsrpt *tern_tlsrpt_new(const tern_allocator *mem)
{
  tern_tlsrpt *t = tern__alloc(mem, sizeof *t);

  if (!t) return NULL;
  t->mem = t->texts.mem = mem;
  t->organization = t->contact = t->id = "";
  return t;
}

void tern_tlsrpt_free(tern_tlsrpt *t)
{
  sum *s;
  detail *d;

  if (!t) return;
  while ((s = t->sums) != NULL) {
    t->sums = s->next;
    while ((d = s->details) != NULL) {
      s->details = d->next;
      tern__free(t->mem, d, sizeof *d);
    }
    tern__free(t->mem, s, sizeof *s);
  }
  tern__texts_free(&t->texts);
  tern__free(t->mem, t, sizeof *t);
}

/* ---- counting ------------------------------------------------------------------------------------*/
static sum *find_sum(tern_tlsrpt *t, const tern__report_policy *p)
{
  sum **at = &t->sums, *s;

  for (; (s = *at) != NULL; at = &s->next)
    if (s->policy.type == p->type && !strcmp(s->policy.domain, p->domain) &&
        !strcmp(s->policy.strings, p->strings))
      return s;
  s = tern__alloc(t->mem, sizeof *s);
  if (!s) return NULL;
  s->policy.type = p->type;
  s->policy.domain = tern__texts_copy(&t->texts, p->domain);
  s->policy.strings = tern__texts_copy(&t->texts, p->strings);
  s->policy.mx = tern__texts_copy(&t->texts, p->mx);
  if (!s->policy.domain || !s->policy.strings || !s->policy.mx) {
    tern__free(t->mem, s, sizeof *s);
    return NULL;
  }
  *at = s;
  return s;
}

static int count_failure(tern_tlsrpt *t, sum *s, const tern_attempt *a)
{
  detail **at = &s->details, *d;

  for (; (d = *at) != NULL; at = &d->next)
    if (d->result == a->tls_result && !strcmp(d->host, a->host) && !strcmp(d->address, a->address))
      break;
  if (!d) {
    d = tern__alloc(t->mem, sizeof *d);
    if (!d) return 0;
    d->result = a->tls_result;
    d->host = tern__texts_copy(&t->texts, a->host);
    d->address = tern__texts_copy(&t->texts, a->address);
    d->reason = tern_status_name(a->tls_status);
    if (!d->host || !d->address) {
      tern__free(t->mem, d, sizeof *d);
      return 0;
    }
    *at = d;
  }
  d->count++;
  s->bad++;
  return 1;
}

static int count(tern_tlsrpt *t, const tern_history *r, const tern__report_attempt *a)
{
  tern__report_policy none = {TERN__POLICY_NONE_FOUND, "", "", ""};
  sum *s;

  if (a->earlier || a->a.tls_result == TERN_TLSRPT_UNTRIED) return 1;
  none.domain = a->a.domain;
  s = find_sum(t, a->policy < r->policy_count ? &r->policies[a->policy] : &none);
  if (!s) return 0;
  if (!t->range_set) {
    if (!t->from || a->a.at < t->from) t->from = a->a.at;
    if (a->a.at > t->to) t->to = a->a.at;
  }
  if (a->a.tls_result != TERN_TLSRPT_OK) return count_failure(t, s, &a->a);
  s->good++;
  return 1;
}

tern_status tern_tlsrpt_add(tern_tlsrpt *t, const tern_history *report)
{
  size_t i;

  if (!t || !report) return TERN_E_NOMEM;
  for (i = 0; i < report->attempt_count; i++)
    if (!count(t, report, &report->attempts[i])) return TERN_E_NOMEM;
  return TERN_OK;
}

tern_status tern_tlsrpt_set_sender(tern_tlsrpt *t, const char *organization, const char *contact,
                                   const char *report_id)
{
  if (!t) return TERN_E_NOMEM;
  t->organization = tern__texts_copy(&t->texts, organization);
  t->contact = tern__texts_copy(&t->texts, contact);
  t->id = tern__texts_copy(&t->texts, report_id);
  if (t->organization && t->contact && t->id) return TERN_OK;
  t->organization = t->contact = t->id = "";
  return TERN_E_NOMEM;
}

tern_status tern_tlsrpt_set_range(tern_tlsrpt *t, uint64_t from, uint64_t to)
{
  if (!t) return TERN_E_NOMEM;
  if (from > to) return TERN_E_ARGUMENT;
  t->from = from;
  t->to = to;
  t->range_set = 1;
  return TERN_OK;
}

/* ---- writing -------------------------------------------------------------------------------------*/
/* Whether a sum before s is of the same domain. */
static int told_before(const tern_tlsrpt *t, const sum *s)
{
  const sum *o;

  for (o = t->sums; o != s; o = o->next)
    if (!strcmp(o->policy.domain, s->policy.domain)) return 1;
  return 0;
}

const char *tern_tlsrpt_domain(const tern_tlsrpt *t, uint32_t index)
{
  const sum *s;

  for (s = t ? t->sums : NULL; s; s = s->next)
    if (!told_before(t, s) && !index--) return s->policy.domain;
  return NULL;
}

static void member(tern__scribe *s, const char *name, const char *value)
{
  tern__scribe_json(s, name, strlen(name));
  tern__scribe_put(s, ":", 1);
  tern__scribe_json(s, value, strlen(value));
}

static void two_digits(tern__scribe *s, uint64_t value, const char *behind)
{
  if (value < 10) tern__scribe_put(s, "0", 1);
  tern__scribe_number(s, value);
  tern__scribe_text(s, behind);
}

/* RFC 3339, in UTC: the civil date of a day count, by eras of 400 years that begin in March. */
static void put_time(tern__scribe *s, uint64_t seconds)
{
  uint64_t days = seconds / 86400 + 719468, era = days / 146097, of_era = days % 146097;
  uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  uint64_t day = of_era - (365 * year + year / 4 - year / 100), month = (5 * day + 2) / 153;

  day = day - (153 * month + 2) / 5 + 1;
  year = year + era * 400 + (month >= 10);
  month = month < 10 ? month + 3 : month - 9;
  tern__scribe_put(s, "\"", 1);
  tern__scribe_number(s, year);
  tern__scribe_put(s, "-", 1);
  two_digits(s, month, "-");
  two_digits(s, day, "T");
  two_digits(s, seconds % 86400 / 3600, ":");
  two_digits(s, seconds % 3600 / 60, ":");
  two_digits(s, seconds % 60, "Z\"");
}

/* Lines joined by LF as an array of strings. */
static void put_lines(tern__scribe *s, const char *lines)
{
  const char *stop;
  int first = 1;

  tern__scribe_put(s, "[", 1);
  for (; *lines; lines = *stop ? stop + 1 : stop) {
    stop = strchr(lines, '\n');
    if (!stop) stop = lines + strlen(lines);
    if (stop == lines) continue;
    if (!first) tern__scribe_put(s, ",", 1);
    tern__scribe_json(s, lines, (size_t)(stop - lines));
    first = 0;
  }
  tern__scribe_put(s, "]", 1);
}

static void put_detail(tern__scribe *s, const detail *d)
{
  tern__scribe_put(s, "{", 1);
  member(s, "result-type", tern_tlsrpt_result_name(d->result));
  if (d->host[0]) {
    tern__scribe_put(s, ",", 1);
    member(s, "receiving-mx-hostname", d->host);
  }
  if (d->address[0]) {
    tern__scribe_put(s, ",", 1);
    member(s, "receiving-ip", d->address);
  }
  tern__scribe_text(s, ",\"failed-session-count\":");
  tern__scribe_number(s, d->count);
  tern__scribe_put(s, ",", 1);
  member(s, "failure-reason-code", d->reason);
  tern__scribe_put(s, "}", 1);
}

static void put_sum(tern__scribe *s, const sum *one)
{
  static const char *const types[] = {"no-policy-found", "tlsa", "sts"};
  const detail *d;

  tern__scribe_text(s, "{\"policy\":{");
  member(s, "policy-type", types[one->policy.type]);
  tern__scribe_put(s, ",", 1);
  if (one->policy.strings[0]) {
    tern__scribe_text(s, "\"policy-string\":");
    put_lines(s, one->policy.strings);
    tern__scribe_put(s, ",", 1);
  }
  member(s, "policy-domain", one->policy.domain);
  if (one->policy.mx[0]) {
    tern__scribe_text(s, ",\"mx-host\":");
    put_lines(s, one->policy.mx);
  }
  tern__scribe_text(s, "},\"summary\":{\"total-successful-session-count\":");
  tern__scribe_number(s, one->good);
  tern__scribe_text(s, ",\"total-failure-session-count\":");
  tern__scribe_number(s, one->bad);
  tern__scribe_put(s, "}", 1);
  if (one->details) tern__scribe_text(s, ",\"failure-details\":[");
  for (d = one->details; d; d = d->next) {
    put_detail(s, d);
    tern__scribe_put(s, d->next ? "," : "]", 1);
  }
  tern__scribe_put(s, "}", 1);
}

size_t tern_tlsrpt_write(const tern_tlsrpt *t, const char *domain, char *out, size_t cap)
{
  tern__scribe s = {out, cap, 0};
  const sum *one;
  int first = 1;

  if (!t) return tern__scribe_end(&s);
  tern__scribe_put(&s, "{", 1);
  member(&s, "organization-name", t->organization);
  tern__scribe_text(&s, ",\"date-range\":{\"start-datetime\":");
  put_time(&s, t->from);
  tern__scribe_text(&s, ",\"end-datetime\":");
  put_time(&s, t->to);
  tern__scribe_text(&s, "},");
  member(&s, "contact-info", t->contact);
  tern__scribe_put(&s, ",", 1);
  member(&s, "report-id", t->id);
  tern__scribe_text(&s, ",\"policies\":[");
  for (one = t->sums; one; one = one->next) {
    if (domain && strcmp(domain, one->policy.domain) != 0) continue;
    if (!first) tern__scribe_put(&s, ",", 1);
    put_sum(&s, one);
    first = 0;
  }
  tern__scribe_text(&s, "]}\n");
  return tern__scribe_end(&s);
}
