/* witness.c - the onlooker: pairs each complete reply with the command that asked for it and keeps,
 * for each recipient, what may be said of it. Written from RFC 5321, 2920, 3030, 3207, 4954 and
 * 2033; it shares no code with lib/. Known limits: a recipient is found by its address, so the
 * addresses of the mails of one run must differ; lenient where a client may choose (line ends of
 * replies, second digits of codes). */
#define _DEFAULT_SOURCE 1
#include "witness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void fault(witness *w, const char *format, ...)
{
  va_list list;
  if (w->fault[0]) return;
  va_start(list, format);
  vsnprintf(w->fault, sizeof w->fault, format, list);
  va_end(list);
}

void witness_init(witness *w, uint32_t tls, int lmtp, int channel_safe)
{
  memset(w, 0, sizeof *w);
  w->tls = tls;
  w->lmtp = lmtp;
  w->channel_safe = channel_safe;
  w->queue[0].kind = WITNESS_GREETING;
  w->tail = 1;
}

uint32_t witness_add_mail(witness *w)
{
  if (w->mails == WITNESS_MAILS) abort();
  return w->mails++;
}

void witness_add_rcpt(witness *w, uint32_t mail, const char *address)
{
  witness_mail *m = &w->mail[mail];
  if (m->count == WITNESS_RCPTS) abort();
  m->rcpt[m->count++].address = address;
}

static void ask(witness *w, int kind, size_t mail, size_t index)
{
  witness_item *item;
  if (w->tail == WITNESS_QUEUE) {
    memmove(w->queue, w->queue + w->head, (w->tail - w->head) * sizeof w->queue[0]);
    w->tail -= w->head;
    w->head = 0;
    if (w->tail == WITNESS_QUEUE) {
      fault(w, "over %d commands without a reply", WITNESS_QUEUE);
      return;
    }
  }
  item = &w->queue[w->tail++];
  item->kind = (uint8_t)kind;
  item->mail = (uint8_t)mail;
  item->index = (uint16_t)index;
  item->transaction = w->transaction;
  item->one = 0;
  item->ahead = (uint8_t)(kind == WITNESS_END && w->ahead);
}

static int outstanding(const witness *w, int kind)
{
  size_t i;
  for (i = w->head; i < w->tail; i++)
    if (w->queue[i].kind == kind) return 1;
  return 0;
}

/* ---- the client's octets ------------------------------------------------------------------------*/

/* The end of the content was handed over: from here on its recipients may have the mail. */
static void content_ended(witness *w)
{
  uint32_t m, i;
  int any = 0;
  for (m = 0; m < w->mails; m++)
    for (i = 0; i < w->mail[m].count; i++) {
      witness_rcpt *r = &w->mail[m].rcpt[i];
      if (r->transaction != w->transaction) continue;
      if (r->rcpt_code / 100 != 2 && !(w->ahead && r->rcpt_code == 0)) continue;
      r->handed = 1;
      any = 1;
      if (w->lmtp) ask(w, WITNESS_END, m, i); /* RFC 2033 4.2: a reply for each */
    }
  if (!w->lmtp || !any) ask(w, WITNESS_END, 0, UINT16_MAX);
}

static void content_began(witness *w)
{
  w->contents++;
  w->ahead = outstanding(w, WITNESS_RCPT) || outstanding(w, WITNESS_MAIL);
  if (w->ahead && (!w->eager || w->lmtp || w->mode != WITNESS_LINE || w->refused_envelope))
    fault(w, "content left before the replies to MAIL and RCPT were read");
}

static const char *after(const char *line, const char *verb)
{
  size_t len = strlen(verb);
  if (strncasecmp(line, verb, len) != 0) return NULL;
  if (line[len] != ' ' && line[len] != 0 && line[len - 1] != ':') return NULL;
  return line + len;
}

