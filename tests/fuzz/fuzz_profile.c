/* fuzz_profile.c - any bytes as a profile: an error that is told, or a policy that is the same each
 * time, that denies what its .cuddy.toml form denies, and that grants nothing in that form. */
#include "profile/profile.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct profile_variable variables[] = {
	{ "HOME", "/home/me" }, { "PWD", "" }, { "XDG_DOWNLOAD_DIR", "/home/me/a*b" },
};

static struct policy *resolve(struct arena *arena, const char *path, const char *tighten)
{
	struct profile_context context = { .variables = variables, .variable_count = ARRAY_SIZE(variables),
					   .directory = "/", .tighten = tighten };
	struct policy *policy = NULL;
	struct diags d;
	int r;

	diags_init(&d, arena);
	r = profile_resolve(arena, &context, path, &d, &policy);
	must((r < 0) == (d.errors > 0));
	must((r == 0) == (policy != NULL));
	return policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct policy *first, *second, *tight;
	int fd = memfd_create("fuzz", MFD_CLOEXEC), empty = memfd_create("empty", MFD_CLOEXEC);
	char path[64], nothing[64];

	must(fd >= 0 && empty >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(nothing, sizeof(nothing), "/proc/self/fd/%d", empty);
	first = resolve(arena, path, NULL);
	second = resolve(arena, path, NULL);
	must(!first == !second && (!first || first->rule_count == second->rule_count));
	for (size_t i = 0; first && i < first->rule_count; i++)
		must(str_equal(first->rules[i].pattern, second->rules[i].pattern) &&
		     first->rules[i].effect == second->rules[i].effect);
	tight = resolve(arena, nothing, path);
	for (size_t i = 0; tight && i < tight->rule_count; i++)
		must(tight->rules[i].effect == EFFECT_DENY);
	close(fd);
	close(empty);
	return 0;
}
