/* bounce_text.c - reports that are text alone, as qmail (QSBMF), Exim, Postfix, Sendmail, Exchange,
 * Gmail and Yahoo write them. All are one shape: a sentence that announces addresses, the addresses,
 * and behind or below each the reason; then the message itself. What differs are the sentences, which
 * bounce_text.def has. Without one of them nothing is taken for an address.
 *
 * A guess by nature: a report's fields win over it (bounce_status.c). */
#include <string.h>

#include "base/ascii.h"
#include "base/mailbox.h"
#include "message/bounce.h"

typedef struct marker {
  const char *words; /* lower case; a leading '^': at the beginning of the line only */
  const char *format;
  uint8_t effect;
} marker;

#define TERN_BOUNCE_TEXT(words, format, effect) {words, format, TERN__SAYS_##effect},
static const marker markers[] = {
#include "message/bounce_text.def"
};
#undef TERN_BOUNCE_TEXT

static int blank(char c)
{
  return c == ' ' || c == '\t';
}

/* ---- reasons ---------------------------------------------------------------------------------------*/
/* The host that is named behind one of these. */
static void find_remote(tern_bounce *b, tern__bounce_rcpt *rcpt, const char *text, size_t len)
{
  static const char *const before[] = {"host ", "remote server at ", "talking to ", " by ", "via "};
  size_t i, at, n, end;

  for (i = 0; i < sizeof before / sizeof before[0] && rcpt->remote == NULL; i++) {
    n = strlen(before[i]);
    for (at = 0; at + n < len && rcpt->remote == NULL; at++) {
      int dots = 0;
      if (!tern__same(text + at, n, before[i])) continue;
      for (end = at + n; end < len && (tern__is_alpha((uint8_t)text[end]) || tern__is_digit((uint8_t)text[end]) ||
                                       text[end] == '-' || text[end] == '.');
           end++)
        dots += text[end] == '.' && end + 1 < len && tern__is_alpha((uint8_t)text[end + 1]);
      while (end > at + n && text[end - 1] == '.') end--;
      if (dots > 0) tern__bounce_keep(b, &rcpt->remote, text + at + n, end - at - n);
    }
  }
}

/* "(generated from bob@example.net)" of Exim. */
static void find_original(tern_bounce *b, tern__bounce_rcpt *rcpt, const char *text, size_t len)
{
  static const char words[] = "generated from ";
  const char *end;
  size_t at;

  for (at = 0; at + sizeof words <= len && rcpt->original == NULL; at++) {
    if (!tern__same(text + at, sizeof words - 1, words)) continue;
    at += sizeof words - 1;
    end = memchr(text + at, ')', len - at);
    if (end != NULL) tern__bounce_keep(b, &rcpt->original, text + at, (size_t)(end - text) - at);
  }
}

/* The reason that was read is that of the addresses above it. */
static void flush(tern_bounce *b)
{
  tern__bounce_words *w = &b->words;
  tern__bounce_rcpt *rcpt;

  if (w->reason_len == 0) return;
  for (rcpt = b->first; rcpt != NULL; rcpt = rcpt->next) {
    if (!rcpt->open) continue;
    find_remote(b, rcpt, w->reason, w->reason_len);
    find_original(b, rcpt, w->reason, w->reason_len);
    tern__bounce_judge(b, rcpt, w->reason, w->reason_len, TERN__BOUNCE_CODE_ANYWHERE);
    rcpt->open = 0;
  }
  w->reason_len = 0;
}

static void add_reason(tern__bounce_words *w, const char *text, size_t len)
{
  size_t room = TERN__BOUNCE_TEXT - w->reason_len;

  if (w->reason_len != 0 && room > 0) {
    w->reason[w->reason_len++] = '\n';
    room--;
  }
  if (len > room) len = room;
  memcpy(w->reason + w->reason_len, text, len);
  w->reason_len += len;
}

/* ---- addresses -------------------------------------------------------------------------------------*/
/* A mailbox among the len octets at text: its place and length, or 0. */
static size_t mailbox_at(const char *text, size_t len, size_t *at)
{
  char copy[256];
  size_t from, to;
  const char *sign = memchr(text, '@', len);

  if (sign == NULL) return 0;
  for (from = (size_t)(sign - text); from > 0 && !blank(text[from - 1]) && memchr("<>'\"(:[,;", text[from - 1], 9) == NULL;)
    from--;
  for (to = (size_t)(sign - text); to < len && !blank(text[to]) && memchr("<>'\"):],;", text[to], 9) == NULL;) to++;
  while (to > from && text[to - 1] == '.') to--;
  if (to - from >= sizeof copy) return 0;
  memcpy(copy, text + from, to - from);
  copy[to - from] = '\0';
  *at = from;
  return tern__mailbox_check(copy, NULL, NULL) == TERN_OK ? to - from : 0;
}

