/* vpn/openvpn.c - reads .ovpn files: words, blocks, and what each directive of our own comes to.
 *
 * The words are those that openvpn(8) itself would see ("the config file"); what a line means stands in
 * directives.def.  What is passed on is written anew, word by word, quoted by us.
 * Must not: pass on what is on no row. */
#include "vpn/openvpn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { DEFAULT_PORT = 1194, WORDS = LIMIT_VPN_ARGUMENTS + 1 };

int openvpn_wants(struct openvpn *o, const struct word *word, const char *name, const char *what)
{
	return diag_error(o->r->d, "C725", &word->origin, "'%s' wants %s, not '%s'", name, what,
			  str_quote(o->r->arena, word->text));
}

/* ---- words ------------------------------------------------------------------------------- */

/* One word at `*at` of the line, as OpenVPN's parse_line() takes it: quotes count at the beginning only, a
 * backslash takes the meaning off blanks, quotes and itself.  1, 0 at the end of the line, or -EINVAL, told. */
static int next_word(struct openvpn *o, const struct word *line, size_t *at, struct word *ret)
{
	struct strbuf text = { .arena = o->r->arena };
	const char *in = line->text;
	size_t from;
	char quote = 0;

	*at += strspn(in + *at, " \t");
	from = *at;
	if (!in[*at] || in[*at] == '#' || in[*at] == ';')
		return 0;
	if (in[*at] == '"' || in[*at] == '\'')
		quote = in[(*at)++];
	for (; in[*at] && (quote ? in[*at] != quote : in[*at] != ' ' && in[*at] != '\t'); (*at)++) {
		if (in[*at] == '\\' && quote != '\'') {
			struct word place = word_part(o->r->arena, line, *at, 1);

			if (!in[++*at] || !strchr("\\\" \t", in[*at])) {
				diag_error(o->r->d, "C722", &place.origin,
					   "a backslash stands before a blank, a double quote or a backslash only");
				diag_help(o->r->d, "write it twice, or the word in single quotes");
				return -EINVAL;
			}
		}
		strbuf_add_bytes(&text, &in[*at], 1);
	}
	*ret = word_part(o->r->arena, line, from, *at - from);
	if (quote && !in[*at])
		return diag_error(o->r->d, "C722", &ret->origin, "the quotation is not closed");
	*at += quote != 0;
	ret->text = strbuf_text(&text);
	return 1;
}

/* The words of a line; how many, or -EINVAL. */
static int split(struct openvpn *o, const struct word *line, struct word words[WORDS])
{
	size_t at = 0;
	int count = 0, more;
	struct word word;

	while ((more = next_word(o, line, &at, &word)) > 0) {
		if (count == WORDS)
			return diag_error(o->r->d, "C731", &word.origin, "more than %d arguments (LIMIT_VPN_ARGUMENTS)",
					  LIMIT_VPN_ARGUMENTS);
		words[count++] = word;
	}
	return more < 0 ? more : count;
}

static void add_quoted(struct strbuf *out, const char *text)
{
	if (*text && !strpbrk(text, " \t\"'\\;#")) {
		strbuf_add(out, text);
		return;
	}
	strbuf_add(out, "\"");
	for (; *text; text++)
		strbuf_addf(out, "%s%c", strchr("\"\\", *text) ? "\\" : "", *text);
	strbuf_add(out, "\"");
}

/* The client's reader takes 255 bytes. */
int openvpn_pass(struct openvpn *o, const struct word *words, size_t count)
{
	struct strbuf line = { .arena = o->r->arena };

	for (size_t i = 0; i < count; i++) {
		strbuf_add(&line, i ? " " : "");
		add_quoted(&line, words[i].text);
	}
	if (line.length > LIMIT_VPN_LINE)
		return diag_error(o->r->d, "C731", &words[0].origin, "the line is longer than %d bytes (LIMIT_VPN_LINE)",
				  LIMIT_VPN_LINE);
	strbuf_addf(&o->lines, "%s\n", line.text);
	return 0;
}

