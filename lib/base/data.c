/* data.c - from the caller's octets to the octets of DATA or BDAT, by lending, not copying.
 *
 * RFC 5321 2.3.8 and 4.1.1.4: lines end with CRLF, CR and LF do not occur alone; a bare one is made
 * CRLF (or refused), so that no server can take it for another end of content. 4.5.2: a dot at the
 * start of a line is doubled for DATA; RFC 3030: not for BDAT. Neighbours: the engine sends what comes from here, the filters of
 * lib/message read through here, so that what they sign and measure is what leaves. */
#include "base/data.h"

#include <string.h>

#include "base/config.h"

/* One run is not longer, so that a huge span is scanned while it is sent, not before. */
#define RUN_MAX 65536u

enum { LINE_START, LINE, AFTER_CR, DOT_SENT };

static const uint8_t crlf[2] = { '\r', '\n' };

void tern__data_begin(tern__data *d, const tern_transaction *t, int dots, int refuse)
{
  memset(d, 0, sizeof *d);
  d->t = t;
  d->dots = (uint8_t)dots;
  d->refuse = (uint8_t)refuse;
}

int tern__data_ended(const tern__data *d)
{
  return d->last && d->len == 0 && d->state == LINE_START;
}

/* Fetches a piece once the one before is used up: TERN_OK or TERN_SOURCE_END or an error. */
static tern_status fetch(tern__data *d, int pull, tern_status *cause)
{
  const tern_transaction *t = d->t;
  tern_status st;

  while (d->len == 0) {
#if TERN__WIDE
    d->dirty = 0;
#endif
    if (d->last) return TERN_SOURCE_END;
    if (t->spans != NULL || t->source == NULL) {
      if (t->spans == NULL || d->span == t->span_count) {
        d->last = 1;
        continue;
      }
      d->at = t->spans[d->span].octets;
      d->len = t->spans[d->span++].len;
#if TERN__WIDE
      if (d->known) d->clean = d->len;
#endif
      continue;
    }
    if (!pull) return TERN_E_STATE;
    st = t->source->read(t->source_user, &d->at, &d->len);
    if (st == TERN_SOURCE_END) {
      d->last = 1;
    } else if (st != TERN_OK) {
      d->len = 0;
      if (st == TERN_E_AGAIN) return st;
      *cause = st;
      return TERN_E_SOURCE;
    } else if (d->len == 0) {
      *cause = TERN_E_ARGUMENT; /* TERN_OK promises an octet: without one this never ended */
      return TERN_E_SOURCE;
    }
  }
  return TERN_OK;
}

static tern_status lend(tern_span *out, const uint8_t *octets, size_t len)
{
  out->octets = octets;
  out->len = len;
  return TERN_OK;
}

/* An octet that is no part of a CRLF stands at d->at (skip 1) or stood before it (skip 0). */
static tern_status repair(tern__data *d, tern_span *out, size_t skip)
{
  if (d->refuse) return TERN_E_CONTENT;
  if (skip != 0) d->at += skip; /* at the end there is no octet, and no address */
  d->len -= skip;
  d->state = LINE_START;
  return lend(out, crlf, sizeof crlf);
}

#if defined(__GNUC__) && TERN__WIDE
/* Octets beside one another, in a register where the machine has such: the common one, and that of AVX2. */
typedef __attribute__((vector_size(16))) uint8_t lanes;
typedef __attribute__((vector_size(32))) uint8_t more_lanes;
#define LANES ((ptrdiff_t)sizeof(lanes))
#define MORE_LANES ((ptrdiff_t)sizeof(more_lanes))

/* Looks at the octets at p, as many as there are lanes, and at the one behind them: a lane of bad becomes
 * other than 0 for a CR without LF behind it and for an LF without CR before it; the octets are or-ed to any. */
#define LOOK(type, bad, any, p)                        \
  do {                                                 \
    type here_, next_;                                 \
    memcpy(&here_, (p), sizeof here_);                 \
    memcpy(&next_, (p) + 1, sizeof next_);             \
    (any) |= here_;                                    \
    (bad) |= (type)(here_ == '\r') ^ (type)(next_ == '\n'); \
  } while (0)

/* The lanes or-ed, eight at a time. */
static inline uint64_t fold(const lanes *l)
{
  uint64_t word[2];

  memcpy(word, l, sizeof word);
  return word[0] | word[1];
}

#define HIGH UINT64_C(0x8080808080808080)

/* all_crlf over more than LANES octets, of which the last is looked at elsewhere. It costs less than
 * to look for line ends. */
