/* no_proxy.c - NO_PROXY: which servers are reached without the environment's proxy.
 *
 * There is no standard for it; where programs differ, this is as curl has it. Names are not looked up: a network
 * holds only addresses that stand in the URL. Names beyond ASCII are the same only where their octets are.
 * Neighbour: network.c. */
#define _POSIX_C_SOURCE 200809L

#include "no_proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT 256u

/* A server, or an item of the list. */
typedef struct place {
  char name[TEXT];          /* in small letters, without brackets and dots at its ends */
  unsigned char octets[16]; /* of an address */
  size_t len;               /* 4, 16, or 0: a name */
  unsigned bits;            /* of octets that count; all of them but for a network */
  unsigned long port;       /* 0: any */
} place;

static int number(const char *text, size_t len, unsigned long most, unsigned long *out)
{
  size_t i;

  *out = 0;
  for (i = 0; i < len && text[i] >= '0' && text[i] <= '9' && *out <= most; i++) *out = *out * 10 + (unsigned long)(text[i] - '0');
  return len && i == len && *out <= most ? 0 : -1;
}

/* The address of the place's name, if it is one. */
static void take_address(place *p)
{
  static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

  if (inet_pton(AF_INET, p->name, p->octets) == 1) {
    p->len = 4;
  } else if (inet_pton(AF_INET6, p->name, p->octets) == 1) {
    p->len = 16;
    if (!memcmp(p->octets, mapped, sizeof mapped)) { /* RFC 4291 2.5.5.2 */
      memmove(p->octets, p->octets + 12, 4);
      p->len = 4;
    }
  }
  p->bits = (unsigned)p->len * 8;
}

/* "name", "name:25", "192.0.2.1:25", "2001:db8::1", "[2001:db8::1]:25". -1: none of these. */
static int take(place *p, const char *text, size_t len)
{
  const char *end = text + len, *close, *colon;
  size_t i;

  memset(p, 0, sizeof *p);
  colon = memchr(text, ':', len);
  if (len && *text == '[') {
    close = memchr(text, ']', len);
    if (!close) return -1;
    colon = close + 1 < end ? close + 1 : NULL;
    if (colon && *colon != ':') return -1;
    text++;
    len = (size_t)(close - text);
  } else if (colon && memchr(colon + 1, ':', (size_t)(end - colon - 1))) {
    colon = NULL; /* two of them: IPv6 in the bare */
  } else if (colon) {
    len = (size_t)(colon - text);
  }
  if (colon && (number(colon + 1, (size_t)(end - colon - 1), 65535, &p->port) || !p->port)) return -1;
  while (len && text[len - 1] == '.') len--;
  if (!len || len >= TEXT) return -1;
  for (i = 0; i < len; i++) p->name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
  take_address(p);
  return 0;
}

/* An item: as above, with a dot or "*." before it, or "/bits" behind it. */
static int take_item(place *p, const char *text, size_t len)
{
  const char *slash = memchr(text, '/', len);
  unsigned long bits;

  if (slash) {
    if (take(p, text, (size_t)(slash - text)) || !p->len || p->port) return -1;
    if (number(slash + 1, len - (size_t)(slash + 1 - text), p->len * 8, &bits)) return -1;
    p->bits = (unsigned)bits;
    return 0;
  }
  if (len > 1 && text[0] == '*' && text[1] == '.') {
    text++;
    len--;
  }
  while (len && *text == '.') {
    text++;
    len--;
  }
  return take(p, text, len);
}

static int same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
  unsigned whole = bits / 8, rest = bits % 8;

  if (memcmp(a, b, whole) != 0) return 0;
  return !rest || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static int holds(const place *item, const place *server)
{
  size_t below, above;

  if (item->port && item->port != server->port) return 0;
  if (item->len || server->len) return item->len == server->len && same_bits(item->octets, server->octets, item->bits);
  below = strlen(server->name);
  above = strlen(item->name);
  if (below < above || strcmp(server->name + below - above, item->name) != 0) return 0;
  return below == above || server->name[below - above - 1] == '.';
}

/* Where the URL leads; its port by the scheme where it has none. -1: not over the net. */
static int take_url(place *p, const char *url)
{
  const char *text = strstr(url, "://"), *at;
  size_t len;

  if (!text) return -1;
  text += 3;
  len = strcspn(text, "/?");
  at = memchr(text, '@', len);
  if (at) {
    len -= (size_t)(at + 1 - text);
    text = at + 1;
  }
  if (take(p, text, len)) return -1;
  if (!p->port) p->port = url[4] == 's' || url[4] == 'S' ? 465 : strstr(text + len, "tls=none") ? 25 : 587;
  return 0;
}

int no_proxy(const char *list, const char *url)
{
  place server, item;
  size_t len;

  if (!url || take_url(&server, url)) return 0;
  for (;; list += len) {
    list += strspn(list, ", \t");
    len = strcspn(list, ", \t");
    if (!len) return 0;
    if (len == 1 && *list == '*') return 1;
    if (!take_item(&item, list, len) && holds(&item, &server)) return 1;
  }
}
