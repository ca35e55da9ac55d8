/* ready.c - a ready message as a filter: one run over its header finds recipients, sender, what is
 * missing and what is forbidden (RFC 5322 3.6); the runs after it pass it on without Bcc.
 *
 * Fields are judged as they come by, none is kept: memory is a line and the addresses. Neighbours:
 * fields.c and address_list.c read, inlet.c repairs line ends. Limit: the body is not judged. */
#include <tern/ready.h>

#include <string.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "message/address_list.h"
#include "message/fields.h"
#include "message/header.h"
#include "message/inlet.h"

/* Fields that are known here. Those of the second half are the first half's with "Resent-". */
enum { FROM, SENDER, TO, CC, BCC, DATE, MESSAGE_ID, RESENT, REPLY_TO = 2 * RESENT, SUBJECT,
       IN_REPLY_TO, REFERENCES, KNOWN, OTHER_RESENT, OTHER };

static const char *const names[KNOWN] = {
  "from", "sender", "to", "cc", "bcc", "date", "message-id",
  "resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc", "resent-date",
  "resent-message-id", "reply-to", "subject", "in-reply-to", "references",
};

#define BIT(field) (UINT32_C(1) << (field))
#define ADDRESSES (BIT(FROM) | BIT(SENDER) | BIT(TO) | BIT(CC) | BIT(BCC))
#define HAS_ADDRESSES (ADDRESSES | ADDRESSES << RESENT)
#define RECIPIENTS (BIT(TO) | BIT(CC) | BIT(BCC))
#define DROPPED (BIT(BCC) | BIT(BCC + RESENT))
/* Resent- fields come once in each block; of the others Bcc may be there twice, as it goes. */
#define ONCE (((BIT(RESENT) - 1) & ~BIT(BCC)) | BIT(REPLY_TO) | BIT(SUBJECT) | \
              BIT(IN_REPLY_TO) | BIT(REFERENCES))

enum { NO_BLOCK, IN_BLOCK, BEHIND_BLOCK };
enum { UNREAD, READING, READ, FAILED };
enum { FIRST, HEADER, BODY };

struct tern_ready {
  const tern_allocator *mem;
  tern__inlet in;
  tern__fields fields;
  tern__address_list list;
  tern_span piece; /* what is left of the one being worked on */
  tern_error error;
  char detail[160];
  char **rcpts;
  uint32_t *table; /* of rcpts by hash: index plus 1, or 0; twice as many as rcpts has room for */
  uint32_t count, room, limit;
  char *people[4]; /* the first mailbox of From, Sender, and their Resent- forms */
  uint32_t authors;         /* mailboxes in From */
  uint32_t seen, block_seen;
  uint64_t dropped; /* octets of fields that are left out */
  int64_t seconds;
  int32_t zone;
  char *id, *from;
  char *added; /* the fields that were missing */
  size_t added_len;
  uint32_t field_line; /* where the field under way began */
  uint8_t dated;
  uint8_t resent;
  uint8_t state;
  uint8_t block;
  uint8_t field;    /* the one under way, as in names */
  uint8_t high;     /* a kept line of the header has an octet over 127 */
  uint8_t copying;  /* FIRST: nothing was passed on yet */
  uint8_t inserted; /* what was missing has been passed on */
  uint8_t lent;     /* line was passed on, and is used up */
  uint16_t line_len;
  char line[TERN__HEADER_LINE_MAX + 2];
};

/* ---- life --------------------------------------------------------------------------------------------*/
tern_ready *tern_ready_new(const tern_allocator *mem)
{
  tern_ready *r = tern__alloc(mem, sizeof *r);

  if (r == NULL) return NULL;
  r->mem = mem;
  r->limit = 100000;
  return r;
}

static void forget_recipients(tern_ready *r)
{
  while (r->count != 0) tern__free_string(r->mem, r->rcpts[--r->count]);
  if (r->table != NULL) memset(r->table, 0, 2 * (size_t)r->room * sizeof *r->table);
}

