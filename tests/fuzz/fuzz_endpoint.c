/* fuzz_endpoint.c - the canonical text of an endpoint means the same endpoint; questions are
 * read without harm. */
#include "policy/endpoint.h"

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)data, size), *canonical;
	struct policy empty = { .arena = arena };
	struct endpoint e, again;
	struct request request;
	struct diags d;

	diags_init(&d, arena);
	if (endpoint_parse(arena, text, NULL, &d, &e) == 0) {
		canonical = endpoint_text(arena, &e);
		must(endpoint_parse(arena, canonical, NULL, &d, &again) == 0);
		must(str_equal(canonical, endpoint_text(arena, &again)));
		must(e.access == again.access && e.icmp == again.icmp);
		must(endpoint_covers(&e, &again) && endpoint_covers(&again, &e));
	} else {
		must(d.errors > 0);
	}
	if (request_parse(arena, text, "/home/me", "/home/me/work", &d, &request) == 0)
		must(policy_decide(&empty, &request).effect == EFFECT_DENY);
	return 0;
}
