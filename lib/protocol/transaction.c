/* transaction.c - one mail after the other: MAIL, RCPT, DATA or BDAT, content, final reply, and what
 * became of each recipient.
 *
 * RFC 5321 3.3, RFC 2920 (groups), RFC 3030 (BDAT), RFC 2033 (LMTP), RFC 9422 (LIMITS). The sender's
 * half is tern__mail_send, a loop over s->stage; the receiver's half is tern__mail_reply. Every reply
 * of a group is read before its verdict. The content leaves only after the replies to its own
 * recipients were judged; the envelope of the next mail may follow it in the same flight (window).
 * Known limit: a content of unknown length goes by DATA, never in chunks. */
#include <string.h>

#include "base/mailbox.h"
#include "base/verdict.h"
#include "protocol/engine.h"

/* ---- outcomes ------------------------------------------------------------------------------------ */
/* Recipient i has its outcome; the reply that decided is the last one read, where there was one. */
static void settle(tern__slot *slot, uint32_t i, uint8_t outcome, tern_error *why)
{
  const tern_transaction *t = slot->t;

  t->outcome[i] = outcome;
  why->index = i; /* of the recipient, whatever it was of before */
  if (why->status != TERN_OK && (slot->worst.status == TERN_OK || tern__error_graver(why, &slot->worst))) {
    slot->worst = *why;
    slot->worst.reply.text = NULL; /* it does not outlive the reply */
  }
  if (t->settled != NULL) t->settled(t->user, i, why);
  if (outcome == TERN_UNSENT) t->outcome[i] = TERN__M_GONE; /* not to be asked again */
}

/* All recipients with one of two marks. */
static void settle_all(tern__slot *slot, uint8_t mark, uint8_t mark2, uint8_t outcome, tern_error *why)
{
  uint32_t i;

  for (i = 0; i < slot->t->rcpt_count; i++)
    if (slot->t->outcome[i] == mark || slot->t->outcome[i] == mark2)
      settle(slot, i, outcome, why);
}

/* What the last reply means in phase, as an error and an outcome. */
static uint8_t verdict(const tern_session *s, uint32_t phase, tern_error *e)
{
  tern__error_set(e, tern__verdict(phase, &s->reader.reply), phase);
  e->reply = s->reader.reply;
  if (e->status == TERN_OK) return TERN_ACCEPTED;
  e->per_recipient = phase == TERN_PHASE_RCPT || (TERN__LMTP(s) && phase == TERN_PHASE_END_OF_DATA);
  return tern_status_class(e->status) == TERN_CLASS_PERMANENT ? TERN_REJECTED : TERN_DEFERRED;
}

/* Something was refused: the next mail waits for all replies. */
static void surprised(tern_session *s)
{
#if TERN__WITH_WINDOW
  s->extra.surprise = 1;
#else
  (void)s;
#endif
}

static uint32_t count_marks(const tern__slot *slot, uint8_t mark)
{
  uint32_t i, n = 0;

  for (i = 0; i < slot->t->rcpt_count; i++) n += slot->t->outcome[i] == mark;
  return n;
}

/* The first recipient from `from` on with that mark; rcpt_count: none. */
static uint32_t find_mark(const tern__slot *slot, uint32_t from, uint8_t mark)
{
  while (from < slot->t->rcpt_count && slot->t->outcome[from] != mark) from++;
  return from;
}

/* Every recipient has a final word: the mail is handed back. */
static void finish(tern_session *s, tern__slot *slot)
{
  const tern_transaction *t = slot->t;
  tern_error e = slot->worst;
  uint32_t accepted = count_marks(slot, TERN_ACCEPTED), i;

  for (i = 0; i < t->rcpt_count; i++)
    if (t->outcome[i] == TERN__M_GONE) t->outcome[i] = TERN_UNSENT;
  if (accepted == t->rcpt_count) {
    tern__error_set(&e, TERN_OK, TERN_PHASE_END_OF_DATA);
  } else if (count_marks(slot, TERN_UNKNOWN) != 0) {
    tern__error_set(&e, TERN_E_IN_DOUBT, TERN_PHASE_END_OF_DATA);
    e.cause = s->error.status;
  } else if (accepted != 0) {
    e.status = TERN_PARTIAL;
  }
  if (TERN__WITH_WINDOW && accepted == t->rcpt_count && s->owed_count == 0)
    TERN__EXTRA(s)->surprise = 0; /* the window opens again */
  slot->t = NULL;
  s->slot_used--;
  while (TERN__WITH_WINDOW && TERN__EXTRA(s)->slot_first != TERN__EXTRA(s)->slot_last &&
         tern__slot_at(s, TERN__EXTRA(s)->slot_first % TERN__WINDOW(s))->t == NULL)
    TERN__EXTRA(s)->slot_first++;
  if (t->done != NULL) t->done(t->user, e.status, &e);
}

/* A round of the mail has ended with nothing of it outstanding: what was put off goes in a further
 * transaction, or the mail is finished. */
static void round_done(tern_session *s, tern__slot *slot)
{
  const tern_transaction *t = slot->t;
  uint32_t i;
  tern_error e;

  slot->flags &= ~(TERN__F_MAIL_OK | TERN__F_BDAT | TERN__F_OVERLAPPED | TERN__F_EMPTY |
                   TERN__F_MAIL_ERROR | TERN__F_BEGUN | TERN__F_EAGER | TERN__F_PRDR |
                   TERN__F_ONE_BY_ONE);
  if (slot == tern__slot_at(s, TERN__SLOT(s)) && s->stage > TERN__READY && s->stage < TERN__QUITTING)
    s->stage = TERN__READY;
  if (TERN__WITH_SPLIT && count_marks(slot, TERN__M_AGAIN) + count_marks(slot, TERN_UNSENT) != 0 &&
      !(slot->flags & TERN__F_STOP)) {
    if (!(slot->flags & TERN__F_USED) || t->spans != NULL || t->source == NULL ||
        t->source->rewind != NULL) {
      for (i = 0; i < t->rcpt_count; i++)
        if (t->outcome[i] == TERN__M_AGAIN) t->outcome[i] = TERN_UNSENT;
      if (TERN__WITH_WINDOW) TERN__EXTRA(s)->slot_next = TERN__EXTRA(s)->slot_first; /* it is older than what was begun since */
      return;
    }
    tern__error_set(&e, TERN_E_REWIND, TERN_PHASE_DATA);
    settle_all(slot, TERN__M_AGAIN, TERN_UNSENT, TERN_UNSENT, &e);
  }
  finish(s, slot);
}

