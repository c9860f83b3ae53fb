/* relay/net/icmp.c - ping: echo requests and their answers (RFC 792, 4443).
 *
 * The kernel's rules drop the cage's requests and send a copy by nfnetlink_log; it becomes a pair of addresses
 * as in udp.c, with the identifier as the port.  Outside it has a ping socket (icmp(7)), which the kernel lets
 * users open whose group net.ipv4.ping_group_range names.  Must not: pass on anything but echoes. */
#include "relay/net/relay.h"

#include <string.h>

enum { ECHO_HEADER = 8, IP6_HEADER = 40, ECHO4 = 8, ECHO4_ANSWER = 0, ECHO6 = 128, ECHO6_ANSWER = 129,
       UNREACHABLE4 = 3, PROHIBITED4 = 13, UNREACHABLE6 = 1, PROHIBITED6 = 1 };

bool icmp_read(const uint8_t *ip, size_t size, struct echo *ret)
{
	bool v6 = size >= IP6_HEADER && ip[0] >> 4 == 6;
	size_t header = v6 ? IP6_HEADER : size ? (ip[0] & 15) * 4u : 0;

	if (size < header + ECHO_HEADER || (!v6 && (ip[0] >> 4 != 4 || header < 20)))
		return false;
	size_t whole = v6 ? IP6_HEADER + (size_t)(ip[4] << 8 | ip[5]) : (size_t)(ip[2] << 8 | ip[3]);
	const uint8_t *message = ip + header;
	if (ip[v6 ? 6 : 9] != (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) || message[0] != (v6 ? ECHO6 : ECHO4) || message[1] ||
	    whole > size || whole < header + ECHO_HEADER || (!v6 && ip[6] & 0x3f) || (!v6 && ip[7]))
		return false; /* something else, or not all of it */
	*ret = (struct echo){ .from = { [10] = 0xff, [11] = 0xff }, .to = { [10] = 0xff, [11] = 0xff },
			      .id = (uint16_t)(message[4] << 8 | message[5]), .ip = ip, .message = message, .size = whole - header };
	memcpy(v6 ? ret->from : ret->from + 12, ip + (v6 ? 8 : 12), v6 ? 16 : 4);
	memcpy(v6 ? ret->to : ret->to + 12, ip + (v6 ? 24 : 16), v6 ? 16 : 4);
	return true;
}

size_t icmp_refuse(const struct echo *echo, uint8_t out[ICMP_REFUSAL])
{
	bool v6 = echo->ip[0] >> 4 == 6;
	size_t size = MIN((size_t)(echo->message - echo->ip) + ECHO_HEADER, (size_t)ICMP_REFUSAL - ECHO_HEADER);

	memset(out, 0, ECHO_HEADER);
	out[0] = v6 ? UNREACHABLE6 : UNREACHABLE4;
	out[1] = v6 ? PROHIBITED6 : PROHIBITED4;
	memcpy(out + ECHO_HEADER, echo->ip, size);
	return ECHO_HEADER + size;
}

void icmp_translate(uint8_t *request, bool v6)
{
	request[0] = v6 ? ECHO6 : ECHO4; /* the checksum is the kernel's */
}

bool icmp_readdress(uint8_t *message, size_t size, bool from_v6, bool to_v6, uint16_t id)
{
	if (size < ECHO_HEADER || message[0] != (from_v6 ? ECHO6_ANSWER : ECHO4_ANSWER))
		return false;
	message[0] = to_v6 ? ECHO6_ANSWER : ECHO4_ANSWER;
	message[2] = message[3] = 0; /* the checksum, which the caller writes */
	message[4] = (uint8_t)(id >> 8);
	message[5] = (uint8_t)id;
	return true;
}
