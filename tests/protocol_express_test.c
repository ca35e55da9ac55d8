/* protocol_express_test.c - the engine with a program that does not keep its word: a recipient that
 * is another one each time it is asked for. The line that was checked is not the line that is
 * written; the octets still stay in the block, in front of an unreadable page. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/session.h>

#define LONG 40000u

static char longest[LONG + 1];

typedef struct turncoat {
  uint32_t asked;
  uint32_t since; /* the call from which on the path is another */
  tern_status done;
} turncoat;

static tern_status on_recipient(void *user, uint32_t index, tern_recipient *out)
{
  turncoat *t = user;

  (void)index;
  out->forward_path = ++t->asked >= t->since ? longest : "bob@example.net";
  return TERN_OK;
}

static void on_done(void *user, tern_status status, const tern_error *error)
{
  (void)error;
  ((turncoat *)user)->done = status;
}

static void a_path_that_grows_stays_in_the_buffer(void **state)
{
  static const char server[] = "220 here\r\n", hello[] = "250-here\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
  static const char content[] = "Subject: x\r\n\r\nhello\r\n";
  size_t page = (size_t)sysconf(_SC_PAGESIZE), size = tern_session_size(4, 512, 16384), whole, len;
  tern_span span = {(const uint8_t *)content, sizeof content - 1};
  tern_transaction t;
  turncoat who;
  uint8_t outcome;
  uint8_t *map;
  tern_session *s;

  (void)state;
  memset(longest, 'x', LONG);
  size = (size + TERN_SESSION_ALIGN - 1) / TERN_SESSION_ALIGN * TERN_SESSION_ALIGN;
  whole = (size + page - 1) / page * page;
  for (who.since = 1; who.since < 5; who.since++) {
    map = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + whole, page, PROT_NONE), 0);
    assert_int_equal(tern_session_init(&s, map + whole - size, size, 4, 512), TERN_OK);
    tern_session_set_ehlo_name(s, "client.example");
    tern_session_set_tls(s, TERN_TLS_NONE);
    who.asked = 0;
    who.done = TERN_E_AGAIN;
    memset(&t, 0, sizeof t);
    t.size = sizeof t;
    t.reverse_path = "ann@example.org";
    t.rcpt_count = 1;
    t.recipient = on_recipient;
    t.done = on_done;
    t.user = &who;
    t.outcome = &outcome;
    t.spans = &span;
    t.span_count = 1;
    assert_int_equal(tern_session_start(s, 1), TERN_OK);
    assert_int_equal(tern_session_in(s, (const uint8_t *)server, sizeof server - 1, 1), TERN_OK);
    (void)tern_session_out(s, &len);
    assert_int_equal(tern_session_out_done(s, len, 1), TERN_OK);
    if (who.since == 1) { /* seen at once */
      assert_int_equal(tern_session_send(s, &t), TERN_E_ADDRESS);
    } else {
      assert_int_equal(tern_session_send(s, &t), TERN_OK);
      assert_int_equal(tern_session_in(s, (const uint8_t *)hello, sizeof hello - 1, 1), TERN_OK);
      assert_non_null(tern_session_out(s, &len));
      assert_in_range(len, 1, 16384);
    }
    (void)tern_session_cancel(s);
    if (who.since > 1) assert_int_equal(who.done, TERN_E_CANCELLED);
    assert_int_equal(munmap(map, whole + page), 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_path_that_grows_stays_in_the_buffer),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
