/* message.c - the builder: what a program says of a message, checked and kept.
 *
 * Keeps what it is told and makes nothing of it: address.c has the addresses, part.c the tree and
 * the encodings, writer.c makes the octets whenever they are asked for. Every value is checked where
 * it comes in, so that nothing behind has to: no CR, LF or other control can reach a header.
 * Limit: strings that were replaced keep their memory until the message is cleared. */
#include "message/message.h"

#include <string.h>
#include <tern/session.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "message/fields.h"
#include "message/header.h"

#define BUFFER_HEAP 16384u
#define BUFFER_OWN 1024u
#define TOKEN_MAX 900u /* what cannot be folded must leave room in a line of 998 */

/* ---- memory --------------------------------------------------------------------------------------*/
union aligned_block {
  tern__block block;
  void *pointer;
  long long integer;
  long double real;
};

void *tern__message_take(tern_message *msg, size_t size, void (*drop)(void *))
{
  union aligned_block *b = NULL;

  if (size < SIZE_MAX - sizeof *b) b = tern__alloc(msg->mem, sizeof *b + size);
  if (b == NULL) {
    (void)tern__message_wrong(msg, TERN_E_NOMEM, TERN_FIELD_NONE, NULL, SIZE_MAX);
    return NULL;
  }
  b->block.before = msg->blocks;
  b->block.size = sizeof *b + size;
  b->block.drop = drop;
  msg->blocks = &b->block;
  return b + 1;
}

static void give_back(tern_message *msg)
{
  while (msg->blocks != NULL) {
    union aligned_block *b = (union aligned_block *)(void *)msg->blocks;

    if (b->block.drop != NULL) b->block.drop(b + 1);
    msg->blocks = b->block.before;
    tern__free(msg->mem, b, b->block.size);
  }
}

char *tern__message_copy(tern_message *msg, const char *text, size_t len)
{
  char *copy = tern__message_take(msg, len + 1, NULL);

  if (copy != NULL) memcpy(copy, text, len); /* the NUL is there: blocks come zeroed */
  return copy;
}

tern_message *tern_message_new(const tern_allocator *mem)
{
  tern_message *msg = tern__alloc(mem, sizeof *msg);

  if (msg == NULL) return NULL;
  msg->mem = mem;
  msg->buffer_size = mem == NULL ? BUFFER_HEAP : BUFFER_OWN;
  msg->buffer = tern__alloc(mem, msg->buffer_size);
  if (msg->buffer == NULL) {
    tern__free(mem, msg, sizeof *msg);
    return NULL;
  }
  (void)tern_message_clear(msg);
  return msg;
}

void tern_message_free(tern_message *msg)
{
  if (msg == NULL) return;
  give_back(msg);
  tern__free(msg->mem, msg->buffer, msg->buffer_size);
  tern__free(msg->mem, msg, sizeof *msg);
}

tern_status tern_message_clear(tern_message *msg)
{
  tern_message kept;

  if (msg == NULL) return TERN_E_NOMEM;
  give_back(msg);
  kept = *msg;
  memset(msg, 0, sizeof *msg);
  msg->mem = kept.mem;
  msg->buffer = kept.buffer;
  msg->buffer_size = kept.buffer_size;
  msg->random = kept.random;
  msg->random_user = kept.random_user;
  msg->to_ascii = kept.to_ascii;
  msg->to_ascii_user = kept.to_ascii_user;
  msg->boundaries = 4; /* 1 to 3 are those of the parts that arranging makes */
  msg->length = TERN_LENGTH_UNKNOWN;
  tern__error_set(&msg->error, TERN_OK, TERN_PHASE_NONE);
  return TERN_OK;
}

/* ---- errors --------------------------------------------------------------------------------------*/
const tern_error *tern_message_error(const tern_message *msg)
{
  static const tern_error none = {.status = TERN_E_NOMEM, .position = UINT16_MAX};

  return msg != NULL ? &msg->error : &none;
}

