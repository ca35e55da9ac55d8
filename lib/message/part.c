/* part.c - parts: making them, their tree, their encodings, their headers.
 *
 * The tree is mixed(related-or-alternative body, files), as far as there is something for each level:
 *   mixed( alternative( text, related( html, what it shows ) ), files ).
 * Encodings are chosen twice: once for a server that can do all, so as to find what no server could
 * take, and then for the one that is there. Neighbours: encode.c, header.c, writer.c. */
#include <string.h>
#include <tern/session.h>

#include "base/ascii.h"
#include "message/header.h"
#include "message/message.h"

#define RANK_PLAIN 0u /* among the alternatives: the plainest first (RFC 2046 5.1.4) */
#define RANK_OTHER 1u
#define RANK_HTML 2u
#define RANK_CALENDAR 3u

/* ---- making --------------------------------------------------------------------------------------*/
static int begins(const char *type, const char *with)
{
  size_t n = strlen(with);

  return strlen(type) >= n && tern__same(type, n, with);
}

/* The length of "type/subtype"; 0: it is none, or its parameters have octets that cannot be. */
static size_t media_type(const char *type)
{
  const char *slash = strchr(type, '/');
  size_t len, i;

  if (slash == NULL || !tern__is_token(type, (size_t)(slash - type))) return 0;
  for (len = (size_t)(slash - type) + 1; type[len] != '\0' && type[len] != ';' && type[len] != ' ';)
    len++;
  if (!tern__is_token(slash + 1, len - (size_t)(slash - type) - 1)) return 0;
  for (i = len; type[i] == ' ';) i++;
  if (type[i] != '\0' && type[i] != ';') return 0;
  for (; type[i] != '\0'; i++)
    if ((uint8_t)type[i] < 0x20 || (uint8_t)type[i] > 0x7e) return 0;
  return i > 900 ? 0 : len;
}

/* What follows from the type. */
static void classify(tern_part *p)
{
  size_t len = strlen(p->type);
  int charset = tern__holds(p->type, len, "charset");

  p->composite = (uint8_t)(begins(p->type, "message/") || begins(p->type, "multipart/"));
  p->text = p->composite;
  p->utf8 = p->add_charset = 0;
  if (!begins(p->type, "text/") || p->disposition == TERN_DISPOSITION_ATTACHMENT ||
      p->role == TERN__ROLE_ATTACHED || p->role == TERN__ROLE_RELATED)
    return;
  p->text = 1;
  p->add_charset = (uint8_t)!charset;
  p->utf8 = (uint8_t)(!charset || tern__holds(p->type, len, "utf-8") ||
                      tern__holds(p->type, len, "us-ascii"));
}

static void adopt(tern_part *parent, tern_part *p)
{
  tern_part **at = &parent->first;

  while (*at != NULL) at = &(*at)->next;
  *at = p;
  p->next = NULL;
  p->parent = parent;
}

static tern_part *part_new(tern_message *msg, uint32_t role, const char *type, uint32_t field)
{
  tern_part *p;

  if (tern__message_setter(msg) != TERN_OK) return NULL;
  if (type == NULL) type = "application/octet-stream";
  if (media_type(type) == 0) {
    (void)tern__message_wrong(msg, TERN_E_CONTENT, TERN_FIELD_CONTENT_TYPE, NULL, SIZE_MAX);
    return NULL;
  }
  p = tern__message_take(msg, sizeof *p, NULL);
  if (p == NULL) return NULL;
  p->type = tern__message_copy(msg, type, strlen(type));
  if (p->type == NULL) return NULL;
  p->msg = msg;
  p->role = (uint8_t)role;
  p->rank = RANK_OTHER;
  p->field = (uint8_t)field;
  p->size = TERN_LENGTH_UNKNOWN;
  classify(p);
  if (msg->last_part != NULL)
    msg->last_part->link = p;
  else
    msg->parts = p;
  msg->last_part = p;
  return p;
}

