/* cli/cages.c - the cages themselves: ps, stop, rm. */
#include "base/fd.h"
#include "base/json.h"
#include "cage/data.h"
#include "cage/look.h"
#include "cage/subids.h"
#include "cage/tree.h"
#include "cli/bar.h"
#include "cli/session.h"
#include "lib/caller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STOP_SECONDS 10

struct places { struct caller caller; int runtime, store; }; /* -1: there is none yet */

static int open_places(struct cli *cli, struct places *ret)
{
	if (session_caller(cli, &ret->caller) < 0)
		return -EINVAL;
	ret->runtime = cage_runtime_open(&ret->caller.places, false);
	ret->store = cage_store_open(ret->caller.places.data, false);
	return 0;
}

static void close_places(struct places *places)
{
	fd_closep(&places->runtime);
	fd_closep(&places->store);
}

/* ---- ps ---- */

struct ps { bool all, json; };

static const struct option ps_options[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct ps, all), NULL, "also those that are not running, with the size of their data" },
	{ "json", 0, OPTION_FLAG, offsetof(struct ps, json), NULL, "print JSON" },
	{ 0 },
};

/* 1536 as "1.5K". */
static const char *short_size(struct arena *arena, uint64_t bytes)
{
	double value = (double)bytes;
	const char *unit = "BKMGTPE";

	while (value >= 1000 && unit[1]) {
		value /= 1024;
		unit++;
	}
	return arena_printf(arena, value < 10 && *unit != 'B' ? "%.1f%c" : "%.0f%c", value, *unit);
}

static const char *short_age(struct arena *arena, long long since)
{
	static const struct { long long seconds; char unit; } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };
	long long age = MAX((long long)time(NULL) - since, 0LL);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (age >= units[i].seconds)
			return arena_printf(arena, "%lld%c", age / units[i].seconds, units[i].unit);
	return arena_printf(arena, "%llds", age);
}

static void ps_json_grants(struct json *json, const struct grants *grants)
{
	json_array(json, "grants");
	for (size_t i = 0; i < grants->list.count; i++) {
		json_object(json, NULL);
		json_string(json, "path", grants->list.items[i].path);
		json_string(json, "access", grants->list.items[i].read_only ? "read-only" : "read-write");
		json_end_object(json);
	}
	json_end_array(json);
}

static void ps_entries(struct json *json, const char *key, const char *const *entries)
{
	json_array(json, key);
	for (; entries && *entries; entries++)
		json_string(json, NULL, *entries);
	json_end_array(json);
}

static void ps_network(struct json *json, const struct cage_view *v)
{
	static const char *const modes[] = { "none", "relay", "vpn", "host" };

	json_object(json, "network");
	json_string(json, "mode", modes[v->network]);
	json_string(json, "vpn", v->vpn);
	json_string(json, "private", v->private_network);
	ps_entries(json, "publish", v->published);
	ps_entries(json, "lend", v->lent);
	ps_entries(json, "expose", v->exposed);
	if (v->network == CAGE_NETWORK_RELAY || v->network == CAGE_NETWORK_VPN) {
		json_number(json, "connections", (long long)v->counters.connections);
		json_number(json, "datagram-pairs", (long long)v->counters.pairs);
		json_number(json, "visitors", (long long)v->counters.visitors);
		json_number(json, "refused", (long long)v->counters.refused);
	}
	json_end_object(json);
}

static void ps_json(struct json *json, const struct cage_view *v, const struct tree_size *size)
{
	char since[32] = "";
	time_t when = (time_t)v->record.since;
	struct tm utc;

	json_object(json, NULL);
	json_string(json, "name", v->name);
	json_string(json, "state", v->runs ? "running" : "resting");
	if (v->runs) {
		if (gmtime_r(&when, &utc))
			strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &utc);
		json_number(json, "pid", v->pid);
		json_string(json, "profile", v->record.profile);
		json_string(json, "program", v->record.program);
		json_string(json, "directory", v->record.directory);
		json_string(json, "root", v->record.root && *v->record.root ? v->record.root : NULL);
		json_string(json, "since", since);
		json_bool(json, "ephemeral", v->record.ephemeral);
		json_number(json, "processes", v->processes);
		json_number(json, "memory", (long long)v->memory);
		ps_network(json, v);
		ps_json_grants(json, &v->grants);
	}
	if (size)
		json_number(json, "size", (long long)size->bytes);
	json_end_object(json);
}

