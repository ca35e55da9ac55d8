/* tls_smtp.h - an SMTP server within the process, behind TLS of tls_fixture.h, at one end of a pipe;
 * a client of the public interface is attached to the other, and both are stepped in turn. */
#ifndef TERN_TESTS_TLS_SMTP_H
#define TERN_TESTS_TLS_SMTP_H

#include <tern/client.h>

#include "tls_fixture.h"

typedef struct tls_smtp {
  /* settings, to be set after open */
  int starttls;            /* the greeting is in clear; else TLS comes first */
  const char *extensions;  /* lines of EHLO behind the first, "AUTH PLAIN\nCHUNKING" */
  const char *good;        /* the mechanism that takes the user; others answer 535 */
  int no_bdat;             /* it is offered, and not known */
  /* what came of it */
  char log[4096];          /* the commands of this connection, each ended by LF */
  char content[8192];      /* of the last mail */
  size_t content_len;
  int mails;
  /* its own */
  server tls;
  tern_pipe *pipe;
  tern__link end;
  int greeted, in_tls, in_data, in_auth, ended;
  size_t chunk;
  int last;
  char line[4096];
  size_t len;
  char out[2048];
  size_t out_len;
} tls_smtp;

/* version: the only one of TLS, TLS12 or TLS13. 0: all is well. */
int tls_smtp_open(tls_smtp *s, pki *p, const char *chain_pem, int version);
/* Forgets the connection: the next client finds the same server, with the same tickets. */
void tls_smtp_again(tls_smtp *s);
void tls_smtp_close(tls_smtp *s);
/* The client's end of the pipe. */
void *tls_smtp_end(const tls_smtp *s);
void tls_smtp_step(tls_smtp *s);
/* Attaches c, steps both until c has nothing under way; what its last step answered. */
tern_status tls_smtp_run(tls_smtp *s, tern_client *c);
tern_status tls_smtp_connect(tls_smtp *s, tern_client *c, const char *host);

#endif
