/* bounce_judge.c - which error the words of a report stand for: the reply in them, the Status, and where
 * both say too little the words themselves. The same base/verdict.c judges as of a reply that came to
 * this program; the phase is what the reporter says, else RCPT where most refusals come. */
#include <string.h>

#include "base/ascii.h"
#include "base/verdict.h"
#include "message/bounce.h"

typedef struct finding {
  uint32_t code, phase;
  char enhanced[12], verdict[12]; /* of the words; what is judged by */
  char text[TERN__BOUNCE_TEXT + 1];
  size_t len;
} finding;

size_t tern__bounce_enhanced(const char *text, size_t len, char out[12])
{
  size_t at = 1, digits, i;

  if (len < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return 0;
  for (i = 0; i < 2; i++) {
    if (at >= len || text[at] != '.') return 0;
    for (digits = 0, at++; at < len && tern__is_digit((uint8_t)text[at]); at++) digits++;
    if (digits == 0 || digits > 3) return 0;
  }
  if (at + 1 < len && text[at] == '.' && tern__is_digit((uint8_t)text[at + 1])) return 0; /* an IP address */
  memcpy(out, text, at);
  out[at] = '\0';
  return at;
}

/* Whether a code may stand at `at`: at the beginning of a line, in quotes, or behind a word for it. */
static int may_begin(const char *words, size_t at)
{
  static const char *const before[] = {": ", "; ", "<<< ", "said ", "returned ", "error ", "code ", "reply ", "status "};
  size_t i, n;

  if (at == 0 || memchr("\n'#\"(;:", words[at - 1], 7) != NULL) return 1;
  for (i = 0; i < sizeof before / sizeof before[0]; i++) {
    n = strlen(before[i]);
    if (at >= n && tern__same(words + at - n, n, before[i])) return 1;
  }
  return 0;
}

/* The reply's code at `at`, or 0. */
static uint32_t code_at(const char *words, size_t at, size_t len, int accepted)
{
  uint32_t code = 0, i;
  char first = words[at];

  if (len - at < 3 || (accepted ? first != '2' : first != '4' && first != '5')) return 0;
  for (i = 0; i < 3; i++) {
    if (!tern__is_digit((uint8_t)words[at + i])) return 0;
    code = code * 10 + (uint32_t)(words[at + i] - '0');
  }
  return len - at == 3 || memchr(" -\n", words[at + 3], 3) != NULL ? code : 0;
}

/* Behind the code at `at`, what divides it from the text, and the enhanced code, which goes to out. */
static size_t behind_code(const char *words, size_t at, size_t len, char out[12])
{
  size_t n;

  at += 3;
  if (at < len && words[at] == '-') at++;
  while (at < len && words[at] == ' ') at++;
  n = tern__bounce_enhanced(words + at, len - at, out);
  for (at += n; n != 0 && at < len && words[at] == ' '; at++) continue;
  return at;
}

/* An enhanced code alone, "(#5.1.1)". */
static void find_enhanced(const char *words, size_t len, char out[12])
{
  size_t i;

  for (i = 0; i < len && out[0] == '\0'; i++)
    if (i == 0 || memchr(" \n#([<", words[i - 1], 6) != NULL)
      (void)tern__bounce_enhanced(words + i, len - i, out);
}

/* The text with one line end less: a line that begins with the code again stays one, others are joined. */
static void join(finding *f, const char *words, size_t at, size_t len)
{
  char again[12];

  while (at < len && f->len < TERN__BOUNCE_TEXT) {
    if (words[at] != '\n') {
      f->text[f->len++] = words[at++];
      continue;
    }
    while (at < len && (words[at] == '\n' || words[at] == ' ')) at++;
    again[0] = '\0';
    if (at < len && f->code != 0 && code_at(words, at, len, f->code < 300) == f->code) {
      at = behind_code(words, at, len, again);
      f->text[f->len++] = '\n';
    } else {
      f->text[f->len++] = ' ';
    }
  }
}

static void find_phase(finding *f, const char *words, size_t len)
{
  static const struct {
    const char *words;
    uint32_t phase;
  } told[] = {
    {"rcpt to command", TERN_PHASE_RCPT},      {"after rcpt to", TERN_PHASE_RCPT},
    {"[rcpt_to]", TERN_PHASE_RCPT},            {"end of data", TERN_PHASE_END_OF_DATA},
    {"in reply to data", TERN_PHASE_DATA},     {"after data", TERN_PHASE_DATA},
    {"mail from command", TERN_PHASE_MAIL},    {"after mail from", TERN_PHASE_MAIL},
    {"in reply to ehlo", TERN_PHASE_EHLO},     {"in reply to helo", TERN_PHASE_EHLO},
    {"after initial connection", TERN_PHASE_GREETING},
  };
  size_t i;

  for (i = 0; i < sizeof told / sizeof told[0] && f->phase == TERN_PHASE_NONE; i++)
    if (tern__holds(words, len, told[i].words)) f->phase = told[i].phase;
}

/* What stands around a reply: quotes, "##", "(in reply to RCPT TO command)". */
static void trim(finding *f, int quoted)
{
  static const char tail[] = "(in reply to ";
  size_t i;

  for (i = f->len; i >= sizeof tail; i--)
    if (tern__same(f->text + i - sizeof tail + 1, sizeof tail - 1, tail)) {
      f->len = i - sizeof tail + 1;
      break;
    }
  while (f->len > 0 && (f->text[f->len - 1] == ' ' || f->text[f->len - 1] == '\n' ||
                        (f->text[f->len - 1] == '#' && f->len > 1 && f->text[f->len - 2] == '#')))
    f->len -= f->text[f->len - 1] == '#' ? 2 : 1;
  if (quoted && f->len > 0 && memchr("')\"", f->text[f->len - 1], 3) != NULL) f->len--;
}

static void look(finding *f, const char *words, size_t len, int code, int accepted)
{
  size_t at;

  memset(f, 0, sizeof *f);
  find_phase(f, words, len);
  for (at = 0; at < (code == TERN__BOUNCE_CODE_NONE ? 0 : len) && f->code == 0; at++)
    if ((at == 0 || code != TERN__BOUNCE_CODE_FIRST) && may_begin(words, at)) f->code = code_at(words, at, len, accepted);
  if (f->code != 0) {
    int quoted = at > 1 && memchr("'\"(", words[at - 2], 3) != NULL;
    at = behind_code(words, at - 1, len, f->enhanced);
    join(f, words, at, len);
    trim(f, quoted || tern__same(words, len < 9 ? len : 9, "(reason: "));
    if (f->enhanced[0] != (char)('0' + f->code / 100)) f->enhanced[0] = '\0';
  } else {
    find_enhanced(words, len, f->enhanced);
    join(f, words, 0, len);
  }
}

/* What people are told where there is no code for it, or one that says nothing: the second and third
 * part of the code that it has in RFC 3463. */
static void by_words(finding *f, char class)
{
  static const struct {
    const char *words;
    const char *code;
  } rows[] = {
    {"user unknown", ".1.1"},          {"unknown user", ".1.1"},          {"no such user", ".1.1"},
    {"no mailbox here by", ".1.1"},    {"does not exist", ".1.1"},        {"doesn't exist", ".1.1"},
    {"user doesn't have", ".1.1"},     {"address not found", ".1.1"},     {"couldn't be found", ".1.1"},
    {"recipnotfound", ".1.1"},         {"recipientnotfound", ".1.1"},     {"unknown recipient", ".1.1"},
    {"recipient unknown", ".1.1"},     {"mailbox not found", ".1.1"},     {"no such mailbox", ".1.1"},
    {"no such recipient", ".1.1"},     {"unknown address", ".1.1"},       {"user not found", ".1.1"},
    {"unknown local part", ".1.1"},    {"invalid recipient", ".1.1"},     {"recipient not found", ".1.1"},
    {"mailbox is full", ".2.2"},       {"mailbox full", ".2.2"},          {"over quota", ".2.2"},
    {"overquota", ".2.2"},             {"quota exceeded", ".2.2"},        {"exceeded storage", ".2.2"},
    {"account is disabled", ".2.1"},   {"account disabled", ".2.1"},      {"mailbox disabled", ".2.1"},
    {"account is inactive", ".2.1"},   {"mailbox is inactive", ".2.1"},   {"message too large", ".3.4"},
    {"message is too large", ".3.4"},  {"message too big", ".3.4"},       {"message size exceeds", ".3.4"},
    {"unrouteable address", ".1.2"},   {"host not found", ".1.2"},        {"host unknown", ".1.2"},
    {"couldn't find any host", ".1.2"}, {"name or service not known", ".1.2"}, {"domain name not found", ".1.2"},
    {"domain couldn't be found", ".1.2"}, {"timed out", ".4.1"},          {"timeout exceeded", ".4.7"},
    {"queue too long", ".4.7"},        {"connection refused", ".4.1"},    {"no route to host", ".4.1"},
    {"wasn't able to establish an smtp connection", ".4.1"},
  };
  size_t i;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (!tern__holds(f->text, f->len, rows[i].words)) continue;
    f->verdict[0] = rows[i].code[1] == '4' ? '4' : class; /* a network may be better tomorrow */
    strcpy(f->verdict + 1, rows[i].code);
    return;
  }
}

