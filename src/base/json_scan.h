/* SPDX-License-Identifier: MIT */
/*
 * Reading JSON where it stands: a one-pass validator of RFC 8259 that also
 * notes where the members of the outermost object are, and a walker over
 * text that the validator has passed. No tree, no allocation, no recursion,
 * so bytes that only pass through stay as they are. Small objects that are
 * wanted as a tree are ext/json's work.
 */
#ifndef TG_BASE_JSON_SCAN_H
#define TG_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define JSON_SCAN_DEPTH_MAX 128

enum json_kind {
	JSON_NONE, /* there is no such value */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* One member of an object, or one element of an array (name empty). */
struct json_member {
	struct str name;  /* between the quotes, as written */
	struct str value; /* as written; a string with its quotes */
	enum json_kind kind;
	bool is_name_escaped; /* name holds a backslash */
};

struct json_scan {
	/* in */
	unsigned depth_max;          /* 1..JSON_SCAN_DEPTH_MAX */
	struct json_member *members; /* members_cap entries, or NULL */
	size_t members_cap;
	/* out */
	enum json_kind kind;   /* of the whole text */
	size_t n_members;      /* of the outermost object, even beyond cap */
	size_t n_values;       /* of every depth, containers included */
	size_t n_names;        /* of every depth */
	bool has_nul_escape;   /* some string holds an escaped U+0000 */
	struct str inner;      /* outermost object: between its braces */
	const char *failure;   /* what is wrong: a literal; NULL = nothing */
	size_t failure_offset; /* and where */
};

/**
 * Check that text is exactly one JSON value, strictly: UTF-8, no control
 * characters in strings, no leading zeros, nothing behind it but space.
 * A repeated name is not an error here; see json_scan_repeated().
 * Returns false with `failure` set. Views point into text.
 */
bool json_scan(struct json_scan *s, struct str text) ATTR_MUST_CHECK;

/** Index of the first member whose name came before; n_members if none. */
size_t json_scan_repeated(const struct json_scan *s);

/* Steps over the members or elements of one container. */
struct json_walk {
	const char *p, *end;
	bool is_object;
};

/** container: the value of an array or object that json_scan() accepted. */
void json_walk_init(struct json_walk *w, struct str container);
/** Next member or element; false at the end. */
bool json_walk_next(struct json_walk *w, struct json_member *ret);
/**
 * Member `name` of an accepted object; false when absent. Of a repeated
 * name the last one counts, as most readers have it.
 */
bool json_walk_find(struct str object, struct str name,
    struct json_member *ret);

/**
 * Text of a string value (with its quotes), escapes resolved; a lone
 * surrogate becomes U+FFFD. Without escapes it is a view of value itself.
 * {NULL, 0} when the arena is full.
 */
struct str json_unescape(struct arena *a, struct str value);
/** Number of bytes that json_unescape() would give. */
size_t json_unescaped_bytes(struct str value);
/**
 * The same text run by run, without memory for it: bytes as they stand, or
 * what one escape stands for, which is written to `escape`.
 * @rest  what is left; at first what lies between the quotes
 * Returns false at the end.
 */
bool json_text_next(struct str *rest, char escape[4], struct str *ret);

#endif
