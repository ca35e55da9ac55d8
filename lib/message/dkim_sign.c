/* dkim_sign.c - the passes of a DKIM signer over a message.
 *
 * The first pass hashes the body, counts octets and counts the fields to be signed; then the header is
 * read again and hashed, the last field of each name in the first run, the last but one in the
 * second: RFC 6376 5.4.2 takes them from below, and so none has to be kept. h= names them in that
 * order. The last pass lends the message's octets behind the new fields. Neighbours: inlet.c repairs
 * line ends before, dkim_canon.c canonicalizes, dkim_field.c writes. */
#include <string.h>
#include <tern/session.h>

#include "base/mem.h"
#include "message/dkim_state.h"

enum { UNSIGNED, SIGNED, FIELDS_SENT };

void tern__dkim_forget(tern_dkim *d)
{
  if (d->out != NULL) tern__free(d->mem, d->out, d->out_len + 1);
  d->out = NULL;
  d->state = UNSIGNED;
  memset(&d->error, 0, sizeof d->error);
}

/* Whether a signature wants the body in that form. */
static int wants(const tern_dkim *d, uint32_t canonicalization)
{
  uint8_t i = 0;

  while (i < d->signature_count && d->signatures[i].body != canonicalization) i++;
  return i < d->signature_count;
}

static void begin_canons(tern__canon canons[2])
{
  tern__canon_begin(&canons[TERN_DKIM_RELAXED], 0);
  tern__canon_begin(&canons[TERN_DKIM_SIMPLE], 1);
}

static tern_status refuse(tern_dkim *d, const char *problem)
{
  return tern__dkim_fail(d, TERN_E_CONTENT, TERN_FIELD_HEADER, problem);
}

/* The next piece of the message; its failure is kept. */
static tern_status next(tern_dkim *d, tern_span *piece)
{
  tern_status cause = TERN_OK, st = tern__inlet_next(&d->in, piece, &cause);

  if (st == TERN_OK || st == TERN_SOURCE_END) return st;
  if (st == TERN_E_SOURCE) st = cause;
  return tern__dkim_fail(d, st, TERN_FIELD_CONTENT, NULL);
}

static tern_status rewind_in(tern_dkim *d)
{
  tern_status st = tern__inlet_rewind(&d->in);

  tern__fields_begin(&d->fields);
  return st == TERN_OK ? st : tern__dkim_fail(d, st, TERN_FIELD_CONTENT, NULL);
}

/* ---- the first pass: body, length, which fields there are ------------------------------------------------*/
static tern_status survey_header(tern_dkim *d, const tern_span *piece, size_t *at)
{
  uint32_t did, name;

  for (; *at < piece->len && !tern__fields_over(&d->fields); ++*at) {
    did = tern__fields_put(&d->fields, piece->octets[*at]);
    if (piece->octets[*at] > 127) d->info.flags |= TERN_CONTENT_8BIT | TERN_CONTENT_UTF8_HEADER;
    if (did & TERN__FIELD_BAD) return refuse(d, "a line of the header is no field");
    if (!(did & TERN__FIELD_NAMED)) continue;
    name = tern__dkim_lookup(d, d->fields.name, d->fields.name_len);
    if (name == TERN__DKIM_NAMES) continue;
    if (++d->signed_names[name].count > TERN__DKIM_ORDER) return refuse(d, "too many fields to sign");
  }
  return TERN_OK;
}

static uint32_t any_high(const uint8_t *octets, size_t len)
{
  uint8_t any = 0;
  size_t i;

  for (i = 0; i < len; i++) any |= octets[i];
  return any > 127 ? TERN_CONTENT_8BIT : 0;
}

static tern_status survey(tern_dkim *d)
{
  tern_span piece;
  tern_status st;
  size_t at;
  uint32_t c;

  begin_canons(d->body);
  for (c = 0; c < d->name_count; c++) d->signed_names[c].count = 0;
  d->info.length = 0;
  d->info.flags = 0;
  while ((st = next(d, &piece)) == TERN_OK) {
    at = 0;
    d->info.length += piece.len;
    st = survey_header(d, &piece, &at);
    if (st != TERN_OK) return st;
    if (at == piece.len) continue;
    d->info.flags |= any_high(piece.octets + at, piece.len - at);
    for (c = 0; c < 2; c++)
      if (wants(d, c)) tern__canon_body(&d->body[c], piece.octets + at, piece.len - at);
  }
  if (st != TERN_SOURCE_END) return st;
  for (c = 0; c < 2; c++) {
    tern__canon_body_end(&d->body[c]);
    tern__canon_digest(&d->body[c], d->body_digest[c]);
  }
  return TERN_OK;
}