/* Nothing was asked of the server: the whole mail is unsent because of status. */
static void reject_whole(tern_session *s, tern__slot *slot, tern_status status, uint32_t field)
{
  tern_error e;

  tern__error_set(&e, status, TERN_PHASE_MAIL);
  e.cause = slot->worst.cause;
  e.field = (uint8_t)field;
  settle_all(slot, TERN_UNSENT, TERN__M_AGAIN, TERN_UNSENT, &e);
  slot->flags |= TERN__F_STOP;
  round_done(s, slot);
}

/* Whether the final octet of the slot's content is out of our hands, and its reply was not read. */
static int final_handed(const tern_session *s, const tern__slot *slot)
{
  uint32_t k;

  if (slot->flags & TERN__F_EMPTY) return 0;
  for (k = 0; k < s->owed_count; k++) {
    const tern__owed *o = tern__owed_at(s, k);
    if (o->kind == TERN__END && slot == tern__slot_at(s, TERN__SLOT_OF(o)))
      return tern__handed(s, o->end);
  }
  return 0;
}

void tern__mail_abandon(tern_session *s)
{
  tern_error e;

  while (tern__mails_in(s) != 0) {
    tern__slot *slot = tern__slot_at(s, TERN__EXTRA(s)->slot_first % TERN__WINDOW(s));

    e = s->error;
    if (final_handed(s, slot)) {
      e.status = TERN_E_IN_DOUBT;
      e.cause = s->error.status;
      e.phase = TERN_PHASE_END_OF_DATA;
      memset(&e.reply, 0, sizeof e.reply);
      settle_all(slot, TERN__M_TAKEN, slot->flags & TERN__F_EAGER ? TERN__M_SENT : TERN__M_TAKEN,
                 TERN_UNKNOWN, &e);
      e = s->error;
    }
    settle_all(slot, TERN__M_SENT, TERN__M_TAKEN, TERN_UNSENT, &e);
    settle_all(slot, TERN__M_AGAIN, TERN_UNSENT, TERN_UNSENT, &e);
    finish(s, slot);
  }
}

/* ---- accepting a mail: every check that needs no server ------------------------------------------- */
/* What is wrong: a status and its field in one number, 0 for nothing; and of what text which octet. */
#define WRONG(status, field) ((uint32_t)-(TERN_E_##status) << 8 | TERN_FIELD_##field)

typedef struct where {
  const char *text; /* or NULL */
  size_t at;
} where;

static tern_status bad(tern_session *s, uint32_t wrong, const where *w, uint32_t index)
{
  tern__error_field(&s->error, -(tern_status)(wrong >> 8), wrong & 255u, w->text, w->at);
  s->error.index = index;
  return s->error.status;
}

static uint32_t check_recipient(const tern_transaction *t, uint32_t i, uint32_t *judged, where *w)
{
  tern_recipient r;
  uint32_t flags = TERN__MAILBOX_POSTMASTER;

  memset(&r, 0, sizeof r);
  if (t->recipient(t->user, i, &r) != TERN_OK || r.forward_path == NULL)
    return WRONG(ARGUMENT, FORWARD_PATH);
  w->text = r.forward_path;
  if (tern__mailbox_check(r.forward_path, &w->at, &flags) != TERN_OK) return WRONG(ADDRESS, FORWARD_PATH);
  w->text = NULL;
  if (flags & TERN__MAILBOX_UTF8) *judged |= TERN__JUDGED_UTF8;
  if ((!TERN__WITH_DSN && (r.notify != 0 || r.orcpt != NULL)) ||
      (!TERN__WITH_MAIL_OPTIONS && r.params != NULL))
    return WRONG(UNSUPPORTED, RCPT_PARAMETER);
  if (TERN__WITH_DSN && (r.notify > 15 || ((r.notify & TERN_NOTIFY_NEVER) && r.notify != TERN_NOTIFY_NEVER)))
    return WRONG(PARAMETER, RCPT_PARAMETER);
  if (TERN__WITH_DSN && r.orcpt != NULL) {
    w->text = r.orcpt;
    if (tern__check_orcpt(r.orcpt, &w->at) != TERN_OK) return WRONG(PARAMETER, ORCPT);
  }
  if (TERN__WITH_MAIL_OPTIONS && r.params != NULL) {
    w->text = r.params;
    if (tern__check_params(r.params, &w->at) != TERN_OK) return WRONG(PARAMETER, RCPT_PARAMETER);
  }
  w->text = NULL;
  if (TERN__WITH_DSN && (r.notify != 0 || r.orcpt != NULL)) *judged |= TERN__JUDGED_DSN;
  return 0;
}

/* Whether this build has what the mail asks for. */
static int built(const tern_transaction *t)
{
  return (TERN__WITH_PROGRESS || t->progress == NULL) &&
         (TERN__WITH_DSN ||
          (t->envid == NULL && !(t->flags & (TERN_MAIL_RET_FULL | TERN_MAIL_RET_HDRS)))) &&
         (TERN__WITH_MAIL_OPTIONS ||
          (t->params == NULL && !(t->flags & (TERN_MAIL_ALL_OR_NONE | TERN_MAIL_REFUSE_BARE))));
}

static uint32_t check_mail(const tern_transaction *t, uint32_t *judged, where *w)
{
  uint32_t flags = 0;
  tern__terms_wrong wrong;
  tern_status st;

  if (t == NULL || t->size < offsetof(tern_transaction, terms)) return WRONG(ARGUMENT, NONE);
  if (t->spans == NULL && t->source != NULL && t->source->read == NULL) return WRONG(ARGUMENT, CONTENT);
  if (!built(t)) return WRONG(UNSUPPORTED, MAIL_PARAMETER);
  if (t->reverse_path == NULL) return WRONG(ARGUMENT, REVERSE_PATH);
  w->text = t->reverse_path;
  if (t->reverse_path[0] != '\0' && tern__mailbox_check(t->reverse_path, &w->at, &flags) != TERN_OK)
    return WRONG(ADDRESS, REVERSE_PATH);
  if (flags & TERN__MAILBOX_UTF8) *judged |= TERN__JUDGED_UTF8;
  if (TERN__WITH_DSN && t->envid != NULL) {
    w->text = t->envid;
    if (tern__check_envid(t->envid, &w->at) != TERN_OK) return WRONG(PARAMETER, ENVID);
  }
  if (TERN__WITH_MAIL_OPTIONS && t->params != NULL) {
    w->text = t->params;
    if (tern__check_params(t->params, &w->at) != TERN_OK) return WRONG(PARAMETER, MAIL_PARAMETER);
  }
  w->text = NULL;
  if (TERN__WITH_DSN && (t->flags & TERN_MAIL_RET_FULL) && (t->flags & TERN_MAIL_RET_HDRS))
    return WRONG(PARAMETER, MAIL_PARAMETER);
  st = tern__terms_check(tern__terms_of(t), t->flags, &wrong);
  if (st != TERN_OK) {
    w->text = wrong.text;
    w->at = wrong.position;
    return (uint32_t)-st << 8 | wrong.field;
  }
  if (t->rcpt_count == 0) return WRONG(NO_RECIPIENTS, FORWARD_PATH);
  return t->recipient == NULL || t->outcome == NULL ? WRONG(ARGUMENT, FORWARD_PATH) : 0;
}

