/* cage/import/import.c - from a file to an image in the store.
 *
 * 1. a locked directory without a name  2. a root file system is unpacked into it; an archive of
 * layers is unpacked beside it, and its documents say which layers  3. the layers, in order
 * 4. image.toml  5. one rename.  Must not: read an archive itself, leave anything when it fails. */
#include "cage/import/import.h"

#include "base/fd.h"
#include "base/path.h"
#include "cage/image.h"
#include "cage/import/worker.h"
#include "cage/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct import {
	struct arena *arena;
	const struct import_options *options;
	struct diags *d;
	int *ret_signal;
	int store, input;
	bool directory; /* the input is one */
	struct worker worker;
	struct image_source source;
};

static int open_input(struct import *m)
{
	const char *file = m->options->file, *shown = str_quote(m->arena, file);
	struct stat status;

	m->input = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (m->input < 0 || fstat(m->input, &status) < 0)
		return diag_error(m->d, "C572", NULL, "'%s' cannot be opened: %s", shown, strerror(errno));
	m->directory = S_ISDIR(status.st_mode);
	if (!m->directory && !S_ISREG(status.st_mode))
		return diag_error(m->d, "C572", NULL, "'%s' is neither a file nor a directory", shown);
	if (!m->directory && m->options->progress)
		m->worker.total = (uint64_t)status.st_size;
	return 0;
}

static int fail_store(struct import *m, int r)
{
	return diag_error(m->d, "C583", NULL, "'%s' cannot be used: %s",
			  str_quote(m->arena, image_store_path(m->arena)), strerror(-r));
}

static int fail_exists(struct import *m)
{
	diag_error(m->d, "C579", NULL, "there is an image '%s' already", m->options->name);
	diag_help(m->d, "'--replace' puts the new one in its place, '--name' gives another name");
	return -EINVAL;
}

static int make_directory(struct import *m, const char *name, int *ret)
{
	if (mkdirat(m->worker.jail, name, 0700) < 0)
		return fail_store(m, -errno);
	*ret = openat(m->worker.jail, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret < 0 ? fail_store(m, -errno) : 0;
}

static int apply_layers(struct import *m, int directory)
{
	struct worker *w = &m->worker;

	if (image_source_open(m->arena, directory, &m->options->choice, m->d, &m->source) < 0)
		return -EINVAL;
	/* Whiteouts and inner digests are passes of their own. */
	w->total = 0;
	for (size_t i = 0; i < m->source.count && m->options->progress; i++)
		w->total += m->source.layers[i].size * (1 + (i > 0) + m->source.layers[i].inner);
	w->archive = -1;
	w->source = &m->source;
	memset(w->report, 0, sizeof(*w->report));
	return worker_run(m->arena, w, m->d, m->ret_signal);
}

static int unpack(struct import *m)
{
	struct worker *w = &m->worker;
	int r;

	r = make_directory(m, "rootfs", &w->top);
	if (r == 0 && fchmod(w->top, 0755) < 0)
		r = fail_store(m, -errno);
	if (r < 0)
		return r;
	if (m->directory) {
		w->parts = -1;
		return apply_layers(m, m->input);
	}
	w->archive = m->input;
	r = make_directory(m, "parts", &w->parts);
	if (r == 0)
		r = worker_run(m->arena, w, m->d, m->ret_signal);
	if (r == 0 && w->is_image)
		r = apply_layers(m, w->parts);
	if (r == 0) {
		r = tree_clear(w->jail, "parts");
		r = r < 0 ? fail_store(m, r) : 0;
	}
	if (r == 0 && w->report->entries == 0)
		r = diag_error(m->d, "C572", NULL, "the archive is empty");
	return r;
}

static const char *const ids_words[] = {
	[SUBIDS_ALL] = "all", [SUBIDS_MAPPED] = "mapped", [SUBIDS_SINGLE] = "single", [SUBIDS_NONE] = "single",
};

static int write_info(struct import *m)
{
	time_t now = time(NULL);
	char imported[32], *file = realpath(m->options->file, NULL);
	struct image_info info = {
		.source = arena_strdup(m->arena, file ? file : m->options->file),
		.digest = m->source.digest, .tag = m->source.tag, .imported = imported,
		.ids = ids_words[m->worker.ids], .size = (int64_t)m->worker.report->size,
		.config = m->source.config,
	};
	const char *text;
	struct tm tm;
	int r;

	free(file);
	strftime(imported, sizeof(imported), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	text = image_info_text(m->arena, &info);
	r = fd_replace_file(m->worker.jail, "image.toml", text, strlen(text), 0600);
	/* The name must not reach the disk before what it names. */
	if (r == 0 && syncfs(m->worker.jail) < 0)
		r = -errno;
	return r < 0 ? fail_store(m, r) : 0;
}

static void add_note(struct strbuf *out, uint64_t count, const char *what)
{
	if (count)
		strbuf_addf(out, "note: %s: %llu\n", what, (unsigned long long)count);
}

static void tell(struct import *m)
{
	const struct image_report *report = m->worker.report;
	struct strbuf out = { .arena = m->arena }, notes = { .arena = m->arena };

	strbuf_addf(&out, "imported '%s': %llu MiB, %llu entries\n", m->options->name,
		    (unsigned long long)(report->size + (1 << 20) - 1) >> 20, (unsigned long long)report->entries);
	add_note(&notes, report->devices, "device nodes, FIFOs and sockets left out");
	add_note(&notes, report->set_id, "set-uid and set-gid bits taken away, they mean nothing in a cage");
	add_note(&notes, report->attributes, "extended attributes left out, such as file capabilities");
	add_note(&notes, report->foreign, "given to root, since their owners are beyond the ids that you may use");
	if (m->worker.ids == SUBIDS_SINGLE || m->worker.ids == SUBIDS_NONE)
		strbuf_add(&notes, "note: all files belong to one user: newuidmap is missing, or /etc/subuid and "
				   "/etc/subgid grant you no ids\n");
	(void)fd_write_all(STDOUT_FILENO, out.text, out.length);
	(void)fd_write_all(STDERR_FILENO, strbuf_text(&notes), notes.length);
}

static int fill(struct import *m, const char *temporary)
{
	int r = unpack(m);

	if (r == 0)
		r = write_info(m);
	if (r < 0)
		return r;
	r = image_publish(m->arena, m->store, temporary, m->options->name, m->options->replace);
	return r == -EEXIST ? fail_exists(m) : r < 0 ? fail_store(m, r) : 0;
}

int image_import(struct arena *arena, const struct import_options *options, struct diags *d,
		 int *ret_signal)
{
	struct import m = { .arena = arena, .options = options, .d = d, .ret_signal = ret_signal };
	const char *temporary;
	int r;

	r = open_input(&m);
	if (r < 0)
		return r;
	m.store = image_store_open(arena, true);
	if (m.store < 0)
		return fail_store(&m, m.store);
	if (!options->replace && faccessat(m.store, options->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return fail_exists(&m);
	m.worker.most_size = options->most_size;
	m.worker.report = mmap(NULL, sizeof(*m.worker.report), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(m.worker.report != MAP_FAILED);
	m.worker.jail = image_begin(arena, m.store, &temporary);
	if (m.worker.jail < 0)
		return fail_store(&m, m.worker.jail);
	r = fill(&m, temporary);
	if (r == 0)
		tell(&m);
	else
		(void)image_discard(arena, m.store, temporary);
	return r;
}
