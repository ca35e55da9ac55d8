/* config.c - the configuration files of tern-send: lines `option = value`, `#` begins a comment line;
 * password-command; and what becomes of local names: aliases, and a domain.
 *
 * What a file says counts where neither command line nor environment nor a file before it does. A file
 * with a password in it must be its owner's alone. Neighbour: options.c. */
#define _POSIX_C_SOURCE 200809L

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef TERN_SYSCONFDIR
#define TERN_SYSCONFDIR "/etc"
#endif
#define FILE_MAX_SIZE 65536u
#define SECRET_MAX 65536u

static int bad(options *o, const char *path, unsigned line, const char *what)
{
  o->is_config_error = 1;
  if (line)
    snprintf(o->problem, sizeof o->problem, "%.120s, line %u: %.110s", path, line, what);
  else
    snprintf(o->problem, sizeof o->problem, "%.120s: %.110s", path, what);
  return -1;
}

static char *blanks_off(char *text)
{
  char *end;

  text += strspn(text, " \t");
  end = text + strlen(text);
  while (end > text && strchr(" \t\r", end[-1])) *--end = 0;
  return text;
}

static int take_flag(options *o, const char *path, unsigned line, int *flag, const char *value)
{
  if (!strcmp(value, "yes")) *flag = 1;
  else if (strcmp(value, "no") != 0) return bad(o, path, line, "yes or no");
  return 0;
}

/* One `option = value`; what was said before stays. */
static int take(options *o, const char *path, unsigned line, const char *key, char *value)
{
  const struct {
    const char *name;
    const char **string;
  } strings[] = {{"from", &o->from}, {"user", &o->user}, {"password-file", &o->password_file},
                 {"token-file", &o->token_file}, {"password-command", &o->password_command},
                 {"password", &o->config_password}, {"ca", &o->ca}, {"cert", &o->cert}, {"key", &o->key},
                 {"ehlo", &o->ehlo}, {"domain", &o->domain}, {"aliases", &o->aliases}, {"memory", &o->memory}};
  const struct {
    const char *name;
    int *flag;
  } flags[] = {{"insecure", &o->insecure}, {"no-pipelining", &o->no_pipelining},
               {"no-chunking", &o->no_chunking}};
  size_t i;

  for (i = 0; i < sizeof strings / sizeof strings[0]; i++)
    if (!strcmp(key, strings[i].name)) {
      if (!*strings[i].string) *strings[i].string = value;
      return 0;
    }
  for (i = 0; i < sizeof flags / sizeof flags[0]; i++)
    if (!strcmp(key, flags[i].name)) return take_flag(o, path, line, flags[i].flag, value);
  if (!strcmp(key, "server")) {
    if (!o->server) o->server = value;
    return 0;
  }
  if (!strcmp(key, "auth") || !strcmp(key, "timeout") || !strcmp(key, "connect-timeout")) {
    if (options_take_setting(o, key, value)) {
      char what[120];
      snprintf(what, sizeof what, "%.110s", o->problem);
      return bad(o, path, line, what);
    }
    return 0;
  }
  return bad(o, path, line, "no such option");
}

/* Whether the file says a secret: then nobody else may read it. */
static int holds_secret(const char *key, const char *value)
{
  const char *at = strchr(value, '@'), *colon = strstr(value, "://");

  return !strcmp(key, "password") ||
         (!strcmp(key, "server") && colon && at && memchr(colon + 3, ':', (size_t)(at > colon + 3 ? at - colon - 3 : 0)));
}

static int read_lines(options *o, const char *path, char *text, int private_file)
{
  char *line, *next, *value;
  unsigned number = 0;

  for (line = text; line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = 0;
    number++;
    line = blanks_off(line);
    if (!line[0] || line[0] == '#') continue;
    value = strchr(line, '=');
    if (!value) return bad(o, path, number, "no `option = value`");
    *value++ = 0;
    line = blanks_off(line);
    value = blanks_off(value);
    if (!value[0] && strcmp(line, "from") != 0) return bad(o, path, number, "the value is empty");
    if (holds_secret(line, value) && !private_file)
      return bad(o, path, number, "others may read this file with a password in it: chmod 600");
    if (take(o, path, number, line, value)) return -1;
  }
  return 0;
}

/* The text of a small file, kept until config_free; NULL with *missing where there is none. */
static char *load(options *o, const char *path, int *missing, int *private_file)
{
  FILE *file = fopen(path, "rb");
  struct stat st;
  char *text = NULL;
  size_t len;

  *missing = !file && (errno == ENOENT || errno == ENOTDIR);
  if (!file) {
    if (!*missing) bad(o, path, 0, strerror(errno));
    return NULL;
  }
  setvbuf(file, NULL, _IONBF, 0); /* no copy of a secret left in a buffer */
  *private_file = fstat(fileno(file), &st) == 0 && !(st.st_mode & 077);
  text = malloc(FILE_MAX_SIZE + 1);
  len = text ? fread(text, 1, FILE_MAX_SIZE + 1, file) : 0;
  if (!text || ferror(file) || len > FILE_MAX_SIZE || memchr(text, 0, len)) {
    bad(o, path, 0, !text ? "no memory" : ferror(file) ? "cannot be read" : "too long, or not text");
    free(text);
    text = NULL;
  } else {
    text[len] = 0;
    o->config_text[o->config_texts++] = text;
  }
  fclose(file);
  return text;
}

