/* policy/glob.c - compiles AppArmor globs and matches paths with them.
 *
 * A glob is checked once from end to end (syntax, number of alternatives), its braces are
 * expanded, and every alternative becomes a row of tokens.  Matching walks the path and keeps
 * the set of token positions that are possible: pattern × path steps at most, whatever the
 * pattern.  Must not: backtrack, look at the file system, expand variables. */
#include "policy/glob.h"

#include "base/limits.h"

#include <errno.h>
#include <string.h>

/* Bytes that all alternatives of one glob may have together. */
#define LIMIT_GLOB_EXPANDED (64 * LIMIT_GLOB_LENGTH)

enum token_type {
	TOKEN_BYTE,	 /* this byte */
	TOKEN_NAME_BYTE, /* any byte but "/" */
	TOKEN_CLASS,	 /* a byte of this class */
	TOKEN_STAR,	 /* any number of bytes but "/" */
	TOKEN_TREE,	 /* any number of bytes */
};

struct class { uint64_t bits[4]; };

struct token {
	uint8_t type, byte;
	uint16_t class;
};

struct matcher {
	const struct token *tokens;
	const struct class *classes;
	size_t count;
	const char *lead; /* the literal bytes that the pattern begins with, one token each */
	size_t lead_length;
};

struct glob {
	const char *text;
	const struct glob_alternative *alternatives;
	const struct matcher *matchers; /* one per alternative */
	size_t count;
	size_t common;			/* so many bytes all alternatives begin with: matchers[0].lead */
};

/* "/\*" are two bytes and three tokens, so twice the bytes is enough. */
enum { STATE_WORDS = 2 * LIMIT_GLOB_LENGTH / 64 + 1 };

struct states {
	uint64_t bits[STATE_WORDS];
	size_t words;
};

/* ---- syntax ------------------------------------------------------------------------------ */

/* One byte of a class, escapes taken off.  Moves `at` behind it; 0 when there is none. */
static unsigned char class_byte(const char **at)
{
	unsigned char c;

	if (**at == '\\' && (*at)[1])
		(*at)++;
	c = (unsigned char)**at;
	if (c)
		(*at)++;
	return c;
}

static void class_add(struct class *class, unsigned first, unsigned last)
{
	for (unsigned c = first; c <= last; c++)
		class->bits[c / 64] |= UINT64_C(1) << c % 64;
}

/* Reads "[…]" at `at` and moves behind it.  NULL, or what is wrong with it. */
static const char *class_parse(const char **at, struct class *ret)
{
	struct class class = { 0 };
	const char *s = *at + 1;
	bool negated = *s == '^';

	if (*s == '!')
		return "'[!' is the shell's way; write '[^' for \"none of\", '[\\!' for the mark";
	s += negated;
	if (*s == ']')
		return "a class '[]' without members; write '\\]' for the bracket itself";
	while (*s != ']') {
		unsigned char first = class_byte(&s), last = first;

		if (!first)
			return "'[' is never closed; write '\\[' for the bracket itself";
		if (*s == '-' && s[1] && s[1] != ']') {
			s++;
			last = class_byte(&s);
		}
		if (first >= 0x80 || last >= 0x80)
			return "a class holds ASCII only; write '{ä,ö}' for other letters";
		if (last < first)
			return "a range in '[…]' that runs backwards";
		class_add(&class, first, last);
	}
	for (size_t i = 0; negated && i < ARRAY_SIZE(class.bits); i++)
		class.bits[i] = ~class.bits[i];
	class.bits[0] &= ~UINT64_C(1);
	*at = s + 1;
	*ret = class;
	return NULL;
}

/* Moves over one plain element: an escape, a class, a byte.  NULL, or what is wrong. */
static const char *element_skip(const char **at)
{
	struct class class;

	if (**at == '[')
		return class_parse(at, &class);
	if (**at == ']')
		return "']' without '['; write '\\]' for the bracket itself";
	if (**at == '\\') {
		if (!(*at)[1])
			return "a backslash at the end escapes nothing";
		(*at)++;
	}
	(*at)++;
	return NULL;
}

