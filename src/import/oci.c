/* import/oci.c - seccomp profiles of Docker, Podman, containerd, and of the OCI runtime specification.
 * Only system calls are spoken of, so the result is a profile to be included by another one.
 * Rules of a call add up; a rule with conditions on arguments becomes our class of that call when it
 * says exactly the same, else the call is left out and that is said.
 * Source: runtime-spec config-linux.md "Seccomp"; moby profiles/seccomp; libseccomp's operators. */
#include "import/import.h"
#include "base/json_read.h"
#include "policy/syscalls.h"

#include <errno.h>
#include <string.h>

enum verdict_of { ALLOWS, REFUSES, TELLS };

static const struct { const char *action; enum verdict_of verdict; } actions[] = {
	{ "SCMP_ACT_ALLOW", ALLOWS }, { "SCMP_ACT_ERRNO", REFUSES }, { "SCMP_ACT_KILL", REFUSES },
	{ "SCMP_ACT_KILL_PROCESS", REFUSES }, { "SCMP_ACT_KILL_THREAD", REFUSES }, { "SCMP_ACT_LOG", TELLS },
	{ "SCMP_ACT_NOTIFY", REFUSES }, { "SCMP_ACT_TRACE", REFUSES }, { "SCMP_ACT_TRAP", REFUSES },
};

struct oci {
	struct import *i;
	const struct source *source;
	enum verdict_of by_default;
	bool personality[2]; /* allowed with 0, with 0xffffffff */
};

static struct origin *place_at(struct oci *o, size_t offset)
{
	struct origin *origin = arena_new_object(o->i->arena, struct origin);

	*origin = (struct origin){ .source = o->source, .line = 1, .column = 1, .length = 1 };
	for (const char *c = o->source->text; c < o->source->text + offset; c++) {
		origin->line += *c == '\n';
		origin->column = *c == '\n' ? 1 : origin->column + 1;
	}
	return origin;
}

/* JSON's reader keeps no places of values: the first line that holds "NAME" in quotation marks. */
static const struct origin *place_of(struct oci *o, const char *name)
{
	const char *quoted = arena_printf(o->i->arena, "\"%s\"", name), *at = strstr(o->source->text, quoted);
	struct origin *origin = place_at(o, at ? (size_t)(at - o->source->text) : 0);

	if (at)
		origin->length = (uint32_t)strlen(quoted);
	return origin;
}

