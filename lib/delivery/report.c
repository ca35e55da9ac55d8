/* report.c - what was tried and what became of it, as data without a connection to anything.
 *
 * Made by walk.c while it walks, read by callers through getters, written and read back by state.c,
 * summed up by tlsrpt.c. Hangs on its mail (mail.h). Limits: texts that find no memory are left out; the
 * number of attempts is bounded, the first ones are kept. */
#include "delivery/report.h"

#include <string.h>

#include "base/mem.h"

tern_history *tern__report_new(const tern_allocator *mem)
{
  tern_history *r = tern__alloc(mem, sizeof *r);

  if (!r) return NULL;
  r->mem = r->texts.mem = mem;
  r->reverse_path = r->envid = "";
  return r;
}

void tern_history_free(tern_history *r)
{
  if (!r) return;
  tern__free(r->mem, r->rcpts, r->rcpt_cap * sizeof *r->rcpts);
  tern__free(r->mem, r->attempts, r->attempt_cap * sizeof *r->attempts);
  tern__free(r->mem, r->policies, r->policy_cap * sizeof *r->policies);
  tern__texts_free(&r->texts);
  tern__free(r->mem, r, sizeof *r);
}

const char *tern__report_text(tern_history *r, const char *text)
{
  const char *copy = tern__texts_copy(&r->texts, text);

  return copy ? copy : "";
}

/* Makes room for one more of count in an array of cap. */
static int grow(const tern_allocator *mem, void **array, size_t count, size_t *cap, size_t size)
{
  size_t more = *cap ? *cap * 2 : 4;
  void *bigger;

  if (count < *cap) return 1;
  if (more > SIZE_MAX / 2 / size) return 0;
  bigger = tern__alloc(mem, more * size);
  if (!bigger) return 0;
  if (count) memcpy(bigger, *array, count * size);
  tern__free(mem, *array, *cap * size);
  *array = bigger;
  *cap = more;
  return 1;
}

tern_result *tern__report_add_rcpt(tern_history *r)
{
  void *array = r->rcpts;
  tern_result *one;

  if (!grow(r->mem, &array, r->rcpt_count, &r->rcpt_cap, sizeof *r->rcpts)) return NULL;
  r->rcpts = array;
  one = &r->rcpts[r->rcpt_count++];
  memset(one, 0, sizeof *one);
  one->size = sizeof *one;
  one->address = one->orcpt = one->domain = one->enhanced = one->text = "";
  one->attempt = TERN_NO_ATTEMPT;
  return one;
}

tern__report_attempt *tern__report_add_attempt(tern_history *r, uint32_t *index)
{
  void *array = r->attempts;
  tern__report_attempt *one;

  *index = TERN_NO_ATTEMPT;
  if (r->attempt_count >= TERN__ATTEMPTS_MAX ||
      !grow(r->mem, &array, r->attempt_count, &r->attempt_cap, sizeof *r->attempts))
    return NULL;
  r->attempts = array;
  *index = (uint32_t)r->attempt_count;
  one = &r->attempts[r->attempt_count++];
  memset(one, 0, sizeof *one);
  one->a.size = sizeof one->a;
  one->a.domain = one->a.host = one->a.address = one->a.enhanced = one->a.text = "";
  one->a.tls_version = one->a.tls_cipher = "";
  one->a.tls_result = TERN_TLSRPT_UNTRIED;
  one->policy = TERN__NO_POLICY;
  return one;
}

uint32_t tern__report_add_policy(tern_history *r, const tern__report_policy *policy)
{
  void *array = r->policies;
  tern__report_policy *one;

  if (r->policy_count >= TERN__ATTEMPTS_MAX ||
      !grow(r->mem, &array, r->policy_count, &r->policy_cap, sizeof *r->policies))
    return TERN__NO_POLICY;
  r->policies = array;
  one = &r->policies[r->policy_count];
  one->type = policy->type;
  one->domain = tern__report_text(r, policy->domain);
  one->strings = tern__report_text(r, policy->strings);
  one->mx = tern__report_text(r, policy->mx);
  return (uint32_t)r->policy_count++;
}

