/* policy.h - how much TLS is due on the way to one host: decided from what is known, before an octet is
 * sent. */
#ifndef TERN_LIB_DELIVERY_POLICY_H
#define TERN_LIB_DELIVERY_POLICY_H

#include <tern/delivery.h>

/* What the look-up of a host's TLSA records came to (RFC 7672 2.1, 2.2). */
#define TERN__DANE_NONE 0u     /* no records, or none of a secure answer: DANE does not apply */
#define TERN__DANE_USABLE 1u
#define TERN__DANE_UNUSABLE 2u /* secure records, none of which SMTP can use */
#define TERN__DANE_FAILED 3u   /* the look-up failed, or validation did: the host is not to be used */

/* What MTA-STS says of the host. */
#define TERN__STS_ABSENT 0u   /* no policy, or mode none */
#define TERN__STS_COVERED 1u  /* in the mode enforce, and a pattern fits */
#define TERN__STS_FOREIGN 2u  /* in the mode enforce, and none fits */
#define TERN__STS_WATCHED 3u  /* in the mode testing, and a pattern fits */
#define TERN__STS_ODD 4u      /* in the mode testing, and none fits */

typedef struct tern__policy_facts {
  uint32_t choice;    /* TERN_POLICY_..., of table or callback */
  const char *match;  /* under VERIFY; or NULL */
  const char *host;
  uint32_t dane;      /* TERN__DANE_... */
  uint32_t sts;       /* TERN__STS_... */
  uint32_t mx_secure; /* the host's name was learnt from a secure answer, or is the caller's own word */
  uint32_t requiretls; /* RFC 8689 */
} tern__policy_facts;

/* How it is done. */
#define TERN__LEVEL_NONE 0u
#define TERN__LEVEL_MAY 1u
#define TERN__LEVEL_ENCRYPT 2u
#define TERN__LEVEL_VERIFY 3u
#define TERN__LEVEL_DANE 4u

typedef struct tern__policy_plan {
  uint32_t level;
  uint32_t policy;      /* TERN_POLICY_..., never AUTO: for the report */
  uint32_t type;        /* TERN__POLICY_... of report.h: that it is reported under */
  const char *name;     /* that the certificate must bear under VERIFY */
  uint32_t watch;       /* the certificate is looked at, and fails nothing (STS testing) */
  uint32_t tls_result;  /* TERN_TLSRPT_...: a failure that is known already, or TERN_TLSRPT_OK */
  tern_status refused;  /* TERN_OK, or why this host may not be used */
  const char *why;      /* of refused, for people; static */
} tern__policy_plan;

void tern__policy_decide(const tern__policy_facts *facts, tern__policy_plan *plan);
/* The RFC 8460 result that goes with how a TLS session ended; sts: the certificate was judged by the
 * Web's authorities for MTA-STS. TERN_TLSRPT_UNTRIED for a status that is not about TLS. */
uint32_t tern__policy_result(tern_status status, uint32_t phase);

#endif
