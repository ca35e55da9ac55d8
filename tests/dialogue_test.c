/* dialogue_test.c - runs the dialogue files of script/ against the engine.
 *
 * Each file runs whole, octet by octet and in random splits, with its expectations; then again with
 * the connection closed, silent or cancelled at each octet of either direction and with each
 * callback failing at each call, where only what must always hold is asked (witness.c).
 * Usage: dialogue_test [-v] DIRECTORY|FILE... ; ends with "N passed, N failed".
 *        dialogue_test -r FILE   runs it once and prints the trace, as tern-send --trace does, and what became
 *        of whom, whatever the file expects (replay.py). */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dialogue.h"
#include "witness.h"

#define STEPS 2000000

enum cut_kind {
  CUT_NONE, CUT_CLOSED_IN, CUT_SILENT_IN, CUT_CANCEL_IN, CUT_CLOSED_OUT, CUT_SILENT_OUT,
  CUT_CANCEL_OUT, CUT_READ, CUT_PROGRESS, CUT_RECIPIENT, CUT_KINDS
};
static const char *const cut_names[] = {
  "", "closed after server octet", "silent after server octet", "cancelled after server octet",
  "closed after client octet", "silent after client octet", "cancelled after client octet",
  "source failing at read", "progress cancelling at call", "recipient failing at call"
};

/* What a tern_error said, copied while it was there. */
typedef struct record {
  int given, outcome;
  tern_status status, cause;
  uint32_t phase, code, retryable, in_doubt, resend, who, field, index, octet;
  int32_t sysexit;
  size_t position;
  char enhanced[12], text[600], queue[80];
} record;

typedef struct run run;
typedef struct mail_run {
  run *r;
  uint32_t number; /* of the onlooker */
  const dialogue_mail *m;
  tern_transaction t;
  tern_span span[2000];
  uint8_t outcome[WITNESS_RCPTS];
  uint8_t *lent;
  size_t at, reads;
  int begun; /* 1: given, 2: refused by send, 3: not given */
  record done, rcpt[WITNESS_RCPTS];
} mail_run;

struct run {
  const dialogue *d;
  const char *mode;
  size_t in_max, out_max; /* 0: all, SIZE_MAX: random */
  uint32_t seed;
  enum cut_kind cut;
  size_t cut_at;
  int free;  /* no longer compared with the file */
  int quiet; /* nobody is told of lines and progress, so that the engine may take short cuts */
  tern_session *s;
  void *block;
  size_t block_size;
  witness w;
  uint64_t now;
  size_t pos, off; /* the item, and the octets of it that are over */
  size_t server_octets, client_octets, endless;
  size_t reads, progresses, recipients, asks;
  octets line, trace, vrfy;
  uint32_t given;
  int quit_asked;
  tern_credentials credentials;
  record session, argument;
  char fail[700];
  mail_run mail[WITNESS_MAILS]; /* the last: big, and cleared as far as used */
};

static int verbose, results;
static size_t cuts_max = 700; /* of one kind in one file; beyond, they are spread evenly */
static uint8_t *guarded, *guarded_end; /* an unreadable page lies before and behind */

static void fail(run *r, const char *format, ...)
{
  va_list list;
  if (r->fail[0]) return;
  va_start(list, format);
  vsnprintf(r->fail, sizeof r->fail, format, list);
  va_end(list);
}

static uint32_t chance(run *r, uint32_t below)
{
  r->seed = r->seed * 1664525u + 1013904223u;
  return (r->seed >> 8) % below;
}

static const char *shown(const uint8_t *at, size_t len)
{
  static char text[4][240];
  static int turn;
  char *out = text[turn = (turn + 1) & 3];
  size_t i, n = 0;
  for (i = 0; i < len && n < 220; i++)
    n += (size_t)snprintf(out + n, 8, at[i] == '\r' ? "\\r" : at[i] == '\n' ? "\\n" :
                          at[i] < 32 || at[i] > 126 ? "\\x%02x" : "%c", at[i]);
  out[n] = 0;
  return out;
}

/* ---- callbacks --------------------------------------------------------------------------------*/

static void keep(record *k, const tern_error *e)
{
  const tern_reply *reply = tern_error_reply(e);
  k->given = 1;
  k->status = tern_error_status(e);
  k->cause = tern_error_cause(e);
  k->phase = tern_error_phase(e);
  k->code = tern_reply_code(reply);
  k->retryable = tern_error_retryable(e);
  k->in_doubt = tern_error_in_doubt(e);
  k->resend = tern_error_resend(e);
  k->who = tern_error_who(e);
  k->field = tern_error_field(e);
  k->index = tern_error_index(e);
  k->octet = tern_error_octet(e);
  k->position = tern_error_position(e);
  k->sysexit = tern_error_sysexit(e);
  snprintf(k->enhanced, sizeof k->enhanced, "%s", tern_reply_enhanced(reply));
  snprintf(k->text, sizeof k->text, "%s", tern_reply_text(reply));
  tern_reply_queue_id(reply, k->queue, sizeof k->queue);
}

static tern_status on_recipient(void *user, uint32_t index, tern_recipient *out)
{
  mail_run *m = user;
  run *r = m->r;
  static const tern_recipient none;
  if (r->cut == CUT_RECIPIENT && r->recipients++ == r->cut_at) return TERN_E_IO;
  if (index >= m->m->count) {
    fail(r, "recipient %u of %u asked for", (unsigned)index, (unsigned)m->m->count);
    return TERN_E_ARGUMENT;
  }
  if (memcmp(out, &none, sizeof none) != 0) fail(r, "recipient called with a used struct");
  out->forward_path = m->m->rcpt[index].path;
  out->orcpt = m->m->rcpt[index].orcpt;
  out->params = m->m->rcpt[index].params;
  out->notify = m->m->rcpt[index].notify;
  return TERN_OK;
}

static void on_settled(void *user, uint32_t index, const tern_error *e)
{
  mail_run *m = user;
  if (index >= m->m->count) {
    fail(m->r, "settled %u of %u", (unsigned)index, (unsigned)m->m->count);
    return;
  }
  keep(&m->rcpt[index], e);
  m->rcpt[index].outcome = m->outcome[index];
  witness_settled(&m->r->w, m->number, index, m->outcome[index], e);
}

static void on_done(void *user, tern_status status, const tern_error *e)
{
  mail_run *m = user;
  uint32_t i;
  keep(&m->done, e);
  for (i = 0; i < m->m->count; i++)
    if (m->outcome[i] != m->rcpt[i].outcome && m->rcpt[i].given)
      fail(m->r, "outcome of %u changed after it was settled", (unsigned)i + 1);
  witness_done(&m->r->w, m->number, status, e, m->outcome);
}

