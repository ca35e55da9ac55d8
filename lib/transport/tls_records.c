/* tls_records.c - octets through a TLS session: the lower transport as Mbed TLS sees it, and the
 * table that the client sees. Small spans share a record; a record that did not leave whole is
 * finished before the next. Neighbours: tls_errors.c names what fails. */
#include <string.h>

#include "base/mem.h"
#include "transport/tls_mbedtls.h"
#include "base/words.h"

/* ---- the lower transport ----------------------------------------------------------------------*/

/* What a server says that speaks no TLS; more of its line is taken where it is there already. */
static void note_plain(tern__tls *tls, const uint8_t *octets, size_t len)
{
  uint8_t line[80];
  char text[sizeof line + 1];
  size_t n, end;

  if (len > sizeof line) len = sizeof line;
  memcpy(line, octets, len);
  if (tern__transport_read(&tls->lower, line + len, sizeof line - len, &n) == TERN_OK) len += n;
  for (end = 0; end < len && line[end] != '\r' && line[end] != '\n'; end++) continue;
  (void)tern__words_clean(text, sizeof text, line, end);
  tern__tls_say(tls, "the server speaks plain text where TLS is due: \"%s\"", text);
  tls->plain = 1;
}

int tern__tls_lower_read(void *user, unsigned char *octets, size_t cap)
{
  tern__tls *tls = user;
  size_t len;
  tern_status status;

  if (cap > 2 * TERN__TLS_RECORD) cap = 2 * TERN__TLS_RECORD;
  status = tern__transport_read(&tls->lower, octets, cap, &len);
  if (status == TERN_E_AGAIN) {
    tls->waits = tern__transport_pending(&tls->lower, TERN_READ);
    return MBEDTLS_ERR_SSL_WANT_READ;
  }
  if (status == TERN_E_CLOSED) {
    tls->eof = 1;
    return 0;
  }
  if (status != TERN_OK) {
    tls->broken = status;
    return MBEDTLS_ERR_SSL_CONN_EOF;
  }
  tls->drought += (uint32_t)len;
  if (tls->drought > TERN__TLS_DROUGHT) { /* tickets, warnings or empty records without end */
    tls->broken = TERN_E_IO;
    return MBEDTLS_ERR_SSL_CONN_EOF;
  }
  if (!tls->heard) { /* a TLS record begins with 20 to 23 (RFC 8446 5.1): no text does */
    tls->heard = 1;
    if ((octets[0] >= 0x20 && octets[0] <= 0x7e) || octets[0] == '\r' || octets[0] == '\n') {
      note_plain(tls, octets, len);
      return MBEDTLS_ERR_SSL_INVALID_RECORD;
    }
  }
  return (int)len;
}

int tern__tls_lower_write(void *user, const unsigned char *octets, size_t len)
{
  tern__tls *tls = user;
  size_t done;
  tern_status status;

  if (len > 0x7fffffff) len = 0x7fffffff;
  status = tern__transport_write(&tls->lower, octets, len, &done);
  if (status == TERN_OK) return (int)done;
  if (status == TERN_E_AGAIN) {
    tls->waits = tern__transport_pending(&tls->lower, TERN_WRITE);
    return MBEDTLS_ERR_SSL_WANT_WRITE;
  }
  if (status == TERN_E_CLOSED)
    tls->eof = 1;
  else
    tls->broken = status;
  return MBEDTLS_ERR_SSL_CONN_EOF;
}

/* ---- the table --------------------------------------------------------------------------------*/

/* Whether the session can go on: the handshake stands and nothing has failed since. */
static tern_status session_ready(const tern__tls *tls)
{
  if (tls == NULL) return TERN_E_NOMEM;
  if (tls->ended != TERN_OK) return TERN_E_STATE;
  return tls->failed;
}

static tern_status tls_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  tern__tls *tls = user;
  tern_status status = session_ready(tls);
  int rc;

  if (status != TERN_OK) return status;
  while (tern__mbed_is_ticket(rc = mbedtls_ssl_read(&tls->ssl, octets, cap)))
    tern__tls_resume_keep(tls);
  if (rc > 0) {
    *len = (size_t)rc;
    tls->drought = 0;
    return TERN_OK;
  }
  if (tern__mbed_is_again(rc)) {
    tls->read_waits = tls->waits;
    return TERN_E_AGAIN;
  }
  tls->failed = tern__tls_session_status(tls, rc);
  return tls->failed;
}

