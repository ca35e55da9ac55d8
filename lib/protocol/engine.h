/* engine.h - the state of a session, shared by the files that move it:
 *   session.c      settings, intents, stepping, deadlines; hands each reply to one of the next two
 *   login.c        from the greeting to "ready for mail": EHLO, STARTTLS, AUTH
 *   transaction.c  MAIL to the final reply, and each recipient's outcome
 *   output.c       what is to be written, and the queue of outstanding commands
 * The state machine is two cursors over that queue (RFC 2920): output.c's tail is what was sent,
 * its head the command that the next reply answers. */
#ifndef TERN_LIB_PROTOCOL_ENGINE_H
#define TERN_LIB_PROTOCOL_ENGINE_H

#include <tern/session.h>

#include "base/config.h"
#include "base/data.h"
#include "base/config.h"
#include "base/error.h"
#include "protocol/command.h"
#include "protocol/ehlo.h"
#include "protocol/reply.h"
#include "protocol/terms.h"

/* Commands as the queue knows them. */
enum {
  TERN__GREETING, /* no command: the greeting is owed from the start */
  TERN__HELLO,    /* EHLO, LHLO */
  TERN__HELO,
  TERN__STARTTLS,
  TERN__AUTH, /* AUTH and each line of its exchange */
  TERN__RSET,
  TERN__MAIL,
  TERN__RCPT,
  TERN__DATA,
  TERN__END, /* the final dot, or the whole of BDAT LAST */
  TERN__QUIT,
  TERN__OTHER /* NOOP, VRFY */
};

/* Where the sender is. */
enum {
  TERN__NEW,     /* not started */
  TERN__OPENING, /* login.c's: replies move it */
  TERN__TLS,     /* the handshake is the caller's turn */
  TERN__WORK,    /* a mechanism computes */
  TERN__ANSWER,  /* a SASL response is being written */
  TERN__READY,   /* between transactions */
  TERN__SEND_MAIL,
  TERN__SEND_RCPT,
  TERN__SEND_DATA, /* DATA or BDAT is due once the recipients are judged */
  TERN__WAIT_DATA, /* DATA was sent */
  TERN__CONTENT,
  TERN__END_CONTENT,
  TERN__QUITTING,
  TERN__ENDED
};

typedef struct tern__owed {
  uint32_t end;   /* the stream offset behind the (first) command's last octet */
  uint32_t last;  /* and behind that of the last command of a run */
  uint32_t count; /* replies owed: a run of RCPT, LMTP's replies after the content */
  uint8_t kind;
  uint8_t slot;
} tern__owed;
/* RSET, MAIL, RCPT, DATA or END of each mail in flight; and of none QUIT, or what login.c sends. */
#define TERN__OWED(window) (4u * (window) + 1u)

/* A mail in the session. Number n in the order of arrival lies in slots[n % window]. */
typedef struct tern__slot {
  const tern_transaction *t;
  tern__length length;  /* on the wire without transparency, or unknown */
  uint32_t next_rcpt;   /* the sender's cursor over the recipients */
  uint32_t next_judged; /* the receiver's */
  uint32_t quota;       /* RCPT still allowed in this round (RCPTMAX) */
  uint32_t taken;       /* recipients that RCPT accepted in this round */
  tern_error worst;     /* the gravest word so far, for `done`; of its reply the codes alone */
  uint32_t flags;
} tern__slot;

