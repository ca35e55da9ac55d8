/* base_error_test.c - the table of statuses is whole, and errors say what they should. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/status.h"

#define TERN_STATUS(name, class, sysexit, who, word, text, hint) \
  {"TERN_E_" #name, TERN_E_##name, TERN_CLASS_##class, sysexit, TERN_WHO_##who, text, hint},
static const struct {
  const char *name;
  tern_status status;
  uint32_t class_of;
  int32_t sysexit;
  uint32_t who;
  const char *text;
  const char *hint;
} rows[] = {
#include "base/status.def"
};
#define ROWS (sizeof rows / sizeof rows[0])

static void every_row_is_whole_and_found(void **state)
{
  static const int32_t contract[] = {64, 65, 67, 68, 69, 74, 75, 76, 77, 78};
  size_t i;

  (void)state;
  for (i = 0; i < ROWS; i++) {
    size_t k;

    assert_int_equal(tern__status_row(rows[i].status), i);
    assert_int_equal(rows[i].class_of, -rows[i].status / 100);
    assert_int_equal(tern_status_class(rows[i].status), rows[i].class_of);
    assert_int_equal(tern_status_sysexit(rows[i].status), rows[i].sysexit);
    assert_int_equal(tern__status_who(rows[i].status), rows[i].who);
    assert_string_equal(tern_status_name(rows[i].status), rows[i].name);
    assert_string_equal(tern_status_text(rows[i].status), rows[i].text);
    assert_string_equal(tern_status_hint(rows[i].status), rows[i].hint);
    assert_true(strlen(rows[i].text) > 8 && strchr(rows[i].text, '\n') == NULL);
    assert_true(strlen(rows[i].hint) > 8 && strchr(rows[i].hint, '\n') == NULL);
    /* a hint is one sentence, a text a clause that can stand behind a colon */
    assert_int_equal(rows[i].hint[strlen(rows[i].hint) - 1], '.');
    assert_int_not_equal(rows[i].text[strlen(rows[i].text) - 1], '.');
    for (k = 0; k < sizeof contract / sizeof contract[0]; k++)
      if (contract[k] == rows[i].sysexit)
        break;
    assert_true(k < sizeof contract / sizeof contract[0]);
    if (rows[i].class_of == TERN_CLASS_TRANSIENT)
      assert_int_equal(rows[i].sysexit, 75);
    if (rows[i].class_of == TERN_CLASS_PERMANENT || rows[i].class_of == TERN_CLASS_PROTOCOL)
      assert_int_not_equal(rows[i].sysexit, 75);
  }
}

/* The header's constants and the rows are the same set: each #define has a row and the reverse. */
static void header_and_table_hold_the_same_names(void **state)
{
  FILE *f = fopen(TERN_HEADERS "/base.h", "r");
  char line[256];
  size_t found = 0;

  (void)state;
  assert_non_null(f);
  while (fgets(line, sizeof line, f) != NULL) {
    char name[64];
    int number;
    size_t i;

    if (sscanf(line, "#define %63s (%d)", name, &number) != 2 ||
        strncmp(name, "TERN_E_", 7) != 0)
      continue;
    for (i = 0; i < ROWS && strcmp(rows[i].name, name) != 0; i++)
      continue;
    if (i == ROWS)
      fail_msg("%s has no row in status.def", name);
    assert_int_equal(rows[i].status, number);
    found++;
  }
  fclose(f);
  assert_int_equal(found, ROWS);
}

