/* mechanisms.h - the tables of the mechanisms built in, and the search in a list of such. */
#ifndef TERN_LIB_SASL_MECHANISMS_H
#define TERN_LIB_SASL_MECHANISMS_H

#include <tern/sasl.h>

extern const tern_mechanism tern__scram_sha256_plus;
extern const tern_mechanism tern__scram_sha1_plus;
extern const tern_mechanism tern__scram_sha256;
extern const tern_mechanism tern__scram_sha1;
extern const tern_mechanism tern__cram_md5;
extern const tern_mechanism tern__oauthbearer;
extern const tern_mechanism tern__xoauth2;
extern const tern_mechanism tern__external;
extern const tern_mechanism tern__plain;
extern const tern_mechanism tern__auth_login; /* tern__login is the client's word */

/* The mechanism of len octets of name, ASCII case ignored, in a list ended by NULL; or NULL. */
const tern_mechanism *tern__mechanism_find(const tern_mechanism *const *table, const char *name,
                                           size_t len);
/* TERN_E_ARGUMENT: more than 32 entries, or one that cannot be used. */
tern_status tern__mechanisms_check(const tern_mechanism *const *table);

#endif
