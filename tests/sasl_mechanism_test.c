/* sasl_mechanism_test.c - every mechanism against scripted servers: tables of challenges with the
 * response or status that is due. State and challenges are blocks of their exact size, given back
 * as soon as the interface allows, so that the sanitizers see a read too far or too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "sasl/mechanisms.h"
#include "sasl/prep.h"

/* ---- a client ------------------------------------------------------------------------------- */

typedef struct text {
  const char *octets; /* NULL: none */
  size_t len;
} text;

#define T(literal) {literal, sizeof (literal) - 1}
#define NONE {NULL, 0}

static tern_status random_of(void *user, uint8_t *out, size_t len)
{
  const char *nonce = user; /* the nonce that is to come out */

  assert_int_equal(strlen(nonce), tern__base64_length(len));
  assert_int_equal(tern__base64_decode(out, nonce, strlen(nonce)), len);
  return TERN_OK;
}

static tern_status random_fails(void *user, uint8_t *out, size_t len)
{
  (void)user;
  memset(out, 0, len);
  return TERN_E_IO;
}

static const char nonce1[] = "fyko+d2lbbFgONRv9qkxdawL"; /* RFC 5802 5 */
static const char nonce256[] = "rOprNGfwEbeRWgbNEkqO";   /* RFC 7677 3 */

static void *nonce_for(const tern_mechanism *m)
{
  return (void *)(uintptr_t)(m == &tern__scram_sha256 || m == &tern__scram_sha256_plus ? nonce256 : nonce1);
}

