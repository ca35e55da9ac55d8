/* fuzz_dns.c - any octets as the reply to a question: it is judged, and what is kept of it is
 * bounded, clean and of the type asked for. The first octet chooses the type. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const tern__dns_record *r, uint32_t type)
{
  int named = type == TERN__DNS_MX || type == TERN__DNS_SRV || type == TERN__DNS_CNAME;
  size_t i, sum = 0;

  if (named != (r->name[0] != 0)) abort();
  if (named && strcmp(r->name, ".") != 0 && !tern__dns_name_good(r->name)) abort();
  if (type == TERN__DNS_A && r->len != 4) abort();
  if (type == TERN__DNS_AAAA && r->len != 16) abort();
  if (type == TERN__DNS_TLSA && r->len == 0) abort();
  for (i = 0; i < r->len; i++) sum += r->octets[i]; /* they can be read */
  if (sum > r->len * 255) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint32_t types[] = {TERN__DNS_A,   TERN__DNS_CNAME, TERN__DNS_MX,  TERN__DNS_TXT,
                                   TERN__DNS_AAAA, TERN__DNS_SRV,  TERN__DNS_TLSA};
  uint8_t question[TERN__DNS_QUESTION_MAX];
  tern__dns_answer a;
  uint32_t type;
  size_t i, n;

  if (size < 1) return 0;
  type = types[data[0] % (sizeof types / sizeof *types)];
  n = tern__dns_question("x.test", type, TERN__DNS_EDNS, 1, question, sizeof question);
  (void)tern__dns_reply_matches(data + 1, size - 1, question, n);
  if (tern__dns_answer_read(&a, NULL, "x.test", type, data + 1, size - 1) != TERN_OK) return 0;
  if (a.result == TERN__DNS_PENDING || a.result > TERN__DNS_TRUNCATED) abort();
  if ((a.count > 0) != (a.result == TERN__DNS_FOUND) && a.result != TERN__DNS_MALFORMED) abort();
  if (a.count > TERN__DNS_RECORDS || a.cnames > TERN__DNS_CNAMES + 1) abort();
  if (strlen(a.canonical) >= TERN__DNS_NAME || a.secure != 0) abort();
  for (i = 0; i < a.count; i++) check(&a.records[i], type);
  tern__dns_answer_clear(&a, NULL);
  return 0;
}
