/* cli/live.c - grant and revoke: paths of the host that come into a running cage, and go again. */
#include "base/fd.h"
#include "base/path.h"
#include "cage/data.h"
#include "cage/grantable.h"
#include "cage/look.h"
#include "cli/profile_actions.h"
#include "lib/caller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct live { bool ro, remember, forget; };

static const struct option grant_options[] = {
	{ "ro", 0, OPTION_FLAG, offsetof(struct live, ro), NULL, "to be read, not written" },
	{ "remember", 0, OPTION_FLAG, offsetof(struct live, remember), NULL, "write it to your own file beside the profile, too" },
	{ 0 },
};

static const struct option revoke_options[] = {
	{ "forget", 0, OPTION_FLAG, offsetof(struct live, forget), NULL, "take it from your own file beside the profile, too" },
	{ 0 },
};

/* A running cage, its gate locked. */
struct target {
	struct caller caller;
	const char *name;
	int gate;
	struct cage_handles handles;
	struct cage_record record;
};

static void target_close(struct target *t)
{
	cage_handles_close(&t->handles);
	fd_closep(&t->gate);
}

static int target_open(struct cli *cli, const char *name, struct target *ret)
{
	struct target t = { .name = name };
	int r = session_caller(cli, &t.caller);

	if (r == 0)
		r = caller_guard(cli->arena, &t.caller, &cli->d); /* what is granted now was not asked for at the start */
	if (r < 0)
		return r;
	AUTO_FD int runtime = cage_runtime_open(&t.caller.places, false);
	AUTO_FD int gate = runtime < 0 ? runtime : cage_gate_open(runtime, name, false);
	r = gate < 0 ? gate : cage_gate_connect(gate, SERVE_LOOK, &t.handles);
	if (r < 0) {
		diag_error(&cli->d, "C606", NULL, "no cage '%s' is running", str_quote(cli->arena, name));
		diag_help(&cli->d, "'cuddy ps' shows those that are");
		return -ENOENT;
	}
	if (cage_record_read(cli->arena, t.handles.fds[HANDLE_RECORD], &t.record) < 0) {
		cage_handles_close(&t.handles);
		return diag_error(&cli->d, "C602", NULL, "the cage '%s' was started by another version of cuddy", name);
	}
	t.gate = TAKE_FD(gate);
	*ret = t;
	return 0;
}

static bool wants_two(struct cli *cli)
{
	if (cli->count == 2)
		return true;
	diag_error(&cli->d, "C508", NULL, "'cuddy %s' wants the name of a cage and a path", cli->command->name);
	diag_help(&cli->d, "for example: cuddy %s firefox ~/Pictures", cli->command->name);
	return false;
}

/* The profile of the cage, as it was named when it was started. */
static const char *profile_of(struct cli *cli, const struct target *t)
{
	return strchr(t->record.profile, '/') ? path_normal(cli->arena, t->record.directory, t->record.profile)
					      : t->record.profile;
}

static int tell(struct cli *cli, const struct target *t, const char *path, const struct grant_error *e)
{
	const char *shown = str_quote(cli->arena, path);

	if (e->stage == GRANT_SOURCE) {
		diag_error(&cli->d, "C641", NULL, "'%s' cannot be granted: %s", shown,
			   e->error == EINVAL ? "it is neither file nor directory" :
			   e->error == EPERM ? "the kernel shows itself there" : strerror(e->error));
	} else if (e->stage == GRANT_TARGET) {
		diag_error(&cli->d, "C642", NULL, "'%s' has no place in the cage '%s': %s", shown, t->name,
			   e->error == EXDEV ? "it would have to be made in a directory that is not the cage's own" :
			   e->error == EBUSY ? "the cage has a place of its own there" : strerror(e->error));
		diag_help(&cli->d, e->error == EXDEV ? "grant a directory above it, or make it" :
			  "change the profile ('cuddy allow'), and use 'cuddy run --restart'");
	} else if (e->stage == GRANT_RECORD && e->error == EEXIST) {
		diag_error(&cli->d, "C643", NULL, "'%s' or something in it is granted already", shown);
		diag_help(&cli->d, "'cuddy ps' shows it; 'cuddy revoke %s PATH' takes it back", t->name);
	} else if (e->stage == GRANT_RECORD && e->error == ENOENT) {
		diag_error(&cli->d, "C644", NULL, "'%s' was not granted to the cage '%s'", shown, t->name);
		diag_help(&cli->d, "'cuddy ps' shows what was");
	} else {
		diag_error(&cli->d, "C645", NULL, "'%s': %s", shown, e->error == E2BIG ?
			   "a cage can have 100 grants" : strerror(e->error));
	}
	return EXIT_REFUSED;
}

