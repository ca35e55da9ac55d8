/* client_url_test.c - URLs: what they come to, and what is refused with which field at which octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "client/url.h"
#include <tern/session.h>

static const struct {
  const char *text, *user, *password, *host, *path;
  uint32_t port, tls, lmtp;
} good[] = {
  {"smtp://mail.example.org", NULL, NULL, "mail.example.org", NULL, 587, TERN_TLS_REQUIRED, 0},
  {"SMTP://mail.example.org:25", NULL, NULL, "mail.example.org", NULL, 25, TERN_TLS_REQUIRED, 0},
  {"smtp://h?tls=none", NULL, NULL, "h", NULL, 25, TERN_TLS_NONE, 0},
  {"smtp://h?tls=opportunistic", NULL, NULL, "h", NULL, 587, TERN_TLS_OPPORTUNISTIC, 0},
  {"smtps://h", NULL, NULL, "h", NULL, 465, TERN_TLS_IMPLICIT, 0},
  {"smtp://u:p@h:2525", "u", "p", "h", NULL, 2525, TERN_TLS_REQUIRED, 0},
  {"smtp://u%40x:p%3a%2f@h", "u@x", "p:/", "h", NULL, 587, TERN_TLS_REQUIRED, 0},
  {"smtp://u@h", "u", NULL, "h", NULL, 587, TERN_TLS_REQUIRED, 0},
  {"smtp://[2001:db8::1]:26", NULL, NULL, "2001:db8::1", NULL, 26, TERN_TLS_REQUIRED, 0},
  {"smtp://mail.example.org.:26", NULL, NULL, "mail.example.org", NULL, 26, TERN_TLS_REQUIRED, 0},
#ifdef TERN_HAVE_LIBIDN2
  {"smtp://u:p%C3%BC@B\xc3\xbc" "cher.example:26", "u", "p\xc3\xbc", "xn--bcher-kva.example", NULL, 26, TERN_TLS_REQUIRED, 0},
  {"smtp://b\xc3\xbc" "cher.example.", NULL, NULL, "xn--bcher-kva.example", NULL, 587, TERN_TLS_REQUIRED, 0},
#endif
  {"lmtp://h:24", NULL, NULL, "h", NULL, 24, TERN_TLS_NONE, 1},
  {"lmtp://h:24?tls=required", NULL, NULL, "h", NULL, 24, TERN_TLS_REQUIRED, 1},
  {"lmtp+unix:/run/lmtp", NULL, NULL, NULL, "/run/lmtp", 0, TERN_TLS_NONE, 1},
};

static const struct {
  const char *text;
  uint32_t field;
} bad[] = {
  {"", TERN_FIELD_URL_SCHEME},
  {"mail.example.org", TERN_FIELD_URL_SCHEME},
  {"http://h", TERN_FIELD_URL_SCHEME},
  {"smtp:h", TERN_FIELD_URL_SCHEME},
  {"smtp://", TERN_FIELD_URL_HOST},
  {"smtp://u@", TERN_FIELD_URL_HOST},
  {"smtp://a b", TERN_FIELD_URL_HOST},
  {"smtp://.", TERN_FIELD_URL_HOST},
  {"smtp://h..", TERN_FIELD_URL_HOST},
  {"smtp://\xc3", TERN_FIELD_URL_HOST},
  {"smtp://b\xc3\xbc cher", TERN_FIELD_URL_HOST},
  {"smtp://b\xc3\xbc\r\n.example", TERN_FIELD_URL_HOST},
  {"smtp://h\xef\xbc\x8fpath", TERN_FIELD_URL_HOST}, /* a full-width solidus is none */
  {"smtp://h\r\n", TERN_FIELD_URL_HOST},
  {"smtp://[::1", TERN_FIELD_URL_HOST},
  {"smtp://[x]", TERN_FIELD_URL_HOST},
  {"smtp://h:", TERN_FIELD_URL_PORT},
  {"smtp://h:0", TERN_FIELD_URL_PORT},
  {"smtp://h:65536", TERN_FIELD_URL_PORT},
  {"smtp://h:99999999999999999999", TERN_FIELD_URL_PORT},
  {"smtp://h:-1", TERN_FIELD_URL_PORT},
  {"smtp://h:25x", TERN_FIELD_URL_PORT},
  {"smtp://u%00:p@h", TERN_FIELD_URL_USER},
  {"smtp://u%0d%0a:p@h", TERN_FIELD_URL_USER},
  {"smtp://u%4:p@h", TERN_FIELD_URL_USER},
  {"smtp://h?tls=maybe", TERN_FIELD_URL_QUERY},
  {"smtp://h?x=y", TERN_FIELD_URL_QUERY},
  {"smtp://h?", TERN_FIELD_URL_QUERY},
  {"smtps://h?tls=none", TERN_FIELD_URL_QUERY},
  {"lmtp+unix:", TERN_FIELD_URL_PATH},
  {"lmtp+unix:relative", TERN_FIELD_URL_PATH},
};

static void same(const char *a, const char *b)
{
  if (a == NULL || b == NULL)
    assert_ptr_equal(a, b);
  else
    assert_string_equal(a, b);
}

static void good_urls(void **state)
{
  size_t i;

  (void)state;
  for (i = 0; i < sizeof good / sizeof good[0]; i++) {
    tern__url url;
    tern_error error;
    assert_int_equal(tern__url_parse(&url, NULL, good[i].text, &error), TERN_OK);
    same(url.user, good[i].user);
    same(url.password, good[i].password);
    same(url.host, good[i].host);
    same(url.path, good[i].path);
    if (url.path == NULL) assert_int_equal(tern__url_port(&url, url.tls), good[i].port);
    assert_int_equal(url.tls, good[i].tls);
    assert_int_equal(url.lmtp, good[i].lmtp);
    tern__url_free(&url, NULL);
  }
}

static void bad_urls(void **state)
{
  size_t i;

  (void)state;
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    tern__url url;
    tern_error error;
    tern_status st = tern__url_parse(&url, NULL, bad[i].text, &error);
    if (st != TERN_E_URL || tern_error_field(&error) != bad[i].field)
      fail_msg("\"%s\": %s, field %s", bad[i].text, tern_status_name(st),
               tern_field_name(tern_error_field(&error)));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(good_urls), cmocka_unit_test(bad_urls)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
