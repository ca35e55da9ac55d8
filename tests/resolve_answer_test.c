/* resolve_answer_test.c - DNS questions and replies, good and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_dns.h"
#include "resolve/answer.h"

static dns_message m;
static tern__dns_answer a;

/* Reads m as the reply to name and type; the octets stand in memory of exactly their length. */
static void read_reply(const char *name, uint32_t type)
{
  uint8_t *exact = malloc(m.len > 0 ? m.len : 1);

  assert_non_null(exact);
  memcpy(exact, m.octets, m.len);
  assert_int_equal(tern__dns_answer_read(&a, NULL, name, type, exact, m.len), TERN_OK);
  free(exact); /* nothing of it may be needed any more */
}

static void done(void)
{
  tern__dns_answer_clear(&a, NULL);
}

static void test_names(void **state)
{
  static const struct {
    const char *name;
    int good;
  } cases[] = {
    {"example.org", 1},     {"example.org.", 1},  {"_25._tcp.mx-1.example.org", 1},
    {"localhost", 1},       {"xn--mnchen-3ya.de", 1}, {"127.0.0.2", 1},
    {"", 0},                {".", 0},             {".org", 0},
    {"a..b", 0},            {"a b", 0},           {"a\\.b", 0},
    {"a\n", 0},             {"m\303\274nchen.de", 0}, {"*.example.org", 0},
    {"123456789012345678901234567890123456789012345678901234567890123.org", 1},
    {"1234567890123456789012345678901234567890123456789012345678901234.org", 0}};
  char name[300];
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(tern__dns_name_good(cases[i].name), cases[i].good);
  for (i = 0; i < 253; i++) name[i] = i % 2 ? '.' : 'a';
  name[253] = 0;
  assert_true(tern__dns_name_good(name));
  memcpy(name + 253, ".", 2);
  assert_true(tern__dns_name_good(name));
  memcpy(name + 253, ".a", 3);
  assert_false(tern__dns_name_good(name));
}

static void test_question(void **state)
{
  static const uint8_t plain[] = {0x12, 0x34, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 2, 'b',
                                  'c',  0,    0, 15,   0, 1};
  static const uint8_t opt[] = {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};
  uint8_t out[TERN__DNS_QUESTION_MAX];
  size_t n;

  (void)state;
  n = tern__dns_question("a.bc", TERN__DNS_MX, 0, 0x1234, out, sizeof out);
  assert_int_equal(n, sizeof plain);
  assert_memory_equal(out, plain, n);
  n = tern__dns_question("a.bc.", TERN__DNS_MX, TERN__DNS_EDNS | TERN__DNS_CD, 0x1234, out,
                         sizeof out);
  assert_int_equal(n, sizeof plain + sizeof opt);
  assert_int_equal(out[3], 0x30);
  assert_int_equal(out[11], 1);
  assert_memory_equal(out + sizeof plain, opt, sizeof opt);
  assert_int_equal(tern__dns_question("a b", TERN__DNS_MX, 0, 1, out, sizeof out), 0);
  assert_int_equal(tern__dns_question("a", TERN__DNS_MX, 0, 1, out, sizeof out - 1), 0);
}

