/* delivery.h - straight to the MX hosts of each recipient's domain (RFC 5321 section 5). */
#ifndef TERN_DELIVERY_H
#define TERN_DELIVERY_H

#include <tern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- MTA-STS policies (RFC 8461), kept between deliveries -------------------------------------------*/
typedef struct tern_sts_policy { /* frozen */
  const char *id;     /* of the TXT record that led to it */
  uint64_t expires;   /* seconds since 1970 */
  const char *policy; /* as it was fetched */
  size_t len;
} tern_sts_policy;

typedef struct tern_sts_cache {
  size_t size; /* sizeof (tern_sts_cache) */
  /* Fills *out with what was put for domain; its strings live until the next call of either function.
   * Anything but TERN_OK: there is none. */
  tern_status (*get)(void *user, const char *domain, tern_sts_policy *out);
  /* Keeps a copy instead of what was there for domain. A failure costs a fetch later, no more. */
  tern_status (*put)(void *user, const char *domain, const tern_sts_policy *policy);
} tern_sts_cache;

#ifdef __cplusplus
}
#endif
#endif
