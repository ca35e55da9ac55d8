/* dialogue.h - a dialogue file in memory (the format is told in script/README.md). */
#ifndef TERN_TESTS_DIALOGUE_H
#define TERN_TESTS_DIALOGUE_H

#include <stddef.h>
#include <stdint.h>
#include <tern/session.h>

#include "witness.h"

typedef struct octets {
  uint8_t *at;
  size_t len, cap;
} octets;

void octets_add(octets *o, const void *at, size_t len);
/* Text with its escapes taken out: \r \n \t \0 \\ \{ \xNN, {text*N}. Answers 0 when malformed. */
int octets_unescape(octets *o, const char *text, size_t len);

typedef struct dialogue_rcpt {
  char *path, *orcpt, *params;
  uint32_t notify;
} dialogue_rcpt;

typedef struct dialogue_mail {
  char *from, *envid, *params;
  uint32_t flags;
  tern_terms terms;
  char *auth;
  dialogue_rcpt rcpt[WITNESS_RCPTS];
  uint32_t count;
  octets content;
  size_t cut[64]; /* the ends of its pieces */
  size_t pieces;
  size_t spans;   /* octets of each span; 0: the pieces */
  int pull, rewind, prepare;
  size_t chunk, again;
  uint64_t promise;
  uint32_t info;
  long fail_at;   /* octet at which read fails, -1 never */
  long cancel_at; /* progress cancels once so many octets left, -1 never */
} dialogue_mail;

enum item_kind {
  ITEM_SERVER, ITEM_SERVER_EARLY, ITEM_CLIENT, ITEM_CLIENT_WORDS, ITEM_CLIENT_ANY, ITEM_TLS,
  ITEM_CLOSE, ITEM_TIME, ITEM_TIMEOUT, ITEM_ENDLESS, ITEM_DO
};

typedef struct dialogue_item {
  enum item_kind kind;
  octets text;
  tern_status status;
  uint64_t number;
  int line;
  int optional; /* the session may have ended before it */
} dialogue_item;

typedef struct dialogue_want {
  char *what, *rest;
  int line;
} dialogue_want;

#define DIALOGUE_ITEMS 3000
typedef struct dialogue {
  const char *path;
  /* settings */
  uint32_t tls, window, mask, pipeline;
  int verified;
  int tls_given, lmtp, channel_safe, eager, auth, quit; /* quit: 0 no, 1 after the mails, 2 early */
  char *ehlo;
  size_t text, out;
  uint64_t deadline;
  struct { uint32_t capability, policy; } policy[16];
  size_t policies;
  struct { uint32_t phase, ms; } timeout[16];
  size_t timeouts;
  char *user, *password, *token, *authzid, *mechanism, *new_token;
  uint32_t kinds, prepared, bound;
  int random;
  dialogue_mail mail[WITNESS_MAILS];
  uint32_t mails;
  int one_read, may_end;
  int by_hand; /* mails are given by "> send" */
  dialogue_item item[DIALOGUE_ITEMS];
  size_t items;
  dialogue_want want[64];
  size_t wants;
  char error[300];
} dialogue;

/* NULL: no memory or no file; else look at error, "" is good. */
dialogue *dialogue_read(const char *path);
void dialogue_free(dialogue *d);
/* "TERN_E_TIMEOUT" to its number; -9999: none. */
tern_status status_by_name(const char *name, size_t len);

#endif
