/* policy/decide.c - the oracle: may this request?
 *
 * Deny if any deny matches, else ask if any ask matches and no allow does, else allow if any
 * allow matches, else deny.  Rules of the log effect decide nothing.  What "matches" means
 * depends on the kind, and for some kinds on the effect: where a pattern is vague, a deny takes
 * the wide reading and an allow the narrow one.  Must not: allocate, look at the system. */
#include "policy/policy.h"
#include "base/path.h"

#include <ctype.h>
#include <string.h>

/* ---- files and devices ------------------------------------------------------------------- */

static bool path_matches(const struct rule *rule, const char *path)
{
	return rule->glob ? glob_matches(rule->glob, path) : str_equal(rule->pattern, path);
}

static bool file_matches(const struct rule *rule, const struct request *request)
{
	return rule->access & request->access && path_matches(rule, request->subject);
}

/* ---- network ----------------------------------------------------------------------------- */

static bool network_matches(const struct rule *rule, const struct request *request)
{
	const struct endpoint *e = rule->endpoint;
	unsigned both = ACCESS_CONNECT | ACCESS_SEND;
	bool is_deny = rule->effect == EFFECT_DENY;

	if (!e || !(rule->access & request->access))
		return false;
	/* To deny the host's network is no word about the cage's own; to deny all is one about
	 * the host's. */
	if (is_deny && e->form == HOST_HOST && request->endpoint.form != HOST_HOST)
		return false;
	if (is_deny && e->form == HOST_ANY &&
	    (request->endpoint.form == HOST_HOST || request->endpoint.form == HOST_ABSTRACT))
		return true;
	/* To deny one port or protocol of a host leaves its name to be resolved for the others. */
	if (is_deny && request->access == ACCESS_RESOLVE && e->access != ACCESS_RESOLVE &&
	    ((e->access & both) != both || e->first_port != 0 || e->last_port != UINT16_MAX))
		return false;
	return endpoint_covers(e, &request->endpoint);
}

/* ---- system calls and capabilities ------------------------------------------------------- */

/* NAME grants the default class only, but denies NAME with every class. */
static bool syscall_matches(const struct rule *rule, const struct request *request)
{
	size_t length = strlen(rule->pattern);

	if (str_equal(rule->pattern, request->subject))
		return true;
	return rule->effect == EFFECT_DENY && str_starts(request->subject, rule->pattern) &&
	       request->subject[length] == '(';
}

/* "CAP_NET_RAW", "net_raw" and "net-raw" are one. */
static bool capability_matches(const struct rule *rule, const struct request *request)
{
	const char *a = rule->pattern, *b = request->subject;

	a += strncasecmp(a, "cap_", 4) == 0 || strncasecmp(a, "cap-", 4) == 0 ? 4 : 0;
	b += strncasecmp(b, "cap_", 4) == 0 || strncasecmp(b, "cap-", 4) == 0 ? 4 : 0;
	for (; *a && *b; a++, b++) {
		int x = *a == '-' ? '_' : tolower((unsigned char)*a);
		int y = *b == '-' ? '_' : tolower((unsigned char)*b);

		if (x != y)
			return false;
	}
	return *a == *b;
}

static bool device_matches(const struct rule *rule, const struct request *request)
{
	return path_matches(rule, request->subject);
}

/* ---- bus --------------------------------------------------------------------------------- */

enum { MESSAGES = ACCESS_CALL | ACCESS_BROADCAST };

/* What a grant of the one contains of the others, and what a denial of it takes along. */
static const struct { unsigned access, granted, denied; } bus_access[] = {
	{ ACCESS_SEE,       0,                                      ~0u },
	{ ACCESS_TALK,      ACCESS_SEE | MESSAGES,                  MESSAGES },
	{ ACCESS_OWN,       ACCESS_SEE | ACCESS_TALK | MESSAGES,    0 },
	{ ACCESS_CALL,      ACCESS_SEE,                             0 },
	{ ACCESS_BROADCAST, ACCESS_SEE,                             0 },
};

static unsigned bus_access_of(const struct rule *rule)
{
	unsigned access = rule->access;

	for (size_t i = 0; i < ARRAY_SIZE(bus_access); i++)
		if (rule->access & bus_access[i].access)
			access |= rule->effect == EFFECT_DENY ? bus_access[i].denied
							      : bus_access[i].granted;
	return access;
}

