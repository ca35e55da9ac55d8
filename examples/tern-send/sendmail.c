/* sendmail.c - the options of sendmail(8), as cron, mail, git and scripts give them, in tern-send's.
 *
 * A dot alone on a line never ends the message: as with -i, which is what every caller gives that can
 * have one. -F, the full name, is for a From field that the caller left out: here the message must have
 * one, or -f. Neighbour: main.c. */
#include "sendmail.h"

#include <stdlib.h>
#include <string.h>

static const char *base_name(const char *path)
{
  const char *slash = strrchr(path, '/');

  return slash ? slash + 1 : path;
}

int sendmail_called(const char *name)
{
  const char *base = name ? base_name(name) : "";

  return !strcmp(base, "sendmail") || !strcmp(base, "newaliases") || !strcmp(base, "mailq");
}

/* What a letter stands for. */
static const struct letter {
  char letter;
  char takes;       /* 'v': a value, here or in the next argument; 'h': only here; 0: none */
  const char *into; /* tern-send's option; NULL: nothing */
} letters[] = {
  {'t', 0, "-t"},   {'f', 'v', "--from"}, {'r', 'v', "--from"}, {'N', 'v', "--dsn"}, {'R', 'v', "--ret"},
  {'V', 'v', "--envid"}, {'C', 'v', "--config"}, {'v', 0, "--trace"}, {'i', 0, NULL}, {'o', 'h', NULL},
  {'B', 'v', NULL}, {'F', 'v', NULL}, {'h', 'v', NULL}, {'L', 'v', NULL}, {'O', 'v', NULL},
  {'p', 'v', NULL}, {'X', 'v', NULL}, {'A', 'h', NULL}, {'G', 0, NULL}, {'m', 0, NULL}, {'n', 0, NULL},
  {'U', 0, NULL},   {'e', 'h', NULL}, {'d', 'h', NULL},
};

static const struct letter *find(char c)
{
  size_t i;

  for (i = 0; i < sizeof letters / sizeof letters[0]; i++)
    if (letters[i].letter == c) return &letters[i];
  return NULL;
}

/* -bm sends; the others are a daemon's. */
static int mode(const char *arg, const char **problem)
{
  if (!strcmp(arg, "-bm") || !strcmp(arg, "-b")) return SENDMAIL_SEND;
  if (!strcmp(arg, "-bp") || !strcmp(arg, "-bi") || !strcmp(arg, "-bh") || !strcmp(arg, "-bH")) return SENDMAIL_NOTHING;
  *problem = arg;
  return SENDMAIL_REFUSED;
}

/* One cluster of letters such as -ti; *i moves on where a value stands in the next argument. */
static int cluster(int argc, char **argv, int *i, char **out, int *n, const char **problem)
{
  char *p = argv[*i] + 1;

  for (; *p; p++) {
    const struct letter *l = find(*p);
    char *value = p + 1;

    if (!l) {
      *problem = argv[*i];
      return SENDMAIL_REFUSED;
    }
    if (l->takes == 'v' && !*value) {
      if (*i + 1 >= argc) {
        *problem = argv[*i];
        return SENDMAIL_REFUSED;
      }
      value = argv[++*i];
    }
    if (l->into) {
      memcpy(&out[(*n)++], &l->into, sizeof *out); /* drops const */
      if (l->takes) {
        size_t len = strlen(value);
        if (len > 1 && value[0] == '<' && value[len - 1] == '>') { /* -f '<>' is the null reverse-path */
          value[len - 1] = 0;
          value++;
        }
        out[(*n)++] = value;
      }
    }
    if (l->takes) break;
  }
  return SENDMAIL_SEND;
}

int sendmail_arguments(int argc, char **argv, int *count, char ***out, const char **problem)
{
  int i, n = 1, what = SENDMAIL_SEND, ended = 0;
  char **args = calloc((size_t)argc * 2 + 2, sizeof *args);

  *out = args;
  *problem = "no memory";
  if (!args) return SENDMAIL_REFUSED;
  args[0] = argv[0];
  if (strcmp(base_name(argv[0]), "sendmail") != 0) return SENDMAIL_NOTHING;
  for (i = 1; i < argc && what == SENDMAIL_SEND; i++) {
    char *arg = argv[i];

    if (ended || arg[0] != '-' || !arg[1]) {
      args[n++] = arg;
    } else if (!strcmp(arg, "--")) {
      ended = 1;
    } else if (arg[1] == '-') { /* tern-send's own */
      args[n++] = arg;
    } else if (arg[1] == 'q') {
      what = SENDMAIL_NOTHING;
    } else if (arg[1] == 'b') {
      what = mode(arg, problem);
    } else {
      what = cluster(argc, argv, &i, args, &n, problem);
    }
  }
  *count = n;
  return what;
}
