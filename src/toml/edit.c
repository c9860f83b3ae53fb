/* toml/edit.c - changes to a text that leave every other byte alone.
 *
 * Parse the text; find the value; collect changes (offset, bytes out, bytes in) in file order;
 * apply them; parse the result again before anybody sees it.  Must not: write what toml_parse()
 * would refuse, nor touch comments that do not belong to what is removed. */
#include "toml/lexer.h"
#include "toml/parser.h"

#include <errno.h>
#include <string.h>

struct change {
	uint32_t at, remove;
	const char *insert; /* may be NULL */
};

struct edit {
	struct arena *arena;
	const struct source *source;
	const char *text;
	struct diags *d;
	struct document document;
	struct path path;
	const char *newline; /* as the file ends its lines */
	uint32_t top;	     /* where the text begins: behind a byte order mark */
	VEC(struct change) changes;
};

/* --- where things are ------------------------------------------------------------------ */

static uint32_t line_begin(const struct edit *e, uint32_t at)
{
	while (at > e->top && e->text[at - 1] != '\n')
		at--;
	return at;
}

/* The newline (or carriage return) that ends the line of `at`, or the end of the text. */
static uint32_t line_end(const struct edit *e, uint32_t at)
{
	while (at < e->source->length && e->text[at] != '\n')
		at++;
	return at > 0 && at < e->source->length && e->text[at - 1] == '\r' ? at - 1 : at;
}

static uint32_t next_line(const struct edit *e, uint32_t at)
{
	while (at < e->source->length && e->text[at] != '\n')
		at++;
	return at < e->source->length ? at + 1 : at;
}

static uint32_t skip_blanks(const struct edit *e, uint32_t at)
{
	while (e->text[at] == ' ' || e->text[at] == '\t')
		at++;
	return at;
}

/* The blanks that the line of `at` begins with. */
static const char *indent_of(const struct edit *e, uint32_t at)
{
	uint32_t begin = line_begin(e, at);

	return arena_strndup(e->arena, e->text + begin, skip_blanks(e, begin) - begin);
}

/* Is there nothing but blanks on the line before `at`? */
static bool is_first_on_line(const struct edit *e, uint32_t at)
{
	while (at > e->top && (e->text[at - 1] == ' ' || e->text[at - 1] == '\t'))
		at--;
	return at == e->top || e->text[at - 1] == '\n';
}

/* Is there nothing but blanks and a comment on the line from `at` on? */
static bool is_last_on_line(const struct edit *e, uint32_t at)
{
	at = skip_blanks(e, at);
	return at >= e->source->length || strchr("#\r\n", e->text[at]);
}

static void change(struct edit *e, uint32_t from, uint32_t to, const char *insert)
{
	*vec_push(e->arena, &e->changes) = (struct change){ from, to - from, insert };
}

/* --- what is written ------------------------------------------------------------------- */

static bool is_utf8(const char *text)
{
	while (*text) {
		size_t length = str_utf8_length(text);

		if (!length)
			return false;
		text += length;
	}
	return true;
}

static const char *quoted(struct arena *arena, const char *text, size_t length)
{
	struct strbuf out = { .arena = arena };

	strbuf_add(&out, "\"");
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			strbuf_addf(&out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			strbuf_addf(&out, "\\u%04X", c);
		else
			strbuf_add_bytes(&out, text + i, 1);
	}
	strbuf_add(&out, "\"");
	return strbuf_text(&out);
}