/* p, or NULL where something has gone wrong since. */
static tern_part *sound(tern_part *p)
{
  return p != NULL && p->msg->error.status == TERN_OK ? p : NULL;
}

static tern_part *set_octets(tern_part *p, const void *octets, size_t len)
{
  if (p == NULL) return NULL;
  if (octets == NULL && len != 0) {
    (void)tern__message_wrong(p->msg, TERN_E_ARGUMENT, p->field, NULL, SIZE_MAX);
    return NULL;
  }
  p->octets = octets;
  p->size = len == TERN_NUL ? strlen(octets) : len;
  return p;
}

static tern_part *set_source(tern_part *p, const tern_source *source, void *user, uint64_t size)
{
  if (p == NULL) return NULL;
  if (source == NULL || source->size < offsetof(tern_source, rewind) || source->read == NULL) {
    (void)tern__message_wrong(p->msg, TERN_E_ARGUMENT, p->field, NULL, SIZE_MAX);
    return NULL;
  }
  p->source = source;
  p->user = user;
  p->size = size;
  return p;
}

/* The text or HTML: the one before it goes. */
static tern_part *body(tern_message *msg, const char *type, uint32_t rank, uint32_t field,
                       const void *octets, size_t len)
{
  tern_part *p = part_new(msg, TERN__ROLE_BODY, type, field), *old;

  if (p == NULL || set_octets(p, octets, len) == NULL) return NULL;
  p->rank = (uint8_t)rank;
  for (old = msg->parts; old != p; old = old->link)
    if (old->field == field) old->gone = 1;
  return p;
}

tern_part *tern_message_text(tern_message *msg, const void *octets, size_t len)
{
  return body(msg, "text/plain", RANK_PLAIN, TERN_FIELD_TEXT, octets, len);
}

tern_part *tern_message_html(tern_message *msg, const void *octets, size_t len)
{
  return body(msg, "text/html", RANK_HTML, TERN_FIELD_HTML, octets, len);
}

/* An attachment or an inline part, without its content. */
static tern_part *file_part(tern_message *msg, uint32_t role, const char *name, const char *type)
{
  tern_part *p = part_new(msg, role, type, TERN_FIELD_PART);

  if (p == NULL) return NULL;
  p->disposition = role == TERN__ROLE_RELATED ? TERN_DISPOSITION_INLINE : TERN_DISPOSITION_ATTACHMENT;
  if (name != NULL) (void)tern_part_set_name(p, name);
  return sound(p);
}

tern_part *tern_message_attach(tern_message *msg, const char *name, const char *type,
                               const void *octets, size_t len)
{
  return set_octets(file_part(msg, TERN__ROLE_ATTACHED, name, type), octets, len);
}

tern_part *tern_message_attach_source(tern_message *msg, const char *name, const char *type,
                                      const tern_source *source, void *user, uint64_t size)
{
  return set_source(file_part(msg, TERN__ROLE_ATTACHED, name, type), source, user, size);
}

tern_part *tern_message_inline(tern_message *msg, const char *cid, const char *name,
                               const char *type, const void *octets, size_t len)
{
  tern_part *p = file_part(msg, TERN__ROLE_RELATED, name, type);

  if (p == NULL || tern_part_set_cid(p, cid) != TERN_OK) return NULL;
  return set_octets(p, octets, len);
}

tern_part *tern_message_inline_source(tern_message *msg, const char *cid, const char *name,
                                      const char *type, const tern_source *source, void *user,
                                      uint64_t size)
{
  tern_part *p = file_part(msg, TERN__ROLE_RELATED, name, type);

  if (p == NULL || tern_part_set_cid(p, cid) != TERN_OK) return NULL;
  return set_source(p, source, user, size);
}

tern_part *tern_message_forward(tern_message *msg, const void *octets, size_t len)
{
  return tern_message_attach(msg, NULL, "message/rfc822", octets, len);
}

