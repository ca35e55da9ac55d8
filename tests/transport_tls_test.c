/* transport_tls_test.c - TLS over the memory transport against a server in the same process: which
 * certificate gives which status, what a server that speaks no TLS gives, octets, ends, files. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls_pair.h"
#include "transport/tls.h"

#define GOOD "d" HOST

static char good_pem[PEM];
static char folder[] = "/tmp/tern-test-XXXXXX";

/* ---- calloc that fails: Mbed TLS takes its memory there --------------------------------------*/

static volatile long calloc_left = -1; /* calls until one fails; -1: none does */
static volatile int calloc_for_ever;

void *calloc(size_t count, size_t size)
{
  volatile unsigned char *octets; /* volatile: the compiler would make a calloc of it */
  size_t i, all = count * size;

  if (size != 0 && all / size != count) return NULL;
  if (calloc_left == 0) {
    if (!calloc_for_ever) calloc_left = -1;
    return NULL;
  }
  if (calloc_left > 0) calloc_left--;
  octets = malloc(all == 0 ? 1 : all);
  for (i = 0; octets != NULL && i < all; i++) octets[i] = 0;
  return (void *)octets;
}

/* Whether it is ours that is called: valgrind puts its own in its place. */
static int calloc_can_fail(void)
{
  void *volatile octets;

  calloc_left = 0;
  octets = calloc(1, 1);
  calloc_left = -1;
  free(octets);
  return octets == NULL;
}

/* ---- certificates -----------------------------------------------------------------------------*/

