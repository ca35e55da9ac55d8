/* sts_fetch.c - fetches an MTA-STS policy over our own TCP and TLS, without waiting anywhere.
 *
 * The certificate must be good for the policy host (RFC 8461 3.3, RFC 9525). Neighbours: http.c reads
 * the answer, hop.c resolves the host and steps this, sts.c reads the policy. Limits: one GET, no
 * redirect, no proxy, a minute in all, 64 KiB. */
#include "delivery/sts_fetch.h"

#include <string.h>

#include "base/mem.h"
#include "delivery/http.h"
#include "delivery/sts.h"
#include "transport/tcp.h"

#define CONNECT_MS 10000u /* for each address */
#define ADDRESSES 8u
#define ADDRESS_LEN 48u

#define F_NEXT 0u
#define F_CONNECT 1u
#define F_TLS 2u
#define F_WRITE 3u
#define F_READ 4u

struct tern__sts_fetch {
  const tern_allocator *mem;
  tern__trust *trust;
  tern__tcp *tcp;
  tern__tls *tls;
  tern__link lower;
  tern__link link;
  uint64_t due;
  size_t address;
  size_t count;
  size_t written;
  size_t request_len;
  tern_status status; /* TERN_E_AGAIN until the end */
  tern_status failed; /* of the address before */
  uint8_t state;
  char addresses[ADDRESSES][ADDRESS_LEN];
  char host[256];
  char request[512];
  char detail[160];
  tern__http http;
  char body[TERN__STS_POLICY_MAX];
};

static void append(tern__sts_fetch *f, const char *text)
{
  size_t len = strlen(text);

  memcpy(f->request + f->request_len, text, len);
  f->request_len += len;
}

tern_status tern__sts_fetch_new(const tern_allocator *mem, const char *host,
                                const char *const *addresses, size_t count, tern__trust *trust,
                                uint64_t now, tern__sts_fetch **out)
{
  tern__sts_fetch *f;
  size_t i;

  *out = NULL;
  if (!count || strlen(host) >= sizeof f->host) return TERN_E_ARGUMENT;
  f = tern__alloc(mem, sizeof *f);
  if (!f) return TERN_E_NOMEM;
  f->mem = mem;
  f->trust = trust;
  f->due = now + TERN__STS_FETCH_MS;
  f->status = TERN_E_AGAIN;
  f->failed = TERN_E_CONNECT;
  memcpy(f->host, host, strlen(host) + 1);
  for (i = 0; i < count && f->count < ADDRESSES; i++)
    if (strlen(addresses[i]) < ADDRESS_LEN)
      memcpy(f->addresses[f->count++], addresses[i], strlen(addresses[i]) + 1);
  append(f, "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: ");
  append(f, host);
  append(f, "\r\nAccept: text/plain\r\nConnection: close\r\n\r\n");
  tern__http_init(&f->http, f->body, sizeof f->body);
  *out = f;
  return TERN_OK;
}

static void hang_up(tern__sts_fetch *f)
{
  if (f->link.table) tern__transport_close(&f->link);
  memset(&f->link, 0, sizeof f->link);
  tern__tls_free(f->tls);
  f->tls = NULL;
  tern__tcp_free(f->tcp);
  f->tcp = NULL;
}

static void note(tern__sts_fetch *f, const char *text)
{
  size_t len = strlen(text);

  if (!len) return;
  if (len >= sizeof f->detail) len = sizeof f->detail - 1;
  memcpy(f->detail, text, len);
  f->detail[len] = 0;
}

/* This address did not do: the next one, if there is one. */
static int fail_address(tern__sts_fetch *f, tern_status status)
{
  note(f, f->tls ? tern__tls_detail(f->tls) : f->tcp ? tern__tcp_detail(f->tcp) : "");
  f->failed = status;
  hang_up(f);
  f->state = F_NEXT;
  return 1;
}

static int finish(tern__sts_fetch *f, tern_status status)
{
  f->status = status;
  hang_up(f);
  return 0;
}

static int next_address(tern__sts_fetch *f)
{
  tern_status st;

  if (f->address == f->count) return finish(f, f->failed);
  st = tern__tcp_open(f->mem, f->addresses[f->address++], TERN__STS_PORT, CONNECT_MS, &f->tcp);
  if (st == TERN_E_NOMEM) return finish(f, st);
  if (st != TERN_OK && st != TERN_E_AGAIN) return fail_address(f, st);
  f->state = F_CONNECT;
  return 1;
}

