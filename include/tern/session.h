/* session.h - the protocol engine: an SMTP or LMTP client that does no I/O.
 *
 * It is handed octets and the time, and hands back octets and results. It calls no allocator, reads
 * no clock, keeps no list of recipients. What drives it (a blocking call, epoll, a UART) is a pump:
 *
 *   tern_session_start(s, now);
 *   while ((w = tern_session_wants(s)) != 0) {
 *     if (w & TERN_WANT_TLS)  { handshake; tern_session_tls_done(s, result, now); }
 *     if (w & TERN_WANT_WORK) tern_session_tick(s, now);
 *     if (w & TERN_READ)      { octets have come: tern_session_in(s, octets, len, now); }
 *     if (w & TERN_WRITE)     { p = tern_session_out(s, &len); n = write(p, len);
 *                               tern_session_out_done(s, n, now); }
 *     if (now >= tern_session_deadline(s)) tern_session_tick(s, now);
 *   }
 *
 * READ and WRITE can stand together: a pump must read while it has still much to write, or a long
 * pipelined group can block both ends. Before each write during TERN_PHASE_DATA it should read what
 * is there: a final reply that came before the final octet left is then seen to be early.
 *
 * Callbacks of the tables below are called from within the stepping calls (in, out, out_done,
 * in_closed, tls_done, tick, resume, cancel) and must not call the same session.
 *
 * After a stepping call returned a negative status, or tern_session_ended(s) is 1, the session is
 * over: close the transport without writing another octet. Every transaction that was given to it
 * has been reported by its `done`. */
#ifndef TERN_SESSION_H
#define TERN_SESSION_H

#include <tern/base.h>
#include <tern/sasl.h>
#include <tern/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_session tern_session;

/* ---- capabilities (EHLO keywords) --------------------------------------------------------------*/
#define TERN_CAP_PIPELINING 0x1u           /* RFC 2920 */
#define TERN_CAP_SIZE 0x2u                 /* RFC 1870 */
#define TERN_CAP_8BITMIME 0x4u             /* RFC 6152 */
#define TERN_CAP_CHUNKING 0x8u             /* RFC 3030 */
#define TERN_CAP_SMTPUTF8 0x10u            /* RFC 6531 */
#define TERN_CAP_DSN 0x20u                 /* RFC 3461 */
#define TERN_CAP_ENHANCEDSTATUSCODES 0x40u /* RFC 2034 */
#define TERN_CAP_LIMITS 0x80u              /* RFC 9422 */
#define TERN_CAP_STARTTLS 0x100u           /* RFC 3207 */
#define TERN_CAP_AUTH 0x200u               /* RFC 4954 */
#define TERN_CAP_BINARYMIME 0x400u         /* RFC 3030 */
#define TERN_CAP_REQUIRETLS 0x800u         /* RFC 8689 */
#define TERN_CAP_DELIVERBY 0x1000u         /* RFC 2852 */
#define TERN_CAP_FUTURERELEASE 0x2000u     /* RFC 4865 */
#define TERN_CAP_MT_PRIORITY 0x4000u       /* RFC 6710 */
#define TERN_CAP_PRDR 0x8000u
#define TERN_CAP_VRFY 0x10000u
#define TERN_CAP_EXTENDED 0x20000u /* EHLO or LHLO was accepted, not HELO */

/* "PIPELINING", ... for a single bit; "" for another value. Static. */
TERN_API const char *tern_capability_name(uint32_t capability);

/* ---- policy of an extension ---------------------------------------------------------------------
 * For any of the above but STARTTLS (tern_session_set_tls) and AUTH's mechanisms; AUTH means AUTH=
 * on MAIL. One that this library knows no call for is sent as a raw parameter. */
#define TERN_IF_OFFERED 0u /* used where it is offered and the mail has a use for it; without an
                              offer: 8BITMIME and SMTPUTF8 that a mail needs are errors before MAIL,
                              REQUIRETLS, FUTURERELEASE, DELIVERBY with TERN_BY_RETURN and BINARYMIME
                              are TERN_E_NEEDS_EXTENSION; DSN parameters, DELIVERBY with
                              TERN_BY_NOTIFY, MT-PRIORITY, AUTH= and PRDR are left out
                              (tern_session_used tells) */
#define TERN_REQUIRE 1u    /* a mail is refused with TERN_E_NEEDS_EXTENSION where not offered */
#define TERN_NEVER_USE 2u  /* as if not offered; 8-bit content is then sent without being declared
                              (never SMTPUTF8: a mail that needs it is refused) */

