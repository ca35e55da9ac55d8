/* delivery.h - what a tern_delivery is inside, shared by the files that move it:
 *   settings.c  what it was told
 *   delivery.c  sending, stepping, waiting; mails in and out
 *   watch.c     sockets and deadlines: who can move
 *   mxhost.c    one host: its addresses and TLSA records
 *   hop.c       one domain: its hosts, its policy
 *   lane.c      one connection: a client under one plan, kept for the next mail
 *   job.c       one mail: its recipients by domain, beginning and end
 *   walk.c      host after host
 *   child.c     the mail of one try
 *   tell.c      the report */
#ifndef TERN_LIB_DELIVERY_DELIVERY_H
#define TERN_LIB_DELIVERY_DELIVERY_H

#include <poll.h>
#include <tern/delivery.h>

#include "client/mail.h"
#include "delivery/policy.h"
#include "delivery/report.h"
#include "delivery/route.h"
#include "delivery/sts_cache.h"
#include "delivery/sts_fetch.h"
#include "delivery/texts.h"
#include "resolve/query.h"

#define TERN__HOST_ADDRESSES 16u
#define TERN__QUERIES_MAX 64u    /* under way at a time */
#define TERN__FETCHES_MAX 16u    /* of MTA-STS policies, the same */
#define TERN__KEPT_MAX 4096u     /* hosts, and hops, that are of no use now */
#define TERN__BUCKETS 256u       /* of hosts and hops, by name */
#define TERN__KEEP_MOST 300000u  /* ms that an answer is kept, whatever its TTL */
#define TERN__KEEP_LEAST 5000u
#define TERN__TRIES_MAX 16u      /* addresses that one domain's recipients are tried at in one send */

typedef struct tern__ask tern__ask;
struct tern__ask {
  tern__ask *next; /* of those under way */
  tern__ask **at;  /* what points here; NULL: it is none of them */
  tern__dns_query *q; /* NULL: not asked, or closed */
  tern_status ended;  /* TERN_E_AGAIN: not yet */
  uint8_t ready;
};

typedef struct tern__host_address {
  uint8_t octets[16];
  uint8_t len; /* 4 or 16 */
  uint32_t lanes;
  uint64_t dead_until; /* it did not accept a connection; 0: never so */
  tern_status dead_status;
} tern__host_address;

/* Steps of a look-up. */
#define TERN__NEW 0u
#define TERN__ASKING 1u
#define TERN__ASKING_AGAIN 2u /* TLSA: at the host's own name */
#define TERN__ASKING_ALIAS 3u /* TLSA: whether the alias itself is secure */
#define TERN__DONE 4u

typedef struct tern__mxhost tern__mxhost;
struct tern__mxhost {
  tern__mxhost *next; /* in its bucket */
  char *name;
  uint32_t users;
  uint32_t waiting; /* parts that wait for a lane to it */
  uint64_t expires;
  uint8_t addresses_state;
  uint8_t dane_state;
  uint8_t secure;   /* its addresses came by a secure answer */
  uint8_t alias;    /* a CNAME stood there */
  uint8_t private_left_out;
  uint8_t literal;
  tern__ask a;
  tern__ask aaaa;
  tern__ask tlsa;
  tern_status status; /* of the addresses */
  char detail[200];
  char canonical[TERN__DNS_NAME];
  uint32_t count;
  tern__host_address addresses[TERN__HOST_ADDRESSES];
  uint32_t dane; /* TERN__DANE_... */
  char dane_detail[200];
  char *tlsa_base; /* name or canonical: first of the reference names */
  tern_tlsa *records;
  size_t record_count;
  size_t records_size;
  char *tlsa_text; /* "3 1 1 abcd..." lines, for TLS reports */
};

typedef struct tern__rule tern__rule;
struct tern__rule {
  tern__rule *next;
  char *domain;
  char *value; /* a route's URL, or the match of a policy; or NULL */
  char *name;  /* the URL without its user, for the report; or NULL */
  uint32_t policy;
};

/* Steps of MTA-STS. */
#define TERN__STS_NEW 0u
#define TERN__STS_TXT 1u
#define TERN__STS_TURN 2u
#define TERN__STS_ADDRESS 3u
#define TERN__STS_FETCH 4u
#define TERN__STS_DONE 5u

