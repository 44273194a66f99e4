/* SPDX-License-Identifier: MIT */
/*
 * What the management routes share: lists by pages, ETags, bodies that are
 * read by the resource's own table.
 */
#ifndef TG_HANDLER_API_RESOURCE_H
#define TG_HANDLER_API_RESOURCE_H

#include "handler/manager.h"
#include "http/param.h"

#define LIST_LIMIT     50
#define LIST_LIMIT_MAX 1000
#define LIST_PARAM_MAX 20

/* The first two of every list; its filters follow. */
/* clang-format off */
#define LIST_PARAMS \
	{ .name = "cursor", .type = PARAM_TEXT, .min = 1, .max = 64 }, \
	{ .name = "limit", .type = PARAM_U64, .min = 1, .max = LIST_LIMIT_MAX }
#define LIST_N_PARAMS 2
#define FILTER_ID(n) { .name = n, .type = PARAM_U64, .min = 1, .max = UINT32_MAX }
#define FILTER_TEXT(n, bytes) { .name = n, .type = PARAM_TEXT, .min = 1, .max = bytes }
#define FILTER_ASCII(n, bytes) { .name = n, .type = PARAM_ASCII, .min = 1, .max = bytes }
#define FILTER_TIME(n) { .name = n, .type = PARAM_TIME }
#define FILTER_BOOL(n) { .name = n, .type = PARAM_BOOL }
#define FILTER_ENUM(n, all) { .name = n, .type = PARAM_ENUM, .choices = all }
/* clang-format on */

/* One kind of list. */
struct listing {
	const struct param_spec *params; /* LIST_PARAMS, then filters */
	size_t n_params;
	/* Up to limit rows beyond the id `after` (0: from the beginning).
	 * @v  values of the filters, LIST_PARAMS excluded */
	enum err (*page)(const struct manager *m, const struct param_value *v,
	    uint64_t after, uint64_t limit, struct arena *a, void **ret_rows,
	    size_t *ret_n, struct error *e);
	/* In place of page(), for what may end early: ret_next is where it
	 * goes on, 0 at the end. */
	enum err (*search)(const struct manager *m, const struct param_value *v,
	    uint64_t after, uint64_t limit, struct arena *a, void **ret_rows,
	    size_t *ret_n, uint64_t *ret_next, struct error *e);
	size_t id_off; /* of uint64_t in a row */
	/* extra of the manager that page() gets is the catalogue. */
};

/** The number in the path. Errors: ERR_NOT_FOUND. */
enum err resource_id(const struct resource *r, const struct request *rq,
    uint64_t *ret, struct error *e) ATTR_MUST_CHECK;
/** The row with its ETag. */
enum err resource_respond(const struct resource *r, const struct manager *m,
    const void *row, struct response *rs, int status,
    struct error *e) ATTR_MUST_CHECK;

/* A part of a list, for lists that no table of members describes. */
struct list_page {
	uint64_t after; /* id of the last one that was shown; 0: none was */
	uint64_t limit;
	uint32_t tie; /* of its cursors, as cursor_tie() says */
};
/** @spec, @v  n parameters, LIST_PARAMS first. Errors: ERR_BAD_PARAM "cursor". */
enum err list_page_read(const struct request *rq, const struct param_spec *spec,
    const struct param_value *v, size_t n, struct list_page *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Begin the answer: up to its first row. */
void list_begin(struct response *rs, struct json_out *j);
/** Write next_cursor. @last_id  of the last one shown; 0: nothing follows */
void list_page_end(const struct list_page *page, uint64_t last_id,
    struct json_out *j);

/*
 * Whole answers. extra: of struct manager, or NULL.
 */
enum err resource_list(struct app *app, const struct request *rq,
    struct response *rs, const struct record_type *record,
    const struct listing *l, struct error *e) ATTR_MUST_CHECK;
enum err resource_show(struct app *app, const struct request *rq,
    struct response *rs, const struct resource *r,
    struct error *e) ATTR_MUST_CHECK;
/** @row  what it is unless the body says otherwise */
enum err resource_post(struct app *app, const struct request *rq,
    struct response *rs, const struct resource *r, void *row,
    struct error *e) ATTR_MUST_CHECK;
/** As resource_post(), and the answer is the caller's. */
enum err resource_make(struct app *app, const struct request *rq,
    const struct resource *r, void *row, struct error *e) ATTR_MUST_CHECK;
enum err resource_patch(struct app *app, const struct request *rq,
    struct response *rs, const struct resource *r,
    struct error *e) ATTR_MUST_CHECK;
enum err resource_delete(struct app *app, const struct request *rq,
    struct response *rs, const struct resource *r,
    struct error *e) ATTR_MUST_CHECK;

/* A body for record_read(), and members that the handler reads by itself. */
struct resource_body {
	const struct json *json;
	struct record_input input;
	/* Reads the others into row; or NULL. */
	enum err (*read_others)(const struct json *body, void *row, void *arg,
	    struct error *e);
	void *arg;
};
enum err resource_body_parse(const struct request *rq, const struct manager *m,
    unsigned flag, struct resource_body *ret, struct error *e) ATTR_MUST_CHECK;
/** A resource_fn; arg is the struct resource_body. */
enum err resource_body_read(const struct resource *r, struct arena *a,
    void *row, void *arg, struct error *e) ATTR_MUST_CHECK;

/**
 * How long what is rotated stays valid: an optional body
 * {"grace_seconds": …}, 0..max_s; 0 without.
 */
enum err resource_read_grace(const struct request *rq, uint64_t max_s,
    uint64_t *ret_s, struct error *e) ATTR_MUST_CHECK;

#endif
