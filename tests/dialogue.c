/* dialogue.c - reads a dialogue file (format: script/README.md). The wire form of the content in
 * CONTENT and CHUNK lines is made here, from RFC 5321 4.5.2 and 2.3.8, not by the engine's code. */
#define _DEFAULT_SOURCE 1
#include "dialogue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void octets_add(octets *o, const void *at, size_t len)
{
  if (len == 0) return;
  if (o->len + len > o->cap) {
    o->cap = (o->len + len) * 2;
    o->at = realloc(o->at, o->cap);
    if (!o->at) abort();
  }
  memcpy(o->at + o->len, at, len);
  o->len += len;
}

/* "{text*N}" at text: its length, or 0. */
static size_t repeat_length(const char *text, size_t len, size_t *inner, size_t *count)
{
  size_t i, star = 0;
  for (i = 1; i < len && text[i] != '}'; i++) {
    if (text[i] == '{') return 0;
    if (text[i] == '\\') i++;
    else if (text[i] == '*') star = i;
  }
  if (i >= len || star < 2 || star + 1 == i) return 0;
  *inner = star - 1;
  *count = 0;
  for (star++; star < i; star++) {
    if (text[star] < '0' || text[star] > '9') return 0;
    *count = *count * 10 + (size_t)(text[star] - '0');
  }
  return i + 1;
}

int octets_unescape(octets *o, const char *text, size_t len)
{
  size_t i, n, inner, count;
  for (i = 0; i < len; i++) {
    char c = text[i];
    if (c == '{' && (n = repeat_length(text + i, len - i, &inner, &count)) != 0) {
      octets one = { NULL, 0, 0 };
      if (!octets_unescape(&one, text + i + 1, inner)) return 0;
      while (count-- > 0) octets_add(o, one.at, one.len);
      free(one.at);
      i += n - 1;
      continue;
    }
    if (c == '\\') {
      if (++i == len) return 0;
      c = text[i];
      if (c == 'r') c = '\r';
      else if (c == 'n') c = '\n';
      else if (c == 't') c = '\t';
      else if (c == '0') c = 0;
      else if (c == 'x' && i + 2 < len) {
        char hex[3] = { text[i + 1], text[i + 2], 0 };
        c = (char)strtoul(hex, NULL, 16);
        i += 2;
      } else if (c != '\\' && c != '{') return 0;
    }
    octets_add(o, &c, 1);
  }
  return 1;
}

static char *unescaped(const char *text, size_t len)
{
  octets o = { NULL, 0, 0 };
  if (!octets_unescape(&o, text, len)) {
    free(o.at);
    return NULL;
  }
  octets_add(&o, "", 1);
  return (char *)o.at;
}

/* The lines of the content, each ended by CRLF: RFC 5321 2.3.8. */
static octets repaired(const octets *content)
{
  octets out = { NULL, 0, 0 };
  size_t i;
  int open = 0;
  for (i = 0; i < content->len; i++) {
    uint8_t c = content->at[i];
    if (c == '\r' || c == '\n') {
      octets_add(&out, "\r\n", 2);
      if (c == '\r' && i + 1 < content->len && content->at[i + 1] == '\n') i++;
      open = 0;
    } else {
      octets_add(&out, &c, 1);
      open = 1;
    }
  }
  if (open) octets_add(&out, "\r\n", 2);
  return out;
}

/* RFC 5321 4.5.2 */
static octets transparent(const octets *lines)
{
  octets out = { NULL, 0, 0 };
  size_t i;
  for (i = 0; i < lines->len; i++) {
    if (lines->at[i] == '.' && (i == 0 || lines->at[i - 1] == '\n')) octets_add(&out, ".", 1);
    octets_add(&out, lines->at + i, 1);
  }
  octets_add(&out, ".\r\n", 3);
  return out;
}

static void bad(dialogue *d, int line, const char *format, ...)
{
  va_list list;
  char text[200];
  if (d->error[0]) return;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  snprintf(d->error, sizeof d->error, "line %d: %s", line, text);
}



static uint32_t capability_by_name(const char *name)
{
  uint32_t i;
  for (i = 0; i < 18; i++)
    if (strcmp(tern_capability_name((uint32_t)1 << i), name) == 0) return (uint32_t)1 << i;
  return 0;
}

