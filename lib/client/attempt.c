/* attempt.c - one try of a mail: the recipients that are unsent, numbered anew for the engine.
 *
 * The mail stays as it was submitted; its outcomes are written through the callbacks of the
 * transaction as they become known, so that several attempts add up to one result. The source of a
 * mail is seen through a table of our own, which remembers that octets were taken: only then must
 * it be rewound before the next attempt.
 * Limit: attempt and outcomes are one block of about 5 octets a recipient beside the mail's own. */
#include "client/attempt.h"

#include <string.h>

#include "base/mem.h"
#include "client/client.h"
#include "protocol/command.h"

static uint32_t of_mail(const tern__attempt *a, uint32_t index)
{
  return a->map ? a->map[index] : index;
}

static tern_status on_recipient(void *user, uint32_t index, tern_recipient *out)
{
  const tern__attempt *a = user;
  const tern__rcpt *r = &a->mail->rcpts[of_mail(a, index)];

  out->forward_path = r->address;
  out->orcpt = r->orcpt;
  out->params = r->params;
  out->notify = r->notify;
  return TERN_OK;
}

static void on_settled(void *user, uint32_t index, const tern_error *error)
{
  tern__attempt *a = user;
  uint8_t outcome = a->transaction.outcome[index];

  if (outcome != TERN_UNSENT) a->settled++;
  if (outcome == TERN_DEFERRED && error->phase == TERN_PHASE_MAIL) a->settled_by_mail++;
  tern__mail_settle(a->mail, of_mail(a, index), outcome, error);
}

static void on_done(void *user, tern_status status, const tern_error *error)
{
  tern__attempt *a = user;

  (void)status; /* made anew over all attempts */
  a->ended = 1;
  a->client->ended++;
  tern__mail_copy_error(a->mail, &a->error, error);
}

static tern_status on_progress(void *user, uint64_t sent, uint64_t total)
{
  const tern__attempt *a = user;

  if (a->client->cancel) return TERN_E_CANCELLED;
  return a->mail->progress ? a->mail->progress(a->mail->progress_user, sent, total) : TERN_OK;
}

/* ---- the source, seen through ----------------------------------------------------------------------*/
static int has_rewind(const tern_source *source)
{
  return source->size >= offsetof(tern_source, prepare) && source->rewind;
}

static int has_prepare(const tern_source *source)
{
  return source->size >= sizeof *source && source->prepare;
}

static tern_status source_read(void *user, const uint8_t **octets, size_t *len)
{
  tern_mail *mail = user;

  mail->source_read = 1;
  return mail->source->read(mail->source_user, octets, len);
}

static tern_status source_rewind(void *user)
{
  tern_mail *mail = user;
  tern_status st;

  if (!has_rewind(mail->source)) return TERN_E_REWIND;
  st = mail->source->rewind(mail->source_user);
  if (st == TERN_OK) mail->source_read = 0;
  return st;
}

static tern_status source_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  tern_mail *mail = user;

  if (!has_prepare(mail->source)) return TERN_OK;
  return mail->source->prepare(mail->source_user, capabilities, info);
}

static const tern_source rewindable = {sizeof rewindable, source_read, source_rewind,
                                       source_prepare};
static const tern_source once = {sizeof once, source_read, NULL, source_prepare};

/* ---- life ----------------------------------------------------------------------------------------*/
static void fill(tern__attempt *a, uint32_t count)
{
  tern_mail *mail = a->mail;
  tern_transaction *t = &a->transaction;
  uint32_t i;

  if (mail->utf8) a->judged = TERN__JUDGED_UTF8;
  for (i = 0; i < count; i++) {
    const tern__rcpt *r = &mail->rcpts[of_mail(a, i)];
    if (r->utf8) a->judged |= TERN__JUDGED_UTF8;
    if (r->notify || r->orcpt) a->judged |= TERN__JUDGED_DSN;
  }
  t->size = sizeof *t;
  t->reverse_path = mail->reverse_path;
  t->envid = mail->envid;
  t->params = mail->params;
  t->terms = &mail->terms;
  t->flags = mail->flags;
  t->rcpt_count = count;
  t->recipient = on_recipient;
  t->settled = on_settled;
  t->done = on_done;
  /* content in memory leaves under the eyes of the pump; a source may take long within one write */
  t->progress = mail->progress || mail->source ? on_progress : NULL;
  t->user = a;
  t->spans = mail->spans;
  t->span_count = mail->span_count;
  if (!mail->source) return;
  t->source = has_rewind(mail->source) ? &rewindable : &once;
  t->source_user = mail;
}

/* An empty one of that size, the spare one where it fits. */
static tern__attempt *take(tern_mail *mail, size_t size)
{
  tern__attempt *a = mail->spare;

  if (a && a->size == size) {
    mail->spare = NULL;
    memset(a, 0, sizeof *a);
  } else {
    tern__attempt_drop(mail);
    a = tern__alloc(mail->mem, size);
    if (!a) return NULL;
  }
  a->mail = mail;
  a->size = size;
  return a;
}

tern__attempt *tern__attempt_new(tern_mail *mail, tern_client *client, tern_status *status)
{
  uint32_t i, n = 0, count = tern__mail_unsent(mail);
  size_t map = count == mail->rcpt_count ? 0 : count * sizeof (uint32_t);
  size_t size = sizeof (tern__attempt) + map + count;
  tern__attempt *a;

  *status = TERN_OK;
  if (mail->source && mail->source_read) {
    *status = source_rewind(mail);
    if (*status != TERN_OK) {
      if (*status != TERN_E_REWIND) *status = TERN_E_SOURCE;
      return NULL;
    }
  }
  a = take(mail, size);
  if (!a) {
    *status = TERN_E_NOMEM;
    return NULL;
  }
  a->client = client;
  if (map) a->map = (uint32_t *)(void *)(a + 1);
  for (i = 0; map && i < mail->rcpt_count; i++)
    if (mail->rcpts[i].outcome == TERN_UNSENT) a->map[n++] = i;
  a->transaction.outcome = (uint8_t *)(a + 1) + map;
  fill(a, count);
  return a;
}

void tern__attempt_free(tern__attempt *attempt)
{
  if (!attempt) return;
  tern__attempt_drop(attempt->mail);
  attempt->mail->spare = attempt;
}

void tern__attempt_drop(tern_mail *mail)
{
  if (mail->spare) tern__free(mail->mem, mail->spare, mail->spare->size);
  mail->spare = NULL;
}
