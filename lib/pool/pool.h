/* pool.h - what a tern_pool is inside, shared by its files:
 *   pool.c      the pool as its caller sees it: settings, mails in and out, steps
 *   order.c     hosts, routes and flows: whose turn it is, and what the limits allow
 *   session.c   one connection: opening, mails on it, its end
 *   inbox.c     mails from other threads
 *   loop.c      handles and times;  list.c  rings
 * A mail waits in the flow of its submitter and URL; flows with mails stand in a ring at their host;
 * hosts that may have something to do stand in a ring at the pool. A URL's route knows the connections
 * that were made for it, and no other may take its mails. */
#ifndef TERN_LIB_POOL_POOL_H
#define TERN_LIB_POOL_POOL_H

#include <tern/pool.h>

#include "client/client.h"
#include "pool/list.h"
#include "pool/loop.h"

#define TERN__POOL_BUCKETS 256u

/* Timers' kinds. */
#define TERN__RING_MAIL 1u
#define TERN__RING_SESSION 2u
#define TERN__RING_HOST 3u

typedef struct tern__pool_host tern__pool_host;
typedef struct tern__pool_route tern__pool_route;
typedef struct tern__pool_flow tern__pool_flow;
typedef struct tern__pool_session tern__pool_session;

/* A server: one host and port, or a path. */
struct tern__pool_host {
  tern__pool_host *next; /* in its bucket */
  char *name;
  uint32_t users; /* routes */
  uint32_t sessions;
  uint32_t roomy;      /* sessions that can take a mail */
  uint32_t cap;        /* sessions that it may have for now */
  tern__timer pause;   /* until when cap is lowered */
  tern__list flows;    /* with mails, in turn */
  tern__list turn;     /* among the pool's ready, or starved, hosts */
  uint8_t starved;     /* among the latter */
  char *address;       /* that a session stood at; NULL: to be looked up */
  uint64_t address_until;
};

/* A URL. */
struct tern__pool_route {
  tern__pool_route *next; /* in its bucket */
  char *url;              /* a secret may be in it */
  tern__pool_host *host;
  uint32_t users; /* flows and sessions */
  uint32_t sessions;
  uint32_t standing; /* those that came as far as being ready for mail */
  tern__list room;   /* sessions that can take a mail: the idle first */
  tern__list flows;  /* all */
};

/* The mails of one submitter to one URL. */
struct tern__pool_flow {
  tern__pool_flow *next; /* in its bucket */
  uint64_t submitter;
  tern__pool_route *route;
  uint32_t users; /* jobs */
  tern__list jobs; /* that wait */
  tern__list turn; /* at the host, while there are such */
  tern__list of_route;
};

/* A mail in the pool. */
typedef struct tern__pool_job {
  tern__list place; /* in the flow or on the session */
  tern__list all;
  tern_pool *pool;
  tern_mail *mail;
  tern__pool_flow *flow;
  tern__pool_session *session; /* NULL: it waits */
  tern__timer due;
  uint32_t tries;
  uint8_t ended; /* by us: its session was told */
} tern__pool_job;

struct tern__pool_session {
  tern__handle handle;
  tern__timer due;
  tern_client *client;
  tern__pool_route *route;
  tern__list jobs;
  tern__list room; /* in the route's, while it can take a mail */
  tern__list idle; /* in the pool's, while it has none; the longest idle first */
  tern__list all;
  uint64_t idle_until;
  uint32_t load;   /* jobs */
  uint32_t mails;  /* that ended on it */
  uint32_t dials;  /* of the client, when last watched */
  uint8_t reached; /* it was connected */
  uint8_t stood;   /* it was ready for mail */
  uint8_t leaving; /* QUIT was asked for */
  uint8_t by_address; /* it was spared the look-up */
  uint8_t killed;  /* by us, over one of its mails */
};

struct tern_pool {
  const tern_allocator *mem;
  tern__loop loop;
  tern__common common;
  tern_tls_cache *cache;

  /* settings */
  uint32_t most_sessions;
  uint32_t host_sessions;
  uint32_t most_waiting;
  uint32_t high;
  uint32_t idle_time;
  uint32_t timeout;
  uint32_t window;
  size_t out_size;
  size_t text_size;
  char *ehlo_name;
  tern_status (*setup)(void *user, const char *url, tern_client *c);
  void *setup_user;
  void (*result)(void *user, tern_mail *mail);
  void *result_user;
  tern_error error;

