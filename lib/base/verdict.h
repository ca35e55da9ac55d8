/* verdict.h - what a reply of class 4 or 5 means in a phase. */
#ifndef TERN_LIB_BASE_VERDICT_H
#define TERN_LIB_BASE_VERDICT_H

#include <tern/base.h>

/* TERN_OK for 2xx and 3xx; else a status of group -6xx, -7xx, or TERN_E_TLS_REFUSED. The first digit
 * decides the class (but 552 to RCPT is a 452, RFC 5321 4.5.3.1.10), the enhanced code refines it,
 * the text comes last. */
tern_status tern__verdict(uint32_t phase, const tern_reply *reply);

/* The other way: the enhanced code that says best what the status does (RFC 3463), as "5.1.1" with
 * its NUL; "5.0.0" or "4.0.0" where none does. For reports about what had no reply. */
void tern__verdict_enhanced(tern_status status, char out[12]);

#endif
