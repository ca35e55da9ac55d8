/* tcp.c - stream sockets, TCP and Unix: connecting step by step, then the transport table.
 * Duty: every address of a host is tried, each within its own time, and each failure is remembered
 * in words. Neighbours: client.c drives it; TLS lies above it through transport.h. Limits: names
 * are resolved by getaddrinfo(), which blocks; addresses are tried one after the other, not raced;
 * a detail line of 512 octets, 32 addresses. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "transport/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/words.h"

#define SPANS 64       /* that one sendmsg takes */
#define UNIX_RETRY 20u /* ms between tries at a Unix socket whose backlog is full */
#define SHORT 3u       /* writes of a short session: EHLO, envelope, content with QUIT */
#define DETAIL 512u
#define PEER 128u

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* there SO_NOSIGPIPE does it */
#endif
#ifndef MSG_DONTWAIT
#define MSG_DONTWAIT 0 /* there the socket itself never blocks */
#endif

typedef union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_un local;
} address;

struct tern__tcp {
  const tern_allocator *mem;
  size_t size;       /* of this piece of memory */
  tern_status ended; /* TERN_E_AGAIN: still connecting */
  uint32_t timeout;
  uint64_t deadline; /* of the address being tried */
  uint64_t retry;    /* Unix, backlog full: when to try again; TERN_NEVER: not waiting for that */
  int fd;
  uint32_t next; /* address to be tried after this one */
  uint32_t count;
  uint32_t timed_out; /* how many */
  uint32_t lost;      /* failures that did not fit into detail */
  uint32_t slice;     /* ms that connect and tern__tcp_read_wait may block; 0: never */
  uint8_t stands;     /* connect() said at once that it does */
  uint8_t unanswered; /* something was written and nothing read since */
  uint8_t writes;     /* up to SHORT + 1 */
  uint8_t prompt;     /* TCP_NODELAY is set, or there is no need */
  char detail[DETAIL];
  char peer[PEER];
  address addresses[]; /* count */
};

/* ---- words ------------------------------------------------------------------------------------*/

/* The peer of the address, "127.0.0.1 port 25", "[::1] port 25", or a path, into tcp->peer. */
static void name_peer(tern__tcp *tcp, const address *a)
{
  char text[INET6_ADDRSTRLEN];

  if (a->any.sa_family == AF_UNIX) {
    (void)tern__words_clean(tcp->peer, PEER, a->local.sun_path, strlen(a->local.sun_path));
  } else if (a->any.sa_family == AF_INET) {
    if (inet_ntop(AF_INET, &a->v4.sin_addr, text, sizeof text) == NULL) text[0] = 0;
    (void)snprintf(tcp->peer, PEER, "%s port %u", text, (unsigned)ntohs(a->v4.sin_port));
  } else {
    if (inet_ntop(AF_INET6, &a->v6.sin6_addr, text, sizeof text) == NULL) text[0] = 0;
    (void)snprintf(tcp->peer, PEER, "[%s] port %u", text, (unsigned)ntohs(a->v6.sin6_port));
  }
}

/* Adds "peer: what" to the failures so far. One that does not fit is counted instead. */
static void remember(tern__tcp *tcp, const char *what)
{
  size_t used = strlen(tcp->detail), room = DETAIL - 24 - used; /* 24: " (and 4294967295 more)" */
  int n;

  if (used >= DETAIL - 24) {
    tcp->lost++;
    return;
  }
  n = snprintf(tcp->detail + used, room, "%s%s: %s", used > 0 ? "; " : "", tcp->peer, what);
  if (n < 0 || (size_t)n >= room) {
    tcp->detail[used] = 0;
    tcp->lost++;
  }
}

static void remember_errno(tern__tcp *tcp, int e)
{
  char number[24];

  remember(tcp, tern__words_errno(e, number, sizeof number));
}

/* ---- opening ----------------------------------------------------------------------------------*/

static tern__tcp *make(const tern_allocator *mem, uint32_t count, uint32_t timeout)
{
  size_t size = sizeof(tern__tcp) + count * sizeof(address);
  tern__tcp *tcp = tern__alloc(mem, size);

  if (tcp == NULL) return NULL;
  tcp->mem = mem;
  tcp->size = size;
  tcp->timeout = timeout;
  tcp->deadline = TERN_NEVER;
  tcp->retry = TERN_NEVER;
  tcp->ended = TERN_E_AGAIN;
  tcp->fd = -1;
  tcp->count = count;
  return tcp;
}

