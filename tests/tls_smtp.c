/* tls_smtp.c - an SMTP server within the process, behind TLS. It believes its client: what a server
 * should refuse is the dialogues' affair. Neighbours: tls_fixture.c has its TLS. */
#include "tls_smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tls_smtp_open(tls_smtp *s, pki *p, const char *chain_pem, int version)
{
  memset(s, 0, sizeof *s);
  s->pipe = tern_pipe_new(NULL, 40000);
  if (s->pipe == NULL) return -1;
  s->end.table = tern_pipe_transport();
  s->end.user = tern_pipe_end(s->pipe, 1);
  s->extensions = "";
  return server_init(&s->tls, p, s->end, chain_pem, version, 0, 0, 1);
}

void tls_smtp_again(tls_smtp *s)
{
  tern_pipe_free(s->pipe);
  s->pipe = tern_pipe_new(NULL, 40000);
  if (s->pipe == NULL) abort();
  s->end.user = tern_pipe_end(s->pipe, 1);
  if (server_again(&s->tls, s->end) != 0) abort();
  s->greeted = s->in_tls = s->in_data = s->in_auth = s->ended = 0;
  s->len = s->out_len = s->chunk = s->content_len = 0;
  s->log[0] = '\0';
}

void tls_smtp_close(tls_smtp *s)
{
  server_free(&s->tls);
  tern_pipe_free(s->pipe);
}

void *tls_smtp_end(const tls_smtp *s)
{
  return tern_pipe_end(s->pipe, 0);
}

/* ---- SMTP -------------------------------------------------------------------------------------*/

static void say(tls_smtp *s, const char *text)
{
  size_t len = strlen(text);

  if (s->out_len + len + 2 > sizeof s->out) abort();
  memcpy(s->out + s->out_len, text, len);
  memcpy(s->out + s->out_len + len, "\r\n", 2);
  s->out_len += len + 2;
}

static void hello(tls_smtp *s)
{
  char line[200];
  const char *at = s->extensions, *end;

  say(s, "250-mx.example.test");
  if (s->starttls && !s->in_tls) say(s, "250-STARTTLS");
  for (; *at != '\0'; at = *end == '\0' ? end : end + 1) {
    end = strchr(at, '\n') != NULL ? strchr(at, '\n') : at + strlen(at);
    snprintf(line, sizeof line, "250-%.*s", (int)(end - at), at);
    say(s, line);
  }
  say(s, "250 ENHANCEDSTATUSCODES");
}

static void auth_ended(tls_smtp *s, const char *name)
{
  s->in_auth = 0;
  say(s, s->good != NULL && strcmp(s->good, name) == 0 ? "235 2.7.0 welcome" : "535 5.7.8 no");
}

/* The line is a command, or what AUTH LOGIN asked for. */
static void command(tls_smtp *s, const char *line)
{
  size_t used = strlen(s->log);

  snprintf(s->log + used, sizeof s->log - used, "%s\n", line);
  if (s->in_auth == 1) {
    s->in_auth = 2;
    say(s, "334 UGFzc3dvcmQ6");
  } else if (s->in_auth == 2) {
    auth_ended(s, "LOGIN");
  } else if (strncmp(line, "EHLO ", 5) == 0) {
    hello(s);
  } else if (strcmp(line, "STARTTLS") == 0) {
    say(s, "220 go ahead");
    s->in_tls = 1; /* once that has left */
  } else if (strcmp(line, "AUTH LOGIN") == 0) {
    s->in_auth = 1;
    say(s, "334 VXNlcm5hbWU6");
  } else if (strncmp(line, "AUTH PLAIN ", 11) == 0) {
    auth_ended(s, "PLAIN");
  } else if (strncmp(line, "AUTH ", 5) == 0) {
    say(s, "535 5.7.8 no");
  } else if (strcmp(line, "DATA") == 0) {
    s->in_data = 1;
    s->content_len = 0;
    say(s, "354 go ahead");
  } else if (strncmp(line, "BDAT ", 5) == 0) {
    s->chunk = (size_t)strtoul(line + 5, NULL, 10);
    s->last = strstr(line, " LAST") != NULL;
    s->content_len = 0;
    if (s->no_bdat) say(s, "500 5.5.1 what?");
  } else if (strcmp(line, "QUIT") == 0) {
    say(s, "221 bye");
    s->ended = 1;
  } else {
    say(s, "250 2.0.0 fine");
  }
}