tern_part *tern_message_calendar(tern_message *msg, const char *method, const void *octets,
                                 size_t len)
{
  char type[64] = "text/calendar";
  size_t n = method != NULL ? strlen(method) : 0;
  tern_part *p;

  if (tern__message_setter(msg) != TERN_OK) return NULL;
  if (method != NULL && (n > 32 || !tern__is_token(method, n))) {
    (void)tern__message_wrong(msg, TERN_E_CONTENT, TERN_FIELD_CALENDAR, NULL, SIZE_MAX);
    return NULL;
  }
  if (method != NULL) {
    memcpy(type + 13, "; method=", 9);
    memcpy(type + 22, method, n + 1);
  }
  p = body(msg, type, RANK_CALENDAR, TERN_FIELD_CALENDAR, octets, len);
  /* readers that show no invitation find the file */
  if (p == NULL || tern_message_attach(msg, "invite.ics", "application/ics", octets, len) == NULL)
    return NULL;
  return p;
}

tern_part *tern_message_multipart(tern_message *msg, tern_part *parent, const char *subtype)
{
  static const char before[] = "multipart/";
  size_t n = subtype != NULL ? strlen(subtype) : 0;
  tern_part *p;
  char *type;

  if (tern__message_setter(msg) != TERN_OK) return NULL;
  if (n == 0 || tern__holds(subtype, n, "boundary") ||
      (parent != NULL && (!parent->multipart || parent->msg != msg))) {
    (void)tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_PART, NULL, SIZE_MAX);
    return NULL;
  }
  type = tern__message_take(msg, sizeof before + n, NULL);
  if (type == NULL) return NULL;
  memcpy(type, before, sizeof before - 1);
  memcpy(type + sizeof before - 1, subtype, n);
  p = part_new(msg, parent != NULL ? TERN__ROLE_CHILD : TERN__ROLE_BODY, type, TERN_FIELD_PART);
  if (p == NULL) return NULL;
  p->multipart = 1;
  p->composite = p->text = 0;
  p->number = msg->boundaries++;
  if (parent != NULL) adopt(parent, p);
  return p;
}

static tern_part *child(tern_message *msg, tern_part *parent, const char *type)
{
  tern_part *p;

  if (tern__message_setter(msg) != TERN_OK) return NULL;
  if (type == NULL || (parent != NULL && (!parent->multipart || parent->msg != msg))) {
    (void)tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_PART, NULL, SIZE_MAX);
    return NULL;
  }
  p = part_new(msg, parent != NULL ? TERN__ROLE_CHILD : TERN__ROLE_BODY, type, TERN_FIELD_PART);
  if (p != NULL && parent != NULL) adopt(parent, p);
  return p;
}

tern_part *tern_message_part(tern_message *msg, tern_part *parent, const char *type,
                             const void *octets, size_t len)
{
  return set_octets(child(msg, parent, type), octets, len);
}

tern_part *tern_message_part_source(tern_message *msg, tern_part *parent, const char *type,
                                    const tern_source *source, void *user, uint64_t size)
{
  return set_source(child(msg, parent, type), source, user, size);
}

/* ---- setters -------------------------------------------------------------------------------------*/
static tern_status setter(tern_part *p)
{
  return p == NULL ? TERN_E_NOMEM : tern__message_setter(p->msg);
}

static tern_status set_string(tern_part *p, char **string, uint32_t field, const char *text)
{
  tern_status st = setter(p);

  if (st == TERN_OK) st = tern__message_value(p->msg, field, text);
  if (st != TERN_OK) return st;
  *string = tern__message_copy(p->msg, text, strlen(text));
  return *string != NULL ? TERN_OK : TERN_E_NOMEM;
}

tern_status tern_part_set_disposition(tern_part *p, uint32_t disposition)
{
  tern_status st = setter(p);

  if (st != TERN_OK) return st;
  if (disposition > TERN_DISPOSITION_ATTACHMENT)
    return tern__message_wrong(p->msg, TERN_E_ARGUMENT, TERN_FIELD_PART, NULL, SIZE_MAX);
  p->disposition = (uint8_t)disposition;
  if (!p->multipart) classify(p);
  p->scanned = 0;
  return TERN_OK;
}

