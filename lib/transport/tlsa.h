/* tlsa.h - which TLSA records count: RFC 6698 2.1, RFC 7671 9, RFC 7672 3.1. */
#ifndef TERN_LIB_TRANSPORT_TLSA_H
#define TERN_LIB_TRANSPORT_TLSA_H

#include <tern/tls.h>

#define TERN__TLSA_TA 2u    /* usage: an anchor */
#define TERN__TLSA_EE 3u    /* the server's own certificate or key */
#define TERN__TLSA_WHOLE 0u /* matching */
#define TERN__TLSA_SHA256 1u
#define TERN__TLSA_SHA512 2u

/* Whether the record can be used with SMTP: usage 2 or 3, selector 0 or 1, matching 0 to 2, and
 * octets that can be what it says. */
int tern__tlsa_usable(const tern_tlsa *record);
/* Whether one of them can. */
int tern__tlsa_any_usable(const tern_tlsa *records, size_t count);
/* Whether the record is to be left aside for one with a stronger digest. */
int tern__tlsa_outdone(const tern_tlsa *records, size_t count, const tern_tlsa *record);

#endif
