/* backend/mounts.c - file and device rules by visibility: the view becomes steps.
 * Must: bind only what the view names, with the least flags.  Must not: decide; view.c does. */
#include "backend/backend.h"
#include "backend/network.h"
#include "backend/overlay.h"
#include "backend/view.h"
#include "backend/walk.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/synthetic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define OWN_FILES "/.cuddy" /* in the skeleton, read-only: what is shown from there over files of others */

static unsigned attributes(unsigned access)
{
	return (access & ACCESS_WRITE ? 0 : PLAN_READ_ONLY) | (access & ACCESS_EXECUTE ? 0 : PLAN_NOEXEC) |
	       PLAN_NOSUID | PLAN_NODEV;
}

/* ---- files that we write ---- */

static const char *inside_name(const struct compilation *c)
{
	return c->policy->hostname.value ? c->policy->hostname.value : "cuddy";
}

/* A file of the root file system; "" without one. */
static const char *root_file(struct compilation *c, const char *path)
{
	AUTO_FD int fd = c->cage->root ? fd_open_resolved(c->cage->root_fd, path, O_RDONLY | O_NONBLOCK,
							  RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) : -1;
	char *text = arena_alloc(c->arena, LIMIT_USER_LIST + 1);
	ssize_t length = fd < 0 ? -1 : pread(fd, text, LIMIT_USER_LIST, 0);

	text[MAX(length, (ssize_t)0)] = '\0';
	return text;
}

/* The one user that the program sees of this computer, under the name and ids that it has inside; of
 * a root file system all that are known there. */
static char *write_passwd(struct compilation *c)
{
	bool root = str_equal(c->policy->user_as.value, "root");
	uid_t uid = root ? 0 : c->cage->uid;
	const char *nobody = uid == 65534 || c->cage->root ? "" :
		"nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n";

	return arena_printf(c->arena, "%s:x:%u:%u::%s:%s\n%s%s", root ? "root" : c->cage->user, uid,
			    root ? 0 : c->cage->gid, c->cage->home, c->cage->shell, nobody,
			    root_file(c, "etc/passwd"));
}

static char *write_group(struct compilation *c)
{
	bool root = str_equal(c->policy->user_as.value, "root");
	gid_t gid = root ? 0 : c->cage->gid;

	return arena_printf(c->arena, "%s:x:%u:\n%s%s", root ? "root" : c->cage->user, gid,
			    gid == 65534 || c->cage->root ? "" : "nogroup:x:65534:\n", root_file(c, "etc/group"));
}