static int says_nothing(const char *enhanced)
{
  return enhanced[0] == '\0' || strcmp(enhanced + 1, ".0.0") == 0;
}

static tern_status judge(finding *f, const tern__bounce_rcpt *rcpt)
{
  tern_reply reply;
  uint32_t phase = f->phase;
  char class = rcpt->action == TERN_ACTION_DELAYED ? '4' : '5';

  if (f->code != 0)
    class = (char)('0' + f->code / 100);
  else if (rcpt->code[0] == '4' || rcpt->code[0] == '5')
    class = rcpt->code[0];
  strcpy(f->verdict, f->enhanced);
  if (says_nothing(f->verdict) && rcpt->code[0] == class) strcpy(f->verdict, rcpt->code);
  if (says_nothing(f->verdict)) by_words(f, class);
  if (f->code == 0 && (f->verdict[0] == '4' || f->verdict[0] == '5')) class = f->verdict[0];
  memset(&reply, 0, sizeof reply);
  reply.code = (uint16_t)(f->code != 0 ? f->code : (uint32_t)(class - '0') * 100 + 99); /* which no row has */
  if (!says_nothing(f->verdict) && f->verdict[0] == class && strlen(f->verdict) < sizeof reply.enhanced)
    strcpy(reply.enhanced, f->verdict);
  reply.text = f->text;
  if (phase == TERN_PHASE_NONE && f->code != 452 && f->code != 552 && f->code != 554) phase = TERN_PHASE_RCPT;
  if (f->code == 552) phase = TERN_PHASE_NONE; /* to RCPT it would be another 452 */
  return tern__verdict(phase, &reply);
}