/* A tcp that has failed before it began: "host: what". */
static tern_status fail_open(const tern_allocator *mem, tern__tcp **out, tern_status status,
                             const char *host, const char *what)
{
  tern__tcp *tcp = make(mem, 0, 0);

  *out = tcp;
  if (tcp == NULL) return TERN_E_NOMEM;
  tcp->ended = status;
  (void)tern__words_clean(tcp->peer, PEER, host, strlen(host));
  remember(tcp, what);
  tcp->peer[0] = 0;
  return status;
}

/* The address of this result, or NULL: of a family that is not ours. */
static const struct addrinfo *usable(const struct addrinfo *a)
{
  while (a != NULL && !(a->ai_family == AF_INET && a->ai_addrlen == sizeof(struct sockaddr_in)) &&
         !(a->ai_family == AF_INET6 && a->ai_addrlen == sizeof(struct sockaddr_in6)))
    a = a->ai_next;
  return a;
}

/* The next usable result from a on whose family is (not: same 0) the given one. */
static const struct addrinfo *of_family(const struct addrinfo *a, int family, int same)
{
  for (a = usable(a); a != NULL; a = usable(a->ai_next))
    if ((a->ai_family == family) == (same != 0)) return a;
  return NULL;
}

/* Copies the results, the families in turn (RFC 8305 section 4). */
static void interleave(tern__tcp *tcp, const struct addrinfo *list)
{
  const struct addrinfo *first = usable(list), *other, *from;
  int family = first == NULL ? AF_INET : first->ai_family;
  uint32_t i;

  other = of_family(list, family, 0);
  for (i = 0; i < tcp->count; i++) {
    int same = other == NULL || (first != NULL && i % 2 == 0);

    from = same ? first : other;
    if (from == NULL) break;
    memcpy(&tcp->addresses[i], from->ai_addr, from->ai_addrlen);
    if (same)
      first = of_family(from->ai_next, family, 1);
    else
      other = of_family(from->ai_next, family, 0);
  }
  tcp->count = i;
}

/* What getaddrinfo's failure means: TERN_E_HOST, TERN_E_RESOLVE or TERN_E_NOMEM. */
static tern_status resolve_status(int gai)
{
  switch (gai) {
  case EAI_AGAIN:
  case EAI_FAIL:
  case EAI_SYSTEM: return TERN_E_RESOLVE;
  case EAI_MEMORY: return TERN_E_NOMEM;
  default: return TERN_E_HOST;
  }
}

static int resolve(const char *host, uint32_t port, struct addrinfo **list)
{
  struct addrinfo hints;
  char number[12], literal[INET6_ADDRSTRLEN + 24];
  size_t len = strlen(host);
  int gai;

  if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
    if (len - 2 >= sizeof literal) return EAI_NONAME;
    memcpy(literal, host + 1, len - 2);
    literal[len - 2] = 0;
    host = literal;
  }
  (void)snprintf(number, sizeof number, "%u", (unsigned)port);
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  gai = getaddrinfo(host, number, &hints, list);
  if (gai == 0 || host == literal) return gai;
  hints.ai_flags = AI_NUMERICSERV;
  return getaddrinfo(host, number, &hints, list);
}

tern_status tern__tcp_open(const tern_allocator *mem, const char *host, uint32_t port,
                           uint32_t timeout, tern__tcp **tcp)
{
  const struct addrinfo *a;
  struct addrinfo *list = NULL;
  tern_status status;
  uint32_t count = 0;
  int gai;

  *tcp = NULL;
  if (host == NULL || port == 0 || port > 65535)
    return fail_open(mem, tcp, TERN_E_ARGUMENT, host == NULL ? "" : host, "no host or no port");
  if (host[0] == 0 || strlen(host) > 1024)
    return fail_open(mem, tcp, TERN_E_HOST, host, "no host name");
  gai = resolve(host, port, &list);
  if (gai != 0) {
    status = resolve_status(gai);
    if (status == TERN_E_NOMEM) return status;
    return fail_open(mem, tcp, status, host,
                     status == TERN_E_HOST ? "does not exist or has no address"
                                           : "the name service does not answer for now");
  }
  for (a = usable(list); a != NULL && count < TERN__TCP_ADDRESSES; a = usable(a->ai_next)) count++;
  if (count == 0) {
    freeaddrinfo(list);
    return fail_open(mem, tcp, TERN_E_HOST, host, "has no IPv4 or IPv6 address");
  }
  *tcp = make(mem, count, timeout);
  if (*tcp != NULL) interleave(*tcp, list);
  freeaddrinfo(list);
  return *tcp == NULL ? TERN_E_NOMEM : TERN_OK;
}

