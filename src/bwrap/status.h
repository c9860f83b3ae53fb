/* bwrap/status.h - what --info-fd and --json-status-fd are told. */
#ifndef CUDDY_BWRAP_STATUS_H
#define CUDDY_BWRAP_STATUS_H

#include "bwrap/bwrap.h"

struct bwrap_status {
	const struct bwrap *b;
	uint64_t namespaces;	/* CLONE_NEW* that were made */
	const char *error;	/* why status_made() failed */
};

/* For launch_foreign(): tells both about the new process, then waits for --userns-block-fd. */
int bwrap_status_made(void *status, pid_t pid);
/* Tells --json-status-fd how the program ended. */
void bwrap_status_ended(const struct bwrap *b, int exit_status);

#endif
