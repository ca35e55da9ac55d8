/* mail.c - tern_mail: an envelope, its content, and the outcome of each recipient.
 *
 * A container without a will of its own: attempt.c hands it to the engine and writes outcomes back,
 * the client decides when. Every setter checks what it can at once; the first error sticks, so that
 * a program may look only at the result of send. Parameters, ENVID and ORCPT are judged by what
 * judges them in the engine, the one writer of command lines. mail->client is only compared with NULL here, except that
 * a mail which is freed or changed leaves its client's list of finished ones (tern__client_forget). */
#include "client/mail.h"

#include <string.h>

#include "base/mailbox.h"
#include "base/mem.h"
#include "client/attempt.h"
#include "client/client.h"
#include "protocol/command.h"
#include "protocol/terms.h"

#define TEXT_KEPT 256u

/* ---- life ----------------------------------------------------------------------------------------*/
tern_mail *tern_mail_new(const tern_allocator *mem)
{
  tern_mail *mail = tern__alloc(mem, sizeof *mail);

  if (!mail) return NULL;
  mail->mem = mem;
  mail->status = TERN_E_AGAIN;
  return mail;
}

void tern__mail_own_report(tern_mail *mail, void *report, void (*report_free)(void *report))
{
  if (mail->report) mail->report_free(mail->report);
  mail->report = report;
  mail->report_free = report_free;
}

static tern__kept *within(tern_mail *mail)
{
  return (tern__kept *)(void *)&mail->within; /* the octets behind its head included */
}

/* Gives back the texts from the list's place on. */
static void drop_texts(tern_mail *mail, tern__kept **from)
{
  while (*from) {
    tern__kept *t = *from;
    *from = t->next;
    if (t != within(mail)) tern__free(mail->mem, t, t->size);
  }
}

static char *text_of(tern__kept *t)
{
  return (char *)(t + 1);
}

/* No error points to a text any more. One of usual size is kept, empty, for the next send; not of an
 * arena, which takes back in order. */
static void empty_texts(tern_mail *mail)
{
  if (!mail->texts || mail->mem || mail->texts->size > TEXT_KEPT) {
    drop_texts(mail, &mail->texts);
    return;
  }
  drop_texts(mail, &mail->texts->next);
  text_of(mail->texts)[0] = 0;
}

static void drop_content(tern_mail *mail)
{
  void (*release)(void *user) = mail->release;

  if (mail->spans != &mail->one)
    tern__free(mail->mem, mail->spans, mail->span_count * sizeof *mail->spans);
  mail->spans = NULL;
  mail->span_count = 0;
  mail->source = NULL;
  mail->source_read = 0;
  if (mail->has_content && release) {
    mail->release = NULL;
    release(mail->release_user);
  }
  mail->has_content = 0;
}

static void drop_string(tern_mail *mail, char **string)
{
  tern__free_string(mail->mem, *string);
  *string = NULL;
}

/* The same for a path, which lies in near_by where it is short. */
static void drop_path(tern_mail *mail, char **path, const char *near_by)
{
  if (*path == near_by)
    *path = NULL;
  else
    drop_string(mail, path);
}

static void free_rcpts(tern_mail *mail)
{
  if (mail->rcpts != &mail->first) tern__free(mail->mem, mail->rcpts, mail->rcpt_cap * sizeof *mail->rcpts);
}

/* In the reverse order of the usual calls, so that an arena gets all back at once. */
static void drop_all(tern_mail *mail)
{
  uint32_t i;

  tern__mail_own_report(mail, NULL, NULL);
  drop_texts(mail, &mail->texts);
  tern__attempt_drop(mail);
  drop_content(mail);
  drop_string(mail, &mail->auth);
  drop_string(mail, &mail->params);
  drop_string(mail, &mail->envid);
  for (i = mail->rcpt_count; i-- > 0;) {
    drop_string(mail, &mail->rcpts[i].params);
    drop_string(mail, &mail->rcpts[i].orcpt);
    drop_path(mail, &mail->rcpts[i].address, mail->first_near);
  }
  free_rcpts(mail);
  drop_path(mail, &mail->reverse_path, mail->reverse_near);
}