tern_status tern__mail_check(tern_session *s, const tern_transaction *t, uint32_t *judged)
{
  where w = {NULL, 0};
  uint32_t i, wrong = check_mail(t, judged, &w);

  if (wrong != 0) return bad(s, wrong, &w, 0);
  for (i = 0; i < t->rcpt_count; i++) {
    wrong = check_recipient(t, i, judged, &w);
    if (wrong != 0) return bad(s, wrong, &w, i);
  }
  return TERN_OK;
}

tern_status tern__mail_accept(tern_session *s, tern__slot *slot, const tern_transaction *t,
                              uint32_t judged)
{
  tern_content_info info;
  tern_status st;

  memset(slot, 0, sizeof *slot);
  slot->length = TERN__LENGTH_UNKNOWN;
  if (judged & TERN__JUDGED_UTF8) slot->flags |= TERN__F_UTF8;
  if ((judged & TERN__JUDGED_DSN) || t->envid != NULL ||
      (t->flags & (TERN_MAIL_RET_FULL | TERN_MAIL_RET_HDRS)))
    slot->flags |= TERN__F_DSN;
  if (TERN__WITH_BINARYMIME && (t->flags & TERN_MAIL_BINARY)) slot->flags |= TERN__F_BINARY;
  if (t->spans != NULL || t->source == NULL) {
    st = tern__data_measure(t, &info);
    if (st != TERN_OK) {
      tern__error_field(&s->error, st, TERN_FIELD_CONTENT, NULL, 0);
      return st;
    }
    slot->length = info.length < TERN__LENGTH_UNKNOWN ? (tern__length)info.length : TERN__LENGTH_UNKNOWN;
    if (info.flags & TERN_CONTENT_8BIT) slot->flags |= TERN__F_8BIT;
    if (info.flags & TERN_CONTENT_UTF8_HEADER) slot->flags |= TERN__F_UTF8_HEADER;
    if (info.flags & TERN__CONTENT_CLEAN) slot->flags |= TERN__F_CLEAN;
  }
  slot->t = t;
  memset(t->outcome, TERN_UNSENT, t->rcpt_count);
  return TERN_OK;
}

/* ---- the sender's half --------------------------------------------------------------------------- */
static int pipelines(const tern_session *s)
{
  return (tern__caps(s) & TERN_CAP_PIPELINING) != 0;
}

/* Whether a reply to the mail's own MAIL or RCPT is still owed. */
static int envelope_owed(const tern_session *s)
{
  uint32_t k;

  for (k = s->owed_count; k-- > 0;) { /* the newest first: they are this mail's */
    const tern__owed *o = tern__owed_at(s, k);
    if ((!TERN__WITH_WINDOW || o->slot == TERN__EXTRA(s)->slot) && o->kind != TERN__END) return 1;
  }
  return 0;
}

/* Whether the content may leave before the replies to its envelope were read: by the caller's word,
 * as BDAT, and only as long as nothing was refused. Under LMTP the number of final replies could
 * not be known (RFC 2033 4.3). */
static int eager(const tern_session *s, const tern__slot *slot)
{
  return TERN__WITH_WINDOW && TERN__EXTRA(s)->eager && !TERN__EXTRA(s)->surprise && !TERN__LMTP(s) && pipelines(s) &&
         (slot->flags & TERN__F_BDAT) && !(slot->flags & TERN__F_PRDR) && !(slot->t->flags & TERN__ALL_OR_NONE);
}

/* The source hears what the server can do, and says what the content will be. */
static tern_status prepare(tern__slot *slot, uint32_t caps)
{
  const tern_transaction *t = slot->t;
  tern_content_info info;
  tern_status st;

  if (t->spans != NULL || t->source == NULL || t->source->prepare == NULL) return TERN_OK;
  info.length = TERN_LENGTH_UNKNOWN;
  info.flags = 0;
  st = t->source->prepare(t->source_user, caps, &info);
  slot->length = info.length < TERN__LENGTH_UNKNOWN ? (tern__length)info.length : TERN__LENGTH_UNKNOWN;
  if (info.flags & TERN_CONTENT_8BIT) slot->flags |= TERN__F_8BIT;
  if (info.flags & TERN_CONTENT_UTF8_HEADER) slot->flags |= TERN__F_UTF8_HEADER | TERN__F_8BIT;
  if (!TERN__WITH_BINARYMIME) return (info.flags & TERN_CONTENT_BINARY) ? TERN_E_UNSUPPORTED : st;
  if (!(t->flags & TERN_MAIL_BINARY)) slot->flags &= ~TERN__F_BINARY;
  if (info.flags & TERN_CONTENT_BINARY) slot->flags |= TERN__F_BINARY;
  return st;
}

/* What the server lacks that this mail cannot do without, or that the caller requires. */
static uint32_t missing_caps(const tern_session *s, const tern__slot *slot, uint32_t caps)
{
  uint32_t needed = TERN__WITH_ASKING ? tern__terms_needed(slot->t) : 0;

  if (TERN__WITH_BINARYMIME && (slot->flags & TERN__F_BINARY)) needed |= TERN_CAP_BINARYMIME | TERN_CAP_CHUNKING;
  return (TERN__WITH_POLICY ? TERN__EXTRA(s)->required & ~s->offer.caps : 0) | (needed & ~caps);
}