/* Everything that was read of a message. */
static void forget(tern_ready *r)
{
  size_t i;

  forget_recipients(r);
  tern__free(r->mem, r->table, 2 * (size_t)r->room * sizeof *r->table);
  tern__free(r->mem, r->rcpts, (size_t)r->room * sizeof *r->rcpts);
  for (i = 0; i < 4; i++) tern__free_string(r->mem, r->people[i]);
  tern__free(r->mem, r->added, r->added_len + 1);
  memset(r->people, 0, sizeof r->people);
  r->rcpts = NULL;
  r->table = NULL;
  r->added = NULL;
  r->added_len = 0;
  r->room = r->authors = r->seen = r->block_seen = 0;
  r->dropped = 0;
  r->block = NO_BLOCK;
  r->high = r->resent = 0;
  r->field = OTHER;
  r->state = UNREAD;
  memset(&r->error, 0, sizeof r->error);
}

void tern_ready_free(tern_ready *r)
{
  if (r == NULL) return;
  forget(r);
  tern__free_string(r->mem, r->id);
  tern__free_string(r->mem, r->from);
  tern__free(r->mem, r, sizeof *r);
}

/* ---- settings ------------------------------------------------------------------------------------------*/
static tern_status refuse(tern_ready *r, tern_status status, uint32_t field)
{
  tern__error_field(&r->error, status, field, NULL, 0);
  return status;
}

tern_status tern_ready_set_source(tern_ready *r, const tern_source *source, void *user)
{
  tern_status st;

  if (r == NULL) return TERN_E_NOMEM;
  forget(r);
  st = tern__inlet_set_source(&r->in, source, user);
  return st == TERN_OK ? st : refuse(r, st, TERN_FIELD_CONTENT);
}

tern_status tern_ready_set_octets(tern_ready *r, const void *octets, size_t len)
{
  tern_status st;

  if (r == NULL) return TERN_E_NOMEM;
  forget(r);
  st = tern__inlet_set_octets(&r->in, octets, len);
  return st == TERN_OK ? st : refuse(r, st, TERN_FIELD_CONTENT);
}

static tern_status set_text(tern_ready *r, char **where, const char *text)
{
  char *copy = NULL;

  if (text != NULL) {
    copy = tern__copy_string(r->mem, text);
    if (copy == NULL) return refuse(r, TERN_E_NOMEM, TERN_FIELD_NONE);
  }
  tern__free_string(r->mem, *where);
  *where = copy;
  return TERN_OK;
}

tern_status tern_ready_set_date(tern_ready *r, int64_t seconds, int32_t zone)
{
  char text[TERN__DATE_TEXT];

  if (r == NULL) return TERN_E_NOMEM;
  if (tern__date_text(text, seconds, zone) == 0)
    return refuse(r, TERN_E_ARGUMENT, TERN_FIELD_HEADER);
  r->seconds = seconds;
  r->zone = zone;
  r->dated = 1;
  return TERN_OK;
}

tern_status tern_ready_set_message_id(tern_ready *r, const char *id)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (id != NULL && !tern__is_message_id(id)) return refuse(r, TERN_E_ARGUMENT, TERN_FIELD_HEADER);
  return set_text(r, &r->id, id);
}

tern_status tern_ready_set_from(tern_ready *r, const char *mailbox)
{
  size_t at = 0;

  if (r == NULL) return TERN_E_NOMEM;
  if (mailbox != NULL && tern__mailbox_check(mailbox, &at, NULL) != TERN_OK) {
    tern__error_field(&r->error, TERN_E_ADDRESS, TERN_FIELD_HEADER, mailbox, at);
    return TERN_E_ADDRESS;
  }
  return set_text(r, &r->from, mailbox);
}

tern_status tern_ready_set_limit(tern_ready *r, uint32_t recipients)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (recipients == 0 || recipients > UINT32_MAX / 4)
    return refuse(r, TERN_E_ARGUMENT, TERN_FIELD_FORWARD_PATH);
  r->limit = recipients;
  return TERN_OK;
}

/* ---- what is wrong ---------------------------------------------------------------------------------------*/
static void say(tern_ready *r, const char *text, size_t len)
{
  size_t used = strlen(r->detail);

  if (len > sizeof r->detail - 1 - used) len = sizeof r->detail - 1 - used;
  memcpy(r->detail + used, text, len);
  r->detail[used + len] = '\0';
}

