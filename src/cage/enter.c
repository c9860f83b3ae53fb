/* cage/enter.c - the first of a name makes the cage, the others join it; all under the lock of the name.
 * Must not: follow what a caged program left in its data, start beside a cage that is there unless told. */
#include "cage/enter.h"
#include "cage/overlay.h"
#include "cage/data.h"
#include "cage/keep.h"
#include "cage/look.h"
#include "cage/record.h"
#include "cage/subids.h"
#include "backend/network.h"
#include "base/fd.h"
#include "host/host.h"
#include "policy/lines.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRIES 64	  /* names with a number, one after the other */
#define STOP_SECONDS 10	  /* between the polite signal and the end, for a restart */
#define CHANGES_SHOWN 12

static int runtime_failed(const struct cage_wish *wish, int error, struct diags *d)
{
	diag_error(d, "C600", NULL, "cannot keep track of the cage '%s': %s", wish->cage.name, strerror(-error));
	if (error == -ETIMEDOUT || error == -EPROTO || error == -EPROTOTYPE)
		diag_help(d, "another cuddy keeps this name, or does not answer for it: end that, or use --name");
	else
		diag_help(d, "XDG_RUNTIME_DIR must name a directory that is yours alone (mode 0700)");
	return error;
}

/* A cage with a number has files of its own too: two policies in one home at once could plant things for one
 * another, and talk through them.  Those of a template were found before. */
static int keep(struct arena *arena, const struct cage_wish *wish, struct cage *cage, struct diags *d)
{
	return wish->ephemeral ? 0 : cage_keep(arena, wish->policy, wish->places.data, NULL, cage, d);
}

/* ---- the first ---- */

/* Adds to what launch_start() said the setting that forbids it: launch/ knows of no host. */
static int namespaces_failed(struct arena *arena, int error, struct diags *d)
{
	struct finding who = { 0 };
	struct knobs knobs;

	if (error == -EPERM || error == -ENOSPC) {
		knobs_read(arena, &knobs);
		knobs_blame(&knobs, &who);
	}
	if (who.detail)
		diag_help(d, "%s; '%s' mends it", who.detail, who.remedy);
	return error;
}

static struct id_ranges map_ids(void *data UNUSED, pid_t pid, struct diags *d)
{
	struct arena *arena = arena_new(); /* the caller's is hidden from who is forked */
	struct id_ranges ids = subids_map(arena, pid);

	arena_free(arena);
	if (!ids.users[0]) {
		diag_warning(d, "C613", NULL, "no subordinate ids are granted to you, so root is the only user of the cage");
		diag_help(d, "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 YOU");
	}
	return ids;
}

static int start(struct arena *arena, const struct cage_wish *wish, const struct cage *cage, int gate,
		 const char *policy, struct diags *d, struct cage_stay *stay)
{
	struct launch_options options = wish->launch;
	struct cage own = *cage;
	struct claim *claims;
	struct cage_record record = {
		.name = cage->name, .profile = wish->policy->name, .program = cage->argv[0], .policy = policy,
		.directory = cage->working_directory, .since = time(NULL),
		.root = wish->policy->root.value, .ephemeral = wish->ephemeral,
	};

	if (!wish->ephemeral)
		own.overlay_dir = overlays_directory(arena, wish->places.data, cage->name);
	if (backend_compile(arena, wish->policy, &own, d, &stay->plan, &claims) < 0 ||
	    network_check_ping(wish->policy, d) < 0 ||
	    overlays_prepare(wish->places.data, cage->name, stay->plan, d) < 0)
		return -EINVAL;
	AUTO_FD int listener = cage_gate_listen(gate);
	AUTO_FD int memory = listener < 0 ? listener : cage_record_make(&record, stay->plan);
	if (memory < 0)
		return runtime_failed(wish, memory, d);
	options.door = &(struct launch_door){ listener, memory };
	options.cage = cage->name;
	bool relayed = plan_find(stay->plan, OP_AWAIT) != NULL;
	AUTO_FD int counters = relayed ? cage_gate_counters(gate, true) : -1;
	AUTO_FD int log = relayed ? cage_log_open(&wish->places, cage->name, true) : -1;
	bool shared = plan_find(stay->plan, OP_PEERS) != NULL;
	AUTO_FD int peers = shared ? cage_gate_peers(gate) : -1;
	if (relayed && (counters < 0 || log < 0 || (shared && peers < 0)))
		return runtime_failed(wish, counters < 0 ? counters : log < 0 ? log : peers, d);
	stay->network.counters = counters;
	stay->network.log = log;
	stay->network.peers = peers;
	stay->network.cages = shared ? stay->runtime : -1;
	options.prepare = network_prepare;
	options.data = &stay->network;
	options.map_ids = map_ids;
	options.serve = fuse_serve;
	options.serve_data = &stay->fuse;
	int r = launch_start(stay->plan, &options, d, &stay->launch);
	if (r == 0)
		return 0;
	network_finish(&stay->network, d);
	fuse_finish(&stay->fuse, d);
	return namespaces_failed(arena, r, d);
}

