/* error.c - the records behind tern_error and tern_reply: setters for the rooms above, getters for
 * everyone, and the order of gravity.
 * What a status means alone is in status.def; here phase, cause and recipient refine it, as the
 * exit codes of tern-send are defined. Neighbours: format.c writes an error out, queue_id.c reads
 * replies. */
#include "base/error.h"

#include <string.h>

#include "base/config.h"
#include "base/status.h"

void tern__error_set(tern_error *error, tern_status status, uint32_t phase)
{
  memset(error, 0, sizeof *error);
  error->status = status;
  error->phase = (uint8_t)phase;
  error->position = UINT16_MAX;
}

void tern__error_field(tern_error *error, tern_status status, uint32_t field, const char *text,
                       size_t position)
{
  tern__error_set(error, status, TERN_PHASE_NONE);
  error->field = (uint8_t)field;
  if (text == NULL || position >= UINT16_MAX)
    return;
  error->position = (uint16_t)position;
  error->octet = (uint8_t)text[position];
}

/* 5 for the gravest exit code; 0: success. */
static int gravity(const tern_error *error)
{
  static const uint8_t order[] = {75, 69, 67, 76, 77};
  int32_t code = tern_error_sysexit(error);
  int i;

  if (code == 0)
    return -1;
  for (i = 4; i >= 0 && order[i] != code; i--)
    continue;
  return i + 1;
}

int tern__error_graver(const tern_error *a, const tern_error *b)
{
  return gravity(a) > gravity(b);
}

uint32_t tern_reply_code(const tern_reply *reply)
{
  return reply == NULL ? 0 : reply->code;
}

const char *tern_reply_enhanced(const tern_reply *reply)
{
  return reply == NULL ? "" : reply->enhanced;
}

const char *tern_reply_text(const tern_reply *reply)
{
  return reply == NULL || reply->text == NULL ? "" : reply->text;
}

tern_status tern_error_status(const tern_error *error)
{
  return error == NULL ? TERN_OK : error->status;
}

tern_status tern_error_cause(const tern_error *error)
{
  return error != NULL && error->cause != TERN_OK ? error->cause : tern_error_status(error);
}

uint32_t tern_error_phase(const tern_error *error)
{
  return error == NULL ? TERN_PHASE_NONE : error->phase;
}

const tern_reply *tern_error_reply(const tern_error *error)
{
  return error == NULL || error->reply.code == 0 ? NULL : &error->reply;
}

uint32_t tern_error_retryable(const tern_error *error)
{
  return tern_error_sysexit(error) == 75;
}

uint32_t tern_error_in_doubt(const tern_error *error)
{
  return tern_error_status(error) == TERN_E_IN_DOUBT;
}

#if TERN__WITH_LOG
uint32_t tern_error_resend(const tern_error *error)
{
  return tern_error_in_doubt(error)                  ? TERN_RESEND_UNKNOWN
         : tern_error_status(error) == TERN_PARTIAL ? TERN_RESEND_UNSAFE
                                                     : TERN_RESEND_SAFE;
}

uint32_t tern_error_who(const tern_error *error)
{
  return tern__status_who(tern_error_status(error));
}
#endif

int32_t tern_error_sysexit(const tern_error *error)
{
  int32_t code = tern_status_sysexit(tern_error_status(error));

  if (error == NULL)
    return 0;
  if (error->status == TERN_E_IN_DOUBT)
    return tern_status_class(error->cause) == TERN_CLASS_PROTOCOL ? 76 : code;
  if (TERN__WITH_MAIL_OPTIONS && error->status == TERN_E_NEEDS_ALL && error->reply.code / 100 == 4)
    return 75; /* what refused it will pass */
  if (error->status == TERN_E_SOURCE && error->phase == TERN_PHASE_MAIL &&
      tern_status_class(error->cause) == TERN_CLASS_MAIL)
    return tern_status_sysexit(error->cause); /* a filter judged the message */
  if (tern_status_class(error->status) != TERN_CLASS_PERMANENT)
    return code;
  if (error->per_recipient || error->phase == TERN_PHASE_RCPT)
    return 67;
  if (error->phase == TERN_PHASE_AUTH || error->phase == TERN_PHASE_STARTTLS)
    return 77;
  return code == 67 && error->phase != TERN_PHASE_NONE ? 69 : code;
}

const char *tern_error_hint(const tern_error *error)
{
  return tern_status_hint(tern_error_status(error));
}

const char *tern_error_text(const tern_error *error)
{
  if (error == NULL)
    return "";
  if (error->detail != NULL)
    return error->detail;
  if (error->reply.code != 0 && tern_reply_text(&error->reply)[0] != '\0')
    return error->reply.text;
  return tern_status_text(error->status);
}

uint32_t tern_error_field(const tern_error *error)
{
  return error == NULL ? TERN_FIELD_NONE : error->field;
}

uint32_t tern_error_index(const tern_error *error)
{
  return error == NULL ? 0 : error->index;
}

size_t tern_error_position(const tern_error *error)
{
  return error == NULL || error->position == UINT16_MAX ? SIZE_MAX : error->position;
}

uint32_t tern_error_octet(const tern_error *error)
{
  return error == NULL ? 0 : error->octet;
}
