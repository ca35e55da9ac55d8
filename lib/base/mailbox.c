/* mailbox.c - the grammar of Mailbox, Domain and address literal (RFC 5321 4.1.2 and 4.1.3, RFC
 * 6531 3.3), by recursive descent over one cursor: a rule that fails leaves the cursor on the octet
 * that is wrong. Names what is wrong, never repairs it.
 * Neighbours: protocol and client check each address and EHLO name here before anything is sent.
 * Limits: no source routes, no comments, no folding; labels are not checked against IDNA. */
#include "base/mailbox.h"

#include <string.h>

#include "base/ascii.h"
#include "base/config.h"
#include "base/utf8.h"

#define LOCAL_PART_MAX 64 /* RFC 5321 4.5.3.1.1 */
#define DOMAIN_MAX 255    /* RFC 5321 4.5.3.1.2 */
#define LABEL_MAX 63      /* RFC 1035 2.3.4 */
#define MAILBOX_MAX 254   /* RFC 5321 4.5.3.1.3: a path of 256 with its angle brackets */

typedef struct cursor {
  const uint8_t *at;
  int ascii; /* octets over 127 are wrong */
  int utf8;  /* there was one */
} cursor;

/* Sets of ASCII octets as bits. */
static const uint32_t let_dig[4] = {0, 0x03ff0000, 0x07fffffe, 0x07fffffe};
static const uint32_t atext[4] = {0, 0xa3ffacfa, 0xc7fffffe, 0x7fffffff}; /* RFC 5322 3.2.3 */

static int is(const uint32_t *set, uint8_t c)
{
  return c < 128 && (set[c >> 5] >> (c & 31) & 1);
}

static int is_let_dig(uint8_t c)
{
  return is(let_dig, c);
}

static int is_hex(uint8_t c)
{
  return tern__is_digit(c) || (tern__lower(c) >= 'a' && tern__lower(c) <= 'f');
}

/* UTF8-non-ascii of RFC 6532 3.1; the controls U+0080 to U+009F are refused too. On failure the
 * cursor stays on the lead octet. */
static int utf8(cursor *s)
{
  /* the NUL at the end ends a sequence that is cut short */
  size_t len = TERN__WITH_SMTPUTF8 ? tern__utf8(s->at, 4) : 0;

  if (s->ascii || len < 2 || (s->at[0] == 0xc2 && s->at[1] < 0xa0))
    return 0;
  s->at += len;
  s->utf8 = 1;
  return 1;
}

/* A rule has ended at the cursor: no further than max octets behind start, or the first octet too
 * many is what is wrong, whatever else may be wrong behind it. */
static int within(cursor *s, const uint8_t *start, size_t max, int ok)
{
  if ((size_t)(s->at - start) <= max)
    return ok;
  s->at = start + max;
  return 0;
}

/* Atom: 1*atext (RFC 5322 3.2.3) */
static int atom(cursor *s)
{
  const uint8_t *start = s->at;

  for (;;) {
    while (is(atext, s->at[0]))
      s->at++;
    if (s->at[0] < 128)
      return s->at > start;
    if (!utf8(s))
      return 0;
  }
}

static int dot_string(cursor *s)
{
  while (atom(s)) {
    if (s->at[0] != '.')
      return 1;
    s->at++;
  }
  return 0;
}

/* DQUOTE *QcontentSMTP DQUOTE */
static int quoted_string(cursor *s)
{
  for (s->at++; s->at[0] != '"';) {
    if (s->at[0] > 127) {
      if (!utf8(s))
        return 0;
      continue;
    }
    if (s->at[0] == '\\') /* quoted-pairSMTP: any of 32 to 126 */
      s->at++;
    if (s->at[0] < 32 || s->at[0] > 126)
      return 0;
    s->at++;
  }
  s->at++;
  return 1;
}

/* sub-domain: Let-dig [Ldh-str] / U-label; "_" is tolerated like a letter. */
static int label(cursor *s)
{
  const uint8_t *start = s->at;

  for (;;) {
    uint8_t c = s->at[0];

    if (c > 127) {
      if (!utf8(s))
        return 0;
    } else if (is_let_dig(c) || c == '_' || (c == '-' && s->at > start)) {
      s->at++;
    } else {
      break;
    }
  }
  if (s->at > start && s->at[-1] == '-') {
    s->at--;
    return 0;
  }
  return s->at > start;
}

static int domain_name(cursor *s)
{
  for (;;) {
    const uint8_t *start = s->at;

    if (!within(s, start, LABEL_MAX, label(s)))
      return 0;
    if (s->at[0] != '.')
      return 1;
    if (s->at[1] == '\0') /* a root dot: not of SMTP's grammar */
      return 0;
    s->at++;
  }
}

