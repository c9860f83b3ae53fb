/* fuzz_import.c - any bytes as a file of each sandbox: the first byte chooses the reader.  What is imported
 * must be a profile that loads. */
#include "import/import.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct profile_variable variables[] = {
	{ "HOME", "/home/me" }, { "PWD", "" }, { "NAME", "x" }, { "UID", "1" }, { "USER", "me" },
	{ "XDG_CACHE_HOME", "/home/me/.cache" }, { "XDG_CONFIG_HOME", "/home/me/.config" },
	{ "XDG_DATA_HOME", "/home/me/.local/share" }, { "XDG_STATE_HOME", "/home/me/.local/state" },
	{ "XDG_RUNTIME_DIR", "/run/user/1" }, { "CUDDY_RUNNING", "/run/user/1/cuddy" }, { "XDG_DESKTOP_DIR", "" }, { "XDG_DOCUMENTS_DIR", "" },
	{ "XDG_DOWNLOAD_DIR", "" }, { "XDG_MUSIC_DIR", "" }, { "XDG_PICTURES_DIR", "" }, { "XDG_VIDEOS_DIR", "" },
};
static const char *const formats[] = { "apparmor", "firejail", "flatpak", "oci", "systemd" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct profile_context context = { .places = { .share = "." }, .variables = variables,
					   .variable_count = ARRAY_SIZE(variables), .directory = "/" };
	struct source source = { .name = "fuzz/file", .first_line = 1 }, written = { .name = "written", .first_line = 1 };
	struct import i = { .arena = arena, .context = &context };
	struct policy *policy;
	struct diags d, again;

	if (size == 0 || size > 65536)
		return 0;
	diags_init(&d, arena);
	diags_init(&again, arena);
	i.d = &d;
	source.text = arena_strndup(arena, (const char *)data + 1, size - 1);
	source.length = size - 1;
	if (import_source(&i, &source, formats[data[0] % ARRAY_SIZE(formats)]) < 0) {
		must(d.errors > 0);
		return 0;
	}
	must(d.errors == 0);
	/* The profile "nothing" has a description, and one of them only may be. */
	import_drop(&i, "", "description", NULL);
	written.text = import_write(&i);
	written.length = strlen(written.text);
	context.extra = &written;
	must(profile_resolve(arena, &context, "nothing", &again, &policy) == 0);
	return 0;
}
