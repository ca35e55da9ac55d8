/* policy.c - TLS policy as one table of decisions, without questions and without octets.
 *
 * DANE comes before MTA-STS (RFC 8461 section 2), a policy that was found is never given up for a failure
 * further on (no downgrade), and REQUIRETLS (RFC 8689 4.2.1) needs a host name from a source that cannot
 * be forged and a certificate that is good for it. Neighbours: hop.c and mxhost.c find the facts, lane.c
 * does what was decided, report.c tells. */
#include "delivery/policy.h"

#include "delivery/report.h"

static void refuse(tern__policy_plan *p, tern_status status, uint32_t tls_result, const char *why)
{
  p->refused = status;
  p->tls_result = tls_result;
  p->why = why;
}

static void set(tern__policy_plan *p, uint32_t level, uint32_t policy, uint32_t type)
{
  p->level = level;
  p->policy = policy;
  p->type = type;
}

static void by_dane(const tern__policy_facts *f, tern__policy_plan *p)
{
  if (f->dane == TERN__DANE_FAILED) {
    set(p, TERN__LEVEL_DANE, TERN_POLICY_DANE, TERN__POLICY_TLSA);
    refuse(p, TERN_E_RESOLVE, TERN_TLSRPT_DNSSEC_INVALID,
           "its TLSA records could not be had, and may be there");
  } else if (f->dane == TERN__DANE_USABLE) {
    set(p, TERN__LEVEL_DANE, TERN_POLICY_DANE, TERN__POLICY_TLSA);
  } else { /* RFC 7672 2.2: TLS all the same, of which nothing can be verified */
    set(p, TERN__LEVEL_ENCRYPT, TERN_POLICY_ENCRYPT, TERN__POLICY_TLSA);
  }
}

static void by_sts(const tern__policy_facts *f, tern__policy_plan *p)
{
  switch (f->sts) {
    case TERN__STS_COVERED:
      set(p, TERN__LEVEL_VERIFY, TERN_POLICY_STS, TERN__POLICY_STS);
      p->name = f->host;
      break;
    case TERN__STS_FOREIGN:
      set(p, TERN__LEVEL_VERIFY, TERN_POLICY_STS, TERN__POLICY_STS);
      refuse(p, TERN_E_TLS_WRONG_HOST, TERN_TLSRPT_VALIDATION_FAILURE,
             "the domain's MTA-STS policy does not name it");
      break;
    case TERN__STS_WATCHED:
    case TERN__STS_ODD:
      set(p, TERN__LEVEL_MAY, TERN_POLICY_MAY, TERN__POLICY_STS);
      p->watch = 1;
      p->name = f->host;
      if (f->sts == TERN__STS_ODD) p->tls_result = TERN_TLSRPT_VALIDATION_FAILURE;
      break;
    default: set(p, TERN__LEVEL_MAY, TERN_POLICY_MAY, TERN__POLICY_NONE_FOUND); break;
  }
}

static void demand_dane(const tern__policy_facts *f, tern__policy_plan *p)
{
  set(p, TERN__LEVEL_DANE, TERN_POLICY_DANE, TERN__POLICY_TLSA);
  if (f->dane == TERN__DANE_FAILED)
    by_dane(f, p);
  else if (f->dane != TERN__DANE_USABLE)
    refuse(p, TERN_E_TLS_DANE, TERN_TLSRPT_DANE_REQUIRED, "it has no TLSA record that can be used");
  else if (!f->mx_secure)
    refuse(p, TERN_E_TLS_DANE, TERN_TLSRPT_DANE_REQUIRED,
           "the MX record that names it is not secured by DNSSEC");
}

static void demand_sts(const tern__policy_facts *f, tern__policy_plan *p)
{
  tern__policy_facts strict = *f;

  if (f->sts == TERN__STS_WATCHED) strict.sts = TERN__STS_COVERED;
  if (f->sts == TERN__STS_ODD) strict.sts = TERN__STS_FOREIGN;
  by_sts(&strict, p);
  if (f->sts != TERN__STS_ABSENT) return;
  set(p, TERN__LEVEL_VERIFY, TERN_POLICY_STS, TERN__POLICY_NONE_FOUND);
  refuse(p, TERN_E_TLS_NO_TRUST, TERN_TLSRPT_UNTRIED, "the domain has no MTA-STS policy in force");
}