/* Whether the mail may be changed; one that has only not been fetched leaves its client. */
static tern_status changeable(tern_mail *mail)
{
  if (!mail) return TERN_E_NOMEM;
  if (mail->where == TERN__MAIL_QUEUED || mail->where == TERN__MAIL_IN_FLIGHT) return TERN_E_STATE;
  return TERN_OK;
}

tern_status tern_mail_free(tern_mail *mail)
{
  if (!mail) return TERN_OK;
  if (changeable(mail) != TERN_OK) return TERN_E_STATE;
  tern__client_forget(mail);
  drop_all(mail);
  tern__free(mail->mem, mail, sizeof *mail);
  return TERN_OK;
}

tern_status tern_mail_clear(tern_mail *mail)
{
  tern_status st = changeable(mail);
  const tern_allocator *mem;

  if (st != TERN_OK) return st;
  tern__client_forget(mail);
  drop_all(mail);
  mem = mail->mem;
  memset(mail, 0, sizeof *mail);
  mail->mem = mem;
  mail->status = TERN_E_AGAIN;
  return TERN_OK;
}

/* ---- envelope ------------------------------------------------------------------------------------*/
/* Keeps the first wrong argument. */
static tern_status wrong(tern_mail *mail, tern_status status, uint32_t field, const char *text,
                         size_t position)
{
  tern__error_field(&mail->argument, status, field, text, position);
  mail->argument.index = field == TERN_FIELD_FORWARD_PATH ? mail->rcpt_count : 0;
  return status;
}

static tern_status no_memory(tern_mail *mail)
{
  return wrong(mail, TERN_E_NOMEM, TERN_FIELD_NONE, NULL, 0);
}

/* What every setter asks first: may it be changed, and is there no error yet. */
static tern_status setter(tern_mail *mail)
{
  tern_status st = changeable(mail);

  return st == TERN_OK ? mail->argument.status : st;
}

/* Puts a copy of text, which may be NULL, where *string is. */
static tern_status set_string(tern_mail *mail, char **string, const char *text)
{
  char *copy = NULL;

  if (text) {
    copy = tern__copy_string(mail->mem, text);
    if (!copy) return no_memory(mail);
  }
  tern__free_string(mail->mem, *string);
  *string = copy;
  return TERN_OK;
}

/* The same for a path, put in near_by where it is short; NULL: there is no such room. */
static tern_status set_path(tern_mail *mail, char **string, char *near_by, const char *path)
{
  size_t size = strlen(path) + 1;
  char *copy = near_by;

  if (!near_by || size > TERN__PATH_NEAR) copy = tern__alloc_raw(mail->mem, size);
  if (!copy) return no_memory(mail);
  memmove(copy, path, size);
  if (*string != copy) drop_path(mail, string, near_by);
  *string = copy;
  return TERN_OK;
}

tern_status tern_mail_from(tern_mail *mail, const char *reverse_path)
{
  tern_status st = setter(mail);
  size_t position = 0;
  uint32_t flags = 0;

  if (st != TERN_OK) return st;
  if (!reverse_path)
    return wrong(mail, TERN_E_ARGUMENT, TERN_FIELD_REVERSE_PATH, NULL, SIZE_MAX);
  if (reverse_path[0]) {
    if (tern__mailbox_check(reverse_path, &position, &flags) != TERN_OK)
      return wrong(mail, TERN_E_ADDRESS, TERN_FIELD_REVERSE_PATH, reverse_path, position);
    /* "postmaster" alone is a forward-path only (RFC 5321 4.1.1.3) */
    if (!strchr(reverse_path, '@'))
      return wrong(mail, TERN_E_ADDRESS, TERN_FIELD_REVERSE_PATH, reverse_path,
                   strlen(reverse_path));
  }
  st = set_path(mail, &mail->reverse_path, mail->reverse_near, reverse_path);
  if (st == TERN_OK) mail->utf8 = (flags & TERN__MAILBOX_UTF8) != 0;
  return st;
}