typedef struct tern__hop tern__hop;
struct tern__hop {
  tern__hop *next; /* in its bucket */
  char *domain;
  uint32_t kind; /* TERN__DOMAIN_... */
  uint32_t users;
  uint32_t lanes;
  uint32_t waiting; /* parts that wait for a lane of the route */
  uint64_t expires;
  const tern__rule *route; /* a URL instead of MX hosts */
  uint32_t choice;         /* TERN_POLICY_... */
  char *match;
  uint8_t mx_state;
  uint8_t sts_state;
  uint8_t implicit;
  uint8_t mx_secure;
  tern__ask mx_ask;
  tern_status status;
  char detail[200];
  tern__texts texts;
  tern__mx *mx;
  size_t mx_count;
  size_t mx_cap;
  tern__mxhost **hosts; /* as many, filled as they are come to */
  /* MTA-STS */
  tern__ask txt;
  tern__ask sts_a;
  tern__ask sts_aaaa;
  tern__hop *fetch_next;  /* of those that fetch */
  tern__hop **fetch_at;   /* as in tern__ask */
  tern__sts_fetch *fetch;
  uint8_t fetch_ready;
  uint64_t fetch_again; /* the caller's fetch said TERN_E_AGAIN */
  char sts_id[TERN__STS_ID_MAX];
  char *sts_text;
  size_t sts_len;
  tern__sts_policy *sts; /* NULL: none */
  char *sts_lines;       /* the policy's lines, for TLS reports */
  char *sts_mx;
  uint32_t sts_result; /* TERN_TLSRPT_... of getting it */
  tern_status sts_status;
};

typedef struct tern__part tern__part;
typedef struct tern__job tern__job;

typedef struct tern__lane tern__lane;
struct tern__lane {
  tern__lane *next;
  tern_client *client;
  tern__part *part; /* NULL: idle */
  tern__hop *hop;   /* for whose limit it counts */
  tern__mxhost *host; /* NULL: a route */
  uint32_t address;
  uint32_t other;   /* the one that races with it; meaningful with pair */
  struct tern__pair *pair; /* NULL: one address alone */
  const tern__rule *route;
  tern__policy_plan plan;
  char name[TERN__DOMAIN_MAX]; /* plan.name points here */
  uint32_t requiretls;
  uint32_t mails;
  uint64_t idle_until;
  uint8_t ready;
  uint8_t idle; /* connected, without a part */
  uint8_t leaving;
  uint8_t told; /* of the race of the pair */
};

#define TERN__PART_LOOKUP 0u
#define TERN__PART_JOIN 1u  /* waits for the other domains of the mail */
#define TERN__PART_HOST 2u  /* at host number `host` */
#define TERN__PART_LANE 3u  /* plan made: waits for a connection to address number `address` */
#define TERN__PART_SENDING 4u
#define TERN__PART_DONE 5u

struct tern__part {
  tern__part *next; /* of the job */
  tern__part *same_bucket; /* while the job is made */
  tern__job *job;
  tern__hop *hop;
  uint32_t *rcpts; /* indexes in the mail */
  uint32_t count;
  uint32_t cap;
  uint32_t state;
  size_t host;
  uint32_t address; /* the first that is not gone; count of the host's: none is left */
  uint32_t gone;    /* bit i: address i of the host was tried, or passed over */
  uint32_t tries;
  tern__policy_plan plan;
  tern__lane *lane;
  tern_mail *child;
  uint64_t began; /* wall clock of this attempt */
  uint8_t reused;
  uint8_t waits;  /* is counted in `waiting` */
  uint8_t retold; /* the failure to get the STS policy is in the report */
};

struct tern__job {
  tern__job *next;
  tern_mail *mail;
  tern_history *report;
  tern__part *parts;
  uint8_t *settled; /* per recipient: nothing more is to be done */
  uint64_t due;
  tern__part *source_user; /* who reads the content's source now */
  uint32_t requiretls;
  uint32_t domains_left; /* whose look-up is not over */
};

typedef struct tern__watched {
  uint8_t *ready;
  uint64_t due;
} tern__watched;

