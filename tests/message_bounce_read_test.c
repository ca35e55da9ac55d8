/* message_bounce_read_test.c - reports of many makes (tests/bounce), read in any split; what bounce_write.c writes, read back;
 * hostile input; each allocation failing.
 *
 * A file of the corpus: what is to be found, "---", the message. What a line of the head does not ask for is not looked at, but
 * the number of recipients is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/bounce.h>

#include "base/error.h"
#include "message_source.h"

static char *read_file(const char *name)
{
  char path[512], *text = malloc(65536);
  size_t len;
  FILE *f;

  snprintf(path, sizeof path, "%s/%s", TERN_BOUNCES, name);
  f = fopen(path, "rb");
  assert_non_null(f);
  len = fread(text, 1, 65535, f);
  text[len] = '\0';
  fclose(f);
  return text;
}

static tern_status feed(tern_bounce *b, const char *text, size_t len, size_t step)
{
  size_t at, n;

  for (at = 0; at < len; at += n) {
    char *piece;
    tern_status st;
    n = step != 0 && step < len - at ? step : len - at;
    piece = malloc(n); /* of exactly its size, for the sanitizer */
    memcpy(piece, text + at, n);
    st = tern_bounce_add(b, piece, n);
    free(piece);
    if (st != TERN_OK) return st;
  }
  return tern_bounce_end(b);
}

/* ---- the corpus ------------------------------------------------------------------------------------*/
static unsigned labels, right;
static int first; /* of the many ways to read a file */

static void same(const char *file, const char *what, const char *got, const char *want)
{
  if (strcmp(got, want) != 0) fail_msg("%s: %s is \"%s\", not \"%s\"", file, what, got, want);
}

/* A line of the head about recipient i. */
static void of_rcpt(const char *file, const tern_bounce *b, uint32_t i, const char *key, const char *value)
{
  const tern_error *e = tern_bounce_rcpt_error(b, i);
  char name[64], reply[32];

  if (!strcmp(key, "original")) same(file, key, tern_bounce_rcpt_original(b, i), value);
  else if (!strcmp(key, "action")) same(file, key, tern_action_name(tern_bounce_rcpt_action(b, i)), value);
  else if (!strcmp(key, "code")) same(file, key, tern_bounce_rcpt_code(b, i), value);
  else if (!strcmp(key, "text")) same(file, key, tern_reply_text(tern_error_reply(e)), value);
  else if (!strcmp(key, "detail")) {
    assert_null(tern_error_reply(e));
    same(file, key, tern_error_text(e), value);
  } else if (!strcmp(key, "remote")) same(file, key, tern_bounce_rcpt_remote_mta(b, i), value);
  else if (!strcmp(key, "phase")) same(file, key, tern_phase_name(tern_error_phase(e)), value);
  else if (!strcmp(key, "retry")) same(file, key, tern_bounce_rcpt_retry_until(b, i), value);
  else if (!strcmp(key, "attempt")) same(file, key, tern_bounce_rcpt_last_attempt(b, i), value);
  else if (!strcmp(key, "reply")) {
    const tern_reply *r = tern_error_reply(e);
    snprintf(reply, sizeof reply, "%u%s%s", (unsigned)tern_reply_code(r), tern_reply_enhanced(r)[0] ? " " : "", tern_reply_enhanced(r));
    same(file, key, reply, value);
  } else if (!strcmp(key, "status")) {
    snprintf(name, sizeof name, "TERN_%s%s", strcmp(value, "OK") ? "E_" : "", value);
    labels++;
    if (!strcmp(name, tern_status_name(tern_error_status(e)))) right++;
    else if (first) printf("%s: %s is %s, judged %s\n", file, tern_bounce_rcpt_final(b, i), name, tern_status_name(tern_error_status(e)));
  } else fail_msg("%s: no key %s", file, key);
}

static void of_message(const char *file, const tern_bounce *b, const char *key, const char *value)
{
  if (!strcmp(key, "format")) same(file, key, tern_bounce_format(b), value);
  else if (!strcmp(key, "mta")) same(file, key, tern_bounce_reporting_mta(b), value);
  else if (!strcmp(key, "envid")) same(file, key, tern_bounce_envid(b), value);
  else if (!strcmp(key, "message-id")) same(file, key, tern_bounce_message_id(b), value);
  else if (!strcmp(key, "arrival")) same(file, key, tern_bounce_arrival(b), value);
  else if (strcmp(key, "source") != 0) fail_msg("%s: no key %s", file, key);
}

