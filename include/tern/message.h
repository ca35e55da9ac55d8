/* message.h - a message from parts: addresses, text, HTML, attachments; streamed, never held whole.
 *
 *   tern_message *msg = tern_message_new(NULL);
 *   tern_message_from(msg, "Ann", "ann@example.org");
 *   tern_message_to(msg, "Bob", "bob@example.net");
 *   tern_message_subject(msg, "Hello");
 *   tern_message_text(msg, "Hello from tern.\n", TERN_NUL);
 *   tern_message_attach(msg, "report.pdf", NULL, octets, len);
 *   tern_mail_message(mail, msg);                              (client.h)
 *
 * The tree (mixed, related, alternative) is made from what there is. Encodings are chosen when the
 * server's capabilities are known; one that lacks 8BITMIME or SMTPUTF8 gets a message that it can
 * take. Names and values are UTF-8, encoded as needed; CR, LF, other controls and what is not UTF-8
 * are TERN_E_CONTENT with the field, position and octet in tern_message_error.
 *
 * The first error sticks until tern_message_clear: later calls answer it and do nothing, and
 * tern_mail_message hands it on, so that a program may look only at the result of send. Strings
 * are copied; contents (pointer and length, sources) are borrowed until the message is cleared or
 * freed. A message may be changed before tern_mail_message; after it, until the mail has ended, not.
 */
#ifndef TERN_MESSAGE_H
#define TERN_MESSAGE_H

#include <tern/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_message tern_message;
typedef struct tern_part tern_part; /* lives as long as its message is not cleared */

/* mem NULL: malloc and free; else borrowed until tern_message_free. NULL when there is no memory.
 * Holds one buffer: 16,384 octets with mem NULL, else 1,024; see tern_message_set_buffer. */
TERN_API tern_message *tern_message_new(const tern_allocator *mem);
TERN_API void tern_message_free(tern_message *msg);
/* As new, but for the buffer, the randomness and the conversion of domains. */
TERN_API tern_status tern_message_clear(tern_message *msg);
/* The first error: status, field, position, octet. Status TERN_OK: none. Never NULL. */
TERN_API const tern_error *tern_message_error(const tern_message *msg);

/* ---- addresses -----------------------------------------------------------------------------------
 * name: the display name, or NULL. address: a mailbox as of tern_mail_from, not empty. Each call
 * adds one. TERN_E_ADDRESS, TERN_E_CONTENT (the name). Where the domain is not ASCII it is converted
 * to A-labels (tern_message_set_idn) for servers without SMTPUTF8. */
/* More than one: RFC 5322 3.6.2 wants a Sender; without one the first From is taken. */
TERN_API tern_status tern_message_from(tern_message *msg, const char *name, const char *address);
TERN_API tern_status tern_message_sender(tern_message *msg, const char *name, const char *address);
TERN_API tern_status tern_message_reply_to(tern_message *msg, const char *name, const char *address);
TERN_API tern_status tern_message_to(tern_message *msg, const char *name, const char *address);
TERN_API tern_status tern_message_cc(tern_message *msg, const char *name, const char *address);
/* Recipients of the envelope that no header names. */
TERN_API tern_status tern_message_bcc(tern_message *msg, const char *name, const char *address);
/* Opens the group `name` in a field (TERN_FIELD_TO, _CC, _REPLY_TO): what is added to this field
 * from now on is in it, until NULL as name ends it. A group may stay empty
 * ("undisclosed-recipients:;"). */
TERN_API tern_status tern_message_group(tern_message *msg, uint32_t field, const char *name);

/* ---- header --------------------------------------------------------------------------------------*/
TERN_API tern_status tern_message_subject(tern_message *msg, const char *text);
/* seconds since 1970 UTC, shown in a zone that many minutes east. Without it tern_mail_message
 * takes the host's clock and zone; where there is no host it must be given. */
TERN_API tern_status tern_message_date(tern_message *msg, int64_t seconds, int32_t zone);
/* "left@right" without angle brackets. Without it one is made of randomness and the domain of
 * From; where there is no randomness there is none. */
