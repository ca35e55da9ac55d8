/* base.h - what every part of tern shares: statuses, errors and replies, memory, content.
 *
 * Rules that hold for every function of every header of tern, so that they are said once:
 * - Handles are opaque. A getter accepts NULL and answers "nothing" (0, NULL, or "" for text);
 *   any other call on a NULL handle answers TERN_E_NOMEM, so that a failed `new` needs no check.
 * - A handle is used by one thread at a time. Two handles are independent; nothing is global.
 * - Strings passed in are UTF-8, ended by NUL, and copied unless the comment says "borrowed".
 *   Strings handed out belong to the handle and live until its next call that is not a getter.
 * - Time is in milliseconds, of any monotonic clock, as uint64_t; TERN_NEVER is "no deadline".
 *   Durations are uint32_t milliseconds. Lengths are octets.
 * - tern_status: 0 good, negative bad, positive "good, but look". Numbers and names are stable.
 */
#ifndef TERN_BASE_H
#define TERN_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(TERN_STATIC) || !defined(__GNUC__)
#define TERN_API
#else
#define TERN_API __attribute__((visibility("default")))
#endif

#define TERN_VERSION_MAJOR 0
#define TERN_VERSION_MINOR 1
#define TERN_VERSION_PATCH 0
#define TERN_VERSION "0.1.0"

/* The version of the library that is linked, "major.minor.patch". */
TERN_API const char *tern_version(void);

#define TERN_NEVER UINT64_MAX
#define TERN_NUL SIZE_MAX /* as a length: the octets end at the first NUL */

/* ---- statuses ------------------------------------------------------------------------------
 * The hundreds are the group. lib/base/status.def holds, for each: class, sysexits code,
 * retryable, whether sending again is safe, who must act, a sentence and a hint. */
typedef int32_t tern_status;

#define TERN_OK 0
#define TERN_PARTIAL 1 /* the content was accepted for some recipients: look at each */

/* -1xx: the caller */
#define TERN_E_AGAIN (-101)       /* not ended yet; step again when told */
#define TERN_E_ARGUMENT (-102)    /* an argument that cannot be (NULL, zero, out of range) */
#define TERN_E_STATE (-103)       /* a call that does not fit the state of the handle */
#define TERN_E_NOMEM (-104)       /* the allocator or arena has no memory left */
#define TERN_E_BUFFER (-105)      /* a block or buffer given by the caller is too small */
#define TERN_E_UNSUPPORTED (-106) /* left out of this build */
#define TERN_E_CANCELLED (-107)   /* the caller cancelled */
#define TERN_E_URL (-108)         /* a URL that is none, or of an unknown scheme, or with rubbish */
#define TERN_E_CONFIG (-109)      /* a file, key or option that cannot be used */
#define TERN_E_NAME (-110)        /* an EHLO name that is neither a domain nor an address literal */
#define TERN_E_CREDENTIALS (-111) /* user, password or token with octets that cannot be used */
#define TERN_E_RANDOM (-112)      /* the source of randomness failed or is missing */
#define TERN_E_LOCAL (-113)       /* the local address or interface cannot be used */
#define TERN_E_FULL (-114)        /* as many wait already as may: later */

/* -2xx: the mail */
#define TERN_E_ADDRESS (-201)         /* no mailbox of RFC 5321 4.1.2 / RFC 6531 3.3 */
#define TERN_E_PARAMETER (-202)       /* a MAIL or RCPT parameter, ENVID or ORCPT out of grammar */
#define TERN_E_NO_RECIPIENTS (-203)   /* the recipient list is empty */
#define TERN_E_CONTENT (-204)         /* content with octets or lines that the caller said to refuse */
#define TERN_E_SOURCE (-205)          /* the source of the content failed or broke its promise */
#define TERN_E_REWIND (-206)          /* the content is needed again and cannot be rewound */
#define TERN_E_TOO_BIG (-207)         /* larger than the server's SIZE: nothing was sent */
#define TERN_E_NEEDS_SMTPUTF8 (-208)  /* an address or header needs SMTPUTF8, not offered */
#define TERN_E_NEEDS_8BITMIME (-209)  /* the content needs 8BITMIME, not offered */
#define TERN_E_NEEDS_EXTENSION (-210) /* an extension of policy "require" is not offered */
#define TERN_E_NEEDS_ALL (-211)       /* all or none was asked for, and one was refused */
#define TERN_E_RCPTMAX (-212)         /* all or none was asked for, with more than RCPTMAX */

