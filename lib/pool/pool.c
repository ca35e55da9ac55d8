/* pool.c - a pool as its caller sees it: settings, mails in and out, steps, waiting.
 *
 * A step looks who can move, lets the times ring, gives mails to sessions and moves these, and never
 * waits; a wait is steps with a look that waits between. Each mail that came in is a job until it is
 * a result, so that none can be lost: a job ends in tern__pool_finish and nowhere else. Neighbours: see
 * pool.h. Limit: a wait is cut into pieces of 200 ms, in which a cancel from elsewhere is seen. */
#include "pool/pool.h"

#include <string.h>

#include "base/host.h"
#include "base/mailbox.h"
#include "base/mem.h"

#define MOST_SESSIONS 100u
#define HOST_SESSIONS 10u
#define MOST_WAITING 10000u
#define HIGH 7500u
#define IDLE_TIME 5000u
#define OUT_SIZE 832u
#define TEXT_SIZE 512u

/* ---- life ----------------------------------------------------------------------------------------*/
tern_pool *tern_pool_new(const tern_allocator *mem)
{
  tern_pool *p = tern__alloc(mem, sizeof *p);

  if (!p) return NULL;
  p->mem = p->common.mem = mem;
  tern__loop_init(&p->loop, mem, 0);
  p->most_sessions = MOST_SESSIONS;
  p->host_sessions = HOST_SESSIONS;
  p->most_waiting = MOST_WAITING;
  p->high = HIGH;
  p->idle_time = IDLE_TIME;
  p->window = 1;
  p->out_size = OUT_SIZE;
  p->text_size = TEXT_SIZE;
  p->inbox[0] = p->inbox[1] = -1;
  tern__list_init(&p->ready);
  tern__list_init(&p->starved);
  tern__list_init(&p->sessions);
  tern__list_init(&p->idle);
  tern__list_init(&p->jobs);
  p->now = tern__host_now();
  return p;
}

static void end_job(tern_pool *p, tern__pool_job *job, tern_status status)
{
  tern_error e;

  if (job->session) {
    if (!job->ended) tern__pool_session_kill(p, job, status);
    return;
  }
  tern__error_set(&e, status, TERN_PHASE_NONE);
  tern__pool_leave_turn(p, job);
  tern__pool_fail(p, job, &e);
}

/* The waiting ones first, so that none of them takes a place that a session leaves. */
static void cancel_all(tern_pool *p)
{
  tern__list *at, *next;
  tern__pool_session *s;

  p->cancel = 1;
  for (at = p->jobs.next; at != &p->jobs; at = next) {
    tern__pool_job *job = at->of;
    next = at->next;
    if (!job->session) end_job(p, job, TERN_E_CANCELLED);
  }
  while ((s = tern__list_first(&p->sessions)) != NULL) tern__pool_session_drop(p, s);
  p->cancel = 0;
}

static void tell(tern_pool *p)
{
  tern_mail *mail;

  if (p->telling) return;
  p->telling = 1;
  while (p->result && (mail = tern_pool_finished(p)) != NULL) p->result(p->result_user, mail);
  p->telling = 0;
}

void tern_pool_free(tern_pool *p)
{
  if (!p || p->stepping || p->telling) return;
  p->closing = 1;
  tern__pool_inbox_take(p, 1);
  cancel_all(p);
  tell(p);
  while (tern_pool_finished(p)) {
  }
  tern__pool_inbox_close(p);
  tern__loop_free(&p->loop);
  tern_tls_cache_free(p->cache);
  tern__common_free(&p->common);
  tern__free_string(p->mem, p->ehlo_name);
  tern__free(p->mem, p, sizeof *p);
}

/* ---- settings ------------------------------------------------------------------------------------*/
/* Keeps the setting that failed. */
static tern_status wrong(tern_pool *p, tern_status status)
{
  tern__error_set(&p->error, status, TERN_PHASE_NONE);
  return status;
}

static tern_status set_string(tern_pool *p, char **string, const char *text)
{
  char *copy = NULL;

  if (text && text[0]) {
    copy = tern__copy_string(p->mem, text);
    if (!copy) return wrong(p, TERN_E_NOMEM);
  }
  tern__free_string(p->mem, *string);
  *string = copy;
  return TERN_OK;
}

