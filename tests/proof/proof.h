/* proof.h - what the proofs share: values that may be anything, and assumptions. Each proof is a program whose inputs cbmc leaves
 * open; with its options (run.sh) cbmc shows for ALL of them, up to the bounds named in the file, that no access leaves its object,
 * no signed sum overflows, no loop runs further than said, and that each `prove` holds. */
#ifndef TERN_PROOF_H
#define TERN_PROOF_H

#include <stddef.h>
#include <stdint.h>

/* cbmc knows what begins with nondet_ as any value. */
uint8_t nondet_octet(void);
size_t nondet_size(void);
uint32_t nondet_number(void);
int nondet_choice(void);
void __CPROVER_assume(_Bool);
void __CPROVER_assert(_Bool, const char *);

#define assume(condition) __CPROVER_assume(condition)
#define prove(condition) __CPROVER_assert(condition, #condition)

/* len octets that may be anything; with `text` none is NUL. */
static inline void fill_any(void *octets, size_t len, int text)
{
  size_t i;

  for (i = 0; i < len; i++) {
    ((uint8_t *)octets)[i] = nondet_octet();
    if (text) assume(((uint8_t *)octets)[i] != 0);
  }
}

#endif
