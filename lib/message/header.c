/* header.c - one header field at a time: folding, encoded words (RFC 2047), parameters (RFC 2231).
 *
 * An encoded word holds whole characters only, 75 octets at most in lines of 76 (RFC 2047 2 and 5),
 * by B or Q, whichever makes the text shorter. Only the octets that RFC 2047 5 (3) allows in a
 * phrase go through Q as they are, so that a word is right wherever it stands.
 * Neighbours: part.c and message.c say which field is of which kind; writer.c owns the window. */
#include "message/header.h"

#include <string.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/utf8.h"

#define WORD_MAX 75u     /* an encoded word */
#define WORD_LINE 76u    /* a line with one */
#define WORD_AROUND 12u  /* =?utf-8?q??= */
#define UNFOLDED_MAX 900u /* a word of text longer than this is encoded, so as to be folded */
#define PARAM_MAX 900u   /* a parameter longer than this is cut into sections */

/* ---- the sink -----------------------------------------------------------------------------------*/
void tern__sink_put(tern__sink *s, const char *octets, size_t len)
{
  size_t i = len;

  s->total += len;
  while (i > 0 && octets[i - 1] != '\n') i--;
  s->column = (uint32_t)(i > 0 ? len - i : s->column + len);
  if (i > 0) s->words = 0;
  if (s->skip >= len) {
    s->skip -= len;
    return;
  }
  octets += s->skip;
  len -= (size_t)s->skip;
  s->skip = 0;
  if (len > s->cap - s->len) len = s->cap - s->len;
  if (len == 0) return;
  memcpy(s->out + s->len, octets, len);
  s->len += len;
}

void tern__sink_text(tern__sink *s, const char *text)
{
  tern__sink_put(s, text, strlen(text));
}

void tern__sink_line(tern__sink *s)
{
  tern__sink_put(s, "\r\n", 2);
}

void tern__header_gap(tern__sink *s, size_t width)
{
  if (s->column > 1 && s->column + 1 + width > (s->words ? WORD_LINE : TERN__FOLD_AT))
    tern__sink_put(s, "\r\n ", 3);
  else
    tern__sink_put(s, " ", 1);
}

/* ---- what an octet may be ------------------------------------------------------------------------*/
int tern__is_ascii(const char *text)
{
  for (; *text != '\0'; text++)
    if ((uint8_t)*text > 127) return 0;
  return 1;
}

size_t tern__header_bad(const char *text)
{
  size_t len = strlen(text), i = 0, n;

  for (; i < len; i += n) {
    n = tern__utf8((const uint8_t *)text + i, len - i);
    if (n == 0 || text[i] == 0x7f || ((uint8_t)text[i] < 0x20 && text[i] != '\t')) return i + 1;
  }
  return 0;
}

size_t tern__header_bad_name(const char *name)
{
  size_t i;

  for (i = 0; name[i] != '\0'; i++)
    if (name[i] <= 0x20 || (uint8_t)name[i] > 0x7e || name[i] == ':') return i + 1;
  return i == 0 ? 1 : 0;
}

static int is_alnum(char c)
{
  return tern__is_alpha((uint8_t)c) || tern__is_digit((uint8_t)c);
}

static int is_one_of(char c, const char *set)
{
  return c != '\0' && strchr(set, c) != NULL;
}

int tern__is_token(const char *text, size_t len)
{
  size_t i;

  for (i = 0; i < len; i++)
    if (!is_alnum(text[i]) && !is_one_of(text[i], "!#$%&'*+-.^_`{|}~")) return 0;
  return len > 0;
}

/* atext of RFC 5322 3.2.3, and what RFC 6532 adds to it. */
static int is_atext(char c)
{
  return is_alnum(c) || (uint8_t)c > 127 || is_one_of(c, "!#$%&'*+-/=?^_`{|}~");
}

/* ---- encoded words -------------------------------------------------------------------------------*/
static int q_plain(char c)
{
  return is_alnum(c) || is_one_of(c, "!*+-/ ");
}