tern_status tern_pool_set_limits(tern_pool *p, uint32_t all, uint32_t host)
{
  if (!p) return TERN_E_NOMEM;
  if (all) p->most_sessions = all;
  if (host) p->host_sessions = host;
  return TERN_OK;
}

tern_status tern_pool_set_queue(tern_pool *p, uint32_t most, uint32_t high)
{
  if (!p) return TERN_E_NOMEM;
  if (!high || high > most) return wrong(p, TERN_E_ARGUMENT);
  p->most_waiting = most;
  p->high = high;
  return TERN_OK;
}

tern_status tern_pool_set_idle_time(tern_pool *p, uint32_t ms)
{
  if (!p) return TERN_E_NOMEM;
  p->idle_time = ms;
  return TERN_OK;
}

tern_status tern_pool_set_timeout(tern_pool *p, uint32_t ms)
{
  if (!p) return TERN_E_NOMEM;
  p->timeout = ms;
  return TERN_OK;
}

tern_status tern_pool_set_window(tern_pool *p, uint32_t window)
{
  if (!p) return TERN_E_NOMEM;
  if (window < 1 || window > TERN_WINDOW_MAX) return wrong(p, TERN_E_ARGUMENT);
  p->window = window;
  return TERN_OK;
}

tern_status tern_pool_set_buffers(tern_pool *p, size_t out, size_t text)
{
  if (!p) return TERN_E_NOMEM;
  if (!tern__client_buffers_fit(out, text)) return wrong(p, TERN_E_ARGUMENT);
  p->out_size = out;
  p->text_size = text;
  return TERN_OK;
}

tern_status tern_pool_set_ehlo_name(tern_pool *p, const char *name)
{
  size_t position = 0;

  if (!p) return TERN_E_NOMEM;
  if (name && name[0] && tern__domain_check(name, &position) != TERN_OK) {
    tern__error_field(&p->error, TERN_E_NAME, TERN_FIELD_EHLO_NAME, name, position);
    return TERN_E_NAME;
  }
  return set_string(p, &p->ehlo_name, name);
}

tern_status tern_pool_set_ca(tern_pool *p, const char *path)
{
  if (!p) return TERN_E_NOMEM;
  if (p->session_count) return TERN_E_STATE; /* they use what the one before holds */
  tern__trust_free(p->common.trust);
  p->common.trust = NULL;
  return set_string(p, &p->common.ca, path);
}

tern_status tern_pool_on_connection(tern_pool *p,
                                    tern_status (*setup)(void *user, const char *url,
                                                         tern_client *c),
                                    void *user)
{
  if (!p) return TERN_E_NOMEM;
  p->setup = setup;
  p->setup_user = user;
  return TERN_OK;
}

tern_status tern_pool_on_result(tern_pool *p, void (*result)(void *user, tern_mail *mail),
                                void *user)
{
  if (!p) return TERN_E_NOMEM;
  p->result = result;
  p->result_user = user;
  return TERN_OK;
}

tern_status tern_pool_set_inbox(tern_pool *p, uint32_t on)
{
  tern_status st = TERN_OK;

  if (!p) return TERN_E_NOMEM;
  if (p->stepping) return TERN_E_STATE;
  if (on) {
    st = tern__pool_inbox_open(p);
  } else {
    tern__pool_inbox_take(p, 1);
    tern__pool_inbox_close(p);
  }
  return st == TERN_OK ? st : wrong(p, st);
}

/* ---- mails in and out ------------------------------------------------------------------------------*/
/* The mail is freed or changed while it waits to be fetched. */
static void leave(void *owner, tern_mail *mail)
{
  tern_pool *p = owner;
  tern_mail **at = &p->finished.first, *before = NULL;

  for (; *at && *at != mail; at = &(*at)->next) before = *at;
  if (!*at) return;
  *at = mail->next;
  if (p->finished.last == mail) p->finished.last = before;
  mail->next = NULL;
}

void tern__pool_result(tern_pool *p, tern_mail *mail)
{
  mail->where = TERN__MAIL_FINISHED;
  mail->owner = p;
  mail->disown = leave;
  tern__queue_push(&p->finished, mail);
}

