/* options.c - the command line of tern-send (see options_help), its environment, and the files with
 * secrets. Every value is checked here as far as it can be without the library's help; addresses,
 * the URL and the EHLO name are the library's to judge. */
#include "options.h"

#include "config.h"
#include "network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/tern.h>

#define SECRET_MAX 65536u

enum {
  O_SERVER, O_FROM, O_TO, O_HEADER_RCPTS, O_USER, O_PASSWORD_FILE, O_TOKEN_FILE, O_AUTH, O_CA,
  O_CERT, O_KEY, O_INSECURE, O_EHLO, O_TIMEOUT, O_CONNECT_TIMEOUT, O_NO_PIPELINING, O_NO_CHUNKING,
  O_DSN, O_RET, O_ENVID, O_REPEAT, O_TRACE, O_JSON, O_HELP, O_VERSION, O_CONFIG, O_DOMAIN, O_ALIASES,
  O_PROGRESS, O_SUBJECT, O_TEXT, O_HTML, O_ATTACH, O_INLINE, O_ICS, O_FROM_NAME, O_CC, O_BCC,
  O_REPLY_TO, O_HEADER, O_ENCODING, O_DKIM_KEY, O_DKIM_DOMAIN, O_DKIM_SELECTOR, O_MX, O_RESOLVER,
  O_MX_PORT, O_TLS_POLICY, O_ALLOW_PRIVATE, O_BOUNCE, O_TLSRPT, O_DISCOVER, O_PROXY, O_PROXY_ENV, O_LOCAL,
  O_INTERFACE, O_PROBE, O_PIN, O_MEMORY,
  O_REQUIRETLS, O_PRDR, O_HOLD_FOR, O_DELIVER_BY, O_PRIORITY, O_MAIL_AUTH
};

typedef struct option {
  const char *name;
  int takes; /* a value; 2: one that is not empty */
  int id;
} option;

static const option table[] = {
    {"--server", 2, O_SERVER},
    {"--from", 1, O_FROM},
    {"--to", 1, O_TO},
    {"-t", 0, O_HEADER_RCPTS},
    {"--user", 2, O_USER},
    {"--password-file", 2, O_PASSWORD_FILE},
    {"--token-file", 2, O_TOKEN_FILE},
    {"--auth", 2, O_AUTH},
    {"--ca", 2, O_CA},
    {"--cert", 2, O_CERT},
    {"--key", 2, O_KEY},
    {"--insecure", 0, O_INSECURE},
    {"--pin", 2, O_PIN},
    {"--memory", 2, O_MEMORY},
    {"--ehlo", 2, O_EHLO},
    {"--timeout", 2, O_TIMEOUT},
    {"--connect-timeout", 2, O_CONNECT_TIMEOUT},
    {"--no-pipelining", 0, O_NO_PIPELINING},
    {"--no-chunking", 0, O_NO_CHUNKING},
    {"--dsn", 2, O_DSN},
    {"--ret", 2, O_RET},
    {"--envid", 2, O_ENVID},
    {"--repeat", 2, O_REPEAT},
    {"--trace", 0, O_TRACE},
    {"--json", 0, O_JSON},
    {"-v", 0, O_TRACE},
    {"--progress", 0, O_PROGRESS},
    {"--config", 2, O_CONFIG},
    {"--domain", 2, O_DOMAIN},
    {"--aliases", 2, O_ALIASES},
    {"--help", 0, O_HELP},
    {"--version", 0, O_VERSION},
    {"--subject", 1, O_SUBJECT},
    {"--text", 2, O_TEXT},
    {"--html", 2, O_HTML},
    {"--attach", 2, O_ATTACH},
    {"--inline", 2, O_INLINE},
    {"--ics", 2, O_ICS},
    {"--from-name", 1, O_FROM_NAME},
    {"--cc", 1, O_CC},
    {"--bcc", 1, O_BCC},
    {"--reply-to", 1, O_REPLY_TO},
    {"--header", 2, O_HEADER},
    {"--encoding", 2, O_ENCODING},
    {"--dkim-key", 2, O_DKIM_KEY},
    {"--dkim-domain", 2, O_DKIM_DOMAIN},
    {"--dkim-selector", 2, O_DKIM_SELECTOR},
    {"--mx", 0, O_MX},
    {"--resolver", 2, O_RESOLVER},
    {"--mx-port", 1, O_MX_PORT},
    {"--tls-policy", 1, O_TLS_POLICY},
    {"--allow-private", 0, O_ALLOW_PRIVATE},
    {"--bounce", 2, O_BOUNCE},
    {"--tlsrpt", 2, O_TLSRPT},
    {"--discover", 0, O_DISCOVER},
    {"--proxy", 2, O_PROXY},
    {"--proxy-env", 0, O_PROXY_ENV},
    {"--local", 2, O_LOCAL},
    {"--interface", 2, O_INTERFACE},
    {"--probe", 0, O_PROBE},
    {"--requiretls", 0, O_REQUIRETLS},
    {"--prdr", 0, O_PRDR},
    {"--hold-for", 2, O_HOLD_FOR},
    {"--deliver-by", 2, O_DELIVER_BY},
    {"--priority", 2, O_PRIORITY},
    {"--mail-auth", 1, O_MAIL_AUTH},
};