/* ---- the header, once for each time that a name is there ---------------------------------------------------*/
static void each_canon(tern_dkim *d, const uint8_t *octet, int end)
{
  uint32_t c;

  for (c = 0; c < 2; c++) {
    if (octet != NULL) tern__canon_value(&d->header[c], octet, 1);
    if (end) tern__canon_field_end(&d->header[c]);
  }
}

/* A field of a signed name begins. 1: it is hashed in this run. */
static int begin_field(tern_dkim *d, uint32_t run)
{
  uint32_t name = tern__dkim_lookup(d, d->fields.name, d->fields.name_len), c;
  tern__signed_name *n;

  if (name == TERN__DKIM_NAMES) return 0;
  n = &d->signed_names[name];
  if (n->count < ++n->seen || n->count - n->seen + 1u != run) return 0;
  if (d->order_count < TERN__DKIM_ORDER) d->order[d->order_count++] = (uint8_t)name;
  for (c = 0; c < 2; c++)
    tern__canon_name(&d->header[c], d->fields.name, d->fields.name_len, d->fields.raw_len);
  return 1;
}

static tern_status hash_run(tern_dkim *d, uint32_t run)
{
  tern_span piece;
  tern_status st = rewind_in(d);
  int hashing = 0;
  size_t i;
  uint32_t did, k;

  for (k = 0; k < d->name_count; k++) d->signed_names[k].seen = 0;
  while (st == TERN_OK && !tern__fields_over(&d->fields)) {
    st = next(d, &piece);
    for (i = 0; st == TERN_OK && i < piece.len && !tern__fields_over(&d->fields); i++) {
      did = tern__fields_put(&d->fields, piece.octets[i]);
      if (did & TERN__FIELD_ENDED) {
        if (hashing) each_canon(d, NULL, 1);
        hashing = 0;
      }
      if (did & TERN__FIELD_NAMED) hashing = begin_field(d, run);
      if (hashing && (did & TERN__FIELD_BODY)) each_canon(d, &piece.octets[i], 0);
    }
  }
  if (hashing) each_canon(d, NULL, 1); /* a message without a body */
  return st == TERN_SOURCE_END ? TERN_OK : st;
}

static uint32_t is_over(const tern__signed_name *n)
{
  return n->how == TERN__SIGN_OVER || (n->how == TERN__SIGN_OVER_THERE && n->count != 0);
}

static tern_status hash_header(tern_dkim *d)
{
  uint32_t i, run, runs = 0, total = 0;
  tern_status st = TERN_OK;

  for (i = 0; i < d->name_count; i++) {
    const tern__signed_name *n = &d->signed_names[i];
    if (n->count > runs) runs = n->count;
    total += n->count + is_over(n);
  }
  i = tern__dkim_lookup(d, "from", 4);
  if (d->signed_names[i].count != 1)
    return refuse(d, d->signed_names[i].count == 0 ? "no From field" : "several From fields");
  if (total > TERN__DKIM_ORDER) return refuse(d, "too many fields to sign");
  begin_canons(d->header);
  d->order_count = 0;
  for (run = 1; st == TERN_OK && run <= runs; run++) st = hash_run(d, run);
  for (i = 0; i < d->name_count; i++) /* one more than there are: RFC 6376 8.15 */
    if (is_over(&d->signed_names[i])) d->order[d->order_count++] = (uint8_t)i;
  return st;
}

/* ---- signatures ----------------------------------------------------------------------------------------------*/
/* The field of a signature, signed, to t (which may count only). */
static tern_status sign_one(tern_dkim *d, const tern__signature *s, tern__text *t,
                            uint8_t *signature, size_t *len)
{
  tern__canon canon = d->header[s->header];
  uint8_t digest[32];
  size_t from = t->len;
  tern_status st;

  tern__dkim_write(t, d, s);
  if (t->out == NULL) return TERN_OK;
  tern__canon_name(&canon, TERN__DKIM_FIELD, sizeof TERN__DKIM_FIELD - 1, sizeof TERN__DKIM_FIELD - 1);
  tern__canon_value(&canon, (const uint8_t *)t->out + from, t->len - from);
  tern__canon_digest(&canon, digest);
  *len = 0;
  st = s->sign(s->sign_user, digest, signature, TERN__DKIM_SIGNATURE_MAX, len);
  if (st == TERN_OK && (*len == 0 || *len > TERN__DKIM_SIGNATURE_MAX)) st = TERN_E_ARGUMENT;
  return st;
}

