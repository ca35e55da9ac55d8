/* message.h - what a tern_message is inside, for the files of this room and client/post.c. */
#ifndef TERN_LIB_MESSAGE_MESSAGE_H
#define TERN_LIB_MESSAGE_MESSAGE_H

#include <tern/message.h>

#include "base/error.h"
#include "message/encode.h"

/* Blocks that live until the message is cleared: given back in the reverse order of their taking, as
 * an arena likes it. */
typedef struct tern__block {
  struct tern__block *before;
  size_t size;
  void (*drop)(void *block); /* before it is given back, or NULL */
} tern__block;

/* Where fields stand: the order in which they are written. Those up to RANK_CC are made from
 * addresses, unless a field of that rank was given. */
enum {
  TERN__RANK_DATE,
  TERN__RANK_FROM,
  TERN__RANK_SENDER,
  TERN__RANK_REPLY_TO,
  TERN__RANK_TO,
  TERN__RANK_CC,
  TERN__RANK_MESSAGE_ID,
  TERN__RANK_IN_REPLY_TO,
  TERN__RANK_REFERENCES,
  TERN__RANK_SUBJECT,
  TERN__RANK_OTHER,
  TERN__RANK_MIME, /* MIME-Version, and what describes the body */
  TERN__RANKS
};

#define TERN__KIND_TEXT 0u   /* unstructured */
#define TERN__KIND_TOKENS 1u /* ASCII, folded at spaces, never encoded */
#define TERN__KIND_ADDRESS 2u

typedef struct tern__field {
  struct tern__field *next;
  char *name;
  char *value;
  uint8_t rank;
  uint8_t kind;
  uint8_t literal; /* ASCII in it is left as it is */
  uint8_t gone;    /* replaced by a later one */
} tern__field;

typedef struct tern__address {
  struct tern__address *next;
  char *name;    /* or NULL */
  char *address; /* "" and NULL: the entry opens or closes a group only */
  char *ascii;   /* with its domain in A-labels; NULL: address is ASCII, or cannot be made so */
  char *comment; /* or NULL */
  uint32_t hash; /* of what goes into the envelope */
  uint8_t rank;  /* TERN__RANK_...; TERN__RANKS: Bcc */
  uint8_t group; /* TERN__GROUP_... */
  uint8_t literal;
  const tern__field *of; /* the field that it was given in, or NULL */
} tern__address;

#define TERN__GROUP_NONE 0u
#define TERN__GROUP_BEGIN 1u /* name is the group's; no address */
#define TERN__GROUP_END 2u

enum { TERN__ROLE_BODY, TERN__ROLE_RELATED, TERN__ROLE_ATTACHED, TERN__ROLE_CHILD };

struct tern_part {
  tern_message *msg;
  tern_part *link; /* all parts as they were made */
  tern_part *parent, *first, *next; /* the tree */
  const char *type;
  char *name;
  char *cid;
  char *description;
  tern__field *fields, *last_field;
  const uint8_t *octets; /* the content, or */
  const tern_source *source;
  void *user;
  uint64_t size; /* of the content; TERN_LENGTH_UNKNOWN */
  tern__scan scan;
  uint32_t number; /* of a multipart: tells its boundary from others */
  uint8_t role;
  uint8_t rank;      /* among the alternatives, lowest first */
  uint8_t multipart; /* has children, no content */
  uint8_t composite; /* message/..., ready multipart/...: identity encodings only */
  uint8_t text;      /* line ends count, octets do not */
  uint8_t utf8;      /* must be UTF-8 without NUL */
  uint8_t add_charset;
  uint8_t disposition;
  uint8_t wanted;    /* TERN_ENCODING_... */
  uint8_t encoding;  /* chosen; of a multipart the widest of its children's */
  uint8_t scanned;
  uint8_t gone;      /* replaced */
  uint8_t source_read;
  uint8_t field;     /* TERN_FIELD_... for errors */
};

/* Where the writer is: a pure position, see writer.c. */
typedef struct tern__writer {
  uint8_t phase;
  uint8_t rank;
  uint8_t piece_last; /* the source has said that nothing follows */
  uint32_t unit;      /* of the part's header */
  uint32_t column;
  uint32_t words; /* as in the sink */
  uint64_t skip;      /* octets of the unit under way that were written */
  uint64_t taken;     /* octets of the body under way that came */
  const tern__field *field;
  const tern__address *address, *before; /* and the one that stands before it in its list */
  tern_part *part;
  const uint8_t *at;
  size_t left;
  tern__encoder encoder;
} tern__writer;

#define TERN__SEED 24u