static void test_matches(void **state)
{
  static const struct {
    uint16_t id;
    uint32_t flags;
    const char *name;
    uint32_t type;
    int matches;
  } cases[] = {{7, DNS_GOOD, "a.example", 1, 1},     {7, DNS_GOOD, "A.eXample", 1, 1},
               {7, DNS_GOOD | 3, "a.example", 1, 1}, {8, DNS_GOOD, "a.example", 1, 0},
               {7, DNS_RD, "a.example", 1, 0},       {7, DNS_GOOD | 0x2800, "a.example", 1, 0},
               {7, DNS_GOOD, "b.example", 1, 0},     {7, DNS_GOOD, "a.example.x", 1, 0},
               {7, DNS_GOOD, "a.exampl", 1, 0},      {7, DNS_GOOD, "a.example", 28, 0},
               {7, DNS_GOOD, NULL, 0, 0},            {7, DNS_GOOD | 3, NULL, 0, 0},
               {7, DNS_GOOD | 1, NULL, 0, 1},        {7, DNS_GOOD | 2, NULL, 0, 1},
               {7, DNS_GOOD | 5, NULL, 0, 1}};
  uint8_t question[TERN__DNS_QUESTION_MAX];
  size_t n = tern__dns_question("a.example", 1, TERN__DNS_EDNS, 7, question, sizeof question), i, k;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    dns_begin(&m, cases[i].id, cases[i].flags, cases[i].name, cases[i].type);
    assert_int_equal(tern__dns_reply_matches(m.octets, m.len, question, n), cases[i].matches);
    for (k = 0; cases[i].name != NULL && k < m.len; k++) { /* cut anywhere: no match, no overrun */
      uint8_t *cut = malloc(k > 0 ? k : 1);

      memcpy(cut, m.octets, k);
      assert_false(tern__dns_reply_matches(cut, k, question, n));
      free(cut);
    }
  }
  dns_begin(&m, 7, DNS_GOOD, "a.example", 1);
  m.octets[5] = 2; /* two questions */
  assert_false(tern__dns_reply_matches(m.octets, m.len, question, n));
  dns_begin(&m, 7, DNS_GOOD, "a.example", 1);
  m.octets[12] = 0xc0; /* a pointer to itself where the name is due */
  m.octets[13] = 12;
  assert_false(tern__dns_reply_matches(m.octets, m.len, question, n));
}

static void test_types(void **state)
{
  static const uint8_t txt[] = {3, 'v', '=', 'S', 0, 2, 'T', 0};
  static const uint8_t tlsa[] = {3, 1, 1, 0xaa, 0xbb};
  uint8_t srv[80] = {0, 10, 0, 20, 2, 75};

  (void)state;
  dns_begin(&m, 1, DNS_GOOD | DNS_AD, "X.Test", 15);
  dns_mx(&m, "x.test", 20, "Mx2.x.tesT");
  dns_mx(&m, "X.TEST", 10, ".");
  read_reply("x.test.", 15);
  assert_int_equal(a.result, TERN__DNS_FOUND);
  assert_int_equal(a.count, 2);
  assert_int_equal(a.ad, 1);
  assert_int_equal(a.secure, 0); /* not for this file to say */
  assert_string_equal(a.records[0].name, "mx2.x.test");
  assert_int_equal(a.records[0].preference, 20);
  assert_string_equal(a.records[1].name, ".");
  assert_string_equal(a.canonical, "x.test");
  assert_int_equal(a.ttl, 300);
  done();

  dns_begin(&m, 1, DNS_GOOD, "x.test", 16);
  dns_record(&m, DNS_ANSWER, "x.test", 16, 60, txt, sizeof txt);
  dns_a(&m, "x.test", "192.0.2.1"); /* of another type */
  read_reply("x.test", 16);
  assert_int_equal(a.count, 1);
  assert_int_equal(a.records[0].len, 5);
  assert_memory_equal(a.records[0].octets, "v=ST\0", 5);
  assert_int_equal(a.ttl, 60);
  done();

  dns_begin(&m, 1, DNS_GOOD, "_25._tcp.x.test", 52);
  dns_record(&m, DNS_ANSWER, "_25._tcp.x.test", 52, 0x80000000u, tlsa, sizeof tlsa);
  read_reply("_25._tcp.x.test", 52);
  assert_int_equal(a.records[0].usage, 3);
  assert_int_equal(a.records[0].selector, 1);
  assert_int_equal(a.records[0].matching, 1);
  assert_int_equal(a.records[0].len, 2);
  assert_memory_equal(a.records[0].octets, "\xaa\xbb", 2);
  assert_int_equal(a.ttl, 0);
  done();

  dns_begin(&m, 1, DNS_GOOD, "_s._tcp.x.test", 33);
  dns_record(&m, DNS_ANSWER, "_s._tcp.x.test", 33, 5, srv, 6 + dns_name(srv + 6, "mail.x.test"));
  read_reply("_s._tcp.x.test", 33);
  assert_int_equal(a.records[0].preference, 10);
  assert_int_equal(a.records[0].weight, 20);
  assert_int_equal(a.records[0].port, 587);
  assert_string_equal(a.records[0].name, "mail.x.test");
  done();

  dns_begin(&m, 1, DNS_GOOD, "x.test", 28);
  dns_aaaa(&m, "x.test", "2001:db8::1");
  read_reply("x.test", 28);
  assert_int_equal(a.records[0].len, 16);
  assert_int_equal(a.records[0].octets[15], 1);
  done();
}

