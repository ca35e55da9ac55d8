/* delivery.h - straight to the MX hosts of each recipient's domain (RFC 5321 section 5).
 *
 * A mail goes in with recipients of any domains. For each domain its hosts are found, how much TLS is
 * due is decided, and the hosts are walked in their order until one takes the mail; the mail has its
 * outcome per recipient as after tern_client_send, and a report says what was tried. Nothing is queued:
 * when to try again is in the report. Absent from builds without sockets. */
#ifndef TERN_DELIVERY_H
#define TERN_DELIVERY_H

#include <tern/client.h>
#include <tern/resolver.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_delivery tern_delivery;
typedef struct tern_history tern_history;

/* mem NULL: malloc and free; else borrowed until tern_delivery_free. NULL when there is no memory. */
TERN_API tern_delivery *tern_delivery_new(const tern_allocator *mem);
/* Closes without QUIT what is still connected (tern_delivery_quit says it); mails under way end as by
 * tern_delivery_cancel. */
TERN_API void tern_delivery_free(tern_delivery *d);

/* ---- settings: before the first send ----------------------------------------------------------------
 * A setting that failed is answered again by the next send, so that no check is owed. */
/* 1 (the default): send returns when the mail has ended. 0: stepped. */
TERN_API tern_status tern_delivery_set_blocking(tern_delivery *d, uint32_t on);
/* As tern_client_set_ehlo_name; it is also a name of ours by the loop rule. TERN_E_NAME. */
TERN_API tern_status tern_delivery_set_ehlo_name(tern_delivery *d, const char *name);
/* A further name of ours: a domain that lists it among its hosts is delivered to hosts of better
 * preference only (RFC 5321 5.1). TERN_E_NAME. */
TERN_API tern_status tern_delivery_add_own_name(tern_delivery *d, const char *name);
/* Borrowed until free; NULL: one of our own with the host's settings. A resolver given here is believed
 * about loopback and private addresses too. */
TERN_API tern_status tern_delivery_set_resolver(tern_delivery *d, tern_resolver *resolver);
/* The port of MX hosts; default 25. TERN_E_ARGUMENT: 0 or over 65535. */
TERN_API tern_status tern_delivery_set_port(tern_delivery *d, uint32_t port);
/* 1: addresses that no MX host in the Internet has (loopback, private, link-local, unspecified) are
 * connected to all the same. Default 0, or 1 with a resolver of the caller's: a stranger's DNS must not
 * lead into our own network. Address literals of recipients are held to the same rule. */
TERN_API tern_status tern_delivery_set_allow_private(tern_delivery *d, uint32_t on);
/* Mail for domain goes to url (as for tern_client_connect, its user and TLS mode included) instead of
 * its MX hosts. domain: "example.org", ".example.org" for everything below, "*" for all; the closest rule
 * wins. url NULL or "": the MX hosts after all. TERN_E_URL, TERN_E_ADDRESS. */
TERN_API tern_status tern_delivery_add_route(tern_delivery *d, const char *domain, const char *url);
/* As tern_client_set_ca: whom to trust where a certificate has to verify. */
TERN_API tern_status tern_delivery_set_ca(tern_delivery *d, const char *path);
TERN_API tern_status tern_delivery_set_timeout(tern_delivery *d, uint32_t phase, uint32_t ms);
/* The longest that one mail may take in all, ms; 0 (the default): no limit. */
TERN_API tern_status tern_delivery_set_total_timeout(tern_delivery *d, uint32_t ms);
TERN_API tern_status tern_delivery_set_mask(tern_delivery *d, uint32_t capabilities);
TERN_API tern_status tern_delivery_set_trace(tern_delivery *d, tern_trace trace, void *user);
/* Connections open at a time: in all (default 100), to one address (5), for one domain (10); 0 keeps
 * what was set. */
TERN_API tern_status tern_delivery_set_limits(tern_delivery *d, uint32_t all, uint32_t address,
                                              uint32_t domain);
/* For how long an address that did not accept a connection is not tried again, ms; default 60,000,
 * 0: it is tried each time. */
