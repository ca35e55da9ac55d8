/* bounce_status.c - the fields of message/delivery-status (RFC 3464 2, RFC 6533 3). Lenient: comments
 * are skipped, a second Final-Recipient begins a recipient even without the empty line before it, and
 * fields come in any order. */
#include <string.h>

#include "base/ascii.h"
#include "message/bounce.h"

enum { MTA, ENVID, ARRIVAL, OF_RCPT, ORIGINAL_RCPT = OF_RCPT, FINAL_RCPT, ACTION, CODE, REMOTE, DIAGNOSTIC, ATTEMPT, RETRY, NAMED };

static int blank(char c)
{
  return c == ' ' || c == '\t' || c == '\n';
}

/* Behind white space and comments. */
static size_t skip(const char *text, size_t at, size_t len)
{
  uint32_t depth = 0;

  for (; at < len && (depth != 0 || blank(text[at]) || text[at] == '('); at++) {
    if (text[at] == '(') depth++;
    if (text[at] == ')') depth--;
  }
  return at;
}

static size_t trimmed(const char *text, size_t len)
{
  while (len > 0 && blank(text[len - 1])) len--;
  return len;
}

/* What follows the type "rfc822;"; the whole where there is none. */
static size_t behind_type(const char *text, size_t len)
{
  const char *semicolon = memchr(text, ';', len);

  return semicolon != NULL ? skip(text, (size_t)(semicolon - text) + 1, len) : skip(text, 0, len);
}

/* "\x{F6}" (RFC 6533 3) is the character in UTF-8; anything else stays. Returns the new length. */
static size_t from_xtext(char *text, size_t len)
{
  size_t i = 0, n = 0, at;
  uint32_t c;

  while (i < len) {
    c = 0;
    at = i + 3;
    if (i + 4 < len && memcmp(text + i, "\\x{", 3) == 0)
      for (; at < len && at < i + 9 && text[at] != '}'; at++) {
        uint8_t digit = tern__lower((uint8_t)text[at]);
        if (!tern__is_digit(digit) && (digit < 'a' || digit > 'f')) break;
        c = c << 4 | (tern__is_digit(digit) ? digit - (uint32_t)'0' : digit - 'a' + 10u);
      }
    if (c == 0 || at >= len || text[at] != '}' || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
      text[n++] = text[i++];
      continue;
    }
    if (c >= 0x10000) {
      text[n++] = (char)(0xf0 | c >> 18);
      text[n++] = (char)(0x80 | (c >> 12 & 63));
    } else if (c >= 0x800) {
      text[n++] = (char)(0xe0 | c >> 12);
    }
    if (c >= 0x800) text[n++] = (char)(0x80 | (c >> 6 & 63));
    else if (c >= 0x80) text[n++] = (char)(0xc0 | c >> 6);
    text[n++] = (char)(c >= 0x80 ? 0x80 | (c & 63) : c);
    i = at + 1;
  }
  return n;
}

static void keep_address(tern_bounce *b, char **where, const char *value, size_t len)
{
  char text[TERN__BOUNCE_TEXT];
  size_t at = behind_type(value, len), n = trimmed(value + at, len - at);
  int utf8 = len > 5 && tern__same(value, 5, "utf-8");

  if (n > 1 && value[at] == '<' && value[at + n - 1] == '>') {
    at++;
    n -= 2;
  }
  if (n > sizeof text) n = sizeof text;
  memcpy(text, value + at, n);
  tern__bounce_keep(b, where, text, utf8 ? from_xtext(text, n) : n);
}

/* Without comments and the root's dot. */
static void keep_host(tern_bounce *b, char **where, const char *value, size_t len)
{
  size_t at = behind_type(value, len), end = at;

  while (end < len && !blank(value[end]) && value[end] != '(') end++;
  while (end > at && value[end - 1] == '.') end--;
  tern__bounce_keep(b, where, value + at, end - at);
}

static void read_action(tern__bounce_rcpt *rcpt, const char *value, size_t len)
{
  uint32_t action;
  size_t n;

  for (action = TERN_ACTION_FAILED; action <= TERN_ACTION_EXPANDED; action++) {
    n = strlen(tern_action_name(action));
    if (len >= n && tern__same(value, n, tern_action_name(action))) rcpt->action = (uint8_t)action;
  }
}