/* "line 3, to: problem"; without a line: "problem". */
static tern_status fail(tern_ready *r, tern_status status, uint32_t line, const char *problem)
{
  char number[20];

  r->detail[0] = '\0';
  if (line != 0) {
    say(r, "line ", 5);
    say(r, number, tern__decimal(line, number));
    say(r, ", ", 2);
    if (r->field < KNOWN) {
      say(r, names[r->field], strlen(names[r->field]));
      say(r, ": ", 2);
    }
  }
  say(r, problem, strlen(problem));
  tern__error_field(&r->error, status, TERN_FIELD_HEADER, NULL, 0);
  r->error.detail = r->detail;
  r->state = FAILED;
  return status;
}

static tern_status no_memory(tern_ready *r)
{
  r->state = FAILED;
  return refuse(r, TERN_E_NOMEM, TERN_FIELD_NONE);
}

/* ---- addresses -------------------------------------------------------------------------------------------*/
static uint32_t hash(const char *text)
{
  uint32_t h = 2166136261u;

  for (; *text != '\0'; text++) h = (h ^ (uint8_t)*text) * 16777619u;
  return h;
}

/* Where text stands in the table, or would. */
static uint32_t *place(const tern_ready *r, const char *text)
{
  uint32_t size = 2 * r->room, at = hash(text) % size;

  while (r->table[at] != 0 && strcmp(r->rcpts[r->table[at] - 1], text) != 0) at = (at + 1) % size;
  return &r->table[at];
}

static tern_status grow(tern_ready *r)
{
  uint32_t room = r->room != 0 ? r->room * 2 : 8, i;
  uint32_t *table = tern__alloc(r->mem, 2 * (size_t)room * sizeof *table);
  char **rcpts = tern__alloc(r->mem, (size_t)room * sizeof *rcpts);

  if (table == NULL || rcpts == NULL) {
    tern__free(r->mem, rcpts, (size_t)room * sizeof *rcpts);
    tern__free(r->mem, table, 2 * (size_t)room * sizeof *table);
    return TERN_E_NOMEM;
  }
  if (r->count != 0) memcpy(rcpts, r->rcpts, r->count * sizeof *rcpts);
  tern__free(r->mem, r->table, 2 * (size_t)r->room * sizeof *table);
  tern__free(r->mem, r->rcpts, (size_t)r->room * sizeof *rcpts);
  r->table = table;
  r->rcpts = rcpts;
  r->room = room;
  for (i = 0; i < r->count; i++) *place(r, rcpts[i]) = i + 1;
  return TERN_OK;
}

static tern_status add_recipient(tern_ready *r, const char *text)
{
  uint32_t *at;
  char *copy;

  if (r->count == r->room && grow(r) != TERN_OK) return no_memory(r);
  at = place(r, text);
  if (*at != 0) return TERN_OK;
  if (r->count == r->limit) return fail(r, TERN_E_CONTENT, r->field_line, "too many recipients");
  copy = tern__copy_string(r->mem, text);
  if (copy == NULL) return no_memory(r);
  r->rcpts[r->count++] = copy;
  *at = r->count;
  return TERN_OK;
}

static int is_recipient(const tern_ready *r)
{
  if (r->field < RESENT) return r->block == NO_BLOCK && (BIT(r->field) & RECIPIENTS);
  return r->block == IN_BLOCK && (BIT(r->field - RESENT) & RECIPIENTS);
}

/* What address_list.c said of an octet or the end of the field under way. */
static tern_status take_address(tern_ready *r, int what)
{
  const char *text = r->list.text;
  uint32_t person = r->field % RESENT;

  if (what == TERN__ADDRESS_NONE) return TERN_OK;
  if (what == TERN__ADDRESS_BAD)
    return fail(r, TERN_E_ADDRESS, r->field_line, r->list.problem);
  if (tern__mailbox_check(text, NULL, NULL) != TERN_OK)
    return fail(r, TERN_E_ADDRESS, r->field_line, "an address that is none");
  if (is_recipient(r)) return add_recipient(r, text);
  if (person > SENDER || (r->field >= RESENT && r->block != IN_BLOCK)) return TERN_OK;
  r->authors += r->field == FROM;
  person += r->field >= RESENT ? 2u : 0;
  if (r->people[person] != NULL) return TERN_OK;
  r->people[person] = tern__copy_string(r->mem, text);
  return r->people[person] != NULL ? TERN_OK : no_memory(r);
}