static tern_status on_progress(void *user, uint64_t sent, uint64_t total)
{
  mail_run *m = user;
  (void)total;
  if (m->r->cut == CUT_PROGRESS && m->r->progresses++ == m->r->cut_at) return TERN_E_CANCELLED;
  if (m->m->cancel_at >= 0 && sent >= (uint64_t)m->m->cancel_at) return TERN_E_CANCELLED;
  return TERN_OK;
}

static tern_status on_read(void *user, const uint8_t **at, size_t *len)
{
  mail_run *m = user;
  const dialogue_mail *d = m->m;
  size_t n = d->content.len - m->at;
  if (m->r->cut == CUT_READ && m->r->reads++ == m->r->cut_at) return TERN_E_IO;
  free(m->lent); /* what was lent before must not be used any more */
  m->lent = NULL;
  m->reads++;
  if (d->again && m->reads % d->again == 0) return TERN_E_AGAIN;
  if (n > d->chunk) n = d->chunk;
  if (d->fail_at >= 0 && m->at + n > (size_t)d->fail_at) return TERN_E_IO;
  m->lent = malloc(n + 1);
  if (!m->lent) abort();
  if (n) memcpy(m->lent, d->content.at + m->at, n);
  *at = m->lent;
  *len = n;
  m->at += n;
  if (m->at < d->content.len) return TERN_OK;
  return TERN_SOURCE_END;
}

static tern_status on_rewind(void *user)
{
  free(((mail_run *)user)->lent);
  ((mail_run *)user)->lent = NULL;
  ((mail_run *)user)->at = 0;
  return TERN_OK;
}

static tern_status on_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  const mail_run *m = user;
  (void)capabilities;
  if (info->length != TERN_LENGTH_UNKNOWN || info->flags != 0)
    fail(m->r, "prepare called with info in use");
  info->length = m->m->promise;
  info->flags = m->m->info;
  return TERN_OK;
}

static void on_trace(void *user, char who, const char *line, size_t len)
{
  run *r = user;
  char head[4] = { who, ':', ' ', 0 };
  octets_add(&r->trace, head, 3);
  octets_add(&r->trace, line, len);
  octets_add(&r->trace, "\n", 1);
  if (memchr(line, '\n', len)) fail(r, "a trace line with its end");
}

static tern_status on_random(void *user, uint8_t *out, size_t len)
{
  size_t i;
  (void)user;
  for (i = 0; i < len; i++) out[i] = (uint8_t)(i * 37 + 11);
  return TERN_OK;
}

static tern_status on_ask(void *user, uint32_t expired, tern_credentials *self)
{
  run *r = user;
  if (r->asks++ != expired) fail(r, "ask called out of turn (expired %u)", (unsigned)expired);
  if (expired) self->token = r->d->new_token;
  return TERN_OK;
}

/* ---- one run ------------------------------------------------------------------------------------*/

static void good(run *r, tern_status status, const char *what)
{
  if (status != TERN_OK) fail(r, "%s answered %s", what, tern_status_name(status));
}

static void fill_mail(run *r, mail_run *m, const dialogue_mail *d)
{
  static const tern_source plain = { sizeof plain, on_read, NULL, NULL };
  static const tern_source rewinds = { sizeof rewinds, on_read, on_rewind, NULL };
  static const tern_source tells = { sizeof tells, on_read, NULL, on_prepare };
  static const tern_source both = { sizeof both, on_read, on_rewind, on_prepare };
  size_t i, from = 0;
  uint32_t k;
  memset(m, 0, sizeof *m);
  m->r = r;
  m->m = d;
  m->number = witness_add_mail(&r->w);
  for (k = 0; k < d->count; k++) witness_add_rcpt(&r->w, m->number, d->rcpt[k].path);
  m->t.size = sizeof m->t;
  m->t.reverse_path = d->from;
  m->t.envid = d->envid;
  m->t.params = d->params;
  m->t.flags = d->flags;
  m->t.terms = &d->terms;
  m->t.rcpt_count = d->count;
  m->t.outcome = m->outcome;
  m->t.recipient = on_recipient;
  m->t.settled = on_settled;
  m->t.done = on_done;
  if (!r->quiet || d->cancel_at >= 0) m->t.progress = on_progress;
  m->t.user = m;
  if (d->pull) {
    m->t.source = d->prepare ? (d->rewind ? &both : &tells) : (d->rewind ? &rewinds : &plain);
    m->t.source_user = m;
    return;
  }
  m->t.spans = m->span;
  for (i = 0; d->spans && from < d->content.len && i < 2000; from += m->span[i++].len) {
    m->span[i].octets = d->content.at + from;
    m->span[i].len = d->content.len - from < d->spans ? d->content.len - from : d->spans;
  }
  if (!d->spans)
    for (i = 0; i < d->pieces; from = d->cut[i++]) {
      m->span[i].len = d->cut[i] - from;
      m->span[i].octets = m->span[i].len ? d->content.at + from : NULL; /* no octets: no address */
    }
  m->t.span_count = i;
}

static tern_status give_mail(run *r, uint32_t n)
{
  mail_run *m = &r->mail[n];
  tern_status st = tern_session_send(r->s, &m->t);
  if (st == TERN_E_AGAIN) return st;
  if (n == r->given) r->given++;
  m->begun = st == TERN_OK ? 1 : 2;
  if (st == TERN_OK) return st;
  keep(&r->argument, tern_session_argument_error(r->s));
  m->done = r->argument;
  m->done.status = st;
  if (st != TERN_E_STATE && tern_error_status(tern_session_argument_error(r->s)) != st)
    fail(r, "send answered %s, argument_error %s", tern_status_name(st),
         tern_status_name(r->argument.status));
  return st;
}

static int all_done(run *r)
{
  uint32_t i;
  if (r->given < r->d->mails) return 0;
  for (i = 0; i < r->given; i++)
    if (r->mail[i].begun == 1 && !r->w.mail[r->mail[i].number].done) return 0;
  return 1;
}

