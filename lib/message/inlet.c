/* inlet.c - one way for filters (ready, dkim, bounce_write) to read the message that they are over.
 *
 * base/data.c repairs line ends for the engine; read through it, a filter sees the octets that will
 * leave, and what it passes on needs no second repair. */
#include "message/inlet.h"

#include <string.h>

static void begin(tern__inlet *in)
{
  tern__data_begin(&in->data, &in->content, 0, in->refuse);
}

tern_status tern__inlet_set_source(tern__inlet *in, const tern_source *source, void *user)
{
  memset(&in->content, 0, sizeof in->content);
  if (source == NULL || source->size < offsetof(tern_source, rewind) || source->read == NULL)
    return TERN_E_ARGUMENT;
  if (source->size < offsetof(tern_source, prepare) || source->rewind == NULL) return TERN_E_REWIND;
  in->content.size = sizeof in->content;
  in->content.source = source;
  in->content.source_user = user;
  in->touched = 0;
  begin(in);
  return TERN_OK;
}

tern_status tern__inlet_set_octets(tern__inlet *in, const void *octets, size_t len)
{
  memset(&in->content, 0, sizeof in->content);
  if (octets == NULL && len != 0) return TERN_E_ARGUMENT;
  in->span.octets = octets;
  in->span.len = len == TERN_NUL ? strlen(octets) : len;
  in->content.size = sizeof in->content;
  in->content.spans = &in->span;
  in->content.span_count = 1;
  begin(in);
  return TERN_OK;
}

int tern__inlet_is_set(const tern__inlet *in)
{
  return in->content.size != 0;
}

tern_status tern__inlet_prepare(tern__inlet *in, uint32_t capabilities, tern_content_info *info)
{
  const tern_source *source = in->content.source;

  info->length = TERN_LENGTH_UNKNOWN;
  info->flags = 0;
  if (source == NULL) {
    in->content.flags = in->refuse ? TERN_MAIL_REFUSE_BARE : 0;
    return tern__data_measure(&in->content, info);
  }
  if (source->size < sizeof *source || source->prepare == NULL) return TERN_OK;
  /* what is read through here is lines: base/data.c would repair anything else */
  return source->prepare(in->content.source_user, capabilities & ~TERN_CAP_BINARYMIME, info);
}

tern_status tern__inlet_rewind(tern__inlet *in)
{
  tern_status st = TERN_OK;

  if (in->content.source != NULL && in->touched)
    st = in->content.source->rewind(in->content.source_user);
  if (st == TERN_OK) in->touched = 0;
  begin(in);
  return st;
}

tern_status tern__inlet_next(tern__inlet *in, tern_span *out, tern_status *cause)
{
  in->touched = 1;
  return tern__data_next(&in->data, 1, out, cause);
}
