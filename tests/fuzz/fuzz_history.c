/* fuzz_history.c - any octets as the state of a delivery that another process left: refused, or what is read
 * is sound, is written and read again the same, goes on with a mail of its recipients, and makes a TLS report
 * of well-formed JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tern/tern.h>

#include "delivery/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const tern_history *r, size_t *len)
{
  char *text;

  *len = tern_history_write(r, NULL, 0);
  text = malloc(*len + 1);
  if (text && tern_history_write(r, text, *len + 1) != *len) abort();
  return text;
}

/* What was written reads as the same again. */
static void again(const tern_history *r)
{
  tern_history *copy;
  size_t len, copy_len;
  char *text = text_of(r, &len), *copy_text;

  if (!text) return;
  if (tern_history_read(NULL, text, len, &copy) != TERN_OK) abort();
  copy_text = text_of(copy, &copy_len);
  if (copy_text && (len != copy_len || memcmp(text, copy_text, len) != 0)) abort();
  free(copy_text);
  tern_history_free(copy);
  free(text);
}

static void look(const tern_history *r)
{
  uint32_t i, attempts = tern_history_attempt_count(r), rcpts = tern_history_rcpt_count(r);
  tern_attempt a;
  tern_result one;
  size_t sum = 0;

  a.size = sizeof a;
  one.size = sizeof one;
  for (i = 0; i < attempts; i++) {
    if (tern_history_attempt(r, i, &a) != TERN_OK) abort();
    sum += strlen(a.domain) + strlen(a.host) + strlen(a.address) + strlen(a.enhanced) + strlen(a.text);
    sum += strlen(a.tls_version) + strlen(a.tls_cipher) + strlen(tern_tlsrpt_result_name(a.tls_result));
    sum += strlen(tern_status_name(a.status)) + strlen(tern_policy_name(a.policy));
  }
  for (i = 0; i < rcpts; i++) {
    if (tern_history_rcpt(r, i, &one) != TERN_OK) abort();
    if (one.attempt != TERN_NO_ATTEMPT && one.attempt >= attempts) abort();
    sum += strlen(one.address) + strlen(one.orcpt) + strlen(one.domain) + strlen(one.text);
    sum += strlen(tern_outcome_name(one.outcome)) + strlen(tern_status_name(one.status));
  }
  if (tern_history_attempt(r, attempts, &a) == TERN_OK || tern_history_rcpt(r, rcpts, &one) == TERN_OK)
    abort();
  if (sum > (size_t)1 << 40) abort();
}

/* Braces and quotes in order, no control octet, UTF-8 where it is not ASCII. */
static void check_json(const char *text, size_t len)
{
  size_t i, depth = 0;
  int inside = 0;

  for (i = 0; i < len; i++) {
    char c = text[i];
    if (inside) {
      if ((uint8_t)c < 0x20) abort();
      if (c == '\\') i++;
      if (c == '"') inside = 0;
    } else if (c == '"') {
      inside = 1;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && !depth--) {
      abort();
    }
  }
  if (inside || depth || !len) abort();
}

static void tell_tls(const tern_history *r)
{
  tern_tlsrpt *t = tern_tlsrpt_new(NULL);
  size_t len;
  char *text;

  if (!t) return;
  if (tern_tlsrpt_add(t, r) != TERN_OK || tern_tlsrpt_add(t, r) != TERN_OK) abort();
  len = tern_tlsrpt_write(t, NULL, NULL, 0);
  text = malloc(len + 1);
  if (text) {
    if (tern_tlsrpt_write(t, NULL, text, len + 1) != len) abort();
    check_json(text, len);
  }
  free(text);
  tern_tlsrpt_free(t);
}

/* A mail to the same recipients, for which it is the earlier report. */
static void go_on(const tern_history *r)
{
  tern_mail *mail = tern_mail_new(NULL);
  tern_history *next = NULL;
  uint32_t i;
  tern_result one;
  int good = mail != NULL;

  one.size = sizeof one;
  for (i = 0; good && i < tern_history_rcpt_count(r); i++)
    good = tern_history_rcpt(r, i, &one) == TERN_OK && tern_mail_rcpt(mail, one.address) == TERN_OK;
  if (good) next = tern__report_of(mail, 1);
  if (next) {
    if (tern__report_continue(next, r) != TERN_OK) abort();
    look(next);
    again(next);
  }
  tern_history_free(next);
  (void)tern_mail_free(mail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  tern_history *r;

  if (tern_history_read(NULL, (const char *)data, size, &r) != TERN_OK) {
    if (r) abort();
    return 0;
  }
  look(r);
  again(r);
  tell_tls(r);
  go_on(r);
  tern_history_free(r);
  return 0;
}
