/* SPDX-License-Identifier: MIT */
/*
 * A row as the API, the audit log and ETags see it: a table of members says
 * what they are called, where they lie in the row's struct, and who may give
 * them. What is in no table can be neither written nor read, so a body
 * cannot smuggle anything in.
 */
#ifndef TG_DOMAIN_RECORD_H
#define TG_DOMAIN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json_out.h"
#include "base/limit_set.h"
#include "ext/json.h"

enum record_kind {
	RECORD_ID,     /* uint64_t; 0 <-> null */
	RECORD_TEXT,   /* struct str of min..max bytes; p == NULL <-> null */
	RECORD_COUNT,  /* int64_t, min..max; -1 <-> null */
	RECORD_U64,    /* uint64_t, min..max */
	RECORD_BOOL,   /* bool */
	RECORD_TIME,   /* int64_t ms; 0 <-> null; given ones lie ahead */
	RECORD_ENUM,   /* an enum by its names */
	RECORD_BITS,   /* uint64_t, a bit a name <-> array of names */
	RECORD_TEXTS,  /* struct str with commas <-> array of at most max texts;
			 p == NULL <-> null */
	RECORD_IDS,    /* the same of numbers; read only */
	RECORD_PPM,    /* int64_t millionths, at most max, as a decimal; shown:
			  -1 <-> null */
	RECORD_LIMIT,  /* a number of a struct limit_set <-> number or null */
	RECORD_LIMITS, /* all of a struct limit_set <-> an object of those that
			  are stated; given ones change, null takes away */
	RECORD_JSON,   /* struct str, JSON already; read only */
	RECORD_OWN,    /* begins with a struct str of JSON, which is shown; a
			 function of its own reads it */
};

enum record_flag {
	RECORD_NEW = 1 << 0,      /* may be given when it is made */
	RECORD_NEEDED = 1 << 1,   /* and must be */
	RECORD_SET = 1 << 2,      /* may be changed */
	RECORD_NULL = 1 << 3,     /* may be null */
	RECORD_OPERATOR = 1 << 4, /* given and changed by operators only */
	RECORD_LIVE = 1 << 5,     /* moves by itself: in no ETag, no audit */
	RECORD_HIDDEN = 1 << 6,   /* shown to operators only */
	RECORD_UNSHOWN = 1 << 7,  /* only for ETags and the audit log */
	RECORD_LINES = 1 << 8,    /* text that may have several lines */
};

/**
 * Read the member of that name, which is there and may be null.
 * @to  what lies at the member's off
 */
typedef enum err record_read_fn(const struct json *body, const char *name,
    struct arena *a, void *to, struct error *e);

struct record_member {
	const char *name;
	enum record_kind kind;
	size_t off;
	unsigned flags; /* of enum record_flag */
	uint64_t min, max;
	const char *const *names; /* ENUM, BITS */
	unsigned n_names;
	enum limit_metric metric; /* LIMIT */
	record_read_fn *read;     /* OWN */
};

struct record_type {
	const char *noun;   /* "project": of actions in the audit log */
	const char *object; /* the same of objects there */
	const char *title;  /* in sentences */
	const struct record_member *members;
	size_t n_members;
	size_t row_bytes;
};

/** All members, between the braces that the caller writes. */
void record_write(const struct record_type *t, const void *row,
    bool to_operator, struct json_out *j);

/**
 * Read what a body gives into row; what it leaves out stays.
 * @flag      RECORD_NEW or RECORD_SET
 * @operator  whether RECORD_OPERATOR members may be given
 * @others    names that the caller reads by itself
 * @now_ms    times must be later
 * Errors: ERR_BAD_PARAM naming a member that is unknown, forbidden, missing
 *         or out of bounds.
 * Memory: texts live as body does, or in a.
 */
struct record_input {
	unsigned flag;
	bool is_operator;
	const char *const *others;
	size_t n_others;
	int64_t now_ms;
};
enum err record_read(const struct record_type *t, const struct json *body,
    const struct record_input *in, struct arena *a, void *row,
    struct error *e) ATTR_MUST_CHECK;

/** What an object of limits by their names gives into ret; null takes one
 * away. Errors: ERR_BAD_PARAM naming the limit. */
enum err record_limits_read(const struct json *body, const char *member,
    struct limit_set *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * Bounds of what a row was filled with, whoever filled it: of the members that
 * may be given and that differ from before.
 * @before  NULL: it is to be made
 * Errors: ERR_BAD_PARAM naming the member.
 */
enum err record_check(const struct record_type *t, const void *before,
    const void *row, int64_t now_ms, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

/** A member's value as JSON. Memory: in a. */
struct str record_value(const struct record_member *m, const void *row,
    struct arena *a);
/** The text of a member that is a string in JSON. */
struct str record_text(const struct record_member *m, const void *row,
    struct arena *a);

#define RECORD_ETAG_BYTES 36 /* with its quotes and a NUL */
/** A strong validator of all that doesn't move by itself. */
void record_etag(const struct record_type *t, const void *row, struct arena *a,
    char ret[RECORD_ETAG_BYTES]);
/**
 * Whether If-Match lets a change pass.
 * @if_match  the header; p == NULL: there is none, and all pass
 * Errors: ERR_PRECONDITION.  Source: RFC 9110, 13.1.1.
 */
enum err record_match(struct str if_match, const char *etag,
    struct error *e) ATTR_MUST_CHECK;

/**
 * {"before":{…},"after":{…}} of the members that differ; those that are hidden
 * in "operator":{…} of the same shape, which no tenant reads.
 * @before, @after  NULL: made, or gone
 * Memory: in a; p == NULL when it did not fit, and the arena says so.
 */
struct str record_changes(const struct record_type *t, const void *before,
    const void *after, struct arena *a);
/** Whether these are none. */
bool record_is_unchanged(struct str changes);

#endif
