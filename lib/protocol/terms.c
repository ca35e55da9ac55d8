/* terms.c - what a mail asks of the server beyond taking it, checked and put behind MAIL.
 *
 * Some change what delivery means: sent without them the mail would be another one, so where the
 * server cannot do them it is not sent (REQUIRETLS, a release in the future, return by a time). The
 * others are wishes, left out where they are not offered, as DSN is. Each can be left out of a build.
 * Neighbours: transaction.c asks before MAIL; ehlo.c reads the limits that servers announce. */
#include "protocol/terms.h"

#include <string.h>

#include "base/ascii.h"
#include "base/config.h"
#include "base/mailbox.h"

#define NINE_DIGITS 999999999
#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

const tern_terms *tern__terms_of(const tern_transaction *t)
{
  return t->size >= sizeof *t ? t->terms : NULL;
}

/* ---- values ----------------------------------------------------------------------------------------*/
static tern_status bad(tern__terms_wrong *wrong, tern_status status, uint32_t field)
{
  wrong->field = field;
  return status;
}

static tern_status check_by(const tern_terms *terms, tern__terms_wrong *wrong)
{
  uint32_t mode = terms->by_mode & ~TERN_BY_TRACE;

  if (terms->by_mode == 0) return TERN_OK;
  if (!TERN__WITH_DELIVERBY) return bad(wrong, TERN_E_UNSUPPORTED, TERN_FIELD_DELIVER_BY);
  if ((mode != TERN_BY_NOTIFY && mode != TERN_BY_RETURN) || terms->by < -NINE_DIGITS ||
      terms->by > NINE_DIGITS || (mode == TERN_BY_RETURN && terms->by <= 0)) /* RFC 2852 4 */
    return bad(wrong, TERN_E_PARAMETER, TERN_FIELD_DELIVER_BY);
  return TERN_OK;
}

static tern_status check_hold(const tern_terms *terms, tern__terms_wrong *wrong)
{
  if (terms->hold_for == 0 && terms->hold_until == 0) return TERN_OK;
  if (!TERN__WITH_FUTURERELEASE) return bad(wrong, TERN_E_UNSUPPORTED, TERN_FIELD_HOLD);
  if ((terms->hold_for != 0 && terms->hold_until != 0) || terms->hold_for > NINE_DIGITS ||
      terms->hold_until < 0 || terms->hold_until > LAST_SECOND) /* RFC 4865 4 */
    return bad(wrong, TERN_E_PARAMETER, TERN_FIELD_HOLD);
  return TERN_OK;
}

static tern_status check_priority(const tern_terms *terms, tern__terms_wrong *wrong)
{
  if (terms->priority == 0) return TERN_OK;
  if (!TERN__WITH_MT_PRIORITY) return bad(wrong, TERN_E_UNSUPPORTED, TERN_FIELD_PRIORITY);
  return terms->priority >= -9 && terms->priority <= 9 /* RFC 6710 4.1 */
             ? TERN_OK
             : bad(wrong, TERN_E_PARAMETER, TERN_FIELD_PRIORITY);
}

static tern_status check_auth(const tern_terms *terms, tern__terms_wrong *wrong)
{
  if (terms->auth == NULL) return TERN_OK;
  if (!TERN__WITH_MAIL_AUTH) return bad(wrong, TERN_E_UNSUPPORTED, TERN_FIELD_MAIL_AUTH);
  if (terms->auth[0] == '\0' || tern__mailbox_check(terms->auth, &wrong->position, NULL) == TERN_OK)
    return TERN_OK;
  wrong->text = terms->auth;
  return bad(wrong, TERN_E_ADDRESS, TERN_FIELD_MAIL_AUTH);
}

tern_status tern__terms_check(const tern_terms *terms, uint32_t flags, tern__terms_wrong *wrong)
{
  tern_status st = TERN_OK;

  memset(wrong, 0, sizeof *wrong);
  if (((flags & TERN_MAIL_REQUIRETLS) && !TERN__WITH_REQUIRETLS) || ((flags & TERN_MAIL_PRDR) && !TERN__WITH_PRDR) ||
      ((flags & TERN_MAIL_BINARY) && !TERN__WITH_BINARYMIME) || (terms != NULL && !TERN__WITH_TERMS))
    return bad(wrong, TERN_E_UNSUPPORTED, TERN_FIELD_EXTENSION);
  if (!TERN__WITH_TERMS || terms == NULL) return TERN_OK;
  st = check_by(terms, wrong);
  if (st == TERN_OK) st = check_hold(terms, wrong);
  if (st == TERN_OK) st = check_priority(terms, wrong);
  return st == TERN_OK ? check_auth(terms, wrong) : st;
}

int tern__terms_any(const tern_transaction *t)
{
  const tern_terms *terms = tern__terms_of(t);

  return (t->flags & (TERN_MAIL_REQUIRETLS | TERN_MAIL_PRDR)) != 0 ||
         (terms != NULL && (terms->auth != NULL || terms->by_mode != 0 || terms->hold_for != 0 ||
                            terms->hold_until != 0 || terms->priority != 0));
}