void options_help(void)
{
  puts("tern-send [options] [recipient ...] < message      (RFC 5322 text; bare LF is sent as CRLF)\n"
       "\n"
       "Where to send\n"
       "  --server URL         smtp://[user[:pass]@]host[:port][?tls=required|opportunistic|none]\n"
       "                       smtps://[user[:pass]@]host[:port]\n"
       "                       lmtp://host:port[?tls=...], lmtp+unix:/path\n"
       "  --mx                 straight to the MX hosts of each recipient's domain\n"
       "  --resolver ADDR[:PORT]  --mx-port N  --allow-private (addresses of MX hosts)\n"
       "  --tls-policy auto|none|may|encrypt|verify|dane|sts\n"
       "  --bounce FILE        a report (RFC 3464) of who was refused   --tlsrpt FILE  RFC 8460's\n"
       "  --discover           the server that the sender's domain names, instead of --server\n"
       "The way there\n"
       "  --proxy URL          socks5://[user:pass@]host[:port] or http://[user:pass@]host:port\n"
       "  --proxy-env          the proxy that ALL_PROXY names, but for NO_PROXY's servers: names (with what is below\n"
       "                       them), addresses, both with :port if wanted, networks as 10.0.0.0/8, or *\n"
       "  --local ADDR  --interface NAME  where to leave from   --resolver ADDR[:PORT]  whom to ask\n"
       "  --probe              sends nothing: connects, authenticates, and tells what is wrong with the server\n"
       "Envelope\n"
       "  --from ADDR          the reverse-path; '' is the null one\n"
       "  --to ADDR            a recipient, as a bare one; repeatable\n"
       "  -t                   the recipients of To, Cc and Bcc too; Bcc is dropped\n"
       "Composing, instead of reading a message, when one of these is given (F: a file, or - )\n"
       "  --subject S  --text F  --html F  --attach F[,name=NAME][,type=TYPE]  --inline F[,CID]\n"
       "  --ics F  --from-name N  --cc ADDR  --bcc ADDR  --reply-to ADDR  --header 'Name: value'\n"
       "  --encoding auto|7bit|8bit|base64|quoted-printable\n"
       "Signing (DKIM, rsa-sha256), composed or not\n"
       "  --dkim-key F (PEM)  --dkim-domain D  --dkim-selector S\n"
       "Authentication\n"
       "  --user NAME  --password-file F  --token-file F (OAuth)  --auth MECH (only this one)\n"
       "TLS\n"
       "  --ca FILE  --cert FILE  --key FILE  --insecure (no certificate check)\n"
       "  --pin HEX            SHA-256 of the server's public key, as --probe tells it; repeatable: one of them\n"
       "Session\n"
       "  --memory FILE        what is known of the server, from run to run: its TLS session, the mechanism\n"
       "                       that worked; made for you alone, and not used where others could write or read it\n"
       "  --ehlo NAME  --timeout SEC  --connect-timeout SEC  --no-pipelining  --no-chunking\n"
       "  --dsn never|success,failure,delay  --ret full|hdrs  --envid ID\n"
       "  --requiretls  --prdr  --hold-for SEC  --deliver-by SEC[,return|notify][,trace]\n"
       "  --priority N (-9 to 9)  --mail-auth ADDR (AUTH= of MAIL; '' for nobody)\n"
       "  --repeat N           the same message N times on one connection\n"
       "Output\n"
       "  --trace              the dialogue on stderr, credentials redacted\n"
       "  --json               one JSON object on stdout, whatever happens\n"
       "  --progress           a bar on a terminal while the message leaves   -v: as --trace\n"
       "  --help  --version\n"
       "Configuration\n"
       "  --config F           lines `option = value` instead of ~/.config/tern-send.conf and the system's\n"
       "                       tern-send.conf; options as above without dashes, password, password-command\n"
       "  --domain D           behind names without one   --aliases F  lines `name: address, address`\n"
       "As sendmail (a link of that name): -t -i -oi -f -r -N -R -V -v; -bs is refused, -q does nothing.\n"
       "Environment: TERN_SERVER, TERN_FROM, TERN_USER, TERN_PASSWORD stand in for the options.\n"
       "Exit status as in sysexits.h: 0 all accepted, 64 usage, 65 bad message or address,\n"
       "67 a recipient refused, 68 host not found, 69 another 5xx, 74 I/O error, 75 temporary,\n"
       "76 protocol error, 77 authentication or TLS failed, 78 configuration.");
}

