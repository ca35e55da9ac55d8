/* fuzz_ehlo.c - EHLO keyword lines: any octets, exact memory, sane results. */
#include <stdlib.h>
#include <string.h>
#include <tern/session.h>

#include "protocol/ehlo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  tern__offer offer;
  size_t at = 0;
  memset(&offer, 0, sizeof offer);
  while (at < size) {
    const uint8_t *end = memchr(data + at, '\n', size - at);
    size_t len = end ? (size_t)(end - (data + at)) : size - at;
    char *line = malloc(len ? len : 1); /* without a NUL behind it */
    if (!line) abort();
    memcpy(line, data + at, len);
    tern__ehlo_line(&offer, line, len, tern_mechanisms());
    free(line);
    at += len + 1;
  }
  if (offer.rcpt_max > 999999 || offer.mail_max > 999999) abort();
  if ((offer.size != 0 && !(offer.caps & TERN_CAP_SIZE)) ||
      (offer.mechanisms != 0 && !(offer.caps & TERN_CAP_AUTH)) ||
      (offer.rcpt_max != 0 && !(offer.caps & TERN_CAP_LIMITS)))
    abort();
  return 0;
}