#define TERN__F_UTF8 (TERN__WITH_SMTPUTF8 * 1u) /* an address beyond ASCII */
#define TERN__F_8BIT 2u        /* content beyond ASCII */
#define TERN__F_UTF8_HEADER 4u
#define TERN__F_MAIL_OK 8u     /* MAIL was accepted: a transaction is open */
#define TERN__F_REFUSED 16u    /* MAIL or a recipient was refused */
#define TERN__F_BDAT (TERN__WITH_CHUNKING * 32u)
/* its envelope left before the reply to the content before */
#define TERN__F_OVERLAPPED (TERN__WITH_WINDOW * 64u)
#define TERN__F_EMPTY 128u     /* 354 came with no recipient left: a lone dot is owed */
#define TERN__F_USED 256u      /* the content was read once: it must be rewound */
#define TERN__F_DSN (TERN__WITH_DSN * 512u) /* a recipient asks for NOTIFY or ORCPT */
/* the content left before the replies to the envelope */
#define TERN__F_EAGER (TERN__WITH_WINDOW * TERN__WITH_CHUNKING * 1024u)
#define TERN__F_RSET_SENT 4096u
#define TERN__F_BEGUN 16384u /* a round is under way */
/* measured: the spans go by BDAT as they are */
#define TERN__F_CLEAN (TERN__WITH_CHUNKING * 32768u)
#define TERN__F_STOP 8192u       /* no further round, whoever is unsent */
#define TERN__F_BINARY 65536u /* octets, not lines: BODY=BINARYMIME */
#define TERN__F_PRDR 131072u   /* asked for, and offered */
#define TERN__F_ONE_BY_ONE 262144u /* 353: each recipient is answered for */
#define TERN__F_MAIL_ERROR 2048u /* MAIL was refused: the rest of the group says nothing new */

/* Bits and values that are 0, or 1, in builds without what they stand for. */
#define TERN__CAP_CHUNKING (TERN__WITH_CHUNKING * TERN_CAP_CHUNKING)
#define TERN__CAP_DSN (TERN__WITH_DSN * TERN_CAP_DSN)
#define TERN__CAP_LIMITS (TERN__WITH_LIMITS * TERN_CAP_LIMITS)
#define TERN__CAP_SMTPUTF8 (TERN__WITH_SMTPUTF8 * TERN_CAP_SMTPUTF8)
#define TERN__ALL_OR_NONE (TERN__WITH_MAIL_OPTIONS * TERN_MAIL_ALL_OR_NONE)
#define TERN__REFUSE_BARE (TERN__WITH_MAIL_OPTIONS * TERN_MAIL_REFUSE_BARE)
#define TERN__LMTP(s) (TERN__WITH_LMTP && (s)->lmtp)
#define TERN__WINDOW(s) (TERN__WITH_WINDOW ? TERN__EXTRA(s)->window : 1u)
#define TERN__SLOT(s) (TERN__WITH_WINDOW ? TERN__EXTRA(s)->slot : 0u) /* the one that the sender is at */
#define TERN__SLOT_OF(owed) (TERN__WITH_WINDOW ? (owed)->slot : 0u)
#define TERN__OTHER_DUE(s) (TERN__WITH_OTHER ? TERN__EXTRA(s)->other : 0u)
#define TERN__PIPELINE(s) (TERN__WITH_POLICY ? TERN__EXTRA(s)->pipeline : 0u)
#define TERN__SECURE(s) (TERN__WITH_STARTTLS && (s)->secure)
#define TERN__IN_TLS(s) (TERN__WITH_STARTTLS && (s)->stage == TERN__TLS)
#define TERN__TRACED(s) (TERN__WITH_TRACE && TERN__EXTRA(s)->trace != NULL)
/* What is to be written, span_count from span_first on. */
#define TERN__SPANS_OF(s) (TERN__WITH_EXTRA ? TERN__EXTRA(s)->spans : (s)->few)
#define TERN__SPAN_CAP(s) (TERN__WITH_EXTRA ? TERN__EXTRA(s)->span_cap : TERN__SPANS)
/* The octets of a session's own, in whole words of 8: slots, ring and buffers lie behind them. */
#define TERN__WHOLE(size) (((size) + 7u) & ~(size_t)7u)

/* Marks in tern_transaction.outcome while under way, beside the public ones. */
#define TERN__M_SENT 16u  /* RCPT is outstanding */
#define TERN__M_TAKEN 17u /* RCPT was accepted */
#define TERN__M_GONE 19u  /* TERN_UNSENT for good */
#define TERN__M_AGAIN 18u /* too many recipients: in a further transaction */

