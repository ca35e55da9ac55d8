/* fuzz_ready.c - a ready message (RFC 5322 text) from any octets, whole and in pieces: both give the same answer, recipients and
 * octets; what is passed on has no bare line end and no Bcc in its header; read again it is passed on as it is.
 * Input: size of the pieces, then the message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/ready.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 262144u

static char one[ROOM], two[ROOM];

static void wrong(const char *what)
{
  fprintf(stderr, "%s\n", what);
  abort();
}

typedef struct pieces {
  const uint8_t *octets;
  size_t len, step, at;
} pieces;

static tern_status pieces_read(void *user, const uint8_t **octets, size_t *len)
{
  pieces *p = user;

  *len = p->len - p->at < p->step ? p->len - p->at : p->step;
  *octets = p->octets + p->at;
  p->at += *len;
  return p->at == p->len ? TERN_SOURCE_END : TERN_OK;
}

static tern_status pieces_rewind(void *user)
{
  ((pieces *)user)->at = 0;
  return TERN_OK;
}

static const tern_source table = {sizeof table, pieces_read, pieces_rewind, NULL};

static tern_status pass(tern_ready *r, pieces *p, char *out, size_t *len)
{
  const uint8_t *octets;
  tern_status st = tern_ready_set_source(r, &table, p);
  size_t n;

  *len = 0;
  if (st == TERN_OK) st = tern_ready_set_date(r, 1795576054, 60);
  if (st == TERN_OK) st = tern_ready_set_message_id(r, "1@example.org");
  if (st == TERN_OK) st = tern_ready_set_from(r, "ann@example.org");
  if (st == TERN_OK) st = tern_ready_read(r);
  if (st != TERN_OK) return st;
  do {
    n = 0;
    st = tern_ready_source()->read(r, &octets, &n);
    if (st < 0) return st;
    if (n > ROOM - *len) wrong("more octets than there can be");
    if (n != 0) memcpy(out + *len, octets, n);
    *len += n;
  } while (st == TERN_OK);
  return TERN_OK;
}

static void look_at(const char *text, size_t len)
{
  size_t i;
  int header = 1;

  for (i = 0; i < len; i++) {
    if ((text[i] == '\n') != (i > 0 && text[i - 1] == '\r')) wrong("a bare line end");
    if (header && text[i] == '\n' && i + 3 < len && text[i + 1] == '\r') header = 0;
    if (header && (i == 0 || text[i - 1] == '\n') && i + 4 <= len && (text[i] | 32) == 'b' && (text[i + 1] | 32) == 'c' &&
        (text[i + 2] | 32) == 'c' && text[i + 3] == ':')
      wrong("Bcc");
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  tern_ready *a = tern_ready_new(NULL), *b = tern_ready_new(NULL);
  pieces whole, small, again;
  tern_status st, st2;
  size_t len, len2;
  uint32_t i;

  if (size >= 2 && size < 40000) {
    whole.octets = small.octets = data + 1;
    whole.len = small.len = size - 1;
    whole.at = small.at = 0;
    whole.step = size;
    small.step = 1 + data[0] % 64u;
    st = pass(a, &whole, one, &len);
    st2 = pass(b, &small, two, &len2);
    if (st != st2 || len != len2 || memcmp(one, two, len) != 0) wrong("pieces make a difference");
    if (st == TERN_OK) {
      if (tern_ready_rcpt_count(a) != tern_ready_rcpt_count(b)) wrong("recipients");
      for (i = 0; i < tern_ready_rcpt_count(a); i++)
        if (strcmp(tern_ready_rcpt(a, i), tern_ready_rcpt(b, i)) != 0) wrong("recipients");
      look_at(one, len);
      again.octets = (const uint8_t *)one;
      again.len = again.step = len;
      again.at = 0;
      if (pass(b, &again, two, &len2) != TERN_OK || len2 != len || memcmp(one, two, len) != 0) wrong("not the same again");
    }
  }
  tern_ready_free(a);
  tern_ready_free(b);
  return 0;
}
