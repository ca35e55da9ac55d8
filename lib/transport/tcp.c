/* tcp.c - stream sockets, TCP and Unix: connecting step by step, then the transport table.
 * Duty: the addresses of a host race (race.c), and each failure is remembered in words. Neighbours:
 * client/dial.c drives it and may feed it from its own look-ups; TLS lies above it through transport.h.
 * Limits: tern__tcp_open resolves by getaddrinfo(), which blocks; a detail line of 512 octets, 32
 * addresses. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include "transport/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/gather.h"
#include "base/mem.h"
#include "base/notes.h"
#include "base/socket.h"
#include "base/words.h"

#define SPANS 64       /* that one sendmsg takes */
#define UNIX_RETRY 20u /* ms between tries at a Unix socket whose backlog is full */
#define SHORT 4u       /* writes of a short session: EHLO, envelope, content, QUIT */
#define PEER 128u

struct tern__tcp {
  const tern_allocator *mem;
  tern_status ended; /* TERN_E_AGAIN: still connecting */
  int fd;            /* connected */
  uint32_t slice;    /* ms that connect and tern__tcp_read_wait may block; 0: never */
  uint8_t unanswered; /* something was written and nothing read since */
  uint8_t writes;     /* up to SHORT + 1 */
  uint8_t prompt;     /* TCP_NODELAY is set, or there is no need */
  struct dialling *dialling; /* until it has ended */
  tern__notes *notes; /* until it stands, and once it is broken; NULL: nothing to be said, or no memory */
  char *peer;         /* NULL: nobody yet, or no memory */
};

/* What is needed until a connection stands. */
struct dialling {
  tern__race *race; /* NULL: Unix */
  tern__gather gather;
  tern__tried *tried; /* borrowed, or NULL */
  uint64_t nap; /* where nothing can be polled for: look again; TERN_NEVER */
  uint32_t timeout;
  uint64_t deadline;
  struct sockaddr_un local;
};

/* ---- opening ----------------------------------------------------------------------------------*/

static tern__tcp *make(const tern_allocator *mem)
{
  tern__tcp *tcp = tern__alloc(mem, sizeof *tcp);

  if (tcp == NULL) return NULL;
  tcp->mem = mem;
  tcp->ended = TERN_E_AGAIN;
  tcp->fd = -1;
  tcp->notes = tern__alloc(mem, sizeof *tcp->notes);
  if (tcp->notes != NULL) return tcp;
  tern__free(mem, tcp, sizeof *tcp);
  return NULL;
}

static void drop_notes(tern__tcp *tcp)
{
  tern__free(tcp->mem, tcp->notes, sizeof *tcp->notes);
  tcp->notes = NULL;
}

/* The last thing there is to say about a connection that stood. */
static void say(tern__tcp *tcp, const char *what)
{
  if (tcp->notes == NULL) tcp->notes = tern__alloc(tcp->mem, sizeof *tcp->notes);
  if (tcp->notes == NULL) return;
  tern__notes_clear(tcp->notes);
  tern__notes_add(tcp->notes, tern__tcp_peer(tcp), what);
}

static void name_peer(tern__tcp *tcp, const char *name)
{
  if (strcmp(tern__tcp_peer(tcp), name) == 0) return;
  tern__free_string(tcp->mem, tcp->peer);
  tcp->peer = tern__copy_string(tcp->mem, name);
}

/* The same, dialling: most addresses by a race, 0: a Unix socket. NULL: no memory. */
static tern__tcp *make_dialling(const tern_allocator *mem, uint32_t most, uint32_t timeout)
{
  tern__tcp *tcp = make(mem);
  struct dialling *d;

  if (tcp == NULL) return NULL;
  tcp->dialling = d = tern__alloc(mem, sizeof *d);
  if (d == NULL) {
    tern__tcp_free(tcp);
    return NULL;
  }
  tern__gather_init(&d->gather);
  d->timeout = timeout;
  d->deadline = d->nap = TERN_NEVER;
  if (most == 0) return tcp;
  d->race = tern__race_new(mem, most, timeout);
  if (d->race != NULL) return tcp;
  tern__tcp_free(tcp);
  return NULL;
}

