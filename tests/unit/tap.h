/* tests/unit/tap.h - the Test Anything Protocol in a few lines: ok(condition, "name"), done(). */
#ifndef CUDDY_TESTS_TAP_H
#define CUDDY_TESTS_TAP_H

#include <stdio.h>
#include <string.h>

static unsigned tap_count, tap_failed;

/* One test; a failed one says where.  Gives the condition back. */
#define ok(condition, ...) tap_ok(!!(condition), __FILE__, __LINE__, __VA_ARGS__)

/* Two strings that must be equal (two NULLs are); a failed test shows both. */
#define is(got, wanted, ...) tap_is((got), (wanted), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 4, 5), unused))
static int tap_ok(int condition, const char *file, int line, const char *format, ...)
{
	__builtin_va_list arguments;

	printf("%sok %u - ", condition ? "" : "not ", ++tap_count);
	__builtin_va_start(arguments, format);
	vprintf(format, arguments);
	__builtin_va_end(arguments);
	printf("\n");
	if (!condition) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return condition;
}

__attribute__((unused))
static void tap_show(const char *label, const char *text)
{
	printf("# %s: ", label);
	for (const char *at = text ? text : "(null)"; *at; at++)
		if (*at == '\n')
			printf("\n#    ");
		else
			putchar(*at);
	printf("\n");
}

__attribute__((format(printf, 5, 6), unused))
static int tap_is(const char *got, const char *wanted, const char *file, int line,
		  const char *format, ...)
{
	int equal = got && wanted ? strcmp(got, wanted) == 0 : got == wanted;
	__builtin_va_list arguments;
	char name[256];

	__builtin_va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	__builtin_va_end(arguments);
	if (!tap_ok(equal, file, line, "%s", name)) {
		tap_show("   got", got);
		tap_show("wanted", wanted);
	}
	return equal;
}

/* For a whole program that can't run here: `return skip_all("why")`. */
__attribute__((unused))
static int skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

/* The plan; `return done();` ends main(). */
__attribute__((unused))
static int done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
