/* verdict.c - phase x reply class x enhanced status code, as data: the first row that fits gives the
 * status; base/status.def gives what is known of each status.
 *
 * Sources: RFC 5321 4.2.2 and 4.2.3, RFC 3463 and the IANA registry of enhanced status codes (RFC
 * 5248), RFC 4954 6, RFC 3207 4, RFC 7504 (521, 556), RFC 7505, RFC 7372, RFC 7293, RFC 8689, RFC
 * 6710.
 * Neighbours: the engine asks, and the reader of bounces; wording.c knows the words of providers. */
#include "base/verdict.h"

#include <string.h>

#include "base/ascii.h"
#include "base/config.h"
#include "base/error.h"
#include "base/wording.h"

/* A row in one word, from its top: code - 399 (0: any), phase (TERN_PHASE_NONE: any), subject and
 * detail (the enhanced code's second and third part, or ANY), whether the class is 5, and the
 * status within its hundred, which is that of the class. Where no enhanced code is read the rows that
 * ask for one (E) are not there, and the others in half a word: the code within its hundred, or ANY. */
#define ANY 63u
#define STATUS(cls, status) (-(TERN_E_##status) - ((cls) == 4 ? 600 : 700))
#if TERN__WITH_ENHANCED
typedef uint32_t row;
#define R(cls, phase, subject, detail, code, status)                                    \
  ((uint32_t)((code) != 0 ? (code) - 399 : 0) << 22 | TERN_PHASE_##phase << 18 |         \
   (uint32_t)(subject) << 12 | (uint32_t)(detail) << 6 | (uint32_t)((cls) - 4) << 5 |     \
   (uint32_t)STATUS(cls, status)),
#define E R
#else
typedef uint16_t row;
#define R(cls, phase, subject, detail, code, status)                                    \
  (uint16_t)(((code) != 0 ? (uint32_t)(code) % 100 : ANY) << 10 | TERN_PHASE_##phase << 6 | \
             (uint32_t)((cls) - 4) << 5 | (uint32_t)STATUS(cls, status)),
#define E(cls, phase, subject, detail, code, status)
#endif

