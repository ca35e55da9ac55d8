/* main.c - tern-send: reads options and message, sends, reports. What it promises to scripts is in
 * options_help and in the manual of the exit codes there; --json always prints exactly one object.
 *
 * Everything that can be judged without the server is judged before standard input is read: the
 * client is stepped until then (its connect only stores the URL) and blocking afterwards. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/tern.h>
#include <time.h>
#include <unistd.h>

#include "compose.h"
#include "direct.h"
#include "json.h"
#include "memory.h"
#include "network.h"
#include "options.h"
#include "probe.h"
#include "sendmail.h"
#include "spool.h"

typedef struct program {
  options o;
  spool message;
  composer composed;
  tern_ready *ready;
  direct direct;
  const tern_source *content; /* as it is sent; its user */
  void *content_user;
  tern_dkim *dkim; /* where the message is to be signed */
  tern_client *client;
  tern_probe *probe;       /* of --probe, once it has looked */
  tern_resolver *resolver; /* of --resolver; NULL: the host's */
  tern_mail *mail;
  const tern_error *error; /* of the last message tried, or of what kept it from being tried */
  tern_status status;      /* where there is no error record: a usage error, a file */
  char problem[300];       /* in words, where the record has none */
  int exit_code;
  uint32_t sent;
  char **args; /* as sendmail */
  int idle;    /* as sendmail, with nothing to send */
} program;

static tern_client *volatile to_cancel;
static tern_delivery *volatile delivery_to_cancel;
static volatile int stopped;

static void on_signal(int number)
{
  (void)number;
  stopped = 1;
  tern_client_cancel(to_cancel);
#ifndef TERN_NO_DIRECT
  if (delivery_to_cancel) tern_delivery_cancel(delivery_to_cancel);
#endif
}

static void catch_signals(void)
{
  struct sigaction act;

  memset(&act, 0, sizeof act);
  act.sa_handler = on_signal; /* without SA_RESTART: a read of standard input must end */
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGTERM, &act, NULL);
  act.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &act, NULL);
}

/* A standard descriptor that is closed would become that of the connection or of the spool, and a
 * trace or the report be written into it. Opened the other way round, it fails as a closed one. */
static void fill_descriptors(void)
{
  int fd, opened;

  for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) != -1) continue;
    opened = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened >= 0 && opened != fd) close(opened);
  }
}

static void on_trace(void *user, char who, const char *line, size_t len)
{
  size_t i;

  (void)user;
  fprintf(stderr, "%c: ", who);
  for (i = 0; i < len; i++) /* nothing of the server's may command a terminal */
    putc((unsigned char)line[i] < 0x20 || line[i] == 0x7f ? '?' : line[i], stderr);
  putc('\n', stderr);
}

/* A bar, drawn over itself; a percentage that has not changed is not drawn again. */
static tern_status on_progress(void *user, uint64_t sent, uint64_t total)
{
  static const char bar[] = "########################################";
  int *drawn = user, percent = total && total != TERN_LENGTH_UNKNOWN ? (int)(sent * 100 / total) : 0;

  if (total == TERN_LENGTH_UNKNOWN) {
    fprintf(stderr, "\r%llu octets", (unsigned long long)sent);
  } else if (percent != *drawn) {
    *drawn = percent;
    fprintf(stderr, "\r[%-40.*s] %3d %%%s", percent * 40 / 100, bar, percent, sent == total ? "\n" : "");
  }
  return TERN_OK;
}

/* ---- failures before anything was sent -----------------------------------------------------------------*/
static int fail(program *p, tern_status status, int exit_code, const char *problem)
{
  p->status = status;
  p->exit_code = exit_code;
  if (problem != p->problem) snprintf(p->problem, sizeof p->problem, "%s", problem);
  return -1;
}

static int fail_error(program *p, const tern_error *error)
{
  p->error = error;
  p->status = tern_error_status(error);
  p->exit_code = tern_error_sysexit(error);
  return -1;
}

