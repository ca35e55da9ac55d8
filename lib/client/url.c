/* url.c - takes a server's URL apart (RFC 3986, of which only what is needed here is accepted).
 *
 * Everything that is not understood is refused with the part and the octet: a URL with a typing
 * error must never lead to another server, or to a weaker TLS mode. All strings lie in one block, a
 * copy of the text in which the parts are decoded in place.
 * Limits: no fragment, no path but a socket's, no query but tls=. */
#include "client/url.h"

#include <string.h>
#include <tern/session.h>

#include "base/ascii.h"
#include "base/idn.h"
#include "base/mailbox.h"
#include "base/mem.h"
#ifndef TERN_NO_SOCKETS
#include "transport/proxy.h"
#endif

typedef struct scheme scheme;

typedef struct parser {
  const scheme *schemes; /* that are understood, up to one without a name */
  const char *expected;  /* said where it is none of them */
  tern__url *url;
  const char *text; /* the caller's */
  tern_error *error;
} parser;

struct scheme {
  const char *name; /* up to where the authority or path begins */
  uint32_t tls;
  uint8_t lmtp;
  uint8_t local; /* a path follows, not an authority */
  uint8_t proxy; /* which kind */
};

static const scheme schemes[] = {
    {"smtp://", TERN_TLS_REQUIRED, 0, 0, 0},
    {"smtps://", TERN_TLS_IMPLICIT, 0, 0, 0},
    {"lmtp://", TERN_TLS_NONE, 1, 0, 0},
    {"lmtp+unix:", TERN_TLS_NONE, 1, 1, 0},
    {NULL, 0, 0, 0, 0},
};
#ifndef TERN_NO_SOCKETS
static const scheme proxies[] = {
    {"socks5://", TERN_TLS_NONE, 0, 0, TERN__PROXY_SOCKS5},
    {"socks5h://", TERN_TLS_NONE, 0, 0, TERN__PROXY_SOCKS5},
    {"http://", TERN_TLS_NONE, 0, 0, TERN__PROXY_HTTP},
    {NULL, 0, 0, 0, 0},
};
#endif

static tern_status refuse(const parser *p, uint32_t field, size_t position, const char *detail)
{
  tern__error_field(p->error, TERN_E_URL, field, p->text, position);
  p->error->detail = detail;
  return TERN_E_URL;
}