/* "*" is everything, "a.b.*" is a.b and all below, else the same text. */
static bool dotted_matches(const char *pattern, size_t length, const char *text,
			   size_t text_length)
{
	if (length == 1 && pattern[0] == '*')
		return true;
	if (length > 2 && memcmp(pattern + length - 2, ".*", 2) == 0) {
		length -= 2;
		return text_length >= length && memcmp(pattern, text, length) == 0 &&
		       (text_length == length || text[length] == '.');
	}
	return length == text_length && memcmp(pattern, text, length) == 0;
}

/* The part behind "NAME=": INTERFACE.MEMBER with an optional @PATH, each of which may be left
 * out or end in a star. */
static bool member_matches(const char *pattern, const char *text)
{
	const char *path = strchrnul(pattern, '@'), *text_path = strchrnul(text, '@');
	size_t length = strlen(path);

	if (path != pattern && !dotted_matches(pattern, (size_t)(path - pattern), text,
					       (size_t)(text_path - text)))
		return false;
	if (!*path)
		return true;
	if (length > 2 && str_ends(path, "/*"))
		return strncmp(path, text_path, length - 2) == 0 &&
		       (!text_path[length - 2] || text_path[length - 2] == '/');
	return str_equal(path, text_path);
}

static bool bus_matches(const struct rule *rule, const struct request *request)
{
	const char *pattern = rule->pattern, *subject = request->subject;
	const char *name_end = strchrnul(pattern, '='), *subject_end = strchrnul(subject, '=');
	size_t length = (size_t)(name_end - pattern), rest = (size_t)(subject_end - subject);
	const char *dot = memrchr(subject, '.', rest);

	if (rule->system_bus != request->system_bus || !(bus_access_of(rule) & request->access))
		return false;
	/* A rule about one member says nothing of the name as a whole, but that it is seen. */
	if (*name_end && request->access != ACCESS_SEE &&
	    (!*subject_end || !member_matches(name_end + 1, subject_end + 1)))
		return false;
	if (*name_end && request->access == ACCESS_SEE && rule->effect == EFFECT_DENY &&
	    !(rule->access & ACCESS_SEE))
		return false;
	if (dotted_matches(pattern, length, subject, rest))
		return true;
	/* "call NAME.MEMBER" is how people ask. */
	return request->access & (ACCESS_CALL | ACCESS_BROADCAST) && !*subject_end && dot &&
	       dotted_matches(pattern, length, subject, (size_t)(dot - subject));
}

/* ---- the decision ------------------------------------------------------------------------ */

typedef bool match_function(const struct rule *rule, const struct request *request);

static match_function *const matches[KIND_COUNT] = {
	[KIND_FILE] = file_matches,
	[KIND_NETWORK] = network_matches,
	[KIND_SYSCALL] = syscall_matches,
	[KIND_CAPABILITY] = capability_matches,
	[KIND_DEVICE] = device_matches,
	[KIND_BUS] = bus_matches,
};

/* Access that denies take away from everything below directory `path` (no trailing slash). */
static unsigned denied_below(const struct policy *policy, const char *path)
{
	unsigned denied = 0;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->kind == KIND_FILE && rule->effect == EFFECT_DENY && rule->glob &&
		    rule->access & ~denied && glob_covers_tree(rule->glob, path))
			denied |= rule->access;
	}
	return denied;
}

/* The allow that directory `directory` (with its trailing slash) leads to, or NULL. */
static const struct rule *way_find(const struct policy *policy, const char *directory)
{
	char path[4096 + 1]; /* PATH_MAX; what is longer is no path */
	size_t length = strlen(directory);
	unsigned denied;

	if (length == 0 || length >= sizeof(path) || directory[length - 1] != '/')
		return NULL;
	memcpy(path, directory, length - 1);
	path[length - 1] = '\0';
	denied = denied_below(policy, path);
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->kind == KIND_FILE && rule->effect == EFFECT_ALLOW && rule->glob &&
		    rule->access & ~denied && glob_may_match_below(rule->glob, path))
			return rule;
	}
	return NULL;
}

/* What appears at a path: what the deepest allow says, and among equals the one of highest rank.
 * A grant for another place says nothing about it. */
static enum place place_at(const struct policy *policy, const struct request *request)
{
	size_t best = 0;
	enum place place = PLACE_HOST;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		const struct glob_alternative *a;
		size_t count;

