/* lwip.c - drives a tern session by lwIP's raw API (tcp.h), without a thread and without
 * waiting.
 *
 * All of it runs in lwIP's context, called by lwIP: connected, octets came, octets were
 * acknowledged, half a second went by, the connection broke. Octets go out as copies in lwIP's
 * send buffer; what it has taken counts as handed over, for from then on nobody can say that it
 * was not sent. tcp_poll is the clock of the deadlines, exact to half a second. STARTTLS: put
 * wire_tls.c's functions between, with octets from and to here; a session that wants TLS ends
 * with TERN_E_UNSUPPORTED as it stands. Until the connection stands, lwIP's own time for it
 * applies (TCP_SYNMAXRTX). Implicit TLS by lwIP itself: the same with altcp_tls's functions in
 * the place of tcp's. */
#include "lwip.h"

#define HALF_SECONDS 1 /* between two calls of tcp_poll's function */

static tern_status status_of(err_t err)
{
  return err == ERR_RST || err == ERR_CLSD || err == ERR_ABRT ? TERN_E_CLOSED : TERN_E_IO;
}

/* Lets go of the pcb. ERR_ABRT, which the caller must return to lwIP, where it had to be
 * aborted. */
static err_t let_go(tern_lwip *link)
{
  struct tcp_pcb *pcb = link->pcb;
  err_t result = ERR_OK;

  if (pcb != NULL) {
    link->pcb = NULL;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    /* after a failure not another octet may leave: a rest of the message in the send buffer
     * could complete it */
    if (tern_error_status(tern_session_error(link->session)) != TERN_OK ||
        tcp_close(pcb) != ERR_OK) {
      tcp_abort(pcb);
      result = ERR_ABRT;
    }
    if (link->ended != NULL) link->ended(link);
  }
  return result;
}

/* Hands the session's octets to lwIP as far as it takes them. */
static void write_some(tern_lwip *link)
{
  const uint8_t *out;
  size_t len, n;

  while ((out = tern_session_out(link->session, &len)) != NULL &&
         (n = tcp_sndbuf(link->pcb)) != 0) {
    if (n > len) n = len;
    if (n > 0xffff) n = 0xffff;
    if (tcp_write(link->pcb, out, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK)
      break; /* no memory now: `sent` or the poll tries again */
    (void)tern_session_out_done(link->session, n, link->now());
  }
  (void)tcp_output(link->pcb);
}

static err_t move(tern_lwip *link)
{
  tern_session *s = link->session;
  uint32_t wants;

  if (link->pcb == NULL) return ERR_OK;
  while ((wants = tern_session_wants(s)) & TERN_WANT_WORK)
    (void)tern_session_tick(s, link->now()); /* a piece of SCRAM's computing each */
  if (wants & TERN_WANT_TLS) (void)tern_session_tls_done(s, TERN_E_UNSUPPORTED, NULL, link->now());
  if (link->now() >= tern_session_deadline(s)) (void)tern_session_tick(s, link->now());
  if (!tern_session_ended(s)) write_some(link);
  return tern_session_ended(s) ? let_go(link) : ERR_OK;
}

void tern_lwip_pump(tern_lwip *link)
{
  (void)move(link);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
  tern_lwip *link = arg;

  (void)pcb;
  (void)err; /* always ERR_OK; a failure comes to on_error */
  (void)tern_session_start(link->session, link->now());
  return move(link);
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
  tern_lwip *link = arg;
  struct pbuf *q;

  if (p == NULL) { /* the peer closed */
    (void)tern_session_in_closed(link->session, err == ERR_OK ? TERN_E_CLOSED : status_of(err));
    return move(link);
  }
  for (q = p; q != NULL; q = q->next)
    (void)tern_session_in(link->session, q->payload, q->len, link->now());
  tcp_recved(pcb, p->tot_len);
  (void)pbuf_free(p);
  return move(link);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
  (void)pcb;
  (void)len;
  return move(arg);
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
  (void)pcb;
  return move(arg);
}

/* The pcb is gone already. */
static void on_error(void *arg, err_t err)
{
  tern_lwip *link = arg;

  link->pcb = NULL;
  (void)tern_session_in_closed(link->session, status_of(err));
  if (link->ended != NULL) link->ended(link);
}

err_t tern_lwip_connect(tern_lwip *link, const ip_addr_t *host, u16_t port)
{
  err_t err;

  link->pcb = tcp_new();
  if (link->pcb == NULL) return ERR_MEM;
  tcp_arg(link->pcb, link);
  tcp_recv(link->pcb, on_received);
  tcp_sent(link->pcb, on_sent);
  tcp_err(link->pcb, on_error);
  tcp_poll(link->pcb, on_poll, HALF_SECONDS);
  err = tcp_connect(link->pcb, host, port, on_connected);
  if (err != ERR_OK) tcp_abort(link->pcb); /* calls on_error */
  return err;
}
