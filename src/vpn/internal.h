/* vpn/internal.h - private to src/vpn: lines, words and values of both formats. */
#ifndef CUDDY_VPN_INTERNAL_H
#define CUDDY_VPN_INTERNAL_H

#include "base/limits.h"
#include "vpn/config.h"

/* A piece of a file: its text (a copy) and its place. */
struct word { const char *text; struct origin origin; };

/* A cursor over a text that reader_check() has found clean: valid UTF-8, no control characters but tabs
 * and line ends. */
struct reader {
	struct arena *arena;
	struct diags *d;
	const struct source *source;
	const struct source *hidden; /* the same name, without a text: messages about secrets show no line */
	const char *at, *end;
	uint32_t line;		     /* of `at` */
	struct vpn_config *config;
	size_t addresses;	     /* that were read so far, of all kinds */
};

void reader_init(struct reader *r, struct arena *arena, const struct source *source, struct diags *d);
/* Size, UTF-8, control characters; 0 or -EINVAL. */
int reader_check(struct reader *r);
/* The next line, without its end; false behind the last. */
bool reader_line(struct reader *r, struct word *ret);
/* Part of a word that was not changed (`from` lies in it), with its own place. */
struct word word_part(struct arena *arena, const struct word *word, size_t from, size_t length);
struct word word_trimmed(struct arena *arena, const struct word *word);
/* The same place, in a source that shows nothing. */
struct origin reader_secret(const struct reader *r, const struct origin *origin);
const struct origin *origin_kept(struct arena *arena, const struct origin *origin);

/* Values.  Without a diagnostic: what failed is the caller's to say. */
bool parse_number(const char *text, unsigned long most, unsigned long *ret);
/* "10.1.2.3", "10.0.0.0/8", "fd00::/8"; `family` AF_UNSPEC takes both.  Bits behind the prefix are kept. */
bool parse_address(struct arena *arena, const char *text, int family, struct vpn_address *ret);
/* Clears the bits behind the prefix, in `bytes` and `text`. */
void address_mask(struct arena *arena, struct vpn_address *address);
/* A name of DNS in small letters or an address in its canonical form; NULL: none. */
const char *parse_host(struct arena *arena, const char *text, int *ret_family);
bool parse_key(const char *text, unsigned char ret[VPN_KEY_BYTES]);

/* Adds to a list of the configuration, up to LIMIT_VPN_ADDRESSES in all.  0 or -EINVAL, told. */
int reader_add_address(struct reader *r, struct vpn_addresses *list, const struct vpn_address *address,
		       const struct origin *origin);
int reader_add_search(struct reader *r, const struct word *domain);
/* Grows by one; the new remote is zeroed.  NULL: too many, told. */
struct vpn_remote *reader_add_remote(struct reader *r, const struct origin *origin);

/* openvpn.c, wireguard.c: fill r->config.  They tell all that is wrong and go on where they can. */
void openvpn_read(struct reader *r, int directory);
void wireguard_read(struct reader *r);
void wireguard_write(struct strbuf *out, const struct vpn_config *config, const char *const *addresses,
		     bool stored);
void openvpn_write(struct strbuf *out, const struct vpn_config *config, const char *const *addresses,
		   bool stored);

/* material.c: certificates, keys and secrets, which stand in blocks or in files of their own. */
enum material_form { MATERIAL_PEM, MATERIAL_STATIC, MATERIAL_BASE64, MATERIAL_FINGERPRINTS, MATERIAL_LOGIN,
		     MATERIAL_PASSWORD };
struct material {
	const char *name;	  /* of the block and of the directive */
	enum material_form form;
	bool is_secret;
	const char *labels[5];	  /* of PEM; the list ends with NULL */
};
enum { MATERIAL_COUNT = 12 };
const struct material *material_find(const char *name);
const struct material *material_at(size_t index);
size_t material_index(const struct material *m);
/* What `source` (a block or a file) comes to, written anew; NULL: an error, told.  MATERIAL_LOGIN and
 * MATERIAL_PASSWORD go to the configuration and give "". */
const char *material_read(struct reader *r, const struct material *m, const struct source *source);
/* The same from the file below `directory` (-1: none may be named) that stands at `word`. */
const char *material_load(struct reader *r, const struct material *m, int directory, const struct word *word);
#endif