/* The intents of the file's head: all mails as soon as there is room, then QUIT. */
static void intents(run *r)
{
  if (r->d->by_hand || tern_session_ended(r->s)) return;
  while (r->given < r->d->mails && tern_session_room(r->s) > 0 && !tern_session_spent(r->s)) {
    if (give_mail(r, r->given) == TERN_E_AGAIN) {
      fail(r, "there is room, but send answered TERN_E_AGAIN");
      return;
    }
  }
  if (r->quit_asked || r->d->quit == 0) return;
  if (all_done(r) || (r->d->quit == 2 && r->given == r->d->mails) ||
      (tern_session_spent(r->s) && tern_session_idle(r->s))) {
    r->quit_asked = 1;
    if (!tern_session_ended(r->s)) good(r, tern_session_quit(r->s), "quit");
  }
}

static void set_credentials(run *r)
{
  const dialogue *d = r->d;
  tern_credentials *c = &r->credentials;
  memset(c, 0, sizeof *c);
  c->size = sizeof *c;
  c->user = d->user;
  c->password = d->password;
  c->token = d->token;
  c->authzid = d->authzid;
  c->mechanism = d->mechanism;
  c->kinds = d->kinds;
  c->prepared = d->prepared;
  if (d->new_token) c->ask = on_ask;
  if (d->random) c->random = on_random;
  if (d->bound) {
    c->binding_type = "tls-exporter";
    c->binding = (const uint8_t *)"0123456789abcdef0123456789abcdef";
    c->binding_len = 32;
  }
  c->callback_user = r;
}

static void begin(run *r)
{
  const dialogue *d = r->d;
  size_t i;
  tern_status st;
  witness_init(&r->w, d->tls, d->lmtp, d->channel_safe);
  r->now = 1000;
  r->block_size = tern_session_size(d->window, d->text, d->out);
  r->block = malloc(r->block_size);
  if (!r->block) abort();
  memset(r->block, 0xA5, r->block_size);
  st = tern_session_init(&r->s, r->block, r->block_size, d->window, d->text);
  good(r, st, "init");
  if (st != TERN_OK) return;
  if (d->tls_given) good(r, tern_session_set_tls(r->s, d->tls), "set_tls");
  if (d->lmtp) good(r, tern_session_set_lmtp(r->s, 1), "set_lmtp");
  if (d->channel_safe) good(r, tern_session_set_channel_safe(r->s, 1), "set_channel_safe");
  if (d->eager) good(r, tern_session_set_eager(r->s, 1), "set_eager");
  if (d->verified) tern_session_set_verified(r->s, 1);
  r->w.eager = d->eager;
  if (d->mask) good(r, tern_session_set_mask(r->s, d->mask), "set_mask");
  if (d->pipeline) good(r, tern_session_set_pipeline(r->s, d->pipeline), "set_pipeline");
  if (d->deadline != TERN_NEVER)
    good(r, tern_session_set_deadline(r->s, d->deadline), "set_deadline");
  for (i = 0; i < d->policies; i++)
    good(r, tern_session_set_policy(r->s, d->policy[i].capability, d->policy[i].policy), "policy");
  for (i = 0; i < d->timeouts; i++)
    good(r, tern_session_set_timeout(r->s, d->timeout[i].phase, d->timeout[i].ms), "set_timeout");
  if (!r->quiet) good(r, tern_session_set_trace(r->s, on_trace, r), "set_trace");
  st = tern_session_set_ehlo_name(r->s, d->ehlo);
  if (st != TERN_OK) {
    keep(&r->argument, tern_session_argument_error(r->s));
    r->argument.status = st;
  }
  for (i = 0; i < d->mails; i++) fill_mail(r, &r->mail[i], &d->mail[i]);
  if (d->auth) {
    set_credentials(r);
    st = tern_session_auth(r->s, &r->credentials);
    if (st != TERN_OK) {
      r->argument.given = 1;
      r->argument.status = st;
    }
  }
  st = tern_session_start(r->s, r->now);
  if (st != TERN_OK && r->argument.status != st) good(r, st, "start");
}

static void finish(run *r)
{
  uint32_t i;
  for (i = 0; i < r->w.mails; i++) free(r->mail[i].lent);
  free(r->line.at);
  free(r->trace.at);
  free(r->vrfy.at);
  free(r->block);
}

static const dialogue_item *current(const run *r)
{
  return r->pos < r->d->items ? &r->d->item[r->pos] : NULL;
}

static void next_item(run *r)
{
  r->pos++;
  r->off = 0;
}

