/* compose.h - a message made of options instead of one read from standard input. */
#ifndef TERN_SEND_COMPOSE_H
#define TERN_SEND_COMPOSE_H

#include <tern/tern.h>

#include "options.h"

typedef struct blob blob;

typedef struct composer {
  tern_message *msg;
  blob *blobs;                /* files and standard input, behind the message */
  const volatile int *stop;   /* set by a signal: reading ends */
  /* of a failure without an error of the message's */
  tern_status status;
  int exit_code;
  char problem[200];
} composer;

/* Makes c->msg of the options. 0: good. Else the message's error, or with c->problem what is wrong. */
int compose(composer *c, const options *o);
void compose_free(composer *c);

#endif