tern_status tern__message_wrong(tern_message *msg, tern_status status, uint32_t field,
                                const char *text, size_t position)
{
  if (msg->error.status == TERN_OK) tern__error_field(&msg->error, status, field, text, position);
  return msg->error.status;
}

tern_status tern__message_setter(tern_message *msg)
{
  if (msg == NULL) return TERN_E_NOMEM;
  msg->prepared = 0;
  return msg->error.status;
}

tern_status tern__message_value(tern_message *msg, uint32_t field, const char *text)
{
  size_t bad;

  if (text == NULL) return tern__message_wrong(msg, TERN_E_ARGUMENT, field, NULL, SIZE_MAX);
  bad = tern__header_bad(text);
  return bad == 0 ? TERN_OK : tern__message_wrong(msg, TERN_E_CONTENT, field, text, bad - 1);
}

/* ---- fields --------------------------------------------------------------------------------------*/
/* Names that are not just text, or stand in a place of their own. */
typedef struct known {
  const char *name;
  uint8_t rank;
  uint8_t kind;
  uint8_t once; /* RFC 5322 3.6: no second one */
} known;

static const known *known_name(const char *name)
{
  static const known table[] = {
      {"date", TERN__RANK_DATE, TERN__KIND_TOKENS, 1},
      {"from", TERN__RANK_FROM, TERN__KIND_ADDRESS, 1},
      {"sender", TERN__RANK_SENDER, TERN__KIND_ADDRESS, 1},
      {"reply-to", TERN__RANK_REPLY_TO, TERN__KIND_ADDRESS, 1},
      {"to", TERN__RANK_TO, TERN__KIND_ADDRESS, 1},
      {"cc", TERN__RANK_CC, TERN__KIND_ADDRESS, 1},
      {"message-id", TERN__RANK_MESSAGE_ID, TERN__KIND_TOKENS, 1},
      {"in-reply-to", TERN__RANK_IN_REPLY_TO, TERN__KIND_TOKENS, 1},
      {"references", TERN__RANK_REFERENCES, TERN__KIND_TOKENS, 1},
      {"subject", TERN__RANK_SUBJECT, TERN__KIND_TEXT, 1},
      {"resent-date", TERN__RANK_OTHER, TERN__KIND_TOKENS, 0},
      {"resent-from", TERN__RANK_OTHER, TERN__KIND_ADDRESS, 0},
      {"resent-sender", TERN__RANK_OTHER, TERN__KIND_ADDRESS, 0},
      {"resent-to", TERN__RANK_OTHER, TERN__KIND_ADDRESS, 0},
      {"resent-cc", TERN__RANK_OTHER, TERN__KIND_ADDRESS, 0},
      {"resent-message-id", TERN__RANK_OTHER, TERN__KIND_TOKENS, 0},
      {"disposition-notification-to", TERN__RANK_OTHER, TERN__KIND_ADDRESS, 1},
      {"auto-submitted", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"importance", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"x-priority", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"list-unsubscribe", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"list-unsubscribe-post", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"list-post", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"list-help", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"list-subscribe", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"list-archive", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"list-owner", TERN__RANK_OTHER, TERN__KIND_TOKENS, 1},
      {"return-path", TERN__RANK_OTHER, TERN__KIND_TOKENS, 0},
      {"received", TERN__RANK_OTHER, TERN__KIND_TOKENS, 0},
  };
  static const known other = {"", TERN__RANK_OTHER, TERN__KIND_TEXT, 0};
  size_t i;

  for (i = 0; i < sizeof table / sizeof table[0]; i++)
    if (tern__same(name, strlen(name), table[i].name)) return &table[i];
  return &other;
}

const tern__field *tern__message_field(const tern_message *msg, uint32_t rank)
{
  const tern__field *f;

  for (f = msg->fields; f != NULL; f = f->next)
    if (f->rank == rank && !f->gone) return f;
  return NULL;
}

