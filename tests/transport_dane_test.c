/* transport_dane_test.c - TLSA records against what a server presents (RFC 7672), in a handshake. */
#include <stdio.h>

#include <mbedtls/md.h>

#include "tls_pair.h"
#include "transport/tlsa.h"

#define GOOD "d" HOST
#define END 255

/* Where the octets of a record come from. */
enum { LEAF, CA, OTHER_CA };

typedef struct made {
  uint8_t usage, selector, matching; /* usage END: no further record */
  int of;                            /* LEAF, ... */
  int spoilt;                        /* its last octet is changed; 2: it is one octet short */
} made;

#define LIST(...)                                                                                  \
  {                                                                                                \
    __VA_ARGS__,                                                                                   \
    {                                                                                              \
      END, 0, 0, 0, 0                                                                              \
    }                                                                                              \
  }
#define BY_CA_GOOD                                                                                 \
  {                                                                                                \
    GOOD, 0, 0, BY_CA, 0, 0, 0                                                                     \
  }
#define PAST "20210101000000"
#define AHEAD "20480101000000"

static const struct {
  const char *title;
  recipe leaf;
  int presents; /* LEAF: alone; CA, OTHER_CA: that one behind it */
  made records[4];
  const char *host;
  tern_status status;
  uint32_t index, depth;
} cases[] = {
  {"3 1 1", BY_CA_GOOD, LEAF, LIST({3, 1, 1, LEAF, 0}), HOST, TERN_OK, 0, 0},
  {"3 1 2", BY_CA_GOOD, LEAF, LIST({3, 1, 2, LEAF, 0}), HOST, TERN_OK, 0, 0},
  {"3 1 0", BY_CA_GOOD, LEAF, LIST({3, 1, 0, LEAF, 0}), HOST, TERN_OK, 0, 0},
  {"3 0 0", BY_CA_GOOD, LEAF, LIST({3, 0, 0, LEAF, 0}), HOST, TERN_OK, 0, 0},
  {"3 0 1", BY_CA_GOOD, LEAF, LIST({3, 0, 1, LEAF, 0}), HOST, TERN_OK, 0, 0},
  {"3 0 2", BY_CA_GOOD, LEAF, LIST({3, 0, 2, LEAF, 0}), HOST, TERN_OK, 0, 0},
  {"3 of a self-signed one",
   {GOOD, 0, 0, BY_SELF, 0, 0, 0},
   LEAF,
   LIST({3, 1, 1, LEAF, 0}),
   HOST,
   TERN_OK,
   0,
   0},
  {"3 whatever the name", BY_CA_GOOD, LEAF, LIST({3, 1, 1, LEAF, 0}), "other.example", TERN_OK, 0,
   0},
  {"3 whatever the date",
   {GOOD, 0, PAST, BY_CA, 0, 0, 0},
   LEAF,
   LIST({3, 1, 1, LEAF, 0}),
   HOST,
   TERN_OK,
   0,
   0},
  {"3 whatever its key is for",
   {GOOD, 0, 0, BY_CA, 1, 0, 0},
   LEAF,
   LIST({3, 1, 1, LEAF, 0}),
   HOST,
   TERN_OK,
   0,
   0},
  {"3 1 1, another digest", BY_CA_GOOD, LEAF, LIST({3, 1, 1, LEAF, 1}), HOST, TERN_E_TLS_DANE,
   UINT32_MAX, UINT32_MAX},
  {"3 1 0, another key", BY_CA_GOOD, LEAF, LIST({3, 1, 0, CA, 0}), HOST, TERN_E_TLS_DANE,
   UINT32_MAX, UINT32_MAX},
  {"3 is not for those behind", BY_CA_GOOD, CA, LIST({3, 1, 1, CA, 0}), HOST, TERN_E_TLS_DANE,
   UINT32_MAX, UINT32_MAX},
  {"a right authority does not help", BY_CA_GOOD, CA, LIST({3, 1, 1, OTHER_CA, 0}), HOST,
   TERN_E_TLS_DANE, UINT32_MAX, UINT32_MAX},
  {"any of several", BY_CA_GOOD, LEAF,
   LIST({3, 1, 1, CA, 0}, {3, 0, 1, LEAF, 1}, {3, 1, 1, LEAF, 0}), HOST, TERN_OK, 2, 0},
  {"unusable ones are passed over", BY_CA_GOOD, LEAF,
   LIST({1, 1, 1, LEAF, 0}, {0, 1, 1, CA, 0}, {3, 1, 1, LEAF, 0}), HOST, TERN_OK, 2, 0},
  {"the stronger digest counts alone", BY_CA_GOOD, LEAF,
   LIST({3, 1, 1, LEAF, 0}, {3, 1, 2, LEAF, 1}), HOST, TERN_E_TLS_DANE, UINT32_MAX, UINT32_MAX},
  {"but not one that is unusable", BY_CA_GOOD, LEAF, LIST({3, 1, 1, LEAF, 0}, {3, 1, 2, LEAF, 2}),
   HOST, TERN_OK, 0, 0},
  {"nor one of another selector", BY_CA_GOOD, LEAF, LIST({3, 1, 1, LEAF, 0}, {3, 0, 2, LEAF, 1}),
   HOST, TERN_OK, 0, 0},
  {"2 0 1", BY_CA_GOOD, CA, LIST({2, 0, 1, CA, 0}), HOST, TERN_OK, 0, 1},
  {"2 1 1", BY_CA_GOOD, CA, LIST({2, 1, 1, CA, 0}), HOST, TERN_OK, 0, 1},
  {"2 1 2", BY_CA_GOOD, CA, LIST({2, 1, 2, CA, 0}), HOST, TERN_OK, 0, 1},
  {"2 1 0, presented", BY_CA_GOOD, CA, LIST({2, 1, 0, CA, 0}), HOST, TERN_OK, 0, 1},
  {"2 0 0, presented", BY_CA_GOOD, CA, LIST({2, 0, 0, CA, 0}), HOST, TERN_OK, 0, 1},
  {"2 0 0, not presented", BY_CA_GOOD, LEAF, LIST({2, 0, 0, CA, 0}), HOST, TERN_OK, 0, UINT32_MAX},
  {"2 0 1, not presented", BY_CA_GOOD, LEAF, LIST({2, 0, 1, CA, 0}), HOST, TERN_E_TLS_DANE,
   UINT32_MAX, UINT32_MAX},
  {"2 looks at the name", BY_CA_GOOD, CA, LIST({2, 0, 1, CA, 0}), "other.example",
   TERN_E_TLS_WRONG_HOST, 0, 1},
  {"2 looks at the end",
   {GOOD, 0, PAST, BY_CA, 0, 0, 0},
   CA,
   LIST({2, 0, 1, CA, 0}),
   HOST,
   TERN_E_TLS_EXPIRED,
   0,
   1},
  {"2 looks at the beginning",
   {GOOD, AHEAD, 0, BY_CA, 0, 0, 0},
   CA,
   LIST({2, 0, 1, CA, 0}),
   HOST,
   TERN_E_TLS_NOT_YET_VALID,
   0,
   1},
  {"2 looks at what the key is for",
   {GOOD, 0, 0, BY_CA, 1, 0, 0},
   CA,
   LIST({2, 0, 1, CA, 0}),
   HOST,
   TERN_E_TLS_CERTIFICATE,
   0,
   1},
  {"2 with a chain that leads elsewhere",
   {GOOD, 0, 0, BY_OTHER, 0, 0, 0},
   CA,
   LIST({2, 0, 1, CA, 0}),
   HOST,
   TERN_E_TLS_DANE,
   UINT32_MAX,
   UINT32_MAX},
  {"2 0 0 of another authority", BY_CA_GOOD, CA, LIST({2, 0, 0, OTHER_CA, 0}), HOST,
   TERN_E_TLS_DANE, UINT32_MAX, UINT32_MAX},
  {"2 is not for the server's own",
   {GOOD, 0, 0, BY_SELF, 0, 0, 0},
   LEAF,
   LIST({2, 0, 1, LEAF, 0}),
   HOST,
   TERN_E_TLS_DANE,
   UINT32_MAX,
   UINT32_MAX},
  {"a 3 that fits where a 2 does not",
   {GOOD, 0, PAST, BY_CA, 0, 0, 0},
   CA,
   LIST({2, 0, 1, CA, 0}, {3, 1, 1, LEAF, 0}),
   HOST,
   TERN_OK,
   1,
   0},
  {"a 2 that fits where a 3 does not", BY_CA_GOOD, CA, LIST({3, 1, 1, CA, 0}, {2, 1, 1, CA, 0}),
   HOST, TERN_OK, 1, 1},
};

