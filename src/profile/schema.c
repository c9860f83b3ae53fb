/* profile/schema.c - every key of the language in one table, and the values of limits. */
#include "profile/internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define ALL_FILE (ACCESS_READ | ACCESS_WRITE | ACCESS_EXECUTE)
#define RULES(s, n, k, e, a) { .scope = CATEGORY_##s, .name = n, .form = FORM_RULES, \
	.kind = KIND_##k, .effect = EFFECT_##e, .access = (a) }
#define PLACE(n, p) { .scope = CATEGORY_FILESYSTEM, .name = n, .form = FORM_RULES, \
	.kind = KIND_FILE, .effect = EFFECT_ALLOW, .access = ACCESS_READ | ACCESS_WRITE, .place = p }
#define TEXT(s, n, f) { .scope = s, .name = n, .form = FORM_TEXT, \
	.offset = offsetof(struct policy, f) }
#define PATH(s, n, f) { .scope = s, .name = n, .form = FORM_TEXT, .is_path = true, \
	.offset = offsetof(struct policy, f) }
#define LIST(s, n, f, add) { .scope = s, .name = n, .form = FORM_LIST, .adds = add, \
	.offset = offsetof(struct policy, f) }
#define PATHS(s, n, f) { .scope = s, .name = n, .form = FORM_LIST, .adds = true, .is_path = true, \
	.offset = offsetof(struct policy, f) }
#define LIMIT(n, l) { .scope = CATEGORY_RUNTIME, .name = n, .form = FORM_LIMIT, .limit = l }
#define FLAGS(n, e) { .scope = CATEGORY_COUNT + 2, .name = n, .form = FORM_FLAGS, .effect = e }
#define BUS(n) { .scope = CATEGORY_DESKTOP, .name = n, .form = FORM_BUS }
#define TABLE(n) { .scope = SCOPE_TOP, .name = n, .form = FORM_TABLE }

static const struct key keys[] = {
	FLAGS("flags", EFFECT_ALLOW),
	FLAGS("deny-flags", EFFECT_DENY),
	FLAGS("ask-flags", EFFECT_ASK),
	TEXT(SCOPE_TOP, "description", description),
	TEXT(SCOPE_TOP, "id", id),
	TEXT(SCOPE_TOP, "hostname", hostname),
	LIST(SCOPE_TOP, "command", command, false),
	LIST(SCOPE_TOP, "match", match, false),
	LIST(SCOPE_TOP, "requires", requires, true),
	LIST(SCOPE_TOP, "may-degrade", may_degrade, true),
	TABLE("include"), TABLE("define"), TABLE("environment"),
	TABLE("filesystem"), TABLE("networking"), TABLE("runtime"), TABLE("user"),
	TABLE("desktop"), TABLE("misc"),
	{ .scope = SCOPE_ENVIRONMENT, .name = "set", .form = FORM_TABLE },
	LIST(SCOPE_ENVIRONMENT, "pass", pass, true),
	LIST(SCOPE_ENVIRONMENT, "unset", unset, true),
	RULES(FILESYSTEM, "read-only", FILE, ALLOW, ACCESS_READ),
	RULES(FILESYSTEM, "read-write", FILE, ALLOW, ACCESS_READ | ACCESS_WRITE),
	RULES(FILESYSTEM, "execute", FILE, ALLOW, ACCESS_READ | ACCESS_EXECUTE),
	RULES(FILESYSTEM, "deny", FILE, DENY, ALL_FILE),
	RULES(FILESYSTEM, "deny-write", FILE, DENY, ACCESS_WRITE),
	RULES(FILESYSTEM, "deny-execute", FILE, DENY, ACCESS_EXECUTE),
	RULES(FILESYSTEM, "ask", FILE, ASK, ALL_FILE),
	RULES(FILESYSTEM, "log-on-write", FILE, LOG, ACCESS_WRITE),
	PLACE("copy-on-write", PLACE_COPY_ON_WRITE),
	PLACE("temporary", PLACE_TEMPORARY),
	PLACE("persist", PLACE_PERSIST),
	{ .scope = CATEGORY_FILESYSTEM, .name = "mount", .form = FORM_MOUNTS },
	PATH(CATEGORY_FILESYSTEM, "root", root),
	TEXT(CATEGORY_FILESYSTEM, "root-access", root_access),
	PATH(CATEGORY_FILESYSTEM, "working-directory", working_directory),
	RULES(NETWORKING, "allow", NETWORK, ALLOW, 0),
	RULES(NETWORKING, "deny", NETWORK, DENY, 0),
	RULES(NETWORKING, "ask", NETWORK, ASK, 0),
	LIST(CATEGORY_NETWORKING, "publish", publish, true),
	PATHS(CATEGORY_NETWORKING, "lend", lend),
	PATHS(CATEGORY_NETWORKING, "expose", expose),
	LIST(CATEGORY_NETWORKING, "dns", dns, true),
	TEXT(CATEGORY_NETWORKING, "vpn", vpn),
	TEXT(CATEGORY_NETWORKING, "network", network),
	{ .scope = CATEGORY_NETWORKING, .name = "check-names", .form = FORM_TIGHTEN,
	  .offset = offsetof(struct policy, check_names) },
	RULES(RUNTIME, "allow-syscalls", SYSCALL, ALLOW, ACCESS_USE),
	RULES(RUNTIME, "deny-syscalls", SYSCALL, DENY, ACCESS_USE),
	RULES(RUNTIME, "allow-capabilities", CAPABILITY, ALLOW, ACCESS_USE),
	RULES(RUNTIME, "deny-capabilities", CAPABILITY, DENY, ACCESS_USE),
	LIMIT("memory", LIMIT_MEMORY), LIMIT("swap", LIMIT_SWAP), LIMIT("cpu", LIMIT_CPU),
	LIMIT("tasks", LIMIT_TASKS), LIMIT("open-files", LIMIT_OPEN_FILES),
	LIMIT("file-size", LIMIT_FILE_BYTES), LIMIT("disk", LIMIT_DISK),
	LIMIT("timeout", LIMIT_TIMEOUT), LIMIT("nice", LIMIT_NICE),
	LIMIT("io-weight", LIMIT_IO_WEIGHT),
	TEXT(CATEGORY_USER, "as", user_as),
	LIST(CATEGORY_USER, "groups", groups, true),
	BUS("session-bus"), BUS("system-bus"),
	TEXT(CATEGORY_DESKTOP, "x11", x11),
	TEXT(CATEGORY_DESKTOP, "screen", screen),
	RULES(MISC, "devices", DEVICE, ALLOW, ACCESS_USE),
};

