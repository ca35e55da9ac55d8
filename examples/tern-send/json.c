/* json.c - writes JSON (RFC 8259). Octets that are not UTF-8 become U+FFFD one by one, controls are
 * escaped; what a server said can so never break out of its string. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(json *j, const char *text, size_t len)
{
  if (j->failed) return;
  if (j->cap - j->len < len + 1) {
    size_t cap = (j->cap + len + 1) * 2;
    char *more = cap > j->cap ? realloc(j->text, cap) : NULL;
    if (!more) {
      j->failed = 1;
      return;
    }
    j->text = more;
    j->cap = cap;
  }
  memcpy(j->text + j->len, text, len);
  j->len += len;
  j->text[j->len] = 0;
}

void json_raw(json *j, const char *text)
{
  put(j, text, strlen(text));
}

void json_name(json *j, const char *name)
{
  if (j->comma) put(j, ",", 1);
  j->comma = 0;
  if (!name) return;
  put(j, "\"", 1);
  json_raw(j, name);
  put(j, "\":", 2);
}

void json_open(json *j, char bracket)
{
  put(j, &bracket, 1);
  j->comma = 0;
}

void json_close(json *j, char bracket)
{
  put(j, &bracket, 1);
  j->comma = 1;
}

/* The octets of the UTF-8 character at p (RFC 3629), 0: it is none. */
static size_t utf8(const unsigned char *p)
{
  size_t n, i;

  if (p[0] < 0x80) return 1;
  if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
  n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
  for (i = 1; i < n; i++)
    if (p[i] < 0x80 || p[i] > 0xbf) return 0;
  if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
  if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogates */
  if (p[0] == 0xf0 && p[1] < 0x90) return 0;
  if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
  return n;
}

static void escape(json *j, unsigned char c)
{
  char code[8];

  if (c == '"' || c == '\\') {
    code[0] = '\\';
    code[1] = (char)c;
    code[2] = 0;
  } else if (c == '\n') {
    memcpy(code, "\\n", 3);
  } else {
    snprintf(code, sizeof code, "\\u%04x", c);
  }
  json_raw(j, code);
}

void json_string(json *j, const char *text, int null_if_empty)
{
  const unsigned char *p = (const unsigned char *)text;
  size_t n;

  if (!text || (!text[0] && null_if_empty)) {
    json_null(j);
    return;
  }
  put(j, "\"", 1);
  while (*p) {
    n = utf8(p);
    if (!n)
      put(j, "\xef\xbf\xbd", 3);
    else if (*p < 0x20 || *p == '"' || *p == '\\' || *p == 0x7f)
      escape(j, *p);
    else
      put(j, (const char *)p, n);
    p += n ? n : 1;
  }
  put(j, "\"", 1);
  j->comma = 1;
}

void json_number(json *j, uint32_t number)
{
  char text[12];

  snprintf(text, sizeof text, "%lu", (unsigned long)number);
  json_raw(j, text);
  j->comma = 1;
}

void json_bool(json *j, int value)
{
  json_raw(j, value ? "true" : "false");
  j->comma = 1;
}

void json_null(json *j)
{
  json_raw(j, "null");
  j->comma = 1;
}
