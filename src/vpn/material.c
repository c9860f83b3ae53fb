/* vpn/material.c - certificates, keys and secrets of OpenVPN, in blocks or in files of their own.
 *
 * What is kept is written anew from what was understood: PEM without the text around it, so nothing that
 * stands in a certificate's file can end its block and begin a directive.  RFC 7468, RFC 1421 (headers of
 * encrypted keys), openvpn(8) "inline file support".
 * Must not: follow a link, leave the configuration's directory, show a secret. */
#include "vpn/internal.h"

#include "base/fd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

enum { STATIC_DIGITS = 512, FINGERPRINT_TEXT = 95 };

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const struct material materials[MATERIAL_COUNT] = {
	{ "askpass",          MATERIAL_PASSWORD,     true,  { NULL } },
	{ "auth-user-pass",   MATERIAL_LOGIN,        true,  { NULL } },
	{ "ca",               MATERIAL_PEM,          false, { "CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE" } },
	{ "cert",             MATERIAL_PEM,          false, { "CERTIFICATE", "X509 CERTIFICATE" } },
	{ "crl-verify",       MATERIAL_PEM,          false, { "X509 CRL" } },
	{ "extra-certs",      MATERIAL_PEM,          false, { "CERTIFICATE", "X509 CERTIFICATE" } },
	{ "key",              MATERIAL_PEM,          true,  { "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY",
							      "EC PRIVATE KEY" } },
	{ "peer-fingerprint", MATERIAL_FINGERPRINTS, false, { NULL } },
	{ "pkcs12",           MATERIAL_BASE64,       true,  { NULL } },
	{ "tls-auth",         MATERIAL_STATIC,       true,  { "OpenVPN Static key V1" } },
	{ "tls-crypt",        MATERIAL_STATIC,       true,  { "OpenVPN Static key V1" } },
	{ "tls-crypt-v2",     MATERIAL_PEM,          true,  { "OpenVPN tls-crypt-v2 client key" } },
};

const struct material *material_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(materials); i++)
		if (str_equal(materials[i].name, name))
			return &materials[i];
	return NULL;
}

const struct material *material_at(size_t index) { return &materials[index]; }
size_t material_index(const struct material *m) { return (size_t)(m - materials); }

/* ---- PEM --------------------------------------------------------------------------------- */

/* A block while it is read. */
struct pem {
	struct reader *r;
	const struct material *m;
	struct strbuf *out;
	const char *label;    /* of the block that we are in, or NULL */
	bool is_left_out;     /* parameters beside a key, which has them too */
	bool is_headed;	      /* headers may follow, up to an empty line */
	size_t digits, blocks;
};

static int wrong(struct pem *p, const struct word *line, const char *what)
{
	return diag_error(p->r->d, "C727", &line->origin, "'%s': %s", p->m->name, what);
}

static const char *label_of(struct arena *arena, const char *line, const char *start)
{
	size_t from = strlen(start), length = strlen(line);

	return str_starts(line, start) && length > from + 5 && str_ends(line, "-----")
		? arena_strndup(arena, line + from, length - from - 5) : NULL;
}

static int pem_begin(struct pem *p, const struct word *line, const char *label)
{
	bool is_wanted = false;

	for (size_t i = 0; p->m->labels[i]; i++)
		is_wanted |= str_equal(p->m->labels[i], label);
	p->is_left_out = str_equal(p->m->name, "key") && str_equal(label, "EC PARAMETERS");
	if (!is_wanted && !p->is_left_out) {
		diag_error(p->r->d, "C727", &line->origin, "'%s' takes no '%s'", p->m->name,
			   str_quote(p->r->arena, label));
		diag_help(p->r->d, "it takes '%s'", p->m->labels[0]);
		return -EINVAL;
	}
	p->label = label;
	p->digits = 0;
	p->is_headed = str_ends(label, " PRIVATE KEY");
	if (p->is_left_out)
		return 0;
	if (++p->blocks > 1 && (p->m->is_secret || p->m->form == MATERIAL_STATIC))
		return wrong(p, line, "a second key stands here");
	p->r->config->key_is_encrypted |= str_equal(label, "ENCRYPTED PRIVATE KEY");
	strbuf_addf(p->out, "-----BEGIN %s-----\n", label);
	return 0;
}

