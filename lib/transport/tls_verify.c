/* tls_verify.c - the verdict over the server's certificate, with a line that says why.
 * Duty: Mbed TLS walks the chain and tells what it found; names are compared here (identity.c), and
 * under DANE the records decide (dane.c). Of several faults one is named, in the order of tls.h. */
#include <string.h>

#include "transport/tls_mbedtls.h"
#include "base/words.h"

/* The common name, else the organization, of a subject or issuer, harmless to print; else none. */
static const char *name_of(const mbedtls_x509_name *name, const char *none, char *out, size_t cap)
{
  static const uint8_t oids[2][3] = {{0x55, 4, 3}, {0x55, 4, 10}};
  const mbedtls_x509_name *n;
  size_t i;

  for (i = 0; i < 2; i++)
    for (n = name; n != NULL; n = n->next)
      if (n->oid.len == 3 && n->oid.p != NULL && memcmp(n->oid.p, oids[i], 3) == 0) {
        (void)tern__words_clean(out, cap, n->val.p, n->val.len);
        return out;
      }
  (void)tern__words_clean(out, cap, none, strlen(none));
  return out;
}

#define NAMED_FLAGS                                                                                \
  (MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_CN_MISMATCH |                           \
   MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)

tern_status tern__tls_status_of(uint32_t flags)
{
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return TERN_E_TLS_UNKNOWN_CA;
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) return TERN_E_TLS_WRONG_HOST;
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) return TERN_E_TLS_EXPIRED;
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) return TERN_E_TLS_NOT_YET_VALID;
  return flags == 0 ? TERN_OK : TERN_E_TLS_CERTIFICATE;
}

/* Which of two verdicts goes first; TERN_OK and TERN_E_AGAIN last. */
static size_t rank(tern_status status)
{
  static const tern_status order[] = {
    TERN_E_NOMEM,       TERN_E_TLS_DANE,          TERN_E_TLS_UNKNOWN_CA, TERN_E_TLS_WRONG_HOST,
    TERN_E_TLS_EXPIRED, TERN_E_TLS_NOT_YET_VALID, TERN_E_TLS_CERTIFICATE};
  size_t i;

  for (i = 0; i < sizeof order / sizeof *order && order[i] != status; i++) continue;
  return i;
}

int tern__tls_refused(const tern__tls *tls)
{
  return rank(tls->verdict) < rank(TERN_OK);
}

int tern__tls_named(const mbedtls_x509_crt *crt, const tern__identity *names, size_t count)
{
  size_t i, len;
  const uint8_t *san = tern__identity_san(crt->v3_ext.p, crt->v3_ext.len, &len);

  for (i = 0; i < count; i++)
    if (tern__identity_match(&names[i], san, len)) return 1;
  return 0;
}

static void say_wrong_host(tern__tls *tls, const mbedtls_x509_crt *crt)
{
  char list[192], name[64];
  const char *asked = tls->host[0] != 0 ? tls->host : "a host without a name";
  size_t len;
  const uint8_t *san = tern__identity_san(crt->v3_ext.p, crt->v3_ext.len, &len);

  if (tern__identity_list(san, len, list, sizeof list) > 0)
    tern__tls_say(tls, "the certificate is for %s; asked for %s", list, asked);
  else
    tern__tls_say(
      tls,
      "the certificate names no host in its subjectAltName (its common name, %s, does not "
      "count); asked for %s",
      name_of(&crt->subject, "none", name, sizeof name), asked);
}

static const char *fault_text(uint32_t flags)
{
  if ((flags & (MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
                MBEDTLS_X509_BADCERT_NS_CERT_TYPE)) != 0)
    return "is not meant for a server (key usage)";
  if ((flags & MBEDTLS_X509_BADCERT_BAD_KEY) != 0)
    return "has a key that is too weak or of a kind not accepted";
  if ((flags & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK)) != 0)
    return "is signed in a way that is too weak or not accepted";
  if ((flags & MBEDTLS_X509_BADCERT_REVOKED) != 0) return "is revoked";
  if ((flags & MBEDTLS_X509_BADCERT_MISSING) != 0) return "is missing";
  return "cannot be verified";
}

