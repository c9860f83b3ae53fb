/* cage/look.c - asks a running cage, counts what is in its pid namespace, ends it.
 * Must not: signal a process by its number; a cage ends itself when its init is told to. */
#include "cage/look.h"
#include "base/fd.h"
#include "cage/root.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel's figure for one process, in bytes; 0 when we may not know. */
static uint64_t process_memory(struct arena *arena, const char *pid)
{
	char *text;
	const char *line;
	size_t length;

	if (fd_read_file(arena, AT_FDCWD, arena_printf(arena, "/proc/%s/smaps_rollup", pid), 64 * 1024, &text,
			 &length) < 0)
		return 0;
	line = strstr(text, "\nPss:");
	return line ? strtoull(line + 5, NULL, 10) * 1024 : 0;
}

static void measure_processes(struct arena *arena, int pid_namespace, struct cage_view *view)
{
	const struct dirent *entry;
	struct stat wanted, status;
	DIR *proc = opendir("/proc");

	if (!proc || fstat(pid_namespace, &wanted) < 0) {
		if (proc)
			closedir(proc);
		return;
	}
	while ((entry = readdir(proc))) {
		if (!isdigit((unsigned char)*entry->d_name) ||
		    stat(arena_printf(arena, "/proc/%s/ns/pid", entry->d_name), &status) < 0 ||
		    status.st_ino != wanted.st_ino || status.st_dev != wanted.st_dev)
			continue;
		view->processes += atol(entry->d_name) != view->pid;
		view->memory += process_memory(arena, entry->d_name);
	}
	closedir(proc);
}

/* What steps of one kind say, in `arena`. */
static const char **collect(struct arena *arena, const struct plan *plan, enum op op)
{
	VEC(const char *) found = { 0 };

	for (size_t i = 0; plan && i < plan->steps.count; i++)
		if (plan->steps.items[i].op == op)
			*vec_push(arena, &found) = arena_strdup(arena, plan_text_at(plan, plan->steps.items[i].a));
	*vec_push(arena, &found) = NULL;
	return found.items;
}

/* What the plan that it was made from says of its network, and what its relay has counted. */
static void look_at_network(struct arena *arena, int gate, struct cage_view *view)
{
	CLEANUP(plan_freep) struct plan *plan = plan_unpack(view->record.plan, view->record.plan_length);
	AUTO_FD int fd = cage_gate_counters(gate, false);

	view->published = collect(arena, plan, OP_PUBLISH);
	view->lent = collect(arena, plan, OP_LEND);
	view->exposed = collect(arena, plan, OP_EXPOSE);
	view->private_network = collect(arena, plan, OP_PEERS)[0];
	const struct step *tunnel = plan ? plan_find(plan, OP_TUNNEL) : NULL;
	view->vpn = tunnel ? arena_strdup(arena, plan_text_at(plan, tunnel->a)) : NULL;
	view->network = !plan ? CAGE_NETWORK_NONE : plan->host_network ? CAGE_NETWORK_HOST : tunnel ? CAGE_NETWORK_VPN :
			plan_find(plan, OP_AWAIT) ? CAGE_NETWORK_RELAY : CAGE_NETWORK_NONE;
	if (fd < 0 || pread(fd, &view->counters, sizeof(view->counters), 0) != sizeof(view->counters) ||
	    view->counters.magic != NETWORK_COUNTERS_MAGIC)
		view->counters = (struct network_counters){ 0 };
}

