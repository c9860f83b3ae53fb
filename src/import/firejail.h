/* import/firejail.h - what the two files of the firejail reader share. */
#ifndef CUDDY_IMPORT_FIREJAIL_H
#define CUDDY_IMPORT_FIREJAIL_H

#include "import/import.h"

/* What firejail leaves open until a line closes it. */
enum feature { OPEN_SOUND, OPEN_3D, OPEN_VIDEO, OPEN_INPUT, OPEN_DISC, OPEN_KEY, OPEN_X11, OPEN_INET, OPEN_INET6,
	       OPEN_NETLINK, OPEN_PACKET, OPEN_SESSION_BUS, OPEN_SYSTEM_BUS, OPEN_PRINTER, OPEN_MOUNTS,
	       OPEN_USER_RUN, OPEN_COUNT };

enum private { PRIVATE_BIN = 1, PRIVATE_ETC = 2, PRIVATE_OPT = 4, PRIVATE_SRV = 8, PRIVATE_TMP = 16,
	       PRIVATE_HOME = 32, PRIVATE_CACHE = 64 };

struct firejail {
	struct import *i;
	bool closed[OPEN_COUNT];
	unsigned private;		 /* bits of enum private */
	bool has_seccomp, keeps_calls, runs_home, all_capabilities;
	bool writes_var, writes_etc;
	const struct origin *own_sandbox, *no_user_namespaces; /* the lines that say so, or NULL */
	VEC(const char *) no_blacklist, no_whitelist, ignored;
	VEC(const char *) tops;		 /* directories that show only what is on a white list */
	VEC(const char *) excepted;	 /* calls behind "!" */
	const char *stack[32];		 /* files being read */
	unsigned depth;
	unsigned files;
};

/* A path of firejail as a pattern of ours; NULL with a finding. */
const char *firejail_path(struct firejail *f, const char *text, const struct origin *origin);

/* Lines about files, in their order. */
void firejail_blacklist(struct firejail *f, const char *path, const struct origin *origin);
void firejail_whitelist(struct firejail *f, const char *path, bool read_only, const struct origin *origin);
void firejail_access(struct firejail *f, const char *key, const char *path, const struct origin *origin);
void firejail_read_write(struct firejail *f, const char *path, const struct origin *origin);
void firejail_private_list(struct firejail *f, const char *place, const char *names,
			   const struct origin *origin);

/* Denies the paths of a list, as far as something allows them. */
void firejail_hide(struct firejail *f, const char *list);
/* Does a white list close this directory? */
bool firejail_is_top(const struct firejail *f, const char *path);

/* After the last line: what firejail shows of the file system by itself, without what was closed. */
void firejail_base(struct firejail *f);

#endif