static size_t q_cost(const char *text, size_t len)
{
  size_t i, cost = 0;

  for (i = 0; i < len; i++) cost += q_plain(text[i]) ? 1u : 3u;
  return cost;
}

static size_t b_cost(size_t len)
{
  return (len + 2) / 3 * 4;
}

/* One encoded word of len octets; the caller has seen to it that they fit. */
static void put_word(tern__sink *s, const char *text, size_t len, int q)
{
  static const char hex[] = "0123456789ABCDEF";
  char word[WORD_MAX];
  size_t i, n = 10;

  memcpy(word, q ? "=?utf-8?q?" : "=?utf-8?b?", 10);
  if (!q) n += tern__base64_encode(word + n, (const uint8_t *)text, len);
  for (i = 0; q && i < len; i++) {
    if (q_plain(text[i])) {
      word[n++] = text[i] == ' ' ? '_' : text[i];
      continue;
    }
    word[n++] = '=';
    word[n++] = hex[(uint8_t)text[i] >> 4];
    word[n++] = hex[text[i] & 15];
  }
  memcpy(word + n, "?=", 2);
  tern__sink_put(s, word, n + 2);
  s->words++;
}

/* How many octets of text, whole characters, go into a word with room for that much. By B a number
 * without padding is taken where there is one: there are readers that join the words' base64. */
static size_t word_fits(const char *text, size_t len, size_t room, int q)
{
  size_t n, one, even = 0;

  for (n = 0; n < len; n += one) {
    one = tern__utf8((const uint8_t *)text + n, len - n);
    if (one == 0) one = 1; /* the setters let none through */
    if ((q ? q_cost(text, n + one) : b_cost(n + one)) > room) break;
    if (n % 3 == 0) even = n;
  }
  if (n < len && !q && n % 3 != 0 && even > 0) n = even;
  return n;
}

/* len octets of UTF-8 as encoded words, one a line where they do not fit into one. */
static void put_words(tern__sink *s, const char *text, size_t len)
{
  int q = q_cost(text, len) <= b_cost(len);
  size_t at = 0, n, room;

  while (at < len) {
    room = s->column < WORD_LINE ? WORD_LINE - s->column : 0;
    if (room > WORD_MAX) room = WORD_MAX;
    room = room > WORD_AROUND ? room - WORD_AROUND : 0;
    n = word_fits(text + at, len - at, room, q);
    if (n > 0) put_word(s, text + at, n, q);
    at += n;
    if (at < len) tern__sink_put(s, "\r\n ", 3);
  }
}

/* The octets that the beginning of an encoded run should find in its line. One that would fit into
 * a single word is not cut: there are readers that put a space between words in a phrase. */
static size_t words_width(const char *text, size_t len)
{
  size_t q = q_cost(text, len), b = b_cost(len), cost = q <= b ? q : b;

  return TERN__FOLD_AT - WORD_LINE + WORD_AROUND + (cost <= WORD_MAX - WORD_AROUND ? cost : 24);
}

/* ---- unstructured text ---------------------------------------------------------------------------*/
static size_t word_end(const char *text, size_t at)
{
  while (text[at] != '\0' && text[at] != ' ') at++;
  return at;
}

static int has_marker(const char *text, size_t len)
{
  size_t i;

  for (i = 1; i < len; i++)
    if (text[i - 1] == '=' && text[i] == '?') return 1;
  return 0;
}

/* Whether the word at..end has to be encoded: for its octets, for a length that cannot be folded,
 * for a look of being encoded already, or because of spaces around it that readers would lose. */
