/* lib/cuddy.c - the public functions over ours: one structure with one arena.
 * Must not: print, exit, keep globals. */
#include "backend/backend.h"
#include "base/path.h"
#include "launch/launch.h"
#include "network/network.h"
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
	struct network network;
};

/* As in cli/session.c. */
static const struct { const char *name, *standard; } directories[] = {
	{ "XDG_CACHE_HOME", ".cache" },		{ "XDG_CONFIG_HOME", ".config" },
	{ "XDG_DATA_HOME", ".local/share" },	{ "XDG_DESKTOP_DIR", "Desktop" },
	{ "XDG_DOCUMENTS_DIR", "Documents" },	{ "XDG_DOWNLOAD_DIR", "Downloads" },
	{ "XDG_MUSIC_DIR", "Music" },		{ "XDG_PICTURES_DIR", "Pictures" },
	{ "XDG_PUBLICSHARE_DIR", "Public" },	{ "XDG_STATE_HOME", ".local/state" },
	{ "XDG_TEMPLATES_DIR", "Templates" },	{ "XDG_VIDEOS_DIR", "Videos" },
};

static const char *directory_of(struct cuddy *c, const char *name, const char *standard)
{
	const char *value = getenv(name);

	return path_normal(c->arena, c->cage.home, value && *value == '/' ? value : standard);
}

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

/* A folder's own file that only tightens, from the working directory upwards; NULL for none. */
static const char *find_tightening(struct cuddy *c)
{
	for (const char *at = c->cage.working_directory; *at;) {
		const char *file = path_join(c->arena, at, ".cuddy.toml"), *slash = strrchr(at, '/');

		if (access(file, F_OK) == 0)
			return file;
		at = slash ? arena_strndup(c->arena, at, (size_t)(slash - at)) : "";
	}
	return NULL;
}

static void fill_context(struct cuddy *c, const char *share, struct profile_context *ret)
{
	VEC(struct profile_variable) v = { 0 };
	const char *uid = arena_printf(c->arena, "%u", c->cage.uid);
	const char *runtime = arena_printf(c->arena, "/run/user/%s", uid);

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		*vec_push(c->arena, &v) = (struct profile_variable){
			directories[i].name, directory_of(c, directories[i].name, directories[i].standard),
		};
	*vec_push(c->arena, &v) = (struct profile_variable){ "HOME", c->cage.home };
	*vec_push(c->arena, &v) = (struct profile_variable){ "PWD", c->cage.working_directory };
	*vec_push(c->arena, &v) = (struct profile_variable){ "USER", c->cage.user };
	*vec_push(c->arena, &v) = (struct profile_variable){ "UID", uid };
	*vec_push(c->arena, &v) = (struct profile_variable){
		"XDG_RUNTIME_DIR", directory_of(c, "XDG_RUNTIME_DIR", runtime) };
	*ret = (struct profile_context){
		.places = { share, "/etc/cuddy",
			    path_join(c->arena, directory_of(c, "XDG_CONFIG_HOME", ".config"), "cuddy") },
		.variables = v.items, .variable_count = v.count, .tighten = find_tightening(c),
	};
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
	struct launch_options options = { .prepare = network_prepare, .data = &cuddy->network };
	struct claim *claims;

	if (!cuddy->policy || cuddy->plan || !argv || !argv[0])
		return -1;
	cuddy->cage.argv = argv;
	cuddy->cage.name = cuddy->policy->name;
	if (cuddy->policy->limits[LIMIT_TIMEOUT].is_set)
		options.timeout = (unsigned)cuddy->policy->limits[LIMIT_TIMEOUT].value;
	if (backend_compile(cuddy->arena, cuddy->policy, &cuddy->cage, &cuddy->d, &plan, &claims) < 0 ||
	    launch_start(plan, &options, &cuddy->d, &cuddy->launch) < 0) {
		network_finish(&cuddy->network, &cuddy->d);
		return -1;
	}
	cuddy->plan = TAKE(plan);
	return 0;
}

int cuddy_wait(struct cuddy *cuddy)
{
	int status;

	if (!cuddy->plan)
		return -1;
	status = launch_wait(&cuddy->launch, &cuddy->d);
	network_finish(&cuddy->network, &cuddy->d);
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