tern_status tern_part_set_name(tern_part *p, const char *name)
{
  return p == NULL ? TERN_E_NOMEM : set_string(p, &p->name, TERN_FIELD_FILE_NAME, name);
}

tern_status tern_part_set_description(tern_part *p, const char *text)
{
  return p == NULL ? TERN_E_NOMEM : set_string(p, &p->description, TERN_FIELD_DESCRIPTION, text);
}

tern_status tern_part_set_cid(tern_part *p, const char *cid)
{
  size_t i;

  if (p == NULL) return TERN_E_NOMEM;
  if (cid == NULL || cid[0] == '\0')
    return tern__message_wrong(p->msg, TERN_E_ARGUMENT, TERN_FIELD_CONTENT_ID, NULL, SIZE_MAX);
  for (i = 0; cid[i] != '\0'; i++)
    if (cid[i] <= 0x20 || (uint8_t)cid[i] > 126 || cid[i] == '<' || cid[i] == '>' || i > 900)
      return tern__message_wrong(p->msg, TERN_E_CONTENT, TERN_FIELD_CONTENT_ID, cid, i);
  return set_string(p, &p->cid, TERN_FIELD_CONTENT_ID, cid);
}

tern_status tern_part_set_encoding(tern_part *p, uint32_t encoding)
{
  tern_status st = setter(p);

  if (st != TERN_OK) return st;
  if (encoding > TERN_ENCODING_BINARY || p->multipart)
    return tern__message_wrong(p->msg, TERN_E_ARGUMENT, TERN_FIELD_ENCODING, NULL, SIZE_MAX);
  p->wanted = (uint8_t)encoding;
  return TERN_OK;
}

tern_status tern_part_header(tern_part *p, const char *name, const char *value)
{
  static const char *const ours[] = {"mime-version", "content-type", "content-transfer-encoding",
                                     "content-disposition", "content-id", "content-description"};
  tern_status st = setter(p);
  size_t bad, i;
  tern__field *f;

  if (st != TERN_OK) return st;
  bad = name != NULL ? tern__header_bad_name(name) : 1;
  for (i = 0; bad == 0 && i < sizeof ours / sizeof ours[0]; i++)
    if (tern__same(name, strlen(name), ours[i])) bad = 1;
  if (bad != 0 || strlen(name) > 76)
    return tern__message_wrong(p->msg, TERN_E_ARGUMENT, TERN_FIELD_HEADER_NAME, NULL, SIZE_MAX);
  st = tern__message_value(p->msg, TERN_FIELD_HEADER_VALUE, value);
  if (st != TERN_OK) return st;
  f = tern__message_take(p->msg, sizeof *f, NULL);
  if (f == NULL) return TERN_E_NOMEM;
  f->name = tern__message_copy(p->msg, name, strlen(name));
  f->value = tern__message_copy(p->msg, value, strlen(value));
  if (f->name == NULL || f->value == NULL) return TERN_E_NOMEM;
  if (p->last_field != NULL)
    p->last_field->next = f;
  else
    p->fields = f;
  p->last_field = f;
  return TERN_OK;
}

/* ---- the tree ------------------------------------------------------------------------------------*/
static void container(tern_message *msg, tern_part *p, const char *type, uint32_t number)
{
  memset(p, 0, sizeof *p);
  p->msg = msg;
  p->type = type;
  p->multipart = 1;
  p->number = number;
}

static tern_part *html_of(const tern_message *msg)
{
  tern_part *p, *html = NULL;

  for (p = msg->parts; p != NULL; p = p->link)
    if (p->role == TERN__ROLE_BODY && !p->gone && !p->multipart && begins(p->type, "text/html"))
      html = p;
  return html;
}

