/* base_mailbox_test.c - addresses: what is a Mailbox, what is not, and which octet is to blame.
 * Each text is also read at the very end of a page with nothing readable behind it. */
#define _DEFAULT_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mailbox.h"

#define GOOD SIZE_MAX
#define U TERN__MAILBOX_UTF8

#define X8 "xxxxxxxx"
#define X63 X8 X8 X8 X8 X8 X8 X8 "xxxxxxx"
#define X64 X8 X8 X8 X8 X8 X8 X8 X8

typedef struct mailbox_case {
  const char *text;
  size_t position;
  uint32_t flags;
} mailbox_case;

/* Texts against a page that must not be read. */
static char *edge;

static int make_edge(void **state)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  (void)state;
  if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
    return -1;
  edge = pages + page;
  return 0;
}

static const char *at_edge(const char *text)
{
  size_t size = strlen(text) + 1;

  return memcpy(edge - size, text, size);
}

static const mailbox_case mailboxes[] = {
  /* Dot-string */
  {"a@b", GOOD, 0},
  {"user@example.org", GOOD, 0},
  {"first.last@example.org", GOOD, 0},
  {"a.b.c.d@example.org", GOOD, 0},
  {"user+tag@example.org", GOOD, 0},
  {"!#$%&'*+-/=?^_`{|}~@example.org", GOOD, 0},
  {"0123456789@example.org", GOOD, 0},
  {"-@example.org", GOOD, 0},
  {"", 0, 0},
  {"@", 0, 0},
  {"@example.org", 0, 0},
  {"user", 4, 0},
  {"user@", 5, 0},
  {".user@example.org", 0, 0},
  {"user.@example.org", 5, 0},
  {"us..er@example.org", 3, 0},
  {"us er@example.org", 2, 0},
  {" user@example.org", 0, 0},
  {"user @example.org", 4, 0},
  {"user@ example.org", 5, 0},
  {"user@example.org ", 16, 0},
  {"us(er)@example.org", 2, 0},
  {"us\"er@example.org", 2, 0},
  {"us\\er@example.org", 2, 0},
  {"us,er@example.org", 2, 0},
  {"us:er@example.org", 2, 0},
  {"us;er@example.org", 2, 0},
  {"us<er@example.org", 2, 0},
  {"us>er@example.org", 2, 0},
  {"us[er@example.org", 2, 0},
  {"us\ter@example.org", 2, 0},
  {"us\rer@example.org", 2, 0},
  {"us\ner@example.org", 2, 0},
  {"us\x7f" "er@example.org", 2, 0},
  {"us\x01" "er@example.org", 2, 0},
  {"us@er@example.org", 5, 0},
  {"<user@example.org>", 0, 0},
  {"@relay.example:user@example.org", 0, 0},
  {"Name <user@example.org>", 4, 0},
  {"user@example.org\r\nRCPT TO:<x@y>", 16, 0},
  {"user@example.org>\r\nDATA", 16, 0},
  {"user@example.org SIZE=1", 16, 0},
  /* Quoted-string */
  {"\"\"@example.org", GOOD, 0},
  {"\"a b\"@example.org", GOOD, 0},
  {"\"a@b\"@example.org", GOOD, 0},
  {"\"a..b\"@example.org", GOOD, 0},
  {"\"<>()[]:;,.\"@example.org", GOOD, 0},
  {"\"a\\\"b\"@example.org", GOOD, 0},
  {"\"a\\\\\"@example.org", GOOD, 0},
  {"\"a\\ b\\~\"@example.org", GOOD, 0},
  {"\"a", 2, 0},
  {"\"", 1, 0},
  {"\"a\\", 3, 0},
  {"\"a\\\"", 4, 0},
  {"\"a\"", 3, 0},
  {"\"a\"b@example.org", 3, 0},
  {"a\"b\"@example.org", 1, 0},
  {"\"a\".b@example.org", 3, 0},
  {"\"a\tb\"@example.org", 2, 0},
  {"\"a\rb\"@example.org", 2, 0},
  {"\"a\nb\"@example.org", 2, 0},
  {"\"a\\\rb\"@example.org", 3, 0},
  {"\"a\\\nb\"@example.org", 3, 0},
  {"\"a\x7f\"@example.org", 2, 0},
  {"\"a\\\x7f\"@example.org", 3, 0},
  {"\"a\\\xc3\xa4\"@example.org", 3, 0},
  /* Domain */
  {"a@1.2.3.4", GOOD, 0},
  {"a@3com.example", GOOD, 0},
  {"a@x-y.example", GOOD, 0},
  {"a@x--y.example", GOOD, 0},
  {"a@xn--bcher-kva.example", GOOD, 0},
  {"a@my_host.example", GOOD, 0},
  {"a@_x.example", GOOD, 0},
  {"a@localhost", GOOD, 0},
  {"a@.example", 2, 0},
  {"a@example..org", 10, 0},
  {"a@example.org.", 13, 0},
  {"a@.", 2, 0},
  {"a@-x.example", 2, 0},
  {"a@x-.example", 3, 0},
  {"a@x.-y", 4, 0},
  {"a@x.y-", 5, 0},
  {"a@-", 2, 0},
  {"a@x!y", 3, 0},
  {"a@x+y", 3, 0},
  {"a@x y", 3, 0},
  {"a@x\ry", 3, 0},
  {"a@x:25", 3, 0},
  {"a@\"x\"", 2, 0},
  {"a@x@y", 3, 0},
  {"a@x]", 3, 0},
  /* IPv4 literal */
  {"a@[192.0.2.1]", GOOD, 0},
  {"a@[0.0.0.0]", GOOD, 0},
  {"a@[255.255.255.255]", GOOD, 0},
  {"a@[192.000.002.001]", GOOD, 0},
  {"a@[256.0.0.1]", 5, 0},
  {"a@[1.2.3.999]", 11, 0},
  {"a@[1.2.3.0001]", 12, 0},
  {"a@[1.2.3]", 8, 0},
  {"a@[1.2.3.]", 9, 0},
  {"a@[1.2.3.4.5]", 10, 0},
  {"a@[1..3.4]", 5, 0},
  {"a@[.1.2.3]", 3, 0},
  {"a@[+1.2.3.4]", 3, 0},
  {"a@[ 1.2.3.4]", 3, 0},
  {"a@[1.2.3.4 ]", 10, 0},
  {"a@[1.2.3.4", 10, 0},
  {"a@[1.2.3.4]x", 11, 0},
  {"a@[1.2.3.4].", 11, 0},
  {"a@[1.2.3.4:25]", 10, 0},
  {"a@[]", 3, 0},
  {"a@[", 3, 0},
  {"a@[0x1.2.3.4]", 4, 0},
  {"a@[example.org]", 10, 0},
  {"a@x[1.2.3.4]", 3, 0},
  /* IPv6 literal */
  {"a@[IPv6:2001:db8::1]", GOOD, 0},
  {"a@[ipv6:2001:DB8::1]", GOOD, 0},
  {"a@[IPV6:::]", GOOD, 0},
  {"a@[IPv6:::1]", GOOD, 0},
  {"a@[IPv6:1::]", GOOD, 0},
  {"a@[IPv6:1:2:3:4:5:6:7:8]", GOOD, 0},
  {"a@[IPv6:0001:0002:0003:0004:0005:0006:0007:ffFF]", GOOD, 0},
  {"a@[IPv6:1:2:3:4:5:6::]", GOOD, 0},
  {"a@[IPv6:::3:4:5:6:7:8]", GOOD, 0},
  {"a@[IPv6:1:2:3::6:7:8]", GOOD, 0},
  {"a@[IPv6:1:2:3:4:5:6:192.0.2.1]", GOOD, 0},
  {"a@[IPv6:::ffff:192.0.2.1]", GOOD, 0},
  {"a@[IPv6:::192.0.2.1]", GOOD, 0},
  {"a@[IPv6:1:2:3:4::192.0.2.1]", GOOD, 0},
  {"a@[IPv6:]", 8, 0},
  {"a@[IPv6::]", 9, 0},
  {"a@[IPv6:::::]", 10, 0},
  {"a@[IPv6:::1::2]", 12, 0},
  {"a@[IPv6:1:::2]", 11, 0},
  {"a@[IPv6:1:2:3:4:5:6:7]", 21, 0},
  {"a@[IPv6:1:2:3:4:5:6:7:]", 22, 0},
  {"a@[IPv6:1:2:3:4:5:6:7:8:9]", 24, 0},
  {"a@[IPv6:1:2:3:4:5:6:7::]", 22, 0},
  {"a@[IPv6:::2:3:4:5:6:7:8]", 22, 0},
  {"a@[IPv6:1:2:3:4:5::6:7]", 21, 0},
  {"a@[IPv6:12345::]", 12, 0},
  {"a@[IPv6:1:g::]", 10, 0},
  {"a@[IPv6:1:2g::]", 11, 0},
  {"a@[IPv6:1:2:3:4:5:192.0.2.1]", 27, 0},
  {"a@[IPv6:1:2:3:4:5:6:7:192.0.2.1]", 22, 0},
  {"a@[IPv6:1:2:3:4:5::192.0.2.1]", 19, 0},
  {"a@[IPv6:192.0.2.1]", 17, 0},
  {"a@[IPv6:::192.0.2.256]", 20, 0},
  {"a@[IPv6:::192.0.2]", 17, 0},
  {"a@[IPv6:::a.0.2.1]", 10, 0},
  {"a@[IPv6:::1.2.3.4:5]", 17, 0},
  {"a@[IPv6:fe80::1%eth0]", 15, 0},
  {"a@[IPv6:::1", 11, 0},
  {"a@[IPv6:::1]]", 12, 0},
  {"a@[IPv6:1", 9, 0},
  {"a@[IPv6", 7, 0},
  {"a@[2001:db8::1]", GOOD, 0}, /* tag "2001" of a general literal: grammar cannot tell */
  {"a@[::1]", 3, 0},
  /* General-address-literal */
  {"a@[tag:content]", GOOD, 0},
  {"a@[x-25:!~09]", GOOD, 0},
  {"a@[tag:]", 7, 0},
  {"a@[tag-:x]", 6, 0},
  {"a@[:x]", 3, 0},
  {"a@[tag:a b]", 8, 0},
  {"a@[tag:a[b]", 8, 0},
  {"a@[tag:a\\b]", 8, 0},
  {"a@[tag:a\rb]", 8, 0},
  {"a@[tag:a", 8, 0},
  {"a@[tag:a\xc3\xa4]", 8, 0},
  {"a@[t_g:a]", 4, 0},
  /* UTF-8 (RFC 6531 3.3) */
  {"zo\xc3\xab@example.org", GOOD, U},
  {"user@b\xc3\xbc" "cher.example", GOOD, U},
  {"\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.example", GOOD, U},
  {"\"\xc3\xa4 \xf0\x9f\x90\xa6\"@example.org", GOOD, U},
  {"\xc2\xa0@example.org", GOOD, U},
  {"\xdf\xbf@example.org", GOOD, U},
  {"\xe0\xa0\x80@example.org", GOOD, U},
  {"\xed\x9f\xbf@example.org", GOOD, U},
  {"\xee\x80\x80@example.org", GOOD, U},
  {"\xf0\x90\x80\x80@example.org", GOOD, U},
  {"\xf4\x8f\xbf\xbf@example.org", GOOD, U},
  {"a\x80@example.org", 1, 0},
  {"a\xbf@example.org", 1, 0},
  {"a\xc3@example.org", 1, 0},
  {"a\xc3", 1, 0},
  {"a\xe2\x82", 1, 0},
  {"a\xf0\x9f\x90", 1, 0},
  {"a\xe2\x82@example.org", 1, 0},
  {"a\xe2\x28\xa1@example.org", 1, 0},
  {"a\xc0\x80@example.org", 1, 0},         /* overlong */
  {"a\xc0\xae@example.org", 1, 0},
  {"a\xc1\xbf@example.org", 1, 0},
  {"a\xe0\x9f\xbf@example.org", 1, 0},
  {"a\xe0\x80\x8d@example.org", 1, 0},
  {"a\xf0\x8f\xbf\xbf@example.org", 1, 0},
  {"a\xed\xa0\x80@example.org", 1, 0},     /* surrogates */
  {"a\xed\xbf\xbf@example.org", 1, 0},
  {"a\xf4\x90\x80\x80@example.org", 1, 0}, /* beyond U+10FFFF */
  {"a\xf5\x80\x80\x80@example.org", 1, 0},
  {"a\xf8\x88\x80\x80\x80@example.org", 1, 0},
  {"a\xff@example.org", 1, 0},
  {"a\xc2\x80@example.org", 1, 0},         /* C1 controls */
  {"a\xc2\x85@example.org", 1, 0},
  {"a\xc2\x9f@example.org", 1, 0},
  {"\"a\xc2\x8d\"@example.org", 2, 0},
  {"a@x\xc2\x8dy", 3, 0},
  {"a@x\xc3", 3, 0},
  {"\"a\xc3", 2, 0},
  /* lengths, in octets */
  {X64 "@example.org", GOOD, 0},
  {X64 "x@example.org", 64, 0},
  {X64 "x", 64, 0},
  {X64 X64 "\r@example.org", 64, 0},
  {X64, 64, 0},
  {"\"" X8 X8 X8 X8 X8 X8 X8 "xxxxxx\"@example.org", GOOD, 0},
  {"\"" X63 "\"@example.org", 64, 0},
  {X63 "\xc3\xab@example.org", 64, 0},
  {"a@" X63, GOOD, 0},
  {"a@" X63 ".org", GOOD, 0},
  {"a@" X64 ".org", 65, 0},
  {"a@x." X64, 67, 0},
  {"a@" X63 "." X63 "." X63 "." X8 X8 X8 X8 X8 X8 X8 "xxxx", GOOD, 0},
  {"a@" X63 "." X63 "." X63 "." X8 X8 X8 X8 X8 X8 X8 "xxxxx", 254, 0},
  {"a@" X63 "." X63 "." X63 "." X63, 254, 0},
  {"a@" X63 "." X63 "." X63 "." X63 ".\r", 254, 0},
  {"a@[tag:" X64 X64 X64 "]", GOOD, 0},
  {"a@[tag:" X64 X64 X64 X64 "]", 254, 0},
};

