/* client.h - connect, authenticate, send, quit: the engine with a transport under it.
 *
 * Blocking (the default): each call returns when it has ended or its deadline has passed. Stepped
 * (tern_client_set_blocking(c, 0)): connect, auth, send and quit store what is wanted and return
 * TERN_E_AGAIN; tern_client_step moves octets and never blocks. Errors stick where they belong: a
 * session's failure to the client until the next connect (and to each mail it kept from going), a
 * refused mail to that mail. */
#ifndef TERN_CLIENT_H
#define TERN_CLIENT_H

#include <tern/base.h>
#include <tern/message.h>
#include <tern/resolver.h>
#include <tern/sasl.h>
#include <tern/session.h>
#include <tern/tls.h>
#include <tern/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- mail: an envelope, its content, and afterwards its own outcome --------------------------------
 * Immutable while a client has it: changing, clearing or freeing it then answers TERN_E_STATE (free
 * does nothing). It can be sent again after it has ended. A wrong argument sticks to the mail: send
 * answers it. */
typedef struct tern_mail tern_mail;
typedef struct tern_client tern_client;

/* mem NULL: malloc and free; else borrowed until tern_mail_free. NULL when there is no memory. */
TERN_API tern_mail *tern_mail_new(const tern_allocator *mem);
TERN_API tern_status tern_mail_free(tern_mail *mail);
/* As new: envelope, content, outcome are forgotten. */
TERN_API tern_status tern_mail_clear(tern_mail *mail);

/* reverse_path: a mailbox of RFC 5321 4.1.2 or RFC 6531 3.3, no angle brackets, no display name;
 * "" is the null reverse-path. TERN_E_ADDRESS, with position and octet in tern_mail_error. */
TERN_API tern_status tern_mail_from(tern_mail *mail, const char *reverse_path);
/* Adds a recipient; the first is index 0. TERN_E_ADDRESS. */
TERN_API tern_status tern_mail_rcpt(tern_mail *mail, const char *forward_path);
/* The content, RFC 5322 text; line ends are repaired unless told otherwise. Borrowed until the mail
 * has ended and is sent no more. len may be TERN_NUL. */
TERN_API tern_status tern_mail_content(tern_mail *mail, const void *octets, size_t len);
/* The same from several spans; the array is copied, the octets are borrowed. */
TERN_API tern_status tern_mail_content_spans(tern_mail *mail, const tern_span *spans, size_t count);
/* The same pulled from a source; table and user are borrowed. */
TERN_API tern_status tern_mail_content_source(tern_mail *mail, const tern_source *source,
                                              void *user);
/* Envelope and content from a message: its Sender, else its first From (those of tern_message_header
 * where no call gave any), where no reverse-path was given; each of To, Cc and Bcc beside the recipients there are, once; the message as content,
 * borrowed as tern_mail_content_source says. Gives the message a Date, and randomness, where it has
 * none and the build has a host. What is wrong with the message (tern_message_check) sticks to the
 * mail too. TERN_E_NOMEM where msg is NULL. Not in builds without messages. */
TERN_API tern_status tern_mail_message(tern_mail *mail, tern_message *msg);
/* Called once the content is not needed any more, at the latest by tern_mail_free. */
TERN_API tern_status tern_mail_on_release(tern_mail *mail, void (*release)(void *user), void *user);
/* TERN_MAIL_...: ALL_OR_NONE, RET_FULL, RET_HDRS, REFUSE_BARE, REQUIRETLS, PRDR, BINARY. */
TERN_API tern_status tern_mail_set_flags(tern_mail *mail, uint32_t flags);
/* DSN (RFC 3461): the envelope's id in plain, and for recipient index (or, with UINT32_MAX, for all
 * there are) NOTIFY and the original recipient "rfc822;bob@example.net", or NULL. */
TERN_API tern_status tern_mail_set_envid(tern_mail *mail, const char *envid);
TERN_API tern_status tern_mail_set_notify(tern_mail *mail, uint32_t index, uint32_t notify);
TERN_API tern_status tern_mail_set_orcpt(tern_mail *mail, uint32_t index, const char *orcpt);
/* Extensions that change what delivery means; values and what becomes of them where they are not
 * offered: tern_terms and TERN_IF_OFFERED. TERN_E_PARAMETER, TERN_E_ADDRESS; TERN_E_UNSUPPORTED.
 * Deliver within that many seconds, or else (TERN_BY_...); mode 0 takes it back. */
