/* witness.h - an onlooker between the engine and the server of a test: it reads both directions by
 * the RFCs alone (not by the engine's code) and says when something happened that must never
 * happen, whatever the server sends. Shared by dialogue_test.c and fuzz/fuzz_session.c. */
#ifndef TERN_TESTS_WITNESS_H
#define TERN_TESTS_WITNESS_H

#include <stddef.h>
#include <stdint.h>
#include <tern/session.h>

#define WITNESS_MAILS 16
#define WITNESS_RCPTS 256
#define WITNESS_QUEUE 4096

enum witness_kind {
  WITNESS_GREETING, WITNESS_HELLO, WITNESS_STARTTLS, WITNESS_AUTH, WITNESS_MAIL, WITNESS_RCPT,
  WITNESS_DATA, WITNESS_CHUNK, WITNESS_END, WITNESS_OTHER
};

/* What the onlooker knows of one recipient of one mail. */
typedef struct witness_rcpt {
  const char *address;
  uint32_t transaction;  /* the last one that it was named in, 0: none */
  uint16_t rcpt_code;    /* reply to its RCPT, 0: none yet */
  uint16_t final_code;   /* reply to the end of the content, 0: none complete */
  uint8_t handed;        /* the final octet of a transaction that accepted it was handed over */
  uint8_t settled;       /* how often settled was called */
} witness_rcpt;

typedef struct witness_mail {
  witness_rcpt rcpt[WITNESS_RCPTS];
  uint32_t count;
  uint32_t done; /* how often done was called */
} witness_mail;

typedef struct witness_item {
  uint8_t kind;
  uint8_t mail;
  uint8_t ahead;  /* a content that left before the replies to its envelope */
  uint8_t one;    /* PRDR: 1 the reply for one recipient, 2 the one for all behind them */
  uint16_t index; /* of the recipient; UINT16_MAX: all accepted ones of the transaction */
  uint32_t transaction;
} witness_item;

typedef struct witness {
  /* settings */
  uint32_t tls; /* TERN_TLS_... */
  int lmtp, channel_safe;
  int eager; /* set after witness_init: BDAT may come before the replies to its envelope */
  witness_mail mail[WITNESS_MAILS];
  uint32_t mails;
  /* state */
  char fault[400]; /* the first thing that must not happen, or "" */
  int secure;
  int broken;      /* the server left the grammar, or sent what nobody asked for */
  int closing;     /* 421 was read */
  uint32_t transaction, accepted, named;
  int refused_envelope; /* since the last content that was accepted */
  int ahead;   /* the content under way left before the replies to its envelope */
  int stopped; /* such a content was refused: nothing more may be sent */
  uint32_t no_transaction; /* the last one whose MAIL was refused */
  witness_item queue[WITNESS_QUEUE];
  size_t head, tail;
  /* client side */
  enum { WITNESS_LINE, WITNESS_CONTENT, WITNESS_OCTETS } mode;
  char line[1024];
  size_t line_len;
  int line_cut;      /* it was longer */
  int after_cr, chunk_cr, line_start, only_dot;
  int auth_line;     /* the next line is a response to 334 */
  uint64_t octets;   /* of the chunk that are still to come */
  int last_chunk;
  int binary, prdr;  /* of the last MAIL; of any */
  uint64_t content;  /* octets of content in this transaction */
  uint32_t commands, contents, refused; /* refused: replies of 4xx and 5xx */
  /* server side */
  char code[4];
  char first[4];
  size_t column, lines;
  int more, reply_cr, unasked;
} witness;

void witness_init(witness *w, uint32_t tls, int lmtp, int channel_safe);
/* Tells of a mail and its recipients' forward-paths; answers its number. */
uint32_t witness_add_mail(witness *w);
void witness_add_rcpt(witness *w, uint32_t mail, const char *address);
/* Octets that the engine was told to have been taken (call it after out_done). */
void witness_client(witness *w, const uint8_t *octets, size_t len);
/* Octets that are about to be handed in (call it before in). */
void witness_server(witness *w, const uint8_t *octets, size_t len);
void witness_tls(witness *w, int good);
/* The engine's two callbacks; outcomes are those of the transaction. */
void witness_settled(witness *w, uint32_t mail, uint32_t index, uint32_t outcome,
                     const tern_error *error);
void witness_done(witness *w, uint32_t mail, tern_status status, const tern_error *error,
                  const uint8_t *outcome);
/* What must hold of the session at any time, and once it has ended. */
void witness_session(witness *w, const tern_session *s);

#endif