static void numbers_without_a_row(void **state)
{
  static const struct {
    tern_status status;
    const char *name;
    uint32_t class_of;
    int32_t sysexit;
  } cases[] = {
    {TERN_OK, "TERN_OK", 0, 0},
    {TERN_PARTIAL, "TERN_PARTIAL", 0, 67},
    {TERN_SOURCE_END, "TERN_E_UNKNOWN", 0, 0},
    {-1, "TERN_E_UNKNOWN", 0, 74},
    {-99, "TERN_E_UNKNOWN", 0, 74},
    {-100, "TERN_E_UNKNOWN", 1, 64},
    {-199, "TERN_E_UNKNOWN", 1, 64},
    {-299, "TERN_E_UNKNOWN", 2, 65},
    {-300, "TERN_E_UNKNOWN", 3, 75},
    {-399, "TERN_E_UNKNOWN", 3, 75},
    {-499, "TERN_E_UNKNOWN", 4, 77},
    {-599, "TERN_E_UNKNOWN", 5, 76},
    {-699, "TERN_E_UNKNOWN", 6, 75},
    {-700, "TERN_E_UNKNOWN", 7, 69},
    {-799, "TERN_E_UNKNOWN", 7, 69},
    {-800, "TERN_E_UNKNOWN", 0, 74},
    {INT32_MIN, "TERN_E_UNKNOWN", 0, 74},
    {INT32_MAX, "TERN_E_UNKNOWN", 0, 0},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_string_equal(tern_status_name(cases[i].status), cases[i].name);
    assert_int_equal(tern_status_class(cases[i].status), cases[i].class_of);
    assert_int_equal(tern_status_sysexit(cases[i].status), cases[i].sysexit);
    assert_non_null(tern_status_text(cases[i].status));
    assert_non_null(tern_status_hint(cases[i].status));
  }
}

static void words(void **state)
{
  static const char *const phases[] = {"",     "resolve", "connect", "tls",
                                       "greeting", "ehlo", "starttls", "auth",
                                       "mail", "rcpt",    "data",    "end-of-data",
                                       "rset", "quit",    "other"};
  uint32_t i;

  (void)state;
  assert_int_equal(sizeof phases / sizeof phases[0], TERN_PHASES);
  for (i = 0; i < TERN_PHASES; i++)
    assert_string_equal(tern_phase_name(i), phases[i]);
  assert_string_equal(tern_phase_name(TERN_PHASES), "");
  assert_string_equal(tern_phase_name(UINT32_MAX), "");
  assert_string_equal(tern_field_name(TERN_FIELD_NONE), "");
  for (i = 1; i < TERN_FIELDS; i++)
    assert_string_not_equal(tern_field_name(i), "");
  assert_string_equal(tern_field_name(TERN_FIELDS), "");
  for (i = TERN_FIELD_FROM; i < TERN_FIELDS_MESSAGE; i++)
    assert_string_not_equal(tern_field_name(i), "");
  assert_string_equal(tern_field_name(TERN_FIELD_FROM - 1), "");
  assert_string_equal(tern_field_name(TERN_FIELD_ENCODING), "encoding");
  assert_string_equal(tern_field_name(TERN_FIELDS_MESSAGE), "");
  assert_string_equal(tern_field_name(TERN_FIELD_REVERSE_PATH), "reverse-path");
  assert_string_equal(tern_field_name(TERN_FIELD_FORWARD_PATH), "forward-path");
  assert_string_equal(tern_field_name(TERN_FIELD_RCPT_PARAMETER), "RCPT parameter");
  assert_string_equal(tern_field_name(TERN_FIELD_URL_SCHEME), "URL scheme");
  assert_string_equal(tern_field_name(TERN_FIELD_CA), "CA");
  assert_string_equal(tern_field_name(TERN_FIELD_VRFY), "VRFY");
  assert_string_equal(tern_who_name(TERN_WHO_NOBODY), "");
  assert_string_equal(tern_who_name(TERN_WHO_SENDER), "sender");
  assert_string_equal(tern_who_name(TERN_WHO_RECIPIENT), "recipient");
  assert_string_equal(tern_who_name(TERN_WHO_SERVER), "server");
  assert_string_equal(tern_who_name(TERN_WHO_OPERATOR), "operator");
  assert_string_equal(tern_who_name(5), "");
  assert_string_equal(tern_resend_name(TERN_RESEND_SAFE), "safe");
  assert_string_equal(tern_resend_name(TERN_RESEND_UNSAFE), "unsafe");
  assert_string_equal(tern_resend_name(TERN_RESEND_UNKNOWN), "unknown");
  assert_string_equal(tern_resend_name(3), "");
  assert_string_equal(tern_outcome_name(TERN_UNSENT), "unsent");
  assert_string_equal(tern_outcome_name(TERN_ACCEPTED), "accepted");
  assert_string_equal(tern_outcome_name(TERN_REJECTED), "rejected");
  assert_string_equal(tern_outcome_name(TERN_DEFERRED), "deferred");
  assert_string_equal(tern_outcome_name(TERN_UNKNOWN), "unknown");
  assert_string_equal(tern_outcome_name(5), "");
  assert_string_equal(tern_version(), TERN_VERSION);
}