static uint32_t phase_by_name(const char *name)
{
  uint32_t i;
  if (strcmp(name, "all") == 0) return TERN_PHASE_NONE;
  for (i = 1; i < TERN_PHASES; i++)
    if (strcmp(tern_phase_name(i), name) == 0) return i;
  return TERN_PHASES;
}

tern_status status_by_name(const char *name, size_t len)
{
  tern_status st;
  for (st = 2; st > -800; st--) {
    const char *own = tern_status_name(st);
    if (strlen(own) == len && memcmp(own, name, len) == 0 && strcmp(own, "TERN_E_UNKNOWN") != 0)
      return st;
  }
  return -9999;
}

static dialogue_mail *this_mail(dialogue *d, int line)
{
  dialogue_mail *m;
  if (d->mails == 0) bad(d, line, "no mail: block yet");
  m = &d->mail[d->mails ? d->mails - 1 : 0];
  return m;
}

static int is(const char *key, const char *name)
{
  return strcmp(key, name) == 0;
}

/* "bob@x notify=FAILURE,DELAY orcpt=rfc822;x params=A=1" */
static void add_rcpt(dialogue *d, dialogue_mail *m, char *value, int line)
{
  dialogue_rcpt *r;
  char *word, *next;
  if (m->count == WITNESS_RCPTS) {
    bad(d, line, "too many recipients");
    return;
  }
  r = &m->rcpt[m->count++];
  next = strchr(value, ' ');
  while (next && strncmp(next + 1, "notify=", 7) && strncmp(next + 1, "orcpt=", 6) &&
         strncmp(next + 1, "params=", 7))
    next = strchr(next + 1, ' '); /* a quoted local part may have a blank */
  if (next) *next++ = 0;
  r->path = unescaped(value, strlen(value));
  for (word = next; word && *word; word = next) {
    if (strncmp(word, "params=", 7) == 0) { /* to the end of the line */
      r->params = unescaped(word + 7, strlen(word + 7));
      return;
    }
    next = strchr(word, ' ');
    if (next) *next++ = 0;
    if (strncmp(word, "orcpt=", 6) == 0) r->orcpt = unescaped(word + 6, strlen(word + 6));
    else if (strncmp(word, "notify=", 7) == 0) {
      if (strstr(word, "NEVER")) r->notify |= TERN_NOTIFY_NEVER;
      if (strstr(word, "SUCCESS")) r->notify |= TERN_NOTIFY_SUCCESS;
      if (strstr(word, "FAILURE")) r->notify |= TERN_NOTIFY_FAILURE;
      if (strstr(word, "DELAY")) r->notify |= TERN_NOTIFY_DELAY;
    } else bad(d, line, "odd recipient word %s", word);
  }
}

static void source_words(dialogue *d, dialogue_mail *m, char *value, int line)
{
  char *word;
  m->pull = 1;
  m->rewind = 1;
  m->chunk = 7;
  m->promise = TERN_LENGTH_UNKNOWN;
  for (word = strtok(value, " "); word; word = strtok(NULL, " ")) {
    char *eq = strchr(word, '=');
    long n = eq ? strtol(eq + 1, NULL, 10) : 0;
    if (is(word, "pull")) continue;
    else if (is(word, "no-rewind")) m->rewind = 0;
    else if (strncmp(word, "chunk=", 6) == 0) m->chunk = (size_t)n;
    else if (strncmp(word, "again=", 6) == 0) m->again = (size_t)n;
    else if (is(word, "length=exact")) m->promise = TERN_LENGTH_UNKNOWN - 1, m->prepare = 1;
    else if (strncmp(word, "length=", 7) == 0) m->promise = (uint64_t)n, m->prepare = 1;
    else if (is(word, "8bit")) m->info |= TERN_CONTENT_8BIT, m->prepare = 1;
    else if (is(word, "binary")) m->info |= TERN_CONTENT_BINARY, m->prepare = 1;
    else if (is(word, "utf8-header")) m->info |= TERN_CONTENT_UTF8_HEADER, m->prepare = 1;
    else if (strncmp(word, "fail-at=", 8) == 0) m->fail_at = n;
    else bad(d, line, "odd source word %s", word);
  }
}