/* Puts those of a role (and, for bodies, a rank) into a container; returns how many. */
static uint32_t gather(tern_message *msg, tern_part *into, uint32_t role, uint32_t rank)
{
  tern_part *p, *last = into->first;
  uint32_t n = 0;

  while (last != NULL && last->next != NULL) last = last->next;
  for (p = msg->parts; p != NULL; p = p->link) {
    if (p->role != role || p->gone || (role == TERN__ROLE_BODY && p->rank != rank)) continue;
    p->parent = into;
    p->next = NULL;
    if (last != NULL)
      last->next = p;
    else
      into->first = p;
    last = p;
    n++;
  }
  return n;
}

/* A container with one child is not needed: the child takes its place. But the end of a message is
 * a line end, which octets in quoted-printable would take for theirs. */
static tern_part *collapse(tern_part *p)
{
  tern_part *only = p->first;

  if (only == NULL || only->next != NULL) return p;
  if (!only->text && only->wanted == TERN_ENCODING_QUOTED_PRINTABLE && p == &p->msg->mixed) return p;
  only->parent = NULL;
  return only;
}

static tern_status check_tree(tern_message *msg)
{
  const tern_part *p;

  for (p = msg->parts; p != NULL; p = p->link)
    if (p->multipart && !p->gone && p->first == NULL) /* RFC 2046 5.1.1: at least one */
      return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_PART, NULL, SIZE_MAX);
  return TERN_OK;
}

tern_status tern__parts_arrange(tern_message *msg)
{
  tern_part *html = html_of(msg), *top, *p;
  uint32_t rank, shown = 0;

  container(msg, &msg->mixed, "multipart/mixed", 1);
  container(msg, &msg->related, "multipart/related", 2);
  container(msg, &msg->alternative, "multipart/alternative", 3);
  for (rank = RANK_PLAIN; rank <= RANK_CALENDAR; rank++)
    (void)gather(msg, &msg->alternative, TERN__ROLE_BODY, rank);
  if (html != NULL) shown = gather(msg, &msg->related, TERN__ROLE_RELATED, 0);
  if (shown > 0) { /* the HTML goes first into related, which stands where it stood */
    msg->related.next = html->next;
    msg->related.parent = &msg->alternative;
    if (msg->alternative.first == html) msg->alternative.first = &msg->related;
    for (p = msg->alternative.first; p != NULL; p = p->next)
      if (p->next == html) p->next = &msg->related;
    html->next = msg->related.first;
    html->parent = msg->related.first->parent;
    msg->related.first = html;
  }
  if (msg->alternative.first != NULL) {
    top = collapse(&msg->alternative);
    top->next = NULL;
    top->parent = &msg->mixed;
    msg->mixed.first = top;
  }
  if (shown == 0) (void)gather(msg, &msg->mixed, TERN__ROLE_RELATED, 0);
  (void)gather(msg, &msg->mixed, TERN__ROLE_ATTACHED, 0);
  if (msg->mixed.first == NULL) { /* nothing at all: an empty text */
    container(msg, &msg->empty, "text/plain", 0);
    msg->empty.multipart = 0;
    msg->empty.size = 0;
    msg->empty.encoding = TERN_ENCODING_7BIT;
    msg->empty.scanned = msg->empty.add_charset = msg->empty.text = 1;
    msg->root = &msg->empty;
  } else {
    msg->root = collapse(&msg->mixed);
  }
  return check_tree(msg);
}

/* ---- looking through -----------------------------------------------------------------------------*/
static int can_rewind(const tern_source *source)
{
  return source->size >= offsetof(tern_source, prepare) && source->rewind != NULL;
}

static int wants_identity(const tern_part *p)
{
  uint32_t wanted = p->wanted;

  if (wanted == TERN_ENCODING_AUTO && p->text && !p->composite) wanted = p->msg->encoding;
  return wanted == TERN_ENCODING_7BIT || wanted == TERN_ENCODING_8BIT;
}

