/* route.c - domains of recipients, order of MX hosts, addresses to refuse: rules without questions.
 *
 * Neighbours: hop.c asks the questions and applies these to the answers; idn.c and idn_none.c know
 * internationalised names. Limits: an address literal is IPv4 or IPv6; the loop rule knows our names,
 * not our addresses. */
#include "delivery/route.h"

#include <string.h>

#include "base/ascii.h"

/* ---- domains -------------------------------------------------------------------------------------*/
tern_status tern__domain_fold(const char *domain, char out[TERN__DOMAIN_MAX])
{
  size_t i, len;

  for (i = 0; domain[i]; i++) {
    if ((uint8_t)domain[i] > 127) return tern__domain_to_ascii(domain, out);
  }
  len = i > 1 && domain[i - 1] == '.' ? i - 1 : i;
  if (!len || len >= TERN__DOMAIN_MAX) return TERN_E_ADDRESS;
  for (i = 0; i < len; i++) out[i] = (char)tern__lower((uint8_t)domain[i]);
  out[len] = 0;
  return TERN_OK;
}

tern_status tern__domain_of(const char *mailbox, char out[TERN__DOMAIN_MAX], uint32_t *kind)
{
  const char *at = strrchr(mailbox, '@'); /* a domain holds none, a quoted local part may */
  uint8_t octets[16];
  size_t len;

  *kind = TERN__DOMAIN_NAME;
  if (!at || !at[1]) return TERN_E_ADDRESS;
  if (at[1] != '[') return tern__domain_fold(at + 1, out);
  *kind = TERN__DOMAIN_LITERAL;
  len = tern__address_read(at + 1, octets);
  if (!len) return TERN_E_ADDRESS;
  tern__address_write(octets, len, out, TERN__DOMAIN_MAX);
  return TERN_OK;
}

size_t tern__domain_matches(const char *rule, const char *domain)
{
  size_t r = strlen(rule), d = strlen(domain);

  if (!strcmp(rule, "*")) return 1;
  if (rule[0] == '.') return d > r && !strcmp(domain + d - r, rule) ? r + 1 : 0;
  return !strcmp(rule, domain) ? d + 2 + TERN__DOMAIN_MAX : 0;
}

/* ---- addresses -----------------------------------------------------------------------------------*/
/* A decimal octet at *text, which moves behind it; -1: none. */
static int octet(const char **text)
{
  const char *p = *text;
  int value = 0, digits = 0;

  while (tern__is_digit((uint8_t)*p) && digits < 4) {
    value = value * 10 + (*p++ - '0');
    digits++;
  }
  if (!digits || digits > 3 || value > 255) return -1;
  *text = p;
  return value;
}

static int read4(const char **text, uint8_t *out)
{
  int i, value;

  for (i = 0; i < 4; i++) {
    if (i && *(*text)++ != '.') return 0;
    value = octet(text);
    if (value < 0) return 0;
    out[i] = (uint8_t)value;
  }
  return 1;
}