int cage_look(struct arena *arena, int runtime, const char *name, bool measure, struct cage_view *ret)
{
	bool locked = false;
	AUTO_FD int gate = cage_gate_look(runtime, name, &locked);
	struct cage_handles handles;
	int r = gate < 0 ? gate : cage_gate_connect(gate, SERVE_LOOK, &handles);

	*ret = (struct cage_view){ .name = name };
	if (r == -ENOENT) {
		if (locked) /* what a killed one left */
			cage_gate_clear(runtime, gate, name);
		return 0;
	}
	if (r < 0)
		return r;
	r = cage_record_read(arena, handles.fds[HANDLE_RECORD], &ret->record);
	ret->runs = true;
	ret->pid = handles.pid;
	if (r == 0) {
		look_at_network(arena, gate, ret);
		r = grants_read(arena, gate, &ret->grants);
	}
	if (r == 0 && measure)
		measure_processes(arena, handles.fds[HANDLE_PID], ret);
	cage_handles_close(&handles);
	return r;
}

static bool has_ended(const struct cage_handles *handles, unsigned seconds)
{
	struct pollfd pidfd = { .fd = handles->fds[HANDLE_PIDFD], .events = POLLIN };
	int r;

	do
		r = poll(&pidfd, 1, (int)MIN(seconds, 86400u) * 1000);
	while (r < 0 && errno == EINTR);
	return r > 0;
}

int cage_stop_behind(int gate, unsigned seconds)
{
	struct cage_handles handles;
	int r = cage_gate_connect(gate, SERVE_LOOK, &handles);

	if (r < 0)
		return r;
	(void)cage_handles_send(&handles, SERVE_TERM); /* a cage that is gone meanwhile is what we want */
	if (!has_ended(&handles, seconds)) {
		(void)cage_handles_send(&handles, SERVE_KILL);
		r = has_ended(&handles, 10) ? 0 : -ETIMEDOUT;
	}
	cage_handles_close(&handles);
	return r;
}

int cage_stop(int runtime, const char *name, unsigned seconds)
{
	AUTO_FD int gate = cage_gate_open(runtime, name, false);
	int r = gate < 0 ? gate : cage_stop_behind(gate, seconds);

	if (gate >= 0)
		cage_gate_clear(runtime, gate, name);
	return r;
}

static int not_running(const char *name, int error, struct diags *d)
{
	if (error != -ENOENT)
		return diag_error(d, "C600", NULL, "cannot reach the cage '%s': %s", name, strerror(-error)), error;
	diag_error(d, "C606", NULL, "no cage '%s' is running", name);
	diag_help(d, "'cuddy ps' shows those that are; 'cuddy run --name %s PROGRAM' starts it", name);
	return -ENOENT;
}

int cage_exec(struct arena *arena, const struct cage_places *places, const char *name, const char *const *argv,
	      const struct launch_options *options, struct diags *d, struct cage_stay *ret)
{
	struct cage_stay stay = { .arena = arena, .name = name, .hold = -1,
				  .runtime = cage_runtime_open(places, false) };
	AUTO_FD int gate = stay.runtime < 0 ? stay.runtime : cage_gate_open(stay.runtime, name, false);
	int r = gate < 0 ? gate : cage_gate_connect(gate, SERVE_JOIN, &stay.handles);
	struct cage_record record;

	if (r < 0) {
		fd_closep(&stay.runtime);
		return not_running(str_quote(arena, name), r, d);
	}
	r = cage_record_read(arena, stay.handles.fds[HANDLE_RECORD], &record);
	stay.plan = r < 0 ? NULL : plan_unpack(record.plan, record.plan_length);
	if (!stay.plan || plan_set_program(stay.plan, argv) < 0) {
		diag_error(d, "C602", NULL, "the cage '%s' was started by another version of cuddy", name);
		r = -EPROTO;
	}
	if (r == 0) /* the image is used as long as anybody is in the cage */
		stay.hold = cage_root_hold(arena, record.root);
	r = r < 0 ? r : launch_join(stay.plan, &stay.handles, options, d, &stay.launch);
	if (r < 0) {
		cage_handles_close(&stay.handles);
		plan_free(stay.plan);
		fd_closep(&stay.runtime);
		fd_closep(&stay.hold);
		return r;
	}
	*ret = stay;
	return 0;
}
