/* command.c - the only writer of command lines, and the checks that let a string get there.
 *
 * A path is checked by base/mailbox, everything else of the caller's here: no CR, LF, NUL or other
 * control octet, no blank that would begin another parameter. Neighbours: session.c and
 * transaction.c call the checks when an intent is given and the writers when its turn has come. */
#include "protocol/command.h"

#include <string.h>

#include "base/ascii.h"
#include "base/config.h"

#define ENVID_MAX 100u /* RFC 3461 4.4 */
#define ORCPT_MAX 500u /* RFC 3461 4.2 */
#define PARAMS_MAX 1024u

/* Room for len octets at the end of the line, which is then so much longer; NULL: there is none, or
 * the line only counts. */
static inline char *place(tern__line *l, size_t len)
{
  char *at = l->at;

  if (l->full || l->cap - l->len < len) {
    l->full = 1;
    return NULL;
  }
  if (at != NULL) at += l->len;
  l->len += len;
  return at;
}

static void put(tern__line *l, const char *text, size_t len)
{
  char *at = place(l, len);

  if (at != NULL) memcpy(at, text, len);
}

/* A literal: its length is known. */
#if TERN__WIDE
#define PUT(l, literal)                                       \
  do {                                                        \
    char *at_ = place(l, sizeof(literal) - 1);                \
    if (at_ != NULL) memcpy(at_, literal, sizeof(literal) - 1); \
  } while (0)
#else
#define PUT(l, literal) put(l, literal, sizeof(literal) - 1)
#endif

void tern__line_put(tern__line *l, const char *text)
{
  put(l, text, strlen(text));
}

void tern__line_number(tern__line *l, tern__length value)
{
  char digits[20];

  if (TERN__WIDE && l->at != NULL && !l->full && l->cap - l->len >= sizeof digits)
    l->len += tern__decimal(value, l->at + l->len);
  else
    put(l, digits, tern__decimal(value, digits));
}

void tern__line_xtext(tern__line *l, const char *text)
{
  static const char hex[] = "0123456789ABCDEF";

  for (; *text != '\0'; text++) {
    uint8_t c = (uint8_t)*text;
    char code[3];

    code[0] = '+';
    code[1] = hex[c >> 4];
    code[2] = hex[c & 15];
    if (c < 33 || c > 126 || c == '+' || c == '=')
      put(l, code, 3);
    else
      put(l, text, 1);
  }
}

/* min..126 for all octets of text (and over 127 where high), at most max of them. */
static tern_status check_octets(const char *text, size_t max, uint8_t min, size_t *position)
{
  size_t i;

  for (i = 0; text[i] != '\0'; i++) {
    *position = i;
    if (i >= max || (uint8_t)text[i] < min || (uint8_t)text[i] > 126) return TERN_E_PARAMETER;
  }
  *position = i;
  return TERN_OK;
}

tern_status tern__check_envid(const char *text, size_t *position)
{
  tern_status st = check_octets(text, ENVID_MAX, 32, position);

  return st == TERN_OK && *position == 0 ? TERN_E_PARAMETER : st;
}

tern_status tern__check_orcpt(const char *text, size_t *position)
{
  tern_status st = check_octets(text, ORCPT_MAX, 32, position);
  size_t i = 0;

  if (st != TERN_OK) return st;
  while (tern__is_alpha((uint8_t)text[i]) || tern__is_digit((uint8_t)text[i]) || text[i] == '-') i++;
  if (i != 0 && text[i] == ';' && text[i + 1] != '\0') return TERN_OK; /* addr-type ";" xtext */
  *position = i;
  return TERN_E_PARAMETER;
}

tern_status tern__check_params(const char *text, size_t *position)
{
  size_t i = 0, start;

  for (;;) {
    for (start = i; tern__is_alpha((uint8_t)text[i]) || tern__is_digit((uint8_t)text[i]) ||
                    (i != start && text[i] == '-');)
      i++;
    if (i == start) break;
    if (text[i] == '=') {
      for (start = ++i; (uint8_t)text[i] > 32 && (uint8_t)text[i] < 127 && text[i] != '=';) i++;
      if (i == start) break;
    }
    if (text[i] == '\0' && i <= PARAMS_MAX) return TERN_OK;
    if (text[i] != ' ') break;
    i++;
  }
  *position = i;
  return TERN_E_PARAMETER;
}

tern_status tern__check_argument(const char *text, size_t *position)
{
  return check_octets(text, 256, 32, position);
}

void tern__put_verb(tern__line *l, const char *verb, const char *argument)
{
  tern__line_put(l, verb);
  if (argument != NULL) {
    PUT(l, " ");
    tern__line_put(l, argument);
  }
  PUT(l, "\r\n");
}

void tern__put_rset(tern__line *l)
{
  PUT(l, "RSET\r\n");
}

void tern__put_bdat(tern__line *l, tern__length length)
{
  PUT(l, "BDAT ");
  tern__line_number(l, length);
  PUT(l, " LAST\r\n");
}

void tern__put_rest(tern__line *l, const char *params)
{
  if (params != NULL) {
    PUT(l, " ");
    tern__line_put(l, params);
  }
  PUT(l, "\r\n");
}

/* What DSN adds to MAIL (RFC 3461 4.3, 4.4). */
static void put_return(tern__line *l, const tern_transaction *t)
{
  if (t->flags & TERN_MAIL_RET_FULL) PUT(l, " RET=FULL");
  if (t->flags & TERN_MAIL_RET_HDRS) PUT(l, " RET=HDRS");
  if (t->envid == NULL) return;
  PUT(l, " ENVID=");
  tern__line_xtext(l, t->envid);
}

void tern__put_mail(tern__line *l, const tern_transaction *t, const tern__mail_args *args)
{
  PUT(l, "MAIL FROM:<");
  tern__line_put(l, t->reverse_path);
  if (args->size != TERN__LENGTH_UNKNOWN) {
    PUT(l, "> SIZE=");
    tern__line_number(l, args->size);
  } else {
    PUT(l, ">");
  }
  if (TERN__WITH_BINARYMIME && args->body_binary) PUT(l, " BODY=BINARYMIME");
  else if (args->body_8bit) PUT(l, " BODY=8BITMIME");
  if (TERN__WITH_SMTPUTF8 && args->smtputf8) PUT(l, " SMTPUTF8");
  if (TERN__WITH_DSN && args->dsn) put_return(l, t);
}

/* RFC 3461 4.1: NEVER alone, or a list. */
static void put_notify(tern__line *l, uint32_t notify)
{
  static const char words[4][8] = { "NEVER", "SUCCESS", "FAILURE", "DELAY" };
  const char *before = " NOTIFY=";
  uint32_t i;

  for (i = 0; i < 4; i++)
    if (notify & ((uint32_t)1 << i)) {
      tern__line_put(l, before);
      tern__line_put(l, words[i]);
      before = ",";
    }
}

void tern__put_rcpt(tern__line *l, const tern_recipient *r, int dsn)
{
  PUT(l, "RCPT TO:<");
  tern__line_put(l, r->forward_path);
  PUT(l, ">");
  if (TERN__WITH_DSN && dsn && r->notify != 0) put_notify(l, r->notify);
  if (TERN__WITH_DSN && dsn && r->orcpt != NULL) {
    const char *address = strchr(r->orcpt, ';') + 1; /* there is one: tern__check_orcpt */

    PUT(l, " ORCPT=");
    put(l, r->orcpt, (size_t)(address - r->orcpt));
    tern__line_xtext(l, address);
  }
  tern__put_rest(l, TERN__WITH_MAIL_OPTIONS ? r->params : NULL);
}