  /* mails and sessions */
  tern__pool_host *hosts[TERN__POOL_BUCKETS];
  tern__pool_route *routes[TERN__POOL_BUCKETS];
  tern__pool_flow *flows[TERN__POOL_BUCKETS];
  tern__list ready;    /* hosts */
  tern__list starved;  /* hosts that wait for a session of another to end */
  tern__list sessions;
  tern__list idle;
  tern__list jobs;
  tern__queue finished;
  uint32_t waiting;
  uint32_t sending;
  uint32_t session_count;
  uint32_t leaving_count;
  uint32_t host_count;    /* that have sessions */
  uint32_t starved_count;

  /* state */
  uint64_t now;
  int inbox[2]; /* a pipe; -1: none */
  tern__handle inbox_handle;
  uint8_t stepping;
  uint8_t telling;
  uint8_t closing;
  uint8_t pressed;
  uint8_t more; /* the last step ended before its work did */
  volatile uint32_t cancel;
};

/* ---- pool.c --------------------------------------------------------------------------------------*/
/* Takes a mail that is ready to be sent and in no list: TERN_OK, or *error says why it was not. due:
 * TERN_NEVER, or when it must have ended. */
tern_status tern__pool_take(tern_pool *p, const char *url, tern_mail *mail, uint64_t submitter,
                            uint64_t due, tern_error *error);
/* The job's mail has its outcome: it becomes a result. */
void tern__pool_finish(tern_pool *p, tern__pool_job *job);
/* The same for a mail of which nothing was sent, for this reason. */
void tern__pool_fail(tern_pool *p, tern__pool_job *job, const tern_error *error);
/* Puts a mail without a job among the results. */
void tern__pool_result(tern_pool *p, tern_mail *mail);

/* ---- order.c -------------------------------------------------------------------------------------*/
/* The flow of that submitter and URL; NULL: *error says why there is none. To be given back when
 * it has no users, see order.c. */
tern__pool_flow *tern__pool_flow_take(tern_pool *p, const char *url, uint64_t submitter,
                                      tern_error *error);
/* One user less; frees what has none. */
void tern__pool_flow_give(tern_pool *p, tern__pool_flow *flow);
void tern__pool_route_give(tern_pool *p, tern__pool_route *route);
void tern__pool_host_give(tern_pool *p, tern__pool_host *host);
/* The job waits for its turn: behind the others, or, where it was on a session, before them. */
void tern__pool_wait_turn(tern_pool *p, tern__pool_job *job, int first);
/* It waits no more. */
void tern__pool_leave_turn(tern_pool *p, tern__pool_job *job);
/* Something changed for the host: it may have its turn. */
void tern__pool_host_wake(tern_pool *p, tern__pool_host *host);
/* Gives mails to sessions as far as the limits allow. 1: something moved. */
int tern__pool_serve(tern_pool *p);
/* Whether the session had better end, so that another host has its turn. */
int tern__pool_yields(const tern_pool *p, const tern__pool_session *session);
/* All mails that wait for the route end unsent. */
void tern__pool_route_fail(tern_pool *p, tern__pool_route *route, const tern_error *error);
/* The host takes no further session for now. */
void tern__pool_host_pause(tern_pool *p, tern__pool_host *host);
void tern__pool_host_resume(tern_pool *p, tern__pool_host *host);

/* ---- session.c -----------------------------------------------------------------------------------*/
/* A session for the route, about to connect. NULL: *error says why there is none. */
tern__pool_session *tern__pool_session_open(tern_pool *p, tern__pool_route *route, tern_error *error);
/* An idle session that has ended meanwhile: 0, and it is gone. */
int tern__pool_session_stands(tern_pool *p, tern__pool_session *session);
void tern__pool_session_give(tern_pool *p, tern__pool_session *session, tern__pool_job *job);
void tern__pool_session_step(tern_pool *p, tern__pool_session *session);
/* An idle session says QUIT. */
void tern__pool_session_leave(tern_pool *p, tern__pool_session *session);
/* The job is to end now, as TERN_E_TIMEOUT or TERN_E_CANCELLED; at the session's next step. */
void tern__pool_session_kill(tern_pool *p, tern__pool_job *job, tern_status status);
/* Ends all of it, its mails as cancelled. */
void tern__pool_session_drop(tern_pool *p, tern__pool_session *session);

/* ---- inbox.c -------------------------------------------------------------------------------------*/
tern_status tern__pool_inbox_open(tern_pool *p);
/* Takes what was handed in as far as there is room, with all 1 all of it; once closed as cancelled. */
void tern__pool_inbox_take(tern_pool *p, int all);
void tern__pool_inbox_close(tern_pool *p);

#endif
