/* toml/parser.c - from keys and values to a tree.
 *
 * One statement after the other.  After an error the next line is tried, except inside an array
 * or behind an open brace, where nobody knows what the next line is.  Keys of all tables live
 * in one hash table, so that no file makes us slow; recursion ends at LIMIT_TOML_DEPTH.
 * Must not: hand out a tree of which any part was refused. */
#include "toml/index.h"
#include "toml/lexer.h"
#include "toml/parser.h"

#include <errno.h>
#include <string.h>

struct parser {
	struct lexer lexer;
	struct document *document;
	struct index index;
	struct node *section; /* where keys go */
	unsigned arrays;      /* brackets that are open */
	unsigned braces;
};

static int parse_value(struct parser *p, struct node *node);

/* --- the tree -------------------------------------------------------------------------- */

static struct node *node_new(struct parser *p, struct node *parent, enum toml_type type,
			     enum made made)
{
	struct node *node = arena_new_object(p->lexer.arena, struct node);

	node->value.type = type;
	node->made = (uint8_t)made;
	node->parent = parent;
	node->depth = (uint8_t)(parent ? parent->depth + 1 : 0);
	return node;
}

static void node_append(struct node *parent, struct node *node)
{
	node->previous = parent->last;
	if (parent->last)
		parent->last->value.next = &node->value;
	else
		parent->value.first = &node->value;
	parent->last = node;
}

static void add_member(struct parser *p, struct node *node, const struct key *key)
{
	node->value.key = key->text;
	node->value.key_length = key->length;
	node->value.key_origin = key->origin;
	if (!node->value.origin.line)
		node->value.origin = key->origin;
	node_append(node->parent, node);
	index_add(&p->index, p->lexer.arena, node);
}

static int check_depth(struct parser *p, const struct node *parent, const struct origin *origin)
{
	if (parent->depth < LIMIT_TOML_DEPTH)
		return 0;
	return lexer_error(&p->lexer, "C002", origin,
			   "nested deeper than %d levels (LIMIT_TOML_DEPTH)", LIMIT_TOML_DEPTH);
}

/* A key that was written twice, or a table that is made twice. */
static int complain(struct parser *p, const char *code, const struct key *key,
		    const struct node *other, const char *what)
{
	struct diags *d = p->lexer.d;
	struct origin *first;
	bool quiet = p->lexer.errors >= LIMIT_TOML_ERRORS;

	lexer_error(&p->lexer, code, &key->origin, "'%s' %s",
		    lexer_shorten(d->arena, key->text), what);
	if (quiet)
		return -EINVAL;
	first = arena_new_object(d->arena, struct origin);
	*first = other->value.key_origin.line ? other->value.key_origin : other->value.origin;
	diag_note(d, first, "first set here");
	return -EINVAL;
}

/* --- values ---------------------------------------------------------------------------- */

static int parse_array(struct parser *p, struct node *array)
{
	struct lexer *lexer = &p->lexer;
	int r;

	lexer->at++;
	p->arrays++;
	for (;;) {
		struct node *item;

		lexer_skip_space(lexer);
		if (lexer_take(lexer, ']'))
			break;
		item = node_new(p, array, TOML_BOOLEAN, MADE_VALUE);
		r = parse_value(p, item);
		if (r < 0)
			return r;
		node_append(array, item);
		lexer_skip_space(lexer);
		item->comma = lexer_offset(lexer);
		if (lexer_take(lexer, ','))
			continue;
		item->comma = 0;
		if (lexer_take(lexer, ']'))
			break;
		return lexer_error(lexer, "C016", NULL,
				   "expected ',' or ']' in the array, found %s",
				   lexer_seen(lexer));
	}
	p->arrays--;
	return 0;
}

static int parse_pair(struct parser *p, struct node *section);