int options_want_json(int argc, char **argv)
{
  int i;

  for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (!strcmp(argv[i], "--json")) return 1;
  return 0;
}

static int bad(options *o, const char *what, const char *name)
{
  snprintf(o->problem, sizeof o->problem, "%s%s%.100s", what, name ? ": " : "", name ? name : "");
  return -1;
}

static char *copy_of(const char *text)
{
  size_t size = strlen(text) + 1;
  char *copy = malloc(size);

  if (copy) memcpy(copy, text, size);
  return copy;
}

static void forget(char *secret)
{
  volatile char *p = secret;

  while (p && *p) *p++ = 0;
}

/* A whole number of at least 1. */
static int number(options *o, const char *name, const char *text, uint32_t max, uint32_t *out)
{
  uint32_t value = 0;
  const char *p = text;

  for (; *p >= '0' && *p <= '9' && value <= max / 10; p++)
    value = value * 10 + (uint32_t)(*p - '0');
  if (p == text || *p || !value || value > max)
    return bad(o, "not a whole number in range", name);
  *out = value;
  return 0;
}

static int seconds(options *o, const char *name, const char *text, uint32_t *ms)
{
  uint32_t value;

  if (number(o, name, text, UINT32_MAX / 1000 - 1, &value)) return -1;
  *ms = value * 1000;
  return 0;
}

static int take_dsn(options *o, const char *text)
{
  static const struct {
    const char *name;
    uint32_t bit;
  } words[] = {{"never", TERN_NOTIFY_NEVER},
               {"success", TERN_NOTIFY_SUCCESS},
               {"failure", TERN_NOTIFY_FAILURE},
               {"delay", TERN_NOTIFY_DELAY}};
  size_t i, len;

  o->notify = 0;
  for (;; text++) {
    len = strcspn(text, ",");
    for (i = 0; i < 4; i++)
      if (strlen(words[i].name) == len && !strncmp(words[i].name, text, len)) break;
    if (i == 4) return bad(o, "--dsn takes never, or some of success,failure,delay", NULL);
    o->notify |= words[i].bit;
    text += len;
    if (!*text) break;
  }
  if ((o->notify & TERN_NOTIFY_NEVER) && o->notify != TERN_NOTIFY_NEVER)
    return bad(o, "--dsn never stands alone", NULL);
  return 0;
}

static int take_ret(options *o, const char *text)
{
  o->ret = !strcmp(text, "full") ? TERN_MAIL_RET_FULL : !strcmp(text, "hdrs") ? TERN_MAIL_RET_HDRS : 0;
  return o->ret ? 0 : bad(o, "--ret takes full or hdrs", NULL);
}

static int take_mechanism(options *o, const char *text)
{
  const tern_mechanism *const *m;
  const char *a, *b;

  for (m = tern_mechanisms(); *m; m++) {
    for (a = (*m)->name, b = text; *a && (*b >= 'a' && *b <= 'z' ? *b - 32 : *b) == *a; a++, b++) {
    }
    if (!*a && !*b) {
      o->mechanism = (*m)->name;
      return 0;
    }
  }
  return bad(o, "--auth: no such mechanism", text);
}

