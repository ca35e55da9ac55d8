/* bounce_read.c - reading a report: the record, its lines in, its values out.
 *
 * Octets become lines here, of which the beginning is kept; bounce_mime.c finds the parts,
 * bounce_status.c reads a report's fields, bounce_text.c the texts of those that send none, and
 * bounce_judge.c says which error it is. Nothing is held but the recipients. */
#include <string.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "message/bounce.h"

tern_bounce *tern_bounce_new(const tern_allocator *mem)
{
  tern_bounce *b = tern__alloc(mem, sizeof *b);

  if (b == NULL) return NULL;
  b->mem = mem;
  b->limit = TERN__BOUNCE_RECIPIENTS;
  return b;
}

static void free_rcpt(tern_bounce *b, tern__bounce_rcpt *rcpt)
{
  tern__free_string(b->mem, rcpt->final);
  tern__free_string(b->mem, rcpt->original);
  tern__free_string(b->mem, rcpt->remote);
  tern__free_string(b->mem, rcpt->text);
  tern__free_string(b->mem, rcpt->attempt);
  tern__free_string(b->mem, rcpt->retry);
  tern__free(b->mem, rcpt, sizeof *rcpt);
}

void tern_bounce_clear(tern_bounce *b)
{
  const tern_allocator *mem;
  tern__bounce_rcpt *rcpt;
  uint32_t limit;

  if (b == NULL) return;
  while ((rcpt = b->first) != NULL) {
    b->first = rcpt->next;
    free_rcpt(b, rcpt);
  }
  tern__free_string(b->mem, b->mta);
  tern__free_string(b->mem, b->envid);
  tern__free_string(b->mem, b->message_id);
  tern__free_string(b->mem, b->arrival);
  tern__free_string(b->mem, b->answers);
  tern__free_string(b->mem, b->failed);
  mem = b->mem;
  limit = b->limit;
  memset(b, 0, sizeof *b);
  b->mem = mem;
  b->limit = limit;
}

void tern_bounce_free(tern_bounce *b)
{
  if (b == NULL) return;
  tern_bounce_clear(b);
  tern__free(b->mem, b, sizeof *b);
}

tern_status tern_bounce_set_limit(tern_bounce *b, uint32_t recipients)
{
  if (b == NULL) return TERN_E_NOMEM;
  if (recipients == 0) return TERN_E_ARGUMENT;
  b->limit = recipients;
  return TERN_OK;
}

/* ---- for the readers -------------------------------------------------------------------------------*/
tern__bounce_rcpt *tern__bounce_rcpt_new(tern_bounce *b)
{
  tern__bounce_rcpt *rcpt;

  if (b->status != TERN_OK) return NULL;
  if (b->count == b->limit) {
    if (b->left_out < UINT32_MAX) b->left_out++;
    return NULL;
  }
  rcpt = tern__alloc(b->mem, sizeof *rcpt);
  if (rcpt == NULL) {
    b->status = TERN_E_NOMEM;
    return NULL;
  }
  tern__error_set(&rcpt->error, TERN_OK, TERN_PHASE_NONE);
  rcpt->error.index = b->count++;
  if (b->last != NULL)
    b->last->next = rcpt;
  else
    b->first = rcpt;
  b->last = rcpt;
  return rcpt;
}

void tern__bounce_rcpt_drop(tern_bounce *b, tern__bounce_rcpt *rcpt)
{
  tern__bounce_rcpt **at = &b->first, *before = NULL;

  while (*at != rcpt) {
    before = *at;
    at = &before->next;
  }
  *at = NULL;
  b->last = before;
  b->count--;
  free_rcpt(b, rcpt);
}

void tern__bounce_drop_texts(tern_bounce *b)
{
  tern__bounce_rcpt **at = &b->first, *rcpt;

  b->last = NULL;
  while ((rcpt = *at) != NULL) {
    if (rcpt->of_text) {
      *at = rcpt->next;
      b->count--;
      free_rcpt(b, rcpt);
    } else {
      b->last = rcpt;
      at = &rcpt->next;
    }
  }
}