/* The exit codes that the command line promises, by phase, cause and recipient. */
static void exit_codes_by_phase(void **state)
{
  static const struct {
    tern_status status;
    uint8_t phase;
    tern_status cause;
    uint16_t code;
    uint8_t per_recipient;
    int32_t sysexit;
  } cases[] = {
    {TERN_OK, TERN_PHASE_END_OF_DATA, 0, 250, 0, 0},
    {TERN_E_NO_SUCH_MAILBOX, TERN_PHASE_RCPT, 0, 550, 0, 67},
    {TERN_E_RELAY_DENIED, TERN_PHASE_RCPT, 0, 554, 0, 67},
    {TERN_E_AUTH_REQUIRED, TERN_PHASE_RCPT, 0, 530, 0, 67},
    {TERN_E_AUTH_REQUIRED, TERN_PHASE_MAIL, 0, 530, 0, 77},
    {TERN_E_NO_SUCH_MAILBOX, TERN_PHASE_MAIL, 0, 550, 0, 69},
    {TERN_E_NO_SUCH_MAILBOX, TERN_PHASE_END_OF_DATA, 0, 550, 0, 69},
    {TERN_E_NO_SUCH_MAILBOX, TERN_PHASE_END_OF_DATA, 0, 550, 1, 67},
    {TERN_E_CONTENT_REFUSED, TERN_PHASE_END_OF_DATA, 0, 554, 0, 69},
    {TERN_E_CONTENT_REFUSED, TERN_PHASE_END_OF_DATA, 0, 554, 1, 67},
    {TERN_E_NO_MAIL_HERE, TERN_PHASE_GREETING, 0, 554, 0, 69},
    {TERN_E_AUTH_REFUSED, TERN_PHASE_AUTH, 0, 535, 0, 77},
    {TERN_E_COMMAND_UNKNOWN, TERN_PHASE_AUTH, 0, 502, 0, 77},
    {TERN_E_COMMAND_UNKNOWN, TERN_PHASE_STARTTLS, 0, 502, 0, 77},
    {TERN_E_TLS_REFUSED, TERN_PHASE_STARTTLS, 0, 554, 0, 77},
    {TERN_E_TLS_TRANSIENT, TERN_PHASE_STARTTLS, 0, 454, 0, 75},
    {TERN_E_AUTH_TRANSIENT, TERN_PHASE_AUTH, 0, 454, 0, 75},
    {TERN_E_TOO_MANY_RECIPIENTS, TERN_PHASE_RCPT, 0, 552, 0, 75},
    {TERN_E_MAILBOX_BUSY, TERN_PHASE_END_OF_DATA, 0, 450, 1, 75},
    {TERN_E_IN_DOUBT, TERN_PHASE_END_OF_DATA, TERN_E_CLOSED, 0, 0, 75},
    {TERN_E_IN_DOUBT, TERN_PHASE_END_OF_DATA, TERN_E_TIMEOUT, 0, 0, 75},
    {TERN_E_IN_DOUBT, TERN_PHASE_END_OF_DATA, TERN_E_REPLY_SYNTAX, 0, 0, 76},
    {TERN_E_IN_DOUBT, TERN_PHASE_END_OF_DATA, TERN_E_REPLY_CODES, 0, 1, 76},
    {TERN_E_NEEDS_ALL, TERN_PHASE_RCPT, 0, 550, 0, 67},
    {TERN_E_NEEDS_ALL, TERN_PHASE_RCPT, 0, 451, 0, 75},
    {TERN_E_TIMEOUT, TERN_PHASE_RCPT, 0, 0, 0, 75},
    {TERN_E_HOST, TERN_PHASE_RESOLVE, 0, 0, 0, 68},
    {TERN_E_TLS_NO_TRUST, TERN_PHASE_TLS, 0, 0, 0, 77},
    {TERN_E_REPLY_LENGTH, TERN_PHASE_RCPT, 0, 0, 1, 76},
    {TERN_E_ADDRESS, TERN_PHASE_NONE, 0, 0, 0, 65},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tern_error e;

    tern__error_set(&e, cases[i].status, cases[i].phase);
    e.cause = cases[i].cause;
    e.reply.code = cases[i].code;
    e.per_recipient = cases[i].per_recipient;
    if (tern_error_sysexit(&e) != cases[i].sysexit)
      fail_msg("case %u: %s at %s is %d", (unsigned)i, tern_status_name(cases[i].status),
               tern_phase_name(cases[i].phase), (int)tern_error_sysexit(&e));
    assert_int_equal(tern_error_retryable(&e), cases[i].sysexit == 75);
    assert_int_equal(tern_error_in_doubt(&e), cases[i].status == TERN_E_IN_DOUBT);
    assert_int_equal(tern_error_resend(&e), cases[i].status == TERN_E_IN_DOUBT
                                              ? TERN_RESEND_UNKNOWN
                                              : TERN_RESEND_SAFE);
    assert_int_equal(tern_error_cause(&e), cases[i].cause ? cases[i].cause : cases[i].status);
  }
}