static void rcpt_line(witness *w, const char *path)
{
  uint32_t m, i;
  char address[600];
  const char *end;
  int quoted = 0;
  if (*path == ' ') path++;
  if (*path != '<') {
    fault(w, "RCPT without '<': %.100s", w->line);
    return;
  }
  for (end = path + 1; *end && (*end != '>' || quoted); end++) {
    if (*end == '\\' && quoted && end[1]) end++;
    else if (*end == '"') quoted = !quoted;
  }
  if (*end != '>' || (size_t)(end - path) >= sizeof address) {
    fault(w, "RCPT without '>': %.100s", w->line);
    return;
  }
  memcpy(address, path + 1, (size_t)(end - path - 1));
  address[end - path - 1] = 0;
  for (m = 0; m < w->mails; m++)
    for (i = 0; i < w->mail[m].count; i++) {
      witness_rcpt *r = &w->mail[m].rcpt[i];
      if (strcmp(r->address, address) != 0) continue;
      if (r->transaction == w->transaction) continue; /* named twice in one mail */
      if (r->handed && r->final_code / 100 != 4 && r->final_code / 100 != 5) {
        fault(w, "RCPT again for %.100s, which may have the mail already", address);
        return;
      }
      r->transaction = w->transaction;
      r->rcpt_code = 0;
      r->final_code = 0;
      r->handed = 0;
      w->named++;
      ask(w, WITNESS_RCPT, m, i);
      return;
    }
  fault(w, "RCPT for an address that nobody gave: %.100s", address);
}

static void check_channel(witness *w)
{
  const char *mechanism;
  if (w->secure) return;
  if (w->tls == TERN_TLS_IMPLICIT) fault(w, "a command in clear where TLS comes first");
  if (w->tls == TERN_TLS_REQUIRED && !after(w->line, "EHLO") && !after(w->line, "HELO") &&
      !after(w->line, "LHLO") && !after(w->line, "STARTTLS") && !after(w->line, "QUIT"))
    fault(w, "in clear although TLS is required: %.100s", w->line);
  mechanism = after(w->line, "AUTH ");
  if (!mechanism) mechanism = after(w->line, "AUTH") ? w->line + 5 : NULL;
  if (mechanism && !w->channel_safe &&
      (w->tls == TERN_TLS_OPPORTUNISTIC || strncasecmp(mechanism, "PLAIN", 5) == 0 ||
       strncasecmp(mechanism, "LOGIN", 5) == 0 || strncasecmp(mechanism, "XOAUTH2", 7) == 0 ||
       strncasecmp(mechanism, "OAUTHBEARER", 11) == 0))
    fault(w, "a secret in clear: AUTH %.20s", mechanism);
}

static void bdat_line(witness *w, const char *rest)
{
  char *end;
  w->octets = strtoull(rest, &end, 10);
  w->last_chunk = strcasecmp(end, " LAST") == 0;
  if (end == rest || (*end && !w->last_chunk)) fault(w, "odd BDAT: %.100s", w->line);
  if (w->content == 0 || w->octets > 0) content_began(w);
  if (w->octets > 0 && w->accepted == 0 && !w->ahead) fault(w, "BDAT content without an accepted recipient");
  w->content += w->octets;
  if (w->octets > 0) w->mode = WITNESS_OCTETS;
  else if (w->last_chunk) content_ended(w);
  else ask(w, WITNESS_CHUNK, 0, 0);
}

