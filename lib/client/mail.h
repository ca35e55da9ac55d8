/* mail.h - what a tern_mail is inside, for mail.c, attempt.c and the client. */
#ifndef TERN_LIB_CLIENT_MAIL_H
#define TERN_LIB_CLIENT_MAIL_H

#include <tern/client.h>

#include "base/error.h"

/* Texts of replies and details that errors of a mail point to. Most recipients get the same one:
 * the two newest are shared where they are equal. */
typedef struct tern__kept {
  struct tern__kept *next;
  size_t size; /* of the whole block */
} tern__kept;  /* the octets, ended by NUL, follow */

/* The first of them, within the mail: mostly there is no other, and it is short. */
typedef struct tern__kept_within {
  tern__kept head;
  char octets[64];
} tern__kept_within;

typedef struct tern__rcpt {
  char *address;
  char *orcpt;
  char *params;
  tern_error error; /* TERN_E_AGAIN before the mail was sent, TERN_OK once accepted */
  uint32_t notify;
  uint8_t outcome;
  uint8_t utf8; /* the address is beyond ASCII */
} tern__rcpt;

#define TERN__PATH_NEAR 48u /* a path of so many octets, its NUL included, lies within the mail */

/* Where the mail is; beyond IDLE it hangs in one list of a client by `next`. */
#define TERN__MAIL_IDLE 0u
#define TERN__MAIL_QUEUED 1u
#define TERN__MAIL_IN_FLIGHT 2u
#define TERN__MAIL_FINISHED 3u /* waits for tern_client_finished; may be changed */

#define TERN__QUEUE_ID_MAX 64

struct tern_mail {
  const tern_allocator *mem;
  tern_mail *next;
  tern_client *client; /* NULL where IDLE */
  char *reverse_path;  /* NULL: not given */
  char *envid;
  char *params;
  char *auth; /* of terms */
  tern_terms terms;
  char reverse_near[TERN__PATH_NEAR];
  char first_near[TERN__PATH_NEAR]; /* the address of the first recipient */
  tern__rcpt first;  /* most mails have no other recipient */
  tern__rcpt *rcpts; /* &first, or an array of rcpt_cap owned by the mail */
  uint32_t rcpt_count;
  uint32_t rcpt_cap;
  uint32_t flags;
  uint8_t where;
  uint8_t utf8; /* the reverse-path is beyond ASCII */
  uint8_t has_content;
  uint8_t source_read; /* the source stands behind its first octet */
  uint8_t reopened;    /* a dead connection was reopened for it in this send */
  tern_span one;       /* the content of tern_mail_content */
  tern_span *spans;    /* &one, a copy owned by the mail, or NULL with a source */
  size_t span_count;
  const tern_source *source;
  void *source_user;
  void (*release)(void *user);
  void *release_user;
  tern_status (*progress)(void *user, uint64_t sent, uint64_t total);
  void *progress_user;
  tern_error argument; /* the first wrong argument: sticks until clear */
  tern_error error;    /* the gravest of the last send */
  tern_status status;  /* of the last send; TERN_E_AGAIN before */
  tern__kept *texts;
  tern__kept_within within;
  struct tern__attempt *spare; /* of the last send, for the next one */
  char queue_id[TERN__QUEUE_ID_MAX]; /* once it was asked for */
  uint8_t queue_id_known;
  /* a room above: its account of the last send, and a list of its own that the mail waits in */
  void *report;
  void (*report_free)(void *report);
  void (*disown)(void *owner, tern_mail *mail); /* NULL: in none */
  void *owner;
};

/* Forgets what the last send left: all recipients unsent. */
void tern__mail_reset(tern_mail *mail);
/* What keeps the mail from being sent: a wrong argument, a part that is missing. TERN_OK: nothing;
 * else *error says what. */
tern_status tern__mail_ready(const tern_mail *mail, tern_error *error);
/* Copies from to *to with texts that the mail owns. Where there is no memory for a text it is left
 * out: an outcome is never changed by it. */
void tern__mail_copy_error(tern_mail *mail, tern_error *to, const tern_error *from);
/* Recipient index has this outcome, for this reason. */
void tern__mail_settle(tern_mail *mail, uint32_t index, uint32_t outcome, const tern_error *error);
/* All that are unsent are so for this reason. */
void tern__mail_fail_unsent(tern_mail *mail, const tern_error *error);
/* The report becomes the mail's, freed with what else the last send left. */
void tern__mail_own_report(tern_mail *mail, void *report, void (*report_free)(void *report));
/* Takes over what of asks of servers. */
tern_status tern__mail_copy_terms(tern_mail *mail, const tern_mail *of);
/* How many recipients are unsent. */
uint32_t tern__mail_unsent(const tern_mail *mail);
/* Makes status, error and queue id from the recipients; why is the transaction's own error, which
 * counts where it is graver than that of any recipient. */
void tern__mail_conclude(tern_mail *mail, const tern_error *why);

#endif