/* What is less than REQUIRETLS asks for is raised to it, or refused. */
static void require_tls(const tern__policy_facts *f, tern__policy_plan *p)
{
  if (p->refused != TERN_OK) return;
  if (p->level == TERN__LEVEL_DANE && f->mx_secure) return;
  if (p->level == TERN__LEVEL_VERIFY && (f->mx_secure || p->policy == TERN_POLICY_STS)) return;
  if (f->mx_secure && p->level != TERN__LEVEL_NONE && f->dane == TERN__DANE_NONE) {
    set(p, TERN__LEVEL_VERIFY, TERN_POLICY_VERIFY, p->type);
    p->name = f->host;
    p->watch = 0;
    return;
  }
  refuse(p, TERN_E_REQUIRETLS, TERN_TLSRPT_UNTRIED,
         "REQUIRETLS was asked for, and neither DNSSEC nor MTA-STS vouches for the host");
}

void tern__policy_decide(const tern__policy_facts *f, tern__policy_plan *p)
{
  p->name = p->why = NULL;
  p->watch = 0;
  p->tls_result = TERN_TLSRPT_OK;
  p->refused = TERN_OK;
  switch (f->choice) {
    case TERN_POLICY_NONE: set(p, TERN__LEVEL_NONE, f->choice, TERN__POLICY_NONE_FOUND); break;
    case TERN_POLICY_MAY: set(p, TERN__LEVEL_MAY, f->choice, TERN__POLICY_NONE_FOUND); break;
    case TERN_POLICY_ENCRYPT: set(p, TERN__LEVEL_ENCRYPT, f->choice, TERN__POLICY_NONE_FOUND); break;
    case TERN_POLICY_VERIFY:
      set(p, TERN__LEVEL_VERIFY, f->choice, TERN__POLICY_NONE_FOUND);
      p->name = f->match ? f->match : f->host;
      break;
    case TERN_POLICY_DANE: demand_dane(f, p); break;
    case TERN_POLICY_STS: demand_sts(f, p); break;
    default:
      if (f->dane != TERN__DANE_NONE)
        by_dane(f, p);
      else
        by_sts(f, p);
      break;
  }
  if (f->requiretls) require_tls(f, p);
}

uint32_t tern__policy_result(tern_status status, uint32_t phase)
{
  switch (status) {
    case TERN_OK: return TERN_TLSRPT_OK;
    case TERN_E_TLS_NOT_OFFERED:
    case TERN_E_TLS_REFUSED:
    case TERN_E_TLS_TRANSIENT: return TERN_TLSRPT_STARTTLS_NOT_SUPPORTED;
    case TERN_E_TLS_WRONG_HOST: return TERN_TLSRPT_CERTIFICATE_HOST_MISMATCH;
    case TERN_E_TLS_EXPIRED:
    case TERN_E_TLS_NOT_YET_VALID: return TERN_TLSRPT_CERTIFICATE_EXPIRED;
    case TERN_E_TLS_UNKNOWN_CA:
    case TERN_E_TLS_CERTIFICATE: return TERN_TLSRPT_CERTIFICATE_NOT_TRUSTED;
    case TERN_E_TLS_DANE:
    case TERN_E_TLS_HANDSHAKE:
    case TERN_E_TLS_VERSION:
    case TERN_E_TLS_INJECTION:
    case TERN_E_TLS_CLIENT_CERT: return TERN_TLSRPT_VALIDATION_FAILURE;
    default: /* lost in the middle of a handshake */
      return phase == TERN_PHASE_TLS || phase == TERN_PHASE_STARTTLS ? TERN_TLSRPT_VALIDATION_FAILURE
                                                                    : TERN_TLSRPT_UNTRIED;
  }
}

const char *tern_policy_name(uint32_t policy)
{
  static const char *const names[TERN_POLICIES] = {"auto",   "none", "may", "encrypt",
                                                   "verify", "dane", "sts"};

  return policy < TERN_POLICIES ? names[policy] : "";
}
