/* firmware.c - a device: own transport, static octets, no heap.
 *
 * The "modem" is standard input and output here, so that it runs on a host too, with a socket on
 * both (socat EXEC:./firmware TCP:relay:25). Everything of tern's lives in `ram`; one that is too
 * small is answered with TERN_E_NOMEM. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <tern/tern.h>

/* ---- the driver: what a firmware has instead --------------------------------------------------------*/
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static tern_status modem_read(void *user, uint8_t *octets, size_t cap, size_t *len)
{
  ssize_t n = read(STDIN_FILENO, octets, cap);

  (void)user;
  if (n < 0) return errno == EAGAIN || errno == EINTR ? TERN_E_AGAIN : TERN_E_IO;
  *len = (size_t)n;
  return n ? TERN_OK : TERN_E_CLOSED;
}

static tern_status modem_write(void *user, const uint8_t *octets, size_t len, size_t *done)
{
  ssize_t n = write(STDOUT_FILENO, octets, len);

  (void)user;
  if (n < 0) return errno == EAGAIN || errno == EINTR ? TERN_E_AGAIN : TERN_E_IO;
  *done = (size_t)n;
  return TERN_OK;
}

static uint64_t modem_now(void *user)
{
  struct timespec t;

  (void)user;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- the program -------------------------------------------------------------------------------------*/
static const tern_transport modem = {sizeof modem, modem_read, modem_write, NULL, NULL,
                                     NULL,         modem_now,  NULL,        NULL};
static uint64_t ram[576]; /* 4.5 KiB */
static const char note[] = "Subject: door open\r\n\r\nSensor 7 tripped.\r\n";
static size_t peak;

static tern_status report(void)
{
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, ram, sizeof ram);
  tern_client *c = tern_client_new(mem);
  tern_mail *mail = tern_mail_new(mem);
  tern_status st;

  tern_mail_from(mail, "door@plant.example");
  tern_mail_rcpt(mail, "ops@plant.example");
  tern_mail_content(mail, note, sizeof note - 1); /* borrowed, not copied */

  tern_client_set_tls(c, TERN_TLS_NONE);                /* the wire is in the clear, by our word */
  tern_client_set_ehlo_name(c, "door.plant.example");   /* a modem has no address to make one of */
  tern_client_set_buffers(c, TERN_SESSION_OUT_MIN, TERN_SESSION_TEXT_MIN);
  tern_client_attach(c, &modem, NULL, "relay.plant.example");
  st = tern_client_send(c, mail);
  tern_client_quit(c);
  peak = tern_arena_peak(&arena);
  return st; /* nothing to free */
}

int main(void)
{
  tern_status st;

  fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  st = report();
  fprintf(stderr, "%s, %lu octets of memory\n", st == TERN_OK ? "sent" : tern_status_name(st),
          (unsigned long)peak);
  return st != TERN_OK;
}