void tern__bounce_keep_lines(tern_bounce *b, char **where, const char *text, size_t len)
{
  char clean[TERN__BOUNCE_TEXT + 1];
  size_t i, n = 0;

  for (i = 0; i < len && n < TERN__BOUNCE_TEXT; i++) {
    uint8_t c = (uint8_t)text[i];
    if (c == '\t' || c == '\r') c = ' ';
    if (c == ' ' && (n == 0 || clean[n - 1] == ' ' || clean[n - 1] == '\n')) continue;
    if (c == '\n' && n > 0 && clean[n - 1] == ' ') n--;
    clean[n++] = (char)((c < 32 && c != '\n') || c == 127 ? '?' : c);
  }
  if (i < len && ((uint8_t)text[i] & 0xc0) == 0x80) {
    while (n > 0 && ((uint8_t)clean[n - 1] & 0xc0) == 0x80) n--;
    if (n > 0 && (uint8_t)clean[n - 1] > 127) n--;
  }
  while (n > 0 && (clean[n - 1] == ' ' || clean[n - 1] == '\n')) n--;
  clean[n] = '\0';
  tern__free_string(b->mem, *where);
  *where = NULL;
  if (n == 0) return;
  *where = tern__copy_string(b->mem, clean);
  if (*where == NULL) b->status = TERN_E_NOMEM;
}

void tern__bounce_keep(tern_bounce *b, char **where, const char *text, size_t len)
{
  char *at;

  tern__bounce_keep_lines(b, where, text, len);
  for (at = *where; at != NULL && (at = strchr(at, '\n')) != NULL;) *at = ' ';
}

tern__bounce_rcpt *tern__bounce_find(const tern_bounce *b, const char *address, size_t len)
{
  tern__bounce_rcpt *rcpt = b->first;

  while (rcpt != NULL && (rcpt->final == NULL || !tern__same(address, len, rcpt->final)))
    rcpt = rcpt->next;
  return rcpt;
}

/* ---- in --------------------------------------------------------------------------------------------*/
static void end_line(tern_bounce *b)
{
  tern__bounce_line *raw = &b->mime.raw;

  if (raw->len > 0 && raw->octets[raw->len - 1] == '\r') raw->len--;
  raw->octets[raw->len] = '\0';
  tern__bounce_mime_line(b, raw->octets, raw->len);
  raw->len = 0;
}

tern_status tern_bounce_add(tern_bounce *b, const void *octets, size_t len)
{
  const char *at = octets, *end;
  size_t piece, room;

  if (b == NULL) return TERN_E_NOMEM;
  if (octets == NULL && len != 0) return TERN_E_ARGUMENT;
  if (b->ended) return TERN_E_STATE;
  while (len > 0 && b->status == TERN_OK) {
    end = memchr(at, '\n', len);
    piece = end != NULL ? (size_t)(end - at) : len;
    room = TERN__BOUNCE_LINE - b->mime.raw.len;
    memcpy(b->mime.raw.octets + b->mime.raw.len, at, piece < room ? piece : room);
    b->mime.raw.len += piece < room ? piece : room;
    if (end != NULL) {
      end_line(b);
      piece++;
    }
    at += piece;
    len -= piece;
  }
  return b->status;
}

tern_status tern_bounce_end(tern_bounce *b)
{
  tern__bounce_rcpt *rcpt;
  uint32_t index = 0;

  if (b == NULL) return TERN_E_NOMEM;
  if (!b->ended) {
    if (b->mime.raw.len > 0) end_line(b);
    tern__bounce_mime_end(b);
    b->ended = 1;
  }
  for (rcpt = b->first; rcpt != NULL; rcpt = rcpt->next) rcpt->error.index = index++;
  if (b->status != TERN_OK) return b->status;
  return b->count + b->left_out != 0 ? TERN_OK : TERN_E_CONTENT;
}

tern_status tern_bounce_read(tern_bounce *b, const tern_source *source, void *user)
{
  const uint8_t *octets;
  tern_status st, kept;
  size_t len;

  if (b == NULL) return TERN_E_NOMEM;
  if (source == NULL || source->size < offsetof(tern_source, rewind) || source->read == NULL)
    return TERN_E_ARGUMENT;
  for (;;) {
    octets = NULL;
    len = 0;
    st = source->read(user, &octets, &len);
    if (st == TERN_E_AGAIN) return st;
    if (st < 0) return TERN_E_SOURCE;
    kept = tern_bounce_add(b, octets, len);
    if (kept != TERN_OK) return kept;
    if (st == TERN_SOURCE_END) return tern_bounce_end(b);
  }
}