/* What the mail needs, against what the server can: before MAIL. 0: the mail ended here. */
static int admit(tern_session *s, tern__slot *slot)
{
  const tern_transaction *t = slot->t;
  uint32_t caps = tern__caps(s), missing;
  tern_status st;

  if (s->unchunked) caps &= ~(TERN_CAP_CHUNKING | TERN_CAP_BINARYMIME);
  if (!TERN__WITH_BINARYMIME) caps &= ~TERN_CAP_BINARYMIME;
  st = prepare(slot, caps);
  missing = missing_caps(s, slot, caps);
  if (st != TERN_OK) {
    slot->worst.cause = st;
    reject_whole(s, slot, TERN_E_SOURCE, TERN_FIELD_CONTENT);
  } else if (missing != 0) {
    reject_whole(s, slot, TERN_E_NEEDS_EXTENSION, TERN_FIELD_EXTENSION);
  } else if (TERN__WITH_REQUIRETLS && (t->flags & TERN_MAIL_REQUIRETLS) && !(s->secure && TERN__EXTRA(s)->verified)) {
    reject_whole(s, slot, TERN_E_REQUIRETLS, TERN_FIELD_EXTENSION);
  } else if (TERN__WITH_TERMS && tern__terms_over(t, &s->offer, caps) != TERN_FIELD_NONE) {
    reject_whole(s, slot, TERN_E_PARAMETER, tern__terms_over(t, &s->offer, caps));
  } else if (TERN__WITH_BINARYMIME && (slot->flags & TERN__F_BINARY) && slot->length == TERN__LENGTH_UNKNOWN) {
    reject_whole(s, slot, TERN_E_CONTENT, TERN_FIELD_SIZE); /* BDAT LAST says it beforehand */
  } else if ((caps & TERN_CAP_SIZE) && s->offer.size != 0 && slot->length != TERN__LENGTH_UNKNOWN &&
             slot->length > s->offer.size) {
    reject_whole(s, slot, TERN_E_TOO_BIG, TERN_FIELD_SIZE);
  } else if ((slot->flags & (TERN__F_UTF8 | TERN__F_UTF8_HEADER)) && !(caps & TERN__CAP_SMTPUTF8)) {
    reject_whole(s, slot, TERN_E_NEEDS_SMTPUTF8,
                 slot->flags & TERN__F_UTF8 ? TERN_FIELD_FORWARD_PATH : TERN_FIELD_CONTENT);
  } else if ((slot->flags & TERN__F_8BIT) && !(caps & TERN_CAP_8BITMIME) &&
             !(TERN__WITH_BINARYMIME && (slot->flags & TERN__F_BINARY)) &&
             !(TERN__WITH_POLICY && (TERN__EXTRA(s)->never & TERN_CAP_8BITMIME))) {
    reject_whole(s, slot, TERN_E_NEEDS_8BITMIME, TERN_FIELD_CONTENT);
  } else if ((t->flags & TERN__ALL_OR_NONE) && tern__rcpt_max(s) != 0 && t->rcpt_count > tern__rcpt_max(s)) {
    reject_whole(s, slot, TERN_E_RCPTMAX, TERN_FIELD_FORWARD_PATH);
  } else {
    return 1;
  }
  return 0;
}

/* Whether QUIT may share a flight with contents: all that is owed are final replies after which
 * nothing can be sent again. */
static int quit_may_ride(const tern_session *s)
{
  uint32_t k;

  if (s->owed_count != 0 && !pipelines(s)) return 0;
  for (k = 0; k < s->owed_count; k++) {
    const tern__owed *o = tern__owed_at(s, k);
    const tern__slot *slot = tern__slot_at(s, TERN__SLOT_OF(o));

    if (o->kind != TERN__END || (slot->flags & TERN__F_EMPTY) ||
        ((slot->flags & TERN__F_BDAT) && !s->chunked) ||
        (TERN__WITH_SPLIT && find_mark(slot, 0, TERN__M_AGAIN) != slot->t->rcpt_count))
      return 0;
  }
  return 1;
}

/* NOOP, VRFY: with nothing else under way; QUIT: behind everything. */
static int send_other(tern_session *s)
{
  tern__line line;
  int quit = !TERN__OTHER_DUE(s);

  if (quit ? !s->quit || !quit_may_ride(s) : s->owed_count != 0 || s->span_count != 0) return 0;
  tern__out_line(s, &line);
  if (quit)
    tern__put_verb(&line, "QUIT", NULL);
  else
    tern__put_verb(&line, TERN__OTHER_DUE(s) == 1 ? "NOOP" : "VRFY",
                   TERN__OTHER_DUE(s) == 1 ? NULL : TERN__EXTRA(s)->argument);
  if (!tern__out_may(s, &line) ||
      !tern__out_commit(s, &line, quit ? TERN__QUIT : TERN__OTHER, NULL))
    return 0;
  if (TERN__WITH_OTHER) TERN__EXTRA(s)->other = 0;
  if (quit) s->stage = TERN__QUITTING;
  return 0;
}

/* The oldest mail of which no round is under way. */
static tern__slot *next_slot(tern_session *s)
{
  tern__slot *slot = tern__slot_at(s, 0);

  if (!TERN__WITH_WINDOW) return slot->t == NULL || (slot->flags & TERN__F_BEGUN) ? NULL : slot;
  for (; TERN__EXTRA(s)->slot_next != TERN__EXTRA(s)->slot_last; TERN__EXTRA(s)->slot_next++) {
    uint32_t i = TERN__EXTRA(s)->slot_next % TERN__WINDOW(s);

    slot = tern__slot_at(s, i);
    if (slot->t == NULL || (slot->flags & TERN__F_BEGUN)) continue;
    TERN__EXTRA(s)->slot = (uint8_t)i;
    return slot;
  }
  return NULL;
}

/* Picks the next mail and begins its next round. 1: go on. */
static int pick(tern_session *s)
{
  tern__slot *slot;
  uint32_t caps = tern__caps(s);

  if (s->cred != NULL && !s->authenticated) return 0; /* AUTH comes first */
  slot = next_slot(s);
  if (slot == NULL || TERN__OTHER_DUE(s)) return send_other(s);
  if (s->owed_count != 0 &&
      ((TERN__WITH_WINDOW && TERN__EXTRA(s)->surprise) || !pipelines(s) || (slot->t->flags & TERN__ALL_OR_NONE)))
    return 0;
  if (tern__mails_spent(s)) {
    s->spent = 1; /* RFC 9422 5.1: another connection takes it */
    reject_whole(s, slot, TERN_E_CLOSED, TERN_FIELD_NONE);
    return 1;
  }
  if (!admit(s, slot)) return 1;
  slot->next_rcpt = slot->next_judged = slot->taken = 0;
  slot->quota = UINT32_MAX;
  if (tern__rcpt_max(s) != 0) slot->quota = tern__rcpt_max(s);
  slot->flags |= TERN__F_BEGUN;
  if (s->owed_count != 0) slot->flags |= TERN__F_OVERLAPPED;
  if ((caps & TERN__CAP_CHUNKING) && slot->length != TERN__LENGTH_UNKNOWN && !s->unchunked)
    slot->flags |= TERN__F_BDAT;
  s->stage = TERN__SEND_MAIL;
  (void)tern__express_envelope(s, slot);
  return 1;
}

