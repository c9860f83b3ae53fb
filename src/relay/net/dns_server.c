/* relay/net/dns_server.c - answers the cage's DNS queries, by UDP and TCP.
 * A name that may be resolved gets a synthetic address; nothing is asked outside for it, so a look-up
 * carries nothing out of the cage.  All other names do not exist. */
#include "relay/net/relay.h"
#include "relay/net/dns.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { ANSWER_SECONDS = 60, QUERIES = 32 };

/* The index that stands for an allowed name; 0: it is a cage that there is not. */
static uint32_t find_index(struct relay *relay, const char *name)
{
	const struct rules *rules = &relay->rules;
	size_t length = rules_cage_length(rules, name);

	if (length && length == strlen(rules->cage) && memcmp(name, rules->cage, length) == 0)
		return SYNTHETIC_OWN;
	return !length || keeper_has(relay, name) ? names_index(relay->names, name) : 0;
}

/* The answer's length; 0: none is due. */
static size_t serve(struct relay *relay, const uint8_t *packet, size_t length, uint8_t out[DNS_ANSWER_SIZE])
{
	struct dns_query query;
	uint8_t address[16];
	int code = dns_parse(packet, length, &query);

	if (code < 0)
		return 0;
	/* "localhost." and what ends in it: the cage's own, as RFC 6761 has it, and no word of the policy's. */
	if (code == DNS_OK && endpoint_name_class(query.name) == HOST_LOOPBACK)
		return dns_answer(out, packet, &query, DNS_OK, flow_loopback[query.type == DNS_AAAA] + (query.type == DNS_A ? 12 : 0),
				  ANSWER_SECONDS);
	if (code == DNS_OK && !rules_may_resolve(&relay->rules, query.name)) {
		code = DNS_NO_NAME;
		journal_refused(&relay->journal, "resolver", "dns", query.name, 0);
	}
	uint32_t index = code == DNS_OK ? find_index(relay, query.name) : 0;
	if (code == DNS_OK && !index)
		code = DNS_NO_NAME;
	if (code != DNS_OK || (query.type != DNS_A && query.type != DNS_AAAA))
		return dns_answer(out, packet, &query, (enum dns_code)code, NULL, 0);
	if (query.type == DNS_A)
		names_address4(index, address);
	else
		names_address6(index, address);
	return dns_answer(out, packet, &query, DNS_OK, address + (query.type == DNS_A ? 12 : 0), ANSWER_SECONDS);
}

void dns_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	uint8_t packet[DNS_QUERY_SIZE + 1], out[DNS_ANSWER_SIZE];

	for (unsigned i = 0; i < QUERIES; i++) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		ssize_t length = recvfrom(handle->fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (length < 0)
			return;
		size_t answer = serve(relay, packet, (size_t)length, out);
		if (answer)
			sendto(handle->fd, out, answer, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&from, size);
	}
}

/* ---- by TCP: two bytes of length before each message ---- */

struct stream {
	struct handle handle; /* first */
	size_t used;
	uint8_t bytes[2 + DNS_QUERY_SIZE];
};

static void stream_end(struct relay *relay, struct stream *s)
{
	relay_forget(relay, &s->handle);
	relay->dns_streams--;
	free(s);
}

/* Answers the query at the front, if it is whole.  0: more is needed; 1: answered; -1: nonsense. */
static int stream_serve(struct relay *relay, struct stream *s)
{
	uint8_t out[2 + DNS_ANSWER_SIZE];
	size_t length = s->used < 2 ? 0 : (size_t)s->bytes[0] << 8 | s->bytes[1], answer;

	if (length > DNS_QUERY_SIZE)
		return -1;
	if (s->used < 2 || s->used < 2 + length)
		return 0;
	answer = serve(relay, s->bytes + 2, length, out + 2);
	out[0] = (uint8_t)(answer >> 8);
	out[1] = (uint8_t)answer;
	s->used -= 2 + length;
	memmove(s->bytes, s->bytes + 2 + length, s->used);
	if (!answer)
		return -1;
	ssize_t sent = send(s->handle.fd, out, 2 + answer, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent == (ssize_t)answer + 2 ? 1 : -1;
}

static void stream_read(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	struct stream *s = (struct stream *)handle;
	ssize_t length = recv(handle->fd, s->bytes + s->used, sizeof(s->bytes) - s->used, MSG_DONTWAIT);

	if (length > 0)
		s->used += (size_t)length;
	int r = length > 0 ? 1 : -1;
	while (r > 0)
		r = stream_serve(relay, s);
	if (r < 0)
		stream_end(relay, s);
}

void dns_stream_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	int fd = accept4(handle->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct stream *s;

	if (fd < 0)
		return;
	s = calloc(1, sizeof(*s));
	must(s);
	s->handle = (struct handle){ .fd = fd, .ready = stream_read };
	relay->dns_streams++;
	if (relay->dns_streams > LIMIT_DNS_STREAMS || relay_watch(relay, &s->handle, EPOLLIN) < 0)
		stream_end(relay, s);
}