/* ---- arguments --------------------------------------------------------------------------- */

static bool is_plain(const char *text)
{
	return *text && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
					  "._:+/@=,!*-")] == '\0';
}

static int check_argument(struct openvpn *o, const char *name, char kind, const struct word *word)
{
	struct vpn_address address;
	unsigned long number;

	switch (kind) {
	case 'a':
		return parse_address(o->r->arena, word->text, AF_INET, &address) && !strchr(word->text, '/')
			? 0 : openvpn_wants(o, word, name, "an IPv4 address");
	case '6':
		return parse_address(o->r->arena, word->text, AF_INET6, &address)
			? 0 : openvpn_wants(o, word, name, "an IPv6 address");
	case 'n':
		return parse_number(word->text, INT32_MAX, &number) ? 0 : openvpn_wants(o, word, name, "a number");
	case 'w':
		return is_plain(word->text) ? 0 : openvpn_wants(o, word, name, "one word of letters, digits and signs");
	default:
		return *word->text ? 0 : openvpn_wants(o, word, name, "a text");
	}
}

static int check_arguments(struct openvpn *o, const struct directive *row, const struct word *words, size_t count)
{
	const char *kind = row->arguments;
	bool optional = false;
	size_t i = 1;
	int r = 0;

	for (; *kind && r == 0; kind++) {
		if (*kind == '|') {
			optional = true;
		} else if (*kind == '*') {
			for (; i < count && r == 0; i++)
				r = check_argument(o, row->name, kind[-1], &words[i]);
		} else if (i < count) {
			r = check_argument(o, row->name, *kind, &words[i]);
			i++;
		} else if (!optional) {
			return diag_error(o->r->d, "C725", &words[0].origin, "'%s' wants more behind it; openvpn(8) says what",
					  row->name);
		}
	}
	if (r == 0 && i < count)
		return diag_error(o->r->d, "C725", &words[i].origin, "'%s' takes no '%s' here", row->name,
				  str_quote(o->r->arena, words[i].text));
	return r;
}

/* ---- lines ------------------------------------------------------------------------------- */

static int read_directive(struct openvpn *o, const struct word *words, size_t count, bool may_be_unknown);

/* "setenv opt DIRECTIVE…" is a directive for those who know it; all else is for scripts. */
static int take_setenv(struct openvpn *o, const struct word *words, size_t count)
{
	const char *help;

	if (count > 2 && str_equal(words[1].text, "opt"))
		return read_directive(o, words + 2, count - 2, true);
	diag_warning(o->r->d, "C726", &words[0].origin, "'%s' is left out: it %s", words[0].text,
		     directive_reason_text(REASON_ENVIRONMENT, &help));
	diag_help(o->r->d, "%s", help);
	return 0;
}

static int read_unknown(struct openvpn *o, const struct word *word, bool may_be_unknown)
{
	const char *near, *text = word->text;
	bool is_end = str_starts(text, "</");

	for (size_t i = 0; i < o->unknown.count; i++)
		may_be_unknown |= str_equal(o->unknown.items[i], text);
	if (may_be_unknown)
		return 0;
	if (is_end)
		return diag_error(o->r->d, "C727", &word->origin, "'%s' ends a block that was not begun",
				  str_quote(o->r->arena, text));
	diag_error(o->r->d, "C723", &word->origin, "unknown directive '%s'", str_quote(o->r->arena, text));
	near = directive_nearest(o->r->arena, text);
	if (near)
		diag_help(o->r->d, "did you mean '%s'?", near);
	else
		diag_help(o->r->d, "delete the line, or say in it what openvpn(8) knows");
	return -EINVAL;
}

