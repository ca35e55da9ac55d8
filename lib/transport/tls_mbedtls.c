/* tls_mbedtls.c - TLS by Mbed TLS 2.28 (TLS 1.2) or 3.x (1.3 too), over any transport.
 * Duty: set-up from files, a handshake whose every failure has a name, octets both ways. The one
 * place of the room that knows Mbed TLS's versions. Neighbours: transport.c below, identity.c for
 * the server's name, the client above. Limits: no session resumption, no CRL or
 * OCSP, no name constraints (a critical one makes Mbed TLS refuse the certificate), no passphrases
 * for keys. Mbed TLS has a global state of its own (PSA) and takes memory by itself. */
#include "transport/tls.h"

#include <errno.h>
#include <mbedtls/version.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "transport/identity.h"
#include "transport/words.h"

#define MBED3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)
#if MBED3
#define FIELD(name) MBEDTLS_PRIVATE(name)
#include <psa/crypto.h>
#else
#define FIELD(name) name
#endif

#define DETAIL 512u
#define STAGE 4096u           /* small spans gathered into one record */
#define FILE_LIMIT 0x1000000u /* octets of a PEM or DER file */
#define DROUGHT 0x100000u     /* octets of TLS in a handshake, or without any of SMTP among them */
#define RECORD 16384u         /* RFC 8446 5.1 */

struct tern__trust {
  const tern_allocator *mem;
  mbedtls_x509_crt chain;
};

struct tern__tls {
  const tern_allocator *mem;
  tern__link lower;
  tern_status ended;   /* of the handshake; TERN_E_AGAIN: under way */
  tern_status failed;  /* of the session behind it, sticky; TERN_OK: none */
  tern_status broken;  /* what the lower transport answered, neither AGAIN nor CLOSED; TERN_OK */
  tern_status verdict; /* over the server's certificate */
  uint32_t verify;
  uint32_t field;
  uint32_t waits; /* events that the lower transport needs after its last AGAIN */
  uint32_t read_waits, write_waits;
  uint32_t drought;
  size_t held;       /* octets in a record that was not written out whole */
  uint8_t heard;     /* something came from the peer */
  uint8_t plain;     /* and it was no TLS but text */
  uint8_t eof;       /* the lower transport has ended */
  uint8_t leaf_seen; /* the verification came as far as the server's own certificate */
  tern__identity identity;
  tern__trust *trust;
  tern__trust *own_trust;
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config conf;
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context drbg;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  char host[256]; /* as asked for, harmless to print */
  char detail[DETAIL];
  uint8_t stage[STAGE];
};

/* ---- words ------------------------------------------------------------------------------------*/

#ifdef __GNUC__
__attribute__((format(printf, 3, 4)))
#endif
static void
say(char *out, size_t cap, const char *format, ...)
{
  va_list args;
  size_t i;

  if (cap == 0) return;
  va_start(args, format);
  if (vsnprintf(out, cap, format, args) < 0) out[0] = 0;
  va_end(args);
  for (i = 0; out[i] != 0; i++)
    if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f) out[i] = '?';
}

/* " (text of Mbed TLS)" for a code of its. */
static const char *mbed_text(int rc, char *text, size_t cap)
{
  mbedtls_strerror(rc, text, cap);
  return text;
}

/* The codes are a high part (bits 7 to 14) and a low one (0 to 6); either can tell of memory. */
static int is_nomem(int rc)
{
  static const int high[] = {MBEDTLS_ERR_SSL_ALLOC_FAILED,   MBEDTLS_ERR_X509_ALLOC_FAILED,
                             MBEDTLS_ERR_PK_ALLOC_FAILED,    MBEDTLS_ERR_PEM_ALLOC_FAILED,
                             MBEDTLS_ERR_ECP_ALLOC_FAILED,   MBEDTLS_ERR_MD_ALLOC_FAILED,
                             MBEDTLS_ERR_CIPHER_ALLOC_FAILED};
  int code = -rc;
  size_t i;

  if (code <= 0) return 0;
  if ((code & 0x7f) == -MBEDTLS_ERR_MPI_ALLOC_FAILED ||
      (code & 0x7f) == -MBEDTLS_ERR_ASN1_ALLOC_FAILED)
    return 1;
  for (i = 0; i < sizeof high / sizeof *high; i++)
    if ((code & 0x7f80) == -high[i]) return 1;
  return 0;
}

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