static int must_encode(const char *text, size_t at, size_t end, uint32_t how)
{
  size_t i;

  if (end - at > UNFOLDED_MAX) return 1;
  for (i = at; i < end; i++)
    if ((uint8_t)text[i] > 127 && !(how & TERN__HEADER_UTF8)) return 1;
  if (how & TERN__HEADER_LITERAL) return 0;
  if (at == end && (at > 0 || text[at] != '\0')) return 1;
  if (text[end] == ' ' && (text[end + 1] == ' ' || text[end + 1] == '\0')) return 1;
  return has_marker(text + at, end - at) || memchr(text + at, '\t', end - at) != NULL;
}

void tern__header_text(tern__sink *s, const char *text, uint32_t how)
{
  size_t at = 0, end;

  for (;; at = end + 1) {
    end = word_end(text, at);
    if (!must_encode(text, at, end, how)) {
      if (at == 0)
        tern__sink_put(s, " ", 1); /* the first word stays beside the field's name */
      else
        tern__header_gap(s, end - at);
      tern__sink_put(s, text + at, end - at);
    } else {
      while (text[end] == ' ' &&
             (end == at || must_encode(text, end + 1, word_end(text, end + 1), how)))
        end = word_end(text, end + 1);
      if (at == 0)
        tern__sink_put(s, " ", 1);
      else
        tern__header_gap(s, words_width(text + at, end - at));
      put_words(s, text + at, end - at);
    }
    if (text[end] == '\0') return;
  }
}

/* ---- phrases, comments, tokens -------------------------------------------------------------------*/
/* Octets that may be escaped, folded where a space is. */
static void put_escaped(tern__sink *s, const char *text, const char *escape)
{
  size_t at = 0, end;

  for (;; at = end + 1) {
    end = word_end(text, at);
    if (at > 0) tern__header_gap(s, end - at + 1);
    for (; at < end; at++) {
      if (is_one_of(text[at], escape)) tern__sink_put(s, "\\", 1);
      tern__sink_put(s, text + at, 1);
    }
    if (text[end] == '\0') return;
  }
}

/* Whether a phrase or comment is safe without encoding. */
static int is_plain(const char *text, uint32_t how)
{
  size_t at = 0, end;

  for (;; at = end + 1) {
    end = word_end(text, at);
    if (end - at > 60 || must_encode(text, at, end, how)) return 0;
    if (text[end] == '\0') return 1;
  }
}

size_t tern__header_phrase_width(const char *text, uint32_t how)
{
  size_t len = strlen(text);

  if (!is_plain(text, how)) return words_width(text, len);
  return len + 2 < TERN__FOLD_AT - 1 ? len + 2 : 40; /* in one line if it can be */
}

void tern__header_phrase(tern__sink *s, const char *text, uint32_t how)
{
  size_t i;

  if (!is_plain(text, how)) {
    put_words(s, text, strlen(text));
    return;
  }
  for (i = 0; text[i] != '\0'; i++)
    if (!is_atext(text[i]) && text[i] != ' ') break;
  if (text[i] == '\0' && i > 0) {
    put_escaped(s, text, "");
    return;
  }
  tern__sink_put(s, "\"", 1);
  put_escaped(s, text, "\"\\");
  tern__sink_put(s, "\"", 1);
}

void tern__header_comment(tern__sink *s, const char *text, uint32_t how)
{
  tern__sink_put(s, "(", 1);
  if (is_plain(text, how))
    put_escaped(s, text, "()\\");
  else
    put_words(s, text, strlen(text));
  tern__sink_put(s, ")", 1);
}

void tern__header_tokens(tern__sink *s, const char *text)
{
  size_t at = 0, end;

  for (;; at = end + 1) {
    end = word_end(text, at);
    if (end > at && s->column > 0) {
      if (at == 0)
        tern__sink_put(s, " ", 1);
      else
        tern__header_gap(s, end - at);
    }
    tern__sink_put(s, text + at, end - at);
    if (text[end] == '\0') return;
  }
}

/* ---- parameters ----------------------------------------------------------------------------------*/
static int attribute_char(char c)
{
  return is_alnum(c) || is_one_of(c, "!#$&+-.^_`{|}~");
}