/* In a <connection> only what says where it leads to. */
static int check_connection(struct openvpn *o, const struct directive *row, const struct word *word)
{
	static const char *const names[] = { "port", "proto", "remote", "rport" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_equal(names[i], row->name))
			return 0;
	if (!o->connection || row->action == DIRECTIVE_DROP || row->action == DIRECTIVE_REFUSE)
		return 0;
	diag_error(o->r->d, "C722", &word->origin, "'%s' is not understood in a <connection>", row->name);
	diag_help(o->r->d, "write it outside, for all connections");
	return -EINVAL;
}

static int read_directive(struct openvpn *o, const struct word *words, size_t count, bool may_be_unknown)
{
	const struct directive *row = directive_find(words[0].text);
	const char *text, *help;
	openvpn_handler *run;

	if (!row)
		return read_unknown(o, &words[0], may_be_unknown);
	if (check_connection(o, row, &words[0]) < 0 ||
	    (row->action != DIRECTIVE_REFUSE && check_arguments(o, row, words, count) < 0))
		return -EINVAL;
	text = directive_reason_text(row->reason, &help);
	switch (row->action) {
	case DIRECTIVE_DROP:
		return 0;
	case DIRECTIVE_NOTE:
		diag_warning(o->r->d, "C726", &words[0].origin, "'%s' is left out: it %s", row->name, text);
		diag_help(o->r->d, "%s", help);
		return 0;
	case DIRECTIVE_OURS:
		run = str_starts(row->name, "setenv") ? take_setenv : openvpn_find_handler(row->name);
		must(run != NULL);
		return run(o, words, count);
	case DIRECTIVE_PASS:
		return openvpn_pass(o, words, count);
	case DIRECTIVE_REFUSE:
		diag_error(o->r->d, "C724", &words[0].origin, "'%s' %s", row->name, text);
		diag_help(o->r->d, "%s", help);
		return -EINVAL;
	}
	unreachable();
}

/* ---- blocks ------------------------------------------------------------------------------ */

/* The text up to the line that begins with `</name>`, as OpenVPN finds it; NULL: there is none, told. */
static struct source *read_block(struct openvpn *o, const struct word *begin, const char *name)
{
	struct source *block = arena_new_object(o->r->arena, struct source);
	const char *end = arena_printf(o->r->arena, "</%s>", name), *start = o->r->at, *stop = start;
	struct word line;

	block->name = o->r->source->name;
	block->first_line = o->r->line;
	while (reader_line(o->r, &line)) {
		line = word_trimmed(o->r->arena, &line);
		if (str_starts(line.text, end)) {
			block->length = (size_t)(stop - start);
			block->text = arena_strndup(o->r->arena, start, block->length);
			if (str_equal(line.text, end))
				return block;
			line = word_part(o->r->arena, &line, strlen(end), 1);
			diag_error(o->r->d, "C727", &line.origin, "something stands behind '%s'", end);
			return NULL;
		}
		stop = o->r->at;
	}
	diag_error(o->r->d, "C727", &begin->origin, "the block is not closed: '%s' is missing",
		   str_quote(o->r->arena, end));
	return NULL;
}

static int begin_connection(struct openvpn *o, const struct word *word)
{
	o->connection = origin_kept(o->r->arena, &word->origin);
	o->first = o->servers.count;
	o->outer = o->defaults;
	o->defaults = (struct server){ 0 };
	return 0;
}

/* What its remotes leave out is the block's; what that leaves out, is the file's. */
static int end_connection(struct openvpn *o)
{
	const struct origin *begin = o->connection;

	for (size_t i = o->first; i < o->servers.count; i++) {
		struct server *s = &o->servers.items[i];

		s->port = s->port ? s->port : o->defaults.port;
		s->protocol = s->protocol ? s->protocol : o->defaults.protocol;
	}
	o->defaults = o->outer;
	o->connection = NULL;
	return o->first < o->servers.count ? 0
		: diag_error(o->r->d, "C730", begin, "the <connection> has no 'remote'");
}