/* A value of ASCII words, none of which is too long for a line. */
static tern_status check_tokens(tern_message *msg, uint32_t field, const char *value)
{
  size_t i, word = 0;

  for (i = 0; value[i] != '\0'; i++) {
    word = value[i] == ' ' ? 0 : word + 1;
    if ((uint8_t)value[i] > 127 || word > TOKEN_MAX)
      return tern__message_wrong(msg, TERN_E_CONTENT, field, value, i);
  }
  return TERN_OK;
}

/* Adds a field; value is checked as to its octets. replace: what stands under that name goes. */
static tern_status add_field(tern_message *msg, uint32_t field, const char *name, const char *value,
                             size_t len, int literal, int replace)
{
  const known *k = known_name(name);
  tern__field *f = tern__message_take(msg, sizeof *f, NULL), *old;

  if (f == NULL) return TERN_E_NOMEM;
  f->name = tern__message_copy(msg, name, strlen(name));
  f->value = tern__message_copy(msg, value, len);
  if (f->name == NULL || f->value == NULL) return TERN_E_NOMEM;
  f->rank = k->rank;
  f->kind = k->kind;
  f->literal = (uint8_t)literal;
  if (k->kind == TERN__KIND_TOKENS && check_tokens(msg, field, f->value) != TERN_OK)
    return msg->error.status;
  if (k->kind == TERN__KIND_ADDRESS && tern__address_parse(msg, f) != TERN_OK)
    return msg->error.status;
  for (old = msg->fields; old != NULL; old = old->next)
    if ((replace || k->once || !old->literal) && tern__same(name, strlen(name), old->name))
      old->gone = 1;
  if (msg->last_field != NULL)
    msg->last_field->next = f;
  else
    msg->fields = f;
  msg->last_field = f;
  return TERN_OK;
}

static tern_status set_field(tern_message *msg, uint32_t field, const char *name, const char *value)
{
  tern_status st = tern__message_setter(msg);

  if (st == TERN_OK) st = tern__message_value(msg, field, value);
  return st == TERN_OK ? add_field(msg, field, name, value, strlen(value), 0, 1) : st;
}

tern_status tern_message_subject(tern_message *msg, const char *text)
{
  return set_field(msg, TERN_FIELD_SUBJECT, "Subject", text);
}

tern_status tern_message_auto_submitted(tern_message *msg, const char *keyword)
{
  return set_field(msg, TERN_FIELD_AUTO_SUBMITTED, "Auto-Submitted", keyword);
}

static int is_space(char c)
{
  return c == ' ' || c == '\t';
}

tern_status tern_message_header(tern_message *msg, const char *name, const char *value)
{
  tern_status st = tern__message_setter(msg);
  size_t bad, len;

  if (st != TERN_OK) return st;
  if (name == NULL) return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_HEADER_NAME, NULL, 0);
  bad = tern__header_bad_name(name);
  len = strlen(name);
  if (bad != 0 || len > 76)
    return tern__message_wrong(msg, TERN_E_CONTENT, TERN_FIELD_HEADER_NAME, name,
                               bad != 0 ? bad - 1 : 76);
  if (tern__same(name, len, "bcc") || tern__same(name, len, "resent-bcc") ||
      tern__same(name, len, "mime-version") ||
      (len >= 8 && tern__same(name, 8, "content-")))
    return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_HEADER_NAME, name, SIZE_MAX);
  st = tern__message_value(msg, TERN_FIELD_HEADER_VALUE, value);
  if (st != TERN_OK) return st;
  while (is_space(*value)) value++;
  for (len = strlen(value); len > 0 && is_space(value[len - 1]);) len--;
  return add_field(msg, TERN_FIELD_HEADER_VALUE, name, value, len, 1, 0);
}

tern_status tern_message_date(tern_message *msg, int64_t seconds, int32_t zone)
{
  tern_status st = tern__message_setter(msg);
  char text[TERN__DATE_TEXT];

  if (st != TERN_OK) return st;
  if (tern__date_text(text, seconds, zone) == 0)
    return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_DATE, NULL, SIZE_MAX);
  return set_field(msg, TERN_FIELD_DATE, "Date", text);
}