TERN_API tern_status tern_message_message_id(tern_message *msg, const char *id);
/* Identifiers without angle brackets, separated by spaces. */
TERN_API tern_status tern_message_in_reply_to(tern_message *msg, const char *ids);
TERN_API tern_status tern_message_references(tern_message *msg, const char *ids);
/* "auto-generated", "auto-replied", ... (RFC 3834 5). */
TERN_API tern_status tern_message_auto_submitted(tern_message *msg, const char *keyword);
/* URIs, separated by spaces (RFC 2369). one_click: adds List-Unsubscribe-Post (RFC 8058), which
 * needs an https URI among them: else TERN_E_ARGUMENT. */
TERN_API tern_status tern_message_list_unsubscribe(tern_message *msg, const char *uris,
                                                   uint32_t one_click);
#define TERN_IMPORTANCE_LOW 1u
#define TERN_IMPORTANCE_NORMAL 2u
#define TERN_IMPORTANCE_HIGH 3u
TERN_API tern_status tern_message_importance(tern_message *msg, uint32_t importance);
/* Any other field, or in place of one: what the calls above or the library put under this name is
 * replaced. A second field of the same name is added, unless RFC 5322 3.6 allows one only: then it
 * replaces the first. In fields of addresses ("Zoë <z@example.org>, Team: a@b.example;") names and
 * comments are encoded, in identifiers and dates nothing is, in all others the text; ASCII is left
 * as it is, encoded words that the caller made too. Recipients named so are not in the envelope.
 * TERN_E_ARGUMENT: Bcc, MIME-Version, Content-...; TERN_E_CONTENT, TERN_E_ADDRESS. */
TERN_API tern_status tern_message_header(tern_message *msg, const char *name, const char *value);

/* ---- bodies --------------------------------------------------------------------------------------
 * Those that make a part return it, for the setters below; NULL where there is an error, which
 * those setters answer with TERN_E_NOMEM. len may be TERN_NUL. */
/* The text, UTF-8. CR, LF and CRLF are line ends. A second call replaces the first. */
TERN_API tern_part *tern_message_text(tern_message *msg, const void *octets, size_t len);
/* The same as HTML; with a text both are alternatives. */
TERN_API tern_part *tern_message_html(tern_message *msg, const void *octets, size_t len);
/* An invitation (RFC 6047): text/calendar with this method ("REQUEST"; NULL: none) among the
 * alternatives and as attachment invite.ics. */
TERN_API tern_part *tern_message_calendar(tern_message *msg, const char *method, const void *octets,
                                          size_t len);
/* A file beside the body. name: of the file, UTF-8, or NULL; type: "image/png", may have
 * parameters; NULL: application/octet-stream. Octets arrive as they are. */
TERN_API tern_part *tern_message_attach(tern_message *msg, const char *name, const char *type,
                                        const void *octets, size_t len);
/* The same pulled from a source; table and user are borrowed. size: of all its octets, or
 * TERN_LENGTH_UNKNOWN (then a source that can rewind is run through once to count them). Its
 * prepare is not called. A size that is wrong ends the mail with TERN_E_SOURCE. */
TERN_API tern_part *tern_message_attach_source(tern_message *msg, const char *name, const char *type,
                                               const tern_source *source, void *user, uint64_t size);
/* The same from a file, which stays open; name NULL: that of the file. A pipe can be read once
 * only. TERN_E_SOURCE where it cannot be opened. Host builds only. */
TERN_API tern_part *tern_message_attach_file(tern_message *msg, const char *path, const char *name,
                                             const char *type);
/* Something that the HTML shows by "cid:" and this cid ("logo@example.org" or just "logo", without
 * angle brackets); name may be NULL. */
TERN_API tern_part *tern_message_inline(tern_message *msg, const char *cid, const char *name,
                                        const char *type, const void *octets, size_t len);
TERN_API tern_part *tern_message_inline_source(tern_message *msg, const char *cid, const char *name,
                                               const char *type, const tern_source *source,
                                               void *user, uint64_t size);
/* As tern_message_attach_file. */
TERN_API tern_part *tern_message_inline_file(tern_message *msg, const char *cid, const char *path,
                                             const char *name, const char *type);
/* Another message, RFC 5322 text, as message/rfc822. It is never encoded (RFC 2046 5.2.1): one with
 * octets over 127 needs 8BITMIME. */
TERN_API tern_part *tern_message_forward(tern_message *msg, const void *octets, size_t len);