/* Checks a sequence up to its end (inside braces: up to "," or "}") and counts the patterns that
 * it stands for, at most LIMIT_GLOB_BRACES + 1.  NULL, or what is wrong. */
static const char *sequence_check(const char **at, unsigned depth, size_t *ret_count)
{
	size_t count = 1;

	while (**at) {
		const char *wrong = NULL;

		if (depth && (**at == ',' || **at == '}'))
			break;
		if (**at == '}')
			return "'}' without '{'; write '\\}' for the brace itself";
		if (**at == '{') {
			size_t items = 0, sum = 0, one;

			if (depth == LIMIT_GLOB_NESTING)
				return "braces in braces in braces… too deep";
			do {
				(*at)++;
				wrong = sequence_check(at, depth + 1, &one);
				sum = MIN(sum + one, (size_t)LIMIT_GLOB_BRACES + 1);
				items++;
			} while (!wrong && **at == ',');
			if (wrong)
				return wrong;
			if (**at != '}')
				return "'{' is never closed; write '\\{' for the brace itself";
			if (items < 2)
				return "'{…}' needs two alternatives, as in '{a,b}'";
			(*at)++;
			count = MIN(count * sum, (size_t)LIMIT_GLOB_BRACES + 1);
		} else if ((wrong = element_skip(at))) {
			return wrong;
		}
	}
	*ret_count = count;
	return NULL;
}

/* ---- expansion --------------------------------------------------------------------------- */

struct expansion {
	struct arena *scratch;
	VEC(const char *) list;
	size_t bytes;
};

/* Moves from `s` to the next "{", "," or "}" that is not escaped nor in a class, or the end. */
static const char *brace_find(const char *s)
{
	while (*s && *s != '{' && *s != ',' && *s != '}')
		must(!element_skip(&s));
	return s;
}

/* The "," or "}" that ends the item which begins at `s`. */
static const char *item_end(const char *s)
{
	for (unsigned depth = 0;; s++) {
		s = brace_find(s);
		must(*s);
		if (*s == '{')
			depth++;
		else if (depth == 0)
			return s;
		else if (*s == '}')
			depth--;
	}
}

/* Adds all that `text` stands for, in order; the first `done` bytes are free of braces.  Every
 * call without a result makes at least two calls, so depth and work are bounded by the count
 * of results, which sequence_check() has bounded. */
static bool braces_expand(struct expansion *e, const char *text, size_t done)
{
	const char *open = brace_find(text + done), *item, *end, *rest;

	while (*open == ',')
		open = brace_find(open + 1);
	if (!*open) {
		e->bytes += strlen(text) + 1;
		*vec_push(e->scratch, &e->list) = text;
		return e->bytes <= LIMIT_GLOB_EXPANDED;
	}
	for (rest = item_end(open + 1); *rest == ','; rest = item_end(rest + 1))
		;
	for (item = open + 1; item <= rest; item = end + 1) {
		struct strbuf next = { .arena = e->scratch };

		end = item_end(item);
		strbuf_add_bytes(&next, text, (size_t)(open - text));
		strbuf_add_bytes(&next, item, (size_t)(end - item));
		strbuf_add(&next, rest + 1);
		if (!braces_expand(e, next.text, (size_t)(open - text)))
			return false;
	}
	return true;
}

/* ---- compiling one alternative ----------------------------------------------------------- */

/* Slashes in a row count as one, "\/" is a slash: AppArmor does the same. */
static char *slashes_fold(struct arena *arena, const char *text)
{
	char *folded = arena_alloc(arena, strlen(text) + 1), *out = folded;
	bool after_slash = false;

	while (*text) {
		const char *from = text;
		bool slash;

		must(!element_skip(&text));
		slash = *from == '/' || (from[0] == '\\' && from[1] == '/');
		if (slash && !after_slash)
			*out++ = '/';
		while (!slash && from < text)
			*out++ = *from++;
		after_slash = slash;
	}
	*out = '\0';
	return folded;
}

