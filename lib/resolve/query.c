/* query.c - one DNS question: server after server, UDP, TCP where the answer is cut short.
 * Duty: each try has a socket of its own (a port of the kernel's choice, connected, so that only
 * the server asked is heard) and an id of its own; a reply counts only with both, and with the
 * question repeated. Neighbours: question.c, answer.c, resolver.c; lookup.c and lib/delivery step
 * it. Limits: a reply that comes after its try's time is not heard; no DNS over TLS. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "resolve/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <tern/transport.h>

#include "base/host.h"
#include "base/mem.h"
#include "base/notes.h"
#include "base/socket.h"

#define UDP_BUFFER 4096u
#define DATAGRAMS 16u /* read in one step */
#define STRAY 32u     /* datagrams that match nothing, before TCP is taken instead */
#define NAME_SIZE 64u

#define RCODE_FORMERR 1u
#define RCODE_NOTIMP 4u

enum state { NEXT, UDP, TCP_CONNECT, TCP_WRITE, TCP_READ, ENDED };

struct tern__dns_query {
  const tern_allocator *mem;
  tern__servers servers;
  uint64_t deadline;
  uint64_t try_ends;
  enum state state;
  tern_status status; /* once ENDED */
  uint32_t type;
  uint32_t turn;    /* tries that were begun at all servers together */
  uint32_t out;     /* bit per server that is asked no more */
  uint32_t worst;   /* TERN__DNS_...: the most telling failure so far */
  uint32_t flags;   /* TERN__DNS_EDNS, _CD */
  uint32_t stray;
  uint8_t tcp;      /* this try goes by TCP */
  uint8_t again;    /* the next try is at the same server */
  uint8_t formed;   /* without EDNS already */
  int fd;
  size_t sent;      /* of the question with its length; or read of the reply's */
  size_t question_len;
  uint8_t question[2 + TERN__DNS_QUESTION_MAX]; /* behind its length, for TCP */
  uint8_t prefix[2];
  uint8_t *reply;   /* TCP */
  size_t reply_len;
  tern__dns_answer answer;
  tern__notes notes;
  char name[TERN__DNS_NAME];
};

/* ---- ends -------------------------------------------------------------------------------------*/

static void shut(tern__dns_query *q)
{
  if (q->fd >= 0) (void)close(q->fd);
  q->fd = -1;
  tern__free(q->mem, q->reply, q->reply_len);
  q->reply = NULL;
  q->reply_len = 0;
  q->sent = 0;
}

static tern_status end(tern__dns_query *q, tern_status status)
{
  shut(q);
  tern__notes_close(&q->notes);
  q->state = ENDED;
  q->status = status;
  return status;
}

static tern_status end_result(tern__dns_query *q, uint32_t result)
{
  q->answer.result = result;
  if (result != TERN__DNS_FOUND) tern__dns_answer_clear(&q->answer, q->mem);
  return end(q, tern__dns_result_status(result));
}

static const tern__sockaddr *server(const tern__dns_query *q)
{
  return &q->servers.list[q->turn % q->servers.count];
}

static void note(tern__dns_query *q, const char *what)
{
  char who[NAME_SIZE];

  tern__sockaddr_name(server(q), who, sizeof who);
  tern__notes_add(&q->notes, who, what);
}

/* This try came to nothing: on to the next server; out: this one is asked no more. */
static void give_up(tern__dns_query *q, uint32_t result, int out)
{
  if (q->worst == TERN__DNS_PENDING || q->worst == TERN__DNS_TIMEOUT) q->worst = result;
  if (out) q->out |= 1u << q->turn % q->servers.count;
  shut(q);
  q->turn++;
  q->tcp = q->again = q->formed = 0;
  q->flags = TERN__DNS_EDNS;
  q->state = NEXT;
}

static void give_up_errno(tern__dns_query *q, int e)
{
  char who[NAME_SIZE];

  tern__sockaddr_name(server(q), who, sizeof who);
  tern__notes_errno(&q->notes, who, e);
  give_up(q, TERN__DNS_TIMEOUT, 1);
}

/* Once more at the same server, by TCP or with other flags. */
static void once_more(tern__dns_query *q)
{
  shut(q);
  q->again = 1;
  q->state = NEXT;
}

/* ---- a try ------------------------------------------------------------------------------------*/

