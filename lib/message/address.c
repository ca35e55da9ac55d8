/* address.c - addresses of the header: adding, reading an address-list (RFC 5322 3.4), writing one
 * entry at a time, so that a list of any length goes through a small buffer.
 *
 * A list that is read becomes the same entries as those given one by one. Neighbours: message.c,
 * header.c for phrases and comments, base/mailbox for what an address is. Limits: of the obsolete
 * forms routes and white space inside an address are not read; of several comments in an entry the
 * last is kept. */
#include <string.h>

#include "base/ascii.h"
#include "base/idn.h"
#include "base/mailbox.h"
#include "message/header.h"
#include "message/message.h"

#define ASCII_MAX (64u + 1u + TERN__DOMAIN_MAX)

static tern__address *append(tern_message *msg, uint32_t rank)
{
  tern__address *a = tern__message_take(msg, sizeof *a, NULL);

  if (a == NULL) return NULL;
  a->rank = (uint8_t)rank;
  if (msg->last_address != NULL)
    msg->last_address->next = a;
  else
    msg->addresses = a;
  msg->last_address = a;
  return a;
}

tern__address *tern__address_group(tern_message *msg, uint32_t rank, const char *name)
{
  char *copy = name != NULL ? tern__message_copy(msg, name, strlen(name)) : NULL;
  tern__address *a = name != NULL && copy == NULL ? NULL : append(msg, rank);

  if (a == NULL) return NULL;
  a->name = copy;
  a->group = name != NULL ? TERN__GROUP_BEGIN : TERN__GROUP_END;
  return a;
}

/* ---- domains -------------------------------------------------------------------------------------*/
/* The address with its domain in A-labels into out; 0: there is no such form. */
static int to_ascii(const tern_message *msg, const char *address, char *out)
{
  const char *at = strrchr(address, '@');
  size_t local = at == NULL ? 0 : (size_t)(at - address) + 1, i;
  tern_status st;

  for (i = 0; i < local; i++)
    if ((uint8_t)address[i] > 127) return 0;
  if (local == 0 || local > ASCII_MAX - TERN__DOMAIN_MAX) return 0;
  memcpy(out, address, local);
  out[ASCII_MAX - 1] = '\0';
  if (msg->to_ascii != NULL)
    st = msg->to_ascii(msg->to_ascii_user, address + local, out + local, TERN__DOMAIN_MAX);
  else
    st = tern__domain_to_ascii(address + local, out + local);
  return st == TERN_OK && tern__is_ascii(out) && tern__mailbox_check(out, NULL, NULL) == TERN_OK;
}

static uint32_t hash(const char *text)
{
  uint32_t h = 2166136261u;

  for (; *text != '\0'; text++) h = (h ^ (uint8_t)*text) * 16777619u;
  return h;
}

/* A new entry with this address; position is where text begins in what the caller gave. */
static tern__address *add(tern_message *msg, uint32_t rank, const char *address)
{
  char ascii[ASCII_MAX];
  tern__address *a;
  char *copy = tern__message_copy(msg, address, strlen(address)), *converted = NULL;

  if (copy == NULL) return NULL;
  if (!tern__is_ascii(address)) {
    if (!to_ascii(msg, address, ascii)) {
      msg->needs_utf8 = 1;
    } else {
      converted = tern__message_copy(msg, ascii, strlen(ascii));
      if (converted == NULL) return NULL;
    }
  }
  a = append(msg, rank);
  if (a == NULL) return NULL;
  a->address = copy;
  a->ascii = converted;
  a->hash = hash(converted != NULL ? converted : copy);
  return a;
}

tern__address *tern__address_new(tern_message *msg, uint32_t rank, uint32_t field, const char *name,
                                 const char *address)
{
  size_t position = 0;
  tern__address *a;

  if (address == NULL) {
    (void)tern__message_wrong(msg, TERN_E_ARGUMENT, field, NULL, SIZE_MAX);
    return NULL;
  }
  if (tern__mailbox_check(address, &position, NULL) != TERN_OK) {
    (void)tern__message_wrong(msg, TERN_E_ADDRESS, field, address, position);
    return NULL;
  }
  if (name != NULL && tern__message_value(msg, field, name) != TERN_OK) return NULL;
  a = add(msg, rank, address);
  if (a == NULL || name == NULL || name[0] == '\0') return a;
  a->name = tern__message_copy(msg, name, strlen(name));
  return a->name != NULL ? a : NULL;
}

/* ---- reading a list ------------------------------------------------------------------------------*/
/* The entry under way. Words are gathered in place: what is read is never longer than what it came
 * from. */