/* Snum 3("." Snum) */
static int ipv4(cursor *s)
{
  int i;

  for (i = 0; i < 4; i++) {
    int value = 0;
    int n;

    if (i > 0) {
      if (s->at[0] != '.')
        return 0;
      s->at++;
    }
    for (n = 0; n < 3 && tern__is_digit(s->at[0]); n++, s->at++) {
      value = value * 10 + (s->at[0] - '0');
      if (value > 255)
        return 0;
    }
    if (n == 0)
      return 0;
  }
  return 1;
}

/* "::" at the cursor: stands for at least two of the eight groups, once. */
static int compression(cursor *s, int groups, int *compressed)
{
  if (*compressed || groups > 6)
    return 0;
  *compressed = 1;
  s->at++;
  return 1;
}

/* IPv6-full / IPv6-comp / IPv6v4-full / IPv6v4-comp */
static int ipv6(cursor *s)
{
  int groups = 0;
  int compressed = 0;

  if (s->at[0] == ':') {
    s->at++;
    if (s->at[0] != ':' || !compression(s, groups, &compressed))
      return 0;
    if (s->at[0] == ']')
      return 1;
  }
  for (;;) {
    const uint8_t *start = s->at;

    while (s->at - start < 4 && is_hex(s->at[0]))
      s->at++;
    if (s->at == start)
      return 0;
    groups += s->at[0] == '.' ? 2 : 1; /* an IPv4 address ends it, as two groups */
    if (groups > (compressed ? 6 : 8)) {
      s->at = start;
      return 0;
    }
    if (s->at[0] == '.') {
      s->at = start;
      if (!ipv4(s))
        return 0;
      break;
    }
    if (s->at[0] != ':')
      break;
    s->at++;
    if (s->at[0] == ':' && !compression(s, groups, &compressed))
      return 0;
    if (s->at[-1] == ':' && s->at[-2] == ':' && s->at[0] == ']')
      break;
  }
  return compressed || groups == 8;
}

/* "[" ( IPv4 / "IPv6:" IPv6 / Standardized-tag ":" 1*dcontent ) "]" */
static int address_literal(cursor *s)
{
  const uint8_t *tag = ++s->at;
  size_t n = 0;
  int ok;

  while (is_let_dig(tag[n]) || tag[n] == '-')
    n++;
  if (!TERN__WITH_LITERALS || (tag[n] != ':' && tern__is_digit(tag[0]))) {
    ok = ipv4(s);
  } else if (tag[n] != ':') {
    s->at = tag + n;
    return 0;
  } else if (tern__same((const char *)tag, n, "ipv6")) {
    s->at = tag + n + 1;
    ok = ipv6(s);
  } else {
    if (n == 0 || tag[n - 1] == '-') { /* Ldh-str ends with a letter or digit */
      s->at = n == 0 ? tag : tag + n - 1;
      return 0;
    }
    s->at = tag + n + 1;
    while (s->at[0] > 32 && s->at[0] < 127 && strchr("[\\]", s->at[0]) == NULL)
      s->at++;
    ok = s->at > tag + n + 1;
  }
  if (!ok || s->at[0] != ']')
    return 0;
  s->at++;
  return 1;
}

static int domain(cursor *s)
{
  const uint8_t *start = s->at;

  return within(s, start, DOMAIN_MAX, s->at[0] == '[' ? address_literal(s) : domain_name(s)) &&
         s->at[0] == '\0';
}

static int mailbox(cursor *s)
{
  const uint8_t *start = s->at;

  if (!within(s, start, LOCAL_PART_MAX, s->at[0] == '"' ? quoted_string(s) : dot_string(s)) ||
      s->at[0] != '@')
    return 0;
  s->at++;
  return domain(s);
}

tern_status tern__mailbox_check(const char *text, size_t *position, uint32_t *flags)
{
  cursor s = {(const uint8_t *)text, 0, 0};

  if (position != NULL)
    *position = 0;
  if (text == NULL)
    return TERN_E_ADDRESS;
  if (flags != NULL && (*flags & TERN__MAILBOX_POSTMASTER) != 0 &&
      tern__same(text, strlen(text), "postmaster"))
    return TERN_OK;
  if (!within(&s, (const uint8_t *)text, MAILBOX_MAX, mailbox(&s))) {
    if (position != NULL)
      *position = (size_t)(s.at - (const uint8_t *)text);
    return TERN_E_ADDRESS;
  }
  if (s.utf8 && flags != NULL)
    *flags |= TERN__MAILBOX_UTF8;
  return TERN_OK;
}

tern_status tern__domain_check(const char *text, size_t *position)
{
  cursor s = {(const uint8_t *)text, 1, 0};

  if (position != NULL)
    *position = 0;
  if (text == NULL)
    return TERN_E_NAME;
  if (domain(&s))
    return TERN_OK;
  if (position != NULL)
    *position = (size_t)(s.at - (const uint8_t *)text);
  return TERN_E_NAME;
}
