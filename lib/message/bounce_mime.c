/* bounce_mime.c - the parts of a message that may be a report (RFC 2045, 2046, 6522), line by line.
 *
 * Boundaries of the multiparts under way are kept, TERN__BOUNCE_DEPTH of them; a multipart deeper than
 * that is skipped. quoted-printable and base64 are taken off. A message inside is the one that the
 * report is about: its Message-ID is read, nothing of its parts, so that a report that came back itself
 * is not taken for this one. */
#include <string.h>

#include "base/ascii.h"
#include "message/bounce.h"

enum { HEADER, BODY, SKIPPED };
enum { TEXT, STATUS, ORIGINAL, MULTIPART, OTHER };
enum { PLAIN, QUOTED, BASE64 };

static int blank(char c)
{
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- fields ----------------------------------------------------------------------------------------*/
/* The field's value where it has this name (lower case), else NULL. */
static const char *value_of(const tern__bounce_mime *m, const char *name, size_t *len)
{
  size_t n = strlen(name), at = n;

  if (m->field_len <= n || !tern__same(m->field, n, name)) return NULL;
  while (at < m->field_len && (m->field[at] == ' ' || m->field[at] == '\t')) at++;
  if (at == m->field_len || m->field[at] != ':') return NULL;
  for (at++; at < m->field_len && blank(m->field[at]); at++) continue;
  *len = m->field_len - at;
  return m->field + at;
}

/* What stands in the first angle brackets. */
static void keep_id(tern_bounce *b, char **where, const char *value, size_t len)
{
  const char *open = memchr(value, '<', len), *close;

  if (open == NULL) return;
  open++;
  close = memchr(open, '>', len - (size_t)(open - value));
  if (close != NULL) tern__bounce_keep(b, where, open, (size_t)(close - open));
}

/* The parameter boundary of a type (RFC 2045 5.1); one that is too long is none. */
static void read_boundary(tern__bounce_mime *m, const char *value, size_t len)
{
  static const char name[] = "boundary";
  size_t i, n = sizeof name - 1;
  int quoted = 0;

  m->next.len = 0;
  for (i = 1; i + n < len; i++) { /* outside of quotes, behind a separator */
    if (value[i - 1] == '"') quoted = !quoted;
    if (quoted || (value[i - 1] != ';' && !blank(value[i - 1])) || !tern__same(value + i, n, name)) continue;
    for (i += n; i < len && blank(value[i]); i++) continue;
    if (i == len || value[i] != '=') continue;
    for (i++; i < len && blank(value[i]); i++) continue;
    break;
  }
  if (i + n >= len && i >= len) return;
  quoted = i < len && value[i] == '"';
  for (i += quoted != 0; i < len; i++) {
    if (quoted ? value[i] == '"' : value[i] == ';' || blank(value[i])) break;
    if (quoted && value[i] == '\\' && i + 1 < len) i++;
    if (m->next.len == TERN__BOUNCE_BOUNDARY) {
      m->next.len = 0;
      return;
    }
    m->next.octets[m->next.len++] = value[i];
  }
}

static void read_type(tern__bounce_mime *m, const char *value, size_t len)
{
  static const struct {
    const char *name;
    uint8_t type;
  } types[] = {
    {"text/plain", TEXT},
    {"message/delivery-status", STATUS},
    {"message/global-delivery-status", STATUS},
    {"message/rfc822", ORIGINAL},
    {"message/global", ORIGINAL},
    {"text/rfc822-headers", ORIGINAL},
    {"message/global-headers", ORIGINAL},
  };
  size_t n = 0, i;

  while (n < len && value[n] != ';' && value[n] != '(' && !blank(value[n])) n++;
  m->type = OTHER;
  if (n > 10 && tern__same(value, 10, "multipart/")) {
    m->type = MULTIPART;
    read_boundary(m, value, len);
    return;
  }
  for (i = 0; i < sizeof types / sizeof types[0]; i++)
    if (tern__same(value, n, types[i].name)) m->type = types[i].type;
}

static void end_field(tern_bounce *b)
{
  tern__bounce_mime *m = &b->mime;
  const char *value;
  size_t len;

  if (m->field_len == 0) return;
  if ((value = value_of(m, "content-type", &len)) != NULL) {
    read_type(m, value, len);
  } else if ((value = value_of(m, "content-transfer-encoding", &len)) != NULL) {
    m->coding = len >= 16 && tern__same(value, 16, "quoted-printable") ? QUOTED
                : len >= 6 && tern__same(value, 6, "base64")           ? BASE64
                                                                       : PLAIN;
  } else if (!m->in_part) {
    if ((value = value_of(m, "x-failed-recipients", &len)) != NULL)
      tern__bounce_keep(b, &b->failed, value, len);
    if ((value = value_of(m, "in-reply-to", &len)) != NULL ||
        (b->answers == NULL && (value = value_of(m, "references", &len)) != NULL))
      keep_id(b, &b->answers, value, len);
  }
  m->field_len = 0;
}

/* A line of a header that is put together in m->field; end is called for each whole field. */
static void field_line(tern_bounce *b, const char *line, size_t len, void (*end)(tern_bounce *b))
{
  tern__bounce_mime *m = &b->mime;
  size_t room;

  if (len > 0 && (line[0] == ' ' || line[0] == '\t')) {
    if (m->field_len == 0) return;
    if (m->field_len < TERN__BOUNCE_FIELD) m->field[m->field_len++] = '\n';
  } else {
    end(b);
    m->field_len = 0;
  }
  room = TERN__BOUNCE_FIELD - m->field_len;
  if (len > room) len = room;
  memcpy(m->field + m->field_len, line, len);
  m->field_len += len;
}

/* ---- the parts' lines ------------------------------------------------------------------------------*/
static void end_original_field(tern_bounce *b)
{
  size_t len;
  const char *value = value_of(&b->mime, "message-id", &len);

  if (value != NULL && b->message_id == NULL) keep_id(b, &b->message_id, value, len);
}

int tern__bounce_original_line(tern_bounce *b, const char *line, size_t len)
{
  field_line(b, line, len, end_original_field);
  return len != 0;
}

static void end_status_field(tern_bounce *b)
{
  if (b->mime.field_len != 0) tern__bounce_status_field(b, b->mime.field, b->mime.field_len);
}

static void leaf_line(tern_bounce *b, const char *line, size_t len)
{
  tern__bounce_mime *m = &b->mime;

  switch (m->type) {
    case TEXT: tern__bounce_text_line(b, line, len); break;
    case STATUS:
      field_line(b, line, len, end_status_field);
      if (len == 0) tern__bounce_status_group(b);
      break;
    case ORIGINAL:
      if (!tern__bounce_original_line(b, line, len)) m->type = OTHER;
      break;
    default: break;
  }
}

static void end_decoded_line(tern_bounce *b)
{
  tern__bounce_line *line = &b->mime.line;

  if (line->len > 0 && line->octets[line->len - 1] == '\r') line->len--;
  line->octets[line->len] = '\0';
  leaf_line(b, line->octets, line->len);
  line->len = 0;
}

static void decoded(tern_bounce *b, uint8_t octet)
{
  tern__bounce_line *line = &b->mime.line;

  if (octet == '\n')
    end_decoded_line(b);
  else if (line->len < TERN__BOUNCE_LINE)
    line->octets[line->len++] = (char)octet;
}

static uint32_t hex(char c)
{
  uint8_t low = tern__lower((uint8_t)c);

  return tern__is_digit(low) ? low - (uint32_t)'0' : low >= 'a' && low <= 'f' ? low - 'a' + 10u : 16u;
}

static void unquote(tern_bounce *b, const char *line, size_t len)
{
  size_t i;

  while (len > 0 && blank(line[len - 1])) len--;
  for (i = 0; i < len; i++) {
    if (line[i] != '=') {
      decoded(b, (uint8_t)line[i]);
    } else if (i + 1 == len) {
      return; /* a soft line end */
    } else if (i + 2 < len && hex(line[i + 1]) < 16 && hex(line[i + 2]) < 16) {
      decoded(b, (uint8_t)(hex(line[i + 1]) << 4 | hex(line[i + 2])));
      i += 2;
    } else {
      decoded(b, '=');
    }
  }
  decoded(b, '\n');
}

static void from_base64(tern_bounce *b, const char *line, size_t len)
{
  tern__bounce_mime *m = &b->mime;
  size_t i;

  for (i = 0; i < len; i++) {
    uint8_t c = (uint8_t)line[i];
    uint32_t six = c >= 'A' && c <= 'Z'   ? c - (uint32_t)'A'
                   : c >= 'a' && c <= 'z' ? c - 'a' + 26u
                   : tern__is_digit(c)    ? c - '0' + 52u
                   : c == '+'             ? 62u
                   : c == '/'             ? 63u
                                          : 64u;
    if (six == 64) continue;
    m->bits = (m->bits << 6 | six) & 0xfffu;
    m->bit_count = (uint8_t)(m->bit_count + 6);
    if (m->bit_count < 8) continue;
    m->bit_count = (uint8_t)(m->bit_count - 8);
    decoded(b, (uint8_t)(m->bits >> m->bit_count));
  }
}

/* ---- structure -------------------------------------------------------------------------------------*/
static void begin_header(tern__bounce_mime *m)
{
  m->where = HEADER;
  m->field_len = 0;
  m->type = TEXT;
  m->coding = PLAIN;
  m->line.len = 0;
  m->bits = m->bit_count = 0;
}

static void end_header(tern_bounce *b)
{
  tern__bounce_mime *m = &b->mime;

  end_field(b);
  m->in_part = 1;
  m->where = BODY;
  if (m->type != MULTIPART) return;
  m->where = SKIPPED;
  if (m->next.len != 0 && m->depth < TERN__BOUNCE_DEPTH) m->boundary[m->depth++] = m->next;
}

static void end_part(tern_bounce *b)
{
  tern__bounce_mime *m = &b->mime;

  if (m->where != BODY) return;
  if (m->line.len > 0) end_decoded_line(b);
  if (m->type == TEXT) tern__bounce_text_end(b);
  if (m->type == ORIGINAL) end_original_field(b);
  if (m->type == STATUS) {
    end_status_field(b);
    tern__bounce_status_group(b);
  }
  m->field_len = 0;
}

/* Whether the line is a boundary of one of the multiparts under way; those inside it have ended. */
static int is_boundary(tern_bounce *b, const char *line, size_t len)
{
  tern__bounce_mime *m = &b->mime;
  const tern__bounce_boundary *of;
  uint32_t i;
  size_t at;

  if (len < 3 || line[0] != '-' || line[1] != '-') return 0;
  for (i = m->depth; i-- != 0;) {
    of = &m->boundary[i];
    if (len < 2u + of->len || memcmp(line + 2, of->octets, of->len) != 0) continue;
    at = 2u + of->len;
    if (len >= at + 2 && line[at] == '-' && line[at + 1] == '-') at += 2;
    for (; at < len && blank(line[at]); at++) continue;
    if (at != len) continue;
    end_part(b);
    m->depth = i + 1;
    begin_header(m);
    if (len >= 4u + of->len && line[2u + of->len] == '-') {
      m->depth = i;
      m->where = SKIPPED;
    }
    return 1;
  }
  return 0;
}

void tern__bounce_mime_line(tern_bounce *b, const char *line, size_t len)
{
  tern__bounce_mime *m = &b->mime;

  if (!m->in_part && m->where == HEADER && m->field_len == 0 && len > 5 && memcmp(line, "From ", 5) == 0)
    return; /* of a mailbox file */
  if (is_boundary(b, line, len)) return;
  if (m->where == HEADER) {
    if (len != 0)
      field_line(b, line, len, end_field);
    else
      end_header(b);
  } else if (m->where == BODY && m->type != OTHER) {
    if (m->coding == QUOTED)
      unquote(b, line, len);
    else if (m->coding == BASE64)
      from_base64(b, line, len);
    else
      leaf_line(b, line, len);
  }
}

void tern__bounce_mime_end(tern_bounce *b)
{
  end_part(b);
}
