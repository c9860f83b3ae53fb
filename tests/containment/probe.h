/* tests/containment/probe.h - what the rows of the probe share. */
#ifndef CUDDY_TESTS_PROBE_H
#define CUDDY_TESTS_PROBE_H

#include <stdbool.h>
#include <stddef.h>

enum verdict { VERDICT_CLOSED, VERDICT_OPEN, VERDICT_SKIP };

struct row {
	const char *class;
	enum verdict (*run)(const struct row *row);
	const char *text;     /* path, environment name, … */
	long number[6];       /* system call and arguments, flags, … */
};

/* Says what was seen and passes the verdict on. */
enum verdict say(enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Verdict of a call: EPERM, EACCES and ENOSYS are closed, all else reached the kernel's code. */
enum verdict judge(long result, const char *what);
const char *fact(const char *name); /* NAME=VALUE argument or environment; NULL when not given */
const char *own_directory(void);    /* a place that we can write, or NULL */

extern const struct row call_rows[], file_rows[], inherit_rows[], net_rows[];
int bait_main(int argc, char **argv);
int key_main(int argc, char **argv);
int linger_main(int argc, char **argv);

#define BAD_POINTER 8L /* never mapped: below vm.mmap_min_addr */
#endif
