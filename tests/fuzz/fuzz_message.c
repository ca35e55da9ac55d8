/* fuzz_message.c - header fields from any text, decoded again by a reader of this file's own: what comes out of RFC 2047
 * words, quoted strings and RFC 2231 parameters must be what went in, no line may be too long, none may be another field.
 * Input: the first octet chooses, the rest is the text. What the setters refuse is no case. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "message/header.h"

#define ROOM 1048576u

static char out[ROOM + 1], plain[ROOM + 1], again[ROOM + 1];

static void wrong(const char *what)
{
  fprintf(stderr, "%s:\n%s\n", what, out);
  abort();
}

/* Takes the folds out; each line is checked. */
static void unfold(uint32_t most)
{
  size_t i, n = 0, line = 0;

  for (i = 0; out[i]; i++) {
    if (out[i] == '\r') {
      if (out[i + 1] != '\n' || (out[i + 2] != ' ' && out[i + 2] != '\t')) wrong("a line end that is no fold");
      if (line > most) wrong("a line that is too long");
      line = 0;
      i++;
      continue;
    }
    if (out[i] == '\n' || (unsigned char)out[i] > 127) wrong("an octet that cannot stand there");
    line++;
    plain[n++] = out[i];
  }
  if (line > most) wrong("a last line that is too long");
  plain[n] = 0;
}

static int hex(char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes the encoded word at *p into again + n, and goes behind it; 0: there is none. */
static size_t word(const char **p, size_t n, int *is)
{
  const char *from = *p, *end;
  char q;

  *is = 0;
  if (strncmp(from, "=?utf-8?", 8) != 0 || (from[8] != 'q' && from[8] != 'b') || from[9] != '?') return n;
  q = from[8];
  end = strstr(from + 10, "?=");
  if (!end) return n;
  if (end + 2 - from > 75) wrong("an encoded word of more than 75");
  *is = 1;
  *p = end + 2;
  if (q == 'b') {
    size_t len = tern__base64_decode((uint8_t *)again + n, from + 10, (size_t)(end - from) - 10);
    if (len == SIZE_MAX) wrong("base64 that is none");
    return n + len;
  }
  for (from += 10; from < end; from++) {
    if (*from == '_') {
      again[n++] = ' ';
    } else if (*from == '=') {
      if (hex(from[1]) < 0 || hex(from[2]) < 0) wrong("a = without digits");
      again[n++] = (char)(hex(from[1]) * 16 + hex(from[2]));
      from += 2;
    } else {
      again[n++] = *from;
    }
  }
  return n;
}

/* Text with encoded words, of which neighbours are joined (RFC 2047 6.2); quotes in phrases undone. */
static void decode(int phrase)
{
  const char *p = plain, *gap;
  size_t n = 0;
  int is, before = 0, quoted = 0;

  while (*p) {
    if (!quoted && before && *p == ' ') {
      for (gap = p; *gap == ' '; gap++) continue;
      if (strncmp(gap, "=?utf-8?", 8) == 0) p = gap;
    }
    if (!quoted) {
      n = word(&p, n, &is);
      before = is;
      if (is) continue;
    }
    if (phrase && *p == '"') {
      quoted = !quoted;
      p++;
      continue;
    }
    if (phrase && quoted && *p == '\\') p++;
    again[n++] = *p++;
  }
  again[n] = 0;
}

/* The value of ; name="..." or name=... or name*0*=utf-8''...; name*1*=... */
static void decode_parameter(void)
{
  const char *p = strstr(plain, "filename"), *end;
  size_t n = 0;

  if (!p) wrong("no parameter");
  if (p[8] == '=') {
    p += 9;
    if (*p == '"') {
      for (p++; *p && *p != '"'; p++) {
        if (*p == '\\') p++;
        again[n++] = *p;
      }
    } else {
      for (; *p && *p != ';'; p++) again[n++] = *p;
    }
    again[n] = 0;
    return;
  }
  for (; p; p = strstr(p, "filename*")) {
    p = strchr(p, '=');
    if (!p) wrong("a section without value");
    p++;
    if (n == 0 && strncmp(p, "utf-8''", 7) == 0) p += 7;
    for (end = p + strcspn(p, ";"); p < end; p++) {
      if (*p == '%') {
        if (hex(p[1]) < 0 || hex(p[2]) < 0) wrong("a % without digits");
        again[n++] = (char)(hex(p[1]) * 16 + hex(p[2]));
        p += 2;
      } else {
        again[n++] = *p;
      }
    }
  }
  again[n] = 0;
}

static void begin(tern__sink *s, const char *with)
{
  memset(s, 0, sizeof *s);
  s->out = (uint8_t *)out;
  s->cap = ROOM;
  tern__sink_text(s, with);
}

/* The whole again through a window of a few octets: it must be the same. */
static void windows(const char *text, uint8_t kind, size_t len)
{
  static uint8_t part[7];
  size_t at, step = sizeof part;

  if (len > 2000) return;
  for (at = 0; at < len; at += step) {
    tern__sink s;
    memset(&s, 0, sizeof s);
    s.out = part;
    s.cap = sizeof part;
    s.skip = at;
    tern__sink_text(&s, kind == 0 ? "Subject:" : kind == 1 ? "From: " : "A: x");
    if (kind == 0)
      tern__header_text(&s, text, 0);
    else if (kind == 1)
      tern__header_phrase(&s, text, 0);
    else
      tern__header_param(&s, "filename", text);
    if (s.total != len || s.len != (len - at < step ? len - at : step) || memcmp(part, out + at, s.len) != 0)
      wrong("a window with something else in it");
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  tern__sink s;
  uint8_t kind;
  char *text;

  if (size < 1 || size > 20000) return 0;
  kind = data[0] % 3;
  text = malloc(size);
  if (!text) return 0;
  memcpy(text, data + 1, size - 1);
  text[size - 1] = 0;
  if (tern__header_bad(text) == 0) {
    begin(&s, kind == 0 ? "Subject:" : kind == 1 ? "From: " : "A: x");
    if (kind == 0)
      tern__header_text(&s, text, 0);
    else if (kind == 1)
      tern__header_phrase(&s, text, 0);
    else
      tern__header_param(&s, "filename", text);
    out[s.len] = 0;
    unfold(998);
    memmove(plain, plain + (kind == 0 ? 9 : kind == 1 ? 6 : 4), s.len);
    if (kind == 2)
      decode_parameter();
    else
      decode(kind == 1);
    if (strcmp(again, text) != 0) wrong("something else came out");
    windows(text, kind, s.len);
  }
  free(text);
  return 0;
}
