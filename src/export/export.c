/* export/export.c - works out what is common to all targets, asks one for its answers and files.
 *
 * Order: the file view and the filter as the back ends make them, the calls as the oracle decides
 * them, then the answers of the target, then its files.  Must not: write anything. */
#include "export/export.h"
#include "base/path.h"
#include "policy/capabilities.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

const struct export_target *const export_targets[] = {
	&target_apparmor, &target_bwrap, &target_docker, &target_kubernetes, &target_landlock,
	&target_oci, &target_podman, &target_systemd, NULL,
};

/* ---- settings ---- */

static const struct { const char *name; enum setting setting; size_t offset; bool is_list; } settings[] = {
	{ "command", SETTING_COMMAND, offsetof(struct policy, command), true },
	{ "filesystem.root", SETTING_ROOT, offsetof(struct policy, root), false },
	{ "filesystem.working-directory", SETTING_DIRECTORY, offsetof(struct policy, working_directory), false },
	{ "hostname", SETTING_HOSTNAME, offsetof(struct policy, hostname), false },
	{ "networking.dns", SETTING_DNS, offsetof(struct policy, dns), true },
	{ "networking.expose", SETTING_EXPOSE, offsetof(struct policy, expose), true },
	{ "networking.lend", SETTING_LEND, offsetof(struct policy, lend), true },
	{ "networking.network", SETTING_NETWORK, offsetof(struct policy, network), false },
	{ "networking.publish", SETTING_PUBLISH, offsetof(struct policy, publish), true },
	{ "networking.vpn", SETTING_VPN, offsetof(struct policy, vpn), false },
	{ "desktop.screen", SETTING_SCREEN, offsetof(struct policy, screen), false },
	{ "desktop.x11", SETTING_X11, offsetof(struct policy, x11), false },
	{ "user.as", SETTING_USER, offsetof(struct policy, user_as), false },
	{ "user.groups", SETTING_GROUPS, offsetof(struct policy, groups), true },
	{ "requires", SETTING_REQUIRES, offsetof(struct policy, requires), true },
	{ "environment", SETTING_ENVIRONMENT, offsetof(struct policy, pass), true },
};

/* The first value of a setting and where it stands; false when it is not set. */
static bool setting_value(const struct export *e, enum setting setting, const char **ret_name,
			  struct text_setting *ret)
{
	const char *base = (const char *)e->policy;

	if (setting >= SETTING_LIMITS) {
		const struct number_setting *limit = &e->policy->limits[setting - SETTING_LIMITS];

		*ret_name = arena_printf(e->arena, "runtime.%s", limit_names[setting - SETTING_LIMITS]);
		*ret = (struct text_setting){
			arena_printf(e->arena, "%llu", (unsigned long long)limit->value), limit->origin };
		return limit->is_set && limit->value != UINT64_MAX;
	}
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct text_list *list = (const void *)(base + settings[i].offset);

		if (settings[i].setting != setting)
			continue;
		*ret_name = settings[i].name;
		*ret = (struct text_setting){ 0 };
		if (!settings[i].is_list)
			*ret = *(const struct text_setting *)(const void *)(base + settings[i].offset);
		else if (list->count)
			*ret = list->items[0];
		else if (setting == SETTING_ENVIRONMENT && e->policy->set.count)
			*ret = (struct text_setting){ e->policy->set.items[0].name, e->policy->set.items[0].origin };
		return ret->value && !(setting == SETTING_X11 && str_equal(ret->value, "none"));
	}
	unreachable();
}

static void answer_settings(struct export *e)
{
	for (unsigned i = 0; i < SETTING_COUNT; i++) {
		const struct setting_row *row = e->target->settings;
		struct text_setting value;
		const char *name;

		e->settings[i].exactness = EXACTNESS_EXACT;
		if (!setting_value(e, (enum setting)i, &name, &value))
			continue;
		while (row->exactness != EXACTNESS_NONE && row->setting != i)
			row++;
		e->settings[i] = say(row->exactness, e->target->name, row->note);
	}
}

/* ---- rules ---- */

static struct claim answer_rule(struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	struct claim claim = e->target->express[rule->kind](e, index);

	if (rule->effect == EFFECT_ASK)
		return say_coarse(claim.backend, "narrower: denied, for nothing can ask");
	if (rule->effect == EFFECT_LOG && !str_equal(claim.backend, "apparmor"))
		return say_none("nothing logs it");
	return claim;
}

