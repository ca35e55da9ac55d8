/* message_dkim_test.c - what a DKIM signer hashes and writes; that the signatures hold is for the
 * verifiers of dkim/verify.py to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/dkim.h>
#include <tern/session.h>

#include "base/base64.h"
#include "base/data.h"
#include "base/hash.h"
#include "message_source.h"

#define F "From: a@example.org\r\n"

/* A signer that keeps what it was given, and signs with twice that. */
typedef struct keeper {
  uint8_t digest[32];
  tern_status answer;
  size_t len; /* of the signature; 64 */
  uint32_t calls;
} keeper;

static tern_status keep(void *user, const uint8_t *digest, uint8_t *signature, size_t cap, size_t *len)
{
  keeper *k = user;
  size_t i;

  assert_true(cap >= 1024);
  memcpy(k->digest, digest, 32);
  for (i = 0; i < k->len && i < cap; i++) signature[i] = digest[i % 32];
  *len = k->len;
  k->calls++;
  return k->answer;
}

static tern_dkim *make(const tern_allocator *mem, keeper *k, uint32_t header, uint32_t body)
{
  tern_dkim *d = tern_dkim_new(mem);

  memset(k, 0, sizeof *k);
  k->len = 64;
  if (d == NULL) return NULL;
  if (tern_dkim_add(d, "example.org", "s1") == TERN_OK) {
    assert_int_equal(tern_dkim_set_signer(d, TERN_DKIM_RSA_SHA256, keep, k), TERN_OK);
    assert_int_equal(tern_dkim_set_canonicalization(d, header, body), TERN_OK);
    return d;
  }
  tern_dkim_free(d);
  return NULL;
}

static void sha256(const char *text, size_t len, uint8_t out[32])
{
  tern__hash hash;

  tern__hash_begin(&hash, TERN__SHA256);
  tern__hash_add(&hash, text, len);
  tern__hash_end(&hash, out);
}

/* The value of a tag in the first field, white space taken out. */
static void tag(const char *message, const char *name, char *out, size_t cap)
{
  const char *p = strstr(message, name);
  size_t n = 0;

  assert_non_null(p);
  for (p += strlen(name); *p != ';' && !(p[0] == '\r' && p[1] == '\n' && p[2] != ' '); p++)
    if (*p != ' ' && *p != '\r' && *p != '\n') {
      assert_true(n + 1 < cap);
      out[n++] = *p;
    }
  out[n] = '\0';
}

static char *signed_text(tern_dkim *d, size_t *len)
{
  tern_content_info info = {TERN_LENGTH_UNKNOWN, 0};
  tern_status st = tern_dkim_source()->prepare(d, TERN_CAP_8BITMIME, &info);
  char *all;

  if (st != TERN_OK) fail_msg("%s", tern_error_text(tern_dkim_error(d)));
  all = read_all(tern_dkim_source(), d, len, &st);
  assert_non_null(all);
  assert_int_equal(*len, info.length);
  return all;
}

/* Message; canonical body, relaxed and simple; canonical signed header, relaxed and simple, without
 * the signature's own field. RFC 6376 3.4.3 to 3.4.5. */
static const struct {
  const char *message, *body[2], *header[2];
} canon[] = {
  {F "A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n",
   {" C\r\nD E\r\n", " C \r\nD \t E\r\n"},
   {"from:a@example.org\r\na:X\r\nb:Y Z\r\n", F "A: X\r\nB : Y\t\r\n\tZ  \r\n"}},
  {F "\r\n", {"", "\r\n"}, {"from:a@example.org\r\n", F}},
  {F, {"", "\r\n"}, {"from:a@example.org\r\n", F}},
  {"From: a@example.org", {"", "\r\n"}, {"from:a@example.org\r\n", F}},
  {F "\r\n\r\n\r\n", {"", "\r\n"}, {"from:a@example.org\r\n", F}},
  {F "\r\n \t\r\n", {"", " \t\r\n"}, {"from:a@example.org\r\n", F}},
  {F "\r\nno end", {"no end\r\n", "no end\r\n"}, {"from:a@example.org\r\n", F}},
  {F "\r\nx \t\r\n\r\n \r\ny\t z\r\n\r\n",
   {"x\r\n\r\n\r\ny z\r\n", "x \t\r\n\r\n \r\ny\t z\r\n"}, {"from:a@example.org\r\n", F}},
  {F "\n\rx\n.\ny\r", {"\r\nx\r\n.\r\ny\r\n", "\r\nx\r\n.\r\ny\r\n"}, {"from:a@example.org\r\n", F}},
  {F "a:\r\nB:  \r\n  \r\nC: h\xc3\xb6\r\n\r\nh\xc3\xb6 \r\n", {"h\xc3\xb6\r\n", "h\xc3\xb6 \r\n"},
   {"from:a@example.org\r\na:\r\nb:\r\n", F "a:\r\nB:  \r\n  \r\n"}},
  /* of a name the last comes first */
  {"A: 1\r\nb: 2\r\n" F "A: 3\r\nB: 4\r\nA: 5\r\n\r\n", {"", "\r\n"},
   {"from:a@example.org\r\nb:4\r\na:5\r\nb:2\r\na:3\r\na:1\r\n", F "B: 4\r\nA: 5\r\nb: 2\r\nA: 3\r\nA: 1\r\n"}},
};