/* "*" directly between a slash and another slash or the end is a name, so never empty. */
static size_t star_add(struct token *tokens, size_t count, const char **at)
{
	const char *s = *at;
	bool tree = s[1] == '*', after_slash = s[-1] == '/';

	s += strspn(s, "*");
	if (after_slash && (*s == '/' || !*s))
		tokens[count++].type = TOKEN_NAME_BYTE;
	tokens[count++].type = tree ? TOKEN_TREE : TOKEN_STAR;
	*at = s;
	return count;
}

static void matcher_compile(struct arena *arena, const char *text, struct matcher *ret)
{
	size_t length = strlen(text), count = 0, lead = 0;
	struct token *tokens = arena_new_array(arena, struct token, 2 * length + 1);
	char *literal = arena_alloc(arena, length + 1);
	VEC(struct class) classes = { 0 };
	const char *s = text;
	bool wild = false;

	while (*s) {
		struct class class;

		if (*s == '*') {
			count = star_add(tokens, count, &s);
			wild = true;
		} else if (*s == '?') {
			tokens[count++].type = TOKEN_NAME_BYTE;
			wild = true;
			s++;
		} else if (*s == '[') {
			must(!class_parse(&s, &class));
			tokens[count].type = TOKEN_CLASS;
			tokens[count++].class = (uint16_t)classes.count;
			*vec_push(arena, &classes) = class;
			wild = true;
		} else {
			s += *s == '\\';
			if (!wild)
				literal[lead++] = *s;
			tokens[count++].byte = (uint8_t)*s++; /* type 0: TOKEN_BYTE */
		}
	}
	literal[lead] = '\0';
	*ret = (struct matcher){ .tokens = tokens, .classes = classes.items, .count = count,
				 .lead = literal, .lead_length = lead };
}

static struct glob_alternative alternative_describe(struct arena *arena, const char *text,
						    const struct matcher *m)
{
	struct glob_alternative a = { .text = text, .is_literal = m->lead_length == m->count };
	const struct token *last = &m->tokens[m->count - 1];
	size_t length = m->lead_length;

	if (!a.is_literal)
		while (length && m->lead[length - 1] != '/')
			length--;
	a.is_tree = m->count == m->lead_length + 2 && length == m->lead_length &&
		    last[-1].type == TOKEN_NAME_BYTE && last->type == TOKEN_TREE;
	a.is_directory = last->type == TOKEN_BYTE && last->byte == '/';
	if (length && m->lead[length - 1] == '/')
		length--;
	a.prefix = arena_strndup(arena, m->lead, length);
	return a;
}

/* A part "." or ".." never stands in a normal path: such a pattern would silently match nothing. */
static bool has_dot_part(const char *text)
{
	for (const char *s = text; (s = strchr(s, '/')); s++) {
		size_t dots = strspn(s + 1, ".");

		if ((dots == 1 || dots == 2) && (s[1 + dots] == '/' || !s[1 + dots]))
			return true;
	}
	return false;
}

static int alternatives_compile(struct arena *arena, const struct expansion *e, struct glob *glob,
				const struct origin *origin, struct diags *d)
{
	size_t count = e->list.count;
	struct glob_alternative *list = arena_new_array(arena, struct glob_alternative, count);
	struct matcher *matchers = arena_new_array(arena, struct matcher, count);

	for (size_t i = 0; i < count; i++) {
		const char *text = slashes_fold(arena, e->list.items[i]);

		if (text[0] != '/') {
			diag_error(d, "C201", origin, "the pattern '%s' does not begin with '/'",
				   str_quote(d->arena, text));
			diag_help(d, "begin with '/', '~/' or a variable such as '$XDG_CONFIG_HOME/'");
			return -EINVAL;
		}
		if (has_dot_part(text)) {
			diag_error(d, "C202", origin, "the pattern '%s' has a part '.' or '..'",
				   str_quote(d->arena, text));
			diag_help(d, "write the path as it is without '.' and '..'");
			return -EINVAL;
		}
		matcher_compile(arena, text, &matchers[i]);
		list[i] = alternative_describe(arena, text, &matchers[i]);
	}
	glob->common = matchers[0].lead_length;
	for (size_t i = 1; i < count; i++) {
		size_t same = 0;

		while (same < glob->common && matchers[i].lead[same] == matchers[0].lead[same])
			same++;
		glob->common = same;
	}
	glob->alternatives = list;
	glob->matchers = matchers;
	glob->count = count;
	return 0;
}

