/* SPDX-License-Identifier: MIT */
/* The operator's lists: a table of texts, each row with a page of its own. */
#ifndef TG_HANDLER_WEB_ADMIN_LIST_H
#define TG_HANDLER_WEB_ADMIN_LIST_H

#include "handler/web/find.h"
#include "handler/web/place.h"

#define ADMIN_LIST_MAX 50 /* what a page of 60 KB has room for */

struct admin_list_ask {
	uint64_t after;
	struct str find; /* p == NULL: all */
};

struct admin_list {
	const char *title;
	const char *about;
	const char *new_name;     /* "New tier" */
	const char *new_verb;     /* of its path: "new" */
	const char *path;         /* of its things' pages: "tiers" */
	const char *const *heads; /* of the columns behind the name */
	size_t n_heads;
	/* Add rows beyond the id ask->after by admin_list_row(),
	 * ADMIN_LIST_MAX at most, and say the last one's id if there are more,
	 * else 0. */
	enum err (*rows)(struct app *app, const struct manager *m,
	    const struct admin_list_ask *ask, struct tval *list,
	    uint64_t *ret_last, struct error *e);
	const char *find_label; /* what ask->find is looked for in; NULL: there
				   are few */
	const char *empty;      /* what it says without a row: what that means
				   and what comes first */
	/* What to make then; NULL: the list's own new_name. */
	const char *first_name, *first_path;
};

/** A row; then a cell for each head, by what follows, to what it returns.
 * @is_on  whether it is in use, which state says in words */
struct tval *admin_list_row(struct tval *list, uint64_t id, struct str name,
    struct str state, bool is_on);

void admin_list_text(struct tval *cells, struct str text);
void admin_list_time(struct tval *cells, int64_t time_ms);
void admin_list_day(struct tval *cells, int64_t time_ms);

enum err web_admin_list(struct app *app, const struct request *rq,
    struct response *rs, const struct admin_list *l,
    struct error *e) ATTR_MUST_CHECK;

#endif
