/* delivery.c - a delivery as its caller sees it: send, step, wait, fetch what has ended.
 *
 * A step lets walk.c and lane.c move everything that can move, and never waits; a blocking send is steps
 * with poll() between. Neighbours: see delivery.h. Limit: a wait is cut into pieces of 200 ms, in which a
 * cancel from elsewhere is seen. */
#include <poll.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "client/client.h"
#include "delivery/delivery.h"

#define PORT 25u
#define LANES 100u
#define LANES_ADDRESS 5u
#define LANES_DOMAIN 10u
#define DEAD_TIME 60000u
#define IDLE_TIME 2000u
#define TURNS 64u  /* of one step; then others may have a go */
#define SWEEP 1000u /* ms between two looks at what need not be kept */
#define SLICE 200u /* the longest wait at a time, ms */

/* ---- life ----------------------------------------------------------------------------------------*/
tern_delivery *tern_delivery_new(const tern_allocator *mem)
{
  tern_delivery *d = tern__alloc(mem, sizeof *d);
  char name[256];
  size_t len;

  if (!d) return NULL;
  d->mem = d->memory.mem = mem;
  d->blocking = 1;
  d->port = PORT;
  d->max_lanes = LANES;
  d->max_address = LANES_ADDRESS;
  d->max_domain = LANES_DOMAIN;
  d->dead_time = DEAD_TIME;
  d->idle_time = IDLE_TIME;
  d->due = TERN_NEVER;
  d->now = tern__host_now();
  len = tern__host_name(name, sizeof name);
  if (len && tern__domain_fold(name, name) == TERN_OK) d->host_name = tern__copy_string(mem, name);
  return d;
}

static void cancel_all(tern_delivery *d)
{
  tern__job *job;

  d->cancel = 0;
  for (job = d->jobs; job; job = job->next) tern__walk_cancel(d, job, TERN_E_CANCELLED);
  while (d->jobs) {
    d->wake = 1;
    (void)tern__walk_step(d);
  }
}

void tern_delivery_free(tern_delivery *d)
{
  if (!d) return;
  cancel_all(d);
  while (tern_delivery_finished(d)) {
  }
  while (d->lanes) tern__lane_free(d, d->lanes);
  tern__hops_sweep(d, 1);
  tern__mxhosts_sweep(d, 1);
  tern__trust_free(d->trust);
  tern_resolver_free(d->own_resolver);
  tern__sts_cache_free(&d->memory);
  tern__rules_free(d->mem, d->own_names);
  tern__rules_free(d->mem, d->routes);
  tern__rules_free(d->mem, d->policies);
  tern__free(d->mem, d->polls, d->watch_cap * sizeof *d->polls);
  tern__free(d->mem, d->watched, d->watch_cap * sizeof *d->watched);
  tern__free_string(d->mem, d->host_name);
  tern__free_string(d->mem, d->ehlo_name);
  tern__free_string(d->mem, d->ca);
  tern__free(d->mem, d, sizeof *d);
}

/* ---- stepping ------------------------------------------------------------------------------------*/
static void sweep(tern_delivery *d)
{
  if (d->now < d->sweep_due && d->hop_count + d->host_count < d->swept + TERN__KEPT_MAX) return;
  d->sweep_due = d->now + SWEEP;
  tern__hops_sweep(d, 0);
  tern__mxhosts_sweep(d, 0);
  d->swept = d->hop_count + d->host_count;
}

tern_status tern_delivery_step(tern_delivery *d)
{
  uint32_t turns = 0;
  int moved = 1;

  if (!d) return TERN_E_NOMEM;
  if (d->stepping) return TERN_E_STATE;
  d->stepping = 1;
  tern__watch_read(d);
  if (d->cancel) cancel_all(d);
  for (; moved && turns < TURNS; turns++) {
    moved = tern__walk_step(d);
    moved |= tern__lanes_step(d);
  }
  sweep(d);
  d->more = moved != 0;
  tern__watch_write(d);
  d->stepping = 0;
  return d->jobs ? TERN_E_AGAIN : TERN_OK;
}

