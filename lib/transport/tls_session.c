/* tls_session.c - one TLS session by Mbed TLS: set-up, handshake, what came of it.
 * Neighbours: transport.c below, tls_records.c for the octets, tls_verify.c for the verdict,
 * tls_errors.c for what went wrong, the client above. tls_resume.c for sessions taken up again. Limits: no CRL or OCSP, no name constraints (a critical one makes Mbed TLS refuse the certificate). Mbed TLS has a
 * global state of its own (PSA) and takes memory by itself. */
#include <string.h>

#include "base/mem.h"
#include "transport/tls_mbedtls.h"
#include "transport/tlsa.h"
#include "base/words.h"

/* ---- set-up -----------------------------------------------------------------------------------*/

static tern_status load_trust(tern__tls *tls, const tern__tls_config *config)
{
  tern_status status;

  if (tls->by_dane) return TERN_OK;
  if (tls->verify == TERN__TLS_VERIFY_NONE && config->ca == NULL && config->ca_pem == NULL)
    return TERN_OK;
  tls->trust = config->trust;
  if (tls->trust != NULL && tls->trust->chain.version == 0) {
    tls->trust = NULL;
    tern__tls_say(tls, "the authorities that were given are none");
    return tls->verify == TERN__TLS_VERIFY_REQUIRED ? TERN_E_TLS_NO_TRUST : TERN_OK;
  }
  if (tls->trust != NULL) return TERN_OK;
  status = tern__trust_new(tls->mem, config->ca, config->ca_pem, &tls->own_trust, tls->detail,
                           TERN__TLS_DETAIL);
  tls->trust = tls->own_trust;
  if (status == TERN_E_CONFIG) tls->field = TERN_FIELD_CA;
  if (status == TERN_E_TLS_NO_TRUST && tls->verify == TERN__TLS_VERIFY_OPTIONAL)
    return TERN_OK; /* then nothing verifies, and the verdict says so */
  return status;
}