TERN_API tern_status tern_delivery_set_dead_time(tern_delivery *d, uint32_t ms);
/* For how long an idle connection is kept for the next mail, ms; default 2,000, 0: it is not. */
TERN_API tern_status tern_delivery_set_idle_time(tern_delivery *d, uint32_t ms);
/* 1: recipients of domains with the same hosts and the same TLS policy go in one transaction, as RFC
 * 5321 5.1 allows; it waits until all domains of the mail were looked up. Default 0. */
TERN_API tern_status tern_delivery_set_join(tern_delivery *d, uint32_t on);
/* Randomness for the order of equal hosts; NULL: the host's. */
TERN_API tern_status tern_delivery_set_random(tern_delivery *d,
                                              tern_status (*random)(void *user, uint8_t *out,
                                                                    size_t len),
                                              void *user);

/* ---- TLS policy ---------------------------------------------------------------------------------------
 * What is due for a domain, decided before an octet is sent to a host. */
#define TERN_POLICY_AUTO 0u    /* DANE where there is any, else MTA-STS where there is, else MAY */
#define TERN_POLICY_NONE 1u    /* never TLS */
#define TERN_POLICY_MAY 2u     /* STARTTLS where offered, nothing verified; a handshake that fails is
                                  followed by one connection in clear */
#define TERN_POLICY_ENCRYPT 3u /* TLS, nothing verified */
#define TERN_POLICY_VERIFY 4u  /* TLS, verified: the host's name, or the match of the rule */
#define TERN_POLICY_DANE 5u    /* DANE, or the host is not used (RFC 7672 1.3) */
#define TERN_POLICY_STS 6u     /* a policy of MTA-STS is demanded and enforced */
#define TERN_POLICIES 7u
/* "auto", "none", "may", "encrypt", "verify", "dane", "sts". Static; "" for a number without one. */
TERN_API const char *tern_policy_name(uint32_t policy);

/* domain as in tern_delivery_add_route; match: the name that the certificate must bear under VERIFY, or
 * NULL. TERN_E_ARGUMENT, TERN_E_ADDRESS. */
TERN_API tern_status tern_delivery_add_tls_policy(tern_delivery *d, const char *domain,
                                                  uint32_t policy, const char *match);
/* Asked for each domain before the table: sets *policy, and *match (borrowed until it is called again)
 * where VERIFY needs another name. TERN_OK; TERN_E_AGAIN: no opinion, the table decides; another
 * negative: the domain's recipients are unsent for that reason. */
TERN_API tern_status tern_delivery_on_tls_policy(tern_delivery *d,
                                                 tern_status (*choose)(void *user,
                                                                       const char *domain,
                                                                       uint32_t *policy,
                                                                       const char **match),
                                                 void *user);

/* MTA-STS policies (RFC 8461), kept for their max_age. */
typedef struct tern_sts_policy { /* frozen */
  const char *id;     /* of the TXT record that led to it */
  uint64_t expires;   /* seconds since 1970 */
  const char *policy; /* as it was fetched */
  size_t len;
} tern_sts_policy;

typedef struct tern_sts_cache {
  size_t size; /* sizeof (tern_sts_cache) */
  /* Fills *out with what was put for domain; its strings live until the next call of either function.
   * Anything but TERN_OK: there is none. */
  tern_status (*get)(void *user, const char *domain, tern_sts_policy *out);
  /* Keeps a copy instead of what was there for domain. A failure costs a fetch later, no more. */
  tern_status (*put)(void *user, const char *domain, const tern_sts_policy *policy);
} tern_sts_cache;

/* Instead of the memory of this handle; table and user are borrowed. */
TERN_API tern_status tern_delivery_set_sts_cache(tern_delivery *d, const tern_sts_cache *cache,
                                                 void *user);
/* The handle's memory, read from path (which may be absent) and written there after each change.
 * TERN_E_CONFIG: a file that cannot be read, or is another's. */
TERN_API tern_status tern_delivery_set_sts_file(tern_delivery *d, const char *path);
/* Fetches the policy of domain in our stead (a proxy, another HTTP library): writes up to cap octets to
 * out and how many to *len. TERN_OK; TERN_E_AGAIN: ask again in a while; else it could not be had. */
