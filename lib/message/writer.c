/* writer.c - the message as a stream: walks header and tree, keeping nothing but where it is.
 *
 * Headers and delimiters come in units, each a pure function of the position: one that does not fit
 * into the buffer is made again with what went out skipped. A body runs through its encoder piece by
 * piece. Counting is the same walk with a window of no octets, and arithmetic in place of bodies: so
 * what is counted is what is written. No recursion: a tree of any depth costs no stack.
 * Neighbours: part.c, address.c, header.c make the units; message.c makes a tern_source of it. */
#include <string.h>

#include "message/header.h"
#include "message/message.h"

enum {
  FIELDS,  /* of the message's header, one unit each, or one an address */
  VERSION, /* MIME-Version */
  PART,    /* the header of w->part */
  BLANK,   /* the empty line behind it */
  OPEN,    /* the first delimiter of a multipart */
  BODY,
  TAIL,    /* what the encoder still owes */
  AFTER,   /* the delimiter that follows a part, or the end of the message */
  DONE
};

/* ---- the header's fields -------------------------------------------------------------------------*/
static const tern__field *field_of(const tern__field *f, uint32_t rank)
{
  while (f != NULL && (f->rank != rank || f->gone)) f = f->next;
  return f;
}

/* The unit at a field: itself, or the first of its addresses. */
static void enter(tern__writer *w, const tern_message *msg, const tern__field *f)
{
  w->field = f;
  w->before = NULL;
  w->address = f->kind == TERN__KIND_ADDRESS ? tern__address_next(msg, w->rank, f, NULL) : NULL;
}

/* Goes to the unit after the one at hand, or to the first. 0: there is none. */
static int next_field(tern__writer *w, const tern_message *msg)
{
  const tern__address *a;
  const tern__field *f = w->field;

  if (w->address != NULL) {
    a = tern__address_next(msg, w->rank, f, w->address);
    if (a != NULL) {
      w->before = w->address;
      w->address = a;
      return 1;
    }
    if (f == NULL) w->rank++; /* addresses without a field are all that this rank has */
  }
  w->address = w->before = NULL;
  f = f != NULL ? field_of(f->next, w->rank) : NULL;
  if (f == NULL && w->field != NULL) w->rank++;
  w->field = NULL;
  for (; f == NULL && w->rank < TERN__RANK_MIME; w->rank++) {
    f = field_of(msg->fields, w->rank);
    if (f != NULL) break;
    w->address = tern__address_next(msg, w->rank, NULL, NULL);
    if (w->address != NULL) return 1;
  }
  if (f == NULL) return 0;
  enter(w, msg, f);
  return 1;
}

static void put_field(const tern__writer *w, const tern_message *msg, tern__sink *s)
{
  static const char *const names[] = {"", "From", "Sender", "Reply-To", "To", "Cc"};
  const tern__field *f = w->field;
  uint32_t how = msg->utf8 ? TERN__HEADER_UTF8 : 0;

  if (w->before == NULL) {
    tern__sink_text(s, f != NULL ? f->name : names[w->rank]);
    tern__sink_put(s, ":", 1);
  }
  if (w->address != NULL) {
    tern__address_put(s, w->before, w->address, how);
    if (tern__address_next(msg, w->rank, f, w->address) != NULL) return;
  } else if (f->kind == TERN__KIND_TOKENS) {
    tern__header_tokens(s, f->value);
  } else {
    tern__header_text(s, f->value, how | (f->literal ? TERN__HEADER_LITERAL : 0));
  }
  tern__sink_line(s);
}

/* ---- units ---------------------------------------------------------------------------------------*/
/* Writes the unit at hand. Phases without octets of their own write none. */
static void unit(const tern__writer *w, const tern_message *msg, tern__sink *s)
{
  const tern_part *up = w->part != NULL ? w->part->parent : NULL;

  switch (w->phase) {
  case FIELDS: put_field(w, msg, s); break;
  case VERSION: tern__sink_text(s, "MIME-Version: 1.0\r\n"); break;
  case PART: (void)tern__part_header_unit(w->part, w->unit, s); break;
  case BLANK: tern__sink_line(s); break;
  case OPEN:
    tern__part_delimiter(w->part, s, 0);
    tern__sink_line(s);
    break;
  case AFTER:
    if (up != NULL) {
      tern__sink_line(s);
      tern__part_delimiter(up, s, w->part->next == NULL);
      if (w->part->next != NULL) tern__sink_line(s);
    } else if (w->column != 0) {
      tern__sink_line(s);
    }
    break;
  default: break;
  }
}

static void begin_part(tern__writer *w, tern_part *part)
{
  w->part = part;
  w->phase = PART;
  w->unit = 0;
}

static int more_header(const tern__writer *w)
{
  tern__sink nothing = {NULL, 0, 0, 0, 0, 0, 0};

  return tern__part_header_unit(w->part, w->unit, &nothing);
}

/* Goes on from a unit that was written whole. */
static void advance(tern__writer *w, const tern_message *msg)
{
  tern_part *p = w->part;

  switch (w->phase) {
  case FIELDS:
    if (!next_field(w, msg)) w->phase = VERSION;
    break;
  case VERSION: begin_part(w, msg->root); break;
  case PART:
    w->unit++;
    if (!more_header(w)) w->phase = BLANK;
    break;
  case BLANK:
    w->phase = p->multipart ? OPEN : BODY;
    w->at = NULL;
    w->left = 0;
    w->taken = 0;
    w->piece_last = 2; /* not begun */
    break;
  case OPEN: begin_part(w, p->first); break;
  case AFTER:
    if (p->parent == NULL) {
      w->phase = DONE;
    } else if (p->next != NULL) {
      begin_part(w, p->next);
    } else {
      w->part = p->parent; /* the multipart has ended: what follows that? */
    }
    break;
  default: break;
  }
}