static const row rows[] = {
  R(4, NONE, ANY, ANY, 421, SERVICE_UNAVAILABLE)
  R(4, AUTH, ANY, ANY, 432, AUTH_TRANSITION)
  E(4, AUTH, 7, 12, 0, AUTH_TRANSITION)
  R(4, AUTH, ANY, ANY, 0, AUTH_TRANSIENT)
  R(4, STARTTLS, ANY, ANY, 0, TLS_TRANSIENT)
  E(5, AUTH, 7, 9, 0, AUTH_TOO_WEAK)
  E(5, AUTH, 7, 11, 0, ENCRYPTION_NEEDED)
  E(5, AUTH, 7, 13, 0, AUTH_REFUSED) /* the account is disabled */
  R(5, AUTH, ANY, ANY, 525, AUTH_REFUSED)
  R(5, AUTH, ANY, ANY, 534, AUTH_TOO_WEAK)
  R(5, AUTH, ANY, ANY, 538, ENCRYPTION_NEEDED)
  R(5, AUTH, ANY, ANY, 523, ENCRYPTION_NEEDED)
  R(5, AUTH, ANY, ANY, 535, AUTH_REFUSED)
  R(5, AUTH, ANY, ANY, 530, ENCRYPTION_NEEDED)
  R(5, AUTH, ANY, ANY, 0, AUTH_EXCHANGE)
  R(5, GREETING, ANY, ANY, 0, NO_MAIL_HERE)
  R(5, NONE, ANY, ANY, 521, NO_MAIL_HERE)
  R(5, NONE, ANY, ANY, 556, NO_MAIL_HERE)
  E(5, NONE, 7, 10, 0, ENCRYPTION_NEEDED)
  E(5, NONE, 7, 11, 0, ENCRYPTION_NEEDED)
  R(5, NONE, ANY, ANY, 523, ENCRYPTION_NEEDED)
  R(5, NONE, ANY, ANY, 538, ENCRYPTION_NEEDED)
  R(5, NONE, ANY, ANY, 530, AUTH_REQUIRED)
  R(5, NONE, ANY, ANY, 535, AUTH_REFUSED)
  R(5, NONE, ANY, ANY, 534, AUTH_TOO_WEAK)
  /* RFC 3463 3.2 and the registry: X.1.Y addresses */
  E(5, NONE, 1, 1, 0, NO_SUCH_MAILBOX)
  E(5, NONE, 1, 2, 0, NO_MAIL_HERE)
  E(5, NONE, 1, 10, 0, NO_MAIL_HERE) /* RFC 7505 4.2 */
  E(5, NONE, 1, 3, 0, MAILBOX_NAME)
  E(5, NONE, 1, 4, 0, NO_SUCH_MAILBOX) /* ambiguous */
  E(5, NONE, 1, 6, 0, USER_NOT_LOCAL)
  E(5, NONE, 1, 7, 0, SENDER_REFUSED)
  E(5, NONE, 1, 8, 0, SENDER_REFUSED)
  E(5, NONE, 7, 27, 0, SENDER_REFUSED) /* the sender's domain has a null MX, RFC 7505 4.2 */
  E(5, RCPT, 1, 0, 0, NO_SUCH_MAILBOX)
  E(4, NONE, 1, 2, 0, ROUTING_TRANSIENT)
  E(4, NONE, 1, 7, 0, POLICY_TRANSIENT) /* the sender's domain has no address now */
  E(4, NONE, 1, 8, 0, POLICY_TRANSIENT)
  /* X.2.Y mailboxes */
  E(4, NONE, 2, 1, 0, MAILBOX_BUSY)
  E(4, NONE, 2, 2, 0, MAILBOX_FULL_NOW)
  E(5, NONE, 2, 0, 0, MAILBOX_DISABLED)
  E(5, NONE, 2, 1, 0, MAILBOX_DISABLED)
  E(5, NONE, 2, 2, 0, MAILBOX_FULL)
  E(5, NONE, 2, 3, 0, MESSAGE_TOO_BIG)
  E(5, NONE, 2, 4, 0, MAILBOX_DISABLED) /* a list that cannot be expanded */
  /* X.3.Y mail systems */
  E(4, NONE, 3, 1, 0, STORAGE)
  E(4, NONE, 3, 2, 0, SERVICE_UNAVAILABLE)
  E(4, NONE, 3, ANY, 0, LOCAL_ERROR)
  E(5, NONE, 3, 2, 0, NO_MAIL_HERE)
  E(5, NONE, 3, 4, 0, MESSAGE_TOO_BIG)
  E(5, NONE, 3, 3, 0, COMMAND_PARAMETER)
  E(5, NONE, 3, 5, 0, ROUTING)
  E(5, RCPT, 3, ANY, 0, REFUSED_PERMANENT) /* 550 alone would blame the address */
  /* X.4.Y network and routing */
  E(4, NONE, 4, ANY, 0, ROUTING_TRANSIENT)
  E(5, NONE, 4, ANY, 0, ROUTING)
  /* X.5.Y the protocol itself */
  E(4, RCPT, 5, 3, 0, TOO_MANY_RECIPIENTS)
  E(5, NONE, 5, 1, 500, COMMAND_UNKNOWN)
  E(5, NONE, 5, 1, 502, COMMAND_UNKNOWN)
  E(5, NONE, 5, 1, 503, COMMAND_SEQUENCE)
  E(5, NONE, 5, 2, 0, COMMAND_SYNTAX)
  E(5, NONE, 5, 4, 501, COMMAND_SYNTAX)
  E(5, NONE, 5, 4, 0, COMMAND_PARAMETER)
  E(5, RCPT, 5, ANY, 550, REFUSED_PERMANENT)
  /* X.6.Y content */
  E(5, NONE, 6, 7, 0, UTF8_REFUSED) /* RFC 6531 3.5 */
  E(5, NONE, 6, 8, 0, UTF8_REFUSED)
  E(5, NONE, 6, 9, 0, UTF8_REFUSED)
  E(5, NONE, 6, 10, 0, UTF8_REFUSED)
  E(5, NONE, 6, ANY, 0, CONTENT_REFUSED)
  /* X.7.Y security and policy */
  E(4, NONE, 7, ANY, 0, POLICY_TRANSIENT)
  E(5, NONE, 7, 30, 0, REQUIRETLS) /* RFC 8689 5 */
  E(5, NONE, 7, 0, 550, POLICY)
  E(5, MAIL, 7, 1, 0, SENDER_REFUSED)
  E(5, NONE, 7, 8, 0, AUTH_REFUSED)
  E(5, NONE, 7, 9, 0, AUTH_TOO_WEAK)
  E(5, RCPT, 7, 13, 0, MAILBOX_DISABLED)
  E(5, NONE, 7, 16, 0, MESSAGE_TOO_BIG)  /* RFC 6710: for its priority */
  E(5, NONE, 7, 17, 0, MAILBOX_DISABLED) /* RFC 7293: it is someone else's by now */
  E(5, NONE, 7, 18, 0, MAILBOX_DISABLED)
  E(5, NONE, 7, 20, 0, UNAUTHENTICATED) /* RFC 7372: DKIM 20-22, SPF 23-24, 25 PTR, 26 several */
  E(5, NONE, 7, 21, 0, UNAUTHENTICATED)
  E(5, NONE, 7, 22, 0, UNAUTHENTICATED)
  E(5, NONE, 7, 23, 0, UNAUTHENTICATED)
  E(5, NONE, 7, 24, 0, UNAUTHENTICATED)
  E(5, NONE, 7, 25, 0, UNAUTHENTICATED)
  E(5, NONE, 7, 26, 0, UNAUTHENTICATED)
  E(5, NONE, 7, 29, 0, UNAUTHENTICATED) /* ARC */
  E(5, NONE, 7, ANY, 0, POLICY)
  /* the codes alone, RFC 5321 4.2.3 */
  R(4, NONE, ANY, ANY, 450, MAILBOX_BUSY)
  R(4, NONE, ANY, ANY, 451, LOCAL_ERROR)
  R(4, RCPT, ANY, ANY, 452, TOO_MANY_RECIPIENTS) /* 4.5.3.1.10 */
  R(4, NONE, ANY, ANY, 452, STORAGE)
  R(4, NONE, ANY, ANY, 455, PARAMETERS_TRANSIENT)
  R(5, NONE, ANY, ANY, 500, COMMAND_UNKNOWN)
  R(5, NONE, ANY, ANY, 501, COMMAND_SYNTAX)
  R(5, NONE, ANY, ANY, 502, COMMAND_UNKNOWN)
  R(5, NONE, ANY, ANY, 503, COMMAND_SEQUENCE)
  R(5, NONE, ANY, ANY, 504, COMMAND_PARAMETER)
  R(5, NONE, ANY, ANY, 555, COMMAND_PARAMETER)
  R(5, RCPT, ANY, ANY, 550, NO_SUCH_MAILBOX)
  R(5, MAIL, ANY, ANY, 550, SENDER_REFUSED)
  R(5, NONE, ANY, ANY, 550, POLICY)
  R(5, NONE, ANY, ANY, 551, USER_NOT_LOCAL)
  R(5, NONE, ANY, ANY, 552, MESSAGE_TOO_BIG)
  R(5, MAIL, ANY, ANY, 553, SENDER_REFUSED)
  R(5, NONE, ANY, ANY, 553, MAILBOX_NAME)
  R(5, END_OF_DATA, ANY, ANY, 554, CONTENT_REFUSED)
};

