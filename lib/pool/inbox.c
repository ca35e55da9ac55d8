/* inbox.c - mails from other threads, through a pipe.
 *
 * A record of at most RECORD octets is written in one piece or not at all (POSIX, PIPE_BUF), to a pipe
 * that does not block: so it needs neither a lock nor memory, is bounded (some 600 to 1,600 mails on
 * Linux), wakes who polls, and the kernel orders what the one thread wrote to the mail before what the
 * other reads of it. What finds no room in the pool stays in the pipe, and then hand_in says full.
 * Limit: a URL of 400 octets. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "pool/pool.h"

#define RECORD 512u /* _POSIX_PIPE_BUF */
#define URL 400u

typedef struct tern__pool_record {
  tern_mail *mail; /* NULL: nothing, only to wake */
  uint64_t submitter;
  uint64_t at; /* when it was handed in */
  uint32_t timeout;
  uint32_t url_size; /* with its NUL; the octets follow */
} tern__pool_record;

typedef char record_fits[sizeof(tern__pool_record) + URL <= RECORD ? 1 : -1];

tern_status tern__pool_inbox_open(tern_pool *p)
{
  int i;

  if (p->inbox[0] >= 0) return TERN_OK;
  if (pipe(p->inbox) != 0) {
    p->inbox[0] = p->inbox[1] = -1;
    return TERN_E_IO;
  }
  for (i = 0; i < 2; i++)
    if (fcntl(p->inbox[i], F_SETFD, FD_CLOEXEC) != 0 || fcntl(p->inbox[i], F_SETFL, O_NONBLOCK) != 0)
      break;
  if (i == 2 && tern__loop_join(&p->loop, &p->inbox_handle, &p->inbox_handle)) {
    tern__loop_watch(&p->loop, &p->inbox_handle, p->inbox[0], TERN_READ, 1);
    return TERN_OK;
  }
  tern__pool_inbox_close(p);
  return i == 2 ? TERN_E_NOMEM : TERN_E_IO;
}

void tern__pool_inbox_close(tern_pool *p)
{
  if (p->inbox[0] < 0) return;
  tern__loop_leave(&p->loop, &p->inbox_handle);
  (void)close(p->inbox[0]);
  (void)close(p->inbox[1]);
  p->inbox[0] = p->inbox[1] = -1;
}

static tern_status put(const tern_pool *p, const tern__pool_record *r, const char *url)
{
  char octets[RECORD];
  size_t size = sizeof *r + r->url_size;
  ssize_t n;

  memcpy(octets, r, sizeof *r);
  if (r->url_size) memcpy(octets + sizeof *r, url, r->url_size);
  do n = write(p->inbox[1], octets, size);
  while (n < 0 && errno == EINTR);
  tern__wipe(octets, size);
  if (n == (ssize_t)size) return TERN_E_AGAIN;
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? TERN_E_FULL : TERN_E_IO;
}

tern_status tern_pool_hand_in(tern_pool *p, const char *url, tern_mail *mail, uint64_t submitter,
                              uint32_t timeout)
{
  tern__pool_record r;
  tern_error e;
  tern_status st;
  size_t len;

  if (!p || !mail) return TERN_E_NOMEM;
  if (p->inbox[1] < 0 || mail->where != TERN__MAIL_IDLE) return TERN_E_STATE;
  len = url ? strlen(url) : 0;
  if (!len || len >= URL) return TERN_E_URL;
  if (tern__mail_ready(mail, &e) != TERN_OK) return e.status;
  memset(&r, 0, sizeof r);
  r.mail = mail;
  r.submitter = submitter;
  r.timeout = timeout;
  r.at = tern__host_now();
  r.url_size = (uint32_t)len + 1;
  mail->where = TERN__MAIL_QUEUED;
  st = put(p, &r, url);
  if (st != TERN_E_AGAIN) mail->where = TERN__MAIL_IDLE; /* else it is not ours any more */
  return st;
}

void tern_pool_cancel(tern_pool *p)
{
  tern__pool_record r;
  int e = errno; /* of whom a signal interrupted */

  if (!p) return;
  p->cancel = 1;
  memset(&r, 0, sizeof r);
  if (p->inbox[1] >= 0) (void)put(p, &r, NULL);
  errno = e;
}

/* ---- the pool's end -----------------------------------------------------------------------------------*/
static void refuse(tern_pool *p, tern_mail *mail, const tern_error *e)
{
  tern__mail_fail_unsent(mail, e);
  tern__mail_conclude(mail, e);
  tern__pool_result(p, mail);
}

static void take(tern_pool *p, const tern__pool_record *r, const char *url, int not_any_more)
{
  uint32_t timeout = r->timeout ? r->timeout : p->timeout;
  tern_error e;

  r->mail->where = TERN__MAIL_IDLE;
  tern__mail_reset(r->mail);
  tern__error_set(&e, TERN_E_CANCELLED, TERN_PHASE_NONE);
  if (not_any_more ||
      tern__pool_take(p, url, r->mail, r->submitter, timeout ? r->at + timeout : TERN_NEVER, &e) !=
          TERN_OK)
    refuse(p, r->mail, &e);
}

void tern__pool_inbox_take(tern_pool *p, int all)
{
  tern__pool_record r;
  char url[URL];

  if (!all && p->inbox_handle.events && !tern__list_in(&p->inbox_handle.ready)) return;
  while (p->inbox[0] >= 0 && (all || p->closing || p->waiting < p->most_waiting)) {
    if (read(p->inbox[0], &r, sizeof r) != (ssize_t)sizeof r) break;
    if (!r.mail) continue;
    if (read(p->inbox[0], url, r.url_size) != (ssize_t)r.url_size) break;
    take(p, &r, url, p->closing);
    tern__wipe(url, r.url_size);
  }
  if (p->inbox[0] >= 0)
    tern__loop_watch(&p->loop, &p->inbox_handle, p->inbox[0],
                     p->closing || p->waiting < p->most_waiting ? TERN_READ : 0, 0);
}