void tern__writer_begin(tern__writer *w, tern_message *msg)
{
  memset(w, 0, sizeof *w);
  w->phase = FIELDS;
  if (!next_field(w, msg)) w->phase = VERSION;
}

uint64_t tern__writer_length(tern_message *msg)
{
  tern__writer w;
  uint64_t length = 0, body;
  int open;

  tern__writer_begin(&w, msg);
  while (w.phase != DONE) {
    if (w.phase == BODY) {
      body = tern__part_length(w.part, &open);
      if (body == TERN_LENGTH_UNKNOWN) return body;
      length += body;
      w.column = (uint32_t)open;
      w.phase = AFTER;
    } else {
      tern__sink s = {NULL, 0, 0, 0, 0, w.column, w.words};

      unit(&w, msg, &s);
      length += s.total;
      w.column = s.column;
      w.words = s.words;
      advance(&w, msg);
    }
  }
  return length;
}

/* ---- bodies --------------------------------------------------------------------------------------*/
static tern_status begin_body(tern__writer *w)
{
  tern_part *p = w->part;
  tern_status st;
  int identity = p->encoding == TERN_ENCODING_7BIT || p->encoding == TERN_ENCODING_8BIT;

  w->piece_last = 0;
  tern__encoder_begin(&w->encoder, p->encoding, p->text || identity);
  if (p->source == NULL) {
    w->at = p->octets;
    w->left = (size_t)p->size;
    w->taken = p->size;
    w->piece_last = 1;
  } else if (p->source_read) {
    if (p->source->size < offsetof(tern_source, prepare) || p->source->rewind == NULL)
      return TERN_E_REWIND;
    st = p->source->rewind(p->user);
    if (st != TERN_OK) return st;
    p->source_read = 0;
  }
  return TERN_OK;
}

/* The next piece of the body; TERN_SOURCE_END: there is none. */
static tern_status fetch(tern__writer *w)
{
  tern_part *p = w->part;
  tern_status st;

  if (w->piece_last == 1) return TERN_SOURCE_END;
  p->source_read = 1;
  st = p->source->read(p->user, &w->at, &w->left);
  if (st != TERN_OK && st != TERN_SOURCE_END) {
    w->left = 0;
    return st;
  }
  if (st == TERN_OK && w->left == 0) return TERN_E_SOURCE; /* else this never ended */
  w->piece_last = st == TERN_SOURCE_END;
  w->taken += w->left;
  /* another number of octets than was promised would break BDAT */
  if (p->size != TERN_LENGTH_UNKNOWN &&
      (w->taken > p->size || (w->piece_last && w->taken < p->size)))
    return TERN_E_SOURCE;
  return TERN_OK;
}

/* Writes as much of the body as there is room for. */
static tern_status put_body(tern__writer *w, tern_message *msg, size_t *n)
{
  tern_status st = w->piece_last == 2 ? begin_body(w) : TERN_OK;
  size_t done;

  while (st == TERN_OK && msg->buffer_size - *n >= TERN__ENCODE_ROOM) {
    if (w->left == 0) {
      st = fetch(w);
      if (st == TERN_SOURCE_END) {
        w->phase = TAIL;
        return TERN_OK;
      }
      if (st != TERN_OK) break;
    }
    done = tern__encode(&w->encoder, &w->at, &w->left, msg->buffer + *n, msg->buffer_size - *n);
    *n += done;
    if (done > 0) w->column = msg->buffer[*n - 1] != '\n';
  }
  return st;
}

static void put_tail(tern__writer *w, tern_message *msg, size_t *n)
{
  size_t done = tern__encode_end(&w->encoder, msg->buffer + *n);

  *n += done;
  if (done > 0) w->column = 1;
  w->phase = AFTER;
}

/* Writes as much of the unit at hand as there is room for. 1: all of it. */
static int put_unit(tern__writer *w, tern_message *msg, size_t *n)
{
  tern__sink s = {msg->buffer + *n, msg->buffer_size - *n, 0, w->skip, 0, w->column, w->words};

  unit(w, msg, &s);
  *n += s.len;
  w->skip += s.len;
  if (w->skip < s.total) return 0;
  w->skip = 0;
  w->column = s.column;
  w->words = s.words;
  advance(w, msg);
  return 1;
}

tern_status tern__writer_read(tern__writer *w, tern_message *msg, const uint8_t **octets,
                              size_t *len)
{
  tern_status st = TERN_OK;
  size_t n = 0;

  *octets = msg->buffer;
  *len = 0;
  while (st == TERN_OK && w->phase != DONE) {
    if (w->phase == BODY) {
      st = put_body(w, msg, &n);
      if (w->phase == BODY) break; /* the buffer is full, or the source has failed */
    } else if (w->phase == TAIL) {
      if (msg->buffer_size - n < TERN__ENCODE_ROOM) break;
      put_tail(w, msg, &n);
    } else if (!put_unit(w, msg, &n)) {
      break;
    }
  }
  if (st == TERN_E_AGAIN && n > 0) st = TERN_OK; /* it will say so again */
  if (st != TERN_OK) return st;
  *len = n;
  return w->phase == DONE ? TERN_SOURCE_END : TERN_OK;
}
