/* lwip.h - a tern session over lwIP's raw TCP: see lwip.c. */
#ifndef FIRMWARE_LWIP_H
#define FIRMWARE_LWIP_H

#include <lwip/ip_addr.h>
#include <lwip/tcp.h>
#include <tern/session.h>

typedef struct tern_lwip tern_lwip;
struct tern_lwip {
  tern_session *session; /* made and set by the caller; not started */
  uint64_t (*now)(
    void); /* milliseconds: sys_now() widened, so that it does not go back after 49 days */
  void (*ended)(
    tern_lwip
      *link); /* the connection is gone and nothing here will be called again; may be NULL */
  void *user; /* the caller's */
  struct tcp_pcb *pcb; /* ours: NULL before and afterwards */
};

/* Connects, and starts the session once connected. To be called in lwIP's context (the main
 * loop, or under the core lock). ERR_OK; ERR_MEM: no pcb left; what tcp_connect answers. Mails
 * and QUIT may be given to the session before or afterwards; afterwards tern_lwip_pump sets them
 * going. */
err_t tern_lwip_connect(tern_lwip *link, const ip_addr_t *host, u16_t port);
/* Moves what can be moved. After each intent that was given to an idle session; in lwIP's
 * context. */
void tern_lwip_pump(tern_lwip *link);

#endif
