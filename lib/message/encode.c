/* encode.c - bodies to lines of at most 998 octets (RFC 5322 2.1.1): identity, quoted-printable
 * (RFC 2045 6.7), base64 (6.8), as streams of any pieces, and the pass that finds which will do.
 *
 * No encoder ends the last line on its own: what follows a body in a multipart begins with CRLF.
 * Neighbours: part.c chooses, writer.c runs them. */
#include "message/encode.h"

#include <string.h>

#include "base/base64.h"

#define QP_LINE 75u /* and a "=" where the line goes on */

enum { QUOTE, PLAIN, END, BLANK }; /* classes of octets in quoted-printable; odd: as they are */

/* Eight octets at once. */
#define LANES(c) (UINT64_C(0x0101010101010101) * (c))
#define HIGHS LANES(0x80)

/* Two bits would do; one octet each is what a run is measured fastest with. */
static const uint8_t classes[256] = {
#define P8 PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN
    0,     0,     0,     0,     0,     0,     0,     0,     0, BLANK, END, 0, 0, END, 0, 0,
    0,     0,     0,     0,     0,     0,     0,     0,     0, 0,     0,   0, 0, 0,   0, 0,
    BLANK, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, P8, P8,
    PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, QUOTE, PLAIN, PLAIN, /* 38..3f: not "=" */
    P8,    P8,    P8,    P8,    P8,    P8,    P8,
    PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, QUOTE, /* 78..7f: not DEL */
#undef P8
};

void tern__encoder_begin(tern__encoder *e, uint32_t encoding, int text)
{
  memset(e, 0, sizeof *e);
  e->encoding = (uint8_t)encoding;
  e->text = (uint8_t)(text != 0);
}

/* ---- identity ------------------------------------------------------------------------------------*/
/* The octets before the next CR or LF, of at most len. */
static size_t line_run(const uint8_t *p, size_t len)
{
  const uint8_t *lf = memchr(p, '\n', len), *cr;

  if (lf != NULL) len = (size_t)(lf - p);
  cr = memchr(p, '\r', len);
  return cr != NULL ? (size_t)(cr - p) : len;
}

/* Whether the octet at *in is the LF of a CR that went before; it is then passed over. */
static int swallow(tern__encoder *e, const uint8_t **in, size_t *len)
{
  int lf = e->after_cr && **in == '\n';

  e->after_cr = 0;
  if (!lf) return 0;
  ++*in;
  --*len;
  return 1;
}

static size_t identity(tern__encoder *e, const uint8_t **in, size_t *len, uint8_t *out, size_t cap)
{
  size_t n = 0, run;

  while (*len > 0 && cap - n >= 2) {
    if (e->text && swallow(e, in, len)) continue;
    run = *len < cap - n ? *len : cap - n;
    if (e->text) run = line_run(*in, run);
    memcpy(out + n, *in, run);
    n += run;
    *in += run;
    *len -= run;
    if (!e->text || *len == 0 || (**in != '\r' && **in != '\n') || cap - n < 2) continue;
    e->after_cr = **in == '\r';
    memcpy(out + n, "\r\n", 2);
    n += 2;
    ++*in;
    --*len;
  }
  return n;
}

/* ---- base64 --------------------------------------------------------------------------------------*/
static size_t base64_line(tern__encoder *e, const uint8_t *octets, size_t len, uint8_t *out)
{
  size_t n = 0;

  if (e->column) {
    memcpy(out, "\r\n", 2);
    n = 2;
  }
  e->column = 1;
  return n + tern__base64_encode((char *)out + n, octets, len);
}

/* Fills the line that is held, line ends made CRLF. */
static void hold_text(tern__encoder *e, const uint8_t **in, size_t *len)
{
  while (e->held_len < TERN__BASE64_LINE) {
    if (e->due) {
      e->held[e->held_len++] = '\n';
      e->due = 0;
      continue;
    }
    if (*len == 0) return;
    if (swallow(e, in, len)) continue;
    if (**in == '\r' || **in == '\n') {
      e->after_cr = **in == '\r';
      e->due = 1;
      e->held[e->held_len++] = '\r';
    } else {
      e->held[e->held_len++] = **in;
    }
    ++*in;
    --*len;
  }
}

