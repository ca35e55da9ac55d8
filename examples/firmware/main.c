/* main.c - a device that mails its samples, on bare metal: no operating system, no heap.
 *
 * The session lives in a static block, a mail's own things in a small arena that is back at its
 * start after each. The deadlines are tern's, on the board's clock: a server that falls silent
 * is TERN_E_TIMEOUT, as is a line that was cut, for a UART has no end. Options come from the
 * emulator's command line, results go there as name=value; the exit status is that of
 * sysexits.h.
 *
 * mails=1000 samples=48 timeout=10000 tls=0 auth=1 */
#include <string.h>
#include <tern/session.h>

#include "board.h"
#include "report.h"
#include "wire.h"

#define HOST "mail.example.org"

static uint64_t block[TERN_SESSION_SIZE(1, 256, 512 + TERN_SASL_STATE_SIZE) / 8];
static uint64_t memory[48]; /* of the mails */
static uint32_t accepted;
static struct {
  tern_status status;
  uint32_t phase, reply;
  int32_t sysexit;
} last; /* what went wrong last */

typedef struct mail {
  tern_transaction t;
  report content;
  uint8_t outcome[2];
} mail;

static tern_status recipient(void *user, uint32_t index, tern_recipient *out)
{
  (void)user;
  out->forward_path = index == 0 ? "ops@plant.example" : "archive@plant.example";
  return TERN_OK;
}

static void keep(const tern_error *error)
{
  last.status = tern_error_status(error);
  last.phase = tern_error_phase(error);
  last.reply = tern_reply_code(tern_error_reply(error));
  last.sysexit = tern_error_sysexit(error);
}

static void done(void *user, tern_status status, const tern_error *error)
{
  const mail *m = user;
  uint32_t i;

  for (i = 0; i < m->t.rcpt_count; i++) accepted += m->outcome[i] == TERN_ACCEPTED;
  if (status != TERN_OK) keep(error);
}

/* Moves octets until the session is idle or has ended. */
static void pump(tern_session *s)
{
  uint8_t in[64];
  const uint8_t *out;
  uint32_t wants;
  size_t len, n;
  tern_status st;

  while ((wants = tern_session_wants(s)) != 0) {
#ifndef TERN_NO_STARTTLS
    if (wants & TERN_WANT_TLS) {
      st = wire_handshake(HOST);
      if (st != TERN_E_AGAIN) (void)tern_session_tls_done(s, st, NULL, board_ms());
    } else
#endif
    if (wants & TERN_WANT_WORK) {
      (void)tern_session_tick(s, board_ms());
    } else {
      st = wire_read(in, sizeof in,
                     &n); /* read first: a server that waits to be read from cannot read */
      if (st == TERN_OK)
        (void)tern_session_in(s, in, n, board_ms());
      else if (st != TERN_E_AGAIN)
        (void)tern_session_in_closed(s, st);
      out = tern_session_out(s, &len);
      if (out != NULL && (st = wire_write(out, len, &n)) != TERN_E_AGAIN)
        (void)(st == TERN_OK ? tern_session_out_done(s, n, board_ms())
                             : tern_session_in_closed(s, st));
    }
    if (board_ms() >= tern_session_deadline(s)) (void)tern_session_tick(s, board_ms());
  }
}

/* One mail, its memory taken and given back. */
static void send(tern_session *s, const tern_allocator *mem, uint32_t number)
{
  mail *m = mem->alloc(mem->user, sizeof *m);

  if (m == NULL) {
    last.status = TERN_E_NOMEM;
    return;
  }
  memset(m, 0, sizeof *m);
  m->content.number = number;
  m->content.samples = board_option("samples", 48);
  m->t.size = sizeof m->t;
  m->t.reverse_path = "plant7@device.example";
  m->t.rcpt_count = 2;
  m->t.outcome = m->outcome;
  m->t.recipient = recipient;
  m->t.done = done;
  m->t.user = m;
  m->t.source = &report_source;
  m->t.source_user = &m->content;
  if (tern_session_send(s, &m->t) == TERN_OK)
    pump(s);
  else if (!tern_session_ended(s))
    keep(tern_session_argument_error(s));
  mem->free(mem->user, m, sizeof *m);
}

static void report_results(const tern_arena *arena, uint32_t start)
{
  size_t peak, level;

  board_say("accepted", (int32_t)accepted);
  board_say("status", last.status);
  board_say("phase", (int32_t)last.phase);
  board_say("reply", (int32_t)last.reply);
  board_say("stack", (int32_t)board_stack());
  board_say("arena_peak", (int32_t)tern_arena_peak(arena));
  board_say("arena_back", tern_arena_level(arena) == start);
  wire_memory(&peak, &level);
  board_say("tls_peak", (int32_t)peak);
  board_say("tls_level", (int32_t)level);
}

int main(void)
{
  tern_arena arena;
  const tern_allocator *mem = tern_arena_init(&arena, memory, sizeof memory);
  size_t start = tern_arena_level(&arena), first = 0, level, peak;
  uint32_t mails = board_option("mails", 1), i;
  tern_credentials cred;
  tern_session *s;

  memset(&cred, 0, sizeof cred);
  cred.size = sizeof cred;
  cred.user = "plant7";
  cred.password = "not a secret: for tests";
  cred.kinds = TERN_CRED_PASSWORD;
  cred.random = wire_random;

  (void)tern_session_init(&s, block, sizeof block, 1, 256);
  (void)tern_session_set_ehlo_name(s, "plant7.device.example");
  (void)tern_session_set_tls(s, board_option("tls", 0) ? TERN_TLS_REQUIRED : TERN_TLS_NONE);
  (void)tern_session_set_channel_safe(
    s, 1); /* by our word: nobody but the gateway listens on this wire */
  (void)tern_session_set_timeout(s, TERN_PHASE_NONE, board_option("timeout", 10000));
  board_say("ready", 1); /* the gateway may connect now */
  (void)tern_session_start(s, board_ms());
  if (board_option("auth", 1)) (void)tern_session_auth(s, &cred);
  for (i = 0; i < mails && last.status == TERN_OK && !tern_session_ended(s); i++) {
    send(s, mem, i);
    wire_memory(&peak, &level);
    if (i == 0) first = level;
    if (level > first || tern_arena_level(&arena) != start) last.status = TERN_E_NOMEM;
  }
  (void)tern_session_quit(s);
  pump(s);
  if (last.status == TERN_OK) keep(tern_session_error(s)); /* the mail's own error says more */
  board_say("mails", (int32_t)i);
  report_results(&arena, (uint32_t)start);
  return last.status == TERN_OK ? 0 : last.sysexit != 0 ? (int)last.sysexit : 1;
}