static char *write_machine_id(struct compilation *c)
{
	unsigned char bytes[16];
	struct strbuf out = { .arena = c->arena };

	must(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		strbuf_addf(&out, "%02x", bytes[i]);
	strbuf_add(&out, "\n");
	return (char *)strbuf_text(&out);
}

static char *write_hosts(struct compilation *c)
{
	return arena_printf(c->arena, "127.0.0.1 localhost %s\n::1 localhost %s\n", inside_name(c), inside_name(c));
}

static char *write_hostname(struct compilation *c)
{
	return arena_printf(c->arena, "%s\n", inside_name(c));
}

static char *write_resolv_conf(struct compilation *c)
{
	char *text;
	size_t length;

	switch (network_mode(c->policy)) {
	case NETWORK_RELAY:
		return arena_printf(c->arena, "nameserver " SYNTHETIC_OWN4 "\n%s%s%s",
				    c->policy->network.value ? "search " : "",
				    c->policy->network.value ? c->policy->network.value : "",
				    c->policy->network.value ? "\n" : "");
	case NETWORK_HOST:
		if (fd_read_file(c->arena, AT_FDCWD, "/etc/resolv.conf", LIMIT_FILE_SIZE, &text, &length) == 0)
			return text;
		break;
	case NETWORK_NONE:
		break;
	}
	return arena_strdup(c->arena, "# this cage resolves no names\n");
}

/* No module that asks a service of the host, and no file but hosts before the cage's own DNS. */
static char *write_nsswitch(struct compilation *c)
{
	return arena_strdup(c->arena, "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
				      "networks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n");
}

static const struct { const char *name; char *(*write)(struct compilation *c); } synthetic[] = {
	{ "group", write_group },	    { "hostname", write_hostname },
	{ "hosts", write_hosts },	    { "machine-id", write_machine_id },
	{ "nsswitch", write_nsswitch },	    { "passwd", write_passwd },
	{ "resolv-conf", write_resolv_conf },
};

static const char *own_name(struct compilation *c, const struct view_entry *e)
{
	return path_join(c->arena, OWN_FILES,
			 e->place == PLACE_SYNTHETIC ? e->source : overlay_name(c->arena, e->path));
}

static int add_synthetic(struct compilation *c, const struct view_entry *e)
{
	const struct origin *origin = e->rule->origin;

	for (size_t i = 0; i < ARRAY_SIZE(synthetic); i++) {
		if (!str_equal(synthetic[i].name, e->source))
			continue;
		if (e->in_skeleton)
			plan_file(c->plan, e->path, synthetic[i].write(c), 0444, origin);
		else if (e->inode)
			plan_own(c->plan, own_name(c, e), e->path, attributes(ACCESS_READ), origin);
		return 0;
	}
	return diag_error(c->d, "C312", origin, "there is no synthetic file '%s'",
			  str_quote(c->arena, e->source));
}

static unsigned mode_of_temporary(const char *path)
{
	static const char *const sticky[] = { "/tmp", "/var/tmp", "/dev/shm" };

	for (size_t i = 0; i < ARRAY_SIZE(sticky); i++)
		if (strcmp(path, sticky[i]) == 0)
			return 01777;
	return 0755;
}

/* What is shown over files of others is made first, while the skeleton can be reached by paths. */
static void prepare_own(struct compilation *c, const struct view_entry *e)
{
	const char *own;

	if (e->in_skeleton || e->kind != VIEW_BIND)
		return;
	own = own_name(c, e);
	for (size_t i = 0; e->place == PLACE_SYNTHETIC && e->inode && i < ARRAY_SIZE(synthetic); i++)
		if (str_equal(synthetic[i].name, e->source))
			plan_file(c->plan, own, synthetic[i].write(c), 0444, e->rule->origin);
	if (e->place == PLACE_DEVICES ||
	    (c->cage->root && (e->place == PLACE_TEMPORARY || e->place == PLACE_PERSIST)))
		plan_mkdir(c->plan, own, e->place == PLACE_DEVICES ? 0755 : mode_of_temporary(e->path), e->rule->origin);
}

/* ---- /dev ---- */

struct node_visit { struct compilation *c; const struct rule *rule; struct walk *walk; };

static void add_node(void *context, const char *path)
{
	struct node_visit *visit = context;
	struct compilation *c = visit->c;
	struct walk_status status;

	walk_status(visit->walk, path, &status);
	if (!S_ISCHR(status.mode) && !S_ISBLK(status.mode))
		return;
	for (size_t i = 0; i < c->policy->rule_count; i++) {
		const struct rule *rule = &c->policy->rules[i];

		/* There already by an earlier rule. */
		if (rule->kind == KIND_DEVICE && rule->effect == EFFECT_ALLOW && rule < visit->rule &&
		    glob_matches(rule->glob, path))
			return;
	}
	const struct request request = { .kind = KIND_DEVICE, .access = ACCESS_USE, .verb = "device",
					 .subject = path };
	if (policy_decide(c->policy, &request).effect != EFFECT_ALLOW || view_hides(c->policy, path))
		return;
	/* /dev/pts and /dev/ptmx are the cage's own.  Read-only keeps the node: its mode, owner, times.
	 * What is written to it goes to the driver, not to a file system, and passes (open(2), EROFS). */
	if (path_is_within(path, "/dev/pts") || strcmp(path, "/dev/ptmx") == 0)
		return;
	plan_bind(c->plan, path, &(struct stat){ .st_dev = status.device, .st_ino = status.inode,
						 .st_mode = status.mode },
		  path, PLAN_NOEXEC | PLAN_READ_ONLY, visit->rule->origin);
}

static int add_devices(struct compilation *c)
{
	struct walk walk = { .arena = c->arena };

	for (size_t i = 0; i < c->policy->rule_count; i++) {
		const struct rule *rule = &c->policy->rules[i];
		const struct glob_alternative *a;
		struct node_visit visit = { c, rule, &walk };
		bool literal = true;
		size_t count;

		if (rule->kind != KIND_DEVICE)
			continue;
		count = glob_alternatives(rule->glob, &a);
		for (size_t k = 0; k < count; k++) {
			literal = literal && a[k].is_literal;
			if (rule->effect != EFFECT_ALLOW)
				continue;
			if (a[k].is_literal)
				add_node(&visit, a[k].prefix);
			else if (walk_matches(&walk, rule->glob, a[k].prefix, add_node, &visit) < 0)
				return diag_error(c->d, "C310", rule->origin, "'%s' stands for too many devices",
						  str_quote(c->arena, rule->pattern));
		}
		backend_claim(c, i, "mounts", literal ? EXACTNESS_EXACT : EXACTNESS_AT_START,
			      literal ? NULL : "for devices that exist when the cage starts");
	}
	return 0;
}

/* In the skeleton, which is read-only in the end: only what may be written to is a mount of its own. */
static void add_own_directory(struct compilation *c, const char *path, unsigned mode, unsigned access,
			      const struct origin *origin)
{
	if (access & ACCESS_WRITE)
		plan_private_dir(c->plan, path, mode, attributes(access) & PLAN_NOEXEC, origin);
	else
		plan_mkdir(c->plan, path, mode, origin);
}

static void add_dev_directory(struct compilation *c, const struct view_entry *e)
{
	static const char *const links[][2] = {
		{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "ptmx", "pts/ptmx" },
	};
	const struct origin *origin = e->rule->origin;

	if (!e->in_skeleton) /* nothing is made in a /dev of others */
		plan_own_directory(c->plan, own_name(c, e), e->path, 0, origin);
	else
		plan_mkdir(c->plan, e->path, 0755, origin);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		plan_symlink(c->plan, path_join(c->arena, e->path, links[i][0]), links[i][1], origin);
	plan_devpts(c->plan, path_join(c->arena, e->path, "pts"), origin);
	/* Who may use the controlling terminal gets one of its own. */
	const struct request terminal = { .kind = KIND_DEVICE, .access = ACCESS_USE, .verb = "device",
					  .subject = "/dev/tty" };
	struct verdict verdict = policy_decide(c->policy, &terminal);
	if (verdict.effect == EFFECT_ALLOW)
		plan_terminal(c->plan, path_join(c->arena, e->path, "pts"), verdict.rule->origin);
	add_own_directory(c, path_join(c->arena, e->path, "shm"), 01777, e->access & ~(unsigned)ACCESS_EXECUTE, origin);
}

/* ---- the view ---- */

static void add_bind(struct compilation *c, const struct view_entry *e)
{
	struct stat status = { .st_dev = e->device, .st_ino = e->inode, .st_mode = e->mode };
	char text[PATH_MAX];
	ssize_t size;

	if (S_ISLNK(e->mode)) {
		size = e->in_skeleton ? readlink(e->source, text, sizeof(text) - 1) : -1;
		if (size > 0) {
			text[size] = '\0';
			plan_symlink(c->plan, e->path, text, e->rule->origin);
		}
		return;
	}
	plan_bind(c->plan, e->source, &status, e->path, attributes(e->access), e->rule->origin);
}

static void add_temporary(struct compilation *c, const struct view_entry *e)
{
	unsigned mode = mode_of_temporary(e->path);

	if (!e->in_skeleton && e->kind == VIEW_BIND && c->cage->root)
		plan_own_directory(c->plan, own_name(c, e), e->path, attributes(e->access) & PLAN_NOEXEC,
				   e->rule->origin);
	else if (e->in_skeleton)
		add_own_directory(c, e->path, mode, e->access, e->rule->origin);
	else if (e->inode || plan_is_own(c->plan, e->path))
		plan_tmpfs(c->plan, e->path, mode, 64 * 1024 * 1024, e->rule->origin);
}

bool backend_keeps(const struct policy *policy, const struct rule *rule)
{
	for (size_t i = 0; str_equal(rule->flag, "filesystem.own-home") && i < policy->rule_count; i++) {
		const struct rule *other = &policy->rules[i];

		if (other->kind == KIND_FILE && other->effect == EFFECT_ALLOW && other->place == PLACE_PERSIST &&
		    !str_equal(other->flag, rule->flag))
			return false;
	}
	return true;
}

/* Another cage's, below an empty layer that takes all changes. */
static void add_copy(struct compilation *c, const struct view_entry *e, const struct cage_kept *kept)
{
	add_temporary(c, e);
	plan_copy(c->plan, kept->source, &kept->status, e->path, attributes(e->access), e->rule->origin);
}

static int add_kept(struct compilation *c, const struct view_entry *e)
{
	for (size_t i = 0; i < c->cage->kept_count; i++) {
		const struct cage_kept *kept = &c->cage->kept[i];

		if (strcmp(kept->path, e->path) != 0)
			continue;
		if (!e->in_skeleton && !e->inode && !plan_is_own(c->plan, e->path)) {
			diag_error(c->d, "C314", e->rule->origin, "'%s' cannot be kept apart: it does not exist in what is shown there",
				   str_quote(c->arena, e->path));
			diag_help(c->d, "make it, or grant less above it");
			return -EINVAL;
		}
		if (c->cage->is_copy)
			add_copy(c, e, kept);
		else
			plan_keep(c->plan, kept->source, &kept->status, e->path, attributes(e->access),
				  e->rule->origin);
		return 0;
	}
	add_temporary(c, e);
	return 0;
}

static int add_entry(struct compilation *c, const struct view_entry *e)
{
	switch (e->place) {
	case PLACE_HOST:
		add_bind(c, e);
		return 0;
	case PLACE_TEMPORARY:
		add_temporary(c, e);
		return 0;
	case PLACE_PERSIST:
		return add_kept(c, e);
	case PLACE_PROC:
		plan_proc(c->plan, e->path, e->rule->origin);
		if (!(e->access & ACCESS_WRITE))
			plan_read_only(c->plan, e->path, e->rule->origin);
		return 0;
	case PLACE_DEVICES:
		add_dev_directory(c, e);
		return 0;
	case PLACE_SYNTHETIC:
		return add_synthetic(c, e);
	case PLACE_COPY_ON_WRITE:
		return overlay_add(c, e, attributes(e->access));
	case PLACE_ROOT:
		return overlay_add_root(c, e, attributes(e->access));
	}
	unreachable();
}

static bool is_shown(const struct view *view, size_t link)
{
	const struct view_entry *l = &view->entries[link];

	for (size_t i = 0; i < view->count; i++) {
		const struct view_entry *e = &view->entries[i];

		if (e->kind == VIEW_SYMLINK ? i < link && strcmp(e->path, l->path) == 0
					    : e->kind != VIEW_DIRECTORY && path_is_within(l->path, e->path))
			return true;
	}
	return false;
}

/* Mount points are made in a root before parts of it become read-only. */
static void add_points(struct compilation *c, const struct view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct view_entry *e = &view->entries[i];

		if (e->in_root && e->kind == VIEW_BIND && e->place != PLACE_SYNTHETIC && !S_ISLNK(e->mode))
			plan_point(c->plan, e->path, e->is_directory, e->rule->origin);
	}
}