/* Its message ends with the place: "a key stands twice, at byte 17". */
static int no_json(struct oci *o, const char *error)
{
	const char *comma = strrchr(error, ','), *digits = error + strlen(error);
	size_t offset = 0;

	while (digits > error && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	for (; *digits; digits++)
		offset = offset * 10 + (size_t)(*digits - '0');
	return diag_error(o->i->d, "C709", place_at(o, MIN(offset, o->source->length)), "the file is no JSON: %.*s",
			  (int)(comma ? comma - error : (ptrdiff_t)strlen(error)), error);
}

static int action_of(struct oci *o, const struct json_value *object, const char *key, enum verdict_of *ret)
{
	const char *name = json_get_string(object, key);

	for (size_t n = 0; name && n < ARRAY_SIZE(actions); n++)
		if (str_equal(actions[n].action, name)) {
			*ret = actions[n].verdict;
			if (*ret == TELLS)
				import_tell(o->i, IMPORT_LOST, place_of(o, name), "calls are allowed, but not logged");
			return 0;
		}
	if (!name)
		return diag_error(o->i->d, "C709", place_of(o, key), "there is no action '%s'", key);
	return diag_error(o->i->d, "C709", place_of(o, name), "'%s' is no action", str_quote(o->i->arena, name));
}

/* "includes" and "excludes" speak of capabilities, kernels and architectures that the rule is for. */
static bool is_for_us(const struct json_value *rule)
{
	const struct json_value *includes = json_get(rule, "includes"), *excludes = json_get(rule, "excludes");
	const struct json_value *arches = json_items(json_get(includes, "arches"));
	bool listed = !arches;

	for (const struct json_value *a = arches; a; a = a->next)
		listed |= a->type == JSON_STRING && (str_equal(a->string, "amd64") || str_equal(a->string, "x86_64"));
	if (json_items(json_get(includes, "caps")) || !listed)
		return false;
	for (const struct json_value *a = json_items(json_get(excludes, "arches")); a; a = a->next)
		if (a->type == JSON_STRING && (str_equal(a->string, "amd64") || str_equal(a->string, "x86_64")))
			return false;
	return true;
}

/* --- arguments --------------------------------------------------------------------------- */

static const struct { const char *name; bool masked, negate; } operators[] = {
	{ "SCMP_CMP_EQ", false, false }, { "SCMP_CMP_MASKED_EQ", true, false }, { "SCMP_CMP_NE", false, true },
};

static bool condition_of(const struct json_value *arg, struct syscall_condition *ret)
{
	int64_t index = json_get_size(arg, "index"), value = json_get_size(arg, "value");
	int64_t two = json_get_size(arg, "valueTwo");
	const char *op = json_get_string(arg, "op");

	for (size_t n = 0; op && n < ARRAY_SIZE(operators); n++) {
		bool masked = operators[n].masked;
		int64_t wanted = masked ? MAX(two, (int64_t)0) : value;

		if (!str_equal(op, operators[n].name))
			continue;
		if (index < 0 || index > 5 || value < 0 || value > UINT32_MAX || wanted > UINT32_MAX)
			return false;
		*ret = (struct syscall_condition){ masked ? (uint32_t)value : UINT32_MAX, (uint32_t)wanted,
						   (uint8_t)index, operators[n].negate };
		return true;
	}
	return false;
}

static bool satisfies(uint32_t value, const struct syscall_condition *c)
{
	return ((value & c->mask) == c->value) != c->negate;
}

/* Does one condition of the row fix the argument, and to what?  Calls with no class have AF_UNIX. */
static bool fixes(const struct syscall_class *row, const struct syscall_condition *wanted, uint32_t *ret)
{
	if (row->class == CLASS_ORDINARY && wanted->argument == 0) {
		*ret = 1;
		return true;
	}
	for (const struct syscall_condition *c = row->conditions; c->mask; c++)
		if (c->argument == wanted->argument && c->mask == UINT32_MAX && !c->negate) {
			*ret = c->value;
			return true;
		}
	return false;
}

static bool same_condition(const struct syscall_class *row, const struct syscall_condition *c)
{
	const struct syscall_condition *own = row->conditions;

	return own[0].mask && !own[1].mask && own[0].mask == c->mask && own[0].value == c->value &&
	       own[0].argument == c->argument && own[0].negate == c->negate;
}

/* Is every call of the row one that the rule speaks of (all), or could one be (any)? */
static bool row_is_in(const struct syscall_class *row, const struct syscall_condition *rule, size_t count, bool any)
{
	uint32_t value;

	for (size_t n = 0; n < count; n++) {
		bool fixed = fixes(row, &rule[n], &value);

		if (any ? fixed && !satisfies(value, &rule[n]) :
			  !(fixed && satisfies(value, &rule[n])) && !same_condition(row, &rule[n]))
			return false;
	}
	return true;
}

static bool class_is_in(enum call call, unsigned class, const struct syscall_condition *rule, size_t count, bool any)
{
	bool found = false;

	for (size_t n = 0; n < syscall_class_count; n++) {
		const struct syscall_class *row = &syscall_classes[n];

		if (row->call != call || row->class != class)
			continue;
		found = true;
		if (row_is_in(row, rule, count, any) == any)
			return any;
	}
	return found && !any;
}

/* "All bits of the special classes are clear", as for clone(2): the ordinary calls. */
static bool clears_bits(enum call call, const struct syscall_condition *c)
{
	uint32_t bits = 0;

	for (size_t n = 0; n < syscall_class_count; n++) {
		const struct syscall_class *row = &syscall_classes[n];

		if (row->call != call || row->class == CLASS_ORDINARY)
			continue;
		if (row->conditions[1].mask || !row->conditions[0].negate || row->conditions[0].value ||
		    row->conditions[0].argument != c->argument)
			return false;
		bits |= row->conditions[0].mask;
	}
	return bits && !c->negate && c->value == 0 && (bits & ~c->mask) == 0;
}

/* personality(2) with 0 and with 0xffffffff, in two rules, are our ordinary call. */
static bool completes_personality(struct oci *o, enum call call, const struct syscall_condition *c)
{
	if (call != CALL_personality || c->mask != UINT32_MAX || c->negate || c->argument ||
	    (c->value != 0 && c->value != UINT32_MAX))
		return false;
	o->personality[c->value != 0] = true;
	return o->personality[0] && o->personality[1];
}

/* A rule with conditions.  Allowed are the classes that lie in it as a whole; denied those that it could
 * touch. */
static void argued_call(struct oci *o, enum call call, const struct json_value *args, bool allow,
			const struct origin *origin)
{
	const char *name = syscalls[call].name, *key = allow ? "allow-syscalls" : "deny-syscalls";
	struct syscall_condition rule[6];
	size_t count = 0;
	bool good = true, some = false;

	for (; args && good; args = args->next)
		good = count < ARRAY_SIZE(rule) && condition_of(args, &rule[count++]);
	if (!good && !allow)
		import_call(o->i, false, IMPORT_WANTED, name, origin);
	for (unsigned class = 0; good && class < CLASS_COUNT; class++) {
		const char *word = syscall_class_name(call, class);
		bool whole = class == CLASS_ORDINARY && count == 1 &&
			     (clears_bits(call, &rule[0]) || completes_personality(o, call, &rule[0]));

		if (class != CLASS_ORDINARY && !word)
			continue;
		if (!whole && !class_is_in(call, class, rule, count, !allow))
			continue;
		some = true;
		import_add(o->i, IMPORT_WANTED, "runtime", key,
			   word ? arena_printf(o->i->arena, "%s(%s)", name, word) : name, origin);
	}
	if (!some || !allow)
		import_tell(o->i, IMPORT_NARROW, origin, "'%s': not all of its arguments can be told apart", name);
}

/* --- rules ------------------------------------------------------------------------------- */

static void one_name(struct oci *o, const char *name, const struct json_value *rule, enum verdict_of verdict)
{
	const struct json_value *args = json_items(json_get(rule, "args"));
	const struct origin *origin = place_of(o, name);
	int call = syscall_find(name, strlen(name));

	if (call < 0) {
		import_tell(o->i, verdict == REFUSES ? IMPORT_UNKNOWN : IMPORT_NARROW, origin,
			    "there is no system call '%s'", str_quote(o->i->arena, name));
		return;
	}
	if (args && (verdict == REFUSES || o->by_default == REFUSES)) {
		argued_call(o, (enum call)call, args, verdict != REFUSES, origin);
		return;
	}
	import_call(o->i, verdict != REFUSES, IMPORT_WANTED, name, origin);
}

static int one_rule(struct oci *o, const struct json_value *rule)
{
	const struct json_value *names = json_items(json_get(rule, "names"));
	const char *name = json_get_string(rule, "name"); /* before Docker 1.13 */
	enum verdict_of verdict;

	if (rule->type != JSON_OBJECT || (!names && !name))
		return diag_error(o->i->d, "C709", place_of(o, "syscalls"), "a rule without names");
	if (action_of(o, rule, "action", &verdict) < 0)
		return -EINVAL;
	if (!is_for_us(rule)) {
		import_tell(o->i, verdict == REFUSES ? IMPORT_LOST : IMPORT_NARROW,
			    names && names->type == JSON_STRING ? place_of(o, names->string) : NULL,
			    "a rule for other computers or with capabilities, from '%s' on",
			    names && names->type == JSON_STRING ? str_quote(o->i->arena, names->string) : "?");
		return 0;
	}
	if (name)
		one_name(o, name, rule, verdict);
	for (; names; names = names->next) {
		if (names->type != JSON_STRING)
			return diag_error(o->i->d, "C709", place_of(o, "names"), "a name is no string");
		one_name(o, names->string, rule, verdict);
	}
	return 0;
}

static int read_seccomp(struct import *i, const struct source *source)
{
	struct oci *o = arena_new_object(i->arena, struct oci);
	const struct json_value *root, *filter;
	const char *error;

	o->i = i;
	o->source = source;
	if (json_parse(i->arena, source->text, source->length, &root, &error) < 0)
		return no_json(o, error);
	filter = json_get(json_get(root, "linux"), "seccomp"); /* a whole config.json */
	filter = filter ? filter : root;
	if (action_of(o, filter, "defaultAction", &o->by_default) < 0)
		return -EINVAL;
	import_add_all(i, IMPORT_IMPLIED, "misc", "devices", "/dev/random /dev/tty /dev/urandom", NULL);
	import_add_all(i, IMPORT_IMPLIED, "filesystem", "read-only",
		       "/etc/terminfo/ /etc/terminfo/** /lib/terminfo/ /lib/terminfo/** /usr/share/terminfo/ "
		       "/usr/share/terminfo/**", NULL);
	if (o->by_default != REFUSES) {
		import_all_calls(i);
		import_calls_of(i, "runtime.ordinary", place_of(o, "defaultAction"));
	}
	for (const struct json_value *rule = json_items(json_get(filter, "syscalls")); rule; rule = rule->next)
		if (one_rule(o, rule) < 0)
			return -EINVAL;
	return 0;
}

static int recognise(const char *text, const char *file UNUSED)
{
	return *text == '{' && strstr(text, "defaultAction") ? 2 : 0;
}

const struct import_reader import_oci = { "oci", recognise, read_seccomp };
