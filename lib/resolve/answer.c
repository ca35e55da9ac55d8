/* answer.c - reads a DNS reply, by libresolv's ns_* calls, into plain records.
 * Duty: follows the CNAMEs that the answer holds, keeps the records of the type asked for at their
 * end, judges the rest. What is out of grammar is counted and left out; owner names that nobody
 * asked for are ignored, and so are the additional records but for OPT. Neighbours: question.c,
 * query.c. Limits: class IN; names of host name characters only; TERN__DNS_RECORDS records. */
#define _DEFAULT_SOURCE

#include "resolve/answer.h"

#include <string.h>
#include <sys/types.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <resolv.h>

#include "base/ascii.h"
#include "base/mem.h"

#define TYPE_SOA 6u
#define TYPE_OPT 41u
#define OPTION_EDE 15u

/* One record of the section while it is looked at; its fields point into the message, name, text. */
typedef struct view {
  ns_rr rr;
  tern__dns_record record;
  char name[TERN__DNS_NAME];
  uint8_t *text; /* TXT, joined: as long as the message, or NULL */
} view;

static uint32_t u16(const uint8_t *at)
{
  return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t u32(const uint8_t *at)
{
  return u16(at) << 16 | u16(at + 2);
}

/* Copies a name in lower case without a dot at the end. 0: no host name, nor the root. */
static int take_name(char *out, const char *name)
{
  size_t i, len = strlen(name);

  if (strcmp(name, ".") == 0) {
    memcpy(out, ".", 2);
    return 1;
  }
  if (!tern__dns_name_good(name)) return 0;
  if (name[len - 1] == '.') len--;
  for (i = 0; i < len; i++) out[i] = (char)tern__lower((uint8_t)name[i]);
  out[len] = 0;
  return 1;
}

/* A TTL with its highest bit set is 0 (RFC 2181 section 8). */
static uint32_t ttl_of(const ns_rr *rr)
{
  uint32_t ttl = (uint32_t)ns_rr_ttl(*rr);

  return ttl > 0x7fffffffu ? 0 : ttl;
}

/* The name that fills the RDATA from offset on. */
static int rdata_name(const ns_msg *msg, view *v, size_t offset)
{
  const uint8_t *data = ns_rr_rdata(v->rr);
  size_t len = ns_rr_rdlen(v->rr);
  char name[NS_MAXDNAME];
  int n;

  if (offset >= len) return 0;
  n = ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg), data + offset, name, sizeof name);
  if (n < 0 || (size_t)n != len - offset || !take_name(v->name, name)) return 0;
  v->record.name = v->name;
  return 1;
}

/* Joins the strings of a TXT record (RFC 1035 3.3.14). */
static int rdata_text(view *v)
{
  const uint8_t *data = ns_rr_rdata(v->rr);
  size_t at = 0, len = ns_rr_rdlen(v->rr);

  while (at < len) {
    size_t n = data[at++];

    if (n > len - at) return 0;
    memcpy(v->text + v->record.len, data + at, n);
    v->record.len += n;
    at += n;
  }
  v->record.octets = v->text;
  return len > 0;
}

/* Fills v->record from v->rr. 0: out of grammar. */
static int read_rdata(const ns_msg *msg, view *v)
{
  const uint8_t *data = ns_rr_rdata(v->rr);
  size_t len = ns_rr_rdlen(v->rr);
  tern__dns_record *r = &v->record;

  memset(r, 0, sizeof *r);
  r->ttl = ttl_of(&v->rr);
  r->name = "";
  r->octets = data;
  switch (ns_rr_type(v->rr)) {
  case TERN__DNS_A:
    r->len = 4;
    return len == 4;
  case TERN__DNS_AAAA:
    r->len = 16;
    return len == 16;
  case TERN__DNS_CNAME: return rdata_name(msg, v, 0);
  case TERN__DNS_MX:
    if (len < 3) return 0;
    r->preference = (uint16_t)u16(data);
    return rdata_name(msg, v, 2);
  case TERN__DNS_SRV:
    if (len < 7) return 0;
    r->preference = (uint16_t)u16(data);
    r->weight = (uint16_t)u16(data + 2);
    r->port = (uint16_t)u16(data + 4);
    return rdata_name(msg, v, 6);
  case TERN__DNS_TLSA:
    if (len < 4) return 0; /* no association data */
    r->usage = data[0];
    r->selector = data[1];
    r->matching = data[2];
    r->octets = data + 3;
    r->len = len - 3;
    return 1;
  case TERN__DNS_TXT: return rdata_text(v);
  default: return 0;
  }
}