/* A line that does not fit even the empty buffer never will. */
static int never_fits(const tern_session *s)
{
  return s->span_count == 0 && s->out_len == 0;
}

void tern__mail_arguments(const tern_session *s, const tern__slot *slot, tern__mail_args *args)
{
  uint32_t caps = tern__caps(s);

  args->size = caps & TERN_CAP_SIZE ? slot->length : TERN__LENGTH_UNKNOWN;
  args->smtputf8 = (slot->flags & (TERN__F_UTF8 | TERN__F_UTF8_HEADER)) != 0;
  args->body_binary = TERN__WITH_BINARYMIME && (slot->flags & TERN__F_BINARY) != 0;
  args->body_8bit = !args->body_binary && (slot->flags & TERN__F_8BIT) && (caps & TERN_CAP_8BITMIME);
  args->dsn = (caps & TERN__CAP_DSN) != 0;
}

void tern__mail_begun(tern_session *s, tern__slot *slot, const tern__mail_args *args)
{
  uint32_t used = tern__caps(s) & TERN_CAP_PIPELINING;

  if (slot->flags & TERN__F_BDAT) used |= TERN__CAP_CHUNKING;
  if (args->size != TERN__LENGTH_UNKNOWN) used |= TERN_CAP_SIZE;
  if (args->body_8bit) used |= TERN_CAP_8BITMIME;
  if (args->body_binary) used |= TERN_CAP_BINARYMIME;
  if (args->smtputf8) used |= TERN__CAP_SMTPUTF8;
  if (args->dsn && (slot->flags & TERN__F_DSN)) used |= TERN__CAP_DSN;
  if (TERN__WITH_LOG) TERN__EXTRA(s)->used = used;
  if (TERN__WITH_LIMITS) TERN__EXTRA(s)->mails++;
  slot->flags &= ~TERN__F_RSET_SENT;
  s->needs_rset = 0;
}

static int send_mail(tern_session *s, tern__slot *slot)
{
  tern__mail_args args;
  tern__line line;
  uint32_t terms;

  if (s->needs_rset || (slot->flags & TERN__F_OVERLAPPED)) {
    if (!(slot->flags & TERN__F_RSET_SENT)) {
      tern__out_line(s, &line);
      tern__put_rset(&line);
      if (!tern__out_may(s, &line) || !tern__out_commit(s, &line, TERN__RSET, NULL)) return 0;
      slot->flags |= TERN__F_RSET_SENT;
    }
    if (!pipelines(s) && s->owed_count != 0) return 0;
  }
  tern__mail_arguments(s, slot, &args);
  tern__out_line(s, &line);
  tern__put_mail(&line, slot->t, &args);
  terms = TERN__WITH_ASKING ? tern__terms_put(&line, slot->t, tern__caps(s) & ~(TERN__LMTP(s) ? TERN_CAP_PRDR : 0)) : 0;
  tern__put_rest(&line, TERN__WITH_MAIL_OPTIONS ? slot->t->params : NULL);
  if (!tern__out_may(s, &line)) return 0;
  if (!tern__out_commit(s, &line, TERN__MAIL, NULL)) {
    if (!never_fits(s)) return 0;
    reject_whole(s, slot, TERN_E_BUFFER, TERN_FIELD_REVERSE_PATH);
    return 1;
  }
  tern__mail_begun(s, slot, &args);
  if (TERN__WITH_LOG) TERN__EXTRA(s)->used |= terms;
  if (terms & TERN_CAP_PRDR) slot->flags |= TERN__F_PRDR;
  s->stage = TERN__SEND_RCPT;
  return 1;
}

static int send_rcpt(tern_session *s, tern__slot *slot)
{
  const tern_transaction *t = slot->t;
  tern_recipient r;
  tern__line line;
  uint32_t i;

  if (!pipelines(s) && s->owed_count != 0) return 0;
  i = find_mark(slot, slot->next_rcpt, TERN_UNSENT);
  if (i == t->rcpt_count || slot->quota == 0 || (slot->flags & TERN__F_MAIL_ERROR)) {
    s->stage = TERN__SEND_DATA;
    return 1;
  }
  memset(&r, 0, sizeof r);
  tern__out_line(s, &line);
  if (t->recipient(t->user, i, &r) != TERN_OK || r.forward_path == NULL) line.full = 1;
  if (!line.full) tern__put_rcpt(&line, &r, (tern__caps(s) & TERN__CAP_DSN) != 0);
  if (!tern__out_may(s, &line)) return 0;
  if (!tern__out_commit(s, &line, TERN__RCPT, NULL)) {
    tern_error e;
    if (!never_fits(s) && r.forward_path != NULL) return 0;
    tern__error_set(&e, r.forward_path == NULL ? TERN_E_ARGUMENT : TERN_E_BUFFER, TERN_PHASE_RCPT);
    e.field = TERN_FIELD_FORWARD_PATH;
    settle(slot, i, TERN_UNSENT, &e);
    slot->next_rcpt = i + 1;
    return 1;
  }
  t->outcome[i] = TERN__M_SENT;
  slot->next_rcpt = i + 1;
  slot->quota--;
  return 1;
}

/* The content may go: DATA is asked, or BDAT announces it. */
static int send_data_command(tern_session *s, tern__slot *slot)
{
  tern__line line;

  tern__out_line(s, &line);
  if (s->unchunked) slot->flags &= ~TERN__F_BDAT; /* found out since it was picked */
  if (!(slot->flags & TERN__F_BDAT)) {
    tern__put_verb(&line, "DATA", NULL);
    if (!tern__out_may(s, &line) || !tern__out_commit(s, &line, TERN__DATA, NULL)) return 0;
    s->stage = TERN__WAIT_DATA;
    return 1;
  }
  if (tern__express_content(s, slot)) return 1;
  tern__put_bdat(&line, slot->length);
  if (line.full || !tern__out_may(s, &line) ||
      !tern__out_octets(s, (const uint8_t *)line.at, line.len))
    return 0;
  tern__trace_line(s, 'C', line.at, line.len - 2);
  s->stage = TERN__CONTENT;
  s->content_on = 0;
  return 1;
}