static void check_mailbox(const mailbox_case *c, const char *text)
{
  size_t position = 12345;
  uint32_t flags = 0;
  tern_status status = tern__mailbox_check(text, &position, &flags);

  if ((status == TERN_OK) != (c->position == GOOD) ||
      (status != TERN_OK && (status != TERN_E_ADDRESS || position != c->position)) ||
      flags != c->flags)
    fail_msg("'%s': status %d, position %u, flags %u", c->text, (int)status, (unsigned)position,
             (unsigned)flags);
  assert_int_equal(tern__mailbox_check(text, NULL, NULL), status);
}

static void mailboxes_good_and_bad(void **state)
{
  size_t i;

  (void)state;
  for (i = 0; i < sizeof mailboxes / sizeof mailboxes[0]; i++) {
    check_mailbox(&mailboxes[i], mailboxes[i].text);
    check_mailbox(&mailboxes[i], at_edge(mailboxes[i].text));
  }
}

/* Cut anywhere, a mailbox is read no further than its end, and what is wrong is within it. */
static void every_prefix_is_judged_within_itself(void **state)
{
  size_t i;

  (void)state;
  for (i = 0; i < sizeof mailboxes / sizeof mailboxes[0]; i++) {
    char prefix[600];
    size_t len;

    for (len = 0; len < strlen(mailboxes[i].text); len++) {
      size_t position = 0;

      memcpy(prefix, mailboxes[i].text, len);
      prefix[len] = '\0';
      if (tern__mailbox_check(at_edge(prefix), &position, NULL) != TERN_OK)
        assert_true(position <= len && position <= 254);
    }
  }
}

