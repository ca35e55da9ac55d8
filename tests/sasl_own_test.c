/* sasl_own_test.c - mechanisms of the caller's own, in the table given to a session: they are chosen by the
 * table's order and the kind of credential, stand beside the ones built in, and are held to the same rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/tern.h>

/* ---- X-ECHO: answers each challenge with itself, turned round; two steps of work a challenge ----------- */
typedef struct echo {
  uint8_t octets[32];
  size_t len;
  unsigned steps, answered;
} echo;

static unsigned begun, dirty, judged;

static tern_status echo_begin(void *state, const tern_credentials *c, uint32_t *field)
{
  static const uint8_t zero[sizeof (echo)];

  begun++;
  dirty |= memcmp(state, zero, sizeof zero) != 0; /* the interface promises zeroes */
  if (c->password && strcmp(c->password, "impossible") == 0) {
    *field = TERN_FIELD_PASSWORD;
    return TERN_E_CREDENTIALS;
  }
  return TERN_OK;
}

static tern_status echo_challenge(void *state, const uint8_t *challenge, size_t len, size_t *response)
{
  echo *e = state;
  size_t i;

  (void)response;
  if (len > sizeof e->octets) return TERN_E_AUTH_CHALLENGE;
  for (i = 0; i < len; i++) e->octets[i] = challenge[len - 1 - i];
  e->len = len;
  e->steps = 2;
  return TERN_E_AGAIN;
}

static tern_status echo_work(void *state, size_t *response)
{
  echo *e = state;

  if (--e->steps) return TERN_E_AGAIN;
  e->answered++;
  *response = e->len;
  return TERN_OK;
}

static void echo_response(void *state, size_t offset, uint8_t *out, size_t len)
{
  memcpy(out, ((echo *)state)->octets + offset, len);
}

static tern_status echo_success(void *state)
{
  judged++;
  return ((echo *)state)->answered == 2 ? TERN_OK : TERN_E_AUTH_PROOF;
}

static const tern_mechanism x_echo = {
  sizeof x_echo,  "X-ECHO",       TERN_CRED_PASSWORD, 0,          sizeof (echo),
  echo_begin, echo_challenge, echo_work,          echo_response, echo_success,
};
static const tern_mechanism *plain(void)
{
  const tern_mechanism *const *m;

  for (m = tern_mechanisms(); *m; m++)
    if (strcmp((*m)->name, "PLAIN") == 0) return *m;
  fail_msg("no PLAIN");
  return NULL;
}

/* ---- a server that says its lines one by one, each after a line of ours ------------------------------------ */
typedef struct run {
  tern_session *s;
  void *block;
  size_t size;
  char sent[512];
} run;

static void start(run *r, const tern_mechanism *const *table, tern_credentials *c)
{
  memset(r, 0, sizeof *r);
  begun = dirty = judged = 0;
  r->size = tern_session_size(1, 256, 1024);
  r->block = malloc(r->size);
  assert_non_null(r->block);
  assert_int_equal(tern_session_init(&r->s, r->block, r->size, 1, 256), TERN_OK);
  assert_int_equal(tern_session_set_tls(r->s, TERN_TLS_NONE), TERN_OK);
  assert_int_equal(tern_session_set_channel_safe(r->s, 1), TERN_OK);
  assert_int_equal(tern_session_set_ehlo_name(r->s, "client.example"), TERN_OK);
  assert_int_equal(tern_session_set_mechanisms(r->s, table), TERN_OK);
  assert_int_equal(tern_session_start(r->s, 0), TERN_OK);
  assert_int_equal(tern_session_auth(r->s, c), TERN_OK);
}

