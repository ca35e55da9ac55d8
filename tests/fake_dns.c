/* fake_dns.c - see fake_dns.h. */
#define _DEFAULT_SOURCE

#include "fake_dns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- messages ---------------------------------------------------------------------------------*/

static void put16(dns_message *m, uint32_t value)
{
  m->octets[m->len++] = (uint8_t)(value >> 8);
  m->octets[m->len++] = (uint8_t)value;
}

static void grow(dns_message *m, size_t at)
{
  uint32_t n = ((uint32_t)m->octets[at] << 8 | m->octets[at + 1]) + 1;

  m->octets[at] = (uint8_t)(n >> 8);
  m->octets[at + 1] = (uint8_t)n;
}

size_t dns_name(uint8_t *out, const char *name)
{
  size_t n = 0, label;

  if (strcmp(name, ".") == 0) name = "";
  while (*name != 0) {
    label = strcspn(name, ".");
    out[n++] = (uint8_t)label;
    memcpy(out + n, name, label);
    n += label;
    name += label + (name[label] == '.');
  }
  out[n++] = 0;
  return n;
}

void dns_begin(dns_message *m, uint16_t id, uint32_t flags, const char *name, uint32_t type)
{
  memset(m->octets, 0, 12);
  m->len = 0;
  put16(m, id);
  put16(m, flags);
  m->len = 12;
  if (name == NULL) return;
  m->octets[5] = 1;
  m->len += dns_name(m->octets + m->len, name);
  put16(m, type);
  put16(m, 1);
}

void dns_record_lying(dns_message *m, enum dns_section section, const char *owner, uint32_t type,
                      const void *rdata, size_t rdata_len, size_t said)
{
  m->len += dns_name(m->octets + m->len, owner);
  put16(m, type);
  put16(m, 1);
  put16(m, 0);
  put16(m, 300);
  put16(m, (uint32_t)said);
  memcpy(m->octets + m->len, rdata, rdata_len);
  m->len += rdata_len;
  grow(m, 4 + 2 * (size_t)section);
}

void dns_record(dns_message *m, enum dns_section section, const char *owner, uint32_t type,
                uint32_t ttl, const void *rdata, size_t rdata_len)
{
  size_t at = m->len;
  uint8_t name[300];

  dns_record_lying(m, section, owner, type, rdata, rdata_len, rdata_len);
  at += dns_name(name, owner) + 4;
  m->octets[at] = (uint8_t)(ttl >> 24);
  m->octets[at + 1] = (uint8_t)(ttl >> 16);
  m->octets[at + 2] = (uint8_t)(ttl >> 8);
  m->octets[at + 3] = (uint8_t)ttl;
}

void dns_a(dns_message *m, const char *owner, const char *address)
{
  struct in_addr a;

  inet_pton(AF_INET, address, &a);
  dns_record(m, DNS_ANSWER, owner, 1, 300, &a, 4);
}

void dns_aaaa(dns_message *m, const char *owner, const char *address)
{
  struct in6_addr a;

  inet_pton(AF_INET6, address, &a);
  dns_record(m, DNS_ANSWER, owner, 28, 300, &a, 16);
}

void dns_cname(dns_message *m, const char *owner, const char *target)
{
  uint8_t rdata[300];

  dns_record(m, DNS_ANSWER, owner, 5, 300, rdata, dns_name(rdata, target));
}

void dns_mx(dns_message *m, const char *owner, uint32_t preference, const char *exchange)
{
  uint8_t rdata[300];

  rdata[0] = (uint8_t)(preference >> 8);
  rdata[1] = (uint8_t)preference;
  dns_record(m, DNS_ANSWER, owner, 15, 300, rdata, 2 + dns_name(rdata + 2, exchange));
}

/* ---- the server -------------------------------------------------------------------------------*/

