/* report.c - a tern_source: header and text from flash, then the attachment line by line in
 * base64, then the last boundary. It can rewind, so that a server which takes the recipients in
 * two rounds gets it twice. */
#include "report.h"

#include <string.h>

static const char head[] =
  "From: Plant 7 <plant7@device.example>\r\nTo: ops@plant.example\r\nSubject: "
  "samples\r\nMIME-Version: 1.0\r\n"
  "Content-Type: multipart/mixed; boundary=\"samples\"\r\n\r\n"
  "--samples\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
  "The samples of this hour are attached.\r\n"
  ".\r\n" /* a line that some clients end the mail with */
  "..and one more.\r\n"
  "--samples\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
  "Content-Disposition: attachment; filename=\"samples.bin\"\r\n\r\n";
static const char tail[] = "--samples--\r\n";

/* Sample i of message n: what the sensor would say. */
static uint32_t sample(uint32_t n, uint32_t i)
{
  return (n * 2654435761u) ^ (i * 40503u);
}

/* Three octets as four letters. */
static void put(char *out, const uint8_t *in, size_t len)
{
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t v =
    (uint32_t)in[0] << 16 | (len > 1 ? (uint32_t)in[1] << 8 : 0u) | (len > 2 ? in[2] : 0u);

  out[0] = letters[v >> 18];
  out[1] = letters[v >> 12 & 63];
  out[2] = len > 1 ? letters[v >> 6 & 63] : '=';
  out[3] = len > 2 ? letters[v & 63] : '=';
}

/* A line of at most twelve samples. */
static size_t attachment_line(report *r)
{
  uint8_t raw[48];
  size_t n = 0, i, at = 0;

  for (; n < sizeof raw && r->next < r->samples; r->next++) {
    uint32_t v = sample(r->number, r->next);

    for (i = 0; i < 4; i++) raw[n++] = (uint8_t)(v >> (24 - 8 * i));
  }
  for (i = 0; i < n; i += 3, at += 4) put(r->line + at, raw + i, n - i < 3 ? n - i : 3);
  r->line[at++] = '\r';
  r->line[at++] = '\n';
  return at;
}

static tern_status read(void *user, const uint8_t **octets, size_t *len)
{
  report *r = user;
  const char *text = head;

  switch (r->part) {
  case 0:
    *len = sizeof head - 1;
    r->part++;
    break;
  case 1:
    if (r->next < r->samples) {
      *len = attachment_line(r);
      text = r->line;
      break;
    }
    r->part++;
    text = tail;
    *len = sizeof tail - 1;
    break;
  default: return TERN_SOURCE_END;
  }
  *octets = (const uint8_t *)text;
  return TERN_OK;
}

static tern_status rewind(void *user)
{
  report *r = user;

  r->part = 0;
  r->next = 0;
  return TERN_OK;
}

const tern_source report_source = {sizeof report_source, read, rewind, NULL};
