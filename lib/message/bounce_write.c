/* bounce_write.c - writes a delivery status notification: multipart/report (RFC 6522) of a text for
 * people, message/delivery-status (RFC 3464), and the message it is about, which is streamed.
 *
 * Everything but the original is one text, made twice: counted, then written. Where sender and author
 * are ASCII all of it is, so that any server takes it: UTF-8 addresses in the form of RFC 6533 3
 * (utf-8-addr-xtext). Neighbours: inlet.c reads the original, base/verdict.c knows the codes. */
#include <tern/bounce.h>

#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/verdict.h"
#include "message/fields.h"
#include "message/header.h"
#include "message/inlet.h"
#include "message/text.h"

#define WIDTH 76u /* where text is folded */
#define BOUNDARY 28u

typedef struct rcpt {
  struct rcpt *next;
  char *mailbox, *orcpt, *remote, *detail, *reply_text;
  tern_error error; /* detail and reply text are the two above */
  uint32_t outcome;
  int64_t attempt;
  int32_t attempt_zone;
  uint8_t attempted;
} rcpt;

enum { UNMADE, HEAD, ORIGINAL, TAIL, DONE };
enum { AS_IS, QUOTED }; /* how the original is encoded */

struct tern_report {
  const tern_allocator *mem;
  char *mta, *to, *from, *id, *envid;
  rcpt *first, *last;
  tern__inlet in;
  char *head; /* all before the original; the closing boundary is its tail */
  size_t head_len, tail_at;
  uint64_t original_len; /* as it is passed on */
  int64_t seconds, arrival;
  int32_t zone, arrival_zone;
  uint32_t capabilities; /* that it was made for */
  uint8_t dated, arrived, utf8;
  uint8_t what, how;      /* TERN_REPORT_...; AS_IS, QUOTED */
  uint8_t asked;          /* TERN_REPORT_... as the caller wants it */
  uint8_t header_high, body_high;
  uint8_t at;             /* HEAD ... DONE */
  uint8_t line_start, blank_held, column;
  uint8_t quoted_len;
  tern_span piece;
  char quoted[12]; /* a soft line break, a blank that waited, an octet */
};

/* ---- life ----------------------------------------------------------------------------------------------*/
tern_report *tern_report_new(const tern_allocator *mem)
{
  tern_report *r = tern__alloc(mem, sizeof *r);

  if (r != NULL) r->mem = mem;
  return r;
}

static void forget_text(tern_report *r)
{
  if (r->head != NULL) tern__free(r->mem, r->head, r->head_len + 1);
  r->head = NULL;
  r->at = UNMADE;
}

void tern_report_free(tern_report *r)
{
  rcpt *p;

  if (r == NULL) return;
  forget_text(r);
  while ((p = r->first) != NULL) {
    r->first = p->next;
    tern__free_string(r->mem, p->mailbox);
    tern__free_string(r->mem, p->orcpt);
    tern__free_string(r->mem, p->remote);
    tern__free_string(r->mem, p->detail);
    tern__free_string(r->mem, p->reply_text);
    tern__free(r->mem, p, sizeof *p);
  }
  tern__free_string(r->mem, r->mta);
  tern__free_string(r->mem, r->to);
  tern__free_string(r->mem, r->from);
  tern__free_string(r->mem, r->id);
  tern__free_string(r->mem, r->envid);
  tern__free(r->mem, r, sizeof *r);
}

/* ---- settings ------------------------------------------------------------------------------------------*/
static tern_status set(tern_report *r, char **where, const char *text)
{
  char *copy;

  if (r->at != UNMADE) return TERN_E_STATE;
  copy = tern__copy_string(r->mem, text);
  if (copy == NULL) return TERN_E_NOMEM;
  tern__free_string(r->mem, *where);
  *where = copy;
  return TERN_OK;
}

tern_status tern_report_set_reporting_mta(tern_report *r, const char *domain)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (domain == NULL) return TERN_E_ARGUMENT;
  if (tern__domain_check(domain, NULL) != TERN_OK) return TERN_E_NAME;
  return set(r, &r->mta, domain);
}

