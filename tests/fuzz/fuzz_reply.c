/* fuzz_reply.c - the reply reader: any octets, buffers of two sizes give the same verdict, nothing
 * is written beyond the buffer, a complete reply has a code and a text that is printable. */
#include <stdlib.h>
#include <string.h>

#include "protocol/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const size_t caps[2] = { 128, 3000 };
  tern__reader r[2];
  char *text[2];
  size_t i, k;
  for (k = 0; k < 2; k++) {
    text[k] = malloc(caps[k]);
    if (!text[k]) abort();
    memset(&r[k], 0, sizeof r[k]);
    tern__reply_buffer(&r[k], text[k], caps[k]);
  }
  for (i = 1; i < size; i++) {
    tern_status st[2];
    size_t line;
    for (k = 0; k < 2; k++) st[k] = tern__reply_octet(&r[k], data[i]);
    if (st[0] != st[1]) abort();
    if (st[0] < 0) break;
    if (st[0] == TERN__REPLY_PARTIAL) continue;
    for (k = 0; k < 2; k++) {
      char out[80];
      if (r[k].len >= caps[k] || r[k].line > r[k].len) abort();
      if (data[0] & 1) tern__reply_keep(&r[k]);
      else tern__reply_drop(&r[k]);
      if (r[k].len >= caps[k] || text[k][r[k].len] != 0) abort();
      line = strlen(text[k]);
      if (line != r[k].len) abort();
      while (line-- > 0)
        if ((unsigned char)text[k][line] < 32 && text[k][line] != '\n' && text[k][line] != '\t')
          abort();
      if (st[k] == TERN__REPLY_DONE &&
          (tern_reply_code(&r[k].reply) < 200 || tern_reply_code(&r[k].reply) > 599))
        abort();
      line = tern_reply_queue_id(&r[k].reply, out, sizeof out);
      if (line >= sizeof out || out[line] != 0) abort();
      if (st[k] == TERN__REPLY_DONE) tern__reply_begin(&r[k]);
    }
  }
  free(text[0]);
  free(text[1]);
  return 0;
}