static tern_status write_question(tern__dns_query *q)
{
  uint8_t id[2];
  tern_status status = tern__host_random(NULL, id, sizeof id);

  if (status != TERN_OK) return status;
  q->question_len = tern__dns_question(q->name, q->type, q->flags, (uint16_t)(id[0] << 8 | id[1]),
                                       q->question + 2, sizeof q->question - 2);
  if (q->question_len == 0) return TERN_E_HOST;
  q->question[0] = (uint8_t)(q->question_len >> 8);
  q->question[1] = (uint8_t)q->question_len;
  return TERN_OK;
}

/* The next server's turn that is not out. 0: none is left. */
static int choose(tern__dns_query *q)
{
  uint32_t most = q->servers.count * q->servers.tries;

  if (q->again) {
    q->again = 0;
    return 1;
  }
  while (q->turn < most && (q->out >> q->turn % q->servers.count & 1u) != 0) q->turn++;
  return q->turn < most;
}

static void begin(tern__dns_query *q)
{
  const tern__sockaddr *s = server(q);
  int type = q->tcp || q->servers.tcp ? SOCK_STREAM : SOCK_DGRAM, e = 0;

  q->fd = tern__socket(s->any.sa_family, type);
  if (q->fd < 0 || (connect(q->fd, &s->any, tern__sockaddr_length(s)) != 0 &&
                    errno != EINPROGRESS && errno != EINTR))
    e = errno;
  if (e == 0 && type == SOCK_DGRAM && send(q->fd, q->question + 2, q->question_len, 0) < 0)
    e = errno;
  if (e != 0)
    give_up_errno(q, e);
  else
    q->state = type == SOCK_STREAM ? TCP_CONNECT : UDP;
}

static tern_status next_try(tern__dns_query *q, uint64_t now)
{
  tern_status status;

  if (!choose(q)) return end_result(q, q->worst);
  status = write_question(q);
  if (status != TERN_OK) return end(q, status);
  q->try_ends = now > TERN_NEVER - q->servers.timeout ? TERN_NEVER : now + q->servers.timeout;
  begin(q);
  return TERN_E_AGAIN;
}

/* ---- a reply ----------------------------------------------------------------------------------*/

/* DNSSEC codes of RFC 8914. */
static int bogus(const tern__dns_answer *answer)
{
  return answer->ede >= 5 && answer->ede <= 12;
}

/* The server failed. One that is trusted to validate is asked whether that is why. */
static tern_status failed(tern__dns_query *q)
{
  uint32_t rcode = q->answer.rcode;
  char what[40];

  if ((rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP) && !q->formed &&
      (q->flags & TERN__DNS_EDNS) != 0) { /* too old for EDNS (RFC 6891 section 7) */
    q->formed = 1;
    q->flags &= ~TERN__DNS_EDNS;
    once_more(q);
    return TERN_E_AGAIN;
  }
  if (tern__server_trusted(server(q), q->servers.trusted) && rcode == 2) {
    if (bogus(&q->answer)) {
      note(q, tern__dns_result_text(TERN__DNS_BOGUS));
      return end_result(q, TERN__DNS_BOGUS);
    }
    if ((q->flags & TERN__DNS_CD) == 0) {
      q->worst = TERN__DNS_SERVFAIL;
      q->flags |= TERN__DNS_CD;
      once_more(q);
      return TERN_E_AGAIN;
    }
  }
  (void)snprintf(what, sizeof what, "failed (rcode %u)", (unsigned)rcode);
  note(q, what);
  give_up(q, TERN__DNS_SERVFAIL, 1);
  return TERN_E_AGAIN;
}

/* Neither an answer nor from a server that would look for one (a lame delegation). */
static int lame(const tern__dns_query *q, const uint8_t *message)
{
  return q->answer.result == TERN__DNS_NODATA && (message[2] & 4) == 0 && (message[3] & 0x80) == 0;
}

