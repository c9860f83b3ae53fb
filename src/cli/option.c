/* cli/option.c - options from tables: parsing. */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct option *find_option(const struct command *command, const char *name,
					 size_t length, char letter)
{
	for (const struct option *o = command->options; o && o->name; o++)
		if (name ? strlen(o->name) == length && strncmp(o->name, name, length) == 0
			 : o->letter && o->letter == letter)
			return o;
	return NULL;
}

static int store(struct cli *cli, const struct option *o, void *values, const char *argument)
{
	void *at = (char *)values + o->offset;
	char *end;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return 0;
	case OPTION_WORD:
		*(const char **)at = argument;
		return 0;
	case OPTION_NUMBER:
		errno = 0;
		*(long *)at = strtol(argument, &end, 10);
		if (errno || *end || end == argument || *(long *)at < 0 || *(long *)at > INT_MAX)
			return diag_error(&cli->d, "C500", NULL, "'--%s' wants a number, not '%s'",
					  o->name, str_quote(cli->arena, argument));
		return 0;
	case OPTION_LIST: {
		struct words *list = at;
		const char **items = arena_new_array(cli->arena, const char *, list->count + 2);

		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		items[list->count++] = argument;
		list->items = items;
		return 0;
	}
	}
	unreachable();
}

static int unknown_option(struct cli *cli, const struct command *command, const char *word)
{
	const char *names[64], *near;
	size_t count = 0;

	for (const struct option *o = command->options; o && o->name && count < 64; o++)
		names[count++] = o->name;
	diag_error(&cli->d, "C501", NULL, "there is no option '%s'", str_quote(cli->arena, word));
	near = diag_nearest(word + strspn(word, "-"), names, count);
	if (near)
		diag_help(&cli->d, "did you mean '--%s'?", near);
	else
		diag_help(&cli->d, "'cuddy %s --help' lists the options", command->name);
	return -EINVAL;
}

int options_parse(struct cli *cli, const struct command *command, char **arguments, void *values,
		  bool *ret_help)
{
	int i = 0;

	for (; arguments[i] && arguments[i][0] == '-' && arguments[i][1]; i++) {
		const char *word = arguments[i], *value = NULL;
		const struct option *o;

		if (strcmp(word, "--") == 0)
			return i + 1;
		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			*ret_help = true;
			return i + 1;
		}
		if (word[1] == '-') {
			size_t length = strcspn(word + 2, "=");

			o = find_option(command, word + 2, length, 0);
			if (word[2 + length])
				value = word + 2 + length + 1;
		} else {
			o = find_option(command, NULL, 0, word[1]);
			if (word[2])
				value = word + 2;
		}
		if (!o)
			return unknown_option(cli, command, word);
		if (o->type == OPTION_FLAG && value)
			return diag_error(&cli->d, "C502", NULL, "'--%s' takes no value", o->name);
		if (o->type != OPTION_FLAG && !value && !(value = arguments[++i]))
			return diag_error(&cli->d, "C503", NULL, "'--%s' wants %s", o->name, o->argument);
		if (store(cli, o, values, value) < 0)
			return -EINVAL;
	}
	return i;
}
