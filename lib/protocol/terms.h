/* terms.h - what a mail asks of the server beyond taking it: REQUIRETLS, DELIVERBY, FUTURERELEASE,
 * MT-PRIORITY, AUTH= on MAIL, PRDR, BINARYMIME. */
#ifndef TERN_LIB_PROTOCOL_TERMS_H
#define TERN_LIB_PROTOCOL_TERMS_H

#include <tern/session.h>

#include "protocol/command.h"
#include "protocol/ehlo.h"

typedef struct tern__terms_wrong {
  uint32_t field;   /* TERN_FIELD_... */
  const char *text; /* the string that is wrong, or NULL */
  size_t position;
} tern__terms_wrong;

/* Whether the values can be, whatever the server: TERN_E_PARAMETER, TERN_E_ADDRESS; and
 * TERN_E_UNSUPPORTED for what this build leaves out (config.h). */
tern_status tern__terms_check(const tern_terms *terms, uint32_t flags, tern__terms_wrong *wrong);
/* NULL where the mail's table is older than they are. */
const tern_terms *tern__terms_of(const tern_transaction *t);
/* Whether it asks for anything that tern__terms_put would write. */
int tern__terms_any(const tern_transaction *t);
/* The capabilities without which the mail must not be sent (TERN_CAP_...). */
uint32_t tern__terms_needed(const tern_transaction *t);
/* Whether the server's own limits allow them: 0, or the field that is over one. */
uint32_t tern__terms_over(const tern_transaction *t, const tern__offer *offer, uint32_t caps);
/* Their parameters of MAIL, of those in caps; returns the capabilities that were used. */
uint32_t tern__terms_put(tern__line *l, const tern_transaction *t, uint32_t caps);

#endif