/* ---- fields ----------------------------------------------------------------------------------------------*/
static uint8_t lookup(const tern__fields *f)
{
  uint8_t i;

  for (i = 0; i < KNOWN; i++)
    if (tern__fields_is(f, names[i])) return i;
  return f->name_len > 7 && tern__same(f->name, 7, "resent-") ? OTHER_RESENT : OTHER;
}

/* A field of that name begins: where that is, seen from the latest block of Resent- fields, which
 * is the first (RFC 5322 3.6.6) and ends with a field of another kind or of a name that it has. */
static void step_block(tern_ready *r, uint8_t field)
{
  int resent = field == OTHER_RESENT || (field >= RESENT && field < REPLY_TO);

  if (resent && r->block == NO_BLOCK) {
    r->block = IN_BLOCK;
    r->block_seen = 0;
  } else if (r->block == IN_BLOCK && (!resent || (field < KNOWN && (r->block_seen & BIT(field))))) {
    r->block = BEHIND_BLOCK;
  }
  if (resent && r->block == IN_BLOCK && field < KNOWN) r->block_seen |= BIT(field);
}

static tern_status begin_field(tern_ready *r)
{
  uint8_t before = r->block;

  r->field = lookup(&r->fields);
  r->field_line = r->fields.line;
  step_block(r, r->field);
  if (before == NO_BLOCK && r->block == IN_BLOCK) forget_recipients(r); /* the old ones have had it */
  if (r->field < KNOWN) {
    if ((ONCE & BIT(r->field)) && (r->seen & BIT(r->field)))
      return fail(r, TERN_E_CONTENT, r->fields.line, "a second field of this name");
    r->seen |= BIT(r->field);
    if (HAS_ADDRESSES & BIT(r->field)) tern__address_list_begin(&r->list);
  }
  if (r->field < KNOWN && (DROPPED & BIT(r->field))) r->dropped += r->fields.at;
  return TERN_OK;
}

static int has_addresses(const tern_ready *r)
{
  return r->field < KNOWN && (HAS_ADDRESSES & BIT(r->field));
}

static tern_status end_field(tern_ready *r)
{
  tern_status st = TERN_OK;

  if (has_addresses(r)) st = take_address(r, tern__address_list_end(&r->list));
  r->field = OTHER;
  return st;
}

/* An octet of the header, judged. */
static tern_status judge(tern_ready *r, uint8_t octet)
{
  uint32_t did;
  int drop;
  tern_status st = TERN_OK;

  did = tern__fields_put(&r->fields, octet);
  if (did & TERN__FIELD_ENDED) st = end_field(r);
  if (st != TERN_OK) return st;
  if (octet == '\0') return fail(r, TERN_E_CONTENT, r->fields.line, "a NUL");
  if (did & TERN__FIELD_BAD) return fail(r, TERN_E_CONTENT, r->fields.line, "no header field");
  if (did & TERN__FIELD_BLANK)
    return fail(r, TERN_E_CONTENT, r->fields.line, "a folded line with white space alone");
  if (r->fields.at > TERN__HEADER_LINE_MAX)
    return fail(r, TERN_E_CONTENT, r->fields.line, "a line of over 998 octets");
  if (did & TERN__FIELD_NAMED) return begin_field(r);
  if (!(did & TERN__FIELD_BODY)) return TERN_OK;
  drop = r->field < KNOWN && (DROPPED & BIT(r->field));
  if (drop) r->dropped++;
  if (octet > 127 && !drop) r->high = 1;
  return has_addresses(r) ? take_address(r, tern__address_list_put(&r->list, octet)) : TERN_OK;
}

/* ---- what is missing ---------------------------------------------------------------------------------------*/
static size_t append(char *out, size_t at, const char *text)
{
  size_t len = strlen(text);

  if (out != NULL) memcpy(out + at, text, len);
  return at + len;
}

static size_t append_field(char *out, size_t at, int resent, const char *name, const char *before,
                           const char *value, const char *after)
{
  at = append(out, at, resent ? "Resent-" : "");
  at = append(out, at, name);
  at = append(out, at, before);
  at = append(out, at, value);
  return append(out, at, after);
}