/* Reads record index of the answer section. 0: not of class IN, or not of that owner. */
static int owned(ns_msg *msg, int index, const char *owner, view *v)
{
  size_t len = strlen(owner);

  if (ns_parserr(msg, ns_s_an, index, &v->rr) != 0) return 0;
  if (ns_rr_class(v->rr) != ns_c_in) return 0;
  if (tern__same(owner, len, ns_rr_name(v->rr))) return 1;
  return 0;
}

static void lower_ttl(tern__dns_answer *answer, uint32_t ttl)
{
  if (ttl < answer->ttl) answer->ttl = ttl;
}

/* Goes from the name asked for to the one that has the records. 0: a circle, or a target that is
 * no name; answer->result says which. */
static int follow(tern__dns_answer *answer, ns_msg *msg, uint32_t type, view *v)
{
  int i, count = ns_msg_count(*msg, ns_s_an), found, moved;

  if (type == TERN__DNS_CNAME) return 1;
  do {
    char next[TERN__DNS_NAME] = "";

    found = moved = 0;
    for (i = 0; i < count && !found; i++) {
      if (!owned(msg, i, answer->canonical, v)) continue;
      found = ns_rr_type(v->rr) == type;
      if (found || moved || ns_rr_type(v->rr) != TERN__DNS_CNAME) continue;
      if (!read_rdata(msg, v) || v->record.name[0] == '.') {
        answer->result = TERN__DNS_MALFORMED;
        return 0;
      }
      lower_ttl(answer, v->record.ttl);
      memcpy(next, v->record.name, strlen(v->record.name) + 1);
      moved = 1;
    }
    if (found || !moved) return 1;
    memcpy(answer->canonical, next, sizeof next);
  } while (++answer->cnames <= TERN__DNS_CNAMES);
  answer->result = TERN__DNS_LOOP;
  return 0;
}

/* What a record takes of the block beside its own size. */
static size_t extra(const tern__dns_record *r)
{
  return r->len + strlen(r->name) + 1;
}

/* Copies v->record behind those that are there; *used octets of the store are taken. */
static void keep(tern__dns_answer *answer, const view *v, uint8_t *store, size_t *used)
{
  tern__dns_record *r = &answer->records[answer->count++];
  size_t n = strlen(v->record.name) + 1;

  *r = v->record;
  memcpy(store + *used, v->record.name, n);
  r->name = (const char *)(store + *used);
  *used += n;
  if (r->len > 0) memcpy(store + *used, v->record.octets, r->len);
  r->octets = store + *used;
  *used += r->len;
}

/* Counts the records of the type at the canonical name, and keeps them. */
static tern_status collect(tern__dns_answer *answer, const tern_allocator *mem, ns_msg *msg,
                           uint32_t type, view *v)
{
  int i, count = ns_msg_count(*msg, ns_s_an);
  size_t octets = 0, used = 0, n = 0;

  for (i = 0; i < count; i++) {
    if (!owned(msg, i, answer->canonical, v) || ns_rr_type(v->rr) != type) continue;
    if (!read_rdata(msg, v)) {
      answer->malformed++;
    } else if (n == TERN__DNS_RECORDS) {
      answer->left_out++;
    } else {
      octets += extra(&v->record);
      n++;
    }
  }
  if (n == 0) return TERN_OK;
  answer->block_size = n * sizeof *answer->records + octets;
  answer->block = tern__alloc(mem, answer->block_size);
  if (answer->block == NULL) return TERN_E_NOMEM;
  answer->records = answer->block;
  for (i = 0; i < count && answer->count < n; i++) {
    if (!owned(msg, i, answer->canonical, v) || ns_rr_type(v->rr) != type) continue;
    if (!read_rdata(msg, v)) continue;
    lower_ttl(answer, v->record.ttl);
    keep(answer, v, (uint8_t *)answer->block + n * sizeof *answer->records, &used);
  }
  return TERN_OK;
}

/* For how long "there is none" may be remembered (RFC 2308 section 5). */
static uint32_t negative_ttl(ns_msg *msg, view *v)
{
  int i, count = ns_msg_count(*msg, ns_s_ns);
  uint32_t ttl, least;

  for (i = 0; i < count; i++) {
    if (ns_parserr(msg, ns_s_ns, i, &v->rr) != 0) continue;
    if (ns_rr_type(v->rr) != TYPE_SOA || ns_rr_rdlen(v->rr) < 22) continue;
    ttl = ttl_of(&v->rr);
    least = u32(ns_rr_rdata(v->rr) + ns_rr_rdlen(v->rr) - 4);
    return least < ttl ? least : ttl;
  }
  return 0;
}