static void hold(tern__encoder *e, const uint8_t **in, size_t *len)
{
  size_t n = TERN__BASE64_LINE - e->held_len;

  if (n > *len) n = *len;
  memcpy(e->held + e->held_len, *in, n);
  e->held_len = (uint8_t)(e->held_len + n);
  *in += n;
  *len -= n;
}

static size_t base64(tern__encoder *e, const uint8_t **in, size_t *len, uint8_t *out, size_t cap)
{
  size_t n = 0;

  while ((*len > 0 || e->due) && cap - n >= TERN__ENCODE_ROOM) {
    if (!e->text && e->held_len == 0 && *len >= TERN__BASE64_LINE) {
      n += base64_line(e, *in, TERN__BASE64_LINE, out + n);
      *in += TERN__BASE64_LINE;
      *len -= TERN__BASE64_LINE;
      continue;
    }
    if (e->text)
      hold_text(e, in, len);
    else
      hold(e, in, len);
    if (e->held_len < TERN__BASE64_LINE) break;
    n += base64_line(e, e->held, TERN__BASE64_LINE, out + n);
    e->held_len = 0;
  }
  return n;
}

uint64_t tern__base64_lines(uint64_t n)
{
  uint64_t lines = n / TERN__BASE64_LINE, rest = n % TERN__BASE64_LINE;
  uint64_t length = lines * 76 + (rest + 2) / 3 * 4;

  if (rest > 0) lines++;
  return length + (lines > 1 ? (lines - 1) * 2 : 0);
}

/* ---- quoted-printable ----------------------------------------------------------------------------*/
/* The line under way goes on below where width octets do not fit into it. */
static size_t qp_fit(tern__encoder *e, size_t width, uint8_t *out)
{
  if (e->column + width <= QP_LINE) return 0;
  memcpy(out, "=\r\n", 3);
  e->column = 0;
  return 3;
}

static size_t qp_quote(tern__encoder *e, uint8_t c, uint8_t *out)
{
  static const char hex[] = "0123456789ABCDEF";
  size_t n = qp_fit(e, 3, out);

  out[n++] = '=';
  out[n++] = (uint8_t)hex[c >> 4];
  out[n++] = (uint8_t)hex[c & 15];
  e->column = (uint8_t)(e->column + 3);
  return n;
}

/* The blank that waited, and now is followed by something in its line. */
static size_t qp_blank(tern__encoder *e, uint8_t *out)
{
  size_t n;

  if (e->blank == 0) return 0;
  n = qp_fit(e, 1, out);
  out[n++] = e->blank;
  e->blank = 0;
  e->column++;
  return n;
}

/* A blank before a line end is lost on the way (RFC 2045 6.7 (3)). */
static size_t qp_last_blank(tern__encoder *e, uint8_t *out)
{
  uint8_t c = e->blank;

  e->blank = 0;
  return c != 0 ? qp_quote(e, c, out) : 0;
}

static size_t qp_line_end(tern__encoder *e, uint8_t *out)
{
  size_t n = qp_last_blank(e, out);

  memcpy(out + n, "\r\n", 2);
  e->column = 0;
  return n + 2;
}

/* Whether eight octets are all 0x20 to 0x7f. */
static int printable(uint64_t w)
{
  return ((w | (w - LANES(0x20))) & HIGHS) == 0;
}

/* ... and neither "=" nor DEL. */
static int plain(uint64_t w)
{
  uint64_t equals = w ^ LANES('=');

  return printable(w) && (((equals - LANES(1)) | (w + LANES(1))) & HIGHS) == 0;
}

