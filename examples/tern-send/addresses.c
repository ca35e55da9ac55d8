/* addresses.c - reads an address-list of RFC 5322 3.4, the obsolete forms of 4.4 included: comments,
 * quoted strings, groups, routes, empty elements. Display names are skipped, encoded words in them
 * too: they are no addresses. What is not understood is refused, never guessed: "John doe@x" must
 * not become a mail to someone called doe or Johndoe. Whether what is found is a mailbox is the
 * library's to say. Limit: none of its own, the field is bounded by spool.c. */
#include "addresses.h"

#include <stdlib.h>
#include <string.h>

/* One element between commas, as it is read. */
typedef struct element {
  char *plain; /* what stands outside angle brackets */
  size_t plain_len;
  char *angle; /* what stands inside; used where has_angle */
  size_t angle_len;
  int has_angle;
  int in_angle;
  int in_group;
  int gap;    /* white space or a comment since the last octet of plain */
  int broken; /* plain has two words side by side: a display name, no address */
} element;

static int add(addresses *a, const char *text, size_t len)
{
  char *copy;

  if (a->count == a->cap) {
    size_t cap = a->cap ? a->cap * 2 : 16;
    char **more = realloc(a->list, cap * sizeof *more);
    if (!more) return -1;
    a->list = more;
    a->cap = cap;
  }
  copy = malloc(len + 1);
  if (!copy) return -1;
  memcpy(copy, text, len);
  copy[len] = 0;
  a->list[a->count++] = copy;
  return 0;
}

/* A comma, a semicolon or the end: the element is an address, or empty. */
static const char *end_element(addresses *a, element *e)
{
  const char *problem = NULL;

  if (e->has_angle) {
    if (!e->angle_len)
      problem = "an empty address";
    else if (add(a, e->angle, e->angle_len))
      problem = "no memory";
  } else if (e->plain_len) {
    if (e->broken)
      problem = "an address without angle brackets after a name";
    else if (add(a, e->plain, e->plain_len))
      problem = "no memory";
  }
  e->plain_len = e->angle_len = 0;
  e->has_angle = e->gap = e->broken = 0;
  return problem;
}

/* An octet of a word, of the angle brackets' content, or of what may be an address. */
static void put(element *e, char c)
{
  if (e->in_angle) {
    e->angle[e->angle_len++] = c;
    return;
  }
  if (e->gap && e->plain_len && !strchr(".@", e->plain[e->plain_len - 1]) && !strchr(".@", c))
    e->broken = 1;
  e->gap = 0;
  e->plain[e->plain_len++] = c;
}

/* The end of the comment that begins at p, or NULL. */
static const char *skip_comment(const char *p)
{
  size_t depth = 0;

  for (; *p; p++) {
    if (*p == '\\' && p[1])
      p++;
    else if (*p == '(')
      depth++;
    else if (*p == ')' && !--depth)
      return p + 1;
  }
  return NULL;
}

/* Copies a quoted string or a domain literal up to its closing octet. Returns what follows it. */
static const char *take_quoted(element *e, const char *p, char close)
{
  put(e, *p++);
  for (; *p && *p != close; p++) {
    if (*p == '\r' || *p == '\n') continue; /* folded */
    if (*p == '\\' && p[1]) put(e, *p++);
    put(e, *p);
  }
  if (!*p) return NULL;
  put(e, *p);
  return p + 1;
}

static const char *special(addresses *a, element *e, char c)
{
  switch (c) {
    case '<':
      if (e->in_angle || e->has_angle) return "a second < in one address";
      e->in_angle = e->has_angle = 1;
      return NULL;
    case '>':
      if (!e->in_angle) return "a > without <";
      e->in_angle = 0;
      return NULL;
    case ':':
      if (e->in_angle && e->angle_len && e->angle[0] == '@') {
        e->angle_len = 0; /* an obsolete route: RFC 5322 4.4 */
        return NULL;
      }
      if (e->in_angle || e->in_group || e->has_angle) return "a : where none can be";
      e->in_group = 1; /* what stood before it is the group's name */
      e->plain_len = 0;
      e->gap = e->broken = 0;
      return NULL;
    case ';':
      if (e->in_angle || !e->in_group) return "a ; without a group";
      e->in_group = 0;
      return end_element(a, e);
    default: /* ',' */
      if (!e->in_angle) return end_element(a, e);
      if (!e->angle_len || e->angle[0] != '@') return "a comma inside < and >";
      put(e, c);
      return NULL;
  }
}

static const char *read_list(addresses *a, element *e, const char *p)
{
  const char *problem = NULL;

  while (*p && !problem) {
    if (*p == '(') {
      p = skip_comment(p);
      if (!p) return "a comment that does not end";
      e->gap = 1;
    } else if (*p == '"' || *p == '[') {
      p = take_quoted(e, p, *p == '"' ? '"' : ']');
      if (!p) return "a quoted string or [ that does not end";
    } else if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') {
      e->gap = 1;
      p++;
    } else if (strchr("<>:;,", *p)) {
      problem = special(a, e, *p++);
    } else if (e->has_angle && !e->in_angle) {
      return "rubbish after >";
    } else {
      put(e, *p++);
    }
  }
  if (problem) return problem;
  if (e->in_angle) return "a < that does not end";
  return end_element(a, e); /* a group may lack its ; at the end: nothing is lost by it */
}

int addresses_add(addresses *a, const char *body, const char **problem)
{
  size_t len = strlen(body) + 1;
  element e;

  memset(&e, 0, sizeof e);
  e.plain = malloc(len);
  e.angle = malloc(len);
  *problem = e.plain && e.angle ? read_list(a, &e, body) : "no memory";
  free(e.plain);
  free(e.angle);
  return *problem ? -1 : 0;
}

typedef struct place {
  const char *text;
  size_t index;
} place;

static int compare(const void *a, const void *b)
{
  const place *x = a, *y = b;
  int order = strcmp(x->text, y->text);

  return order ? order : x->index < y->index ? -1 : 1;
}

int addresses_unique(addresses *a)
{
  place *places;
  size_t i, n = 0;

  if (a->count < 2) return 0;
  places = malloc(a->count * sizeof *places);
  if (!places) return -1;
  for (i = 0; i < a->count; i++) {
    places[i].text = a->list[i];
    places[i].index = i;
  }
  qsort(places, a->count, sizeof *places, compare);
  for (i = a->count - 1; i > 0; i--)
    if (!strcmp(places[i].text, places[i - 1].text)) {
      free(a->list[places[i].index]);
      a->list[places[i].index] = NULL;
    }
  free(places);
  for (i = 0; i < a->count; i++)
    if (a->list[i]) a->list[n++] = a->list[i];
  a->count = n;
  return 0;
}

void addresses_free(addresses *a)
{
  while (a->count) free(a->list[--a->count]);
  free(a->list);
}
