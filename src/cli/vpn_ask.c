/* cli/vpn_ask.c - asks for the user names and passwords that a VPN configuration leaves to its user.
 * Must not: show what is typed as a password, leave the terminal without its echo. */
#include "cli/vpn.h"

#include "base/fd.h"
#include "vpn/config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { ROOM = 4096, CTRL_C = 3 };

struct question { const char **answer; const char *words; bool is_secret, is_optional; };

/* A line of standard input, without its end; NULL at the end of input. */
static const char *read_line(struct arena *arena)
{
	char line[ROOM] = "";
	size_t length = 0;

	while (length < sizeof(line) - 1) {
		ssize_t count = read(STDIN_FILENO, line + length, 1);

		if (count <= 0 || line[length] == CTRL_C)
			return NULL;
		if (line[length] == '\n')
			break;
		length++;
	}
	return arena_strndup(arena, line, length);
}

/* Signals wait until the terminal is as it was; Ctrl-C is a byte meanwhile, which ends the line. */
static const char *ask(struct cli *cli, const struct question *q)
{
	struct termios before, silent;
	sigset_t blocked, old;
	const char *line;

	(void)fd_write_all(STDERR_FILENO, q->words, strlen(q->words));
	if (!q->is_secret || tcgetattr(STDIN_FILENO, &before) < 0)
		return read_line(cli->arena);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	silent.c_cc[VEOL] = CTRL_C;
	sigfillset(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	line = read_line(cli->arena);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	sigprocmask(SIG_SETMASK, &old, NULL);
	(void)fd_write_all(STDERR_FILENO, "\n", 1);
	return line;
}

static int check(struct cli *cli, const struct question *q)
{
	const char *fault;

	if (q->is_optional && !**q->answer) {
		*q->answer = NULL;
		return 0;
	}
	fault = vpn_secret_fault(*q->answer);
	return fault ? diag_error(&cli->d, "C739", NULL, "this cannot be the %s: %s",
				  q->is_secret ? "password" : "user", fault) : 0;
}

/* A pipe will do, so the file is read to its end, whatever it is. */
static int read_answers(struct cli *cli, const char *file, const struct question *questions, size_t count)
{
	AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char text[ROOM] = "", *at = text;
	size_t length = 0;
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0 && length < sizeof(text) - 1) {
		got = read(fd, text + length, sizeof(text) - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		return diag_error(&cli->d, "C739", NULL, "'%s' cannot be read: %s", str_quote(cli->arena, file),
				  strerror(errno));
	for (size_t i = 0; i < count; i++) {
		char *end = at + strcspn(at, "\n");

		if (!*at && !questions[i].is_optional) {
			diag_error(&cli->d, "C739", NULL, "'%s' has no line %zu", str_quote(cli->arena, file), i + 1);
			diag_help(&cli->d, "it has a line each for the user, the password, the password of the key");
			return -EINVAL;
		}
		*questions[i].answer = arena_strndup(cli->arena, at, (size_t)(end - at) - (end > at && end[-1] == '\r'));
		if (check(cli, &questions[i]) < 0)
			return -EINVAL;
		at = *end ? end + 1 : end;
	}
	return 0;
}

int vpn_ask(struct cli *cli, struct vpn_config *config, const char *file)
{
	struct question questions[3];
	size_t count = 0;

	if (config->wants_auth && !config->user) {
		questions[count++] = (struct question){ &config->user, "user: ", false, false };
		questions[count++] = (struct question){ &config->password, "password: ", true, false };
	}
	if (config->key_is_encrypted && !config->key_password)
		questions[count++] = (struct question){ &config->key_password, "password of the private key: ", true, false };
	else if (config->key_is_bundle && !config->key_password)
		questions[count++] = (struct question){ &config->key_password, "password of the bundle, if it has one: ",
							true, true };
	if (file)
		return read_answers(cli, file, questions, count);
	if (!isatty(STDIN_FILENO)) {
		if (!count || questions[0].is_optional)
			return 0;
		diag_error(&cli->d, "C739", NULL, config->wants_auth && !config->user ?
			   "the server wants a user and a password" : "the private key has a password");
		diag_help(&cli->d, "'--credentials FILE' reads them from the lines of a file; on a terminal you are asked");
		return -EINVAL;
	}
	for (size_t i = 0; i < count; i++) {
		*questions[i].answer = ask(cli, &questions[i]);
		if (!*questions[i].answer)
			return diag_error(&cli->d, "C739", NULL, "nothing was answered");
		if (check(cli, &questions[i]) < 0)
			return -EINVAL;
	}
	return 0;
}
