/* address_list.c - reads an address-list of RFC 5322 3.4, the obsolete forms of 4.4 included: comments,
 * quoted strings, groups, routes, empty elements. Display names are skipped, encoded words in them
 * too: they are no addresses. What is not understood is refused, never guessed: "John doe@x" must
 * not become a mail to someone called doe or Johndoe. Whether what is found is a mailbox is
 * base/mailbox.c's to say. Memory: one address. */
#include "message/address_list.h"

#include <string.h>

enum { WORDS, COMMENT, QUOTED, LITERAL };

static int bad(tern__address_list *a, const char *problem)
{
  a->problem = problem;
  return TERN__ADDRESS_BAD;
}

void tern__address_list_begin(tern__address_list *a)
{
  memset(a, 0, sizeof *a);
}

static void forget(tern__address_list *a)
{
  a->len = 0;
  a->gap = a->broken = 0;
}

static void append(tern__address_list *a, uint8_t octet)
{
  if (a->len < TERN__ADDRESS_ROOM) a->text[a->len++] = (char)octet;
}

/* Whether a word may be parted there: beside "." and "@" (RFC 5322 4.4), and in a route. */
static int parts(char c)
{
  return c == '.' || c == '@' || c == ',';
}

static void put(tern__address_list *a, uint8_t octet)
{
  if (a->gap && a->len != 0 && !parts(a->text[a->len - 1]) && !parts((char)octet)) a->broken = 1;
  a->gap = 0;
  append(a, octet);
}

/* A comma, a semicolon or the end: the element is an address, or empty. */
static int end_element(tern__address_list *a)
{
  int angle = a->has_angle, found = a->len != 0, broken = a->broken;

  a->has_angle = 0;
  a->text[a->len] = '\0';
  if (a->len == TERN__ADDRESS_ROOM) return bad(a, "an address that is too long");
  forget(a);
  if (found && broken)
    return bad(a, angle ? "white space inside an address"
                        : "an address without angle brackets after a name");
  if (!found && angle) return bad(a, "an empty address");
  return found ? TERN__ADDRESS_FOUND : TERN__ADDRESS_NONE;
}

static int special(tern__address_list *a, uint8_t octet)
{
  int route = a->in_angle && a->len != 0 && a->text[0] == '@';

  switch (octet) {
    case '<':
      if (a->has_angle) return bad(a, "a second < in one address");
      a->in_angle = a->has_angle = 1;
      forget(a); /* it was the display name */
      return TERN__ADDRESS_NONE;
    case '>':
      if (!a->in_angle) return bad(a, "a > without <");
      a->in_angle = 0;
      return TERN__ADDRESS_NONE;
    case ':':
      if (!route && (a->has_angle || a->in_group)) return bad(a, "a : where none can be");
      if (!route) a->in_group = 1; /* what stood before it is the group's name */
      forget(a);
      return TERN__ADDRESS_NONE;
    case ';':
      if (a->in_angle || !a->in_group) return bad(a, "a ; without a group");
      a->in_group = 0;
      return end_element(a);
    default: /* ',' */
      if (!a->in_angle) return end_element(a);
      if (!route) return bad(a, "a comma inside < and >");
      put(a, octet);
      return TERN__ADDRESS_NONE;
  }
}

static void in_comment(tern__address_list *a, uint8_t octet)
{
  if (a->escaped) {
    a->escaped = 0;
  } else if (octet == '\\') {
    a->escaped = 1;
  } else if (octet == '(') {
    a->depth++;
  } else if (octet == ')' && --a->depth == 0) {
    a->mode = WORDS;
  }
}

/* A quoted string or a domain literal, copied as it is; its folds are no part of it. */
static void in_quoted(tern__address_list *a, uint8_t octet)
{
  if (octet == '\r' || octet == '\n') return;
  append(a, octet);
  if (a->escaped)
    a->escaped = 0;
  else if (octet == '\\')
    a->escaped = 1;
  else if (octet == (a->mode == QUOTED ? '"' : ']'))
    a->mode = WORDS;
}

int tern__address_list_put(tern__address_list *a, uint8_t octet)
{
  if (a->mode == COMMENT) {
    in_comment(a, octet);
    return TERN__ADDRESS_NONE;
  }
  if (a->mode != WORDS) {
    in_quoted(a, octet);
    return TERN__ADDRESS_NONE;
  }
  switch (octet) {
    case '(':
      a->mode = COMMENT;
      a->depth = 1;
      a->gap = 1;
      return TERN__ADDRESS_NONE;
    case ' ':
    case '\t':
    case '\r':
    case '\n': a->gap = 1; return TERN__ADDRESS_NONE;
    case '<':
    case '>':
    case ':':
    case ';':
    case ',': return special(a, octet);
    default:
      if (a->has_angle && !a->in_angle) return bad(a, "rubbish after >");
      if (octet == '"' || octet == '[') a->mode = octet == '"' ? QUOTED : LITERAL;
      put(a, octet);
      return TERN__ADDRESS_NONE;
  }
}

int tern__address_list_end(tern__address_list *a)
{
  if (a->mode == COMMENT) return bad(a, "a comment that does not end");
  if (a->mode != WORDS) return bad(a, "a quoted string or [ that does not end");
  if (a->in_angle) return bad(a, "a < that does not end");
  return end_element(a); /* a group may lack its ; at the end: nothing is lost by it */
}
