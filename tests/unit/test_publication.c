/* test_publication - entries of `publish`, `lend` and `expose`. */
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

static const struct { const char *text; size_t path_length; unsigned outside, inside; } lent[] = {
	{ "5432", 0, 5432, 5432 }, { "1:65535", 0, 1, 65535 }, { "/run/db.sock:5432", 12, 0, 5432 },
	{ "~/a b:c/s:1", 9, 0, 1 }, { "$XDG_RUNTIME_DIR/x:80", 18, 0, 80 }, { "/s:65535", 2, 0, 65535 },
};

static const char *const unlent[] = {
	"", ":", "0", "65536", "5432:", ":5432", "5432:0", "5432/tcp", "5432:80:80", "127.0.0.1:80", "/run/db.sock",
	"/run/db.sock:", "/run/db.sock:0", "/run/db.sock:65536", "/run/db.sock:08", "/run/db.sock:80/udp", "/:80",
	"/run/:80", "run/db.sock:80", "./db.sock:80", "a/b:80", "/run/\n:80", "/run/a\tb:80", "db.sock:80",
};

/* As long as it may be, and one more. */
static void test_length(void)
{
	char text[LENDING_PATH + 8];
	struct lending l;

	for (size_t length = LENDING_PATH; length <= LENDING_PATH + 1; length++) {
		memset(text, 'a', length);
		text[0] = '/';
		strcpy(text + length, ":80");
		ok(lending_parse(text, true, &l) == (length == LENDING_PATH), "a path of %zu bytes", length);
	}
}

static void test_lending(void)
{
	struct lending l;

	for (size_t i = 0; i < sizeof(lent) / sizeof(*lent); i++) {
		ok(lending_parse(lent[i].text, false, &l) && l.path_length == lent[i].path_length &&
		   l.outside == lent[i].outside && l.inside == lent[i].inside, "'%s' is lent", lent[i].text);
		ok(lending_parse(lent[i].text, true, &l) == (lent[i].path_length > 0), "'%s' is %sto be exposed",
		   lent[i].text, lent[i].path_length ? "" : "not ");
	}
	for (size_t i = 0; i < sizeof(unlent) / sizeof(*unlent); i++)
		ok(!lending_parse(unlent[i], false, &l), "'%s' cannot be lent", unlent[i]);
}

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
	test_lending();
	test_length();
	return done();
}
