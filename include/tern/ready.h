/* ready.h - a message that is ready already (RFC 5322 text): its recipients and sender are read from
 * its header, what is missing is added, what RFC 5322 forbids is refused, nothing else is touched.
 *
 * A filter: the message goes in as a tern_source (or octets), what is to be sent comes out as one,
 * line ends repaired. Memory: the addresses, and some two KiB. The general rules are in <tern/base.h>. */
#ifndef TERN_READY_H
#define TERN_READY_H

#include <tern/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_ready tern_ready;

/* NULL: no memory. mem is borrowed until free; NULL is malloc. */
TERN_API tern_ready *tern_ready_new(const tern_allocator *mem);
TERN_API void tern_ready_free(tern_ready *ready);

/* The message: a source that can rewind, or octets; borrowed until the next of these calls or free.
 * Forgets what was read of the one before. TERN_E_ARGUMENT; TERN_E_REWIND: cannot rewind. */
TERN_API tern_status tern_ready_set_source(tern_ready *ready, const tern_source *source,
                                           void *user);
TERN_API tern_status tern_ready_set_octets(tern_ready *ready, const void *octets, size_t len);

/* What is added where it is missing; without the call it stays missing (From: is refused then).
 * In a resent message (RFC 5322 3.6.6) these are Resent-Date, Resent-Message-ID, Resent-From.
 * seconds since 1970 UTC up to the year 9999, zone in minutes east of UTC, within a day: the Date.
 * TERN_E_ARGUMENT. */
TERN_API tern_status tern_ready_set_date(tern_ready *ready, int64_t seconds, int32_t zone);
/* "left@right", a dot-atom on both sides, without angle brackets, unique in the world (RFC 5322
 * 3.6.4); NULL: none. TERN_E_ARGUMENT. */
TERN_API tern_status tern_ready_set_message_id(tern_ready *ready, const char *id);
/* A mailbox; NULL: none. TERN_E_ADDRESS. */
TERN_API tern_status tern_ready_set_from(tern_ready *ready, const char *mailbox);
/* More recipients than this are TERN_E_CONTENT; default 100,000. TERN_E_ARGUMENT for 0. */
TERN_API tern_status tern_ready_set_limit(tern_ready *ready, uint32_t recipients);

/* Reads the header. Without it the source answers TERN_E_STATE.
 * TERN_OK. TERN_E_AGAIN: the source has none yet, call again. TERN_E_SOURCE, TERN_E_NOMEM,
 * TERN_E_STATE: no message. TERN_E_ADDRESS: an address that is none, or a list that cannot be read
 * without guessing. TERN_E_CONTENT: forbidden by RFC 5322: a header line that is no field, is over
 * 998 octets, folded and empty, or has a NUL; a field twice that may be there once (3.6); no From,
 * or several authors without a Sender. tern_ready_error says which and where. */
TERN_API tern_status tern_ready_read(tern_ready *ready);

/* The recipients of To, Cc and Bcc in their order, each once; of a resent message those of the
 * latest block of Resent- fields (3.6.6). "" for an index without one. */
TERN_API uint32_t tern_ready_rcpt_count(const tern_ready *ready);
TERN_API const char *tern_ready_rcpt(const tern_ready *ready, uint32_t index);
/* Sender, else the first mailbox of From (or their Resent- forms); "" where neither is there. */
TERN_API const char *tern_ready_sender(const tern_ready *ready);
/* 1: the message has Resent- fields. */
TERN_API uint32_t tern_ready_resent(const tern_ready *ready);
/* Of the last call that failed; field TERN_FIELD_HEADER. NULL before. */
TERN_API const tern_error *tern_ready_error(const tern_ready *ready);

/* The table for which `user` is a tern_ready: the message without Bcc and Resent-Bcc, with what was
 * missing, each time the same octets. Its length is known where the source's is. Static. */
TERN_API const tern_source *tern_ready_source(void);

#ifdef __cplusplus
}
#endif
#endif
