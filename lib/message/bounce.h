/* bounce.h - what the readers of a bounce share: the record under way, and who hands lines to whom. */
#ifndef TERN_LIB_MESSAGE_BOUNCE_H
#define TERN_LIB_MESSAGE_BOUNCE_H

#include <stddef.h>
#include <stdint.h>
#include <tern/bounce.h>

#include "base/error.h"

#define TERN__BOUNCE_LINE 2048u  /* of a longer line the beginning is read */
#define TERN__BOUNCE_FIELD 3072u /* of a longer field too */
#define TERN__BOUNCE_TEXT 1000u  /* octets of a text that is kept */
#define TERN__BOUNCE_DEPTH 8u    /* multiparts in one another */
#define TERN__BOUNCE_BOUNDARY 110u
#define TERN__BOUNCE_RECIPIENTS 1000u

typedef struct tern__bounce_rcpt {
  struct tern__bounce_rcpt *next;
  char *final, *original, *remote, *text, *attempt, *retry; /* NULL: none */
  tern_error error; /* its texts are `text` */
  char code[12];    /* Status */
  uint8_t action;
  uint8_t of_text;  /* found in a text for people */
  uint8_t open;     /* its reason is being read */
  uint8_t told;     /* the status was named by a tern */
} tern__bounce_rcpt;

typedef struct tern__bounce_line {
  size_t len;
  char octets[TERN__BOUNCE_LINE + 1]; /* ended by NUL when it is handed on */
} tern__bounce_line;

typedef struct tern__bounce_boundary {
  uint8_t len;
  char octets[TERN__BOUNCE_BOUNDARY];
} tern__bounce_boundary;

/* bounce_mime.c */
typedef struct tern__bounce_mime {
  tern__bounce_line raw, line; /* as it came; decoded */
  char field[TERN__BOUNCE_FIELD + 1]; /* a header field, its lines joined by LF */
  size_t field_len;
  tern__bounce_boundary boundary[TERN__BOUNCE_DEPTH], next; /* open ones; that of the part's type */
  uint32_t depth, bits; /* bits: of base64 that wait for more */
  uint8_t where, type, coding, bit_count;
  uint8_t in_part;      /* the header under way is not the message's own */
} tern__bounce_mime;

/* bounce_text.c */
/* What a sentence of bounce_text.def does. */
enum {
  TERN__SAYS_FORMAT_ONLY,
  TERN__SAYS_FAILED,     /* addresses follow that failed */
  TERN__SAYS_DELAYED,    /* ... that are delayed */
  TERN__SAYS_RELAYED,    /* ... that were passed on */
  TERN__SAYS_ONE_FAILED, /* the address is in the line */
  TERN__SAYS_ONE_DELAYED,
  TERN__SAYS_AGAIN,      /* the addresses follow once more, with what administrators want */
  TERN__SAYS_REASON,     /* the reason of all that were named follows */
  TERN__SAYS_TRANSCRIPT, /* the dialogue follows */
  TERN__SAYS_GENERATOR,  /* the reporter's name follows in the line */
  TERN__SAYS_MESSAGE     /* the message follows */
};

typedef struct tern__bounce_words {
  char reason[TERN__BOUNCE_TEXT + 1];
  size_t reason_len;
  const char *format;
  uint32_t indent, reason_indent;
  uint8_t action, listing, after_blank, after_address, transcript, original;
} tern__bounce_words;

struct tern_bounce {
  const tern_allocator *mem;
  tern__bounce_rcpt *first, *last, *now; /* now: the one whose fields are being read */
  char *mta, *envid, *message_id, *arrival, *answers, *failed; /* answers: In-Reply-To; failed: X-Failed-Recipients */
  uint32_t count, left_out, limit;
  tern_status status; /* TERN_E_NOMEM sticks */
  uint8_t ended, reported; /* reported: a report was read */
  uint8_t in_group;        /* fields of a recipient were read, even if there is no `now` to take them */
  tern__bounce_mime mime;
  tern__bounce_words words;
};

/* bounce_read.c: a recipient more, or NULL (the limit, memory). */
tern__bounce_rcpt *tern__bounce_rcpt_new(tern_bounce *b);
void tern__bounce_rcpt_drop(tern_bounce *b, tern__bounce_rcpt *rcpt); /* the last one */
void tern__bounce_drop_texts(tern_bounce *b); /* those found in a text, as a report says more */
/* Text in place of what was at *where: white space is one space, a control '?', a character that is cut
 * left off; LF stays in the first. */
void tern__bounce_keep_lines(tern_bounce *b, char **where, const char *text, size_t len);
void tern__bounce_keep(tern_bounce *b, char **where, const char *text, size_t len);
tern__bounce_rcpt *tern__bounce_find(const tern_bounce *b, const char *address, size_t len);

/* bounce_mime.c: the next line of the message, without its end; and the end of the message. */
void tern__bounce_mime_line(tern_bounce *b, const char *line, size_t len);
void tern__bounce_mime_end(tern_bounce *b);
/* A line of the header of the message that the report is about; returns 0 once it is over. */
int tern__bounce_original_line(tern_bounce *b, const char *line, size_t len);

/* bounce_status.c: a field of message/delivery-status, folds as LF; the end of a group of fields. */
void tern__bounce_status_field(tern_bounce *b, const char *field, size_t len);
void tern__bounce_status_group(tern_bounce *b);

/* bounce_text.c: a line of a text for people, and its end. */
void tern__bounce_text_line(tern_bounce *b, const char *line, size_t len);
void tern__bounce_text_end(tern_bounce *b);

/* bounce_judge.c: makes the error of the words that came with it ("550-5.1.1 ..." with LF where a line
 * ended); of the Status field where the words have no code. */
#define TERN__BOUNCE_CODE_ANYWHERE 0
#define TERN__BOUNCE_CODE_FIRST 1 /* it stands at the beginning or nowhere */
#define TERN__BOUNCE_CODE_NONE 2
void tern__bounce_judge(tern_bounce *b, tern__bounce_rcpt *rcpt, const char *words, size_t len,
                        int code);
/* "5.1.1" at text into out: how many octets it is long, 0 where there is none. */
size_t tern__bounce_enhanced(const char *text, size_t len, char out[12]);

#endif