static void test_cnames(void **state)
{
  char from[40], to[40];
  int i;

  (void)state;
  dns_begin(&m, 1, DNS_GOOD, "a.test", 1); /* in any order */
  dns_a(&m, "c.test", "192.0.2.1");
  dns_a(&m, "evil.test", "192.0.2.66");
  dns_cname(&m, "b.test", "c.test");
  dns_cname(&m, "a.test", "B.test");
  read_reply("a.test", 1);
  assert_int_equal(a.result, TERN__DNS_FOUND);
  assert_int_equal(a.count, 1);
  assert_int_equal(a.records[0].octets[3], 1);
  assert_int_equal(a.cnames, 2);
  assert_string_equal(a.canonical, "c.test");
  done();

  dns_begin(&m, 1, DNS_GOOD, "a.test", 5); /* asked for itself it is not followed */
  dns_cname(&m, "a.test", "b.test");
  dns_cname(&m, "b.test", "c.test");
  read_reply("a.test", 5);
  assert_int_equal(a.count, 1);
  assert_string_equal(a.records[0].name, "b.test");
  done();

  dns_begin(&m, 1, DNS_GOOD, "a.test", 1);
  dns_cname(&m, "a.test", "b.test");
  dns_cname(&m, "b.test", "a.test");
  read_reply("a.test", 1);
  assert_int_equal(a.result, TERN__DNS_LOOP);
  done();

  for (i = 16; i <= 17; i++) {
    int k;

    dns_begin(&m, 1, DNS_GOOD, "n0.test", 1);
    for (k = 0; k < i; k++) {
      snprintf(from, sizeof from, "n%d.test", k);
      snprintf(to, sizeof to, "n%d.test", k + 1);
      dns_cname(&m, from, to);
    }
    dns_a(&m, to, "192.0.2.1");
    read_reply("n0.test", 1);
    assert_int_equal(a.result, i == 16 ? TERN__DNS_FOUND : TERN__DNS_LOOP);
    done();
  }

  dns_begin(&m, 1, DNS_GOOD | 3, "a.test", 1); /* the target does not exist */
  dns_cname(&m, "a.test", "gone.test");
  read_reply("a.test", 1);
  assert_int_equal(a.result, TERN__DNS_NXDOMAIN);
  assert_string_equal(a.canonical, "gone.test");
  done();
}

static void test_none(void **state)
{
  uint8_t soa[80] = {0};
  size_t n = dns_name(soa, "ns.test");

  (void)state;
  n += dns_name(soa + n, "hostmaster.test");
  soa[n + 19] = 60; /* MINIMUM */
  dns_begin(&m, 1, DNS_GOOD, "x.test", 1);
  dns_record(&m, DNS_AUTHORITY, "test", 6, 3600, soa, n + 20);
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_NODATA);
  assert_int_equal(a.ttl, 60);
  done();
  dns_begin(&m, 1, DNS_GOOD | DNS_AD | 3, "x.test", 1);
  dns_record(&m, DNS_AUTHORITY, "test", 6, 30, soa, n + 20);
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_NXDOMAIN);
  assert_int_equal(a.ttl, 30);
  assert_int_equal(a.ad, 1);
  done();
  dns_begin(&m, 1, DNS_GOOD, "x.test", 1);
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_NODATA);
  assert_int_equal(a.ttl, 0);
  done();
  dns_begin(&m, 1, DNS_GOOD | 2, "x.test", 1);
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_SERVFAIL);
  done();
  dns_begin(&m, 1, DNS_GOOD | DNS_TC, "x.test", 1);
  dns_a(&m, "x.test", "192.0.2.1");
  m.len -= 3; /* truncated in the middle of a record */
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_TRUNCATED);
  done();
}

