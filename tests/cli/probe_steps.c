/* probe_steps.c - a stepped probe, given up after each number of steps that it could take. For probe.py.
 *
 * Arguments: URL CA-FILE. A new client with credentials for each number, from 0 until the probe ends by itself; after
 * each the client is told to send, and must not. Standard output: "given up STATUS" of that mail for each probe that
 * was given up; then "ended STATUS CERTIFICATES" of the one that was not. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdio.h>
#include <tern/tern.h>

static tern_status move(tern_client *c, tern_probe *p)
{
  tern_status st = p ? tern_probe_step(p) : tern_client_step(c);
  uint32_t wants = tern_client_wants(c);
  struct pollfd at;

  if (st != TERN_E_AGAIN) return st;
  at.fd = tern_client_fd(c);
  at.events = (short)((wants & TERN_READ ? POLLIN : 0) | (wants & TERN_WRITE ? POLLOUT : 0));
  (void)poll(&at, 1, tern_client_timeout(c));
  return st;
}

static tern_client *make_client(const char *ca)
{
  tern_client *c = tern_client_new(NULL);

  tern_client_set_blocking(c, 0);
  tern_client_set_ca(c, ca);
  tern_client_set_ehlo_name(c, "client.example.org");
  tern_client_auth(c, "ann", "s3cr3t-pass");
  return c;
}

static tern_status send_with(tern_client *c)
{
  tern_mail *mail = tern_mail_new(NULL);
  tern_status st;

  tern_mail_from(mail, "ann@example.org");
  tern_mail_rcpt(mail, "bob@example.net");
  tern_mail_content(mail, "Subject: x\r\n\r\nx\r\n", TERN_NUL);
  st = tern_client_send(c, mail);
  while (st == TERN_E_AGAIN) st = move(c, NULL);
  st = tern_error_status(tern_mail_error(mail));
  tern_client_free(c);
  tern_mail_free(mail);
  return st;
}

int main(int argc, char **argv)
{
  uint32_t most, i, count = 0;
  tern_status st = TERN_E_AGAIN;

  if (argc != 3) return 64;
  for (most = 0; st == TERN_E_AGAIN; most++) {
    tern_client *c = make_client(argv[2]);
    tern_probe *p = tern_probe_new(NULL);

    st = tern_probe_start(p, c, argv[1]);
    for (i = 0; st == TERN_E_AGAIN && i < most; i++) st = move(c, p);
    count = tern_tls_chain_count(tern_probe_chain(p));
    tern_probe_free(p);
    if (st == TERN_E_AGAIN) printf("given up %s\n", tern_status_name(send_with(c)));
    else tern_client_free(c);
  }
  printf("ended %s %u\n", tern_status_name(st), count);
  return 0;
}