tern_status tern_message_importance(tern_message *msg, uint32_t importance)
{
  static const char *const words[] = {"low", "normal", "high"};
  static const char *const numbers[] = {"5", "3", "1"}; /* for readers that know only this one */
  tern_status st = tern__message_setter(msg);

  if (st != TERN_OK) return st;
  if (importance < TERN_IMPORTANCE_LOW || importance > TERN_IMPORTANCE_HIGH)
    return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_IMPORTANCE, NULL, SIZE_MAX);
  st = set_field(msg, TERN_FIELD_IMPORTANCE, "Importance", words[importance - 1]);
  return st == TERN_OK
             ? set_field(msg, TERN_FIELD_IMPORTANCE, "X-Priority", numbers[importance - 1])
             : st;
}

/* ---- identifiers and URIs ------------------------------------------------------------------------*/
/* Copies the words of text, each in angle brackets, with the separator between them. The octets of
 * a word: printable ASCII but angle brackets; max: how many words there may be. */
static tern_status set_bracketed(tern_message *msg, uint32_t field, const char *name,
                                 const char *text, const char *between, size_t max)
{
  tern_status st = tern__message_setter(msg);
  size_t i, n = 0, words = 0, gap = strlen(between);
  char *out;

  if (st == TERN_OK) st = tern__message_value(msg, field, text);
  if (st != TERN_OK) return st;
  /* at worst each second octet is a word of its own */
  out = tern__message_take(msg, strlen(text) * (gap + 3) + 3, NULL);
  if (out == NULL) return TERN_E_NOMEM;
  for (i = 0; text[i] != '\0';) {
    if (text[i] == ' ') {
      i++;
      continue;
    }
    if (words > 0) memcpy(out + n, between, gap);
    n += words > 0 ? gap : 0;
    out[n++] = '<';
    for (; text[i] != '\0' && text[i] != ' '; out[n++] = text[i++])
      if (text[i] <= 0x20 || text[i] == '<' || text[i] == '>' || (uint8_t)text[i] > 126)
        return tern__message_wrong(msg, TERN_E_CONTENT, field, text, i);
    out[n++] = '>';
    words++;
  }
  if (words == 0 || words > max)
    return tern__message_wrong(msg, TERN_E_ARGUMENT, field, NULL, SIZE_MAX);
  return add_field(msg, field, name, out, n, 0, 1);
}

tern_status tern_message_message_id(tern_message *msg, const char *id)
{
  const char *at = id != NULL ? strchr(id, '@') : NULL;

  if (msg != NULL && id != NULL && (at == NULL || at == id || at[1] == '\0'))
    return tern__message_wrong(msg, TERN_E_CONTENT, TERN_FIELD_MESSAGE_ID, id, strlen(id));
  return set_bracketed(msg, TERN_FIELD_MESSAGE_ID, "Message-ID", id, " ", 1);
}

tern_status tern_message_in_reply_to(tern_message *msg, const char *ids)
{
  return set_bracketed(msg, TERN_FIELD_IN_REPLY_TO, "In-Reply-To", ids, " ", SIZE_MAX);
}

tern_status tern_message_references(tern_message *msg, const char *ids)
{
  return set_bracketed(msg, TERN_FIELD_REFERENCES, "References", ids, " ", SIZE_MAX);
}

tern_status tern_message_list_unsubscribe(tern_message *msg, const char *uris, uint32_t one_click)
{
  tern_status st =
      set_bracketed(msg, TERN_FIELD_LIST_UNSUBSCRIBE, "List-Unsubscribe", uris, ", ", SIZE_MAX);

  if (st != TERN_OK || !one_click) return st;
  if (!tern__holds(uris, strlen(uris), "https://")) /* RFC 8058 3.1 */
    return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_LIST_UNSUBSCRIBE, NULL, SIZE_MAX);
  return set_field(msg, TERN_FIELD_LIST_UNSUBSCRIBE, "List-Unsubscribe-Post",
                   "List-Unsubscribe=One-Click");
}

