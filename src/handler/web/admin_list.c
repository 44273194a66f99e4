/* SPDX-License-Identifier: MIT */
#include "handler/web/admin_list.h"

#include "handler/web/page.h"
#include "handler/web/view.h"
#include "http/param.h"
#include "http/url.h"

/* clang-format off */
static const struct tmpl_key list_keys[] = {
	VIEW_TIME_KEYS("as_of"), { "about", TVAL_TEXT }, { "new_name", TVAL_TEXT }, { "new_href", TVAL_TEXT },
	{ "heads", TVAL_LIST }, { "heads.", TVAL_TEXT },
	{ "has_rows", TVAL_BOOL },
	{ "rows", TVAL_LIST }, { "rows.name", TVAL_TEXT }, { "rows.edit_href", TVAL_TEXT },
	{ "rows.state", TVAL_TEXT }, { "rows.is_on", TVAL_BOOL },
	{ "rows.cells", TVAL_LIST }, VIEW_TIME_KEYS("rows.cells.cell"),
	{ "has_more", TVAL_BOOL }, { "more_href", TVAL_TEXT },
	{ "empty", TVAL_TEXT }, { "first_name", TVAL_TEXT }, { "first_href", TVAL_TEXT },
	WEB_FIND_KEYS,
};
/* clang-format on */
const struct tmpl_page page_admin_list = PAGE("admin/admin_list", list_keys);

enum {
	Q_AFTER,
	Q_FIND,
	Q_DONE,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_AFTER] = { .name = "after", .type = PARAM_U64, .max = INT64_MAX },
	[Q_FIND] = { .name = "find",
	    .type = PARAM_TEXT,
	    .max = WEB_FIND_BYTES },
	[Q_DONE] = WEB_DONE_PARAM,
};

struct tval *
admin_list_row(struct tval *list, uint64_t id, struct str name,
    struct str state, bool is_on)
{
	struct tval *row = tval_push_object(list);

	tval_set_text(row, "name", name);
	/* The list makes a link of it. */
	tval_set_textf(row, "edit_href", "/%llu", (unsigned long long)id);
	tval_set_text(row, "state", state);
	tval_set_bool(row, "is_on", is_on);
	return tval_set_list(row, "cells");
}

void
admin_list_text(struct tval *cells, struct str text)
{
	view_time_word(tval_push_object(cells), "cell", text);
}

void
admin_list_time(struct tval *cells, int64_t time_ms)
{
	view_time(tval_push_object(cells), "cell", time_ms);
}

void
admin_list_day(struct tval *cells, int64_t time_ms)
{
	view_time_day(tval_push_object(cells), "cell", time_ms);
}

static void
set_links(struct tval *list, struct str base)
{
	for (struct tval_item *i = list ? list->first : NULL; i; i = i->next)
		for (struct tval_item *m = i->value->first; m; m = m->next)
			if (str_eq(m->key, S("edit_href")))
				m->value->text = arena_printf(list->a,
				    "%" PRI_STR "%" PRI_STR, STR_ARG(base),
				    STR_ARG(m->value->text));
}

static struct str
more_href(const struct app *app, struct arena *a, const struct web_place *place,
    const char *path, struct str find, uint64_t last)
{
	struct buf b;
	struct url u;

	if (!last)
		return S("");
	buf_init(&b, a, KIB(2));
	web_place_url(&u, &b, app, place, path);
	if (find.n)
		url_arg(&u, "find", find);
	url_arg_u64(&u, "after", last);
	return buf_str(&b);
}

/* For a list without a row: what comes first. */
static void
set_empty(struct tval *o, const struct app *app, const struct web_place *place,
    const struct admin_list *l)
{
	if (!o)
		return;
	tval_set_text(o, "empty", str_from(l->empty));
	tval_set_text(o, "first_name",
	    str_from(l->first_name ? l->first_name : l->new_name));
	tval_set_text(o, "first_href",
	    l->first_name
		? web_place_href(app, o->a, place, l->first_path, 0, "new")
		: web_place_href(app, o->a, place, l->path, 0, l->new_verb));
}

enum err
web_admin_list(struct app *app, const struct request *rq, struct response *rs,
    const struct admin_list *l, struct error *e)
{
	struct param_value query[Q__N];
	struct arena *a = rq->arena;
	struct web_place place;
	struct manager m;
	struct admin_list_ask ask;
	struct tval *o, *list;
	struct str base;
	uint64_t last = 0;
	enum err err = param_parse(a, query_spec, Q__N, rq->query, query, e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	o = web_place_page(app, rq, &place, &page_admin_list,
	    str_from(l->title));
	base = web_place_href(app, a, &place, l->path, 0, NULL);
	view_time(o, "as_of", m.now_ms);
	tval_set_text(o, "about", str_from(l->about));
	tval_set_text(o, "new_name", str_from(l->new_name));
	tval_set_text(o, "new_href",
	    web_place_href(app, a, &place, l->path, 0, l->new_verb));
	set_empty(o, app, &place, l);
	list = tval_set_list(o, "heads");
	for (size_t i = 0; i < l->n_heads; i++)
		tval_push_text(list, str_from(l->heads[i]));
	list = tval_set_list(o, "rows");
	ask = (struct admin_list_ask){ .after = query[Q_AFTER].u64 };
	if (l->find_label && query[Q_FIND].text.n)
		ask.find = query[Q_FIND].text;
	err = l->rows(app, &m, &ask, list, &last, e);
	manager_end(app, &m);
	if (err)
		return err;
	set_links(list, base);
	tval_set_bool(o, "has_rows", list && list->first);
	tval_set_bool(o, "has_more", last != 0);
	tval_set_text(o, "more_href",
	    more_href(app, a, &place, l->path, ask.find, last));
	web_find_add(o, l->find_label, ask.find, base);
	return web_page_send(app, rq, rs, 200, &page_admin_list, o, e);
}
