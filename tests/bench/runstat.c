/* runstat.c - runs a command and writes what it took as one JSON line: small and static, since a child's peak resident set begins with
 * that of the process that forked it.
 *
 * runstat OUT SECONDS COMMAND [ARGUMENT...]     killed after SECONDS; "rc" is then 137 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;

static void on_alarm(int sig)
{
  (void)sig;
  kill(-child, SIGKILL); /* and who runs under strace, which a killed strace lets go */
}

static double of(struct timeval t)
{
  return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
  struct timespec a, b;
  struct rusage used;
  int st;
  FILE *f;

  if (argc < 4) return 64;
  clock_gettime(CLOCK_MONOTONIC, &a);
  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    execvp(argv[3], argv + 3);
    _exit(127);
  }
  setpgid(child, child);
  signal(SIGALRM, on_alarm);
  alarm((unsigned)strtoul(argv[2], NULL, 10));
  while (waitpid(child, &st, 0) < 0) continue;
  clock_gettime(CLOCK_MONOTONIC, &b);
  getrusage(RUSAGE_CHILDREN, &used);
  f = fopen(argv[1], "w");
  if (f == NULL) return 1;
  fprintf(f, "{\"rc\":%d,\"wall\":%.6f,\"cpu\":%.6f,\"rss_kib\":%ld}\n",
          WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st),
          (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9,
          of(used.ru_utime) + of(used.ru_stime), used.ru_maxrss);
  return fclose(f) != 0;
}
