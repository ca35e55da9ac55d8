/* probe.c - --probe: what a look at the server found, for people and as JSON. What the server sent has its
 * control octets replaced by the library. */
#define _POSIX_C_SOURCE 200809L

#include "probe.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const results[] = {"untried", "connected", "failed", "outrun"};
static const char *const levels[] = {"note", "warning", "error"};

/* "2026-11-25T10:00:00Z"; "" for 0. */
static const char *date(uint64_t at, char *out, size_t cap)
{
  time_t seconds = (time_t)at;
  struct tm t;

  out[0] = 0;
  if (at && gmtime_r(&seconds, &t)) strftime(out, cap, "%Y-%m-%dT%H:%M:%SZ", &t);
  return out;
}

/* "good", the status's name, or "" where none was looked at. */
static const char *verdict(const tern_probe_facts *f)
{
  return f->certificate == TERN_E_AGAIN ? "" : f->certificate == TERN_OK ? "good" : tern_status_name(f->certificate);
}

/* ---- for people ----------------------------------------------------------------------------------------*/
static void print_addresses(const tern_probe *p)
{
  tern_probed a;
  uint32_t i;

  a.size = sizeof a;
  for (i = 0; tern_probe_address(p, i, &a) == TERN_OK; i++)
    printf("%s %s: %s%s%s\n", i ? "         " : "Addresses", a.address, results[a.result],
           a.reason[0] ? ", " : "", a.reason);
}

static void print_ehlo(const tern_probe *p, uint32_t secure, const char *title)
{
  const char *line;
  uint32_t i;

  for (i = 0; (line = tern_probe_ehlo(p, secure, i)) != NULL; i++)
    printf("%-9s %s\n", i ? "" : title, line);
}

static void print_tls(const tern_probe_facts *f, const tern_tls_chain *chain)
{
  char ends[32];

  if (f->tls_version[0])
    printf("TLS       %s, %s\n", f->tls_version, f->tls_cipher);
  else
    puts(chain ? "TLS       given up" : "TLS       none");
  if (verdict(f)[0]) printf("Certified %s\n", f->certificate == TERN_OK ? "chain and name hold" : verdict(f));
  if (f->ends)
    printf("          until %s%s\n", date(f->ends, ends, sizeof ends),
           f->name_fits ? "" : ", without the name asked for");
}

/* 64 hexadecimal digits, as --pin takes them. */
static const char *pin(const tern_tls_chain *chain, uint32_t index, char out[65])
{
  const uint8_t *octets = tern_tls_chain_spki_sha256(chain, index);
  size_t i;

  out[0] = 0;
  for (i = 0; octets && i < 32; i++) snprintf(out + 2 * i, 3, "%02x", octets[i]);
  return out;
}

static void print_chain(const tern_tls_chain *chain)
{
  char begins[32], ends[32], digits[65];
  const char *name;
  uint32_t i, k;

  for (i = 0; i < tern_tls_chain_count(chain); i++) {
    printf("%s %s\n", i ? "         " : "Chain    ", tern_tls_chain_subject(chain, i));
    printf("            issued by %s\n", tern_tls_chain_issuer(chain, i));
    for (k = 0; (name = tern_tls_chain_name(chain, i, k)) != NULL; k++)
      printf("%s%s", k ? ", " : "            for ", name);
    if (k) putchar('\n');
    printf("            from %s until %s\n", date(tern_tls_chain_not_before(chain, i), begins, sizeof begins),
           date(tern_tls_chain_not_after(chain, i), ends, sizeof ends));
    printf("            pin %s\n", pin(chain, i, digits));
  }
}

static void print_findings(const tern_probe *p)
{
  tern_finding f;
  uint32_t i;

  f.size = sizeof f;
  for (i = 0; tern_probe_finding(p, i, &f) == TERN_OK; i++) {
    printf("\n%s: %s", levels[f.level], f.text);
    if (f.status != TERN_OK) printf(" [%s]", tern_status_name(f.status));
    printf("\n  %s must act%s%s\n", tern_who_name(f.who), f.hint[0] ? ": " : "", f.hint);
  }
  if (!i) puts("\nNothing to say against it.");
}

void probe_print(const tern_probe *p)
{
  tern_probe_facts f;

  f.size = sizeof f;
  if (tern_probe_get(p, &f) != TERN_OK) return;
  print_addresses(p);
  if (f.greeting[0]) printf("Greeting  %s\n", f.greeting);
  print_ehlo(p, 0, "EHLO");
  print_tls(&f, tern_probe_chain(p));
  print_chain(tern_probe_chain(p));
  print_ehlo(p, 1, "EHLO");
  if (f.mechanism[0]) printf("AUTH      %s\n", f.mechanism);
  if (f.size_limit) printf("SIZE      %llu octets at most\n", (unsigned long long)f.size_limit);
  if (f.rcpt_max) printf("LIMITS    %lu recipients a message\n", (unsigned long)f.rcpt_max);
  if (f.mail_max) printf("LIMITS    %lu messages a connection\n", (unsigned long)f.mail_max);
  print_findings(p);
}