/* "by=120 by-mode=return,trace hold-for=60 hold-until=1795576054 priority=-3 auth=ann@example.org" */
static void terms_words(dialogue *d, dialogue_mail *m, char *value, int line)
{
  char *word;
  for (word = strtok(value, " "); word; word = strtok(NULL, " ")) {
    char *eq = strchr(word, '=');
    long long n = eq ? strtoll(eq + 1, NULL, 10) : 0;
    if (strncmp(word, "by=", 3) == 0) m->terms.by = (int32_t)n;
    else if (strncmp(word, "by-mode=", 8) == 0) {
      if (strstr(word, "notify")) m->terms.by_mode |= TERN_BY_NOTIFY;
      if (strstr(word, "return")) m->terms.by_mode |= TERN_BY_RETURN;
      if (strstr(word, "trace")) m->terms.by_mode |= TERN_BY_TRACE;
    } else if (strncmp(word, "hold-for=", 9) == 0) m->terms.hold_for = (uint32_t)n;
    else if (strncmp(word, "hold-until=", 11) == 0) m->terms.hold_until = n;
    else if (strncmp(word, "priority=", 9) == 0) m->terms.priority = (int32_t)n;
    else if (strncmp(word, "auth=", 5) == 0) {
      m->auth = unescaped(eq + 1, strlen(eq + 1));
      m->terms.auth = m->auth;
    }
    else bad(d, line, "odd word %s of terms", word);
  }
}

static void mail_line(dialogue *d, const char *key, char *value, int line)
{
  dialogue_mail *m = this_mail(d, line);
  if (is(key, "from")) m->from = unescaped(value, strlen(value));
  else if (is(key, "to")) add_rcpt(d, m, value, line);
  else if (is(key, "to-many")) { /* "r%d@x.example 100" */
    char path[200], *count = strchr(value, ' ');
    long i, n = count ? strtol(count, NULL, 10) : 0;
    if (count) *count = 0;
    for (i = 1; i <= n && m->count < WITNESS_RCPTS; i++) {
      char *mark = strchr(value, '#');
      snprintf(path, sizeof path, "%.*s%ld%s", mark ? (int)(mark - value) : 0, value, i,
               mark ? mark + 1 : value);
      m->rcpt[m->count++].path = unescaped(path, strlen(path));
    }
  } else if (is(key, "envid")) m->envid = unescaped(value, strlen(value));
  else if (is(key, "params")) m->params = unescaped(value, strlen(value));
  else if (is(key, "flags")) {
    if (strstr(value, "all-or-none")) m->flags |= TERN_MAIL_ALL_OR_NONE;
    if (strstr(value, "ret-full")) m->flags |= TERN_MAIL_RET_FULL;
    if (strstr(value, "ret-hdrs")) m->flags |= TERN_MAIL_RET_HDRS;
    if (strstr(value, "refuse-bare")) m->flags |= TERN_MAIL_REFUSE_BARE;
    if (strstr(value, "requiretls")) m->flags |= TERN_MAIL_REQUIRETLS;
    if (strstr(value, "prdr")) m->flags |= TERN_MAIL_PRDR;
    if (strstr(value, "binary")) m->flags |= TERN_MAIL_BINARY;
  } else if (is(key, "content")) {
    if (!octets_unescape(&m->content, value, strlen(value))) bad(d, line, "odd content");
    if (m->pieces == 64) bad(d, line, "too many pieces");
    else m->cut[m->pieces++] = m->content.len;
  } else if (is(key, "spans")) m->spans = (size_t)strtoul(value, NULL, 10);
  else if (is(key, "terms")) terms_words(d, m, value, line);
  else if (is(key, "source")) source_words(d, m, value, line);
  else if (is(key, "cancel-at")) m->cancel_at = strtol(value, NULL, 10);
  else bad(d, line, "unknown setting %s", key);
}

static void add_auth(dialogue *d, char *value, int line)
{
  char *word = strtok(value, " ");
  d->auth = 1;
  for (; word; word = strtok(NULL, " ")) {
    char *eq = strchr(word, '=');
    char *text;
    if (is(word, "external")) {
      d->kinds |= TERN_CRED_EXTERNAL;
      continue;
    }
    if (is(word, "prepared")) {
      d->prepared = 1;
      continue;
    }
    if (is(word, "bound")) {
      d->bound = 1;
      continue;
    }
    if (is(word, "random")) {
      d->random = 1;
      continue;
    }
    if (!eq) {
      bad(d, line, "odd auth word %s", word);
      return;
    }
    *eq = 0;
    text = unescaped(eq + 1, strlen(eq + 1));
    if (is(word, "user")) d->user = text;
    else if (is(word, "password")) d->password = text, d->kinds |= TERN_CRED_PASSWORD;
    else if (is(word, "token")) d->token = text, d->kinds |= TERN_CRED_TOKEN;
    else if (is(word, "new-token")) d->new_token = text;
    else if (is(word, "authzid")) d->authzid = text;
    else if (is(word, "mechanism")) d->mechanism = text;
    else bad(d, line, "odd auth word %s", word);
  }
}