static int begin_block(struct openvpn *o, const struct word *word)
{
	const char *name = arena_strndup(o->r->arena, word->text + 1, strlen(word->text) - 2);
	const struct material *m = material_find(name);
	struct word inner = word_part(o->r->arena, word, 1, strlen(name));
	struct source *block;
	const struct directive *row;

	if (o->connection)
		return diag_error(o->r->d, "C727", &word->origin, "a block stands in a <connection>");
	if (str_equal(name, "connection"))
		return begin_connection(o, word);
	block = read_block(o, word, name);
	if (!block)
		return -EINVAL;
	row = m ? NULL : directive_find(name);
	if (row && (row->action == DIRECTIVE_DROP || row->action == DIRECTIVE_REFUSE))
		return read_directive(o, &inner, 1, false);
	if (!m)
		return diag_error(o->r->d, "C727", &word->origin, "'%s' cannot stand in a block",
				  str_quote(o->r->arena, name));
	if (openvpn_set(o, m, &word->origin) < 0)
		return -EINVAL;
	o->r->config->wants_auth |= m->form == MATERIAL_LOGIN;
	o->blocks[material_index(m)] = material_read(o->r, m, block);
	return o->blocks[material_index(m)] ? 0 : -EINVAL;
}

/* A certificate or key without its <…>: one message, and none of its lines. */
static int skip_pem(struct openvpn *o, const struct word *line)
{
	struct word next;

	diag_error(o->r->d, "C727", &line->origin, "a certificate or key stands outside of a block");
	diag_help(o->r->d, "put it between <ca> and </ca>, or <key> and </key>");
	while (reader_line(o->r, &next) && !str_starts(next.text, "-----END "))
		;
	return -EINVAL;
}

static int read_line(struct openvpn *o, const struct word *line)
{
	struct word words[WORDS];
	const char *first;
	int count;

	if (str_starts(line->text, "-----BEGIN "))
		return skip_pem(o, line);
	count = split(o, line, words);
	if (count <= 0)
		return count;
	if (++o->count > LIMIT_VPN_DIRECTIVES)
		return diag_error(o->r->d, "C731", &line->origin, "more than %d directives (LIMIT_VPN_DIRECTIVES)",
				  LIMIT_VPN_DIRECTIVES);
	first = words[0].text;
	if (o->connection && str_equal(first, "</connection>"))
		return end_connection(o);
	if (count == 1 && first[0] == '<' && first[1] != '/' && strlen(first) > 2 && str_ends(first, ">"))
		return begin_block(o, &words[0]);
	if (str_starts(first, "--") && strlen(first) > 2)
		words[0] = (struct word){ first + 2, words[0].origin };
	return read_directive(o, words, (size_t)count, false);
}

/* ---- the whole --------------------------------------------------------------------------- */

static int finish_server(struct openvpn *o, const struct server *s)
{
	const struct protocol *protocol = s->protocol ? s->protocol : o->defaults.protocol;
	struct vpn_remote *remote;

	if (protocol && s->family != AF_UNSPEC && protocol->family != AF_UNSPEC && s->family != protocol->family)
		return diag_error(o->r->d, "C725", &s->host.origin, "the address '%s' does not fit to '%s'", s->name,
				  protocol->name);
	remote = reader_add_remote(o->r, &s->host.origin);
	if (!remote)
		return -EINVAL;
	remote->host = s->name;
	remote->is_address = s->family != AF_UNSPEC;
	remote->port = s->port ? s->port : o->defaults.port ? o->defaults.port : DEFAULT_PORT;
	remote->tcp = protocol && protocol->tcp;
	remote->family = s->family != AF_UNSPEC || !protocol ? s->family : protocol->family;
	return 0;
}

static bool has(const struct openvpn *o, const char *name)
{
	return o->set[material_index(material_find(name))] != NULL;
}