tern_mail *tern_pool_finished(tern_pool *p)
{
  tern_mail *mail = p ? tern__queue_pop(&p->finished) : NULL;

  if (mail) {
    mail->owner = NULL;
    mail->disown = NULL;
    mail->where = TERN__MAIL_IDLE;
  }
  return mail;
}

void tern__pool_finish(tern_pool *p, tern__pool_job *job)
{
  tern_mail *mail = job->mail;

  tern__timer_set(&p->loop, &job->due, TERN_NEVER);
  tern__list_drop(&job->place);
  tern__list_drop(&job->all);
  tern__pool_flow_give(p, job->flow);
  tern__free(p->mem, job, sizeof *job);
  tern__attempt_drop(mail);
  tern__pool_result(p, mail);
}

void tern__pool_fail(tern_pool *p, tern__pool_job *job, const tern_error *error)
{
  tern__mail_fail_unsent(job->mail, error);
  tern__mail_conclude(job->mail, error);
  tern__pool_finish(p, job);
}

tern_status tern__pool_take(tern_pool *p, const char *url, tern_mail *mail, uint64_t submitter,
                            uint64_t due, tern_error *error)
{
  tern__pool_flow *flow;
  tern__pool_job *job;

  *error = p->error; /* a setting that failed */
  tern__error_set(&p->error, TERN_OK, TERN_PHASE_NONE);
  if (error->status != TERN_OK) return error->status;
  flow = tern__pool_flow_take(p, url, submitter, error);
  if (!flow) return error->status;
  job = tern__alloc(p->mem, sizeof *job);
  if (!job) {
    tern__pool_flow_give(p, flow);
    tern__error_set(error, TERN_E_NOMEM, TERN_PHASE_NONE);
    return error->status;
  }
  job->pool = p;
  job->mail = mail;
  job->flow = flow;
  job->due.at = TERN_NEVER;
  job->due.kind = TERN__RING_MAIL;
  job->due.of = job;
  tern__timer_set(&p->loop, &job->due, due);
  tern__list_append(&p->jobs, &job->all, job);
  mail->owner = job;
  tern__pool_wait_turn(p, job, 0);
  p->more = 1;
  return TERN_OK;
}

tern_status tern_pool_submit(tern_pool *p, const char *url, tern_mail *mail, uint64_t submitter,
                             uint32_t timeout)
{
  tern_error e;

  if (!p || !mail) return TERN_E_NOMEM;
  if (p->stepping || p->closing || mail->where == TERN__MAIL_QUEUED ||
      mail->where == TERN__MAIL_IN_FLIGHT)
    return TERN_E_STATE;
  if (p->waiting >= p->most_waiting) return TERN_E_FULL;
  tern__client_forget(mail);
  tern__mail_reset(mail);
  if (!timeout) timeout = p->timeout;
  if (tern__mail_ready(mail, &e) == TERN_OK &&
      tern__pool_take(p, url, mail, submitter,
                      timeout ? tern__host_now() + timeout : TERN_NEVER, &e) == TERN_OK)
    return TERN_E_AGAIN;
  tern__mail_fail_unsent(mail, &e);
  tern__mail_conclude(mail, &e);
  return e.status;
}

/* ---- moving ----------------------------------------------------------------------------------------*/
static void ring(tern_pool *p)
{
  tern__timer *t;

  while ((t = tern__loop_due(&p->loop, p->now)) != NULL) {
    if (t->kind == TERN__RING_MAIL)
      end_job(p, t->of, TERN_E_TIMEOUT);
    else if (t->kind == TERN__RING_HOST)
      tern__pool_host_resume(p, t->of);
    else
      tern__loop_wake(&p->loop, &((tern__pool_session *)t->of)->handle);
  }
}

/* Sessions without mails have nothing to wait for once the pool is closed. */
static void say_goodbye(tern_pool *p)
{
  tern__pool_session *s;

  while (p->closing && !p->waiting && (s = tern__list_first(&p->idle)) != NULL)
    tern__pool_session_leave(p, s);
}

/* Each session has its turn about once; who has more to do has it again at the next step, after another
 * look. */
