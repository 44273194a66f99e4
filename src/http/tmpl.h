/* SPDX-License-Identifier: MIT */
/*
 * Mustache templates: the core of the specification (interpolation,
 * sections, inverted sections, partials, comments, delimiters) and its
 * dynamic names ({{>*key}}: the partial that the value of key names).
 * No lambdas, no inheritance.
 *
 * A template is parsed once into a list of operations; a set of templates
 * does not change once it is made, so threads share it. Escaping is the
 * specification's & < > " and ' besides. An empty text counts as false,
 * which the specification leaves open.
 *
 * Source: https://github.com/mustache/spec, version 1.4.2 (2024).
 */
#ifndef TG_HTTP_TMPL_H
#define TG_HTTP_TMPL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/tval.h"

/* Sections in sections, at most, in one template. */
#define TMPL_NEST_MAX      32
/* Sections and partials inside each other while rendering. */
#define TMPL_DEPTH_MAX     128
/* Parts of a dotted name. */
#define TMPL_PARTS_MAX     16
/* All templates of a set, with their operations. */
#define TMPL_SET_BYTES_MAX MIB(16)

struct tmpl_set;

/** An empty set with one reference. ERR_NO_MEMORY. tmpl_set_unref(). */
enum err tmpl_set_new(struct tmpl_set **ret, struct error *e) ATTR_MUST_CHECK;
/**
 * Parse text under a name and add it. Text and name are copied.
 * Errors: ERR_CONFIG with "name:line: what is wrong" in internal: a tag
 *         or section that is not closed, a close without its section, an
 *         empty or unreadable name, delimiters that are none, a second
 *         template of that name; ERR_NO_MEMORY.
 */
enum err tmpl_set_add(struct tmpl_set *set, struct str name, struct str text,
    struct error *e) ATTR_MUST_CHECK;
/**
 * A set of all files below dir whose names end in .html, by their path
 * without dir and ending: "partial/nav" is dir/partial/nav.html.
 * Errors: as tmpl_set_add(), places written "dir/partial/nav.html:3";
 *         ERR_IO when dir or a file can't be read; ERR_CONFIG when there
 *         is no template at all.
 */
enum err tmpl_set_load(const char *dir, struct tmpl_set **ret,
    struct error *e) ATTR_MUST_CHECK;
/** One more holder of the set; any thread. */
struct tmpl_set *tmpl_set_ref(struct tmpl_set *set);
/** One holder less; the last frees the set. NULL is fine. */
void tmpl_set_unref(struct tmpl_set *set);
bool tmpl_set_has(const struct tmpl_set *set, struct str name);

/**
 * Append the template `name`, rendered with root, to b. A key or partial
 * that does not exist renders as nothing (tmpl_check() is for that).
 * Errors: ERR_CONFIG no such template; ERR_INTERNAL nesting beyond
 *         TMPL_DEPTH_MAX. What happens to b shows in its buf_finish().
 * Memory: allocates nothing but b's bytes; about 200 bytes of stack for
 *         each level of nesting.
 */
enum err tmpl_render(const struct tmpl_set *set, struct str name,
    const struct tval *root, struct buf *b, struct error *e) ATTR_MUST_CHECK;

/* One key of a page: "keys" (LIST), "keys.name" (TEXT) inside its section,
 * "models." for {{.}} inside a list of texts. */
struct tmpl_key {
	const char *path;
	enum tval_kind kind;
};

/* What a page may use: its own keys and those of every page. */
struct tmpl_page {
	const char *layout; /* rendered; includes {{>*page}} */
	const char *body;   /* the template that {{>*page}} stands for */
	const struct tmpl_key *keys;
	size_t n_keys;
	const struct tmpl_key *common;
	size_t n_common;
};

/**
 * Whether a page's templates are there and use declared keys only, each as
 * its kind allows ({{x}}: TEXT), and no unescaped tag. Partials are followed.
 * Errors: ERR_CONFIG with "file:line: what is wrong".
 */
enum err tmpl_check(const struct tmpl_set *set, const struct tmpl_page *page,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Whether root holds every declared key and nothing else, each of its kind,
 * in every item of every list: for tests of the handlers.
 * Errors: ERR_CONFIG naming the first key at fault.
 */
enum err tmpl_check_values(const struct tmpl_page *page,
    const struct tval *root, struct error *e) ATTR_MUST_CHECK;

#endif
