/* tests/containment/bait.c - the process outside that a cage must not reach.
 *
 * It listens (abstract name, path, TCP on loopback), owns shared memory, notes a SIGURG, may be
 * traced by anybody, and has the cookie in its environment, which the driver set. */
#include "probe.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif
#define KEYCTL_JOIN_SESSION 1
#define KEY_SESSION (-3)

static const char *mark;

static void note(int signal)
{
	int fd = open(mark, O_WRONLY | O_CREAT, 0600);

	(void)signal;
	if (fd >= 0)
		close(fd);
}

static int listen_local(const char *name, bool is_abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path + is_abstract, sizeof(address.sun_path) - 1, "%s", name);
	if (bind(fd, (void *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
						   is_abstract + strlen(name))) < 0 ||
	    listen(fd, 64) < 0) {
		perror(name);
		return -1;
	}
	return fd;
}

/* --bait DIRECTORY ABSTRACT-NAME: prints "PORT SHM-KEY PID", then waits to be ended. */
int bait_main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	char path[200], file[220];
	key_t key = 0x63640000 | (getpid() & 0xffff);
	int tcp = socket(AF_INET, SOCK_STREAM, 0), segment;

	if (argc != 2 || strlen(argv[0]) > 90)
		return 2;
	snprintf(file, sizeof(file), "%s/signalled", argv[0]);
	snprintf(path, sizeof(path), "%s/bait.sock", argv[0]);
	mark = file;
	signal(SIGURG, note);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_PTRACER, -1L, 0, 0, 0);
	segment = shmget(key, 4096, IPC_CREAT | 0666);
	if (listen_local(argv[1], true) < 0 || listen_local(path, false) < 0)
		return 1;
	if (bind(tcp, (void *)&address, sizeof(address)) < 0 || listen(tcp, 64) < 0 ||
	    getsockname(tcp, (void *)&address, &length) < 0)
		return 1;
	printf("%d %d %d\n", ntohs(address.sin_port), (int)key, (int)getpid());
	fflush(stdout);
	/* The driver closes our standard input when it is done. */
	for (char byte; read(0, &byte, 1) > 0;)
		;
	if (segment >= 0)
		shmctl(segment, IPC_RMID, NULL);
	return 0;
}

/* --with-key NAME CMD…: runs CMD with a session keyring that holds a key of that name. */
int key_main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION, NULL, 0, 0, 0) < 0 ||
	    syscall(SYS_add_key, "user", argv[0], "bait", 4L, KEY_SESSION) < 0)
		perror("no key for the keyring row");
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}

/* --linger COOKIE leave|hold: a child in a session of its own stays for a while, the parent ends
 * at once or stays too.  The driver looks for the cookie on command lines. */
int linger_main(int argc, char **argv)
{
	pid_t child;

	if (argc != 2)
		return 2;
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		setsid();
	if (child == 0 || strcmp(argv[1], "hold") == 0)
		sleep(20);
	return 0;
}