static void move_all(tern_pool *p)
{
  uint32_t left = 0;
  void *of;

  do {
    (void)tern__pool_serve(p);
    say_goodbye(p);
    if (!left) left = 2 * p->session_count + 2;
    while (--left && (of = tern__loop_next(&p->loop)) != NULL)
      if (of != &p->inbox_handle) tern__pool_session_step(p, of);
  } while (left && (tern__list_first(&p->ready) || tern__list_first(&p->loop.ready)));
  p->more = !left;
}

static int busy(const tern_pool *p)
{
  return p->waiting || p->sending || (p->closing && p->session_count);
}

/* One step; waits up to ms for a handle first. */
static void turn(tern_pool *p, int32_t ms)
{
  p->stepping = 1;
  tern__loop_look(&p->loop, ms);
  p->now = tern__host_now();
  if (p->cancel) cancel_all(p);
  tern__pool_inbox_take(p, 0);
  ring(p);
  move_all(p);
  p->stepping = 0;
}

tern_status tern_pool_step(tern_pool *p)
{
  if (!p) return TERN_E_NOMEM;
  if (p->stepping || p->telling) return TERN_E_STATE;
  turn(p, 0);
  tell(p);
  return busy(p) ? TERN_E_AGAIN : TERN_OK;
}

size_t tern_pool_poll(const tern_pool *p, tern_poll *out, size_t cap)
{
  return p ? tern__loop_polls(&p->loop, out, cap) : 0;
}

int32_t tern_pool_timeout(const tern_pool *p)
{
  uint64_t at, now;

  if (!p) return -1;
  if (p->more || p->cancel) return 0;
  now = tern__host_now();
  at = tern__loop_deadline(&p->loop, now);
  if (at == TERN_NEVER) return -1;
  if (at <= now) return 0;
  return at - now > INT32_MAX ? INT32_MAX : (int32_t)(at - now);
}

static int open_to_others(const tern_pool *p)
{
  return p->inbox[0] >= 0 && !p->closing;
}

tern_mail *tern_pool_wait(tern_pool *p)
{
  if (!p || p->stepping || p->telling) return NULL;
  while (!p->finished.first && (busy(p) || open_to_others(p))) {
    int32_t ms = tern_pool_timeout(p);
    int woken = p->inbox[0] >= 0 && p->inbox_handle.events; /* by a cancel */
    if (!woken && (ms < 0 || ms > (int32_t)TERN__SLICE)) ms = (int32_t)TERN__SLICE;
    turn(p, ms);
    tell(p);
  }
  return tern_pool_finished(p);
}

/* ---- the end ---------------------------------------------------------------------------------------*/
tern_status tern_pool_cancel_mail(tern_pool *p, tern_mail *mail)
{
  tern__pool_job *job;

  if (!p || !mail) return TERN_E_NOMEM;
  if (p->stepping || mail->disown || !mail->owner ||
      (mail->where != TERN__MAIL_QUEUED && mail->where != TERN__MAIL_IN_FLIGHT))
    return TERN_E_STATE;
  job = mail->owner;
  if (job->pool != p) return TERN_E_STATE;
  end_job(p, job, TERN_E_CANCELLED);
  p->more = 1;
  tell(p);
  return TERN_OK;
}

tern_status tern_pool_close(tern_pool *p)
{
  if (!p) return TERN_E_NOMEM;
  if (p->stepping) return TERN_E_STATE;
  tern__pool_inbox_take(p, 1);
  p->closing = p->more = 1;
  return TERN_OK;
}

/* ---- state -----------------------------------------------------------------------------------------*/
uint32_t tern_pool_waiting(const tern_pool *p)
{
  return p ? p->waiting : 0;
}

uint32_t tern_pool_sending(const tern_pool *p)
{
  return p ? p->sending : 0;
}

uint32_t tern_pool_connections(const tern_pool *p)
{
  return p ? p->session_count : 0;
}

uint32_t tern_pool_pressure(const tern_pool *p)
{
  return p ? p->pressed : 0;
}

const tern_error *tern_pool_error(const tern_pool *p)
{
  static const tern_error none = {.status = TERN_E_NOMEM, .position = UINT16_MAX};

  return p ? &p->error : &none;
}
