/* test_publication - entries of `publish`. */
#include "policy/publication.h"
#include "tap.h"

#include <arpa/inet.h>
#include <string.h>

static const struct { const char *text, *address; unsigned outside, inside; bool udp; } good[] = {
	{ "8080", "::ffff:127.0.0.1", 8080, 8080, false },
	{ "8080:80", "::ffff:127.0.0.1", 8080, 80, false },
	{ "8080/udp", "::ffff:127.0.0.1", 8080, 8080, true },
	{ "1:65535/tcp", "::ffff:127.0.0.1", 1, 65535, false },
	{ "0.0.0.0:53:5353/udp", "::ffff:0.0.0.0", 53, 5353, true },
	{ "192.0.2.1:80", "::ffff:192.0.2.1", 80, 80, false },
	{ "[::1]:8080", "::1", 8080, 8080, false },
	{ "[2001:db8::1]:8080:80/tcp", "2001:db8::1", 8080, 80, false },
};

static const char *const bad[] = {
	"", "0", "65536", "99999999999", "08", "-1", "+1", " 80", "80 ", "80:", ":80", "80:0", "80:65536", "80/", "80/sctp",
	"80/TCP", "80/tcp/udp", "80:80:80", "1.2.3:80", "1.2.3.4.5:80", "256.0.0.1:80", "127.0.0.1", "127.0.0.1:",
	"[::1]", "[::1]:", "[::1]80", "[]:80", "[127.0.0.1]:80", "[::1:80", "::1:80", "localhost:80", "[::g]:80", "80-90",
};

int main(void)
{
	struct publication p;
	uint8_t address[16];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(publication_parse(good[i].text, &p) && inet_pton(AF_INET6, good[i].address, address) == 1 &&
		   memcmp(p.address, address, 16) == 0 && p.outside == good[i].outside &&
		   p.inside == good[i].inside && p.udp == good[i].udp, "'%s' is read", good[i].text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!publication_parse(bad[i], &p), "'%s' is refused", bad[i]);
	return done();
}