/* ---- files ------------------------------------------------------------------------------------*/

/* A file's octets with a NUL behind them, which Mbed TLS wants after PEM; *len counts it. */
typedef struct file {
  const tern_allocator *mem;
  uint8_t *octets;
  size_t cap;
  size_t len;
  int error; /* errno of what failed, or 0 */
} file;

static void file_free(file *f)
{
  if (f->octets != NULL) tern__wipe(f->octets, f->cap); /* may be a key */
  tern__free(f->mem, f->octets, f->cap);
  f->octets = NULL;
}

static int file_grow(file *f)
{
  size_t cap = f->cap == 0 ? 8192 : 2 * f->cap;
  uint8_t *octets = tern__alloc(f->mem, cap);
  size_t len = f->len;

  if (octets == NULL) return 0;
  if (len > 0) memcpy(octets, f->octets, len);
  file_free(f);
  f->octets = octets;
  f->cap = cap;
  return 1;
}

/* Reads it whole, from a pipe too. TERN_OK, TERN_E_NOMEM, or TERN_E_CONFIG with *why. */
static tern_status file_read(const tern_allocator *mem, const char *path, file *f, const char **why,
                             char *number, size_t cap)
{
  tern_status status = TERN_OK;
  FILE *stream;

  memset(f, 0, sizeof *f);
  f->mem = mem;
  stream = fopen(path, "rb");
  if (stream == NULL) {
    f->error = errno;
    *why = tern__words_errno(f->error, number, cap);
    return TERN_E_CONFIG;
  }
  (void)setvbuf(stream, NULL, _IONBF, 0); /* no copy of a key stays in a buffer of libc */
  while (status == TERN_OK && !feof(stream)) {
    if (f->len + 1 >= f->cap && !file_grow(f)) {
      status = TERN_E_NOMEM;
      break;
    }
    f->len += fread(f->octets + f->len, 1, f->cap - 1 - f->len, stream);
    if (ferror(stream)) {
      f->error = errno;
      *why = tern__words_errno(f->error, number, cap);
      status = TERN_E_CONFIG;
    } else if (f->len > FILE_LIMIT) {
      *why = "too large";
      status = TERN_E_CONFIG;
    }
  }
  (void)fclose(stream);
  if (status != TERN_OK) {
    file_free(f);
    return status;
  }
  f->octets[f->len++] = 0;
  return TERN_OK;
}

/* Certificates or keys: Mbed TLS takes PEM with its NUL, DER without. */
static int is_pem(const file *f)
{
  return f->len > 11 && strstr((const char *)f->octets, "-----BEGIN ") != NULL;
}

/* Parses what a file holds. Some of a bundle may be of kinds unknown to Mbed TLS: one is enough. */
static tern_status parse_certificates(mbedtls_x509_crt *chain, const file *f)
{
  int rc = mbedtls_x509_crt_parse(chain, f->octets, is_pem(f) ? f->len : f->len - 1);

  if (is_nomem(rc)) return TERN_E_NOMEM;
  return rc < 0 || chain->version == 0 ? TERN_E_CONFIG : TERN_OK;
}

/* ---- trust ------------------------------------------------------------------------------------*/

static tern_status trust_path(tern__trust *trust, const char *path, char *detail, size_t cap)
{
  char number[16];
  const char *why = "no certificate in PEM or DER form in it";
  file f;
  tern_status status = file_read(trust->mem, path, &f, &why, number, sizeof number);

  if (status == TERN_OK) {
    status = parse_certificates(&trust->chain, &f);
    file_free(&f);
  } else if (status == TERN_E_CONFIG && f.error == EISDIR) {
#if defined(MBEDTLS_FS_IO)
    int rc = mbedtls_x509_crt_parse_path(&trust->chain, path);

    why = "no certificate in PEM or DER form in this folder";
    status = is_nomem(rc) ? TERN_E_NOMEM : trust->chain.version == 0 ? TERN_E_CONFIG : TERN_OK;
#endif
  }
  if (status == TERN_E_CONFIG) say(detail, cap, "%s: %s", path, why);
  return status;
}

static tern_status trust_pem(tern__trust *trust, const char *pem, char *detail, size_t cap)
{
  int rc = mbedtls_x509_crt_parse(&trust->chain, (const unsigned char *)pem, strlen(pem) + 1);

  if (is_nomem(rc)) return TERN_E_NOMEM;
  if (rc >= 0 && trust->chain.version != 0) return TERN_OK;
  say(detail, cap, "the trusted certificates in memory: no certificate in PEM form");
  return TERN_E_CONFIG;
}

