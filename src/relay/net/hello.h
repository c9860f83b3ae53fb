/* relay/net/hello.h - which host a client says that it wants: in the first bytes of TLS (RFC 8446, 6066)
 * or of HTTP/1 (RFC 9112).  Must not: allocate, guess. */
#ifndef CUDDY_RELAY_NET_HELLO_H
#define CUDDY_RELAY_NET_HELLO_H

#include <stddef.h>
#include <stdint.h>

enum { HELLO_SIZE = 16384, HELLO_NAME_SIZE = 256 };

enum hello {
	HELLO_MORE,  /* cannot be told yet */
	HELLO_NAME,  /* `name` is what it wants: small letters, no final dot */
	HELLO_OTHER, /* neither TLS nor HTTP */
	HELLO_BAD,   /* one of them, without a name, with two, or longer than HELLO_SIZE */
};
enum hello hello_read(const uint8_t *bytes, size_t length, char name[HELLO_NAME_SIZE]);

#endif
