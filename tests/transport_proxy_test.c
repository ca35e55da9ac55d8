/* transport_proxy_test.c - the handshakes with proxies: what is asked, what each answer means, cut at every
 * octet and given octet by octet; and that never an octet of the server's is taken. */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/proxy.h"

#define S TERN__PROXY_SOCKS5
#define H TERN__PROXY_HTTP
#define HIDDEN "s3cr3t-pass"

/* text with its length, as it may hold NULs */
#define T(text) text, sizeof(text) - 1

static tern__proxy *make(uint32_t kind, const char *host, uint32_t port, const char *user, const char *password)
{
  tern__proxy *p;

  assert_int_equal(tern__proxy_new(NULL, kind, host, port, user, password, &p), TERN_E_AGAIN);
  return p;
}

/* Everything that is due to be written now, onto the end of sent. */
static void drain(tern__proxy *p, char *sent, size_t *len)
{
  const uint8_t *out;
  size_t n;

  while ((out = tern__proxy_out(p, &n)) != NULL) {
    assert_int_equal(tern__proxy_need(p), 0); /* first what is asked */
    n = n > 3 ? 3 : n;
    memcpy(sent + *len, out, n);
    *len += n;
    tern__proxy_sent(p, n);
  }
}

/* Gives len octets, as many at a time as are needed but at most step. Returns the end or AGAIN; *used:
 * octets that were taken. */
static tern_status give(tern__proxy *p, const char *octets, size_t len, size_t step, size_t *used, char *sent,
                        size_t *sent_len)
{
  tern_status status = TERN_E_AGAIN;

  *used = 0;
  drain(p, sent, sent_len);
  while (status == TERN_E_AGAIN && *used < len) {
    size_t n = tern__proxy_need(p);
    uint8_t *exact;

    assert_true(n > 0 && n <= TERN__PROXY_NEED + 16);
    if (n > step) n = step;
    if (n > len - *used) n = len - *used;
    exact = malloc(n);
    memcpy(exact, octets + *used, n);
    status = tern__proxy_in(p, exact, n);
    free(exact);
    *used += n;
    drain(p, sent, sent_len);
  }
  return status;
}

/* ---- what is asked --------------------------------------------------------------------------------*/

static void test_requests(void **state)
{
  static const struct {
    uint32_t kind;
    const char *host;
    uint32_t port;
    const char *user, *password;
    const char *answer;
    size_t answer_len;
    const char *sent;
    size_t sent_len;
  } cases[] = {
    {S, "mail.test", 587, NULL, NULL, T("\5\0"), T("\5\1\0" "\5\1\0\3\11mail.test\2\113")},
    {S, "192.0.2.1", 25, NULL, NULL, T("\5\0"), T("\5\1\0" "\5\1\0\1\300\0\2\1\0\31")},
    {S, "2001:db8::1", 465, NULL, NULL, T("\5\0"),
     T("\5\1\0" "\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\321")},
    {S, "::", 25, NULL, NULL, T("\5\0"), T("\5\1\0" "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\31")},
    {S, "1:2:3:4:5:6:7:8", 25, NULL, NULL, T("\5\0"),
     T("\5\1\0" "\5\1\0\4\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\10\0\31")},
    {S, "::ffff:192.0.2.1", 25, NULL, NULL, T("\5\0"),
     T("\5\1\0" "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff\300\0\2\1\0\31")},
    {S, "1.2.3.4.5", 25, NULL, NULL, T("\5\0"), T("\5\1\0" "\5\1\0\3\0111.2.3.4.5\0\31")},
    {S, "256.1.1.1", 25, NULL, NULL, T("\5\0"), T("\5\1\0" "\5\1\0\3\011" "256.1.1.1\0\31")},
    {S, "a.test", 25, "ann", "pw", T("\5\2\1\0"), T("\5\2\0\2" "\1\3ann\2pw" "\5\1\0\3\6a.test\0\31")},
    {S, "a.test", 25, "ann", "", T("\5\2\1\0"), T("\5\2\0\2" "\1\3ann\0" "\5\1\0\3\6a.test\0\31")},
    {S, "a.test", 25, "ann", "pw", T("\5\0"), T("\5\2\0\2" "\5\1\0\3\6a.test\0\31")}, /* not wanted: not sent */
    {H, "mail.test", 587, NULL, NULL, T(""),
     T("CONNECT mail.test:587 HTTP/1.1\r\nHost: mail.test:587\r\n\r\n")},
    {H, "::1", 65535, NULL, NULL, T(""), T("CONNECT [::1]:65535 HTTP/1.1\r\nHost: [::1]:65535\r\n\r\n")},
    {H, "a.test", 25, "Aladdin", "open sesame", T(""),
     T("CONNECT a.test:25 HTTP/1.1\r\nHost: a.test:25\r\n"
       "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")},
    {H, "a.test", 25, "", "x", T(""),
     T("CONNECT a.test:25 HTTP/1.1\r\nHost: a.test:25\r\nProxy-Authorization: Basic Ong=\r\n\r\n")},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern__proxy *p = make(cases[i].kind, cases[i].host, cases[i].port, cases[i].user, cases[i].password);
    char sent[2048];
    size_t used, sent_len = 0;

    assert_int_equal(give(p, cases[i].answer, cases[i].answer_len, 99, &used, sent, &sent_len), TERN_E_AGAIN);
    assert_int_equal(sent_len, cases[i].sent_len);
    assert_memory_equal(sent, cases[i].sent, sent_len);
    tern__proxy_free(p);
  }
}