/* Whether someone waits to hear that the content before has left: the next one begins after that. */
static int progress_due(const tern_session *s)
{
  const tern_transaction *t;

  if (!TERN__WITH_PROGRESS || !s->content_on) return 0;
  t = tern__slot_at(s, TERN__EXTRA(s)->content_slot)->t;
  return t != NULL && t->progress != NULL;
}

static int send_data(tern_session *s, tern__slot *slot)
{
  uint32_t all = slot->t->flags & TERN__ALL_OR_NONE;
  tern_error e;

  if (envelope_owed(s)) {
    /* DATA may end the group (RFC 2920 3.1), but never where a refusal must stop the content */
    if (!pipelines(s) || all || (slot->flags & TERN__F_MAIL_ERROR) ||
        ((slot->flags & TERN__F_BDAT) && !eager(s, slot)) ||
        find_mark(slot, 0, TERN__M_SENT) == slot->t->rcpt_count || progress_due(s))
      return 0;
    if (slot->flags & TERN__F_BDAT) slot->flags |= TERN__F_EAGER;
    return send_data_command(s, slot);
  }
  if (slot->taken == 0 || (all && (slot->flags & TERN__F_REFUSED))) {
    tern__error_set(&e, TERN_E_NEEDS_ALL, TERN_PHASE_RCPT);
    e.reply = slot->worst.reply;
    if (slot->taken != 0) slot->flags |= TERN__F_STOP;
    settle_all(slot, TERN__M_TAKEN, TERN__M_TAKEN, TERN_UNSENT, &e);
    s->needs_rset = (slot->flags & TERN__F_MAIL_OK) != 0;
    round_done(s, slot);
    return 1;
  }
  return send_data_command(s, slot);
}

/* Takes the content to its first octet. 0: it failed and the session ended. */
static int open_content(tern_session *s, tern__slot *slot)
{
  const tern_transaction *t = slot->t;

  if (TERN__WITH_SPLIT && (slot->flags & TERN__F_USED) && t->spans == NULL && t->source != NULL &&
      t->source->rewind(t->source_user) != TERN_OK) {
    (void)tern__fail(s, TERN_E_SOURCE, TERN_PHASE_DATA);
    return 0;
  }
  slot->flags |= TERN__F_USED;
  tern__data_begin(&s->data, t, !(slot->flags & TERN__F_BDAT),
                   (t->flags & TERN__REFUSE_BARE) != 0);
#if TERN__WIDE
  s->data.known = (slot->flags & TERN__F_CLEAN) != 0;
#endif
  s->data.raw = TERN__WITH_BINARYMIME && (slot->flags & TERN__F_BINARY) != 0;
  s->run.len = 0;
  s->holding = 0;
  s->content_left = slot->length;
#if TERN__WITH_EXTRA
  s->extra.content_sent = 0;
  s->extra.content_from = s->written;
  s->extra.content_known = 0;
  s->extra.content_slot = s->extra.slot;
#endif
  s->content_on = 1;
  return 1;
}

/* BDAT promised a length: what comes is held against it. The last octet of a source waits until the
 * source has said that it was the last, for with it the server would have a whole message. */
static tern_status keep_promise(tern_session *s)
{
  if (s->holding || s->run.len > s->content_left) {
    s->error.cause = TERN_E_CONTENT;
    return TERN_E_SOURCE;
  }
  s->content_left -= (tern__length)s->run.len;
  if (s->content_left == 0 && s->data.t->spans == NULL && !tern__data_ended(&s->data)) {
    s->held = s->run.octets[--s->run.len];
    s->holding = 1;
  }
  return TERN_OK;
}

/* The next run of content into s->run. TERN_SOURCE_END: all of it is queued. */
static tern_status next_run(tern_session *s, tern__slot *slot)
{
  tern_status st, cause = TERN_OK;

  st = tern__data_next(&s->data, s->data.t->spans != NULL || !tern__out_lends(s), &s->run, &cause);
  if (st == TERN_E_STATE) return TERN_E_AGAIN; /* once what it lent has been written */
  if (st == TERN_OK && (slot->flags & TERN__F_BDAT)) st = keep_promise(s);
  if (st == TERN_SOURCE_END && (slot->flags & TERN__F_BDAT)) {
    if (s->holding) {
      s->run.octets = &s->held;
      s->run.len = 1;
      s->holding = 0;
      return TERN_OK;
    }
    if (s->content_left != 0) {
      cause = TERN_E_CONTENT; /* shorter than promised */
      st = TERN_E_SOURCE;
    }
  }
  if (cause != TERN_OK) s->error.cause = cause;
  if (st == TERN_E_AGAIN) s->source_waits = 1;
  return st;
}

static int send_content(tern_session *s, tern__slot *slot)
{
  tern_status st;

  if (!s->content_on && !open_content(s, slot)) return 0;
  if (s->source_waits) return 0;
  for (;;) {
    if (s->run.len != 0) {
      if (!tern__out_octets(s, s->run.octets, s->run.len)) return 0;
      s->run.len = 0;
    }
    s->error.cause = TERN_OK;
    st = next_run(s, slot);
    if (st == TERN_OK) continue;
    if (st == TERN_SOURCE_END) break;
    if (st != TERN_E_AGAIN) {
      tern_status cause = s->error.cause;
      memset(&s->error, 0, sizeof s->error);
      s->error.cause = cause;
      (void)tern__fail(s, st, TERN_PHASE_DATA);
    }
    return 0;
  }
  s->stage = TERN__END_CONTENT;
  return 1;
}

static void trace_content(tern_session *s)
{
  char text[48];
  tern__line line;

  if (!TERN__TRACED(s)) return;
  memset(&line, 0, sizeof line);
  line.at = text;
  line.cap = sizeof text;
  tern__line_put(&line, "[content, ");
  tern__line_number(&line, s->written - TERN__EXTRA(s)->content_from);
  tern__line_put(&line, " octets]");
  tern__trace_line(s, 'C', text, line.len);
}