static void setting_line(dialogue *d, const char *key, char *value, int line)
{
  char *second;
  if (d->mails > 0) {
    mail_line(d, key, value, line);
    return;
  }
  second = strchr(value, ' ');
  if (is(key, "tls")) {
    d->tls_given = !is(value, "default");
    d->tls = is(value, "none") ? TERN_TLS_NONE : is(value, "implicit") ? TERN_TLS_IMPLICIT :
             is(value, "opportunistic") ? TERN_TLS_OPPORTUNISTIC : TERN_TLS_REQUIRED;
  } else if (is(key, "ehlo")) {
    free(d->ehlo);
    d->ehlo = unescaped(value, strlen(value));
  } else if (is(key, "lmtp")) d->lmtp = 1;
  else if (is(key, "channel-safe")) d->channel_safe = 1;
  else if (is(key, "eager")) d->eager = 1;
  else if (is(key, "verified")) d->verified = 1;
  else if (is(key, "one-read")) d->one_read = 1;
  else if (is(key, "window")) d->window = (uint32_t)strtoul(value, NULL, 10);
  else if (is(key, "text")) d->text = (size_t)strtoul(value, NULL, 10);
  else if (is(key, "out")) d->out = (size_t)strtoul(value, NULL, 10);
  else if (is(key, "pipeline")) d->pipeline = (uint32_t)strtoul(value, NULL, 10);
  else if (is(key, "deadline")) d->deadline = strtoull(value, NULL, 10);
  else if (is(key, "mask")) {
    char *word;
    for (word = strtok(value, " "); word; word = strtok(NULL, " ")) {
      if (!capability_by_name(word)) bad(d, line, "no capability %s", word);
      d->mask |= capability_by_name(word);
    }
  } else if (is(key, "policy") && second && d->policies < 16) {
    *second++ = 0;
    d->policy[d->policies].capability = capability_by_name(value);
    d->policy[d->policies++].policy = is(second, "never") ? TERN_NEVER_USE :
                                      is(second, "require") ? TERN_REQUIRE : TERN_IF_OFFERED;
  } else if (is(key, "timeout") && second && d->timeouts < 16) {
    *second++ = 0;
    d->timeout[d->timeouts].phase = phase_by_name(value);
    if (d->timeout[d->timeouts].phase == TERN_PHASES) bad(d, line, "no phase %s", value);
    d->timeout[d->timeouts++].ms = (uint32_t)strtoul(second, NULL, 10);
  } else if (is(key, "auth")) add_auth(d, value, line);
  else if (is(key, "quit")) d->quit = is(value, "no") ? 0 : is(value, "early") ? 2 : 1;
  else if (is(key, "by-hand")) d->by_hand = 1;
  else bad(d, line, "unknown setting %s", key);
}

static dialogue_item *add_item(dialogue *d, enum item_kind kind, int line)
{
  dialogue_item *item;
  if (d->items == DIALOGUE_ITEMS) {
    bad(d, line, "too many lines");
    d->items--;
  }
  item = &d->item[d->items++];
  memset(item, 0, sizeof *item);
  item->kind = kind;
  item->line = line;
  item->optional = d->may_end;
  return item;
}

static void add_text(dialogue *d, enum item_kind kind, const char *text, const char *end, int line)
{
  dialogue_item *item = add_item(d, kind, line);
  if (!octets_unescape(&item->text, text, strlen(text))) bad(d, line, "odd escape");
  octets_add(&item->text, end, strlen(end));
}