/* ---- records ----------------------------------------------------------------------------------*/

/* The octets of a record in out; their length. */
static size_t fill(const made *m, const char *leaf_pem, uint8_t out[1024])
{
  const char *pem = m->of == LEAF ? leaf_pem : m->of == CA ? authority.ca : authority.other;
  mbedtls_x509_crt crt;
  const mbedtls_x509_buf *part;
  size_t len;

  mbedtls_x509_crt_init(&crt);
  assert_int_equal(mbedtls_x509_crt_parse(&crt, (const unsigned char *)pem, strlen(pem) + 1), 0);
  part = m->selector == 0 ? &crt.raw : &crt.pk_raw;
  if (m->matching == 0) {
    len = part->len;
    memcpy(out, part->p, len);
  } else {
    len = m->matching == 1 ? 32 : 64;
    assert_int_equal(mbedtls_md(mbedtls_md_info_from_type(m->matching == 1 ? MBEDTLS_MD_SHA256
                                                                           : MBEDTLS_MD_SHA512),
                                part->p, part->len, out),
                     0);
  }
  mbedtls_x509_crt_free(&crt);
  if (m->spoilt) out[len - 1] ^= 1;
  return m->spoilt == 2 ? len - 1 : len;
}

static size_t fill_all(const made *list, const char *leaf_pem, tern_tlsa *records,
                       uint8_t octets[4][1024])
{
  size_t i;

  for (i = 0; list[i].usage != END; i++) {
    records[i].usage = list[i].usage;
    records[i].selector = list[i].selector;
    records[i].matching = list[i].matching;
    records[i].octets = octets[i];
    records[i].len = fill(&list[i], leaf_pem, octets[i]);
  }
  return i;
}

