/* lib/cuddy.c - the public functions over ours: loading, deciding, starting, waiting.
 * One structure with one arena.  Must not: print, exit, keep globals. */
#include "lib/appeared.h"
#include "lib/internal.h"
#include "cage/data.h"
#include "cage/overlay.h"
#include "launch/status.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/own.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_FLAGS (CUDDY_SECURE | CUDDY_COLOUR | CUDDY_VERBOSE | CUDDY_EPHEMERAL | CUDDY_RESTART | CUDDY_BESIDE | CUDDY_FORGET)

/* A member that a later version adds must not fall into padding, where this one would not miss it. */
_Static_assert(offsetof(struct cuddy_options, root_access) + sizeof(char *) == sizeof(struct cuddy_options),
	       "padding at the end of the options");

/* Takes what the caller's version of the structure has; the rest is zero. */
static int read_options(struct cuddy *c, const struct cuddy_options *options, struct cuddy_options *ret)
{
	size_t size = options ? options->size : 0;

	if (size < sizeof(options->size))
		return diag_error(&c->d, "C540", NULL, "cuddy_load() wants options with their size");
	for (size_t i = sizeof(*ret); i < size; i++)
		if (((const char *)options)[i])
			return diag_error(&c->d, "C540", NULL, "this libcuddy is too old for one of the options");
	memcpy(ret, options, MIN(size, sizeof(*ret)));
	if (ret->flags & ~(unsigned)KNOWN_FLAGS)
		return diag_error(&c->d, "C540", NULL, "this libcuddy is too old for one of the flags");
	c->colour = ret->flags & CUDDY_COLOUR;
	c->timeout = ret->timeout;
	c->status_fd = ret->status_fd ? *ret->status_fd : 0;
	c->from = arena_strdup(c->arena, ret->template_cage);
	c->ephemeral = ret->flags & CUDDY_EPHEMERAL || c->from;
	c->forgets = ret->flags & CUDDY_FORGET;
	c->conflict = ret->flags & CUDDY_RESTART ? CONFLICT_RESTART : ret->flags & CUDDY_BESIDE ? CONFLICT_BESIDE :
		      ret->cage ? CONFLICT_REFUSE : CONFLICT_ELSEWHERE;
	if (ret->streams)
		c->streams = memcpy(arena_new_array(c->arena, int, 3), ret->streams, 3 * sizeof(int));
	return 0;
}

/* What the cage of that name was started with, or else the profile of that name. */
static void read_card(struct cuddy *c, struct cuddy_options *options, const char *name)
{
	AUTO_FD int store = cage_store_open(c->caller.places.data, false);
	AUTO_FD int data = store < 0 ? store : cage_data_open(store, name, false);
	struct cage_card card = { 0 };

	if (data >= 0 && cage_card_read(c->arena, data, name, &c->d, &card) < 0)
		return;
	if (card.command_count) {
		c->command = card.command;
		options->program = card.command[0];
	}
	options->profile = card.profile ? card.profile : card.command_count ? NULL : name;
}

/* A cage that was named can be started by name alone from now on. */
static void write_card(struct cuddy *c, const char *profile, const char *const *argv)
{
	AUTO_FD int store = cage_store_open(c->caller.places.data, true);
	AUTO_FD int data = store < 0 ? store : cage_data_open(store, c->caller.cage.name, true);
	const char *file = profile && strchr(profile, '/') ?
		path_normal(c->arena, c->caller.cage.working_directory, profile) : profile;
	const char *program = strchr(argv[0], '/') ?
		path_normal(c->arena, c->caller.cage.working_directory, argv[0]) : argv[0];
	struct cage_card old;

	if (data >= 0 && cage_card_read(c->arena, data, c->caller.cage.name, &c->d, &old) == 0 &&
	    !old.command_count)
		(void)cage_card_write(c->arena, data, &(struct cage_card){ file, &program, 1 });
}

static const char *const *words_of(struct arena *arena, const struct text_list *list)
{
	const char **words = arena_new_array(arena, const char *, list->count + 1);

	for (size_t i = 0; i < list->count; i++)
		words[i] = list->items[i].value;
	return words;
}

static void load(struct cuddy *c, const struct cuddy_options *given)
{
	struct cuddy_options options = { 0 };
	struct cage *cage = &c->caller.cage;
	const char *profile;

	if (read_options(c, given, &options) < 0 ||
	    caller_fill(c->arena, options.share, &c->d, &c->caller) < 0 ||
	    rules_of_options(c->arena, cage, &options, &c->d, &c->caller.context.extra) < 0)
		return;
	const char *known = options.cage ? options.cage : c->from;
	if (known && !options.profile && !options.program && cage_name_is_valid(known))
		read_card(c, &options, known);
	profile = options.profile;
	if (!profile && options.program) {
		struct profile_choice choice = caller_choose(c->arena, &c->caller, options.program, &c->d);

		profile = choice.name;
		if (options.flags & CUDDY_VERBOSE)
			diag_note(&c->d, NULL, "profile '%s': %s", str_quote(c->arena, profile), choice.why);
	}
	if (!profile) {
		diag_error(&c->d, "C515", NULL, "no profile is named, and no program to choose one for");
		return;
	}
	c->profile = options.cage ? arena_strdup(c->arena, options.profile) : NULL;
	c->is_named = options.cage && !c->ephemeral;
	if (caller_resolve(c->arena, &c->caller, arena_strdup(c->arena, profile), &c->d, &c->policy) < 0)
		c->policy = NULL;
	else
		cage->name = known ? arena_strdup(c->arena, known) :
			     cage_name_from(c->arena, options.profile ? c->policy->name : options.program);
	if (c->policy && options.flags & CUDDY_VERBOSE)
		profile_report_absent(c->policy, &c->d);
}