/* ---- the others ---- */

/* Says what changed since the cage was started, as far as a screen goes. */
static void tell_changes(const char *word, struct strbuf *lines, struct diags *d)
{
	const char *at = strbuf_text(lines), *end = at;
	unsigned shown = 0;

	for (; shown < CHANGES_SHOWN && (end = strchr(at, '\n')); at = end + 1, shown++)
		diag_note(d, NULL, "%s: %.*s", word, (int)(end - at), at);
	if (*at)
		diag_note(d, NULL, "%s: and more", word);
}

static int refuse(struct arena *arena, const struct cage_record *running, const char *policy, struct diags *d)
{
	struct strbuf widened = { .arena = arena }, narrowed = { .arena = arena };

	policy_lines_differ(arena, running->policy, policy, &widened, &narrowed);
	diag_error(d, "C601", NULL, "the cage '%s' runs with other rights than it would get now", running->name);
	tell_changes("would widen", &widened, d);
	tell_changes("would narrow", &narrowed, d);
	diag_help(d, "use --restart to end it and start anew, or --new to start another beside it");
	return -EEXIST;
}

static int join(struct arena *arena, const struct cage_wish *wish, const struct cage *cage,
		struct diags *d, struct cage_stay *stay)
{
	struct launch_options options = wish->launch;
	struct claim *claims;

	options.cage = cage->name;
	if (backend_compile(arena, wish->policy, cage, d, &stay->plan, &claims) < 0)
		return -EINVAL;
	return launch_join(stay->plan, &stay->handles, &options, d, &stay->launch);
}

enum outcome { ENTERED, FAILED, GONE, OTHER };

/* One look behind a gate: joins a cage with the same rights, starts one where none is. */
static enum outcome try(struct arena *arena, const struct cage_wish *wish, struct cage *cage, int gate,
			const char *policy, struct diags *d, struct cage_stay *stay)
{
	struct cage_record running;
	int r = cage_gate_connect(gate, SERVE_JOIN, &stay->handles);

	if (r == -ENOENT) {
		stay->handles.socket = -1;
		return keep(arena, wish, cage, d) < 0 || start(arena, wish, cage, gate, policy, d, stay) < 0
			       ? FAILED : ENTERED;
	}
	if (r < 0)
		return runtime_failed(wish, r, d), FAILED;
	if (wish->from) { /* each start of a template is a cage of its own */
		cage_handles_close(&stay->handles);
		return OTHER;
	}
	if (cage_record_read(arena, stay->handles.fds[HANDLE_RECORD], &running) < 0) {
		diag_error(d, "C602", NULL, "the cage '%s' was started by another version of cuddy", cage->name);
		diag_help(d, "end it with 'cuddy stop %s'", cage->name);
		r = -EPROTO;
	} else if (str_equal(running.policy, policy)) {
		r = keep(arena, wish, cage, d);
		if (r == 0)
			r = join(arena, wish, cage, d, stay);
		if (r == 0)
			return ENTERED;
	} else if (wish->conflict == CONFLICT_RESTART) {
		cage_handles_close(&stay->handles);
		r = cage_stop_behind(gate, STOP_SECONDS);
		return r == 0 || r == -ENOENT ? GONE : (runtime_failed(wish, r, d), FAILED);
	} else if (wish->conflict == CONFLICT_BESIDE ||
		   (wish->conflict == CONFLICT_ELSEWHERE &&
		    !str_equal(running.directory, cage->working_directory))) {
		cage_handles_close(&stay->handles);
		return OTHER;
	} else {
		r = refuse(arena, &running, policy, d);
	}
	cage_handles_close(&stay->handles);
	return FAILED;
}

static const char *numbered(struct arena *arena, const char *name, unsigned number)
{
	return number < 2 ? name : arena_printf(arena, "%.*s.%u", 58, name, number);
}

/* The cage that another starts from must not run: what it changes would change below the copy.  A descriptor
 * that keeps it from being started while it is open. */
