/* cage/grants.c - the list of grants: "MOUNT ACCESS PATH" with a NUL behind each, since a path may hold all else.
 * Must not: believe what is there without looking at every byte. */
#include "cage/grants.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRANTS "grants"

/* "57 w /path" */
static bool parse(const char *text, struct grant *ret)
{
	char *end;

	errno = 0;
	ret->mount = strtoull(text, &end, 10);
	if (errno || end == text || end[0] != ' ' || (end[1] != 'r' && end[1] != 'w') || end[2] != ' ' ||
	    end[3] != '/')
		return false;
	ret->read_only = end[1] == 'r';
	ret->path = end + 3;
	return true;
}

int grants_read(struct arena *arena, int gate, struct grants *ret)
{
	struct grants grants = { 0 };
	size_t length;
	char *text;
	int r = fd_read_file(arena, gate, GRANTS, LIMIT_FILE_SIZE, &text, &length);

	if (r < 0 && r != -ENOENT)
		return r;
	for (char *at = text; r == 0 && at < text + length; at += strlen(at) + 1)
		if (!parse(at, vec_push(arena, &grants.list)))
			return -EPROTO;
	*ret = grants;
	return 0;
}

int grants_write(struct arena *arena, int gate, const struct grants *grants)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < grants->list.count; i++) {
		const struct grant *grant = &grants->list.items[i];

		strbuf_addf(&out, "%llu %c %s", grant->mount, grant->read_only ? 'r' : 'w', grant->path);
		strbuf_add_bytes(&out, "", 1);
	}
	return fd_replace_file(gate, GRANTS, strbuf_text(&out), out.length, 0600);
}

void grants_clear(int gate)
{
	unlinkat(gate, GRANTS, 0);
}
