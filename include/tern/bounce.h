/* bounce.h - delivery status notifications (RFC 3464 in RFC 6522): writing one, and reading those that
 * come, also the ones that are text alone.
 *
 * The general rules are in <tern/base.h>. The message is not kept. */
#ifndef TERN_BOUNCE_H
#define TERN_BOUNCE_H

#include <tern/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- writing --------------------------------------------------------------------------------------
 * Send it with the null reverse-path (RFC 5321 6.1), to the reverse-path of the message it is about.
 * Texts are copied and checked; TERN_E_ARGUMENT, TERN_E_ADDRESS, TERN_E_NAME, TERN_E_NOMEM, and
 * TERN_E_STATE once the source has been read. */
typedef struct tern_report tern_report;

/* NULL: no memory. mem is borrowed until free; NULL is malloc. */
TERN_API tern_report *tern_report_new(const tern_allocator *mem);
TERN_API void tern_report_free(tern_report *report);

/* The domain of the server that reports; needed. */
TERN_API tern_status tern_report_set_reporting_mta(tern_report *report, const char *domain);
/* Whom it goes to: the reverse-path; needed. "" is TERN_E_ARGUMENT: a message with the null
 * reverse-path gets no report, or there would be loops (RFC 5321 6.1). */
TERN_API tern_status tern_report_set_to(tern_report *report, const char *mailbox);
/* The author; MAILER-DAEMON at the reporting domain without it. */
TERN_API tern_status tern_report_set_from(tern_report *report, const char *mailbox);
/* As in <tern/ready.h>; both needed. The boundary of the parts is made from the id, which must be
 * one that nobody can foresee. */
TERN_API tern_status tern_report_set_date(tern_report *report, int64_t seconds, int32_t zone);
TERN_API tern_status tern_report_set_message_id(tern_report *report, const char *id);
/* ENVID of the message, in plain. */
TERN_API tern_status tern_report_set_envid(tern_report *report, const char *envid);
/* When the message arrived here. */
TERN_API tern_status tern_report_set_arrival(tern_report *report, int64_t seconds, int32_t zone);

/* Adds a recipient; outcome is TERN_REJECTED (action "failed"), TERN_DEFERRED ("delayed") or
 * TERN_ACCEPTED ("relayed": a server took it that does not report success itself). error says
 * why, with the server's reply where there was one; copied; NULL for an accepted one.
 * The three below are about the recipient added last. */
TERN_API tern_status tern_report_rcpt(tern_report *report, const char *mailbox, uint32_t outcome,
                                      const tern_error *error);
/* "rfc822;bob@example.net" in plain: what came as ORCPT. */
TERN_API tern_status tern_report_set_orcpt(tern_report *report, const char *orcpt);
/* The host that gave the reply. */
TERN_API tern_status tern_report_set_remote_mta(tern_report *report, const char *host);
TERN_API tern_status tern_report_set_last_attempt(tern_report *report, int64_t seconds,
                                                  int32_t zone);

/* The message that could not be delivered, borrowed until free: its header (RET=HDRS), or all of it.
 * Where the server cannot take its 8-bit octets the header alone is returned, encoded. */
#define TERN_REPORT_HEADERS 0u
#define TERN_REPORT_FULL 1u
TERN_API tern_status tern_report_set_original(tern_report *report, const tern_source *source,
                                              void *user, uint32_t what);
TERN_API tern_status tern_report_set_original_octets(tern_report *report, const void *octets,
                                                     size_t len, uint32_t what);

/* The table for which `user` is a tern_report: multipart/report (RFC 6522) of a text for people, the
 * status, and the original. Rewinds where the original does; its length is then known. Static. */
TERN_API const tern_source *tern_report_source(void);

/* ---- reading --------------------------------------------------------------------------------------
 * What came back, octet by octet in any split; line ends may be LF. Read are: multipart/report (RFC
 * 6522, 3464, 6533), also below other parts, and the texts of qmail, Exim, Postfix, Sendmail, Exchange,
 * Gmail and Yahoo where there is no report. A report wins over a text. Anybody can write such a message
 * and say in it what he likes: believe it only of mails that were sent (envelope id, message id).
 * Memory: 12 KiB, and for each recipient its texts, of at most some 3 KiB. */
typedef struct tern_bounce tern_bounce;