/* ---- a tree of the caller's own ------------------------------------------------------------------
 * parent NULL: beside text and HTML, as one of the alternatives. A tree with only one such part is
 * the whole body, to which attachments are added. */
/* subtype: "alternative", "related", "mixed", ..., may have parameters but boundary. */
TERN_API tern_part *tern_message_multipart(tern_message *msg, tern_part *parent,
                                           const char *subtype);
/* A leaf. text/... is taken as text, UTF-8 unless the type has another charset; a type of
 * multipart/... or message/... is a ready body, sent as it is. */
TERN_API tern_part *tern_message_part(tern_message *msg, tern_part *parent, const char *type,
                                      const void *octets, size_t len);
TERN_API tern_part *tern_message_part_source(tern_message *msg, tern_part *parent, const char *type,
                                             const tern_source *source, void *user, uint64_t size);

#define TERN_DISPOSITION_NONE 0u
#define TERN_DISPOSITION_INLINE 1u
#define TERN_DISPOSITION_ATTACHMENT 2u
TERN_API tern_status tern_part_set_disposition(tern_part *part, uint32_t disposition);
TERN_API tern_status tern_part_set_name(tern_part *part, const char *name);
TERN_API tern_status tern_part_set_cid(tern_part *part, const char *cid);
TERN_API tern_status tern_part_set_description(tern_part *part, const char *text);
/* Another field of the part's header. TERN_E_ARGUMENT for those that the calls here make. */
TERN_API tern_status tern_part_header(tern_part *part, const char *name, const char *value);

/* ---- encodings -----------------------------------------------------------------------------------*/
#define TERN_ENCODING_AUTO 0u
#define TERN_ENCODING_7BIT 1u
#define TERN_ENCODING_8BIT 2u
#define TERN_ENCODING_QUOTED_PRINTABLE 3u
#define TERN_ENCODING_BASE64 4u
#define TERN_ENCODING_BINARY 5u /* of a part alone */
/* The caller's choice for this part, or for all text and HTML. One that cannot hold the octets is
 * TERN_E_CONTENT with TERN_FIELD_ENCODING, told by tern_mail_message or prepare. A file that is not
 * base64 or quoted-printable has its line ends made CRLF. Binary (RFC 3030) is what files get of
 * themselves where the server offers BINARYMIME and CHUNKING, all sizes are known, and the message has
 * randomness; asked for where this is not so it is base64. No filter (<tern/ready.h>, <tern/dkim.h>) lets
 * it through: they read lines. */
TERN_API tern_status tern_part_set_encoding(tern_part *part, uint32_t encoding);
TERN_API tern_status tern_message_set_encoding(tern_message *msg, uint32_t encoding);

/* ---- the rest ------------------------------------------------------------------------------------*/
/* Octets of the buffer that the message is written through, at least TERN_MESSAGE_BUFFER_MIN. */
#define TERN_MESSAGE_BUFFER_MIN 256u
TERN_API tern_status tern_message_set_buffer(tern_message *msg, size_t octets);
/* Randomness for Message-ID and boundaries. Without it: the host's, by tern_mail_message. Where
 * there is none at all, boundaries are fixed, and a body in which one may occur is encoded, or, where
 * it must not be, TERN_E_RANDOM. */
TERN_API tern_status tern_message_set_random(tern_message *msg,
                                             tern_status (*random)(void *user, uint8_t *out,
                                                                   size_t len),
                                             void *user);
/* Converts a domain to A-labels (RFC 5891), NUL-ended, into out; negative: cannot. Without it:
 * libidn2 where the build has it. Before the addresses are given. */
TERN_API tern_status tern_message_set_idn(tern_message *msg,
                                          tern_status (*to_ascii)(void *user, const char *domain,
                                                                  char *out, size_t cap),
                                          void *user);
/* What keeps the message from being sent, as far as it shows without a server: a part that is
 * missing, text that is not UTF-8, an encoding that cannot be. Looks through the contents that can
 * be read twice. tern_mail_message calls it. */
TERN_API tern_status tern_message_check(tern_message *msg);
/* The message as a source, for sending or saving; user is the message. prepare chooses the
 * encodings and tells the length; without it none but 7-bit lines are written. */
TERN_API const tern_source *tern_message_source(void);

#ifdef __cplusplus
}
#endif
#endif
