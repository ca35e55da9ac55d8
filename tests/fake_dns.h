/* fake_dns.h - DNS messages made by hand, and a name server on loopback that the test moves: what
 * it answers is a table of the test's. Shared by the resolve suites. */
#ifndef TERN_TESTS_FAKE_DNS_H
#define TERN_TESTS_FAKE_DNS_H

#include <stddef.h>
#include <stdint.h>

typedef struct dns_message {
  uint8_t octets[65536];
  size_t len;
} dns_message;

#define DNS_QR 0x8000u
#define DNS_AA 0x0400u
#define DNS_TC 0x0200u
#define DNS_RD 0x0100u
#define DNS_RA 0x0080u
#define DNS_AD 0x0020u
#define DNS_CD 0x0010u
#define DNS_GOOD (DNS_QR | DNS_RD | DNS_RA)

enum dns_section { DNS_ANSWER = 1, DNS_AUTHORITY, DNS_ADDITIONAL };

/* A header with these flags (rcode in the lowest bits), and the question unless name is NULL. */
void dns_begin(dns_message *m, uint16_t id, uint32_t flags, const char *name, uint32_t type);
/* A record; its section's count grows. rdata_len may lie: see dns_record_lying. */
void dns_record(dns_message *m, enum dns_section section, const char *owner, uint32_t type,
                uint32_t ttl, const void *rdata, size_t rdata_len);
/* The same, with another length said than the octets that follow. */
void dns_record_lying(dns_message *m, enum dns_section section, const char *owner, uint32_t type,
                      const void *rdata, size_t rdata_len, size_t said);
void dns_a(dns_message *m, const char *owner, const char *address);
void dns_aaaa(dns_message *m, const char *owner, const char *address);
void dns_cname(dns_message *m, const char *owner, const char *target);
void dns_mx(dns_message *m, const char *owner, uint32_t preference, const char *exchange);
/* Writes name in wire form, uncompressed; "." is the root. Returns its length. */
size_t dns_name(uint8_t *out, const char *name);

/* ---- the server -------------------------------------------------------------------------------*/

/* Makes the reply to the question name type (cut from request) over UDP or TCP. Returns how often it
 * is to be sent, 0: silence; TCP only: DNS_CUT: half of it, then the connection is closed. */
#define DNS_CUT (-1)
typedef struct dns_server dns_server;
typedef int (*dns_answerer)(void *user, dns_server *server, const char *name, uint32_t type,
                            int tcp, const uint8_t *request, size_t len, dns_message *reply);

struct dns_server {
  int udp, tcp, peer; /* peer: the TCP connection that is open, or -1 */
  uint16_t port;
  unsigned asked; /* questions that arrived */
  unsigned asked_tcp;
  dns_answerer answer;
  void *user;
  uint8_t in[4096];
  size_t in_len;
  dns_message reply;
};

/* On 127.0.0.1 (or address), UDP and TCP at the same free port. 0: failed. */
int dns_server_start(dns_server *server, const char *address, dns_answerer answer, void *user);
/* Handles what has arrived, without waiting. */
void dns_server_move(dns_server *server);
void dns_server_stop(dns_server *server);
/* "127.0.0.1:PORT" */
const char *dns_server_name(const dns_server *server, char *out, size_t cap);

#endif