static void add_address(tern_bounce *b, const char *address, size_t len)
{
  tern__bounce_words *w = &b->words;
  tern__bounce_rcpt *rcpt = tern__bounce_find(b, address, len);

  if (rcpt == NULL) {
    rcpt = tern__bounce_rcpt_new(b);
    if (rcpt == NULL) return;
    rcpt->of_text = 1;
    rcpt->action = w->action;
    tern__bounce_keep(b, &rcpt->final, address, len);
    tern__bounce_judge(b, rcpt, "", 0, TERN__BOUNCE_CODE_NONE);
  }
  rcpt->open = 1;
}

/* Whether the line is an address of a list, alone, or with a reason behind its colon: <a@b>: reason,
 * a@b, 'a@b' on Monday, a@b<mailto:a@b>, Ann (a@b)<mailto:a@b>. *rest is where the reason begins. */
static size_t list_item(const char *line, size_t len, size_t *at, size_t *rest)
{
  size_t n = mailbox_at(line, len, at), i;

  if (n == 0) return 0;
  i = *at + n;
  *rest = len;
  if (*at > 0 && line[*at - 1] == '<' && *at == 1 && i < len && line[i] == '>') {
    i++;
    if (i < len && line[i] == ':') i++;
    *rest = i;
    while (*rest < len && blank(line[*rest])) ++*rest;
    return i == len || line[i - 1] == ':' ? n : 0;
  }
  if (*at == 1 && (line[0] == '\'' || line[0] == '"') && i < len && line[i] == line[0]) return n;
  if (tern__holds(line + i, len - i, "<mailto:")) return n;
  if (*at != 0) return 0;
  if (i < len && line[i] == ':') {
    *rest = i + 1;
    while (*rest < len && blank(line[*rest])) ++*rest;
    return n;
  }
  return i == len ? n : 0;
}

/* ---- lines -----------------------------------------------------------------------------------------*/
static void reopen(tern_bounce *b)
{
  tern__bounce_rcpt *rcpt;

  for (rcpt = b->first; rcpt != NULL; rcpt = rcpt->next) rcpt->open = 1;
}

static void announce(tern__bounce_words *w, uint8_t action)
{
  w->action = action;
  w->listing = 1;
  w->transcript = 0;
  w->after_blank = 1;
  w->after_address = 0;
}

static void take_marker(tern_bounce *b, const marker *m, const char *line, size_t len)
{
  tern__bounce_words *w = &b->words;
  tern__bounce_rcpt *rcpt;
  size_t at, n;

  if (m->format != NULL && w->format == NULL) w->format = m->format;
  switch (m->effect) {
    case TERN__SAYS_FAILED: flush(b); announce(w, TERN_ACTION_FAILED); break;
    case TERN__SAYS_DELAYED: flush(b); announce(w, TERN_ACTION_DELAYED); break;
    case TERN__SAYS_RELAYED: flush(b); announce(w, TERN_ACTION_RELAYED); break;
    case TERN__SAYS_ONE_FAILED:
    case TERN__SAYS_ONE_DELAYED:
      n = mailbox_at(line, len, &at);
      w->action = m->effect == TERN__SAYS_ONE_FAILED ? TERN_ACTION_FAILED : TERN_ACTION_DELAYED;
      if (n != 0) add_address(b, line + at, n);
      if (n != 0 && w->reason_len == 0) add_reason(w, line, len);
      break;
    case TERN__SAYS_AGAIN:
      flush(b);
      for (rcpt = b->first; rcpt != NULL; rcpt = rcpt->next) rcpt->open = 0;
      if (w->action != TERN_ACTION_NONE) announce(w, w->action);
      break;
    case TERN__SAYS_REASON:
      flush(b);
      w->reason_len = 0;
      w->listing = w->after_blank = 0;
      reopen(b);
      break;
    case TERN__SAYS_TRANSCRIPT:
      flush(b);
      w->transcript = 1;
      w->listing = 0;
      break;
    case TERN__SAYS_GENERATOR:
      for (at = strlen(m->words); at < len && blank(line[at]); at++) continue;
      if (b->mta == NULL) tern__bounce_keep(b, &b->mta, line + at, len - at);
      break;
    case TERN__SAYS_MESSAGE:
      flush(b);
      w->original = 1;
      w->listing = w->transcript = 0;
      b->mime.field_len = 0;
      break;
    default: break;
  }
}