static void command_line(witness *w)
{
  const char *rest;
  w->commands++;
  if (outstanding(w, WITNESS_DATA)) fault(w, "octets behind DATA before its reply: %.100s", w->line);
  if (outstanding(w, WITNESS_GREETING)) fault(w, "a command before the greeting");
  if (outstanding(w, WITNESS_STARTTLS)) fault(w, "octets behind STARTTLS before its reply");
  if (outstanding(w, WITNESS_AUTH)) fault(w, "octets behind AUTH before its reply");
  if (outstanding(w, WITNESS_HELLO)) fault(w, "octets behind EHLO before its reply");
  if (w->auth_line) {
    w->auth_line = 0;
    ask(w, WITNESS_AUTH, 0, 0);
    return;
  }
  if (w->line_cut || w->line_len > 4096) {
    if (!after(w->line, "AUTH")) fault(w, "a command line over 1,023 octets: %.60s", w->line);
  }
  check_channel(w);
  if (after(w->line, "EHLO") || after(w->line, "HELO") || after(w->line, "LHLO"))
    ask(w, WITNESS_HELLO, 0, 0);
  else if (strcmp(w->line, "STARTTLS") == 0)
    ask(w, WITNESS_STARTTLS, 0, 0);
  else if (after(w->line, "AUTH"))
    ask(w, WITNESS_AUTH, 0, 0);
  else if (after(w->line, "MAIL FROM:")) {
    w->transaction++;
    w->accepted = 0;
    w->named = 0;
    w->content = 0;
    w->binary = strstr(w->line, " BODY=BINARYMIME") != NULL;
    if (strstr(w->line, " PRDR") != NULL) w->prdr = 1;
    ask(w, WITNESS_MAIL, 0, 0);
  } else if ((rest = after(w->line, "RCPT TO:")) != NULL)
    rcpt_line(w, rest);
  else if (strcmp(w->line, "DATA") == 0)
    ask(w, WITNESS_DATA, 0, 0);
  else if ((rest = after(w->line, "BDAT")) != NULL)
    bdat_line(w, rest);
  else if (strcmp(w->line, "RSET") == 0 || strcmp(w->line, "QUIT") == 0 ||
           strcmp(w->line, "NOOP") == 0 || after(w->line, "VRFY"))
    ask(w, WITNESS_OTHER, 0, 0);
  else
    fault(w, "no command of SMTP: %.100s", w->line);
}

/* RFC 5321 4.5.2 and 2.3.8: the content ends at CRLF "." CRLF; CR and LF only come together. */
static void content_octet(witness *w, uint8_t c)
{
  if (w->after_cr && c != '\n') fault(w, "a bare CR in the content");
  if (!w->after_cr && c == '\n') fault(w, "a bare LF in the content");
  if (c == '\r') {
    w->after_cr = 1;
    return;
  }
  if (c == '\n') {
    w->after_cr = 0;
    if (w->only_dot) {
      w->mode = WITNESS_LINE;
      content_ended(w);
      return;
    }
    if (w->line_start && w->accepted == 0) fault(w, "content without an accepted recipient");
    w->line_start = 1;
    return;
  }
  if (!(w->line_start && c == '.') && w->accepted == 0)
    fault(w, "content without an accepted recipient");
  w->only_dot = w->line_start && c == '.';
  w->line_start = 0;
}

static void chunk_octet(witness *w, uint8_t c)
{
  if (w->chunk_cr && c != '\n' && !w->binary) fault(w, "a bare CR in the content");
  if (!w->chunk_cr && c == '\n' && !w->binary) fault(w, "a bare LF in the content");
  w->chunk_cr = c == '\r' && !w->binary;
  if (--w->octets > 0) return;
  w->mode = WITNESS_LINE;
  if (w->last_chunk) {
    if (w->chunk_cr) fault(w, "content that ends with a bare CR");
    w->chunk_cr = 0;
    content_ended(w);
  } else {
    ask(w, WITNESS_CHUNK, 0, 0);
  }
}

static void line_octet(witness *w, uint8_t c)
{
  if (w->line_len == 0 && !w->auth_line && outstanding(w, WITNESS_DATA))
    fault(w, "octets behind DATA before its reply");
  if (c == '\n') {
    if (w->line_len == 0 || w->line[w->line_len - 1] != '\r')
      fault(w, "a command line that ends with a bare LF");
    else
      w->line[--w->line_len] = 0;
    w->line[w->line_len] = 0;
    if (!w->line_cut && strchr(w->line, '\r')) fault(w, "a bare CR in a command");
    if (strlen(w->line) != w->line_len) fault(w, "NUL in a command");
    command_line(w);
    w->line_len = 0;
    w->line_cut = 0;
    return;
  }
  if (w->line_len >= sizeof w->line - 2) { /* keep the end, for its CR */
    w->line_cut = 1;
    w->line[w->line_len - 1] = (char)c;
    return;
  }
  w->line[w->line_len++] = (char)c;
}

void witness_client(witness *w, const uint8_t *octets, size_t len)
{
  size_t i;
  if (w->stopped && len != 0) fault(w, "octets behind a refused content that had left eagerly");
  for (i = 0; i < len && !w->fault[0]; i++) {
    if (w->mode == WITNESS_LINE)
      line_octet(w, octets[i]);
    else if (w->mode == WITNESS_CONTENT)
      content_octet(w, octets[i]);
    else
      chunk_octet(w, octets[i]);
  }
}

