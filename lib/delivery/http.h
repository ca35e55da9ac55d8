/* http.h - reads the answer to one HTTP GET (RFC 9112), for MTA-STS policies: 200, text/plain, bounded. */
#ifndef TERN_LIB_DELIVERY_HTTP_H
#define TERN_LIB_DELIVERY_HTTP_H

#include <tern/base.h>

#define TERN__HTTP_LINE_MAX 1024u /* octets of a header line that are looked at */
#define TERN__HTTP_HEAD_MAX 32768u /* of the head in all */

typedef struct tern__http {
  char *body; /* the caller's block */
  size_t cap;
  size_t len;       /* of the body so far */
  uint64_t left;    /* of the body, or of this chunk */
  uint32_t status;  /* 200, ...; 0: not read yet */
  size_t head;      /* octets of head, of chunk lines and of trailers so far */
  size_t line_len;
  uint8_t state;
  uint8_t chunked;
  uint8_t has_length;
  uint8_t plain; /* Content-Type is text/plain */
  char line[TERN__HTTP_LINE_MAX];
} tern__http;

/* The body goes to the cap octets at body. */
void tern__http_init(tern__http *h, char *body, size_t cap);
/* Octets came. TERN_E_AGAIN: more are due; TERN_OK: whole, body and len hold it. TERN_E_REPLY_LENGTH: body
 * or head too long; TERN_E_REPLY_UNEXPECTED: any status but 200 (a redirect included); TERN_E_CONTENT: not
 * text/plain; TERN_E_REPLY_SYNTAX: no HTTP. */
tern_status tern__http_in(tern__http *h, const uint8_t *octets, size_t len);
/* The peer closed: TERN_OK where the body had no length of its own, else TERN_E_CLOSED. */
tern_status tern__http_closed(tern__http *h);

#endif
