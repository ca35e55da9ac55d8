/* client.h - what a tern_client is inside, shared by the files that move it:
 *   client.c      settings, intents, getters
 *   connection.c  one connection: dial, TLS, session; and its end
 *   dial.c        from a host's name to a connected socket
 *   pump.c        steps: octets between session and transport, mails in and out, waiting */
#ifndef TERN_LIB_CLIENT_CLIENT_H
#define TERN_LIB_CLIENT_CLIENT_H

#include "client/attempt.h"
#include "client/credential.h"
#include "client/mail.h"
#include "client/memory.h"
#include "client/security.h"
#include "client/url.h"
#include "transport/tls.h"
#include "transport/transport.h"
#ifndef TERN_NO_SOCKETS
#include "client/dial.h"
#include "transport/tcp.h"
#endif

#define TERN__SPANS_MAX 64u
#define TERN__SLICE 200u /* the longest wait at a time, ms */

/* Where the connection is. */
#define TERN__OFF 0u
#define TERN__DIALLING 1u /* from the look-up to a connection */
#define TERN__ON 2u       /* a session runs, its TLS handshake included */

/* The last read took all that the socket had; and something was written since then. */
#define TERN__DRAINED_NOW 1u
#define TERN__DRAINED_BEFORE 2u

/* What there is to connect to. */
#define TERN__TARGET_NONE 0u
#define TERN__TARGET_URL 1u
#define TERN__TARGET_ATTACHED 2u /* not yet used */
#define TERN__TARGET_SPENT 3u    /* an attached transport that was closed, or after quit */

#define TERN__PROBE_NOOP 1u
#define TERN__PROBE_VRFY 2u

/* A list of mails in order. */
typedef struct tern__queue {
  tern_mail *first;
  tern_mail *last;
} tern__queue;

/* What clients of one thread have in common; lent to them. */
typedef struct tern__common {
  const tern_allocator *mem;
  uint8_t *in; /* what each of them reads into */
  size_t in_size;
  tern__trust *trust; /* what ca holds, read once it is needed */
  char *ca;           /* NULL: the system's store */
} tern__common;

#ifndef TERN_NO_SOCKETS
/* Two addresses of one host, of two families, that race for the first connection (RFC 8305); those that
 * follow go to the one that won. */
typedef struct tern__pair {
  tern__sockaddr other; /* beside the URL's */
  uint8_t over;         /* the race was run */
  uint8_t other_won;
  tern__tried tried; /* what became of both, once it is over */
} tern__pair;
#endif

struct tern_client {
  const tern_allocator *mem;
  tern__common *common; /* borrowed, or NULL */

  /* settings */
  char *ca;
  char *ca_pem;
  char *cert;
  char *key;
  tern__security security;
  tern__memory *memory; /* NULL: the caller keeps none */
  char *ehlo_name;
  const tern_mechanism *const *mechanisms;
  tern_resolver *resolver; /* borrowed; NULL: none was given */
  tern__url proxy;         /* host NULL: none */
#ifndef TERN_NO_SOCKETS
  tern__local *local; /* NULL: the system's choice */
#endif
  tern_trace trace;
  void *trace_user;
  uint32_t mask;
  uint32_t required;
  uint32_t never;
  uint32_t timeout[TERN_PHASES];
  uint32_t timeout_set; /* bit per phase */
  uint32_t total;
  size_t out_size;
  size_t text_size;
  uint32_t window;
  uint8_t tls_set; /* tls_mode was set, over the URL's */
  uint8_t tls_mode;
  uint8_t insecure;
  uint8_t lmtp;
  uint8_t channel_safe;
  uint8_t blocking;
  uint8_t eager;
  tern_error setting; /* a setting that failed: connect answers it */

  /* where to, and who */
  uint8_t target;
  tern__url url;
  char *address; /* of its host, known beforehand; NULL: to be looked up */
  tern__link attached;
  char *attached_host;
  tern__login login;

