/* probe.h - --probe: what a look at the server found, for people and as JSON. */
#ifndef TERN_SEND_PROBE_H
#define TERN_SEND_PROBE_H

#include <tern/tern.h>

#include "json.h"

/* For people, on stdout. */
void probe_print(const tern_probe *p);
/* As the member "probe" of the object that is open. */
void probe_json(json *j, const tern_probe *p);

#endif
