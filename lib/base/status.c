/* status.c - class, exit code and responsibility of each status: status.def as one octet a row.
 * A number without a row, as of a younger library, still has the class of its hundred, and the
 * exit code that most of its class have.
 * Neighbours: error.c refines by phase; names and sentences are in status_text.c. */
#include "base/config.h"
#include "base/status.h"

#define TERN_STATUS(name, class, sysexit, who, word, text, hint) ROW_##name,
enum {
#include "base/status.def"
  ROWS
};
#undef TERN_STATUS

#define EXIT_BASE 64 /* EX_USAGE, the lowest; EX_CONFIG is 78 */

#define TERN_STATUS(name, class, sysexit, who, word, text, hint) \
  (uint8_t)((sysexit - EXIT_BASE) << 4 | TERN_WHO_##who),
static const uint8_t rows[] = {
#include "base/status.def"
};
#undef TERN_STATUS

/* The first row of each hundred; status.def has no gaps. */
static const uint8_t groups[] = {ROW_AGAIN,        ROW_ADDRESS,           ROW_HOST,
                                 ROW_TLS_NOT_OFFERED, ROW_REPLY_SYNTAX,   ROW_REFUSED_TRANSIENT,
                                 ROW_REFUSED_PERMANENT, ROWS};
static const uint8_t class_exit[] = {74, 64, 65, 75, 77, 76, 75, 69};

uint32_t tern_status_class(tern_status status)
{
  return status <= -100 && status > -800 ? (uint32_t)(-status) / 100 : TERN_CLASS_NONE;
}

uint32_t tern__status_row(tern_status status)
{
  uint32_t group = tern_status_class(status);
  uint32_t row;

  if (group == TERN_CLASS_NONE || status % 100 == 0)
    return TERN__STATUS_NO_ROW;
  row = groups[group - 1] + (uint32_t)(-status) % 100 - 1;
  return row < groups[group] ? row : TERN__STATUS_NO_ROW;
}

int32_t tern_status_sysexit(tern_status status)
{
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return (rows[row] >> 4) + EXIT_BASE;
  if (status == TERN_PARTIAL)
    return 67; /* not 0: somebody was refused; not 75: sending it again as it is would be wrong */
  return status >= 0 ? 0 : class_exit[tern_status_class(status)];
}

#if TERN__WITH_LOG
uint32_t tern__status_who(tern_status status)
{
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return rows[row] & 15u;
  if (status == TERN_PARTIAL)
    return TERN_WHO_SENDER;
  return status >= 0 ? TERN_WHO_NOBODY : TERN_WHO_SERVER;
}
#endif
