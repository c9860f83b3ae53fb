/* cage/image_manifest.c - the JSON documents of images: indexes, manifests, configurations.
 * Must not: open anything; what it gives back are claims of the image's maker. */
#include "cage/image_manifest.h"

#include "base/json_read.h"
#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static int fail(const char **ret_error, const char *why)
{
	*ret_error = why;
	return -EINVAL;
}

static const char *parse_digest(const char *text)
{
	if (!text || !str_starts(text, "sha256:"))
		return NULL;
	text += strlen("sha256:");
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64 ? text : NULL;
}

static int read_strings(struct arena *arena, const struct json_value *list, struct image_strings *ret)
{
	VEC(const char *) strings = { 0 };

	if (list && list->type != JSON_ARRAY && list->type != JSON_NULL)
		return -EINVAL;
	for (const struct json_value *v = json_items(list); v; v = v->next) {
		if (v->type != JSON_STRING)
			return -EINVAL;
		*vec_push(arena, &strings) = v->string;
	}
	*ret = (struct image_strings){ strings.items, strings.count };
	return 0;
}

static int read_part(const struct json_value *value, struct image_part *ret, const char **ret_error)
{
	const struct json_value *platform = json_get(value, "platform");

	*ret = (struct image_part){
		.digest = parse_digest(json_get_string(value, "digest")),
		.size = json_get_size(value, "size"),
		.os = json_get_string(platform, "os"),
		.architecture = json_get_string(platform, "architecture"),
		.variant = json_get_string(platform, "variant"),
		.tag = json_get_string(json_get(value, "annotations"), "org.opencontainers.image.ref.name"),
	};
	if (!ret->digest)
		return fail(ret_error, "a part has no digest of the form sha256:…");
	return ret->size < 0 ? fail(ret_error, "a part has no size") : 0;
}

int image_document_read(struct arena *arena, const char *text, size_t length,
			struct image_document *ret, const char **ret_error)
{
	const struct json_value *root, *list;
	struct image_document document = { 0 };

	if (json_parse(arena, text, length, &root, ret_error) < 0)
		return -EINVAL;
	list = json_get(root, "manifests");
	document.is_index = list != NULL;
	if (!list)
		list = json_get(root, "layers");
	if (!list || list->type != JSON_ARRAY)
		return fail(ret_error, "it lists neither manifests nor layers");
	for (const struct json_value *v = json_items(list); v; v = v->next) {
		if (document.parts.count == LIMIT_IMAGE_LAYERS)
			return fail(ret_error, "it lists too many parts");
		if (read_part(v, vec_push(arena, &document.parts), ret_error) < 0)
			return -EINVAL;
	}
	if (!document.is_index && read_part(json_get(root, "config"), &document.config, ret_error) < 0)
		return -EINVAL;
	*ret = document;
	return 0;
}

int image_config_read(struct arena *arena, const char *text, size_t length,
		      struct image_config *ret, const char **ret_error)
{
	const struct json_value *root, *inside;
	struct image_config config;

	if (json_parse(arena, text, length, &root, ret_error) < 0)
		return -EINVAL;
	if (root->type != JSON_OBJECT)
		return fail(ret_error, "it is no object");
	inside = json_get(root, "config");
	config = (struct image_config){
		.os = json_get_string(root, "os"),
		.architecture = json_get_string(root, "architecture"),
		.variant = json_get_string(root, "variant"),
		.created = json_get_string(root, "created"),
		.user = json_get_string(inside, "User"),
		.directory = json_get_string(inside, "WorkingDir"),
	};
	if (read_strings(arena, json_get(inside, "Entrypoint"), &config.entrypoint) < 0 ||
	    read_strings(arena, json_get(inside, "Cmd"), &config.command) < 0 ||
	    read_strings(arena, json_get(inside, "Env"), &config.environment) < 0 ||
	    read_strings(arena, json_get(json_get(root, "rootfs"), "diff_ids"), &config.inner_digests) < 0)
		return fail(ret_error, "a list of it holds something that is no text");
	for (size_t i = 0; i < config.inner_digests.count; i++) {
		config.inner_digests.items[i] = parse_digest(config.inner_digests.items[i]);
		if (!config.inner_digests.items[i])
			return fail(ret_error, "a layer has no digest of the form sha256:…");
	}
	*ret = config;
	return 0;
}

int image_saved_read(struct arena *arena, const char *text, size_t length,
		     struct image_saved_list *ret, const char **ret_error)
{
	VEC(struct image_saved) list = { 0 };
	const struct json_value *root;

	if (json_parse(arena, text, length, &root, ret_error) < 0)
		return -EINVAL;
	for (const struct json_value *v = json_items(root); v; v = v->next) {
		struct image_saved saved = { .config = json_get_string(v, "Config") };

		if (!saved.config || read_strings(arena, json_get(v, "RepoTags"), &saved.tags) < 0 ||
		    read_strings(arena, json_get(v, "Layers"), &saved.layers) < 0)
			return fail(ret_error, "an image has no Config, or its RepoTags or Layers are no texts");
		if (saved.layers.count > LIMIT_IMAGE_LAYERS)
			return fail(ret_error, "it lists too many parts");
		*vec_push(arena, &list) = saved;
	}
	if (!list.count)
		return fail(ret_error, "it lists no image");
	*ret = (struct image_saved_list){ list.items, list.count };
	return 0;
}

/* Names of the Go tool chain, which image-spec uses, for what uname(2) says. */
static const struct { const char *machine, *name; } architectures[] = {
	{ "aarch64", "arm64" },	  { "armv6l", "arm/v6" },   { "armv7l", "arm/v7" },
	{ "armv8l", "arm/v7" },	  { "i586", "386" },	    { "i686", "386" },
	{ "loongarch64", "loong64" }, { "mips64", "mips64le" }, { "ppc64le", "ppc64le" },
	{ "riscv64", "riscv64" }, { "s390x", "s390x" },	    { "x86_64", "amd64" },
};

const char *image_architecture(const char *machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (strcmp(architectures[i].machine, machine) == 0)
			return architectures[i].name;
	return NULL;
}

bool image_architecture_fits(const char *wanted, const char *architecture, const char *variant)
{
	size_t length = wanted ? strcspn(wanted, "/") : 0;

	if (!wanted || !architecture || !*architecture)
		return true;
	if (strlen(architecture) != length || strncmp(wanted, architecture, length) != 0)
		return false;
	return !wanted[length] || !variant || !*variant || strcmp(wanted + length + 1, variant) == 0;
}