TERN_API tern_status tern_delivery_on_sts_fetch(tern_delivery *d,
                                                tern_status (*fetch)(void *user, const char *domain,
                                                                     char *out, size_t cap,
                                                                     size_t *len),
                                                void *user);

/* ---- sending --------------------------------------------------------------------------------------------*/
/* Blocking: returns the mail's outcome, as tern_client_send. Stepped: TERN_E_AGAIN; any number may be
 * under way. The mail is the delivery's until then: changing or freeing it answers TERN_E_STATE.
 * Content that cannot rewind goes to one host of one domain: other recipients are unsent, TERN_E_REWIND. */
TERN_API tern_status tern_delivery_send(tern_delivery *d, tern_mail *mail);
/* The same for a mail that was tried before, of which report (tern_mail_history, or read back by
 * tern_history_read) is the outcome: recipients that were accepted, rejected or unknown keep that, the
 * others are tried. report is copied. TERN_E_ARGUMENT: it is of other recipients. */
TERN_API tern_status tern_delivery_resume(tern_delivery *d, tern_mail *mail,
                                          const tern_history *report);
/* QUIT and close all idle connections. Blocking: waits for the replies, at most the QUIT timeout. */
TERN_API tern_status tern_delivery_quit(tern_delivery *d);
/* Ends everything now. As tern_client_cancel it may come from a signal handler or another thread. */
TERN_API void tern_delivery_cancel(tern_delivery *d);

/* Stepped mode, one poll() for any number of deliveries:
 *   n = tern_delivery_poll(d, p, cap); poll them, at most tern_delivery_timeout(d) ms; step again. */
/* TERN_E_AGAIN while mails are under way, else TERN_OK. Never blocks. */
TERN_API tern_status tern_delivery_step(tern_delivery *d);
/* Writes up to cap of what is waited for, and returns how many there are in all. */
TERN_API size_t tern_delivery_poll(const tern_delivery *d, tern_poll *out, size_t cap);
/* ms until step is due even when all is silent, -1: none. */
TERN_API int32_t tern_delivery_timeout(const tern_delivery *d);
/* Pops the mails that have ended, in that order; NULL: none. */
TERN_API tern_mail *tern_delivery_finished(tern_delivery *d);
/* The setting that failed; status TERN_OK where there is none. Never NULL. */
TERN_API const tern_error *tern_delivery_error(const tern_delivery *d);

/* ---- the report -----------------------------------------------------------------------------------------*/
/* What became of the mail that was given to a delivery last; lives until it is sent again, cleared or
 * freed. NULL: none. */
TERN_API const tern_history *tern_mail_history(const tern_mail *mail);

TERN_API const char *tern_history_reverse_path(const tern_history *r);
TERN_API const char *tern_history_envid(const tern_history *r);
/* Seconds since 1970: when the first try of this mail began, and when the last one ended. */
TERN_API uint64_t tern_history_first_try(const tern_history *r);
TERN_API uint64_t tern_history_last_try(const tern_history *r);

#define TERN_NO_ATTEMPT UINT32_MAX
typedef struct tern_result { /* of one recipient */
  size_t size; /* set to sizeof (tern_result) before tern_history_rcpt */
  const char *address;
  const char *orcpt;     /* or "" */
  const char *domain;    /* in ASCII, or the address of a literal */
  uint32_t notify;       /* TERN_NOTIFY_... */
  uint32_t outcome;      /* TERN_ACCEPTED, ... */
  tern_status status;
  uint32_t phase;
  uint32_t code;         /* of the reply; 0: none */
  const char *enhanced;
  const char *text;      /* the server's, or what befell us */
  uint32_t attempt;      /* that decided, for tern_history_attempt; or TERN_NO_ATTEMPT */
  uint32_t tries;        /* sends of this mail in which it was tried, earlier ones included */
  uint32_t retry_after;  /* seconds from the last try (RFC 5321 4.5.4.1), 0: do not try again */
  uint32_t greylisted;   /* 1: the reply reads like greylisting, and retry_after is the shorter for it */
} tern_result;
TERN_API uint32_t tern_history_rcpt_count(const tern_history *r);
/* TERN_E_ARGUMENT: no such recipient, or size too small. Strings live as long as the report. */
TERN_API tern_status tern_history_rcpt(const tern_history *r, uint32_t index, tern_result *out);
/* Seconds from the last try until the first recipient is due again; 0: none is. */
TERN_API uint32_t tern_history_retry_after(const tern_history *r);

