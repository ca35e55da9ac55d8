/* http.c - an HTTP/1.1 answer, read octet by octet: status line, fields, body by length, by chunks or
 * up to the end. Neighbour: sts_fetch.c. Limits: no redirects (RFC 8461 3.3), no compression, no
 * further answer on the connection; lines longer than the buffer are cut before they are judged. */
#include "delivery/http.h"

#include <string.h>

#include "base/ascii.h"

#define S_STATUS 0u
#define S_FIELDS 1u
#define S_BODY 2u
#define S_TO_END 3u
#define S_CHUNK_SIZE 4u
#define S_CHUNK 5u
#define S_CHUNK_END 6u
#define S_TRAILER 7u
#define S_DONE 8u

void tern__http_init(tern__http *h, char *body, size_t cap)
{
  memset(h, 0, sizeof *h);
  h->body = body;
  h->cap = cap;
}

static tern_status status_line(tern__http *h)
{
  const char *l = h->line;

  if (h->line_len < 12 || memcmp(l, "HTTP/1.", 7) != 0 || !tern__is_digit((uint8_t)l[7]) ||
      l[8] != ' ' || !tern__is_digit((uint8_t)l[9]) || !tern__is_digit((uint8_t)l[10]) ||
      !tern__is_digit((uint8_t)l[11]) || (h->line_len > 12 && l[12] != ' '))
    return TERN_E_REPLY_SYNTAX;
  h->status = (uint32_t)(l[9] - '0') * 100 + (uint32_t)(l[10] - '0') * 10 + (uint32_t)(l[11] - '0');
  h->state = S_FIELDS;
  return TERN_E_AGAIN;
}

static int number(const char *text, size_t len, uint32_t base, uint64_t *value)
{
  size_t i;

  *value = 0;
  if (!len || len > 12) return 0;
  for (i = 0; i < len; i++) {
    uint8_t c = tern__lower((uint8_t)text[i]);
    uint32_t digit = tern__is_digit(c) ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : 16;
    if (digit >= base) return 0;
    *value = *value * base + digit;
  }
  return 1;
}

/* A field of the head: those that say what the body is. */
static tern_status field(tern__http *h)
{
  const char *colon = memchr(h->line, ':', h->line_len), *value;
  size_t name, len;

  if (!colon) return TERN_E_REPLY_SYNTAX;
  name = (size_t)(colon - h->line);
  value = colon + 1;
  len = h->line_len - name - 1;
  while (len && (*value == ' ' || *value == '\t')) {
    value++;
    len--;
  }
  while (len && (value[len - 1] == ' ' || value[len - 1] == '\t')) len--;
  if (tern__same(h->line, name, "content-length")) {
    uint64_t n;
    if (!number(value, len, 10, &n) || (h->has_length && h->left != n)) return TERN_E_REPLY_SYNTAX;
    h->left = n;
    h->has_length = 1;
  } else if (tern__same(h->line, name, "transfer-encoding")) {
    if (!tern__same(value, len, "chunked")) return TERN_E_REPLY_SYNTAX;
    h->chunked = 1;
  } else if (tern__same(h->line, name, "content-type")) {
    const char *semi = memchr(value, ';', len);
    if (semi) len = (size_t)(semi - value);
    while (len && value[len - 1] == ' ') len--;
    h->plain = tern__same(value, len, "text/plain") != 0;
  }
  return TERN_E_AGAIN;
}

static tern_status done(tern__http *h)
{
  h->state = S_DONE;
  return TERN_OK;
}

/* The empty line behind the head. */
static tern_status head_ends(tern__http *h)
{
  if (h->status < 200) { /* an interim answer (RFC 9110 15.2): the real one follows */
    h->state = S_STATUS;
    h->status = 0;
    h->has_length = h->chunked = h->plain = 0;
    return TERN_E_AGAIN;
  }
  if (h->status != 200) return TERN_E_REPLY_UNEXPECTED;
  if (!h->plain) return TERN_E_CONTENT;
  if (h->chunked) {
    h->state = S_CHUNK_SIZE;
  } else if (h->has_length) {
    if (h->left > h->cap) return TERN_E_REPLY_LENGTH;
    h->state = S_BODY;
    if (!h->left) return done(h);
  } else {
    h->state = S_TO_END;
  }
  return TERN_E_AGAIN;
}

static tern_status chunk_size(tern__http *h)
{
  const char *semi = memchr(h->line, ';', h->line_len);
  size_t len = semi ? (size_t)(semi - h->line) : h->line_len;

  while (len && (h->line[len - 1] == ' ' || h->line[len - 1] == '\t')) len--;
  if (!number(h->line, len, 16, &h->left)) return TERN_E_REPLY_SYNTAX;
  if (h->left > h->cap - h->len) return TERN_E_REPLY_LENGTH;
  h->state = h->left ? S_CHUNK : S_TRAILER;
  return TERN_E_AGAIN;
}

static tern_status line(tern__http *h)
{
  if (h->line_len && h->line[h->line_len - 1] == '\r') h->line_len--;
  switch (h->state) {
    case S_STATUS: return status_line(h);
    case S_FIELDS: return h->line_len ? field(h) : head_ends(h);
    case S_CHUNK_SIZE: return chunk_size(h);
    case S_CHUNK_END:
      if (h->line_len) return TERN_E_REPLY_SYNTAX;
      h->state = S_CHUNK_SIZE;
      return TERN_E_AGAIN;
    default: return h->line_len ? TERN_E_AGAIN : done(h); /* trailers are of no interest */
  }
}

static tern_status line_octet(tern__http *h, uint8_t octet)
{
  tern_status st;

  if (++h->head > TERN__HTTP_HEAD_MAX) return TERN_E_REPLY_LENGTH;
  if (octet == '\n') {
    st = line(h);
    h->line_len = 0;
    return st;
  }
  if (!octet) return TERN_E_REPLY_SYNTAX;
  if (h->line_len < sizeof h->line) h->line[h->line_len++] = (char)octet;
  return TERN_E_AGAIN;
}

static tern_status body_octet(tern__http *h, uint8_t octet)
{
  if (h->len == h->cap) return TERN_E_REPLY_LENGTH;
  h->body[h->len++] = (char)octet;
  if (h->state == S_TO_END || --h->left) return TERN_E_AGAIN;
  if (h->state == S_BODY) return done(h);
  h->state = S_CHUNK_END;
  return TERN_E_AGAIN;
}

tern_status tern__http_in(tern__http *h, const uint8_t *octets, size_t len)
{
  tern_status st = h->state == S_DONE ? TERN_OK : TERN_E_AGAIN;
  size_t i;

  for (i = 0; i < len && st == TERN_E_AGAIN; i++)
    st = h->state == S_BODY || h->state == S_TO_END || h->state == S_CHUNK
             ? body_octet(h, octets[i])
             : line_octet(h, octets[i]);
  return st;
}

tern_status tern__http_closed(tern__http *h)
{
  return h->state == S_TO_END || h->state == S_DONE ? TERN_OK : TERN_E_CLOSED;
}
