/* curl.c - libcurl. An easy handle keeps its connection, and its TLS sessions; a handle each for MODE conn. */
#include "peer.h"
#include <curl/curl.h>

static size_t off;
static int fd = -1;

static size_t pull(char *to, size_t size, size_t n, void *user)
{
  ssize_t got;

  (void)user;
  n *= size;
  if (fd >= 0) {
    got = read(fd, to, n);
    return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
  }
  if (n > len - off) n = len - off;
  memcpy(to, msg + off, n);
  off += n;
  return n;
}

static CURL *handle(void)
{
  static struct curl_slist *to;
  char url[300];
  CURL *c = curl_easy_init();

  if (!to) to = curl_slist_append(NULL, "<" TO ">");
  snprintf(url, sizeof url, "%s://%s:%s/client.example", tls == 2 ? "smtps" : "smtp", host, port);
  curl_easy_setopt(c, CURLOPT_URL, url);
  curl_easy_setopt(c, CURLOPT_MAIL_FROM, "<" FROM ">");
  curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
  curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(c, CURLOPT_READFUNCTION, pull);
  curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)len);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  if (resume) curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
  if (tls) {
    curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(c, CURLOPT_CAINFO, getenv("PERF_CA"));
  }
  if (auth) {
    curl_easy_setopt(c, CURLOPT_USERNAME, "user");
    curl_easy_setopt(c, CURLOPT_PASSWORD, "pass");
    curl_easy_setopt(c, CURLOPT_SASL_IR, 1L); /* its best case: the initial response with AUTH */
  }
  return c;
}

int main(int argc, char **argv)
{
  CURL *c = NULL;
  CURLcode r;
  long i;

  args(argc, argv, 0);
  curl_global_init(CURL_GLOBAL_ALL);
  for (i = 0; i < count; i++) {
    if (!c) c = handle();
    off = 0;
    if (!msg) fd = open(file, O_RDONLY);
    r = curl_easy_perform(c);
    if (fd >= 0) close(fd);
    if (r) {
      fprintf(stderr, "curl: %s\n", curl_easy_strerror(r));
      return 1;
    }
    if (!reuse && !resume) {
      curl_easy_cleanup(c);
      c = NULL;
    }
  }
  if (c) curl_easy_cleanup(c);
  return 0;
}
