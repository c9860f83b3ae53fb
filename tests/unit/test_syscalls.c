/* tests/unit/test_syscalls.c - the tables of system calls, their classes and capabilities. */
#include "policy/capabilities.h"
#include "policy/syscalls.h"
#include "tap.h"

#include <errno.h>

static void test_tables(void)
{
	bool sorted = true, unique = true, found = true, classes = true;
	enum call call;
	unsigned class;

	for (unsigned i = 0; i < CALL_COUNT; i++) {
		sorted = sorted && (!i || strcmp(syscalls[i - 1].name, syscalls[i].name) < 0);
		found = found && syscall_find(syscalls[i].name, strlen(syscalls[i].name)) == (int)i;
		for (unsigned j = 0; j < i; j++)
			for (int abi = 0; abi < ABI_COUNT; abi++)
				unique = unique && (syscalls[i].number[abi] < 0 ||
					syscalls[i].number[abi] != syscalls[j].number[abi]);
	}
	for (size_t i = 0; i < syscall_class_count; i++) {
		const struct syscall_class *row = &syscall_classes[i];
		const struct syscall_class *before = i ? row - 1 : row;

		classes = classes && row->class < CLASS_COUNT && (row->call > before->call ||
			(row->call == before->call && row->class >= before->class));
	}
	ok(sorted && found, "calls are sorted and found by name");
	ok(unique, "no number is used twice");
	ok(classes, "classes are sorted");
	ok(!syscall_parse("socket(unix)", &call, &class) && call == CALL_socket && class == 0 &&
	      !syscall_parse("socket", &call, &class) && class == 0 &&
	      !syscall_parse("clone(namespaces)", &call, &class) && class == 2 &&
	      !strcmp(syscall_class_name(CALL_clone, 2), "namespaces") &&
	      !syscall_class_name(CALL_socket, 0), "patterns parse");
	ok(syscall_parse("", &call, &class) == -ENOENT &&
	      syscall_parse("(unix)", &call, &class) == -ENOENT &&
	      syscall_parse("socke", &call, &class) == -ENOENT &&
	      syscall_parse("sockets", &call, &class) == -ENOENT &&
	      syscall_parse("socket(", &call, &class) == -EINVAL &&
	      syscall_parse("socket()", &call, &class) == -EINVAL &&
	      syscall_parse("socket(unix", &call, &class) == -EINVAL &&
	      syscall_parse("socket(ine)", &call, &class) == -EINVAL &&
	      syscall_parse("read(inet)", &call, &class) == -EINVAL, "bad patterns are refused");
}

static void test_capabilities(void)
{
	bool good = true;

	for (unsigned i = 0; i < CAPABILITY_COUNT; i++)
		good = good && capability_find(capability_name(i)) == (int)i;
	ok(good && !capability_name(CAPABILITY_COUNT) && capability_find("CAP_SYS_ADMIN") == 21 &&
	      capability_find("net-admin") == 12 && capability_find("Checkpoint_Restore") == 40 &&
	      capability_find("cap_") == -ENOENT && capability_find("chow") == -ENOENT &&
	      capability_find("chowns") == -ENOENT, "capabilities are found in every spelling");
}

int main(void)
{
	test_tables();
	test_capabilities();
	return done();
}
