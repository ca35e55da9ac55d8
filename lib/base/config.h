/* config.h - what this build is without. Each macro leaves out files, whole functions, rows of a
 * table or branches that are then constant; none changes a struct or the meaning of what is left.
 * The build's options set them (meson_options.txt); whoever compiles the files by himself, or the
 * amalgamation, defines them on the command line.
 *
 *   TERN_NO_HEAP, TERN_NO_SOCKETS, TERN_NO_TLS   rooms' parts that need a host
 *   TERN_NO_WORDING   replies are judged by their codes alone (follows from TERN_NO_SOCKETS)
 *   TERN_NO_TEXT      no names, sentences and hints
 *   TERN_SHORT_TEXT   a word for each status, a hint for each class, no names
 * The parts of the engine from here on can be left out where there is no client (TERN_NO_CLIENT),
 * which asks for all of them:
 *   TERN_NO_LOG       no tern_error_format, tern_reply_queue_id, tern_capability_name, none of
 *                     the session's getters of what the server offers, no names of a phase, a
 *                     field, an outcome and of who must act, which tern_error_who tells, either
 *   TERN_NO_ARENA     no tern_arena
 *   TERN_NO_TRACE     no transcript
 *   TERN_NO_CHUNKING, TERN_NO_DSN, TERN_NO_SMTPUTF8, TERN_NO_LIMITS, TERN_NO_LMTP   extensions
 *   TERN_NO_STARTTLS  no TLS of the session's own: who has TLS below it makes it before
 *                     tern_session_start, and says so by set_tls(NONE) and set_channel_safe
 *   TERN_NO_ENHANCED  of the enhanced status codes nothing is read (message/bounce_... needs it)
 *   TERN_NO_SPLIT     one transaction a mail: who got 452 for being too many is deferred, not
 *                     sent to in a further one (needs TERN_NO_LIMITS and TERN_NO_CHUNKING)
 *   TERN_NO_LITERALS  of address literals [192.0.2.1] alone
 *   TERN_NO_WINDOW    one mail in the session at a time
 *   TERN_NO_OTHER     no NOOP and VRFY
 *   TERN_NO_POLICY    no set_mask, set_policy, set_pipeline, set_mechanisms
 *   TERN_NO_PROGRESS  no tern_transaction.progress
 *   TERN_NO_NULL      a session that is NULL is not looked for, as none of a device's is: no call
 *                     but tern_session_init may be given one
 *   TERN_NO_MAIL_OPTIONS   no TERN_MAIL_ALL_OR_NONE, TERN_MAIL_REFUSE_BARE and raw parameters
 * and mechanisms of AUTH, with or without the client:
 *   TERN_NO_SCRAM_SHA_256, TERN_NO_SCRAM_SHA_1, TERN_NO_CRAM_MD5, TERN_NO_OAUTHBEARER,
 *   TERN_NO_XOAUTH2, TERN_NO_EXTERNAL, TERN_NO_PLAIN, TERN_NO_LOGIN; TERN_NO_SCRAM_PLUS: SCRAM is not
 *   bound to the channel
 * and, again with or without the client, what a mail may ask beyond being taken: one that asks for it
 * gets TERN_E_UNSUPPORTED:
 *   TERN_NO_BINARYMIME, TERN_NO_REQUIRETLS, TERN_NO_DELIVERBY, TERN_NO_FUTURERELEASE,
 *   TERN_NO_MT_PRIORITY, TERN_NO_MAIL_AUTH, TERN_NO_PRDR */
#ifndef TERN_LIB_BASE_CONFIG_H
#define TERN_LIB_BASE_CONFIG_H

#if defined(TERN_NO_TEXT) && defined(TERN_SHORT_TEXT)
#error "TERN_NO_TEXT or TERN_SHORT_TEXT"
#endif
#if !defined(TERN_NO_CLIENT) &&                                                                  \
  (defined(TERN_NO_LOG) || defined(TERN_NO_ARENA) || defined(TERN_NO_TRACE) ||                   \
   defined(TERN_NO_CHUNKING) || defined(TERN_NO_DSN) || defined(TERN_NO_SMTPUTF8) ||             \
   defined(TERN_NO_LIMITS) || defined(TERN_NO_LMTP) || defined(TERN_NO_LITERALS) ||              \
   defined(TERN_NO_STARTTLS) || defined(TERN_NO_ENHANCED) || defined(TERN_NO_SPLIT) ||            \
   defined(TERN_NO_NULL) ||                                                                       \
   defined(TERN_NO_WINDOW) || defined(TERN_NO_OTHER) || defined(TERN_NO_POLICY) ||               \
   defined(TERN_NO_PROGRESS) || defined(TERN_NO_MAIL_OPTIONS))
