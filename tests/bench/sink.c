/* sink.c - a fast SMTP server that takes mail and throws it away, to measure clients against: one process, one thread, epoll.
 *
 * It checks what it takes: messages, recipients and octets are counted, and a CRC-32C over each body without its transparency
 * is added up, so that a client that sends other octets, or answers before it has read, is found out. The sums go to stdout as
 * one JSON line on SIGUSR1, and begin anew; SIGTERM and SIGINT: the same, and the end.
 *
 * sink [--listen ADDRESS] [--port N] [--tls-port N] [--cert FILE --key FILE] [--tls-max 1.2|1.3] [--no-pipelining] [--no-size]
 *      [--no-8bitmime] [--no-enhanced] [--no-chunking] [--no-smtputf8] [--no-dsn] [--no-auth] [--no-starttls] [--no-tickets]
 *      [--reject-rcpt N] (each Nth recipient of a connection gets a 550); port 0: a free one. Says {"port":N,"tls_port":N,"pid":N}.
 * sink --crc FILE: says the CRC-32C of the file.
 *
 * turns: how often the server had read all there was and answered: on an idle loopback, how often the client had to wait.
 * pipeline_violations: octets behind a command that must end its group, or behind any where PIPELINING was not offered (RFC
 * 2920 3.1); a chunk's own octets are part of its BDAT. Only what arrives in one read is seen. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crc32c.h"

#define READ_SIZE (1u << 20)
#define PART 8192u /* a command line that has not come whole; longer ones end the connection */

typedef enum state { COMMAND, DATA, CHUNK, LOGIN_USER, LOGIN_PASSWORD, PLAIN, HANDSHAKE } state;

typedef struct conn {
  int fd;
  state state;
  int esmtp, mail, rcpts;
  int want_out, close_after, greet_after_handshake;
  int line_start, after_cr;    /* within DATA */
  int chunk_last, chunk_wrong; /* within a chunk */
  uint64_t chunk_left;
  long rcpts_seen;
  uint32_t crc;
  uint64_t octets;
  SSL *ssl;
  char *out;
  size_t out_len, out_cap;
  size_t part_len;
  char part[PART];
} conn;

static struct sums {
  uint64_t sessions, tls_sessions, tls_resumed, messages, rcpts, body_bytes, crc_sum, wire_bytes,
    commands, reads, writes, turns, stuffed, bare_lf, data_messages, bdat_messages, bdat_chunks,
    auths, quits, aborted, bad_sequence, unknown, pipeline_violations, starttls_injection, rejected,
    largest;
} sum;

static struct options {
  const char *address, *cert, *key, *tls_max;
  int port, tls_port, reject_rcpt;
  int no_pipelining, no_size, no_8bitmime, no_enhanced, no_chunking, no_smtputf8, no_dsn, no_auth,
    no_starttls, no_tickets;
} opt = {.address = "127.0.0.1", .tls_max = "1.3", .tls_port = -1};

static SSL_CTX *tls;
static int loop = -1;
static char octets_in[PART + READ_SIZE];

static void die(const char *what)
{
  perror(what);
  exit(1);
}

