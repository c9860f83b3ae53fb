/* fuzz_hello.c - any first bytes: a name is printable, and what was told once stays when more comes. */
#include "relay/net/hello.h"

#include "base/macros.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[HELLO_NAME_SIZE] = "", before[HELLO_NAME_SIZE] = "";
	enum hello half = hello_read(data, size / 2, before), whole = hello_read(data, size, name);

	must(strlen(name) < HELLO_NAME_SIZE);
	if (half == HELLO_NAME && whole == HELLO_NAME)
		must(strcmp(before, name) == 0);
	if (half == HELLO_OTHER)
		must(whole == HELLO_OTHER);
	return 0;
}
