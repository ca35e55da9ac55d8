/* wording.h - what a provider's words say beyond the code. */
#ifndef TERN_LIB_BASE_WORDING_H
#define TERN_LIB_BASE_WORDING_H

#include <tern/base.h>

/* The status that the text of a reply of class 4 or 5 in phase stands for, or TERN_OK where it has no
 * words that are known; subject is the second part of the enhanced code. */
tern_status tern__wording(uint32_t phase, uint32_t class, uint32_t subject, const char *text);

#endif
