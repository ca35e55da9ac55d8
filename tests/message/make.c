/* make.c - makes messages as told on standard input, for the scripts that read them back.
 *
 * A line is a word and its arguments, separated by spaces: numbers as such, strings and octets as
 * hexadecimal digits with an x in front, NULL as "-". "end CAPS BUFFER" makes the message, twice, and
 * writes "OK LENGTH PROMISED FLAGS\n" and its octets, or "ERR STATUS FIELD\n"; then all begins anew.
 * Exits with 1 where the second pass gives other octets, or a promised length is not kept. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/tern.h>

#define ARGS 8
#define PARTS 4096

typedef struct memory { /* a source over octets, in pieces of odd sizes */
  struct memory *before;
  const uint8_t *octets;
  size_t len, at, piece;
} memory;

typedef struct arg {
  const char *text;
  size_t len;
} arg;

static tern_part *parts[PARTS];
static size_t part_count;
static memory *memories;
static void *kept[200000];
static size_t kept_count;

static void *keep(void *p)
{
  if (!p || kept_count == sizeof kept / sizeof kept[0]) abort();
  kept[kept_count++] = p;
  return p;
}

static tern_status memory_read(void *user, const uint8_t **octets, size_t *len)
{
  memory *m = user;
  size_t n = m->len - m->at;

  if (m->piece == 0) m->piece = 1;
  if (n > m->piece) n = m->piece;
  m->piece = m->piece * 7 % 1013 + 1;
  *octets = m->octets + m->at;
  m->at += n;
  *len = n;
  return n == 0 ? TERN_SOURCE_END : TERN_OK;
}

static tern_status memory_rewind(void *user)
{
  ((memory *)user)->at = 0;
  return TERN_OK;
}

static const tern_source again = {sizeof again, memory_read, memory_rewind, NULL};
static const tern_source once = {sizeof once, memory_read, NULL, NULL};