/* Where hosts keep their authorities: Debian and kin, Red Hat and kin, BSD and macOS, a folder. */
static tern_status trust_system(tern__trust *trust, char *detail, size_t cap)
{
  static const char *const stores[] = {"/etc/ssl/certs/ca-certificates.crt",
                                       "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
                                       "/etc/ssl/certs"};
  size_t i;

  for (i = 0; i < sizeof stores / sizeof *stores; i++) {
    tern_status status = trust_path(trust, stores[i], NULL, 0);

    if (status != TERN_E_CONFIG) return status;
  }
  say(detail, cap,
      "no trusted authorities at %s and three other places: install the package "
      "ca-certificates, or name a CA file",
      stores[0]);
  return TERN_E_TLS_NO_TRUST;
}

tern_status tern__trust_new(const tern_allocator *mem, const char *path, const char *pem,
                            tern__trust **trust, char *detail, size_t cap)
{
  tern_status status;
  tern__trust *t = tern__alloc(mem, sizeof *t);

  *trust = NULL;
  if (cap > 0) detail[0] = 0;
  if (t == NULL) return TERN_E_NOMEM;
  t->mem = mem;
  mbedtls_x509_crt_init(&t->chain);
  if (pem != NULL)
    status = trust_pem(t, pem, detail, cap);
  else if (path != NULL)
    status = trust_path(t, path, detail, cap);
  else
    status = trust_system(t, detail, cap);
  if (status != TERN_OK)
    tern__trust_free(t);
  else
    *trust = t;
  return status;
}

void tern__trust_free(tern__trust *trust)
{
  if (trust == NULL) return;
  mbedtls_x509_crt_free(&trust->chain);
  tern__free(trust->mem, trust, sizeof *trust);
}

/* ---- set-up -----------------------------------------------------------------------------------*/

static tern_status load_trust(tern__tls *tls, const tern__tls_config *config)
{
  tern_status status;

  if (config->verify == TERN__TLS_VERIFY_NONE && config->ca == NULL && config->ca_pem == NULL)
    return TERN_OK;
  tls->trust = config->trust;
  if (tls->trust != NULL) return TERN_OK;
  status =
    tern__trust_new(tls->mem, config->ca, config->ca_pem, &tls->own_trust, tls->detail, DETAIL);
  tls->trust = tls->own_trust;
  if (status == TERN_E_CONFIG) tls->field = TERN_FIELD_CA;
  if (status == TERN_E_TLS_NO_TRUST && config->verify == TERN__TLS_VERIFY_OPTIONAL)
    return TERN_OK; /* then nothing verifies, and the verdict says so */
  return status;
}

static tern_status config_fault(tern__tls *tls, uint32_t field, const char *path, const char *why)
{
  tls->field = field;
  say(tls->detail, DETAIL, "%s: %s", path, why);
  return TERN_E_CONFIG;
}

static int parse_key(tern__tls *tls, const file *f)
{
  size_t len = is_pem(f) ? f->len : f->len - 1;

#if MBED3
  return mbedtls_pk_parse_key(&tls->key, f->octets, len, NULL, 0, mbedtls_ctr_drbg_random,
                              &tls->drbg);
#else
  return mbedtls_pk_parse_key(&tls->key, f->octets, len, NULL, 0);
#endif
}

static int key_fits(tern__tls *tls)
{
#if MBED3
  return mbedtls_pk_check_pair(&tls->certificate.pk, &tls->key, mbedtls_ctr_drbg_random,
                               &tls->drbg);
#else
  return mbedtls_pk_check_pair(&tls->certificate.pk, &tls->key);
#endif
}

static tern_status load_key(tern__tls *tls, const char *path)
{
  char number[16];
  const char *why = "";
  file f;
  int rc;
  tern_status status = file_read(tls->mem, path, &f, &why, number, sizeof number);

  if (status == TERN_E_CONFIG) return config_fault(tls, TERN_FIELD_KEY, path, why);
  if (status != TERN_OK) return status;
  rc = parse_key(tls, &f);
  file_free(&f);
  if (is_nomem(rc)) return TERN_E_NOMEM;
  if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || rc == MBEDTLS_ERR_PEM_PASSWORD_REQUIRED)
    return config_fault(tls, TERN_FIELD_KEY, path, "the key is locked by a passphrase");
  if (rc != 0)
    return config_fault(tls, TERN_FIELD_KEY, path, "no private key in PEM or DER form in it");
  rc = key_fits(tls);
  if (is_nomem(rc)) return TERN_E_NOMEM;
  if (rc != 0)
    return config_fault(tls, TERN_FIELD_KEY, path, "the key is not that of the certificate");
  return TERN_OK;
}

