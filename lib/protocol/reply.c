/* reply.c - reads a reply one octet at a time, in any split (RFC 5321 4.2, 4.2.1).
 *
 * Neighbours: session.c feeds it and asks transcript and ehlo about each raw line; base/verdict.c says
 * what the reply means. Lenient where servers are sloppy (bare LF, no text, control octets, any
 * second and third digit), strict where a wrong guess would lie about delivery (first digit 2..5,
 * the same code on each line). Limits: the text is cut to the buffer, lines and their number are
 * bounded by reply.h. */
#include "protocol/reply.h"

#include <string.h>

#include "base/ascii.h"
#include "base/config.h"

#define EACH(c) (UINT64_C(0x0101010101010101) * (c)) /* in each octet of a word */

/* How many octets of a word in memory come before its first bit that is set, as far as can be said. */
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LEADING(word) ((size_t)__builtin_ctzll(word) / 8)
#else
#define LEADING(word) ((word) == 0 ? 1u : 0u)
#endif

enum { DIGIT_1, DIGIT_2, DIGIT_3, SEPARATOR, TEXT, END_CR };

void tern__reply_buffer(tern__reader *r, char *text, size_t cap)
{
  r->text = text;
  r->cap = (uint16_t)(cap > UINT16_MAX ? UINT16_MAX : cap);
  r->base = 0;
  tern__reply_begin(r);
}

void tern__reply_begin(tern__reader *r)
{
  memset(&r->reply, 0, sizeof r->reply);
  r->reply.text = r->text + r->base;
  r->text[r->base] = '\0';
  r->len = r->line = r->base;
  r->count = 0;
  r->lines = r->state = r->cut = r->last = 0;
}

int tern__reply_retain(tern__reader *r, size_t min)
{
  if ((size_t)r->len + 1 + min > r->cap) return 0;
  r->base = (uint16_t)(r->len + 1);
  return 1;
}

int tern__reply_may_be(const tern__reader *r, unsigned code)
{
  unsigned unit = r->lines != 0 || r->count >= 3 ? 1 : r->count == 2 ? 10 : 100;

  return r->reply.code / unit == code / unit;
}

/* The raw line is sanitised here, so that nothing behind has to think of NUL or escape codes. */
static void store(tern__reader *r, uint8_t c)
{
  if ((size_t)r->len + 1 >= r->cap) {
    r->cut = 1;
    return;
  }
  r->text[r->len++] = (char)((c < 32 && c != '\t') || c == 127 ? '?' : c);
  r->text[r->len] = '\0';
}

static tern_status digit(tern__reader *r, uint8_t c)
{
  unsigned place = r->state; /* 0, 1, 2 */
  static const uint8_t unit[3] = { 100, 10, 1 };
  unsigned value = (unsigned)(c - '0') * unit[place];

  if (!tern__is_digit(c) || (place == 0 && (c < '2' || c > '5'))) return TERN_E_REPLY_SYNTAX;
  if (r->lines == 0) {
    r->reply.code = (uint16_t)(r->reply.code + value);
  } else if (r->reply.code / unit[place] % 10 != (unsigned)(c - '0')) {
    return TERN_E_REPLY_CODES; /* RFC 5321 4.2.1: the code is the same on each line */
  }
  r->state++;
  return TERN__REPLY_PARTIAL;
}

static tern_status line_end(tern__reader *r)
{
  r->lines++;
  r->count = 0;
  r->state = DIGIT_1;
  if (r->last) return TERN__REPLY_DONE;
  return r->lines >= TERN__REPLY_LINES_MAX ? TERN_E_REPLY_LENGTH : TERN__REPLY_LINE;
}

tern_status tern__reply_octet(tern__reader *r, uint8_t c)
{
  tern_status st = TERN__REPLY_PARTIAL;

  if (r->count == 0) r->line = r->len;
  if (c == '\n') {
    if (r->state < SEPARATOR) return TERN_E_REPLY_SYNTAX;
    if (r->state == SEPARATOR) r->last = 1; /* "250" CRLF: no text, no separator */
    return line_end(r);
  }
  if (r->state == END_CR) { /* the CR did not end the line: an octet of text like others */
    r->state = TEXT;
    store(r, '\r');
  }
  if (c != '\r' && r->count >= TERN__REPLY_LINE_MAX) return TERN_E_REPLY_LENGTH;
  if (r->count < UINT16_MAX) r->count++;
  switch (r->state) {
  case DIGIT_1:
  case DIGIT_2:
  case DIGIT_3:
    st = digit(r, c);
    break;
  case SEPARATOR:
    if (c == '\r') {
      r->last = 1;
      r->state = END_CR;
      return st;
    }
    if (c != ' ' && c != '-') return TERN_E_REPLY_SYNTAX;
    r->last = c == ' ';
    r->state = TEXT;
    break;
  default:
    if (c == '\r') {
      if (r->count > TERN__REPLY_LINE_MAX + 1u) return TERN_E_REPLY_LENGTH;
      r->state = END_CR;
      return st;
    }
  }
  store(r, c);
  return st;
}

