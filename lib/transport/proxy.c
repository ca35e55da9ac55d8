/* proxy.c - the handshakes with SOCKS5 and HTTP proxies, octet by octet, without I/O.
 * Duty: never reads an octet beyond the proxy's answer, as the server's greeting may follow it; every answer
 * has a status and words. Neighbours: client/dial.c moves the octets. Limits: no GSSAPI for SOCKS5; Basic
 * alone for HTTP, and no second round after 407; an HTTP answer of 8 KiB. */
#include "transport/proxy.h"

#include <string.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/mem.h"

#define OUT_SIZE 1400u /* CONNECT, Host and Proxy-Authorization, each with the most it may have */
#define DETAIL 160u
#define NAME_MOST 255u
#define INTERIM 8u /* 1xx answers before the final one */

enum state { METHOD, LOGIN, REPLY_HEAD, REPLY_REST, STATUS_LINE, FIELDS, ENDED };

struct tern__proxy {
  const tern_allocator *mem;
  tern_status ended;
  enum state state;
  size_t out_len;
  size_t sent;
  size_t need;  /* SOCKS5: octets of the answer that are due */
  size_t got;   /* of them; of the status line */
  size_t total; /* HTTP: of the answer */
  uint32_t interim;
  uint16_t port;
  uint8_t line_start; /* HTTP: 1 behind a LF, 2 behind a CR after it */
  uint8_t with_login;
  uint8_t in[NAME_MOST + 7];
  char host[NAME_MOST + 1];
  char user[NAME_MOST + 1];
  char password[NAME_MOST + 1];
  char detail[DETAIL];
  uint8_t out[OUT_SIZE];
};

/* ---- ends -----------------------------------------------------------------------------------------*/

static void say(tern__proxy *p, const char *a, const char *b)
{
  size_t used = strlen(a), len = strlen(b);

  if (used >= DETAIL) used = DETAIL - 1;
  memcpy(p->detail, a, used);
  if (len >= DETAIL - used) len = DETAIL - 1 - used;
  memcpy(p->detail + used, b, len);
  p->detail[used + len] = 0;
}

static tern_status end(tern__proxy *p, tern_status status, const char *what)
{
  if (what[0] != 0) say(p, "the proxy ", what);
  p->state = ENDED;
  p->ended = status;
  p->out_len = p->sent = p->need = 0;
  return status;
}

/* ---- what is written ------------------------------------------------------------------------------*/

static void put(tern__proxy *p, const void *octets, size_t len)
{
  memcpy(p->out + p->out_len, octets, len);
  p->out_len += len;
}

static void put_text(tern__proxy *p, const char *text)
{
  put(p, text, strlen(text));
}

static void put_octet(tern__proxy *p, uint32_t octet)
{
  p->out[p->out_len++] = (uint8_t)octet;
}

/* Begins what is written next, and says what is due then. */
static void expect(tern__proxy *p, enum state state, size_t need)
{
  p->state = state;
  p->need = need;
  p->got = 0;
}

static void fresh(tern__proxy *p)
{
  tern__wipe(p->out, sizeof p->out);
  p->out_len = p->sent = 0;
}

/* "127.0.0.1" as 4 octets. 0: it is none. */
static int read_v4(const char *text, uint8_t out[4])
{
  size_t i = 0, n = 0;

  for (n = 0; n < 4; n++) {
    uint32_t value = 0;
    size_t from = i;

    while (tern__is_digit((uint8_t)text[i]) && i - from < 3) value = value * 10 + (uint32_t)(text[i++] - '0');
    if (i == from || value > 255 || text[i] != (n < 3 ? '.' : 0)) return 0;
    out[n] = (uint8_t)value;
    i++;
  }
  return 1;
}