static int parse_inline_table(struct parser *p, struct node *table)
{
	struct lexer *lexer = &p->lexer;
	int r;

	lexer->at++;
	p->braces++;
	lexer_skip_blanks(lexer);
	if (lexer_take(lexer, '}'))
		return p->braces--, 0;
	for (;;) {
		r = parse_pair(p, table);
		if (r < 0)
			return r;
		lexer_skip_blanks(lexer);
		if (lexer_take(lexer, '}'))
			return p->braces--, 0;
		if (!lexer_take(lexer, ','))
			return lexer_error(lexer, "C017", NULL,
					   "expected ',' or '}' in the inline table, found %s",
					   lexer_seen(lexer));
		lexer_skip_blanks(lexer);
		if (*lexer->at == '}')
			return lexer_error(
				lexer, "C017", NULL,
				"no comma may stand before the '}' of an inline table");
	}
}

static int parse_container(struct parser *p, struct node *node, bool table)
{
	struct place from = lexer_place(&p->lexer);
	struct origin origin = lexer_origin(&p->lexer, &from);
	int r = check_depth(p, node->parent, &origin);

	if (r < 0) {
		p->lexer.stop = true;
		return r;
	}
	node->value.type = table ? TOML_TABLE : TOML_ARRAY;
	node->made = table ? MADE_INLINE : MADE_VALUE;
	return table ? parse_inline_table(p, node) : parse_array(p, node);
}

/* Fills in `node`, whose parent is known already. */
static int parse_value(struct parser *p, struct node *node)
{
	struct lexer *lexer = &p->lexer;
	struct place from = lexer_place(lexer);
	const char first = lexer->at < lexer->end ? *lexer->at : '\0';
	int r;

	node->start = lexer_offset(lexer);
	if (first == '"' || first == '\'') {
		node->value.type = TOML_STRING;
		r = lexer_string(lexer, &node->value.string, &node->value.length);
	} else if (first == '[' || first == '{') {
		r = parse_container(p, node, first == '{');
	} else {
		r = lexer_scalar(lexer, &node->value);
	}
	if (r < 0)
		return r;
	node->end = lexer_offset(lexer);
	node->value.origin = lexer_origin(lexer, &from);
	return lexer->stop ? -EINVAL : 0;
}

/* --- key = value ----------------------------------------------------------------------- */

/* The table that the last part of a dotted key goes into, made where needed. */
static int walk_dotted(struct parser *p, const struct path *path, struct node *section,
		       struct node **ret)
{
	struct node *table = section;

	for (size_t i = 0; i + 1 < path->count; i++) {
		const struct key *key = &path->parts[i];
		struct node *next = index_find(&p->index, table, key->text, key->length);
		int r;

		if (!next) {
			r = check_depth(p, table, &key->origin);
			if (r < 0)
				return r;
			next = node_new(p, table, TOML_TABLE, MADE_DOTTED);
			next->section = section;
			add_member(p, next, key);
		} else if (next->value.type != TOML_TABLE) {
			return complain(p, "C021", key, next, "is not a table");
		} else if (next->made != MADE_DOTTED) {
			return complain(
				p, "C022", key, next,
				next->made == MADE_INLINE
					? "is an inline table, which nothing can be added to"
					: "has a header of its own, add to it there");
		}
		table = next;
	}
	*ret = table;
	return 0;
}

/* Parses one "key = value" of the table `section`.  A key that cannot be taken is reported, and
 * its value read all the same, into a place of no consequence. */
static int parse_pair(struct parser *p, struct node *section)
{
	struct lexer *lexer = &p->lexer;
	uint32_t start = lexer_offset(lexer);
	struct node *table = NULL, *node, *other = NULL;
	const struct key *key;
	UNSET struct path path;
	int r, taken;

	r = lexer_path(lexer, &path);
	if (r < 0)
		return r;
	if (!lexer_take(lexer, '='))
		return lexer_error(lexer, "C010", NULL, "expected '=' after the key, found %s",
				   lexer_seen(lexer));
	lexer_skip_blanks(lexer);
	key = &path.parts[path.count - 1];
	taken = walk_dotted(p, &path, section, &table);
	if (taken == 0)
		other = index_find(&p->index, table, key->text, key->length);
	if (other)
		taken = complain(p, "C019", key, other, "is set twice");
	node = node_new(p, taken == 0 ? table : section, TOML_BOOLEAN, MADE_VALUE);
	node->section = section;
	r = parse_value(p, node);
	if (r < 0 || taken < 0)
		return r; /* a key that was not taken has been reported */
	*vec_push(lexer->arena, &p->document->statements) =
		(struct statement){ node, section, start, lexer_offset(lexer) };
	section->tail = lexer_offset(lexer);
	add_member(p, node, key);
	return 0;
}

