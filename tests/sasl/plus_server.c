/* plus_server.c - an SMTP server with SCRAM bound to the channel, of parts that are not ours: GNU SASL or Cyrus
 * SASL for the mechanisms, OpenSSL for TLS. For plus.py.
 *
 * Arguments: library=gnu|cyrus cert=FILE key=FILE folder=DIR (Cyrus keeps its users there) offer=WORDS (of AUTH)
 * tls=1.2|1.3 (that version alone) binding=tls-exporter|tls-server-end-point|none mode=starttls|implicit
 * twist=yes|no (what the server binds to is off by a bit). The user is "ann", her password "pencil".
 * Standard output: "port N"; for each AUTH "auth MECHANISM GS2-FLAG", then "good" or "bad WHY"; for each mail
 * "mail". One connection after the other, until it is killed or ALARM seconds have passed.
 * Limits: lines under 8 KiB; GNU SASL 2.2 has no tls-server-end-point. */
#define _GNU_SOURCE /* strncasecmp, strdup, alarm */
#include <gsasl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sasl/sasl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALARM 60u
#define LINE 8192
#define USER "ann"
#define PASSWORD "pencil"
#define HOST "localhost"

typedef struct settings {
  const char *library, *cert, *key, *folder, *offer, *tls, *binding, *mode, *twist;
} settings;

typedef struct peer {
  int fd;
  SSL *ssl; /* NULL: in clear */
  char line[LINE];
  unsigned char binding[EVP_MAX_MD_SIZE];
  size_t binding_len;
} peer;

static settings set;

static int die(const char *what)
{
  fprintf(stderr, "plus_server: %s\n", what);
  exit(70);
}

/* ---- octets ----------------------------------------------------------------------------------------*/
static int say(peer *p, const char *text)
{
  size_t len = strlen(text);

  return (p->ssl ? SSL_write(p->ssl, text, (int)len) : (int)write(p->fd, text, len)) == (int)len ? 0 : -1;
}

/* A line without its end, into p->line. */
static int hear(peer *p)
{
  size_t len = 0;
  char c;

  while ((p->ssl ? SSL_read(p->ssl, &c, 1) : (int)read(p->fd, &c, 1)) == 1 && len < LINE - 1) {
    if (c == '\n') {
      p->line[len - (len && p->line[len - 1] == '\r')] = '\0';
      return 0;
    }
    p->line[len++] = c;
  }
  return -1;
}

static int begins(const char *line, const char *word)
{
  return !strncasecmp(line, word, strlen(word));
}

/* ---- TLS -------------------------------------------------------------------------------------------*/
/* RFC 9266; RFC 5929 4.1 for a certificate signed with SHA-256. */
static void bind_to(peer *p)
{
  unsigned int len = 0;

  p->binding_len = 0;
  if (!strcmp(set.binding, "tls-exporter")) {
    if (SSL_export_keying_material(p->ssl, p->binding, 32, "EXPORTER-Channel-Binding", 24, NULL, 0, 0) != 1) die("no exporter");
    p->binding_len = 32;
  } else if (!strcmp(set.binding, "tls-server-end-point")) {
    if (X509_digest(SSL_get_certificate(p->ssl), EVP_sha256(), p->binding, &len) != 1) die("no digest");
    p->binding_len = len;
  }
  if (p->binding_len && !strcmp(set.twist, "yes")) p->binding[0] ^= 1;
}

static int start_tls(peer *p, SSL_CTX *context)
{
  p->ssl = SSL_new(context);
  if (!p->ssl || !SSL_set_fd(p->ssl, p->fd) || SSL_accept(p->ssl) != 1) return -1;
  bind_to(p);
  return 0;
}

static SSL_CTX *make_context(void)
{
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  int version = !strcmp(set.tls, "1.3") ? TLS1_3_VERSION : TLS1_2_VERSION;

  if (!context || !SSL_CTX_set_min_proto_version(context, version) || !SSL_CTX_set_max_proto_version(context, version) ||
      SSL_CTX_use_certificate_chain_file(context, set.cert) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, set.key, SSL_FILETYPE_PEM) != 1)
    die("no TLS");
  return context;
}

/* ---- what both libraries are given and asked ---------------------------------------------------------*/
/* A 334 and its answer, which is in p->line, in base64. */
static int challenge(peer *p, const char *text64)
{
  char reply[LINE];

  snprintf(reply, sizeof reply, "334 %s\r\n", text64);
  return say(p, reply) || hear(p) ? -1 : 0;
}

/* Prints the part of the first message before its comma: "p=tls-exporter", "y", "n". */
static void tell_auth(const char *mechanism, const char *first, size_t len)
{
  const char *comma = first ? memchr(first, ',', len) : NULL;

  printf("auth %s %.*s\n", mechanism, comma ? (int)(comma - first) : 1, comma ? first : "-");
}

