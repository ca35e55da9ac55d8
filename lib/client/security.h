/* security.h - what the caller wants of TLS beyond a mode and an authority: names, records, and how
 * far the certificate decides; and what became of it. */
#ifndef TERN_LIB_CLIENT_SECURITY_H
#define TERN_LIB_CLIENT_SECURITY_H

#include <tern/sasl.h>
#include <tern/tls.h>

#include "transport/tls.h"

typedef struct tern__security {
  uint8_t verify;  /* TERN_VERIFY_..., as set */
  uint8_t held;    /* the same, as it holds for the connection */
  char **names;    /* instead of the host's; one block with their text */
  size_t names_size;
  size_t name_count;
  tern_tlsa *tlsa; /* one block with their octets */
  size_t tlsa_size;
  size_t tlsa_count;
  tern_tls_cache *cache; /* borrowed, or NULL */
  tern_tls_trust *trust; /* borrowed, or NULL */
  uint8_t *pins;
  size_t pin_count;
  uint32_t least;  /* TERN_TLS_1_...; 0: the default */
  int *suites;     /* ended by 0, or NULL */
  size_t suite_count; /* with the 0 */
  tern_tls_check check;
  void *check_user;
  uint8_t override;
  uint8_t looked_at; /* by a probe: a whole handshake, and its certificates kept */
  tern_tls_chain *chain; /* of the last handshake, or NULL */
  char *wrong;           /* what setting is wrong, for its error; or NULL */
  uint32_t resumed;
  const char *binding_type; /* NULL: none */
  uint8_t binding[TERN__TLS_BINDING_MAX];
  size_t binding_len;
  uint32_t tlsa_result; /* TERN_TLSA_... of the last handshake */
  uint32_t tlsa_index;
  uint32_t tlsa_depth;
} tern__security;

void tern__security_free(tern__security *s, const tern_allocator *mem);
/* As before any handshake. */
void tern__security_reset(tern__security *s);
/* Whether something is set that asks for TLS, whatever the mode says. */
int tern__security_needs_tls(const tern__security *s);
/* What a handshake gets of it (borrowed), and what it left. */
void tern__security_fill(const tern__security *s, const char *host, tern__tls_config *config);
void tern__security_note(tern__security *s, tern__tls *tls);
/* Lends the channel's binding to the credentials, or takes it away where there is none. */
void tern__security_bind(const tern__security *s, tern_credentials *credentials);
/* Whether the authorities that the caller lent are none, and would be needed. */
int tern__security_trusts_nobody(const tern__security *s);
/* Whether records decide, so that no authority is needed. */
int tern__security_by_dane(const tern__security *s);

#endif