/* ---- setting up ----------------------------------------------------------------------------------------*/
/* What options and environment say, over what the URL says. */
static int set_up_login(program *p)
{
  const options *o = &p->o;
  tern_credentials cred;

  memset(&cred, 0, sizeof cred);
  cred.size = sizeof cred;
  cred.mechanism = o->mechanism;
  cred.token = o->token;
  cred.user = o->user ? o->user : o->url_user;
  cred.password = o->password || o->token ? o->password : o->url_password;
  if (cred.password) cred.kinds = TERN_CRED_PASSWORD;
  if (cred.token) cred.kinds = TERN_CRED_TOKEN;
  if (o->mechanism && !strcmp(o->mechanism, "EXTERNAL")) {
    cred.kinds = TERN_CRED_EXTERNAL; /* the user is who to act as */
    cred.authzid = cred.user;
    cred.user = NULL;
  }
  if (!cred.kinds && (o->user || o->url_user))
    return fail(p, TERN_E_CREDENTIALS, 78, "a user without password or token");
  if (!cred.kinds && o->mechanism)
    return fail(p, TERN_E_CREDENTIALS, 78, "--auth without credentials");
  if (!cred.kinds || tern_client_auth_with(p->client, &cred) == TERN_E_AGAIN) return 0;
  if (tern_error_status(tern_client_error(p->client)) != TERN_OK)
    return fail_error(p, tern_client_error(p->client));
  return fail(p, TERN_E_CREDENTIALS, 78, "the credentials cannot be used");
}

static int set_up_client(program *p)
{
  const options *o = &p->o;
  tern_client *c = p->client;
  tern_status st = network_set_up(o, c, &p->resolver, p->problem);

  if (st != TERN_OK) return fail(p, st, tern_status_sysexit(st), p->problem);
  tern_client_set_blocking(c, 0);
  tern_client_set_ca(c, o->ca);
  tern_client_set_certificate(c, o->cert, o->key);
  tern_client_set_insecure(c, (uint32_t)o->insecure);
  tern_client_set_tls_pins(c, o->pins[0], o->pin_count);
  tern_client_set_ehlo_name(c, o->ehlo);
  tern_client_set_mask(c, (o->no_pipelining ? TERN_CAP_PIPELINING : 0) |
                              (o->no_chunking ? TERN_CAP_CHUNKING : 0));
  if (o->timeout_ms) tern_client_set_timeout(c, TERN_PHASE_NONE, o->timeout_ms);
  if (o->connect_ms) tern_client_set_timeout(c, TERN_PHASE_CONNECT, o->connect_ms);
  if (o->trace) tern_client_set_trace(c, on_trace, NULL);
  if (o->memory) memory_load(c, o->memory, o->server);
  if (o->probe) return set_up_login(p); /* connecting is the probe's */
  if (tern_client_connect(c, o->server) != TERN_E_AGAIN) return fail_error(p, tern_client_error(c));
  return set_up_login(p);
}

/* Where a code stands in the order of gravity; 0 is the least. */
static int gravity(int code)
{
  static const int order[] = {0, 68, 74, 64, 65, 78, 75, 69, 67, 76, 77};
  int i;

  for (i = 0; i < (int)(sizeof order / sizeof order[0]); i++)
    if (order[i] == code) return i;
  return 1;
}

static uint32_t accepted(const tern_mail *mail)
{
  uint32_t i, n = 0;

  for (i = 0; i < tern_mail_rcpt_count(mail); i++)
    n += tern_mail_rcpt_outcome(mail, i) == TERN_ACCEPTED;
  return n;
}

#ifndef TERN_NO_DIRECT
static int set_up_direct(program *p)
{
  const tern_error *error;
  char problem[256];

  if (direct_set_up(&p->direct, &p->o, p->o.trace ? on_trace : NULL, &error, problem))
    return error ? fail_error(p, error) : fail(p, TERN_E_ARGUMENT, 64, problem);
  delivery_to_cancel = p->direct.delivery;
  return 0;
}

static int discover(program *p)
{
  char problem[256];
  tern_status st;

  p->o.server = direct_discover(&p->o, &st, problem);
  return p->o.server ? 0 : fail(p, st, tern_status_sysexit(st), problem);
}

