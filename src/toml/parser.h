/* toml/parser.h - private to src/toml: the tree with all that the edits need to know. */
#ifndef CUDDY_TOML_PARSER_H
#define CUDDY_TOML_PARSER_H

#include "toml/toml.h"

/* How a table or array came to be decides what may still be added to it. */
enum made {
	MADE_VALUE,    /* a scalar, or an array in brackets: closed */
	MADE_INLINE,   /* { … }: closed */
	MADE_DOTTED,   /* by a dotted key: open to dotted keys and to headers below it */
	MADE_IMPLICIT, /* on the way of a header: may still get its own header, once */
	MADE_HEADER,   /* by [header], the root, an element of [[header]] */
	MADE_ELEMENTS, /* an array of tables */
};

struct node {
	struct toml_value value; /* first: the public face */
	struct node *parent, *last;
	struct node *section;	/* the table in whose body this was written; NULL for headers */
	struct node *previous;	/* sibling */
	uint32_t hash;
	uint32_t start, end;	/* the bytes of the value */
	uint32_t comma;		/* behind an array item; 0 when there is none */
	uint32_t tail;		/* end of the last statement of this section */
	uint8_t depth, made;
};

/* One header or "key = value", in a file or inside an inline table. */
struct statement {
	struct node *node, *section; /* section: NULL for headers */
	uint32_t start, end;
};

struct document {
	struct node *root;
	VEC(struct statement) statements; /* in file order within each section */
};

/* As toml_parse(). */
int document_parse(struct arena *arena, const struct source *source, const struct origin *via,
		   struct diags *d, struct document *ret);

static inline struct node *node_of(const struct toml_value *value)
{
	return (struct node *)(uintptr_t)value;
}

#endif
