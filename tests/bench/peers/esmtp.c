/* esmtp.c - libESMTP. All messages are queued before the session starts; it has no implicit TLS, and finds no
 * address in a certificate (and waits forever then): where the server has no name, its rows with TLS stay empty. */
#define _GNU_SOURCE
#include "peer.h"
#include <arpa/inet.h>
#include <auth-client.h>
#include <libesmtp.h>
#include <openssl/ssl.h>

int smtp_starttls_set_ctx(smtp_session_t, SSL_CTX *);

static const char *pull(void **context, int *n, void *user)
{
  static char buf[65536];
  static int fd = -1;

  (void)user;
  if (!*context) *context = calloc(1, 8); /* the library frees it */
  if (!n) {
    *(long *)*context = 0;
    if (!msg) {
      if (fd >= 0) close(fd);
      fd = open(file, O_RDONLY);
    }
    return NULL;
  }
  if (!msg) {
    *n = (int)read(fd, buf, sizeof buf);
    return *n > 0 ? buf : NULL;
  }
  if (*(long *)*context) {
    *n = 0;
    return NULL;
  }
  *(long *)*context = 1;
  *n = (int)len;
  return msg;
}

static int credentials(auth_client_request_t r, char **result, int n, void *user)
{
  int i;

  (void)user;
  for (i = 0; i < n; i++) result[i] = r[i].flags & AUTH_PASS ? (char *)"pass" : (char *)"user";
  return 1;
}

static void tally(smtp_message_t m, void *accepted)
{
  const smtp_status_t *st = smtp_message_transfer_status(m);

  if (st != NULL && st->code / 100 == 2) ++*(long *)accepted;
}

static int session(long messages)
{
  smtp_session_t s = smtp_create_session();
  auth_context_t who = NULL;
  smtp_message_t m;
  SSL_CTX *context;
  char address[300], text[200];
  int result = 0;
  long i, accepted = 0;

  snprintf(address, sizeof address, "%s:%s", host, port);
  smtp_set_server(s, address);
  smtp_set_hostname(s, "client.example");
  if (tls) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(context, getenv("PERF_CA"), NULL);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    smtp_starttls_set_ctx(s, context);
    smtp_starttls_enable(s, Starttls_REQUIRED);
  }
  if (auth) {
    who = auth_create_context();
    auth_set_mechanism_flags(who, AUTH_PLUGIN_PLAIN, 0);
    auth_set_interact_cb(who, credentials, NULL);
    smtp_auth_set_context(s, who);
  }
  for (i = 0; i < messages; i++) {
    m = smtp_add_message(s);
    smtp_set_messagecb(m, pull, NULL);
    smtp_set_reverse_path(m, FROM);
    smtp_add_recipient(m, TO);
  }
  if (!smtp_start_session(s)) {
    fprintf(stderr, "esmtp: %s\n", smtp_strerror(smtp_errno(), text, sizeof text));
    result = 1;
  }
  smtp_enumerate_messages(s, tally, &accepted);
  smtp_destroy_session(s);
  if (who) auth_destroy_context(who);
  return result || accepted != messages;
}

int main(int argc, char **argv)
{
  struct in_addr literal;
  long i;

  args(argc, argv, 0);
  if (tls == 2 || resume || (tls && inet_pton(AF_INET, host, &literal) == 1)) return 3;
  auth_client_init();
  if (reuse) return session(count);
  for (i = 0; i < count; i++)
    if (session(1)) return 1;
  return 0;
}