void tern__mail_content_ended(tern_session *s, tern__slot *slot)
{
#if TERN__WITH_EXTRA
  s->extra.content_end = s->written;
  s->extra.content_known = 1;
#endif
  tern__owe(s, TERN__END, TERN__LMTP(s) ? slot->taken : 1);
  s->stage = TERN__WAIT_DATA;
  if (!TERN__WITH_SPLIT || (find_mark(slot, 0, TERN__M_AGAIN) == slot->t->rcpt_count &&
      find_mark(slot, 0, TERN_UNSENT) == slot->t->rcpt_count &&
      !(slot->t->flags & TERN__ALL_OR_NONE)))
    s->stage = TERN__READY; /* nothing of this mail follows: the next may begin behind it */
}

/* Behind the content: the dot, and the debt of a final reply. */
static int end_content(tern_session *s, tern__slot *slot)
{
  if (!(slot->flags & TERN__F_BDAT)) {
    if (!tern__out_room(s, 3)) return 0;
    trace_content(s);
    (void)tern__out_octets(s, (const uint8_t *)".\r\n", 3);
    tern__trace_line(s, 'C', ".", 1);
  } else {
    trace_content(s);
  }
  tern__mail_content_ended(s, slot);
  return 1;
}

tern_status tern__mail_send(tern_session *s)
{
  int go = 1;

  while (go && s->stage != TERN__ENDED) {
    tern__slot *slot = tern__slot_at(s, TERN__SLOT(s));

    switch (s->stage) {
    case TERN__READY: go = pick(s); break;
    case TERN__SEND_MAIL: go = send_mail(s, slot); break;
    case TERN__SEND_RCPT: go = send_rcpt(s, slot); break;
    case TERN__SEND_DATA: go = send_data(s, slot); break;
    case TERN__CONTENT: go = send_content(s, slot); break;
    case TERN__END_CONTENT: go = end_content(s, slot); break;
    default: go = 0;
    }
  }
  return s->stage == TERN__ENDED ? s->error.status : TERN_OK;
}

/* ---- the receiver's half -------------------------------------------------------------------------- */
static tern_status mail_reply(tern_session *s, tern__slot *slot)
{
  tern_error e;
  uint8_t outcome;

  if (s->reader.reply.code < 300) {
    slot->flags |= TERN__F_MAIL_OK;
    return TERN_OK;
  }
  outcome = verdict(s, TERN_PHASE_MAIL, &e);
  slot->flags |= TERN__F_MAIL_ERROR | TERN__F_REFUSED;
  surprised(s);
  settle_all(slot, TERN__M_SENT, TERN_UNSENT, outcome, &e);
  settle_all(slot, TERN__M_AGAIN, TERN__M_AGAIN, outcome, &e);
  slot->flags |= TERN__F_STOP;
  /* Its recipients may be falling into a transaction that is not theirs: design decision 4. */
  if (slot->flags & TERN__F_OVERLAPPED) return tern__fail_reply(s, e.status, TERN_PHASE_MAIL);
  return TERN_OK;
}

/* A run of RCPT is partly written: moves the mark of what is answered to the next command's end, so
 * that a reply to it is early while it has not left. */
static void next_of_run(tern_session *s, tern__slot *slot)
{
  tern__owed *o = tern__owed_first(s);
  uint32_t i = find_mark(slot, slot->next_judged, TERN__M_SENT);
  tern_recipient r;
  tern__line line;

  if (o == NULL || o->kind != TERN__RCPT || i == slot->t->rcpt_count) return;
  if (tern__handed(s, o->last) && TERN__PIPELINE(s) == 0) return; /* nobody needs to know */
  memset(&r, 0, sizeof r);
  memset(&line, 0, sizeof line);
  line.cap = SIZE_MAX;
  if (slot->t->recipient(slot->t->user, i, &r) != TERN_OK || r.forward_path == NULL) return;
  tern__put_rcpt(&line, &r, (tern__caps(s) & TERN__CAP_DSN) != 0);
  o->end += (uint32_t)line.len;
}

static void judge_rcpt(tern_session *s, tern__slot *slot)
{
  tern_error e;
  uint8_t outcome;
  uint32_t i = find_mark(slot, slot->next_judged, TERN__M_SENT);

  if (i == slot->t->rcpt_count) return; /* MAIL was refused: nothing new is said */
  slot->next_judged = i + 1;
  if (s->reader.reply.code < 300) {
    slot->t->outcome[i] = TERN__M_TAKEN;
    slot->taken++;
    return;
  }
  outcome = verdict(s, TERN_PHASE_RCPT, &e);
  surprised(s);
  if (TERN__WITH_SPLIT && e.status == TERN_E_TOO_MANY_RECIPIENTS && slot->taken != 0 &&
      !(slot->t->flags & TERN__ALL_OR_NONE)) {
    slot->t->outcome[i] = TERN__M_AGAIN; /* RFC 5321 4.5.3.1.10 */
    return;
  }
  slot->flags |= TERN__F_REFUSED;
  settle(slot, i, outcome, &e);
}

static tern_status data_reply(tern_session *s, tern__slot *slot)
{
  tern_error e;
  uint8_t outcome = verdict(s, TERN_PHASE_DATA, &e);
  int empty = slot->taken == 0;

  if (s->reader.reply.code == 354 && !empty) {
    s->stage = TERN__CONTENT;
    s->content_on = 0;
    return TERN_OK;
  }
  if (s->reader.reply.code == 354) { /* nobody to send to: ended at once, RFC 2920 3.1 */
    tern__line line;
    tern__out_line(s, &line);
    tern__put_verb(&line, ".", NULL);
    slot->flags |= TERN__F_EMPTY;
    if (!tern__out_commit(s, &line, TERN__END, NULL))
      return tern__fail(s, TERN_E_BUFFER, TERN_PHASE_DATA);
    if (TERN__LMTP(s)) {
      /* RFC 2033 4.2: no recipient, no reply; one that comes all the same ends it */
      s->owed_count--;
      s->spent = 1;
      round_done(s, slot);
    }
    return TERN_OK;
  }
  if (outcome == TERN_ACCEPTED) /* 2xx or another 3xx: the content has not been sent */
    return tern__fail_reply(s, TERN_E_REPLY_UNEXPECTED, TERN_PHASE_DATA);
  surprised(s);
  settle_all(slot, TERN__M_TAKEN, TERN__M_TAKEN, outcome, &e);
  s->needs_rset = (slot->flags & TERN__F_MAIL_OK) != 0;
  round_done(s, slot);
  return TERN_OK;
}