static tern_status grow(tern_mail *mail)
{
  size_t cap = (size_t)mail->rcpt_cap * 2;
  tern__rcpt *more;

  if (!cap) {
    mail->rcpts = &mail->first;
    mail->rcpt_cap = 1;
    return TERN_OK;
  }
  if (cap > UINT32_MAX / 2 || cap > SIZE_MAX / 2 / sizeof *more) return no_memory(mail);
  more = tern__alloc(mail->mem, cap * sizeof *more);
  if (!more) return no_memory(mail);
  memcpy(more, mail->rcpts, mail->rcpt_count * sizeof *more);
  free_rcpts(mail);
  mail->rcpts = more;
  mail->rcpt_cap = (uint32_t)cap;
  return TERN_OK;
}

tern_status tern_mail_rcpt(tern_mail *mail, const char *forward_path)
{
  tern_status st = setter(mail);
  size_t position = 0;
  uint32_t flags = TERN__MAILBOX_POSTMASTER;
  tern__rcpt *r;

  if (st != TERN_OK) return st;
  if (!forward_path)
    return wrong(mail, TERN_E_ARGUMENT, TERN_FIELD_FORWARD_PATH, NULL, SIZE_MAX);
  if (tern__mailbox_check(forward_path, &position, &flags) != TERN_OK)
    return wrong(mail, TERN_E_ADDRESS, TERN_FIELD_FORWARD_PATH, forward_path, position);
  if (mail->rcpt_count == mail->rcpt_cap) st = grow(mail);
  if (st != TERN_OK) return st;
  r = &mail->rcpts[mail->rcpt_count];
  memset(r, 0, sizeof *r);
  tern__error_set(&r->error, TERN_E_AGAIN, TERN_PHASE_NONE);
  r->utf8 = (flags & TERN__MAILBOX_UTF8) != 0;
  st = set_path(mail, &r->address, r == &mail->first ? mail->first_near : NULL, forward_path);
  if (st == TERN_OK) mail->rcpt_count++;
  return st;
}

tern_status tern_mail_set_flags(tern_mail *mail, uint32_t flags)
{
  const uint32_t ret = TERN_MAIL_RET_FULL | TERN_MAIL_RET_HDRS;
  tern__terms_wrong what;
  const uint32_t known = TERN_MAIL_ALL_OR_NONE | TERN_MAIL_REFUSE_BARE | TERN_MAIL_REQUIRETLS |
                         TERN_MAIL_PRDR | TERN_MAIL_BINARY | ret;
  tern_status st = setter(mail);

  if (st != TERN_OK) return st;
  if ((flags & ~known) || (flags & ret) == ret)
    return wrong(mail, TERN_E_ARGUMENT, TERN_FIELD_NONE, NULL, SIZE_MAX);
  st = tern__terms_check(NULL, flags, &what);
  if (st != TERN_OK) return wrong(mail, st, what.field, NULL, SIZE_MAX);
  mail->flags = flags;
  return TERN_OK;
}

/* A parameter, NULL for none, by the engine's own rule. */
static tern_status checked(tern_mail *mail, const char *text,
                           tern_status (*check)(const char *, size_t *), uint32_t field)
{
  size_t position = 0;

  return !text || check(text, &position) == TERN_OK
             ? TERN_OK
             : wrong(mail, TERN_E_PARAMETER, field, text, position);
}

tern_status tern_mail_set_envid(tern_mail *mail, const char *envid)
{
  tern_status st = setter(mail);

  if (st == TERN_OK) st = checked(mail, envid, tern__check_envid, TERN_FIELD_ENVID);
  return st == TERN_OK ? set_string(mail, &mail->envid, envid) : st;
}

tern_status tern_mail_set_params(tern_mail *mail, const char *params)
{
  tern_status st = setter(mail);

  if (st == TERN_OK) st = checked(mail, params, tern__check_params, TERN_FIELD_MAIL_PARAMETER);
  return st == TERN_OK ? set_string(mail, &mail->params, params) : st;
}

