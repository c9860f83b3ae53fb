/* export/express.c - answers that several targets give: how exactly can this rule be said? */
#include "export/export.h"
#include "backend/abstract.h"

#include <string.h>

struct claim say(enum exactness exactness, const char *by, const char *note)
{
	return (struct claim){ .exactness = exactness, .backend = by, .note = note };
}

struct claim say_exact(const char *by, const char *note)
{
	return say(EXACTNESS_EXACT, by, note);
}

struct claim say_coarse(const char *by, const char *note)
{
	return say(EXACTNESS_COARSE, by, note);
}

struct claim say_none(const char *note)
{
	return say(EXACTNESS_NONE, NULL, note);
}

struct claim express_filter(const struct export *e, size_t rule)
{
	(void)e;
	(void)rule;
	return say_exact("seccomp", NULL);
}

struct claim express_capability(const struct export *e, size_t rule)
{
	(void)e;
	(void)rule;
	return say_exact("capabilities", NULL);
}

static struct claim express_image_path(const struct export *e, const struct rule *rule)
{
	const struct glob_alternative *a;
	size_t count = glob_alternatives(rule->glob, &a);
	bool system = rule->place == PLACE_HOST || rule->place == PLACE_SYNTHETIC || rule->place == PLACE_PROC;

	(void)e;
	for (size_t i = 0; i < count && system; i++)
		system = export_is_system(a[i].prefix) || str_starts(a[i].prefix, "/proc");
	if (!system)
		return say_none(NULL);
	if (rule->effect == EFFECT_ALLOW && !(rule->access & ACCESS_WRITE))
		return say_coarse("image", "what the image has there, not the files of this host");
	if (rule->effect != EFFECT_ALLOW)
		return say(EXACTNESS_AT_START, "mounts", "paths that this host had when it was exported");
	return say_none(NULL);
}

/* As the mounts back end claims it, for the steps are its own. */
struct claim express_mounts(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	struct claim claim = e->mounts[index];

	if (e->own_system) {
		struct claim image = express_image_path(e, rule);

		if (image.exactness != EXACTNESS_NONE)
			return image;
	}
	if (rule->effect == EFFECT_ALLOW && rule->place == PLACE_COPY_ON_WRITE)
		return say_none("copies are not kept apart");
	if (!claim.backend)
		return say_none(rule->place == PLACE_PERSIST ? "the cage's own memory stays here" : NULL);
	if (rule->effect == EFFECT_ALLOW && rule->place == PLACE_PERSIST)
		return say_coarse("mounts", "empty at each start, gone at the end");
	if (claim.exactness == EXACTNESS_AT_START)
		claim.note = "for what existed when it was exported";
	return claim;
}

/* Where nothing can be mounted noexec. */
struct claim express_runnable(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	struct claim claim = express_mounts(e, index);

	if (rule->effect == EFFECT_ALLOW && !(rule->access & ACCESS_EXECUTE) && claim.exactness == EXACTNESS_EXACT &&
	    rule->place == PLACE_HOST)
		return say_coarse("mounts", "wider: what is there can be executed too");
	return claim;
}

struct claim express_device_nodes(const struct export *e, size_t index)
{
	struct claim claim = e->mounts[index];

	if (claim.exactness == EXACTNESS_AT_START)
		claim.note = "for devices that existed when it was exported";
	return claim;
}

/* Devices that every runtime makes: runtime-spec/config-linux.md, "Default Devices". */
static const char *const default_devices[] = {
	"/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero",
};

bool export_is_default_device(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(default_devices); i++)
		if (str_equal(path, default_devices[i]))
			return true;
	return false;
}

struct claim express_container_device(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];

	for (size_t i = 0; i < ARRAY_SIZE(default_devices); i++)
		if (rule->effect == EFFECT_DENY && glob_matches(rule->glob, default_devices[i]))
			return say_none("every runtime makes the standard devices");
	return express_device_nodes(e, index);
}

struct claim express_host_network(const struct export *e, const char *backend, enum host_form form)
{
	if (form == HOST_ABSTRACT || (form == HOST_HOST && abstract_is_allowed(e->policy)))
		return say_exact(backend, NULL);
	return say_coarse(backend, form == HOST_HOST ? "wider: the host's abstract sockets come with it" :
			  "wider: the whole network of the host is open");
}

/* A network namespace of its own, with nothing in it, or none. */
struct claim express_namespace(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	enum host_form form = rule->endpoint->form;

	if (e->reach == REACH_HOST) {
		if (rule->effect == EFFECT_ALLOW)
			return express_host_network(e, "namespaces", form);
		return say_none("the network of the host cannot be narrowed");
	}
	if (rule->effect != EFFECT_ALLOW || form == HOST_LOOPBACK || rule->endpoint->access == ACCESS_LISTEN)
		return say_exact("namespaces", NULL);
	return say_none("the network namespace is empty: nothing leads out");
}

/* Where no bus is shown nothing must be denied on it. */
struct claim express_no_bus(const struct export *e, size_t index)
{
	if (e->policy->rules[index].effect != EFFECT_ALLOW && e->reach != REACH_HOST)
		return say_exact("mounts", NULL);
	return say_none("no filter of the bus comes with it, so no bus is shown");
}
