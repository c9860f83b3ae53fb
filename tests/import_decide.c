/* tests/import_decide.c - the oracle for tests/import_firejail.py: many profiles, many questions.
 *
 * Usage: import_decide SHARE <LINES.  "= FILE" chooses a profile and prints "ok" or "bad MESSAGE"; any other
 * line is a question, as `cuddy why` takes it, and prints allow, deny or ask.  The home is /home/me. */
#include "profile/profile.h"

#include <stdio.h>
#include <string.h>

static const struct profile_variable variables[] = {
	{ "HOME", "/home/me" }, { "PWD", "/" }, { "USER", "me" }, { "UID", "1000" }, { "NAME", "test" },
	{ "XDG_CACHE_HOME", "/home/me/.cache" }, { "XDG_CONFIG_HOME", "/home/me/.config" },
	{ "XDG_DATA_HOME", "/home/me/.local/share" }, { "XDG_STATE_HOME", "/home/me/.local/state" },
	{ "XDG_RUNTIME_DIR", "/run/user/1000" }, { "CUDDY_RUNNING", "/run/user/1000/cuddy" }, { "XDG_DESKTOP_DIR", "/home/me/Desktop" },
	{ "XDG_DOCUMENTS_DIR", "/home/me/Documents" }, { "XDG_DOWNLOAD_DIR", "/home/me/Downloads" },
	{ "XDG_MUSIC_DIR", "/home/me/Music" }, { "XDG_PICTURES_DIR", "/home/me/Pictures" },
	{ "XDG_VIDEOS_DIR", "/home/me/Videos" },
};

static struct policy *load(struct arena *arena, const char *share, const char *file)
{
	const struct profile_context context = {
		.places = { share, NULL, NULL }, .variables = variables, .variable_count = ARRAY_SIZE(variables),
		.directory = "/",
	};
	struct policy *policy = NULL;
	struct diags d;

	diags_init(&d, arena);
	if (profile_resolve(arena, &context, file, &d, &policy) == 0) {
		puts("ok");
		return policy;
	}
	printf("bad %s\n", d.list.count ? d.list.items[0].message : "?");
	return NULL;
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct policy *policy = NULL;
	char line[8192];

	if (argc != 2)
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		struct request request;
		struct diags d;

		line[strcspn(line, "\n")] = '\0';
		if (str_starts(line, "= ")) {
			arena_free(arena);
			arena = arena_new();
			policy = load(arena, argv[1], line + 2);
			continue;
		}
		diags_init(&d, arena);
		if (!policy || request_parse(arena, line, "/home/me", "/", &d, &request) < 0)
			puts("bad");
		else
			puts(effect_name(policy_decide(policy, &request).effect));
	}
	arena_free(arena);
	return 0;
}
