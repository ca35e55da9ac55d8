/* mime_type.c - the media type of a file by its name: from the shared MIME database's globs2, else
 * from /etc/mime.types.
 *
 * globs2 (Shared MIME-info Database specification): "weight:type:glob[:flags]"; the greatest weight
 * wins, then the longest glob; all are matched in lower case too, but for those with the flag "cs".
 * Limit: contents are not looked at. */
#define _POSIX_C_SOURCE 200809L

#include "mime_type.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_ 1024
#define NAME_MAX_ 512

static void lower(char *text)
{
  for (; *text; text++)
    if (*text >= 'A' && *text <= 'Z') *text = (char)(*text + 32);
}

static int matches(const char *glob, const char *name)
{
  size_t g = strlen(glob), n = strlen(name);

  /* nearly all are "*.suffix" */
  if (glob[0] == '*' && !strpbrk(glob + 1, "*?[")) return n >= g - 1 && !strcmp(name + n - (g - 1), glob + 1);
  if (!strpbrk(glob, "*?[")) return !strcmp(glob, name);
  return fnmatch(glob, name, 0) == 0;
}

static int keep(const char *type, char *out, size_t cap)
{
  size_t len = strlen(type);

  if (len >= cap) return 0;
  memcpy(out, type, len + 1);
  return 1;
}

/* Cuts the line at the next separator; NULL: there is none. */
static char *cut(char *text, char separator)
{
  char *at = strchr(text, separator);

  if (at) *at++ = 0;
  return at;
}

static int from_globs(const char *name, const char *folded, char *out, size_t cap)
{
  FILE *f = fopen("/usr/share/mime/globs2", "r");
  char line[LINE_MAX_], *type, *glob, *flags;
  long weight, best = -1;
  size_t longest = 0;

  while (f && fgets(line, sizeof line, f)) {
    line[strcspn(line, "\r\n")] = 0;
    type = line[0] != '#' ? cut(line, ':') : NULL;
    glob = type ? cut(type, ':') : NULL;
    if (!glob || !glob[0]) continue;
    flags = cut(glob, ':');
    weight = strtol(line, NULL, 10);
    if (weight < best || (weight == best && strlen(glob) <= longest)) continue;
    if (!matches(glob, name) && ((flags && strstr(flags, "cs")) || !matches(glob, folded))) continue;
    if (!keep(type, out, cap)) continue;
    best = weight;
    longest = strlen(glob);
  }
  if (f) fclose(f);
  return best >= 0;
}

/* "type  suffix suffix ..." */
static int from_suffixes(const char *folded, char *out, size_t cap)
{
  FILE *f = fopen("/etc/mime.types", "r");
  const char *dot = strrchr(folded, '.');
  char line[LINE_MAX_], *type, *suffix;
  int found = 0;

  while (f && dot && !found && fgets(line, sizeof line, f)) {
    type = strtok(line, " \t\r\n");
    if (!type || type[0] == '#') continue;
    while (!found && (suffix = strtok(NULL, " \t\r\n")) != NULL)
      found = !strcmp(suffix, dot + 1) && keep(type, out, cap);
  }
  if (f) fclose(f);
  return found;
}

void mime_type(const char *name, char *out, size_t cap)
{
  char folded[NAME_MAX_];
  size_t len = strlen(name);

  if (len >= sizeof folded) name += len - sizeof folded + 1; /* its end tells */
  strcpy(folded, name);
  lower(folded);
  if ((!from_globs(name, folded, out, cap) && !from_suffixes(folded, out, cap)) ||
      !strncmp(out, "message/", 8) || !strncmp(out, "multipart/", 10) || !strchr(out, '/'))
    (void)keep("application/octet-stream", out, cap);
}
