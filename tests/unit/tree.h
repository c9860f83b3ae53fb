/* tests/unit/tree.h - a directory of a test's own, with files in it. */
#ifndef CUDDY_TESTS_TREE_H
#define CUDDY_TESTS_TREE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char tree_top[] = "/tmp/cuddy-test-XXXXXX";

/* The path of `name` below the tree, until the next call; the directories that lead there are made. */
static const char *tree_path(const char *name)
{
	static char path[512];
	char *slash;

	snprintf(path, sizeof(path), "%s/%s", tree_top, name);
	for (slash = path + strlen(tree_top) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0755);
	}
	return path;
}

__attribute__((unused))
static void tree_put_bytes(const char *name, const void *bytes, size_t length)
{
	const char *path = tree_path(name);
	FILE *file = fopen(path, "w");

	if (!file || fwrite(bytes, 1, length, file) != length || fclose(file) || chmod(path, 0755))
		abort();
}

__attribute__((unused))
static void tree_put(const char *name, const char *text)
{
	tree_put_bytes(name, text, strlen(text));
}

static void tree_make(void)
{
	if (!mkdtemp(tree_top))
		abort();
}

static void tree_remove(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", tree_top);
	if (system(command) != 0)
		abort();
}

#endif