int glob_compile(struct arena *arena, const char *text, const struct origin *origin, struct diags *d,
		 const struct glob **ret)
{
	struct expansion e = { .scratch = arena };
	struct glob *glob;
	const char *at = text, *wrong;
	size_t count;
	int r;

	if (strlen(text) > LIMIT_GLOB_LENGTH)
		return diag_error(d, "C203", origin, "a pattern of %zu bytes; the limit is %d",
				  strlen(text), LIMIT_GLOB_LENGTH);
	wrong = sequence_check(&at, 0, &count);
	if (wrong)
		return diag_error(d, "C200", origin, "'%s' is no valid pattern: %s",
				  str_quote(d->arena, text), wrong);
	if (count > LIMIT_GLOB_BRACES || !braces_expand(&e, text, 0)) {
		diag_error(d, "C203", origin, "'%s' stands for too many patterns (at most %d, %d bytes)",
			   str_quote(d->arena, text), LIMIT_GLOB_BRACES, LIMIT_GLOB_EXPANDED);
		diag_help(d, "use '*' or '**', or split it into several patterns");
		return -EINVAL;
	}
	glob = arena_new_object(arena, struct glob);
	glob->text = arena_strdup(arena, text);
	r = alternatives_compile(arena, &e, glob, origin, d);
	if (r < 0)
		return r;
	*ret = glob;
	return 0;
}

/* ---- matching ---------------------------------------------------------------------------- */

static bool states_has(const struct states *states, size_t index)
{
	return states->bits[index / 64] >> index % 64 & 1;
}

/* Adds position `index`, and those behind it that can be reached without reading a byte. */
static void states_add(struct states *states, const struct matcher *m, size_t index)
{
	for (;; index++) {
		if (states_has(states, index))
			return;
		states->bits[index / 64] |= UINT64_C(1) << index % 64;
		if (index == m->count || (m->tokens[index].type != TOKEN_STAR &&
					  m->tokens[index].type != TOKEN_TREE))
			return;
	}
}

static void states_clear(struct states *states, const struct matcher *m)
{
	states->words = m->count / 64 + 1;
	must(states->words <= STATE_WORDS);
	memset(states->bits, 0, states->words * sizeof(states->bits[0]));
}

static bool states_empty(const struct states *states)
{
	for (size_t i = 0; i < states->words; i++)
		if (states->bits[i])
			return false;
	return true;
}

/* Where the token at `index` leads by `byte`: added to `next`. */
static void token_step(const struct matcher *m, size_t index, unsigned char byte,
		       struct states *next)
{
	const struct token *token = &m->tokens[index];

	switch ((enum token_type)token->type) {
	case TOKEN_BYTE:
		if (token->byte == byte)
			states_add(next, m, index + 1);
		return;
	case TOKEN_NAME_BYTE:
		if (byte != '/')
			states_add(next, m, index + 1);
		return;
	case TOKEN_CLASS:
		if (m->classes[token->class].bits[byte / 64] >> byte % 64 & 1)
			states_add(next, m, index + 1);
		return;
	case TOKEN_STAR:
		if (byte != '/')
			states_add(next, m, index);
		return;
	case TOKEN_TREE:
		states_add(next, m, index);
		return;
	}
	unreachable();
}

static void states_step(const struct matcher *m, const struct states *now, unsigned char byte,
			struct states *next)
{
	states_clear(next, m);
	for (size_t word = 0; word < now->words; word++)
		for (uint64_t bits = now->bits[word]; bits; bits &= bits - 1) {
			size_t index = word * 64 + (size_t)__builtin_ctzll(bits);

			if (index < m->count)
				token_step(m, index, byte, next);
		}
}

/* The positions that are possible after `length` bytes of `path`, then, if asked, a slash.
 * False: none. */
static bool matcher_run(const struct matcher *m, const char *path, size_t length, bool slash,
			struct states *ret)
{
	UNSET struct states next;
	size_t total = length + slash, at = MIN(total, m->lead_length);

