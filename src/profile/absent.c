/* profile/absent.c - what a profile names and this computer does not have. */
#include "profile/internal.h"

#include <sys/stat.h>

/* Is there nothing of the host at any place where the rule could begin? */
static bool is_absent(const struct rule *rule)
{
	const struct glob_alternative *alternatives;
	size_t count = glob_alternatives(rule->glob, &alternatives);
	struct stat status;

	for (size_t i = 0; i < count; i++)
		if (!*alternatives[i].prefix || lstat(alternatives[i].prefix, &status) == 0)
			return false;
	return true;
}

void profile_report_absent(const struct policy *policy, struct diags *d)
{
	for (size_t i = 0; i < policy->absent.count; i++)
		diag_warning(d, "C137", policy->absent.items[i].origin, "'%s' names a folder that you do not have",
			     str_quote(d->arena, policy->absent.items[i].value));
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if ((rule->kind == KIND_FILE || rule->kind == KIND_DEVICE) && rule->effect == EFFECT_ALLOW &&
		    rule->place == PLACE_HOST && !rule->from && is_absent(rule))
			diag_warning(d, "C141", rule->origin, "there is no '%s' here, so nothing is granted by it",
				     str_quote(d->arena, rule->pattern));
	}
}