/* ---- one mail transaction (RFC 5321 3.3) ---------------------------------------------------------*/
#define TERN_NOTIFY_NEVER 1u /* alone */
#define TERN_NOTIFY_SUCCESS 2u
#define TERN_NOTIFY_FAILURE 4u
#define TERN_NOTIFY_DELAY 8u

typedef struct tern_recipient { /* growing at the end; the engine zeroes it before the call */
  const char *forward_path; /* a mailbox, without angle brackets */
  const char *orcpt;        /* "rfc822;bob@example.net" in plain (xtext is made here), or NULL */
  const char *params;       /* further RCPT parameters, "KEY=value KEY", checked, or NULL */
  uint32_t notify;          /* TERN_NOTIFY_...; 0: not sent */
} tern_recipient;

#define TERN_MAIL_ALL_OR_NONE 1u   /* no content unless every recipient was accepted by RCPT */
#define TERN_MAIL_RET_FULL 2u      /* DSN RET=FULL */
#define TERN_MAIL_RET_HDRS 4u      /* DSN RET=HDRS */
#define TERN_MAIL_REFUSE_BARE 8u   /* a bare CR or LF is TERN_E_CONTENT instead of repaired */
/* RFC 8689: over TLS all the way or not at all. TERN_E_NEEDS_EXTENSION where it is not offered,
 * TERN_E_REQUIRETLS over a channel that is not verified TLS (tern_session_set_verified); before MAIL. */
#define TERN_MAIL_REQUIRETLS 16u
/* Where it is offered the server answers for each recipient once it has seen the content (Exim's
 * PRDR): some may then be rejected for what is in it. Has no meaning for LMTP, which always does. */
#define TERN_MAIL_PRDR 32u
/* The content is octets, not lines (RFC 3030 3): it leaves as it is. */
#define TERN_MAIL_BINARY 64u

#define TERN_BY_NOTIFY 1u /* tell the sender where it was not delivered by then */
#define TERN_BY_RETURN 2u /* give up then, and return it */
#define TERN_BY_TRACE 4u  /* beside one of the two: report each relay */

/* What a mail asks beyond being taken. All zero: nothing. */
typedef struct tern_terms { /* growing at the end */
  const char *auth;    /* AUTH= (RFC 4954 5): the mailbox of whoever submitted it first, "" for "<>",
                          NULL: not sent */
  int64_t hold_until;  /* FUTURERELEASE (RFC 4865): seconds since 1970 UTC; 0: not sent */
  uint32_t hold_for;   /* the same as seconds from now, up to 999,999,999; 0: not sent */
  int32_t by;          /* DELIVERBY (RFC 2852): seconds from now, of nine digits at most; with
                          TERN_BY_RETURN at least 1, and no fewer than the server's least */
  uint32_t by_mode;    /* TERN_BY_...; 0: not sent */
  int32_t priority;    /* MT-PRIORITY (RFC 6710): -9 to 9; 0: not sent, as it is the default */
} tern_terms;

typedef struct tern_transaction {
  size_t size;              /* sizeof (tern_transaction); zero the rest before filling it */
  const char *reverse_path; /* a mailbox; "" is the null reverse-path */
  const char *envid;        /* DSN ENVID in plain, or NULL */
  const char *params;       /* further MAIL parameters, checked, or NULL */
  uint32_t flags;           /* TERN_MAIL_... */
  uint32_t rcpt_count;
  /* rcpt_count octets of the caller's. Set to TERN_UNSENT by tern_session_send, the engine's marks
   * meanwhile, TERN_UNSENT .. TERN_UNKNOWN once `done` was called. */
  uint8_t *outcome;
  /* Fills *out with recipient index. The strings must live until the next call. The same index may
   * be asked for several times and must give the same answer. */
  tern_status (*recipient)(void *user, uint32_t index, tern_recipient *out);
  /* Recipient index has its outcome: outcome[index]; error says why it is not TERN_ACCEPTED, and
   * has the reply where there was one (for ACCEPTED: status TERN_OK and the final reply). Valid
   * during the call. May be NULL. */
  void (*settled)(void *user, uint32_t index, const tern_error *error);
  /* The transaction has ended; status as tern_error_status(error): TERN_OK all accepted,
   * TERN_PARTIAL some, else negative: TERN_E_IN_DOUBT where one is unknown, or the gravest of the
   * recipients' (of its reply the codes without the text). Called exactly once for each successful tern_session_send.
   * The transaction may be freed or given again after it. May be NULL. */
  void (*done)(void *user, tern_status status, const tern_error *error);
  /* sent octets of content have left; total as promised or TERN_LENGTH_UNKNOWN. A negative
   * answer cancels: the connection must be dropped without the end of the content. May be NULL. */
  tern_status (*progress)(void *user, uint64_t sent, uint64_t total);
  void *user;
  /* The content: spans, borrowed until done; or, with spans NULL, a source. */
  const tern_span *spans;
  size_t span_count;
  const tern_source *source;
  void *source_user;
  const tern_terms *terms; /* borrowed until done; NULL: none, and all that a build without them takes */
} tern_transaction;

