/* child.c - the mail of one try: the recipients of a part that are open, over the content that all share
 * (design decision 9). Neighbours: walk.c sends it and reads what became of it. */
#include <string.h>

#include "delivery/delivery.h"

static int is_ascii(const char *text, size_t len)
{
  size_t i;

  for (i = 0; i < len; i++)
    if ((uint8_t)text[i] > 127) return 0;
  return 1;
}

/* The address as it is sent: where only the domain is beyond ASCII, with that as A-labels, so that no host
 * needs SMTPUTF8 for it. out is 64 + 1 + TERN__DOMAIN_MAX octets. */
static const char *rcpt_address(const tern__job *job, uint32_t rcpt, char *out)
{
  const char *address = job->mail->rcpts[rcpt].address, *at = strrchr(address, '@');
  const char *domain = job->report->rcpts[rcpt].domain;
  size_t local = at ? (size_t)(at - address) + 1 : 0;

  if (!local || local > 65 || !domain[0] || at[1] == '[' || !is_ascii(address, local) ||
      is_ascii(at, strlen(at)))
    return address;
  memcpy(out, address, local);
  memcpy(out + local, domain, strlen(domain) + 1);
  return out;
}

tern_mail *tern__child_new(tern_delivery *d, const tern__part *part)
{
  const tern_mail *mail = part->job->mail;
  tern_mail *c = tern_mail_new(d->mem);
  char address[65 + TERN__DOMAIN_MAX];
  tern_status st;
  uint32_t i, n = 0;

  st = tern_mail_from(c, mail->reverse_path);
  if (st == TERN_OK) st = tern_mail_set_envid(c, mail->envid);
  if (st == TERN_OK) st = tern_mail_set_params(c, mail->params);
  if (st == TERN_OK) st = tern_mail_set_flags(c, mail->flags);
  if (st == TERN_OK) st = tern__mail_copy_terms(c, mail);
  for (i = 0; i < part->count && st == TERN_OK; i++) {
    const tern__rcpt *r = &mail->rcpts[part->rcpts[i]];
    if (part->job->settled[part->rcpts[i]]) continue;
    st = tern_mail_rcpt(c, rcpt_address(part->job, part->rcpts[i], address));
    if (st == TERN_OK && r->orcpt) st = tern_mail_set_orcpt(c, n, r->orcpt);
    if (st == TERN_OK && r->params) st = tern_mail_set_rcpt_params(c, n, r->params);
    if (st == TERN_OK && r->notify) st = tern_mail_set_notify(c, n, r->notify);
    n++;
  }
  if (st == TERN_OK && mail->source) {
    st = tern_mail_content_source(c, mail->source, mail->source_user);
    if (st == TERN_OK) c->source_read = mail->source_read;
  } else if (st == TERN_OK) {
    st = tern_mail_content_spans(c, mail->spans, mail->span_count);
  }
  if (st == TERN_OK) st = tern_mail_on_progress(c, mail->progress, mail->progress_user);
  if (st == TERN_OK) return c;
  (void)tern_mail_free(c);
  return NULL;
}