/* "TERN_E_TIMEOUT (connect)", as bounce_write.c has it. */
static void read_name(tern__bounce_rcpt *rcpt, const char *value, size_t len)
{
  tern_status group, n;
  size_t name = 0, i;
  uint32_t phase;

  while (name < len && !blank(value[name])) name++;
  for (group = 100; group <= 700; group += 100)
    for (n = 1; n < 60; n++) {
      const char *known = tern_status_name(-(group + n));
      if (name == 0 || strlen(known) != name || memcmp(known, value, name) != 0 ||
          strcmp(known, "TERN_E_UNKNOWN") == 0)
        continue;
      rcpt->error.status = -(group + n);
      rcpt->told = 1;
    }
  i = skip(value, name, name);
  while (i < len && value[i] != '(') i++;
  for (phase = 1; phase < TERN_PHASES && i < len; phase++)
    if (strlen(tern_phase_name(phase)) == len - i - 2 &&
        memcmp(value + i + 1, tern_phase_name(phase), len - i - 2) == 0)
      rcpt->error.phase = (uint8_t)phase;
}

static void diagnostic(tern_bounce *b, tern__bounce_rcpt *rcpt, const char *value, size_t len)
{
  const char *semicolon = memchr(value, ';', len);
  size_t type = semicolon != NULL ? (size_t)(semicolon - value) : 0, at = type != 0 ? type + 1 : 0;

  while (at < len && blank(value[at])) at++;
  tern__bounce_judge(b, rcpt, value + at, len - at,
                     tern__same(value, type, "smtp")     ? TERN__BOUNCE_CODE_FIRST
                     : tern__same(value, type, "x-tern") ? TERN__BOUNCE_CODE_NONE
                                                         : TERN__BOUNCE_CODE_ANYWHERE);
}

/* The recipient that the field is about; a new one where the group has none, or has this one already. */
static tern__bounce_rcpt *rcpt_of(tern_bounce *b, uint32_t field)
{
  if (b->in_group && b->now != NULL &&
      ((field == FINAL_RCPT && b->now->final != NULL) || (field == ORIGINAL_RCPT && b->now->original != NULL)))
    tern__bounce_status_group(b);
  if (!b->in_group) {
    b->in_group = 1;
    b->now = tern__bounce_rcpt_new(b);
  }
  return b->now;
}

static void of_rcpt(tern_bounce *b, uint32_t field, const char *value, size_t len)
{
  tern__bounce_rcpt *rcpt = rcpt_of(b, field);
  size_t at;

  if (rcpt == NULL) return;
  at = skip(value, 0, len);
  switch (field) {
    case ORIGINAL_RCPT: keep_address(b, &rcpt->original, value, len); break;
    case FINAL_RCPT: keep_address(b, &rcpt->final, value, len); break;
    case ACTION: read_action(rcpt, value + at, len - at); break;
    case CODE: (void)tern__bounce_enhanced(value + at, len - at, rcpt->code); break;
    case REMOTE: keep_host(b, &rcpt->remote, value, len); break;
    case DIAGNOSTIC: tern__bounce_keep_lines(b, &rcpt->text, value, len); break;
    case ATTEMPT: tern__bounce_keep(b, &rcpt->attempt, value, len); break;
    case RETRY: tern__bounce_keep(b, &rcpt->retry, value, len); break;
    default: read_name(rcpt, value + at, trimmed(value + at, len - at)); break;
  }
}

void tern__bounce_status_field(tern_bounce *b, const char *field, size_t len)
{
  static const char *const names[] = {
    "reporting-mta", "original-envelope-id", "arrival-date", "original-recipient", "final-recipient", "action", "status",
    "remote-mta", "diagnostic-code", "last-attempt-date", "will-retry-until", "x-tern-error",
  };
  const char *colon = memchr(field, ':', len), *value;
  size_t name = colon != NULL ? trimmed(field, (size_t)(colon - field)) : 0;
  uint32_t i = 0;

  while (i <= NAMED && !(name != 0 && tern__same(field, name, names[i]))) i++;
  if (i > NAMED) return;
  value = colon + 1;
  len -= (size_t)(value - field);
  for (; len > 0 && blank(*value); len--) value++;
  len = trimmed(value, len);
  if (i >= OF_RCPT)
    of_rcpt(b, i, value, len);
  else if (i == MTA)
    keep_host(b, &b->mta, value, len);
  else
    tern__bounce_keep(b, i == ENVID ? &b->envid : &b->arrival, value, len);
}

void tern__bounce_status_group(tern_bounce *b)
{
  tern__bounce_rcpt *rcpt = b->now;
  char words[TERN__BOUNCE_TEXT + 1];
  size_t len;

  b->now = NULL;
  b->in_group = 0;
  if (rcpt == NULL) return;
  if (rcpt->final == NULL && rcpt->original == NULL) {
    tern__bounce_rcpt_drop(b, rcpt);
    return;
  }
  if (rcpt->final == NULL) tern__bounce_keep(b, &rcpt->final, rcpt->original, strlen(rcpt->original));
  len = rcpt->text != NULL ? strlen(rcpt->text) : 0;
  memcpy(words, rcpt->text != NULL ? rcpt->text : "", len + 1);
  diagnostic(b, rcpt, words, len);
  if (!b->reported) tern__bounce_drop_texts(b);
  b->reported = 1;
}
