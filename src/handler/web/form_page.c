/* SPDX-License-Identifier: MIT */
#include "handler/web/form_page.h"

#include "handler/web/page.h"

static const struct tmpl_key form_keys[] = {
	{ "list_name", TVAL_TEXT },
	{ "list_href", TVAL_TEXT },
	{ "intro", TVAL_TEXT },
	{ "action_href", TVAL_TEXT },
	{ "is_new", TVAL_BOOL },
	FORM_KEYS("form"),
	{ "has_act", TVAL_BOOL },
	{ "act_href", TVAL_TEXT },
	{ "act_name", TVAL_TEXT },
	{ "act_text", TVAL_TEXT },
	{ "act_message", TVAL_TEXT },
	{ "link_href", TVAL_TEXT },
	{ "link_name", TVAL_TEXT },
	{ "has_end", TVAL_BOOL },
	{ "end_href", TVAL_TEXT },
	{ "end_name", TVAL_TEXT },
	{ "end_text", TVAL_TEXT },
};
const struct tmpl_page page_form = PAGE("dashboard/form", form_keys);

static void
add_texts(struct tval *o, const struct web_form_page *p)
{
	const struct {
		const char *key;
		struct str text;
	} texts[] = { { "list_name", p->list_name },
		{ "list_href", p->list_href }, { "intro", p->intro },
		{ "action_href", p->action_href }, { "act_href", p->act_href },
		{ "act_name", p->act_name }, { "act_text", p->act_text },
		{ "link_href", p->link_href }, { "link_name", p->link_name },
		{ "end_href", p->end_href }, { "end_name", p->end_name },
		{ "end_text", p->end_text } };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		tval_set_text(o, texts[i].key,
		    texts[i].text.p ? texts[i].text : S(""));
}

enum err
web_form_page_send(const struct app *app, const struct request *rq,
    struct response *rs, const struct web_place *place,
    const struct web_form_page *page, const struct web_form *f,
    const struct error *refused, struct error *e)
{
	int status = refused ? err_info(refused->code)->http_status : 200;
	struct tval *o = web_place_page(app, rq, place, &page_form,
	    page->title);

	add_texts(o, page);
	tval_set_bool(o, "is_new", f->is_new);
	tval_set_bool(o, "has_act", page->act_href.n > 0);
	tval_set_bool(o, "has_end", page->end_href.n > 0);
	tval_set_text(o, "act_message",
	    page->is_act_refused && o ? web_form_message(o->a, refused)
				      : S(""));
	web_form_view(tval_set_object(o, "form"), f,
	    page->is_act_refused ? NULL : refused);
	return web_page_send(app, rq, rs, status, &page_form, o, e);
}
