/* identity.c - RFC 9525: a server's identity is in its subjectAltName, as DNS name or IP address.
 * Duty: a bounded walk through DER that a hostile peer wrote, and the comparison; the common name
 * never counts. Neighbours: tls_mbedtls.c calls it from the verification of the leaf. Mbed TLS's
 * own comparison is not used: it falls back to the common name, and 2.28 knows no IP address.
 * Limits: U-labels are not converted, such a host matches nothing; no SRV-ID, no URI-ID. */
#include "transport/identity.h"

#include <string.h>

#include "base/ascii.h"
#include "base/words.h"

/* ---- the host ---------------------------------------------------------------------------------*/

/* Four decimal octets without leading zeros; returns 1 and fills out. */
static int read_ipv4(const char *s, size_t len, uint8_t *out)
{
  size_t i = 0, part;

  for (part = 0; part < 4; part++) {
    unsigned value = 0;
    size_t digits = 0;

    if (part > 0 && (i == len || s[i++] != '.')) return 0;
    while (i < len && digits < 3 && tern__is_digit((uint8_t)s[i])) {
      value = value * 10 + (unsigned)(s[i++] - '0');
      digits++;
    }
    if (digits == 0 || value > 255 || (digits > 1 && s[i - digits] == '0')) return 0;
    out[part] = (uint8_t)value;
  }
  return i == len;
}

static int hex(uint8_t c)
{
  if (tern__is_digit(c)) return c - '0';
  c = tern__lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 4291 2.2: groups, one "::", IPv4 in the last place. */
static int read_ipv6(const char *s, size_t len, uint8_t *out)
{
  uint8_t head[16];
  size_t i = 0, n = 0, gap = SIZE_MAX;

  if (len >= 2 && s[0] == ':' && s[1] == ':') {
    gap = 0;
    i = 2;
  }
  while (i < len) {
    unsigned value = 0;
    size_t start = i;

    while (i < len && i - start < 4 && hex((uint8_t)s[i]) >= 0)
      value = value << 4 | (unsigned)hex((uint8_t)s[i++]);
    if (i < len && s[i] == '.') {
      if (n > 12 || !read_ipv4(s + start, len - start, head + n)) return 0;
      n += 4;
      break;
    }
    if (i == start || n > 14) return 0;
    head[n++] = (uint8_t)(value >> 8);
    head[n++] = (uint8_t)(value & 0xff);
    if (i == len) break;
    if (s[i++] != ':' || i == len) /* a single colon at the end */
      return 0;
    if (s[i] == ':') {
      if (gap != SIZE_MAX) return 0;
      gap = n;
      i++;
    }
  }
  if (gap == SIZE_MAX ? n != 16 : n > 14) return 0;
  if (gap == SIZE_MAX) gap = n;
  memset(out, 0, 16);
  memcpy(out, head, gap);
  memcpy(out + 16 - (n - gap), head + gap, n - gap);
  return 1;
}

/* Whether a label is a number to some resolver: "127.1" and "0x7f000001" are addresses there. */
static int is_number(const char *s, size_t len)
{
  size_t i = len > 2 && s[0] == '0' && tern__lower((uint8_t)s[1]) == 'x' ? 2 : 0;
  int decimal = i == 0;

  for (; i < len; i++)
    if (decimal ? !tern__is_digit((uint8_t)s[i]) : hex((uint8_t)s[i]) < 0) return 0;
  return 1;
}

/* Whether the len octets are labels of letters, digits, "-" and "_", each of 1 to 63 octets, the
 * last of them not a number. */
static int is_dns_name(const char *s, size_t len)
{
  size_t i, label = 0;

  for (i = 0; i <= len; i++) {
    if (i == len || s[i] == '.') {
      if (i == label || i - label > 63) return 0;
      if (i < len) label = i + 1;
    } else if (!tern__is_alpha((uint8_t)s[i]) && !tern__is_digit((uint8_t)s[i]) && s[i] != '-' &&
               s[i] != '_') {
      return 0;
    }
  }
  return !is_number(s + label, len - label);
}

void tern__identity_read(tern__identity *identity, const char *host)
{
  size_t len, zone;

  memset(identity, 0, sizeof *identity);
  if (host == NULL) return;
  len = strlen(host);
  if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
    host++;
    len -= 2;
  }
  for (zone = 0; zone < len && host[zone] != '%'; zone++) continue;
  if (read_ipv4(host, len, identity->ip)) {
    identity->kind = TERN__IDENTITY_IP;
    identity->ip_len = 4;
    return;
  }
  if (read_ipv6(host, zone, identity->ip)) {
    identity->kind = TERN__IDENTITY_IP;
    identity->ip_len = 16;
    return;
  }
  memset(identity->ip, 0, sizeof identity->ip);
  if (len > 0 && host[len - 1] == '.') len--;
  if (len > 253 || !is_dns_name(host, len)) return;
  identity->kind = TERN__IDENTITY_DNS;
  memcpy(identity->dns, host, len);
  identity->dns_len = len;
}

/* ---- DER --------------------------------------------------------------------------------------*/

typedef struct der {
  const uint8_t *at;
  size_t left;
} der;

/* Takes one element off: its tag, and its content in *content. 0: there is none, or it is cut. */
static int take(der *in, uint8_t *tag, der *content)
{
  size_t len, octets;

  if (in->left < 2) return 0;
  *tag = in->at[0];
  len = in->at[1];
  in->at += 2;
  in->left -= 2;
  if (len >= 0x80) { /* the long form; up to four octets of length are plenty */
    octets = len & 0x7f;
    if (octets == 0 || octets > 4 || octets > in->left) return 0;
    for (len = 0; octets > 0; octets--, in->left--) len = len << 8 | *in->at++;
  }
  if (len > in->left) return 0;
  content->at = in->at;
  content->left = len;
  in->at += len;
  in->left -= len;
  return 1;
}

