/* relay/net/peers.c - answers the other cages of a private network (peers.h).
 * They reach the ports at which the policy lets the program wait, and no others.  Must not: wait for them. */
#include "relay/net/relay.h"
#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { CALLS = 16 };

/* One datagram and its descriptor; false: none is left.  *ret_fd is -1 when it carried none. */
static bool take_call(int from, struct peer_call *ret, int *ret_fd)
{
	ssize_t size = fd_receive(from, ret, sizeof(*ret), ret_fd, 1, MSG_DONTWAIT | MSG_TRUNC);

	if (size != sizeof(*ret)) /* nobody of ours: nobody is answered */
		fd_closep(ret_fd);
	return size >= 0;
}

/* Comes from the address that the caller's name has in this cage. */
static int make_source(struct relay *relay, const struct peer_call *call, uint8_t ret[16])
{
	char name[PEER_NAME + PEER_NETWORK];
	size_t length = strnlen(call->from, PEER_NAME);

	if (!rules_is_cage(call->from, length) || strnlen(call->network, PEER_NETWORK) == PEER_NETWORK ||
	    !str_equal(call->network, relay->rules.network))
		return -EACCES;
	memcpy(name, call->from, length);
	name[length] = '.';
	strcpy(name + length + 1, call->network);
	uint32_t index = names_index(relay->names, name);
	if (call->v6)
		names_address6(index, ret);
	else
		names_address4(index, ret);
	return 0;
}

static int make_way(struct relay *relay, const struct peer_call *call)
{
	uint8_t source[16];
	bool tcp = call->access == ACCESS_CONNECT, ping = call->access == RULES_PING;
	int family = call->v6 ? AF_INET6 : AF_INET, r = make_source(relay, call, source);

	if (r == 0 && !ping && (call->port == 0 || (!tcp && call->access != ACCESS_SEND) ||
				!rules_may_listen(&relay->rules, call->port)))
		r = -EACCES;
	if (r < 0) {
		relay->journal.counters->refused++;
		return r;
	}
	AUTO_FD int fd = maker_socket(relay, family, tcp ? SOCK_STREAM : SOCK_DGRAM,
				  flow_protocol(call->access, family), source);
	r = fd < 0 ? fd : call->access == ACCESS_SEND ? 0 : flow_connect(fd, flow_loopback[call->v6 != 0], call->port);
	if (r < 0)
		return r;
	relay->journal.counters->visitors++;
	return TAKE_FD(fd);
}

void peers_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	struct peer_call call = { 0 };
	int back;

	for (unsigned i = 0; i < CALLS && take_call(handle->fd, &call, &back); i++) {
		int way = back < 0 ? -1 : make_way(relay, &call);
		if (back >= 0)
			(void)!socket_pass(back, way);
		fd_closep(&way);
		fd_closep(&back);
	}
}