static void keep(tls_smtp *s, const char *octets, size_t len)
{
  if (s->content_len + len > sizeof s->content) abort();
  memcpy(s->content + s->content_len, octets, len);
  s->content_len += len;
}

static void mail_ended(tls_smtp *s)
{
  s->mails++;
  say(s, "250 2.0.0 queued as 4F2A");
}

static void take(tls_smtp *s, char octet)
{
  if (s->chunk > 0) {
    if (!s->no_bdat) keep(s, &octet, 1);
    if (--s->chunk == 0 && s->last && !s->no_bdat) mail_ended(s);
    return;
  }
  if (s->len + 1 >= sizeof s->line) abort();
  s->line[s->len++] = octet;
  if (octet != '\n') return;
  if (s->in_data) {
    if (s->len == 3 && s->line[0] == '.') {
      s->in_data = 0;
      mail_ended(s);
    } else {
      keep(s, s->line + (s->line[0] == '.'), s->len - (s->line[0] == '.'));
    }
  } else {
    s->line[s->len - 2] = '\0';
    command(s, s->line);
  }
  s->len = 0;
}

/* ---- octets -----------------------------------------------------------------------------------*/

static int is_up(const tls_smtp *s)
{
  return s->in_tls && s->tls.result == 0;
}

static void flush(tls_smtp *s)
{
  size_t done = 0;
  int rc;

  while (s->out_len > 0) {
    if (is_up(s)) {
      rc = mbedtls_ssl_write(&s->tls.ssl, (const unsigned char *)s->out, s->out_len);
      if (rc <= 0) return;
      done = (size_t)rc;
    } else if (tern__transport_write(&s->end, (const uint8_t *)s->out, s->out_len, &done) !=
               TERN_OK) {
      return;
    }
    s->out_len -= done;
    memmove(s->out, s->out + done, s->out_len);
  }
}

void tls_smtp_step(tls_smtp *s)
{
  uint8_t octets[4096];
  size_t i, len = 0;
  int rc;

  if (!s->starttls) s->in_tls = 1;
  if (s->in_tls && s->tls.result != 0) {
    flush(s); /* the reply to STARTTLS, in clear */
    if (s->out_len == 0) server_step(&s->tls);
    return;
  }
  if (!s->greeted) say(s, "220 mx.example.test ESMTP");
  s->greeted = 1;
  flush(s);
  if (is_up(s)) {
    rc = mbedtls_ssl_read(&s->tls.ssl, octets, sizeof octets);
    len = rc > 0 ? (size_t)rc : 0;
  } else if (tern__transport_read(&s->end, octets, sizeof octets, &len) != TERN_OK) {
    len = 0;
  }
  for (i = 0; i < len; i++) take(s, (char)octets[i]);
  if (!(s->in_tls && s->tls.result != 0)) flush(s);
  if (s->ended && s->out_len == 0) tern__transport_close(&s->end);
}

tern_status tls_smtp_run(tls_smtp *s, tern_client *c)
{
  tern_status status = TERN_E_AGAIN;
  int i;

  for (i = 0; i < 20000 && status == TERN_E_AGAIN; i++) {
    status = tern_client_step(c);
    tls_smtp_step(s);
  }
  return status;
}

tern_status tls_smtp_connect(tls_smtp *s, tern_client *c, const char *host)
{
  tern_status status;

  tern_client_set_blocking(c, 0);
  tern_client_set_ehlo_name(c, "client.example.test");
  tern_client_set_tls(c, s->starttls ? TERN_TLS_REQUIRED : TERN_TLS_IMPLICIT);
  status = tern_client_attach(c, tern_pipe_transport(), tls_smtp_end(s), host);
  return status == TERN_E_AGAIN ? tls_smtp_run(s, c) : status;
}
