/* state.c - a report as text and back: what a queue stores between two tries.
 *
 * One line a record: its kind, then its fields, separated by TAB; octets that would break a line are
 * %XX. Records of unknown kind and fields behind those known are passed over, so that an older reader
 * takes what a newer writer left; a missing field, a number out of range or a missing last line make it
 * no report. Neighbour: report.c. */
#include <stddef.h>
#include <string.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "delivery/report.h"
#include "delivery/scribe.h"

#define HEAD "tern-history 1"
#define FIELD_MAX 32u

#define K_TEXT 0u
#define K_U32 1u
#define K_I32 2u
#define K_U64 3u

typedef struct field {
  size_t offset;
  uint32_t kind;
} field;

#define F(type, member, kind) {offsetof(type, member), kind}
#define COUNT(a) (sizeof (a) / sizeof (a)[0])

static const field mail_fields[] = {
    F(tern_history, reverse_path, K_TEXT), F(tern_history, envid, K_TEXT), F(tern_history, flags, K_U32),
    F(tern_history, first, K_U64),         F(tern_history, last, K_U64),
};
static const field policy_fields[] = {
    F(tern__report_policy, type, K_U32),     F(tern__report_policy, domain, K_TEXT),
    F(tern__report_policy, strings, K_TEXT), F(tern__report_policy, mx, K_TEXT),
};
static const field attempt_fields[] = {
    F(tern__report_attempt, a.domain, K_TEXT),      F(tern__report_attempt, a.host, K_TEXT),
    F(tern__report_attempt, a.address, K_TEXT),     F(tern__report_attempt, a.port, K_U32),
    F(tern__report_attempt, a.at, K_U64),           F(tern__report_attempt, a.status, K_I32),
    F(tern__report_attempt, a.phase, K_U32),        F(tern__report_attempt, a.code, K_U32),
    F(tern__report_attempt, a.enhanced, K_TEXT),    F(tern__report_attempt, a.text, K_TEXT),
    F(tern__report_attempt, a.flags, K_U32),        F(tern__report_attempt, a.tls_version, K_TEXT),
    F(tern__report_attempt, a.tls_cipher, K_TEXT),  F(tern__report_attempt, a.tls_verified, K_U32),
    F(tern__report_attempt, a.policy, K_U32),       F(tern__report_attempt, a.tls_result, K_U32),
    F(tern__report_attempt, a.tls_status, K_I32),   F(tern__report_attempt, policy, K_U32),
    F(tern__report_attempt, earlier, K_U32),
};
static const field rcpt_fields[] = {
    F(tern_result, address, K_TEXT), F(tern_result, orcpt, K_TEXT),     F(tern_result, domain, K_TEXT),
    F(tern_result, notify, K_U32),   F(tern_result, outcome, K_U32),    F(tern_result, status, K_I32),
    F(tern_result, phase, K_U32),    F(tern_result, code, K_U32),       F(tern_result, enhanced, K_TEXT),
    F(tern_result, text, K_TEXT),    F(tern_result, attempt, K_U32),    F(tern_result, tries, K_U32),
    F(tern_result, retry_after, K_U32), F(tern_result, greylisted, K_U32),
};

/* ---- writing -------------------------------------------------------------------------------------*/
static void put_text(tern__scribe *s, const char *text)
{
  static const char hex[] = "0123456789ABCDEF";
  char code[3] = {'%', 0, 0};

  for (; *text; text++) {
    uint8_t c = (uint8_t)*text;
    if (c > 0x1f && c != 0x7f && c != '%') {
      tern__scribe_put(s, text, 1);
      continue;
    }
    code[1] = hex[c >> 4];
    code[2] = hex[c & 15];
    tern__scribe_put(s, code, 3);
  }
}

static void put_field(tern__scribe *s, const char *at, uint32_t kind)
{
  const char *text;
  uint32_t u32;
  uint64_t u64;
  int32_t i32;

  tern__scribe_put(s, "\t", 1);
  switch (kind) {
    case K_TEXT:
      memcpy(&text, at, sizeof text);
      put_text(s, text);
      break;
    case K_U32:
      memcpy(&u32, at, sizeof u32);
      tern__scribe_number(s, u32);
      break;
    case K_I32:
      memcpy(&i32, at, sizeof i32);
      if (i32 < 0) tern__scribe_put(s, "-", 1);
      tern__scribe_number(s, i32 < 0 ? (uint64_t)(-(int64_t)i32) : (uint64_t)i32);
      break;
    default:
      memcpy(&u64, at, sizeof u64);
      tern__scribe_number(s, u64);
      break;
  }
}