static void gravity_is_that_of_the_exit_codes(void **state)
{
  static const tern_status falling[] = {
    TERN_E_AUTH_REFUSED, TERN_E_REPLY_SYNTAX, TERN_E_NO_SUCH_MAILBOX, TERN_E_POLICY,
    TERN_E_TIMEOUT,      TERN_E_ADDRESS,      TERN_OK,
  };
  size_t n = sizeof falling / sizeof falling[0];
  size_t i;
  size_t k;

  (void)state;
  for (i = 0; i < n; i++)
    for (k = 0; k < n; k++) {
      tern_error a;
      tern_error b;

      tern__error_set(&a, falling[i], TERN_PHASE_NONE);
      tern__error_set(&b, falling[k], TERN_PHASE_NONE);
      assert_int_equal(tern__error_graver(&a, &b), i < k);
    }
}

static void nothing_is_known_of_null(void **state)
{
  char out[8] = "unused";

  (void)state;
  assert_int_equal(tern_error_status(NULL), TERN_OK);
  assert_int_equal(tern_error_cause(NULL), TERN_OK);
  assert_int_equal(tern_error_phase(NULL), TERN_PHASE_NONE);
  assert_null(tern_error_reply(NULL));
  assert_int_equal(tern_error_retryable(NULL), 0);
  assert_int_equal(tern_error_in_doubt(NULL), 0);
  assert_int_equal(tern_error_resend(NULL), TERN_RESEND_SAFE);
  assert_int_equal(tern_error_who(NULL), TERN_WHO_NOBODY);
  assert_int_equal(tern_error_sysexit(NULL), 0);
  assert_string_equal(tern_error_hint(NULL), "");
  assert_string_equal(tern_error_text(NULL), "");
  assert_int_equal(tern_error_field(NULL), TERN_FIELD_NONE);
  assert_int_equal(tern_error_index(NULL), 0);
  assert_true(tern_error_position(NULL) == SIZE_MAX);
  assert_int_equal(tern_error_octet(NULL), 0);
  assert_int_equal(tern_error_format(NULL, out, sizeof out), 0);
  assert_string_equal(out, "");
  assert_int_equal(tern_error_format(NULL, NULL, 0), 0);
  assert_int_equal(tern_reply_code(NULL), 0);
  assert_string_equal(tern_reply_enhanced(NULL), "");
  assert_string_equal(tern_reply_text(NULL), "");
  assert_int_equal(tern_reply_queue_id(NULL, out, sizeof out), 0);
}