static int lanes_crlf(const uint8_t *p, const uint8_t *last, uint8_t *high)
{
  lanes bad = {0}, any = {0};

  for (; last - p >= 4 * LANES; p += 4 * LANES) {
    LOOK(lanes, bad, any, p);
    LOOK(lanes, bad, any, p + LANES);
    LOOK(lanes, bad, any, p + 2 * LANES);
    LOOK(lanes, bad, any, p + 3 * LANES);
  }
  for (; last - p >= LANES; p += LANES) LOOK(lanes, bad, any, p);
  LOOK(lanes, bad, any, last - LANES); /* what is left, and some once more */
  if (fold(&any) & HIGH) *high |= 128;
  return fold(&bad) == 0;
}

#ifdef __x86_64__
#define HAS_MORE_LANES __builtin_cpu_supports("avx2")
/* The same over more than MORE_LANES octets. */
__attribute__((target("avx2"))) static int more_lanes_crlf(const uint8_t *p, const uint8_t *last, uint8_t *high)
{
  more_lanes bad = {0}, any = {0};
  lanes half[2];

  for (; last - p >= 4 * MORE_LANES; p += 4 * MORE_LANES) {
    LOOK(more_lanes, bad, any, p);
    LOOK(more_lanes, bad, any, p + MORE_LANES);
    LOOK(more_lanes, bad, any, p + 2 * MORE_LANES);
    LOOK(more_lanes, bad, any, p + 3 * MORE_LANES);
  }
  for (; last - p >= MORE_LANES; p += MORE_LANES) LOOK(more_lanes, bad, any, p);
  LOOK(more_lanes, bad, any, last - MORE_LANES);
  memcpy(half, &any, sizeof half);
  half[0] |= half[1];
  if (fold(half) & HIGH) *high |= 128;
  memcpy(half, &bad, sizeof half);
  half[0] |= half[1];
  return fold(half) == 0;
}
#else
#define HAS_MORE_LANES 0
#define more_lanes_crlf lanes_crlf
#endif
#endif

#if TERN__WIDE
/* Whether each CR of these octets has its LF behind it and each LF its CR before it, the first and
 * the last octet included; *high is or-ed with all of them. len is not 0. */
static int all_crlf(const uint8_t *p, size_t len, uint8_t *high)
{
  const uint8_t *last = p + len - 1;

  *high |= *last;
  if (*p == '\n' || *last == '\r') return 0;
#ifdef __GNUC__
  if (last - p >= MORE_LANES && HAS_MORE_LANES) return more_lanes_crlf(p, last, high);
  if (last - p >= LANES) return lanes_crlf(p, last, high);
#endif
  for (; p != last; p++) {
    if ((*p == '\r') != (p[1] == '\n')) return 0;
    *high |= *p;
  }
  return 1;
}

/* The run from d->at in octets that need no repair: all, or as far as the next dot that is to be
 * doubled, which the run holds and the next one begins with. */
static size_t known_run(tern__data *d)
{
  const uint8_t *p = d->at, *end = d->at + d->clean, *lf;

  if (d->dots) {
    while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
      p = lf + 1;
      if (p == end) break;
      if (*p != '.') continue;
      d->clean = (size_t)(end - p);
      d->state = DOT_SENT;
      return (size_t)(p - d->at);
    }
  }
  d->clean = 0;
  d->state = end[-1] == '\n' ? LINE_START : LINE;
  return (size_t)(end - d->at);
}
#endif

/* The longest run from d->at that leaves as it is; 0 where a repair is due at once. Sets the state
 * that the run ends in. */
static size_t clean_run(tern__data *d)
{
  const uint8_t *p = d->at, *end = d->at + (d->len < RUN_MAX ? d->len : RUN_MAX);
#if TERN__WIDE
  const uint8_t *lf, *cr;
  uint8_t high = 0;

  if (d->clean == 0 && !d->dirty) {
    if (end[-1] == '\r' && end - p > 1) end--; /* its LF may be the next octet */
    if (all_crlf(p, (size_t)(end - p), &high)) d->clean = (size_t)(end - p);
    else d->dirty = 1; /* no further try in this piece */
  }
  if (d->clean != 0) return known_run(d);
  while (p < end) {
    if (d->state == LINE_START && d->dots && *p == '.') break;
    lf = memchr(p, '\n', (size_t)(end - p));
    cr = memchr(p, '\r', (size_t)((lf != NULL ? lf : end) - p));
    if (cr != NULL && (lf == NULL || cr + 1 != lf)) { /* bare, or its LF not in sight */
      if (cr != p) d->state = LINE;
      p = cr;
      break;
    }
    if (lf == NULL) {
      p = end;
      d->state = LINE;
      break;
    }
    if (cr == NULL) { /* bare LF */
      if (lf != p) d->state = LINE;
      p = lf;
      break;
    }
    p = lf + 1;
    d->state = LINE_START;
  }
#else
  for (; p < end && *p != '\n' && !(d->state == LINE_START && d->dots && *p == '.'); p++) {
    d->state = LINE;
    if (*p != '\r') continue;
    if (p + 1 == end || p[1] != '\n') break; /* bare, or its LF not in sight */
    p++;
    d->state = LINE_START;
  }
#endif
  return (size_t)(p - d->at);
}

