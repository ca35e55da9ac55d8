/* loop.c - many sessions, one poll(): nothing blocks, step moves.
 *
 *   [TERN_PASSWORD=secret] loop URL FROM TO COUNT [CA]
 *
 * COUNT sessions send one message each, all at once, from one thread. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <tern/tern.h>

static const char text[] = "Subject: one of many\r\n\r\nHello from a loop.\r\n";

static short events_of(uint32_t wants)
{
  return (short)((wants & TERN_READ ? POLLIN : 0) | (wants & TERN_WRITE ? POLLOUT : 0));
}

static tern_client *start(char **argv, const char *ca, tern_mail *mail)
{
  tern_client *c = tern_client_new(NULL);
  const char *password = getenv("TERN_PASSWORD");

  tern_client_set_blocking(c, 0);
  tern_client_set_ca(c, ca);
  tern_mail_from(mail, argv[2]);
  tern_mail_rcpt(mail, argv[3]);
  tern_mail_content(mail, text, TERN_NUL);
  tern_client_connect(c, argv[1]); /* each of these only stores what is wanted */
  if (password) tern_client_auth(c, argv[2], password);
  tern_client_send(c, mail);
  tern_client_quit(c);
  return c;
}

static void turn(tern_client **c, struct pollfd *p, size_t n)
{
  size_t live, i;

  do {
    int32_t t, soonest = -1;
    for (live = i = 0; i < n; i++) {
      live += tern_client_step(c[i]) == TERN_E_AGAIN;
      p[i].fd = tern_client_fd(c[i]); /* -1 once it has ended */
      p[i].events = events_of(tern_client_wants(c[i]));
      t = tern_client_timeout(c[i]); /* ms, -1: none */
      if (t >= 0 && (soonest < 0 || t < soonest)) soonest = t;
    }
    if (live) poll(p, (nfds_t)n, soonest);
  } while (live);
}

int main(int argc, char **argv)
{
  size_t n = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 0, i, sent = 0;
  tern_client **c = calloc(n + 1, sizeof *c);
  tern_mail **mail = calloc(n + 1, sizeof *mail);
  struct pollfd *p = calloc(n + 1, sizeof *p);

  if (!n || !c || !mail || !p) {
    fprintf(stderr, "loop URL FROM TO COUNT [CA]\n");
    return 64;
  }
  for (i = 0; i < n; i++) {
    mail[i] = tern_mail_new(NULL);
    c[i] = start(argv, argc > 5 ? argv[5] : NULL, mail[i]);
  }
  turn(c, p, n);
  for (i = 0; i < n; i++) { /* mail[i] has its outcome */
    sent += tern_mail_status(mail[i]) == TERN_OK;
    if (tern_mail_status(mail[i]) != TERN_OK)
      fprintf(stderr, "%s\n", tern_error_text(tern_mail_error(mail[i])));
    tern_client_free(c[i]);
    tern_mail_free(mail[i]);
  }
  printf("%lu of %lu sent\n", (unsigned long)sent, (unsigned long)n);
  free(c);
  free(mail);
  free(p);
  return sent == n ? 0 : 1;
}
