/* memory.h - --memory: what is known of the server, kept in a file from run to run. */
#ifndef TERN_SEND_MEMORY_H
#define TERN_SEND_MEMORY_H

#include <tern/tern.h>

/* Gives the client what the file holds, before it connects to url; from then on it learns. What cannot be used
 * is told on standard error, and nothing fails for it. */
void memory_load(tern_client *client, const char *path, const char *url);
/* Writes what the client knows now, whole or not at all, for the user alone to read. */
void memory_save(tern_client *client, const char *path);

#endif
