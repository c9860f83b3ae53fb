/* import/write.c - entries as a TOML profile, as JSON, and as the plain text that folding resolves.
 * Must not: decide what is granted. */
#include "import/import.h"
#include "base/json.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 96  /* columns of the profile, comments included, where it can be kept */
#define NAMES 84  /* bytes of names in braces */
#define PLACES 40 /* bytes of a comment that names places */

static const char *const sections[] = { /* in the order of the profile */
	"", "environment", "environment.set", "filesystem", "networking", "runtime", "user", "desktop",
	"desktop.session-bus", "desktop.system-bus", "misc",
};

/* --- values ------------------------------------------------------------------------------ */

static const char *value_text(struct arena *arena, const struct import_entry *entry)
{
	struct strbuf out = { .arena = arena };

	if (entry->is_raw)
		return entry->value;
	json_quote(&out, entry->value);
	return strbuf_text(&out);
}

static int compare_origins(const void *a, const void *b)
{
	const struct origin *x = *(const struct origin *const *)a, *y = *(const struct origin *const *)b;
	int r = strcmp(x->source->name, y->source->name);

	return r ? r : x->line < y->line ? -1 : x->line > y->line;
}

const char *import_places(struct arena *arena, const struct origin *const *origins, size_t count, size_t most)
{
	const struct origin **sorted = arena_new_array(arena, const struct origin *, count + 1);
	struct strbuf out = { .arena = arena };

	if (count)
		memcpy(sorted, origins, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_origins);
	for (size_t n = 0, next; n < count; n = next) {
		const struct origin *first = sorted[n];
		bool same = n && str_equal(first->source->name, sorted[n - 1]->source->name);
		uint32_t last = first->line;

		for (next = n + 1; next < count && str_equal(sorted[next]->source->name, first->source->name) &&
				   sorted[next]->line <= last + 1; next++)
			last = sorted[next]->line;
		if (out.length && out.length + 8 > most) {
			strbuf_add(&out, " …");
			break;
		}
		if (same)
			strbuf_addf(&out, ",%u", first->line);
		else
			strbuf_addf(&out, "%s%s:%u", n ? " " : "",
				    str_quote(arena, path_base_name(first->source->name)), first->line);
		if (last > first->line)
			strbuf_addf(&out, "-%u", last);
	}
	return strbuf_text(&out);
}

static const char *places_of(struct import *i, const struct import_entry *entry)
{
	return import_places(i->arena, entry->origins.items, entry->origins.count, PLACES);
}

/* --- the plain form ---------------------------------------------------------------------- */

static bool is_shown(const struct import_entry *entry, bool with_unneeded)
{
	return entry->key && (with_unneeded || entry->need == IMPORT_WANTED);
}

/* Without the description: the profile that it is resolved with has one. */
const char *import_plain(struct import *i, bool with_unneeded)
{
	struct strbuf out = { .arena = i->arena };
	const char *section = "", *key = "";
	uint32_t line = 1;

	for (size_t s = 0; s < ARRAY_SIZE(sections); s++)
		for (size_t n = 0; n < i->entries.count; n++) {
			struct import_entry *e = &i->entries.items[n];

			if (!str_equal(e->section, sections[s]) || !is_shown(e, with_unneeded) ||
			    str_equal(e->key, "description"))
				continue;
			if (*key && (!str_equal(key, e->key) || !str_equal(section, e->section))) {
				strbuf_add(&out, "]\n");
				line++;
				key = "";
			}
			if (!str_equal(section, e->section)) {
				strbuf_addf(&out, "[%s]\n", e->section);
				line++;
				section = e->section;
			}
			if (e->is_single) {
				strbuf_addf(&out, "%s = %s\n", e->key, value_text(i->arena, e));
				e->line = line++;
				continue;
			}
			if (!*key) {
				strbuf_addf(&out, "%s = [\n", e->key);
				line++;
				key = e->key;
			}
			strbuf_addf(&out, "%s,\n", value_text(i->arena, e));
			e->line = line++;
		}
	if (*key)
		strbuf_add(&out, "]\n");
	return strbuf_text(&out);
}

/* --- names of one directory in braces ---------------------------------------------------- */