static tern_status load_certificate(tern__tls *tls, const tern__tls_config *config)
{
  char number[16];
  const char *why = "", *path = config->certificate;
  file f;
  int rc;
  tern_status status;

  if (path == NULL)
    return config->key == NULL ? TERN_OK
                               : config_fault(tls, TERN_FIELD_CERTIFICATE, config->key,
                                              "a key without a certificate cannot be used");
  status = file_read(tls->mem, path, &f, &why, number, sizeof number);
  if (status == TERN_E_CONFIG) return config_fault(tls, TERN_FIELD_CERTIFICATE, path, why);
  if (status != TERN_OK) return status;
  status = parse_certificates(&tls->certificate, &f);
  file_free(&f);
  if (status == TERN_E_CONFIG)
    return config_fault(tls, TERN_FIELD_CERTIFICATE, path,
                        "no certificate in PEM or DER form in it");
  if (status == TERN_OK) status = load_key(tls, config->key != NULL ? config->key : path);
  if (status != TERN_OK) return status;
  rc = mbedtls_ssl_conf_own_cert(&tls->conf, &tls->certificate, &tls->key);
  return rc == 0 ? TERN_OK : TERN_E_NOMEM;
}

static tern_status start_random(tern__tls *tls)
{
  int rc;

#if MBED3 && defined(MBEDTLS_PSA_CRYPTO_C)
  /* TLS 1.3 computes by PSA, which versions before 3.6.1 do not start by themselves. It is global
   * to the program; starting it twice does nothing. */
  psa_status_t psa = psa_crypto_init();

  if (psa != PSA_SUCCESS)
    return psa == PSA_ERROR_INSUFFICIENT_MEMORY ? TERN_E_NOMEM : TERN_E_RANDOM;
#endif
  rc = mbedtls_ctr_drbg_seed(&tls->drbg, mbedtls_entropy_func, &tls->entropy, NULL, 0);
  if (rc == 0) return TERN_OK;
  return is_nomem(rc) ? TERN_E_NOMEM : TERN_E_RANDOM;
}

static int lower_read(void *user, unsigned char *octets, size_t cap);
static int lower_write(void *user, const unsigned char *octets, size_t len);
static int on_certificate(void *user, mbedtls_x509_crt *crt, int depth, uint32_t *flags);