int cuddy_protect(char **argv)
{
	int r = own_protect(argv);

	errno = r < 0 ? -r : errno;
	return r < 0 ? -1 : 0;
}

struct cuddy *cuddy_load(const struct cuddy_options *options)
{
	struct cuddy *c = calloc(1, sizeof(*c));

	must(c != NULL);
	c->arena = arena_new();
	arena_hide(c->arena); /* pid 1 of the cage has no use for profiles */
	diags_init(&c->d, c->arena);
	c->root = (struct cage_root){ .fd = -1, .hold = -1 };
	load(c, options);
	if (!c->policy)
		status_failed(c->status_fd, &c->d, "failed", CUDDY_REFUSED);
	return c;
}

void cuddy_free(struct cuddy *cuddy)
{
	if (!cuddy)
		return;
	(void)cuddy_wait(cuddy);
	cage_root_close(&cuddy->root);
	arena_free(cuddy->arena);
	free(cuddy->said);
	free(cuddy);
}

int cuddy_check(const struct cuddy *cuddy)
{
	return cuddy->policy ? 0 : -1;
}

/* The resolver of a cage in a private network completes names of one word: "db" is "db.lab". */
static void ask_as_resolver(struct cuddy *cuddy, struct request *request, struct verdict *verdict)
{
	const char *network = cuddy->policy->network.value;
	struct endpoint *to = &request->endpoint;

	if (!network || verdict->rule || request->kind != KIND_NETWORK || to->form != HOST_NAME || strchr(to->name, '.'))
		return;
	to->name = arena_printf(cuddy->arena, "%s.%s", to->name, network);
	*verdict = policy_decide(cuddy->policy, request);
}

int ask_oracle(struct cuddy *cuddy, const char *question, struct request *ret_request,
	       struct verdict *ret_verdict)
{
	const struct cage *cage = &cuddy->caller.cage;

	if (!cuddy->policy || request_parse(cuddy->arena, question, cage->home, cage->working_directory,
					    &cuddy->d, ret_request) < 0)
		return -EINVAL;
	*ret_verdict = policy_decide(cuddy->policy, ret_request);
	ask_as_resolver(cuddy, ret_request, ret_verdict);
	return 0;
}

const char *const *cuddy_command(struct cuddy *cuddy)
{
	if (!cuddy->command && cuddy->policy && cuddy->policy->command.count)
		cuddy->command = words_of(cuddy->arena, &cuddy->policy->command);
	return cuddy->command;
}

enum cuddy_verdict cuddy_decide(struct cuddy *cuddy, const char *question)
{
	struct request request;
	struct verdict verdict;

	if (ask_oracle(cuddy, question, &request, &verdict) < 0)
		return CUDDY_ERROR;
	switch (verdict.effect) {
	case EFFECT_ALLOW:
		return CUDDY_ALLOW;
	case EFFECT_ASK:
		return CUDDY_ASK;
	case EFFECT_DENY:
	case EFFECT_LOG:
		break;
	}
	return CUDDY_DENY;
}

/* The oracle is asked before anything is started. */
int cuddy_can_start(struct cuddy *cuddy)
{
	static const char *const calls[] = { "execve", "exit_group" };
	const struct policy *policy = cuddy->policy;
	const char *missing = NULL;
	bool files = false;

	if (!policy)
		return CUDDY_REFUSED;
	for (size_t i = 0; i < policy->rule_count; i++)
		files = files || (policy->rules[i].kind == KIND_FILE && policy->rules[i].effect == EFFECT_ALLOW &&
				  policy->rules[i].access & ACCESS_EXECUTE);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct request request = { .kind = KIND_SYSCALL, .access = ACCESS_USE,
						 .verb = "syscall", .subject = calls[i] };

		if (policy_decide(policy, &request).effect != EFFECT_ALLOW)
			missing = "runtime.ordinary";
	}
	if (!missing && files)
		return 0;
	diag_error(&cuddy->d, "C507", NULL, "profile '%s' lets no program start: %s",
		   str_quote(cuddy->arena, policy->name),
		   missing ? "it grants no system calls" : "it grants no file to execute");
	diag_help(&cuddy->d, "give it the flags %s%sfilesystem.system", missing ? missing : "",
		  missing ? " and " : "");
	return CUDDY_CANNOT_EXECUTE;
}