/* ---- the server's octets ------------------------------------------------------------------------*/

/* PRDR: 353 is followed by a reply for each recipient of the transaction, and one for all. */
static int one_by_one(witness *w, const witness_item *item)
{
  uint32_t m, i;
  size_t at = w->head, n = 0;
  for (m = 0; m < w->mails; m++)
    for (i = 0; i < w->mail[m].count; i++)
      n += w->mail[m].rcpt[i].transaction == item->transaction && w->mail[m].rcpt[i].rcpt_code / 100 == 2;
  if (n == 0 || w->tail + n + 1 > WITNESS_QUEUE) return 0;
  memmove(w->queue + at + n + 1, w->queue + at, (w->tail - at) * sizeof w->queue[0]);
  w->tail += n + 1;
  for (m = 0; m < w->mails; m++)
    for (i = 0; i < w->mail[m].count; i++) {
      const witness_rcpt *r = &w->mail[m].rcpt[i];
      if (r->transaction != item->transaction || r->rcpt_code / 100 != 2) continue;
      w->queue[at] = *item;
      w->queue[at].one = 1;
      w->queue[at].mail = (uint8_t)m;
      w->queue[at++].index = (uint16_t)i;
    }
  w->queue[at] = *item;
  w->queue[at].one = 2;
  return 1;
}

static void final_reply(witness *w, const witness_item *item, unsigned code)
{
  uint32_t m, i;
  if (item->one == 1) { /* a yes waits for the last reply */
    if (code >= 400) w->mail[item->mail].rcpt[item->index].final_code = (uint16_t)code;
    return;
  }
  if (item->index != UINT16_MAX) {
    w->mail[item->mail].rcpt[item->index].final_code = (uint16_t)code;
    return;
  }
  for (m = 0; m < w->mails; m++)
    for (i = 0; i < w->mail[m].count; i++) {
      witness_rcpt *r = &w->mail[m].rcpt[i];
      if (r->transaction == item->transaction && r->rcpt_code / 100 == 2 && r->final_code == 0)
        r->final_code = (uint16_t)code;
    }
}

/* MAIL was refused: what was said of its recipients means nothing. */
static void refused_mail(witness *w, const witness_item *item)
{
  uint32_t m, i;
  w->no_transaction = item->transaction;
  w->refused_envelope = 1;
  for (m = 0; m < w->mails; m++)
    for (i = 0; i < w->mail[m].count; i++)
      if (w->mail[m].rcpt[i].transaction == item->transaction) w->mail[m].rcpt[i].handed = 0;
}

static void reply_complete(witness *w)
{
  unsigned code = (unsigned)atoi(w->first);
  witness_item item;
  if (code >= 400) w->refused++;
  if (w->unasked || w->head == w->tail) {
    if (code != 421) w->broken = 1; /* RFC 5321 3.8: 421 may come at any time */
    else w->closing = 1;
    return;
  }
  item = w->queue[w->head++];
  if (code == 421) w->closing = 1;
  switch (item.kind) {
  case WITNESS_AUTH:
    w->auth_line = code == 334;
    break;
  case WITNESS_MAIL:
    if (code >= 400) refused_mail(w, &item); /* a 3xx says nothing of what left eagerly behind it */
    break;
  case WITNESS_RCPT:
    if (item.transaction == w->no_transaction) break; /* accepted into nothing */
    w->mail[item.mail].rcpt[item.index].rcpt_code = (uint16_t)code;
    if (code >= 400) w->mail[item.mail].rcpt[item.index].handed = 0;
    if (code >= 400) w->refused_envelope = 1;
    if (code / 100 == 2 && item.transaction == w->transaction) w->accepted++;
    break;
  case WITNESS_DATA:
    if (code / 100 == 3) {
      w->mode = WITNESS_CONTENT;
      w->line_start = 1;
      w->only_dot = 0;
      w->after_cr = 0;
      content_began(w);
    }
    break;
  case WITNESS_END:
    if (code == 353 && w->prdr && !w->lmtp && item.one == 0 && one_by_one(w, &item)) break;
    final_reply(w, &item, code);
    if (code / 100 == 2) w->refused_envelope = 0;
    if (item.ahead && code / 100 != 2) w->stopped = 1;
    break;
  default:
    break;
  }
}

