/* probe.h - what a probe has found. Absent with TERN_NO_SOCKETS. */
#ifndef TERN_LIB_CLIENT_PROBE_H
#define TERN_LIB_CLIENT_PROBE_H

#include <tern/probe.h>
#include <time.h>

#include "base/error.h"
#include "client/credential.h"
#include "transport/race.h"

#define TERN__PROBE_LINES 128u
#define TERN__PROBE_TEXT 4096u
#define TERN__PROBE_FOUND 24u

typedef struct tern__probe_lines {
  uint32_t count;
  size_t used;
  uint16_t at[TERN__PROBE_LINES];
  char text[TERN__PROBE_TEXT];
} tern__probe_lines;

typedef struct tern__found {
  uint32_t level;
  tern_status status;
  uint32_t who;
  const char *hint;
  char text[240];
} tern__found;

struct tern_probe {
  const tern_allocator *mem;
  tern_client *client; /* during the run */
  tern_trace trace;    /* the caller's */
  void *trace_user;
  uint8_t in_ehlo;
  uint8_t asked; /* the client has spoken: what comes is no greeting */
  uint8_t connected;
  uint8_t looks;
  uint8_t leaving; /* QUIT was said */
  uint8_t behind;  /* the second look: the client's own are put aside here */
  uint8_t verify;
  tern__login login;
  tern_status result; /* of the first look */
  tern__probe_lines ehlo[2]; /* before and within TLS */
  tern__tried tried;
  char addresses[TERN__RACE_MOST][96];
  uint32_t capabilities;
  uint64_t size_limit;
  uint32_t rcpt_max;
  uint32_t mail_max;
  const char *mechanisms; /* in ehlo */
  tern_status certificate;
  uint32_t tls_verified;
  uint32_t name_fits;
  uint64_t ends;
  tern_tls_chain *chain; /* or NULL */
  tern_error error;
  uint32_t found_count;
  tern__found found[TERN__PROBE_FOUND];
  char greeting[512];
  char peer[128];
  char mechanism[32];
  char tls_version[16];
  char tls_cipher[64];
  char error_text[1024];
  char reply_text[1024];
};

/* ---- findings.c ------------------------------------------------------------------------------------*/
/* Fills p->found with what is wrong, gravest first. now: seconds since 1970. */
void tern__probe_judge(tern_probe *p, uint64_t now);

#endif