struct tern_delivery {
  const tern_allocator *mem;
  /* settings */
  uint8_t blocking;
  uint8_t private_set;
  uint8_t allow_private;
  uint8_t join;
  uint32_t port;
  char *ehlo_name;
  char *ca;
  tern__rule *own_names;
  tern__rule *routes;
  tern__rule *policies;
  tern_status (*choose)(void *user, const char *domain, uint32_t *policy, const char **match);
  void *choose_user;
  tern_resolver *resolver; /* the caller's, or ours once it is needed */
  tern_resolver *own_resolver;
  uint32_t timeout[TERN_PHASES];
  uint32_t timeout_set;
  uint32_t total;
  uint32_t mask;
  tern_trace trace;
  void *trace_user;
  uint32_t max_lanes;
  uint32_t max_address;
  uint32_t max_domain;
  uint32_t dead_time;
  uint32_t idle_time;
  tern__random_fn *random;
  void *random_user;
  tern__sts_cache memory;
  const tern_sts_cache *cache; /* NULL: memory */
  void *cache_user;
  tern_status (*fetch)(void *user, const char *domain, char *out, size_t cap, size_t *len);
  void *fetch_user;
  tern_error error;
  /* state */
  char *host_name; /* the host's own, for the loop rule; "" none */
  tern__trust *trust; /* for policy hosts */
  tern_status trust_status;
  uint8_t trust_tried;
  uint8_t stepping;
  uint8_t more; /* the last step ended before its work did */
  uint8_t blind; /* no memory to watch: all are taken for ready */
  volatile uint32_t cancel;
  uint64_t now;
  tern__ask *asks; /* that are under way */
  uint32_t queries;
  tern__hop *fetching;
  uint32_t fetches;
  uint32_t host_count;
  uint32_t hop_count;
  uint64_t sweep_due;
  uint64_t job_due; /* of the soonest total */
  uint8_t wake; /* something has ended that a part may wait for */
  uint32_t swept; /* how many hosts and hops were left by the last one */
  uint32_t lane_count;
  uint32_t idle_count;
  tern__mxhost *hosts[TERN__BUCKETS];
  tern__hop *hops[TERN__BUCKETS];
  tern__lane *lanes;
  tern__job *jobs;
  tern_mail *finished; /* by next */
  struct pollfd *polls;
  tern__watched *watched;
  size_t watch_count;
  size_t watch_cap;
  uint64_t due; /* of the soonest */
};

/* ---- settings.c ----------------------------------------------------------------------------------*/
const tern__rule *tern__rule_for(const tern__rule *rules, const char *domain);
/* Whether name is one of ours (a tern__own_fn; user is the delivery). */
int tern__delivery_own(void *user, const char *name);
int tern__delivery_private_ok(const tern_delivery *d);
void tern__rules_free(const tern_allocator *mem, tern__rule *rules);

/* ---- watch.c -------------------------------------------------------------------------------------*/
uint32_t tern__bucket(const char *name);
/* Seconds since 1970. */
uint64_t tern__wall(void);
/* Finds out who can move, without waiting. */
void tern__watch_read(tern_delivery *d);
/* Notes anew what is waited for. */
void tern__watch_write(tern_delivery *d);
/* Adds one handle to it. */
void tern__watch_add(tern_delivery *d, int32_t handle, uint32_t events, uint64_t due, uint8_t *ready);

/* The caller's, or ours with the host's settings; NULL: no memory. */
tern_resolver *tern__delivery_resolver(tern_delivery *d);
/* Asks; 1: asked (or over at once: tern__ask_step tells), 0: too many questions are under way.
 * TERN_E_NOMEM makes it over without an answer. */
int tern__ask_open(tern_delivery *d, tern__ask *ask, const char *name, uint32_t type);
/* TERN_E_AGAIN, or the end as of tern__dns_query_step. */
tern_status tern__ask_step(tern_delivery *d, tern__ask *ask);
const tern__dns_answer *tern__ask_answer(const tern__ask *ask);
const char *tern__ask_detail(const tern__ask *ask);
void tern__ask_close(tern_delivery *d, tern__ask *ask);