typedef struct entry {
  tern_message *msg;
  tern__field *of;
  const char *at;
  char *phrase; /* words so far, quotes undone, one space between them */
  size_t len;
  char *comment;
  size_t comment_len;
  char *angle; /* what stood between < and > */
  size_t angle_len;
  const char *angle_at; /* where it stands, for errors */
  const char *plain_at;
  uint8_t has_angle;
  uint8_t quoted; /* the phrase has a quoted string in it: it is no bare address */
  uint8_t bare_quote; /* ... and nothing else than a local part could have */
  uint8_t gap;
  uint8_t in_group;
} entry;

/* The octet `further` behind at, where the value has one there: an address that was put together from
 * pieces is not as long as what it came from. */
static tern_status wrong(entry *e, const char *at, size_t further)
{
  size_t position = at != NULL ? (size_t)(at - e->of->value) + further : SIZE_MAX;

  if (position > strlen(e->of->value)) position = SIZE_MAX;
  return tern__message_wrong(e->msg, TERN_E_ADDRESS, TERN_FIELD_HEADER_VALUE, e->of->value,
                             position);
}

static void reset(entry *e)
{
  e->len = e->comment_len = e->angle_len = 0;
  e->has_angle = e->quoted = e->gap = 0;
  e->plain_at = e->angle_at = NULL;
}

static void put(entry *e, char c)
{
  if (e->gap && e->len > 0) e->phrase[e->len++] = ' ';
  e->gap = 0;
  if (e->plain_at == NULL) e->plain_at = e->at;
  e->phrase[e->len++] = c;
}

/* A comma, a semicolon or the end. */
static tern_status end_entry(entry *e)
{
  tern__address *a;
  const char *text;
  size_t position = 0;

  e->phrase[e->len] = '\0';
  e->angle[e->angle_len] = '\0';
  e->comment[e->comment_len] = '\0';
  if (!e->has_angle && e->len == 0) return TERN_OK; /* empty elements: RFC 5322 4.4 */
  text = e->has_angle ? e->angle : e->phrase;
  if (tern__mailbox_check(text, &position, NULL) != TERN_OK)
    return wrong(e, e->has_angle ? e->angle_at : e->plain_at, position);
  a = add(e->msg, e->of->rank, text);
  if (a == NULL) return e->msg->error.status;
  a->of = e->of;
  a->literal = (uint8_t)(e->of->literal && !e->quoted);
  if (e->has_angle && e->len > 0) {
    a->name = tern__message_copy(e->msg, e->phrase, e->len);
    if (a->name == NULL) return TERN_E_NOMEM;
  }
  if (e->comment_len > 0) {
    a->comment = tern__message_copy(e->msg, e->comment, e->comment_len);
    if (a->comment == NULL) return TERN_E_NOMEM;
  }
  reset(e);
  return TERN_OK;
}

static tern_status read_comment(entry *e)
{
  const char *from = e->at;
  size_t depth = 1;

  e->comment_len = 0;
  for (e->at++; *e->at != '\0'; e->at++) {
    if (*e->at == '\\' && e->at[1] != '\0')
      e->at++;
    else if (*e->at == '(')
      depth++;
    else if (*e->at == ')' && --depth == 0)
      break;
    e->comment[e->comment_len++] = *e->at;
  }
  if (*e->at == '\0') return wrong(e, from, 0);
  e->at++;
  e->gap = 1;
  return TERN_OK;
}

/* A quoted string: part of a name, quotes undone; or, where "@" follows, a local part as it is. */
static tern_status read_quoted(entry *e)
{
  const char *from = e->at, *p, *end = e->at + 1;
  int local;

  while (*end != '\0' && *end != '"') end += *end == '\\' && end[1] != '\0' ? 2 : 1;
  if (*end == '\0') return wrong(e, from, 0);
  local = end[1] == '@';
  if (!local) e->quoted = 1;
  for (p = local ? from : from + 1; p < (local ? end + 1 : end); p++) {
    if (!local && *p == '\\') p++;
    put(e, *p);
  }
  e->at = end + 1;
  return TERN_OK;
}

static tern_status read_angle(entry *e)
{
  const char *from = e->at;

  if (e->has_angle) return wrong(e, from, 0);
  e->has_angle = 1;
  e->angle_len = 0;
  e->angle_at = ++e->at;
  for (; *e->at != '\0' && *e->at != '>'; e->at++) e->angle[e->angle_len++] = *e->at;
  if (*e->at == '\0' || e->angle_len == 0) return wrong(e, from, 0);
  e->at++;
  return TERN_OK;
}