static int by_text(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether two lines have the same words, in any order. */
static int same_words(const octets *a, const octets *b)
{
  char text[2][2000], *word[2][64];
  size_t n[2] = { 0, 0 }, i, k;
  if (a->len >= 2000 || b->len >= 2000) return 0;
  memcpy(text[0], a->at, a->len);
  memcpy(text[1], b->at, b->len);
  text[0][a->len] = text[1][b->len] = 0;
  for (k = 0; k < 2; k++) {
    for (word[k][0] = strtok(text[k], " \r\n"); word[k][n[k]] && n[k] < 62;)
      word[k][++n[k]] = strtok(NULL, " \r\n");
    qsort(word[k], n[k], sizeof word[k][0], by_text);
  }
  for (i = 0; i < n[0] && n[0] == n[1]; i++)
    if (strcmp(word[0][i], word[1][i]) != 0) return 0;
  return n[0] == n[1];
}

static void match(run *r, const uint8_t *at, size_t len)
{
  size_t i;
  for (i = 0; i < len && !r->fail[0]; i++) {
    const dialogue_item *item = current(r);
    if (!item || (item->kind != ITEM_CLIENT && item->kind != ITEM_CLIENT_WORDS &&
                  item->kind != ITEM_CLIENT_ANY)) {
      fail(r, "line %d: sent \"%s\" where the server is to speak", item ? item->line : 0,
           shown(at + i, len - i));
      return;
    }
    if (item->kind == ITEM_CLIENT) {
      if (item->text.at[r->off] != at[i]) {
        size_t from = r->off > 60 ? r->off - 60 : 0;
        fail(r, "line %d: \"%s\" expected, sent: \"%s\" behind \"%s\"", item->line,
             shown(item->text.at + r->off, item->text.len - r->off), shown(at + i, len - i),
             shown(item->text.at + from, r->off - from));
        return;
      }
      if (++r->off == item->text.len) next_item(r);
      continue;
    }
    octets_add(&r->line, at + i, 1);
    if (at[i] != '\n') continue;
    if (item->kind == ITEM_CLIENT_WORDS ? !same_words(&item->text, &r->line)
        : r->line.len < item->text.len ||
          (item->text.len && memcmp(r->line.at, item->text.at, item->text.len) != 0))
      fail(r, "line %d: \"%s\" expected, sent \"%s\"", item->line,
           shown(item->text.at, item->text.len), shown(r->line.at, r->line.len));
    r->line.len = 0;
    next_item(r);
  }
}

/* How many octets may be taken before an early line of the server is due. */
static size_t before_early(const run *r)
{
  size_t n = 0, off = r->off, pos;
  for (pos = r->pos; pos < r->d->items && r->d->item[pos].kind == ITEM_CLIENT; pos++) {
    n += r->d->item[pos].text.len - off;
    off = 0;
  }
  return pos < r->d->items && r->d->item[pos].kind == ITEM_SERVER_EARLY ? n : SIZE_MAX;
}

static void take_output(run *r, size_t most)
{
  size_t len = 0, n;
  const uint8_t *at;
  uint8_t *copy;
  tern_span spans[5];
  at = tern_session_out(r->s, &len);
  if (!at || len == 0) {
    fail(r, "wants WRITE, but out has nothing");
    return;
  }
  if (r->out_max == SIZE_MAX) {
    size_t count = tern_session_outv(r->s, spans, 1 + chance(r, 4));
    if (count == 0 || spans[0].len == 0 || spans[0].octets[0] != at[0])
      fail(r, "outv differs from out");
    at = tern_session_out(r->s, &len);
    n = 1 + chance(r, (uint32_t)(len > 100000 ? 100000 : len));
  } else
    n = r->out_max && len > r->out_max ? r->out_max : len;
  if (n > most) n = most;
  copy = malloc(n);
  if (!copy) abort();
  memcpy(copy, at, n);
  if (!r->free) match(r, copy, n);
  if (!r->fail[0]) {
    witness_client(&r->w, copy, n);
    r->client_octets += n;
    (void)tern_session_out_done(r->s, n, r->now);
  }
  free(copy);
}

/* Hands in octets that end or begin at an unreadable page. */
static void hand_in(run *r, const uint8_t *at, size_t len)
{
  uint8_t *place;
  tern_status st;
  if (len > (size_t)(guarded_end - guarded)) abort();
  place = len & 1 || len > 64 ? guarded_end - len : guarded;
  memcpy(place, at, len);
  witness_server(&r->w, at, len);
  r->server_octets += len;
  st = tern_session_in(r->s, place, len, r->now);
  memset(place, 0xEE, len);
  if (st < 0 && !tern_session_ended(r->s))
    fail(r, "in answered %s, but the session has not ended", tern_status_name(st));
}

static void closed(run *r, tern_status reason)
{
  (void)tern_session_in_closed(r->s, reason);
  if (!tern_session_ended(r->s)) fail(r, "in_closed did not end the session");
}

static void wait_out(run *r)
{
  uint64_t deadline = tern_session_deadline(r->s);
  if (deadline == TERN_NEVER) {
    fail(r, "would wait for ever (wants %u, phase %s)", (unsigned)tern_session_wants(r->s),
         tern_phase_name(tern_session_phase(r->s)));
    return;
  }
  if (deadline > r->now) r->now = deadline;
  (void)tern_session_tick(r->s, r->now);
}

/* From here on the peer is gone or silent; at the end the session is over. */
static void cut(run *r)
{
  int steps;
  r->free = 1;
  if (r->cut == CUT_CLOSED_IN || r->cut == CUT_CLOSED_OUT)
    closed(r, r->cut == CUT_CLOSED_IN ? TERN_E_CLOSED : TERN_E_IO);
  if (r->cut == CUT_CANCEL_IN || r->cut == CUT_CANCEL_OUT) {
    (void)tern_session_cancel(r->s);
    if (!tern_session_ended(r->s)) fail(r, "cancel did not end the session");
  }
  for (steps = 0; steps < 100000 && !r->fail[0] && !tern_session_ended(r->s); steps++) {
    uint32_t wants = tern_session_wants(r->s);
    witness_session(&r->w, r->s);
    if (wants == 0) {
      (void)tern_session_cancel(r->s);
      if (!tern_session_ended(r->s)) fail(r, "cancel did not end the idle session");
    } else if (wants & TERN_WANT_WORK) (void)tern_session_tick(r->s, r->now);
    else if (wants & TERN_WANT_SOURCE) (void)tern_session_resume(r->s, r->now);
    else if (wants & TERN_WANT_TLS)
      (void)tern_session_tls_done(r->s, TERN_E_TIMEOUT, NULL, r->now);
    else if ((wants & TERN_WRITE) && r->cut != CUT_SILENT_OUT) take_output(r, SIZE_MAX);
    else wait_out(r);
  }
  if (!r->fail[0] && !tern_session_ended(r->s)) fail(r, "does not end");
}

static void serve(run *r, int merge)
{
  octets all = { NULL, 0, 0 };
  size_t n, pos = r->pos, off = r->off, left;
  for (; pos < r->d->items; pos++, off = 0) {
    const dialogue_item *item = &r->d->item[pos];
    if (item->kind != ITEM_SERVER && pos != r->pos) break;
    octets_add(&all, item->text.at + off, item->text.len - off);
    if (!merge || item->kind != ITEM_SERVER) break;
  }
  n = r->in_max == SIZE_MAX ? 1 + chance(r, (uint32_t)all.len) : r->in_max ? r->in_max : all.len;
  if (n > all.len) n = all.len;
  if (n > 16000) n = 16000;
  if (r->cut >= CUT_CLOSED_IN && r->cut <= CUT_CANCEL_IN && r->server_octets + n > r->cut_at)
    n = r->cut_at - r->server_octets;
  if (n == 0) {
    free(all.at);
    cut(r);
    return;
  }
  for (left = n; left > 0;) {
    size_t rest = r->d->item[r->pos].text.len - r->off;
    if (left < rest) {
      r->off += left;
      break;
    }
    left -= rest;
    next_item(r);
  }
  hand_in(r, all.at, n);
  free(all.at);
}

static void act(run *r, const dialogue_item *item)
{
  char text[600], *want;
  tern_status st = TERN_OK, expected = TERN_OK;
  snprintf(text, sizeof text, "%.*s", (int)item->text.len, (const char *)item->text.at);
  want = strstr(text, " = ");
  if (want) {
    *want = 0;
    expected = status_by_name(want + 3, strlen(want + 3));
  }
  if (strncmp(text, "send ", 5) == 0) {
    uint32_t n = (uint32_t)strtoul(text + 5, NULL, 10) - 1;
    if (n >= r->d->mails) {
      fail(r, "line %d: no such mail", item->line);
      return;
    }
    st = give_mail(r, n);
  } else if (strcmp(text, "quit") == 0) st = tern_session_quit(r->s);
  else if (strcmp(text, "noop") == 0) st = tern_session_noop(r->s);
  else if (strncmp(text, "vrfy ", 5) == 0) {
    r->vrfy.len = 0;
    octets_add(&r->vrfy, text + 5, strlen(text + 5) + 1); /* lives as long as the run */
    st = tern_session_vrfy(r->s, (const char *)r->vrfy.at);
  } else if (strcmp(text, "cancel") == 0) {
    (void)tern_session_cancel(r->s);
    if (!tern_session_ended(r->s)) fail(r, "line %d: cancel did not end it", item->line);
  } else if (strcmp(text, "idle") == 0) {
    if (!tern_session_idle(r->s)) fail(r, "line %d: not idle", item->line);
    if (tern_session_wants(r->s) != 0) fail(r, "line %d: idle, but wants something", item->line);
    if (tern_session_deadline(r->s) != TERN_NEVER && r->d->deadline == TERN_NEVER)
      fail(r, "line %d: idle, but has a deadline", item->line);
  } else fail(r, "line %d: unknown action %s", item->line, text);
  if (st != expected && !r->free)
    fail(r, "line %d: %s answered %s", item->line, text, tern_status_name(st));
}

static void scripted(run *r)
{
  const dialogue_item *item = current(r);
  switch (item->kind) {
  case ITEM_SERVER:
  case ITEM_SERVER_EARLY:
    serve(r, r->in_max == 0 || r->in_max == SIZE_MAX);
    return;
  case ITEM_ENDLESS:
    if (r->endless++ > 20000) fail(r, "line %d: an endless reply has no end", item->line);
    hand_in(r, item->text.at, item->text.len);
    if (tern_session_ended(r->s)) next_item(r);
    return;
  case ITEM_CLOSE:
    next_item(r);
    closed(r, item->status);
    return;
  case ITEM_TIME:
    next_item(r);
    r->now += item->number;
    (void)tern_session_tick(r->s, r->now);
    return;
  case ITEM_TIMEOUT:
    next_item(r);
    wait_out(r);
    return;
  case ITEM_DO:
    next_item(r);
    act(r, item);
    return;
  case ITEM_TLS:
    fail(r, "line %d: TLS due, but it wants %u", item->line, (unsigned)tern_session_wants(r->s));
    return;
  default:
    fail(r, "line %d: silent (wants %u, phase %s) where \"%s\" is expected", item->line,
         (unsigned)tern_session_wants(r->s), tern_phase_name(tern_session_phase(r->s)),
         shown(item->text.at + r->off, item->text.len - r->off));
  }
}

static void handshake(run *r)
{
  const dialogue_item *item = current(r);
  tern_status result;
  if (!item || item->kind != ITEM_TLS) {
    fail(r, "line %d: a handshake is wanted", item ? item->line : 0);
    return;
  }
  result = item->status;
  next_item(r);
  witness_tls(&r->w, result == TERN_OK);
  (void)tern_session_tls_done(r->s, result, result == TERN_OK ? NULL : "detail of it", r->now);
}

static void drive(run *r)
{
  long steps;
  for (steps = 0; steps < STEPS && !r->fail[0] && !r->w.fault[0]; steps++) {
    uint32_t wants;
    const dialogue_item *item = current(r);
    size_t most = SIZE_MAX;
    if (tern_session_ended(r->s)) return;
    intents(r);
    wants = tern_session_wants(r->s);
    witness_session(&r->w, r->s);
    if (wants & TERN_WANT_WORK) {
      (void)tern_session_tick(r->s, r->now);
    } else if (wants & TERN_WANT_SOURCE) {
      (void)tern_session_resume(r->s, r->now);
    } else if (wants & TERN_WANT_TLS) {
      handshake(r);
    } else if ((wants & TERN_WRITE) && !(item && item->kind == ITEM_SERVER_EARLY) &&
               !(item && item->kind == ITEM_DO && strcmp((char *)item->text.at, "cancel") == 0)) {
      if (r->cut >= CUT_CLOSED_OUT && r->cut <= CUT_CANCEL_OUT) most = r->cut_at - r->client_octets;
      if (most == 0) {
        cut(r);
        return;
      }
      if (before_early(r) < most) most = before_early(r);
      take_output(r, most);
    } else if (item) {
      scripted(r);
    } else {
      return;
    }
  }
  if (steps == STEPS) fail(r, "does not end");
}

/* ---- expectations -------------------------------------------------------------------------------*/

static int number_is(const char *text, uint64_t value)
{
  return strtoull(text, NULL, 0) == value;
}

/* "MAIL-parameter" is the name "MAIL parameter" as one word. */
static int same_name(const char *name, const char *word)
{
  for (; *name && (*name == *word || (*name == ' ' && *word == '-')); name++) word++;
  return *name == *word;
}

static void compare_word(run *r, const dialogue_want *want, const record *k, char *word)
{
  char *value = strchr(word, '=');
  int same = 0;
  if (!value) {
    if (status_by_name(word, strlen(word)) == -9999)
      fail(r, "line %d: odd word %s", want->line, word);
    else if (k->status != status_by_name(word, strlen(word)))
      fail(r, "line %d: %s: %s (phase %s, reply %u \"%s\") instead of %s", want->line, want->what,
           tern_status_name(k->status), tern_phase_name(k->phase), (unsigned)k->code, k->text, word);
    return;
  }
  *value++ = 0;
  if (strcmp(word, "phase") == 0) same = strcmp(tern_phase_name(k->phase), value) == 0;
  else if (strcmp(word, "cause") == 0) same = k->cause == status_by_name(value, strlen(value));
  else if (strcmp(word, "code") == 0) same = number_is(value, k->code);
  else if (strcmp(word, "enhanced") == 0) same = strcmp(k->enhanced, value) == 0;
  else if (strcmp(word, "sysexit") == 0) same = number_is(value, (uint64_t)k->sysexit);
  else if (strcmp(word, "retryable") == 0) same = number_is(value, k->retryable);
  else if (strcmp(word, "in-doubt") == 0) same = number_is(value, k->in_doubt);
  else if (strcmp(word, "resend") == 0) same = strcmp(tern_resend_name(k->resend), value) == 0;
  else if (strcmp(word, "who") == 0) same = strcmp(tern_who_name(k->who), value) == 0;
  else if (strcmp(word, "field") == 0) same = same_name(tern_field_name(k->field), value);
  else if (strcmp(word, "index") == 0) same = number_is(value, k->index);
  else if (strcmp(word, "octet") == 0) same = number_is(value, k->octet);
  else if (strcmp(word, "position") == 0) same = number_is(value, k->position);
  else if (strcmp(word, "queue") == 0) same = strcmp(k->queue, value) == 0;
  if (!same)
    fail(r, "line %d: %s: %s is not %s (%s, phase %s, cause %s, reply %u %s \"%s\", queue \"%s\", "
         "sysexit %d, field %s, position %ld, octet 0x%02x, resend %s)", want->line, want->what, word, value,
         tern_status_name(k->status), tern_phase_name(k->phase), tern_status_name(k->cause),
         (unsigned)k->code, k->enhanced, k->text, k->queue, (int)k->sysexit,
         tern_field_name(k->field), (long)k->position, (unsigned)k->octet,
         tern_resend_name(k->resend));
}

/* "TERN_E_X phase=mail code=550 text=to the end" */
static void compare(run *r, const dialogue_want *want, const record *k, const char *rest)
{
  char words[600], *text, *word;
  snprintf(words, sizeof words, "%s", rest);
  text = strstr(words, "text=");
  if (text) {
    *text = 0;
    text += 5;
    if (strcmp(text, k->text) != 0)
      fail(r, "line %d: %s: text is \"%s\"", want->line, want->what, k->text);
  }
  for (word = strtok(words, " "); word && !r->fail[0]; word = strtok(NULL, " ")) {
    compare_word(r, want, k, word);
  }
}

static void want_rcpt(run *r, const dialogue_want *want)
{
  char *dot = strchr(want->what, '.'), *end = NULL, word[20];
  unsigned long n = strtoul(want->what + 5, NULL, 10), i, from, to;
  const mail_run *m = &r->mail[n - 1];
  size_t len = strcspn(want->rest, " ");
  if (n == 0 || n > r->d->mails || !dot) {
    fail(r, "line %d: no such mail", want->line);
    return;
  }
  from = dot[1] == '*' ? 1 : strtoul(dot + 1, &end, 10);
  to = dot[1] == '*' ? m->m->count : end && *end == '-' ? strtoul(end + 1, NULL, 10) : from;
  snprintf(word, sizeof word, "%.*s", (int)(len < 19 ? len : 19), want->rest);
  for (i = from; i <= to && !r->fail[0]; i++) {
    const record *k = &m->rcpt[i - 1];
    if (!k->given) fail(r, "line %d: rcpt %lu was never settled", want->line, i);
    else if (strcmp(tern_outcome_name(m->outcome[i - 1]), word) != 0)
      fail(r, "line %d: rcpt %lu.%lu is %s (%s, reply %u \"%s\")", want->line, n, i,
           tern_outcome_name(m->outcome[i - 1]), tern_status_name(k->status), (unsigned)k->code,
           k->text);
    else compare(r, want, k, want->rest + len);
  }
}

static void want_mail(run *r, const dialogue_want *want)
{
  unsigned long n = strtoul(want->what + 5, NULL, 10);
  const mail_run *m = &r->mail[n - 1];
  const char *rest = want->rest;
  if (n == 0 || n > r->d->mails) {
    fail(r, "line %d: no such mail", want->line);
    return;
  }
  if (strcmp(rest, "not given") == 0) {
    if (m->begun) fail(r, "line %d: mail %lu was given", want->line, n);
    return;
  }
  if (strncmp(rest, "refused ", 8) == 0) {
    rest += 8;
    if (m->begun != 2) fail(r, "line %d: mail %lu was not refused by send", want->line, n);
  } else if (m->begun != 1)
    fail(r, "line %d: send answered %s for mail %lu", want->line, tern_status_name(m->done.status),
         n);
  else if (!m->done.given) fail(r, "line %d: mail %lu is not done", want->line, n);
  compare(r, want, &m->done, rest);
}

static int trace_has(const run *r, const char *text)
{
  return r->trace.at && memmem(r->trace.at, r->trace.len, text, strlen(text)) != NULL;
}

static void capability_set(run *r, const dialogue_want *want, uint32_t set)
{
  char words[600], *word;
  uint32_t i, left = set;
  snprintf(words, sizeof words, "%s", want->rest);
  for (word = strtok(words, " "); word; word = strtok(NULL, " ")) {
    for (i = 0; i < 18; i++)
      if (strcmp(word, i == 17 ? "EXTENDED" : tern_capability_name((uint32_t)1 << i)) == 0) break;
    if (i == 18 || !(set & (uint32_t)1 << i))
      fail(r, "line %d: %s is missing in 0x%x", want->line, word, (unsigned)set);
    else left &= ~((uint32_t)1 << i);
  }
  if (left) fail(r, "line %d: 0x%x too many", want->line, (unsigned)left);
}

static void want(run *r, const dialogue_want *w)
{
  const tern_session *s = r->s;
  int no = 0;
  if (strncmp(w->what, "rcpt ", 5) == 0) want_rcpt(r, w);
  else if (strncmp(w->what, "mail ", 5) == 0) want_mail(r, w);
  else if (strcmp(w->what, "session") == 0) compare(r, w, &r->session, w->rest);
  else if (strcmp(w->what, "argument") == 0) compare(r, w, &r->argument, w->rest);
  else if (strcmp(w->what, "ended") == 0) no = !number_is(w->rest, tern_session_ended(s));
  else if (strcmp(w->what, "idle") == 0) no = !number_is(w->rest, tern_session_idle(s));
  else if (strcmp(w->what, "spent") == 0) no = !number_is(w->rest, tern_session_spent(s));
  else if (strcmp(w->what, "secure") == 0) no = !number_is(w->rest, tern_session_secure(s));
  else if (strcmp(w->what, "size-limit") == 0) no = !number_is(w->rest, tern_session_size_limit(s));
  else if (strcmp(w->what, "rcpt-max") == 0) no = !number_is(w->rest, tern_session_rcpt_max(s));
  else if (strcmp(w->what, "mail-max") == 0) no = !number_is(w->rest, tern_session_mail_max(s));
  else if (strcmp(w->what, "mechanism") == 0) no = strcmp(w->rest, tern_session_mechanism(s)) != 0;
  else if (strcmp(w->what, "reply") == 0)
    no = !number_is(w->rest, tern_reply_code(tern_session_reply(s)));
  else if (strcmp(w->what, "capabilities") == 0)
    capability_set(r, w, tern_session_capabilities(s));
  else if (strcmp(w->what, "offered") == 0) capability_set(r, w, tern_session_offered(s));
  else if (strcmp(w->what, "used") == 0) capability_set(r, w, tern_session_used(s));
  else if (strcmp(w->what, "trace-with") == 0) no = !r->quiet && !trace_has(r, w->rest);
  else if (strcmp(w->what, "trace-without") == 0) no = trace_has(r, w->rest);
  else fail(r, "line %d: unknown expectation %s", w->line, w->what);
  if (no) fail(r, "line %d: %s is not %s", w->line, w->what, w->rest);
}

static void base64(char *out, const uint8_t *in, size_t len)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t i, k;
  for (i = 0; i + 2 < len; i += 3) {
    uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
    for (k = 0; k < 4; k++) *out++ = digits[v >> (18 - 6 * k) & 63];
  }
  *out = 0; /* the whole groups are enough to be found */
}

