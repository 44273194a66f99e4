/* SPDX-License-Identifier: MIT */
/*
 * The playground: a prompt that a page sends to a model under a key of the
 * customer's. It is that key's request, admitted, metered and settled as one
 * that came with its secret; whoever may change the key, and so could give
 * it a new secret, may ask under it.
 */
#ifndef TG_HANDLER_WEB_PLAYGROUND_H
#define TG_HANDLER_WEB_PLAYGROUND_H

#include "handler/prompt.h"
#include "handler/web/key.h"

/* Keys that the page offers; any other by its own page. */
#define PLAYGROUND_KEYS_MAX 100

/* One visit. v.id and v.row are the chosen key's, v.form is the prompt's. */
struct playground {
	struct web_key v;
	bool is_live; /* the page's script asks, and wants no page */
	struct form_option *keys;
	size_t n_keys;
	bool has_more_keys;
	bool is_offered; /* they are loaded: the page can be shown */

	/* What was asked. */
	struct str model;
	struct prompt prompt;
	struct principal as; /* the key, as its secret would have told */
	const struct principal *person; /* who is signed in, meanwhile */

	struct str text; /* the answer; p == NULL: none came */
	struct str said; /* why the provider refused it; empty: it did not */
};

/** A visit, with an empty form. Then web_key_end(), unless it failed. */
enum err playground_begin(struct playground *p, struct app *app,
    const struct request *rq, struct error *e) ATTR_MUST_CHECK;
/** The key that the visit is about. Errors: ERR_NOT_FOUND no such key of the
 * customer; ERR_FORBIDDEN who visits may not change it. */
enum err playground_choose(struct playground *p, uint64_t api_key_id,
    struct error *e) ATTR_MUST_CHECK;
/** The keys that the page offers, and the models of the chosen one. */
enum err playground_offer(struct playground *p,
    struct error *e) ATTR_MUST_CHECK;
/** Why the chosen key can't ask; "": it can. */
struct str playground_obstacle(const struct playground *p);

/**
 * The page.
 * @refused  what is wrong; NULL: nothing
 * @m        what was metered; NULL: nothing was asked
 */
enum err playground_page(const struct playground *p, struct response *rs,
    int status, const struct error *refused, const struct meter *m,
    struct error *e) ATTR_MUST_CHECK;
/** The same for the page's script: JSON with error, text and facts, as far
 * as there are any. */
enum err playground_json(const struct playground *p, struct response *rs,
    int status, const struct error *refused, const struct meter *m,
    struct error *e) ATTR_MUST_CHECK;
/** The event behind a stream: its facts, once they are known and if anybody
 * listens. */
void playground_event(const struct playground *p, struct response *rs,
    const struct meter *m);

#endif