#define TERN__SPANS (TERN__WITH_EXTRA ? 4u : 3u)       /* in the session itself */
#define TERN__SPANS_MORE 64u /* taken from an out buffer of TERN__OUT_LARGE or more */
#define TERN__OUT_LARGE 8192u

/* What builds without these parts have no place for (TERN__WITH_EXTRA): code that asks for it there is
 * dead, by a constant in front. */
typedef struct tern__extra {
  tern_trace trace;
  void *trace_user;
  tern__slot *slots;
  tern__owed *owed; /* a ring of TERN__OWED(window) */
  tern_span *spans; /* few, or span_cap of them in the out buffer */
  const char *argument; /* of VRFY */
  uint64_t content_sent; /* octets of the content under way handed over, as progress counts */
  uint32_t timeout[TERN_PHASES];
  uint32_t mask;
  uint32_t required; /* policies, as sets of capabilities */
  uint32_t never;
  uint32_t pipeline;
  uint32_t answered; /* stream offset behind the last command that was answered */
  uint32_t content_from; /* stream offset of the content's first octet */
  uint32_t content_end;  /* and behind its last, once that is queued */
  uint32_t slot_first; /* arrival number of the oldest mail */
  uint32_t slot_next;  /* of the first that may have to be begun */
  uint32_t slot_last;  /* to be given next */
  uint32_t mails;    /* MAIL commands on this connection */
  uint32_t used;     /* extensions of the last mail */
  uint8_t window;
  uint8_t slot;      /* the one that the sender is at */
  uint8_t span_cap;
  uint8_t eager; /* by the caller's word */
  uint8_t verified; /* by the caller's word */
  uint8_t other; /* NOOP 1, VRFY 2 asked for */
  uint8_t surprise; /* something was refused: the window is closed */
  uint8_t content_slot;
  uint8_t content_known; /* content_end is */
} tern__extra;

/* What is asked for most lies first, octets before all: a Cortex-M reaches the first 32 octets and the
 * first 32 words by its short instructions. */
struct tern_session {
  /* settings */
  uint8_t tls_mode;
  uint8_t lmtp;
  uint8_t channel_safe;

  /* sender */
  uint8_t stage;
  uint8_t span_first;
  uint8_t span_count;
  uint8_t slot_used; /* slots taken */
  uint8_t needs_rset;
  uint8_t chunked;  /* BDAT was accepted on this connection */
  uint8_t unchunked; /* it was not understood: DATA from now on */
  uint8_t quit;
  uint8_t spent;
  uint8_t source_waits;
  uint8_t content_on;  /* progress is reported: 1 once it is due, 2 once content is leaving */
  uint8_t held;        /* BDAT's last octet, kept back until the source says that it was the last */
  uint8_t holding;

  /* receiver */
  uint8_t greeted;
  uint8_t secure;
  uint8_t early;      /* the reply being read began before its command had left */
  uint8_t reply_read; /* the next octet begins a new reply */
  uint8_t armed; /* TERN__ARMED_... */

  /* authentication */
  uint8_t authenticated;
  uint8_t mechanism; /* index in table, 255: none yet */
  uint8_t challenges;
  uint8_t expired;    /* credentials were asked for again */
  uint8_t first_due;  /* the initial response waits for an empty challenge */
  uint8_t sasl_live;  /* a mechanism's state lies behind the out buffer */
  uint8_t sasl_error; /* the exchange was cancelled: the reply to "*" is awaited */
  uint16_t response_at;
  uint16_t response_len;

  uint16_t owed_head;
  uint16_t owed_count;
  tern_credentials *cred;
  char *out;
  uint32_t out_cap;
  uint32_t out_len;
  uint32_t written; /* stream offset behind everything queued for writing */
  uint32_t acked;   /* stream offset behind what the transport took */
  uint32_t write_mark;
  uint32_t tried; /* bit i: mechanism i was refused */
  const tern_mechanism *const *table;
  const char *ehlo_name;
  tern__offer offer;
  tern__reader reader;
  tern_span run;         /* content taken from data that found no place yet */
  tern_span few[TERN__SPANS]; /* what is to be written, in order: span_count from span_first on */
  tern__data data;
  tern_error error; /* why it ended; before that, the argument last refused */

