/* policy/lines.c - a policy as sorted lines, one for each right or setting, and what two of them differ in.
 * A running cage keeps its lines: that is how it is known whether a profile changed meanwhile, and how.
 * Must not: hold anything that changes from start to start (command, working directory, origins). */
#include "policy/lines.h"

#include <stdlib.h>
#include <string.h>

const char *policy_access_words(struct arena *arena, enum kind kind, unsigned access)
{
	static const char *const words[KIND_COUNT][5] = {
		[KIND_FILE] = { "read", "write", "execute" },
		[KIND_NETWORK] = { "connect", "send", "listen", "resolve" },
		[KIND_SYSCALL] = { "call" }, [KIND_CAPABILITY] = { "hold" }, [KIND_DEVICE] = { "use" },
		[KIND_BUS] = { "see", "talk to", "own", "call", "receive" },
	};
	struct strbuf out = { .arena = arena };

	for (unsigned bit = 0; bit < ARRAY_SIZE(words[0]); bit++)
		if (access >> bit & 1 && words[kind][bit])
			strbuf_addf(&out, "%s%s", out.length ? ", " : "", words[kind][bit]);
	return strbuf_text(&out);
}

static void add_rule(struct strbuf *out, const struct rule *rule)
{
	static const char *const places[] = {
		[PLACE_HOST] = "", [PLACE_TEMPORARY] = " temporary", [PLACE_PERSIST] = " persist",
		[PLACE_COPY_ON_WRITE] = " copy-on-write", [PLACE_PROC] = " proc", [PLACE_DEVICES] = " devices",
		[PLACE_ROOT] = " root", [PLACE_SYNTHETIC] = " synthetic",
	};

	const char access[] = { "0123456789abcdef"[rule->access & 15], '\0' };
	const char *const words[] = {
		effect_name(rule->effect), " ", kind_name(rule->kind), rule->system_bus ? " system" : "", " ",
		rule->access > 15 ? "1" : "", access,
		rule->kind == KIND_FILE ? places[rule->place] : "", " ", str_quote(out->arena, rule->pattern),
		rule->from ? " from " : "", rule->from ? str_quote(out->arena, rule->from) : "", "\n",
	};

	/* Some hundred rules, each time: printf() would take longer than to find the rules. */
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		strbuf_add(out, words[i]);
}

static void add_list(struct strbuf *out, const char *name, const struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(out, "set %s %s\n", name, str_quote(out->arena, list->items[i].value));
}

const char *policy_lines(const struct policy *p, struct arena *arena)
{
	const struct { const char *name; const struct text_setting *setting; } texts[] = {
		{ "hostname", &p->hostname }, { "root", &p->root }, { "root-access", &p->root_access },
		{ "as", &p->user_as }, { "x11", &p->x11 }, { "screen", &p->screen }, { "vpn", &p->vpn }, { "network", &p->network },
		{ "check-names", &p->check_names },
	};
	const struct { const char *name; const struct text_list *list; } lists[] = {
		{ "groups", &p->groups }, { "dns", &p->dns }, { "publish", &p->publish },
		{ "lend", &p->lend }, { "expose", &p->expose },
		{ "pass", &p->pass }, { "unset", &p->unset },
	};
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < p->rule_count; i++)
		add_rule(&out, &p->rules[i]);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].setting->value)
			strbuf_addf(&out, "set %s %s\n", texts[i].name, str_quote(arena, texts[i].setting->value));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		add_list(&out, lists[i].name, lists[i].list);
	for (size_t i = 0; i < p->set.count; i++)
		strbuf_addf(&out, "set environment %s=%s\n", str_quote(arena, p->set.items[i].name),
			    str_quote(arena, p->set.items[i].value));
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		if (p->limits[i].is_set)
			strbuf_addf(&out, "limit %s %llu\n", limit_names[i],
				    (unsigned long long)p->limits[i].value);
	return strbuf_text(&out);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t split(struct arena *arena, const char *text, const char ***ret)
{
	VEC(const char *) lines = { 0 };

	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		*vec_push(arena, &lines) = arena_strndup(arena, text, (size_t)(end - text));
	if (lines.count)
		qsort(lines.items, lines.count, sizeof(*lines.items), compare);
	*ret = lines.items;
	return lines.count;
}

/* Less than before: a deny, an ask or a check that is gone; more: an allow or a setting that is new. */
static bool widens(const char *line, bool is_new)
{
	return (str_starts(line, "deny ") || str_starts(line, "ask ") || str_starts(line, "set check-names ")) != is_new;
}

/* A rule's line for people: "allow network connect, send internet". */
static const char *in_words(struct arena *arena, const char *line)
{
	const char *at = strchr(line, ' ') + 1;
	enum kind kind = 0;
	char *rest;

	while (kind < KIND_COUNT && !(str_starts(at, kind_name(kind)) && at[strlen(kind_name(kind))] == ' '))
		kind++;
	if (kind == KIND_COUNT || str_starts(line, "set ") || str_starts(line, "limit "))
		return line;
	at += strlen(kind_name(kind)) + 1;
	at += str_starts(at, "system ") ? strlen("system ") : 0;
	unsigned access = (unsigned)strtoul(at, &rest, 16);
	return arena_printf(arena, "%.*s%s%s", (int)(at - line), line, policy_access_words(arena, kind, access), rest);
}

bool policy_lines_differ(struct arena *arena, const char *before, const char *now,
			 struct strbuf *widened, struct strbuf *narrowed)
{
	const char **a, **b;
	size_t a_count, b_count, i = 0, k = 0;
	bool differ = false;

	if (strcmp(before, now) == 0)
		return false;
	a_count = split(arena, before, &a);
	b_count = split(arena, now, &b);
	while (i < a_count || k < b_count) {
		int order = i == a_count ? 1 : k == b_count ? -1 : strcmp(a[i], b[k]);
		const char *line = order <= 0 ? a[i] : b[k];

		if (order)
			strbuf_addf(widens(line, order > 0) ? widened : narrowed, "%c %s\n",
				    order > 0 ? '+' : '-', in_words(arena, line));
		differ = differ || order;
		i += order <= 0;
		k += order >= 0;
	}
	return differ;
}