static int set_policy(tern__tls *tls)
{
  static const int modes[] = {MBEDTLS_SSL_VERIFY_REQUIRED, MBEDTLS_SSL_VERIFY_OPTIONAL,
                              MBEDTLS_SSL_VERIFY_NONE};
  int rc = mbedtls_ssl_config_defaults(&tls->conf, MBEDTLS_SSL_IS_CLIENT,
                                       MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

  if (rc != 0) return rc;
#if MBED3
  mbedtls_ssl_conf_min_tls_version(&tls->conf, MBEDTLS_SSL_VERSION_TLS1_2); /* RFC 8314 4.1 */
#else
  mbedtls_ssl_conf_min_version(&tls->conf, MBEDTLS_SSL_MAJOR_VERSION_3,
                               MBEDTLS_SSL_MINOR_VERSION_3);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
  mbedtls_ssl_conf_renegotiation(&tls->conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
  mbedtls_ssl_conf_session_tickets(&tls->conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
  mbedtls_ssl_conf_rng(&tls->conf, mbedtls_ctr_drbg_random, &tls->drbg);
  mbedtls_ssl_conf_authmode(&tls->conf, modes[tls->verify]);
  if (tls->trust != NULL) mbedtls_ssl_conf_ca_chain(&tls->conf, &tls->trust->chain, NULL);
  if (tls->verify != TERN__TLS_VERIFY_NONE)
    mbedtls_ssl_conf_verify(&tls->conf, on_certificate, tls);
  return 0;
}

static tern_status set_up(tern__tls *tls, const tern__tls_config *config)
{
  int rc;
  tern_status status = start_random(tls);

  if (status == TERN_OK) status = load_trust(tls, config);
  if (status != TERN_OK) return status;
  rc = set_policy(tls);
  if (rc == 0) status = load_certificate(tls, config);
  if (status != TERN_OK) return status;
  if (rc == 0) rc = mbedtls_ssl_setup(&tls->ssl, &tls->conf);
  /* SNI bears DNS names only (RFC 6066 3). 3.6 wants the call even where there is no name. */
  if (rc == 0)
    rc = mbedtls_ssl_set_hostname(
      &tls->ssl, tls->identity.kind == TERN__IDENTITY_DNS ? tls->identity.dns : NULL);
  if (rc != 0) {
    char text[128];

    say(tls->detail, DETAIL, "TLS cannot be set up: %s", mbed_text(rc, text, sizeof text));
    return is_nomem(rc) ? TERN_E_NOMEM : TERN_E_TLS_HANDSHAKE;
  }
  mbedtls_ssl_set_bio(&tls->ssl, tls, lower_write, lower_read, NULL);
  return TERN_OK;
}

tern_status tern__tls_new(const tern_allocator *mem, const tern__tls_config *config,
                          tern__tls **out)
{
  tern__tls *tls = tern__alloc(mem, sizeof *tls);
  tern_status status;

  *out = tls;
  if (tls == NULL) return TERN_E_NOMEM;
  tls->mem = mem;
  mbedtls_ssl_init(&tls->ssl);
  mbedtls_ssl_config_init(&tls->conf);
  mbedtls_entropy_init(&tls->entropy);
  mbedtls_ctr_drbg_init(&tls->drbg);
  mbedtls_x509_crt_init(&tls->certificate);
  mbedtls_pk_init(&tls->key);
  tls->lower = config->lower;
  tls->verify = config->verify;
  tls->verdict = TERN_E_AGAIN;
  tls->waits = TERN_WRITE;
  tls->read_waits = TERN_READ;
  tls->write_waits = TERN_WRITE;
  tern__identity_read(&tls->identity, config->name);
  if (config->name != NULL)
    (void)tern__words_clean(tls->host, sizeof tls->host, config->name, strlen(config->name));
  status = tern__transport_check(&tls->lower);
  if (status == TERN_OK && tls->verify > TERN__TLS_VERIFY_NONE) status = TERN_E_ARGUMENT;
  if (status == TERN_OK) status = set_up(tls, config);
  tls->ended = status == TERN_OK ? TERN_E_AGAIN : status;
  return status;
}

void tern__tls_free(tern__tls *tls)
{
  if (tls == NULL) return;
  mbedtls_ssl_free(&tls->ssl);
  mbedtls_ssl_config_free(&tls->conf);
  mbedtls_pk_free(&tls->key);
  mbedtls_x509_crt_free(&tls->certificate);
  tern__trust_free(tls->own_trust);
  mbedtls_ctr_drbg_free(&tls->drbg);
  mbedtls_entropy_free(&tls->entropy);
  tern__wipe(tls->stage, STAGE);
  tern__free(tls->mem, tls, sizeof *tls);
}

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
  say(tls->detail, DETAIL, "the server speaks plain text where TLS is due: \"%s\"", text);
  tls->plain = 1;
}

static int lower_read(void *user, unsigned char *octets, size_t cap)
{
  tern__tls *tls = user;
  size_t len;
  tern_status status;

  if (cap > 2 * RECORD) cap = 2 * RECORD;
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
  if (tls->drought > DROUGHT) { /* tickets, warnings or empty records without end */
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

static int lower_write(void *user, const unsigned char *octets, size_t len)
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

/* ---- verification -----------------------------------------------------------------------------*/

#define NAMED_FLAGS                                                                                \
  (MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_CN_MISMATCH |                           \
   MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)

/* The status of what Mbed TLS found, in the order of tls.h. */
static tern_status status_of(uint32_t flags)
{
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return TERN_E_TLS_UNKNOWN_CA;
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) return TERN_E_TLS_WRONG_HOST;
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) return TERN_E_TLS_EXPIRED;
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) return TERN_E_TLS_NOT_YET_VALID;
  return flags == 0 ? TERN_OK : TERN_E_TLS_CERTIFICATE;
}

/* Which of two verdicts goes first; TERN_OK and TERN_E_AGAIN last. */
static int rank(tern_status status)
{
  static const tern_status order[] = {TERN_E_TLS_UNKNOWN_CA, TERN_E_TLS_WRONG_HOST,
                                      TERN_E_TLS_EXPIRED, TERN_E_TLS_NOT_YET_VALID,
                                      TERN_E_TLS_CERTIFICATE};
  int i;

  for (i = 0; i < 5; i++)
    if (order[i] == status) return i;
  return 5;
}

static void say_wrong_host(tern__tls *tls, const mbedtls_x509_crt *crt, const uint8_t *san,
                           size_t len)
{
  char list[192], name[64];
  const char *asked = tls->host[0] != 0 ? tls->host : "a host without a name";

  if (tern__identity_list(san, len, list, sizeof list) > 0)
    say(tls->detail, DETAIL, "the certificate is for %s; asked for %s", list, asked);
  else
    say(tls->detail, DETAIL,
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
  switch (status_of(flags)) {
  case TERN_E_TLS_UNKNOWN_CA:
    if (crt->subject_raw.len == crt->issuer_raw.len &&
        memcmp(crt->subject_raw.p, crt->issuer_raw.p, crt->subject_raw.len) == 0)
      say(tls->detail, DETAIL, "the certificate of %s is self-signed and not trusted", name);
    else
      say(tls->detail, DETAIL, "the certificate of %s is issued by %s, who is not trusted", name,
          name_of(&crt->issuer, "an authority without a name", issuer, sizeof issuer));
    break;
  case TERN_E_TLS_EXPIRED:
    t = &crt->valid_to;
    say(tls->detail, DETAIL, "the certificate of %s expired on %04d-%02d-%02d", name, t->year,
        t->mon, t->day);
    break;
  case TERN_E_TLS_NOT_YET_VALID:
    t = &crt->valid_from;
    say(tls->detail, DETAIL, "the certificate of %s is not valid before %04d-%02d-%02d", name,
        t->year, t->mon, t->day);
    break;
  default: say(tls->detail, DETAIL, "the certificate of %s %s", name, fault_text(flags));
  }
}

/* Mbed TLS calls this for each certificate of the chain, the server's own (depth 0) last, with
 * what it found; what stands in *flags afterwards decides. Its opinion of the name is struck out. */
static int on_certificate(void *user, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
  tern__tls *tls = user;
  const uint8_t *san = NULL;
  size_t len = 0;
  tern_status status;

  *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
  if (depth == 0) {
    tls->leaf_seen = 1;
    san = tern__identity_san(crt->v3_ext.p, crt->v3_ext.len, &len);
    if (!tern__identity_match(&tls->identity, san, len)) *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  }
  status = status_of(*flags);
  if (rank(status) < rank(tls->verdict)) {
    tls->verdict = status;
    if (status == TERN_E_TLS_WRONG_HOST)
      say_wrong_host(tls, crt, san, len);
    else
      say_fault(tls, crt, *flags);
  }
  return 0;
}

/* Takes what the handshake found beside the callback's verdict: the server's key usage, a chain
 * that could not be walked. */
static void conclude(tern__tls *tls)
{
  uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);

  if (tls->verify == TERN__TLS_VERIFY_NONE) return;
  if (rank(tls->verdict) < 5) return;
  if (tls->leaf_seen && flags == 0) {
    tls->verdict = TERN_OK;
    return;
  }
  if (flags == 0 || flags == UINT32_MAX) flags = MBEDTLS_X509_BADCERT_OTHER;
  flags &= ~(uint32_t)NAMED_FLAGS; /* those came through the callback */
  tls->verdict = TERN_E_TLS_CERTIFICATE;
  say(tls->detail, DETAIL, "the server's certificate %s", fault_text(flags));
}

/* ---- failures ---------------------------------------------------------------------------------*/

static const char *alert_text(int alert)
{
  static const struct {
    int code;
    const char *text;
  } table[] = {
    {10, "unexpected message"},      {20, "bad record MAC"},        {22, "record overflow"},
    {40, "handshake failure"},       {41, "no certificate"},        {42, "bad certificate"},
    {43, "unsupported certificate"}, {44, "certificate revoked"},   {45, "certificate expired"},
    {46, "certificate unknown"},     {47, "illegal parameter"},     {48, "unknown CA"},
    {49, "access denied"},           {50, "decode error"},          {51, "decrypt error"},
    {70, "protocol version"},        {71, "insufficient security"}, {80, "internal error"},
    {86, "inappropriate fallback"},  {90, "user canceled"},         {109, "missing extension"},
    {110, "unsupported extension"},  {112, "unrecognized name"},    {116, "certificate required"},
    {120, "no application protocol"}}; /* RFC 8446 6 */
  size_t i;

  for (i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].code == alert) return table[i].text;
  return "without a name here";
}

