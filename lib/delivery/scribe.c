/* scribe.c - the writer behind tern_history_write and tern_tlsrpt_write. Limit: the last octet of the block
 * is the NUL's, so that a text of cap octets is cut by one. */
#include "delivery/scribe.h"

#include <string.h>

#include "base/ascii.h"

void tern__scribe_put(tern__scribe *s, const char *octets, size_t len)
{
  if (s->cap && s->len < s->cap - 1) {
    size_t room = s->cap - 1 - s->len;
    memcpy(s->out + s->len, octets, len < room ? len : room);
  }
  s->len += len;
}

void tern__scribe_text(tern__scribe *s, const char *text)
{
  tern__scribe_put(s, text, strlen(text));
}

void tern__scribe_number(tern__scribe *s, uint64_t value)
{
  char digits[20];

  tern__scribe_put(s, digits, tern__decimal(value, digits));
}

/* The octets of the UTF-8 character at p (RFC 3629), 0: it is none. */
static size_t utf8(const uint8_t *p, size_t len)
{
  size_t n, i;

  if (p[0] < 0x80) return 1;
  if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
  n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
  if (n > len) return 0;
  for (i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
  if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
  return n;
}

static void escape(tern__scribe *s, uint8_t c)
{
  static const char hex[] = "0123456789abcdef";
  char code[6] = {'\\', 'u', '0', '0', 0, 0};

  if (c == '"' || c == '\\') {
    code[1] = (char)c;
    tern__scribe_put(s, code, 2);
    return;
  }
  code[4] = hex[c >> 4];
  code[5] = hex[c & 15];
  tern__scribe_put(s, code, 6);
}

void tern__scribe_json(tern__scribe *s, const char *text, size_t len)
{
  size_t i, n;

  tern__scribe_put(s, "\"", 1);
  for (i = 0; i < len; i += n ? n : 1) {
    uint8_t c = (uint8_t)text[i];
    n = utf8((const uint8_t *)text + i, len - i);
    if (!n)
      tern__scribe_put(s, "\xef\xbf\xbd", 3);
    else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
      escape(s, c);
    else
      tern__scribe_put(s, text + i, n);
  }
  tern__scribe_put(s, "\"", 1);
}

size_t tern__scribe_end(tern__scribe *s)
{
  if (s->cap) s->out[s->len < s->cap - 1 ? s->len : s->cap - 1] = 0;
  return s->len;
}
