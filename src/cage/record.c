/* cage/record.c - the record of a running cage: a header, texts with a NUL each, the packed plan.
 * Must not: believe a length. */
#include "cage/record.h"
#include "base/fd.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_MAGIC 0x32726463u /* "cdr2" */
#define RECORD_ROOM  (4 * LIMIT_PLAN_TEXT)
#define RECORD_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

struct record_header { uint32_t magic, texts, plan; uint32_t ephemeral; long long since; };

/* The texts in their order; each call of a visitor takes the address of one. */
#define EACH_TEXT(record) { &(record)->name, &(record)->profile, &(record)->program,             \
			    &(record)->directory, &(record)->policy, &(record)->root }

int cage_record_make(const struct cage_record *record, const struct plan *plan)
{
	const char *const *const texts[] = EACH_TEXT(record);
	struct strbuf body = { .arena = plan->arena };
	struct record_header header = {
		.magic = RECORD_MAGIC, .ephemeral = record->ephemeral, .since = record->since,
	};
	AUTO_FD int fd = memfd_create("cuddy-record", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	strbuf_add_bytes(&body, (const char *)&header, sizeof(header));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		strbuf_add_bytes(&body, *texts[i] ? *texts[i] : "", *texts[i] ? strlen(*texts[i]) + 1 : 1);
	header.texts = (uint32_t)(body.length - sizeof(header));
	plan_pack(plan, &body);
	header.plan = (uint32_t)(body.length - sizeof(header) - header.texts);
	memcpy(body.text, &header, sizeof(header));
	r = fd_write_all(fd, body.text, body.length);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, RECORD_SEALS) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

int cage_record_read(struct arena *arena, int fd, struct cage_record *ret)
{
	const char **const texts[] = EACH_TEXT(ret);
	struct record_header header;
	struct stat status;
	char *bytes, *at, *end;

	*ret = (struct cage_record){ 0 };
	int seals = fcntl(fd, F_GET_SEALS);
	/* Sealed: nobody changes it while we read.  (vm.memfd_noexec adds a seal of its own.) */
	if (seals < 0 || (seals & RECORD_SEALS) != RECORD_SEALS || fstat(fd, &status) < 0 ||
	    status.st_size < (off_t)sizeof(header) || status.st_size > RECORD_ROOM)
		return -EPROTO;
	bytes = arena_alloc(arena, (size_t)status.st_size);
	if (pread(fd, bytes, (size_t)status.st_size, 0) != status.st_size)
		return -EPROTO;
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != RECORD_MAGIC || header.texts > RECORD_ROOM || header.plan > RECORD_ROOM ||
	    sizeof(header) + header.texts + header.plan != (size_t)status.st_size)
		return -EPROTO;
	at = bytes + sizeof(header);
	end = at + header.texts;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t length = strnlen(at, (size_t)(end - at));

		if (at + length == end)
			return -EPROTO;
		*texts[i] = at;
		at += length + 1;
	}
	ret->since = header.since;
	ret->ephemeral = header.ephemeral;
	ret->plan = end;
	ret->plan_length = header.plan;
	return at == end ? 0 : -EPROTO;
}