/* The fields to be added, to out (NULL: only counted); returns their octets. */
static size_t write_added(const tern_ready *r, char *out)
{
  int resent = r->resent;
  uint32_t seen = resent ? r->block_seen >> RESENT : r->seen;
  char date[TERN__DATE_TEXT];
  size_t at = 0;

  if (!(seen & BIT(FROM)) && r->from != NULL)
    at = append_field(out, at, resent, "From", ": <", r->from, ">\r\n");
  if (!(seen & BIT(DATE)) && r->dated) {
    (void)tern__date_text(date, r->seconds, r->zone);
    at = append_field(out, at, resent, "Date", ": ", date, "\r\n");
  }
  if (!(seen & BIT(MESSAGE_ID)) && r->id != NULL)
    at = append_field(out, at, resent, "Message-ID", ": <", r->id, ">\r\n");
  return at;
}

/* The header has ended: what it must have. */
static tern_status complete(tern_ready *r)
{
  int resent = r->block != NO_BLOCK;

  r->resent = (uint8_t)resent;
  if (!(r->seen & BIT(FROM)) && (resent || r->from == NULL))
    return fail(r, TERN_E_CONTENT, 0, "no From field");
  if (resent && !(r->block_seen & BIT(FROM + RESENT)) && r->from == NULL)
    return fail(r, TERN_E_CONTENT, 0, "Resent- fields without Resent-From");
  if ((r->seen & BIT(FROM)) && r->authors == 0)
    return fail(r, TERN_E_CONTENT, 0, "a From field without an address");
  if (r->authors > 1 && !(r->seen & BIT(SENDER)))
    return fail(r, TERN_E_CONTENT, 0, "several authors in From, and no Sender field");
  r->added_len = write_added(r, NULL);
  r->added = tern__alloc(r->mem, r->added_len + 1);
  if (r->added == NULL) {
    r->added_len = 0;
    return no_memory(r);
  }
  (void)write_added(r, r->added);
  r->added[r->added_len] = '\0';
  if (!tern__is_ascii(r->added)) r->high = 1;
  r->copying = FIRST;
  r->state = READ;
  return TERN_OK;
}

static tern_status read_header(tern_ready *r)
{
  tern_status st, cause = TERN_OK;
  size_t i;

  for (;;) {
    st = tern__inlet_next(&r->in, &r->piece, &cause);
    if (st == TERN_SOURCE_END) break;
    if (st == TERN_E_AGAIN) return st;
    if (st != TERN_OK) {
      r->state = FAILED;
      (void)refuse(r, st, TERN_FIELD_CONTENT);
      r->error.cause = cause;
      return st;
    }
    for (i = 0; i < r->piece.len; i++) {
      st = judge(r, r->piece.octets[i]);
      if (st != TERN_OK) return st;
      if (tern__fields_over(&r->fields)) return complete(r);
    }
  }
  st = end_field(r);
  return st == TERN_OK ? complete(r) : st;
}

tern_status tern_ready_read(tern_ready *r)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (r->state == FAILED) return r->error.status;
  if (!tern__inlet_is_set(&r->in) || r->state > READING)
    return refuse(r, TERN_E_STATE, TERN_FIELD_CONTENT);
  if (r->state == UNREAD) {
    tern__fields_begin(&r->fields);
    r->field = OTHER;
    r->state = READING;
  }
  return read_header(r);
}

/* ---- getters -----------------------------------------------------------------------------------------------*/
static int has_read(const tern_ready *r)
{
  return r != NULL && r->state == READ;
}

uint32_t tern_ready_rcpt_count(const tern_ready *r)
{
  return has_read(r) ? r->count : 0;
}

const char *tern_ready_rcpt(const tern_ready *r, uint32_t index)
{
  return index < tern_ready_rcpt_count(r) ? r->rcpts[index] : "";
}

const char *tern_ready_sender(const tern_ready *r)
{
  size_t first = 0;

  if (!has_read(r)) return "";
  if (r->resent) first = 2;
  if (r->people[first + SENDER] != NULL) return r->people[first + SENDER];
  if (r->people[first + FROM] != NULL) return r->people[first + FROM];
  return r->from != NULL ? r->from : "";
}