/* The terms of the mail, where they can be; else they stay as they were. */
static tern_status set_terms(tern_mail *mail, const tern_terms *terms)
{
  tern__terms_wrong what;
  tern_status st = tern__terms_check(terms, 0, &what);

  if (st != TERN_OK) return wrong(mail, st, what.field, what.text, what.text ? what.position : SIZE_MAX);
  mail->terms = *terms;
  return TERN_OK;
}

tern_status tern_mail_set_deliver_by(tern_mail *mail, int32_t seconds, uint32_t mode)
{
  tern_status st = setter(mail);
  tern_terms terms;

  if (st != TERN_OK) return st;
  terms = mail->terms;
  terms.by = mode != 0 ? seconds : 0;
  terms.by_mode = mode;
  return set_terms(mail, &terms);
}

tern_status tern_mail_set_hold_for(tern_mail *mail, uint32_t seconds)
{
  tern_status st = setter(mail);
  tern_terms terms;

  if (st != TERN_OK) return st;
  terms = mail->terms;
  terms.hold_for = seconds;
  terms.hold_until = 0;
  return set_terms(mail, &terms);
}

tern_status tern_mail_set_hold_until(tern_mail *mail, int64_t seconds)
{
  tern_status st = setter(mail);
  tern_terms terms;

  if (st != TERN_OK) return st;
  terms = mail->terms;
  terms.hold_for = 0;
  terms.hold_until = seconds;
  return set_terms(mail, &terms);
}

tern_status tern_mail_set_priority(tern_mail *mail, int32_t priority)
{
  tern_status st = setter(mail);
  tern_terms terms;

  if (st != TERN_OK) return st;
  terms = mail->terms;
  terms.priority = priority;
  return set_terms(mail, &terms);
}

tern_status tern_mail_set_auth(tern_mail *mail, const char *mailbox)
{
  tern_status st = setter(mail);
  tern_terms terms;

  if (st != TERN_OK) return st;
  terms = mail->terms;
  terms.auth = mailbox;
  st = set_terms(mail, &terms);
  mail->terms.auth = mail->auth;
  if (st != TERN_OK) return st;
  st = set_string(mail, &mail->auth, mailbox);
  mail->terms.auth = mail->auth;
  return st;
}

tern_status tern__mail_copy_terms(tern_mail *mail, const tern_mail *of)
{
  mail->terms = of->terms;
  mail->terms.auth = mail->auth;
  return of->auth ? tern_mail_set_auth(mail, of->auth) : TERN_OK;
}

/* The range of recipients that index means; TERN_E_ARGUMENT where there is none such. */
static tern_status range(tern_mail *mail, uint32_t index, uint32_t field, uint32_t *from,
                         uint32_t *to)
{
  tern_status st = setter(mail);

  if (st != TERN_OK) return st;
  *from = index == UINT32_MAX ? 0 : index;
  *to = index == UINT32_MAX ? mail->rcpt_count : index + 1;
  if (*to > mail->rcpt_count) return wrong(mail, TERN_E_ARGUMENT, field, NULL, SIZE_MAX);
  return TERN_OK;
}

tern_status tern_mail_set_notify(tern_mail *mail, uint32_t index, uint32_t notify)
{
  const uint32_t some = TERN_NOTIFY_SUCCESS | TERN_NOTIFY_FAILURE | TERN_NOTIFY_DELAY;
  uint32_t i = 0, to = 0;
  tern_status st = range(mail, index, TERN_FIELD_RCPT_PARAMETER, &i, &to);

  if (st != TERN_OK) return st;
  if (notify != TERN_NOTIFY_NEVER && (notify & ~some)) /* NEVER stands alone (RFC 3461 4.1) */
    return wrong(mail, TERN_E_PARAMETER, TERN_FIELD_RCPT_PARAMETER, NULL, SIZE_MAX);
  for (; i < to; i++) mail->rcpts[i].notify = notify;
  return TERN_OK;
}