/* ---- JSON ----------------------------------------------------------------------------------------------*/
static void put(json *j, const char *name, const char *text)
{
  json_name(j, name);
  json_string(j, text, 1);
}

static void put_number(json *j, const char *name, uint64_t number)
{
  char digits[24];

  json_name(j, name);
  snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
  if (!number) {
    json_null(j);
    return;
  }
  json_raw(j, digits); /* json_number takes 32 bits */
  j->comma = 1;
}

static void json_addresses(json *j, const tern_probe *p)
{
  tern_probed a;
  uint32_t i;

  a.size = sizeof a;
  json_name(j, "addresses");
  json_open(j, '[');
  for (i = 0; tern_probe_address(p, i, &a) == TERN_OK; i++) {
    json_name(j, NULL);
    json_open(j, '{');
    put(j, "address", a.address);
    put(j, "result", results[a.result]);
    put(j, "reason", a.reason);
    json_close(j, '}');
  }
  json_close(j, ']');
}

static void json_ehlo(json *j, const tern_probe *p, uint32_t secure, const char *name)
{
  const char *line;
  uint32_t i;

  json_name(j, name);
  json_open(j, '[');
  for (i = 0; (line = tern_probe_ehlo(p, secure, i)) != NULL; i++) {
    json_name(j, NULL);
    json_string(j, line, 0);
  }
  json_close(j, ']');
}

static void json_chain(json *j, const tern_tls_chain *chain)
{
  char text[65];
  const char *name;
  uint32_t i, k;

  json_name(j, "chain");
  json_open(j, '[');
  for (i = 0; i < tern_tls_chain_count(chain); i++) {
    json_name(j, NULL);
    json_open(j, '{');
    put(j, "subject", tern_tls_chain_subject(chain, i));
    put(j, "issuer", tern_tls_chain_issuer(chain, i));
    json_name(j, "names");
    json_open(j, '[');
    for (k = 0; (name = tern_tls_chain_name(chain, i, k)) != NULL; k++) {
      json_name(j, NULL);
      json_string(j, name, 0);
    }
    json_close(j, ']');
    put(j, "begins", date(tern_tls_chain_not_before(chain, i), text, sizeof text));
    put(j, "ends", date(tern_tls_chain_not_after(chain, i), text, sizeof text));
    put(j, "pin", pin(chain, i, text));
    json_close(j, '}');
  }
  json_close(j, ']');
}

static void json_certificate(json *j, const tern_probe_facts *f, const tern_tls_chain *chain)
{
  char ends[32];

  json_name(j, "certificate");
  if (!f->tls_version[0] && !tern_tls_chain_count(chain)) {
    json_null(j);
    return;
  }
  json_open(j, '{');
  put(j, "verdict", verdict(f));
  json_name(j, "name_fits");
  json_bool(j, f->name_fits != 0);
  put(j, "ends", date(f->ends, ends, sizeof ends));
  json_chain(j, chain);
  json_close(j, '}');
}

static void json_findings(json *j, const tern_probe *p)
{
  tern_finding f;
  uint32_t i;

  f.size = sizeof f;
  json_name(j, "findings");
  json_open(j, '[');
  for (i = 0; tern_probe_finding(p, i, &f) == TERN_OK; i++) {
    json_name(j, NULL);
    json_open(j, '{');
    put(j, "level", levels[f.level]);
    put(j, "status", f.status == TERN_OK ? "" : tern_status_name(f.status));
    put(j, "who", tern_who_name(f.who));
    put(j, "text", f.text);
    put(j, "hint", f.hint);
    json_close(j, '}');
  }
  json_close(j, ']');
}

void probe_json(json *j, const tern_probe *p)
{
  tern_probe_facts f;

  f.size = sizeof f;
  json_name(j, "probe");
  if (tern_probe_get(p, &f) != TERN_OK) {
    json_null(j);
    return;
  }
  json_open(j, '{');
  json_addresses(j, p);
  put(j, "peer", f.peer);
  put(j, "greeting", f.greeting);
  json_ehlo(j, p, 0, "ehlo");
  json_ehlo(j, p, 1, "ehlo_tls");
  put(j, "tls_version", f.tls_version);
  put(j, "tls_cipher", f.tls_cipher);
  json_name(j, "tls_verified");
  json_bool(j, f.tls_verified != 0);
  json_certificate(j, &f, tern_probe_chain(p));
  put(j, "mechanisms", f.mechanisms);
  put(j, "mechanism", f.mechanism);
  put_number(j, "size_limit", f.size_limit);
  put_number(j, "rcpt_max", f.rcpt_max);
  put_number(j, "mail_max", f.mail_max);
  json_findings(j, p);
  json_close(j, '}');
}
