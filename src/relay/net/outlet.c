/* relay/net/outlet.c - services of the host that are lent to the cage, ports of the cage that are exposed on a
 * socket of the host.
 *
 * A lent service has a port of the cage's loopback, on which maker.c made sockets; who connects there is taken
 * to the host's own loopback, or by keeper.c to a socket of its file system.  Must not: ask the policy (the
 * profile opened them). */
#include "relay/net/relay.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { ACCEPTS = 16 };

struct outlet {
	struct handle handle; /* first */
	const struct lending *entry;
};

int opening_failed(const char *verb, const char *entry, int error, const char **ret_what)
{
	static char what[4500]; /* the caller ends with it */

	snprintf(what, sizeof(what), "%s '%s'", verb, entry);
	*ret_what = what;
	return error;
}

static int next_visitor(const struct handle *handle)
{
	return accept4(handle->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void lent_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	for (unsigned i = 0; i < ACCEPTS; i++) {
		int fd = next_visitor(handle);
		if (fd < 0)
			return;
		tcp_lend(relay, fd, ((struct outlet *)handle)->entry);
	}
}

static void exposed_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	for (unsigned i = 0; i < ACCEPTS; i++) {
		int fd = next_visitor(handle);
		if (fd < 0)
			return;
		tcp_visit(relay, fd, ((struct outlet *)handle)->entry->inside);
	}
}

int outlets_open(struct relay *relay, const char **ret_what)
{
	const struct rules *rules = &relay->rules;

	relay->outlets = calloc(2 * rules->lent.count + rules->exposed.count + 1, sizeof(*relay->outlets));
	must(relay->outlets);
	for (size_t i = 0; i < rules->exposed.count; i++) {
		int fd = keeper_expose(relay, i);
		if (fd < 0)
			return opening_failed("expose", rules->exposed.items[i].text, fd, ret_what);
		relay->outlets[relay->outlet_count++] = (struct outlet){
			.handle = { .fd = fd, .ready = exposed_ready }, .entry = &rules->exposed.items[i],
		};
	}
	for (size_t i = 0; i < rules->lent.count; i++) {
		int r = keeper_check(&rules->lent.items[i]);
		if (r < 0)
			return opening_failed("lend", rules->lent.items[i].text, r, ret_what);
	}
	return 0;
}

int outlets_take(struct relay *relay, int from)
{
	for (size_t i = 0; i < 2 * relay->rules.lent.count; i++) {
		int fd = socket_take(from);
		if (fd < 0 && (fd == -EPIPE || i % 2 == 0)) /* every second is of IPv6 */
			return fd;
		if (fd >= 0)
			relay->outlets[relay->outlet_count++] = (struct outlet){
				.handle = { .fd = fd, .ready = lent_ready }, .entry = &relay->rules.lent.items[i / 2],
			};
	}
	return 0;
}

int outlets_watch(struct relay *relay)
{
	int r = 0;

	for (size_t i = 0; i < relay->outlet_count; i++)
		r = MIN(r, relay_watch(relay, &relay->outlets[i].handle, EPOLLIN));
	return r;
}
