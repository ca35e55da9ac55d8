/* pool.c - many mails over a few connections that are kept, from one thread.
 *
 *   pool URL FROM TO COUNT [CONNECTIONS [CA]]
 *
 * COUNT mails, over CONNECTIONS (default 10) at most; as many wait as may, and the next ones are made
 * as there is room. Each mail has its own result. */
#include <stdio.h>
#include <stdlib.h>
#include <tern/tern.h>

static const char text[] = "Subject: one of many\r\n\r\nHello from a pool.\r\n";

static tern_mail *letter(char **argv)
{
  tern_mail *mail = tern_mail_new(NULL);

  tern_mail_from(mail, argv[2]);
  tern_mail_rcpt(mail, argv[3]);
  tern_mail_content(mail, text, TERN_NUL); /* borrowed: one text for all */
  return mail;
}

static int result(tern_mail *mail)
{
  int good = tern_mail_status(mail) == TERN_OK;

  if (!good) fprintf(stderr, "%s\n", tern_error_text(tern_mail_error(mail)));
  tern_mail_free(mail);
  return good;
}

int main(int argc, char **argv)
{
  unsigned long count = argc > 4 ? strtoul(argv[4], NULL, 10) : 0, given = 0, sent = 0;
  tern_pool *pool = tern_pool_new(NULL);
  tern_mail *mail;

  if (!count || !pool) {
    fprintf(stderr, "pool URL FROM TO COUNT [CONNECTIONS [CA]]\n");
    return 64;
  }
  if (argc > 5) tern_pool_set_limits(pool, 0, (uint32_t)strtoul(argv[5], NULL, 10));
  if (argc > 6) tern_pool_set_ca(pool, argv[6]);
  tern_pool_set_queue(pool, 100, 80);
  do {
    for (; given < count && !tern_pool_pressure(pool); given++) {
      mail = letter(argv);
      if (tern_pool_submit(pool, argv[1], mail, 0, 60000) != TERN_E_AGAIN) sent += (unsigned)result(mail);
    }
    if (given == count) tern_pool_close(pool); /* QUIT rides with the last ones */
    mail = tern_pool_wait(pool);
    if (mail) sent += (unsigned)result(mail);
  } while (mail || given < count);
  tern_pool_free(pool);
  printf("%lu of %lu sent\n", sent, count);
  return sent == count ? 0 : 1;
}