static int take_encoding(options *o, const char *text)
{
  static const char *const words[] = {"auto", "7bit", "8bit", "quoted-printable", "base64"};
  uint32_t i;

  for (i = 0; i < sizeof words / sizeof words[0]; i++)
    if (!strcmp(text, words[i])) {
      o->encoding = i; /* in the order of TERN_ENCODING_... */
      return 0;
    }
  return bad(o, "--encoding takes auto, 7bit, 8bit, base64 or quoted-printable", NULL);
}

/* A file of a body; "-", which only one of them can be, or "-," is standard input. */
static int take_file(options *o, const char **file, const char *value)
{
  *file = value;
  if (value[0] == '-' && (!value[1] || value[1] == ',') && ++o->on_stdin > 1)
    return bad(o, "only one part can be standard input", NULL);
  return 0;
}

static int take_composing(options *o, int id, const char *name, const char *value)
{
  o->composing = 1;
  switch (id) {
    case O_SUBJECT: o->subject = value; return 0;
    case O_TEXT: return take_file(o, &o->text, value);
    case O_HTML: return take_file(o, &o->html, value);
    case O_ICS: return take_file(o, &o->ics, value);
    case O_ATTACH: return take_file(o, &o->attach[o->attach_count++], value);
    case O_INLINE: return take_file(o, &o->inlines[o->inline_count++], value);
    case O_FROM_NAME: o->from_name = value; return 0;
    case O_CC: o->cc[o->cc_count++] = value; return 0;
    case O_BCC: o->bcc[o->bcc_count++] = value; return 0;
    case O_REPLY_TO: o->reply_to[o->reply_to_count++] = value; return 0;
    case O_HEADER: o->headers[o->header_count++] = value; return 0;
    case O_ENCODING: return take_encoding(o, value);
    default: return bad(o, "signing is not built in yet", name);
  }
}

#ifndef TERN_NO_DIRECT
static int take_direct(options *o, int id, const char *name, const char *value)
{
  o->direct |= id != O_MX && id != O_RESOLVER && id != O_DISCOVER;
  switch (id) {
    case O_MX: o->mx = 1; return 0;
    case O_RESOLVER: o->resolver = value; return 0;
    case O_MX_PORT: return number(o, name, value, 65535, &o->mx_port);
    case O_TLS_POLICY: o->tls_policy = value; return 0;
    case O_ALLOW_PRIVATE: o->allow_private = 1; return 0;
    case O_BOUNCE: o->bounce = value; return 0;
    case O_TLSRPT: o->tlsrpt = value; return 0;
    default: o->discover = 1; return 0;
  }
}
#else
static int take_direct(options *o, int id, const char *name, const char *value)
{
  (void)id;
  (void)value;
  return bad(o, "direct delivery to MX hosts is not in this build", name);
}
#endif

/* "120", "120,return", "120,notify,trace" */
static int take_deliver_by(options *o, const char *name, const char *text)
{
  char digits[12];
  size_t len = strcspn(text, ",");
  const char *words = text + len;

  snprintf(digits, sizeof digits, "%.*s", (int)(len < sizeof digits ? len : sizeof digits - 1), text);
  o->by_mode = TERN_BY_NOTIFY;
  if (!strncmp(words, ",return", 7)) o->by_mode = TERN_BY_RETURN;
  if (!strncmp(words, ",return", 7) || !strncmp(words, ",notify", 7)) words += 7;
  if (!strcmp(words, ",trace")) {
    o->by_mode |= TERN_BY_TRACE;
    words += 6;
  }
  if (*words) return bad(o, "--deliver-by takes seconds[,return|notify][,trace]", NULL);
  return number(o, name, digits, 999999999u, &o->by);
}

static int take_priority(options *o, const char *name, const char *text)
{
  uint32_t value = 0;
  int below = text[0] == '-';

  if (strcmp(text, "0") && number(o, name, text + below, 9, &value)) return -1;
  o->priority = below ? -(int32_t)value : (int32_t)value;
  return 0;
}

