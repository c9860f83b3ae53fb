/* relay/net/resolver.c - the workers that ask the host's resolver, or the profile's servers.
 * Must not: be asked for a name that the policy does not allow; start a program. */
#include "relay/net/resolver.h"
#include "relay/net/confine.h"
#include "relay/net/stub.h"
#include "base/macros.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct question { uint32_t id; char name[254]; };

static bool take_address(const struct sockaddr *from, uint8_t ret[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (from->sa_family == AF_INET6) {
		memcpy(ret, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	} else if (from->sa_family == AF_INET) {
		memcpy(ret, mapped, sizeof(mapped));
		memcpy(ret + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
	return from->sa_family == AF_INET6 || from->sa_family == AF_INET;
}

static void resolve_as_host(const char *name, struct resolver_answer *ret)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_ADDRCONFIG };
	struct addrinfo *list = NULL;

	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		return;
	for (const struct addrinfo *at = list; at && ret->count < RESOLVER_ADDRESSES; at = at->ai_next)
		ret->count += take_address(at->ai_addr, ret->addresses[ret->count]);
	freeaddrinfo(list);
}

static void resolve(const struct rules *rules, const struct name_servers *tunnel, const char *name,
		    struct resolver_answer *ret)
{
	struct name_server servers[NAME_SERVERS];

	if (rules->servers.count)
		stub_resolve(rules->servers.items, rules->servers.count, name, ret);
	else if (tunnel)
		stub_resolve(servers, name_servers_read(tunnel, servers), name, ret);
	else
		resolve_as_host(name, ret);
}

_Noreturn static void work(int fd, const struct rules *rules, const struct name_servers *tunnel)
{
	struct question question;
	struct resolver_answer answer;

	/* Only what getaddrinfo() needs: no other descriptor of the relay, no new program. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NAME, "cuddy-resolve", 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (dup2(fd, 3) < 0 || dup2(2, 1) < 0 || syscall(SYS_close_range, 4u, ~0u, 0) < 0 || confine_worker() < 0)
		_exit(1);
	for (;;) {
		ssize_t length = recv(3, &question, sizeof(question), 0);
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= (ssize_t)offsetof(struct question, name))
			_exit(0); /* the relay is gone */
		question.name[sizeof(question.name) - 1] = 0;
		answer = (struct resolver_answer){ .id = question.id };
		resolve(rules, tunnel, question.name, &answer);
		if (send(3, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}

int resolver_open(const struct rules *rules, const struct name_servers *tunnel)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	for (unsigned i = 0; i < RESOLVER_WORKERS; i++) {
		pid_t pid = fork();
		if (pid == 0)
			work(ends[1], rules, tunnel);
		if (pid < 0)
			return -errno;
	}
	close(ends[1]);
	return ends[0];
}

bool resolver_ask(int resolver, uint32_t id, const char *name)
{
	struct question question = { .id = id };
	size_t length = strlen(name);

	if (length >= sizeof(question.name))
		return false;
	memcpy(question.name, name, length);
	length += offsetof(struct question, name) + 1;
	return send(resolver, &question, length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length;
}

bool resolver_read(int resolver, struct resolver_answer *ret)
{
	return recv(resolver, ret, sizeof(*ret), MSG_DONTWAIT) == sizeof(*ret) &&
	       ret->count <= RESOLVER_ADDRESSES;
}
