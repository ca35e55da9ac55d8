/* mx.c - straight to the MX hosts of each recipient's domain, with what became of it and what was tried.
 *
 *   mx [-r ADDR[:PORT]] [-p PORT] [-c CA] [-e EHLO] [-P POLICY] [-t SECONDS] [-k POLICIES] [-s STATE]
 *      [-m MAIL-PARAMETERS] FROM TO... < message
 *
 * -k keeps MTA-STS policies in a file.
 * -s keeps the report in a file: run again with it, and only what is still due is tried. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/tern.h>

static char text[1 << 20];
static const char *state_file, *parameters;

static uint32_t policy_of(const char *name)
{
  uint32_t p = 0;

  while (p < TERN_POLICIES && strcmp(name, tern_policy_name(p)) != 0) p++;
  return p;
}

static void print_report(const tern_history *r)
{
  tern_attempt a;
  tern_result one;
  uint32_t i;

  a.size = sizeof a; /* what this program knows of them */
  one.size = sizeof one;
  for (i = 0; tern_history_attempt(r, i, &a) == TERN_OK; i++)
    printf("tried %s at %s [%s] policy=%s tls=%s%s %s: %s %s\n", a.domain, a.host, a.address,
           tern_policy_name(a.policy), a.tls_version[0] ? a.tls_version : "no",
           a.tls_verified ? " verified" : "", tern_tlsrpt_result_name(a.tls_result),
           a.status == TERN_OK ? "accepted" : tern_status_name(a.status), a.text);
  for (i = 0; tern_history_rcpt(r, i, &one) == TERN_OK; i++)
    printf("%s: %s %s %u %s; again in %u s\n", one.address, tern_outcome_name(one.outcome),
           tern_status_name(one.status), (unsigned)one.code, one.text, (unsigned)one.retry_after);
}

static tern_history *load(void)
{
  static char octets[1 << 20];
  FILE *f = state_file ? fopen(state_file, "rb") : NULL;
  tern_history *r = NULL;
  size_t n;

  if (!f) return NULL;
  n = fread(octets, 1, sizeof octets, f);
  fclose(f);
  tern_history_read(NULL, octets, n, &r);
  return r;
}

static void save(const tern_history *r)
{
  size_t n = tern_history_write(r, NULL, 0) + 1;
  char *octets = malloc(n);
  FILE *f = state_file && octets ? fopen(state_file, "wb") : NULL;

  if (f) {
    tern_history_write(r, octets, n);
    fwrite(octets, 1, n - 1, f);
    fclose(f);
  }
  free(octets);
}

static int option(tern_delivery *d, tern_resolver *r, int letter, const char *value)
{
  switch (letter) {
    case 'r':
      tern_delivery_set_resolver(d, r);
      return tern_resolver_set_server(r, value) == TERN_OK;
    case 'p': return tern_delivery_set_port(d, (uint32_t)strtoul(value, NULL, 10)) == TERN_OK;
    case 'c': return tern_delivery_set_ca(d, value) == TERN_OK;
    case 'e': return tern_delivery_set_ehlo_name(d, value) == TERN_OK;
    case 'P': return tern_delivery_add_tls_policy(d, "*", policy_of(value), NULL) == TERN_OK;
    case 't':
      return tern_delivery_set_timeout(d, TERN_PHASE_NONE,
                                       (uint32_t)strtoul(value, NULL, 10) * 1000) == TERN_OK;
    case 'k': return tern_delivery_set_sts_file(d, value) == TERN_OK;
    case 'm': parameters = value; return 1;
    case 's': state_file = value; return 1;
    default: return 0;
  }
}

int main(int argc, char **argv)
{
  tern_resolver *resolver = tern_resolver_new(NULL);
  tern_delivery *d = tern_delivery_new(NULL);
  tern_mail *mail = tern_mail_new(NULL);
  tern_history *earlier;
  tern_status st;
  int i, good = 1;

  for (i = 1; i + 1 < argc && argv[i][0] == '-' && argv[i][1] && !argv[i][2]; i += 2)
    good &= option(d, resolver, argv[i][1], argv[i + 1]);
  if (!good || i + 1 >= argc) {
    fprintf(stderr, "mx [-r ADDR[:PORT]] [-p PORT] [-c CA] [-e EHLO] [-P POLICY] [-t SECONDS] [-k POLICIES] [-s STATE] [-m MAIL-PARAMETERS]\n"
                    "   FROM TO...\n");
    return 64;
  }
  tern_mail_from(mail, argv[i]);
  tern_mail_set_params(mail, parameters);
  while (++i < argc) tern_mail_rcpt(mail, argv[i]);
  tern_mail_content(mail, text, fread(text, 1, sizeof text, stdin));
  earlier = load();
  st = earlier ? tern_delivery_resume(d, mail, earlier) : tern_delivery_send(d, mail);
  tern_history_free(earlier);
  if (tern_mail_history(mail)) {
    print_report(tern_mail_history(mail));
    save(tern_mail_history(mail));
  } else {
    fprintf(stderr, "%s\n", tern_error_text(tern_mail_error(mail)));
  }
  tern_delivery_quit(d);
  tern_mail_free(mail);
  tern_delivery_free(d);
  tern_resolver_free(resolver);
  return st == TERN_OK ? 0 : st == TERN_PARTIAL ? 1 : tern_error_sysexit(tern_mail_error(mail));
}
