/* credential.h - the client's own copy of what AUTH needs, prepared and wiped. */
#ifndef TERN_LIB_CLIENT_CREDENTIAL_H
#define TERN_LIB_CLIENT_CREDENTIAL_H

#include <tern/client.h>

typedef tern_status (*tern__prep)(void *user, const char *in, char *out, size_t cap);

typedef struct tern__login {
  const tern_allocator *mem;
  tern_credentials cred;  /* what the engine gets; its strings are the copies below */
  tern_credentials *asked; /* what the caller's `ask` fills; as the caller gave it */
  char *user;
  char *password;
  char *token;
  char *authzid;
  char *mechanism;
  char *host; /* for OAUTHBEARER */
  tern__prep prep; /* the caller's SASLprep, or NULL */
  void *prep_user;
  tern_status (*random)(void *user, uint8_t *out, size_t len); /* the client's, or NULL */
  void *random_user;
  uint8_t of_url;      /* all of it came from a URL: another URL takes it away */
  uint8_t user_of_url; /* user came from a URL: stays where credentials name none */
  tern_status status; /* why these credentials cannot be used; TERN_OK */
  uint32_t field;     /* which of them */
} tern__login;

/* Takes copies of everything in from, in the place of what was there. TERN_E_CREDENTIALS: user,
 * password or authzid cannot be prepared; TERN_E_NOMEM; TERN_E_ARGUMENT. The failure is kept in
 * login->status too: credentials that cannot be used must not become a session without them. */
tern_status tern__login_set(tern__login *login, const tern_credentials *from);
/* A URL's user, where no other was given. */
tern_status tern__login_set_user(tern__login *login, const char *user);
/* The server, for OAUTHBEARER; host may be NULL. */
tern_status tern__login_set_host(tern__login *login, const char *host, uint32_t port);
/* 1 when there is anything to authenticate with, usable or not. */
int tern__login_given(const tern__login *login);
/* TERN_OK, or why they cannot be used: status as above, or a user without a secret. */
tern_status tern__login_usable(const tern__login *login, uint32_t *field);
void tern__login_clear(tern__login *login);

#endif
