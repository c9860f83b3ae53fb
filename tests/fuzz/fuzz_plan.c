/* fuzz_plan - plan_verify() and the printers take any bytes as a plan; what it accepts keeps its promises. */
#include "plan/plan.h"

#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

/* One byte of counts each: argv, envp, objects, origins, filter instructions; two of steps, whose highest bit
 * says that the plan is foreign; then the steps, objects, offsets, instructions and, as the text, the rest. */
static size_t take(const uint8_t **data, size_t *left, void *to, size_t size)
{
	if (*left < size)
		return 0;
	memcpy(to, *data, size);
	*data += size;
	*left -= size;
	return 1;
}

static void take_offsets(struct plan *plan, const uint8_t **data, size_t *left, unsigned count, bool env)
{
	uint32_t offset;

	while (count-- && take(data, left, &offset, sizeof(offset))) {
		if (env)
			*vec_push(plan->arena, &plan->envp) = offset;
		else
			*vec_push(plan->arena, &plan->argv) = offset;
	}
}

static void promises(const struct plan *plan)
{
	unsigned stage = 0;

	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];
		if (step->op >= OP_COUNT || step->stage < stage)
			abort();
		stage = step->stage;
		if (op_table[step->op].argument[0] == ARG_TARGET) {
			const char *target = plan->text.text + step->a;
			if (step->a >= plan->text.length || *target == '/' || strstr(target, "/../"))
				abort();
		}
		if (step->op == OP_BIND && !(step->x & PLAN_NOSUID))
			abort();
	}
	if (plan->steps.items[plan->steps.count - 1].op != (plan->foreign ? OP_RUN : OP_EXEC))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t left);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t left)
{
	struct { uint8_t argv, envp, objects, origins, code; uint8_t steps[2]; } counts;
	CLEANUP(plan_freep) struct plan *plan = plan_new();
	struct diags d;

	if (!take(&data, &left, &counts, sizeof(counts)))
		return 0;
	plan->foreign = counts.steps[1] & 0x80;
	for (unsigned i = 0, n = counts.steps[0] | (counts.steps[1] & 0x7f) << 8; i < n; i++) {
		struct step step;
		if (!take(&data, &left, &step, sizeof(step)))
			break;
		*vec_push(plan->arena, &plan->steps) = step;
	}
	for (struct object object; counts.objects-- && take(&data, &left, &object, sizeof(object));)
		*vec_push(plan->arena, &plan->objects) = object;
	take_offsets(plan, &data, &left, counts.argv, false);
	take_offsets(plan, &data, &left, counts.envp, true);
	struct sock_filter *code = arena_new_array(plan->arena, struct sock_filter, counts.code);
	size_t length = 0;
	while (length < counts.code && take(&data, &left, &code[length], sizeof(*code)))
		length++;
	*vec_push(plan->arena, &plan->filters) = (struct plan_filter){ code, length };
	plan->text.length = 0;
	strbuf_add_bytes(&plan->text, (const char *)data, left);
	diags_init(&d, plan->arena);
	if (plan_verify(plan, &d) == 0) {
		struct strbuf text = { .arena = plan->arena };
		promises(plan);
		plan_print(plan, &text);
	}
	return 0;
}
