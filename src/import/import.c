/* import/import.c - chooses the reader, and what all readers share: entries, findings, lines.
 * Must not: know any format; write anything. */
#include "import/import.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "policy/capabilities.h"
#include "policy/syscalls.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

static const struct import_reader *const readers[] = {
	&import_apparmor, &import_firejail, &import_flatpak, &import_oci, &import_systemd,
};
static const struct { const char *other, *name; } aliases[] = { { "docker", "oci" } };

/* --- entries ---------------------------------------------------------------------------- */

static struct import_entry *push(struct import *i, struct import_entry entry, const struct origin *origin)
{
	struct import_entry *added;

	if (i->entries.count >= LIMIT_IMPORT_ENTRIES) {
		if (!i->is_full)
			diag_error(i->d, "C703", origin, "more than %d rights and settings",
				   LIMIT_IMPORT_ENTRIES);
		i->is_full = true;
		return NULL;
	}
	entry.value = arena_strdup(i->arena, entry.value);
	added = vec_push(i->arena, &i->entries);
	*added = entry;
	if (origin)
		*vec_push(i->arena, &added->origins) = origin;
	return added;
}

void import_add(struct import *i, enum import_need need, const char *section, const char *key,
		const char *value, const struct origin *origin)
{
	push(i, (struct import_entry){ .section = section, .key = key, .value = value, .need = need }, origin);
}

void import_add_all(struct import *i, enum import_need need, const char *section, const char *key,
		    const char *values, const struct origin *origin)
{
	char *rest = arena_strdup(i->arena, values), *word;

	while ((word = import_word(&rest, " ")))
		import_add(i, need, section, key, word, origin);
}

void import_flag(struct import *i, const char *flag, const struct origin *origin)
{
	const char *dot = strchr(flag, '.');

	import_add(i, IMPORT_WANTED, arena_strndup(i->arena, flag, (size_t)(dot - flag)), "flags", dot + 1,
		   origin);
}

static const char *quoted(struct arena *arena, const char *text)
{
	struct strbuf out = { .arena = arena };

	strbuf_add(&out, "\"");
	for (; *text; text++)
		strbuf_addf(&out, *text == '"' || *text == '\\' ? "\\%c" :
			    (unsigned char)*text < ' ' || *text == 127 ? "\\u%04x" : "%c", (unsigned char)*text);
	strbuf_add(&out, "\"");
	return strbuf_text(&out);
}

void import_mount(struct import *i, const char *source, const char *target, const char *access,
		  const struct origin *origin)
{
	const char *value = arena_printf(i->arena, "{ source = %s, target = %s, access = \"%s\" }",
					 quoted(i->arena, source), quoted(i->arena, target), access);

	push(i, (struct import_entry){ .section = "filesystem", .key = "mount", .value = value,
				       .is_raw = true }, origin);
}

void import_drop(struct import *i, const char *section, const char *key, const char *value)
{
	size_t kept = 0;

	for (size_t n = 0; n < i->entries.count; n++) {
		struct import_entry *e = &i->entries.items[n];

		if (!(str_equal(e->section, section) && str_equal(e->key, key) &&
		      (!value || str_equal(e->value, value))))
			i->entries.items[kept++] = *e;
	}
	i->entries.count = kept;
}

void import_set(struct import *i, const char *section, const char *key, const char *value, bool is_raw,
		const struct origin *origin)
{
	import_drop(i, section, key, NULL);
	push(i, (struct import_entry){ .section = section, .key = key, .value = value, .is_single = true,
				       .is_raw = is_raw }, origin);
}

void import_tree(struct import *i, enum import_need need, const char *key, const char *path,
		 const struct origin *origin)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	if (str_equal(path, "~") || str_equal(path, "/") || str_equal(path, "~/")) {
		import_add(i, need, "filesystem", key, *path == '~' ? "~/" : "/", origin);
		import_add(i, need, "filesystem", key, *path == '~' ? "~/**" : "/**", origin);
		return;
	}
	import_add(i, need, "filesystem", key,
		   arena_printf(i->arena, "%.*s{,/,/**}", (int)length, path), origin);
}