static int connect_step(tern__sts_fetch *f, uint64_t now)
{
  tern__tls_config config;
  tern_status st = tern__tcp_connect_step(f->tcp, now);

  if (st == TERN_E_AGAIN) return 0;
  if (st != TERN_OK) return fail_address(f, st);
  f->lower.table = tern__tcp_transport();
  f->lower.user = f->tcp;
  f->link = f->lower;
  memset(&config, 0, sizeof config);
  config.lower = f->lower;
  config.name = f->host;
  config.verify = TERN__TLS_VERIFY_REQUIRED;
  config.trust = f->trust;
  st = tern__tls_new(f->mem, &config, &f->tls);
  if (st != TERN_OK) return fail_address(f, st);
  f->state = F_TLS;
  return 1;
}

static int tls_step(tern__sts_fetch *f)
{
  tern_status st = tern__tls_handshake_step(f->tls);

  if (st == TERN_E_AGAIN) return 0;
  if (st != TERN_OK) return fail_address(f, st);
  f->link.table = tern__tls_transport();
  f->link.user = f->tls;
  f->state = F_WRITE;
  return 1;
}

static int write_step(tern__sts_fetch *f)
{
  size_t n = 0;
  tern_status st = tern__transport_write(&f->link, (const uint8_t *)f->request + f->written,
                                         f->request_len - f->written, &n);

  if (st == TERN_E_AGAIN) return 0;
  if (st != TERN_OK) return fail_address(f, st);
  f->written += n;
  if (f->written == f->request_len) f->state = F_READ;
  return 1;
}

static int read_step(tern__sts_fetch *f)
{
  uint8_t octets[2048];
  size_t len = 0;
  tern_status st = tern__transport_read(&f->link, octets, sizeof octets, &len);

  if (st == TERN_E_AGAIN) return 0;
  if (st == TERN_OK)
    st = tern__http_in(&f->http, octets, len);
  else if (st == TERN_E_CLOSED)
    st = tern__http_closed(&f->http);
  if (st == TERN_E_AGAIN) return 1;
  if (st == TERN_E_REPLY_UNEXPECTED) note(f, "the answer is no 200 OK");
  if (st == TERN_E_CONTENT) note(f, "the answer is no text/plain");
  if (st == TERN_E_REPLY_LENGTH) note(f, "the answer is too long");
  return finish(f, st); /* a server that was reached has had its say */
}

static int turn(tern__sts_fetch *f, uint64_t now)
{
  switch (f->state) {
    case F_NEXT: return next_address(f);
    case F_CONNECT: return connect_step(f, now);
    case F_TLS: return tls_step(f);
    case F_WRITE: return write_step(f);
    default: return read_step(f);
  }
}

tern_status tern__sts_fetch_step(tern__sts_fetch *f, uint64_t now)
{
  int turns = 64; /* then others may have a go */

  if (f->status != TERN_E_AGAIN) return f->status;
  if (now >= f->due) {
    finish(f, TERN_E_TIMEOUT);
    return f->status;
  }
  while (turns-- > 0 && turn(f, now)) {
  }
  return f->status;
}

int32_t tern__sts_fetch_handle(const tern__sts_fetch *f)
{
  if (f->status != TERN_E_AGAIN || !f->tcp) return -1;
  return tern__tcp_handle(f->tcp);
}

uint32_t tern__sts_fetch_events(const tern__sts_fetch *f)
{
  if (f->status != TERN_E_AGAIN || !f->tcp) return 0;
  if (f->state == F_CONNECT) return tern__tcp_events(f->tcp);
  if (f->state == F_TLS) return tern__tls_events(f->tls);
  return tern__transport_pending(&f->link, f->state == F_WRITE ? TERN_WRITE : TERN_READ);
}

uint64_t tern__sts_fetch_deadline(const tern__sts_fetch *f)
{
  uint64_t at = f->due, tcp;

  if (f->status != TERN_E_AGAIN) return TERN_NEVER;
  if (f->state == F_NEXT || !f->tcp) return 0;
  tcp = f->state == F_CONNECT ? tern__tcp_deadline(f->tcp) : TERN_NEVER;
  return tcp < at ? tcp : at;
}

const char *tern__sts_fetch_body(const tern__sts_fetch *f, size_t *len)
{
  *len = f->http.len;
  return f->body;
}

const char *tern__sts_fetch_detail(const tern__sts_fetch *f)
{
  return f->detail;
}

void tern__sts_fetch_free(tern__sts_fetch *f)
{
  if (!f) return;
  hang_up(f);
  tern__free(f->mem, f, sizeof *f);
}
