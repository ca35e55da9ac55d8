/* pieces.c - what the mechanisms share: responses made of borrowed pieces, checks of credentials.
 *
 * Every mechanism of this room is built on it; it uses base64 of lib/base. Any part of a response
 * can be read in any order, since nothing is kept between two reads; the price is that escaped
 * pieces are walked from their beginning each time (hence TERN__IDENTITY_MAX). */
#include "sasl/pieces.h"

#include <string.h>

#include "base/base64.h"
#include "base/config.h"

/* The part of a response that is wanted, and where in the response the next octet belongs. */
typedef struct window {
  uint8_t *out; /* NULL: only counted */
  size_t offset, len, at;
  tern__hash *hash; /* or NULL: takes everything, too */
} window;

static void emit(window *w, const void *octets, size_t len)
{
  size_t skip = w->at < w->offset ? w->offset - w->at : 0;
  size_t gone = w->at > w->offset ? w->at - w->offset : 0;

  w->at += len;
#if TERN__WITH_SCRAM
  if (w->hash != NULL) tern__hash_add(w->hash, octets, len);
#endif
  if (w->out == NULL || skip >= len || gone >= w->len) return;
  len -= skip;
  if (len > w->len - gone) len = w->len - gone;
  memcpy(w->out + gone, (const uint8_t *)octets + skip, len);
}

static void emit_piece(window *w, const tern__piece *piece)
{
  const char *p = piece->octets;
  size_t i;

  if (!(TERN__WITH_SCRAM || TERN__WITH_TOKEN) || piece->form != TERN__SASLNAME) {
    emit(w, p, piece->len);
    return;
  }
  for (i = 0; i < piece->len; i++) {
    if (p[i] == ',')
      emit(w, "=2C", 3);
    else if (p[i] == '=')
      emit(w, "=3D", 3);
    else
      emit(w, p + i, 1);
  }
}

static void emit_flat(window *w, const tern__piece *list, size_t count)
{
  while (count--) emit_piece(w, list++);
}

/* The first `count` pieces in base64. They are never base64 themselves, so this does not recur. */
static void emit_base64(window *w, const tern__piece *list, size_t count)
{
  uint8_t raw[24];
  char text[32];
  window inner = {NULL, 0, sizeof raw, 0, NULL};
  size_t total;

  emit_flat(&inner, list, count);
  total = inner.at;
  inner.out = raw;
  for (; inner.offset < total; inner.offset += sizeof raw) {
    size_t left = total - inner.offset;

    inner.at = 0;
    emit_flat(&inner, list, count);
    emit(w, text, tern__base64_encode(text, raw, left < sizeof raw ? left : sizeof raw));
  }
}

static void walk(window *w, const tern__pieces *pieces)
{
  uint32_t i;

  for (i = pieces->first; i < pieces->count; i++) {
    if (TERN__WITH_SCRAM && pieces->list[i].form == TERN__BASE64)
      emit_base64(w, pieces->list, pieces->list[i].len);
    else if (pieces->list[i].form != TERN__HIDDEN)
      emit_piece(w, &pieces->list[i]);
  }
}

void tern__pieces_add(tern__pieces *pieces, const void *octets, size_t len, uint32_t form)
{
  tern__piece *piece = &pieces->list[pieces->count++];

  if (len == TERN_NUL) len = octets != NULL ? strlen(octets) : 0;
  piece->octets = octets;
  piece->len = len;
  piece->form = form;
}

size_t tern__pieces_length(const tern__pieces *pieces)
{
  window w = {NULL, 0, 0, 0, NULL};

  walk(&w, pieces);
  return w.at;
}

#if TERN__WITH_SCRAM
void tern__pieces_hash(const tern__pieces *pieces, tern__hash *hash)
{
  window w = {NULL, 0, 0, 0, NULL};

  w.hash = hash;
  walk(&w, pieces);
}
#endif

void tern__pieces_copy(const tern__pieces *pieces, size_t offset, uint8_t *out, size_t len)
{
  window w = {NULL, 0, 0, 0, NULL};

  w.out = out;
  w.offset = offset;
  w.len = len;
  walk(&w, pieces);
}

tern_status tern__sasl_begin(tern__sasl *sasl, const tern_credentials *credentials,
                             void (*fill)(const tern__sasl *sasl, tern__pieces *pieces),
                             uint32_t uses, uint32_t *field)
{
  const char *value[4];
  uint32_t i;
  size_t n;

  value[0] = credentials->user;
  value[1] = credentials->password;
  value[2] = credentials->token;
  value[3] = credentials->authzid;
  sasl->credentials = credentials;
  sasl->fill = fill;
  for (i = 0; i < 4; i++) {
    uint32_t bit = 1u << i;
    int used = (uses & bit) != 0, given = value[i] != NULL && value[i][0] != '\0';

    *field = TERN_FIELD_USER + i;
    if (bit == TERN__AUTHZID ? given && !used : used && !given) return TERN_E_CREDENTIALS;
    if (!used || !given) continue;
    for (n = 0; value[i][n] != '\0'; n++) {
      uint8_t c = (uint8_t)value[i][n];

      if (c > 127 && !credentials->prepared) return TERN_E_CREDENTIALS;
      if ((c < 32 || c == 127) && (uses & TERN__NO_CONTROL)) return TERN_E_CREDENTIALS;
      if (n == TERN__IDENTITY_MAX && (bit & (TERN__USER | TERN__AUTHZID)))
        return TERN_E_CREDENTIALS;
    }
  }
  *field = TERN_FIELD_NONE;
  return TERN_OK;
}

tern_status tern__sasl_answer(const tern__sasl *sasl, size_t *response)
{
  tern__pieces pieces;

  pieces.first = pieces.count = 0;
  sasl->fill(sasl, &pieces);
  *response = tern__pieces_length(&pieces);
  return TERN_OK;
}

tern_status tern__sasl_once(void *state, const uint8_t *challenge, size_t len, size_t *response)
{
  tern__sasl *sasl = state;

  (void)challenge;
  if (len > 0 || sasl->step++ > 0) return TERN_E_AUTH_CHALLENGE;
  return tern__sasl_answer(sasl, response);
}

void tern__sasl_response(void *state, size_t offset, uint8_t *out, size_t len)
{
  const tern__sasl *sasl = state;
  tern__pieces pieces;

  pieces.first = pieces.count = 0;
  sasl->fill(sasl, &pieces);
  tern__pieces_copy(&pieces, offset, out, len);
}

tern_status tern__sasl_success(void *state)
{
  (void)state;
  return TERN_OK;
}
