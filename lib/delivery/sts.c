/* sts.c - reads MTA-STS records and policies (RFC 8461), octet by octet, without copying.
 *
 * Neighbours: sts_cache.c keeps what was read, sts_fetch.c gets it, policy.c acts on it. What comes
 * in is a stranger's: everything is bounded, and what is out of the grammar is no policy. */
#include "delivery/sts.h"

#include <string.h>

#include "base/ascii.h"

static int is_space(char c)
{
  return c == ' ' || c == '\t';
}

static int is_alnum(char c)
{
  return tern__is_digit((uint8_t)c) || tern__is_alpha((uint8_t)c);
}

static tern_span trim(const char *text, size_t len)
{
  tern_span s;

  while (len && is_space(*text)) {
    text++;
    len--;
  }
  while (len && is_space(text[len - 1])) len--;
  s.octets = (const uint8_t *)text;
  s.len = len;
  return s;
}

/* ---- the record ----------------------------------------------------------------------------------*/
static int version(const char *text, size_t len)
{
  return len >= 7 && !memcmp(text, "v=STSv1", 7);
}

int tern__sts_is_record(const char *text, size_t len)
{
  size_t at = 7;

  if (!version(text, len)) return 0;
  while (at < len && is_space(text[at])) at++;
  return at < len && text[at] == ';';
}

/* Whether the span is an id: 1 to 32 letters and digits. */
static int good_id(const tern_span *s)
{
  size_t i;

  for (i = 0; i < s->len; i++)
    if (!is_alnum((char)s->octets[i])) return 0;
  return s->len > 0 && s->len < TERN__STS_ID_MAX;
}

static int is_name(const tern_span *s)
{
  size_t i;

  if (!s->len || s->len > 32 || !is_alnum((char)s->octets[0])) return 0;
  for (i = 1; i < s->len; i++)
    if (!is_alnum((char)s->octets[i]) && !memchr("_-.", s->octets[i], 3)) return 0;
  return 1;
}

/* One field "name=value" of the record; 0: malformed. */
static int record_field(const char *text, size_t len, char id[TERN__STS_ID_MAX])
{
  const char *equals = memchr(text, '=', len);
  tern_span name, value;
  size_t i;

  if (!equals) return 0;
  name = trim(text, (size_t)(equals - text));
  value = trim(equals + 1, len - (size_t)(equals + 1 - text));
  if (!is_name(&name) || !value.len) return 0;
  for (i = 0; i < value.len; i++) /* "=" and ";" apart, what is printable */
    if (value.octets[i] <= 0x20 || value.octets[i] > 0x7e || value.octets[i] == '=') return 0;
  if (name.len != 2 || memcmp(name.octets, "id", 2) != 0) return 1;
  if (id[0] || !good_id(&value)) return 0;
  memcpy(id, value.octets, value.len);
  id[value.len] = 0;
  return 1;
}

tern_status tern__sts_read_record(const char *text, size_t len, char id[TERN__STS_ID_MAX])
{
  const char *end = text + len, *stop;
  tern_span s;

  id[0] = 0;
  if (!tern__sts_is_record(text, len)) return TERN_E_CONTENT;
  text = (const char *)memchr(text, ';', len) + 1;
  while (text < end) {
    stop = memchr(text, ';', (size_t)(end - text));
    if (!stop) stop = end;
    s = trim(text, (size_t)(stop - text));
    if (!s.len && stop == end) break; /* behind the last semicolon */
    if (!record_field((const char *)s.octets, s.len, id)) {
      id[0] = 0;
      return TERN_E_CONTENT;
    }
    text = stop < end ? stop + 1 : end;
  }
  return id[0] ? TERN_OK : TERN_E_CONTENT;
}

/* ---- the policy ----------------------------------------------------------------------------------*/
static int same(const tern_span *s, const char *word)
{
  return s->len == strlen(word) && !memcmp(s->octets, word, s->len);
}

static int read_mode(const tern_span *s, uint32_t *mode)
{
  if (same(s, "enforce"))
    *mode = TERN__STS_ENFORCE;
  else if (same(s, "testing"))
    *mode = TERN__STS_TESTING;
  else if (same(s, "none"))
    *mode = TERN__STS_NONE;
  else
    return 0;
  return 1;
}