/* The same content with other access. */
static int add_change(struct compilation *c, const struct view_entry *e)
{
	if (e->place != PLACE_PROC && e->place != PLACE_DEVICES)
		return add_entry(c, e);
	if (e->place == PLACE_DEVICES) /* in its shm, which starts empty */
		plan_mkdir(c->plan, e->path, 0755, e->rule->origin);
	plan_read_only(c->plan, e->path, e->rule->origin);
	return 0;
}

static int add_view(struct compilation *c, const struct view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct view_entry *e = &view->entries[i];
		const struct origin *origin = e->rule->origin;
		int r = 0;

		switch (e->kind) {
		case VIEW_DIRECTORY:
			if (strcmp(e->path, "/") != 0)
				plan_mkdir(c->plan, e->path, 0755, origin);
			break;
		case VIEW_SYMLINK:
			if (!is_shown(view, i))
				plan_symlink(c->plan, e->path, e->source, origin);
			break;
		case VIEW_CHANGE:
			r = add_change(c, e);
			break;
		case VIEW_BIND:
			r = add_entry(c, e);
			break;
		case VIEW_MASK:
			if (e->place == PLACE_TEMPORARY || e->place == PLACE_PERSIST || e->place == PLACE_DEVICES)
				plan_mkdir(c->plan, e->path, 0755, origin);
			else if (e->place == PLACE_COPY_ON_WRITE && !e->inode)
				plan_mkdir(c->plan, e->path, OVERLAY_STUB_MODE, origin);
			plan_mask(c->plan, e->path, e->is_directory, origin);
			break;
		}
		if (r < 0)
			return r;
		if (e->place == PLACE_ROOT && e->kind == VIEW_BIND)
			add_points(c, view);
	}
	return 0;
}