/* A tcp that has failed before it began: "host: what". */
static tern_status fail_open(const tern_allocator *mem, tern__tcp **out, tern_status status,
                             const char *host, const char *what)
{
  tern__tcp *tcp = make(mem);
  char who[PEER];

  *out = tcp;
  if (tcp == NULL) return TERN_E_NOMEM;
  tcp->ended = status;
  (void)tern__words_clean(who, sizeof who, host, strlen(host));
  tern__notes_add(tcp->notes, who, what);
  return status;
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

static int resolve(const char *host, uint32_t port, int flags, struct addrinfo **list)
{
  struct addrinfo hints;
  char number[12], lower[256];
  size_t i = 0, len = strlen(host);

  /* In lower case, as musl looks for that very spelling in the hosts file; but a zone's name has a case. */
  if (len < sizeof lower && !strchr(host, '%')) {
    for (; i <= len; i++) lower[i] = (char)tern__lower((uint8_t)host[i]);
    host = lower;
  }
  (void)snprintf(number, sizeof number, "%u", (unsigned)port);
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  return getaddrinfo(host, number, &hints, list);
}

/* Takes the addresses in the order of the resolver (RFC 6724). */
static void take_list(tern__tcp *tcp, const struct addrinfo *list)
{
  const struct addrinfo *a;
  tern__sockaddr address;

  for (a = list; a != NULL; a = a->ai_next) {
    memset(&address, 0, sizeof address);
    if (a->ai_family == AF_INET && a->ai_addrlen == sizeof address.v4)
      memcpy(&address.v4, a->ai_addr, sizeof address.v4);
    else if (a->ai_family == AF_INET6 && a->ai_addrlen == sizeof address.v6)
      memcpy(&address.v6, a->ai_addr, sizeof address.v6);
    else
      continue;
    tern__race_add(tcp->dialling->race, &address);
  }
}

static tern_status open_list(const tern_allocator *mem, const char *host,
                             const struct addrinfo *list, uint32_t timeout, tern__tcp **tcp)
{
  const struct addrinfo *a;
  uint32_t most = 0;

  for (a = list; a != NULL; a = a->ai_next) most++;
  *tcp = make_dialling(mem, most, timeout);
  if (*tcp == NULL) return TERN_E_NOMEM;
  take_list(*tcp, list);
  if (tern__race_count((*tcp)->dialling->race) > 0) return TERN_OK;
  tern__tcp_free(*tcp);
  return fail_open(mem, tcp, TERN_E_HOST, host, "has no IPv4 or IPv6 address");
}

/* An address, in brackets or not, that is none of a name. */
static int literal(const char *host, uint32_t port, struct addrinfo **list)
{
  char inner[INET6_ADDRSTRLEN + 24];
  size_t len = strlen(host);

  if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
    if (len - 2 >= sizeof inner) return 0;
    memcpy(inner, host + 1, len - 2);
    inner[len - 2] = 0;
    host = inner;
  }
  return resolve(host, port, AI_NUMERICHOST, list) == 0;
}

/* What cannot be a host. TERN_OK, or *tcp has failed. */
static tern_status check(const tern_allocator *mem, const char *host, uint32_t port, tern__tcp **tcp)
{
  *tcp = NULL;
  if (host == NULL || port == 0 || port > 65535)
    return fail_open(mem, tcp, TERN_E_ARGUMENT, host == NULL ? "" : host, "no host or no port");
  if (host[0] == 0 || strlen(host) > 1024)
    return fail_open(mem, tcp, TERN_E_HOST, host, "no host name");
  return TERN_OK;
}

tern_status tern__tcp_open(const tern_allocator *mem, const char *host, uint32_t port,
                           uint32_t timeout, tern__tcp **tcp)
{
  struct addrinfo *list = NULL;
  tern_status status = check(mem, host, port, tcp);
  int gai;

  if (status != TERN_OK) return status;
  if (!literal(host, port, &list)) {
    gai = host[0] == '[' ? EAI_NONAME : resolve(host, port, 0, &list);
    if (gai != 0) {
      status = resolve_status(gai);
      if (status == TERN_E_NOMEM) return status;
      return fail_open(mem, tcp, status, host,
                       status == TERN_E_HOST ? "does not exist or has no address"
                                             : "the name service does not answer for now");
    }
  }
  status = open_list(mem, host, list, timeout, tcp);
  freeaddrinfo(list);
  return status;
}

tern_status tern__tcp_open_literal(const tern_allocator *mem, const char *host, uint32_t port,
                                   uint32_t timeout, tern__tcp **tcp)
{
  struct addrinfo *list = NULL;
  tern_status status = check(mem, host, port, tcp);

  if (status != TERN_OK) return status;
  if (!literal(host, port, &list)) {
    if (host[0] != '[') return TERN_E_AGAIN;
    return fail_open(mem, tcp, TERN_E_HOST, host, "no IP address between the brackets");
  }
  status = open_list(mem, host, list, timeout, tcp);
  freeaddrinfo(list);
  return status;
}

