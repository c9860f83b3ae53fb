/* cage/overlay.c - the directories of copy-on-write trees: made before a start, opened for commands.
 * Must not: follow a link below the cage's data, use a name that stands in an upper directory. */
#include "cage/overlay.h"
#include "base/fd.h"
#include "base/path.h"
#include "cage/data.h"
#include "cage/descent.h"
#include "cage/fuse.h"
#include "cage/subids.h"
#include "cage/tree.h"
#include "cage/upper.h"
#include "launch/kernel.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PATH_SIZE (64 * 1024)
#define STARTS_SIZE (64 * 1024)

/* ---- before a start ---- */

static int make_directory(int at, const char *name, mode_t mode)
{
	int r = RESULT(mkdirat(at, name, mode));

	return r < 0 && r != -EEXIST ? r : sys_open_below(at, name, O_RDONLY | O_DIRECTORY, RESOLVE_NO_XDEV);
}

/* The directory "upper" of the tree `data`, or -errno. */
static int open_upper(int data, int flags)
{
	const char *path = fuse_is_chosen(data) ? FUSE_LAYERS "/upper" : "upper";

	return sys_open_below(data, path, (uint64_t)flags | O_DIRECTORY, RESOLVE_NO_XDEV);
}

/* The top shows the attributes of its upper directory: those of the host's. */
static int prepare_layers(int data, const char *path, const char *source)
{
	AUTO_FD int lower = RESULT(open(source, O_PATH | O_DIRECTORY | O_CLOEXEC));
	int r = lower < 0 ? lower : fuse_choose(data, path, source);
	AUTO_FD int upper = r < 0 ? r : open_upper(data, O_RDONLY);
	struct stat status;

	r = upper < 0 ? upper : RESULT(fstat(lower, &status));
	if (r >= 0)
		r = RESULT(fchmod(upper, status.st_mode & 07777));
	if (r >= 0) /* the time is looks only */
		(void)futimens(upper, (const struct timespec[]){ status.st_atim, status.st_mtim });
	return MIN(r, 0);
}