/* ---- out -------------------------------------------------------------------------------------------*/
static const char *text_of(const char *text)
{
  return text != NULL ? text : "";
}

static const tern__bounce_rcpt *rcpt_at(const tern_bounce *b, uint32_t index)
{
  const tern__bounce_rcpt *rcpt = b != NULL ? b->first : NULL;

  while (rcpt != NULL && index-- != 0) rcpt = rcpt->next;
  return rcpt;
}

const char *tern_bounce_format(const tern_bounce *b)
{
  if (b == NULL || b->count + b->left_out == 0) return "";
  return b->reported ? "rfc3464" : text_of(b->words.format);
}

const char *tern_bounce_reporting_mta(const tern_bounce *b)
{
  return b != NULL ? text_of(b->mta) : "";
}

const char *tern_bounce_envid(const tern_bounce *b)
{
  return b != NULL ? text_of(b->envid) : "";
}

const char *tern_bounce_message_id(const tern_bounce *b)
{
  if (b == NULL) return "";
  return text_of(b->message_id != NULL ? b->message_id : b->answers);
}

const char *tern_bounce_arrival(const tern_bounce *b)
{
  return b != NULL ? text_of(b->arrival) : "";
}

uint32_t tern_bounce_rcpt_count(const tern_bounce *b)
{
  return b != NULL ? b->count : 0;
}

uint32_t tern_bounce_left_out(const tern_bounce *b)
{
  return b != NULL ? b->left_out : 0;
}

const char *tern_bounce_rcpt_final(const tern_bounce *b, uint32_t index)
{
  const tern__bounce_rcpt *rcpt = rcpt_at(b, index);

  return rcpt != NULL ? text_of(rcpt->final) : "";
}

const char *tern_bounce_rcpt_original(const tern_bounce *b, uint32_t index)
{
  const tern__bounce_rcpt *rcpt = rcpt_at(b, index);

  return rcpt != NULL ? text_of(rcpt->original) : "";
}

uint32_t tern_bounce_rcpt_action(const tern_bounce *b, uint32_t index)
{
  const tern__bounce_rcpt *rcpt = rcpt_at(b, index);

  return rcpt != NULL ? rcpt->action : TERN_ACTION_NONE;
}

uint32_t tern_bounce_rcpt_outcome(const tern_bounce *b, uint32_t index)
{
  uint32_t action = tern_bounce_rcpt_action(b, index);

  return action == TERN_ACTION_NONE      ? TERN_UNKNOWN
         : action == TERN_ACTION_FAILED  ? TERN_REJECTED
         : action == TERN_ACTION_DELAYED ? TERN_DEFERRED
                                         : TERN_ACCEPTED;
}

const char *tern_bounce_rcpt_code(const tern_bounce *b, uint32_t index)
{
  const tern__bounce_rcpt *rcpt = rcpt_at(b, index);

  return rcpt != NULL ? rcpt->code : "";
}

const tern_error *tern_bounce_rcpt_error(const tern_bounce *b, uint32_t index)
{
  static const tern_error none = {0, 0, {NULL, 0, ""}, NULL, 0, UINT16_MAX, 0, 0, 0, 0};
  const tern__bounce_rcpt *rcpt = rcpt_at(b, index);

  return rcpt != NULL ? &rcpt->error : &none;
}

const char *tern_bounce_rcpt_remote_mta(const tern_bounce *b, uint32_t index)
{
  const tern__bounce_rcpt *rcpt = rcpt_at(b, index);

  return rcpt != NULL ? text_of(rcpt->remote) : "";
}

const char *tern_bounce_rcpt_last_attempt(const tern_bounce *b, uint32_t index)
{
  const tern__bounce_rcpt *rcpt = rcpt_at(b, index);

  return rcpt != NULL ? text_of(rcpt->attempt) : "";
}

const char *tern_bounce_rcpt_retry_until(const tern_bounce *b, uint32_t index)
{
  const tern__bounce_rcpt *rcpt = rcpt_at(b, index);

  return rcpt != NULL ? text_of(rcpt->retry) : "";
}

const char *tern_action_name(uint32_t action)
{
  static const char *const names[] = {"", "failed", "delayed", "delivered", "relayed", "expanded"};

  return action < sizeof names / sizeof names[0] ? names[action] : "";
}