size_t tern__reply_line(tern__reader *r, const uint8_t *octets, size_t len, tern_status *status)
{
  size_t i, room = (size_t)(r->cap - r->len);
  char *to = r->text + r->len;
  unsigned code;
  uint64_t word;

  if (r->state != DIGIT_1 || len < 6 || room < 6) return 0;
  if (octets[0] < '2' || octets[0] > '5' || !tern__is_digit(octets[1]) ||
      !tern__is_digit(octets[2]) || (octets[3] != ' ' && octets[3] != '-'))
    return 0;
  code = (octets[0] - '0') * 100u + (octets[1] - '0') * 10u + (octets[2] - '0');
  if (r->lines != 0 && r->reply.code != code) return 0;
  if (len > room) len = room; /* its NUL takes the place of the CR */
  if (len > TERN__REPLY_LINE_MAX) len = TERN__REPLY_LINE_MAX;
  for (i = 0; TERN__WIDE && len - i >= sizeof word; i += sizeof word) {
    memcpy(&word, octets + i, sizeof word);
    memcpy(to + i, &word, sizeof word);
    word = (word | (word - EACH(0x20)) | (word + EACH(1))) & EACH(0x80); /* not 32 to 126 */
    if (word != 0) {
      i += LEADING(word); /* those before the first such are right */
      break;
    }
  }
  for (; i < len && octets[i] >= 32 && octets[i] != 127; i++) to[i] = (char)octets[i];
  if (i + 2 > len || octets[i] != '\r' || octets[i + 1] != '\n') { /* for the other way */
    *to = '\0';
    return 0;
  }
  to[i] = '\0';
  r->line = r->len;
  r->len = (uint16_t)(r->len + i);
  r->reply.code = (uint16_t)code;
  r->last = octets[3] == ' ';
  *status = line_end(r);
  return i + 2;
}

size_t tern__reply_yes(tern__reader *r, const uint8_t *octets, size_t len)
{
  const uint8_t *lf;
  unsigned code;

  if (r->state != DIGIT_1 || r->lines != 0 || len < 6) return 0;
  code = 250;
  if (memcmp(octets, "250 ", 4) != 0) {
    if (octets[0] != '2' || !tern__is_digit(octets[1]) || !tern__is_digit(octets[2]) ||
        octets[3] != ' ')
      return 0;
    code = 200u + (octets[1] - '0') * 10u + (octets[2] - '0');
  }
  lf = memchr(octets, '\n', len < TERN__REPLY_LINE_MAX ? len : TERN__REPLY_LINE_MAX);
  if (lf == NULL || lf[-1] != '\r') return 0;
  r->reply.code = (uint16_t)code;
  return (size_t)(lf + 1 - octets);
}

/* The length of "5.7.1" at text, 0 where there is none of the reply's class (RFC 2034 4, 3463 2). */
static size_t enhanced_length(const tern__reader *r, const char *text, size_t len)
{
  size_t i = 1, part, digits;

  if (len < 5 || text[0] != (char)('0' + r->reply.code / 100) || text[0] == '3') return 0;
  if (TERN__WIDE && text[1] == '.' && tern__is_digit((uint8_t)text[2]) && text[3] == '.' &&
      tern__is_digit((uint8_t)text[4]) && len > 5 && text[5] == ' ')
    return 5; /* mostly */
  for (part = 0; part < 2; part++) {
    if (i >= len || text[i++] != '.') return 0;
    for (digits = 0; i < len && tern__is_digit((uint8_t)text[i]); digits++) i++;
    if (digits < 1 || digits > 3) return 0;
  }
  return i == len || text[i] == ' ' ? i : 0;
}

void tern__reply_keep(tern__reader *r)
{
  char *raw = r->text + r->line;
  size_t len = (size_t)(r->len - r->line), skip = len < 4 ? len : 4, code;

  code = TERN__WITH_ENHANCED ? enhanced_length(r, raw + skip, len - skip) : 0;
  if (code != 0) {
    if (r->lines == 1) {
      memcpy(r->reply.enhanced, raw + skip, code);
      r->reply.enhanced[code] = '\0';
    }
    skip += code;
    if (skip < len) skip++; /* the blank behind it */
  }
  if (r->lines == 1) { /* stays where it is */
    r->reply.text = raw + skip;
    return;
  }
  if (skip > 0) raw[0] = '\n'; /* joins the lines */
  if (skip > 0) {
    raw++;
    skip--;
    len--;
  }
  memmove(raw, raw + skip, len - skip);
  r->len = (uint16_t)((size_t)(raw - r->text) + len - skip);
  r->text[r->len] = '\0';
}

void tern__reply_drop(tern__reader *r)
{
  r->len = r->line;
  r->text[r->len] = '\0';
}
