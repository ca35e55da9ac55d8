/* command.h - the only place where the caller's strings become command lines. */
#ifndef TERN_LIB_PROTOCOL_COMMAND_H
#define TERN_LIB_PROTOCOL_COMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <tern/session.h>

#include "base/config.h"

/* The length of content as the engine keeps it; those not known, or not to be counted, are the last. */
#if TERN__WITH_LONG
typedef uint64_t tern__length;
#else
typedef uint32_t tern__length;
#endif
#define TERN__LENGTH_UNKNOWN ((tern__length)-1)

/* Builds one line in a buffer; "full" sticks. */
typedef struct tern__line {
  char *at; /* NULL: only counts */
  size_t len;
  size_t cap;
  int full;
} tern__line;

void tern__line_put(tern__line *l, const char *text);
void tern__line_number(tern__line *l, tern__length value);
/* RFC 3461 4: "+", "=" and what is not printable ASCII become +XX. */
void tern__line_xtext(tern__line *l, const char *text);

/* ---- checks, before anything is sent: TERN_OK, or the status with *position of the octet ------- */
/* Whether ENVID or ORCPT can be: RFC 3461 4.2, 4.4 (lengths), and no control octet. */
tern_status tern__check_envid(const char *text, size_t *position);
tern_status tern__check_orcpt(const char *text, size_t *position);
/* "KEY=value KEY" of RFC 5321 4.1.2 Mail-parameters. */
tern_status tern__check_params(const char *text, size_t *position);
/* VRFY's argument: printable, at most 256 octets. */
tern_status tern__check_argument(const char *text, size_t *position);

/* Of addresses and parameters that were judged so, and by tern__mailbox_check, when they were given,
 * and that nobody can have changed since: */
#define TERN__JUDGED_UTF8 1u /* an address is beyond ASCII */
#define TERN__JUDGED_DSN 2u  /* a recipient asks for NOTIFY or ORCPT */
/* tern_session_send for such a transaction, of which only the content is looked at. */
tern_status tern__session_send_judged(tern_session *s, const tern_transaction *t, uint32_t judged);

/* ---- lines, with their CRLF ----------------------------------------------------------------- */
/* What MAIL says beyond the path. */
typedef struct tern__mail_args {
  tern__length size; /* TERN__LENGTH_UNKNOWN: no SIZE= */
  int body_8bit;
  int body_binary; /* instead */
  int smtputf8;
  int dsn;
} tern__mail_args;
/* Without its end: tern__terms_put comes between, then tern__put_rest. */
void tern__put_mail(tern__line *l, const tern_transaction *t, const tern__mail_args *args);
void tern__put_rcpt(tern__line *l, const tern_recipient *r, int dsn);
void tern__put_rset(tern__line *l);
void tern__put_bdat(tern__line *l, tern__length length); /* all of it: LAST */
/* Parameters of the caller's (NULL: none), and the end of the line. */
void tern__put_rest(tern__line *l, const char *params);
/* verb, argument (NULL: none), CRLF */
void tern__put_verb(tern__line *l, const char *verb, const char *argument);

#endif
