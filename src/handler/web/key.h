/* SPDX-License-Identifier: MIT */
/* What the pages of keys share: a visit, and the form of a key. */
#ifndef TG_HANDLER_WEB_KEY_H
#define TG_HANDLER_WEB_KEY_H

#include "domain/key_manage.h"
#include "handler/web/form.h"
#include "handler/web/place.h"

/* One visit of a page of keys. */
struct web_key {
	struct app *app;
	const struct request *rq;
	struct web_place place;
	struct manager m;
	uint64_t id; /* 0: of none, or of a new one */
	struct key_row row;
	struct web_form form;
};

/** Begin a visit: where it is, and the key whose id is in its path, if there
 * is one. Then web_key_end(), unless it failed. Errors: ERR_NOT_FOUND. */
enum err web_key_begin(struct web_key *v, struct app *app,
    const struct request *rq, bool has_id, struct error *e) ATTR_MUST_CHECK;
void web_key_end(struct web_key *v);
/** An empty form with its options: of a new key if v has none. */
enum err web_key_form(struct web_key *v, struct web_form *f,
    struct error *e) ATTR_MUST_CHECK;
/** Read v->form as it was sent. A project or member that is typed stands in it
 * as if it were chosen. Errors: ERR_BAD_PARAM. */
enum err web_key_form_read(struct web_key *v, struct error *e) ATTR_MUST_CHECK;
/** A form that shows the key. */
enum err web_key_fill(struct web_key *v, struct web_form *f,
    struct error *e) ATTR_MUST_CHECK;
/** Whether who visits may change the key, or make one (without a key). */
bool web_key_may_change(const struct web_key *v);

/** Whether the key may use a model. */
bool web_key_may_use_model(const struct web_key *v, uint64_t model_id);

/** What is in force of each key of a page, 1..KEY_SOME_MAX of the customer's,
 * in one statement. */
enum err web_key_limits(struct web_key *v, const struct key *keys, size_t n,
    struct limit_set *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * The key's page once more, with what is wrong: what e said. What was typed
 * stays, unless it was typed into what is no longer so.
 * @was_typed  v->form was read, by the form of its settings
 */
enum err web_key_refused(struct web_key *v, struct response *rs, bool was_typed,
    struct error *e) ATTR_MUST_CHECK;
/** Back to the key's page, which says what was done. @done  of done.def */
enum err web_key_redirect(const struct web_key *v, struct response *rs,
    const char *done, struct error *e) ATTR_MUST_CHECK;

/** Link to a page of keys. id 0, verb NULL: without. */
struct str web_key_href(const struct web_key *v, uint64_t id, const char *verb);
/** "tg_XXXXXXXXXX_…" */
struct str web_key_text(struct arena *a, struct str public_id);
/** "Active", and so on. */
struct str web_key_state_text(enum key_state state);

/* A secret's page, once. */
struct web_secret {
	struct str text;
	bool was_made_before; /* text is empty then */
	const char *title;
};
enum err web_key_show_secret(const struct web_key *v, struct response *rs,
    const struct web_secret *s, struct error *e) ATTR_MUST_CHECK;

#endif
