/* etpan.c - libetpan. It verifies no certificate: what it got is verified here, as a program that uses it would have to. */
#include "peer.h"
#include <libetpan/libetpan.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#define TRY(x)                                                                                     \
  do {                                                                                             \
    int r_ = (x);                                                                                  \
    if (r_ != MAILSMTP_NO_ERROR) {                                                                 \
      fprintf(stderr, "etpan: %s: %d\n", #x, r_);                                                  \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static void verify(mailsmtp *s)
{
  static X509_STORE *store;
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  carray *chain = mailstream_get_certificate_chain(s->stream);
  const unsigned char *der;
  MMAPString *first;
  X509 *cert = NULL;

  if (!store) {
    store = X509_STORE_new();
    X509_STORE_load_locations(store, getenv("PERF_CA"), NULL);
  }
  if (chain && carray_count(chain) > 0) {
    first = carray_get(chain, 0);
    der = (const unsigned char *)first->str;
    cert = d2i_X509(NULL, &der, (long)first->len);
  }
  X509_STORE_CTX_init(ctx, store, cert, NULL);
  X509_VERIFY_PARAM_set1_ip_asc(X509_STORE_CTX_get0_param(ctx), host);
  if (!cert || X509_verify_cert(ctx) != 1) {
    fprintf(stderr, "etpan: the certificate does not verify\n");
    exit(1);
  }
  X509_STORE_CTX_free(ctx);
  X509_free(cert);
  mailstream_certificate_chain_free(chain);
}

static mailsmtp *up(void)
{
  mailsmtp *s = mailsmtp_new(0, NULL);
  uint16_t to = (uint16_t)strtoul(port, NULL, 10);

  if (tls == 2) {
    TRY(mailsmtp_ssl_connect(s, host, to));
    verify(s);
  } else
    TRY(mailsmtp_socket_connect(s, host, to));
  TRY(mailesmtp_ehlo(s));
  if (tls == 1) {
    TRY(mailsmtp_socket_starttls(s));
    verify(s);
    TRY(mailesmtp_ehlo(s));
  }
  if (auth) TRY(mailesmtp_auth_sasl(s, "PLAIN", host, NULL, NULL, "user", "user", "pass", NULL));
  return s;
}

int main(int argc, char **argv)
{
  mailsmtp *s = NULL;
  long i;

  args(argc, argv, 1); /* it has no way to pull a message */
  if (resume) return 3;
  for (i = 0; i < count; i++) {
    if (!s) s = up();
    TRY(mailesmtp_mail(s, FROM, 0, NULL));
    TRY(mailesmtp_rcpt(s, TO, 0, NULL));
    TRY(mailsmtp_data(s));
    TRY(mailsmtp_data_message(s, msg, len));
    if (reuse) continue;
    mailsmtp_quit(s);
    mailsmtp_free(s);
    s = NULL;
  }
  if (s) {
    mailsmtp_quit(s);
    mailsmtp_free(s);
  }
  return 0;
}
