/* config.h - configuration files, local names and aliases of tern-send. */
#ifndef TERN_SEND_CONFIG_H
#define TERN_SEND_CONFIG_H

#include "options.h"

/* Fills what neither the command line nor the environment gave from --config, or from the user's
 * file and then the system's. 0: good; else o->problem names file and line. */
int config_read(options *o);
/* The password that password-command prints, where one is needed and there is none. */
int config_password(options *o);
/* Names without a domain become what the alias file says, or get the domain. */
int config_names(options *o);
void config_free(options *o);

#endif