/* ---- mxhost.c ------------------------------------------------------------------------------------*/
/* The host of that name, one more user of it; NULL: no memory. literal: the name is its address. */
tern__mxhost *tern__mxhost_take(tern_delivery *d, const char *name, uint32_t literal);
void tern__mxhost_give(tern__mxhost *host);
/* Moves its look-ups on, TLSA among them where dane is 1. 1: all that was asked for is there. */
int tern__mxhost_ready(tern_delivery *d, tern__mxhost *host, uint32_t dane);
/* Frees those that are of no use any more; all with everything 1. */
void tern__mxhosts_sweep(tern_delivery *d, uint32_t everything);

/* ---- hop.c ---------------------------------------------------------------------------------------*/
tern__hop *tern__hop_take(tern_delivery *d, const char *domain, uint32_t kind);
void tern__hop_give(tern_delivery *d, tern__hop *hop);
/* Moves its look-ups on. 1: they are over. */
int tern__hop_ready(tern_delivery *d, tern__hop *hop);
void tern__hops_sweep(tern_delivery *d, uint32_t everything);
/* TERN__STS_ABSENT ... of policy.h, for one of its hosts. */
uint32_t tern__hop_sts(const tern__hop *hop, const char *host);

/* ---- sts_policy.c --------------------------------------------------------------------------------*/
/* Moves MTA-STS of the domain on. 1: it is over. */
int tern__hop_sts_ready(tern_delivery *d, tern__hop *hop);
/* Ends what it has under way. */
void tern__hop_sts_stop(tern_delivery *d, tern__hop *hop);
/* Watches those that fetch. */
void tern__sts_watch(tern_delivery *d);

/* ---- lane.c --------------------------------------------------------------------------------------*/
/* A connection for the part's plan: an idle one, or a new one that connects. NULL with *status:
 * TERN_E_AGAIN: the limits are reached; else why none can be had. */
tern__lane *tern__lane_get(tern_delivery *d, tern__part *part, tern_status *status);
/* Moves all lanes on; those whose mail has ended are given to tern__walk_ended. 1: something moved. */
int tern__lanes_step(tern_delivery *d);
void tern__lanes_watch(tern_delivery *d);
/* Says QUIT on the idle ones. */
void tern__lanes_quit(tern_delivery *d);
void tern__lane_free(tern_delivery *d, tern__lane *lane);

/* ---- job.c ---------------------------------------------------------------------------------------*/
/* Begins a mail; earlier may be NULL. TERN_OK, or it has ended so. */
tern_status tern__job_begin(tern_delivery *d, tern_mail *mail, const tern_history *earlier);
/* Moves the recipients of later parts to earlier ones with the same hosts. */
void tern__job_join(tern_delivery *d, tern__job *job);
/* All parts are done: the mail has its outcome, and the report is its own. Frees the job. */
void tern__job_end(tern_delivery *d, tern__job *job);

/* ---- child.c -------------------------------------------------------------------------------------*/
/* A mail of the part's own, with its recipients that are open and the content of the job's mail. NULL: no
 * memory. */
tern_mail *tern__child_new(tern_delivery *d, const tern__part *part);

/* ---- walk.c --------------------------------------------------------------------------------------*/
/* Moves all mails on. 1: something moved. */
int tern__walk_step(tern_delivery *d);
/* The part's mail has ended on its lane. */
void tern__walk_ended(tern_delivery *d, tern__lane *lane);
/* The race of the lane's pair is over. */
void tern__walk_raced(tern_delivery *d, tern__lane *lane);
void tern__walk_cancel(tern_delivery *d, tern__job *job, tern_status status);
void tern__walk_watch(tern_delivery *d);

/* ---- tell.c: the report of a walk ----------------------------------------------------------------*/
/* Notes an attempt that reached no host, for error, and settles nothing. Returns its index. */
uint32_t tern__tell_unconnected(tern_delivery *d, tern__part *part, const char *host,
                                const tern_error *error);
/* Notes that an address of the host lost the race because no connection came about. */
uint32_t tern__tell_lost(tern_delivery *d, tern__part *part, const tern__mxhost *host,
                         uint32_t address, const tern_error *error);
/* Notes what the part's lane did. */
uint32_t tern__tell_sent(tern_delivery *d, tern__part *part, const tern_error *error);
/* Notes once that the domain's MTA-STS policy could not be had. */
void tern__tell_sts(tern_delivery *d, tern__part *part);
/* Fills in what the recipients came to, and when to try again. */
void tern__tell_end(tern_delivery *d, tern__job *job);

#endif
