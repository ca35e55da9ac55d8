/* json.h - writes one JSON object into memory: always valid UTF-8, whatever octets come in. */
#ifndef TERN_SEND_JSON_H
#define TERN_SEND_JSON_H

#include <stddef.h>
#include <stdint.h>

typedef struct json {
  char *text;
  size_t len;
  size_t cap;
  int failed; /* no memory */
  int comma;  /* one is due before the next member */
} json;

void json_raw(json *j, const char *text);
/* The name of a member, NULL inside an array; followed by one of those below. */
void json_name(json *j, const char *name);
void json_open(json *j, char bracket);
void json_close(json *j, char bracket);
/* NULL, or "" with null_if_empty, becomes null. */
void json_string(json *j, const char *text, int null_if_empty);
void json_number(json *j, uint32_t number);
void json_bool(json *j, int value);
void json_null(json *j);

#endif