const uint8_t *tern__identity_san(const uint8_t *extensions, size_t len, size_t *san_len)
{
  static const uint8_t oid[] = {0x55, 0x1d, 0x11}; /* id-ce-subjectAltName, RFC 5280 4.2.1.6 */
  der in, list, extension, part;
  uint8_t tag;

  in.at = extensions;
  in.left = len;
  *san_len = 0;
  if (extensions == NULL || !take(&in, &tag, &list) || tag != 0x30) return NULL;
  while (take(&list, &tag, &extension) && tag == 0x30) {
    if (!take(&extension, &tag, &part) || tag != 0x06) return NULL;
    if (part.left != sizeof oid || memcmp(part.at, oid, sizeof oid) != 0) continue;
    if (!take(&extension, &tag, &part)) return NULL;
    if (tag == 0x01 && !take(&extension, &tag, &part)) /* behind "critical" */
      return NULL;
    if (tag != 0x04 || !take(&part, &tag, &list) || tag != 0x30) return NULL;
    *san_len = list.left;
    return list.at;
  }
  return NULL;
}

/* ---- matching ---------------------------------------------------------------------------------*/

#define SAN_DNS 0x82 /* GeneralName: dNSName [2] */
#define SAN_IP 0x87  /* iPAddress [7] */

static int same_name(const char *name, const uint8_t *octets, size_t len)
{
  size_t i;

  for (i = 0; i < len; i++)
    if (tern__lower(octets[i]) != tern__lower((uint8_t)name[i])) return 0;
  return 1;
}

/* RFC 9525 6.3: the same labels, or "*" alone as the leftmost label for exactly one; what follows
 * it must have two labels. Octets that no name has (NUL among them) are unlike any of the host's. */
static int match_dns(const tern__identity *identity, const uint8_t *san, size_t len)
{
  const char *name = identity->dns;
  size_t left = identity->dns_len;

  if (len > 2 && san[0] == '*' && san[1] == '.') {
    const char *dot = memchr(name, '.', left);

    if (dot == NULL || memchr(san + 2, '.', len - 2) == NULL) return 0;
    left -= (size_t)(dot - name);
    name = dot;
    san++;
    len--;
  }
  return len == left && same_name(name, san, len);
}

int tern__identity_match(const tern__identity *identity, const uint8_t *san, size_t len)
{
  der in, name;
  uint8_t tag;

  in.at = san;
  in.left = san == NULL ? 0 : len;
  while (take(&in, &tag, &name)) {
    if (tag == SAN_DNS && identity->kind == TERN__IDENTITY_DNS &&
        match_dns(identity, name.at, name.left))
      return 1;
    if (tag == SAN_IP && identity->kind == TERN__IDENTITY_IP && name.left == identity->ip_len &&
        memcmp(name.at, identity->ip, name.left) == 0)
      return 1;
  }
  return 0;
}

/* ---- words ------------------------------------------------------------------------------------*/

/* An address in text, IPv6 as eight groups. Returns the length; text takes 40 octets. */
static size_t write_ip(char *text, const uint8_t *ip, size_t len)
{
  static const char digits[] = "0123456789abcdef";
  size_t i, n = 0;
  int shift;

  if (len == 4) {
    for (i = 0; i < 4; i++) {
      if (i > 0) text[n++] = '.';
      n += tern__decimal(ip[i], text + n);
    }
    return n;
  }
  for (i = 0; i < 16; i += 2) {
    unsigned group = (unsigned)ip[i] << 8 | ip[i + 1];

    if (i > 0) text[n++] = ':';
    for (shift = 12; shift >= 0; shift -= 4)
      if (shift == 0 || group >> shift != 0) text[n++] = digits[group >> shift & 15];
  }
  return n;
}

const void *tern__identity_next(const uint8_t **san, size_t *left, char text[TERN__IDENTITY_TEXT],
                                size_t *len)
{
  der in, name;
  uint8_t tag;

  in.at = *san;
  in.left = *san == NULL ? 0 : *left;
  while (take(&in, &tag, &name)) {
    *san = in.at;
    *left = in.left;
    *len = name.left;
    if (tag == SAN_DNS) return name.at;
    if (tag != SAN_IP || (name.left != 4 && name.left != 16)) continue;
    *len = write_ip(text, name.at, name.left);
    return text;
  }
  return NULL;
}

size_t tern__identity_list(const uint8_t *san, size_t len, char *out, size_t cap)
{
  char text[TERN__IDENTITY_TEXT];
  const void *octets;
  size_t count = 0, used = 0, n;
  int full = 0;

  if (cap > 0) out[0] = 0;
  while ((octets = tern__identity_next(&san, &len, text, &n)) != NULL) {
    count++;
    if (!full && cap >= 8 && n < cap && used + n + 2 < cap - 6) { /* 6: ", ..." and NUL */
      if (used > 0) used += tern__words_clean(out + used, cap - used, ", ", 2);
      used += tern__words_clean(out + used, cap - used, octets, n);
    } else if (!full && cap >= 8) {
      full = 1;
      used +=
        tern__words_clean(out + used, cap - used, used > 0 ? ", ..." : "...", used > 0 ? 5 : 3);
    }
  }
  return count;
}