static void send_direct(program *p)
{
  uint32_t i;
  int code;
  char problem[256];

  for (i = 0; i < p->o.repeat && !stopped; i++) {
    p->status = tern_delivery_send(p->direct.delivery, p->mail);
    p->error = tern_mail_error(p->mail);
    code = p->status == TERN_OK ? 0 : tern_error_sysexit(p->error);
    if (gravity(code) > gravity(p->exit_code)) p->exit_code = code;
    p->sent += accepted(p->mail) != 0;
  }
  if (direct_reports(&p->o, p->mail, p->content, p->content_user, problem)) {
    fprintf(stderr, "tern-send: %s\n", problem);
    if (!p->exit_code) p->exit_code = 74;
  }
}
#endif

static int set_up_mail(program *p)
{
  tern_mail *mail = p->mail;
  const options *o = &p->o;
  size_t i;

  /* of a composed message the library makes the envelope, but for what no header can have */
  for (i = 0; i < o->to_count; i++)
    if ((!o->composing || !strchr(o->to[i], '@')) && tern_mail_rcpt(mail, o->to[i]) != TERN_OK)
      return fail_error(p, tern_mail_error(mail));
  if (o->progress && isatty(STDERR_FILENO)) {
    static int drawn = -1;
    tern_mail_on_progress(mail, on_progress, &drawn);
  }
  if (o->from && (!o->composing || !o->from[0]) && tern_mail_from(mail, o->from) != TERN_OK)
    return fail_error(p, tern_mail_error(mail));
  if (tern_mail_set_flags(mail, o->ret | o->asked) != TERN_OK ||
      (o->envid && tern_mail_set_envid(mail, o->envid) != TERN_OK) ||
      tern_mail_set_hold_for(mail, o->hold_for) != TERN_OK ||
      tern_mail_set_deliver_by(mail, (int32_t)o->by, o->by_mode) != TERN_OK ||
      tern_mail_set_priority(mail, o->priority) != TERN_OK ||
      tern_mail_set_auth(mail, o->mail_auth) != TERN_OK)
    return fail_error(p, tern_mail_error(mail));
  return 0;
}

/* ---- the message ---------------------------------------------------------------------------------------*/
/* The library judged the header, or failed with it. */
static int header_error(program *p)
{
  const tern_error *e = tern_ready_error(p->ready);
  char text[300];

  snprintf(text, sizeof text, "the message's header: %s", tern_error_text(e));
  return fail(p, tern_error_status(e), tern_error_sysexit(e), text);
}

/* "4b1f...@host.example": what a message without Message-ID gets. */
static int make_id(char *out, size_t cap)
{
  unsigned char random[12];
  FILE *f = fopen("/dev/urandom", "rb");
  size_t i, len = 0, got = f ? fread(random, 1, sizeof random, f) : 0;

  if (f) fclose(f);
  if (got != sizeof random || cap < 2 * sizeof random + 12) return -1;
  for (i = 0; i < sizeof random; i++) len += (size_t)snprintf(out + len, cap - len, "%02x", random[i]);
  out[len++] = '@';
  if (gethostname(out + len, cap - len) || !memchr(out + len, 0, cap - len)) strcpy(out + len, "localhost");
  return 0;
}

/* Date and Message-ID for a message of -t that has none. */
static int set_missing(program *p)
{
  time_t now = time(NULL), as_utc;
  struct tm local = *localtime(&now), utc = *gmtime(&now);
  char id[300];
  int32_t zone = 0;

  utc.tm_isdst = local.tm_isdst; /* mktime takes both for local time: the difference is the zone */
  as_utc = mktime(&utc);
  if (as_utc != (time_t)-1) zone = (int32_t)((now - as_utc) / 60);
  if (make_id(id, sizeof id)) return fail(p, TERN_E_RANDOM, 78, "no randomness for a Message-ID");
  if (tern_ready_set_message_id(p->ready, id) != TERN_OK) { /* a host name that cannot stand there */
    strcpy(strchr(id, '@') + 1, "localhost");
    tern_ready_set_message_id(p->ready, id);
  }
  if (tern_ready_set_date(p->ready, now, zone) != TERN_OK)
    return fail(p, TERN_E_CONFIG, 78, "the clock of this machine is wrong");
  return 0;
}