  tern__length content_left; /* of BDAT's promise */
#if !TERN__WITH_EXTRA
  uint32_t wait; /* for each reply, and each block that is written, but for QUIT's; TERN__BY_PHASE */
#endif

  /* time */
  uint64_t reply_due;
  uint64_t write_due; /* also of TLS and of a source that has nothing yet */
  uint64_t overall; /* deadline of everything */
#if TERN__WITH_EXTRA
  tern__extra extra;
#endif
};

#if TERN__WITH_EXTRA
#define TERN__EXTRA(s) (&(s)->extra)
#else
#define TERN__EXTRA(s) ((tern__extra *)0)
#endif
#define TERN__BY_PHASE UINT32_MAX

#define TERN__ARMED_REPLY 1u
#define TERN__ARMED_WRITE 2u

/* ---- what is asked at each command ---------------------------------------------------------------- */
/* What the server offers and is not masked. */
static inline uint32_t tern__caps(const tern_session *s)
{
  return TERN__WITH_POLICY ? s->offer.caps & ~TERN__EXTRA(s)->mask & ~TERN__EXTRA(s)->never : s->offer.caps;
}

/* The mails between the oldest and the newest, of which some may have ended. */
static inline uint32_t tern__mails_in(const tern_session *s)
{
  return TERN__WITH_WINDOW ? TERN__EXTRA(s)->slot_last - TERN__EXTRA(s)->slot_first : s->slot_used;
}

/* LIMITS as the server gave them (RFC 9422): RCPTMAX, 0 for none; and whether MAILMAX was reached. */
static inline uint32_t tern__rcpt_max(const tern_session *s)
{
#if TERN__WITH_LIMITS
  return tern__caps(s) & TERN_CAP_LIMITS ? s->offer.rcpt_max : 0;
#else
  (void)s;
  return 0;
#endif
}

static inline int tern__mails_spent(const tern_session *s)
{
#if TERN__WITH_LIMITS
  return s->offer.mail_max != 0 && (tern__caps(s) & TERN_CAP_LIMITS) && s->extra.mails >= s->offer.mail_max;
#else
  (void)s;
  return 0;
#endif
}

static inline tern__slot *tern__slot_at(const tern_session *s, uint32_t i)
{
  return TERN__WITH_EXTRA ? &TERN__EXTRA(s)->slots[i] : (void *)((char *)(uintptr_t)s + TERN__WHOLE(sizeof *s));
}

static inline tern__owed *tern__ring(const tern_session *s)
{
  return TERN__WITH_EXTRA ? TERN__EXTRA(s)->owed : (void *)((char *)tern__slot_at(s, 0) + TERN__WHOLE(sizeof(tern__slot)));
}

/* Whether the octets up to the stream offset are out of our hands. */
static inline int tern__handed(const tern_session *s, uint32_t offset)
{
  return (int32_t)(s->acked - offset) >= 0;
}

/* The command that is owed a reply k places behind the first, k below owed_count. */
static inline tern__owed *tern__owed_at(const tern_session *s, uint32_t k)
{
  uint32_t cap = TERN__OWED(TERN__WINDOW(s));

  k += s->owed_head;
  return &tern__ring(s)[k < cap ? k : k - cap];
}

static inline tern__owed *tern__owed_first(const tern_session *s)
{
  return s->owed_count != 0 ? &tern__ring(s)[s->owed_head] : NULL;
}

/* ---- output.c --------------------------------------------------------------------------------- */
/* Room for a line of at least len octets behind what is queued. */
int tern__out_room(const tern_session *s, size_t len);
/* A line to be filled at the end of the out buffer; commit queues it (0: it did not fit, nothing was
 * queued) and owes a reply of kind to it, traced as it is or, with secret, as that text. */
