/* import/fold.c - makes a list of rights short: flags take the place of what they consist of, denies of
 * what nothing allows are left out.
 * A flag fits when the source grants each right that the flag allows.  What flags deny does not matter
 * for that, it only narrows; but a flag that takes a right that is written here does not fit.
 * Must not: add a right. */
#include "import/import.h"
#include "base/limits.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE "import" /* what the text that is resolved is called */
#define FLAGS 2048	/* flags that are used, and what is denied beside them: more than there are */
#define EXCESS 4	/* calls that a flag must replace for each one that is denied beside it */
#define SHOWN 80	/* bytes of a value in a finding */
#define ROUNDS 8 /* each reports up to LIMIT_DIAGNOSTICS entries that cannot be resolved */

/* --- does one pattern hold the other? ---------------------------------------------------- */

static bool is_below(const char *path, const char *top)
{
	return !*top || path_is_within(path, top);
}

static bool alternative_covers(const struct glob_alternative *a, const struct glob_alternative *b, bool loose)
{
	size_t length = strlen(b->text);

	if (str_equal(a->text, b->text))
		return true;
	if (loose && a->is_directory && b->is_literal && strncmp(a->text, b->text, length) == 0 &&
	    str_equal(a->text + length, "/"))
		return true;
	return a->is_tree && is_below(b->prefix, a->prefix) &&
	       (!b->is_literal || !str_equal(b->prefix, a->prefix));
}

/* Loose: a grant of PATH/ holds one of PATH, which is a file then or the same directory. */
static bool glob_covers(const struct glob *a, const struct glob *b, bool loose)
{
	const struct glob_alternative *as, *bs;
	size_t a_count = glob_alternatives(a, &as), b_count = glob_alternatives(b, &bs), n;

	for (size_t m = 0; m < b_count; m++) {
		for (n = 0; n < a_count && !alternative_covers(&as[n], &bs[m], loose); n++)
			;
		if (n == a_count)
			return false;
	}
	return true;
}

/* Could the deny match something of what this alternative allows?  Sure when it says no. */
static bool alternative_meets(const struct glob_alternative *allow, const struct glob *deny)
{
	const struct glob_alternative *all;
	size_t count = glob_alternatives(deny, &all);
	char directory[LIMIT_GLOB_LENGTH + 2];

	snprintf(directory, sizeof(directory), "%s/", allow->prefix);
	if (allow->is_literal)
		return glob_matches(deny, allow->prefix) || glob_matches(deny, directory);
	if (allow->is_tree)
		return glob_may_match_below(deny, allow->prefix);
	for (size_t n = 0; n < count; n++)
		if (is_below(all[n].prefix, allow->prefix) || is_below(allow->prefix, all[n].prefix))
			return true;
	return false;
}

static bool glob_meets(const struct glob *allow, const struct glob *deny)
{
	const struct glob_alternative *all;
	size_t count = glob_alternatives(allow, &all);

	for (size_t n = 0; n < count; n++)
		if (alternative_meets(&all[n], deny))
			return true;
	return false;
}

/* "org.a.*" holds org.a.b, "*" all; a whole name also what is called of it. */
static bool bus_covers(const struct rule *a, const struct rule *b)
{
	size_t length = strlen(a->pattern), name = strcspn(b->pattern, "=");
	unsigned access = a->access;

	if (a->access & ACCESS_TALK)
		access |= ACCESS_SEE | ACCESS_CALL | ACCESS_BROADCAST;
	if (a->system_bus != b->system_bus || (b->access & ~access))
		return false;
	if (str_equal(a->pattern, b->pattern) || str_equal(a->pattern, "*"))
		return true;
	if (strchr(a->pattern, '=') || !(a->access & ACCESS_TALK))
		return false;
	return length == name && strncmp(a->pattern, b->pattern, name) == 0;
}

static bool is_of_host(const struct rule *rule)
{
	return rule->place == PLACE_HOST || rule->place == PLACE_COPY_ON_WRITE;
}

/* Written by us for the cage, whoever asks: no source grants that by name. */
static bool is_made_up(const struct rule *rule)
{
	return rule->kind == KIND_FILE && (rule->place == PLACE_SYNTHETIC || rule->place == PLACE_DEVICES ||
					   rule->place == PLACE_PROC);
}