/* A fatal alert of the server. Those that speak of a certificate can only mean the client's. */
static tern_status alert_status(tern__tls *tls)
{
  int alert = tls->ssl.FIELD(in_msg) == NULL ? -1 : tls->ssl.FIELD(in_msg)[1];
  int state = tls->ssl.FIELD(state);
  int under_way = tls->ended == TERN_E_AGAIN;

  say(tls->detail, DETAIL, "the server refused by the TLS alert %d (%s)", alert, alert_text(alert));
  if ((alert >= 41 && alert <= 46) || alert == 48 || alert == 49 || alert == 116)
    return TERN_E_TLS_CLIENT_CERT;
  /* TLS 1.2 has no alert for a certificate that is lacking: it is 40, after the client's own
   * (RFC 5246 7.4.6); 40 in answer to the hello is about versions and suites. */
  if (alert == 40 && under_way && state > MBEDTLS_SSL_SERVER_HELLO_DONE &&
      state < MBEDTLS_SSL_HANDSHAKE_OVER)
    return TERN_E_TLS_CLIENT_CERT;
  if (under_way && (alert == 40 || alert == 70 || alert == 71 || alert == 86))
    return TERN_E_TLS_VERSION;
  return under_way ? TERN_E_TLS_HANDSHAKE : TERN_E_IO;
}

