/* fuzz_url.c - any text as a URL: it is refused with a place in the text, or its parts are clean. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean(const char *part)
{
  for (; part != NULL && *part != '\0'; part++)
    if ((uint8_t)*part < 32 || *part == 127) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text = malloc(size + 1);
  tern__url url;
  tern_error error;
  tern_status st;

  if (text == NULL) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  st = tern__url_parse(&url, NULL, text, &error);
  if (st == TERN_OK) {
    clean(url.user);
    clean(url.password);
    clean(url.host);
    clean(url.path);
    if (url.port > 65535 || (url.host == NULL) == (url.path == NULL)) abort();
    tern__url_free(&url, NULL);
  } else if (st == TERN_E_URL &&
             (tern_error_field(&error) == TERN_FIELD_NONE ||
              (tern_error_position(&error) != SIZE_MAX && tern_error_position(&error) > strlen(text)))) {
    abort();
  }
  free(text);
  return 0;
}