/* Says `line`, and gathers what is sent then in r->sent. */
static void say(run *r, const char *line)
{
  const uint8_t *out;
  size_t len, n = 0;
  int rounds = 0;

  tern_session_in(r->s, (const uint8_t *)line, strlen(line), 0);
  do {
    if (tern_session_wants(r->s) & TERN_WANT_WORK) tern_session_tick(r->s, 0);
    if ((out = tern_session_out(r->s, &len)) != NULL) {
      assert_true(n + len < sizeof r->sent);
      memcpy(r->sent + n, out, len);
      n += len;
      tern_session_out_done(r->s, len, 0);
    }
    assert_true(++rounds < 100);
  } while (tern_session_wants(r->s) & (TERN_WANT_WORK | TERN_WRITE));
  r->sent[n] = '\0';
}

static void finish(run *r)
{
  assert_int_equal(dirty, 0);
  tern_session_wipe(r->s);
  free(r->block);
}

static tern_credentials credentials(const char *password, const char *mechanism)
{
  tern_credentials c;

  memset(&c, 0, sizeof c);
  c.size = sizeof c;
  c.kinds = TERN_CRED_PASSWORD;
  c.user = "ann";
  c.password = password;
  c.mechanism = mechanism;
  return c;
}

/* ---- behaviour --------------------------------------------------------------------------------------- */
static void first_of_the_table(void **state)
{
  const tern_mechanism *table[] = {&x_echo, plain(), NULL};
  tern_credentials c = credentials("secret", NULL);
  run r;

  (void)state;
  start(&r, table, &c);
  say(&r, "220 hi\r\n");
  say(&r, "250-hi\r\n250 AUTH PLAIN X-ECHO\r\n");
  assert_string_equal(r.sent, "AUTH X-ECHO\r\n");
  assert_int_equal(tern_session_mechanisms(r.s), 3);
  say(&r, "334 YWJj\r\n");
  assert_string_equal(r.sent, "Y2Jh\r\n");
  say(&r, "334 eA==\r\n");
  assert_string_equal(r.sent, "eA==\r\n");
  say(&r, "235 2.7.0 in\r\n");
  assert_int_equal(tern_session_idle(r.s), 1);
  assert_string_equal(tern_session_mechanism(r.s), "X-ECHO");
  finish(&r);
}

static void success_is_the_mechanism_s_to_judge(void **state)
{
  const tern_mechanism *table[] = {&x_echo, plain(), NULL};
  tern_credentials c = credentials("secret", NULL);
  run r;

  (void)state;
  start(&r, table, &c);
  say(&r, "220 hi\r\n");
  say(&r, "250-hi\r\n250 AUTH PLAIN X-ECHO\r\n");
  say(&r, "334 YWJj\r\n");
  say(&r, "235 2.7.0 in\r\n"); /* after one of two challenges */
  assert_int_equal(judged, 1);
  assert_int_equal(tern_error_status(tern_session_error(r.s)), TERN_E_AUTH_PROOF);
  finish(&r);
}