/* ":" ends the name of a group, ";" the group. */
static tern_status read_group(entry *e)
{
  tern__address *a;
  tern_status st;

  if (*e->at == ':') {
    if (e->in_group || e->has_angle || e->len == 0) return wrong(e, e->at, 0);
    e->phrase[e->len] = '\0';
    a = tern__address_group(e->msg, e->of->rank, e->phrase);
    e->in_group = 1;
    reset(e);
  } else {
    if (!e->in_group) return wrong(e, e->at, 0);
    st = end_entry(e);
    if (st != TERN_OK) return st;
    a = tern__address_group(e->msg, e->of->rank, NULL);
    e->in_group = 0;
  }
  if (a == NULL) return TERN_E_NOMEM;
  a->of = e->of;
  a->literal = e->of->literal;
  e->at++;
  return TERN_OK;
}

static tern_status read_literal(entry *e)
{
  const char *from = e->at;

  for (; *e->at != '\0' && *e->at != ']'; e->at++) put(e, *e->at);
  if (*e->at == '\0') return wrong(e, from, 0);
  put(e, *e->at++);
  return TERN_OK;
}

static tern_status read_list(entry *e)
{
  tern_status st = TERN_OK;

  while (*e->at != '\0' && st == TERN_OK) {
    switch (*e->at) {
    case '(': st = read_comment(e); break;
    case '"': st = e->has_angle ? wrong(e, e->at, 0) : read_quoted(e); break;
    case '[': st = e->has_angle ? wrong(e, e->at, 0) : read_literal(e); break;
    case '<': st = read_angle(e); break;
    case ':':
    case ';': st = read_group(e); break;
    case ',':
      st = end_entry(e);
      e->at++;
      break;
    case ' ':
    case '\t':
      e->gap = 1;
      e->at++;
      break;
    default:
      if (e->has_angle || *e->at == '>') return wrong(e, e->at, 0);
      put(e, *e->at++);
    }
  }
  if (st == TERN_OK && e->in_group) return wrong(e, e->at, 0);
  return st == TERN_OK ? end_entry(e) : st;
}

tern_status tern__address_parse(tern_message *msg, tern__field *of)
{
  size_t len = strlen(of->value) + 1;
  tern__address *before = msg->last_address;
  tern_status st;
  entry e;

  memset(&e, 0, sizeof e);
  e.msg = msg;
  e.of = of;
  e.at = of->value;
  e.phrase = tern__message_take(msg, 2 * len, NULL); /* a gap may go before each octet */
  e.angle = tern__message_take(msg, len, NULL);
  e.comment = tern__message_take(msg, len, NULL);
  if (e.phrase == NULL || e.angle == NULL || e.comment == NULL) return TERN_E_NOMEM;
  st = read_list(&e);
  if (st == TERN_OK && msg->last_address == before) return wrong(&e, e.at, 0); /* an empty field */
  return st;
}

/* ---- writing -------------------------------------------------------------------------------------*/
const tern__address *tern__address_next(const tern_message *msg, uint32_t rank,
                                        const tern__field *of, const tern__address *after)
{
  const tern__address *a = after != NULL ? after->next : msg->addresses;

  while (a != NULL && (a->of != of || (of == NULL && a->rank != rank))) a = a->next;
  return a;
}

static void put_entry(tern__sink *s, const tern__address *a, uint32_t how)
{
  const char *address;

  if (a->literal) how |= TERN__HEADER_LITERAL;
  if (a->group == TERN__GROUP_BEGIN) {
    tern__header_phrase(s, a->name, how);
    tern__sink_put(s, ":", 1);
    return;
  }
  address = a->ascii != NULL && !(how & TERN__HEADER_UTF8) ? a->ascii : a->address;
  if (a->name != NULL) {
    tern__header_phrase(s, a->name, how);
    tern__header_gap(s, strlen(address) + 3);
    tern__sink_put(s, "<", 1);
  }
  tern__sink_text(s, address);
  if (a->name != NULL) tern__sink_put(s, ">", 1);
  if (a->comment == NULL) return;
  tern__header_gap(s, strlen(a->comment) + 3);
  tern__header_comment(s, a->comment, how);
}

/* The octets that must be left in a line for an entry to begin there. */
static size_t entry_width(const tern__address *a, uint32_t how)
{
  size_t len = a->address != NULL ? strlen(a->address) : 0, name;

  if (a->name == NULL) return len;
  if (a->literal) how |= TERN__HEADER_LITERAL;
  name = tern__header_phrase_width(a->name, how);
  return name + len < 40 ? name + len + 5 : name + 1; /* a short one stays in one line */
}

void tern__address_put(tern__sink *s, const tern__address *before, const tern__address *a,
                       uint32_t how)
{
  if (a->group == TERN__GROUP_END) {
    tern__sink_put(s, ";", 1);
    return;
  }
  if (before == NULL && a->name == NULL) {
    tern__sink_put(s, " ", 1);
  } else {
    if (before != NULL && before->group != TERN__GROUP_BEGIN) tern__sink_put(s, ",", 1);
    tern__header_gap(s, entry_width(a, how));
  }
  put_entry(s, a, how);
}