/* No secret in what people read: trace, error texts. */
static void secrets(run *r)
{
  const char *secret[3];
  char code[3000], text[2000];
  size_t i, shift;
  secret[0] = r->d->password, secret[1] = r->d->token, secret[2] = r->d->new_token;
  tern_error_format(tern_session_error(r->s), text, sizeof text);
  for (i = 0; i < 3; i++) {
    size_t len = secret[i] ? strlen(secret[i]) : 0;
    if (len < 6 || len > 1900) continue;
    if (trace_has(r, secret[i])) fail(r, "the trace has the secret");
    if (strstr(text, secret[i])) fail(r, "an error has the secret");
    for (shift = 0; shift < 3; shift++) {
      base64(code, (const uint8_t *)secret[i] + shift, len - shift);
      if (strlen(code) >= 4 && trace_has(r, code)) fail(r, "the trace has the secret in base64");
    }
  }
}

/* What holds at the end of any run. */
static void always(run *r)
{
  uint32_t i;
  size_t len = 1;
  keep(&r->session, tern_session_error(r->s));
  witness_session(&r->w, r->s);
  secrets(r);
  if (!tern_session_ended(r->s)) return;
  for (i = 0; i < r->d->mails; i++)
    if (r->mail[i].begun == 1 && r->w.mail[r->mail[i].number].done != 1)
      fail(r, "ended, and done was called %u times for mail %u",
           (unsigned)r->w.mail[r->mail[i].number].done, (unsigned)i + 1);
  if (tern_session_out(r->s, &len) != NULL || len != 0) fail(r, "ended, but out has octets");
  if (tern_session_start(r->s, r->now) != TERN_E_STATE) fail(r, "ended, but start works");
  if (tern_session_quit(r->s) != TERN_E_STATE) fail(r, "ended, but quit works");
  if (tern_session_idle(r->s)) fail(r, "ended and idle");
  (void)tern_session_in(r->s, (const uint8_t *)"250 x\r\n", 7, r->now);
  (void)tern_session_tick(r->s, r->now + 1);
  (void)tern_session_in_closed(r->s, TERN_E_CLOSED);
  (void)tern_session_out_done(r->s, 0, r->now);
  (void)tern_session_cancel(r->s);
}