/* What the mail asks of the server beyond taking it. */
static int take_terms(options *o, int id, const char *name, const char *value)
{
  switch (id) {
    case O_REQUIRETLS: o->asked |= TERN_MAIL_REQUIRETLS; return 0;
    case O_PRDR: o->asked |= TERN_MAIL_PRDR; return 0;
    case O_HOLD_FOR: return number(o, name, value, 999999999u, &o->hold_for);
    case O_DELIVER_BY: return take_deliver_by(o, name, value);
    case O_PRIORITY: return take_priority(o, name, value);
    default: o->mail_auth = value; return 0;
  }
}

static int hex(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int take_pin(options *o, const char *text)
{
  uint8_t *pin = o->pins[o->pin_count];
  size_t i;

  if (o->pin_count == PINS_MAX) return bad(o, "--pin: too many", NULL);
  for (i = 0; i < 64 && hex(text[i]) >= 0; i++)
    pin[i / 2] = (uint8_t)(i % 2 ? pin[i / 2] | hex(text[i]) : hex(text[i]) << 4);
  if (i < 64 || text[i]) return bad(o, "--pin takes 64 hexadecimal digits", NULL);
  o->pin_count++;
  return 0;
}

static int take_option(options *o, int id, const char *name, char *value)
{
  if (id >= O_REQUIRETLS) return take_terms(o, id, name, value);
  if (id >= O_SUBJECT && id <= O_ENCODING) return take_composing(o, id, name, value);
  switch (id) {
    case O_SERVER: o->server = value; o->server_given = 1; return 0;
    case O_FROM: o->from = value; return 0;
    case O_TO: o->to[o->to_count++] = value; return 0;
    case O_HEADER_RCPTS: o->from_header = 1; return 0;
    case O_USER: o->user = value; o->user_given = 1; return 0;
    case O_PASSWORD_FILE: o->password_file = value; return 0;
    case O_TOKEN_FILE: o->token_file = value; return 0;
    case O_AUTH: return take_mechanism(o, value);
    case O_CA: o->ca = value; return 0;
    case O_CERT: o->cert = value; return 0;
    case O_KEY: o->key = value; return 0;
    case O_INSECURE: o->insecure = 1; return 0;
    case O_PIN: return take_pin(o, value);
    case O_MEMORY: o->memory = value; return 0;
    case O_EHLO: o->ehlo = value; return 0;
    case O_TIMEOUT: return seconds(o, name, value, &o->timeout_ms);
    case O_CONNECT_TIMEOUT: return seconds(o, name, value, &o->connect_ms);
    case O_NO_PIPELINING: o->no_pipelining = 1; return 0;
    case O_NO_CHUNKING: o->no_chunking = 1; return 0;
    case O_DSN: return take_dsn(o, value);
    case O_RET: return take_ret(o, value);
    case O_ENVID: o->envid = value; return 0;
    case O_REPEAT: o->repeat_given = 1; return number(o, name, value, 1000000000u, &o->repeat);
    case O_TRACE: o->trace = 1; return 0;
    case O_JSON: o->json = 1; return 0;
    case O_CONFIG: o->config = value; return 0;
    case O_DOMAIN: o->domain = value; return 0;
    case O_ALIASES: o->aliases = value; return 0;
    case O_PROGRESS: o->progress = 1; return 0;
    case O_DKIM_KEY: o->dkim_key = value; return 0;
    case O_DKIM_DOMAIN: o->dkim_domain = value; return 0;
    case O_DKIM_SELECTOR: o->dkim_selector = value; return 0;
    case O_PROXY: return o->proxy ? bad(o, "given twice", name) : network_take_proxy(o, value);
    case O_PROXY_ENV: o->proxy_env = 1; return 0;
    case O_LOCAL: o->local = value; return 0;
    case O_INTERFACE: o->interface = value; return 0;
    case O_PROBE: o->probe = 1; return 0;
    case O_HELP: o->help = 1; return 0;
    case O_VERSION: o->version = 1; return 0;
    default: return take_direct(o, id, name, value);
  }
}

/* Reads argv[*i], and its value where it has one. */
static int take_argument(options *o, int argc, char **argv, int *i)
{
  char *arg = argv[*i], *equals = strchr(arg, '='), *value = NULL;
  size_t len = equals && !strncmp(arg, "--", 2) ? (size_t)(equals - arg) : strlen(arg), k;

  for (k = 0; k < sizeof table / sizeof table[0]; k++)
    if (strlen(table[k].name) == len && !strncmp(table[k].name, arg, len)) break;
  if (k == sizeof table / sizeof table[0]) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), arg);
    return bad(o, "unknown option", name);
  }
  if (arg[len] == '=') value = arg + len + 1;
  if (!table[k].takes && value) return bad(o, "the option takes no value", table[k].name);
  if (table[k].takes && !value) {
    if (*i + 1 >= argc) return bad(o, "the option needs a value", table[k].name);
    value = argv[++*i];
  }
  if (table[k].takes > 1 && !value[0])
    return bad(o, "the value is empty", table[k].name);
  return take_option(o, table[k].id, table[k].name, value);
}