static void check(const char *file, const tern_bounce *b, const char *head)
{
  char text[8192], *line, *next, *key, *value;
  uint32_t count = 0;

  snprintf(text, sizeof text, "%s", head);
  for (line = text; *line != '\0'; line = next) {
    next = line + strcspn(line, "\n");
    while (next[0] == '\n' && next[1] == ' ' && next[2] == ' ' && next[3] == ' ') { /* a value of two lines */
      memmove(next + 1, next + 4, strlen(next + 4) + 1);
      next += 1 + strcspn(next + 1, "\n");
    }
    if (*next != '\0') *next++ = '\0';
    key = line + strspn(line, " ");
    value = strchr(key, ':');
    assert_non_null(value);
    *value++ = '\0';
    if (*value == ' ') value++;
    if (!strcmp(key, "rcpt")) same(file, key, tern_bounce_rcpt_final(b, count++), value);
    else if (count == 0) of_message(file, b, key, value);
    else of_rcpt(file, b, count - 1, key, value);
  }
  assert_int_equal(tern_bounce_rcpt_count(b), count);
}

static void test_corpus(void **state)
{
  DIR *dir = opendir(TERN_BOUNCES);
  struct dirent *entry;
  unsigned files = 0;

  (void)state;
  assert_non_null(dir);
  labels = right = 0;
  while ((entry = readdir(dir)) != NULL) {
    static const size_t steps[] = {0, 1, 2, 3, 7, 64, 1000};
    char *text, *message, *crlf;
    size_t i, n, len;

    if (strstr(entry->d_name, ".txt") == NULL) continue;
    files++;
    text = read_file(entry->d_name);
    message = strstr(text, "\n---\n");
    assert_non_null(message);
    message[1] = '\0';
    message += 5;
    crlf = malloc(2 * strlen(message) + 1);
    for (i = n = 0; message[i] != '\0'; i++) {
      if (message[i] == '\n') crlf[n++] = '\r';
      crlf[n++] = message[i];
    }
    for (i = 0; i < 2 * sizeof steps / sizeof steps[0]; i++) {
      tern_bounce *b = tern_bounce_new(NULL);
      tern_status st;
      first = i == 0;
      st = i % 2 ? feed(b, crlf, n, steps[i / 2]) : feed(b, message, strlen(message), steps[i / 2]);
      len = strstr(text, "\nrcpt:") != NULL;
      if (st != (len ? TERN_OK : TERN_E_CONTENT)) fail_msg("%s: %s", entry->d_name, tern_status_name(st));
      check(entry->d_name, b, text);
      tern_bounce_free(b);
    }
    free(crlf);
    free(text);
  }
  closedir(dir);
  labels /= 14;
  right /= 14;
  printf("bounces: %u files, statuses got right: %u of %u\n", files, right, labels);
  assert_true(files >= 25 && labels >= 30);
  assert_true(right * 100 >= labels * 95);
}

/* Every prefix of each ends somehow, and says nothing that the whole does not. */
static void test_cut(void **state)
{
  static const char *const names[] = {"postfix-report.txt", "exim-text.txt", "exchange-text.txt", "utf8-report.txt", "gmail-report.txt"};
  size_t i, len, cut;

  (void)state;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    char *text = read_file(names[i]), *message = strstr(text, "\n---\n") + 5;
    len = strlen(message);
    for (cut = 0; cut <= len; cut++) {
      tern_bounce *b = tern_bounce_new(NULL);
      tern_status st = feed(b, message, cut, 0);
      assert_true(st == TERN_OK || st == TERN_E_CONTENT);
      assert_int_equal(st == TERN_OK, tern_bounce_rcpt_count(b) != 0);
      assert_true(tern_bounce_rcpt_count(b) <= 4);
      tern_bounce_free(b);
    }
    free(text);
  }
}

/* ---- what is written is read -----------------------------------------------------------------------*/
static uint32_t seed;