static void expected(run *r)
{
  size_t i;
  const dialogue_item *item = current(r);
  int told = 0;
  if (item && !item->optional && (item->kind == ITEM_CLIENT || item->kind == ITEM_CLIENT_WORDS ||
               item->kind == ITEM_CLIENT_ANY || item->kind == ITEM_TLS))
    fail(r, "line %d: ended (%s, phase %s) before \"%s\"", item->line,
         tern_status_name(r->session.status), tern_phase_name(r->session.phase),
         shown(item->text.at + r->off, item->text.len - r->off));
  if (!tern_session_ended(r->s) && !item && tern_session_wants(r->s) != 0)
    fail(r, "the file ends, but the session wants %u in phase %s",
         (unsigned)tern_session_wants(r->s), tern_phase_name(tern_session_phase(r->s)));
  for (i = 0; i < r->d->wants && !r->fail[0]; i++) {
    told |= strcmp(r->d->want[i].what, "session") == 0;
    want(r, &r->d->want[i]);
  }
  if (!told && r->session.status != TERN_OK)
    fail(r, "the session ended with %s in phase %s (reply %u \"%s\")",
         tern_status_name(r->session.status), tern_phase_name(r->session.phase),
         (unsigned)r->session.code, r->session.text);
}

/* Answers 1 when good; else the failure is printed. */
static int run_once(run *r, const dialogue *d, const char *mode, size_t in_max, size_t out_max,
                    uint32_t seed, enum cut_kind kind, size_t at, int quiet)
{
  int good_run;
  memset(r, 0, offsetof(run, mail));
  r->d = d;
  r->mode = mode;
  r->in_max = in_max;
  r->out_max = out_max;
  r->seed = seed;
  r->cut = kind;
  r->cut_at = at;
  r->quiet = quiet;
  r->free = kind == CUT_READ || kind == CUT_PROGRESS || kind == CUT_RECIPIENT;
  begin(r);
  if (!r->fail[0]) {
    if (!r->free) drive(r);
    else {
      /* a failing callback makes the rest of the file meaningless: serve what is there */
      long steps;
      for (steps = 0; steps < STEPS && !tern_session_ended(r->s) && !r->fail[0]; steps++) {
        uint32_t wants;
        const dialogue_item *item;
        intents(r);
        item = current(r);
        wants = tern_session_wants(r->s);
        witness_session(&r->w, r->s);
        if (wants & TERN_WANT_WORK) (void)tern_session_tick(r->s, r->now);
        else if (wants & TERN_WANT_SOURCE) (void)tern_session_resume(r->s, r->now);
        else if (wants & TERN_WANT_TLS) {
          witness_tls(&r->w, 1);
          (void)tern_session_tls_done(r->s, TERN_OK, NULL, r->now);
        } else if (wants & TERN_WRITE) take_output(r, SIZE_MAX);
        else if (item && item->kind == ITEM_SERVER) serve(r, 0);
        else if (item && item->kind == ITEM_DO) scripted(r);
        else if (item) next_item(r);
        else break;
      }
      r->cut = r->cut == CUT_NONE ? CUT_NONE : CUT_CLOSED_IN;
      if (!r->fail[0] && !tern_session_ended(r->s)) cut(r);
    }
    if (!r->fail[0]) always(r);
    if (!r->fail[0] && !r->w.fault[0] && kind == CUT_NONE && !results) expected(r);
  }
  if (!r->fail[0] && r->w.fault[0]) fail(r, "%s", r->w.fault);
  good_run = !r->fail[0];
  if (!good_run) {
    printf("FAIL %s [%s%s", d->path, mode, cut_names[kind]);
    if (kind != CUT_NONE) printf(" %lu", (unsigned long)at);
    printf("] %s\n", r->fail);
    if (verbose && r->trace.at) printf("%.*s", (int)r->trace.len, (const char *)r->trace.at);
  }
  return good_run;
}

