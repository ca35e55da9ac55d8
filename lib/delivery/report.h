/* report.h - what a tern_history is inside: plain data, made by the walk or read back by state.c. */
#ifndef TERN_LIB_DELIVERY_REPORT_H
#define TERN_LIB_DELIVERY_REPORT_H

#include <tern/delivery.h>

#include "client/mail.h"
#include "delivery/texts.h"

#define TERN__ATTEMPTS_MAX 65536u /* of a report; further ones are not noted */
#define TERN__ATTEMPTS_KEPT 256u  /* of earlier sends */
#define TERN__NO_POLICY UINT32_MAX

#define TERN__POLICY_NONE_FOUND 0u /* RFC 8460 4.2: "no-policy-found" */
#define TERN__POLICY_TLSA 1u
#define TERN__POLICY_STS 2u

/* A policy that held for attempts, as RFC 8460 4.4 wants it told. */
typedef struct tern__report_policy {
  uint32_t type;       /* TERN__POLICY_... */
  const char *domain;
  const char *strings; /* lines joined by LF: TLSA records, or the STS policy */
  const char *mx;      /* STS: patterns, joined by LF */
} tern__report_policy;

typedef struct tern__report_attempt {
  tern_attempt a;
  uint32_t policy; /* index, or TERN__NO_POLICY */
  uint32_t earlier; /* 1: of a send before the last */
} tern__report_attempt;

struct tern_history {
  const tern_allocator *mem;
  tern__texts texts;
  const char *reverse_path;
  const char *envid;
  uint32_t flags; /* TERN_MAIL_... */
  uint64_t first;
  uint64_t last;
  tern_result *rcpts;
  size_t rcpt_count;
  size_t rcpt_cap;
  tern__report_attempt *attempts;
  size_t attempt_count;
  size_t attempt_cap;
  tern__report_policy *policies;
  size_t policy_count;
  size_t policy_cap;
};

tern_history *tern__report_new(const tern_allocator *mem);
/* A report with the mail's envelope and all recipients as they stand there. NULL: no memory. */
tern_history *tern__report_of(const tern_mail *mail, uint64_t now);
/* Room for one more, zeroed, its texts "", and its index in *index; NULL: no memory, or too many. */
tern_result *tern__report_add_rcpt(tern_history *r);
tern__report_attempt *tern__report_add_attempt(tern_history *r, uint32_t *index);
/* The index of one more policy; TERN__NO_POLICY: no memory, or too many. */
uint32_t tern__report_add_policy(tern_history *r, const tern__report_policy *policy);
/* The index of this policy, added where it is not there yet; TERN__NO_POLICY as before. */
uint32_t tern__report_policy_index(tern_history *r, const tern__report_policy *policy);
/* Never NULL: "" where there is no memory, since a text may be missing and an outcome may not. */
const char *tern__report_text(tern_history *r, const char *text);
/* The facts of an error: status, phase, code, enhanced code, text. */
void tern__report_error(tern_history *r, const tern_error *error, tern_status *status,
                        uint32_t *phase, uint32_t *code, const char **enhanced, const char **text);
/* Takes tries, first try and attempts over from an earlier report of the same recipients. */
tern_status tern__report_continue(tern_history *r, const tern_history *earlier);

#endif