		if (rule->kind != KIND_FILE || rule->effect != EFFECT_ALLOW || !rule->glob ||
		    !glob_matches(rule->glob, request->subject))
			continue;
		count = glob_alternatives(rule->glob, &a);
		for (size_t k = 0; k < count; k++) {
			size_t depth = path_depth(a[k].prefix) + 1;

			if (!path_is_within(request->subject, *a[k].prefix ? a[k].prefix : "/") ||
			    depth < best)
				continue;
			if (depth > best || place_rank(rule->place) > place_rank(place))
				place = rule->place;
			best = depth;
		}
	}
	return place;
}

/* A device is a file, too: who may not read a path gets no device of that name. */
static bool speaks_of(const struct rule *rule, const struct request *request)
{
	if (request->kind == KIND_DEVICE && rule->kind == KIND_FILE)
		return rule->effect != EFFECT_ALLOW && rule->access & ACCESS_READ &&
		       path_matches(rule, request->subject);
	return rule->kind == request->kind && matches[rule->kind](rule, request);
}

/* What `mount` shows under another path keeps the denies of its own: the one that holds, or NULL. */
static const struct rule *denied_at_source(const struct policy *policy, const struct request *request)
{
	char path[4096]; /* PATH_MAX; what is longer is no path */
	struct request moved = *request;

	moved.subject = path;
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *mount = &policy->rules[i];
		const struct glob_alternative *a;
		size_t count = mount->kind == KIND_FILE && mount->effect == EFFECT_ALLOW && mount->place == PLACE_HOST &&
			       mount->from ? glob_alternatives(mount->glob, &a) : 0;

		for (size_t k = 0; k < count; k++) {
			size_t top = strlen(a[k].prefix);
			const char *from = strcmp(mount->from, "/") == 0 ? "" : mount->from;

			if (!top || !path_is_within(request->subject, a[k].prefix) ||
			    strlen(from) + strlen(request->subject + top) >= sizeof(path))
				continue;
			strcpy(stpcpy(path, from), request->subject + top);
			for (size_t n = 0; n < policy->rule_count; n++)
				if (policy->rules[n].effect == EFFECT_DENY && speaks_of(&policy->rules[n], &moved))
					return &policy->rules[n];
		}
	}
	return NULL;
}

struct verdict policy_decide(const struct policy *policy, const struct request *request)
{
	const struct rule *first[EFFECT_LOG + 1] = { 0 };
	const struct rule *way;
	enum place place = request->kind == KIND_FILE ? place_at(policy, request) : PLACE_HOST;

	for (size_t i = 0; i < policy->rule_count && !first[EFFECT_DENY]; i++) {
		const struct rule *rule = &policy->rules[i];

		if (!first[rule->effect] && rule->effect != EFFECT_LOG && speaks_of(rule, request) &&
		    (rule->kind != KIND_FILE || rule->effect != EFFECT_ALLOW ||
		     place_counts(place, rule->place)))
			first[rule->effect] = rule;
	}
	if (!first[EFFECT_DENY] && first[EFFECT_ALLOW] && request->kind == KIND_FILE)
		first[EFFECT_DENY] = denied_at_source(policy, request);
	if (first[EFFECT_DENY])
		return (struct verdict){ .effect = EFFECT_DENY, .rule = first[EFFECT_DENY] };
	if (first[EFFECT_ALLOW])
		return (struct verdict){ .effect = EFFECT_ALLOW, .rule = first[EFFECT_ALLOW] };
	if (first[EFFECT_ASK])
		return (struct verdict){ .effect = EFFECT_ASK, .rule = first[EFFECT_ASK] };
	if (request->kind == KIND_FILE && str_equal(request->verb, "list")) {
		way = way_find(policy, request->subject);
		if (way)
			return (struct verdict){ .effect = EFFECT_ALLOW, .rule = way,
						 .on_the_way = true };
	}
	return (struct verdict){ .effect = EFFECT_DENY };
}

const struct rule *policy_overridden(const struct policy *policy, const struct request *request)
{
	enum place place = request->kind == KIND_FILE ? place_at(policy, request) : PLACE_HOST;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->effect == EFFECT_ALLOW && speaks_of(rule, request) &&
		    (rule->kind != KIND_FILE || place_counts(place, rule->place)))
			return rule;
	}
	return NULL;
}