tern_status tern_mail_set_orcpt(tern_mail *mail, uint32_t index, const char *orcpt)
{
  uint32_t i = 0, to = 0;
  tern_status st = range(mail, index, TERN_FIELD_ORCPT, &i, &to);

  if (st == TERN_OK) st = checked(mail, orcpt, tern__check_orcpt, TERN_FIELD_ORCPT);
  for (; st == TERN_OK && i < to; i++) st = set_string(mail, &mail->rcpts[i].orcpt, orcpt);
  return st;
}

tern_status tern_mail_set_rcpt_params(tern_mail *mail, uint32_t index, const char *params)
{
  uint32_t i = 0, to = 0;
  tern_status st = range(mail, index, TERN_FIELD_RCPT_PARAMETER, &i, &to);

  if (st == TERN_OK) st = checked(mail, params, tern__check_params, TERN_FIELD_RCPT_PARAMETER);
  for (; st == TERN_OK && i < to; i++) st = set_string(mail, &mail->rcpts[i].params, params);
  return st;
}

/* ---- content -------------------------------------------------------------------------------------*/
tern_status tern_mail_content(tern_mail *mail, const void *octets, size_t len)
{
  tern_status st = setter(mail);

  if (st != TERN_OK) return st;
  if (!octets && len) return wrong(mail, TERN_E_ARGUMENT, TERN_FIELD_CONTENT, NULL, SIZE_MAX);
  drop_content(mail);
  mail->one.octets = octets;
  mail->one.len = len == TERN_NUL ? strlen(octets) : len;
  mail->spans = &mail->one;
  mail->span_count = 1;
  mail->has_content = 1;
  return TERN_OK;
}

tern_status tern_mail_content_spans(tern_mail *mail, const tern_span *spans, size_t count)
{
  tern_status st = setter(mail);
  tern_span *copy;
  size_t i;

  if (st != TERN_OK) return st;
  if (!spans || !count || count > SIZE_MAX / sizeof *spans)
    return wrong(mail, TERN_E_ARGUMENT, TERN_FIELD_CONTENT, NULL, SIZE_MAX);
  for (i = 0; i < count; i++)
    if (!spans[i].octets && spans[i].len)
      return wrong(mail, TERN_E_ARGUMENT, TERN_FIELD_CONTENT, NULL, SIZE_MAX);
  copy = tern__alloc(mail->mem, count * sizeof *copy);
  if (!copy) return no_memory(mail);
  memcpy(copy, spans, count * sizeof *copy);
  drop_content(mail);
  mail->spans = copy;
  mail->span_count = count;
  mail->has_content = 1;
  return TERN_OK;
}

tern_status tern_mail_content_source(tern_mail *mail, const tern_source *source, void *user)
{
  tern_status st = setter(mail);

  if (st != TERN_OK) return st;
  if (!source || source->size < offsetof(tern_source, rewind) || !source->read)
    return wrong(mail, TERN_E_ARGUMENT, TERN_FIELD_CONTENT, NULL, SIZE_MAX);
  drop_content(mail);
  mail->source = source;
  mail->source_user = user;
  mail->has_content = 1;
  return TERN_OK;
}

tern_status tern_mail_on_release(tern_mail *mail, void (*release)(void *user), void *user)
{
  tern_status st = changeable(mail);

  if (st != TERN_OK) return st;
  mail->release = release;
  mail->release_user = user;
  return TERN_OK;
}

tern_status tern_mail_on_progress(tern_mail *mail,
                                  tern_status (*progress)(void *user, uint64_t sent,
                                                          uint64_t total),
                                  void *user)
{
  tern_status st = changeable(mail);

  if (st != TERN_OK) return st;
  mail->progress = progress;
  mail->progress_user = user;
  return TERN_OK;
}