uint32_t tern_ready_resent(const tern_ready *r)
{
  return has_read(r) && r->resent;
}

const tern_error *tern_ready_error(const tern_ready *r)
{
  return r != NULL && r->error.status != TERN_OK ? &r->error : NULL;
}

/* ---- the source ----------------------------------------------------------------------------------------------*/
static tern_status source_rewind(void *user)
{
  tern_ready *r = user;
  tern_status st;

  if (!has_read(r)) return TERN_E_STATE;
  st = tern__inlet_rewind(&r->in);
  if (st != TERN_OK) return st;
  tern__fields_begin(&r->fields);
  r->field = OTHER;
  r->block = NO_BLOCK;
  r->block_seen = 0;
  r->inserted = r->lent = 0;
  r->line_len = 0;
  r->piece.len = 0;
  r->copying = HEADER;
  return TERN_OK;
}

static tern_status source_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  tern_ready *r = user;
  tern_status st;

  if (!has_read(r)) return TERN_E_STATE;
  st = tern__inlet_prepare(&r->in, capabilities, info);
  if (st != TERN_OK) return st;
  if (info->length != TERN_LENGTH_UNKNOWN) info->length += r->added_len - r->dropped;
  info->flags &= ~TERN_CONTENT_UTF8_HEADER;
  if (r->high) info->flags |= TERN_CONTENT_UTF8_HEADER | TERN_CONTENT_8BIT;
  return source_rewind(r);
}

static tern_status lend(const uint8_t **octets, size_t *len, const void *what, size_t count)
{
  *octets = what;
  *len = count;
  return TERN_OK;
}

/* What was missing, once; 0 where there is nothing to pass on. */
static int insert(tern_ready *r, const uint8_t **octets, size_t *len)
{
  if (r->inserted) return 0;
  r->inserted = 1;
  (void)lend(octets, len, r->added, r->added_len);
  return r->added_len != 0;
}

/* The piece's next octet goes to the line. 1: *octets are to be passed on. */
static int copy_octet(tern_ready *r, const uint8_t **octets, size_t *len)
{
  uint8_t octet = *r->piece.octets++;
  uint32_t did = tern__fields_put(&r->fields, octet);

  r->piece.len--;
  r->line[r->line_len++] = (char)octet;
  if (did & TERN__FIELD_NAMED) {
    r->field = lookup(&r->fields);
    step_block(r, r->field);
    return r->block == BEHIND_BLOCK && insert(r, octets, len);
  }
  if (did & TERN__FIELD_LAST) {
    r->copying = BODY;
    return insert(r, octets, len);
  }
  if (!(did & TERN__FIELD_LINE)) return 0;
  r->lent = 1;
  if (r->field < KNOWN && (DROPPED & BIT(r->field))) return 0;
  (void)lend(octets, len, r->line, r->line_len);
  return 1;
}

static tern_status source_read(void *user, const uint8_t **octets, size_t *len)
{
  tern_ready *r = user;
  tern_status st = TERN_OK, cause = TERN_OK;

  *len = 0;
  if (!has_read(r)) return TERN_E_STATE;
  if (r->copying == FIRST) st = source_rewind(r);
  while (st == TERN_OK) {
    if (r->lent) r->line_len = r->lent = 0;
    if (r->copying == BODY && r->line_len != 0) { /* the empty line */
      r->lent = 1;
      return lend(octets, len, r->line, r->line_len);
    }
    if (r->piece.len == 0) {
      st = tern__inlet_next(&r->in, &r->piece, &cause);
      if (st != TERN_OK) r->piece.len = 0;
      if (st == TERN_SOURCE_END && insert(r, octets, len)) return TERN_OK;
    } else if (r->copying == BODY) {
      (void)lend(octets, len, r->piece.octets, r->piece.len);
      r->piece.len = 0;
      return TERN_OK;
    } else if (r->line_len == sizeof r->line) {
      return TERN_E_CONTENT; /* it was not so long when it was read first */
    } else if (copy_octet(r, octets, len)) {
      return TERN_OK;
    }
  }
  return st == TERN_E_SOURCE ? cause : st;
}

static const tern_source table = {sizeof table, source_read, source_rewind, source_prepare};

const tern_source *tern_ready_source(void)
{
  return &table;
}
