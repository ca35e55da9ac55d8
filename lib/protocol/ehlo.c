/* ehlo.c - what a server offers, from the lines of its EHLO or LHLO reply (RFC 5321 4.1.1.1).
 *
 * Neighbours: session.c hands it each line but the first. The keyword table is data; the names are
 * also those of tern_capability_name. Limit: a line longer than the reply buffer loses its tail. */
#include "protocol/ehlo.h"

#include <string.h>
#include <tern/session.h>

#include "base/ascii.h"
#include "base/config.h"

/* Keyword i is bit i: the order of TERN_CAP_... in session.h; ended by an empty one. */
static const char keywords[] =
  "PIPELINING\0SIZE\0" "8BITMIME\0CHUNKING\0SMTPUTF8\0DSN\0ENHANCEDSTATUSCODES\0LIMITS\0STARTTLS\0"
  "AUTH\0"
#if TERN__WITH_BINARYMIME || TERN__WITH_ASKING || TERN__WITH_OTHER
  "BINARYMIME\0REQUIRETLS\0DELIVERBY\0FUTURERELEASE\0MT-PRIORITY\0PRDR\0VRFY\0"
#endif
  "";

#if TERN__WITH_LOG
const char *tern_capability_name(uint32_t capability)
{
  const char *word = keywords;
  uint32_t cap = 1;

  for (; *word != '\0' && cap != capability; cap <<= 1) word += strlen(word) + 1;
  return word;
}
#endif

/* The next word of text[*at..len), ended by a blank; 0 at the end. */
static size_t word(const char *text, size_t len, size_t *at, const char **start)
{
  size_t i = *at;

  while (i < len && (text[i] == ' ' || text[i] == '\t')) i++;
  *start = text + i;
  while (i < len && text[i] != ' ' && text[i] != '\t') i++;
  *at = i;
  return (size_t)(text + i - *start);
}

#define NUMBER_MAX ((tern__number)-1)

/* A decimal number that fills the word, saturating; 0 for anything else: as if not given. */
static tern__number number(const char *text, size_t len)
{
  tern__number value = 0;
  size_t i;

  for (i = 0; i < len; i++) {
    unsigned digit = (unsigned)((uint8_t)text[i] - '0');
    if (digit > 9) return 0;
    value = value > NUMBER_MAX / 10 - 1 ? NUMBER_MAX : value * 10 + digit;
  }
  return value == NUMBER_MAX ? TERN__NUMBER_OVER : value;
}

static void mechanism(tern__offer *offer, const char *name, size_t len,
                      const tern_mechanism *const *table)
{
  uint32_t i;

  for (i = 0; i < 32 && table[i] != NULL; i++)
    if (tern__same(name, len, table[i]->name)) offer->mechanisms |= (uint32_t)1 << i;
}

#if TERN__WITH_EXTRA
/* RFC 9422 3: name=value words. A value out of range counts as not given. */
static void limit(tern__offer *offer, const char *text, size_t len)
{
  uint64_t value;

  if (len < 9 || (text[7] != '=')) return;
  value = number(text + 8, len - 8);
  if (value == 0 || value > 999999) return;
  if (tern__same(text, 7, "RCPTMAX")) offer->rcpt_max = (uint32_t)value;
  if (tern__same(text, 7, "MAILMAX")) offer->mail_max = (uint32_t)value;
}

static uint32_t seconds(const char *w, size_t n)
{
  uint64_t given = number(w, n);

  return given > UINT32_MAX ? UINT32_MAX : (uint32_t)given;
}
#endif

void tern__ehlo_line(tern__offer *offer, const char *text, size_t len,
                     const tern_mechanism *const *table)
{
  const char *w;
  size_t at = 0, n = word(text, len, &at, &w);
  const char *k = keywords;
  uint32_t cap = 1;

  /* "AUTH=LOGIN PLAIN": from before RFC 2554, still sent for old clients beside the right form. */
  if (n > 5 && tern__same(w, 5, "AUTH=")) {
    at = (size_t)(w - text) + 5;
    n = 4;
  }
  while (*k != '\0' && !tern__same(w, n, k)) {
    k += strlen(k) + 1;
    cap <<= 1;
  }
  if (*k == '\0') return;
  offer->caps |= cap;
  while ((n = word(text, len, &at, &w)) != 0) {
    if (cap == TERN_CAP_SIZE) offer->size = number(w, n);
    if (cap == TERN_CAP_AUTH) mechanism(offer, w, n, table);
#if TERN__WITH_EXTRA
    if (TERN__WITH_LIMITS && cap == TERN_CAP_LIMITS) limit(offer, w, n);
    if (TERN__WITH_DELIVERBY && cap == TERN_CAP_DELIVERBY) offer->by_min = seconds(w, n);
    if (TERN__WITH_FUTURERELEASE && cap == TERN_CAP_FUTURERELEASE) offer->hold_max = seconds(w, n);
    if (TERN__WITH_TERMS && (cap & (TERN_CAP_DELIVERBY | TERN_CAP_FUTURERELEASE))) return; /* the first word */
#endif
  }
}
