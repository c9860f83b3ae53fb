/* toml/index.c - all keys of all tables in one open hash table.
 *
 * The hash is SipHash-1-3 (Aumasson, Bernstein) with a secret of each process, so that nobody can
 * write a file whose keys all collide.  The order of the tree does not depend on it. */
#include "toml/index.h"

#include <string.h>
#include <sys/auxv.h>

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = rotate(v[1], 13); v[1] ^= v[0]; v[0] = rotate(v[0], 32);
	v[2] += v[3]; v[3] = rotate(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = rotate(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = rotate(v[1], 17); v[1] ^= v[2]; v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint32_t hash_key(const struct index *index, const struct node *table, const char *key,
			 size_t length)
{
	uint64_t v[4] = {
		index->secret[0] ^ 0x736f6d6570736575, index->secret[1] ^ 0x646f72616e646f6d,
		index->secret[0] ^ 0x6c7967656e657261, index->secret[1] ^ 0x7465646279746573,
	};
	uint64_t word;
	size_t i;

	sip_word(v, (uint64_t)(uintptr_t)table);
	for (i = 0; i + 8 <= length; i += 8) {
		memcpy(&word, key + i, 8);
		sip_word(v, word);
	}
	word = 0;
	memcpy(&word, key + i, length - i);
	sip_word(v, word | (uint64_t)length << 56);
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(word ^ word >> 32);
}

void index_init(struct index *index, struct arena *arena)
{
	/* The kernel's 16 random bytes for the C library: no call, and SipHash does not give them away. */
	const void *secret = (const void *)getauxval(AT_RANDOM);

	*index = (struct index){ .room = 64 };
	index->slots = arena_new_array(arena, struct node *, index->room);
	if (secret)
		memcpy(index->secret, secret, sizeof(index->secret));
	else /* the hash still works, only guessably */
		index->secret[0] = (uint64_t)(uintptr_t)index->slots;
}

static struct node **slot_of(const struct index *index, uint32_t hash, const struct node *table,
			     const char *key, size_t length)
{
	for (size_t i = hash & (index->room - 1);; i = (i + 1) & (index->room - 1)) {
		const struct node *node = index->slots[i];

		if (!node || (node->hash == hash && node->parent == table &&
			      node->value.key_length == length &&
			      memcmp(node->value.key, key, length) == 0))
			return &index->slots[i];
	}
}

static void index_grow(struct index *index, struct arena *arena)
{
	struct index larger = *index;

	larger.room = 2 * index->room;
	larger.slots = arena_new_array(arena, struct node *, larger.room);
	for (size_t i = 0; i < index->room; i++) {
		struct node *node = index->slots[i];

		if (node)
			*slot_of(&larger, node->hash, node->parent, node->value.key,
				 node->value.key_length) = node;
	}
	*index = larger;
}

void index_add(struct index *index, struct arena *arena, struct node *node)
{
	struct node **slot;

	if (2 * (index->count + 1) > index->room)
		index_grow(index, arena);
	node->hash = hash_key(index, node->parent, node->value.key, node->value.key_length);
	slot = slot_of(index, node->hash, node->parent, node->value.key,
		       node->value.key_length);
	must(!*slot);
	*slot = node;
	index->count++;
}

struct node *index_find(const struct index *index, const struct node *table, const char *key,
			size_t length)
{
	return *slot_of(index, hash_key(index, table, key, length), table, key, length);
}