/* All fields; with t->out NULL their length at most. */
static tern_status write_fields(tern_dkim *d, tern__text *t)
{
  uint8_t signature[TERN__DKIM_SIGNATURE_MAX];
  size_t len = sizeof signature;
  tern_status st = TERN_OK;
  uint8_t i;

  if (t->out == NULL) memset(signature, 0, sizeof signature);
  for (i = 0; st == TERN_OK && i < d->signature_count; i++) {
    tern__text_add(t, TERN__DKIM_FIELD ":");
    st = sign_one(d, &d->signatures[i], t, signature, &len);
    if (st == TERN_OK) tern__dkim_write_signature(t, signature, len);
  }
  if (st == TERN_OK) return st;
  return tern__dkim_fail(d, st, TERN_FIELD_DKIM_SIGNATURE, "the signer failed");
}

static tern_status make_fields(tern_dkim *d)
{
  tern__text t = {NULL, 0, 0};
  char *room, *out;
  size_t most;
  tern_status st = write_fields(d, &t);

  most = t.len;
  if (st != TERN_OK) return st;
  room = tern__alloc(d->mem, most);
  if (room == NULL) return tern__dkim_fail(d, TERN_E_NOMEM, TERN_FIELD_NONE, NULL);
  t.out = room;
  t.len = t.column = 0;
  st = write_fields(d, &t);
  out = st == TERN_OK ? tern__alloc(d->mem, t.len + 1) : NULL;
  if (st == TERN_OK && out == NULL) st = tern__dkim_fail(d, TERN_E_NOMEM, TERN_FIELD_NONE, NULL);
  if (st == TERN_OK) {
    memcpy(out, room, t.len);
    out[t.len] = '\0';
    d->out = out;
    d->out_len = t.len;
  }
  tern__free(d->mem, room, most);
  return st;
}

static tern_status sign(tern_dkim *d, uint32_t capabilities)
{
  tern_content_info info;
  tern_status st;
  uint8_t i;

  if (d->state != UNSIGNED && d->capabilities == capabilities) return TERN_OK;
  tern__dkim_forget(d);
  if (d->signature_count == 0)
    return tern__dkim_fail(d, TERN_E_STATE, TERN_FIELD_DKIM_SIGNATURE, "no signature was added");
  for (i = 0; i < d->signature_count; i++)
    if (d->signatures[i].sign == NULL)
      return tern__dkim_fail(d, TERN_E_STATE, TERN_FIELD_KEY, "a signature without a key");
  if (!tern__inlet_is_set(&d->in))
    return tern__dkim_fail(d, TERN_E_STATE, TERN_FIELD_CONTENT, "no message");
  st = tern__inlet_prepare(&d->in, capabilities, &info);
  if (st != TERN_OK) return tern__dkim_fail(d, st, TERN_FIELD_CONTENT, NULL);
  st = rewind_in(d);
  if (st == TERN_OK) st = survey(d);
  if (st == TERN_OK) st = hash_header(d);
  if (st == TERN_OK) st = make_fields(d);
  if (st != TERN_OK) return st;
  d->info.flags |= info.flags & TERN_CONTENT_8BIT;
  d->capabilities = capabilities;
  d->state = SIGNED;
  return TERN_OK;
}

/* ---- the source ----------------------------------------------------------------------------------------------*/
static tern_status source_rewind(void *user)
{
  tern_dkim *d = user;

  if (d->state != UNSIGNED) d->state = SIGNED;
  return rewind_in(d);
}

static tern_status source_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  tern_dkim *d = user;
  tern_status st = sign(d, capabilities);

  if (st != TERN_OK) return st;
  info->length = d->info.length + d->out_len;
  info->flags = d->info.flags;
  return source_rewind(d);
}

static tern_status source_read(void *user, const uint8_t **octets, size_t *len)
{
  tern_dkim *d = user;
  tern_span piece;
  tern_status st = TERN_OK, cause = TERN_OK;

  *len = 0;
  if (d->state == UNSIGNED) st = sign(d, TERN_CAP_8BITMIME | TERN_CAP_SMTPUTF8);
  if (st != TERN_OK) return st;
  if (d->state == SIGNED) {
    st = rewind_in(d);
    if (st != TERN_OK) return st;
    d->state = FIELDS_SENT;
    *octets = (const uint8_t *)d->out;
    *len = d->out_len;
    return TERN_OK;
  }
  st = tern__inlet_next(&d->in, &piece, &cause);
  if (st != TERN_OK) return st == TERN_E_SOURCE ? cause : st;
  *octets = piece.octets;
  *len = piece.len;
  return TERN_OK;
}

static const tern_source table = {sizeof table, source_read, source_rewind, source_prepare};

const tern_source *tern_dkim_source(void)
{
  return &table;
}