/* -3xx: the network */
#define TERN_E_HOST (-301)     /* the host name does not exist or has no address */
#define TERN_E_RESOLVE (-302)  /* the name service failed for now */
#define TERN_E_CONNECT (-303)  /* no address accepted a connection */
#define TERN_E_IO (-304)       /* reading or writing failed */
#define TERN_E_CLOSED (-305)   /* the peer closed, or the connection was lost */
#define TERN_E_TIMEOUT (-306)  /* a deadline passed */
#define TERN_E_NULL_MX (-307)  /* the domain takes no mail (RFC 7505) */
#define TERN_E_IN_DOUBT (-308) /* the final octet was handed over and no final reply was read:
                                  the message may have been delivered */
#define TERN_E_PROXY (-309)        /* the proxy failed to connect, or closed */
#define TERN_E_PROXY_AUTH (-310)   /* the proxy wants credentials, or refused them */
#define TERN_E_PROXY_DENIED (-311) /* the proxy's rules forbid this connection */
#define TERN_E_PROXY_REPLY (-312)  /* what the proxy sent is no answer of its protocol */

/* -4xx: TLS and trust */
#define TERN_E_TLS_NOT_OFFERED (-401)   /* TLS is required and STARTTLS is not offered */
#define TERN_E_TLS_REFUSED (-402)       /* STARTTLS was answered with 5xx */
#define TERN_E_TLS_HANDSHAKE (-403)     /* the handshake failed for a reason without a name here */
#define TERN_E_TLS_VERSION (-404)       /* no protocol version or cipher suite in common */
#define TERN_E_TLS_EXPIRED (-405)       /* a certificate is past its end date */
#define TERN_E_TLS_NOT_YET_VALID (-406) /* a certificate's begin date lies ahead */
#define TERN_E_TLS_WRONG_HOST (-407)    /* no SAN of the certificate is the host asked for */
#define TERN_E_TLS_UNKNOWN_CA (-408)    /* the chain ends at no authority that is trusted */
#define TERN_E_TLS_CERTIFICATE (-409)   /* refused for another reason: weak, revoked, wrong usage */
#define TERN_E_TLS_NO_TRUST (-410)      /* no usable trust store to verify with */
#define TERN_E_TLS_INJECTION (-411)     /* octets came behind the reply to STARTTLS, in clear */
#define TERN_E_TLS_UNEXPECTED (-412)    /* the server speaks TLS where a greeting is due */
#define TERN_E_TLS_PLAIN (-413)         /* the server speaks SMTP where TLS is due */
#define TERN_E_TLS_CLIENT_CERT (-414)   /* the server refused the client certificate, or its lack */
#define TERN_E_CLEARTEXT (-415)         /* a secret would have to cross an unprotected channel */
#define TERN_E_TLS_DANE (-416)          /* no TLSA record fits the server's certificate */
#define TERN_E_TLS_PIN (-417)           /* the server's key is none of those that were pinned */

/* -5xx: the server broke the protocol */
#define TERN_E_REPLY_SYNTAX (-501)     /* what was read is no reply */
#define TERN_E_REPLY_LENGTH (-502)     /* a line over 2,048 octets or a reply over 128 lines */
#define TERN_E_REPLY_CODES (-503)      /* the code changed between the lines of one reply */
#define TERN_E_REPLY_UNEXPECTED (-504) /* a reply that nobody asked for, or of the wrong kind */
#define TERN_E_AUTH_CHALLENGE (-505)   /* a challenge that is malformed or over the limit */

