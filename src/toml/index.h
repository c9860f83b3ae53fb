/* toml/index.h - private to src/toml: all keys of all tables, found in constant time. */
#ifndef CUDDY_TOML_INDEX_H
#define CUDDY_TOML_INDEX_H

#include "toml/parser.h"

struct index {
	struct node **slots;
	size_t count, room; /* room is a power of two, at most half filled */
	uint64_t secret[2];
};

void index_init(struct index *index, struct arena *arena);
/* The parent and the key of `node` are set, and not in the index yet. */
void index_add(struct index *index, struct arena *arena, struct node *node);
struct node *index_find(const struct index *index, const struct node *table, const char *key,
			size_t length);

#endif