static int hex(char c)
{
  uint8_t low = tern__lower((uint8_t)c);

  if (tern__is_digit(low)) return low - '0';
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* Copies text[from..to) to the same place of the block with its %XX decoded, and ends it with NUL.
 * Controls are refused, decoded or not: a NUL would hide what follows, a CR or LF add a line. */
static tern_status decode(const parser *p, uint32_t field, size_t from, size_t to, char **out)
{
  char *s = p->url->block;
  size_t w = from, r = from;

  while (r < to) {
    uint8_t c = (uint8_t)p->text[r];
    size_t step = 1;
    if (c == '%') {
      if (to - r < 3 || hex(p->text[r + 1]) < 0 || hex(p->text[r + 2]) < 0)
        return refuse(p, field, r, "% is not followed by two hexadecimal digits");
      c = (uint8_t)(hex(p->text[r + 1]) * 16 + hex(p->text[r + 2]));
      step = 3;
    } else if (c == ' ' || c == '"' || c == '<' || c == '>' || c == '#' || c == '[' || c == ']') {
      return refuse(p, field, r, "an octet that must be written as %XX");
    }
    if (c < 0x20 || c == 0x7f) return refuse(p, field, r, "a control octet");
    s[w++] = (char)c;
    r += step;
  }
  s[w] = 0;
  *out = s + from;
  return TERN_OK;
}

static size_t find(const char *text, size_t from, size_t to, const char *set)
{
  while (from < to && !strchr(set, text[from])) from++;
  return from;
}

static int beyond_ascii(const char *text, size_t from, size_t to)
{
  while (from < to && (uint8_t)text[from] < 0x80) from++;
  return from < to;
}

static tern_status take_user(const parser *p, size_t from, size_t at)
{
  size_t colon = find(p->text, from, at, ":");
  tern_status st = TERN_OK;

  if (colon == from) return refuse(p, TERN_FIELD_URL_USER, from, "the user name is empty");
  if (colon < at) st = decode(p, TERN_FIELD_URL_USER, colon + 1, at, &p->url->password);
  return st == TERN_OK ? decode(p, TERN_FIELD_URL_USER, from, colon, &p->url->user) : st;
}

static tern_status take_port(const parser *p, size_t from, size_t to)
{
  uint32_t port = 0;
  size_t i;

  if (from == to) return refuse(p, TERN_FIELD_URL_PORT, from, "a port number is missing");
  for (i = from; i < to; i++) {
    if (!tern__is_digit((uint8_t)p->text[i]))
      return refuse(p, TERN_FIELD_URL_PORT, i, "the port is not a number");
    port = port * 10 + (uint32_t)(p->text[i] - '0');
    if (port > 65535) return refuse(p, TERN_FIELD_URL_PORT, from, "the port is over 65535");
  }
  if (!port) return refuse(p, TERN_FIELD_URL_PORT, from, "the port is 0");
  p->url->port = port;
  return TERN_OK;
}

/* [IPv6], with a zone as RFC 6874 writes it. The grammar of the address is that of the address
 * literal in base/mailbox, so it is asked with "IPv6:" put before. */
static tern_status take_ipv6(const parser *p, size_t from, size_t to)
{
  char literal[64] = "[IPv6:";
  size_t zone = from, len, position = 0;

  while (zone < to && p->text[zone] != '%') zone++;
  len = zone - from;
  if (len > sizeof literal - 8) return refuse(p, TERN_FIELD_URL_HOST, from, "no IPv6 address");
  memcpy(literal + 6, p->text + from, len);
  literal[6 + len] = ']';
  literal[7 + len] = 0;
  if (tern__domain_check(literal, &position) != TERN_OK)
    return refuse(p, TERN_FIELD_URL_HOST, from + (position > 6 ? position - 6 : 0),
                  "no IPv6 address between the brackets");
  if (zone < to && (to - zone < 4 || memcmp(p->text + zone, "%25", 3) != 0))
    return refuse(p, TERN_FIELD_URL_HOST, zone, "a zone is written %25name");
  return decode(p, TERN_FIELD_URL_HOST, from, to, &p->url->host);
}

/* A name beyond ASCII is kept as A-labels, behind the copy of the text: certificates, SNI and DNS
 * know no other form. */
static tern_status take_idn(const parser *p, size_t from)
{
  char *host = p->url->block + p->url->size - TERN__DOMAIN_MAX;
  size_t position = 0;
  tern_status st = tern__domain_to_ascii(p->url->block + from, host);

  if (st == TERN_OK && tern__domain_check(host, &position) != TERN_OK) st = TERN_E_ADDRESS;
  p->url->host = host;
  if (st == TERN_OK) return st;
  return refuse(p, TERN_FIELD_URL_HOST, from,
                st == TERN_E_UNSUPPORTED ? "a name beyond ASCII, in a build without libidn2: write its A-labels (xn--...)"
                                         : "no internationalised host name");
}

/* A dot at the end says that the name is whole (RFC 1034 3.1): no part of the name that the server's
 * certificate has, nor of SNI (RFC 6066 3). */
static tern_status take_host(const parser *p, size_t from, size_t to)
{
  char *host = p->url->block + from;
  size_t position = 0;

  if (from == to) return refuse(p, TERN_FIELD_URL_HOST, from, "the host is missing");
  if (to - from > 1 && p->text[to - 1] == '.') to--;
  memcpy(host, p->text + from, to - from);
  host[to - from] = 0;
  if (beyond_ascii(p->text, from, to)) return take_idn(p, from);
  if (tern__domain_check(host, &position) != TERN_OK || host[0] == '[')
    return refuse(p, TERN_FIELD_URL_HOST, from + position,
                  "neither a host name nor an address (IPv6 goes in brackets)");
  p->url->host = host;
  return TERN_OK;
}

static tern_status take_authority(const parser *p, size_t from, size_t to)
{
  size_t at = find(p->text, from, to, "@"), end;
  tern_status st = TERN_OK;

  if (at < to) {
    if (find(p->text, at + 1, to, "@") < to)
      return refuse(p, TERN_FIELD_URL_USER, at, "an @ in user or password is written %40");
    st = take_user(p, from, at);
    from = at + 1;
  }
  if (st != TERN_OK) return st;
  if (from < to && p->text[from] == '[') {
    end = find(p->text, from, to, "]");
    if (end == to) return refuse(p, TERN_FIELD_URL_HOST, from, "the bracket is not closed");
    st = take_ipv6(p, from + 1, end++);
    if (st == TERN_OK && end < to && p->text[end] != ':')
      return refuse(p, TERN_FIELD_URL_HOST, end, "rubbish after the address");
  } else {
    end = find(p->text, from, to, ":");
    st = take_host(p, from, end);
  }
  if (st == TERN_OK && end < to) st = take_port(p, end + 1, to);
  if (st == TERN_OK && p->url->lmtp && !p->url->port)
    return refuse(p, TERN_FIELD_URL_PORT, to, "lmtp:// needs a port");
#ifndef TERN_NO_SOCKETS
  if (st == TERN_OK && p->url->proxy == TERN__PROXY_HTTP && !p->url->port)
    return refuse(p, TERN_FIELD_URL_PORT, to, "http:// needs the proxy's port");
#endif
  return st;
}

static tern_status take_query(const parser *p, size_t from, size_t to)
{
  static const struct {
    const char *text;
    uint32_t tls;
  } modes[] = {{"tls=required", TERN_TLS_REQUIRED},
               {"tls=opportunistic", TERN_TLS_OPPORTUNISTIC},
               {"tls=none", TERN_TLS_NONE}};
  size_t i;

  if (p->url->proxy) return refuse(p, TERN_FIELD_URL_QUERY, from, "a proxy takes no query");
  if (p->url->tls == TERN_TLS_IMPLICIT)
    return refuse(p, TERN_FIELD_URL_QUERY, from, "smtps:// is TLS: it takes no query");
  for (i = 0; i < sizeof modes / sizeof modes[0]; i++)
    if (to - from == strlen(modes[i].text) && !memcmp(p->text + from, modes[i].text, to - from)) {
      p->url->tls = modes[i].tls;
      return TERN_OK;
    }
  return refuse(p, TERN_FIELD_URL_QUERY, from,
                "the only query is tls=required, tls=opportunistic or tls=none");
}

static tern_status take_all(const parser *p)
{
  const char *text = p->text;
  const scheme *s;
  size_t from = 0, query, end = strlen(text), path;
  tern_status st;

  for (s = p->schemes; s->name; s++) {
    from = strlen(s->name);
    if (end >= from && tern__same(text, from, s->name)) break;
  }
  if (!s->name) return refuse(p, TERN_FIELD_URL_SCHEME, 0, p->expected);
  p->url->tls = s->tls;
  p->url->lmtp = s->lmtp;
  p->url->proxy = s->proxy;
  query = find(text, from, end, "?");
  if (s->local) {
    if (from == query || text[from] != '/')
      return refuse(p, TERN_FIELD_URL_PATH, from, "an absolute path is missing");
    st = decode(p, TERN_FIELD_URL_PATH, from, query, &p->url->path);
  } else {
    path = find(text, from, query, "/");
    st = take_authority(p, from, path);
    if (st == TERN_OK && query - path > 1)
      return refuse(p, TERN_FIELD_URL_PATH, path + 1, "there is no path on a mail server");
  }
  return st == TERN_OK && query < end ? take_query(p, query + 1, end) : st;
}

static tern_status parse(parser p, tern__url *url, const tern_allocator *mem, const char *text,
                         tern_error *error)
{
  tern_status st;

  memset(url, 0, sizeof *url);
  tern__error_set(error, TERN_OK, TERN_PHASE_NONE);
  if (!text) {
    tern__error_set(error, TERN_E_ARGUMENT, TERN_PHASE_NONE);
    return TERN_E_ARGUMENT;
  }
  url->size = strlen(text) + 1;
  if (beyond_ascii(text, 0, url->size - 1)) url->size += TERN__DOMAIN_MAX;
  url->block = tern__alloc(mem, url->size);
  if (!url->block) {
    url->size = 0;
    tern__error_set(error, TERN_E_NOMEM, TERN_PHASE_NONE);
    return TERN_E_NOMEM;
  }
  p.url = url;
  p.text = text;
  p.error = error;
  st = take_all(&p);
  if (st != TERN_OK) tern__url_free(url, mem);
  return st;
}

tern_status tern__url_parse(tern__url *url, const tern_allocator *mem, const char *text,
                            tern_error *error)
{
  static const parser server = {
      schemes, "it begins with none of smtp://, smtps://, lmtp://, lmtp+unix:/", NULL, NULL, NULL};

  return parse(server, url, mem, text, error);
}

#ifndef TERN_NO_SOCKETS
tern_status tern__url_parse_proxy(tern__url *url, const tern_allocator *mem, const char *text,
                                  tern_error *error)
{
  static const parser proxy = {proxies, "it begins with none of socks5://, socks5h://, http://", NULL,
                               NULL, NULL};
  tern_status st = parse(proxy, url, mem, text, error);

  if (st == TERN_OK && !url->port) url->port = 1080; /* RFC 1928 section 3 */
  return st;
}
#endif

uint32_t tern__url_port(const tern__url *url, uint32_t tls)
{
  if (url->port) return url->port;
  if (url->tls == TERN_TLS_IMPLICIT || tls == TERN_TLS_IMPLICIT) return 465;
  return tls == TERN_TLS_NONE ? 25 : 587;
}

void tern__url_free(tern__url *url, const tern_allocator *mem)
{
  if (url->block) tern__wipe(url->block, url->size);
  tern__free(mem, url->block, url->size);
  memset(url, 0, sizeof *url);
}
