/* discover.h - where to submit, as far as no question has to be asked. */
#ifndef TERN_LIB_DELIVERY_DISCOVER_H
#define TERN_LIB_DELIVERY_DISCOVER_H

#include <tern/delivery.h>

/* Row number index (from 0) of the table of providers that fits domain (lower case) into *out, without
 * its url. 0: there is none such. */
int tern__provider(const char *domain, uint32_t index, tern_endpoint *out);
/* Whether host is the domain itself or a name below it. */
int tern__within(const char *host, const char *domain);

#endif
