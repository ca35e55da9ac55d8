/* hosts.c - reads the hosts file: an address, then its names, "#" and what follows left out.
 * Neighbours: lookup.c asks it before any name server. Limits: a line is looked at up to its 1,023rd
 * octet, which is far more than names are; lines that are no such are passed over, as everywhere. */
#include "resolve/hosts.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"

#define LINE 1024u
#define ADDRESS 72u

/* The next word of text from *at on; 0: none. */
static size_t word(const char *text, size_t len, size_t *at)
{
  size_t from;

  while (*at < len && (text[*at] == ' ' || text[*at] == '\t' || text[*at] == '\r')) (*at)++;
  from = *at;
  while (*at < len && text[*at] != ' ' && text[*at] != '\t' && text[*at] != '\r') (*at)++;
  return *at - from;
}

int tern__hosts_line(const char *line, size_t len, const char *host, uint32_t port,
                     tern__sockaddr *out)
{
  char address[ADDRESS];
  const char *hash = memchr(line, '#', len);
  size_t at = 0, n, want = strlen(host);

  if (hash != NULL) len = (size_t)(hash - line);
  n = word(line, len, &at);
  if (n == 0 || n >= sizeof address) return 0;
  memcpy(address, line + at - n, n);
  address[n] = 0;
  if (want > 0 && host[want - 1] == '.') want--; /* names stand there without the dot at the end */
  while ((n = word(line, len, &at)) > 0) {
    char name[256];

    if (n != want || n >= sizeof name) continue;
    memcpy(name, host, n);
    name[n] = 0;
    if (tern__same(line + at - n, n, name)) return tern__sockaddr_literal(address, port, out);
  }
  return 0;
}

size_t tern__hosts_find(const char *path, const char *host, uint32_t port, tern__sockaddr *out,
                        size_t cap)
{
  char line[LINE];
  FILE *file;
  size_t count = 0, len;
  int fresh = 1; /* at the beginning of a line */

  if (path == NULL) path = TERN__HOSTS_FILE;
  file = path[0] != 0 ? fopen(path, "re") : NULL;
  if (file == NULL) return 0;
  while (count < cap && fgets(line, sizeof line, file) != NULL) {
    int whole;

    len = strlen(line); /* a NUL cuts its line */
    whole = len > 0 && line[len - 1] == '\n';
    if (whole) len--;
    if (fresh && tern__hosts_line(line, len, host, port, &out[count])) count++;
    fresh = whole || len == 0;
  }
  (void)fclose(file);
  return count;
}
