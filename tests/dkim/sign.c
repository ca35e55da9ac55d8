/* sign.c - signs standard input for verify.py: sign STEP SIGNATURE..., each of them
 * "KEY,DOMAIN,SELECTOR,HEADER,BODY" with 0 for relaxed and 1 for simple. A KEY that begins with "ed:" is
 * an Ed25519 key that the program openssl signs with, as a device would. STEP: octets a piece. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/dkim.h>

#include "message_source.h"

static tern_status by_openssl(void *user, const uint8_t *digest, uint8_t *signature, size_t cap, size_t *len)
{
  char command[512], in[] = "/tmp/tern-digest.XXXXXX";
  FILE *f;
  int fd = mkstemp(in);

  if (fd < 0 || (f = fdopen(fd, "wb")) == NULL) return TERN_E_IO;
  fwrite(digest, 1, 32, f);
  fclose(f);
  snprintf(command, sizeof command, "openssl pkeyutl -sign -rawin -inkey '%s' -in %s", (const char *)user, in);
  f = popen(command, "r");
  *len = f != NULL ? fread(signature, 1, cap, f) : 0;
  if (f != NULL) pclose(f);
  remove(in);
  return *len == 64 ? TERN_OK : TERN_E_IO;
}

static int add(tern_dkim *d, char *words)
{
  char *word[5];
  int i;

  for (i = 0; i < 5; i++) word[i] = strtok(i ? NULL : words, ",");
  if (word[4] == NULL || tern_dkim_add(d, word[1], word[2]) != TERN_OK ||
      tern_dkim_set_canonicalization(d, word[3][0] == '1', word[4][0] == '1') != TERN_OK)
    return -1;
  if (strncmp(word[0], "ed:", 3) == 0)
    return tern_dkim_set_signer(d, TERN_DKIM_ED25519_SHA256, by_openssl, word[0] + 3) == TERN_OK ? 0 : -1;
  return tern_dkim_set_key_file(d, word[0]) == TERN_OK ? 0 : -1;
}

int main(int argc, char **argv)
{
  static char in[1 << 20];
  split s = {in, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL};
  tern_dkim *d = tern_dkim_new(NULL);
  tern_status st;
  size_t len;
  char *out;
  int i;

  s.len = fread(in, 1, sizeof in, stdin);
  s.step = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 0;
  for (i = 2; i < argc; i++)
    if (add(d, argv[i]) != 0) {
      fprintf(stderr, "%d: %s\n", (int)tern_error_status(tern_dkim_error(d)), tern_error_text(tern_dkim_error(d)));
      return 78;
    }
  tern_dkim_set_time(d, 1795576054);
  tern_dkim_set_lifetime(d, 1000000000);
  if (tern_dkim_set_source(d, &split_source, &s) != TERN_OK) return 64;
  out = read_all(tern_dkim_source(), d, &len, &st);
  if (out == NULL) {
    fprintf(stderr, "%s\n", tern_error_text(tern_dkim_error(d)));
    return 65;
  }
  fwrite(out, 1, len, stdout);
  free(out);
  split_free(&s);
  tern_dkim_free(d);
  return 0;
}