uint32_t tern__report_policy_index(tern_history *r, const tern__report_policy *policy)
{
  size_t i;

  for (i = 0; i < r->policy_count; i++) {
    const tern__report_policy *one = &r->policies[i];
    if (one->type == policy->type && !strcmp(one->domain, policy->domain) &&
        !strcmp(one->strings, policy->strings))
      return (uint32_t)i;
  }
  return tern__report_add_policy(r, policy);
}

void tern__report_error(tern_history *r, const tern_error *error, tern_status *status,
                        uint32_t *phase, uint32_t *code, const char **enhanced, const char **text)
{
  const tern_reply *reply = tern_error_reply(error);

  *status = tern_error_status(error);
  *phase = tern_error_phase(error);
  *code = tern_reply_code(reply);
  *enhanced = tern__report_text(r, tern_reply_enhanced(reply));
  *text = tern__report_text(r, *status == TERN_OK && !*code ? "" : tern_error_text(error));
}

static int add_recipients(tern_history *r, const tern_mail *mail)
{
  tern_result *one;
  uint32_t i;

  for (i = 0; i < mail->rcpt_count; i++) {
    one = tern__report_add_rcpt(r);
    if (!one) return 0;
    one->address = tern__texts_copy(&r->texts, mail->rcpts[i].address);
    one->orcpt = tern__report_text(r, mail->rcpts[i].orcpt);
    one->notify = mail->rcpts[i].notify;
    one->outcome = mail->rcpts[i].outcome;
    one->status = TERN_E_AGAIN;
    if (!one->address) return 0;
  }
  return 1;
}

tern_history *tern__report_of(const tern_mail *mail, uint64_t now)
{
  tern_history *r = tern__report_new(mail->mem);

  if (!r) return NULL;
  r->reverse_path = tern__report_text(r, mail->reverse_path);
  r->envid = tern__report_text(r, mail->envid);
  r->flags = mail->flags;
  r->first = r->last = now;
  if (add_recipients(r, mail)) return r;
  tern_history_free(r);
  return NULL;
}

static void copy_attempt(tern_history *r, tern__report_attempt *to, const tern__report_attempt *from)
{
  to->a = from->a;
  to->a.domain = tern__report_text(r, from->a.domain);
  to->a.host = tern__report_text(r, from->a.host);
  to->a.address = tern__report_text(r, from->a.address);
  to->a.enhanced = tern__report_text(r, from->a.enhanced);
  to->a.text = tern__report_text(r, from->a.text);
  to->a.tls_version = tern__report_text(r, from->a.tls_version);
  to->a.tls_cipher = tern__report_text(r, from->a.tls_cipher);
  to->earlier = 1;
}

/* Of the earlier attempts the newest; recipients that keep their outcome point to where theirs went. */
static tern_status take_attempts(tern_history *r, const tern_history *earlier)
{
  size_t i, from = 0;
  uint32_t index;
  tern__report_attempt *to;

  if (earlier->attempt_count > TERN__ATTEMPTS_KEPT) from = earlier->attempt_count - TERN__ATTEMPTS_KEPT;
  for (i = from; i < earlier->attempt_count; i++) {
    const tern__report_attempt *a = &earlier->attempts[i];
    to = tern__report_add_attempt(r, &index);
    if (!to) return TERN_E_NOMEM;
    copy_attempt(r, to, a);
    if (a->policy < earlier->policy_count)
      to->policy = tern__report_policy_index(r, &earlier->policies[a->policy]);
  }
  for (i = 0; i < r->rcpt_count; i++)
    if (r->rcpts[i].attempt != TERN_NO_ATTEMPT)
      r->rcpts[i].attempt = r->rcpts[i].attempt >= from && r->rcpts[i].attempt < earlier->attempt_count
                                ? (uint32_t)(r->rcpts[i].attempt - from) : TERN_NO_ATTEMPT;
  return TERN_OK;
}