/* The link died while writing. Where an alert of the server says why, it has come before. */
static tern_status write_failed(tern__tls *tls, int rc)
{
  uint8_t none;
  int seen = MBEDTLS_ERR_SSL_WANT_READ;
  tern_status lost = tls->broken;

  if (tls->eof || tls->broken != TERN_OK) {
    tls->broken = TERN_OK;
    seen = mbedtls_ssl_read(&tls->ssl, &none, 0);
    tls->broken = lost;
  }
  if (seen == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
    tls->failed = tern__tls_alert_status(tls);
  else
    tls->failed = tern__tls_session_status(tls, rc);
  return tls->failed;
}

static tern_status write_result(tern__tls *tls, int rc)
{
  if (!tern__mbed_is_again(rc)) return write_failed(tls, rc);
  tls->write_waits = tls->waits;
  return TERN_E_AGAIN;
}

/* Writes one record of at most len octets. A record that did not leave whole is finished first,
 * and only then counts as done: Mbed TLS has encrypted its octets at the first try. */
static tern_status put(tern__tls *tls, const uint8_t *octets, size_t len, size_t *done)
{
  size_t n = tls->held > 0 ? tls->held : len < TERN__TLS_RECORD ? len : TERN__TLS_RECORD;
  int rc;

  if (tls->held == 0 && tern__mbed_unsent(&tls->ssl) > 0) {
    /* An alert of ours is stuck. Mbed TLS would take the next octets as sent with it: this call
     * only flushes. */
    rc = mbedtls_ssl_write(&tls->ssl, octets, 1);
    if (rc < 0) return write_result(tls, rc);
  }
  rc = mbedtls_ssl_write(&tls->ssl, octets, n);
  if (rc > 0) {
    tls->held = 0;
    *done = (size_t)rc;
    return TERN_OK;
  }
  if (tern__mbed_is_again(rc)) tls->held = n;
  return write_result(tls, rc);
}

static tern_status tls_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  tern__tls *tls = user;
  tern_status status = session_ready(tls);

  if (status != TERN_OK) return status;
  if (len < tls->held) return TERN_E_ARGUMENT; /* not the same octets again */
  return put(tls, octets, len, done);
}

/* Makes room for a whole record where so much is given at a time: many mails in flight. Not from a
 * caller's allocator, of which small memory is expected. */
static void widen(tern__tls *tls, const tern_span *spans, size_t count)
{
  uint8_t *stage;
  size_t i, total = 0;

  if (tls->mem != NULL || tls->stage != tls->small) return;
  for (i = 0; i < count && total <= TERN__TLS_STAGE; i++)
    total += spans[i].len < TERN__TLS_RECORD ? spans[i].len : TERN__TLS_RECORD;
  if (total <= TERN__TLS_STAGE) return;
  stage = tern__alloc_raw(NULL, TERN__TLS_RECORD);
  if (stage == NULL) return;
  tls->stage = stage;
  tls->stage_size = TERN__TLS_RECORD;
}

/* Small spans share a record: each has a header, a tag and a call of the kernel to it. */
static tern_status tls_writev(void *user, const tern_span *spans, size_t count, size_t *done)
{
  tern__tls *tls = user;
  tern_status status = session_ready(tls);
  size_t i, n, used = 0;

  if (status != TERN_OK) return status;
  while (count > 1 && spans->len == 0) {
    spans++;
    count--;
  }
  if (count == 1 || (spans->len >= TERN__TLS_STAGE / 2 && tls->held == 0))
    return tls_write(user, spans->octets, spans->len, done);
  for (i = 0; i < count && tls->held > used; i++)
    used += spans[i].len < tls->held - used ? spans[i].len : tls->held - used;
  if (tls->held > 0) /* they are in a record already, however they are cut this time */
    return used < tls->held ? TERN_E_ARGUMENT : put(tls, tls->stage, used, done);
  widen(tls, spans, count);
  for (i = 0; i < count && used < tls->stage_size; i++) {
    n = spans[i].len < tls->stage_size - used ? spans[i].len : tls->stage_size - used;
    memcpy(tls->stage + used, spans[i].octets, n);
    used += n;
  }
  status = put(tls, tls->stage, used, done);
  tern__wipe(tls->stage, used); /* AUTH may have gone through it */
  return status;
}

static void tls_close(void *user)
{
  tern__tls *tls = user;

  if (tls == NULL) return;
  if (session_ready(tls) == TERN_OK) (void)mbedtls_ssl_close_notify(&tls->ssl);
  if (tls->failed == TERN_OK) tls->failed = TERN_E_CLOSED;
  tern__transport_close(&tls->lower);
}

static int32_t tls_handle(void *user)
{
  tern__tls *tls = user;

  return tls == NULL ? -1 : tern__transport_handle(&tls->lower);
}

static uint64_t tls_now(void *user)
{
  tern__tls *tls = user;

  return tls == NULL ? 0 : tern__transport_now(&tls->lower);
}

static uint32_t tls_pending(void *user, uint32_t events)
{
  const tern__tls *tls = user;

  if (tls == NULL) return events;
  return ((events & TERN_READ) != 0 ? tls->read_waits : 0) |
         ((events & TERN_WRITE) != 0 ? tls->write_waits : 0);
}

static void tls_wait(void *user, uint32_t events, uint32_t timeout)
{
  tern__tls *tls = user;

  if (tls != NULL) tern__transport_wait(&tls->lower, tls_pending(user, events), timeout);
}

const tern_transport *tern__tls_transport(void)
{
  static const tern_transport table = {sizeof(tern_transport),
                                       tls_read,
                                       tls_write,
                                       tls_writev,
                                       tls_close,
                                       tls_handle,
                                       tls_now,
                                       tls_wait,
                                       tls_pending};

  return &table;
}
