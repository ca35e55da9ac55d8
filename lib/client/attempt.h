/* attempt.h - one try to send a mail over one session, as the transaction that the engine takes. */
#ifndef TERN_LIB_CLIENT_ATTEMPT_H
#define TERN_LIB_CLIENT_ATTEMPT_H

#include "client/mail.h"

typedef struct tern__attempt tern__attempt;
struct tern__attempt {
  tern__attempt *next; /* in the client's list of those in flight */
  tern_mail *mail;
  tern_transaction transaction; /* what tern_session_send takes */
  uint32_t *map;                /* index here -> index in the mail; NULL: the same */
  size_t size;                  /* of the block, map and outcomes included */
  uint32_t judged;              /* TERN__JUDGED_... of its recipients and reverse-path */
  uint32_t settled;             /* recipients whose outcome is now other than unsent */
  uint32_t settled_by_mail; /* of these, by the reply to MAIL */
  uint32_t ended;           /* the engine called `done` */
  tern_error error;             /* its error then; texts belong to the mail */
  tern_client *client; /* its flag of cancellation, seen while content leaves; its count of ended */
};

/* An attempt for those recipients of mail that are unsent, of which there must be one. The source
 * is put back to its first octet where it was read before. NULL with *status: TERN_E_NOMEM,
 * TERN_E_REWIND. */
tern__attempt *tern__attempt_new(tern_mail *mail, tern_client *client, tern_status *status);
/* Done with; kept with its mail, so that sending that again costs nothing. */
void tern__attempt_free(tern__attempt *attempt);
/* The mail is to be changed or freed: what is kept with it is given back. */
void tern__attempt_drop(tern_mail *mail);

#endif
