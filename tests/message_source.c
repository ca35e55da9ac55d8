/* message_source.c - see message_source.h. */
#include "message_source.h"

#include <stdlib.h>
#include <string.h>

static tern_status split_read(void *user, const uint8_t **octets, size_t *len)
{
  split *s = user;
  size_t n = s->len - s->at;

  free(s->piece);
  s->piece = NULL;
  *len = 0;
  s->reads++;
  if (s->again != 0 && s->reads % s->again == 0) return TERN_E_AGAIN;
  if (s->step != 0 && n > s->step) n = s->step;
  if (s->fail_at != 0 && s->at + n >= s->fail_at) return TERN_E_IO;
  if (n == 0) return TERN_SOURCE_END;
  s->piece = malloc(n);
  if (s->piece == NULL) abort();
  memcpy(s->piece, s->octets + s->at, n);
  s->at += n;
  *octets = (const uint8_t *)s->piece;
  *len = n;
  /* both ways of ending are in use */
  return s->at == s->len && s->reads % 2 == 0 ? TERN_SOURCE_END : TERN_OK;
}

static tern_status split_rewind(void *user)
{
  split *s = user;

  s->at = 0;
  return TERN_OK;
}

static tern_status split_prepare(void *user, uint32_t capabilities, tern_content_info *info)
{
  split *s = user;

  s->told = capabilities;
  if (s->length != 0) info->length = s->length;
  info->flags = s->flags;
  return TERN_OK;
}

const tern_source split_source = {sizeof split_source, split_read, split_rewind, split_prepare};
const tern_source split_once = {sizeof split_once, split_read, NULL, split_prepare};

void split_free(split *s)
{
  free(s->piece);
  s->piece = NULL;
}

char *read_all(const tern_source *source, void *user, size_t *len, tern_status *status)
{
  char *all = malloc(1);
  const uint8_t *octets;
  size_t n;

  *len = 0;
  for (;;) {
    *status = source->read(user, &octets, &n);
    if (*status == TERN_E_AGAIN) continue;
    if (*status != TERN_OK && *status != TERN_SOURCE_END) break;
    if (*status == TERN_OK && n == 0) abort(); /* a promise of tern_source */
    all = realloc(all, *len + n + 1);
    if (all == NULL) abort();
    if (n != 0) memcpy(all + *len, octets, n);
    *len += n;
    if (*status == TERN_SOURCE_END) {
      all[*len] = '\0';
      return all;
    }
  }
  free(all);
  return NULL;
}

static void *fail_alloc(void *user, size_t size)
{
  failing *f = user;
  void *p;

  f->calls++;
  if (f->fail_at != 0 && (f->forever ? f->calls >= f->fail_at : f->calls == f->fail_at)) return NULL;
  p = malloc(size);
  if (p == NULL) abort();
  f->live++;
  return p;
}

static void fail_free(void *user, void *ptr, size_t size)
{
  failing *f = user;

  memset(ptr, 0xdd, size); /* so that use after free and wrong sizes show */
  f->live--;
  free(ptr);
}

void failing_init(failing *f, size_t fail_at, int forever)
{
  memset(f, 0, sizeof *f);
  f->allocator.user = f;
  f->allocator.alloc = fail_alloc;
  f->allocator.free = fail_free;
  f->fail_at = fail_at;
  f->forever = forever;
}