static void print_sums(void)
{
  static const struct {
    const char *name;
    const uint64_t *value;
  } row[] = {
#define ROW(x) {#x, &sum.x}
    ROW(sessions),
    ROW(tls_sessions),
    ROW(tls_resumed),
    ROW(messages),
    ROW(rcpts),
    ROW(body_bytes),
    ROW(crc_sum),
    ROW(wire_bytes),
    ROW(commands),
    ROW(reads),
    ROW(writes),
    ROW(turns),
    ROW(stuffed),
    ROW(bare_lf),
    ROW(data_messages),
    ROW(bdat_messages),
    ROW(bdat_chunks),
    ROW(auths),
    ROW(quits),
    ROW(aborted),
    ROW(bad_sequence),
    ROW(unknown),
    ROW(pipeline_violations),
    ROW(starttls_injection),
    ROW(rejected),
    ROW(largest),
#undef ROW
  };
  struct rusage used;
  size_t i;

  getrusage(RUSAGE_SELF, &used);
  putchar('{');
  for (i = 0; i < sizeof row / sizeof *row; i++)
    printf("\"%s\":%llu,", row[i].name, (unsigned long long)*row[i].value);
  printf("\"cpu_s\":%.3f}\n", (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                                (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
  fflush(stdout);
}

/* ---- replies -------------------------------------------------------------------------------------*/

static void put(conn *c, const char *s, size_t n)
{
  if (c->out_len + n > c->out_cap) {
    c->out_cap = (c->out_len + n) * 2 + 4096;
    c->out = realloc(c->out, c->out_cap);
    if (c->out == NULL) die("realloc");
  }
  memcpy(c->out + c->out_len, s, n);
  c->out_len += n;
}

static void puts_to(conn *c, const char *s)
{
  put(c, s, strlen(s));
}

static void reply(conn *c, const char *code, const char *enhanced, const char *text)
{
  put(c, code, 3);
  put(c, " ", 1);
  if (!opt.no_enhanced && enhanced != NULL) {
    puts_to(c, enhanced);
    put(c, " ", 1);
  }
  puts_to(c, text);
  put(c, "\r\n", 2);
}

static void out_of_order(conn *c)
{
  sum.bad_sequence++;
  reply(c, "503", "5.5.1", "bad sequence");
}

static void greet(conn *c)
{
  reply(c, "220", NULL, "sink.example ESMTP");
}

/* ---- content ------------------------------------------------------------------------------------- */

static void no_content(conn *c)
{
  c->crc = CRC32C_START;
  c->octets = 0;
}

static void body(conn *c, const char *p, size_t n)
{
  c->crc = crc32c(c->crc, p, n);
  c->octets += n;
}

static void message_done(conn *c)
{
  sum.messages++;
  sum.rcpts += (uint64_t)c->rcpts;
  sum.body_bytes += c->octets;
  sum.crc_sum += (uint32_t)~c->crc;
  if (c->octets > sum.largest) sum.largest = c->octets;
  c->mail = c->rcpts = 0;
  c->state = COMMAND;
  no_content(c);
  reply(c, "250", "2.0.0", "ok");
}

/* A dot at p opens a line: 0 more octets are needed, 1 the end, 2 stuffed. */
static int dot(const char *p, const char *end)
{
  if (end - p < 2 || (end - p < 3 && p[1] == '\r')) return 0;
  return p[1] == '\r' && p[2] == '\n' ? 1 : 2;
}

/* Octets after DATA; returns how many were taken. */
static size_t take_data(conn *c, const char *b, size_t n)
{
  const char *p = b, *end = b + n, *from = b, *lf;
  int what;

  while (p < end) {
    if (c->line_start && *p == '.') {
      what = dot(p, end);
      if (what == 0) break;
      if (p > from) body(c, from, (size_t)(p - from));
      if (what == 1) {
        sum.data_messages++;
        message_done(c);
        return (size_t)(p + 3 - b);
      }
      sum.stuffed++;
      from = ++p;
      c->line_start = c->after_cr = 0;
    }
    lf = memchr(p, '\n', (size_t)(end - p));
    if (lf == NULL) {
      c->after_cr = end[-1] == '\r';
      c->line_start = 0;
      p = end;
      break;
    }
    c->line_start = lf > p ? lf[-1] == '\r' : c->after_cr;
    if (!c->line_start) sum.bare_lf++;
    c->after_cr = 0;
    p = lf + 1;
  }
  if (p > from) body(c, from, (size_t)(p - from));
  return (size_t)(p - b);
}

static size_t take_chunk(conn *c, const char *b, size_t n)
{
  if (n > c->chunk_left) n = (size_t)c->chunk_left;
  if (!c->chunk_wrong) body(c, b, n);
  c->chunk_left -= n;
  return n;
}

static void chunk_done(conn *c)
{
  c->state = COMMAND;
  if (c->chunk_wrong)
    out_of_order(c);
  else if (c->chunk_last) {
    sum.bdat_messages++;
    message_done(c);
  } else
    reply(c, "250", "2.0.0", "chunk ok");
}

/* ---- commands ------------------------------------------------------------------------------------ */

static void on_hello(conn *c, int extended)
{
  c->esmtp = 1;
  c->mail = c->rcpts = 0;
  if (!extended) {
    puts_to(c, "250 sink.example\r\n");
    return;
  }
  puts_to(c, "250-sink.example\r\n");
  if (!opt.no_pipelining) puts_to(c, "250-PIPELINING\r\n");
  if (!opt.no_size) puts_to(c, "250-SIZE 1073741824\r\n");
  if (!opt.no_8bitmime) puts_to(c, "250-8BITMIME\r\n");
  if (!opt.no_enhanced) puts_to(c, "250-ENHANCEDSTATUSCODES\r\n");
  if (!opt.no_chunking) puts_to(c, "250-CHUNKING\r\n");
  if (!opt.no_smtputf8) puts_to(c, "250-SMTPUTF8\r\n");
  if (!opt.no_dsn) puts_to(c, "250-DSN\r\n");
  if (!opt.no_starttls && tls != NULL && c->ssl == NULL) puts_to(c, "250-STARTTLS\r\n");
  if (!opt.no_auth) puts_to(c, "250-AUTH PLAIN LOGIN\r\n");
  puts_to(c, "250 HELP\r\n");
}

static void on_ehlo(conn *c, const char *s, size_t n)
{
  (void)n;
  on_hello(c, s[0] == 'E' || s[0] == 'e');
}

static void on_mail(conn *c, const char *s, size_t n)
{
  (void)s;
  (void)n;
  if (c->mail || !c->esmtp) {
    out_of_order(c);
    return;
  }
  c->mail = 1;
  c->rcpts = 0;
  no_content(c);
  reply(c, "250", "2.1.0", "ok");
}

static void on_rcpt(conn *c, const char *s, size_t n)
{
  if (!c->mail)
    out_of_order(c);
  else if (n < 10 || s[n - 1] == ':')
    reply(c, "501", "5.1.3", "bad address");
  else if (opt.reject_rcpt > 0 && ++c->rcpts_seen % opt.reject_rcpt == 0) {
    sum.rejected++;
    reply(c, "550", "5.1.1", "no such user");
  } else {
    c->rcpts++;
    reply(c, "250", "2.1.5", "ok");
  }
}

static void on_data(conn *c, const char *s, size_t n)
{
  (void)s;
  (void)n;
  if (!c->mail)
    out_of_order(c);
  else if (c->rcpts == 0)
    reply(c, "554", "5.5.1", "no valid recipients");
  else {
    c->state = DATA;
    c->line_start = 1;
    c->after_cr = 0;
    puts_to(c, "354 go ahead\r\n");
  }
}

static void on_bdat(conn *c, const char *s, size_t n)
{
  char *end;

  (void)n;
  c->chunk_left = strtoull(s + 5, &end, 10);
  while (*end == ' ') end++;
  c->chunk_last = strncasecmp(end, "LAST", 4) == 0;
  c->chunk_wrong = !c->mail || c->rcpts == 0;
  c->state = CHUNK;
  sum.bdat_chunks++;
}

static void on_rset(conn *c, const char *s, size_t n)
{
  (void)s;
  (void)n;
  c->mail = c->rcpts = 0;
  no_content(c);
  reply(c, "250", "2.0.0", "ok");
}

static void on_noop(conn *c, const char *s, size_t n)
{
  (void)s;
  (void)n;
  reply(c, "250", "2.0.0", "ok");
}

static void on_quit(conn *c, const char *s, size_t n)
{
  (void)s;
  (void)n;
  sum.quits++;
  reply(c, "221", "2.0.0", "bye");
  c->close_after = 1;
}

static void auth_done(conn *c)
{
  sum.auths++;
  c->state = COMMAND;
  reply(c, "235", "2.7.0", "ok");
}

static void on_auth(conn *c, const char *s, size_t n)
{
  int plain = strncasecmp(s + 5, "PLAIN", 5) == 0;

  if (!plain && strncasecmp(s + 5, "LOGIN", 5) != 0)
    reply(c, "504", "5.5.4", "no such mechanism");
  else if (plain && n > 11)
    auth_done(c);
  else {
    c->state = plain ? PLAIN : n > 11 ? LOGIN_PASSWORD : LOGIN_USER;
    puts_to(c, plain ? "334 \r\n" : n > 11 ? "334 UGFzc3dvcmQ6\r\n" : "334 VXNlcm5hbWU6\r\n");
  }
}

static void on_starttls(conn *c, const char *s, size_t n)
{
  (void)s;
  (void)n;
  reply(c, "220", "2.0.0", "go");
  c->state = HANDSHAKE;
}

typedef struct verb {
  const char *text;
  void (*on)(conn *c, const char *s, size_t n);
  const int *off; /* an option that takes the command away, or NULL */
  int last;       /* must end its group: RFC 2920 3.1, RFC 4954 4, RFC 3207 4 */
} verb;

/* The most frequent first. */
static const verb verbs[] = {
  {"RCPT TO:", on_rcpt, NULL, 0},
  {"MAIL FROM:", on_mail, NULL, 0},
  {"BDAT ", on_bdat, &opt.no_chunking, 0},
  {"RSET", on_rset, NULL, 0},
  {"DATA", on_data, NULL, 1},
  {"EHLO", on_ehlo, NULL, 1},
  {"HELO", on_ehlo, NULL, 1},
  {"QUIT", on_quit, NULL, 1},
  {"NOOP", on_noop, NULL, 1},
  {"AUTH ", on_auth, &opt.no_auth, 1},
  {"STARTTLS", on_starttls, &opt.no_starttls, 1},
};

/* A line without its end; `behind` octets followed it in the same read. */
static void command(conn *c, const char *s, size_t n, size_t behind)
{
  size_t i;

  sum.commands++;
  if (c->state == LOGIN_USER) {
    c->state = LOGIN_PASSWORD;
    puts_to(c, "334 UGFzc3dvcmQ6\r\n");
    return;
  }
  if (c->state != COMMAND) {
    auth_done(c);
    return;
  }
  for (i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (strncasecmp(s, verbs[i].text, strlen(verbs[i].text)) == 0) break;
  if (i == sizeof verbs / sizeof *verbs || (verbs[i].off != NULL && *verbs[i].off) ||
      (verbs[i].on == on_starttls && (tls == NULL || c->ssl != NULL))) {
    sum.unknown++;
    reply(c, "500", "5.5.2", "what?");
    return;
  }
  verbs[i].on(c, s, n);
  if (behind > 0 && c->state != CHUNK && (opt.no_pipelining || verbs[i].last))
    sum.pipeline_violations++;
  if (behind > 0 && c->state == HANDSHAKE) sum.starttls_injection++;
}

static size_t take_line(conn *c, char *b, size_t n)
{
  char *lf = memchr(b, '\n', n);
  size_t len;

  if (lf == NULL) return 0;
  len = (size_t)(lf - b);
  if (len > 0 && b[len - 1] == '\r')
    b[len - 1] = 0;
  else
    sum.bare_lf++;
  *lf = 0;
  command(c, b, strlen(b), n - len - 1);
  return len + 1;
}

/* Takes what can be taken; returns how much that was. */
static size_t consume(conn *c, char *b, size_t n)
{
  size_t at = 0, took;
  state was;

  while (at < n && !c->close_after && c->state != HANDSHAKE) {
    was = c->state;
    if (was == CHUNK)
      took = take_chunk(c, b + at, n - at);
    else if (was == DATA)
      took = take_data(c, b + at, n - at);
    else
      took = take_line(c, b + at, n - at);
    at += took;
    if (c->state == CHUNK && c->chunk_left == 0) chunk_done(c);
    if ((was == CHUNK || was == DATA) && c->state == COMMAND && at < n && opt.no_pipelining)
      sum.pipeline_violations++;
    if (took == 0) break;
  }
  return at;
}

/* ---- connections --------------------------------------------------------------------------------- */

static void drop(conn *c)
{
  if (c->ssl != NULL) {
    SSL_free(c->ssl);
    ERR_clear_error();
  }
  close(c->fd);
  free(c->out);
  free(c);
}

static void abort_conn(conn *c)
{
  sum.aborted++;
  drop(c);
}

static void want(conn *c, int out)
{
  struct epoll_event ev = {.events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.ptr = c};

  if (c->want_out == out) return;
  c->want_out = out;
  epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &ev);
}

/* 0: nothing could be written now, -1: dead. */
static ssize_t write_some(conn *c, const char *p, size_t n)
{
  ssize_t sent;
  int e;

  sum.writes++;
  if (c->ssl == NULL) {
    sent = send(c->fd, p, n, MSG_NOSIGNAL);
    return sent >= 0 ? sent : errno == EAGAIN ? 0 : -1;
  }
  sent = SSL_write(c->ssl, p, (int)n);
  if (sent > 0) return sent;
  e = SSL_get_error(c->ssl, (int)sent);
  ERR_clear_error();
  return e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* 0: all is written, 1: some is left, -1: dead. */
static int flush(conn *c)
{
  size_t at = 0;
  ssize_t sent = 1;

  while (at < c->out_len && (sent = write_some(c, c->out + at, c->out_len - at)) > 0)
    at += (size_t)sent;
  if (sent < 0) return -1;
  memmove(c->out, c->out + at, c->out_len - at);
  c->out_len -= at;
  return c->out_len > 0;
}

static void start_tls(conn *c)
{
  c->ssl = SSL_new(tls);
  if (c->ssl == NULL) die("SSL_new");
  SSL_set_fd(c->ssl, c->fd);
  c->state = HANDSHAKE;
}

/* 1: done, 0: to be continued, -1: dead. */
static int handshake(conn *c)
{
  int r = SSL_accept(c->ssl), e;

  if (r == 1) {
    c->state = COMMAND;
    c->esmtp = c->mail = c->rcpts = 0;
    sum.tls_sessions++;
    sum.tls_resumed += SSL_session_reused(c->ssl) ? 1u : 0u;
    if (c->greet_after_handshake) greet(c);
    c->greet_after_handshake = 0;
    return 1;
  }
  e = SSL_get_error(c->ssl, r);
  ERR_clear_error();
  if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) return -1;
  want(c, e == SSL_ERROR_WANT_WRITE);
  return 0;
}

/* Every record there is, so that pipelined commands are answered in one flight. 0: the end. -1: nothing now. */
static ssize_t read_records(conn *c, char *b, int *drained)
{
  size_t got = 0;
  int r = 1, e;

  while (got < READ_SIZE && (r = SSL_read(c->ssl, b + got, (int)(READ_SIZE - got))) > 0)
    got += (size_t)r;
  if (r > 0) return (ssize_t)got;
  e = SSL_get_error(c->ssl, r);
  ERR_clear_error();
  *drained = e == SSL_ERROR_WANT_READ;
  return got > 0 ? (ssize_t)got : *drained ? -1 : 0;
}

static ssize_t read_some(conn *c, char *b, int *drained)
{
  ssize_t n;

  sum.reads++;
  if (c->ssl != NULL) return read_records(c, b, drained);
  n = recv(c->fd, b, READ_SIZE, 0);
  if (n < 0) return errno == EAGAIN ? -1 : 0;
  *drained = n < (ssize_t)READ_SIZE;
  return n;
}

/* Answers; 1: go on reading, 0: not now, or the connection is gone. */
static int answer(conn *c)
{
  int r;

  if (c->out_len == 0) return 1;
  sum.turns++;
  r = flush(c);
  if (r < 0) {
    abort_conn(c);
    return 0;
  }
  if (c->close_after) {
    if (c->ssl != NULL) SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_WR);
    drop(c);
    return 0;
  }
  if (c->state == HANDSHAKE && c->ssl == NULL) {
    start_tls(c);
    return 0;
  }
  want(c, r);
  return !r;
}

static void read_and_answer(conn *c)
{
  char *b;
  size_t len, took;
  ssize_t n;
  int drained = 0;

  while (!drained) {
    b = octets_in + PART - c->part_len;
    memcpy(b, c->part, c->part_len);
    n = read_some(c, octets_in + PART, &drained);
    if (n < 0) return;
    if (n == 0) {
      if (c->mail || c->state != COMMAND) sum.aborted++;
      drop(c);
      return;
    }
    sum.wire_bytes += (uint64_t)n;
    len = c->part_len + (size_t)n;
    took = consume(c, b, len);
    c->part_len = c->state == HANDSHAKE ? 0 : len - took;
    if (c->part_len > PART) {
      abort_conn(c);
      return;
    }
    memcpy(c->part, b + took, c->part_len);
    if (!answer(c)) return;
  }
}

static void on_event(conn *c)
{
  int r;

  if (c->state == HANDSHAKE) {
    r = handshake(c);
    if (r < 0) abort_conn(c);
    if (r <= 0) return;
  }
  if (c->out_len > 0) {
    r = flush(c);
    if (r < 0) {
      abort_conn(c);
      return;
    }
    want(c, r);
    if (r) return; /* no more is read until the client reads */
  }
  read_and_answer(c);
}

static void take_in(int listener, int implicit)
{
  struct epoll_event ev = {.events = EPOLLIN};
  int fd, one = 1;
  conn *c;

  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c = malloc(sizeof *c);
    if (c == NULL) die("malloc");
    memset(c, 0, offsetof(conn, part));
    c->fd = fd;
    no_content(c);
    sum.sessions++;
    ev.data.ptr = c;
    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &ev);
    if (implicit) {
      start_tls(c);
      c->greet_after_handshake = 1;
      continue;
    }
    greet(c);
    if (flush(c) < 0) drop(c);
  }
}