/* ---- addresses -----------------------------------------------------------------------------------*/
static tern_status add_address(tern_message *msg, uint32_t rank, uint32_t field, const char *name,
                               const char *address)
{
  tern_status st = tern__message_setter(msg);

  if (st != TERN_OK) return st;
  (void)tern__address_new(msg, rank, field, name, address);
  return msg->error.status;
}

tern_status tern_message_from(tern_message *msg, const char *name, const char *address)
{
  return add_address(msg, TERN__RANK_FROM, TERN_FIELD_FROM, name, address);
}

tern_status tern_message_sender(tern_message *msg, const char *name, const char *address)
{
  tern_status st = tern__message_setter(msg);

  if (st == TERN_OK && tern__address_next(msg, TERN__RANK_SENDER, NULL, NULL) != NULL)
    return tern__message_wrong(msg, TERN_E_STATE, TERN_FIELD_SENDER, NULL, SIZE_MAX); /* one only */
  return add_address(msg, TERN__RANK_SENDER, TERN_FIELD_SENDER, name, address);
}

tern_status tern_message_reply_to(tern_message *msg, const char *name, const char *address)
{
  return add_address(msg, TERN__RANK_REPLY_TO, TERN_FIELD_REPLY_TO, name, address);
}

tern_status tern_message_to(tern_message *msg, const char *name, const char *address)
{
  return add_address(msg, TERN__RANK_TO, TERN_FIELD_TO, name, address);
}

tern_status tern_message_cc(tern_message *msg, const char *name, const char *address)
{
  return add_address(msg, TERN__RANK_CC, TERN_FIELD_CC, name, address);
}

tern_status tern_message_bcc(tern_message *msg, const char *name, const char *address)
{
  return add_address(msg, TERN__RANKS, TERN_FIELD_BCC, name, address);
}

tern_status tern_message_group(tern_message *msg, uint32_t field, const char *name)
{
  tern_status st = tern__message_setter(msg);
  uint32_t rank;

  if (st != TERN_OK) return st;
  switch (field) {
  case TERN_FIELD_TO: rank = TERN__RANK_TO; break;
  case TERN_FIELD_CC: rank = TERN__RANK_CC; break;
  case TERN_FIELD_REPLY_TO: rank = TERN__RANK_REPLY_TO; break;
  default: return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_GROUP, NULL, SIZE_MAX);
  }
  if (name != NULL && tern__message_value(msg, TERN_FIELD_GROUP, name) != TERN_OK)
    return msg->error.status;
  if (msg->open_group[rank] && tern__address_group(msg, rank, NULL) == NULL) return TERN_E_NOMEM;
  msg->open_group[rank] = name != NULL;
  if (name != NULL) (void)tern__address_group(msg, rank, name);
  return msg->error.status;
}

/* ---- settings ------------------------------------------------------------------------------------*/
tern_status tern_message_set_encoding(tern_message *msg, uint32_t encoding)
{
  tern_status st = tern__message_setter(msg);

  if (st != TERN_OK) return st;
  if (encoding > TERN_ENCODING_BASE64)
    return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_ENCODING, NULL, SIZE_MAX);
  msg->encoding = (uint8_t)encoding;
  return TERN_OK;
}

tern_status tern_message_set_buffer(tern_message *msg, size_t octets)
{
  tern_status st = tern__message_setter(msg);
  uint8_t *buffer;

  if (st != TERN_OK) return st;
  if (octets < TERN_MESSAGE_BUFFER_MIN) return TERN_E_ARGUMENT;
  buffer = tern__alloc(msg->mem, octets);
  if (buffer == NULL) return TERN_E_NOMEM;
  tern__free(msg->mem, msg->buffer, msg->buffer_size);
  msg->buffer = buffer;
  msg->buffer_size = octets;
  return TERN_OK;
}