/* NULL: no memory. mem is borrowed until free; NULL is malloc. */
TERN_API tern_bounce *tern_bounce_new(const tern_allocator *mem);
TERN_API void tern_bounce_free(tern_bounce *bounce);
/* As new, but for the limit. */
TERN_API void tern_bounce_clear(tern_bounce *bounce);
/* Recipients that are kept; further ones are counted only (tern_bounce_left_out). Default 1,000.
 * TERN_E_ARGUMENT for 0. */
TERN_API tern_status tern_bounce_set_limit(tern_bounce *bounce, uint32_t recipients);
/* The next octets. TERN_E_NOMEM, which sticks; TERN_E_STATE after the end. */
TERN_API tern_status tern_bounce_add(tern_bounce *bounce, const void *octets, size_t len);
/* There are no more. TERN_OK; TERN_E_CONTENT: this is no report about a mail; TERN_E_NOMEM. */
TERN_API tern_status tern_bounce_end(tern_bounce *bounce);
/* Both, from a source. TERN_E_AGAIN: call again; TERN_E_SOURCE: it failed; TERN_E_ARGUMENT. */
TERN_API tern_status tern_bounce_read(tern_bounce *bounce, const tern_source *source, void *user);

/* Texts are UTF-8 or whatever the reporter wrote, without controls, cut to 1,000 octets; "" where there
 * is none; valid until clear or free. */
/* "rfc3464"; or, of a text, "exchange", "exim", "gmail", "postfix", "qmail", "sendmail", "yahoo". */
TERN_API const char *tern_bounce_format(const tern_bounce *bounce);
TERN_API const char *tern_bounce_reporting_mta(const tern_bounce *bounce);
/* ENVID of the mail, in plain. */
TERN_API const char *tern_bounce_envid(const tern_bounce *bounce);
/* Message-ID of the message that the report is about, without angle brackets. */
TERN_API const char *tern_bounce_message_id(const tern_bounce *bounce);
/* When it arrived at the reporter, as it stands there (RFC 5322 3.3). */
TERN_API const char *tern_bounce_arrival(const tern_bounce *bounce);

/* Each recipient once, in their order. */
TERN_API uint32_t tern_bounce_rcpt_count(const tern_bounce *bounce);
TERN_API uint32_t tern_bounce_left_out(const tern_bounce *bounce);
/* The address at which it ended, and the one that the mail was sent to where it says so ("" else): a
 * mailbox, mostly, but whatever the reporter wrote. The second is what came as ORCPT; its type
 * ("rfc822") is left off. */
TERN_API const char *tern_bounce_rcpt_final(const tern_bounce *bounce, uint32_t index);
TERN_API const char *tern_bounce_rcpt_original(const tern_bounce *bounce, uint32_t index);
#define TERN_ACTION_NONE 0u
#define TERN_ACTION_FAILED 1u
#define TERN_ACTION_DELAYED 2u   /* it is still being tried */
#define TERN_ACTION_DELIVERED 3u
#define TERN_ACTION_RELAYED 4u   /* to a server that reports no further */
#define TERN_ACTION_EXPANDED 5u  /* a list took it */
TERN_API uint32_t tern_bounce_rcpt_action(const tern_bounce *bounce, uint32_t index);
/* TERN_REJECTED, TERN_DEFERRED, TERN_ACCEPTED; TERN_UNKNOWN without an action. */
TERN_API uint32_t tern_bounce_rcpt_outcome(const tern_bounce *bounce, uint32_t index);
/* The Status field, "5.1.1" (RFC 3463), or what a text says of the kind. */
TERN_API const char *tern_bounce_rcpt_code(const tern_bounce *bounce, uint32_t index);
/* The same judgement as of a reply that had come to this program: status, the remote server's reply
 * where it is told, else the reporter's words as tern_error_text. Status TERN_OK for those accepted;
 * TERN_ACTION_FAILED with a transient status is a queue that gave up. Never NULL. */
TERN_API const tern_error *tern_bounce_rcpt_error(const tern_bounce *bounce, uint32_t index);
/* The host that gave the reply. */
TERN_API const char *tern_bounce_rcpt_remote_mta(const tern_bounce *bounce, uint32_t index);
/* Dates as they stand there. */
TERN_API const char *tern_bounce_rcpt_last_attempt(const tern_bounce *bounce, uint32_t index);
TERN_API const char *tern_bounce_rcpt_retry_until(const tern_bounce *bounce, uint32_t index);
/* "failed", "delayed", "delivered", "relayed", "expanded"; "" for NONE. Static. */
TERN_API const char *tern_action_name(uint32_t action);

#ifdef __cplusplus
}
#endif
#endif