/* What endpoint rules come to as a whole. */
static void gather_network(struct export *e)
{
	struct request request = { .kind = KIND_NETWORK, .access = ACCESS_CONNECT, .verb = "connect",
				   .endpoint = { .access = ACCESS_CONNECT, .form = HOST_HOST } };

	e->loopback = true;
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];

		if (rule->kind != KIND_NETWORK)
			continue;
		if (rule->effect == EFFECT_ALLOW && rule->endpoint->form != HOST_LOOPBACK &&
		    rule->endpoint->form < HOST_HOST && rule->endpoint->access & ~(unsigned)ACCESS_LISTEN)
			e->reach = REACH_SOME;
		if (rule->effect == EFFECT_DENY && rule->endpoint->access & ACCESS_CONNECT &&
		    (rule->endpoint->form == HOST_LOOPBACK || rule->endpoint->form == HOST_ANY))
			e->loopback = false;
	}
	if (policy_decide(e->policy, &request).effect == EFFECT_ALLOW)
		e->reach = REACH_HOST;
}

static void gather_capabilities(struct export *e)
{
	for (unsigned i = 0; i < CAPABILITY_COUNT; i++) {
		struct request request = { .kind = KIND_CAPABILITY, .access = ACCESS_USE, .verb = "capability",
					   .subject = capability_name(i) };

		if (policy_decide(e->policy, &request).effect == EFFECT_ALLOW)
			e->capabilities |= 1ull << i;
	}
}

/* The back ends that show files, set the environment and filter calls; nothing is refused here
 * because this host can't do it, for the artefact goes elsewhere. */
static int gather_plan(struct export *e)
{
	struct plan *plan = plan_new();
	struct compilation c = { .arena = e->arena, .policy = e->policy, .cage = e->cage, .plan = plan, .d = e->d,
				 .claims = arena_new_array(e->arena, struct claim, e->policy->rule_count) };
	const struct backend *const needed[] = { &backend_mounts, &backend_environment, &backend_seccomp };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (needed[i]->compile(&c) < 0) {
			plan_free(plan);
			return -EINVAL;
		}
	}
	plan_seal(plan);
	e->plan = plan;
	e->mounts = c.claims;
	return 0;
}

static bool has_system(const char *rootfs)
{
	char path[4096];
	int length = snprintf(path, sizeof(path), "%s/usr", rootfs);

	return length > 0 && (size_t)length < sizeof(path) && access(path, F_OK) == 0;
}

static int check_root(const struct export *e, struct diags *d)
{
	struct stat status;

	if (e->rootfs && !e->target->takes_root)
		return diag_error(d, "C532", NULL, "'%s' makes no bundles", e->target->name);
	if (e->rootfs && (stat(e->rootfs, &status) < 0 || !S_ISDIR(status.st_mode)))
		return diag_error(d, "C532", NULL, "'%s' is no directory", str_quote(e->arena, e->rootfs));
	return 0;
}

struct export *export_make(struct arena *arena, const struct policy *policy, const struct cage *cage,
			   const struct export_target *target, const struct export_options *options,
			   struct diags *d)
{
	struct export *e = arena_new_object(arena, struct export);

	*e = (struct export){ .arena = arena, .policy = policy, .cage = cage, .target = target, .d = d,
			      .image = options->image ? options->image : "IMAGE", .rootfs = options->rootfs };
	e->own_system = e->rootfs ? has_system(e->rootfs) : target->own_system;
	if (check_root(e, d) < 0 || gather_plan(e) < 0)
		return NULL;
	if (export_gather_calls(e) < 0) {
		export_free(e);
		return NULL;
	}
	gather_network(e);
	gather_capabilities(e);
	export_gather_mounts(e);
	e->claims = arena_new_array(arena, struct claim, policy->rule_count);
	for (size_t i = 0; i < policy->rule_count; i++)
		e->claims[i] = answer_rule(e, i);
	answer_settings(e);
	if (target->write(e) == 0)
		return e;
	export_free(e);
	return NULL;
}

void export_free(struct export *e)
{
	if (e)
		plan_free(e->plan);
}

/* ---- for targets ---- */

struct strbuf *export_file(struct export *e, const char *name, unsigned mode)
{
	struct export_file *file = arena_new_object(e->arena, struct export_file);

	*file = (struct export_file){ .name = name, .mode = mode, .text.arena = e->arena };
	*vec_push(e->arena, &e->files) = file;
	return &file->text;
}

const char *export_nothing(struct export *e, bool is_directory)
{
	const char *name = arena_printf(e->arena, "%s.%s", export_name(e), is_directory ? "nowhere" : "nothing");

	for (size_t i = 0; i < e->files.count; i++)
		if (str_equal(e->files.items[i]->name, name))
			return name;
	(void)export_file(e, name, is_directory ? S_IFDIR : 0);
	return name;
}

