/* network/servers.c - one writer, any number of readers, no lock: who reads while it is written reads again.
 * Must not: wait for the writer, who may be gone. */
#include "network/servers.h"
#include "base/fd.h"
#include "base/macros.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* linux/fcntl.h, which does not bear fcntl.h */
#endif

enum { TRIES = 1000 };

struct name_servers *name_servers_new(int *ret_fd)
{
	struct name_servers *page = MAP_FAILED;
	AUTO_FD int fd = memfd_create("name-servers", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, sizeof(*page)) == 0)
		page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
		return NULL; /* the caller ends */
	*ret_fd = TAKE_FD(fd);
	return page;
}

const struct name_servers *name_servers_map(int fd)
{
	const struct name_servers *page = mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, fd, 0);

	return page == MAP_FAILED ? NULL : page;
}

void name_servers_write(struct name_servers *page, const struct name_server *items, size_t count)
{
	uint32_t version = page->version;

	__atomic_store_n(&page->version, version + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	page->count = (uint32_t)MIN(count, (size_t)NAME_SERVERS);
	memcpy(page->items, items, page->count * sizeof(*items));
	__atomic_store_n(&page->version, version + 2, __ATOMIC_RELEASE);
}

size_t name_servers_read(const struct name_servers *page, struct name_server ret[NAME_SERVERS])
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t version = __atomic_load_n(&page->version, __ATOMIC_ACQUIRE);
		size_t count = MIN(__atomic_load_n(&page->count, __ATOMIC_RELAXED), (uint32_t)NAME_SERVERS);

		memcpy(ret, page->items, count * sizeof(*ret));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (version % 2 == 0 && version == __atomic_load_n(&page->version, __ATOMIC_RELAXED))
			return count;
	}
	return 0;
}