static void check_whole(struct openvpn *o)
{
	struct diags *d = o->r->d;
	const struct word *type = o->device_type.text ? &o->device_type : &o->device;
	const struct origin start = { .source = o->r->source, .line = 1, .column = 1 };

	if (type->text && !str_starts(type->text, "tun")) {
		diag_error(d, "C725", &type->origin, "the device '%s' is none of type tun",
			   str_quote(o->r->arena, type->text));
		diag_help(d, "a tunnel of type tap would be a second local network: ask for one of type tun, "
			     "or add 'dev-type tun' if it is one");
	}
	if (!o->is_client) {
		diag_error(d, "C730", &start, "neither 'client' nor 'tls-client' stands in the file");
		diag_help(d, "add a line 'client' if that is what it is");
	}
	if (!o->servers.count) {
		diag_error(d, "C730", &start, "no 'remote' stands in the file");
		diag_help(d, "add 'remote NAME PORT'");
	}
	if (!has(o, "ca") && !has(o, "pkcs12") && !has(o, "peer-fingerprint")) {
		diag_error(d, "C730", &start, "nothing says how the server is known: 'ca' or 'peer-fingerprint' is missing");
		diag_help(d, "ask the one who made the file for the certificate of the authority");
	}
	if (has(o, "cert") != has(o, "key") && !has(o, "pkcs12"))
		diag_error(d, "C730", o->set[material_index(material_find(has(o, "cert") ? "cert" : "key"))],
			   "'cert' and 'key' go together, and '%s' is missing", has(o, "cert") ? "key" : "cert");
}

void openvpn_read(struct reader *r, int directory)
{
	struct openvpn o = { .r = r, .directory = directory, .lines = { .arena = r->arena } };
	size_t errors = r->d->errors;
	struct word line;

	while (reader_line(r, &line) && o.count <= LIMIT_VPN_DIRECTIVES)
		(void)read_line(&o, &line);
	if (o.connection)
		diag_error(r->d, "C727", o.connection, "the block is not closed: '</connection>' is missing");
	for (size_t i = 0; i < o.servers.count; i++)
		if (finish_server(&o, &o.servers.items[i]) < 0)
			break;
	if (r->d->errors == errors) /* what was refused may be what is missing */
		check_whole(&o);
	if (o.direction)
		strbuf_addf(&o.lines, "key-direction %s\n", o.direction);
	for (size_t i = 0; i < MATERIAL_COUNT; i++)
		if (o.blocks[i] && *o.blocks[i])
			strbuf_addf(&o.lines, "<%s>\n%s</%s>\n", material_at(i)->name, o.blocks[i], material_at(i)->name);
	r->config->key_is_bundle = has(&o, "pkcs12");
	r->config->directives = strbuf_text(&o.lines);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void write_remote(struct strbuf *out, const struct vpn_remote *remote, const char *host)
{
	const char *base = remote->tcp ? "tcp" : "udp";
	int family = strchr(host, ':') ? AF_INET6 : remote->is_address || host != remote->host ? AF_INET : remote->family;

	strbuf_addf(out, "remote %s %u %s%s%s\n", host, remote->port, base,
		    family == AF_INET6 ? "6" : family == AF_INET ? "4" : "", remote->tcp ? "-client" : "");
}

void openvpn_write(struct strbuf *out, const struct vpn_config *config, const char *const *addresses, bool stored)
{
	strbuf_add(out, stored ? "dev tun\n" : "");
	strbuf_addf(out, "nobind\n%s", config->directives);
	for (size_t i = 0; i < config->remote_count; i++) {
		const char *host = addresses ? addresses[i] : config->remotes[i].host;

		if (host)
			write_remote(out, &config->remotes[i], host);
	}
	strbuf_add(out, config->remote_random ? "remote-random\n" : "");
	if (!stored)
		return;
	if (config->user && config->password)
		strbuf_addf(out, "<auth-user-pass>\n%s\n%s\n</auth-user-pass>\n", config->user, config->password);
	else if (config->wants_auth)
		strbuf_add(out, "auth-user-pass\n");
	if (config->key_password)
		strbuf_addf(out, "<askpass>\n%s\n</askpass>\n", config->key_password);
}
