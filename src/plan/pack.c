/* plan/pack.c - a plan as bytes and back, so that a running cage can tell how to enter it.
 * Bytes may come from anywhere: plan_unpack() trusts no count, and plan_verify() has the last word.
 * Must not: keep pointers into the bytes.  Origins are not kept. */
#include "plan/plan.h"
#include "base/limits.h"

#include <linux/filter.h>
#include <string.h>

#define PACK_MAGIC 0x31706463u /* "cdp1" */

struct pack_header {
	uint32_t magic, host_network;
	uint32_t steps, text, objects, argv, envp, filters; /* counts; bytes of text */
};

/* One after another: header, steps, objects, argv, envp, then each filter's count and code, then text. */
void plan_pack(const struct plan *plan, struct strbuf *out)
{
	const struct pack_header header = {
		.magic = PACK_MAGIC, .host_network = plan->host_network,
		.steps = (uint32_t)plan->steps.count, .text = (uint32_t)plan->text.length,
		.objects = (uint32_t)plan->objects.count, .argv = (uint32_t)plan->argv.count,
		.envp = (uint32_t)plan->envp.count, .filters = (uint32_t)plan->filters.count,
	};

	strbuf_add_bytes(out, (const char *)&header, sizeof(header));
	for (size_t i = 0; i < plan->steps.count; i++) {
		struct step step = plan->steps.items[i];

		step.origin = 0; /* stays behind */
		strbuf_add_bytes(out, (const char *)&step, sizeof(step));
	}
	strbuf_add_bytes(out, (const char *)plan->objects.items, plan->objects.count * sizeof(struct object));
	strbuf_add_bytes(out, (const char *)plan->argv.items, plan->argv.count * sizeof(uint32_t));
	strbuf_add_bytes(out, (const char *)plan->envp.items, plan->envp.count * sizeof(uint32_t));
	for (size_t i = 0; i < plan->filters.count; i++) {
		uint32_t count = (uint32_t)plan->filters.items[i].count;

		strbuf_add_bytes(out, (const char *)&count, sizeof(count));
		strbuf_add_bytes(out, (const char *)plan->filters.items[i].code,
				 count * sizeof(struct sock_filter));
	}
	strbuf_add_bytes(out, plan->text.text, plan->text.length);
}

struct reader { const char *at; size_t left; bool failed; };

/* `count` items of `size` bytes into memory of the arena; NULL when there are not as many. */
static void *take(struct arena *arena, struct reader *r, size_t size, size_t count, size_t most)
{
	void *items;

	if (r->failed || count > most || count > r->left / size) {
		r->failed = true;
		return NULL;
	}
	items = arena_alloc(arena, size * count);
	memcpy(items, r->at, size * count);
	r->at += size * count;
	r->left -= size * count;
	return items;
}

#define TAKE_VEC(vec, count_, most)                                                              \
	do {                                                                                     \
		(vec)->items = take(plan->arena, &r, sizeof(*(vec)->items), (count_), (most));   \
		(vec)->count = (vec)->room = r.failed ? 0 : (count_);                            \
	} while (0)

struct plan *plan_unpack(const char *bytes, size_t length)
{
	CLEANUP(plan_freep) struct plan *plan = plan_new();
	struct reader r = { bytes, length, false };
	const struct pack_header *header = take(plan->arena, &r, sizeof(*header), 1, 1);

	if (!header || header->magic != PACK_MAGIC)
		return NULL;
	plan->host_network = header->host_network;
	TAKE_VEC(&plan->steps, header->steps, LIMIT_PLAN_STEPS);
	TAKE_VEC(&plan->objects, header->objects, LIMIT_PLAN_STEPS);
	TAKE_VEC(&plan->argv, header->argv, LIMIT_PLAN_TEXT);
	TAKE_VEC(&plan->envp, header->envp, LIMIT_PLAN_TEXT);
	for (uint32_t i = 0; i < header->filters && !r.failed; i++) {
		const uint32_t *count = take(plan->arena, &r, sizeof(*count), 1, 1);
		const void *code = count ? take(plan->arena, &r, sizeof(struct sock_filter), *count,
						LIMIT_FILTER) : NULL;

		if (code)
			*vec_push(plan->arena, &plan->filters) = (struct plan_filter){ code, *count };
	}
	char *text = take(plan->arena, &r, 1, header->text, LIMIT_PLAN_TEXT);
	if (!text || !header->text || text[header->text - 1] != '\0' || *text || r.left)
		return NULL;
	plan->text = (struct strbuf){ plan->arena, text, header->text, header->text };
	return TAKE(plan);
}
