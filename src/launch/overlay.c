/* launch/overlay.c - the step that keeps changes apart: one overlayfs over a directory of the host.
 * The kernel takes layers as paths (descriptors only since 6.13), so it gets /proc/self/fd/N of what was
 * opened and compared here: no name is looked up twice (overlayfs.rst, "userxattr").
 * Where the kernel cannot, fuse-overlayfs serves the mount.  The mount is ours, as the kernel wants the device
 * opened in the namespace that owns it (fuse_fill_super()); the launcher starts who answers.
 * Must not: allocate, print, open anything but what the plan names. */
#include "launch/child.h"
#include "launch/kernel.h"

#include <string.h>
#include <sys/stat.h>

static const char *const layer_names[] = { "upper", "work" };

static int open_same(const char *path, const struct object *object)
{
	struct stat status;
	int fd = RESULT(open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) == 0 && status.st_dev == object->dev && status.st_ino == object->ino)
		return fd;
	close(fd);
	return -ESTALE;
}

/* Where the layers are: the cage's data, or the tmpfs that the step before has mounted. */
static int open_data(struct child *c, const struct step *s)
{
	const char *text = c->plan->text.text;
	int data, r = 0;

	if (PLAN_LAYERS_DATA(s->x))
		return open_same(text + PLAN_LAYERS_DATA(s->x), &c->plan->objects.items[s->c + 1]);
	data = sys_open_below(c->root, text[s->a] ? text + s->a : ".", O_PATH | O_DIRECTORY, 0);
	for (size_t i = 0; data >= 0 && r == 0 && i < ARRAY_SIZE(layer_names); i++)
		r = RESULT(mkdirat(data, layer_names[i], 0755));
	return r < 0 ? r : data;
}

static int set_layer(int fs, const char *key, int fd)
{
	char path[40] = "/proc/self/fd/", number[24];

	strcat(path, decimal(number, sizeof(number), (unsigned)fd));
	return sys_fsconfig_string(fs, key, path);
}

/* 0 when somebody answers for the mount from now on. */
static int ask_to_serve(struct child *c, const struct step *s, const int fds[LAYER_FDS])
{
	struct report report = { .kind = REPORT_LAYERS, .step = (uint32_t)(s - c->plan->steps.items) };
	int r = child_report_with(c, &report, fds, LAYER_FDS);
	int32_t answer = 0;
	long length;

	do
		length = RESULT(syscall(SYS_read, c->report, &answer, sizeof(answer)));
	while (length == -EINTR);
	return r < 0 ? r : length == sizeof(answer) ? answer : -ECANCELED;
}

static int mount_device(int device, unsigned attributes)
{
	static const char *const settings[][2] = { { "source", "cuddy" }, { "rootmode", "40000" },
						   { "user_id", "0" }, { "group_id", "0" } };
	static const char *const flags[] = { "allow_other", "default_permissions" };
	char number[24];
	int fs = sys_fsopen("fuse"), r = fs < 0 ? fs : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(settings); i++)
		r = sys_fsconfig_string(fs, settings[i][0], settings[i][1]);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(flags); i++)
		r = sys_fsconfig_flag(fs, flags[i]);
	if (r == 0)
		r = sys_fsconfig_string(fs, "fd", decimal(number, sizeof(number), (unsigned)device));
	return r < 0 ? r : sys_fsmount(fs, attributes);
}

/* Our copy of the device goes at once: when the other ends, so does the mount, and nobody waits for it. */
static int fuse_make(struct child *c, const struct step *s)
{
	const char *text = c->plan->text.text;
	int lower = open_same(text + s->b, &c->plan->objects.items[s->c]);
	int data = lower < 0 ? lower : open_same(text + PLAN_LAYERS_DATA(s->x), &c->plan->objects.items[s->c + 1]);
	int layers = data < 0 ? data : sys_open_below(data, "fuse", O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	int root = layers < 0 ? layers : RESULT(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	int device = root < 0 ? root : RESULT(open("/dev/fuse", O_RDWR | O_CLOEXEC));
	int mount = device < 0 ? device : mount_device(device, PLAN_LAYERS_ATTRS(s->x) & PLAN_ATTRS);
	struct stat status;
	int r = mount < 0 ? mount : ask_to_serve(c, s, (const int[]){ device, root, lower, layers });

	if (device >= 0)
		close(device);
	if (r == 0) /* this is the first question: an answer says that all is well */
		r = RESULT(fstatat(mount, ".cuddy", &status, AT_SYMLINK_NOFOLLOW));
	return r < 0 && r != -ENOENT ? r : mount;
}

static int kernel_make(struct child *c, const struct step *s)
{
	/* Without these a kernel may be built to want file handles or xattrs that we cannot have. */
	static const char *const settings[][2] = { { "index", "off" }, { "xino", "off" } };
	static const char *const keys[] = { "upperdir", "workdir" };
	int lower = open_same(c->plan->text.text + s->b, &c->plan->objects.items[s->c]);
	int data = lower < 0 ? lower : open_data(c, s);
	int fs = data < 0 ? data : sys_fsopen("overlay");
	int r = fs < 0 ? fs : set_layer(fs, "lowerdir", lower);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		int layer = sys_open_below(data, layer_names[i], O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);

		r = layer < 0 ? layer : set_layer(fs, keys[i], layer);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(settings); i++)
		r = sys_fsconfig_string(fs, settings[i][0], settings[i][1]);
	if (r == 0)
		r = sys_fsconfig_flag(fs, "userxattr");
	return r < 0 ? r : sys_fsmount(fs, PLAN_LAYERS_ATTRS(s->x));
}

int overlay_make(struct child *c, const struct step *s)
{
	return PLAN_LAYERS_ATTRS(s->x) & PLAN_LAYERS_FUSE ? fuse_make(c, s) : kernel_make(c, s);
}
