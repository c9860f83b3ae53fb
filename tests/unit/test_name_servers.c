/* test_name_servers - what one process writes others read, whole or not at all, and cannot change. */
#include "network/servers.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 200000 };

static void fill(struct name_server items[NAME_SERVERS + 4], unsigned byte)
{
	memset(items, (int)byte, (NAME_SERVERS + 4) * sizeof(*items));
}

/* Lists of 1, 2, … equal bytes: the count tells the byte. */
_Noreturn static void write_all(struct name_servers *page)
{
	struct name_server items[NAME_SERVERS + 4];

	for (unsigned i = 0;; i++) {
		unsigned count = i % NAME_SERVERS + 1;
		fill(items, count);
		name_servers_write(page, items, count);
	}
}

/* True when none of what was read was half old, half new. */
static bool read_all(const struct name_servers *page)
{
	struct name_server items[NAME_SERVERS], wanted[NAME_SERVERS + 4];

	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t count = name_servers_read(page, items);
		fill(wanted, (unsigned)count);
		if (memcmp(items, wanted, count * sizeof(*items)) != 0)
			return false;
	}
	return true;
}

int main(void)
{
	struct name_server items[NAME_SERVERS + 4], read[NAME_SERVERS];
	int fd = -1;
	struct name_servers *page = name_servers_new(&fd);

	if (!ok(page && fd >= 0, "a page"))
		return done();
	const struct name_servers *shown = name_servers_map(fd);
	ok(shown && name_servers_read(shown, read) == 0, "it begins without servers");
	fill(items, 7);
	name_servers_write(page, items, 2);
	ok(name_servers_read(shown, read) == 2 && memcmp(read, items, 32) == 0, "what is written is read");
	name_servers_write(page, items, 0);
	ok(name_servers_read(shown, read) == 0, "none is none again");
	name_servers_write(page, items, NAME_SERVERS + 4);
	ok(name_servers_read(shown, read) == NAME_SERVERS, "too many are left out");

	ok(mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED, "readers cannot map it to write");
	ok(write(fd, "x", 1) < 0 && errno == EPERM, "nor write");
	ok(ftruncate(fd, 0) < 0, "nor make it short under others");
	ok(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0, "nor take the writer's right");

	fill(items, 3);
	name_servers_write(page, items, 3);
	page->version++;
	ok(name_servers_read(shown, read) == 0, "a writer that died in the middle left none");
	page->version++;
	pid_t pid = fork();
	if (pid == 0)
		write_all(page);
	ok(pid > 0 && read_all(shown), "none is read half");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return done();
}