static const struct {
  const char *title;
  recipe made;
  const char *host;
  tern_status status;
  const char *detail; /* a part of it */
} certificates[] = {
  {"good", {GOOD, 0, 0, BY_CA, 0, 0, 0}, HOST, TERN_OK, ""},
  {"good in capitals", {GOOD, 0, 0, BY_CA, 0, 0, 0}, "MX.Example.TEST", TERN_OK, ""},
  {"trailing dot", {GOOD, 0, 0, BY_CA, 0, 0, 0}, HOST ".", TERN_OK, ""},
  {"one of many", {"da.example|i7f000001|" GOOD, 0, 0, BY_CA, 0, 0, 0}, HOST, TERN_OK, ""},
  {"wildcard", {"d*.example.test", 0, 0, BY_CA, 0, 0, 0}, HOST, TERN_OK, ""},
  {"wildcard for two labels", {"d*.test", 0, 0, BY_CA, 0, 0, 0}, HOST, TERN_E_TLS_WRONG_HOST, ""},
  {"partial wildcard",
   {"dm*.example.test", 0, 0, BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_WRONG_HOST,
   "m*.example.test"},
  {"common name only",
   {NULL, 0, 0, BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_WRONG_HOST,
   "its common name, mx.example.test, does not count"},
  {"common name beside a SAN",
   {"dother.example", 0, 0, BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_WRONG_HOST,
   "for other.example; asked for mx.example.test"},
  {"common name beside an IP",
   {"i7f000001", 0, 0, BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_WRONG_HOST,
   "for 127.0.0.1; asked for mx.example.test"},
  {"wrong name",
   {"da.example|db.example", 0, 0, BY_CA, 0, 0, "a.example"},
   "c.example",
   TERN_E_TLS_WRONG_HOST,
   "for a.example, b.example; asked for c.example"},
  {"controls in the name",
   {"da\x1b[0m.example", 0, 0, BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_WRONG_HOST,
   "a?[0m.example"},
  {"NUL in the name",
   {GOOD "%.evil.example", 0, 0, BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_WRONG_HOST,
   "mx.example.test?.evil.example"},
  {"no name asked for",
   {GOOD, 0, 0, BY_CA, 0, 0, 0},
   "-",
   TERN_E_TLS_WRONG_HOST,
   "a host without a name"},
  {"IP", {"i7f000001", 0, 0, BY_CA, 0, 0, 0}, "127.0.0.1", TERN_OK, ""},
  {"IP in brackets",
   {"i00000000000000000000000000000001", 0, 0, BY_CA, 0, 0, 0},
   "[::1]",
   TERN_OK,
   ""},
  {"another IP",
   {"i7f000001", 0, 0, BY_CA, 0, 0, 0},
   "127.0.0.2",
   TERN_E_TLS_WRONG_HOST,
   "for 127.0.0.1; asked for 127.0.0.2"},
  {"IP as a name", {"d127.0.0.1", 0, 0, BY_CA, 0, 0, 0}, "127.0.0.1", TERN_E_TLS_WRONG_HOST, ""},
  {"IP as common name",
   {NULL, 0, 0, BY_CA, 0, 0, "127.0.0.1"},
   "127.0.0.1",
   TERN_E_TLS_WRONG_HOST,
   ""},
  {"expired",
   {GOOD, "20200101000000", "20210203000000", BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_EXPIRED,
   "expired on 2021-02-03"},
  {"not yet valid",
   {GOOD, "20480607000000", NULL, BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_NOT_YET_VALID,
   "not valid before 2048-06-07"},
  {"unknown authority",
   {GOOD, 0, 0, BY_OTHER, 0, 0, 0},
   HOST,
   TERN_E_TLS_UNKNOWN_CA,
   "issued by another CA"},
  {"self-signed", {GOOD, 0, 0, BY_SELF, 0, 0, 0}, HOST, TERN_E_TLS_UNKNOWN_CA, "self-signed"},
  {"signed with SHA-1", {GOOD, 0, 0, BY_CA, 0, 1, 0}, HOST, TERN_E_TLS_CERTIFICATE, "too weak"},
  {"for clients only", {GOOD, 0, 0, BY_CA, 1, 0, 0}, HOST, TERN_E_TLS_CERTIFICATE, "key usage"},
  /* several faults: the order of tls.h */
  {"unknown, expired, another name",
   {"dx.example", NULL, "20210101000000", BY_OTHER, 0, 0, 0},
   HOST,
   TERN_E_TLS_UNKNOWN_CA,
   ""},
  {"expired, another name",
   {"dx.example", NULL, "20210101000000", BY_CA, 0, 0, 0},
   HOST,
   TERN_E_TLS_WRONG_HOST,
   ""},
  {"expired, SHA-1, for clients",
   {GOOD, NULL, "20210101000000", BY_CA, 1, 1, 0},
   HOST,
   TERN_E_TLS_EXPIRED,
   ""},
};

static void check_certificate(size_t i, int version, uint32_t verify)
{
  char pem[PEM];
  tls_options o;
  tls_pair p;
  tern_status status, expected = certificates[i].status;

  memset(&o, 0, sizeof o);
  o.host = certificates[i].host;
  o.version = version;
  o.verify = verify;
  assert_int_equal(pki_issue(&authority, &certificates[i].made, pem), 0);
  status = open_pair(&p, &o, pem);
  if (status != (verify == TERN__TLS_VERIFY_REQUIRED ? expected : TERN_OK))
    fail_msg("%s, TLS 1.%d: %d (%s)", certificates[i].title, version - 10, (int)status,
             tern__tls_detail(p.tls));
  assert_int_equal(tern__tls_verified(p.tls),
                   expected == TERN_OK && verify != TERN__TLS_VERIFY_NONE);
  if (verify != TERN__TLS_VERIFY_NONE) {
    assert_int_equal(tern__tls_verdict(p.tls), expected);
    if (strstr(tern__tls_detail(p.tls), certificates[i].detail) == NULL)
      fail_msg("%s: %s", certificates[i].title, tern__tls_detail(p.tls));
  }
  if (status == TERN_OK) {
    assert_int_equal(p.server.result, 0);
    assert_string_equal(tern__tls_version(p.tls), version == TLS13 ? "TLSv1.3" : "TLSv1.2");
    assert_non_null(strstr(tern__tls_cipher(p.tls), version == TLS13 ? "TLS1-3-" : "TLS-"));
  } else {
    size_t n;
    uint8_t octet = 0;

    assert_string_equal(tern__tls_version(p.tls), "");
    assert_int_equal(tern__tls_handshake_step(p.tls), status); /* final */
    assert_int_equal(tern__transport_write(&p.link, &octet, 1, &n), TERN_E_STATE);
    assert_int_equal(tern__transport_read(&p.link, &octet, 1, &n), TERN_E_STATE);
  }
  close_pair(&p);
}

static void each_certificate(uint32_t verify)
{
  size_t i;

  for (i = 0; i < sizeof certificates / sizeof *certificates; i++) {
    check_certificate(i, TLS12, verify);
    if (HAVE_TLS13) check_certificate(i, TLS13, verify);
  }
}

static void test_certificates_required(void **state)
{
  (void)state;
  each_certificate(TERN__TLS_VERIFY_REQUIRED);
}

static void test_certificates_optional(void **state)
{
  (void)state;
  each_certificate(TERN__TLS_VERIFY_OPTIONAL);
}

static void test_certificates_unlooked_at(void **state)
{
  (void)state;
  each_certificate(TERN__TLS_VERIFY_NONE);
}

/* ---- servers that do not shake hands ----------------------------------------------------------*/

static void test_raw_answers(void **state)
{
  static const struct {
    const char *octets;
    size_t len;
    int closes;
    tern_status status;
    const char *detail;
  } cases[] = {
#define RAW(text) text, sizeof(text) - 1
    {RAW("220 mx.example.test ESMTP\r\n"), 0, TERN_E_TLS_PLAIN, "\"220 mx.example.test ESMTP\""},
    {RAW("220 mx.example.test ESMTP\r\n"), 1, TERN_E_TLS_PLAIN, "220"},
    {RAW("554 no\r\n"), 1, TERN_E_TLS_PLAIN, "\"554 no\""},
    {RAW("421-later\x1b[2J\r\n421 x\r\n"), 1, TERN_E_TLS_PLAIN, "\"421-later?[2J\""},
    {RAW("2"), 0, TERN_E_TLS_PLAIN, "\"2\""},
    {RAW("HTTP/1.1 400 Bad Request\r\n"), 0, TERN_E_TLS_PLAIN, "HTTP"},
    {RAW("\r\n"), 0, TERN_E_TLS_PLAIN, ""},
    {RAW(""), 1, TERN_E_CLOSED, "closed the connection during the handshake"},
    {RAW("\x16\x03\x03\x00\x50\x02\x00"), 1, TERN_E_CLOSED, "closed"},
    {RAW("\x16\x03"), 1, TERN_E_CLOSED, "closed"},
    {RAW("\x15\x03\x03\x00\x02\x02\x46"), 1, TERN_E_TLS_VERSION, "protocol version"},
    {RAW("\x15\x03\x01\x00\x02\x02\x28"), 1, TERN_E_TLS_VERSION, "handshake failure"},
    {RAW("\x15\x03\x03\x00\x02\x02\x47"), 0, TERN_E_TLS_VERSION, "insufficient security"},
    {RAW("\x15\x03\x03\x00\x02\x02\x50"), 1, TERN_E_TLS_HANDSHAKE, "80 (internal error)"},
    {RAW("\x15\x03\x03\x00\x02\x02\x70"), 1, TERN_E_TLS_HANDSHAKE, "unrecognized name"},
    {RAW("\x15\x03\x03\x00\x02\x02\x30"), 1, TERN_E_TLS_CLIENT_CERT, "unknown CA"},
    {RAW("\x15\x03\x03\x00\x02\x02\x74"), 1, TERN_E_TLS_CLIENT_CERT, "certificate required"},
    {RAW("\x15\x03\x03\x00\x02\x01\x00"), 1, TERN_E_CLOSED, "ended TLS"},
    {RAW("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01"
         "0123456789abcdef0123456789abcdef\x00\x00\x2f\x00"),
     0, TERN_E_TLS_VERSION, "no TLS version"},
    {RAW("\x17\x03\x03\x00\x01x"), 0, TERN_E_TLS_HANDSHAKE, "failed"},
    {RAW("\x16\x03\x03\xff\xff\x02\x00\x00"), 0, TERN_E_TLS_HANDSHAKE, "failed"},
    {RAW("\x80\x2e\x01\x03\x01\x00\x15\x00"), 0, TERN_E_TLS_HANDSHAKE, "failed"},
    {RAW("\x00\x00\x00\x00\x00\x00\x00\x00"), 0, TERN_E_TLS_HANDSHAKE, "failed"},
  };
  tls_options o;
  size_t i, n;

  (void)state;
  memset(&o, 0, sizeof o);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tls_pair p;
    tern_status status;

    open_pipe(&p, 0);
    assert_int_equal(open_client(&p, &o), TERN_OK);
    assert_int_equal(tern__tls_handshake_step(p.tls), TERN_E_AGAIN); /* the hello is out */
    assert_int_equal(tern__tls_events(p.tls), TERN_READ);
    if (cases[i].len > 0)
      assert_int_equal(
        tern__transport_write(&p.server_end, (const uint8_t *)cases[i].octets, cases[i].len, &n),
        TERN_OK);
    if (cases[i].closes) tern__transport_close(&p.server_end);
    status = shake(&p);
    if (status != cases[i].status || strstr(tern__tls_detail(p.tls), cases[i].detail) == NULL)
      fail_msg("case %u: %d (%s)", (unsigned)i, (int)status, tern__tls_detail(p.tls));
    tern__transport_close(&p.link);
    close_pair(&p);
  }
}

/* A handshake message in records without end costs bounded memory and ends. */
static void test_endless_handshake(void **state)
{
  uint8_t record[5 + 4] = {0x16, 3, 3, 0, 4, 0, 0, 0, 0}; /* HelloRequest: ignored, over and over */
  tls_options o;
  tls_pair p;
  tern_status status = TERN_E_AGAIN;
  size_t n;
  long i;

  (void)state;
  memset(&o, 0, sizeof o);
  open_pipe(&p, 0);
  assert_int_equal(open_client(&p, &o), TERN_OK);
  for (i = 0; i < 300000 && status == TERN_E_AGAIN; i++) {
    (void)tern__transport_write(&p.server_end, record, sizeof record, &n);
    status = tern__tls_handshake_step(p.tls);
  }
  assert_int_not_equal(status, TERN_E_AGAIN);
  assert_int_not_equal(status, TERN_OK);
  close_pair(&p);
}

/* The verdict stands where the link breaks under the alert that tells the server of it. */
static void test_bad_certificate_and_gone(void **state)
{
  static const recipe unknown = {GOOD, 0, 0, BY_OTHER, 0, 0, 0};
  char pem[PEM];
  int version;

  (void)state;
  assert_int_equal(pki_issue(&authority, &unknown, pem), 0);
  for (version = TLS12; version <= (HAVE_TLS13 ? TLS13 : TLS12); version++) {
    tls_options o;
    tls_pair p;

    memset(&o, 0, sizeof o);
    open_pipe(&p, 0);
    assert_int_equal(server_init(&p.server, &authority, p.server_end, pem, version, 0, 0, 0), 0);
    assert_int_equal(open_client(&p, &o), TERN_OK);
    assert_int_equal(tern__tls_handshake_step(p.tls), TERN_E_AGAIN);
    server_step(&p.server);
    tern__transport_close(&p.server_end);
    assert_int_equal(tern__tls_handshake_step(p.tls), TERN_E_TLS_UNKNOWN_CA);
    assert_non_null(strstr(tern__tls_detail(p.tls), "another CA"));
    p.has_server = 1;
    close_pair(&p);
  }
}

static void test_nothing_in_common(void **state)
{
  tls_options o;
  tls_pair p;

  (void)state;
  memset(&o, 0, sizeof o);
  o.suite = MBEDTLS_TLS_RSA_WITH_NULL_SHA256;
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_E_TLS_VERSION);
  close_pair(&p);
}

static void test_failing_lower_transport(void **state)
{
  tls_options o;
  tls_pair p;

  (void)state;
  memset(&o, 0, sizeof o);
  open_pipe(&p, 0);
  assert_int_equal(open_client(&p, &o), TERN_OK);
  tern__transport_close(&p.server_end); /* before the hello */
  assert_int_equal(shake(&p), TERN_E_CLOSED);
  close_pair(&p);
}

/* ---- octets -----------------------------------------------------------------------------------*/

static uint8_t pattern(size_t i)
{
  return (uint8_t)(i * 31 + (i >> 8));
}

/* The server's side of a conversation: sends what it has to, checks what comes. */
typedef struct talk {
  size_t sent, got, all;
} talk;

static void server_talk(tls_pair *p, talk *t)
{
  uint8_t buffer[3001];
  size_t i, n;
  int rc;

  n = t->all - t->sent < 1777 ? t->all - t->sent : 1777;
  for (i = 0; i < n; i++) buffer[i] = pattern(t->sent + i);
  if (n > 0) {
    rc = mbedtls_ssl_write(&p->server.ssl, buffer, n);
    assert_true(rc > 0 || tls_is_again(rc));
    t->sent += rc > 0 ? (size_t)rc : 0;
  }
  rc = mbedtls_ssl_read(&p->server.ssl, buffer, sizeof buffer);
  assert_true(rc > 0 || tls_is_again(rc));
  for (i = 0; rc > 0 && i < (size_t)rc; i++) assert_int_equal(buffer[i], pattern(t->got + i));
  t->got += rc > 0 ? (size_t)rc : 0;
}

/* Offers the octets from `sent` on as spans of odd sizes; after AGAIN they are cut differently. */
static void client_send(tls_pair *p, const uint8_t *octets, talk *t, int round)
{
  static const size_t sizes[] = {1, 0, 3, 76, 2, 5000, 7, 20000, 1, 2047, 2048, 2049, 4096, 33};
  tern_span spans[5];
  size_t i, n, at = t->sent;
  tern_status status;

  for (i = 0; i < 5; i++) {
    size_t want = sizes[((size_t)round + i) % (sizeof sizes / sizeof *sizes)];

    if (i == 4) want = 30000; /* enough for any record that is held */
    spans[i].octets = octets + at;
    spans[i].len = want < t->all - at ? want : t->all - at;
    at += spans[i].len;
  }
  if (at == t->sent) return;
  status = tern__transport_writev(&p->link, spans, 5, &n);
  assert_true(status == TERN_OK || status == TERN_E_AGAIN);
  if (status == TERN_E_AGAIN)
    assert_int_equal(tern__transport_pending(&p->link, TERN_WRITE), TERN_WRITE);
  t->sent += n;
}

static void converse(int version, size_t cap, size_t all, int tickets)
{
  uint8_t *octets = malloc(all), buffer[2500];
  talk client = {0, 0, 0}, other = {0, 0, 0};
  tls_options o;
  tls_pair p;
  size_t i, n;
  int round;

  memset(&o, 0, sizeof o);
  o.version = version;
  o.cap = cap;
  o.tickets = tickets;
  for (i = 0; i < all; i++) octets[i] = pattern(i);
  client.all = other.all = all;
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  for (round = 0; round < 200000 && (client.got < all || other.got < all); round++) {
    tern_status status;

    client_send(&p, octets, &client, round);
    server_talk(&p, &other);
    status = tern__transport_read(&p.link, buffer, (size_t)round % sizeof buffer + 1, &n);
    assert_true(status == TERN_OK || status == TERN_E_AGAIN);
    assert_memory_equal(buffer, octets + client.got, n);
    client.got += n;
  }
  assert_int_equal(client.got, all);
  assert_int_equal(other.got, all);
  close_pair(&p);
  free(octets);
}

/* Many mails in flight are many small spans: they leave in whole records (RFC 8446 5.1), also when
 * only that much was given at a time for once. */
static void test_small_spans_fill_records(void **state)
{
  static const struct {
    size_t spans, first;
  } cases[] = {{2, 2000}, {4, 4000}, {16, 16000}, {17, 16384}, {40, 16384}};
  uint8_t octets[1000], buffer[16384];
  tern_span spans[40];
  tls_options o;
  tls_pair p;
  size_t i, k, n;

  (void)state;
  memset(&o, 0, sizeof o);
  o.version = TLS12;
  o.cap = 50000;
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  for (i = 0; i < sizeof octets; i++) octets[i] = pattern(i);
  for (k = 0; k < 40; k++) {
    spans[k].octets = octets;
    spans[k].len = sizeof octets;
  }
  for (k = 0; k < sizeof cases / sizeof *cases; k++) {
    assert_int_equal(tern__transport_writev(&p.link, spans, cases[k].spans, &n), TERN_OK);
    assert_int_equal(n, cases[k].first);
    assert_int_equal(mbedtls_ssl_read(&p.server.ssl, buffer, sizeof buffer), (int)n); /* one record */
    for (i = 0; i < n; i++) assert_int_equal(buffer[i], octets[i % sizeof octets]);
  }
  close_pair(&p);
}

static void test_much_both_ways(void **state)
{
  (void)state;
  converse(TLS12, 700, 200001, 0);
  converse(TLS12, 50000, 400003, 0);
  if (HAVE_TLS13) {
    converse(TLS13, 700, 200001, 0);
    converse(TLS13, 50000, 400003, 0);
  }
}

/* Session tickets come behind the handshake: no octet of SMTP, no error either. */
static void test_tickets_are_progress(void **state)
{
  (void)state;
  converse(TLS12, 0, 5000, 1);
  if (HAVE_TLS13) converse(TLS13, 0, 5000, 1);
}

static void write_all(tls_pair *p, const char *text)
{
  size_t n, at = 0;
  int i;

  for (i = 0; i < 100 && text[at] != 0; i++)
    if (tern__transport_write(&p->link, (const uint8_t *)text + at, strlen(text + at), &n) ==
        TERN_OK)
      at += n;
  assert_int_equal(text[at], 0);
}

static void check_ends(int version)
{
  uint8_t buffer[16];
  tls_options o;
  tls_pair p;
  size_t n;
  int rc;

  memset(&o, 0, sizeof o);
  o.version = version;
  /* the server says good-bye */
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  assert_int_equal(mbedtls_ssl_write(&p.server.ssl, (const unsigned char *)"bye", 3), 3);
  assert_int_equal(mbedtls_ssl_close_notify(&p.server.ssl), 0);
  tern__transport_close(&p.server_end);
  assert_int_equal(tern__transport_read(&p.link, buffer, sizeof buffer, &n), TERN_OK);
  assert_memory_equal(buffer, "bye", 3);
  assert_int_equal(tern__transport_read(&p.link, buffer, sizeof buffer, &n), TERN_E_CLOSED);
  assert_non_null(strstr(tern__tls_detail(p.tls), "ended TLS"));
  assert_int_equal(tern__transport_read(&p.link, buffer, sizeof buffer, &n), TERN_E_CLOSED);
  assert_int_equal(tern__transport_write(&p.link, buffer, 1, &n), TERN_E_CLOSED);
  close_pair(&p);
  /* it just goes */
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  tern__transport_close(&p.server_end);
  assert_int_equal(tern__transport_read(&p.link, buffer, sizeof buffer, &n), TERN_E_CLOSED);
  assert_non_null(strstr(tern__tls_detail(p.tls), "without ending TLS"));
  close_pair(&p);
  /* it goes, and the client writes first */
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  tern__transport_close(&p.server_end);
  assert_int_equal(tern__transport_write(&p.link, buffer, 1, &n), TERN_E_CLOSED);
  close_pair(&p);
  /* the client says good-bye, once, and its lower transport is closed */
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  write_all(&p, "QUIT");
  tern__transport_close(&p.link);
  assert_int_equal(mbedtls_ssl_read(&p.server.ssl, buffer, sizeof buffer), 4);
  rc = mbedtls_ssl_read(&p.server.ssl, buffer, sizeof buffer);
  assert_int_equal(rc, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  assert_int_equal(tern__transport_read(&p.server_end, buffer, 1, &n), TERN_E_CLOSED);
  assert_int_equal(tern__transport_read(&p.link, buffer, 1, &n), TERN_E_CLOSED);
  close_pair(&p);
}

static void test_ends(void **state)
{
  (void)state;
  check_ends(TLS12);
  if (HAVE_TLS13) check_ends(TLS13);
}

/* A record that was changed, and one that was cut, give no octets. */
static void test_broken_records(void **state)
{
  uint8_t buffer[64], record[64];
  tls_options o;
  tls_pair p;
  size_t n;

  (void)state;
  memset(&o, 0, sizeof o);
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  assert_int_equal(mbedtls_ssl_write(&p.server.ssl, (const unsigned char *)"250 ok\r\n", 8), 8);
  assert_int_equal(tern__transport_read(&p.client_end, record, sizeof record, &n), TERN_OK);
  record[n - 1] ^= 1;
  assert_int_equal(tern__transport_write(&p.server_end, record, n, &n), TERN_OK);
  assert_int_equal(tern__transport_read(&p.link, buffer, sizeof buffer, &n), TERN_E_IO);
  assert_int_equal(tern__transport_read(&p.link, buffer, sizeof buffer, &n), TERN_E_IO);
  close_pair(&p);

  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  assert_int_equal(mbedtls_ssl_write(&p.server.ssl, (const unsigned char *)"250 ok\r\n", 8), 8);
  assert_int_equal(tern__transport_read(&p.client_end, record, sizeof record, &n), TERN_OK);
  assert_int_equal(tern__transport_write(&p.server_end, record, n - 1, &n), TERN_OK);
  assert_int_equal(tern__transport_read(&p.link, buffer, sizeof buffer, &n), TERN_E_AGAIN);
  assert_int_equal(tern__transport_pending(&p.link, TERN_READ), TERN_READ);
  tern__transport_close(&p.server_end);
  assert_int_equal(tern__transport_read(&p.link, buffer, sizeof buffer, &n), TERN_E_CLOSED);
  close_pair(&p);
}

/* ---- files ------------------------------------------------------------------------------------*/

static const char *put_file(const char *name, const char *text)
{
  static char paths[8][128];
  static unsigned next;
  char *path = paths[next++ % 8];
  FILE *f;

  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
  assert_int_equal(fclose(f), 0);
  return path;
}

static void check_client_certificate(int version, const char *certificate, tern_status expected)
{
  uint8_t octet;
  tls_options o;
  tls_pair p;
  size_t n;
  tern_status status;

  memset(&o, 0, sizeof o);
  o.version = version;
  o.client_auth = 1;
  o.certificate = certificate;
  status = open_pair(&p, &o, good_pem);
  if (status == TERN_OK) { /* TLS 1.3: the server judges after the client has ended */
    server_step(&p.server);
    if (p.server.result == 0)
      assert_int_equal(mbedtls_ssl_write(&p.server.ssl, (const unsigned char *)"2", 1), 1);
    status = tern__transport_read(&p.link, &octet, 1, &n);
  }
  if (status != expected)
    fail_msg("%s, TLS 1.%d: %d (%s), server -0x%x", certificate != NULL ? certificate : "none",
             version - 10, (int)status, tern__tls_detail(p.tls), (unsigned)-p.server.result);
  close_pair(&p);
  if (expected == TERN_OK || version == TLS12) return;
  /* where the client writes first, it learns the same */
  assert_int_equal(open_pair(&p, &o, good_pem), TERN_OK);
  assert_int_equal(tern__transport_write(&p.link, &octet, 1, &n), expected);
  close_pair(&p);
}

static void test_client_certificate(void **state)
{
  static const recipe good = {"d" HOST, 0, 0, BY_CA, 1, 0, "client"};
  static const recipe stranger = {"d" HOST, 0, 0, BY_OTHER, 1, 0, "stranger"};
  char pem[PEM], both[2 * PEM];
  const char *good_file, *stranger_file;
  int version;

  (void)state;
  assert_int_equal(pki_issue(&authority, &good, pem), 0);
  snprintf(both, sizeof both, "%s%s", pem, authority.key_pem);
  good_file = put_file("client.pem", both);
  assert_int_equal(pki_issue(&authority, &stranger, pem), 0);
  snprintf(both, sizeof both, "%s%s", authority.key_pem, pem);
  stranger_file = put_file("stranger.pem", both);
  for (version = TLS12; version <= (HAVE_TLS13 ? TLS13 : TLS12); version++) {
    check_client_certificate(version, good_file, TERN_OK);
    check_client_certificate(version, stranger_file, TERN_E_TLS_CLIENT_CERT);
    check_client_certificate(version, NULL, TERN_E_TLS_CLIENT_CERT);
  }
}

static void test_files_that_cannot_be_used(void **state)
{
  const char *garbage = put_file("garbage.pem", "no certificate\n"),
             *empty = put_file("empty.pem", ""),
             *broken = put_file("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                              "-----END CERTIFICATE-----\n"),
             *ca = put_file("ca.pem", authority.ca), *cert = put_file("cert.pem", good_pem),
             *key = put_file("key.pem", authority.key_pem);
  char other_key[PEM];
  const char *wrong_key;
  struct {
    const char *ca, *cert, *key, *pem;
    tern_status status;
    uint32_t field;
    const char *detail;
  } cases[] = {
    {ca, cert, key, NULL, TERN_OK, TERN_FIELD_NONE, ""},
    {folder, NULL, NULL, NULL, TERN_OK, TERN_FIELD_NONE, ""},
    {"/nonexistent/ca.pem", NULL, NULL, NULL, TERN_E_CONFIG, TERN_FIELD_CA,
     "/nonexistent/ca.pem: No such file or directory"},
    {garbage, NULL, NULL, NULL, TERN_E_CONFIG, TERN_FIELD_CA, "garbage.pem: no certificate"},
    {empty, NULL, NULL, NULL, TERN_E_CONFIG, TERN_FIELD_CA, "empty.pem: no certificate"},
    {broken, NULL, NULL, NULL, TERN_E_CONFIG, TERN_FIELD_CA, "broken.pem: no certificate"},
    {key, NULL, NULL, NULL, TERN_E_CONFIG, TERN_FIELD_CA, "key.pem: no certificate"},
    {"/dev/zero", NULL, NULL, NULL, TERN_E_CONFIG, TERN_FIELD_CA, "/dev/zero: too large"},
    {"/proc", NULL, NULL, NULL, TERN_E_CONFIG, TERN_FIELD_CA, "/proc: no certificate"},
    {NULL, NULL, NULL, "garbage", TERN_E_CONFIG, TERN_FIELD_CA, "in memory"},
    {NULL, NULL, NULL, "", TERN_E_CONFIG, TERN_FIELD_CA, "in memory"},
    {ca, "/nonexistent", key, NULL, TERN_E_CONFIG, TERN_FIELD_CERTIFICATE, "/nonexistent: No"},
    {ca, garbage, key, NULL, TERN_E_CONFIG, TERN_FIELD_CERTIFICATE, "garbage.pem: no"},
    {ca, folder, key, NULL, TERN_E_CONFIG, TERN_FIELD_CERTIFICATE, "Is a directory"},
    {ca, cert, "/nonexistent", NULL, TERN_E_CONFIG, TERN_FIELD_KEY, "/nonexistent: No such"},
    {ca, cert, garbage, NULL, TERN_E_CONFIG, TERN_FIELD_KEY, "garbage.pem: no private key"},
    {ca, cert, NULL, NULL, TERN_E_CONFIG, TERN_FIELD_KEY, "cert.pem: no private key"},
    {ca, cert, "wrong", NULL, TERN_E_CONFIG, TERN_FIELD_KEY, "not that of the certificate"},
    {ca, NULL, key, NULL, TERN_E_CONFIG, TERN_FIELD_CERTIFICATE, "without a certificate"},
  };
  size_t i;

  (void)state;
  assert_int_equal(mbedtls_pk_write_key_pem(&authority.other_key, (unsigned char *)other_key, PEM),
                   0);
  wrong_key = put_file("wrong.pem", other_key);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern__tls_config config;
    tern__tls *tls;
    tern_status status;
    tern_pipe *pipe = tern_pipe_new(NULL, 100);

    memset(&config, 0, sizeof config);
    config.lower.table = tern_pipe_transport();
    config.lower.user = tern_pipe_end(pipe, 0);
    config.name = HOST;
    config.ca = cases[i].ca;
    config.ca_pem = cases[i].pem;
    config.certificate = cases[i].cert;
    config.key =
      cases[i].key != NULL && strcmp(cases[i].key, "wrong") == 0 ? wrong_key : cases[i].key;
    status = tern__tls_new(NULL, &config, &tls);
    if (status != cases[i].status || tern__tls_field(tls) != cases[i].field ||
        strstr(tern__tls_detail(tls), cases[i].detail) == NULL)
      fail_msg("case %u: %d, field %u (%s)", (unsigned)i, (int)status,
               (unsigned)tern__tls_field(tls), tern__tls_detail(tls));
    if (status != TERN_OK) assert_int_equal(tern__tls_handshake_step(tls), status);
    tern__tls_free(tls);
    tern_pipe_free(pipe);
  }
}

static void test_trust_is_shared(void **state)
{
  tern__tls_config config;
  tern__trust *trust;
  char detail[64];
  int i;

  (void)state;
  assert_int_equal(tern__trust_new(NULL, NULL, "", &trust, detail, sizeof detail), TERN_E_CONFIG);
  assert_null(trust);
  assert_true(detail[0] != 0);
  assert_int_equal(tern__trust_new(NULL, NULL, authority.ca, &trust, NULL, 0), TERN_OK);
  for (i = 0; i < 2; i++) {
    tls_pair p;

    open_pipe(&p, 0);
    assert_int_equal(server_init(&p.server, &authority, p.server_end, good_pem, TLS12, 0, 0, 0), 0);
    p.has_server = 1;
    memset(&config, 0, sizeof config);
    config.lower = p.client_end;
    config.name = HOST;
    config.trust = trust;
    assert_int_equal(tern__tls_new(NULL, &config, &p.tls), TERN_OK);
    assert_int_equal(shake(&p), TERN_OK);
    assert_int_equal(tern__tls_verified(p.tls), 1);
    close_pair(&p);
  }
  tern__trust_free(trust);
  tern__trust_free(NULL);
}

static void test_bad_arguments(void **state)
{
  tern__tls_config config;
  tern__tls *tls;

  (void)state;
  memset(&config, 0, sizeof config);
  config.name = HOST;
  config.ca_pem = authority.ca;
  assert_int_equal(tern__tls_new(NULL, &config, &tls), TERN_E_ARGUMENT); /* nothing below */
  tern__tls_free(tls);
  tern__tls_free(NULL);
  assert_int_equal(tern__tls_handshake_step(NULL), TERN_E_NOMEM);
  assert_string_equal(tern__tls_version(NULL), "");
  assert_string_equal(tern__tls_cipher(NULL), "");
  assert_string_equal(tern__tls_detail(NULL), "");
  assert_int_equal(tern__tls_verified(NULL), 0);
}

/* ---- memory -----------------------------------------------------------------------------------*/

typedef struct counter {
  long left;
  long live;
} counter;

static void *counted_alloc(void *user, size_t size)
{
  counter *c = user;

  if (c->left-- <= 0) return NULL;
  c->live++;
  return malloc(size);
}

static void counted_free(void *user, void *ptr, size_t size)
{
  (void)size;
  ((counter *)user)->live--;
  free(ptr);
}

static void test_every_allocation_of_ours_may_fail(void **state)
{
  const char *ca = put_file("ca.pem", authority.ca), *cert = put_file("cert.pem", good_pem),
             *key = put_file("key.pem", authority.key_pem);
  counter c;
  tern_allocator mem = {&c, counted_alloc, counted_free};
  tern_pipe *pipe = tern_pipe_new(NULL, 100);
  tern_status status = TERN_E_NOMEM;
  long i;

  (void)state;
  for (i = 0; status != TERN_OK; i++) {
    tern__tls_config config;
    tern__tls *tls;

    assert_true(i < 50);
    memset(&config, 0, sizeof config);
    config.lower.table = tern_pipe_transport();
    config.lower.user = tern_pipe_end(pipe, 0);
    config.name = HOST;
    config.ca = ca;
    config.certificate = cert;
    config.key = key;
    c.left = i;
    c.live = 0;
    status = tern__tls_new(&mem, &config, &tls);
    assert_true(status == TERN_OK || status == TERN_E_NOMEM);
    tern__tls_free(tls);
    assert_int_equal(c.live, 0);
  }
  assert_true(i > 4);
  tern_pipe_free(pipe);
}

/* Mbed TLS's own: whatever fails, the end is an error or a verified session, never a hang, a crash
 * or a session that nobody vouched for. */
static void failing_calloc(int version, int for_ever)
{
  static const recipe unknown = {GOOD, 0, 0, BY_OTHER, 0, 0, 0};
  char bad_pem[PEM];
  long i;
  int over = 0, nomem = 0;

  assert_int_equal(pki_issue(&authority, &unknown, bad_pem), 0);
  for (i = 0; !over; i += 1 + i / 6) {
    int bad;

    for (bad = 0; bad < 2; bad++) {
      tls_options o;
      tls_pair p;
      tern_status status;

      memset(&o, 0, sizeof o);
      open_pipe(&p, 0);
      assert_int_equal(server_init(&p.server, &authority, p.server_end, bad ? bad_pem : good_pem,
                                   version, 0, 0, 0),
                       0);
      p.has_server = 1;
      calloc_for_ever = for_ever;
      calloc_left = i;
      status = open_client(&p, &o);
      if (status == TERN_OK) status = shake(&p);
      over = calloc_left > 0;
      calloc_left = -1;
      assert_true(status == TERN_OK || (status < 0 && status != TERN_E_AGAIN));
      assert_true(status != TERN_OK || (!bad && tern__tls_verified(p.tls)));
      nomem += status == TERN_E_NOMEM;
      close_pair(&p);
    }
  }
  assert_true(nomem > 0);
}

static void test_every_allocation_of_mbedtls_may_fail(void **state)
{
  (void)state;
  if (!calloc_can_fail()) skip();
  failing_calloc(TLS12, 0);
  failing_calloc(TLS12, 1);
  if (HAVE_TLS13) {
    failing_calloc(TLS13, 0);
    failing_calloc(TLS13, 1);
  }
}

/* ---- all --------------------------------------------------------------------------------------*/

static int set_up(void **state)
{
  static const recipe good = {GOOD, 0, 0, BY_CA, 0, 0, 0};

  (void)state;
  if (mkdtemp(folder) == NULL || pki_init(&authority) != 0) return -1;
  return pki_issue(&authority, &good, good_pem);
}

static int tear_down(void **state)
{
  static const char *const names[] = {"ca.pem",      "cert.pem",     "key.pem",
                                      "garbage.pem", "empty.pem",    "broken.pem",
                                      "client.pem",  "stranger.pem", "wrong.pem"};
  char path[128];
  size_t i;

  (void)state;
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
  pki_free(&authority);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_certificates_required),
    cmocka_unit_test(test_certificates_optional),
    cmocka_unit_test(test_certificates_unlooked_at),
    cmocka_unit_test(test_raw_answers),
    cmocka_unit_test(test_endless_handshake),
    cmocka_unit_test(test_bad_certificate_and_gone),
    cmocka_unit_test(test_nothing_in_common),
    cmocka_unit_test(test_failing_lower_transport),
    cmocka_unit_test(test_much_both_ways),
    cmocka_unit_test(test_tickets_are_progress),
    cmocka_unit_test(test_ends),
    cmocka_unit_test(test_broken_records),
    cmocka_unit_test(test_small_spans_fill_records),
    cmocka_unit_test(test_client_certificate),
    cmocka_unit_test(test_files_that_cannot_be_used),
    cmocka_unit_test(test_trust_is_shared),
    cmocka_unit_test(test_bad_arguments),
    cmocka_unit_test(test_every_allocation_of_ours_may_fail),
    cmocka_unit_test(test_every_allocation_of_mbedtls_may_fail),
  };

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
