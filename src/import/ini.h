/* import/ini.h - files of sections and KEY=VALUE lines: systemd's units, flatpak's metadata. */
#ifndef CUDDY_IMPORT_INI_H
#define CUDDY_IMPORT_INI_H

#include "import/import.h"

struct ini_line { const char *section, *key, *value; const struct origin *origin; };

/* Calls `each` for every KEY=VALUE, in order.  With `continues`, a backslash at the end of a line joins the
 * next one.  0, or -EINVAL with a diagnostic for a line that is no such thing. */
int ini_read(struct import *i, const struct source *source, bool continues,
	     void (*each)(void *data, const struct ini_line *line), void *data);

#endif