#error "the client needs the whole engine: define TERN_NO_CLIENT, too"
#endif

#if defined(TERN_NO_SPLIT) && !(defined(TERN_NO_LIMITS) && defined(TERN_NO_CHUNKING))
#error "TERN_NO_SPLIT asks for TERN_NO_LIMITS and TERN_NO_CHUNKING"
#endif

/* Their words are judged together with the enhanced code. */
#if defined(TERN_NO_ENHANCED) && !defined(TERN_NO_WORDING)
#define TERN_NO_WORDING
#endif

/* What providers say matters to whoever talks to providers: not to a device with a relay. */
#if defined(TERN_NO_SOCKETS) && !defined(TERN_NO_WORDING)
#define TERN_NO_WORDING
#endif

/* Some loops take several octets at a time where speed matters more than their own octets. */
#ifdef TERN_NO_SOCKETS
#define TERN__WIDE 0
#else
#define TERN__WIDE 1
#endif

/* Behind a function's declaration: it stays one of its own, so that its caller's frame is without its locals. */
#if defined(__GNUC__) && !TERN__WIDE
#define TERN__APART __attribute__((noinline))
#else
#define TERN__APART
#endif

/* Each as a constant: what it guards is gone where it is 0, and compiled in any case. */
#ifdef TERN_NO_TRACE
#define TERN__WITH_TRACE 0
#else
#define TERN__WITH_TRACE 1
#endif

#ifdef TERN_NO_LOG
#define TERN__WITH_LOG 0
#else
#define TERN__WITH_LOG 1
#endif

#ifdef TERN_NO_CHUNKING
#define TERN__WITH_CHUNKING 0
#else
#define TERN__WITH_CHUNKING 1
#endif

#ifdef TERN_NO_DSN
#define TERN__WITH_DSN 0
#else
#define TERN__WITH_DSN 1
#endif

#ifdef TERN_NO_SMTPUTF8
#define TERN__WITH_SMTPUTF8 0
#else
#define TERN__WITH_SMTPUTF8 1
#endif

#ifdef TERN_NO_LIMITS
#define TERN__WITH_LIMITS 0
#else
#define TERN__WITH_LIMITS 1
#endif

#ifdef TERN_NO_LMTP
#define TERN__WITH_LMTP 0
#else
#define TERN__WITH_LMTP 1
#endif

#ifdef TERN_NO_STARTTLS
#define TERN__WITH_STARTTLS 0
#else
#define TERN__WITH_STARTTLS 1
#endif

#ifdef TERN_NO_ENHANCED
#define TERN__WITH_ENHANCED 0
#else
#define TERN__WITH_ENHANCED 1
#endif

#ifdef TERN_NO_SPLIT
#define TERN__WITH_SPLIT 0
#else
#define TERN__WITH_SPLIT 1
#endif

#ifdef TERN_NO_LITERALS
#define TERN__WITH_LITERALS 0
#else
#define TERN__WITH_LITERALS 1
#endif

#ifdef TERN_NO_WINDOW
#define TERN__WITH_WINDOW 0
#else
#define TERN__WITH_WINDOW 1
#endif

#ifdef TERN_NO_OTHER
#define TERN__WITH_OTHER 0
#else
#define TERN__WITH_OTHER 1
#endif

#ifdef TERN_NO_POLICY
#define TERN__WITH_POLICY 0
#else
#define TERN__WITH_POLICY 1
#endif

#ifdef TERN_NO_NULL
#define TERN__NONE(s) ((void)(s), 0)
#else
#define TERN__NONE(s) ((s) == NULL)
#endif

#ifdef TERN_NO_PROGRESS
#define TERN__WITH_PROGRESS 0
#else
#define TERN__WITH_PROGRESS 1
#endif

#ifdef TERN_NO_MAIL_OPTIONS
#define TERN__WITH_MAIL_OPTIONS 0
#else
#define TERN__WITH_MAIL_OPTIONS 1
#endif