/* One line to be: a value, and where it comes from. */
struct item {
	const char *text;  /* TOML */
	const char *head, *name, *tail; /* of a pattern HEAD/NAME{,/,/ **}; name NULL: of no such form */
	const struct import_entry *entry;
	bool is_done;
};

static struct item item_of(struct import *i, const struct import_entry *entry)
{
	struct item item = { .text = value_text(i->arena, entry), .entry = entry };
	const char *value = entry->value;
	const char *tail = str_ends(value, "{,/,/**}") ? "{,/,/**}" : str_ends(value, "{/,/**}") ? "{/,/**}" : "";
	size_t length = strlen(value) - strlen(tail);
	char *body = arena_strndup(i->arena, value, length), *slash = strrchr(body, '/');

	if (entry->is_raw || entry->is_single || !slash || !slash[1] ||
	    !(str_equal(entry->section, "filesystem") || str_equal(entry->section, "misc")) ||
	    strpbrk(slash + 1, "{},\\"))
		return item;
	*slash = '\0';
	item.head = body;
	item.name = slash + 1;
	item.tail = tail;
	return item;
}

static bool same_file(const struct import_entry *a, const struct import_entry *b)
{
	return a->origins.count && b->origins.count ?
	       str_equal(a->origins.items[0]->source->name, b->origins.items[0]->source->name) :
	       a->origins.count == b->origins.count;
}

static bool go_together(const struct item *a, const struct item *b)
{
	return a->name && b->name && !b->is_done && str_equal(a->head, b->head) && str_equal(a->tail, b->tail) &&
	       same_file(a->entry, b->entry);
}

struct list { struct item *items; size_t count; };

static void end_line(struct import *i, struct strbuf *out, const char *text, const char *comma,
		     const struct origin *const *origins, size_t count)
{
	strbuf_addf(out, "\t%s%s%s%s\n", text, comma, count ? " # " : "",
		    import_places(i->arena, origins, count, PLACES));
}

/* The line that begins with item `first`; takes along what stands in the same directory. */
static void write_braces(struct import *i, struct strbuf *out, struct list list, size_t first)
{
	struct item *item = &list.items[first];
	VEC(const struct origin *) origins = { 0 };
	struct strbuf names = { .arena = i->arena }, value = { .arena = i->arena }, quoted = { .arena = i->arena };
	size_t count = 0;

	for (size_t n = first; n < list.count; n++) {
		struct item *other = &list.items[n];

		if (!go_together(item, other))
			continue;
		if (count && names.length + strlen(other->name) > NAMES)
			break;
		strbuf_addf(&names, "%s%s", count++ ? "," : "", other->name);
		for (size_t m = 0; m < other->entry->origins.count; m++)
			*vec_push(i->arena, &origins) = other->entry->origins.items[m];
		other->is_done = true;
	}
	strbuf_addf(&value, count > 1 ? "%s/{%s}%s" : "%s/%s%s", item->head, strbuf_text(&names), item->tail);
	json_quote(&quoted, strbuf_text(&value));
	end_line(i, out, strbuf_text(&quoted), ",", origins.items, origins.count);
}

/* Other values share a line with those from the same file. */
static void write_row(struct import *i, struct strbuf *out, struct list list, size_t first)
{
	VEC(const struct origin *) origins = { 0 };
	struct strbuf row = { .arena = i->arena };

	for (size_t n = first; n < list.count; n++) {
		struct item *other = &list.items[n];

		if (other->is_done || other->name || !same_file(list.items[first].entry, other->entry))
			continue;
		if (row.length && row.length + strlen(other->text) > WIDTH - PLACES)
			break;
		strbuf_addf(&row, "%s%s,", row.length ? " " : "", other->text);
		for (size_t m = 0; m < other->entry->origins.count; m++)
			*vec_push(i->arena, &origins) = other->entry->origins.items[m];
		other->is_done = true;
	}
	end_line(i, out, strbuf_text(&row), "", origins.items, origins.count);
}

static void write_list(struct import *i, struct strbuf *out, const char *key, struct list list)
{
	const char *places = places_of(i, list.items[0].entry);

	if (list.count == 1) {
		strbuf_addf(out, *places ? "%s = [%s] # %s\n" : "%s = [%s]%s\n", key, list.items[0].text, places);
		return;
	}
	strbuf_addf(out, "%s = [\n", key);
	for (size_t n = 0; n < list.count; n++) {
		if (list.items[n].is_done)
			continue;
		if (list.items[n].name)
			write_braces(i, out, list, n);
		else
			write_row(i, out, list, n);
	}
	strbuf_add(out, "]\n");
}

