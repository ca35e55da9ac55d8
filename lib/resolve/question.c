/* question.c - a DNS question as octets, built by libresolv; and the match of a reply to it.
 * Neighbours: query.c sends it, answer.c reads what comes back. Limits: one question a message;
 * names of letters, digits, "-" and "_" only (IDN as A-labels). */
#define _DEFAULT_SOURCE

#include "resolve/question.h"

#include <string.h>
#include <sys/types.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <resolv.h>

#include "base/ascii.h"

#define HEADER 12u
#define OPT 11u /* an OPT record without options */

int tern__dns_name_good(const char *name)
{
  size_t i, label = 0;

  for (i = 0; name[i] != 0; i++) {
    uint8_t c = (uint8_t)name[i];

    if (i >= TERN__DNS_NAME - 1 && !(c == '.' && i == TERN__DNS_NAME - 1)) return 0;
    if (c == '.') {
      if (i == label) return 0;
      label = i + 1;
    } else if (!tern__is_alpha(c) && !tern__is_digit(c) && c != '-' && c != '_') {
      return 0;
    } else if (i - label >= 63) {
      return 0;
    }
  }
  return i > 0;
}

size_t tern__dns_question(const char *name, uint32_t type, uint32_t flags, uint16_t id,
                          uint8_t *out, size_t cap)
{
  static const uint8_t opt[OPT] = {0, 0, 41, TERN__DNS_UDP_SIZE >> 8, TERN__DNS_UDP_SIZE & 0xff};
  struct __res_state plain;
  int len;

  if (!tern__dns_name_good(name) || cap < TERN__DNS_QUESTION_MAX) return 0;
  memset(&plain, 0, sizeof plain); /* only its options are read */
  plain.options = RES_INIT | RES_RECURSE;
  len = res_nmkquery(&plain, ns_o_query, name, ns_c_in, (int)type, NULL, 0, NULL, out,
                     (int)(cap - OPT));
  if (len < (int)HEADER) return 0;
  out[0] = (uint8_t)(id >> 8);
  out[1] = (uint8_t)id;
  out[2] = 1; /* RD */
  out[3] = (flags & TERN__DNS_CD) != 0 ? 0x30 : 0x20; /* AD, CD */
  if ((flags & TERN__DNS_EDNS) == 0) return (size_t)len;
  memcpy(out + len, opt, OPT);
  out[11] = 1; /* ARCOUNT */
  return (size_t)len + OPT;
}

/* The length of the first question's name, type and class, or 0. The name is plain labels. */
static size_t question_length(const uint8_t *at, size_t len)
{
  size_t i = 0;

  while (i < len && at[i] != 0) {
    if (at[i] > 63) return 0; /* a pointer: nobody has to compress the first name */
    i += at[i] + 1u;
  }
  return i + 5 <= len ? i + 5 : 0;
}

int tern__dns_reply_matches(const uint8_t *message, size_t len, const uint8_t *question,
                            size_t question_len)
{
  size_t i, n;
  uint8_t rcode;

  if (len < HEADER || question_len < HEADER + 5) return 0;
  if (message[0] != question[0] || message[1] != question[1]) return 0;
  if ((message[2] & 0xf8) != 0x80) return 0; /* QR, and a standard query */
  rcode = message[3] & 0x0f;
  if (message[4] == 0 && message[5] == 0)
    return rcode == ns_r_formerr || rcode == ns_r_servfail || rcode == ns_r_notimpl ||
           rcode == ns_r_refused;
  if (message[4] != 0 || message[5] != 1) return 0;
  n = question_length(question + HEADER, question_len - HEADER);
  if (n == 0 || question_length(message + HEADER, len - HEADER) != n) return 0;
  for (i = 0; i < n - 4; i++)
    if (tern__lower(message[HEADER + i]) != tern__lower(question[HEADER + i])) return 0;
  return memcmp(message + HEADER + n - 4, question + HEADER + n - 4, 4) == 0;
}