void tern__bounce_judge(tern_bounce *b, tern__bounce_rcpt *rcpt, const char *words, size_t len,
                        int code)
{
  tern_error *error = &rcpt->error;
  finding f;

  look(&f, words, len, code, rcpt->action >= TERN_ACTION_DELIVERED);
  f.text[f.len] = '\0';
  tern__bounce_keep_lines(b, &rcpt->text, f.text, f.len);
  if (rcpt->code[0] == '\0') strcpy(rcpt->code, f.enhanced);
  if (!rcpt->told) error->phase = (uint8_t)f.phase;
  if (rcpt->action >= TERN_ACTION_DELIVERED)
    error->status = TERN_OK;
  else if (!rcpt->told)
    error->status = judge(&f, rcpt);
  if (rcpt->code[0] == '\0') find_enhanced(words, len, rcpt->code); /* elsewhere in them: to tell, not to judge by */
  error->per_recipient = 1;
  memset(&error->reply, 0, sizeof error->reply);
  error->detail = f.code == 0 ? rcpt->text : NULL;
  if (f.code == 0) return;
  error->reply.code = (uint16_t)f.code;
  error->reply.text = rcpt->text;
  if (strlen(f.enhanced) < sizeof error->reply.enhanced) strcpy(error->reply.enhanced, f.enhanced);
}