/* -6xx: refused by the server for now (4xx) */
#define TERN_E_REFUSED_TRANSIENT (-601)    /* any other 4xx */
#define TERN_E_SERVICE_UNAVAILABLE (-602)  /* 421: later, or elsewhere */
#define TERN_E_LOCAL_ERROR (-603)          /* 451: a problem of the server's own */
#define TERN_E_MAILBOX_BUSY (-604)         /* 450 */
#define TERN_E_STORAGE (-605)              /* 452, x.3.1: the server is short of storage */
#define TERN_E_TOO_MANY_RECIPIENTS (-606)  /* 452 / 552 to RCPT, x.5.3 */
#define TERN_E_MAILBOX_FULL_NOW (-607)     /* 4.2.2 */
#define TERN_E_POLICY_TRANSIENT (-608)     /* 4.7.x: greylisting, rate, reputation */
#define TERN_E_ROUTING_TRANSIENT (-609)    /* 4.4.x */
#define TERN_E_AUTH_TRANSIENT (-610)       /* 454 to AUTH */
#define TERN_E_AUTH_TRANSITION (-611)      /* 432: a password transition is needed */
#define TERN_E_TLS_TRANSIENT (-612)        /* STARTTLS was answered with 4xx */
#define TERN_E_PARAMETERS_TRANSIENT (-613) /* 455 */
/* from the wording, where the code alone says too little (builds with sockets) */
#define TERN_E_GREYLISTED (-614)           /* a first try is put off: again after some minutes */
#define TERN_E_RATE_LIMITED (-615)         /* too many messages, recipients or connections */
#define TERN_E_BLOCKED_TRANSIENT (-616)    /* the sending address has a bad name for now */

/* -7xx: refused by the server for good (5xx) */
#define TERN_E_REFUSED_PERMANENT (-701)   /* any other 5xx */
#define TERN_E_NO_SUCH_MAILBOX (-702)     /* 550, 5.1.1 and its kin */
#define TERN_E_MAILBOX_DISABLED (-703)    /* 5.2.1 */
#define TERN_E_MAILBOX_FULL (-704)        /* 5.2.2, 552 */
#define TERN_E_USER_NOT_LOCAL (-705)      /* 551, 5.1.6 */
#define TERN_E_MAILBOX_NAME (-706)        /* 553, 5.1.3 */
#define TERN_E_SENDER_REFUSED (-707)      /* 5.1.7, 5.1.8, 5.7.1 to MAIL */
#define TERN_E_RELAY_DENIED (-708)        /* authenticate, or ask the provider */
#define TERN_E_NO_MAIL_HERE (-709)        /* 521, 556, 554 greeting, 5.1.10 */
#define TERN_E_MESSAGE_TOO_BIG (-710)     /* 552, 5.3.4, 5.2.3 */
#define TERN_E_CONTENT_REFUSED (-711)     /* 5.6.x, 554 after the content */
#define TERN_E_POLICY (-712)              /* 5.7.x */
#define TERN_E_UNAUTHENTICATED (-713)     /* SPF, DKIM, DMARC, reverse DNS: 5.7.20 to 5.7.27 */
#define TERN_E_ENCRYPTION_NEEDED (-714)   /* 5.7.10, 5.7.11, 523, 538, 530 5.7.0 with STARTTLS */
#define TERN_E_REQUIRETLS (-715)          /* 5.7.30 (RFC 8689) */
#define TERN_E_ROUTING (-716)             /* 5.4.x */
#define TERN_E_UTF8_REFUSED (-717)        /* 5.6.7, 5.6.9, 553 with SMTPUTF8 */
#define TERN_E_COMMAND_UNKNOWN (-718)     /* 500, 502, 5.5.1 */
#define TERN_E_COMMAND_SYNTAX (-719)      /* 501, 5.5.2, 5.5.4 */
#define TERN_E_COMMAND_SEQUENCE (-720)    /* 503 */
#define TERN_E_COMMAND_PARAMETER (-721)   /* 504, 555 */
#define TERN_E_AUTH_REQUIRED (-722)       /* 530 */
#define TERN_E_AUTH_REFUSED (-723)        /* 535 */
#define TERN_E_AUTH_TOO_WEAK (-724)       /* 534, 5.7.9 */
#define TERN_E_AUTH_EXCHANGE (-725)       /* any other 5xx to AUTH; 500 5.5.6: line too long */
#define TERN_E_AUTH_NO_MECHANISM (-726)   /* nothing offered fits the credentials */
#define TERN_E_AUTH_PROOF (-727)          /* the server could not prove that it knows the secret */
/* from the wording, as above */
#define TERN_E_BLOCKED (-728)             /* the sending address is on a block list */
#define TERN_E_SPAM (-729)                /* the content was taken for unsolicited mail */
#define TERN_E_QUOTA (-730)               /* the account has sent as much as it may */
#define TERN_E_AUTH_EXPIRED (-731)        /* a password or token has expired or was revoked */
#define TERN_E_AUTH_APP_PASSWORD (-732)   /* a password made for applications is wanted */
#define TERN_E_AUTH_DISABLED (-733)       /* the account or provider does not allow this login */