static int hex(uint8_t c)
{
  if (tern__is_digit(c)) return c - '0';
  c = tern__lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group of up to four digits from *at on, or an IPv4 address at the end. How many octets; 0: neither. */
static size_t read_group(const char *text, size_t *at, uint8_t *out, size_t room)
{
  uint32_t value = 0;
  size_t i = *at;

  if (room >= 4 && read_v4(text + i, out)) {
    *at = i + strlen(text + i);
    return 4;
  }
  while (hex((uint8_t)text[i]) >= 0 && i - *at < 4) value = value * 16 + (uint32_t)hex((uint8_t)text[i++]);
  if (i == *at || room < 2) return 0;
  out[0] = (uint8_t)(value >> 8);
  out[1] = (uint8_t)value;
  *at = i;
  return 2;
}

/* "2001:db8::1" as 16 octets. 0: it is none; a zone is none of the proxy's either. */
static int read_v6(const char *text, uint8_t out[16])
{
  uint8_t found[16];
  size_t n = 0, gap = SIZE_MAX, i = 0;

  if (text[0] == ':' && text[1] != ':') return 0;
  while (text[i] != 0) {
    size_t more;

    if (text[i] == ':' && text[i + 1] == ':') {
      if (gap != SIZE_MAX) return 0;
      gap = n;
      i += 2;
      if (text[i] == 0) break;
    } else if (i > 0) {
      if (text[i] != ':') return 0;
      i++;
    }
    more = read_group(text, &i, found + n, 16 - n);
    if (more == 0) return 0;
    n += more;
  }
  if (gap == SIZE_MAX ? n != 16 : n > 14) return 0;
  if (gap == SIZE_MAX) gap = n;
  memset(out, 0, 16);
  memcpy(out, found, gap);
  memcpy(out + 16 - (n - gap), found + gap, n - gap);
  return 1;
}

static void put_request(tern__proxy *p)
{
  uint8_t address[16];
  size_t len = strlen(p->host);

  fresh(p);
  put(p, "\5\1\0", 3); /* CONNECT */
  if (read_v4(p->host, address)) {
    put_octet(p, 1);
    put(p, address, 4);
  } else if (read_v6(p->host, address)) {
    put_octet(p, 4);
    put(p, address, 16);
  } else {
    put_octet(p, 3);
    put_octet(p, (uint32_t)len);
    put(p, p->host, len);
  }
  put_octet(p, p->port >> 8);
  put_octet(p, p->port & 0xffu);
  expect(p, REPLY_HEAD, 2);
}

static void put_login(tern__proxy *p)
{
  fresh(p);
  put_octet(p, 1);
  put_octet(p, (uint32_t)strlen(p->user));
  put_text(p, p->user);
  put_octet(p, (uint32_t)strlen(p->password));
  put_text(p, p->password);
  expect(p, LOGIN, 2);
}

static void put_port(tern__proxy *p)
{
  char digits[6];
  size_t n = sizeof digits;
  uint32_t port = p->port;

  do digits[--n] = (char)('0' + port % 10);
  while ((port /= 10) > 0);
  put(p, digits + n, sizeof digits - n);
}

static void put_authority(tern__proxy *p)
{
  int six = strchr(p->host, ':') != NULL;

  if (six) put_text(p, "[");
  put_text(p, p->host);
  put_text(p, six ? "]:" : ":");
  put_port(p);
}

static void put_connect(tern__proxy *p)
{
  char pair[2 * NAME_MOST + 2];
  size_t user = strlen(p->user), password = strlen(p->password);

  put_text(p, "CONNECT ");
  put_authority(p);
  put_text(p, " HTTP/1.1\r\nHost: ");
  put_authority(p);
  if (p->with_login) { /* RFC 7617 */
    memcpy(pair, p->user, user);
    pair[user] = ':';
    memcpy(pair + user + 1, p->password, password);
    put_text(p, "\r\nProxy-Authorization: Basic ");
    p->out_len += tern__base64_encode((char *)p->out + p->out_len, (const uint8_t *)pair,
                                      user + 1 + password);
    tern__wipe(pair, sizeof pair);
  }
  put_text(p, "\r\n\r\n");
  expect(p, STATUS_LINE, 0);
}

/* ---- SOCKS5 ---------------------------------------------------------------------------------------*/

static tern_status refused(tern__proxy *p, uint8_t code)
{
  static const struct {
    tern_status status;
    const char *text;
  } table[] = { /* RFC 1928 section 6 */
    {TERN_E_PROXY, "failed (SOCKS 1)"},
    {TERN_E_PROXY_DENIED, "does not allow this connection (SOCKS 2)"},
    {TERN_E_CONNECT, "finds the network unreachable (SOCKS 3)"},
    {TERN_E_CONNECT, "finds the host unreachable, or no such host (SOCKS 4)"},
    {TERN_E_CONNECT, "was refused the connection (SOCKS 5)"},
    {TERN_E_TIMEOUT, "says that the time to live has run out (SOCKS 6)"},
    {TERN_E_PROXY, "does not know the command (SOCKS 7)"},
    {TERN_E_PROXY, "does not take this type of address (SOCKS 8)"},
  };

  if (code <= sizeof table / sizeof *table) return end(p, table[code - 1u].status, table[code - 1u].text);
  return end(p, TERN_E_PROXY, "failed with a code that SOCKS does not know");
}

static tern_status not_socks(tern__proxy *p)
{
  return end(p, TERN_E_PROXY_REPLY, "does not speak SOCKS5");
}

static tern_status take_method(tern__proxy *p)
{
  if (p->in[0] != 5) return not_socks(p);
  if (p->in[1] == 0) {
    put_request(p);
    return TERN_E_AGAIN;
  }
  if (p->in[1] == 2 && p->with_login) {
    put_login(p);
    return TERN_E_AGAIN;
  }
  if (p->in[1] == 0xff)
    return end(p, TERN_E_PROXY_AUTH,
               p->with_login ? "takes neither user and password nor none" : "wants credentials");
  return end(p, TERN_E_PROXY_REPLY, "chose a way to authenticate that was not offered");
}

static tern_status take_login(tern__proxy *p)
{
  if (p->in[0] != 1) return not_socks(p); /* RFC 1929's own version */
  if (p->in[1] != 0) return end(p, TERN_E_PROXY_AUTH, "refused user and password");
  put_request(p);
  return TERN_E_AGAIN;
}

/* The reply grows as its parts tell how long it is: version and code, reserved and type, address, port. */
static tern_status take_reply(tern__proxy *p)
{
  if (p->in[0] != 5) return not_socks(p);
  if (p->in[1] != 0) return refused(p, p->in[1]);
  if (p->state == REPLY_HEAD) {
    p->state = REPLY_REST;
    p->need = 5;
    return TERN_E_AGAIN;
  }
  if (p->got == 5) {
    p->need = p->in[3] == 1 ? 10u : p->in[3] == 4 ? 22u : p->in[3] == 3 ? 7u + p->in[4] : 0u;
    return p->need == 0 ? end(p, TERN_E_PROXY_REPLY, "sent an unknown type of address") : TERN_E_AGAIN;
  }
  return end(p, TERN_OK, "");
}

static tern_status socks_in(tern__proxy *p, const uint8_t *octets, size_t len)
{
  memcpy(p->in + p->got, octets, len);
  p->got += len;
  if (p->got < p->need) return TERN_E_AGAIN;
  if (p->state == METHOD) return take_method(p);
  return p->state == LOGIN ? take_login(p) : take_reply(p);
}

/* ---- HTTP -----------------------------------------------------------------------------------------*/

static tern_status http_status(uint32_t code)
{
  if (code == 407 || code == 401) return TERN_E_PROXY_AUTH;
  if (code == 403 || code == 405 || code == 451) return TERN_E_PROXY_DENIED;
  if (code == 502 || code == 503) return TERN_E_CONNECT;
  return code == 504 || code == 408 ? TERN_E_TIMEOUT : TERN_E_PROXY;
}

/* The status line is whole, p->in[0..got) without its end; cut where it is longer. */
static tern_status take_status_line(tern__proxy *p)
{
  static const char begin[] = "HTTP/1.";
  const uint8_t *s = p->in;
  size_t i, n = p->got > 0 && s[p->got - 1] == '\r' ? p->got - 1 : p->got;
  char words[DETAIL];
  uint32_t code;

  if (n < 12 || memcmp(s, begin, 7) != 0 || !tern__is_digit(s[7]) || s[8] != ' ' || !tern__is_digit(s[9]) ||
      !tern__is_digit(s[10]) || !tern__is_digit(s[11]) || (n > 12 && s[12] != ' '))
    return end(p, TERN_E_PROXY_REPLY, "does not speak HTTP");
  code = (s[9] - 48u) * 100 + (s[10] - 48u) * 10 + (s[11] - 48u);
  if (code < 100 || code == 101) return end(p, TERN_E_PROXY_REPLY, "sent a status that HTTP does not know here");
  expect(p, FIELDS, 0);
  if (code < 200 && ++p->interim > INTERIM)
    return end(p, TERN_E_PROXY_REPLY, "sends interim answers without end");
  if (code < 200) return TERN_E_AGAIN;
  p->interim = UINT32_MAX; /* this is the final one */
  if (code < 300) return TERN_E_AGAIN;
  for (i = 9; i < n && i - 9 < DETAIL - 24; i++)
    words[i - 9] = s[i] < 0x20 || s[i] > 0x7e ? '?' : (char)s[i];
  words[i - 9] = 0;
  (void)end(p, http_status(code), "");
  say(p, "the proxy answered HTTP ", words);
  return p->ended;
}

static tern_status http_octet(tern__proxy *p, uint8_t c)
{
  if (++p->total > TERN__PROXY_HEAD) return end(p, TERN_E_PROXY_REPLY, "sent a longer answer than is allowed");
  if (p->state == STATUS_LINE) {
    if (c != '\n') {
      if (p->got < sizeof p->in) p->in[p->got++] = c;
      return TERN_E_AGAIN;
    }
    p->line_start = 1;
    return take_status_line(p);
  }
  if (c == '\n') {
    if (p->line_start == 0) {
      p->line_start = 1;
      return TERN_E_AGAIN;
    }
    if (p->interim == UINT32_MAX) return end(p, TERN_OK, "");
    expect(p, STATUS_LINE, 0);
    return TERN_E_AGAIN;
  }
  p->line_start = c == '\r' && p->line_start == 1 ? 2 : 0;
  return TERN_E_AGAIN;
}

static tern_status http_in(tern__proxy *p, const uint8_t *octets, size_t len)
{
  tern_status status = TERN_E_AGAIN;
  size_t i;

  for (i = 0; i < len && status == TERN_E_AGAIN; i++) status = http_octet(p, octets[i]);
  if (status == TERN_OK && i < len) return end(p, TERN_E_PROXY_REPLY, "sent more than its answer");
  return status;
}

/* ---- public ---------------------------------------------------------------------------------------*/

static int fits(const char *text, uint32_t kind)
{
  size_t i;

  for (i = 0; text[i] != 0; i++)
    if (i == NAME_MOST || (kind == TERN__PROXY_HTTP && ((uint8_t)text[i] < 0x20 || text[i] == 0x7f))) return 0;
  return 1;
}

/* A host that can stand in a request line: nothing that would end or part it. */
static int good_host(const char *host)
{
  size_t i;

  for (i = 0; host[i] != 0; i++)
    if (i == NAME_MOST || (uint8_t)host[i] <= 0x20 || host[i] == 0x7f || strchr("/?#@[]\\", host[i]) != NULL)
      return 0;
  return i > 0;
}

static void begin(tern__proxy *p, uint32_t kind)
{
  if (kind == TERN__PROXY_HTTP) {
    put_connect(p);
  } else {
    put(p, p->with_login ? "\5\2\0\2" : "\5\1\0", p->with_login ? 4 : 3);
    expect(p, METHOD, 2);
  }
}

tern_status tern__proxy_new(const tern_allocator *mem, uint32_t kind, const char *host, uint32_t port,
                            const char *user, const char *password, tern__proxy **out)
{
  tern__proxy *p;

  *out = NULL;
  if (!good_host(host)) return TERN_E_HOST;
  if (user == NULL) user = "";
  if (password == NULL) password = "";
  if (!fits(user, kind) || !fits(password, kind)) return TERN_E_CREDENTIALS;
  if (kind == TERN__PROXY_HTTP && strchr(user, ':') != NULL) return TERN_E_CREDENTIALS;
  if (kind == TERN__PROXY_SOCKS5 && user[0] == 0 && password[0] != 0) return TERN_E_CREDENTIALS;
  p = tern__alloc(mem, sizeof *p);
  if (p == NULL) return TERN_E_NOMEM;
  p->mem = mem;
  p->ended = TERN_E_AGAIN;
  p->port = (uint16_t)port;
  memcpy(p->host, host, strlen(host));
  memcpy(p->user, user, strlen(user));
  memcpy(p->password, password, strlen(password));
  p->with_login = user[0] != 0 || password[0] != 0;
  begin(p, kind);
  *out = p;
  return TERN_E_AGAIN;
}

const uint8_t *tern__proxy_out(const tern__proxy *p, size_t *len)
{
  *len = p->out_len - p->sent;
  return *len > 0 ? p->out + p->sent : NULL;
}

void tern__proxy_sent(tern__proxy *p, size_t len)
{
  p->sent += len;
}

size_t tern__proxy_need(const tern__proxy *p)
{
  if (p->state == ENDED || p->sent < p->out_len) return 0;
  if (p->state == STATUS_LINE) /* "HTTP/1.1 200" and two line ends at least */
    return p->got < 12 ? 14 - p->got : 2;
  if (p->state == FIELDS) return p->line_start != 0 ? 1 : 2;
  return p->need - p->got;
}

tern_status tern__proxy_in(tern__proxy *p, const uint8_t *octets, size_t len)
{
  if (p->state == ENDED) return p->ended;
  if (len > tern__proxy_need(p)) return end(p, TERN_E_PROXY_REPLY, "spoke before it was asked, or more than its answer");
  return p->state == STATUS_LINE || p->state == FIELDS ? http_in(p, octets, len) : socks_in(p, octets, len);
}

tern_status tern__proxy_closed(tern__proxy *p)
{
  if (p->state == ENDED) return p->ended;
  if (p->got == 0 && p->total == 0) return end(p, TERN_E_PROXY, "closed the connection without an answer");
  return end(p, TERN_E_PROXY, "closed the connection in the middle of its answer");
}

const char *tern__proxy_detail(const tern__proxy *p)
{
  return p == NULL ? "" : p->detail;
}

void tern__proxy_free(tern__proxy *p)
{
  const tern_allocator *mem;

  if (p == NULL) return;
  mem = p->mem;
  tern__wipe(p, sizeof *p);
  tern__free(mem, p, sizeof *p);
}
