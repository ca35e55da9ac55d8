/* text.c - a sink that counts, and writes where it has a place to. For reports, signatures and what
 * a header lacked; its users run twice, so that they allocate once and exactly. */
#include "message/text.h"

#include <string.h>

#include "base/ascii.h"

void tern__text_put(tern__text *t, const char *octets, size_t len)
{
  if (t->out != NULL && len != 0) memcpy(t->out + t->len, octets, len);
  t->len += len;
  t->column += (uint32_t)len;
}

void tern__text_add(tern__text *t, const char *words)
{
  tern__text_put(t, words, strlen(words));
}

void tern__text_number(tern__text *t, uint64_t value)
{
  char digits[20];

  tern__text_put(t, digits, tern__decimal(value, digits));
}

void tern__text_line(tern__text *t)
{
  tern__text_put(t, "\r\n", 2);
  t->column = 0;
}