/* The name of the constant, "TERN_E_TIMEOUT"; "TERN_E_UNKNOWN" for a number without one. Static. */
TERN_API const char *tern_status_name(tern_status status);

/* One sentence that says what the status means, and one that says what to do. Static, never NULL.
 * "" in builds that leave the texts out. */
TERN_API const char *tern_status_text(tern_status status);
TERN_API const char *tern_status_hint(tern_status status);

/* The class: the first thing to switch on; it holds for statuses younger than the caller too. */
#define TERN_CLASS_NONE 0u
#define TERN_CLASS_CALLER 1u
#define TERN_CLASS_MAIL 2u
#define TERN_CLASS_NETWORK 3u
#define TERN_CLASS_TLS 4u
#define TERN_CLASS_PROTOCOL 5u
#define TERN_CLASS_TRANSIENT 6u
#define TERN_CLASS_PERMANENT 7u
TERN_API uint32_t tern_status_class(tern_status status);

/* The code of sysexits.h, as tern-send exits with it. tern_error_sysexit, which also knows the
 * phase, is finer: 5xx is 67 for a recipient and 69 elsewhere. */
TERN_API int32_t tern_status_sysexit(tern_status status);

/* ---- phases ---------------------------------------------------------------------------------*/
#define TERN_PHASE_NONE 0u
#define TERN_PHASE_RESOLVE 1u
#define TERN_PHASE_CONNECT 2u
#define TERN_PHASE_TLS 3u
#define TERN_PHASE_GREETING 4u
#define TERN_PHASE_EHLO 5u
#define TERN_PHASE_STARTTLS 6u
#define TERN_PHASE_AUTH 7u
#define TERN_PHASE_MAIL 8u
#define TERN_PHASE_RCPT 9u
#define TERN_PHASE_DATA 10u        /* DATA or BDAT up to the last octet of the content */
#define TERN_PHASE_END_OF_DATA 11u /* waiting for the final reply */
#define TERN_PHASE_RSET 12u
#define TERN_PHASE_QUIT 13u
#define TERN_PHASE_OTHER 14u /* NOOP, VRFY */
#define TERN_PHASES 15u

/* "resolve", "connect", ... "end-of-data", ...; "" for NONE. Static. */
TERN_API const char *tern_phase_name(uint32_t phase);

/* ---- replies and errors -----------------------------------------------------------------------
 * Both are records inside a handle (session, client, mail); getters only, all accept NULL. */
typedef struct tern_reply tern_reply;
typedef struct tern_error tern_error;

