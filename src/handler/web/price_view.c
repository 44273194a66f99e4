/* SPDX-License-Identifier: MIT */
#include "handler/web/price_view.h"

#include "base/money.h"
#include "store/price.h"

const char *const web_price_classes[TOK_CLASS__MAX] = {
	[TOK_IN] = "Input",
	[TOK_IN_CACHED] = "Input from the cache",
	[TOK_CACHE_WRITE] = "Input written to the cache",
	[TOK_IN_AUDIO] = "Audio input",
	[TOK_OUT] = "Output",
	[TOK_OUT_REASONING] = "Reasoning",
	[TOK_OUT_AUDIO] = "Audio output",
	[TOK_OUT_IMAGE] = "Image output",
};

/*
 * A million tokens times the markup in millionths: that is the price of one
 * token times the markup's number, exactly.
 */
static enum err
set_million(struct tval *o, const char *key, int64_t token_pusd,
    uint64_t markup_ppm, struct error *e)
{
	int64_t million_pusd;
	enum err err = money_mul_tok(token_pusd, markup_ppm, &million_pusd, e);

	if (!err && o)
		tval_set_text(o, key, view_money_text(o->a, million_pusd));
	return err;
}

/* Media that a model has no price for it doesn't have. */
static bool
is_shown(const struct price *p, unsigned class)
{
	bool is_media = class == TOK_IN_AUDIO || class == TOK_OUT_AUDIO ||
			class == TOK_OUT_IMAGE;

	return !is_media || p->tok_pusd[TOK_NORMAL][class] ||
	       p->tok_pusd[TOK_LONG][class];
}

enum err
web_price_view(struct tval *o, const struct price *p, uint64_t markup_ppm,
    bool is_whole, struct error *e)
{
	struct tval *list = tval_set_list(o, "prices");
	int64_t request_pusd = 0;
	enum err err = OK;

	for (unsigned k = 0; !err && k < TOK_CLASS__MAX; k++) {
		struct tval *row;

		if (!is_whole && !is_shown(p, k))
			continue;
		row = tval_push_object(list);
		tval_set_text(row, "what", str_from(web_price_classes[k]));
		err = set_million(row, "normal", p->tok_pusd[TOK_NORMAL][k],
		    markup_ppm, e);
		if (!err)
			err = set_million(row, "long", p->tok_pusd[TOK_LONG][k],
			    markup_ppm, e);
	}
	if (!err)
		err = money_mul_ppm(p->request_pusd, markup_ppm, &request_pusd,
		    e);
	tval_set_bool(o, "has_request", request_pusd != 0);
	view_money(o, "request", request_pusd);
	return err;
}