static void setters_leave_nothing_behind(void **state)
{
  tern_error e;
  static char huge[70000];

  (void)state;
  memset(&e, 0xff, sizeof e);
  tern__error_set(&e, TERN_E_TIMEOUT, TERN_PHASE_GREETING);
  assert_int_equal(tern_error_status(&e), TERN_E_TIMEOUT);
  assert_int_equal(tern_error_cause(&e), TERN_E_TIMEOUT);
  assert_int_equal(tern_error_phase(&e), TERN_PHASE_GREETING);
  assert_null(tern_error_reply(&e));
  assert_int_equal(tern_error_field(&e), TERN_FIELD_NONE);
  assert_int_equal(tern_error_index(&e), 0);
  assert_true(tern_error_position(&e) == SIZE_MAX);
  assert_int_equal(e.per_recipient, 0);
  assert_string_equal(tern_error_text(&e), tern_status_text(TERN_E_TIMEOUT));

  tern__error_field(&e, TERN_E_ADDRESS, TERN_FIELD_FORWARD_PATH, "a b@c", 1);
  assert_int_equal(tern_error_field(&e), TERN_FIELD_FORWARD_PATH);
  assert_int_equal(tern_error_position(&e), 1);
  assert_int_equal(tern_error_octet(&e), ' ');
  tern__error_field(&e, TERN_E_ADDRESS, TERN_FIELD_FORWARD_PATH, "\xff", 0);
  assert_int_equal(tern_error_octet(&e), 0xff);
  tern__error_field(&e, TERN_E_ARGUMENT, TERN_FIELD_SIZE, NULL, 3);
  assert_true(tern_error_position(&e) == SIZE_MAX);
  tern__error_field(&e, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN, huge, SIZE_MAX);
  assert_true(tern_error_position(&e) == SIZE_MAX);
  tern__error_field(&e, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN, huge, 65535);
  assert_true(tern_error_position(&e) == SIZE_MAX); /* further than the record can say */
  tern__error_field(&e, TERN_E_CREDENTIALS, TERN_FIELD_TOKEN, huge, 65534);
  assert_int_equal(tern_error_position(&e), 65534);
}

static void text_is_the_most_telling(void **state)
{
  tern_error e;

  (void)state;
  tern__error_set(&e, TERN_E_RELAY_DENIED, TERN_PHASE_RCPT);
  assert_string_equal(tern_error_text(&e), tern_status_text(TERN_E_RELAY_DENIED));
  e.reply.code = 550;
  assert_string_equal(tern_error_text(&e), tern_status_text(TERN_E_RELAY_DENIED));
  e.reply.text = "";
  assert_string_equal(tern_error_text(&e), tern_status_text(TERN_E_RELAY_DENIED));
  e.reply.text = "no relaying";
  assert_string_equal(tern_error_text(&e), "no relaying");
  assert_int_equal(tern_reply_code(tern_error_reply(&e)), 550);
  e.detail = "asked for a, certificate is for b";
  assert_string_equal(tern_error_text(&e), "asked for a, certificate is for b");
}