static void next_after_504(void **state)
{
  const tern_mechanism *table[] = {&x_echo, plain(), NULL};
  tern_credentials c = credentials("secret", NULL);
  run r;

  (void)state;
  start(&r, table, &c);
  say(&r, "220 hi\r\n");
  say(&r, "250-hi\r\n250 AUTH X-ECHO PLAIN\r\n");
  say(&r, "504 5.5.4 not that one\r\n");
  assert_string_equal(r.sent, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
  say(&r, "235 in\r\n");
  assert_string_equal(tern_session_mechanism(r.s), "PLAIN");
  finish(&r);
}

static void named_alone(void **state)
{
  const tern_mechanism *table[] = {&x_echo, plain(), NULL};
  tern_credentials c = credentials("secret", "X-ECHO");
  run r;

  (void)state;
  start(&r, table, &c);
  say(&r, "220 hi\r\n");
  say(&r, "250-hi\r\n250 AUTH PLAIN\r\n");
  assert_int_equal(tern_error_status(tern_session_error(r.s)), TERN_E_AUTH_NO_MECHANISM);
  finish(&r);

  c = credentials("secret", "LOGIN"); /* built in, but not in this table */
  start(&r, NULL, &c);
  finish(&r);
  {
    void *block = malloc(r.size);
    tern_session *s;

    assert_int_equal(tern_session_init(&s, block, r.size, 1, 256), TERN_OK);
    assert_int_equal(tern_session_set_ehlo_name(s, "client.example"), TERN_OK);
    assert_int_equal(tern_session_set_mechanisms(s, table), TERN_OK);
    assert_int_equal(tern_session_start(s, 0), TERN_OK);
    assert_int_equal(tern_session_auth(s, &c), TERN_E_ARGUMENT);
    tern_session_wipe(s);
    free(block);
  }
}

static void refused_by_begin(void **state)
{
  const tern_mechanism *table[] = {&x_echo, NULL};
  tern_credentials c = credentials("impossible", NULL);
  run r;

  (void)state;
  start(&r, table, &c);
  say(&r, "220 hi\r\n");
  say(&r, "250-hi\r\n250 AUTH X-ECHO\r\n");
  assert_null(strstr(r.sent, "AUTH"));
  assert_int_equal(tern_error_status(tern_session_error(r.s)), TERN_E_CREDENTIALS);
  assert_int_equal(tern_error_field(tern_session_error(r.s)), TERN_FIELD_PASSWORD);
  finish(&r);
}

static void bad_challenge_cancels(void **state)
{
  const tern_mechanism *table[] = {&x_echo, NULL};
  tern_credentials c = credentials("secret", NULL);
  run r;

  (void)state;
  start(&r, table, &c);
  say(&r, "220 hi\r\n");
  say(&r, "250-hi\r\n250 AUTH X-ECHO\r\n");
  say(&r, "334 YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\r\n");
  assert_string_equal(r.sent, "*\r\n");
  say(&r, "501 cancelled\r\n");
  assert_int_equal(tern_error_status(tern_session_error(r.s)), TERN_E_AUTH_CHALLENGE);
  finish(&r);
}

/* What cannot be run is refused when it is given. */
static void unusable_entries(void **state)
{
  tern_mechanism m[8];
  const tern_mechanism *many[34];
  size_t i;

  (void)state;
  for (i = 0; i < 8; i++) m[i] = x_echo;
  m[0].size = 4; /* of an older, shorter layout */
  m[1].state_size = TERN_SASL_STATE_SIZE + 1;
  m[2].name = "X\r\nQUIT";
  m[3].name = "X-NAME-OF-21-OCTETS-X";
  m[4].name = "";
  m[5].name = NULL;
  m[6].response = NULL;
  m[7].kind = 0;
  for (i = 0; i < 33; i++) many[i] = &x_echo;
  many[33] = NULL;
  for (i = 0; i < 9; i++) {
    const tern_mechanism *one[] = {plain(), NULL, NULL};
    tern_client *client = tern_client_new(NULL);
    size_t size = tern_session_size(1, 256, 1024);
    void *block = malloc(size);
    tern_session *s;

    if (i < 8) one[1] = &m[i];
    assert_int_equal(tern_session_init(&s, block, size, 1, 256), TERN_OK);
    assert_int_equal(tern_session_set_mechanisms(s, i < 8 ? one : many), TERN_E_ARGUMENT);
    assert_int_equal(tern_session_set_mechanisms(s, i < 8 ? one + 1 : many), TERN_E_ARGUMENT);
    assert_int_equal(tern_client_set_mechanisms(client, i < 8 ? one : many), TERN_E_ARGUMENT);
    assert_int_equal(tern_session_set_mechanisms(s, many + 1), TERN_OK);
    assert_int_equal(tern_client_set_mechanisms(client, tern_mechanisms()), TERN_OK);
    tern_client_free(client);
    tern_session_wipe(s);
    free(block);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(first_of_the_table), cmocka_unit_test(success_is_the_mechanism_s_to_judge),
    cmocka_unit_test(next_after_504),     cmocka_unit_test(named_alone),
    cmocka_unit_test(refused_by_begin),   cmocka_unit_test(bad_challenge_cancels),
    cmocka_unit_test(unusable_entries),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