/* How many octets at p leave as they are, blanks inside included, in a line with room for `room`. */
static size_t qp_run(const uint8_t *p, size_t len, size_t room)
{
  size_t n = 0;
  uint64_t w;

  if (len > room) len = room;
  for (; len - n >= sizeof w; n += sizeof w) {
    memcpy(&w, p + n, sizeof w);
    if (!plain(w)) break;
  }
  while (n < len && (classes[p[n]] & 1u)) n++;
  while (n > 0 && classes[p[n - 1]] == BLANK) n--;
  return n;
}

/* A mixture of octets that are quoted and that are not, as far as the line has room: returns what is
 * written, *taken how many were read. */
static size_t qp_mixture(tern__encoder *e, const uint8_t *p, size_t len, uint8_t *out, size_t *taken)
{
  static const char hex[] = "0123456789ABCDEF";
  size_t n = qp_fit(e, classes[*p] == PLAIN ? 1 : 3, out), i = 0, column = e->column;

  if (*p == '.' && column == 0) { /* transparency (RFC 5321 4.5.2) need not touch it */
    n += qp_quote(e, *p, out + n);
    *taken = 1;
    return n;
  }
  for (; i < len; i++) {
    if (classes[p[i]] == PLAIN && column < QP_LINE) {
      out[n++] = p[i];
      column++;
    } else if (classes[p[i]] == QUOTE && column + 3 <= QP_LINE) {
      out[n++] = '=';
      out[n++] = (uint8_t)hex[p[i] >> 4];
      out[n++] = (uint8_t)hex[p[i] & 15];
      column += 3;
    } else {
      break;
    }
  }
  e->column = (uint8_t)column;
  *taken = i;
  return n;
}

static size_t qp(tern__encoder *e, const uint8_t **in, size_t *len, uint8_t *out, size_t cap)
{
  size_t n = 0, run;
  uint8_t c;

  while (*len > 0 && cap - n >= TERN__ENCODE_ROOM) {
    if (swallow(e, in, len)) continue;
    c = **in;
    run = 1;
    if (e->text && classes[c] == END) {
      e->after_cr = c == '\r';
      n += qp_line_end(e, out + n);
    } else if (classes[c] == BLANK) {
      n += qp_blank(e, out + n);
      e->blank = c;
    } else if (classes[c] == END) {
      n += qp_blank(e, out + n);
      n += qp_quote(e, c, out + n);
    } else {
      n += qp_blank(e, out + n);
      run = e->column > 0 || c != '.' ? qp_run(*in, *len, QP_LINE - e->column) : 0;
      if (run >= 8) {
        memcpy(out + n, *in, run);
        n += run;
        e->column = (uint8_t)(e->column + run);
      } else {
        n += qp_mixture(e, *in, *len, out + n, &run);
      }
    }
    *in += run;
    *len -= run;
  }
  return n;
}

/* ---- any -----------------------------------------------------------------------------------------*/
size_t tern__encode(tern__encoder *e, const uint8_t **in, size_t *len, uint8_t *out, size_t cap)
{
  switch (e->encoding) {
  case TERN_ENCODING_BASE64: return base64(e, in, len, out, cap);
  case TERN_ENCODING_QUOTED_PRINTABLE: return qp(e, in, len, out, cap);
  default: return identity(e, in, len, out, cap);
  }
}

size_t tern__encode_end(tern__encoder *e, uint8_t *out)
{
  size_t n;

  if (e->encoding == TERN_ENCODING_QUOTED_PRINTABLE) return qp_last_blank(e, out);
  if (e->encoding != TERN_ENCODING_BASE64) return 0;
  if (e->due) e->held[e->held_len++] = '\n'; /* a full line was written before */
  e->due = 0;
  n = e->held_len;
  e->held_len = 0;
  return n > 0 ? base64_line(e, e->held, n, out) : 0;
}