/* 200 to 599; 0: there was no reply. */
TERN_API uint32_t tern_reply_code(const tern_reply *reply);
/* "5.7.1" as the server sent it (RFC 2034), or "" where absent or in contradiction to the code. */
TERN_API const char *tern_reply_enhanced(const tern_reply *reply);
/* The text without codes, lines joined by LF, control octets replaced by '?', cut to the
 * session's buffer. It is the server's, in any encoding: never trust or interpret it. */
TERN_API const char *tern_reply_text(const tern_reply *reply);
/* The queue id in the final reply ("queued as 4F2A", "id=1tAbc-...", ...) copied to out, always
 * ended by NUL; returns its length, 0 where none was recognised or cap is too small. */
TERN_API size_t tern_reply_queue_id(const tern_reply *reply, char *out, size_t cap);

/* What the caller's value was that a status of group -1xx or -2xx complains of. */
#define TERN_FIELD_NONE 0u
#define TERN_FIELD_REVERSE_PATH 1u
#define TERN_FIELD_FORWARD_PATH 2u
#define TERN_FIELD_EHLO_NAME 3u
#define TERN_FIELD_USER 4u
#define TERN_FIELD_PASSWORD 5u
#define TERN_FIELD_TOKEN 6u
#define TERN_FIELD_AUTHZID 7u
#define TERN_FIELD_MECHANISM 8u
#define TERN_FIELD_ENVID 9u
#define TERN_FIELD_ORCPT 10u
#define TERN_FIELD_MAIL_PARAMETER 11u
#define TERN_FIELD_RCPT_PARAMETER 12u
#define TERN_FIELD_CONTENT 13u
#define TERN_FIELD_SIZE 14u
#define TERN_FIELD_URL_SCHEME 15u
#define TERN_FIELD_URL_USER 16u
#define TERN_FIELD_URL_HOST 17u
#define TERN_FIELD_URL_PORT 18u
#define TERN_FIELD_URL_PATH 19u
#define TERN_FIELD_URL_QUERY 20u
#define TERN_FIELD_CA 21u
#define TERN_FIELD_CERTIFICATE 22u
#define TERN_FIELD_KEY 23u
#define TERN_FIELD_EXTENSION 24u
#define TERN_FIELD_VRFY 25u
#define TERN_FIELD_LOCAL 26u
#define TERN_FIELD_DELIVER_BY 27u
#define TERN_FIELD_HOLD 28u
#define TERN_FIELD_PRIORITY 29u
#define TERN_FIELD_MAIL_AUTH 30u
#define TERN_FIELDS 31u /* of this block; others follow in blocks of their own */
/* of a composed message */
#define TERN_FIELD_FROM 40u
#define TERN_FIELD_SENDER 41u
#define TERN_FIELD_REPLY_TO 42u
#define TERN_FIELD_TO 43u
#define TERN_FIELD_CC 44u
#define TERN_FIELD_BCC 45u
#define TERN_FIELD_SUBJECT 46u
#define TERN_FIELD_DATE 47u
#define TERN_FIELD_MESSAGE_ID 48u
#define TERN_FIELD_IN_REPLY_TO 49u
#define TERN_FIELD_REFERENCES 50u
#define TERN_FIELD_AUTO_SUBMITTED 51u
#define TERN_FIELD_LIST_UNSUBSCRIBE 52u
#define TERN_FIELD_IMPORTANCE 53u
#define TERN_FIELD_HEADER_NAME 54u
#define TERN_FIELD_HEADER_VALUE 55u
#define TERN_FIELD_GROUP 56u
#define TERN_FIELD_TEXT 57u
#define TERN_FIELD_HTML 58u
#define TERN_FIELD_CALENDAR 59u
#define TERN_FIELD_PART 60u
#define TERN_FIELD_CONTENT_TYPE 61u
#define TERN_FIELD_FILE_NAME 62u
#define TERN_FIELD_FILE 63u
#define TERN_FIELD_CONTENT_ID 64u
#define TERN_FIELD_DESCRIPTION 65u
#define TERN_FIELD_ENCODING 66u
#define TERN_FIELDS_MESSAGE 67u
#define TERN_FIELD_HEADER 70u /* of a ready message; the error's text names the field */
#define TERN_FIELD_DKIM_DOMAIN 71u
#define TERN_FIELD_DKIM_SELECTOR 72u
#define TERN_FIELD_DKIM_IDENTITY 73u
#define TERN_FIELD_DKIM_FIELDS 74u
#define TERN_FIELD_DKIM_SIGNATURE 75u
#define TERN_FIELD_PIN 90u /* of TLS */
#define TERN_FIELD_TLS_VERSION 91u
#define TERN_FIELD_CIPHER 92u

