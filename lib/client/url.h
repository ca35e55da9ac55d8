/* url.h - where to send, as one line: smtp:, smtps:, lmtp:, lmtp+unix:; and through which proxy: socks5:,
 * http:. */
#ifndef TERN_LIB_CLIENT_URL_H
#define TERN_LIB_CLIENT_URL_H

#include "base/error.h"

typedef struct tern__url {
  char *user;     /* decoded, or NULL */
  char *password; /* decoded, or NULL */
  char *host;     /* a name or address without brackets; NULL with path */
  char *path;     /* of a Unix socket, decoded, or NULL */
  uint32_t port;  /* 0: none was given */
  uint32_t tls;   /* TERN_TLS_... */
  uint32_t lmtp;
  uint32_t proxy; /* of a proxy: TERN__PROXY_... */
  char *block; /* holds all of the strings above */
  size_t size;
} tern__url;

/* Takes text apart. TERN_E_URL with field and position in *error, TERN_E_NOMEM, TERN_E_ARGUMENT;
 * *url is then empty. */
tern_status tern__url_parse(tern__url *url, const tern_allocator *mem, const char *text,
                            tern_error *error);
/* The same for a proxy: socks5://, socks5h:// (which is the same: the proxy always resolves) and http://;
 * the port is there, 1080 by default for SOCKS. */
tern_status tern__url_parse_proxy(tern__url *url, const tern_allocator *mem, const char *text,
                                  tern_error *error);
/* The port, or that which goes with the TLS mode that holds at last. */
uint32_t tern__url_port(const tern__url *url, uint32_t tls);
/* Wiped: there can be a password in it. */
void tern__url_free(tern__url *url, const tern_allocator *mem);

#endif
