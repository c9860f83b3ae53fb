/* cage/image_source.c - from a directory with an image to its layers, in order, opened.
 *
 * Names come from the image: they are opened below the directory only.  Links inside of it are
 * followed, since docker save makes some.  Must not: use a document before its digest is checked. */
#include "cage/image_source.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct opener {
	struct arena *arena;
	int directory;
	const struct image_choice *choice;
	struct diags *d;
};

static const char *quote(struct opener *o, const char *text)
{
	return str_quote(o->arena, text);
}

/* A regular file below the directory; FIFOs and devices are not waited for. */
static int open_file(struct opener *o, const char *path, uint64_t *ret_size)
{
	AUTO_FD int fd = fd_open_resolved(o->directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
					  RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	struct stat status;

	if (fd < 0)
		return diag_error(o->d, "C576", NULL, "'%s' of the image cannot be opened: %s", quote(o, path),
				  strerror(-fd));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return diag_error(o->d, "C576", NULL, "'%s' of the image is no file", quote(o, path));
	*ret_size = (uint64_t)status.st_size;
	return TAKE_FD(fd);
}

/* Reads a document; with `digest`, only the one that has it. */
static int read_document(struct opener *o, const char *path, const char *digest, char **ret,
			 size_t *ret_length)
{
	char got[SHA256_TEXT], *text;
	struct sha256 sha;
	uint64_t size;
	AUTO_FD int fd = open_file(o, path, &size);
	size_t length = 0;
	ssize_t count;

	if (fd < 0)
		return fd;
	if (size > LIMIT_JSON_SIZE)
		return diag_error(o->d, "C576", NULL, "'%s' of the image is too long", quote(o, path));
	text = arena_alloc(o->arena, (size_t)size + 1);
	while (length < size && (count = read(fd, text + length, (size_t)size - length)) > 0)
		length += (size_t)count;
	sha256_init(&sha);
	sha256_add(&sha, text, length);
	sha256_finish(&sha, got);
	if (digest && strcmp(got, digest) != 0)
		return diag_error(o->d, "C577", NULL, "'%s' of the image has the digest sha256:%s",
				  quote(o, path), got);
	*ret = text;
	*ret_length = length;
	return 0;
}

static const char *blob(struct opener *o, const char *digest)
{
	return arena_printf(o->arena, "blobs/sha256/%s", digest);
}

static int bad_document(struct opener *o, const char *path, const char *why)
{
	return diag_error(o->d, "C576", NULL, "'%s' of the image: %s", quote(o, path), why);
}

static int open_config(struct opener *o, const char *path, const char *digest, struct image_config *ret)
{
	const char *why;
	size_t length;
	char *text;

	if (read_document(o, path, digest, &text, &length) < 0)
		return -EINVAL;
	if (image_config_read(o->arena, text, length, ret, &why) < 0)
		return bad_document(o, path, why);
	if (ret->os && *ret->os && strcmp(ret->os, "linux") != 0)
		return diag_error(o->d, "C578", NULL, "the image is for '%s'", quote(o, ret->os));
	if (!image_architecture_fits(o->choice->architecture, ret->architecture, ret->variant)) {
		diag_error(o->d, "C578", NULL, "the image is for '%s', not for '%s'",
			   quote(o, ret->architecture), quote(o, o->choice->architecture));
		diag_help(o->d, "'--arch' chooses another architecture");
		return -EINVAL;
	}
	return 0;
}

static bool fits(const struct opener *o, const struct image_part *part, unsigned depth)
{
	if (part->os && *part->os && strcmp(part->os, "linux") != 0)
		return false;
	if (depth == 0 && o->choice->tag && !str_equal(part->tag, o->choice->tag))
		return false;
	return image_architecture_fits(o->choice->architecture, part->architecture, part->variant);
}

static int none_fits(struct opener *o, const struct image_document *index)
{
	struct strbuf list = { .arena = o->arena };

	for (size_t i = 0; i < index->parts.count; i++) {
		const struct image_part *p = &index->parts.items[i];

		strbuf_addf(&list, "%s%s%s%s%s/%s%s%s", i ? ", " : "", p->tag ? "'" : "",
			    p->tag ? quote(o, p->tag) : "", p->tag ? "' for " : "", p->os ? quote(o, p->os) : "any",
			    p->architecture ? quote(o, p->architecture) : "any", p->variant ? "/" : "",
			    p->variant ? quote(o, p->variant) : "");
	}
	diag_error(o->d, "C578", NULL, "the archive holds no image for 'linux/%s'%s%s%s",
		   quote(o, o->choice->architecture), o->choice->tag ? " with the tag '" : "",
		   o->choice->tag ? quote(o, o->choice->tag) : "", o->choice->tag ? "'" : "");
	diag_help(o->d, "it holds %s", index->parts.count ? strbuf_text(&list) : "none at all");
	return -EINVAL;
}

static int several_fit(struct opener *o, const char *one, const char *other)
{
	diag_error(o->d, "C578", NULL, "the archive holds several images, such as '%s' and '%s'",
		   quote(o, one), quote(o, other));
	diag_help(o->d, "choose one with '--tag'");
	return -EINVAL;
}

/* The part to go on with: the first for this machine, one without a variant before the others. */
static const struct image_part *choose(struct opener *o, const struct image_document *index, unsigned depth)
{
	const struct image_part *best = NULL;

	for (size_t i = 0; i < index->parts.count; i++) {
		const struct image_part *p = &index->parts.items[i];

		if (!fits(o, p, depth))
			continue;
		if (best && depth == 0 && !str_equal(best->tag, p->tag)) {
			(void)several_fit(o, best->tag ? best->tag : best->digest, p->tag ? p->tag : p->digest);
			return NULL;
		}
		if (!best || (best->variant && !p->variant))
			best = p;
	}
	if (!best)
		(void)none_fits(o, index);
	return best;
}

static int open_layers(struct opener *o, const struct image_document *manifest, struct image_source *ret)
{
	ret->count = manifest->parts.count;
	ret->layers = arena_new_array(o->arena, struct image_layer, ret->count);
	for (size_t i = 0; i < ret->count; i++) {
		const char *digest = manifest->parts.items[i].digest;
		struct image_layer *layer = &ret->layers[i];

		layer->digest = digest;
		layer->fd = open_file(o, blob(o, digest), &layer->size);
		if (layer->fd < 0)
			return -EINVAL;
	}
	return 0;
}

/* index.json leads to a manifest, directly or through other indexes. */
static int open_layout(struct opener *o, struct image_source *ret)
{
	const char *path = "index.json", *digest = NULL, *why;
	struct image_document document;
	size_t length;
	char *text;

	for (unsigned depth = 0; depth <= LIMIT_IMAGE_INDEXES; depth++) {
		const struct image_part *part;

		if (read_document(o, path, digest, &text, &length) < 0)
			return -EINVAL;
		if (image_document_read(o->arena, text, length, &document, &why) < 0)
			return bad_document(o, path, why);
		if (!document.is_index)
			break;
		part = choose(o, &document, depth);
		if (!part)
			return -EINVAL;
		ret->tag = part->tag ? part->tag : ret->tag;
		digest = part->digest;
		path = blob(o, digest);
	}
	if (document.is_index || !digest)
		return bad_document(o, path, "no manifest is found in it");
	ret->digest = arena_printf(o->arena, "sha256:%s", digest);
	digest = document.config.digest;
	if (open_config(o, blob(o, digest), digest, &ret->config) < 0)
		return -EINVAL;
	return open_layers(o, &document, ret);
}

static bool has_tag(const struct image_saved *saved, const char *tag)
{
	for (size_t i = 0; i < saved->tags.count; i++)
		if (strcmp(saved->tags.items[i], tag) == 0)
			return true;
	return false;
}

static const struct image_saved *choose_saved(struct opener *o, const struct image_saved_list *list)
{
	const struct image_saved *best = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct image_saved *s = &list->items[i];

		if (o->choice->tag && !has_tag(s, o->choice->tag))
			continue;
		if (best) {
			(void)several_fit(o, best->tags.count ? best->tags.items[0] : best->config,
					  s->tags.count ? s->tags.items[0] : s->config);
			return NULL;
		}
		best = s;
	}
	if (!best)
		(void)diag_error(o->d, "C578", NULL, "the archive holds no image with the tag '%s'",
				 quote(o, o->choice->tag));
	return best;
}

