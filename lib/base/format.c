/* format.c - tern_error_format: an error as one line for a log, without printf.
 * "NAME (cause): phase: field index: octet 0x0d at 4: 550 5.7.1: text", each part only where it is.
 * Neighbour: error.c. The server's line ends become spaces: one error is one line. */
#include "base/ascii.h"
#include "base/error.h"

/* Counts everything, keeps what fits. */
typedef struct line {
  char *out;
  size_t cap;
  size_t len;
} line;

static void put(line *l, const char *text)
{
  for (; *text != '\0'; text++, l->len++)
    if (l->len < l->cap)
      l->out[l->len] = *text == '\n' || *text == '\r' ? ' ' : *text;
}

static void put_number(line *l, uint64_t value)
{
  char digits[21];

  digits[tern__decimal(value, digits)] = '\0';
  put(l, digits);
}

static void put_octet(line *l, const tern_error *error)
{
  static const char hex[] = "0123456789abcdef";
  char octet[] = ": octet 0x00 at ";

  if (error->octet == 0) {
    put(l, ": NUL or end at ");
  } else {
    octet[10] = hex[error->octet >> 4];
    octet[11] = hex[error->octet & 15];
    put(l, octet);
  }
  put_number(l, error->position);
}

static void put_field(line *l, const tern_error *error)
{
  put(l, ": ");
  put(l, tern_field_name(error->field));
  if (error->field == TERN_FIELD_FORWARD_PATH || error->field == TERN_FIELD_ORCPT ||
      error->field == TERN_FIELD_RCPT_PARAMETER) {
    put(l, " ");
    put_number(l, error->index);
  }
}

size_t tern_error_format(const tern_error *error, char *out, size_t cap)
{
  line l = {NULL, 0, 0};

  if (out != NULL && cap > 0) {
    l.out = out;
    l.cap = cap - 1;
  }
  if (error != NULL) {
    put(&l, tern_status_name(error->status));
    if (tern_error_cause(error) != error->status) {
      put(&l, " (");
      put(&l, tern_status_name(error->cause));
      put(&l, ")");
    }
    if (error->phase != TERN_PHASE_NONE) {
      put(&l, ": ");
      put(&l, tern_phase_name(error->phase));
    }
    if (error->field != TERN_FIELD_NONE)
      put_field(&l, error);
    if (error->position != UINT16_MAX)
      put_octet(&l, error);
    if (error->reply.code != 0) {
      put(&l, ": ");
      put_number(&l, error->reply.code);
      put(&l, error->reply.enhanced[0] != '\0' ? " " : "");
      put(&l, error->reply.enhanced);
    }
    if (tern_error_text(error)[0] != '\0') {
      put(&l, ": ");
      put(&l, tern_error_text(error));
    }
  }
  if (l.out != NULL)
    l.out[l.len < l.cap ? l.len : l.cap] = '\0';
  return l.len;
}