/* --- headers --------------------------------------------------------------------------- */

static struct node *header_table(struct parser *p, struct node *parent, const struct key *key,
				 enum toml_type type, enum made made)
{
	struct node *node;

	if (check_depth(p, parent, &key->origin) < 0)
		return NULL;
	node = node_new(p, parent, type, made);
	add_member(p, node, key);
	return node;
}

/* The table that the last part of a header stands in, made where needed; NULL on errors. */
static struct node *walk_header(struct parser *p, const struct path *path)
{
	struct node *table = p->document->root;

	for (size_t i = 0; i + 1 < path->count; i++) {
		const struct key *key = &path->parts[i];
		struct node *next = index_find(&p->index, table, key->text, key->length);

		if (!next) {
			next = header_table(p, table, key, TOML_TABLE, MADE_IMPLICIT);
		} else if (next->made == MADE_ELEMENTS) {
			next = next->last;
		} else if (next->value.type != TOML_TABLE) {
			complain(p, "C021", key, next, "is not a table");
			next = NULL;
		} else if (next->made == MADE_INLINE) {
			complain(p, "C022", key, next,
				 "is an inline table, which nothing can be added to");
			next = NULL;
		}
		if (!next)
			return NULL;
		table = next;
	}
	return table;
}

static struct node *open_table(struct parser *p, struct node *parent, const struct key *key)
{
	struct node *table = index_find(&p->index, parent, key->text, key->length);

	if (!table)
		return header_table(p, parent, key, TOML_TABLE, MADE_HEADER);
	if (table->made != MADE_IMPLICIT) {
		complain(p, "C020", key, table,
			 table->value.type == TOML_TABLE ? "is defined twice"
							 : "is not a table");
		return NULL;
	}
	table->made = MADE_HEADER;
	table->value.key_origin = key->origin;
	return table;
}

static struct node *open_element(struct parser *p, struct node *parent, const struct key *key)
{
	struct node *array = index_find(&p->index, parent, key->text, key->length), *element;

	if (!array)
		array = header_table(p, parent, key, TOML_ARRAY, MADE_ELEMENTS);
	else if (array->made != MADE_ELEMENTS)
		array = (complain(p, "C020", key, array,
				  "is set already, and not an array of tables"),
			 NULL);
	if (!array || check_depth(p, array, &key->origin) < 0)
		return NULL;
	element = node_new(p, array, TOML_TABLE, MADE_HEADER);
	element->value.key_origin = key->origin;
	node_append(array, element);
	return element;
}

static void enter_section(struct parser *p, struct node *table, uint32_t start,
			  struct origin origin)
{
	uint32_t end = lexer_offset(&p->lexer);

	p->section = table;
	table->value.origin = origin;
	table->start = start;
	table->end = table->tail = end;
	*vec_push(p->lexer.arena, &p->document->statements) =
		(struct statement){ table, NULL, start, end };
	if (table->parent->made == MADE_ELEMENTS && !table->previous)
		table->parent->value.origin = origin;
}