static tern_status set_mailbox(tern_report *r, char **where, const char *mailbox)
{
  uint32_t flags = 0;
  tern_status st;

  if (r == NULL) return TERN_E_NOMEM;
  if (mailbox == NULL || mailbox[0] == '\0') return TERN_E_ARGUMENT;
  if (tern__mailbox_check(mailbox, NULL, &flags) != TERN_OK) return TERN_E_ADDRESS;
  st = set(r, where, mailbox);
  if (st == TERN_OK && (flags & TERN__MAILBOX_UTF8)) r->utf8 = 1;
  return st;
}

tern_status tern_report_set_to(tern_report *r, const char *mailbox)
{
  return set_mailbox(r, r != NULL ? &r->to : NULL, mailbox);
}

tern_status tern_report_set_from(tern_report *r, const char *mailbox)
{
  return set_mailbox(r, r != NULL ? &r->from : NULL, mailbox);
}

static tern_status set_date(tern_report *r, int64_t *where, int32_t *where_zone, uint8_t *is_set,
                            int64_t seconds, int32_t zone)
{
  char text[TERN__DATE_TEXT];

  if (r->at != UNMADE) return TERN_E_STATE;
  if (tern__date_text(text, seconds, zone) == 0) return TERN_E_ARGUMENT;
  *where = seconds;
  *where_zone = zone;
  *is_set = 1;
  return TERN_OK;
}

tern_status tern_report_set_date(tern_report *r, int64_t seconds, int32_t zone)
{
  if (r == NULL) return TERN_E_NOMEM;
  return set_date(r, &r->seconds, &r->zone, &r->dated, seconds, zone);
}

tern_status tern_report_set_arrival(tern_report *r, int64_t seconds, int32_t zone)
{
  if (r == NULL) return TERN_E_NOMEM;
  return set_date(r, &r->arrival, &r->arrival_zone, &r->arrived, seconds, zone);
}

tern_status tern_report_set_message_id(tern_report *r, const char *id)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (id == NULL || !tern__is_message_id(id)) return TERN_E_ARGUMENT;
  return set(r, &r->id, id);
}

/* 1 to max octets, none of them a control. */
static int is_plain(const char *text, size_t max)
{
  size_t i;

  if (text == NULL) return 0;
  for (i = 0; text[i] != '\0'; i++)
    if ((uint8_t)text[i] < 32 || text[i] == 127) return 0;
  return i >= 1 && i <= max;
}

tern_status tern_report_set_envid(tern_report *r, const char *envid)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (!is_plain(envid, 100) || !tern__is_ascii(envid)) return TERN_E_ARGUMENT; /* RFC 3461 4.4 */
  return set(r, &r->envid, envid);
}

static tern_status copy_error(tern_report *r, rcpt *p, const tern_error *error)
{
  p->error = *error;
  p->error.detail = p->error.reply.text = NULL;
  if (error->detail != NULL) {
    p->error.detail = p->detail = tern__copy_string(r->mem, error->detail);
    if (p->detail == NULL) return TERN_E_NOMEM;
  }
  if (error->reply.code != 0 && error->reply.text != NULL) {
    p->error.reply.text = p->reply_text = tern__copy_string(r->mem, error->reply.text);
    if (p->reply_text == NULL) return TERN_E_NOMEM;
  }
  return TERN_OK;
}

tern_status tern_report_rcpt(tern_report *r, const char *mailbox, uint32_t outcome,
                             const tern_error *error)
{
  uint32_t flags = TERN__MAILBOX_POSTMASTER;
  tern_status st;
  rcpt *p;

  if (r == NULL) return TERN_E_NOMEM;
  if (r->at != UNMADE) return TERN_E_STATE;
  if (mailbox == NULL || (error == NULL && outcome != TERN_ACCEPTED) ||
      (outcome != TERN_ACCEPTED && outcome != TERN_REJECTED && outcome != TERN_DEFERRED))
    return TERN_E_ARGUMENT;
  if (tern__mailbox_check(mailbox, NULL, &flags) != TERN_OK) return TERN_E_ADDRESS;
  p = tern__alloc(r->mem, sizeof *p);
  if (p == NULL) return TERN_E_NOMEM;
  p->outcome = outcome;
  p->mailbox = tern__copy_string(r->mem, mailbox);
  st = p->mailbox == NULL ? TERN_E_NOMEM : TERN_OK;
  if (st == TERN_OK && error != NULL) st = copy_error(r, p, error);
  if (st != TERN_OK) {
    tern__free_string(r->mem, p->mailbox);
    tern__free_string(r->mem, p->detail);
    tern__free_string(r->mem, p->reply_text);
    tern__free(r->mem, p, sizeof *p);
    return st;
  }
  if (r->last != NULL)
    r->last->next = p;
  else
    r->first = p;
  r->last = p;
  return TERN_OK;
}