/* The recipients of To, Cc and Bcc, behind those given and not again. */
static int add_header_recipients(program *p)
{
  uint32_t i, j, given = tern_mail_rcpt_count(p->mail);

  for (i = 0; i < tern_ready_rcpt_count(p->ready); i++) {
    const char *rcpt = tern_ready_rcpt(p->ready, i);
    for (j = 0; j < given && strcmp(tern_mail_rcpt_address(p->mail, j), rcpt) != 0; j++) {
    }
    if (j == given && tern_mail_rcpt(p->mail, rcpt) != TERN_OK)
      return fail_error(p, tern_mail_error(p->mail));
  }
  return 0;
}

/* What the envelope takes from the header: recipients with -t, the sender where none was given. */
static int read_header(program *p)
{
  static const char nobody[] = "nobody@invalid"; /* never sent: it tells that there is no From */

  p->ready = tern_ready_new(NULL);
  if (!p->ready) return fail(p, TERN_E_NOMEM, 74, "no memory");
  if (p->o.from_header && set_missing(p)) return -1;
  if (!p->o.from || p->o.from[0])
    tern_ready_set_from(p->ready, p->o.from ? p->o.from : nobody);
  tern_ready_set_source(p->ready, spool_source(), &p->message);
  if (tern_ready_read(p->ready) != TERN_OK) return header_error(p);
  if (!p->o.from && !strcmp(tern_ready_sender(p->ready), nobody))
    return fail(p, TERN_E_ARGUMENT, 64,
                "no sender: give --from, or a message with a From or Sender field");
  if (p->o.from_header && add_header_recipients(p)) return -1;
  if (!p->o.from && tern_mail_from(p->mail, tern_ready_sender(p->ready)) != TERN_OK)
    return fail_error(p, tern_mail_error(p->mail));
  return 0;
}

/* The signer, before standard input is read: a key that cannot be used is known at once. */
static int set_up_signer(program *p)
{
  const options *o = &p->o;
  tern_status st;

  if (!o->dkim_key) return 0;
  p->dkim = tern_dkim_new(NULL);
  st = tern_dkim_add(p->dkim, o->dkim_domain, o->dkim_selector);
  if (st == TERN_OK) st = tern_dkim_set_key_file(p->dkim, o->dkim_key);
  if (st == TERN_OK) st = tern_dkim_set_time(p->dkim, (uint64_t)time(NULL));
  if (st == TERN_OK) return 0;
  if (!p->dkim) return fail(p, TERN_E_NOMEM, 74, "no memory");
  return fail_error(p, tern_dkim_error(p->dkim));
}

static int set_content(program *p, const tern_source *source, void *user)
{
  if (p->dkim) {
    if (tern_dkim_set_source(p->dkim, source, user) != TERN_OK)
      return fail_error(p, tern_dkim_error(p->dkim));
    source = tern_dkim_source();
    user = p->dkim;
  }
  p->content = source;
  p->content_user = user;
  if (tern_mail_content_source(p->mail, source, user) != TERN_OK)
    return fail_error(p, tern_mail_error(p->mail));
  return 0;
}

/* The message from options. */
static int compose_message(program *p)
{
  composer *c = &p->composed;

  c->stop = &stopped;
  if (compose(c, &p->o)) {
    if (c->problem[0]) return fail(p, c->status, c->exit_code, c->problem);
    return fail_error(p, tern_message_error(c->msg));
  }
  p->content = tern_message_source();
  p->content_user = c->msg;
  if (tern_mail_message(p->mail, c->msg) != TERN_OK) {
    if (tern_error_field(tern_mail_error(p->mail)) == TERN_FIELD_FROM)
      return fail(p, TERN_E_ARGUMENT, 64, "no sender: give --from, or --header 'From: ...'");
    return fail_error(p, tern_mail_error(p->mail));
  }
  if (p->o.from_header) { /* those whom --header names */
    p->ready = tern_ready_new(NULL);
    if (!p->ready) return fail(p, TERN_E_NOMEM, 74, "no memory");
    tern_ready_set_source(p->ready, tern_message_source(), c->msg);
    if (tern_ready_read(p->ready) != TERN_OK) return header_error(p);
    return add_header_recipients(p);
  }
  return 0;
}