static void check_case(size_t n, int version)
{
  static uint8_t octets[4][1024];
  static char pem[PEM], chain[2 * PEM];
  tern_tlsa records[4];
  tls_options o;
  tls_pair p;
  tern_status status;
  uint32_t index, depth, state;

  assert_int_equal(pki_issue(&authority, &cases[n].leaf, pem), 0);
  snprintf(chain, sizeof chain, "%s%s", pem,
           cases[n].presents == LEAF ? ""
           : cases[n].presents == CA ? authority.ca
                                     : authority.other);
  memset(&o, 0, sizeof o);
  o.host = cases[n].host;
  o.version = version;
  o.tlsa = records;
  o.tlsa_count = fill_all(cases[n].records, pem, records, octets);
  status = open_pair(&p, &o, chain);
  state = tern__tls_tlsa(p.tls, &index, &depth);
  if (status != cases[n].status || index != cases[n].index || depth != cases[n].depth ||
      state != (status == TERN_OK || status == TERN_E_TLS_CERTIFICATE ? TERN_TLSA_MATCHED
                                                                      : TERN_TLSA_FAILED) ||
      tern__tls_verified(p.tls) != (status == TERN_OK))
    fail_msg("%s, TLS 1.%d: %d (%s), state %u, record %d, depth %d", cases[n].title, version - 10,
             (int)status, tern__tls_detail(p.tls), (unsigned)state, (int)index, (int)depth);
  close_pair(&p);
}

static void test_cases(void **state)
{
  size_t i;
  int version;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++)
    for (version = TLS12; version <= (HAVE_TLS13 ? TLS13 : TLS12); version++)
      check_case(i, version);
}

/* Any of the names will do below an anchor. */
static void test_several_names(void **state)
{
  static const made list[] = {{2, 1, 1, CA, 0}, {END, 0, 0, 0, 0}};
  static const char *const names[] = {"a.example", HOST};
  static const recipe good = BY_CA_GOOD;
  static uint8_t octets[4][1024];
  char pem[PEM], chain[2 * PEM];
  tern_tlsa records[1];
  tls_options o;
  tls_pair p;

  (void)state;
  assert_int_equal(pki_issue(&authority, &good, pem), 0);
  snprintf(chain, sizeof chain, "%s%s", pem, authority.ca);
  memset(&o, 0, sizeof o);
  o.host = "b.example";
  o.names = names;
  o.tlsa = records;
  o.tlsa_count = fill_all(list, pem, records, octets);
  o.name_count = 1;
  assert_int_equal(open_pair(&p, &o, chain), TERN_E_TLS_WRONG_HOST);
  close_pair(&p);
  o.name_count = 2;
  assert_int_equal(open_pair(&p, &o, chain), TERN_OK);
  close_pair(&p);
  o.tlsa_count = 0; /* and the same below an authority */
  assert_int_equal(open_pair(&p, &o, chain), TERN_OK);
  assert_int_equal(tern__tls_verified(p.tls), 1);
  close_pair(&p);
}

