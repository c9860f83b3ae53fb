/* cage/import/archive.c - reads tar archives, plain or compressed, with libarchive.
 *
 * The only file that knows libarchive.  Only tar and four compressions are switched on, none of
 * them runs a program.  The locale stays "C": in it libarchive gives names as the bytes they are
 * (with ARCHIVE_WARN), while UTF-8 makes it change decomposed letters to composed ones.
 * Must not: open anything, set the locale, take a name or a size of the archive on trust. */
#include "cage/import/archive.h"

#include "base/limits.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct input {
	int fd;
	struct archive *archive;
	struct image_tree *tree;
	struct sha256 *sha;  /* of the file's bytes; or NULL */
	uint64_t headers;
	char buffer[256 * 1024];
};

static int fail_read(struct input *in)
{
	const char *why = archive_error_string(in->archive);

	return image_fail(in->tree->report, -EINVAL, "C572", "the archive cannot be read: %s",
			  why ? why : "it is damaged");
}

/* Called whenever more of the file is wanted, so this sees a bomb grow. */
static la_ssize_t read_more(struct archive *archive, void *data, const void **ret)
{
	struct input *in = data;
	ssize_t count;

	if ((uint64_t)archive_filter_bytes(archive, 0) > in->tree->most_size + LIMIT_IMAGE_OVERHEAD) {
		(void)image_fail(in->tree->report, -EFBIG, "C574", "the archive unpacks to more than %llu MiB",
				 (unsigned long long)(in->tree->most_size + LIMIT_IMAGE_OVERHEAD) >> 20);
		archive_set_error(archive, EFBIG, "too large");
		return -1;
	}
	do
		count = read(in->fd, in->buffer, sizeof(in->buffer));
	while (count < 0 && errno == EINTR);
	if (count < 0) {
		archive_set_error(archive, errno, "%s", strerror(errno));
		return -1;
	}
	if (in->sha)
		sha256_add(in->sha, in->buffer, (size_t)count);
	in->tree->report->read += (uint64_t)count;
	*ret = in->buffer;
	return count;
}

static void input_freep(struct input **in)
{
	if (*in)
		archive_read_free((*in)->archive);
	free(*in);
}

/* `raw`: the content as it is, once it is no longer compressed. */
static int input_open(int fd, struct image_tree *t, struct sha256 *sha, bool raw, struct input **ret)
{
	CLEANUP(input_freep) struct input *in = calloc(1, sizeof(*in));
	struct archive *a;

	must(in != NULL);
	in->archive = a = archive_read_new();
	must(a != NULL);
	in->fd = fd;
	in->tree = t;
	in->sha = sha;
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	if (raw)
		archive_read_support_format_raw(a);
	else
		archive_read_support_format_tar(a);
	archive_read_support_format_empty(a);
	if (lseek(fd, 0, SEEK_SET) < 0 || archive_read_open(a, in, NULL, read_more, NULL) != ARCHIVE_OK)
		return fail_read(in);
	*ret = TAKE(in);
	return 0;
}

/* 1 and the next entry, 0 at the end, or -errno. */
static int next_entry(struct input *in, struct archive_entry **ret)
{
	int r = archive_read_next_header(in->archive, ret);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return fail_read(in);
	if (++in->headers > LIMIT_IMAGE_ENTRIES)
		return image_fail(in->tree->report, -E2BIG, "C574", "there are more than %d entries",
				  LIMIT_IMAGE_ENTRIES);
	return 1;
}

static int next_part(void *data, const void **ret, size_t *ret_size, int64_t *ret_offset)
{
	struct input *in = data;
	la_int64_t offset = 0;
	int r = archive_read_data_block(in->archive, ret, ret_size, &offset);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK)
		return fail_read(in);
	*ret_offset = offset;
	return 1;
}

enum { MOST_ATTRIBUTES = 256 };

static size_t read_attributes(struct archive_entry *entry, struct image_attribute *ret)
{
	size_t count = 0;

	archive_entry_xattr_reset(entry);
	while (count < MOST_ATTRIBUTES &&
	       archive_entry_xattr_next(entry, &ret[count].name, &ret[count].value,
					&ret[count].size) == ARCHIVE_OK)
		count++;
	return count;
}

