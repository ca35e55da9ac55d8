/* express.c - the common mail in one go (host builds only): its envelope, and content that leaves by
 * BDAT as it is, are written at once where transaction.c goes step by step.
 *
 * Nothing is decided here. Whatever is special, a trace, a cap, a parameter, a mark of an earlier
 * round, a want of room, is left to transaction.c; what is written, marked and owed is the same.
 * Neighbours: transaction.c asks before it begins a step. Limits: RCPTS recipients, SPANS spans. */
#include <string.h>

#include "base/ascii.h"
#include "protocol/engine.h"

#define RCPTS 8u
#define SPANS 8u
#define PATH 256u          /* more than base/mailbox lets through */
#define REST 96u           /* of MAIL, its parameters included; of RCPT; and of BDAT */
#define LENGTH 0x10000000u /* of content: far from where stream offsets turn over */

#define PUT(p, literal) (memcpy(p, literal, sizeof(literal) - 1), (p) + sizeof(literal) - 1)

/* NULL: it is longer than when it was checked. */
static char *put_path(char *p, const char *path)
{
  size_t len = strlen(path);

  if (len > PATH) return NULL;
  memcpy(p, path, len);
  return p + len;
}

/* A debt for what ends at the stream offset. */
static inline tern__owed *owe(tern_session *s, unsigned kind, uint32_t end)
{
  tern__owed *o = tern__owed_at(s, s->owed_count++);

  o->end = o->last = end;
  o->count = 1;
  o->kind = (uint8_t)kind;
  o->slot = TERN__EXTRA(s)->slot;
  return o;
}

/* RCPT of each recipient, and its end; NULL: one of them is special. */
static char *put_recipients(const tern_transaction *t, char *p, char **ends)
{
  tern_recipient r;
  uint32_t i;

  for (i = 0; i < t->rcpt_count; i++) {
    memset(&r, 0, sizeof r);
    if (t->outcome[i] != TERN_UNSENT || t->recipient(t->user, i, &r) != TERN_OK ||
        r.forward_path == NULL || r.params != NULL || r.orcpt != NULL || r.notify != 0)
      return NULL;
    p = PUT(p, "RCPT TO:<");
    p = put_path(p, r.forward_path);
    if (p == NULL) return NULL;
    p = PUT(p, ">\r\n");
    ends[i] = p;
  }
  return p;
}

static char *put_mail(const tern_transaction *t, const tern__mail_args *args, char *p)
{
  p = PUT(p, "MAIL FROM:<");
  p = put_path(p, t->reverse_path);
  if (p == NULL) return NULL;
  p = PUT(p, ">");
  if (args->size != TERN__LENGTH_UNKNOWN) {
    p = PUT(p, " SIZE=");
    p += tern__decimal(args->size, p);
  }
  if (args->body_8bit) p = PUT(p, " BODY=8BITMIME");
  if (args->smtputf8) p = PUT(p, " SMTPUTF8");
  return PUT(p, "\r\n");
}

int tern__express_envelope(tern_session *s, tern__slot *slot)
{
  const tern_transaction *t = slot->t;
  uint32_t count = t->rcpt_count, from;
  tern__mail_args args;
  char *start = s->out + s->out_len, *p = start, *mail, *ends[RCPTS], *rset = NULL;

  if (TERN__EXTRA(s)->trace != NULL || TERN__EXTRA(s)->pipeline != 0 || !(tern__caps(s) & TERN_CAP_PIPELINING) ||
      count > RCPTS || count > slot->quota || t->params != NULL ||
      (slot->flags & (TERN__F_DSN | TERN__F_BINARY)) || tern__terms_any(t) ||
      s->out_cap - s->out_len < (count + 1) * (PATH + REST) || s->span_count == TERN__SPAN_CAP(s))
    return 0;
  if (s->needs_rset || (slot->flags & TERN__F_OVERLAPPED)) p = rset = PUT(p, "RSET\r\n");
  tern__mail_arguments(s, slot, &args);
  mail = put_mail(t, &args, p);
  p = mail != NULL ? put_recipients(t, mail, ends) : NULL;
  if (p == NULL) return 0;
  from = s->written;
  if (rset != NULL) (void)owe(s, TERN__RSET, from + (uint32_t)(rset - start));
  (void)owe(s, TERN__MAIL, from + (uint32_t)(mail - start));
  if (count != 0) {
    tern__owed *o = owe(s, TERN__RCPT, from + (uint32_t)(ends[0] - start));
    o->last = from + (uint32_t)(p - start);
    o->count = count;
  }
  (void)tern__out_own(s, (size_t)(p - start));
  tern__mail_begun(s, slot, &args);
  memset(t->outcome, TERN__M_SENT, count);
  slot->next_rcpt = count;
  slot->quota -= count;
  s->stage = TERN__SEND_DATA;
  return 1;
}

int tern__express_content(tern_session *s, tern__slot *slot)
{
  const tern_transaction *t = slot->t;
  char *start = s->out + s->out_len, *p = start;
  size_t i;

  if (TERN__EXTRA(s)->trace != NULL || TERN__EXTRA(s)->pipeline != 0 || !(slot->flags & TERN__F_CLEAN) ||
      t->span_count > SPANS || t->progress != NULL || slot->length > LENGTH ||
      s->out_cap - s->out_len < REST || (size_t)s->span_count + t->span_count + 2 > TERN__SPAN_CAP(s))
    return 0;
  p = PUT(p, "BDAT ");
  p += tern__decimal(slot->length, p);
  p = PUT(p, " LAST\r\n");
  (void)tern__out_own(s, (size_t)(p - start));
  for (i = 0; i < t->span_count; i++)
    if (t->spans[i].len != 0) (void)tern__out_octets(s, t->spans[i].octets, t->spans[i].len);
  slot->flags |= TERN__F_USED;
  s->content_on = 0; /* nobody waits to hear of it */
  tern__mail_content_ended(s, slot);
  return 1;
}