static uint32_t chance(uint32_t below)
{
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

typedef struct made {
  char mailbox[64], orcpt[80], remote[64], text[200];
  tern_error error;
  uint32_t outcome;
  int orcpt_set, remote_set;
} made;

static void make_one(made *m, uint32_t n)
{
  static const char *const words[] = {"no such user", "try again\nlater, please", "550 is not the code", "x", "a (b) ; c: d", "<a@b>... User unknown"};
  static const struct {
    tern_status status;
    uint32_t code;
    const char *enhanced;
  } rows[] = {{TERN_E_NO_SUCH_MAILBOX, 550, "5.1.1"}, {TERN_E_SPAM, 554, ""}, {TERN_E_GREYLISTED, 451, "4.7.1"}, {TERN_E_TIMEOUT, 0, ""},
              {TERN_E_NULL_MX, 0, ""}, {TERN_E_CONTENT_REFUSED, 554, "5.6.0"}, {TERN_E_TLS_REFUSED, 502, ""}, {TERN_E_RATE_LIMITED, 452, "4.2.1"}};
  size_t row = chance(sizeof rows / sizeof rows[0]);
  static const uint32_t phases[] = {TERN_PHASE_CONNECT, TERN_PHASE_MAIL, TERN_PHASE_RCPT, TERN_PHASE_END_OF_DATA};

  memset(m, 0, sizeof *m);
  snprintf(m->mailbox, sizeof m->mailbox, "%s%u@%s.example", chance(3) ? "bob" : "j\xc3\xb6+", n, chance(2) ? "net" : "b\xc3\xbc");
  m->orcpt_set = chance(2) != 0;
  snprintf(m->orcpt, sizeof m->orcpt, "%s;%s", chance(2) ? "rfc822" : "utf-8", chance(2) ? "o+@example.org" : "\xe2\x82\xac@example.org");
  m->remote_set = chance(2) != 0;
  strcpy(m->remote, "mx.example.net");
  snprintf(m->text, sizeof m->text, "%s", words[chance(sizeof words / sizeof words[0])]);
  tern__error_set(&m->error, rows[row].status, phases[chance(4)]);
  m->outcome = chance(3) == 0 ? TERN_ACCEPTED : chance(2) ? TERN_REJECTED : TERN_DEFERRED;
  if (m->outcome == TERN_ACCEPTED) {
    tern__error_set(&m->error, TERN_OK, TERN_PHASE_NONE);
    m->error.reply.code = chance(2) ? 250 : 0;
    m->error.reply.text = m->text;
    return;
  }
  m->error.reply.code = (uint16_t)rows[row].code;
  strcpy(m->error.reply.enhanced, rows[row].enhanced);
  if (rows[row].code != 0) m->error.reply.text = m->text;
  else m->error.detail = m->text;
}

static void flat(char *out, const char *text)
{
  for (; *text != '\0'; text++) *out++ = *text == '\n' ? ' ' : *text;
  *out = '\0';
}

static void compare(const tern_bounce *b, uint32_t i, const made *m)
{
  const tern_error *e = tern_bounce_rcpt_error(b, i);
  char want[200], got[200];

  assert_string_equal(tern_bounce_rcpt_final(b, i), m->mailbox);
  assert_string_equal(tern_bounce_rcpt_original(b, i), m->orcpt_set ? strchr(m->orcpt, ';') + 1 : "");
  assert_string_equal(tern_bounce_rcpt_remote_mta(b, i), m->remote_set ? m->remote : "");
  assert_int_equal(tern_bounce_rcpt_outcome(b, i), m->outcome);
  assert_int_equal(tern_error_status(e), m->error.status);
  assert_int_equal(tern_error_phase(e), m->error.phase);
  assert_int_equal(tern_error_index(e), i);
  assert_int_equal(tern_reply_code(tern_error_reply(e)), m->error.reply.code);
  assert_string_equal(tern_reply_enhanced(tern_error_reply(e)), m->error.reply.code ? m->error.reply.enhanced : "");
  if (m->outcome == TERN_ACCEPTED && m->error.reply.code == 0) return;
  flat(want, m->text);
  snprintf(got, sizeof got, "%s", tern_error_text(e));
  flat(got, got);
  assert_string_equal(got, want);
}

static void test_round_trip(void **state)
{
  static const char original[] = "From: ann@example.org\r\nMessage-ID: <orig@example.org>\r\n\r\nbody\r\n";
  static made m[7];
  uint32_t turn, n, i;

  (void)state;
  for (turn = 0; turn < 400; turn++) {
    tern_report *r = tern_report_new(NULL);
    tern_bounce *b = tern_bounce_new(NULL);
    tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
    int utf8 = turn % 3 == 0;

    seed = turn;
    assert_int_equal(tern_report_set_reporting_mta(r, "out.example.org"), TERN_OK);
    assert_int_equal(tern_report_set_to(r, utf8 ? "\xc3\xb6@example.org" : "ann@example.org"), TERN_OK);
    assert_int_equal(tern_report_set_message_id(r, "1.2.3@out.example.org"), TERN_OK);
    assert_int_equal(tern_report_set_date(r, 1795576054, 60), TERN_OK);
    assert_int_equal(tern_report_set_arrival(r, 1795576054, -60), TERN_OK);
    assert_int_equal(tern_report_set_envid(r, "an id"), TERN_OK);
    n = 1 + chance(sizeof m / sizeof m[0]);
    for (i = 0; i < n; i++) {
      make_one(&m[i], i);
      assert_int_equal(tern_report_rcpt(r, m[i].mailbox, m[i].outcome, &m[i].error), TERN_OK);
      if (m[i].orcpt_set) assert_int_equal(tern_report_set_orcpt(r, m[i].orcpt), TERN_OK);
      if (m[i].remote_set) assert_int_equal(tern_report_set_remote_mta(r, m[i].remote), TERN_OK);
    }
    assert_int_equal(tern_report_set_original_octets(r, original, TERN_NUL, chance(2)), TERN_OK);
    assert_int_equal(tern_report_source()->prepare(r, 0xffffffffu, &info), TERN_OK);
    assert_int_equal(tern_bounce_read(b, tern_report_source(), r), TERN_OK);
    assert_string_equal(tern_bounce_format(b), "rfc3464");
    assert_string_equal(tern_bounce_reporting_mta(b), "out.example.org");
    assert_string_equal(tern_bounce_envid(b), "an id");
    assert_string_equal(tern_bounce_message_id(b), "orig@example.org");
    assert_string_equal(tern_bounce_arrival(b), "Wed, 25 Nov 2026 02:07:34 -0100");
    assert_int_equal(tern_bounce_rcpt_count(b), n);
    for (i = 0; i < n; i++) compare(b, i, &m[i]);
    tern_bounce_free(b);
    tern_report_free(r);
  }
}

/* ---- hostile ---------------------------------------------------------------------------------------*/
typedef struct flood {
  const char *head, *piece;
  size_t times, at;
  int in_head;
} flood;

static tern_status flood_read(void *user, const uint8_t **octets, size_t *len)
{
  flood *f = user;
  const char *text = f->in_head ? f->head : f->piece;

  *octets = (const uint8_t *)text;
  *len = strlen(text);
  if (f->in_head) f->in_head = 0;
  else if (++f->at >= f->times) return TERN_SOURCE_END;
  return TERN_OK;
}

static const tern_source flood_source = {sizeof flood_source, flood_read, NULL, NULL};

/* Ten million octets and more of each, in an arena that is full at 48 KiB. */
static void test_floods(void **state)
{
  static const char k[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
  static const struct {
    const char *head, *piece;
    size_t times;
    tern_status status;
  } rows[] = {
    {"Subject: x", k, 100000, TERN_E_CONTENT},                            /* a line of 10 MB in the header */
    {"", "A: b\n", 2000000, TERN_E_CONTENT},                              /* a header without end */
    {"X: y\n", " fold\n", 1700000, TERN_E_CONTENT},                       /* a field without end */
    {"\nHi. This is the\n\n<a@b.c>:\n", k, 100000, TERN_OK},              /* a line of 10 MB in a reason */
    {"\nHi. This is the\n\n<a@b.c>:\n", "word\n", 2000000, TERN_OK},      /* a reason without end */
    {"\n", "\n", 10000000, TERN_E_CONTENT},
    {"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b\nAction: failed\nDiagnostic-Code: smtp; ", k, 100000, TERN_OK},
    {"Content-Type: message/delivery-status\n\n", "Action: failed\n\n", 600000, TERN_E_CONTENT}, /* groups without a recipient */
    {"", "Content-Type: multipart/mixed; boundary=a\n\n--a\n", 200000, TERN_E_CONTENT},          /* parts in parts */
    {"Content-Type: multipart/mixed; boundary=a\n\n", "--a\n\n", 2000000, TERN_E_CONTENT},
    {"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n", k, 100000, TERN_E_CONTENT},
    {"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n", "xxxxxxxxxxxxxx=\n", 600000, TERN_E_CONTENT},
    {"Content-Type: multipart/mixed; boundary=\"", k, 100000, TERN_E_CONTENT},
    {"", "--", 5000000, TERN_E_CONTENT},
  };
  static uint64_t memory[6144];
  size_t i;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    flood f = {rows[i].head, rows[i].piece, rows[i].times, 0, 1};
    tern_arena arena;
    tern_bounce *b = tern_bounce_new(tern_arena_init(&arena, memory, sizeof memory));
    tern_status st;
    assert_non_null(b);
    if (rows[i].head[0] == '\0') f.in_head = 0;
    st = tern_bounce_read(b, &flood_source, &f);
    if (st != rows[i].status) fail_msg("%s: %s", rows[i].head, tern_status_name(st));
    tern_bounce_free(b);
    assert_int_equal(tern_arena_level(&arena), 0);
  }
}

/* Recipients over the limit are counted. Distinct ones cost their texts, no more. */
static void test_limit(void **state)
{
  tern_bounce *b = tern_bounce_new(NULL);
  char line[128];
  uint32_t i;

  (void)state;
  assert_int_equal(tern_bounce_set_limit(b, 0), TERN_E_ARGUMENT);
  assert_int_equal(tern_bounce_set_limit(b, 10), TERN_OK);
  assert_int_equal(tern_bounce_add(b, "Content-Type: message/delivery-status\n\n", 39), TERN_OK);
  for (i = 0; i < 5000; i++) {
    int n = snprintf(line, sizeof line, "Final-Recipient: rfc822;a%u@b\nAction: failed\nStatus: 5.1.1\n\n", (unsigned)i);
    assert_int_equal(tern_bounce_add(b, line, (size_t)n), TERN_OK);
  }
  assert_int_equal(tern_bounce_end(b), TERN_OK);
  assert_int_equal(tern_bounce_end(b), TERN_OK);
  assert_int_equal(tern_bounce_add(b, "x", 1), TERN_E_STATE);
  assert_int_equal(tern_bounce_rcpt_count(b), 10);
  assert_int_equal(tern_bounce_left_out(b), 4990);
  assert_string_equal(tern_bounce_rcpt_final(b, 9), "a9@b");
  assert_string_equal(tern_bounce_rcpt_final(b, 10), "");
  assert_int_equal(tern_error_status(tern_bounce_rcpt_error(b, 10)), TERN_OK);
  tern_bounce_clear(b);
  assert_int_equal(tern_bounce_rcpt_count(b), 0);
  assert_int_equal(tern_bounce_end(b), TERN_E_CONTENT);
  tern_bounce_free(b);
}

static void test_source(void **state)
{
  char *text = read_file("qmail.txt"), *message = strstr(text, "\n---\n") + 5;
  split s = {message, strlen(message), 5, 3, 0, 0, 0, 0, 0, 0, NULL};
  tern_bounce *b = tern_bounce_new(NULL);
  tern_status st;

  (void)state;
  while ((st = tern_bounce_read(b, &split_source, &s)) == TERN_E_AGAIN) continue;
  assert_int_equal(st, TERN_OK);
  assert_int_equal(tern_bounce_rcpt_count(b), 2);
  tern_bounce_clear(b);
  split_free(&s);
  memset(&s, 0, sizeof s);
  s.octets = message;
  s.len = strlen(message);
  s.fail_at = 100;
  s.step = 10;
  assert_int_equal(tern_bounce_read(b, &split_source, &s), TERN_E_SOURCE);
  split_free(&s);
  assert_int_equal(tern_bounce_read(b, NULL, NULL), TERN_E_ARGUMENT);
  tern_bounce_free(b);
  tern_bounce_free(NULL);
  tern_bounce_clear(NULL);
  assert_int_equal(tern_bounce_add(NULL, "", 0), TERN_E_NOMEM);
  assert_int_equal(tern_bounce_end(NULL), TERN_E_NOMEM);
  assert_string_equal(tern_bounce_rcpt_final(NULL, 0), "");
  assert_int_equal(tern_bounce_rcpt_outcome(NULL, 0), TERN_UNKNOWN);
  free(text);
}

static void test_memory(void **state)
{
  char *text = read_file("exim-text.txt"), *message = strstr(text, "\n---\n") + 5;
  failing f;
  size_t i;

  (void)state;
  for (i = 1;; i++) {
    tern_status st = TERN_E_NOMEM;
    tern_bounce *b;
    failing_init(&f, i, i % 2 == 0);
    b = tern_bounce_new(&f.allocator);
    if (b != NULL) st = feed(b, message, strlen(message), 11);
    tern_bounce_free(b);
    assert_int_equal(f.live, 0);
    if (f.calls < i) {
      assert_int_equal(st, TERN_OK);
      assert_true(i > 8);
      break;
    }
    assert_int_equal(st, TERN_E_NOMEM);
  }
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_corpus), cmocka_unit_test(test_cut),    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_floods),
    cmocka_unit_test(test_limit),  cmocka_unit_test(test_source), cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
