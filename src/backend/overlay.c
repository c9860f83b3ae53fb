/* backend/overlay.c - the steps of copy-on-write, and the names of its directories.
 * Must not: make anything; overlays_prepare() of src/cage/overlay.h did, unless this is a dry run. */
#include "backend/overlay.h"
#include "base/path.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define LONGEST_NAME 200
#define TEMPORARY_SIZE (64ull * 1024 * 1024)

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t digest(const char *text)
{
	uint64_t value = 0xcbf29ce484222325;

	while (*text)
		value = (value ^ (unsigned char)*text++) * 0x100000001b3;
	return value;
}

char *overlay_name(struct arena *arena, const char *path)
{
	struct strbuf out = { .arena = arena };

	for (const char *at = path + 1; *at; at++) {
		if (*at == '/')
			strbuf_add(&out, "-");
		else if (isalnum((unsigned char)*at) || strchr("_+", *at) || (*at == '.' && at > path + 1))
			strbuf_add_bytes(&out, at, 1);
		else
			strbuf_addf(&out, "\\x%02x", (unsigned char)*at);
	}
	if (!out.length)
		strbuf_add(&out, "-");
	if (out.length <= LONGEST_NAME)
		return (char *)strbuf_text(&out);
	return arena_printf(arena, "%.*s~%016llx", LONGEST_NAME, strbuf_text(&out),
			    (unsigned long long)digest(path));
}

/* Where the changes of `source` are kept; NULL: nowhere. */
static const char *data_of(struct compilation *c, const char *source, struct stat *ret)
{
	const char *directory;

	if (!c->cage->overlay_dir)
		return NULL;
	directory = path_join(c->arena, c->cage->overlay_dir, overlay_name(c->arena, source));
	(void)lstat(directory, ret); /* missing only when nothing will be started */
	return directory;
}

/* A root of which nothing may be changed is an overlay too: mount points are made in it. */
int overlay_add_root(struct compilation *c, const struct view_entry *e, unsigned attributes)
{
	const struct origin *origin = e->rule->origin;
	bool read_only = policy_root_is(c->policy, "read-only");
	struct stat source = { .st_dev = e->device, .st_ino = e->inode, .st_mode = e->mode };
	struct stat data = { 0 };

	if (e->kind == VIEW_CHANGE) {
		plan_change(c->plan, e->path, attributes, origin);
		return 0;
	}
	if (strcmp(e->path, "/") != 0)
		return diag_error(c->d, "C315", origin, "a grant inside the root cannot end at '%s'",
				  str_quote(c->arena, e->path));
	if (policy_root_is(c->policy, "writable")) {
		plan_bind(c->plan, e->source, &source, e->path, attributes, origin);
	} else {
		const char *directory = read_only ? NULL : data_of(c, e->source, &data);

		plan_overlay(c->plan, e->source, &source, directory, &data, e->path, 0, origin);
	}
	plan_take_root(c->plan, !read_only);
	return 0;
}

int overlay_add(struct compilation *c, const struct view_entry *e, unsigned attributes)
{
	const struct origin *origin = e->rule->origin;
	struct stat source = { .st_dev = e->device, .st_ino = e->inode, .st_mode = e->mode };
	struct stat data = { 0 };
	const char *directory;

	if (e->kind == VIEW_CHANGE) {
		plan_change(c->plan, e->path, attributes, origin);
		return 0;
	}
	if (!S_ISDIR(e->mode) || strcmp(e->path, "/") == 0) {
		diag_error(c->d, "C313", origin, "'%s' cannot be copy-on-write: it is %s",
			   str_quote(c->arena, e->path), S_ISDIR(e->mode) ? "the root" : "not a directory");
		diag_help(c->d, "name the directory %s", S_ISDIR(e->mode) ? "that is meant" : "that it is in");
		return -EINVAL;
	}
	directory = data_of(c, e->source, &data);
	if (!directory)
		plan_tmpfs(c->plan, e->path, 0755, TEMPORARY_SIZE, origin);
	plan_overlay(c->plan, e->source, &source, directory, &data, e->path, attributes, origin);
	return 0;
}
