/* lib/caller.c - who calls, from where, and where profiles are for that caller.
 * The only place that reads the caller's identity and environment.  Must not: print, change anything. */
#include "lib/caller.h"
#include "lib/guard.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CUDDY_DATA_DIR
#define CUDDY_DATA_DIR "/usr/share/cuddy"
#endif

extern char **environ;

/* The fields of /etc/passwd, passwd(5). */
enum { USER_NAME, USER_PASSWORD, USER_UID, USER_GID, USER_GECOS, USER_HOME, USER_SHELL, USER_FIELDS };

/* One line, cut at its colons; true when it is that user's. */
static bool is_user(char *line, uid_t uid, char *fields[USER_FIELDS])
{
	char *end;

	for (size_t i = 0; i < USER_FIELDS; i++)
		if (!(fields[i] = strsep(&line, ":")))
			return false;
	return *fields[USER_NAME] && *fields[USER_UID] && strtoul(fields[USER_UID], &end, 10) == uid && !*end;
}

/* Mostly the file knows the user.  Else the name services are asked, which may take long. */
static void find_user(struct arena *arena, uid_t uid, const char **ret_name, const char **ret_home)
{
	char *text, *line, *fields[USER_FIELDS];
	size_t length;

	if (fd_read_file(arena, AT_FDCWD, "/etc/passwd", LIMIT_FILE_SIZE, &text, &length) == 0)
		while ((line = strsep(&text, "\n")))
			if (is_user(line, uid, fields)) {
				*ret_name = fields[USER_NAME];
				*ret_home = fields[USER_HOME];
				return;
			}
	const struct passwd *entry = getpwuid(uid);
	*ret_name = entry ? arena_strdup(arena, entry->pw_name) : "user";
	*ret_home = entry ? arena_strdup(arena, entry->pw_dir) : "/";
}

static int fill_cage(struct arena *arena, struct diags *d, struct cage *ret)
{
	const char *name, *own_home;
	const char *home = getenv("HOME"), *shell = getenv("SHELL");
	char *directory = getcwd(NULL, 0);

	if (!directory)
		return diag_error(d, "C511", NULL, "the working directory is gone");
	find_user(arena, getuid(), &name, &own_home);
	home = home && *home == '/' ? home : own_home;
	*ret = (struct cage){
		.name = "cage", .uid = getuid(), .gid = getgid(), .environment = environ,
		.user = name,
		.home = path_normal(arena, "/", home),
		.shell = arena_strdup(arena, shell && *shell == '/' ? shell : "/bin/sh"),
		.working_directory = arena_strdup(arena, directory),
	};
	free(directory);
	return 0;
}

static const char *own_directory(struct arena *arena, const char *home, const char *variable, const char *standard)
{
	const char *value = getenv(variable);

	return path_join(arena, path_normal(arena, home, value && *value == '/' ? value : standard), "cuddy");
}

int caller_fill(struct arena *arena, const char *share, struct diags *d, struct caller *ret)
{
	int r = fill_cage(arena, d, &ret->cage);

	if (r < 0)
		return r;
	share = path_normal(arena, ret->cage.working_directory, share ? share : CUDDY_DATA_DIR);
	ret->places = (struct cage_places){
		.data = own_directory(arena, ret->cage.home, "XDG_DATA_HOME", ".local/share"),
		.state = own_directory(arena, ret->cage.home, "XDG_STATE_HOME", ".local/state"),
		.cache = own_directory(arena, ret->cage.home, "XDG_CACHE_HOME", ".cache"),
		.runtime = arena_strdup(arena, getenv("XDG_RUNTIME_DIR")),
	};
	profile_context_fill(arena, &(struct profile_caller){
		.home = ret->cage.home, .user = ret->cage.user, .directory = ret->cage.working_directory,
		.share = share, .running = cage_runtime_path(arena, &ret->places),
		.uid = ret->cage.uid, .environment = environ }, &ret->context);
	ret->places.config = ret->context.places.user;
	return 0;
}

int caller_guard(struct arena *arena, struct caller *caller, struct diags *d)
{
	return guard_rules(arena, &caller->context, NULL, d, &caller->context.guard);
}

int caller_resolve(struct arena *arena, const struct caller *caller, const char *name, struct diags *d,
		   struct policy **ret)
{
	const char *share = caller->context.places.share;

	/* Without it the denies that hold for every cage would be missing, without a word. */
	if (access(path_join(arena, share, "permissions/builtin.toml"), R_OK) < 0) {
		diag_error(d, "C517", NULL, "cuddy's own files are not in '%s'", str_quote(arena, share));
		diag_help(d, "install them with 'make install', or run cuddy from its build directory");
		return -EINVAL;
	}
	size_t messages = d->list.count;
	struct profile_context guarded = caller->context;
	if (profile_resolve(arena, &caller->context, name, d, ret) < 0 ||
	    guard_rules(arena, &caller->context, *ret, d, &guarded.guard) < 0)
		return -EINVAL;
	if (!guarded.guard)
		return 0;
	d->list.count = messages; /* what was said will be said again */
	return profile_resolve(arena, &guarded, name, d, ret) < 0 ? -EINVAL : 0;
}

struct profile_choice caller_choose(struct arena *arena, const struct caller *caller, const char *program,
				    struct diags *d)
{
	return profile_choose(arena, &caller->context, environ, program, d);
}