static void put_record(tern__scribe *s, const char *kind, const void *record, const field *fields, size_t count)
{
  size_t i;

  tern__scribe_text(s, kind);
  for (i = 0; i < count; i++)
    put_field(s, (const char *)record + fields[i].offset, fields[i].kind);
  tern__scribe_put(s, "\n", 1);
}

size_t tern_history_write(const tern_history *r, char *out, size_t cap)
{
  tern__scribe s = {out, cap, 0};
  size_t i;

  if (!r) return tern__scribe_end(&s);
  tern__scribe_text(&s, HEAD "\n");
  put_record(&s, "mail", r, mail_fields, COUNT(mail_fields));
  for (i = 0; i < r->policy_count; i++)
    put_record(&s, "policy", &r->policies[i], policy_fields, COUNT(policy_fields));
  for (i = 0; i < r->attempt_count; i++)
    put_record(&s, "attempt", &r->attempts[i], attempt_fields, COUNT(attempt_fields));
  for (i = 0; i < r->rcpt_count; i++)
    put_record(&s, "rcpt", &r->rcpts[i], rcpt_fields, COUNT(rcpt_fields));
  tern__scribe_text(&s, "end\n");
  return tern__scribe_end(&s);
}

/* ---- reading -------------------------------------------------------------------------------------*/
typedef struct line {
  tern_span fields[FIELD_MAX]; /* the first is the kind */
  size_t count;
} line;

static void split(line *l, const char *text, size_t len)
{
  size_t i, from = 0;

  l->count = 0;
  for (i = 0; i <= len && l->count < FIELD_MAX; i++) {
    if (i < len && text[i] != '\t') continue;
    l->fields[l->count].octets = (const uint8_t *)text + from;
    l->fields[l->count++].len = i - from;
    from = i + 1;
  }
}

static int digits(const tern_span *s, size_t from, uint64_t most, uint64_t *value)
{
  size_t i;

  *value = 0;
  if (s->len == from || s->len - from > 20) return 0;
  for (i = from; i < s->len; i++) {
    uint64_t digit = (uint64_t)s->octets[i] - '0';
    if (!tern__is_digit(s->octets[i]) || *value > (most - digit) / 10) return 0;
    *value = *value * 10 + digit;
  }
  return 1;
}

