/* cage/keep.c - the directories behind `persist`, reached without following what lies in them.
 * Their device and inode go into the plan: who swaps one for a link later stops the start. */
#include "cage/keep.h"
#include "cage/data.h"
#include "base/fd.h"
#include "base/path.h"

#include <errno.h>
#include <string.h>

struct keeper {
	struct arena *arena;
	const char *directory; /* the cage's, as text, for the plan */
	int data;
	const struct cage *cage;
	bool create;
	struct diags *d;
	VEC(struct cage_kept) kept;
};

static int keep(struct keeper *k, const struct rule *rule, const char *path)
{
	const char *relative = cage_kept_path(k->arena, k->cage->home, path);
	struct cage_kept *kept;

	for (size_t i = 0; i < k->kept.count; i++)
		if (strcmp(k->kept.items[i].path, path) == 0)
			return 0; /* several rules keep the home */
	AUTO_FD int fd = cage_descend(k->data, relative, k->create);
	int r = fd < 0 ? fd : 0;
	if (r == 0) {
		kept = vec_push(k->arena, &k->kept);
		*kept = (struct cage_kept){ .path = path, .source = path_join(k->arena, k->directory, relative) };
		r = fstat(fd, &kept->status) < 0 ? -errno : 0;
	}
	if (r == 0 || (r == -ENOENT && !k->create)) /* the other cage has none: it is empty here too */
		return 0;
	diag_error(k->d, "C604", rule->origin, "'%s' of the cage '%s' cannot be used: %s",
		   str_quote(k->arena, path), k->cage->name, strerror(-r));
	if (r == -ENOTDIR || r == -ELOOP)
		diag_help(k->d, "the program replaced it by something else: look at %s, and remove it",
			  str_quote(k->arena, path_join(k->arena, k->directory, relative)));
	return -EINVAL;
}

static bool persists(const struct rule *rule)
{
	return rule->kind == KIND_FILE && rule->effect == EFFECT_ALLOW && rule->place == PLACE_PERSIST;
}

static int keep_all(struct keeper *k, const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		const struct glob_alternative *a;

		if (!persists(rule) || !backend_keeps(policy, rule))
			continue;
		size_t count = glob_alternatives(rule->glob, &a);
		for (size_t n = 0; n < count; n++)
			if (keep(k, rule, path_normal(k->arena, "/", a[n].prefix)) < 0)
				return -EINVAL;
	}
	return 0;
}

int cage_keep(struct arena *arena, const struct policy *policy, const char *data, const char *from,
	      struct cage *cage, struct diags *d)
{
	const char *name = from ? from : cage->name;
	struct keeper k = { .arena = arena, .cage = cage, .create = !from, .d = d };
	bool any = false;

	for (size_t i = 0; i < policy->rule_count; i++)
		any = any || persists(&policy->rules[i]);
	if (!any && !from)
		return 0;
	k.directory = arena_printf(arena, "%s/cages/%s", data, name);
	AUTO_FD int store = cage_store_open(data, !from);
	AUTO_FD int own = store < 0 ? store : cage_data_open(store, name, !from);
	if (own == -ENOENT && from) {
		diag_error(d, "C608", NULL, "there is no cage '%s' to start from", str_quote(arena, name));
		diag_help(d, "'cuddy ps --all' shows the cages there are");
		return -EINVAL;
	}
	if (own < 0) {
		diag_error(d, "C605", NULL, "cannot open the data of the cage '%s' in '%s': %s",
			   str_quote(arena, name),
			   str_quote(arena, data), strerror(-own));
		diag_help(d, "it must be a directory of yours; with --ephemeral nothing is kept");
		return -EINVAL;
	}
	k.data = own;
	if (keep_all(&k, policy) < 0)
		return -EINVAL;
	cage->kept = k.kept.items;
	cage->kept_count = k.kept.count;
	cage->is_copy = from != NULL;
	return 0;
}
