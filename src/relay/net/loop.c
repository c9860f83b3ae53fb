/* relay/net/loop.c - one epoll loop: waits, calls who waited, clears up. */
#include "relay/net/relay.h"
#include "base/process.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 64, TICK_MS = 1000 };

int relay_watch(struct relay *relay, struct handle *handle, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = handle };

	if (handle->events == events)
		return 0;
	handle->events = events;
	if (epoll_ctl(relay->epoll, EPOLL_CTL_MOD, handle->fd, &event) == 0)
		return 0;
	if (errno != ENOENT || epoll_ctl(relay->epoll, EPOLL_CTL_ADD, handle->fd, &event) < 0)
		return -errno;
	return 0;
}

void relay_forget(struct relay *relay, struct handle *handle)
{
	if (handle->fd < 0)
		return;
	epoll_ctl(relay->epoll, EPOLL_CTL_DEL, handle->fd, NULL);
	close(handle->fd);
	handle->fd = -1;
}

static void look_at_clock(struct relay *relay)
{
	relay->now = clock_ms();
}

void relay_run(struct relay *relay)
{
	struct epoll_event events[EVENTS];
	long long checked = 0;
	bool waits = false;

	while (!relay->over && !relay->broken) {
		int count = epoll_wait(relay->epoll, events, EVENTS, waits ? TICK_MS : -1);
		if (count < 0 && errno != EINTR)
			return;
		look_at_clock(relay);
		for (int i = 0; i < count && !relay->over; i++) {
			struct handle *handle = events[i].data.ptr;
			if (handle->fd >= 0)
				handle->ready(relay, handle, events[i].events);
		}
		if (!waits || relay->now - checked >= TICK_MS) {
			waits = flows_expire(relay);
			checked = relay->now;
		}
		flows_bury(relay);
	}
}
