/* plan/print.c - a plan as text and as JSON: every byte that the child will act on is shown. */
#include "plan/plan.h"

static const char *const stage_names[STAGE_COUNT] = {
	[STAGE_IDENTITY] = "IDENTITY", [STAGE_ROOT] = "ROOT",	      [STAGE_PIVOT] = "PIVOT",
	[STAGE_INSIDE] = "INSIDE",     [STAGE_NET] = "NET",	      [STAGE_LIMITS] = "LIMITS",
	[STAGE_PRIVILEGE] = "PRIVILEGE", [STAGE_FILTER] = "FILTER", [STAGE_EXEC] = "EXEC",
};

const char *stage_name(enum stage stage)
{
	return (unsigned)stage < STAGE_COUNT ? stage_names[stage] : "?";
}

static bool is_text(enum argument kind)
{
	return kind == ARG_TEXT || kind == ARG_TARGET || kind == ARG_SOURCE;
}

const char *step_subject(const struct plan *plan, const struct step *step)
{
	const struct op_info *info = &op_table[step->op];

	if (info->argument[0] == ARG_TARGET) /* targets are stored without their slash */
		return arena_printf(plan->arena, "/%s", plan_text_at(plan, step->a));
	return is_text(info->argument[0]) ? plan_text_at(plan, step->a) : NULL;
}

static const struct { unsigned bit; const char *set, *clear; } attr_names[] = {
	{ PLAN_READ_ONLY, "read-only", "writable" },
	{ PLAN_NOSUID,	  "nosuid",    NULL },
	{ PLAN_NODEV,	  "nodev",     NULL },
	{ PLAN_NOEXEC,	  "noexec",    NULL },
};

static const char *attributes(struct arena *arena, uint64_t bits)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < ARRAY_SIZE(attr_names); i++) {
		const char *name = bits & attr_names[i].bit ? attr_names[i].set : attr_names[i].clear;
		if (name)
			strbuf_addf(&out, "%s%s", out.length ? "," : "", name);
	}
	return strbuf_text(&out);
}

/* One argument as a word; NULL when there is nothing to say. */
static const char *argument_text(const struct plan *plan, enum argument kind, uint64_t value)
{
	struct arena *arena = plan->arena;

	switch (kind) {
	case ARG_NONE:
	case ARG_LENGTH:
		return NULL;
	case ARG_TARGET:
		return arena_printf(arena, "/%s", str_quote(arena, plan_text_at(plan, (uint32_t)value)));
	case ARG_TEXT:
	case ARG_SOURCE:
		return str_quote(arena, plan_text_at(plan, (uint32_t)value));
	case ARG_OBJECT:
		if (value >= plan->objects.count)
			return "object ?";
		return arena_printf(arena, "%llx:%llu", (unsigned long long)plan->objects.items[value].dev,
				    (unsigned long long)plan->objects.items[value].ino);
	case ARG_FILTER:
		if (value >= plan->filters.count)
			return "filter ?";
		return arena_printf(arena, "%zu instructions", plan->filters.items[value].count);
	case ARG_ATTR:
		return attributes(arena, value);
	case ARG_MODE:
		return arena_printf(arena, "%04llo", (unsigned long long)value & 07777);
	case ARG_CAPS:
		return arena_printf(arena, "keep %#llx", (unsigned long long)value);
	case ARG_LAYERS:
		return arena_printf(arena, "%s  %s%s", PLAN_LAYERS_DATA(value) ?
				    str_quote(arena, plan_text_at(plan, PLAN_LAYERS_DATA(value))) : "temporary",
				    attributes(arena, PLAN_LAYERS_ATTRS(value) & PLAN_ATTRS),
				    PLAN_LAYERS_ATTRS(value) & PLAN_LAYERS_FUSE ? "  by fuse-overlayfs" : "");
	case ARG_NUMBER:
	case ARG_SIZE:
	case ARG_RESOURCE:
		return arena_printf(arena, "%llu", (unsigned long long)value);
	}
	unreachable();
}

static const char *step_argument(const struct plan *plan, const struct step *step, unsigned index)
{
	const uint64_t values[4] = { step->a, step->b, step->c, step->x };

	return argument_text(plan, op_table[step->op].argument[index], values[index]);
}

void plan_print(const struct plan *plan, struct strbuf *out)
{
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];
		strbuf_addf(out, "%4zu  %-9s  %-12s", i, stage_name(step->stage), op_table[step->op].name);
		for (unsigned k = 0; k < 4; k++) {
			const char *word = step_argument(plan, step, k);
			if (word)
				strbuf_addf(out, "  %s", word);
		}
		if (step->origin && step->origin < plan->origins.count)
			strbuf_addf(out, "  (%s)",
				    origin_text(plan->arena, plan->origins.items[step->origin]));
		strbuf_add(out, "\n");
	}
}

void plan_print_json(const struct plan *plan, struct json *json, const char *key)
{
	static const char *const names[4] = { "a", "b", "c", "x" };

	json_object(json, key);
	json_bool(json, "host-network", plan->host_network);
	json_array(json, "argv");
	for (size_t i = 0; i < plan->argv.count; i++)
		json_string(json, NULL, plan_text_at(plan, plan->argv.items[i]));
	json_end_array(json);
	json_array(json, "environment");
	for (size_t i = 0; i < plan->envp.count; i++)
		json_string(json, NULL, plan_text_at(plan, plan->envp.items[i]));
	json_end_array(json);
	json_array(json, "steps");
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];
		json_object(json, NULL);
		json_string(json, "stage", stage_name(step->stage));
		json_string(json, "op", op_table[step->op].name);
		for (unsigned k = 0; k < 4; k++)
			if (op_table[step->op].argument[k] != ARG_NONE &&
			    op_table[step->op].argument[k] != ARG_LENGTH)
				json_string(json, names[k], step_argument(plan, step, k));
		if (step->origin && step->origin < plan->origins.count)
			json_string(json, "origin",
				    origin_text(plan->arena, plan->origins.items[step->origin]));
		json_end_object(json);
	}
	json_end_array(json);
	json_end_object(json);
}