static const marker *marker_of(const char *line, size_t len)
{
  size_t i, n;

  for (i = 0; i < sizeof markers / sizeof markers[0]; i++) {
    const char *words = markers[i].words;
    if (words[0] != '^') {
      if (tern__holds(line, len, words)) return &markers[i];
      continue;
    }
    n = strlen(words + 1);
    if (len >= n && tern__same(line, n, words + 1)) return &markers[i];
  }
  return NULL;
}

/* "<<< 550 5.1.1 ..." and "550 5.1.1 <bob@example.net>... User unknown" of Sendmail: for whom it names,
 * else for all; the first reply counts. */
static void transcript_line(tern_bounce *b, const char *line, size_t len)
{
  static const char said[] = "<<< ", host[] = "talking to ";
  tern__bounce_rcpt *rcpt, *named = NULL;
  size_t at, n;

  if (tern__holds(line, len, host)) {
    for (rcpt = b->first; rcpt != NULL; rcpt = rcpt->next) find_remote(b, rcpt, line, len);
    return;
  }
  if (len > 4 && memcmp(line, said, 4) == 0) {
    line += 4;
    len -= 4;
  }
  if (len < 4 || (line[0] != '4' && line[0] != '5') || !tern__is_digit((uint8_t)line[1]) ||
      !tern__is_digit((uint8_t)line[2]))
    return;
  n = mailbox_at(line, len, &at);
  if (n != 0) named = tern__bounce_find(b, line + at, n);
  for (rcpt = b->first; rcpt != NULL; rcpt = rcpt->next)
    if ((named == NULL || named == rcpt) && rcpt->of_text && rcpt->error.reply.code == 0)
      tern__bounce_judge(b, rcpt, line, len, TERN__BOUNCE_CODE_ANYWHERE);
}

static void plain_line(tern_bounce *b, const char *line, size_t len, uint32_t indent)
{
  tern__bounce_words *w = &b->words;
  size_t at, n, rest = len;
  int fresh = w->after_blank || w->after_address || indent < w->reason_indent;

  n = w->listing && fresh ? list_item(line, len, &at, &rest) : 0;
  if (n != 0) {
    flush(b);
    add_address(b, line + at, n);
    w->reason_indent = 0;
    w->after_address = rest == len;
    if (rest < len) add_reason(w, line + rest, len - rest);
  } else if (b->last != NULL) {
    w->after_address = 0;
    if (w->reason_len == 0) w->reason_indent = indent;
    add_reason(w, line, len);
  }
}

void tern__bounce_text_line(tern_bounce *b, const char *line, size_t len)
{
  tern__bounce_words *w = &b->words;
  const marker *m;
  uint32_t indent = 0;

  if (b->reported) return;
  if (w->original) {
    if (w->original == 1 && len == 0) return; /* before its header */
    w->original = 2;
    if (b->message_id == NULL) (void)tern__bounce_original_line(b, line, len);
    if (len == 0) w->original = 3;
    return;
  }
  while (len > 0 && blank(line[len - 1])) len--;
  for (; len > 0 && blank(*line); line++, len--) indent++;
  if (len == 0) {
    flush(b);
    w->after_blank = 1;
    w->after_address = 0;
    return;
  }
  m = marker_of(line, len);
  if (m != NULL) {
    take_marker(b, m, line, len);
    w->after_blank = w->after_blank || m->effect == TERN__SAYS_GENERATOR;
    if (m->effect != TERN__SAYS_FORMAT_ONLY || w->listing) return;
  }
  if (w->transcript)
    transcript_line(b, line, len);
  else
    plain_line(b, line, len, indent);
  w->after_blank = 0;
}

void tern__bounce_text_end(tern_bounce *b)
{
  tern__bounce_words *w = &b->words;
  const char *at = b->failed, *end;
  tern__bounce_rcpt *rcpt;

  flush(b);
  if (w->original == 2 && b->message_id == NULL) (void)tern__bounce_original_line(b, "", 0);
  /* Exim and Gmail name them in the header; what is known else comes from the text */
  if (!b->reported && w->format != NULL && b->count == 0)
    for (w->action = TERN_ACTION_FAILED; at != NULL && *at != '\0'; at = *end == ',' ? end + 1 : end) {
      size_t n, place;
      for (; blank(*at); at++) continue;
      end = strchr(at, ',') != NULL ? strchr(at, ',') : at + strlen(at);
      n = mailbox_at(at, (size_t)(end - at), &place);
      if (n != 0) add_address(b, at + place, n);
    }
  for (rcpt = b->first; rcpt != NULL; rcpt = rcpt->next) rcpt->open = 0;
  memset(w->reason, 0, 1);
  w->reason_len = 0;
  w->listing = w->transcript = w->original = w->after_blank = w->after_address = 0;
}
