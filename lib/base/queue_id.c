/* queue_id.c - the server's own id of a message, out of the text of its final reply.
 * No RFC says how a server names it, so the wordings of known servers are a table: the words beside
 * the id, and on which side of them it stands. Best effort, and only for people and logs. */
#include <string.h>

#include "base/ascii.h"
#include "base/error.h"

enum { AFTER, AFTER_NEXT, BEFORE, ALONE }; /* AFTER_NEXT: one word, a host, stands between */

/* In order; words in lower case. */
static const struct {
  char words[32];
  uint8_t side;
} wordings[] = {
  {"queued as ", AFTER},                     /* Postfix, aiosmtpd's kin */
  {"queued on ", AFTER_NEXT},                /* Yandex: "queued on host id" */
  {"queued with id ", AFTER},                /* Stalwart */
  {"message queued (", AFTER},               /* Haraka */
  {"message queued as ", AFTER},             /* smtp-server's users */
  {"internalid=", AFTER},                    /* Exchange */
  {" id=", AFTER},                           /* Exim */
  {" qp ", AFTER},                           /* qmail: "ok 1700000000 qp 12345" */
  {" - gsmtp", BEFORE},                      /* Gmail */
  {" message accepted for delivery", BEFORE}, /* Sendmail, OpenSMTPD */
  {" saved", BEFORE},                        /* Dovecot: "<recipient> id Saved" */
  {"ok ", ALONE},                            /* Amazon SES: "Ok id" */
};

static int is_id(uint8_t c)
{
  return c > ' ' && c < 127 && strchr("()[]<>,;\"", c) == NULL;
}

static size_t id_length(const char *text)
{
  size_t n = 0;

  while (is_id((uint8_t)text[n]))
    n++;
  while (n > 0 && text[n - 1] == '.') /* the end of a sentence */
    n--;
  return n;
}

/* Ids have a digit, words of a sentence have none; those behind known words need no such proof. */
static int has_digit(const char *text, size_t len)
{
  size_t i;

  for (i = 0; i < len; i++)
    if (tern__is_digit((uint8_t)text[i]))
      return 1;
  return 0;
}

/* The id before end; its first octet goes to *start. */
static size_t id_before(const char *text, size_t end, size_t *start)
{
  size_t at = end;

  while (at > 0 && is_id((uint8_t)text[at - 1]))
    at--;
  *start = at;
  if (at >= 2 && text[at - 2] == '>') /* Dovecot: the id stands behind a path */
    return end - at;
  return has_digit(text + at, end - at) ? end - at : 0;
}

/* The id beside the words that were found at `at` and have n octets. */
static size_t id_beside(const char *text, size_t at, size_t n, uint8_t side, size_t *start)
{
  size_t len;

  if (side == BEFORE)
    return id_before(text, at, start);
  *start = at + n;
  if (side == AFTER_NEXT) {
    while (is_id((uint8_t)text[*start]))
      ++*start;
    if (text[*start] == ' ')
      ++*start;
  }
  len = id_length(text + *start);
  if (side == ALONE && (at != 0 || text[*start + len] != '\0' || len < 16 ||
                        !has_digit(text + *start, len)))
    return 0;
  return len;
}

size_t tern_reply_queue_id(const tern_reply *reply, char *out, size_t cap)
{
  const char *text = tern_reply_text(reply);
  size_t total = strlen(text);
  size_t row;
  size_t at;

  if (out == NULL || cap == 0)
    return 0;
  out[0] = '\0';
  if (tern_reply_code(reply) / 100 != 2)
    return 0;
  for (row = 0; row < sizeof wordings / sizeof wordings[0]; row++) {
    size_t n = strlen(wordings[row].words);

    for (at = 0; n <= total && at <= total - n; at++) {
      size_t start;
      size_t len;

      if (!tern__same(text + at, n, wordings[row].words))
        continue;
      len = id_beside(text, at, n, wordings[row].side, &start);
      if (len == 0)
        continue;
      if (len >= cap)
        return 0;
      memcpy(out, text + start, len);
      out[len] = '\0';
      return len;
    }
  }
  return 0;
}
