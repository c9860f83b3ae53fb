/* relay/vpn/openvpn.c - OpenVPN without a right: it finds a device that is there and is its own, and says by --up
 * what the server has pushed.  openvpn(8), "Environmental Variables".
 * Must not: let it set addresses or routes, or run a program but ours. */
#include "relay/vpn/inside.h"
#include "relay/vpn/pushed.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { STANDARD_MTU = 1500, ENVIRONMENT_MOST = 2 << 20 /* what execve(2) takes, mostly */ };

static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

/* Files that only the client's own file system has; whatever a client left there goes. */
static int write_secret(const char *path, const char *first, const char *second)
{
	(void)unlink(path);
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, first, strlen(first));

	if (r == 0)
		r = fd_write_all(fd, "\n", 1);
	if (r == 0 && second)
		r = fd_write_all(fd, second, strlen(second));
	return r == 0 && second ? fd_write_all(fd, "\n", 1) : r;
}

static const char **make_command(struct inside *in)
{
	static const char *const always[] = {
		"openvpn", "--config", "stdin", "--dev", INSIDE_TUNNEL, "--dev-type", "tun", "--disable-dco",
		"--ifconfig-noexec", "--route-noexec", "--persist-tun", "--persist-key", "--script-security", "2",
		"--up", "/cuddy-vpn", "--verb", "3", "--suppress-timestamps", "--connect-retry", "1", "15", "--auth-nocache",
	};
	VEC(const char *) words = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		*vec_push(in->arena, &words) = always[i];
	if (in->config->wants_auth) {
		*vec_push(in->arena, &words) = "--auth-user-pass";
		*vec_push(in->arena, &words) = "/tmp/user";
	}
	if (in->config->key_password) {
		*vec_push(in->arena, &words) = "--askpass";
		*vec_push(in->arena, &words) = "/tmp/key";
	}
	*vec_push(in->arena, &words) = NULL;
	return words.items;
}

static int start(struct inside *in)
{
	const struct vpn_config *config = in->config;
	int ends[2];
	AUTO_FD int device = inside_tun(in);
	int r = MIN(device, 0);

	if (r == 0 && config->wants_auth)
		r = write_secret("/tmp/user", config->user ? config->user : "", config->password ? config->password : "");
	if (r == 0 && config->key_password)
		r = write_secret("/tmp/key", config->key_password, NULL);
	if (r == 0 && pipe2(ends, O_CLOEXEC) < 0)
		r = -errno;
	if (r < 0)
		return r;
	in->told = ends[0];
	AUTO_FD int writer = ends[1];
	fd_closep(&device); /* one at a time may have it */
	return client_start(&(struct client_wish){
		.argv = make_command(in), .envp = environment, .network_namespace = in->uplink, .extra = writer,
		.input = vpn_client_text(in->arena, config, NULL) }, &in->client);
}

/* The log is the only place that tells of --redirect-gateway; and that the file has --pull-filter or
 * --route-nopull against it. */
static void heard(struct inside *in, const char *line)
{
	const char *push = strstr(line, "PUSH_REPLY");

	if (push && strstr(push, ",redirect-gateway"))
		in->redirects = true;
	else if (strstr(line, "removed by filter: 'redirect-gateway") || strstr(line, "option 'redirect-gateway' cannot"))
		in->redirects = false;
}

static int use_environment(struct inside *in)
{
	struct pushed pushed;

	if (!pushed_read(in->arena, in->environment.text, in->environment.length, &pushed)) {
		inside_say(in, INSIDE_LINE, "the server gave no address", -1);
		return -EPROTO;
	}
	if (pushed.more)
		inside_say(in, INSIDE_LINE, "the server gave more routes than there is room for", -1);
	if (in->redirects || in->config->redirect_gateway)
		pushed_redirect(in->arena, &pushed);
	int r = inside_connect(in, in->config->mtu ? in->config->mtu : pushed.mtu ? pushed.mtu : STANDARD_MTU,
			       &pushed.addresses, &pushed.routes);
	if (r == 0)
		inside_is_up(in, &pushed.addresses, &pushed.servers);
	return r;
}

/* A part of the environment of --up; it ends with an empty entry. */
static int told(struct inside *in)
{
	char bytes[4096];
	ssize_t length = read(in->told, bytes, sizeof(bytes));

	if (length <= 0) { /* the client and its children are gone */
		fd_closep(&in->told);
		return 0;
	}
	if (in->up || in->environment.length + (size_t)length > ENVIRONMENT_MOST)
		return -EPROTO;
	strbuf_add_bytes(&in->environment, bytes, (size_t)length);
	return pushed_is_whole(in->environment.text, in->environment.length) ? use_environment(in) : 0;
}

const struct inside_kind inside_openvpn = { start, heard, told, NULL };