/* The profile gets the line, or loses it. */
static int remember(struct cli *cli, struct target *t, const char *path, bool read_only)
{
	struct stat status;
	const char *key = read_only ? "filesystem.read-only" : "filesystem.read-write";
	const char *pattern = glob_of_path(cli->arena, path, stat(path, &status) < 0 || S_ISDIR(status.st_mode));

	if (strchr(t->record.profile, '/')) {
		diag_error(&cli->d, "C519", NULL, "the cage was started with a profile in a file, '%s': nothing stands beside it",
			   str_quote(cli->arena, t->record.profile));
		diag_help(&cli->d, "write it there: [filesystem], %s = [\"%s\"]", strchr(key, '.') + 1,
			  str_quote(cli->arena, pattern));
		return EXIT_REFUSED;
	}
	return profile_amend(cli, &t->caller, t->record.profile, key, NULL, pattern) < 0 ? EXIT_REFUSED : 0;
}

static int grant_to(struct cli *cli, struct target *t, const char *path, const struct live *o)
{
	CLEANUP(plan_freep) struct plan *plan = plan_unpack(t->record.plan, t->record.plan_length);
	struct grant_wish wish = {
		.cage = &t->handles, .plan = plan, .gate = t->gate, .path = path, .read_only = o->ro,
		.data = arena_printf(cli->arena, "%s/cages/%s", t->caller.places.data, t->name),
	};
	struct policy *policy;
	struct grant_error error;

	if (!plan || plan_verify(plan, &cli->d) < 0)
		return diag_error(&cli->d, "C602", NULL, "the cage '%s' was started by another version of cuddy",
				  t->name), EXIT_REFUSED;
	if (caller_resolve(cli->arena, &t->caller, profile_of(cli, t), &cli->d, &policy) < 0 ||
	    grant_check(cli->arena, &t->record, policy, path, o->ro, &cli->d, &wish.masks, &wish.mask_count) < 0)
		return EXIT_REFUSED;
	if (cage_grant(cli->arena, &wish, &error) < 0)
		return tell(cli, t, path, &error);
	(void)cli_print(arena_printf(cli->arena, "%s: %s, not executable\n", str_quote(cli->arena, path),
				     o->ro ? "read-only" : "read-write"));
	return o->remember ? remember(cli, t, path, o->ro) : 0;
}

static int grant(struct cli *cli, void *values)
{
	struct target target;
	char *path;
	int status;

	if (!wants_two(cli) || target_open(cli, cli->arguments[0], &target) < 0)
		return EXIT_REFUSED;
	path = realpath(cli->arguments[1], NULL);
	if (!path) {
		diag_error(&cli->d, "C641", NULL, "'%s' cannot be granted: %s",
			   str_quote(cli->arena, cli->arguments[1]), strerror(errno));
		status = EXIT_REFUSED;
	} else {
		status = grant_to(cli, &target, arena_strdup(cli->arena, path), values);
	}
	free(path);
	target_close(&target);
	return status;
}

const struct command command_grant = {
	"grant", "NAME PATH", "show a file or directory to a running cage", grant_options, sizeof(struct live),
	grant, NULL,
};

/* What was granted is named by its real path; the host's file may be gone by now. */
static const char *granted_path(struct cli *cli, const struct target *t, const char *word)
{
	const char *path = path_normal(cli->arena, t->caller.cage.working_directory, word);
	char *real = realpath(word, NULL);
	struct grants grants;

	if (real && grants_read(cli->arena, t->gate, &grants) == 0) {
		const char *other = arena_strdup(cli->arena, real);

		for (size_t i = 0; i < grants.list.count; i++)
			if (strcmp(grants.list.items[i].path, other) == 0)
				path = other;
	}
	free(real);
	return path;
}

/* Takes the line from the user's file, whichever of both it was. */
static int forget(struct cli *cli, struct target *t, const char *path)
{
	static const char *const keys[] = { "filesystem.read-only", "filesystem.read-write" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++)
		for (unsigned tree = 0; r == 0 && tree < 2; tree++)
			r = profile_take(cli, &t->caller, t->record.profile, keys[i],
					 glob_of_path(cli->arena, path, tree));
	return r < 0 ? EXIT_REFUSED : 0;
}

static int take_back(struct cli *cli, void *values)
{
	const struct live *o = values;
	struct target target;
	struct grant_error error;
	const char *path;
	int status;

	if (!wants_two(cli) || target_open(cli, cli->arguments[0], &target) < 0)
		return EXIT_REFUSED;
	path = granted_path(cli, &target, cli->arguments[1]);
	status = cage_revoke(cli->arena, &target.handles, target.gate, path, &error) < 0 ?
		tell(cli, &target, path, &error) : 0;
	if (o->forget && !strchr(target.record.profile, '/'))
		status = forget(cli, &target, path) ? EXIT_REFUSED : status;
	target_close(&target);
	return status;
}

const struct command command_revoke = {
	"revoke", "NAME PATH", "take back what was granted to a running cage", revoke_options, sizeof(struct live),
	take_back, NULL,
};