static int set_policy(tern__tls *tls)
{
  static const int modes[] = {MBEDTLS_SSL_VERIFY_REQUIRED, MBEDTLS_SSL_VERIFY_OPTIONAL,
                              MBEDTLS_SSL_VERIFY_NONE};
  int rc = mbedtls_ssl_config_defaults(&tls->conf, MBEDTLS_SSL_IS_CLIENT,
                                       MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

  if (rc != 0) return rc;
  mbedtls_ssl_conf_rng(&tls->conf, mbedtls_ctr_drbg_random, &tls->drbg);
  /* under DANE it has no say, the callback refuses; nor where the caller's check may overrule */
  mbedtls_ssl_conf_authmode(&tls->conf, tls->by_dane || (tls->check_decides &&
                                                         tls->verify != TERN__TLS_VERIFY_NONE)
                                          ? MBEDTLS_SSL_VERIFY_OPTIONAL
                                          : modes[tls->verify]);
  if (tls->trust != NULL) mbedtls_ssl_conf_ca_chain(&tls->conf, &tls->trust->chain, NULL);
  if (tls->verify != TERN__TLS_VERIFY_NONE)
    mbedtls_ssl_conf_verify(&tls->conf, tern__tls_on_certificate, tls);
  return 0;
}

static tern_status set_up(tern__tls *tls, const tern__tls_config *config)
{
  int rc;
  tern_status status = tern__mbed_start(tls);

  if (status == TERN_OK) status = load_trust(tls, config);
  if (status != TERN_OK) return status;
  rc = set_policy(tls);
  if (rc == 0) status = tern__tls_set_versions(tls, config);
  if (rc == 0 && tls->cache != NULL) tern__mbed_want_tickets(&tls->conf);
  if (rc == 0 && status == TERN_OK) status = tern__tls_load_certificate(tls, config);
  if (status != TERN_OK) return status;
  if (rc == 0) rc = mbedtls_ssl_setup(&tls->ssl, &tls->conf);
  /* SNI bears DNS names only (RFC 6066 3). 3.6 wants the call even where there is no name. */
  if (rc == 0)
    rc = mbedtls_ssl_set_hostname(
      &tls->ssl,
      tls->name_count > 0 && tls->names->kind == TERN__IDENTITY_DNS ? tls->names->dns : NULL);
  if (rc != 0) {
    char text[128];

    tern__tls_say(tls, "TLS cannot be set up: %s", tern__mbed_text(rc, text, sizeof text));
    return tern__mbed_is_nomem(rc) ? TERN_E_NOMEM : TERN_E_TLS_HANDSHAKE;
  }
  mbedtls_ssl_set_bio(&tls->ssl, tls, tern__tls_lower_write, tern__tls_lower_read, NULL);
  return TERN_OK;
}

/* config's name first, then the others. */
static tern_status read_names(tern__tls *tls, const tern__tls_config *config)
{
  size_t i, n = 0, count = config->name_count + (config->name != NULL);

  if (count == 0) return TERN_OK;
  tls->names = tern__alloc(tls->mem, count * sizeof *tls->names);
  if (tls->names == NULL) return TERN_E_NOMEM;
  tls->name_count = count;
  if (config->name != NULL) tern__identity_read(&tls->names[n++], config->name);
  for (i = 0; i < config->name_count; i++) tern__identity_read(&tls->names[n++], config->names[i]);
  return TERN_OK;
}

/* What the caller looks at beside. TLSA records cannot be overruled. */
static void read_checks(tern__tls *tls, const tern__tls_config *config)
{
  tls->pins = config->pins;
  tls->pin_count = config->pin_count;
  tls->check = config->check;
  tls->check_user = config->check_user;
  tls->check_decides = config->check != NULL && config->check_decides && !tls->by_dane;
  tls->keep_chain = config->keep_chain || config->pin_count > 0 || config->check != NULL;
}

static void read_records(tern__tls *tls, const tern__tls_config *config)
{
  if (config->tlsa_count == 0) return;
  tls->by_dane = (uint8_t)tern__tlsa_any_usable(config->tlsa, config->tlsa_count);
  if (tls->by_dane) {
    tls->tlsa = config->tlsa;
    tls->tlsa_count = config->tlsa_count;
    tls->verify = TERN__TLS_VERIFY_REQUIRED;
  } else {
    tls->dane.state = TERN_TLSA_UNUSABLE;
  }
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
  tls->dane.index = tls->dane.depth = UINT32_MAX;
  if (config->name != NULL)
    (void)tern__words_clean(tls->host, sizeof tls->host, config->name, strlen(config->name));
  tls->stage = tls->small;
  tls->stage_size = sizeof tls->small;
  tls->waits = TERN_WRITE;
  tls->read_waits = TERN_READ;
  tls->write_waits = TERN_WRITE;
  status = tern__transport_check(&tls->lower);
  if (status == TERN_OK && tls->verify > TERN__TLS_VERIFY_NONE) status = TERN_E_ARGUMENT;
  if (status == TERN_OK) status = read_names(tls, config);
  if (status == TERN_OK) read_records(tls, config);
  read_checks(tls, config);
  if (status == TERN_OK) tern__tls_resume_key(tls, config);
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
  tern__chain_free(tls->chain);
  mbedtls_ctr_drbg_free(&tls->drbg);
  mbedtls_entropy_free(&tls->entropy);
  tern__free(tls->mem, tls->names, tls->name_count * sizeof *tls->names);
  tern__wipe(tls->stage, tls->stage_size);
  if (tls->stage != tls->small) tern__free(tls->mem, tls->stage, tls->stage_size);
  tern__free(tls->mem, tls, sizeof *tls);
}

/* ---- handshake --------------------------------------------------------------------------------*/

tern_status tern__tls_handshake_step(tern__tls *tls)
{
  int rc;

  if (tls == NULL) return TERN_E_NOMEM;
  if (tls->ended != TERN_E_AGAIN) return tls->ended;
  if (!tls->tried) tern__tls_resume_offer(tls);
  tls->tried = 1;
  do rc = mbedtls_ssl_handshake(&tls->ssl);
  while (tern__mbed_is_ticket(rc));
  if (tern__mbed_is_again(rc)) return TERN_E_AGAIN;
  if (rc != 0) {
    tls->ended = tern__tls_handshake_status(tls, rc);
    return tls->ended;
  }
  /* Verification is required where one is offered: without a certificate the handshake can only
   * have ended well with the secret of the session that was kept. */
  if (tls->offered && !tls->leaf_seen) {
    tls->resumed = 1;
    tls->verdict = TERN_OK;
  }
  tern__tls_conclude(tls);
  tls->ended = tern__tls_judge(tls);
  if (tls->ended == TERN_OK)
    tern__tls_resume_keep(tls);
  else /* Mbed TLS took it; the server learns that it ends here */
    (void)mbedtls_ssl_send_alert_message(&tls->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                         MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
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

uint32_t tern__tls_resumed(const tern__tls *tls)
{
  return tls != NULL && tls->ended == TERN_OK ? tls->resumed : 0;
}

uint64_t tern__tls_until(const tern__tls *tls)
{
  return tls == NULL || !tls->leaf_seen ? 0 : tls->until;
}

uint32_t tern__tls_bears_name(const tern__tls *tls)
{
  return tls != NULL && tls->named;
}

tern_status tern__tls_verdict(const tern__tls *tls)
{
  return tls == NULL ? TERN_E_AGAIN : tls->verdict;
}

uint32_t tern__tls_tlsa(const tern__tls *tls, uint32_t *index, uint32_t *depth)
{
  *index = *depth = UINT32_MAX;
  if (tls == NULL) return TERN_TLSA_NONE;
  *index = tls->dane.index;
  *depth = tls->dane.depth;
  return tls->dane.state;
}

const char *tern__tls_detail(const tern__tls *tls)
{
  return tls == NULL ? "" : tls->detail;
}

uint32_t tern__tls_field(const tern__tls *tls)
{
  return tls == NULL ? TERN_FIELD_NONE : tls->field;
}