/* Result types of RFC 8460 4.3. */
#define TERN_TLSRPT_OK 0u
#define TERN_TLSRPT_STARTTLS_NOT_SUPPORTED 1u
#define TERN_TLSRPT_CERTIFICATE_HOST_MISMATCH 2u
#define TERN_TLSRPT_CERTIFICATE_EXPIRED 3u
#define TERN_TLSRPT_CERTIFICATE_NOT_TRUSTED 4u
#define TERN_TLSRPT_VALIDATION_FAILURE 5u
#define TERN_TLSRPT_TLSA_INVALID 6u
#define TERN_TLSRPT_DNSSEC_INVALID 7u
#define TERN_TLSRPT_DANE_REQUIRED 8u
#define TERN_TLSRPT_STS_POLICY_FETCH_ERROR 9u
#define TERN_TLSRPT_STS_POLICY_INVALID 10u
#define TERN_TLSRPT_STS_WEBPKI_INVALID 11u
#define TERN_TLSRPT_UNTRIED 12u /* the attempt did not get as far as TLS: it counts nowhere */
#define TERN_TLSRPT_RESULTS 13u
/* "starttls-not-supported", ...; "" for OK and UNTRIED. Static. */
TERN_API const char *tern_tlsrpt_result_name(uint32_t result);

#define TERN_ATTEMPT_CLEAR 1u  /* the handshake failed, and the mail went in clear */
#define TERN_ATTEMPT_REUSED 2u /* over a connection that had served another mail */
#define TERN_ATTEMPT_CNAME 4u  /* the MX host is an alias (RFC 5321 5.1 does not allow it) */
#define TERN_ATTEMPT_IMPLICIT 8u /* the domain has no MX record: its address was used */
#define TERN_ATTEMPT_PRIVATE 16u /* an address was refused as private */
#define TERN_ATTEMPT_UNCONNECTED 32u /* nothing was sent to any address: look-up or policy failed */

typedef struct tern_attempt {
  size_t size; /* set to sizeof (tern_attempt) before tern_history_attempt */
  const char *domain;
  const char *host;        /* the MX host's name, or the URL of a route without its user; "" none */
  const char *address;     /* that was tried; or "" */
  uint32_t port;
  uint64_t at;             /* seconds since 1970 */
  tern_status status;
  uint32_t phase;
  uint32_t code;
  const char *enhanced;
  const char *text;
  uint32_t flags;          /* TERN_ATTEMPT_... */
  const char *tls_version; /* "" in clear */
  const char *tls_cipher;
  uint32_t tls_verified;
  uint32_t policy;         /* that held: TERN_POLICY_..., never AUTO */
  uint32_t tls_result;     /* TERN_TLSRPT_... */
  tern_status tls_status;  /* the failure behind CLEAR, or behind a result other than OK */
} tern_attempt;
TERN_API uint32_t tern_history_attempt_count(const tern_history *r);
TERN_API tern_status tern_history_attempt(const tern_history *r, uint32_t index, tern_attempt *out);

/* The report as text that tern_history_read takes, in this process or another, of this version or a
 * later one: out gets up to cap octets with a NUL; returns the length of all of it, as snprintf does. */
TERN_API size_t tern_history_write(const tern_history *r, char *out, size_t cap);
/* Makes a report of len octets that tern_history_write wrote; free it with tern_history_free. mem as for
 * tern_delivery_new. TERN_E_CONTENT: not such octets, TERN_E_NOMEM; *out is then NULL. */
TERN_API tern_status tern_history_read(const tern_allocator *mem, const char *octets, size_t len,
                                      tern_history **out);
/* Of one that tern_history_read made. */
TERN_API void tern_history_free(tern_history *r);