static void put_percent(tern__sink *s, const char *text, size_t len)
{
  static const char hex[] = "0123456789ABCDEF";
  char code[3] = {'%', 0, 0};
  size_t i;

  for (i = 0; i < len; i++) {
    if (attribute_char(text[i])) {
      tern__sink_put(s, text + i, 1);
      continue;
    }
    code[1] = hex[(uint8_t)text[i] >> 4];
    code[2] = hex[text[i] & 15];
    tern__sink_put(s, code, 3);
  }
}

/* How many octets of text, whole characters, fit into room when written with percents. */
static size_t percent_fits(const char *text, size_t len, size_t room)
{
  size_t n, one, i, cost = 0;

  for (n = 0; n < len; n += one) {
    one = tern__utf8((const uint8_t *)text + n, len - n);
    if (one == 0) one = 1;
    for (i = 0; i < one; i++) cost += attribute_char(text[n + i]) ? 1u : 3u;
    if (cost > room && n > 0) break;
  }
  return n;
}

/* name*=utf-8''... or, where that is too long for a line, name*0*=utf-8''...; name*1*=... */
static void put_extended(tern__sink *s, const char *name, const char *value)
{
  size_t len = strlen(value), at = 0, n, room, digits;
  size_t around = strlen(name) + 9; /* leading space, *=utf-8'' */
  char number[20];
  uint32_t section = 0;

  n = percent_fits(value, len, TERN__FOLD_AT - 1 - around);
  if (n == len) {
    tern__sink_text(s, name);
    tern__sink_text(s, "*=utf-8''");
    put_percent(s, value, len);
    return;
  }
  while (at < len) {
    digits = tern__decimal(section, number);
    room = TERN__FOLD_AT - 5 - strlen(name) - digits - (section == 0 ? 7 : 0);
    n = percent_fits(value + at, len - at, room);
    if (section > 0) tern__sink_text(s, ";\r\n ");
    tern__sink_text(s, name);
    tern__sink_text(s, "*");
    tern__sink_put(s, number, digits);
    tern__sink_text(s, section == 0 ? "*=utf-8''" : "*=");
    put_percent(s, value + at, n);
    at += n;
    section++;
  }
}

static void put_quoted(tern__sink *s, const char *value)
{
  tern__sink_put(s, "\"", 1);
  for (; *value != '\0'; value++) {
    if (*value == '"' || *value == '\\') tern__sink_put(s, "\\", 1);
    tern__sink_put(s, value, 1);
  }
  tern__sink_put(s, "\"", 1);
}

/* Whether a parameter's value can stand in quotes as it is. */
static int quotable(const char *value)
{
  size_t len = strlen(value);

  return len <= PARAM_MAX && tern__is_ascii(value) && !has_marker(value, len) &&
         memchr(value, '\t', len) == NULL;
}

void tern__header_param(tern__sink *s, const char *name, const char *value)
{
  size_t len = strlen(value), i;

  tern__sink_put(s, ";", 1);
  if (!quotable(value)) {
    tern__sink_put(s, "\r\n ", 3);
    put_extended(s, name, value);
    return;
  }
  tern__header_gap(s, strlen(name) + 3 + len);
  tern__sink_text(s, name);
  tern__sink_put(s, "=", 1);
  for (i = 0; i < len && (is_alnum(value[i]) || is_one_of(value[i], "-._")); i++) continue;
  if (i == len && len > 0)
    tern__sink_put(s, value, len);
  else /* more than RFC 2045 asks for: not all readers know each token */
    put_quoted(s, value);
}

void tern__header_param_words(tern__sink *s, const char *name, const char *value)
{
  if (quotable(value)) {
    tern__header_param(s, name, value);
    return;
  }
  tern__sink_put(s, ";\r\n ", 4);
  tern__sink_text(s, name);
  tern__sink_put(s, "=\"", 2);
  put_words(s, value, strlen(value));
  tern__sink_put(s, "\"", 1);
}