static tern_status scan_source(tern_part *p, tern__scanner *s)
{
  tern_status st = TERN_OK;
  const uint8_t *octets = NULL;
  size_t len = 0;

  if (p->source_read) {
    st = p->source->rewind(p->user);
    if (st != TERN_OK) return tern__message_wrong(p->msg, TERN_E_SOURCE, p->field, NULL, SIZE_MAX);
  }
  while (st == TERN_OK) {
    p->source_read = 1;
    st = p->source->read(p->user, &octets, &len);
    if ((st == TERN_OK || st == TERN_SOURCE_END) && len > 0) tern__scan_piece(s, octets, len);
    if (st == TERN_OK && len == 0) st = TERN_E_SOURCE;
  }
  if (st == TERN_SOURCE_END) return TERN_OK;
  if (st == TERN_E_AGAIN) return st;
  return tern__message_wrong(p->msg, TERN_E_SOURCE, p->field, NULL, SIZE_MAX);
}

/* An error of the text, with what is wrong where that is known. */
static tern_status wrong_text(const tern_part *p)
{
  uint64_t at = p->scan.bad;

  if (p->octets != NULL && at < p->size)
    return tern__message_wrong(p->msg, TERN_E_CONTENT, p->field, (const char *)p->octets, (size_t)at);
  return tern__message_wrong(p->msg, TERN_E_CONTENT, p->field, NULL, SIZE_MAX);
}

/* One pass of a scanner over the content. */
static tern_status scan_content(tern_part *p, tern__scanner *s)
{
  tern_status st = TERN_OK;

  if (p->source != NULL)
    st = scan_source(p, s);
  else if (p->size > 0)
    tern__scan_piece(s, p->octets, (size_t)p->size);
  if (st == TERN_OK) tern__scan_end(s);
  return st;
}

/* Whether quoted-printable is asked for, or may be what a server without 8BITMIME gets. */
static int may_become_qp(const tern_part *p)
{
  const tern__scan *scan = &p->scan;
  uint32_t wanted = p->wanted;

  if (wanted == TERN_ENCODING_AUTO && p->text && !p->composite) wanted = p->msg->encoding;
  if (wanted != TERN_ENCODING_AUTO) return wanted == TERN_ENCODING_QUOTED_PRINTABLE;
  return p->text && !p->composite &&
         (scan->high || scan->nul || scan->delimiter || scan->longest > TERN__LINE_MAX);
}

static tern_status scan_first(tern_part *p)
{
  tern__scanner s;
  tern_status st;

  tern__scan_begin(&s, &p->scan, p->text);
  st = scan_content(p, &s);
  if (st != TERN_OK) return st;
  if (p->utf8 && p->scan.bad != UINT64_MAX) return wrong_text(p);
  if (p->size != TERN_LENGTH_UNKNOWN && p->size != p->scan.octets)
    return tern__message_wrong(p->msg, TERN_E_SOURCE, p->field, NULL, SIZE_MAX);
  p->size = p->scan.octets;
  p->scanned = 1;
  return TERN_OK;
}

tern_status tern__part_scan(tern_part *p)
{
  tern__scanner s;
  tern_status st = TERN_OK;

  if (p->source != NULL && !can_rewind(p->source)) return TERN_OK;
  /* a file of known size that becomes base64 need not be looked at */
  if (!p->text && !wants_identity(p) && p->wanted != TERN_ENCODING_QUOTED_PRINTABLE &&
      p->size != TERN_LENGTH_UNKNOWN)
    return TERN_OK;
  if (!p->scanned) st = scan_first(p);
  if (st == TERN_OK && p->scanned && p->scan.qp_length == UINT64_MAX && may_become_qp(p)) {
    tern__scan_begin_qp(&s, &p->scan, p->text);
    st = scan_content(p, &s);
    if (st != TERN_OK) p->scanned = 0;
  }
  return st == TERN_E_AGAIN ? TERN_OK : st;
}

/* ---- choosing ------------------------------------------------------------------------------------*/
static tern_status wrong_encoding(tern_part *p)
{
  return tern__message_wrong(p->msg, TERN_E_CONTENT, TERN_FIELD_ENCODING, NULL, SIZE_MAX);
}