tern_status tern__data_next(tern__data *d, int pull, tern_span *out, tern_status *cause)
{
  for (;;) {
    tern_status st = fetch(d, pull, cause);
    size_t run;

    if (TERN__WITH_BINARYMIME && st == TERN_OK && d->raw) {
      const uint8_t *from = d->at;
      run = d->len;
      d->len = 0;
      return lend(out, from, run);
    }
    if (st == TERN_SOURCE_END) {
      if (d->state == AFTER_CR) return repair(d, out, 0);
      if (d->state == LINE_START) return st;
      d->state = LINE_START;
      return lend(out, crlf, sizeof crlf); /* the final line ending: RFC 5321 4.1.1.4 */
    }
    if (st != TERN_OK) return st;
    if (d->state == AFTER_CR) {
      if (*d->at != '\n') return repair(d, out, 0);
      d->at++;
      d->len--;
      d->state = LINE_START;
      return lend(out, crlf, sizeof crlf);
    }
    if (d->state == LINE_START && d->dots && *d->at == '.') {
      d->state = DOT_SENT; /* the dot is lent here, and once more with its line */
      return lend(out, d->at, 1);
    }
    if (d->state == DOT_SENT) d->state = LINE;
    run = clean_run(d);
    if (run != 0) {
      const uint8_t *from = d->at;
      d->at += run;
      d->len -= run;
      return lend(out, from, run + (d->state == DOT_SENT));
    }
    if (*d->at == '\n') return repair(d, out, 1);
    /* a CR whose next octet decides; it may be in the next piece */
    if (d->len > 1 && d->at[1] != '\n') return repair(d, out, 1);
    d->at++;
    d->len--;
    d->state = AFTER_CR;
  }
}

#if TERN__WIDE
/* The spans need nothing, not even a last line end: measured without looking for lines. A header
 * beyond ASCII is for the slow way. */
static int measure_clean(const tern_transaction *t, tern_content_info *info)
{
  uint8_t high = 0, last = '\n';
  size_t i;

  for (i = 0; i < t->span_count; i++) {
    if (t->spans[i].len == 0) continue;
    if (!all_crlf(t->spans[i].octets, t->spans[i].len, &high)) return 0;
    last = t->spans[i].octets[t->spans[i].len - 1];
    info->length += t->spans[i].len;
  }
  if (last != '\n' || high > 127) return 0;
  info->flags = TERN__CONTENT_CLEAN;
  return 1;
}
#endif

tern_status tern__data_measure(const tern_transaction *t, tern_content_info *info)
{
  tern__data d;
  tern_span run;
  tern_status st, cause = TERN_OK;
  unsigned newlines = 1; /* line ends in a row; a second one ends the header */
  int header = 1;

  info->length = 0;
  info->flags = 0;
  if (TERN__WITH_BINARYMIME && (t->flags & TERN_MAIL_BINARY)) {
    size_t i;

    for (i = 0; i < t->span_count; i++) info->length += t->spans[i].len;
    info->flags = TERN_CONTENT_BINARY;
    return TERN_OK;
  }
#if TERN__WIDE
  if (measure_clean(t, info)) return TERN_OK;
#endif
  info->length = 0;
  tern__data_begin(&d, t, 0, (t->flags & TERN_MAIL_REFUSE_BARE) != 0);
  while ((st = tern__data_next(&d, 0, &run, &cause)) == TERN_OK) {
    size_t i = 0;
    uint8_t high = 0;

    info->length += run.len;
    for (; header && i < run.len; i++) {
      if (run.octets[i] == '\n' && ++newlines == 2) header = 0;
      if (run.octets[i] != '\n' && run.octets[i] != '\r') newlines = 0;
      if (run.octets[i] > 127) info->flags |= TERN_CONTENT_UTF8_HEADER | TERN_CONTENT_8BIT;
    }
#if TERN__WIDE
    if (i < run.len) (void)all_crlf(run.octets + i, run.len - i, &high);
#else
    for (; i < run.len; i++) high |= run.octets[i];
#endif
    if (high > 127) info->flags |= TERN_CONTENT_8BIT;
  }
  return st == TERN_SOURCE_END ? TERN_OK : st;
}
