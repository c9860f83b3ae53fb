/* profile/values.c - what the strings of settings may be: words of a list, names, addresses.  A word
 * that nothing understands is found here, at its line, and not when a cage is built. */
#include "profile/internal.h"

#include "policy/capabilities.h"
#include "policy/publication.h"
#include "policy/syscalls.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const root_words[] = { "copy-on-write", "read-only", "writable", NULL };
static const char *const x11_words[] = { "host", "isolated", "none", NULL };
static const char *const category_words[] = {
	"desktop", "filesystem", "misc", "networking", "runtime", "user", NULL,
};
/* Names of mechanisms, those that have not been built yet included (design, section 6). */
static const char *const mechanism_words[] = {
	"apparmor", "bus", "capabilities", "cgroup", "display", "environment", "landlock", "limits", "mounts",
	"namespaces", "network", "seccomp", "sound", "supervisor", NULL,
};

/* Letters and digits, with `others` between them, at most `most` bytes. */
static bool is_word(const char *text, size_t length, const char *others, size_t most)
{
	if (length == 0 || length > most || !isalnum((unsigned char)text[0]) ||
	    !isalnum((unsigned char)text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(others, text[i]))
			return false;
	return true;
}

/* hostname(7): labels of up to 63 letters, digits and hyphens; the kernel takes 64 bytes. */
static bool is_hostname(const char *text)
{
	if (strlen(text) > 64)
		return false;
	for (;; text++) {
		size_t length = strcspn(text, ".");

		if (!is_word(text, length, "-", 63))
			return false;
		text += length;
		if (!*text)
			return true;
	}
}

/* D-Bus specification, "Bus names", and what portals add to it: three elements at least. */
static bool is_id(const char *text)
{
	unsigned elements = 0;

	if (strlen(text) > 255)
		return false;
	for (;; text++) {
		size_t length = strcspn(text, ".");
		const char *others = text[length] ? "_" : "_-";

		if (length == 0 || isdigit((unsigned char)text[0]))
			return false;
		for (size_t i = 0; i < length; i++)
			if (!isalnum((unsigned char)text[i]) && !strchr(others, text[i]))
				return false;
		elements++;
		text += length;
		if (!*text)
			return elements >= 3;
	}
}

/* What useradd(8) allows, letter case aside. */
static bool is_user(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 32 || (!isalpha((unsigned char)text[0]) && text[0] != '_'))
		return false;
	for (size_t i = 1; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("_-.", text[i]))
			return i == length - 1 && text[i] == '$';
	return true;
}

/* A number from `least` to `most` without sign or leading zero; *at moves behind it. */
static bool take_number(const char **at, unsigned least, unsigned most)
{
	unsigned value = 0, digits = 0;

	for (; isdigit((unsigned char)**at) && digits < 6; ++*at, digits++) {
		if (digits && value == 0)
			return false;
		value = value * 10 + (unsigned)(**at - '0');
	}
	return digits && !isdigit((unsigned char)**at) && value >= least && value <= most;
}

static bool is_size(const char *text)
{
	return take_number(&text, 1, 16384) && *text++ == 'x' && take_number(&text, 1, 16384) && !*text;
}