static int add_entry(struct input *in, struct archive_entry *from)
{
	struct image_attribute attributes[MOST_ATTRIBUTES];
	struct image_entry entry = {
		.path = archive_entry_pathname(from), .mode = archive_entry_mode(from),
		.hard_link = archive_entry_hardlink(from), .target = archive_entry_symlink(from),
		.size = archive_entry_size(from) > 0 ? (uint64_t)archive_entry_size(from) : 0,
		.uid = archive_entry_uid(from), .gid = archive_entry_gid(from),
		.mtime = { archive_entry_mtime(from), archive_entry_mtime_nsec(from) },
		.attributes = attributes, .attribute_count = read_attributes(from, attributes),
	};

	if (!entry.path || (S_ISLNK(entry.mode) && !entry.target) || (!entry.mode && !entry.hard_link))
		return fail_read(in);
	return image_tree_add(in->tree, &entry, next_part, in);
}

/* What stands behind the end of the archive belongs to the digest. */
static int check_digest(struct input *in, const char *digest)
{
	char got[SHA256_TEXT];
	const void *bytes;
	la_ssize_t count;

	do
		count = read_more(in->archive, in, &bytes);
	while (count > 0);
	if (count < 0)
		return fail_read(in);
	sha256_finish(in->sha, got);
	if (strcmp(got, digest) != 0)
		return image_fail(in->tree->report, -EINVAL, "C577", "layer 'sha256:%s' has the digest sha256:%s",
				  digest, got);
	return 0;
}

int image_archive_unpack(int fd, struct image_tree *t, const char *digest)
{
	CLEANUP(input_freep) struct input *in = NULL;
	struct archive_entry *entry;
	struct sha256 sha;
	int r;

	sha256_init(&sha);
	r = input_open(fd, t, digest ? &sha : NULL, false, &in);
	while (r >= 0 && (r = next_entry(in, &entry)) > 0)
		r = add_entry(in, entry);
	return r < 0 || !digest ? r : check_digest(in, digest);
}

int image_archive_whiteouts(int fd, struct image_tree *t)
{
	CLEANUP(input_freep) struct input *in = NULL;
	struct archive_entry *entry;
	int r = input_open(fd, t, NULL, false, &in);

	while (r >= 0 && (r = next_entry(in, &entry)) > 0) {
		const char *path = archive_entry_pathname(entry);

		r = path ? image_tree_whiteout(t, path) : fail_read(in);
	}
	return r;
}

int image_archive_inner_digest(int fd, struct image_tree *t, char ret[SHA256_TEXT])
{
	CLEANUP(input_freep) struct input *in = NULL;
	struct archive_entry *entry;
	const void *bytes;
	struct sha256 sha;
	int64_t offset;
	size_t size;
	int r = input_open(fd, t, NULL, true, &in);

	sha256_init(&sha);
	if (r == 0)
		r = next_entry(in, &entry);
	while (r > 0 && (r = next_part(in, &bytes, &size, &offset)) > 0)
		sha256_add(&sha, bytes, size);
	if (r == 0)
		sha256_finish(&sha, ret);
	return r;
}

/* Names at the top of an OCI layout (image-spec, image-layout.md) and of what docker save and
 * podman save write: "DIGEST/layer.tar", "DIGEST.json", "DIGEST.tar". */
static bool is_image_name(const char *path)
{
	static const char *const names[] = {
		"", "blobs", "index.json", "manifest.json", "oci-layout", "repositories",
	};
	static const char *const endings[] = { "", ".json", ".tar" };
	size_t length = strcspn(path, "/");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == length && strncmp(names[i], path, length) == 0)
			return true;
	if (length < 64 || strspn(path, "0123456789abcdef") != 64)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (strlen(endings[i]) == length - 64 && strncmp(endings[i], path + 64, length - 64) == 0)
			return true;
	return false;
}

int image_archive_is_image(int fd, struct image_tree *t)
{
	CLEANUP(input_freep) struct input *in = NULL;
	char path[IMAGE_NAME_MAX];
	struct archive_entry *entry;
	bool described = false;
	int r = input_open(fd, t, NULL, false, &in);

	while (r >= 0 && (r = next_entry(in, &entry)) > 0) {
		const char *name = archive_entry_pathname(entry);

		/* What is wrong with a name is said when it is unpacked. */
		if (!name || image_path_clean(name, path) < 0 || !is_image_name(path))
			return 0;
		described = described || strcmp(path, "index.json") == 0 || strcmp(path, "manifest.json") == 0;
	}
	return r < 0 ? r : described;
}