static int read_message(program *p)
{
  int st;

  if (p->o.composing) {
    if (compose_message(p)) return -1;
    if (p->dkim && set_content(p, tern_message_source(), p->composed.msg)) return -1;
    if (!tern_mail_rcpt_count(p->mail))
      return fail(p, TERN_E_NO_RECIPIENTS, 64, "no recipient: To, Cc and Bcc name none");
    if (p->o.notify) tern_mail_set_notify(p->mail, UINT32_MAX, p->o.notify);
    return 0;
  }
  st = spool_read(&p->message, STDIN_FILENO, &stopped);

  if (st == SPOOL_STOPPED) return fail(p, TERN_E_CANCELLED, 75, "interrupted");
  if (st == SPOOL_IO) return fail(p, TERN_E_SOURCE, 74, p->message.problem);
  if ((p->o.from_header || !p->o.from) && read_header(p)) return -1;
  if (!tern_mail_rcpt_count(p->mail))
    return fail(p, TERN_E_NO_RECIPIENTS, 64, "no recipient: the message's To, Cc and Bcc name none");
  if (p->o.notify) tern_mail_set_notify(p->mail, UINT32_MAX, p->o.notify);
  if (p->o.from_header) return set_content(p, tern_ready_source(), p->ready);
  if (p->ready && spool_source()->rewind(&p->message) != TERN_OK) /* its header was read */
    return fail(p, TERN_E_SOURCE, 74, "the message cannot be read again");
  return set_content(p, spool_source(), &p->message);
}

/* ---- sending -------------------------------------------------------------------------------------------*/
static void send_all(program *p)
{
  uint32_t i;
  int code;

  tern_client_set_blocking(p->client, 1);
  for (i = 0; i < p->o.repeat; i++) {
    p->status = tern_client_send(p->client, p->mail);
    p->error = tern_mail_error(p->mail);
    code = p->status == TERN_OK ? 0 : tern_error_sysexit(p->error);
    if (gravity(code) > gravity(p->exit_code)) p->exit_code = code;
    p->sent += accepted(p->mail) != 0;
    if (tern_error_status(p->error) == TERN_E_SOURCE && tern_dkim_error(p->dkim))
      snprintf(p->problem, sizeof p->problem, "the message cannot be signed: %s",
               tern_error_text(tern_dkim_error(p->dkim)));
    /* a refused message does not stop the rest; a lost session does */
    if (tern_error_status(tern_client_error(p->client)) != TERN_OK) break;
  }
}

/* ---- reporting -----------------------------------------------------------------------------------------*/
static void put_reply(json *j, const tern_reply *reply)
{
  json_name(j, "reply");
  if (!tern_reply_code(reply)) {
    json_null(j);
    return;
  }
  json_open(j, '{');
  json_name(j, "code");
  json_number(j, tern_reply_code(reply));
  json_name(j, "enhanced");
  json_string(j, tern_reply_enhanced(reply), 1);
  json_name(j, "text");
  json_string(j, tern_reply_text(reply), 0);
  json_close(j, '}');
}

static void put_tls(json *j, const program *p)
{
  const char *version = tern_client_tls_version(p->client), *cipher = tern_client_tls_cipher(p->client);
  uint32_t verified = tern_client_tls_verified(p->client);
#ifndef TERN_NO_DIRECT
  tern_attempt a;
  uint32_t n = tern_history_attempt_count(tern_mail_history(p->mail));

  a.size = sizeof a;
  if (n && tern_history_attempt(tern_mail_history(p->mail), n - 1, &a) == TERN_OK) { /* of the last host */
    version = a.tls_version;
    cipher = a.tls_cipher;
    verified = a.tls_verified;
  }
#endif
  json_name(j, "tls");
  if (!version[0]) {
    json_null(j);
    return;
  }
  json_open(j, '{');
  json_name(j, "version");
  json_string(j, version, 0);
  json_name(j, "cipher");
  json_string(j, cipher, 0);
  json_name(j, "verified");
  json_bool(j, verified != 0);
  if (p->o.memory) {
    json_name(j, "resumed");
    json_bool(j, tern_client_tls_resumed(p->client) != 0);
  }
  json_close(j, '}');
}