static tern_status take_reply(tern__dns_query *q, const uint8_t *message, size_t len)
{
  tern_status status = tern__dns_answer_read(&q->answer, q->mem, q->name, q->type, message, len);
  uint32_t result = q->answer.result;

  if (status != TERN_OK) return end(q, status);
  q->answer.result = TERN__DNS_PENDING;
  if (result == TERN__DNS_TRUNCATED && !q->tcp && !q->servers.tcp) {
    q->tcp = 1;
    once_more(q);
    return TERN_E_AGAIN;
  }
  if (result == TERN__DNS_SERVFAIL) return failed(q);
  q->answer.result = result;
  if (result == TERN__DNS_TRUNCATED || result == TERN__DNS_MALFORMED || lame(q, message)) {
    int none = lame(q, message);

    tern__dns_answer_clear(&q->answer, q->mem);
    q->answer.result = TERN__DNS_PENDING;
    note(q, none ? "knows nothing of the name, and does not ask"
                 : tern__dns_result_text(TERN__DNS_MALFORMED));
    give_up(q, none ? TERN__DNS_SERVFAIL : TERN__DNS_MALFORMED, 1);
    return TERN_E_AGAIN;
  }
  if ((q->flags & TERN__DNS_CD) != 0) { /* it is there when nobody checks it */
    note(q, tern__dns_result_text(TERN__DNS_BOGUS));
    return end_result(q, TERN__DNS_BOGUS);
  }
  q->answer.secure =
    q->answer.ad != 0 && tern__server_trusted(server(q), q->servers.trusted) ? 1 : 0;
  tern__notes_clear(&q->notes);
  return end_result(q, result);
}

static tern_status read_udp(tern__dns_query *q)
{
  uint8_t message[UDP_BUFFER];
  uint32_t i;

  for (i = 0; i < DATAGRAMS; i++) {
    ssize_t n = recv(q->fd, message, sizeof message, 0);

    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return TERN_E_AGAIN;
    if (n < 0) {
      give_up_errno(q, errno);
      return TERN_E_AGAIN;
    }
    if (tern__dns_reply_matches(message, (size_t)n, q->question + 2, q->question_len)) {
      if ((size_t)n == sizeof message) message[2] |= 2; /* more than we took: by TCP */
      return take_reply(q, message, (size_t)n);
    }
    if (++q->stray > STRAY) { /* somebody guesses */
      q->stray = 0;
      q->tcp = 1;
      once_more(q);
      return TERN_E_AGAIN;
    }
  }
  return TERN_E_AGAIN;
}

/* ---- TCP (RFC 7766) ---------------------------------------------------------------------------*/

static void connect_tcp(tern__dns_query *q)
{
  int e = 0, seen = tern__socket_connected(q->fd, &e);

  if (seen < 0)
    give_up_errno(q, e);
  else if (seen > 0)
    q->state = TCP_WRITE;
}

static void write_tcp(tern__dns_query *q)
{
  ssize_t n = send(q->fd, q->question + q->sent, q->question_len + 2 - q->sent, TERN__NO_SIGNAL);

  if (n < 0) {
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) give_up_errno(q, errno);
    return;
  }
  q->sent += (size_t)n;
  if (q->sent < q->question_len + 2) return;
  q->sent = 0;
  q->state = TCP_READ;
}

/* Reads what there is of the reply: first its length, then itself. 0: no more for now, or given up. */
static int read_tcp_some(tern__dns_query *q)
{
  uint8_t *to = q->reply == NULL ? q->prefix : q->reply;
  size_t most = q->reply == NULL ? 2 : q->reply_len;
  ssize_t n = recv(q->fd, to + q->sent, most - q->sent, 0);

  if (n < 0 && errno == EINTR) return 1;
  if (n < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) give_up_errno(q, errno);
    return 0;
  }
  if (n == 0) {
    note(q, "closed the connection before its answer");
    give_up(q, TERN__DNS_TIMEOUT, 0);
    return 0;
  }
  q->sent += (size_t)n;
  return 1;
}

static tern_status read_tcp(tern__dns_query *q)
{
  while (read_tcp_some(q)) {
    if (q->reply == NULL && q->sent == 2) {
      q->sent = 0;
      q->reply_len = (size_t)q->prefix[0] << 8 | q->prefix[1];
      if (q->reply_len > 0) q->reply = tern__alloc(q->mem, q->reply_len);
      if (q->reply_len > 0 && q->reply == NULL) return end(q, TERN_E_NOMEM);
    }
    if (q->reply != NULL && q->sent < q->reply_len) continue;
    if (q->reply == NULL && q->sent > 0) continue;
    if (q->reply == NULL || !tern__dns_reply_matches(q->reply, q->reply_len, q->question + 2,
                                                     q->question_len)) {
      note(q, tern__dns_result_text(TERN__DNS_MALFORMED));
      give_up(q, TERN__DNS_MALFORMED, 1);
      return TERN_E_AGAIN;
    }
    return take_reply(q, q->reply, q->reply_len);
  }
  return TERN_E_AGAIN;
}

/* ---- steps ------------------------------------------------------------------------------------*/

