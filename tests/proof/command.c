/* unwind 10
 * sources base/ascii.c
 *
 * The command writer. Whatever texts of up to 4 octets the checks of ENVID, ORCPT, raw parameters and VRFY's argument let pass have
 * no CR, LF or NUL, nothing beyond ASCII, and, as parameters, no second blank in a row, none at an end; as xtext not even a blank, a
 * "+" or a "=" that is none of its own. And a line of any text in any buffer of up to 8 octets stays in it: it ends with the one CRLF
 * it has, or says that it is full. */
#include "proof.h"
#include "protocol/command.c"

#define TEXT 4

static void line(const char *text)
{
  char buffer[8];
  tern__line l = { 0 };
  size_t i;

  l.at = buffer;
  l.cap = nondet_size();
  assume(l.cap <= sizeof buffer);
  if (nondet_choice()) {
    tern__line_xtext(&l, text);
    prove(l.len <= l.cap);
    for (i = 0; i < l.len; i++) prove(buffer[i] > 32 && buffer[i] < 127 && buffer[i] != '=');
    return;
  }
  tern__put_verb(&l, "V", text);
  prove(l.len <= l.cap);
  if (l.full) return;
  prove(l.len >= 2 && buffer[l.len - 2] == '\r' && buffer[l.len - 1] == '\n');
  for (i = 0; i < l.len - 2; i++) prove(buffer[i] != '\r' && buffer[i] != '\n' && buffer[i] != '\0');
}

int main(void)
{
  char text[TEXT + 1];
  size_t len = nondet_size(), at = 0, i;
  int what = nondet_choice();
  tern_status st;

  assume(len <= TEXT);
  fill_any(text, TEXT, 1);
  text[len] = '\0';
  if (what == 0) st = tern__check_envid(text, &at);
  else if (what == 1) st = tern__check_orcpt(text, &at);
  else if (what == 2) st = tern__check_params(text, &at);
  else st = tern__check_argument(text, &at);
  prove(at <= len);
  if (st != TERN_OK) return 0;
  for (i = 0; i < len; i++) prove((uint8_t)text[i] >= 32 && (uint8_t)text[i] < 127);
  if (what == 2) {
    prove(len != 0 && text[0] != ' ' && text[len - 1] != ' ');
    for (i = 1; i < len; i++) prove(text[i] != ' ' || text[i - 1] != ' ');
  }
  if (what > 2 || what == 0) line(text);
  return 0;
}