/* ---- life ----------------------------------------------------------------------------------------*/
#define TERN_WINDOW_MAX 128u
/* The octets that a session needs: `window` transactions in it at a time (1 to TERN_WINDOW_MAX), `text` octets for
 * the text of a reply, `out` octets for what is to be written. The macro is the constant for
 * static storage; the block must be aligned for any type, for which TERN_SESSION_ALIGN is enough. */
#define TERN_SESSION_TEXT_MIN 128u
#define TERN_SESSION_OUT_MIN 512u /* AUTH needs TERN_SASL_STATE_SIZE more */
#define TERN_SESSION_ALIGN 8u
#if defined(TERN_NO_LOG) && defined(TERN_NO_TRACE) && defined(TERN_NO_LIMITS) && defined(TERN_NO_WINDOW) &&  \
  defined(TERN_NO_OTHER) && defined(TERN_NO_POLICY) && defined(TERN_NO_PROGRESS) && defined(TERN_NO_PRDR) &&   \
  defined(TERN_NO_REQUIRETLS) && defined(TERN_NO_DELIVERBY) && defined(TERN_NO_FUTURERELEASE) &&              \
  defined(TERN_NO_MT_PRIORITY) && defined(TERN_NO_MAIL_AUTH)
#define TERN_SESSION_OBJECT (128u + 32u * sizeof (void *)) /* a build of lib/base/config.h without these parts */
#else
#define TERN_SESSION_OBJECT (336u + 30u * sizeof (void *))
#endif
#define TERN_SESSION_SLOT (144u + 4u * sizeof (void *))
#define TERN_SESSION_SIZE(window, text, out) \
  (TERN_SESSION_OBJECT + (window) * TERN_SESSION_SLOT + ((text) + 7u) / 8u * 8u + (out))
TERN_API size_t tern_session_size(uint32_t window, size_t text, size_t out);

/* Makes a session in the caller's block; what the block has beyond session, slots and text becomes
 * the out buffer. Nothing has to be freed; tern_session_wipe clears the block.
 * TERN_E_BUFFER: block too small; TERN_E_ARGUMENT: NULL, misaligned, or text too small. */
TERN_API tern_status tern_session_init(tern_session **session, void *block, size_t size,
                                       uint32_t window, size_t text);
TERN_API void tern_session_wipe(tern_session *session);

/* ---- settings: before tern_session_start ----------------------------------------------------------*/
#define TERN_TLS_REQUIRED 0u      /* STARTTLS, or the session ends: the default */
#define TERN_TLS_OPPORTUNISTIC 1u /* STARTTLS where offered */
#define TERN_TLS_NONE 2u          /* clear, by the caller's word */
#define TERN_TLS_IMPLICIT 3u      /* TLS before the greeting */
/* TERN_E_UNSUPPORTED: a build without STARTTLS, in which only TERN_TLS_NONE is kept. */
TERN_API tern_status tern_session_set_tls(tern_session *s, uint32_t mode);
/* The argument of EHLO: a domain or address literal (RFC 5321 4.1.3); borrowed until the session
 * has ended. TERN_E_NAME. Without one start answers TERN_E_NAME. */
TERN_API tern_status tern_session_set_ehlo_name(tern_session *s, const char *name);
TERN_API tern_status tern_session_set_lmtp(tern_session *s, uint32_t on);
/* The caller's word that secrets may cross this channel although it is not TLS (a Unix socket, a
 * wire inside a box). */
TERN_API tern_status tern_session_set_channel_safe(tern_session *s, uint32_t on);
/* Capabilities that are treated as not offered, whatever the server says. */
TERN_API tern_status tern_session_set_mask(tern_session *s, uint32_t capabilities);
TERN_API tern_status tern_session_set_policy(tern_session *s, uint32_t capability, uint32_t policy);
/* The longest wait in a phase, in ms; 0: none. Defaults (RFC 5321 4.5.3.2): greeting, EHLO, MAIL,
 * RCPT 300,000; DATA 120,000 for 354 and 180,000 for each 16 KiB of content; end of data 600,000;
 * STARTTLS, TLS, AUTH, RSET, others 60,000; QUIT 1,000. TERN_PHASE_NONE: all waits but QUIT's; a build with
 * the small TERN_SESSION_OBJECT can set no others apart: TERN_E_UNSUPPORTED. */
