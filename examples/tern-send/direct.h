/* direct.h - tern-send --mx: straight to the MX hosts; and where to submit, --discover. */
#ifndef TERN_SEND_DIRECT_H
#define TERN_SEND_DIRECT_H

#include <tern/tern.h>

#include "options.h"

typedef struct direct {
  tern_delivery *delivery;
  tern_resolver *resolver;
} direct;

/* Makes the delivery that the options ask for. 0: good; else *error, or, with *error NULL, problem. */
int direct_set_up(direct *d, const options *o, tern_trace trace, const tern_error **error, char problem[256]);
/* After the send: the reports that were asked for, --bounce and --tlsrpt, into their files. content is the
 * message. 0: written, or there was nothing to write. */
int direct_reports(const options *o, const tern_mail *mail, const tern_source *content, void *user, char problem[256]);
/* The URL for the sender's domain, allocated; else NULL with *status and problem. */
char *direct_discover(const options *o, tern_status *status, char problem[256]);
void direct_free(direct *d);

#endif
