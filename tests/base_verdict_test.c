/* base_verdict_test.c - the table phase x code x enhanced code, row by row: every code of RFC 5321
 * 4.2.3, RFC 4954 6 and RFC 7504, and every enhanced code of the IANA registry (RFC 5248) that a
 * reply of class 4 or 5 can carry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <tern/tern.h>

#include "base/error.h"
#include "base/verdict.h"

typedef struct sample {
  uint32_t phase;
  uint16_t code;
  const char *enhanced;
  const char *text;
  tern_status status;
} sample;

#define GREETING TERN_PHASE_GREETING
#define EHLO TERN_PHASE_EHLO
#define STARTTLS TERN_PHASE_STARTTLS
#define AUTH TERN_PHASE_AUTH
#define MAIL TERN_PHASE_MAIL
#define RCPT TERN_PHASE_RCPT
#define DATA TERN_PHASE_DATA
#define END TERN_PHASE_END_OF_DATA
#define IS(status) TERN_E_##status

static const sample samples[] = {
    /* RFC 5321 4.2.3: the codes alone */
    {MAIL, 250, "", "ok", TERN_OK},
    {DATA, 354, "", "go", TERN_OK},
    {GREETING, 421, "", "", IS(SERVICE_UNAVAILABLE)},
    {RCPT, 421, "4.2.1", "", IS(SERVICE_UNAVAILABLE)},
    {GREETING, 554, "", "", IS(NO_MAIL_HERE)},
    {RCPT, 450, "", "", IS(MAILBOX_BUSY)},
    {END, 451, "", "", IS(LOCAL_ERROR)},
    {RCPT, 452, "", "", IS(TOO_MANY_RECIPIENTS)},
    {MAIL, 452, "", "", IS(STORAGE)},
    {MAIL, 455, "", "", IS(PARAMETERS_TRANSIENT)},
    {RCPT, 499, "", "", IS(REFUSED_TRANSIENT)},
    {EHLO, 500, "", "", IS(COMMAND_UNKNOWN)},
    {RCPT, 501, "", "", IS(COMMAND_SYNTAX)},
    {EHLO, 502, "", "", IS(COMMAND_UNKNOWN)},
    {DATA, 503, "", "", IS(COMMAND_SEQUENCE)},
    {MAIL, 504, "", "", IS(COMMAND_PARAMETER)},
    {RCPT, 550, "", "", IS(NO_SUCH_MAILBOX)},
    {MAIL, 550, "", "", IS(SENDER_REFUSED)},
    {END, 550, "", "", IS(POLICY)},
    {RCPT, 551, "", "", IS(USER_NOT_LOCAL)},
    {RCPT, 552, "", "", IS(TOO_MANY_RECIPIENTS)}, /* 4.5.3.1.10 */
    {MAIL, 552, "", "", IS(MESSAGE_TOO_BIG)},
    {END, 552, "", "", IS(MESSAGE_TOO_BIG)},
    {RCPT, 553, "", "", IS(MAILBOX_NAME)},
    {MAIL, 553, "", "", IS(SENDER_REFUSED)},
    {END, 554, "", "", IS(CONTENT_REFUSED)},
    {RCPT, 554, "", "", IS(REFUSED_PERMANENT)},
    {MAIL, 555, "", "", IS(COMMAND_PARAMETER)},
    {RCPT, 599, "", "", IS(REFUSED_PERMANENT)},
    /* RFC 7504, RFC 7505 */
    {GREETING, 521, "", "", IS(NO_MAIL_HERE)},
    {MAIL, 521, "5.3.2", "", IS(NO_MAIL_HERE)},
    {RCPT, 556, "", "", IS(NO_MAIL_HERE)},
    {RCPT, 556, "5.1.10", "", IS(NO_MAIL_HERE)},
    {MAIL, 550, "5.7.27", "", IS(SENDER_REFUSED)},
    /* RFC 4954 6, RFC 3207 4 */
    {AUTH, 432, "4.7.12", "", IS(AUTH_TRANSITION)},
    {AUTH, 454, "4.7.0", "", IS(AUTH_TRANSIENT)},
    {AUTH, 500, "5.5.6", "", IS(AUTH_EXCHANGE)},
    {AUTH, 501, "5.5.2", "", IS(AUTH_EXCHANGE)},
    {AUTH, 525, "5.7.13", "", IS(AUTH_REFUSED)},
    {AUTH, 525, "", "", IS(AUTH_REFUSED)},
    {AUTH, 534, "5.7.9", "", IS(AUTH_TOO_WEAK)},
    {AUTH, 535, "5.7.8", "", IS(AUTH_REFUSED)},
    {AUTH, 535, "5.7.13", "", IS(AUTH_REFUSED)},
    {AUTH, 538, "5.7.11", "", IS(ENCRYPTION_NEEDED)},
    {MAIL, 530, "5.7.0", "Authentication required", IS(AUTH_REQUIRED)},
    {MAIL, 530, "5.7.0", "Must issue a STARTTLS command first", IS(ENCRYPTION_NEEDED)},
    {RCPT, 530, "", "must issue a starttls command first", IS(ENCRYPTION_NEEDED)},
    {STARTTLS, 454, "4.7.0", "", IS(TLS_TRANSIENT)},
    {STARTTLS, 501, "", "", IS(TLS_REFUSED)},
    /* X.1.Y */
    {RCPT, 550, "5.1.0", "", IS(NO_SUCH_MAILBOX)},
    {MAIL, 550, "5.1.0", "", IS(SENDER_REFUSED)},
    {RCPT, 550, "5.1.1", "", IS(NO_SUCH_MAILBOX)},
    {RCPT, 450, "4.1.1", "", IS(MAILBOX_BUSY)},
    {RCPT, 550, "5.1.2", "", IS(NO_MAIL_HERE)},
    {RCPT, 450, "4.1.2", "Domain not found", IS(ROUTING_TRANSIENT)},
    {RCPT, 501, "5.1.3", "", IS(MAILBOX_NAME)},
    {RCPT, 550, "5.1.4", "", IS(NO_SUCH_MAILBOX)},
    {RCPT, 551, "5.1.6", "", IS(USER_NOT_LOCAL)},
    {MAIL, 501, "5.1.7", "", IS(SENDER_REFUSED)},
    {MAIL, 450, "4.1.7", "", IS(POLICY_TRANSIENT)},
    {MAIL, 550, "5.1.8", "", IS(SENDER_REFUSED)},
    {RCPT, 450, "4.1.8", "Sender address rejected: Domain not found", IS(POLICY_TRANSIENT)},
    {RCPT, 550, "5.1.10", "", IS(NO_MAIL_HERE)},
    /* X.2.Y */
    {RCPT, 550, "5.2.0", "", IS(MAILBOX_DISABLED)},
    {RCPT, 550, "5.2.1", "", IS(MAILBOX_DISABLED)},
    {RCPT, 450, "4.2.1", "", IS(MAILBOX_BUSY)},
    {RCPT, 552, "5.2.2", "", IS(MAILBOX_FULL_NOW)},
    {RCPT, 550, "5.2.2", "", IS(MAILBOX_FULL)},
    {END, 552, "5.2.2", "", IS(MAILBOX_FULL)},
    {END, 452, "4.2.2", "", IS(MAILBOX_FULL_NOW)},
    {END, 552, "5.2.3", "", IS(MESSAGE_TOO_BIG)},
    {RCPT, 550, "5.2.4", "", IS(MAILBOX_DISABLED)},
    {RCPT, 450, "4.2.4", "", IS(MAILBOX_BUSY)},
    /* X.3.Y */
    {RCPT, 550, "5.3.0", "", IS(REFUSED_PERMANENT)},
    {RCPT, 450, "4.3.0", "", IS(LOCAL_ERROR)},
    {END, 452, "4.3.1", "", IS(STORAGE)},
    {RCPT, 452, "4.3.1", "", IS(STORAGE)},
    {RCPT, 550, "5.3.1", "", IS(REFUSED_PERMANENT)},
    {MAIL, 453, "4.3.2", "", IS(SERVICE_UNAVAILABLE)},
    {MAIL, 550, "5.3.2", "", IS(NO_MAIL_HERE)},
    {MAIL, 550, "5.3.3", "", IS(COMMAND_PARAMETER)},
    {MAIL, 552, "5.3.4", "", IS(MESSAGE_TOO_BIG)},
    {RCPT, 553, "5.3.5", "", IS(ROUTING)},
    {RCPT, 450, "4.3.5", "", IS(LOCAL_ERROR)},
    /* X.4.Y */
    {RCPT, 450, "4.4.0", "", IS(ROUTING_TRANSIENT)},
    {RCPT, 451, "4.4.1", "", IS(ROUTING_TRANSIENT)},
    {RCPT, 451, "4.4.2", "", IS(ROUTING_TRANSIENT)},
    {RCPT, 451, "4.4.3", "", IS(ROUTING_TRANSIENT)},
    {RCPT, 550, "5.4.4", "", IS(ROUTING)},
    {RCPT, 451, "4.4.5", "", IS(ROUTING_TRANSIENT)},
    {RCPT, 550, "5.4.6", "", IS(ROUTING)},
    {RCPT, 550, "5.4.7", "", IS(ROUTING)},
    /* X.5.Y */
    {RCPT, 550, "5.5.0", "", IS(REFUSED_PERMANENT)},
    {DATA, 503, "5.5.1", "", IS(COMMAND_SEQUENCE)},
    {DATA, 502, "5.5.1", "", IS(COMMAND_UNKNOWN)},
    {EHLO, 500, "5.5.2", "", IS(COMMAND_SYNTAX)},
    {RCPT, 452, "4.5.3", "", IS(TOO_MANY_RECIPIENTS)},
    {RCPT, 552, "5.5.3", "", IS(TOO_MANY_RECIPIENTS)},
    {RCPT, 550, "5.5.3", "", IS(REFUSED_PERMANENT)},
    {RCPT, 501, "5.5.4", "", IS(COMMAND_SYNTAX)},
    {MAIL, 555, "5.5.4", "", IS(COMMAND_PARAMETER)},
    {RCPT, 550, "5.5.5", "", IS(REFUSED_PERMANENT)},
    /* X.6.Y */
    {END, 554, "5.6.0", "", IS(CONTENT_REFUSED)},
    {END, 554, "5.6.1", "", IS(CONTENT_REFUSED)},
    {END, 554, "5.6.2", "", IS(CONTENT_REFUSED)},
    {END, 554, "5.6.3", "", IS(CONTENT_REFUSED)},
    {END, 554, "5.6.5", "", IS(CONTENT_REFUSED)},
    {END, 554, "5.6.6", "", IS(CONTENT_REFUSED)},
    {RCPT, 553, "5.6.7", "", IS(UTF8_REFUSED)},
    {END, 550, "5.6.8", "", IS(UTF8_REFUSED)},
    {END, 550, "5.6.9", "", IS(UTF8_REFUSED)},
    {END, 550, "5.6.10", "", IS(UTF8_REFUSED)},
    /* X.7.Y */
    {END, 550, "5.7.0", "", IS(POLICY)},
    {RCPT, 450, "4.7.0", "", IS(POLICY_TRANSIENT)},
    {RCPT, 550, "5.7.1", "", IS(POLICY)},
    {MAIL, 550, "5.7.1", "", IS(SENDER_REFUSED)},
    {RCPT, 554, "5.7.1", "Relay access denied", IS(RELAY_DENIED)},
    {RCPT, 550, "", "relaying denied", IS(RELAY_DENIED)},
    {RCPT, 451, "4.7.1", "Greylisted", IS(GREYLISTED)},
    {RCPT, 550, "5.7.2", "", IS(POLICY)},
    {END, 550, "5.7.3", "", IS(POLICY)},
    {END, 550, "5.7.7", "", IS(POLICY)},
    {MAIL, 535, "5.7.8", "", IS(AUTH_REFUSED)},
    {MAIL, 534, "5.7.9", "", IS(AUTH_TOO_WEAK)},
    {MAIL, 523, "5.7.10", "", IS(ENCRYPTION_NEEDED)},
    {MAIL, 550, "5.7.10", "", IS(ENCRYPTION_NEEDED)},
    {RCPT, 550, "5.7.13", "", IS(MAILBOX_DISABLED)},
    {MAIL, 554, "5.7.14", "", IS(POLICY)},
    {MAIL, 450, "4.7.15", "", IS(POLICY_TRANSIENT)}, /* RFC 6710 */
    {MAIL, 550, "5.7.15", "", IS(POLICY)},
    {MAIL, 552, "5.7.16", "", IS(MESSAGE_TOO_BIG)},
    {RCPT, 550, "5.7.17", "", IS(MAILBOX_DISABLED)}, /* RFC 7293 */
    {RCPT, 550, "5.7.18", "", IS(MAILBOX_DISABLED)},
    {RCPT, 450, "4.7.19", "", IS(POLICY_TRANSIENT)},
    {END, 550, "5.7.20", "", IS(UNAUTHENTICATED)}, /* RFC 7372 */
    {END, 550, "5.7.21", "", IS(UNAUTHENTICATED)},
    {END, 550, "5.7.22", "", IS(UNAUTHENTICATED)},
    {END, 550, "5.7.23", "", IS(UNAUTHENTICATED)},
    {END, 451, "4.7.24", "", IS(POLICY_TRANSIENT)},
    {END, 550, "5.7.24", "", IS(UNAUTHENTICATED)},
    {END, 550, "5.7.25", "", IS(UNAUTHENTICATED)},
    {END, 550, "5.7.26", "", IS(UNAUTHENTICATED)},
    {RCPT, 450, "4.7.28", "", IS(POLICY_TRANSIENT)},
    {RCPT, 550, "5.7.28", "", IS(POLICY)},
    {END, 550, "5.7.29", "", IS(UNAUTHENTICATED)},
    {MAIL, 550, "5.7.30", "", IS(REQUIRETLS)}, /* RFC 8689 */
    {RCPT, 550, "5.7.999", "", IS(POLICY)},
    {RCPT, 550, "5.99.1", "", IS(NO_SUCH_MAILBOX)},
};