int dns_server_start(dns_server *server, const char *address, dns_answerer answer, void *user)
{
  struct sockaddr_in a;
  socklen_t size = sizeof a;
  int tries, on = 1;

  memset(server, 0, sizeof *server);
  server->peer = -1;
  server->answer = answer;
  server->user = user;
  for (tries = 0; tries < 20; tries++) { /* a port that both protocols have free */
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    inet_pton(AF_INET, address, &a.sin_addr);
    server->udp = socket(AF_INET, SOCK_DGRAM, 0);
    server->tcp = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(server->tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server->udp, (struct sockaddr *)&a, sizeof a) == 0 &&
        getsockname(server->udp, (struct sockaddr *)&a, &size) == 0 &&
        bind(server->tcp, (struct sockaddr *)&a, sizeof a) == 0 && listen(server->tcp, 8) == 0) {
      fcntl(server->udp, F_SETFL, O_NONBLOCK);
      fcntl(server->tcp, F_SETFL, O_NONBLOCK);
      server->port = ntohs(a.sin_port);
      return 1;
    }
    close(server->udp);
    close(server->tcp);
  }
  return 0;
}

const char *dns_server_name(const dns_server *server, char *out, size_t cap)
{
  snprintf(out, cap, "127.0.0.1:%u", (unsigned)server->port);
  return out;
}

/* The question's name as text, and its type; 0: none. */
static int question(const uint8_t *request, size_t len, char *name, uint32_t *type)
{
  size_t i = 12, n = 0;

  while (i < len && request[i] != 0 && n + request[i] + 1u < 256) {
    memcpy(name + n, request + i + 1, request[i]);
    n += request[i];
    name[n++] = '.';
    i += request[i] + 1u;
  }
  if (i + 4 >= len) return 0;
  name[n > 0 ? n - 1 : 0] = 0;
  *type = (uint32_t)request[i + 1] << 8 | request[i + 2];
  return 1;
}

static int ask(dns_server *server, int tcp, const uint8_t *request, size_t len)
{
  char name[256];
  uint32_t type;

  server->asked++;
  server->asked_tcp += tcp != 0;
  if (!question(request, len, name, &type)) return 0;
  return server->answer(server->user, server, name, type, tcp, request, len, &server->reply);
}

static void move_udp(dns_server *server)
{
  uint8_t request[1024];
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  ssize_t n;

  while ((n = recvfrom(server->udp, request, sizeof request, 0, (struct sockaddr *)&from, &size)) >
         0) {
    int times = ask(server, 0, request, (size_t)n);

    while (times-- > 0)
      sendto(server->udp, server->reply.octets, server->reply.len, 0, (struct sockaddr *)&from,
             size);
  }
}

static void move_tcp(dns_server *server)
{
  ssize_t n;
  size_t need;
  uint8_t head[2];
  int times;

  if (server->peer < 0) {
    server->peer = accept(server->tcp, NULL, NULL);
    if (server->peer < 0) return;
    fcntl(server->peer, F_SETFL, O_NONBLOCK);
    server->in_len = 0;
  }
  n = recv(server->peer, server->in + server->in_len, sizeof server->in - server->in_len, 0);
  if (n > 0) server->in_len += (size_t)n;
  need = server->in_len < 2 ? 2 : 2 + ((size_t)server->in[0] << 8 | server->in[1]);
  if (n == 0) {
    close(server->peer);
    server->peer = -1;
  } else if (server->in_len >= need && need > 2) {
    times = ask(server, 1, server->in + 2, need - 2);
    head[0] = (uint8_t)(server->reply.len >> 8);
    head[1] = (uint8_t)server->reply.len;
    server->in_len = 0;
    if (times != 0) {
      send(server->peer, head, 2, MSG_NOSIGNAL);
      send(server->peer, server->reply.octets, server->reply.len / (times == DNS_CUT ? 2 : 1),
           MSG_NOSIGNAL);
    }
    if (times == DNS_CUT) {
      close(server->peer);
      server->peer = -1;
    }
  }
}

void dns_server_move(dns_server *server)
{
  move_udp(server);
  move_tcp(server);
}

void dns_server_stop(dns_server *server)
{
  close(server->udp);
  close(server->tcp);
  if (server->peer >= 0) close(server->peer);
}