static void line_complete(witness *w)
{
  if (w->column < 3) {
    w->broken = 1;
    return;
  }
  if (w->lines++ == 0) memcpy(w->first, w->code, sizeof w->first);
  else if (memcmp(w->first, w->code, 3) != 0 || w->lines > 128) w->broken = 1;
  w->column = 0;
  if (w->more || w->broken) return;
  w->lines = 0;
  reply_complete(w);
}

void witness_server(witness *w, const uint8_t *octets, size_t len)
{
  size_t i;
  for (i = 0; i < len && !w->broken && !w->closing; i++) {
    uint8_t c = octets[i];
    if (w->column == 0 && w->lines == 0) w->unasked = w->head == w->tail;
    if (c == '\n') {
      w->reply_cr = 0;
      line_complete(w);
      continue;
    }
    if (w->reply_cr) w->column++; /* a CR inside the line is an octet like others */
    w->reply_cr = c == '\r';
    if (w->reply_cr) continue;
    if (w->column < 3) {
      if (c < '0' || c > '9' || (w->column == 0 && (c < '2' || c > '5'))) w->broken = 1;
      w->code[w->column] = (char)c;
      w->more = 0;
    } else if (w->column == 3) {
      if (c != ' ' && c != '-') w->broken = 1;
      w->more = c == '-';
    }
    if (++w->column > 2048) w->broken = 1;
  }
}

void witness_tls(witness *w, int good)
{
  if (w->tls == TERN_TLS_NONE) fault(w, "TLS although none is wanted");
  if (good) w->secure = 1;
}

/* ---- the engine's word --------------------------------------------------------------------------*/

static int protocol_class(const tern_error *error)
{
  return tern_status_class(tern_error_cause(error)) == TERN_CLASS_PROTOCOL ||
         tern_status_class(tern_error_status(error)) == TERN_CLASS_PROTOCOL;
}

/* What may be said of one recipient. */
static void judge(witness *w, uint32_t m, uint32_t i, uint32_t outcome, const tern_error *error)
{
  const witness_rcpt *r = &w->mail[m].rcpt[i];
  int open = r->handed && r->final_code == 0;
  switch (outcome) {
  case TERN_ACCEPTED:
    if (r->rcpt_code / 100 != 2 || r->final_code / 100 != 2 || !r->handed)
      fault(w, "mail %u rcpt %u accepted, but RCPT %u, end of content %s, final reply %u",
            (unsigned)m + 1, (unsigned)i + 1, r->rcpt_code, r->handed ? "sent" : "not sent",
            r->final_code);
    break;
  case TERN_UNKNOWN:
    if (!r->handed)
      fault(w, "mail %u rcpt %u unknown, but the final octet was not handed over", (unsigned)m + 1,
            (unsigned)i + 1);
    else if (!open && r->final_code / 100 != 3 && !protocol_class(error))
      fault(w, "mail %u rcpt %u unknown, but its final reply %u was complete", (unsigned)m + 1,
            (unsigned)i + 1, r->final_code);
    break;
  case TERN_UNSENT:
    if (r->handed && r->final_code / 100 != 4 && r->final_code / 100 != 5)
      fault(w, "mail %u rcpt %u unsent, but the final octet was handed over", (unsigned)m + 1,
            (unsigned)i + 1);
    break;
  case TERN_REJECTED:
  case TERN_DEFERRED:
    if (open && !w->closing)
      fault(w, "mail %u rcpt %u refused, but its final reply was not complete", (unsigned)m + 1,
            (unsigned)i + 1);
    if (r->handed && r->final_code / 100 == 2)
      fault(w, "mail %u rcpt %u refused, but its final reply was %u", (unsigned)m + 1,
            (unsigned)i + 1, r->final_code);
    if (r->handed && r->final_code / 100 == 3)
      fault(w, "mail %u rcpt %u refused, but its final reply %u says nothing", (unsigned)m + 1,
            (unsigned)i + 1, r->final_code);
    if (w->refused == 0)
      fault(w, "mail %u rcpt %u refused, but no reply was 4xx or 5xx", (unsigned)m + 1,
            (unsigned)i + 1);
    break;
  default:
    fault(w, "mail %u rcpt %u: outcome %u is none", (unsigned)m + 1, (unsigned)i + 1,
          (unsigned)outcome);
  }
}