tern_status tern__tcp_open_unix(const tern_allocator *mem, const char *path, uint32_t timeout,
                                tern__tcp **tcp)
{
  size_t len;

  *tcp = NULL;
  if (path == NULL || path[0] == 0) return fail_open(mem, tcp, TERN_E_ARGUMENT, "", "no path");
  len = strlen(path);
  if (len >= sizeof((struct sockaddr_un *)0)->sun_path)
    return fail_open(mem, tcp, TERN_E_CONNECT, path, "too long for the path of a Unix socket");
  *tcp = make(mem, 1, timeout);
  if (*tcp == NULL) return TERN_E_NOMEM;
  (*tcp)->addresses[0].local.sun_family = AF_UNIX;
  memcpy((*tcp)->addresses[0].local.sun_path, path, len + 1);
  return TERN_OK;
}

/* ---- connecting -------------------------------------------------------------------------------*/

static void shut(tern__tcp *tcp)
{
  if (tcp->fd >= 0) (void)close(tcp->fd);
  tcp->fd = -1;
}

/* Makes connect and plain recv give up after slice ms: elsewhere than on Linux a connect that is
 * given up does not go on by itself. */
static int set_slice(int fd, uint32_t slice)
{
#ifdef __linux__
  struct timeval t;

  t.tv_sec = (time_t)(slice / 1000);
  t.tv_usec = (suseconds_t)(slice % 1000 * 1000);
  return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0 &&
         setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0;
#else
  (void)fd, (void)slice;
  return 0;
#endif
}

/* A close-on-exec socket, or -1 with errno; non-blocking, or one that blocks for a slice at most. */
static int new_socket(int family, uint32_t slice)
{
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
  int fd;

  if (slice == 0) return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && !set_slice(fd, slice)) {
    (void)close(fd);
    return -1;
  }
  return fd;
#else
  int fd = socket(family, SOCK_STREAM, 0), e, one = 1;

  (void)slice;
  if (fd < 0) return -1;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    e = errno;
    (void)close(fd);
    errno = e;
    return -1;
  }
#ifdef SO_NOSIGPIPE
  (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
#else
  (void)one;
#endif
  return fd;
#endif
}

static tern_status connected(tern__tcp *tcp)
{
  tcp->prompt = tcp->addresses[tcp->next - 1].any.sa_family == AF_UNIX;
  tcp->detail[0] = 0; /* earlier addresses do not matter any more */
  tcp->deadline = TERN_NEVER;
  tcp->retry = TERN_NEVER;
  tcp->ended = TERN_OK;
  return TERN_OK;
}

static socklen_t address_length(const address *a)
{
  if (a->any.sa_family == AF_INET) return sizeof a->v4;
  return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->local;
}

/* connect() at the address being tried. 0: connected or on the way (EINPROGRESS); else errno. */
static int begin(tern__tcp *tcp, uint64_t now)
{
  const address *a = &tcp->addresses[tcp->next - 1];

  tcp->retry = TERN_NEVER;
  tcp->stands = connect(tcp->fd, &a->any, address_length(a)) == 0;
  if (tcp->stands) return 0;
  if (errno == EINPROGRESS || errno == EINTR) /* interrupted, it goes on by itself (POSIX) */
    return 0;
  if (errno == EAGAIN && a->any.sa_family == AF_UNIX) { /* the listener's backlog is full */
    tcp->retry = now + UNIX_RETRY;
    return 0;
  }
  return errno;
}

/* 1: the connection stands; 0: not yet; -1: failed with *error. */
static int look(const tern__tcp *tcp, int *error)
{
  struct pollfd p;
  socklen_t size = sizeof *error;

  if (tcp->stands) return 1;
  p.fd = tcp->fd;
  p.events = POLLOUT;
  p.revents = 0;
  if (poll(&p, 1, 0) <= 0) return 0;
  *error = 0;
  if (p.revents == POLLOUT) return 1; /* a failure shows as POLLERR or POLLHUP */
  if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, error, &size) != 0) *error = errno;
  return *error == 0 ? 1 : -1;
}

