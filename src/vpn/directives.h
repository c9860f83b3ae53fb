/* vpn/directives.h - private to src/vpn: what becomes of each directive of openvpn(8). */
#ifndef CUDDY_VPN_DIRECTIVES_H
#define CUDDY_VPN_DIRECTIVES_H

#include "base/arena.h"

enum directive_action {
	DIRECTIVE_DROP,	 /* not for us to know, or done in any case: left out without a word */
	DIRECTIVE_NOTE,	 /* left out, and said */
	DIRECTIVE_OURS,	 /* understood: openvpn.c has a function */
	DIRECTIVE_PASS,	 /* checked, and given to the client */
	DIRECTIVE_REFUSE,
};

enum directive_reason {
	REASON_NONE,
	REASON_ASKS, REASON_BINDS, REASON_CONTROL, REASON_ENVIRONMENT, REASON_IDENTITY, REASON_PROXY, REASON_READS,
	REASON_RESOLVES, REASON_RUNS, REASON_SERVER, REASON_STATIC, REASON_TELLS, REASON_TOKEN, REASON_WEAKENS,
	REASON_WRITES,
};

/* `arguments`: one letter each; those behind '|' may be missing, '*' repeats the one before it.
 * a IPv4 address, 6 IPv6 address or network, n number, s text, w word of letters, digits and signs. */
struct directive {
	const char *name;
	enum directive_action action;
	const char *arguments;
	enum directive_reason reason;
};

/* The words of the reason, to stand behind the name; *ret_help what to do about it. */
const char *directive_reason_text(enum directive_reason reason, const char **ret_help);

const struct directive *directive_find(const char *name); /* NULL: unknown */
const struct directive *directive_at(size_t index);	  /* sorted by name; NULL behind the last */
const char *directive_nearest(struct arena *arena, const char *name); /* or NULL */

#endif