/* ---- TLS reports (RFC 8460) -------------------------------------------------------------------------------*/
typedef struct tern_tlsrpt tern_tlsrpt;
TERN_API tern_tlsrpt *tern_tlsrpt_new(const tern_allocator *mem);
TERN_API void tern_tlsrpt_free(tern_tlsrpt *t);
/* Counts every attempt of the last send into its policy's sums. TERN_E_NOMEM. */
TERN_API tern_status tern_tlsrpt_add(tern_tlsrpt *t, const tern_history *report);
/* Organization and contact of the sender, UTF-8; report_id must be unlike all others. */
TERN_API tern_status tern_tlsrpt_set_sender(tern_tlsrpt *t, const char *organization,
                                            const char *contact, const char *report_id);
/* Seconds since 1970; default: from the first attempt added to the last. */
TERN_API tern_status tern_tlsrpt_set_range(tern_tlsrpt *t, uint64_t from, uint64_t to);
/* The domains counted for, in the order of their first attempt; NULL beyond the last. */
TERN_API const char *tern_tlsrpt_domain(const tern_tlsrpt *t, uint32_t index);
/* The JSON of domain (NULL: of all), as tern_history_write writes. */
TERN_API size_t tern_tlsrpt_write(const tern_tlsrpt *t, const char *domain, char *out, size_t cap);

/* ---- where to submit (RFC 6186, 8314) ----------------------------------------------------------------------*/
typedef struct tern_discovery tern_discovery;
#define TERN_DISCOVERED_SRV 1u      /* SRV records of the domain */
#define TERN_DISCOVERED_PROVIDER 2u /* the table of large providers */
#define TERN_DISCOVERED_FOREIGN 1u /* flag: a host outside the domain, by an answer without DNSSEC: ask
                                      the user before a password goes there (RFC 6186 section 6) */
#define TERN_DISCOVERED_APP_PASSWORD 2u /* flag: the account's own password will not do */
#define TERN_DISCOVERED_OAUTH 4u        /* flag: OAuth 2 is offered, or demanded */
typedef struct tern_endpoint {
  size_t size;            /* set to sizeof (tern_endpoint) before tern_discovery_get */
  const char *url;        /* for tern_client_connect */
  const char *host;
  uint32_t port;
  uint32_t tls;           /* TERN_TLS_IMPLICIT or TERN_TLS_REQUIRED */
  uint32_t source;        /* TERN_DISCOVERED_SRV, _PROVIDER */
  uint32_t flags;         /* TERN_DISCOVERED_... */
  const char *mechanisms; /* that are known to be offered, "" where not known */
  const char *note;       /* for people, or "" */
} tern_endpoint;
/* Looks for where mail of address (or of a domain alone) is to be submitted, best first: the table of
 * providers, then SRV records, implicit TLS before STARTTLS. Blocks, at most timeout ms (0: the
 * resolver's). resolver NULL: the host's. TERN_OK with at least one; TERN_E_HOST: none is published;
 * TERN_E_RESOLVE, TERN_E_ADDRESS, TERN_E_NOMEM; *out is NULL then. */
TERN_API tern_status tern_discover(const tern_allocator *mem, tern_resolver *resolver,
                                   const char *address, uint32_t timeout, tern_discovery **out);
TERN_API uint32_t tern_discovery_count(const tern_discovery *d);
TERN_API tern_status tern_discovery_get(const tern_discovery *d, uint32_t index,
                                        tern_endpoint *out);
/* Connects c (blocking) to the first of them that takes a connection, in their order, under the client's
 * settings with TLS as the endpoint has it; index (or NULL) becomes the endpoint's. Only what the network
 * does (TERN_E_HOST, RESOLVE, CONNECT, TIMEOUT, CLOSED, IO, up to the greeting) leads to the next one; a
 * certificate that fails, or any reply, does not. Endpoints with TERN_DISCOVERED_FOREIGN are passed over
 * unless foreign is 1, as credentials may follow: TERN_E_HOST where there is no other. TERN_OK,
 * TERN_E_ARGUMENT, TERN_E_STATE (a stepped client), else the last one's status, in tern_client_error. */
TERN_API tern_status tern_discovery_connect(const tern_discovery *d, tern_client *c, uint32_t foreign,
                                            uint32_t *index);
TERN_API void tern_discovery_free(tern_discovery *d);

#ifdef __cplusplus
}
#endif
#endif
