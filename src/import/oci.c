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

/* JSON's reader keeps no places: the first line that holds "NAME" in quotation marks. */
static const struct origin *place_of(struct oci *o, const char *name)
{
	const char *quoted = arena_printf(o->i->arena, "\"%s\"", name), *at = strstr(o->source->text, quoted);
	struct origin *origin = arena_new_object(o->i->arena, struct origin);

	*origin = (struct origin){ .source = o->source, .line = 1, .column = 1, .length = 1 };
	if (!at)
		return origin;
	for (const char *c = o->source->text; c < at; c++) {
		origin->line += *c == '\n';
		origin->column = *c == '\n' ? 1 : origin->column + 1;
	}
	origin->length = (uint32_t)strlen(quoted);
	return origin;
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
	return diag_error(o->i->d, "C709", place_of(o, name ? name : key), "'%s' is no action",
			  str_quote(o->i->arena, name ? name : "null"));
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

/* Which of our classes has exactly this one condition?  -1: none.  Ordinary calls are those in none, so
 * "all bits of special classes are clear" is CLASS_ORDINARY. */
static int class_of(enum call call, const struct syscall_condition *wanted)
{
	uint32_t bits = 0;
	bool only_bits = true;

	for (size_t n = 0; n < syscall_class_count; n++) {
		const struct syscall_class *row = &syscall_classes[n];
		const struct syscall_condition *c = row->conditions;

		if (row->call != call || row->class == CLASS_ORDINARY)
			continue;
		if (c[0].mask && !c[1].mask && c[0].mask == wanted->mask && c[0].value == wanted->value &&
		    c[0].argument == wanted->argument && c[0].negate == wanted->negate)
			return row->class;
		only_bits &= !c[1].mask && c[0].negate && c[0].value == 0 && c[0].argument == wanted->argument;
		bits |= c[0].mask;
	}
	return only_bits && bits && !wanted->negate && wanted->value == 0 && (bits & ~wanted->mask) == 0 ?
	       CLASS_ORDINARY : -1;
}

/* personality(2) with 0 and with 0xffffffff, in two rules, are our ordinary call. */
static bool is_half_of_personality(struct oci *o, enum call call, const struct syscall_condition *c)
{
	if (call != CALL_personality || c->mask != UINT32_MAX || c->negate || c->argument ||
	    (c->value != 0 && c->value != UINT32_MAX))
		return false;
	o->personality[c->value != 0] = true;
	return true;
}

/* socket(2) with all families but one: all classes but that one's. */
static bool is_all_but(struct oci *o, enum call call, struct syscall_condition c, const struct origin *origin)
{
	const char *name = syscalls[call].name;
	int without;

	if (!c.negate || c.mask != UINT32_MAX)
		return false;
	c.negate = false;
	without = class_of(call, &c);
	if (without <= 0)
		return false;
	import_call(o->i, true, IMPORT_WANTED, name, origin);
	import_drop(o->i, "runtime", "allow-syscalls",
		    arena_printf(o->i->arena, "%s(%s)", name, syscall_class_name(call, (unsigned)without)));
	return true;
}

static void argued_call(struct oci *o, enum call call, const struct json_value *args, bool allow,
			const struct origin *origin)
{
	struct syscall_condition wanted;
	const char *name = syscalls[call].name, *class;
	int number = !args->next && condition_of(args, &wanted) ? class_of(call, &wanted) : -1;

	if (!allow) {
		import_add(o->i, IMPORT_WANTED, "runtime", "deny-syscalls", name, origin);
		import_tell(o->i, IMPORT_NARROW, origin, "'%s' is denied whatever its arguments are", name);
		return;
	}
	if (!args->next && condition_of(args, &wanted) &&
	    (is_all_but(o, call, wanted, origin) || is_half_of_personality(o, call, &wanted))) {
		if (o->personality[0] && o->personality[1])
			import_add(o->i, IMPORT_WANTED, "runtime", "allow-syscalls", "personality", origin);
		return;
	}
	class = number > 0 ? syscall_class_name(call, (unsigned)number) : NULL;
	if (number >= 0)
		import_add(o->i, IMPORT_WANTED, "runtime", "allow-syscalls",
			   class ? arena_printf(o->i->arena, "%s(%s)", name, class) : name, origin);
	else
		import_tell(o->i, IMPORT_NARROW, origin, "'%s' with these arguments is left out", name);
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
	if (args && !(verdict != REFUSES && o->by_default != REFUSES)) {
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
	struct origin where = { .source = source, .line = 1, .column = 1, .length = 1 };

	o->i = i;
	o->source = source;
	if (json_parse(i->arena, source->text, source->length, &root, &error) < 0)
		return diag_error(i->d, "C709", &where, "the file is no JSON: %s", error);
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