static void test_arguments(void **state)
{
  char most[256], more[257];
  static const struct {
    uint32_t kind;
    const char *host, *user, *password;
    tern_status status;
  } cases[] = {
    {S, "", NULL, NULL, TERN_E_HOST},
    {H, "a b", NULL, NULL, TERN_E_HOST},
    {H, "a\r\nX: y", NULL, NULL, TERN_E_HOST},
    {H, "a/b", NULL, NULL, TERN_E_HOST},
    {H, "[::1]", NULL, NULL, TERN_E_HOST},
    {H, "a@b", NULL, NULL, TERN_E_HOST},
    {H, "a.test", "a:b", "c", TERN_E_CREDENTIALS},
    {H, "a.test", "a\nb", "c", TERN_E_CREDENTIALS},
    {H, "a.test", "a", "c\rd", TERN_E_CREDENTIALS},
    {S, "a.test", "", "c", TERN_E_CREDENTIALS},
    {S, "a.test", "a:b", "c\1", TERN_E_AGAIN},
  };
  tern__proxy *p;
  size_t i, n;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(
      tern__proxy_new(NULL, cases[i].kind, cases[i].host, 25, cases[i].user, cases[i].password, &p),
      cases[i].status);
    assert_int_equal(p != NULL, cases[i].status == TERN_E_AGAIN);
    tern__proxy_free(p);
  }
  memset(most, 'a', 255);
  most[255] = 0;
  memset(more, 'a', 256);
  more[256] = 0;
  for (i = S; i <= H; i++) { /* the longest that there may be, and one over it */
    p = make((uint32_t)i, most, 65535, most, most);
    assert_non_null(tern__proxy_out(p, &n));
    tern__proxy_free(p);
    assert_int_equal(tern__proxy_new(NULL, (uint32_t)i, more, 1, NULL, NULL, &p), TERN_E_HOST);
    assert_int_equal(tern__proxy_new(NULL, (uint32_t)i, most, 1, more, "", &p), TERN_E_CREDENTIALS);
    assert_int_equal(tern__proxy_new(NULL, (uint32_t)i, most, 1, "a", more, &p), TERN_E_CREDENTIALS);
  }
  tern__proxy_free(NULL);
}

/* ---- what is answered -----------------------------------------------------------------------------*/

#define OK4 "\5\0\0\1\1\2\3\4\5\6"
#define LOGIN "\5\2\1\0"