static int hex(int c)
{
  return c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Decodes in place; "-" is NULL. */
static arg decode(char *word)
{
  arg a = {NULL, 0};
  char *out;
  size_t i, n;

  if (!word || word[0] != 'x') return a;
  n = strlen(word + 1) / 2;
  out = keep(malloc(n + 1));
  for (i = 0; i < n; i++) out[i] = (char)(hex(word[1 + 2 * i]) * 16 + hex(word[2 + 2 * i]));
  out[n] = 0;
  a.text = out;
  a.len = n;
  return a;
}

static tern_part *part_of(const char *word)
{
  return word && word[0] != '-' ? parts[strtoul(word, NULL, 10)] : NULL;
}

static void add(tern_part *p)
{
  if (part_count == PARTS) abort();
  parts[part_count++] = p;
}

static int addresses(tern_message *msg, const char *word, char **w)
{
  static const struct {
    const char *word;
    tern_status (*call)(tern_message *msg, const char *name, const char *address);
  } table[] = {{"from", tern_message_from}, {"sender", tern_message_sender},
               {"to", tern_message_to},     {"cc", tern_message_cc},
               {"bcc", tern_message_bcc},   {"reply-to", tern_message_reply_to}};
  size_t i;

  for (i = 0; i < sizeof table / sizeof table[0]; i++)
    if (!strcmp(word, table[i].word)) {
      table[i].call(msg, decode(w[0]).text, decode(w[1]).text);
      return 1;
    }
  return 0;
}

static int header(tern_message *msg, const char *word, char **w)
{
  if (!strcmp(word, "subject")) {
    tern_message_subject(msg, decode(w[0]).text);
  } else if (!strcmp(word, "header")) {
    tern_message_header(msg, decode(w[0]).text, decode(w[1]).text);
  } else if (!strcmp(word, "message-id")) {
    tern_message_message_id(msg, decode(w[0]).text);
  } else if (!strcmp(word, "references")) {
    tern_message_references(msg, decode(w[0]).text);
  } else if (!strcmp(word, "unsubscribe")) {
    tern_message_list_unsubscribe(msg, decode(w[0]).text, 1);
  } else if (!strcmp(word, "group")) {
    tern_message_group(msg, TERN_FIELD_TO, decode(w[0]).text);
  } else if (!strcmp(word, "encoding")) {
    tern_message_set_encoding(msg, (uint32_t)strtoul(w[0], NULL, 10));
  } else {
    return 0;
  }
  return 1;
}

static tern_part *from_source(tern_message *msg, char **w)
{
  arg data = decode(w[4]);
  memory *m = keep(calloc(1, sizeof *m));

  m->octets = (const uint8_t *)data.text;
  m->len = data.len;
  return tern_message_attach_source(msg, decode(w[0]).text, decode(w[1]).text,
                                    w[2][0] == '1' ? &again : &once, m,
                                    w[3][0] == '1' ? data.len : TERN_LENGTH_UNKNOWN);
}

static int part(tern_message *msg, const char *word, char **w)
{
  arg data;

  if (!strcmp(word, "text")) {
    data = decode(w[0]);
    add(tern_message_text(msg, data.text, data.len));
  } else if (!strcmp(word, "html")) {
    data = decode(w[0]);
    add(tern_message_html(msg, data.text, data.len));
  } else if (!strcmp(word, "calendar")) {
    data = decode(w[1]);
    add(tern_message_calendar(msg, decode(w[0]).text, data.text, data.len));
  } else if (!strcmp(word, "attach")) {
    data = decode(w[2]);
    add(tern_message_attach(msg, decode(w[0]).text, decode(w[1]).text, data.text, data.len));
  } else if (!strcmp(word, "inline")) {
    data = decode(w[3]);
    add(tern_message_inline(msg, decode(w[0]).text, decode(w[1]).text, decode(w[2]).text, data.text,
                            data.len));
  } else if (!strcmp(word, "forward")) {
    data = decode(w[0]);
    add(tern_message_forward(msg, data.text, data.len));
  } else if (!strcmp(word, "source")) {
    add(from_source(msg, w));
  } else if (!strcmp(word, "multipart")) {
    add(tern_message_multipart(msg, part_of(w[0]), decode(w[1]).text));
  } else if (!strcmp(word, "part")) {
    data = decode(w[2]);
    add(tern_message_part(msg, part_of(w[0]), decode(w[1]).text, data.text, data.len));
  } else if (!strcmp(word, "name")) {
    tern_part_set_name(part_of(w[0]), decode(w[1]).text);
  } else if (!strcmp(word, "disposition")) {
    tern_part_set_disposition(part_of(w[0]), (uint32_t)strtoul(w[1], NULL, 10));
  } else if (!strcmp(word, "description")) {
    tern_part_set_description(part_of(w[0]), decode(w[1]).text);
  } else if (!strcmp(word, "part-encoding")) {
    tern_part_set_encoding(part_of(w[0]), (uint32_t)strtoul(w[1], NULL, 10));
  } else {
    return 0;
  }
  return 1;
}

/* Pulls all; NULL: failed with *st. */
static uint8_t *pull(tern_message *msg, size_t *len, tern_status *st)
{
  const uint8_t *piece;
  uint8_t *all = malloc(1);
  size_t n;

  *len = 0;
  do {
    *st = tern_message_source()->read(msg, &piece, &n);
    if (*st < 0) break;
    all = realloc(all, *len + n + 1);
    if (!all) abort();
    memcpy(all + *len, piece, n);
    *len += n;
  } while (*st == TERN_OK);
  if (*st < 0) {
    free(all);
    return NULL;
  }
  return all;
}

static void say_error(const tern_message *msg, tern_status st)
{
  printf("ERR %s %s\n", tern_status_name(st), tern_field_name(tern_error_field(tern_message_error(msg))));
}

static int finish(tern_message *msg, uint32_t caps, size_t buffer)
{
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
  uint8_t *first, *second;
  size_t len, len2;
  tern_status st;
  int result = 0;

  tern_message_set_buffer(msg, buffer);
  st = tern_message_source()->prepare(msg, caps, &info);
  first = st == TERN_OK ? pull(msg, &len, &st) : NULL;
  if (!first) {
    say_error(msg, st);
    return 0;
  }
  printf("OK %zu %lld %u\n", len, info.length == TERN_LENGTH_UNKNOWN ? -1 : (long long)info.length,
         (unsigned)info.flags);
  fwrite(first, 1, len, stdout);
  if (info.length != TERN_LENGTH_UNKNOWN && info.length != len) {
    fprintf(stderr, "promised %llu, gave %zu\n", (unsigned long long)info.length, len);
    result = 1;
  }
  if (tern_message_source()->rewind(msg) == TERN_OK) {
    tern_message_set_buffer(msg, buffer + 333);
    tern_message_source()->prepare(msg, caps, &info);
    second = pull(msg, &len2, &st);
    if (!second || len != len2 || memcmp(first, second, len) != 0) {
      fprintf(stderr, "the second pass gave something else\n");
      result = 1;
    }
    free(second);
  }
  free(first);
  return result;
}

static tern_status fixed_random(void *user, uint8_t *out, size_t len)
{
  size_t i;

  (void)user;
  for (i = 0; i < len; i++) out[i] = (uint8_t)(i * 37 + 11);
  return TERN_OK;
}

static tern_message *begin(void)
{
  tern_message *msg = tern_message_new(NULL);

  tern_message_set_random(msg, fixed_random, NULL);
  tern_message_date(msg, 1795580096, 60);
  while (kept_count > 0) free(kept[--kept_count]);
  part_count = 0;
  memories = NULL;
  return msg;
}

int main(void)
{
  tern_message *msg = begin();
  char *line = NULL, *word, *w[ARGS];
  size_t cap = 0;
  int i, result = 0;

  while (getline(&line, &cap, stdin) > 0) {
    line[strcspn(line, "\n")] = 0;
    word = strtok(line, " ");
    if (!word) continue;
    for (i = 0; i < ARGS; i++) w[i] = strtok(NULL, " ");
    if (!strcmp(word, "end")) {
      result |= finish(msg, (uint32_t)strtoul(w[0], NULL, 10), strtoul(w[1], NULL, 10));
      fflush(stdout);
      tern_message_free(msg);
      msg = begin();
    } else if (!addresses(msg, word, w) && !header(msg, word, w) && !part(msg, word, w)) {
      fprintf(stderr, "no such word: %s\n", word);
      result = 1;
    }
  }
  tern_message_free(msg);
  while (kept_count > 0) free(kept[--kept_count]);
  free(line);
  return result;
}
