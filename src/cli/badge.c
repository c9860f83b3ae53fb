/* cli/badge.c - finds icons and wraps them.  An icon may be hostile: it is carried as data, never looked into. */
#include "cli/badge.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Where icons are, the best first (Icon Theme Specification; every theme falls back to hicolor). */
static const char *const places[] = {
	"icons/hicolor/scalable/apps", "icons/hicolor/256x256/apps", "icons/hicolor/128x128/apps",
	"icons/hicolor/512x512/apps",  "icons/hicolor/96x96/apps",   "icons/hicolor/64x64/apps",
	"icons/hicolor/48x48/apps",    "pixmaps",		     "icons/hicolor/32x32/apps",
};
static const char *const endings[] = { ".svg", ".png" };

const char *badge_find(struct arena *arena, const char *const *directories, size_t count, const char *icon)
{
	if (*icon == '/')
		return access(icon, R_OK) == 0 ? icon : NULL;
	if (!*icon || strchr(icon, '/'))
		return NULL;
	for (size_t place = 0; place < ARRAY_SIZE(places); place++)
		for (size_t i = 0; i < count; i++)
			for (size_t end = 0; end < ARRAY_SIZE(endings); end++) {
				const char *path = arena_printf(arena, "%s/%s/%s%s", directories[i], places[place], icon,
								endings[end]);

				if (access(path, R_OK) == 0)
					return path;
			}
	return NULL;
}

/* RFC 4648 */
static void add_base64(struct strbuf *out, const unsigned char *bytes, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		size_t left = MIN(length - i, (size_t)3);
		unsigned value = bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
		char four[4] = { digits[value >> 18], digits[value >> 12 & 63], digits[value >> 6 & 63], digits[value & 63] };

		memset(four + left + 1, '=', 3 - left);
		strbuf_add_bytes(out, four, 4);
	}
}

static const char *type_of(const char *bytes, size_t length)
{
	if (length > 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
		return "image/png";
	return strlen(bytes) == length && strstr(bytes, "<svg") ? "image/svg+xml" : NULL;
}

const char *badge_make(struct arena *arena, const char *path, const char *name)
{
	static const char *const colours[] = { "#1c71d8", "#2ec27e", "#e66100", "#9141ac", "#c01c28", "#986a44" };
	struct strbuf out = { .arena = arena };
	const char *type = NULL;
	unsigned colour = 0;
	size_t length;
	char *bytes;

	if (fd_read_file(arena, AT_FDCWD, path, LIMIT_ICON, &bytes, &length) == 0)
		type = type_of(bytes, length);
	if (!type)
		return NULL;
	for (const char *at = name; *at; at++)
		colour = colour * 31 + (unsigned char)*at;
	strbuf_addf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
			  "width=\"128\" height=\"128\" viewBox=\"0 0 128 128\">\n"
			  "<image width=\"128\" height=\"128\" xlink:href=\"data:%s;base64,", type);
	add_base64(&out, (const unsigned char *)bytes, length);
	strbuf_addf(&out, "\"/>\n<circle cx=\"102\" cy=\"102\" r=\"22\" fill=\"%s\" stroke=\"#ffffff\" stroke-width=\"6\"/>\n"
			  "<circle cx=\"102\" cy=\"102\" r=\"9\" fill=\"#ffffff\"/>\n</svg>\n",
		    colours[colour % ARRAY_SIZE(colours)]);
	return strbuf_text(&out);
}