static int pem_end(struct pem *p, const struct word *line, const char *label)
{
	if (!str_equal(label, p->label))
		return wrong(p, line, "the block ends with another name than it begins with");
	p->label = NULL;
	if (p->is_left_out)
		return 0;
	if (p->m->form == MATERIAL_STATIC && p->digits != STATIC_DIGITS)
		return wrong(p, line, "the key has not 2048 bits");
	if (!p->digits || p->digits % 4)
		return wrong(p, line, "the block is cut off: base64 comes in groups of four");
	strbuf_addf(p->out, "-----END %s-----\n", label);
	return 0;
}

/* "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,0123…" and the empty line behind them. */
static bool pem_header(struct pem *p, const char *text)
{
	static const char *const names[] = { "DEK-Info: ", "Proc-Type: " };

	if (!*text && !p->digits) {
		strbuf_add(p->out, p->r->config->key_is_encrypted ? "\n" : "");
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = text + strlen(names[i]);

		if (!str_starts(text, names[i]) || value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,-")])
			continue;
		p->r->config->key_is_encrypted = true;
		strbuf_addf(p->out, "%s\n", text);
		return true;
	}
	return false;
}

/* Bytes at the start of `text` that are base64, '=' only at its end. */
static size_t base64_span(const char *text)
{
	size_t length = strlen(text), digits = strspn(text, base64);

	return digits + (digits + 2 >= length ? strspn(text + digits, "=") : 0);
}

static int pem_body(struct pem *p, const struct word *line)
{
	const char *text = line->text;
	size_t length = strlen(text);
	size_t digits = p->m->form == MATERIAL_STATIC ? strspn(text, "0123456789abcdefABCDEF") : base64_span(text);

	if (p->is_left_out || (p->is_headed && !p->digits && pem_header(p, text)))
		return 0;
	if (!length)
		return 0;
	if (digits < length) {
		struct word rest = word_part(p->r->arena, line, digits, 1);

		return wrong(p, &rest, p->m->form == MATERIAL_STATIC ? "this is no hexadecimal digit"
			     : "this is no base64");
	}
	p->digits += length;
	strbuf_addf(p->out, "%s\n", text);
	return 0;
}

static int pem_read(struct pem *p, struct reader *lines)
{
	struct word line = { 0 };
	int r = 0;

	while (r == 0 && reader_line(lines, &line)) {
		const char *label;

		line = word_trimmed(p->r->arena, &line);
		if (p->m->is_secret)
			line.origin = reader_secret(p->r, &line.origin);
		if (!p->label) {
			label = label_of(p->r->arena, line.text, "-----BEGIN ");
			r = label ? pem_begin(p, &line, label) : 0;
		} else {
			label = label_of(p->r->arena, line.text, "-----END ");
			r = label ? pem_end(p, &line, label) : pem_body(p, &line);
		}
	}
	if (r == 0 && p->label)
		r = wrong(p, &line, "the block is cut off: its end is missing");
	return r;
}

/* ---- other forms ------------------------------------------------------------------------- */

/* SHA-256 as 32 pairs of hexadecimal digits with colons between them, one a line. */
static bool is_fingerprint(const char *text)
{
	if (strlen(text) != FINGERPRINT_TEXT)
		return false;
	for (size_t i = 0; i < FINGERPRINT_TEXT; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

static int read_lines(struct pem *p, struct reader *lines)
{
	struct word line;

	while (reader_line(lines, &line)) {
		line = word_trimmed(p->r->arena, &line);
		if (p->m->is_secret)
			line.origin = reader_secret(p->r, &line.origin);
		if (!*line.text || *line.text == '#' || *line.text == ';')
			continue;
		if (p->m->form == MATERIAL_FINGERPRINTS && !is_fingerprint(line.text))
			return wrong(p, &line, "a line is no SHA-256 in hexadecimal, such as 00:1D:…:F3");
		if (p->m->form == MATERIAL_BASE64 && line.text[base64_span(line.text)])
			return wrong(p, &line, "this is no base64");
		p->blocks++;
		strbuf_addf(p->out, "%s\n", line.text);
	}
	return 0;
}

const char *vpn_secret_fault(const char *text)
{
	if (!*text)
		return "it is empty";
	if (strlen(text) > LIMIT_VPN_SECRET)
		return "it is longer than 127 bytes (LIMIT_VPN_SECRET)";
	if (str_starts(text + strspn(text, " \t"), "</"))
		return "it begins with '</', which ends a block";
	for (const char *at = text; *at; at++)
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
			return "it has control characters";
	return NULL;
}

/* Lines as they are, blanks included: user and password, or a password. */
static int read_secrets(struct pem *p, struct reader *lines)
{
	const char **const fields[] = { &p->r->config->user, &p->r->config->password };
	const char **const only[] = { &p->r->config->key_password };
	bool is_login = p->m->form == MATERIAL_LOGIN;
	size_t wanted = is_login ? ARRAY_SIZE(fields) : ARRAY_SIZE(only);
	struct word line = { .origin = { .source = p->r->hidden } };

	for (; p->blocks < wanted && reader_line(lines, &line); p->blocks++) {
		const char *fault = vpn_secret_fault(line.text);

		line.origin = reader_secret(p->r, &line.origin);
		if (fault)
			return wrong(p, &line, fault);
		*(is_login ? fields : only)[p->blocks] = line.text;
	}
	if (is_login && p->blocks == 1) {
		p->blocks = 0;
		p->r->config->user = NULL;
		return wrong(p, &line, "the second line, with the password, is missing");
	}
	return 0;
}

const char *material_read(struct reader *r, const struct material *m, const struct source *source)
{
	struct strbuf out = { .arena = r->arena };
	struct pem p = { .r = r, .m = m, .out = &out };
	const struct source *outer = r->hidden;
	struct reader lines;
	struct origin start;
	int result = 0;

	reader_init(&lines, r->arena, source, r->d);
	start = (struct origin){ .source = m->is_secret ? lines.hidden : source, .line = lines.line, .column = 1 };
	r->hidden = lines.hidden;
	switch (m->form) {
	case MATERIAL_PEM:
	case MATERIAL_STATIC:
		result = pem_read(&p, &lines);
		break;
	case MATERIAL_BASE64:
	case MATERIAL_FINGERPRINTS:
		result = read_lines(&p, &lines);
		break;
	case MATERIAL_LOGIN:
	case MATERIAL_PASSWORD:
		result = read_secrets(&p, &lines);
		break;
	}
	r->hidden = outer;
	if (result < 0)
		return NULL;
	if (!p.blocks) {
		diag_error(r->d, "C727", &start, "'%s' holds nothing", m->name);
		if (m->labels[0])
			diag_help(r->d, "its first line is '-----BEGIN %s-----'", m->labels[0]);
		return NULL;
	}
	return strbuf_text(&out);
}

/* ---- files ------------------------------------------------------------------------------- */

static const char *to_base64(struct arena *arena, const char *bytes, size_t count)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < count; i += 3) {
		uint32_t group = 0;
		char four[4];

		for (size_t n = 0; n < 3; n++)
			group = group << 8 | (i + n < count ? (unsigned char)bytes[i + n] : 0);
		for (size_t n = 0; n < 4; n++)
			four[n] = i + n > count ? '=' : base64[group >> (18 - 6 * n) & 63];
		strbuf_add_bytes(&out, four, sizeof(four));
		if (i % 48 == 45)
			strbuf_add(&out, "\n");
	}
	return strbuf_text(&out);
}

/* The descriptor of a file below the directory, to which no link leads, or -errno. */
static int open_below(int directory, const char *path)
{
	return fd_open_resolved(directory, path, O_RDONLY | O_NOCTTY | O_NONBLOCK,
				RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

static const char *open_fault(int error)
{
	switch (error) {
	case -EBADF:  return "no file can be named here";
	case -EXDEV:  return "it is not below the configuration's directory";
	case -ELOOP:  return "links are not followed";
	case -EINVAL: return "it is no regular file";
	case -EFBIG:  return "it is longer than 256 KiB (LIMIT_VPN_FILE)";
	default:      return strerror(-error);
	}
}

const char *material_load(struct reader *r, const struct material *m, int directory, const struct word *word)
{
	struct source *source = arena_new_object(r->arena, struct source);
	AUTO_FD int fd = directory < 0 ? -EBADF : open_below(directory, word->text);
	struct reader check;
	char *text = NULL;
	size_t length = 0;
	int result = fd < 0 ? fd : fd_read_all(r->arena, fd, LIMIT_VPN_FILE, &text, &length);

	if (result < 0) {
		diag_error(r->d, "C728", &word->origin, "the file '%s' of '%s' cannot be used: %s",
			   str_quote(r->arena, word->text), m->name, open_fault(result));
		diag_help(r->d, "put it beside the configuration, or its text between <%s> and </%s>", m->name, m->name);
		return NULL;
	}
	*source = (struct source){ .name = word->text, .text = text, .length = length, .first_line = 1 };
	if (m->form == MATERIAL_BASE64) {
		source->text = to_base64(r->arena, text, length);
		source->length = strlen(source->text);
	}
	reader_init(&check, r->arena, source, r->d);
	return reader_check(&check) < 0 ? NULL : material_read(r, m, source);
}