tern_status tern_message_set_random(tern_message *msg,
                                    tern_status (*random)(void *user, uint8_t *out, size_t len),
                                    void *user)
{
  if (msg == NULL) return TERN_E_NOMEM;
  msg->random = random;
  msg->random_user = user;
  return TERN_OK;
}

tern_status tern_message_set_idn(tern_message *msg,
                                 tern_status (*to_ascii)(void *user, const char *domain, char *out,
                                                         size_t cap),
                                 void *user)
{
  if (msg == NULL) return TERN_E_NOMEM;
  msg->to_ascii = to_ascii;
  msg->to_ascii_user = user;
  return TERN_OK;
}

/* ---- what the library adds -----------------------------------------------------------------------*/
/* The first address of From, given in either way. */
static const tern__address *author(const tern_message *msg)
{
  return tern__address_next(msg, TERN__RANK_FROM, tern__message_field(msg, TERN__RANK_FROM), NULL);
}

static tern_status make_message_id(tern_message *msg)
{
  char id[32 + 256];
  const tern__address *from = author(msg);
  const char *domain = from == NULL ? NULL : from->ascii != NULL ? from->ascii : from->address;
  size_t len;

  domain = domain != NULL ? strrchr(domain, '@') : NULL;
  if (domain == NULL || strlen(domain) > 256 - 2 || !tern__is_ascii(domain)) domain = "@localhost";
  tern__letters(id, msg->seed, 15); /* 24 letters */
  len = strlen(id);
  memcpy(id + len, domain, strlen(domain) + 1);
  return tern_message_message_id(msg, id);
}

/* Randomness, and the Message-ID that comes of it. */
static tern_status seed(tern_message *msg,
                        tern_status (*random)(void *user, uint8_t *out, size_t len), void *user)
{
  if (!msg->seeded && random != NULL) {
    if (random(user, msg->seed, sizeof msg->seed) != TERN_OK)
      return tern__message_wrong(msg, TERN_E_RANDOM, TERN_FIELD_NONE, NULL, SIZE_MAX);
    msg->seeded = 1;
  }
  if (!msg->seeded || tern__message_field(msg, TERN__RANK_MESSAGE_ID) != NULL) return TERN_OK;
  return make_message_id(msg);
}

tern_status tern__message_stamp(tern_message *msg, int64_t seconds, int32_t zone,
                                tern_status (*random)(void *user, uint8_t *out, size_t len))
{
  tern_status st = tern__message_setter(msg);

  if (st == TERN_OK && tern__message_field(msg, TERN__RANK_DATE) == NULL)
    st = tern_message_date(msg, seconds, zone);
  if (st == TERN_OK && msg->random == NULL) st = seed(msg, random, NULL);
  return st;
}

/* Closes groups, and adds the Sender that more than one author needs (RFC 5322 3.6.2). */
static tern_status complete(tern_message *msg)
{
  const tern__field *given = tern__message_field(msg, TERN__RANK_FROM);
  const tern__address *from = author(msg);
  uint32_t rank;

  for (rank = 0; rank < TERN__RANKS; rank++) {
    if (msg->open_group[rank] && tern__address_group(msg, rank, NULL) == NULL) return TERN_E_NOMEM;
    msg->open_group[rank] = 0;
  }
  if (from == NULL || from->address == NULL)
    return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_FROM, NULL, SIZE_MAX);
  if (tern__message_field(msg, TERN__RANK_DATE) == NULL)
    return tern__message_wrong(msg, TERN_E_ARGUMENT, TERN_FIELD_DATE, NULL, SIZE_MAX);
  if (tern__address_next(msg, TERN__RANK_FROM, given, from) == NULL ||
      tern__message_field(msg, TERN__RANK_SENDER) != NULL ||
      tern__address_next(msg, TERN__RANK_SENDER, NULL, NULL) != NULL)
    return TERN_OK;
  (void)tern__address_new(msg, TERN__RANK_SENDER, TERN_FIELD_SENDER, from->name, from->address);
  return msg->error.status;
}