/* Why the len octets of text are not one line; NULL: they are. */
static const char *not_one_line(const char *text, size_t len, size_t end)
{
  if (len > SECRET_MAX) return "is too long";
  if (!end) return "is empty";
  if (end == len || !strcmp(text + end, "\n") || !strcmp(text + end, "\r\n")) return NULL;
  return "holds more than one line";
}

/* One line, of which only the line end is removed. */
static int read_secret(options *o, const char *name, const char *path, char **out)
{
  FILE *file = fopen(path, "rb");
  char *text = calloc(1, SECRET_MAX + 2);
  const char *problem = NULL;
  size_t len, end;

  if (!file || !text) {
    problem = !file ? strerror(errno) : "no memory";
  } else {
    setvbuf(file, NULL, _IONBF, 0); /* no copy of the secret left in a buffer */
    len = fread(text, 1, SECRET_MAX + 1, file);
    end = strcspn(text, "\r\n");
    problem = ferror(file) ? "cannot be read" : not_one_line(text, len, end);
    memset(text + end, 0, SECRET_MAX + 2 - end);
  }
  if (file) fclose(file);
  *out = text;
  if (!problem) return 0;
  o->is_config_error = 1;
  snprintf(o->problem, sizeof o->problem, "the file of %s %s", name, problem);
  return -1;
}

/* A copy of text[0..len) with its %XX decoded; the library judges what is malformed. */
static char *decoded(const char *text, size_t len)
{
  char *out = malloc(len + 1), *w = out;
  size_t i;

  for (i = 0; out && i < len; i++) {
    if (text[i] == '%' && len - i > 2 && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      *w++ = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      *w++ = text[i];
    }
  }
  if (out) *w = 0;
  return out;
}

/* Takes a copy of the URL, and of user and password in it: others can see these as long as they
 * stand in argv. */
static int take_server(options *o)
{
  char *given = o->server, *authority, *at, *colon;

  if (o->mx) { /* of whoever sends without a server, nothing else is to be taken */
    o->server = NULL;
    return 0;
  }
  if (!given && o->discover) return 0;
  if (!given) return bad(o, "no server: give --server URL or set TERN_SERVER", NULL);
  o->server = copy_of(given);
  if (!o->server) return bad(o, "no memory", NULL);
  authority = strstr(given, "://");
  if (!authority) return 0;
  authority += 3;
  at = authority + strcspn(authority, "@/?");
  colon = authority + strcspn(authority, ":@/?");
  if (*at != '@') return 0;
  o->url_user = decoded(authority, (size_t)((colon < at ? colon : at) - authority));
  if (!o->url_user) return bad(o, "no memory", NULL);
  if (colon >= at) return 0;
  o->url_password = decoded(colon + 1, (size_t)(at - colon - 1));
  memset(colon + 1, '*', (size_t)(at - colon - 1));
  return o->url_password ? 0 : bad(o, "no memory", NULL);
}

static int take_secrets(options *o)
{
  char *env = getenv("TERN_PASSWORD");

  if (o->token_file && o->password_file)
    return bad(o, "--password-file and --token-file exclude one another", NULL);
  if (o->token_file && read_secret(o, "--token-file", o->token_file, &o->token)) return -1;
  if (o->password_file && read_secret(o, "--password-file", o->password_file, &o->password))
    return -1;
  if (env && env[0] && !o->password && !o->token && (o->user || !o->url_password)) {
    o->password = copy_of(env);
    if (!o->password) return bad(o, "no memory", NULL);
  }
  if (env) forget(env);
  return 0;
}