TERN_API tern_status tern_mail_set_deliver_by(tern_mail *mail, int32_t seconds, uint32_t mode);
/* The server keeps it for so many seconds, or until then (seconds since 1970 UTC). The later call
 * counts; 0 takes it back. */
TERN_API tern_status tern_mail_set_hold_for(tern_mail *mail, uint32_t seconds);
TERN_API tern_status tern_mail_set_hold_until(tern_mail *mail, int64_t seconds);
/* -9 to 9, 0 being that of all others. */
TERN_API tern_status tern_mail_set_priority(tern_mail *mail, int32_t priority);
/* Who submitted it first: a mailbox; "" nobody knows; NULL takes it back. */
TERN_API tern_status tern_mail_set_auth(tern_mail *mail, const char *mailbox);
/* Raw parameters "KEY=value KEY" (RFC 5321 4.1.2) for what has no call of its own. */
TERN_API tern_status tern_mail_set_params(tern_mail *mail, const char *params);
TERN_API tern_status tern_mail_set_rcpt_params(tern_mail *mail, uint32_t index, const char *params);
/* Called as content leaves; negative cancels, as in tern_transaction.progress. */
TERN_API tern_status tern_mail_on_progress(tern_mail *mail,
                                           tern_status (*progress)(void *user, uint64_t sent,
                                                                   uint64_t total),
                                           void *user);

/* Outcome. Before the mail was sent: TERN_UNSENT, TERN_E_AGAIN. */
TERN_API tern_status tern_mail_status(const tern_mail *mail);
/* The gravest thing that befell the mail (by tern-send's order of exit codes); status TERN_OK or
 * TERN_PARTIAL is never in it. Never NULL. */
TERN_API const tern_error *tern_mail_error(const tern_mail *mail);
TERN_API uint32_t tern_mail_rcpt_count(const tern_mail *mail);
TERN_API const char *tern_mail_rcpt_address(const tern_mail *mail, uint32_t index);
/* TERN_UNSENT, TERN_ACCEPTED, TERN_REJECTED, TERN_DEFERRED, TERN_UNKNOWN. */
TERN_API uint32_t tern_mail_rcpt_outcome(const tern_mail *mail, uint32_t index);
TERN_API tern_status tern_mail_rcpt_status(const tern_mail *mail, uint32_t index);
/* The reply that decided over this recipient, or NULL. */
TERN_API const tern_reply *tern_mail_rcpt_reply(const tern_mail *mail, uint32_t index);
TERN_API const tern_error *tern_mail_rcpt_error(const tern_mail *mail, uint32_t index);
/* The indexes of those worth sending to again (deferred and unsent; unknown only when asked for):
 * up to cap written to out, the whole number returned. */
TERN_API size_t tern_mail_rcpts_to_retry(const tern_mail *mail, uint32_t with_unknown,
                                         uint32_t *out, size_t cap);
/* The server's queue id of the first accepted recipient's final reply, or "". */
TERN_API const char *tern_mail_queue_id(const tern_mail *mail);

/* ---- client ----------------------------------------------------------------------------------------*/
/* mem as for tern_mail_new. */
TERN_API tern_client *tern_client_new(const tern_allocator *mem);
/* Closes without QUIT where still connected; mails under way end as by tern_session_cancel. Wipes
 * what was secret. */
TERN_API void tern_client_free(tern_client *c);

/* Settings, before connect or attach; they hold for all later connects. */
TERN_API tern_status tern_client_set_blocking(tern_client *c, uint32_t on);
/* TERN_TLS_..., over what the URL says. With credentials OPPORTUNISTIC means REQUIRED. */
TERN_API tern_status tern_client_set_tls(tern_client *c, uint32_t mode);
/* A PEM file or a folder of them to trust instead of the system's store. Read at connect. */
TERN_API tern_status tern_client_set_ca(tern_client *c, const char *path);
/* PEM in memory instead (firmware); copied. */
TERN_API tern_status tern_client_set_ca_pem(tern_client *c, const char *pem);
/* Client certificate and key, PEM files; key may be NULL where the certificate's file holds it. */
TERN_API tern_status tern_client_set_certificate(tern_client *c, const char *cert, const char *key);
/* 1: any certificate is taken. Said in so many words; TLS itself stays required. */
TERN_API tern_status tern_client_set_insecure(tern_client *c, uint32_t on);
/* The name that the certificate must bear and SNI carries, instead of the URL's host. */
TERN_API tern_status tern_client_set_tls_name(tern_client *c, const char *name);
/* Several names, any of which will do; SNI carries the first. Copied; count 0: the URL's host. At
 * most 64; TERN_E_ARGUMENT. */