static int parse_header(struct parser *p)
{
	struct lexer *lexer = &p->lexer;
	uint32_t start = lexer_offset(lexer);
	struct place from = lexer_place(lexer);
	struct node *parent, *table = NULL;
	UNSET struct path path;
	bool elements;
	int r;

	/* Until the header is known to be good, keys go where they harm nobody. */
	p->section = node_new(p, NULL, TOML_TABLE, MADE_HEADER);
	lexer->at++;
	elements = lexer_take(lexer, '[');
	r = lexer_path(lexer, &path);
	if (r < 0)
		return r;
	if (!lexer_take(lexer, ']') || (elements && !lexer_take(lexer, ']')))
		return lexer_error(lexer, "C018", NULL,
				   "expected '%s' after the table's name, found %s",
				   elements ? "]]" : "]", lexer_seen(lexer));
	parent = walk_header(p, &path);
	if (parent && elements)
		table = open_element(p, parent, &path.parts[path.count - 1]);
	else if (parent)
		table = open_table(p, parent, &path.parts[path.count - 1]);
	if (table)
		enter_section(p, table, start, lexer_origin(lexer, &from));
	return 0;
}

/* --- the file -------------------------------------------------------------------------- */

static int parse_line(struct parser *p)
{
	struct lexer *lexer = &p->lexer;
	int r;

	lexer_skip_blanks(lexer);
	if (lexer->at < lexer->end && *lexer->at == '[')
		r = parse_header(p);
	else if (lexer->at < lexer->end && !strchr("#\r\n", *lexer->at))
		r = parse_pair(p, p->section);
	else
		r = 0;
	if (r < 0)
		return r;
	lexer_skip_blanks(lexer);
	lexer_skip_comment(lexer);
	if (lexer->at >= lexer->end || lexer_skip_newline(lexer))
		return 0;
	return lexer_error(lexer, "C015", NULL, "expected the end of the line, found %s",
			   lexer_seen(lexer));
}

int document_parse(struct arena *arena, const struct source *source, const struct origin *via,
		   struct diags *d, struct document *ret)
{
	struct document document = { 0 };
	struct parser p = { .document = &document };

	lexer_init(&p.lexer, arena, source, via, d);
	if (lexer_check(&p.lexer) < 0)
		return -EINVAL;
	index_init(&p.index, arena);
	p.section = document.root = node_new(&p, NULL, TOML_TABLE, MADE_HEADER);
	document.root->value.origin = (struct origin){
		.source = source,
		.via = via,
		.line = p.lexer.line,
		.column = 1,
		.length = 1,
	};
	while (p.lexer.at < p.lexer.end && !p.lexer.stop) {
		p.arrays = p.braces = 0;
		if (parse_line(&p) == 0)
			continue;
		if (p.arrays || (p.braces && strchr("\r\n", *p.lexer.at)))
			break;
		lexer_skip_line(&p.lexer);
	}
	if (p.lexer.errors)
		return -EINVAL;
	*ret = document;
	return 0;
}

int toml_parse(struct arena *arena, const struct source *source, const struct origin *via,
	       struct diags *d, const struct toml_value **ret_root)
{
	struct document document;
	int r = document_parse(arena, source, via, d, &document);

	if (r < 0)
		return r;
	*ret_root = &document.root->value;
	return 0;
}

const struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
	size_t length = strlen(key);

	if (!table || table->type != TOML_TABLE)
		return NULL;
	for (const struct toml_value *v = table->first; v; v = v->next)
		if (v->key_length == length && memcmp(v->key, key, length) == 0)
			return v;
	return NULL;
}

bool toml_same(const struct toml_value *a, const struct toml_value *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == TOML_STRING)
		return str_equal(a->string, b->string);
	for (a = a->first, b = b->first; a && b; a = a->next, b = b->next)
		if (!toml_same(a, b))
			return false;
	return !a && !b;
}

const char *toml_type_name(enum toml_type type)
{
	static const char *const names[] = {
		[TOML_STRING] = "string",     [TOML_INTEGER] = "integer",
		[TOML_FLOAT] = "float",	      [TOML_BOOLEAN] = "boolean",
		[TOML_DATETIME] = "datetime", [TOML_ARRAY] = "array",
		[TOML_TABLE] = "table",
	};

	return (size_t)type < ARRAY_SIZE(names) ? names[type] : "unknown";
}