static int hex(char c)
{
  if (tern__is_digit((uint8_t)c)) return c - '0';
  c = (char)tern__lower((uint8_t)c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to four hexadecimal digits; -1: none. */
static int32_t group(const char **text)
{
  int32_t value = 0;
  int digits = 0;

  while (digits < 4 && hex(**text) >= 0) {
    value = value * 16 + hex(*(*text)++);
    digits++;
  }
  return digits ? value : -1;
}

/* Reads the groups up to the end or "::", at most `most`; returns how many octets, -1: malformed. */
static int groups(const char **text, uint8_t *out, int most)
{
  const char *before;
  int32_t value;
  int n = 0;

  while (n < most) {
    before = *text;
    value = group(text);
    if (value < 0) return n ? -1 : 0;
    if (**text == '.') {
      *text = before;
      return n + 4 <= most && read4(text, out + n) ? n + 4 : -1;
    }
    out[n++] = (uint8_t)(value >> 8);
    out[n++] = (uint8_t)value;
    if (**text != ':' || (*text)[1] == ':') return n;
    (*text)++;
    if (n == most) return -1;
  }
  return n;
}

static int read6(const char **text, uint8_t *out)
{
  uint8_t tail[16];
  int head = 0, n;

  memset(out, 0, 16);
  if (!((*text)[0] == ':' && (*text)[1] == ':')) head = groups(text, out, 16);
  if (head < 0) return 0;
  if (!((*text)[0] == ':' && (*text)[1] == ':')) return head == 16;
  *text += 2;
  if (head > 14) return 0;
  n = groups(text, tail, 14 - head);
  if (n < 0) return 0;
  memcpy(out + 16 - n, tail, (size_t)n);
  return 1;
}

size_t tern__address_read(const char *text, uint8_t out[16])
{
  const char *p = text, *p6;
  int bracket = *p == '[';

  p += bracket;
  p6 = p;
  if (read4(&p, out) && !strcmp(p, bracket ? "]" : "")) return 4;
  if (strlen(p6) > 5 && tern__same(p6, 5, "ipv6:")) p6 += 5;
  if (read6(&p6, out) && !strcmp(p6, bracket ? "]" : "")) return 16;
  return 0;
}

static char *put_number(char *at, uint32_t value)
{
  return at + tern__decimal(value, at);
}

static char *put4(char *at, const uint8_t *octets)
{
  int i;

  for (i = 0; i < 4; i++) {
    if (i) *at++ = '.';
    at = put_number(at, octets[i]);
  }
  return at;
}

static char *put_hex(char *at, uint32_t value)
{
  static const char digits[] = "0123456789abcdef";
  int shift, begun = 0;

  for (shift = 12; shift >= 0; shift -= 4) {
    begun |= (value >> shift) != 0 || !shift;
    if (begun) *at++ = digits[(value >> shift) & 15];
  }
  return at;
}

static uint32_t word(const uint8_t *octets, int i)
{
  return (uint32_t)octets[2 * i] << 8 | octets[2 * i + 1];
}

/* RFC 5952: the first longest run of at least two zero groups is "::". */
static char *put6(char *at, const uint8_t *octets)
{
  int i, j, run = -1, longest = 1;

  for (i = 0; i < 8; i = j + 1) {
    for (j = i; j < 8 && !word(octets, j); j++) {
    }
    if (j - i > longest) {
      longest = j - i;
      run = i;
    }
  }
  for (i = 0; i < 8; i++) {
    if (i == run) {
      *at++ = ':';
      if (!i) *at++ = ':';
      i += longest - 1;
      continue;
    }
    at = put_hex(at, word(octets, i));
    if (i < 7) *at++ = ':';
  }
  return at;
}

void tern__address_write(const uint8_t *octets, size_t len, char *out, size_t cap)
{
  if (cap < 46) {
    if (cap) out[0] = 0;
    return;
  }
  *(len == 4 ? put4(out, octets) : put6(out, octets)) = 0;
}

static int public4(const uint8_t *o)
{
  if (o[0] == 0 || o[0] == 10 || o[0] == 127 || o[0] >= 224) return 0;
  if (o[0] == 100 && (o[1] & 0xc0) == 64) return 0; /* RFC 6598 */
  if (o[0] == 169 && o[1] == 254) return 0;
  if (o[0] == 172 && (o[1] & 0xf0) == 16) return 0;
  return !(o[0] == 192 && o[1] == 168);
}

int tern__address_public(const uint8_t *octets, size_t len)
{
  static const uint8_t zeros[12], nat64[12] = {0x00, 0x64, 0xff, 0x9b};
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

  if (len == 4) return public4(octets);
  if (!memcmp(octets, mapped, 12) || !memcmp(octets, nat64, 12)) return public4(octets + 12);
  if (!memcmp(octets, zeros, 12)) return 0; /* "::", "::1", and the old way to embed IPv4 */
  if (octets[0] == 0x20 && octets[1] == 0x02) return public4(octets + 2); /* 6to4 */
  if (octets[0] == 0xff || (octets[0] & 0xfe) == 0xfc) return 0;
  return !(octets[0] == 0xfe && (octets[1] & 0x80) != 0); /* fe80::/10 and fec0::/10 */
}

/* ---- order ---------------------------------------------------------------------------------------*/
static void swap(tern__mx *a, tern__mx *b)
{
  tern__mx t = *a;

  *a = *b;
  *b = t;
}

/* Stable, and the lists are short. */
static void sort(tern__mx *mx, size_t count)
{
  size_t i, j;

  for (i = 1; i < count; i++)
    for (j = i; j > 0 && mx[j - 1].preference > mx[j].preference; j--) swap(&mx[j - 1], &mx[j]);
}

/* A number in [0, below), each as likely as the other within one in 2^32. */
static tern_status draw(size_t below, size_t *out, tern__random_fn *random, void *user)
{
  uint8_t o[8];
  uint64_t r = 0;
  size_t i;
  tern_status st = random(user, o, sizeof o);

  for (i = 0; i < sizeof o; i++) r = r << 8 | o[i];
  *out = (size_t)(r % below);
  return st;
}

static tern_status shuffle(tern__mx *mx, size_t count, tern__random_fn *random, void *user)
{
  size_t k;

  for (; count > 1; count--) {
    if (draw(count, &k, random, user) != TERN_OK) return TERN_E_RANDOM;
    swap(&mx[k], &mx[count - 1]);
  }
  return TERN_OK;
}

/* Leaves out root names and hosts that stand there before, in a list that is sorted. */
static size_t clean(tern__mx *mx, size_t count)
{
  size_t i, j, n = 0;

  for (i = 0; i < count; i++) {
    for (j = 0; j < n && strcmp(mx[j].host, mx[i].host) != 0; j++) {
    }
    if (j == n && mx[i].host[0]) mx[n++] = mx[i];
  }
  return n;
}

tern_status tern__mx_order(tern__mx *mx, size_t *count, tern__own_fn *own, void *own_user,
                           tern__random_fn *random, void *random_user)
{
  size_t i, j, n = *count;

  if (n == 1 && !mx[0].host[0]) return TERN_E_NULL_MX;
  sort(mx, n);
  *count = n = clean(mx, n);
  if (!n) return TERN_E_HOST;
  for (i = 0; own && i < n; i++) {
    if (!own(own_user, mx[i].host)) continue;
    while (i > 0 && mx[i - 1].preference == mx[i].preference) i--;
    n = i;
  }
  if (n > TERN__MX_MAX) n = TERN__MX_MAX;
  *count = n;
  if (!n) return TERN_E_ROUTING;
  for (i = 0; i < n; i = j) {
    for (j = i; j < n && mx[j].preference == mx[i].preference; j++) {
    }
    if (shuffle(mx + i, j - i, random, random_user) != TERN_OK) return TERN_E_RANDOM;
  }
  return TERN_OK;
}

/* Whether a new preference begins at host i. */
static int begins(const tern__mx *mx, size_t i)
{
  return !i || mx[i].preference != mx[i - 1].preference;
}

int tern__mx_same(const tern__mx *a, size_t a_count, const tern__mx *b, size_t b_count)
{
  size_t i, j, from = 0, to = 0;

  if (a_count != b_count) return 0;
  for (i = 0; i < a_count; i++) {
    if (begins(a, i) != begins(b, i)) return 0;
    if (begins(b, i)) {
      from = i;
      for (to = i + 1; to < b_count && !begins(b, to); to++) {
      }
    }
    for (j = from; j < to && strcmp(a[i].host, b[j].host) != 0; j++) {
    }
    if (j == to) return 0;
  }
  return 1;
}
