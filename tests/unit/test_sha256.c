/* test_sha256.c - the vectors of FIPS 180-4, every length around a block, any cut. */
#include "base/sha256.h"
#include "tap.h"

static void digest(const char *text, size_t length, size_t cut, char ret[SHA256_TEXT])
{
	struct sha256 sha;

	sha256_init(&sha);
	for (size_t at = 0; at < length; at += cut)
		sha256_add(&sha, text + at, MIN(cut, length - at));
	sha256_finish(&sha, ret);
}

int main(void)
{
	static const struct { const char *text, *digest; } rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
		  "lmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};
	static char many[1000000];
	char got[SHA256_TEXT], again[SHA256_TEXT];
	bool same = true;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		digest(rows[i].text, strlen(rows[i].text), 1000, got);
		is(got, rows[i].digest, "vector %zu", i);
	}
	memset(many, 'a', sizeof(many));
	digest(many, sizeof(many), 4096, got);
	is(got, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "a million of a");
	for (size_t length = 0; length < 200; length++)
		for (size_t cut = 1; cut < 130; cut += 7) {
			digest(many, length, 1000, got);
			digest(many, length, cut, again);
			same = same && strcmp(got, again) == 0;
		}
	ok(same, "however it is cut");
	return done();
}
