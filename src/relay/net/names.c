/* relay/net/names.c - a table of names in the order in which they came, with a hash to find them.
 * Must not: hold more than SYNTHETIC_COUNT names. */
#include "relay/net/names.h"
#include "base/macros.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NONE UINT32_MAX

struct names {
	struct { char *text; uint32_t next; } entries[SYNTHETIC_COUNT]; /* next: in the same bucket */
	uint32_t buckets[SYNTHETIC_COUNT];
	uint32_t given; /* how many were ever given out */
	uint64_t seed;	/* the program chooses the names, so it must not know which collide */
};

struct names *names_new(void)
{
	struct names *names = calloc(1, sizeof(*names));

	must(names);
	must(getrandom(&names->seed, sizeof(names->seed), 0) == sizeof(names->seed));
	memset(names->buckets, 0xff, sizeof(names->buckets));
	return names;
}

void names_free(struct names *names)
{
	for (uint32_t i = 0; names && i < SYNTHETIC_COUNT; i++)
		free(names->entries[i].text);
	free(names);
}

static uint32_t *bucket_of(struct names *names, const char *name)
{
	uint64_t hash = names->seed;

	for (; *name; name++) {
		hash = (hash ^ (unsigned char)*name) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return &names->buckets[hash % SYNTHETIC_COUNT];
}

static void forget(struct names *names, uint32_t place)
{
	uint32_t *link = bucket_of(names, names->entries[place].text);

	while (*link != place)
		link = &names->entries[*link].next;
	*link = names->entries[place].next;
	free(names->entries[place].text);
}

uint32_t names_index(struct names *names, const char *name)
{
	uint32_t *bucket = bucket_of(names, name), place;

	for (place = *bucket; place != NONE; place = names->entries[place].next)
		if (strcmp(names->entries[place].text, name) == 0)
			return place + SYNTHETIC_FIRST;
	place = names->given++ % SYNTHETIC_COUNT;
	if (names->entries[place].text)
		forget(names, place);
	names->entries[place].text = strdup(name);
	must(names->entries[place].text);
	names->entries[place].next = *bucket;
	*bucket = place;
	return place + SYNTHETIC_FIRST;
}

static const uint8_t base4[16] = { [10] = 0xff, [11] = 0xff, 198, 18, 0, 0 };
static const uint8_t base6[16] = { 0xfd, 0x63, 0x75, 0x64, 0x64, 0x79 };

static void add(const uint8_t base[16], uint32_t index, uint8_t ret[16])
{
	memcpy(ret, base, 16);
	for (int i = 15; i >= 12; i--, index >>= 8)
		ret[i] = (uint8_t)(ret[i] + (index & 0xff)); /* the bases end in zeros: no carry */
}

void names_address4(uint32_t index, uint8_t ret[16])
{
	add(base4, index, ret);
}

void names_address6(uint32_t index, uint8_t ret[16])
{
	add(base6, index, ret);
}

const char *names_find(const struct names *names, const uint8_t address[16], bool *ret_synthetic)
{
	uint32_t index = 0;

	if (memcmp(address, base6, 12) == 0)
		index = (uint32_t)address[12] << 24 | (uint32_t)address[13] << 16;
	else if (memcmp(address, base4, 13) == 0 && (address[13] & 0xfe) == base4[13])
		index = (uint32_t)(address[13] & 1) << 16;
	else {
		*ret_synthetic = false;
		return NULL;
	}
	*ret_synthetic = true;
	index |= (uint32_t)address[14] << 8 | address[15];
	return index >= SYNTHETIC_FIRST && index - SYNTHETIC_FIRST < SYNTHETIC_COUNT ?
	       names->entries[index - SYNTHETIC_FIRST].text : NULL;
}
