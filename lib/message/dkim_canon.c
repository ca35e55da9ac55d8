/* dkim_canon.c - simple and relaxed, header and body (RFC 6376 3.4.1 to 3.4.4).
 *
 * Nothing is looked at twice: white space and line ends are counted, not kept, until it is known
 * whether they are at an end. Runs that stay as they are go to the hash as they lie. */
#include "message/dkim_canon.h"

#include <string.h>

#include "base/ascii.h"

void tern__canon_begin(tern__canon *c, int simple)
{
  memset(c, 0, sizeof *c);
  tern__hash_begin(&c->hash, TERN__SHA256);
  c->simple = (uint8_t)simple;
}

static void flush(tern__canon *c)
{
  tern__hash_add(&c->hash, c->out, c->len);
  c->len = 0;
}

static void put(tern__canon *c, uint8_t octet)
{
  if (c->len == sizeof c->out) flush(c);
  c->out[c->len++] = octet;
}

static void line_ends(tern__canon *c)
{
  for (; c->lines != 0; c->lines--) {
    put(c, '\r');
    put(c, '\n');
  }
}

/* ---- body ------------------------------------------------------------------------------------------------*/
/* Octets up to the next one that may have to change: white space (relaxed), CR. */
static size_t run(const tern__canon *c, const uint8_t *octets, size_t len)
{
  const uint8_t *cr = memchr(octets, '\r', len);
  size_t n = 0, end = cr != NULL ? (size_t)(cr - octets) : len;

  if (c->simple) return end;
  while (n < end && octets[n] != ' ' && octets[n] != '\t') n++;
  return n;
}

void tern__canon_body(tern__canon *c, const uint8_t *octets, size_t len)
{
  size_t n;

  while (len != 0) {
    if (*octets == '\n') {
      c->lines++;
      c->blank = 0; /* at the end of a line: ignored */
      n = 1;
    } else if (*octets == '\r') {
      n = 1;
    } else if (!c->simple && (*octets == ' ' || *octets == '\t')) {
      c->blank = 1;
      n = 1;
    } else {
      n = run(c, octets, len);
      line_ends(c);
      if (c->blank) put(c, ' ');
      c->blank = 0;
      if (n < sizeof c->out) {
        size_t i;
        for (i = 0; i < n; i++) put(c, octets[i]);
      } else {
        flush(c);
        tern__hash_add(&c->hash, octets, n);
      }
      c->any = 1; /* not empty lines alone */
    }
    octets += n;
    len -= n;
  }
}

/* Empty lines at the end are no part of it; an empty body is one CRLF in simple, nothing in relaxed. */
void tern__canon_body_end(tern__canon *c)
{
  if (c->any || c->simple) {
    put(c, '\r');
    put(c, '\n');
  }
  flush(c);
}

/* ---- header ----------------------------------------------------------------------------------------------*/
void tern__canon_name(tern__canon *c, const char *name, size_t name_len, size_t raw_len)
{
  size_t i, len = c->simple ? raw_len : name_len;

  for (i = 0; i < len; i++) put(c, c->simple ? (uint8_t)name[i] : tern__lower((uint8_t)name[i]));
  put(c, ':');
  c->blank = c->any = 0;
}

void tern__canon_value(tern__canon *c, const uint8_t *octets, size_t len)
{
  for (; len != 0; octets++, len--) {
    if (c->simple) {
      put(c, *octets);
    } else if (*octets == ' ' || *octets == '\t') {
      c->blank = 1;
    } else if (*octets != '\r' && *octets != '\n') {
      if (c->blank && c->any) put(c, ' ');
      c->blank = 0;
      c->any = 1;
      put(c, *octets);
    }
  }
}

void tern__canon_field_end(tern__canon *c)
{
  if (c->simple) return;
  put(c, '\r');
  put(c, '\n');
}

void tern__canon_digest(tern__canon *c, uint8_t digest[32])
{
  flush(c);
  tern__hash_end(&c->hash, digest);
}
