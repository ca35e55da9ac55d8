/* base_wording_test.c - replies of real servers, judged by hand, against what the tables say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/config.h"
#include "base/error.h"
#include "base/verdict.h"

/* Replies whose text alone does not say it, or says it in words that mean something else elsewhere:
 * known misses, by their beginning. One that is got right must leave the list. */
static const char *const missed[] = {
  "421 RP-001", "550 5.5.0 Requested action not taken", "550 5.4.1 Recipient address rejected: Access denied", "550 5.1.10 RESOLVER",
  "552 1 Requested mail action aborted, mailbox not found", "553 sorry, that domain isn't in my list",
  "550 5.4.6 Unusual sending activity", "554 Access denied: User is not authorized",
};

static int is_missed(const char *reply)
{
  size_t i;

  for (i = 0; i < sizeof missed / sizeof missed[0]; i++)
    if (strncmp(reply, missed[i], strlen(missed[i])) == 0) return 1;
  return 0;
}

static uint32_t phase_of(const char *name)
{
  static const struct { const char *name; uint32_t phase; } phases[] = {
    {"greeting", TERN_PHASE_GREETING}, {"ehlo", TERN_PHASE_EHLO}, {"auth", TERN_PHASE_AUTH},
    {"mail", TERN_PHASE_MAIL}, {"rcpt", TERN_PHASE_RCPT}, {"data", TERN_PHASE_DATA},
    {"end", TERN_PHASE_END_OF_DATA},
  };
  size_t i;

  for (i = 0; i < sizeof phases / sizeof phases[0]; i++)
    if (!strcmp(phases[i].name, name)) return phases[i].phase;
  fail_msg("no phase %s", name);
  return 0;
}

/* What the library makes of a reply as it stands on the wire. */
static tern_status judge(const char *phase, char *line)
{
  tern_reply reply;
  char *text = line + 4, *end;
  size_t len;

  memset(&reply, 0, sizeof reply);
  reply.code = (uint16_t)strtoul(line, NULL, 10);
  end = strchr(text, ' ');
  len = end != NULL ? (size_t)(end - text) : 0;
  if (len >= 5 && len < sizeof reply.enhanced && text[1] == '.' && text[0] == line[0]) {
    memcpy(reply.enhanced, text, len);
    text += len + 1;
  }
  reply.text = text;
  return tern__verdict(phase_of(phase), &reply);
}

static void corpus(void **state)
{
  FILE *f = fopen(TERN_REPLIES, "r");
  char line[1024];
  unsigned all = 0, right = 0, bad = 0;

  (void)state;
  assert_non_null(f);
  while (fgets(line, sizeof line, f) != NULL) {
    char *column[5], want[64], reply[600];
    size_t i;
    tern_status status;

    if (line[0] == '#') continue;
    line[strcspn(line, "\n")] = '\0';
    column[0] = line;
    for (i = 1; i < 5; i++) {
      column[i] = strchr(column[i - 1], '\t');
      assert_non_null(column[i]);
      *column[i]++ = '\0';
    }
    assert_true(column[4][0] != '\0');
    snprintf(want, sizeof want, "TERN_E_%s", column[3]);
    snprintf(reply, sizeof reply, "%s", column[2]);
    status = judge(column[1], column[2]);
    all++;
    right += strcmp(tern_status_name(status), want) == 0;
    if ((strcmp(tern_status_name(status), want) == 0) == is_missed(reply)) {
      bad++;
      printf("%s: %s %s\n  is %s, judged %s\n", column[0], column[1], reply, want,
             tern_status_name(status));
    }
    /* the first digit decides over class and with it over trying again, whatever the words */
    assert_int_equal(tern_status_class(status) == TERN_CLASS_TRANSIENT,
                     reply[0] == '4' || (!strcmp(column[1], "rcpt") && !strncmp(reply, "552", 3)));
  }
  fclose(f);
  printf("replies of the corpus got right: %u of %u\n", right, all);
  assert_int_equal(bad, 0);
  assert_true(all > 100);
}

static void words_stay_in_their_place(void **state)
{
  static const struct {
    const char *phase;
    const char *line;
    tern_status status;
  } cases[] = {
    /* an address that anybody may have chosen decides nothing */
    {"rcpt", "550 5.1.1 <greylist.spamhaus@over.quota.example>: no mailbox", TERN_E_NO_SUCH_MAILBOX},
    {"mail", "450 4.1.8 <dmarc@greylist.example>: domain not found", TERN_E_POLICY_TRANSIENT},
    /* words of one class say nothing in the other */
    {"rcpt", "550 5.7.1 greylisted for ever", TERN_E_POLICY},
    {"end", "451 4.3.0 likely unsolicited", TERN_E_LOCAL_ERROR},
    /* words about AUTH say nothing elsewhere */
    {"mail", "550 5.7.1 app password", TERN_E_SENDER_REFUSED},
    {"auth", "535 5.7.8 dmarc", TERN_E_AUTH_REFUSED},
    /* no words */
    {"rcpt", "450 4.2.0 ", TERN_E_MAILBOX_BUSY},
    {"rcpt", "550 ", TERN_E_NO_SUCH_MAILBOX},
    /* letters' case */
    {"rcpt", "450 4.7.1 GREYLISTED", TERN_E_GREYLISTED},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char line[128];

    snprintf(line, sizeof line, "%s", cases[i].line);
    if (judge(cases[i].phase, line) != cases[i].status)
      fail_msg("%s: %s", cases[i].line, tern_status_name(judge(cases[i].phase, line)));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(corpus),
    cmocka_unit_test(words_stay_in_their_place),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
