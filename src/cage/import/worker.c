/* cage/import/worker.c - children that read archives: all that libarchive runs in.
 *
 * A child has the file to read and the directory to fill, which is its root; no network, no
 * terminal, no capability but those over files, a bound on memory.  It answers in shared memory.
 * The parent waits, draws the progress and passes on what the child reports.
 * Must not: give the child any other descriptor. */
#include "cage/import/worker.h"

#include "base/fd.h"
#include "base/limits.h"
#include "cage/import/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_IMAGE = 1, EXIT_REPORTED = 2, EXIT_UNPREPARED = 3 };

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes all but the standard streams and these. */
static bool keep_only(int *fds, size_t count)
{
	unsigned from = 3;

	qsort(fds, count, sizeof(*fds), compare);
	for (size_t i = 0; i < count; i++) {
		if (fds[i] < (int)from)
			continue;
		if (fds[i] > (int)from && syscall(SYS_close_range, from, fds[i] - 1, 0) < 0)
			return false;
		from = (unsigned)fds[i] + 1;
	}
	return syscall(SYS_close_range, from, ~0U, 0) == 0;
}

/* Keeps what is needed to make, own and date any file of the tree. */
static bool drop_capabilities(void)
{
	const unsigned keep = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER | 1U << CAP_FSETID;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	data[0].permitted &= keep;
	data[0].effective = data[0].permitted;
	data[0].inheritable = data[1].permitted = data[1].effective = data[1].inheritable = 0;
	return syscall(SYS_capset, &header, data) == 0;
}

static bool close_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2;
}

static bool limit(int what, uint64_t most)
{
	const struct rlimit bound = { most, most };

	return setrlimit(what, &bound) == 0;
}

