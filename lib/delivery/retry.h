/* retry.h - when to try again (RFC 5321 4.5.4.1). */
#ifndef TERN_LIB_DELIVERY_RETRY_H
#define TERN_LIB_DELIVERY_RETRY_H

#include <tern/base.h>

#define TERN__GIVE_UP 432000u /* seconds: five days */

/* Whether the reply reads like greylisting: 4xx to a recipient or later, by its text. *seconds: the wait
 * that the text asks for, 0 where it names none. */
int tern__greylisted(uint32_t code, const char *text, uint32_t *seconds);
/* Seconds to wait after try number `tries` (1: the first) of a recipient with this outcome and status;
 * 0: not again, since it is settled, wrong for good, or tried for five days. first and now: seconds since
 * 1970. */
uint32_t tern__retry_after(uint32_t outcome, tern_status status, uint32_t code, const char *text,
                           uint32_t tries, uint64_t first, uint64_t now);

#endif