static bool rule_covers(const struct rule *a, const struct rule *b, bool loose)
{
	if (a->kind != b->kind || (a->kind != KIND_BUS && (b->access & ~a->access)))
		return false;
	switch (a->kind) {
	case KIND_FILE: case KIND_DEVICE:
		return (a->place == b->place || (is_of_host(a) && is_of_host(b))) && str_equal(a->from, b->from) &&
		       glob_covers(a->glob, b->glob, loose);
	case KIND_NETWORK:
		return str_equal(a->pattern, b->pattern) ||
		       (a->endpoint->form == HOST_ANY && a->endpoint->access == b->endpoint->access);
	case KIND_BUS:
		return bus_covers(a, b);
	case KIND_SYSCALL: case KIND_CAPABILITY:
		return str_equal(a->pattern, b->pattern);
	case KIND_COUNT: break;
	}
	unreachable();
}

static bool rule_meets(const struct rule *allow, const struct rule *deny)
{
	if (allow->kind != deny->kind || !(allow->access & deny->access))
		return false;
	if (allow->kind == KIND_FILE || allow->kind == KIND_DEVICE)
		return glob_meets(allow->glob, deny->glob);
	return allow->kind == KIND_SYSCALL || allow->kind == KIND_CAPABILITY ?
	       str_equal(allow->pattern, deny->pattern) : true;
}

