/* test_plan - a good plan passes; each broken one is refused; builder and printer agree with the table. */
#include "plan/plan.h"
#include "base/limits.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int number, failed;

static void ok(bool good, const char *name)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, name);
	failed += !good;
}

static const struct sock_filter allow_all[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static const struct stat directory = { .st_dev = 1, .st_ino = 2, .st_mode = S_IFDIR | 0755 };
static const struct stat device = { .st_dev = 1, .st_ino = 3, .st_mode = S_IFCHR | 0666 };

static struct plan *good(void)
{
	static const char *const argv[] = { "true", NULL };
	struct plan *plan = plan_new();

	plan_base(plan, 1000, 1000, 1000, 1000, 1 << 20);
	plan_bind(plan, "/usr", &directory, "/usr", PLAN_READ_ONLY, NULL);
	plan_bind(plan, "/dev/null", &device, "/dev/null", 0, NULL);
	plan_file(plan, "/etc/passwd", "me\n", 0644, NULL);
	plan_proc(plan, "/proc", NULL);
	plan_devpts(plan, "/dev/pts", NULL);
	plan_terminal(plan, "/dev/pts", NULL);
	plan_add(plan, OP_CHDIR, plan_text(plan, "/"), 0, 0, 0, NULL);
	plan_set_filter(plan, allow_all, ARRAY_SIZE(allow_all), NULL);
	plan_set_init_filter(plan, allow_all, ARRAY_SIZE(allow_all));
	plan_env(plan, "PATH", "/usr/bin");
	plan_exec(plan, "/usr/bin/true", NULL, argv, NULL);
	plan_seal(plan);
	return plan;
}

static struct step *find(struct plan *plan, enum op op)
{
	for (size_t i = 0; i < plan->steps.count; i++)
		if (plan->steps.items[i].op == op)
			return &plan->steps.items[i];
	return NULL;
}

static void drop(struct plan *plan, struct step *step)
{
	size_t behind = (size_t)(plan->steps.items + plan->steps.count - (step + 1));

	memmove(step, step + 1, behind * sizeof(*step));
	plan->steps.count--;
}

static int verify(const struct plan *plan)
{
	struct diags d;

	diags_init(&d, plan->arena);
	return plan_verify(plan, &d);
}

/* Ways to break a plan: one per invariant. */
static void setuid_bind(struct plan *p) { find(p, OP_BIND)->x &= ~(uint64_t)PLAN_NOSUID; }
static void dev_bind(struct plan *p) { find(p, OP_BIND)->x &= ~(uint64_t)PLAN_NODEV; }
static void odd_bind(struct plan *p) { find(p, OP_BIND)->x |= 1 << 30; }
static void no_object(struct plan *p) { find(p, OP_BIND)->c = 99; }
static void writable_root(struct plan *p) { find(p, OP_ENTER)->x &= ~(uint64_t)PLAN_READ_ONLY; }
static void far_text(struct plan *p) { find(p, OP_BIND)->b = (uint32_t)p->text.length; }
static void open_text(struct plan *p) { p->text.text[p->text.length - 1] = 'x'; }
static void dots(struct plan *p) { find(p, OP_BIND)->a = plan_text(p, "usr/../etc"); }
static void one_dot(struct plan *p) { find(p, OP_BIND)->a = plan_text(p, "./etc"); }
static void absolute(struct plan *p) { find(p, OP_BIND)->a = plan_text(p, "/usr"); }
static void slashes(struct plan *p) { find(p, OP_BIND)->a = plan_text(p, "a//b"); }
static void relative_source(struct plan *p) { find(p, OP_BIND)->b = plan_text(p, "usr"); }
static void root_target(struct plan *p) { find(p, OP_PROC)->a = 0; }
static void unknown_op(struct plan *p) { find(p, OP_PROC)->op = OP_COUNT; }
static void wrong_stage(struct plan *p) { find(p, OP_PROC)->stage = STAGE_INSIDE; }
static void origin(struct plan *p) { find(p, OP_PROC)->origin = 7; }
static void long_content(struct plan *p) { find(p, OP_FILE)->c = (uint32_t)p->text.length; }
static void setuid_file(struct plan *p)
{
	for (size_t i = 0; i < p->steps.count; i++)
		if (p->steps.items[i].op == OP_FILE)
			p->steps.items[i].x |= 04000;
}
static void unbounded(struct plan *p) { find(p, OP_NEWROOT)->x = 0; }
static void used_none(struct plan *p) { find(p, OP_CLOSE)->a = 1; }
static void no_filter_code(struct plan *p) { p->filters.items[0].count = 0; }
static void filter_index(struct plan *p) { find(p, OP_FILTER)->a = 9; }
static void no_arch(struct plan *p) { ((struct sock_filter *)p->filters.items[0].code)[0].k = 0; }
static void no_return(struct plan *p)
{
	struct sock_filter *code = (struct sock_filter *)p->filters.items[0].code;
	code[1] = code[0];
}
static void long_filter(struct plan *p) { p->filters.items[0].count = LIMIT_FILTER + 1; }
static void no_words(struct plan *p) { p->argv.count = 0; }
static void far_word(struct plan *p) { p->argv.items[0] = (uint32_t)p->text.length; }
static void odd_env(struct plan *p) { p->envp.items[0] = plan_text(p, "PATH"); }
static void no_program(struct plan *p) { find(p, OP_EXEC)->a = 0; }
static void relative_program(struct plan *p) { find(p, OP_EXEC)->a = plan_text(p, "bin/true"); }
static void ids_of_one(struct plan *p) { find(p, OP_MAP_IDS)->c = PLAN_MORE_IDS; }
static void ids_of_others(struct plan *p)
{
	ids_of_one(p);
	find(p, OP_NEST)->c = PLAN_MORE_IDS; /* the program is not root */
}
static void twice(struct plan *p) { plan_add(p, OP_EXEC, 1, 0, 0, 0, NULL); }
static void order(struct plan *p)
{
	struct step *nest = find(p, OP_NEST), *caps = find(p, OP_CAPS), step = *nest;
	*nest = *caps;
	*caps = step;
}
static void late(struct plan *p)
{
	plan_add(p, OP_BIND, plan_text(p, "x"), plan_text(p, "/x"), 0, PLAN_NOSUID | PLAN_NODEV, NULL);
}
static void foreign_terminal(struct plan *p) { find(p, OP_TERMINAL)->a = plan_text(p, "/usr/ptmx"); }
static void longer_terminal(struct plan *p) { find(p, OP_TERMINAL)->a = plan_text(p, "/dev/pts/x/ptmx"); }
static void no_devpts(struct plan *p) { drop(p, find(p, OP_DEVPTS)); }
/* "usr/lib" lies in what BIND showed; "/x" is no file of ours. */
static void too_direct(struct plan *p)
{
	find(p, OP_PROC)->a = plan_text(p, "usr/lib");
	find(p, OP_PROC)->direct = true;
}
static void behind_link(struct plan *p)
{
	struct step *file = find(p, OP_FILE), *bind = find(p, OP_BIND);

	*bind = (struct step){ .op = OP_SYMLINK, .stage = bind->stage, .a = plan_text(p, "etc"),
			       .b = plan_text(p, "/usr") };
	file->a = plan_text(p, "etc/passwd");
	file->direct = true;
}
static void foreign_own(struct plan *p)
{
	struct step *proc = find(p, OP_PROC);

	*proc = (struct step){ .op = OP_OWN, .stage = proc->stage, .a = plan_text(p, "x"),
			       .b = plan_text(p, "usr/x"), .x = PLAN_READ_ONLY | PLAN_NOSUID | PLAN_NODEV };
}
static void resource(struct plan *p)
{
	plan_add(p, OP_RLIMIT, 99, 0, 0, 0, NULL);
	plan_seal(p);
}
static void too_many(struct plan *p)
{
	while (p->steps.count <= LIMIT_PLAN_STEPS)
		plan_add(p, OP_MKDIR, plan_text(p, "x"), 0, 0, 0755, NULL);
	plan_seal(p);
}

static const struct { const char *name; void (*function)(struct plan *); } breaks[] = {
	{ "a bind without nosuid", setuid_bind },	 { "a bind without nodev", dev_bind },
	{ "unknown attributes", odd_bind },		 { "an object that is not there", no_object },
	{ "a writable root", writable_root },		 { "a text behind the end", far_text },
	{ "a text without end", open_text },		 { "'..' in a target", dots },
	{ "'.' in a target", one_dot },			 { "an absolute target", absolute },
	{ "an empty component", slashes },		 { "a relative source", relative_source },
	{ "proc on the root", root_target },		 { "an unknown operation", unknown_op },
	{ "an operation in another stage", wrong_stage }, { "an origin that is not there", origin },
	{ "a content behind the end", long_content },	 { "a set-user-id file", setuid_file },
	{ "a root without size", unbounded },		 { "an argument that is not used", used_none },
	{ "an empty filter", no_filter_code },		 { "a filter that is not there", filter_index },
	{ "a filter without architecture", no_arch },	 { "a filter without end", no_return },
	{ "a filter too long", long_filter },		 { "no command line", no_words },
	{ "an argument behind the end", far_word },	 { "an environment entry without '='", odd_env },
	{ "no program", no_program },			 { "a relative program", relative_program },
	{ "more ids outside than inside", ids_of_one },	 { "more ids for another than root", ids_of_others },
	{ "two programs", twice },			 { "capabilities before NEST", order },
	{ "a mount after the start", late },		 { "an unknown resource", resource },
	{ "too many steps", too_many },			 { "a terminal from elsewhere", foreign_terminal },
	{ "one from below the devpts", longer_terminal }, { "one without a devpts", no_devpts },
	{ "too many steps", too_many },			 { "a direct target in a bound tree", too_direct },
	{ "a direct target behind a link", behind_link }, { "a file of others as the cage's own", foreign_own },
};

static void test_breaks(void)
{
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		CLEANUP(plan_freep) struct plan *plan = good();
		breaks[i].function(plan);
		snprintf(name, sizeof(name), "refused: %s", breaks[i].name);
		ok(verify(plan) < 0, name);
	}
	for (unsigned op = 0; op < OP_COUNT; op++) {
		CLEANUP(plan_freep) struct plan *plan = good();
		if (op_table[op].count != COUNT_ONE)
			continue;
		drop(plan, find(plan, op));
		snprintf(name, sizeof(name), "refused: no %s", op_table[op].name);
		ok(verify(plan) < 0, name);
	}
}

