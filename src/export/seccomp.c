/* export/seccomp.c - the "seccomp" object of the OCI runtime specification.
 *
 * What is not named answers ENOSYS: calls newer than this list, and those that libraries fall back
 * from.  Known calls that are not granted answer EPERM.  Comparisons are masked to 32 bits, for the
 * kernel takes no more of these arguments, and exclude each other, so that no order matters but one:
 * denials come first, for libseccomp makes a rule for socket() one for i386's socketcall() as well,
 * past its arguments, unless that was denied before (tests/integration/export_filter.py).
 * Source: runtime-spec/config-linux.md, "Seccomp"; "comment" is docker's, others ignore it. */
#include "export/export.h"

#include <errno.h>
#include <string.h>

static const struct { const char *name; bool foreign; } architectures[] = {
	{ "SCMP_ARCH_X86_64", false }, { "SCMP_ARCH_AARCH64", false },
	{ "SCMP_ARCH_X86", true },     { "SCMP_ARCH_ARM", true },
};

static void begin_entry(struct json *json)
{
	json_object(json, NULL);
	json_array(json, "names");
}

static void end_entry(struct json *json, int error, const struct call_case *arguments, const char *comment)
{
	json_end_array(json);
	json_string(json, "action", error ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
	if (error)
		json_number(json, "errnoRet", error);
	if (arguments)
		json_array(json, "args");
	for (unsigned i = 0; arguments && i < ARRAY_SIZE(arguments->mask); i++) {
		if (!arguments->mask[i])
			continue;
		json_object(json, NULL);
		json_number(json, "index", i);
		json_number(json, "value", arguments->mask[i]);
		json_number(json, "valueTwo", arguments->value[i]);
		json_string(json, "op", "SCMP_CMP_MASKED_EQ");
		json_end_object(json);
	}
	if (arguments)
		json_end_array(json);
	if (comment)
		json_string(json, "comment", comment);
	json_end_object(json);
}

bool export_is_same_line(const struct rule *a, const struct rule *b)
{
	if (!a || !b || !a->origin || !b->origin)
		return a == b;
	return a->origin->source == b->origin->source && a->origin->line == b->origin->line;
}

static bool is_listed(const struct export_call *call, enum call number)
{
	return call->cases.count == 0 && (call->allowed || !syscall_hides(number));
}

/* Calls with one verdict: those of one line of a profile together. */
static void add_plain(const struct export *e, struct json *json, bool allowed, bool comments)
{
	for (unsigned first = 0; first < CALL_COUNT; first++) {
		const struct export_call *call = &e->calls[first];
		bool seen = false;

		if (!is_listed(call, first) || call->allowed != allowed)
			continue;
		for (unsigned i = 0; i < first && !seen; i++)
			seen = is_listed(&e->calls[i], i) && e->calls[i].allowed == allowed &&
			       export_is_same_line(e->calls[i].rule, call->rule);
		if (seen)
			continue;
		begin_entry(json);
		for (unsigned i = first; i < CALL_COUNT; i++)
			if (is_listed(&e->calls[i], i) && e->calls[i].allowed == allowed &&
			    export_is_same_line(e->calls[i].rule, call->rule))
				json_string(json, NULL, syscalls[i].name);
		end_entry(json, allowed ? 0 : EPERM, NULL, !comments ? NULL : call->rule ?
			  export_rule_origin(e, call->rule) : "nothing allows these");
	}
}

static void add_cases(const struct export *e, struct json *json, enum call number, bool comments)
{
	const struct export_call *call = &e->calls[number];

	for (size_t i = 0; i < call->cases.count; i++) {
		const struct call_case *one = &call->cases.items[i];

		if (!one->allowed && syscall_hides(number))
			continue;
		begin_entry(json);
		json_string(json, NULL, syscalls[number].name);
		end_entry(json, one->allowed ? 0 : EPERM, one, !comments ? NULL : call->rule ?
			  export_rule_origin(e, call->rule) : "by its arguments");
	}
}

/* Where the default can't be ENOSYS, those that libraries fall back from are named. */
static void add_hidden(const struct export *e, struct json *json)
{
	begin_entry(json);
	for (unsigned call = 0; call < CALL_COUNT; call++)
		if (syscall_hides(call) && !e->calls[call].allowed)
			json_string(json, NULL, syscalls[call].name);
	end_entry(json, ENOSYS, NULL, NULL);
}

void export_seccomp_json(const struct export *e, struct json *json, const char *key, enum seccomp_form form)
{
	bool full = form == SECCOMP_RUNTIME;

	json_object(json, key);
	json_string(json, "defaultAction", "SCMP_ACT_ERRNO");
	if (full)
		json_number(json, "defaultErrnoRet", ENOSYS);
	json_array(json, "architectures");
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (!architectures[i].foreign || e->foreign_abi)
			json_string(json, NULL, architectures[i].name);
	json_end_array(json);
	json_array(json, "syscalls");
	add_plain(e, json, false, full);
	if (!full)
		add_hidden(e, json);
	add_plain(e, json, true, full);
	for (unsigned call = 0; call < CALL_COUNT; call++)
		add_cases(e, json, call, full);
	json_end_array(json);
	json_end_object(json);
}