bool schema_is(const struct toml_value *entry, const char *name)
{
	const char *key = entry->key, *end = key + entry->key_length;
	bool separated = memchr(key, '-', entry->key_length) || memchr(key, '_', entry->key_length);

	for (; *name; name++) {
		if (*name == '-' && !separated)
			continue;
		if (key == end || (*key == '_' ? '-' : tolower((unsigned char)*key)) != *name)
			return false;
		key++;
	}
	return key == end;
}

const struct key *schema_find(struct arena *arena, unsigned scope, const struct toml_value *entry,
			      struct diags *d)
{
	const char *names[ARRAY_SIZE(keys)], *near;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].scope != scope &&
		    (keys[i].scope != CATEGORY_COUNT + 2 || scope >= CATEGORY_COUNT))
			continue;
		if (schema_is(entry, keys[i].name))
			return &keys[i];
		names[count++] = keys[i].name;
	}
	diag_error(d, "C100", &entry->key_origin, "there is no key '%s' here",
		   str_quote(arena, entry->key));
	near = diag_nearest(str_kebab(arena, entry->key, entry->key_length), names, count);
	if (near)
		diag_help(d, "did you mean '%s'?", near);
	return NULL;
}

bool schema_category(const struct toml_value *entry, enum category *ret)
{
	for (enum category c = 0; c < CATEGORY_COUNT; c++)
		if (schema_is(entry, category_name(c))) {
			*ret = c;
			return true;
		}
	return false;
}

int schema_string(struct arena *arena, const struct toml_value *value, const char *key,
		  struct diags *d)
{
	if (value->type != TOML_STRING)
		return diag_error(d, "C101", &value->origin, "'%s' takes a string, not %s",
				  str_quote(arena, key), toml_type_name(value->type));
	if (strlen(value->string) != value->length || value->length == 0)
		return diag_error(d, "C102", &value->origin,
				  "a string of '%s' is empty or holds a zero byte",
				  str_quote(arena, key));
	return 0;
}

static const struct { const char *suffix; uint64_t factor; } bytes_units[] = {
	{ "", 1 }, { "K", 1ull << 10 }, { "M", 1ull << 20 }, { "G", 1ull << 30 }, { "T", 1ull << 40 },
}, time_units[] = {
	{ "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 },
}, percent_units[] = { { "%", 1 } }, plain_units[] = { { "", 1 } };

static const struct { const void *units; size_t count; uint64_t least, most; } limit_forms[] = {
#define FORM(u, low, high) { u, ARRAY_SIZE(u), low, high }
	[LIMIT_MEMORY] = FORM(bytes_units, 1, UINT64_MAX - 1),
	[LIMIT_SWAP] = FORM(bytes_units, 0, UINT64_MAX - 1),
	[LIMIT_CPU] = FORM(percent_units, 1, 1000000),
	[LIMIT_TASKS] = FORM(plain_units, 1, 4194304),
	[LIMIT_OPEN_FILES] = FORM(plain_units, 3, 1048576),
	[LIMIT_FILE_BYTES] = FORM(bytes_units, 0, UINT64_MAX - 1),
	[LIMIT_DISK] = FORM(bytes_units, 1, UINT64_MAX - 1),
	[LIMIT_TIMEOUT] = FORM(time_units, 1, UINT32_MAX),
	[LIMIT_NICE] = FORM(plain_units, 0, 19),
	[LIMIT_IO_WEIGHT] = FORM(plain_units, 1, 10000),
};

int schema_limit(struct arena *arena, enum limit limit, const struct toml_value *value,
		 struct diags *d, uint64_t *ret)
{
	const struct { const char *suffix; uint64_t factor; } *units = limit_forms[limit].units;
	const char *text = value->type == TOML_STRING ? value->string : "", *at = text;
	uint64_t number = 0;
	bool good = value->type == TOML_INTEGER && value->integer >= 0 && limit != LIMIT_CPU;

	if (value->type == TOML_INTEGER)
		number = (uint64_t)value->integer;
	if (str_equal(text, "unlimited") && limit != LIMIT_NICE && limit != LIMIT_IO_WEIGHT) {
		*ret = UINT64_MAX;
		return 0;
	}
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			number = UINT64_MAX;
	for (size_t i = 0; at > text && i < limit_forms[limit].count; i++)
		if (strlen(text) == value->length && str_equal(at, units[i].suffix)) {
			good = !__builtin_mul_overflow(number, units[i].factor, &number);
			break;
		}
	if (!good || number < limit_forms[limit].least || number > limit_forms[limit].most)
		return diag_error(d, "C103", &value->origin, "'%s' is no value for '%s'",
				  value->type == TOML_STRING ? str_quote(arena, text) : "it",
				  limit_names[limit]);
	*ret = number;
	return 0;
}