/* Parts `from` up to `to` of the path, as a dotted key. */
static const char *dotted(const struct edit *e, size_t from, size_t to)
{
	static const char bare[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	struct strbuf out = { .arena = e->arena };

	for (size_t i = from; i < to; i++) {
		const struct key *key = &e->path.parts[i];

		if (i > from)
			strbuf_add(&out, ".");
		if (key->length && strspn(key->text, bare) == key->length)
			strbuf_add(&out, key->text);
		else
			strbuf_add(&out, quoted(e->arena, key->text, key->length));
	}
	return strbuf_text(&out);
}

static const char *pair_text(const struct edit *e, size_t from, const char *value)
{
	return arena_printf(e->arena, "%s = %s", dotted(e, from, e->path.count), value);
}

/* --- begin and end --------------------------------------------------------------------- */

static int parse_edit_path(struct edit *e, const char *path)
{
	struct source *source = arena_new_object(e->d->arena, struct source);
	struct lexer lexer;

	*source = (struct source){
		.name = "key",
		.text = arena_strdup(e->d->arena, path),
		.length = strlen(path),
		.first_line = 1,
	};
	lexer_init(&lexer, e->arena, source, NULL, e->d);
	if (lexer_check(&lexer) < 0 || lexer_path(&lexer, &e->path) < 0)
		return -EINVAL;
	if (lexer.at < lexer.end)
		return lexer_error(&lexer, "C030", NULL,
				   "expected '.' or the end of the key, found %s",
				   lexer_seen(&lexer));
	return lexer.errors ? -EINVAL : 0;
}

static int edit_read(struct edit *e, struct arena *arena, const struct source *source,
		     const char *path, const char *value, struct diags *d)
{
	const char *first;
	int r;

	*e = (struct edit){ .arena = arena, .source = source, .d = d };
	e->text = source->text ? source->text : "";
	if (strncmp(e->text, "\xef\xbb\xbf", 3) == 0)
		e->top = 3;
	r = parse_edit_path(e, path);
	if (r < 0)
		return r;
	if (value && !is_utf8(value))
		return diag_error(d, "C032", NULL,
				  "'%s' is not UTF-8 text and cannot stand in a TOML file",
				  lexer_shorten(d->arena, value));
	r = document_parse(arena, source, NULL, d, &e->document);
	if (r < 0)
		return r;
	first = strchr(e->text, '\n');
	e->newline = first && first > e->text && first[-1] == '\r' ? "\r\n" : "\n";
	return 0;
}

/* Applies the changes; where two overlap, both parts go. */
static int edit_finish(struct edit *e, char **ret_text)
{
	struct strbuf out = { .arena = e->arena };
	struct source *result = arena_new_object(e->d->arena, struct source);
	struct document document;
	uint32_t at = 0;
	int r;

	for (size_t i = 0; i < e->changes.count; i++) {
		const struct change *c = &e->changes.items[i];

		if (c->at > at)
			strbuf_add_bytes(&out, e->text + at, c->at - at);
		at = MAX(at, c->at + c->remove);
		if (c->insert)
			strbuf_add(&out, c->insert);
	}
	strbuf_add(&out, e->text + at);
	*result = (struct source){
		.name = arena_printf(e->d->arena, "%s, edited",
				     e->source->name ? e->source->name : "text"),
		.text = strbuf_text(&out),
		.length = out.length,
		.first_line = e->source->first_line,
	};
	r = document_parse(e->arena, result, NULL, e->d, &document);
	if (r < 0)
		return r;
	*ret_text = (char *)result->text;
	return 0;
}

/* Follows the path as far as it leads.  0 with the last node and the number of parts passed; a
 * value that is not a table on the way is an error. */
static int find(struct edit *e, struct node **ret_node, size_t *ret_parts)
{
	struct node *node = e->document.root;
	size_t i;

	for (i = 0; i < e->path.count; i++) {
		const struct key *key = &e->path.parts[i];
		const struct toml_value *v;

		if (node->value.type != TOML_TABLE)
			return diag_error(
				e->d, "C031", &node->value.origin, "'%s' is not a table but %s",
				lexer_shorten(e->d->arena, dotted(e, 0, i)),
				node->made == MADE_ELEMENTS ? "an array of tables"
							    : toml_type_name(node->value.type));
		for (v = node->value.first; v; v = v->next)
			if (v->key_length == key->length &&
			    memcmp(v->key, key->text, key->length) == 0)
				break;
		if (!v)
			break;
		node = node_of(v);
	}
	*ret_node = node;
	*ret_parts = i;
	return 0;
}

/* What every edit begins with: reads the text and finds the place. */
static int edit_begin(struct edit *e, struct arena *arena, const struct source *source, const char *path,
		      const char *value, struct diags *d, struct node **ret_node, size_t *ret_parts)
{
	int r = edit_read(e, arena, source, path, value, d);

	return r < 0 ? r : find(e, ret_node, ret_parts);
}

static int wrong_type(const struct edit *e, const struct node *node, const char *wanted)
{
	return diag_error(e->d, "C031", &node->value.origin, "'%s' is not %s but of type %s",
			  lexer_shorten(e->d->arena, dotted(e, 0, e->path.count)), wanted,
			  node->made == MADE_ELEMENTS ? "array of tables"
						      : toml_type_name(node->value.type));
}

/* --- new keys -------------------------------------------------------------------------- */

/* A line of its own before the line that begins at `at`, or at the end of the text. */
static void insert_line(struct edit *e, uint32_t at, const char *indent, const char *line,
			const char *behind)
{
	bool open = at > e->top && e->text[at - 1] != '\n';

	change(e, at, at,
	       arena_printf(e->arena, "%s%s%s%s%s", open ? e->newline : "", indent, line,
			    e->newline, behind));
}

/* Where the first key of a root without keys goes: before the first header and the comment that
 * belongs to it; but behind the comment that the file begins with. */
static void insert_first(struct edit *e, const char *line)
{
	uint32_t header, at;

	if (!e->document.root->value.first) {
		insert_line(e, (uint32_t)e->source->length, "", line, "");
		return;
	}
	header = e->document.statements.items[0].start;
	for (size_t i = 0; i < e->document.statements.count; i++)
		if (!e->document.statements.items[i].section) {
			header = e->document.statements.items[i].start;
			break;
		}
	header = at = line_begin(e, header);
	while (at > e->top) {
		uint32_t above = line_begin(e, at - 1);

		if (e->text[skip_blanks(e, above)] != '#')
			break;
		at = above;
	}
	insert_line(e, at > e->top ? at : header, "", line, e->newline);
}

static void insert_into_section(struct edit *e, const struct node *section, const char *line)
{
	const char *indent = "";

	if (!section->tail) {
		insert_first(e, line);
		return;
	}
	for (size_t i = 0; i < e->document.statements.count; i++)
		if (e->document.statements.items[i].section == section)
			indent = indent_of(e, e->document.statements.items[i].start);
	insert_line(e, next_line(e, section->tail), indent, line, "");
}

static void insert_into_inline(struct edit *e, const struct node *table, const char *pair)
{
	if (table->tail)
		change(e, table->tail, table->tail, arena_printf(e->arena, ", %s", pair));
	else
		change(e, table->start + 1, table->end - 1,
		       arena_printf(e->arena, " %s ", pair));
}

static void append_section(struct edit *e, const char *value)
{
	uint32_t end = (uint32_t)e->source->length;
	size_t last = e->path.count - 1;
	const char *line = arena_printf(e->arena, "[%s]%s%s", dotted(e, 0, last), e->newline,
					pair_text(e, last, value));

	/* a blank line before it, unless there is one */
	if (end > e->top &&
	    (e->text[end - 1] != '\n' || !is_last_on_line(e, line_begin(e, end - 1)) ||
	     e->text[line_begin(e, end - 1)] == '#'))
		line = arena_printf(e->arena, "%s%s", e->newline, line);
	insert_line(e, end, "", line, "");
}

/* Makes the key, which leads `parts` far, to `table`. */
static void insert_key(struct edit *e, struct node *table, size_t parts, const char *value)
{
	struct node *body = table->made == MADE_DOTTED ? table->section : table;
	size_t from = parts;

	for (struct node *up = table; up != body; up = up->parent)
		from--;
	if (body->made == MADE_INLINE)
		insert_into_inline(e, body, pair_text(e, from, value));
	else if (body->made == MADE_IMPLICIT || (body == table && parts + 1 < e->path.count))
		append_section(e, value);
	else
		insert_into_section(e, body, pair_text(e, from, value));
}

int toml_set_string(struct arena *arena, const struct source *source, const char *path,
		    const char *value, struct diags *d, char **ret_text)
{
	struct node *node = NULL;
	struct edit edit;
	size_t parts = 0;
	int r;

	must(value != NULL);
	r = edit_begin(&edit, arena, source, path, value, d, &node, &parts);
	if (r < 0)
		return r;
	if (parts < edit.path.count)
		insert_key(&edit, node, parts, quoted(arena, value, strlen(value)));
	else if (node->value.type != TOML_STRING)
		return wrong_type(&edit, node, "a string");
	else if (node->value.length != strlen(value) ||
		 memcmp(node->value.string, value, node->value.length))
		change(&edit, node->start, node->end, quoted(arena, value, strlen(value)));
	return edit_finish(&edit, ret_text);
}

/* --- arrays of strings ----------------------------------------------------------------- */

static bool is_item(const struct toml_value *item, const char *value)
{
	return item->length == strlen(value) && memcmp(item->string, value, item->length) == 0;
}

static int check_strings(const struct edit *e, const struct node *array)
{
	if (array->value.type != TOML_ARRAY || array->made == MADE_ELEMENTS)
		return wrong_type(e, array, "an array of strings");
	for (const struct toml_value *item = array->value.first; item; item = item->next)
		if (item->type != TOML_STRING)
			return diag_error(
				e->d, "C031", &item->origin,
				"'%s' is an array of strings, but this item is of type %s",
				lexer_shorten(e->d->arena, dotted(e, 0, e->path.count)),
				toml_type_name(item->type));
	return 0;
}

static void append_item(struct edit *e, const struct node *array, const char *item)
{
	const struct node *last = array->last;
	uint32_t behind, end;
	bool line;

	if (!last) {
		change(e, array->start + 1, array->start + 1, item);
		return;
	}
	behind = last->comma ? last->comma + 1 : last->end;
	end = line_end(e, behind);
	line = is_first_on_line(e, last->start);
	if (!line) {
		change(e, behind, behind,
		       arena_printf(e->arena, last->comma ? " %s," : ", %s", item));
		return;
	}
	/* One item per line: the new one goes on the next, behind any comment. */
	if (!last->comma)
		change(e, behind, behind, ",");
	if (end >= array->end)
		end = behind;
	change(e, end, end,
	       arena_printf(e->arena, "%s%s%s%s", e->newline, indent_of(e, last->start), item,
			    last->comma ? "," : ""));
}

int toml_append(struct arena *arena, const struct source *source, const char *path,
		const char *value, struct diags *d, char **ret_text)
{
	struct node *node = NULL;
	struct edit edit;
	const char *item;
	size_t parts = 0;
	int r;

	must(value != NULL);
	r = edit_begin(&edit, arena, source, path, value, d, &node, &parts);
	if (r < 0)
		return r;
	item = quoted(arena, value, strlen(value));
	if (parts < edit.path.count) {
		insert_key(&edit, node, parts, arena_printf(arena, "[%s]", item));
		return edit_finish(&edit, ret_text);
	}
	r = check_strings(&edit, node);
	if (r < 0)
		return r;
	for (const struct toml_value *v = node->value.first; v; v = v->next)
		if (is_item(v, value))
			return edit_finish(&edit, ret_text);
	append_item(&edit, node, item);
	return edit_finish(&edit, ret_text);
}

/* --- removing -------------------------------------------------------------------------- */

static void remove_item(struct edit *e, const struct node *item)
{
	uint32_t from = item->start, to = item->comma ? item->comma + 1 : item->end;

	if (is_first_on_line(e, from) && is_last_on_line(e, to)) {
		change(e, line_begin(e, from), next_line(e, to), NULL);
		return;
	}
	if (item->comma)
		to = skip_blanks(e, to);
	else if (item->previous &&
		 !memchr(e->text + item->previous->comma, '\n', from - item->previous->comma))
		from = item->previous->comma;
	change(e, from, to, NULL);
}

static int remove_items(struct edit *e, const struct node *array, const char *value)
{
	int r = check_strings(e, array);

	if (r < 0)
		return r;
	for (const struct toml_value *v = array->value.first; v; v = v->next)
		if (is_item(v, value))
			remove_item(e, node_of(v));
	return 0;
}

static bool is_within(const struct node *node, const struct node *top)
{
	while (node && node != top)
		node = node->parent;
	return node != NULL;
}

/* Members of an inline table: a comma goes with each, and none may stay before the '}'. */
static void remove_members(struct edit *e, const struct node *top, const struct node *table)
{
	const struct statement *before = NULL, *gone = NULL, *kept = NULL;

	for (size_t i = 0; i < e->document.statements.count; i++) {
		const struct statement *s = &e->document.statements.items[i];

		if (s->section != table)
			continue;
		if (!is_within(s->node, top)) {
			if (gone)
				change(e, gone->start, s->start, NULL);
			gone = NULL;
			kept = s;
		} else if (!gone) {
			gone = s;
		}
		before = s;
	}
	if (gone)
		change(e, kept ? kept->end : gone->start, before->end, NULL);
}

/* Statements of the file: whole lines, and for a header all the lines of its body. */
static void remove_statements(struct edit *e, const struct node *top)
{
	for (size_t i = 0; i < e->document.statements.count; i++) {
		const struct statement *s = &e->document.statements.items[i];
		uint32_t end = s->end;

		if ((s->section && s->section->made == MADE_INLINE) || !is_within(s->node, top))
			continue;
		if (!s->section)
			end = s->node->tail;
		change(e, line_begin(e, s->start), next_line(e, end), NULL);
	}
}

int toml_remove(struct arena *arena, const struct source *source, const char *path,
		const char *value, struct diags *d, char **ret_text)
{
	struct node *node = NULL;
	struct edit edit;
	size_t parts = 0;
	int r = edit_begin(&edit, arena, source, path, value, d, &node, &parts);

	if (r < 0)
		return r;
	if (parts < edit.path.count)
		return edit_finish(&edit, ret_text);
	if (value)
		r = remove_items(&edit, node, value);
	else if (node->section && node->section->made == MADE_INLINE)
		remove_members(&edit, node, node->section);
	else
		remove_statements(&edit, node);
	return r < 0 ? r : edit_finish(&edit, ret_text);
}
