/* mx_world.c - see mx_world.h. */
#define _GNU_SOURCE

#include "mx_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE 8192u
#define TO 16384u

struct mx_connection {
  int fd; /* -1: closed, to be taken out */
  mx_host *host;
  char in[LINE];
  size_t len;
  char to[TO]; /* recipients of the mail, joined by "," */
  unsigned accepted, mails, slow;
  int content, begun; /* begun: MAIL was accepted */
};

/* ---- names -------------------------------------------------------------------------------------------*/
static const struct {
  const char *name;
  uint32_t type;
} types[] = {{"A", 1}, {"CNAME", 5}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28}};

static uint32_t type_of(const char *name)
{
  size_t i;

  for (i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, name)) return types[i].type;
  return 0;
}

static void add_row(dns_message *reply, const char *owner, const mx_row *row)
{
  uint8_t text[256];
  size_t len = strlen(row->value);

  switch (type_of(row->type)) {
  case 1: dns_a(reply, owner, row->value); break;
  case 5: dns_cname(reply, owner, row->value); break;
  case 15:
    dns_mx(reply, owner, (uint32_t)strtoul(row->value, NULL, 10), strchr(row->value, ' ') + 1);
    break;
  case 16:
    text[0] = (uint8_t)len;
    memcpy(text + 1, row->value, len);
    dns_record(reply, DNS_ANSWER, owner, 16, 300, text, len + 1);
    break;
  default: dns_aaaa(reply, owner, row->value); break;
  }
}

/* Adds the records of that name and type, and of the names that CNAMEs lead to. Returns whether the last
 * name exists at all. */
static int add_rows(const mx_world *w, const char *name, uint32_t type, dns_message *reply, int depth)
{
  const mx_row *row;
  int exists = 0;

  for (row = w->rows; row->name; row++) {
    if (strcasecmp(row->name, name) != 0) continue;
    exists = 1;
    if (type_of(row->type) == type) add_row(reply, name, row);
    if (strcmp(row->type, "CNAME") != 0 || type == 5 || depth > 20) continue;
    add_row(reply, name, row);
    return add_rows(w, row->value, type, reply, depth + 1);
  }
  return exists;
}

static int answer(void *user, dns_server *server, const char *name, uint32_t type, int tcp,
                  const uint8_t *request, size_t len, dns_message *reply)
{
  mx_world *w = user;
  uint16_t id = (uint16_t)(request[0] << 8 | request[1]);
  uint32_t flags = DNS_GOOD | (w->secure ? DNS_AD : 0);
  const mx_row *row;

  (void)server, (void)len;
  for (row = w->rows; row->name; row++) {
    if (strcasecmp(row->name, name) != 0) continue;
    if (!strcmp(row->type, "SILENT")) return 0;
    if (strcmp(row->type, "FAIL") != 0) continue;
    dns_begin(reply, id, flags | 2, name, type);
    return 1;
  }
  dns_begin(reply, id, flags, name, type);
  if (!add_rows(w, name, type, reply, 0) && !(w->also && w->also(w, name, type, reply)))
    reply->octets[3] |= 3;
  if (!tcp && reply->len > 1200) dns_begin(reply, id, flags | DNS_TC, name, type);
  return 1;
}