#if defined(TERN_NO_OAUTHBEARER) && defined(TERN_NO_XOAUTH2)
#define TERN__WITH_TOKEN 0
#else
#define TERN__WITH_TOKEN 1
#endif

#if defined(TERN_NO_SCRAM_SHA_256) && defined(TERN_NO_SCRAM_SHA_1)
#define TERN__WITH_SCRAM 0
#else
#define TERN__WITH_SCRAM 1
#endif

#if defined(TERN_NO_BINARYMIME) || defined(TERN_NO_CHUNKING)
#define TERN__WITH_BINARYMIME 0
#else
#define TERN__WITH_BINARYMIME 1
#endif
#ifdef TERN_NO_REQUIRETLS
#define TERN__WITH_REQUIRETLS 0
#else
#define TERN__WITH_REQUIRETLS 1
#endif
#ifdef TERN_NO_DELIVERBY
#define TERN__WITH_DELIVERBY 0
#else
#define TERN__WITH_DELIVERBY 1
#endif
#ifdef TERN_NO_FUTURERELEASE
#define TERN__WITH_FUTURERELEASE 0
#else
#define TERN__WITH_FUTURERELEASE 1
#endif
#ifdef TERN_NO_MT_PRIORITY
#define TERN__WITH_MT_PRIORITY 0
#else
#define TERN__WITH_MT_PRIORITY 1
#endif
#ifdef TERN_NO_MAIL_AUTH
#define TERN__WITH_MAIL_AUTH 0
#else
#define TERN__WITH_MAIL_AUTH 1
#endif
#ifdef TERN_NO_PRDR
#define TERN__WITH_PRDR 0
#else
#define TERN__WITH_PRDR 1
#endif

/* What tern_terms can say; without any of it a mail that comes with one at all is refused. */
#define TERN__WITH_TERMS \
  (TERN__WITH_DELIVERBY || TERN__WITH_FUTURERELEASE || TERN__WITH_MT_PRIORITY || TERN__WITH_MAIL_AUTH)

/* Whether a mail can ask anything of the server beyond being taken. */
#define TERN__WITH_ASKING (TERN__WITH_TERMS || TERN__WITH_REQUIRETLS || TERN__WITH_PRDR)

/* Whether a session needs more than one mail in its plainest form does: include/tern/session.h asks the same for
 * TERN_SESSION_OBJECT. Without it there is one time for all phases (tern_session_set_timeout), and no
 * tern_session_outv, tern_session_size and tern_session_set_verified, which have nothing to say. */
#define TERN__WITH_EXTRA                                                                           \
  (TERN__WITH_LOG || TERN__WITH_TRACE || TERN__WITH_LIMITS || TERN__WITH_WINDOW || TERN__WITH_OTHER || \
   TERN__WITH_POLICY || TERN__WITH_PROGRESS || TERN__WITH_ASKING)

/* Whether a mechanism looks into a challenge: PLAIN has none, and LOGIN's say what everybody knows. */
#define TERN__WITH_CHALLENGE (TERN__WITH_SCRAM || TERN__WITH_MD5 || TERN__WITH_TOKEN || TERN__WITH_POLICY)

/* Whether lengths beyond 32 bits are counted: in a device's session they are as lengths not known. */
#if !TERN__WITH_EXTRA && defined(TERN_NO_MESSAGE)
#define TERN__WITH_LONG 0
#else
#define TERN__WITH_LONG 1
#endif

#if !TERN__WITH_SCRAM || defined(TERN_NO_SCRAM_PLUS)
#define TERN__WITH_PLUS 0
#else
#define TERN__WITH_PLUS 1
#endif

/* Whether a mechanism can be bound to the channel, or need random octets: SCRAM, or one of the caller's. */
#define TERN__WITH_BOUND (TERN__WITH_PLUS || TERN__WITH_POLICY)
#define TERN__WITH_RANDOM (TERN__WITH_SCRAM || TERN__WITH_POLICY)

/* The digests that somebody asks for; SHA-256 is there wherever hash.c is. */
#ifdef TERN_NO_CRAM_MD5
#define TERN__WITH_MD5 0
#else
#define TERN__WITH_MD5 1
#endif

#ifdef TERN_NO_SCRAM_SHA_1
#define TERN__WITH_SHA1 0
#else
#define TERN__WITH_SHA1 1
#endif

#endif
