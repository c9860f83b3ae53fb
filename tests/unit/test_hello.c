/* test_hello - the names in first bytes of TLS and HTTP, whole and in pieces; what cannot be told is bad. */
#include "relay/net/hello.h"
#include "base/macros.h"
#include "tap.h"

#include <stdlib.h>

static uint8_t *put(uint8_t *at, size_t value, unsigned count)
{
	while (count--)
		*at++ = (uint8_t)(value >> 8 * count);
	return at;
}

static uint8_t *put_name(uint8_t *at, const char *name)
{
	size_t length = strlen(name);

	at = put(put(put(put(put(at, 0, 2), length + 5, 2), length + 3, 2), 0, 1), length, 2);
	memcpy(at, name, length);
	return at + length;
}

/* A ClientHello with these names (NULL: none), in records of `cut` bytes. */
static size_t make_hello(uint8_t *out, const char *name, const char *second, size_t cut)
{
	uint8_t body[4096] = { 0 }, extensions[2048], message[4096], *at = extensions, *m;
	size_t length, used = 0;

	at = put(put(at, 0xfe0d, 2), 3, 2); /* an empty encrypted hello */
	at = put(at, 0x010203, 3);
	at = name ? put_name(at, name) : at;
	at = second ? put_name(at, second) : at;
	length = (size_t)(at - extensions);
	m = put(body, 0x0303, 2) + 32;
	m = put(put(put(put(m, 0, 1), 2, 2), 0x1301, 2), 1, 1);
	m = put(put(m, 0, 1), length, 2);
	memcpy(m, extensions, length);
	length += (size_t)(m - body);
	put(put(message, 1, 1), length, 3);
	memcpy(message + 4, body, length);
	length += 4;
	for (size_t done = 0, part; done < length; done += part) {
		part = MIN(cut, length - done);
		put(put(put(out + used, 22, 1), 0x0301, 2), part, 2);
		memcpy(out + used + 5, message + done, part);
		used += part + 5;
	}
	return used;
}

static bool is_pieces_fine(const uint8_t *bytes, size_t length, enum hello whole)
{
	char name[HELLO_NAME_SIZE];

	for (size_t i = 0; i < length; i++) {
		uint8_t *copy = malloc(i + 1); /* exactly as long, for the sanitizer */
		memcpy(copy, bytes, i);
		enum hello part = hello_read(copy, i, name);
		free(copy);
		if (part != HELLO_MORE && part != whole)
			return false;
	}
	return true;
}

static const struct { const char *text; enum hello result; const char *name; } requests[] = {
	{ "GET / HTTP/1.1\r\nHost: Example.ORG\r\n\r\n", HELLO_NAME, "example.org" },
	{ "GET / HTTP/1.1\r\nA: b\r\nhost:example.org:8080 \r\nC: d\r\n\r\n", HELLO_NAME, "example.org" },
	{ "OPTIONS * HTTP/1.1\r\nHost: example.org\r\n\r\n", HELLO_NAME, "example.org" },
	{ "POST / HTTP/1.1\r\nHost: a\r\n\r\nHost: b\r\n\r\n", HELLO_NAME, "a" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", HELLO_BAD, NULL },
	{ "GET / HTTP/1.1\r\nX: y\nHost: b\r\nHost: a\r\n\r\n", HELLO_BAD, NULL },
	{ "GET / HTTP/1.0\r\n\r\n", HELLO_BAD, NULL },
	{ "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", HELLO_BAD, NULL },
	{ "CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n", HELLO_BAD, NULL },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HELLO_BAD, NULL },
	{ "GET / HTTP/1.1\r\nHost: \r\n\r\n", HELLO_BAD, NULL },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", HELLO_BAD, NULL },
	{ "GET / HTTP/1.1\r\nHost: a\r\n", HELLO_MORE, NULL },
	{ "GE", HELLO_MORE, NULL },
	{ "EHLO me\r\n", HELLO_OTHER, NULL },
	{ "SSH-2.0-x\r\n", HELLO_OTHER, NULL },
};

int main(void)
{
	static uint8_t bytes[65536];
	char name[HELLO_NAME_SIZE], longest[HELLO_NAME_SIZE + 1];
	size_t length;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		enum hello r = hello_read((const uint8_t *)requests[i].text, strlen(requests[i].text), name);
		ok(r == requests[i].result && (r != HELLO_NAME || strcmp(name, requests[i].name) == 0),
		   "request %zu", i);
		ok(is_pieces_fine((const uint8_t *)requests[i].text, strlen(requests[i].text), r), "request %zu in pieces", i);
	}
	length = make_hello(bytes, "Example.org", NULL, 5000);
	ok(hello_read(bytes, length, name) == HELLO_NAME && strcmp(name, "example.org") == 0, "the name of TLS");
	ok(is_pieces_fine(bytes, length, HELLO_NAME), "it waits for all of it");
	bytes[length - 20] ^= 0x40;
	ok(hello_read(bytes, length, name) != HELLO_NAME || strcmp(name, "example.org") != 0, "a changed byte");
	length = make_hello(bytes, "example.org", NULL, 7);
	ok(hello_read(bytes, length, name) == HELLO_NAME && strcmp(name, "example.org") == 0, "cut into many records");
	length = make_hello(bytes, NULL, NULL, 5000);
	ok(hello_read(bytes, length, name) == HELLO_BAD, "no name");
	length = make_hello(bytes, "a", "b", 5000);
	ok(hello_read(bytes, length, name) == HELLO_BAD, "two names");
	length = make_hello(bytes, "a", NULL, 5000);
	bytes[length] = 22;
	bytes[5] = 2;
	ok(hello_read(bytes, length, name) == HELLO_BAD, "another message");
	memset(longest, 'a', HELLO_NAME_SIZE - 1);
	longest[HELLO_NAME_SIZE - 1] = 0;
	length = make_hello(bytes, longest, NULL, 5000);
	ok(hello_read(bytes, length, name) == HELLO_NAME, "a name of 255 letters");
	longest[HELLO_NAME_SIZE - 1] = 'a';
	longest[HELLO_NAME_SIZE] = 0;
	length = make_hello(bytes, longest, NULL, 5000);
	ok(hello_read(bytes, length, name) == HELLO_BAD, "one of 256");
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "GET /", 5);
	ok(hello_read(bytes, HELLO_SIZE - 1, name) == HELLO_MORE, "a request that may still end");
	ok(hello_read(bytes, HELLO_SIZE, name) == HELLO_BAD, "one that is too long");
	return done();
}
