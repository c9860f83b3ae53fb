/* launch/overlay.c - the step that keeps changes apart: one overlayfs over a directory of the host.
 * The kernel takes layers as paths (descriptors only since 6.13), so it gets /proc/self/fd/N of what was
 * opened and compared here: no name is looked up twice (overlayfs.rst, "userxattr").
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

int overlay_make(struct child *c, const struct step *s)
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