static void each_reply_has_its_status(void **state)
{
  size_t i;
  int bad = 0;

  (void)state;
  for (i = 0; i < sizeof samples / sizeof samples[0]; i++) {
    const sample *s = &samples[i];
    tern_reply reply;
    tern_status got;

    memset(&reply, 0, sizeof reply);
    reply.code = s->code;
    strcpy(reply.enhanced, s->enhanced);
    reply.text = (char *)(uintptr_t)s->text;
    got = tern__verdict(s->phase, &reply);
    if (got != s->status) {
      print_error("%s: %u %s %s: %s, not %s\n", tern_phase_name(s->phase), s->code, s->enhanced,
                  s->text, tern_status_name(got), tern_status_name(s->status));
      bad++;
    }
  }
  assert_int_equal(bad, 0);
}

/* The first digit decides, whatever the rest says. */
static void class_is_that_of_the_first_digit(void **state)
{
  uint32_t phase, code, subject, detail;

  (void)state;
  for (phase = 1; phase < TERN_PHASES; phase++)
    for (code = 400; code < 600; code++)
      for (subject = 0; subject < 9; subject++)
        for (detail = 0; detail < 32; detail++) {
          tern_reply reply;
          tern_status got;
          uint32_t class;

          memset(&reply, 0, sizeof reply);
          reply.code = (uint16_t)code;
          reply.text = (char *)(uintptr_t)"";
          if (subject)
            snprintf(reply.enhanced, sizeof reply.enhanced, "%u.%u.%u", (unsigned)(code / 100),
                     (unsigned)(subject - 1), (unsigned)detail);
          got = tern__verdict(phase, &reply);
          class = tern_status_class(got);
          if (phase == TERN_PHASE_RCPT && code == 552)
            assert_int_equal(class, TERN_CLASS_TRANSIENT);
          else if (phase == TERN_PHASE_STARTTLS && code >= 500)
            assert_int_equal(got, TERN_E_TLS_REFUSED);
          else
            assert_int_equal(class, code < 500 ? TERN_CLASS_TRANSIENT : TERN_CLASS_PERMANENT);
          assert_string_not_equal(tern_status_name(got), "TERN_E_UNKNOWN");
        }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_reply_has_its_status),
      cmocka_unit_test(class_is_that_of_the_first_digit),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