TERN_API tern_status tern_session_set_timeout(tern_session *s, uint32_t phase, uint32_t ms);
/* A moment after which everything ends with TERN_E_TIMEOUT; TERN_NEVER: none (the default). */
TERN_API tern_status tern_session_set_deadline(tern_session *s, uint64_t at);
/* The caller's word, at any time, that whoever is at the other end of this TLS was verified: chain and
 * name, or DANE. Without it no mail with TERN_MAIL_REQUIRETLS leaves. */
TERN_API tern_status tern_session_set_verified(tern_session *s, uint32_t on);
/* At most this many octets of commands unanswered at a time, 0: no limit. For transports whose
 * write blocks while the peer's does. */
TERN_API tern_status tern_session_set_pipeline(tern_session *s, uint32_t octets);
/* The caller's word that the server keeps to RFC 3030 and 2920: with PIPELINING and CHUNKING, and
 * content whose length is known, BDAT follows its envelope at once, for as many mails as the window
 * holds, so that no mail waits for a reply. Without it (the default) the content of a mail leaves
 * once its RCPT were answered, beside the envelope of the next. A server that does not discard the
 * octets of a chunk which it refuses takes them for commands: after a refused eager BDAT the session
 * therefore ends, mails that had left whole become TERN_UNKNOWN, others TERN_UNSENT. Not for LMTP,
 * nor for mails under TERN_MAIL_ALL_OR_NONE; anything refused stops it until a mail has gone well. */
TERN_API tern_status tern_session_set_eager(tern_session *s, uint32_t on);
/* A table ended by NULL, strongest first; NULL: tern_mechanisms(). Borrowed. TERN_E_ARGUMENT: over 32
 * entries, or one with a size or a name that tern_mechanism does not allow, without a function it
 * must have, or with more state than TERN_SASL_STATE_SIZE. */
TERN_API tern_status tern_session_set_mechanisms(tern_session *s,
                                                 const tern_mechanism *const *table);
/* The dialogue: who is 'C' or 'S', a line without its end; secrets are replaced, content is one
 * line that tells its length. line is not ended by NUL. */
typedef void (*tern_trace)(void *user, char who, const char *line, size_t len);
TERN_API tern_status tern_session_set_trace(tern_session *s, tern_trace trace, void *user);

/* ---- intents: store what is wanted, move no octets --------------------------------------------------
 * Each answers TERN_E_STATE once the session has ended. */
/* The transport is connected. TERN_E_NAME without an EHLO name. */
TERN_API tern_status tern_session_start(tern_session *s, uint64_t now);
/* Authenticate after EHLO (and TLS), before any mail. credentials are borrowed until the session
 * has ended. Secrets never leave over an unprotected channel: TERN_E_CLEARTEXT. A failure ends the
 * session. TERN_E_ARGUMENT: no kind, or a mechanism not in the table. */
TERN_API tern_status tern_session_auth(tern_session *s, tern_credentials *credentials);
/* Send this mail. transaction is borrowed until its `done`. Checked at once, all recipients, before
 * anything is sent: TERN_E_ADDRESS, TERN_E_PARAMETER, TERN_E_NO_RECIPIENTS, TERN_E_ARGUMENT,
 * TERN_E_UNSUPPORTED (an extension that this build leaves out), and
 * TERN_E_CONTENT for spans under TERN_MAIL_REFUSE_BARE (error in tern_session_argument_error).
 * TERN_E_AGAIN: all slots of the window are taken. */
TERN_API tern_status tern_session_send(tern_session *s, const tern_transaction *transaction);
/* QUIT once all mails are done. */
TERN_API tern_status tern_session_quit(tern_session *s);
/* NOOP, or VRFY argument; the answer is tern_session_reply once the session is idle again.
 * argument is borrowed until then. TERN_E_STATE unless idle. VRFY belongs to every server (RFC 5321
 * 4.5.1), offered or not; by policy it is TERN_E_NEEDS_EXTENSION where required and not offered, or
 * never to be used. TERN_E_PARAMETER. */
TERN_API tern_status tern_session_noop(tern_session *s);
TERN_API tern_status tern_session_vrfy(tern_session *s, const char *argument);
/* End now. Mails whose final octet was handed over are TERN_UNKNOWN, others TERN_UNSENT. */
TERN_API tern_status tern_session_cancel(tern_session *s);

