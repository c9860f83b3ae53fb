/* backend/runtime.c - runtime rules: the system call filter, and the few capabilities that are kept.
 * Every call that is not granted answers an error; see backend/seccomp.h for which. */
#include "backend/backend.h"
#include "backend/seccomp.h"
#include "policy/capabilities.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>

/* All that pid 1 of a cage does once the program runs (launch/init.c), by whichever name a libc and an
 * architecture know it: wait, sleep, hear, tell, let in who joins, pass a signal on, move the terminal to a
 * group, give memory back, end. */
static const char *const init_calls[] = {
	"accept4", "close", "exit", "exit_group", "futex", "futex_time64", "getpgid", "getpgrp", "ioctl", "kill", "munmap", "poll", "ppoll",
	"ppoll_time64", "read", "recv", "recvfrom", "restart_syscall", "rt_sigreturn", "send", "sendmsg", "sendto", "sigreturn",
	"wait4", "waitpid",
};

static int compile_init_filter(struct compilation *c)
{
	struct seccomp_rule rules[ARRAY_SIZE(init_calls)] = { 0 };
	struct sock_filter *code;
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(init_calls); i++) {
		int call = syscall_find(init_calls[i], strlen(init_calls[i]));

		must(call >= 0);
		rules[i] = (struct seccomp_rule){ .call = (uint16_t)call, .verdict = SECCOMP_VERDICT_ALLOW };
	}
	if (seccomp_build(c->arena, rules, ARRAY_SIZE(rules), 0, &code, &count) < 0)
		return diag_error(c->d, "C304", NULL, "the system call filter of init is too long");
	plan_set_init_filter(c->plan, code, count);
	return 0;
}

static int compile_filter(struct compilation *c)
{
	VEC(struct seccomp_rule) rules = { 0 };
	struct sock_filter *code;
	const struct origin *last = NULL;
	unsigned flags = 0;
	size_t count;

	for (size_t i = 0; i < c->policy->rule_count; i++) {
		const struct rule *rule = &c->policy->rules[i];
		unsigned class;
		enum call call;

		if (rule->kind != KIND_SYSCALL || rule->effect == EFFECT_LOG)
			continue;
		last = rule->origin;
		/* Only the flag foreign-abi grants it, and only 32-bit programs call it. */
		if (str_equal(rule->pattern, "set_thread_area") && rule->effect == EFFECT_ALLOW)
			flags |= SECCOMP_FOREIGN_ABI;
		if (syscall_parse(rule->pattern, &call, &class) < 0)
			return diag_error(c->d, "C303", rule->origin, "there is no system call '%s'",
					  str_quote(c->arena, rule->pattern));
		if (rule->effect != EFFECT_ASK)
			*vec_push(c->arena, &rules) = (struct seccomp_rule){
				.call = (uint16_t)call, .class = (uint8_t)class,
				.verdict = rule->effect == EFFECT_ALLOW ? SECCOMP_VERDICT_ALLOW : EPERM,
			};
		backend_claim(c, i, "seccomp", EXACTNESS_EXACT, NULL);
	}
	if (seccomp_build(c->arena, rules.items, rules.count, flags, &code, &count) < 0)
		return diag_error(c->d, "C304", last, "the system call filter is too long");
	plan_set_filter(c->plan, code, count, last);
	return compile_init_filter(c);
}

static int compile_capabilities(struct compilation *c)
{
	uint64_t allowed = 0, denied = 0;

	for (size_t i = 0; i < c->policy->rule_count; i++) {
		const struct rule *rule = &c->policy->rules[i];
		int number;

		if (rule->kind != KIND_CAPABILITY)
			continue;
		number = capability_find(rule->pattern);
		if (number < 0)
			return diag_error(c->d, "C305", rule->origin, "there is no capability '%s'",
					  str_quote(c->arena, rule->pattern));
		*(rule->effect == EFFECT_ALLOW ? &allowed : &denied) |=
			rule->effect == EFFECT_ASK ? 0 : 1ull << number;
		backend_claim(c, i, "capabilities", EXACTNESS_EXACT,
			      rule->effect == EFFECT_ALLOW ? "only over what belongs to the cage" : NULL);
	}
	for (size_t i = 0; i < c->plan->steps.count; i++)
		if (c->plan->steps.items[i].op == OP_CAPS)
			c->plan->steps.items[i].x = allowed & ~denied;
	return 0;
}

const struct backend backend_seccomp = { "seccomp", "filters system calls", compile_filter };
const struct backend backend_capabilities = { "capabilities", "drops all powers of root", compile_capabilities };
