/* profile/elf.c - reads the dynamic section of an ELF file.  The file may be hostile: every number
 * in it is a claim.  Must not: map the file, trust a size, loop over a count without a limit. */
#include "profile/elf.h"

#include "base/limits.h"
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

struct reader {
	int fd;
	bool is_wide, is_big; /* 64 bits; the most significant byte comes first */
};

struct segment { uint32_t type; uint64_t offset, address, size; };

/* All of `count` bytes at `offset`, or -ENOEXEC: what is not there was a lie of the headers. */
static int read_at(const struct reader *r, void *bytes, size_t count, uint64_t offset)
{
	ssize_t got;

	if (offset > INT64_MAX - count)
		return -ENOEXEC;
	do
		got = pread(r->fd, bytes, count, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : (size_t)got == count ? 0 : -ENOEXEC;
}

/* The number of `size` bytes at `bytes`, in the byte order of the file. */
static uint64_t number(const struct reader *r, const unsigned char *bytes, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[r->is_big ? i : size - 1 - i];
	return value;
}

#define FIELD(r, bytes, type, field)                                                             \
	((r)->is_wide ? number((r), (bytes) + offsetof(Elf64_##type, field),                         \
			    sizeof(((Elf64_##type *)0)->field)) :                                 \
		     number((r), (bytes) + offsetof(Elf32_##type, field),                         \
			    sizeof(((Elf32_##type *)0)->field)))

static int read_segments(const struct reader *r, struct segment *segments, size_t *ret_count)
{
	size_t entry = r->is_wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	unsigned char header[sizeof(Elf64_Ehdr)] = { 0 }, table[LIMIT_ELF_SEGMENTS * sizeof(Elf64_Phdr)];
	size_t count;
	int error = read_at(r, header, r->is_wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), 0);

	if (error < 0)
		return error;
	count = (size_t)FIELD(r, header, Ehdr, e_phnum);
	if (FIELD(r, header, Ehdr, e_phentsize) != entry || count > LIMIT_ELF_SEGMENTS)
		return -ENOEXEC;
	error = read_at(r, table, count * entry, FIELD(r, header, Ehdr, e_phoff));
	if (error < 0)
		return error;
	for (size_t i = 0; i < count; i++) {
		const unsigned char *at = table + i * entry;

		segments[i] = (struct segment){
			.type = (uint32_t)FIELD(r, at, Phdr, p_type),
			.offset = FIELD(r, at, Phdr, p_offset),
			.address = FIELD(r, at, Phdr, p_vaddr),
			.size = FIELD(r, at, Phdr, p_filesz),
		};
	}
	*ret_count = count;
	return 0;
}

/* Where in the file the byte at `address` of the running program lies. */
static int find_offset(const struct segment *segments, size_t count, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i < count; i++)
		if (segments[i].type == PT_LOAD && address >= segments[i].address &&
		    address - segments[i].address < segments[i].size &&
		    !__builtin_add_overflow(segments[i].offset, address - segments[i].address, ret))
			return 0;
	return -ENOEXEC;
}

/* Reads the names that stand at `offsets` of the string table. */
static int read_names(struct arena *arena, const struct reader *r, uint64_t table, uint64_t size,
		      const uint64_t *offsets, size_t count, const char *const **ret)
{
	const char **names = arena_new_array(arena, const char *, count);
	char name[LIMIT_ELF_NAME + 1];

	for (size_t i = 0; i < count; i++) {
		uint64_t at;
		size_t length;
		int error;

		if (offsets[i] >= size || __builtin_add_overflow(table, offsets[i], &at))
			return -ENOEXEC;
		length = (size_t)MIN(size - offsets[i], (uint64_t)LIMIT_ELF_NAME);
		error = read_at(r, name, length, at);
		if (error < 0)
			return error;
		name[length] = '\0';
		if (strlen(name) == length) /* longer than any library's, or not ended */
			return -ENOEXEC;
		names[i] = arena_strdup(arena, name);
	}
	*ret = names;
	return 0;
}

static int read_dynamic(struct arena *arena, const struct reader *r, const struct segment *segments,
			size_t count, const struct segment *dynamic, const char *const **ret, size_t *ret_count)
{
	size_t entry = r->is_wide ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn), used = 0;
	size_t entries = (size_t)MIN(dynamic->size / entry, (uint64_t)LIMIT_ELF_DYNAMIC);
	uint64_t offsets[LIMIT_ELF_NEEDED], address = 0, size = 0, table;
	unsigned char *bytes = arena_alloc(arena, entries * entry);
	int error = read_at(r, bytes, entries * entry, dynamic->offset);

	if (error < 0)
		return error;
	for (const unsigned char *at = bytes; at < bytes + entries * entry; at += entry) {
		uint64_t tag = FIELD(r, at, Dyn, d_tag), value = FIELD(r, at, Dyn, d_un.d_val);

		if (tag == DT_NULL)
			break;
		if (tag == DT_STRTAB)
			address = value;
		if (tag == DT_STRSZ)
			size = value;
		if (tag != DT_NEEDED)
			continue;
		if (used == LIMIT_ELF_NEEDED)
			return -ENOEXEC;
		offsets[used++] = value;
	}
	*ret_count = used;
	if (!used)
		return 0;
	error = find_offset(segments, count, address, &table);
	return error < 0 ? error : read_names(arena, r, table, size, offsets, used, ret);
}

int elf_read_needed(struct arena *arena, int fd, const char *const **ret, size_t *ret_count)
{
	struct segment segments[LIMIT_ELF_SEGMENTS];
	unsigned char ident[EI_NIDENT];
	struct reader r = { .fd = fd };
	size_t count = 0;
	int error = read_at(&r, ident, sizeof(ident), 0);

	if (error < 0)
		return error;
	if (memcmp(ident, ELFMAG, SELFMAG) != 0 || (ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32) ||
	    (ident[EI_DATA] != ELFDATA2LSB && ident[EI_DATA] != ELFDATA2MSB))
		return -ENOEXEC;
	r.is_wide = ident[EI_CLASS] == ELFCLASS64;
	r.is_big = ident[EI_DATA] == ELFDATA2MSB;
	error = read_segments(&r, segments, &count);
	if (error < 0)
		return error;
	*ret = NULL;
	*ret_count = 0;
	for (size_t i = 0; i < count; i++)
		if (segments[i].type == PT_DYNAMIC)
			return read_dynamic(arena, &r, segments, count, &segments[i], ret, ret_count);
	return 0;
}
