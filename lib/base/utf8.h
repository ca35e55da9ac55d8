/* utf8.h - UTF-8 of RFC 3629. */
#ifndef TERN_LIB_BASE_UTF8_H
#define TERN_LIB_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many octets the character has that p begins with, of which len may be looked at: 1 to 4; 0
 * where there is none (a stray octet, an overlong form, a surrogate, over U+10FFFF, cut short). */
size_t tern__utf8(const uint8_t *p, size_t len);
/* The index of the first octet of text that is not UTF-8; len where all is. */
size_t tern__utf8_check(const uint8_t *text, size_t len);

#endif