/* Whichever octet stands in a local part, a quoted string or a domain: controls never pass. */
static void no_control_passes_anywhere(void **state)
{
  static const char *const frames[] = {"a?b@example.org", "\"a?b\"@example.org",
                                       "\"a\\?b\"@example.org", "a@exa?ple.org",
                                       "a@[tag:x?y]", "a@[IPv6:1?::2]"};
  size_t i;
  int c;

  (void)state;
  for (i = 0; i < sizeof frames / sizeof frames[0]; i++)
    for (c = 1; c < 256; c++) {
      char text[64];
      size_t at = strcspn(frames[i], "?");
      size_t position = 0;

      if (c >= 32 && c < 127)
        continue;
      strcpy(text, frames[i]);
      text[at] = (char)c;
      assert_int_equal(tern__mailbox_check(text, &position, NULL), TERN_E_ADDRESS);
      assert_int_equal(position, at);
    }
}

static void postmaster_only_where_it_is_asked_for(void **state)
{
  static const char *const texts[] = {"postmaster", "Postmaster", "POSTMASTER"};
  size_t position = 0;
  uint32_t flags;
  size_t i;

  (void)state;
  for (i = 0; i < 3; i++) {
    flags = TERN__MAILBOX_POSTMASTER;
    assert_int_equal(tern__mailbox_check(texts[i], &position, &flags), TERN_OK);
    assert_int_equal(flags, TERN__MAILBOX_POSTMASTER);
    flags = 0;
    assert_int_equal(tern__mailbox_check(texts[i], &position, &flags), TERN_E_ADDRESS);
    assert_int_equal(position, 10);
    assert_int_equal(tern__mailbox_check(texts[i], &position, NULL), TERN_E_ADDRESS);
  }
  flags = TERN__MAILBOX_POSTMASTER;
  assert_int_equal(tern__mailbox_check("postmasters", &position, &flags), TERN_E_ADDRESS);
  assert_int_equal(tern__mailbox_check("postmaste", &position, &flags), TERN_E_ADDRESS);
  assert_int_equal(tern__mailbox_check("abuse", &position, &flags), TERN_E_ADDRESS);
  assert_int_equal(tern__mailbox_check("", &position, &flags), TERN_E_ADDRESS);
  assert_int_equal(tern__mailbox_check("z\xc3\xab@b", &position, &flags), TERN_OK);
  assert_int_equal(flags, TERN__MAILBOX_POSTMASTER | TERN__MAILBOX_UTF8);
  assert_int_equal(tern__mailbox_check(NULL, &position, &flags), TERN_E_ADDRESS);
  assert_int_equal(position, 0);
}

