/* post.c - from a message to a mail: envelope and content. The one place where both meet.
 *
 * Neighbours: the message room knows no mail and no host; mail.c knows no message. What a message
 * lacks and a host has (date, zone, randomness) it gets here. */
#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <tern/message.h>
#ifndef TERN_NO_SOCKETS
#include <time.h>
#endif

#include "client/mail.h"
#include "message/message.h"
#ifndef TERN_NO_SOCKETS
#include "base/host.h"
#endif

/* ---- what the host gives -------------------------------------------------------------------------*/
#ifndef TERN_NO_SOCKETS
/* Days since some day of the proleptic Gregorian calendar: good for differences of a day or two. */
static long day_of(const struct tm *t)
{
  long y = t->tm_year;

  return 365 * y + (y - 1) / 4 - (y - 1) / 100 + (y + 299) / 400 + t->tm_yday;
}

/* Minutes that local time is ahead of UTC. */
static int32_t zone_of(time_t now)
{
  struct tm local, utc;

  if (localtime_r(&now, &local) == NULL || gmtime_r(&now, &utc) == NULL) return 0;
  return (int32_t)((day_of(&local) - day_of(&utc)) * 1440 + (local.tm_hour - utc.tm_hour) * 60 +
                   (local.tm_min - utc.tm_min));
}

static tern_status stamp(tern_message *msg)
{
  time_t now = time(NULL);

  tzset(); /* localtime_r need not look at TZ */
  return tern__message_stamp(msg, (int64_t)now, zone_of(now), tern__host_random);
}
#else
static tern_status stamp(tern_message *msg)
{
  (void)msg;
  return TERN_OK;
}
#endif

/* ---- envelope ------------------------------------------------------------------------------------*/
static const char *path_of(const tern__address *a)
{
  return a->ascii != NULL ? a->ascii : a->address;
}

/* Whether an entry before a, or another call, has named the same recipient. */
static int named(const tern_message *msg, const tern_mail *mail, uint32_t given,
                 const tern__address *a)
{
  const tern__address *b;
  uint32_t i;

  for (i = 0; i < given; i++)
    if (strcmp(mail->rcpts[i].address, path_of(a)) == 0) return 1;
  for (b = msg->addresses; b != a; b = b->next)
    if (b->hash == a->hash && b->address != NULL && b->of == NULL && b->rank >= TERN__RANK_TO &&
        strcmp(path_of(b), path_of(a)) == 0)
      return 1;
  return 0;
}

static tern_status put_recipients(tern_mail *mail, const tern_message *msg)
{
  uint32_t given = mail->rcpt_count;
  const tern__address *a;
  tern_status st = TERN_OK;

  for (a = msg->addresses; a != NULL && st == TERN_OK; a = a->next) {
    if (a->address == NULL || a->of != NULL || a->rank < TERN__RANK_TO) continue;
    if (!named(msg, mail, given, a)) st = tern_mail_rcpt(mail, path_of(a));
  }
  return st;
}

/* Sender, else the first From: those given by their calls, as all of the envelope is, else those in
 * header fields. */
static tern_status put_sender(tern_mail *mail, const tern_message *msg)
{
  static const uint8_t ranks[] = {TERN__RANK_SENDER, TERN__RANK_FROM};
  const tern__address *a = NULL;
  const tern__field *f;
  size_t i;

  if (mail->reverse_path != NULL) return TERN_OK;
  for (i = 0; i < 4 && a == NULL; i++) {
    f = i < 2 ? NULL : tern__message_field(msg, ranks[i % 2]);
    if (i < 2 || f != NULL) a = tern__address_next(msg, ranks[i % 2], f, NULL);
    while (a != NULL && a->address == NULL) /* a group in From: RFC 6854 */
      a = tern__address_next(msg, ranks[i % 2], f, a);
  }
  return a != NULL ? tern_mail_from(mail, path_of(a)) : TERN_OK;
}

static tern_status hand_on(tern_mail *mail, tern_status status, const tern_error *error)
{
  if (mail->argument.status == TERN_OK) {
    mail->argument = *error;
    if (mail->argument.status == TERN_OK) mail->argument.status = status;
  }
  return mail->argument.status;
}

tern_status tern_mail_message(tern_mail *mail, tern_message *msg)
{
  tern_status st = tern_mail_set_flags(mail, mail != NULL ? mail->flags : 0); /* may it be changed? */

  if (st != TERN_OK) return st;
  if (msg == NULL) {
    tern__error_set(&mail->argument, TERN_E_NOMEM, TERN_PHASE_NONE);
    return TERN_E_NOMEM;
  }
  st = stamp(msg);
  if (st == TERN_OK) st = tern_message_check(msg);
  if (st != TERN_OK) return hand_on(mail, st, tern_message_error(msg));
  st = put_sender(mail, msg);
  if (st == TERN_OK) st = put_recipients(mail, msg);
  return st == TERN_OK ? tern_mail_content_source(mail, tern_message_source(), msg) : st;
}
