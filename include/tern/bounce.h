/* bounce.h - delivery status notifications (RFC 3464 in RFC 6522): writing one.
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

#ifdef __cplusplus
}
#endif
#endif
