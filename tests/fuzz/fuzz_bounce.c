/* fuzz_bounce.c - a message that may be a report, whole and in pieces: both must say the same, no text may be longer than promised or
 * hold a control but LF, recipients have an address and stay below the limit. Input: size of the pieces, then the message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/bounce.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 20u

static void wrong(const char *what)
{
  fprintf(stderr, "%s\n", what);
  abort();
}

static void good_text(const char *text)
{
  size_t i;

  for (i = 0; text[i] != '\0'; i++)
    if (((unsigned char)text[i] < 32 && text[i] != '\n') || text[i] == 127) wrong("a control");
  if (i > 1000) wrong("a text that is too long");
}

static void same_text(const char *a, const char *b)
{
  good_text(a);
  if (strcmp(a, b) != 0) wrong("pieces make a difference");
}

static tern_bounce *read_in(const uint8_t *data, size_t size, size_t step, tern_status *st)
{
  tern_bounce *b = tern_bounce_new(NULL);
  size_t at, n;

  (void)tern_bounce_set_limit(b, LIMIT);
  for (at = 0; at < size; at += n) {
    n = size - at < step ? size - at : step;
    *st = tern_bounce_add(b, data + at, n);
  }
  *st = tern_bounce_end(b);
  return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  tern_status st = TERN_OK, again = TERN_OK;
  tern_bounce *a, *b;
  uint32_t i, count;

  if (size < 1 || size > 60000) return 0;
  a = read_in(data + 1, size - 1, size, &st);
  b = read_in(data + 1, size - 1, 1 + data[0] % 64u, &again);
  count = tern_bounce_rcpt_count(a);
  if (st != again || count != tern_bounce_rcpt_count(b)) wrong("pieces make a difference");
  if (count > LIMIT || (st == TERN_OK) != (count + tern_bounce_left_out(a) != 0)) wrong("count");
  same_text(tern_bounce_reporting_mta(a), tern_bounce_reporting_mta(b));
  same_text(tern_bounce_message_id(a), tern_bounce_message_id(b));
  same_text(tern_bounce_envid(a), tern_bounce_envid(b));
  same_text(tern_bounce_arrival(a), tern_bounce_arrival(b));
  for (i = 0; i < count; i++) {
    const tern_error *e = tern_bounce_rcpt_error(a, i);
    if (tern_bounce_rcpt_final(a, i)[0] == '\0') wrong("no address");
    same_text(tern_bounce_rcpt_final(a, i), tern_bounce_rcpt_final(b, i));
    same_text(tern_bounce_rcpt_original(a, i), tern_bounce_rcpt_original(b, i));
    same_text(tern_bounce_rcpt_code(a, i), tern_bounce_rcpt_code(b, i));
    same_text(tern_bounce_rcpt_remote_mta(a, i), tern_bounce_rcpt_remote_mta(b, i));
    same_text(tern_bounce_rcpt_last_attempt(a, i), tern_bounce_rcpt_last_attempt(b, i));
    same_text(tern_bounce_rcpt_retry_until(a, i), tern_bounce_rcpt_retry_until(b, i));
    same_text(tern_error_text(e), tern_error_text(tern_bounce_rcpt_error(b, i)));
    if (tern_error_status(e) != tern_error_status(tern_bounce_rcpt_error(b, i))) wrong("pieces make a difference");
    if (tern_error_index(e) != i || (tern_error_status(e) == TERN_OK) != (tern_bounce_rcpt_outcome(a, i) == TERN_ACCEPTED))
      wrong("status and outcome");
  }
  tern_bounce_free(a);
  tern_bounce_free(b);
  return 0;
}