/* ---- results, written ----------------------------------------------------------------------------*/
void tern__mail_reset(tern_mail *mail)
{
  uint32_t i;

  tern__mail_own_report(mail, NULL, NULL);
  empty_texts(mail);
  for (i = 0; i < mail->rcpt_count; i++) {
    mail->rcpts[i].outcome = TERN_UNSENT;
    tern__error_set(&mail->rcpts[i].error, TERN_E_AGAIN, TERN_PHASE_NONE);
  }
  tern__error_set(&mail->error, TERN_OK, TERN_PHASE_NONE);
  mail->status = TERN_E_AGAIN;
  mail->queue_id_known = 0;
  mail->reopened = 0;
}

tern_status tern__mail_ready(const tern_mail *mail, tern_error *error)
{
  if (mail->argument.status != TERN_OK)
    *error = mail->argument;
  else if (!mail->reverse_path)
    tern__error_field(error, TERN_E_ADDRESS, TERN_FIELD_REVERSE_PATH, NULL, SIZE_MAX);
  else if (!mail->rcpt_count)
    tern__error_field(error, TERN_E_NO_RECIPIENTS, TERN_FIELD_FORWARD_PATH, NULL, SIZE_MAX);
  else if (!mail->has_content)
    tern__error_field(error, TERN_E_ARGUMENT, TERN_FIELD_CONTENT, NULL, SIZE_MAX);
  else
    tern__error_set(error, TERN_OK, TERN_PHASE_NONE);
  return error->status;
}

/* A new text of the mail with room for len octets. */
static tern__kept *text_room(tern_mail *mail, size_t len)
{
  size_t room = mail->mem || len > TEXT_KEPT / 2 ? len : TEXT_KEPT / 2;
  tern__kept *t = within(mail);

  if (!mail->texts && len <= sizeof mail->within.octets)
    room = sizeof mail->within.octets;
  else
    t = tern__alloc_raw(mail->mem, sizeof *t + room);
  if (t) t->size = sizeof *t + room;
  return t;
}

static const char *own_text(tern_mail *mail, const char *text)
{
  tern__kept *t = mail->texts;
  size_t len;
  int i;

  if (!text || !text[0]) return NULL;
  for (i = 0; t && i < 2; i++, t = t->next) /* detail and reply may take turns */
    if (text_of(t)[0] == text[0] && !strcmp(text_of(t), text)) return text_of(t);
  len = strlen(text) + 1;
  t = mail->texts;
  if (!t || text_of(t)[0] || t->size - sizeof *t < len) {
    t = text_room(mail, len);
    if (!t) return NULL;
    t->next = mail->texts;
    mail->texts = t;
  }
  memcpy(text_of(t), text, len);
  return text_of(t);
}

void tern__mail_copy_error(tern_mail *mail, tern_error *to, const tern_error *from)
{
  *to = *from;
  to->detail = from->detail ? own_text(mail, from->detail) : NULL;
  to->reply.text = from->reply.code ? own_text(mail, from->reply.text) : NULL;
}

void tern__mail_settle(tern_mail *mail, uint32_t index, uint32_t outcome, const tern_error *error)
{
  tern__rcpt *r = &mail->rcpts[index];

  r->outcome = (uint8_t)outcome;
  tern__mail_copy_error(mail, &r->error, error);
  r->error.index = index;
}

void tern__mail_fail_unsent(tern_mail *mail, const tern_error *error)
{
  tern_error own;
  uint32_t i;

  tern__mail_copy_error(mail, &own, error);
  for (i = 0; i < mail->rcpt_count; i++)
    if (mail->rcpts[i].outcome == TERN_UNSENT) {
      mail->rcpts[i].error = own;
      /* an error over one recipient's address keeps that one's index */
      if (own.field != TERN_FIELD_FORWARD_PATH) mail->rcpts[i].error.index = i;
    }
}

uint32_t tern__mail_unsent(const tern_mail *mail)
{
  uint32_t i, n = 0;

  for (i = 0; i < mail->rcpt_count; i++) n += mail->rcpts[i].outcome == TERN_UNSENT;
  return n;
}

