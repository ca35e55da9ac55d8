/* message.c - how fast bodies are encoded, beside a plain copy, and what memory a message takes whatever its size.
 *
 *   message [MIB]      (default 256)
 *
 * Encoders: octets in per second, best of three, the passes that look at the content and count included (none for base64). Memory: the peak of the resident set while a message with an attachment of 64 MiB,
 * then 1 GiB, pulled from a source that makes it up, is written and thrown away; and the peak of an arena of 8 KiB that does the same. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <tern/tern.h>
#include <time.h>

static uint8_t pattern[65536];

typedef struct made_up {
  uint64_t size, at;
} made_up;

static tern_status read_made_up(void *user, const uint8_t **octets, size_t *len)
{
  made_up *m = user;
  uint64_t n = m->size - m->at;

  if (n > sizeof pattern) n = sizeof pattern;
  m->at += n;
  *octets = pattern;
  *len = (size_t)n;
  return m->at == m->size ? TERN_SOURCE_END : TERN_OK;
}

static tern_status rewind_made_up(void *user)
{
  ((made_up *)user)->at = 0;
  return TERN_OK;
}

static const tern_source source = {sizeof source, read_made_up, rewind_made_up, NULL};

static double now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Writes all of it away; returns the octets written. */
static uint64_t run(const tern_allocator *mem, uint64_t size, uint32_t encoding)
{
  tern_message *msg = tern_message_new(mem);
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
  const tern_source *s = tern_message_source();
  made_up m = {0, 0};
  const uint8_t *octets;
  uint64_t total = 0;
  size_t len;
  tern_status st;

  m.size = size;
  tern_message_date(msg, 0, 0);
  tern_message_from(msg, NULL, "a@example.org");
  tern_part_set_encoding(encoding <= TERN_ENCODING_8BIT
                             ? tern_message_part_source(msg, NULL, "message/x", &source, &m, size)
                             : tern_message_attach_source(msg, "f", NULL, &source, &m, size),
                         encoding);
  st = s->prepare(msg, ~0u, &info);
  while (st == TERN_OK) {
    st = s->read(msg, &octets, &len);
    if (st >= 0) total += len;
  }
  if (st < 0 || total != info.length) {
    fprintf(stderr, "failed: %s\n", tern_status_name(st));
    exit(1);
  }
  tern_message_free(msg);
  return total;
}

static void speed(const char *name, uint32_t encoding, uint64_t size)
{
  double best = 0;
  int i;

  for (i = 0; i < 3; i++) {
    double from = now(), rate;
    run(NULL, size, encoding);
    rate = (double)size / (now() - from) / 1e9;
    if (rate > best) best = rate;
  }
  printf("%-38s %6.2f GB/s\n", name, best);
}

/* Memory to memory, too large for a cache. */
static void copy(void)
{
  const size_t size = (size_t)256 << 20;
  uint8_t *from = malloc(size), *to = malloc(size);
  void *(*volatile copy_octets)(void *, const void *, size_t) = memcpy; /* not to be left out */
  double began, took;

  if (!from || !to) exit(1);
  memset(from, 1, size);
  memset(to, 2, size);
  copy_octets(to, from, size);
  began = now();
  copy_octets(to, from, size);
  took = now() - began;
  printf("%-38s %6.2f GB/s\n", "plain copy", (double)size / took / 1e9);
  if (memcmp(from, to, size) != 0) exit(1);
  free(from);
  free(to);
}

static void memory(uint64_t size, const char *name)
{
  static uint64_t ram[1024];
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, ram, sizeof ram);
  struct rusage usage;

  run(NULL, size, TERN_ENCODING_BASE64);
  run(mem, size, TERN_ENCODING_BASE64);
  getrusage(RUSAGE_SELF, &usage);
  printf("%-8s attachment: peak resident %ld KiB, arena %zu octets\n", name, usage.ru_maxrss, tern_arena_peak(&arena));
}

static void fill(int text)
{
  size_t i;

  for (i = 0; i < sizeof pattern; i++)
    pattern[i] = text ? (uint8_t)(i % 72 == 71 ? '\n' : i % 6 == 5 ? ' ' : 'a' + i % 26) : (uint8_t)(i * 2654435761u >> 24);
}

int main(int argc, char **argv)
{
  uint64_t size = (argc > 1 ? strtoull(argv[1], NULL, 10) : 256) << 20;

  fill(0);
  memory(UINT64_C(64) << 20, "64 MiB");
  memory(UINT64_C(1) << 30, "1 GiB");
  copy();
  speed("base64", TERN_ENCODING_BASE64, size);
  speed("quoted-printable, any octets", TERN_ENCODING_QUOTED_PRINTABLE, size);
  fill(1);
  speed("quoted-printable, text", TERN_ENCODING_QUOTED_PRINTABLE, size);
  speed("7bit, text", TERN_ENCODING_7BIT, size);
  return 0;
}
