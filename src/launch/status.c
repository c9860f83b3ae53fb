/* launch/status.c - writes the events of --status-fd.
 * Must not: fail a launch because nobody reads. */
#include "launch/status.h"
#include "base/fd.h"
#include "base/json.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* The writer indents documents; an event is one line, and its strings hold no line break. */
static void write_line(int fd, struct arena *arena, const struct strbuf *document)
{
	struct strbuf line = { .arena = arena };
	sigset_t one, mask, pending;

	for (const char *at = document->text; *at; at++) {
		if (*at != '\n') {
			strbuf_add_bytes(&line, at, 1);
			continue;
		}
		at += strspn(at, "\n ") - 1;
		if (at[1] == '"' && line.length > 1)
			strbuf_add(&line, " ");
	}
	strbuf_add(&line, "\n");
	sigemptyset(&one);
	sigaddset(&one, SIGPIPE);
	sigpending(&pending);
	sigprocmask(SIG_BLOCK, &one, &mask);
	if (fd_write_all(fd, line.text, line.length) == -EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&one, NULL, &(struct timespec){ 0 });
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

void status_started(int fd, struct arena *arena, pid_t pid, const char *cage)
{
	struct strbuf out = { .arena = arena };
	struct json json = { .out = &out };

	if (fd <= 0)
		return;
	json_object(&json, NULL);
	json_string(&json, "event", "started");
	json_number(&json, "pid", pid);
	json_string(&json, "cage", cage);
	json_end_object(&json);
	write_line(fd, arena, &out);
}

void status_ended(int fd, struct arena *arena, int wait_status)
{
	struct strbuf out = { .arena = arena };
	struct json json = { .out = &out };
	bool signalled = WIFSIGNALED(wait_status);

	if (fd <= 0)
		return;
	json_object(&json, NULL);
	json_string(&json, "event", signalled ? "signalled" : "exited");
	if (signalled)
		json_number(&json, "signal", WTERMSIG(wait_status));
	json_number(&json, "status", signalled ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
	json_end_object(&json);
	write_line(fd, arena, &out);
}

void status_failed(int fd, const struct diags *d, const char *event, int status)
{
	struct strbuf out = { .arena = d->arena };
	struct json json = { .out = &out };
	const char *code = NULL;

	if (fd <= 0)
		return;
	for (size_t i = 0; i < d->list.count; i++)
		if (d->list.items[i].severity == SEVERITY_ERROR)
			code = d->list.items[i].code;
	json_object(&json, NULL);
	json_string(&json, "event", event);
	json_string(&json, "code", code);
	json_number(&json, "status", status);
	json_end_object(&json);
	write_line(fd, d->arena, &out);
}