tern_status tern__tcp_open_fed(const tern_allocator *mem, uint32_t timeout, tern__tcp **tcp)
{
  *tcp = make_dialling(mem, TERN__RACE_MOST, timeout);
  if (*tcp == NULL) return TERN_E_NOMEM;
  tern__race_expect((*tcp)->dialling->race, 1);
  return TERN_OK;
}

void tern__tcp_feed(tern__tcp *tcp, const tern__sockaddr *address)
{
  if (tcp->dialling == NULL || tcp->dialling->race == NULL) return;
  if (address != NULL)
    tern__race_add(tcp->dialling->race, address);
  else
    tern__race_expect(tcp->dialling->race, 0);
}

tern_status tern__tcp_open_unix(const tern_allocator *mem, const char *path, uint32_t timeout,
                                tern__tcp **tcp)
{
  char name[PEER];
  size_t len;

  *tcp = NULL;
  if (path == NULL || path[0] == 0) return fail_open(mem, tcp, TERN_E_ARGUMENT, "", "no path");
  len = strlen(path);
  if (len >= sizeof((struct sockaddr_un *)0)->sun_path)
    return fail_open(mem, tcp, TERN_E_CONNECT, path, "too long for the path of a Unix socket");
  *tcp = make_dialling(mem, 0, timeout);
  if (*tcp == NULL) return TERN_E_NOMEM;
  (*tcp)->dialling->local.sun_family = AF_UNIX;
  memcpy((*tcp)->dialling->local.sun_path, path, len + 1);
  (void)tern__words_clean(name, PEER, path, len);
  name_peer(*tcp, name);
  return TERN_OK;
}

/* ---- connecting -------------------------------------------------------------------------------*/

static void shut(tern__tcp *tcp)
{
  if (tcp->fd >= 0) (void)close(tcp->fd);
  tcp->fd = -1;
}

static void drop_dialling(tern__tcp *tcp)
{
  if (tcp->dialling == NULL) return;
  if (tcp->dialling->tried != NULL && tcp->dialling->race != NULL)
    tern__race_tell(tcp->dialling->race, tcp->dialling->tried);
  tern__gather_close(&tcp->dialling->gather);
  tern__race_free(tcp->dialling->race);
  tern__free(tcp->mem, tcp->dialling, sizeof *tcp->dialling);
  tcp->dialling = NULL;
}

static tern_status end(tern__tcp *tcp, tern_status status)
{
  drop_dialling(tcp);
  if (status == TERN_OK)
    drop_notes(tcp); /* earlier addresses do not matter any more */
  else
    tern__notes_close(tcp->notes);
  tcp->ended = status;
  return status;
}

/* One try at a Unix socket, which is answered at once; a full backlog is waited for. */
static tern_status step_unix(tern__tcp *tcp, uint64_t now)
{
  struct dialling *d = tcp->dialling;
  int error = 0;

  if (tcp->fd < 0) {
    if (d->timeout != 0 && now <= TERN_NEVER - d->timeout) d->deadline = now + d->timeout;
    tcp->fd = tcp->slice != 0 ? tern__socket_sliced(AF_UNIX, tcp->slice) : tern__socket(AF_UNIX, SOCK_STREAM);
    if (tcp->fd < 0) error = errno;
  }
  if (error == 0 && (connect(tcp->fd, (const struct sockaddr *)&d->local, sizeof d->local) == 0 ||
                     errno == EISCONN)) {
    tcp->prompt = 1;
    return end(tcp, TERN_OK);
  }
  if (error == 0) error = errno;
  if (error != EAGAIN && error != EINTR && error != EINPROGRESS) {
    shut(tcp);
    tern__notes_errno(tcp->notes, tern__tcp_peer(tcp), error);
    return end(tcp, TERN_E_CONNECT);
  }
  if (now >= d->deadline) {
    shut(tcp);
    tern__notes_add(tcp->notes, tern__tcp_peer(tcp), "timed out");
    return end(tcp, TERN_E_TIMEOUT);
  }
  d->nap = now + UNIX_RETRY;
  return TERN_E_AGAIN;
}