static void check_canon(size_t i, uint32_t header, uint32_t body, size_t step)
{
  split s = {canon[i].message, strlen(canon[i].message), step, 0, 0, 0, 0, 0, 0, 0, NULL};
  char hash[48], got[48], want[2048] = "", *all, *end, *p;
  uint8_t digest[32];
  tern_status st;
  size_t len, n;
  keeper k;
  tern_dkim *d = make(NULL, &k, header, body);

  assert_int_equal(tern_dkim_set_fields(d, "From:A:+b"), TERN_OK);
  assert_int_equal(tern_dkim_set_source(d, &split_source, &s), TERN_OK);
  all = signed_text(d, &len);
  sha256(canon[i].body[body], strlen(canon[i].body[body]), digest);
  hash[tern__base64_encode(hash, digest, 32)] = '\0';
  tag(all, "bh=", got, sizeof got);
  assert_string_equal(got, hash);
  end = strstr(all, " b=");
  assert_non_null(end);
  end += 3;
  strcpy(want, canon[i].header[header]);
  n = strlen(want);
  for (p = all; p < end; p++) {
    if (header == TERN_DKIM_RELAXED && (*p == '\r' || *p == '\n')) continue;
    want[n++] = header == TERN_DKIM_RELAXED && p - all < 14 && *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    if (header == TERN_DKIM_RELAXED && p - all == 14) p++; /* the blank behind the colon */
  }
  sha256(want, n, digest);
  if (memcmp(digest, k.digest, 32) != 0) fail_msg("row %d step %d %d/%d: %s", (int)i, (int)step, (int)header, (int)body, want);
  assert_int_equal(k.calls, 1);
  /* the same again, without a second signature; another server: signed again */
  free(all);
  all = signed_text(d, &len);
  assert_int_equal(k.calls, 1);
  assert_int_equal(s.told, TERN_CAP_8BITMIME);
  p = read_all(tern_dkim_source(), d, &n, &st);
  assert_int_equal(n, 0); /* it was at its end */
  free(p);
  free(all);
  split_free(&s);
  tern_dkim_free(d);
}

static void test_canon(void **state)
{
  size_t i, step;
  uint32_t c;

  (void)state;
  for (i = 0; i < sizeof canon / sizeof canon[0]; i++)
    for (step = 0; step < strlen(canon[i].message); step++)
      for (c = 0; c < 4; c++) check_canon(i, c / 2, c % 2, step);
}

/* Every body of up to six octets of CR, LF, dot and a letter: what comes out is what the engine sends
 * of the original, and the engine changes nothing of it. */