tern_status tern_report_set_orcpt(tern_report *r, const char *orcpt)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (r->last == NULL) return TERN_E_STATE;
  if (!is_plain(orcpt, 500) || strchr(orcpt, ';') == NULL || orcpt[0] == ';') return TERN_E_ARGUMENT;
  return set(r, &r->last->orcpt, orcpt);
}

tern_status tern_report_set_remote_mta(tern_report *r, const char *host)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (r->last == NULL) return TERN_E_STATE;
  if (!is_plain(host, 255) || !tern__is_ascii(host)) return TERN_E_NAME;
  return set(r, &r->last->remote, host);
}

tern_status tern_report_set_last_attempt(tern_report *r, int64_t seconds, int32_t zone)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (r->last == NULL) return TERN_E_STATE;
  return set_date(r, &r->last->attempt, &r->last->attempt_zone, &r->last->attempted, seconds, zone);
}

tern_status tern_report_set_original(tern_report *r, const tern_source *source, void *user,
                                     uint32_t what)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (r->at != UNMADE) return TERN_E_STATE;
  if (what > TERN_REPORT_FULL) return TERN_E_ARGUMENT;
  r->asked = (uint8_t)what;
  return tern__inlet_set_source(&r->in, source, user);
}

tern_status tern_report_set_original_octets(tern_report *r, const void *octets, size_t len,
                                            uint32_t what)
{
  if (r == NULL) return TERN_E_NOMEM;
  if (r->at != UNMADE) return TERN_E_STATE;
  if (what > TERN_REPORT_FULL) return TERN_E_ARGUMENT;
  r->asked = (uint8_t)what;
  return tern__inlet_set_octets(&r->in, octets, len);
}

/* ---- the text --------------------------------------------------------------------------------------------*/
typedef struct sink {
  tern__text text;
  int utf8; /* addresses may be as they are */
} sink;

static void text(sink *s, const char *words)
{
  tern__text_add(&s->text, words);
}

static void line(sink *s)
{
  tern__text_line(&s->text);
}

static void field(sink *s, const char *name, const char *type, const char *value)
{
  text(s, name);
  text(s, ": ");
  text(s, type);
  text(s, value);
  line(s);
}

static void date(sink *s, const char *name, int64_t seconds, int32_t zone)
{
  char words[TERN__DATE_TEXT];

  (void)tern__date_text(words, seconds, zone);
  field(s, name, "", words);
}

/* A text of unknown make and encoding: white space and line ends are places to fold, what is not
 * printable ASCII is '?'. Lines after the first begin with `indent`. */
static void words(sink *s, const char *value, const char *indent)
{
  size_t i = 0, n;

  while (value[i] != '\0') {
    if (value[i] == ' ' || value[i] == '\n' || value[i] == '\t' || value[i] == '\r') {
      i++;
      continue;
    }
    for (n = 0; value[i + n] != '\0' && value[i + n] != ' ' && value[i + n] != '\n' &&
                value[i + n] != '\t' && value[i + n] != '\r' && n < 400; n++) {
    }
    if (i != 0 && s->text.column + 1 + n > WIDTH) {
      line(s);
      text(s, indent);
    } else if (i != 0) {
      text(s, " ");
    }
    for (; n != 0; n--, i++) {
      uint8_t c = (uint8_t)value[i];
      tern__text_put(&s->text, c < 32 || c > 126 ? "?" : value + i, 1);
    }
  }
}

/* The character at p, whose UTF-8 is known to be good, and its octets. */
static uint32_t character(const char *p, size_t *len)
{
  uint8_t lead = (uint8_t)*p;
  uint32_t c = lead < 0x80 ? lead : lead < 0xe0 ? lead & 0x1fu : lead < 0xf0 ? lead & 0x0fu : lead & 7u;
  size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

  for (*len = 1; *len < n && ((uint8_t)p[*len] & 0xc0) == 0x80; (*len)++)
    c = c << 6 | ((uint8_t)p[*len] & 0x3f);
  return c;
}