/* BDAT is offered and not known: the mail goes once more, by DATA. */
static int without_chunking(tern_session *s, tern__slot *slot, tern_status status)
{
  const tern_transaction *t = slot->t;
  uint32_t i;

  if (!(slot->flags & TERN__F_BDAT) || status != TERN_E_COMMAND_UNKNOWN || TERN__LMTP(s)) return 0;
  if (s->chunked || s->stage == TERN__QUITTING) return 0;
  if (t->spans == NULL && t->source != NULL && t->source->rewind == NULL) return 0;
  for (i = 0; i < t->rcpt_count; i++)
    if (t->outcome[i] == TERN__M_TAKEN) t->outcome[i] = TERN_UNSENT;
  s->unchunked = 1;
  round_done(s, slot);
  return 1;
}

/* PRDR: 353 says that each recipient taken is answered for, in their order, and then all of it. */
static void begin_one_by_one(tern_session *s, tern__slot *slot)
{
  slot->flags |= TERN__F_ONE_BY_ONE;
  slot->next_judged = 0;
  tern__owed_first(s)->count = slot->taken + 1;
  s->armed &= (uint8_t)~TERN__ARMED_REPLY;
}

/* The answer for one of them: refused now, or taken if the last reply says so. */
static void judge_one(tern_session *s, tern__slot *slot)
{
  tern_error e;
  uint8_t outcome = verdict(s, TERN_PHASE_END_OF_DATA, &e);
  uint32_t i = find_mark(slot, slot->next_judged, TERN__M_TAKEN);

  if (i == slot->t->rcpt_count) return;
  slot->next_judged = i + 1;
  if (outcome == TERN_ACCEPTED) return;
  surprised(s);
  e.per_recipient = 1;
  settle(slot, i, outcome, &e);
}

static tern_status end_reply(tern_session *s, tern__slot *slot, int last)
{
  tern_error e;
  uint8_t outcome = verdict(s, TERN_PHASE_END_OF_DATA, &e);
  uint32_t i;

  if (slot->flags & TERN__F_EMPTY) {
    round_done(s, slot);
    return TERN_OK;
  }
  if (outcome != TERN_ACCEPTED) surprised(s);
  if ((slot->flags & TERN__F_BDAT) && outcome != TERN_ACCEPTED) {
    s->needs_rset = 1; /* RFC 3030 2: the state after a failed chunk is not known */
    if (!(slot->flags & TERN__F_EAGER) && without_chunking(s, slot, e.status)) return TERN_OK;
  } else if (slot->flags & TERN__F_BDAT) {
    s->chunked = 1;
  }
  if (TERN__LMTP(s)) {
    i = find_mark(slot, 0, TERN__M_TAKEN);
    if (i != slot->t->rcpt_count) settle(slot, i, outcome, &e);
  } else {
    settle_all(slot, TERN__M_TAKEN, TERN__M_TAKEN, outcome, &e);
  }
  if (slot->flags & TERN__F_EAGER) {
    /* The chunk came unasked: the server may be taking it for commands. Design decision 4. */
    if (outcome != TERN_ACCEPTED) return tern__fail_reply(s, e.status, TERN_PHASE_END_OF_DATA);
    if (slot->taken == 0)
      return tern__fail_reply(s, TERN_E_REPLY_UNEXPECTED, TERN_PHASE_END_OF_DATA);
  }
  if (last) round_done(s, slot);
  return TERN_OK;
}

/* The final reply to a mail, of one line and class 2, whose text is kept; 0: it is not such a one. */
static size_t take_final(tern_session *s, tern__slot *slot, const uint8_t *octets, size_t len)
{
  tern__reader *r = &s->reader;
  tern_status st;
  size_t n;

  if (len < 4 || octets[0] != '2' || octets[3] != ' ' || TERN__LMTP(s) || s->cred != NULL ||
      (slot->flags & TERN__F_ONE_BY_ONE))
    return 0;
  n = tern__reply_line(r, octets, len, &st);
  if (n == 0) return 0;
  tern__reply_keep(r);
  s->reply_read = 1;
  tern__owed_pop(s, 0);
  (void)end_reply(s, slot, 1);
  return n;
}

size_t tern__mail_yes(tern_session *s, const uint8_t *octets, size_t len)
{
  size_t at = 0, n;

  while (s->owed_count != 0) {
    tern__owed *o = tern__owed_first(s);
    tern__slot *slot = tern__slot_at(s, o->slot);
    unsigned kind = o->kind;

    if (!tern__handed(s, o->end)) break;
    if (kind == TERN__END) return at + take_final(s, slot, octets + at, len - at);
    if (kind - TERN__RSET > TERN__RCPT - TERN__RSET) break;
    n = tern__reply_yes(&s->reader, octets + at, len - at);
    if (n == 0) break;
    at += n;
    s->reply_read = 1;
    tern__owed_pop(s, 0);
    if (kind == TERN__MAIL) slot->flags |= TERN__F_MAIL_OK;
    if (kind != TERN__RCPT) continue;
    judge_rcpt(s, slot);
    if (TERN__PIPELINE(s) != 0 || !tern__handed(s, o->last)) next_of_run(s, slot);
  }
  return at;
}

tern_status tern__mail_reply(tern_session *s, unsigned kind, tern__slot *slot)
{
  uint32_t class = s->reader.reply.code / 100u, phase = tern__phase_of(kind);
  int last = tern__owed_first(s)->count == 1;

  if (TERN__WITH_PRDR && kind == TERN__END && s->reader.reply.code == 353 &&
      (slot->flags & (TERN__F_PRDR | TERN__F_ONE_BY_ONE | TERN__F_EMPTY)) == TERN__F_PRDR) {
    begin_one_by_one(s, slot);
    return TERN_OK;
  }
  if (class == 3 && kind != TERN__DATA) /* still owed: a mail with its content out is in doubt */
    return tern__fail_reply(s, TERN_E_REPLY_UNEXPECTED, phase);
  tern__owed_pop(s, 0);
  switch (kind) {
  case TERN__RSET: /* refused: nobody knows what transaction is open */
    return class == 2 ? TERN_OK
                      : tern__fail_reply(s, tern__verdict(phase, &s->reader.reply), phase);
  case TERN__MAIL: return mail_reply(s, slot);
  case TERN__RCPT:
    judge_rcpt(s, slot);
    next_of_run(s, slot);
    return TERN_OK;
  case TERN__DATA: return data_reply(s, slot);
  default:
    if (!TERN__WITH_PRDR || !(slot->flags & TERN__F_ONE_BY_ONE) || last) return end_reply(s, slot, last);
    judge_one(s, slot);
    return TERN_OK;
  }
}
