/* fuzz_session.c - the whole engine against any server, any split and any order of events.
 *
 * The first six octets choose settings and mails; then each step is one octet of kind, for octets
 * from the server one of length and the octets. What must always hold is asked of ../witness.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RCPTS 4
#define MAILS 3

typedef struct fuzz_mail {
  tern_transaction t;
  uint8_t outcome[RCPTS];
  uint32_t number;
  int begun;
  size_t at, reads;
} fuzz_mail;

static const char *const addresses[MAILS][RCPTS] = {
  { "a1@x.example", "a2@x.example", "a3@x.example", "a4@x.example" },
  { "b1@x.example", "b2@x.example", "b3@x.example", "b4@x.example" },
  { "c1@x.example", "c2@x.example", "c3@x.example", "c4@x.example" }
};
static const char content[] =
  "Subject: x\r\n\r\n.\r\n..\n.\rend\r.\n\r\r\n.x\r\n0123456789012345678901234567890123456789\n.";

static witness *w;
static fuzz_mail *mails;
static const uint8_t *choice;

static void check(int holds, const char *what)
{
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

static size_t of(const tern_transaction *t)
{
  return (size_t)((fuzz_mail *)t->user - mails);
}

static tern_status on_recipient(void *user, uint32_t index, tern_recipient *out)
{
  fuzz_mail *m = user;
  check(index < m->t.rcpt_count, "recipient index");
  out->forward_path = addresses[of(&m->t)][index];
  if (choice[2] & 1) {
    out->notify = TERN_NOTIFY_SUCCESS | TERN_NOTIFY_DELAY;
    out->orcpt = "rfc822;a+b=c@x.example";
  }
  return TERN_OK;
}

static void on_settled(void *user, uint32_t index, const tern_error *error)
{
  fuzz_mail *m = user;
  char text[200];
  tern_error_format(error, text, sizeof text);
  witness_settled(w, m->number, index, m->outcome[index], error);
}

static void on_done(void *user, tern_status status, const tern_error *error)
{
  fuzz_mail *m = user;
  witness_done(w, m->number, status, error, m->outcome);
}

static tern_status on_read(void *user, const uint8_t **octets, size_t *len)
{
  fuzz_mail *m = user;
  size_t left = sizeof content - 1 - m->at, n = 1 + (choice[3] & 31u);
  if ((choice[3] & 0x40u) && ++m->reads % 3 == 0) return TERN_E_AGAIN;
  if (choice[3] & 0x80u && m->at > 20) return TERN_E_IO;
  if (n > left) n = left;
  *octets = (const uint8_t *)content + m->at;
  *len = n;
  m->at += n;
  return m->at == sizeof content - 1 ? TERN_SOURCE_END : TERN_OK;
}

static tern_status on_rewind(void *user)
{
  ((fuzz_mail *)user)->at = 0;
  return TERN_OK;
}

static tern_status on_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  (void)user;
  (void)capabilities;
  if (choice[2] & 2) info->length = (uint64_t)choice[2];
  return TERN_OK;
}

static tern_status on_progress(void *user, uint64_t sent, uint64_t total)
{
  (void)user;
  (void)total;
  return (choice[2] & 4) && sent > 30 ? TERN_E_CANCELLED : TERN_OK;
}

static tern_status on_random(void *user, uint8_t *out, size_t len)
{
  (void)user;
  memset(out, 'r', len);
  return TERN_OK;
}

static void on_trace(void *user, char who, const char *line, size_t len)
{
  static volatile char sink;
  size_t i;
  (void)user;
  check(who == 'C' || who == 'S', "trace: who");
  for (i = 0; i < len; i++) sink = line[i];
  (void)sink;
  for (i = 0; who == 'C' && i + 8 <= len; i++)
    check(memcmp(line + i, "pencil99", 8) != 0, "trace: no secret");
}

static tern_session *made(void **block, tern_credentials *credentials)
{
  static const uint32_t modes[4] = { TERN_TLS_NONE, TERN_TLS_REQUIRED, TERN_TLS_OPPORTUNISTIC,
                                     TERN_TLS_IMPLICIT };
  uint32_t window = 1 + (choice[0] >> 5 & 1u) * 2;
  size_t text = choice[1] & 0x40 ? 128 : 300, out = choice[1] & 0x80 ? 512 : 1500;
  uint32_t eager = choice[5] >> 5 & 1u;
  size_t size;
  tern_session *s = NULL;
  if (choice[3] & 0x20) out = 16384;
  size = tern_session_size(window, text, out);
  *block = malloc(size);
  if (!*block) abort();
  check(tern_session_init(&s, *block, size, window, text) == TERN_OK, "init");
  check(tern_session_set_tls(s, modes[choice[0] & 3]) == TERN_OK, "set_tls");
  tern_session_set_lmtp(s, choice[0] >> 2 & 1u);
  tern_session_set_channel_safe(s, choice[0] >> 3 & 1u);
  tern_session_set_verified(s, choice[2] >> 6 & 1u);
  tern_session_set_ehlo_name(s, "c.example");
  if (!(choice[2] & 8)) tern_session_set_trace(s, on_trace, NULL);
  tern_session_set_eager(s, eager);
  tern_session_set_mask(s, choice[4] & 0x7fu);
  if (choice[4] & 0x80) tern_session_set_pipeline(s, 60);
  if (choice[5] & 3)
    tern_session_set_policy(s, (uint32_t)1 << (choice[5] >> 2 & 7u), (choice[5] & 3u) - 1);
  witness_init(w, modes[choice[0] & 3], choice[0] >> 2 & 1, choice[0] >> 3 & 1);
  w->eager = (int)eager;
  memset(credentials, 0, sizeof *credentials);
  credentials->size = sizeof *credentials;
  credentials->user = "ann";
  credentials->password = "pencil99";
  credentials->token = "pencil99token";
  credentials->kinds = choice[0] & 0x80 ? TERN_CRED_TOKEN : TERN_CRED_PASSWORD;
  credentials->random = on_random;
  if (choice[0] & 0x40) check(tern_session_auth(s, credentials) == TERN_OK, "auth");
  return s;
}

static void fill(uint32_t n)
{
  static const tern_source source = { sizeof source, on_read, on_rewind, on_prepare };
  static const tern_span spans[3] = { { (const uint8_t *)content, 16 },
                                      { (const uint8_t *)content + 16, 20 },
                                      { (const uint8_t *)content + 36, sizeof content - 37 } };
  static const tern_span clean[2] = { { (const uint8_t *)"Subject: x\r\n\r\n", 14 },
                                      { (const uint8_t *)".x\r\n0123456789\r\n", 16 } };
  static const tern_terms terms = { "a=b@y.example", 0, 60, -5, TERN_BY_NOTIFY, 3 };
  fuzz_mail *m = &mails[n];
  uint32_t i;
  m->number = witness_add_mail(w);
  m->t.size = sizeof m->t;
  m->t.reverse_path = "s@y.example";
  m->t.flags = (choice[1] & 4 ? TERN_MAIL_ALL_OR_NONE : 0) | (choice[1] & 8 ? TERN_MAIL_RET_HDRS : 0);
  m->t.flags |= (choice[1] & 16 ? TERN_MAIL_PRDR : 0) | (choice[2] & 32 ? TERN_MAIL_BINARY : 0) |
                (choice[2] & 64 ? TERN_MAIL_REQUIRETLS : 0);
  m->t.terms = choice[2] & 128 ? &terms : NULL;
  m->t.rcpt_count = 1 + (choice[1] & 3u);
  m->t.outcome = m->outcome;
  m->t.recipient = on_recipient;
  m->t.settled = on_settled;
  m->t.done = on_done;
  if (!(choice[2] & 16)) m->t.progress = on_progress;
  m->t.user = m;
  if (choice[1] & 32) {
    m->t.source = &source;
    m->t.source_user = m;
  } else {
    m->t.spans = choice[2] & 16 ? clean : spans;
    m->t.span_count = choice[2] & 16 ? 2 : 3;
  }
  for (i = 0; i < m->t.rcpt_count; i++) witness_add_rcpt(w, m->number, addresses[n][i]);
}

static void intents(tern_session *s, uint32_t *given, int *quit)
{
  while (*given < MAILS && !tern_session_ended(s) && !tern_session_spent(s) &&
         tern_session_room(s) > 0) {
    tern_status st = tern_session_send(s, &mails[*given].t);
    check(st == TERN_OK, "send with room");
    mails[(*given)++].begun = 1;
  }
  if (!*quit && *given == MAILS && !tern_session_ended(s)) {
    *quit = 1;
    (void)tern_session_quit(s);
  }
}

/* Everything that the session wants without the server; at most `most` octets of output. */
static void serve(tern_session *s, size_t most, uint64_t *now, uint32_t *given, int *quit)
{
  uint32_t wants, steps;
  for (steps = 0; steps < 20000 && !tern_session_ended(s); steps++) {
    intents(s, given, quit);
    wants = tern_session_wants(s);
    witness_session(w, s);
    if (wants & TERN_WANT_WORK) (void)tern_session_tick(s, *now);
    else if (wants & TERN_WANT_SOURCE) (void)tern_session_resume(s, *now);
    else if (wants & TERN_WANT_TLS) {
      witness_tls(w, 1);
      (void)tern_session_tls_done(s, TERN_OK, NULL, *now);
    } else if ((wants & TERN_WRITE) && most > 0) {
      size_t len = 0;
      const uint8_t *at = tern_session_out(s, &len);
      uint8_t *copy;
      check(at != NULL && len > 0, "WRITE has octets");
      if (len > most) len = most;
      most -= len;
      copy = malloc(len);
      if (!copy) abort();
      memcpy(copy, at, len);
      witness_client(w, copy, len);
      free(copy);
      (void)tern_session_out_done(s, len, *now);
    } else
      return;
    if (w->fault[0]) return;
  }
  check(steps < 20000, "bounded work");
}