#if TERN__WITH_ENHANCED
/* One part of "5.7.1" at *at, which goes behind it; ANY where there is none or it is out of reach. */
static uint32_t part(const char **at)
{
  uint32_t n = 0;

  if (**at == '\0') return ANY;
  for (++*at; tern__is_digit((uint8_t)**at); ++*at) n = n * 10 + (uint32_t)(**at - '0');
  return n < ANY ? n : ANY - 1; /* which no row asks for */
}
#endif

static int fits(uint32_t asked, uint32_t any, uint32_t given)
{
  return asked == any || asked == given;
}

static tern_status meaning(uint32_t r)
{
  return -(tern_status)(600 + (r >> 5 & 1u) * 100 + (r & 31u));
}

tern_status tern__verdict(uint32_t phase, const tern_reply *reply)
{
  uint32_t code = reply->code, class = code / 100, i;
#if TERN__WITH_ENHANCED
  uint32_t subject, detail;
  const char *at = reply->enhanced[0] != '\0' ? reply->enhanced + 1 : "";
#endif
#ifndef TERN_NO_WORDING
  tern_status said;
#endif

  if (class < 4) return TERN_OK;
#if TERN__WITH_ENHANCED
  subject = part(&at);
  detail = part(&at);
#endif
  if (phase == TERN_PHASE_RCPT && code == 552) {
    code = 452;
    class = 4;
  }
  if (class == 5 && phase == TERN_PHASE_STARTTLS) return TERN_E_TLS_REFUSED;
#ifndef TERN_NO_WORDING
  said = tern__wording(phase, class, subject, reply->text);
  if (said != TERN_OK) return said;
#endif
  /* The refusal that each newcomer meets has no code of its own; every server says the word. */
  if (class == 5 && code >= 550 && (phase == TERN_PHASE_RCPT || phase == TERN_PHASE_MAIL) &&
#if TERN__WITH_ENHANCED
      (subject == ANY || subject == 7) &&
#endif
      tern__holds(reply->text, strlen(reply->text), "relay"))
    return TERN_E_RELAY_DENIED;
  if (code == 530 && tern__holds(reply->text, strlen(reply->text), "starttls"))
    return TERN_E_ENCRYPTION_NEEDED; /* RFC 3207 4 */
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint32_t r = rows[i];

#if TERN__WITH_ENHANCED
    if ((r >> 5 & 1u) == class - 4 && fits(r >> 18 & 15u, TERN_PHASE_NONE, phase) &&
        fits(r >> 22, 0, code - 399) && fits(r >> 12 & ANY, ANY, subject) &&
        fits(r >> 6 & ANY, ANY, detail))
      return meaning(r);
#else
    if ((r >> 5 & 1u) == class - 4 && fits(r >> 6 & 15u, TERN_PHASE_NONE, phase) && fits(r >> 10, ANY, code % 100))
      return meaning(r);
#endif
  }
  return class == 4 ? TERN_E_REFUSED_TRANSIENT : TERN_E_REFUSED_PERMANENT;
}

