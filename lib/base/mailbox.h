/* mailbox.h - the grammar of addresses: Mailbox, Domain, address literal (RFC 5321 4.1.2, 4.1.3),
 * with UTF-8 as RFC 6531 3.3 has it. */
#ifndef TERN_LIB_BASE_MAILBOX_H
#define TERN_LIB_BASE_MAILBOX_H

#include <stddef.h>
#include <stdint.h>
#include <tern/base.h>

#define TERN__MAILBOX_UTF8 1u /* added to *flags: has octets over 127, SMTPUTF8 is needed */
#define TERN__MAILBOX_POSTMASTER 2u /* handed in *flags: "postmaster" alone is taken too */

/* Whether text (ended by NUL) is a Mailbox: Dot-string or Quoted-string local part of 1..64 octets,
 * "@", Domain of 1..255 octets with labels of 1..63 or an address literal; 254 octets in all
 * (RFC 5321 4.5.3.1, RFC 3696 erratum 1690). "postmaster" alone, in any case, is a forward-path of
 * RFC 5321 4.1.1.3 and only good with TERN__MAILBOX_POSTMASTER. On TERN_E_ADDRESS *position is the
 * first wrong octet's index: strlen where something is missing at the end, the lead octet of a bad
 * UTF-8 sequence, the root dot of "a@b.", the first octet too many. position and flags may be NULL;
 * *flags is read, so it must be set. */
tern_status tern__mailbox_check(const char *text, size_t *position, uint32_t *flags);

/* Whether text is a Domain or an address literal, ASCII only: what EHLO takes. "_" in a label is
 * accepted, as host names with it exist. On TERN_E_NAME *position is as above. */
tern_status tern__domain_check(const char *text, size_t *position);

#endif