void tern__out_line(tern_session *s, tern__line *line);
/* Whether the line stays under the cap on unanswered octets; the first one always does. */
int tern__out_may(const tern_session *s, const tern__line *line);
int tern__out_commit(tern_session *s, tern__line *line, unsigned kind, const char *secret);
/* The same for octets that need no line: those that lie behind what is queued; 0: no place. */
int tern__out_own(tern_session *s, size_t len);
/* Octets of content or response: copied where short and there is room, else lent; 0: no place. */
int tern__out_octets(tern_session *s, const uint8_t *octets, size_t len);
/* Whether a span of the caller's waits to be written. */
int tern__out_lends(const tern_session *s);
/* A reply is owed to what was queued last. */
void tern__owe(tern_session *s, unsigned kind, uint32_t count);
/* The reply owed first was read; with all it, and its run, are gone. */
void tern__owed_pop(tern_session *s, int all);
uint32_t tern__phase_of(unsigned kind);
void tern__trace_line(tern_session *s, char who, const char *line, size_t len);

/* ---- login.c ---------------------------------------------------------------------------------- */
tern_status tern__login_start(tern_session *s);
tern_status tern__login_reply(tern_session *s, unsigned kind);
tern_status tern__login_tls_done(tern_session *s);
tern_status tern__login_answer(tern_session *s) TERN__APART;
tern_status tern__login_work(tern_session *s);
/* AUTH where it is asked for and due; else TERN__READY. */
tern_status tern__login_ready(tern_session *s);
void tern__login_wipe(tern_session *s);

/* ---- transaction.c ----------------------------------------------------------------------------- */
/* Checks the envelope of t; *judged, which is 0, becomes a set of TERN__JUDGED_.... */
tern_status tern__mail_check(tern_session *s, const tern_transaction *t, uint32_t *judged);
/* Fills the slot with t, whose envelope was found to be good. */
tern_status tern__mail_accept(tern_session *s, tern__slot *slot, const tern_transaction *t,
                              uint32_t judged);
/* Sends as far as PIPELINING, room and window allow. */
tern_status tern__mail_send(tern_session *s) TERN__APART;
tern_status tern__mail_reply(tern_session *s, unsigned kind, tern__slot *slot) TERN__APART;
/* Takes replies of one line and class 2 to RSET, MAIL and RCPT from the start of octets, as many as
 * there are, and one to the content behind them; returns how many octets. Of the former the texts
 * are lost: not with a trace. Only between replies, of which the next was begun. */
size_t tern__mail_yes(tern_session *s, const uint8_t *octets, size_t len);
/* The session ended with s->error: every mail in it gets its outcome. */
void tern__mail_abandon(tern_session *s);

/* What MAIL says of the slot's mail. */
void tern__mail_arguments(const tern_session *s, const tern__slot *slot, tern__mail_args *args);
/* MAIL was queued. */
void tern__mail_begun(tern_session *s, tern__slot *slot, const tern__mail_args *args);
/* The content was queued whole: its final reply is owed, and what may follow is decided. */
void tern__mail_content_ended(tern_session *s, tern__slot *slot);

/* ---- express.c ------------------------------------------------------------------------------------ */
#if TERN__WIDE
/* RSET where it is due, MAIL and RCPT of a slot that was picked, at once. 0: nothing was done. */
int tern__express_envelope(tern_session *s, tern__slot *slot);
/* BDAT and the content behind it, at once. 0: nothing was done. */
int tern__express_content(tern_session *s, tern__slot *slot);
#else
#define tern__express_envelope(s, slot) 0
#define tern__express_content(s, slot) 0
#endif

/* ---- session.c --------------------------------------------------------------------------------- */
/* Ends the session: records the error, settles every mail. Returns status. */
tern_status tern__fail(tern_session *s, tern_status status, uint32_t phase);
/* The same because of the reply just read. */
tern_status tern__fail_reply(tern_session *s, tern_status status, uint32_t phase);

/* ---- redact.c ---------------------------------------------------------------------------------- */
/* Overwrites each occurrence of the credentials' secrets in text, in plain or in base64. */
void tern__redact(const tern_credentials *cred, char *text, size_t len);

#endif