/* The log says since when a program can have known what it replaces: see overlay_since(). */
static int note_start(int data)
{
	AUTO_FD int fd = sys_open_below(data, "starts", O_PATH, RESOLVE_NO_XDEV);
	struct timespec now;
	struct stat status;
	char line[64];

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > STARTS_SIZE / 2)
		return 0; /* the last one that is known counts for all later ones: more conflicts, never less */
	fd_closep(&fd);
	fd = RESULT(openat(data, "starts", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (fd < 0)
		return fd;
	clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock of inodes */
	snprintf(line, sizeof(line), "%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	return fd_write_all(fd, line, strlen(line));
}

static int prepare(int at, struct plan *plan, struct step *step)
{
	const char *source = plan_text_at(plan, step->b);
	const char *path = plan_text_at(plan, PLAN_LAYERS_DATA(step->x));
	AUTO_FD int data = make_directory(at, path_base_name(path), 0700);
	struct object *object = &plan->objects.items[step->c + 1];
	struct stat status;
	int r = data < 0 ? data : prepare_layers(data, path, source);

	if (r == 0)
		r = fd_replace_file(data, "path", source, strlen(source), 0600);
	if (r == 0)
		r = note_start(data);
	if (r == 0)
		r = RESULT(fstat(data, &status));
	if (r == 0 && fuse_is_chosen(data))
		step->x |= (uint64_t)PLAN_LAYERS_FUSE << 32;
	if (r == 0)
		*object = (struct object){ .dev = status.st_dev, .ino = status.st_ino, .mode = status.st_mode };
	return r;
}

const char *overlays_directory(struct arena *arena, const char *data, const char *name)
{
	return arena_printf(arena, "%s/cages/%s/overlay", data, name);
}

int overlays_prepare(const char *data, const char *name, struct plan *plan, struct diags *d)
{
	AUTO_FD int store = -1, cage = -1, at = -1;

	for (size_t i = 0; i < plan->steps.count; i++) {
		struct step *step = &plan->steps.items[i];
		int r;

		if (step->op != OP_OVERLAY || !PLAN_LAYERS_DATA(step->x))
			continue;
		if (at < 0) {
			store = cage_store_open(data, true);
			cage = store < 0 ? store : cage_data_open(store, name, true);
			at = cage < 0 ? cage : cage_descend(cage, "overlay", true);
		}
		r = at < 0 ? at : prepare(at, plan, step);
		if (r < 0)
			return diag_error(d, "C560", plan->origins.items[step->origin],
					  "the changes of '%s' cannot be kept: %s",
					  str_quote(plan->arena, plan_text_at(plan, step->b)), strerror(-r));
	}
	return 0;
}

/* ---- for commands ---- */

static void read_starts(struct overlay *o)
{
	VEC(struct timespec) starts = { 0 };
	size_t length;
	char *text;

	if (fd_read_file(o->arena, o->data, "starts", STARTS_SIZE, &text, &length) < 0)
		return;
	for (char *line = text, *end; *line; line = end + 1) {
		struct timespec at;

		end = strchrnul(line, '\n');
		if (sscanf(line, "%ld.%9ld", &at.tv_sec, &at.tv_nsec) == 2)
			*vec_push(o->arena, &starts) = at;
		if (!*end)
			break;
	}
	o->starts = starts.items;
	o->start_count = starts.count;
}

static int open_one(struct arena *arena, int at, const char *name, struct overlay *ret)
{
	CLEANUP(overlay_close) struct overlay o = {
		.arena = arena, .data = -1, .upper = -1, .lower = -1, .hold = -1,
	};
	AUTO_FD int root = RESULT(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	size_t length;
	char *path;
	int r;

	o.data = sys_open_below(at, name, O_RDONLY | O_DIRECTORY, RESOLVE_NO_XDEV);
	if (o.data < 0)
		return o.data;
	r = fd_read_file(arena, o.data, "path", PATH_SIZE, &path, &length);
	if (r < 0)
		return r;
	if (path[0] != '/' || strlen(path) != length)
		return -EINVAL;
	o.path = path;
	o.by_fuse = fuse_is_chosen(o.data);
	o.hold = o.by_fuse ? fuse_hold(o.data, FUSE_LAYERS) : -1;
	if (o.by_fuse && o.hold < 0)
		return o.hold;
	o.upper = open_upper(o.data, O_PATH);
	if (o.upper < 0)
		return o.upper;
	/* The path has no links: it is what the view found behind them. */
	o.lower = sys_open_below(root, path, O_PATH | O_DIRECTORY, 0);
	if (o.lower < 0 && o.lower != -ENOENT && o.lower != -ENOTDIR && o.lower != -ELOOP)
		return o.lower;
	o.lower = MAX(o.lower, -1);
	read_starts(&o);
	*ret = o;
	o.data = o.upper = o.lower = o.hold = -1;
	return 0;
}

static int compare_overlays(const void *a, const void *b)
{
	return strcmp(((const struct overlay *)a)->path, ((const struct overlay *)b)->path);
}

int overlays_open(struct arena *arena, int at, struct overlay **ret, size_t *ret_count)
{
	VEC(struct overlay) all = { 0 };
	const char **names;
	size_t count, entries = 0;
	int r = directory_names(arena, at, &entries, &names, &count);

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct overlay o;

		r = open_one(arena, at, names[i], &o);
		if (r == 0)
			*vec_push(arena, &all) = o;
		else if (r == -ENOENT) /* a start was killed before it was complete */
			r = 0;
	}
	if (r < 0) {
		for (size_t i = 0; i < all.count; i++)
			overlay_close(&all.items[i]);
		return r;
	}
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare_overlays);
	*ret = all.items;
	*ret_count = all.count;
	return 0;
}

void overlay_close(struct overlay *o)
{
	fd_closep(&o->data);
	fd_closep(&o->upper);
	fd_closep(&o->lower);
	fd_closep(&o->hold);
	o->data = o->upper = o->lower = o->hold = -1;
}

static int write_word(const char *path, const char *text)
{
	AUTO_FD int fd = RESULT(open(path, O_WRONLY | O_CLOEXEC));

	return fd < 0 ? fd : fd_write_all(fd, text, strlen(text));
}

/* A child that stays outside gives us the ids that the caged programs may have had. */
static bool become_owner_of_all(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	pid_t self = getpid(), child;
	int ends[2], status = 1;
	char go = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	AUTO_FD int reader = ends[0], writer = ends[1];
	child = fork();
	if (child == 0)
		_exit(read(reader, &go, 1) == 1 && subids_map(arena, self).groups[0] ? 0 : 1);
	if (child < 0 || unshare(CLONE_NEWUSER) < 0 || write(writer, &go, 1) != 1)
		fd_closep(&writer), writer = -1;
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0;
}

int overlay_gain_power(void)
{
	char users[64], groups[64];
	uid_t uid = getuid();
	gid_t gid = getgid();
	int r;

	if (uid == 0)
		return -EALREADY;
	snprintf(users, sizeof(users), "%u %u 1\n", uid, uid);
	snprintf(groups, sizeof(groups), "%u %u 1\n", gid, gid);
	if (become_owner_of_all())
		return 0;
	r = write_word("/proc/self/setgroups", "deny");
	if (r == 0)
		r = write_word("/proc/self/uid_map", users);
	return r < 0 ? r : write_word("/proc/self/gid_map", groups);
}

/* ---- selections ---- */

/* As path_is_within(), for paths without a slash in front; "" is the tree itself. */
static bool is_within(const char *path, const char *top)
{
	size_t length = strlen(top);

	return !length || (strncmp(path, top, length) == 0 && (path[length] == '/' || !path[length]));
}

enum meant selection_find(const struct selection *selection, const char *path)
{
	enum meant best = selection->count ? MEANT_NOT : MEANT;

	for (size_t i = 0; i < selection->count && best != MEANT; i++) {
		if (is_within(path, selection->paths[i]))
			best = MEANT;
		else if (is_within(selection->paths[i], path))
			best = MEANT_ON_THE_WAY;
	}
	return best;
}

uint64_t overlay_work(const struct overlay *o)
{
	struct tree_size size;

	return tree_size(o->upper, ".", &size) < 0 ? 0 : size.bytes + size.entries * PROGRESS_ENTRY;
}

/* ---- discard ---- */

static int discard_all(int upper)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char **names;
	size_t count, entries = 0;
	int r = directory_names(arena, upper, &entries, &names, &count);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = tree_remove(upper, names[i]);
	return r;
}

static int discard_one(const struct overlay *o, const char *path)
{
	const char *name = path_base_name(path), *whiteout = upper_whiteout_name(o->arena, o->by_fuse, name);
	const char *above = name == path ? "." : arena_strndup(o->arena, path, (size_t)(name - path - 1));
	AUTO_FD int dir = sys_open_below(o->upper, above, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	int r = dir < 0 ? dir : tree_remove(dir, name);

	return r == -ENOENT && dir >= 0 && whiteout ? tree_remove(dir, whiteout) : r;
}

int overlay_discard(const struct overlay *o, const struct selection *selection)
{
	int r = 0;

	if (!selection->count)
		return discard_all(o->upper);
	for (size_t i = 0; i < selection->count; i++) {
		int one = *selection->paths[i] ? discard_one(o, selection->paths[i])
					       : discard_all(o->upper);

		r = r ? r : one;
	}
	return r;
}
