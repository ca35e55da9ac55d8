/* question.h - a DNS question as octets, and whether a reply is the one to it. */
#ifndef TERN_LIB_RESOLVE_QUESTION_H
#define TERN_LIB_RESOLVE_QUESTION_H

#include <stddef.h>
#include <tern/base.h>

/* The types that are asked for (RFC 1035, 3596, 2782, 6698). */
#define TERN__DNS_A 1u
#define TERN__DNS_CNAME 5u
#define TERN__DNS_MX 15u
#define TERN__DNS_TXT 16u
#define TERN__DNS_AAAA 28u
#define TERN__DNS_SRV 33u
#define TERN__DNS_TLSA 52u

#define TERN__DNS_EDNS 1u /* with an OPT record (RFC 6891): larger answers over UDP */
#define TERN__DNS_CD 2u   /* checking disabled: an answer even where validation fails */

#define TERN__DNS_NAME 254u         /* of a name as text, with its NUL */
#define TERN__DNS_QUESTION_MAX 288u /* header, name, type and class, OPT record */
#define TERN__DNS_UDP_SIZE 1232u    /* that the OPT record says we take: no fragments */

/* Whether name can be asked for: labels of 1 to 63 letters, digits, "-" and "_", 253 octets at
 * most, a dot at the end allowed. */
int tern__dns_name_good(const char *name);

/* The question for name (good) and type with this id, recursion and the AD bit (RFC 6840 5.7: tell
 * me whether it was validated) wanted, into out (cap at least TERN__DNS_QUESTION_MAX). Returns its
 * length; 0: it could not be made. */
size_t tern__dns_question(const char *name, uint32_t type, uint32_t flags, uint16_t id,
                          uint8_t *out, size_t cap);

/* Whether message is a reply to question: id, opcode, and the question repeated, letters in any
 * case. A reply without any question is taken for one only where its code says that the question
 * was not understood or not wanted. */
int tern__dns_reply_matches(const uint8_t *message, size_t len, const uint8_t *question,
                            size_t question_len);

#endif