TERN_API tern_status tern_client_set_tls_names(tern_client *c, const char *const *names,
                                               size_t count);
/* TERN_VERIFY_...: how far the certificate decides. Where REQUIRED stands with TERN_TLS_OPPORTUNISTIC
 * it means OPTIONAL; with credentials all three mean REQUIRED, and only tern_client_set_insecure
 * sends a secret to a server that nobody vouches for. So for a mail server's five levels: none is
 * TERN_TLS_NONE; may is TERN_TLS_OPPORTUNISTIC; encrypt TERN_TLS_REQUIRED with TERN_VERIFY_OPTIONAL
 * (or _NONE: no trust store is read); verify TERN_TLS_REQUIRED; DANE the call below. */
TERN_API tern_status tern_client_set_verify(tern_client *c, uint32_t verify);
/* TLSA records of a secure answer for the host and port to be connected to, and the names that may
 * stand in a certificate below an anchor of usage 2, the first of them for SNI (RFC 7672 3.2.2; with
 * name_count 0 they stay as they are). Both are copied. TLS is then required whatever
 * tern_client_set_tls says (but for TERN_TLS_IMPLICIT), and a usable record is the only thing that
 * counts: no authority, and with usage 3 no name or date (RFC 7672 3.1.1). Where none is usable,
 * nothing is verified, and tern_client_tlsa_result says so; but with credentials the certificate
 * is then verified as if there were no records. count 0 takes them away. At most 255 records of
 * 65,535 octets; TERN_E_ARGUMENT. A server that no record fits is TERN_E_TLS_DANE. */
TERN_API tern_status tern_client_set_tlsa(tern_client *c, const tern_tlsa *records, size_t count,
                                          const char *const *names, size_t name_count);
/* Sessions of earlier connections are taken up again, and this client's kept (tls.h). Borrowed until
 * the client is freed; several clients of one thread may share it; NULL: none, the default.
 * TERN_E_STATE while connected. */
TERN_API tern_status tern_client_set_tls_cache(tern_client *c, tern_tls_cache *cache);
/* Authorities parsed before and shared among clients, instead of tern_client_set_ca and the
 * system's store. Borrowed until the client is freed; NULL: none. TERN_E_STATE while connected. */
TERN_API tern_status tern_client_set_tls_trust(tern_client *c, tern_tls_trust *trust);
/* The server's own key must be one of these, each 32 octets: SHA-256 of its SubjectPublicKeyInfo.
 * Beside everything else that must hold, and with TERN_VERIFY_NONE and tern_client_set_insecure
 * too: then a pin alone vouches. TLS is required whatever tern_client_set_tls says (but for
 * TERN_TLS_IMPLICIT). Copied; count 0: none. At most 64: TERN_E_ARGUMENT with TERN_FIELD_PIN. Another
 * key is TERN_E_TLS_PIN. */
TERN_API tern_status tern_client_set_tls_pins(tern_client *c, const uint8_t *pins, size_t count);
/* TERN_TLS_1_2 (the default) or TERN_TLS_1_3. TERN_E_ARGUMENT: neither; TERN_E_UNSUPPORTED: the TLS
 * library knows no version so new; both with TERN_FIELD_TLS_VERSION. */
TERN_API tern_status tern_client_set_tls_min(tern_client *c, uint32_t version);
/* The cipher suites that are offered, most wanted first, with ":", "," or blanks between: names of
 * IANA or of Mbed TLS ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"). Of a version
 * that has none in the list nothing is offered. "" or NULL: what the TLS library prefers. At most
 * 64. TERN_E_ARGUMENT with TERN_FIELD_CIPHER and the position: unknown to the TLS library, without encryption, or
 * too many; tern_error_text names it. */