void witness_settled(witness *w, uint32_t mail, uint32_t index, uint32_t outcome,
                     const tern_error *error)
{
  witness_mail *m = &w->mail[mail];
  if (index >= m->count) {
    fault(w, "settled with index %u of %u", (unsigned)index, (unsigned)m->count);
    return;
  }
  if (m->done) fault(w, "settled after done");
  if (m->rcpt[index].settled++) fault(w, "rcpt %u settled twice", (unsigned)index + 1);
  judge(w, mail, index, outcome, error);
  if ((outcome == TERN_ACCEPTED) != (tern_error_status(error) == TERN_OK))
    fault(w, "rcpt %u: outcome %s with status %s", (unsigned)index + 1, tern_outcome_name(outcome),
          tern_status_name(tern_error_status(error)));
  if ((outcome == TERN_UNKNOWN) != (tern_error_in_doubt(error) == 1))
    fault(w, "rcpt %u: outcome %s, in doubt %u", (unsigned)index + 1, tern_outcome_name(outcome),
          (unsigned)tern_error_in_doubt(error));
}

void witness_done(witness *w, uint32_t mail, tern_status status, const tern_error *error,
                  const uint8_t *outcome)
{
  witness_mail *m = &w->mail[mail];
  uint32_t i, accepted = 0, unknown = 0;
  if (m->done++) fault(w, "done twice for mail %u", (unsigned)mail + 1);
  if (status != tern_error_status(error)) fault(w, "done: status differs from its error's");
  for (i = 0; i < m->count; i++) {
    judge(w, mail, i, outcome[i], error);
    accepted += outcome[i] == TERN_ACCEPTED;
    unknown += outcome[i] == TERN_UNKNOWN;
    if (m->rcpt[i].settled != 1)
      fault(w, "mail %u done, rcpt %u settled %u times", (unsigned)mail + 1, (unsigned)i + 1,
            m->rcpt[i].settled);
  }
  if ((status == TERN_OK) != (accepted == m->count))
    fault(w, "mail %u is %s with %u of %u accepted", (unsigned)mail + 1, tern_status_name(status),
          (unsigned)accepted, (unsigned)m->count);
  if (status == TERN_PARTIAL && accepted == 0) fault(w, "partial with nobody accepted");
  if (status < 0 && unknown == 0 && accepted > 0)
    fault(w, "mail %u is %s with %u accepted", (unsigned)mail + 1, tern_status_name(status),
          (unsigned)accepted);
  if (unknown > 0 && tern_error_resend(error) != TERN_RESEND_UNKNOWN)
    fault(w, "mail %u is %s with %u unknown, and sending again is called %s", (unsigned)mail + 1,
          tern_status_name(status), (unsigned)unknown,
          tern_resend_name(tern_error_resend(error)));
  if (unknown == 0 && accepted > 0 && accepted < m->count &&
      tern_error_resend(error) != TERN_RESEND_UNSAFE)
    fault(w, "mail %u is partial, and sending again is called %s", (unsigned)mail + 1,
          tern_resend_name(tern_error_resend(error)));
  if (unknown == 0 && status == TERN_E_IN_DOUBT) fault(w, "in doubt with nobody unknown");
}

void witness_session(witness *w, const tern_session *s)
{
  uint32_t wants = tern_session_wants(s);
  if (tern_session_ended(s)) {
    if (wants != 0) fault(w, "ended, but wants %u", (unsigned)wants);
    if (tern_session_deadline(s) != TERN_NEVER) fault(w, "ended, but has a deadline");
    return;
  }
  if ((wants & (TERN_READ | TERN_WRITE | TERN_WANT_TLS)) && tern_session_deadline(s) == TERN_NEVER)
    fault(w, "wants %u without a deadline in phase %s", (unsigned)wants,
          tern_phase_name(tern_session_phase(s)));
}