static const uint8_t channel[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                    11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                    22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static tern_credentials give(const tern_mechanism *m, const char *user, const char *password,
                             const char *token, const char *authzid)
{
  tern_credentials c;

  memset(&c, 0, sizeof c);
  c.size = sizeof c;
  c.user = user;
  c.password = password;
  c.token = token;
  c.authzid = authzid;
  c.random = random_of;
  c.binding_type = "tls-exporter";
  c.binding = channel;
  c.binding_len = sizeof channel;
  c.binding_offered = 1;
  c.callback_user = nonce_for(m);
  return c;
}

static void *begin(const tern_mechanism *m, const tern_credentials *c)
{
  void *state = calloc(1, m->state_size);
  uint32_t field = 99;

  assert_non_null(state);
  assert_int_equal(m->begin(state, c, &field), TERN_OK);
  assert_int_equal(field, TERN_FIELD_NONE);
  return state;
}

/* A copy that ends where its octets end; never NULL. */
static uint8_t *exact(text t)
{
  uint8_t *copy = malloc(t.len > 0 ? t.len : 1);

  assert_non_null(copy);
  if (t.len > 0) memcpy(copy, t.octets, t.len);
  return copy;
}

/* Challenge and all the work that it makes; copy is the borrowed challenge or NULL. */
static tern_status ask(const tern_mechanism *m, void *state, const uint8_t *copy, size_t len,
                       size_t *response, uint32_t *pieces_of_work)
{
  tern_status status = m->challenge(state, copy, len, response);

  *pieces_of_work = 0;
  while (status == TERN_E_AGAIN) {
    assert_non_null(m->work);
    status = m->work(state, response);
    ++*pieces_of_work;
    assert_true(*pieces_of_work <= 2000);
  }
  return status;
}

/* Every part of the response, in an order that jumps, is that part of the whole. */
static void check_response(const tern_mechanism *m, void *state, size_t len, text expected)
{
  size_t offset, n;

  assert_int_equal(len, expected.len);
  for (n = len; n <= len; n--) {
    for (offset = 0; offset + n <= len; offset += n > 8 ? 3 : 1) {
      uint8_t *out = malloc(n + 1);

      assert_non_null(out);
      out[n] = 0x5a;
      m->response(state, offset, out, n);
      if (n > 0) assert_memory_equal(out, expected.octets + offset, n);
      assert_int_equal(out[n], 0x5a);
      free(out);
    }
  }
}

static tern_status step(const tern_mechanism *m, void *state, text challenge, text expected)
{
  uint8_t *copy = challenge.octets != NULL ? exact(challenge) : NULL;
  size_t len = 12345;
  uint32_t work;
  tern_status status = ask(m, state, copy, challenge.len, &len, &work);

  if (status == TERN_OK) check_response(m, state, len, expected);
  free(copy);
  return status;
}

/* ---- exchanges ------------------------------------------------------------------------------ */

/* over 64 octets */
#define LONG \
  "01234567890123456789012345678901234567890123456789" "01234567890123456789abcdefghijklm"
#define STEPS 4
typedef struct exchange {
  const char *what;
  const tern_mechanism *mechanism;
  const char *user, *secret, *authzid, *host;
  uint32_t port, prepared;
  struct {
    text challenge; /* NONE: the initial response is due */
    tern_status status;
    text response;
  } steps[STEPS];
  tern_status success; /* 1: the exchange ends before */
} exchange;

#define ENDED 1
#define START NONE

static const exchange exchanges[] = {
  {"PLAIN, RFC 4616 4", &tern__plain, "tim", "tanstaaftanstaaf", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("\0tim\0tanstaaftanstaaf")}}, TERN_OK},
  {"PLAIN, RFC 4616 4, as someone else", &tern__plain, "Kurt", "xipj3plmq", "Ursel", NULL, 0, 0,
   {{START, TERN_OK, T("Ursel\0Kurt\0xipj3plmq")}}, TERN_OK},
  {"PLAIN, prepared UTF-8", &tern__plain, "\303\274", "\342\202\254", NULL, NULL, 0, 1,
   {{START, TERN_OK, T("\0\303\274\0\342\202\254")}}, TERN_OK},
  {"PLAIN, the prompt of a server that was given no initial response", &tern__plain, "u", "p", "",
   NULL, 0, 0, {{T(""), TERN_OK, T("\0u\0p")}}, TERN_OK},
  {"PLAIN, a question too many", &tern__plain, "u", "p", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("\0u\0p")}, {T("really?"), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},
  {"PLAIN, an empty question too many", &tern__plain, "u", "p", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("\0u\0p")}, {T(""), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},

  {"LOGIN, the usual prompts", &tern__auth_login, "tim", "secret", NULL, NULL, 0, 0,
   {{T("Username:"), TERN_OK, T("tim")}, {T("Password:"), TERN_OK, T("secret")}}, TERN_OK},
  {"LOGIN, prompts that mislead", &tern__auth_login, "tim", "secret", NULL, NULL, 0, 0,
   {{T("Password:"), TERN_OK, T("tim")}, {T("User Name\0"), TERN_OK, T("secret")}}, TERN_OK},
  {"LOGIN, prompts without text", &tern__auth_login, "tim", "secret", NULL, NULL, 0, 0,
   {{T(""), TERN_OK, T("tim")}, {T(""), TERN_OK, T("secret")}}, TERN_OK},
  {"LOGIN, a third prompt", &tern__auth_login, "tim", "secret", NULL, NULL, 0, 0,
   {{T("a"), TERN_OK, T("tim")}, {T("b"), TERN_OK, T("secret")},
    {T("c"), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},

  {"CRAM-MD5, RFC 2195 2", &tern__cram_md5, "tim", "tanstaaftanstaaf", NULL, NULL, 0, 0,
   {{T("<1896.697170952@postoffice.reston.mci.net>"), TERN_OK,
     T("tim b913a602c7eda7a495b4e6e7334d3890")}}, TERN_OK},
  {"CRAM-MD5, a user with a space, a secret over a block", &tern__cram_md5, "tim m", LONG, NULL,
   NULL, 0, 0, {{T("<1@x>"), TERN_OK, T("tim m b0ad6182c21a78e3be28492d51ea144e")}}, TERN_OK},
  {"CRAM-MD5, an empty challenge", &tern__cram_md5, "tim", "x", NULL, NULL, 0, 0,
   {{T(""), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},
  {"CRAM-MD5, two challenges", &tern__cram_md5, "tim", "tanstaaftanstaaf", NULL, NULL, 0, 0,
   {{T("<1896.697170952@postoffice.reston.mci.net>"), TERN_OK,
     T("tim b913a602c7eda7a495b4e6e7334d3890")},
    {T("<2@x>"), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},

  {"XOAUTH2", &tern__xoauth2, "someuser@example.com",
   "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", NULL, "ignored.example", 587, 0,
   {{START, TERN_OK, T("user=someuser@example.com\001auth=Bearer "
                       "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\001\001")}}, TERN_OK},
  {"XOAUTH2, refused", &tern__xoauth2, "u", "t", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("user=u\001auth=Bearer t\001\001")},
    {T("{\"status\":\"401\"}"), TERN_OK, T("")}, {T("{}"), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},
  {"OAUTHBEARER, RFC 7628 4.1", &tern__oauthbearer, "user@example.com",
   "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", NULL, "server.example.com", 143, 0,
   {{START, TERN_OK, T("n,a=user@example.com,\001host=server.example.com\001port=143\001"
                       "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\001\001")}},
   TERN_OK},
  {"OAUTHBEARER, escapes, and a port alone", &tern__oauthbearer, "a=b,c", "a.b-c_d~e+f/g", NULL, "",
   65535, 0,
   {{START, TERN_OK,
     T("n,a=a=3Db=2Cc,\001port=65535\001auth=Bearer a.b-c_d~e+f/g\001\001")}}, TERN_OK},
  {"OAUTHBEARER, as someone else", &tern__oauthbearer, "a", "t", "b", NULL, 0, 0,
   {{START, TERN_OK, T("n,a=b,\001auth=Bearer t\001\001")}}, TERN_OK},
  {"OAUTHBEARER, refused as in RFC 7628 4.3", &tern__oauthbearer, "u", "t", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("n,a=u,\001auth=Bearer t\001\001")},
    {T("{\"status\":\"invalid_token\",\"scope\":\"example_scope\"}"), TERN_OK, T("\001")},
    {T("{}"), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},

  {"EXTERNAL, as the certificate says", &tern__external, NULL, NULL, NULL, NULL, 0, 0,
   {{START, TERN_OK, T("")}}, TERN_OK},
  {"EXTERNAL, RFC 4422 A.3", &tern__external, NULL, NULL, "fred@example.com", NULL, 0, 0,
   {{START, TERN_OK, T("fred@example.com")}, {T("x"), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},

  {"SCRAM-SHA-1, RFC 5802 5", &tern__scram_sha1, "user", "pencil", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")},
    {T("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"), TERN_OK,
     T("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")},
    {T("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), TERN_OK, T("")}}, TERN_OK},
  {"SCRAM-SHA-256, RFC 7677 3", &tern__scram_sha256, "user", "pencil", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
    {T("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
     TERN_OK,
     T("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
       "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")},
    {T("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), TERN_OK, T("")},
    {T("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},
  {"SCRAM-SHA-256, escapes, an authzid, a long salt, extensions, 513 iterations",
   &tern__scram_sha256, "a,b=c", "pass word", "x=,y and some more to pass one chunk of forty-eight",
   NULL, 0, 0,
   {{START, TERN_OK, T("n,a=x=3D=2Cy and some more to pass one chunk of forty-eight,"
                       "n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO")},
    {T("r=rOprNGfwEbeRWgbNEkqO!~=x,s=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJ"
       "CUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERQ==,i=513,x=1,y=a=b"), TERN_OK,
     T("c=bixhPXg9M0Q9MkN5IGFuZCBzb21lIG1vcmUgdG8gcGFzcyBvbmUgY2h1bmsgb2YgZm9ydHktZWln"
       "aHQs,r=rOprNGfwEbeRWgbNEkqO!~=x,p=PNVep8O3Ku7EGSYLMD7BvuBDoiYeaDScMd+CxSNwD4c=")},
    {T("v=eYqcQqe56ExXJDkBLVy/laT/fDIPOZM62kTb5TtNnOM=,x=1"), TERN_OK, T("")}}, TERN_OK},
  {"SCRAM-SHA-1, UTF-8, one iteration, a secret over a block", &tern__scram_sha1,
   "\303\274" "ser", LONG, NULL, NULL, 0, 1,
   {{START, TERN_OK, T("n,,n=\303\274" "ser,r=fyko+d2lbbFgONRv9qkxdawL")},
    {T("r=fyko+d2lbbFgONRv9qkxdawL9,s=QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
       "QUFBQUFBQUFBQUFB,i=1"), TERN_OK,
     T("c=biws,r=fyko+d2lbbFgONRv9qkxdawL9,p=M0niRCr1/CW0i59MojTA1htzyi4=")},
    {T("v=NbjEAxr678RVCiOY7ngBT74WKv0="), TERN_OK, T("")}}, TERN_OK},
  {"SCRAM-SHA-256-PLUS", &tern__scram_sha256_plus, "user", "pencil", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
    {T("r=rOprNGfwEbeRWgbNEkqOxyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), TERN_OK,
     T("c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,"
       "r=rOprNGfwEbeRWgbNEkqOxyz,p=HZhe7Yr7UgtkcI6KSKRdMugRTrPGJAXZfECdIKF+PwI=")},
    {T("v=78jyO1UFS70oSEMsAPbe0t6Agml60RPRiQyKIuKg3ng="), TERN_OK, T("")}}, TERN_OK},
  {"SCRAM-SHA-256-PLUS, as someone else", &tern__scram_sha256_plus, "user", "pencil", "x,", NULL, 0,
   0,
   {{START, TERN_OK, T("p=tls-exporter,a=x=2C,n=user,r=rOprNGfwEbeRWgbNEkqO")},
    {T("r=rOprNGfwEbeRWgbNEkqOxyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), TERN_OK,
     T("c=cD10bHMtZXhwb3J0ZXIsYT14PTJDLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,"
       "r=rOprNGfwEbeRWgbNEkqOxyz,p=ql9NCGT6qH3mhp2e9n+g5lbpooCUgD64GK+68dYBEOo=")},
    {T("v=Qv/AX78j00qvQGXDCt50ru3UoDDd9HlpomYhL/b3EdU="), TERN_OK, T("")}}, TERN_OK},
  {"SCRAM-SHA-1-PLUS", &tern__scram_sha1_plus, "user", "pencil", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("p=tls-exporter,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")},
    {T("r=fyko+d2lbbFgONRv9qkxdawLxyz,s=QSXCR+Q6sek8bf92,i=4096"), TERN_OK,
     T("c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,"
       "r=fyko+d2lbbFgONRv9qkxdawLxyz,p=mj8Z1X+uTf5JQlLNF9CZW57HbP8=")},
    {T("v=Z9+v2e0qm03uhuyTjwBHyXWt+u0="), TERN_OK, T("")}}, TERN_OK},
  {"SCRAM, success instead of the proof", &tern__scram_sha1, "user", "pencil", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")},
    {T("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"), TERN_OK,
     T("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")}},
   TERN_E_AUTH_PROOF},
  {"SCRAM, success at once", &tern__scram_sha256, "user", "pencil", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")}}, TERN_E_AUTH_PROOF},
  {"SCRAM, refused at the end", &tern__scram_sha1, "user", "pencil", NULL, NULL, 0, 0,
   {{START, TERN_OK, T("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")},
    {T("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"), TERN_OK,
     T("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")},
    {T("e=invalid-proof"), TERN_OK, T("")}}, TERN_E_AUTH_PROOF},
  {"SCRAM, refused at once, then a challenge", &tern__scram_sha256, "user", "pencil", NULL, NULL, 0,
   0,
   {{START, TERN_OK, T("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
    {T("e=unknown-user"), TERN_OK, T("")}, {T("e=unknown-user"), TERN_E_AUTH_CHALLENGE, NONE}},
   ENDED},
  {"SCRAM, a challenge before we spoke", &tern__scram_sha256, "user", "pencil", NULL, NULL, 0, 0,
   {{T("r=rOprNGfwEbeRWgbNEkqOx,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE, NONE}}, ENDED},
};

static void test_exchanges(void **unused)
{
  size_t i, n;

  (void)unused;
  for (i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
    const exchange *e = &exchanges[i];
    const tern_mechanism *m = e->mechanism;
    tern_credentials c = give(m, e->user, e->secret, e->secret, e->authzid);
    void *state;

    c.host = e->host;
    c.port = e->port;
    c.prepared = e->prepared;
    state = begin(m, &c);
    print_message("  %s\n", e->what);
    for (n = 0; n < STEPS; n++) {
      if (e->steps[n].status == TERN_OK && e->steps[n].response.octets == NULL) break;
      assert_int_equal(step(m, state, e->steps[n].challenge, e->steps[n].response),
                       e->steps[n].status);
    }
    if (e->success != ENDED) assert_int_equal(m->success(state), e->success);
    free(state);
  }
}

/* ---- SCRAM: what a server may not say ------------------------------------------------------- */

#define N "r=fyko+d2lbbFgONRv9qkxdawL"
static const struct {
  text challenge;
  tern_status status;
} firsts[] = {
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1"), TERN_OK},
  {T(N "3,s=QQ==,i=1"), TERN_OK},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=600,x=a=b"), TERN_OK},
  /* nonces: not extended, not ours, not printable, without a name */
  {T(N ",s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T("r=fyko+d2lbbFgONRv9qkxdawM3,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T("r=Fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T("r=xfyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T("r=x,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T("r=,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N " 3,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "\1773,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "\303\274,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "\0" "3,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T("R=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  /* mandatory extensions (RFC 5802 5.1), in front and behind */
  {T("m=x," N "3,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,m=x"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,x=y,m=x"), TERN_E_AUTH_CHALLENGE},
  /* extensions that are none */
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,x="), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,x"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,xy=z"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,1=z"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,x=\0"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1,,x=1"), TERN_E_AUTH_CHALLENGE},
  /* order */
  {T("s=QSXCR+Q6sek8bf92," N "3,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,i=1,s=QSXCR+Q6sek8bf92"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,x=1,s=QSXCR+Q6sek8bf92,i=1"), TERN_E_AUTH_CHALLENGE},
  /* salts */
  {T(N "3,s=,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=Q,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QQ,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QQ=,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s====,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXC R+Q,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QQ==QQ==,i=1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==AAAA,i=1"),
   TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,i=1"),
   TERN_E_AUTH_CHALLENGE},
  /* iteration counts: strictly posit-number, and no more than is bearable */
  {T(N "3,s=QSXCR+Q6sek8bf92,i=0"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=00"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=01"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=-1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=+1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i= 1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1 "), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=0x1"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=1e3"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i="), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=600001"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=2147483648"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=4294967297"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=18446744073709551617"), TERN_E_AUTH_CHALLENGE},
  {T(N "3,s=QSXCR+Q6sek8bf92,i=99999999999999999999999999999999999999999999"),
   TERN_E_AUTH_CHALLENGE},
  /* other things */
  {T(""), TERN_E_AUTH_CHALLENGE},
  {T(","), TERN_E_AUTH_CHALLENGE},
  {T("e="), TERN_E_AUTH_CHALLENGE},
  {T("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), TERN_E_AUTH_CHALLENGE},
};

/* An exchange of SCRAM-SHA-1 up to the server's first message. */
static void *scram_begun(tern_credentials *c)
{
  void *state;
  size_t len;

  *c = give(&tern__scram_sha1, "user", "pencil", NULL, NULL);
  state = begin(&tern__scram_sha1, c);
  assert_int_equal(tern__scram_sha1.challenge(state, NULL, 0, &len), TERN_OK);
  return state;
}

static tern_status scram_first(text challenge, uint32_t *work)
{
  tern_credentials c;
  void *state = scram_begun(&c);
  uint8_t *copy = exact(challenge);
  size_t len;
  tern_status status = ask(&tern__scram_sha1, state, copy, challenge.len, &len, work);

  assert_int_equal(tern__scram_sha1.success(state), TERN_E_AUTH_PROOF);
  free(copy);
  free(state);
  return status;
}

static void test_scram_server_first(void **unused)
{
  size_t i;
  uint32_t work;

  (void)unused;
  for (i = 0; i < sizeof firsts / sizeof *firsts; i++) {
    tern_status status = scram_first(firsts[i].challenge, &work);

    if (status != firsts[i].status) print_message("  %s\n", firsts[i].challenge.octets);
    assert_int_equal(status, firsts[i].status);
  }
}

static const char rfc5802_first[] =
  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
static const char rfc5802_final[] = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";

static void test_scram_server_first_cut_anywhere(void **unused)
{
  text t;
  uint32_t work;

  (void)unused;
  t.octets = rfc5802_first;
  for (t.len = 0; t.len < sizeof rfc5802_first - 1; t.len++)
    assert_int_equal(scram_first(t, &work), /* i=4, i=40 and i=409 are counts, too */
                     t.len + 3 < sizeof rfc5802_first - 1 ? TERN_E_AUTH_CHALLENGE : TERN_OK);
}

static void test_scram_work_is_bounded(void **unused)
{
  static const struct {
    text challenge;
    uint32_t work;
  } cases[] = {
    {T(N "3,s=QSXCR+Q6sek8bf92,i=1"), 1},    {T(N "3,s=QSXCR+Q6sek8bf92,i=512"), 1},
    {T(N "3,s=QSXCR+Q6sek8bf92,i=513"), 1},  {T(N "3,s=QSXCR+Q6sek8bf92,i=514"), 2},
    {T(N "3,s=QSXCR+Q6sek8bf92,i=4096"), 8},
  };
  size_t i;
  uint32_t work;

  (void)unused;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(scram_first(cases[i].challenge, &work), TERN_OK);
    assert_int_equal(work, cases[i].work);
  }
}

/* What the last step makes of the server's final message; *proven is what 235 makes of it then. */
static tern_status scram_final(text final, tern_status *proven)
{
  tern_credentials c;
  void *state = scram_begun(&c);
  text first = T("r=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=1");
  uint8_t *copy = exact(first);
  size_t len;
  uint32_t work;
  tern_status status;

  assert_int_equal(ask(&tern__scram_sha1, state, copy, first.len, &len, &work), TERN_OK);
  free(copy);
  copy = exact(final);
  status = tern__scram_sha1.challenge(state, copy, final.len, &len);
  free(copy);
  if (status == TERN_OK) assert_int_equal(len, 0);
  *proven = tern__scram_sha1.success(state);
  free(state);
  return status;
}

static const struct {
  text final;
  tern_status status, proven;
} finals[] = {
  {T("v=Gkj3J4rsoky9U6sIh7vbwSoBJrI="), TERN_OK, TERN_OK},
  {T("v=Gkj3J4rsoky9U6sIh7vbwSoBJrI=,x=1,y=2"), TERN_OK, TERN_OK},
  {T("e=invalid-proof"), TERN_OK, TERN_E_AUTH_PROOF},
  {T("e=other,v=Gkj3J4rsoky9U6sIh7vbwSoBJrI="), TERN_OK, TERN_E_AUTH_PROOF},
  {T("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), TERN_E_AUTH_PROOF, TERN_E_AUTH_PROOF},
  {T("v=AAAAAAAAAAAAAAAAAAAAAAAAAAA="), TERN_E_AUTH_PROOF, TERN_E_AUTH_PROOF},
  {T("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAA"), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("V=Gkj3J4rsoky9U6sIh7vbwSoBJrI="), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("v=Gkj3J4rsoky9U6sIh7vbwSoBJrI=,"), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("v=Gkj3J4rsoky9U6sIh7vbwSoBJrI=,m=1"), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("x=1,v=Gkj3J4rsoky9U6sIh7vbwSoBJrI="), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("v=Gkj3J4rsoky9U6sIh7vbwSoBJrI= "), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("v=Gkj3J4rsoky9U6sIh7vbwSoBJrI=\0"), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("v="), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T("e="), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
  {T(""), TERN_E_AUTH_CHALLENGE, TERN_E_AUTH_PROOF},
};

static void test_scram_server_final(void **unused)
{
  size_t i;
  tern_status proven;

  (void)unused;
  for (i = 0; i < sizeof finals / sizeof *finals; i++) {
    assert_int_equal(scram_final(finals[i].final, &proven), finals[i].status);
    assert_int_equal(proven, finals[i].proven);
  }
}

static void test_scram_server_final_cut_or_changed_anywhere(void **unused)
{
  text t = finals[0].final;
  size_t whole = t.len, i;
  uint8_t *copy = exact(t);
  tern_status proven;

  (void)unused;
  for (t.len = 0; t.len < whole; t.len++) {
    assert_int_equal(scram_final(t, &proven), TERN_E_AUTH_CHALLENGE);
    assert_int_equal(proven, TERN_E_AUTH_PROOF);
  }
  t.octets = (const char *)copy;
  for (i = 0; i < whole; i++) {
    copy[i] ^= 1;
    assert_int_not_equal(scram_final(t, &proven), TERN_OK);
    assert_int_equal(proven, TERN_E_AUTH_PROOF);
    copy[i] ^= 1;
  }
  assert_int_equal(scram_final(t, &proven), TERN_OK);
  free(copy);
}

static int holds(const void *state, size_t size, const void *what, size_t len)
{
  const uint8_t *p = state;
  size_t i;

  for (i = 0; i + len <= size; i++)
    if (memcmp(p + i, what, len) == 0) return 1;
  return 0;
}

/* RFC 5802's example: what lets others log in is gone once the proof is there. */
static void test_scram_forgets(void **unused)
{
  static const uint8_t salted[] = {0x1d, 0x96, 0xee, 0x3a, 0x52, 0x9b, 0x5a, 0x5f, 0x9e, 0x47};
  static const uint8_t client_key[] = {0xe2, 0x34, 0xc4, 0x7b, 0xf6, 0xc3, 0x66, 0x96};
  static const uint8_t server_key[] = {0x0f, 0xe0, 0x92, 0x58, 0xb3, 0xac, 0x85, 0x2b};
  static const uint8_t salted_words[] = {0x3a, 0xee, 0x96, 0x1d, 0x5f, 0x5a, 0x9b, 0x52};
  static const uint8_t none[136] = {0};
  tern_credentials c;
  void *state = scram_begun(&c);
  size_t size = tern__scram_sha1.state_size, len;
  uint32_t work;
  text final = {rfc5802_final, sizeof rfc5802_final - 1};

  (void)unused;
  assert_false(holds(state, size, "pencil", 6));
  assert_int_equal(ask(&tern__scram_sha1, state, (const uint8_t *)rfc5802_first,
                       sizeof rfc5802_first - 1, &len, &work), TERN_OK);
  assert_false(holds(state, size, "pencil", 6));
  assert_false(holds(state, size, salted, sizeof salted));
  assert_false(holds(state, size, salted_words, sizeof salted_words));
  assert_false(holds(state, size, client_key, sizeof client_key));
  assert_false(holds(state, size, server_key, sizeof server_key));
  assert_true(holds(state, size, none, sizeof none)); /* the derivation as a whole */
  assert_int_equal(tern__scram_sha1.work(state, &len), TERN_E_STATE);
  assert_int_equal(step(&tern__scram_sha1, state, final, (text)T("")), TERN_OK);
  assert_int_equal(tern__scram_sha1.success(state), TERN_OK);
  free(state);
}

/* ---- credentials ---------------------------------------------------------------------------- */

#define ALL_PASSWORD 1u /* rows for each mechanism that takes a password */
#define ALL_TOKEN 2u
#define SCRAMS 4u
#define CARRIES_NOT 8u /* those that carry no authzid */
#define EXT 16u
#define BEARER 32u

static uint32_t groups(const tern_mechanism *m)
{
  uint32_t g = m->kind == TERN_CRED_PASSWORD ? ALL_PASSWORD
               : m->kind == TERN_CRED_TOKEN  ? ALL_TOKEN
                                             : EXT;

  if (m->flags & TERN_MECHANISM_RANDOM) g |= SCRAMS;
  if (m == &tern__cram_md5 || m == &tern__auth_login || m == &tern__xoauth2) g |= CARRIES_NOT;
  if (m == &tern__oauthbearer) g |= BEARER;
  return g;
}

static const struct {
  uint32_t groups;
  const char *user, *password, *token, *authzid;
  tern_status status;
  uint32_t field;
} checks[] = {
  {ALL_PASSWORD, "u", "p", NULL, NULL, TERN_OK, 0},
  {ALL_PASSWORD, "u", "p", "\001", "", TERN_OK, 0},
  {ALL_PASSWORD, NULL, "p", "t", NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {ALL_PASSWORD, "", "p", "t", NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {ALL_PASSWORD, "u", NULL, "t", NULL, TERN_E_CREDENTIALS, TERN_FIELD_PASSWORD},
  {ALL_PASSWORD, "u", "", "t", NULL, TERN_E_CREDENTIALS, TERN_FIELD_PASSWORD},
  {ALL_PASSWORD, "\303\274", "p", NULL, NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {ALL_PASSWORD, "u\200", "p", NULL, NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {ALL_PASSWORD, "u", "p\377", NULL, NULL, TERN_E_CREDENTIALS, TERN_FIELD_PASSWORD},
  {SCRAMS, "u", "p", NULL, "\303\274", TERN_E_CREDENTIALS, TERN_FIELD_AUTHZID},
  {SCRAMS, "u\r\n", "p", NULL, NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {SCRAMS, "u", "p\n", NULL, NULL, TERN_E_CREDENTIALS, TERN_FIELD_PASSWORD},
  {SCRAMS, "u", "p", NULL, "a\177", TERN_E_CREDENTIALS, TERN_FIELD_AUTHZID},
  {SCRAMS, "u", "p", NULL, "a", TERN_OK, 0},
  {CARRIES_NOT, "u", "p", "t", "a", TERN_E_CREDENTIALS, TERN_FIELD_AUTHZID},
  {ALL_TOKEN, "u", NULL, "t", NULL, TERN_OK, 0},
  {ALL_TOKEN, "u", "\001", "t", NULL, TERN_OK, 0},
  {ALL_TOKEN, "u", "p", "azAZ09-._~+/==", NULL, TERN_OK, 0},
  {ALL_TOKEN, NULL, "p", "t", NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {ALL_TOKEN, "u", "p", NULL, NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {ALL_TOKEN, "u", "p", "", NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {ALL_TOKEN, "u\001auth=Bearer x", "p", "t", NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {ALL_TOKEN, "u\n", "p", "t", NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {ALL_TOKEN, "\303\274", "p", "t", NULL, TERN_E_CREDENTIALS, TERN_FIELD_USER},
  {ALL_TOKEN, "u", "p", "t\001", NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {ALL_TOKEN, "u", "p", "t\r\n", NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {ALL_TOKEN, "u", "p", "a b", NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {ALL_TOKEN, "u", "p", "a,b", NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {ALL_TOKEN, "u", "p", "a=b", NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {ALL_TOKEN, "u", "p", "=", NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {ALL_TOKEN, "u", "p", "t\303\274", NULL, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN},
  {BEARER, "u", "p", "t", "a\001b", TERN_E_CREDENTIALS, TERN_FIELD_AUTHZID},
  {EXT, NULL, NULL, NULL, NULL, TERN_OK, 0},
  {EXT, "\001", "\377", "\n", "a", TERN_OK, 0},
  {EXT, NULL, NULL, NULL, "\303\274", TERN_E_CREDENTIALS, TERN_FIELD_AUTHZID},
};

static tern_status try_begin(const tern_mechanism *m, const tern_credentials *c, uint32_t *field)
{
  void *state = calloc(1, m->state_size);
  tern_status status;

  assert_non_null(state);
  *field = TERN_FIELD_NONE;
  status = m->begin(state, c, field);
  free(state);
  return status;
}

static void test_credentials(void **unused)
{
  const tern_mechanism *const *m;
  size_t i;
  uint32_t field;

  (void)unused;
  for (m = tern_mechanisms(); *m != NULL; m++) {
    for (i = 0; i < sizeof checks / sizeof *checks; i++) {
      tern_credentials c = give(*m, checks[i].user, checks[i].password, checks[i].token,
                                checks[i].authzid);

      if ((groups(*m) & checks[i].groups) == 0) continue;
      if (try_begin(*m, &c, &field) != checks[i].status || field != checks[i].field)
        fail_msg("%s, row %u: field %u", (*m)->name, (unsigned)i, (unsigned)field);
    }
  }
}

static void test_prepared_credentials_pass(void **unused)
{
  const tern_mechanism *const *m;
  uint32_t field;

  (void)unused;
  for (m = tern_mechanisms(); *m != NULL; m++) {
    tern_credentials c = give(*m, "\303\274", "\342\202\254", "token", NULL);

    assert_int_equal(try_begin(*m, &c, &field),
                     (*m)->kind == TERN_CRED_EXTERNAL ? TERN_OK : TERN_E_CREDENTIALS);
    c.prepared = 1;
    assert_int_equal(try_begin(*m, &c, &field), TERN_OK);
  }
}

static void test_identities_are_bounded_and_secrets_are_not(void **unused)
{
  const tern_mechanism *const *m;
  uint32_t field;
  char big[5000];

  (void)unused;
  for (m = tern_mechanisms(); *m != NULL; m++) {
    tern_credentials c = give(*m, "u", big, big, NULL);

    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(try_begin(*m, &c, &field), TERN_OK);
    if ((*m)->kind == TERN_CRED_EXTERNAL) continue;
    c = give(*m, big, "p", "t", NULL);
    big[4096] = '\0';
    assert_int_equal(try_begin(*m, &c, &field), TERN_OK);
    big[4096] = 'a';
    big[4097] = '\0';
    assert_int_equal(try_begin(*m, &c, &field), TERN_E_CREDENTIALS);
    assert_int_equal(field, TERN_FIELD_USER);
  }
}

static void test_a_token_of_any_length(void **unused)
{
  static char token[20001];
  static const char head[] = "user=u\001auth=Bearer ";
  tern_credentials c = give(&tern__xoauth2, "u", NULL, token, NULL);
  void *state;
  size_t len = 0, at;
  uint8_t out[7];

  (void)unused;
  for (at = 0; at < sizeof token - 1; at++) token[at] = (char)('a' + at % 23);
  state = begin(&tern__xoauth2, &c);
  assert_int_equal(tern__xoauth2.challenge(state, NULL, 0, &len), TERN_OK);
  assert_int_equal(len, sizeof head - 1 + sizeof token - 1 + 2);
  for (at = sizeof head - 1; at + sizeof out <= len - 2; at += sizeof out) {
    tern__xoauth2.response(state, at, out, sizeof out);
    assert_memory_equal(out, &token[at - (sizeof head - 1)], sizeof out);
  }
  free(state);
}

static void test_bearer_host_and_port(void **unused)
{
  static const struct {
    const char *host;
    uint32_t port;
    uint32_t field; /* 0: good */
  } cases[] = {
    {"mail.example", 587, 0},
    {"[2001:db8::1]", 1, 0},
    {"a\001b", 0, TERN_FIELD_URL_HOST},
    {"a b", 0, TERN_FIELD_URL_HOST},
    {"\303\274.example", 0, TERN_FIELD_URL_HOST},
    {"a", 65536, TERN_FIELD_URL_PORT},
  };
  size_t i;
  uint32_t field;

  (void)unused;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_credentials c = give(&tern__oauthbearer, "u", NULL, "t", NULL);

    c.host = cases[i].host;
    c.port = cases[i].port;
    assert_int_equal(try_begin(&tern__oauthbearer, &c, &field),
                     cases[i].field ? TERN_E_CREDENTIALS : TERN_OK);
    assert_int_equal(field, cases[i].field);
  }
}

static void test_scram_needs_random(void **unused)
{
  const tern_mechanism *const *m;
  uint32_t field;

  (void)unused;
  for (m = tern_mechanisms(); *m != NULL; m++) {
    tern_credentials c = give(*m, "u", "p", "t", NULL);
    tern_status due = (*m)->flags & TERN_MECHANISM_RANDOM ? TERN_E_RANDOM : TERN_OK;

    c.random = NULL;
    assert_int_equal(try_begin(*m, &c, &field), due);
    c.random = random_fails;
    assert_int_equal(try_begin(*m, &c, &field), due);
  }
}

/* RFC 5802 6: "n" we cannot bind, "y" we could and the server did not offer to. */
static void test_scram_flags(void **unused)
{
  static const struct {
    int bound, offered;
    const char *due;
  } cases[] = {
    {0, 0, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"},
    {0, 1, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"},
    {1, 0, "y,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"},
    {1, 1, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"}, /* named without -PLUS by the caller */
  };
  size_t i, len;

  (void)unused;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tern_credentials c = give(&tern__scram_sha1, "user", "pencil", NULL, NULL);
    char out[64] = "";
    void *state;

    if (!cases[i].bound) c.binding = NULL;
    c.binding_offered = (uint32_t)cases[i].offered;
    state = begin(&tern__scram_sha1, &c);
    assert_int_equal(tern__scram_sha1.challenge(state, NULL, 0, &len), TERN_OK);
    assert_int_equal(len, strlen(cases[i].due));
    tern__scram_sha1.response(state, 0, (uint8_t *)out, len);
    assert_string_equal(out, cases[i].due);
    free(state);
  }
}

static void test_plus_needs_a_channel(void **unused)
{
  tern_credentials c = give(&tern__scram_sha1_plus, "user", "pencil", NULL, NULL);
  uint32_t field;

  (void)unused;
  c.binding = NULL;
  assert_int_equal(try_begin(&tern__scram_sha1_plus, &c, &field), TERN_E_CREDENTIALS);
}

/* ---- the list ------------------------------------------------------------------------------- */

static void test_list(void **unused)
{
  static const struct {
    const char *name;
    uint32_t kind, flags;
  } due[] = {
    {"SCRAM-SHA-256-PLUS", TERN_CRED_PASSWORD,
     TERN_MECHANISM_FIRST | TERN_MECHANISM_PROOF | TERN_MECHANISM_RANDOM | TERN_MECHANISM_BOUND},
    {"SCRAM-SHA-1-PLUS", TERN_CRED_PASSWORD,
     TERN_MECHANISM_FIRST | TERN_MECHANISM_PROOF | TERN_MECHANISM_RANDOM | TERN_MECHANISM_BOUND},
    {"SCRAM-SHA-256", TERN_CRED_PASSWORD,
     TERN_MECHANISM_FIRST | TERN_MECHANISM_PROOF | TERN_MECHANISM_RANDOM},
    {"SCRAM-SHA-1", TERN_CRED_PASSWORD,
     TERN_MECHANISM_FIRST | TERN_MECHANISM_PROOF | TERN_MECHANISM_RANDOM},
    {"CRAM-MD5", TERN_CRED_PASSWORD, 0},
    {"OAUTHBEARER", TERN_CRED_TOKEN, TERN_MECHANISM_PLAINTEXT | TERN_MECHANISM_FIRST},
    {"XOAUTH2", TERN_CRED_TOKEN, TERN_MECHANISM_PLAINTEXT | TERN_MECHANISM_FIRST},
    {"EXTERNAL", TERN_CRED_EXTERNAL, TERN_MECHANISM_FIRST},
    {"PLAIN", TERN_CRED_PASSWORD, TERN_MECHANISM_PLAINTEXT | TERN_MECHANISM_FIRST},
    {"LOGIN", TERN_CRED_PASSWORD, TERN_MECHANISM_PLAINTEXT},
  };
  const tern_mechanism *const *m = tern_mechanisms();
  size_t i;

  (void)unused;
  for (i = 0; i < sizeof due / sizeof *due; i++) {
    assert_non_null(m[i]);
    assert_string_equal(m[i]->name, due[i].name);
    assert_int_equal(m[i]->kind, due[i].kind);
    assert_int_equal(m[i]->flags, due[i].flags);
    assert_int_equal(m[i]->size, sizeof (tern_mechanism));
    assert_true(m[i]->state_size > 0 && m[i]->state_size <= TERN_SASL_STATE_SIZE);
    assert_true((m[i]->work != NULL) == ((m[i]->flags & TERN_MECHANISM_PROOF) != 0));
  }
  assert_null(m[i]);
}

static void test_find(void **unused)
{
  static const struct {
    const char *offered;
    size_t len;
    const tern_mechanism *due;
  } cases[] = {
    {"PLAIN", 5, &tern__plain},
    {"plain", 5, &tern__plain},
    {"PLAIN LOGIN", 5, &tern__plain},
    {"LOGIN PLAIN", 5, &tern__auth_login},
    {"SCRAM-SHA-256", 13, &tern__scram_sha256},
    {"SCRAM-SHA-256-PLUS", 18, &tern__scram_sha256_plus},
    {"SCRAM-SHA-1", 11, &tern__scram_sha1},
    {"SCRAM-SHA-25", 12, NULL},
    {"", 0, NULL},
    {"GSSAPI", 6, NULL},
  };
  static const tern_mechanism *const only_login[] = {&tern__auth_login, NULL};
  static const tern_mechanism *const nothing[] = {NULL};
  size_t i;

  (void)unused;
  for (i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_ptr_equal(tern__mechanism_find(tern_mechanisms(), cases[i].offered, cases[i].len),
                     cases[i].due);
  assert_ptr_equal(tern__mechanism_find(only_login, "LOGIN", 5), &tern__auth_login);
  assert_null(tern__mechanism_find(only_login, "PLAIN", 5));
  assert_null(tern__mechanism_find(nothing, "PLAIN", 5));
}

/* ---- SASLprep ------------------------------------------------------------------------------- */

#ifdef TERN_HAVE_LIBIDN
static void test_saslprep(void **unused)
{
  static const struct {
    const char *in, *out; /* NULL: refused */
  } cases[] = {
    /* RFC 4013 3 */
    {"I\302\255X", "IX"},
    {"user", "user"},
    {"USER", "USER"},
    {"\302\252", "a"},
    {"\342\205\250", "IX"},
    {"\007", NULL},
    {"\330\2471", NULL},
    /* 2.1: spaces; 2.2: composed; unassigned in Unicode 3.2; 2.3: private use; not UTF-8 */
    {"a\302\240b", "a b"},
    {"u\314\210", "\303\274"},
    {"\360\237\224\221", "\360\237\224\221"},
    {"\356\200\200", NULL},
    {"\377", NULL},
    {"\303", NULL},
    {"", ""},
  };
  size_t i;
  char out[64];

  (void)unused;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    memset(out, 'x', sizeof out);
    if (cases[i].out != NULL) {
      assert_int_equal(tern__saslprep(cases[i].in, out, sizeof out), TERN_OK);
      assert_string_equal(out, cases[i].out);
    } else {
      assert_int_equal(tern__saslprep(cases[i].in, out, sizeof out), TERN_E_CREDENTIALS);
      assert_int_equal(out[0], 0);
    }
  }
}

static void test_saslprep_is_bounded(void **unused)
{
  static const char grows[] = "\357\267\272"; /* U+FDFA: 3 octets become 33 */
  char out[64] = "xx";
  size_t cap;

  (void)unused;
  assert_int_equal(tern__saslprep("abc", out, 4), TERN_OK);
  assert_string_equal(out, "abc");
  assert_int_equal(tern__saslprep("abc", out, 3), TERN_E_BUFFER);
  assert_int_equal(tern__saslprep("abc", out, 0), TERN_E_BUFFER);
  for (cap = 4; cap <= 33; cap++) {
    memset(out, 'x', sizeof out);
    assert_int_equal(tern__saslprep(grows, out, cap), TERN_E_BUFFER);
    assert_int_equal(out[cap], 'x');
  }
  assert_int_equal(tern__saslprep(grows, out, sizeof out), TERN_OK);
  assert_int_equal(strlen(out), 33);
}
#endif

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exchanges),
    cmocka_unit_test(test_scram_server_first),
    cmocka_unit_test(test_scram_server_first_cut_anywhere),
    cmocka_unit_test(test_scram_work_is_bounded),
    cmocka_unit_test(test_scram_server_final),
    cmocka_unit_test(test_scram_server_final_cut_or_changed_anywhere),
    cmocka_unit_test(test_scram_forgets),
    cmocka_unit_test(test_credentials),
    cmocka_unit_test(test_prepared_credentials_pass),
    cmocka_unit_test(test_identities_are_bounded_and_secrets_are_not),
    cmocka_unit_test(test_a_token_of_any_length),
    cmocka_unit_test(test_bearer_host_and_port),
    cmocka_unit_test(test_scram_needs_random),
    cmocka_unit_test(test_scram_flags),
    cmocka_unit_test(test_plus_needs_a_channel),
    cmocka_unit_test(test_list),
    cmocka_unit_test(test_find),
#ifdef TERN_HAVE_LIBIDN
    cmocka_unit_test(test_saslprep),
    cmocka_unit_test(test_saslprep_is_bounded),
#endif
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