tern_status tern_message_check(tern_message *msg)
{
  tern_status st = tern__message_setter(msg);
  tern_part *p;

  if (st == TERN_OK) st = seed(msg, msg->random, msg->random_user);
  if (st == TERN_OK) st = complete(msg);
  if (st == TERN_OK) st = tern__parts_arrange(msg);
  for (p = msg != NULL ? msg->parts : NULL; st == TERN_OK && p != NULL; p = p->link) {
    if (p->gone || p->multipart) continue;
    st = tern__part_scan(p);
    if (st == TERN_OK) st = tern__part_choose(p, UINT32_MAX);
  }
  return st;
}

/* ---- the source ----------------------------------------------------------------------------------*/
static int wide(const tern_part *p)
{
  return p->encoding == TERN_ENCODING_8BIT || p->encoding == TERN_ENCODING_BINARY;
}

/* The encodings of all parts and the length that follows. */
static tern_status choose(tern_message *msg, uint32_t capabilities)
{
  tern_part *p, *up;
  tern_status st;

  for (p = msg->parts; p != NULL; p = p->link)
    if (p->multipart) p->encoding = TERN_ENCODING_7BIT;
  msg->mixed.encoding = msg->related.encoding = msg->alternative.encoding = TERN_ENCODING_7BIT;
  for (p = msg->parts; p != NULL; p = p->link) {
    if (p->gone || p->multipart) continue;
    st = tern__part_choose(p, capabilities);
    if (st != TERN_OK) return st;
    for (up = p->parent; up != NULL && up->encoding != TERN_ENCODING_BINARY && wide(p); up = up->parent)
      up->encoding = p->encoding; /* RFC 2045 6.4 */
  }
  msg->length = tern__writer_length(msg);
  if (msg->length == TERN_LENGTH_UNKNOWN && msg->root->encoding == TERN_ENCODING_BINARY)
    return choose(msg, capabilities & ~TERN_CAP_BINARYMIME); /* BDAT wants it */
  return TERN_OK;
}

static tern_status source_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  tern_message *msg = user;
  tern_status st = tern_message_check(msg);

  if (st != TERN_OK) return st;
  msg->utf8 = msg->needs_utf8 && (capabilities & TERN_CAP_SMTPUTF8) != 0;
  st = choose(msg, capabilities);
  if (st != TERN_OK) return st;
  msg->prepared = 1;
  tern__writer_begin(&msg->writer, msg);
  info->length = msg->length;
  info->flags = msg->root->encoding == TERN_ENCODING_8BIT     ? TERN_CONTENT_8BIT
                : msg->root->encoding == TERN_ENCODING_BINARY ? TERN_CONTENT_BINARY
                                                              : 0u;
  /* without SMTPUTF8 there is no form of it that could be sent: the engine says so */
  if (msg->needs_utf8) info->flags |= TERN_CONTENT_UTF8_HEADER | TERN_CONTENT_8BIT;
  return TERN_OK;
}

static tern_status source_rewind(void *user)
{
  tern_message *msg = user;
  const tern_part *p;

  for (p = msg->parts; p != NULL; p = p->link)
    if (p->source_read && (p->source->size < offsetof(tern_source, prepare) || !p->source->rewind))
      return TERN_E_REWIND;
  tern__writer_begin(&msg->writer, msg);
  return TERN_OK;
}

static tern_status source_read(void *user, const uint8_t **octets, size_t *len)
{
  tern_message *msg = user;
  tern_content_info info;

  if (!msg->prepared) {
    tern_status st = source_prepare(msg, 0, &info);
    if (st != TERN_OK) return st;
  }
  return tern__writer_read(&msg->writer, msg, octets, len);
}

const tern_source *tern_message_source(void)
{
  static const tern_source source = {sizeof source, source_read, source_rewind, source_prepare};

  return &source;
}
