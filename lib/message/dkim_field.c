/* dkim_field.c - the DKIM-Signature field (RFC 6376 3.5), folded. Its b= comes last and empty, as it
 * is signed; the signature is written behind it. */
#include <string.h>

#include "base/base64.h"
#include "message/dkim_state.h"

#define WIDTH 76u

/* " name=value;" in the line or folded; value may be NULL and follow. */
static void tag(tern__text *t, const char *name, const char *value, size_t width)
{
  if (t->column + 1 + strlen(name) + width + 1 > WIDTH) tern__text_line(t);
  tern__text_add(t, " ");
  tern__text_add(t, name);
  if (value == NULL) return;
  tern__text_put(t, value, width);
  tern__text_add(t, ";");
}

static void tag_text(tern__text *t, const char *name, const char *value)
{
  tag(t, name, value, strlen(value));
}

static void tag_number(tern__text *t, const char *name, uint64_t value)
{
  tag(t, name, NULL, 20);
  tern__text_number(t, value);
  tern__text_add(t, ";");
}

/* i=: dkim-quoted-printable (RFC 6376 2.11). */
static void identity(tern__text *t, const char *value)
{
  static const char hex[] = "0123456789ABCDEF";

  tag(t, "i=", NULL, strlen(value));
  for (; *value != '\0'; value++) {
    uint8_t c = (uint8_t)*value;
    if (c > 32 && c < 127 && c != ';' && c != '=') {
      tern__text_put(t, value, 1);
      continue;
    }
    tern__text_add(t, "=");
    tern__text_put(t, hex + (c >> 4), 1);
    tern__text_put(t, hex + (c & 15), 1);
  }
  tern__text_add(t, ";");
}

/* h=: the fields in the order in which they were hashed. */
static void fields(tern__text *t, const tern_dkim *d)
{
  size_t i;

  tag(t, "h=", NULL, 0);
  for (i = 0; i < d->order_count; i++) {
    const tern__signed_name *n = &d->signed_names[d->order[i]];
    if (i != 0) tern__text_add(t, ":");
    if (i != 0 && t->column + n->len + 1u > WIDTH) {
      tern__text_line(t);
      tern__text_add(t, " ");
    }
    tern__text_put(t, tern__dkim_names(d) + n->at, n->len);
  }
  tern__text_add(t, ";");
}

void tern__dkim_write(tern__text *t, const tern_dkim *d, const tern__signature *s)
{
  static const char *const canons[] = {"relaxed/relaxed", "relaxed/simple", "simple/relaxed",
                                       "simple/simple"};
  char hash[44];

  tag_text(t, "v=", "1");
  tag_text(t, "a=", s->algorithm == TERN_DKIM_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256");
  tag_text(t, "c=", canons[s->header * 2 + s->body]);
  tag_text(t, "d=", s->domain);
  tag_text(t, "s=", s->selector);
  if (s->identity != NULL) identity(t, s->identity);
  if (d->time != 0) tag_number(t, "t=", d->time);
  if (d->time != 0 && d->lifetime != 0) tag_number(t, "x=", d->time + d->lifetime);
  fields(t, d);
  (void)tern__base64_encode(hash, d->body_digest[s->body], 32);
  tag(t, "bh=", hash, sizeof hash);
  tern__text_line(t);
  tern__text_add(t, " b=");
}

void tern__dkim_write_signature(tern__text *t, const uint8_t *signature, size_t len)
{
  char piece[72];
  size_t n;

  while (len != 0) {
    n = len < 54 ? len : 54;
    if (t->column > 3) {
      tern__text_line(t);
      tern__text_add(t, " ");
    }
    tern__text_put(t, piece, tern__base64_encode(piece, signature, n));
    signature += n;
    len -= n;
  }
  tern__text_line(t);
}