static void ps_line(struct arena *arena, struct strbuf *out, const struct cage_view *v,
		    const struct tree_size *size)
{
	if (v->runs)
		strbuf_addf(out, "%-20s %8d %6s %7s %4u  %-16s %s\n", v->name, (int)v->pid,
			    short_age(arena, v->record.since), short_size(arena, v->memory), v->processes,
			    str_quote(arena, v->record.profile), str_quote(arena, v->record.program));
	else
		strbuf_addf(out, "%-20s %8s %6s %7s %4s  %-16s %s\n", v->name, "-", "-", "-", "-", "resting",
			    size ? short_size(arena, size->bytes) : "");
	for (size_t i = 0; i < v->grants.list.count; i++)
		strbuf_addf(out, "  granted %s: %s\n", v->grants.list.items[i].read_only ? "read-only" : "read-write",
			    str_quote(arena, v->grants.list.items[i].path));
}

/* All names, running first; a name that has both a directory and data comes once. */
static size_t ps_names(struct cli *cli, const struct places *places, bool all, const char ***ret)
{
	const char **running = NULL, **resting = NULL;
	size_t running_count = 0, resting_count = 0;
	VEC(const char *) names = { 0 };

	if (places->runtime >= 0)
		(void)cage_list(cli->arena, places->runtime, &running, &running_count);
	if (all && places->store >= 0)
		(void)cage_list(cli->arena, places->store, &resting, &resting_count);
	for (size_t i = 0; i < running_count; i++)
		*vec_push(cli->arena, &names) = running[i];
	for (size_t i = 0; i < resting_count; i++) {
		bool twice = false;

		for (size_t k = 0; k < running_count; k++)
			twice = twice || strcmp(running[k], resting[i]) == 0;
		if (!twice)
			*vec_push(cli->arena, &names) = resting[i];
	}
	*ret = names.items;
	return names.count;
}

static int ps(struct cli *cli, void *values)
{
	const struct ps *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct places places;
	const char **names;
	size_t count;

	if (open_places(cli, &places) < 0)
		return EXIT_REFUSED;
	count = ps_names(cli, &places, o->all, &names);
	if (o->json)
		json_array(&json, NULL);
	else
		strbuf_addf(&out, "%-20s %8s %6s %7s %4s  %-16s %s\n", "NAME", "PID", "AGE", "MEMORY", "PROC",
			    "PROFILE", o->all ? "PROGRAM OR SIZE" : "PROGRAM");
	for (size_t i = 0; i < count; i++) {
		struct cage_view view = { .name = names[i] };
		struct tree_size size, *measured = NULL;

		if (places.runtime >= 0)
			(void)cage_look(cli->arena, places.runtime, names[i], true, &view);
		if (!view.runs && !o->all)
			continue;
		if (o->all && places.store >= 0 && tree_size(places.store, names[i], &size) == 0)
			measured = &size;
		if (o->json)
			ps_json(&json, &view, measured);
		else
			ps_line(cli->arena, &out, &view, measured);
	}
	if (o->json)
		json_end_array(&json);
	close_places(&places);
	return cli_print(strbuf_text(&out));
}

const struct command command_ps = {
	"ps", "", "list the cages that are running", ps_options, sizeof(struct ps), ps, NULL,
};
const struct command command_list = {
	"list", "", "another name of 'ps'", ps_options, sizeof(struct ps), ps, NULL,
};

/* ---- stop ---- */

struct stop { long timeout; };

static const struct option stop_options[] = {
	{ "timeout", 0, OPTION_NUMBER, offsetof(struct stop, timeout), "SECONDS", "how long its processes have to end by themselves; 10" },
	{ 0 },
};

static int no_such(struct cli *cli, const char *name, const char *code, const char *what)
{
	diag_error(&cli->d, code, NULL, "%s '%s'", what, str_quote(cli->arena, name));
	diag_help(&cli->d, "'cuddy ps --all' shows the cages there are");
	return EXIT_REFUSED;
}

