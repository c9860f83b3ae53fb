/* vpn/text.c - what both formats consist of: lines with their places, numbers, addresses, names, keys.
 * Must not: resolve names. */
#include "vpn/internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 253, LABEL_BYTES = 63, BAD_LINES = 5 };

/* ---- lines ------------------------------------------------------------------------------- */

void reader_init(struct reader *r, struct arena *arena, const struct source *source, struct diags *d)
{
	struct source *hidden = arena_new_object(arena, struct source);
	const char *text = source->text ? source->text : "";

	*hidden = (struct source){ .name = source->name, .first_line = source->first_line };
	*r = (struct reader){
		.arena = arena, .d = d, .source = source, .hidden = hidden,
		.at = text, .end = text + (source->text ? source->length : 0),
		.line = source->first_line ? source->first_line : 1,
	};
	if (r->end - r->at >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0)
		r->at += 3;
}

int reader_check(struct reader *r)
{
	const char *text = r->source->text ? r->source->text : "", *line = text;
	uint32_t number = r->line, last_bad = 0;
	unsigned bad = 0;

	if ((size_t)(r->end - text) > LIMIT_VPN_FILE)
		return diag_error(r->d, "C731", NULL, "'%s' is longer than %d bytes (LIMIT_VPN_FILE)",
				  str_quote(r->arena, r->source->name), LIMIT_VPN_FILE);
	for (const char *at = text; at < r->end && bad < BAD_LINES;) {
		size_t length = str_utf8_length(at);
		bool is_end = *at == '\r' && at + 1 < r->end && at[1] == '\n';
		bool is_control = (unsigned char)*at < ' ' && *at != '\t' && *at != '\n' && !is_end;
		/* The line itself may be a secret, and is not for terminals in any case. */
		struct origin origin = { .source = r->hidden, .line = number, .column = (uint32_t)(at - line) + 1 };

		if (length > (size_t)(r->end - at))
			length = 0;
		if ((length == 0 || is_control || *at == 0x7f) && last_bad != number) {
			diag_error(r->d, "C721", &origin, length == 0 && *at ? "byte 0x%02x is no UTF-8" :
				   "control character 0x%02x", (unsigned char)*at);
			last_bad = number;
			bad++;
		}
		if (*at == '\n') {
			number++;
			line = at + 1;
		}
		at += length ? length : 1;
	}
	return bad ? -EINVAL : 0;
}

bool reader_line(struct reader *r, struct word *ret)
{
	const char *start = r->at, *text = r->source->text;
	const char *newline;
	size_t length;

	if (start >= r->end)
		return false;
	newline = memchr(start, '\n', (size_t)(r->end - start));
	length = newline ? (size_t)(newline - start) : (size_t)(r->end - start);
	r->at = newline ? newline + 1 : r->end;
	if (newline && length && start[length - 1] == '\r')
		length--;
	*ret = (struct word){
		.text = arena_strndup(r->arena, start, length),
		.origin = { .source = r->source, .line = r->line++, .length = (uint32_t)length,
			    /* behind a mark of the byte order */
			    .column = start == text + 3 && (unsigned char)*text == 0xef ? 4 : 1 },
	};
	return true;
}

struct word word_part(struct arena *arena, const struct word *word, size_t from, size_t length)
{
	struct word part = { .text = arena_strndup(arena, word->text + from, length), .origin = word->origin };

	part.origin.column += (uint32_t)from;
	part.origin.length = (uint32_t)length;
	return part;
}

struct word word_trimmed(struct arena *arena, const struct word *word)
{
	size_t from = strspn(word->text, " \t"), length = strlen(word->text + from);

	while (length && strchr(" \t", word->text[from + length - 1]))
		length--;
	return word_part(arena, word, from, length);
}

struct origin reader_secret(const struct reader *r, const struct origin *origin)
{
	struct origin hidden = *origin;

	hidden.source = r->hidden;
	return hidden;
}

const struct origin *origin_kept(struct arena *arena, const struct origin *origin)
{
	struct origin *kept = arena_new_object(arena, struct origin);

	*kept = *origin;
	return kept;
}

/* ---- values ------------------------------------------------------------------------------ */

bool parse_number(const char *text, unsigned long most, unsigned long *ret)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value > most)
		return false;
	*ret = value;
	return true;
}

static const char *address_text(struct arena *arena, const struct vpn_address *a, bool with_prefix)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(a->family, a->bytes, text, sizeof(text));
	return with_prefix ? arena_printf(arena, "%s/%u", text, a->prefix) : arena_strdup(arena, text);
}

bool parse_address(struct arena *arena, const char *text, int family, struct vpn_address *ret)
{
	const char *slash = strchr(text, '/');
	const char *host = slash ? arena_strndup(arena, text, (size_t)(slash - text)) : text;
	struct vpn_address a = { 0 };
	unsigned long prefix;

	a.family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if ((family != AF_UNSPEC && family != a.family) || inet_pton(a.family, host, a.bytes) != 1)
		return false;
	prefix = a.family == AF_INET ? 32 : 128;
	if (slash && !parse_number(slash + 1, prefix, &prefix))
		return false;
	a.prefix = (unsigned)prefix;
	a.text = address_text(arena, &a, slash);
	*ret = a;
	return true;
}

void address_mask(struct arena *arena, struct vpn_address *a)
{
	unsigned bits = a->family == AF_INET ? 32 : 128;

	for (unsigned bit = a->prefix; bit < bits; bit++)
		a->bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	a->text = address_text(arena, a, strchr(a->text, '/'));
}