/* Goes to the next address. 1: there is one, and an attempt is under way; 0: none is left. */
static int advance(tern__tcp *tcp, uint64_t now)
{
  while (tcp->next < tcp->count) {
    const address *a = &tcp->addresses[tcp->next++];
    int error;

    name_peer(tcp, a);
    tcp->deadline =
      tcp->timeout == 0 || now > TERN_NEVER - tcp->timeout ? TERN_NEVER : now + tcp->timeout;
    tcp->fd = new_socket(a->any.sa_family, tcp->slice);
    error = tcp->fd < 0 ? errno : begin(tcp, now);
    if (error == 0) return 1;
    remember_errno(tcp, error);
    shut(tcp);
  }
  return 0;
}

static tern_status exhausted(tern__tcp *tcp)
{
  tcp->deadline = TERN_NEVER;
  tcp->retry = TERN_NEVER;
  if (tcp->lost > 0) {
    size_t used = strlen(tcp->detail);

    (void)snprintf(tcp->detail + used, DETAIL - used, " (and %u more)", (unsigned)tcp->lost);
  }
  tcp->ended = tcp->timed_out == tcp->count ? TERN_E_TIMEOUT : TERN_E_CONNECT;
  return tcp->ended;
}

tern_status tern__tcp_connect_step(tern__tcp *tcp, uint64_t now)
{
  if (tcp == NULL) return TERN_E_NOMEM;
  while (tcp->ended == TERN_E_AGAIN) {
    int error = 0, seen = 0;

    if (tcp->fd < 0) {
      if (!advance(tcp, now)) return exhausted(tcp);
    } else if (tcp->retry <= now) {
      error = begin(tcp, now);
    }
    if (error == 0 && tcp->retry == TERN_NEVER) seen = look(tcp, &error);
    if (seen > 0) return connected(tcp);
    if (error != 0) {
      remember_errno(tcp, error);
      shut(tcp);
    } else if (now >= tcp->deadline) {
      remember(tcp, "timed out");
      tcp->timed_out++;
      shut(tcp);
    } else {
      return TERN_E_AGAIN;
    }
  }
  return tcp->ended;
}

/* ---- getters ----------------------------------------------------------------------------------*/

int32_t tern__tcp_handle(const tern__tcp *tcp)
{
  return tcp == NULL || tcp->retry != TERN_NEVER ? -1 : tcp->fd;
}

uint32_t tern__tcp_events(const tern__tcp *tcp)
{
  return tern__tcp_handle(tcp) >= 0 && tcp->ended == TERN_E_AGAIN ? TERN_WRITE : 0;
}

uint64_t tern__tcp_deadline(const tern__tcp *tcp)
{
  if (tcp == NULL) return TERN_NEVER;
  return tcp->retry < tcp->deadline ? tcp->retry : tcp->deadline;
}

void tern__tcp_set_slice(tern__tcp *tcp, uint32_t ms)
{
#if defined(__linux__) && defined(MSG_DONTWAIT)
  tcp->slice = ms;
#else
  (void)tcp, (void)ms;
#endif
}

uint32_t tern__tcp_slice(const tern__tcp *tcp)
{
  return tcp == NULL ? 0 : tcp->slice;
}

const char *tern__tcp_detail(const tern__tcp *tcp)
{
  return tcp == NULL ? "" : tcp->detail;
}

const char *tern__tcp_peer(const tern__tcp *tcp)
{
  return tcp == NULL ? "" : tcp->peer;
}

size_t tern__tcp_local_literal(const tern__tcp *tcp, char *out, size_t cap)
{
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  address a;
  socklen_t size = sizeof a;
  char text[INET6_ADDRSTRLEN];
  const char *shown = NULL, *tag = "";
  int n;

  if (cap > 0) out[0] = 0;
  memset(&a, 0, sizeof a);
  if (tcp == NULL || tcp->fd < 0 || getsockname(tcp->fd, &a.any, &size) != 0) return 0;
  if (a.any.sa_family == AF_INET) {
    shown = inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof text);
  } else if (a.any.sa_family == AF_INET6 && memcmp(&a.v6.sin6_addr, mapped, sizeof mapped) == 0) {
    shown = inet_ntop(AF_INET, (const uint8_t *)&a.v6.sin6_addr + 12, text, sizeof text);
  } else if (a.any.sa_family == AF_INET6) {
    tag = "IPv6:";
    shown = inet_ntop(AF_INET6, &a.v6.sin6_addr, text, sizeof text);
  }
  if (shown == NULL) return 0;
  n = snprintf(out, cap, "[%s%s]", tag, shown);
  if (n > 0 && (size_t)n < cap) return (size_t)n;
  if (cap > 0) out[0] = 0;
  return 0;
}