static int is_version_fault(int rc)
{
#if MBED3
  return rc == MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION || rc == MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE;
#else
  return rc == MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION || rc == MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN;
#endif
}

/* What the connection below or memory has to do with rc; TERN_OK: nothing. */
static tern_status common_status(tern__tls *tls, int rc, const char *when)
{
  if (tls->broken != TERN_OK && rc == MBEDTLS_ERR_SSL_CONN_EOF) {
    say(tls->detail, DETAIL,
        tls->drought > DROUGHT ? "the server sends TLS without end %s"
                               : "the connection was lost %s",
        when);
    return tls->broken;
  }
  if (is_nomem(rc)) return TERN_E_NOMEM;
  if (rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) return alert_status(tls);
  if (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
    say(tls->detail, DETAIL, "the server ended TLS %s", when);
    return TERN_E_CLOSED;
  }
  if (rc == 0 || rc == MBEDTLS_ERR_SSL_CONN_EOF) {
    say(tls->detail, DETAIL, "the server closed the connection %s, without ending TLS", when);
    return TERN_E_CLOSED;
  }
  return TERN_OK;
}

static tern_status handshake_status(tern__tls *tls, int rc)
{
  char text[128];
  tern_status status;

  if (tls->plain) return TERN_E_TLS_PLAIN;
  /* Said first: a link that broke under the alert of ours is not what went wrong. */
  if (tls->verify == TERN__TLS_VERIFY_REQUIRED && rank(tls->verdict) < 5) return tls->verdict;
  status = common_status(tls, rc, "during the handshake");
  if (status != TERN_OK) return status;
  if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || rc == MBEDTLS_ERR_X509_FATAL_ERROR ||
      (tls->verify == TERN__TLS_VERIFY_REQUIRED && tls->leaf_seen && -rc == 0x7a00)) {
    conclude(tls); /* 0x7a00: BAD_HS_CERTIFICATE, in 3.x BAD_CERTIFICATE */
    if (rank(tls->verdict) < 5) return tls->verdict;
  }
  (void)mbed_text(rc, text, sizeof text);
  if (is_version_fault(rc)) {
    say(tls->detail, DETAIL, "no TLS version or cipher suite in common (%s)", text);
    return TERN_E_TLS_VERSION;
  }
  if ((-rc & 0x7f80) == 0x7a00 || (-rc >= 0x2080 && -rc < 0x3080) || /* X.509's own codes */
      (-rc >= 0x3880 && -rc < 0x4000 && !tls->leaf_seen)) {          /* those of its key */
    say(tls->detail, DETAIL, "the server's certificate cannot be read: %s", text);
    return TERN_E_TLS_CERTIFICATE;
  }
  say(tls->detail, DETAIL, "the TLS handshake failed: %s", text);
  return TERN_E_TLS_HANDSHAKE;
}

