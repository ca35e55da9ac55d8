/* direct.c - tern-send --mx: straight to the MX hosts, the reports about it (RFC 3464, RFC 8460), and
 * --discover: where the sender's domain says that its mail is to be submitted (RFC 6186).
 * Neighbour: main.c. */
#define _POSIX_C_SOURCE 200809L

#include "direct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static tern_resolver *make_resolver(const options *o, tern_status *status)
{
  tern_resolver *r = o->resolver ? tern_resolver_new(NULL) : NULL;

  *status = !o->resolver ? TERN_OK : !r ? TERN_E_NOMEM : tern_resolver_set_server(r, o->resolver);
  return r;
}

static int policy_of(const char *name, uint32_t *policy)
{
  for (*policy = 0; *policy < TERN_POLICIES; ++*policy)
    if (!strcmp(tern_policy_name(*policy), name)) return 0;
  return -1;
}

int direct_set_up(direct *d, const options *o, tern_trace trace, const tern_error **error, char problem[256])
{
  uint32_t policy = TERN_POLICY_AUTO;
  tern_status st;

  *error = NULL;
  d->resolver = make_resolver(o, &st);
  if (st != TERN_OK) {
    snprintf(problem, 256, "--resolver: %s", st == TERN_E_NOMEM ? "no memory" : "not ADDR or ADDR:PORT");
    return -1;
  }
  if (o->tls_policy && policy_of(o->tls_policy, &policy)) {
    snprintf(problem, 256, "--tls-policy takes auto, none, may, encrypt, verify, dane or sts");
    return -1;
  }
  d->delivery = tern_delivery_new(NULL);
  if (o->ehlo) tern_delivery_set_ehlo_name(d->delivery, o->ehlo);
  if (d->resolver) tern_delivery_set_resolver(d->delivery, d->resolver);
  if (o->mx_port) tern_delivery_set_port(d->delivery, o->mx_port);
  if (o->allow_private) tern_delivery_set_allow_private(d->delivery, 1);
  if (o->ca) tern_delivery_set_ca(d->delivery, o->ca);
  if (o->tls_policy) tern_delivery_add_tls_policy(d->delivery, "*", policy, NULL);
  if (o->timeout_ms) tern_delivery_set_timeout(d->delivery, TERN_PHASE_NONE, o->timeout_ms);
  if (o->connect_ms) tern_delivery_set_timeout(d->delivery, TERN_PHASE_CONNECT, o->connect_ms);
  tern_delivery_set_mask(d->delivery, (o->no_pipelining ? TERN_CAP_PIPELINING : 0) |
                                          (o->no_chunking ? TERN_CAP_CHUNKING : 0));
  if (trace) tern_delivery_set_trace(d->delivery, trace, NULL);
  if (tern_error_status(tern_delivery_error(d->delivery)) == TERN_OK) return 0;
  *error = tern_delivery_error(d->delivery);
  return -1;
}

void direct_free(direct *d)
{
  tern_delivery_free(d->delivery);
  tern_resolver_free(d->resolver);
}

/* ---- reports ----------------------------------------------------------------------------------------------*/
static int write_failed(const char *path, char problem[256])
{
  snprintf(problem, 256, "%.200s cannot be written", path);
  return -1;
}

static void host_name(char *out, size_t cap)
{
  if (gethostname(out, cap) || !memchr(out, 0, cap) || !out[0]) snprintf(out, cap, "localhost");
}

static int write_tlsrpt(const char *path, const tern_mail *mail, char problem[256])
{
  tern_tlsrpt *t = tern_tlsrpt_new(NULL);
  char host[256], id[320], *json = NULL;
  FILE *f;
  size_t n;
  int good = 0;

  host_name(host, sizeof host);
  snprintf(id, sizeof id, "%lld.%ld@%s", (long long)time(NULL), (long)getpid(), host);
  tern_tlsrpt_set_sender(t, host, "", id);
  if (tern_tlsrpt_add(t, tern_mail_history(mail)) == TERN_OK) {
    n = tern_tlsrpt_write(t, NULL, NULL, 0);
    json = malloc(n + 1);
    f = json ? fopen(path, "wb") : NULL;
    if (f) {
      tern_tlsrpt_write(t, NULL, json, n + 1);
      good = fwrite(json, 1, n, f) == n && putc('\n', f) != EOF;
      good &= fclose(f) == 0;
    }
  }
  free(json);
  tern_tlsrpt_free(t);
  return good ? 0 : write_failed(path, problem);
}