size_t tern_delivery_poll(const tern_delivery *d, tern_poll *out, size_t cap)
{
  size_t i, n = 0;

  for (i = 0; d && i < d->watch_count; i++) {
    if (d->polls[i].fd < 0) continue;
    if (out && n < cap) {
      out[n].fd = d->polls[i].fd;
      out[n].events = (d->polls[i].events & POLLIN ? TERN_READ : 0) |
                      (d->polls[i].events & POLLOUT ? TERN_WRITE : 0);
    }
    n++;
  }
  return n;
}

int32_t tern_delivery_timeout(const tern_delivery *d)
{
  uint64_t now;

  if (!d) return -1;
  if (d->more || d->cancel) return 0;
  if (d->due == TERN_NEVER) return -1;
  now = tern__host_now();
  if (d->due <= now) return 0;
  return d->due - now > INT32_MAX ? INT32_MAX : (int32_t)(d->due - now);
}

static void wait_for(tern_delivery *d)
{
  int32_t timeout = tern_delivery_timeout(d);

  if (timeout < 0 || timeout > (int32_t)SLICE) timeout = (int32_t)SLICE;
  if (timeout) (void)poll(d->polls, (nfds_t)d->watch_count, timeout);
}

/* ---- mails ---------------------------------------------------------------------------------------*/
static tern_status refuse(tern_mail *mail, const tern_error *e)
{
  tern__mail_fail_unsent(mail, e);
  tern__mail_conclude(mail, e);
  return e->status;
}

static tern_status send_it(tern_delivery *d, tern_mail *mail, const tern_history *earlier)
{
  tern_history *copy = NULL;
  tern_error e;
  tern_status st = TERN_OK;

  if (!d || !mail) return TERN_E_NOMEM;
  if (d->stepping || mail->where == TERN__MAIL_QUEUED || mail->where == TERN__MAIL_IN_FLIGHT)
    return TERN_E_STATE;
  tern__client_forget(mail);
  if (earlier && earlier == mail->report) { /* taken out before the reset below would free it */
    copy = mail->report;
    mail->report = NULL;
  }
  tern__mail_reset(mail);
  d->now = tern__host_now();
  if (d->error.status != TERN_OK) {
    e = d->error;
    tern__error_set(&d->error, TERN_OK, TERN_PHASE_NONE);
    st = refuse(mail, &e);
  } else if (tern__mail_ready(mail, &e) != TERN_OK) {
    st = refuse(mail, &e);
  } else {
    st = tern__job_begin(d, mail, earlier);
    tern__error_set(&e, st, TERN_PHASE_NONE);
    if (st != TERN_OK) (void)refuse(mail, &e);
  }
  tern_history_free(copy);
  if (st != TERN_OK) return st;
  if (!d->blocking) {
    d->more = 1; /* what is waited for is not known yet */
    return TERN_E_AGAIN;
  }
  while (tern_delivery_step(d) == TERN_E_AGAIN && mail->where == TERN__MAIL_IN_FLIGHT) wait_for(d);
  tern__client_forget(mail);
  return tern_mail_status(mail);
}

tern_status tern_delivery_send(tern_delivery *d, tern_mail *mail)
{
  return send_it(d, mail, NULL);
}

tern_status tern_delivery_resume(tern_delivery *d, tern_mail *mail, const tern_history *report)
{
  return report ? send_it(d, mail, report) : TERN_E_ARGUMENT;
}

tern_status tern_delivery_quit(tern_delivery *d)
{
  if (!d) return TERN_E_NOMEM;
  if (d->stepping) return TERN_E_STATE;
  tern__lanes_quit(d);
  d->more = 1;
  if (!d->blocking) return d->lanes ? TERN_E_AGAIN : TERN_OK;
  while (d->lanes) {
    (void)tern_delivery_step(d);
    if (d->lanes) wait_for(d);
  }
  return TERN_OK;
}

void tern_delivery_cancel(tern_delivery *d)
{
  if (d) d->cancel = 1;
}

tern_mail *tern_delivery_finished(tern_delivery *d)
{
  tern_mail *mail = d ? d->finished : NULL;

  if (mail) tern__client_forget(mail);
  return mail;
}

const tern_error *tern_delivery_error(const tern_delivery *d)
{
  static const tern_error none = {.status = TERN_E_NOMEM, .position = UINT16_MAX};

  return d ? &d->error : &none;
}