/* --- the profile ------------------------------------------------------------------------- */

static void write_section(struct import *i, struct strbuf *out, const char *section)
{
	struct list list = { .items = arena_new_array(i->arena, struct item, i->entries.count + 1) };
	bool headed = !*section;

	for (size_t n = 0; n < i->entries.count; n++) {
		const struct import_entry *e = &i->entries.items[n], *next = e + 1;

		if (!str_equal(e->section, section) || !is_shown(e, false))
			continue;
		if (!headed)
			strbuf_addf(out, "\n[%s]\n", section);
		headed = true;
		if (e->is_single) {
			const char *places = places_of(i, e);

			strbuf_addf(out, *places ? "%s = %s # %s\n" : "%s = %s%s\n", e->key,
				    value_text(i->arena, e), places);
			continue;
		}
		list.items[list.count++] = item_of(i, e);
		while (next < i->entries.items + i->entries.count && !is_shown(next, false))
			next++;
		if (next == i->entries.items + i->entries.count || !str_equal(next->section, section) ||
		    !str_equal(next->key, e->key)) {
			write_list(i, out, e->key, list);
			list.count = 0;
		}
	}
}

static const char *const loss_titles[] = {
	[IMPORT_LOST] = "Not carried over, so this profile is weaker there:",
	[IMPORT_NARROW] = "Narrower than there:",
	[IMPORT_UNKNOWN] = "Not understood:",
};

static void write_findings(struct import *i, struct strbuf *out)
{
	for (enum import_loss loss = IMPORT_LOST; loss <= IMPORT_UNKNOWN; loss++) {
		bool titled = false;

		for (size_t n = 0; n < i->findings.count; n++) {
			const struct import_finding *f = &i->findings.items[n];

			if (f->loss != loss)
				continue;
			if (!titled)
				strbuf_addf(out, "\n# %s\n", loss_titles[loss]);
			titled = true;
			strbuf_addf(out, "#   %s%s%s\n", f->origin ? import_places(i->arena, &f->origin, 1, PLACES) : "",
				    f->origin ? ": " : "", str_quote(i->arena, f->what)); /* words of the file */
		}
	}
	if (i->not_needed)
		strbuf_addf(out, "\n# %zu denies are left out: nothing here allows what they name.\n", i->not_needed);
}

const char *import_write(struct import *i)
{
	struct strbuf out = { .arena = i->arena };

	strbuf_addf(&out, "# from %s by 'cuddy import --from %s'\n", str_quote(i->arena, path_base_name(i->file)),
		    i->from);
	for (size_t s = 0; s < ARRAY_SIZE(sections); s++)
		write_section(i, &out, sections[s]);
	write_findings(i, &out);
	return strbuf_text(&out);
}

void import_write_json(struct import *i, struct json *json)
{
	json_object(json, NULL);
	json_string(json, "file", i->file);
	json_string(json, "from", i->from);
	json_array(json, "entries");
	for (size_t n = 0; n < i->entries.count; n++) {
		const struct import_entry *e = &i->entries.items[n];

		if (!is_shown(e, false))
			continue;
		json_object(json, NULL);
		json_string(json, "section", e->section);
		json_string(json, "key", e->key);
		json_string(json, "value", e->value);
		json_array(json, "origins");
		for (size_t m = 0; m < e->origins.count; m++)
			json_string(json, NULL, origin_text(i->arena, e->origins.items[m]));
		json_end_array(json);
		json_end_object(json);
	}
	json_end_array(json);
	json_array(json, "findings");
	for (size_t n = 0; n < i->findings.count; n++) {
		const struct import_finding *f = &i->findings.items[n];

		json_object(json, NULL);
		json_string(json, "loss", import_loss_name(f->loss));
		json_string(json, "origin", f->origin ? origin_text(i->arena, f->origin) : NULL);
		json_string(json, "what", f->what);
		json_end_object(json);
	}
	json_end_array(json);
	json_number(json, "denies-not-needed", (long long)i->not_needed);
	json_string(json, "profile", import_write(i));
	json_end_object(json);
}
