/* fuzz_vpn.c - any bytes as a VPN configuration: the first byte chooses the format.  What is accepted reads
 * the same again, and the client gets directives of ours only, whatever stands in blocks and quotations. */
#include "vpn/config.h"

#include "base/limits.h"
#include "vpn/directives.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As OpenVPN's reader sees it: lines of at most 255 bytes, blocks up to the line that closes them. */
static void check_client_text(struct arena *arena, const char *text)
{
	const char *block = NULL;

	for (const char *line = text, *end; *line; line = end + 1) {
		size_t length, word = strcspn(line, " \n");
		const char *first = arena_strndup(arena, line, word);
		const struct directive *row;

		end = strchr(line, '\n');
		must(end != NULL);
		length = (size_t)(end - line);
		if (block) {
			must(!strchr(first, '<') || str_equal(first, block));
			block = str_equal(first, block) ? NULL : block;
			continue;
		}
		must(length <= LIMIT_VPN_LINE);
		if (*line == '<') {
			block = arena_printf(arena, "</%s", first + 1);
			continue;
		}
		row = directive_find(first);
		must(row && (row->action == DIRECTIVE_PASS || row->action == DIRECTIVE_OURS || str_equal(first, "nobind")));
	}
	must(!block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct source source = { .name = "fuzz", .first_line = 1 }, stored = { .name = "stored", .first_line = 1 };
	enum vpn_kind kind = size && data[0] & 1 ? VPN_WIREGUARD : VPN_OPENVPN;
	struct vpn_config *config, *again;
	struct strbuf out = { .arena = arena };
	struct diags d, second;

	if (size == 0 || size > 65536)
		return 0;
	diags_init(&d, arena);
	diags_init(&second, arena);
	source.text = arena_strndup(arena, (const char *)data + 1, size - 1);
	source.length = size - 1;
	if (vpn_config_parse(arena, &source, kind, -1, &d, &config) < 0) {
		must(d.errors > 0);
		diags_print(&d, &out, false);
		return 0;
	}
	must(d.errors == 0 && config->remote_count > 0);
	stored.text = vpn_stored_text(arena, config);
	stored.length = strlen(stored.text);
	must(vpn_config_parse(arena, &stored, kind, -1, &second, &again) == 0);
	must(second.list.count == 0);
	must(str_equal(vpn_stored_text(arena, again), stored.text));
	must(str_equal(vpn_client_text(arena, again, NULL), vpn_client_text(arena, config, NULL)));
	if (kind == VPN_OPENVPN)
		check_client_text(arena, vpn_client_text(arena, config, NULL));
	return 0;
}
