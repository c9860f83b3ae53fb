/* policy/request.c - reads a question: one verb and what it is about.
 *
 * The vocabulary is one table; each row names the function that reads the rest of the line.
 * Must not: touch the file system, resolve names. */
#include "policy/policy.h"

#include "base/path.h"
#include "policy/capabilities.h"
#include "policy/syscalls.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct reader {
	struct arena *arena;
	const char *home, *base;
	struct diags *d;
};

typedef int read_function(const struct reader *reader, const char *text, struct request *request);

static read_function path_read, device_read, target_read, port_read, name_read, syscall_read,
	capability_read, bus_read;

static const struct verb {
	const char *name;
	enum kind kind;
	unsigned access;
	read_function *read;
} verbs[] = {
	{ "broadcast",  KIND_BUS,        ACCESS_BROADCAST, bus_read        },
	{ "call",       KIND_BUS,        ACCESS_CALL,      bus_read        },
	{ "capability", KIND_CAPABILITY, ACCESS_USE,       capability_read },
	{ "connect",    KIND_NETWORK,    ACCESS_CONNECT,   target_read     },
	{ "create",     KIND_FILE,       ACCESS_WRITE,     path_read       },
	{ "delete",     KIND_FILE,       ACCESS_WRITE,     path_read       },
	{ "device",     KIND_DEVICE,     ACCESS_USE,       device_read     },
	{ "execute",    KIND_FILE,       ACCESS_EXECUTE,   path_read       },
	{ "list",       KIND_FILE,       ACCESS_READ,      path_read       },
	{ "listen",     KIND_NETWORK,    ACCESS_LISTEN,    port_read       },
	{ "own",        KIND_BUS,        ACCESS_OWN,       bus_read        },
	{ "read",       KIND_FILE,       ACCESS_READ,      path_read       },
	{ "resolve",    KIND_NETWORK,    ACCESS_RESOLVE,   name_read       },
	{ "see",        KIND_BUS,        ACCESS_SEE,       bus_read        },
	{ "send",       KIND_NETWORK,    ACCESS_SEND,      target_read     },
	{ "syscall",    KIND_SYSCALL,    ACCESS_USE,       syscall_read    },
	{ "talk",       KIND_BUS,        ACCESS_TALK,      bus_read        },
	{ "write",      KIND_FILE,       ACCESS_WRITE,     path_read       },
};

/* ---- files and devices ------------------------------------------------------------------- */

/* A trailing slash says "directory" and stays; `list` asks of directories only. */
static int path_read(const struct reader *reader, const char *text, struct request *request)
{
	bool home = text[0] == '~' && (text[1] == '/' || !text[1]);
	bool directory = str_ends(text, "/") || str_ends(text, "/.") || str_ends(text, "/..") ||
			 str_equal(text, ".") || str_equal(text, "..") || str_equal(text, "~") ||
			 str_equal(request->verb, "list");
	const char *path;

	if (home)
		path = path_normal(reader->arena, reader->home, text[1] ? text + 2 : ".");
	else
		path = path_normal(reader->arena, reader->base, text);
	if (directory && !str_equal(path, "/"))
		path = arena_printf(reader->arena, "%s/", path);
	request->subject = path;
	return 0;
}

static int device_read(const struct reader *reader, const char *text, struct request *request)
{
	request->subject = path_normal(reader->arena, "/dev", text);
	return 0;
}

/* ---- network ----------------------------------------------------------------------------- */

static int vague(const struct reader *reader, const char *text, const char *help)
{
	diag_error(reader->d, "C221", NULL, "'%s' is not one place that can be asked for",
		   str_quote(reader->arena, text));
	diag_help(reader->d, "%s", help);
	return -EINVAL;
}

/* HOST:PORT with an optional protocol, which goes before the verb; or a socket without a file, "@NAME" as ss(8)
 * shows it. */