static void hand_in(tern_session *s, const uint8_t *at, size_t len, uint64_t now)
{
  uint8_t *copy = malloc(len ? len : 1);
  if (!copy) abort();
  memcpy(copy, at, len);
  witness_server(w, copy, len);
  (void)tern_session_in(s, copy, len, now);
  free(copy);
}

static void end(tern_session *s, uint8_t how, uint64_t now)
{
  uint32_t steps;
  if (how & 1) (void)tern_session_in_closed(s, TERN_E_CLOSED);
  for (steps = 0; steps < 2000 && !tern_session_ended(s); steps++) {
    uint64_t deadline = tern_session_deadline(s);
    uint32_t wants = tern_session_wants(s);
    witness_session(w, s);
    if (wants & TERN_WANT_WORK) (void)tern_session_tick(s, now);
    else if (deadline == TERN_NEVER) (void)tern_session_cancel(s);
    else {
      if (deadline > now) now = deadline;
      (void)tern_session_tick(s, now);
    }
  }
  check(tern_session_ended(s) == 1, "ends");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  void *block;
  tern_credentials credentials;
  tern_session *s;
  uint64_t now = 5;
  uint32_t given = 0, i;
  int quit = 0;
  const uint8_t *at = data + 6, *last = data + size;
  if (size < 6) return 0;
  w = malloc(sizeof *w);
  mails = calloc(MAILS, sizeof *mails);
  if (!w || !mails) abort();
  choice = data;
  s = made(&block, &credentials);
  for (i = 0; i < MAILS; i++) fill(i);
  check(tern_session_start(s, now) == TERN_OK, "start");
  while (at < last && !tern_session_ended(s) && !w->fault[0]) {
    uint8_t kind = *at++;
    size_t len = 0;
    if ((kind & 7) <= 3 && at < last) len = *at++;
    if (len > (size_t)(last - at)) len = (size_t)(last - at);
    switch (kind & 7) {
    case 0: case 1: case 2:
      serve(s, SIZE_MAX, &now, &given, &quit);
      if (!w->fault[0]) hand_in(s, at, len, now);
      break;
    case 3: /* while there is still much to write */
      serve(s, kind >> 3, &now, &given, &quit);
      if (!w->fault[0]) hand_in(s, at, len, now);
      break;
    case 4:
      serve(s, kind >> 3, &now, &given, &quit);
      break;
    case 5:
      now += (uint64_t)1 << (kind >> 3);
      (void)tern_session_tick(s, now);
      break;
    case 6:
      if (kind & 8) (void)tern_session_cancel(s);
      else (void)tern_session_in_closed(s, kind & 16 ? TERN_E_IO : TERN_E_CLOSED);
      break;
    default:
      if (tern_session_wants(s) & TERN_WANT_TLS)
        (void)tern_session_tls_done(s, TERN_E_TLS_EXPIRED, "x", now);
    }
    at += len;
  }
  if (!w->fault[0]) serve(s, SIZE_MAX, &now, &given, &quit);
  if (!w->fault[0]) end(s, choice[5] >> 7, now);
  if (!w->fault[0]) witness_session(w, s);
  for (i = 0; i < MAILS && !w->fault[0]; i++)
    if (mails[i].begun) check(w->mail[mails[i].number].done == 1, "done exactly once");
  if (w->fault[0]) {
    fprintf(stderr, "%s\n", w->fault);
    abort();
  }
  free(block);
  free(mails);
  free(w);
  return 0;
}