/* "reverse-path", "forward-path", ...; "" for NONE. Static. */
TERN_API const char *tern_field_name(uint32_t field);

#define TERN_RESEND_SAFE 0u    /* nothing was delivered */
#define TERN_RESEND_UNSAFE 1u  /* a part was delivered: send to the others only */
#define TERN_RESEND_UNKNOWN 2u /* nobody knows: sending again may deliver twice */

#define TERN_WHO_NOBODY 0u
#define TERN_WHO_SENDER 1u    /* whoever wrote or configured the mail */
#define TERN_WHO_RECIPIENT 2u
#define TERN_WHO_SERVER 3u    /* the people who run the server */
#define TERN_WHO_OPERATOR 4u  /* the people who run this program and its network */

TERN_API tern_status tern_error_status(const tern_error *error);
/* Of TERN_E_IN_DOUBT: why (CLOSED, TIMEOUT, REPLY_SYNTAX, ...); of TERN_E_SOURCE: what the source
 * answered; else the status itself. */
TERN_API tern_status tern_error_cause(const tern_error *error);
TERN_API uint32_t tern_error_phase(const tern_error *error);
/* The reply of exactly that phase, or NULL: never one left over from an earlier command. */
TERN_API const tern_reply *tern_error_reply(const tern_error *error);
/* 1 when the same call may succeed later: exactly when tern_error_sysexit is 75. */
TERN_API uint32_t tern_error_retryable(const tern_error *error);
TERN_API uint32_t tern_error_in_doubt(const tern_error *error);
TERN_API uint32_t tern_error_resend(const tern_error *error);
TERN_API uint32_t tern_error_who(const tern_error *error);
TERN_API int32_t tern_error_sysexit(const tern_error *error);
TERN_API const char *tern_error_hint(const tern_error *error);
/* A line for people: the detail that only the place of failure knew (both names of a wrong host,
 * a file), else the server's text, else the status's sentence. Never NULL. */
TERN_API const char *tern_error_text(const tern_error *error);
/* TERN_FIELD_..., the index of the recipient, and the octet that is wrong with its position in the
 * value; position is SIZE_MAX where no single octet is to blame. */
TERN_API uint32_t tern_error_field(const tern_error *error);
TERN_API uint32_t tern_error_index(const tern_error *error);
TERN_API size_t tern_error_position(const tern_error *error);
TERN_API uint32_t tern_error_octet(const tern_error *error);
/* "TERN_E_ADDRESS: forward-path 2: octet 0x0d at 4: ..." into out, always ended by NUL where cap
 * is not 0; returns the length that the whole text has, as snprintf does. */
TERN_API size_t tern_error_format(const tern_error *error, char *out, size_t cap);

/* "sender", "recipient", "server", "operator", "" / "safe", "unsafe", "unknown". Static. */
TERN_API const char *tern_who_name(uint32_t who);
TERN_API const char *tern_resend_name(uint32_t resend);

/* ---- outcome of a recipient ------------------------------------------------------------------*/
#define TERN_UNSENT 0u   /* nothing was asked, or the mail went no further; sending again is safe */
#define TERN_ACCEPTED 1u /* the server has taken responsibility for this recipient */
#define TERN_REJECTED 2u /* refused for good */
#define TERN_DEFERRED 3u /* refused for now */
#define TERN_UNKNOWN 4u  /* may have been delivered; see TERN_E_IN_DOUBT */