/* ---- GNU SASL --------------------------------------------------------------------------------------*/
static int on_gsasl(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
  peer *p = gsasl_session_hook_get(session);
  char *text;
  size_t len;
  int st;

  (void)library;
  if (property == GSASL_PASSWORD) return gsasl_property_set(session, property, PASSWORD);
  if (property != GSASL_CB_TLS_EXPORTER || !p->binding_len) return GSASL_NO_CALLBACK;
  if (gsasl_base64_to((const char *)p->binding, p->binding_len, &text, &len) != GSASL_OK) return GSASL_MALLOC_ERROR;
  st = gsasl_property_set(session, property, text);
  gsasl_free(text);
  return st;
}

/* NULL: good; else why not. initial: in base64, or NULL. */
static const char *auth_gnu(peer *p, const char *mechanism, const char *initial)
{
  Gsasl *library;
  Gsasl_session *session;
  char *out = NULL, *first = NULL;
  const char *why = NULL;
  size_t len = 0;
  int st;

  if (gsasl_init(&library) != GSASL_OK) die("no GNU SASL");
  gsasl_callback_set(library, on_gsasl);
  if (gsasl_server_start(library, mechanism, &session) != GSASL_OK) die("no such mechanism");
  gsasl_session_hook_set(session, p);
  if (gsasl_base64_from(initial ? initial : "", initial ? strlen(initial) : 0, &first, &len) == GSASL_OK) tell_auth(mechanism, first, len);
  gsasl_free(first);
  st = gsasl_step64(session, initial ? initial : "", &out);
  while (st == GSASL_NEEDS_MORE || (st == GSASL_OK && out && out[0])) {
    int last = st == GSASL_OK; /* its words are the server's signature */
    if (challenge(p, out)) why = "closed";
    gsasl_free(out);
    out = NULL;
    if (why || last) break;
    st = gsasl_step64(session, p->line, &out);
  }
  gsasl_free(out);
  if (!why && st != GSASL_OK) why = gsasl_strerror_name(st);
  gsasl_finish(session);
  gsasl_done(library);
  return why;
}

/* ---- Cyrus SASL ------------------------------------------------------------------------------------*/
static int on_option(void *context, const char *plugin, const char *name, const char **value, unsigned *len)
{
  static char users[1024];

  (void)context;
  (void)plugin;
  *value = NULL;
  snprintf(users, sizeof users, "%s/users.db", set.folder);
  if (!strcmp(name, "sasldb_path")) *value = users;
  if (!strcmp(name, "auxprop_plugin")) *value = "sasldb";
  if (!strcmp(name, "pwcheck_method")) *value = "auxprop";
  if (!strcmp(name, "mech_list")) *value = "SCRAM-SHA-1 SCRAM-SHA-256";
  if (len && *value) *len = (unsigned)strlen(*value);
  return *value ? SASL_OK : SASL_FAIL;
}

/* Cyrus calls every callback with the arguments of its id. */
static sasl_callback_t cyrus_callbacks[] = {{SASL_CB_GETOPT, NULL, NULL}, {SASL_CB_LIST_END, NULL, NULL}};

static sasl_conn_t *cyrus_new(peer *p, sasl_channel_binding_t *binding)
{
  sasl_conn_t *session;

  if (sasl_server_new("smtp", HOST, HOST, NULL, NULL, NULL, SASL_SUCCESS_DATA, &session) != SASL_OK) die("no Cyrus SASL");
  if (p && p->binding_len) {
    binding->name = set.binding;
    binding->critical = 0;
    binding->data = p->binding;
    binding->len = p->binding_len;
    if (sasl_setprop(session, SASL_CHANNEL_BINDING, binding) != SASL_OK) die("no channel binding");
  }
  return session;
}

static void cyrus_start(void)
{
  int (*option)(void *, const char *, const char *, const char **, unsigned *) = on_option;
  sasl_channel_binding_t none;
  sasl_conn_t *session;

  memcpy(&cyrus_callbacks[0].proc, &option, sizeof option);
  if (sasl_server_init(cyrus_callbacks, "plus_server") != SASL_OK) die("no Cyrus SASL");
  session = cyrus_new(NULL, &none);
  if (sasl_setpass(session, USER, PASSWORD, strlen(PASSWORD), NULL, 0, SASL_SET_CREATE) != SASL_OK) die(sasl_errdetail(session));
  sasl_dispose(&session);
}