tern_status tern__report_continue(tern_history *r, const tern_history *earlier)
{
  size_t i;

  if (earlier->rcpt_count != r->rcpt_count) return TERN_E_ARGUMENT;
  for (i = 0; i < r->rcpt_count; i++)
    if (strcmp(r->rcpts[i].address, earlier->rcpts[i].address) != 0) return TERN_E_ARGUMENT;
  r->first = earlier->first;
  for (i = 0; i < r->rcpt_count; i++) {
    const tern_result *from = &earlier->rcpts[i];
    tern_result *to = &r->rcpts[i];
    to->domain = tern__report_text(r, from->domain);
    to->outcome = from->outcome;
    to->status = from->status;
    to->phase = from->phase;
    to->code = from->code;
    to->enhanced = tern__report_text(r, from->enhanced);
    to->text = tern__report_text(r, from->text);
    to->attempt = from->attempt;
    to->tries = from->tries;
  }
  return take_attempts(r, earlier);
}

/* ---- getters -------------------------------------------------------------------------------------*/
const tern_history *tern_mail_history(const tern_mail *mail)
{
  return mail ? mail->report : NULL;
}

const char *tern_history_reverse_path(const tern_history *r)
{
  return r ? r->reverse_path : "";
}

const char *tern_history_envid(const tern_history *r)
{
  return r ? r->envid : "";
}

uint64_t tern_history_first_try(const tern_history *r)
{
  return r ? r->first : 0;
}

uint64_t tern_history_last_try(const tern_history *r)
{
  return r ? r->last : 0;
}

uint32_t tern_history_rcpt_count(const tern_history *r)
{
  return r ? (uint32_t)r->rcpt_count : 0;
}

uint32_t tern_history_attempt_count(const tern_history *r)
{
  return r ? (uint32_t)r->attempt_count : 0;
}

/* Callers built with an older header have a shorter struct; theirs keeps its size. */
tern_status tern_history_rcpt(const tern_history *r, uint32_t index, tern_result *out)
{
  size_t size = out ? out->size : 0;

  if (!r || index >= r->rcpt_count || size < offsetof(tern_result, notify)) return TERN_E_ARGUMENT;
  if (size > sizeof *out) size = sizeof *out;
  memcpy(out, &r->rcpts[index], size);
  out->size = size;
  return TERN_OK;
}

tern_status tern_history_attempt(const tern_history *r, uint32_t index, tern_attempt *out)
{
  size_t size = out ? out->size : 0;

  if (!r || index >= r->attempt_count || size < offsetof(tern_attempt, port)) return TERN_E_ARGUMENT;
  if (size > sizeof *out) size = sizeof *out;
  memcpy(out, &r->attempts[index].a, size);
  out->size = size;
  return TERN_OK;
}

uint32_t tern_history_retry_after(const tern_history *r)
{
  uint32_t soonest = 0;
  size_t i;

  for (i = 0; r && i < r->rcpt_count; i++) {
    uint32_t after = r->rcpts[i].retry_after;
    if (after && (!soonest || after < soonest)) soonest = after;
  }
  return soonest;
}

const char *tern_tlsrpt_result_name(uint32_t result)
{
  static const char *const names[TERN_TLSRPT_RESULTS] = {
      "",
      "starttls-not-supported",
      "certificate-host-mismatch",
      "certificate-expired",
      "certificate-not-trusted",
      "validation-failure",
      "tlsa-invalid",
      "dnssec-invalid",
      "dane-required",
      "sts-policy-fetch-error",
      "sts-policy-invalid",
      "sts-webpki-invalid",
      "",
  };

  return result < TERN_TLSRPT_RESULTS ? names[result] : "";
}
