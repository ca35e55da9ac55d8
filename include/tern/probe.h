/* probe.h - looks at a server without sending mail: resolve, connect, EHLO, STARTTLS, EHLO, AUTH, QUIT, and
 * what there is to say about each. Absent from builds without sockets.
 *
 *   tern_client *c = tern_client_new(NULL);             set as for sending; credentials too, or none
 *   tern_probe *p = tern_probe_new(NULL);
 *   st = tern_probe_run(p, c, "smtp://mail.example.org:587");
 *   for (i = 0; tern_probe_finding(p, i, &finding) == TERN_OK; i++) ...
 *
 * Strings live until the next run or free. */
#ifndef TERN_PROBE_H
#define TERN_PROBE_H

#include <tern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_probe tern_probe;

/* mem as for tern_client_new. NULL: no memory. */
TERN_API tern_probe *tern_probe_new(const tern_allocator *mem);
TERN_API void tern_probe_free(tern_probe *p);

/* Connects as tern_client_connect does, authenticates where the client has credentials, and says QUIT. Where
 * the certificate or the name in it is what fails, it looks a second time, without verification and without
 * credentials, to tell what is behind. Blocks; the client's timeouts hold for each look. TERN_OK: a mail
 * could have been sent; else what is in tern_probe_error. TERN_E_STATE: the client is stepped, or busy, or the probe is;
 * TERN_E_UNSUPPORTED in a build without sockets. */
TERN_API tern_status tern_probe_run(tern_probe *p, tern_client *c, const char *url);
/* The same without blocking, for a stepped client: start stores what is wanted; then step, in place of
 * tern_client_step and between waits by tern_client_fd, _wants and _timeout, until it is not TERN_E_AGAIN. The
 * answers are those of run; start answers with what is wrong at once, and then there is no step to be made.
 * TERN_E_STATE: the client blocks, is busy, or probes already; nothing was started; from within a callback. The
 * client outlives the probe, or its last step, and is asked for nothing else until then. free in between ends the
 * connection as tern_client_cancel does, and is no callback's. */
TERN_API tern_status tern_probe_start(tern_probe *p, tern_client *c, const char *url);
TERN_API tern_status tern_probe_step(tern_probe *p);
/* What kept it from success; status TERN_OK: nothing. Never NULL. */
TERN_API const tern_error *tern_probe_error(const tern_probe *p);

/* ---- addresses -------------------------------------------------------------------------------------*/
#define TERN_PROBED_UNTRIED 0u   /* another one was connected to before */
#define TERN_PROBED_CONNECTED 1u
#define TERN_PROBED_FAILED 2u
#define TERN_PROBED_OUTRUN 3u    /* begun with, and still silent as another one answered */
typedef struct tern_probed { /* an address of the server, or of the proxy */
  size_t size;         /* set to sizeof (tern_probed) before tern_probe_address */
  const char *address; /* "192.0.2.1 port 587", "[2001:db8::1] port 587" */
  uint32_t result;     /* TERN_PROBED_... */
  const char *reason;  /* "Connection refused", "timed out", or "" */
} tern_probed;
/* In the order of the look-up. TERN_E_ARGUMENT beyond the last. */
TERN_API tern_status tern_probe_address(const tern_probe *p, uint32_t index, tern_probed *out);

/* ---- what the server offers ------------------------------------------------------------------------*/
/* Its EHLO lines without code, "SIZE 10485760", the first one its own name; secure 0: before TLS, or where
 * there is none; 1: within TLS. NULL beyond the last. Lines over 4 KiB in all are left out. */
TERN_API const char *tern_probe_ehlo(const tern_probe *p, uint32_t secure, uint32_t index);

typedef struct tern_probe_facts {
  size_t size;             /* set to sizeof (tern_probe_facts) before tern_probe_get */
  const char *peer;        /* that was connected to, as above; or "" */
  const char *greeting;    /* behind its code; or "" */
  uint32_t capabilities;   /* TERN_CAP_... as offered last */
  uint64_t size_limit;     /* SIZE, 0: none */
  uint32_t rcpt_max;       /* LIMITS (RFC 9422), 0: none */
  uint32_t mail_max;
  const char *mechanisms;  /* of AUTH, as offered last: "PLAIN LOGIN"; or "" */
  const char *mechanism;   /* that succeeded; or "" */
  const char *tls_version; /* "TLSv1.3"; "" without TLS */
  const char *tls_cipher;
  uint32_t tls_verified;   /* 1: chain and name hold */
  tern_status certificate; /* TERN_OK, what speaks against it, or TERN_E_AGAIN: none was looked at */
  uint32_t name_fits;      /* 1: it bears the name that it was asked for */
  uint64_t ends;           /* its last second since 1970, 0: unknown */
} tern_probe_facts;
/* TERN_E_ARGUMENT: size too small. */
TERN_API tern_status tern_probe_get(const tern_probe *p, tern_probe_facts *out);

/* The certificates that the server sent, with tern/tls.h's getters: subject, issuer, names, validity, and the
 * SHA-256 of the key that tern_client_set_tls_pins takes. Of the second look where there was one; its word until
 * the facts say that it is verified. NULL: none came, or no memory. Sessions kept by the client are not taken up
 * by a probe, so that they come. Lent until the next run or free, whatever becomes of the client. */
TERN_API const tern_tls_chain *tern_probe_chain(const tern_probe *p);

/* ---- what is wrong ---------------------------------------------------------------------------------*/
#define TERN_PROBE_NOTE 0u    /* worth knowing */
#define TERN_PROBE_WARNING 1u /* works, and should be better */
#define TERN_PROBE_ERROR 2u   /* keeps mail from being sent */
typedef struct tern_finding {
  size_t size;        /* set to sizeof (tern_finding) before tern_probe_finding */
  uint32_t level;     /* TERN_PROBE_... */
  tern_status status; /* the status that it is or would be one day; TERN_OK: none fits */
  uint32_t who;       /* TERN_WHO_...: must act */
  const char *text;
  const char *hint;   /* or "" */
} tern_finding;
/* Gravest first. TERN_E_ARGUMENT beyond the last. */
TERN_API tern_status tern_probe_finding(const tern_probe *p, uint32_t index, tern_finding *out);

#ifdef __cplusplus
}
#endif
#endif
