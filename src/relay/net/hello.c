/* relay/net/hello.c - finds the server name of a ClientHello, the Host of a request.
 * Every byte comes from the caged program.  Encrypted client hellos are not refused: browsers send an
 * empty one always (D209); the outer name, which counts here, is all that anybody on the way can see. */
#include "relay/net/hello.h"
#include "base/macros.h"

#include <string.h>
#include <strings.h>

enum { RECORD_HANDSHAKE = 22, CLIENT_HELLO = 1, EXTENSION_NAME = 0, NAME_HOST = 0 };

/* What is left to read; any length that does not fit makes it bad. */
struct bytes { const uint8_t *at; size_t left; bool bad; };

static size_t take(struct bytes *b, unsigned count)
{
	size_t value = 0;

	if (b->left < count) {
		b->bad = true;
		b->left = 0;
		return 0;
	}
	for (unsigned i = 0; i < count; i++)
		value = value << 8 | b->at[i];
	b->at += count;
	b->left -= count;
	return value;
}

/* A vector whose length stands before it in `count` bytes. */
static struct bytes take_vector(struct bytes *b, unsigned count)
{
	struct bytes part = { .left = take(b, count) };

	part.bad = b->bad || part.left > b->left;
	if (part.bad) {
		b->bad = true;
		b->left = part.left = 0;
	}
	part.at = b->at;
	b->at += part.left;
	b->left -= part.left;
	return part;
}

static enum hello keep_name(const uint8_t *from, size_t length, char name[HELLO_NAME_SIZE])
{
	if (length && from[length - 1] == '.')
		length--;
	if (!length || length >= HELLO_NAME_SIZE)
		return HELLO_BAD;
	for (size_t i = 0; i < length; i++) {
		if (from[i] <= ' ' || from[i] >= 0x7f)
			return HELLO_BAD;
		name[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] - 'A' + 'a' : from[i]);
	}
	name[length] = 0;
	return HELLO_NAME;
}

static enum hello read_extensions(struct bytes list, char name[HELLO_NAME_SIZE])
{
	enum hello found = HELLO_BAD;

	while (list.left && !list.bad) {
		size_t type = take(&list, 2);
		struct bytes extension = take_vector(&list, 2);
		if (type != EXTENSION_NAME)
			continue;
		struct bytes names = take_vector(&extension, 2);
		bool is_host = take(&names, 1) == NAME_HOST;
		struct bytes host = take_vector(&names, 2);
		if (found == HELLO_NAME || !is_host || names.bad || extension.bad || names.left || extension.left)
			return HELLO_BAD;
		found = keep_name(host.at, host.left, name);
	}
	return list.bad ? HELLO_BAD : found;
}

static enum hello read_client_hello(struct bytes b, char name[HELLO_NAME_SIZE])
{
	take(&b, 2); /* version */
	if (b.left < 32)
		return HELLO_BAD;
	b.at += 32; /* random */
	b.left -= 32;
	take_vector(&b, 1); /* session */
	take_vector(&b, 2); /* ciphers */
	take_vector(&b, 1); /* compression */
	struct bytes extensions = take_vector(&b, 2);
	return b.bad || b.left ? HELLO_BAD : read_extensions(extensions, name);
}

/* Joins the handshake message, which may be cut into several records. */
static enum hello read_tls(const uint8_t *bytes, size_t length, char name[HELLO_NAME_SIZE])
{
	uint8_t joined[HELLO_SIZE];
	size_t used = 0;

	for (size_t at = 0; at + 5 <= length;) {
		size_t size = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
		if (bytes[at] != RECORD_HANDSHAKE || bytes[at + 1] != 3 || !size)
			return HELLO_BAD;
		size_t here = MIN(size, length - at - 5);
		if (used + here > sizeof(joined))
			return HELLO_BAD;
		memcpy(joined + used, bytes + at + 5, here);
		used += here;
		at += 5 + size;
		struct bytes message = { joined, used, false };
		if (used && take(&message, 1) != CLIENT_HELLO)
			return HELLO_BAD;
		if (used < 4)
			continue;
		size_t whole = take(&message, 3);
		if (message.left >= whole)
			return message.left > whole ? HELLO_BAD : read_client_hello(message, name);
	}
	return length >= HELLO_SIZE ? HELLO_BAD : HELLO_MORE;
}

/* ---- HTTP ---- */

static const char *const methods[] = { "CONNECT ", "DELETE ", "GET ", "HEAD ", "OPTIONS ", "PATCH ", "POST ",
				       "PRI ", "PUT ", "TRACE " };

/* Whether a request begins there: HELLO_NAME yes, HELLO_OTHER no. */
static enum hello find_method(const uint8_t *bytes, size_t length)
{
	enum hello result = HELLO_OTHER;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		size_t size = strlen(methods[i]);
		if (memcmp(bytes, methods[i], MIN(size, length)) == 0)
			result = length >= size ? HELLO_NAME : HELLO_MORE;
		if (result == HELLO_NAME)
			return result;
	}
	return result;
}

/* "example.org:443" without its port. */
static enum hello read_host(const uint8_t *value, size_t length, char name[HELLO_NAME_SIZE])
{
	const uint8_t *colon;

	for (; length && (*value == ' ' || *value == '\t'); length--)
		value++;
	while (length && (value[length - 1] == ' ' || value[length - 1] == '\t'))
		length--;
	colon = memchr(value, ':', length);
	return keep_name(value, colon ? (size_t)(colon - value) : length, name);
}

static enum hello read_http(const uint8_t *bytes, size_t length, char name[HELLO_NAME_SIZE])
{
	const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4), *line, *next;
	const uint8_t *target = (const uint8_t *)memchr(bytes, ' ', length) + 1;
	size_t left = (size_t)(bytes + length - target);
	enum hello found = HELLO_BAD;

	/* A whole URI as target would count for more than Host. */
	if (left && *target != '/' && memcmp(target, "* ", MIN(left, (size_t)2)) != 0)
		return HELLO_BAD;
	if (!end)
		return length >= HELLO_SIZE ? HELLO_BAD : HELLO_MORE;
	for (line = memmem(bytes, length, "\r\n", 2); line < end; line = next) {
		line += 2;
		next = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		if (memchr(line, '\n', (size_t)(next - line)) || memchr(line, '\r', (size_t)(next - line)))
			return HELLO_BAD; /* some take it for the end of a line */
		if (next - line < 5 || strncasecmp((const char *)line, "host:", 5) != 0)
			continue;
		if (found == HELLO_NAME)
			return HELLO_BAD;
		found = read_host(line + 5, (size_t)(next - line) - 5, name);
	}
	return found;
}

enum hello hello_read(const uint8_t *bytes, size_t length, char name[HELLO_NAME_SIZE])
{
	enum hello method;

	if (!length)
		return HELLO_MORE;
	if (bytes[0] == RECORD_HANDSHAKE)
		return read_tls(bytes, MIN(length, (size_t)HELLO_SIZE), name);
	method = find_method(bytes, length);
	return method == HELLO_NAME ? read_http(bytes, MIN(length, (size_t)HELLO_SIZE), name) : method;
}
