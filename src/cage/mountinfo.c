/* cage/mountinfo.c - the table of mounts of a process: "36 35 98:0 /root /point options… - type source …". */
#include "cage/mountinfo.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sorted.  nodev takes the teeth from devtmpfs, but not from these. */
static const char *const kernel_types[] = {
	"binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs", "fusectl",
	"mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
};

struct line { unsigned long long mount; char *point, *type; };

/* "\040" is a space. */
static void decode(char *text)
{
	char *out = text;

	for (; *text; text++)
		if (*text == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] && text[3]) {
			*out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 3;
		} else {
			*out++ = *text;
		}
	*out = '\0';
}

static bool parse(char *text, struct line *ret)
{
	char *rest = strstr(text, " - ");
	char *save, *word = strtok_r(text, " ", &save);

	if (!rest || !word)
		return false;
	ret->mount = strtoull(word, NULL, 10);
	for (unsigned i = 0; i < 4 && word; i++)
		word = strtok_r(NULL, " ", &save);
	ret->point = word;
	ret->type = rest + 3;
	ret->type[strcspn(ret->type, " ")] = '\0';
	if (!word)
		return false;
	decode(word);
	return true;
}

/* Calls `visit` for each line, until it returns false.  0 or -errno. */
static int each_line(int proc, bool (*visit)(void *context, const struct line *line), void *context)
{
	int fd = openat(proc, "mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	struct line line;
	char *text = NULL;
	size_t room = 0;

	if (!file) {
		int error = errno;

		fd_closep(&fd);
		return -error;
	}
	int r = 0;
	for (bool more = true; r == 0 && more && getline(&text, &room, file) > 0;) {
		r = parse(text, &line) ? 0 : -EPROTO;
		more = r == 0 && visit(context, &line);
	}
	r = ferror(file) ? -EIO : r;
	free(text);
	fclose(file);
	return r;
}

struct search { struct arena *arena; unsigned long long mount; const char *found; };

static bool is_it(void *context, const struct line *line)
{
	struct search *search = context;

	if (line->mount == search->mount)
		search->found = arena_strdup(search->arena, line->point);
	return !search->found;
}

int mountinfo_find(struct arena *arena, int proc, unsigned long long mount, const char **ret)
{
	struct search search = { arena, mount, NULL };
	int r = each_line(proc, is_it, &search);

	if (r == 0 && search.found)
		*ret = search.found;
	return r == 0 && !search.found ? -ENOENT : r;
}

static int compare(const void *word, const void *item)
{
	return strcmp(word, *(const char *const *)item);
}

static bool is_kernel(const char *type)
{
	return bsearch(type, kernel_types, ARRAY_SIZE(kernel_types), sizeof(*kernel_types), compare) != NULL;
}

/* The deepest mount that holds the path, the last of equals, and all that lie below. */
struct look { struct arena *arena; const char *path, *point; bool above, below; };

static bool look_at(void *context, const struct line *line)
{
	struct look *look = context;

	if (path_is_within(look->path, line->point)) {
		if (!look->point || path_is_within(line->point, look->point)) {
			look->point = arena_strdup(look->arena, line->point);
			look->above = is_kernel(line->type);
		}
	} else if (path_is_within(line->point, look->path)) {
		look->below = look->below || is_kernel(line->type);
	}
	return true;
}

int mountinfo_has_kernel(struct arena *arena, int proc, const char *path)
{
	struct look look = { .path = path, .arena = arena };
	int r = each_line(proc, look_at, &look);

	return r < 0 ? r : !look.point ? -ENOENT : look.above || look.below;
}