/* utf-8-addr-xtext (RFC 6533 3). */
static void xtext(sink *s, const char *address)
{
  static const char hex[] = "0123456789ABCDEF";
  size_t len;

  for (; *address != '\0'; address += len) {
    uint32_t c = character(address, &len), digits = 2;
    if (c > 32 && c < 127 && c != '+' && c != '=' && c != '\\') {
      tern__text_put(&s->text, address, 1);
      continue;
    }
    text(s, "\\x{");
    while (digits < 6 && c >> (4 * digits) != 0) digits++;
    for (; digits-- != 0;) tern__text_put(&s->text, hex + (c >> (4 * digits) & 15), 1);
    text(s, "}");
  }
}

static void address_field(sink *s, const char *name, const char *type, const char *address)
{
  text(s, name);
  text(s, ": ");
  if (tern__is_ascii(address)) {
    text(s, type);
    text(s, ";");
    text(s, address);
  } else {
    text(s, "utf-8;");
    if (s->utf8)
      text(s, address);
    else
      xtext(s, address);
  }
  line(s);
}

static const char *action(uint32_t outcome)
{
  return outcome == TERN_REJECTED ? "failed" : outcome == TERN_DEFERRED ? "delayed" : "relayed";
}

/* The Status of RFC 3463: the server's word where it fits, else what stands for the error. */
static void status_code(const rcpt *p, char out[12])
{
  const char *enhanced = p->error.reply.enhanced;

  if (p->outcome == TERN_ACCEPTED) {
    strcpy(out, enhanced[0] == '2' ? enhanced : "2.0.0");
  } else if (enhanced[0] == '4' || enhanced[0] == '5') {
    strcpy(out, enhanced);
  } else {
    tern__verdict_enhanced(p->error.status, out);
  }
}

/* "smtp; 550 5.1.1 no such user", or what went wrong without a reply. */
static void diagnostic(sink *s, const rcpt *p)
{
  const tern_reply *reply = &p->error.reply;

  if (reply->code != 0) {
    text(s, "Diagnostic-Code: smtp; ");
    tern__text_number(&s->text, reply->code);
    text(s, reply->enhanced[0] != '\0' ? " " : "");
    text(s, reply->enhanced);
    text(s, " ");
    words(s, tern_reply_text(reply), "  ");
  } else if (p->error.status != TERN_OK) {
    text(s, "Diagnostic-Code: X-tern; ");
    words(s, tern_error_text(&p->error), "  ");
  } else {
    return;
  }
  line(s);
}

/* For a tern that reads it: the phase decides over the status, and no other field tells it. */
static void error_name(sink *s, const rcpt *p)
{
  const char *name = tern_status_name(p->error.status), *phase = tern_phase_name(p->error.phase);

  if (name[0] == '\0') return; /* a build without texts */
  text(s, "X-tern-Error: ");
  text(s, name);
  if (phase[0] != '\0') {
    text(s, " (");
    text(s, phase);
    text(s, ")");
  }
  line(s);
}

static void status_of(sink *s, const rcpt *p)
{
  char code[12], type[32] = "rfc822";
  const char *semicolon;
  size_t len;

  line(s);
  if (p->orcpt != NULL) {
    semicolon = strchr(p->orcpt, ';');
    len = (size_t)(semicolon - p->orcpt);
    if (len < sizeof type) {
      memcpy(type, p->orcpt, len);
      type[len] = '\0';
    }
    address_field(s, "Original-Recipient", type, semicolon + 1);
  }
  address_field(s, "Final-Recipient", "rfc822", p->mailbox);
  field(s, "Action", "", action(p->outcome));
  status_code(p, code);
  field(s, "Status", "", code);
  if (p->remote != NULL) field(s, "Remote-MTA", "dns; ", p->remote);
  diagnostic(s, p);
  if (p->outcome != TERN_ACCEPTED) error_name(s, p);
  if (p->attempted) date(s, "Last-Attempt-Date", p->attempt, p->attempt_zone);
}