/* S: greeting, C: EHLO, S: the keywords, "PIPELINING, SIZE 1000" */
static void hello(dialogue *d, char *value, int line, const char *greeting)
{
  char text[600], *word;
  if (greeting) add_text(d, ITEM_SERVER, greeting, "\r\n", line);
  snprintf(text, sizeof text, "%s %s", d->lmtp ? "LHLO" : "EHLO", d->ehlo);
  add_text(d, ITEM_CLIENT, text, "\r\n", line);
  add_text(d, ITEM_SERVER, "250-mx.example greets you", "\r\n", line);
  for (word = strtok(value, ","); word; word = strtok(NULL, ",")) {
    while (*word == ' ') word++;
    snprintf(text, sizeof text, "250-%s", word);
    add_text(d, ITEM_SERVER, text, "\r\n", line);
  }
  add_text(d, ITEM_SERVER, "250 HELP", "\r\n", line);
}

static void content_item(dialogue *d, const char *value, int chunk, int line)
{
  size_t n = *value ? (size_t)strtoul(value, NULL, 10) : 1;
  dialogue_item *item = add_item(d, ITEM_CLIENT, line);
  octets lines;
  if (n == 0 || n > d->mails) {
    bad(d, line, "no such mail");
    return;
  }
  lines = repaired(&d->mail[n - 1].content);
  if ((d->mail[n - 1].flags & TERN_MAIL_BINARY) || (d->mail[n - 1].info & TERN_CONTENT_BINARY)) {
    lines.len = 0;
    octets_add(&lines, d->mail[n - 1].content.at, d->mail[n - 1].content.len);
  }
  if (chunk) {
    char head[60];
    snprintf(head, sizeof head, "BDAT %lu LAST\r\n", (unsigned long)lines.len);
    octets_add(&item->text, head, strlen(head));
    octets_add(&item->text, lines.at, lines.len);
  } else {
    octets wire = transparent(&lines);
    octets_add(&item->text, wire.at, wire.len);
    free(wire.at);
  }
  free(lines.at);
}

static void dialogue_line(dialogue *d, char *text, int line)
{
  char *colon = strchr(text, ':'), *value;
  long n;
  if (text[0] == '>') {
    add_text(d, ITEM_DO, text + (text[1] == ' ' ? 2 : 1), "", line);
    return;
  }
  if (!colon) colon = strchr(text, ' ');
  value = colon ? colon + 1 : text + strlen(text);
  if (colon) *colon = 0;
  if (*value == ' ') value++;
  if (is(text, "S")) add_text(d, ITEM_SERVER, value, "\r\n", line);
  else if (is(text, "S!")) add_text(d, ITEM_SERVER, value, "", line);
  else if (is(text, "S<")) add_text(d, ITEM_SERVER_EARLY, value, "\r\n", line);
  else if (text[0] == 'S' && text[1] == '*' && text[2] == 0)
    add_text(d, ITEM_ENDLESS, value, "\r\n", line);
  else if (text[0] == 'S' && text[1] == '*')
    for (n = strtol(text + 2, NULL, 10); n > 0; n--) add_text(d, ITEM_SERVER, value, "\r\n", line);
  else if (is(text, "C")) add_text(d, ITEM_CLIENT, value, "\r\n", line);
  else if (is(text, "C!")) add_text(d, ITEM_CLIENT, value, "", line);
  else if (is(text, "C~")) add_text(d, ITEM_CLIENT_WORDS, value, "\r\n", line);
  else if (is(text, "C?")) add_text(d, ITEM_CLIENT_ANY, value, "", line);
  else if (is(text, "TLS")) {
    add_item(d, ITEM_TLS, line)->status =
      *value ? status_by_name(value, strlen(value)) : TERN_OK;
    if (*value && status_by_name(value, strlen(value)) == -9999) bad(d, line, "no status");
  } else if (is(text, "CLOSE"))
    add_item(d, ITEM_CLOSE, line)->status =
      *value ? status_by_name(value, strlen(value)) : TERN_E_CLOSED;
  else if (is(text, "TIME")) add_item(d, ITEM_TIME, line)->number = strtoull(value, NULL, 10);
  else if (is(text, "TIMEOUT")) add_item(d, ITEM_TIMEOUT, line);
  else if (is(text, "HELLO")) hello(d, value, line, "220 mx.example ready");
  else if (is(text, "AGAIN")) hello(d, value, line, NULL);
  else if (is(text, "CONTENT")) content_item(d, value, 0, line);
  else if (is(text, "CHUNK")) content_item(d, value, 1, line);
  else if (is(text, "MAY-END")) d->may_end = 1;
  else if (is(text, "BYE")) {
    add_text(d, ITEM_CLIENT, "QUIT", "\r\n", line);
    add_text(d, ITEM_SERVER, "221 bye", "\r\n", line);
  } else bad(d, line, "unknown line %s", text);
}