/* Hints that a newcomer needs most say the words that help. */
static void hints_name_the_remedy(void **state)
{
  static const struct {
    tern_status status;
    const char *word;
  } cases[] = {
    {TERN_E_RELAY_DENIED, "password"},       {TERN_E_RELAY_DENIED, "provider"},
    {TERN_E_SERVICE_UNAVAILABLE, "again"},   {TERN_E_SERVICE_UNAVAILABLE, "another server"},
    {TERN_E_LOCAL_ERROR, "later"},           {TERN_E_AUTH_REFUSED, "application password"},
    {TERN_E_AUTH_REFUSED, "token"},          {TERN_E_TLS_WRONG_HOST, "host name"},
    {TERN_E_TLS_UNEXPECTED, "smtps://"},     {TERN_E_TLS_PLAIN, "smtp://"},
    {TERN_E_TLS_NO_TRUST, "ca-certificates"}, {TERN_E_IN_DOUBT, "before you send it again"},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (strstr(tern_status_hint(cases[i].status), cases[i].word) == NULL)
      fail_msg("the hint of %s lacks '%s'", tern_status_name(cases[i].status), cases[i].word);
}

static void errors_as_lines(void **state)
{
  tern_error e[7];
  static const char *const lines[] = {
    "TERN_E_ADDRESS: forward-path 2: octet 0x0d at 4: not an e-mail address",
    "TERN_E_ADDRESS: reverse-path: NUL or end at 2: not an e-mail address",
    "TERN_E_RELAY_DENIED: rcpt: 550 5.7.1: no relaying see the page",
    ("TERN_E_IN_DOUBT (TERN_E_CLOSED): end-of-data: the connection ended before the final reply: "
     "the message may have been delivered"),
    "TERN_OK: success",
    "TERN_E_SERVICE_UNAVAILABLE: greeting: 421: the service is not available now",
    "TERN_E_TLS_WRONG_HOST: tls: asked for a.example, certificate is for b.example",
  };
  size_t i;
  size_t cap;

  (void)state;
  tern__error_field(&e[0], TERN_E_ADDRESS, TERN_FIELD_FORWARD_PATH, "a@b\x2e\r", 4);
  e[0].index = 2;
  tern__error_field(&e[1], TERN_E_ADDRESS, TERN_FIELD_REVERSE_PATH, "a@", 2);
  tern__error_set(&e[2], TERN_E_RELAY_DENIED, TERN_PHASE_RCPT);
  e[2].reply.code = 550;
  strcpy(e[2].reply.enhanced, "5.7.1");
  e[2].reply.text = "no relaying\nsee the page";
  tern__error_set(&e[3], TERN_E_IN_DOUBT, TERN_PHASE_END_OF_DATA);
  e[3].cause = TERN_E_CLOSED;
  tern__error_set(&e[4], TERN_OK, TERN_PHASE_NONE);
  tern__error_set(&e[5], TERN_E_SERVICE_UNAVAILABLE, TERN_PHASE_GREETING);
  e[5].reply.code = 421;
  tern__error_set(&e[6], TERN_E_TLS_WRONG_HOST, TERN_PHASE_TLS);
  e[6].detail = "asked for a.example, certificate is for b.example";
  for (i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    size_t len = strlen(lines[i]);

    assert_int_equal(tern_error_format(&e[i], NULL, 0), len);
    for (cap = 0; cap <= len + 2; cap++) { /* cut anywhere, ended by NUL, not an octet further */
      char *out = malloc(cap + 1);
      size_t kept = cap == 0 ? 0 : cap - 1 < len ? cap - 1 : len;

      memset(out, '#', cap + 1);
      assert_int_equal(tern_error_format(&e[i], out, cap), len);
      if (cap > 0) {
        assert_int_equal(strlen(out), kept);
        if (cap > len)
          assert_string_equal(out, lines[i]);
        assert_memory_equal(out, lines[i], kept);
      }
      assert_int_equal(out[cap], '#');
      free(out);
    }
  }
}

static void queue_ids(void **state)
{
  static const struct {
    const char *text;
    const char *id;
  } cases[] = {
    {"Ok: queued as 4F2A8C01D", "4F2A8C01D"},
    {"Ok: queued as 4bXyZw1tPqz9sT", "4bXyZw1tPqz9sT"},
    {"from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 3A1B2", "3A1B2"},
    {"OK id=1tAbCd-00000001Xyz-2abc", "1tAbCd-00000001Xyz-2abc"},
    {"- 1 message(s), Requested mail action okay, completed: id=0Mxyz1-abc", "0Mxyz1-abc"},
    {"4AOBc1de012345 Message accepted for delivery", "4AOBc1de012345"},
    {"7d1e2f3a Message accepted for delivery", "7d1e2f3a"},
    {"<user@example.org> gHk4Ld9zWmA5BQAAo1b2cw Saved", "gHk4Ld9zWmA5BQAAo1b2cw"},
    {"<user@example.org> abc+DEF/ghIJkl:T2 Saved", "abc+DEF/ghIJkl:T2"},
    {"<user@example.org> abcdefghijkl Saved", "abcdefghijkl"},
    {"OK  1700000000 a1-20020a05600c.123 - gsmtp", "a1-20020a05600c.123"},
    {"<abc@host> [InternalId=1234567890, Hostname=x.example] 9000 bytes in 0.123, 71 KB/sec "
     "Queued mail for delivery",
     "1234567890"},
    {"Message Queued (8F3C2A10-1B2C-4D5E-8F90-A1B2C3D4E5F6.1)",
     "8F3C2A10-1B2C-4D5E-8F90-A1B2C3D4E5F6.1"},
    {"ok 1700000000 qp 12345", "12345"},
    {"Ok 0102018d1a2b3c4d-aabbccdd-0000-1111-2222-333344445555-000000",
     "0102018d1a2b3c4d-aabbccdd-0000-1111-2222-333344445555-000000"},
    {"Ok: queued on mail-nwsmtp.example.net 1700000000-AbCdEf12", "1700000000-AbCdEf12"},
    {"Message queued with id 1f0a3.", "1f0a3"},
    {"first line\nOk: queued as AB12\nlast line", "AB12"},
    {"OK: message queued", ""},
    {"OK", ""},
    {"Ok, delivered", ""},
    {"OK Message accepted for delivery", ""},
    {"Message accepted for delivery", ""},
    {"Mail saved", ""},
    {"Requested mail action okay, completed", ""},
    {"queued as ", ""},
    {"Ok: queued as (unknown)", ""},
    {"Ok thankyouverymuchindeed", ""},
    {"", ""},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tern_reply r = {NULL, 250, ""};
    char out[128] = "rubbish";
    char small[128];
    size_t len = strlen(cases[i].id);

    r.text = cases[i].text;
    if (tern_reply_queue_id(&r, out, sizeof out) != len || strcmp(out, cases[i].id) != 0)
      fail_msg("'%s' gives '%s'", cases[i].text, out);
    assert_int_equal(tern_reply_queue_id(&r, small, len + 1), len);
    assert_int_equal(tern_reply_queue_id(&r, small, len), 0); /* too small for its NUL */
    if (len > 0)
      assert_string_equal(small, "");
    assert_int_equal(tern_reply_queue_id(&r, NULL, 0), 0);
    r.code = 450;
    assert_int_equal(tern_reply_queue_id(&r, out, sizeof out), 0); /* nothing was queued */
    assert_string_equal(out, "");
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_row_is_whole_and_found),
    cmocka_unit_test(header_and_table_hold_the_same_names),
    cmocka_unit_test(numbers_without_a_row),
    cmocka_unit_test(words),
    cmocka_unit_test(exit_codes_by_phase),
    cmocka_unit_test(gravity_is_that_of_the_exit_codes),
    cmocka_unit_test(nothing_is_known_of_null),
    cmocka_unit_test(setters_leave_nothing_behind),
    cmocka_unit_test(text_is_the_most_telling),
    cmocka_unit_test(hints_name_the_remedy),
    cmocka_unit_test(errors_as_lines),
    cmocka_unit_test(queue_ids),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