static int hold_template(struct arena *arena, const struct cage_wish *wish, int runtime, struct diags *d)
{
	AUTO_FD int gate = cage_gate_open(runtime, wish->from, true);
	struct cage_handles handles;
	int r = gate < 0 ? gate : cage_gate_connect(gate, SERVE_LOOK, &handles);

	if (r == -ENOENT && gate >= 0)
		return TAKE_FD(gate);
	if (r < 0)
		return runtime_failed(wish, r, d);
	cage_handles_close(&handles);
	diag_error(d, "C607", NULL, "the cage '%s' is running, and cannot be started from", str_quote(arena, wish->from));
	diag_help(d, "end it first: cuddy stop %s", wish->from);
	return -EBUSY;
}

/* Tries the name, and where a cage of its own is wanted the same with a number. */
static int enter_numbered(struct arena *arena, const struct cage_wish *wish, struct cage *cage, int runtime,
			  const char *policy, struct diags *d, struct cage_stay *stay)
{
	for (unsigned number = 1; number <= TRIES;) {
		cage->name = stay->name = numbered(arena, wish->cage.name, number);
		if (str_equal(cage->name, wish->from)) {
			number++;
			continue;
		}
		AUTO_FD int gate = cage_gate_open(runtime, stay->name, true);
		enum outcome outcome = gate < 0 ? (runtime_failed(wish, gate, d), FAILED) :
			try(arena, wish, cage, gate, policy, d, stay);

		if (outcome == ENTERED && cage->kept_count && number > 1 && !wish->from)
			diag_note(d, NULL, "'%s' runs with other rights, so this is '%s', with a home of its own",
				  wish->cage.name, cage->name);
		if (outcome == ENTERED)
			return 0;
		if (outcome == FAILED) {
			cage_gate_clear(runtime, gate, stay->name);
			plan_free(stay->plan);
			return -EINVAL;
		}
		number += outcome == OTHER;
	}
	return runtime_failed(wish, -EBUSY, d);
}

int cage_enter(struct arena *arena, const struct cage_wish *wish, struct diags *d, struct cage_stay *ret)
{
	const char *policy = policy_lines(wish->policy, arena);
	struct cage_stay stay = { .arena = arena, .hold = -1 };
	int made = cage_places_make(&wish->places);
	AUTO_FD int runtime = stay.runtime = made < 0 ? made : cage_runtime_open(&wish->places, true);
	struct cage cage = wish->cage;

	cage.ephemeral = wish->ephemeral;
	if (!cage_name_is_valid(cage.name)) {
		diag_error(d, "C603", NULL, "'%s' cannot be the name of a cage", str_quote(arena, cage.name));
		diag_help(d, "use letters, digits, '.', '_' and '-'; at most 64 of them");
		return -EINVAL;
	}
	if (runtime < 0)
		return runtime_failed(wish, runtime, d);
	if (wish->from && cage_keep(arena, wish->policy, wish->places.data, wish->from, &cage, d) < 0)
		return -EINVAL;
	AUTO_FD int template = wish->from ? hold_template(arena, wish, runtime, d) : -1;
	if (wish->from && template < 0)
		return -EINVAL;
	int r = enter_numbered(arena, wish, &cage, runtime, policy, d, &stay);
	if (template >= 0)
		cage_gate_clear(runtime, template, wish->from);
	if (r < 0)
		return r;
	*ret = stay;
	ret->runtime = TAKE_FD(runtime);
	return 0;
}

/* The last who joined waits until nothing of the cage is left. */
static void leave_joined(const struct cage_handles *handles)
{
	struct pollfd polled[] = { { handles->socket, POLLIN, 0 }, { handles->fds[HANDLE_PIDFD], POLLIN, 0 } };
	char byte;

	if (cage_handles_send(handles, SERVE_LEAVE) < 0)
		return;
	while (poll(polled, 2, -1) < 0 && errno == EINTR)
		;
	if (polled[0].revents & POLLIN && recv(handles->socket, &byte, 1, MSG_DONTWAIT) == 1)
		return;
	while (poll(&polled[1], 1, -1) < 0 && errno == EINTR)
		;
}

int cage_leave(struct cage_stay *stay, struct diags *d)
{
	bool joined = stay->handles.socket >= 0;
	int status = launch_wait(&stay->launch, d);

	if (!joined && !stay->launch.lives_on) { /* else they live on with it */
		network_finish(&stay->network, d);
		fuse_finish(&stay->fuse, d);
	}
	if (joined) {
		leave_joined(&stay->handles);
		cage_handles_close(&stay->handles);
	}
	if (joined || !stay->launch.lives_on) {
		AUTO_FD int gate = cage_gate_open(stay->runtime, stay->name, false);

		if (gate >= 0)
			cage_gate_clear(stay->runtime, gate, stay->name);
	}
	fd_closep(&stay->runtime);
	fd_closep(&stay->hold);
	plan_free(stay->plan);
	stay->plan = NULL;
	return status;
}
