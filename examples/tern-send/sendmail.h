/* sendmail.h - tern-send under the name of sendmail. */
#ifndef TERN_SEND_SENDMAIL_H
#define TERN_SEND_SENDMAIL_H

/* Whether the program was called as sendmail (or newaliases, mailq). */
int sendmail_called(const char *name);

#define SENDMAIL_SEND 0
#define SENDMAIL_NOTHING 1 /* what was asked for is done, as there is no queue and no alias database */
#define SENDMAIL_REFUSED 2 /* *problem names the option */

/* Turns the arguments of sendmail(8) into tern-send's. *out is allocated (one block, to be freed), its
 * strings are those of argv. Options that concern a daemon or a queue are taken and change nothing. */
int sendmail_arguments(int argc, char **argv, int *count, char ***out, const char **problem);

#endif