tern_status tern__dns_query_open(tern_resolver *r, const tern_allocator *mem, const char *name,
                                 uint32_t type, uint64_t now, uint64_t deadline,
                                 tern__dns_query **query)
{
  tern_status status = tern__resolver_refresh(r, now);
  tern__dns_query *q;

  *query = q = status == TERN_E_NOMEM ? NULL : tern__alloc(mem, sizeof *q);
  if (q == NULL) return TERN_E_NOMEM;
  q->mem = mem;
  q->servers = r->servers;
  q->deadline = q->try_ends = deadline;
  q->type = type;
  q->flags = TERN__DNS_EDNS;
  q->worst = TERN__DNS_PENDING;
  q->fd = -1;
  q->answer.ede = -1;
  if (!tern__dns_name_good(name)) {
    tern__notes_add(&q->notes, "the name", "cannot be asked for");
    return end_result(q, TERN__DNS_NXDOMAIN);
  }
  memcpy(q->name, name, strlen(name) + 1);
  if (q->name[strlen(name) - 1] == '.') q->name[strlen(name) - 1] = 0;
  if (status != TERN_OK) {
    tern__notes_add(&q->notes, name, "there is no name server to ask");
    return end_result(q, TERN__DNS_TIMEOUT);
  }
  return TERN_E_AGAIN;
}

static tern_status move(tern__dns_query *q, uint64_t now)
{
  switch (q->state) {
  case NEXT: return next_try(q, now);
  case UDP: return read_udp(q);
  case TCP_CONNECT: connect_tcp(q); return TERN_E_AGAIN;
  case TCP_WRITE: write_tcp(q); return TERN_E_AGAIN;
  case TCP_READ: return read_tcp(q);
  default: return q->status;
  }
}

tern_status tern__dns_query_step(tern__dns_query *q, uint64_t now)
{
  tern_status status = TERN_E_AGAIN;
  enum state before;
  uint32_t turn;

  if (q == NULL) return TERN_E_NOMEM;
  if (q->state == ENDED) return q->status;
  do {
    before = q->state;
    turn = q->turn;
    status = move(q, now);
  } while (status == TERN_E_AGAIN && (q->state == NEXT || q->state != before || q->turn != turn));
  if (status != TERN_E_AGAIN) return status;
  if (now >= q->deadline) {
    note(q, "no answer in time");
    return end_result(q, q->worst == TERN__DNS_PENDING ? TERN__DNS_TIMEOUT : q->worst);
  }
  if (now >= q->try_ends) {
    note(q, "no answer in time");
    give_up(q, TERN__DNS_TIMEOUT, 0);
    return tern__dns_query_step(q, now);
  }
  return TERN_E_AGAIN;
}

int32_t tern__dns_query_handle(const tern__dns_query *q)
{
  return q == NULL ? -1 : q->fd;
}

uint32_t tern__dns_query_events(const tern__dns_query *q)
{
  if (q == NULL || q->fd < 0) return 0;
  return q->state == TCP_CONNECT || q->state == TCP_WRITE ? TERN_WRITE : TERN_READ;
}

uint64_t tern__dns_query_deadline(const tern__dns_query *q)
{
  if (q == NULL || q->state == ENDED) return TERN_NEVER;
  if (q->state == NEXT) return 0;
  return q->try_ends < q->deadline ? q->try_ends : q->deadline;
}

const tern__dns_answer *tern__dns_query_answer(const tern__dns_query *q)
{
  return q == NULL ? NULL : &q->answer;
}

const char *tern__dns_query_detail(const tern__dns_query *q)
{
  return q == NULL ? "" : q->notes.text;
}

void tern__dns_query_free(tern__dns_query *q)
{
  if (q == NULL) return;
  shut(q);
  tern__dns_answer_clear(&q->answer, q->mem);
  tern__free(q->mem, q, sizeof *q);
}

tern_status tern__dns_query_run(tern__dns_query *q)
{
  tern_status status = tern__dns_query_step(q, tern__host_now());

  while (status == TERN_E_AGAIN) {
    uint64_t now = tern__host_now(), until = tern__dns_query_deadline(q);
    uint64_t left = until > now ? until - now : 0;

    tern__host_wait(tern__dns_query_handle(q), tern__dns_query_events(q),
                    left > 60000u ? 60000u : (uint32_t)left);
    status = tern__dns_query_step(q, tern__host_now());
  }
  return status;
}