#if TERN__WITH_ENHANCED
/* What has no reply, or no row with an enhanced code. */
static const struct {
  int16_t status;
  uint8_t class, subject, detail;
} silent[] = {
  {TERN_E_ADDRESS, 5, 1, 3},        {TERN_E_TOO_BIG, 5, 3, 4},     {TERN_E_NEEDS_SMTPUTF8, 5, 6, 7},
  {TERN_E_NEEDS_8BITMIME, 5, 6, 3}, {TERN_E_HOST, 5, 1, 2},        {TERN_E_NULL_MX, 5, 1, 10},
  {TERN_E_RESOLVE, 4, 4, 3},        {TERN_E_CONNECT, 4, 4, 1},     {TERN_E_IO, 4, 4, 2},
  {TERN_E_CLOSED, 4, 4, 2},         {TERN_E_TIMEOUT, 4, 4, 2},     {TERN_E_IN_DOUBT, 4, 4, 2},
  {TERN_E_SERVICE_UNAVAILABLE, 4, 3, 2},  {TERN_E_RELAY_DENIED, 5, 7, 1},
  {TERN_E_REFUSED_TRANSIENT, 4, 0, 0},    {TERN_E_REFUSED_PERMANENT, 5, 0, 0},
};

void tern__verdict_enhanced(tern_status status, char out[12])
{
  uint32_t by_class = tern_status_class(status), class = by_class == TERN_CLASS_MAIL ? 5 : 4;
  uint32_t subject = 0, detail = 0;
  size_t i;

  if (by_class == TERN_CLASS_PERMANENT) class = 5;
  if (by_class == TERN_CLASS_TLS) subject = 7;
  if (by_class == TERN_CLASS_PROTOCOL) subject = 5;
  for (i = sizeof rows / sizeof rows[0]; i-- != 0;) /* of several the first */
    if (meaning(rows[i]) == status && (rows[i] >> 12 & ANY) != ANY) {
      class = 4 + (rows[i] >> 5 & 1u);
      subject = rows[i] >> 12 & ANY;
      detail = rows[i] >> 6 & ANY;
      if (detail == ANY) detail = 0;
    }
  for (i = 0; i < sizeof silent / sizeof silent[0]; i++)
    if (silent[i].status == status) {
      class = silent[i].class;
      subject = silent[i].subject;
      detail = silent[i].detail;
    }
  *out++ = (char)('0' + class);
  *out++ = '.';
  out += tern__decimal(subject, out);
  *out++ = '.';
  out += tern__decimal(detail, out);
  *out = '\0';
}
#endif