struct tern_message {
  const tern_allocator *mem;
  tern__block *blocks;
  tern__field *fields, *last_field;
  tern__address *addresses, *last_address;
  tern_part *parts, *last_part;
  tern_part *root;
  tern_part mixed, related, alternative, empty; /* made by arranging */
  uint8_t *buffer;
  size_t buffer_size;
  tern_status (*random)(void *user, uint8_t *out, size_t len);
  void *random_user;
  tern_status (*to_ascii)(void *user, const char *domain, char *out, size_t cap);
  void *to_ascii_user;
  tern_error error;
  tern__writer writer;
  uint64_t length; /* by the last prepare, or TERN_LENGTH_UNKNOWN */
  uint32_t boundaries;
  uint8_t open_group[TERN__RANKS];
  uint8_t seed[TERN__SEED];
  uint8_t seeded;
  uint8_t needs_utf8; /* an address has no ASCII form */
  uint8_t utf8;       /* the header is written by RFC 6532 */
  uint8_t encoding;   /* wanted for text */
  uint8_t prepared;
};

/* ---- message.c -----------------------------------------------------------------------------------*/
void *tern__message_take(tern_message *msg, size_t size, void (*drop)(void *));
char *tern__message_copy(tern_message *msg, const char *text, size_t len);
/* Keeps the first error. */
tern_status tern__message_wrong(tern_message *msg, tern_status status, uint32_t field,
                                const char *text, size_t position);
/* TERN_E_NOMEM or the error that sticks; TERN_OK: go on. */
tern_status tern__message_setter(tern_message *msg);
/* A value of the caller's: TERN_OK, or the error that now sticks. */
tern_status tern__message_value(tern_message *msg, uint32_t field, const char *text);
/* Date and randomness where the caller gave none, for the first time: the host's. random may be
 * NULL. */
tern_status tern__message_stamp(tern_message *msg, int64_t seconds, int32_t zone,
                                tern_status (*random)(void *user, uint8_t *out, size_t len));
/* The field of that rank that is to be written, or NULL. */
const tern__field *tern__message_field(const tern_message *msg, uint32_t rank);

/* ---- address.c -----------------------------------------------------------------------------------*/
/* Adds one, checked; NULL: the error sticks to the message. */
tern__address *tern__address_new(tern_message *msg, uint32_t rank, uint32_t field, const char *name,
                                 const char *address);
/* Adds the beginning of a group, or with name NULL its end. */
tern__address *tern__address_group(tern_message *msg, uint32_t rank, const char *name);
/* Adds those of a field's value. */
tern_status tern__address_parse(tern_message *msg, tern__field *of);
/* The one written next in the field of that rank after `after` (NULL: the first); NULL: none. */
const tern__address *tern__address_next(const tern_message *msg, uint32_t rank,
                                        const tern__field *of, const tern__address *after);
struct tern__sink;
/* Writes it behind the one before it (NULL: behind "Name:"). */
void tern__address_put(struct tern__sink *s, const tern__address *before, const tern__address *a,
                       uint32_t how);

/* ---- part.c --------------------------------------------------------------------------------------*/
/* Makes the tree: sets msg->root. */
tern_status tern__parts_arrange(tern_message *msg);
/* Looks through the part's content, once. TERN_E_AGAIN and its like are no failure: what cannot be
 * looked through stays unscanned. */
tern_status tern__part_scan(tern_part *part);
/* Chooses the encoding for a server that can do capabilities. */
tern_status tern__part_choose(tern_part *part, uint32_t capabilities);
/* Length of the encoded body, or TERN_LENGTH_UNKNOWN; *open: it does not end with a line end. */
uint64_t tern__part_length(const tern_part *part, int *open);
/* Writes unit number i of its header; 0: there is none such. */
int tern__part_header_unit(const tern_part *part, uint32_t i, struct tern__sink *s);
/* len random octets as letters and digits, with a NUL; out holds (len * 8 + 4) / 5 + 1. */
void tern__letters(char *out, const uint8_t *octets, size_t len);
/* "--" and the boundary, and "--" again where it closes. */
void tern__part_delimiter(const tern_part *multipart, struct tern__sink *s, int close);

/* ---- writer.c ------------------------------------------------------------------------------------*/
void tern__writer_begin(tern__writer *w, tern_message *msg);
/* Lends what comes next, as tern_source.read does. */
tern_status tern__writer_read(tern__writer *w, tern_message *msg, const uint8_t **octets,
                              size_t *len);
/* The length of all that would be written, or TERN_LENGTH_UNKNOWN. */
uint64_t tern__writer_length(tern_message *msg);

#endif
