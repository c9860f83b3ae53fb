/* test_grants - the list of grants, the table of mounts, the pattern of a path, desktop entries written anew. */
#include "base/fd.h"
#include "base/limits.h"
#include "cage/grants.h"
#include "cage/mountinfo.h"
#include "policy/glob.h"
#include "profile/desktop.h"
#include "profile/menu.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/cuddy-test-grants.XXXXXX";

static void put(int dir, const char *name, const char *text, size_t length)
{
	AUTO_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0 && fd_write_all(fd, text, length) == 0);
}

static void test_list(struct arena *arena, int dir)
{
	static const char *const bad[] = { "x r /a", "5 x /a", "5 r a", "5r /a", "", "99999999999999999999999 r /a" };
	struct grants grants = { 0 }, read;
	bool refused = true;

	ok(grants_read(arena, dir, &read) == 0 && read.list.count == 0, "no file: no grants");
	*vec_push(arena, &grants.list) = (struct grant){ 57, true, "/a\nb \\040" };
	*vec_push(arena, &grants.list) = (struct grant){ 4294967296, false, "/" };
	ok(grants_write(arena, dir, &grants) == 0 && grants_read(arena, dir, &read) == 0 && read.list.count == 2 &&
	       read.list.items[0].mount == 57 && read.list.items[0].read_only &&
	       str_equal(read.list.items[0].path, "/a\nb \\040") && read.list.items[1].mount == 4294967296 &&
	       !read.list.items[1].read_only && str_equal(read.list.items[1].path, "/"), "a list comes back");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put(dir, "grants", bad[i], strlen(bad[i]) + 1);
		refused = refused && grants_read(arena, dir, &read) == -EPROTO;
	}
	ok(refused, "what is no list is refused");
	grants_clear(dir);
	ok(grants_read(arena, dir, &read) == 0 && read.list.count == 0, "and goes");
}

static void test_mountinfo(struct arena *arena, int dir)
{
	static const char table[] =
		"1 0 8:1 / / rw - ext4 /dev/sda rw\n"
		"20 1 0:5 / /proc rw shared:3 - proc proc rw\n"
		"21 1 0:6 / /srv/a\\040b\\134x rw master:1 shared:2 - tmpfs none rw\n"
		"22 21 0:7 / /srv/a\\040b\\134x/in rw - sysfs none rw\n"
		"23 1 0:8 / /over rw - proc none rw\n"
		"24 23 0:9 / /over rw - tmpfs none rw\n";
	const char *path = NULL;

	put(dir, "mountinfo", table, strlen(table));
	ok(mountinfo_find(arena, dir, 21, &path) == 0 && str_equal(path, "/srv/a b\\x"), "a mount by its number");
	ok(mountinfo_find(arena, dir, 2, &path) == -ENOENT, "one that is not there");
	ok(mountinfo_has_kernel(arena, dir, "/proc/1") == 1, "in procfs");
	ok(mountinfo_has_kernel(arena, dir, "/srv") == 1, "above a sysfs");
	ok(mountinfo_has_kernel(arena, dir, "/srv/a b\\x/other") == 0, "beside it");
	ok(mountinfo_has_kernel(arena, dir, "/process") == 0, "a name that begins alike");
	ok(mountinfo_has_kernel(arena, dir, "/over/x") == 0, "of mounts at one place the last counts");
	put(dir, "mountinfo", "nonsense\n", 9);
	ok(mountinfo_has_kernel(arena, dir, "/") == -EPROTO && mountinfo_find(arena, dir, 1, &path) == -EPROTO,
	   "another table is refused");
}

static void test_pattern(struct arena *arena, struct diags *d)
{
	static const char odd[] = "/a*b/[c]/{d,e}/$f?\\g";
	const struct glob *glob;

	ok(glob_compile(arena, glob_of_path(arena, odd, true), NULL, d, &glob) == 0 && glob_matches(glob, odd) &&
	       glob_matches(glob, arena_printf(arena, "%s/x/y", odd)) && !glob_matches(glob, "/axb/c/d/$f?\\g"),
	   "the pattern of a path means that path");
	ok(glob_compile(arena, glob_of_path(arena, "/", true), NULL, d, &glob) == 0 && glob_matches(glob, "/") &&
	       glob_matches(glob, "/x/y"), "that of the root means all");
}

static void test_entry(struct arena *arena)
{
	static const char text[] = "# c\n[Desktop Entry]\nType=Application\nName=P\nName[de]=Q\nExec=env X=1 prog --a %f %D 'x\n"
				   "Path=/etc\nX-Do=1\nActions=a;\n[Desktop Action a]\nName=A\nExec=other %u\n[Other]\nExec=evil\n";
	struct desktop_wish wish = { .command = "/h/bin/my prog%", .suffix = "w", .program = "prog", .icon = "i" };
	struct strbuf out = { .arena = arena };

	ok(desktop_rewrite(arena, text, strlen(text), &wish, &out) == 0, "an entry is written anew");
	ok(str_equal(out.text, "[Desktop Entry]\nType=Application\nName=P (w)\nName[de]=Q (w)\n"
			       "Exec=\"/h/bin/my prog%%\" --a %f \"'x\"\nActions=a;\n"
			       "TryExec=/h/bin/my prog%\nDBusActivatable=false\nIcon=i\nStartupWMClass=prog\n\n"
			       "[Desktop Action a]\nName=A\nExec=\"/h/bin/my prog%%\" %u\n"), "known keys, our command");
	static const char inside[] = "[Desktop Entry]\nType=Application\nName=P\nExec=prog \"--x= %u\"\n";
	out = (struct strbuf){ .arena = arena };
	ok(desktop_rewrite(arena, inside, strlen(inside), &wish, &out) == -EINVAL, "a field code in quotation marks is refused");
	ok(desktop_string(arena, "a\nb") == NULL && desktop_string(arena, "\xff") == NULL &&
	       str_equal(desktop_string(arena, " a\\b"), "\\sa\\\\b"), "text as a value");
}

int main(void)
{
	struct arena *arena = arena_new();
	struct diags d;

	diags_init(&d, arena);
	must(mkdtemp(top));
	AUTO_FD int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0);
	test_list(arena, dir);
	test_mountinfo(arena, dir);
	test_pattern(arena, &d);
	test_entry(arena);
	unlinkat(dir, "mountinfo", 0);
	rmdir(top);
	arena_free(arena);
	return done();
}
