/* relay/net/stub.c - a small DNS client: UDP from a new port with a random number for each question, TCP
 * for answers that are too long.  Must not: ask anybody but the given servers, cache. */
#include "relay/net/stub.h"
#include "relay/net/dns_reply.h"
#include "relay/net/relay.h"
#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 53, TRIES = 2, WAIT_SECONDS = 3, REPLY_MOST = 65535 };

struct question { uint8_t bytes[DNS_ANSWER_SIZE]; size_t length; };

/* Connected, so that the kernel drops what others send; no call on it takes longer than WAIT_SECONDS. */
static int connect_to(const struct name_server *server, int type)
{
	static const struct timeval patience = { .tv_sec = WAIT_SECONDS };
	socklen_t size;
	struct sockaddr_storage to = address_of(server->address, PORT, &size);
	AUTO_FD int fd = socket(to.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, size) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static bool receive(int fd, uint8_t *bytes, size_t length)
{
	return recv(fd, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

static int ask_by_tcp(const struct name_server *server, const struct question *q, uint8_t (*addresses)[16],
		      unsigned room)
{
	static uint8_t reply[REPLY_MOST];
	AUTO_FD int fd = connect_to(server, SOCK_STREAM);
	uint8_t framed[2 + DNS_ANSWER_SIZE] = { (uint8_t)(q->length >> 8), (uint8_t)q->length };

	memcpy(framed + 2, q->bytes, q->length);
	if (fd < 0 || send(fd, framed, q->length + 2, MSG_NOSIGNAL) != (ssize_t)q->length + 2 ||
	    !receive(fd, reply, 2))
		return -EAGAIN;
	size_t length = (size_t)reply[0] << 8 | reply[1];
	if (!receive(fd, reply, length))
		return -EAGAIN;
	return dns_read_reply(reply, length, q->bytes, q->length, addresses, room);
}

static int ask_by_udp(const struct name_server *server, const struct question *q, uint8_t (*addresses)[16],
		      unsigned room)
{
	uint8_t reply[DNS_QUERY_SIZE];
	AUTO_FD int fd = connect_to(server, SOCK_DGRAM);
	time_t end = time(NULL) + WAIT_SECONDS;

	if (fd < 0 || send(fd, q->bytes, q->length, MSG_NOSIGNAL) < 0)
		return -EAGAIN;
	do { /* what is not the answer is passed over: it may be from somebody who guesses */
		ssize_t length = recv(fd, reply, sizeof(reply), 0);
		if (length < 0)
			return -EAGAIN;
		int r = dns_read_reply(reply, (size_t)length, q->bytes, q->length, addresses, room);
		if (r != -EBADMSG)
			return r;
	} while (time(NULL) < end);
	return -EAGAIN;
}

/* The number of addresses of one type. */
static unsigned ask(const struct name_server *servers, size_t count, const char *name, uint16_t type,
		    uint8_t (*addresses)[16], unsigned room)
{
	struct question q;
	uint16_t id;

	for (size_t i = 0; room && i < count * TRIES; i++) {
		must(getrandom(&id, sizeof(id), 0) == sizeof(id));
		q.length = dns_ask(q.bytes, id, name, type);
		if (!q.length)
			return 0;
		int r = ask_by_udp(&servers[i % count], &q, addresses, room);
		if (r == -EMSGSIZE)
			r = ask_by_tcp(&servers[i % count], &q, addresses, room);
		if (r >= 0)
			return (unsigned)r;
	}
	return 0;
}

void stub_resolve(const struct name_server *servers, size_t count, const char *name,
		  struct resolver_answer *ret)
{
	ret->count = ask(servers, count, name, DNS_A, ret->addresses, RESOLVER_ADDRESSES / 2);
	ret->count += ask(servers, count, name, DNS_AAAA, ret->addresses + ret->count,
			  RESOLVER_ADDRESSES - ret->count);
}