/* The body as lines that are not encoded. */
static tern_status choose_identity(tern_part *p, int eight)
{
  const tern__scan *scan = &p->scan;

  if (!p->scanned)
    return tern__message_wrong(p->msg, TERN_E_REWIND, p->field, NULL, SIZE_MAX);
  if (scan->nul || scan->longest > TERN__LINE_MAX || (scan->high && !eight))
    return wrong_encoding(p);
  if (scan->delimiter && !p->msg->seeded)
    return tern__message_wrong(p->msg, TERN_E_RANDOM, p->field, NULL, SIZE_MAX);
  p->encoding = scan->high ? TERN_ENCODING_8BIT : TERN_ENCODING_7BIT;
  return TERN_OK;
}

/* A file as it is (RFC 3030 3): behind a delimiter that nobody foresees, as nothing looks for it in
 * there, and below a multipart, whose delimiter ends it. */
static int may_be_binary(const tern_part *p, uint32_t capabilities)
{
  const uint32_t needed = TERN_CAP_BINARYMIME | TERN_CAP_CHUNKING;

  return (capabilities & needed) == needed && !p->text && p->size != TERN_LENGTH_UNKNOWN &&
         p->parent != NULL && p->msg->seeded;
}

static uint32_t choose_auto(const tern_part *p, uint32_t capabilities)
{
  const tern__scan *scan = &p->scan;

  if (may_be_binary(p, capabilities)) return TERN_ENCODING_BINARY;
  if (!p->text || !p->scanned) return TERN_ENCODING_BASE64;
  if (!scan->nul && scan->longest <= TERN__LINE_MAX && !scan->delimiter) {
    if (!scan->high) return TERN_ENCODING_7BIT;
    if (capabilities & TERN_CAP_8BITMIME) return TERN_ENCODING_8BIT;
  }
  return scan->qp_length <= tern__base64_lines(scan->length) ? TERN_ENCODING_QUOTED_PRINTABLE
                                                             : TERN_ENCODING_BASE64;
}

tern_status tern__part_choose(tern_part *p, uint32_t capabilities)
{
  uint32_t wanted = p->wanted;

  if (wanted == TERN_ENCODING_AUTO && p->text && !p->composite) wanted = p->msg->encoding;
  if (p->composite) { /* RFC 2046 5.1, 5.2.1: no other encodings */
    if (wanted == TERN_ENCODING_BASE64 || wanted == TERN_ENCODING_QUOTED_PRINTABLE)
      return wrong_encoding(p);
    return choose_identity(p, wanted != TERN_ENCODING_7BIT);
  }
  if (wanted == TERN_ENCODING_7BIT || wanted == TERN_ENCODING_8BIT)
    return choose_identity(p, wanted == TERN_ENCODING_8BIT);
  if (wanted == TERN_ENCODING_BINARY && !may_be_binary(p, capabilities)) wanted = TERN_ENCODING_BASE64;
  p->encoding = (uint8_t)(wanted != TERN_ENCODING_AUTO ? wanted : choose_auto(p, capabilities));
  return TERN_OK;
}

uint64_t tern__part_length(const tern_part *p, int *open)
{
  uint64_t n;

  *open = 0;
  if (p->size == 0) return 0;
  switch (p->encoding) {
  case TERN_ENCODING_BASE64:
    *open = 1;
    n = p->text && !p->scanned ? TERN_LENGTH_UNKNOWN : p->text ? p->scan.length : p->size;
    return n == TERN_LENGTH_UNKNOWN ? n : tern__base64_lines(n);
  case TERN_ENCODING_QUOTED_PRINTABLE:
    *open = !p->text || p->scan.open;
    return p->scanned ? p->scan.qp_length : TERN_LENGTH_UNKNOWN; /* UINT64_MAX too */
  case TERN_ENCODING_BINARY: return p->size;
  default:
    *open = p->scan.open;
    return p->scanned ? p->scan.length : TERN_LENGTH_UNKNOWN;
  }
}