static const struct {
  uint32_t kind;
  int login;
  const char *answer;
  size_t len;
  tern_status status;
  const char *words;
} answers[] = {
  {S, 0, T("\5\0" OK4), TERN_OK, ""},
  {S, 0, T("\5\0\5\0\0\4\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\0\31"), TERN_OK, ""},
  {S, 0, T("\5\0\5\0\0\3\4host\0\31"), TERN_OK, ""},
  {S, 0, T("\5\0\5\0\0\3\0\0\31"), TERN_OK, ""},
  {S, 1, T("\5\0" OK4), TERN_OK, ""},
  {S, 1, T(LOGIN OK4), TERN_OK, ""},
  {S, 0, T("\4\0"), TERN_E_PROXY_REPLY, "SOCKS5"},
  {S, 0, T("HT"), TERN_E_PROXY_REPLY, "SOCKS5"},
  {S, 0, T("\5\377"), TERN_E_PROXY_AUTH, "wants credentials"},
  {S, 1, T("\5\377"), TERN_E_PROXY_AUTH, "neither"},
  {S, 0, T("\5\2"), TERN_E_PROXY_REPLY, "not offered"},
  {S, 0, T("\5\1"), TERN_E_PROXY_REPLY, "not offered"},
  {S, 1, T("\5\1"), TERN_E_PROXY_REPLY, "not offered"},
  {S, 1, T("\5\2\1\1"), TERN_E_PROXY_AUTH, "refused user and password"},
  {S, 1, T("\5\2\1\377"), TERN_E_PROXY_AUTH, "refused user and password"},
  {S, 1, T("\5\2\5\0"), TERN_E_PROXY_REPLY, "SOCKS5"},
  {S, 0, T("\5\0\4\0"), TERN_E_PROXY_REPLY, "SOCKS5"},
  {S, 0, T("\5\0\5\1"), TERN_E_PROXY, "SOCKS 1"},
  {S, 0, T("\5\0\5\2"), TERN_E_PROXY_DENIED, "SOCKS 2"},
  {S, 0, T("\5\0\5\3"), TERN_E_CONNECT, "network unreachable"},
  {S, 0, T("\5\0\5\4"), TERN_E_CONNECT, "host unreachable"},
  {S, 0, T("\5\0\5\5"), TERN_E_CONNECT, "refused the connection"},
  {S, 0, T("\5\0\5\6"), TERN_E_TIMEOUT, "SOCKS 6"},
  {S, 0, T("\5\0\5\7"), TERN_E_PROXY, "SOCKS 7"},
  {S, 0, T("\5\0\5\10"), TERN_E_PROXY, "SOCKS 8"},
  {S, 0, T("\5\0\5\11"), TERN_E_PROXY, "does not know"},
  {S, 0, T("\5\0\5\377"), TERN_E_PROXY, "does not know"},
  {S, 0, T("\5\0\5\0\0\2\0"), TERN_E_PROXY_REPLY, "unknown type"},
  {H, 0, T("HTTP/1.1 200 Connection established\r\n\r\n"), TERN_OK, ""},
  {H, 1, T("HTTP/1.0 200 OK\r\nVia: x\r\nContent-Length: 99\r\n\r\n"), TERN_OK, ""},
  {H, 0, T("HTTP/1.1 200\n\n"), TERN_OK, ""},
  {H, 0, T("HTTP/1.1 204 \r\nA: b\n\r\n"), TERN_OK, ""},
  {H, 0, T("HTTP/1.1 299 x\r\nA:\r\n \r b\r\n\r\n"), TERN_OK, ""},
  {H, 0, T("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), TERN_OK, ""},
  {H, 0, T("HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 403 No\r\n"), TERN_E_PROXY_DENIED, "HTTP 403 No"},
  {H, 0, T("HTTP/1.1 101 Switching\r\n"), TERN_E_PROXY_REPLY, "does not know here"},
  {H, 0, T("HTTP/1.1 301 Moved\r\n"), TERN_E_PROXY, "HTTP 301 Moved"},
  {H, 0, T("HTTP/1.1 400 Bad Request\r\n"), TERN_E_PROXY, "HTTP 400"},
  {H, 0, T("HTTP/1.1 401 x\r\n"), TERN_E_PROXY_AUTH, "HTTP 401"},
  {H, 1, T("HTTP/1.1 407 Proxy Authentication Required\r\n"), TERN_E_PROXY_AUTH, "HTTP 407 Proxy Auth"},
  {H, 0, T("HTTP/1.1 403 Forbidden\r\n"), TERN_E_PROXY_DENIED, "HTTP 403"},
  {H, 0, T("HTTP/1.1 405 x\r\n"), TERN_E_PROXY_DENIED, "HTTP 405"},
  {H, 0, T("HTTP/1.1 451 x\r\n"), TERN_E_PROXY_DENIED, "HTTP 451"},
  {H, 0, T("HTTP/1.1 404 x\r\n"), TERN_E_PROXY, "HTTP 404"},
  {H, 0, T("HTTP/1.1 408 x\r\n"), TERN_E_TIMEOUT, "HTTP 408"},
  {H, 0, T("HTTP/1.1 500 x\r\n"), TERN_E_PROXY, "HTTP 500"},
  {H, 0, T("HTTP/1.1 502 Bad Gateway\r\n"), TERN_E_CONNECT, "HTTP 502 Bad Gateway"},
  {H, 0, T("HTTP/1.1 503 x\n"), TERN_E_CONNECT, "HTTP 503"},
  {H, 0, T("HTTP/1.1 504 x\r\n"), TERN_E_TIMEOUT, "HTTP 504"},
  {H, 0, T("HTTP/1.1 599\r\n"), TERN_E_PROXY, "HTTP 599"},
  {H, 0, T("HTTP/1.1 502 a\033[31m\0\377b\r\n"), TERN_E_CONNECT, "HTTP 502 a?[31m??b"},
  {H, 0, T("HTTP/2 200\r\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
  {H, 0, T("HTTP/1.1 20\r\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
  {H, 0, T("HTTP/1.1 2000 OK\r\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
  {H, 0, T("HTTP/1.1  200 OK\r\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
  {H, 0, T("HTTP/1.x 200 OK\r\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
  {H, 0, T("HTTP/1.1 2x0 OK\r\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
  {H, 0, T("HTTP/1.1 099 OK\r\n"), TERN_E_PROXY_REPLY, "does not know here"},
  {H, 0, T("220 mail.test ESMTP\r\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
  {H, 0, T("\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
  {H, 0, T("\5\377\n"), TERN_E_PROXY_REPLY, "does not speak HTTP"},
};

static tern__proxy *make_for(size_t i)
{
  return make(answers[i].kind, "mail.test", 587, answers[i].login ? "ann" : NULL,
              answers[i].login ? HIDDEN : NULL);
}

/* Whole and octet by octet; what follows the answer is left alone. */
static void test_answers(void **state)
{
  char octets[512], sent[2048];
  size_t i, step, used, sent_len;

  (void)state;
  for (i = 0; i < sizeof answers / sizeof *answers; i++) {
    for (step = 1; step <= 300; step += 299) {
      tern__proxy *p = make_for(i);
      tern_status status;

      memcpy(octets, answers[i].answer, answers[i].len);
      memcpy(octets + answers[i].len, "220 mail.test\r\n", 15);
      sent_len = 0;
      status = give(p, octets, answers[i].len + (answers[i].status == TERN_OK ? 15 : 0), step, &used, sent,
                    &sent_len);
      if (status != answers[i].status || strstr(tern__proxy_detail(p), answers[i].words) == NULL)
        print_error("%s: %d %s\n", answers[i].answer, (int)status, tern__proxy_detail(p));
      assert_int_equal(status, answers[i].status);
      if (status == TERN_OK) assert_int_equal(used, answers[i].len);
      assert_non_null(strstr(tern__proxy_detail(p), answers[i].words));
      assert_int_equal(tern__proxy_detail(p)[0] != 0, status != TERN_OK);
      assert_null(strstr(tern__proxy_detail(p), HIDDEN));
      assert_int_equal(tern__proxy_need(p), 0);
      assert_null(tern__proxy_out(p, &used));
      assert_int_equal(tern__proxy_in(p, (const uint8_t *)"x", 1), status); /* final */
      assert_int_equal(tern__proxy_closed(p), status);
      tern__proxy_free(p);
    }
  }
}

/* The connection ends after each octet of each answer: never a success. */
static void test_cut(void **state)
{
  char sent[2048];
  size_t i, cut, used, sent_len;

  (void)state;
  for (i = 0; i < sizeof answers / sizeof *answers; i++) {
    for (cut = 0; cut < answers[i].len; cut++) {
      tern__proxy *p = make_for(i);
      tern_status status;

      sent_len = 0;
      status = give(p, answers[i].answer, cut, 300, &used, sent, &sent_len);
      assert_true(status != TERN_OK);
      if (status == TERN_E_AGAIN) {
        assert_int_equal(tern__proxy_closed(p), TERN_E_PROXY);
        assert_non_null(strstr(tern__proxy_detail(p), cut == 0 ? "without an answer" : "closed"));
      }
      tern__proxy_free(p);
    }
  }
}

/* Answers without end are bounded. */
static void test_bounds(void **state)
{
  static const struct {
    const char *begin, *repeat;
  } cases[] = {{"HTTP/1.1 200 OK\r\n", "A: b\r\n"},
               {"", "x"},
               {"HTTP/1.1 200 ", "x"},
               {"HTTP/1.1 200 OK\r\n", "x"},
               {"", "HTTP/1.1 100 Continue\r\n\r\n"}};
  char sent[2048];
  size_t i, total, used, sent_len;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern__proxy *p = make(H, "mail.test", 25, NULL, NULL);
    tern_status status = TERN_E_AGAIN;

    sent_len = 0;
    if (cases[i].begin[0] != 0)
      status = give(p, cases[i].begin, strlen(cases[i].begin), 300, &used, sent, &sent_len);
    for (total = 0; status == TERN_E_AGAIN && total < 20000; total += used)
      status = give(p, cases[i].repeat, strlen(cases[i].repeat), 300, &used, sent, &sent_len);
    assert_int_equal(status, TERN_E_PROXY_REPLY);
    assert_true(total <= TERN__PROXY_HEAD + 32);
    tern__proxy_free(p);
  }
}

/* More than was needed, or before anything was asked. */
static void test_too_early(void **state)
{
  tern__proxy *p = make(S, "mail.test", 25, NULL, NULL);
  char sent[64];
  size_t len = 0;

  (void)state;
  assert_int_equal(tern__proxy_in(p, (const uint8_t *)"\5\0", 2), TERN_E_PROXY_REPLY);
  tern__proxy_free(p);
  p = make(S, "mail.test", 25, NULL, NULL);
  drain(p, sent, &len);
  assert_int_equal(tern__proxy_in(p, (const uint8_t *)"\5\0\5", 3), TERN_E_PROXY_REPLY);
  tern__proxy_free(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_requests), cmocka_unit_test(test_arguments), cmocka_unit_test(test_answers),
    cmocka_unit_test(test_cut),      cmocka_unit_test(test_bounds),    cmocka_unit_test(test_too_early),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