static tern_status session_status(tern__tls *tls, int rc)
{
  char text[128];
  tern_status status = common_status(tls, rc, "during the session");

  if (status != TERN_OK) return status;
  say(tls->detail, DETAIL, "TLS failed: %s", mbed_text(rc, text, sizeof text));
  return TERN_E_IO;
}

static int is_again(int rc)
{
  return rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* A ticket is progress, not an error (TLS 1.3; some 3.x report it). lower_read ends a flood. */
static int is_ticket(int rc)
{
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
  return rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
  (void)rc;
  return 0;
#endif
}

/* ---- handshake --------------------------------------------------------------------------------*/

tern_status tern__tls_handshake_step(tern__tls *tls)
{
  int rc;

  if (tls == NULL) return TERN_E_NOMEM;
  if (tls->ended != TERN_E_AGAIN) return tls->ended;
  do rc = mbedtls_ssl_handshake(&tls->ssl);
  while (is_ticket(rc));
  if (is_again(rc)) return TERN_E_AGAIN;
  if (rc != 0) {
    tls->ended = handshake_status(tls, rc);
    return tls->ended;
  }
  conclude(tls);
  /* Mbed TLS has refused already; this is the belt to its braces. */
  tls->ended =
    tls->verify == TERN__TLS_VERIFY_REQUIRED && tls->verdict != TERN_OK ? tls->verdict : TERN_OK;
  return tls->ended;
}

uint32_t tern__tls_events(const tern__tls *tls)
{
  return tls == NULL ? 0 : tls->waits;
}

const char *tern__tls_version(const tern__tls *tls)
{
  return tls == NULL || tls->ended != TERN_OK ? "" : mbedtls_ssl_get_version(&tls->ssl);
}

const char *tern__tls_cipher(const tern__tls *tls)
{
  const char *name = NULL;

  if (tls != NULL && tls->ended == TERN_OK) name = mbedtls_ssl_get_ciphersuite(&tls->ssl);
  return name == NULL ? "" : name;
}

uint32_t tern__tls_verified(const tern__tls *tls)
{
  return tls != NULL && tls->ended == TERN_OK && tls->verdict == TERN_OK ? 1 : 0;
}

tern_status tern__tls_verdict(const tern__tls *tls)
{
  return tls == NULL ? TERN_E_AGAIN : tls->verdict;
}

const char *tern__tls_detail(const tern__tls *tls)
{
  return tls == NULL ? "" : tls->detail;
}

uint32_t tern__tls_field(const tern__tls *tls)
{
  return tls == NULL ? TERN_FIELD_NONE : tls->field;
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
  do rc = mbedtls_ssl_read(&tls->ssl, octets, cap);
  while (is_ticket(rc));
  if (rc > 0) {
    *len = (size_t)rc;
    tls->drought = 0;
    return TERN_OK;
  }
  if (is_again(rc)) {
    tls->read_waits = tls->waits;
    return TERN_E_AGAIN;
  }
  tls->failed = session_status(tls, rc);
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
    tls->failed = alert_status(tls);
  else
    tls->failed = session_status(tls, rc);
  return tls->failed;
}

static tern_status write_result(tern__tls *tls, int rc)
{
  if (!is_again(rc)) return write_failed(tls, rc);
  tls->write_waits = tls->waits;
  return TERN_E_AGAIN;
}

/* Writes one record of at most len octets. A record that did not leave whole is finished first,
 * and only then counts as done: Mbed TLS has encrypted its octets at the first try. */
static tern_status put(tern__tls *tls, const uint8_t *octets, size_t len, size_t *done)
{
  size_t n = tls->held > 0 ? tls->held : len < RECORD ? len : RECORD;
  int rc;

  if (tls->held == 0 && tls->ssl.FIELD(out_left) > 0) {
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
  if (is_again(rc)) tls->held = n;
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
  if (count == 1 || (spans->len >= STAGE / 2 && tls->held == 0))
    return tls_write(user, spans->octets, spans->len, done);
  for (i = 0; i < count && tls->held > used; i++)
    used += spans[i].len < tls->held - used ? spans[i].len : tls->held - used;
  if (tls->held > 0) /* they are in a record already, however they are cut this time */
    return used < tls->held ? TERN_E_ARGUMENT : put(tls, tls->stage, used, done);
  for (i = 0; i < count && used < STAGE; i++) {
    n = spans[i].len < STAGE - used ? spans[i].len : STAGE - used;
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
