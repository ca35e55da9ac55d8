/* unwind 7
 * sources base/ascii.c
 *
 * Transparency and repair, for any 2 octets in any two spans, at the start of a line or amid one, by DATA or BDAT: what leaves is the
 * content with each bare CR or LF made CRLF and the last line ended, with a dot doubled at each line's start for DATA alone; so no
 * line of it is a lone dot. It is held octet by octet against the same said in one pass (`next`). Refused is what would have been
 * repaired, and that alone. The narrow way, as firmware has it. */
#include "base/data.c"
#include "proof.h"

#define OCTETS 2

static uint8_t in[OCTETS];
static size_t at;          /* the next octet of `in` to be said */
static int lf_due, starts = 1, twice, bare, by_data;

/* The next octet on the wire, or -1. */
static int next(void)
{
  uint8_t c;

  if (lf_due) {
    lf_due = 0;
    starts = 1;
    return '\n';
  }
  if (at == OCTETS) {
    if (starts) return -1;
    lf_due = 1; /* the last line is ended */
    return '\r';
  }
  c = in[at];
  if (by_data && starts && c == '.' && !twice) {
    twice = 1;
    return '.';
  }
  twice = 0;
  at++;
  starts = 0;
  if (c != '\r' && c != '\n') return c;
  if (c == '\r' && at < OCTETS && in[at] == '\n')
    at++;
  else
    bare = 1;
  lf_due = 1;
  return '\r';
}

int main(void)
{
  size_t cut = nondet_size(), k;
  int refuse = nondet_choice() != 0, i;
  tern_span spans[2], out;
  tern_transaction t = { 0 };
  tern__data d;
  tern_status st = TERN_OK, cause = TERN_OK;

  by_data = nondet_choice() != 0;
  for (k = 0; k < OCTETS; k++) { /* the other octets are all alike to it */
    in[k] = nondet_octet();
    assume(in[k] == '\r' || in[k] == '\n' || in[k] == '.' || in[k] == 'x');
  }
  assume(cut <= OCTETS);
  spans[0].octets = in;
  spans[0].len = cut;
  spans[1].octets = in + cut;
  spans[1].len = OCTETS - cut;
  t.spans = spans;
  t.span_count = 2;
  tern__data_begin(&d, &t, by_data, refuse);
  starts = nondet_choice() != 0;
  d.state = starts ? LINE_START : LINE;
  for (i = 0; i < 2 * OCTETS + 2; i++) {
    st = tern__data_next(&d, 1, &out, &cause);
    if (st != TERN_OK) break;
    prove(out.len != 0 && out.len <= OCTETS + 1);
    for (k = 0; k < out.len; k++) prove(next() == out.octets[k]);
  }
  if (st == TERN_E_CONTENT) {
    (void)next(); /* what stands next is what would have been repaired */
    prove(refuse && bare);
  } else {
    prove(st == TERN_SOURCE_END && next() == -1 && !(refuse && bare));
  }
  return 0;
}
