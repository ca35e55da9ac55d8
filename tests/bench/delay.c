/* delay.c - a long wire where the kernel has no netem: two tun devices, every packet of one comes out of the other, late, in order and
 * without loss. Each device then goes into a network namespace of its own, so that two real TCP stacks talk over it.
 *
 * delay DEVICE DEVICE MILLISECONDS     says "ready" */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKETS 16384u

typedef struct packet {
  uint64_t due; /* ns */
  size_t len;
  char *octets;
} packet;

typedef struct line { /* what one device sent */
  int fd;
  unsigned head, tail;
  packet queue[PACKETS];
} line;

static line side[2];

static uint64_t now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int open_tun(const char *name)
{
  struct ifreq r;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

  memset(&r, 0, sizeof r);
  r.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(r.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &r) != 0) {
    perror("delay: /dev/net/tun");
    exit(1);
  }
  return fd;
}

/* Hands over what is due; returns when the next one is, UINT64_MAX: none. */
static uint64_t deliver(line *from, int to)
{
  packet *p;

  while (from->tail != from->head) {
    p = &from->queue[from->tail % PACKETS];
    if (p->due > now()) return p->due;
    if (write(to, p->octets, p->len) < 0) { /* the other end is down: lost */
    }
    free(p->octets);
    from->tail++;
  }
  return UINT64_MAX;
}

static void collect(line *from, uint64_t late)
{
  static char b[65536];
  packet *p;
  ssize_t n;

  while ((n = read(from->fd, b, sizeof b)) > 0) {
    if (from->head - from->tail == PACKETS) continue; /* lost */
    p = &from->queue[from->head % PACKETS];
    p->due = now() + late;
    p->len = (size_t)n;
    p->octets = malloc(p->len);
    if (p->octets == NULL) continue;
    memcpy(p->octets, b, p->len);
    from->head++;
  }
}

int main(int argc, char **argv)
{
  uint64_t late, due, other, t;
  struct pollfd p[2];
  struct timespec wait;
  int i;

  if (argc != 4) return 64;
  for (i = 0; i < 2; i++) side[i].fd = open_tun(argv[1 + i]);
  late = strtoull(argv[3], NULL, 10) * 1000000u;
  puts("ready");
  fflush(stdout);
  for (;;) {
    due = deliver(&side[0], side[1].fd);
    other = deliver(&side[1], side[0].fd);
    if (other < due) due = other;
    t = now();
    t = due > t ? due - t : 0;
    wait.tv_sec = (time_t)(t / 1000000000u);
    wait.tv_nsec = (long)(t % 1000000000u);
    for (i = 0; i < 2; i++) p[i] = (struct pollfd){side[i].fd, POLLIN, 0};
    if (ppoll(p, 2, due == UINT64_MAX ? NULL : &wait, NULL) < 0) continue;
    for (i = 0; i < 2; i++) collect(&side[i], late);
  }
}