static void put_recipient(json *j, const tern_mail *mail, uint32_t i)
{
  const tern_reply *reply = tern_mail_rcpt_reply(mail, i);
  const tern_error *error = tern_mail_rcpt_error(mail, i);
  tern_status status = tern_error_status(error);

  json_name(j, NULL);
  json_open(j, '{');
  json_name(j, "address");
  json_string(j, tern_mail_rcpt_address(mail, i), 0);
  json_name(j, "status");
  json_string(j, tern_outcome_name(tern_mail_rcpt_outcome(mail, i)), 0);
  json_name(j, "code");
  if (tern_reply_code(reply))
    json_number(j, tern_reply_code(reply));
  else
    json_null(j);
  json_name(j, "enhanced");
  json_string(j, tern_reply_enhanced(reply), 1);
  json_name(j, "text");
  json_string(j, tern_reply_code(reply) ? tern_reply_text(reply)
                 : status < 0 && status != TERN_E_AGAIN ? tern_error_text(error) : NULL, 1);
  json_close(j, '}');
}

static void put_recipients(json *j, const tern_mail *mail)
{
  uint32_t i;

  json_name(j, "recipients");
  json_open(j, '[');
  for (i = 0; i < tern_mail_rcpt_count(mail); i++) put_recipient(j, mail, i);
  json_close(j, ']');
}

static uint32_t resend(const tern_mail *mail)
{
  uint32_t i, worst = TERN_RESEND_SAFE;

  for (i = 0; i < tern_mail_rcpt_count(mail); i++) {
    if (tern_mail_rcpt_outcome(mail, i) == TERN_UNKNOWN) return TERN_RESEND_UNKNOWN;
    if (tern_mail_rcpt_outcome(mail, i) == TERN_ACCEPTED) worst = TERN_RESEND_UNSAFE;
  }
  return worst;
}

static int print_json(const program *p)
{
  static const char no_memory[] =
      "{\"ok\":false,\"error\":\"TERN_E_NOMEM\",\"phase\":null,\"retryable\":false,"
      "\"resend\":\"unknown\",\"who\":\"operator\",\"hint\":null,\"reply\":null,\"tls\":null,"
      "\"recipients\":[]}";
  tern_status error = tern_error_status(p->error) < 0 ? tern_error_status(p->error) : p->status;
  json j = {NULL, 0, 0, 0, 0};
  int result;

  json_open(&j, '{');
  json_name(&j, "ok");
  json_bool(&j, p->exit_code == 0);
  json_name(&j, "error");
  json_string(&j, error < 0 ? tern_status_name(error) : NULL, 1);
  json_name(&j, "phase");
  json_string(&j, tern_phase_name(tern_error_phase(p->error)), 1);
  json_name(&j, "retryable");
  json_bool(&j, p->exit_code == 75);
  json_name(&j, "resend");
  json_string(&j, tern_resend_name(resend(p->mail)), 0);
  json_name(&j, "who");
  json_string(&j, p->error ? tern_who_name(tern_error_who(p->error)) : error < 0 ? "operator" : "",
              1);
  json_name(&j, "hint");
  json_string(&j, p->problem[0] ? p->problem : p->error ? tern_error_hint(p->error) : "", 1);
  put_reply(&j, p->status == TERN_OK ? tern_mail_rcpt_reply(p->mail, 0) : tern_error_reply(p->error));
  put_tls(&j, p);
  if (p->o.repeat_given) {
    json_name(&j, "sent");
    json_number(&j, p->sent);
  }
  put_recipients(&j, p->mail);
  if (p->probe) probe_json(&j, p->probe);
  json_close(&j, '}');
  result = puts(j.failed ? no_memory : j.text) < 0 || fflush(stdout) != 0;
  free(j.text);
  return result;
}

static void print_words(const program *p)
{
  char text[512];
  uint32_t i;

  if (p->problem[0]) {
    fprintf(stderr, "tern-send: %s\n", p->problem);
    return;
  }
  if (!p->exit_code) return;
  tern_error_format(p->error, text, sizeof text);
  fprintf(stderr, "tern-send: %s\n", text);
  if (tern_error_hint(p->error)[0]) fprintf(stderr, "tern-send: %s\n", tern_error_hint(p->error));
  for (i = 0; tern_mail_rcpt_count(p->mail) > 1 && i < tern_mail_rcpt_count(p->mail); i++)
    if (tern_mail_rcpt_outcome(p->mail, i) != TERN_ACCEPTED)
      fprintf(stderr, "tern-send: <%s> %s: %s\n", tern_mail_rcpt_address(p->mail, i),
              tern_outcome_name(tern_mail_rcpt_outcome(p->mail, i)),
              tern_error_text(tern_mail_rcpt_error(p->mail, i)));
}

