/* bench/idelay.c - idelay PID INTERFACE PID INTERFACE MICROSECONDS: a link between two network namespaces, known by
 * a process in each, that takes that long in each direction.  A tap in each; frames, with their offload headers, wait
 * in a ring until they are due.  Ends when its parent does.  For benches only: needs root. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 4096, FRAME = 70000, BATCH = 64 };

struct frame { uint64_t due; ssize_t size; char *bytes; };
struct direction { int from, to; unsigned first, behind; struct frame frames[FRAMES]; };

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int open_tap(const char *pid, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	int space = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	int tap = space < 0 || setns(space, CLONE_NEWNET) < 0 ? -1 : open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0 ||
	    ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) {
		perror("idelay");
		exit(1);
	}
	close(space);
	return tap;
}

static void take(struct direction *d, uint64_t delay)
{
	for (unsigned i = 0; i < BATCH && d->behind - d->first < FRAMES; i++) {
		struct frame *frame = &d->frames[d->behind % FRAMES];
		if (!frame->bytes && !(frame->bytes = malloc(FRAME)))
			exit(1);
		frame->size = read(d->from, frame->bytes, FRAME);
		if (frame->size <= 0)
			return;
		frame->due = now_us() + delay;
		d->behind++;
	}
}

/* Microseconds until the next frame is due. */
static uint64_t deliver(struct direction *d)
{
	for (; d->first != d->behind; d->first++) {
		const struct frame *frame = &d->frames[d->first % FRAMES];
		uint64_t now = now_us();
		if (frame->due > now)
			return frame->due - now;
		if (write(d->to, frame->bytes, (size_t)frame->size) < 0)
			continue; /* a full queue loses it, as a wire does */
	}
	return 1000000;
}

int main(int count, char **words)
{
	static struct direction out, in;

	if (count != 6)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	uint64_t delay = strtoull(words[5], NULL, 10);
	out.from = in.to = open_tap(words[1], words[2]);
	out.to = in.from = open_tap(words[3], words[4]);
	puts("up");
	fflush(stdout);
	for (;;) {
		uint64_t next = deliver(&out), other = deliver(&in);
		struct pollfd polled[2] = {
			{ out.from, out.behind - out.first < FRAMES ? POLLIN : 0, 0 },
			{ in.from, in.behind - in.first < FRAMES ? POLLIN : 0, 0 },
		};
		next = next < other ? next : other;
		struct timespec wait = { (time_t)(next / 1000000), (long)(next % 1000000 * 1000) };
		ppoll(polled, 2, &wait, NULL);
		take(&out, delay);
		take(&in, delay);
	}
}