static void say_fault(tern__tls *tls, const mbedtls_x509_crt *crt, uint32_t flags)
{
  char name[64], issuer[64];
  const mbedtls_x509_time *t;

  (void)name_of(&crt->subject, tls->host, name, sizeof name);
  switch (tern__tls_status_of(flags)) {
  case TERN_E_TLS_UNKNOWN_CA:
    if (crt->subject_raw.len == crt->issuer_raw.len &&
        memcmp(crt->subject_raw.p, crt->issuer_raw.p, crt->subject_raw.len) == 0)
      tern__tls_say(tls, "the certificate of %s is self-signed and not trusted", name);
    else
      tern__tls_say(tls, "the certificate of %s is issued by %s, who is not trusted", name,
                    name_of(&crt->issuer, "an authority without a name", issuer, sizeof issuer));
    break;
  case TERN_E_TLS_EXPIRED:
    t = &crt->valid_to;
    tern__tls_say(tls, "the certificate of %s expired on %04d-%02d-%02d", name, t->year, t->mon,
                  t->day);
    break;
  case TERN_E_TLS_NOT_YET_VALID:
    t = &crt->valid_from;
    tern__tls_say(tls, "the certificate of %s is not valid before %04d-%02d-%02d", name, t->year,
                  t->mon, t->day);
    break;
  default: tern__tls_say(tls, "the certificate of %s %s", name, fault_text(flags));
  }
}

static void note(tern__tls *tls, const mbedtls_x509_crt *crt, tern_status status, uint32_t flags)
{
  if (rank(status) >= rank(tls->verdict)) return;
  tls->verdict = status;
  if (status == TERN_E_TLS_DANE)
    tern__tls_say(tls, "none of the %u TLSA records of %s fits the server's certificate",
                  (unsigned)tls->tlsa_count, tls->host);
  else if (status == TERN_E_TLS_WRONG_HOST)
    say_wrong_host(tls, crt);
  else if (status != TERN_E_NOMEM)
    say_fault(tls, crt, flags);
}

/* The records alone decide. Mbed TLS refuses for a fatal error of the callback in any mode. */
static int judge_by_dane(tern__tls *tls, mbedtls_x509_crt *leaf)
{
  tern_status status =
    tern__dane_check(tls->tlsa, tls->tlsa_count, leaf, tls->names, tls->name_count, &tls->dane);

  if (status != TERN_OK) {
    note(tls, leaf, status, tls->dane.flags);
    return MBEDTLS_ERR_X509_FATAL_ERROR;
  }
  if (tls->tlsa[tls->dane.index].usage == 3) tls->verdict = TERN_OK; /* whatever its key is for */
  return 0;
}

/* Mbed TLS calls this for each certificate of the chain, the server's own (depth 0, first of the
 * list that was presented) last, with what it found; what stands in *flags afterwards decides. Its
 * opinion of the name is struck out. */
int tern__tls_on_certificate(void *user, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
  tern__tls *tls = user;

  *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
  if (tls->by_dane) *flags = 0;
  if (depth == 0) {
    tls->leaf_seen = 1;
    tern__tls_resume_note(tls, crt);
    if (tls->keep_chain && !tern__tls_chain_keep(tls, crt)) {
      note(tls, crt, TERN_E_NOMEM, 0);
      return MBEDTLS_ERR_X509_FATAL_ERROR;
    }
    if (tls->by_dane) return judge_by_dane(tls, crt);
    tls->named = tern__tls_named(crt, tls->names, tls->name_count) != 0;
    if (!tls->named) *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  }
  note(tls, crt, tern__tls_status_of(*flags), *flags);
  return 0;
}

/* What was found beside the callback's verdict: the server's key usage, a chain that could not be
 * walked. */
void tern__tls_conclude(tern__tls *tls)
{
  uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);

  if (tls->verify == TERN__TLS_VERIFY_NONE) return;
  if (tls->verdict != TERN_E_AGAIN) return;
  if (tls->leaf_seen && flags == 0) {
    tls->verdict = TERN_OK;
    return;
  }
  if (flags == 0 || flags == UINT32_MAX) flags = MBEDTLS_X509_BADCERT_OTHER;
  flags &= ~(uint32_t)NAMED_FLAGS; /* those came through the callback */
  tls->verdict = TERN_E_TLS_CERTIFICATE;
  tern__tls_say(tls, "the server's certificate %s", fault_text(flags));
}
