/* SPDX-License-Identifier: MIT */
/* The page of one form: what it is about, the way back, and what else may be
 * done with the thing that it shows. */
#ifndef TG_HANDLER_WEB_FORM_PAGE_H
#define TG_HANDLER_WEB_FORM_PAGE_H

#include "handler/web/form.h"
#include "handler/web/place.h"

/* Texts without a p are left out. */
struct web_form_page {
	struct str title;
	struct str list_name, list_href; /* the way back */
	struct str intro;
	struct str action_href; /* where the form is sent */
	/* Something else to do with it, by a form that asks for the
	 * password. */
	struct str act_href, act_name, act_text;
	bool is_act_refused; /* the form of act_… is what was refused */
	/* Another page about it. */
	struct str link_href, link_name;
	/* Its end. */
	struct str end_href, end_name, end_text;
};

/**
 * @refused  what is wrong with a form, which tells the status; NULL:
 *           nothing, 200, and is_act_refused is false
 */
enum err web_form_page_send(const struct app *app, const struct request *rq,
    struct response *rs, const struct web_place *place,
    const struct web_form_page *page, const struct web_form *f,
    const struct error *refused, struct error *e) ATTR_MUST_CHECK;

#endif
