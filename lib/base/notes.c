/* notes.c - the failures of several places in one line, bounded. (host builds only)
 * Neighbours: tcp.c notes addresses, lib/resolve name servers. */
#include "base/notes.h"

#include <stdio.h>
#include <string.h>

#include "base/words.h"

#define TAIL 24u /* " (and 4294967295 more)" */

void tern__notes_add(tern__notes *notes, const char *who, const char *what)
{
  size_t used = strlen(notes->text), room = TERN__NOTES_SIZE - TAIL;
  int n;

  if (notes->closed) return;
  if (used >= room) {
    notes->lost++;
    return;
  }
  n = snprintf(notes->text + used, room - used, "%s%s: %s", used > 0 ? "; " : "", who, what);
  if (n < 0 || (size_t)n >= room - used) {
    notes->text[used] = 0;
    notes->lost++;
  }
}

void tern__notes_errno(tern__notes *notes, const char *who, int code)
{
  char number[24];

  tern__notes_add(notes, who, tern__words_errno(code, number, sizeof number));
}

void tern__notes_close(tern__notes *notes)
{
  size_t used = strlen(notes->text);

  if (notes->closed) return;
  notes->closed = 1;
  if (notes->lost > 0)
    (void)snprintf(notes->text + used, TERN__NOTES_SIZE - used, " (and %lu more)",
                   (unsigned long)notes->lost);
}

void tern__notes_clear(tern__notes *notes)
{
  notes->text[0] = 0;
  notes->lost = 0;
  notes->closed = 0;
}