static bool is_mounted(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];

		if (step->op != OP_MKDIR && op_table[step->op].argument[0] == ARG_TARGET &&
		    strcmp(plan_text_at(plan, step->a), path + 1) == 0)
			return true;
	}
	return false;
}

/* Mounts of our own that are read-only once all is made in them. */
static bool is_sealed(const struct plan *plan, const struct view_entry *e)
{
	if (e->in_skeleton || (e->kind != VIEW_BIND && e->kind != VIEW_CHANGE))
		return false;
	if (e->place == PLACE_DEVICES)
		return e->kind == VIEW_BIND;
	return !(e->access & ACCESS_WRITE) && (e->place == PLACE_TEMPORARY || e->place == PLACE_PERSIST) &&
	       is_mounted(plan, e->path);
}

static int compile(struct compilation *c)
{
	struct view view;

	if (view_build(c->arena, c->policy, c->cage, c->d, &view) < 0)
		return -EINVAL;
	for (size_t i = 0; i < view.count; i++)
		prepare_own(c, &view.entries[i]);
	if (add_view(c, &view) < 0 || add_devices(c) < 0)
		return -EINVAL;
	for (size_t i = 0; i < view.count; i++)
		if (is_sealed(c->plan, &view.entries[i]))
			plan_seal_mount(c->plan, view.entries[i].path, view.entries[i].rule->origin);
	for (size_t i = 0; i < c->policy->rule_count; i++) {
		const struct rule *rule = &c->policy->rules[i];

		if (rule->kind != KIND_FILE || rule->effect == EFFECT_LOG)
			continue;
		if (rule->effect == EFFECT_ALLOW && rule->place == PLACE_PERSIST && c->cage->ephemeral)
			backend_claim(c, i, "mounts", EXACTNESS_COARSE, "ephemeral: gone at the end");
		else
			backend_claim(c, i, "mounts", view.exactness[i], view.note[i]);
	}
	return 0;
}

const struct backend backend_mounts = { "mounts", "shows the granted files and nothing else", compile };
