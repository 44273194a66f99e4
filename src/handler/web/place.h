/* SPDX-License-Identifier: MIT */
/*
 * Where a page stands: among a customer's, below /dashboard/{customer_id}, or
 * among the operator's, below /admin. Whoever may not see a customer finds
 * that it isn't there.
 */
#ifndef TG_HANDLER_WEB_PLACE_H
#define TG_HANDLER_WEB_PLACE_H

#include "handler/manager.h"
#include "store/customer.h"

struct tmpl_page;
struct tval;
struct url;

struct web_place {
	bool is_admin;
	struct customer customer; /* zeros on the operator's pages */
	unsigned n_params;        /* of the path, that say where this is */
};

/**
 * Take a connection and find out where the page is. The manager sees what
 * belongs to the place: on a customer's pages an operator, too, only that
 * customer's. Then manager_end(), unless it failed.
 * Errors: ERR_NOT_FOUND no such customer, or another's; the pool's.
 */
enum err web_place_begin(struct app *app, const struct request *rq,
    struct web_place *ret, struct manager *ret_m,
    struct error *e) ATTR_MUST_CHECK;
/** The id in the path behind the place. Errors: ERR_NOT_FOUND. */
enum err web_place_id(const struct web_place *place, const struct request *rq,
    uint64_t *ret, struct error *e) ATTR_MUST_CHECK;

/** Link to place/path, or place/path/id/verb. path "": the place itself; id 0
 * and verb NULL: without. Memory: in a. */
struct str web_place_href(const struct app *app, struct arena *a,
    const struct web_place *place, const char *path, uint64_t id,
    const char *verb);
/** The same being written, for arguments to follow. path "": the place itself. */
void web_place_url(struct url *u, struct buf *b, const struct app *app,
    const struct web_place *place, const char *path);
/** web_page_begin(), and the customer's name for the frame. */
struct tval *web_place_page(const struct app *app, const struct request *rq,
    const struct web_place *place, const struct tmpl_page *page,
    struct str title);
/**
 * See other: a page of this place, which says what was done.
 * @done  of done.def
 */
enum err web_place_redirect(const struct app *app, const struct request *rq,
    struct response *rs, const struct web_place *place, const char *path,
    const char *done, struct error *e) ATTR_MUST_CHECK;

#endif
