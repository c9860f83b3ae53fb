/* base/sha256.h - SHA-256 (FIPS 180-4), for the digests of image parts. */
#ifndef CUDDY_BASE_SHA256_H
#define CUDDY_BASE_SHA256_H

#include "base/macros.h"

#define SHA256_TEXT 65 /* 64 hexadecimal digits and NUL */

struct sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes so far */
	unsigned char block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t count);
void sha256_finish(struct sha256 *sha, char ret_text[SHA256_TEXT]); /* small letters */

#endif
