/* tests/decide_many.c - asks the oracle many questions at once, for tests/integration/differential.py.
 *
 * Usage: decide_many SHARE PROFILE-FILE <QUESTIONS, one a line.  Prints a line per rule that is not
 * enforced exactly, "rule INDEX EXACTNESS PATTERN NOTE", then one per question,
 * "VERDICT INDEX EXACTNESS WAY PATTERN"; fields are separated by tabs, INDEX is -1
 * without a deciding rule, WAY "way" where only names that lead to something granted are shown. */
#include "backend/backend.h"
#include "profile/profile.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(struct arena *arena, struct diags *d)
{
	struct strbuf out = { .arena = arena };

	diags_print(d, &out, false);
	fputs(strbuf_text(&out), stderr);
	return 1;
}

static void print_rules(const struct policy *policy, const struct claim *claims)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (claims[i].exactness != EXACTNESS_EXACT)
			printf("rule\t%zu\t%s\t%s\t%s\n", i, exactness_name(claims[i].exactness),
			       policy->rules[i].pattern, claims[i].note ? claims[i].note : "");
}

int main(int argc, char **argv)
{
	static char *none[] = { NULL };
	static const char *const program[] = { "true", NULL };
	struct arena *arena = arena_new();
	const char *home = getenv("HOME");
	char line[8192];
	struct diags d, ignored;
	struct policy *policy;
	struct claim *claims;

	diags_init(&d, arena);
	diags_init(&ignored, arena);
	home = home ? home : "/";
	if (argc != 3)
		return 2;
	const struct profile_variable variables[] = {
		{ "HOME", home }, { "PWD", "/" }, { "USER", "test" }, { "UID", "0" },
		{ "XDG_CACHE_HOME", arena_printf(arena, "%s/.cache", home) },
		{ "XDG_CONFIG_HOME", arena_printf(arena, "%s/.config", home) },
		{ "XDG_DATA_HOME", arena_printf(arena, "%s/.local/share", home) },
		{ "XDG_STATE_HOME", arena_printf(arena, "%s/.local/state", home) },
		{ "XDG_RUNTIME_DIR", "/run/user/0" }, { "CUDDY_RUNNING", "/run/user/0/cuddy" },
		{ "XDG_DESKTOP_DIR", arena_printf(arena, "%s/Desktop", home) },
		{ "XDG_DOCUMENTS_DIR", arena_printf(arena, "%s/Documents", home) },
		{ "XDG_DOWNLOAD_DIR", arena_printf(arena, "%s/Downloads", home) },
		{ "XDG_MUSIC_DIR", arena_printf(arena, "%s/Music", home) },
		{ "XDG_PICTURES_DIR", arena_printf(arena, "%s/Pictures", home) },
		{ "XDG_VIDEOS_DIR", arena_printf(arena, "%s/Videos", home) },
	};
	const struct profile_context context = {
		.places = { argv[1], NULL, NULL }, .variables = variables, .variable_count = ARRAY_SIZE(variables),
	};
	const struct cage cage = {
		.name = "test", .uid = getuid(), .gid = getgid(), .user = "test", .home = home, .shell = "/bin/sh",
		.working_directory = "/", .environment = none, .argv = program,
	};
	if (profile_resolve(arena, &context, argv[2], &d, &policy) < 0)
		return fail(arena, &d);
	backend_claims(arena, policy, &cage, &ignored, &claims);
	print_rules(policy, claims);
	while (fgets(line, sizeof(line), stdin)) {
		struct request request;

		line[strcspn(line, "\n")] = '\0';
		if (request_parse(arena, arena_strdup(arena, line), home, "/", &d, &request) < 0)
			return fail(arena, &d);
		struct verdict v = policy_decide(policy, &request);
		long index = v.rule ? (long)(v.rule - policy->rules) : -1;

		printf("%s\t%ld\t%s\t%s\t%s\n", effect_name(v.effect), index,
		       index < 0 ? "exact" : exactness_name(claims[index].exactness),
		       v.on_the_way ? "way" : "", v.rule ? v.rule->pattern : "");
	}
	arena_free(arena);
	return 0;
}