/* The OPT record: the upper bits of the rcode, and why it went wrong (RFC 8914). */
static void read_opt(tern__dns_answer *answer, ns_msg *msg, view *v)
{
  int i, count = ns_msg_count(*msg, ns_s_ar);
  const uint8_t *data;
  size_t at, len, n;

  for (i = 0; i < count; i++) {
    if (ns_parserr(msg, ns_s_ar, i, &v->rr) != 0 || ns_rr_type(v->rr) != TYPE_OPT) continue;
    answer->rcode |= ((uint32_t)ns_rr_ttl(v->rr) >> 24) << 4;
    data = ns_rr_rdata(v->rr);
    len = ns_rr_rdlen(v->rr);
    for (at = 0; len - at >= 4; at += 4 + n) {
      n = u16(data + at + 2);
      if (n > len - at - 4) return;
      if (u16(data + at) == OPTION_EDE && n >= 2) answer->ede = (int32_t)u16(data + at + 4);
    }
    return;
  }
}

static tern_status judge(tern__dns_answer *answer, const tern_allocator *mem, ns_msg *msg,
                         uint32_t type, view *v)
{
  tern_status status;

  read_opt(answer, msg, v);
  if (answer->rcode != ns_r_noerror && answer->rcode != ns_r_nxdomain) {
    answer->result = TERN__DNS_SERVFAIL;
    return TERN_OK;
  }
  if (!follow(answer, msg, type, v)) return TERN_OK;
  status = collect(answer, mem, msg, type, v);
  if (status != TERN_OK) return status;
  if (answer->count > 0)
    answer->result = answer->rcode == ns_r_noerror ? TERN__DNS_FOUND : TERN__DNS_MALFORMED;
  else if (answer->malformed > 0)
    answer->result = TERN__DNS_MALFORMED;
  else
    answer->result = answer->rcode == ns_r_noerror ? TERN__DNS_NODATA : TERN__DNS_NXDOMAIN;
  if (answer->count == 0) lower_ttl(answer, negative_ttl(msg, v));
  return TERN_OK;
}

tern_status tern__dns_answer_read(tern__dns_answer *answer, const tern_allocator *mem,
                                  const char *name, uint32_t type, const uint8_t *message,
                                  size_t len)
{
  tern_status status = TERN_OK;
  ns_msg msg;
  view v;

  memset(answer, 0, sizeof *answer);
  answer->ede = -1;
  answer->ttl = UINT32_MAX;
  answer->result = TERN__DNS_MALFORMED;
  if (len < 12 || len > 65535 || !take_name(answer->canonical, name)) return TERN_OK;
  answer->rcode = message[3] & 0x0fu;
  answer->ad = message[3] >> 5 & 1u;
  if ((message[2] & 2) != 0) {
    answer->result = TERN__DNS_TRUNCATED;
    return TERN_OK;
  }
  if (ns_initparse(message, (int)len, &msg) != 0) return TERN_OK;
  v.text = type == TERN__DNS_TXT ? tern__alloc(mem, len) : NULL;
  if (type == TERN__DNS_TXT && v.text == NULL) return TERN_E_NOMEM;
  status = judge(answer, mem, &msg, type, &v);
  tern__free(mem, v.text, len);
  if (answer->ttl == UINT32_MAX) answer->ttl = 0;
  if (status != TERN_OK) tern__dns_answer_clear(answer, mem);
  return status;
}

void tern__dns_answer_clear(tern__dns_answer *answer, const tern_allocator *mem)
{
  tern__free(mem, answer->block, answer->block_size);
  answer->block = NULL;
  answer->records = NULL;
  answer->count = 0;
}

tern_status tern__dns_result_status(uint32_t result)
{
  switch (result) {
  case TERN__DNS_PENDING: return TERN_E_AGAIN;
  case TERN__DNS_FOUND: return TERN_OK;
  case TERN__DNS_NODATA:
  case TERN__DNS_NXDOMAIN: return TERN_E_HOST;
  default: return TERN_E_RESOLVE;
  }
}

const char *tern__dns_result_text(uint32_t result)
{
  static const char *const text[] = {"not answered yet",
                                     "found",
                                     "the name has no such record",
                                     "there is no such name",
                                     "the name server failed or refused",
                                     "DNSSEC validation failed",
                                     "no name server answered in time",
                                     "the answer of the name server is malformed",
                                     "the name is an alias of itself",
                                     "the answer of the name server is cut short"};

  return result < sizeof text / sizeof *text ? text[result] : "";
}