static int nibble(uint8_t c)
{
  if (tern__is_digit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The text of a field, kept; NULL: malformed, or no memory (then *status says so). */
static const char *get_text(tern_history *r, const tern_span *s, char *scratch, tern_status *status)
{
  const char *kept;
  size_t i, n = 0;

  for (i = 0; i < s->len; i++) {
    uint8_t c = s->octets[i];
    if (c == '%') {
      int high = s->len - i > 2 ? nibble(s->octets[i + 1]) : -1;
      int low = s->len - i > 2 ? nibble(s->octets[i + 2]) : -1;
      if (high < 0 || low < 0 || !(high * 16 + low)) return NULL;
      c = (uint8_t)(high * 16 + low);
      i += 2;
    } else if (c < 0x20 || c == 0x7f) {
      return NULL;
    }
    scratch[n++] = (char)c;
  }
  kept = tern__texts_keep(&r->texts, scratch, n);
  if (!kept) *status = TERN_E_NOMEM;
  return kept;
}

static int get_field(tern_history *r, const tern_span *s, char *at, uint32_t kind, char *scratch,
                     tern_status *status)
{
  const char *text;
  uint64_t value;
  uint32_t u32;
  int32_t i32;
  int minus = s->len && s->octets[0] == '-';

  if (kind == K_TEXT) {
    text = get_text(r, s, scratch, status);
    if (text) memcpy(at, &text, sizeof text);
    return text != NULL;
  }
  if (kind == K_U64) {
    if (!digits(s, 0, UINT64_MAX, &value)) return 0;
    memcpy(at, &value, sizeof value);
    return 1;
  }
  if (kind == K_U32) {
    if (!digits(s, 0, UINT32_MAX, &value)) return 0;
    u32 = (uint32_t)value;
    memcpy(at, &u32, sizeof u32);
    return 1;
  }
  if (!digits(s, minus ? 1 : 0, INT32_MAX, &value)) return 0;
  i32 = minus ? -(int32_t)value : (int32_t)value;
  memcpy(at, &i32, sizeof i32);
  return 1;
}

static int get_record(tern_history *r, const line *l, void *record, const field *fields, size_t count,
                      char *scratch, tern_status *status)
{
  size_t i;

  if (l->count < count + 1) return 0;
  for (i = 0; i < count; i++)
    if (!get_field(r, &l->fields[i + 1], (char *)record + fields[i].offset, fields[i].kind, scratch,
                   status))
      return 0;
  return 1;
}

static int is(const line *l, const char *kind)
{
  return tern__same((const char *)l->fields[0].octets, l->fields[0].len, kind);
}

static int take_policy(tern_history *r, const line *l, char *scratch, tern_status *st)
{
  tern__report_policy p = {0, "", "", ""};

  if (!get_record(r, l, &p, policy_fields, COUNT(policy_fields), scratch, st)) return 0;
  if (p.type > TERN__POLICY_STS) return 0;
  if (r->policy_count >= TERN__ATTEMPTS_MAX) return 0;
  if (tern__report_add_policy(r, &p) == TERN__NO_POLICY) *st = TERN_E_NOMEM;
  return *st == TERN_E_CONTENT;
}

/* One line; 0: malformed, or *st says TERN_E_NOMEM. */
static int take(tern_history *r, const line *l, char *scratch, tern_status *st)
{
  tern__report_attempt *a;
  tern_result *one;
  uint32_t index;

  if (is(l, "mail")) return get_record(r, l, r, mail_fields, COUNT(mail_fields), scratch, st);
  if (is(l, "policy")) return take_policy(r, l, scratch, st);
  if (is(l, "attempt")) {
    if (r->attempt_count >= TERN__ATTEMPTS_MAX) return 0;
    a = tern__report_add_attempt(r, &index);
    if (!a) *st = TERN_E_NOMEM;
    return a && get_record(r, l, a, attempt_fields, COUNT(attempt_fields), scratch, st) &&
           a->a.tls_result < TERN_TLSRPT_RESULTS && a->a.policy < TERN_POLICIES;
  }
  if (is(l, "rcpt")) {
    one = tern__report_add_rcpt(r);
    if (!one) *st = TERN_E_NOMEM;
    return one && get_record(r, l, one, rcpt_fields, COUNT(rcpt_fields), scratch, st) &&
           one->outcome <= TERN_UNKNOWN;
  }
  return 1;
}

/* Indexes lead to what is there. */
static int sound(const tern_history *r)
{
  size_t i;

  for (i = 0; i < r->attempt_count; i++)
    if (r->attempts[i].policy != TERN__NO_POLICY && r->attempts[i].policy >= r->policy_count) return 0;
  for (i = 0; i < r->rcpt_count; i++)
    if (r->rcpts[i].attempt != TERN_NO_ATTEMPT && r->rcpts[i].attempt >= r->attempt_count) return 0;
  return 1;
}

/* Everything behind the first line; TERN_E_CONTENT where the last line is missing. */
static tern_status read_lines(tern_history *r, const char *text, const char *end, char *scratch)
{
  tern_status st = TERN_E_CONTENT;
  const char *stop;
  line l;

  while (text < end) {
    stop = memchr(text, '\n', (size_t)(end - text));
    if (!stop) return st;
    split(&l, text, (size_t)(stop - text));
    if (is(&l, "end")) return stop + 1 == end && sound(r) ? TERN_OK : TERN_E_CONTENT;
    if (!take(r, &l, scratch, &st)) return st;
    text = stop + 1;
  }
  return st;
}

tern_status tern_history_read(const tern_allocator *mem, const char *octets, size_t len,
                             tern_history **out)
{
  tern_history *r;
  char *scratch;
  tern_status st;

  if (!out) return TERN_E_ARGUMENT;
  *out = NULL;
  if (!octets || len < sizeof HEAD || memcmp(octets, HEAD "\n", sizeof HEAD) != 0)
    return TERN_E_CONTENT;
  r = tern__report_new(mem);
  scratch = r ? tern__alloc(mem, len) : NULL;
  st = scratch ? read_lines(r, octets + sizeof HEAD, octets + len, scratch) : TERN_E_NOMEM;
  tern__free(mem, scratch, len);
  if (st == TERN_OK)
    *out = r;
  else
    tern_history_free(r);
  return st;
}
