/* output.c - what is to be written, as spans of our buffer and of the caller's octets, and the queue
 * of commands whose replies are owed.
 *
 * The buffer is filled from its start and used anew once all of it was written, so a span in it stays
 * where it is. Stream offsets are 32 bits and compared as differences. Neighbours: login.c and
 * transaction.c queue, session.c lends to the caller and takes acknowledgements. */
#include <string.h>

#include "protocol/engine.h"

/* Content up to this length is copied behind the commands: cheaper than a system call, an entry of a
 * vector or a TLS record of its own. Longer runs are lent. */
#define COPY_MAX 512u

uint32_t tern__phase_of(unsigned kind)
{
  static const uint8_t phases[] = {
    TERN_PHASE_GREETING, TERN_PHASE_EHLO, TERN_PHASE_EHLO, TERN_PHASE_STARTTLS,
    TERN_PHASE_AUTH,     TERN_PHASE_RSET, TERN_PHASE_MAIL, TERN_PHASE_RCPT,
    TERN_PHASE_DATA,     TERN_PHASE_END_OF_DATA, TERN_PHASE_QUIT, TERN_PHASE_OTHER,
  };

  return phases[kind];
}

void tern__trace_line(tern_session *s, char who, const char *line, size_t len)
{
  (void)s;
  if (TERN__TRACED(s)) TERN__EXTRA(s)->trace(TERN__EXTRA(s)->trace_user, who, line, len);
}

/* ---- spans ------------------------------------------------------------------------------------- */
static int inside(const tern_session *s, const uint8_t *octets)
{
  return octets >= (const uint8_t *)s->out && octets < (const uint8_t *)s->out + s->out_cap;
}

static int places(const tern_session *s)
{
  return s->span_count < TERN__SPAN_CAP(s);
}

/* A place behind the last span, which there must be. */
static tern_span *next_place(tern_session *s)
{
  if (s->span_first + s->span_count == TERN__SPAN_CAP(s)) {
    memmove(TERN__SPANS_OF(s), TERN__SPANS_OF(s) + s->span_first, s->span_count * sizeof *TERN__SPANS_OF(s));
    s->span_first = 0;
  }
  return TERN__SPANS_OF(s) + s->span_first + s->span_count++;
}

/* They become part of the span before, where that ends there. */
int tern__out_own(tern_session *s, size_t len)
{
  const uint8_t *octets = (const uint8_t *)s->out + s->out_len;
  tern_span *end = TERN__SPANS_OF(s) + s->span_first + s->span_count;

  if (s->span_count != 0 && s->out_len != 0 && end[-1].octets + end[-1].len == octets) {
    end[-1].len += len;
  } else {
    if (!places(s)) return 0;
    end = next_place(s);
    end->octets = octets;
    end->len = len;
  }
  s->out_len += (uint32_t)len;
  s->written += (uint32_t)len;
  return 1;
}

int tern__out_room(const tern_session *s, size_t len)
{
  return s->out_cap - s->out_len >= len && places(s);
}

void tern__out_line(tern_session *s, tern__line *line)
{
  line->at = s->out + s->out_len;
  line->cap = places(s) ? s->out_cap - s->out_len : 0;
  line->len = 0;
  line->full = 0;
}

int tern__out_may(const tern_session *s, const tern__line *line)
{
  return TERN__PIPELINE(s) == 0 || s->owed_count == 0 ||
         s->written - TERN__EXTRA(s)->answered + line->len <= TERN__PIPELINE(s);
}

int tern__out_commit(tern_session *s, tern__line *line, unsigned kind, const char *secret)
{
  if (line->full || !tern__out_own(s, line->len)) return 0;
  if (TERN__TRACED(s) && secret != NULL)
    tern__trace_line(s, 'C', secret, strlen(secret));
  else if (TERN__TRACED(s))
    tern__trace_line(s, 'C', line->at, line->len - 2);
  tern__owe(s, kind, 1);
  return 1;
}

int tern__out_lends(const tern_session *s)
{
  size_t i;

  for (i = 0; i < s->span_count; i++)
    if (!inside(s, TERN__SPANS_OF(s)[s->span_first + i].octets)) return 1;
  return 0;
}

int tern__out_octets(tern_session *s, const uint8_t *octets, size_t len)
{
  tern_span *place;

  if (len <= COPY_MAX && tern__out_room(s, len)) {
    if (octets != (const uint8_t *)s->out + s->out_len) memcpy(s->out + s->out_len, octets, len);
    return tern__out_own(s, len);
  }
  /* the last place is kept for what follows the content */
  if (s->span_count + 1u >= TERN__SPAN_CAP(s)) return 0;
  place = next_place(s);
  place->octets = octets;
  place->len = len;
  s->written += (uint32_t)len;
  return 1;
}

/* ---- the queue --------------------------------------------------------------------------------- */
void tern__owe(tern_session *s, unsigned kind, uint32_t count)
{
  tern__owed *o;

  if (kind == TERN__RCPT && s->owed_count != 0) {
    o = tern__owed_at(s, s->owed_count - 1u);
    if (o->kind == kind && o->slot == TERN__SLOT(s)) {
      o->count++;
      o->last = s->written;
      return;
    }
  }
  o = tern__owed_at(s, s->owed_count++);
  o->end = o->last = s->written;
  o->count = count;
  o->kind = (uint8_t)kind;
  o->slot = (uint8_t)TERN__SLOT(s);
}

void tern__owed_pop(tern_session *s, int all)
{
  tern__owed *o = &tern__ring(s)[s->owed_head];

  s->armed &= (uint8_t)~TERN__ARMED_REPLY; /* the next reply has a time of its own */
  if (TERN__WITH_POLICY) TERN__EXTRA(s)->answered = o->end;
  if (--o->count != 0 && !all) return;
  if (TERN__WITH_POLICY) TERN__EXTRA(s)->answered = o->last;
  s->owed_head = (uint16_t)(s->owed_head + 1u == TERN__OWED(TERN__WINDOW(s)) ? 0 : s->owed_head + 1u);
  s->owed_count--;
}
