/* unwind 9 --unwindset strlen.0:21,tern__ehlo_line.0:19
 * sources protocol/ehlo.c base/ascii.c
 *
 * The parser of EHLO's lines, for any line of up to 7 octets at the end of its object: it reads nothing behind the line, and a
 * server's line brings at most one capability, and no number and no mechanism without its keyword. */
#include "proof.h"
#include "protocol/ehlo.h"
#include "protocol/engine.h"

#define LINE 7

int main(void)
{
  static const tern_mechanism x = { sizeof x, "X" };
  const tern_mechanism *table[] = { &x, NULL };
  tern__offer offer = { 0 };
  size_t len = nondet_size();
  char line[LINE];

  assume(len <= LINE);
  fill_any(line, LINE, 0);
  tern__ehlo_line(&offer, line + (LINE - len), len, table);
  prove((offer.caps & (offer.caps - 1)) == 0 || offer.caps == 0);
  if (offer.size != 0) prove(offer.caps == TERN_CAP_SIZE);
  if (offer.mechanisms != 0) prove(offer.caps == TERN_CAP_AUTH && offer.mechanisms == 1);
  if (offer.rcpt_max != 0 || offer.mail_max != 0) prove(offer.caps == TERN_CAP_LIMITS);
  return 0;
}