TERN_API tern_status tern_client_set_tls_ciphers(tern_client *c, const char *list);
/* See tern_tls_check; NULL: none. It may end a session; to let one live it takes the call below. */
TERN_API tern_status tern_client_on_tls_check(tern_client *c, tern_tls_check check, void *user);
/* 1: what the check takes is taken, though authority, name, date or use of the certificate speak
 * against it. Said in so many words: all that stands between the session and an impostor is then
 * that callback; without one nothing changes. Pins and TLSA records stand above it. */
TERN_API tern_status tern_client_set_tls_override(tern_client *c, uint32_t on);
/* What was learned of a server, as octets that the caller keeps: the ticket of its TLS, the mechanism
 * that took the credentials, that BDAT is not known though offered. load: before connect; server is
 * the URL that connect will get, or the host that attach will; len 0: nothing is known yet. From then
 * on the client learns, and forgets when it connects elsewhere. All of it is hints: a mechanism is
 * tried first only under TLS, where it is offered, and never before one with -PLUS; a ticket serves under
 * the rules of tern_tls_cache; none of them decides about TLS, or is needed. TERN_OK; TERN_E_CONFIG:
 * damaged, or of another server, secret or release: nothing is known then, and a connect goes on all the same;
 * TERN_E_URL; TERN_E_ARGUMENT; TERN_E_NOMEM; TERN_E_STATE while connected. */
TERN_API tern_status tern_client_memory_load(tern_client *c, const char *server,
                                             const uint8_t *octets, size_t len);
/* Writes what is known now, at most 24 KiB, to out where cap is enough; returns how many octets it
 * takes, 0 for nothing. Keep them as one keeps a password: who can read them can read what the ticket's
 * session carries, and who can write them can pose as the server unless there is a secret. */
TERN_API size_t tern_client_memory_save(tern_client *c, uint8_t *out, size_t cap);
/* What save writes is sealed with it (HMAC-SHA-256), and load takes nothing else. Not kept as it is;
 * len 0: none. TERN_E_ARGUMENT. */
TERN_API tern_status tern_client_memory_secret(tern_client *c, const void *secret, size_t len);
/* Default: the fully qualified host name, else the address literal of the local end; "" restores
 * it. TERN_E_NAME. */
TERN_API tern_status tern_client_set_ehlo_name(tern_client *c, const char *name);
TERN_API tern_status tern_client_set_lmtp(tern_client *c, uint32_t on);
TERN_API tern_status tern_client_set_channel_safe(tern_client *c, uint32_t on);
TERN_API tern_status tern_client_set_mask(tern_client *c, uint32_t capabilities);
TERN_API tern_status tern_client_set_policy(tern_client *c, uint32_t capability, uint32_t policy);
/* As tern_session_set_timeout, and TERN_PHASE_RESOLVE (default 30,000; where the system resolves it is
 * not kept, see tern_client_set_resolver), TERN_PHASE_CONNECT (default 30,000 over all addresses). */
TERN_API tern_status tern_client_set_timeout(tern_client *c, uint32_t phase, uint32_t ms);
/* The longest that one send (with its connect and auth) may take in all, ms; 0: no limit. */
TERN_API tern_status tern_client_set_total_timeout(tern_client *c, uint32_t ms);
/* Octets for what is to be written, at least TERN_SESSION_OUT_MIN; and for a reply's text. Default
 * 16,384 and 2,048 with mem NULL, else 1,024 and 512. */
TERN_API tern_status tern_client_set_buffers(tern_client *c, size_t out, size_t text);
/* Mails that the session holds at a time, 1 to TERN_WINDOW_MAX: while the content of one leaves, the
 * envelope of the next does (tern_client_submit). Default: 4 with mem NULL (eager: 64), else 1. It
 * closes to 1 of itself while something was refused, and without PIPELINING. */
TERN_API tern_status tern_client_set_window(tern_client *c, uint32_t window);
/* 1: the server is known to be good, see tern_session_set_eager. Off by default. Mails that the end
 * of a connection after such a refusal left unsent go on over a new one, which is not eager. */
TERN_API tern_status tern_client_set_eager(tern_client *c, uint32_t on);
/* How the server's name is found. Borrowed until the client is freed; NULL: the default. A stepped client
 * always asks by itself: literals, localhost (RFC 6761), the hosts file, then A and AAAA at the same time
 * through the search list of resolv.conf, without ever blocking; NULL is a resolver of its own with the
 * host's settings. A blocking one without a resolver leaves it to the system (getaddrinfo, with all that
 * nsswitch.conf names), which may take longer than any timeout set here; with one it asks as a stepped
 * client does, and keeps its timeouts. TERN_E_UNSUPPORTED in a build without lib/resolve, where both
 * leave it to the system and block. */
