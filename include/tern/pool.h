/* pool.h - many mails over many sessions, from one thread.
 *
 * A mail goes in with the URL of its server; the pool opens connections as the limits allow, keeps
 * them for the next mail, and gives each mail back once, with its outcome per recipient as after
 * tern_client_send. It looks up a host once for all connections to it, and begins with a single one:
 * while that is not up, and where it fails, no other is tried. Nothing is sent twice that may have
 * been accepted: a mail goes to another connection only where its own ended before MAIL was
 * accepted.
 *
 * A pool is one thread's, with the mails that it has; tern_pool_hand_in alone may be called from
 * others. Absent from builds without sockets. */
#ifndef TERN_POOL_H
#define TERN_POOL_H

#include <tern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_pool tern_pool;

/* mem NULL: malloc and free; else borrowed until tern_pool_free. NULL when there is no memory. */
TERN_API tern_pool *tern_pool_new(const tern_allocator *mem);
/* Closes without QUIT what is still connected (tern_pool_close says it). Mails that have not ended do
 * so as by tern_pool_cancel, those handed in included; with tern_pool_on_result each is still told of.
 * Not from within a callback, nor while another thread may hand in. */
TERN_API void tern_pool_free(tern_pool *p);

/* ---- settings: before the first mail --------------------------------------------------------------*/
/* Connections at a time: in all (default 100), and to one host and port (10); 0 keeps what was set. A
 * host that refuses further connections for now is held to those that stand for 10 s. */
TERN_API tern_status tern_pool_set_limits(tern_pool *p, uint32_t all, uint32_t host);
/* Mails that wait for a connection, at most (default 10,000): then TERN_E_FULL; and as many as mean
 * pressure (7,500), see tern_pool_pressure. TERN_E_ARGUMENT: high is 0 or above most. */
TERN_API tern_status tern_pool_set_queue(tern_pool *p, uint32_t most, uint32_t high);
/* For how long a connection is kept without a mail, ms; default 5,000, 0: it is not. */
TERN_API tern_status tern_pool_set_idle_time(tern_pool *p, uint32_t ms);
/* The longest that a mail may take from submit to its result where submit says nothing, ms; 0 (the
 * default): no limit beside those of the phases (tern_client_set_timeout). */
TERN_API tern_status tern_pool_set_timeout(tern_pool *p, uint32_t ms);
/* As tern_client_set_window, of each connection. Default 1. A mail that is cancelled or whose time is
 * over takes its connection with it; the others on it that were not begun go to another. */
TERN_API tern_status tern_pool_set_window(tern_pool *p, uint32_t window);
/* As tern_client_set_buffers, of each connection. Default 832 and 512, which is what makes a
 * session small; what is read goes through one buffer of the pool. Content is lent, not copied. */
TERN_API tern_status tern_pool_set_buffers(tern_pool *p, size_t out, size_t text);
/* As tern_client_set_ehlo_name and tern_client_set_ca, of each connection. What is trusted is read
 * once and shared; so are TLS sessions (tern_tls_cache). TERN_E_NAME, TERN_E_NOMEM. */
TERN_API tern_status tern_pool_set_ehlo_name(tern_pool *p, const char *name);
TERN_API tern_status tern_pool_set_ca(tern_pool *p, const char *path);
/* Anything else that a client can be told (credentials, policies, timeouts, a trace): called for each
 * new connection before it connects, with the URL of its mail. Settings only. A negative answer fails
 * the mails of that URL. */
TERN_API tern_status tern_pool_on_connection(tern_pool *p,
                                             tern_status (*setup)(void *user, const char *url,
                                                                  tern_client *c),
                                             void *user);
/* Called once for each mail that has ended, instead of tern_pool_finished: from within tern_pool_step,
 * _wait, _cancel_mail and _free, when all else is done. It may free, change and submit mails, but step,
 * wait for or free nothing. */
TERN_API tern_status tern_pool_on_result(tern_pool *p, void (*result)(void *user, tern_mail *mail),
                                         void *user);