/* ---- stepping ------------------------------------------------------------------------------------*/
#define TERN_WANT_TLS 4u    /* do the handshake, then tern_session_tls_done */
#define TERN_WANT_WORK 8u   /* call tern_session_tick: a piece of computing is due */
#define TERN_WANT_SOURCE 16u /* the content's source said TERN_E_AGAIN: tern_session_resume */
/* TERN_READ, TERN_WRITE and the above; 0: idle (ready for the next mail) or ended. */
TERN_API uint32_t tern_session_wants(const tern_session *s);
/* The octets to write next, lent until out_done; NULL where there are none. */
TERN_API const uint8_t *tern_session_out(tern_session *s, size_t *len);
/* The same as up to max spans, in order; returns how many. */
TERN_API size_t tern_session_outv(tern_session *s, tern_span *spans, size_t max);
/* len octets of them were taken by the transport. */
TERN_API tern_status tern_session_out_done(tern_session *s, size_t len, uint64_t now);
/* Octets came. TERN_OK; or the status with which the session ended. */
TERN_API tern_status tern_session_in(tern_session *s, const uint8_t *octets, size_t len,
                                     uint64_t now);
/* The peer closed, or reading or writing failed: reason is TERN_E_CLOSED or TERN_E_IO (or another
 * of group -3xx, -4xx). */
TERN_API tern_status tern_session_in_closed(tern_session *s, tern_status reason);
/* The handshake ended: TERN_OK, or the status of group -4xx or -3xx. detail is a line for people,
 * borrowed until the session has ended, or NULL. */
TERN_API tern_status tern_session_tls_done(tern_session *s, tern_status result, const char *detail,
                                           uint64_t now);
/* The source has octets again. */
TERN_API tern_status tern_session_resume(tern_session *s, uint64_t now);
/* Time has passed, or TERN_WANT_WORK. */
TERN_API tern_status tern_session_tick(tern_session *s, uint64_t now);
/* When tick is due at the latest; TERN_NEVER: nothing is waited for. */
TERN_API uint64_t tern_session_deadline(const tern_session *s);

/* ---- state ---------------------------------------------------------------------------------------*/
TERN_API uint32_t tern_session_ended(const tern_session *s);
/* 1: greeted, authenticated where asked, and no mail under way. */
TERN_API uint32_t tern_session_idle(const tern_session *s);
/* Free slots of the window. */
TERN_API uint32_t tern_session_room(const tern_session *s);
/* 1: no further mail on this connection (MAILMAX reached, a RSET refused, QUIT asked for). */
TERN_API uint32_t tern_session_spent(const tern_session *s);
/* The phase in which the oldest outstanding command is. */
TERN_API uint32_t tern_session_phase(const tern_session *s);
/* Why the session ended; status TERN_OK while it has not, or after an orderly QUIT. */
TERN_API const tern_error *tern_session_error(const tern_session *s);
/* Of the last intent that was refused (TERN_E_ADDRESS, ...): field, index, octet. */
TERN_API const tern_error *tern_session_argument_error(const tern_session *s);
/* The last reply read, or NULL; valid until the next octets. */
TERN_API const tern_reply *tern_session_reply(const tern_session *s);
/* TERN_CAP_... after masking, and as offered; 0 before EHLO. Forgotten at STARTTLS. */
TERN_API uint32_t tern_session_capabilities(const tern_session *s);
TERN_API uint32_t tern_session_offered(const tern_session *s);
/* The extensions that the last mail made use of. */
TERN_API uint32_t tern_session_used(const tern_session *s);
/* SIZE: 0 where none was given. LIMITS RCPTMAX, MAILMAX: 0 for none. */
TERN_API uint64_t tern_session_size_limit(const tern_session *s);
TERN_API uint32_t tern_session_rcpt_max(const tern_session *s);
TERN_API uint32_t tern_session_mail_max(const tern_session *s);
/* Bit i: mechanism i of the table is offered. */
TERN_API uint32_t tern_session_mechanisms(const tern_session *s);
/* The mechanism that succeeded (or was tried last), or "". */
TERN_API const char *tern_session_mechanism(const tern_session *s);
/* 1: AUTH succeeded. */
TERN_API uint32_t tern_session_authenticated(const tern_session *s);
/* What the server was found to do otherwise than it says. */
#define TERN_QUIRK_NO_BDAT 1u /* CHUNKING is offered, BDAT not known */
TERN_API uint32_t tern_session_quirks(const tern_session *s);
/* 1: the octets of this session are inside TLS now. */
TERN_API uint32_t tern_session_secure(const tern_session *s);

#ifdef __cplusplus
}
#endif
#endif