char *import_literal(struct arena *arena, const char *path, size_t length)
{
	struct strbuf out = { .arena = arena };

	for (size_t n = 0; n < length; n++) {
		if (strchr("*?[]{}\\$,^", path[n]))
			strbuf_add(&out, "\\");
		strbuf_add_bytes(&out, path + n, 1);
	}
	return (char *)strbuf_text(&out);
}

/* Classes that an unrestricted call has in nearly every program are wanted, others only granted. */
static bool is_everyday(const char *name, const char *class)
{
	return str_equal(name, "socket") && (str_equal(class, "inet") || str_equal(class, "inet6") ||
					     str_equal(class, "netlink-route"));
}

bool import_call(struct import *i, bool allow, enum import_need need, const char *name,
		 const struct origin *origin)
{
	const char *key = allow ? "allow-syscalls" : "deny-syscalls";
	int call = syscall_find(name, strlen(name));

	if (call < 0)
		return false;
	import_add(i, need, "runtime", key, name, origin);
	for (size_t n = 0; n < syscall_class_count; n++) {
		const struct syscall_class *row = &syscall_classes[n];
		enum import_need of_class = need;

		if (row->call != (enum call)call || row->class == CLASS_ORDINARY)
			continue;
		if (need == IMPORT_WANTED)
			of_class = !allow ? IMPORT_IF_NEEDED : is_everyday(name, row->name) ? need : IMPORT_IMPLIED;
		import_add(i, of_class, "runtime", key, arena_printf(i->arena, "%s(%s)", name, row->name), origin);
	}
	return true;
}

void import_capability(struct import *i, const char *key, const char *name, const struct origin *origin)
{
	int number = capability_find(name);

	if (number < 0)
		import_tell(i, str_starts(key, "deny") ? IMPORT_LOST : IMPORT_UNKNOWN, origin,
			    "there is no capability '%s'", str_quote(i->arena, name));
	else
		import_add(i, IMPORT_WANTED, "runtime", key, capability_name((unsigned)number), origin);
}

bool import_variable(struct import *i, const char *text, const struct origin *origin)
{
	size_t name = strcspn(text, "=");

	for (size_t n = 0; n < name; n++)
		if (!isalnum((unsigned char)text[n]) && text[n] != '_')
			return false;
	if (!name || !text[name])
		return false;
	import_set(i, "environment.set", arena_strndup(i->arena, text, name), text + name + 1, false, origin);
	return true;
}

void import_all_calls(struct import *i)
{
	for (size_t n = 0; n < CALL_COUNT; n++)
		import_call(i, true, IMPORT_IMPLIED, syscalls[n].name, NULL);
}

void import_tell(struct import *i, enum import_loss loss, const struct origin *origin, const char *format,
		 ...)
{
	struct import_finding finding = { .loss = loss, .origin = origin };
	va_list arguments;

	if (i->findings.count >= LIMIT_IMPORT_ENTRIES)
		return;
	va_start(arguments, format);
	finding.what = arena_vprintf(i->arena, format, arguments);
	va_end(arguments);
	for (size_t n = i->findings.count; n > 0 && i->findings.count - n < 16; n--)
		if (str_equal(i->findings.items[n - 1].what, finding.what) &&
		    i->findings.items[n - 1].origin == origin)
			return;
	*vec_push(i->arena, &i->findings) = finding;
}

const char *import_loss_name(enum import_loss loss)
{
	switch (loss) {
	case IMPORT_LOST: return "lost";
	case IMPORT_NARROW: return "narrower";
	case IMPORT_UNKNOWN: return "unknown";
	}
	unreachable();
}

/* --- lines ------------------------------------------------------------------------------ */

