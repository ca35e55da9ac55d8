/* fields.c - where fields begin, how they are called, where the header ends; and the two texts that
 * a header may lack. Strict: what is no field of RFC 5322 2.2 is said to be bad, but white space
 * before the colon (4.5) is read. Neighbours: ready.c and dkim.c read through here. */
#include "message/fields.h"

#include <string.h>

#include "base/ascii.h"

enum { START, NAME, NAME_SPACE, BODY, EMPTY, OVER };

void tern__fields_begin(tern__fields *f)
{
  memset(f, 0, sizeof *f);
  f->line = 1;
  f->state = START;
}

/* An octet between the start of the name and the colon. */
static void keep(tern__fields *f, uint8_t octet, int of_name)
{
  if (f->raw_len == 0 && f->at > 1) return;
  if (f->raw_len == TERN__FIELD_NAME_MAX) {
    f->raw_len = f->name_len = 0;
    return;
  }
  f->name[f->raw_len++] = (char)octet;
  if (of_name) f->name_len = f->raw_len;
}

static uint32_t start(tern__fields *f, uint8_t octet)
{
  uint32_t ended = f->open ? TERN__FIELD_ENDED : 0;

  if (octet == ' ' || octet == '\t') {
    f->state = f->open ? BODY : OVER;
    f->blank = 1;
    return f->open ? TERN__FIELD_BODY : TERN__FIELD_BAD;
  }
  f->open = f->blank = 0;
  if (octet == '\r') {
    f->state = EMPTY;
    return ended;
  }
  if (octet < 33 || octet > 126 || octet == ':') {
    f->state = OVER;
    return ended | TERN__FIELD_BAD;
  }
  f->name_len = f->raw_len = 0;
  keep(f, octet, 1);
  f->state = NAME;
  return ended;
}

static uint32_t name(tern__fields *f, uint8_t octet)
{
  if (octet == ':') {
    f->state = BODY;
    f->open = 1;
    return TERN__FIELD_NAMED;
  }
  if (octet == ' ' || octet == '\t') {
    f->state = NAME_SPACE;
  } else if (octet < 33 || octet > 126 || f->state == NAME_SPACE) {
    f->state = OVER;
    return TERN__FIELD_BAD;
  }
  keep(f, octet, f->state == NAME);
  return 0;
}

static uint32_t body(tern__fields *f, uint8_t octet)
{
  if (octet == '\n') {
    f->state = START;
    return TERN__FIELD_BODY | TERN__FIELD_LINE | (f->blank ? TERN__FIELD_BLANK : 0);
  }
  if (octet != ' ' && octet != '\t' && octet != '\r') f->blank = 0;
  return TERN__FIELD_BODY;
}

uint32_t tern__fields_put(tern__fields *f, uint8_t octet)
{
  if (f->state == START && f->at != 0) {
    f->line++;
    f->at = 0;
  }
  if (octet != '\r' && octet != '\n' && f->at < UINT32_MAX) f->at++;
  switch (f->state) {
    case START: return start(f, octet);
    case NAME:
    case NAME_SPACE: return name(f, octet);
    case BODY: return body(f, octet);
    case EMPTY: f->state = OVER; return TERN__FIELD_LAST;
    default: return TERN__FIELD_BAD;
  }
}

int tern__fields_over(const tern__fields *f)
{
  return f->state == OVER;
}

int tern__fields_is(const tern__fields *f, const char *text)
{
  return f->name_len != 0 && tern__same(f->name, f->name_len, text);
}

/* ---- the texts -------------------------------------------------------------------------------------*/
static char *two(char *out, uint32_t value)
{
  out[0] = (char)('0' + value / 10 % 10);
  out[1] = (char)('0' + value % 10);
  return out + 2;
}

size_t tern__date_text(char *out, int64_t seconds, int32_t zone)
{
  static const char days[] = "ThuFriSatSunMonTueWed", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  uint32_t day, second, year = 1970, month = 0, leap = 0, east = zone < 0 ? 0u - (uint32_t)zone : (uint32_t)zone;
  char *p = out;

  if (zone <= -1440 || zone >= 1440 || seconds < 0 || seconds > INT64_C(253402214400)) return 0;
  if (zone < 0 && seconds < (int64_t)east * 60) return 0;
  seconds += (int64_t)zone * 60;
  day = (uint32_t)(seconds / 86400);
  second = (uint32_t)(seconds % 86400);
  memcpy(p, days + day % 7 * 3, 3);
  p[3] = ',';
  p[4] = ' ';
  p += 5;
  for (;; year++) {
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 365 + leap) break;
    day -= 365 + leap;
  }
  while (day >= lengths[month] + (month == 1 ? leap : 0)) {
    day -= lengths[month] + (month == 1 ? leap : 0);
    month++;
  }
  p += tern__decimal(day + 1, p);
  *p++ = ' ';
  memcpy(p, months + month * 3, 3);
  p[3] = ' ';
  p = two(two(p + 4, year / 100), year % 100);
  *p++ = ' ';
  p = two(p, second / 3600);
  *p++ = ':';
  p = two(p, second / 60 % 60);
  *p++ = ':';
  p = two(p, second % 60);
  *p++ = ' ';
  *p++ = zone < 0 ? '-' : '+';
  p = two(two(p, east / 60), east % 60);
  *p = '\0';
  return (size_t)(p - out);
}

static int is_atext(uint8_t c)
{
  return tern__is_alpha(c) || tern__is_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

int tern__is_message_id(const char *id)
{
  size_t i, atom = 0, ats = 0;

  for (i = 0; id[i] != '\0'; i++) {
    if (is_atext((uint8_t)id[i])) {
      atom++;
    } else if (atom == 0 || (id[i] != '.' && id[i] != '@')) {
      return 0;
    } else {
      ats += id[i] == '@';
      atom = 0;
    }
  }
  return ats == 1 && atom != 0 && i <= 250;
}