/* ---- headers -------------------------------------------------------------------------------------*/
/* Letters and digits, five bits each, none that looks like another. */
void tern__letters(char *out, const uint8_t *octets, size_t len)
{
  static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
  uint32_t bits = 0, have = 0;
  size_t i;

  for (i = 0; i < len; i++) {
    bits = (bits << 8 | octets[i]) & 0xfff;
    for (have += 8; have >= 5; have -= 5) *out++ = letters[bits >> (have - 5) & 31];
  }
  if (have > 0) *out++ = letters[bits << (5 - have) & 31];
  *out = '\0';
}

/* The boundary without its dashes, NUL-ended: "=_" cannot stand in quoted-printable or base64; the
 * scan knows the beginning. None is the beginning of another: some readers look no further. */
static void boundary(const tern_part *p, char out[48])
{
  size_t n = 2;

  memcpy(out, "=_", 3);
  n += tern__decimal(p->number, out + n);
  out[n++] = '_';
  if (p->msg->seeded)
    tern__letters(out + n, p->msg->seed + 12, TERN__SEED - 12);
  else
    memcpy(out + n, "t", 2);
}

void tern__part_delimiter(const tern_part *multipart, tern__sink *s, int close)
{
  char text[48];

  boundary(multipart, text);
  tern__sink_text(s, "--");
  tern__sink_text(s, text);
  if (close) tern__sink_text(s, "--");
}

static void put_type(const tern_part *p, tern__sink *s)
{
  char text[48];
  const char *inner = p->multipart && p->first != NULL ? p->first->type : NULL;

  tern__sink_text(s, "Content-Type:");
  tern__header_tokens(s, p->type);
  if (p->add_charset) tern__header_param(s, "charset", "utf-8");
  if (p->multipart) {
    if (p == &p->msg->related && inner != NULL) /* RFC 2387 3.1 */
      tern__header_param(s, "type", begins(inner, "text/html") ? "text/html" : "text/plain");
    boundary(p, text);
    tern__header_param(s, "boundary", text);
  }
  if (p->name != NULL && !tern__holds(p->type, strlen(p->type), "name="))
    tern__header_param_words(s, "name", p->name);
  tern__sink_line(s);
}

static void put_encoding(const tern_part *p, tern__sink *s)
{
  static const char *const words[] = {"", "7bit", "8bit", "quoted-printable", "base64", "binary"};

  if (p->multipart && p->encoding == TERN_ENCODING_7BIT) return;
  tern__sink_text(s, "Content-Transfer-Encoding: ");
  tern__sink_text(s, words[p->encoding]);
  tern__sink_line(s);
}

static void put_disposition(const tern_part *p, tern__sink *s)
{
  if (p->disposition == TERN_DISPOSITION_NONE) return;
  tern__sink_text(s, "Content-Disposition: ");
  tern__sink_text(s, p->disposition == TERN_DISPOSITION_INLINE ? "inline" : "attachment");
  if (p->name != NULL) tern__header_param(s, "filename", p->name);
  tern__sink_line(s);
}

int tern__part_header_unit(const tern_part *p, uint32_t i, tern__sink *s)
{
  const tern__field *f = p->fields;

  if (i == 0) {
    put_type(p, s);
  } else if (i == 1) {
    put_encoding(p, s);
  } else if (i == 2) {
    put_disposition(p, s);
  } else if (i == 3 && p->cid != NULL) {
    tern__sink_text(s, "Content-ID: <");
    tern__sink_text(s, p->cid);
    tern__sink_text(s, ">\r\n");
  } else if (i == 4 && p->description != NULL) {
    tern__sink_text(s, "Content-Description:");
    tern__header_text(s, p->description, 0);
    tern__sink_line(s);
  } else if (i > 4) {
    for (; f != NULL && i > 5; i--) f = f->next;
    if (f == NULL) return 0;
    tern__sink_text(s, f->name);
    tern__sink_text(s, ":");
    tern__header_text(s, f->value, TERN__HEADER_LITERAL);
    tern__sink_line(s);
  }
  return 1;
}