static int read_file(options *o, const char *path, int must)
{
  int missing, private_file = 0;
  char *text = load(o, path, &missing, &private_file);

  if (text) return read_lines(o, path, text, private_file);
  return missing && !must ? 0 : missing ? bad(o, path, 0, "there is no such file") : -1;
}

int config_read(options *o)
{
  const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
  char path[512];

  if (o->config) return read_file(o, o->config, 1);
  if (xdg && xdg[0] == '/')
    snprintf(path, sizeof path, "%s/tern-send.conf", xdg);
  else
    snprintf(path, sizeof path, "%s/.config/tern-send.conf", home && home[0] == '/' ? home : "/nonexistent");
  if (read_file(o, path, 0)) return -1;
  return read_file(o, TERN_SYSCONFDIR "/tern-send.conf", 0);
}

int config_password(options *o)
{
  FILE *pipe;
  size_t len;
  int status;

  if (o->password || o->token || !o->user) return 0;
  if (o->config_password) {
    o->password = malloc(strlen(o->config_password) + 1);
    if (!o->password) return bad(o, "password", 0, "no memory");
    strcpy(o->password, o->config_password);
    return 0;
  }
  if (!o->password_command) return 0;
  o->password = calloc(1, SECRET_MAX);
  pipe = o->password ? popen(o->password_command, "r") : NULL;
  if (!pipe) return bad(o, "password-command", 0, "cannot be run");
  setvbuf(pipe, NULL, _IONBF, 0);
  len = fread(o->password, 1, SECRET_MAX - 1, pipe);
  status = pclose(pipe);
  while (len && strchr("\r\n", o->password[len - 1])) o->password[--len] = 0;
  if (status || !len || strpbrk(o->password, "\r\n"))
    return bad(o, "password-command", 0, status ? "failed" : len ? "printed more than one line" : "printed nothing");
  return 0;
}

/* ---- local names -----------------------------------------------------------------------------------------*/
/* The name with the domain behind it, kept until config_free. */
static const char *with_domain(options *o, const char *name)
{
  size_t size = strlen(name) + strlen(o->domain) + 2;
  char *full = malloc(size);

  if (!full || o->made_count == o->made_cap) {
    free(full);
    return NULL;
  }
  snprintf(full, size, "%s@%s", name, o->domain);
  return o->made[o->made_count++] = full;
}

/* The rest of the line `name: rest` of the alias file, or NULL. */
static const char *alias(const char *text, const char *name)
{
  size_t n = strlen(name);

  while (text) {
    const char *after = text + strspn(text, " \t");
    if (!strncmp(after, name, n) && after[n + strspn(after + n, " \t")] == ':')
      return after + n + strspn(after + n, " \t") + 1;
    text = strchr(text, '\n');
    if (text) text++;
  }
  return NULL;
}

/* Puts what stands for one recipient behind those done; an alias is not looked up again. */
static int put(options *o, const char **to, size_t *count, size_t cap, const char *text, const char *rest)
{
  const char *end;
  char *one;

  if (!rest) {
    if (*count == cap) return bad(o, "aliases", 0, "too many recipients");
    to[(*count)++] = strchr(text, '@') || !o->domain ? text : with_domain(o, text);
    return to[*count - 1] ? 0 : bad(o, "aliases", 0, "no memory");
  }
  for (;; rest = end + 1) {
    rest += strspn(rest, " \t");
    end = rest + strcspn(rest, ",\n");
    if (end > rest) {
      if (o->made_count == o->made_cap) return bad(o, "aliases", 0, "too many recipients");
      one = calloc(1, (size_t)(end - rest) + 1);
      if (!one) return bad(o, "aliases", 0, "no memory");
      memcpy(one, rest, (size_t)(end - rest));
      o->made[o->made_count++] = one;
      if (put(o, to, count, cap, blanks_off(one), NULL)) return -1;
    }
    if (*end != ',') return 0;
  }
}

#define NAMES_MAX 4096u

int config_names(options *o)
{
  char *text = NULL;
  const char **to, *rest;
  int missing = 0, private_file;
  size_t i, count = 0;

  if (!o->domain && !o->aliases) return 0;
  if (o->aliases) {
    text = load(o, o->aliases, &missing, &private_file);
    if (!text) return missing ? bad(o, o->aliases, 0, "there is no such file") : -1;
  }
  to = calloc(o->to_count + NAMES_MAX, sizeof *to);
  o->made_cap = o->to_count + NAMES_MAX;
  o->made = calloc(o->made_cap, sizeof *o->made);
  o->names = to;
  if (!to || !o->made) return bad(o, "names", 0, "no memory");
  for (i = 0; i < o->to_count; i++) {
    rest = strchr(o->to[i], '@') ? NULL : alias(text, o->to[i]);
    if (!rest && !strchr(o->to[i], '@')) rest = alias(text, "default");
    if (put(o, to, &count, o->to_count + NAMES_MAX, o->to[i], rest)) return -1;
  }
  o->to = to;
  o->to_count = count;
  if (o->from && o->from[0] && !strchr(o->from, '@') && o->domain) {
    o->from = with_domain(o, o->from);
    if (!o->from) return bad(o, "from", 0, "no memory");
  }
  return 0;
}

void config_free(options *o)
{
  size_t i;

  for (i = 0; i < o->config_texts; i++) {
    volatile char *p = o->config_text[i];
    size_t k;
    for (k = 0; k < FILE_MAX_SIZE; k++) p[k] = 0; /* a line in it may be a password */
    free(o->config_text[i]);
  }
  for (i = 0; i < o->made_count; i++) free(o->made[i]);
  free(o->made);
  free(o->names);
}
