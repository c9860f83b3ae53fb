/* cli/installed.c - files with a list of what they were.
 * Must not: write over anything, remove what somebody changed. */
#include "cli/installed.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INSTALLED "installed"

static const char *digest_of(struct arena *arena, const char *kind, const char *content, size_t length)
{
	char *text = arena_alloc(arena, SHA256_TEXT);
	struct sha256 sha;

	sha256_init(&sha);
	sha256_add(&sha, kind, 1);
	sha256_add(&sha, content, length);
	sha256_finish(&sha, text);
	return text;
}

/* Of what is there now; NULL for nothing, or nothing that we write. */
static const char *present_digest(struct arena *arena, const char *path)
{
	char target[PATH_MAX], *text;
	ssize_t size = readlink(path, target, sizeof(target));
	size_t length;

	if (size > 0)
		return digest_of(arena, "l", target, (size_t)size);
	AUTO_FD int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fd_read_file(arena, AT_FDCWD, path, 2 * LIMIT_ICON, &text, &length) < 0)
		return NULL;
	return digest_of(arena, "f", text, length);
}

static int write_list(struct arena *arena, int data, const struct installed *wish)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < wish->files.count; i++) {
		strbuf_addf(&out, "%s %s", wish->files.items[i].digest, wish->files.items[i].path);
		strbuf_add_bytes(&out, "", 1);
	}
	return fd_replace_file(data, INSTALLED, strbuf_text(&out), out.length, 0600);
}

/* The directory of a path, made as mkdir -p does. */
static int make_parents(struct arena *arena, const char *path)
{
	char *text = arena_strdup(arena, path);

	for (char *at = strchr(text + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(text, 0755) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return 0;
}

static int write_one(struct arena *arena, const struct installed_file *file)
{
	int r = make_parents(arena, file->path);

	if (r < 0)
		return r;
	if (file->is_link)
		return symlink(file->content, file->path) < 0 ? -errno : 0;
	AUTO_FD int fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, file->content, strlen(file->content));
	if (r < 0)
		unlink(file->path);
	return r;
}

int installed_write(struct cli *cli, int data, struct installed *wish)
{
	int r;

	for (size_t i = 0; i < wish->files.count; i++) {
		struct installed_file *file = &wish->files.items[i];

		file->digest = digest_of(cli->arena, file->is_link ? "l" : "f", file->content, strlen(file->content));
	}
	r = write_list(cli->arena, data, wish);
	if (r < 0)
		return diag_error(&cli->d, "C652", NULL, "the list of files cannot be written: %s", strerror(-r));
	for (size_t i = 0; i < wish->files.count; i++) {
		r = write_one(cli->arena, &wish->files.items[i]);
		if (r == 0)
			continue;
		diag_error(&cli->d, "C652", NULL, "'%s' cannot be written: %s",
			   str_quote(cli->arena, wish->files.items[i].path), strerror(-r));
		if (r == -EEXIST)
			diag_help(&cli->d, "cuddy writes over nothing: move it away, or choose another --name");
		while (i-- > 0)
			unlink(wish->files.items[i].path);
		unlinkat(data, INSTALLED, 0);
		return -EINVAL;
	}
	return 0;
}

int installed_read(struct arena *arena, int data, struct installed *ret)
{
	struct installed installed = { 0 };
	size_t length;
	char *text;
	int r = fd_read_file(arena, data, INSTALLED, LIMIT_FILE_SIZE, &text, &length);

	if (r < 0)
		return r;
	for (char *at = text, *end; at < text + length; at = end + 1) {
		end = at + strlen(at);
		if (end - at < SHA256_TEXT + 1 || at[SHA256_TEXT - 1] != ' ' || at[SHA256_TEXT] != '/')
			return -EPROTO;
		at[SHA256_TEXT - 1] = '\0';
		*vec_push(arena, &installed.files) = (struct installed_file){ .path = at + SHA256_TEXT, .digest = at };
	}
	*ret = installed;
	return 0;
}

int installed_remove(struct cli *cli, int data, const struct installed *installed)
{
	for (size_t i = 0; i < installed->files.count; i++) {
		const struct installed_file *file = &installed->files.items[i];
		const char *now = present_digest(cli->arena, file->path);

		if (!now && access(file->path, F_OK) < 0)
			continue;
		if (!str_equal(now, file->digest))
			diag_warning(&cli->d, "C653", NULL, "'%s' was changed since, and is left",
				     str_quote(cli->arena, file->path));
		else if (unlink(file->path) < 0)
			return diag_error(&cli->d, "C652", NULL, "'%s' cannot be removed: %s",
					  str_quote(cli->arena, file->path), strerror(errno));
	}
	return unlinkat(data, INSTALLED, 0) < 0 ? diag_error(&cli->d, "C652", NULL, "the list of files cannot be removed: %s",
							     strerror(errno)) : 0;
}