static void test_opt(void **state)
{
  static const uint8_t ede[] = {0, 10, 0, 1, 9, 0, 15, 0, 4, 0, 6, 'h', 'i'};
  static const uint8_t lying[] = {0, 15, 0, 9, 0, 6};

  (void)state;
  dns_begin(&m, 1, DNS_GOOD | 2, "x.test", 1);
  dns_record(&m, DNS_ADDITIONAL, ".", 41, 0, ede, sizeof ede);
  read_reply("x.test", 1);
  assert_int_equal(a.ede, 6);
  done();
  dns_begin(&m, 1, DNS_GOOD, "x.test", 1);
  dns_record(&m, DNS_ADDITIONAL, ".", 41, 0x01000000, lying, sizeof lying); /* BADVERS */
  read_reply("x.test", 1);
  assert_int_equal(a.rcode, 16);
  assert_int_equal(a.result, TERN__DNS_SERVFAIL);
  assert_int_equal(a.ede, -1);
  done();
}

/* Replies that must not be believed, nor read beyond their end. */
static void test_hostile(void **state)
{
  static const uint8_t to_itself[] = {0, 10, 0xc0, 0};
  static const uint8_t label_over_the_end[] = {0, 10, 60, 'a', 'b'};
  static const uint8_t bad_type_of_label[] = {0, 10, 0x80, 'a', 0};
  static const uint8_t blank[] = {0, 10, 3, 'a', ' ', 'b', 0};
  static const uint8_t dot[] = {0, 10, 3, 'a', '.', 'b', 0};
  static const uint8_t nul[] = {0, 10, 3, 'a', 0, 'b', 0};
  static const uint8_t line[] = {0, 10, 3, 'a', '\n', 'b', 0};
  static const uint8_t rest[] = {0, 10, 1, 'a', 0, 'x'};
  static const uint8_t nothing[] = {0, 10};
  static const struct {
    const uint8_t *rdata;
    size_t len;
  } bad[] = {{to_itself, sizeof to_itself}, {label_over_the_end, sizeof label_over_the_end},
             {bad_type_of_label, sizeof bad_type_of_label}, {blank, sizeof blank},
             {dot, sizeof dot}, {nul, sizeof nul}, {line, sizeof line}, {rest, sizeof rest},
             {nothing, sizeof nothing}, {nothing, 1}, {nothing, 0}};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    dns_begin(&m, 1, DNS_GOOD, "x.test", 15);
    dns_record(&m, DNS_ANSWER, "x.test", 15, 300, bad[i].rdata, bad[i].len);
    if (bad[i].rdata == to_itself) { /* points at itself: its own place in the message */
      m.octets[m.len - 2] = (uint8_t)(0xc0 | (m.len - 2) >> 8);
      m.octets[m.len - 1] = (uint8_t)(m.len - 2);
    }
    read_reply("x.test", 15);
    assert_int_equal(a.result, TERN__DNS_MALFORMED);
    assert_int_equal(a.count, 0);
    assert_int_equal(a.malformed, 1);
    done();
    dns_mx(&m, "x.test", 20, "mx.x.test"); /* a good one beside it */
    read_reply("x.test", 15);
    assert_int_equal(a.result, TERN__DNS_FOUND);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.malformed, 1);
    assert_string_equal(a.records[0].name, "mx.x.test");
    done();
  }
  dns_begin(&m, 1, DNS_GOOD, "x.test", 1); /* RDATA over the end of the message */
  dns_record_lying(&m, DNS_ANSWER, "x.test", 1, "\1\2\3\4", 4, 400);
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_MALFORMED);
  done();
  dns_begin(&m, 1, DNS_GOOD, "x.test", 1); /* not the length of an address */
  dns_record(&m, DNS_ANSWER, "x.test", 1, 300, "\1\2\3\4\5", 5);
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_MALFORMED);
  done();
  dns_begin(&m, 1, DNS_GOOD, "x.test", 1); /* an owner that nobody asked for */
  dns_a(&m, "y.test", "192.0.2.66");
  dns_record(&m, DNS_ADDITIONAL, "x.test", 1, 300, "\1\2\3\4", 4);
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_NODATA);
  done();
  dns_begin(&m, 1, DNS_GOOD, "x.test", 1); /* more records said than there are */
  dns_a(&m, "x.test", "192.0.2.1");
  m.octets[7] = 200;
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_MALFORMED);
  done();
  dns_begin(&m, 1, DNS_GOOD | 3, "x.test", 1); /* does not exist, and here it is */
  dns_a(&m, "x.test", "192.0.2.1");
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_MALFORMED);
  done();
  dns_begin(&m, 1, DNS_GOOD, "x.test", 1); /* an alias for the root, or for no name */
  dns_cname(&m, "x.test", ".");
  read_reply("x.test", 1);
  assert_int_equal(a.result, TERN__DNS_MALFORMED);
  done();
}

