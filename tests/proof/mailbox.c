/* unwind 6
 * sources base/mailbox.c base/utf8.c base/ascii.c
 *
 * The address parser, for any text of up to 4 octets: it reads nothing behind the text, the position of a complaint lies in it, and
 * what it takes has no control octet, no blank outside a quoted string, no angle bracket outside that and an address literal (whose
 * dcontent may be one), and one "@" or more. */
#include <string.h>

#include "base/mailbox.h"
#include "proof.h"

#define TEXT 4

int main(void)
{
  char text[TEXT + 1];
  size_t len = nondet_size(), at = 0, i;
  uint32_t flags = nondet_number() & TERN__MAILBOX_POSTMASTER;
  int quoted = 0, literal = 0, ats = 0, domain = nondet_choice() != 0;
  tern_status st;

  assume(len <= TEXT);
  fill_any(text, TEXT, 1);
  text[len] = '\0';
  st = domain ? tern__domain_check(text, &at) : tern__mailbox_check(text, &at, &flags);
  prove(at <= len);
  if (st != TERN_OK) return 0;
  prove(len != 0);
  for (i = 0; i < len; i++) {
    uint8_t c = (uint8_t)text[i];

    prove(c >= 32 && c != 127);
    if (domain) prove(c < 127);
    if (c == '"') quoted = 1;
    if (c == '[' && !quoted) literal = 1;
    if (!quoted) prove(c != ' ' && c != '\\' && (literal || (c != '<' && c != '>')));
    ats += c == '@';
    if (c > 127 && !domain) prove(flags & TERN__MAILBOX_UTF8);
  }
  if (!domain) prove(ats != 0);
  return 0;
}