/* "0x7f.1" and "127.1" are numbers for inet_aton(3), which clients use. */
static bool is_number_like(const char *label)
{
	return isdigit((unsigned char)*label) && label[strspn(label, "0123456789abcdefx")] == '\0' &&
	       (label[strspn(label, "0123456789")] == '\0' || label[1] == 'x');
}

static bool is_name(const char *text)
{
	size_t total = strlen(text), length;
	const char *label = text;

	if (!total || total > NAME_BYTES)
		return false;
	for (;; label += length + 1) {
		length = strcspn(label, ".");
		if (!length || length > LABEL_BYTES || label[0] == '-' || label[length - 1] == '-' ||
		    strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") < length)
			return false;
		if (!label[length])
			return !is_number_like(label);
	}
}

const char *parse_host(struct arena *arena, const char *text, int *ret_family)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char *name = arena_strdup(arena, text);
	struct vpn_address a;

	if (!strchr(text, '/') && parse_address(arena, text, AF_UNSPEC, &a)) {
		/* Sockets send to it by IPv4, so that is what it is. */
		if (a.family == AF_INET6 && memcmp(a.bytes, mapped, sizeof(mapped)) == 0) {
			a.family = AF_INET;
			memmove(a.bytes, a.bytes + sizeof(mapped), 4);
			a.text = address_text(arena, &a, false);
		}
		*ret_family = a.family;
		return a.text;
	}
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	if (str_ends(name, "."))
		name[strlen(name) - 1] = '\0';
	*ret_family = AF_UNSPEC;
	return is_name(name) ? name : NULL;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 32 bytes are 43 characters of base64 and one '='; the last two bits are zero, so that a key has one text. */
bool parse_key(const char *text, unsigned char ret[VPN_KEY_BYTES])
{
	unsigned char key[VPN_KEY_BYTES + 1] = { 0 };
	const char *digit;

	if (strlen(text) != 44 || text[43] != '=')
		return false;
	for (unsigned i = 0; i < 43; i++) {
		unsigned bit = i * 6, value;

		digit = strchr(digits, text[i]);
		if (!digit)
			return false;
		value = (unsigned)(digit - digits) << 10 >> bit % 8;
		key[bit / 8] |= (unsigned char)(value >> 8);
		key[bit / 8 + 1] |= (unsigned char)value;
	}
	if (key[VPN_KEY_BYTES])
		return false;
	memcpy(ret, key, VPN_KEY_BYTES);
	return true;
}

const char *vpn_key_text(struct arena *arena, const unsigned char key[VPN_KEY_BYTES])
{
	char *text = arena_alloc(arena, 45);

	for (unsigned i = 0; i < 43; i++) {
		unsigned bit = i * 6;
		unsigned pair = (unsigned)key[bit / 8] << 8 | (bit / 8 + 1 < VPN_KEY_BYTES ? key[bit / 8 + 1] : 0);

		text[i] = digits[pair << bit % 8 >> 10 & 63];
	}
	text[43] = '=';
	return text;
}

/* ---- lists ------------------------------------------------------------------------------- */

int reader_add_address(struct reader *r, struct vpn_addresses *list, const struct vpn_address *address,
		       const struct origin *origin)
{
	if (r->addresses++ >= LIMIT_VPN_ADDRESSES) {
		if (r->addresses > LIMIT_VPN_ADDRESSES + 1)
			return -EINVAL;
		return diag_error(r->d, "C731", origin, "more than %d addresses (LIMIT_VPN_ADDRESSES)",
				  LIMIT_VPN_ADDRESSES);
	}
	/* Room doubles: the count is a power of two when it is full. */
	if ((list->count & (list->count - 1)) == 0) {
		struct vpn_address *more = arena_new_array(r->arena, struct vpn_address,
							   list->count ? list->count * 2 : 1);

		if (list->count)
			memcpy(more, list->items, list->count * sizeof(*more));
		list->items = more;
	}
	list->items[list->count] = *address;
	list->items[list->count++].origin = origin_kept(r->arena, origin);
	return 0;
}

int reader_add_search(struct reader *r, const struct word *domain)
{
	const char **old = r->config->search, **more;
	size_t count = 0;
	int family;
	const char *name = parse_host(r->arena, domain->text, &family);

	if (!name || family != AF_UNSPEC)
		return diag_error(r->d, "C725", &domain->origin, "'%s' is not the name of a domain",
				  str_quote(r->arena, domain->text));
	while (old[count])
		count++;
	if (count >= LIMIT_VPN_REMOTES)
		return diag_error(r->d, "C731", &domain->origin, "more than %d domains (LIMIT_VPN_REMOTES)",
				  LIMIT_VPN_REMOTES);
	more = arena_new_array(r->arena, const char *, count + 2);
	memcpy(more, old, count * sizeof(*old));
	more[count] = name;
	r->config->search = more;
	return 0;
}

struct vpn_remote *reader_add_remote(struct reader *r, const struct origin *origin)
{
	struct vpn_config *c = r->config;

	if (!c->remotes)
		c->remotes = arena_new_array(r->arena, struct vpn_remote, LIMIT_VPN_REMOTES);
	if (c->remote_count >= LIMIT_VPN_REMOTES) {
		diag_error(r->d, "C731", origin, "more than %d servers (LIMIT_VPN_REMOTES)", LIMIT_VPN_REMOTES);
		return NULL;
	}
	c->remotes[c->remote_count].origin = origin_kept(r->arena, origin);
	return &c->remotes[c->remote_count++];
}