/* Those of that outcome, for people. */
static void paragraph(sink *s, const tern_report *r, uint32_t outcome, const char *heading)
{
  const rcpt *p;
  int said = 0;

  for (p = r->first; p != NULL; p = p->next) {
    if (p->outcome != outcome) continue;
    if (!said) {
      line(s);
      text(s, heading);
      line(s);
      said = 1;
    }
    line(s);
    text(s, "<");
    if (s->utf8 || tern__is_ascii(p->mailbox))
      text(s, p->mailbox);
    else
      xtext(s, p->mailbox);
    text(s, ">");
    line(s);
    if (outcome == TERN_ACCEPTED) continue;
    text(s, "    ");
    words(s, p->error.reply.code != 0 ? tern_status_text(p->error.status) : tern_error_text(&p->error), "    ");
    line(s);
    if (p->error.reply.code == 0) continue;
    text(s, "    ");
    text(s, p->remote != NULL ? p->remote : "the server");
    text(s, " said: ");
    tern__text_number(&s->text, p->error.reply.code);
    text(s, " ");
    text(s, p->error.reply.enhanced);
    text(s, p->error.reply.enhanced[0] != '\0' ? " " : "");
    words(s, tern_reply_text(&p->error.reply), "    ");
    line(s);
  }
}

static void boundary_line(sink *s, const char *boundary, const char *end)
{
  line(s);
  text(s, "--");
  text(s, boundary);
  text(s, end);
  line(s);
}

static int has(const tern_report *r, uint32_t outcome)
{
  const rcpt *p = r->first;

  while (p != NULL && p->outcome != outcome) p = p->next;
  return p != NULL;
}

