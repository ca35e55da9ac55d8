/* fuzz_encode.c - bodies through every encoder in pieces, decoded again here: octets come back as they went in, text with its
 * line ends made CRLF; the scan's lengths are those written; no line is over 76 (or, unencoded, longer than it was).
 * Input: encoding, text or octets, the size of pieces; then the body. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "message/encode.h"

#define ROOM (1u << 20)

static uint8_t out[ROOM], want[ROOM], got[ROOM];

static void wrong(const char *what)
{
  fprintf(stderr, "%s\n", what);
  abort();
}

static size_t canonical(const uint8_t *in, size_t len)
{
  size_t i, n = 0;

  for (i = 0; i < len; i++) {
    if (in[i] == '\r' || in[i] == '\n') {
      if (in[i] == '\r' && i + 1 < len && in[i + 1] == '\n') i++;
      want[n++] = '\r';
      want[n++] = '\n';
    } else {
      want[n++] = in[i];
    }
  }
  return n;
}

static int hex(uint8_t c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t undo_qp(size_t len)
{
  size_t i, n = 0, line = 0;

  for (i = 0; i < len; i++) {
    if (out[i] == '\r') {
      if (i + 1 >= len || out[i + 1] != '\n') wrong("a bare CR");
      if (i > 0 && (out[i - 1] == ' ' || out[i - 1] == '\t')) wrong("a blank before a line end");
      got[n++] = '\r';
      got[n++] = '\n';
      i++;
      line = 0;
      continue;
    }
    if (++line > 76) wrong("a line over 76");
    if (out[i] == '\n' || out[i] > 126 || (out[i] < 32 && out[i] != '\t')) wrong("an octet that must be quoted");
    if (line == 1 && out[i] == '.') wrong("a dot at the beginning");
    if (out[i] != '=') {
      got[n++] = out[i];
    } else if (i + 2 < len && out[i + 1] == '\r' && out[i + 2] == '\n') {
      i += 2;
      line = 0;
    } else {
      if (i + 2 >= len || hex(out[i + 1]) < 0 || hex(out[i + 2]) < 0) wrong("a = without digits");
      got[n++] = (uint8_t)(hex(out[i + 1]) * 16 + hex(out[i + 2]));
      i += 2;
      line += 2;
      if (line > 76) wrong("a line over 76");
    }
  }
  return n;
}

static size_t undo_base64(size_t len)
{
  static char letters[ROOM];
  size_t i, n = 0, line = 0, result;

  for (i = 0; i < len; i++) {
    if (out[i] == '\r' || out[i] == '\n') {
      line = 0;
      continue;
    }
    if (++line > 76) wrong("a line over 76");
    letters[n++] = (char)out[i];
  }
  result = tern__base64_decode(got, letters, n);
  if (result == SIZE_MAX) wrong("base64 that is none");
  return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint32_t encodings[] = {TERN_ENCODING_8BIT, TERN_ENCODING_QUOTED_PRINTABLE, TERN_ENCODING_BASE64};
  tern__encoder e;
  tern__scanner s;
  tern__scan scan;
  uint32_t encoding;
  size_t piece, at, n = 0, len, back;
  int text;

  if (size < 3 || size > 50000) return 0;
  encoding = encodings[data[0] % 3];
  text = encoding == TERN_ENCODING_8BIT || (data[1] & 1);
  piece = data[2] % 64 + 1u;
  data += 3;
  size -= 3;
  tern__encoder_begin(&e, encoding, text);
  tern__scan_begin(&s, &scan, text);
  for (at = 0; at < size; at += piece) {
    const uint8_t *in = data + at;
    size_t left = size - at < piece ? size - at : piece;
    tern__scan_piece(&s, in, left);
    while (left > 0) n += tern__encode(&e, &in, &left, out + n, TERN__ENCODE_ROOM + piece % 7);
  }
  n += tern__encode_end(&e, out + n);
  tern__scan_end(&s);
  tern__scan_begin_qp(&s, &scan, text); /* in one piece: where the pieces end must not show */
  if (size > 0) tern__scan_piece(&s, data, size);
  tern__scan_end(&s);
  len = text ? canonical(data, size) : size;
  if (!text) memcpy(want, data, size);
  if (scan.octets != size || (text && scan.length != len)) wrong("the scan counts otherwise");
  if (encoding == TERN_ENCODING_QUOTED_PRINTABLE) {
    if (scan.qp_length != n) wrong("the scan's quoted-printable is of another length");
    back = undo_qp(n);
  } else if (encoding == TERN_ENCODING_BASE64) {
    if (tern__base64_lines(len) != n) wrong("base64 is of another length");
    back = undo_base64(n);
  } else {
    back = n;
    memcpy(got, out, n);
  }
  if (back != len || memcmp(got, want, len) != 0) wrong("something else came out");
  return 0;
}