	if (memcmp(path, m->lead, MIN(at, length)) != 0 || (at > length && m->lead[length] != '/'))
		return false;
	states_clear(ret, m);
	states_add(ret, m, at);
	for (; at < total; at++) {
		/* A "**" at the end stays possible whatever follows, and decides all three questions. */
		if (m->count && m->tokens[m->count - 1].type == TOKEN_TREE && states_has(ret, m->count - 1))
			return true;
		states_step(m, ret, at < length ? (unsigned char)path[at] : '/', &next);
		if (states_empty(&next))
			return false;
		for (size_t i = 0; i < next.words; i++)
			ret->bits[i] = next.bits[i];
	}
	return true;
}

/* Most globs speak of quite another place: seen at the bytes that all alternatives begin with. */
static bool is_elsewhere(const struct glob *glob, const char *path)
{
	const char *lead = glob->matchers[0].lead;

	for (size_t i = 0; i < glob->common && path[i]; i++)
		if (path[i] != lead[i])
			return true;
	return false;
}

bool glob_matches(const struct glob *glob, const char *path)
{
	UNSET struct states states;
	size_t length;

	if (is_elsewhere(glob, path))
		return false;
	length = strlen(path);
	for (size_t i = 0; i < glob->count; i++) {
		const struct matcher *m = &glob->matchers[i];

		if (length >= m->lead_length && matcher_run(m, path, length, false, &states) &&
		    states_has(&states, m->count))
			return true;
	}
	return false;
}

bool glob_may_match_below(const struct glob *glob, const char *path)
{
	UNSET struct states states;
	size_t length;

	if (is_elsewhere(glob, path))
		return false;
	length = strlen(path);
	for (size_t i = 0; i < glob->count; i++)
		if (matcher_run(&glob->matchers[i], path, length, true, &states))
			return true;
	return false;
}

/* Does the pattern from `index` on match every name and path?  "**", with or without the name
 * byte before it, and nothing behind it that needs a byte. */
static bool tokens_cover(const struct matcher *m, size_t index)
{
	if (index < m->count && m->tokens[index].type == TOKEN_NAME_BYTE)
		index++;
	if (index == m->count || m->tokens[index].type != TOKEN_TREE)
		return false;
	while (index < m->count &&
	       (m->tokens[index].type == TOKEN_STAR || m->tokens[index].type == TOKEN_TREE))
		index++;
	return index == m->count;
}

/* Sound, not complete: alternatives that cover a tree only together are not seen. */
bool glob_covers_tree(const struct glob *glob, const char *path)
{
	UNSET struct states states;
	size_t length;

	if (is_elsewhere(glob, path))
		return false;
	length = strlen(path);
	for (size_t i = 0; i < glob->count; i++) {
		const struct matcher *m = &glob->matchers[i];
		unsigned last = m->count ? m->tokens[m->count - 1].type : TOKEN_BYTE;

		/* Only "**" covers, with nothing behind it that needs a byte. */
		if ((last != TOKEN_TREE && last != TOKEN_STAR) || !matcher_run(m, path, length, true, &states))
			continue;
		for (size_t index = 0; index < m->count; index++)
			if (states_has(&states, index) && tokens_cover(m, index))
				return true;
	}
	return false;
}

size_t glob_alternatives(const struct glob *glob, const struct glob_alternative **ret)
{
	*ret = glob->alternatives;
	return glob->count;
}

const char *glob_text(const struct glob *glob)
{
	return glob->text;
}

char *glob_of_path(struct arena *arena, const char *path, bool tree)
{
	struct strbuf out = { .arena = arena };

	for (const char *at = path; *at; at++)
		strbuf_addf(&out, "%s%c", strchr("*?[]{}\\$", *at) ? "\\" : "", *at);
	if (tree && strcmp(path, "/") == 0)
		return arena_strdup(arena, "/{,**}");
	return tree ? arena_printf(arena, "%s{,/,/**}", strbuf_text(&out)) : arena_strdup(arena, strbuf_text(&out));
}
