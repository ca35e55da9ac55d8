/* unwind 8
 * sources protocol/output.c
 *
 * The queue of commands whose replies are owed, for any 5 steps of queueing a command or taking a reply, with one mail or two in the
 * session: the reply that comes is always held against the oldest command that has none yet, as a plain list of all of them says;
 * runs of RCPT and LMTP's many replies to one content included. */
#include "proof.h"
#include "protocol/engine.h"

#define STEPS 5

int main(void)
{
  tern_session s = { 0 };
  tern__owed ring[TERN__OWED(2)];
  uint8_t kinds[2 * STEPS], slots[2 * STEPS]; /* of each reply owed, in order */
  size_t first = 0, last = 0, k;
  uint32_t i;

  s.extra.owed = ring;
  s.extra.window = (uint8_t)(1 + (nondet_choice() != 0));
  s.owed_head = (uint16_t)(nondet_number() % TERN__OWED(1));
  for (i = 0; i < STEPS; i++) {
    tern__owed *o = tern__owed_first(&s);

    prove((o != NULL) == (first != last));
    if (o != NULL) prove(o->kind == kinds[first] && o->slot == slots[first]);
    if (nondet_choice()) {
      unsigned kind = nondet_octet();
      uint32_t count = 1 + (nondet_choice() != 0);

      s.extra.slot = (uint8_t)(nondet_choice() && s.extra.window == 2);
      assume(kind <= TERN__OTHER && s.owed_count < TERN__OWED(s.extra.window));
      if (kind != TERN__END) count = 1;
      s.written += 10;
      tern__owe(&s, kind, count);
      for (k = 0; k < count; k++, last++) {
        kinds[last] = (uint8_t)kind;
        slots[last] = s.extra.slot;
      }
      prove(tern__owed_at(&s, s.owed_count - 1u)->last == s.written);
    } else if (o != NULL) {
      tern__owed_pop(&s, 0);
      first++;
    }
    prove(s.owed_count <= TERN__OWED(s.extra.window) && s.owed_head < TERN__OWED(s.extra.window));
  }
  return 0;
}
