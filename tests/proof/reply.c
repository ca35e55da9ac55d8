/* unwind 11
 * sources protocol/reply.c base/ascii.c
 *
 * The reply parser, for any 5 octets, as the first line of a reply or behind one, in a buffer of any size from 1 to 10: it stays in the buffer, and it is in step: it says
 * LINE and DONE behind exactly those line ends where a grammar written down a second time, below, says that a line or the reply has
 * ended, whatever of its text was kept, cut or dropped. */
#include "proof.h"
#include "protocol/reply.h"

#define OCTETS 5
#define BEFORE 5 /* octets of a line before */

/* RFC 5321 4.2 with a bare LF: code, then SP (the last), "-" (more), or the end (the last). -> 1 line, 2 done, -1 not a reply;
 * `at` is the line, which is len octets with its LF */
static int line_means(const uint8_t *at, size_t len, const uint8_t *first)
{
  size_t i;

  if (len < 4 || at[0] < '2' || at[0] > '5') return -1;
  for (i = 0; i < 3; i++)
    if (at[i] < '0' || at[i] > '9' || at[i] != first[i]) return -1;
  if (at[3] == '\n' || at[3] == ' ') return 2;
  if (at[3] == '\r') return 2;
  return at[3] == '-' ? 1 : -1;
}

int main(void)
{
  uint8_t in[BEFORE + OCTETS];
  char text[10];
  tern__reader r;
  size_t cap = nondet_size(), i, start = nondet_choice() ? BEFORE : 0, end;
  tern_status st;

  assume(cap >= 1 && cap <= sizeof text);
  fill_any(in, sizeof in, 0);
  tern__reply_buffer(&r, text, cap);
  if (start != 0) {
    for (i = 0; i < BEFORE; i++) (void)tern__reply_octet(&r, in[i] = (uint8_t)"250-\n"[i]);
    tern__reply_keep(&r);
  }
  for (i = start, end = start + OCTETS; i < end; i++) {
    st = tern__reply_octet(&r, in[i]);
    prove(r.len < cap && r.line <= r.len && text[r.len] == '\0');
    if (in[i] != '\n') {
      prove(st == TERN__REPLY_PARTIAL || st < 0);
      if (st < 0) return 0;
      continue;
    }
    prove(st == (tern_status)line_means(in + start, i + 1 - start, in) || (st < 0 && line_means(in + start, i + 1 - start, in) < 0));
    if (st < 0) return 0;
    prove(r.reply.code >= 200 && r.reply.code <= 599);
    if (nondet_choice())
      tern__reply_keep(&r);
    else
      tern__reply_drop(&r);
    prove(r.len < cap && text[r.len] == '\0');
    prove(r.reply.text >= text && r.reply.text <= text + r.len);
    if (st == TERN__REPLY_DONE) return 0;
    start = i + 1;
  }
  return 0;
}