/* As sendmail: 1 where there is nothing to be sent. */
static int as_sendmail(program *p, int *argc, char ***argv)
{
  const char *problem = NULL;
  int what = sendmail_arguments(*argc, *argv, argc, &p->args, &problem);

  if (what == SENDMAIL_NOTHING) return 1;
  if (what == SENDMAIL_SEND) {
    *argv = p->args;
    return 0;
  }
  snprintf(p->problem, sizeof p->problem, "as sendmail, %.100s is not offered", problem);
  return fail(p, TERN_E_ARGUMENT, 64, p->problem);
}

static void probe_it(program *p)
{
  p->probe = tern_probe_new(NULL);
  tern_client_set_blocking(p->client, 1);
  p->status = tern_probe_run(p->probe, p->client, p->o.server);
  p->error = tern_probe_error(p->probe);
  if (p->status == TERN_OK) return;
  p->exit_code = tern_error_status(p->error) != TERN_OK ? tern_error_sysexit(p->error) : tern_status_sysexit(p->status);
}

static int send_it(program *p)
{
#ifndef TERN_NO_DIRECT
  if (p->o.discover && !p->o.server && discover(p)) return -1;
  if (p->o.mx) {
    if (set_up_direct(p) || set_up_signer(p) || set_up_mail(p) || read_message(p)) return -1;
    send_direct(p);
    return 0;
  }
#endif
  if (p->o.probe) {
    if (set_up_client(p)) return -1;
    probe_it(p);
    return 0;
  }
  if (set_up_client(p) || set_up_mail(p) || set_up_signer(p) || read_message(p)) return -1;
  send_all(p);
  return 0;
}

static int run(program *p, int argc, char **argv)
{
  if (sendmail_called(argv[0])) {
    p->idle = 1; /* until there is a mail */
    if (as_sendmail(p, &argc, &argv)) return -1;
    p->idle = 0;
  }
  if (options_read(&p->o, argc, argv))
    return fail(p, p->o.is_config_error ? TERN_E_CONFIG : TERN_E_ARGUMENT,
                p->o.is_config_error ? 78 : 64, p->o.problem);
  if (p->o.help || p->o.version) return 0;
  if (p->o.url_password || p->o.proxy_password)
    fputs("tern-send: warning: a password in the URL can be seen by others on this machine; "
          "--password-file is safer\n", stderr);
  if (!p->client || !p->mail) return fail(p, TERN_E_NOMEM, 74, "no memory");
  return send_it(p);
}

int main(int argc, char **argv)
{
  static program p;
  int written = 0;

  fill_descriptors();
  p.client = tern_client_new(NULL);
  p.mail = tern_mail_new(NULL);
  to_cancel = p.client;
  catch_signals();
  (void)run(&p, argc, argv);
  if (p.o.help) {
    options_help();
  } else if (p.o.version) {
    printf("tern-send %s\n", tern_version());
  } else {
    if (p.probe && !p.o.json)
      probe_print(p.probe);
    else
      print_words(&p);
    if (p.o.json) written = print_json(&p);
    tern_client_quit(p.client); /* after the report: it changes nothing of it */
    if (p.o.memory) memory_save(p.client, p.o.memory);
  }
  to_cancel = NULL;
#ifndef TERN_NO_DIRECT
  if (p.direct.delivery) tern_delivery_quit(p.direct.delivery);
  delivery_to_cancel = NULL;
  direct_free(&p.direct);
#endif
  tern_client_free(p.client);
  tern_probe_free(p.probe);
#ifndef TERN_NO_DIRECT
  tern_resolver_free(p.resolver);
#endif
  tern_mail_free(p.mail);
  tern_ready_free(p.ready);
  tern_dkim_free(p.dkim);
  compose_free(&p.composed);
  spool_free(&p.message);
  options_free(&p.o);
  free(p.args);
  return written && !p.exit_code ? 74 : p.exit_code;
}
