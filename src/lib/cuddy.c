/* lib/cuddy.c - the public functions over ours: one structure with one arena.
 * Must not: print, exit, keep globals. */
#include "backend/backend.h"
#include "base/path.h"
#include "launch/launch.h"
#include "profile/profile.h"

#include <cuddy.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CUDDY_DATA_DIR
#define CUDDY_DATA_DIR "/usr/share/cuddy"
#endif

extern char **environ;

struct cuddy {
	struct arena *arena;
	struct diags d;
	struct cage cage;
	struct policy *policy; /* in the arena; NULL after an error */
	struct plan *plan;     /* of the cage that runs, or NULL */
	struct launch launch;
};

static int fill_cage(struct cuddy *c)
{
	const struct passwd *entry = getpwuid(getuid());
	const char *home = getenv("HOME"), *shell = getenv("SHELL");
	char *directory = getcwd(NULL, 0);

	if (!directory)
		return diag_error(&c->d, "C511", NULL, "the working directory is gone");
	home = home && *home == '/' ? home : entry ? entry->pw_dir : "/";
	c->cage = (struct cage){
		.name = "cage", .uid = getuid(), .gid = getgid(), .environment = environ,
		.user = arena_strdup(c->arena, entry ? entry->pw_name : "user"),
		.home = path_normal(c->arena, "/", home),
		.shell = arena_strdup(c->arena, shell && *shell == '/' ? shell : "/bin/sh"),
		.working_directory = arena_strdup(c->arena, directory),
	};
	free(directory);
	return 0;
}

static void fill_context(struct cuddy *c, const char *share, struct profile_context *ret)
{
	const struct profile_caller caller = {
		.home = c->cage.home, .user = c->cage.user, .directory = c->cage.working_directory,
		.share = share, .uid = c->cage.uid, .environment = c->cage.environment,
	};

	profile_context_fill(c->arena, &caller, ret);
}

struct cuddy *cuddy_load(const char *profile, const char *share)
{
	struct arena *arena = arena_new();
	struct cuddy *c = arena_new_object(arena, struct cuddy);
	struct profile_context context;

	c->arena = arena;
	diags_init(&c->d, arena);
	if (fill_cage(c) < 0)
		return c;
	share = path_normal(arena, c->cage.working_directory, share ? share : CUDDY_DATA_DIR);
	/* Without it the denies that hold for every cage would be missing, without a word. */
	if (access(path_join(arena, share, "permissions/builtin.toml"), R_OK) < 0) {
		diag_error(&c->d, "C517", NULL, "cuddy's own files are not in '%s'", str_quote(arena, share));
		return c;
	}
	fill_context(c, share, &context);
	if (profile_resolve(arena, &context, profile, &c->d, &c->policy) < 0)
		c->policy = NULL;
	return c;
}

void cuddy_free(struct cuddy *cuddy)
{
	if (!cuddy)
		return;
	(void)cuddy_wait(cuddy);
	arena_free(cuddy->arena);
}

int cuddy_check(const struct cuddy *cuddy)
{
	return cuddy->policy ? 0 : -1;
}

enum cuddy_verdict cuddy_decide(struct cuddy *cuddy, const char *question)
{
	struct request request;

	if (!cuddy->policy || request_parse(cuddy->arena, question, cuddy->cage.home,
					    cuddy->cage.working_directory, &cuddy->d, &request) < 0)
		return CUDDY_ERROR;
	switch (policy_decide(cuddy->policy, &request).effect) {
	case EFFECT_ALLOW:
		return CUDDY_ALLOW;
	case EFFECT_ASK:
		return CUDDY_ASK;
	case EFFECT_DENY:
	case EFFECT_LOG:
		break;
	}
	return CUDDY_DENY;
}

int cuddy_start(struct cuddy *cuddy, const char *const *argv)
{
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct launch_options options = { 0 };
	struct claim *claims;

	if (!cuddy->policy || cuddy->plan || !argv || !argv[0])
		return -1;
	cuddy->cage.argv = argv;
	cuddy->cage.name = cuddy->policy->name;
	if (cuddy->policy->limits[LIMIT_TIMEOUT].is_set)
		options.timeout = (unsigned)cuddy->policy->limits[LIMIT_TIMEOUT].value;
	if (backend_compile(cuddy->arena, cuddy->policy, &cuddy->cage, &cuddy->d, &plan, &claims) < 0 ||
	    launch_start(plan, &options, &cuddy->d, &cuddy->launch) < 0)
		return -1;
	cuddy->plan = TAKE(plan);
	return 0;
}

int cuddy_wait(struct cuddy *cuddy)
{
	int status;

	if (!cuddy->plan)
		return -1;
	status = launch_wait(&cuddy->launch, &cuddy->d);
	plan_free(cuddy->plan);
	cuddy->plan = NULL;
	return status;
}

const char *cuddy_messages(struct cuddy *cuddy)
{
	struct strbuf out = { .arena = cuddy->arena };

	diags_print(&cuddy->d, &out, false);
	return strbuf_text(&out);
}