const char *export_origin(const struct export *e, const struct origin *origin)
{
	if (!origin || !origin->source)
		return "cuddy";
	return arena_printf(e->arena, "%s:%u", str_quote(e->arena, origin->source->name), origin->line);
}

const char *export_rule_origin(const struct export *e, const struct rule *rule)
{
	return arena_printf(e->arena, "%s%s%s%s", export_origin(e, rule->origin), rule->flag ? " (" : "",
			    rule->flag ? rule->flag : "", rule->flag ? ")" : "");
}

void export_heading(const struct export *e, struct strbuf *out, const char *prefix)
{
	strbuf_addf(out, "%s Made by 'cuddy export --to %s %s': change the profile, not this file.\n", prefix,
		    e->target->name, str_quote(e->arena, e->policy->name));
	export_print_losses(e, out, arena_printf(e->arena, "%s ", prefix));
}

static const struct { enum limit limit; int resource; } rlimits[] = {
	{ LIMIT_OPEN_FILES, RLIMIT_NOFILE }, { LIMIT_FILE_BYTES, RLIMIT_FSIZE },
};

bool export_limit(const struct export *e, enum limit limit, uint64_t *ret)
{
	const struct number_setting *set = &e->policy->limits[limit];

	*ret = set->value;
	/* A bundle runs on this host, as this user: limits only go down. */
	for (size_t i = 0; e->rootfs && i < ARRAY_SIZE(rlimits); i++) {
		struct rlimit now;

		if (rlimits[i].limit == limit && getrlimit(rlimits[i].resource, &now) == 0)
			*ret = MIN(set->value, (uint64_t)now.rlim_max);
	}
	return set->is_set && set->value != UINT64_MAX;
}

const char *export_limit_origin(const struct export *e, enum limit limit)
{
	return export_origin(e, e->policy->limits[limit].origin);
}

size_t export_environment(const struct export *e, const char *const **ret)
{
	const char **items = arena_new_array(e->arena, const char *, e->plan->envp.count);

	for (size_t i = 0; i < e->plan->envp.count; i++)
		items[i] = plan_text_at(e->plan, e->plan->envp.items[i]);
	*ret = items;
	return e->plan->envp.count;
}

const char *export_directory(const struct export *e)
{
	const char *directory = backend_start_directory(e->arena, e->policy, e->cage);

	/* An image may lack what this host has. */
	if (e->own_system && !e->policy->working_directory.value && export_is_system(directory))
		return "/";
	return directory;
}

size_t export_capabilities(const struct export *e, const char *prefix, const char *const **ret)
{
	const char **names = arena_new_array(e->arena, const char *, CAPABILITY_COUNT);
	size_t count = 0;

	for (unsigned i = 0; i < CAPABILITY_COUNT; i++) {
		char *name = arena_printf(e->arena, "%s%s", prefix, capability_name(i));

		for (char *at = name; *at; at++)
			*at = (char)toupper((unsigned char)*at);
		if (e->capabilities >> i & 1)
			names[count++] = name;
	}
	*ret = names;
	return count;
}

bool export_may_call(const struct export *e, const char *call)
{
	struct request request = { .kind = KIND_SYSCALL, .access = ACCESS_USE, .verb = "syscall", .subject = call };

	return policy_decide(e->policy, &request).effect == EFFECT_ALLOW;
}

const char *export_name(const struct export *e)
{
	char *name = arena_strdup(e->arena, path_base_name(e->policy->name));

	if (str_ends(name, ".toml"))
		name[strlen(name) - strlen(".toml")] = '\0';
	for (char *at = name; *at; at++)
		*at = isalnum((unsigned char)*at) || *at == '.' ? (char)tolower((unsigned char)*at) : '-';
	return isalnum((unsigned char)*name) && isalnum((unsigned char)name[strlen(name) - 1]) ? name : "profile";
}

bool export_user(const struct export *e, uid_t *ret_uid, gid_t *ret_gid)
{
	const char *as = e->policy->user_as.value;
	bool root = str_equal(as, "root"), nobody = str_equal(as, "nobody");

	*ret_uid = root ? 0 : nobody ? 65534 : e->cage->uid;
	*ret_gid = root ? 0 : nobody ? 65534 : e->cage->gid;
	return root || nobody || !as || str_equal(as, "me") || str_equal(as, e->cage->user);
}

/* ---- what is lost ---- */

static bool is_lost(const struct claim *claim)
{
	return claim->exactness != EXACTNESS_EXACT;
}