static void want_line(dialogue *d, char *text, int line)
{
  char *colon = strchr(text, ':');
  if (!colon || d->wants == 64) {
    bad(d, line, "odd expectation");
    return;
  }
  *colon++ = 0;
  while (*colon == ' ') colon++;
  d->want[d->wants].what = unescaped(text, strlen(text));
  d->want[d->wants].rest = unescaped(colon, strlen(colon));
  d->want[d->wants++].line = line;
}

static void defaults(dialogue *d)
{
  static const char content[] = "Subject: hi\r\n\r\nHello\r\n";
  uint32_t i;
  if (!d->ehlo) d->ehlo = unescaped("client.example", 14);
  for (i = 0; i < d->mails; i++) {
    dialogue_mail *m = &d->mail[i];
    if (!m->from) m->from = unescaped("ann@example.org", 15);
    if (m->pieces == 0) {
      octets_add(&m->content, content, sizeof content - 1);
      m->cut[m->pieces++] = m->content.len;
    }
    if (m->promise == TERN_LENGTH_UNKNOWN - 1) {
      octets lines = repaired(&m->content);
      m->promise = m->flags & TERN_MAIL_BINARY || m->info & TERN_CONTENT_BINARY ? m->content.len : lines.len;
      free(lines.at);
    }
  }
}

static void section_line(dialogue *d, int section, char *text, int line)
{
  char *colon;
  if (section == 1) dialogue_line(d, text, line);
  else if (section == 2) want_line(d, text, line);
  else {
    colon = strchr(text, ':');
    if (colon) *colon++ = 0;
    else colon = text + strlen(text);
    if (*colon == ' ') colon++;
    if (is(text, "mail")) {
      if (d->mails == WITNESS_MAILS) bad(d, line, "too many mails");
      else {
        dialogue_mail *m = &d->mail[d->mails++];
        m->fail_at = m->cancel_at = -1;
        m->promise = TERN_LENGTH_UNKNOWN;
      }
    } else setting_line(d, text, colon, line);
  }
}

dialogue *dialogue_read(const char *path)
{
  FILE *f = fopen(path, "rb");
  dialogue *d = calloc(1, sizeof *d);
  static char text[20000];
  int line = 0, section = 0;
  if (!f || !d) {
    if (f) fclose(f);
    free(d);
    return NULL;
  }
  d->path = path;
  d->tls = TERN_TLS_NONE;
  d->tls_given = 1;
  d->window = 1;
  d->text = 512;
  d->out = 2048;
  d->quit = 1;
  d->deadline = TERN_NEVER;
  while (fgets(text, sizeof text, f)) {
    size_t len = strcspn(text, "\n");
    text[len] = 0;
    line++;
    if (text[0] == '#' || text[0] == 0) continue;
    if (is(text, "---")) {
      if (section++ == 0) defaults(d);
      continue;
    }
    section_line(d, section, text, line);
  }
  fclose(f);
  if (section == 0) bad(d, line, "no dialogue");
  return d;
}

void dialogue_free(dialogue *d)
{
  size_t i, j;
  char *strings[7];
  if (!d) return;
  for (i = 0; i < d->mails; i++) {
    dialogue_mail *m = &d->mail[i];
    for (j = 0; j < m->count; j++) {
      free(m->rcpt[j].path);
      free(m->rcpt[j].orcpt);
      free(m->rcpt[j].params);
    }
    free(m->from);
    free(m->envid);
    free(m->params);
    free(m->auth);
    free(m->content.at);
  }
  for (i = 0; i < d->items; i++) free(d->item[i].text.at);
  for (i = 0; i < d->wants; i++) {
    free(d->want[i].what);
    free(d->want[i].rest);
  }
  strings[0] = d->user, strings[1] = d->password, strings[2] = d->token, strings[3] = d->authzid;
  strings[4] = d->mechanism, strings[5] = d->new_token, strings[6] = d->ehlo;
  for (i = 0; i < 7; i++) free(strings[i]);
  free(d);
}
