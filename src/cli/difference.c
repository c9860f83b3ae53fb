/* cli/difference.c - runs diff(1) on two descriptors.
 * Must not: give it a path of the cage: it gets /dev/fd/3 and /dev/fd/4, opened here without links. */
#include "cli/difference.h"
#include "base/fd.h"
#include "base/path.h"
#include "cage/overlay.h"
#include "launch/kernel.h"

#include <string.h>
#include <sys/wait.h>

#define MOST_OUTPUT (16 * 1024 * 1024)

static int open_side(int dir, const char *path, const struct entry *e)
{
	AUTO_FD int fd = -1;
	struct stat status;

	if (!e->exists)
		return RESULT(open("/dev/null", O_RDONLY | O_CLOEXEC));
	fd = sys_open_below(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_NO_XDEV);
	if (fd < 0 || fstat(fd, &status) < 0)
		return fd < 0 ? fd : -errno;
	return S_ISREG(status.st_mode) ? TAKE_FD(fd) : -ESTALE;
}

static _Noreturn void run_diff(const int *sides, int output, const char *label)
{
	/* Above all that they become, so that none overwrites another. */
	int from[] = { fcntl(sides[0], F_DUPFD, 10), fcntl(sides[1], F_DUPFD, 10), fcntl(output, F_DUPFD, 10) };

	if (dup2(from[2], STDOUT_FILENO) < 0 || dup2(from[0], 3) < 0 || dup2(from[1], 4) < 0 ||
	    sys_close_range(5, ~0u) < 0)
		_exit(126);
	execlp("diff", "diff", "-u", "--label", label, "--label", label, "/dev/fd/3", "/dev/fd/4", (char *)NULL);
	_exit(127);
}

static void read_all(struct strbuf *out, int fd)
{
	char bytes[65536];
	ssize_t count;

	while ((count = read(fd, bytes, sizeof(bytes))) > 0 || (count < 0 && errno == EINTR))
		if (count > 0 && out->length < MOST_OUTPUT)
			strbuf_add_bytes(out, bytes, (size_t)count);
}

/* Line by line, so that the line ends stay. */
static void add_quoted(struct strbuf *out, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n\t");

		strbuf_add(out, str_quote(out->arena, arena_strndup(out->arena, text, length)));
		if (text[length])
			strbuf_add_bytes(out, text + length++, 1);
		text += length;
	}
}

int difference_print(struct cli *cli, const struct overlay *o, const struct change *c, struct strbuf *out)
{
	AUTO_FD int before = -1, after = -1, reader = -1, writer = -1;
	struct strbuf text = { .arena = cli->arena };
	int ends[2], status = 0;
	pid_t child;

	if ((c->before.exists && !S_ISREG(c->before.mode)) || (c->after.exists && !S_ISREG(c->after.mode)) ||
	    (c->differs && !(c->differs & DIFFERS_CONTENT)))
		return 0;
	before = open_side(o->lower, c->path, &c->before);
	after = open_side(o->upper, c->path, &c->after);
	if (before < 0 || after < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		strbuf_add(out, "cannot be read\n");
		return 0;
	}
	reader = ends[0];
	writer = ends[1];
	child = fork();
	if (child == 0)
		run_diff((const int[]){ before, after }, writer,
			 str_quote(cli->arena, path_join(cli->arena, o->path, c->path)));
	fd_closep(&writer);
	writer = -1;
	read_all(&text, reader);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
		diag_error(&cli->d, "C568", NULL, "diff cannot be started");
		diag_help(&cli->d, "install the package diffutils");
		return -EINVAL;
	}
	if (isatty(STDOUT_FILENO))
		add_quoted(out, strbuf_text(&text));
	else
		strbuf_add_bytes(out, strbuf_text(&text), text.length);
	return 0;
}