TERN_API tern_status tern_client_set_resolver(tern_client *c, tern_resolver *resolver);
/* Where connections leave from. addresses: of this host, "192.0.2.1", "2001:db8::1" or one of each separated
 * by a blank (then a server's address of a family without one is not tried); interface: its name, which
 * may need a privilege. Each NULL: the system's choice. Holds for connections to servers and proxies, not
 * for Unix sockets and questions to name servers. TERN_E_ARGUMENT; TERN_E_UNSUPPORTED (interface; builds
 * without sockets). Connecting is TERN_E_LOCAL where no address could be tried because of it. */
TERN_API tern_status tern_client_set_local(tern_client *c, const char *addresses, const char *interface);
/* Reaches servers through a proxy, socks5://[user:password@]host[:1080] (RFC 1928, 1929) or
 * http://[user:password@]host:port (CONNECT, with Basic); copied; NULL or "": none. The proxy resolves the
 * server's name; there is never a connection without it, and TLS is with the server, as always. User and
 * password cross the way to the proxy in clear, as its protocol has it. No environment variable is read.
 * TERN_E_URL, TERN_E_CREDENTIALS: too long, or with control octets; TERN_E_UNSUPPORTED: https://, TLS to the
 * proxy itself, and any in a build without sockets. Connecting:
 * TERN_E_PROXY, TERN_E_PROXY_AUTH, TERN_E_PROXY_DENIED, TERN_E_PROXY_REPLY; TERN_E_CONNECT and
 * TERN_E_TIMEOUT where the proxy says so of the server; TERN_E_CONFIG for lmtp+unix:. */
TERN_API tern_status tern_client_set_proxy(tern_client *c, const char *url);
/* As tern_session_set_mechanisms. */
TERN_API tern_status tern_client_set_mechanisms(tern_client *c, const tern_mechanism *const *table);
TERN_API tern_status tern_client_set_trace(tern_client *c, tern_trace trace, void *user);
/* Randomness for SCRAM where the build has no sockets (else the host's). */
TERN_API tern_status tern_client_set_random(tern_client *c,
                                            tern_status (*random)(void *user, uint8_t *out,
                                                                  size_t len),
                                            void *user);
/* RFC 4013 for user names and passwords beyond ASCII; out gets the prepared string with its NUL.
 * Without it: libidn where the build has it, else such strings are TERN_E_CREDENTIALS. */
TERN_API tern_status tern_client_set_saslprep(tern_client *c,
                                              tern_status (*prep)(void *user, const char *in,
                                                                  char *out, size_t cap),
                                              void *user);

/* url: smtp://[user[:pass]@]host[:port][?tls=required|opportunistic|none], smtps://..., lmtp://
 * host:port[?tls=...], lmtp+unix:/path. TERN_E_URL with the field in tern_client_error. Blocking:
 * returns with the session greeted (and TLS up); auth and the first send go on from there. */
TERN_API tern_status tern_client_connect(tern_client *c, const char *url);
/* A transport of the caller's, connected already, borrowed until quit or free has closed it; user
 * goes to each of its functions. host names the peer for TLS and errors. The TLS mode is
 * tern_client_set_tls's, TERN_TLS_REQUIRED by default. Needs an EHLO name. */
TERN_API tern_status tern_client_attach(tern_client *c, const tern_transport *transport, void *user,
                                        const char *host);
/* User and password; copied, wiped by free. Before or after connect; they hold for reconnects. */
TERN_API tern_status tern_client_auth(tern_client *c, const char *user, const char *password);
/* An OAuth 2 bearer token (XOAUTH2, OAUTHBEARER). */
TERN_API tern_status tern_client_auth_token(tern_client *c, const char *user, const char *token);
/* The TLS client certificate (EXTERNAL); authzid may be NULL. */
TERN_API tern_status tern_client_auth_external(tern_client *c, const char *authzid);
/* Anything else: mechanism by name, authzid, callback. Strings are copied. */
TERN_API tern_status tern_client_auth_with(tern_client *c, const tern_credentials *credentials);
/* Blocking: returns the mail's outcome: TERN_OK, TERN_PARTIAL, or negative. A connection found dead
 * before MAIL was accepted is reopened once. Stepped: TERN_E_AGAIN; any number may be queued. */
