/* dane.c - TLSA records against the certificates that a server presented (RFC 6698, 7671, 7672).
 * Duty: usage 3 pins the server's own certificate or key, names and dates do not count; usage 2
 * names an anchor, presented by the server or whole in the record, below which chain, dates and
 * names must be in order. Neighbours: tls_verify.c calls it for the server's certificate.
 * Limits: a bare public key as anchor (2 1 0) must be that of a certificate that is presented. */
#include "transport/dane.h"

#include <mbedtls/md.h>
#include <string.h>

#include "transport/tls_mbedtls.h"
#include "transport/tlsa.h"

#define DIGEST_MAX 64u

/* RFC 6698 2.1.2 and 2.1.3. *nomem is set where a digest could not be made. */
static int matches(const tern_tlsa *record, const mbedtls_x509_crt *crt, int *nomem)
{
  const mbedtls_x509_buf *part = record->selector == 0 ? &crt->raw : &crt->pk_raw;
  uint8_t digest[DIGEST_MAX];
  const uint8_t *octets = digest;
  size_t len = part->len;

  if (record->matching == TERN__TLSA_WHOLE) {
    octets = part->p;
  } else {
    len = record->matching == TERN__TLSA_SHA256 ? 32 : 64;
    if (mbedtls_md(mbedtls_md_info_from_type(len == 32 ? MBEDTLS_MD_SHA256 : MBEDTLS_MD_SHA512),
                   part->p, part->len, digest) != 0) {
      *nomem = 1;
      return 0;
    }
  }
  return len == record->len && memcmp(octets, record->octets, len) == 0;
}

/* Chain, dates and names with the one anchor. */
static uint32_t below(mbedtls_x509_crt *chain, mbedtls_x509_crt *anchor,
                      const tern__identity *names, size_t name_count)
{
  uint32_t flags = 0;
  int rc = mbedtls_x509_crt_verify(chain, anchor, NULL, NULL, &flags, NULL, NULL);

  if (rc != 0 && flags == 0) flags = MBEDTLS_X509_BADCERT_OTHER;
  if (!tern__tls_named(chain, names, name_count)) flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  return flags;
}

typedef struct trial {
  mbedtls_x509_crt *chain;
  const tern__identity *names;
  size_t name_count;
  tern__dane_result *result;
  tern_status status;
} trial;

/* Tries the DER as an anchor; 1: it vouches. Of the faults of several the first is kept, but for
 * that of an anchor that the chain does not even lead to. */
static int try_anchor(trial *t, const uint8_t *der, size_t len, uint32_t index, uint32_t depth)
{
  mbedtls_x509_crt anchor;
  uint32_t flags;
  int rc;

  mbedtls_x509_crt_init(&anchor);
  rc = mbedtls_x509_crt_parse_der(&anchor, der, len);
  if (rc == 0) {
    flags = below(t->chain, &anchor, t->names, t->name_count);
    if (flags == 0 ||
        (t->status == TERN_E_TLS_DANE && !(flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED))) {
      t->result->index = index;
      t->result->depth = depth;
      t->result->flags = flags;
      t->status = tern__tls_status_of(flags);
    }
  } else if (tern__mbed_is_nomem(rc)) {
    t->status = TERN_E_NOMEM;
  }
  mbedtls_x509_crt_free(&anchor);
  return t->status == TERN_OK || t->status == TERN_E_NOMEM;
}

static int try_record(trial *t, const tern_tlsa *record, uint32_t index)
{
  mbedtls_x509_crt *crt = record->usage == TERN__TLSA_TA ? t->chain->next : t->chain;
  uint32_t depth = record->usage == TERN__TLSA_TA ? 1 : 0;
  int nomem = 0;

  for (; crt != NULL && crt->raw.p != NULL; crt = crt->next, depth++) {
    if (matches(record, crt, &nomem)) {
      if (record->usage == TERN__TLSA_TA) {
        if (try_anchor(t, crt->raw.p, crt->raw.len, index, depth)) return 1;
      } else {
        t->result->index = index;
        t->result->depth = 0;
        t->status = TERN_OK;
        return 1;
      }
    }
    if (nomem) t->status = TERN_E_NOMEM;
    if (nomem || record->usage == TERN__TLSA_EE) return nomem;
  }
  if (record->usage == TERN__TLSA_TA && record->selector == 0 &&
      record->matching == TERN__TLSA_WHOLE)
    return try_anchor(t, record->octets, record->len, index, UINT32_MAX);
  return 0;
}

/* 1: decided. */
static int try_usage(trial *t, const tern_tlsa *records, size_t count, uint8_t usage)
{
  size_t i;

  for (i = 0; i < count; i++)
    if (records[i].usage == usage && tern__tlsa_usable(&records[i]) &&
        !tern__tlsa_outdone(records, count, &records[i]) && try_record(t, &records[i], (uint32_t)i))
      return 1;
  return 0;
}

tern_status tern__dane_check(const tern_tlsa *records, size_t count, mbedtls_x509_crt *chain,
                             const tern__identity *names, size_t name_count,
                             tern__dane_result *result)
{
  trial t;

  t.chain = chain;
  t.names = names;
  t.name_count = name_count;
  t.result = result;
  t.status = TERN_E_TLS_DANE;
  result->index = result->depth = UINT32_MAX;
  result->flags = 0;
  /* usage 3 first: it costs no signature, and asks for nothing else */
  if (!try_usage(&t, records, count, TERN__TLSA_EE))
    (void)try_usage(&t, records, count, TERN__TLSA_TA);
  result->state = t.status == TERN_OK ? TERN_TLSA_MATCHED : TERN_TLSA_FAILED;
  return t.status;
}