/* ---- the table --------------------------------------------------------------------------------*/

static tern_status broken(tern__tcp *tcp, int error)
{
  tcp->detail[0] = 0;
  tcp->lost = 0;
  remember_errno(tcp, error);
  return error == ECONNRESET || error == EPIPE || error == ECONNABORTED ? TERN_E_CLOSED : TERN_E_IO;
}

static tern_status took(tern__tcp *tcp, ssize_t n, size_t *len)
{
  if (n > 0) {
    tcp->unanswered = 0;
    *len = (size_t)n;
    return TERN_OK;
  }
  if (n == 0) {
    tcp->detail[0] = 0;
    remember(tcp, "Connection closed by peer");
    return TERN_E_CLOSED;
  }
  return errno == EAGAIN || errno == EWOULDBLOCK ? TERN_E_AGAIN : broken(tcp, errno);
}

static tern_status tcp_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  tern__tcp *tcp = user;
  ssize_t n;

  if (tcp == NULL || tcp->fd < 0) return TERN_E_CLOSED;
  do n = recv(tcp->fd, octets, cap, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return took(tcp, n, len);
}

tern_status tern__tcp_read_wait(tern__tcp *tcp, uint8_t *octets, size_t cap, size_t *len)
{
  ssize_t n;

  *len = 0;
  if (tcp == NULL || tcp->fd < 0) return TERN_E_CLOSED;
  n = recv(tcp->fd, octets, cap, 0);
  return n < 0 && errno == EINTR ? TERN_E_AGAIN : took(tcp, n, len);
}

/* Nagle's rule delays a small segment only while an earlier one is unacknowledged. The flights of a
 * short session, each one write that leaves once all before it was answered, never meet it: it is
 * switched off before a second write in a row, and where the session turns out to be longer. */
static void be_prompt(tern__tcp *tcp)
{
  int one = 1;

  if (!tcp->prompt && (tcp->unanswered || ++tcp->writes > SHORT)) {
    (void)setsockopt(tcp->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    tcp->prompt = 1;
  }
  tcp->unanswered = 1;
}

static tern_status tcp_writev(void *user, const tern_span *spans, size_t count, size_t *done)
{
  tern__tcp *tcp = user;
  struct iovec parts[SPANS];
  struct msghdr m;
  uint8_t used = 0; /* msg_iovlen is int or size_t, as the C library likes it */
  size_t i;
  ssize_t n;

  if (tcp == NULL || tcp->fd < 0) return TERN_E_CLOSED;
  for (i = 0; i < count && used < SPANS; i++) {
    if (spans[i].len == 0) continue;
    memcpy(&parts[used].iov_base, &spans[i].octets, sizeof parts[used].iov_base); /* drops const */
    parts[used++].iov_len = spans[i].len;
  }
  memset(&m, 0, sizeof m);
  m.msg_iov = parts;
  m.msg_iovlen = used;
  be_prompt(tcp);
  do n = sendmsg(tcp->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n >= 0) {
    *done = (size_t)n;
    return TERN_OK;
  }
  return errno == EAGAIN || errno == EWOULDBLOCK ? TERN_E_AGAIN : broken(tcp, errno);
}

static tern_status tcp_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  tern_span one;

  one.octets = octets;
  one.len = len;
  return tcp_writev(user, &one, 1, done);
}

static void tcp_close(void *user)
{
  if (user != NULL) shut(user);
}

static int32_t tcp_handle(void *user)
{
  return tern__tcp_handle(user);
}

const tern_transport *tern__tcp_transport(void)
{
  static const tern_transport table = {sizeof(tern_transport),
                                       tcp_read,
                                       tcp_write,
                                       tcp_writev,
                                       tcp_close,
                                       tcp_handle,
                                       NULL,
                                       NULL,
                                       NULL};

  return &table;
}

void tern__tcp_free(tern__tcp *tcp)
{
  if (tcp == NULL) return;
  shut(tcp);
  tern__free(tcp->mem, tcp, tcp->size);
}