static void take_environment(options *o)
{
  const char *from = getenv("TERN_FROM"), *user = getenv("TERN_USER");

  if (!o->server) o->server = getenv("TERN_SERVER");
  if (o->server && !o->server[0]) o->server = NULL;
  if (!o->from && from) o->from = from;
  if (!o->user && user && user[0]) o->user = user;
}

/* One block for all lists: each can take as many values as there are arguments. */
static int make_lists(options *o, size_t n)
{
  const char ***const lists[] = {&o->to, &o->cc, &o->bcc, &o->reply_to, &o->headers, &o->attach, &o->inlines};
  size_t i;

  o->to = calloc(n * (sizeof lists / sizeof lists[0]), sizeof *o->to);
  o->lists = o->to;
  for (i = 1; o->to && i < sizeof lists / sizeof lists[0]; i++) *lists[i] = o->to + i * n;
  return o->to ? 0 : -1;
}

int options_take_setting(options *o, const char *name, char *value)
{
  if (!strcmp(name, "auth")) return o->mechanism ? 0 : take_mechanism(o, value);
  if (!strcmp(name, "timeout")) return o->timeout_ms ? 0 : seconds(o, name, value, &o->timeout_ms);
  return o->connect_ms ? 0 : seconds(o, name, value, &o->connect_ms);
}

int options_read(options *o, int argc, char **argv)
{
  int i, ended = 0;

  memset(o, 0, sizeof *o);
  o->repeat = 1;
  o->json = options_want_json(argc, argv);
  if (make_lists(o, (size_t)argc + 1)) return bad(o, "no memory", NULL);
  for (i = 1; i < argc; i++) {
    if (!ended && !strcmp(argv[i], "--")) {
      ended = 1;
    } else if (!ended && argv[i][0] == '-' && argv[i][1]) {
      if (take_argument(o, argc, argv, &i)) {
        o->server = NULL;
        return -1;
      }
    } else {
      o->to[o->to_count++] = argv[i];
    }
  }
  if (o->help || o->version) {
    o->server = NULL;
    return 0;
  }
  if (o->mx && o->memory) { /* a configuration file may name one for other runs */
    o->server = NULL;
    return bad(o, "--memory is of one server, and goes without --mx", NULL);
  }
  take_environment(o);
  if (config_read(o)) {
    o->server = NULL;
    return -1;
  }
  if (take_server(o)) return -1;
  if (take_secrets(o) || (!o->url_password && config_password(o)) || config_names(o)) return -1;
  if ((o->dkim_key || o->dkim_domain || o->dkim_selector) &&
      !(o->dkim_key && o->dkim_domain && o->dkim_selector))
    return bad(o, "--dkim-key, --dkim-domain and --dkim-selector go together", NULL);
  if (o->direct && !o->mx) return bad(o, "an option of --mx without it", NULL);
  if (o->mx && (o->server_given || o->discover)) return bad(o, "--mx goes without --server and --discover", NULL);
  if (o->mx && (o->user_given || o->password_file || o->token_file || o->mechanism || o->cert || o->insecure || o->pin_count))
    return bad(o, "--mx goes without credentials, --pin and --insecure", NULL);
  if (o->proxy && o->proxy_env) return bad(o, "--proxy and --proxy-env exclude one another", NULL);
  if (o->proxy_env && network_take_proxy_env(o)) return -1;
  if (o->mx && (o->proxy || o->local || o->interface))
    return bad(o, "--mx goes without --proxy, --local and --interface", NULL);
  if (o->key && !o->cert) return bad(o, "--key needs --cert", NULL);
  if (o->probe && o->mx) return bad(o, "--probe goes without --mx: name the server", NULL);
  if (o->probe) return 0;
  if (!o->to_count && !o->cc_count && !o->bcc_count && !o->from_header)
    return bad(o, "no recipient: name one, or give -t", NULL);
  return 0;
}

void options_free(options *o)
{
  forget(o->password);
  forget(o->token);
  forget(o->server);
  forget(o->url_password);
  forget(o->proxy);
  free(o->proxy);
  free(o->url_user);
  free(o->url_password);
  free(o->password);
  free(o->token);
  free(o->server);
  free(o->lists);
  config_free(o);
}
