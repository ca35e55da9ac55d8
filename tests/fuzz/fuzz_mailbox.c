/* fuzz_mailbox.c - any octets as an address and as an EHLO name: what passes has no octet that
 * could end or split a command line, and what does not is blamed on an octet of the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(tern_status status, const char *text, size_t position, size_t max)
{
  size_t len = strlen(text);
  size_t i;

  if (status != TERN_OK) {
    if (position > len || position > max)
      abort();
    return;
  }
  if (len == 0 || len > max)
    abort();
  for (i = 0; i < len; i++)
    if ((uint8_t)text[i] < 32 || text[i] == 127)
      abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text = malloc(size + 1); /* exact, so that ASan sees one octet too many */
  size_t position = SIZE_MAX;
  uint32_t flags = 0;
  tern_status status;

  if (text == NULL)
    return 0;
  if (size > 0)
    memcpy(text, data, size);
  text[size] = '\0';
  status = tern__mailbox_check(text, &position, &flags);
  check(status, text, position, 254);
  if (status == TERN_OK && strchr(text, '@') == NULL)
    abort();
  if (status == TERN_OK && (flags & TERN__MAILBOX_UTF8) == 0)
    for (position = 0; text[position] != '\0'; position++)
      if ((uint8_t)text[position] > 127)
        abort();
  position = SIZE_MAX;
  status = tern__domain_check(text, &position);
  check(status, text, position, 255);
  free(text);
  return 0;
}