static void test_octets_that_leave(void **state)
{
  static const char letters[] = "\r\n.a";
  char in[64], *all, *rest;
  size_t len, n, i, code, at;
  keeper k;
  tern_dkim *d = make(NULL, &k, 0, 0);

  (void)state;
  for (n = 0; n <= 6; n++)
    for (code = 0; code < (size_t)1 << (2 * n); code++) {
      tern_transaction t;
      tern_span span, run;
      tern__data data;
      tern_status cause = TERN_OK;
      strcpy(in, F "\r\n");
      for (i = 0; i < n; i++) in[sizeof F + 1 + i] = letters[code >> (2 * i) & 3];
      assert_int_equal(tern_dkim_set_octets(d, in, sizeof F + 1 + n), TERN_OK);
      all = signed_text(d, &len);
      rest = strstr(all, F);
      assert_non_null(rest);
      for (i = 0; i < 2; i++) { /* the engine over the original, and over what came out */
        memset(&t, 0, sizeof t);
        span.octets = (const uint8_t *)(i ? rest : in);
        span.len = i ? len - (size_t)(rest - all) : sizeof F + 1 + n;
        t.spans = &span;
        t.span_count = 1;
        tern__data_begin(&data, &t, 0, i == 1);
        for (at = 0; tern__data_next(&data, 1, &run, &cause) == TERN_OK; at += run.len)
          assert_memory_equal(run.octets, rest + at, run.len);
        assert_int_equal(at, len - (size_t)(rest - all));
      }
      free(all);
    }
  tern_dkim_free(d);
}

static void test_tags(void **state)
{
  static const char *const names = "F: 1\r\n" F "Subject: x\r\nDate: y\r\nX: z\r\nReceived: r\r\n\r\n";
  char value[400], *all;
  size_t len;
  keeper k, other;
  tern_dkim *d = make(NULL, &k, TERN_DKIM_SIMPLE, TERN_DKIM_RELAXED);

  (void)state;
  memset(&other, 0, sizeof other);
  other.len = 1024;
  assert_int_equal(tern_dkim_set_identity(d, "a=b@Sub.Example.ORG"), TERN_OK);
  assert_int_equal(tern_dkim_set_time(d, 1795576054), TERN_OK);
  assert_int_equal(tern_dkim_set_lifetime(d, 86400), TERN_OK);
  assert_int_equal(tern_dkim_add(d, "xn--bcher-kva.example", "a.b"), TERN_OK);
  assert_int_equal(tern_dkim_set_signer(d, TERN_DKIM_ED25519_SHA256, keep, &other), TERN_OK);
  assert_int_equal(tern_dkim_set_octets(d, names, TERN_NUL), TERN_OK);
  all = signed_text(d, &len);
  tag(all, "v=", value, sizeof value);
  assert_string_equal(value, "1");
  tag(all, " a=", value, sizeof value);
  assert_string_equal(value, "rsa-sha256");
  tag(all, " c=", value, sizeof value);
  assert_string_equal(value, "simple/relaxed");
  tag(all, " d=", value, sizeof value);
  assert_string_equal(value, "example.org");
  tag(all, " i=", value, sizeof value);
  assert_string_equal(value, "a=3Db@Sub.Example.ORG");
  tag(all, " t=", value, sizeof value);
  assert_string_equal(value, "1795576054");
  tag(all, " x=", value, sizeof value);
  assert_string_equal(value, "1795662454");
  tag(all, " h=", value, sizeof value); /* what is there, then one more of each that is over-signed */
  assert_string_equal(value, "From:Subject:Date:From:Reply-To:Subject:Date:To:Cc");
  tag(strstr(all + 1, "DKIM-Signature"), " a=", value, sizeof value);
  assert_string_equal(value, "ed25519-sha256");
  tag(strstr(all + 1, "DKIM-Signature"), " d=", value, sizeof value);
  assert_string_equal(value, "xn--bcher-kva.example");
  tag(strstr(all + 1, "DKIM-Signature"), " c=", value, sizeof value);
  assert_string_equal(value, "relaxed/relaxed");
  assert_true(strncmp(all, "DKIM-Signature: v=1;", 20) == 0);
  assert_non_null(strstr(all, "\r\nF: 1\r\n"));
  free(all);
  tern_dkim_free(d);
}

static void test_flags(void **state)
{
  static const struct {
    const char *message;
    uint32_t flags;
  } rows[] = {{F "\r\nx", 0},
              {F "\r\n\xc3\xb6", TERN_CONTENT_8BIT},
              {F "S: \xc3\xb6\r\n\r\nx", TERN_CONTENT_8BIT | TERN_CONTENT_UTF8_HEADER}};
  tern_content_info info;
  keeper k;
  tern_dkim *d = make(NULL, &k, 0, 0);
  size_t i;

  (void)state;
  for (i = 0; i < 3; i++) {
    assert_int_equal(tern_dkim_set_octets(d, rows[i].message, TERN_NUL), TERN_OK);
    assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_OK);
    assert_int_equal(info.flags, rows[i].flags);
  }
  tern_dkim_free(d);
}

