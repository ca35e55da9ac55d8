/* words.h - what a detail line is made of. */
#ifndef TERN_LIB_BASE_WORDS_H
#define TERN_LIB_BASE_WORDS_H

#include <stddef.h>

/* Copies len octets as text a terminal can take: 0x20 to 0x7e stay, others become '?'. Ended by
 * NUL, cut to cap (at least 1). Returns the length. */
size_t tern__words_clean(char *out, size_t cap, const void *octets, size_t len);
/* Copies text as it is, cut to cap (at least 1) with its NUL: where a cut text still serves. */
void tern__words_cut(char *out, size_t cap, const char *text);
/* "Connection refused" and its like; "error 123" written to number (cap at least 16) for a code
 * that has no words here. */
const char *tern__words_errno(int code, char *number, size_t cap);

#endif