/* ---- the frame ----------------------------------------------------------------------------------- */

static int listener(int port, int *got)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  socklen_t len = sizeof to;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

  inet_pton(AF_INET, opt.address, &to.sin_addr);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (void *)&to, sizeof to) != 0 || listen(fd, 4096) != 0) die("bind");
  getsockname(fd, (void *)&to, &len);
  *got = ntohs(to.sin_port);
  return fd;
}

static void prepare_tls(void)
{
  if (opt.cert == NULL) return;
  tls = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(tls, opt.cert) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls, opt.key != NULL ? opt.key : opt.cert, SSL_FILETYPE_PEM) !=
        1) {
    ERR_print_errors_fp(stderr);
    exit(1);
  }
  SSL_CTX_set_max_proto_version(tls,
                                strcmp(opt.tls_max, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_id_context(tls, (const unsigned char *)"sink", 4);
  SSL_CTX_set_read_ahead(tls, 1);
  SSL_CTX_set_default_read_buffer_len(tls, 1 << 17);
  if (opt.no_tickets) {
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(tls, 0);
  }
}

static int parse(int argc, char **argv)
{
  const struct {
    const char *name;
    const char **text;
    int *number, *on;
  } known[] = {
    {"--listen", &opt.address, NULL, NULL},
    {"--cert", &opt.cert, NULL, NULL},
    {"--key", &opt.key, NULL, NULL},
    {"--tls-max", &opt.tls_max, NULL, NULL},
    {"--port", NULL, &opt.port, NULL},
    {"--tls-port", NULL, &opt.tls_port, NULL},
    {"--reject-rcpt", NULL, &opt.reject_rcpt, NULL},
    {"--no-pipelining", NULL, NULL, &opt.no_pipelining},
    {"--no-size", NULL, NULL, &opt.no_size},
    {"--no-8bitmime", NULL, NULL, &opt.no_8bitmime},
    {"--no-enhanced", NULL, NULL, &opt.no_enhanced},
    {"--no-chunking", NULL, NULL, &opt.no_chunking},
    {"--no-smtputf8", NULL, NULL, &opt.no_smtputf8},
    {"--no-dsn", NULL, NULL, &opt.no_dsn},
    {"--no-auth", NULL, NULL, &opt.no_auth},
    {"--no-starttls", NULL, NULL, &opt.no_starttls},
    {"--no-tickets", NULL, NULL, &opt.no_tickets},
  };
  const size_t count = sizeof known / sizeof *known;
  size_t k;
  int i;

  for (i = 1; i < argc; i++) {
    for (k = 0; k < count && strcmp(argv[i], known[k].name) != 0; k++) continue;
    if (k == count || (known[k].on == NULL && i + 1 == argc)) {
      fprintf(stderr, "sink: %s?\n", argv[i]);
      return 64;
    }
    if (known[k].on != NULL)
      *known[k].on = 1;
    else if (known[k].number != NULL)
      *known[k].number = (int)strtol(argv[++i], NULL, 10);
    else
      *known[k].text = argv[++i];
  }
  return 0;
}

static int crc_of(const char *path)
{
  uint32_t crc = CRC32C_START;
  ssize_t n;
  int fd = open(path, O_RDONLY);

  if (fd < 0) die(path);
  while ((n = read(fd, octets_in, sizeof octets_in)) > 0) crc = crc32c(crc, octets_in, (size_t)n);
  if (n < 0) die(path);
  close(fd);
  printf("%lu\n", (unsigned long)(uint32_t)~crc);
  return 0;
}

static int signals(void)
{
  sigset_t set;

  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* 1: end. */
static int on_signal(int fd)
{
  struct signalfd_siginfo s;

  while (read(fd, &s, sizeof s) == (ssize_t)sizeof s) {
    print_sums();
    memset(&sum, 0, sizeof sum);
    if (s.ssi_signo != SIGUSR1) return 1;
  }
  return 0;
}

static void watch(int *fd)
{
  struct epoll_event ev = {.events = EPOLLIN, .data.ptr = fd};

  if (*fd >= 0) epoll_ctl(loop, EPOLL_CTL_ADD, *fd, &ev);
}

int main(int argc, char **argv)
{
  struct epoll_event event[256];
  int sig, clear, implicit = -1, port = 0, tls_port = 0, n, i;
  void *who;

  crc32c_init();
  if (argc == 3 && strcmp(argv[1], "--crc") == 0) return crc_of(argv[2]);
  if (parse(argc, argv) != 0) return 64;
  prepare_tls();
  sig = signals();
  loop = epoll_create1(EPOLL_CLOEXEC);
  clear = listener(opt.port, &port);
  if (opt.tls_port >= 0 && tls != NULL) implicit = listener(opt.tls_port, &tls_port);
  watch(&sig);
  watch(&clear);
  watch(&implicit);
  printf("{\"port\":%d,\"tls_port\":%d,\"pid\":%ld}\n", port, tls_port, (long)getpid());
  fflush(stdout);
  for (;;) {
    n = epoll_wait(loop, event, 256, -1);
    for (i = 0; i < n; i++) {
      who = event[i].data.ptr;
      if (who == &sig) {
        if (on_signal(sig)) return 0;
      } else if (who == &clear || who == &implicit)
        take_in(*(int *)who, who == &implicit);
      else
        on_event(who);
    }
  }
}