static void test_refused(void **state)
{
  static const struct {
    const char *message, *words;
  } rows[] = {{"", "no From"}, {"A: b\r\n\r\n", "no From"}, {F F "\r\n", "several From"},
              {"hello\r\n" F, "no field"}, {"\r\n" F, "no From"}, {F " \r\nhello\r\n", "no field"}};
  tern_content_info info;
  char *many = malloc(300 * 8 + sizeof F);
  keeper k;
  tern_dkim *d = make(NULL, &k, 0, 0);
  split s = {F "\r\nbody", sizeof F + 5, 1, 0, 0, 0, 0, 0, 0, 0, NULL};
  const uint8_t *octets;
  size_t i, len;

  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(tern_dkim_set_octets(d, rows[i].message, TERN_NUL), TERN_OK);
    assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_CONTENT);
    assert_non_null(strstr(tern_error_text(tern_dkim_error(d)), rows[i].words));
    assert_int_equal(tern_dkim_source()->read(d, &octets, &len), TERN_E_CONTENT);
  }
  assert_non_null(many);
  strcpy(many, F);
  for (i = 0; i < 300; i++) strcat(many, "Cc: x\r\n");
  assert_int_equal(tern_dkim_set_octets(d, many, TERN_NUL), TERN_OK);
  assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_CONTENT);
  free(many);
  for (i = 1; i < sizeof F + 5; i++) { /* the source fails, or has nothing yet: its own word */
    s.fail_at = i;
    s.at = 0;
    assert_int_equal(tern_dkim_set_source(d, &split_source, &s), TERN_OK);
    assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_IO);
  }
  s.fail_at = 0;
  s.at = s.reads = 0;
  s.again = 3;
  assert_int_equal(tern_dkim_set_source(d, &split_source, &s), TERN_OK);
  assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_AGAIN);
  split_free(&s);
  assert_int_equal(tern_dkim_set_octets(d, F, TERN_NUL), TERN_OK);
  k.answer = TERN_E_TIMEOUT;
  assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_TIMEOUT);
  k.answer = TERN_OK;
  k.len = 0;
  assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_ARGUMENT);
  k.len = 1025;
  assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_ARGUMENT);
  tern_dkim_free(d);
}