/* ---- mails in -------------------------------------------------------------------------------------*/
/* Takes the mail for the server of url (as for tern_client_connect; copied). It is the pool's until it
 * has ended: changing or freeing it answers TERN_E_STATE.
 * submitter: whose mail it is, a number of the caller's own. Hosts take turns, and at each host the
 * submitters do, mail by mail; the mails of one keep their order of departure.
 * timeout: ms until it must have ended, 0: as tern_pool_set_timeout. While it waits it then ends
 * unsent, on a connection as that stands: unsent or unknown.
 * TERN_E_AGAIN: taken. Else it was not, and there will be no other result: TERN_E_FULL (the mail is as
 * it was), TERN_E_STATE (closed, or the mail is under way), TERN_E_NOMEM, TERN_E_URL, or what is wrong
 * with the mail, as tern_client_send says. */
TERN_API tern_status tern_pool_submit(tern_pool *p, const char *url, tern_mail *mail,
                                      uint64_t submitter, uint32_t timeout);
/* 1: other threads may hand in; takes two handles. To be said before there are such threads. Also wakes
 * a wait for tern_pool_cancel. TERN_E_IO: no handles left. */
TERN_API tern_status tern_pool_set_inbox(tern_pool *p, uint32_t on);
/* The same as submit from any thread, for a mail of which no other thread has hold: it must be idle, its
 * earlier result fetched. Takes no memory and never blocks. From here to its result the mail and what it
 * borrows are the pool's thread's, the mail's allocator included (malloc is good for that; one without
 * a lock must not be shared by mails of several threads). The result comes on the pool's thread, also
 * for what submit would have refused later: TERN_E_URL, and TERN_E_CANCELLED where the pool was closed
 * meanwhile.
 * TERN_E_AGAIN: handed in. Else it was not: TERN_E_FULL (what was handed in waits to be taken; the mail
 * is as it was), TERN_E_STATE (no inbox; the mail is under way), TERN_E_URL (over 400 octets), or what
 * is wrong with the mail. */
TERN_API tern_status tern_pool_hand_in(tern_pool *p, const char *url, tern_mail *mail,
                                       uint64_t submitter, uint32_t timeout);

/* ---- moving ---------------------------------------------------------------------------------------*/
/* Moves what can be moved, without waiting (but where tern_client_step would). TERN_E_AGAIN while mails
 * are under way and, once closed, while connections are; else TERN_OK. TERN_E_STATE: from within a
 * callback. */
TERN_API tern_status tern_pool_step(tern_pool *p);
/* Steps and waits until a mail has ended, and returns it. NULL: none is left, and none can come: there
 * is no inbox, or the pool is closed; connections have then said QUIT where it is closed. */
TERN_API tern_mail *tern_pool_wait(tern_pool *p);
/* Pops the mails that have ended, in that order; NULL: none. */
TERN_API tern_mail *tern_pool_finished(tern_pool *p);
/* For a loop of the caller's: what step waits for, up to cap of it written to out and how many there are
 * returned: one, where the system has epoll, that stays the same from the first mail or inbox on. */
TERN_API size_t tern_pool_poll(const tern_pool *p, tern_poll *out, size_t cap);
/* ms until step is due even when all is silent, -1: none. */
TERN_API int32_t tern_pool_timeout(const tern_pool *p);

/* ---- the end --------------------------------------------------------------------------------------*/
/* Ends this mail now, its result is TERN_E_CANCELLED or, once the end of its content has left,
 * TERN_E_IN_DOUBT; it comes as any other. TERN_E_STATE: the pool does not have it. */
TERN_API tern_status tern_pool_cancel_mail(tern_pool *p, tern_mail *mail);
/* Ends all mails, at the next step. As tern_client_cancel it may come from a signal handler or another
 * thread; it wakes a wait at once where there is an inbox. */
TERN_API void tern_pool_cancel(tern_pool *p);
/* Takes no further mail; those that were taken go on, then all connections say QUIT. Step or wait until
 * it is over. */
TERN_API tern_status tern_pool_close(tern_pool *p);

/* ---- state ----------------------------------------------------------------------------------------*/
/* Mails that wait for a connection, those on one, and connections. */
TERN_API uint32_t tern_pool_waiting(const tern_pool *p);
TERN_API uint32_t tern_pool_sending(const tern_pool *p);
TERN_API uint32_t tern_pool_connections(const tern_pool *p);
/* 1 from when as many mails wait as tern_pool_set_queue calls high until half of that do: who makes mails
 * had better pause. */
TERN_API uint32_t tern_pool_pressure(const tern_pool *p);
/* The setting that failed; status TERN_OK where there is none. Never NULL. */
TERN_API const tern_error *tern_pool_error(const tern_pool *p);

#ifdef __cplusplus
}
#endif
#endif