static tern_status step_race(tern__tcp *tcp, uint64_t now)
{
  struct dialling *d = tcp->dialling;
  tern_status status = tern__race_step(d->race, now, tcp->notes);
  char name[PEER];
  int sliced;

  if (tern__race_address(d->race) != NULL) {
    tern__sockaddr_name(tern__race_address(d->race), name, PEER);
    name_peer(tcp, name);
  }
  if (status == TERN_E_AGAIN) {
    tern__gather_begin(&d->gather);
    tern__race_gather(d->race, &d->gather);
    tern__gather_end(&d->gather);
    d->deadline = tern__race_deadline(d->race);
    d->nap = d->gather.blind ? now + TERN__GATHER_NAP : TERN_NEVER;
    return status;
  }
  if (status == TERN_OK) {
    tcp->fd = tern__race_take(d->race, &sliced);
    if (tcp->slice != 0 && !sliced && !tern__socket_slice(tcp->fd, tcp->slice)) tcp->slice = 0;
  }
  return end(tcp, status);
}

tern_status tern__tcp_connect_step(tern__tcp *tcp, uint64_t now)
{
  if (tcp == NULL) return TERN_E_NOMEM;
  if (tcp->ended != TERN_E_AGAIN) return tcp->ended;
  return tcp->dialling->race != NULL ? step_race(tcp, now) : step_unix(tcp, now);
}

/* ---- getters ----------------------------------------------------------------------------------*/

int32_t tern__tcp_handle(const tern__tcp *tcp)
{
  if (tcp == NULL) return -1;
  if (tcp->dialling == NULL) return tcp->fd;
  return tcp->dialling->race != NULL ? tcp->dialling->gather.handle : -1;
}

uint32_t tern__tcp_events(const tern__tcp *tcp)
{
  return tern__tcp_handle(tcp) >= 0 && tcp->dialling != NULL ? tcp->dialling->gather.events : 0;
}

uint64_t tern__tcp_deadline(const tern__tcp *tcp)
{
  if (tcp == NULL || tcp->dialling == NULL) return TERN_NEVER;
  return tcp->dialling->nap < tcp->dialling->deadline ? tcp->dialling->nap : tcp->dialling->deadline;
}

void tern__tcp_set_local(tern__tcp *tcp, const tern__local *local)
{
  if (tcp->dialling != NULL && tcp->dialling->race != NULL)
    tern__race_set_local(tcp->dialling->race, local);
}

void tern__tcp_set_tried(tern__tcp *tcp, tern__tried *tried)
{
  if (tcp->dialling != NULL) tcp->dialling->tried = tried;
}

void tern__tcp_set_slice(tern__tcp *tcp, uint32_t ms)
{
#if defined(__linux__)
  tcp->slice = ms;
  if (tcp->dialling != NULL && tcp->dialling->race != NULL) tern__race_set_slice(tcp->dialling->race, ms);
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
  return tcp == NULL || tcp->notes == NULL ? "" : tcp->notes->text;
}

const char *tern__tcp_peer(const tern__tcp *tcp)
{
  return tcp == NULL || tcp->peer == NULL ? "" : tcp->peer;
}

size_t tern__tcp_local_literal(const tern__tcp *tcp, char *out, size_t cap)
{
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  tern__sockaddr a;
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
  char number[24];

  say(tcp, tern__words_errno(error, number, sizeof number));
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
    say(tcp, "Connection closed by peer");
    return TERN_E_CLOSED;
  }
  return errno == EAGAIN || errno == EWOULDBLOCK ? TERN_E_AGAIN : broken(tcp, errno);
}

static tern_status tcp_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  tern__tcp *tcp = user;
  ssize_t n;

  if (tcp == NULL || tcp->fd < 0) return TERN_E_CLOSED;
  do n = recv(tcp->fd, octets, cap, TERN__NO_WAIT);
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

/* What became of a write. */
static tern_status gave(tern__tcp *tcp, ssize_t n, size_t *done)
{
  if (n >= 0) {
    *done = (size_t)n;
    return TERN_OK;
  }
  return errno == EAGAIN || errno == EWOULDBLOCK ? TERN_E_AGAIN : broken(tcp, errno);
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
  do n = sendmsg(tcp->fd, &m, TERN__NO_SIGNAL | TERN__NO_WAIT);
  while (n < 0 && errno == EINTR);
  return gave(tcp, n, done);
}

static tern_status tcp_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  tern__tcp *tcp = user;
  ssize_t n;

  if (tcp == NULL || tcp->fd < 0) return TERN_E_CLOSED;
  be_prompt(tcp);
  do n = send(tcp->fd, octets, len, TERN__NO_SIGNAL | TERN__NO_WAIT);
  while (n < 0 && errno == EINTR);
  return gave(tcp, n, done);
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
  drop_dialling(tcp);
  shut(tcp);
  drop_notes(tcp);
  tern__free_string(tcp->mem, tcp->peer);
  tern__free(tcp->mem, tcp, sizeof *tcp);
}