uint32_t tern__terms_needed(const tern_transaction *t)
{
  const tern_terms *terms = tern__terms_of(t);
  uint32_t caps = TERN__WITH_REQUIRETLS && (t->flags & TERN_MAIL_REQUIRETLS) ? TERN_CAP_REQUIRETLS : 0;

  if (terms == NULL) return caps;
  if (TERN__WITH_DELIVERBY && (terms->by_mode & TERN_BY_RETURN)) caps |= TERN_CAP_DELIVERBY;
  if (TERN__WITH_FUTURERELEASE && (terms->hold_for != 0 || terms->hold_until != 0)) caps |= TERN_CAP_FUTURERELEASE;
  return caps;
}

uint32_t tern__terms_over(const tern_transaction *t, const tern__offer *offer, uint32_t caps)
{
#if TERN__WITH_DELIVERBY || TERN__WITH_FUTURERELEASE
  const tern_terms *terms = tern__terms_of(t);

  if (terms == NULL) return TERN_FIELD_NONE;
  if ((caps & TERN_CAP_DELIVERBY) && (terms->by_mode & TERN_BY_RETURN) &&
      (uint32_t)terms->by < offer->by_min) /* RFC 2852 2 */
    return TERN_FIELD_DELIVER_BY;
  if ((caps & TERN_CAP_FUTURERELEASE) && offer->hold_max != 0 && terms->hold_for > offer->hold_max)
    return TERN_FIELD_HOLD; /* RFC 4865 3 */
#else
  (void)t, (void)offer, (void)caps;
#endif
  return TERN_FIELD_NONE;
}

/* ---- parameters ------------------------------------------------------------------------------------*/
static void put_by(tern__line *l, const tern_terms *terms)
{
  tern__line_put(l, terms->by < 0 ? " BY=-" : " BY=");
  tern__line_number(l, (tern__length)(terms->by < 0 ? -(int64_t)terms->by : terms->by));
  tern__line_put(l, terms->by_mode & TERN_BY_RETURN ? ";R" : ";N");
  if (terms->by_mode & TERN_BY_TRACE) tern__line_put(l, "T");
}

static void two(char *out, uint32_t value)
{
  out[0] = (char)('0' + value / 10 % 10);
  out[1] = (char)('0' + value % 10);
}

/* "2026-11-25T04:07:34Z" (RFC 3339 5.6). Days to a date of the proleptic Gregorian calendar, counted
 * from the first of March of the year 0, so that the leap day is the last of its year. */
static void put_moment(tern__line *l, int64_t seconds)
{
  uint32_t days = (uint32_t)(seconds / 86400) + 719468, second = (uint32_t)(seconds % 86400);
  uint32_t era = days / 146097, day = days % 146097;
  uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365, month;
  char text[] = "0000-00-00T00:00:00Z";

  day -= 365 * year + year / 4 - year / 100;
  month = (5 * day + 2) / 153;
  day -= (153 * month + 2) / 5;
  year += era * 400 + (month >= 10);
  two(text, year / 100);
  two(text + 2, year);
  two(text + 5, month < 10 ? month + 3 : month - 9);
  two(text + 8, day + 1);
  two(text + 11, second / 3600);
  two(text + 14, second / 60 % 60);
  two(text + 17, second % 60);
  tern__line_put(l, text);
}

static void put_hold(tern__line *l, const tern_terms *terms)
{
  if (terms->hold_for != 0) {
    tern__line_put(l, " HOLDFOR=");
    tern__line_number(l, terms->hold_for);
  } else {
    tern__line_put(l, " HOLDUNTIL=");
    put_moment(l, terms->hold_until);
  }
}

static void put_auth(tern__line *l, const char *auth)
{
  tern__line_put(l, " AUTH="); /* RFC 4954 5 */
  if (auth[0] != '\0')
    tern__line_xtext(l, auth);
  else
    tern__line_put(l, "<>");
}

uint32_t tern__terms_put(tern__line *l, const tern_transaction *t, uint32_t caps)
{
  const tern_terms *terms = tern__terms_of(t);
  uint32_t used = 0;

  if (TERN__WITH_REQUIRETLS && (t->flags & TERN_MAIL_REQUIRETLS)) {
    tern__line_put(l, " REQUIRETLS");
    used |= TERN_CAP_REQUIRETLS;
  }
  if (TERN__WITH_DELIVERBY && terms != NULL && terms->by_mode != 0 && (caps & TERN_CAP_DELIVERBY)) {
    put_by(l, terms);
    used |= TERN_CAP_DELIVERBY;
  }
  if (TERN__WITH_FUTURERELEASE && terms != NULL && (terms->hold_for != 0 || terms->hold_until != 0)) {
    put_hold(l, terms);
    used |= TERN_CAP_FUTURERELEASE;
  }
  if (TERN__WITH_MT_PRIORITY && terms != NULL && terms->priority != 0 && (caps & TERN_CAP_MT_PRIORITY)) {
    tern__line_put(l, terms->priority < 0 ? " MT-PRIORITY=-" : " MT-PRIORITY=");
    tern__line_number(l, (tern__length)(terms->priority < 0 ? -terms->priority : terms->priority));
    used |= TERN_CAP_MT_PRIORITY;
  }
  if (TERN__WITH_MAIL_AUTH && terms != NULL && terms->auth != NULL && (caps & TERN_CAP_AUTH)) {
    put_auth(l, terms->auth);
    used |= TERN_CAP_AUTH;
  }
  if (TERN__WITH_PRDR && (t->flags & TERN_MAIL_PRDR) && (caps & TERN_CAP_PRDR)) {
    tern__line_put(l, " PRDR");
    used |= TERN_CAP_PRDR;
  }
  return used;
}