static bool is_address(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_publication(const char *text)
{
	struct publication ignored;

	return publication_parse(text, &ignored);
}

static bool is_lent(const char *text)
{
	struct lending ignored;

	return lending_parse(text, false, &ignored);
}

static bool is_exposed(const char *text)
{
	struct lending ignored;

	return lending_parse(text, true, &ignored);
}

static bool is_name_or_path(const char *text)
{
	return strchr(text, '/') ? *text == '/' || *text == '~' || *text == '$' : places_name_is_valid(text);
}

/* A private network is the last label of the names of its cages. */
static bool is_network(const char *text)
{
	for (const char *at = text; *at; at++)
		if (isupper((unsigned char)*at))
			return false;
	return is_word(text, strlen(text), "-", 63);
}

/* A variable's name, or a pattern of fnmatch(3) for some. */
static bool is_variable(const char *text)
{
	return !strpbrk(text, "=/ \t\n");
}

static const struct row {
	unsigned scope;
	const char *key;
	const char *const *words;
	bool (*is_valid)(const char *text); /* where there are no words */
	const char *help;
} rows[] = {
	{ SCOPE_TOP, "id", NULL, is_id, "three parts with dots at least, such as org.example.Program" },
	{ SCOPE_TOP, "hostname", NULL, is_hostname, "letters, digits and hyphens, such as 'cuddy'" },
	{ SCOPE_TOP, "requires", mechanism_words, NULL, NULL },
	{ SCOPE_TOP, "may-degrade", category_words, NULL, NULL },
	{ SCOPE_ENVIRONMENT, "pass", NULL, is_variable, "names of variables only, such as \"LANG\" or \"LC_*\"" },
	{ SCOPE_ENVIRONMENT, "unset", NULL, is_variable, "names of variables only, such as \"LANG\" or \"LC_*\"" },
	{ CATEGORY_FILESYSTEM, "root-access", root_words, NULL, NULL },
	{ CATEGORY_NETWORKING, "publish", NULL, is_publication,
	  "a port, or address, port, port in the cage and protocol: \"8080\", \"127.0.0.1:8080:80/tcp\"" },
	{ CATEGORY_NETWORKING, "lend", NULL, is_lent,
	  "a port of the computer's loopback, or the path of a socket, and the port in the cage: \"5432\", \"8080:80\", \"/run/db.sock:5432\"" },
	{ CATEGORY_NETWORKING, "expose", NULL, is_exposed,
	  "the path of a socket to make and the port in the cage: \"$XDG_RUNTIME_DIR/app.sock:8080\"" },
	{ CATEGORY_NETWORKING, "dns", NULL, is_address, "addresses only, such as \"192.0.2.53\"" },
	{ CATEGORY_NETWORKING, "vpn", NULL, is_name_or_path, "the name of a configuration, or its absolute path" },
	{ CATEGORY_NETWORKING, "network", NULL, is_network, "small letters, digits and hyphens, such as \"lab\"" },
	{ CATEGORY_USER, "as", NULL, is_user, "\"me\", \"nobody\", \"root\" or the name of a user" },
	{ CATEGORY_USER, "groups", NULL, is_user, "names of groups, such as \"video\"" },
	{ CATEGORY_DESKTOP, "x11", x11_words, NULL, NULL },
	{ CATEGORY_DESKTOP, "screen", NULL, is_size, "width and height, such as \"1280x800\"" },
};

static int check_words(struct arena *arena, const struct row *row, const struct toml_value *value,
		       struct diags *d)
{
	struct strbuf all = { .arena = arena };
	const char *near;
	size_t count = 0;

	for (; row->words[count]; count++) {
		if (str_equal(row->words[count], value->string))
			return 0;
		strbuf_addf(&all, "%s%s", count ? ", " : "", row->words[count]);
	}
	diag_error(d, "C138", &value->origin, "'%s' knows no '%s'", row->key, str_quote(arena, value->string));
	near = diag_nearest(value->string, row->words, count);
	if (near)
		diag_help(d, "did you mean '%s'?", near);
	else
		diag_help(d, "it takes one of: %s", strbuf_text(&all));
	return -EINVAL;
}

int value_check(struct arena *arena, const struct key *key, const struct toml_value *value,
		struct diags *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		if (row->scope != key->scope || !str_equal(row->key, key->name))
			continue;
		if (row->words)
			return check_words(arena, row, value, d);
		if (row->is_valid(value->string))
			return 0;
		diag_error(d, "C139", &value->origin, "'%s' is no value for '%s'", str_quote(arena, value->string),
			   row->key);
		diag_help(d, "%s", row->help);
		return -EINVAL;
	}
	return 0;
}

/* All names that a call or capability may have: "socket", "socket(inet)", "net_raw". */
static size_t known_names(struct arena *arena, enum kind kind, const char ***ret)
{
	VEC(const char *) names = { 0 };

	for (unsigned i = 0; kind == KIND_CAPABILITY && i < CAPABILITY_COUNT; i++)
		*vec_push(arena, &names) = capability_name(i);
	for (size_t i = 0; kind == KIND_SYSCALL && i < CALL_COUNT; i++)
		*vec_push(arena, &names) = syscalls[i].name;
	for (size_t i = 0; kind == KIND_SYSCALL && i < syscall_class_count; i++)
		if (*syscall_classes[i].name)
			*vec_push(arena, &names) = arena_printf(arena, "%s(%s)", syscalls[syscall_classes[i].call].name,
								syscall_classes[i].name);
	*ret = names.items;
	return names.count;
}

/* A misspelt name would otherwise be a rule that nothing matches: a deny lost. */
int value_check_name(struct arena *arena, enum kind kind, const char *name, const struct toml_value *value,
		     struct diags *d)
{
	const char **names, *near;
	enum call call;
	unsigned class;
	size_t count;

	if ((kind != KIND_SYSCALL || syscall_parse(name, &call, &class) == 0) &&
	    (kind != KIND_CAPABILITY || capability_find(name) >= 0))
		return 0;
	diag_error(d, "C222", &value->origin, "there is no %s '%s'",
		   kind == KIND_SYSCALL ? "system call" : "capability", str_quote(arena, value->string));
	count = known_names(arena, kind, &names);
	near = diag_nearest(name, names, count);
	if (near)
		diag_help(d, "did you mean '%s'?", near);
	return -EINVAL;
}

const char *value_tree(struct arena *arena, const char *path, const struct toml_value *value, struct diags *d)
{
	size_t length = strlen(path);

	while (length && path[length - 1] == '/')
		length--;
	if (length)
		return arena_printf(arena, "%.*s{,/,/**}", (int)length, path);
	diag_error(d, "C143", &value->origin, "'%s' is the whole disk, and cannot be a place of its own",
		   str_quote(arena, value->string));
	diag_help(d, "name a directory in it; 'root' gives the cage another root file system");
	return NULL;
}