static int target_read(const struct reader *reader, const char *text, struct request *request)
{
	struct endpoint e;
	const char *full = text;
	int r;

	if (*text == '@') {
		request->endpoint = (struct endpoint){ .access = request->access, .form = HOST_ABSTRACT };
		request->subject = text;
		return 0;
	}
	if (!str_starts(text, "tcp:") && !str_starts(text, "udp:") && !str_starts(text, "icmp:"))
		full = arena_printf(reader->arena, "%s%s",
				    request->access == ACCESS_CONNECT ? "tcp:" : "udp:", text);
	r = endpoint_parse(reader->arena, full, NULL, reader->d, &e);
	if (r < 0)
		return r;
	e.access &= ~(unsigned)ACCESS_RESOLVE;
	if (e.form == HOST_LOOPBACK) {
		e.form = HOST_NETWORK;
		e.prefix = 128;
		memcpy(e.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", sizeof(e.address));
	}
	if (e.form != HOST_NAME && (e.form != HOST_NETWORK || e.prefix != 128))
		return vague(reader, text, "ask for one name or address, as in 'connect example.org:443'");
	if (e.first_port != e.last_port && !e.icmp)
		return vague(reader, text, "add one port, as in 'connect example.org:443'");
	request->access = e.access;
	request->endpoint = e;
	request->subject = endpoint_text(reader->arena, &e);
	return 0;
}

static int port_read(const struct reader *reader, const char *text, struct request *request)
{
	const char *full = str_starts(text, "listen:") ? text
						       : arena_printf(reader->arena, "listen:%s", text);
	struct endpoint e;
	int r = endpoint_parse(reader->arena, full, NULL, reader->d, &e);

	if (r < 0)
		return r;
	if (e.access != ACCESS_LISTEN || e.first_port != e.last_port)
		return vague(reader, text, "ask for one port, as in 'listen 8080'");
	request->endpoint = e;
	request->subject = endpoint_text(reader->arena, &e);
	return 0;
}

static int name_read(const struct reader *reader, const char *text, struct request *request)
{
	const char *full = str_starts(text, "dns:") ? text : arena_printf(reader->arena, "dns:%s", text);
	struct endpoint e;
	int r = endpoint_parse(reader->arena, full, NULL, reader->d, &e);

	if (r < 0)
		return r;
	if (e.form == HOST_LOOPBACK) {
		e.form = HOST_NAME;
		e.name = "localhost";
	}
	if (e.form != HOST_NAME)
		return vague(reader, text, "ask for one name, as in 'resolve example.org'");
	request->endpoint = e;
	request->subject = e.name;
	return 0;
}

/* ---- names ------------------------------------------------------------------------------- */

#define SMALL "abcdefghijklmnopqrstuvwxyz0123456789"
#define LARGE "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int bad_name(const struct reader *reader, const char *text, const char *what, const char *example)
{
	diag_error(reader->d, "C222", NULL, "'%s' is no name of a %s", str_quote(reader->arena, text),
		   what);
	diag_help(reader->d, "write it as in '%s'", example);
	return -EINVAL;
}

/* NAME or NAME(CLASS). */
static int syscall_read(const struct reader *reader, const char *text, struct request *request)
{
	size_t name = strspn(text, SMALL "_"), class;
	const char *rest = text + name;
	enum call call;
	unsigned number;

	class = *rest == '(' ? strspn(rest + 1, SMALL LARGE "_-") : 0;
	if (name == 0 || (*rest && (class == 0 || !str_equal(rest + 1 + class, ")"))))
		return bad_name(reader, text, "system call", "syscall clone(user-namespace)");
	if (syscall_parse(text, &call, &number) == -ENOENT)
		return bad_name(reader, text, "system call", "syscall clone(user-namespace)");
	request->subject = arena_strdup(reader->arena, text);
	return 0;
}

/* The kernel's name in small letters, with or without "CAP_". */
static int capability_read(const struct reader *reader, const char *text, struct request *request)
{
	char *name = arena_strdup(reader->arena, text);

	if (!*text || text[strspn(text, SMALL LARGE "_-")])
		return bad_name(reader, text, "capability", "capability net_raw");
	for (char *c = name; *c; c++)
		*c = (char)(*c == '-' ? '_' : tolower((unsigned char)*c));
	request->subject = str_starts(name, "cap_") ? name + 4 : name;
	if (capability_find(request->subject) < 0)
		return bad_name(reader, text, "capability", "capability net_raw");
	return 0;
}

/* [session:|system:]NAME[.MEMBER], or NAME=INTERFACE.MEMBER[@PATH] to be exact. */
static int bus_read(const struct reader *reader, const char *text, struct request *request)
{
	const char *name = text;
	size_t length;

	request->system_bus = str_starts(text, "system:");
	if (request->system_bus || str_starts(text, "session:"))
		name = strchr(text, ':') + 1;
	length = strspn(name, SMALL LARGE "_-.");
	if (length == 0 || length > 255 || name[0] == '.' || name[length - 1] == '.' ||
	    strstr(name, "..") || (name[length] && name[length] != '=') ||
	    (name[length] && name[length + 1 + strspn(name + length + 1, SMALL LARGE "_-.@/")]))
		return bad_name(reader, text, "service on the bus", "talk org.freedesktop.secrets");
	request->subject = arena_strdup(reader->arena, name);
	return 0;
}

/* ---- the question ------------------------------------------------------------------------ */

static int verb_unknown(struct diags *d, const char *word)
{
	const char *names[ARRAY_SIZE(verbs)], *near;
	struct strbuf all = { .arena = d->arena };

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		names[i] = verbs[i].name;
		strbuf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	near = diag_nearest(word, names, ARRAY_SIZE(verbs));
	diag_error(d, "C220", NULL, "nothing is called to '%s'", str_quote(d->arena, word));
	if (near)
		diag_help(d, "did you mean '%s'?", near);
	else
		diag_help(d, "ask one of: %s", strbuf_text(&all));
	return -EINVAL;
}

int request_parse(struct arena *arena, const char *text, const char *home, const char *base,
		  struct diags *d, struct request *ret)
{
	struct reader reader = { .arena = arena, .home = home, .base = base, .d = d };
	size_t length, end;
	const char *word, *subject;

	text += strspn(text, " \t");
	length = strcspn(text, " \t");
	word = arena_strndup(arena, text, length);
	text += length + strspn(text + length, " \t");
	for (end = strlen(text); end && (text[end - 1] == ' ' || text[end - 1] == '\t'); end--)
		;
	subject = arena_strndup(arena, text, end);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		struct request request = { .kind = verbs[i].kind, .access = verbs[i].access,
					   .verb = verbs[i].name };
		int r;

		if (!str_equal(word, verbs[i].name))
			continue;
		if (!*subject) {
			diag_error(d, "C220", NULL, "'%s' what?", word);
			diag_help(d, "a question is a verb and a subject, as in 'read ~/.ssh/id_rsa'");
			return -EINVAL;
		}
		r = verbs[i].read(&reader, subject, &request);
		if (r == 0)
			*ret = request;
		return r;
	}
	return verb_unknown(d, word);
}
