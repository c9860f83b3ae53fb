/* backend/limits.c - resource limits by setrlimit(2); cgroups will take their part when they land. */
#include "backend/backend.h"

#include <sys/resource.h>

static const struct { enum limit limit; int resource; uint64_t standard; } rows[] = {
	{ LIMIT_MEMORY, RLIMIT_DATA, 8ull << 30 },
	{ LIMIT_TASKS, RLIMIT_NPROC, 4096 },
	{ LIMIT_OPEN_FILES, RLIMIT_NOFILE, 0 },
	{ LIMIT_FILE_BYTES, RLIMIT_FSIZE, 0 },
};

static int compile(struct compilation *c)
{
	static const enum limit not_yet[] = { LIMIT_SWAP, LIMIT_CPU, LIMIT_IO_WEIGHT };
	int r = 0;

	plan_add(c->plan, OP_RLIMIT, RLIMIT_CORE, 0, 0, 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct number_setting *set = &c->policy->limits[rows[i].limit];
		struct rlimit now;
		uint64_t value = set->is_set ? set->value : rows[i].standard;

		/* Limits only go down: what the caller may not have, the cage may not either. */
		if (value && getrlimit(rows[i].resource, &now) == 0)
			value = MIN(value, (uint64_t)now.rlim_max);
		if (value && value != UINT64_MAX)
			plan_add(c->plan, OP_RLIMIT, (uint32_t)rows[i].resource, 0, 0, value, set->origin);
	}
	if (c->policy->limits[LIMIT_NICE].is_set)
		plan_add(c->plan, OP_NICE, (uint32_t)c->policy->limits[LIMIT_NICE].value, 0, 0, 0,
			 c->policy->limits[LIMIT_NICE].origin);
	for (size_t i = 0; i < ARRAY_SIZE(not_yet); i++) {
		const struct number_setting *set = &c->policy->limits[not_yet[i]];

		if (!set->is_set || set->value == UINT64_MAX)
			continue;
		r = diag_error(c->d, "C302", set->origin, "nothing here can limit '%s' yet", limit_names[not_yet[i]]);
		diag_help(c->d, "it needs control groups; remove the line for now");
	}
	return r;
}

const struct backend backend_limits = { "limits", "bounds processes, memory and files", compile };
