/* fuzz_tunnel.c - what comes to the processes of a tunnel from each other: the environment of OpenVPN's --up, packets
 * to the holder from launchers and from the inside, packets to a launcher.  A client that was taken over says what it
 * likes, and the inside repeats it. */
#include "relay/vpn/holder.h"
#include "relay/vpn/inside.h"
#include "relay/vpn/pushed.h"
#include "base/fd.h"
#include "base/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the environment ---- */

static void check_addresses(const struct vpn_addresses *list, bool are_hosts)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct vpn_address *a = &list->items[i];
		char text[INET6_ADDRSTRLEN + sizeof("/128")];
		unsigned char bytes[16];
		size_t length = strcspn(a->text, "/");
		must(a->prefix <= (a->family == AF_INET ? 32 : 128) && length < sizeof(text));
		memcpy(text, a->text, length);
		text[length] = '\0';
		must(inet_pton(a->family, text, bytes) == 1 && memcmp(bytes, a->bytes, a->family == AF_INET ? 4 : 16) == 0);
		must(!are_hosts || a->family != AF_INET || (a->bytes[0] && a->bytes[0] != 127));
	}
}

static void read_pushed(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *bytes = malloc(size ? size : 1); /* of its own, so that each byte behind it is seen */
	struct pushed pushed;

	memcpy(bytes, data, size);
	if (pushed_is_whole(bytes, size) && pushed_read(arena, bytes, size, &pushed)) {
		must(pushed.addresses.count && (!pushed.mtu || (pushed.mtu >= 576 && pushed.mtu <= 65535)));
		must(pushed.routes.count <= 2 * PUSHED_MOST + 1);
		pushed_redirect(arena, &pushed);
		check_addresses(&pushed.addresses, true);
		check_addresses(&pushed.servers, true);
		check_addresses(&pushed.routes, false);
	}
	free(bytes);
}

/* ---- packets: who, how long, bytes ---- */

enum { USERS = 4, ALIVE = 0x08, ENDED = 0x10, OTHER = 0x20, HANGS_UP = 0x40, LONG = 0x80 };

struct packet { uint8_t who; const uint8_t *bytes; size_t size; };

static bool next_packet(const uint8_t **data, size_t *size, struct packet *ret)
{
	if (*size < 2)
		return false;
	*ret = (struct packet){ (*data)[0], *data + 2, (*data)[1] };
	ret->size = MIN(ret->who & LONG ? ret->size * 32 : ret->size, *size - 2);
	*data += 2 + ret->size;
	*size -= 2 + ret->size;
	return true;
}

/* What is given along: an event that is there or not is a process that has ended or not. */
static void put(int fd, const struct packet *packet)
{
	const struct iovec part = { (void *)packet->bytes, packet->size };
	int with = packet->who & ALIVE ? eventfd(0, EFD_CLOEXEC) : packet->who & ENDED ? eventfd(1, EFD_CLOEXEC) :
		   packet->who & OTHER ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;

	(void)fd_send(fd, &part, 1, &with, with >= 0, MSG_DONTWAIT);
	fd_closep(&with);
}

/* ---- the holder ---- */

/* A listening socket with a name that nobody has chosen. */
static int listen_somewhere(struct sockaddr_un *ret, socklen_t *ret_size)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*ret_size = sizeof(*ret);
	must(bind(fd, (struct sockaddr *)ret, sizeof(sa_family_t)) == 0 && listen(fd, USERS) == 0);
	must(getsockname(fd, (struct sockaddr *)ret, ret_size) == 0);
	return fd;
}

/* All that a user was told. */
static void check_words(int fd)
{
	char text[TUNNEL_MESSAGE + 1];
	int gifts[TUNNEL_GIFTS];
	ssize_t length;

	while ((length = fd_receive(fd, text, sizeof(text), gifts, TUNNEL_GIFTS, MSG_DONTWAIT)) > 0) {
		must(length < TUNNEL_MESSAGE && strchr("uwfdoib", text[0]));
		must(gifts[0] < 0 || text[0] == SAY_UP);
		text[length] = '\0';
		must(text[0] != SAY_STATUS || str_starts(text + 1, "name work\nkind openvpn\nstate "));
		for (size_t i = 0; i < TUNNEL_GIFTS; i++)
			fd_closep(&gifts[i]);
	}
}

static void close_holder(struct holder *h)
{
	for (size_t i = 0; i < h->count; i++) {
		fd_closep(&h->users[i].socket);
		fd_closep(&h->users[i].pidfd);
	}
	fd_closep(&h->epoll);
	fd_closep(&h->control);
	fd_closep(&h->gifts[TUNNEL_SERVERS]);
	munmap(h->servers, sizeof(*h->servers));
}

static void hold(const uint8_t *data, size_t size)
{
	struct holder h = { .name = "work", .kind = "openvpn", .digest = "abc", .remote = "vpn.example:1194", .relay = -1,
			    .gifts = { 0, 1, -1 }, .since = clock_ms(), .started = clock_ms() };
	struct sockaddr_un name;
	socklen_t name_size;
	struct packet packet;
	int users[USERS], ends[2];

	h.listener = listen_somewhere(&name, &name_size);
	h.servers = name_servers_new(&h.gifts[TUNNEL_SERVERS]);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	h.control = ends[0];
	must(h.servers && holder_watch(&h) == 0);
	for (size_t i = 0; i < USERS; i++) {
		users[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		must(connect(users[i], (struct sockaddr *)&name, name_size) == 0);
	}
	while (next_packet(&data, &size, &packet)) {
		unsigned who = packet.who & 7;
		put(who < USERS ? users[who] : ends[1], &packet);
		if (who < USERS && packet.who & HANGS_UP)
			shutdown(users[who], SHUT_WR);
	}
	close(ends[1]); /* which is the end of it, when all is read */
	holder_run(&h);
	must(h.count <= HOLDER_USERS && h.servers->count <= NAME_SERVERS && strlen(h.facts) < sizeof(h.facts));
	for (size_t i = 0; i < USERS; i++) {
		check_words(users[i]);
		close(users[i]);
	}
	close(h.listener);
	close_holder(&h);
}

/* ---- a launcher ---- */

static void leave(const uint8_t *data, size_t size)
{
	struct tunnel tunnel = { .gifts = { -1, -1, -1 } };
	struct packet packet;
	struct diags d;
	int ends[2];

	diags_init(&d, arena_new());
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	tunnel.socket = ends[0];
	while (next_packet(&data, &size, &packet))
		put(ends[1], &packet);
	if (size)
		fd_closep(&ends[1]);
	tunnel_leave(&tunnel, &d);
	must(tunnel.socket == 0);
	for (size_t i = 0; i < d.list.count; i++)
		for (const char *at = d.list.items[i].message; *at; at++)
			must((unsigned char)*at >= ' ' && *at != 0x7f);
	fd_closep(&ends[1]);
	arena_free(d.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	void (*const readers[])(const uint8_t *, size_t) = { read_pushed, hold, leave };
	readers[data[0] % ARRAY_SIZE(readers)](data + 1, size - 1);
	return 0;
}
