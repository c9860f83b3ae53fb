/* cage/data.c - the directories that cages keep, opened step by step without following links.
 * Must not: resolve a path of several components below anything that a caged program writes. */
#include "cage/data.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "toml/toml.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CARD "cage.toml"

static bool is_name_byte(char byte)
{
	return isalnum((unsigned char)byte) || byte == '.' || byte == '_' || byte == '-';
}

int cage_log_open(const struct cage_places *places, const char *name, bool append)
{
	char file[LIMIT_NAME_LENGTH + sizeof(".jsonl")];
	AUTO_FD int state = open(places->state, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (!cage_name_is_valid(name))
		return -EINVAL;
	snprintf(file, sizeof(file), "%s.jsonl", name);
	int flags = append ? O_WRONLY | O_APPEND | O_CREAT : O_RDONLY;
	int fd = state < 0 ? -1 : openat(state, file, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

bool cage_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length > LIMIT_NAME_LENGTH || *name == '.' || *name == '-')
		return false;
	while (is_name_byte(*name))
		name++;
	return !*name;
}

const char *cage_name_from(struct arena *arena, const char *text)
{
	const char *base = path_base_name(text);
	char *name = arena_strndup(arena, base, strnlen(base, LIMIT_NAME_LENGTH));

	if (str_ends(name, ".toml"))
		name[strlen(name) - 5] = '\0';
	for (char *at = name; *at; at++)
		if (!is_name_byte(*at) || (at == name && (*at == '.' || *at == '-')))
			*at = '_';
	return *name ? name : "cage";
}

/* The user's own directories above ours: made as mkdir -p does, links allowed. */
static int open_parents(const char *path, bool create)
{
	char text[4096];

	if (strlen(path) >= sizeof(text))
		return -ENAMETOOLONG;
	strcpy(text, path);
	char *slash = strrchr(text, '/');
	slash[slash == text] = '\0';
	int fd = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT || !create)
		return fd < 0 ? -errno : fd;
	for (char *at = text + 1; *at; at++) {
		at += strcspn(at, "/");
		char was = *at;
		*at = '\0';
		if (mkdir(text, 0700) < 0 && errno != EEXIST && errno != EACCES && errno != EROFS)
			return -errno;
		*at = was;
		if (!was)
			break;
	}
	fd = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cage_places_make(const struct cage_places *places)
{
	const char *const all[] = { places->data, places->config, places->state, places->cache };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (mkdir(all[i], 0700) == 0 || errno == EEXIST)
			continue;
		AUTO_FD int parent = errno == ENOENT ? open_parents(all[i], true) : -errno;
		AUTO_FD int own = parent < 0 ? parent : fd_make_private(parent, path_base_name(all[i]), true);
		if (own < 0)
			return own;
	}
	return 0;
}

int cage_store_open(const char *data, bool create)
{
	AUTO_FD int parent = open_parents(data, create);
	AUTO_FD int own = parent < 0 ? parent : fd_make_private(parent, path_base_name(data), create);

	return own < 0 ? own : fd_make_private(own, "cages", create);
}

int cage_data_open(int store, const char *name, bool create)
{
	return cage_name_is_valid(name) ? fd_make_private(store, name, create) : -EINVAL;
}

const char *cage_kept_path(struct arena *arena, const char *home, const char *path)
{
	if (!path_is_within(path, home) || strcmp(home, "/") == 0)
		return path_join(arena, "places", path + 1);
	path += strlen(home);
	return *path ? path_join(arena, "home", path + 1) : "home";
}

int cage_descend(int data, const char *relative, bool create)
{
	AUTO_FD int at = -1;

	do {
		size_t length = strcspn(relative, "/");
		char name[256];
		int next;

		if (length >= sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, relative, length);
		name[length] = '\0';
		if (!length || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return -EINVAL;
		next = fd_make_directory(at < 0 ? data : at, name, O_PATH, create);
		if (next < 0)
			return next;
		fd_closep(&at);
		at = next;
		relative += length + (relative[length] == '/');
	} while (*relative);
	return TAKE_FD(at);
}

/* ---- cage.toml ---- */

int cage_card_read(struct arena *arena, int data, const char *name, struct diags *d, struct cage_card *ret)
{
	struct source *source = arena_new_object(arena, struct source);
	const struct toml_value *root, *value;
	VEC(const char *) words = { 0 };
	char *text;
	size_t length;
	int r = fd_read_file(arena, data, CARD, LIMIT_FILE_SIZE, &text, &length);

	*ret = (struct cage_card){ 0 };
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	*source = (struct source){ .name = arena_printf(arena, "cage.toml of '%s'", name),
				   .text = text, .length = length, .first_line = 1 };
	if (toml_parse(arena, source, NULL, d, &root) < 0)
		return -EINVAL;
	value = toml_get(root, "profile");
	if (value && value->type == TOML_STRING)
		ret->profile = value->string;
	value = toml_get(root, "command");
	if (value && value->type == TOML_ARRAY)
		for (const struct toml_value *word = value->first; word; word = word->next)
			if (word->type == TOML_STRING)
				*vec_push(arena, &words) = word->string;
	ret->command_count = words.count;
	*vec_push(arena, &words) = NULL;
	ret->command = words.items;
	return 0;
}

/* A TOML basic string; false when the text is no UTF-8, which TOML cannot hold. */
static bool add_string(struct strbuf *out, const char *text)
{
	strbuf_add(out, "\"");
	while (*text) {
		size_t length = str_utf8_length(text);

		if (!length)
			return false;
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			strbuf_addf(out, "\\u%04x", (unsigned)*text);
		else
			strbuf_addf(out, "%s%.*s", *text == '"' || *text == '\\' ? "\\" : "", (int)length, text);
		text += length;
	}
	strbuf_add(out, "\"");
	return true;
}

int cage_card_write(struct arena *arena, int data, const struct cage_card *card)
{
	struct strbuf out = { .arena = arena };
	bool good = true;
	char *old;
	size_t length;

	strbuf_add(&out, "# what 'cuddy run' starts for this name\n");
	if (card->profile) {
		strbuf_add(&out, "profile = ");
		good = add_string(&out, card->profile);
		strbuf_add(&out, "\n");
	}
	for (size_t i = 0; i < card->command_count; i++) {
		strbuf_add(&out, i ? ", " : "command = [");
		good = add_string(&out, card->command[i]) && good;
	}
	strbuf_add(&out, card->command_count ? "]\n" : "");
	if (!good)
		return -EILSEQ;
	if (fd_read_file(arena, data, CARD, LIMIT_FILE_SIZE, &old, &length) == 0 &&
	    strcmp(old, strbuf_text(&out)) == 0)
		return 0;
	return fd_replace_file(data, CARD, out.text, out.length, 0600);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int cage_list(struct arena *arena, int at, const char ***ret, size_t *ret_count)
{
	VEC(const char *) names = { 0 };
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (!directory) {
		int error = errno;

		fd_closep(&fd);
		return -error;
	}
	for (const struct dirent *entry; (entry = readdir(directory));)
		if (cage_name_is_valid(entry->d_name))
			*vec_push(arena, &names) = arena_strdup(arena, entry->d_name);
	closedir(directory);
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	*ret = names.items;
	*ret_count = names.count;
	return 0;
}