static const char *auth_cyrus(peer *p, const char *mechanism, const char *initial)
{
  static char in[LINE], out64[LINE], why[256];
  sasl_channel_binding_t binding;
  sasl_conn_t *session = cyrus_new(p, &binding);
  const char *out = NULL;
  unsigned in_len = 0, out_len = 0;
  int st;

  if (initial && EVP_DecodeBlock((unsigned char *)in, (const unsigned char *)initial, (int)strlen(initial)) > 0)
    in_len = (unsigned)strlen(in);
  tell_auth(mechanism, in, in_len);
  st = sasl_server_start(session, mechanism, initial ? in : NULL, in_len, &out, &out_len);
  while (st == SASL_CONTINUE || (st == SASL_OK && out_len)) {
    if ((size_t)EVP_EncodeBlock((unsigned char *)out64, (const unsigned char *)out, (int)out_len) >= sizeof out64 || challenge(p, out64)) {
      sasl_dispose(&session);
      return "closed";
    }
    if (st == SASL_OK) break;
    memset(in, 0, sizeof in); /* the decoder leaves out how many octets fill up the last */
    (void)EVP_DecodeBlock((unsigned char *)in, (const unsigned char *)p->line, (int)strlen(p->line));
    st = sasl_server_step(session, in, (unsigned)strlen(in), &out, &out_len);
  }
  snprintf(why, sizeof why, "%s", sasl_errdetail(session));
  sasl_dispose(&session);
  return st == SASL_OK ? NULL : why;
}

/* ---- SMTP ------------------------------------------------------------------------------------------*/
static int do_auth(peer *p)
{
  char mechanism[64];
  char *initial;
  const char *why;

  initial = strchr(p->line + 5, ' ');
  snprintf(mechanism, sizeof mechanism, "%.*s", (int)(initial ? initial - p->line - 5 : 60), p->line + 5);
  if (initial) initial = strdup(initial + 1);
  why = !strcmp(set.library, "gnu") ? auth_gnu(p, mechanism, initial) : auth_cyrus(p, mechanism, initial);
  free(initial);
  printf("%s%s\n", why ? "bad " : "good", why ? why : "");
  return say(p, why ? "535 5.7.8 refused\r\n" : "235 2.7.0 welcome\r\n");
}

static int do_data(peer *p)
{
  if (say(p, "354 go on\r\n")) return -1;
  do {
    if (hear(p)) return -1;
  } while (strcmp(p->line, ".") != 0);
  puts("mail");
  return say(p, "250 2.0.0 taken\r\n");
}

static int do_ehlo(peer *p)
{
  char reply[512];

  snprintf(reply, sizeof reply, "250-" HOST "\r\n%s%s%s250 8BITMIME\r\n", p->ssl ? "250-AUTH " : "250-STARTTLS\r\n",
           p->ssl ? set.offer : "", p->ssl ? "\r\n" : "");
  return say(p, reply);
}

static void talk(peer *p, SSL_CTX *context)
{
  int st = 0;

  if ((!strcmp(set.mode, "implicit") && start_tls(p, context)) || say(p, "220 " HOST " ESMTP\r\n")) return;
  while (!st && !hear(p)) {
    if (begins(p->line, "EHLO ")) st = do_ehlo(p);
    else if (begins(p->line, "STARTTLS") && !p->ssl) st = say(p, "220 go on\r\n") || start_tls(p, context);
    else if (begins(p->line, "AUTH ") && p->ssl) st = do_auth(p);
    else if (begins(p->line, "DATA")) st = do_data(p);
    else if (begins(p->line, "QUIT")) st = say(p, "221 bye\r\n") || 1;
    else st = say(p, "250 ok\r\n");
  }
}

static void serve(int fd, SSL_CTX *context)
{
  peer p;

  memset(&p, 0, sizeof p);
  p.fd = fd;
  talk(&p, context);
  if (p.ssl) (void)SSL_shutdown(p.ssl);
  SSL_free(p.ssl);
  close(fd);
}

static void take_arguments(char **argv)
{
  const struct {
    const char *name;
    const char **value;
  } names[] = {{"library=", &set.library}, {"cert=", &set.cert}, {"key=", &set.key}, {"folder=", &set.folder}, {"offer=", &set.offer},
               {"tls=", &set.tls}, {"binding=", &set.binding}, {"mode=", &set.mode}, {"twist=", &set.twist}};
  size_t i;

  for (i = 0; i < sizeof names / sizeof names[0]; i++) *names[i].value = "";
  for (; *argv; argv++)
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
      if (begins(*argv, names[i].name)) *names[i].value = *argv + strlen(names[i].name);
}

int main(int argc, char **argv)
{
  struct sockaddr_in at;
  socklen_t len = sizeof at;
  SSL_CTX *context;
  int listening = socket(AF_INET, SOCK_STREAM, 0), fd;

  (void)argc;
  take_arguments(argv + 1);
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  alarm(ALARM);
  context = make_context();
  if (!strcmp(set.library, "cyrus")) cyrus_start();
  memset(&at, 0, sizeof at);
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listening < 0 || bind(listening, (struct sockaddr *)&at, sizeof at) || listen(listening, 4) ||
      getsockname(listening, (struct sockaddr *)&at, &len))
    die("no socket");
  printf("port %u\n", (unsigned)ntohs(at.sin_port));
  while ((fd = accept(listening, NULL, NULL)) >= 0) serve(fd, context);
  return 70;
}