TERN_API tern_status tern_client_send(tern_client *c, tern_mail *mail);
/* The way to send many, also blocking: submit stores any number of mails and returns TERN_E_AGAIN (or
 * what is wrong with this one, as send does); wait moves octets until one of them has ended and
 * returns it, NULL once none is left. Its outcome is in the mail, which may be submitted again at
 * once. One connection takes them all, with a round trip for each (tern_client_set_window), or none
 * (tern_client_set_eager). Stepped: submit is send, wait is tern_client_finished. A quit that was
 * asked for before the last mail left shares its flight where nothing can follow. */
TERN_API tern_status tern_client_submit(tern_client *c, tern_mail *mail);
TERN_API tern_mail *tern_client_wait(tern_client *c);
/* QUIT and close. Waits at most TERN_PHASE_QUIT's time and cannot change a result. */
TERN_API tern_status tern_client_quit(tern_client *c);
/* Ends everything now, without the end of a content under way. The one call that may come from a
 * signal handler or another thread: it only sets a flag that the next step sees. */
TERN_API void tern_client_cancel(tern_client *c);
TERN_API tern_status tern_client_noop(tern_client *c);
/* The reply is tern_client_reply. TERN_E_PARAMETER for an argument with control octets. */
TERN_API tern_status tern_client_vrfy(tern_client *c, const char *argument);
TERN_API const tern_reply *tern_client_reply(const tern_client *c);

/* Stepped mode. step: TERN_E_AGAIN while there is work under way, TERN_OK when there is none, else
 * the client's error. handle: for poll(), -1 where none; it changes from step to step, and while names are
 * asked for and addresses race it stands for several sockets (an epoll descriptor, on Linux). wants:
 * TERN_READ | TERN_WRITE for that handle, 0: nothing to poll for. timeout: ms until step is due even when
 * the handle is silent, 0: at once, -1: none. */
TERN_API tern_status tern_client_step(tern_client *c);
TERN_API int32_t tern_client_fd(const tern_client *c);
TERN_API uint32_t tern_client_wants(const tern_client *c);
TERN_API int32_t tern_client_timeout(const tern_client *c);
/* Pops the mails that have ended, in that order; NULL: none. */
TERN_API tern_mail *tern_client_finished(tern_client *c);

/* The session's failure; status TERN_OK where there is none. Never NULL. */
TERN_API const tern_error *tern_client_error(const tern_client *c);
TERN_API uint32_t tern_client_connected(const tern_client *c);
/* The engine below, for its getters (capabilities, limits); NULL before connect. */
TERN_API const tern_session *tern_client_session(const tern_client *c);
/* "TLSv1.3", "TLS1-3-AES-256-GCM-SHA384", and whether chain and name were verified; "" and 0
 * without TLS. They outlive the connection. */
TERN_API const char *tern_client_tls_version(const tern_client *c);
TERN_API const char *tern_client_tls_cipher(const tern_client *c);
TERN_API uint32_t tern_client_tls_verified(const tern_client *c);
/* 1: the last handshake took up a session of the cache; it stands verified as the first time. */
TERN_API uint32_t tern_client_tls_resumed(const tern_client *c);
/* The certificates of the last handshake, also of one that failed; NULL: none came (a session taken
 * up again has none), or the client has an allocator of its own and no tern_client_on_tls_check.
 * Lent until the next connect or free. */
TERN_API const tern_tls_chain *tern_client_tls_chain(const tern_client *c);
/* What became of the TLSA records (TERN_TLSA_...); which of them fits, by its index among those that
 * were set (UINT32_MAX: none); and the depth of the certificate that it fits, 0 the server's own
 * (UINT32_MAX: none, or an anchor that the server did not send). After a failure of the chain below
 * an anchor the index is that record's. */
TERN_API uint32_t tern_client_tlsa_result(const tern_client *c);
TERN_API uint32_t tern_client_tlsa_index(const tern_client *c);
TERN_API uint32_t tern_client_tlsa_depth(const tern_client *c);

#ifdef __cplusplus
}
#endif
#endif
