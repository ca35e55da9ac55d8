/* wording.c - the words of providers and servers, where the code alone says too little: 550 5.7.1 is
 * "spam" at one and "your address is blocked" at the next.
 *
 * The rows are in wording.def; the first that fits wins, and where none fits the class and the code
 * stand. Not asked where the enhanced code speaks of an address (x.1.y): there it says enough, and
 * the text repeats an address that anybody may have chosen. Host builds only.
 * Neighbour: verdict.c, which asks before it looks at the codes. */
#include "base/wording.h"

#include <string.h>

#include "base/ascii.h"
#include "base/config.h"

#ifndef TERN_NO_WORDING

#define AUTH 1u /* to AUTH alone */
#define MAIL 2u /* to anything else */

typedef struct row {
  uint8_t class;
  uint8_t where;
  int16_t status;
  const char *words;
  const char *also; /* or NULL */
} row;

#define TERN_WORDING(class, where, words, also, status, source) \
  { class, where, TERN_E_##status, words, also },
static const row rows[] = {
#include "base/wording.def"
};
#undef TERN_WORDING

tern_status tern__wording(uint32_t phase, uint32_t class, uint32_t subject, const char *text)
{
  uint8_t where = phase == TERN_PHASE_AUTH ? AUTH : MAIL;
  size_t len = strlen(text), i;

  if (subject == 1 || len == 0 || phase == TERN_PHASE_STARTTLS) return TERN_OK;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].class == class && rows[i].where == where && tern__holds(text, len, rows[i].words) &&
        (rows[i].also == NULL || tern__holds(text, len, rows[i].also)))
      return rows[i].status;
  return TERN_OK;
}

#endif