size_t export_lost(const struct export *e)
{
	size_t count = 0;

	for (size_t i = 0; i < e->policy->rule_count; i++)
		count += is_lost(&e->claims[i]);
	for (size_t i = 0; i < SETTING_COUNT; i++)
		count += is_lost(&e->settings[i]);
	return count;
}

static const char *note_of(const struct export *e, const struct claim *claim)
{
	if (claim->note)
		return claim->note;
	return claim->exactness == EXACTNESS_NONE ? arena_printf(e->arena, "%s has no word for it", e->target->name)
						  : "";
}

static bool is_same_group(const struct export *e, size_t a, size_t b)
{
	const struct rule *x = &e->policy->rules[a], *y = &e->policy->rules[b];

	return x->kind == y->kind && x->effect == y->effect && str_equal(x->flag, y->flag) &&
	       e->claims[a].exactness == e->claims[b].exactness &&
	       str_equal(note_of(e, &e->claims[a]), note_of(e, &e->claims[b])) &&
	       (x->flag || x->origin->source == y->origin->source);
}

static void print_group(const struct export *e, struct strbuf *out, const char *prefix, size_t first)
{
	const struct rule *rule = &e->policy->rules[first];
	size_t more = 0;

	for (size_t i = 0; i < first; i++)
		if (is_lost(&e->claims[i]) && is_same_group(e, i, first))
			return;
	for (size_t i = first + 1; i < e->policy->rule_count; i++)
		more += is_lost(&e->claims[i]) && is_same_group(e, i, first);
	strbuf_addf(out, "%s%-8s  %s %s '%s'", prefix, exactness_name(e->claims[first].exactness),
		    effect_name(rule->effect), kind_name(rule->kind), str_quote(e->arena, rule->pattern));
	if (more)
		strbuf_addf(out, " and %zu more", more);
	strbuf_addf(out, ": %s [%s]\n", note_of(e, &e->claims[first]), export_rule_origin(e, rule));
}

void export_print_losses(const struct export *e, struct strbuf *out, const char *prefix)
{
	size_t lost = export_lost(e);

	if (lost == 0) {
		strbuf_addf(out, "%sEvery rule is said exactly.\n", prefix);
		return;
	}
	strbuf_addf(out, "%s%zu rules or settings are not said exactly (coarse: more or less; none: not at all):\n",
		    prefix, lost);
	for (size_t i = 0; i < e->policy->rule_count; i++)
		if (is_lost(&e->claims[i]))
			print_group(e, out, prefix, i);
	for (unsigned i = 0; i < SETTING_COUNT; i++) {
		struct text_setting value;
		const char *name;

		if (!is_lost(&e->settings[i]) || !setting_value(e, (enum setting)i, &name, &value))
			continue;
		strbuf_addf(out, "%s%-8s  %s = %s: %s [%s]\n", prefix, exactness_name(e->settings[i].exactness), name,
			    str_quote(e->arena, value.value), note_of(e, &e->settings[i]), export_origin(e, value.origin));
	}
}

static void print_answer(const struct export *e, struct json *json, const struct claim *claim,
			 const struct origin *origin)
{
	json_string(json, "origin", export_origin(e, origin));
	json_string(json, "said", exactness_name(claim->exactness));
	json_string(json, "by", claim->backend);
	json_string(json, "note", is_lost(claim) ? note_of(e, claim) : claim->note);
	json_end_object(json);
}

void export_print_json(const struct export *e, struct json *json)
{
	json_object(json, NULL);
	json_string(json, "target", e->target->name);
	json_string(json, "profile", e->policy->name);
	json_number(json, "lost", (long long)export_lost(e));
	json_array(json, "files");
	for (size_t i = 0; i < e->files.count; i++)
		json_string(json, NULL, e->files.items[i]->name);
	json_end_array(json);
	json_array(json, "rules");
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];

		json_object(json, NULL);
		json_string(json, "effect", effect_name(rule->effect));
		json_string(json, "kind", kind_name(rule->kind));
		json_string(json, "pattern", rule->pattern);
		json_string(json, "flag", rule->flag);
		print_answer(e, json, &e->claims[i], rule->origin);
	}
	json_end_array(json);
	json_array(json, "settings");
	for (unsigned i = 0; i < SETTING_COUNT; i++) {
		struct text_setting value;
		const char *name;

		if (!setting_value(e, (enum setting)i, &name, &value))
			continue;
		json_object(json, NULL);
		json_string(json, "name", name);
		json_string(json, "value", value.value);
		print_answer(e, json, &e->settings[i], value.origin);
	}
	json_end_array(json);
	json_end_object(json);
}