bool import_next_line(struct import *i, const struct source *source, const struct origin *via,
		      struct import_line *line)
{
	const char *text = source->text + line->at, *end = strchrnul(text, '\n'), *start = text;
	struct origin *origin;

	if (line->at >= source->length)
		return false;
	line->at += (size_t)(end - text) + (*end == '\n');
	line->number++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	while (start < end && isspace((unsigned char)*start))
		start++;
	origin = arena_new_object(i->arena, struct origin);
	*origin = (struct origin){ source, line->number, (uint32_t)(start - text) + 1,
				   (uint32_t)(end - start), via };
	line->origin = origin;
	line->text = arena_strndup(i->arena, start, (size_t)(end - start));
	return true;
}

char *import_word(char **text, const char *separators)
{
	char *word = *text + strspn(*text, separators), *end = word + strcspn(word, separators);

	if (!*word)
		return NULL;
	*text = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

/* --- files ------------------------------------------------------------------------------ */

const struct source *import_read(struct import *i, const char *path, const struct origin *via)
{
	struct source *source = arena_new_object(i->arena, struct source);
	char *text;
	int r = fd_read_file(i->arena, AT_FDCWD, path, LIMIT_IMPORT_SIZE, &text, &source->length);

	if (r < 0) {
		diag_error(i->d, "C700", via, "'%s' cannot be read: %s", str_quote(i->arena, path),
			   r == -EFBIG ? "it is larger than 4 MiB" : strerror(-r));
		return NULL;
	}
	source->name = path;
	source->text = text;
	source->first_line = 1;
	return source;
}

static const struct import_reader *reader_named(struct import *i, const char *name)
{
	const char *names[ARRAY_SIZE(readers)], *near;

	for (size_t n = 0; n < ARRAY_SIZE(aliases); n++)
		if (str_equal(name, aliases[n].other))
			name = aliases[n].name;
	for (size_t n = 0; n < ARRAY_SIZE(readers); n++) {
		names[n] = readers[n]->name;
		if (str_equal(name, names[n]))
			return readers[n];
	}
	diag_error(i->d, "C701", NULL, "there is no reader for '%s'", str_quote(i->arena, name));
	near = diag_nearest(name, names, ARRAY_SIZE(names));
	diag_help(i->d, near ? "did you mean '%s'?" : "apparmor, bwrap, docker, firejail, flatpak, oci, systemd", near);
	return NULL;
}

static const struct import_reader *reader_for(struct import *i, const struct source *source)
{
	const struct import_reader *best = NULL;
	int most = 0;

	for (size_t n = 0; n < ARRAY_SIZE(readers); n++) {
		int sure = readers[n]->recognise(source->text, path_base_name(source->name));

		if (sure > most) {
			most = sure;
			best = readers[n];
		}
	}
	if (!best) {
		diag_error(i->d, "C702", NULL, "'%s' looks like no file that can be imported",
			   str_quote(i->arena, source->name));
		diag_help(i->d, "say what it is with '--from'");
	}
	return best;
}

int import_source(struct import *i, const struct source *source, const char *from)
{
	const struct import_reader *reader;
	const char *nul = memchr(source->text, '\0', source->length);
	struct origin where = { .source = source, .line = 1, .column = 1, .length = 1 };

	for (const char *at = source->text; nul && at < nul; at++) {
		where.line += *at == '\n';
		where.column = *at == '\n' ? 1 : where.column + 1;
	}
	if (nul)
		return diag_error(i->d, "C704", &where, "the file holds a zero byte, so it is no text");
	reader = from ? reader_named(i, from) : reader_for(i, source);
	if (!reader)
		return -EINVAL;
	i->from = reader->name;
	i->file = source->name;
	if (reader->read(i, source) < 0 || i->is_full || i->d->errors)
		return -EINVAL;
	return import_fold(i);
}

int import_file(struct import *i, const char *file, const char *from)
{
	const struct source *source = import_read(i, file, NULL);

	return source ? import_source(i, source, from) : -EINVAL;
}
