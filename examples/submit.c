/* submit.c - submission: STARTTLS, authentication, one message.
 *
 *   TERN_PASSWORD=secret submit smtp://mail.example.org:587 ann@example.org bob@example.net [CA]
 *
 * No call's result has to be looked at but the last one's: an earlier failure arrives there. */
#include <stdio.h>
#include <stdlib.h>
#include <tern/tern.h>

int main(int argc, char **argv)
{
  tern_message *msg = tern_message_new(NULL);
  tern_mail *mail = tern_mail_new(NULL);
  tern_client *c = tern_client_new(NULL);
  tern_status st;
  char line[512];

  if (argc < 4) {
    fprintf(stderr, "submit URL FROM TO [CA]   (password in TERN_PASSWORD)\n");
    return 64;
  }
  tern_message_from(msg, "Ann", argv[2]);
  tern_message_to(msg, "Bob", argv[3]);
  tern_message_subject(msg, "Hello");
  tern_message_text(msg, "Hello from tern.\n", TERN_NUL); /* borrowed, not copied */
  tern_mail_message(mail, msg);                           /* envelope and content */

  if (argc > 4) tern_client_set_ca(c, argv[4]);
  tern_client_connect(c, argv[1]); /* smtp: STARTTLS is required */
  if (getenv("TERN_PASSWORD")) tern_client_auth(c, argv[2], getenv("TERN_PASSWORD"));
  st = tern_client_send(c, mail); /* an earlier failure arrives here */
  tern_client_quit(c);            /* cannot undo an accepted mail */

  tern_error_format(tern_mail_error(mail), line, sizeof line);
  if (st != TERN_OK)
    fprintf(stderr, "%s\n", line);
  else
    printf("accepted, %s\n", tern_mail_queue_id(mail));

  tern_client_free(c);
  tern_mail_free(mail);
  tern_message_free(msg);
  return st == TERN_OK ? 0 : 1;
}