static void test_limits(void)
{
	CLEANUP(plan_freep) struct plan *plan = good();

	while (plan->steps.count < LIMIT_PLAN_STEPS)
		plan_add(plan, OP_MKDIR, plan_text(plan, "x"), 0, 0, 0755, NULL);
	plan_seal(plan);
	ok(verify(plan) == 0, "as many steps as the limit allows");
}

static void test_builder(void)
{
	CLEANUP(plan_freep) struct plan *plan = good();
	struct strbuf text = { .arena = plan->arena }, document = { .arena = plan->arena };
	struct json json = { .out = &document, .first = true };

	ok(verify(plan) == 0, "a good plan passes");
	plan_print(plan, &text);
	ok(strstr(strbuf_text(&text), "BIND          /usr  /usr  1:2  read-only,nosuid,nodev\n"),
	   "the text shows a bind");
	plan_print_json(plan, &json, NULL);
	ok(strstr(strbuf_text(&document), "\"/etc/passwd\"") != NULL, "the JSON shows a file");

	size_t before = plan->steps.count;
	plan_mkdir(plan, "/a/b/c", 0700, NULL);
	plan_mkdir(plan, "/a/b", 0755, NULL);
	ok(plan->steps.count == before + 3, "each missing directory is made once");
	plan_bind(plan, "/usr/lib", &directory, "/usr/lib", PLAN_READ_ONLY, NULL);
	ok(plan->steps.count == before + 4, "no mount point is made in a bound tree");
	plan_private_dir(plan, "/home/me", 0700, 0, NULL);
	plan_bind(plan, "/home/me/x", &directory, "/home/me/x", 0, NULL);
	const struct step *point = &plan->steps.items[plan->steps.count - 2];
	ok(point->op == OP_MKDIR && point->x & PLAN_CREATE, "a mount point in a private directory");
	plan_bind(plan, "/", &directory, "/mnt", PLAN_READ_ONLY, NULL);
	ok(find(plan, OP_NEWROOT)->a == PLAN_KEEP_HOST, "the host's root is kept for a bind of it");
	plan_seal(plan);
	ok(verify(plan) == 0, "sealed again, it passes");
}

int main(void)
{
	test_builder();
	test_limits();
	test_breaks();
	printf("1..%d\n", number);
	return failed != 0;
}
