/* notes.h - the failures of several places in one line: "127.0.0.1 port 25: Connection refused;
 * [::1] port 25: timed out (and 3 more)". (host builds only) */
#ifndef TERN_LIB_BASE_NOTES_H
#define TERN_LIB_BASE_NOTES_H

#include <stddef.h>
#include <stdint.h>

#define TERN__NOTES_SIZE 512u

typedef struct tern__notes {
  char text[TERN__NOTES_SIZE];
  uint32_t lost; /* that did not fit */
  uint8_t closed;
} tern__notes;

/* Adds "who: what". One that does not fit is counted instead. */
void tern__notes_add(tern__notes *notes, const char *who, const char *what);
/* The same with errno's words. */
void tern__notes_errno(tern__notes *notes, const char *who, int code);
/* Says in the text how many did not fit. Once; nothing is added afterwards. */
void tern__notes_close(tern__notes *notes);
void tern__notes_clear(tern__notes *notes);

#endif
