/* mime_type.h - the media type of a file by its name. */
#ifndef TERN_SEND_MIME_TYPE_H
#define TERN_SEND_MIME_TYPE_H

#include <stddef.h>

/* Writes "type/subtype" to out; "application/octet-stream" where nothing is known of such names, and
 * for those types that a mail may not encode (message/..., multipart/...): a file must arrive as it
 * is. */
void mime_type(const char *name, char *out, size_t cap);

#endif
