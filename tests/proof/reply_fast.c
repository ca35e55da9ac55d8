/* unwind 14
 * sources protocol/reply.c base/ascii.c
 *
 * The ways of the reply parser that take a whole line at once, for any 7 octets as the first or second line of a reply, in buffers
 * of 12 octets and more: where they take anything they take what the parser by octets takes, and leave what it leaves. */
#include "proof.h"
#include "protocol/reply.h"

#define OCTETS 7

int main(void)
{
  uint8_t in[OCTETS];
  char slow_text[20], fast_text[20];
  tern__reader slow, fast;
  size_t cap = nondet_size(), len = nondet_size(), taken, i;
  tern_status st = TERN__REPLY_PARTIAL, fast_st = TERN__REPLY_PARTIAL;
  int second = nondet_choice() != 0;

  assume(cap >= 12 && cap <= sizeof slow_text && len <= OCTETS);
  fill_any(in, sizeof in, 0);
  tern__reply_buffer(&slow, slow_text, cap);
  tern__reply_buffer(&fast, fast_text, cap);
  for (i = 0; second && i < 5; i++) {
    (void)tern__reply_octet(&slow, (uint8_t)"250-\n"[i]);
    (void)tern__reply_octet(&fast, (uint8_t)"250-\n"[i]);
  }
  if (second) {
    tern__reply_keep(&slow);
    tern__reply_keep(&fast);
  }
  taken = tern__reply_line(&fast, in, len, &fast_st);
  prove(taken <= len && fast.len < cap);
  if (taken != 0) {
    for (i = 0; i < taken; i++) {
      prove(st == TERN__REPLY_PARTIAL);
      st = tern__reply_octet(&slow, in[i]);
    }
    prove(st == fast_st && slow.reply.code == fast.reply.code && slow.last == fast.last);
    prove(slow.len == fast.len && slow.line == fast.line && slow.lines == fast.lines);
    for (i = 0; i <= slow.len; i++) prove(slow_text[i] == fast_text[i]);
    return 0;
  }
  taken = tern__reply_yes(&fast, in, len);
  prove(taken <= len);
  if (taken == 0) return 0;
  for (i = 0; i < taken; i++) {
    prove(st == TERN__REPLY_PARTIAL);
    st = tern__reply_octet(&slow, in[i]);
  }
  prove(st == TERN__REPLY_DONE && slow.reply.code == fast.reply.code);
  return 0;
}