static int check_program(struct cuddy *cuddy, const char *const *argv)
{
	if (!argv || !argv[0] || !*argv[0])
		return diag_error(&cuddy->d, "C508", NULL, "there is no program to start");
	return 0;
}

int open_root(struct cuddy *cuddy, struct diags *d)
{
	int r = cuddy->root.path ? 0 : cage_root_open(cuddy->arena, cuddy->policy, d, &cuddy->root);

	if (r < 0)
		return r == -ENOENT && !cuddy->policy->root.value ? 0 : r;
	cuddy->caller.cage.root = cuddy->root.path;
	cuddy->caller.cage.root_fd = cuddy->root.fd;
	return 0;
}

int compile_cage(struct cuddy *cuddy, const char *const *argv, struct plan **ret)
{
	struct cage cage;
	struct claim *claims;

	if (!cuddy->policy || check_program(cuddy, argv) < 0 || open_root(cuddy, &cuddy->d) < 0)
		return -EINVAL;
	cage = cuddy->caller.cage;
	cage.argv = argv;
	cage.ephemeral = cuddy->ephemeral;
	if (!cage.ephemeral)
		cage.overlay_dir = overlays_directory(cuddy->arena, cuddy->caller.places.data, cage.name);
	return backend_compile(cuddy->arena, cuddy->policy, &cage, &cuddy->d, ret, &claims);
}

/* The program runs: what is left to do is to wait, to clear away and to say what went wrong. */
static void forget(void *data)
{
	struct cuddy *c = data;
	char name[LIMIT_NAME_LENGTH + 1];
	const char *said = cuddy_messages(c);

	must(strlen(c->stay.name) < sizeof(name));
	strcpy(name, c->stay.name);
	if (*said) {
		c->said = strdup(said);
		must(c->said != NULL);
	}
	plan_free(c->stay.plan);
	c->stay.plan = NULL;
	arena_reset(c->arena);
	diags_init(&c->d, c->arena);
	c->stay.name = arena_strdup(c->arena, name);
	c->caller = (struct caller){ 0 };
	c->policy = NULL;
	c->command = NULL;
	c->profile = NULL;
	c->streams = NULL;
}

static int start(struct cuddy *cuddy, const char *const *argv)
{
	struct caller *caller = &cuddy->caller;
	struct cage_wish wish = {
		.policy = cuddy->policy,
		.places = caller->places,
		.ephemeral = cuddy->ephemeral, .from = cuddy->from, .conflict = cuddy->conflict,
		.launch = { .streams = cuddy->streams, .timeout = cuddy->timeout,
			    .status_fd = cuddy->status_fd,
			    .started = cuddy->forgets ? forget : NULL, .started_data = cuddy },
	};
	int status = cuddy_can_start(cuddy);

	if (status)
		return status;
	if (cuddy->runs) {
		diag_error(&cuddy->d, "C541", NULL, "a program runs already");
		return CUDDY_REFUSED;
	}
	if (!wish.launch.timeout && cuddy->policy->limits[LIMIT_TIMEOUT].is_set)
		wish.launch.timeout = (unsigned)cuddy->policy->limits[LIMIT_TIMEOUT].value;
	if (check_program(cuddy, argv) < 0 || open_root(cuddy, &cuddy->d) < 0)
		return CUDDY_REFUSED;
	wish.cage = caller->cage;
	wish.cage.argv = argv;
	if (!cuddy->streams && fd_fill_streams() < 0) {
		diag_error(&cuddy->d, "C400", NULL, "the standard streams are closed, and there is no '/dev/null'");
		return CUDDY_REFUSED;
	}
	if (cage_enter(cuddy->arena, &wish, &cuddy->d, &cuddy->stay) < 0)
		return CUDDY_REFUSED;
	cuddy->runs = true;
	if (cuddy->is_named)
		write_card(cuddy, cuddy->profile, argv);
	return 0;
}

int cuddy_start(struct cuddy *cuddy, const char *const *argv)
{
	int status = start(cuddy, argv);

	if (status)
		status_failed(cuddy->status_fd, &cuddy->d, "failed", status);
	return status;
}

int cuddy_wait(struct cuddy *cuddy)
{
	if (!cuddy->runs)
		return -1;
	cuddy->runs = false;
	/* The program runs already: nobody waits for this. */
	struct appeared *watch = appeared_watch(cuddy->policy, cuddy->stay.plan);
	int status = cage_leave(&cuddy->stay, &cuddy->d);
	if (watch)
		appeared_tell(watch, &cuddy->d);
	appeared_free(watch);
	return status;
}

const char *cuddy_messages(struct cuddy *cuddy)
{
	struct strbuf out = { .arena = cuddy->arena };

	strbuf_add(&out, cuddy->said ? cuddy->said : "");
	diags_print(&cuddy->d, &out, cuddy->colour);
	return strbuf_text(&out);
}