static int run_cuts(run *r, const dialogue *d, const size_t *total)
{
  int kind, good_runs = 1;
  for (kind = CUT_CLOSED_IN; kind < CUT_KINDS; kind++) {
    size_t at, step = total[kind] / cuts_max + 1;
    for (at = 0; at < total[kind]; at += cuts_max > 40 && at < 40 ? 1 : step) {
      int quiet = kind <= CUT_CANCEL_OUT && at % 2;
      int one = run_once(r, d, quiet ? "quiet, " : "", 0, 0, 1, (enum cut_kind)kind, at, quiet);
      finish(r);
      if (!one) {
        good_runs = 0;
        break; /* the first of a kind tells enough */
      }
    }
  }
  return good_runs;
}

/* The trace, and a line for each recipient that was settled. */
static int print_results(const char *path)
{
  static run r;
  dialogue *d = dialogue_read(path);
  uint32_t m, i;
  int good_run = 0;
  if (!d || d->error[0]) printf("FAIL %s: %s\n", path, d ? d->error : "cannot be read");
  else {
    good_run = run_once(&r, d, "whole", 0, 0, 5, CUT_NONE, 0, 0);
    printf("%.*s", (int)r.trace.len, r.trace.at ? (const char *)r.trace.at : "");
    if (r.session.status != TERN_OK) printf("tern-send: %s\n", tern_status_name(r.session.status));
    for (m = 0; m < d->mails; m++)
      for (i = 0; r.mail[m].begun == 1 && i < d->mail[m].count; i++)
        if (r.mail[m].rcpt[i].given)
          printf("= <%s> %s %s %u %s\n", d->mail[m].rcpt[i].path, tern_outcome_name(r.mail[m].outcome[i]),
                 tern_status_name(r.mail[m].rcpt[i].status), (unsigned)r.mail[m].rcpt[i].code, r.mail[m].rcpt[i].enhanced);
    printf("= session %s%s\n", tern_status_name(r.session.status), tern_session_ended(r.s) ? "" : " open");
    finish(&r);
  }
  dialogue_free(d);
  return good_run;
}