/* 1 to 10 digits; what is over a year counts as a year. */
static int read_age(const tern_span *s, uint32_t *age)
{
  uint64_t value = 0;
  size_t i;

  if (!s->len || s->len > 10) return 0;
  for (i = 0; i < s->len; i++) {
    if (!tern__is_digit(s->octets[i])) return 0;
    value = value * 10 + (uint64_t)(s->octets[i] - '0');
  }
  *age = value > TERN__STS_AGE_MAX ? TERN__STS_AGE_MAX : (uint32_t)value;
  return 1;
}

/* A domain, or "*." and a domain. */
static int good_pattern(const tern_span *s)
{
  size_t i = s->len > 2 && !memcmp(s->octets, "*.", 2) ? 2 : 0, label = 0;

  if (!s->len || s->len > 253 || i == s->len) return 0;
  for (; i < s->len; i++) {
    uint8_t c = s->octets[i];
    if (c == '.') {
      if (!label) return 0;
      label = 0;
    } else if (is_alnum((char)c) || c == '-' || c == '_') {
      if (++label > 63) return 0;
    } else {
      return 0;
    }
  }
  return label > 0;
}

#define HAS_VERSION 1u
#define HAS_MODE 2u
#define HAS_AGE 4u

/* Takes one line; 0: malformed. */
static tern_status policy_field(const char *text, size_t len, tern__sts_policy *p, uint32_t *has)
{
  const char *colon = memchr(text, ':', len);
  tern_span name, value;
  size_t i;

  if (!colon) return TERN_E_CONTENT;
  name.octets = (const uint8_t *)text;
  name.len = (size_t)(colon - text);
  value = trim(colon + 1, len - name.len - 1);
  if (!is_name(&name)) return TERN_E_CONTENT;
  for (i = 0; i < value.len; i++)
    if (value.octets[i] < 0x20 || value.octets[i] == 0x7f) return TERN_E_CONTENT;
  if (same(&name, "mx")) {
    if (!good_pattern(&value)) return TERN_E_CONTENT;
    if (p->count == TERN__STS_PATTERNS_MAX) return TERN_E_BUFFER;
    p->mx[p->count++] = value;
  } else if (same(&name, "version") && !(*has & HAS_VERSION)) {
    if (!same(&value, "STSv1")) return TERN_E_CONTENT;
    *has |= HAS_VERSION;
  } else if (same(&name, "mode") && !(*has & HAS_MODE)) {
    if (!read_mode(&value, &p->mode)) return TERN_E_CONTENT;
    *has |= HAS_MODE;
  } else if (same(&name, "max_age") && !(*has & HAS_AGE)) {
    if (!read_age(&value, &p->max_age)) return TERN_E_CONTENT;
    *has |= HAS_AGE;
  }
  return TERN_OK;
}

tern_status tern__sts_read_policy(const char *text, size_t len, tern__sts_policy *policy)
{
  const char *end, *stop;
  uint32_t has = 0;
  size_t line;
  tern_status st;

  policy->mode = TERN__STS_NONE;
  policy->max_age = 0;
  policy->count = 0;
  if (len > TERN__STS_POLICY_MAX) return TERN_E_BUFFER;
  end = text + len;
  while (text < end) {
    stop = memchr(text, '\n', (size_t)(end - text));
    if (!stop) stop = end;
    line = (size_t)(stop - text);
    if (line && stop < end && text[line - 1] == '\r') line--;
    if (line) { /* an empty line says nothing */
      st = policy_field(text, line, policy, &has);
      if (st != TERN_OK) return st;
    }
    text = stop < end ? stop + 1 : end;
  }
  if (has != (HAS_VERSION | HAS_MODE | HAS_AGE)) return TERN_E_CONTENT;
  return policy->count || policy->mode == TERN__STS_NONE ? TERN_OK : TERN_E_CONTENT;
}

static int covers(const tern_span *pattern, const char *host)
{
  const char *p = (const char *)pattern->octets;

  if (pattern->len > 2 && p[0] == '*') {
    const char *dot = strchr(host, '.');
    return dot && dot > host && tern__same(p + 1, pattern->len - 1, dot);
  }
  return tern__same(p, pattern->len, host);
}

int tern__sts_covers(const tern__sts_policy *policy, const char *host)
{
  size_t i;

  for (i = 0; i < policy->count; i++)
    if (covers(&policy->mx[i], host)) return 1;
  return 0;
}

const char *tern__sts_mode_name(uint32_t mode)
{
  return mode == TERN__STS_ENFORCE ? "enforce" : mode == TERN__STS_TESTING ? "testing" : "none";
}
