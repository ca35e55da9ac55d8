/* options.h - the command line of tern-send, its environment, and the files with secrets. */
#ifndef TERN_SEND_OPTIONS_H
#define TERN_SEND_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define PINS_MAX 16u

typedef struct options {
  char *server;
  const char *from; /* NULL: not given; "" the null reverse-path */
  const char **to;
  size_t to_count;
  const char *user;
  const char *mechanism;
  char *password; /* allocated, wiped by options_free */
  char *token;
  const char *ca;
  const char *cert;
  const char *key;
  uint8_t pins[PINS_MAX][32];
  size_t pin_count;
  const char *memory; /* the file of what is known of the server */
  const char *ehlo;
  const char *envid;
  uint32_t notify; /* TERN_NOTIFY_... */
  uint32_t ret;    /* TERN_MAIL_RET_... or 0 */
  uint32_t asked;  /* TERN_MAIL_REQUIRETLS, TERN_MAIL_PRDR */
  uint32_t hold_for;
  uint32_t by;     /* seconds; 0: not given */
  uint32_t by_mode;
  int32_t priority;
  const char *mail_auth; /* AUTH= of MAIL; NULL: not given */
  uint32_t timeout_ms;
  uint32_t connect_ms;
  uint32_t repeat;
  int repeat_given;
  int from_header; /* -t */
  int insecure;
  int no_pipelining;
  int no_chunking;
  int trace;
  int json;
  int help;
  int version;
  const char *dkim_key;
  const char *dkim_domain;
  const char *dkim_selector;
  /* composing */
  int composing; /* one of these was given */
  const char *subject;
  const char *from_name;
  const char *text;
  const char *html;
  const char *ics;
  const char **attach;
  size_t attach_count;
  const char **inlines;
  size_t inline_count;
  const char **headers;
  size_t header_count;
  const char **cc;
  size_t cc_count;
  const char **bcc;
  size_t bcc_count;
  const char **reply_to;
  size_t reply_to_count;
  uint32_t encoding; /* TERN_ENCODING_... */
  int on_stdin;      /* how many of the files are "-" */
  int progress;
  const char **lists; /* the block of all lists above */
  /* direct to MX */
  int mx;
  int direct; /* one of its options was given */
  int allow_private;
  int discover;
  const char *resolver;
  const char *tls_policy;
  const char *bounce;
  const char *tlsrpt;
  uint32_t mx_port;
  /* the way to the server */
  char *proxy; /* allocated, wiped by options_free */
  int proxy_env;
  int proxy_password; /* one stood in argv */
  int probe;
  const char *local;
  const char *interface;
  int server_given; /* as an option */
  int user_given;
  /* configuration files */
  const char *config;
  const char *domain;
  const char *aliases;
  const char *password_command;
  const char *config_password; /* in config_text */
  char *config_text[3];        /* the files as read; wiped by config_free */
  size_t config_texts;
  char **made; /* names that got a domain, pieces of aliases */
  size_t made_count;
  size_t made_cap;
  const char **names;
  char *url_user;     /* of the URL, decoded */
  char *url_password; /* likewise, wiped by options_free */
  /* set by options.c while it reads */
  const char *password_file;
  const char *token_file;
  int is_config_error; /* of a failure: a file, not the command line */
  char problem[256];   /* what is wrong, for people; never a secret */
} options;

/* Whether --json stands among the options, so that a usage error is told as JSON too. */
int options_want_json(int argc, char **argv);
/* Reads argv and the environment. 0: good. Else problem says what is wrong. Passwords are
 * overwritten in argv and the environment. */
int options_read(options *o, int argc, char **argv);
/* auth, timeout or connect-timeout of a configuration file, where the command line has none. */
int options_take_setting(options *o, const char *name, char *value);
void options_free(options *o);
void options_help(void);

#endif
