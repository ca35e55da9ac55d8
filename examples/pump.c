/* pump.c - the engine alone, driven by hand: what a binding or a loop of one's own does.
 *
 *   pump ADDRESS PORT FROM TO      (IPv4 address, no TLS)
 *
 * The session does no I/O, calls no allocator and reads no clock: octets and the time are handed to
 * it. No heap is used here at all. */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tern/session.h>
#include <time.h>
#include <unistd.h>

static uint64_t block[TERN_SESSION_SIZE(1, 512, 1024) / 8 + 1];
static const char text[] = "Subject: by hand\r\n\r\nHello from a pump.\r\n";

static uint64_t now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int dial(const char *address, const char *port)
{
  struct sockaddr_in to;
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  memset(&to, 0, sizeof to);
  to.sin_family = AF_INET;
  to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
  if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
      connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
    return -1;
  return fd;
}

/* What the engine asks back while it sends. */
static tern_status recipient(void *user, uint32_t index, tern_recipient *out)
{
  (void)index;
  out->forward_path = user;
  return TERN_OK;
}

static void settled(void *user, uint32_t index, const tern_error *error)
{
  char line[512];

  (void)index;
  tern_error_format(error, line, sizeof line);
  printf("%s: %s\n", (const char *)user,
         tern_error_status(error) == TERN_OK ? tern_reply_text(tern_error_reply(error)) : line);
}

static void pump(tern_session *s, int fd)
{
  uint32_t wants;

  while ((wants = tern_session_wants(s)) != 0) {
    struct pollfd p = {fd, POLLIN, 0};
    uint64_t at = tern_session_deadline(s), t = now();
    uint8_t in[512];
    size_t len;
    ssize_t n;

    if (wants & TERN_WANT_WORK) {
      tern_session_tick(s, t);
      continue;
    }
    if (wants & TERN_WRITE) p.events |= POLLOUT;
    poll(&p, 1, at == TERN_NEVER ? -1 : at <= t ? 0 : at - t > 60000 ? 60000 : (int)(at - t));
    if (p.revents & (POLLIN | POLLHUP | POLLERR)) { /* read before writing: session.h says why */
      n = read(fd, in, sizeof in);
      if (n > 0)
        tern_session_in(s, in, (size_t)n, now());
      else
        tern_session_in_closed(s, n == 0 ? TERN_E_CLOSED : TERN_E_IO);
    } else if (p.revents & POLLOUT) {
      const uint8_t *out = tern_session_out(s, &len);
      n = send(fd, out, len, MSG_NOSIGNAL);
      if (n >= 0)
        tern_session_out_done(s, (size_t)n, now());
      else
        tern_session_in_closed(s, TERN_E_IO);
    }
    if (now() >= tern_session_deadline(s)) tern_session_tick(s, now());
  }
}

int main(int argc, char **argv)
{
  tern_session *s;
  tern_transaction mail;
  tern_span content = {(const uint8_t *)text, sizeof text - 1};
  uint8_t outcome = TERN_UNSENT;
  int fd = argc > 4 ? dial(argv[1], argv[2]) : -1;

  if (fd < 0) {
    fprintf(stderr, "pump ADDRESS PORT FROM TO, with a server listening there\n");
    return 64;
  }
  memset(&mail, 0, sizeof mail);
  mail.size = sizeof mail;
  mail.reverse_path = argv[3];
  mail.rcpt_count = 1;
  mail.outcome = &outcome;
  mail.recipient = recipient;
  mail.settled = settled;
  mail.user = argv[4];
  mail.spans = &content;
  mail.span_count = 1;

  tern_session_init(&s, block, sizeof block, 1, 512);
  tern_session_set_tls(s, TERN_TLS_NONE);
  tern_session_set_ehlo_name(s, "[127.0.0.1]");
  tern_session_start(s, now());
  if (tern_session_send(s, &mail) != TERN_OK)
    fprintf(stderr, "%s\n", tern_error_text(tern_session_argument_error(s)));
  tern_session_quit(s);
  pump(s, fd);
  close(fd);
  return outcome == TERN_ACCEPTED ? 0 : 1;
}