void tern__mail_conclude(tern_mail *mail, const tern_error *why)
{
  uint32_t i, accepted = 0;
  const tern_error *gravest = NULL;

  for (i = 0; i < mail->rcpt_count; i++) {
    const tern__rcpt *r = &mail->rcpts[i];
    if (r->outcome == TERN_ACCEPTED) {
      accepted++;
    } else if (!gravest || tern__error_graver(&r->error, gravest)) {
      gravest = &r->error;
    }
  }
  if (mail->rcpt_count && accepted == mail->rcpt_count) {
    mail->status = TERN_OK;
    return;
  }
  if (gravest && gravest->status < 0) mail->error = *gravest;
  if (why->status < 0 && (mail->error.status == TERN_OK || tern__error_graver(why, &mail->error)))
    tern__mail_copy_error(mail, &mail->error, why);
  mail->status = accepted ? TERN_PARTIAL : mail->error.status;
}

/* ---- results, read -------------------------------------------------------------------------------*/
static const tern__rcpt *rcpt(const tern_mail *mail, uint32_t index)
{
  return mail && index < mail->rcpt_count ? &mail->rcpts[index] : NULL;
}

tern_status tern_mail_status(const tern_mail *mail)
{
  if (!mail) return TERN_E_NOMEM;
  return mail->argument.status != TERN_OK ? mail->argument.status : mail->status;
}

const tern_error *tern_mail_error(const tern_mail *mail)
{
  static const tern_error none = {.status = TERN_E_NOMEM, .position = UINT16_MAX};

  if (!mail) return &none;
  return mail->argument.status != TERN_OK ? &mail->argument : &mail->error;
}

uint32_t tern_mail_rcpt_count(const tern_mail *mail)
{
  return mail ? mail->rcpt_count : 0;
}

const char *tern_mail_rcpt_address(const tern_mail *mail, uint32_t index)
{
  const tern__rcpt *r = rcpt(mail, index);

  return r ? r->address : "";
}

uint32_t tern_mail_rcpt_outcome(const tern_mail *mail, uint32_t index)
{
  const tern__rcpt *r = rcpt(mail, index);

  return r ? r->outcome : TERN_UNSENT;
}

tern_status tern_mail_rcpt_status(const tern_mail *mail, uint32_t index)
{
  const tern__rcpt *r = rcpt(mail, index);

  return r ? r->error.status : TERN_E_AGAIN;
}

const tern_reply *tern_mail_rcpt_reply(const tern_mail *mail, uint32_t index)
{
  const tern__rcpt *r = rcpt(mail, index);

  return r ? tern_error_reply(&r->error) : NULL;
}

const tern_error *tern_mail_rcpt_error(const tern_mail *mail, uint32_t index)
{
  const tern__rcpt *r = rcpt(mail, index);

  return r ? &r->error : NULL;
}

size_t tern_mail_rcpts_to_retry(const tern_mail *mail, uint32_t with_unknown, uint32_t *out,
                                size_t cap)
{
  size_t n = 0;
  uint32_t i;

  for (i = 0; mail && i < mail->rcpt_count; i++) {
    uint8_t outcome = mail->rcpts[i].outcome;
    if (outcome != TERN_DEFERRED && outcome != TERN_UNSENT &&
        !(with_unknown && outcome == TERN_UNKNOWN))
      continue;
    if (out && n < cap) out[n] = i;
    n++;
  }
  return n;
}

/* Read out of the reply when first asked for: most never ask. */
const char *tern_mail_queue_id(const tern_mail *mail)
{
  tern_mail *own = (tern_mail *)mail; /* every mail is ours, made by tern_mail_new */
  uint32_t i = 0;

  if (!mail) return "";
  if (!mail->queue_id_known) {
    own->queue_id_known = 1;
    own->queue_id[0] = 0;
    while (i < mail->rcpt_count && mail->rcpts[i].outcome != TERN_ACCEPTED) i++;
    if (i < mail->rcpt_count)
      tern_reply_queue_id(tern_error_reply(&mail->rcpts[i].error), own->queue_id,
                          sizeof own->queue_id);
  }
  return mail->queue_id;
}
