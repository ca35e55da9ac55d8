/* delivery_http_test.c - answers to the GET of an MTA-STS policy: each whole, and octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/http.h"

#define COUNT(a) (sizeof (a) / sizeof (a)[0])
#define PLAIN "Content-Type: text/plain\r\n"

static const struct {
  const char *text, *body;
  tern_status status, closed; /* after the octets; and once the peer has closed */
} table[] = {
    {"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 3\r\n\r\nabc", "abc", TERN_OK, TERN_OK},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 3\r\n\r\nabcdef", "abc", TERN_OK, TERN_OK},
    {"HTTP/1.0 200\ncontent-type:TEXT/Plain; charset=utf-8\ncontent-length:0\n\n", "", TERN_OK, TERN_OK},
    {"HTTP/1.1 200 OK\r\n" PLAIN "\r\nabc", "abc", TERN_E_AGAIN, TERN_OK},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 4\r\n\r\nabc", "abc", TERN_E_AGAIN, TERN_E_CLOSED},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\nA \r\n0123456789\r\n0\r\nT: x\r\n\r\n",
     "ab0123456789", TERN_OK, TERN_OK},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", NULL,
     TERN_E_REPLY_SYNTAX, 0},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", NULL, TERN_E_REPLY_LENGTH, 0},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Transfer-Encoding: chunked\r\n\r\n-1\r\n", NULL, TERN_E_REPLY_SYNTAX, 0},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Transfer-Encoding: gzip\r\n\r\n", NULL, TERN_E_REPLY_SYNTAX, 0},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 1\r\n\r\na", "a", TERN_OK, TERN_OK},
    {"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", NULL, TERN_E_REPLY_UNEXPECTED, 0},
    {"HTTP/1.1 404 Not Found\r\n" PLAIN "\r\n", NULL, TERN_E_REPLY_UNEXPECTED, 0},
    {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\na", NULL, TERN_E_CONTENT, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", NULL, TERN_E_CONTENT, 0},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 65\r\n\r\n", NULL, TERN_E_REPLY_LENGTH, 0},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", NULL, TERN_E_REPLY_SYNTAX, 0},
    {"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 1x\r\n\r\n", NULL, TERN_E_REPLY_SYNTAX, 0},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", NULL, TERN_E_REPLY_SYNTAX, 0},
    {"HTTP/2 200\r\n\r\n", NULL, TERN_E_REPLY_SYNTAX, 0},
    {"220 mail.example.org ESMTP\r\n", NULL, TERN_E_REPLY_SYNTAX, 0},
    {"HTTP/1.1 200 OK\r\n" PLAIN "\r\n0123456789012345678901234567890123456789012345678901234567890123456789", NULL,
     TERN_E_REPLY_LENGTH, 0},
};

static void judge(size_t i, tern__http *h, tern_status st)
{
  assert_int_equal(st, table[i].status);
  if (!table[i].body) return;
  assert_int_equal(h->len, strlen(table[i].body));
  assert_memory_equal(h->body, table[i].body, h->len);
  assert_int_equal(tern__http_closed(h), table[i].closed);
}

static void answers(void **state)
{
  tern__http h;
  char body[64];
  size_t i, j, len;
  tern_status st;

  (void)state;
  for (i = 0; i < COUNT(table); i++) {
    len = strlen(table[i].text);
    tern__http_init(&h, body, sizeof body);
    judge(i, &h, tern__http_in(&h, (const uint8_t *)table[i].text, len));
    tern__http_init(&h, body, sizeof body);
    for (st = TERN_E_AGAIN, j = 0; j < len && st == TERN_E_AGAIN; j++)
      st = tern__http_in(&h, (const uint8_t *)table[i].text + j, 1);
    judge(i, &h, st);
  }
}

static void endless_head(void **state)
{
  tern__http h;
  char body[8];
  uint32_t i;
  tern_status st = TERN_E_AGAIN;

  (void)state;
  tern__http_init(&h, body, sizeof body);
  assert_int_equal(tern__http_in(&h, (const uint8_t *)"HTTP/1.1 200 OK\r\n", 17), TERN_E_AGAIN);
  for (i = 0; i < TERN__HTTP_HEAD_MAX && st == TERN_E_AGAIN; i++)
    st = tern__http_in(&h, (const uint8_t *)"a: b\r\n", 6);
  assert_int_equal(st, TERN_E_REPLY_LENGTH);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(endless_head)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
