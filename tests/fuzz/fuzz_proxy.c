/* fuzz_proxy.c - any octets as a proxy's answers, whole and octet by octet: both ways end the same, after
 * the same octets. The first octet chooses the kind, and whether there are credentials. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tern_status run(const uint8_t *data, size_t size, size_t step, size_t *used)
{
  const char *user = data[0] & 2 ? "ann" : NULL;
  tern__proxy *p;
  tern_status st = tern__proxy_new(NULL, data[0] & 1 ? TERN__PROXY_HTTP : TERN__PROXY_SOCKS5, "mail.test",
                                   587, user, user, &p);
  size_t n;

  *used = 1;
  while (st == TERN_E_AGAIN) {
    if (tern__proxy_out(p, &n)) {
      tern__proxy_sent(p, n);
      continue;
    }
    n = tern__proxy_need(p);
    if (!n || n > TERN__PROXY_NEED + 16) abort();
    if (n > step) n = step;
    if (n > size - *used) n = size - *used;
    if (!n) {
      st = tern__proxy_closed(p);
      break;
    }
    st = tern__proxy_in(p, data + *used, n);
    *used += n;
  }
  if (strlen(tern__proxy_detail(p)) >= 200) abort();
  tern__proxy_free(p);
  return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  size_t a, b;

  if (!size) return 0;
  if (run(data, size, SIZE_MAX, &a) != run(data, size, 1, &b)) abort();
  (void)a, (void)b; /* an error may be seen later in larger pieces */
  return 0;
}