static int wants_names(struct cli *cli)
{
	if (cli->count)
		return 0;
	diag_error(&cli->d, "C508", NULL, "'cuddy %s' wants the name of a cage", cli->command->name);
	diag_help(&cli->d, "'cuddy ps --all' shows the cages there are");
	return -EINVAL;
}

static int stop(struct cli *cli, void *values)
{
	const struct stop *o = values;
	struct places places;
	int status = 0;

	if (wants_names(cli) < 0 || open_places(cli, &places) < 0)
		return EXIT_REFUSED;
	for (int i = 0; i < cli->count; i++) {
		const char *name = cli->arguments[i];
		int r = places.runtime < 0 ? -ENOENT :
			cage_stop(places.runtime, name, o->timeout ? (unsigned)o->timeout : STOP_SECONDS);

		if (r == -ENOENT || r == -EINVAL)
			status = no_such(cli, name, "C606", "no such cage is running:");
		else if (r < 0)
			status = (diag_error(&cli->d, "C600", NULL, "the cage '%s' could not be ended: %s", name,
					     strerror(-r)), EXIT_REFUSED);
	}
	close_places(&places);
	return status;
}

const struct command command_stop = {
	"stop", "NAME…", "end running cages", stop_options, sizeof(struct stop), stop, NULL,
};

/* ---- rm ---- */

struct rm { bool force; };

static const struct option rm_options[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct rm, force), NULL, "do not ask" },
	{ 0 },
};

static bool agreed(struct cli *cli, const char *name, const struct tree_size *size)
{
	if (!isatty(STDIN_FILENO)) {
		diag_error(&cli->d, "C609", NULL, "the cage '%s' has data, and nobody can be asked", name);
		diag_help(&cli->d, "to remove it without a question, use --force");
		return false;
	}
	if (cli_agrees(arena_printf(cli->arena, "remove the cage '%s' with %s%s in %llu files? [y/N] ", name,
				    size->partial ? "at least " : "", short_size(cli->arena, size->bytes),
				    (unsigned long long)size->entries)))
		return true;
	diag_error(&cli->d, "C609", NULL, "the cage '%s' was not removed", name);
	return false;
}

static int remove_cage(struct cli *cli, const struct places *places, const char *name, bool force)
{
	AUTO_FD int gate = cage_gate_open(places->runtime, name, true);
	AUTO_FD int data = places->store < 0 ? -ENOENT : cage_data_open(places->store, name, false);
	struct cage_handles handles;
	const struct progress *progress = NULL;
	struct tree_size size;
	struct bar bar = { 0 };
	bool measured = false;
	int r;

	if (gate < 0 || data < 0)
		return no_such(cli, name, "C608", "there is no cage");
	if (cage_gate_connect(gate, SERVE_LOOK, &handles) != -ENOENT) {
		diag_error(&cli->d, "C607", NULL, "the cage '%s' is running", name);
		diag_help(&cli->d, "end it first: cuddy stop %s", name);
		return EXIT_REFUSED;
	}
	if (!force || bar_is_wanted(cli))
		measured = tree_size(places->store, name, &size) == 0;
	if (!force && (!measured || !agreed(cli, name, &size)))
		return EXIT_REFUSED;
	if (measured && bar_is_wanted(cli))
		progress = bar_begin(&bar, "removing", size.entries * PROGRESS_ENTRY);
	r = subids_remove(cli->arena, places->store, name, progress);
	bar_end(&bar);
	cage_gate_clear(places->runtime, gate, name);
	if (r == 0)
		return 0;
	diag_error(&cli->d, "C609", NULL, "the cage '%s' could not be removed whole: %s", name, strerror(-r));
	return EXIT_REFUSED;
}

static int rm(struct cli *cli, void *values)
{
	const struct rm *o = values;
	struct places places;
	int status = 0;

	if (wants_names(cli) < 0 || open_places(cli, &places) < 0)
		return EXIT_REFUSED;
	if (places.runtime < 0) /* the lock of the name is there */
		places.runtime = cage_runtime_open(&places.caller.places, true);
	for (int i = 0; i < cli->count; i++)
		status = remove_cage(cli, &places, cli->arguments[i], o->force) ? EXIT_REFUSED : status;
	close_places(&places);
	return status;
}

const struct command command_rm = {
	"rm", "NAME…", "remove cages with all that they keep", rm_options, sizeof(struct rm), rm, NULL,
};