/* RFC 7672 2.2: none usable counts as none at all but for TLS itself; what was set decides. */
static void test_none_usable(void **state)
{
  static const made list[] = {{1, 1, 1, LEAF, 0}, {0, 1, 1, CA, 0}, {END, 0, 0, 0, 0}};
  static const recipe stranger = {GOOD, 0, 0, BY_OTHER, 0, 0, 0};
  static uint8_t octets[4][1024];
  char pem[PEM];
  tern_tlsa records[2];
  tls_options o;
  tls_pair p;
  uint32_t index, depth;

  (void)state;
  assert_int_equal(pki_issue(&authority, &stranger, pem), 0);
  memset(&o, 0, sizeof o);
  o.tlsa = records;
  o.tlsa_count = fill_all(list, pem, records, octets);
  o.verify = TERN__TLS_VERIFY_NONE;
  assert_int_equal(open_pair(&p, &o, pem), TERN_OK);
  assert_int_equal(tern__tls_tlsa(p.tls, &index, &depth), TERN_TLSA_UNUSABLE);
  assert_true(index == UINT32_MAX && depth == UINT32_MAX);
  assert_int_equal(tern__tls_verified(p.tls), 0);
  close_pair(&p);
  o.verify = TERN__TLS_VERIFY_REQUIRED;
  assert_int_equal(open_pair(&p, &o, pem), TERN_E_TLS_UNKNOWN_CA);
  close_pair(&p);
}

static void test_usable(void **state)
{
  static const uint8_t octets[300] = {0x30, 0x82, 0x01, 0x28};
  static const uint8_t small[130] = {0x30, 0x80 - 2};
  static const struct {
    uint8_t usage, selector, matching;
    const uint8_t *octets;
    size_t len;
    int usable;
  } list[] = {
    {3, 1, 1, octets, 32, 1},  {3, 0, 2, octets, 64, 1},   {2, 1, 1, octets, 32, 1},
    {3, 1, 1, octets, 31, 0},  {3, 1, 1, octets, 33, 0},   {3, 1, 1, octets, 0, 0},
    {3, 1, 2, octets, 32, 0},  {3, 1, 1, NULL, 32, 0},     {0, 1, 1, octets, 32, 0},
    {1, 1, 1, octets, 32, 0},  {4, 1, 1, octets, 32, 0},   {255, 1, 1, octets, 32, 0},
    {3, 2, 1, octets, 32, 0},  {3, 1, 3, octets, 32, 0},   {3, 0, 0, octets, 300, 1},
    {3, 0, 0, octets, 299, 0}, {3, 0, 0, octets, 3, 0},    {3, 0, 0, octets, 1, 0},
    {3, 0, 0, octets, 0, 0},   {3, 0, 0, NULL, 0, 0},      {2, 0, 0, small, 128, 1},
    {2, 0, 0, small, 129, 0},  {2, 0, 0, small + 1, 8, 0},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof list / sizeof *list; i++) {
    tern_tlsa record;

    record.usage = list[i].usage;
    record.selector = list[i].selector;
    record.matching = list[i].matching;
    record.octets = list[i].octets;
    record.len = list[i].len;
    if (tern__tlsa_usable(&record) != list[i].usable) fail_msg("case %u", (unsigned)i);
    assert_int_equal(tern__tlsa_any_usable(&record, 1), list[i].usable);
  }
  assert_int_equal(tern__tlsa_any_usable(NULL, 0), 0);
}

static int set_up(void **state)
{
  (void)state;
  return pki_init(&authority);
}

static int tear_down(void **state)
{
  (void)state;
  pki_free(&authority);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cases),
    cmocka_unit_test(test_several_names),
    cmocka_unit_test(test_none_usable),
    cmocka_unit_test(test_usable),
  };

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
