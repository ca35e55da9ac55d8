/* findings.c - what is wrong with a server, from what a probe saw, and who must act.
 *
 * Neighbours: probe.c has looked; base/status.def has the words where a status fits. Limit: what is judged is
 * one look at one moment, at the address that answered. */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "client/probe.h"

#define DAY 86400u
#define SOON (14u * DAY) /* a certificate that ends within it */

static void add(tern_probe *p, uint32_t level, tern_status status, uint32_t who, const char *text,
                const char *hint)
{
  tern__found *f = &p->found[p->found_count];

  if (p->found_count == TERN__PROBE_FOUND) return;
  f->level = level;
  f->status = status;
  f->who = who;
  f->hint = hint;
  snprintf(f->text, sizeof f->text, "%s", text);
  p->found_count++;
}

/* ---- addresses -------------------------------------------------------------------------------------*/
static void judge_addresses(tern_probe *p)
{
  char text[240];
  uint32_t i;

  for (i = 0; p->peer[0] && i < p->tried.count; i++) {
    const tern__tried_one *a = &p->tried.list[i];
    if (a->result == TERN_PROBED_FAILED) {
      snprintf(text, sizeof text, "%.80s does not accept connections (%.40s), %.80s does", p->addresses[i], a->reason,
               p->peer);
      add(p, TERN_PROBE_WARNING, TERN_E_CONNECT, TERN_WHO_SERVER, text,
          "Have the server listen there, or that address taken out of DNS.");
    } else if (a->result == TERN_PROBED_OUTRUN) {
      snprintf(text, sizeof text, "%.80s did not answer within the time that it took %.80s", p->addresses[i], p->peer);
      add(p, TERN_PROBE_NOTE, TERN_E_TIMEOUT, TERN_WHO_OPERATOR, text,
          "Check the way to that address (an IPv6 network that leads nowhere?).");
    }
  }
}

/* ---- EHLO ------------------------------------------------------------------------------------------*/
/* The rest of the line that begins with the keyword, or NULL. */
static const char *keyword(const tern_probe *p, uint32_t secure, const char *word)
{
  const tern__probe_lines *lines = &p->ehlo[secure];
  size_t len = strlen(word);
  uint32_t i;

  for (i = 1; i < lines->count; i++) {
    const char *line = lines->text + lines->at[i];
    if (strlen(line) >= len && tern__same(line, len, word) && (!line[len] || line[len] == ' '))
      return line + len;
  }
  return NULL;
}

/* Whether a mechanism that shows the password stands in the list. */
static int shows_password(const char *list)
{
  while (list && *list) {
    size_t len;
    list += strspn(list, " ");
    len = strcspn(list, " ");
    if (tern__same(list, len, "PLAIN") || tern__same(list, len, "LOGIN")) return 1;
    list += len;
  }
  return 0;
}

static void judge_clear(tern_probe *p)
{
  if (p->tls_version[0]) {
    if (shows_password(keyword(p, 0, "AUTH")))
      add(p, TERN_PROBE_WARNING, TERN_E_CLEARTEXT, TERN_WHO_SERVER,
          "before STARTTLS the server already offers AUTH that shows the password",
          "Have AUTH offered within TLS alone: a client that does not insist sends its password in clear.");
    if (keyword(p, 1, "STARTTLS"))
      add(p, TERN_PROBE_WARNING, TERN_OK, TERN_WHO_SERVER, "STARTTLS is offered within TLS again (RFC 3207 4.2)",
          "Have the server's configuration corrected.");
    return;
  }
  if (!p->connected) return;
  if (keyword(p, 0, "STARTTLS"))
    add(p, TERN_PROBE_WARNING, TERN_E_CLEARTEXT, TERN_WHO_OPERATOR, "TLS is offered and was not used",
        "Leave ?tls=none out of the URL.");
  else
    add(p, TERN_PROBE_WARNING, TERN_E_TLS_NOT_OFFERED, TERN_WHO_SERVER, "the server does not offer TLS",
        "Use smtps:// with its port where the server has one, or have TLS set up.");
}

static void judge_extensions(tern_probe *p)
{
  static const struct {
    const char *word, *text;
  } wanted[] = {
      {"PIPELINING", "no PIPELINING: each command waits for its reply"},
      {"SIZE", "no SIZE: a message that is too large is refused only after it was sent"},
      {"8BITMIME", "no 8BITMIME: text beyond ASCII must be encoded"},
      {"ENHANCEDSTATUSCODES", "no ENHANCEDSTATUSCODES: refusals say less"},
  };
  uint32_t secure = p->ehlo[1].count != 0;
  size_t i;

  if (!p->connected) return;
  for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    if (!keyword(p, secure, wanted[i].word))
      add(p, TERN_PROBE_NOTE, TERN_OK, TERN_WHO_SERVER, wanted[i].text, "");
  if (!p->mechanisms[0])
    add(p, TERN_PROBE_NOTE, TERN_E_AUTH_NO_MECHANISM, TERN_WHO_OPERATOR, "no AUTH is offered",
        "This server knows its clients by their addresses, or takes mail for its own domains alone; for "
        "submission try port 587 or 465.");
}

/* ---- certificate -----------------------------------------------------------------------------------*/
static void judge_certificate(tern_probe *p, uint64_t now)
{
  char text[240];

  if (!p->tls_version[0]) return;
  if (p->certificate != TERN_OK && p->certificate != TERN_E_AGAIN && p->error.status != p->certificate)
    add(p, TERN_PROBE_WARNING, p->certificate, TERN_WHO_SERVER, tern_status_text(p->certificate),
        tern_status_hint(p->certificate));
  if (!p->ends) return;
  if (!p->name_fits && p->error.status != TERN_E_TLS_WRONG_HOST && p->certificate != TERN_E_TLS_WRONG_HOST) {
    add(p, TERN_PROBE_WARNING, TERN_E_TLS_WRONG_HOST, TERN_WHO_OPERATOR,
        "the certificate does not bear the name asked for", tern_status_hint(TERN_E_TLS_WRONG_HOST));
  }
  if (p->ends >= now && p->ends - now < SOON) {
    snprintf(text, sizeof text, "the certificate ends in %lu days",
             (unsigned long)((p->ends - now) / DAY));
    add(p, TERN_PROBE_WARNING, TERN_E_TLS_EXPIRED, TERN_WHO_SERVER, text, "Have it renewed now.");
  }
}

/* Gravest first; those of one level as they came. */
static void sort(tern_probe *p)
{
  uint32_t i, k;

  for (i = 1; i < p->found_count; i++) {
    tern__found f = p->found[i];
    for (k = i; k > 0 && p->found[k - 1].level < f.level; k--) p->found[k] = p->found[k - 1];
    p->found[k] = f;
  }
}

void tern__probe_judge(tern_probe *p, uint64_t now)
{
  if (p->error.status != TERN_OK)
    add(p, TERN_PROBE_ERROR, p->error.status, tern_error_who(&p->error), tern_error_text(&p->error),
        tern_error_hint(&p->error));
  judge_addresses(p);
  judge_clear(p);
  judge_certificate(p, now);
  judge_extensions(p);
  sort(p);
}