static void domains_good_and_bad(void **state)
{
  static const struct {
    const char *text;
    size_t position;
  } cases[] = {
    {"localhost", GOOD},
    {"mail.example.org", GOOD},
    {"my_host.example", GOOD},
    {"[192.0.2.1]", GOOD},
    {"[IPv6:2001:db8::1]", GOOD},
    {X63 "." X63 "." X63 "." X63, GOOD},
    {X63 "." X63 "." X63 "." X63 ".x", 255},
    {"", 0},
    {"example.org.", 11},
    {"b\xc3\xbc" "cher.example", 1},
    {"mail.example.org\r\nQUIT", 16},
    {"mail example", 4},
    {"user@example.org", 4},
    {"[192.0.2.1", 10},
    {"192.0.2.1]", 9},
    {"[2.1]", 4},
    {"-x", 0},
    {"x-", 1},
    {"::1", 0},
    {"\x7f", 0},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t position = 0;
    tern_status status = tern__domain_check(at_edge(cases[i].text), &position);

    if (status != (cases[i].position == GOOD ? TERN_OK : TERN_E_NAME) ||
        (status != TERN_OK && position != cases[i].position))
      fail_msg("'%s': status %d, position %u", cases[i].text, (int)status, (unsigned)position);
    assert_int_equal(tern__domain_check(cases[i].text, NULL), status);
  }
  assert_int_equal(tern__domain_check(NULL, NULL), TERN_E_NAME);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(mailboxes_good_and_bad),
    cmocka_unit_test(every_prefix_is_judged_within_itself),
    cmocka_unit_test(no_control_passes_anywhere),
    cmocka_unit_test(postmaster_only_where_it_is_asked_for),
    cmocka_unit_test(domains_good_and_bad),
  };

  return cmocka_run_group_tests(tests, make_edge, NULL);
}