/* ---- hosts -------------------------------------------------------------------------------------------*/
static int listen_at(const char *address, uint16_t port)
{
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } a;
  int six = strchr(address, ':') != NULL, on = 1;
  int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

  memset(&a, 0, sizeof a);
  a.any.sa_family = six ? AF_INET6 : AF_INET;
  *(six ? &a.v6.sin6_port : &a.v4.sin_port) = htons(port);
  inet_pton(a.any.sa_family, address, six ? (void *)&a.v6.sin6_addr : (void *)&a.v4.sin_addr);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, &a.any, six ? sizeof a.v6 : sizeof a.v4) != 0 || listen(fd, 512) != 0) {
    close(fd);
    return -1;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

int mx_host_open(mx_world *w, mx_host *host)
{
  host->fd = listen_at(host->address, w->port);
  return host->fd >= 0;
}

void mx_host_close(mx_host *host)
{
  if (host->fd >= 0) close(host->fd);
  host->fd = -1;
}

static void hang_up(mx_connection *c)
{
  if (c->fd < 0) return;
  close(c->fd);
  c->fd = -1;
  c->host->open--;
}

void mx_host_hang_up(mx_world *w, mx_host *host)
{
  size_t i;

  for (i = 0; i < w->connection_count; i++)
    if (w->connections[i].host == host) hang_up(&w->connections[i]);
}

/* A port that is free at the first host's address, then taken at all of them. */
static int open_all(mx_world *w)
{
  struct sockaddr_in a;
  socklen_t size = sizeof a;
  int tries, good = 0;
  mx_host *h;

  for (tries = 0; tries < 20 && !good; tries++) {
    w->port = 0;
    good = 1;
    for (h = w->hosts; h->address; h++) {
      good &= mx_host_open(w, h);
      if (good && !w->port && getsockname(h->fd, (struct sockaddr *)&a, &size) == 0)
        w->port = ntohs(a.sin_port);
    }
    for (h = w->hosts; !good && h->address; h++) mx_host_close(h);
  }
  return good;
}

int mx_world_start(mx_world *w, const mx_row *rows, mx_host *hosts)
{
  memset(w, 0, sizeof *w);
  w->rows = rows;
  w->hosts = hosts;
  if (!dns_server_start(&w->dns, "127.0.0.1", answer, w)) return 0;
  dns_server_name(&w->dns, w->server, sizeof w->server);
  return open_all(w);
}

void mx_world_stop(mx_world *w)
{
  mx_host *h;

  for (h = w->hosts; h->address; h++) {
    mx_host_hang_up(w, h);
    mx_host_close(h);
  }
  dns_server_stop(&w->dns);
  free(w->connections);
}

/* ---- SMTP --------------------------------------------------------------------------------------------*/
static void say(mx_connection *c, const char *text)
{
  char line[1024];
  int n = snprintf(line, sizeof line, "%s\r\n", text);

  if (n > 0) (void)send(c->fd, line, (size_t)n, MSG_NOSIGNAL);
}

/* The host's own reply, or the good one. Returns whether a good one was given. */
static int reply(mx_connection *c, const char *own, const char *good)
{
  if (own && !strcmp(own, "-"))
    hang_up(c);
  else if (!own || own[0])
    say(c, own ? own : good);
  return !own;
}

static void take_rcpt(mx_connection *c, const char *line)
{
  const char *from = strchr(line, '<'), *end = from ? strchr(from, '>') : NULL;
  size_t used = strlen(c->to);
  mx_host *h = c->host;

  h->rcpts++;
  if (!from || !end || !c->begun) {
    say(c, c->begun ? "501 5.1.3 no" : "503 5.5.1 MAIL first");
  } else if (h->grey) {
    h->grey--;
    say(c, "451 4.7.1 greylisted, come back later");
  } else if (h->most_rcpts && c->accepted == h->most_rcpts) {
    say(c, "452 4.5.3 too many recipients");
  } else if (reply(c, h->rcpt, "250 2.1.5 ok")) {
    snprintf(c->to + used, sizeof c->to - used, "%s%.*s", c->accepted ? "," : "", (int)(end - from - 1), from + 1);
    c->accepted++;
  }
}

static void note(mx_world *w, const mx_connection *c)
{
  size_t used = strlen(w->log);

  const char *number = strrchr(c->host->address, '.');

  snprintf(w->log + used, sizeof w->log - used, "%s:%s;", number ? number + 1 : c->host->address, c->to);
}

static void end_content(mx_world *w, mx_connection *c)
{
  c->content = 0;
  if (reply(c, c->host->dot, "250 2.0.0 ok")) {
    c->host->mails++;
    note(w, c);
  }
  c->to[0] = 0;
  c->mails++;
  if (c->host->most_mails && c->mails == c->host->most_mails) hang_up(c);
}

static void take_line(mx_world *w, mx_connection *c, const char *line)
{
  mx_host *h = c->host;

  if (c->content) {
    if (strcmp(line, ".") != 0) return;
    c->slow = h->slow;
    c->content = 2;
    if (!c->slow) end_content(w, c);
  } else if (!strncasecmp(line, "EHLO", 4)) {
    (void)reply(c, h->ehlo, "250-mx.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8");
  } else if (!strncasecmp(line, "MAIL", 4)) {
    c->accepted = 0;
    c->to[0] = 0;
    c->begun = reply(c, h->mail, "250 2.1.0 ok");
  } else if (!strncasecmp(line, "RCPT", 4)) {
    take_rcpt(c, line);
  } else if (!strncasecmp(line, "DATA", 4)) {
    c->content = c->accepted > 0;
    say(c, c->accepted ? "354 go" : "554 5.5.1 no recipients");
  } else if (!strncasecmp(line, "QUIT", 4)) {
    h->quits++;
    say(c, "221 2.0.0 bye");
    hang_up(c);
  } else {
    say(c, "250 2.0.0 ok");
  }
}

static void take_input(mx_world *w, mx_connection *c)
{
  ssize_t n = recv(c->fd, c->in + c->len, sizeof c->in - c->len, MSG_DONTWAIT);
  char *end;
  size_t used;

  if (n == 0) hang_up(c);
  if (n <= 0) return;
  c->len += (size_t)n;
  while (c->fd >= 0 && c->content != 2 && (end = memchr(c->in, '\n', c->len)) != NULL) {
    used = (size_t)(end + 1 - c->in);
    *end = 0;
    if (end > c->in && end[-1] == '\r') end[-1] = 0;
    take_line(w, c, c->in);
    c->len -= used;
    memmove(c->in, c->in + used, c->len);
  }
  if (c->len == sizeof c->in) c->len = 0; /* a line of content that is too long to matter */
}

static void welcome(mx_world *w, mx_host *h)
{
  size_t cap = w->connection_cap ? w->connection_cap * 2 : 64;
  mx_connection *c, *more;
  int fd;

  while (h->fd >= 0 && (fd = accept(h->fd, NULL, NULL)) >= 0) {
    if (w->connection_count == w->connection_cap) {
      more = realloc(w->connections, cap * sizeof *more);
      if (!more) abort();
      w->connections = more;
      w->connection_cap = cap;
    }
    c = &w->connections[w->connection_count++];
    memset(c, 0, sizeof *c);
    c->fd = fd;
    c->host = h;
    h->connections++;
    h->open++;
    if (h->open > h->most_open) h->most_open = h->open;
    (void)reply(c, h->greeting, "220 mx.test ESMTP");
  }
}

/* ---- turns -------------------------------------------------------------------------------------------*/
static size_t host_count(const mx_world *w)
{
  size_t n = 0;

  while (w->hosts[n].address) n++;
  return n;
}

static int wait_for(mx_world *w, int ms)
{
  size_t i, n = 0, most = 3 + host_count(w) + w->connection_count;
  struct pollfd *p = calloc(most, sizeof *p);
  int some;

  if (!p) abort();
  p[n++].fd = w->dns.udp;
  p[n++].fd = w->dns.peer >= 0 ? w->dns.peer : w->dns.tcp;
  for (i = 0; i < host_count(w); i++) p[n++].fd = w->hosts[i].fd;
  for (i = 0; i < w->connection_count; i++) p[n++].fd = w->connections[i].fd;
  for (i = 0; i < n; i++) p[i].events = POLLIN;
  some = poll(p, (nfds_t)n, ms) > 0;
  free(p);
  return some;
}

int mx_world_move(mx_world *w, int ms)
{
  size_t i, n = 0;
  int some = wait_for(w, ms);
  mx_host *h;

  dns_server_move(&w->dns);
  for (h = w->hosts; h->address; h++) welcome(w, h);
  for (i = 0; i < w->connection_count; i++) {
    mx_connection *c = &w->connections[i];
    if (c->fd >= 0 && c->content == 2 && !c->slow--) end_content(w, c);
    if (c->fd >= 0 && c->content != 2) take_input(w, c);
    if (c->fd < 0) continue;
    if (n != i) w->connections[n] = *c;
    n++;
  }
  w->connection_count = n;
  return some;
}

tern_status mx_world_run(mx_world *w, tern_delivery *d, unsigned turns)
{
  static tern_poll wants[2048];
  static struct pollfd p[2048];
  tern_status st;
  size_t i, n;
  int ms;

  while ((st = tern_delivery_step(d)) == TERN_E_AGAIN && turns--) {
    if (mx_world_move(w, 0)) continue;
    n = tern_delivery_poll(d, wants, 2048);
    if (n > 2048) abort();
    for (i = 0; i < n; i++) {
      p[i].fd = wants[i].fd;
      p[i].events = (short)((wants[i].events & TERN_READ ? POLLIN : 0) | (wants[i].events & TERN_WRITE ? POLLOUT : 0));
    }
    ms = tern_delivery_timeout(d);
    if (ms < 0 || ms > 5) ms = 5; /* the world has clocks of its own */
    (void)poll(p, (nfds_t)n, ms);
  }
  return st;
}
