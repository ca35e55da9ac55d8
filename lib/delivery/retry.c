/* retry.c - the schedule: twice within the first hour, then every two to three hours, for five days;
 * under greylisting sooner, as long as it can be that.
 *
 * Neighbours: walk.c asks for each recipient when a mail has ended. Limit: greylisting has no code of
 * its own; it is known by words that its programs use. */
#include "delivery/retry.h"

#include <string.h>

#include "base/ascii.h"

#define HALF_HOUR 1800u
#define GREY_TRIES 4u   /* after which it is no greylisting, whatever is said */
#define GREY_FIRST 300u
#define GREY_MOST 3600u /* a wait asked for beyond this is not ours to keep shortened */

/* The whole number at *text, at most six digits, which moves behind it. */
static int number(const char **text, uint32_t *value)
{
  const char *p = *text;

  *value = 0;
  if (!tern__is_digit((uint8_t)*p)) return 0;
  for (; tern__is_digit((uint8_t)*p); p++) {
    if (p - *text >= 6) return 0;
    *value = *value * 10 + (uint32_t)(*p - '0');
  }
  *text = p;
  return 1;
}

/* "00:04:59", "5 minutes", "300 seconds", "300s" at text. */
static uint32_t span_at(const char *text)
{
  uint32_t a, b, c;

  if (!number(&text, &a)) return 0;
  if (*text == ':') {
    text++;
    if (!number(&text, &b) || *text++ != ':' || !number(&text, &c)) return 0;
    return a < 24 && b < 60 && c < 60 ? a * 3600 + b * 60 + c : 0;
  }
  while (*text == ' ') text++;
  if (tern__lower((uint8_t)*text) == 's') return a;
  if (tern__lower((uint8_t)*text) == 'm') return a * 60;
  return 0;
}

static uint32_t span_in(const char *text)
{
  uint32_t seconds;

  for (; *text; text++) {
    if (!tern__is_digit((uint8_t)*text)) continue;
    seconds = span_at(text);
    if (seconds) return seconds;
    while (tern__is_digit((uint8_t)text[1])) text++;
  }
  return 0;
}

int tern__greylisted(uint32_t code, const char *text, uint32_t *seconds)
{
  static const char *const words[] = {"greylist", "graylist", "grey list", "gray list", "grey-list",
                                      "gray-list"};
  size_t i, len = strlen(text);

  *seconds = 0;
  if (code / 100 != 4 || code == 421) return 0;
  for (i = 0; i < sizeof words / sizeof words[0]; i++)
    if (tern__holds(text, len, words[i])) {
      *seconds = span_in(text);
      return 1;
    }
  return 0;
}

/* Whether trying again can help at all. */
static int worth_it(uint32_t outcome, tern_status status)
{
  if (outcome == TERN_DEFERRED) return 1;
  if (outcome != TERN_UNSENT) return 0;
  switch (tern_status_class(status)) {
    case TERN_CLASS_NETWORK: return status != TERN_E_HOST && status != TERN_E_NULL_MX;
    case TERN_CLASS_TLS:      /* RFC 7672 2.1, RFC 8461 5: delay, the policy may be mended */
    case TERN_CLASS_PROTOCOL:
    case TERN_CLASS_TRANSIENT: return 1;
    default: return status == TERN_E_NOMEM || status == TERN_E_CANCELLED;
  }
}

uint32_t tern__retry_after(uint32_t outcome, tern_status status, uint32_t code, const char *text,
                           uint32_t tries, uint64_t first, uint64_t now)
{
  static const uint32_t steps[] = {HALF_HOUR, HALF_HOUR, 2 * 3600, 3 * 3600};
  uint32_t asked, wait;

  if (!worth_it(outcome, status)) return 0;
  wait = steps[tries < 1 ? 0 : tries > 4 ? 3 : tries - 1];
  if (tries <= GREY_TRIES && tern__greylisted(code, text, &asked)) {
    wait = GREY_FIRST * (tries < 1 ? 1 : tries);
    if (asked && asked <= GREY_MOST && asked > wait) wait = asked;
    if (asked && asked < wait && tries <= 1) wait = asked < 60 ? 60 : asked;
  }
  if (now >= first && now - first >= TERN__GIVE_UP) return 0;
  return wait;
}
