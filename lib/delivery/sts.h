/* sts.h - MTA-STS (RFC 8461): the TXT record, the policy, and what it says of an MX host. */
#ifndef TERN_LIB_DELIVERY_STS_H
#define TERN_LIB_DELIVERY_STS_H

#include <tern/base.h>

#define TERN__STS_ID_MAX 33u          /* an id with its NUL (3.1: at most 32) */
#define TERN__STS_POLICY_MAX 65536u   /* octets of a policy that are read (3.3 suggests 64 KiB) */
#define TERN__STS_PATTERNS_MAX 128u   /* mx fields of a policy */
#define TERN__STS_AGE_MAX 31557600u   /* max_age in seconds at most, a year (3.2) */

#define TERN__STS_NONE 0u
#define TERN__STS_TESTING 1u
#define TERN__STS_ENFORCE 2u

typedef struct tern__sts_policy {
  uint32_t mode; /* TERN__STS_... */
  uint32_t max_age;
  size_t count;
  tern_span mx[TERN__STS_PATTERNS_MAX]; /* patterns, borrowed from the text that was read */
} tern__sts_policy;

/* Whether the len octets of a TXT record (its strings joined) begin with "v=STSv1;": records that do not
 * are as good as absent. */
int tern__sts_is_record(const char *text, size_t len);
/* Reads such a record; id gets its value. TERN_OK; TERN_E_CONTENT: malformed (3.1). */
tern_status tern__sts_read_record(const char *text, size_t len, char id[TERN__STS_ID_MAX]);
/* Reads a policy (3.2): lines ended by CRLF or LF, unknown fields passed over, the first of a field
 * that may stand once counts. TERN_OK; TERN_E_CONTENT: no version STSv1, no mode, no max_age, no mx
 * where the mode is not none, or anything out of the grammar; TERN_E_BUFFER: too long, or too many
 * patterns. */
tern_status tern__sts_read_policy(const char *text, size_t len, tern__sts_policy *policy);
/* Whether host (lower case, no dot at the end) is covered by a pattern of the policy: the name itself,
 * or "*." for exactly one label in front (4.1). */
int tern__sts_covers(const tern__sts_policy *policy, const char *host);
/* "none", "testing", "enforce". Static. */
const char *tern__sts_mode_name(uint32_t mode);

#endif
