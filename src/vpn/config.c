/* vpn/config.c - one configuration: read from a file or a text, and written for the client or the store.
 * Must not: resolve names, run anything. */
#include "vpn/config.h"

#include "base/fd.h"
#include "vpn/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int vpn_config_parse(struct arena *arena, const struct source *source, enum vpn_kind kind, int directory,
		     struct diags *d, struct vpn_config **ret)
{
	struct vpn_config *config = arena_new_object(arena, struct vpn_config);
	size_t errors = d->errors;
	struct reader r;

	*config = (struct vpn_config){ .kind = kind, .source = source, .directives = "",
				       .search = arena_new_array(arena, const char *, 1) };
	reader_init(&r, arena, source, d);
	r.config = config;
	if (reader_check(&r) < 0)
		return -EINVAL;
	switch (kind) {
	case VPN_OPENVPN:
		openvpn_read(&r, directory);
		break;
	case VPN_WIREGUARD:
		wireguard_read(&r);
		break;
	}
	if (d->errors > errors)
		return -EINVAL;
	*ret = config;
	return 0;
}

/* WireGuard's files begin with a section. */
static enum vpn_kind kind_of(struct arena *arena, const struct source *source)
{
	struct diags ignored;
	struct reader r;
	struct word line;

	diags_init(&ignored, arena);
	reader_init(&r, arena, source, &ignored);
	while (reader_line(&r, &line)) {
		line = word_trimmed(arena, &line);
		if (*line.text && *line.text != '#' && *line.text != ';')
			return *line.text == '[' ? VPN_WIREGUARD : VPN_OPENVPN;
	}
	return VPN_OPENVPN;
}

static int fail(struct arena *arena, struct diags *d, const struct origin *origin, const char *path, int error)
{
	diag_error(d, "C720", origin, "'%s' cannot be read: %s", str_quote(arena, path),
		   error == -EINVAL ? "it is no regular file" :
		   error == -EFBIG ? "it is longer than 256 KiB (LIMIT_VPN_FILE)" : strerror(-error));
	diag_help(d, "name the .ovpn or .conf file that you were given");
	return -EINVAL;
}

/* Reads the file into `source`; opens its directory, for the files that it names. */
static int read_file(struct arena *arena, const char *path, const struct origin *origin, struct diags *d,
		     struct source *source, int *ret_directory)
{
	const char *slash = strrchr(path, '/');
	const char *parent = slash ? arena_strndup(arena, path, (size_t)(slash - path) + 1) : ".";
	AUTO_FD int directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int fd = -1;
	struct stat status;
	char *text;
	int r;

	if (directory < 0)
		return fail(arena, d, origin, path, -errno);
	fd = openat(directory, slash ? slash + 1 : path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0)
		return fail(arena, d, origin, path, -errno);
	r = fd_read_all(arena, fd, LIMIT_VPN_FILE, &text, &source->length);
	if (r < 0)
		return fail(arena, d, origin, path, r);
	if (status.st_mode & S_IWOTH) {
		diag_error(d, "C720", origin, "everybody may write to '%s'", str_quote(arena, path));
		diag_help(d, "look whether it is as you know it, then 'chmod o-w' it");
		return -EINVAL;
	}
	source->name = path;
	source->text = text;
	source->first_line = 1;
	*ret_directory = TAKE_FD(directory);
	return 0;
}

int vpn_config_load(struct arena *arena, const char *path, const struct origin *origin, struct diags *d,
		    struct vpn_config **ret)
{
	struct source *source = arena_new_object(arena, struct source);
	AUTO_FD int directory = -1;
	int r = read_file(arena, path, origin, d, source, &directory);

	return r < 0 ? r : vpn_config_parse(arena, source, kind_of(arena, source), directory, d, ret);
}

static const char *text_of(struct arena *arena, const struct vpn_config *config, const char *const *addresses,
			 bool stored)
{
	struct strbuf out = { .arena = arena };

	switch (config->kind) {
	case VPN_OPENVPN:
		openvpn_write(&out, config, addresses, stored);
		break;
	case VPN_WIREGUARD:
		wireguard_write(&out, config, addresses, stored);
		break;
	}
	return strbuf_text(&out);
}

const char *vpn_client_text(struct arena *arena, const struct vpn_config *config, const char *const *addresses)
{
	return text_of(arena, config, addresses, false);
}

const char *vpn_stored_text(struct arena *arena, const struct vpn_config *config)
{
	return text_of(arena, config, NULL, true);
}