static int run_file(const char *path)
{
  static const struct { const char *name; size_t in, out; int quiet; } modes[] = {
    { "whole", 0, 0, 0 }, { "whole, quiet", 0, 0, 1 }, { "octets", 1, 1, 0 },
    { "in by octets", 1, 0, 0 }, { "out by octets", 0, 1, 0 }, { "out by octets, quiet", 0, 1, 1 },
    { "random", SIZE_MAX, SIZE_MAX, 0 }, { "random, quiet", SIZE_MAX, SIZE_MAX, 1 },
    { "random, quiet", SIZE_MAX, SIZE_MAX, 1 }
  };
  static run r;
  size_t i, total[CUT_KINDS] = { 0 };
  dialogue *d = dialogue_read(path);
  int good_file = 1;
  if (!d || d->error[0]) {
    printf("FAIL %s: %s\n", path, d ? d->error : "cannot be read");
    dialogue_free(d);
    return 0;
  }
  for (i = 0; i < (d->one_read ? 2 : sizeof modes / sizeof modes[0]) && good_file; i++) {
    good_file = run_once(&r, d, modes[i].name, modes[i].in, modes[i].out, (uint32_t)i * 77 + 5,
                         CUT_NONE, 0, modes[i].quiet);
    if (i == 0 && verbose && r.trace.at)
      printf("== %s\n%.*s", path, (int)r.trace.len, (const char *)r.trace.at);
    if (i == 0) {
      if (!d->one_read)
        total[CUT_CLOSED_IN] = total[CUT_SILENT_IN] = total[CUT_CANCEL_IN] = r.server_octets;
      total[CUT_CLOSED_OUT] = total[CUT_SILENT_OUT] = total[CUT_CANCEL_OUT] = r.client_octets;
      total[CUT_PROGRESS] = d->mails ? 40 : 0;
      total[CUT_RECIPIENT] = d->mails ? 40 : 0;
      if (d->mails && d->mail[0].pull) total[CUT_READ] = 40;
    }
    finish(&r);
  }
  if (good_file) good_file = run_cuts(&r, d, total);
  dialogue_free(d);
  return good_file;
}

/* ---- the files ------------------------------------------------------------------------------------*/

static char *paths[2000];
static size_t path_count;

static void collect(const char *path)
{
  struct stat st;
  DIR *dir;
  struct dirent *entry;
  if (stat(path, &st) != 0) {
    printf("FAIL %s: cannot be read\n", path);
    exit(1);
  }
  if (!S_ISDIR(st.st_mode)) {
    if (path_count < 2000) paths[path_count++] = strdup(path);
    return;
  }
  dir = opendir(path);
  while (dir && (entry = readdir(dir)) != NULL) {
    char name[1000];
    const char *dot = strrchr(entry->d_name, '.');
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (entry->d_name[0] == '.') continue;
    if ((dot && strcmp(dot, ".dialogue") == 0) || (stat(name, &st) == 0 && S_ISDIR(st.st_mode)))
      collect(name);
  }
  if (dir) closedir(dir);
}

int main(int argc, char **argv)
{
  size_t i, passed = 0, page = (size_t)sysconf(_SC_PAGESIZE), size;
  uint8_t *region;
  int a;
  const char *preload = getenv("LD_PRELOAD");
  size = (20000 / page + 1) * page;
  if (preload && strstr(preload, "vgpreload")) cuts_max = 20; /* valgrind is 50 times slower */
  region = mmap(NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED || mprotect(region, page, PROT_NONE) != 0 ||
      mprotect(region + page + size, page, PROT_NONE) != 0)
    return 1;
  guarded = region + page;
  guarded_end = guarded + size;
  for (a = 1; a < argc; a++) {
    if (strcmp(argv[a], "-v") == 0) verbose = 1;
    else if (strcmp(argv[a], "-r") == 0 && a + 1 < argc) {
      results = 1;
      return !print_results(argv[a + 1]);
    } else collect(argv[a]);
  }
  qsort(paths, path_count, sizeof paths[0], by_text);
  for (i = 0; i < path_count; i++) {
    passed += (size_t)run_file(paths[i]);
    fflush(stdout);
    free(paths[i]);
  }
  printf("%lu passed, %lu failed\n", (unsigned long)passed, (unsigned long)(path_count - passed));
  munmap(region, size + 2 * page);
  return path_count == 0 || passed != path_count;
}