/* "unsent", "accepted", "rejected", "deferred", "unknown". Static. */
TERN_API const char *tern_outcome_name(uint32_t outcome);

/* ---- memory ----------------------------------------------------------------------------------*/
typedef struct tern_allocator { /* frozen */
  void *user;
  /* size octets aligned for any type, or NULL. */
  void *(*alloc)(void *user, size_t size);
  /* ptr came from alloc of the same table with that size; never NULL. */
  void (*free)(void *user, void *ptr, size_t size);
} tern_allocator;

/* An allocator over the caller's octets: for devices without a heap. What was taken last is given
 * back when freed; other frees are kept in mind and given back when all behind them are free, so
 * that its level is the same after each mail. Fields are private. */
typedef struct tern_arena { /* frozen */
  tern_allocator allocator;
  unsigned char *base;
  size_t size;
  size_t level;
  size_t peak;
} tern_arena;

/* Makes an arena of size octets at memory, which is borrowed until the last use. Returns the
 * allocator to hand to any `new`; it lives in *arena. */
TERN_API const tern_allocator *tern_arena_init(tern_arena *arena, void *memory, size_t size);
/* Octets in use now, and the most that ever were. */
TERN_API size_t tern_arena_level(const tern_arena *arena);
TERN_API size_t tern_arena_peak(const tern_arena *arena);
/* Everything that was taken after the mark was read is given back at once: nothing of it may be
 * used any more. Returns TERN_E_ARGUMENT for a mark above the level. */
TERN_API size_t tern_arena_mark(const tern_arena *arena);
TERN_API tern_status tern_arena_release(tern_arena *arena, size_t mark);

/* ---- content ---------------------------------------------------------------------------------*/
typedef struct tern_span { /* frozen */
  const uint8_t *octets;
  size_t len;
} tern_span;

#define TERN_LENGTH_UNKNOWN UINT64_MAX

/* What is known of the content before its first octet; filled by tern_source.prepare. */
#define TERN_CONTENT_8BIT 1u        /* has octets over 127: needs 8BITMIME */
#define TERN_CONTENT_UTF8_HEADER 2u /* its header has octets over 127: needs SMTPUTF8 */
#define TERN_CONTENT_BINARY 4u /* not lines: nothing is repaired, needs BINARYMIME, CHUNKING and a
                                  length (RFC 3030 3) */
typedef struct tern_content_info { /* frozen */
  uint64_t length; /* a promise, in octets as they go on the wire: every line ended by CRLF, no
                      transparency; or TERN_LENGTH_UNKNOWN. Allows SIZE= and BDAT. */
  uint32_t flags;  /* TERN_CONTENT_... */
} tern_content_info;

/* Content that is pulled. The table is borrowed and static in most programs. */
typedef struct tern_source {
  size_t size; /* sizeof (tern_source) */
  /* Lends the next octets, valid until the next call of read or rewind. TERN_OK: *len octets (at
   * least 1), more may follow. TERN_SOURCE_END: *len octets (may be 0) and nothing after them.
   * TERN_E_AGAIN: none yet (tern_session_resume goes on). Another negative: failed, the mail ends
   * with TERN_E_SOURCE and this status as its cause. */
  tern_status (*read)(void *user, const uint8_t **octets, size_t *len);
  /* Back to the first octet: the very same octets follow again. NULL: cannot. Content that cannot
   * rewind cannot be sent in a second transaction (LIMITS RCPTMAX, a reconnect): TERN_E_REWIND. */
  tern_status (*rewind)(void *user);
  /* After EHLO and before each MAIL: the server can do `capabilities` (TERN_CAP_...). Fills info,
   * which comes as {TERN_LENGTH_UNKNOWN, 0}. NULL: info stays so. */
  tern_status (*prepare)(void *user, uint32_t capabilities, tern_content_info *info);
} tern_source;

#define TERN_SOURCE_END 2

#ifdef __cplusplus
}
#endif
#endif
