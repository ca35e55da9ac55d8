/* tls_resume.c - a TLS session taken up again: RFC 5077, RFC 8446 2.2.
 * Duty: under which key a session is kept, when it is worth keeping, when it may be offered. Only
 * sessions whose certificate had to verify and did: what comes of one is as verified as it was. The
 * end of the certificate holds for what follows from it too. Neighbours: tls_cache.c keeps. */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "transport/tls_mbedtls.h"

static void add_text(tern__hash *hash, const char *text)
{
  tern__hash_add(hash, text == NULL ? "-" : "+", 1);
  if (text != NULL) tern__hash_add(hash, text, strlen(text) + 1);
}

void tern__tls_resume_key(tern__tls *tls, const tern__tls_config *config)
{
  tern__hash hash;
  uint8_t port[4];
  size_t i;

  if (config->cache == NULL || config->verify != TERN__TLS_VERIFY_REQUIRED ||
      config->tlsa_count > 0 || config->pin_count > 0 || config->check != NULL)
    return;
  tls->cache = config->cache;
  for (i = 0; i < 4; i++) port[i] = (uint8_t)(config->port >> (8 * i));
  tern__hash_begin(&hash, TERN__SHA256);
  tern__hash_add(&hash, port, sizeof port);
  if (config->trust != NULL && config->trust->shared) {
    tern__hash_add(&hash, "shared", 6);
    tern__hash_add(&hash, tern__trust_digest(config->trust), TERN__TLS_KEY);
  }
  add_text(&hash, config->ca);
  add_text(&hash, config->ca_pem);
  add_text(&hash, config->certificate);
  add_text(&hash, config->key);
  add_text(&hash, config->host);
  add_text(&hash, config->name);
  for (i = 0; i < config->name_count; i++) add_text(&hash, config->names[i]);
  tern__hash_end(&hash, tls->ticket_key);
}

void tern__tls_resume_note(tern__tls *tls, const mbedtls_x509_crt *leaf)
{
  const mbedtls_x509_time *t = &leaf->valid_to;

  tls->until = (uint64_t)t->year;
  tls->until = tls->until * 100 + (uint64_t)t->mon;
  tls->until = tls->until * 100 + (uint64_t)t->day;
  tls->until = tls->until * 100 + (uint64_t)t->hour;
  tls->until = tls->until * 100 + (uint64_t)t->min;
  tls->until = tls->until * 100 + (uint64_t)t->sec;
}

static int is_past(uint64_t until)
{
  mbedtls_x509_time t;

  t.sec = (int)(until % 100);
  t.min = (int)(until / 100 % 100);
  t.hour = (int)(until / 10000 % 100);
  t.day = (int)(until / 1000000 % 100);
  t.mon = (int)(until / 100000000 % 100);
  t.year = (int)(until / 10000000000u % 10000);
  return mbedtls_x509_time_is_past(&t);
}

void tern__tls_resume_offer(tern__tls *tls)
{
  tern__tls_ticket ticket;
  mbedtls_ssl_session session;

  if (tls->cache == NULL || !tern__tls_cache_take(tls->cache, tls->ticket_key, &ticket)) return;
  mbedtls_ssl_session_init(&session);
  /* what does not load is of another Mbed TLS: a full handshake then */
  if (!is_past(ticket.until) &&
      mbedtls_ssl_session_load(&session, ticket.octets, ticket.len) == 0 &&
      mbedtls_ssl_set_session(&tls->ssl, &session) == 0) {
    tls->offered = 1;
    tls->until = ticket.until;
  }
  mbedtls_ssl_session_free(&session);
  tern__tls_cache_drop(tls->cache, &ticket);
}

void tern__tls_resume_keep(tern__tls *tls)
{
  tern__tls_ticket ticket;
  mbedtls_ssl_session session;

  if (tls->cache == NULL || tls->verdict != TERN_OK) return;
  memset(&ticket, 0, sizeof ticket);
  memcpy(ticket.key, tls->ticket_key, TERN__TLS_KEY);
  ticket.until = tls->until;
  mbedtls_ssl_session_init(&session);
  if (mbedtls_ssl_get_session(&tls->ssl, &session) == 0 && tern__mbed_can_resume(&session)) {
    (void)mbedtls_ssl_session_save(&session, NULL, 0, &ticket.len);
    ticket.octets = tern__alloc(tls->mem, ticket.len);
    if (ticket.octets != NULL) {
      size_t len = ticket.len;

      if (mbedtls_ssl_session_save(&session, ticket.octets, len, &ticket.len) == 0)
        tern__tls_cache_put(tls->cache, &ticket);
      tern__wipe(ticket.octets, len);
      tern__free(tls->mem, ticket.octets, len);
    }
  }
  mbedtls_ssl_session_free(&session);
}