  /* the connection */
  uint8_t state;
  uint8_t mode;           /* TERN_TLS_... that holds for it */
  uint8_t in_clear;       /* an opportunistic handshake failed: go without */
  tern_status clear_why;  /* of that handshake; TERN_OK: there was none */
  uint64_t tls_until;      /* of its certificate: yyyymmddhhmmss; 0: unknown */
  uint8_t tls_named;       /* it bears the name asked for */
  tern_status tls_verdict; /* over the server's certificate, also where it was optional */
  uint8_t auth_given;     /* to this session */
  uint8_t quit_given;     /* to this session */
  uint8_t tls_up;
  uint8_t drained;        /* TERN__DRAINED_...: a read can wait for the next wait */
  uint8_t careful;        /* an eager content was refused: no more of that until connect */
  uint8_t reusable;       /* it ended while idle, after mails: may be opened again */
  uint32_t mails;         /* that ended on it */
  tern__link link;        /* the top: TLS, or what is below */
  tern__link lower;
  tern__trust *trust;
  tern__trust *anchors; /* that hold for the connection: trust, or that of common; NULL: none needed */
  tern__tls *tls;
#ifndef TERN_NO_SOCKETS
  tern__tcp *tcp;
  tern__dial *dial; /* while dialling */
  tern__tried *tried; /* a probe's, or NULL */
  tern__pair *pair;   /* a delivery's, or NULL: borrowed */
#endif
  uint32_t dials;  /* connections begun: another number, another handle */
  char *own_name; /* for EHLO where none was set */
  void *block;    /* read buffer, where it is not a common one, and session */
  size_t block_size;
  uint8_t *in;
  size_t in_size;
  tern_session *session;
  const char *tls_version;
  const char *tls_cipher;
  uint32_t tls_verified;
  char *detail; /* that error points to */
  tern_error error;
  uint64_t now;      /* as the step began */
  uint64_t due;      /* of the total timeout; TERN_NEVER */
  uint64_t left;     /* of it, after a blocking connect, for the first mail; 0: all */
  uint32_t wait_for; /* events that the last turn found wanting */
  uint8_t nap;       /* a source had nothing: ask again in a while */
  uint8_t ticked;    /* the session's deadline was looked at in this step */
  uint8_t more;      /* a step ended before its work did */
  uint8_t new_mail;  /* read what is there before its first octet leaves */
  uint8_t stepping;  /* calls from within a callback are refused */

  /* intents */
  uint8_t want_open;
  uint8_t want_quit;
  uint8_t probe; /* TERN__PROBE_... */
  uint8_t probe_given;
  char *argument; /* of VRFY */
  tern__queue queue;
  tern__queue finished;
  tern__attempt *attempts; /* in flight, oldest first */
  tern__attempt *attempts_last;
  uint32_t ended; /* of them, not yet collected */
  volatile uint32_t cancel;
};

/* ---- client.c ------------------------------------------------------------------------------------*/
/* A setting that cannot be stored: kept for the next connect to answer. Returns status. */
tern_status tern__client_wrong(tern_client *c, tern_status status);
/* Whether tern_client_set_buffers takes them. */
int tern__client_buffers_fit(size_t out, size_t text);
/* Before connect: what it shares with others, borrowed until it is freed. */
void tern__client_share(tern_client *c, tern__common *common);
void tern__common_free(tern__common *common);
/* Before connect: a literal (without brackets) to be connected to instead of looking up the URL's
 * host, which still names the server to TLS, AUTH and a proxy; copied, NULL: none. TERN_E_NOMEM. */
tern_status tern__client_set_address(tern_client *c, const char *address);
/* Takes the mail out of its client's list of finished ones, where it is in one. */
void tern__client_forget(tern_mail *mail);

/* ---- connection.c --------------------------------------------------------------------------------*/
/* Begins to connect to the target. TERN_OK, or c->error is set. */
tern_status tern__conn_open(tern_client *c);
/* One try to get on with dialling; 1 when something moved. */
int tern__conn_dial(tern_client *c);
/* The same for the TLS handshake that the session waits for. */
int tern__conn_handshake(tern_client *c);
/* Gives the session the credentials once there are any. */
void tern__conn_login(tern_client *c);
/* Closes and gives back everything but the session's block, for its getters. */
void tern__conn_drop(tern_client *c);
/* Sets c->error; detail is copied. */
void tern__conn_fail(tern_client *c, tern_status status, uint32_t phase, const char *detail);
/* Makes c->detail a copy of detail, which may be NULL. */
void tern__conn_keep(tern_client *c, const char *detail);
/* The last thing the transport said about itself; "" for nothing. */
const char *tern__conn_detail(const tern_client *c);
uint64_t tern__conn_now(const tern_client *c);

/* ---- pump.c --------------------------------------------------------------------------------------*/
/* Moves what can be moved without waiting. TERN_E_AGAIN: work under way; TERN_OK: none; else
 * c->error. */
tern_status tern__pump_step(tern_client *c);
/* Waits until a step can move something, or some of the time has passed; then steps. */
tern_status tern__pump_wait(tern_client *c);
int tern__pump_busy(const tern_client *c);
/* Whether an idle connection can take a mail, by what has come meanwhile: reads it without waiting, so
 * that neither an end nor a 421 is found out by the next mail. Costs no round trip. */
int tern__pump_stands(tern_client *c);
/* The time is over: ends the connection with what is under way on it, at the next step. */
void tern__pump_expire(tern_client *c);
/* Ends everything that is under way or queued as cancelled. */
void tern__pump_cancel(tern_client *c);
void tern__queue_push(tern__queue *queue, tern_mail *mail);
tern_mail *tern__queue_pop(tern__queue *queue);

#endif
