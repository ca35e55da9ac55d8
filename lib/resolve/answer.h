/* answer.h - a DNS reply as plain records, bounded and judged. */
#ifndef TERN_LIB_RESOLVE_ANSWER_H
#define TERN_LIB_RESOLVE_ANSWER_H

#include "resolve/question.h"

#define TERN__DNS_RECORDS 256u /* of the type asked for that are kept of one answer */
#define TERN__DNS_CNAMES 16u   /* that are followed */

/* What a question came to. */
#define TERN__DNS_PENDING 0u
#define TERN__DNS_FOUND 1u     /* records, at least one */
#define TERN__DNS_NODATA 2u    /* the name exists, without records of the type */
#define TERN__DNS_NXDOMAIN 3u  /* the name, or the one that its CNAME leads to, does not exist */
#define TERN__DNS_SERVFAIL 4u  /* the servers failed or refused */
#define TERN__DNS_BOGUS 5u     /* validation failed (DNSSEC): there are records, not to be believed */
#define TERN__DNS_TIMEOUT 6u   /* nobody answered in time, or could be reached */
#define TERN__DNS_MALFORMED 7u /* the answer cannot be read, or none of its records */
#define TERN__DNS_LOOP 8u      /* CNAMEs in a circle, or too many of them */
#define TERN__DNS_TRUNCATED 9u /* cut short: ask by TCP (never what a query ends with) */

typedef struct tern__dns_record {
  uint32_t ttl;            /* seconds */
  uint16_t preference;     /* MX; SRV: priority */
  uint16_t weight;         /* SRV */
  uint16_t port;           /* SRV */
  uint8_t usage;           /* TLSA */
  uint8_t selector;        /* TLSA */
  uint8_t matching;        /* TLSA */
  const char *name;        /* MX: exchange, SRV: target, CNAME: without the dot at the end; the root
                              is "."; "" for the others */
  const uint8_t *octets;   /* A: 4, AAAA: 16, TLSA: the association, TXT: its strings joined */
  size_t len;
} tern__dns_record;

typedef struct tern__dns_answer {
  uint32_t result;             /* TERN__DNS_... */
  uint32_t rcode;              /* of the reply, with the OPT record's bits */
  uint32_t ad;                 /* the AD bit as it stands there; whom to believe is query.c's */
  uint32_t secure;             /* 1: validated, says a resolver that is trusted (RFC 6840 5.8);
                                  for "no such name" and "no such record" too */
  int32_t ede;                 /* extended DNS error (RFC 8914), -1: none */
  uint32_t cnames;             /* that were followed */
  uint32_t ttl;                /* the smallest of what was used, in seconds; for NODATA and NXDOMAIN
                                  that of RFC 2308 section 5, 0 where no SOA came */
  uint32_t left_out;           /* records over TERN__DNS_RECORDS */
  uint32_t malformed;          /* records of the type that could not be read, and are left out */
  char canonical[TERN__DNS_NAME]; /* the name at the end of the CNAMEs */
  size_t count;
  tern__dns_record *records;   /* in the order of the answer; until the answer is cleared */
  /* private */
  void *block;
  size_t block_size;
} tern__dns_answer;

/* Reads message as the reply to name and type, which must match already (question.h). *answer is
 * overwritten. TERN_OK, whatever the result is; TERN_E_NOMEM. mem: for the records. */
tern_status tern__dns_answer_read(tern__dns_answer *answer, const tern_allocator *mem,
                                  const char *name, uint32_t type, const uint8_t *message,
                                  size_t len);
void tern__dns_answer_clear(tern__dns_answer *answer, const tern_allocator *mem);

/* TERN_OK for FOUND; TERN_E_HOST for NODATA and NXDOMAIN, that is for good; TERN_E_RESOLVE for the
 * others, that is for now; TERN_E_AGAIN for PENDING. */
tern_status tern__dns_result_status(uint32_t result);
/* "found", "no such name", ... for people. Static. */
const char *tern__dns_result_text(uint32_t result);

#endif