/* Who has to hear of it: those refused for good, and those that NOTIFY=NEVER does not silence. */
static uint32_t add_failures(tern_report *r, const tern_mail *mail)
{
  const tern_history *h = tern_mail_history(mail);
  tern_attempt a;
  tern_result one;
  uint32_t i, n = 0;

  a.size = sizeof a;
  one.size = sizeof one;
  for (i = 0; tern_history_rcpt(h, i, &one) == TERN_OK; i++) {
    if (one.outcome != TERN_REJECTED && !(one.outcome == TERN_UNSENT && !one.retry_after)) continue;
    if (one.notify & TERN_NOTIFY_NEVER) continue;
    if (tern_report_rcpt(r, one.address, TERN_REJECTED, tern_mail_rcpt_error(mail, i)) != TERN_OK) continue;
    n++;
    if (one.orcpt[0]) tern_report_set_orcpt(r, one.orcpt);
    if (one.attempt != TERN_NO_ATTEMPT && tern_history_attempt(h, one.attempt, &a) == TERN_OK && a.host[0])
      tern_report_set_remote_mta(r, a.host);
  }
  return n;
}

static int copy_out(const tern_source *source, void *user, FILE *f)
{
  const uint8_t *octets;
  size_t len;
  tern_status st;

  for (;;) {
    st = source->read(user, &octets, &len);
    if (st != TERN_OK && st != TERN_SOURCE_END) return -1;
    if (len && fwrite(octets, 1, len, f) != len) return -1;
    if (st == TERN_SOURCE_END) return 0;
  }
}

static int write_bounce(const options *o, const tern_mail *mail, const tern_source *content, void *user,
                        char problem[256])
{
  tern_report *r = tern_report_new(NULL);
  const tern_history *h = tern_mail_history(mail);
  char host[256], id[320];
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
  FILE *f;
  int good = 1;

  if (tern_history_reverse_path(h)[0]) { /* of the null reverse-path there is no report */
    host_name(host, sizeof host);
    snprintf(id, sizeof id, "%lld.%ld.bounce@%s", (long long)time(NULL), (long)getpid(), host);
    if (tern_report_set_reporting_mta(r, host) != TERN_OK) tern_report_set_reporting_mta(r, "localhost");
    tern_report_set_to(r, tern_history_reverse_path(h));
    tern_report_set_date(r, (int64_t)time(NULL), 0);
    if (tern_report_set_message_id(r, id) != TERN_OK) {
      strcpy(strchr(id, '@'), "@localhost");
      tern_report_set_message_id(r, id);
    }
    if (o->envid) tern_report_set_envid(r, o->envid);
    if (add_failures(r, mail)) {
      if (content->rewind && content->rewind(user) == TERN_OK)
        tern_report_set_original(r, content, user, o->ret == TERN_MAIL_RET_FULL ? TERN_REPORT_FULL : TERN_REPORT_HEADERS);
      f = fopen(o->bounce, "wb");
      good = f && (!tern_report_source()->prepare ||
                   tern_report_source()->prepare(r, TERN_CAP_8BITMIME | TERN_CAP_SMTPUTF8, &info) == TERN_OK) &&
             !copy_out(tern_report_source(), r, f);
      if (f) good &= fclose(f) == 0;
    }
  }
  tern_report_free(r);
  return good ? 0 : write_failed(o->bounce, problem);
}

int direct_reports(const options *o, const tern_mail *mail, const tern_source *content, void *user, char problem[256])
{
  if (!tern_mail_history(mail)) return 0;
  if (o->tlsrpt && write_tlsrpt(o->tlsrpt, mail, problem)) return -1;
  return o->bounce ? write_bounce(o, mail, content, user, problem) : 0;
}

/* ---- where to submit --------------------------------------------------------------------------------------*/
char *direct_discover(const options *o, tern_status *status, char problem[256])
{
  const char *who = o->from && o->from[0] ? o->from : o->user && strchr(o->user, '@') ? o->user : NULL;
  tern_resolver *resolver = make_resolver(o, status);
  tern_discovery *found = NULL;
  tern_endpoint e;
  char *url = NULL;

  e.size = sizeof e;
  if (!who) {
    *status = TERN_E_ARGUMENT;
    snprintf(problem, 256, "--discover needs --from, or a --user that is an address");
  } else if (*status != TERN_OK) {
    snprintf(problem, 256, "--resolver: not ADDR or ADDR:PORT");
  } else if ((*status = tern_discover(NULL, resolver, who, o->connect_ms, &found)) != TERN_OK) {
    snprintf(problem, 256, "--discover: %.80s: %s", who, tern_status_text(*status));
  } else if (tern_discovery_get(found, 0, &e) == TERN_OK) {
    if ((e.flags & TERN_DISCOVERED_FOREIGN) && o->user) { /* RFC 6186 6: a password would go to a stranger */
      *status = TERN_E_CONFIG;
      snprintf(problem, 256, "--discover: DNS without DNSSEC names %.100s: give it as --server if it is right", e.url);
    } else {
      fprintf(stderr, "tern-send: %s%s%s\n", e.url, e.note[0] ? ": " : "", e.note);
      url = malloc(strlen(e.url) + 1);
      if (url) strcpy(url, e.url);
    }
  }
  tern_discovery_free(found);
  tern_resolver_free(resolver);
  return url;
}