static void test_many(void **state)
{
  char name[40];
  int i;

  (void)state;
  dns_begin(&m, 1, DNS_GOOD, "x.test", 15);
  for (i = 0; i < 500; i++) {
    snprintf(name, sizeof name, "mx%d.x.test", i);
    dns_mx(&m, "x.test", (uint32_t)i, name);
  }
  read_reply("x.test", 15);
  assert_int_equal(a.result, TERN__DNS_FOUND);
  assert_int_equal(a.count, TERN__DNS_RECORDS);
  assert_int_equal(a.left_out, 500 - TERN__DNS_RECORDS);
  assert_string_equal(a.records[255].name, "mx255.x.test");
  done();
}

/* Every prefix of a good reply, and every octet of it changed. */
static void test_cut(void **state)
{
  static const uint8_t txt[] = {3, 'a', 'b', 'c', 1, 'd'};
  uint8_t whole[600];
  size_t len, i;
  int k;

  (void)state;
  for (k = 0; k < 3; k++) {
    uint32_t type = k == 0 ? 15 : k == 1 ? 16 : 1;

    dns_begin(&m, 1, DNS_GOOD, "x.test", type);
    dns_cname(&m, "x.test", "y.test");
    if (k == 0) dns_mx(&m, "y.test", 10, "mx.y.test");
    if (k == 1) dns_record(&m, DNS_ANSWER, "y.test", 16, 5, txt, sizeof txt);
    if (k == 2) dns_a(&m, "y.test", "192.0.2.1");
    dns_record(&m, DNS_ADDITIONAL, ".", 41, 0, "\0\12\0\1\11", 5);
    len = m.len;
    memcpy(whole, m.octets, len);
    for (i = 0; i < len; i++) {
      m.len = i;
      read_reply("x.test", type);
      assert_int_not_equal(a.result, TERN__DNS_FOUND);
      assert_int_not_equal(a.result, TERN__DNS_PENDING);
      done();
    }
    for (i = 0; i < len * 256; i++) {
      m.len = len;
      memcpy(m.octets, whole, len);
      m.octets[i / 256] = (uint8_t)i;
      read_reply("x.test", type);
      assert_int_not_equal(a.result, TERN__DNS_PENDING);
      done();
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names),   cmocka_unit_test(test_question), cmocka_unit_test(test_matches),
    cmocka_unit_test(test_types),   cmocka_unit_test(test_cnames),   cmocka_unit_test(test_none),
    cmocka_unit_test(test_opt),     cmocka_unit_test(test_hostile),  cmocka_unit_test(test_many),
    cmocka_unit_test(test_cut),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
