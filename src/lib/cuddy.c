/* lib/cuddy.c - the public functions over ours: loading, deciding, starting, waiting.
 * One structure with one arena.  Must not: print, exit, keep globals. */
#include "lib/internal.h"

#include <errno.h>
#include <string.h>

#define KNOWN_FLAGS (CUDDY_SECURE | CUDDY_COLOUR)

/* A member that a later version adds must not fall into padding, where this one would not miss it. */
_Static_assert(offsetof(struct cuddy_options, streams) + sizeof(int *) == sizeof(struct cuddy_options),
	       "padding at the end of the options");

/* Takes what the caller's version of the structure has; the rest is zero. */
static int read_options(struct cuddy *c, const struct cuddy_options *options, struct cuddy_options *ret)
{
	size_t size = options ? options->size : 0;

	if (size < sizeof(options->size))
		return diag_error(&c->d, "C540", NULL, "cuddy_load() wants options with their size");
	for (size_t i = sizeof(*ret); i < size; i++)
		if (((const char *)options)[i])
			return diag_error(&c->d, "C540", NULL, "this libcuddy is too old for one of the options");
	memcpy(ret, options, MIN(size, sizeof(*ret)));
	if (ret->flags & ~(unsigned)KNOWN_FLAGS)
		return diag_error(&c->d, "C540", NULL, "this libcuddy is too old for one of the flags");
	c->colour = ret->flags & CUDDY_COLOUR;
	c->timeout = ret->timeout;
	if (ret->streams)
		c->streams = memcpy(arena_new_array(c->arena, int, 3), ret->streams, 3 * sizeof(int));
	return 0;
}

static void load(struct cuddy *c, const struct cuddy_options *given)
{
	struct cuddy_options options = { 0 };
	struct cage *cage = &c->caller.cage;
	const char *profile;

	if (read_options(c, given, &options) < 0 ||
	    caller_fill(c->arena, options.share, &c->d, &c->caller) < 0 ||
	    rules_of_options(c->arena, cage, &options, &c->d, &c->caller.context.extra) < 0)
		return;
	profile = options.profile;
	if (!profile && options.program)
		profile = caller_choose(c->arena, &c->caller, options.program);
	if (!profile) {
		diag_error(&c->d, "C515", NULL, "no profile is named, and no program to choose one for");
		return;
	}
	if (caller_resolve(c->arena, &c->caller, arena_strdup(c->arena, profile), &c->d, &c->policy) < 0)
		c->policy = NULL;
	else
		cage->name = options.cage ? arena_strdup(c->arena, options.cage) : c->policy->name;
}

struct cuddy *cuddy_load(const struct cuddy_options *options)
{
	struct arena *arena = arena_new();
	struct cuddy *c = arena_new_object(arena, struct cuddy);

	c->arena = arena;
	diags_init(&c->d, arena);
	load(c, options);
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

int ask_oracle(struct cuddy *cuddy, const char *question, struct verdict *ret)
{
	const struct cage *cage = &cuddy->caller.cage;
	struct request request;

	if (!cuddy->policy || request_parse(cuddy->arena, question, cage->home, cage->working_directory,
					    &cuddy->d, &request) < 0)
		return -EINVAL;
	*ret = policy_decide(cuddy->policy, &request);
	return 0;
}

enum cuddy_verdict cuddy_decide(struct cuddy *cuddy, const char *question)
{
	struct verdict verdict;

	if (ask_oracle(cuddy, question, &verdict) < 0)
		return CUDDY_ERROR;
	switch (verdict.effect) {
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

/* The oracle is asked before anything is started. */
int cuddy_can_start(struct cuddy *cuddy)
{
	static const char *const calls[] = { "execve", "exit_group" };
	const struct policy *policy = cuddy->policy;
	const char *missing = NULL;
	bool files = false;

	if (!policy)
		return CUDDY_REFUSED;
	for (size_t i = 0; i < policy->rule_count; i++)
		files = files || (policy->rules[i].kind == KIND_FILE && policy->rules[i].effect == EFFECT_ALLOW &&
				  policy->rules[i].access & ACCESS_EXECUTE);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct request request = { .kind = KIND_SYSCALL, .access = ACCESS_USE,
						 .verb = "syscall", .subject = calls[i] };

		if (policy_decide(policy, &request).effect != EFFECT_ALLOW)
			missing = "runtime.ordinary";
	}
	if (!missing && files)
		return 0;
	diag_error(&cuddy->d, "C507", NULL, "profile '%s' lets no program start: %s",
		   str_quote(cuddy->arena, policy->name),
		   missing ? "it grants no system calls" : "it grants no file to execute");
	diag_help(&cuddy->d, "give it the flags %s%sfilesystem.system", missing ? missing : "",
		  missing ? " and " : "");
	return CUDDY_CANNOT_EXECUTE;
}

int compile_cage(struct cuddy *cuddy, const char *const *argv, struct plan **ret)
{
	struct cage cage = cuddy->caller.cage;
	struct claim *claims;

	if (!cuddy->policy)
		return -EINVAL;
	if (!argv || !argv[0] || !*argv[0])
		return diag_error(&cuddy->d, "C508", NULL, "there is no program to start");
	cage.argv = argv;
	return backend_compile(cuddy->arena, cuddy->policy, &cage, &cuddy->d, ret, &claims);
}

int cuddy_start(struct cuddy *cuddy, const char *const *argv)
{
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct launch_options options = { .streams = cuddy->streams, .timeout = cuddy->timeout };
	int status = cuddy_can_start(cuddy);

	if (status)
		return status;
	if (cuddy->plan) {
		diag_error(&cuddy->d, "C541", NULL, "a program runs already");
		return CUDDY_REFUSED;
	}
	if (!options.timeout && cuddy->policy->limits[LIMIT_TIMEOUT].is_set)
		options.timeout = (unsigned)cuddy->policy->limits[LIMIT_TIMEOUT].value;
	if (compile_cage(cuddy, argv, &plan) < 0 ||
	    launch_start(plan, &options, &cuddy->d, &cuddy->launch) < 0)
		return CUDDY_REFUSED;
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

	diags_print(&cuddy->d, &out, cuddy->colour);
	return strbuf_text(&out);
}
