/* credential.c - copies of user, password and token, prepared with SASLprep and wiped afterwards.
 *
 * Includes sasl/prep.h beside the rooms that the client usually has: preparing is a host's matter,
 * asked for by the client's setting, and the engine, which has no memory for the result, only
 * checks that it was done (tern_credentials.prepared).
 * What is ASCII passes unchanged (RFC 4013 maps nothing there that a mechanism would accept).
 * Limit: the prepared form may have four times the octets of the original, and 64 more. */
#include "client/credential.h"

#include <string.h>

#include "base/mem.h"
#ifdef TERN_HAVE_LIBIDN
#include "sasl/prep.h"
#endif

static int is_ascii(const char *text)
{
  for (; *text; text++)
    if ((unsigned char)*text > 127) return 0;
  return 1;
}

static tern_status prepare(const tern__login *login, const char *in, char *out, size_t cap)
{
  if (login->prep) return login->prep(login->prep_user, in, out, cap);
#ifdef TERN_HAVE_LIBIDN
  return tern__saslprep(in, out, cap);
#else
  return TERN_E_CREDENTIALS;
#endif
}

static void drop(tern__login *login, char **string)
{
  tern__free_secret(login->mem, *string);
  *string = NULL;
}

/* Puts a copy of text (NULL: nothing) where *string is, prepared where field is not NONE. */
static tern_status take(tern__login *login, char **string, const char *text, uint32_t field)
{
  char *copy = NULL, *room;
  size_t cap;
  tern_status st = TERN_OK;

  if (text && (is_ascii(text) || field == TERN_FIELD_NONE)) {
    copy = tern__copy_string(login->mem, text);
    if (!copy) st = TERN_E_NOMEM;
  } else if (text) {
    cap = strlen(text);
    if (cap > SIZE_MAX / 8) return TERN_E_CREDENTIALS;
    cap = cap * 4 + 64;
    room = tern__alloc(login->mem, cap);
    if (!room) return TERN_E_NOMEM;
    st = prepare(login, text, room, cap);
    room[cap - 1] = 0;
    if (st == TERN_OK) {
      copy = tern__copy_string(login->mem, room);
      if (!copy) st = TERN_E_NOMEM;
    } else if (st != TERN_E_NOMEM) {
      st = TERN_E_CREDENTIALS;
      login->field = field;
    }
    tern__wipe(room, cap);
    tern__free(login->mem, room, cap);
  }
  if (st != TERN_OK) return st;
  drop(login, string);
  *string = copy;
  return TERN_OK;
}

/* Copies what from holds (what it does not hold stays) and shows the copies to the engine. */
static tern_status take_all(tern__login *login, const tern_credentials *from)
{
  tern_credentials *cred = &login->cred;
  tern_status st = TERN_OK;

  if (from->user) st = take(login, &login->user, from->user, TERN_FIELD_USER);
  if (st == TERN_OK && from->password)
    st = take(login, &login->password, from->password, TERN_FIELD_PASSWORD);
  if (st == TERN_OK && from->token)
    st = take(login, &login->token, from->token, TERN_FIELD_NONE);
  if (st == TERN_OK && from->authzid)
    st = take(login, &login->authzid, from->authzid, TERN_FIELD_AUTHZID);
  if (st == TERN_OK && from->mechanism)
    st = take(login, &login->mechanism, from->mechanism, TERN_FIELD_NONE);
  if (st == TERN_OK && from->host) st = tern__login_set_host(login, from->host, from->port);
  cred->user = login->user;
  cred->password = login->password;
  cred->token = login->token;
  cred->authzid = login->authzid;
  cred->mechanism = login->mechanism;
  cred->kinds = from->kinds;
  cred->prepared = 1;
  return st;
}

/* The caller's callback fills a record of its own, from which new copies are made. */
static tern_status on_ask(void *user, uint32_t expired, tern_credentials *self)
{
  tern__login *login = user;
  tern_credentials asked = *login->asked;
  tern_status st;

  (void)self; /* it is login->cred */
  asked.user = login->user;
  asked.authzid = login->authzid;
  st = asked.ask(asked.callback_user, expired, &asked);
  if (st != TERN_OK) return st;
  if (asked.user == login->user) asked.user = NULL;
  if (asked.authzid == login->authzid) asked.authzid = NULL;
  return take_all(login, &asked);
}

static tern_status on_random(void *user, uint8_t *out, size_t len)
{
  const tern__login *login = user;

  if (login->asked && login->asked->random)
    return login->asked->random(login->asked->callback_user, out, len);
  return login->random ? login->random(login->random_user, out, len) : TERN_E_RANDOM;
}

tern_status tern__login_set(tern__login *login, const tern_credentials *from)
{
  char *user = NULL;

  if (!from || from->size < sizeof *from || !from->kinds) {
    login->field = TERN_FIELD_NONE;
    return login->status = TERN_E_ARGUMENT;
  }
  if (login->user_of_url && !from->user) {
    user = login->user;
    login->user = NULL;
  }
  tern__login_clear(login);
  login->user = user;
  login->user_of_url = user != NULL;
  login->asked = tern__alloc(login->mem, sizeof *login->asked);
  if (!login->asked) return login->status = TERN_E_NOMEM;
  *login->asked = *from; /* its strings are not looked at again */
  login->asked->user = login->asked->password = login->asked->token = NULL;
  login->asked->authzid = login->asked->mechanism = login->asked->host = NULL;
  login->cred.size = sizeof login->cred;
  login->cred.callback_user = login;
  if (from->ask) login->cred.ask = on_ask;
  return login->status = take_all(login, from);
}

tern_status tern__login_set_user(tern__login *login, const char *user)
{
  tern_status st;

  if (login->user && !login->user_of_url) return TERN_OK;
  login->status = TERN_OK;
  st = take(login, &login->user, user, TERN_FIELD_USER);
  login->user_of_url = 1;
  login->cred.user = login->user;
  if (!login->cred.kinds) login->of_url = 1;
  return login->status = st;
}

tern_status tern__login_set_host(tern__login *login, const char *host, uint32_t port)
{
  tern_status st = take(login, &login->host, host, TERN_FIELD_NONE);

  login->cred.host = login->host;
  login->cred.port = port;
  if (login->random || (login->asked && login->asked->random)) login->cred.random = on_random;
  return st;
}

int tern__login_given(const tern__login *login)
{
  return login->cred.kinds || login->user || login->status != TERN_OK;
}

tern_status tern__login_usable(const tern__login *login, uint32_t *field)
{
  *field = login->field;
  if (login->status != TERN_OK) return login->status;
  if (login->cred.kinds ? login->user || login->cred.ask || login->cred.kinds == TERN_CRED_EXTERNAL
                        : !login->user)
    return TERN_OK;
  *field = login->cred.kinds ? TERN_FIELD_USER : TERN_FIELD_PASSWORD;
  return TERN_E_CREDENTIALS;
}

void tern__login_clear(tern__login *login)
{
  drop(login, &login->host);
  drop(login, &login->mechanism);
  drop(login, &login->authzid);
  drop(login, &login->token);
  drop(login, &login->password);
  drop(login, &login->user);
  memset(&login->cred, 0, sizeof login->cred);
  tern__free(login->mem, login->asked, sizeof *login->asked);
  login->asked = NULL;
  login->status = TERN_OK;
  login->field = TERN_FIELD_NONE;
  login->user_of_url = login->of_url = 0;
}