static void test_arguments(void **state)
{
  static const struct {
    const char *domain, *selector;
    tern_status status;
  } names[] = {{"a b", "s", TERN_E_NAME},          {"[192.0.2.1]", "s", TERN_E_NAME}, {"example.org", "", TERN_E_NAME},
               {"b\xc3\xbc.example", "s", TERN_E_NAME}, {"example.org", "s;t", TERN_E_NAME}, {NULL, "s", TERN_E_NAME},
               {"example.org", NULL, TERN_E_NAME}, {"example.org", "s.2026_11", TERN_OK}};
  static const struct {
    const char *identity;
    tern_status status;
  } identities[] = {{"@example.org", TERN_OK},        {"x@a.example.org", TERN_OK}, {"x@notexample.org", TERN_E_ADDRESS},
                    {"example.org", TERN_E_ADDRESS}, {"x y@example.org", TERN_E_ADDRESS}, {NULL, TERN_OK}};
  static const struct {
    const char *names;
    size_t position; /* SIZE_MAX: good */
  } fields[] = {{"From", SIZE_MAX}, {"+from:?To:X-Y", SIZE_MAX}, {"", 0},     {"From:", 5}, {"From:from", 5},
                {"From To", 4},     {"From:+", 6},               {"From;", 4}, {":From", 0}};
  tern_dkim *d = tern_dkim_new(NULL);
  tern_content_info info;
  split s = {F, sizeof F - 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL};
  keeper k;
  size_t i;

  (void)state;
  assert_int_equal(tern_dkim_set_signer(d, 0, keep, &k), TERN_E_STATE);
  assert_int_equal(tern_dkim_set_octets(d, F, TERN_NUL), TERN_OK);
  assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_STATE);
  for (i = 0; i < sizeof names / sizeof names[0]; i++)
    assert_int_equal(tern_dkim_add(d, names[i].domain, names[i].selector), names[i].status);
  assert_int_equal(tern_dkim_source()->prepare(d, 0, &info), TERN_E_STATE); /* no key */
  for (i = 0; i < sizeof identities / sizeof identities[0]; i++)
    assert_int_equal(tern_dkim_set_identity(d, identities[i].identity), identities[i].status);
  for (i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    tern_status st = tern_dkim_set_fields(d, fields[i].names);
    assert_int_equal(st, fields[i].position == SIZE_MAX ? TERN_OK : TERN_E_ARGUMENT);
    if (st != TERN_OK) assert_int_equal(tern_error_position(tern_dkim_error(d)), fields[i].position);
  }
  assert_int_equal(tern_dkim_set_fields(d, "To:Subject"), TERN_E_ARGUMENT);
  assert_int_equal(tern_dkim_set_fields(d, NULL), TERN_E_ARGUMENT);
  assert_int_equal(tern_dkim_set_canonicalization(d, 2, 0), TERN_E_ARGUMENT);
  assert_int_equal(tern_dkim_set_signer(d, 2, keep, &k), TERN_E_ARGUMENT);
  assert_int_equal(tern_dkim_set_signer(d, 0, NULL, &k), TERN_E_ARGUMENT);
  assert_int_equal(tern_dkim_set_source(d, &split_once, &s), TERN_E_REWIND);
  assert_int_equal(tern_dkim_set_source(d, NULL, &s), TERN_E_ARGUMENT);
  for (i = 1; i < 8; i++) assert_int_equal(tern_dkim_add(d, "example.org", "s"), TERN_OK);
  assert_int_equal(tern_dkim_add(d, "example.org", "s"), TERN_E_ARGUMENT);
  tern_dkim_free(d);
  tern_dkim_free(NULL);
  assert_int_equal(tern_dkim_add(NULL, "a", "b"), TERN_E_NOMEM);
  assert_null(tern_dkim_error(NULL));
}

static void test_keys(void **state)
{
  tern_dkim *d = tern_dkim_new(NULL);

  (void)state;
  assert_int_equal(tern_dkim_add(d, "example.org", "s"), TERN_OK);
#if defined(TERN_NO_TLS)
  assert_int_equal(tern_dkim_set_key(d, "x", TERN_NUL), TERN_E_UNSUPPORTED);
  assert_int_equal(tern_dkim_set_key_file(d, "x"), TERN_E_UNSUPPORTED);
#else
  assert_int_equal(tern_dkim_set_key(d, "no key", TERN_NUL), TERN_E_CONFIG);
  assert_int_equal(tern_error_field(tern_dkim_error(d)), TERN_FIELD_KEY);
  assert_int_equal(tern_error_sysexit(tern_dkim_error(d)), 78);
  assert_int_equal(tern_dkim_set_key(d, "", 0), TERN_E_CONFIG);
  assert_int_equal(tern_dkim_set_key_file(d, "/nonexistent"), TERN_E_CONFIG);
#endif
  tern_dkim_free(d);
}

static void test_memory(void **state)
{
  failing f;
  size_t i;

  (void)state;
  for (i = 1;; i++) {
    tern_content_info info;
    tern_status st = TERN_E_NOMEM;
    keeper k;
    tern_dkim *d;
    failing_init(&f, i, i % 2 == 0);
    d = make(&f.allocator, &k, 0, 0);
    if (d != NULL && (st = tern_dkim_set_fields(d, "From:To")) == TERN_OK &&
        (st = tern_dkim_set_identity(d, "@example.org")) == TERN_OK &&
        (st = tern_dkim_set_octets(d, F, TERN_NUL)) == TERN_OK)
      st = tern_dkim_source()->prepare(d, 0, &info);
    tern_dkim_free(d);
    assert_int_equal(f.live, 0);
    if (f.calls < i) {
      assert_int_equal(st, TERN_OK);
      assert_true(i > 7);
      break;
    }
    assert_int_equal(st, TERN_E_NOMEM);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_canon),     cmocka_unit_test(test_octets_that_leave),
    cmocka_unit_test(test_tags),      cmocka_unit_test(test_flags),
    cmocka_unit_test(test_refused),   cmocka_unit_test(test_arguments),
    cmocka_unit_test(test_keys),      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
