/* base/path.c - path strings, without touching the file system. */
#include "base/path.h"
#include "base/copy.h"

#include <string.h>

char *path_join(struct arena *arena, const char *directory, const char *name)
{
	size_t length = strlen(directory), rest = strlen(name);
	char *path = arena_alloc(arena, length + 1 + rest + 1);

	bytes_copy(path, directory, length);
	if (!length || directory[length - 1] != '/')
		path[length++] = '/';
	bytes_copy(path + length, name, rest + 1);
	return path;
}

char *path_normal(struct arena *arena, const char *base, const char *path)
{
	const char *in = path[0] == '/' ? path : path_join(arena, base, path);
	char *normal = arena_alloc(arena, strlen(in) + 2), *out = normal;

	must(in[0] == '/');
	while (*in) {
		size_t length;

		in += strspn(in, "/");
		length = strcspn(in, "/");
		if (length == 2 && in[0] == '.' && in[1] == '.') {
			while (out > normal && *--out != '/')
				;
		} else if (length && !(length == 1 && in[0] == '.')) {
			*out++ = '/';
			bytes_copy(out, in, length);
			out += length;
		}
		in += length;
	}
	if (out == normal)
		*out++ = '/';
	*out = '\0';
	return normal;
}

bool path_is_within(const char *path, const char *top)
{
	size_t length = strlen(top);

	if (length == 1)
		return true;
	return strncmp(path, top, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

const char *path_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

size_t path_depth(const char *path)
{
	size_t depth = 0;

	for (const char *at = path; *at; at++)
		depth += *at == '/' && at[1] != '\0';
	return depth;
}
