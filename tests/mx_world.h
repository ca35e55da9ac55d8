/* mx_world.h - a name server and MX hosts within the test's own process, moved by the test: the zone is rows
 * of text, each host does as its fields say and counts what came. For the delivery suite and benchmark. */
#ifndef TERN_TESTS_MX_WORLD_H
#define TERN_TESTS_MX_WORLD_H

#include <tern/delivery.h>

#include "fake_dns.h"

/* type: "A", "AAAA", "CNAME", "MX" ("10 mx.test"), "TXT"; or "FAIL" (SERVFAIL to all types), "SILENT".
 * A name that no row has does not exist. name NULL ends. */
typedef struct mx_row {
  const char *name;
  const char *type;
  const char *value;
} mx_row;

/* Replies are without line end; NULL: the good one; "": silence for ever; "-": the connection is closed. */
typedef struct mx_host {
  const char *address; /* 127.0.0.x or ::1, not as the first; NULL ends */
  const char *greeting;
  const char *ehlo; /* a refusal */
  const char *mail;
  const char *rcpt;
  const char *dot;
  unsigned grey;       /* the first RCPTs, of whomever, get 451 with "greylisted" */
  unsigned most_rcpts; /* of a mail, beyond which there is 452 4.5.3; 0: no limit */
  unsigned most_mails; /* of a connection, which is closed then; 0: no limit */
  unsigned slow;       /* turns of world_move that a reply to the content takes */
  /* what happened */
  unsigned connections, open, most_open, mails, rcpts, quits;
  int fd;
} mx_host;

typedef struct mx_connection mx_connection;
typedef struct mx_world {
  dns_server dns;
  const mx_row *rows;
  /* For names without a row: writes to *reply as dns_answerer does; NULL: there are none. */
  int (*also)(struct mx_world *w, const char *name, uint32_t type, dns_message *reply);
  void *user;
  unsigned secure; /* answers bear the AD bit */
  mx_host *hosts;
  uint16_t port; /* of all hosts */
  char server[40]; /* for tern_resolver_set_server */
  mx_connection *connections;
  size_t connection_count, connection_cap;
  char log[4096]; /* "LAST-NUMBER:RCPT,RCPT;", or "::1:RCPT;", for each mail that was accepted */
} mx_world;

/* 0: failed. rows, hosts: as long as the world. */
int mx_world_start(mx_world *w, const mx_row *rows, mx_host *hosts);
/* Handles what has arrived; waits up to ms for something to arrive. Returns whether something did. */
int mx_world_move(mx_world *w, int ms);
void mx_world_stop(mx_world *w);
/* Opens the hosts' doors again after mx_host_close; hosts are all open at first. */
int mx_host_open(mx_world *w, mx_host *host);
/* Nobody listens there any more; connections stay. */
void mx_host_close(mx_host *host);
/* Closes the connections to the host that are open. */
void mx_host_hang_up(mx_world *w, mx_host *host);
/* Steps the delivery and moves the world until all mails have ended: TERN_OK; TERN_E_AGAIN: they have not
 * within so many turns. */
tern_status mx_world_run(mx_world *w, tern_delivery *d, unsigned turns);

#endif