/* The configuration's name holds its digest: "DIGEST.json", or "blobs/sha256/DIGEST". */
static const char *digest_in_name(struct opener *o, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t length = strspn(name, "0123456789abcdef");

	if (length != 64 || (name[64] && strcmp(name + 64, ".json") != 0))
		return NULL;
	return arena_strndup(o->arena, name, 64);
}

/* manifest.json leads to a configuration, which has the digests of the layers. */
static int open_saved(struct opener *o, struct image_source *ret)
{
	static const char path[] = "manifest.json";
	struct image_saved_list list;
	const struct image_saved *saved;
	const char *why, *digest;
	size_t length;
	char *text;

	if (read_document(o, path, NULL, &text, &length) < 0)
		return -EINVAL;
	if (image_saved_read(o->arena, text, length, &list, &why) < 0)
		return bad_document(o, path, why);
	saved = choose_saved(o, &list);
	if (!saved)
		return -EINVAL;
	digest = digest_in_name(o, saved->config);
	if (!digest)
		return bad_document(o, path, "the name of a configuration is not its digest");
	if (open_config(o, saved->config, digest, &ret->config) < 0)
		return -EINVAL;
	if (ret->config.inner_digests.count != saved->layers.count)
		return bad_document(o, path, "it has more or less layers than the configuration");
	ret->digest = arena_printf(o->arena, "sha256:%s", digest);
	ret->tag = saved->tags.count ? saved->tags.items[0] : NULL;
	ret->count = saved->layers.count;
	ret->layers = arena_new_array(o->arena, struct image_layer, ret->count);
	for (size_t i = 0; i < ret->count; i++) {
		struct image_layer *layer = &ret->layers[i];

		*layer = (struct image_layer){ .digest = ret->config.inner_digests.items[i], .inner = true };
		layer->fd = open_file(o, saved->layers.items[i], &layer->size);
		if (layer->fd < 0)
			return -EINVAL;
	}
	return 0;
}

int image_source_open(struct arena *arena, int directory, const struct image_choice *choice,
		      struct diags *d, struct image_source *ret)
{
	struct opener o = { arena, directory, choice, d };
	struct image_source source = { 0 };
	int r;

	if (faccessat(directory, "index.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = open_layout(&o, &source);
	else if (faccessat(directory, "manifest.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = open_saved(&o, &source);
	else
		r = diag_error(d, "C576", NULL, "there is neither an index.json nor a manifest.json");
	if (r == 0)
		*ret = source;
	return r;
}