/* Rules of a policy are sorted by kind and pattern first. */
static const struct rule *first_of(const struct policy *policy, enum kind kind, const char *pattern)
{
	size_t low = 0, high = policy->rule_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct rule *rule = &policy->rules[middle];

		if (rule->kind < kind || (rule->kind == kind && strcmp(rule->pattern, pattern) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	return policy->rules + low;
}

static bool has_right(const struct policy *policy, enum effect effect, const struct rule *wanted, bool loose)
{
	bool is_name = wanted->kind == KIND_SYSCALL || wanted->kind == KIND_CAPABILITY;
	const struct rule *end = policy->rules + policy->rule_count;

	for (const struct rule *rule = first_of(policy, wanted->kind, is_name ? wanted->pattern : "");
	     rule < end && rule->kind == wanted->kind; rule++) {
		if (is_name && !str_equal(rule->pattern, wanted->pattern))
			return false;
		if (rule->effect == effect && rule_covers(rule, wanted, loose))
			return true;
	}
	return false;
}

/* --- resolving what was read ------------------------------------------------------------- */

static int resolve(struct import *i, const char *text, struct diags *d, struct policy **ret)
{
	struct source *source = arena_new_object(i->arena, struct source);
	struct profile_context context = *i->context;
	const char *share = context.places.share;

	*source = (struct source){ SOURCE, text, strlen(text), 1 };
	context.places = (struct profile_places){ .share = share };
	context.extra = source;
	context.tighten = NULL;
	diags_init(d, i->arena);
	return profile_resolve(i->arena, &context, "nothing", d, ret);
}

static struct import_entry *entry_at(struct import *i, uint32_t line)
{
	for (size_t n = 0; n < i->entries.count; n++)
		if (i->entries.items[n].line == line)
			return &i->entries.items[n];
	return NULL;
}

/* "/a/b*c{,/,/ **}" → "/a{,/,/ **}": what a deny that we cannot say grows to. */
static const char *wider(struct import *i, const char *value)
{
	size_t plain = strcspn(value, "*?[]{}\\$"), cut = MIN(plain, (size_t)LIMIT_GLOB_LENGTH / 2);

	while (cut > 0 && value[cut] != '/')
		cut--;
	return cut == 0 ? "/**" : arena_printf(i->arena, "%.*s{,/,/**}", (int)cut, value);
}

/* An entry that our language refuses becomes a finding; a deny is made wider first, never lost. */
static bool give_up(struct import *i, struct import_entry *entry, const char *why)
{
	const struct origin *origin = entry->origins.count ? entry->origins.items[0] : NULL;
	const char *old = str_quote(i->arena, arena_strndup(i->arena, entry->value, strnlen(entry->value, SHOWN)));
	bool deny = str_starts(entry->key, "deny") && str_equal(entry->section, "filesystem");
	const char *grown = deny ? wider(i, entry->value) : NULL;

	if (deny && strlen(grown) <= LIMIT_GLOB_LENGTH && !str_equal(grown, entry->value)) {
		import_tell(i, IMPORT_NARROW, origin, "'%s' cannot be said here, all of '%s' is denied: %s", old,
			    str_quote(i->arena, grown), why);
		entry->value = grown;
		return true;
	}
	import_tell(i, str_starts(entry->key, "deny") ? IMPORT_LOST : IMPORT_UNKNOWN, origin,
		    "%s = '%s' is refused: %s", entry->key, old, why);
	entry->key = NULL;
	return true;
}

static void sweep(struct import *i)
{
	size_t kept = 0;

	for (size_t n = 0; n < i->entries.count; n++)
		if (i->entries.items[n].key)
			i->entries.items[kept++] = i->entries.items[n];
	i->entries.count = kept;
}

/* All that the source grants and denies, as rules. */
static int resolve_all(struct import *i, struct policy **ret)
{
	struct diags d;

	for (size_t n = 0; n < i->entries.count; n++)
		if (strlen(i->entries.items[n].value) > LIMIT_GLOB_LENGTH)
			give_up(i, &i->entries.items[n], "it is longer than a pattern may be");
	sweep(i);
	for (unsigned round = 0; round < ROUNDS; round++) {
		bool changed = false;

		if (resolve(i, import_plain(i, true), &d, ret) == 0)
			return 0;
		for (size_t n = 0; n < d.list.count; n++) {
			const struct diag *bad = &d.list.items[n];
			struct import_entry *entry = bad->severity == SEVERITY_ERROR && bad->origin ?
						     entry_at(i, bad->origin->line) : NULL;

			if (entry && entry->key)
				changed |= give_up(i, entry, bad->message);
		}
		sweep(i);
		if (!changed)
			break;
	}
	for (size_t n = 0; n < d.list.count; n++)
		if (d.list.items[n].severity == SEVERITY_ERROR)
			return diag_error(i->d, "C705", NULL, "what was read makes no profile: %s",
					  d.list.items[n].message);
	return -EINVAL;
}

/* --- flags ------------------------------------------------------------------------------- */

struct candidate {
	const char *section, *name;
	const struct policy *policy;
	VEC(size_t) held;	  /* entries that the flag replaces, by number */
	VEC(const char *) excess; /* calls of the flag that the source does not grant: denied beside it */
	size_t rights, gain; /* how many the flag allows; how many entries it replaces */
	enum risk risk;
};

static bool is_of_flag(const struct rule *rule)
{
	return rule->flag != NULL;
}

/* Does the source grant all that the flag allows?  What is made up for a cage is no grant.
 * System calls may be missing: newer ones are in no older list. */
static bool fits(struct import *i, struct candidate *c, const struct policy *granted)
{
	for (size_t n = 0; n < c->policy->rule_count; n++) {
		const struct rule *rule = &c->policy->rules[n];

		if (!is_of_flag(rule) || rule->effect != EFFECT_ALLOW || is_made_up(rule))
			continue;
		c->rights++;
		if (has_right(granted, EFFECT_ALLOW, rule, false))
			continue;
		if (rule->kind != KIND_SYSCALL)
			return false;
		*vec_push(i->arena, &c->excess) = rule->pattern;
	}
	return true;
}

/* The rule that each entry came to, in their order; NULL for settings and flags.  There is room for the
 * entries of flags that are added. */
static const struct rule **rules_of_entries(struct import *i, const struct policy *all)
{
	const struct rule **rules = arena_new_array(i->arena, const struct rule *, i->entries.count + FLAGS);
	uint32_t lines = 0;
	size_t *at;

	for (size_t n = 0; n < i->entries.count; n++)
		lines = MAX(lines, i->entries.items[n].line);
	at = arena_new_array(i->arena, size_t, lines + 1);
	for (size_t n = 0; n < i->entries.count; n++)
		at[i->entries.items[n].line] = n + 1;
	for (size_t n = 0; n < all->rule_count; n++) {
		const struct origin *origin = all->rules[n].origin;

		if (!all->rules[n].flag && origin && str_equal(origin->source->name, SOURCE) &&
		    origin->line <= lines && at[origin->line])
			rules[at[origin->line] - 1] = &all->rules[n];
	}
	return rules;
}

static bool flag_holds(const struct policy *flag, const struct rule *rule)
{
	return rule && rule->effect == EFFECT_ALLOW && has_right(flag, EFFECT_ALLOW, rule, true);
}

static bool flag_takes(const struct policy *flag, const struct rule *rule)
{
	return rule && rule->effect == EFFECT_ALLOW && has_right(flag, EFFECT_DENY, rule, true);
}

/* The written entries that the flag would replace; none when it denies one of them. */
static void find_held(struct import *i, const struct rule *const *rules, struct candidate *c)
{
	for (size_t n = 0; n < i->entries.count; n++) {
		if (i->entries.items[n].need != IMPORT_WANTED)
			continue;
		if (flag_takes(c->policy, rules[n])) {
			c->held.count = 0;
			return;
		}
		if (flag_holds(c->policy, rules[n]))
			*vec_push(i->arena, &c->held) = n;
	}
}

static size_t gain_of(const struct import *i, const struct candidate *c)
{
	size_t gain = 0;

	for (size_t n = 0; n < c->held.count; n++)
		gain += i->entries.items[c->held.items[n]].key != NULL;
	return gain;
}

static void use_flag(struct import *i, const struct candidate *c)
{
	struct import_entry flag = { .section = c->section, .key = "flags", .value = c->name };

	for (size_t n = 0; n < c->held.count; n++) {
		struct import_entry *entry = &i->entries.items[c->held.items[n]];

		for (size_t m = 0; entry->key && m < entry->origins.count; m++)
			*vec_push(i->arena, &flag.origins) = entry->origins.items[m];
		entry->key = NULL;
	}
	*vec_push(i->arena, &i->entries) = flag;
	for (size_t n = 0; n < c->excess.count; n++)
		import_add(i, IMPORT_WANTED, "runtime", "deny-syscalls", c->excess.items[n], NULL);
}

/* A flag of high risk brings no rights along that the source grants only by the way. */
static bool is_meant(const struct candidate *c)
{
	return c->risk < RISK_HIGH || c->gain * 2 >= c->rights;
}

static int fold_flags(struct import *i, const struct policy *granted, const struct rule *const *rules)
{
	struct profile_context context = *i->context;
	VEC(struct candidate) candidates = { 0 };
	struct profile_flag *flags;
	struct diags d;
	size_t count, used = 0;

	context.places = (struct profile_places){ .share = i->context->places.share };
	if (!context.places.share || profile_list_flags(i->arena, &context, i->d, &flags, &count) < 0)
		return 0;
	for (size_t n = 0; n < count; n++) {
		const char *section = category_name(flags[n].category);
		const char *name = strchr(flags[n].name, '.') + 1;
		struct candidate c = { .section = section, .name = name, .risk = flags[n].risk };
		struct policy *policy;

		if (resolve(i, arena_printf(i->arena, "[%s]\nflags = [\"%s\"]\n", section, name), &d, &policy) < 0)
			continue;
		c.policy = policy;
		if (!fits(i, &c, granted))
			continue;
		find_held(i, rules, &c);
		if (c.held.count)
			*vec_push(i->arena, &candidates) = c;
	}
	for (;;) {
		struct candidate *best = NULL;

		for (size_t n = 0; n < candidates.count; n++) {
			struct candidate *c = &candidates.items[n];

			c->gain = gain_of(i, c);
			if (c->gain > EXCESS * c->excess.count && is_meant(c) && (!best || c->gain > best->gain ||
					(c->gain == best->gain && c->policy->rule_count < best->policy->rule_count)))
				best = c;
		}
		if (!best || (used += 1 + best->excess.count) > FLAGS)
			return 0;
		use_flag(i, best);
	}
}

void import_calls_of(struct import *i, const char *flag, const struct origin *origin)
{
	const char *name = strchr(flag, '.') + 1;
	const char *text = arena_printf(i->arena, "[%.*s]\nflags = [\"%s\"]\n", (int)(name - flag - 1), flag, name);
	struct policy *policy;
	struct diags d;

	if (resolve(i, text, &d, &policy) < 0)
		return;
	for (size_t n = 0; n < policy->rule_count; n++)
		if (is_of_flag(&policy->rules[n]) && policy->rules[n].kind == KIND_SYSCALL &&
		    policy->rules[n].effect == EFFECT_ALLOW)
			import_add(i, IMPORT_WANTED, "runtime", "allow-syscalls", policy->rules[n].pattern, origin);
}

/* --- denies ------------------------------------------------------------------------------ */

/* A deny is needed when something that is written allows a part of it, and nothing written denies it all. */
static bool is_needed(const struct policy *written, const struct rule *deny)
{
	if (!deny)
		return true;
	if (has_right(written, EFFECT_DENY, deny, false))
		return false;
	for (size_t n = 0; n < written->rule_count; n++)
		if (written->rules[n].effect != EFFECT_DENY && rule_meets(&written->rules[n], deny))
			return true;
	return false;
}

/* Does a deny that is kept hold the one of entry `at`? */
static bool is_held(const struct import *i, const struct rule *const *rules, size_t at)
{
	for (size_t n = 0; rules[at] && n < i->entries.count; n++)
		if (n != at && i->entries.items[n].key && i->entries.items[n].need == IMPORT_WANTED && rules[n] &&
		    rules[n]->effect == EFFECT_DENY && rule_covers(rules[n], rules[at], false))
			return true;
	return false;
}

static int drop_denies(struct import *i, const struct rule *const *rules)
{
	struct policy *written;
	struct diags d;

	if (resolve(i, import_plain(i, false), &d, &written) < 0)
		return diag_error(i->d, "C705", NULL, "what was read makes no profile: %s",
				  d.list.count ? d.list.items[0].message : "it cannot be resolved");
	for (size_t n = 0; n < i->entries.count; n++) {
		struct import_entry *entry = &i->entries.items[n];

		if (!entry->key || entry->need != IMPORT_IF_NEEDED)
			continue;
		if (is_needed(written, rules[n])) {
			entry->need = IMPORT_WANTED;
		} else {
			entry->key = NULL;
			i->not_needed++;
		}
	}
	for (size_t n = 0; n < i->entries.count; n++)
		if (i->entries.items[n].key && str_starts(i->entries.items[n].key, "deny") && is_held(i, rules, n))
			i->entries.items[n].key = NULL;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct import_entry *x = a, *y = b;
	int r = strcmp(x->section, y->section);

	r = r ? r : strcmp(x->key, y->key);
	r = r ? r : strcmp(x->value, y->value);
	return r ? r : (int)x->need - (int)y->need;
}

/* Sorted, and one entry for each value, with all its origins.  The order of a command is kept. */
static void merge(struct import *i)
{
	size_t kept = 0;

	if (i->entries.count)
		qsort(i->entries.items, i->entries.count, sizeof(*i->entries.items), compare);
	for (size_t n = 0; n < i->entries.count; n++) {
		struct import_entry *entry = &i->entries.items[n], *last = kept ? &i->entries.items[kept - 1] : NULL;

		if (!last || strcmp(last->section, entry->section) || strcmp(last->key, entry->key) ||
		    strcmp(last->value, entry->value)) {
			i->entries.items[kept++] = *entry;
			continue;
		}
		for (size_t m = 0; m < entry->origins.count && last->origins.count < 64; m++)
			*vec_push(i->arena, &last->origins) = entry->origins.items[m];
	}
	i->entries.count = kept;
}

int import_fold(struct import *i)
{
	const struct rule **rules;
	struct policy *all;

	merge(i);
	if (resolve_all(i, &all) < 0)
		return -EINVAL;
	merge(i); /* a deny that grew may stand there already */
	if (resolve_all(i, &all) < 0)
		return -EINVAL;
	rules = rules_of_entries(i, all);
	if (fold_flags(i, all, rules) < 0)
		return -EINVAL;
	sweep(i);
	merge(i);
	if (resolve_all(i, &all) < 0 || drop_denies(i, rules_of_entries(i, all)) < 0)
		return -EINVAL;
	sweep(i);
	merge(i);
	return i->is_full ? -EINVAL : 0;
}