/* ---- the scan ------------------------------------------------------------------------------------*/
void tern__scan_begin(tern__scanner *s, tern__scan *result, int text)
{
  memset(s, 0, sizeof *s);
  memset(result, 0, sizeof *result);
  result->bad = result->qp_length = UINT64_MAX;
  s->result = result;
  s->text = (uint8_t)text;
}

void tern__scan_begin_qp(tern__scanner *s, tern__scan *result, int text)
{
  memset(s, 0, sizeof *s);
  result->qp_length = 0;
  s->result = result;
  s->counting = 1;
  tern__encoder_begin(&s->qp, TERN_ENCODING_QUOTED_PRINTABLE, text);
}

static void bad(tern__scan *r, uint64_t index)
{
  if (index < r->bad) r->bad = index;
}

/* One octet over 127, or one that should be and is not. */
static void character(tern__scanner *s, uint8_t c, uint64_t index)
{
  if (s->need > 0) {
    if (c >= s->low && c <= s->limit) {
      s->need--;
      s->low = 0x80;
      s->limit = 0xbf;
      return;
    }
    bad(s->result, index);
    s->need = 0;
  }
  if (c < 0x80) return;
  if (c < 0xc2 || c > 0xf4) {
    bad(s->result, index);
    return;
  }
  s->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
  s->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  s->limit = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
}

static void scan_octet(tern__scanner *s, uint8_t c, uint64_t index)
{
  static const uint8_t mark[4] = {'-', '-', '=', '_'}; /* see boundary in part.c */
  tern__scan *r = s->result;

  if (s->text && (c > 127 || s->need > 0)) character(s, c, index);
  if (c > 127) {
    r->high = 1;
    if (!s->past_header) r->high_header = 1;
  } else if (c == 0) {
    r->nul = 1;
    bad(r, index);
  }
  if (s->after_cr && c == '\n') {
    s->after_cr = 0;
    return;
  }
  s->after_cr = c == '\r';
  if (c == '\r' || c == '\n') {
    if (s->line == 0) s->past_header = 1;
    if (s->line > r->longest) r->longest = s->line;
    s->line = 0;
    s->mark = 0;
    r->length += 2;
    return;
  }
  if (s->line == s->mark && s->line < sizeof mark && c == mark[s->line]) s->mark++;
  if (s->mark == sizeof mark) r->delimiter = 1;
  if (s->line < UINT32_MAX) s->line++;
  r->length++;
}

/* Octets inside a line that need no look at each: ASCII, no controls. Returns how many. */
static size_t scan_run(tern__scanner *s, const uint8_t *octets, size_t len)
{
  size_t n = 0;
  uint64_t w;

  if (s->need > 0 || s->after_cr || s->line < 4) return 0;
  if (len > UINT32_MAX - s->line) len = UINT32_MAX - s->line;
  for (; len - n >= sizeof w; n += sizeof w) {
    memcpy(&w, octets + n, sizeof w);
    if (!printable(w)) break;
  }
  while (n < len && octets[n] >= 0x20 && octets[n] < 0x80) n++;
  s->line += (uint32_t)n;
  s->result->length += n;
  return n;
}

void tern__scan_piece(tern__scanner *s, const uint8_t *octets, size_t len)
{
  uint8_t scratch[4 * TERN__ENCODE_ROOM];
  size_t i;

  while (s->counting && len > 0)
    s->result->qp_length += tern__encode(&s->qp, &octets, &len, scratch, sizeof scratch);
  for (i = 0; i < len; i++) {
    i += scan_run(s, octets + i, len - i);
    if (i < len) scan_octet(s, octets[i], s->result->octets + i);
  }
  s->result->octets += len;
}

void tern__scan_end(tern__scanner *s)
{
  tern__scan *r = s->result;
  uint8_t scratch[TERN__ENCODE_ROOM];

  if (s->counting) {
    r->qp_length += tern__encode_end(&s->qp, scratch);
    return;
  }
  if (s->need > 0) bad(r, r->octets);
  if (s->line > r->longest) r->longest = s->line;
  r->open = s->line > 0;
}