/* Without a user namespace there is no right to change the root; the descriptors are the bound. */
static bool confine(struct arena *arena, const struct worker *w, enum subids kind)
{
	size_t count = 0, room = 4 + (w->source ? w->source->count : 0);
	int *fds = arena_new_array(arena, int, room);

	fds[count++] = w->jail;
	fds[count++] = w->top;
	fds[count++] = w->parts;
	fds[count++] = w->archive;
	for (size_t i = 0; w->source && i < w->source->count; i++)
		fds[count++] = w->source->layers[i].fd;
	umask(0);
	if (!close_streams() || !keep_only(fds, count) || !limit(RLIMIT_CORE, 0))
		return false;
#if !defined(__SANITIZE_ADDRESS__)
	if (!limit(RLIMIT_DATA, LIMIT_IMAGE_MEMORY))
		return false;
#endif
	if (kind != SUBIDS_NONE &&
	    (unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0 || fchdir(w->jail) < 0 || chroot(".") < 0))
		return false;
	return drop_capabilities() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* Layers cover one another: first goes what a layer hides of those below, then comes its own. */
static int apply_layers(const struct image_source *source, struct image_tree *t)
{
	char got[SHA256_TEXT];
	int r = 0;

	t->layer = true;
	for (size_t i = 0; i < source->count && r == 0; i++) {
		const struct image_layer *layer = &source->layers[i];

		if (layer->inner) {
			r = image_archive_inner_digest(layer->fd, t, got);
			if (r == 0 && strcmp(got, layer->digest) != 0)
				r = image_fail(t->report, -EINVAL, "C577", "layer 'sha256:%s' has the digest sha256:%s",
					       layer->digest, got);
		}
		if (r == 0 && i > 0)
			r = image_archive_whiteouts(layer->fd, t);
		if (r == 0)
			r = image_archive_unpack(layer->fd, t, layer->inner ? NULL : layer->digest);
	}
	return r;
}

static int work(struct arena *arena, const struct worker *w, enum subids kind)
{
	struct image_tree *t = arena_new_object(arena, struct image_tree);
	int r = 0, is_image = 0;

	image_tree_init(t, w->top, w->report);
	t->most_size = w->most_size;
	t->own = kind == SUBIDS_SINGLE || kind == SUBIDS_NONE;
	t->open_modes = kind == SUBIDS_NONE;
	if (w->source) {
		r = apply_layers(w->source, t);
	} else {
		r = is_image = image_archive_is_image(w->archive, t);
		if (is_image > 0) {
			t->top = w->parts;
			t->own = t->open_modes = true; /* the caller reads them */
		}
		w->report->read = 0;
		if (r >= 0)
			r = image_archive_unpack(w->archive, t, NULL);
	}
	image_tree_finish(t);
	return r < 0 ? EXIT_REPORTED : is_image ? EXIT_IMAGE : EXIT_DONE;
}

enum { BAR = 30 };

static void draw(const struct worker *w)
{
	uint64_t read = MIN(w->report->read, w->total);
	unsigned full = (unsigned)(read * BAR / w->total);
	char line[128];
	int length;

	length = snprintf(line, sizeof(line), "\r[%.*s%*s] %3u %% of %llu MiB", (int)full,
			  "##############################", (int)(BAR - full), "", (unsigned)(read * 100 / w->total),
			  (unsigned long long)(w->total >> 20));
	(void)fd_write_all(STDERR_FILENO, line, (size_t)length);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Waits for the end; a signal of ours ends the child first.  The child's status. */
static int wait_for(const struct worker *w, pid_t pid, int *ret_signal)
{
	AUTO_FD int child = (int)syscall(SYS_pidfd_open, pid, 0);
	AUTO_FD int signals = open_signals();
	struct pollfd fds[] = { { .fd = child, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	struct signalfd_siginfo info;
	int status = 0;

	must(child >= 0 && signals >= 0);
	while (!fds[0].revents) {
		if (w->total)
			draw(w);
		(void)poll(fds, ARRAY_SIZE(fds), w->total ? 200 : -1);
		if (fds[1].revents && read(signals, &info, sizeof(info)) == sizeof(info)) {
			*ret_signal = (int)info.ssi_signo;
			(void)kill(pid, SIGKILL);
		}
	}
	if (w->total)
		(void)fd_write_all(STDERR_FILENO, "\r\033[K", 4);
	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR);
	return status;
}

/* What to do about it; the diagnostics' own text (explain-code) says more. */
static const struct { const char *code, *help; } helps[] = {
	{ "C573", "nothing was imported; the archive is broken or means harm" },
	{ "C574", "'--max-size' sets another bound for the size" },
	{ "C575", "nothing was imported; look at the free space and your rights" },
};

static int pass_on(const struct worker *w, struct diags *d)
{
	char code[sizeof(w->report->code)], message[sizeof(w->report->message)];

	/* The child may be in bad hands: its texts have an end because we give them one. */
	memcpy(code, w->report->code, sizeof(code));
	memcpy(message, w->report->message, sizeof(message));
	code[sizeof(code) - 1] = message[sizeof(message) - 1] = '\0';
	diag_error(d, diag_code_find(code) ? code : "C572", NULL, "%s", str_quote(d->arena, message));
	for (size_t i = 0; i < ARRAY_SIZE(helps); i++)
		if (strcmp(helps[i].code, code) == 0)
			diag_help(d, "%s", helps[i].help);
	return -EINVAL;
}

int worker_run(struct arena *arena, struct worker *w, struct diags *d, int *ret_signal)
{
	enum subids kind;
	pid_t pid;
	int status;

	w->report->read = 0;
	pid = subids_fork(arena, &kind);
	if (pid == 0)
		_exit(confine(arena, w, kind) ? work(arena, w, kind) : EXIT_UNPREPARED);
	if (pid < 0)
		return diag_error(d, "C572", NULL, "no process can be started: %s", strerror(-pid));
	w->ids = kind;
	status = wait_for(w, pid, ret_signal);
	if (*ret_signal)
		return -EINTR;
	if (WIFSIGNALED(status))
		return diag_error(d, "C572", NULL, "reading the archive was ended by signal %d", WTERMSIG(status));
	switch (WEXITSTATUS(status)) {
	case EXIT_IMAGE:
		w->is_image = true;
		return 0;
	case EXIT_DONE:
		return 0;
	case EXIT_REPORTED:
		return pass_on(w, d);
	}
	return diag_error(d, "C572", NULL, "the process that reads the archive could not be confined");
}
