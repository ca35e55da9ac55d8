/* address_list.h - the address-list of a header field, octet by octet. */
#ifndef TERN_LIB_MESSAGE_ADDRESS_LIST_H
#define TERN_LIB_MESSAGE_ADDRESS_LIST_H

#include <stddef.h>
#include <stdint.h>

#define TERN__ADDRESS_ROOM 320u /* a mailbox has 254 at most */

typedef struct tern__address_list {
  const char *problem; /* after TERN__ADDRESS_BAD: "a > without <", ... Static. */
  uint32_t depth;      /* of comments */
  uint16_t len;        /* of text; TERN__ADDRESS_ROOM: did not fit */
  uint8_t mode;
  uint8_t escaped;
  uint8_t has_angle;
  uint8_t in_angle;
  uint8_t in_group;
  uint8_t gap;    /* white space or a comment since the last octet of text */
  uint8_t broken; /* two words side by side: a display name, no address */
  char text[TERN__ADDRESS_ROOM + 1];
} tern__address_list;

enum { TERN__ADDRESS_NONE, TERN__ADDRESS_FOUND, TERN__ADDRESS_BAD };

void tern__address_list_begin(tern__address_list *a);
/* The next octet of the field's body, folds included. FOUND: text has an addr-spec, ended by NUL,
 * which nobody has checked yet. After BAD the list is over. */
int tern__address_list_put(tern__address_list *a, uint8_t octet);
/* The body has ended; the last address may be found here. */
int tern__address_list_end(tern__address_list *a);

#endif
