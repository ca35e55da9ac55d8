/* report.h - the message that the device sends: a text, and the samples of its sensor as an
 * attachment which is made while it is sent. Nothing of it is ever held whole. */
#ifndef REPORT_H
#define REPORT_H

#include <tern/base.h>

typedef struct report {
  uint32_t number;  /* of the message */
  uint32_t samples; /* four octets each */
  uint32_t next;    /* sample to be sent */
  uint8_t part;
  char line[80];
} report;

extern const tern_source report_source; /* its user is a report */

#endif