static void header(sink *s, const tern_report *r, const char *boundary)
{
  text(s, "From: Mail Delivery System <");
  text(s, r->from != NULL ? r->from : "MAILER-DAEMON@");
  text(s, r->from != NULL ? "" : r->mta);
  text(s, ">");
  line(s);
  text(s, "To: <");
  text(s, r->to);
  text(s, ">");
  line(s);
  field(s, "Subject", "", has(r, TERN_REJECTED)   ? "Your message could not be delivered"
                          : has(r, TERN_DEFERRED) ? "Your message is delayed"
                                                  : "Your message was passed on");
  date(s, "Date", r->seconds, r->zone);
  text(s, "Message-ID: <");
  text(s, r->id);
  text(s, ">");
  line(s);
  text(s, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
          "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"");
  text(s, boundary);
  text(s, "\"");
  line(s);
}

static const char *original_type(const tern_report *r)
{
  if (r->what == TERN_REPORT_FULL)
    return r->header_high ? "message/global" : "message/rfc822";
  if (r->how == QUOTED) return "text/rfc822-headers; charset=utf-8";
  return r->header_high ? "message/global-headers" : "text/rfc822-headers";
}

static void write_all(sink *s, tern_report *r, const char *boundary)
{
  const rcpt *p;

  header(s, r, boundary);
  boundary_line(s, boundary, "");
  field(s, "Content-Type", "text/plain; charset=", s->utf8 ? "utf-8" : "us-ascii");
  if (s->utf8) field(s, "Content-Transfer-Encoding", "", "8bit");
  line(s);
  text(s, "This is the mail system at ");
  text(s, r->mta);
  text(s, ".");
  line(s);
  paragraph(s, r, TERN_REJECTED, "Your message could not be delivered to:");
  paragraph(s, r, TERN_DEFERRED,
            "Your message could not be delivered yet to these; there is no need to send it again:");
  paragraph(s, r, TERN_ACCEPTED, "Your message was passed on to servers that do not report further, for:");
  boundary_line(s, boundary, "");
  field(s, "Content-Type", "", s->utf8 ? "message/global-delivery-status" : "message/delivery-status");
  if (s->utf8) field(s, "Content-Transfer-Encoding", "", "8bit");
  line(s);
  field(s, "Reporting-MTA", "dns; ", r->mta);
  if (r->envid != NULL) field(s, "Original-Envelope-Id", "", r->envid);
  if (r->arrived) date(s, "Arrival-Date", r->arrival, r->arrival_zone);
  for (p = r->first; p != NULL; p = p->next) status_of(s, p);
  if (tern__inlet_is_set(&r->in)) {
    boundary_line(s, boundary, "");
    field(s, "Content-Type", "", original_type(r));
    if (r->how == QUOTED || r->header_high || (r->what == TERN_REPORT_FULL && r->body_high))
      field(s, "Content-Transfer-Encoding", "", r->how == QUOTED ? "quoted-printable" : "8bit");
    line(s);
  }
  r->tail_at = s->text.len;
  boundary_line(s, boundary, "--");
}

/* ---- the original ------------------------------------------------------------------------------------------*/
static tern_status begin_original(tern_report *r)
{
  r->piece.len = 0;
  r->line_start = 1;
  r->blank_held = r->column = 0;
  return tern__inlet_is_set(&r->in) ? tern__inlet_rewind(&r->in) : TERN_OK;
}

static void quote(tern_report *r, uint8_t octet, int as_it_is)
{
  static const char hex[] = "0123456789ABCDEF";
  uint8_t width = as_it_is ? 1 : 3;

  if (r->column + width > 75) {
    memcpy(r->quoted + r->quoted_len, "=\r\n", 3);
    r->quoted_len = (uint8_t)(r->quoted_len + 3);
    r->column = 0;
  }
  r->column = (uint8_t)(r->column + width);
  if (as_it_is) {
    r->quoted[r->quoted_len++] = (char)octet;
    return;
  }
  r->quoted[r->quoted_len++] = '=';
  r->quoted[r->quoted_len++] = hex[octet >> 4];
  r->quoted[r->quoted_len++] = hex[octet & 15];
}

/* quoted-printable (RFC 2045 6.7) of the next octet; a blank waits, as it must not end a line. */
static void quote_next(tern_report *r, uint8_t octet)
{
  int blank = octet == ' ' || octet == '\t';

  r->quoted_len = 0;
  if (r->blank_held != 0) quote(r, r->blank_held, octet != '\r');
  r->blank_held = blank ? octet : 0;
  if (blank) return;
  if (octet == '\r' || octet == '\n') {
    r->quoted[r->quoted_len++] = (char)octet;
    r->column = 0;
  } else {
    quote(r, octet, octet > 32 && octet < 127 && octet != '=');
  }
}

/* How many octets of the piece belong to the header. */
static size_t header_run(tern_report *r)
{
  size_t i;

  for (i = 0; i < r->piece.len; i++) {
    uint8_t octet = r->piece.octets[i];
    if (r->line_start && octet == '\r') break;
    r->line_start = octet == '\n';
    if (r->how == QUOTED && i == 0) return 1;
  }
  return i;
}

/* The next octets of what is returned of the original. */
static tern_status next_original(tern_report *r, const uint8_t **octets, size_t *len)
{
  tern_status st, cause = TERN_OK;

  if (!tern__inlet_is_set(&r->in)) return TERN_SOURCE_END;
  for (;;) {
    if (r->piece.len == 0) {
      st = tern__inlet_next(&r->in, &r->piece, &cause);
      if (st == TERN_OK) continue;
      r->piece.len = 0;
      return st == TERN_E_SOURCE ? cause : st;
    }
    *octets = r->piece.octets;
    *len = r->what == TERN_REPORT_FULL ? r->piece.len : header_run(r);
    if (*len == 0) return TERN_SOURCE_END;
    r->piece.octets += *len;
    r->piece.len -= *len;
    if (r->how == AS_IS) return TERN_OK;
    quote_next(r, **octets);
    *octets = (const uint8_t *)r->quoted;
    *len = r->quoted_len;
    if (*len != 0) return TERN_OK;
  }
}

static int high(const uint8_t *octets, size_t len)
{
  uint8_t any = 0;

  while (len-- != 0) any |= octets[len];
  return any > 127;
}

/* Looks at all of it for octets over 127. */
static tern_status survey(tern_report *r)
{
  tern_status st = begin_original(r), cause = TERN_OK;
  int in_header = 1;
  size_t head;

  r->how = AS_IS;
  r->header_high = r->body_high = 0;
  while (st == TERN_OK && tern__inlet_is_set(&r->in)) {
    st = tern__inlet_next(&r->in, &r->piece, &cause);
    if (st != TERN_OK) break;
    head = in_header ? header_run(r) : 0;
    in_header = in_header && head == r->piece.len;
    if (high(r->piece.octets, head)) r->header_high = 1;
    if (high(r->piece.octets + head, r->piece.len - head)) r->body_high = 1;
  }
  if (st == TERN_E_SOURCE) return cause;
  return st == TERN_SOURCE_END ? TERN_OK : st;
}

/* How much of it is returned, and as what, to a server that can do that. */
static tern_status choose(tern_report *r)
{
  const uint8_t *octets;
  size_t len;
  tern_status st;

  r->what = r->asked;
  if (!(r->capabilities & TERN_CAP_8BITMIME) && (r->header_high || r->body_high)) {
    r->what = TERN_REPORT_HEADERS;
    if (r->header_high) r->how = QUOTED;
  }
  r->original_len = 0;
  st = begin_original(r);
  while (st == TERN_OK) {
    st = next_original(r, &octets, &len);
    if (st == TERN_OK) r->original_len += len;
  }
  return st == TERN_SOURCE_END ? TERN_OK : st;
}

/* ---- the source ----------------------------------------------------------------------------------------------*/
/* The boundary follows from the id, so that nobody foresees it and each run has the same. */
static void make_boundary(const tern_report *r, char out[BOUNDARY])
{
  static const char hex[] = "0123456789abcdef";
  uint8_t digest[TERN__DIGEST_MAX];
  tern__hash hash;
  size_t i;

  tern__hash_begin(&hash, TERN__SHA256);
  tern__hash_add(&hash, r->id, strlen(r->id));
  tern__hash_end(&hash, digest);
  memcpy(out, "=_", 2);
  for (i = 0; i < (BOUNDARY - 3) / 2; i++) {
    out[2 + 2 * i] = hex[digest[i] >> 4];
    out[3 + 2 * i] = hex[digest[i] & 15];
  }
  out[2 + 2 * i] = '\0';
}

static tern_status make(tern_report *r, uint32_t capabilities)
{
  char boundary[BOUNDARY];
  sink s = {{NULL, 0, 0}, 0};
  tern_status st;

  if (r->mta == NULL || r->to == NULL || r->id == NULL || !r->dated || r->first == NULL)
    return TERN_E_ARGUMENT;
  forget_text(r);
  r->capabilities = capabilities;
  st = survey(r);
  if (st == TERN_OK) st = choose(r);
  if (st != TERN_OK) return st;
  make_boundary(r, boundary);
  s.utf8 = r->utf8;
  write_all(&s, r, boundary);
  r->head_len = s.text.len;
  s.text.out = tern__alloc(r->mem, s.text.len + 1);
  if (s.text.out == NULL) return TERN_E_NOMEM;
  r->head = s.text.out;
  s.text.len = s.text.column = 0;
  write_all(&s, r, boundary);
  r->at = HEAD;
  return begin_original(r);
}

static tern_status source_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  tern_report *r = user;
  tern_status st = make(r, capabilities);

  if (st != TERN_OK) return st;
  info->length = r->head_len + r->original_len;
  info->flags = 0;
  if (r->utf8) info->flags = TERN_CONTENT_UTF8_HEADER | TERN_CONTENT_8BIT;
  if (r->how == AS_IS && (r->header_high || (r->what == TERN_REPORT_FULL && r->body_high)))
    info->flags |= TERN_CONTENT_8BIT;
  return TERN_OK;
}

static tern_status source_rewind(void *user)
{
  tern_report *r = user;

  if (r->at == UNMADE) return TERN_OK;
  r->at = HEAD;
  return begin_original(r);
}

static tern_status source_read(void *user, const uint8_t **octets, size_t *len)
{
  tern_report *r = user;
  tern_status st = TERN_OK;

  *len = 0;
  if (r->at == UNMADE) st = make(r, TERN_CAP_8BITMIME | TERN_CAP_SMTPUTF8);
  if (st != TERN_OK) return st;
  if (r->at == HEAD) {
    r->at = ORIGINAL;
    *octets = (const uint8_t *)r->head;
    *len = r->tail_at;
    return TERN_OK;
  }
  if (r->at == ORIGINAL) {
    st = next_original(r, octets, len);
    if (st != TERN_SOURCE_END) return st;
    r->at = TAIL;
  }
  if (r->at == DONE) return TERN_SOURCE_END;
  r->at = DONE;
  *octets = (const uint8_t *)r->head + r->tail_at;
  *len = r->head_len - r->tail_at;
  return TERN_OK;
}

static const tern_source table = {sizeof table, source_read, source_rewind, source_prepare};

const tern_source *tern_report_source(void)
{
  return &table;
}
