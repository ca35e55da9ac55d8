/* status.h - the rows of status.def by number, and what error.c needs of them. */
#ifndef TERN_LIB_BASE_STATUS_H
#define TERN_LIB_BASE_STATUS_H

#include <tern/base.h>

/* TERN_WHO_... of a status. */
uint32_t tern__status_who(tern_status status);
/* The row of status.def, from 0; TERN__STATUS_NO_ROW for a number without one. */
#define TERN__STATUS_NO_ROW UINT32_MAX
uint32_t tern__status_row(tern_status status);

#endif
