/* backend/environment.c - the environment inside, built from an allow list; and the command. */
#include "backend/backend.h"
#include "base/path.h"

#include <fnmatch.h>
#include <string.h>

static bool is_listed(const struct text_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (fnmatch(list->items[i].value, name, 0) == 0)
			return true;
	return false;
}

static bool is_set(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->set.count; i++)
		if (strcmp(policy->set.items[i].name, name) == 0)
			return true;
	return false;
}

/* A bare name is looked up inside; a path with a slash is meant from where the caller stands. */
static const char *program(struct compilation *c)
{
	const char *name = c->cage->argv[0];

	return strchr(name, '/') ? path_normal(c->arena, c->cage->working_directory, name) : name;
}

static int compile(struct compilation *c)
{
	const struct policy *policy = c->policy;
	const char *search = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

	for (char **entry = c->cage->environment; entry && *entry; entry++) {
		const char *equals = strchr(*entry, '=');
		char *name;

		if (!equals)
			continue;
		name = arena_strndup(c->arena, *entry, (size_t)(equals - *entry));
		if (!is_listed(&policy->pass, name) || is_listed(&policy->unset, name) || is_set(policy, name))
			continue;
		plan_env(c->plan, name, equals + 1);
		if (strcmp(name, "PATH") == 0 && *equals && equals[1])
			search = equals + 1;
	}
	for (size_t i = 0; i < policy->set.count; i++) {
		if (is_listed(&policy->unset, policy->set.items[i].name))
			continue;
		plan_env(c->plan, policy->set.items[i].name, policy->set.items[i].value);
		if (strcmp(policy->set.items[i].name, "PATH") == 0)
			search = policy->set.items[i].value;
	}
	plan_env(c->plan, "container", "cuddy");
	plan_env(c->plan, "CUDDY_CAGE", c->cage->name);
	plan_env(c->plan, "CUDDY_PROFILE", policy->name);
	if (c->cage->argv && c->cage->argv[0])
		plan_exec(c->plan, program(c), search, c->cage->argv, NULL);
	return 0;
}

const struct backend backend_environment = { "environment", "passes on only named variables", compile };
